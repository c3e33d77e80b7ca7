/* flow_facets.h - what a definition is made of, for listing and finding flows: its steps in the order of the text, and the words that one
 * may look for. A definition is the map of forms that diags_read_map gives. No code of it runs. */
#ifndef BR_FLOW_FACETS_H
#define BR_FLOW_FACETS_H
#include "flowdef_int.h"

enum { FACET_LABELS = 8 << 10 }; /* bytes */
/* Of the body: vector of {:id :type :title :connection :line :column}; :packaged true for calls of :steps and :agents; what the text does
 * not say outright (a computed id) is absent. */
Val flow_steps(Val def);
/* {:steps n :step-types [..] :providers [..] :connections [..] :tool-names [..] :labels "words" :public bool}, texts. */
Val flow_facets(Val def);
#endif
