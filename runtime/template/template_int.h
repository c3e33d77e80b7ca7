/* template_int.h - the tree between template_parse.c and template.c. Everything lies in the template's own memory, the text
 * included; nodes hold no values. */
#ifndef BR_TEMPLATE_INT_H
#define BR_TEMPLATE_INT_H
#include "template.h"
#include "template_helpers.h"

typedef struct Slice { const char *s; uint32_t n; } Slice;

enum ExprKind { EX_PATH, EX_STR, EX_NUM, EX_BOOL, EX_NIL, EX_CALL };
typedef struct Part { Slice name; struct Part *next; } Part;
typedef struct Arg { Slice name; struct Expr *value; struct Arg *next; } Arg;
typedef struct Expr {
  enum ExprKind kind;
  uint32_t at;      /* byte offset in the text */
  Slice text;       /* as written; EX_STR: its value */
  bool data;        /* @name */
  bool scoped;      /* this.x ./x ../x: never a block parameter or helper */
  bool yes;         /* EX_BOOL */
  int up;           /* how often ../ */
  Part *parts;      /* EX_PATH */
  int helper;       /* EX_CALL: enum Helper */
  struct Expr *args;
  Arg *hash;
  struct Expr *next; /* in a list of arguments */
} Expr;

enum Helper {
#define HELPER_ENUM(name, least, most, hash, doc) HELPER_##name,
  TEMPLATE_HELPERS(HELPER_ENUM)
  HELPER_COUNT
};

enum { TEMPLATE_WORK_BYTES = 64 }; /* of text that count as one unit of work */

enum NodeKind { ND_TEXT, ND_VALUE, ND_IF, ND_UNLESS, ND_EACH, ND_WITH, ND_SECTION };
typedef struct TNode {
  enum NodeKind kind;
  uint32_t at;
  Slice text;       /* ND_TEXT, white space already taken */
  bool raw;         /* ND_VALUE: {{{x}}} */
  bool include_zero;
  bool has_else;
  Expr *expr;
  int nnames;       /* as |a b| */
  Slice names[2];
  struct TNode *body, *otherwise, *next;
} TNode;

typedef struct TChunk { struct TChunk *next; size_t used, size; char mem[]; } TChunk;
struct Template {
  TChunk *chunks;
  const char *text;
  size_t n;
  TNode *root;
};

/* Fills *e with the place of byte `at`. false. */
bool template_fail(const Template *t, uint32_t at, TemplateError *e, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* --- rendering (template.c, template_helper.c) --- */
typedef struct Scope { Val ctx; const struct Scope *up; } Scope;
typedef struct Loop { Val key, index, first, last; const struct Loop *up; } Loop;
typedef struct Bind { const TNode *node; Val v[2]; const struct Bind *up; } Bind;
typedef struct Render {
  const Template *t;
  const TemplateOptions *o;
  TemplateBudget *budget;
  Buf *out;
  TemplateError *e;
  Val root;
  const Scope *scope;
  const Loop *loop;
  const Bind *bind;
} Render;

/* Values: ABSENT when the data lacks it; a signal when *r->e says what went wrong. */
Val template_eval(Render *r, const Expr *x);
Val template_call(Render *r, const Expr *call);           /* template_helper.c */
Val template_member(Render *r, Val of, Val key);          /* of.key; ABSENT */
bool template_text(Render *r, uint32_t at, Val v, Buf *b); /* a value as text */
bool template_spend(Render *r, uint32_t at, size_t work);
bool template_missing(Render *r, const Expr *x);          /* the error */
bool template_false(Val v);                               /* as #if sees it, 0 apart */
#endif
