/* flowdef_codes.h - every diagnostic of flow definitions: DIAG(code, severity, hint). Severity E: the flow cannot run; W: it
 * runs, and upstream's linter or experience dislikes it; U: it runs here, and upstream refuses it: a warning of a run, an error of
 * `breyta-run lint`. The hint is what is shown when the place that found the problem has
 * nothing more exact to say; NULL: the message says it all. Codes are stable: scripts and editors key on them. Names come
 * from spec/flows.md (1.5, 2.3, 2.6) as far as upstream has one. */
#ifndef BR_FLOWDEF_CODES_H
#define BR_FLOWDEF_CODES_H

#define DIAG_TABLE(DIAG)                                                                                                 \
  /* reading */                                                                                                          \
  DIAG(clojure_delimiters_invalid, E, "every ( [ { and \" needs its partner")                                            \
  DIAG(clojure_syntax_invalid, E, NULL)                                                                                  \
  DIAG(clojure_reader_invalid, E, NULL)                                                                                  \
  DIAG(clojure_reader_eval_disabled, E, "#= would run code while reading: write the value itself")                       \
  DIAG(flow_include_invalid, E, NULL)                                                                                    \
  /* top level */                                                                                                        \
  DIAG(missing_required_field, E, NULL)                                                                                  \
  DIAG(invalid_required_field, E, NULL)                                                                                  \
  DIAG(invalid_field, E, NULL)                                                                                           \
  DIAG(missing_name, W, "add :name \"...\"; the slug is shown instead")                                                  \
  DIAG(unknown_field, W, "it is ignored")                                                                                \
  DIAG(missing_interfaces, W, "add :interfaces {:manual [{:id :run :invocation :default}]}")                             \
  DIAG(missing_invocations, W, "add :invocations {:default {:label \"Run\" :inputs []}}")                                \
  DIAG(flow_size_limit, U, "upstream refuses definitions over 150 KB: move text to :templates, code to :functions")      \
  DIAG(flow_part_limit, E, "`breyta-run help limits` lists the limits")                                                 \
  DIAG(declared_steps_limit, U, "upstream allows 50 steps in a flow")                                                    \
  DIAG(hardcoded_workspace_id, W, "take it from (:workspace-id (:flow/ctx (flow/input)))")                               \
  DIAG(large_inline_string, W, "move it to :templates")                                                                  \
  /* invocations and interfaces */                                                                                       \
  DIAG(invalid_invocations_shape, E, "write {:default {:label \"Run\" :inputs [{:name :x :type :string}]}}")              \
  DIAG(invalid_invocation_id, E, "use an unqualified keyword: a letter, then letters, digits, _ or -, at most 128")      \
  DIAG(invalid_invocation_shape, E, "write {:label \"...\" :inputs [...]}")                                              \
  DIAG(invalid_invocation_inputs_shape, E, "write :inputs [{:name :x :type :string}]")                                   \
  DIAG(invalid_invocation_input_shape, E, "write {:name :x :type :string}")                                              \
  DIAG(missing_invocation_input_name, E, "add :name :x")                                                                 \
  DIAG(invalid_invocation_input_name, E, "use a letter, then letters, digits, _ or -, at most 128")                      \
  DIAG(duplicate_invocation_input_name, E, "give each input of an invocation a name of its own")                         \
  DIAG(invalid_invocation_input_type, E,                                                                                 \
       "use one of :string :text :number :email :password :textarea :boolean :checkbox :select :date :time :datetime "   \
       ":json :file :blob :blob-ref :resource :secret")                                                                  \
  DIAG(invalid_invocation_input_option, E, NULL)                                                                         \
  DIAG(invalid_invocation_input_default, E, NULL)                                                                        \
  DIAG(invalid_interfaces_shape, E, "write {:manual [{:id :run :invocation :default}]}")                                 \
  DIAG(invalid_interface_category_shape, E, "categories are :manual :http :webhook :mcp, each a vector of maps")         \
  DIAG(too_many_interfaces, E, "only :mcp may have more than one entry")                                                 \
  DIAG(invalid_interface_shape, E, "write {:id :run :invocation :default}")                                              \
  DIAG(missing_interface_id, E, "add :id (:tool-name for :mcp)")                                                         \
  DIAG(invalid_interface_id, E, "use a letter, then letters, digits, _ or -, at most 128")                               \
  DIAG(duplicate_interface_id, E, "ids and tool names are unique in the whole of :interfaces")                           \
  DIAG(missing_interface_invocation, E, "add :invocation :default")                                                      \
  DIAG(invalid_interface_invocation, E, "name an invocation by keyword")                                                 \
  DIAG(unknown_interface_invocation, E, NULL)                                                                            \
  DIAG(invalid_interface_field, E, NULL)                                                                                 \
  /* schedules, triggers */                                                                                              \
  DIAG(invalid_schedules_shape, E, "write [{:id :daily :invocation :default :cron \"0 6 * * *\"}]")                      \
  DIAG(invalid_schedule_shape, E, "write {:id :daily :invocation :default :cron \"0 6 * * *\"}")                         \
  DIAG(missing_schedule_id, E, "add :id :daily")                                                                         \
  DIAG(invalid_schedule_id, E, "use a letter, then letters, digits, _ or -, at most 128")                                \
  DIAG(duplicate_schedule_id, E, "give each schedule an id of its own")                                                  \
  DIAG(unknown_schedule_invocation, E, NULL)                                                                             \
  DIAG(invalid_schedule_cron, E, "five fields \"minute hour day month weekday\", or @hourly @daily @weekly @monthly, or \"every 15m\"") \
  DIAG(invalid_schedule_field, E, NULL)                                                                                  \
  DIAG(invalid_triggers_shape, E, "write [{:type :manual :label \"Run\" :enabled true :config {}}]")                     \
  DIAG(invalid_trigger, E, NULL)                                                                                         \
  DIAG(deprecated_manual_trigger, W, "use :invocations and :interfaces {:manual [...]}")                                 \
  /* requires, templates, functions, packaged steps */                                                                   \
  DIAG(invalid_requires_shape, E, "write [{:slot :api :type :http-api :label \"...\" :base-url \"https://...\" :auth {:type :none}}]") \
  DIAG(invalid_requirement, E, NULL)                                                                                     \
  DIAG(duplicate_requirement_slot, E, "give each slot a name of its own")                                                \
  DIAG(secret_slot_as_connection, E, "a secret is used by :auth {:type :bearer :secret-ref :name}")                        \
  DIAG(secret_ref_mismatch, W, NULL)                                                                                     \
  DIAG(deprecated_run_collected_form, W, "use :invocations for values of one run")                                       \
  DIAG(invalid_templates_shape, E, "write [{:id :t :type :http-request :request {...}}]")                                \
  DIAG(invalid_template, E, NULL)                                                                                        \
  DIAG(duplicate_template_id, E, "give each template an id of its own")                                                  \
  DIAG(missing_template_reference, E, NULL)                                                                              \
  DIAG(template_type_mismatch, E, "a step takes the :type of its family: :http-request for :http, :llm-prompt for :llm and :agent, :db-query for :db")                                                                              \
  DIAG(invalid_functions_shape, E, "write [{:id :f :language :clojure :code (quote (fn [input] ...))}]")                 \
  DIAG(invalid_function, E, NULL)                                                                                        \
  DIAG(duplicate_function_id, E, "give each function an id of its own")                                                  \
  DIAG(function_code_string_invalid, E, "the string must hold exactly one form: \"(fn [input] ...)\"")                   \
  DIAG(function_code_invalid, E, "write a function of one argument: (quote (fn [input] ...))")                           \
  DIAG(missing_function_reference, E, NULL)                                                                              \
  DIAG(unreferenced_function, W, "remove it, or use it with {:ref ...}")                                                 \
  DIAG(invalid_packaged_steps_shape, E, "write [{:id :my/step :type :http :description \"...\" :input-schema [:map]}]")  \
  DIAG(invalid_packaged_step, E, NULL)                                                                                   \
  DIAG(duplicate_packaged_step, E, "packaged steps and agents share one name space")                                     \
  DIAG(missing_packaged_step_reference, E, "declare it in :steps (or :agents)")                                          \
  DIAG(unreferenced_packaged_step, W, "remove it, or call it with (flow/step :its/id {...})")                            \
  /* steps in the body */                                                                                                \
  DIAG(flow_step_arity_invalid, E, "write (flow/step :type :step-id {...})")                                             \
  DIAG(flow_step_missing_config, E, "write (flow/step :type :step-id {...})")                                            \
  DIAG(flow_step_missing_step_id, E, "write (flow/step :type :step-id {...}): the history is keyed by it")               \
  DIAG(flow_step_invalid_id, E, "use a keyword")                                                                         \
  DIAG(flow_step_invalid_config, E, "use a map")                                                                         \
  DIAG(flow_step_invalid_type, E, NULL)                                                                                  \
  DIAG(flow_step_packaged_extra_argument, E, "write (flow/step :ns/name {...}) or (flow/step :ns/name :step-id {...})")  \
  DIAG(flow_step_option_missing, E, NULL)                                                                                \
  DIAG(flow_step_option_invalid, E, NULL)                                                                                \
  DIAG(flow_step_option_conflict, E, NULL)                                                                               \
  DIAG(flow_step_option_unknown, W, "it is ignored")                                                                     \
  DIAG(unsupported_step, W, "`breyta-run help step` lists what this build runs; the step raises {:type :unsupported_step}")         \
  DIAG(insecure_webhook, W, "use :hmac-sha256, :signature, :api-key, :bearer or :basic with a :secret-ref")              \
  DIAG(db_string_literal, W, "upstream may refuse it: write ? and give the value with :params")                          \
  DIAG(deprecated_code_step, W, "write :function")                                                                       \
  DIAG(function_step_arity_invalid, E, "write (flow/step :function :step-id {:ref :f :input {...}})")                    \
  DIAG(function_step_config_invalid, E, "write {:ref :f :input {...}}")                                                  \
  DIAG(function_step_code_ref_conflict, E, "keep one of them")                                                           \
  DIAG(function_step_missing_code_or_ref, E, "add :ref :f (an entry of :functions) or :code (quote (fn [input] ...))")   \
  DIAG(function_step_missing_input, W, "the function gets nil; add :input {...}")                                        \
  DIAG(function_step_input_shape_invalid, U, "upstream refuses it: pass a map such as {:items [...]}")                   \
  DIAG(flow_call_invalid, E, "write (flow/call-flow :step-id {:flow-slug :child :input {...}}) or (flow/call-flow :child {...})")       \
  DIAG(flow_poll_invalid, E, "write (flow/poll {:interval \"5s\" :timeout \"10m\" :return-on (fn [r] ...)} (flow/step ...))") \
  /* the body */                                                                                                         \
  DIAG(unresolved_symbol, E, NULL)                                                                                       \
  DIAG(flow_body_invalid, E, NULL)                                                                                       \
  DIAG(prohibited_orchestration_transform, U, "upstream refuses it in :flow; use for, or a :function step")              \
  DIAG(unsupported_visual_flow_form, U, "upstream refuses it in :flow; use let or ->")                                   \
  DIAG(loop_without_wait, U, "add a :wait or :sleep step to the loop, or use flow/poll or for")                          \
  DIAG(sandbox_unbounded_range, W, "give range an end")                                                                  \
  DIAG(string_key_lookup, W, "input keys are keywords here: write (:x input)")                                           \
  DIAG(nondeterministic_call, U, "the value is recorded, so replay is safe; upstream refuses it")                        \
  /* flow tests (flowtest_read.c) */                                                                                     \
  DIAG(test_key_unknown, E, NULL)                                                                                        \
  DIAG(test_key_missing, E, NULL)                                                                                        \
  DIAG(test_key_conflict, E, NULL)                                                                                       \
  DIAG(test_value_invalid, E, NULL)                                                                                      \
  DIAG(test_code_invalid, E, NULL)                                                                                       \
  DIAG(test_case_duplicate, E, "give each case a name of its own")                                                       \
  DIAG(test_flow_missing, E, NULL)                                                                                       \
  DIAG(test_step_unknown, W, "no such keyword is in the flow")

typedef enum DiagCode {
#define DIAG_ENUM(code, severity, hint) DIAG_##code,
  DIAG_TABLE(DIAG_ENUM)
  DIAG_COUNT
} DiagCode;
#endif
