#!/usr/bin/env python3
"""--keep-history and --history-above: old histories go, runs that are not over keep theirs. See server.py."""
import os
import sqlite3
import subprocess

from server import BIN, Server, flow, run_tests

STEPS = "(loop [i 0] (if (< i 12) (do (flow/step :function :f {:code '(fn [i] i) :input {:i i}}) (recur (inc i))) {:n i}))"
HOLDS = "(do (flow/step :function :f {:code '(fn [i] i) :input {:i 1}}) (flow/step :wait :w {:key \"k\"}) 5)"


def small_segments(s):
    """Segments of 16 rows; the number is fixed when nothing is stored yet."""
    assert s.stop() == 0
    db = sqlite3.connect(os.path.join(s.dir.name, "data", "breyta.db"))
    db.execute("UPDATE state SET segment_bits=4")
    db.commit()
    db.close()


def segments(s):
    db = sqlite3.connect(f"file:{s.dir.name}/data/breyta.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM sqlite_master WHERE type='table' AND name GLOB 'j[0-9]*'").fetchone()[0]
    finally:
        db.close()


def some_runs(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("h", HOLDS)})
    s.ok("flows.put_draft", {"flowLiteral": flow("f", STEPS)})
    held = s.ok("flows.run", {"flowSlug": "h"}).data["workflowId"]
    runs = [s.ok("flows.run", {"flowSlug": "f"}).data["workflowId"] for _ in range(6)]
    for r in runs:
        s.over(r)
    return held, runs


def test_old_histories_go(s):
    small_segments(s)
    s.start()
    held, runs = some_runs(s)
    before = segments(s)
    assert before >= 5, before
    assert s.stop() == 0
    s.options = ("--keep-history", "1s")
    s.start()
    s.until(lambda: segments(s) <= 3, "old segments are dropped")
    run = s.ok("runs.get", {"workflowId": runs[1], "includeSteps": True}).data["run"]
    assert run["historyGone"] is True and "dropped" in run["historyNote"] and run["steps"] == [] and run["status"] == "completed", run
    assert "historyGone" in s.ok("runs.get", {"workflowId": runs[1]}).data["run"]
    assert len(s.ok("runs.list", {"flowSlug": "f"}).data["items"]) == 6
    for name in ("runs.replay", "runs.verify"):
        a = s.command(name, {"workflowId": runs[1]})
        assert a.status == 410 and a.code == "history_gone", a
    for name, args in (("runs.fork", {"number": 2}), ("runs.retry", {"stepId": "f"})):
        a = s.command(name, {"workflowId": runs[1], **args})
        assert a.status in (404, 410), a
    assert s.ok("runs.events", {"workflowId": runs[1]}).data["items"][-1]["type"] == "run_completed"
    # The run that is not over has all of its history, and goes on.
    run = s.ok("runs.get", {"workflowId": held, "includeSteps": True}).data["run"]
    assert "historyGone" not in run and [x["stepId"] for x in run["steps"]] == ["f", "w"], run
    assert s.http("POST", f"/{s.workspace}/events/k", "{}", {"Content-Type": "application/json"}, key=False).status == 200
    assert s.over(held)["result"] == 5


def test_nothing_goes_without_a_policy(s):
    small_segments(s)
    s.start()
    held, runs = some_runs(s)
    before = segments(s)
    s.ok("runs.get", {"workflowId": runs[0]})
    assert segments(s) == before
    assert s.ok("runs.verify", {"workflowId": runs[0]}).data["identical"] is True


def test_above_a_size(s):
    small_segments(s)
    s.options = ("--history-above", "1KB")  # always: however young
    s.start()
    held, runs = some_runs(s)
    s.until(lambda: segments(s) <= 3, "segments are dropped")
    assert "historyGone" not in s.ok("runs.get", {"workflowId": held, "includeSteps": True}).data["run"]


def test_usage(s):
    for args, word in ((("--keep-history", "x"), "--keep-history"), (("--keep-history", "0s"), "--keep-history"), (("--history-above", "12"), "--history-above"),
                       (("--history-above", "GB"), "--history-above"), (("--history-above", "99999999999TB"), "--history-above")):
        r = subprocess.run([BIN, "serve", "--data", s.dir.name + "/other", *args], capture_output=True, text=True, timeout=30)
        assert r.returncode == 2 and word in r.stderr and not r.stdout, (args, r)


if __name__ == "__main__":
    run_tests(dict(globals()))
