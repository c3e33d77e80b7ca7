/* prelude_text.h - the texts of the library that are written in the language itself, which are part of the program.
 * Adding one: a name here, the file stdlib/NAME.clj. */
#ifndef BR_PRELUDE_TEXT_H
#define BR_PRELUDE_TEXT_H
#include <stddef.h>

#define PRELUDE_FILES(F) F(prelude) F(types) F(multi) F(vars) F(cells) F(zip) F(libs) F(test) F(java) F(time) F(timefmt) F(timeclasses)

typedef struct PreludeFile { const char *name, *text, *end; } PreludeFile; /* name: "zip.clj" */
extern const PreludeFile prelude_files[]; /* a NULL name ends it */
#endif
