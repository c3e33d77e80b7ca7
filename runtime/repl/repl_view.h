/* repl_view.h - what functions of the REPL return is plain data; what a terminal shows of it is a view, named by the value's metadata
 * {:breyta.repl/view :table|:stack|:state, :breyta.repl/columns [...]}. A value made from it (filter, first ...) has no view. */
#ifndef BR_REPL_VIEW_H
#define BR_REPL_VIEW_H
#include "reader/val.h"
#include "reader/text.h"

Val view_table(Val rows, const char *const *columns); /* a vector of maps; names without colon, NULL at the end */
Val view_as(Val v, const char *view);
/* The view of a value that has one, lines of at most `width`; false: it has none. */
bool view_show(Val v, int width, Buf *out);
#endif
