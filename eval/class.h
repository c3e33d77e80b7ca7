/* class.h - classes as values. There are no classes behind the values, only names that `class`, `instance?`, `catch`, protocols
 * and static members understand: the host's (classtab.h, one T_CLASS per name, shared by all threads) and those that a
 * program defines with defrecord, deftype, reify and defprotocol (a protocol's interface). */
#ifndef BR_CLASS_H
#define BR_CLASS_H
#include "mach.h"
#include "reader/record.h"
#include "reader/user.h"

Val class_host(const char *full_name);   /* of the host; a name that the table does not know is below Object only */
Val class_of(Val v);                     /* what `class` says: nil for nil */
bool class_isa(Val c, Val parent);       /* the same, or below it */
bool class_instance(Val c, Val x);       /* instance? */
bool class_is_interface(Val c);
Val class_super(Val c);                  /* nil: Object and interfaces */
void class_bases(Val c, ValVec *out);    /* what it extends and implements, directly */
static inline bool class_is_own(Val c) { return obj(c)->flags != 0; } /* a program defined it */

/* Class names that code may mention: the classes of values, exceptions, java.lang.* short names. */
Val class_of_symbol(Val sym); /* T_CLASS or nil */
bool class_known(const char *name);
#endif
