/* client_complete.c - see client_complete.h */
#include "client_complete.h"
#include "runtime/cli/cli.h"
#include "client_cli.h"
#include "client_doc.h"
#include "reader/mem.h"
#include <string.h>

static void candidate(Buf *b, const char *dashes, const char *name, size_t n, const char *what) {
  buf_c(b, dashes);
  buf_add(b, name, n);
  buf_fmt(b, "\t%s\n", what);
}

static bool begins(const char *name, const char *cur) { return !strncmp(name, cur, strlen(cur)); }

static void flags(Buf *b, const ClientParam *p, const char *cur) {
  for (; p && p->name; p++)
    if (!client_positional(p) && !(p->flags & CLIENT_HIDDEN) && begins(p->name, cur + 2))
      candidate(b, "--", p->name, strlen(p->name), p->help);
}

static const ClientParam *flag_named(const ClientParam *p, const char *word) {
  for (; p && p->name; p++)
    if (!client_positional(p) && !strcmp(p->name, word + 2)) return p;
  return NULL;
}

static void choices(Buf *b, const ClientParam *p, const char *cur) {
  if (!client_choice(p)) return;
  for (const char *a = p->arg; *a;) {
    size_t n = strcspn(a, "|");
    if (!strncmp(a, cur, strlen(cur))) candidate(b, "", a, n, p->help);
    a += n + (a[n] == '|');
  }
}

/* What follows the words that name a group. */
static void below(Buf *b, char **words, int n, const char *cur) {
  const char *names[256];
  Buf group = {0}, whole = {0};
  for (int i = 0; i < n; i++) buf_fmt(&group, "%s%s", i ? " " : "", i ? words[i] : client_group(words[i]));
  size_t count = client_help_has(buf_cstr(&group)) ? client_help_below(group.p, names, 256) : 0;
  for (size_t i = 0; i < count; i++) {
    whole.n = 0;
    buf_fmt(&whole, "%s%s%s", group.p, group.n ? " " : "", names[i]);
    const char *summary = client_help_summary(buf_cstr(&whole));
    if (begins(names[i], cur)) candidate(b, "", names[i], strlen(names[i]), summary ? summary : "");
  }
  buf_free(&group);
  buf_free(&whole);
}

static bool has_value(const ClientParam *p) { return p && p->type != CLIENT_BOOL && p->type != CLIENT_NULL; }

int client_complete(int n, char **words) {
  Buf b = {0};
  char **plain = mem_raw((size_t)(n + 1) * sizeof *plain);
  const char *cur = n ? words[n - 1] : "";
  const ClientParam *open = NULL;
  int count = 0, used;
  mem_init();
  for (int i = 0; i < n - 1; i++) { /* words of the command, without globals and their values */
    bool flag = !strncmp(words[i], "--", 2);
    const ClientParam *g = flag ? flag_named(client_globals, words[i]) : NULL;
    if (!flag)
      plain[count++] = words[i];
    else if (has_value(g))
      i++;
  }
  const ClientCommand *c = client_command_in(plain, count, &used);
  const char *last = n > 1 ? words[n - 2] : "";
  if (!strncmp(last, "--", 2)) open = c ? flag_named(c->params, last) : NULL;
  if (!strncmp(last, "--", 2) && !open) open = flag_named(client_globals, last);
  if (has_value(open))
    choices(&b, open, cur);
  else if (!strncmp(cur, "--", 2))
    flags(&b, c ? c->params : NULL, cur), flags(&b, client_globals, cur);
  else
    below(&b, plain, count, cur);
  cli_out(b.n ? b.p : "", b.n);
  cli_out_flush();
  buf_free(&b);
  mem_raw_free(plain);
  return EXIT_OK;
}
