/* engine_init.c - puts the engine's names into the core table: flow builtins and macros, sandbox helpers, step kinds. */
#include "child.h"
#include "engine_int.h"
#include "runtime/agent/engine_agent.h"
#include "runtime/jobs/engine_job.h"
#include "runtime/ssh/engine_ssh.h"
#include "runtime/steps/notify.h"
#include "runtime/ssh/ssh_check.h"
#include "runtime/flow/flow_prelude.h"
#include "runtime/flow/flow_tables.h"

/* Some of them may be there already: the command line gives the sandbox helpers to every program. */
static void table_register(const BuiltinRow *rows) {
  if (!builtin_find(rows[0].name)) builtin_register(rows);
}

void engine_init(void) {
  static bool done;
  if (done) return;
  done = true;
  builtin_register(rows_flow);
  builtin_register(rows_child);
  child_register();
  FLOW_TABLES(table_register)
  prelude_add(flow_prelude_files);
  engine_http_register();
  notify_register();
  engine_llm_register();
  engine_db_register();
  engine_ssh_register();
  engine_agent_register();
  ssh_check_register();
  engine_search_register();
  engine_job_register();
}
