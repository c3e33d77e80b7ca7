/* secret.h - values that steps use and nothing else may see (durability rule 21).
 *
 * A SecretSet holds where each secret of a target comes from: a literal, a variable of the environment, or a file. A value is
 * read when a step needs it, as a C string outside the collector's heap: it is never a flow value, so it cannot get into a
 * journal, a snapshot or a message by way of one. A step that has used secrets has its result or error cleaned of their
 * values before it is recorded: whoever echoes a secret back gives the flow #secret[name].
 *
 * All of it on the engine thread. */
#ifndef BR_SECRET_H
#define BR_SECRET_H
#include "port.h"
#include "reader/text.h"
#include "reader/val.h"

#define SECRET_MAX_BYTES ((size_t)1 << 20)
enum { SECRET_MIN_REDACTED = 6 }; /* shorter values are no secrets worth the harm of cutting them out of texts */

typedef struct SecretSet SecretSet;
SecretSet *secret_set_new(void);
void secret_set_free(SecretSet *s); /* wipes what it holds */
/* `spec`: a string, {:env NAME} or {:file PATH} (one line break at the end is not part of the value). Replaces one of that name.
 * false: *e says what is wrong, never the value. */
bool secret_set_add(SecretSet *s, const char *name, Val spec, Err *e);
bool secret_set_has(const SecretSet *s, const char *name);
/* Who is asked for a name that the set does not hold, each time a step uses it. get: malloc'ed, or NULL with *e. */
typedef struct SecretSource { bool (*has)(void *ctx, const char *name); char *(*get)(void *ctx, const char *name, Err *e); void *ctx; } SecretSource;
void secret_set_behind(SecretSet *s, SecretSource source);

/* The secrets that one step has used. */
typedef struct SecretUse { char *name, *value; struct SecretUse *next; } SecretUse;
/* The value of a secret, noted in *used and alive as long as that. NULL: *e has missing-binding (no such secret) or
 * secret-unreadable (the variable is not set, the file cannot be read or is too large). */
const char *secret_use(const SecretSet *s, const char *name, SecretUse **used, Err *e);
/* A value made from a secret that must not show either (base64 of user and password, a signed token): noted under its name. */
const char *secret_note(SecretUse **used, const char *name, const char *value);
void secret_use_free(SecretUse *used); /* wipes */
/* v with every occurrence of a used value in a string, keyword, symbol or byte array of it replaced by #secret[name]; v itself
 * when there is none. A signal when v cannot be walked. */
Val secret_clean(const SecretUse *used, Val v);
void secret_clean_text(const SecretUse *used, Buf *b);
#endif
