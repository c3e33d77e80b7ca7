/* db_value.h - values to parameters, rows to values. Engine thread.
 *
 * | value | as a parameter |
 * | nil, booleans, integers | as they are (SQLite: 1 and 0) |
 * | doubles, decimals, ratios, integers beyond int64 | numbers of the same digits |
 * | strings, characters, keywords (without colon), java.time values | text |
 * | #inst | timestamp with time zone (MySQL: DATETIME in UTC; SQLite: text "2026-01-02T03:04:05.678Z") |
 * | #uuid | uuid (others: text) |
 * | byte arrays | bytea, BLOB |
 * | maps | JSON |
 * | vectors, lists, sets | PostgreSQL: an array, or JSON where the statement needs it; others: JSON |
 *
 * Back come nil, booleans, integers, doubles (float4, float8, REAL), decimals (numeric), strings, #inst (timestamptz; TIMESTAMP of MySQL; to the
 * millisecond), #uuid, byte arrays, parsed JSON and vectors (arrays). date, time, timestamp without zone and interval are ISO strings:
 * they name no instant. */
#ifndef BR_DB_VALUE_H
#define BR_DB_VALUE_H
#include "db.h"
#include "reader/map.h"

/* The job's parameters from :params (nil, or a vector). false: *e says which one cannot be sent. A signal is an error of its own: *sig. */
bool db_params(DbJob *j, enum DbDialect d, Val params, Err *e);
/* Of a job that has not failed: a vector of maps, or {:update-count n} with :last-insert-id where the database gives one. A signal when JSON cannot be read. */
Val db_answer(const DbJob *j);
/* Of one that has: {:type .. :message .. :retryable? ..} with :kind :sqlstate :code :outcome :detail :hint :constraint where there are any. */
Val db_error(const DbJob *j);
#endif
