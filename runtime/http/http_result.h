/* http_result.h - an HttpResponse to the value of an `:http` step, or to the error map that the step fails with.
 *
 * Result: {:status 200 :headers {"content-type" ".." ..} :body ..}. Header names are lower-case strings; with
 * :include-headers only those. The body by :response-as, for :auto by Content-Type:
 *     :json   also +json types                    :jsonl  a vector, one value a line
 *     :sse    a vector of {:event :data :id}      :edn    one form, strict EDN
 *     :xml    xml_read.h                          :yaml   yaml_read.h
 *     :text   text/..., forms, or no type and valid UTF-8; by :auto XML and YAML too: they are parsed when asked for
 * An empty body is nil, as :text "". Binary bodies need :persist. Errors: {:type :http-error :status :headers :body :message :retryable? :retry-after-ms?} for statuses that are
 * neither 2xx nor in :accept-status (body cut at 8 KiB), :network :timeout :oversize :guard :tls :cancelled, :validation
 * for malformed URLs and bodies that do not parse. Messages never hold the query string of the URL. */
#ifndef BR_HTTP_RESULT_H
#define BR_HTTP_RESULT_H
#include "http_build.h"

enum { HTTP_ERROR_BODY_BYTES = 8192 };

/* true: *out is the result map. false: *out is the error map; *retry_after_ms (may be NULL) is what the Retry-After header
 * of a 429, 503 or other error asks for at time at_ms, else -1. Never a signal. */
bool http_result(const HttpResponse *r, const HttpPlan *plan, int64_t at_ms, Val *out, int64_t *retry_after_ms);
#endif
