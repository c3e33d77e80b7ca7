/* sandbox_fns.c - breyta.sandbox/ (spec/flows.md 2.4) and json/: pure functions on text, bytes and instants. An Instant is
 * an #inst; a Duration is the number of milliseconds, as everywhere in flows. */
#include "flow_tables.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "reader/ex.h"
#include "reader/host.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"

/* --- arguments ---------------------------------------------------------------------------------------------------- */
typedef struct Span {
  const uint8_t *p;
  size_t n;
} Span;

static const char *short_name(Val v) { return is_nil(v) ? "nil" : class_name_of(v); }

/* A string's UTF-8, or bytes. nil or a signal. The span points to its start only while v is held. */
static Val span_of(const char *fn, Val v, Span *out) {
  if (is_str(v))
    *out = (Span){(const uint8_t *)str_s(v), str_n(v)};
  else if (is_type(v, T_BYTES))
    *out = (Span){AS(Bytes, v)->b, AS(Bytes, v)->n};
  else
    return ex_throw(EXC_ILLEGAL_ARG, "%s needs a string or bytes, got %s", fn, short_name(v));
  return NIL;
}

static Val need_str(const char *fn, Val v) {
  return is_str(v) ? NIL : ex_throw(EXC_ILLEGAL_ARG, "%s needs a string, got %s", fn, short_name(v));
}

static Val bytes_of(Buf *b) {
  Bytes *o = mem_obj_n(T_BYTES, (uint32_t)b->n);
  if (b->n) memcpy(o->b, b->p, b->n);
  buf_free(b);
  return from_obj(o);
}

/* UTF-8 text; what is none is an error, not replacement characters. */
static Val text_of(const char *fn, Buf *b) {
  if (utf8_valid(b->p ? b->p : "", b->n)) return buf_str(b);
  buf_free(b);
  return ex_throw(EXC_ILLEGAL_ARG, "%s: the result is no UTF-8 text; use the -bytes function", fn);
}

static Val malformed(const char *fn, const char *what, Buf *b) {
  buf_free(b);
  return ex_throw(EXC_ILLEGAL_ARG, "%s: the argument is not %s", fn, what);
}

/* --- base64, hex -------------------------------------------------------------------------------------------------- */
DOC(base64_encode, "[x]", "Base64 (RFC 4648, padded) of a string's UTF-8 or of bytes.",
    "(breyta.sandbox/base64-encode \"hello\") ;=> \"aGVsbG8=\"\n(breyta.sandbox/base64-encode 1) ;!> argument");
static Val sandbox_base64_encode(Val x) {
  Span s;
  Buf b = {0};
  CHECK(span_of("base64-encode", x, &s));
  hash_base64(s.p, s.n, &b);
  return buf_str(&b);
}

static Val decode64(const char *fn, Val x, Buf *b) {
  Span s;
  CHECK(span_of(fn, x, &s));
  return hash_unbase64((const char *)s.p, s.n, b) ? NIL : malformed(fn, "base64", b);
}

DOC(base64_decode, "[x]", "The UTF-8 text that base64 text (or bytes of it) stands for.",
    "(breyta.sandbox/base64-decode \"aGVsbG8=\") ;=> \"hello\"\n(breyta.sandbox/base64-decode \"?\") ;!> argument");
static Val sandbox_base64_decode(Val x) {
  Buf b = {0};
  CHECK(decode64("base64-decode", x, &b));
  return text_of("base64-decode", &b);
}

DOC(base64_decode_bytes, "[x]", "The bytes that base64 text (or bytes of it) stands for.",
    "(breyta.sandbox/hex-encode (breyta.sandbox/base64-decode-bytes \"/wA=\")) ;=> \"ff00\"");
static Val sandbox_base64_decode_bytes(Val x) {
  Buf b = {0};
  CHECK(decode64("base64-decode-bytes", x, &b));
  return bytes_of(&b);
}

DOC(hex_encode, "[x]", "Lower-case hex digits of a string's UTF-8 or of bytes.", "(breyta.sandbox/hex-encode \"az\") ;=> \"617a\"");
static Val sandbox_hex_encode(Val x) {
  Span s;
  Buf b = {0};
  CHECK(span_of("hex-encode", x, &s));
  hash_hex(s.p, s.n, &b);
  return buf_str(&b);
}

static Val unhex(const char *fn, Val x, Buf *b) {
  CHECK(need_str(fn, x));
  return hash_unhex(str_s(x), str_n(x), b) ? NIL : malformed(fn, "an even number of hex digits", b);
}

DOC(hex_decode, "[s]", "The UTF-8 text that hex digits stand for.",
    "(breyta.sandbox/hex-decode \"617A\") ;=> \"az\"\n(breyta.sandbox/hex-decode \"6\") ;!> argument");
static Val sandbox_hex_decode(Val x) {
  Buf b = {0};
  CHECK(unhex("hex-decode", x, &b));
  return text_of("hex-decode", &b);
}

DOC(hex_decode_bytes, "[s]", "The bytes that hex digits stand for.",
    "(breyta.sandbox/base64-encode (breyta.sandbox/hex-decode-bytes \"ff00\")) ;=> \"/wA=\"");
static Val sandbox_hex_decode_bytes(Val x) {
  Buf b = {0};
  CHECK(unhex("hex-decode-bytes", x, &b));
  return bytes_of(&b);
}

/* --- digests, UUIDs ----------------------------------------------------------------------------------------------- */
static Val hex_str(const uint8_t *p, size_t n) {
  Buf b = {0};
  hash_hex(p, n, &b);
  return buf_str(&b);
}

DOC(sha256_hex, "[x]", "SHA-256 of a string's UTF-8 or of bytes, as lower-case hex.",
    "(breyta.sandbox/sha256-hex \"\") ;=> \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
static Val sandbox_sha256_hex(Val x) {
  Span s;
  uint8_t h[32];
  CHECK(span_of("sha256-hex", x, &s));
  hash_sha256(s.p, s.n, h);
  return hex_str(h, sizeof h);
}

DOC(hmac_sha256_hex, "[key value]", "HMAC-SHA-256 of value under key (strings or bytes), as lower-case hex.",
    "(breyta.sandbox/hmac-sha256-hex \"Jefe\" \"what do ya want for nothing?\") "
    ";=> \"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"");
static Val sandbox_hmac_sha256_hex(Val key, Val x) {
  Span k, s;
  uint8_t h[32];
  CHECK(span_of("hmac-sha256-hex", key, &k));
  CHECK(span_of("hmac-sha256-hex", x, &s));
  hash_hmac_sha256(k.p, k.n, s.p, s.n, h);
  return hex_str(h, sizeof h);
}

/* As java.util.UUID/nameUUIDFromBytes: version 3, RFC 4122. */
static Val uuid_of(Span s) {
  uint8_t h[16];
  hash_md5(s.p, s.n, h);
  h[6] = (uint8_t)((h[6] & 0x0f) | 0x30);
  h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
  Uuid *u = mem_obj(T_UUID);
  for (int i = 0; i < 8; i++) u->hi = u->hi << 8 | h[i], u->lo = u->lo << 8 | h[8 + i];
  return from_obj(u);
}

DOC(uuid_from, "[s]", "The name-based UUID (version 3) of a string: the same for the same text.",
    "(breyta.sandbox/uuid-from \"hello\") ;=> #uuid \"5d41402a-bc4b-3a76-b971-9d911017c592\"");
static Val sandbox_uuid_from(Val x) {
  Span s;
  CHECK(need_str("uuid-from", x));
  CHECK(span_of("uuid-from", x, &s));
  return uuid_of(s);
}

DOC(uuid_from_bytes, "[bytes]", "The name-based UUID (version 3) of bytes.",
    "(breyta.sandbox/uuid-from-bytes (breyta.sandbox/hex-decode-bytes \"68656c6c6f\")) ;=> #uuid \"5d41402a-bc4b-3a76-b971-9d911017c592\"");
static Val sandbox_uuid_from_bytes(Val x) {
  Span s;
  CHECK(span_of("uuid-from-bytes", x, &s));
  return uuid_of(s);
}

/* --- URLs --------------------------------------------------------------------------------------------------------- */
static bool form_safe(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*' || c == '_';
}

DOC(url_encode, "[s]", "Form encoding of UTF-8 text, as java.net.URLEncoder: a space becomes +.",
    "(breyta.sandbox/url-encode \"a b&c/é\") ;=> \"a+b%26c%2F%C3%A9\"");
static Val sandbox_url_encode(Val x) {
  Buf b = {0};
  CHECK(need_str("url-encode", x));
  for (size_t i = 0; i < str_n(x); i++) {
    uint8_t c = (uint8_t)str_s(x)[i];
    if (form_safe(c))
      buf_ch(&b, (char)c);
    else if (c == ' ')
      buf_ch(&b, '+');
    else
      buf_fmt(&b, "%%%02X", c);
  }
  return buf_str(&b);
}

DOC(url_decode, "[s]", "The text that form encoding stands for: + and %20 are spaces.",
    "(breyta.sandbox/url-decode \"a+b%26c%2F%C3%A9\") ;=> \"a b&c/é\"\n(breyta.sandbox/url-decode \"%4\") ;!> argument");
static Val sandbox_url_decode(Val x) {
  Buf b = {0};
  CHECK(need_str("url-decode", x));
  const char *s = str_s(x), *end = s + str_n(x);
  for (; s < end; s++) {
    if (*s == '%') {
      if (end - s < 3 || !hash_unhex(s + 1, 2, &b)) return malformed("url-decode", "url-encoded: % needs two hex digits", &b);
      s += 2;
    } else {
      buf_ch(&b, *s == '+' ? ' ' : *s);
    }
  }
  return text_of("url-decode", &b);
}

/* --- instants ----------------------------------------------------------------------------------------------------- */
static Val inst_new(int64_t ms) {
  Inst *i = mem_obj(T_INST);
  i->ms = ms;
  return from_obj(i);
}

static Val need_inst(const char *fn, Val v, int64_t *ms) {
  if (!is_type(v, T_INST)) return ex_throw(EXC_ILLEGAL_ARG, "%s needs an instant (#inst), got %s", fn, short_name(v));
  *ms = AS(Inst, v)->ms;
  return NIL;
}

DOC(parse_instant, "[s]", "The instant of ISO-8601 text with a time zone: \"2026-01-02T03:04:05Z\".",
    "(breyta.sandbox/parse-instant \"2026-01-02T03:04:05+01:00\") ;=> #inst \"2026-01-02T02:04:05.000-00:00\"\n"
    "(breyta.sandbox/parse-instant \"2026-01-02\") ;!> argument");
static Val sandbox_parse_instant(Val x) {
  CHECK(need_str("parse-instant", x));
  const char *t = strchr(str_s(x), 'T');
  bool zoned = t && (strchr(t, 'Z') || strchr(t, '+') || strchr(t, '-')) && strchr(t, ':');
  Val v = zoned ? inst_parse(x) : NIL;
  if (is_type(v, T_INST)) return v;
  pend.ex = NIL;
  return ex_throw(EXC_DATE_TIME, "Text '%.60s' could not be parsed as an instant such as 2026-01-02T03:04:05Z", str_s(x));
}

typedef struct Civil {
  int64_t year;
  int month, day, hour, minute, second, ms, weekday;
} Civil;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* In UTC. */
static Civil civil_of(int64_t ms) {
  int64_t days = floor_div(ms, 86400000), t = ms - days * 86400000;
  Civil c = {0};
  host_civil(days, &c.year, &c.month, &c.day);
  c.hour = (int)(t / 3600000), c.minute = (int)(t / 60000 % 60), c.second = (int)(t / 1000 % 60), c.ms = (int)(t % 1000);
  c.weekday = (int)((days % 7 + 11) % 7); /* 0 = Sunday */
  return c;
}

DOC(format_instant, "[instant]", "ISO-8601 text of an instant in UTC, as java.time.Instant's toString.",
    "(breyta.sandbox/format-instant #inst \"2026-01-02T03:04:05Z\") ;=> \"2026-01-02T03:04:05Z\"\n"
    "(breyta.sandbox/format-instant #inst \"2026-01-02T03:04:05.060Z\") ;=> \"2026-01-02T03:04:05.060Z\"");
static Val sandbox_format_instant(Val x) {
  int64_t ms = 0;
  CHECK(need_inst("format-instant", x, &ms));
  Civil c = civil_of(ms);
  Buf b = {0};
  buf_fmt(&b, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month, c.day, c.hour, c.minute, c.second);
  if (c.ms) buf_fmt(&b, ".%03d", c.ms);
  buf_ch(&b, 'Z');
  return buf_str(&b);
}

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static void put_name(Buf *b, const char *name, int n) { buf_fmt(b, "%.*s", n >= 4 ? 9 : 3, name); }

/* One run of n equal letters of a DateTimeFormatter pattern. false: not a letter we know. */
static bool put_field(Buf *b, char letter, int n, const Civil *c) {
  switch (letter) {
  case 'y':
  case 'u':
    if (n == 2)
      buf_fmt(b, "%02lld", (long long)(((c->year % 100) + 100) % 100));
    else
      buf_fmt(b, "%0*lld", n, (long long)c->year);
    return true;
  case 'M':
  case 'L':
    if (n >= 3)
      put_name(b, month_names[c->month - 1], n);
    else
      buf_fmt(b, "%0*d", n, c->month);
    return true;
  case 'd': buf_fmt(b, "%0*d", n, c->day); return n <= 2;
  case 'H': buf_fmt(b, "%0*d", n, c->hour); return n <= 2;
  case 'h': buf_fmt(b, "%0*d", n, (c->hour + 11) % 12 + 1); return n <= 2;
  case 'm': buf_fmt(b, "%0*d", n, c->minute); return n <= 2;
  case 's': buf_fmt(b, "%0*d", n, c->second); return n <= 2;
  case 'S':
    for (int i = 0, unit = 100; i < n; i++, unit /= 10) buf_ch(b, unit ? (char)('0' + c->ms / unit % 10) : '0');
    return n <= 9;
  case 'a': buf_c(b, c->hour < 12 ? "AM" : "PM"); return n == 1;
  case 'E': put_name(b, day_names[c->weekday], n); return n <= 4;
  case 'X':
  case 'V': buf_ch(b, 'Z'); return true;
  case 'x': buf_c(b, n == 1 ? "+00" : n == 3 || n == 5 ? "+00:00" : "+0000"); return n <= 5;
  case 'Z': buf_c(b, n == 5 ? "Z" : "+0000"); return n <= 5 && n != 4;
  case 'z': buf_c(b, "UTC"); return true;
  default: return false;
  }
}

/* 'quoted text', '' for a quote. *p behind the opening quote. */
static bool put_quoted(Buf *b, const char **p, const char *end) {
  if (*p < end && **p == '\'') return (*p)++, buf_ch(b, '\''), true;
  for (; *p < end; (*p)++) {
    if (**p != '\'')
      buf_ch(b, **p);
    else if (*p + 1 < end && (*p)[1] == '\'')
      buf_ch(b, *(*p)++);
    else
      return (*p)++, true;
  }
  return false;
}

static bool put_pattern(Buf *b, const char *p, const char *end, const Civil *c) {
  while (p < end) {
    char letter = *p;
    if (letter == '\'') {
      p++;
      if (!put_quoted(b, &p, end)) return false;
    } else if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
      int n = 0;
      while (p < end && *p == letter && n < 20) p++, n++;
      if (!put_field(b, letter, n, c)) return false;
    } else {
      buf_ch(b, letter);
      p++;
    }
  }
  return true;
}

DOC(format_instant_pattern, "[instant pattern]",
    "Text of an instant in UTC by a java.time pattern. Letters y u M L d H h m s S a E X x Z z, and 'quoted text'; English names.",
    "(breyta.sandbox/format-instant-pattern #inst \"2026-01-02T13:04:05Z\" \"EEE d MMM yyyy, HH:mm 'h'\") ;=> \"Fri 2 Jan 2026, 13:04 h\"\n"
    "(breyta.sandbox/format-instant-pattern #inst \"2026-01-02T13:04:05Z\" \"QQ\") ;!> argument");
static Val sandbox_format_instant_pattern(Val x, Val pattern) {
  int64_t ms = 0;
  Buf b = {0};
  CHECK(need_inst("format-instant-pattern", x, &ms));
  CHECK(need_str("format-instant-pattern", pattern));
  Civil c = civil_of(ms);
  if (put_pattern(&b, str_s(pattern), str_s(pattern) + str_n(pattern), &c)) return buf_str(&b);
  buf_free(&b);
  return ex_throw(EXC_ILLEGAL_ARG, "format-instant-pattern: the pattern \"%.60s\" is not supported", str_s(pattern));
}

DOC(instant_ms, "[instant]", "Milliseconds since 1970 of an instant.",
    "(breyta.sandbox/instant->epoch-ms #inst \"1970-01-01T00:00:01Z\") ;=> 1000");
static Val sandbox_instant_ms(Val x) {
  int64_t ms = 0;
  CHECK(need_inst("instant->epoch-ms", x, &ms));
  return int_val(ms);
}

/* Years -9999 to 9999: sums below cannot overflow. */
#define INSTANT_MAX_MS ((int64_t)253402300799999)
#define INSTANT_MIN_MS ((int64_t)-377705116800000)
static Val checked_inst(const char *fn, int64_t ms) {
  if (ms > INSTANT_MAX_MS || ms < INSTANT_MIN_MS) return ex_throw(EXC_DATE_TIME, "%s: the instant is out of range", fn);
  return inst_new(ms);
}

DOC(ms_instant, "[ms]", "The instant so many milliseconds after 1970.",
    "(breyta.sandbox/epoch-ms->instant 1000) ;=> #inst \"1970-01-01T00:00:01.000-00:00\"");
static Val sandbox_ms_instant(Val x) {
  if (!is_long(x)) return ex_throw(EXC_ILLEGAL_ARG, "epoch-ms->instant needs an integer, got %s", short_name(x));
  return checked_inst("epoch-ms->instant", long_of(x));
}

DOC(duration_between, "[from to]", "Milliseconds from one instant to another; negative when `to` is earlier.",
    "(breyta.sandbox/duration-between #inst \"2026-01-01\" #inst \"2026-01-02\") ;=> 86400000");
static Val sandbox_duration_between(Val from, Val to) {
  int64_t a = 0, b = 0;
  CHECK(need_inst("duration-between", from, &a));
  CHECK(need_inst("duration-between", to, &b));
  return int_val(b - a);
}

static Val unit_ms(const char *fn, Val unit, int64_t *ms) {
  static const struct {
    const char *name;
    int64_t ms;
  } units[] = {{"millis", 1}, {"seconds", 1000}, {"minutes", 60000}, {"hours", 3600000}, {"days", 86400000}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (kw_is(unit, units[i].name)) return *ms = units[i].ms, NIL;
  return ex_throw(EXC_ILLEGAL_ARG, "%s: the unit must be :millis, :seconds, :minutes, :hours or :days", fn);
}

DOC(truncate_instant, "[instant unit]", "The instant with everything below unit (:seconds :minutes :hours :days) set to zero, in UTC.",
    "(breyta.sandbox/truncate-instant #inst \"2026-01-02T03:04:05Z\" :hours) ;=> #inst \"2026-01-02T03:00:00.000-00:00\"");
static Val sandbox_truncate_instant(Val x, Val unit) {
  int64_t ms = 0, u = 1;
  CHECK(need_inst("truncate-instant", x, &ms));
  CHECK(unit_ms("truncate-instant", unit, &u));
  return inst_new(floor_div(ms, u) * u);
}

static Val shift(const char *fn, Val x, Val n, Val unit, int sign) {
  int64_t ms = 0, u = 1, d;
  CHECK(need_inst(fn, x, &ms));
  CHECK(unit_ms(fn, unit, &u));
  if (!is_long(n)) return ex_throw(EXC_ILLEGAL_ARG, "%s needs an integer, got %s", fn, short_name(n));
  if (__builtin_mul_overflow(long_of(n), u * sign, &d) || __builtin_add_overflow(ms, d, &ms))
    return ex_throw(EXC_DATE_TIME, "%s: the instant is out of range", fn);
  return checked_inst(fn, ms);
}

DOC(instant_plus, "[instant n unit]", "The instant n units later: :millis :seconds :minutes :hours :days (of 24 hours).",
    "(breyta.sandbox/instant-plus #inst \"2026-01-31\" 1 :days) ;=> #inst \"2026-02-01T00:00:00.000-00:00\"");
static Val sandbox_instant_plus(Val x, Val n, Val unit) { return shift("instant-plus", x, n, unit, 1); }

DOC(instant_minus, "[instant n unit]", "The instant n units earlier. See instant-plus.",
    "(breyta.sandbox/instant-minus #inst \"2026-01-01\" 90 :seconds) ;=> #inst \"2025-12-31T23:58:30.000-00:00\"");
static Val sandbox_instant_minus(Val x, Val n, Val unit) { return shift("instant-minus", x, n, unit, -1); }

/* --- JSON --------------------------------------------------------------------------------------------------------- */
DOC(json_parse, "[s]", "The value of JSON text (string or bytes). Identifier-like keys become keywords, others stay strings.",
    "(json/parse \"{\\\"a-b\\\": [1, null], \\\"x y\\\": true}\") ;=> {:a-b [1 nil], \"x y\" true}\n(json/parse \"{\") ;!> argument");
static Val sandbox_json_parse(Val x) {
  Span s;
  Err e;
  CHECK(span_of("json/parse", x, &s));
  Val v = json_parse((const char *)s.p, s.n, &e);
  return same(v, ABSENT) ? ex_throw(EXC_ILLEGAL_ARG, "json/parse: %s", e.msg) : v;
}

DOC(json_write, "[x]", "JSON text of a value. Keywords lose their colon; sets and lists become arrays; #inst and #uuid strings.",
    "(json/write-str {:a [1 :b nil]}) ;=> \"{\\\"a\\\":[1,\\\"b\\\",null]}\"");
static Val sandbox_json_write(Val x) {
  Buf b = {0};
  Val v = json_print(&b, x);
  if (!is_sig(v)) return buf_str(&b);
  buf_free(&b);
  return v;
}

const BuiltinRow rows_sandbox[] = {
    ROW1("breyta.sandbox/base64-encode", sandbox_base64_encode, base64_encode, B_PURE),
    ROW1("breyta.sandbox/base64-decode", sandbox_base64_decode, base64_decode, B_PURE),
    ROW1("breyta.sandbox/base64-decode-bytes", sandbox_base64_decode_bytes, base64_decode_bytes, B_PURE),
    ROW1("breyta.sandbox/hex-encode", sandbox_hex_encode, hex_encode, B_PURE),
    ROW1("breyta.sandbox/hex-decode", sandbox_hex_decode, hex_decode, B_PURE),
    ROW1("breyta.sandbox/hex-decode-bytes", sandbox_hex_decode_bytes, hex_decode_bytes, B_PURE),
    ROW1("breyta.sandbox/sha256-hex", sandbox_sha256_hex, sha256_hex, B_PURE),
    ROW2("breyta.sandbox/hmac-sha256-hex", sandbox_hmac_sha256_hex, hmac_sha256_hex, B_PURE),
    ROW1("breyta.sandbox/uuid-from", sandbox_uuid_from, uuid_from, B_PURE),
    ROW1("breyta.sandbox/uuid-from-bytes", sandbox_uuid_from_bytes, uuid_from_bytes, B_PURE),
    ROW1("breyta.sandbox/url-encode", sandbox_url_encode, url_encode, B_PURE),
    ROW1("breyta.sandbox/url-decode", sandbox_url_decode, url_decode, B_PURE),
    ROW1("breyta.sandbox/parse-instant", sandbox_parse_instant, parse_instant, B_PURE),
    ROW1("breyta.sandbox/format-instant", sandbox_format_instant, format_instant, B_PURE),
    ROW2("breyta.sandbox/format-instant-pattern", sandbox_format_instant_pattern, format_instant_pattern, B_PURE),
    ROW1("breyta.sandbox/instant->epoch-ms", sandbox_instant_ms, instant_ms, B_PURE),
    ROW1("breyta.sandbox/epoch-ms->instant", sandbox_ms_instant, ms_instant, B_PURE),
    ROW2("breyta.sandbox/duration-between", sandbox_duration_between, duration_between, B_PURE),
    ROW2("breyta.sandbox/truncate-instant", sandbox_truncate_instant, truncate_instant, B_PURE),
    ROW3("breyta.sandbox/instant-plus", sandbox_instant_plus, instant_plus, B_PURE),
    ROW3("breyta.sandbox/instant-minus", sandbox_instant_minus, instant_minus, B_PURE),
    ROW1("json/parse", sandbox_json_parse, json_parse, B_PURE),
    ROW1("json/write-str", sandbox_json_write, json_write, B_PURE),
    ROW_END};
