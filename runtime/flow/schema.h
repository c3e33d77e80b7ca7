/* schema.h - schemas as data: does a value fit, what is wrong with it, and the JSON Schema for it. Two languages:
 *
 *   Malli (a vector, keyword or symbol): [:map {:closed true} [:name :string] [:age {:optional true} [:int {:min 0}]]]. The types are
 *     the rows of schema_malli.c; predicates (string? pos-int?) may stand as symbols. There is no code in a schema: no :fn, no
 *     registry, no :ref.
 *   JSON Schema (a map, or true / false), with keyword or string keys: {:type "object" :properties {:name {:type "string"}}}. The
 *     keywords are the rows of schema_json.c, those of draft 2020-12 that need no other document; "format" and the like say nothing
 *     about fitting; what would change the meaning and is not known is refused. Keyword values count as strings, keyword keys as
 *     their names, vectors, lists and sets as arrays, any whole number as an integer.
 *
 * A problem is a map {:path [:address :street 0] :message "must be a string" :got "5"}. At most SCHEMA_PROBLEMS of them are collected.
 * Depth and work are bounded: a schema that is none, or nested too deep, or too costly for a value, raises IllegalArgumentException.
 * Lazy seqs that are not realised make all of this return SIG_DEMAND. Any thread that may hold values. */
#ifndef BR_SCHEMA_H
#define BR_SCHEMA_H
#include "eval/builtin.h"

enum { SCHEMA_PROBLEMS = 20, SCHEMA_DEPTH = 100, SCHEMA_WORK = 1000000 };

Val schema_problems(Val schema, Val v); /* a vector, empty when v fits */
Val schema_text(Val problems);          /* T_STR: "at [:a 0] must be a string, got 5; ..." */
Val schema_wrong(Val schema);           /* nil, or a T_STR: why this is no schema */
bool schema_is_json(Val schema);
/* The JSON Schema of either kind, with keyword keys, for language models and listings: what JSON cannot say (symbols, sets of
 * keywords, ...) becomes what such values are in JSON. */
Val schema_json(Val schema);
/* A value that came from JSON as the Malli schema means it: strings to keywords, symbols, uuids, members of an :enum, arrays to
 * sets, 5.0 to 5 for an :int. What does not fit stays as it is, for schema_problems to tell. */
Val schema_decode(Val schema, Val v);

extern const BuiltinRow rows_schema[]; /* breyta.schema/problems text wrong json decode */
#endif
