/* nrepl_ops.c - the operations that evaluate nothing: sessions, description, interrupts, input, names. */
#include "nrepl_ops.h"
#include "nrepl_int.h"
#include "runtime/cli/cli.h"
#include "reader/print.h"
#include "reader/read.h"
#include <stdlib.h>

#define ARGS(...) (const NreplPair[]){__VA_ARGS__ __VA_OPT__(,) {0}}
#define OP_ROW(name, where, run, doc, required, optional, returned) {name, NREPL_##where, run, doc, required, optional, returned},
const NreplOp nrepl_ops[] = {NREPL_OPS(OP_ROW)};
const size_t nrepl_nops = sizeof nrepl_ops / sizeof *nrepl_ops;

/* --- sessions -------------------------------------------------------------------------------------------------------------- */
void op_clone(NreplReq *r) {
  NreplSession *s = nrepl_session_new(r->n, false);
  BenWriter w = {0};
  s->rs = repl_clone(r->s && r->s->rs ? r->s->rs : r->n->base);
  nrepl_note_ns(s);
  nrepl_reply(r, &w);
  if (nrepl_register(s, r->c)) {
    ben_w_pair(&w, "new-session", s->id);
    nrepl_reply_end(r, &w, "done", NULL);
    return;
  }
  nrepl_release(s);
  nrepl_reply_end(r, &w, "error", "too-many-sessions", "done", NULL);
}

void op_close(NreplReq *r) {
  if (!r->s) {
    nrepl_answer(r, "error", "session-ephemeral", "done");
    return;
  }
  nrepl_close(r->s);
  nrepl_answer(r, "done", "session-closed");
}

void op_ls_sessions(NreplReq *r) {
  BenWriter w = {0};
  nrepl_reply(r, &w);
  ben_w_key(&w, "sessions");
  ben_w_list(&w);
  pthread_mutex_lock(&r->n->lock);
  for (NreplSession *s = r->n->sessions; s; s = s->next)
    if (s->listed) ben_w_c(&w, s->id);
  pthread_mutex_unlock(&r->n->lock);
  ben_w_end(&w);
  nrepl_reply_end(r, &w, "done", NULL);
}

/* --- describe -------------------------------------------------------------------------------------------------------------- */
static void write_pairs(BenWriter *w, const char *key, const NreplPair *p) {
  ben_w_key(w, key);
  ben_w_dict(w);
  for (; p->name; p++) ben_w_pair(w, p->name, p->text);
  ben_w_end_dict(w);
}

static void write_op(BenWriter *w, const NreplOp *op, bool verbose) {
  ben_w_key(w, op->name);
  ben_w_dict(w);
  if (verbose) {
    ben_w_pair(w, "doc", op->doc);
    write_pairs(w, "requires", op->required);
    write_pairs(w, "optional", op->optional);
    write_pairs(w, "returns", op->returned);
  }
  ben_w_end_dict(w);
}

/* "1.11.1" as nREPL's clients expect versions. */
static void write_version(BenWriter *w, const char *name, const char *version) {
  static const char *const parts[] = {"major", "minor", "incremental"};
  char *p = (char *)(uintptr_t)version;
  ben_w_key(w, name);
  ben_w_dict(w);
  ben_w_pair(w, "version-string", version);
  for (int i = 0; i < 3 && *p; i++) {
    ben_w_key(w, parts[i]);
    ben_w_int(w, strtol(p, &p, 10));
    p += *p == '.';
  }
  ben_w_end_dict(w);
}

static void write_versions(BenWriter *w) {
  ben_w_key(w, "versions");
  ben_w_dict(w);
  write_version(w, "breyta-run", BREYTA_VERSION);
  write_version(w, "clojure", "1.11.1"); /* whose language this is */
  write_version(w, "nrepl", "1.0.0");    /* whose protocol */
  ben_w_end_dict(w);
}

static void write_aux(BenWriter *w, const NreplReq *r) {
  ben_w_key(w, "aux");
  ben_w_dict(w);
  pthread_mutex_lock(&r->n->lock);
  ben_w_pair(w, "current-ns", r->s ? r->s->ns : "user");
  pthread_mutex_unlock(&r->n->lock);
  ben_w_end_dict(w);
}

void op_describe(NreplReq *r) {
  BenWriter w = {0};
  uint32_t at = ben_find(&r->m, 0, "verbose?");
  bool verbose = at && (r->m.nodes[at].kind != BEN_INT || r->m.nodes[at].i);
  nrepl_reply(r, &w);
  ben_w_key(&w, "ops");
  ben_w_dict(&w);
  for (size_t i = 0; i < nrepl_nops; i++) write_op(&w, &nrepl_ops[i], verbose);
  ben_w_end_dict(&w);
  write_versions(&w);
  write_aux(&w, r);
  nrepl_reply_end(r, &w, "done", NULL);
}

/* --- interrupts and input -------------------------------------------------------------------------------------------------- */
typedef enum Hit { HIT_RUNNING, HIT_WAITING, HIT_IDLE, HIT_OTHER } Hit;

/* Stops what runs, or takes out of the queue what waits (into *waiting). */
static Hit interrupt_locked(NreplSession *s, const char *id, NreplReq **waiting) {
  if (id && (*waiting = nrepl_dequeue(s, id))) return HIT_WAITING;
  if (!s->running) return HIT_IDLE;
  if (id && (!s->running->id || strcmp(s->running->id, id))) return HIT_OTHER;
  nrepl_stop_request(s->running);
  return HIT_RUNNING;
}

void op_interrupt(NreplReq *r) {
  NreplReq *waiting = NULL;
  if (!r->s) {
    nrepl_answer(r, "error", "session-ephemeral", "done");
    return;
  }
  char *id = nrepl_id_text(&r->m, "interrupt-id");
  pthread_mutex_lock(&r->n->lock);
  Hit hit = interrupt_locked(r->s, id, &waiting);
  pthread_mutex_unlock(&r->n->lock);
  free(id);
  if (waiting) nrepl_drop_requests(waiting, "interrupted");
  if (hit == HIT_IDLE) nrepl_answer(r, "session-idle", "done");
  else if (hit == HIT_OTHER) nrepl_answer(r, "error", "interrupt-id-mismatch", "done");
  else nrepl_answer(r, "done");
}

void op_stdin(NreplReq *r) {
  size_t n = 0;
  const char *text = ben_str(&r->m, "stdin", &n);
  if (!r->s) {
    nrepl_answer(r, "error", "session-ephemeral", "done");
    return;
  }
  pthread_mutex_lock(&r->n->lock);
  if (n) buf_add(&r->s->input, text, n);
  else r->s->input_end = true;
  r->s->inputs++;
  pthread_cond_broadcast(&r->s->wake);
  pthread_mutex_unlock(&r->n->lock);
  nrepl_answer(r, "done");
}

/* --- names ----------------------------------------------------------------------------------------------------------------- */
static ReplSession *names_of(const NreplReq *r) { return r->s && r->s->rs ? r->s->rs : r->n->base; }
static const char *text_of(const NreplReq *r, const char *key, const char *other) {
  const char *s = ben_str(&r->m, key, NULL);
  return s ? s : ben_str(&r->m, other, NULL);
}

/* Each argument list of "([x] [x & more])": as a list of its names, or as one text. */
static void write_arglist(BenWriter *w, Val args, bool names) {
  ValVec xs = {0};
  if (!names) {
    Val text = pr_str(args);
    if (!is_sig(text)) ben_w_str(w, str_s(text), str_n(text));
    return;
  }
  ben_w_list(w);
  if (is_vec(args) && !is_sig(coll_into_array(args, &xs)))
    for (size_t i = 0; i < xs.n; i++) write_arglist(w, xs.a[i], false);
  ben_w_end(w);
}

/* With the lock held. */
static void write_arglists(BenWriter *w, const char *text, bool names) {
  ValVec xs = {0};
  ben_w_list(w);
  Val lists = read_one(text, strlen(text), NULL, true);
  if (!is_sig(lists) && is_sequential(lists) && !is_sig(coll_into_array(lists, &xs)))
    for (size_t i = 0; i < xs.n; i++) write_arglist(w, xs.a[i], names);
  ben_w_end(w);
}

typedef struct Candidates { BenWriter w; bool arglists, doc, cider; } Candidates;

static void candidate(void *ctx, const ReplCandidate *c) {
  Candidates *cs = ctx;
  ben_w_dict(&cs->w);
  ben_w_pair(&cs->w, "candidate", c->text);
  ben_w_pair(&cs->w, "type", c->type);
  ben_w_pair(&cs->w, "ns", c->ns);
  if (cs->arglists && c->arglists && cs->cider) {
    ben_w_key(&cs->w, "arglists");
    write_arglists(&cs->w, c->arglists, false);
  } else if (cs->arglists) {
    ben_w_pair(&cs->w, "arglists", c->arglists);
  }
  if (cs->doc) ben_w_pair(&cs->w, "doc", c->doc);
  ben_w_end_dict(&cs->w);
}

/* Is `word` in the list "extra-metadata", of the message (CIDER) or of its options (nREPL)? */
static bool extra(const BenMsg *m, const char *word) {
  uint32_t options = ben_find(m, 0, "options"), list = ben_find(m, 0, "extra-metadata");
  if (!list && options && m->nodes[options].kind == BEN_DICT) list = ben_find(m, options, "extra-metadata");
  if (!list || m->nodes[list].kind != BEN_LIST) return false;
  for (uint32_t i = list + 1; i < m->nodes[list].end; i = m->nodes[i].end)
    if (m->nodes[i].kind == BEN_STR && !strcmp(ben_text(m, i), word)) return true;
  return false;
}

void op_completions(NreplReq *r) {
  Candidates cs = {.arglists = extra(&r->m, "arglists"), .doc = extra(&r->m, "doc"), .cider = !strcmp(r->op->name, "complete")};
  const char *prefix = text_of(r, "prefix", "symbol"), *ns = ben_str(&r->m, "ns", NULL);
  if (!prefix) {
    nrepl_answer(r, "error", "completion-error", "no-prefix", "done");
    return;
  }
  if (ns && !repl_has_ns(names_of(r), ns)) {
    nrepl_answer(r, "completion-error", "namespace-not-found", "done");
    return;
  }
  nrepl_reply(r, &cs.w);
  ben_w_key(&cs.w, "completions");
  ben_w_list(&cs.w);
  repl_complete(names_of(r), prefix, ns, candidate, &cs);
  ben_w_end(&cs.w);
  nrepl_reply_end(r, &cs.w, "done", NULL);
}

static void pair_buf(BenWriter *w, const char *key, Buf *b) {
  if (b->n) ben_w_pair(w, key, buf_cstr(b));
}
static void pair_int(BenWriter *w, const char *key, int i) {
  if (i > 0) ben_w_key(w, key), ben_w_int(w, i);
}

static void write_info(BenWriter *w, ReplInfo *info) {
  pair_buf(w, "ns", &info->ns);
  pair_buf(w, "name", &info->name);
  pair_buf(w, "arglists", &info->arglists);
  pair_buf(w, "arglists-str", &info->arglists);
  pair_buf(w, "doc", &info->doc);
  pair_buf(w, "file", &info->file);
  pair_buf(w, "source", &info->source);
  pair_int(w, "line", info->line);
  pair_int(w, "column", info->col);
  ben_w_pair(w, "type", info->type);
  ben_w_pair(w, "macro", info->macro ? "true" : NULL);
  ben_w_pair(w, "special-form", info->special ? "true" : NULL);
}

/* What is known of the symbol of the request; false: it has been answered. */
static bool find_info(NreplReq *r, ReplInfo *info, const char *nothing) {
  const char *sym = text_of(r, "sym", "symbol"), *ns = ben_str(&r->m, "ns", NULL);
  *info = (ReplInfo){0};
  if (!sym) nrepl_answer(r, "error", nothing, "no-sym", "done");
  else if (ns && !repl_has_ns(names_of(r), ns)) nrepl_answer(r, nothing, "namespace-not-found", "done");
  else return true;
  return false;
}

/* As nREPL: a name that is not known has an empty map. */
void op_lookup(NreplReq *r) {
  ReplInfo info;
  BenWriter w = {0};
  if (!find_info(r, &info, "lookup-error")) return;
  bool known = repl_lookup(names_of(r), text_of(r, "sym", "symbol"), ben_str(&r->m, "ns", NULL), &info);
  nrepl_reply(r, &w);
  ben_w_key(&w, "info");
  ben_w_dict(&w);
  if (known) write_info(&w, &info);
  ben_w_end_dict(&w);
  repl_info_free(&info);
  nrepl_reply_end(r, &w, "done", NULL);
}

void op_info(NreplReq *r) {
  ReplInfo info;
  BenWriter w = {0};
  if (!find_info(r, &info, "no-info")) return;
  bool known = repl_lookup(names_of(r), text_of(r, "sym", "symbol"), ben_str(&r->m, "ns", NULL), &info);
  nrepl_reply(r, &w);
  if (known) write_info(&w, &info);
  repl_info_free(&info);
  nrepl_reply_end(r, &w, "done", known ? NULL : "no-info", NULL);
}

void op_eldoc(NreplReq *r) {
  ReplInfo info;
  BenWriter w = {0};
  if (!find_info(r, &info, "no-eldoc")) return;
  bool known = repl_lookup(names_of(r), text_of(r, "sym", "symbol"), ben_str(&r->m, "ns", NULL), &info) && info.arglists.n;
  nrepl_reply(r, &w);
  if (known) {
    ben_w_key(&w, "eldoc");
    repl_lock();
    write_arglists(&w, buf_cstr(&info.arglists), true);
    repl_unlock();
    pair_buf(&w, "ns", &info.ns);
    pair_buf(&w, "name", &info.name);
    pair_buf(&w, "docstring", &info.doc);
    ben_w_pair(&w, "type", info.type);
  }
  repl_info_free(&info);
  nrepl_reply_end(r, &w, "done", known ? NULL : "no-eldoc", NULL);
}
