/* seal.c - see seal.h. */
#include "seal.h"
#include "hash.h"
#include "reader/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "BSL1"
enum { KEY_TEXT_MAX = SEAL_KEYS_MAX * 64 };

/* ---- the cipher ---- */

static EVP_CIPHER_CTX *begin(bool seals, const uint8_t *key, const uint8_t *nonce, const void *aad, size_t naad) {
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  int n;
  if (!c || !EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, seals)) mem_exhausted(0); /* a nonce of 12 bytes is its default */
  if (naad && !EVP_CipherUpdate(c, NULL, &n, aad, (int)naad)) mem_exhausted(naad);
  return c;
}

void seal_gcm(const uint8_t key[32], const uint8_t nonce[12], const void *aad, size_t naad, const void *p, size_t n, uint8_t *out, uint8_t tag[16]) {
  EVP_CIPHER_CTX *c = begin(true, key, nonce, aad, naad);
  uint8_t none[16];
  int k = 0;
  bool ok = (!n || EVP_EncryptUpdate(c, out, &k, p, (int)n)) && EVP_EncryptFinal_ex(c, none, &k) &&
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, tag);
  EVP_CIPHER_CTX_free(c); /* wipes the key schedule */
  if (!ok) mem_exhausted(n);
}

bool seal_gcm_open(const uint8_t key[32], const uint8_t nonce[12], const void *aad, size_t naad, const void *p, size_t n, const uint8_t tag[16],
                   uint8_t *out) {
  EVP_CIPHER_CTX *c = begin(false, key, nonce, aad, naad);
  uint8_t none[16], want[16];
  int k = 0;
  memcpy(want, tag, sizeof want);
  bool ok = (!n || EVP_DecryptUpdate(c, out, &k, p, (int)n)) && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, want) &&
            EVP_DecryptFinal_ex(c, none, &k) > 0;
  EVP_CIPHER_CTX_free(c);
  if (!ok && n) explicit_bzero(out, n);
  return ok;
}

void buf_wipe(Buf *b) {
  if (b->p) explicit_bzero(b->p, b->cap);
  buf_free(b);
}

/* ---- keys ---- */

typedef struct Key { uint8_t key[SEAL_KEY_BYTES], id[SEAL_KEY_ID_BYTES]; char hex[17]; } Key;
struct Keyring {
  char *path;      /* NULL: from the environment */
  Key keys[SEAL_KEYS_MAX];
  size_t n;
  struct stat seen; /* of the file that was read */
  int lock;        /* -1: not held */
};

static char *default_path(void) {
  const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
  Buf b = {0};
  if (dir && *dir == '/') buf_fmt(&b, "%s/breyta/secrets.key", dir);
  else buf_fmt(&b, "%s/.config/breyta/secrets.key", home && *home ? home : "");
  return buf_cstr(&b);
}

Keyring *keyring_new(const char *file) {
  Keyring *k = calloc(1, sizeof *k);
  if (!k) mem_exhausted(0);
  k->lock = -1;
  if (file) k->path = strdup(file);
  else if (!getenv("BREYTA_SECRETS_KEY")) k->path = default_path();
  return k;
}

void keyring_free(Keyring *k) {
  if (!k) return;
  keyring_release(k);
  free(k->path);
  explicit_bzero(k, sizeof *k);
  free(k);
}

const char *keyring_place(const Keyring *k) { return k->path ? k->path : "BREYTA_SECRETS_KEY"; }
const char *keyring_current(const Keyring *k) { return k->keys[0].hex; }
size_t keyring_count(const Keyring *k) { return k->n; }

static void key_name(Key *x) {
  static const char digits[] = "0123456789abcdef";
  uint8_t h[32];
  hash_sha256(x->key, sizeof x->key, h);
  memcpy(x->id, h, sizeof x->id);
  for (int i = 0; i < SEAL_KEY_ID_BYTES; i++) x->hex[2 * i] = digits[h[i] >> 4], x->hex[2 * i + 1] = digits[h[i] & 15];
}

static bool parse_key(const char *s, size_t n, Key *x) {
  Buf raw = {0};
  *x = (Key){0};
  bool ok = hash_unbase64(s, n, &raw) && raw.n == SEAL_KEY_BYTES;
  if (ok) memcpy(x->key, raw.p, raw.n);
  buf_wipe(&raw);
  if (ok) key_name(x);
  return ok;
}

static bool parse_keys(Keyring *k, const char *text, const char *between, Err *e) {
  k->n = 0;
  for (const char *p = text; *(p += strspn(p, between));) {
    size_t n = strcspn(p, between);
    if (k->n == SEAL_KEYS_MAX || !parse_key(p, n, &k->keys[k->n]))
      return err_set(e, "key_malformed", "%s: key %zu is not the base64 text of 32 bytes; `openssl rand -base64 32` makes one", keyring_place(k), k->n + 1);
    k->n++;
    p += n;
  }
  return k->n || err_set(e, "key_malformed", "%s is empty; it holds the base64 text of 32 bytes, as `openssl rand -base64 32` prints it", keyring_place(k));
}

/* ---- the file ---- */

static bool file_error(const Keyring *k, const char *verb, Err *e) {
  return err_set(e, "key_file", "cannot %s the key file %s: %s", verb, k->path, strerror(errno));
}

static bool owner_only(const Keyring *k, const struct stat *st, Err *e) {
  if (!S_ISREG(st->st_mode)) return err_set(e, "key_file", "the key file %s is no regular file", k->path);
  if (st->st_uid != geteuid() && st->st_uid)
    return err_set(e, "key_permissions", "the key file %s belongs to another user (%ld)", k->path, (long)st->st_uid);
  if (st->st_mode & 077)
    return err_set(e, "key_permissions", "others than its owner can use the key file %s (mode %04o); `chmod 600 %s`, and think of the key as known if they should not",
                   k->path, (unsigned)st->st_mode & 07777, k->path);
  return true;
}

static bool read_text(int fd, char *text, size_t most) {
  size_t n = 0;
  for (ssize_t r; n < most; n += (size_t)r)
    if ((r = read(fd, text + n, most - n)) <= 0) {
      if (r < 0 && errno == EINTR) r = 0;
      else if (r < 0) return false;
      else break;
    }
  text[n] = 0;
  return true;
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
         a->st_mode == b->st_mode && a->st_uid == b->st_uid;
}

/* *found false: there is no such file. */
static bool load_file(Keyring *k, bool *found, Err *e) {
  int fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  *found = fd >= 0 || errno != ENOENT;
  if (fd < 0) return !*found || file_error(k, "read", e);
  bool ok = !fstat(fd, &st) || file_error(k, "read", e);
  ok = ok && owner_only(k, &st, e);
  if (ok && !(k->n && same_file(&st, &k->seen))) {
    char text[KEY_TEXT_MAX + 1];
    ok = read_text(fd, text, KEY_TEXT_MAX) || file_error(k, "read", e);
    ok = ok && parse_keys(k, text, " \t\r\n", e);
    k->seen = st;
    explicit_bzero(text, sizeof text);
  }
  close(fd);
  if (!ok) k->n = 0;
  return ok;
}

/* Directories above the file, readable by us alone. */
static bool make_parents(const Keyring *k, Err *e) {
  char dir[PATH_MAX];
  if ((size_t)snprintf(dir, sizeof dir, "%s", k->path) >= sizeof dir) return err_set(e, "key_file", "the path of the key file is too long");
  for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
    *p = 0;
    if (mkdir(dir, 0700) && errno != EEXIST) return file_error(k, "make the directory of", e);
    *p = '/';
  }
  return true;
}

static bool write_all(int fd, const char *p, size_t n) {
  for (ssize_t w; n; p += w, n -= (size_t)w)
    if ((w = write(fd, p, n)) < 0) {
      if (errno != EINTR) return false;
      w = 0;
    }
  return true;
}

static bool sync_parent(const char *path) {
  char dir[PATH_MAX];
  const char *slash = strrchr(path, '/');
  snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && !fsync(fd);
  if (fd >= 0) close(fd);
  return ok;
}

/* The whole ring to a new file in place of the old one. */
static bool store_file(Keyring *k, size_t n, Err *e) {
  Buf text = {0}, tmp = {0};
  for (size_t i = 0; i < n; i++) {
    hash_base64(k->keys[i].key, SEAL_KEY_BYTES, &text);
    buf_ch(&text, '\n');
  }
  buf_fmt(&tmp, "%s.new", k->path);
  unlink(buf_cstr(&tmp)); /* of one that was killed: whoever writes holds the lock */
  int fd = open(buf_cstr(&tmp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool ok = fd >= 0 && write_all(fd, text.p, text.n) && !fsync(fd) && !rename(buf_cstr(&tmp), k->path) && sync_parent(k->path);
  if (!ok) file_error(k, "write", e);
  if (fd >= 0) close(fd);
  buf_wipe(&text);
  buf_free(&tmp);
  return ok;
}

static bool lock_file(Keyring *k, int how, bool make, Err *e) {
  Buf b = {0};
  if (!k->path) return true;
  if (make && !make_parents(k, e)) return false;
  buf_fmt(&b, "%s.lock", k->path);
  k->lock = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  buf_free(&b);
  /* A directory that cannot be written has nobody who changes the key in it. */
  if (k->lock < 0) return errno == EROFS || errno == EACCES || errno == ENOENT || file_error(k, "lock", e);
  while (flock(k->lock, how))
    if (errno != EINTR) return file_error(k, "lock", e);
  return true;
}

void keyring_release(Keyring *k) {
  if (k->lock >= 0) close(k->lock);
  k->lock = -1;
}

static bool load_env(Keyring *k, Err *e) {
  const char *text = getenv("BREYTA_SECRETS_KEY");
  if (k->n) return true;
  return text ? parse_keys(k, text, ", \t\r\n", e) : err_set(e, "key_missing", "BREYTA_SECRETS_KEY is not set any more");
}

static bool fresh_key(Key *x) {
  *x = (Key){0};
  hash_random(x->key, sizeof x->key);
  key_name(x);
  return true;
}

static bool key_missing(const Keyring *k, Err *e) {
  return err_set(e, "key_missing", "there is no key file %s; --secrets-key FILE or BREYTA_SECRETS_KEY says where the key is", k->path);
}

static bool load(Keyring *k, Err *e) {
  bool found = true;
  if (!k->path) return load_env(k, e);
  return load_file(k, &found, e) && (found || key_missing(k, e));
}

/* Under the exclusive lock, so that two that make one end up with the same. */
static bool make_file(Keyring *k, Err *e) {
  bool found;
  bool ok = lock_file(k, LOCK_EX, true, e) && load_file(k, &found, e);
  if (ok && !found) {
    k->n = fresh_key(&k->keys[0]);
    ok = store_file(k, 1, e) && load_file(k, &found, e);
  }
  keyring_release(k);
  return ok;
}

bool keyring_hold(Keyring *k, bool make, Err *e) {
  if (make && k->path && access(k->path, F_OK) && errno == ENOENT && !make_file(k, e)) return false;
  if (lock_file(k, LOCK_SH, false, e) && load(k, e)) return true;
  keyring_release(k);
  return false;
}

static bool from_env(const Keyring *k, Err *e) {
  return k->path || err_set(e, "key_env", "the key comes from BREYTA_SECRETS_KEY: put a new one in front of it there, with a comma between, and ask again");
}

bool keyring_add(Keyring *k, Err *e) {
  bool ok = from_env(k, e) && lock_file(k, LOCK_EX, false, e) && load(k, e);
  if (ok && k->n == SEAL_KEYS_MAX) ok = err_set(e, "key_file", "%s holds %d keys, more than that it cannot; --forget-old drops old ones", k->path, SEAL_KEYS_MAX);
  if (ok) {
    memmove(k->keys + 1, k->keys, k->n * sizeof *k->keys);
    fresh_key(&k->keys[0]);
    ok = store_file(k, k->n + 1, e);
    k->n = 0;
    ok = ok && load(k, e);
  }
  keyring_release(k);
  return ok;
}

bool keyring_forget(Keyring *k, Err *e) {
  bool ok = from_env(k, e) && lock_file(k, LOCK_EX, false, e) && load(k, e) && store_file(k, 1, e);
  explicit_bzero(k->keys + 1, sizeof k->keys - sizeof *k->keys);
  k->n = 0;
  ok = ok && load(k, e);
  keyring_release(k);
  return ok;
}

/* ---- records ---- */

/* Each part with its length in front: no two names are written alike. */
static void name_text(const SealName *n, Buf *aad) {
  buf_fmt(aad, "%zu:%s%zu:%s%lld", strlen(n->workspace), n->workspace, strlen(n->name), n->name, (long long)n->version);
}

void seal_put(const Keyring *k, const SealName *n, const void *p, size_t np, Buf *out) {
  Buf aad = {0};
  uint8_t head[SEAL_HEADER_BYTES], *nonce = head + 4 + SEAL_KEY_ID_BYTES, *text = malloc(np + 1);
  if (!text) mem_exhausted(np);
  name_text(n, &aad);
  memcpy(head, MAGIC, 4);
  memcpy(head + 4, k->keys[0].id, SEAL_KEY_ID_BYTES);
  hash_random(nonce, SEAL_NONCE_BYTES);
  seal_gcm(k->keys[0].key, nonce, aad.p, aad.n, p, np, text, nonce + SEAL_NONCE_BYTES);
  buf_add(out, (const char *)head, sizeof head);
  buf_add(out, (const char *)text, np);
  free(text);
  buf_free(&aad);
}

bool seal_key_of(const void *p, size_t n, char id[17]) {
  Buf b = {0};
  if (n < SEAL_HEADER_BYTES || memcmp(p, MAGIC, 4)) return false;
  hash_hex((const uint8_t *)p + 4, SEAL_KEY_ID_BYTES, &b);
  memcpy(id, buf_cstr(&b), 17);
  buf_free(&b);
  return true;
}

static const Key *key_of(const Keyring *k, const void *p) {
  for (size_t i = 0; i < k->n; i++)
    if (!memcmp(k->keys[i].id, (const char *)p + 4, SEAL_KEY_ID_BYTES)) return &k->keys[i];
  return NULL;
}

static bool open_with(const Key *x, const SealName *n, const uint8_t *p, size_t np, Buf *out) {
  const uint8_t *nonce = p + 4 + SEAL_KEY_ID_BYTES;
  size_t k = np - SEAL_HEADER_BYTES;
  uint8_t *text = malloc(k + 1);
  Buf aad = {0};
  if (!text) mem_exhausted(k);
  name_text(n, &aad);
  bool ok = seal_gcm_open(x->key, nonce, aad.p, aad.n, p + SEAL_HEADER_BYTES, k, nonce + SEAL_NONCE_BYTES, text);
  if (ok) buf_add(out, (const char *)text, k);
  explicit_bzero(text, k);
  free(text);
  buf_free(&aad);
  return ok;
}

bool seal_get(Keyring *k, const SealName *n, const void *p, size_t np, Buf *out, Err *e) {
  char id[17];
  if (!seal_key_of(p, np, id)) return err_set(e, "seal_malformed", "%.100s: what is stored is no sealed record", n->name);
  const Key *x = key_of(k, p);
  if (!x && !load(k, e)) return false;
  if (!x && !(x = key_of(k, p)))
    return err_set(e, "key_unknown", "%.100s is sealed with the key %s, which %s does not have", n->name, id, keyring_place(k));
  return open_with(x, n, p, np, out) || err_set(e, "seal_damaged", "%.100s: the sealed record was changed, or belongs elsewhere", n->name);
}
