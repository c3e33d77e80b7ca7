/* client_cli.c - see client_cli.h: from words to a row with its parameters, and what runs it. Values of parameters: client_args.c. */
#include "client_cli.h"
#include "runtime/cli/cli.h"
#include "runtime/server/breyta_options.h"
#include "client_args.h"
#include "client_doc.h"
#include "client_runs.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/map.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Set by the globals, which any command takes at any place. */
const ClientParam client_globals[] = {
    {"api", CLIENT_TEXT, NULL, NULL, "the server; else BREYTA_API_URL, config.json, http://127.0.0.1:8080", "URL", 0},
    {"workspace", CLIENT_TEXT, NULL, NULL, "the workspace; else BREYTA_WORKSPACE, config.json, that of the key", "ID", 0},
    {"api-key-file", CLIENT_TEXT, NULL, NULL,
     "a file whose first line is the key, - for standard input; else BREYTA_API_KEY, BREYTA_TOKEN, auth.json", "FILE", 0},
    {"api-key", CLIENT_TEXT, NULL, NULL, "the key itself; other processes can see it while this one runs", "KEY", 0},
    {"token", CLIENT_TEXT, NULL, NULL, "the same as --api-key, behind BREYTA_API_KEY", "KEY", CLIENT_HIDDEN},
    {"ca-file", CLIENT_TEXT, NULL, NULL,
     "certificates (PEM) that are trusted, for a server whose certificate nobody else knows; else BREYTA_CA_FILE, config.json", "FILE", 0},
    {"profile", CLIENT_TEXT, NULL, NULL, "a profile of config.json: URL, workspace and key", "NAME", 0},
    {"dev", CLIENT_BOOL, NULL, NULL, "accepted for scripts of the stock client; changes nothing", NULL, CLIENT_HIDDEN},
    {"pretty", CLIENT_BOOL, NULL, NULL, "indent the JSON", NULL, 0},
    {0}};

bool client_positional(const ClientParam *p) { return *p->name == '<' || *p->name == '['; }

bool client_many(const ClientParam *p) {
  if (client_positional(p)) return strstr(p->name, "...") != NULL;
  return p->type == CLIENT_LIST || p->type == CLIENT_CSV || p->type == CLIENT_JSONS || p->type == CLIENT_PAIRS ||
         p->type == CLIENT_LABELS || p->type == CLIENT_OBJECT;
}

const char *client_arg(const ClientParam *p) {
  static const char *const names[] = {NULL,      "TEXT", "N",    "N|latest", "DURATION", "JSON", "JSON", "JSON",
                                      "A,B,...", "TEXT", "JSON", "K=V",      "K=V",      NULL,   "N"};
  return p->arg ? p->arg : p->flags & CLIENT_FILE ? "FILE" : names[p->type];
}

/* --- what rows' functions use ----------------------------------------------------------------------------------------------------- */
static int place(const ClientRun *r, const char *name) {
  for (int i = 0; r->command->params && r->command->params[i].name; i++)
    if (!strcmp(r->command->params[i].name, name)) return i;
  return -1;
}

ClientGiven client_list(const ClientRun *r, const char *name) {
  int i = place(r, name);
  return i < 0 ? (ClientGiven){0} : r->given[i];
}

bool client_given(const ClientRun *r, const char *name) { return client_list(r, name).n > 0; }

const char *client_text(const ClientRun *r, const char *name) {
  ClientGiven g = client_list(r, name);
  int i = place(r, name);
  return g.n ? g.a[g.n - 1] : i < 0 ? NULL : r->command->params[i].dflt;
}

bool client_flag(const ClientRun *r, const char *name) {
  const char *s = client_text(r, name);
  return s && !strcmp(s, "true");
}

int64_t client_timeout(const ClientRun *r) {
  int i = place(r, "timeout");
  bool whole = i < 0 || place(r, "wait") >= 0 || r->command->params[i].type != CLIENT_DURATION;
  return whole ? r->command->timeout_ms : client_int(r, "timeout", r->command->timeout_ms);
}

void client_say(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("breyta: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
}

void client_hint(ClientRun *r, const char *fmt, ...) {
  Buf b = {0};
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  va_end(ap);
  vv_push(&r->hints, buf_str(&b));
}

/* --- printing --------------------------------------------------------------------------------------------------------------------- */
/* "breyta runs show {data.workflowId}" out of the answer; "" when something of it is not there. */
static void expand(const ClientRun *r, Val envelope, const char *s, size_t n, Buf *b) {
  for (const char *end = s + n; s < end; s++) {
    if (*s != '{') {
      buf_ch(b, *s);
      continue;
    }
    char name[128];
    size_t len = strcspn(s + 1, "}");
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), s + 1);
    Val v = *name == '-' || *name == '<' ? NIL : client_at(envelope, name), text = is_nil(v) ? ABSENT : json_scalar_text(v);
    const char *given = client_text(r, *name == '-' ? name + 2 : name), *word = is_str(text) ? str_s(text) : given;
    if (!word) {
      buf_free(b);
      return;
    }
    buf_c(b, word);
    s += len + 1;
  }
}

static Val hints(ClientRun *r, Val envelope, bool ok) {
  Val list = vec_empty;
  for (const char *p = ok ? r->command->next : NULL; p && *p;) {
    size_t n = strcspn(p, "\n");
    Buf b = {0};
    expand(r, envelope, p, n, &b);
    if (b.n) list = vec_conj(list, buf_str(&b));
    p += n + (p[n] == '\n');
  }
  for (size_t i = 0; i < r->hints.n; i++) list = vec_conj(list, r->hints.a[i]);
  return list;
}

static bool stands_first(const char *key) {
  return !strcmp(key, "ok") || !strcmp(key, "workspaceId") || !strcmp(key, "data") || !strcmp(key, "meta");
}

/* ok, workspaceId, data, meta, and what else there is; the hints of the row unless the server had some. */
static Val decorated(ClientRun *r, Val envelope, bool ok) {
  ValVec m = {0};
  Val data = client_at(envelope, "data"), meta = client_at(envelope, "meta"), ws = client_at(envelope, "workspaceId"), k, v;
  Val list = is_nil(client_at(meta, "nextCommands")) ? hints(r, envelope, ok) : vec_empty;
  MapIter it;
  if (is_nil(ws) && r->where.workspace && ok) ws = str_c(r->where.workspace);
  Val head[] = {client_at(envelope, "ok"), ws, is_nil(data) ? map_empty : data, is_map(meta) ? meta : map_empty};
  static const char *const names[] = {"ok", "workspaceId", "data", "meta"};
  if (vec_count(list)) head[3] = client_put(head[3], "nextCommands", list);
  for (int i = 0; i < 4; i++)
    if (!is_nil(head[i])) vv_push(&m, client_key(names[i])), vv_push(&m, head[i]);
  map_iter(&it, envelope);
  while (map_next(&it, &k, &v))
    if (!stands_first(id_text(k))) vv_push(&m, k), vv_push(&m, v);
  return amap_from(m.a, m.n / 2);
}

static void warnings(Val envelope) {
  Val list = client_at(envelope, "meta.warnings");
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
    const char *s = client_text_at(vec_nth(list, i), "message");
    if (s) client_say("warning: %s", s);
  }
}

static void told(const ClientRun *r, Val envelope) {
  Val error = client_at(envelope, "error"), actions = client_at(error, "actions");
  const char *code = client_text_at(error, "code"), *message = is_str(error) ? str_s(error) : client_text_at(error, "message");
  const char *hint = client_text_at(envelope, "hint");
  client_say("%s%s%s%s%s%s", r->command->name, *r->command->name ? ": " : "", message ? message : "failed", code ? " [" : "",
             code ? code : "", code ? "]" : "");
  if (hint) client_say("hint: %s", hint);
  for (uint32_t i = 0; is_vec(actions) && i < vec_count(actions); i++) {
    const char *url = client_text_at(vec_nth(actions, i), "url"), *label = client_text_at(vec_nth(actions, i), "label");
    if (url) client_say("Open %s: %s%s", label ? label : "it", *url == '/' && r->where.url ? r->where.url : "", url);
  }
}

int client_print(ClientRun *r, Val envelope, bool ok) {
  Buf b = {0};
  envelope = decorated(r, envelope, ok);
  Val s = r->pretty ? json_pretty(&b, envelope) : json_print(&b, envelope);
  if (is_sig(s)) {
    client_say("the answer cannot be written as JSON");
    buf_free(&b);
    return EXIT_FAILED;
  }
  buf_ch(&b, '\n');
  warnings(envelope);
  if (!ok && !same(client_at(envelope, "ok"), TRUE_V)) told(r, envelope);
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
  return ok ? EXIT_OK : EXIT_FAILED;
}

int client_done(ClientRun *r, Val data) { return client_print(r, client_put(client_put(NIL, "ok", TRUE_V), "data", data), true); }

static int failed(ClientRun *r, const char *code, const char *hint, const char *fmt, va_list ap) {
  Buf b = {0};
  va_list again;
  va_copy(again, ap);
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  client_print(r, client_error(r->where.workspace, code, buf_cstr(&b), hint), false);
  buf_free(&b);
  return EXIT_FAILED;
}

int client_fail(ClientRun *r, const char *code, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  failed(r, code, NULL, fmt, ap);
  va_end(ap);
  return EXIT_FAILED;
}

int client_usage(ClientRun *r, const char *fmt, ...) {
  va_list ap;
  Buf hint = {0};
  r->misused = true;
  buf_fmt(&hint, "`breyta %s%s--help` says how it is used", r->command->name, *r->command->name ? " " : "");
  va_start(ap, fmt);
  failed(r, "usage", buf_cstr(&hint), fmt, ap);
  va_end(ap);
  buf_free(&hint);
  return EXIT_FAILED;
}

/* --- requests --------------------------------------------------------------------------------------------------------------------- */
Client *client_of(ClientRun *r) {
  Err e = {0};
  if (r->client) return r->client;
  if (!(r->client = client_new(&r->where, &e))) client_fail(r, e.code, "%s", e.msg);
  return r->client;
}

static bool has_body(const char *method) { return strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0; }

/* "waits/{id}/action/{name}" with what stands for the names. */
static void path_of(const ClientRun *r, const char *path, Buf *b) {
  buf_c(b, "api");
  for (const char *p = path; *p;) {
    char name[64];
    size_t n = strcspn(p, "/");
    snprintf(name, sizeof name, "%.*s", (int)n, p);
    if (*name == '{') {
      name[n - 1] = 0;
      const char *s = client_text_at(r->path, name + 1);
      client_segment(b, s ? s : "-");
    } else
      buf_fmt(b, "/%s", name);
    p += n + (p[n] == '/');
  }
}

static bool send_route(ClientRun *r, Client *c, const char *call, ClientAnswer *a) {
  char method[8];
  Buf path = {0};
  size_t n = strcspn(call, " ");
  snprintf(method, sizeof method, "%.*s", (int)n, call);
  path_of(r, call + n + 1, &path);
  bool body = has_body(method);
  Val query = body ? r->query : map_merge(r->args, r->query);
  ClientRequest q = {.method = method,
                     .path = buf_cstr(&path),
                     .query = query,
                     .body = !body             ? ABSENT
                             : is_nil(r->args) ? map_empty
                                               : r->args,
                     .timeout_ms = client_timeout(r)};
  bool ok = client_rest(c, &q, a);
  buf_free(&path);
  return ok;
}

bool client_send(ClientRun *r, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  if (!c) return false;
  const char *call = r->command->call;
  if (!strncmp(call, "runs.", 5) && !client_run_id(r)) return false;
  return strchr(call, ' ') ? send_route(r, c, call, a) : client_call(c, call, r->args, client_timeout(r), a);
}

int client_finish(ClientRun *r, ClientAnswer *a) {
  int status = is_nil(a->body) ? EXIT_FAILED : client_print(r, a->body, a->ok);
  client_answer_free(a);
  return status;
}

static int plain_row(ClientRun *r) {
  ClientAnswer a;
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- words ------------------------------------------------------------------------------------------------------------------------ */
static const struct {
  const char *alias, *name;
} groups[] = {{"flow", "flows"},
              {"run", "runs"},
              {"job", "jobs"},
              {"wait", "waits"},
              {"resource", "resources"},
              {"connection", "connections"},
              {"secret", "secrets"},
              {"step", "steps"},
              {"trigger", "triggers"},
              {"webhook", "webhooks"},
              {"workspace", "workspaces"},
              {"service-account", "service-accounts"}};

static bool word_is(const char *name, size_t n, const char *word) { return strlen(word) == n && !memcmp(name, word, n); }

const char *client_group(const char *word) {
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    if (!strcmp(groups[i].alias, word)) return groups[i].name;
  return word;
}

static bool alias_is(const char *alias, const char *word) {
  while (alias && *alias) {
    size_t n = strcspn(alias, "|");
    if (word_is(alias, n, word)) return true;
    alias += n + (alias[n] == '|');
  }
  return false;
}

/* How many of the words are the row's name: all of its words, or 0. */
static int matches(const ClientCommand *c, char **words, int n) {
  int i = 0;
  for (const char *p = c->name; *p; i++) {
    size_t len = strcspn(p, " ");
    bool last = !p[len];
    if (i >= n) return 0;
    const char *word = i ? words[i] : client_group(words[i]);
    if (!word_is(p, len, word) && !(last && alias_is(c->alias, word))) return 0;
    p += len + !last;
  }
  return i;
}

const ClientCommand *client_command_in(char **words, int n, int *used) {
  const ClientCommand *best = NULL, *c;
  *used = 0;
  for (int i = 0; (c = client_command_at(i)); i++) {
    int m = matches(c, words, n);
    if (m > *used) *used = m, best = c;
  }
  return best;
}

const ClientCommand *client_command_named(char **words, int n) {
  int used;
  const ClientCommand *c = client_command_in(words, n, &used);
  return used == n ? c : NULL;
}

/* How many leading words are the beginning of some command. */
static int known_words(char **words, int n) {
  Buf prefix = {0};
  int i = 0;
  for (; i < n; i++) {
    size_t before = prefix.n;
    if (i) buf_ch(&prefix, ' ');
    buf_c(&prefix, i ? words[i] : client_group(words[i]));
    if (client_help_has(buf_cstr(&prefix))) continue;
    prefix.n = before;
    break;
  }
  buf_free(&prefix);
  return i;
}

static int unknown_command(ClientRun *r, char **words, int n) {
  int known = known_words(words, n);
  Buf said = {0}, group = {0};
  const char *names[512];
  size_t count = 0;
  for (int i = 0; i < known; i++) buf_fmt(&group, "%s%s", i ? " " : "", i ? words[i] : client_group(words[i]));
  for (int i = 0; i <= known && i < n; i++) buf_fmt(&said, "%s%s", i ? " " : "", words[i]);
  count = client_help_below(buf_cstr(&group), names, 500);
  for (int i = 0; !known && i < breyta_ncommands; i++) names[count++] = breyta_commands[i].name;
  const char *near = known < n ? cli_nearest(words[known], names, count) : NULL;
  if (near)
    client_usage(r, "there is no command `breyta %s`; did you mean `breyta %s%s%s`?", buf_cstr(&said), buf_cstr(&group), *group.p ? " " : "", near);
  else
    client_usage(r, "there is no command `breyta %s`; `breyta %s%s--help` lists what there is", buf_cstr(&said), buf_cstr(&group), *group.p ? " " : "");
  buf_free(&said);
  buf_free(&group);
  return EXIT_FAILED;
}

/* --- flags ------------------------------------------------------------------------------------------------------------------------ */
static bool global(ClientRun *r, const char *name, const char *value) {
  const struct {
    const char *name, **to;
  } texts[] = {{"api", &r->said.api},         {"workspace", &r->said.workspace},
               {"api-key", &r->said.api_key}, {"api-key-file", &r->said.api_key_file},
               {"token", &r->said.token},     {"profile", &r->said.profile},
               {"ca-file", &r->said.ca_file}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(texts[i].name, name)) *texts[i].to = value;
  if (!strcmp(name, "pretty")) r->pretty = !strcmp(value, "true");
  return true;
}

static const ClientParam *param_named(const ClientParam *p, const char *name, size_t n) {
  for (; p && p->name; p++)
    if (!client_positional(p) && word_is(p->name, strlen(p->name), name) && strlen(name) == n) return p;
  return NULL;
}

static int unknown_flag(ClientRun *r, const char *flag) {
  const char *names[128];
  size_t n = 0;
  for (const ClientParam *p = r->command->params; p && p->name && n < 100; p++)
    if (!client_positional(p)) names[n++] = p->name;
  for (const ClientParam *p = client_globals; p->name && n < 128; p++) names[n++] = p->name;
  const char *near = cli_nearest(flag, names, n);
  return near ? client_usage(r, "there is no flag --%s; did you mean --%s?", flag, near) : client_usage(r, "there is no flag --%s", flag);
}

static bool takes_value(const ClientParam *p) { return p->type != CLIENT_BOOL && p->type != CLIENT_NULL; }

static void give(ClientRun *r, int i, const char *value) {
  ClientGiven *g = &r->given[i];
  g->a = mem_raw_grow(g->a, (size_t)(g->n + 1) * sizeof *g->a);
  g->a[g->n++] = value;
}

/* One flag at argv[*at]; moves on over its value. */
static int flag(ClientRun *r, int *at) {
  char name[64];
  const char *word = r->argv[*at] + 2, *value = strchr(word, '=');
  size_t n = value ? (size_t)(value++ - word) : strlen(word);
  snprintf(name, sizeof name, "%.*s", (int)n, word);
  const ClientParam *p = param_named(r->command->params, name, strlen(name)),
                    *g = p ? NULL : param_named(client_globals, name, strlen(name));
  if (!p && !g) return unknown_flag(r, name);
  const ClientParam *q = p ? p : g;
  if (!value && takes_value(q)) {
    if (*at + 1 >= r->argc) return client_usage(r, "--%s needs a value: --%s %s", name, name, client_arg(q));
    value = r->argv[++*at];
  }
  if (!value) value = "true";
  if (!takes_value(q) && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
    return client_usage(r, "--%s: true or false is expected, not %.100s", name, value);
  if (p)
    give(r, (int)(p - r->command->params), value);
  else
    global(r, name, value);
  return 0;
}

static int positional(ClientRun *r, const char *word) {
  const ClientParam *all = r->command->params;
  for (int i = 0; all && all[i].name; i++) {
    if (!client_positional(&all[i]) || (r->given[i].n && !client_many(&all[i]))) continue;
    give(r, i, word);
    return 0;
  }
  return client_usage(r, "unexpected argument %.200s", word);
}

static int words(ClientRun *r, int at) {
  for (int bad; at < r->argc; at++) {
    const char *word = r->argv[at];
    if (!strcmp(word, "--")) {
      r->rest_at = at + 1;
      return 0;
    }
    bad = !strncmp(word, "--", 2) ? flag(r, &at) : positional(r, word);
    if (bad) return bad;
  }
  return 0;
}

static bool wants_help(int argc, char **argv, int at) {
  for (; at < argc && strcmp(argv[at], "--") != 0; at++)
    if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) return true;
  return false;
}

static int run(ClientRun *r, int at) {
  size_t n = 0;
  Err e = {0};
  while (r->command->params && r->command->params[n].name) n++;
  r->given = mem_raw((n + 1) * sizeof *r->given);
  memset(r->given, 0, (n + 1) * sizeof *r->given);
  int bad = words(r, at);
  if (!bad) bad = client_args(r);
  if (bad) return bad;
  if (!(r->command->flags & CLIENT_LOCAL) && !client_config(&r->said, &r->where, &e)) return client_fail(r, e.code, "%s", e.msg);
  int status = r->command->run ? r->command->run(r) : plain_row(r);
  client_free(r->client);
  client_config_free(&r->where);
  return r->misused ? EXIT_FAILED : status;
}

/* A group alone is asked what it holds. */
static int about(ClientRun *r, char **words, int n) {
  int known = known_words(words, n);
  return known < n || !n ? unknown_command(r, words, n) : client_help_print(words, n);
}

int client_help(int n, char **words) {
  static const ClientCommand none = {.name = ""};
  ClientRun r = {.command = &none, .args = NIL, .query = NIL, .path = NIL};
  mem_init();
  return about(&r, words, n);
}

int client_main(int argc, char **argv) {
  static const ClientCommand none = {.name = ""};
  ClientRun r = {.command = &none, .argc = argc, .argv = argv, .args = NIL, .query = NIL, .path = NIL};
  int at = 1, used;
  mem_init();
  for (int bad; at < argc && !strncmp(argv[at], "--", 2); at++) /* globals in front of the command */
    if ((bad = flag(&r, &at))) return bad;
  int n = 0;
  while (at + n < argc && *argv[at + n] != '-') n++;
  const ClientCommand *c = client_command_in(argv + at, n, &used);
  if (!c) return about(&r, argv + at, n);
  if (wants_help(argc, argv, at + used)) return client_help_print(argv + at, used);
  r.command = c;
  return run(&r, at + used);
}
