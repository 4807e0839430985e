// AES-128-ECB with the AES instructions, eight blocks at a time: what a batch could cost at best.
#include <immintrin.h>
#include "slices.h"

enum { BLOCKS = 4096 };
static __m128i round_keys[11], in[BLOCKS], out[BLOCKS];

static inline __m128i next_key(__m128i key, __m128i assist) {
  assist = _mm_shuffle_epi32(assist, 0xff);
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

static void expand(const uint8_t key[16]) {
  round_keys[0] = _mm_loadu_si128((const __m128i *)key);
#define NEXT(i, rc) round_keys[i] = next_key(round_keys[i - 1], _mm_aeskeygenassist_si128(round_keys[i - 1], rc))
  NEXT(1, 1); NEXT(2, 2); NEXT(3, 4); NEXT(4, 8); NEXT(5, 16); NEXT(6, 32); NEXT(7, 64); NEXT(8, 128); NEXT(9, 27); NEXT(10, 54);
}

static __attribute__((noinline)) void encrypt_all(void) {
  for (int i = 0; i < BLOCKS; i += 8) {
    __m128i b[8];
    for (int k = 0; k < 8; k++) b[k] = _mm_xor_si128(in[i + k], round_keys[0]);
    for (int r = 1; r < 10; r++)
      for (int k = 0; k < 8; k++) b[k] = _mm_aesenc_si128(b[k], round_keys[r]);
    for (int k = 0; k < 8; k++) out[i + k] = _mm_aesenclast_si128(b[k], round_keys[10]);
  }
}

int main(int count, char **arguments) {
  // FIPS 197, appendix C.1.
  static const uint8_t cipher[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
  uint8_t key[16];
  for (int i = 0; i < 16; i++) key[i] = (uint8_t)i, ((uint8_t *)in)[i] = (uint8_t)(17 * i);
  for (int i = 16; i < 16 * BLOCKS; i++) ((uint8_t *)in)[i] = random_byte();
  expand(key);
  encrypt_all();
  must(memcmp(out, cipher, 16) == 0, "FIPS 197 appendix C.1");
  slices(encrypt_all, BLOCKS, count > 2 ? atoi(arguments[2]) : 200);
}
