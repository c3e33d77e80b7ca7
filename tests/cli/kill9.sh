#!/usr/bin/env python3
"""kill -9 of a real breyta-run at random moments, again and again, over flows whose effects an HTTP server counts by
Idempotency-Key. BIN: the program (default build/breyta-run). KILLS (30) and SEED (1) change how often and when.

What must hold at the end of each run: its value is right; every effect was counted, under its own key; no more repeats than
kills (an interrupted :idempotent or :at-least-once step runs again, at most the one in flight); with :at-most-once none."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = str(Path(os.environ.get("BIN", ROOT / "build" / "breyta-run")).resolve())
KILLS = int(os.environ.get("KILLS", "30"))
RANDOM = random.Random(int(os.environ.get("SEED", "1")))
passed = failed = 0

FLOW = """{:slug :%(name)s :name "%(name)s"
 :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}}
 :interfaces {:manual [{:id :run :invocation :default :enabled true}]}
 :flow (quote %(body)s)}
"""
POST = '(flow/step :http :%s {:url "%s/count?ms=12" :method :post :json {:i %s} :delivery %s :retry {:max-attempts 5 :backoff-ms 5}})'


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED " + what, flush=True)
    return ok


def bodies(url):
    """name -> (body, effects, value, most repeats per kill)"""
    post = lambda step, i, how=":idempotent": POST % (step, url, i, how)
    loop = "(loop [i 0 acc []] (if (< i 40) (do %s (recur (inc i) (conj acc (* i i)))) {:n (count acc) :sum (reduce + acc)}))" % post("turn", "i")
    kv = """(loop [i 0] (let [n (:value (flow/step :kv :inc {:operation :increment :key "n"}))] %s
              (when (= 0 (mod i 10)) (flow/step :sleep :rest {:millis 3}))
              (if (< i 24) (recur (inc i)) {:n n :i i})))""" % post("each", "i")
    lazy = "(let [xs (map (fn [i] %s i) (range 30)) a (reduce + (take 10 xs))] (try %s (throw (ex-info \"x\" {})) (catch Exception e %s) (finally %s)) {:a a :all (reduce + xs)})" % (
        post("item", "i"), post("body", "1"), post("caught", "2"), post("last", "3"))
    once = """(loop [i 0 ok 0] (if (< i 25)
                (recur (inc i) (+ ok (try %s 1 (catch Exception e (if (= :interrupted (:type (ex-data e))) 0 (throw e))))))
                {:ok ok}))""" % post("once", "i", ":at-most-once :query {:key (str \"run-once/\" i)}")
    return {
        "loop": (loop, 40, {"n": 40, "sum": sum(i * i for i in range(40))}, 1),
        "kv": (kv, 25, {"n": 25, "i": 24}, 1),
        "lazy": (lazy, 33, {"a": 45, "all": 435}, 1),
        "once": (once, 25, None, 0),
    }


def counts(log):
    table = {}
    for key in log.read_text().splitlines():
        table[key] = table.get(key, 0) + 1
    return table


def attempt(args, cwd, kill_after):
    """Runs the program; kills it after some seconds unless it has ended. (exit status or None when killed, stdout, stderr)"""
    p = subprocess.Popen([BIN, *args], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = p.communicate(timeout=kill_after)
        return p.returncode, out.decode(), err.decode()
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL)
        p.communicate()
        return None, "", ""


def start_server(log):
    p = subprocess.Popen([sys.executable, str(ROOT / "tests/tools/httpd.py"), "--stdin", "--log", str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line = p.stdout.readline().decode().split()
    assert line[:1] == ["PORT"], line
    return p, "http://127.0.0.1:" + line[1]


def run_one(name, kills, tmp):
    log = tmp / (name + ".log")
    log.touch()
    server, url = start_server(log)
    try:
        body, effects, value, per_kill = bodies(url)[name]
        (tmp / (name + ".edn")).write_text(FLOW % {"name": name, "body": body})
        run_id = "run-" + name
        args, killed, started, status = [name + ".edn", "--run-id", run_id, "--db", name + ".db", "--format", "json"], 0, False, None
        deadline = time.monotonic() + 60
        while status is None and time.monotonic() < deadline:
            patience = 0.02 + RANDOM.random() * 0.07 if killed < kills else 50
            # until a kill hits a run that is stored, the start is repeated; afterwards both ways of going on take turns
            again = ["resume", run_id, "--db", name + ".db", "--format", "json"] if started and killed % 2 else args
            status, out, err = attempt(again, tmp, patience)
            if status is None:
                killed += 1
                started = started or counts(log) != {}
        if not check(status == 0, "%s: ended with status %s after %d kills: %s" % (name, status, killed, (err or "no end")[:600])):
            return killed
        got, table = json.loads(out), counts(log)
        repeats = sum(table.values()) - len(table)
        if value is not None:
            check(got == value, "%s: the value is %s" % (name, out.strip()))
            check(len(table) == effects, "%s: %d effects were counted, not %d" % (name, len(table), effects))
        else:
            lost = effects - got["ok"]
            check(0 <= lost <= killed, "%s: %d steps were interrupted by %d kills" % (name, lost, killed))
            check(got["ok"] <= len(table) <= effects, "%s: %d effects were counted and %d reported" % (name, len(table), got["ok"]))
        check(repeats <= killed * per_kill, "%s: %d repeats after %d kills" % (name, repeats, killed))
        check(max(table.values()) <= 1 + killed * per_kill, "%s: a key was counted %d times" % (name, max(table.values())))
        check(all(key.startswith(run_id + "/") for key in table), "%s: an effect without its key: %s" % (name, [k for k in table][:3]))
        status, out, err = attempt(["replay", run_id, "--db", name + ".db"], tmp, 50)
        check(status == 0, "%s: replay: %s" % (name, (err + out)[:400]))
        status, out, err = attempt(["resume", run_id, "--db", name + ".db", "--format", "json"], tmp, 50)
        check(status == 0 and json.loads(out) == got, "%s: the finished run does not print its value again: %s" % (name, (err + out)[:400]))
        check(counts(log) == table, "%s: replaying or asking again had an effect" % name)
        print("%-5s %2d kills, %3d effects, %2d repeats" % (name, killed, len(table), repeats), flush=True)
        return killed
    finally:
        server.stdin.close()
        server.wait()


def main():
    if not os.access(BIN, os.X_OK):
        sys.exit("no %s: run make first" % BIN)
    with tempfile.TemporaryDirectory() as tmp:
        killed = 0
        names = list(bodies(""))
        for i, name in enumerate(names):
            killed += run_one(name, (KILLS - killed + len(names) - i - 1) // (len(names) - i), Path(tmp))
        check(killed >= KILLS * 2 // 3, "only %d kills hit a running program" % killed)
        print("%d kills" % killed)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


main()
