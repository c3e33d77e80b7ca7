/* wait_answer.h - requests over HTTP become answers of waits: POST /<workspace>/events/<key, path or event name>, and the links
 * that people get. What a request asks for is durable before its reply is made; a wait is answered once.
 *
 *   200 delivered, or duplicate: it was answered before, and nothing changed     202 kept for a wait to come, which a delivery id (hook_delivery)
 *   that was not there before also asks for when the wait is answered; one that was there is a duplicate at the next wait, too
 *   401 the wait's :auth does not take it     409 a replay     422 the wait's :validation does not take it; it still waits
 *   403 this wait has no address of its own     429 too much is kept     503 the secret to verify with, or the disk, is not there
 *
 * The server's endpoints call the same functions. Engine thread. */
#ifndef BR_WAIT_ANSWER_H
#define BR_WAIT_ANSWER_H
#include "runtime/engine/body_read.h"
#include "runtime/net/listener.h"
#include "runtime/net/webhook_auth.h"

typedef struct WaitReply {
  int status;
  const char *code;    /* of an error: "unauthorized" ...; NULL when ok */
  char msg[480];
  const char *outcome; /* "delivered" "duplicate" "kept" */
  int64_t answered_ms; /* of a duplicate: when, 0 not known */
  const char *recorded; /* of such a duplicate: "answered" "timed-out" "cancelled" */
  char delivery[65];   /* with a batch: the delivery id of the request that it is of */
  char *guard;         /* of an answer on its way: names the wait; malloc'ed, until wait_settle or the caller frees it */
  Batch *batch;        /* to be committed before the reply leaves; NULL with a guard: another request's is on its way, the reply goes with it */
} WaitReply;

/* A request to /<workspace>/events/<r->key>. out->guard NULL: this is the reply. Else the caller commits out->batch, calls wait_settle when
 * that is over, and then replies; meanwhile other requests for this wait get the same guard without a batch.
 * wait_request_taken: false when no wait takes it; out->status is then set if there is one that does not believe it. wait_request_early, with
 * the same `out`, keeps it for a wait to come unless that is so. */
bool wait_request_taken(Engine *e, const ListenRequest *r, WaitReply *out);
void wait_request_early(Engine *e, const ListenRequest *r, WaitReply *out);
/* The batch is durable, or error says why not: out becomes the reply, and `others` that of the requests that came meanwhile. */
void wait_settle(Engine *e, WaitReply *out, WaitReply *others, const char *error);
/* The answer to a wait that is known to take it, into a batch; engine_drain_inbox hands it over when that is durable. */
bool wait_put_answer(Batch *b, const char *workspace, const WaitRow *w, Val value, Err *err);
bool wait_is_answered(Engine *e, const WaitRow *w);
/* Between commit and wait_settle nothing is handed over: else the reply could not say whose answer it was. */
bool wait_on_its_way(Engine *e, const char *workspace, const char *key);
/* wait_accepted.c: durable answers on their way to their runs; guard: "workspace\nkey". */
void wait_accept(Engine *e, const char *guard);
bool wait_is_accepted(Engine *e, const char *workspace, const char *key); /* durable, and handed over next */
void wait_hand_over(Engine *e, Err *err);     /* for a little while, if it is time */
void wait_hand_over_all(Engine *e, Err *err); /* in front of timers */
int wait_hand_over_ms(const Engine *e);       /* until it is time again; INT_MAX: there are none */
void wait_accepted_stop(Engine *e);
/* An event by name from this machine: delivered, or kept for a wait to come. */
void wait_named(Engine *e, const InboxRow *row, Err *err);

/* Would the wait take this request as its answer? *value is the answer. *err: why not, its code as in the reply. */
bool wait_request_value(Engine *e, const ListenRequest *r, Val spec, int64_t run, const char *key, Val *value, HookProof *proof, Err *err);
bool wait_payload_fits(Val spec, const char *key, Val payload); /* the key is what the wait's :event takes from it */
void wait_remember(Batch *b, const char *workspace, const char *name, const HookProof *proof);
/* The body by its content type: JSON, a form as a map, else text. r->read: it was read by wait_body_read, on a helper thread. */
bool wait_body(const ListenRequest *r, Val *value, Err *err);
void wait_body_read(const ListenRequest *r, BodyRead *out);
bool wait_may_take(const ListenRequest *r); /* not over the limit callback-bytes; the server's door lets more in, for webhooks */

/* ---- links ---- */

/* "<base>/<workspace>/waits/<run>-<seq>/<action>?token=<64 hex digits>". false: *err: there is no address to be reached at. */
bool wait_link(Engine *e, const char *workspace, int64_t run, int64_t seq, const char *action, Buf *out, Err *err);
/* A request to /<workspace>/waits/<r->key>: GET shows a page, POST decides. A page into *page, or JSON for those who ask for it. */
int wait_link_request(Engine *e, const ListenRequest *r, Buf *page, bool *json);
#endif
