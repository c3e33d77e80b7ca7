/* ssh_hosts.c - see ssh_hosts.h. */
#include "ssh_hosts.h"
#include "runtime/base/hash.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct Line {
  const char *names, *kind, *key; /* not terminated */
  size_t nnames, nkind, nkey;
  bool revoked;
} Line;

/* ---- keys ---- */

/* "ssh-ed25519" */
static void kind_of(SshHostKey key, Buf *out) {
  if (key.n < 4) return;
  size_t n = (size_t)key.p[0] << 24 | (size_t)key.p[1] << 16 | (size_t)key.p[2] << 8 | key.p[3];
  if (n <= key.n - 4) buf_add(out, (const char *)key.p + 4, n);
}

void ssh_hosts_fingerprint(SshHostKey key, Buf *out) {
  uint8_t sum[32];
  hash_sha256(key.p, key.n, sum);
  buf_c(out, "SHA256:");
  hash_base64(sum, sizeof sum, out);
  while (out->n && out->p[out->n - 1] == '=') out->n--;
}

static void address(const char *host, int port, Buf *out) {
  size_t from = out->n;
  if (port == 22) buf_c(out, host);
  else buf_fmt(out, "[%s]:%d", host, port);
  for (size_t i = from; i < out->n; i++) out->p[i] = (char)tolower((unsigned char)out->p[i]);
}

void ssh_hosts_line(const char *host, int port, SshHostKey key, Buf *out) {
  address(host, port, out);
  buf_ch(out, ' ');
  kind_of(key, out);
  buf_ch(out, ' ');
  hash_base64(key.p, key.n, out);
}

/* ---- lines ---- */

static bool word(const char **p, const char *end, const char **from, size_t *n) {
  while (*p < end && (**p == ' ' || **p == '\t')) ++*p;
  *from = *p;
  while (*p < end && **p != ' ' && **p != '\t' && **p != '\r') ++*p;
  *n = (size_t)(*p - *from);
  return *n > 0;
}

static bool line_read(const char *p, const char *end, Line *l) {
  const char *first;
  size_t n;
  *l = (Line){0};
  if (!word(&p, end, &first, &n) || *first == '#') return false;
  if (*first == '@') {
    l->revoked = n == 8 && !memcmp(first, "@revoked", 8);
    if (!l->revoked || !word(&p, end, &first, &n)) return false;
  }
  l->names = first;
  l->nnames = n;
  return word(&p, end, &l->kind, &l->nkind) && word(&p, end, &l->key, &l->nkey);
}

/* |1|salt|hash: HMAC-SHA1 of the name. */
static bool hashed_matches(const char *p, size_t n, const char *name) {
  const char *salt = p + 3, *bar = memchr(salt, '|', n - 3);
  Buf s = {0}, want = {0};
  uint8_t sum[20];
  bool ok = bar && hash_unbase64(salt, (size_t)(bar - salt), &s) && hash_unbase64(bar + 1, (size_t)(p + n - bar - 1), &want) && want.n == sizeof sum;
  if (ok) hash_hmac_sha1(s.p, s.n, name, strlen(name), sum);
  ok = ok && !memcmp(sum, want.p, sizeof sum);
  buf_free(&s);
  buf_free(&want);
  return ok;
}

/* Not fnmatch, which knows [..]: that is how ports are written. */
static bool glob(const char *p, const char *end, const char *s) {
  const char *star = NULL, *again = NULL;
  while (*s || (p < end && *p == '*')) {
    if (p < end && *p == '*') star = ++p, again = s;
    else if (p < end && (*p == '?' || tolower((unsigned char)*p) == *s)) p++, s++;
    else if (star && *again) p = star, s = ++again;
    else return false;
  }
  return p == end;
}

static bool names_match(const Line *l, const char *name) {
  bool found = false;
  if (l->nnames > 3 && !memcmp(l->names, "|1|", 3)) return hashed_matches(l->names, l->nnames, name);
  for (const char *p = l->names, *all = l->names + l->nnames; p < all;) {
    const char *comma = memchr(p, ',', (size_t)(all - p)), *end = comma ? comma : all;
    bool not = *p == '!';
    if (glob(p + not, end, name)) {
      if (not) return false;
      found = true;
    }
    p = end + 1;
  }
  return found;
}

typedef bool (*LineFn)(void *ctx, const Line *l); /* false: enough */
static void each_line(const char *known, const char *name, LineFn f, void *ctx) {
  for (const char *p = known; *p;) {
    const char *end = p + strcspn(p, "\n");
    Line l;
    if (line_read(p, end, &l) && names_match(&l, name) && !f(ctx, &l)) return;
    p = end + (*end == '\n');
  }
}

bool ssh_hosts_read_line(const char *line, size_t n, Buf *blob, SshHostKey *key) {
  Line l;
  Buf kind = {0};
  blob->n = 0;
  bool ok = line_read(line, line + n, &l) && hash_unbase64(l.key, l.nkey, blob);
  *key = (SshHostKey){(const uint8_t *)blob->p, blob->n};
  if (ok) kind_of(*key, &kind);
  ok = ok && kind.n && kind.n == l.nkind && !memcmp(kind.p, l.kind, kind.n);
  buf_free(&kind);
  return ok;
}

/* ---- the question ---- */

typedef struct Search {
  SshHostKey key;
  Buf kind;
  Buf *recorded;
  bool same, other, revoked;
} Search;

static bool look(void *ctx, const Line *l) {
  Search *s = ctx;
  Buf blob = {0};
  bool readable = hash_unbase64(l->key, l->nkey, &blob);
  bool equal = readable && blob.n == s->key.n && !memcmp(blob.p, s->key.p, blob.n);
  bool kind = l->nkind == s->kind.n && !memcmp(l->kind, s->kind.p, l->nkind);
  if (l->revoked) s->revoked |= equal;
  else if (readable) {
    s->same |= equal;
    s->other |= kind && !equal;
    if (s->recorded) {
      if (s->recorded->n) buf_c(s->recorded, ", ");
      ssh_hosts_fingerprint((SshHostKey){(const uint8_t *)blob.p, blob.n}, s->recorded);
      buf_fmt(s->recorded, " (%.*s)", (int)l->nkind, l->kind);
    }
  }
  buf_free(&blob);
  return true;
}

static enum SshKnown ask(const char *known, const char *host, int port, SshHostKey key, Buf *recorded) {
  Search s = {.key = key, .recorded = recorded};
  Buf name = {0};
  address(host, port, &name);
  kind_of(key, &s.kind);
  each_line(known, buf_cstr(&name), look, &s);
  buf_free(&name);
  buf_free(&s.kind);
  return s.revoked ? SSH_REVOKED : s.same ? SSH_KNOWN : s.other ? SSH_CHANGED : SSH_UNKNOWN;
}

enum SshKnown ssh_hosts_check(const char *known, const char *host, int port, SshHostKey key, Buf *recorded) {
  enum SshKnown k = ask(known, host, port, key, recorded);
  if (k != SSH_UNKNOWN || port == 22) return k;
  k = ask(known, host, 22, key, NULL);
  return k == SSH_CHANGED ? SSH_UNKNOWN : k; /* another server on the same machine may well have another key */
}

/* ---- kinds ---- */

static const char *const kinds[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool note_kind(void *ctx, const Line *l) {
  bool *seen = ctx;
  for (size_t i = 0; i < KINDS; i++) seen[i] |= !l->revoked && l->nkind == strlen(kinds[i]) && !memcmp(l->kind, kinds[i], l->nkind);
  return true;
}

static void add_kinds(const bool *seen, bool want, Buf *out) {
  for (size_t i = 0; i < KINDS; i++)
    if (seen[i] == want) buf_fmt(out, "%s%s", out->n ? "," : "", kinds[i]);
}

void ssh_hosts_kinds(const char *known, const char *host, int port, Buf *out) {
  bool seen[KINDS] = {0};
  Buf name = {0};
  address(host, port, &name);
  each_line(known, buf_cstr(&name), note_kind, seen);
  if (port != 22) each_line(known, host, note_kind, seen);
  buf_free(&name);
  add_kinds(seen, true, out);
  add_kinds(seen, false, out);
}

/* ---- writing ---- */

void ssh_hosts_replace(const char *known, const char *host, int port, SshHostKey key, Buf *out) {
  Buf name = {0}, kind = {0};
  address(host, port, &name);
  kind_of(key, &kind);
  for (const char *p = known; *p;) {
    const char *end = p + strcspn(p, "\n");
    Line l;
    bool this = line_read(p, end, &l) && !l.revoked && names_match(&l, buf_cstr(&name)) && l.nkind == kind.n && !memcmp(l.kind, kind.p, kind.n);
    if (!this && end > p) buf_add(out, p, (size_t)(end - p)), buf_ch(out, '\n');
    p = end + (*end == '\n');
  }
  ssh_hosts_line(host, port, key, out);
  buf_ch(out, '\n');
  buf_free(&name);
  buf_free(&kind);
}
