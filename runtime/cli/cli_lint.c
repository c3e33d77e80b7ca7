/* cli_lint.c - `breyta-run lint`: the diagnostics of flow definitions, with the severities of upstream's linter. */
#include "cli_run.h"
#include "runtime/flow/flowdef.h"
#include "reader/map.h"
#include "reader/read.h"
#include "reader/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Lint { const Cli *cli; Val files; int errors, warnings; bool unread; } Lint;

static bool is_error(const Diag *d) { return d->error || d->refused; }

static Val diag_path(const Diag *d) {
  Val v = d->path ? read_one(d->path, strlen(d->path), NULL, true) : vec_empty;
  return is_vec(v) ? v : vec_empty;
}

Val cli_diag_map(const Diag *d) {
  Val kv[16];
  size_t n = 0;
#define PUT(k, v) (kv[n++] = kw_c(k), kv[n++] = (v))
  PUT("severity", kw_c(is_error(d) ? "error" : "warning"));
  PUT("code", str_c(d->code));
  PUT("message", str_c(d->message));
  PUT("line", fix(d->line));
  PUT("column", fix(d->col));
  PUT("path", diag_path(d));
  PUT("hint", d->hint ? str_c(d->hint) : NIL);
  PUT("runs", bool_val(!d->error));
#undef PUT
  return map_from(kv, n / 2, false);
}

static Val lint_file(Lint *l, const char *file, const Diags *d, Buf *text) {
  Val all = vec_empty;
  int errors = 0;
  for (size_t i = 0; i < d->n; i++) {
    errors += is_error(&d->a[i]);
    all = vec_conj(all, cli_diag_map(&d->a[i]));
    diag_print(&d->a[i], file, is_error(&d->a[i]), text);
  }
  l->errors += errors;
  l->warnings += (int)d->n - errors;
  Val kv[] = {kw_c("file"), str_c(file), kw_c("ok"), bool_val(errors == 0), kw_c("errors"), fix(errors),
              kw_c("warnings"), fix((int)d->n - errors), kw_c("diagnostics"), all};
  return map_from(kv, 5, false);
}

static void lint_path(Lint *l, const char *file, Buf *out) {
  Buf text = {0};
  if (!cli_read_file(file, &text)) {
    cli_say("cannot read %s: %s", file, strerror(errno));
    l->unread = true;
    return;
  }
  Diags d = {0};
  flowdef_read_file(buf_cstr(&text), text.n, file, &d);
  l->files = vec_conj(l->files, lint_file(l, file, &d, out));
  diags_free(&d);
  buf_free(&text);
}

static const char *plural(int n) { return n == 1 ? "" : "s"; }

int cmd_lint(Cli *cli) {
  if (!cli->args.n) return cli_usage(cli, "lint needs the file of a flow");
  cli_engine_values();
  Lint l = {.cli = cli, .files = vec_empty};
  Buf out = {0};
  for (int i = 0; i < cli->args.n; i++) lint_path(&l, cli->args.a[i], &out);
  if (CLI_GIVEN(cli, format)) {
    bool one = cli->args.n == 1 && vec_count(l.files) == 1;
    if (vec_count(l.files)) cli_print_value(cli, one ? vec_nth(l.files, 0) : l.files);
  } else {
    cli_out(out.p ? out.p : "", out.n);
    cli_out_flush();
    fprintf(stderr, "%d error%s, %d warning%s\n", l.errors, plural(l.errors), l.warnings, plural(l.warnings));
  }
  buf_free(&out);
  return l.unread ? EXIT_USAGE : l.errors ? EXIT_FAILED : EXIT_OK;
}
