/* prelude_text.c - takes prelude.clj into the program as it is; the assembler finds it by the include path of the build. */
#include "prelude_text.h"

/* A change of the text has to make this file again: see the rule of stdlib/prelude_text.o in the Makefile. */
__asm__(".section .rodata\n"
        ".global prelude_text\n"
        ".global prelude_text_end\n"
        ".balign 16\n"
        "prelude_text:\n"
        ".incbin \"stdlib/prelude.clj\"\n"
        "prelude_text_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char prelude_text_end[];

size_t prelude_text_size(void) { return (size_t)(prelude_text_end - prelude_text); }
