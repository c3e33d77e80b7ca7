/* store_record.h - the bytes of a journal record and of a stored snapshot. This is a file format: never change a layout,
 * add a format number. All integers are little-endian.
 *
 * Journal record, format 1 = column `data` of a journal row (id, run, prev, data):
 *    0  u8   format, 1
 *    1  u8   0
 *    2  u16  kind, the engine's number of what the record says
 *    4  u32  length of the payload
 *    8  i64  sequence number within the run; the first record of a run has 1
 *   16  i64  epoch of the run when it was written
 *   24  u32  CRC-32C of bytes 0..23, run (i64), prev (i64, rowid of the run's previous record or 0) and the payload
 *   28       payload
 * run and prev are in the checksum so that a record that ended up in another row does not pass as that row's.
 *
 * Snapshot, format 1 = column `data` of `snapshots`:
 *    0  u32  length of the payload
 *    4  u32  CRC-32C of bytes 0..3, run (i64), seq (i64) and the payload
 *    8       payload */
#ifndef BR_STORE_RECORD_H
#define BR_STORE_RECORD_H
#include "store.h"

enum { RECORD_HEADER = 28, RECORD_FORMAT = 1, SNAPSHOT_HEADER = 8 };

uint32_t store_record_crc(uint32_t crc, const void *p, size_t n); /* start with 0 */
uint32_t store_record_crc_in(bool processor, uint32_t crc, const void *p, size_t n); /* for tests: by the processor if it can, or by tables */
/* Fills the header in front of n payload bytes; buf points at the header. */
void store_record_seal(void *buf, size_t n, int kind, int64_t run, int64_t prev, int64_t seq, int64_t epoch);
/* Checks the bytes of a row; false = not what was written. The payload in `out` points into data. */
bool store_record_open(const void *data, size_t n, int64_t run, int64_t prev, JournalRec *out);
void store_record_seal_snapshot(void *buf, size_t n, int64_t run, int64_t seq);
bool store_record_open_snapshot(const void *data, size_t n, int64_t run, int64_t seq, Bytesv *out);
#endif
