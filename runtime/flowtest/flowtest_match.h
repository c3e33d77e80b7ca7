/* flowtest_match.h - expected against actual data: do they agree, and if not, where exactly.
 *
 * Exact: Clojure's =. A pattern says less than the whole:
 *   map           these keys are there and their values match; others may be there too
 *   vector, list  as many elements, each matching; a last `...` allows more behind
 *   set           equal
 *   regex         a string in which it is found
 *   function      (fn [x] ...) or a name such as string?: gives a true value for x; `_` is any value
 *   '(...)        the quoted data itself
 *   other data    equal
 * Differences are told by path, one a line, the shortest that says it: `[:items 2 :price] expected 3, got 4`. In vectors of
 * different length equal elements are lined up first, so that an inserted one is one line.
 *
 * Values are complete data (no unrealised seqs). Functions run on a machine of their own, mach_call_sync. */
#ifndef BR_FLOWTEST_MATCH_H
#define BR_FLOWTEST_MATCH_H
#include "eval/mach.h"

enum { MATCH_LINES = 12 }; /* lines of one comparison */
/* A pattern as it was read, with its functions compiled; a signal when one does not compile. In exact data only '(...) is
 * unquoted. */
Val match_prepare(Env *env, Val pattern, const char *file, bool exact);
/* A form that a pattern takes for code: (fn ..), #(..), a symbol. */
bool match_is_code(Val form);
/* The number of differences; each line begins with `indent` and names its path below `root` (a text such as "result"). */
int match_diff(Env *env, Val want, Val got, bool exact, const char *root, const char *indent, Buf *out);
bool match_ok(Env *env, Val want, Val got, bool exact);
/* Short text of a value on one line, at most about `most` bytes. */
void match_text(Val v, size_t most, Buf *b);
#endif
