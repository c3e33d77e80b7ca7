/* cli_doc.c - `breyta-run help TOPIC`: reference text from the tables of steps and diagnostics, at a terminal and in the man page. */
#include "cli.h"
#include "runtime/flow/flowdef_codes.h"
#include "runtime/base/limits.h"
#include "runtime/flow/step_doc.h"
#include "runtime/template/template_helpers.h"
#include <string.h>

enum { NAME_COLUMN = 4, TEXT_COLUMN = 24 };

/* "    :name   text": the text wrapped behind the name, on a line of its own when the name is long. */
static void entry(Buf *b, const char *colon, const char *name, const char *text) {
  size_t n = NAME_COLUMN + strlen(colon) + strlen(name);
  buf_fmt(b, "%*s%s%s", NAME_COLUMN, "", colon, name);
  if (n >= TEXT_COLUMN) buf_fmt(b, "\n%*s", TEXT_COLUMN, "");
  else buf_fmt(b, "%*s", (int)(TEXT_COLUMN - n), "");
  cli_wrap(b, text, TEXT_COLUMN);
}

/* "one of :a :b", with which words between. */
static void words(Buf *b, const char *list) {
  for (const char *p = list; *p;) {
    size_t n = strcspn(p, " ");
    buf_fmt(b, "%s:%.*s", p == list ? "" : " ", (int)n, p);
    p += n + (p[n] == ' ');
  }
}

static void option_type(Buf *b, const StepDocOption *o) {
  if (o->required) buf_c(b, "required; ");
  if (o->allowed) {
    buf_c(b, "one of ");
    words(b, o->allowed);
  } else {
    buf_c(b, step_doc_type(o));
  }
}

static void option_text(Buf *b, const StepDocOption *o) {
  Buf text = {0};
  option_type(&text, o);
  entry(b, ":", o->name, buf_cstr(&text));
  buf_fmt(b, "%*s", TEXT_COLUMN, "");
  cli_wrap(b, o->doc, TEXT_COLUMN);
  buf_free(&text);
}

static void field_text(const StepDocField *f, Buf *b) {
  entry(b, ":", f->name, f->type);
  buf_fmt(b, "%*s", TEXT_COLUMN, "");
  cli_wrap(b, f->doc, TEXT_COLUMN);
}

static void rules(Buf *b, const char *family) {
  for (size_t i = 0; i < step_doc_none_of; i++) {
    if (strcmp(step_doc_one_of[i].kind, family)) continue;
    buf_c(b, step_doc_one_of[i].least ? "  Exactly one of " : "  At most one of ");
    words(b, step_doc_one_of[i].names);
    buf_c(b, ".\n");
  }
}

static bool any_option(const char *kind) {
  for (size_t i = 0; i < step_doc_noptions; i++)
    if (!strcmp(step_doc_options[i].kind, kind)) return true;
  return false;
}

static void options_of(Buf *b, const char *kind, const char *title) {
  if (!any_option(kind)) return;
  buf_fmt(b, "\n%s\n", title);
  for (size_t i = 0; i < step_doc_noptions; i++)
    if (!strcmp(step_doc_options[i].kind, kind)) option_text(b, &step_doc_options[i]);
}

static void results_of(Buf *b, const char *kind) {
  bool title = false;
  for (size_t i = 0; i < step_doc_nresults; i++) {
    if (strcmp(step_doc_results[i].kind, kind)) continue;
    if (!title) buf_fmt(b, "\nResult of :%s, of these what there is\n", kind);
    title = true;
    field_text(&step_doc_results[i], b);
  }
}

static const char *not_here(const StepDocFamily *f) {
  return f->runs ? "" : " (not part of this build: reaching such a step is an error of :type :unsupported_step)";
}

static void family_text(Buf *b, const StepDocFamily *f) {
  const char *kind = !strcmp(f->name, "code") ? "function" : f->name;
  Buf line = {0};
  buf_fmt(&line, ":%s - %s%s", f->name, f->doc, not_here(f));
  cli_wrap(b, buf_cstr(&line), 0);
  line.n = 0;
  buf_fmt(b, "\n  (flow/step :%s :step-id {...options...})\n", f->name);
  rules(b, kind);
  buf_fmt(&line, "Options of :%s", kind);
  options_of(b, kind, buf_cstr(&line));
  results_of(b, kind);
  options_of(b, "*", "Options of every step");
  buf_fmt(b, "\n`breyta-run help step %s OPTION` shows one option, with what stands inside it.\n", f->name);
  buf_free(&line);
}

static void families_text(Buf *b) {
  buf_c(b, "Step families: (flow/step :family :step-id {...options...})\n\n");
  for (size_t i = 0; i < step_doc_nfamilies; i++) {
    Buf text = {0};
    buf_fmt(&text, "%s%s", step_doc_families[i].doc, step_doc_families[i].runs ? "" : " (not part of this build)");
    entry(b, ":", step_doc_families[i].name, buf_cstr(&text));
    buf_free(&text);
  }
  buf_c(b, "\n`breyta-run help step FAMILY` lists the options of one.\n");
}

static void one_option(Buf *b, const StepDocFamily *f, const StepDocOption *o) {
  bool title = false;
  buf_fmt(b, "Option of %s%s steps\n\n", *o->kind == '*' ? "all" : ":", *o->kind == '*' ? "" : o->kind);
  option_text(b, o);
  for (size_t i = 0; i < step_doc_nfields; i++) {
    if (!step_doc_field_of(&step_doc_fields[i], f->name, o)) continue;
    if (!title) buf_fmt(b, "\nInside :%s\n", o->name);
    title = true;
    field_text(&step_doc_fields[i], b);
  }
}

/* --- topics ----------------------------------------------------------------------------------------------------------------------- */
static int unknown(const Cli *cli, const char *what, const char *word, const char *const *names, size_t n) {
  const char *near = cli_nearest(word + (*word == ':'), names, n);
  return cli_usage(cli, "there is no %s %s%s%s%s", what, word, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int unknown_family(const Cli *cli, const char *word) {
  const char *names[64];
  size_t n = 0;
  for (; n < step_doc_nfamilies && n < 64; n++) names[n] = step_doc_families[n].name;
  return unknown(cli, "step family", word, names, n);
}

static int unknown_option(const Cli *cli, const StepDocFamily *f, const char *word) {
  const char *names[256];
  char what[64];
  size_t n = 0;
  for (size_t i = 0; i < step_doc_noptions && n < 256; i++)
    if (step_doc_option(f->name, step_doc_options[i].name) == &step_doc_options[i]) names[n++] = step_doc_options[i].name;
  snprintf(what, sizeof what, "option of :%s steps", f->name);
  return unknown(cli, what, word, names, n);
}

static int topic_step(const Cli *cli, const char *name, const char *option, Buf *b) {
  if (!name) return families_text(b), EXIT_OK;
  const StepDocFamily *f = step_doc_family(name);
  if (!f) return unknown_family(cli, name);
  if (!option) return family_text(b, f), EXIT_OK;
  const StepDocOption *o = step_doc_option(!strcmp(f->name, "code") ? "function" : f->name, option);
  return o ? one_option(b, f, o), EXIT_OK : unknown_option(cli, f, option);
}

static const struct { const char *code, *hint; char severity; } diagnostics[] = {
#define DIAG_DOC(code, severity, hint) {#code, hint, #severity[0]},
    DIAG_TABLE(DIAG_DOC)};
#define NDIAGNOSTICS (sizeof diagnostics / sizeof *diagnostics)

static int topic_diagnostics(const Cli *cli, const char *name, const char *option, Buf *b) {
  const char *names[NDIAGNOSTICS];
  size_t shown = 0;
  (void)option;
  for (size_t i = 0; i < NDIAGNOSTICS; i++) {
    names[i] = diagnostics[i].code;
    if (name && strcmp(name, names[i])) continue;
    buf_fmt(b, "  %s %s\n", diagnostics[i].severity == 'E' ? "error  " : diagnostics[i].severity == 'W' ? "warning" : "refused", names[i]);
    if (diagnostics[i].hint) {
      buf_fmt(b, "%*s", 10, "");
      cli_wrap(b, diagnostics[i].hint, 10);
    }
    shown++;
  }
  if (!shown) return unknown(cli, "diagnostic", name, names, NDIAGNOSTICS);
  buf_c(b, "\nerror: the flow cannot run. warning: it runs. refused: it runs here, and upstream and `breyta-run lint` refuse it.\n");
  return EXIT_OK;
}

static int topic_templates(const Cli *cli, const char *name, const char *option, Buf *b) {
  (void)cli; (void)name; (void)option;
  buf_c(b, "Templates (:templates of a flow) are Handlebars: {{name}}, {{#if x}} {{else}} {{/if}}, {{#unless x}}, {{#each list}}, {{#with map}}.\n"
           "Nothing is escaped for HTML; a name that is missing is an error that says which template.\n\nHelpers\n");
#define HELPER_DOC(name, least, most, hash, doc) entry(b, "", #name, doc);
  TEMPLATE_HELPERS(HELPER_DOC)
  return EXIT_OK;
}

static void limits_of(Buf *b, bool hosted, bool alone) {
  for (int i = 0; i < LIMIT_COUNT; i++) {
    const Limit *l = &limits[i];
    if (l->hosted != hosted || l->alone != alone) continue;
    buf_fmt(b, "    %-24s %12lld %-8s %-10s ", l->name, (long long)limit_value(i), l->unit, l->error);
    cli_wrap(b, l->doc, 60);
  }
}

static int topic_limits(const Cli *cli, const char *name, const char *option, Buf *b) {
  (void)option;
  if (name) return cli_usage(cli, "help limits takes no name");
  buf_c(b, "Limits: name, value, unit, and the :type of the error (lint: the definition is refused). --limit NAME=N sets one.\n\nAlways on\n");
  limits_of(b, false, false);
  buf_c(b, "\nWith --profile hosted, or when set by --limit\n");
  limits_of(b, true, false);
  buf_c(b, "\nOnly when set by --limit\n");
  limits_of(b, false, true);
  return EXIT_OK;
}

static const struct {
  const char *name, *doc;
  int (*f)(const Cli *cli, const char *name, const char *option, Buf *b);
} topics[] = {{"step", "step families and their options: help step [FAMILY [OPTION]]", topic_step},
              {"limits", "how much a run may use, and how to change it", topic_limits},
              {"diagnostics", "what checks of flows say: help diagnostics [CODE]", topic_diagnostics},
              {"templates", "the template language and its helpers", topic_templates}};
#define NTOPICS (sizeof topics / sizeof *topics)

void cli_help_words(Buf *b) {
  for (size_t i = 0; i < NTOPICS; i++) buf_fmt(b, "%s ", topics[i].name);
  for (int i = 1; i < CMD_COUNT; i++) buf_fmt(b, "%s ", cli_commands[i].name);
  for (size_t i = 0; i < step_doc_nfamilies; i++) buf_fmt(b, "%s ", step_doc_families[i].name);
}

static void topics_text(Buf *b) {
  buf_c(b, "Topics: breyta-run help TOPIC\n\n");
  for (size_t i = 0; i < NTOPICS; i++) entry(b, "", topics[i].name, topics[i].doc);
  buf_c(b, "\nCommands: breyta-run help COMMAND\n\n");
  for (int i = 1; i < CMD_COUNT; i++) entry(b, "", cli_commands[i].name, cli_commands[i].summary);
}

static int topic(const Cli *cli, Buf *b) {
  const char *names[NTOPICS + CMD_COUNT], *word = cli->args.a[0];
  size_t n = 0;
  for (size_t i = 0; i < NTOPICS; names[n++] = topics[i++].name)
    if (!strcmp(topics[i].name, word))
      return topics[i].f(cli, cli->args.n > 1 ? cli->args.a[1] : NULL, cli->args.n > 2 ? cli->args.a[2] : NULL, b);
  for (int i = 1; i < CMD_COUNT; names[n++] = cli_commands[i++].name)
    if (!strcmp(cli_commands[i].name, word)) return cli_help(i, b), EXIT_OK;
  if (!strcmp(word, "run")) return cli_help(CMD_run, b), EXIT_OK;
  return unknown(cli, "topic", word, names, n);
}

int cmd_help(Cli *cli) {
  Buf b = {0};
  int status = EXIT_OK;
  if (cli->args.n > 3) return cli_usage(cli, "help takes a topic, a name and an option");
  if (cli->args.n) status = topic(cli, &b);
  else topics_text(&b);
  if (status == EXIT_OK) {
    cli_out(b.p, b.n);
    cli_out_flush();
  }
  buf_free(&b);
  return status;
}

/* --- man page ----------------------------------------------------------------------------------------------------------------------- */
static void man_entry(Buf *b, const char *name, const char *type, const char *doc) {
  buf_c(b, ".TP\n.B :");
  cli_roff(b, name);
  buf_c(b, "\n\\&");
  cli_roff(b, type);
  buf_c(b, ".\n.br\n\\&");
  cli_roff(b, doc);
  buf_ch(b, '\n');
}

static void man_options(Buf *b, const char *kind) {
  for (size_t i = 0; i < step_doc_noptions; i++) {
    const StepDocOption *o = &step_doc_options[i];
    if (strcmp(o->kind, kind)) continue;
    Buf type = {0};
    option_type(&type, o);
    man_entry(b, o->name, buf_cstr(&type), o->doc);
    buf_free(&type);
    for (size_t k = 0; k < step_doc_nfields; k++) {
      const StepDocField *f = &step_doc_fields[k];
      if (strcmp(f->kind, kind) || strcmp(f->option, o->name)) continue;
      buf_c(b, ".RS\n");
      man_entry(b, f->name, f->type, f->doc);
      buf_c(b, ".RE\n");
    }
  }
}

void cli_man_steps(Buf *b) {
  buf_c(b, ".SH STEPS\n.SS options of every step\n");
  man_options(b, "*");
  for (size_t i = 0; i < step_doc_nfamilies; i++) {
    const StepDocFamily *f = &step_doc_families[i];
    buf_fmt(b, ".SS :%s\n", f->name);
    cli_roff(b, f->doc);
    cli_roff(b, not_here(f));
    buf_ch(b, '\n');
    Buf r = {0};
    rules(&r, f->name);
    cli_roff(b, r.p ? buf_cstr(&r) + strspn(buf_cstr(&r), " ") : "");
    buf_free(&r);
    man_options(b, f->name);
  }
}
