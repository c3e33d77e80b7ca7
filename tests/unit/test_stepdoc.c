/* test_stepdoc.c - the reference of steps against the checker that it describes: every option and every field is documented, a literal of
 * the documented type passes, one of another type does not, and what is not documented is unknown. */
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/text.h"
#include "runtime/engine/engine.h"
#include "runtime/flow/step_doc.h"
#include "runtime/flow/step_options.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* A literal of the type, and one that it is not (NULL: anything goes). */
static const struct { const char *good, *wrong; } samples[] = {
    [OPT_ANY] = {"1", NULL},
    [OPT_STRING] = {"\"x\"", "1"},
    [OPT_KEYWORD] = {":x", "1"},
    [OPT_NAME] = {":x", "1"},
    [OPT_MAP] = {"{}", "1"},
    [OPT_VECTOR] = {"[]", "1"},
    [OPT_COLL] = {"[1]", "1"},
    [OPT_BOOL] = {"true", "1"},
    [OPT_INT] = {"3", "-1"},
    [OPT_NUMBER] = {"1.5", "-1"},
    [OPT_SECONDS] = {"\"10s\"", "\"soon\""},
    [OPT_MILLIS] = {"250", "\"soon\""},
    [OPT_ENUM] = {NULL, ":no-such-thing"},
    [OPT_CODE] = {"(quote (fn [x] x))", "1"},
    [OPT_RETRY] = {"{:max-attempts 3}", "1"},
    [OPT_PERSIST] = {"{:type :blob}", "1"},
    [OPT_STATUSES] = {"#{404}", "#{7}"},
    [OPT_URL] = {"\"https://a.example/\"", "\"a.example\""},
    [OPT_STR_OR_MAP] = {"\"x\"", "1"},
    [OPT_STR_OR_VEC] = {"[\"x\"]", "1"},
    [OPT_HUMAN] = {"true", "1"},
    [OPT_APPROVAL] = {"true", "1"},
    [OPT_EXPECT] = {"\"it is there\"", "1"},
};

static bool said(const Diags *d, const char *code, const char *option) {
  char name[80];
  snprintf(name, sizeof name, ":%s", option);
  for (size_t i = 0; i < d->n; i++)
    if (!strcmp(d->a[i].code, code) && strstr(d->a[i].message, name)) return true;
  return false;
}

/* Does the checker say `code` about this option of a step of the family? */
static bool complains(const char *family, const char *option, const char *literal, const char *code) {
  Buf b = {0};
  Diags d = {0};
  buf_fmt(&b, "{:slug :t :name \"T\" :concurrency {:type :singleton :on-new-version :drain} :flow '(flow/step :%s :s {:%s %s})}", family, option, literal);
  flowdef_read(buf_cstr(&b), b.n, "t.edn", &d);
  bool yes = said(&d, code, option);
  if (getenv("SHOW")) {
    Buf out = {0};
    diags_print(&d, buf_cstr(&b), &out);
    print_message("%s", buf_cstr(&out));
  }
  diags_free(&d);
  buf_free(&b);
  return yes;
}

/* Options whose readers want more than the type says. */
static const struct { const char *kind, *name, *good; } exact[] = {
    {"wait", "notify", "{:channels {:http {:url \"https://a.example/\"}}}"},
    {"wait", "webhook", "{:path \"p\" :auth {:type :hmac-sha256 :secret-ref :k}}"},
    {"wait", "event", "{:name :done :key {:path [:id]}}"},
    {"wait", "validation", "{:required [:id]}"},
    {"db", "params", "[1]"},
    {"fanout", "items", "[{:flow-slug \"child\"}]"},
    {"notify", "channels", "{:http {:url \"https://a.example/\"}}"},
};

static void good_literal(const StepDocOption *o, char *out, size_t size) {
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
    if (!strcmp(exact[i].kind, o->kind) && !strcmp(exact[i].name, o->name)) {
      snprintf(out, size, "%s", exact[i].good);
      return;
    }
  if (o->type == OPT_ENUM) snprintf(out, size, ":%.*s", (int)strcspn(o->allowed, " "), o->allowed);
  else snprintf(out, size, "%s", samples[o->type].good);
}

/* Options of databases that this build does not run: refused beside SQL whatever they are. */
static bool elsewhere(const StepDocOption *o) {
  return !strcmp(o->kind, "db") && (!strncmp(o->doc, "of Firestore", 12) || !strncmp(o->doc, "of BigQuery", 11));
}

static int one_option(const char *family, const StepDocOption *o) {
  char good[80];
  const char *wrong = samples[o->type].wrong, *says = NULL;
  good_literal(o, good, sizeof good);
  if (complains(family, o->name, good, "flow_step_option_unknown")) says = "is documented and unknown";
  else if (elsewhere(o) != complains(family, o->name, good, "flow_step_option_invalid")) says = "is refused with a value of its type";
  else if (wrong && !complains(family, o->name, wrong, "flow_step_option_invalid")) says = "takes a value of another type";
  if (says) print_error(":%s of :%s (%s) %s\n", o->name, family, step_doc_type(o), says);
  return says != NULL;
}

static void test_options(void **state) {
  (void)state;
  size_t checked = 0;
  int bad = 0;
  for (size_t f = 0; f < step_doc_nfamilies; f++) {
    const StepDocFamily *fam = &step_doc_families[f];
    if (!fam->runs || !strcmp(fam->name, "code")) continue;
    for (size_t i = 0; i < step_doc_noptions; i++) {
      const StepDocOption *o = &step_doc_options[i];
      if (strcmp(o->kind, fam->name) && strcmp(o->kind, "*")) continue;
      bad += one_option(fam->name, o);
      checked++;
    }
    assert_true(complains(fam->name, "no-such-option", "1", "flow_step_option_unknown"));
  }
  assert_int_equal(bad, 0);
  assert_true(checked > 100);
}

static void test_documented(void **state) {
  (void)state;
  for (size_t i = 0; i < step_doc_nfamilies; i++) assert_true(strlen(step_doc_families[i].doc) > 5);
  for (size_t i = 0; i < step_doc_noptions; i++) {
    const StepDocOption *o = &step_doc_options[i];
    if (strlen(o->doc) < 5) fail_msg(":%s of :%s has no doc", o->name, o->kind);
    if (strcmp(o->kind, "*") && !step_doc_family(o->kind)) fail_msg(":%s is of :%s, which is no family", o->name, o->kind);
    if ((o->type == OPT_ENUM) != (o->allowed != NULL)) fail_msg(":%s of :%s: allowed words go with OPT_ENUM", o->name, o->kind);
  }
  for (size_t i = 0; i < step_doc_none_of; i++)
    for (const char *p = step_doc_one_of[i].names; *p;) {
      char name[64];
      size_t n = strcspn(p, " ");
      snprintf(name, sizeof name, "%.*s", (int)n, p);
      if (!step_doc_option(step_doc_one_of[i].kind, name)) fail_msg("a rule names :%s, which :%s does not have", name, step_doc_one_of[i].kind);
      p += n + (p[n] == ' ');
    }
}

/* Fields whose reader refuses what it does not know. */
static void test_fields(void **state) {
  (void)state;
  static const struct { const char *option, *field, *map; } maps[] = {
      {"retry", "max-attempts", "{:max-attempts 0}"},     {"retry", "backoff", "{:backoff :up}"},
      {"retry", "backoff-ms", "{:backoff-ms :x}"},        {"retry", "max-backoff-ms", "{:max-backoff-ms :x}"},
      {"retry", "jitter", "{:jitter 1}"},                 {"retry", "retry-on", "{:retry-on 1}"},
      {"persist", "type", "{:type :tape}"},               {"persist", "filename", "{:type :blob :filename 1}"},
      {"persist", "content-type", "{:type :blob :content-type 1}"}, {"persist", "tier", "{:type :blob :tier :x}"},
      {"persist", "signed-url", "{:type :blob :signed-url 1}"},     {"persist", "search-index", "{:type :blob :search-index 1}"},
      {"persist", "key", "{:type :kv :key 1}"},           {"persist", "ttl", "{:type :kv :key :k :ttl 0}"},
      {"review", "title", "{:title 1}"},                  {"review", "message", "{:message 1}"},
      {"review", "fields", "{:fields 1}"},                {"review", "timeout", "{:timeout :x}"},
      {"confirm", "title", "{:title 1}"},                 {"confirm", "message", "{:message 1}"},
      {"confirm", "fields", "{:fields 1}"},               {"confirm", "timeout", "{:timeout :x}"}};
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
    bool documented = false;
    for (size_t k = 0; k < step_doc_nfields; k++)
      documented |= !strcmp(step_doc_fields[k].option, maps[i].option) && !strcmp(step_doc_fields[k].name, maps[i].field);
    if (!documented) fail_msg(":%s of :%s is read and not documented", maps[i].field, maps[i].option);
    if (!complains("http", maps[i].option, maps[i].map, "flow_step_option_invalid")) fail_msg(":%s %s is accepted", maps[i].option, maps[i].map);
  }
  for (size_t k = 0; k < step_doc_nfields; k++) {
    const StepDocField *f = &step_doc_fields[k];
    assert_true(strlen(f->doc) > 5 && strlen(f->type) > 2);
    if (!step_doc_option(f->kind, f->option)) fail_msg("fields of :%s, which :%s does not have", f->option, f->kind);
  }
}

static int start(void **state) {
  (void)state;
  mem_init();
  stdlib_register();
  engine_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_documented), cmocka_unit_test(test_options), cmocka_unit_test(test_fields)};
  return cmocka_run_group_tests(tests, start, NULL);
}
