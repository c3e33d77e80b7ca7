/* edit.c - values of a run changed by hand while it stands in front of a step: J_EDIT records, made by the stepper and by forks,
 * done again by replay. */
#include "edit.h"
#include "engine_int.h"
#include "eval/frame.h"
#include "eval/scope.h"
#include "inspect.h"

static Val edit_new(uint32_t base, bool captured, uint32_t at, Val value, Val name) {
  Val parts[] = {int_val(base), bool_val(captured), int_val(at), value, name};
  return vec_from(parts, 5);
}

/* A record can name what is not there: the journal was written for another source, or damaged. */
static bool in_reach(const Mach *m, int64_t base, bool captured, int64_t at) {
  int64_t live = frame_live(m);
  return base >= 0 && at >= 0 && base < live && (captured ? at <= UINT16_MAX : base + at < live);
}

static bool change(Mach *m, Val edit) {
  if (!is_vec(edit) || vec_count(edit) <= JD_VALUE || !is_fix(vec_nth(edit, JD_BASE)) || !is_fix(vec_nth(edit, JD_SLOT))) return false;
  int64_t base = fix_of(vec_nth(edit, JD_BASE)), at = fix_of(vec_nth(edit, JD_SLOT));
  bool captured = truthy(vec_nth(edit, JD_CAPTURED));
  if (!in_reach(m, base, captured, at)) return false;
  scope_set(m, (uint32_t)base, captured, (uint32_t)at, vec_nth(edit, JD_VALUE));
  return true;
}

bool edit_apply(Run *r, Val rec) {
  Val edits = vec_nth(rec, JD_EDITS);
  bool ok = is_vec(edits);
  for (uint32_t i = 0; ok && i < vec_count(edits); i++) ok = change(r->m, vec_nth(edits, i));
  bool again = ok && truthy(vec_nth(rec, JD_AGAIN));
  if (again) ok = scope_call_again(r->m);
  if (!ok) step_mismatch(r, "a change made by hand does not fit the run any more%s%s", "", "");
  return again || !ok;
}

/* --- making them ------------------------------------------------------------ */
bool edit_failed(Err *err, const char *code, const char *what) {
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  return err_set(err, code, "%s: %s", what, is_str(msg) ? str_s(msg) : "it cannot be stored");
}

bool edit_local(Run *r, const LocalChange *l, ValVec *edits, Err *err) {
  Activation *stack;
  size_t n = scope_stack(r->m, &stack), shown = 0;
  for (size_t i = 0; i < n; i++) {
    if (!inspect_shown(&stack[i])) continue;
    const ScopeLocal *at = l->frame < 0 || (size_t)l->frame == shown ? scope_local(&stack[i], l->name) : NULL;
    if (at) {
      Val copy = copy_data(r, l->value);
      if (is_sig(copy)) return edit_failed(err, "not_serializable", l->name);
      vv_push(edits, edit_new(stack[i].base, at->captured, at->at, copy, str_fmt("%s %s", stack[i].name, l->name)));
      return true;
    }
    shown++;
  }
  if (l->frame >= 0) return err_set(err, "no_local", "frame %d has no local %s", l->frame, l->name);
  return err_set(err, "no_local", "there is no local %s in sight of that step", l->name);
}

bool edit_config(Run *r, Val config, ValVec *edits, Err *err) {
  Val copy = copy_data(r, config);
  if (is_sig(copy)) return edit_failed(err, "not_serializable", "the config");
  uint32_t base = r->m->frames[r->m->nframes - 1].base;
  vv_push(edits, edit_new(base, false, 1 + ST_CFG, copy, str_c("config")));
  return true;
}

Val edit_error(Val error) {
  if (!is_map(error)) error = map_assoc(map_empty, kw_c("message"), is_nil(error) ? str_c("failed by hand") : error);
  if (is_nil(map_get_kw(error, "type"))) error = map_assoc(error, kw_c("type"), kw_c("by-hand"));
  return is_nil(map_get_kw(error, "retryable?")) ? map_assoc(error, kw_c("retryable?"), FALSE_V) : error;
}
