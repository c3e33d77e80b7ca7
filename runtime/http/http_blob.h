/* http_blob.h - between :http steps and resources: refs as bodies of requests, bodies of responses straight into a blob.
 *
 * A response that a step persists as a blob (:response-as :bytes or :auto) goes from the socket into the blob's temporary file on
 * the I/O thread; a helper thread syncs it; then the step ends with a reference. It is never whole in memory. Errors (a status
 * that is no result) are read as ever. Engine thread, but for the sink's own functions. */
#ifndef BR_HTTP_BLOB_H
#define BR_HTTP_BLOB_H
#include "http_build.h"
#include "runtime/resource/resource.h"

/* Refs of a step's config. ctx: the call. */
HttpRefs http_refs(StepCall *c);

/* Does a step with this config keep the body of its response as a blob, whatever the body is? */
bool http_save_wanted(Val cfg, const HttpPlan *plan);
typedef struct HttpSave HttpSave;
/* Does the step keep its body so? Then the request gets a sink, and its limit is that of the tier unless the step has one of its own.
 * NULL: it does not. The save outlives the request; http_save_free. */
HttpSave *http_save_new(Engine *e, StepCall *c, HttpPlan *plan, HttpRequest *req);
/* Before the request is sent: the secrets that the step uses do not get into the blob, whoever echoes them. */
void http_save_clean(HttpSave *s, const struct SecretUse *used);
void http_save_free(HttpSave *s); /* what is written and not finished is gone; NULL is fine */
/* The body is there: finishes the blob and ends the step with `result`, now or later. Takes s. */
void http_save_finish(HttpSave *s, Engine *e, StepCall *c, Val result);
/* Why the sink would take no more, as the step's error; nil: it did not refuse. */
Val http_save_error(const HttpSave *s);
#endif
