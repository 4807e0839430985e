// AES-128 with the AES instructions, eight blocks at a time.
#pragma once
#include <immintrin.h>
#include <stdint.h>

static __m128i round_keys[11];

static inline __m128i next_key(__m128i key, __m128i assist) {
  assist = _mm_shuffle_epi32(assist, 0xff);
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

static void aes_key(const uint8_t key[16]) {
  round_keys[0] = _mm_loadu_si128((const __m128i *)key);
#define NEXT(i, rc) round_keys[i] = next_key(round_keys[i - 1], _mm_aeskeygenassist_si128(round_keys[i - 1], rc))
  NEXT(1, 1); NEXT(2, 2); NEXT(3, 4); NEXT(4, 8); NEXT(5, 16); NEXT(6, 32); NEXT(7, 64); NEXT(8, 128); NEXT(9, 27); NEXT(10, 54);
#undef NEXT
}

static inline __attribute__((always_inline)) void aes_encrypt8(__m128i b[8]) {
  for (int k = 0; k < 8; k++) b[k] = _mm_xor_si128(b[k], round_keys[0]);
  for (int r = 1; r < 10; r++)
    for (int k = 0; k < 8; k++) b[k] = _mm_aesenc_si128(b[k], round_keys[r]);
  for (int k = 0; k < 8; k++) b[k] = _mm_aesenclast_si128(b[k], round_keys[10]);
}
