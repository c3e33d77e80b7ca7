/* record.h - records: maps whose first keys are the fields of a class that the program defined (T_RECORD).
 *
 * `is_map` says yes to them, and every map_* function takes them: assoc keeps the record, dissoc of a field gives a plain
 * map. They equal only records of the same class, hash with the name of the class, and print as #user.Point{:x 1}. Fields
 * come first in iteration, then the other keys (ext: nil or a plain map that is not empty). */
#ifndef BR_RECORD_H
#define BR_RECORD_H
#include "map.h"

/* fields: T_ARR of keywords, methods: map, ifaces: T_ARR of T_CLASS; flags: one of CLASS_*. */
Val class_new(Val name_sym, unsigned flags, Val fields, Val methods, Val ifaces);
const char *class_text(Val cls);                      /* its full name */
static inline uint32_t class_nfields(Val cls) { return AS(Arr, AS(Class, cls)->fields)->n; }
/* T_RECORD or T_INSTANCE, by the kind of class; xs: as many values as it has fields. */
Val rec_new(Val cls, const Val *xs, uint32_t serial);
Val rec_from_map(Val cls, Val m);                     /* map->R: other keys are kept, fields that are missing are nil */
int32_t rec_field(const Record *r, Val k);            /* place of the field that a keyword names, -1 */

/* What map.c and mseq.c do with records; m is a T_RECORD. */
uint32_t rec_count(Val m);
Val rec_get(Val m, Val k, Val not_found);
Val rec_find(Val m, Val k);
Val rec_assoc(Val m, Val k, Val v);
Val rec_dissoc(Val m, Val k);

/* v with every record inside, at any depth, made a plain map of the same entries: what leaves a run is data. The same
 * value when there is none. Unrealised lazy seqs stay as they are. */
Val rec_plain(Val v);
#endif
