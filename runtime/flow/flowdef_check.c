/* flowdef_check.c - the top level of a definition (spec/flows.md 1.1 to 1.7): identity, concurrency, invocations, interfaces,
 * schedules, triggers. Every function adds what is wrong and goes on. */
#include "flowdef_int.h"
#include "runtime/base/limits.h"
#include "runtime/base/cron.h"
#include "runtime/net/webhook_auth.h"
#include <strings.h>

typedef void (*ItemCheck)(Check *c, Val item, At at, Val *seen);

static const char *const top_fields[] = {
    "slug",     "name",        "description", "icon",      "tags",        "concurrency",   "deploy-key-required",
    "requires", "invocations", "interfaces",  "schedules", "triggers",    "templates",     "functions",
    "steps",    "agents",      "connections", "discover",  "marketplace", "publish-media", "flow"};
#define N_OF(a) (sizeof(a) / sizeof *(a))

static bool kw_one_of(Val v, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (kw_is(v, names[i])) return true;
  return false;
}

/* Items of a vector, each with its index on the path. */
static void each_item(Check *c, Val vec, At at, ItemCheck f, Val *seen) {
  for (uint32_t i = 0; i < vec_count(vec); i++) {
    Val item = vec_nth(vec, i);
    path_push(c, fix(i));
    f(c, item, at_kid(c, at, i, item), seen);
    path_pop(c);
  }
}

/* true when x was in the set before; adds it. */
static bool seen_before(Val *seen, Val x) {
  if (!same(set_get(*seen, x, ABSENT), ABSENT)) return true;
  Val s = set_conj(*seen, x);
  if (!is_sig(s)) *seen = s;
  return false;
}

/* --- identity ----------------------------------------------------------------------------------------------------- */
static void check_slug(Check *c, Val v, At at) {
  if (is_nil(v))
    diag_add(c, DIAG_missing_required_field, at, "add :slug :my-flow", "the definition has no :slug");
  else if (!safe_id_val(v, true))
    diag_add(c, DIAG_invalid_required_field, at, "a letter, then up to 127 of letters, digits, _ and -",
             ":slug must be an unqualified keyword, got %s", val_text(v));
}

static void check_name(Check *c, Val v, At at) {
  if (is_nil(v))
    diag_add(c, DIAG_missing_name, at, NULL, "the definition has no :name");
  else if (!is_str(v))
    diag_add(c, DIAG_invalid_field, at, "write :name \"...\"", ":name must be a string, got %s", val_text(v));
}

static void check_tags(Check *c, Val v, At at) {
  bool ok = is_vec(v);
  for (uint32_t i = 0; ok && i < vec_count(v); i++) ok = is_str(vec_nth(v, i)) || is_kw(vec_nth(v, i));
  if (!is_nil(v) && !ok)
    diag_add(c, DIAG_invalid_field, at, "write [\"a\" \"b\"]", ":tags must be a vector of strings or keywords, got %s", val_text(v));
}

static bool any_val(Val v) {
  (void)v;
  return true;
}
static bool bool_field(Val v) { return is_bool(v); }
static bool map_field(Val v) { return is_map(v); }
static bool coll_field(Val v) { return is_map(v) || is_vec(v) || is_set(v) || is_form_list(v); }

static void check_plain_field(Check *c, const char *key, bool (*ok)(Val), const char *what) {
  Val v = def_field(c, key);
  if (is_nil(v) || ok(v)) return;
  path_kw(c, key);
  diag_add(c, DIAG_invalid_field, at_field(c, c->root, key), NULL, ":%s must be %s, got %s", key, what, val_text(v));
  path_pop(c);
}

static void check_plain_fields(Check *c) {
  static const struct {
    const char *key, *what;
    bool (*ok)(Val);
  } rows[] = {{"description", "a string", is_str},
              {"icon", "a keyword", is_kw},
              {"deploy-key-required", "true or false", bool_field},
              {"connections", "a map", map_field},
              {"discover", "a map such as {:public true}", map_field},
              {"marketplace", "a map", map_field},
              {"publish-media", "anything", any_val},
              {"agents", "a collection of maps", coll_field}};
  for (size_t i = 0; i < N_OF(rows); i++) check_plain_field(c, rows[i].key, rows[i].ok, rows[i].what);
}

static void check_unknown_fields(Check *c) {
  MapIter it;
  Val k, v;
  map_iter(&it, c->f->map);
  while (map_next(&it, &k, &v)) {
    if (kw_one_of(k, top_fields, N_OF(top_fields))) continue;
    const char *name = is_kw(k) && is_nil(AS(Kw, k)->ns) ? str_s(AS(Kw, k)->name) : is_str(k) ? str_s(k) : "";
    const char *near = nearest_name(name, top_fields, N_OF(top_fields));
    Buf hint = {0};
    if (near) buf_fmt(&hint, "did you mean :%s?", near);
    diag_add(c, DIAG_unknown_field, at_key(c, c->root, k), near ? buf_cstr(&hint) : NULL, "%s is no field of a flow definition",
             val_text(k));
    buf_free(&hint);
  }
}

/* --- concurrency -------------------------------------------------------------------------------------------------- */
static bool key_field_ok(Val v) {
  if (is_kw(v) || (is_str(v) && str_n(v))) return true;
  if (!is_vec(v) || !vec_count(v)) return false;
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!is_kw(vec_nth(v, i)) && !is_str(vec_nth(v, i)) && !is_fix(vec_nth(v, i))) return false;
  return true;
}

static void check_choice(Check *c, Val map, At at, const char *key, const char *const *names, size_t n, const char *list) {
  Val v = map_get_kw(map, key);
  path_kw(c, key);
  if (is_nil(v))
    diag_add(c, DIAG_invalid_required_field, at, NULL, ":concurrency needs :%s, %s", key, list);
  else if (!kw_one_of(v, names, n))
    diag_add(c, DIAG_invalid_required_field, at_field(c, at, key), NULL, ":%s must be %s, got %s", key, list, val_text(v));
  path_pop(c);
}

static void check_concurrency(Check *c, Val v, At at) {
  static const char *const types[] = {"singleton", "keyed"}, *const versions[] = {"supersede", "drain", "coexist"};
  const char *hint = "write :concurrency {:type :singleton :on-new-version :supersede}";
  if (same(v, ABSENT)) {
    diag_add(c, DIAG_missing_required_field, at, hint, "the definition has no :concurrency");
    return;
  }
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_required_field, at, hint, ":concurrency must be a map%s, got %s",
             is_form_list(v) ? " (it is static: no expressions)" : "", val_text(v));
    return;
  }
  check_choice(c, v, at, "type", types, 2, ":singleton or :keyed");
  check_choice(c, v, at, "on-new-version", versions, 3, ":supersede, :drain or :coexist");
  Val key = map_get_kw(v, "key-field");
  path_kw(c, "key-field");
  if (kw_is(map_get_kw(v, "type"), "keyed") && is_nil(key))
    diag_add(c, DIAG_invalid_required_field, at, "add :key-field :order-id, or a path [:event :id]",
             "concurrency of type :keyed needs :key-field");
  else if (!is_nil(key) && !key_field_ok(key))
    diag_add(c, DIAG_invalid_required_field, at_field(c, at, "key-field"), "write :order-id, or [:event :id]",
             ":key-field must be a keyword or a path vector, got %s", val_text(key));
  path_pop(c);
}

/* --- invocations -------------------------------------------------------------------------------------------------- */
static void check_options(Check *c, Val input, At at) {
  Val options = map_get_kw(input, "options");
  if (is_nil(options)) return;
  bool ok = is_vec(options) || is_set(options) || is_form_list(options) || is_map(options);
  if (!ok)
    diag_add(c, DIAG_invalid_invocation_input_option, at_field(c, at, "options"), "write :options [\"a\" \"b\"]",
             ":options must be a vector, got %s", val_text(options));
}

static void check_default(Check *c, Val input, At at) {
  Val v = map_get_kw(input, "default"), ignored;
  if (is_nil(v)) return;
  const char *must = input_problem(input, v, &ignored);
  if (must)
    diag_add(c, DIAG_invalid_invocation_input_default, at_field(c, at, "default"), NULL, "the :default of input %s must be %s, got %s",
             val_text(map_get_kw(input, "name")), must, val_text(v));
}

static void check_flag(Check *c, Val map, At at, const char *key, enum DiagCode code) {
  Val v = map_get_kw(map, key);
  if (!is_nil(v) && !is_bool(v))
    diag_add(c, code, at_field(c, at, key), "write true or false", ":%s must be a boolean, got %s", key, val_text(v));
}

static const char *const input_types[] = {"string", "text", "number",   "email", "password", "textarea", "boolean",  "checkbox", "select",
                                          "date",   "time", "datetime", "json",  "file",     "blob",     "blob-ref", "resource", "secret"};

static void check_input(Check *c, Val input, At at, Val *seen) {
  if (!is_map(input)) {
    diag_add(c, DIAG_invalid_invocation_input_shape, at, NULL, "an input must be a map, got %s", val_text(input));
    return;
  }
  Val name = map_get_kw(input, "name"), type = map_get_kw(input, "type");
  if (is_nil(name))
    diag_add(c, DIAG_missing_invocation_input_name, at, NULL, "an input has no :name");
  else if (!safe_id_val(name, true))
    diag_add(c, DIAG_invalid_invocation_input_name, at_field(c, at, "name"), NULL, "the input name %s is not usable", val_text(name));
  else if (seen_before(seen, name_kw(name)))
    diag_add(c, DIAG_duplicate_invocation_input_name, at_field(c, at, "name"), NULL, "the input %s is declared twice", val_text(name));
  bool typed = !is_nil(type), known = kw_one_of(name_kw(type), input_types, N_OF(input_types));
  if (typed && !known)
    diag_add(c, DIAG_invalid_invocation_input_type, at_field(c, at, "type"), NULL, "input %s has the unknown :type %s", val_text(name),
             val_text(type));
  check_flag(c, input, at, "required", DIAG_invalid_invocation_input_option);
  check_flag(c, input, at, "multiple", DIAG_invalid_invocation_input_option);
  check_options(c, input, at);
  if (!typed || known) check_default(c, input, at);
}

static void check_invocation(Check *c, Val k, Val v, At map_at) {
  if (!safe_id_val(k, false))
    diag_add(c, DIAG_invalid_invocation_id, at_key(c, map_at, k), NULL, "the invocation id %s is not usable", val_text(k));
  At at = at_entry(c, map_at, k);
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_invocation_shape, at, NULL, "invocation %s must be a map, got %s", val_text(k), val_text(v));
    return;
  }
  Val inputs = map_get_kw(v, "inputs"), seen = set_empty;
  At inputs_at = at_field(c, at, "inputs");
  path_kw(c, "inputs");
  if (is_vec(inputs))
    each_item(c, inputs, inputs_at, check_input, &seen);
  else if (!is_nil(inputs))
    diag_add(c, DIAG_invalid_invocation_inputs_shape, inputs_at, NULL, ":inputs of invocation %s must be a vector, got %s", val_text(k),
             val_text(inputs));
  path_pop(c);
}

static void check_invocations(Check *c, Val v, At at) {
  if (same(v, ABSENT)) {
    diag_add(c, DIAG_missing_invocations, at, NULL, "the definition has no :invocations");
    return;
  }
  if (is_nil(v)) return;
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_invocations_shape, at, NULL, ":invocations must be a map, got %s", val_text(v));
    return;
  }
  MapIter it;
  Val k, x;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    path_push(c, k);
    check_invocation(c, k, x, at);
    path_pop(c);
  }
}

/* Is the invocation there? With none declared at all there is a :default that takes anything. */
static bool invocation_known(const Check *c, Val name) {
  Val all = def_field(c, "invocations");
  if (!is_map(all) || !map_count(all)) return kw_is(name, "default");
  return !same(map_get(all, name, ABSENT), ABSENT);
}

static void check_invocation_ref(Check *c, Val ref, At at, enum DiagCode unknown, const char *of) {
  Val name = name_kw(ref);
  if (is_nil(name) || invocation_known(c, name)) return;
  diag_add(c, unknown, at, "declare it in :invocations", "%s names the invocation %s, which is not declared", of, val_text(ref));
}

/* --- interfaces --------------------------------------------------------------------------------------------------- */
static void check_interface_id(Check *c, Val item, At at, bool mcp, Val *seen) {
  const char *key = mcp ? "tool-name" : "id";
  Val id = map_get_kw(item, key);
  if (is_nil(id)) {
    diag_add(c, DIAG_missing_interface_id, at, NULL, "an interface has no :%s", key);
    return;
  }
  bool blank = !is_str(id) || !str_n(id) || strspn(str_s(id), " \t\r\n") == str_n(id);
  if (mcp ? blank : !safe_id_val(id, true)) {
    diag_add(c, DIAG_invalid_interface_id, at_field(c, at, key), mcp ? "write a non-blank string" : NULL,
             "the interface :%s %s is not usable", key, val_text(id));
    return;
  }
  Val text = is_kw(id) ? AS(Kw, id)->name : id;
  if (seen_before(seen, text))
    diag_add(c, DIAG_duplicate_interface_id, at_field(c, at, key), NULL, "the interface id %s is used twice", val_text(id));
}

static void check_auth(Check *c, Val item, At at, const char *category, enum DiagCode code) {
  static const char *const types[] = {"none", "api-key", "bearer", "basic", "hmac-sha256", "signature", "ip-allowlist", "workspace"};
  Val auth = map_get_kw(item, "auth");
  if (is_nil(auth)) return;
  Val type = is_map(auth) ? map_get_kw(auth, "type") : auth;
  bool needs_more = !kw_is(type, "none") && !kw_is(type, "workspace");
  Err e = {0};
  if (!kw_one_of(type, types, N_OF(types)))
    diag_add(c, code, at_field(c, at, "auth"), "write :auth {:type :bearer :secret-ref :my-secret}",
             ":auth must be a map with a :type of :api-key :bearer :basic :hmac-sha256 :signature :ip-allowlist or :workspace, got %s",
             val_text(auth));
  else if (kw_is(type, "none") && !strcmp(category, "webhook"))
    diag_add(c, code, at_field(c, at, "auth"), "choose :api-key, :bearer, :hmac-sha256 or :signature",
             "Webhook authentication required: :none is for waits only");
  else if (needs_more && !hook_auth_check(auth, false, &e))
    diag_add(c, code, at_field(c, at, "auth"), NULL, "%s", e.msg);
}

static void check_interface(Check *c, Val item, At at, const char *category, Val *seen) {
  if (!is_map(item)) {
    diag_add(c, DIAG_invalid_interface_shape, at, NULL, "an interface must be a map, got %s", val_text(item));
    return;
  }
  check_interface_id(c, item, at, !strcmp(category, "mcp"), seen);
  Val inv = map_get_kw(item, "invocation");
  if (is_nil(inv))
    diag_add(c, DIAG_missing_interface_invocation, at, NULL, "an interface names no :invocation");
  else if (!safe_id_val(inv, true))
    diag_add(c, DIAG_invalid_interface_invocation, at_field(c, at, "invocation"), NULL, ":invocation must be a keyword, got %s",
             val_text(inv));
  else
    check_invocation_ref(c, inv, at_field(c, at, "invocation"), DIAG_unknown_interface_invocation, "the interface");
  check_flag(c, item, at, "enabled", DIAG_invalid_interface_field);
  check_auth(c, item, at, category, DIAG_invalid_interface_field);
}

static void check_category(Check *c, Val k, Val v, At map_at, Val *seen) {
  static const char *const names[] = {"manual", "http", "webhook", "mcp"};
  if (!kw_one_of(k, names, N_OF(names))) {
    diag_add(c, DIAG_invalid_interface_category_shape, at_key(c, map_at, k), NULL, "%s is no category of interfaces", val_text(k));
    return;
  }
  At at = at_entry(c, map_at, k);
  if (is_nil(v)) return;
  if (!is_vec(v)) {
    diag_add(c, DIAG_invalid_interface_category_shape, at, NULL, "interfaces %s must be a vector of maps, got %s", val_text(k),
             val_text(v));
    return;
  }
  const char *category = str_s(AS(Kw, k)->name);
  if (vec_count(v) > 1 && strcmp(category, "mcp"))
    diag_add(c, DIAG_too_many_interfaces, at, NULL, "%s has %u interfaces", val_text(k), vec_count(v));
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val item = vec_nth(v, i);
    path_push(c, fix(i));
    check_interface(c, item, at_kid(c, at, i, item), category, seen);
    path_pop(c);
  }
}

static void check_interfaces(Check *c, Val v, At at) {
  if (same(v, ABSENT)) {
    if (is_nil(def_field(c, "triggers"))) diag_add(c, DIAG_missing_interfaces, at, NULL, "the definition has no :interfaces");
    return;
  }
  if (is_nil(v)) return;
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_interfaces_shape, at, NULL, ":interfaces must be a map of category -> vector, got %s", val_text(v));
    return;
  }
  Val seen = set_empty, k, x;
  MapIter it;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    path_push(c, k);
    check_category(c, k, x, at, &seen);
    path_pop(c);
  }
}

/* --- schedules ---------------------------------------------------------------------------------------------------- */
static void check_cron(Check *c, Val map, At at, const char *of) {
  Val cron = map_get_kw(map, "cron"), zone = map_get_kw(map, "timezone");
  Cron read;
  Err e = {0};
  if (is_nil(cron)) cron = map_get_kw(map, "preset");
  if (is_kw(cron)) cron = str_fmt("@%s", str_s(AS(Kw, cron)->name));
  if (is_nil(cron))
    diag_add(c, DIAG_invalid_schedule_cron, at, NULL, "%s has no :cron", of);
  else if (!is_str(cron))
    diag_add(c, DIAG_invalid_schedule_cron, at_field(c, at, "cron"), NULL, "the cron expression %s is not usable: a string is expected", val_text(cron));
  else if (!cron_parse(str_s(cron), &read, &e))
    diag_add(c, DIAG_invalid_schedule_cron, at_field(c, at, "cron"), NULL, "the cron expression %s is not usable: %s", val_text(cron), e.msg);
  if (!is_nil(zone) && (!is_str(zone) || !tz_get(str_s(zone))))
    diag_add(c, DIAG_invalid_schedule_field, at_field(c, at, "timezone"), "write \"Europe/Berlin\"", ":timezone must be the name of a time zone, got %s",
             val_text(zone));
}

static void check_schedule(Check *c, Val v, At at, Val *seen) {
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_schedule_shape, at, NULL, "a schedule must be a map, got %s", val_text(v));
    return;
  }
  Val id = map_get_kw(v, "id"), input = map_get_kw(v, "input"), inv = map_get_kw(v, "invocation"), late = map_get_kw(v, "catch-up");
  if (is_nil(id))
    diag_add(c, DIAG_missing_schedule_id, at, NULL, "a schedule has no :id");
  else if (!safe_id_val(id, true))
    diag_add(c, DIAG_invalid_schedule_id, at_field(c, at, "id"), NULL, "the schedule id %s is not usable", val_text(id));
  else if (seen_before(seen, name_kw(id)))
    diag_add(c, DIAG_duplicate_schedule_id, at_field(c, at, "id"), NULL, "the schedule id %s is used twice", val_text(id));
  check_cron(c, v, at, "a schedule");
  check_flag(c, v, at, "enabled", DIAG_invalid_schedule_field);
  if (!is_nil(inv)) check_invocation_ref(c, inv, at_field(c, at, "invocation"), DIAG_unknown_schedule_invocation, "the schedule");
  if (!is_nil(input) && !is_map(input))
    diag_add(c, DIAG_invalid_schedule_field, at_field(c, at, "input"), NULL, ":input must be a map, got %s", val_text(input));
  static const char *const policies[] = {"last", "skip", "all"};
  if (!is_nil(late) && !kw_one_of(late, policies, 3))
    diag_add(c, DIAG_invalid_schedule_field, at_field(c, at, "catch-up"), NULL, ":catch-up must be :last, :skip or :all, got %s",
             val_text(late));
}

static void check_schedules(Check *c, Val v, At at) {
  Val seen = set_empty;
  if (is_vec(v))
    each_item(c, v, at, check_schedule, &seen);
  else if (!is_nil(v))
    diag_add(c, DIAG_invalid_schedules_shape, at, NULL, ":schedules must be a vector of maps, got %s", val_text(v));
}

/* --- legacy triggers ---------------------------------------------------------------------------------------------- */
static void check_trigger(Check *c, Val v, At at, Val *seen) {
  static const char *const types[] = {"manual", "schedule", "event", "webhook"};
  const char *hint = "write {:type :manual :label \"Run\" :enabled true :config {}}";
  if (!is_map(v)) {
    diag_add(c, DIAG_invalid_trigger, at, hint, "a trigger must be a map, got %s", val_text(v));
    return;
  }
  Val type = map_get_kw(v, "type"), config = map_get_kw(v, "config"), source = map_get_kw(config, "source");
  Val id = name_kw(map_get_kw(v, "id"));
  At config_at = at_field(c, at, "config");
  if (!is_nil(id) && seen_before(seen, vec_from((Val[]){type, id}, 2)))
    diag_add(c, DIAG_invalid_trigger, at_field(c, at, "id"), "give each trigger an id of its own", "the trigger id %s is used twice", val_text(id));
  if (!kw_one_of(type, types, N_OF(types)))
    diag_add(c, DIAG_invalid_trigger, at_field(c, at, "type"), "use :manual, :schedule or :event",
             "a trigger's :type must be :manual, :schedule or :event, got %s", val_text(type));
  check_flag(c, v, at, "enabled", DIAG_invalid_trigger);
  if (!is_nil(config) && !is_map(config))
    diag_add(c, DIAG_invalid_trigger, config_at, hint, ":config should be a map, got %s", val_text(config));
  else if (kw_is(type, "schedule"))
    check_cron(c, config, config_at, "a schedule trigger");
  else if (is_map(config) && !kw_is(type, "manual") && (is_nil(source) || kw_is(source, "webhook")))
    check_auth(c, config, config_at, "webhook", DIAG_invalid_trigger);
  if (kw_is(type, "manual"))
    diag_add(c, DIAG_deprecated_manual_trigger, at, NULL, "a :manual trigger is the old way to start a flow by hand");
}

static void check_triggers(Check *c, Val v, At at) {
  Val seen = set_empty;
  if (is_vec(v))
    each_item(c, v, at, check_trigger, &seen);
  else if (!is_nil(v))
    diag_add(c, DIAG_invalid_triggers_shape, at, NULL, ":triggers must be a vector of maps, got %s", val_text(v));
}

/* --- all ---------------------------------------------------------------------------------------------------------- */
static void check_body_there(Check *c, Val v, At at) {
  const char *hint = "add :flow '(let [input (flow/input)] ...)";
  if (same(v, ABSENT))
    diag_add(c, DIAG_missing_required_field, at, hint, "Missing required field :flow");
  else if (is_nil(v))
    diag_add(c, DIAG_invalid_required_field, at, hint, ":flow is nil");
}

static void check_sizes(Check *c) {
  size_t out_of_line = 0;
  static const char *const apart[] = {"templates", "functions"};
  for (size_t i = 0; i < 2; i++) {
    At at = at_field(c, c->root, apart[i]);
    if (!at.n || at.n->kind != POS_VEC) continue;
    size_t bytes = at.n->end - at.n->at;
    enum LimitId id = i ? LIMIT_functions_bytes : LIMIT_templates_bytes;
    out_of_line += bytes;
    if (limit_on(id) && (int64_t)bytes > limit_value(id))
      diag_add(c, DIAG_flow_part_limit, at, NULL, ":%s takes %zu bytes, at most %lld are allowed (limit %s)", apart[i], bytes,
               (long long)limit_value(id), limits[id].name);
  }
  size_t n = c->f->text_n - out_of_line;
  if ((int64_t)n > limit_value(LIMIT_flow_bytes))
    diag_add(c, DIAG_flow_size_limit, c->root, NULL, "the definition has %zu KB without templates and functions", n / 1024);
}

void check_definition(Check *c) {
  static const struct {
    const char *key;
    void (*f)(Check *c, Val v, At at);
    bool absent;
  } rows[] = {{"slug", check_slug, false},
              {"name", check_name, false},
              {"tags", check_tags, false},
              {"concurrency", check_concurrency, true},
              {"requires", check_requires, false},
              {"invocations", check_invocations, true},
              {"interfaces", check_interfaces, true},
              {"schedules", check_schedules, false},
              {"triggers", check_triggers, false},
              {"templates", check_templates, false},
              {"functions", check_functions, false},
              {"flow", check_body_there, true}};
  check_packaged(c, def_field(c, "steps"), def_field(c, "agents")); /* they may use :functions and :templates */
  for (size_t i = 0; i < N_OF(rows); i++) {
    path_kw(c, rows[i].key);
    Val v = map_get(c->f->map, kw_c(rows[i].key), rows[i].absent ? ABSENT : NIL);
    rows[i].f(c, v, at_field(c, c->root, rows[i].key));
    path_pop(c);
  }
  check_plain_fields(c);
  check_unknown_fields(c);
  check_sizes(c);
}
