/* client_doc.c - see client_doc.h */
#include "client_doc.h"
#include "runtime/cli/cli.h"
#include "reader/mem.h"
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *summary;
} groups[] = {
#define GROUP(name, summary) {name, summary},
#include "client_groups.h"
#undef GROUP
};

static bool shown(const ClientCommand *c) { return !(c->flags & CLIENT_HIDDEN); }

/* What of the name follows these words: "" it is that command, NULL another one. */
static const char *behind(const char *name, const char *words) {
  size_t n = strlen(words);
  if (!n) return name;
  if (strncmp(name, words, n) != 0 || (name[n] && name[n] != ' ')) return NULL;
  return name + n + (name[n] == ' ');
}

bool client_help_has(const char *words) {
  const ClientCommand *c;
  for (int i = 0; (c = client_command_at(i)); i++)
    if (behind(c->name, words)) return true;
  return false;
}

size_t client_help_below(const char *words, const char **names, size_t max) {
  const ClientCommand *c;
  size_t n = 0;
  for (int i = 0; (c = client_command_at(i)); i++) {
    const char *rest = behind(c->name, words);
    size_t len = rest ? strcspn(rest, " ") : 0, k = 0;
    while (k < n && (strlen(names[k]) != len || memcmp(names[k], rest, len) != 0)) k++;
    if (!len || !shown(c) || k < n || n == max) continue;
    char *s = mem_raw(len + 1);
    memcpy(s, rest, len);
    s[len] = 0;
    names[n++] = s;
  }
  return n;
}

/* --- help ------------------------------------------------------------------------------------------------------------------------- */
static void usage(Buf *b, const ClientCommand *c) {
  bool flags = false;
  buf_fmt(b, "breyta %s", c->name);
  for (const ClientParam *p = c->params; p && p->name; p++) {
    if (client_positional(p))
      buf_fmt(b, " %s", p->name);
    else if (p->flags & CLIENT_NEEDED)
      buf_fmt(b, " --%s %s", p->name, client_arg(p));
    else
      flags |= !(p->flags & CLIENT_HIDDEN);
  }
  if (flags) buf_c(b, " [FLAGS]");
}

/* add: cli_help_entry or cli_man_entry. */
static void param(Buf *b, const ClientParam *p, void (*add)(Buf *, const char *, const char *, const char *)) {
  Buf head = {0}, text = {0};
  const char *arg = client_arg(p);
  if (client_positional(p))
    buf_c(&head, p->name);
  else
    buf_fmt(&head, "--%s%s%s", p->name, arg ? " " : "", arg ? arg : "");
  buf_c(&text, p->help);
  if (!client_positional(p) && client_many(p)) buf_c(&text, "; may be repeated");
  if (p->flags & CLIENT_FILE) buf_c(&text, "; - is standard input");
  add(b, buf_cstr(&head), buf_cstr(&text), p->dflt);
  buf_free(&head);
  buf_free(&text);
}

static void params(Buf *b, const ClientParam *p, const char *title) {
  if (!p || !p->name) return;
  buf_fmt(b, "\n%s:\n", title);
  for (; p->name; p++)
    if (!(p->flags & CLIENT_HIDDEN)) param(b, p, cli_help_entry);
}

static void asks(Buf *b, const ClientCommand *c) {
  if (!c->call) return;
  const char *space = strchr(c->call, ' ');
  if (space)
    buf_fmt(b, "\nAsks: %.*s /api/%s\n", (int)(space - c->call), c->call, space + 1);
  else
    buf_fmt(b, "\nAsks: the command %s\n", c->call);
}

static void command_help(Buf *b, const ClientCommand *c) {
  buf_c(b, "Usage: ");
  usage(b, c);
  buf_c(b, "\n\n");
  Buf text = {0};
  buf_fmt(&text, "%s%s%s", c->summary, c->text ? ". " : "", c->text ? c->text : "");
  if (text.n && text.p[0] >= 'a' && text.p[0] <= 'z') text.p[0] = (char)(text.p[0] - 32);
  cli_wrap(b, buf_cstr(&text), 0);
  buf_free(&text);
  params(b, c->params, "Arguments and flags");
  params(b, client_globals, "Flags of every command");
  asks(b, c);
}

static const char *group_summary(const char *words) {
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    if (!strcmp(groups[i].name, words)) return groups[i].summary;
  return NULL;
}

const char *client_help_summary(const char *words) {
  const ClientCommand *c;
  for (int i = 0; (c = client_command_at(i)); i++)
    if (!strcmp(c->name, words)) return c->summary;
  return group_summary(words);
}

const char *client_help_group(int i, const char **summary) {
  for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
    if (!strchr(groups[g].name, ' ') && client_help_has(groups[g].name) && !i--) return *summary = groups[g].summary, groups[g].name;
  return NULL;
}

static void group_help(Buf *b, const char *words) {
  const ClientCommand *c;
  const char *summary = group_summary(words);
  buf_fmt(b, "Usage: breyta %s COMMAND\n", words);
  if (summary) buf_fmt(b, "\n%s\n", summary);
  buf_c(b, "\nCommands:\n");
  for (int i = 0; (c = client_command_at(i)); i++) {
    const char *rest = behind(c->name, words);
    if (rest && *rest && shown(c)) cli_help_entry(b, rest, c->summary, NULL);
  }
  buf_fmt(b, "\n`breyta %s COMMAND --help` says more. Answers are JSON on standard output.\n", words);
}

int client_help_print(char **words, int n) {
  const ClientCommand *c;
  Buf name = {0}, b = {0};
  for (int i = 0; i < n; i++) buf_fmt(&name, "%s%s", i ? " " : "", words[i]);
  const ClientCommand *one = client_command_named(words, n);
  bool group = false;
  for (int i = 0; (c = client_command_at(i)); i++) {
    const char *rest = behind(c->name, one ? one->name : buf_cstr(&name));
    group |= rest && *rest && shown(c);
  }
  if (one) command_help(&b, one);
  if (one && group) buf_ch(&b, '\n');
  if (group) group_help(&b, one ? one->name : buf_cstr(&name));
  cli_out(b.p, b.n);
  cli_out_flush();
  buf_free(&b);
  buf_free(&name);
  return EXIT_OK;
}

void client_help_groups(Buf *b) {
  const char *summary, *name;
  for (int i = 0; (name = client_help_group(i, &summary)); i++) {
    buf_fmt(b, "  breyta %-18s", name);
    cli_wrap(b, summary, 27);
  }
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------- */
static Val words_of(const char *a) {
  Val all = vec_empty;
  while (*a) {
    size_t n = strcspn(a, "|");
    all = vec_conj(all, str_new(a, n));
    a += n + (a[n] == '|');
  }
  return all;
}

static Val param_map(const ClientParam *p) {
  static const char *const types[] = {"boolean", "text", "integer", "version", "duration", "json",    "object", "array",
                                      "list",    "list", "json",    "pairs",   "pairs",    "boolean", "integer"};
  Val m = client_put_text(NIL, "name", p->name);
  m = client_put(client_put_text(m, "type", types[p->type]), "positional", bool_val(client_positional(p)));
  m = client_put(client_put(m, "required", bool_val(*p->name == '<' || p->flags & CLIENT_NEEDED)), "repeats", bool_val(client_many(p)));
  m = client_put_text(client_put_text(client_put_text(m, "default", p->dflt), "help", p->help), "argument", p->to);
  if (p->flags & CLIENT_FILE) m = client_put(m, "file", TRUE_V);
  if (p->flags & CLIENT_ENV) m = client_put(m, "environment", TRUE_V);
  if (client_choice(p)) m = client_put(m, "values", words_of(p->arg));
  return p->flags & CLIENT_HIDDEN ? client_put(m, "hidden", TRUE_V) : m;
}

static Val command_map(const ClientCommand *c) {
  Val m = client_put_text(client_put_text(client_put_text(NIL, "name", c->name), "summary", c->summary), "asks", c->call),
      params = vec_empty;
  for (const ClientParam *p = c->params; p && p->name; p++) params = vec_conj(params, param_map(p));
  if (c->flags & CLIENT_LOCAL) m = client_put(m, "local", TRUE_V);
  if (c->flags & CLIENT_HIDDEN) m = client_put(m, "hidden", TRUE_V);
  return client_put(client_put_text(m, "aliases", c->alias), "params", params);
}

int client_commands(ClientRun *r) {
  const ClientCommand *c;
  const char *group = client_text(r, "[group]");
  Val all = vec_empty, globals = vec_empty;
  for (int i = 0; (c = client_command_at(i)); i++)
    if (behind(c->name, group ? group : "")) all = vec_conj(all, command_map(c));
  if (!vec_count(all)) return client_usage(r, "there is no group %.100s; `breyta --help` lists them", group);
  for (const ClientParam *p = client_globals; p->name; p++) globals = vec_conj(globals, param_map(p));
  return client_done(r, client_put(client_put(NIL, "items", all), "globals", globals));
}

/* --- man -------------------------------------------------------------------------------------------------------------------------- */
static void man_command(Buf *b, const ClientCommand *c) {
  Buf line = {0};
  usage(&line, c);
  buf_c(b, ".SS ");
  cli_roff(b, buf_cstr(&line));
  buf_c(b, "\n\\&");
  cli_roff(b, c->summary);
  buf_ch(b, '.');
  if (c->text) {
    buf_ch(b, ' ');
    cli_roff(b, c->text);
  }
  buf_ch(b, '\n');
  for (const ClientParam *p = c->params; p && p->name; p++)
    if (!(p->flags & CLIENT_HIDDEN)) param(b, p, cli_man_entry);
  buf_free(&line);
}

void client_man(Buf *b) {
  const ClientCommand *c;
  buf_c(b, ".SH CLIENT COMMANDS\n\\&These ask a server. Each prints one JSON object, {\"ok\", \"workspaceId\", \"data\", \"meta\"}, "
           "and text for people on standard error.\n");
  for (const ClientParam *p = client_globals; p->name; p++)
    if (!(p->flags & CLIENT_HIDDEN)) param(b, p, cli_man_entry);
  for (int i = 0; (c = client_command_at(i)); i++)
    if (shown(c)) man_command(b, c);
}
