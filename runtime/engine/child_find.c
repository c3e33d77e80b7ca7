/* child_find.c - see child_find.h */
#include "child_find.h"
#include "runtime/flow/flow_include.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/read.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, FILE_BYTES = 16 << 20 };

typedef struct Search {
  const char *slug;
  char *found[2];      /* two are one too many */
  Buf text;            /* of the first */
  Buf looked;          /* where */
  char *other;         /* a file of that name with another slug */
} Search;

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool flow_places_add(FlowPlaces *p, const char *path, Err *err) {
  struct stat st;
  if (stat(path, &st)) return err_set(err, "no_file", "%s: %s", path, strerror(errno));
  p->a = mem_raw_grow(p->a, (p->n + 1) * sizeof *p->a);
  p->a[p->n++] = mem_raw_copy(path);
  return true;
}

void flow_places_free(FlowPlaces *p) {
  for (size_t i = 0; i < p->n; i++) free(p->a[i]);
  mem_raw_free(p->a);
  *p = (FlowPlaces){0};
}

/* --- files ------------------------------------------------------------------------------- */
/* Text that cannot be completed stays as it is: reading it says why. */
static void put_includes(const char *path, Buf *b) {
  Diags d = {0};
  Buf whole = {0};
  bool ok = flow_include(b->p ? b->p : "", b->n, path, &d, &whole);
  diags_free(&d);
  if (!ok) {
    buf_free(&whole);
    return;
  }
  buf_free(b);
  *b = whole;
}

static bool file_text(const char *path, Buf *b) {
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  char part[16384];
  for (size_t n; b->n < FILE_BYTES && (n = fread(part, 1, sizeof part, f));) buf_add(b, part, n);
  fclose(f);
  put_includes(path, b);
  return true;
}

/* The slug of the flow that the text is; nil: it is none, or does not read. */
static Val slug_of(const char *path, const Buf *b) {
  Val v = b->n ? read_one(b->p, b->n, path, false) : NIL;
  if (is_sig(v)) pend.ex = NIL;
  if (is_sig(v) || !is_map(v) || is_nil(map_get_kw(v, "flow"))) return NIL;
  Val s = map_get_kw(v, "slug");
  return is_kw(s) ? AS(Kw, s)->name : is_str(s) ? s : NIL;
}

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* named: by its name it should be the flow. */
static void look_at(Search *s, const char *path, bool named) {
  Buf b = {0};
  if (!s->found[1] && file_text(path, &b)) {
    Val slug = slug_of(path, &b);
    bool it_is = is_str(slug) && !strcmp(str_s(slug), s->slug);
    if (!it_is && named && !s->other) s->other = mem_raw_copy(path);
    if (it_is && !s->found[0]) {
      s->found[0] = mem_raw_copy(path);
      s->text = b;
      b = (Buf){0};
    } else if (it_is && !same_file(s->found[0], path)) s->found[1] = mem_raw_copy(path);
  }
  buf_free(&b);
}

static bool edn_name(const char *name) {
  size_t n = strlen(name);
  return name[0] != '.' && n > 4 && !strcmp(name + n - 4, ".edn") && !(n > 9 && !strcmp(name + n - 9, ".test.edn"));
}

static void look_in(Search *s, const char *folder) {
  char path[PATH_BYTES];
  buf_fmt(&s->looked, "%s%s/", s->looked.n ? ", " : "", folder);
  if (snprintf(path, sizeof path, "%s/%s.edn", folder, s->slug) < (int)sizeof path) look_at(s, path, true);
  if (snprintf(path, sizeof path, "%s/%s/flow.edn", folder, s->slug) < (int)sizeof path) look_at(s, path, true);
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));)
    if (edn_name(e->d_name) && snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path) look_at(s, path, false);
  if (d) closedir(d);
}

static void look(Search *s, const char *place) {
  if (is_folder(place)) {
    look_in(s, place);
    return;
  }
  buf_fmt(&s->looked, "%s%s", s->looked.n ? ", " : "", place);
  look_at(s, place, false);
}

static void look_beside(Search *s, const char *file) {
  const char *slash = strrchr(file, '/');
  char *folder = slash ? mem_raw_copy(file) : mem_raw_copy(".");
  if (slash) folder[slash == file ? 1 : slash - file] = 0;
  look_in(s, folder);
  free(folder);
}

/* --- the search ------------------------------------------------------------------------------- */
static bool file_version(Val v) { return is_nil(v) || same(v, fix(0)) || kw_is(v, "draft") || kw_is(v, "latest"); }

static bool result(Search *s, const FlowWanted *w, FlowSource *out, Err *err) {
  if (s->found[1]) return err_set(err, "flow_ambiguous", "flow %s: both %s and %s have this :slug", w->slug, s->found[0], s->found[1]);
  if (!s->found[0])
    return err_set(err, "flow_not_found", "no flow has the :slug %s; looked in %s%s%s%s; --flows names other folders or files", w->slug,
                   s->looked.n ? buf_cstr(&s->looked) : "no place", s->other ? " (" : "", s->other ? s->other : "",
                   s->other ? " is there, and is no flow of this slug)" : "");
  if (!file_version(w->version)) return err_set(err, "flow_not_found", "flow %s: files have no versions, so only version 0 can be called", w->slug);
  out->file = s->found[0];
  s->found[0] = NULL;
  out->text = s->text;
  s->text = (Buf){0};
  out->version = 0;
  return true;
}

bool flow_places_find(void *places, const FlowWanted *w, FlowSource *out, Err *err) {
  const FlowPlaces *p = places;
  Search s = {.slug = w->slug};
  if (strchr(w->slug, '/') || w->slug[0] == '.') return err_set(err, "flow_not_found", "%s is no slug of a flow", w->slug);
  for (size_t i = 0; i < p->n; i++) look(&s, p->a[i]);
  if (w->from) look_beside(&s, w->from);
  bool ok = result(&s, w, out, err);
  free(s.found[0]);
  free(s.found[1]);
  free(s.other);
  buf_free(&s.text);
  buf_free(&s.looked);
  return ok;
}
