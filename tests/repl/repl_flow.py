#!/usr/bin/env python3
"""Flows in `breyta-run repl`: loading, stepping, answering, looking, changing, forking; beside another process. TAP on standard output."""
import os
import re
import subprocess
import sys

import repl_pty
from repl_pty import BIN, equal, has, pipe, terminal

BODY = {
    "shop": """(let [input (flow/input)
        price (flow/step :function :price {:input {:item (:item input)} :code '(fn [in] (count (:item in)))})
        total (* 2 price)]
    (try
      (flow/step :function :pay {:input {:total total} :code '(fn [in] [:paid (:total in)])})
      (catch Exception e [:refused (ex-message e) (:type (ex-data e))])))""",
    "ask": '(let [a (flow/step :wait :ask {:key "k" :timeout "1h"})] (flow/step :function :got {:input a :code \'(fn [in] (:who in))}))',
    "nap": "(do (flow/step :sleep :nap {:seconds 600}) :rested)",
}


def write(name):
    path = os.path.join(repl_pty.HOME, f"{name}.edn")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'{{:slug :{name} :name "{name}" :concurrency {{:type :singleton :on-new-version :supersede}}\n'
                ':invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}\n'
                f" :flow '{BODY[name]}}}\n")


def values(text, *args):
    """Value lines of a pipe; nothing may be wrong."""
    status, out, err = pipe(text, *args)
    equal((status, err), (0, ""))
    return out.split("\n")[:-1]


def run(*args):
    return subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60, cwd=repl_pty.HOME, check=False)


def test_step_answer_and_fail():
    write("shop")
    out = values('(input! {:item "tea"})(:at (start! {:id "r"}))(:id (:step (step!)))(:total (locals))(:value (fail! "no" {:type :poor}))', "shop.edn")
    equal(out, ['{:item "tea"}', ":held", ":pay", "6", '[:refused "no" :poor]'])
    equal(values('(map (juxt :number :step :status :by) (steps "r"))(replay "r")'), ["([1 :price :completed nil] [2 :pay :failed :hand])", "nil"])
    show = run("show", "r").stdout
    has(show, "answered by hand")


def test_change_and_fork():
    write("shop")
    out = values('(input! {:item "tea"})(start! {:id "r"})(step!)(:input (:step (set-local! :total 50)))(:value (run-on!))\n'
                 '(:run-id (fork! "r" :pay {:locals {:total 7} :id "f"}))(:value (run-on!))\n'
                 '(:value (fork! "r" 1 {:result 100}))(:at (step!))(:value (state))(:total (locals "r" 2))\n', "shop.edn")
    equal(out[3].replace(" :code", " :code").split(", :code")[0], "{:input {:total 50}")
    has(out[4], "done :function :pay")
    equal(out[5:8], ["[:paid 50]", '"f"', "  done :function :pay"])
    equal(out[8:], ["[:paid 7]", "nil", ":over", "[:paid 200]", "50"])
    has(run("show", "f").stdout, "forked    from r at step 2, other locals")
    equal(run("replay", "f").returncode, 0)


def test_other_source():
    write("shop")
    values('(input! {:item "tea"})(start! {:id "r"})(step!)(fail! "declined")', "shop.edn")
    BODY["shop"], was = BODY["shop"].replace("[:paid (:total in)]", "[:fixed (:total in)]"), BODY["shop"]
    write("shop")
    BODY["shop"] = was
    equal(values('(:at (fork! "r" 2 {:flow true}))(:value (step!))', "shop.edn"), [":held", "[:fixed 6]"])


def test_waits():
    write("ask")
    out = values('(start! {:id "w"})(:at (step!))(mapv (juxt :run-id :step :key) (waits))(close!)', "ask.edn")
    equal(out[1:], [":waiting", '[["w" :ask "k"]]', "nil"])
    equal(values('(:at (attach! "w"))(:id (:step (answer! {:who "Ada"})))(:value (step!))'), [":waiting", ":got", '"Ada"'])


def test_data_can_be_processed():
    write("shop")
    out = values('(input! {:item "tea"})(start! {:id "r"})(run-on!)\n(map :record (journal "r"))(:line (first (:frames (stack "r" :pay))))(count (runs))\n', "shop.edn")
    equal(out[-3:], ["(:start :step :step :end)", "7", "1"])


def test_what_is_wrong_is_said():
    write("shop")
    status, _, err = pipe('(runs)\n(start!)\n(step!)\n(load-flow "no.edn")\n(load-flow 5)\n(load-flow "shop.edn")\n(input! 5)\n(start! {:id "r"})\n(start! {:id "r"})\n'
                          '(stack "zzz" 1)\n(stack "r" 9)\n(set-local! :zzz 1)\n(fork! "r" 1 {:local {}})\n(answer! inc)\n(+ 1 1)\n')
    equal(status, 1)
    for part in ("there is no database", "no flow is loaded", "no run is at hand", "cannot read no.edn", "takes the path of a flow", "the input of a flow is a map, not 5",
                 "there is no run zzz", "has begun 0 steps, not 9", "there is no local zzz in sight", "fork! knows :locals", "cannot be stored"):
        has(err, part)
    with open(os.path.join(repl_pty.HOME, "broken.edn"), "w", encoding="utf-8") as f:
        f.write("{:slug 5}")
    status, _, err = pipe("1", "broken.edn")
    equal(status, 2)
    has(err, "broken.edn:1:")


def test_not_from_flows():
    BODY["sly"] = "(do (breyta.repl/runs) 1)"
    write("sly")
    _, _, err = pipe('(start!)', "sly.edn")
    out = values('(:message (:error (attach! (:run-id (first (runs))))))')
    has(out[0] + err, "flow code cannot use it")


def test_database_in_use():
    write("shop")
    write("ask")
    t = terminal(args=("shop.edn",), columns=200)
    t.eval('(input! {:item "tea"})')
    has(t.eval('(start! {:id "r"})'), "in front of step 1 :function :price")
    status, out, err = pipe('(map :run-id (runs))\n(:total (locals "r" 1))\n(attach! "r")\n(runs)\n', "ask.edn")
    equal(status, 1)
    has(out, '("r")')
    has(err, "What only looks works all the same")
    equal(run("resume", "r").returncode, 1)
    equal(t.eval("(close!)"), "nil")
    equal(run("resume", "r").returncode, 0)
    has(t.eval('(attach! "r")'), "run r  completed")


def test_views_fit_the_terminal():
    write("shop")
    t = terminal(args=("shop.edn",), columns=60)
    t.eval('(input! {:item "a rather long name of an item, so that something has to give"})')
    t.eval("(start!)")
    t.eval("(run-on!)")
    for form in ("(runs)", "(steps)", "(journal)", "(stack 2)", "(state)"):
        lines = t.eval(form).split("\n")
        assert len(lines) >= 2, lines
        assert all(len(line) <= 60 for line in lines), lines
    has(t.eval("(steps)"), "number")
    has(t.eval("(stack 2)"), "in front of step 2 :function :pay")
    has(t.eval("(first (runs))"), "{:run-id")


def test_interrupt_a_wait():
    write("nap")
    t = terminal(args=("nap.edn",), columns=120)
    t.eval("(start!)")
    has(t.eval("(step!)"), "pauses in step 1 :sleep :nap")
    t.send("(step!)\r")
    t.interrupt()
    has(t.eval("(state)"), "pauses in step 1")
    has(t.eval("(answer! :woken)"), ":rested")


def test_names_of_ones_own():
    write("shop")
    equal(values("(def stack 1)(+ stack 1)(fn? breyta.repl/stack)(defn runs [] :mine)(runs)"), ["#'user/stack", "2", "true", "#'user/runs", ":mine"])


def test_killed_in_between():
    write("shop")
    t = terminal(args=("shop.edn",), columns=120)
    t.eval('(input! {:item "tea"})')
    t.eval('(start! {:id "r"})')
    t.eval("(answer! 21)")
    t.kill()
    t.pid = 0
    done = run("resume", "r")
    equal((done.returncode, done.stdout), (0, "[:paid 42]\n"))
    assert re.search(r"1 .*:function :price .*answered by hand", run("show", "r").stdout)


if __name__ == "__main__":
    sys.exit(repl_pty.main(globals()))
