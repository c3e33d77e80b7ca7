/* champ.c - see champ.h: the plain code, and the choice between it and champ_popcnt.c. */
#define CHAMP(name) plain_##name
#define CHAMP_LINKAGE static
#include "champ_nodes.h"

static bool popcnt;

bool champ_use_popcnt(bool yes) {
  bool was = popcnt;
  popcnt = yes;
  return was;
}

#if defined(__x86_64__)
__attribute__((constructor)) static void champ_choose(void) {
  __builtin_cpu_init();
  popcnt = __builtin_cpu_supports("popcnt");
}
#define CHOOSE(name, ...) (__builtin_expect(popcnt, 1) ? champ_popcnt_##name(__VA_ARGS__) : plain_##name(__VA_ARGS__))
#else
#define CHOOSE(name, ...) plain_##name(__VA_ARGS__)
#endif

Val champ_find(Val node, uint32_t h, Val k, const Val **kv) { return CHOOSE(find, node, h, k, kv); }
Val champ_assoc(Val node, uint32_t shift, uint32_t h, Val k, Val v, uint32_t edit, bool *added) {
  return CHOOSE(assoc, node, shift, h, k, v, edit, added);
}
Val champ_dissoc(Val node, uint32_t shift, uint32_t h, Val k, uint32_t edit, bool *removed) {
  return CHOOSE(dissoc, node, shift, h, k, edit, removed);
}
