/* cli_options.h - every command and every option of breyta-run, once. Parsing, --help, the man page and the completion script
 * are made from these two tables (cli_help.c, cli.c); nothing else knows a flag's name.
 *
 *   COMMAND(id, name, arguments, summary, description)
 *   OPTION(kind, id, letter, name, argument, default, commands, help)
 *     kind      FLAG a bool, TEXT a string (last one wins), LIST strings in order
 *     commands  bits of the commands that take it
 * A new command: a row here and a function cmd_<id> in a cli_*.c file. A new option: a row here; its value is cli->id. */
#ifndef BR_CLI_OPTIONS_H
#define BR_CLI_OPTIONS_H

#define CLI_COMMANDS(COMMAND)                                                                                                        \
  COMMAND(run, "", "FLOW.edn [OPTIONS]", "run a flow to its end, or until it waits for the outside",                                  \
          "Runs the flow durably: every step is on disk before the next one begins, so the run may be killed at any moment and goes " \
          "on with `breyta-run resume`. The final value goes to standard output, everything else to standard error. Without "        \
          "--listen a :wait parks the run at once; sleeps, polls and retry delays are waited out.")                                  \
  COMMAND(resume, "resume", "[RUN-ID...] [OPTIONS]", "continue unfinished runs (all, if none is named)",                             \
          "Continues runs from their last durable step and fires timers that are due. With one RUN-ID the value is printed and the "  \
          "exit status is that of the run; a finished run prints its stored value or error again.")                                  \
  COMMAND(send, "send", "WAIT-KEY JSON|@FILE|- [OPTIONS]", "answer a :wait by its key, or with --event NAME by an event",                    \
          "Records the answer durably, also for a wait that no run has registered yet and beside a running executor, and exits 0 "    \
          "without running anything. The answer is JSON, @FILE (JSON, or EDN when it ends in .edn), or - for standard input. With --event there is no WAIT-KEY: the event's own fields say whom it is for. Write -- before a JSON value that begins with a minus sign.")                                   \
  COMMAND(approve, "approve", "RUN-ID [STEP] [OPTIONS]", "approve what a run waits for",                                            \
          "Records a person's approval for what the run waits for; at a checkpoint the failed step is tried again. `breyta-run "           \
          "resume` goes on with it.")                                                                                              \
  COMMAND(reject, "reject", "RUN-ID [STEP] [OPTIONS]", "reject what a run waits for",                                               \
          "Records a person's rejection: at a checkpoint the step's error fails the run.")                                          \
  COMMAND(retry, "retry", "RUN-ID [STEP] [OPTIONS]", "have the failed step of a checkpoint tried again",                            \
          "Records that the step which failed with :on-error :checkpoint is to be tried again.")                                    \
  COMMAND(skip, "skip", "RUN-ID [STEP] [--value JSON] [OPTIONS]", "skip the failed step of a checkpoint",                           \
          "Records that the failed step is to be skipped; its result is the --value, or nil.")                                      \
  COMMAND(runs, "runs", "[OPTIONS]", "list runs", "Lists all runs of the database, oldest first. Works beside a running executor.")   \
  COMMAND(show, "show", "RUN-ID [OPTIONS]", "timeline of a run: its steps and what it waits for",                                   \
          "Shows how a run stands, every attempt of every step with timing and error, and what would wake it. With --step the run is " \
          "rebuilt as it was in front of that step, without any effect: its call stack and the values of all locals.")               \
  COMMAND(replay, "replay", "RUN-ID [OPTIONS]", "re-execute a run from its journal and compare",                                    \
          "Runs the flow again from the journal alone: no effect is done and nothing is written. Exits 1 on the first difference "     \
          "and names it.")                                                                                                            \
  COMMAND(lint, "lint", "FLOW.edn... [--format json]", "check flows as upstream does",                                                \
          "Prints every problem of the definitions in one pass, with code, position and hint. What runs here and upstream refuses, "  \
          "such as a transform in a flow body, is an error of lint alone. Exits 0 without errors, 1 with errors, 2 when a file "      \
          "cannot be read.")                                                                                                          \
  COMMAND(repl, "repl", "[FLOW.edn | FILE.clj]", "evaluate Clojure interactively",                                                   \
          "Reads forms, evaluates them and prints the values, over several lines where that fits the terminal better; (help) lists "  \
          "what else there is. A FILE.clj is evaluated first. Lines can be edited, TAB completes, the history is kept in "          \
          "$XDG_STATE_HOME/breyta/history (~/.local/state), NO_COLOR turns colours off. Ctrl-C interrupts an evaluation, Ctrl-D "     \
          "ends. When standard input is no terminal there is no prompt and each value is one line; after an error it goes on with "  \
          "the next form, and the exit status is 1 in the end. With --nrepl an editor's nREPL client (CIDER, Calva, Conjure ...) "    \
          "finds the port in .nrepl-port; its sessions and the terminal see the same definitions. Whoever reaches the port can run "  \
          "code as you: give a HOST only in a network that you trust.")                                                                    \
  COMMAND(fork, "fork", "RUN-ID STEP [OPTIONS]", "a new run that goes on from a step of another one",                                \
          "Makes a new durable run with the history of another one up to STEP (a number as `breyta-run show` lists them, a step id, or " \
          "id#2 for its second time) and runs it like `breyta-run FLOW.edn`. The steps before are not done again. By default STEP is "   \
          "done for real; --result or --error answer it instead, --set changes locals in front of it, --config its config. With "      \
          "--input or --flow the flow runs again from its start on the results of the old steps, and has to reach the same ones. "    \
          "Nothing is taken back: :kv values that were written since, by this run too, are what the new run finds.")     \
  COMMAND(cancel, "cancel", "RUN-ID [OPTIONS]", "end a run as cancelled",                                                            \
          "Records the request durably and has it done: by the executor that holds the database, else at once. The step that the run "  \
          "is at fails with an error that no catch clause takes; finally blocks run, steps in them included. With --force the run "     \
          "ends as terminated where it is. A finished run stays as it is.")                                                            \
  COMMAND(gc, "gc", "[--db FILE] [--dry-run] [--table NAME]", "remove expired resources and their blobs, and named tables",                                            \
          "Removes the resources (results kept by :persist) whose time is over, and from the disk the blobs that no resource names and "\
          "that are older than an hour. What an unfinished run holds a reference to stays. Nothing may run flows meanwhile; --dry-run " \
          "counts what would go, beside a running executor, too. It may be killed at any moment.")                                   \
  COMMAND(secrets, "secrets", "set|list|rm|rotate-key [NAME] [OPTIONS]", "store secrets encrypted in the database",                     \
          "set NAME stores a value, from standard input unless --from-env or --from-file says otherwise, and never from the command line, "\
          "where others could see it; one line break at the end is not part of it. list shows names and versions, never values. rm NAME "\
          "deletes one. Values are encrypted with AES-256-GCM. The key is not in the database: it is in BREYTA_SECRETS_KEY or a file that "\
          "only you can read (--secrets-key), which the first set makes; keep a copy, for without it the secrets are lost. rotate-key "\
          "makes a new key and encrypts every secret again while runs go on; stopped in the middle, it goes on when called again. Old "   \
          "keys stay in the file for backups, until rotate-key --forget-old. All of it works beside a running executor, whose next step "\
          "uses the new value.")                                                                                                       \
  COMMAND(connections, "connections", "set|list|show|rm|check|bind|unbind [ID] [OPTIONS]", "store connections and bind slots of flows to them", \
          "set ID --type TYPE --config JSON stores one, list and show print them, rm deletes one that no slot is bound to, check says which "\
          "of its secrets are missing. bind FLOW SLOT ID binds a slot of the flow with that slug, unbind FLOW SLOT undoes it. A config "\
          "names its secrets (\"secret-ref\") and never holds them. What --connections FILE binds comes first.")                        \
  COMMAND(test, "test", "[PATH...] [OPTIONS]", "test flows without their services",                                                  \
          "Runs the cases of test files (*.test.edn; folders are searched, the default is the present one): each is one run of a flow with "\
          "scripted answers for its steps, on a store in memory, with a clock that jumps instead of waiting, with crashes where the case "\
          "says, and expectations of the result and the steps taken. Every passing case is also replayed from its journal and run again "\
          "on restored snapshots. With --replay-db the PATHs are flows, and the runs of a database are compared with them. Exits 0 when "\
          "all passed, 1 when some failed, 2 for bad usage or an invalid file.")                                                     \
  COMMAND(check, "check", "FLOW.edn [--connections FILE] [OPTIONS]", "is everything there that a flow needs?",                          \
          "Says what is wrong with the definition, which slots of :requires are bound and to what, which secrets can be read (never their "\
          "values), which workers it needs, and tries every bound connection: an HTTP API is sent one HEAD request and a database "    \
          "SELECT 1, 5 seconds each, side by side. Nothing is run. Exits 0 when all is fine, 1 when something is missing or fails.")     \
  COMMAND(help, "help", "[TOPIC [NAME [OPTION]]]", "explain commands, steps, limits and diagnostics",                                  \
          "Prints reference text made from the tables that the program itself goes by. `help step` lists the step families, `help step "\
          "http` the options of one, `help step http retry` one option with what stands inside it. The name of a command prints its "  \
          "--help. Without a topic: all topics.")                                                                                       \
  COMMAND(eval, "eval", "-e EXPR | FILE.clj | --batch", "evaluate Clojure",                                                         \
          "With -e each value is printed as pr-str does it; a FILE prints only what the program prints, - is standard input. With "   \
          "--batch each line of standard input is an expression and each line of output its value, or an #error map.")

#define ON(id) ((uint64_t)1 << CMD_##id)
#define ON_ACTIONS (ON(approve) | ON(reject) | ON(retry) | ON(skip))
#define ON_DB (ON(run) | ON(resume) | ON(send) | ON_ACTIONS | ON(runs) | ON(show) | ON(replay) | ON(fork) | ON(cancel) | ON_STORED)
#define ON_STORED (ON(secrets) | ON(connections))
#define ON_ENGINE (ON(run) | ON(resume) | ON(fork))
#define ON_ALL UINT64_MAX

#define CLI_OPTIONS(OPTION)                                                                                                          \
  OPTION(TEXT, input, 'i', "input", "JSON|@FILE|-", 0, ON(run) | ON(fork) | ON(test),                                                                       \
         "the flow's input: a JSON object, @FILE (JSON, or EDN when it ends in .edn), - for standard input")                          \
  OPTION(TEXT, db, 'd', "db", "FILE", ".breyta/breyta.db", ON_DB | ON(repl) | ON(test) | ON(check) | ON(gc), "the database")                                                     \
  OPTION(TEXT, format, 'f', "format", "edn|json", "edn", ON_DB | ON(lint) | ON(check) | ON(gc), "how values are printed")                                             \
  OPTION(TEXT, run_id, 0, "run-id", "ID", 0, ON(run) | ON(fork),                                                                                 \
         "name of the run; a run of that name with the same source and input is continued")                                          \
  OPTION(TEXT, workspace, 'w', "workspace", "NAME", "local", ON_DB | ON(check) | ON(repl) | ON(test) | ON(gc), "the workspace")                                                  \
  OPTION(TEXT, listen, 'l', "listen", "HOST:PORT", 0, ON_ENGINE,                                                                      \
         "accept POST /<workspace>/events/<wait-key> and the links of notifications while a run waits")                                                              \
  OPTION(TEXT, public_url, 0, "public-url", "URL", 0, ON_ENGINE, "how others reach --listen: base of callback addresses and links")      \
  OPTION(TEXT, event, 0, "event", "NAME", 0, ON(send), "send JSON as the event NAME: to the wait whose :event takes its key from it")      \
  OPTION(TEXT, by, 0, "by", "WHO", 0, ON(approve) | ON(reject), "who answers: :by of the answer")                                       \
  OPTION(TEXT, role, 0, "role", "ROLE", 0, ON(approve) | ON(reject), "as whom: refused when the wait has :roles and this is none of them") \
  OPTION(FLAG, detach, 0, "detach", 0, 0, ON(run) | ON(fork), "start durably, print the run id and exit 3")                                      \
  OPTION(FLAG, progress, 'p', "progress", 0, 0, ON_ENGINE, "plain progress lines on standard error, also when it is no terminal")     \
  OPTION(TEXT, connections, 0, "connections", "FILE", 0, ON_ENGINE | ON(repl) | ON(test) | ON(check),                                                                   \
         "what the flow's slots are bound to, and secrets: EDN or JSON, {\"connections\": {..}, \"secrets\": {..}}")                  \
  OPTION(TEXT, secrets_key, 0, "secrets-key", "FILE", 0, ON_ENGINE | ON_STORED | ON(check) | ON(repl) | ON(test) | ON(gc),                                                         \
         "the key of stored secrets; else BREYTA_SECRETS_KEY (base64 of 32 bytes), else ~/.config/breyta/secrets.key")                 \
  OPTION(TEXT, blobs, 0, "blobs", "URL|disk", 0, ON_ENGINE,                                                                           \
         "where results kept by :persist go, remembered by the database: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&cache=1G (keys from "\
         "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials, or keys=SECRET: a stored secret with such lines), or disk: beside the database")                         \
  OPTION(TEXT, from_env, 0, "from-env", "NAME", 0, ON(secrets), "set: the value of this environment variable")                        \
  OPTION(TEXT, from_file, 0, "from-file", "FILE", 0, ON(secrets), "set: what is in this file")                                        \
  OPTION(FLAG, forget_old, 0, "forget-old", 0, 0, ON(secrets), "rotate-key: drop old keys from the key file; backups that need them are lost")\
  OPTION(TEXT, conn_type, 0, "type", "TYPE", 0, ON(connections), "set, list: http-api, database, kv-store, blob-storage, secret or ssh")\
  OPTION(TEXT, conn_backend, 0, "backend", "NAME", 0, ON(connections), "set: such as postgres or sqlite")                              \
  OPTION(TEXT, conn_config, 0, "config", "JSON|@FILE", 0, ON(connections), "set: what its steps need, such as {\"base-url\": ..}")      \
  OPTION(TEXT, conn_target, 0, "target", "draft|live", "draft", ON(connections), "bind, unbind: for which target; the shell runs draft")\
  OPTION(LIST, flows, 0, "flows", "DIR|FILE", 0, ON_ENGINE | ON(repl),                                                                 \
         "where flow/call-flow and :fanout find other flows by :slug, beside the folder of the calling flow; may be given more than once")\
  OPTION(FLAG, guard, 0, "guard", 0, 0, ON_ENGINE | ON(repl) | ON(check),                                                                                    \
         "refuse requests to private addresses, except those in BREYTA_ALLOW_PRIVATE_HOSTS")                                          \
  OPTION(LIST, limit, 0, "limit", "NAME=N", 0, ON_ENGINE | ON(send) | ON(replay) | ON(test) | ON(lint) | ON(check) | ON(repl),                     \
         "another value for a limit (`breyta-run help limits`); may be given more than once, and again when the run is resumed")        \
  OPTION(TEXT, profile, 0, "profile", "local|hosted", "local", ON_ENGINE | ON(send) | ON(replay) | ON(test) | ON(lint) | ON(check) | ON(repl),      \
         "hosted: also the limits that only meter a hosted plan")                                                                       \
  OPTION(FLAG, no_connect, 0, "no-connect", 0, 0, ON(check), "look at the bindings only, send nothing")                                \
  OPTION(TEXT, value, 0, "value", "JSON", 0, ON_ACTIONS, "a value that goes with the answer")                                         \
  OPTION(TEXT, step, 0, "step", "STEP", 0, ON(show), "the stack and locals in front of this step: its number, its id, or id#2")          \
  OPTION(LIST, set, 's', "set", "NAME=EDN", 0, ON(fork), "another value for a local in front of the step; may be given more than once") \
  OPTION(TEXT, result, 0, "result", "EDN", 0, ON(fork), "the step's result, in place of doing it")                                      \
  OPTION(TEXT, error, 0, "error", "TEXT|EDN", 0, ON(fork), "the step fails with this message, or map with :message and :type")          \
  OPTION(TEXT, config, 0, "config", "EDN", 0, ON(fork), "the step's config map, in place of what the flow computed")                    \
  OPTION(TEXT, flow, 0, "flow", "FILE", 0, ON(fork), "another source for the new run")                                                  \
  OPTION(FLAG, force, 0, "force", 0, 0, ON(cancel), "do not run finally blocks: the run ends as terminated")                            \
  OPTION(LIST, table, 0, "table", "NAME", 0, ON(gc), "also remove this table with all its rows: tables never expire; may be given more than once") \
  OPTION(FLAG, dry_run, 0, "dry-run", 0, 0, ON(gc), "remove nothing, only count")                                                     \
  OPTION(TEXT, reason, 0, "reason", "TEXT", 0, ON(cancel) | ON_ACTIONS, "kept with the run")                                                         \
  OPTION(FLAG, record, 0, "record", 0, 0, ON(test),                                                                                  \
         "run cases for real, on the real clock, and write the answers of their steps to the case's :recorded file, secrets left out; "\
         "for a flow without tests, begin a test file")                                                                              \
  OPTION(TEXT, replay_db, 0, "replay-db", "FILE", 0, ON(test),                                                                       \
         "re-execute the runs stored in this database against the flows at PATH, without any effect, and tell which would take another path")\
  OPTION(TEXT, filter, 0, "filter", "TEXT", 0, ON(test), "only cases whose name contains TEXT")                                      \
  OPTION(FLAG, fail_fast, 0, "fail-fast", 0, 0, ON(test), "stop at the first failure")                                               \
  OPTION(TEXT, report, 0, "format", "text|tap|junit|json", "text", ON(test), "how the results are printed")                          \
  OPTION(TEXT, time_limit, 0, "time-limit", "SECONDS", "60", ON(test), "longest real time of one case; it fails alone")              \
  OPTION(LIST, expr, 'e', "expr", "EXPR", 0, ON(eval), "evaluate EXPR and print each value; may be given more than once")             \
  OPTION(FLAG, batch, 0, "batch", 0, 0, ON(eval), "one expression a line in, one result a line out")                                  \
  OPTION(TEXT, nrepl, 0, "nrepl", "[HOST:]PORT", 0, ON(repl),                                                                         \
         "serve editors by nREPL, beside the terminal or until SIGTERM; on 127.0.0.1 unless there is a HOST, port 0 picks one")       \
  OPTION(FLAG, help, 'h', "help", 0, 0, ON_ALL, "print this and exit")                                                                \
  OPTION(FLAG, version, 'V', "version", 0, 0, ON(run), "print the version and exit")                                                  \
  OPTION(FLAG, man, 0, "man", 0, 0, ON(run), 0)                                                                                       \
  OPTION(FLAG, completion, 0, "completion", 0, 0, ON(run), 0)                                                                         \
  OPTION(TEXT, completion_for, 0, "completion-for", "bash|zsh|fish", 0, ON(run), 0)
#endif
