/* wait_page.h - pages for people, such as those behind approve and reject links: plain HTML that needs nothing from elsewhere, all text escaped.
 * Values in, text out; registered threads. */
#ifndef BR_WAIT_PAGE_H
#define BR_WAIT_PAGE_H
#include "reader/text.h"
#include "reader/val.h"

/* The question: what waits, a form with its :fields and one button. `problem` (NULL: none) is shown above it. The form posts to
 * the page's own address. */
void wait_page_form(Buf *b, Val spec, const char *button, const char *problem);
/* A page that only tells. */
void wait_page_note(Buf *b, const char *title, const char *text);
/* A page that leads on to another one at once, and by a link; not by a redirect, which browsers do not follow from a form that may only post
 * to where it came from. */
void wait_page_onward(Buf *b, const char *title, const char *link, const char *url);
/* The answers to :fields from a posted form {keyword "text"}: numbers and booleans read, empty ones left out, nothing else taken.
 * false: *problem says which field is wrong. */
bool wait_page_fields(Val fields, Val form, Val *out, Buf *problem);
void wait_page_escape(Buf *b, const char *s, size_t n);
#endif
