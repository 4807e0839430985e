// Matching as the deployed native code does it: what was heard as strings on the heap, sorted by their first two bytes, with a table of
// where each of the 65,536 prefixes ends; for each key HKDF, 144 blocks of AES in one call, and 144 look-ups, up to the first that
// hits. It knows no times and no rolling periods: what it finds is looked at again, elsewhere. libcrypto does the cryptography, its AES
// context kept and keyed anew for each key.
//
// The mode is a file: three counts (keys, sightings, keys that shall be found), then the starts of the keys, their bytes, and the
// identifiers. With "2021:" before it SHA-256 is the form for AVX, as in the BoringSSL of the years in which the programs were deployed;
// it took to the SHA instructions of x86 in February 2022 (its commit 17c8c8110). AES has its instructions in both. Next to
// BoringSSL itself (of 2022, either way) on a Xeon of 2023 this program took between 2 and 3 % less time as of 2021, and with the
// instructions the same within 1 %.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <unistd.h>
#include "slices.h"

enum { ROW = 16, IDENTIFIERS = 144, PREFIXES = 65536 };

// As long as a string of C++ whose text does not fit inside.
typedef struct { uint8_t *text; size_t length; uint8_t rest[16]; } string;

static uint32_t counts[3], *starts;
static uint8_t *keys, *heard;
static string *records;
static int ends[PREFIXES];
static EVP_CIPHER_CTX *context;
static EVP_CIPHER *cipher;
static uint8_t padded[ROW * IDENTIFIERS];

static uint16_t prefix_of(const uint8_t *text) {
  uint16_t prefix;
  memcpy(&prefix, text, sizeof prefix);
  return prefix;
}

static int by_prefix(const void *a, const void *b) {
  return prefix_of(((const string *)a)->text) - prefix_of(((const string *)b)->text);
}

static void build(void) {
  uint32_t count = counts[1];
  records = malloc(count * sizeof *records);
  for (uint32_t i = 0; i < count; i++) {
    records[i].text = malloc(ROW + 1), records[i].length = ROW;
    memcpy(records[i].text, heard + ROW * i, ROW);
    records[i].text[ROW] = 0;
  }
  qsort(records, count, sizeof *records, by_prefix);
  int last = 0;
  for (uint32_t i = 0; i < count; i++)
    for (int prefix = prefix_of(records[i].text); last < prefix;) ends[last++] = (int)i;
  while (last < PREFIXES) ends[last++] = (int)count;
}

static void discard(void) {
  for (uint32_t i = 0; i < counts[1]; i++) free(records[i].text);
  free(records);
}

static void hmac(const uint8_t key[32], const void *message, size_t length, uint8_t mac[32]) {
  SHA256_CTX hash;
  uint8_t pad[64];
  for (int i = 0; i < 64; i++) pad[i] = (i < 32 ? key[i] : 0) ^ 0x36;
  SHA256_Init(&hash), SHA256_Update(&hash, pad, 64), SHA256_Update(&hash, message, length), SHA256_Final(mac, &hash);
  for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
  SHA256_Init(&hash), SHA256_Update(&hash, pad, 64), SHA256_Update(&hash, mac, 32), SHA256_Final(mac, &hash);
}

static void identifiers(const uint8_t *key, uint32_t start, uint8_t *out) {
  static const uint8_t no_salt[32];
  uint8_t pseudorandom[32], derived[32];
  hmac(no_salt, key, ROW, pseudorandom);
  hmac(pseudorandom, "EN-RPIK\1", 8, derived);
  EVP_EncryptInit_ex(context, cipher, NULL, derived, NULL);
  for (int i = 0; i < IDENTIFIERS; i++, start++) memcpy(padded + ROW * i + 12, &start, sizeof start);
  int length;
  EVP_EncryptUpdate(context, out, &length, padded, sizeof padded);
}

static int index_of(const uint8_t *identifier) {
  uint16_t prefix = prefix_of(identifier);
  for (int i = prefix > 0 ? ends[prefix - 1] : 0; i < ends[prefix]; i++)
    if (memcmp(identifier, records[i].text, ROW) == 0) return i;
  return -1;
}

static __attribute__((noinline)) void match(void) {
  uint8_t out[ROW * IDENTIFIERS];
  uint32_t found = 0;
  build();
  for (uint32_t k = 0; k < counts[0]; k++) {
    identifiers(keys + ROW * k, starts[k], out);
    for (int i = 0; i < IDENTIFIERS; i++)
      if (index_of(out + ROW * i) >= 0) {
        found++;
        break;
      }
  }
  discard();
  must(found == counts[2], "keys found");
}

static void *take(FILE *file, size_t size) {
  void *bytes = malloc(size);
  must(fread(bytes, 1, size, file) == size, "the file is short");
  return bytes;
}

// Neither SHA instructions nor AVX2. libcrypto looks at the processor before main: it must be told earlier.
static const char *without_sha(char **arguments) {
  static const char then[] = "2021:";
  if (strncmp(arguments[1], then, strlen(then)) != 0) return arguments[1];
  if (getenv("OPENSSL_ia32cap") == NULL) {
    setenv("OPENSSL_ia32cap", ":~0x20000020", 1);
    execv("/proc/self/exe", arguments);
  }
  return arguments[1] + strlen(then);
}

int main(int count, char **arguments) {
  must(count > 2, "arguments");
  FILE *file = fopen(without_sha(arguments), "rb");
  must(file != NULL, "no file");
  memcpy(counts, take(file, sizeof counts), sizeof counts);
  starts = take(file, 4 * counts[0]);
  keys = take(file, ROW * counts[0]);
  heard = take(file, ROW * counts[1]);
  for (int i = 0; i < IDENTIFIERS; i++) memcpy(padded + ROW * i, "EN-RPI", 6);
  context = EVP_CIPHER_CTX_new(), cipher = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
  int rounds = atoi(arguments[2]);
  match();
  for (int i = 0; i < rounds; i++) {
    double start = cpu_ns();
    match();
    printf("%.4f\n", (cpu_ns() - start) / counts[0]);
  }
}
