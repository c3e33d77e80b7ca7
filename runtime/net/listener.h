/* listener.h - the HTTP door of `--listen`: callbacks for waits, POST /<workspace>/events/<wait-key...>, and the pages behind
 * links that people get, GET and POST /<workspace>/waits/<rest...>, and files by signed URL, GET /<workspace>/resources/content, and how
 * far the one who will answer a wait is, POST /<workspace>/progress/<wait-key...>. GET /agent/install.sh is answered here (agent_script.h).
 * Of a server (ListenerOptions.api) also /api/<rest...> with any method; then no workspace is reached by the name "api". And GET /metrics
 * and /readyz (door LISTEN_SELF, key "metrics"), which are asked, GET and POST /cli/auth (LISTEN_LOGIN), and /healthz, which the listener's thread answers by itself.
 *
 * Each request is handed to a callback on the listener's own thread as plain malloc'ed data (no values: that thread is not
 * registered with the collector). The callback must not block; it queues the request for the engine thread and returns.
 * The connection stays suspended until listener_answer is called with the request's token, from any thread; that is how
 * nothing is acknowledged before it is durable. A request that nobody answers within `park_ms` gets 503, so that the sender
 * tries again, and its late answer is ignored.
 *
 * Everything else is answered here with {"ok":false,"error":{"code","message"}}: 404, 405, 413 (body over its limit), 400 (bad
 * percent encoding), 503 (stopping, or too much under way), 507 (no room for a large body). Bounded: connections, LISTENER_HELD
 * bytes of bodies in memory, LISTENER_IDLE_S for a slow request. A body over LISTENER_MEMORY, where one is allowed, is written to a file
 * without a name and mapped: it costs no memory. libmicrohttpd: listener_mhd.h. */
#ifndef BR_LISTENER_H
#define BR_LISTENER_H
#include "runtime/base/port.h"

enum {
  LISTENER_MAX_KEY = 1024,
  LISTENER_PROGRESS_BYTES = 64 << 10, /* the largest body of a progress report */
  LISTENER_MEMORY = 1 << 20, /* of one body; what is over it goes to a file */
  LISTENER_CONNECTIONS = 512, /* unless the options say otherwise */
  LISTENER_HELD = 64 << 20,
  LISTENER_IDLE_S = 30,
  LISTENER_PARK_MS = 15000,
  LISTENER_FLUSH_MS = 2000 /* at the stop, for answers on their way */
};

typedef struct ListenPair {
  char *name, *value;
} ListenPair;

/* Owned by whoever got it; listener_request_free. */
typedef struct ListenRequest {
  uint64_t token;
  char method[8];        /* "POST"; "GET" only of waits and resources; of the API also "PUT", "DELETE" */
  enum ListenDoor { LISTEN_EVENTS, LISTEN_WAITS, LISTEN_RESOURCES, LISTEN_PROGRESS, LISTEN_API /* workspace "api" */, LISTEN_SELF /* workspace "" */, LISTEN_LOGIN /* the same */ } door;
  char *workspace, *key; /* percent-decoded, valid UTF-8, no NUL; the key may contain slashes */
  char *raw;             /* the key as it was sent: %2F is not a slash there (listener_decode) */
  ListenPair *headers;   /* names in lower case */
  size_t nheaders;
  ListenPair *query; /* decoded; a name without = has value "" */
  size_t nquery;
  char *body; /* raw bytes, NUL behind */
  size_t nbody;
  bool spooled; /* the body is a mapped file, body_fd, closed with the request (dup it to keep it) */
  int body_fd;
  int64_t received_ms; /* UTC */
  char peer[64];       /* address of the sender: of its socket, or what a trusted proxy says */
  char base[300];      /* "https://flows.example" as a trusted proxy was asked; "" else */
  const struct BodyRead *read; /* body_read.h: its body as a value, while it is handled again for that; NULL: it was not read yet */
} ListenRequest;
const char *listener_header(const ListenRequest *r, const char *name); /* lower-case name; NULL */
void listener_request_free(ListenRequest *r);
/* Percent-decoded, malloc'ed; NULL: malformed, NUL inside, or not UTF-8. */
char *listener_decode(const char *s, size_t n);

typedef struct Listener Listener;
typedef void (*ListenFn)(void *ctx, ListenRequest *r); /* takes r */

typedef struct ListenerOptions {
  int park_ms;             /* 0 = LISTENER_PARK_MS */
  bool api;                /* with the API's door */
  unsigned connections;    /* 0 = LISTENER_CONNECTIONS */
  const char *spool_dir;   /* for large bodies; NULL: $TMPDIR or /tmp */
  const struct Proxies *proxies; /* whose X-Forwarded-* headers are believed; NULL: nobody's. Outlives the listener */
  const char *cert, *key;  /* PEM texts: TLS; copied. NULL: plain HTTP */
  /* How large the body may be, in bytes; NULL: the limit callback-bytes for all. On the listener's thread: no values. raw: the key undecoded. */
  uint64_t (*max_body)(enum ListenDoor door, const char *method, const char *raw);
  /* An answer could not be sent to its end; with the ctx of ListenFn, on the listener's thread. May be NULL. */
  void (*unsent)(void *ctx, uint64_t token);
} ListenerOptions;

/* host_port: "127.0.0.1:8080", "[::1]:0", "localhost:8080", ":8080" (loopback), "8080" (loopback), "*:8080" (every
 * interface). Port 0 picks one. park_ms 0 = LISTENER_PARK_MS. NULL with an Err: codes validation, listen. */
Listener *listener_start(const char *host_port, int park_ms, ListenFn f, void *ctx, Err *e);
/* The same on a socket of sock_bind, which is the listener's from now on, also on failure: it is opened here. */
Listener *listener_start_on(int fd, const ListenerOptions *o, ListenFn f, void *ctx, Err *e);
int listener_port(const Listener *l);
/* Answers the request with that token: status 100-599 and a JSON text (copied). false: nobody waits for it any more. */
bool listener_answer(Listener *l, uint64_t token, int status, const char *json, size_t n);
/* The same with a text of any kind; content_type is copied. */
bool listener_answer_text(Listener *l, uint64_t token, int status, const char *content_type, const char *text, size_t n);
/* The same as a flow wants it: headers are "name\nvalue\n" for each, without line breaks in them and none that HTTP itself needs. A browser
 * takes it for something apart from this server (Content-Security-Policy: sandbox). */
bool listener_answer_own(Listener *l, uint64_t token, int status, const char *content_type, const char *headers, const char *text, size_t n);
/* The request may stay without an answer for ms from now on, in place of park_ms. false: nobody waits for it any more. */
bool listener_hold(Listener *l, uint64_t token, int64_t ms);
/* Is the client still there, as far as its socket says? */
bool listener_alive(Listener *l, uint64_t token);
/* What its route is called in the figures (metrics.h, requests_total): a literal; else the door's name. */
void listener_route(Listener *l, uint64_t token, const char *route);
/* The same with an HTML page, which may load nothing and post only to where it came from; any text of this type is one. */
extern const char listener_page_type[];
bool listener_answer_page(Listener *l, uint64_t token, int status, const char *html, size_t n);
/* The same with the bytes of a file, all or the one range that the request asks for; fd is the listener's from now on, also on failure.
 * content_type, filename: copied; filename NULL: none. Nothing in it is run by a browser. */
bool listener_answer_file(Listener *l, uint64_t token, int fd, uint64_t size, const char *content_type, const char *filename);
/* The same with bytes that come bit by bit: read gives up to n of them from `at`, on the listener's thread, without blocking. 0: none yet,
 * listener_wake says when (it may come at once, and is asked again); -1: there will be none, the connection is cut. free: once. */
typedef struct ListenSource {
  void *ctx;
  int64_t (*read)(void *ctx, uint64_t at, char *p, size_t n);
  void (*free)(void *ctx); /* read is not called any more */
} ListenSource;
bool listener_answer_source(Listener *l, uint64_t token, ListenSource source, uint64_t size, const char *content_type, const char *filename);
void listener_wake(Listener *l, uint64_t token); /* any thread; only before `free` of its source has returned */
/* Whoever asks the same again (POST for the API's door: path, Authorization, X-Breyta-Workspace and body) gets this answer, with status 200,
 * from the listener's thread, until that time (0: for good) or listener_forget; n above 64 KiB is not kept. json is copied; route: a literal.
 * Any thread. */
void listener_keep(Listener *l, const ListenRequest *r, const char *json, size_t n, const char *route, int64_t until_ms);
void listener_forget(Listener *l);
/* Accepts no more connections, and answers 503 to what is asked on those that are there; what is suspended stays so. */
void listener_refuse(Listener *l);
/* Stops accepting, answers what is suspended with 503 and waits for the thread. After it no callback runs. */
void listener_stop(Listener *l);
#endif
