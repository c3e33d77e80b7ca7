/* step_input.h - what the journal keeps of a step's config. A talk with a model sends all of it with every turn; a journal that kept
 * all of it each time would grow with the square of the turns. So the config of an :llm step is kept as what is new since the last
 * step of that id in the run: options that are as before are left out, and of :follow-up, :messages and :history what they begin with.
 *
 *   {.. new or changed options .., :breyta/since {:same [:model :tools ..] :from {:follow-up 4}}}
 * :follow-up is then the first 4 of before and what stands here. Whoever reads the journal from its start gets whole configs by
 * step_input_whole; who reads one record by itself sees what was new. Nothing that runs needs it: the machine has the whole config. */
#ifndef BR_STEP_INPUT_H
#define BR_STEP_INPUT_H
#include "reader/map.h"

/* *state: of the run; remembers hashes of the options of the last config under :sent. Configs of other families, and those that
 * hold such a key themselves, are kept as they are. */
Val step_input_kept(Val *state, Val type, Val id, Val cfg);
/* *seen: {id whole config} of the records before, nil at first; the whole config is put there. Damaged records stay as they are. */
Val step_input_whole(Val *seen, Val type, Val id, Val kept);
#endif
