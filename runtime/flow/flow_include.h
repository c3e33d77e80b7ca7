/* flow_include.h - `#flow/include "relative/path"` in the text of a flow (spec/flows.md 2.1): replaced by the text of that file before
 * anything is read, wherever a form may stand. In strings, comments, characters, regexes and behind #_ it stays what it is.
 *
 * Paths are relative to the file that the include stands in. A file must be inside the folder of the flow (or below), after symbolic links
 * are followed. An included file may include others; a file that includes itself is an error, as are a missing file, an absolute path
 * and anything but one string behind #flow/include, each with file, line and column.
 *
 * The expanded text is all that a run needs: it is what is stored and hashed. A comment at its end tells which piece came from where
 * (`;#flow/from LINE:COLUMN "lib/a.clj" LINE:COLUMN`), so that positions of it can be told in the files that people edit. */
#ifndef BR_FLOW_INCLUDE_H
#define BR_FLOW_INCLUDE_H
#include "flowdef.h"

enum { INCLUDE_DEPTH = 32 };
#define INCLUDE_BYTES ((size_t)16 << 20) /* of the expanded text */

/* The expanded text to *out; the text itself when it includes nothing. path: of the flow's file. false: d has the error. */
bool flow_include(const char *text, size_t n, const char *path, Diags *d, Buf *out);
/* A position of an expanded text in the files it was made of: *line and *col are changed, and *file is set (malloc'ed, beside `path`) when
 * it is not the flow's own. */
void flow_include_position(const char *text, size_t n, const char *path, int *line, int *col, char **file);
/* The same for each (FILE:LINE:COLUMN) of a trace that is of the definition's own file. */
Val flow_include_trace(const FlowDef *f, Val trace);
/* The same for all diagnostics from the `from`-th on. */
void flow_include_diags(const char *text, size_t n, const char *path, Diags *d, size_t from);
#endif
