#include "store_record.h"

#include <pthread.h>
#include <string.h>

/* CRC-32C (Castagnoli, RFC 3720), eight bytes a turn: table[k][b] is the CRC of byte b followed by k zero bytes. */
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static bool crc_has; /* the processor can do it */
static bool crc_in_processor(void);

static void crc_init(void) {
  crc_has = crc_in_processor();
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    crc_table[0][i] = c;
  }
  for (int k = 1; k < 8; k++)
    for (int i = 0; i < 256; i++) crc_table[k][i] = (crc_table[k - 1][i] >> 8) ^ crc_table[0][crc_table[k - 1][i] & 255];
}

static void put_int(uint8_t *p, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_int(const uint8_t *p, int bytes) {
  uint64_t v = 0;
  for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

static uint32_t crc_by_table(uint32_t crc, const void *data, size_t n) {
  const uint8_t *p = data;
  for (; n >= 8; n -= 8, p += 8) {
    uint32_t a = crc ^ (uint32_t)get_int(p, 4), b = (uint32_t)get_int(p + 4, 4);
    crc = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255] ^ crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24] ^
          crc_table[3][b & 255] ^ crc_table[2][b >> 8 & 255] ^ crc_table[1][b >> 16 & 255] ^ crc_table[0][b >> 24];
  }
  while (n--) crc = crc >> 8 ^ crc_table[0][(crc ^ *p++) & 255];
  return crc;
}

/* The processor's own instruction for this polynomial: eight bytes in three cycles. */
#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_by_processor(uint32_t crc, const void *data, size_t n) {
  const uint8_t *p = data;
  uint64_t wide = crc, eight;
  for (; n >= 8; n -= 8, p += 8) {
    memcpy(&eight, p, 8);
    wide = __builtin_ia32_crc32di(wide, eight);
  }
  crc = (uint32_t)wide;
  while (n--) crc = __builtin_ia32_crc32qi(crc, *p++);
  return crc;
}
static bool crc_in_processor(void) { return __builtin_cpu_supports("sse4.2"); }
#else
static uint32_t crc_by_processor(uint32_t crc, const void *data, size_t n) { return crc_by_table(crc, data, n); }
static bool crc_in_processor(void) { return false; }
#endif

uint32_t store_record_crc_in(bool processor, uint32_t crc, const void *data, size_t n) {
  pthread_once(&crc_once, crc_init);
  return ~(processor && crc_has ? crc_by_processor(~crc, data, n) : crc_by_table(~crc, data, n));
}

uint32_t store_record_crc(uint32_t crc, const void *data, size_t n) { return store_record_crc_in(true, crc, data, n); }

/* The checksum of `head` bytes of header, two numbers of the row, and the payload. */
static uint32_t row_crc(const uint8_t *buf, size_t head, int64_t a, int64_t b, const void *payload, size_t n) {
  uint8_t row[16];
  put_int(row, (uint64_t)a, 8);
  put_int(row + 8, (uint64_t)b, 8);
  return store_record_crc(store_record_crc(store_record_crc(0, buf, head), row, sizeof row), payload, n);
}

void store_record_seal(void *buf, size_t n, int kind, int64_t run, int64_t prev, int64_t seq, int64_t epoch) {
  uint8_t *p = buf;
  p[0] = RECORD_FORMAT;
  p[1] = 0;
  put_int(p + 2, (uint64_t)kind, 2);
  put_int(p + 4, n, 4);
  put_int(p + 8, (uint64_t)seq, 8);
  put_int(p + 16, (uint64_t)epoch, 8);
  put_int(p + 24, row_crc(p, 24, run, prev, p + RECORD_HEADER, n), 4);
}

bool store_record_open(const void *data, size_t n, int64_t run, int64_t prev, JournalRec *out) {
  const uint8_t *p = data;
  if (!p || n < RECORD_HEADER || p[0] != RECORD_FORMAT || get_int(p + 4, 4) != n - RECORD_HEADER) return false;
  *out = (JournalRec){.seq = (int64_t)get_int(p + 8, 8), .kind = (int)get_int(p + 2, 2), .epoch = (int64_t)get_int(p + 16, 8),
                      .data = {p + RECORD_HEADER, n - RECORD_HEADER}};
  return get_int(p + 24, 4) == row_crc(p, 24, run, prev, out->data.p, out->data.n);
}

void store_record_seal_snapshot(void *buf, size_t n, int64_t run, int64_t seq) {
  uint8_t *p = buf;
  put_int(p, n, 4);
  put_int(p + 4, row_crc(p, 4, run, seq, p + SNAPSHOT_HEADER, n), 4);
}

bool store_record_open_snapshot(const void *data, size_t n, int64_t run, int64_t seq, Bytesv *out) {
  const uint8_t *p = data;
  if (!p || n < SNAPSHOT_HEADER || get_int(p, 4) != n - SNAPSHOT_HEADER) return false;
  *out = (Bytesv){p + SNAPSHOT_HEADER, n - SNAPSHOT_HEADER};
  return get_int(p + 4, 4) == row_crc(p, 4, run, seq, out->p, out->n);
}
