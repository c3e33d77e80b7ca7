#include "repl_term.h"
#include "reader/mem.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_MAX 5000
#define LIST_MAX 200 /* candidates that TAB lists */

/* --- libedit, loaded by repl_term_open -------------------------------------------------------------------------------------------- */
#define EDIT_FUNCTIONS(F)                                                                                              \
  F(el_init) F(el_end) F(el_set) F(el_wset) F(el_get) F(el_gets) F(el_push) F(el_line) F(el_insertstr) F(el_deletestr) \
      F(el_cursor) F(el_source) F(history_winit) F(history_w) F(history_wend)
#define EDIT_FIELD(f) __typeof__(&f) p_##f;
static struct { EDIT_FUNCTIONS(EDIT_FIELD) } lib;
#define L(f) (lib.p_##f)

static bool lib_load(void) {
  void *so = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!so) return false;
#define EDIT_LOAD(f)                       \
  *(void **)&lib.p_##f = dlsym(so, #f);    \
  if (!lib.p_##f) return false;
  EDIT_FUNCTIONS(EDIT_LOAD)
  return true;
}

struct ReplTerm {
  ReplSession *s;
  EditLine *el;      /* NULL: without libedit */
  HistoryW *history;
  char *file;        /* of the history; NULL: it is not kept */
  Buf last;          /* newest entry */
  Buf typed;         /* lines of this text so far, each ended by \n */
  Buf load;          /* what the next line begins with */
  char prompt[160];
  bool colour;
  bool discarded, take_back; /* how the line ended */
  Buf ahead;         /* read from the terminal for repl_term_line, not yet asked for */
  Buf found;         /* completion: candidates, each ended by \n */
  size_t nfound, common; /* bytes that all of them begin with */
};

int repl_term_width(void) {
  struct winsize w;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20) return w.ws_col;
  return 80;
}

/* --- history: one entry a line, newline as \n and backslash as \\ ------------------------------------------------------------------- */
static bool make_dirs(char *path) {
  for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
    *p = 0;
    bool ok = !mkdir(path, 0700) || errno == EEXIST;
    *p = '/';
    if (!ok) return false;
  }
  return true;
}

static char *history_path(void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  Buf b = {0};
  if (state && *state == '/') buf_fmt(&b, "%s/breyta/history", state);
  else if (home && *home) buf_fmt(&b, "%s/.local/state/breyta/history", home);
  else return NULL;
  return buf_cstr(&b);
}

static wchar_t *wide(const char *s) {
  size_t n = mbstowcs(NULL, s, 0);
  if (n == (size_t)-1) return NULL;
  wchar_t *w = mem_raw((n + 1) * sizeof *w);
  mbstowcs(w, s, n + 1);
  return w;
}

static void history_enter(ReplTerm *t, const char *text) {
  wchar_t *w = t->history ? wide(text) : NULL;
  HistEventW ev;
  if (w) L(history_w)(t->history, &ev, H_ENTER, w);
  free(w);
  t->last.n = 0;
  buf_c(&t->last, text);
}

static void unescape(const char *s, size_t n, Buf *b) {
  b->n = 0;
  for (size_t i = 0; i < n; i++) {
    if (s[i] != '\\' || i + 1 == n) buf_ch(b, s[i]);
    else buf_ch(b, s[++i] == 'n' ? '\n' : s[i]);
  }
}

static void escape(const char *s, Buf *b) {
  for (; *s; s++) {
    if (*s == '\n') buf_c(b, "\\n");
    else if (*s == '\\') buf_c(b, "\\\\");
    else buf_ch(b, *s);
  }
  buf_ch(b, '\n');
}

static void history_shorten(const ReplTerm *t, const Buf *all, size_t lines) {
  const char *p = all->p;
  for (; lines > HISTORY_MAX; lines--) p = memchr(p, '\n', (size_t)(all->p + all->n - p)), p++;
  FILE *f = fopen(t->file, "w");
  if (!f) return;
  fwrite(p, 1, (size_t)(all->p + all->n - p), f);
  fclose(f);
}

static void history_load(ReplTerm *t, Buf *note) {
  Buf all = {0}, one = {0};
  char chunk[65536];
  size_t lines = 0, n;
  FILE *f = t->file && make_dirs(t->file) ? fopen(t->file, "r") : NULL;
  if (!f && t->file && errno != ENOENT) buf_fmt(note, "no history is kept: %s: %s\n", t->file, strerror(errno));
  while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0) buf_add(&all, chunk, n);
  if (f) fclose(f);
  for (const char *p = all.p, *nl; all.n && p < all.p + all.n && (nl = memchr(p, '\n', (size_t)(all.p + all.n - p))); p = nl + 1) {
    unescape(p, (size_t)(nl - p), &one);
    history_enter(t, buf_cstr(&one));
    lines++;
  }
  if (lines > 2 * HISTORY_MAX) history_shorten(t, &all, lines);
  buf_free(&all);
  buf_free(&one);
}

/* Appended at once, so that several sessions share the file and none is lost when one is killed. */
static void history_add(ReplTerm *t, const char *text) {
  if (!text[strspn(text, " \t\n")] || (t->last.n && !strcmp(buf_cstr(&t->last), text))) return;
  history_enter(t, text);
  int fd = t->file ? open(t->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (fd < 0) return;
  Buf b = {0};
  escape(text, &b);
  if (write(fd, b.p, b.n) != (ssize_t)b.n) {
    free(t->file); /* the disk is full, say: this session goes on without */
    t->file = NULL;
  }
  close(fd);
  buf_free(&b);
}

/* --- completion -------------------------------------------------------------------------------------------------------------------- */
static void candidate(void *ctx, const ReplCandidate *c) {
  ReplTerm *t = ctx;
  if (!t->nfound) t->common = strlen(c->text);
  size_t k = 0;
  while (k < t->common && t->found.n && c->text[k] == t->found.p[k]) k++;
  if (t->nfound++) t->common = k;
  while (t->common && ((uint8_t)c->text[t->common] & 0xc0) == 0x80) t->common--;
  buf_c(&t->found, c->text);
  buf_ch(&t->found, '\n');
}

static void list_found(const ReplTerm *t) {
  size_t widest = 0, shown = t->nfound < LIST_MAX ? t->nfound : LIST_MAX, k = 0;
  const char *p = t->found.p;
  for (size_t i = 0; i < shown; i++, p += k + 1)
    if ((k = strcspn(p, "\n")) > widest) widest = k;
  size_t columns = (size_t)repl_term_width() / (widest + 2);
  if (!columns) columns = 1;
  putchar('\n');
  p = t->found.p;
  for (size_t i = 0; i < shown; i++, p += k + 1) {
    k = strcspn(p, "\n");
    bool end = (i + 1) % columns == 0 || i + 1 == shown;
    printf("%.*s%*s%s", (int)k, p, end ? 0 : (int)(widest - k + 2), "", end ? "\n" : "");
  }
  if (shown < t->nfound) printf("... and %zu more\n", t->nfound - shown);
  fflush(stdout);
}

static bool more_is_typed(void) { /* a paste, or fast fingers: no completion, no indentation then */
  struct pollfd p = {STDIN_FILENO, POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

static ReplTerm *term_of(EditLine *el) {
  ReplTerm *t = NULL;
  L(el_get)(el, EL_CLIENTDATA, &t);
  return t;
}

static unsigned char key_complete(EditLine *el, int ch) {
  ReplTerm *t = term_of(el);
  const LineInfo *li = L(el_line)(el);
  Buf text = {0};
  size_t start;
  (void)ch;
  if (li->cursor == li->buffer || strchr(" \t\n", li->cursor[-1]) || more_is_typed()) return L(el_insertstr)(el, "  ") ? CC_ERROR : CC_REFRESH;
  buf_add(&text, buf_cstr(&t->typed), t->typed.n);
  buf_add(&text, li->buffer, (size_t)(li->cursor - li->buffer));
  t->found.n = t->nfound = t->common = 0;
  repl_complete_at(t->s, buf_cstr(&text), text.n, &start, candidate, t);
  size_t typed = text.n - start;
  buf_free(&text);
  if (!t->nfound) return CC_ERROR;
  if (t->common > typed) {
    char *rest = strndup(t->found.p + typed, t->common - typed);
    int bad = rest ? L(el_insertstr)(el, rest) : -1;
    free(rest);
    return bad ? CC_ERROR : CC_REFRESH;
  }
  if (t->nfound == 1) return CC_NORM;
  list_found(t);
  return CC_REDISPLAY;
}

/* --- other keys -------------------------------------------------------------------------------------------------------------------- */
static unsigned char key_discard(EditLine *el, int ch) {
  (void)ch;
  term_of(el)->discarded = true;
  return CC_NEWLINE;
}

static unsigned char key_end(EditLine *el, int ch) { /* Ctrl-D: deletes a character, on a blank line it is the end */
  const LineInfo *li = L(el_line)(el);
  (void)ch;
  if (li->buffer + strspn(li->buffer, " ") >= li->lastchar) return CC_EOF;
  if (li->cursor == li->lastchar) return CC_ERROR;
  L(el_cursor)(el, 1);
  L(el_deletestr)(el, 1);
  return CC_REFRESH;
}

static unsigned char key_suspend(EditLine *el, int ch) { /* libedit's handler gives the terminal back and takes it again */
  (void)el, (void)ch;
  raise(SIGTSTP);
  return CC_NORM;
}

static unsigned char key_newline(EditLine *el, int ch) { /* Alt-Enter: a line break without asking whether the form is complete */
  (void)ch;
  return L(el_insertstr)(el, "\n") ? CC_ERROR : CC_REFRESH;
}

/* Up: the line above in a text of several lines; all of them back when they were typed one by one; else the history (Ctrl-P). */
static unsigned char key_up(EditLine *el, int ch) {
  ReplTerm *t = term_of(el);
  const LineInfo *li = L(el_line)(el);
  (void)ch;
  const char *here = li->cursor;
  while (here > li->buffer && here[-1] != '\n') here--;
  if (here > li->buffer) {
    const char *above = here - 1;
    while (above > li->buffer && above[-1] != '\n') above--;
    long column = li->cursor - here, length = here - 1 - above;
    long back = (li->cursor - above) - (column < length ? column : length);
    for (const char *p = li->cursor - back; p < li->cursor; p++) back -= ((uint8_t)*p & 0xc0) == 0x80;
    L(el_cursor)(el, (int)-back);
    return CC_CURSOR;
  }
  if (!t->typed.n) {
    L(el_push)(el, "\020");
    return CC_NORM;
  }
  t->take_back = true;
  return CC_NEWLINE;
}

static unsigned char key_down(EditLine *el, int ch) {
  const LineInfo *li = L(el_line)(el);
  (void)ch;
  const char *here = li->cursor, *next = memchr(li->cursor, '\n', (size_t)(li->lastchar - li->cursor));
  if (!next) {
    L(el_push)(el, "\016");
    return CC_NORM;
  }
  while (here > li->buffer && here[-1] != '\n') here--;
  long column = li->cursor - here, forward = next + 1 - li->cursor;
  for (const char *p = next + 1; p < li->lastchar && *p != '\n' && column; p++, column--) forward++;
  for (const char *p = li->cursor; p < li->cursor + forward && p < li->lastchar; p++) forward -= ((uint8_t)*p & 0xc0) == 0x80;
  L(el_cursor)(el, (int)forward);
  return CC_CURSOR;
}

static unsigned char key_load(EditLine *el, int ch) { /* pushed by ourselves: the text that the line begins with */
  (void)ch;
  return L(el_insertstr)(el, buf_cstr(&term_of(el)->load)) ? CC_ERROR : CC_REFRESH;
}

static const struct { const char *name, *help; unsigned char (*f)(EditLine *, int); const char *keys[4]; } keys[] = {
    {"breyta-complete", "Complete the name", key_complete, {"^I"}},
    {"breyta-discard", "Drop the text that is typed", key_discard, {"^C"}},
    {"breyta-end", "Delete a character, or end", key_end, {"^D"}},
    {"breyta-suspend", "Stop the program for now", key_suspend, {"^Z"}},
    {"breyta-newline", "Insert a line break", key_newline, {"\\e\r", "\\e\n"}},
    {"breyta-up", "Line above, or history", key_up, {"\\e[A", "\\eOA"}},
    {"breyta-down", "Line below, or history", key_down, {"\\e[B", "\\eOB"}},
    {"breyta-load", "Insert a prepared text", key_load, {"\\e^X"}}};

static char *prompt_of(EditLine *el) { return term_of(el)->prompt; }

static void bind_keys(ReplTerm *t) {
  static const char *const others[][2] = {{"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"}, {"\\e[1;5C", "em-next-word"},
                                          {"\\e[1;5D", "ed-prev-word"}, {"\\eb", "ed-prev-word"}, {"\\ef", "em-next-word"}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    L(el_set)(t->el, EL_ADDFN, keys[i].name, keys[i].help, keys[i].f);
    for (const char *const *k = keys[i].keys; *k; k++) L(el_set)(t->el, EL_BIND, *k, keys[i].name, NULL);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) L(el_set)(t->el, EL_BIND, others[i][0], others[i][1], NULL);
}

static void start_editor(ReplTerm *t) {
  HistEventW ev;
  t->el = L(el_init)("breyta-run", stdin, stdout, stderr);
  if (!t->el) return;
  t->history = L(history_winit)();
  L(history_w)(t->history, &ev, H_SETSIZE, HISTORY_MAX);
  L(history_w)(t->history, &ev, H_SETUNIQUE, 1);
  L(el_set)(t->el, EL_CLIENTDATA, t);
  L(el_set)(t->el, EL_PROMPT_ESC, prompt_of, '\1');
  L(el_set)(t->el, EL_SIGNAL, 1);
  L(el_set)(t->el, EL_EDITOR, "emacs");
  L(el_wset)(t->el, EL_HIST, L(history_w), t->history);
  L(el_source)(t->el, NULL);
  bind_keys(t);
  L(el_set)(t->el, EL_SETTY, "-d", "-isig", NULL); /* while editing Ctrl-C and Ctrl-Z are keys */
}

ReplTerm *repl_term_open(ReplSession *s, bool colour, Buf *note) {
  ReplTerm *t = mem_raw(sizeof *t);
  *t = (ReplTerm){.s = s, .colour = colour, .file = history_path()};
  setlocale(LC_CTYPE, "C.UTF-8");
  if (lib_load()) start_editor(t);
  if (!t->el) buf_c(note, "no line editing: libedit.so.2 is missing (Debian package libedit2)\n");
  history_load(t, note);
  return t;
}

void repl_term_close(ReplTerm *t) {
  if (t->history) L(history_wend)(t->history);
  if (t->el) L(el_end)(t->el);
  Buf *const bufs[] = {&t->last, &t->typed, &t->load, &t->ahead, &t->found};
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_free(bufs[i]);
  free(t->file);
  free(t);
}

/* --- plain lines ------------------------------------------------------------------------------------------------------------------- */
bool repl_term_line(ReplTerm *t, Buf *line) {
  for (;;) {
    if (buf_take_line(&t->ahead, line, false)) return true;
    char chunk[4096];
    ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR && !repl_interrupted(t->s)) continue;
    if (n > 0) {
      buf_add(&t->ahead, chunk, (size_t)n);
      continue;
    }
    if (n < 0 || !t->ahead.n) return false;
    buf_ch(&t->ahead, '\n'); /* Ctrl-D behind some text */
  }
}

/* --- forms ------------------------------------------------------------------------------------------------------------------------- */
static const char *basic_line(ReplTerm *t, Buf *b) {
  b->n = 0;
  fputs(t->prompt, stdout);
  fflush(stdout);
  if (!repl_term_line(t, b)) return NULL;
  buf_ch(b, '\n');
  return buf_cstr(b);
}

/* The line, also when one of our keys ended it: libedit ends the text with a NUL only for Enter. */
static const char *edited_line(ReplTerm *t, Buf *b) {
  int n = 0;
  b->n = 0;
  t->discarded = t->take_back = false;
  if (t->load.n) L(el_push)(t->el, "\033\030");
  const char *line = L(el_gets)(t->el, &n);
  t->load.n = 0;
  if (line && n > 0) buf_add(b, line, (size_t)n);
  return b->n || t->discarded || t->take_back ? buf_cstr(b) : NULL;
}

static void set_prompt(ReplTerm *t, const char *text, size_t width, bool more) {
  const char *on = t->colour ? "\1\033[1;36m\1" : "", *off = t->colour ? "\1\033[0m\1" : "";
  if (!t->el) on = off = "";
  if (more) snprintf(t->prompt, sizeof t->prompt, "%s%*s%s ", on, (int)width - 1, "..", off);
  else snprintf(t->prompt, sizeof t->prompt, "%s%s%s ", on, text, off);
}

/* Rows that the typed lines take on the screen, prompts included. */
static int rows_of(const Buf *typed, size_t prompt) {
  int rows = 0, width = repl_term_width();
  size_t col = prompt;
  for (size_t i = 0; i < typed->n; i++) {
    if (typed->p[i] == '\n') rows += 1 + (int)((col ? col - 1 : 0) / (size_t)width), col = prompt;
    else col += ((uint8_t)typed->p[i] & 0xc0) != 0x80;
  }
  return rows;
}

/* All lines that were typed become one text, shown where the first of them began. */
static void take_back(ReplTerm *t, const char *line, size_t prompt) {
  printf("\r\033[%dA\033[J", rows_of(&t->typed, prompt) + 1);
  fflush(stdout);
  t->load.n = 0;
  buf_add(&t->load, buf_cstr(&t->typed), t->typed.n);
  buf_add(&t->load, line, strcspn(line, "\n"));
  while (t->load.n && t->load.p[t->load.n - 1] == ' ') t->load.n--;
  t->typed.n = 0;
}

static ReplTyped discard(ReplTerm *t) {
  if (t->el) puts("^C");
  t->typed.n = 0;
  return REPL_DISCARDED;
}

/* What was typed is one text: into the history, to the caller. */
static ReplTyped accept(ReplTerm *t, Buf *text) {
  buf_add(text, t->typed.p, t->typed.n);
  while (text->n && strchr(" \t\n", text->p[text->n - 1])) text->n--;
  history_add(t, buf_cstr(text));
  return REPL_TYPED;
}

ReplTyped repl_term_read(ReplTerm *t, const char *prompt, Buf *text) {
  Buf plain = {0};
  ReplTyped result;
  size_t width = strlen(prompt) + 1;
  t->typed.n = 0;
  text->n = 0;
  for (;;) {
    set_prompt(t, prompt, width, t->typed.n > 0);
    const char *line = t->el ? edited_line(t, &plain) : basic_line(t, &plain);
    result = REPL_ENDED;
    if (!line && t->typed.n) result = discard(t);
    if (!line) break;
    result = REPL_DISCARDED;
    if (t->discarded) discard(t);
    if (t->discarded) break;
    if (t->take_back) {
      take_back(t, line, width);
      continue;
    }
    ReplCheck c;
    buf_c(&t->typed, line);
    repl_check(t->s, t->typed.p, t->typed.n, &c);
    if (c.form == REPL_INCOMPLETE) {
      for (int i = 0; i < c.indent && !more_is_typed(); i++) buf_ch(&t->load, ' ');
      continue;
    }
    result = accept(t, text);
    break;
  }
  buf_free(&plain);
  return result;
}
