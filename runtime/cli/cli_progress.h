/* cli_progress.h - what a person sees while runs go on. On a terminal: one live line with what runs and for how long, and a
 * line that stays for every step that ended. Elsewhere, with --progress: plain lines. Otherwise nothing
 * but what somebody must act on (a full disk). Standard error only. */
#ifndef BR_CLI_PROGRESS_H
#define BR_CLI_PROGRESS_H
#include "runtime/engine/engine.h"

typedef struct Progress {
  bool live, plain;
  bool shown;          /* a live line stands on the screen */
  bool several;        /* more than one run: lines name it */
  int running;
  struct { int64_t run, occurrence, since_ms, due_ms; char id[96], what[160], text[240]; bool used, retry; } step[16];
} Progress;

void progress_init(Progress *p, bool asked);
void progress_event(void *p, const StepEvent *e); /* EngineOptions.progress */
void progress_tick(Progress *p);  /* draw the live line anew */
void progress_end(Progress *p);   /* with --progress: what the process sent, and how long it waited for its turn */
void progress_clear(Progress *p); /* before anything else is written */
#endif
