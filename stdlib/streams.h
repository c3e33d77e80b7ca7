/* streams.h - writers and readers of text, as output.c, host.c and jstring.c use them. */
#ifndef BR_STREAMS_H
#define BR_STREAMS_H
#include "reader/types.h"

Val stream_new(enum StreamKind k, Val text);
void stream_write(Val writer, const char *text, size_t n);
Val stream_text(Val writer);   /* what a StringWriter or StringBuilder holds */
Val stream_in(void);           /* the value of *in* */
Val stream_reader(Val v, const char *cls); /* checks that v is a reader with text in `text` from `pos` on; else ClassCastException */
Val stream_more(Val reader);   /* another line of standard input behind what the reader holds: a boolean, or a signal */
bool stream_reads(Val v);
Val stream_rest(Val reader);   /* what is left of a reader, which is at its end then */
#endif
