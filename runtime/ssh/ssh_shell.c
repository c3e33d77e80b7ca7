/* ssh_shell.c - see ssh_shell.h. */
#include "ssh_shell.h"
#include "runtime/base/hash.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool ssh_shell_name_ok(const char *s, size_t n) {
  if (!n || isdigit((unsigned char)*s)) return false;
  for (size_t i = 0; i < n; i++)
    if (!isascii((unsigned char)s[i]) || (!isalnum((unsigned char)s[i]) && s[i] != '_')) return false;
  return true;
}

void ssh_shell_quote(Buf *b, const char *s) {
  buf_ch(b, '\'');
  for (; *s; s++)
    if (*s == '\'') buf_c(b, "'\\''");
    else buf_ch(b, *s);
  buf_ch(b, '\'');
}

/* The same for the boot line, which is one line: $n holds a line break. */
static void quote_line(Buf *b, const char *s) {
  buf_ch(b, '\'');
  for (; *s; s++)
    if (*s == '\'') buf_c(b, "'\\''");
    else if (*s == '\n') buf_c(b, "'\"$n\"'");
    else buf_ch(b, *s);
  buf_ch(b, '\'');
}

void ssh_shell_exec(Buf *b, const char *word, bool pty) {
  /* exec: the login shell makes place, so that the process is the leader of its group and `pid` is right */
  buf_c(b, "exec sh -c '");
  if (pty) buf_c(b, "t=$(stty -g); stty raw -echo; ");
  buf_c(b, "printf \"breyta-%s pid %s\\n\" \"$0\" \"$$\" >&2; IFS= read -r b || exit 255; ");
  if (pty) buf_c(b, "stty \"$t\"; printf \"breyta-%s go\\n\" \"$0\" >&2; ");
  buf_fmt(b, "eval \"$b\"' %s", word);
}

static void boot_folder(Buf *b, const char *dir) {
  buf_c(b, "CDPATH= cd ");
  if (dir[0] == '~' && (!dir[1] || dir[1] == '/')) buf_c(b, "\"$HOME\"/"), dir += 1 + (dir[1] == '/');
  else if (dir[0] != '/') buf_c(b, "./"); /* no folder is taken for an option, or for the last one ("-") */
  quote_line(b, dir);
  buf_c(b, " 2>/dev/null || { printf \"breyta-%s cd\\n\" \"$0\" >&2; exit 255; }; ");
}

/* A login's profile sets PATH, so ours is set behind it. */
static const char *path_of(const SshVar *env, size_t nenv) {
  for (size_t i = 0; i < nenv; i++)
    if (!strcmp(env[i].name, "PATH")) return env[i].value;
  return NULL;
}

static void boot_command(Buf *b, const char *path, const char *command) {
  Buf c = {0};
  if (path) {
    buf_c(&c, "PATH=");
    ssh_shell_quote(&c, path);
    buf_c(&c, "; export PATH\n");
  }
  buf_c(&c, command);
  buf_c(b, "sh -lc ");
  quote_line(b, buf_cstr(&c));
  buf_free(&c);
}

/* $n costs a process over there. */
static bool has_breaks(const char *workdir, const SshVar *env, size_t nenv, const char *command) {
  bool any = strchr(command, '\n') || (workdir && strchr(workdir, '\n')) || path_of(env, nenv);
  for (size_t i = 0; i < nenv; i++) any |= strchr(env[i].value, '\n') != NULL;
  return any;
}

void ssh_shell_boot(Buf *b, const char *workdir, const SshVar *env, size_t nenv, const char *command) {
  if (has_breaks(workdir, env, nenv, command)) buf_c(b, "n=$(printf \"\\nx\"); n=${n%x}; ");
  for (size_t i = 0; i < nenv; i++) {
    if (!strcmp(env[i].name, "PATH")) continue;
    buf_fmt(b, "%s=", env[i].name);
    quote_line(b, env[i].value);
    buf_fmt(b, "; export %s; ", env[i].name);
  }
  if (workdir) boot_folder(b, workdir);
  boot_command(b, path_of(env, nenv), command);
  buf_c(b, "; s=$?; printf \"breyta-%s exit %s\\n\" \"$0\" \"$s\" >&2; exit \"$s\"\n");
}

void ssh_shell_kill(Buf *b, int64_t group) {
  buf_fmt(b,
          "exec sh -c 'kill -TERM -%lld; i=0; while kill -0 -%lld 2>/dev/null; do i=$((i+1)); [ $i -gt 2 ] && kill -KILL -%lld; "
          "[ $i -gt 4 ] && exit 1; sleep 1; done' 2>/dev/null",
          (long long)group, (long long)group, (long long)group);
}

/* ---- marks ---- */

void ssh_marks_init(SshMarks *m) {
  uint8_t bytes[SSH_WORD / 2];
  Buf b = {0};
  memset(m, 0, sizeof *m);
  hash_random(bytes, sizeof bytes);
  hash_hex(bytes, sizeof bytes, &b);
  memcpy(m->word, b.p, SSH_WORD);
  buf_free(&b);
}

enum { MARK_WORDS = 48 }; /* longest that follows the word */

static size_t mark_prefix(const SshMarks *m, char out[32]) {
  memcpy(out, "breyta-", 7);
  memcpy(out + 7, m->word, SSH_WORD);
  out[7 + SSH_WORD] = ' ';
  return 8 + SSH_WORD;
}

static bool mark_read(SshMarks *m, const char *line) {
  if (!strncmp(line, "pid ", 4)) return m->pid = strtoll(line + 4, NULL, 10), m->started = true;
  if (!strncmp(line, "exit ", 5)) return m->status = (int)strtol(line + 5, NULL, 10), m->ended = true;
  if (!strcmp(line, "go")) return m->go = true;
  return !strcmp(line, "cd") && (m->no_folder = true);
}

static void drop(Buf *b, size_t n) {
  memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
}

/* How many bytes at the end of b may be the beginning of a mark. */
static size_t beginning(const Buf *b, const char *prefix, size_t n) {
  for (size_t k = b->n < n ? b->n : n - 1; k > 0; k--)
    if (!memcmp(b->p + b->n - k, prefix, k)) return k;
  return 0;
}

/* The mark at the start of `held`: its bytes, 0 while its end is missing, or -1: it is none. */
static long mark_take(SshMarks *m, size_t nprefix) {
  char line[MARK_WORDS + 1];
  size_t rest = m->held.n - nprefix, most = rest < MARK_WORDS ? rest : MARK_WORDS;
  const char *from = m->held.p + nprefix, *end = memchr(from, '\n', most);
  if (!end) return rest < MARK_WORDS ? 0 : -1;
  size_t n = (size_t)(end - from);
  memcpy(line, from, n);
  while (n && line[n - 1] == '\r') n--; /* a terminal's line ends */
  line[n] = 0;
  return mark_read(m, line) ? end + 1 - m->held.p : -1;
}

void ssh_marks_feed(SshMarks *m, const char *p, size_t n, Buf *out) {
  char prefix[32];
  size_t np = mark_prefix(m, prefix);
  buf_add(&m->held, p, n);
  while (m->held.n) {
    const char *at = memmem(m->held.p, m->held.n, prefix, np);
    size_t text = at ? (size_t)(at - m->held.p) : m->held.n - beginning(&m->held, prefix, np);
    buf_add(out, m->held.p, text);
    drop(&m->held, text);
    if (!at) return;
    long mark = mark_take(m, np);
    if (!mark) return;
    if (mark < 0) buf_add(out, m->held.p, np);
    drop(&m->held, mark < 0 ? np : (size_t)mark);
  }
}

void ssh_marks_end(SshMarks *m, Buf *out) {
  buf_add(out, m->held.p, m->held.n);
  buf_free(&m->held);
}

const char *ssh_signal_name(int status) {
  static const char *const names[] = {NULL, "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM"};
  return status > 128 && status < 128 + (int)(sizeof names / sizeof *names) ? names[status - 128] : NULL;
}
