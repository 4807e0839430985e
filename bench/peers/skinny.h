// SKINNY-64/192 with AVX2: the kernel's own layout (packages/protocol/asm/skinny.ts) with vectors twice as wide, 64 blocks a pass;
// and one block after the other as the paper says it, to check against.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef long long v __attribute__((vector_size(32)));
enum { ROUNDS = 40 };

static v encrypt_table[ROUNDS * 9], decrypt_table[ROUNDS * 9];
static uint8_t schedule[ROUNDS][8], constants[ROUNDS];

static void key_schedule(const uint8_t key[24]) {
  static const int permutation[16] = {9, 15, 8, 13, 10, 14, 12, 11, 0, 1, 2, 3, 4, 5, 6, 7};
  uint8_t t[3][16], next[16], rc = 0;
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 16; i++) t[k][i] = i & 1 ? key[8 * k + i / 2] & 15 : key[8 * k + i / 2] >> 4;
  for (int r = 0; r < ROUNDS; r++) {
    rc = ((rc << 1) & 63) | ((rc >> 5) ^ ((rc >> 4) & 1) ^ 1);
    constants[r] = rc;
    for (int i = 0; i < 8; i++) schedule[r][i] = t[0][i] ^ t[1][i] ^ t[2][i];
    for (int k = 0; k < 3; k++) {
      for (int i = 0; i < 16; i++) next[i] = t[k][permutation[i]];
      for (int i = 0; i < 8; i++) {
        uint8_t x = next[i];
        if (k == 1) next[i] = ((x << 1) & 15) | ((x >> 3) ^ ((x >> 2) & 1));
        if (k == 2) next[i] = (x >> 1) | (((x ^ (x >> 3)) & 1) << 3);
      }
      memcpy(t[k], next, 16);
    }
  }
}

static void make_table(v *table, const int offsets[4][3], int backwards) {
  int32_t *out = (int32_t *)table;
  for (int n = 0; n < ROUNDS; n++) {
    int r = backwards ? ROUNDS - 1 - n : n;
    for (int c = 0; c < 4; c++)
      for (int vector = 0; vector < 9; vector++) {
        int row = vector / 4, plane = row == 2 ? 1 : vector % 4;
        int nibble = row == 2 ? (c == 0 ? 2 : 0) : schedule[r][4 * row + c];
        if (c == 0 && row == 0) nibble ^= constants[r] & 15;
        if (c == 0 && row == 1) nibble ^= constants[r] >> 4;
        int bit = ((nibble >> plane) & 1) ^ (row == 0 && plane < 2);
        int lane = (c + offsets[n & 3][row] + 2 * (n >> 2)) & 3;
        out[8 * (9 * n + vector) + lane] = out[8 * (9 * n + vector) + 4 + lane] = -bit;
      }
  }
}

static void skinny_key(const uint8_t key[24]) {
  static const int forward[4][3] = {{0, 0, 2}, {1, 0, 3}, {1, 1, 3}, {2, 1, 0}};
  static const int back[4][3] = {{0, 3, 2}, {3, 3, 1}, {3, 2, 1}, {2, 2, 0}};
  key_schedule(key);
  make_table(encrypt_table, forward, 0);
  make_table(decrypt_table, back, 1);
  // Instructions of the older encoding, as those for SHA, are many times slower while upper halves of registers are in use.
  _mm256_zeroupper();
}

static void skinny_naive(uint8_t *block, int encrypt) {
  static const uint8_t box[16] = {12, 6, 9, 0, 1, 10, 2, 11, 3, 8, 5, 13, 4, 14, 7, 15};
  uint8_t s[16], t[16], back[16];
  for (int i = 0; i < 16; i++) back[box[i]] = (uint8_t)i;
  for (int i = 0; i < 16; i++) s[i] = i & 1 ? block[i / 2] & 15 : block[i / 2] >> 4;
  for (int n = 0; n < ROUNDS; n++) {
    int r = encrypt ? n : ROUNDS - 1 - n;
    if (encrypt) for (int i = 0; i < 16; i++) s[i] = box[s[i]];
    else {
      for (int c = 0; c < 4; c++) {
        uint8_t A = s[c], B = s[4 + c], C = s[8 + c], D = s[12 + c];
        t[c] = B, t[8 + c] = B ^ D, t[4 + c] = C ^ B ^ D, t[12 + c] = A ^ D;
      }
      for (int i = 0; i < 16; i++) s[i] = t[(i & 12) | ((i + i / 4) & 3)];
    }
    for (int i = 0; i < 8; i++) s[i] ^= schedule[r][i];
    s[0] ^= constants[r] & 15, s[4] ^= constants[r] >> 4, s[8] ^= 2;
    if (!encrypt) for (int i = 0; i < 16; i++) s[i] = back[s[i]];
    else {
      for (int i = 0; i < 16; i++) t[i] = s[(i & 12) | ((i - i / 4) & 3)];
      for (int c = 0; c < 4; c++) {
        uint8_t a = t[c], b = t[4 + c], e = t[8 + c], d = t[12 + c];
        s[c] = a ^ e ^ d, s[4 + c] = a, s[8 + c] = b ^ e, s[12 + c] = a ^ e;
      }
    }
  }
  for (int i = 0; i < 8; i++) block[i] = (uint8_t)(s[2 * i] << 4 | s[2 * i + 1]);
}

#define M(x) ((__m256i)(x))
#define LOW8(x, y) ((v)_mm256_unpacklo_epi8(M(x), M(y)))
#define HIGH8(x, y) ((v)_mm256_unpackhi_epi8(M(x), M(y)))
#define LOW32(x, y) ((v)_mm256_unpacklo_epi32(M(x), M(y)))
#define HIGH32(x, y) ((v)_mm256_unpackhi_epi32(M(x), M(y)))
#define TURN(x, n) ((v)_mm256_shuffle_epi32(M(x), (n) == 1 ? 0x93 : (n) == 2 ? 0x4e : 0x39))
#define SWAP(x, y, n, mask) (t = (((v)_mm256_srli_epi64(M(x), n)) ^ y) & mask, y ^= t, x ^= (v)_mm256_slli_epi64(M(t), n))

static inline __attribute__((always_inline)) void swap_all(v *x) {
  v t, m1 = (v)_mm256_set1_epi8(0x55), m2 = (v)_mm256_set1_epi8(0x33), m4 = (v)_mm256_set1_epi8(0x0f);
  for (int h = 0; h < 16; h += 8) {
    for (int i = 0; i < 8; i += 2) SWAP(x[h + i], x[h + i + 1], 1, m1);
    for (int i = 0; i < 8; i++) if (!(i & 2)) SWAP(x[h + i], x[h + i + 2], 2, m2);
    for (int i = 0; i < 4; i++) SWAP(x[h + i], x[h + i + 4], 4, m4);
  }
}

static inline __attribute__((always_inline)) void pack(const uint8_t *from, v *s) {
  v x[16];
  for (int i = 0; i < 16; i += 2) {
    v a = (v)_mm256_loadu2_m128i((const __m128i *)(from + 256 + 16 * i), (const __m128i *)(from + 16 * i));
    v b = (v)_mm256_loadu2_m128i((const __m128i *)(from + 272 + 16 * i), (const __m128i *)(from + 16 + 16 * i));
    x[i] = LOW8(a, b), x[i + 1] = HIGH8(a, b);
  }
  swap_all(x);
  for (int p = 0; p < 4; p++) {
    v t0 = LOW8(x[p], x[p + 8]), t1 = LOW8(x[p + 4], x[p + 12]);
    v b0 = HIGH8(x[p], x[p + 8]), b1 = HIGH8(x[p + 4], x[p + 12]);
    s[p] = LOW32(t1, t0), s[4 + p] = HIGH32(t1, t0);
    s[8 + p] = TURN(LOW32(b1, b0), 2), s[12 + p] = HIGH32(b1, b0);
  }
}

static inline __attribute__((always_inline)) void unpack(v *s, uint8_t *to) {
  const v group = (v)_mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 2, 10, 1, 9, 3, 11, 4, 12, 6, 14, 5, 13, 7, 15));
  v x[16];
  for (int p = 0; p < 4; p++) {
    v a = (v)_mm256_shuffle_epi8(M(s[p]), M(group)), b = (v)_mm256_shuffle_epi8(M(s[4 + p]), M(group));
    v c = (v)_mm256_shuffle_epi8(M(TURN(s[8 + p], 2)), M(group)), d = (v)_mm256_shuffle_epi8(M(s[12 + p]), M(group));
    v u0 = (v)_mm256_unpacklo_epi16(M(a), M(b)), u1 = (v)_mm256_unpackhi_epi16(M(a), M(b));
    v l0 = (v)_mm256_unpacklo_epi16(M(c), M(d)), l1 = (v)_mm256_unpackhi_epi16(M(c), M(d));
    x[p] = LOW32(u1, l1), x[p + 4] = LOW32(u0, l0), x[p + 8] = HIGH32(u1, l1), x[p + 12] = HIGH32(u0, l0);
  }
  swap_all(x);
  for (int i = 0; i < 16; i += 2) {
    __m256i a = _mm256_unpacklo_epi64(M(x[i]), M(x[i + 1])), b = _mm256_unpackhi_epi64(M(x[i]), M(x[i + 1]));
    _mm256_storeu2_m128i((__m128i *)(to + 256 + 16 * i), (__m128i *)(to + 16 * i), a);
    _mm256_storeu2_m128i((__m128i *)(to + 272 + 16 * i), (__m128i *)(to + 16 + 16 * i), b);
  }
}

// S-boxes differ in which planes are kept complemented: 8, 0, 0, C in the four rows before a round of encryption, and after one
// of decryption. The tables flip planes 0 and 1 of row 0 to make it so.
#define E_A(a, b, c, d) a ^= d & ~c, d ^= c | b, c ^= b | a, b ^= a | d
#define E_B(a, b, c, d) a ^= d | c, d ^= c | b, c ^= a & ~b, b ^= a & d
#define E_D(a, b, c, d) a ^= d & c, d ^= c & ~b, c ^= b | a, b ^= d & ~a
#define D_A(a, b, c, d) a ^= d | c, b ^= a | d, c ^= b | a, d ^= c & ~b
#define D_B(a, b, c, d) a ^= d & c, b ^= d & ~a, c ^= b | a, d ^= c | b
#define D_D(a, b, c, d) a ^= c & ~d, b ^= a | d, c ^= b & ~a, d ^= c & b
#define BOX(box, r, p, q, s, t) box(r##p, r##q, r##s, r##t)
#define KEY(r, p, q, s, t, n) r##p ^= k[n], r##q ^= k[n + 1], r##s ^= k[n + 2], r##t ^= k[n + 3]
#define ADD(x, y) x##0 ^= y##0, x##1 ^= y##1, x##2 ^= y##2, x##3 ^= y##3
#define ADDT(x, y, n) x##0 ^= TURN(y##0, n), x##1 ^= TURN(y##1, n), x##2 ^= TURN(y##2, n), x##3 ^= TURN(y##3, n)

#define ENCRYPT(A, B, C, D, p, q, s, t, n)                                                              \
  BOX(E_A, A, p, q, s, t), BOX(E_B, B, p, q, s, t), BOX(E_B, C, p, q, s, t), BOX(E_D, D, p, q, s, t);   \
  KEY(A, q, s, t, p, n), KEY(B, q, s, t, p, n + 4), C##s ^= k[n + 8];
#define ENCRYPT_EVEN(A, B, C, D, p, q, s, t, n) ENCRYPT(A, B, C, D, p, q, s, t, n) ADDT(B, C, 3), ADD(C, A), ADDT(D, C, 1);
#define ENCRYPT_ODD(A, B, C, D, p, q, s, t, n) ENCRYPT(A, B, C, D, p, q, s, t, n) ADDT(B, C, 2), ADD(C, A), ADD(D, C);

#define DECRYPT(A, B, C, D, p, q, s, t, n)                                                              \
  KEY(B, p, q, s, t, n), KEY(C, p, q, s, t, n + 4), D##q ^= k[n + 8];                                   \
  BOX(D_A, B, p, q, s, t), BOX(D_B, C, p, q, s, t), BOX(D_B, D, p, q, s, t), BOX(D_D, A, p, q, s, t);
#define DECRYPT_EVEN(A, B, C, D, p, q, s, t, n) ADD(A, D), ADD(D, B), ADDT(C, D, 2); DECRYPT(A, B, C, D, p, q, s, t, n)
#define DECRYPT_ODD(A, B, C, D, p, q, s, t, n) ADDT(A, D, 1), ADD(D, B), ADDT(C, D, 3); DECRYPT(A, B, C, D, p, q, s, t, n)

#define LOAD(r, i) v r##0 = s[i], r##1 = s[i + 1], r##2 = s[i + 2], r##3 = s[i + 3]
#define STORE(r, i) s[i] = r##0, s[i + 1] = r##1, s[i + 2] = r##2, s[i + 3] = r##3

static inline __attribute__((always_inline)) void skinny_pass(uint8_t *at, const v *k, int encrypt) {
  v s[16];
  pack(at, s);
  LOAD(a, 0); LOAD(b, 4); LOAD(c, 8); LOAD(d, 12);
  a3 = ~a3, d2 = ~d2, d3 = ~d3;
  for (int turn = 0; turn < ROUNDS / 4; turn++, k += 36) {
    if (encrypt) {
      ENCRYPT_EVEN(a, b, c, d, 0, 1, 2, 3, 0)
      ENCRYPT_ODD(d, a, b, c, 1, 2, 3, 0, 9)
      ENCRYPT_EVEN(c, d, a, b, 2, 3, 0, 1, 18)
      ENCRYPT_ODD(b, c, d, a, 3, 0, 1, 2, 27)
    } else {
      DECRYPT_EVEN(a, b, c, d, 0, 1, 2, 3, 0)
      DECRYPT_ODD(b, c, d, a, 3, 0, 1, 2, 9)
      DECRYPT_EVEN(c, d, a, b, 2, 3, 0, 1, 18)
      DECRYPT_ODD(d, a, b, c, 1, 2, 3, 0, 27)
    }
  }
  a3 = ~a3, d2 = ~d2, d3 = ~d3;
  STORE(a, 0); STORE(b, 4); STORE(c, 8); STORE(d, 12);
  unpack(s, at);
}
