/* resource.h - what steps keep beside their results: res:// references to blobs (spec/flows.md 6).
 *
 * A resource is a document of kind "resource" under its URI, whose data says where the bytes are (blobs.h), how large they are and
 * what they mean. It is stored in the batch of the record that names it. A flow sees a reference, a map
 *   {:type :blob :uri "res://v1/ws/W/result/run/RUN/step/STEP/N/output" :size-bytes n :content-type s :filename s :tier kw :sha256 s
 *    :url s :expires-at ms}
 * (:filename, :url and :expires-at where there are any). Wherever a step takes a reference it may be that map, the URI, or any map
 * with :uri or :resource-uri. References are looked up when they are used: what has expired or was deleted is an error.
 * Engine thread only. */
#ifndef BR_RESOURCE_H
#define BR_RESOURCE_H
#include "runtime/store/blobs.h"
#include "runtime/engine/engine.h"
#include "persist.h"

#define RESOURCE_KIND "resource"
enum { RESOURCE_URI_MAX = 900 };
#define RESOURCE_LOAD_MAX (10LL << 20)           /* bytes, of what is loaded into a value or a request body */
#define RESOURCE_LOAD_EPHEMERAL_MAX (20LL << 20)
typedef struct Resource {
  char uri[RESOURCE_URI_MAX], hash[65], content_type[256], filename[256];
  int64_t size, created_ms, expires_ms; /* expires 0: never */
  bool ephemeral;
} Resource;

/* The engine's blobs: beside the database file, or temporary for one in memory. */
BlobStore *engine_blobs(Engine *e);

/* What such a document says; false: it is no blob, or damaged. */
bool resource_of(const DocRow *d, Resource *out);
/* The URI in a reference, or nil. */
Val resource_uri(Val ref);
/* false: *e is "validation" (no reference), "not_found" (unknown, deleted, expired) with the URI in the message. */
bool resource_find(Engine *e, StepCall *c, Val ref, Resource *out, Err *err);
/* The same by URI, beside any run. */
bool resource_look(Engine *e, const char *workspace, const char *uri, Resource *out, Err *err);
/* Its content as a value, by its content type: JSON and EDN as data, text as a string, all else as bytes. ABSENT: *err ("oversize" beyond
 * RESOURCE_LOAD_MAX, RESOURCE_LOAD_EPHEMERAL_MAX for the ephemeral tier). */
Val resource_content(Engine *e, const Resource *r, Err *err);
/* How many bytes of it may be loaded. */
static inline int64_t resource_load_max(const Resource *r) { return r->ephemeral ? RESOURCE_LOAD_EPHEMERAL_MAX : RESOURCE_LOAD_MAX; }
/* :input with what `keys` name loaded (:load of :function). ABSENT: *error is the map the step fails with. */
Val resource_load(Engine *e, StepCall *c, Val input, Val keys, Val *error);

/* As one segment of a URI: letters, digits and -._~ as they are, all else percent-encoded. */
void resource_percent(Buf *b, const char *s);
void resource_percent_path(Buf *b, const char *s); /* slashes stay, too */
/* A URL that anybody may read it by until then; without --listen or --public-url the file: URL of its bytes. nil: the store has failed. */
Val resource_url(Engine *e, const Resource *r, const char *workspace, int64_t until_ms);
bool resource_url_ok(Store *s, const char *workspace, const char *uri, int64_t until_ms, const char *signature);

/* The type of an error of blobs.h as flows see it, and whether it may pass by itself. */
const char *resource_error_type(const Err *err);
bool resource_error_passes(const Err *err);
/* Engine thread: the resource's bytes, -1 with *err. "blob_away": they are not on this machine; a step that fails with an error of that
 * type begins again when they are (resource_fetch.c), so nothing may have been done yet that cannot be done twice. */
int resource_file(Engine *e, const Resource *r, int64_t *size, Err *err);
void resource_away(Engine *e, const Resource *r, const Err *err); /* notes what is to be fetched, when that is the error */
/* step_end.c's: the error is such a one, and its blob is on its way. */
bool resource_fetch(StepCall *c, Val error);

/* A step that streamed its bytes into a blob ends like this: `result` gets :body {:type :omitted :reason :persisted} and :blob-ref. */
void step_done_blob(Engine *e, StepCall *c, Val result, const BlobName *name, const char *content_type);

/* The same of a family that steps of the engine's thread are, whose bytes are all in `w`: it is synced on a helper thread, then the step
 * ends with `result`, which says its :content-type. Takes w. */
void persist_written(StepCall *c, Val result, BlobWriter *w);
/* step_end.c's: a result that :persist is to keep. True: it is on its way, step_resolve comes again with the reference. */
bool persist_begin(StepCall *c, Val value);
#endif
