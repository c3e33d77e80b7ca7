/* api_flow.h - one flow of a workspace, as the API keeps it: what the api_flows_*.c and api_steps*.c files share.
 *
 * "flow" <slug>: {:slug :name :description :tags :hash (of the draft) :latest :active :live :live-ms :track (of installations that follow) :created-ms :updated-ms} and, where
 * they were said, :overlay (flows.update) :archived :deploy-key (hash) :deploy-key-required :provenance; numbers are absent until there
 * is one. "flow-version" <slug>/<10 digits>: {:version :hash :note :created-ms :by}. "flow-gone" <slug>: {:counted}: a deleted flow, so
 * that a new one of that slug (its :counted) goes on counting and no number ever means two texts. The texts are sources of the store, by
 * their hash. Every write names the revision it replaces. Engine thread. */
#ifndef BR_API_FLOW_H
#define BR_API_FLOW_H
#include "api.h"

enum { FLOW_TEXT_MAX = 1 << 20, FLOW_NOTE_MAX = 64 << 10, FLOW_DEPLOY_KEY_MAX = 512 };
#define FLOW_SLUG_ARG                                                                                                                      \
  { "flowSlug", API_SLUG, true, 0, 0, NULL, "the flow's slug" }
#define FLOW_NOTE_ARG                                                                                                                      \
  { "releaseNote", API_TEXT, false, 0, FLOW_NOTE_MAX, NULL, "what is new, in Markdown" }
#define FLOW_KEY_ARG                                                                                                                       \
  { "deployKey", API_TEXT, false, 0, FLOW_DEPLOY_KEY_MAX, NULL, "the flow's deploy key, for a flow with :deploy-key-required true" }
#define FLOW_LITERAL_ARG                                                                                                                   \
  { "flowLiteral", API_TEXT, true, 0, FLOW_TEXT_MAX, NULL, "the definition, an EDN map with :slug and :flow" }
#define FLOW_VERSION_ARG(need, doc)                                                                                                        \
  { "version", API_INT, need, 1, INT32_MAX, NULL, doc }

typedef struct Flow {
  Val map;
  int64_t rev;
  const char *slug;
} Flow;

/* By the argument flowSlug; false: the call has failed. */
bool api_flow_find(ApiCall *c, Flow *f);
void api_flow_set(Flow *f, const char *key, Val v); /* nil takes the key away */
bool api_flow_save(ApiCall *c, Flow *f);
/* All flows in the order of their slugs behind `after`; f returns false to stop. false: the call has failed. */
bool api_flow_each(ApiCall *c, const char *after, bool archived_too, bool (*f)(void *ctx, const char *slug, Val flow), void *ctx);
int64_t api_flow_number(Val m, const char *key);
const char *api_flow_text(Val m, const char *key); /* NULL: none */
Val api_flow_number_or_nil(int64_t n);
int64_t api_flow_counted(Val flow); /* the highest number that a version of this slug ever had */
bool api_flow_is_archived(Val flow);
/* What is shown of a flow under this key: what flows.update said, else what its draft says. */
Val api_flow_shown(Val flow, const char *key);
void api_flow_texts(Flow *f, Val def);  /* name, description and tags as the draft says them */
void api_flow_put(ValVec *m, Val flow); /* the fields of one flow in answers */

void api_flow_version_key(const char *slug, int64_t version, char key[160]);
bool api_flow_version(ApiCall *c, const char *slug, int64_t version, Val *out, int64_t *rev); /* false: the call has failed */
/* The text that is meant by source ("draft" "active" "latest" "live"; NULL draft) or version, also of an archived flow. blob_free.
 * *version 0: the draft. false: the call has failed. */
bool api_flow_read(ApiCall *c, const char *slug, const char *source, int64_t version_asked, Blob *out, int64_t *version, char hash[65]);
/* The definition of a text as a map of forms; {} when it cannot be read. */
Val api_flow_definition(const char *text, size_t n);
/* The problems of a text as api_diagnostics tells them; lint: with upstream's severities, and :runs. */
Val api_diagnostics_as(const char *src, size_t n, const char *file, bool lint, int *errors);
/* Fails with flow_invalid and details.diagnostics; false. */
bool api_flow_invalid(ApiCall *c, const char *what, Val diagnostics, int errors);

/* --- deploy keys: a flow whose draft says :deploy-key-required true is released, promoted and made active only by who has its key. The
 * first push with a key sets it; it stays until a push with the same key says false. The store has its hash alone. */
bool api_flow_key_push(ApiCall *c, Flow *f, Val def);
bool api_flow_key_ok(ApiCall *c, const Flow *f); /* false: the call has failed with 403 */
#endif
