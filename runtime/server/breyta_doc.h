/* breyta_doc.h - what breyta says about itself, out of the tables of breyta_options.h. */
#ifndef BR_BREYTA_DOC_H
#define BR_BREYTA_DOC_H
#include "breyta_options.h"
#include "reader/text.h"

/* Of one command, or of all (-1). */
void breyta_help(Buf *b, int cmd);
/* what: "--man" (name: breyta, breyta-serve) or "--completion" (name: a shell). false: there is no such. */
bool breyta_generate(Buf *b, const char *what, const char *name);
#endif
