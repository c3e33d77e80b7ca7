/* api_flow_index.h - flows as flows.search finds them, in the search index of the store, in the batch that changes them. Three texts of a
 * flow are found apart: its draft, the "latest" (the active version; the draft while there is none) and what is live. What a text is made
 * of (flow_facets.h) is kept in the documents: :facets of "flow" and "flow-version". */
#ifndef BR_API_FLOW_INDEX_H
#define BR_API_FLOW_INDEX_H
#include "api_flow.h"

/* where: "draft" "active" "live" */
void api_flow_index(Batch *b, const char *workspace, const char *where, Val flow, Val facets);
/* The draft is this text now: hash, what is shown of it, what finds it. The caller saves f. */
void api_flow_draft(ApiCall *c, Flow *f, Val def, const char *hash);
/* Live points at the version, with facets of it; 0: at none any more. The caller saves f. */
void api_flow_live(ApiCall *c, Flow *f, int64_t version, Val facets);
/* Name, description or tags have changed: all texts of the flow. false: the call has failed. */
bool api_flow_index_again(ApiCall *c, Val flow);
void api_flow_index_gone(Batch *b, const char *workspace, const char *slug);
/* The facets of the text that target ("draft" "latest" "live") means; ABSENT: there is no such text. */
Val api_flow_facets(ApiCall *c, Val flow, const char *target, int64_t *version);
/* Slugs that have the words of the query, best first; at most max. false: the call has failed. */
bool api_flow_index_find(ApiCall *c, const char *target, const char *query, SearchHit *hits, size_t max, size_t *n);
#endif
