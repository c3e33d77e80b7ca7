/* repl_color.h - a printed value with colours for a terminal. */
#ifndef BR_REPL_COLOR_H
#define BR_REPL_COLOR_H
#include "reader/text.h"

/* Appends the text with escape sequences around keywords, strings, characters, numbers, and nil true false. */
void repl_color(Buf *b, const char *text, size_t n);
#endif
