// HMAC-SHA256 of messages of 12 bytes under keys of 32 bytes, with the SHA instructions. `streams` is a constant where it is called:
// several MACs step by step in turn hide the latency of the instructions.
#pragma once
#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

static const uint32_t K[64] __attribute__((aligned(16))) = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// A state is in the order of the instructions: a b e f and c d g h, from high to low.
typedef struct { __m128i part[2]; } state;
typedef struct { __m128i word[4]; } block;
typedef struct { state inner, outer; } midstate;

INLINE void compress(int streams, state *s, block *w) {
  state before[2];
  for (int n = 0; n < streams; n++) before[n] = s[n];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
#pragma GCC unroll 2
    for (int n = 0; n < streams; n++) {
      __m128i *m = w[n].word, *p = s[n].part;
      if (i >= 4) {
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]), _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
        m[i & 3] = _mm_sha256msg2_epu32(sum, m[(i + 3) & 3]);
      }
      __m128i wk = _mm_add_epi32(m[i & 3], _mm_load_si128((const __m128i *)K + i));
      p[1] = _mm_sha256rnds2_epu32(p[1], p[0], wk);
      p[0] = _mm_sha256rnds2_epu32(p[0], p[1], _mm_shuffle_epi32(wk, 0x0e));
    }
  for (int n = 0; n < streams; n++)
    for (int i = 0; i < 2; i++) s[n].part[i] = _mm_add_epi32(s[n].part[i], before[n].part[i]);
}

INLINE __m128i big_endian(__m128i x) {
  return _mm_shuffle_epi8(x, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

// The words of a state: a b c d and e f g h, from low to high.
INLINE void words(const state *s, __m128i w[2]) {
  __m128i feba = _mm_shuffle_epi32(s->part[0], 0x1b), dchg = _mm_shuffle_epi32(s->part[1], 0x1b);
  w[0] = _mm_unpacklo_epi64(feba, dchg), w[1] = _mm_unpackhi_epi64(feba, dchg);
}

INLINE void hmac_key(int streams, const uint8_t *const *keys, midstate *out) {
  const __m128i ipad = _mm_set1_epi32(0x36363636), opad = _mm_set1_epi32(0x5c5c5c5c);
  state inner[2], outer[2];
  block i[2], o[2];
  for (int n = 0; n < streams; n++) {
    __m128i a = big_endian(_mm_loadu_si128((const __m128i *)keys[n])), b = big_endian(_mm_loadu_si128((const __m128i *)keys[n] + 1));
    i[n] = (block){{a ^ ipad, b ^ ipad, ipad, ipad}}, o[n] = (block){{a ^ opad, b ^ opad, opad, opad}};
    inner[n].part[0] = outer[n].part[0] = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    inner[n].part[1] = outer[n].part[1] = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
  }
  compress(streams, inner, i);
  compress(streams, outer, o);
  for (int n = 0; n < streams; n++) out[n] = (midstate){inner[n], outer[n]};
}

// A message is its three words, the highest lane is written over.
INLINE void hmac_finish(int streams, const midstate *const *keys, const __m128i *messages, state *mac) {
  const __m128i zero = _mm_setzero_si128();
  block m[2];
  for (int n = 0; n < streams; n++) {
    mac[n] = keys[n]->inner;
    m[n] = (block){{_mm_insert_epi32(messages[n], (int)0x80000000, 3), zero, zero, _mm_set_epi32(608, 0, 0, 0)}};
  }
  compress(streams, mac, m);
  for (int n = 0; n < streams; n++) {
    words(&mac[n], m[n].word);
    m[n].word[2] = _mm_set_epi32(0, 0, 0, (int)0x80000000), m[n].word[3] = _mm_set_epi32(768, 0, 0, 0);
    mac[n] = keys[n]->outer;
  }
  compress(streams, mac, m);
}
