#!/usr/bin/env python3
"""Early, duplicate and late callbacks (durability.md 12-14), and servers killed around them. See server.py."""
import json
import random
import threading
import time

from server import flow, run_tests

KEYED = '(let [in (flow/input)] {:got (flow/step :wait :cb {:key (:key in) %s})})'
LATER = '(let [in (flow/input)] (flow/step :wait :gate {:key (str "gate-" (:key in))}) {:got (flow/step :wait :cb {:key (:key in)})})'


def push(s, slug, options="", body=KEYED):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body % options if "%s" in body else body, inputs="[{:name :key :type :text}]")})


def start(s, slug, key):
    return s.ok("flows.run", {"flowSlug": slug, "input": {"key": key}}).data["workflowId"]


def waits(s, run):
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", f"{run} waits")


def post(s, key, value):
    return s.http("POST", f"/{s.workspace}/events/{key}", json.dumps(value), {"Content-Type": "application/json"}, key=False)


def again(s):
    s.kill()
    s.start()


def test_early(s):
    push(s, "a")
    for n in (1, 2):
        a = post(s, "early", {"n": n})
        assert a.status == 202 and a.data["outcome"] == "kept", a
    again(s)  # right after the acknowledgement
    run = start(s, "a", "early")
    assert s.over(run)["result"] == {"got": {"n": 1}}  # in the order of receipt
    a = post(s, "early", {"n": 3})
    assert a.status == 200 and a.data["outcome"] == "duplicate" and a.data["recorded"] == "answered", a


def test_early_for_a_run_that_is_under_way(s):
    push(s, "l", body=LATER)
    for i in range(8):  # killed while the second wait is registered, before it has looked at what came early
        run = start(s, "l", f"x{i}")
        waits(s, run)
        assert post(s, f"x{i}", {"n": i}).status == 202
        assert post(s, f"gate-x{i}", {}).data["outcome"] == "delivered"
        again(s)
        assert s.over(run)["result"] == {"got": {"n": i}}


def test_duplicates_change_nothing(s):
    push(s, "a")
    run = start(s, "a", "k")
    waits(s, run)
    assert post(s, "k", {"n": 1}).data["outcome"] == "delivered"
    again(s)
    for n in range(3):
        a = post(s, "k", {"n": 2})
        assert a.status == 200 and a.data["outcome"] == "duplicate", a
        assert s.over(run)["result"] == {"got": {"n": 1}}
        again(s)
    assert s.ok("runs.verify", {"workflowId": run}).data["identical"] is True


def test_late(s):
    push(s, "a", ':timeout "1s" :on-timeout :continue :default-value :late')
    run = start(s, "a", "k")
    assert s.over(run)["result"] == {"got": "late"}
    a = post(s, "k", {"n": 1})
    assert a.status == 200 and a.data["outcome"] == "duplicate" and a.data["recorded"] == "timed-out", a
    again(s)
    assert post(s, "k", {"n": 1}).data["recorded"] == "timed-out"
    assert s.over(run)["result"] == {"got": "late"}


def test_a_timeout_passes_while_the_server_is_down(s):
    push(s, "a", ':timeout "1s"')
    run = start(s, "a", "k")
    waits(s, run)
    s.kill()
    time.sleep(1.1)  # the wait's time passes: nobody is there to see it
    s.start()
    assert s.over(run)["error"]["type"] == "wait-timeout"


def test_after_a_cancel(s):
    push(s, "a")
    run = start(s, "a", "k")
    waits(s, run)
    s.ok("runs.cancel", {"workflowId": run})
    assert s.over(run)["status"] == "cancelled"
    assert post(s, "k", {"n": 1}).status == 200
    assert s.over(run)["status"] == "cancelled"


def test_bad_callbacks_leave_the_wait(s):
    push(s, "a", ":validation {:required [:n]}")
    run = start(s, "a", "k")
    waits(s, run)
    assert post(s, "k", {"m": 1}).status == 422
    assert s.http("POST", f"/{s.workspace}/events/k", "{", {"Content-Type": "application/json"}, key=False).status == 400
    assert s.http("POST", "/ws-other/events/k", '{"n": 1}', {"Content-Type": "application/json"}, key=False).status in (202, 404)
    again(s)
    waits(s, run)
    assert post(s, "k", {"n": 1}).data["outcome"] == "delivered"
    assert s.over(run)["result"] == {"got": {"n": 1}}


def test_killed_during_callbacks(s):
    """Whatever moment the server dies at: what was acknowledged is the result, and each run has one answer that somebody sent."""
    push(s, "a")
    chance = random.Random(7)
    for attempt in range(6):
        keys = [f"k{attempt}-{i}" for i in range(20)]
        runs = [start(s, "a", k) for k in keys]
        for r in runs:
            waits(s, r)
        told, todo = {}, list(range(20))

        def sender():
            while todo:
                i = todo.pop()
                try:
                    a = post(s, keys[i], {"n": i, "first": True})
                except (OSError, ValueError):
                    continue
                if a.status == 200:
                    told[i] = a.data["outcome"]
        threads = [threading.Thread(target=sender) for _ in range(4)]
        for t in threads:
            t.start()
        enough = chance.randrange(18)
        s.until(lambda: len(told) >= enough or not todo, "some are acknowledged")
        s.kill()
        for t in threads:
            t.join()
        s.start()
        for i, r in enumerate(runs):
            a = post(s, keys[i], {"n": i, "first": False})
            assert a.status == 200, a
            got = s.over(r)["result"]["got"]
            assert got["n"] == i, got
            if i in told:
                assert got["first"] is True and told[i] == "delivered" and a.data["outcome"] == "duplicate", (told[i], got, a)
            else:
                assert got["first"] is (a.data["outcome"] == "duplicate"), (got, a)


if __name__ == "__main__":
    run_tests(dict(globals()))
