/* flowdef_job.c - what can be said about a :job step before it runs: which options its :op needs, and which mean nothing to it. */
#include "flowdef_int.h"

enum { SUBMIT = 1, SUBMIT_BATCH = 2, GET = 4, GET_BATCH = 8, AWAIT = 16, AWAIT_BATCH = 32 };

static const char *const ops[] = {"submit", "submit-batch", "get", "get-batch", "await", "await-batch"};
static const struct { const char *option; unsigned needed, taken; } rows[] = {
    {"job-type", SUBMIT | SUBMIT_BATCH, SUBMIT | SUBMIT_BATCH},
    {"jobs", SUBMIT_BATCH, SUBMIT_BATCH},
    {"job-id", GET | AWAIT, GET | AWAIT},
    {"batch-id", GET_BATCH | AWAIT_BATCH, GET_BATCH | AWAIT_BATCH},
    {"payload", 0, SUBMIT},
    {"metadata", 0, SUBMIT | SUBMIT_BATCH},
    {"max-attempts", 0, SUBMIT | SUBMIT_BATCH | AWAIT | AWAIT_BATCH},
    {"priority", 0, SUBMIT | SUBMIT_BATCH},
    {"delay", 0, SUBMIT | SUBMIT_BATCH},
    {"max-concurrency", 0, SUBMIT_BATCH},
    {"keep-running", 0, SUBMIT | SUBMIT_BATCH},
    {"interval", 0, AWAIT | AWAIT_BATCH},
    {"timeout", 0, AWAIT | AWAIT_BATCH},
    {"backoff", 0, AWAIT | AWAIT_BATCH},
    {"include-jobs?", 0, GET_BATCH | AWAIT_BATCH},
    {"limit", 0, GET_BATCH | AWAIT_BATCH},
};

void check_job(Check *c, Val cfg, At at) {
  Val op = map_get_kw(cfg, "op");
  unsigned is = 0;
  for (int i = 0; i < 6; i++)
    if (kw_is(op, ops[i])) is = 1u << i;
  if (!is || !is_nil(map_get_kw(cfg, "template"))) return; /* judged when it runs, or by the table of options */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool given = !same(map_get(cfg, kw_c(rows[i].option), ABSENT), ABSENT);
    if (!given && rows[i].needed & is)
      diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :job step with :op %s needs :%s", val_text(op), rows[i].option);
    if (given && !(rows[i].taken & is))
      diag_add(c, DIAG_flow_step_option_unknown, at_field(c, at, rows[i].option), NULL, ":%s means nothing to :op %s", rows[i].option, val_text(op));
  }
}
