#include "table_seen.h"
#include <stdlib.h>
#include <string.h>

void table_seen_add(TableSeen *s, const char *name, const StoreTable *t) {
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->a[i].name, name)) return;
  if (s->n == TABLE_SEEN_MAX) abort();
  int i = s->n++;
  if (!(s->a[i].name = strdup(name))) abort();
  s->a[i].there = t != NULL;
  if (!t) return;
  s->a[i].id = t->id;
  s->a[i].meta = (Blob){malloc(t->meta.n + 1), t->meta.n};
  if (!s->a[i].meta.p) abort();
  memcpy(s->a[i].meta.p, t->meta.p, t->meta.n);
}

bool table_seen_still(const TableSeen *s, Store *store, const char *workspace) {
  bool still = true;
  for (int i = 0; i < s->n && still; i++) {
    StoreTable t = {0};
    Err e = {0};
    const Blob *was = &s->a[i].meta;
    bool there = store_table_get(store, workspace, s->a[i].name, &t, &e);
    still = !e.code && there == s->a[i].there && (!there || (t.id == s->a[i].id && t.meta.n == was->n && !memcmp(t.meta.p, was->p, was->n)));
    if (there) store_table_free(&t);
  }
  return still;
}

void table_seen_free(TableSeen *s) {
  for (int i = 0; i < s->n; i++) {
    free(s->a[i].name);
    blob_free(&s->a[i].meta);
  }
  *s = (TableSeen){0};
}
