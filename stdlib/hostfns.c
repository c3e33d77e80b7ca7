/* hostfns.c - the primitives that time.clj and java.clj are written with: host values (reader/host.h) taken apart and put together,
 * calendar days, time zones. */
#include "stdlib.h"
#include "args.h"
#include "tz.h"
#include "reader/host.h"
#include "reader/mem.h"
#include "reader/num.h"

static const char *const kinds[HOST_KINDS] = {"object", "instant", "duration", "period", "date", "time", "datetime", "zoned", "offset-dt",
                                              "offset", "zone", "day", "month", "unit", "field", "year", "year-month"};

static Val whole(Val v, int64_t *out) {
  if (is_integer(v) && num_to_long(v, out)) return NIL;
  return is_num(v) ? ex_throw(EXC_ARITHMETIC, "long overflow") : is_nil(v) ? arg_null("java.lang.Number.longValue()", "x") : ex_cast(v, "java.lang.Long");
}

DOC(make, "[kind a b c] [kind a b c x] [kind a b c x y]", "A host value; what a, b, c, x and y mean depends on the kind.",
    "(str (breyta.host/make :date 0 0 0)) ;=> \"1970-01-01\"");
static Val hostfns_make(int n, const Val *v) {
  int64_t a, b, c;
  if (n > 6) return ex_arity(n, "breyta.host/make");
  CHECK(whole(v[1], &a));
  CHECK(whole(v[2], &b));
  CHECK(whole(v[3], &c));
  for (int k = 0; k < HOST_KINDS; k++)
    if (kw_is(v[0], kinds[k])) return host_new((enum HostKind)k, a, b, (int32_t)c, n > 4 ? v[4] : NIL, n > 5 ? v[5] : NIL);
  return ex_throw(EXC_ILLEGAL_ARG, "no such kind of host value");
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

DOC(kind, "[x]", "The kind of a host value as a keyword; :instant for an #inst, nil for anything else.", "(breyta.host/kind #inst \"2020\") ;=> :instant\n(breyta.host/kind 1) ;=> nil");
static Val hostfns_kind(Val v) {
  if (is_type(v, T_INST)) return kw_c("instant");
  return is_type(v, T_HOST) ? kw_c(kinds[obj(v)->aux % HOST_KINDS]) : NIL;
}

static Val need(Val v) { return is_type(v, T_HOST) || is_type(v, T_INST) ? NIL : ex_cast(v, "java.time.temporal.TemporalAccessor"); }

#define PART(id, of_inst, of_host)                                                                                                         \
  DOC(part_##id, "[x]", "A part of a host value.", "(number? (breyta.host/" #id " (breyta.host/make :date 1 2 3 4 5))) ;=> true");         \
  static Val hostfns_##id(Val v) {                                                                                                         \
    CHECK(need(v));                                                                                                                        \
    return is_type(v, T_INST) ? of_inst : of_host;                                                                                         \
  }
PART(a, int_val(floor_div(AS(Inst, v)->ms, 1000)), int_val(AS(Host, v)->a))
PART(b, int_val((AS(Inst, v)->ms - 1000 * floor_div(AS(Inst, v)->ms, 1000)) * 1000000), int_val(AS(Host, v)->b))
PART(c, fix(0), fix(AS(Host, v)->c))
PART(x, NIL, AS(Host, v)->x)
PART(y, NIL, AS(Host, v)->y)

DOC(civil, "[epoch-day]", "[year month day] of a day since 1970-01-01.", "(breyta.host/civil 0) ;=> [1970 1 1]");
static Val hostfns_civil(Val day) {
  int64_t d, y;
  int m, dom;
  CHECK(whole(day, &d));
  host_civil(d, &y, &m, &dom);
  return vec_from((Val[]){int_val(y), fix(m), fix(dom)}, 3);
}

DOC(epoch_day, "[year month day]", "Days since 1970-01-01 of a date.", "(breyta.host/epoch-day 1970 1 2) ;=> 1");
static Val hostfns_epoch_day(Val year, Val month, Val day) {
  int64_t y, m, d;
  CHECK(whole(year, &y));
  CHECK(whole(month, &m));
  CHECK(whole(day, &d));
  if (y > 999999999 || y < -999999999) return ex_throw(EXC_DATE_TIME, "Invalid value for Year (valid values -999999999 - 999999999): %lld", (long long)y);
  return int_val(host_epoch_day(y, (int)m, (int)d));
}

DOC(offset_at, "[zone epoch-sec]", "Seconds that local time in a zone is ahead of UTC at an instant; nil if there is no such zone.",
    "(breyta.host/offset-at \"America/New_York\" 0) ;=> -18000\n(breyta.host/offset-at \"No/Zone\" 0) ;=> nil");
static Val hostfns_offset_at(Val zone, Val secs) {
  int64_t t;
  CHECK(arg_str(zone, "String.length()", "zoneId"));
  CHECK(whole(secs, &t));
  const Tz *z = str_n(zone) ? tz_get(str_s(zone)) : NULL;
  return z ? fix(tz_offset(z, t)) : NIL;
}

DOC(inst, "[ms]", "The #inst of milliseconds since 1970.", "(breyta.host/inst 0) ;=> #inst \"1970-01-01T00:00:00.000-00:00\"");
static Val hostfns_inst(Val ms) {
  int64_t n;
  CHECK(whole(ms, &n));
  Inst *i = mem_obj(T_INST);
  i->ms = n;
  return from_obj(i);
}

DOC(halves, "[uuid]", "The two numbers a UUID is made of.", "(breyta.host/halves #uuid \"00000000-0000-0001-0000-000000000002\") ;=> [1 2]");
static Val hostfns_halves(Val u) {
  if (!is_type(u, T_UUID)) return ex_cast(u, "java.util.UUID");
  return vec_from((Val[]){int_val((int64_t)AS(Uuid, u)->hi), int_val((int64_t)AS(Uuid, u)->lo)}, 2);
}

DOC(units, "[]", "The names of the constants of ChronoUnit.", "(first (breyta.host/units)) ;=> \"Nanos\"");
static Val hostfns_units(void) {
  ValVec v = {0};
  for (int i = 0; host_unit_name(i); i++) vv_push(&v, str_c(host_unit_name(i)));
  return vec_from(v.a, v.n);
}
DOC(fields, "[]", "The names of the constants of ChronoField.", "(first (breyta.host/fields)) ;=> \"NanoOfSecond\"");
static Val hostfns_fields(void) {
  ValVec v = {0};
  for (int i = 0; host_field_name(i); i++) vv_push(&v, str_c(host_field_name(i)));
  return vec_from(v.a, v.n);
}

DOC(fail, "[class message]", "Throws a DateTimeException, DateTimeParseException, UnsupportedTemporalTypeException, ZoneRulesException or "
    "ArithmeticException, by a keyword.", "(breyta.host/fail :date \"no\") ;!> argument");
static Val hostfns_fail(Val kind, Val message) {
  enum Exc c = kw_is(kind, "parse") ? EXC_DATE_PARSE : kw_is(kind, "unit") ? EXC_DATE_UNIT : kw_is(kind, "zone") ? EXC_ZONE_RULES
             : kw_is(kind, "arithmetic") ? EXC_ARITHMETIC : EXC_DATE_TIME;
  return ex_throw_val(ex_make(c, is_str(message) ? message : NIL, NIL, NIL));
}

DOC(no_method, "[name n target]", "Throws what a call of a method that the target does not have throws.", "(breyta.host/none \"foo\" 0 1) ;!> argument");
static Val hostfns_none(Val name, Val n, Val target) {
  if (is_nil(target)) return ex_throw(EXC_NULL, "Cannot invoke \"Object.getClass()\" because \"target\" is null");
  if (same(n, fix(0))) return ex_throw(EXC_ILLEGAL_ARG, "No matching field found: %s for class %s", str_s(name), class_name_of(target));
  return arg_no_method(str_s(name), (int)fix_of(n), target);
}

const BuiltinRow rows_hostfns[] = {
    ROWV("breyta.host/make", 4, hostfns_make, make, B_PURE),
    ROW1("breyta.host/kind", hostfns_kind, kind, B_PURE),
    ROW1("breyta.host/a", hostfns_a, part_a, B_PURE),
    ROW1("breyta.host/b", hostfns_b, part_b, B_PURE),
    ROW1("breyta.host/c", hostfns_c, part_c, B_PURE),
    ROW1("breyta.host/x", hostfns_x, part_x, B_PURE),
    ROW1("breyta.host/y", hostfns_y, part_y, B_PURE),
    ROW1("breyta.host/civil", hostfns_civil, civil, B_PURE),
    ROW3("breyta.host/epoch-day", hostfns_epoch_day, epoch_day, B_PURE),
    ROW2("breyta.host/offset-at", hostfns_offset_at, offset_at, B_PURE),
    ROW1("breyta.host/inst", hostfns_inst, inst, B_PURE),
    ROW1("breyta.host/halves", hostfns_halves, halves, B_PURE),
    ROW0("breyta.host/units", hostfns_units, units, B_PURE),
    ROW0("breyta.host/fields", hostfns_fields, fields, B_PURE),
    ROW2("breyta.host/fail", hostfns_fail, fail, B_PURE),
    ROW3("breyta.host/none", hostfns_none, no_method, B_PURE),
    ROW_END};
