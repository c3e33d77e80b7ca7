/* db_time.h - dates as databases write them, and as flows see them. UTC; years 1 to 9999. Any thread. */
#ifndef BR_DB_TIME_H
#define BR_DB_TIME_H
#include "reader/text.h"

int64_t db_time_ms(int64_t year, int month, int day); /* of midnight */
/* "2026-01-02 03:04:05.678901+01:30" or with T and Z; no offset: UTC. false: it is not that ("infinity", years before Christ). */
bool db_time_read(const char *s, size_t n, int64_t *ms);
void db_time_write(Buf *b, int64_t ms, char between, const char *zone); /* 2026-01-02<between>03:04:05.678<zone> */
#endif
