// AES-128-ECB with the AES instructions: what a batch could cost at best.
#include "aes.h"
#include "slices.h"

enum { BLOCKS = 4096 };
static __m128i in[BLOCKS], out[BLOCKS];

static __attribute__((noinline)) void encrypt_all(void) {
  for (int i = 0; i < BLOCKS; i += 8) {
    __m128i b[8];
    for (int k = 0; k < 8; k++) b[k] = in[i + k];
    aes_encrypt8(b);
    for (int k = 0; k < 8; k++) out[i + k] = b[k];
  }
}

int main(int count, char **arguments) {
  // FIPS 197, appendix C.1.
  static const uint8_t cipher[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
  uint8_t key[16];
  for (int i = 0; i < 16; i++) key[i] = (uint8_t)i, ((uint8_t *)in)[i] = (uint8_t)(17 * i);
  for (int i = 16; i < 16 * BLOCKS; i++) ((uint8_t *)in)[i] = random_byte();
  aes_key(key);
  encrypt_all();
  must(memcmp(out, cipher, 16) == 0, "FIPS 197 appendix C.1");
  slices(encrypt_all, BLOCKS, count > 2 ? atoi(arguments[2]) : 200);
}
