#!/usr/bin/env python3
"""Concurrency policies (spec/flows.md 1.2): flows.run and runs.start keep them, also through kill -9. See server.py."""
import json
import threading

from server import run_tests


def flow(slug, policy, body, kind=":singleton", extra=""):
    return """{:slug :%s :name "F" :concurrency {:type %s :on-new-version %s %s}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default :enabled true}]}
 :flow (quote %s)}""" % (slug, kind, policy, extra, body)


WAITS = "(let [in (flow/input)] (flow/step :wait :hold {:key (str \"k-\" (get-in in [:flow/ctx :workflow-id]))}) (:n in))"


def push(s, slug, policy, **more):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, policy, more.pop("body", WAITS), **more)})


def go(s, slug, **input):
    d = s.ok("flows.run", {"flowSlug": slug, "input": input}).data
    assert d["concurrencyDecision"] == d["concurrency"]["decision"], d
    return d


def status(s, run):
    return s.ok("runs.get", {"workflowId": run}).data["run"]["status"]


def is_(s, run, want):
    s.until(lambda: status(s, run) == want, f"{run} is {want}, it is {status(s, run)}")


def answer(s, run):
    a = s.http("POST", f"/{s.workspace}/events/k-{run}", "{}", {"Content-Type": "application/json"}, key=False)
    assert a.status == 200, a


def test_drain_queues_in_order(s):
    push(s, "d", ":drain")
    a = go(s, "d", n=1)
    assert a["concurrencyDecision"] == "started" and a["concurrency"] == {"decision": "started", "type": "singleton", "policy": "drain"}, a
    is_(s, a["workflowId"], "waiting")
    rest = [go(s, "d", n=n) for n in (2, 3, 4)]
    for d in rest:
        assert d["concurrencyDecision"] == "queued" and d["status"] == "queued" and a["workflowId"] in d["concurrency"]["behind"], d
    ids = [a["workflowId"], *[d["workflowId"] for d in rest]]
    assert [status(s, i) for i in ids] == ["waiting", "queued", "queued", "queued"]
    listed = s.ok("runs.list", {"flowSlug": "d", "status": "queued"}).data["items"]
    assert [r["workflowId"] for r in listed] == ids[:0:-1], listed
    for n, i in enumerate(ids):
        is_(s, i, "waiting")
        assert [status(s, x) for x in ids[n + 1:]] == ["queued"] * (3 - n)
        answer(s, i)
        assert s.over(i)["result"] == n + 1


def test_a_queue_survives_kill_9(s):
    push(s, "d", ":drain")
    ids = [go(s, "d", n=n)["workflowId"] for n in range(3)]
    s.kill()
    s.start()
    is_(s, ids[0], "waiting")
    assert [status(s, i) for i in ids[1:]] == ["queued", "queued"]
    answer(s, ids[0])
    s.over(ids[0])
    s.kill()  # the next one is somewhere between queued and waiting
    s.start()
    is_(s, ids[1], "waiting")
    assert status(s, ids[2]) == "queued"
    answer(s, ids[1])
    is_(s, ids[2], "waiting")
    answer(s, ids[2])
    assert s.over(ids[2])["result"] == 2


def test_cancel_of_who_waits_and_who_runs(s):
    push(s, "d", ":drain")
    ids = [go(s, "d", n=n)["workflowId"] for n in range(4)]
    is_(s, ids[0], "waiting")
    s.ok("runs.cancel", {"workflowId": ids[1], "reason": "not needed"})
    r = s.over(ids[1])
    assert r["status"] == "cancelled" and "not needed" in r["error"]["message"] and r["steps"] == [], r
    s.ok("runs.cancel", {"workflowId": ids[2], "force": True})
    assert s.over(ids[2])["status"] == "terminated"
    assert status(s, ids[3]) == "queued"
    s.ok("runs.cancel", {"workflowId": ids[0]})
    assert s.over(ids[0])["status"] == "cancelled"
    is_(s, ids[3], "waiting")


def test_supersede_takes_the_place(s):
    push(s, "s", ":supersede")
    a = go(s, "s", n=1)["workflowId"]
    is_(s, a, "waiting")
    b = go(s, "s", n=2)
    assert b["concurrencyDecision"] == "superseded" and b["concurrency"]["superseded"] == [a], b
    r = s.over(a)
    assert r["status"] == "terminated" and b["workflowId"] in r["error"]["message"], r
    is_(s, b["workflowId"], "waiting")
    answer(s, b["workflowId"])
    assert s.over(b["workflowId"])["result"] == 2
    assert go(s, "s", n=3)["concurrencyDecision"] == "started"


def test_supersede_ends_a_busy_run_and_its_queue(s):
    push(s, "s", ":drain", body='(do (flow/step :sleep :nap {:duration "1h"}) 1)')
    a, b = go(s, "s")["workflowId"], go(s, "s")["workflowId"]
    push(s, "s", ":supersede", body="7")
    c = go(s, "s")
    assert c["concurrencyDecision"] == "superseded" and c["concurrency"]["superseded"] == [a, b], c
    assert s.over(c["workflowId"])["result"] == 7
    assert [status(s, a), status(s, b)] == ["terminated", "terminated"]


def test_supersede_is_kept_after_kill_9(s):
    push(s, "s", ":supersede")
    a = go(s, "s", n=1)["workflowId"]
    is_(s, a, "waiting")
    b = go(s, "s", n=2)["workflowId"]
    s.kill()
    s.start()
    assert s.over(a)["status"] == "terminated"
    is_(s, b, "waiting")


def test_coexist(s):
    push(s, "c", ":coexist")
    a, b = go(s, "c", n=1), go(s, "c", n=2)
    assert (a["concurrencyDecision"], b["concurrencyDecision"]) == ("started", "coexisted"), (a, b)
    is_(s, a["workflowId"], "waiting")
    is_(s, b["workflowId"], "waiting")
    push(s, "c", ":drain")  # waits for both
    d = go(s, "c", n=3)
    assert d["concurrencyDecision"] == "queued" and set(d["concurrency"]["behind"]) == {a["workflowId"], b["workflowId"]}
    answer(s, a["workflowId"])
    s.over(a["workflowId"])
    assert status(s, d["workflowId"]) == "queued"
    answer(s, b["workflowId"])
    is_(s, d["workflowId"], "waiting")


def test_keyed(s):
    push(s, "k", ":drain", kind=":keyed", extra=":key-field [:order :id]")
    a, b, c = (go(s, "k", order={"id": i}, n=1) for i in ("A", "B", "A"))
    assert [x["concurrencyDecision"] for x in (a, b, c)] == ["started", "started", "queued"] and a["concurrencyKey"] == "A", (a, b, c)
    assert go(s, "k", order={"id": 1})["concurrencyDecision"] == "started"  # 1 is not "1"
    assert go(s, "k", order={"id": "1"})["concurrencyDecision"] == "started"
    long = "x" * 5000
    assert go(s, "k", order={"id": long})["concurrencyDecision"] == "started"
    assert go(s, "k", order={"id": long})["concurrencyDecision"] == "queued"
    for input in ({}, {"order": 3}, {"order": {"id": None}}):
        r = s.command("flows.run", {"flowSlug": "k", "input": input})
        assert r.status == 400 and r.code == "concurrency_key_missing" and ":order :id" in r.body["error"]["message"], r
        assert r.body["error"]["details"]["concurrencyDecision"] == "rejected", r
    answer(s, a["workflowId"])
    is_(s, c["workflowId"], "waiting")


def test_a_key_that_is_an_object(s):
    """Two that are equal are one key, whatever the order in which a client writes them."""
    push(s, "k", ":drain", kind=":keyed", extra=":key-field :order")
    many = {f"k{i}": i for i in range(20)}
    for one, other in (({"a": 1, "b": {"c": [{"x": 1, "y": 2}]}}, {"b": {"c": [{"y": 2, "x": 1}]}, "a": 1}), ([1, {"a": 1, "b": 2}], [1, {"b": 2, "a": 1}]),
                       (many, dict(reversed(many.items())))):
        a = go(s, "k", order=one)
        b = go(s, "k", order=other)
        assert (a["concurrencyDecision"], b["concurrencyDecision"]) == ("started", "queued"), (one, b)
        assert b["concurrencyKey"] == other, b
    for order in ({"a": 2, "b": {"c": []}}, {}, [], [1], {"a": "1 :b 2"}, {"a": 1}, {"a": 1, "b": 2}):
        assert go(s, "k", order=order)["concurrencyDecision"] == "started", order


def test_same_operation_takes_one_place(s):
    push(s, "d", ":drain")
    a = s.ok("flows.run", {"flowSlug": "d"}, op="op-1").data
    again = s.ok("flows.run", {"flowSlug": "d"}, op="op-1").data
    assert a == again
    assert len(s.ok("runs.list", {"flowSlug": "d"}).data["items"]) == 1


def test_many_at_once(s):
    """Requests that share commits: one begins, the others queue, and all of them run, one at a time."""
    push(s, "m", ":drain", body='(do (flow/step :kv :inc {:operation :increment :key "n"}) (flow/step :sleep :nap {:duration "1ms"})'
         ' (flow/step :kv :look {:operation :get :key "n"}))')
    got = []

    def one():
        got.append(go(s, "m"))
    threads = [threading.Thread(target=one) for _ in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(d["concurrencyDecision"] for d in got).count("started") >= 1 and len(got) == 24
    results = []
    for d in sorted(got, key=lambda d: int(d["workflowId"].rsplit("-r", 1)[1])):
        r = s.over(d["workflowId"])
        assert r["status"] == "completed", r
        results.append(json.dumps(r["result"]))
    assert len(set(results)) == 24, results  # nobody saw what another one had done in between


def test_runs_start_keeps_them_too(s):
    push(s, "d", ":drain")
    s.ok("flows.release", {"flowSlug": "d"})
    a = s.ok("runs.start", {"flowSlug": "d"}).data
    b = s.ok("runs.start", {"flowSlug": "d", "source": "draft"}).data
    assert (a["concurrencyDecision"], b["concurrencyDecision"]) == ("started", "queued"), (a, b)


if __name__ == "__main__":
    run_tests(dict(globals()))
