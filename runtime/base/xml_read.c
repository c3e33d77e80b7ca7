/* xml_read.c - see xml_read.h. The only place that includes libxml2. */
#include "xml_read.h"
#include "reader/map.h"
#include "reader/text.h"
#include "reader/vec.h"
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>

/* ---- libxml2, loaded at the first document ---- */

#define XML_FUNCTIONS(F)                                                                                                                   \
  F(xmlInitParser)                                                                                                                         \
  F(xmlNewParserCtxt)                                                                                                                      \
  F(xmlFreeParserCtxt) F(xmlCtxtReadMemory) F(xmlStopParser) F(xmlCtxtGetLastError) F(xmlFreeDoc) F(xmlFindCharEncodingHandler)            \
      F(xmlCharEncCloseFunc)
#define XML_FIELD(f) __typeof__(&f) p_##f;
static struct {
  XML_FUNCTIONS(XML_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)

static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libxml2.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define XML_LOAD(f)                                                                                                                        \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libxml2.so.2 has no " #f);                                                                      \
    return;                                                                                                                                \
  }
  XML_FUNCTIONS(XML_LOAD)
  L(xmlInitParser)();
  lib.ok = true;
}

/* ---- events to values ---- */

/* On the C stack while the parser runs, so what it points to stays alive. open: tag, attrs and children (a transient vector or
 * nil) of each element that has begun. */
typedef struct Reading {
  xmlParserCtxtPtr ctxt;
  ValVec open;
  Buf text;
  Val root;
  char refused[200];
} Reading;

static Val name_kw(const xmlChar *name) { return kw_parse((const char *)name, strlen((const char *)name)); }

static void add_child(Reading *r, Val child) {
  if (!r->open.n) {
    r->root = child;
    return;
  }
  Val *kids = &r->open.a[r->open.n - 1];
  if (is_nil(*kids)) *kids = tvec_of(vec_empty);
  *kids = tvec_conj(*kids, child);
}

static void flush_text(Reading *r) {
  size_t i = 0;
  while (i < r->text.n && strchr(" \t\r\n", r->text.p[i])) i++;
  if (i < r->text.n && r->open.n) add_child(r, str_new(r->text.p, r->text.n));
  r->text.n = 0;
}

static Val attributes(const xmlChar **a) {
  Val m = NIL;
  for (; a && a[0]; a += 2) m = map_assoc(is_nil(m) ? map_empty : m, name_kw(a[0]), a[1] ? str_c((const char *)a[1]) : str_c(""));
  return m;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **attrs) {
  Reading *r = ((xmlParserCtxtPtr)ctx)->_private;
  flush_text(r);
  vv_push(&r->open, name_kw(name));
  vv_push(&r->open, attributes(attrs));
  vv_push(&r->open, NIL);
}

static void on_end(void *ctx, const xmlChar *name) {
  Reading *r = ((xmlParserCtxtPtr)ctx)->_private;
  (void)name;
  flush_text(r);
  if (r->open.n < 3) return;
  Val *e = &r->open.a[r->open.n - 3];
  Val kvs[] = {kw_c("tag"), e[0], kw_c("attrs"), e[1], kw_c("content"), is_nil(e[2]) ? NIL : tvec_persistent(e[2])};
  r->open.n -= 3;
  add_child(r, map_from(kvs, 3, false));
}

static void on_text(void *ctx, const xmlChar *s, int n) {
  Reading *r = ((xmlParserCtxtPtr)ctx)->_private;
  buf_add(&r->text, (const char *)s, (size_t)n);
}

static void refuse_entity(Reading *r, const xmlChar *name) {
  if (!*r->refused) snprintf(r->refused, sizeof r->refused, "the entity &%.60s; of its DOCTYPE is not expanded", (const char *)name);
  L(xmlStopParser)(r->ctxt);
}

static xmlEntityPtr on_entity(void *ctx, const xmlChar *name) {
  refuse_entity(((xmlParserCtxtPtr)ctx)->_private, name);
  return NULL;
}

static void on_reference(void *ctx, const xmlChar *name) { refuse_entity(((xmlParserCtxtPtr)ctx)->_private, name); }

/* ---- all of it ---- */

static void set_handlers(xmlSAXHandler *sax) {
  memset(sax, 0, sizeof *sax);
  sax->initialized = 1; /* SAX1: names with their prefixes, as they are written */
  sax->startElement = on_start;
  sax->endElement = on_end;
  sax->characters = sax->ignorableWhitespace = sax->cdataBlock = on_text;
  sax->getEntity = sax->getParameterEntity = on_entity;
  sax->reference = on_reference;
}

static Val failed(const Reading *r, Err *e) {
  const xmlError *x = L(xmlCtxtGetLastError)(r->ctxt);
  int line = x ? x->line : 1, col = x ? x->int2 : 1;
  if (*r->refused) {
    err_set(e, "xml", "line %d: %s", r->ctxt->input ? r->ctxt->input->line : line, r->refused);
    return ABSENT;
  }
  const char *msg = x && x->message ? x->message : "it is not well-formed";
  err_set(e, "xml", "line %d, column %d: %.*s", line, col, (int)strcspn(msg, "\n"), msg);
  return ABSENT;
}

static bool charset_known(const char *charset, Err *e) {
  if (!charset) return true;
  xmlCharEncodingHandlerPtr h = L(xmlFindCharEncodingHandler)(charset);
  if (!h) return err_set(e, "xml", "the charset %.40s is not known", charset);
  L(xmlCharEncCloseFunc)(h);
  return true;
}

static Val parse(Reading *r, const char *s, int n, const char *charset, Err *e) {
  if (!charset_known(charset, e)) return ABSENT;
  set_handlers(r->ctxt->sax);
  xmlDocPtr doc = L(xmlCtxtReadMemory)(r->ctxt, s, n, NULL, charset, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (doc) L(xmlFreeDoc)(doc);
  bool ok = r->ctxt->wellFormed && !*r->refused && !is_nil(r->root) && !r->open.n;
  return ok ? r->root : failed(r, e);
}

Val xml_read(const char *s, size_t n, const char *charset, Err *e) {
  pthread_once(&lib_once, lib_load);
  if (!lib.ok) return err_set(e, "xml", "cannot load libxml2: %s", lib.error), ABSENT;
  if (!n || n > INT_MAX) return err_set(e, "xml", n ? "it is too large" : "there is nothing"), ABSENT;
  Reading r = {.root = NIL};
  r.ctxt = L(xmlNewParserCtxt)();
  if (!r.ctxt) return err_set(e, "xml", "no memory"), ABSENT;
  r.ctxt->_private = &r;
  Val v = parse(&r, s, (int)n, charset, e);
  L(xmlFreeParserCtxt)(r.ctxt);
  buf_free(&r.text);
  return v;
}
