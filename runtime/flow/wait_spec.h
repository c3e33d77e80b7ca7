/* wait_spec.h - what an answer to a :wait must know without its run in memory (spec/flows.md 5.1).
 *
 * A wait is a row under its key. When anything but the key matters, its spec is a map, data only:
 *   {:step "id" :run-id s :flow s :title s :due ms
 *    :webhook? b :auth {..} :path s        who may POST, and to which name in place of the key
 *    :event {:name s :path [..]}           answered by the named event whose value at the path is the key
 *    :links b :fields [..] :summary s      people are told, with approve and reject links
 *                                          :auth {:type :one-shot}: of a remote agent (agent_token.h)
 *    :person b                             a :confirm or :review: never answered over HTTP by its key
 *    :persist true                         the answer becomes a resource: it may be larger than a result
 *    :required [[k ..] ..] :roles [s ..] :approvals n :self-approval false :actions [s ..]}   (decisions.h)
 * What it is found by besides its key are rows of the same run beside it, whose keys begin with WAIT_SYSTEM: a user's key cannot.
 *
 * The same byte begins the keys of short-lived facts among the outcomes (forgotten after a day): requests that came before
 * their wait, replay ids, what came of a link, what came of a notification. Engine thread, or a process beside it. */
#ifndef BR_WAIT_SPEC_H
#define BR_WAIT_SPEC_H
#include "reader/text.h"
#include "runtime/base/limits.h"
#include "reader/val.h"
#include "runtime/store/store.h"

#define WAIT_DEFAULT_MS (24LL * 3600 * 1000)
#define WAIT_MAX_MS (limit_value(LIMIT_wait_seconds) * 1000)
enum { WAIT_KEY_MAX = 1024 };

/* The key of a config as text; NIL: it has none that can be used. */
Val wait_key_of(Val cfg);
/* Checks every option. *timeout_ms; *spec NIL when the key says all. false: *e (validation): option, value, what would work. */
bool wait_spec_of(Val cfg, int64_t *timeout_ms, Val *spec, Err *e);
/* The parts of that which a definition's check wants alone; literal values only. */
bool wait_webhook_check(Val webhook, Err *e);
bool wait_event_check(Val event, Err *e);
bool wait_validation_check(Val validation, Err *e);
bool wait_fields_check(Val fields, Err *e);

Val wait_spec_read(const WaitRow *w); /* nil: a plain one */
/* May whoever knows the key answer over HTTP? With :webhook under another path, :event or links alone: no. */
bool wait_by_key(Val spec);
bool wait_of_people(Val spec); /* :approvals or :self-approval: only people who are known decide (decisions.h) */
bool wait_insecure(Val spec); /* an answer over HTTP needs no credentials */

/* Does the answer hold what it must? `action`: "reject" needs nothing. *e says what is missing. */
bool wait_answer_check(Val spec, Val body, const char *action, Err *e);
/* May the run take an answer of that size (snap_last_size)? One that is accepted and fails its run is of no use to who sent it. *e: too_large. */
bool wait_size_check(Val spec, size_t bytes, Err *e);
bool wait_value_check(Val spec, Val answer, Err *e); /* the same of a value; one that cannot be stored is told where it is to be */
/* Is somebody with that role (NULL: not known) one of :roles? */
bool wait_role_check(Val spec, const char *role, Err *e);

/* ---- names ---- */
void wait_path_name(Buf *b, const char *path, const char *key);   /* key NULL: the prefix of all */
void wait_event_name(Buf *b, const char *name, Val path, const char *key); /* path NIL, key NULL: prefixes */
void wait_early_name(Buf *b, const char *name, int64_t at_ms, uint64_t n); /* at_ms -1: the prefix */
void wait_replay_name(Buf *b, const char *name, const char *id);
void wait_link_name(Buf *b, int64_t run, int64_t seq);
void wait_told_name(Buf *b, int64_t run, int64_t seq);
bool wait_is_system(const char *key);

/* The wait that a named event is for: the one whose key is the payload's value at that wait's path. */
bool wait_for_event(Store *s, const char *workspace, const char *name, Val payload, WaitRow *out, Err *e);
/* The value at a path as the text of a key; NIL: there is none. */
Val wait_event_key(Val payload, Val path);
/* The wait a run stands in, without its other rows. */
bool wait_of_run(Store *s, const char *workspace, int64_t run, WaitRow *out, Err *e);
#endif
