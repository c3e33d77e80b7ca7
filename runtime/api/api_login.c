/* api_login.c - /cli/auth?redirect_uri=U&state=S, the page that a client's `auth login` opens in a browser (http-api.md A7). This server knows
 * API keys alone: the page asks for one, and sends the browser on to the client, which listens on the loopback of the same machine, with the key
 * as its token. The key is in the body of the form and in that last address, nowhere else. */
#include "api.h"
#include "runtime/resource/resource.h"
#include "runtime/wait/wait_answer.h"
#include "runtime/wait/wait_page.h"
#include <stdio.h>
#include <string.h>

/* To the machine of whoever looks at the page and nowhere else: a link to this page must not carry a key away. */
static bool is_loopback(const char *uri) {
  static const char *const hosts[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    size_t n = strlen(hosts[i]);
    if (strncmp(uri, hosts[i], n)) continue;
    const char *p = uri + n;
    size_t digits = strspn(p, "0123456789");
    for (p += digits; *p; p++)
      if (p - uri > 1000 || *p <= ' ' || *p > '~' || strchr("\\#\"<>", *p)) return false;
    return digits && digits <= 5 && (!uri[n + digits] || strchr("/?", uri[n + digits]));
  }
  return false;
}

static const char *asked(const ListenRequest *r, const char *name) {
  for (size_t i = 0; i < r->nquery; i++)
    if (!strcmp(r->query[i].name, name)) return r->query[i].value;
  return "";
}

static void pair(Buf *b, const char *name, const char *value) {
  buf_c(b, name);
  resource_percent(b, value);
}

static void send_on(const ApiCall *c, const char *key, Buf *page) {
  const char *uri = asked(c->request, "redirect_uri");
  char seconds[24];
  Buf to = {0};
  snprintf(seconds, sizeof seconds, "%lld", (long long)api_key_seconds(c));
  buf_c(&to, uri);
  pair(&to, strchr(uri, '?') ? "&state=" : "?state=", asked(c->request, "state"));
  pair(&to, "&token=", key);
  pair(&to, "&refresh_token=", key);
  pair(&to, "&expires_in=", seconds);
  wait_page_onward(page, "Logged in", "Back to the command line", buf_cstr(&to));
  buf_free(&to);
}

static void ask(Buf *page, const char *problem) {
  Val field[] = {kw_c("key"), str_c("key"), kw_c("label"), str_c("API key"), kw_c("field-type"), str_c("password"), kw_c("required"), TRUE_V};
  Val one = map_from(field, 4, false);
  Val spec[] = {kw_c("title"), str_c("Log the command line in"), kw_c("summary"),
                str_c("A program on this computer asks to work with this server in your name. Give it an API key (bsa_sak-...): the server printed one "
                      "when it was started first, and `breyta service-accounts keys create` makes more."),
                kw_c("fields"), vec_from(&one, 1)};
  wait_page_form(page, map_from(spec, 3, false), "Log in", problem);
}

/* 200 and where to go on, or why not. */
static void posted(ApiCall *c, Buf *page) {
  Val body, key = NIL;
  Err err = {0};
  if (wait_body(c->request, &body, &err) && is_map(body)) key = map_get_kw(body, "key");
  if (is_str(key) && api_authenticate_key(c, str_s(key))) {
    send_on(c, str_s(key), page);
    return;
  }
  if (!is_str(key)) api_fail(c, 400, "bad_request", "the form has no field key");
  ask(page, c->status == 401 ? "This key is unknown, has expired, or was revoked." : buf_cstr(&c->message));
}

void api_login(ApiCall *c) {
  Buf page = {0};
  c->status = 200;
  if (!is_loopback(asked(c->request, "redirect_uri"))) {
    c->status = 400;
    wait_page_note(&page, "Not logged in", "The address of this page is not complete: redirect_uri must be http://127.0.0.1:PORT/... of the program that asked.");
  } else if (!strcmp(c->request->method, "POST")) {
    posted(c, &page);
  } else {
    ask(&page, NULL);
  }
  int status = c->status;
  api_raw(c, listener_page_type, page.p, page.n);
  c->status = status;
  buf_free(&page);
}
