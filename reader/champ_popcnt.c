/* champ_popcnt.c - the code of champ_nodes.h for x86-64 processors with the popcnt instruction (all since 2008); champ.c chooses. */
#if defined(__x86_64__)
#pragma GCC target("popcnt")
#define CHAMP(name) champ_popcnt_##name
#define CHAMP_LINKAGE
#include "champ_nodes.h"
#else
typedef int champ_popcnt_unused; /* an empty file is no C */
#endif
