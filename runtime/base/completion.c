/* completion.c - see completion.h */
#include "completion.h"
#include <string.h>

typedef struct Opt {
  const char *name, *arg, *help;
} Opt;

static bool option_at(const Completed *c, int cmd, int i, Opt *o) {
  *o = (Opt){0};
  return c->option(cmd, i, &o->name, &o->arg, &o->help);
}

/* The name of the shell function. */
static void function(Buf *b, const Completed *c) {
  buf_ch(b, '_');
  for (const char *p = c->program; *p; p++) buf_ch(b, *p == '-' ? '_' : *p);
}

/* Text inside '..', with a backslash in front of each of `special`. */
static void quoted(Buf *b, const char *s, const char *special, bool close) {
  for (; *s; s++) {
    if (*s == '\'') buf_c(b, close ? "'\\''" : "\\'");
    else {
      if (strchr(special, *s)) buf_ch(b, '\\');
      buf_ch(b, *s);
    }
  }
}

/* Of an argument: is it a file or folder? */
static bool is_path(const char *arg) { return strstr(arg, "FILE") || strstr(arg, "DIR") || strstr(arg, "PATH"); }
/* Of an argument: words to choose from, such as text|json? */
static bool is_choice(const char *arg) { return strchr(arg, '|') && !strpbrk(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ@"); }

static void choices(Buf *b, const char *arg) {
  for (; *arg; arg++) buf_ch(b, *arg == '|' ? ' ' : *arg);
}

/* --- bash -------------------------------------------------------------------------------------------------------------------------- */
/* Options of two commands may have the same name and other values. */
static void bash_values(Buf *b, const Completed *c, int cmd) {
  Opt o;
  for (int i = 0; i < c->noptions; i++) {
    if (!option_at(c, cmd, i, &o) || !o.arg || !is_choice(o.arg)) continue;
    buf_fmt(b, "\n      [[ $last != --%s ]] || { COMPREPLY=($(compgen -W '", o.name);
    choices(b, o.arg);
    buf_c(b, "' -- \"$cur\")); return; }");
  }
}

/* In front of what the tables say: words that only the program knows. */
static void bash_ask(Buf *b, const Completed *c) {
  const char *summary;
  if (!c->group) return;
  buf_c(b, "  case ${COMP_WORDS[1]} in\n    ''");
  for (int i = 0; i < c->ncommands; i++) buf_fmt(b, "|%s", c->command(i, &summary));
  buf_c(b, ") ;;\n    *) if [[ $COMP_CWORD -gt 1 ]]; then\n      COMPREPLY=($(\"${COMP_WORDS[0]}\" --complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null | cut -f1))\n"
           "      [[ ${#COMPREPLY[@]} -gt 0 || $cur == --* ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n      return\n    fi ;;\n  esac\n");
}

static void bash_groups(Buf *b, const Completed *c) {
  const char *summary, *name;
  for (int i = 0; c->group && (name = c->group(i, &summary)); i++) buf_fmt(b, "%s ", name);
}

static void bash(Buf *b, const Completed *c) {
  Opt o;
  buf_fmt(b, "# bash completion for %s\n", c->program);
  function(b, c);
  buf_c(b, "() {\n  local cur=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} words=''\n");
  bash_ask(b, c);
  buf_c(b, "  case ${COMP_WORDS[1]} in\n");
  for (int cmd = c->ncommands; cmd-- > 0;) {
    const char *summary, *name = c->command(cmd, &summary);
    buf_fmt(b, "    %s) words='", *name ? name : "*");
    for (int i = 0; i < c->noptions; i++)
      if (option_at(c, cmd, i, &o)) buf_fmt(b, "--%s ", o.name);
    if (c->words) c->words(cmd, b);
    buf_ch(b, '\'');
    bash_values(b, c, cmd);
    buf_c(b, " ;;\n");
  }
  buf_c(b, "  esac\n  if [[ $COMP_CWORD == 1 ]]; then words+='");
  for (int cmd = 0; cmd < c->ncommands; cmd++) {
    const char *summary;
    buf_fmt(b, "%s ", c->command(cmd, &summary));
  }
  bash_groups(b, c);
  buf_c(b, "--help --version'; fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"; compgen -f -- \"$cur\"; :))\n}\ncomplete -o filenames -F ");
  function(b, c);
  buf_fmt(b, " %s\n", c->program);
}

/* --- zsh --------------------------------------------------------------------------------------------------------------------------- */
static void zsh_option(Buf *b, const Opt *o) {
  buf_fmt(b, " \\\n        '*--%s%s[", o->name, o->arg ? "=" : "");
  quoted(b, o->help, "[]:\\", true);
  buf_ch(b, ']');
  if (o->arg) {
    buf_ch(b, ':');
    quoted(b, o->arg, "[]:\\", true);
    buf_ch(b, ':');
    if (is_choice(o->arg)) {
      buf_ch(b, '(');
      choices(b, o->arg);
      buf_ch(b, ')');
    } else if (is_path(o->arg)) buf_c(b, "_files");
  }
  buf_ch(b, '\'');
}

static void zsh_groups(Buf *b, const Completed *c) {
  const char *summary, *name;
  for (int i = 0; c->group && (name = c->group(i, &summary)); i++) {
    buf_fmt(b, "    '%s:", name);
    quoted(b, summary, ":\\", true);
    buf_c(b, "'\n");
  }
}

static void zsh_ask(Buf *b, const Completed *c) {
  if (!c->group) return;
  buf_c(b, "    *)\n      local -a asked\n      asked=(${(f)\"$($words[1] --complete \"${(@)words[2,CURRENT]}\" 2>/dev/null | sed 's/:/\\\\:/g; s/\\t/:/')\"})\n"
           "      if (( $#asked )); then _describe -t values value asked; else _files; fi ;;\n");
}

static void zsh(Buf *b, const Completed *c) {
  Opt o;
  const char *summary;
  buf_fmt(b, "#compdef %s\n", c->program);
  function(b, c);
  buf_c(b, "() {\n  local -a commands\n  commands=(\n");
  for (int cmd = 0; cmd < c->ncommands; cmd++) {
    const char *name = c->command(cmd, &summary);
    if (!*name) continue;
    buf_fmt(b, "    '%s:", name);
    quoted(b, summary, ":\\", true);
    buf_c(b, "'\n");
  }
  zsh_groups(b, c);
  buf_c(b, "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe -t commands command commands; _files; return; fi\n  case $words[2] in\n");
  for (int cmd = c->ncommands; cmd-- > 0;) {
    const char *name = c->command(cmd, &summary);
    buf_fmt(b, "    %s)\n      _arguments", *name ? name : "*");
    for (int i = 0; i < c->noptions; i++)
      if (option_at(c, cmd, i, &o)) zsh_option(b, &o);
    buf_c(b, " \\\n        '*: :_files' ;;\n");
  }
  zsh_ask(b, c);
  buf_c(b, "  esac\n}\n");
  function(b, c);
  buf_c(b, " \"$@\"\n");
}

/* --- fish -------------------------------------------------------------------------------------------------------------------------- */
static void fish_option(Buf *b, const Completed *c, const char *command, const Opt *o) {
  buf_fmt(b, "complete -c %s", c->program);
  if (*command) buf_fmt(b, " -n '__fish_seen_subcommand_from %s'", command);
  else buf_c(b, " -n '__fish_use_subcommand'");
  buf_fmt(b, " -l %s", o->name);
  if (o->arg && is_choice(o->arg)) {
    buf_c(b, " -x -a '");
    choices(b, o->arg);
    buf_ch(b, '\'');
  } else if (o->arg) buf_c(b, is_path(o->arg) ? " -r -F" : " -x");
  buf_c(b, " -d '");
  quoted(b, o->help, "\\", false);
  buf_c(b, "'\n");
}

static void fish_groups(Buf *b, const Completed *c) {
  const char *summary, *name;
  for (int i = 0; c->group && (name = c->group(i, &summary)); i++) {
    buf_fmt(b, "complete -c %s -n '__fish_use_subcommand' -a %s -d '", c->program, name);
    quoted(b, summary, "\\", false);
    buf_fmt(b, "'\ncomplete -c %s -n '__fish_seen_subcommand_from %s' -a '(%s --complete (commandline -opc)[2..-1] (commandline -ct))'\n", c->program, name, c->program);
  }
}

static void fish(Buf *b, const Completed *c) {
  Opt o;
  const char *summary;
  buf_fmt(b, "# fish completion for %s\n", c->program);
  fish_groups(b, c);
  for (int cmd = 0; cmd < c->ncommands; cmd++) {
    const char *name = c->command(cmd, &summary);
    if (*name) {
      buf_fmt(b, "complete -c %s -n '__fish_use_subcommand' -a %s -d '", c->program, name);
      quoted(b, summary, "\\", false);
      buf_c(b, "'\n");
    }
    for (int i = 0; i < c->noptions; i++)
      if (option_at(c, cmd, i, &o)) fish_option(b, c, name, &o);
  }
}

bool completion_script(Buf *b, const Completed *c, const char *shell) {
  if (!strcmp(shell, "bash")) bash(b, c);
  else if (!strcmp(shell, "zsh")) zsh(b, c);
  else if (!strcmp(shell, "fish")) fish(b, c);
  else return false;
  return true;
}
