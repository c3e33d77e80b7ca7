/* http_build.h - the config map of an `:http` step (spec/flows.md 4.1) to a plain HttpRequest, and a plan of how to read
 * the answer (http_result.h). Registered threads only.
 *
 * Config keys understood here: :url | :connection + :path, :method, :headers, :query, :json | :form | :body, :content-type,
 * :accept, :accept-status, :response-as, :include-headers, :timeout, :connect-timeout-ms, :follow-redirects, :client-opts
 * {:max-response-bytes :connect-timeout :follow-redirects}. :auth is http_auth.h's. What needs a part of the product that is not
 * there (:multipart and :body-from-ref with resources) is a problem that says so. Common step options are ignored. */
#ifndef BR_HTTP_BUILD_H
#define BR_HTTP_BUILD_H
#include "reader/map.h"
#include "runtime/backoff.h"
#include "runtime/http_client.h"

#define HTTP_DEFAULT_TIMEOUT_MS 30000

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
} HttpPlan;
void http_plan_free(HttpPlan *p);

/* conn NULL: there is no bound connection. nil: *req and *plan are filled (the caller frees or sends them); a map: the
 * error {:type :validation|:missing-binding :message (all problems) :problems [..] :retryable? false}; or a signal (an
 * unrealised lazy seq inside the config). On anything but nil there is nothing to free. */
Val http_build(Val config, const HttpConn *conn, HttpRequest *req, HttpPlan *plan);
/* {:type t :message m :retryable? b}, for http_result.c and the step. */
Val http_error_map(const char *type, bool retryable, const char *message);
#endif
