/* composite.h - steps that are made of steps. The frame of flow/step asks here before it runs a step: when the step is made of
 * others, it calls a function of the runtime's prelude (flow_prelude.h) with the type, the id and the config instead, and that
 * function's value (or exception) is the step's.
 *
 * Contract of such a function, (f type id cfg):
 *   - type and id are keywords, cfg is a map as flow/step got it. Only breyta.step/packaged sees qualified types; it calls
 *     flow/step again with the family that is underneath: :agent for an entry of :agents.
 *   - it runs parts with (flow/step type part-id cfg); the ids of parts come from (breyta.step/part id "turn"): :plan gives
 *     :plan/turn, and :plan/tool gives :plan/tool.turn. A part that is the step itself keeps the id.
 *   - calling flow/step with the same type and a config that `applies` would come back to it: take out of the config what made it
 *     apply, or call a leaf family.
 *   - failures are (throw (breyta.step/failure id {:type .. :message .. ...})): what any failed step throws. A composite step of the
 *     table has its :on-error and :retry to itself (breyta.step/on-error does the former).
 *   - occurrences, history, replay, forks: as for steps of the flow body; the place of a part is the place of the flow/step call in
 *     the body (step_node passes over the prelude's frames).
 *   - in a flow test an answer for the step's id stands for the whole step; without one its parts are asked for.
 * Order: packaged steps first, then :confirm and :review, then the table. So a composite family need not know of those. */
#ifndef BR_COMPOSITE_H
#define BR_COMPOSITE_H
#include "reader/val.h"

typedef struct Composite {
  const char *type, *function; /* "agent", "breyta.agent/run" */
  bool (*applies)(Val cfg);    /* NULL: always. Else such steps alone, the others are a leaf family */
} Composite;
void composite_register(const Composite *c); /* before any run; c stays the caller's */
/* The function that runs this step; nil: it is a step by itself. whole: the steps of the table are answered as one (tests). */
Val composite_function(Val type, Val cfg, bool whole);
#endif
