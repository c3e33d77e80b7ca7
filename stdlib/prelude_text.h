/* prelude_text.h - texts of the library that are written in the language itself and are part of the program: those of this
 * layer, and the means for layers above to take in their own (runtime/flow/flow_prelude.c).
 * Adding one here: a name in PRELUDE_FILES, the file stdlib/NAME.clj. */
#ifndef BR_PRELUDE_TEXT_H
#define BR_PRELUDE_TEXT_H
#include <stddef.h>

#define PRELUDE_FILES(F) F(prelude) F(types) F(multi) F(vars) F(cells) F(zip) F(libs) F(test) F(java) F(time) F(timefmt) F(timeclasses)

typedef struct PreludeFile { const char *name, *text, *end; } PreludeFile; /* name: "zip.clj" */
extern const PreludeFile prelude_files[]; /* a NULL name ends it */
void prelude_add(const PreludeFile *files); /* puts the definitions of all of them into the core table; once */

/* The bytes of DIR/FILE.clj, found by the include path of the build. A change of a text has to make the including file again:
 * see the rules of prelude_text.o and flow_prelude.o in the Makefile. */
#define PRELUDE_BYTES(dir, file)                  \
  __asm__(".section .rodata\n"                    \
          ".global prelude_" #file "\n"           \
          ".global prelude_" #file "_end\n"       \
          ".balign 16\n"                          \
          "prelude_" #file ":\n"                  \
          ".incbin \"" dir "/" #file ".clj\"\n"   \
          "prelude_" #file "_end:\n"              \
          ".byte 0\n"                             \
          ".previous\n");                         \
  extern const char prelude_##file[], prelude_##file##_end[];
#define PRELUDE_ROW(file) {#file ".clj", prelude_##file, prelude_##file##_end},
#endif
