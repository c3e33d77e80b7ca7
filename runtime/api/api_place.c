/* api_place.c - what the steps of a run may use: the bindings and secrets of its (workspace, flow, target), looked at when a step asks.
 *
 * Bindings are those of conn_store.h under the target's name. A secret that a flow names is the one that the target has for this name
 * ("target" :secrets {name -> name in the vault}), else the workspace's of that name. */
#include "api.h"
#include "runtime/store/conn_store.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 1024 }; /* buckets, a power of two */
typedef struct Place {
  Api *api;
  char *workspace, *slug, *target;
  VaultPlace vault;
  SecretSource secrets; /* of the workspace */
  Target *t;
  struct Place *next;
} Place;
typedef struct TargetPlace {
  Place *a[PLACES];
} TargetPlace;

static Val bound(void *ctx, const char *slug, const char *slot, Err *e) {
  const Place *p = ctx;
  ConnPlace c = {.store = p->api->store, .workspace = p->workspace, .target = p->target};
  Val v = conn_place_bound(&c, slug, slot, e);
  if (!str_eq_c(map_get_kw(v, "status"), "disabled")) return v;
  err_set(e, "disabled", "the connection %.100s, which it is bound to, is switched off", str_s(map_get_kw(v, "id")));
  return NIL;
}

static Val all_bound(void *ctx, const char *after, size_t max, Err *e) {
  const Place *p = ctx;
  ConnPlace c = {.store = p->api->store, .workspace = p->workspace, .target = p->target};
  return conn_place_all(&c, after, max, e);
}

static void vault_name(const Place *p, const char *name, char out[VAULT_NAME_MAX + 1]) {
  char key[220];
  Val doc = NIL;
  int64_t rev;
  Err e = {0};
  snprintf(key, sizeof key, "%s/%s", p->slug, p->target);
  bool there = api_doc(p->api, p->workspace, "target", key, &doc, &rev, &e);
  Val all = there ? map_get_kw(doc, "secrets") : NIL, own = is_map(all) ? map_get(all, str_c(name), NIL) : NIL;
  snprintf(out, VAULT_NAME_MAX + 1, "%s", is_str(own) ? str_s(own) : name);
}

static bool has_secret(void *ctx, const char *name) {
  const Place *p = ctx;
  char own[VAULT_NAME_MAX + 1];
  if (strlen(name) > VAULT_NAME_MAX) return false;
  vault_name(p, name, own);
  return p->secrets.has(p->secrets.ctx, own);
}

static char *get_secret(void *ctx, const char *name, Err *e) {
  const Place *p = ctx;
  char own[VAULT_NAME_MAX + 1];
  vault_name(p, name, own);
  return p->secrets.get(p->secrets.ctx, own, e);
}

static Place *place_new(Api *a, const char *workspace, const char *slug, const char *target) {
  Place *p = mem_root(sizeof *p);
  p->api = a;
  p->workspace = strdup(workspace);
  p->slug = strdup(slug);
  p->target = strdup(target);
  if (!p->workspace || !p->slug || !p->target) abort();
  p->vault = (VaultPlace){a->vault, p->workspace};
  p->secrets = vault_source(&p->vault);
  p->t = target_new();
  target_behind(p->t, &(TargetStore){bound, all_bound, {has_secret, get_secret, p}, p});
  return p;
}

static uint32_t add_hash(uint32_t h, const char *s) {
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
  return (h ^ '/') * 16777619u;
}

const Target *api_place_target(void *ctx, const char *workspace, const char *slug, const char *target) {
  Api *a = ctx;
  if (!a->places) a->places = mem_root(sizeof *a->places);
  Place **at = &a->places->a[add_hash(add_hash(add_hash(2166136261u, workspace), slug), target) % PLACES];
  while (*at && (strcmp((*at)->workspace, workspace) || strcmp((*at)->slug, slug) || strcmp((*at)->target, target))) at = &(*at)->next;
  if (!*at) *at = place_new(a, workspace, slug, target);
  return (*at)->t;
}

void api_places_free(Api *a) {
  for (int i = 0; a->places && i < PLACES; i++)
    for (Place *p = a->places->a[i]; p; p = p->next) {
      target_free(p->t);
      free(p->workspace);
      free(p->slug);
      free(p->target);
    }
  a->places = NULL;
}
