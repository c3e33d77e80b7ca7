/* flow_include.c - see flow_include.h. */
#include "flow_include.h"
#include "flowdef_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char tag[] = "#flow/include", from_mark[] = ";#flow/from ";
enum { FORM_DEPTH = 1000 };

/* A file that is being put in. */
typedef struct Source {
  char *real;                 /* without links; of the flow's own file maybe NULL */
  char *dir;                  /* real folder that its includes are relative to */
  const char *text, *p, *end, *line_start;
  int line;
  struct Source *by;          /* NULL: the flow's file */
} Source;

typedef struct Expand {
  Diags *d;
  const char *path, *root;    /* of the flow; its real folder */
  Buf *out, map;
  int line, depth, forms;     /* of out */
  size_t line_start;
  bool any, failed;
} Expand;

/* --- positions ---------------------------------------------------------------------------------------------------------- */
static int columns(const char *from, const char *to) { /* 1-based, in characters */
  int n = 1;
  for (; from < to; from++) n += ((uint8_t)*from & 0xc0) != 0x80;
  return n;
}

static const char *below_root(const Expand *x, const Source *s) {
  size_t n = strlen(x->root);
  return s->by ? s->real + n + (s->real[n] == '/') : "";
}

/* From here on the output is what s has from here on. */
static void note_piece(Expand *x, const Source *s) {
  const char *out = buf_cstr(x->out);
  int col = columns(out + x->line_start, out + x->out->n);
  buf_fmt(&x->map, "%s%d:%d \"%s\" %d:%d\n", from_mark, x->line, col, below_root(x, s), s->line, columns(s->line_start, s->p));
}

/* A path below the flow's folder, written as the flow's own was. */
static char *beside(const char *path, const char *name) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  Buf b = {0};
  buf_fmt(&b, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path ? path : "", name);
  return buf_cstr(&b);
}

static bool fail(Expand *x, const Source *s, const char *at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool fail(Expand *x, const Source *s, const char *at, const char *fmt, ...) {
  char text[PATH_MAX + 256];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  char *file = s->by ? beside(x->path, below_root(x, s)) : NULL;
  if (!x->failed) diags_error(x->d, DIAG_flow_include_invalid, file, s->line, columns(s->line_start, at), text);
  free(file);
  x->failed = true;
  return false;
}

/* --- copying ------------------------------------------------------------------------------------------------------------ */
static void put(Expand *x, const char *p, size_t n) {
  size_t at = x->out->n;
  buf_add(x->out, p, n);
  for (size_t i = 0; i < n; i++)
    if (p[i] == '\n') {
      x->line++;
      x->line_start = at + i + 1;
    }
}

/* What was scanned up to `to`. */
static void take(Expand *x, Source *s, const char *to) {
  put(x, s->p, (size_t)(to - s->p));
  for (const char *p = s->p; p < to; p++)
    if (*p == '\n') {
      s->line++;
      s->line_start = p + 1;
    }
  s->p = to;
}

static bool blank(char c) { return c == ' ' || c == ',' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }
static bool ends_token(char c) { return blank(c) || memchr("()[]{}\";@^`~", c, 13); }

static const char *behind_line(const Source *s, const char *p) {
  while (p < s->end && *p != '\n') p++;
  return p;
}

static const char *behind_string(const Source *s, const char *p) { /* p: behind the opening quote */
  while (p < s->end && *p != '"') p += *p == '\\' && s->end - p > 1 ? 2 : 1;
  return p < s->end ? p + 1 : p;
}

static const char *behind_token(const Source *s, const char *p) {
  while (p < s->end && !ends_token(*p)) p++;
  return p;
}

static const char *behind_char(const Source *s, const char *p) { /* p: behind the backslash; \( and \; are characters */
  if (p < s->end) p++;
  while (p < s->end && ((uint8_t)*p & 0xc0) == 0x80) p++;
  return behind_token(s, p);
}

static bool starts(const Source *s, const char *what) {
  size_t n = strlen(what);
  return (size_t)(s->end - s->p) >= n && !memcmp(s->p, what, n);
}

/* Blanks and comments. */
static void skip(Expand *x, Source *s) {
  for (;;) {
    const char *p = s->p;
    while (p < s->end && blank(*p)) p++;
    if (p < s->end && *p == ';') p = behind_line(s, p);
    else if (s->end - p > 1 && p[0] == '#' && p[1] == '!') p = behind_line(s, p);
    if (p == s->p) return;
    take(x, s, p);
  }
}

/* --- files ---------------------------------------------------------------------------------------------------------------- */
static bool inside(const char *root, const char *real) {
  size_t n = strlen(root);
  return !strcmp(root, "/") || (!strncmp(root, real, n) && real[n] == '/');
}

static bool is_open(const Source *s, const char *real) {
  for (; s; s = s->by)
    if (s->real && !strcmp(s->real, real)) return true;
  return false;
}

static bool read_all(int fd, Buf *b) {
  char part[16384];
  ssize_t n;
  while ((n = read(fd, part, sizeof part)) > 0 && b->n <= INCLUDE_BYTES) buf_add(b, part, (size_t)n);
  return n >= 0;
}

/* The file behind a path, checked: text and real. */
static bool open_include(Expand *x, const Source *s, const char *at, const char *path, Buf *text, char **real) {
  char whole[PATH_MAX];
  struct stat st;
  if (!*path) return fail(x, s, at, "the path of the include is empty");
  if (*path == '/') return fail(x, s, at, "the include \"%s\" is an absolute path: write it relative to this file", path);
  if (snprintf(whole, sizeof whole, "%s/%s", s->dir, path) >= (int)sizeof whole) return fail(x, s, at, "the path of the include is too long");
  if (!(*real = realpath(whole, NULL))) return fail(x, s, at, "cannot include \"%s\": %s", path, strerror(errno));
  if (!inside(x->root, *real)) return fail(x, s, at, "the include \"%s\" is outside of the folder of the flow", path);
  if (is_open(s, *real)) return fail(x, s, at, "the include \"%s\" goes in circles: that file is being included already", path);
  if (strpbrk(*real, "\"\n\\")) return fail(x, s, at, "the include \"%s\" has a quote, a backslash or a line break in its path", path);
  int fd = open(*real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool ok = fd >= 0 && !fstat(fd, &st);
  if (ok && !S_ISREG(st.st_mode)) fail(x, s, at, "cannot include \"%s\": it is no regular file", path);
  else if (!ok || !read_all(fd, text)) fail(x, s, at, "cannot include \"%s\": %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  return !x->failed;
}

static void form(Expand *x, Source *s, bool mute);
static void expand_all(Expand *x, Source *s);

/* Is the last line of what was put out a comment? Then what follows must not be swallowed. */
static void end_piece(Expand *x, const Source *s) {
  bool open = s->p > s->text && memchr(s->line_start, ';', (size_t)(s->p - s->line_start));
  put(x, open ? "\n" : " ", 1);
}

static char *dir_of(const char *real) {
  const char *slash = strrchr(real, '/');
  return slash == real ? strdup("/") : strndup(real, (size_t)(slash - real));
}

static void put_file(Expand *x, Source *by, const char *real, const Buf *text) {
  Source s = {.real = (char *)(uintptr_t)real, .dir = dir_of(real), .text = text->p ? text->p : "", .line = 1, .by = by};
  if (!s.dir) mem_exhausted(0);
  s.p = s.line_start = s.text;
  s.end = s.text + text->n;
  x->depth++;
  note_piece(x, &s);
  expand_all(x, &s);
  if (!x->failed) end_piece(x, &s);
  x->depth--;
  free(s.dir);
}

/* #flow/include "path": s->p is at the tag. */
static void include(Expand *x, Source *s) {
  const char *at = s->p, *q = s->p + strlen(tag);
  Buf text = {0};
  char *real = NULL;
  while (q < s->end && blank(*q) && *q != '\n') q++;
  if (q == s->end || *q != '"') {
    fail(x, s, at, "#flow/include takes a path in quotes on the same line, such as #flow/include \"lib/steps.clj\"");
    return;
  }
  const char *end = behind_string(s, q + 1);
  Val path = read_one(q, (size_t)(end - q), NULL, true);
  if (is_sig(path)) pend.ex = NIL;
  if (!is_str(path) || strlen(str_s(path)) != str_n(path)) fail(x, s, at, "the path behind #flow/include is no string that ends");
  else if (x->depth >= INCLUDE_DEPTH) fail(x, s, at, "includes are nested more than %d deep", INCLUDE_DEPTH);
  else if (open_include(x, s, at, str_s(path), &text, &real)) {
    x->any = true;
    put_file(x, s, real, &text);
    if (x->out->n + x->map.n > INCLUDE_BYTES) fail(x, s, at, "the flow with all that it includes has more than 16 MiB");
    for (; s->p < end; s->p++)
      if (*s->p == '\n') s->line++, s->line_start = s->p + 1;
    note_piece(x, s);
  }
  buf_free(&text);
  free(real);
}

/* Behind #_ nothing is included, and the reader need not know the tag: nil and blanks take its place, as wide as it was. */
static void mute_include(Expand *x, Source *s) {
  const char *q = s->p + strlen(tag);
  put(x, "nil          ", strlen(tag));
  s->p = q;
  while (s->p < s->end && blank(*s->p)) take(x, s, s->p + 1);
  if (s->p == s->end || *s->p != '"') return;
  for (const char *end = behind_string(s, s->p + 1); s->p < end;) {
    bool line_end = *s->p == '\n';
    if (line_end) {
      take(x, s, s->p + 1);
    } else {
      put(x, " ", ((uint8_t)*s->p & 0xc0) != 0x80);
      s->p++;
    }
  }
}

/* --- forms ---------------------------------------------------------------------------------------------------------------- */
static void discard(Expand *x, Source *s) {
  take(x, s, s->p + 2);
  form(x, s, true);
}

/* Everything up to the closer of the delimiter that was just taken, or to the end. */
static void inner(Expand *x, Source *s, bool mute) {
  for (skip(x, s); s->p < s->end && !x->failed; skip(x, s)) {
    if (memchr(")]}", *s->p, 3)) {
      take(x, s, s->p + 1);
      return;
    }
    form(x, s, mute);
  }
}

/* Length of a prefix that a form follows; 0: none. */
static size_t prefix_of(const Source *s) {
  static const char *const all[] = {"#?@", "~@", "#'", "#^", "#=", "#?", "'", "`", "~", "@", "^"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (starts(s, all[i])) return strlen(all[i]);
  return 0;
}

static bool is_include(const Source *s) {
  const char *q = s->p + strlen(tag);
  return starts(s, tag) && (q == s->end || ends_token(*q));
}

/* "#tag form" and "#:ns{..}"; the tag's text has been taken. */
static void tagged(Expand *x, Source *s, bool mute) {
  take(x, s, behind_token(s, s->p + 1));
  form(x, s, mute);
}

static void dispatch(Expand *x, Source *s, bool mute) {
  char c = s->end - s->p > 1 ? s->p[1] : ' ';
  if (is_include(s)) mute ? mute_include(x, s) : include(x, s);
  else if (c == '"') take(x, s, behind_string(s, s->p + 2));
  else if (c == '(' || c == '{') take(x, s, s->p + 2), inner(x, s, mute);
  else if (c == '#') take(x, s, behind_token(s, s->p + 2));
  else if (blank(c)) take(x, s, s->p + 1);
  else tagged(x, s, mute);
}

/* One form, with the discards in front of it. */
static void form(Expand *x, Source *s, bool mute) {
  if (x->forms >= FORM_DEPTH) { /* the reader refuses it */
    take(x, s, s->end);
    return;
  }
  x->forms++;
  for (skip(x, s); s->p < s->end && starts(s, "#_"); skip(x, s)) discard(x, s);
  size_t prefix = s->p < s->end ? prefix_of(s) : 0;
  if (s->p == s->end || memchr(")]}", *s->p, 3)) {
  } else if (prefix) {
    bool meta = s->p[prefix - 1] == '^';
    take(x, s, s->p + prefix);
    form(x, s, mute);
    if (meta) form(x, s, mute);
  } else if (memchr("([{", *s->p, 3)) {
    take(x, s, s->p + 1);
    inner(x, s, mute);
  } else if (*s->p == '"') {
    take(x, s, behind_string(s, s->p + 1));
  } else if (*s->p == '\\') {
    take(x, s, behind_char(s, s->p + 1));
  } else if (*s->p == '#') {
    dispatch(x, s, mute);
  } else {
    const char *to = behind_token(s, s->p);
    take(x, s, to > s->p ? to : s->p + 1);
  }
  x->forms--;
}

static void expand_all(Expand *x, Source *s) {
  for (skip(x, s); s->p < s->end && !x->failed; skip(x, s)) {
    if (memchr(")]}", *s->p, 3)) take(x, s, s->p + 1); /* closes nothing: the reader says so */
    else form(x, s, false);
  }
}

/* Real folder of the flow's file. */
static char *root_of(const char *path) {
  char *real = path && strcmp(path, "-") ? realpath(path, NULL) : NULL, *dir = real ? dir_of(real) : realpath(".", NULL);
  free(real);
  return dir;
}

bool flow_include(const char *text, size_t n, const char *path, Diags *d, Buf *out) {
  out->n = 0;
  if (!memmem(text, n, tag, strlen(tag))) return buf_add(out, text, n), true;
  char *root = root_of(path);
  if (!root) return buf_add(out, text, n), true;
  Expand x = {.d = d, .path = path, .root = root, .out = out, .line = 1};
  Source s = {.real = path ? realpath(path, NULL) : NULL, .dir = root, .text = text, .p = text, .end = text + n, .line_start = text, .line = 1};
  buf_cstr(out);
  expand_all(&x, &s);
  if (!x.failed && x.any) {
    put(&x, "\n", 1);
    buf_add(out, x.map.p ? x.map.p : "", x.map.n);
  }
  buf_free(&x.map);
  free(s.real);
  free(root);
  return !x.failed;
}

/* --- back to the files ------------------------------------------------------------------------------------------------------ */
/* The comment lines at the end of the text. */
static const char *map_of(const char *text, size_t n) {
  const char *map = NULL, *p = text + n;
  while (p > text) {
    const char *end = p[-1] == '\n' ? p - 1 : p, *from = end;
    while (from > text && from[-1] != '\n') from--;
    if ((size_t)(end - from) < sizeof from_mark || memcmp(from, from_mark, sizeof from_mark - 1)) break;
    map = p = from;
  }
  return map;
}

typedef struct Piece { int line, col, from_line, from_col; char file[1024]; } Piece;

static bool piece_read(const char *p, const char *end, Piece *out) {
  char row[1200];
  size_t n = (size_t)(end - p);
  if (n >= sizeof row) return false;
  memcpy(row, p, n);
  row[n] = 0;
  out->file[0] = 0;
  if (sscanf(row, ";#flow/from %9d:%9d \"\" %9d:%9d", &out->line, &out->col, &out->from_line, &out->from_col) == 4) return true;
  return sscanf(row, ";#flow/from %9d:%9d \"%1023[^\"]\" %9d:%9d", &out->line, &out->col, out->file, &out->from_line, &out->from_col) == 5;
}

void flow_include_position(const char *text, size_t n, const char *path, int *line, int *col, char **file) {
  Piece best = {0}, x;
  *file = NULL;
  for (const char *p = map_of(text, n), *end; p && p < text + n; p = end + 1) {
    end = memchr(p, '\n', (size_t)(text + n - p));
    if (!end) end = text + n;
    if (piece_read(p, end, &x) && (x.line < *line || (x.line == *line && x.col <= *col))) best = x;
  }
  if (!best.line) return;
  *col = *line == best.line ? best.from_col + (*col - best.col) : *col;
  *line = best.from_line + (*line - best.line);
  if (*best.file) *file = beside(path, best.file);
}

/* "(FILE:LINE:COLUMN)" at p, FILE the flow's: its position. */
static bool position_read(const char *p, const FlowDef *f, int *line, int *col, const char **end) {
  size_t n = strlen(f->file);
  int used = 0;
  if (*p != '(' || strncmp(p + 1, f->file, n) || sscanf(p + 1 + n, ":%9d:%9d)%n", line, col, &used) != 2 || !used) return false;
  *end = p + 1 + n + used;
  return true;
}

Val flow_include_trace(const FlowDef *f, Val trace) {
  Buf b = {0};
  int line, col;
  if (!f || !f->file || !is_str(trace) || !map_of(f->text, f->text_n)) return trace;
  for (const char *p = str_s(trace), *end; *p; p = end) {
    char *file = NULL;
    if (!position_read(p, f, &line, &col, &end)) {
      buf_ch(&b, *p);
      end = p + 1;
      continue;
    }
    flow_include_position(f->text, f->text_n, f->file, &line, &col, &file);
    buf_fmt(&b, "(%s:%d:%d)", file ? file : f->file, line, col);
    free(file);
  }
  return buf_str(&b);
}

void flow_include_diags(const char *text, size_t n, const char *path, Diags *d, size_t from) {
  if (!map_of(text, n)) return;
  for (size_t i = from; i < d->n; i++)
    if (d->a[i].line && !d->a[i].file) flow_include_position(text, n, path, &d->a[i].line, &d->a[i].col, &d->a[i].file);
}
