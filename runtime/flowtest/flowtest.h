/* flowtest.h - tests of flows without services: `*.test.edn` files (flowtest_keys.h has the format), read and run.
 *
 * A case is one run of the flow on a store in memory. The clock port is replaced: it stands still while anything can go on and
 * then jumps to the next timer, event or delayed answer, so a wait of 30 days takes no time and every virtual time is exact.
 * External steps get scripted answers through the engine's stand_in hook; policies (:retry, :on-error, :delivery), journal,
 * recovery and replay are the engine's own. A crash drops the engine where the journal says, and a new one takes the run over.
 *
 * Unless a case says :durability false, the run is also replayed from its journal, and done again with every snapshot restored
 * and gone on from; both must give the same. With :crash :everywhere it is done again with a death before and after every
 * record.
 *
 * One thread; a case uses the process's clock port and random seed, and puts them back. A case that loops or crashes takes the
 * process with it: cli_test.c runs files in children. */
#ifndef BR_FLOWTEST_H
#define BR_FLOWTEST_H
#include "runtime/engine/engine.h"
#include "flowtest_keys.h"

typedef struct TestFile {
  char *path;     /* as given */
  char *flow_path;
  FlowDef *flow;  /* NULL: only the text was looked at */
  Val map;
  Val cases;      /* vector of case maps, defaults merged in */
} TestFile;       /* allocated by the collector; strings live as long as the process */

enum TestVerdict { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };
typedef struct TestResult {
  enum TestVerdict verdict;
  int64_t virtual_ms; /* from the run's start to its end */
  Buf text;           /* failures, a paragraph each (lines behind the first are indented); why it is skipped */
  Buf note;           /* for people, also of passed cases: what was recorded */
  Val expect;         /* --record: the :expect map that this run would meet; else nil */
} TestResult;
void test_result_free(TestResult *r);

typedef struct TestOptions {
  bool record; /* for real: the system's clock, the steps' families; answers are written to the case's :recorded file */
  Val input;   /* in place of the case's; ABSENT: none */
  struct Target *target; /* record: connections and secrets; NULL: the case's */
} TestOptions;

/* Reads and checks a test file: all problems in one pass, with positions. `flow`: also read the flow from disk; what is wrong
 * with that goes to `more` as lines. NULL when anything is an error. */
TestFile *flowtest_read(const char *text, size_t n, const char *path, bool flow, Diags *d, Buf *more);
size_t flowtest_count(const TestFile *f);
const char *flowtest_name(const TestFile *f, size_t i);
void flowtest_run(const TestFile *f, size_t i, const TestOptions *o, TestResult *out);
/* A test file for a flow that has none: one case that reads input and answers from `recorded`. Text to b. */
void flowtest_skeleton(const FlowDef *flow, const char *flow_name, const char *recorded, Val expect, Buf *b);

/* Re-executes a stored run against the present source: no effect, no writing. The differences as in TestResult. */
void flowtest_replay(Engine *e, const RunRow *row, const FlowDef *flow, TestResult *out);

/* The rows of flowtest_keys.h, for help texts. */
typedef struct FtKey { enum FtMap map; const char *name; bool required; const char *doc; } FtKey;
extern const FtKey flowtest_keys[];
extern const size_t flowtest_nkeys;
typedef struct FtMapInfo { const char *title, *text; } FtMapInfo;
extern const FtMapInfo flowtest_maps[FT_MAPS_COUNT];
#endif
