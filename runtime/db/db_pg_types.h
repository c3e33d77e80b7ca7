/* db_pg_types.h - PostgreSQL's text formats into cells (db.h), by the type's OID. Any thread. */
#ifndef BR_DB_PG_TYPES_H
#define BR_DB_PG_TYPES_H
#include "db.h"

enum { PG_BOOL = 16, PG_BYTEA = 17, PG_INT8 = 20, PG_INT4 = 23, PG_TEXT = 25, PG_JSON = 114, PG_NUMERIC = 1700, PG_TIMESTAMPTZ = 1184,
       PG_UUID = 2950, PG_JSONB = 3802 };
/* The element type of an array type; 0: it is none of those known here. */
unsigned pg_element(unsigned oid);
/* One value. An array's text becomes a list of lists; what cannot be read as its type says (an infinite timestamp, a year before Christ)
 * stays text. Types that are not known are text. */
void pg_cell(Buf *b, unsigned oid, const char *s, size_t n);
/* An array with elements of that type. */
void pg_array_cell(Buf *b, unsigned element, const char *s, size_t n);
#endif
