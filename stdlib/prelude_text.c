/* prelude_text.c - takes the .clj files of this layer into the program as they are. */
#include "prelude_text.h"
#include "eval/mach.h"

#define OF_STDLIB(file) PRELUDE_BYTES("stdlib", file)
PRELUDE_FILES(OF_STDLIB)

const PreludeFile prelude_files[] = {PRELUDE_FILES(PRELUDE_ROW){0}};

void prelude_add(const PreludeFile *files) {
  for (const PreludeFile *f = files; f->name; f++) prelude_register(f->text, (size_t)(f->end - f->text), f->name);
}
