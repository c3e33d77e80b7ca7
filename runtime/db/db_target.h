/* db_target.h - from a connection's config to the database it means.
 *
 *   {"type": "database", "backend": "postgres",
 *    "config": {"host": "db.example", "port": 5432, "database": "shop", "username": "app", "secret-ref": "db-password"}}
 *   {"type": "database", "config": {"secret-ref": "db-url"}}            the secret is a whole URL, also a JDBC one
 *   {"type": "database", "config": {"url": "sqlite:/var/lib/shop.db"}}  a URL without a password in it
 *
 * URLs: postgres:// postgresql:// mysql:// mariadb:// sqlite:PATH, each also with jdbc: in front. A host that begins with / is a Unix socket
 * (PostgreSQL: its directory). Further keys: sslmode (disable prefer require verify-ca verify-full), sslrootcert, read-only,
 * application-name, search-path, connect-timeout, pool-size. Engine thread. */
#ifndef BR_DB_TARGET_H
#define BR_DB_TARGET_H
#include "runtime/store/connection.h"
#include "db.h"

/* The database that the step's :database and the connection's "backend" name. false: *e; *e of code "unsupported_step" for those that the
 * language has and this build does not. known: false when neither says anything. */
bool db_dialect(Val database, Val backend, enum DbDialect *d, bool *known, Err *e);
/* The target of a connection record. With `used` NULL no secret is read and the answer is not to be connected to: for checking, NULL
 * and no error when only the secret can say more. The target lives as long as the process; equal ones are the same. *dialect is set as far as it is known. */
DbTarget *db_target(Val database, Val connection, const SecretSet *secrets, SecretUse **used, enum DbDialect *dialect, bool *known, Err *e);
/* The first option of a :db step that only databases without SQL have (dry-run, collection ..); NULL: none. */
const char *db_option_of_others(Val cfg);
#endif
