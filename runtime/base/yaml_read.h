/* yaml_read.h - YAML to data: the core types of YAML 1.1, as most tools read them.
 *
 *   null ~ and nothing         nil              true yes on / false no off (in any usual case)   booleans
 *   12 -7 1_000 0x1F 0b11 017  integers         1.5 .5 1e3 .inf -.inf .nan                       doubles
 *   quoted, and all else       strings          !!str !!int !!float !!bool !!null !!set          as they say
 *   sequences, mappings        vectors, maps; keys as in JSON (json.h): identifier-like ones become keywords. `<<` merges.
 * Times, dates and base-60 numbers stay strings; other tags are read over. Several documents are a vector of them.
 *
 * Documents are data from strangers: an alias counts for as many values as its anchor holds, a document may have YAML_MAX_NODES
 * of them and YAML_MAX_DEPTH levels; an alias inside its own anchor is an error. libyaml is loaded at the first document. */
#ifndef BR_YAML_READ_H
#define BR_YAML_READ_H
#include "reader/val.h"
#include "port.h"

enum { YAML_MAX_NODES = 2000000, YAML_MAX_DEPTH = 256 };
/* ABSENT: *e has "line N, column N: what is wrong". */
Val yaml_read(const char *s, size_t n, Err *e);
#endif
