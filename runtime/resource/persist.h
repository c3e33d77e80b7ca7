/* persist.h - the :persist option of a step (spec/flows.md 6.2): what it says, checked in one place for definitions and for calls.
 *
 *   {:type :blob  :filename :content-type :tier :retained|:ephemeral :signed-url true|{:ttl-seconds n} :search-index {..}}
 *   {:type :kv    :key k :ttl seconds}
 *   {:type :table :table name :rows-path [..] ...}          the rest is the table store's (table_persist) */
#ifndef BR_PERSIST_H
#define BR_PERSIST_H
#include "runtime/base/port.h"
#include "reader/map.h"

#define PERSIST_RETAINED_MAX (50LL << 20)  /* bytes */
#define PERSIST_EPHEMERAL_MAX (4LL << 30)
#define PERSIST_RETAINED_MS (90LL * 24 * 3600 * 1000)
#define PERSIST_EPHEMERAL_MS (12LL * 3600 * 1000)
enum { PERSIST_URL_TTL = 3600, PERSIST_URL_TTL_MIN = 60, PERSIST_URL_TTL_MAX = 86400 }; /* seconds */

enum PersistType { PERSIST_NONE, PERSIST_BLOB, PERSIST_KV, PERSIST_TABLE };
typedef struct Persist {
  enum PersistType type;
  Val filename, content_type; /* strings or nil */
  bool ephemeral;
  int64_t url_ttl;            /* seconds, 0: no signed URL */
  Val opts;                   /* the whole map */
} Persist;

/* Reads and checks the option of a step of that family. nil: PERSIST_NONE. With `forms` the map is code: a key whose value is computed
 * is not judged. false: *e says which key and what would work. */
bool persist_read(Val opts, const char *family, bool forms, Persist *out, Err *e);
#endif
