/* api_body.c - see api_body.h. */
#include "api_body.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/engine/body_read.h"

/* Helper thread. */
static void read_json(const ListenRequest *r, BodyRead *out) {
  out->value = json_parse(r->body, r->nbody, &out->err);
  hash_sha256_hex(r->body, r->nbody, out->hash);
}

bool api_body_far(ApiCall *c) {
  c->later = engine_listen_read(c->api->listener, c->request, read_json);
  return c->later;
}

Val api_body(const ApiCall *c, Err *e) {
  const BodyRead *read = c->request->read;
  if (!read) return json_parse(c->request->body, c->request->nbody, e);
  *e = read->err;
  return read->value;
}
