/* flowtest_keys.h - the format of flow tests (*.test.edn), once: what the validator accepts and what `breyta-run test --help`
 * and the man page say.
 *
 * FT_MAPS(M): M(name, title, text)  the kinds of map in a test file, in the order of the help; text: what it is
 * FT_KEYS(K): K(map, key, required, type, doc)
 *   type  FT_T_...: what a value has to be (flowtest_read.c); types that are maps themselves are checked by their own rows */
#ifndef BR_FLOWTEST_KEYS_H
#define BR_FLOWTEST_KEYS_H

#define FT_MAPS(M)                                                                                                                    \
  M(FILE, "A test file", "One map. NAME.test.edn tests NAME.edn beside it, or flow.edn when that is not there.")                      \
  M(CASE, "A case", "One run of the flow, alone on a store in memory, with a clock that jumps instead of waiting. Of the steps, "      \
                    ":function, :kv, :sleep and :wait run for real; every other one needs an answer.")                                \
  M(ANSWER, "An answer", "What a step gets instead of its effect: exactly one of :value :response :error :fn :attempts :real.")        \
  M(RESPONSE, "A response", "Of an :http step; judged as the real one: status, :accept-status, :response-as, Retry-After.")            \
  M(EVENT, "An event", "What the outside does. :at a time, or as soon as the run waits for it.")                                       \
  M(CRASH, "A crash", "The process dies there; a new one takes the run over. With :step, or :at a time.")                              \
  M(EXPECT, "Expectations", "All that are given must hold. :result is compared exactly; patterns say less than the whole: a map names " \
                            "the keys it cares for, a vector all elements (a last ... allows more), a regex is found in a string, "    \
                            "(fn [x] ..) or string? is asked, _ is anything, '(..) is data.")                                         \
  M(EXPECT_ERROR, "An expected error", "How the run fails.")                                                                          \
  M(EXPECT_WAIT, "An expected wait", "What the parked run waits for.")                                                                \
  M(EXPECT_STEP, "An expected step", "One call of a step. A keyword alone is its :step.")                                             \
  M(EXPECT_TIME, "An expected time", "Limits of the virtual time.")

#define FT_KEYS(K)                                                                                                                    \
  K(FILE, "flow", 0, STRING, "path of the flow, from this file's folder")                                                             \
  K(FILE, "doc", 0, STRING, "for people")                                                                                             \
  K(FILE, "defaults", 0, DEFAULTS, "keys of a case that every case has unless it says otherwise; :input :steps :kv are merged by key") \
  K(FILE, "cases", 1, CASES, "vector of cases")                                                                                       \
  K(CASE, "name", 1, NAME, "unlike any other case's")                                                                                 \
  K(CASE, "doc", 0, STRING, "for people")                                                                                             \
  K(CASE, "skip", 0, STRING, "why it is not run now")                                                                                 \
  K(CASE, "input", 0, MAP, "the run's input")                                                                                         \
  K(CASE, "invocation", 0, KEYWORD, "whose inputs are checked, default :default")                                                     \
  K(CASE, "run-id", 0, NAME, "the workflow id")                                                                                       \
  K(CASE, "clock", 0, INSTANT, "when the run starts, default \"2026-01-01T00:00:00Z\"")                                               \
  K(CASE, "seed", 0, COUNT, "of rand and random-uuid, default 1")                                                                     \
  K(CASE, "connections", 0, MAP, "what the flow's slots are bound to, as in a --connections file: slot -> {:type .. :config ..}")       \
  K(CASE, "flows", 0, PLACES, "folders and files, from this file's folder, with the flows it calls; their steps are answered by :steps, too. "  \
                              "Without it (\".\" is enough for flows beside it) a :call-flow or :fanout needs an answer")                \
  K(CASE, "kv", 0, KV, "what :kv holds before: key -> value")                                                                         \
  K(CASE, "steps", 0, STEPS, "step id -> an answer for every call, or a vector: first call, second call ...")                         \
  K(CASE, "recorded", 0, STRING, "file of answers for the steps without one here; --record writes it")                                \
  K(CASE, "events", 0, EVENTS, "vector of events")                                                                                    \
  K(CASE, "crash", 0, CRASHES, "a crash, a vector of crashes, or :everywhere (before and after every record of the journal)")         \
  K(CASE, "until", 0, DURATION, "when to stop and look, in virtual time")                                                             \
  K(CASE, "durability", 0, BOOL, "false: do not also replay the run and do it again on restored snapshots")                           \
  K(CASE, "expect", 1, EXPECT, "what must hold")                                                                                      \
  K(ANSWER, "value", 0, ANY, "the step's result")                                                                                     \
  K(ANSWER, "response", 0, RESPONSE, "an HTTP response")                                                                              \
  K(ANSWER, "error", 0, ERROR, "the attempt fails: a :type, or a map {:type :timeout :message \"..\" :status 503 :retry-after \"2s\" ..}") \
  K(ANSWER, "fn", 0, FN, "(fn [input call] ..) gives the result or throws; call is {:call 1 :attempt 1 :now ms}")                     \
  K(ANSWER, "attempts", 0, ANSWERS, "a vector: first attempt of the call, second ...")                                                \
  K(ANSWER, "real", 0, TRUE, "true: the step's family does it")                                                                       \
  K(ANSWER, "delay", 0, DURATION, "how long it takes; beyond the step's :timeout it is a timeout")                                    \
  K(ANSWER, "times", 0, TIMES, "in a vector: for so many calls, or :any number")                                                      \
  K(ANSWER, "input", 0, PATTERN, "what the step's config must match")                                                                 \
  K(RESPONSE, "status", 0, STATUS, "default 200")                                                                                     \
  K(RESPONSE, "headers", 0, MAP, "name -> value")                                                                                     \
  K(RESPONSE, "body", 0, ANY, "a string as it is; other data as JSON")                                                                \
  K(EVENT, "at", 0, DURATION, "virtual time since the start")                                                                         \
  K(EVENT, "key", 0, NAME, "of the :wait; may come before the run waits")                                                             \
  K(EVENT, "step", 0, KEYWORD, "the step that waits, in place of its key")                                                            \
  K(EVENT, "action", 0, ACTION, ":answer (default), or a person's :approve :reject :retry :skip")                                     \
  K(EVENT, "value", 0, ANY, "what comes with it")                                                                                     \
  K(EVENT, "times", 0, POSITIVE, "how often it comes, default 1")                                                                     \
  K(EVENT, "outcome", 0, OUTCOME, "what the sender of an :answer must hear: :delivered :kept :duplicate")                             \
  K(CRASH, "step", 0, KEYWORD, "at this step")                                                                                        \
  K(CRASH, "call", 0, POSITIVE, "which call of it, default 1")                                                                        \
  K(CRASH, "attempt", 0, POSITIVE, "which attempt, default 1")                                                                        \
  K(CRASH, "point", 0, POINT, ":before-intent :after-intent (default) :before-result :after-result, each as far as it is durable")    \
  K(CRASH, "at", 0, DURATION, "at this virtual time")                                                                                 \
  K(EXPECT, "result", 0, DATA, "the run's value, exactly")                                                                            \
  K(EXPECT, "matches", 0, PATTERN, "a pattern of the run's value")                                                                    \
  K(EXPECT, "pred", 0, FN, "(fn [value] ..) is true of it")                                                                           \
  K(EXPECT, "status", 0, RUN_STATUS, ":completed :failed or :waiting; follows from the other keys")                                   \
  K(EXPECT, "error", 0, EXPECT_ERROR, "a :type, or a map: the run fails so")                                                          \
  K(EXPECT, "waits-on", 0, EXPECT_WAIT, "a step id, or a map: the run is parked there at the end")                                    \
  K(EXPECT, "steps", 0, EXPECT_STEPS, "all calls in order: step ids, or maps")                                                        \
  K(EXPECT, "calls", 0, COUNTS, "step id -> how often it was called")                                                                 \
  K(EXPECT, "attempts", 0, COUNTS, "step id -> attempts of all its calls")                                                            \
  K(EXPECT, "time", 0, EXPECT_TIME, "virtual time from start to end: a duration, or {:min d :max d}")                                 \
  K(EXPECT, "kv", 0, KV_PATTERNS, "key -> pattern of what :kv holds at the end, nil: nothing")                                        \
  K(EXPECT_ERROR, "type", 0, KEYWORD, "")                                                                                             \
  K(EXPECT_ERROR, "message", 0, PATTERN, "usually a regex")                                                                           \
  K(EXPECT_ERROR, "step", 0, KEYWORD, "the step it came from")                                                                        \
  K(EXPECT_ERROR, "attempt", 0, POSITIVE, "")                                                                                         \
  K(EXPECT_ERROR, "data", 0, PATTERN, "of the whole error map")                                                                       \
  K(EXPECT_WAIT, "step", 0, KEYWORD, "")                                                                                              \
  K(EXPECT_WAIT, "key", 0, PATTERN, "of a :wait")                                                                                     \
  K(EXPECT_WAIT, "kind", 0, WAIT_KIND, ":wait :sleep :checkpoint or :child")                                                                 \
  K(EXPECT_STEP, "step", 1, KEYWORD, "")                                                                                              \
  K(EXPECT_STEP, "type", 0, KEYWORD, "its family")                                                                                    \
  K(EXPECT_STEP, "input", 0, PATTERN, "of its config")                                                                                \
  K(EXPECT_STEP, "output", 0, PATTERN, "of its result")                                                                               \
  K(EXPECT_STEP, "error", 0, PATTERN, "of the error map it ended with")                                                               \
  K(EXPECT_STEP, "attempts", 0, POSITIVE, "")                                                                                         \
  K(EXPECT_TIME, "min", 0, DURATION, "")                                                                                              \
  K(EXPECT_TIME, "max", 0, DURATION, "")

#define FT_MAP_ENUM(name, title, text) FT_##name,
enum FtMap { FT_MAPS(FT_MAP_ENUM) FT_MAPS_COUNT };
#endif
