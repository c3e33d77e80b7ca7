/* prelude_text.h - the text of prelude.clj, which is part of the program. */
#ifndef BR_PRELUDE_TEXT_H
#define BR_PRELUDE_TEXT_H
#include <stddef.h>

extern const char prelude_text[];
size_t prelude_text_size(void);
#endif
