// Shared by the peers: runs work in short slices and prints the nanoseconds per operation of each slice, one line each.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

// Time of this thread alone, for work too long to be undisturbed.
static __attribute__((unused)) double cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void must(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "wrong result: %s\n", what);
  exit(1);
}

static uint64_t random_state = 0x9e3779b97f4a7c15u;
static __attribute__((unused)) uint8_t random_byte(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint8_t)(random_state >> 56);
}

// A slice takes about half a millisecond; the first ones warm up and are not printed.
static __attribute__((unused)) void slices(void (*work)(void), double operations, int count) {
  double start = now_ns();
  for (int i = 0; i < 8; i++) work();
  double once = (now_ns() - start) / 8;
  int repeat = (int)(500000 / once) + 1;
  for (int i = 0; i < count; i++) {
    start = now_ns();
    for (int k = 0; k < repeat; k++) work();
    printf("%.4f\n", (now_ns() - start) / (operations * repeat));
  }
}
