/* schema_int.h - what the files of schemas share. A Schema is one question about one value; it lives on the stack. */
#ifndef BR_SCHEMA_INT_H
#define BR_SCHEMA_INT_H
#include "reader/eq.h"
#include "reader/ex.h"
#include "reader/print.h"
#include "reader/regex.h"
#include "schema.h"

typedef struct Schema {
  Val path[SCHEMA_DEPTH + 1];
  int npath, depth;
  int64_t left;  /* nodes that may still be looked at */
  Val problems;  /* T_VEC */
  Val root;      /* of a JSON Schema: where $ref begins */
} Schema;

void schema_begin(Schema *s, Val root);
/* One node more, one level deeper: NIL, or a signal when the bounds are passed. Each schema_enter that gives NIL has its schema_leave. */
Val schema_enter(Schema *s);
void schema_leave(Schema *s);
Val schema_at(Schema *s, Val key); /* path down and up; schema_up after each */
void schema_up(Schema *s);
/* Adds a problem at the present path; v ABSENT: there is nothing to show. NIL or a signal. */
Val schema_problem(Schema *s, Val v, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* f on v, its problems taken out of s: TRUE_V when it has none, FALSE_V (and *why, a vector), or a signal. */
typedef Val SchemaCheck(Schema *s, Val schema, Val v);
Val schema_try(Schema *s, SchemaCheck *f, Val schema, Val v, Val *why);
Val schema_bad(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* throws: this is no schema */
const char *schema_short(Val v); /* for messages; good until the next-but-three call on this thread */
Val schema_count(Val v);         /* items of a collection, as a long; or a signal */
/* Limits on a number or a count: NIL or a signal. what: "" or " items" ... */
Val schema_limits(Schema *s, Val of, Val least, Val most, Val v, const char *what);
Val schema_key_name(Val k);      /* T_STR: the name of a key in JSON */
Val schema_pattern(Val regex_or_string, Val str); /* found anywhere: TRUE_V, FALSE_V or a signal */

Val malli_check(Schema *s, Val schema, Val v);
Val malli_shape(Schema *s, Val schema);          /* NIL, or throws where it is no schema */
Val malli_json(Schema *s, Val schema);
Val malli_decode(Schema *s, Val schema, Val v);
Val jsonschema_check(Schema *s, Val schema, Val v);
Val jsonschema_shape(Schema *s, Val schema);
#endif
