/* xml_read.h - XML to data, in the shape of clojure.xml/parse: an element is {:tag kw :attrs map-or-nil :content vector-or-nil},
 * text is a string, text of nothing but white space between elements is left out, comments and processing instructions are.
 * Names are as written (a prefix stays: :soap:Body), xmlns attributes too.
 *
 * Documents are data from strangers: nothing is fetched, a DOCTYPE is read over, its entities are never expanded (a reference
 * to one is an error), and libxml2's limits on depth (256), names and text hold. libxml2 is loaded at the first document. */
#ifndef BR_XML_READ_H
#define BR_XML_READ_H
#include "reader/val.h"
#include "port.h"

/* charset: what the transport says the encoding is, or NULL (then the document's own declaration counts, else UTF-8).
 * ABSENT: *e has "line N, column N: what is wrong". */
Val xml_read(const char *s, size_t n, const char *charset, Err *e);
#endif
