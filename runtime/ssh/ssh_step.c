/* ssh_step.c - the :ssh step kind: one command on another machine (spec/flows.md 4.11), files before it, a file behind it. */
#include "runtime/base/duration.h"
#include "runtime/engine/engine_int.h"
#include "engine_ssh.h"
#include "runtime/base/limits.h"
#include "reader/num.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include "ssh_save.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60000, TIMEOUT_MOST_MS = 24 * 3600 * 1000, PREVIEW = 2000, COMMAND_PREVIEW = 120 };
#define OUTPUT_MOST limit_value(LIMIT_ssh_output_bytes)

typedef struct Flight {
  uint64_t id, token;
  SshSave *save;
  uint64_t ok[4];
  struct Flight *next, **at;
} Flight;
static Flight *flights;

static void flight_free(Flight *f) {
  *f->at = f->next;
  if (f->next) f->next->at = f->at;
  ssh_save_free(f->save);
  free(f);
}

static Flight *flight_new(StepCall *c) {
  Flight *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (Flight){.token = step_token(c), .next = flights, .at = &flights};
  if (flights) flights->at = &f->next;
  return flights = f;
}

/* ---- options ---- */

static char *copy_n(const char *s, size_t n) {
  char *p = malloc(n + 1);
  if (!p) abort();
  memcpy(p, s, n);
  p[n] = 0;
  return p;
}

static bool whole(Val v) { return is_str(v) && strlen(str_s(v)) == str_n(v); }

/* A text without zero bytes, or nil. */
static bool text(Val cfg, const char *key, size_t most, char **out, Err *e) {
  Val v = map_get_kw(cfg, key);
  if (is_nil(v)) return true;
  if (!whole(v) || !str_n(v) || str_n(v) > most)
    return err_set(e, "validation", ":%s of a :ssh step must be a text of 1 to %zu bytes without zero bytes", key, most);
  *out = copy_n(str_s(v), str_n(v));
  return true;
}

static bool command(Val cfg, SshJob *j, Err *e) {
  Val v = map_get_kw(cfg, "command");
  if (is_nil(v) && (!is_nil(map_get_kw(cfg, "upload")) || !is_nil(map_get_kw(cfg, "download")))) return true;
  if (is_nil(v)) return err_set(e, "validation", "a :ssh step needs :command, what to run on the other machine");
  if (is_str(v) && str_n(v) > SSH_COMMAND_MAX)
    return err_set(e, "validation", ":command of a :ssh step has %zu bytes and %d are possible; send a long script as :stdin of the command \"sh -s\"", str_n(v),
                   SSH_COMMAND_MAX);
  return text(cfg, "command", SSH_COMMAND_MAX, &j->command, e);
}

static bool input(Val cfg, SshJob *j, Err *e) {
  Val v = map_get_kw(cfg, "stdin");
  if (is_nil(v)) return true;
  if (!is_str(v) && !is_type(v, T_BYTES)) return err_set(e, "validation", ":stdin of a :ssh step must be a text or bytes");
  j->ninput = is_str(v) ? str_n(v) : AS(Bytes, v)->n;
  j->input = copy_n(is_str(v) ? str_s(v) : (const char *)AS(Bytes, v)->b, j->ninput);
  return true;
}

/* On a terminal the end of the input is a key that is pressed. */
static void end_of_typing(SshJob *j) {
  bool line = !j->ninput || j->input[j->ninput - 1] == '\n';
  char *p = realloc(j->input, j->ninput + 3);
  if (!p) abort();
  memcpy(p + j->ninput, "\4\4", 3);
  j->input = p;
  j->ninput += line ? 1 : 2;
}

/* ---- :env ---- */

static bool env_value(StepCall *c, const char *name, Val v, bool secrets, char **out, Err *e) {
  Val ref = map_get_kw(v, "secret-ref");
  Buf b = {0};
  if (is_map(v) && (is_str(ref) || is_kw(ref))) {
    const char *value = secrets ? secret_use(step_secrets(c), kw_text(ref), step_secrets_used(c), e) : "";
    return value && (*out = copy_n(value, strlen(value)));
  }
  if (!whole(v) && !is_long(v) && !is_bool(v))
    return err_set(e, "validation", ":env of a :ssh step: the value of %.60s must be a text without zero bytes, an integer, true or false, or {:secret-ref name}", name);
  (void)(is_str(v) ? (buf_add(&b, str_s(v), str_n(v)), NIL) : print_to(&b, v, &print_readably));
  *out = copy_n(b.p ? b.p : "", b.n);
  buf_free(&b);
  return true;
}

static void env_add(SshJob *j, const char *name, char *value) {
  j->env = realloc(j->env, (j->nenv + 1) * sizeof *j->env);
  if (!j->env) abort();
  j->env[j->nenv++] = (SshVar){copy_n(name, strlen(name)), value};
}

bool engine_ssh_env(StepCall *c, Val cfg, bool secrets, SshJob *j, Err *e) {
  Val m = map_get_kw(cfg, "env"), k, v;
  MapIter it;
  size_t all = 0;
  if (is_nil(m)) return true;
  if (!is_map(m)) return err_set(e, "validation", ":env of a :ssh step must be a map from names to texts: {\"NAME\" \"value\"}");
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    const char *name = is_str(k) || is_kw(k) ? kw_text(k) : "";
    char *value = NULL;
    if (!ssh_shell_name_ok(name, is_str(k) ? str_n(k) : strlen(name)))
      return err_set(e, "validation", ":env of a :ssh step has the name \"%.60s\"; a variable's name has letters, digits and _, and begins with no digit", name);
    if (!env_value(c, name, v, secrets, &value, e)) return false;
    env_add(j, name, value);
    all += strlen(name) + strlen(value);
  }
  return all <= SSH_ENV_MAX || err_set(e, "validation", ":env of a :ssh step has %zu bytes, and %d are possible; send more as :stdin or :upload", all, SSH_ENV_MAX);
}

/* ---- numbers ---- */

static bool millis(Val cfg, const char *key, enum DurationUnit unit, int64_t most, int64_t *out, Err *e) {
  Val v = map_get_kw(cfg, key);
  char what[40];
  snprintf(what, sizeof what, ":%s", key);
  if (is_nil(v)) return true;
  if (!duration_of(v, unit, what, out, e)) return false;
  return (*out >= 1 && *out <= most) || err_set(e, "validation", "%s of a :ssh step is between 1 ms and %lld s", what, (long long)most / 1000);
}

static bool output_limit(Val cfg, SshJob *j, Err *e) {
  Val v = map_get_kw(cfg, "max-output-bytes");
  int64_t most = OUTPUT_MOST;
  j->max_output = (size_t)(limit_value(LIMIT_result_bytes) < most ? limit_value(LIMIT_result_bytes) : most);
  j->max_get = (int64_t)j->max_output;
  if (is_nil(v)) return true;
  if (!is_long(v) || long_of(v) < 1 || long_of(v) > most)
    return err_set(e, "validation", ":max-output-bytes of a :ssh step is an integer from 1 to %lld (--limit ssh-output-bytes=N)", (long long)most);
  j->max_output = (size_t)long_of(v);
  return true;
}

static bool exit_code(Val v, uint64_t bits[4], Err *e) {
  if (!is_long(v) || long_of(v) < 0 || long_of(v) > 255) return err_set(e, "validation", ":ok-exit-codes of a :ssh step holds integers from 0 to 255");
  bits[long_of(v) / 64] |= 1ull << long_of(v) % 64;
  return true;
}

static bool exit_codes(Val cfg, uint64_t bits[4], Err *e) {
  Val all = map_get_kw(cfg, "ok-exit-codes");
  memset(bits, 0, 4 * sizeof *bits);
  if (is_nil(all)) return bits[0] = 1, true;
  if (is_long(all)) return exit_code(all, bits, e);
  Val s = is_sequential(all) || is_set(all) ? seq_of(all) : NIL;
  if (is_nil(s) || is_sig(s)) return err_set(e, "validation", ":ok-exit-codes of a :ssh step is a vector or a set of integers, such as [0 1]");
  for (; !is_nil(s) && !is_sig(s); s = seq_next(s)) {
    Val x = seq_first(s);
    if (!exit_code(x, bits, e)) return false;
  }
  return true;
}

static bool flag(Val cfg, const char *key, bool *out, Err *e) {
  Val v = map_get_kw(cfg, key);
  *out = same(v, TRUE_V);
  return is_nil(v) || is_bool(v) || err_set(e, "validation", ":%s of a :ssh step is true or false", key);
}

/* ---- files ---- */

static bool mode(Val v, long *out, Err *e) {
  char *end = NULL;
  long m = is_nil(v) ? 0644 : is_str(v) ? strtol(str_s(v), &end, 8) : is_long(v) ? (long)long_of(v) : -1;
  if (m < 0 || m > 07777 || (end && (*end || end == str_s(v)))) return err_set(e, "validation", ":mode in :upload is the rights of the file, such as \"0600\"");
  return *out = m, true;
}

static bool put_bytes(StepCall *c, Val what, bool secrets, SshPut *p, Err *e) {
  Val content = map_get_kw(what, "content"), ref = map_get_kw(what, "from-ref");
  Resource r;
  int64_t size = 0;
  if (is_nil(content) == is_nil(ref)) return err_set(e, "validation", ":upload needs either :from-ref, a reference, or :content, a text or bytes");
  if (is_str(content) || is_type(content, T_BYTES)) {
    p->n = is_str(content) ? str_n(content) : AS(Bytes, content)->n;
    p->bytes = copy_n(is_str(content) ? str_s(content) : (const char *)AS(Bytes, content)->b, (size_t)p->n);
    return true;
  }
  if (is_nil(ref)) return err_set(e, "validation", ":content in :upload must be a text or bytes");
  if (!resource_find(c->r->e, c, ref, &r, e)) return false;
  if (!secrets) return true;
  p->fd = resource_file(c->r->e, &r, &size, e);
  p->n = (uint64_t)size;
  if (p->fd < 0) e->code = resource_error_type(e);
  return p->fd >= 0;
}

static bool put(StepCall *c, Val what, bool secrets, SshJob *j, Err *e) {
  Val path = map_get_kw(what, "path");
  if (!is_map(what) || !whole(path) || !str_n(path) || str_n(path) > 4000)
    return err_set(e, "validation", ":upload is {:from-ref reference :path \"where it goes on the other machine\"}, or a vector of such maps");
  j->puts = realloc(j->puts, (j->nputs + 1) * sizeof *j->puts);
  if (!j->puts) abort();
  SshPut *p = &j->puts[j->nputs++];
  *p = (SshPut){.fd = -1, .path = copy_n(str_s(path), str_n(path))};
  return mode(map_get_kw(what, "mode"), &p->mode, e) && put_bytes(c, what, secrets, p, e);
}

static bool puts_of(StepCall *c, Val cfg, bool secrets, SshJob *j, Err *e) {
  Val all = map_get_kw(cfg, "upload");
  if (is_nil(all)) return true;
  if (!is_vec(all)) return put(c, all, secrets, j, e);
  for (uint32_t i = 0; i < vec_count(all); i++)
    if (!put(c, vec_nth(all, i), secrets, j, e)) return false;
  return true;
}

/* ---- the job ---- */

static bool numbers(Val cfg, SshJob *j, Err *e) {
  bool preview;
  return millis(cfg, "timeout", DURATION_SECONDS, TIMEOUT_MOST_MS, &j->timeout_ms, e) && output_limit(cfg, j, e) && exit_codes(cfg, j->ok_exits, e) &&
         flag(cfg, "pty?", &j->pty, e) && flag(cfg, "log-command-preview?", &preview, e) && text(cfg, "workdir", 4000, &j->workdir, e) &&
         text(cfg, "download", 4000, &j->get, e);
}

/* Without `send` no secret is read and no file opened. bound: the connection. */
static bool job_of(StepCall *c, bool send, SshJob *j, Val *bound, Err *e) {
  Val cfg = step_config(c);
  ssh_job_init(j);
  j->timeout_ms = TIMEOUT_MS;
  bool ok = engine_ssh_target(c, map_get_kw(cfg, "connection"), send, &j->target, bound, e) && command(cfg, j, e) && numbers(cfg, j, e) &&
            millis(cfg, "connect-timeout-ms", DURATION_MS, 600000, &j->target.connect_ms, e) && input(cfg, j, e) && engine_ssh_env(c, cfg, send, j, e) &&
            puts_of(c, cfg, send, j, e);
  if (ok && kw_is(map_get_kw(cfg, "delivery"), "idempotent")) env_add(j, "BREYTA_IDEMPOTENCY_KEY", copy_n(step_key(c), strlen(step_key(c))));
  if (ok && j->pty) end_of_typing(j);
  return ok;
}

static Val error_map(const Err *e) {
  Val m = err_map(e->code ? e->code : "validation", e->msg);
  bool passes = e->code && (resource_error_passes(e) || !strcmp(e->code, "network"));
  return map_assoc(m, kw_c("retryable?"), bool_val(passes));
}

static Val ssh_check(Engine *e, StepCall *c) {
  SshJob j;
  Err err = {0};
  Val bound;
  (void)e;
  bool ok = job_of(c, false, &j, &bound, &err);
  ssh_job_free(&j);
  return ok ? NIL : ex_throw_val(ex_make(EXC_INFO, str_c(err.msg), error_map(&err), NIL));
}

/* ---- results ---- */

static Val text_val(const Buf *b) { return str_new(b->p ? b->p : "", b->n); }

static Val bytes_val(const Buf *b) {
  Bytes *v = mem_obj_n(T_BYTES, (uint32_t)b->n);
  memcpy(v->b, b->p, b->n);
  return from_obj(v);
}

static Val preview_of(Val cfg, Val m) {
  Val v = map_get_kw(cfg, "command");
  if (!same(map_get_kw(cfg, "log-command-preview?"), TRUE_V) || !is_str(v)) return m;
  size_t n = str_n(v) > COMMAND_PREVIEW ? COMMAND_PREVIEW : str_n(v);
  return map_assoc(m, kw_c("command-preview"), str_new(str_s(v), n));
}

static Val result(const SshAnswer *a, Val cfg, bool saved) {
  Val m = map_assoc(map_empty, kw_c("success"), TRUE_V);
  if (a->ended) {
    m = map_assoc(m, kw_c("exit"), fix(a->exit));
    m = map_assoc(map_assoc(m, kw_c("stdout"), text_val(&a->out)), kw_c("stderr"), text_val(&a->errs));
    if (*a->signal) m = map_assoc(m, kw_c("signal"), str_c(a->signal));
  }
  m = map_assoc(m, kw_c("duration-ms"), int_val(a->duration_us / 1000));
  if (!is_nil(map_get_kw(cfg, "download"))) {
    m = map_assoc(m, kw_c("size-bytes"), int_val((int64_t)a->nget));
    if (saved) m = map_assoc(m, kw_c("content"), NIL);
    else if (utf8_valid(a->content.p ? a->content.p : "", a->content.n)) m = map_assoc(m, kw_c("content"), text_val(&a->content));
    else m = map_assoc(m, kw_c("content"), bytes_val(&a->content));
  }
  return preview_of(cfg, m);
}

/* The end of what it wrote says most of the time what was wrong. */
static Val tail(const Buf *b) {
  size_t n = b->n > PREVIEW ? PREVIEW : b->n;
  const char *from = b->p ? b->p + b->n - n : "";
  while (n && b->n > PREVIEW && ((unsigned char)*from & 0xc0) == 0x80) from++, n--;
  return str_new(from, n);
}

static void last_line(const Buf *b, Buf *out) {
  size_t end = b->n, from;
  while (end && (b->p[end - 1] == '\n' || b->p[end - 1] == '\r' || b->p[end - 1] == ' ')) end--;
  for (from = end; from && b->p[from - 1] != '\n';) from--;
  if (end > from) buf_fmt(out, ": %.*s", (int)(end - from > 200 ? 200 : end - from), b->p + from);
}

static Val exit_error(const SshAnswer *a, Val cfg) {
  Buf b = {0};
  if (*a->signal) buf_fmt(&b, "the command was ended by the signal %s (exit %d)", a->signal, a->exit);
  else buf_fmt(&b, "the command ended with exit %d", a->exit);
  last_line(&a->errs, &b);
  Val m = map_assoc(map_empty, kw_c("type"), kw_c("ssh-exit"));
  m = map_assoc(map_assoc(m, kw_c("message"), buf_str(&b)), kw_c("exit"), fix(a->exit)); /* :retry-on says whether it is tried again */
  m = map_assoc(m, kw_c("stderr-preview"), tail(&a->errs));
  m = map_assoc(m, kw_c("stdout-preview"), tail(&a->out));
  m = map_assoc(map_assoc(m, kw_c("started?"), TRUE_V), kw_c("duration-ms"), int_val(a->duration_us / 1000));
  if (*a->signal) m = map_assoc(m, kw_c("signal"), str_c(a->signal));
  return preview_of(cfg, m);
}

static bool exit_ok(const Flight *f, const SshAnswer *a) {
  unsigned code = (unsigned)a->exit & 255;
  return !a->ended || (f->ok[code / 64] >> code % 64 & 1);
}

static Val save_error(const Err *e) {
  return map_assoc(err_map(resource_error_type(e), e->msg), kw_c("retryable?"), bool_val(resource_error_passes(e)));
}

static Val failure(StepCall *c, const Flight *f, const SshAnswer *a) {
  bool once = kw_is(map_get_kw(step_config(c), "delivery"), "at-most-once");
  const Err *save = ssh_save_error(f->save);
  Val m = a->err == SSH_ABORTED && save ? save_error(save) : engine_ssh_error(a, once);
  if (a->out.n) m = map_assoc(m, kw_c("stdout-preview"), tail(&a->out));
  if (a->errs.n) m = map_assoc(m, kw_c("stderr-preview"), tail(&a->errs));
  return preview_of(step_config(c), m);
}

static void over(Engine *e, Flight *f, const SshAnswer *a) {
  StepCall *c = step_by_token(e, f->token);
  if (!c) return;
  Val cfg = step_config(c);
  if (a->err) step_failed(e, c, failure(c, f, a), -1);
  else if (!exit_ok(f, a)) step_failed(e, c, exit_error(a, cfg), -1);
  else if (f->save) {
    SshSave *s = f->save;
    f->save = NULL;
    ssh_save_finish(s, c, result(a, cfg, true), is_nil(map_get_kw(cfg, "download")) ? "text/plain; charset=utf-8" : "application/octet-stream");
  } else step_done(e, c, result(a, cfg, false));
}

static void landed(Engine *e, void *ctx, const SshEvent *v) {
  Flight *f = ctx;
  if (v && v->kind != SSH_ENDED) return;
  if (e && v) over(e, f, v->answer);
  flight_free(f);
}

/* ---- the step ---- */

static void mock(Engine *e, StepCall *c, Val bound) {
  Val config = map_get_kw(bound, "config"), user = map_get_kw(config, "username"), host = map_get_kw(config, "host"), cmd = map_get_kw(step_config(c), "command");
  SshAnswer a = {.ended = true};
  buf_fmt(&a.out, "MOCK SSH %s@%s: %s\n", is_str(user) ? str_s(user) : "user", is_str(host) ? str_s(host) : "host", is_str(cmd) ? str_s(cmd) : "");
  step_done(e, c, result(&a, step_config(c), false));
  ssh_answer_free(&a);
}

static void ssh_start(Engine *e, StepCall *c) {
  SshJob j;
  Err err = {0};
  Val bound;
  if (!job_of(c, true, &j, &bound, &err)) {
    ssh_job_free(&j);
    return step_failed(e, c, error_map(&err), -1);
  }
  if (ssh_target_is_mock(bound)) {
    ssh_job_free(&j);
    return mock(e, c, bound);
  }
  Flight *f = flight_new(c);
  memcpy(f->ok, j.ok_exits, sizeof f->ok);
  f->save = ssh_save_new(c, &j);
  f->id = engine_ssh_send(e, &j, landed, f, &err);
  if (f->id) return;
  flight_free(f);
  step_failed(e, c, error_map(&err), -1);
}

static void ssh_stop(Engine *e, StepCall *c) {
  (void)e;
  for (Flight *f = flights; f; f = f->next)
    if (f->token == step_token(c)) engine_ssh_cancel(f->id);
}

void engine_ssh_register(void) {
  static const StepKind ssh = {.name = "ssh", .check = ssh_check, .start = ssh_start, .cancel = ssh_stop, .gone = engine_ssh_gone};
  engine_register(&ssh);
}
