/* flowtest_int.h - what the files of flow tests share. One case is a World: a store, an engine, a clock that jumps, scripted
 * answers, an outside and a plan of crashes. The same case may be played in several worlds, one after the other. */
#ifndef BR_FLOWTEST_INT_H
#define BR_FLOWTEST_INT_H
#include "runtime/engine/child_find.h"
#include "runtime/engine/engine_int.h"
#include "flowtest.h"
#include "flowtest_match.h"

#define TEST_OWN_STEPS "breyta/own-steps" /* in a case with defaults: the :steps that are its own */
#define TEST_NEVER INT64_MAX

/* flowtest_read.c */
bool test_instant(Val v, int64_t *ms);  /* #inst or ISO text */
int64_t test_duration(Val v);           /* of a checked duration */
char *test_beside(const char *path, const char *name); /* `name` in the folder of `path`; malloc'ed */
bool test_file_text(const char *path, Buf *b); /* false: errno */

/* --- scripted answers: flowtest_script.c -------------------------------------------------------------------------------------- */
typedef struct Script {
  Env *env;
  const char *file;
  Val answers; /* step id -> answer map or vector of them, functions and patterns compiled */
  Val own;     /* ids whose unused answers are told: those of the case itself and its fixture */
  Val ncalls;  /* id -> calls so far */
  Val seen;    /* idempotency key -> number of the call: the same after a crash */
  Val used;    /* set of [id answer attempt] */
} Script;
/* `recorded`: the :steps of a fixture, or nil. false: *why says what does not compile. */
bool script_init(Script *s, Env *env, const char *file, Val tcase, Val recorded, Buf *why);
bool script_has(const Script *s, Val id);
bool script_real(const Script *s, Val id);
int script_call(Script *s, Val id, const char *key);
/* The answer for this attempt, marked as used; ABSENT: there is none. */
Val script_answer(Script *s, Val id, int call, int attempt);
void script_unused(const Script *s, Buf *out); /* a paragraph each */
/* What the answer gives: true and a value, or false and an error map; *retry_after in ms or -1. */
bool script_result(const Script *s, Val answer, const StepCall *c, int call, Val *out, int64_t *retry_after);

/* --- worlds: flowtest_world.c ------------------------------------------------------------------------------------------------- */
typedef struct TestPending { uint64_t token; int64_t due; bool ok; Val value; int64_t retry_after; } TestPending;
typedef struct TestEvent { Val spec; int64_t at; int left; bool own; Val key; } TestEvent; /* at -1: when the run waits; own: of :steps */
typedef struct TestCrash { Val spec; bool done; } TestCrash;
typedef struct TestCalls { struct TestCallRow *a; size_t n, cap; } TestCalls;
typedef struct TestCallRow {
  Val step, type, input, output, error; /* step, type: keywords */
  int64_t occurrence;
  int attempts;
  Val status;                           /* keyword */
} TestCallRow;

typedef struct World {
  const TestFile *file;
  Val tcase;
  Env *env;
  bool real;          /* --record: the system's clock, and steps for real */
  bool verify;        /* go on from restored snapshots */
  bool quiet;         /* what the flow prints was shown before */
  int64_t at_record;  /* sweep: die at this record of the journal ... */
  bool lose;          /* ... before or after it is durable; 0: no sweep */
  Store *store;
  struct BlobStore *blobs;
  Engine *engine;
  FlowPlaces flows;   /* :flows; none: children are not run */
  struct Target *target; /* the case's own, else NULL */
  const struct Target *bound; /* what the engine is given */
  int64_t run, now, start;
  bool started, died, stop;
  Buf fail;           /* paragraphs */
  Script script;
  TestPending *pending;
  size_t npending, cap_pending;
  TestEvent *events;
  size_t nevents, cap_events;
  TestCrash *crashes;
  size_t ncrashes;
  Val answered_waits; /* set of [run seq]: of each run the last :wait that :steps answered */
  int64_t records, attempts;
  Val jseen, jcalls, jstep; /* the judge's: calls numbered as the script does, and the one in flight */
  int jcall, jattempt;
  Val recorded;       /* --record: id -> vector of calls, each a vector of attempts */
  /* how it ended */
  enum RunStatus status;
  Val value, error, note;
  int64_t took_ms;
  TestCalls calls;
} World;

/* Plays the case to its end: w->fail.n tells whether something went wrong that is no outcome. */
/* `recorded`: the case's fixture, or nil. */
void world_play(World *w, const TestFile *f, Val tcase, Val input, Val recorded);
void world_close(World *w);
bool world_replay(World *w, Buf *why); /* false: replay differs */
Val world_outcome(const World *w);     /* {:status :value :error :steps} for comparing */
void world_fail(World *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* flowtest_answer.c: the step kind that gives the answers */
const StepKind *answer_stand_in(void *ctx, Val type, Val id);
bool answer_whole(void *ctx, Val id); /* a step that is made of steps has an answer of its own */
void answer_observed(void *ctx, const StepCall *c, bool ok, Val v, int64_t retry_after_ms);
void answer_due(World *w); /* gives the delayed answers whose time has come */
int64_t answer_next(const World *w);
bool answer_pending(const World *w, uint64_t token);

/* flowtest_expect.c: failures as paragraphs */
void expect_check(World *w, Val expect, Buf *out);
bool expect_waiting(Val expect); /* the run is meant to be parked at the end */

/* flowtest_record.c */
bool record_read(const TestFile *f, Val tcase, Val *fixture, Buf *why); /* nil: the case has none */
bool record_write(World *w, Val input, Buf *note, Buf *why);
Val record_expect(const World *w, Val input); /* the :expect map that this run meets */
void record_pretty(Buf *b, Val v, size_t indent);
#endif
