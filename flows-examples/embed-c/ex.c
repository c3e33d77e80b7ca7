/* Asks a person in the middle of a flow, from a C program: the run stops at its question, also over a restart of the program, and goes on
 * with the answer. cc ex.c $(pkg-config --cflags --libs breyta) -o ex && ./ex orders.db && ./ex orders.db yes */
#include <breyta.h>
#include <stdio.h>
#include <string.h>

static const char flow[] =
    "{:slug :order :name \"Order\" :concurrency {:type :singleton :on-new-version :supersede}"
    " :invocations {:default {:label \"Order\" :inputs [{:name :amount :label \"Amount\" :type :number :required true}]}}"
    " :interfaces {:manual [{:id :run :invocation :default}]}"
    " :flow (quote (let [{:keys [amount]} (flow/input)"
    "                    price (flow/step :function :price {:code (quote (fn [{:keys [n]}] (* n 12))) :input {:n amount}})"
    "                    answer (flow/step :wait :ask {:key \"order-1\" :timeout \"2d\"})]"
    "                {:price price :ordered (= \"yes\" (:word answer))}))}";

static int failed(const char *what, const breyta_error *e) {
  fprintf(stderr, "%s: %s [%s]\n", what, e->message, e->code);
  return 1;
}

static int show(breyta *b) {
  breyta_error e;
  char *state = breyta_state(b, "order-1", &e);
  if (!state) return failed("state", &e);
  puts(state);
  breyta_free(state);
  return 0;
}

static int ask(breyta *b) {
  breyta_error e;
  breyta_flow *f = breyta_load(b, flow, strlen(flow), &e);
  if (!f) return failed("load", &e);
  char *id = breyta_start(b, f, "{\"amount\": 3}", "order-1", &e);
  if (!id) return failed("start", &e);
  breyta_free(id);
  return breyta_run(b, &e) < 0 ? failed("run", &e) : show(b);
}

static int answer(breyta *b, const char *word) {
  breyta_error e;
  char body[200];
  snprintf(body, sizeof body, "{\"word\": \"%s\"}", word);
  if (breyta_resume(b, NULL, &e) < 0) return failed("resume", &e);
  if (breyta_answer(b, "order-1", body, &e) < 0) return failed("answer", &e);
  return breyta_run(b, &e) < 0 ? failed("run", &e) : show(b);
}

int main(int argc, char **argv) {
  breyta_error e;
  if (argc < 2) return fprintf(stderr, "usage: ex DATABASE [WORD]\n"), 2;
  breyta *b = breyta_open(argv[1], NULL, &e);
  if (!b) return failed("open", &e);
  int status = argc > 2 ? answer(b, argv[2]) : ask(b);
  breyta_close(b);
  return status;
}
