/* unicode.h - letter case and character classes, as Java defines them for String and Character without a locale.
 * utf8proc.h is included in unicode.c alone. */
#ifndef BR_UNICODE_H
#define BR_UNICODE_H
#include "reader/text.h"

/* Full mappings: one character may become several (the German sharp s, ligatures), a final sigma is recognised. */
void unicode_upper(Buf *b, const char *s, size_t n);
void unicode_lower(Buf *b, const char *s, size_t n);
uint32_t unicode_upper_char(uint32_t c); /* simple mappings */
uint32_t unicode_lower_char(uint32_t c);
bool unicode_is_space(uint32_t c); /* Character.isWhitespace */
bool unicode_is_letter(uint32_t c);
bool unicode_is_digit(uint32_t c);
bool unicode_is_upper(uint32_t c);
bool unicode_is_lower(uint32_t c);
#endif
