/* multipart.c - see multipart.h */
#include "multipart.h"
#include "reader/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70 };

static const char *skip(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t')) p++;
  return p;
}

/* The value of a parameter "; name=value" or "; name=\"va\\\"lue\"" behind p; false: there is none. Too long is cut. */
static bool parameter(const char *p, const char *end, const char *name, char *out, size_t size) {
  size_t k = strlen(name);
  while (p < end && (p = memchr(p, ';', (size_t)(end - p)))) {
    p = skip(p + 1, end);
    bool it = (size_t)(end - p) > k && !strncasecmp(p, name, k) && p[k] == '=';
    while (p < end && *p != '=' && *p != ';') p++;
    if (p == end || *p == ';') continue;
    bool quoted = ++p < end && *p == '"';
    size_t n = 0;
    for (p += quoted; p < end && *p != (quoted ? '"' : ';'); p++) {
      if (quoted && *p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\')) p++;
      if (it && n + 1 < size) out[n++] = *p;
    }
    if (!it) continue;
    if (n + 1 == size && n) n = utf8_whole(out, n);
    while (!quoted && n && (out[n - 1] == ' ' || out[n - 1] == '\t')) n--;
    out[n] = 0;
    return true;
  }
  return false;
}

bool multipart_is(const char *type) { return type && !strncasecmp(type, "multipart/form-data", 19) && strchr("; \t", type[19]); }

static bool plain(const char *s) {
  for (const char *c = s; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 127) return false;
  return utf8_valid(s, strlen(s));
}

static void last_segment(char *s) {
  char *cut = s;
  for (char *c = s; *c; c++)
    if (*c == '/' || *c == '\\') cut = c + 1;
  memmove(s, cut, strlen(cut) + 1);
  if (!strcmp(s, ".") || !strcmp(s, "..")) *s = 0;
}

/* One line of a part's head. */
static void head_line(const char *p, const char *end, MultipartPart *part, bool *named) {
  static const char disposition[] = "content-disposition:", type[] = "content-type:";
  size_t n = (size_t)(end - p);
  if (n >= sizeof disposition - 1 && !strncasecmp(p, disposition, sizeof disposition - 1)) {
    *named = parameter(p, end, "name", part->name, sizeof part->name);
    part->file = parameter(p, end, "filename", part->filename, sizeof part->filename);
    last_segment(part->filename);
  } else if (n >= sizeof type - 1 && !strncasecmp(p, type, sizeof type - 1)) {
    p = skip(p + sizeof type - 1, end);
    snprintf(part->type, sizeof part->type, "%.*s", (int)(end - p < 250 ? end - p : 250), p);
  }
}

/* The head of a part from p; *body is behind it. */
static bool head(const char *p, const char *end, MultipartPart *part, const char **body, Err *e) {
  bool named = false;
  *part = (MultipartPart){0};
  const char *from = p;
  for (;;) {
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    if (!nl || nl - from > MULTIPART_HEAD) return err_set(e, "bad_request", "multipart: the headers of a part do not end, or are too long");
    const char *stop = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
    if (stop == p) {
      *body = nl + 1;
      break;
    }
    head_line(p, stop, part, &named);
    p = nl + 1;
  }
  if (!named || !*part->name) return err_set(e, "bad_request", "multipart: a part has no name");
  return (plain(part->name) && plain(part->filename) && plain(part->type)) ||
         err_set(e, "bad_request", "multipart: names must be UTF-8 without control characters");
}

/* The end of the part's body that begins at p: the line break before the next boundary. *next is behind the boundary. */
static const char *body_end(const char *p, const char *end, const char *mark, size_t nmark, const char **next) {
  if ((size_t)(end - p) >= nmark - 2 && !memcmp(p, mark + 2, nmark - 2)) { /* an empty body whose line break is that of the head */
    *next = p + nmark - 2;
    return p;
  }
  const char *at = memmem(p, (size_t)(end - p), mark, nmark);
  *next = at ? at + nmark : NULL;
  return at;
}

bool multipart_parse(const char *type, const char *p, size_t n, bool (*f)(void *ctx, const MultipartPart *part), void *ctx, Err *e) {
  char boundary[BOUNDARY_MAX + 2] = "", mark[BOUNDARY_MAX + 8];
  const char *end = p + n, *next;
  MultipartPart part;
  if (!parameter(type, type + strlen(type), "boundary", boundary, sizeof boundary) || !*boundary || strlen(boundary) > BOUNDARY_MAX)
    return err_set(e, "bad_request", "multipart: Content-Type has no boundary of at most %d characters", BOUNDARY_MAX);
  size_t nmark = (size_t)snprintf(mark, sizeof mark, "\r\n--%s", boundary);
  body_end(p, end, mark, nmark, &next); /* what stands before the first boundary is nothing */
  for (int parts = 0; next; parts++) {
    if (end - next >= 2 && !memcmp(next, "--", 2)) return true;
    p = skip(next, end);
    if (end - p < 2 || memcmp(p, "\r\n", 2)) return err_set(e, "bad_request", "multipart: a boundary is not followed by a line break");
    if (parts == MULTIPART_PARTS) return err_set(e, "bad_request", "multipart: more than %d parts", MULTIPART_PARTS);
    if (!head(p + 2, end, &part, &part.body, e)) return false;
    const char *body = part.body, *stop = body_end(body, end, mark, nmark, &next);
    if (!stop) break;
    part.n = (size_t)(stop - body);
    if (!f(ctx, &part)) return e->code ? false : err_set(e, "bad_request", "multipart: the rest is not wanted");
  }
  return err_set(e, "bad_request", "multipart: the closing boundary is missing");
}
