// HMAC-SHA256 of messages of 12 bytes under distinct keys of 32 bytes, with the SHA instructions, one stream.
#include "hmac.h"
#include "slices.h"

enum { COUNT = 1024 };
static uint8_t keys[32 * COUNT], messages[16 * COUNT], macs[32 * COUNT];
static midstate midstates[COUNT];

INLINE void finish(const midstate *key, int i) {
  __m128i message = big_endian(_mm_loadu_si128((const __m128i *)(messages + 16 * i))), w[2];
  state mac;
  hmac_finish(1, &key, &message, &mac);
  words(&mac, w);
  for (int k = 0; k < 2; k++) _mm_storeu_si128((__m128i *)(macs + 32 * i) + k, big_endian(w[k]));
}

static __attribute__((noinline)) void from_keys(void) {
  for (int i = 0; i < COUNT; i++) {
    const uint8_t *key = keys + 32 * i;
    midstate expanded;
    hmac_key(1, &key, &expanded);
    finish(&expanded, i);
  }
}
static __attribute__((noinline)) void from_midstates(void) {
  for (int i = 0; i < COUNT; i++) finish(midstates + i, i);
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
  for (int i = 0; i < COUNT; i++) {
    const uint8_t *key = keys + 32 * i;
    hmac_key(1, &key, midstates + i);
  }
  from_midstates();
  must(memcmp(macs, expected, 32) == 0, "HMAC-SHA256 from midstates");
  slices(midstate ? from_midstates : from_keys, COUNT, count > 2 ? atoi(arguments[2]) : 200);
}
