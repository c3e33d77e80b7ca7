/* client_rows_worker.c - rows: jobs worker. */
#include "client_rows.h"
#include "runtime/worker/worker_cli.h"

#define LABEL NEEDED(TEXT, "label", "label", "what the artifact is called on the job")
#define PRINT_URI FLAG(BOOL, "print-uri", NULL, NULL, "print the address of what was stored, and nothing else")
#define DETAILS                                                                                                                            \
  FLAG(OBJECT, "details", "details", NULL, "more about it, a JSON object"),                                                                \
      FROM_FILE(OBJECT, "details-file", "details", "the same from a file"), FLAG(PAIRS, "detail", "details", NULL, "one of them")
#define METRICS                                                                                                                            \
  FLAG(OBJECT, "metrics", "metrics", NULL, "numbers about the work, a JSON object"),                                                       \
      FROM_FILE(OBJECT, "metrics-file", "metrics", "the same from a file"), FLAG(PAIRS, "metric", "metrics", NULL, "one of them")
#define HANDLER " Called by a handler of `breyta jobs worker run`, which says by its environment which job it is."

const ClientCommand client_rows_worker[] = {
    {.name = "jobs worker run",
     .summary = "claim jobs of a type and run a handler for each",
     .run = worker_cli_run,
     .text = "Claims jobs and runs the handler once for each, with the job's folder in BREYTA_JOB_DIR and its payload in the file that "
             "BREYTA_JOB_PAYLOAD_FILE names. The handler says how it "
             "went by `breyta jobs worker finish` or `fail`, or by its exit status. The lease of a job is extended as long as its handler "
             "runs; if it is lost, or the job "
             "is cancelled, the handler and all it has started are ended. SIGTERM or SIGINT: no more jobs are claimed, handlers get "
             "--grace to end, and the jobs of "
             "those that did not are failed with the code worker_stopped; a second signal kills them at once. Events go to standard error, "
             "a summary to standard output at the end.",
     PARAMS(NEEDED(TEXT, "type", NULL, "the type of the jobs"),
            {"handler", CLIENT_TEXT, NULL, NULL, "the program that does a job; or the command with its arguments behind --", "PROGRAM", 0},
            FLAG(LIST, "handler-arg", NULL, NULL, "an argument for it"),
            FLAG(INT, "concurrency", NULL, "1", "how many jobs at once, up to 1000"),
            FLAG(BOOL, "once", NULL, NULL, "one job if there is one now, then end"),
            FLAG(INT, "max-jobs", NULL, NULL, "end after so many jobs"), TEXT("batch-id", NULL, "only jobs of this batch"),
            FLAG(LABELS, "label", NULL, NULL, "what the server shows of this worker"),
            {"labels", CLIENT_TEXT, NULL, NULL, "the same in one word", "K=V,K=V", 0},
            FLAG(DURATION, "lease-duration", NULL, "2m", "after so long without a sign of the worker others get its jobs"),
            FLAG(DURATION, "grace", NULL, "25s", "how long handlers may go on after SIGTERM"),
            FLAG(DURATION, "poll-interval", NULL, "5s",
                 "the pause between two claims where a server does not hold them back until there is a job"),
            TEXT("worker-id", NULL, "what the worker is called; else its host and process number"),
            FLAG(BOOL, "keep-job-dirs", NULL, NULL, "leave the folders of jobs where they are"),
            {"keep-dirs", CLIENT_BOOL, NULL, NULL, "the same", NULL, CLIENT_HIDDEN})},
    {.name = "jobs worker progress",
     .call = "jobs.progress",
     .summary = "tell how far the job is",
     .run = worker_handler_progress,
     .text = "What the job shows until the next one." HANDLER,
     PARAMS(CHOICE("status", "status", NULL, "leased|started|running", "the job's new state; it never goes back"),
            TEXT("message", "message", "for people"), DETAILS, METRICS)},
    {.name = "jobs worker attach-file",
     .summary = "store a file and attach it to the job",
     .run = worker_attach_file,
     .text = "The file may be of any size the server takes. It is on the job when the handler has ended." HANDLER,
     PARAMS({"file", CLIENT_TEXT, NULL, NULL, "the file", "FILE", CLIENT_NEEDED},
            NEEDED(TEXT, "label", NULL, "what the artifact is called on the job"),
            FLAG(TEXT, "kind", NULL, "file", "what kind of thing it is: report, patch, log ..."),
            TEXT("content-type", NULL, "its media type; else by the name's end"), TEXT("resource-label", NULL, "a name for people"),
            PRINT_URI)},
    {.name = "jobs worker attach-kv",
     .call = "jobs.attach_kv",
     .summary = "store a value and attach it to the job",
     .run = worker_attach_kv,
     .text = "The value is stored under the job's own name of the key, which the answer tells." HANDLER,
     PARAMS(LABEL, TEXT("key", "key", "its key within the job; else the label"), FLAG(JSON, "value", "value", NULL, "the value"),
            FROM_FILE(JSON, "value-file", "value", "the value from a file"),
            FLAG(PAIRS, "field", "value", NULL, "one field of it: a number, true, JSON, else text"),
            FLAG(TEXT, "kind", "kind", "kv", "what kind of thing it is"), TEXT("content-type", "contentType", "its media type"),
            FLAG(INT, "ttl-seconds", "ttlSeconds", NULL, "it is deleted after so long"), PRINT_URI)},
    {.name = "jobs worker attach-table",
     .call = "jobs.attach_table",
     .summary = "store rows as a table and attach it to the job",
     .run = worker_attach_table,
     .text = "The table is made when it is not there; its columns come from the rows. Many rows travel in several requests, in order; if "
             "one fails, those in front of it are "
             "stored." HANDLER,
     PARAMS(LABEL, {"rows", CLIENT_TEXT, NULL, NULL, "an array of JSON objects, or one", "JSON", 0},
            {"rows-file", CLIENT_TEXT, NULL, NULL, "a JSON array of objects, JSON Lines, or CSV with a header; - is standard input", "FILE",
             0},
            CHOICE("rows-format", NULL, NULL, "json|csv", "what the file is; else by its name"),
            TEXT("table", "table", "its name within the job; else the label"),
            CHOICE("write-mode", "writeMode", NULL, "append|upsert", "upsert: a row with known key fields takes the place of the old one"),
            FLAG(CSV, "key-field", "keyFields", NULL, "what tells rows apart"),
            FLAG(CSV, "index-field", "indexFields", NULL, "what is often searched for"),
            TEXT("schema-mode", "schemaMode", "flexible: new columns may come with later rows"),
            FLAG(TEXT, "kind", "kind", "table", "what kind of thing it is"), TEXT("content-type", "contentType", "its media type"),
            PRINT_URI)},
    {.name = "jobs worker finish",
     .summary = "the job is done: its status, summary and outputs",
     .flags = CLIENT_LOCAL,
     .run = worker_handler_finish,
     .text = "Writes into result.json of the job's folder; the worker reports it when the handler ends with status 0. Several calls add "
             "up." HANDLER,
     PARAMS({"status", CLIENT_TEXT, "status", NULL,
             "succeeded, no_changes, cancelled or failed; else succeeded, unless an earlier call has said another", "STATUS", 0},
            TEXT("summary", "summary", "one sentence for people"), FLAG(JSON, "outputs", "outputs", NULL, "what the flow gets, JSON"),
            FROM_FILE(JSON, "outputs-file", "outputs", "the same from a file"),
            FLAG(PAIRS, "output", "outputs", NULL, "one of them: a number, true, JSON, else text"), METRICS)},
    {.name = "jobs worker fail",
     .summary = "the job has failed: why",
     .flags = CLIENT_LOCAL,
     .run = worker_handler_fail,
     .text = "Writes into result.json of the job's folder; the worker reports it when the handler ends." HANDLER,
     PARAMS(TEXT("message", "message", "one sentence for people"), TEXT("code", "code", "a short word for programs; else handler_failed"),
            DETAILS)},
    {.name = "jobs worker agent",
     .call = "jobs.progress",
     .summary = "a handler: run the command of an :agent step with :via :job",
     .run = worker_agent,
     .text = "`breyta jobs worker run --type TYPE -- breyta jobs worker agent` does the work of :agent steps with :via :job, :job-type TYPE "
             "and :command on this machine, as :via :ssh does it elsewhere: the command runs by `sh -lc` in :workdir, with :env, BREYTA_INPUTS "
             "and BREYTA_OBJECTIVE, and writes its result (JSON) into BREYTA_RESULT_FILE, artifacts into BREYTA_ARTIFACTS_FILE and how far it is "
             "into BREYTA_PROGRESS_FILE (\"40% copying\"). Whoever may start such flows runs commands here: run it as a user for that alone.",
     NO_PARAMS},
    {.name = "jobs worker state",
     .summary = "show the job's folder: job, payload, and the result so far",
     .run = worker_handler_state,
     .text = "Asks no server.",
     PARAMS({"job-dir", CLIENT_TEXT, NULL, NULL, "the folder; else BREYTA_JOB_DIR", "DIR", 0})},
    {0}};
