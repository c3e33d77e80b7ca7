/* vault.c - see vault.h. */
#include "vault.h"
#include "reader/mem.h"
#include <stdlib.h>
#include <string.h>

#define KIND "secret"
#define MAGIC "BVS1"
enum { HEADER = 4 + 3 * 8, PAGE = 64, TRIES = 100 };

struct Vault { Store *store; Keyring *keys; };

Vault *vault_new(Store *s, const char *key_file) {
  Vault *v = malloc(sizeof *v);
  if (!v) mem_exhausted(0);
  *v = (Vault){s, keyring_new(key_file)};
  return v;
}

void vault_free(Vault *v) {
  if (!v) return;
  keyring_free(v->keys);
  free(v);
}

Keyring *vault_keys(Vault *v) { return v->keys; }

void vault_row_free(VaultRow *r) {
  free(r->name);
  *r = (VaultRow){0};
}

/* ---- records ---- */

static void put_i64(Buf *b, int64_t x) {
  for (int i = 56; i >= 0; i -= 8) buf_ch(b, (char)((uint64_t)x >> i));
}

static int64_t get_i64(const uint8_t *p) {
  uint64_t x = 0;
  for (int i = 0; i < 8; i++) x = x << 8 | p[i];
  return (int64_t)x;
}

bool vault_parse(const void *p, size_t n, VaultRow *row, Bytesv *sealed, Err *e) {
  const uint8_t *b = p;
  *row = (VaultRow){0};
  if (n < HEADER || memcmp(b, MAGIC, 4) || !seal_key_of(b + HEADER, n - HEADER, row->key)) return err_set(e, "seal_malformed", "what is stored is no secret");
  row->version = get_i64(b + 4);
  row->created_ms = get_i64(b + 12);
  row->updated_ms = get_i64(b + 20);
  *sealed = (Bytesv){b + HEADER, n - HEADER};
  return row->version > 0 || err_set(e, "seal_malformed", "what is stored is no secret");
}

/* Held. */
static void pack(Vault *v, const char *workspace, const VaultRow *row, const char *name, const void *value, size_t n, Buf *out) {
  buf_c(out, MAGIC);
  put_i64(out, row->version);
  put_i64(out, row->created_ms);
  put_i64(out, row->updated_ms);
  seal_put(v->keys, &(SealName){workspace, name, row->version}, value, n, out);
}

static char *keep(const char *s) {
  char *p = strdup(s);
  if (!p) mem_exhausted(0);
  return p;
}

static bool parse_doc(const DocRow *d, VaultRow *row, Bytesv *sealed, Err *e) {
  if (!vault_parse(d->data.p, d->data.n, row, sealed, e)) return err_set(e, "seal_malformed", "secret %.100s: what is stored is no secret", d->key);
  row->rev = d->rev;
  return true;
}

/* ---- one by one ---- */

bool vault_valid(const char *name, const char *value, size_t n, Err *e) {
  size_t k = strlen(name);
  if (!k || k > VAULT_NAME_MAX || !utf8_valid(name, k)) return err_set(e, "bad_secret", "the name of a secret has 1 to %d bytes of text", VAULT_NAME_MAX);
  for (const char *p = name; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f) return err_set(e, "bad_secret", "the name of a secret has no control characters");
  if (!n) return err_set(e, "bad_secret", "the value of %.100s is empty", name);
  if (n > SECRET_MAX_BYTES) return err_set(e, "bad_secret", "the value of %.100s is larger than 1 MiB", name);
  return !memchr(value, 0, n) || err_set(e, "bad_secret", "the value of %.100s has a zero byte, which no text has", name);
}

void vault_note(Batch *b, const char *workspace) {
  DocRow d = {.workspace = (char[]){""}, .kind = (char[]){"sealed"}, .key = (char *)workspace, .rev = DOC_ANY, .at_ms = now_ms()};
  batch_doc_put(b, &d);
}

static bool store_record(Vault *v, const char *workspace, const char *name, const Buf *record, int64_t rev, int64_t at_ms, Err *e) {
  Batch *b = batch_new();
  DocRow d = {.workspace = (char *)workspace, .kind = (char[]){KIND}, .key = (char *)name, .rev = rev, .at_ms = at_ms, .data = {record->p, record->n}};
  batch_doc_put(b, &d);
  vault_note(b, workspace);
  return store_submit_wait(v->store, b, e);
}

static bool find(Vault *v, const char *workspace, const char *name, VaultRow *row, Err *e) {
  DocRow d;
  Bytesv sealed;
  *row = (VaultRow){0};
  if (!store_doc_get(v->store, workspace, KIND, name, &d, e)) return false;
  bool ok = parse_doc(&d, row, &sealed, e);
  if (ok) row->name = keep(name);
  doc_row_free(&d);
  return ok;
}

bool vault_row(Vault *v, const char *workspace, const char *name, VaultRow *out, Err *e) { return find(v, workspace, name, out, e); }

static bool put_once(Vault *v, const char *workspace, const char *name, const char *value, size_t n, int64_t rev, VaultRow *row, Err *e) {
  VaultRow was;
  Buf record = {0};
  int64_t at = now_ms();
  bool there = find(v, workspace, name, &was, e);
  if (e->code && strcmp(e->code, "seal_malformed")) return false; /* what is no record may be written over */
  *e = (Err){0};
  *row = (VaultRow){keep(name), 0, was.version + 1, there ? was.created_ms : at, at, ""};
  if (rev == DOC_ANY && there) rev = was.rev;
  vault_row_free(&was);
  pack(v, workspace, row, name, value, n, &record);
  strcpy(row->key, keyring_current(v->keys));
  bool ok = store_record(v, workspace, name, &record, rev, at, e);
  buf_free(&record);
  return ok;
}

static bool conflict(const Err *e) { return e->code && !strcmp(e->code, "doc_conflict"); }

bool vault_put(Vault *v, const char *workspace, const char *name, const char *value, size_t n, int64_t rev, VaultRow *out, Err *e) {
  VaultRow row = {0};
  bool ok = false;
  if (!vault_valid(name, value, n, e) || !keyring_hold(v->keys, true, e)) return false;
  for (int i = 0; i < TRIES && !ok && (!i || (rev == DOC_ANY && conflict(e))); i++) {
    *e = (Err){0};
    vault_row_free(&row);
    ok = put_once(v, workspace, name, value, n, rev, &row, e);
  }
  keyring_release(v->keys);
  if (ok && out) *out = row;
  else vault_row_free(&row);
  return ok;
}

size_t vault_list(Vault *v, const char *workspace, const char *after, VaultRow *out, size_t max, Err *e) {
  size_t n = 0;
  Buf at = {0};
  DocRow d;
  Bytesv sealed;
  Err damaged = {0};
  if (after) buf_c(&at, after);
  while (n < max && !e->code && store_docs(v->store, workspace, KIND, "", at.n ? buf_cstr(&at) : NULL, &d, 1, e)) {
    at.n = 0;
    buf_c(&at, d.key);
    if (!parse_doc(&d, &out[n], &sealed, &damaged)) out[n] = (VaultRow){.rev = d.rev};
    out[n++].name = keep(d.key);
    doc_row_free(&d);
  }
  buf_free(&at);
  return n;
}

bool vault_delete(Vault *v, const char *workspace, const char *name, int64_t rev, Err *e) {
  DocRow d;
  if (!store_doc_get(v->store, workspace, KIND, name, &d, e)) return e->code ? false : err_set(e, "not_found", "there is no secret %.100s", name);
  doc_row_free(&d);
  Batch *b = batch_new();
  batch_doc_del(b, workspace, KIND, name, rev);
  return store_submit_wait(v->store, b, e);
}

static bool open_once(Vault *v, const char *workspace, const char *name, Buf *out, Err *e) {
  DocRow d;
  VaultRow row;
  Bytesv sealed;
  if (!store_doc_get(v->store, workspace, KIND, name, &d, e))
    return e->code ? false : err_set(e, "missing-binding", "there is no secret %.100s; `breyta-run secrets set %.100s` stores one", name, name);
  bool ok = parse_doc(&d, &row, &sealed, e) && seal_get(v->keys, &(SealName){workspace, name, row.version}, sealed.p, sealed.n, out, e);
  doc_row_free(&d);
  return ok;
}

/* A key that is not known: the record that was read may have been sealed again, and the key forgotten, in the meantime. */
bool vault_open(Vault *v, const char *workspace, const char *name, Buf *out, Err *e) {
  if (open_once(v, workspace, name, out, e)) return true;
  if (strcmp(e->code, "key_unknown")) return false;
  *e = (Err){0};
  return open_once(v, workspace, name, out, e);
}

/* ---- for steps ---- */

static bool source_has(void *ctx, const char *name) {
  VaultPlace *p = ctx;
  VaultRow row;
  Err e = {0};
  bool there = find(p->vault, p->workspace, name, &row, &e);
  vault_row_free(&row);
  return there || e.code; /* a broken one says so when it is used */
}

static char *source_get(void *ctx, const char *name, Err *e) {
  VaultPlace *p = ctx;
  Buf b = {0};
  Err why = {0};
  char *value = vault_open(p->vault, p->workspace, name, &b, &why) ? keep(buf_cstr(&b)) : NULL;
  buf_wipe(&b);
  if (!value && why.code) err_set(e, strcmp(why.code, "missing-binding") ? "secret-unreadable" : why.code, "secret %s [%s]", why.msg, why.code);
  return value;
}

SecretSource vault_source(VaultPlace *place) { return (SecretSource){source_has, source_get, place}; }

/* ---- rotation ---- */

typedef bool (*EachFn)(Vault *v, const char *workspace, const char *name, void *ctx, Err *e);

static bool each_of(Vault *v, const char *workspace, EachFn f, void *ctx, Err *e) {
  Buf at = {0};
  DocRow d;
  bool ok = true;
  while (ok && store_docs(v->store, workspace, KIND, "", at.n ? buf_cstr(&at) : NULL, &d, 1, e)) {
    at.n = 0;
    buf_c(&at, d.key);
    doc_row_free(&d);
    ok = f(v, workspace, buf_cstr(&at), ctx, e);
  }
  buf_free(&at);
  return ok && !e->code;
}

static bool each_workspace(Vault *v, bool (*f)(Vault *v, const char *workspace, void *ctx, Err *e), void *ctx, Err *e) {
  Buf at = {0};
  DocRow d;
  bool ok = true;
  while (ok && store_docs(v->store, "", "sealed", "", at.n ? buf_cstr(&at) : NULL, &d, 1, e)) {
    at.n = 0;
    buf_c(&at, d.key);
    doc_row_free(&d);
    ok = f(v, buf_cstr(&at), ctx, e);
  }
  buf_free(&at);
  return ok && !e->code;
}

static bool old_one(Vault *v, const char *workspace, const char *name, void *ctx, Err *e) {
  VaultRow row;
  if (find(v, workspace, name, &row, e) && strcmp(row.key, keyring_current(v->keys))) ++*(size_t *)ctx;
  vault_row_free(&row);
  return !e->code;
}

static bool old_ones(Vault *v, const char *workspace, void *ctx, Err *e) { return each_of(v, workspace, old_one, ctx, e); }

/* How many secrets are not under the current key. Held. */
static bool count_old(Vault *v, size_t *n, Err *e) {
  *n = 0;
  return each_workspace(v, old_ones, n, e);
}

static bool seal_again(Vault *v, const char *workspace, const DocRow *d, const VaultRow *row, Bytesv sealed, Err *e) {
  Buf value = {0}, record = {0};
  bool ok = seal_get(v->keys, &(SealName){workspace, d->key, row->version}, sealed.p, sealed.n, &value, e);
  if (ok) {
    pack(v, workspace, row, d->key, value.p, value.n, &record);
    ok = store_record(v, workspace, d->key, &record, d->rev, d->at_ms, e);
  }
  buf_wipe(&value);
  buf_free(&record);
  return ok;
}

static bool rotate_once(Vault *v, const char *workspace, const char *name, VaultRotation *r, Err *e) {
  DocRow d;
  VaultRow row;
  Bytesv sealed;
  if (!store_doc_get(v->store, workspace, KIND, name, &d, e)) return !e->code; /* deleted meanwhile */
  bool ok = parse_doc(&d, &row, &sealed, e);
  if (ok && !strcmp(row.key, r->key)) r->already++;
  else if (ok && (ok = seal_again(v, workspace, &d, &row, sealed, e))) r->sealed++;
  doc_row_free(&d);
  return ok;
}

/* Whoever writes it meanwhile does so with the current key; then there is nothing left to do. */
static bool rotate_one(Vault *v, const char *workspace, const char *name, void *ctx, Err *e) {
  bool ok = rotate_once(v, workspace, name, ctx, e);
  for (int i = 0; i < TRIES && !ok && conflict(e); i++) {
    *e = (Err){0};
    ok = rotate_once(v, workspace, name, ctx, e);
  }
  return ok;
}

static bool rotate_all(Vault *v, const char *workspace, void *ctx, Err *e) { return each_of(v, workspace, rotate_one, ctx, e); }

bool vault_rotate(Vault *v, VaultRotation *out, Err *e) {
  size_t old = 0;
  *out = (VaultRotation){0};
  if (!keyring_hold(v->keys, true, e)) return false;
  bool ok = count_old(v, &old, e);
  keyring_release(v->keys);
  if (!ok || (!old && !keyring_add(v->keys, e))) return false;
  out->new_key = !old;
  if (!keyring_hold(v->keys, false, e)) return false;
  strcpy(out->key, keyring_current(v->keys));
  ok = each_workspace(v, rotate_all, out, e);
  keyring_release(v->keys);
  return ok;
}

/* Requests that came early are sealed too; they are gone in a day. */
static bool old_early(Vault *v, const char *workspace, void *ctx, Err *e) {
  char prefix[] = {WAIT_SYSTEM, 'e', 'a', 'r', 'l', 'y', '/', 0}, id[17];
  Buf at = {0};
  InboxRow row;
  while (store_outcomes_under(v->store, workspace, prefix, at.n ? buf_cstr(&at) : NULL, &row, 1, e) == 1) {
    at.n = 0;
    buf_c(&at, row.key);
    if (seal_key_of(row.body.p, row.body.n, id) && strcmp(id, keyring_current(v->keys))) ++*(size_t *)ctx;
    inbox_row_free(&row);
  }
  buf_free(&at);
  return !e->code;
}

bool vault_forget(Vault *v, Err *e) {
  size_t secrets = 0, early = 0;
  if (!keyring_hold(v->keys, false, e)) return false;
  bool ok = count_old(v, &secrets, e) && each_workspace(v, old_early, &early, e);
  keyring_release(v->keys);
  if (!ok) return false;
  if (secrets) return err_set(e, "key_in_use", "%zu secrets are still sealed with an old key; `breyta-run secrets rotate-key` seals them again", secrets);
  if (early) return err_set(e, "key_in_use", "%zu requests that came before their wait are still sealed with an old key; they are kept for a day at most", early);
  return keyring_forget(v->keys, e);
}
