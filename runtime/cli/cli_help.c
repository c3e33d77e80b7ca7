/* cli_help.c - texts made from the tables of cli_options.h: --help, the man page, the completion script, and suggestions. */
#include "cli.h"
#include "runtime/base/completion.h"
#include "runtime/flowtest/flowtest.h"

#define WIDTH 96

/* Words of s from column `indent` on, wrapped. */
void cli_wrap(Buf *b, const char *s, size_t indent) {
  size_t col = indent;
  for (const char *p = s; *p;) {
    size_t n = strcspn(p, " ");
    if (col > indent && col + 1 + n > WIDTH) {
      buf_fmt(b, "\n%*s", (int)indent, "");
      col = indent;
    } else if (col > indent) {
      buf_ch(b, ' ');
      col++;
    }
    buf_add(b, p, n);
    col += n;
    p += n;
    p += strspn(p, " ");
  }
  buf_ch(b, '\n');
}

void cli_help_entry(Buf *b, const char *head, const char *text, const char *dflt) {
  Buf all = {0};
  buf_fmt(b, "  %-26s", head);
  if (strlen(head) > 25) buf_fmt(b, "\n%*s", 28, "");
  buf_c(&all, text);
  if (dflt) buf_fmt(&all, " (%s)", dflt);
  cli_wrap(b, buf_cstr(&all), 28);
  buf_free(&all);
}

/* "-j, --json FILE"; indented: without a letter there is room for one. */
static void option_head(Buf *b, const CliOption *o, bool indented) {
  if (o->letter) buf_fmt(b, "-%c, ", o->letter);
  else if (indented) buf_c(b, "    ");
  buf_fmt(b, "--%s", o->name);
  if (o->arg) buf_fmt(b, " %s", o->arg);
}

static void option_help(Buf *b, const CliOption *o) {
  Buf head = {0};
  option_head(&head, o, true);
  cli_help_entry(b, buf_cstr(&head), o->help, o->dflt);
  buf_free(&head);
}

static void command_list(Buf *b) {
  buf_c(b, "\nCommands:\n");
  for (int i = 1; i < CMD_COUNT; i++) buf_fmt(b, "  %-9s %s\n", cli_commands[i].name, cli_commands[i].summary);
}

static void flow_test_keys(Buf *b, int map) {
  for (size_t i = 0; i < flowtest_nkeys; i++) {
    if ((int)flowtest_keys[i].map != map) continue;
    buf_fmt(b, "    :%-13s", flowtest_keys[i].name);
    cli_wrap(b, *flowtest_keys[i].doc ? flowtest_keys[i].doc : "of it", 18);
  }
}

static void flow_test_format(Buf *b) {
  for (int m = 0; m < FT_MAPS_COUNT; m++) {
    buf_fmt(b, "\n%s\n  ", flowtest_maps[m].title);
    cli_wrap(b, flowtest_maps[m].text, 2);
    flow_test_keys(b, m);
  }
}

void cli_help(enum CliCmd cmd, Buf *b) {
  const CliCommand *c = &cli_commands[cmd];
  buf_fmt(b, "Usage: breyta-run %s%s%s\n\n", c->name, *c->name ? " " : "", c->args);
  cli_wrap(b, c->text, 0);
  if (cmd == CMD_run) command_list(b);
  buf_c(b, "\nOptions:\n");
  for (int i = 0; i < OPT_COUNT; i++)
    if (cli_options[i].help && cli_takes(cmd, &cli_options[i])) option_help(b, &cli_options[i]);
  if (cmd == CMD_test) flow_test_format(b);
  if (cmd == CMD_run || cmd == CMD_resume)
    buf_c(b, "\nExit status: 0 completed, 1 failed, 2 bad usage or an invalid flow, 3 parked (standard error says what would wake it).\n");
}

/* --- man page -------------------------------------------------------------------------------------------------------------------- */
void cli_roff(Buf *b, const char *s) {
  for (; *s; s++) {
    if (*s == '-') buf_c(b, "\\-");
    else if (*s == '\\') buf_c(b, "\\e");
    else buf_ch(b, *s);
  }
}

void cli_man_entry(Buf *b, const char *head, const char *text, const char *dflt) {
  buf_c(b, ".TP\n.B ");
  cli_roff(b, head);
  buf_c(b, "\n\\&");
  cli_roff(b, text);
  if (dflt) {
    buf_c(b, " (default ");
    cli_roff(b, dflt);
    buf_ch(b, ')');
  }
  buf_ch(b, '\n');
}

static void man_option(Buf *b, const CliOption *o) {
  Buf head = {0};
  option_head(&head, o, false);
  cli_man_entry(b, buf_cstr(&head), o->help, o->dflt);
  buf_free(&head);
}

static void man_command(Buf *b, enum CliCmd cmd) {
  const CliCommand *c = &cli_commands[cmd];
  buf_fmt(b, ".SS breyta\\-run %s%s", c->name, *c->name ? " " : "");
  cli_roff(b, c->args);
  buf_ch(b, '\n');
  cli_roff(b, c->text);
  buf_ch(b, '\n');
  for (int i = 0; i < OPT_COUNT; i++)
    if (cli_options[i].help && i != OPT_help && cli_takes(cmd, &cli_options[i])) man_option(b, &cli_options[i]);
}

static void man_flow_tests(Buf *b) {
  buf_c(b, ".SH FLOW TESTS\n");
  for (int m = 0; m < FT_MAPS_COUNT; m++) {
    buf_fmt(b, ".SS %s\n", flowtest_maps[m].title);
    cli_roff(b, flowtest_maps[m].text);
    buf_ch(b, '\n');
    for (size_t i = 0; i < flowtest_nkeys; i++) {
      if (flowtest_keys[i].map != (enum FtMap)m) continue;
      buf_fmt(b, ".TP\n.B :");
      cli_roff(b, flowtest_keys[i].name);
      buf_c(b, "\n\\&");
      cli_roff(b, *flowtest_keys[i].doc ? flowtest_keys[i].doc : "of it");
      buf_ch(b, '\n');
    }
  }
}

void cli_man(Buf *b) {
  buf_c(b, ".TH BREYTA\\-RUN 1 \"\" \"breyta\\-run " BREYTA_VERSION "\" \"User Commands\"\n"
           ".SH NAME\nbreyta\\-run \\- run flows durably on one SQLite file\n.SH SYNOPSIS\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    buf_fmt(b, "%s.B breyta\\-run %s\n", i ? ".br\n" : "", cli_commands[i].name);
    cli_roff(b, cli_commands[i].args);
    buf_ch(b, '\n');
  }
  buf_c(b, ".SH COMMANDS\n");
  for (int i = 0; i < CMD_COUNT; i++) man_command(b, i);
  cli_man_steps(b);
  man_flow_tests(b);
  buf_c(b, ".SH EXIT STATUS\n.TP\n.B 0\nthe run completed\n.TP\n.B 1\nit failed; standard error names the position and the step\n"
           ".TP\n.B 2\nbad usage or an invalid flow; a run or a database that does not exist\n.TP\n.B 3\nparked: standard error says what would wake it and how\n"
           ".TP\n.B 130, 143\nstopped by SIGINT or SIGTERM; the run is durable\n"
           ".SH ENVIRONMENT\n.TP\n.B BREYTA_ALLOW_PRIVATE_HOSTS\nhosts and networks that \\-\\-guard lets through, separated by commas\n"
           ".SH FILES\n.TP\n.B .breyta/breyta.db\nthe default database\n");
}

/* --- completion ------------------------------------------------------------------------------------------------------------------ */
static const char *command_at(int i, const char **summary) {
  *summary = cli_commands[i].summary;
  return cli_commands[i].name;
}

static bool option_at(int cmd, int i, const char **name, const char **arg, const char **help) {
  *name = cli_options[i].name;
  *arg = cli_options[i].arg;
  *help = cli_options[i].help;
  return cli_options[i].help && cli_takes((enum CliCmd)cmd, &cli_options[i]);
}

/* What `help` is asked about, beside commands. */
static void words(int cmd, Buf *b) {
  if (cmd == CMD_help) cli_help_words(b);
}

static const Completed completed = {"breyta-run", CMD_COUNT, OPT_COUNT, command_at, option_at, NULL, words};

void cli_completion(Buf *b) { completion_script(b, &completed, "bash"); }

int cli_completion_for(const Cli *cli) {
  Buf b = {0};
  if (!completion_script(&b, &completed, cli->completion_for)) return cli_usage(cli, "--completion-for: bash, zsh or fish");
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
  return EXIT_OK;
}

/* --- suggestions ------------------------------------------------------------------------------------------------------------------ */
static size_t distance(const char *a, const char *b) {
  size_t row[64], la = strlen(a), lb = strlen(b);
  if (la >= 64 || lb >= 64) return 64;
  for (size_t j = 0; j <= lb; j++) row[j] = j;
  for (size_t i = 1; i <= la; i++) {
    size_t diag = row[0];
    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      size_t best = diag + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diag = row[j];
      row[j] = best;
    }
  }
  return row[lb];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n) {
  const char *best = NULL;
  size_t best_d = strlen(word) / 2 + 1;
  for (size_t i = 0; i < n; i++) {
    size_t d = distance(word, names[i]);
    if (d < best_d) {
      best_d = d;
      best = names[i];
    }
  }
  return best;
}
