/* client_flows.c - see client_flows.h: text of flows to and fro, and what is looked at. Releases: client_release.c. Settings:
 * client_setup.c. */
#include "client_file.h"
#include "client_flows.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/cli_run.h"
#include "client_resources.h"
#include "client_runs.h"
#include "runtime/flow/flow_include.h"
#include "runtime/flow/flowdef.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/num.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool client_ask(ClientRun *r, const char *command, Val args, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  return c && client_call(c, command, args, client_timeout(r), a);
}

bool client_get(ClientRun *r, const char *path, Val query, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  return c && client_rest(c, &(ClientRequest){.method = "GET", .path = path, .query = query, .body = ABSENT}, a);
}

static Val slug_args(ClientRun *r) { return client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")); }

/* --- files ------------------------------------------------------------------------------------------------------------------------ */
static Val found(const Diags *d, int *errors) {
  Val all = vec_empty;
  *errors = 0;
  for (size_t i = 0; i < d->n; i++) {
    *errors += d->a[i].error || d->a[i].refused;
    all = vec_conj(all, cli_diag_map(&d->a[i]));
  }
  return all;
}

/* What is wrong with it, with the positions of its files. */
static void look_at(const char *text, size_t n, const char *path, Val *diagnostics, int *errors) {
  Diags d = {0};
  Buf out = {0};
  cli_engine_values();
  flowdef_read_file(text, n, path, &d);
  *diagnostics = found(&d, errors);
  for (size_t i = 0; i < d.n; i++) diag_print(&d.a[i], path, d.a[i].error || d.a[i].refused, &out);
  if (out.n) fwrite(out.p, 1, out.n, stderr);
  buf_free(&out);
  diags_free(&d);
}

/* The text of a flow's file with its includes, - is standard input. Errors of the text are told on standard error. false: told. */
static bool flow_text(ClientRun *r, const char *path, Buf *text, Val *diagnostics, int *errors) {
  Buf b = {0};
  Diags d = {0};
  const char *name = strcmp(path, "-") ? path : "flow.edn";
  if (!client_read(r, path, &b, "--file")) return false;
  if (!utf8_valid(buf_cstr(&b), b.n)) return client_fail(r, "file", "%.300s is not UTF-8 text", name), false;
  look_at(b.p, b.n, name, diagnostics, errors);
  bool ok = flow_include(b.p, b.n, name, &d, text);
  if (!ok) client_fail(r, "flow_invalid", "%.300s: %s", name, d.n ? d.a[0].message : "an include cannot be read");
  diags_free(&d);
  buf_free(&b);
  return ok;
}

/* --- init, create ----------------------------------------------------------------------------------------------------------------- */
static bool slug_ok(const char *s) {
  size_t n = strlen(s);
  bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
  return letter && n <= 128 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

static void edn_text(Buf *b, const char *s) {
  buf_ch(b, '"');
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') buf_ch(b, '\\');
    buf_ch(b, *s);
  }
  buf_ch(b, '"');
}

/* A flow that runs as it is, with one input and one step. */
static void new_flow(Buf *b, const char *slug, const char *name, const char *description) {
  buf_fmt(b, "{:slug :%s\n :name ", slug);
  edn_text(b, name ? name : slug);
  buf_c(b, "\n :description ");
  edn_text(b, description ? description : "Says hello.");
  buf_c(b,
        "\n :concurrency {:type :singleton :on-new-version :supersede}\n\n"
        " :invocations\n {:default {:label \"Run\"\n            :inputs [{:name :name :label \"Who\" :type :string :default \"World\"}]}}\n"
        " :interfaces {:manual [{:id :run :label \"Run\" :invocation :default :enabled true}]}\n\n"
        " :functions\n [{:id :greeting\n   :language :clojure\n   :code '(fn [{:keys [name]}]\n            {:message (str \"Hello, \" name "
        "\"!\")})}]\n\n"
        " :flow\n '(let [{:keys [name]} (flow/input)]\n    (flow/step :function :greet\n      {:title \"Write the greeting\"\n       :ref "
        ":greeting\n"
        "       :input {:name name}}))}\n");
}

int client_flows_init(ClientRun *r) {
  const char *slug = client_text(r, "<flow-slug>"), *dir = client_text(r, "dir");
  Buf path = {0}, flow = {0}, test = {0}, at = {0};
  if (!slug_ok(slug)) return client_usage(r, "%.130s: a slug begins with a letter and has letters, digits, - and _", slug);
  buf_fmt(&path, "%s/flow.edn", dir ? dir : slug);
  if (!access(buf_cstr(&path), F_OK)) return client_fail(r, "exists", "%s is there already", path.p);
  new_flow(&flow, slug, client_text(r, "name"), client_text(r, "description"));
  buf_c(&test, "{:cases\n [{:name \"greets the world by default\"\n   :expect {:result {:message \"Hello, World!\"}}}\n"
               "  {:name \"greets somebody\"\n   :input {:name \"Ada\"}\n   :expect {:result {:message \"Hello, Ada!\"}}}]}\n");
  buf_fmt(&at, "%s/flow.test.edn", dir ? dir : slug);
  bool ok = client_file_write(r, path.p, flow.p, flow.n) && client_file_write(r, buf_cstr(&at), test.p, test.n);
  Val files = vec_conj(vec_conj(vec_empty, str_c(path.p)), str_c(buf_cstr(&at)));
  client_hint(r, "breyta-run test %s", at.p);
  client_hint(r, "breyta flows push --file %s", path.p);
  buf_free(&path);
  buf_free(&flow);
  buf_free(&test);
  buf_free(&at);
  return ok ? client_done(r, client_put(client_put_text(NIL, "flowSlug", slug), "files", files)) : EXIT_FAILED;
}

int client_flows_create(ClientRun *r) {
  const char *slug = client_text(r, "slug");
  Buf b = {0};
  ClientAnswer a;
  if (!slug_ok(slug)) return client_usage(r, "--slug %.130s: a slug begins with a letter and has letters, digits, - and _", slug);
  new_flow(&b, slug, client_text(r, "name"), client_text(r, "description"));
  r->args = client_put(NIL, "flowLiteral", buf_str(&b));
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- push, lint ------------------------------------------------------------------------------------------------------------------- */
/* What validation says stands in place of the answer when it says no. */
static int validated(ClientRun *r, ClientAnswer *pushed) {
  ClientAnswer a;
  Val slug = client_at(pushed->body, "data.flowSlug");
  client_ask(r, "flows.validate", client_put_text(client_put(NIL, "flowSlug", slug), "source", "draft"), &a);
  bool unseen = !a.ok && a.status == 404; /* not visible yet */
  if (a.ok) pushed->body = client_put(pushed->body, "data.validation", client_at(a.body, "data"));
  if (!a.ok && !unseen) {
    client_answer_free(pushed);
    return client_finish(r, &a);
  }
  client_answer_free(&a);
  return client_finish(r, pushed);
}

int client_flows_push(ClientRun *r) {
  Buf text = {0};
  Val diagnostics;
  int errors;
  ClientAnswer a;
  const char *target = client_text(r, "target");
  if (target && strcmp(target, "draft")) return client_usage(r, "--target: a push goes to the draft; `breyta flows release` makes it live");
  if (!flow_text(r, client_text(r, "file"), &text, &diagnostics, &errors)) return EXIT_FAILED;
  r->args = client_put(r->args, "flowLiteral", buf_str(&text));
  client_send(r, &a);
  return a.ok && client_flag(r, "validate") ? validated(r, &a) : client_finish(r, &a);
}

int client_flows_lint(ClientRun *r) {
  Buf text = {0};
  Val data, diagnostics;
  int errors;
  const char *file = client_text(r, "file");
  ClientAnswer a;
  if (!flow_text(r, file, &text, &diagnostics, &errors)) return EXIT_FAILED;
  Val literal = buf_str(&text);
  data = client_put(client_put_text(NIL, "file", file), "diagnostics", diagnostics);
  data = client_put(client_put(data, "errors", fix(errors)), "warnings", fix((int)vec_count(diagnostics) - errors));
  client_say("%d error%s, %d warning%s", errors, errors == 1 ? "" : "s", (int)vec_count(diagnostics) - errors,
             (int)vec_count(diagnostics) - errors == 1 ? "" : "s");
  if (client_flag(r, "server")) {
    Err e = {0};
    if (!client_config(&r->said, &r->where, &e)) return client_fail(r, e.code, "%s", e.msg);
    if (!client_ask(r, "flows.lint", client_put(NIL, "flowLiteral", literal), &a)) return client_finish(r, &a);
    data = client_put(data, "server", client_at(a.body, "data"));
    Val said = client_at(a.body, "data.diagnostics");
    for (uint32_t i = 0; is_vec(said) && i < vec_count(said); i++) {
      const char *severity = client_text_at(vec_nth(said, i), "severity");
      errors += severity && !strcmp(severity, "error");
    }
    client_answer_free(&a);
  }
  if (!errors) client_hint(r, "breyta flows push --file %s", file);
  int status = client_done(r, data);
  return status ? status : errors ? EXIT_FAILED : EXIT_OK;
}

/* --- which text ------------------------------------------------------------------------------------------------------------------- */
static bool is_live(Val item) {
  const char *scope = client_text_at(item, "config.install-scope"), *user = client_text_at(item, "user-id");
  return scope ? !strcmp(scope, "live") : !user;
}

/* The version that is live: of the newest profile that is live and enabled. 0: told. */
static int64_t live_version(ClientRun *r) {
  ClientAnswer a;
  const char *best = "", *slug = client_text_at(r->args, "flowSlug");
  int64_t version = 0;
  Val query = client_put_text(client_put_text(client_put_text(NIL, "flow-slug", slug), "profile-type", "prod"), "limit", "200");
  if (!client_get(r, "api/flow-profiles", query, &a)) return client_finish(r, &a), 0;
  Val items = client_at(a.body, "data.items");
  for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
    Val item = vec_nth(items, i);
    const char *at = client_text_at(item, "updated-at");
    if (!is_live(item) || same(client_at(item, "enabled"), FALSE_V) || strcmp(at ? at : "", best) < 0) continue;
    best = at ? at : "";
    version = client_int_at(item, "version", 0);
  }
  if (!version)
    client_fail(r, "profile_missing",
                "live target is not configured: nothing of %.128s was promoted yet; `breyta flows release %.128s` does it", slug, slug);
  client_answer_free(&a);
  return version;
}

/* source and version, by --target and --version. false: told. */
static bool source(ClientRun *r) {
  const char *target = client_text(r, "target");
  int64_t version = client_int_at(r->args, "version", 0);
  bool said = version && !strcmp(r->command->call, "flows.get");
  if (!version && target && !strcmp(target, "live") && !(version = live_version(r))) return false;
  if (version)
    r->args = client_put(client_put_text(r->args, "source", said ? "version" : "active"), "version", int_val(version));
  else
    r->args = client_put_text(r->args, "source", "draft");
  return true;
}

int client_flows_source(ClientRun *r) {
  ClientAnswer a;
  if (!source(r)) return EXIT_FAILED;
  client_send(r, &a);
  return client_finish(r, &a);
}

static bool includes(ClientRun *r, const char *what) {
  ClientGiven g = client_list(r, "include");
  for (int i = 0; i < g.n; i++)
    for (const char *p = g.a[i]; *p;) {
      size_t n = strcspn(p, ",");
      if (n == strlen(what) && !memcmp(p, what, n)) return true;
      p += n + (p[n] == ',');
    }
  return client_flag(r, "full");
}

int client_flows_show(ClientRun *r) {
  ClientAnswer a;
  if (!source(r)) return EXIT_FAILED;
  bool literal = includes(r, "literal") || includes(r, "source"), functions = includes(r, "functions"),
       templates = includes(r, "templates");
  r->args = client_put_text(r->args, "view", client_flag(r, "full") ? "full" : "summary");
  r->args = client_put(client_put(client_put(r->args, "includeFlowLiteral", bool_val(literal)), "includeFunctions", bool_val(functions)),
                       "includeTemplates", bool_val(templates));
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- pull ------------------------------------------------------------------------------------------------------------------------- */
/* May it be written over what is there? --out says yes; else only when nothing is lost. */
static bool may_write(ClientRun *r, const char *path, Val literal, bool *same_text) {
  Buf b = {0};
  *same_text = cli_read_file(path, &b) && b.n == str_n(literal) && !memcmp(b.p, str_s(literal), b.n);
  bool there = b.p != NULL;
  buf_free(&b);
  if (!there || *same_text || client_given(r, "out") || client_flag(r, "force")) return true;
  client_fail(r, "exists", "%.300s differs from what the server has; --force writes over it, --out FILE writes elsewhere", path);
  return false;
}

static int pulled(ClientRun *r, Val literal) {
  const char *out = client_text(r, "out"), *slug = client_text(r, "<flow-slug>");
  Buf path = {0};
  bool unchanged;
  if (out)
    buf_c(&path, out);
  else
    buf_fmt(&path, "%s.edn", slug);
  if (!may_write(r, buf_cstr(&path), literal, &unchanged)) return EXIT_FAILED;
  if (!unchanged && !client_file_write(r, path.p, str_s(literal), str_n(literal))) return EXIT_FAILED;
  Val data = client_put_text(client_put_text(NIL, "flowSlug", slug), "path", path.p);
  data = client_put(client_put(data, "bytes", int_val((int64_t)str_n(literal))), "changed", bool_val(!unchanged));
  data = client_put(data, "source", client_at(r->args, "source"));
  if (client_int_at(r->args, "version", 0)) data = client_put(data, "version", client_at(r->args, "version"));
  client_say("%s %s", path.p, unchanged ? "is as it was" : "written");
  client_hint(r, "breyta flows lint --file %s", path.p);
  client_hint(r, "breyta flows push --file %s", path.p);
  buf_free(&path);
  return client_done(r, data);
}

int client_flows_pull(ClientRun *r) {
  ClientAnswer a;
  if (!source(r)) return EXIT_FAILED;
  if (!client_send(r, &a)) return client_finish(r, &a);
  Val literal = client_at(a.body, "data.flowLiteral");
  if (!is_str(literal) || !str_n(literal)) {
    client_answer_free(&a);
    return client_fail(r, "invalid_answer", "the server did not send the text of the flow");
  }
  const char *out = client_text(r, "out");
  if (out && !strcmp(out, "-")) return client_finish(r, &a); /* in the answer itself: data.flowLiteral */
  int status = pulled(r, literal);
  client_answer_free(&a);
  return status;
}

/* --- list ------------------------------------------------------------------------------------------------------------------------- */
/* --limit over as many pages as it takes. */
int client_flows_list(ClientRun *r) {
  int64_t limit = client_int(r, "limit", 10), page = client_int(r, "page-size", 100);
  Val items = vec_empty;
  const char *format = client_text(r, "format");
  ClientAnswer a;
  for (;;) {
    int64_t left = limit - vec_count(items), n = left < page ? left : page;
    r->args = client_put(r->args, "limit", int_val(n < 100 ? n : 100));
    if (!client_send(r, &a)) return client_finish(r, &a);
    Val more = client_at(a.body, "data.items"), cursor = client_at(a.body, "meta.nextCursor");
    for (uint32_t i = 0; is_vec(more) && i < vec_count(more); i++) items = vec_conj(items, vec_nth(more, i));
    if (vec_count(items) >= limit || !is_str(cursor) || !client_true_at(a.body, "meta.hasMore") || !is_vec(more) || !vec_count(more)) break;
    if (is_str(client_at(r->args, "cursor")) && !strcmp(str_s(cursor), client_text_at(r->args, "cursor"))) break;
    r->args = client_put(r->args, "cursor", cursor);
    client_answer_free(&a);
  }
  a.body = client_put(a.body, "data.items", items);
  for (uint32_t i = 0; format && !strcmp(format, "table") && i < vec_count(items); i++) {
    const char *slug = client_text_at(vec_nth(items, i), "flowSlug"), *name = client_text_at(vec_nth(items, i), "name");
    fprintf(stderr, "%-32s %s\n", slug ? slug : "", name ? name : "");
  }
  return client_finish(r, &a);
}

/* --- steps ------------------------------------------------------------------------------------------------------------------------ */
int client_flows_steps(ClientRun *r) {
  ClientAnswer a;
  const char *wanted = client_text(r, "<step-id>");
  Val one = NIL;
  r->args = client_put_text(r->args, "source", "draft");
  if (!client_send(r, &a)) return client_finish(r, &a);
  Val steps = client_at(a.body, "data.analysis.steps");
  for (uint32_t i = 0; wanted && is_vec(steps) && i < vec_count(steps); i++) {
    const char *id = client_text_at(vec_nth(steps, i), "id");
    if (id && !strcmp(id, wanted)) one = vec_nth(steps, i);
  }
  Val data = client_put(NIL, "flowSlug", client_at(r->args, "flowSlug"));
  if (wanted && is_nil(one))
    client_fail(r, "not_found", "the flow has no step %.100s", wanted);
  else
    client_done(r, wanted ? client_put(data, "step", one) : client_put(data, "items", steps));
  client_answer_free(&a);
  return wanted && is_nil(one) ? EXIT_FAILED : EXIT_OK;
}

/* --- diff ------------------------------------------------------------------------------------------------------------------------- */
static bool side(ClientRun *r, const char *name, const char *version, const char *otherwise) {
  int64_t n = client_int_at(r->args, version, 0);
  const char *said = client_text(r, name);
  char *end = NULL;
  if (!n && said && *said >= '0' && *said <= '9') n = strtoll(said, &end, 10);
  if (end && *end) return client_usage(r, "--%s: draft, live, file or a version is expected, not %.100s", name, said), false;
  r->args = client_put_text(r->args, name, n ? "version" : client_given(r, name) ? said : otherwise);
  if (n) r->args = client_put(r->args, version, int_val(n));
  return true;
}

int client_flows_diff(ClientRun *r) {
  ClientAnswer a;
  const char *file = client_text(r, "file");
  Buf text = {0};
  Val diagnostics;
  int errors;
  bool to = client_given(r, "to") || client_given(r, "to-version");
  if (!side(r, "from", "fromVersion", file && !to ? "draft" : "live") || !side(r, "to", "toVersion", file ? "file" : "draft"))
    return EXIT_FAILED;
  if (file) {
    if (!flow_text(r, file, &text, &diagnostics, &errors)) return EXIT_FAILED;
    r->args = client_put_text(client_put(r->args, "fileLiteral", buf_str(&text)), "fileLabel", file);
  }
  r->args = client_put_text(r->args, "view", client_flag(r, "full") ? "full" : "summary");
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- run -------------------------------------------------------------------------------------------------------------------------- */
/* --interface-id: the interface's invocation. 0, or the exit status. */
static int interface(ClientRun *r, const char *id) {
  static const char *const families[] = {"manual", "http", "webhook", "mcp"};
  ClientAnswer a;
  const char *invocation = NULL;
  Val args = client_put_text(
      client_put_text(slug_args(r), "source", client_text(r, "target") && !strcmp(client_text(r, "target"), "live") ? "live" : "draft"),
      "view", "full");
  if (!client_ask(r, "flows.get", args, &a)) return client_finish(r, &a);
  for (size_t f = 0; f < 4; f++) {
    char path[64];
    snprintf(path, sizeof path, "data.flow.interfaces.%s", families[f]);
    Val list = client_at(a.body, path);
    for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
      const char *name = client_text_at(vec_nth(list, i), "id");
      if (name && !strcmp(name, id)) invocation = client_text_at(vec_nth(list, i), "invocation");
    }
  }
  if (invocation) r->args = client_put_text(r->args, "invocation", invocation);
  client_answer_free(&a);
  return invocation ? 0
                    : client_fail(r, "not_found", "interface not found: %.100s; `breyta flows show %s --full` lists them", id,
                                  client_text(r, "<flow-slug>"));
}

/* --upload FIELD=FILE: the file becomes a resource, and what is known of it that field of the input. */
static bool uploads(ClientRun *r) {
  ClientGiven g = client_list(r, "upload");
  for (int i = 0; i < g.n; i++) {
    char path[300];
    const char *eq = strchr(g.a[i], '=');
    Val file, input = client_at(r->args, "input");
    if (!eq || eq == g.a[i] || eq - g.a[i] > 250) return client_usage(r, "--upload: FIELD=FILE is expected, not %.100s", g.a[i]), false;
    if (!client_of(r) || !client_upload(r, &(ClientUpload){.path = eq + 1}, &file)) return false;
    snprintf(path, sizeof path, "%.*s", (int)(eq - g.a[i]), g.a[i]);
    Val key = client_key(path), old = is_map(input) ? map_get(input, key, NIL) : NIL;
    if (!is_nil(old)) file = is_vec(old) ? vec_conj(old, file) : vec_conj(vec_conj(vec_empty, old), file);
    r->args = client_put(r->args, "input", map_assoc(is_map(input) ? input : map_empty, key, file));
  }
  return true;
}

int client_flows_run(ClientRun *r) {
  static const char *const names[] = {"interface-id", "interface", "trigger-id", "trigger"};
  const char *id = NULL;
  for (size_t i = 0; !id && i < 4; i++) id = client_text(r, names[i]);
  int bad = id ? interface(r, id) : 0;
  if (bad) return bad;
  return uploads(r) ? client_run_start(r) : EXIT_FAILED;
}
