/* prelude_text.c - takes the .clj files into the program as they are; the assembler finds them by the include path of the build. */
#include "prelude_text.h"

/* A change of a text has to make this file again: see the rule of stdlib/prelude_text.o in the Makefile. */
#define PRELUDE_BYTES(file)                   \
  __asm__(".section .rodata\n"                \
          ".global prelude_" #file "\n"       \
          ".global prelude_" #file "_end\n"   \
          ".balign 16\n"                      \
          "prelude_" #file ":\n"              \
          ".incbin \"stdlib/" #file ".clj\"\n" \
          "prelude_" #file "_end:\n"          \
          ".byte 0\n"                         \
          ".previous\n");                     \
  extern const char prelude_##file[], prelude_##file##_end[];
PRELUDE_FILES(PRELUDE_BYTES)

#define PRELUDE_ROW(file) {#file ".clj", prelude_##file, prelude_##file##_end},
const PreludeFile prelude_files[] = {PRELUDE_FILES(PRELUDE_ROW){0}};
