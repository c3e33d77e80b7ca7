/* flowdef_secret.c - whether a step uses the secrets of :requires by the names that they have: a slot of :type :secret is no connection, and
 * its secret is called by its :secret-ref, or by the slot's name when it has none (spec/flows.md 1.3). */
#include "runtime/store/connection.h"
#include "flowdef_int.h"
#include <stdio.h>
#include <string.h>

enum { DEPTH = 4 };

static void check_name(Check *c, Val ref, At at) {
  Val slot = name_kw(ref), secret = is_nil(slot) ? NIL : target_secret_slot(c->f->map, slot);
  if (is_nil(secret) || str_eq_c(secret, kw_text(slot))) return;
  char hint[160];
  snprintf(hint, sizeof hint, "write :secret-ref :%.100s", str_s(secret));
  diag_add(c, DIAG_secret_ref_mismatch, at, hint, "the secret of the slot %s is called %s, there may be none of the name of the slot", val_text(slot), str_s(secret));
}

/* :secret-ref and :password-secret-ref, :access-key-ref ..: wherever a literal one stands. */
static void check_names(Check *c, Val v, At at, int depth) {
  MapIter it;
  Val k, x;
  if (!is_map(v) || depth == DEPTH) return;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    const char *name = is_kw(k) ? kw_text(k) : "";
    size_t n = strlen(name);
    bool ref = n >= 10 && !strcmp(name + n - 10, "secret-ref");
    if (ref && is_literal(x)) check_name(c, x, at_entry(c, at, k));
    else check_names(c, x, at_entry(c, at, k), depth + 1);
  }
}

void check_secret_use(Check *c, Val cfg, At at) {
  Val slot = map_get_kw(cfg, "connection");
  check_names(c, cfg, at, 0);
  if (!is_literal(slot) || is_nil(name_kw(slot)) || is_nil(target_secret_slot(c->f->map, name_kw(slot)))) return;
  diag_add(c, DIAG_secret_slot_as_connection, at_field(c, at, "connection"), NULL, "the slot %s is a secret, and no connection", val_text(slot));
}
