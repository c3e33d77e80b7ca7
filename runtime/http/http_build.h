/* http_build.h - the config map of an `:http` step (spec/flows.md 4.1) to a plain HttpRequest, and a plan of how to read
 * the answer (http_result.h). Registered threads only.
 *
 * Config keys understood here: :url | :connection + :path, :method, :headers, :query, the body (below), :content-type, :accept,
 * :accept-status, :response-as, :include-headers, :timeout, :connect-timeout-ms, :follow-redirects, :client-opts
 * {:max-response-bytes :connect-timeout :follow-redirects}. :auth is http_auth.h's. Common step options are ignored.
 *
 * The body is one of
 *   :json v           any value                      :form {..}         application/x-www-form-urlencoded
 *   :body text|bytes                                 :body-from-ref r   the bytes of a resource, read from its file as they are sent
 *   :multipart [{:name "n" :filename "f" :content-type "t/s" and one of :value scalar | :body text|bytes | :json v | :from-ref r}]
 * :json wins over :body; of the others one. Names and filenames are quoted as RFC 7578 and browsers do (a double quote is %22, line
 * breaks %0D and %0A), so that none of them can add a header. */
#ifndef BR_HTTP_BUILD_H
#define BR_HTTP_BUILD_H
#include "reader/map.h"
#include "runtime/base/backoff.h"
#include "runtime/net/http_client.h"

#define HTTP_DEFAULT_TIMEOUT_MS 30000

/* What :body-from-ref and :from-ref name. open: the bytes of a ref (a blob's map, a resource-ref or a "res://.." string) as an open
 * file, texts malloc'ed or NULL; false with *e (validation, not-found, oversize ...). */
typedef struct HttpRef {
  int fd;
  uint64_t size;
  char *content_type, *filename;
} HttpRef;
typedef struct HttpRefs {
  bool (*open)(void *ctx, Val ref, HttpRef *out, Err *e);
  void *ctx;
} HttpRefs;

/* A bound connection: base URL, and headers and query (maps or nil) that the step's own win over. */
typedef struct HttpConn {
  const char *base_url;
  Val headers, query;
} HttpConn;

enum HttpAs { HTTP_AS_AUTO, HTTP_AS_JSON, HTTP_AS_JSONL, HTTP_AS_SSE, HTTP_AS_TEXT, HTTP_AS_BYTES, HTTP_AS_EDN, HTTP_AS_XML, HTTP_AS_YAML };
extern const char *const http_as_names[]; /* "auto" "json" ... , NULL at the end */

/* How to read the answer. Plain data without pointers to values. */
typedef struct HttpPlan {
  enum HttpAs as;
  StatusSet accept; /* statuses besides 2xx that are results */
  char **include;   /* lower-case names of response headers to keep */
  size_t ninclude;
  bool include_some; /* :include-headers was given */
  bool saved;        /* the body goes into a blob (http_blob.h) */
} HttpPlan;
void http_plan_free(HttpPlan *p);

/* conn NULL: there is no bound connection. refs NULL: refs are looked at, not opened, and the request cannot be sent. nil: *req and *plan are filled (the caller frees or sends them); a map: the
 * error {:type :validation|:missing-binding :message (all problems) :problems [..] :retryable? false}; or a signal (an
 * unrealised lazy seq inside the config). On anything but nil there is nothing to free. */
Val http_build(Val config, const HttpConn *conn, const HttpRefs *refs, HttpRequest *req, HttpPlan *plan);
/* {:type t :message m :retryable? b}, for http_result.c and the step. */
Val http_error_map(const char *type, bool retryable, const char *message);
#endif
