/* seal.h - bytes at rest that only the holder of a key can read: AES-256-GCM (NIST SP 800-38D), durability rule 21.
 *
 * A sealed record is
 *   "BSL1"  8 bytes: which key  12 bytes: nonce, random for each record  16 bytes: tag  the encrypted bytes
 * and is bound to its SealName: moved to another workspace, name or version it does not open. The id of a key is the beginning
 * of its SHA-256, so that who has the record but not the key can still say which key is wanted.
 *
 * A Keyring is where the keys come from, never the database:
 *   BREYTA_SECRETS_KEY   base64 of 32 bytes; several with commas between: the first one seals, all open
 *   a key file           the same, one a line; mode 0600, refused when others can read or write it. Made on first sealing.
 * Nothing is read before it is needed. A file that was replaced is read again: before each sealing, and when a record names a key
 * that is not known. Keys are wiped when the ring is freed. One thread at a time.
 *
 * Errors: key_file (it cannot be read or made), key_permissions, key_malformed, key_missing (there is none where only opening is
 * asked for), key_unknown (sealed with another key), seal_damaged (changed, or moved from elsewhere), seal_malformed (no record). */
#ifndef BR_SEAL_H
#define BR_SEAL_H
#include "port.h"
#include "reader/text.h"

enum { SEAL_KEY_BYTES = 32, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16, SEAL_KEY_ID_BYTES = 8, SEAL_KEYS_MAX = 64,
       SEAL_HEADER_BYTES = 4 + SEAL_KEY_ID_BYTES + SEAL_NONCE_BYTES + SEAL_TAG_BYTES };

/* The cipher alone. `out` has room for n bytes. open: false, and out wiped, when tag, aad or text are not what was sealed. */
void seal_gcm(const uint8_t key[32], const uint8_t nonce[12], const void *aad, size_t naad, const void *p, size_t n, uint8_t *out, uint8_t tag[16]);
bool seal_gcm_open(const uint8_t key[32], const uint8_t nonce[12], const void *aad, size_t naad, const void *p, size_t n, const uint8_t tag[16],
                   uint8_t *out);

typedef struct Keyring Keyring;
/* file NULL: BREYTA_SECRETS_KEY, or without that $XDG_CONFIG_HOME/breyta/secrets.key (~/.config). */
Keyring *keyring_new(const char *file);
void keyring_free(Keyring *k); /* wipes */
const char *keyring_place(const Keyring *k); /* where the keys come from, for people: the path, or the variable's name */
/* From here to keyring_release nobody changes the current key: what is sealed is committed in between. Makes the key file when
 * there is none and `make`. Not nested. */
bool keyring_hold(Keyring *k, bool make, Err *e);
void keyring_release(Keyring *k);
/* Hex id of the key that seals; hold first. */
const char *keyring_current(const Keyring *k);
size_t keyring_count(const Keyring *k);
/* A new key in front of the others, on stable storage when it returns true; not held. key_env: the keys come from the environment. */
bool keyring_add(Keyring *k, Err *e);
/* Only the current key stays; not held. */
bool keyring_forget(Keyring *k, Err *e);

typedef struct SealName { const char *workspace, *name; int64_t version; } SealName;
/* Appends a sealed record; held. */
void seal_put(const Keyring *k, const SealName *n, const void *p, size_t np, Buf *out);
/* Appends what was sealed; held or not. Wipe it: buf_wipe. */
bool seal_get(Keyring *k, const SealName *n, const void *p, size_t np, Buf *out, Err *e);
/* Is it a sealed record? `id` gets the hex id of its key. */
bool seal_key_of(const void *p, size_t n, char id[17]);
void buf_wipe(Buf *b); /* and frees */
#endif
