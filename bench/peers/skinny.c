// SKINNY-64/192 with AVX2, batches of 4096 blocks.
#include "skinny.h"
#include "slices.h"

enum { BLOCKS = 4096 };
static uint8_t blocks[8 * BLOCKS] __attribute__((aligned(32)));

static __attribute__((noinline)) void encrypt_all(void) {
  for (int i = 0; i < 8 * BLOCKS; i += 512) skinny_pass(blocks + i, encrypt_table, 1);
}
static __attribute__((noinline)) void decrypt_all(void) {
  for (int i = 0; i < 8 * BLOCKS; i += 512) skinny_pass(blocks + i, decrypt_table, 0);
}

int main(int count, char **arguments) {
  static const uint8_t key[24] = {0xed, 0x00, 0xc8, 0x5b, 0x12, 0x0d, 0x68, 0x61, 0x87, 0x53, 0xe2, 0x4b,
                                  0xfd, 0x90, 0x8f, 0x60, 0xb2, 0xdb, 0xb4, 0x1b, 0x42, 0x2d, 0xfc, 0xd0};
  static const uint8_t plain[8] = {0x53, 0x0c, 0x61, 0xd3, 0x5e, 0x86, 0x63, 0xc3};
  static const uint8_t cipher[8] = {0xdd, 0x2c, 0xf1, 0xa8, 0xf3, 0x30, 0x30, 0x3c};
  static uint8_t before[8 * BLOCKS], expected[8 * BLOCKS];
  int encrypt = count > 1 && strcmp(arguments[1], "encrypt") == 0;
  skinny_key(key);
  memcpy(before, plain, 8);
  for (int i = 8; i < 8 * BLOCKS; i++) before[i] = random_byte();
  memcpy(expected, before, sizeof before);
  for (int i = 0; i < 8 * BLOCKS; i += 8) skinny_naive(expected + i, 1);
  must(memcmp(expected, cipher, 8) == 0, "official vector");
  memcpy(blocks, before, sizeof before);
  encrypt_all();
  must(memcmp(blocks, expected, sizeof blocks) == 0, "encryption");
  decrypt_all();
  must(memcmp(blocks, before, sizeof blocks) == 0, "decryption");
  for (int i = 0; i < 8 * BLOCKS; i += 8) skinny_naive(expected + i, 0);
  must(memcmp(expected, before, sizeof before) == 0, "naive decryption");
  slices(encrypt ? encrypt_all : decrypt_all, BLOCKS, count > 2 ? atoi(arguments[2]) : 200);
}
