/* format.h - java.util.Formatter for the other files of stdlib (printf). */
#ifndef BR_FORMAT_H
#define BR_FORMAT_H
#include "reader/text.h"

Val format_to(Buf *out, Val fmt, int n, const Val *args); /* fmt: T_STR. nil or a signal; then the buffer holds rubbish */

/* What %tX prints for a moment (#inst, milliseconds as a long, or a value of java.time), English, in UTC unless it has a zone of
 * its own. nil or a signal. */
#define FORMAT_TIME_SUFFIXES "HIklMSLNpzZsQBbhAaCYyjmdeRTrDFc"
Val format_time(Buf *b, char suffix, Val x);
#endif
