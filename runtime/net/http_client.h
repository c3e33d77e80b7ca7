/* http_client.h - the asynchronous HTTP client port (libcurl multi, HTTP/1.1 and 2).
 *
 * A request is plain malloc'ed data; http_client_send hands it over and returns an id at once. Exactly one HttpResponse per
 * id comes out of http_client_next, also after a cancel; an eventfd (http_client_fd) is readable while there are any.
 * Nothing here touches values: the I/O threads are not registered with the collector. send, cancel and next may be called
 * from any thread.
 *
 * libcurl is loaded (dlopen) at the first request: linking it costs every start 4 ms. Requests under the outbound guard
 * and those without run on two threads with connection pools of their own, so that a guarded request can never be sent
 * over a connection that was opened without the check (see guard.h). Under the guard proxy variables are ignored.
 *
 * Large bodies need not be in memory: `stream` is sent from files, `sink` takes what arrives (http_body.h).
 *
 * Redirects are followed here, not by curl: every hop is checked again, at most `max_redirects`. RFC 9110 15.4: 303
 * becomes GET (HEAD stays HEAD), 301 and 302 turn POST into GET, 307 and 308 repeat the request. On the way to another
 * origin Authorization, Cookie and headers marked `secret` are dropped. */
#ifndef BR_HTTP_CLIENT_H
#define BR_HTTP_CLIENT_H
#include "runtime/base/guard.h"
#include "http_body.h"

#define HTTP_DEFAULT_MAX_RESPONSE ((size_t)10 << 20)
#define HTTP_DEFAULT_CONNECT_MS 10000
enum { HTTP_MAX_REDIRECTS = 5, HTTP_MAX_HEADER_BYTES = 256 << 10 };

typedef struct HttpHeader {
  char *name, *value;
  bool secret;
} HttpHeader;

typedef struct HttpRequest {
  char method[16]; /* "GET": a token in capitals */
  char *url;       /* http or https */
  HttpHeader *headers;
  size_t nheaders;
  char *body; /* NULL: none */
  size_t nbody;
  HttpBody *stream;           /* in place of body; the request's own */
  HttpSink *sink;             /* NULL: the response's body is kept in memory. malloc'ed; the request's own */
  char *sigv4;                /* NULL, or "aws:amz:region:service": the request is signed with the keys below */
  char *user, *password;      /* of sigv4: access key id and secret key; wiped when freed */
  char *ca_file;              /* NULL, or a file of certificates (PEM) that are trusted */
  int64_t timeout_ms;         /* whole exchange with redirects; 0 = none */
  int64_t connect_timeout_ms; /* 0 = HTTP_DEFAULT_CONNECT_MS */
  size_t max_response;        /* bytes of decoded body */
  int max_redirects;          /* 0: a redirect is the response */
  bool guard;                 /* refuse private addresses */
  bool fresh;                 /* own connection: curl repeats a request by itself when a kept connection turns out dead, which a step with
                                 :delivery :at-most-once must not do */
} HttpRequest;

/* GET, defaults, guard on, HTTP_MAX_REDIRECTS. */
void http_request_init(HttpRequest *r);
void http_request_header(HttpRequest *r, const char *name, const char *value, bool secret); /* appends a copy */
const char *http_request_get(const HttpRequest *r, const char *name);                       /* case-insensitive; NULL */
/* Adds a sink whose functions get ctx; the request must have none. */
HttpSink *http_request_sink(HttpRequest *r, void *ctx, bool (*write)(void *ctx, const char *p, size_t n));
void http_request_free(HttpRequest *r);                                                     /* the members; zeroes */

enum HttpErr {
  HTTP_OK,      /* an HTTP response arrived, whatever its status */
  HTTP_NETWORK, /* resolving, connecting, broken connection */
  HTTP_TIMEOUT,
  HTTP_OVERSIZE, /* body over max_response, or headers over HTTP_MAX_HEADER_BYTES */
  HTTP_GUARD,    /* an address that the guard refuses */
  HTTP_TLS,
  HTTP_BAD_URL, /* malformed URL, method or header; too many redirects */
  HTTP_CANCELLED,
  HTTP_ABORTED /* the sink would not take more */
};
const char *http_err_name(enum HttpErr e); /* "network", "bad-url" ... */

typedef struct HttpResponse {
  uint64_t id;
  enum HttpErr err;
  char msg[256]; /* of an error; never contains the query string of the URL */
  int status;
  HttpHeader *headers; /* names in lower case, repeated ones joined with ", " */
  size_t nheaders;
  char *body; /* NUL behind; never NULL when err is HTTP_OK */
  size_t nbody;
  char *method, *url; /* of the last hop; url without query, fragment and credentials */
  int redirects;
  uint64_t received; /* bytes of decoded body, wherever they went */
  bool sunk;         /* the body went to the sink; `body` is empty unless sink->keep */
  int64_t duration_us;
  struct HttpResponse *next;
} HttpResponse;
const char *http_response_get(const HttpResponse *r, const char *name); /* lower-case name; NULL */
void http_response_free(HttpResponse *r);

typedef struct HttpClient HttpClient;
/* g: borrowed, must outlive the client; NULL allows no private address. */
HttpClient *http_client_new(const Guard *g, Err *e);
/* Stops the threads; what is under way is abandoned, responses not taken are freed. */
void http_client_free(HttpClient *c);
/* Takes the request's members (r is zeroed), also on failure. 0: libcurl could not be loaded or a thread not started. */
uint64_t http_client_send(HttpClient *c, HttpRequest *r, Err *e);
void http_client_cancel(HttpClient *c, uint64_t id); /* unknown ids are ignored */
HttpResponse *http_client_next(HttpClient *c);       /* NULL: none ready. The caller frees it */
int http_client_fd(const HttpClient *c);             /* eventfd, readable while responses are ready; only poll it */
#endif
