/* trigger_body.h - what a request to a webhook brings becomes the input of a run (spec/flows.md 5.3).
 *
 *   JSON object               the input                         other JSON          {:body value}
 *   urlencoded form           its fields, as texts              text/..., XML       {:body text}
 *   multipart/form-data       its fields, as texts; files as references to blobs   message/rfc822      {:email reference}
 *   anything else             a reference to a blob, under the one declared input that is a file, else under :body
 *
 * A field that comes several times, or is declared :multiple, is a vector. Texts of forms become numbers and booleans where the input is
 * declared as one. Headers and query come along as :flow/request {:method :path :headers :query :received-at}, without credentials.
 *
 * hook_body_take runs on a helper thread where there are files to write: plain C. hook_body_input makes the value, on the engine's. */
#ifndef BR_TRIGGER_BODY_H
#define BR_TRIGGER_BODY_H
#include "runtime/store/blobs.h"
#include "runtime/net/listener.h"
#include "trigger.h"

enum { HOOK_TEXT_MAX = 512 << 10, HOOK_FIELDS_MAX = 4 << 20 };

typedef struct HookPart {
  char *name, *text; /* text: of a field; NULL: a file */
  size_t ntext;
  char filename[256], type[256], uri[200];
  BlobName blob;     /* hash "": not written */
  int64_t expires_ms;
  bool ephemeral;
} HookPart;
typedef struct HookBody {
  HookPart *a;
  size_t n, fields; /* fields: bytes of texts */
  bool json, form;  /* not taken apart: r->body is */
  bool parts;       /* taken apart, if into nothing */
  BlobStore *blobs; /* the caller's, for a helper thread */
} HookBody;

bool hook_body_slow(const ListenRequest *r);  /* there are files in it */
/* blobs NULL: files are looked at, not written. false: *e (bad_request, too_large, or what the disk said). */
bool hook_body_take(const ListenRequest *r, const char *workspace, BlobStore *blobs, HookBody *out, Err *e);
void hook_body_free(HookBody *b);
/* declared: trigger_inputs; auth: the trigger's. ABSENT: *e (bad_request). */
Val hook_body_input(const HookBody *b, const ListenRequest *r, Val declared, Val auth, Err *e);
/* The resources that the input refers to, for the batch of the run's START. */
void hook_body_store(const HookBody *b, Batch *batch, const char *workspace, const char *slug, const RunRow *row);
#endif
