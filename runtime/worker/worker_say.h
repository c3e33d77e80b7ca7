/* worker_say.h - what a worker tells people, on standard error. At a terminal: a line for each event, what handlers write, and one live
 * line with what runs. Elsewhere: one JSON object a line, {"time","level","event",...}; what handlers write is the event handler-output. */
#ifndef BR_WORKER_SAY_H
#define BR_WORKER_SAY_H
#include "runtime/base/log.h"

typedef struct WorkerSay {
  bool live, shown;
  int64_t drawn_us;
  Buf line, was; /* the live line; the one that was drawn last */
} WorkerSay;
void worker_say_open(WorkerSay *s);
void worker_say_event(WorkerSay *s, const char *level, const char *event, const LogField *fields, size_t n);
void worker_say_output(WorkerSay *s, const char *job, const char *text);
/* s->line is what is to be seen now. */
void worker_say_draw(WorkerSay *s);
void worker_say_close(WorkerSay *s);
#endif
