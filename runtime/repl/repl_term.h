/* repl_term.h - reading forms from a terminal: line editing, history, completion. libedit lives in repl_term.c alone and is loaded on
 * first use; without it lines are read plainly.
 *
 * What is typed is taken line by line until the forms in it are complete; a later line has a prompt of its own and begins indented.
 * Up in such a line takes all lines back into one text that can be edited, as does a form of several lines from the history.
 * Main thread only. */
#ifndef BR_REPL_TERM_H
#define BR_REPL_TERM_H
#include "repl_session.h"

typedef struct ReplTerm ReplTerm;
typedef enum ReplTyped { REPL_TYPED, REPL_DISCARDED, REPL_ENDED } ReplTyped; /* a text; Ctrl-C; Ctrl-D or the terminal is gone */

/* note gets what the user should know (no libedit, the history cannot be read), each a line; it may stay empty. */
ReplTerm *repl_term_open(ReplSession *s, bool colour, Buf *note);
void repl_term_close(ReplTerm *t);
/* The next text: complete forms, or one that cannot be read. It is in the history already. */
ReplTyped repl_term_read(ReplTerm *t, const char *prompt, Buf *text);
/* A line for the program that is being evaluated, without editing; false at its end (Ctrl-D) and when interrupted. */
bool repl_term_line(ReplTerm *t, Buf *line);
/* Columns of the terminal; 80 when they are not known. */
int repl_term_width(void);
#endif
