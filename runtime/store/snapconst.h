/* snapconst.h - literals of the code in snapshots of machines.
 *
 * A literal is one object however often it is evaluated. A snapshot that copied it would tear apart, after a restore, what
 * the code meets before and after: so it is written as (unit, number). Numbers count the heap objects of a unit's literals,
 * nodes in order, each walked depth first; the unit's hash fixes its forms and with them the numbers. */
#ifndef BR_SNAPCONST_H
#define BR_SNAPCONST_H
#include "eval/node.h"
void snap_const_refresh(void); /* before a machine is written: takes in what was analyzed since */
/* The unit and number of this object; NULL: it is in no literal of a shared unit. */
Unit *snap_const_of(Val v, uint32_t *number);
/* ABSENT: the unit has no such literal. */
Val snap_const_at(Unit *u, uint64_t number);
#endif
