/* flowdef_ssh.c - what can be said about a :ssh step before it runs: that it does something, names of variables, exit codes. */
#include "flowdef_int.h"
#include "reader/vec.h"
#include "runtime/ssh/ssh_shell.h"

static void check_env(Check *c, Val env, At at) {
  MapIter it;
  Val k, v;
  if (!is_map(env)) return;
  map_iter(&it, env);
  while (map_next(&it, &k, &v)) {
    const char *name = is_str(k) || is_kw(k) ? kw_text(k) : NULL;
    if (name && !ssh_shell_name_ok(name, is_str(k) ? str_n(k) : strlen(name)))
      diag_add(c, DIAG_flow_step_option_invalid, at, "a variable's name has letters, digits and _, and begins with no digit", ":env has the name %s", val_text(k));
  }
}

static void check_exits(Check *c, Val codes, At at) {
  for (uint32_t i = 0; is_vec(codes) && i < vec_count(codes); i++) {
    Val x = vec_nth(codes, i);
    if (is_literal(x) && (!is_fix(x) || fix_of(x) < 0 || fix_of(x) > 255))
      diag_add(c, DIAG_flow_step_option_invalid, at, "integers from 0 to 255", ":ok-exit-codes has %s", val_text(x));
  }
}

void check_ssh(Check *c, Val cfg, At at) {
  static const char *const does[] = {"command", "upload", "download", "template"};
  bool any = false;
  for (size_t i = 0; i < sizeof does / sizeof *does; i++) any |= !is_nil(map_get_kw(cfg, does[i]));
  if (!any) diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :ssh step needs :command, what to run on the other machine (or :upload, or :download)");
  check_env(c, map_get_kw(cfg, "env"), at_field(c, at, "env"));
  check_exits(c, map_get_kw(cfg, "ok-exit-codes"), at_field(c, at, "ok-exit-codes"));
}
