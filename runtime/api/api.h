/* api.h - the server's API: what the api_*.c files share.
 *
 * A request for /api/... comes to api_request on the engine's thread. A command, POST /api/commands {"command":name,"args":{..}}, is one
 * row of a table (ApiCommand): name, scope, arguments, doc, function. A REST route (ApiRoute) is such a row with a method and a path:
 * its arguments are the query of a GET or DELETE, else the JSON body. The dispatcher (api.c) checks the key, the workspace, the scope
 * and the arguments, and api_openapi.c describes the same rows: a function sees only arguments that are as its row says.
 *
 * A command answers by api_ok or api_fail. What it changes it puts into api_batch(c): that is durable, together with the memory of the
 * answer (X-Breyta-Operation-ID, 24 h), before the answer leaves. A command that makes its own batch calls api_seal in it.
 *
 * Functions keep no state beside ApiCall and the store and look at no thread, so that more than one thread may run them later.
 * Documents of the store: in workspace "" kind "workspace" and "api-key"; in each workspace "service-account", "api-op", "flow",
 * "flow-version", "flow-gone" (api_flow.h), "step-docs", "step-example", "step-test" (api_step.h), "target",
 * "installation", "decision" (decisions.h), "job-type" (jobs.h), "debug-overlay" (breaks.h); their data are values (snap_data). "connection" and "binding": conn_store.h.
 *
 * Workspaces. A key belongs to one workspace, and c->workspace is that; a key with the scope server.admin (the first one) reaches every
 * workspace that X-Breyta-Workspace names and may make new ones. Nothing is shared between workspaces: each store call has c->workspace. */
#ifndef BR_API_H
#define BR_API_H
#include "runtime/engine/engine_commit.h"
#include "runtime/engine/engine_listen.h"
#include "runtime/net/listener.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/vec.h"

typedef struct Api {
  Engine *engine;
  Store *store;
  EngineListener *listener;
  struct Vault *vault;     /* secrets of all workspaces */
  struct KeyCache *keys;   /* api_keys.c */
  struct TargetPlace *places; /* api_place.c */
  struct ApiPending *pending;
  struct Triggers *triggers; /* trigger.h */
} Api;

enum ApiType { API_TEXT, API_SLUG, API_INT, API_BOOL, API_OBJECT, API_ARRAY, API_ANY, API_VERSION /* a number from 1, or "latest" */ };
typedef struct ApiArg {
  const char *name;
  enum ApiType type;
  bool required;
  int64_t min, max;    /* API_INT; texts: max bytes, 0 = API_TEXT_MAX */
  const char *choices; /* "a|b" or NULL */
  const char *doc;
} ApiArg;
enum { API_TEXT_MAX = 4096, API_ARGS = 24, API_PAGE = 100, API_SEGMENTS = 4 };

struct ApiCall;
typedef struct ApiCommand {
  const char *name, *scope;
  bool mutates;
  const char *doc;
  bool (*run)(struct ApiCall *c);
  ApiArg args[API_ARGS]; /* up to the first without a name */
} ApiCommand;

typedef struct ApiCall {
  Api *api;
  const ListenRequest *request;
  const char *workspace, *key_id, *key_name, *op_id; /* op_id: NULL or "" none */
  char account[64];    /* of the key: the service account's id */
  const ApiCommand *command;
  Val capabilities; /* of the caller's key */
  Val job_types;    /* those that its service account may touch: vector, empty = any */
  Val args;         /* map with keyword keys; an argument that is null is not there */
  Val data, meta;   /* the answer: maps, or nil */
  int status;
  const char *code; /* of a failure: a literal */
  Buf message;
  Val details;
  bool once; /* the answer holds a secret that is shown once: no memory is kept of it, and who repeats the operation gets 409 */
  bool final; /* of a command that changes nothing: this answer will be the same as long as no command changes something but starts */
  int64_t key_expires_ms; /* 0: never */
  bool bare; /* the answer is data alone, without an envelope: what REST routes answer */
  Val body;  /* of a route with ROUTE_VALUE; nil: none was sent */
  char body_hash[65]; /* api_request_hash, once it was asked for */
  struct ApiSegment {
    const char *name;
    char *value;
  } path[API_SEGMENTS]; /* of a route */
  Batch *batch;
  bool defer; /* the batch replaces the document of the flow flowSlug of `data`: the engine goes on while it becomes durable (api_pending.c) */
  Buf answer; /* when sealed */
  const char *content_type; /* of a sealed answer that is not JSON; a literal */
  bool later; /* api_put_off was called */
  bool sealed;
  char key_workspace[128], id[64], name[256]; /* what workspace, key_id and key_name point to */
} ApiCall;

/* A request that is answered after its function has returned: the function calls api_put_off, which fills `l`, keeps the connection for
 * up to ms, and returns true; whoever has the answer calls api_later_ok or api_later_fail once, on the engine's thread. What was not
 * answered in time gets 503. A changing command makes durable what it has to before it answers. */
typedef struct ApiLater {
  uint64_t token;
  bool bare;
  char workspace[128];
} ApiLater;
bool api_put_off(ApiCall *c, ApiLater *l, int64_t ms);
bool api_later_ok(Api *a, const ApiLater *l, Val data, Val meta); /* false: nobody waits any more */
bool api_later_send(Api *a, const ApiLater *l, ApiCall *c); /* the answer as it stands in c, which is freed */
bool api_later_fail(Api *a, const ApiLater *l, int status, const char *code, const char *message, Val details);

/* --- api_pending.c: the answer leaves when its batch is durable, and the engine goes on meanwhile. For commands that come often; the batch
 * must hold what it builds upon as a precondition, or the command guards it in memory. Without a listener (unit tests) there is none. */
typedef struct ApiPending ApiPending;
ApiPending *api_pend(ApiCall *c);                   /* the call is answered by what follows */
void api_pend_answer(ApiPending *p, ApiCall *c);    /* takes the sealed answer */
void api_pend_commit(ApiPending *p, Batch *b);      /* api_pend_done when b is durable */
void api_pend_done(ApiPending *p, const char *error); /* sends it, or the store's error; p is gone */
/* The call is answered when b is durable; b replaces the document of the flow that c->data names. Who builds upon that document meanwhile waits for it:
 * api_pend_settle, before it is read. */
void api_pend_flow(ApiCall *c, Batch *b);
void api_pend_settle(ApiCall *c, const char *slug);
void api_pend_drop(ApiPending *p);                  /* nothing was begun: the call is answered in the ordinary way (c->later = false) */
bool api_pend_again(ApiCall *c);                    /* the same operation is under way: it is answered with it, or has failed */
const char *api_request_hash(ApiCall *c); /* SHA-256 of its body */
bool api_op_mismatch(ApiCall *c); /* fails */

/* --- api_login.c: /cli/auth, the page of a login */
void api_login(ApiCall *c); /* answers it */
int64_t api_key_seconds(const ApiCall *c); /* that its key works; ten years: for good */

/* --- api_observe.c: GET /metrics and /readyz, which need no key; what requests do, for the figures and the log */
void api_self(ApiCall *c);                /* answers it */
void api_observe(const ApiCall *c);       /* of a request for /api/..., answered or put off */
const char *api_observe_change(const ApiCall *c); /* what the command changes of a flow, a literal, or NULL */
void api_observe_changed(const char *change);     /* that is durable; NULL: nothing */
/* Answers a request into c: c->status and c->answer, JSON text. api_free when it is sent. */
void api_answer(Api *a, const ListenRequest *r, ApiCall *c);
void api_free(ApiCall *c);
/* A command inside of a route's function, with the caller's rights: the answer is in c->answer, unless c->later. */
void api_run_command(ApiCall *c, Val args);
/* The same for the listener. Engine thread; ctx is the Api. */
void api_request(EngineListener *el, const ListenRequest *r, void *ctx);

bool api_ok(ApiCall *c, Val data);                                                                                   /* true */
bool api_fail(ApiCall *c, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5))); /* false */
bool api_raw(ApiCall *c, const char *content_type, const char *s, size_t n); /* the answer is this text; content_type: a literal */
bool api_fail_err(ApiCall *c, const Err *err); /* the store's or the engine's: status by its code */
Batch *api_batch(ApiCall *c);
/* The answer as it stands becomes text, and the memory of it part of the batch. */
bool api_seal(ApiCall *c, Batch *b);
/* scope: one of several, "jobs.worker|resources.write". workspace.full has all but those of the server: service-accounts.manage and
 * server.admin. */
bool api_may(const ApiCall *c, const char *scope);

Val api_arg(const ApiCall *c, const char *name);          /* nil: not given */
const char *api_text(const ApiCall *c, const char *name); /* NULL: not given */
int64_t api_int(const ApiCall *c, const char *name, int64_t otherwise);
bool api_flag(const ApiCall *c, const char *name);
const char *api_path(const ApiCall *c, const char *name); /* what stands for {name} in the route's path; "" unless it has one */

/* Maps in the order in which they are told; entries without a value are left out. */
void api_put(ValVec *m, const char *key, Val v);
void api_put_text(ValVec *m, const char *key, const char *s); /* NULL: left out */
Val api_map(const ValVec *m);
static inline int64_t api_number(Val m, const char *key) { /* of a document; 0: none */
  Val v = map_get_kw(m, key);
  return is_long(v) ? long_of(v) : 0;
}
static inline Val api_name(Val v) { return is_kw(v) ? str_c(kw_text(v)) : v; } /* a keyword as its name */
Val api_time(int64_t ms); /* ISO text; nil for 0 */
Val api_shown(Val v);     /* v, or its printed form where JSON cannot say it */
Val api_preview(Val v);   /* the same, cut when it is long */
Val api_preview_in(Val v, size_t bytes); /* cut when it is longer than that */

/* --- documents of the workspace: maps ------------------------------------------------------------------------------------------- */
bool api_doc(Api *a, const char *workspace, const char *kind, const char *key, Val *out, int64_t *rev, Err *err); /* err->code NULL: none */
Val api_doc_value(const DocRow *d);                                                                               /* nil: damaged */
/* rev: what it replaces. false: the value cannot be stored. */
bool api_doc_put(Batch *b, const char *workspace, const char *kind, const char *key, Val v, int64_t rev, int64_t at_ms, int64_t expires_ms);
void api_doc_del(Batch *b, const char *workspace, const char *kind, const char *key, int64_t rev);

/* --- api_args.c */
const char *api_type_name(enum ApiType t);
/* The arguments against the row; unknown ones become a warning. */
bool api_args_check(ApiCall *c, Val args);
Val api_args_schema(const ApiCommand *cmd);
/* --- api_keys.c: "bsa_sak-<id>_<secret>" */
/* A new key, shown by the caller once; only the hash is stored. */
void api_key_new(char id[32], Buf *key, Buf *secret_hash);
typedef struct ApiKey {
  const char *id, *workspace, *account, *name, *secret_hash, *by;
  Val metadata;
  int64_t expires_ms; /* 0: never */
} ApiKey;
bool api_key_put(Batch *b, const ApiKey *k);
/* Is there a key that may do everything on this server, and works now? false and err->code NULL: none. */
bool api_key_admin(Api *a, Err *err);
/* The first key of the server with a service account of its own in that workspace. */
bool api_key_first(Api *a, const char *workspace, const char *id, const char *secret_hash, Err *err);
/* The caller by its Authorization header: fills the call; false: it has failed with 401. What keys and accounts say is kept in memory
 * until api_keys_changed, which everything calls that writes them. */
bool api_authenticate(ApiCall *c);
bool api_authenticate_key(ApiCall *c, const char *key); /* the same by a key */
void api_keys_changed(Api *a);
/* May the caller touch jobs of that type? true, or 403. */
bool api_job_type_ok(ApiCall *c, const char *type);
bool api_scope_known(const char *scope); /* a name that a row asks for, or one of the server's own */
/* --- api_accounts.c: service accounts and their keys */
extern const ApiCommand api_account_commands[], api_connection_commands[] /* api_connections.c */;
extern const ApiCommand api_feedback_commands[]; /* api_feedback.c */
extern const ApiCommand api_profile_commands[], api_install_commands[]; /* api_profiles.c, api_installs.c */
/* --- api_workspaces.c */
bool api_workspace_name(const char *id); /* letters, digits, - and _, at most 64, and no word that means something in a URL */
bool api_workspace_there(Api *a, const char *id);
bool api_workspace_make(Api *a, const char *id, Err *err); /* unless it is there; for the start of the server */
/* The workspace of the request: the header's, or `ws` of a route's path. c->workspace is it then; false: 403, not a member. */
bool api_workspace_enter(ApiCall *c, const char *ws);
/* --- api_place.c: connections and secrets of a target, for EngineOptions.target_of; ctx is the Api */
const struct Target *api_place_target(void *ctx, const char *workspace, const char *slug, const char *target);
void api_places_free(Api *a);
/* --- api_flows.c */
/* The source that a request means: draft, active, live or a version. hash: malloc'ed. */
bool api_flow_source(Api *a, const char *workspace, const char *slug, const char *target, int64_t version, char **hash, int64_t *at,
                     Err *err);
Val api_diagnostics(const char *text, size_t n, const char *file, int *errors);
extern const ApiCommand api_flow_commands[], api_run_commands[], api_release_commands[], api_manage_commands[], api_diff_commands[],
    api_look_commands[], api_search_commands[], api_step_commands[], api_step_run_commands[], api_job_commands[], api_job_worker_commands[];
const ApiCommand *api_command(const char *name);
const ApiCommand *api_command_at(int i); /* NULL behind the last */
Batch *api_batch_of(void *call); /* api_batch, for TableCall */
/* --- api_resources.c: the resource becomes findable, in the call's batch; d: its workspace, key, times and data. */
void api_resource_index(ApiCall *c, const DocRow *d, Val meta);
/* --- api_tables.c */
bool api_table_fail(ApiCall *c, Val error); /* the error map of table.h */
Val api_camel(Val m);                       /* keys of this map in camel case */
/* Answers with a page of a table, for GET /api/resources/content; parts: {:key s}, {:keys [..]} or nil. */
bool api_table_page(ApiCall *c, const char *uri, Val parts, int64_t limit, int64_t offset);
/* --- api_openapi.c */
Val api_openapi(void);
/* --- api_routes.c: REST */
enum ApiRouteFlag {
  ROUTE_OPEN = 1,     /* no key is needed */
  ROUTE_COMMANDS = 2, /* the door of all commands */
  ROUTE_VALUE = 4,    /* the body is a value of its own (c->body), arguments come from the query */
  ROUTE_BYTES = 8,    /* the body is bytes (c->request->body), arguments come from the query */
  ROUTE_EITHER = 16, /* a key that is sent is looked at; without one the function finds out who calls: c->key_id NULL */
  ROUTE_TEXT = 32,    /* the body is JSON that the function reads by itself (c->request->body) */
  ROUTE_OWN = 64,     /* a good answer has a form of its own: a text, a file, what a flow says */
  ROUTE_OWN_ERRORS = 128 /* and so has an error */
};
typedef struct ApiRoute {
  const char *method, *path; /* path without /api/: words and {name} for one segment; {name...} at the end for all that follow */
  unsigned flags;
  ApiCommand op; /* name: "waits.approve", for messages and as operationId; scope NULL: any key */
} ApiRoute;
extern const ApiRoute api_base_routes[], api_profile_routes[], api_install_routes[], api_workspace_routes[], api_table_routes[], api_resource_routes[], api_file_routes[], api_connection_routes[]; /* families, each up to the first without a path; one line per family in api_routes.c */
extern const ApiRoute api_wait_routes[]; /* api_waits.c */
extern const ApiRoute api_auth_routes[], api_docs_routes[], api_incident_routes[], api_digest_routes[]; /* api_auth.c, api_docs.c, api_incidents.c, api_digests.c */
extern const ApiRoute api_debug_routes[]; /* api_debug.c */
const ApiRoute *api_route_at(int i);     /* NULL behind the last */
/* Bodies: files that are sent; JSON; what is sent to events has the limit webhook-bytes, waits look at callback-bytes themselves. A body over LISTENER_MEMORY is a mapped file. */
#define API_BYTES_MAX (8ull << 30)
enum { API_JSON_MAX = 16 << 20 };
uint64_t api_max_body(enum ListenDoor door, const char *method, const char *raw); /* for ListenerOptions */
/* The route of the request, with c->path filled; NULL: the call has failed with 404 or 405. */
const ApiRoute *api_route_of(ApiCall *c);
/* The arguments of the route's row out of the query or the body. */
bool api_route_args(ApiCall *c, const ApiRoute *r, Val *args);
#endif
