/* flowtest_record.c - fixtures: what a run for real was answered, as a file that the next runs read. Secrets stay out: values of
 * headers and fields that are named like one, and every text that equals or holds a secret known from the requests, the input
 * or the environment, become "<secret>". */
#include "flowtest_int.h"
#include "reader/read.h"
#include "reader/mem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

extern char **environ;
enum { SECRET_LEAST = 6, PRETTY_WIDTH = 100 };

/* --- pretty printing -------------------------------------------------------------------------------------------------------- */
static void pad(Buf *b, size_t n) {
  for (size_t i = 0; i < n; i++) buf_ch(b, ' ');
}

static void pretty_map(Buf *b, Val m, size_t indent) {
  MapIter it;
  Val k, v;
  bool first = true;
  buf_ch(b, '{');
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    size_t line = b->n;
    if (!first) {
      buf_ch(b, '\n');
      pad(b, indent + 1);
      line = b->n;
    }
    first = false;
    print_to(b, k, &print_readably);
    buf_ch(b, ' ');
    record_pretty(b, v, indent + 1 + (b->n - line));
  }
  buf_ch(b, '}');
}

/* One line when it fits, else an entry or element a line. */
void record_pretty(Buf *b, Val v, size_t indent) {
  Buf flat = {0};
  if (is_sig(print_to(&flat, v, &print_readably))) buf_c(&flat, "nil");
  if (indent + flat.n <= PRETTY_WIDTH || (!is_map(v) && !is_vec(v)) || indent > 60) {
    buf_add(b, flat.p, flat.n);
  } else if (is_map(v)) {
    pretty_map(b, v, indent);
  } else {
    buf_ch(b, '[');
    for (uint32_t i = 0; i < vec_count(v); i++) {
      if (i) {
        buf_ch(b, '\n');
        pad(b, indent + 1);
      }
      record_pretty(b, vec_nth(v, i), indent + 1);
    }
    buf_ch(b, ']');
  }
  buf_free(&flat);
}

/* --- secrets ---------------------------------------------------------------------------------------------------------------- */
typedef struct Secrets { ValVec known; } Secrets;

static bool ends_like(const char *name, const char *word) {
  size_t n = strlen(name), k = strlen(word);
  return n >= k && !strcasecmp(name + n - k, word);
}

/* authorization, x-api-key, :client_secret, STRIPE_TOKEN ... */
static bool secret_name(const char *name) {
  static const char *const ends[] = {"authorization", "cookie", "api-key", "api_key", "apikey", "token", "secret", "password", "passwd",
                                     "credential", "credentials", "private-key", "private_key", "access-key", "access_key", "signature"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (ends_like(name, ends[i])) return true;
  return false;
}

/* Longer ones first: one secret may begin another. */
static void know_one(Secrets *s, const char *text) {
  size_t n = strlen(text), i = s->known.n;
  if (n < SECRET_LEAST) return;
  vv_push(&s->known, NIL);
  for (; i && str_n(s->known.a[i - 1]) < n; i--) s->known.a[i] = s->known.a[i - 1];
  s->known.a[i] = str_c(text);
}

static void know(Secrets *s, const char *text) {
  const char *space = strchr(text, ' '); /* "Bearer xyz": the credentials are a secret too */
  know_one(s, text);
  if (space) know_one(s, space + 1);
}

static bool holds_secret_key(Val k) { return (is_kw(k) || is_str(k)) && secret_name(kw_text(k)); }

/* What an :auth map holds its secret under. */
static bool holds_credential(Val k) { return kw_is(k, "value") || kw_is(k, "key") || kw_is(k, "pass"); }

static void find_auth(Secrets *s, Val auth) {
  MapIter it;
  Val k, v;
  if (!is_map(auth)) return;
  map_iter(&it, auth);
  while (map_next(&it, &k, &v))
    if (is_str(v) && holds_credential(k)) know(s, str_s(v));
}

static void find_in(Secrets *s, Val v, bool secret, int depth) {
  if (depth > 200) return;
  if (is_str(v) && secret) know(s, str_s(v));
  if (is_map(v)) {
    MapIter it;
    Val k, x;
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) {
      if (kw_is(k, "auth")) find_auth(s, x);
      find_in(s, x, secret || holds_secret_key(k), depth + 1);
    }
  } else if (is_vec(v)) {
    for (uint32_t i = 0; i < vec_count(v); i++) find_in(s, vec_nth(v, i), secret, depth + 1);
  }
}

/* Inputs that the flow declares as secrets, by name. */
static void declared_secrets(Secrets *s, const FlowDef *f, Val input) {
  MapIter it;
  Val id, inv, all = map_get_kw(f->map, "invocations");
  if (!is_map(all)) return;
  map_iter(&it, all);
  while (map_next(&it, &id, &inv)) {
    Val inputs = map_get_kw(inv, "inputs");
    for (uint32_t i = 0; is_vec(inputs) && i < vec_count(inputs); i++) {
      Val one = vec_nth(inputs, i), type = map_get_kw(one, "type");
      const char *name = kw_text(map_get_kw(one, "name"));
      if (!strcmp(kw_text(type), "secret") || !strcmp(kw_text(type), "password")) find_in(s, map_get_kw(input, name), true, 0);
    }
  }
}

static void environment_secrets(Secrets *s) {
  for (char **e = environ; e && *e; e++) {
    const char *eq = strchr(*e, '=');
    char name[128];
    if (!eq || (size_t)(eq - *e) >= sizeof name) continue;
    snprintf(name, sizeof name, "%.*s", (int)(eq - *e), *e);
    if (secret_name(name) || ends_like(name, "_key")) know(s, eq + 1);
  }
}

/* The text with every known secret replaced. */
static Val clean_text(const Secrets *s, Val text) {
  for (size_t i = 0; i < s->known.n; i++) {
    const char *secret = str_s(s->known.a[i]), *p = str_s(text), *at;
    if (!strstr(p, secret)) continue;
    Buf b = {0};
    for (; (at = strstr(p, secret)); p = at + strlen(secret)) {
      buf_add(&b, p, (size_t)(at - p));
      buf_c(&b, "<secret>");
    }
    buf_c(&b, p);
    text = buf_str(&b);
  }
  return text;
}

static Val clean(const Secrets *s, Val v, bool secret, int depth) {
  if (is_str(v)) return secret ? str_c("<secret>") : clean_text(s, v);
  if (depth > 200 || (!is_map(v) && !is_vec(v))) return secret && !is_nil(v) && !is_bool(v) ? str_c("<secret>") : v;
  if (is_map(v)) {
    MapIter it;
    Val k, x, out = v;
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) out = map_assoc(out, k, clean(s, x, secret || holds_secret_key(k), depth + 1));
    return out;
  }
  Val out = vec_empty;
  for (uint32_t i = 0; i < vec_count(v); i++) out = vec_conj(out, clean(s, vec_nth(v, i), secret, depth + 1));
  return out;
}

/* Step ids and the keys of our own format are no secrets, only what stands below them: each answer is cleaned by itself. */
static Val clean_answers(const Secrets *s, Val answers) {
  static const char *const keys[] = {"value", "error"};
  Val out = vec_empty;
  for (uint32_t i = 0; i < vec_count(answers); i++) {
    Val a = vec_nth(answers, i);
    for (size_t k = 0; k < 2; k++) {
      Val v = map_get(a, kw_c(keys[k]), ABSENT);
      if (!same(v, ABSENT)) a = map_assoc(a, kw_c(keys[k]), clean(s, v, false, 0));
    }
    out = vec_conj(out, a);
  }
  return out;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------- */
static Val answers_of(const Secrets *s, Val calls) {
  Val out = vec_empty;
  for (uint32_t i = 0; i < vec_count(calls); i++) {
    Val attempts = clean_answers(s, vec_nth(calls, i));
    Val kv[] = {kw_c("attempts"), attempts};
    out = vec_conj(out, vec_count(attempts) == 1 ? vec_nth(attempts, 0) : map_from(kv, 1, false));
  }
  return out;
}

static Secrets known_secrets(const World *w, Val input) {
  Secrets s = {0};
  for (size_t i = 0; i < w->calls.n; i++) find_in(&s, w->calls.a[i].input, false, 0);
  find_in(&s, input, false, 0);
  declared_secrets(&s, w->file->flow, input);
  environment_secrets(&s);
  return s;
}

Val record_expect(const World *w, Val input) {
  Secrets s = known_secrets(w, input);
  Val type = map_get_kw(w->error, "type");
  bool done = w->status == RUN_COMPLETED, failed = w->status == RUN_FAILED && is_kw(type);
  Val kv[] = {kw_c(done ? "result" : failed ? "error" : "status"), done ? clean(&s, w->value, false, 0) : failed ? type : kw_c("waiting")};
  return map_from(kv, 1, false);
}

static Val fixture(World *w, Val input) {
  Secrets s = known_secrets(w, input);
  MapIter it;
  Val id, calls, steps = map_empty;
  map_iter(&it, w->recorded);
  while (map_next(&it, &id, &calls)) steps = map_assoc(steps, id, answers_of(&s, calls));
  Buf at = {0};
  inst_print(&at, w->start);
  Val kv[] = {kw_c("clock"), buf_str(&at), kw_c("flow"), str_c(w->file->flow->hash), kw_c("input"),
              clean(&s, map_dissoc(input, kw_new("flow", "ctx")), false, 0), kw_c("steps"), steps};
  return map_from(kv, 4, false);
}

static bool write_text(const char *path, const Buf *b, Buf *why) {
  Buf part = {0};
  buf_fmt(&part, "%s.part", path);
  FILE *f = fopen(buf_cstr(&part), "wb");
  bool ok = f && fwrite(b->p, 1, b->n, f) == b->n;
  if (f) ok = fclose(f) == 0 && ok;
  ok = ok && rename(buf_cstr(&part), path) == 0;
  if (!ok) buf_fmt(why, "cannot write %s: %s\n", path, strerror(errno));
  buf_free(&part);
  return ok;
}

static void make_folder(const char *path) { /* one level: fixtures/ */
  char dir[4096];
  const char *slash = strrchr(path, '/');
  if (!slash || (size_t)(slash - path) >= sizeof dir) return;
  snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
  mkdir(dir, 0777); /* what fails here fails when the file is written, and is told there */
}

bool record_write(World *w, Val input, Buf *note, Buf *why) {
  Val name = map_get_kw(w->tcase, "recorded");
  Buf b = {0};
  if (!is_str(name)) {
    buf_c(why, "the case has no :recorded: say where the answers belong, such as :recorded \"fixtures/today.edn\"\n");
    return false;
  }
  char *path = test_beside(w->file->path, str_s(name));
  buf_c(&b, ";; written by breyta-run test --record\n");
  record_pretty(&b, fixture(w, input), 0);
  buf_ch(&b, '\n');
  make_folder(path);
  bool ok = write_text(path, &b, why);
  if (ok) buf_fmt(note, "recorded %s\n", path);
  mem_raw_free(path);
  buf_free(&b);
  return ok;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */
bool record_read(const TestFile *f, Val tcase, Val *out, Buf *why) {
  Val name = map_get_kw(tcase, "recorded");
  Buf text = {0};
  *out = NIL;
  if (!is_str(name)) return true;
  char *path = test_beside(f->path, str_s(name));
  bool ok = test_file_text(path, &text);
  if (!ok)
    buf_fmt(why, "cannot read :recorded %s: %s\n  write it with `breyta-run test %s --record --filter '%s'`\n", path, strerror(errno),
            f->path, kw_text(map_get_kw(tcase, "name")));
  Val v = ok ? read_one(buf_cstr(&text), text.n, path, true) : NIL;
  if (ok && (is_sig(v) || !is_map(v) || !is_map(map_get_kw(v, "steps")))) {
    Val msg = is_sig(v) && is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
    buf_fmt(why, ":recorded %s is no fixture: %s\n", path, is_str(msg) ? str_s(msg) : "a map with :steps was expected");
    ok = false;
  }
  if (ok) *out = v;
  mem_raw_free(path);
  buf_free(&text);
  return ok;
}

/* --- a first test file ------------------------------------------------------------------------------------------------------ */
void flowtest_skeleton(const FlowDef *flow, const char *flow_name, const char *recorded, Val expect, Buf *b) {
  buf_fmt(b, ";; Tests of %s; `breyta-run test --help` explains the format. Input and answers are in the :recorded file.\n"
             "{:flow \"%s\"\n :cases\n [{:name \"recorded\"\n   :recorded \"%s\"\n   :expect ", flow->slug, flow_name, recorded);
  record_pretty(b, expect, 11);
  buf_c(b, "}]}\n");
}
