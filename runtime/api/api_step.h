/* api_step.h - steps over the API, apart from runs: what the api_steps*.c files share.
 *
 * Documents, all with the key "<flow slug>/<step id>" and, where there are several, a space and a number behind it: "step-docs" {:markdown
 * :updated-ms}, "step-example" {:id :input :output :note :created-ms}, "step-test" {:id :name :step-type :input :expected :note
 * :created-ms}. They belong to a flow that is there, and go with it. Ids of steps have no blanks in them, so no key is another's prefix.
 *
 * A step that is run alone is a run of its own, of a text that is made of the flow's (step_source.h): durable like every run, so that no
 * crash does it twice, readable by runs.get, and in nobody's way: it takes no slot of the flow's :concurrency. */
#ifndef BR_API_STEP_H
#define BR_API_STEP_H
#include "api_flow.h"

enum { STEP_ID_MAX = 256, STEP_ITEMS_MAX = 200, STEP_KEY = 132 + STEP_ID_MAX + 24 };
#define STEP_ID_ARG                                                                                                                        \
  { "stepId", API_TEXT, true, 0, STEP_ID_MAX, NULL, "the step's id" }

/* The id without a colon in front; NULL: the call has failed. */
const char *api_step_id(ApiCall *c);
/* Items of a kind, oldest first: the stored maps. false: *err. */
bool api_step_items(Api *a, const char *workspace, const char *kind, const char *slug, const char *step, ValVec *out, Err *err);
#endif
