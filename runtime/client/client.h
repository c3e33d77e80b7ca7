/* client.h - a caller of the server's API over HTTP: what `breyta flows ...` and the worker share (spec/http-api.md, section A).
 *
 *   ClientConfig where;                              who and where: client_config.h
 *   Client *c = client_new(&where, &err);
 *   ClientAnswer a;
 *   if (!client_call(c, "jobs.claim", args, 0, &a)) ... a.code, a.message ...
 *   Val job = client_at(a.body, "data.job");
 *
 * Calls block. A Client belongs to one thread at a time and keeps its connection; another thread makes a Client of its own (client_new
 * copies the configuration) and calls mem_thread_enter first, because answers are values. A ClientAnswer lives on the stack or in memory
 * that the collector sees: its `body` is a value; client_answer_free gives back the rest.
 *
 * Every answer has the shape {"ok","workspaceId","data","meta","error"?,"hint"?}, whatever came: a route's JSON is `data` with
 * meta.status, and what is no answer (no server, no JSON) is an error with a code of this table, so that callers look in one place.
 *   unreachable     no connection, or it broke, status 0
 *   timeout         no answer in time, status 0
 *   invalid_answer  the answer is not a JSON object
 *
 * Retries: every call has an operation id (X-Breyta-Operation-ID), by which the server knows a repeated one and answers it again without
 * doing it twice; so all are repeated after a broken connection and after 408, 429, 502, 503 and 504: twice, 150 and 450 ms later, or when
 * Retry-After says, within 5 s. A call that ran into its own timeout is not repeated. client_tries(c, 1) turns that off. */
#ifndef BR_CLIENT_H
#define BR_CLIENT_H
#include "runtime/net/http_body.h"
#include "reader/map.h"
#include "reader/text.h"
#include "reader/vec.h"
#include "runtime/base/port.h"

typedef struct ClientConfig {
  char *url;       /* without a slash at its end */
  char *workspace; /* NULL: none, the server takes that of the key */
  char *key;       /* NULL: none */
  char *ca_file;   /* NULL: what the system trusts; else the whole path of a file with certificates that are trusted, PEM */
  const char *url_from, *workspace_from, *key_from; /* for people: "--api", "BREYTA_API_URL", "config.json" ...; literals */
  bool key_is_token; /* it came as --token or BREYTA_TOKEN */
} ClientConfig;
void client_config_free(ClientConfig *c); /* the members */

typedef struct Client Client;
Client *client_new(const ClientConfig *where, Err *e); /* a copy of it. NULL: e says why */
void client_free(Client *c);
void client_tries(Client *c, int tries); /* 1 to 10; 3 at the start */

enum { CLIENT_TIMEOUT_MS = 30000 };
typedef struct ClientAnswer {
  bool ok;             /* status < 400 and not "ok": false */
  int status;          /* of HTTP; 0: there was no answer */
  Val body;            /* the envelope: a map */
  const char *code;    /* of a failure, else NULL; alive with `body` */
  const char *message; /* the same */
  Buf text;            /* what arrived, when it is no JSON */
  char content_type[128];
  char session[128]; /* Mcp-Session-Id, "" without */
} ClientAnswer;
void client_answer_free(ClientAnswer *a);

/* POST /api/commands. args: a map. timeout_ms: 0 = CLIENT_TIMEOUT_MS. Returns a->ok. */
bool client_call(Client *c, const char *command, Val args, int64_t timeout_ms, ClientAnswer *a);

/* Any other request. */
typedef struct ClientRequest {
  const char *method;
  const char *path;         /* behind the server's URL: "api/waits/w-1"; what is variable in it is encoded by client_segment */
  Val query;                /* map: texts, numbers, booleans, vectors of them (joined with commas); nil: none */
  Val body;                 /* JSON; ABSENT: none */
  HttpBody *stream;         /* in place of body; taken */
  const char *content_type; /* of stream */
  const char *const *headers; /* name, value, ..., NULL; or NULL */
  HttpSink *sink;           /* where the bytes of a good answer go; taken */
  int64_t timeout_ms;       /* 0 = CLIENT_TIMEOUT_MS */
  bool no_key;              /* without Authorization: webhooks */
  bool raw;                 /* the answer is text, whatever it looks like */
  bool once;                /* not repeated */
  bool keep_text;           /* a->text holds what arrived also when it is JSON */
} ClientRequest;
bool client_rest(Client *c, const ClientRequest *r, ClientAnswer *a);
void client_segment(Buf *path, const char *text); /* appends "/" and the text, percent-encoded */
/* What every request says of its caller, for who sends without a Client because he must not block (worker_rpc.h). op NULL: it changes nothing. */
struct HttpRequest;
void client_headers(const ClientConfig *where, const char *op, int attempt, struct HttpRequest *q);

/* --- values that are JSON --------------------------------------------------------------------------------------------------------- */
Val client_at(Val v, const char *path);                    /* "data.job.jobId", "data.items.0.id"; nil: not there */
const char *client_text_at(Val v, const char *path);       /* NULL: not there, or no text */
int64_t client_int_at(Val v, const char *path, int64_t otherwise);
bool client_true_at(Val v, const char *path);
Val client_put(Val map, const char *path, Val v);          /* "page.limit"; nil as map: {} */
Val client_put_text(Val map, const char *path, const char *s); /* NULL: left out */
Val client_key(const char *name);                          /* as json_parse makes keys */
/* {"ok":false,"error":{"code","message"},"hint"?}, for what goes wrong on this side. */
Val client_error(const char *workspace, const char *code, const char *message, const char *hint);
void client_uuid(char out[37]); /* version 4 */
#endif
