/* textdiff.h - how one text becomes another, line by line: the shortest script of deleted and inserted lines, found by Myers' O(ND) search
 * from both ends (An O(ND) Difference Algorithm, 1986, section 4b: linear space). Where texts have so little in common that the search
 * would be long, it settles for a script that is correct and not the shortest. Bytes in, bytes out; any thread. */
#ifndef BR_TEXTDIFF_H
#define BR_TEXTDIFF_H
#include "reader/text.h"

typedef struct TextDiff {
  size_t added, removed, hunks; /* lines, lines, pieces of the unified form */
} TextDiff;
enum { TEXTDIFF_CONTEXT = 3 };

/* The unified form to *out ("--- a", "+++ b", "@@ -1,3 +1,4 @@" ...), nothing when the texts are the same; out NULL: counts alone. A last
 * line without newline is told as diff does it. */
TextDiff textdiff(const char *a, size_t na, const char *label_a, const char *b, size_t nb, const char *label_b, Buf *out);
#endif
