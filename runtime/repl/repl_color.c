#include "repl_color.h"

static bool ends_token(char c) { return strchr(" \n,()[]{}\"", c) != NULL; }

static size_t string_end(const char *s, size_t n) {
  size_t i = 1;
  while (i < n && s[i] != '"') i += s[i] == '\\' ? 2 : 1;
  return i < n ? i + 1 : n;
}

static size_t token_end(const char *s, size_t n) {
  size_t i = 1;
  if (s[0] == '\\' && n > 1) i = 2; /* \( is a character */
  while (i < n && !ends_token(s[i])) i++;
  return i;
}

static bool word_is(const char *s, size_t n, const char *word) { return strlen(word) == n && !memcmp(s, word, n); }

static const char *colour_of(const char *s, size_t n) {
  bool sign = (s[0] == '-' || s[0] == '+') && n > 1;
  if (s[0] == '"') return "\033[32m";
  if (s[0] == '\\') return "\033[32m";
  if (s[0] == ':') return "\033[35m";
  if (s[sign] >= '0' && s[sign] <= '9') return "\033[34m";
  if (word_is(s, n, "nil") || word_is(s, n, "true") || word_is(s, n, "false")) return "\033[33m";
  return NULL;
}

void repl_color(Buf *b, const char *s, size_t n) {
  while (n) {
    size_t k = s[0] == '"' ? string_end(s, n) : ends_token(s[0]) ? 1 : token_end(s, n);
    const char *on = k > 1 || !ends_token(s[0]) ? colour_of(s, k) : NULL;
    if (on) buf_c(b, on);
    buf_add(b, s, k);
    if (on) buf_c(b, "\033[0m");
    s += k;
    n -= k;
  }
}
