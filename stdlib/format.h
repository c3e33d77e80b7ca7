/* format.h - java.util.Formatter for the other files of stdlib (printf). */
#ifndef BR_FORMAT_H
#define BR_FORMAT_H
#include "reader/text.h"

Val format_to(Buf *out, Val fmt, int n, const Val *args); /* fmt: T_STR. nil or a signal; then the buffer holds rubbish */
#endif
