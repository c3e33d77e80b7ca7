/* pprint.h - values to text over several lines, as clojure.pprint/pprint of Clojure 1.11 lays them out.
 *
 * Every collection is a block of elements with an optional line break (Clojure's `:linear` newline) between them; a map entry is a
 * block of its own. A break is made when what follows, up to the next break of an enclosing block, does not fit on the line, and
 * once one was made in a block or inside one of its parts, at every further break of that block. */
#ifndef BR_PPRINT_H
#define BR_PPRINT_H
#include "print.h"

/* Appends the text of v without a newline at its end. margin: columns (72 is Clojure's default; a line holds one less, as there), 0:
 * never break. nil, or a signal: SIG_DEMAND as print_to does. */
Val pprint_to(Buf *b, Val v, const PrintOpts *o, uint32_t margin);
#endif
