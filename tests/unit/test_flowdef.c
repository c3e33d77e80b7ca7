/* test_flowdef.c - reading and checking definitions: a table of bad ones with the codes and places they must give, good ones
 * that must be silent, the examples, inputs, and function code. */
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/engine/engine.h"
#include "runtime/flow/flowdef_codes.h"
#include "runtime/flow/flowdef_pos.h"
#include "stdlib/stdlib.h"
#include "eval/expand.h"
#include "eval/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define HEAD "{:slug :t\n :name \"T\"\n :concurrency {:type :singleton :on-new-version :drain}\n"
#define QUIET " :invocations nil :interfaces nil\n"
#define DEF(rest) HEAD QUIET rest                             /* rest begins in line 5 */
#define BODY(body) DEF(" :flow '" body "}")                   /* the body begins in line 5, column 9 */
#define FIELD(field) DEF(" " field "\n :flow '(flow/input)}") /* the field's key in line 5, column 2 */

static FlowDef *read_def(const char *text, Diags *d) {
  *d = (Diags){0};
  return flowdef_read(text, strlen(text), "flow.edn", d);
}

static void show(const Diags *d) {
  Buf b = {0};
  diags_print(d, "flow.edn", &b);
  print_message("%s", b.n ? buf_cstr(&b) : "no diagnostics\n");
  buf_free(&b);
}

/* --- bad definitions ---------------------------------------------------------------------------------------------- */
/* want: "code line:col ..." of every diagnostic, in order; errors have a code, warnings a ~ before it. */
typedef struct Case {
  const char *text, *want;
} Case;

static void codes_of(const Diags *d, Buf *b) {
  for (size_t i = 0; i < d->n; i++) {
    const Diag *x = &d->a[i];
    buf_fmt(b, "%s%s%s %d:%d", i ? " " : "", x->error ? "" : "~", x->code, x->line, x->col);
  }
}

static void check_cases(const Case *cs, size_t n) {
  int bad = 0;
  for (size_t i = 0; i < n; i++) {
    Diags d;
    Buf got = {0};
    FlowDef *f = read_def(cs[i].text, &d);
    codes_of(&d, &got);
    bool errors = d.errors > 0, ok = !strcmp(buf_cstr(&got), cs[i].want) && (f == NULL) == errors;
    if (!ok) {
      bad++;
      print_error("--- %s\n  want: %s\n  got:  %s\n", cs[i].text, cs[i].want, buf_cstr(&got));
      show(&d);
    }
    buf_free(&got);
    diags_free(&d);
  }
  assert_int_equal(bad, 0);
}
#define CHECK_CASES(a) check_cases(a, sizeof(a) / sizeof *(a))

static void test_syntax(void **state) {
  (void)state;
  static const Case cases[] = {
      {"", "clojure_syntax_invalid 1:1"},
      {"  (a)", "clojure_syntax_invalid 1:3"},
      {"[1]", "clojure_syntax_invalid 1:1"},
      {"{:a (1}", "clojure_delimiters_invalid 1:7"},
      {"{:a 1", "clojure_delimiters_invalid 1:6"},
      {"{:a #=(+ 1 2)}", "clojure_reader_eval_disabled 1:5"},
      {"{:a 1 :b}", "clojure_syntax_invalid 1:1"},
      {"{:a 1 :a 2}", "clojure_syntax_invalid 1:7"},
      {"{:a #nope 1}", "clojure_reader_invalid 1:5"},
      {BODY("1") "\n\n (more)", "clojure_syntax_invalid 7:2"},
  };
  CHECK_CASES(cases);
}

static void test_top_level(void **state) {
  (void)state;
  static const Case cases[] = {
      {"{}", "missing_required_field 1:1 missing_required_field 1:1 missing_required_field 1:1 ~missing_interfaces 1:1 "
             "~missing_invocations 1:1 ~missing_name 1:1"},
      {"{:slug :a/b :name 5\n :concurrency nil :invocations nil :interfaces nil\n :flow nil}",
       "invalid_required_field 1:8 invalid_field 1:19 invalid_required_field 2:15 invalid_required_field 3:8"},
      {DEF(" :flow (let [] 1)}"), "invalid_required_field 5:8"},
      {"{:slug \"1x\" :name \"n\" :concurrency {:type :many :on-new-version :drain}\n" QUIET " :flow '1}",
       "invalid_required_field 1:8 invalid_required_field 1:43"},
      {"{:slug :x :name \"n\" :concurrency {:type :keyed :on-new-version :drain}\n" QUIET " :flow '1}", "invalid_required_field 1:34"},
      {"{:slug :x :name \"n\" :concurrency (f)\n" QUIET " :flow '1}", "invalid_required_field 1:34"},
      {FIELD(":tags :a"), "invalid_field 5:8"},
      {FIELD(":description 1"), "invalid_field 5:15"},
      {FIELD(":functins []"), "~unknown_field 5:2"},
      {FIELD(":description \"in ws-acme-1 of\""), "~hardcoded_workspace_id 5:15"},
  };
  CHECK_CASES(cases);
}

#define INV(invocations) HEAD " :interfaces nil\n :invocations " invocations "\n :flow '(flow/input)}"          /* line 5, column 15 */
#define IFACE(interfaces) HEAD " :invocations {:default {:inputs []}}\n :interfaces " interfaces "\n :flow '1}" /* line 5, column 14 */
static void test_invocations(void **state) {
  (void)state;
  static const Case cases[] = {
      {INV("[]"), "invalid_invocations_shape 5:15"},
      {INV("{:a/b {}}"), "invalid_invocation_id 5:16"},
      {INV("{:default []}"), "invalid_invocation_shape 5:25"},
      {INV("{:default {:inputs {}}}"), "invalid_invocation_inputs_shape 5:34"},
      {INV("{:default {:inputs [1]}}"), "invalid_invocation_input_shape 5:35"},
      {INV("{:default {:inputs [{:type :text}]}}"), "missing_invocation_input_name 5:35"},
      {INV("{:default {:inputs [{:name \"a b\"}]}}"), "invalid_invocation_input_name 5:42"},
      {INV("{:default {:inputs [{:name :a} {:name \"a\"}]}}"), "duplicate_invocation_input_name 5:53"},
      {INV("{:default {:inputs [{:name :a :type :int}]}}"), "invalid_invocation_input_type 5:51"},
      {INV("{:default {:inputs [{:name :a :required 1}]}}"), "invalid_invocation_input_option 5:55"},
      {INV("{:default {:inputs [{:name :a :type :number :default \"5\"}]}}"), "invalid_invocation_input_default 5:68"},
      {IFACE("[]"), "invalid_interfaces_shape 5:14"},
      {IFACE("{:phone []}"), "invalid_interface_category_shape 5:15"},
      {IFACE("{:manual {}}"), "invalid_interface_category_shape 5:23"},
      {IFACE("{:manual [{:id :a :invocation :default} {:id :b :invocation :default}]}"), "too_many_interfaces 5:23"},
      {IFACE("{:manual [:a]}"), "invalid_interface_shape 5:24"},
      {IFACE("{:manual [{:invocation :default}]}"), "missing_interface_id 5:24"},
      {IFACE("{:manual [{:id :1 :invocation :default}]}"), "invalid_interface_id 5:29"},
      {IFACE("{:manual [{:id :a :invocation :default}] :http [{:id :a :invocation :default}]}"), "duplicate_interface_id 5:67"},
      {IFACE("{:manual [{:id :a}]}"), "missing_interface_invocation 5:24"},
      {IFACE("{:manual [{:id :a :invocation 5}]}"), "invalid_interface_invocation 5:44"},
      {IFACE("{:manual [{:id :a :invocation :other}]}"), "unknown_interface_invocation 5:44"},
      {IFACE("{:mcp [{:tool-name \" \" :invocation :default} {:tool-name \"x y\" :invocation :default}]}"), "invalid_interface_id 5:33"},
      {IFACE("{:webhook [{:id :a :invocation :default :auth {:type :none}}]}"), "invalid_interface_field 5:60"},
      {IFACE("{:webhook [{:id :a :invocation :default :auth {:type :bearer}}]}"), "invalid_interface_field 5:60"},
      {IFACE("{:http [{:id :a :invocation :default :auth :bearer}]}"), "invalid_interface_field 5:57"},
  };
  CHECK_CASES(cases);
}

static void test_automation(void **state) {
  (void)state;
  static const Case cases[] = {
      {FIELD(":schedules {}"), "invalid_schedules_shape 5:13"},
      {FIELD(":schedules [1]"), "invalid_schedule_shape 5:14"},
      {FIELD(":schedules [{:cron \"0 6 * * *\"}]"), "missing_schedule_id 5:14"},
      {FIELD(":schedules [{:id :a :cron \"0 6 * *\"}]"), "invalid_schedule_cron 5:28"},
      {FIELD(":schedules [{:id :a :cron \"60 6 * * *\"}]"), "invalid_schedule_cron 5:28"},
      {FIELD(":schedules [{:id :a :cron \"0 6 * * mon-fri\"} {:id :a :cron \"@daily\"}]"), "duplicate_schedule_id 5:52"},
      {FIELD(":schedules [{:id :a :cron \"*/15 0-6,12 1 jan,mar */2\"} {:id :b :cron \"every 15m\"}]"), ""},
      {FIELD(":schedules [{:id :a :cron \"@daily\" :invocation :other}]"), "unknown_schedule_invocation 5:49"},
      {FIELD(":triggers {}"), "invalid_triggers_shape 5:12"},
      {FIELD(":triggers [{:type :schedule :id :a :config {:cron \"@daily\"}} {:type :event :id :a} {:type :schedule :id \"a\" :config {:cron \"@hourly\"}}]"),
       "invalid_trigger 5:106"},
      {FIELD(":triggers [{:type :webhook :config {:path \"p\" :auth {:type :hmac-sha256}}}]"), "invalid_trigger 5:54"},
      {FIELD(":triggers [{:type :event :config {:source :table :auth {:type :own}}} {:type :event :config {:auth {:type :workspace}}}]"), ""},
      {FIELD(":triggers [{:type :manual :config []}]"), "~deprecated_manual_trigger 5:13 invalid_trigger 5:36"},
      {FIELD(":triggers [{:type :timer}]"), "invalid_trigger 5:20"},
  };
  CHECK_CASES(cases);
}

static void test_setup(void **state) {
  (void)state;
  static const Case cases[] = {
      {FIELD(":requires {}"), "invalid_requires_shape 5:12"},
      {FIELD(":requires [{:slot :a :type :http-api :label \"A\" :base-url \"https://a\" :auth {:type :none}}]"), ""},
      {FIELD(":requires [{:slot :a :type :http-api :label \"A\"}]"), "invalid_requirement 5:13 invalid_requirement 5:13"},
      {FIELD(":requires [{:slot :a :type :ftp :label \"A\"}]"), "invalid_requirement 5:29"},
      {FIELD(":requires [{:slot :a :type :ssh :label \"A\"} {:slot :a :type :ssh :label \"B\"}]"), "duplicate_requirement_slot 5:53"},
      {FIELD(":requires [{:kind :form :fields [{:key :k :field-type :select}]}]"), "invalid_requirement 5:35"},
      {FIELD(":requires [{:kind :worker}]"), "invalid_requirement 5:13"},
      {FIELD(":templates [{:id :a :type :http-request :request {}} {:id :a :type :odd}]"),
       "duplicate_template_id 5:60 invalid_template 5:69"},
      {FIELD(":templates [{:id :a :type :http-request :request {:url \"{{u}}\" :json [{:t \"x {{#if y}}\"}]\n :auth {:x \"{{\"}}}]"),
       "invalid_template 5:76"},
      {FIELD(":templates [{:id :a :type :llm-prompt :system \"{{upper x}}\" :prompt \"{{x}}\"} {:id :b :type :db-query :sql \"{{}}\"}"
             " {:id :c :type :notification :channels {:http {:json {:t \"{{/if}}\"}}}}]"),
       "invalid_template 5:48 invalid_template 5:108 invalid_template 5:172"},
      {FIELD(":functions {}"), "invalid_functions_shape 5:13"},
      {FIELD(":functions [{:id :f}]"), "invalid_function 5:14 ~unreferenced_function 5:14"},
      {FIELD(":functions [{:id :f :language :python :code '(fn [x] x)}]"), "~unreferenced_function 5:14 invalid_function 5:32"},
      {FIELD(":functions [{:id :f :code \"\"}]"), "~unreferenced_function 5:14 function_code_string_invalid 5:28"},
      {FIELD(":functions [{:id :f :code \"(fn [x] x) 1\"}]"), "~unreferenced_function 5:14 function_code_string_invalid 5:28"},
      {FIELD(":functions [{:id :f :code \"(fn [x] #=(x))\"}]"), "~unreferenced_function 5:14 clojure_reader_eval_disabled 5:28"},
      {FIELD(":functions [{:id :f :code '(+ 1 2)}]"), "~unreferenced_function 5:14 function_code_invalid 5:28"},
      {FIELD(":steps [{:id :plain :type :http}]"), "invalid_packaged_step 5:15"},
      {FIELD(":steps [{:id :my/s :type :http :description \"d\"}]"), "~unreferenced_packaged_step 5:10"},
      {FIELD(":steps [{:id :my/s :type :htp}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:27"},
      {FIELD(":steps {}"), "invalid_packaged_steps_shape 5:9"},
      {FIELD(":steps [5]"), "invalid_packaged_step 5:10"},
      {FIELD(":steps [{:type :kv}]"), "invalid_packaged_step 5:10"},
      {FIELD(":steps [{:id :my/s}]"), "invalid_packaged_step 5:10 ~unreferenced_packaged_step 5:10"},
      {FIELD(":steps [{:id :my/s :type :a/b}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:27"},
      {FIELD(":steps [{:id :my/s :type :kv :input-schema [:mapp]}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:45"},
      {FIELD(":steps [{:id :my/s :type :kv :output-schema {:type \"strin\"}}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:46"},
      {FIELD(":steps [{:id :my/s :type :kv :defaults 1}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:41"},
      {FIELD(":steps [{:id :my/s :type :kv :description 1}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:44"},
      {FIELD(":steps [{:id :my/s :type :kv :defaults {:operation :gett :keyy 1}}]"),
       "~unreferenced_packaged_step 5:10 flow_step_option_invalid 5:53 ~flow_step_option_unknown 5:59"},
      {FIELD(":steps [{:id :my/s :type :kv :defaults {:key (str 1)}}]"), "~unreferenced_packaged_step 5:10 invalid_packaged_step 5:47"},
      {FIELD(":steps [{:id :my/s :type :kv :defaults {:key '(fn [in] (nope in))}}]"), "~unreferenced_packaged_step 5:10 unresolved_symbol 5:47"},
      {FIELD(":steps [{:id :my/s :type :kv} {:id :my/s :type :kv}]"),
       "~unreferenced_packaged_step 5:10 ~unreferenced_packaged_step 5:32 duplicate_packaged_step 5:37"},
      {FIELD(":agents [{:id :my/a :tools {:steps [:my/s]}}] :steps [{:id :my/s :type :kv}]"), ""},
      {FIELD(":agents {:my/a {:defaults {:tools {:steps [:my/s]}}}}"), "missing_packaged_step_reference 5:44"},
      {FIELD(":agents [{:id :plain}]"), "invalid_packaged_step 5:16"},
      {FIELD(":agents [{:id :my/s}] :steps [{:id :my/s :type :kv}]"), "~unreferenced_packaged_step 5:32 duplicate_packaged_step 5:37"},
      {FIELD(":functions [{:id :f :code '(fn [x] x)}] :steps [{:id :my/s :type :function :defaults {:ref :f :input {}}}]"),
       "~unreferenced_packaged_step 5:50"},
  };
  CHECK_CASES(cases);
}

static void test_steps(void **state) {
  (void)state;
  static const Case cases[] = {
      {BODY("(flow/step)"), "flow_step_arity_invalid 5:9"},
      {BODY("(flow/step :sleep)"), "flow_step_arity_invalid 5:9"},
      {BODY("(flow/step :sleep :a)"), "flow_step_missing_config 5:9"},
      {BODY("(flow/step :sleep {:seconds 1})"), "flow_step_missing_step_id 5:9"},
      {BODY("(flow/step :sleep :a {} {})"), "flow_step_arity_invalid 5:9"},
      {BODY("(flow/step :sleep \"a\" {})"), "flow_step_invalid_id 5:27"},
      {BODY("(flow/step :sleep :a [])"), "flow_step_invalid_config 5:30"},
      {BODY("(flow/step :slep :a {})"), "flow_step_invalid_type 5:20"},
      {BODY("(flow/step \"sleep\" :a {})"), "flow_step_invalid_type 5:20"},
      {BODY("(let [t :sleep] (flow/step t :a {}))"), "~flow_step_invalid_type 5:36"},
      {BODY("(flow/step :files :a {})"), "~unsupported_step 5:20"},
      {BODY("(flow/step :my/s {})"), "missing_packaged_step_reference 5:20"},
      {BODY("(flow/step :my/s :a {} 1)") , "flow_step_packaged_extra_argument 5:9 missing_packaged_step_reference 5:20"},
      {BODY("(flow/step :sleep :a {:seconds 1 :confirm true :review \"ok?\"})"), ""},
      {BODY("(flow/step :sleep :a {:seconds 1 :confirm 5 :review [1]})"), "flow_step_option_invalid 5:51 flow_step_option_invalid 5:61"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:titel \"x\"}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:message 1}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:timeout \"31d\"}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:timeout \"30d\" :roles [:ops] :fields [{:key :a :field-type :number}]}})"), ""},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:roles 5}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:fields [{:label \"x\"}]}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:fields [{:key :a :field-type :select}]}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :review {:fields [{:key :a :field-type :odd}]}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :expect \"text\"})"), ""},
      {BODY("(flow/step :sleep :a {:seconds 1 :expect {:schema [:map [:a :int]]}})"), ""},
      {BODY("(flow/step :sleep :a {:seconds 1 :expect {:schema [:vector]}})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:seconds 1 :expect 7})"), "flow_step_option_invalid 5:50"},
      {BODY("(flow/step :sleep :a {:secnds 1})"), "~flow_step_option_unknown 5:31"},
      {BODY("(flow/step :sleep :a {:seconds -1})"), "flow_step_option_invalid 5:40"},
      {BODY("(flow/step :sleep :a {:duration \"10 s\"})"), "flow_step_option_invalid 5:41"},
      {BODY("(flow/step :sleep :a\n   {:seconds 1\n    :millis 5})"), "flow_step_option_conflict 6:4"},
      {BODY("(flow/step :http :a {})"), "flow_step_option_missing 5:29"},
      {BODY("(flow/step :http :a {:url \"ftp://x\" :method :got})"), "flow_step_option_invalid 5:35 flow_step_option_invalid 5:53"},
      {BODY("(flow/step :http :a {:url \"http://x\" :on-error :ignore :retry {:max-attempts 0}})"),
       "flow_step_option_invalid 5:56 flow_step_option_invalid 5:71"},
      {BODY("(flow/step :http :a {:url \"http://x\" :template :t})"), "missing_template_reference 5:56"},
      {BODY("(flow/step :http :a {:template :t}) :templates [{:id :t :type :llm-prompt :prompt \"x\"}]"),
       "template_type_mismatch 5:40"},
      {BODY("(flow/step :sleep :a {:template \"t\"}) :templates [{:id :t :type :http-request :request {}}]"),
       "template_type_mismatch 5:41"},
      {BODY("(flow/step :kv :a {:operation :put :key \"a/b\"})"), "flow_step_option_invalid 5:39 flow_step_option_invalid 5:49"},
      {BODY("(flow/step :kv :a {:operation :set :key \"a\"})"), "flow_step_option_missing 5:27"},
      {BODY("(flow/step :wait :a {})"), "flow_step_option_missing 5:29"},
      {BODY("(flow/step :wait :a {:key \"k\" :timeout \"31d\"})"), "flow_step_option_invalid 5:48"},
      {BODY("(flow/step :wait :a {:key \"k\" :timeout 60 :on-timeout :stop})"), "flow_step_option_invalid 5:63"},
      {BODY("(flow/step :function :a)"), "function_step_arity_invalid 5:9"},
      {BODY("(flow/step :function :a 5)"), "function_step_config_invalid 5:33"},
      {BODY("(flow/step :function :a {:input {}})"), "function_step_missing_code_or_ref 5:33"},
      {BODY("(flow/step :function :a {:ref :f :code '(fn [x] x) :input {}})"),
       "function_step_code_ref_conflict 5:33 missing_function_reference 5:39"},
      {BODY("(flow/step :function :a {:code '(fn [x] x) :input [1]})"), "~function_step_input_shape_invalid 5:59"},
      {BODY("(flow/step :function :a {:code '(fn [x] x)})"), "~function_step_missing_input 5:33"},
      {BODY("(flow/step :function :a {:code \"(fn [x]\" :input {}})"), "function_code_string_invalid 5:40"},
      {BODY("(flow/step :function :a {:code '[1] :input {}})"), "flow_step_option_invalid 5:40"},
      {BODY("(flow/step :code :a {:code '(fn [x] x) :input {}})"), "~deprecated_code_step 5:20"},
  };
  CHECK_CASES(cases);
}

#define POLL(opts) BODY("(flow/poll " opts "\n (flow/step :sleep :s {:millis 1}))")
static void test_poll(void **state) {
  (void)state;
  static const Case cases[] = {
      {BODY("(flow/poll {})"), "flow_poll_invalid 5:9"},
      {BODY("(flow/poll :opts 1)"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :return-on some?}"), "flow_poll_invalid 5:20"},
      {POLL("{:max-attempts 3 :return-on some?}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :max-attempts 3}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :max-attempts 101 :return-on some?}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :timeout \"2h\" :return-on some?}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :timeout \"1h\" :return-on some? :abort-on {:status #{4}}}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval 1 :timeout \"1h\" :return-on some? :pause 5}"), "flow_poll_invalid 5:20"},
      {POLL("{:interval \"1s\" :timeout \"1h\" :max-attempts 3 :return-on (fn [r] (:slept-seconds r)) :id :p\n"
            " :backoff {:type :linear :step 5} :abort-on {:error? false :status #{404}}}"),
       ""},
      {BODY("(let [n 5 wait \"1s\"] (flow/poll {:interval wait :max-attempts n :return-on some?} 1))"), ""},
  };
  CHECK_CASES(cases);
}

static void test_lint(void **state) {
  (void)state;
  static const Case cases[] = {
      {BODY("(map inc [1])"), "~prohibited_orchestration_transform 5:10"},
      {BODY("(let [xs [1 2]]\n   (apply mapv vector [xs\n     (clojure.core/filter odd? xs)]))"),
       "~prohibited_orchestration_transform 6:11 ~prohibited_orchestration_transform 7:7"},
      {BODY("(let [map {:a 1} f (fn [reduce] (reduce 1))] [(map :a) (f inc)])"), ""},
      {BODY("(let [{:keys [filter] :or {filter remove}} {}] filter)"), "~prohibited_orchestration_transform 5:43"},
      {BODY("(do '(map inc) (comment (map 1 2)) #_ (reduce + 1) [#'keep])"), "~prohibited_orchestration_transform 5:61"},
      {BODY("(map-indexed vector [1])"), ""},
      {BODY("(->> [1] (cons 2))"), "~unsupported_visual_flow_form 5:9"},
      {BODY("(-> {} (assoc :a 1))"), ""},
      {BODY("(take 3 (range))"), "~sandbox_unbounded_range 5:17"},
      {BODY("(let [input (flow/input) o (:order input)] [(get input \"x\") (get-in o [\"a\"]) (get o :b) (get {} \"y\")])"),
       "~string_key_lookup 5:64 ~string_key_lookup 5:79"},
      {BODY("(let [{:strs [a]} (flow/input)] a)"), "~string_key_lookup 5:22"},
      {BODY("(-> (flow/input) (get \"x\"))"), "~string_key_lookup 5:26"},
      {BODY("(loop [n 0]\n (flow/step :kv :k {:operation :increment :key \"a\"})\n (if (< n 3) (recur (inc n)) n))"),
       "~loop_without_wait 5:9"},
      {BODY("(loop [n 0]\n (flow/step :sleep :k {:millis 1})\n (if (< n 3) (recur (inc n)) n))"), ""},
      {BODY("(rand-int 5)"), "~nondeterministic_call 5:10"},
      {BODY("(flow/step :function :f {:code (fn [{:keys [xs]}] (map inc xs)) :input {:xs [1]}})"), ""},
      {BODY("(case 1 (map filter) 2 (reduce) 3 4)"), ""},
  };
  CHECK_CASES(cases);
}

static void test_large_string(void **state) {
  (void)state;
  Buf b = {0};
  buf_c(&b, HEAD QUIET " :flow '(str \"");
  for (int i = 0; i < 4001; i++) buf_ch(&b, 'x');
  buf_c(&b, "\")}");
  Case c = {buf_cstr(&b), "~large_inline_string 5:14"};
  check_cases(&c, 1);
  buf_free(&b);
}

static void test_compile(void **state) {
  (void)state;
  static const Case cases[] = {
      {BODY("(let [a 1]\n  (frob a)\n  (+ a nix (frob 2)))"), "unresolved_symbol 6:4 unresolved_symbol 7:8"},
      {BODY("(let [a]\n  a)"), "flow_body_invalid 5:9"},
      {BODY("(do\n  (if))"), "flow_body_invalid 6:3"},
      {BODY("(do 1\n  (nix/frob 2))"), "unresolved_symbol 6:4"},
      {DEF(" :functions [{:id :f :code '(fn [x]\n  (frob x))}]\n :flow '(flow/step :function :a {:ref :f :input {}})}"),
       "unresolved_symbol 5:28"},
  };
  CHECK_CASES(cases);
}

/* --- good definitions --------------------------------------------------------------------------------------------- */
static FlowDef *good(const char *text) {
  Diags d;
  FlowDef *f = read_def(text, &d);
  if (d.n) show(&d);
  assert_non_null(f);
  assert_int_equal(d.n, 0);
  diags_free(&d);
  return f;
}

static void test_wrapped_body(void **state) {
  (void)state;
  static const char *const bodies[] = {"'(inc 1)", "(quote (inc 1))", "^{:a 1} '(inc 1)", "#?(:clj '(inc 1) :cljs 2)",
                                       "`(inc 1)", "#_ 5 ' (inc 1)"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    Buf b = {0};
    buf_fmt(&b, "%s :flow %s}", HEAD QUIET, bodies[i]);
    FlowDef *f = good(buf_cstr(&b));
    Val text = pr_str(f->body);
    assert_string_equal(str_s(text), "(inc 1)");
    int line, col;
    assert_true(form_pos(f->body, &line, &col));
    assert_int_equal(line, 5);
    buf_free(&b);
  }
}

static void test_identity(void **state) {
  (void)state;
  FlowDef *f = good(BODY("(flow/input)"));
  assert_string_equal(f->slug, "t");
  assert_string_equal(f->name, "T");
  assert_string_equal(f->file, "flow.edn");
  assert_int_equal(strlen(f->hash), 64);
  FlowDef *other = good(BODY("(flow/input) "));
  assert_string_not_equal(f->hash, other->hash);
}

static void test_path_and_hint(void **state) {
  (void)state;
  Diags d;
  assert_null(read_def(INV("{:default {:inputs [{:name :a :type :int}]}}"), &d));
  assert_int_equal(d.n, 1);
  assert_string_equal(d.a[0].path, "[:invocations :default :inputs 0]");
  assert_non_null(strstr(d.a[0].hint, ":number"));
  Buf b = {0};
  diags_print(&d, "flow.edn", &b);
  assert_memory_equal(buf_cstr(&b), "flow.edn:5:51: error [invalid_invocation_input_type] input :a has the unknown :type :int (use", 90);
  buf_free(&b);
  diags_free(&d);
}

static char *read_file(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *s = malloc(1 << 20);
  assert_non_null(s);
  *n = fread(s, 1, 1 << 20, f);
  fclose(f);
  return s;
}

static void test_examples(void **state) {
  (void)state;
  static const char *const names[] = {"hello",      "http-enrichment", "wait-for-callback", "polling-with-backoff",
                                      "kv-counter", "retry",           "paging-loop"};
  const char *root = getenv("BREYTA_SRC") ? getenv("BREYTA_SRC") : ".";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[512];
    size_t n = 0;
    Diags d = {0};
    snprintf(path, sizeof path, "%s/flows-examples/%s/flow.edn", root, names[i]);
    char *text = read_file(path, &n);
    if (!text) fail_msg("%s cannot be read: run the test in the top folder, or set BREYTA_SRC", path);
    FlowDef *f = flowdef_read(text, n, path, &d);
    if (d.n) show(&d);
    assert_non_null(f);
    assert_int_equal(d.n, 0);
    assert_string_equal(f->slug, names[i]);
    diags_free(&d);
    free(text);
  }
}

/* --- inputs ------------------------------------------------------------------------------------------------------- */
static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), NULL, true);
  assert_false(is_sig(v));
  return v;
}

static void test_input(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } cases[] = {
      /* out: the value, or what the message must hold */
      {"{:n 5 :s \"x\"}", "{:n 5, :s \"x\", :b true}"},
      {"{:n 1.5, :s \"x\", :b false, :more [1]}", "{:n 1.5, :s \"x\", :b false, :more [1]}"},
      {"{:n 5 :s \"x\" :c \"red\"}", "{:n 5, :s \"x\", :c :red, :b true}"},
      {"{:n 5 :s \"x\" :tags [\"a\"]}", "{:n 5, :s \"x\", :tags [\"a\"], :b true}"},
      {"nil", "!:n is required (:number); :s is required (:string)"},
      {"{:n \"5\" :s 5}", "!:n must be a number, got \"5\"; :s must be a string, got 5"},
      {"{:n 5 :s \"x\" :c \"blue\"}", "!:c must be one of [:red :green], got \"blue\""},
      {"{:n 5 :s \"x\" :tags \"a\"}", "!:tags must be a vector (it is :multiple), got \"a\""},
      {"[1]", "!must be a map"},
  };
  FlowDef *f = good(INV("{:default {:inputs [{:name :n :type :number :required true} {:name \"s\" :type :string :required true}"
                        " {:name :b :type :boolean :default true} {:name :c :type :select :options [:red :green]}"
                        " {:name :tags :type :text :multiple true}]} :other {:inputs [{:name :z :required true}]}}"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Val v = edn(cases[i].in);
    Err e = {0};
    bool ok = flowdef_input(f, &v, &e);
    if (cases[i].out[0] == '!') {
      assert_false(ok);
      if (!strstr(e.msg, cases[i].out + 1)) fail_msg("%s: %s", cases[i].in, e.msg);
      assert_string_equal(e.code, "invalid_input");
    } else {
      if (!ok) fail_msg("%s: %s", cases[i].in, e.msg);
      if (!same(val_eq(v, edn(cases[i].out)), TRUE_V)) fail_msg("%s gave %s", cases[i].in, str_s(pr_str(v)));
    }
  }
}

static void test_input_choice(void **state) {
  (void)state;
  Err e = {0};
  Val v = NIL;
  assert_true(flowdef_input(good(INV("{:only {:inputs [{:name :a :default 1}]}}")), &v, &e)); /* the sole one counts */
  assert_int_equal(fix_of(map_get_kw(v, "a")), 1);
  v = NIL;
  assert_true(flowdef_input(good(INV("{:x {:inputs [{:name :a :required true}]} :y {}}")), &v, &e)); /* no :default: no contract */
  v = edn("{:any 1}");
  assert_true(flowdef_input(good(BODY("1")), &v, &e));
}

/* --- functions ---------------------------------------------------------------------------------------------------- */
static Val call(Val f, Val arg) { return mach_call_sync(env_new(), f, &arg, 1); }

static void test_functions(void **state) {
  (void)state;
  FlowDef *f = good(DEF(" :functions [{:id :q :code '(fn [x] (inc x))} {:id :s :code \"(fn [x] (* 2 x))\"} {:id :h :code (quote #(- %))}]\n"
                        " :flow '(do (flow/step :function :a {:ref :q :input {}}) (flow/step :function :b {:ref :s :input {}})\n"
                        "  (flow/step :function :c {:ref :h :input {}}))}"));
  static const struct {
    const char *id;
    int want;
  } cases[] = {{"q", 22}, {"s", 42}, {"h", -21}};
  Env *env = env_new();
  for (size_t i = 0; i < 3; i++) {
    Val form = flowdef_function(f, kw_c(cases[i].id));
    assert_false(same(form, ABSENT));
    uint32_t serial = env->serial;
    Val fn = flowdef_compile_fn(env, form, "flow.edn");
    assert_false(is_sig(fn));
    assert_int_equal(env->serial, serial);
    assert_int_equal(fix_of(call(fn, fix(21))), cases[i].want);
  }
  assert_true(same(flowdef_function(f, kw_c("none")), ABSENT));
  assert_false(same(flowdef_function(f, str_c("q")), ABSENT));
  assert_true(is_sig(flowdef_compile_fn(env, str_c("(fn [x] x) 2"), NULL)));
  assert_true(is_sig(flowdef_compile_fn(env, fix(5), NULL)));
  assert_true(is_sig(flowdef_compile_fn(env, str_c("(fn [x] (nix x))"), NULL)));
  pend.ex = NIL;
}

static void test_kinds(void **state) {
  (void)state;
  static const char *const known[] = {"function", "code", "http", "kv", "sleep", "wait", "llm", "fanout"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) assert_true(step_kind_known(kw_c(known[i])));
  assert_false(step_kind_known(kw_c("htp")));
  assert_false(step_kind_known(kw_new("http", "http")));
  assert_false(step_kind_known(str_c("http")));
}

/* --- positions ---------------------------------------------------------------------------------------------------- */
static void test_positions(void **state) {
  (void)state;
  static const char text[] = "; c\n #_ x ^:m {:a [1 #_ 2 \"}\" \\} #\"]\" 'q],\n  :b #?(:clj {:é 1 :z 2} :cljs 3) :c #:n{:d 4}}";
  PosIndex ix;
  int line, col;
  pos_init(&ix, text, sizeof text - 1);
  const PosNode *map = pos_value(&ix, pos_root(&ix));
  assert_int_equal(map->kind, POS_MAP);
  const PosNode *a = pos_entry(&ix, map, kw_c("a"), false);
  assert_non_null(a);
  assert_int_equal(a->nkids, 5);
  pos_linecol(&ix, pos_kid(&ix, a, 4), &line, &col);
  assert_int_equal(line, 2);
  assert_int_equal(col, 35);
  const PosNode *z = pos_entry(&ix, pos_entry(&ix, map, kw_c("b"), false), kw_c("z"), false);
  assert_non_null(z);
  pos_linecol(&ix, z, &line, &col);
  assert_int_equal(line, 3);
  assert_int_equal(col, 23);
  assert_ptr_equal(pos_find(&ix, line, col), z);
  assert_null(pos_find(&ix, 9, 1));
  assert_null(pos_entry(&ix, pos_entry(&ix, map, kw_c("c"), false), kw_c("d"), false));
  pos_free(&ix);
}

/* Every prefix and every one-byte damage of a definition: an answer, never a crash (run with the sanitizers). */
static void test_damaged(void **state) {
  (void)state;
  static const char text[] = DEF(" :functions [{:id :f :code \"(fn [x] x)\"}]\n :flow '(let [a (flow/input)] ^{:l 1} (flow/step :http :a "
                                 "{:url \"http://x\" :retry {:max-attempts 2}}))}");
  char copy[sizeof text];
  static const char marks[] = "()[]{}\"#^'`~@\\;:/ ";
  for (size_t i = 0; i < sizeof text - 1; i++) {
    Diags d = {0};
    if (!flowdef_read(text, i, NULL, &d)) assert_true(d.errors > 0);
    diags_free(&d);
    memcpy(copy, text, sizeof text);
    copy[i] = marks[i % (sizeof marks - 1)];
    d = (Diags){0};
    FlowDef *f = flowdef_read(copy, sizeof text - 1, "x", &d);
    assert_true((f == NULL) == (d.errors > 0));
    diags_free(&d);
  }
}

static int start(void **state) {
  (void)state;
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_syntax),        cmocka_unit_test(test_top_level),    cmocka_unit_test(test_invocations),
      cmocka_unit_test(test_automation),    cmocka_unit_test(test_setup),        cmocka_unit_test(test_steps),
      cmocka_unit_test(test_poll),          cmocka_unit_test(test_lint),         cmocka_unit_test(test_large_string),
      cmocka_unit_test(test_compile),       cmocka_unit_test(test_wrapped_body), cmocka_unit_test(test_identity),
      cmocka_unit_test(test_path_and_hint), cmocka_unit_test(test_examples),     cmocka_unit_test(test_input),
      cmocka_unit_test(test_input_choice),  cmocka_unit_test(test_functions),    cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_positions),     cmocka_unit_test(test_damaged)};
  return cmocka_run_group_tests(tests, start, NULL);
}
