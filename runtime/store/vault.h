/* vault.h - secrets in the database (durability rule 21): documents of kind "secret" in their workspace, whose data is
 *   "BVS1"  version, created, updated: 8 bytes each, big-endian  the sealed value (seal.h)
 * A value can be written, used and deleted; nothing lists it. A new value is a new version, and the old one is gone. Every write
 * is a compare-and-set, so it may happen beside an executor and in several processes at once.
 *
 * Rotation. vault_rotate seals every record that is not under the current key again, one at a time, while others read and write.
 * When all are under it already, a new key is made first. Killed anywhere, every record opens, and another call goes on where
 * it stopped. Old keys stay in the key file, for backups and other databases, until vault_forget. Which workspaces hold sealed
 * records is noted in the workspace "", kind "sealed". Engine thread (or the only one). */
#ifndef BR_VAULT_H
#define BR_VAULT_H
#include "runtime/base/seal.h"
#include "runtime/base/secret.h"
#include "store.h"

enum { VAULT_NAME_MAX = 200 };

typedef struct Vault Vault;
Vault *vault_new(Store *s, const char *key_file); /* key_file as keyring_new; the store outlives it */
void vault_free(Vault *v);
Keyring *vault_keys(Vault *v);

/* What can be known of a secret without its key. */
typedef struct VaultRow { char *name; int64_t rev, version, created_ms, updated_ms; char key[17]; } VaultRow;
void vault_row_free(VaultRow *r);
/* The parser of records: false: *e is seal_malformed. `sealed` points into p. */
bool vault_parse(const void *p, size_t n, VaultRow *row, Bytesv *sealed, Err *e);

/* rev: the one it replaces, DOC_NEW or DOC_ANY; another one there: doc_conflict. out may be NULL. bad_secret: the name or the value
 * cannot be used (the message never has the value). */
bool vault_put(Vault *v, const char *workspace, const char *name, const char *value, size_t n, int64_t rev, VaultRow *out, Err *e);
bool vault_valid(const char *name, const char *value, size_t n, Err *e); /* would vault_put take them? */
bool vault_row(Vault *v, const char *workspace, const char *name, VaultRow *out, Err *e); /* false: not there, or e->code */
size_t vault_list(Vault *v, const char *workspace, const char *after, VaultRow *out, size_t max, Err *e); /* by name; version 0: damaged */
bool vault_delete(Vault *v, const char *workspace, const char *name, int64_t rev, Err *e); /* not_found, doc_conflict */
/* Appends the value; buf_wipe it. false: not there (missing-binding), or an error of seal.h. */
bool vault_open(Vault *v, const char *workspace, const char *name, Buf *out, Err *e);
/* For steps: what a SecretSet does not hold itself is looked for here. `ctx` of the source is `place`. */
typedef struct VaultPlace { Vault *vault; const char *workspace; } VaultPlace;
SecretSource vault_source(VaultPlace *place);

typedef struct VaultRotation { bool new_key; size_t sealed, already; char key[17]; } VaultRotation;
bool vault_rotate(Vault *v, VaultRotation *out, Err *e);
/* Drops all keys but the current one. key_in_use: something in this database is sealed with another one. */
bool vault_forget(Vault *v, Err *e);
/* To a batch that stores something sealed: its workspace is one that rotation looks at. */
void vault_note(Batch *b, const char *workspace);
#endif
