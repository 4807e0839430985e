// The back-end's pipeline for uploaded items (ROBERT §6.2, steps 1 to 9) as a hand-tuned program would do it: AES instructions, SKINNY
// with AVX2, SHA instructions with two MACs in turn, stage by stage over batches so that the misses of a batch overlap.
// Modes: keys-USERS (the MAC from the key of 32 bytes) and midstates-USERS.
#include "aes.h"
#include "hmac.h"
#include "skinny.h"
#include "slices.h"

enum { BATCH = 4096, BATCHES = 64, ITEM = 21, ECC = 0, EBID = 1, TIME16 = 9, MAC = 11, TIME32 = 16 };
enum { COUNTRY = 33, TOLERANCE = 12, EPOCH = 900, DAY = 86400, TODAY = 19, CONTAGIOUS = 14 * DAY / EPOCH };
// A batch has more lines than the first cache: what was fetched by an earlier stage is fetched again, so many items ahead.
enum { AHEAD = 8 };
enum { LOCAL = 0, FOREIGN = 1, TIME_FAR = 2, NO_KEY = 4, UNKNOWN = 5, EPOCH_WRONG = 6, MAC_WRONG = 8, TOO_OLD = 9 };
// NTP seconds of the start of the service, 2026-03-01T00:00Z, and of now.
#define START ((uint32_t)(2208988800u + 1772323200u))
#define NOW (START + (TODAY + 1) * DAY + DAY / 2)

// A slot holds an identifier of 40 bits and a row plus one, so that a look-up is one line of the cache, and a row another.
typedef struct { uint32_t low, high_row; } slot;
static slot *slots;
static uint64_t mask;
static uint8_t *keys;
static midstate *rows;
static uint64_t *ids;

static uint8_t items[BATCHES * BATCH * ITEM + 16];
static uint8_t verdicts[BATCH];

static uint64_t load(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}
static uint32_t big32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}

// The identifiers are drawn at random: they need no hash.
static inline int32_t find(uint64_t id) {
  for (uint64_t at = id & mask;; at = (at + 1) & mask) {
    slot s = slots[at];
    if (s.high_row == 0) return -1;
    if (s.low == (uint32_t)id && s.high_row >> 24 == id >> 32) return (int32_t)(s.high_row & 0xffffff) - 1;
  }
}

static uint64_t blocks[BATCH] __attribute__((aligned(32)));
static uint32_t epochs[BATCH];
static int32_t found[BATCH + AHEAD];
static uint8_t wrong[BATCH];

// Steps 1 to 4.
static inline void open_items(const uint8_t *batch) {
  for (int i = 0; i < BATCH; i += 8) {
    __m128i b[8];
    for (int k = 0; k < 8; k++) {
      blocks[i + k] = load(batch + ITEM * (i + k) + EBID);
      b[k] = _mm_cvtsi64_si128((long long)blocks[i + k]);
    }
    aes_encrypt8(b);
    for (int k = 0; k < 8; k++) {
      const uint8_t *item = batch + ITEM * (i + k);
      uint32_t time = big32(item + TIME32), into = time - START;
      int16_t apart = (int16_t)((uint16_t)(item[TIME16] << 8 | item[TIME16 + 1]) - (uint16_t)time);
      uint8_t country = item[ECC] ^ (uint8_t)_mm_cvtsi128_si32(b[k]);
      uint8_t verdict = into / DAY == TODAY ? LOCAL : NO_KEY;
      verdict = country == COUNTRY ? verdict : FOREIGN;
      verdicts[i + k] = apart > -TOLERANCE && apart < TOLERANCE ? verdict : TIME_FAR;
      epochs[i + k] = into / EPOCH;
    }
  }
  for (int i = 0; i < BATCH; i += 64) skinny_pass((uint8_t *)(blocks + i), decrypt_table, 0);
}

INLINE void fetch(int i, int from_keys) {
  const void *at = from_keys ? (const void *)(keys + 32 * (size_t)found[i]) : (const void *)(rows + found[i]);
  _mm_prefetch((const char *)at, _MM_HINT_T0);
}

// Steps 5 and 6, and the age of step 9.
static inline void look_up(int from_keys) {
  for (int i = 0; i < BATCH; i++) {
    uint64_t block = __builtin_bswap64(blocks[i]);
    uint32_t epoch = (uint32_t)(block >> 40), now = (NOW - START) / EPOCH;
    blocks[i] = block & 0xffffffffffu;
    _mm_prefetch((const char *)(slots + (block & mask)), _MM_HINT_T0);
    uint8_t verdict = epoch + 1 - epochs[i] > 2 ? EPOCH_WRONG : now - epoch >= CONTAGIOUS ? TOO_OLD : LOCAL;
    verdicts[i] = verdicts[i] == LOCAL ? verdict : verdicts[i];
  }
  for (int i = 0; i < BATCH; i++) {
    int32_t row = find(blocks[i]);
    verdicts[i] = verdicts[i] == LOCAL && row < 0 ? UNKNOWN : verdicts[i];
    found[i] = row < 0 ? 0 : row;
    fetch(i, from_keys);
  }
}

// c1 | the first 11 bytes, as words.
INLINE __m128i message_of(const uint8_t *item) {
  __m128i hello = _mm_loadu_si128((const __m128i *)item);
  __m128i m = _mm_shuffle_epi8(hello, _mm_set_epi8(-1, -1, -1, -1, 7, 8, 9, 10, 3, 4, 5, 6, -1, 0, 1, 2));
  return _mm_or_si128(m, _mm_set_epi32(0, 0, 0, 0x01000000));
}

// Steps 7 and 8 for `streams` items from `i` on; words a and b of the state are the upper half of its first vector.
INLINE void check(int streams, const uint8_t *batch, int i, int from_keys) {
  const uint8_t *item = batch + ITEM * i, *key[2];
  const midstate *row[2];
  midstate expanded[2];
  __m128i message[2];
  state mac[2];
  for (int n = 0; n < streams; n++) {
    fetch(i + n + AHEAD, from_keys);
    key[n] = keys + 32 * (size_t)found[i + n];
    row[n] = from_keys ? expanded + n : rows + found[i + n];
    message[n] = message_of(item + ITEM * n);
  }
  if (from_keys) hmac_key(streams, key, expanded);
  hmac_finish(streams, row, message, mac);
  for (int n = 0; n < streams; n++) {
    uint64_t difference = (uint64_t)_mm_extract_epi64(mac[n].part[0], 1) ^ __builtin_bswap64(load(item + ITEM * n + MAC));
    wrong[i + n] = difference >> 24 != 0;
  }
}

INLINE void judge(const uint8_t *batch, int from_keys) {
  open_items(batch);
  look_up(from_keys);
  for (int i = 0; i < BATCH; i += 2) check(2, batch, i, from_keys);
  for (int i = 0; i < BATCH; i++) verdicts[i] = verdicts[i] == LOCAL && wrong[i] ? MAC_WRONG : verdicts[i];
}
static __attribute__((noinline)) void judge_keys(const uint8_t *batch) { judge(batch, 1); }
static __attribute__((noinline)) void judge_midstates(const uint8_t *batch) { judge(batch, 0); }

static void (*judge_batch)(const uint8_t *);
static int next_batch;
static void work(void) {
  judge_batch(items + ITEM * BATCH * next_batch);
  next_batch = (next_batch + 1) % BATCHES;
}

static uint64_t random_bits(int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | random_byte();
  return value;
}

static void make_users(uint32_t users) {
  uint64_t size = 1;
  while (size < 2 * (uint64_t)users) size *= 2;
  mask = size - 1;
  slots = calloc(size, sizeof *slots), ids = malloc(8 * (size_t)users);
  keys = aligned_alloc(64, 32 * (size_t)users), rows = aligned_alloc(64, sizeof *rows * users);
  for (uint32_t user = 0; user < users; user++) {
    do ids[user] = random_bits(5); while (find(ids[user]) >= 0);
    uint64_t at = ids[user] & mask;
    while (slots[at].high_row) at = (at + 1) & mask;
    slots[at] = (slot){(uint32_t)ids[user], (uint32_t)(ids[user] >> 32) << 24 | (user + 1)};
    for (int i = 0; i < 32; i++) keys[32 * (size_t)user + i] = random_byte();
    const uint8_t *key = keys + 32 * (size_t)user;
    hmac_key(1, &key, rows + user);
  }
}

static void make_item(uint8_t *item, uint32_t user) {
  uint32_t into = TODAY * DAY + EPOCH + (uint32_t)(random_bits(4) % (DAY - 2 * EPOCH)), time = START + into;
  uint64_t block = __builtin_bswap64((uint64_t)(into / EPOCH) << 40 | ids[user]);
  memcpy(item + EBID, &block, 8);
  skinny_naive(item + EBID, 1);
  __m128i b[8] = {_mm_cvtsi64_si128((long long)load(item + EBID))};
  aes_encrypt8(b);
  item[ECC] = COUNTRY ^ (uint8_t)_mm_cvtsi128_si32(b[0]);
  item[TIME16] = (uint8_t)(time >> 8), item[TIME16 + 1] = (uint8_t)time;
  const midstate *row = rows + user;
  __m128i message = message_of(item);
  state mac;
  hmac_finish(1, &row, &message, &mac);
  uint64_t front = __builtin_bswap64((uint64_t)_mm_extract_epi64(mac.part[0], 1));
  memcpy(item + MAC, &front, 5);
  uint32_t received = __builtin_bswap32(time + (uint32_t)(random_bits(1) % 5));
  memcpy(item + TIME32, &received, 4);
  item[20] = 85;
}

static int refused(void) {
  int count = 0;
  for (int i = 0; i < BATCH; i++) count += verdicts[i] != LOCAL;
  return count;
}

// One byte of one item turned: that item gets this verdict, and no other item does.
static void must_refuse(int offset, uint8_t verdict, const char *what) {
  items[ITEM * 77 + offset] ^= 0x40;
  judge_batch(items);
  items[ITEM * 77 + offset] ^= 0x40;
  must(refused() == 1 && verdicts[77] == verdict, what);
}

int main(int count, char **arguments) {
  static const uint8_t skinny[24] = "a key of twenty-4 bytes", aes[16] = "and one of 16 b";
  uint32_t users = 20000;
  if (count > 1 && strchr(arguments[1], '-')) users = (uint32_t)atoi(strchr(arguments[1], '-') + 1);
  judge_batch = count > 1 && strncmp(arguments[1], "midstates", 9) == 0 ? judge_midstates : judge_keys;
  skinny_key(skinny);
  aes_key(aes);
  make_users(users);
  for (int i = 0; i < BATCHES * BATCH; i++) make_item(items + ITEM * i, (uint32_t)(random_bits(4) % users));
  for (int i = 0; i < BATCHES; i++) {
    work();
    must(refused() == 0, "a valid item is refused");
  }
  must_refuse(ECC, FOREIGN, "another country");
  must_refuse(TIME16, TIME_FAR, "the time of the HELLO");
  must_refuse(TIME32 + 3, TIME_FAR, "the time of reception");
  must_refuse(TIME32, NO_KEY, "a day without a server key");
  must_refuse(MAC, MAC_WRONG, "the first byte of the MAC");
  must_refuse(MAC + 4, MAC_WRONG, "the last byte of the MAC");
  slices(work, BATCH, count > 2 ? atoi(arguments[2]) : 200);
}
