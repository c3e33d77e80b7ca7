/* fuzz_main.c - runs a LLVMFuzzerTestOneInput without libFuzzer, so that fuzz targets are part of the ordinary tests.
 *
 *     fuzz_x FILE|DIR ...              each file once
 *     fuzz_x -n N [-s SEED] FILE|DIR   and then N random mutations of those files, the same for the same seed
 *
 * With -o FILE each mutated input is written there before it runs: after a crash it is the culprit. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define INPUT_MAX 65536

typedef struct { uint8_t *p; size_t n; } Blob;
static Blob *seeds;
static size_t seed_count;
static uint64_t state;

static uint32_t rnd(uint32_t n) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

static void die(const char *what, const char *path) {
  fprintf(stderr, "fuzz: %s %s\n", what, path);
  exit(2);
}

static void add_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) die("cannot read", path);
  Blob b = {malloc(INPUT_MAX), 0};
  if (b.p) b.n = fread(b.p, 1, INPUT_MAX, f);
  fclose(f);
  seeds = realloc(seeds, (seed_count + 1) * sizeof *seeds);
  if (!seeds || !b.p) die("out of memory at", path);
  seeds[seed_count++] = b;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

static void add_path(const char *path) {
  struct stat st;
  struct dirent **names;
  char full[4096];
  if (stat(path, &st) != 0) die("no such file:", path);
  if (!S_ISDIR(st.st_mode)) {
    add_file(path);
    return;
  }
  int n = scandir(path, &names, visible, by_name);
  if (n < 0) die("cannot list", path);
  for (int i = 0; i < n; i++) {
    snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
    add_file(full);
    free(names[i]);
  }
  free(names);
}

/* ---- mutations ---- */

static void insert(Blob *b, size_t at, const uint8_t *s, size_t n) {
  if (b->n + n > INPUT_MAX) return;
  memmove(b->p + at + n, b->p + at, b->n - at);
  memcpy(b->p + at, s, n);
  b->n += n;
}

static void erase(Blob *b, size_t at, size_t n) {
  memmove(b->p + at, b->p + at + n, b->n - at - n);
  b->n -= n;
}

static void mutate(Blob *b) {
  static const char alphabet[] = "()[]{}\"\\#'`~@^:;,%&/ \n-+.0123456789abceNMrxu_<=>?!*";
  const Blob *other = &seeds[rnd((uint32_t)seed_count)];
  size_t at = b->n ? rnd((uint32_t)b->n) : 0, len = b->n - at ? 1 + rnd((uint32_t)(b->n - at < 16 ? b->n - at : 16)) : 0;
  uint8_t c = (uint8_t)alphabet[rnd(sizeof alphabet - 1)];
  switch (rnd(7)) {
  case 0: insert(b, at, &c, 1); break;
  case 1: erase(b, at, len); break;
  case 2: if (b->n) b->p[at] = c; break;
  case 3: if (b->n) b->p[at] ^= (uint8_t)(1u << rnd(8)); break;
  case 4: { /* a piece of another seed */
    size_t from = other->n ? rnd((uint32_t)other->n) : 0, k = other->n - from;
    insert(b, at, other->p + from, k > 32 ? 1 + rnd(32) : k);
    break;
  }
  case 5: { /* repeat a piece */
    uint8_t piece[16];
    memcpy(piece, b->p + at, len);
    insert(b, at, piece, len);
    break;
  }
  default: b->n = at; break;
  }
}

static void save(const char *path, const Blob *b) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(b->p, 1, b->n, f) != b->n) die("cannot write", path);
  fclose(f);
}

static void run_mutations(long count, const char *out) {
  Blob b = {malloc(INPUT_MAX), 0};
  if (!b.p || !seed_count) die("needs", "seeds and memory");
  for (long i = 0; i < count; i++) {
    const Blob *seed = &seeds[rnd((uint32_t)seed_count)];
    memcpy(b.p, seed->p, b.n = seed->n);
    for (uint32_t k = 1 + rnd(8); k > 0; k--) mutate(&b);
    if (out) save(out, &b);
    LLVMFuzzerTestOneInput(b.p, b.n);
  }
  free(b.p);
}

int main(int argc, char **argv) {
  long count = 0;
  const char *out = NULL;
  int opt;
  state = 1;
  while ((opt = getopt(argc, argv, "n:s:o:")) != -1) {
    if (opt == 'n') count = atol(optarg);
    else if (opt == 's') state = strtoull(optarg, NULL, 10) * 2 + 1;
    else if (opt == 'o') out = optarg;
    else die("usage:", "[-n N] [-s SEED] [-o FILE] FILE|DIR ...");
  }
  for (int i = optind; i < argc; i++) add_path(argv[i]);
  if (!seed_count) die("no input:", "name files or directories");
  for (size_t i = 0; i < seed_count; i++) LLVMFuzzerTestOneInput(seeds[i].p, seeds[i].n);
  run_mutations(count, out);
  printf("fuzz: %zu files and %ld mutations\n", seed_count, count);
  printf("%zu passed, 0 failed\n", seed_count + (size_t)count); /* what fails aborts */
  return 0;
}
