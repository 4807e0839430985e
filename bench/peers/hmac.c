// HMAC-SHA256 of messages of 12 bytes under distinct keys of 32 bytes, with the SHA instructions, one stream.
#include <immintrin.h>
#include "slices.h"

enum { COUNT = 1024 };
static uint8_t keys[32 * COUNT], messages[16 * COUNT], macs[32 * COUNT];
static struct { __m128i inner[2], outer[2]; } midstates[COUNT];

static const uint32_t K[64] __attribute__((aligned(16))) = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state in the order of the instructions: a b e f and c d g h, from high to low.
static inline __attribute__((always_inline)) void compress(__m128i state[2], const __m128i block[4]) {
  __m128i abef = state[0], cdgh = state[1], w[4] = {block[0], block[1], block[2], block[3]};
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    if (i >= 4) {
      __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
      w[i & 3] = _mm_sha256msg2_epu32(sum, w[(i + 3) & 3]);
    }
    __m128i wk = _mm_add_epi32(w[i & 3], _mm_load_si128((const __m128i *)K + i));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
  }
  state[0] = _mm_add_epi32(state[0], abef);
  state[1] = _mm_add_epi32(state[1], cdgh);
}

static inline __m128i big_endian(__m128i x) {
  return _mm_shuffle_epi8(x, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

static inline void expand(const uint8_t *key, __m128i inner[2], __m128i outer[2]) {
  __m128i a = big_endian(_mm_loadu_si128((const __m128i *)key)), b = big_endian(_mm_loadu_si128((const __m128i *)key + 1));
  __m128i ipad = _mm_set1_epi32(0x36363636), opad = _mm_set1_epi32(0x5c5c5c5c);
  __m128i i[4] = {a ^ ipad, b ^ ipad, ipad, ipad}, o[4] = {a ^ opad, b ^ opad, opad, opad};
  inner[0] = outer[0] = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
  inner[1] = outer[1] = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
  compress(inner, i);
  compress(outer, o);
}

static inline void finish(const __m128i inner[2], const __m128i outer[2], const uint8_t *message, uint8_t *mac) {
  __m128i zero = _mm_setzero_si128(), s[2] = {inner[0], inner[1]};
  __m128i m = big_endian(_mm_loadu_si128((const __m128i *)message));
  m = _mm_insert_epi32(m, (int)0x80000000, 3);
  __m128i i[4] = {m, zero, zero, _mm_set_epi32(608, 0, 0, 0)};
  compress(s, i);
  // Back to the order a b c d, e f g h, from low to high.
  __m128i feba = _mm_shuffle_epi32(s[0], 0x1b), dchg = _mm_shuffle_epi32(s[1], 0x1b);
  __m128i o[4] = {_mm_unpacklo_epi64(feba, dchg), _mm_unpackhi_epi64(feba, dchg), _mm_set_epi32(0, 0, 0, (int)0x80000000),
                  _mm_set_epi32(768, 0, 0, 0)};
  s[0] = outer[0], s[1] = outer[1];
  compress(s, o);
  feba = _mm_shuffle_epi32(s[0], 0x1b), dchg = _mm_shuffle_epi32(s[1], 0x1b);
  _mm_storeu_si128((__m128i *)mac, big_endian(_mm_unpacklo_epi64(feba, dchg)));
  _mm_storeu_si128((__m128i *)mac + 1, big_endian(_mm_unpackhi_epi64(feba, dchg)));
}

static __attribute__((noinline)) void from_keys(void) {
  __m128i inner[2], outer[2];
  for (int i = 0; i < COUNT; i++) {
    expand(keys + 32 * i, inner, outer);
    finish(inner, outer, messages + 16 * i, macs + 32 * i);
  }
}
static __attribute__((noinline)) void from_midstates(void) {
  for (int i = 0; i < COUNT; i++) finish(midstates[i].inner, midstates[i].outer, messages + 16 * i, macs + 32 * i);
}

int main(int count, char **arguments) {
  // Key 00 01 … 1f, message 00 01 … 0b, as any HMAC-SHA256 has it.
  static const uint8_t expected[32] = {0x7a, 0x38, 0x7f, 0xa4, 0x9b, 0x0a, 0x32, 0x7d, 0x83, 0xca, 0x19, 0x10, 0x22, 0xb9, 0x72, 0x1e,
                                       0xe5, 0x6f, 0x79, 0xd8, 0x13, 0xaf, 0x61, 0xd3, 0xc2, 0x82, 0x70, 0xdb, 0xae, 0xe8, 0x96, 0x3d};
  int midstate = count > 1 && strcmp(arguments[1], "midstates") == 0;
  for (int i = 32; i < 32 * COUNT; i++) keys[i] = random_byte();
  for (int i = 16; i < 16 * COUNT; i++) messages[i] = random_byte();
  for (int i = 0; i < 32; i++) keys[i] = (uint8_t)i;
  for (int i = 0; i < 12; i++) messages[i] = (uint8_t)i;
  from_keys();
  must(memcmp(macs, expected, 32) == 0, "HMAC-SHA256 from a key");
  for (int i = 0; i < COUNT; i++) expand(keys + 32 * i, midstates[i].inner, midstates[i].outer);
  from_midstates();
  must(memcmp(macs, expected, 32) == 0, "HMAC-SHA256 from midstates");
  slices(midstate ? from_midstates : from_keys, COUNT, count > 2 ? atoi(arguments[2]) : 200);
}
