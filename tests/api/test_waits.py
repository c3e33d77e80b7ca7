#!/usr/bin/env python3
"""Waits and approvals over the API, and the pages behind links under `breyta serve`. See server.py."""
import json
import os
import re
import subprocess
import threading
import urllib.parse
from pathlib import Path
from unittest import mock

from server import BIN, Server, flow, run_tests

KEYED = '(let [in (flow/input)] (flow/step :wait :hold {:key (:key in) %s}))'


def push(s, slug, options="", body=KEYED):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body % options if "%s" in body else body, inputs="[{:name :key :type :text}]")})


def go(s, slug, **input):
    run = s.ok("flows.run", {"flowSlug": slug, "input": input}).data["workflowId"]
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", f"{run} waits")
    return run


def rest(s, method, path, body=None, **headers):
    return s.http(method, "/api/" + path, None if body is None else json.dumps(body), {"Content-Type": "application/json", **headers})


def the_wait(s, run):
    items = rest(s, "GET", f"waits?workflowId={run}").body["items"]
    assert len(items) == 1, items
    return items[0]


def is_(s, run, want):
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == want, f"{run} is {want}")


def event(s, path, body, kind="application/json"):
    return s.http("POST", f"/{s.workspace}/events/{path}", body, {"Content-Type": kind}, key=False)


def test_large_answers(s):
    """Answers of 64 KiB and more are read on another thread, and the waits are looked for when that is done."""
    big = {"items": [{"n": i} for i in range(20000)], "ref": "r-1"}
    text = json.dumps(big)
    assert len(text) > 128 << 10
    push(s, "hold", ':timeout "2h" :validation {:required [:items]}')
    push(s, "named", ':event {:name "made" :key {:path [:ref]}}')
    run = go(s, "hold", key="k1")
    for bad in (text[:-1], "[" * (100 << 10), '{"items":"' + "\\ud800" * 20000):
        a = event(s, "k1", bad)
        assert a.status == 400 and a.code == "bad_request", a
    a = event(s, "k1", json.dumps({"other": "x" * (100 << 10)}))
    assert a.status == 422, a
    answers = []
    senders = [threading.Thread(target=lambda: answers.append(event(s, "k1", text))) for _ in range(5)]
    for t in senders:
        t.start()
    for t in senders:
        t.join()
    assert sorted(a.data["outcome"] for a in answers) == ["delivered"] + ["duplicate"] * 4, answers
    assert s.over(run)["result"] == big
    run = go(s, "named", key="r-1")
    assert event(s, "made", text).data["outcome"] == "delivered"
    is_(s, run, "completed")
    assert event(s, "k2", text).data["outcome"] == "kept"  # before there is a wait for it
    run = s.ok("flows.run", {"flowSlug": "hold", "input": {"key": "k2"}}).data["workflowId"]
    is_(s, run, "completed")
    push(s, "plain", ':timeout "2h"')
    run = go(s, "plain", key="k3")
    assert event(s, "k3", "n=1&n=2&long=" + "y" * (70 << 10), "application/x-www-form-urlencoded").data["outcome"] == "delivered"
    assert s.over(run)["result"] == {"n": ["1", "2"], "long": "y" * (70 << 10)}
    run = go(s, "plain", key="k4")
    # what a run could not take as a step's result is refused while the wait still waits, whoever sends it
    for a in (event(s, "k4", "z" * (1 << 20), "text/plain"), rest(s, "POST", f"waits/{the_wait(s, run)['waitId']}/complete", {"long": "z" * (3 << 20)}),
              rest(s, "POST", f"waits/{the_wait(s, run)['waitId']}/approve", {"long": "z" * (3 << 20)})):
        assert a.status == 413 and a.code == "too_large" and "result-bytes" in a.body["error"]["message"], a
    assert event(s, "k4", "z" * ((1 << 20) - 100), "text/plain").data["outcome"] == "delivered"
    is_(s, run, "completed")
    push(s, "kept", ':persist {:type :blob}')
    run = go(s, "kept", key="k6")
    assert rest(s, "POST", f"waits/{the_wait(s, run)['waitId']}/complete", {"long": "z" * (3 << 20)}).status == 200
    r = s.over(run)
    assert r["status"] == "completed" and r["result"]["uri"].startswith("res://") and r["result"]["size-bytes"] > 3 << 20, r
    assert event(s, "k5", "z" * ((1 << 20) + 1), "text/plain").status == 413
    # what came before the wait and is too large for the run is none of its answers
    assert event(s, "k7", json.dumps({"l": [0.5] * 200000}, separators=(",", ":"))).status == 202
    run = go(s, "plain", key="k7")
    assert event(s, "k7", '{"n": 1}').data["outcome"] == "delivered"
    assert s.over(run)["result"] == {"n": 1}


def test_events_that_came_early_however_they_are_written(s):
    push(s, "named", ':event {:name "made" :key {:path [:ref]}}')
    for i in range(40):
        assert event(s, "made", json.dumps({"ref": f"o-{i + 100}", "text": "a\nb \u00e9"})).status == 202
    sent = {"o-1": '{"ref":"o\\u002d1","n":1}', "stra\u00dfe \U0001f600": json.dumps({"ref": "stra\u00dfe \U0001f600", "n": 1}), "17": '{"ref":17,"n":1}',
            "o-2": json.dumps({"pad": "\u00e9" * (60 << 10), "ref": "o-2", "n": 1})}
    for body in sent.values():
        assert event(s, "made", body).status == 202
    assert event(s, "made", "ref=o%2D3&n=1", "application/x-www-form-urlencoded").status == 202
    for key in [*sent, "o-3"]:
        run = s.ok("flows.run", {"flowSlug": "named", "input": {"key": key}}).data["workflowId"]
        assert int(s.over(run)["result"]["n"]) == 1, key
    run = go(s, "named", key="o-4")
    assert event(s, "made", '{"ref":"o-4"}').data["outcome"] == "delivered"
    s.over(run)


def test_delivery_ids(s):
    """After the answer of a wait nothing but a new delivery id is for the next wait of the same key, and one that was taken is not taken again."""
    two = """(let [k (:key (flow/input)) a (flow/step :wait :one {:key k}) _ (flow/step :wait :gate {:key (str k "-gate")})] [a (flow/step :wait :two {:key k})])"""
    push(s, "two", body=two)

    def send(key, n, delivery=None, header="X-Breyta-Delivery-Id", size=0):
        headers = {"Content-Type": "application/json", **({header: delivery} if delivery else {})}
        return s.http("POST", f"/{s.workspace}/events/{key}", json.dumps({"n": n, **({"pad": "x" * size} if size else {})}), headers, key=False)

    def stands_at(run, step):
        s.until(lambda: [w["stepId"] for w in rest(s, "GET", f"waits?workflowId={run}").body["items"]] == [step], f"{run} waits at {step}")

    run = go(s, "two", key="k1")
    assert send("k1", 1, "d-1").data["outcome"] == "delivered"
    stands_at(run, "gate")
    a = send("k1", 2)
    assert a.status == 200 and a.data["outcome"] == "duplicate" and a.data["recorded"] == "answered", a
    assert send("k1", 1, "d-1").data["outcome"] == "duplicate"
    assert [send("k1", 2, "d-2").status for _ in range(2)] == [202, 202]  # the second is the first again
    s.kill()
    s.start()
    assert event(s, "k1-gate", "{}").status == 200
    assert s.over(run)["result"] == [{"n": 1}, {"n": 2}]
    for delivery in ("d-1", "d-2"):
        assert send("k1", 9, delivery).data["outcome"] == "duplicate", delivery
    run = go(s, "two", key="k2")
    assert send("k2", 1, "d-1", "Webhook-Id").data["outcome"] == "delivered"  # ids are of one address
    stands_at(run, "gate")
    assert event(s, "k2-gate", "{}").status == 200
    stands_at(run, "two")
    a = send("k2", 1, "d-1", "Webhook-Id")
    assert a.status == 200 and a.data["outcome"] == "duplicate", a
    stands_at(run, "two")
    assert send("k2", 2, "d-2", size=80 << 10).data["outcome"] == "delivered"
    assert s.over(run)["result"][1]["n"] == 2
    for key, ids, want in (("k3", ["same"] * 8, ["delivered"] + ["duplicate"] * 7), ("k4", list("abcdefgh"), ["delivered"] + ["kept"] * 7)):
        run = go(s, "two", key=key)
        answers = []
        senders = [threading.Thread(target=lambda d: answers.append((send(key, d, d).data["outcome"], d)), args=(d,)) for d in ids]
        for t in senders:
            t.start()
        for t in senders:
            t.join()
        assert sorted(o for o, _ in answers) == want, answers
        stands_at(run, "gate")
        assert event(s, key + "-gate", "{}").status == 200
        if key == "k3":
            stands_at(run, "two")
            assert send(key, "other", "other").data["outcome"] == "delivered"
        first, second = (x["n"] for x in s.over(run)["result"])
        assert ("delivered", first) in answers and second != first, (answers, first, second)


def test_large_answers_without_threads(s):
    """A process that may not make a thread reads them where it is."""
    if "nogc" in BIN:  # a sanitizer's library wants to be the first that is loaded
        return
    tool, so, flag = Path(__file__).parent.parent / "tools" / "no_threads.c", Path(s.dir.name) / "no_threads.so", Path(s.dir.name) / "none"
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", so, tool, "-ldl"], check=True)
    push(s, "plain", ':timeout "2h"')
    s.stop()
    with mock.patch.dict(os.environ, {"LD_PRELOAD": str(so), "NO_THREADS_FILE": str(flag)}):
        s.start()
    run = go(s, "plain", key="k")
    flag.touch()
    assert event(s, "k", "[" * (100 << 10)).status == 400
    assert event(s, "k", json.dumps({"items": [1] * 60000})).data["outcome"] == "delivered"
    assert s.command("flows.get", {"flowSlug": "x", "note": "y" * 200000}).code == "not_found"
    assert "bodies" not in s.threads()
    flag.unlink()
    assert len(s.over(run)["result"]["items"]) == 60000


def test_early_ones_that_are_not_believed(s):
    """They had a 202: what became of them stands in the log. The wait goes on for the right one."""
    push(s, "early", ":validation {:required [:n]}")
    assert event(s, "k", '{"other": 1}').data["outcome"] == "kept"
    run = go(s, "early", key="k")
    line = next(json.loads(x) for x in s.said().splitlines() if "early-answer-refused" in x)
    assert line["level"] == "warn" and line["runId"] == run and line["stepId"] == "hold" and line["key"] == "k" and line["code"] == "invalid_answer", line
    assert event(s, "k", '{"n": 1}').data["outcome"] == "delivered"
    assert s.over(run)["result"] == {"n": 1}


def test_list_and_show(s):
    push(s, "a", ':timeout "2h"')
    push(s, "b", ":approvals 1 :actions [:escalate]")
    runs = [go(s, "ab"[i % 2], key=f"k{i}") for i in range(5)]
    items = rest(s, "GET", "waits").body["items"]
    assert [w["workflowId"] for w in items] == runs[::-1]
    w = items[-1]
    assert w["status"] == "waiting" and w["stepId"] == "hold" and w["key"] == "k0" and w["flowSlug"] == "a" and w["kind"] == "callback", w
    assert w["registeredAt"] < w["expiresAt"] and "approve" in w["actions"] and w["eventPath"] == "k0", w
    assert [w["workflowId"] for w in rest(s, "GET", "waits?flowSlug=b").body["items"]] == [runs[3], runs[1]]
    assert [w["workflowId"] for w in rest(s, "GET", "waits?showsInUiOnly=true").body["items"]] == [runs[3], runs[1]]
    assert rest(s, "GET", f"waits?flowSlug=b&workflowId={runs[0]}").body["items"] == []
    assert rest(s, "GET", "waits?workflowId=none").body["items"] == []
    seen, cursor = [], ""
    while True:
        page = rest(s, "GET", f"waits?limit=2{cursor}").body
        seen += [w["workflowId"] for w in page["items"]]
        if not page["hasMore"]:
            break
        cursor = "&cursor=" + page["nextCursor"]
    assert seen == runs[::-1], seen
    one = rest(s, "GET", f"waits/{w['waitId']}")
    assert one.status == 200 and one.body == w, one
    for bad in ("x", "1", "1-", "-1-2", "999999-1", f"{w['waitId']}x", w["waitId"].split("-")[0] + "-1", "1-99999999999999999999"):
        a = rest(s, "GET", f"waits/{bad}")
        assert a.status == 404 and a.code == "not_found", (bad, a)
    for query in ("limit=0", "limit=201", "limit=x", "cursor=zz", "flowSlug=1", "showsInUiOnly=perhaps"):
        assert rest(s, "GET", f"waits?{query}").status == 400, query


def test_approve_reject_and_again(s):
    push(s, "a", ':validation {:required [:amount]} :notify nil')
    run = go(s, "a", key="k1")
    w = the_wait(s, run)["waitId"]
    a = rest(s, "POST", f"waits/{w}/approve")
    assert a.status == 422 and "amount" in a.body["error"]["message"], a
    assert the_wait(s, run)["required"] == [["amount"]]
    a = rest(s, "POST", f"waits/{w}/approve", {"amount": 3, "reason": "fine"}, **{"X-Breyta-Operation-ID": "op-1"})
    assert a.status == 200 and a.body["status"] == "completed" and a.body["workflowId"] == run, a
    assert rest(s, "POST", f"waits/{w}/approve", {"amount": 3, "reason": "fine"}, **{"X-Breyta-Operation-ID": "op-1"}).body == a.body
    r = s.over(run)
    assert r["result"] == {"amount": 3, "action": "approve", "by": "admin", "reason": "fine"}, r
    d = r["decisions"][0]
    assert d["action"] == "approve" and d["by"] == "admin" and d["id"].startswith("sak-") and d["reason"] == "fine" and d["at"].endswith("Z"), d
    late = rest(s, "POST", f"waits/{w}/reject")
    assert late.status == 409 and late.code == "already_decided" and late.body["error"]["details"]["status"] == "completed", late
    past = rest(s, "GET", f"waits/{w}").body
    assert past["status"] == "completed" and past["decisions"] == [d] and past["completedAt"] >= past["registeredAt"], past
    run = go(s, "a", key="k2")
    w = the_wait(s, run)["waitId"]
    a = rest(s, "POST", f"waits/{w}/reject", {"reason": "no"})
    assert a.status == 200 and a.body["status"] == "rejected", a
    s.kill()
    s.start()
    assert s.over(run)["result"] == {"action": "reject", "by": "admin", "reason": "no"}
    assert rest(s, "GET", f"waits/{w}").body["status"] == "rejected"
    assert rest(s, "GET", "waits").body["items"] == []


def test_complete_actions_and_cancel(s):
    push(s, "a", ":actions [:escalate]")
    run = go(s, "a", key="k1")
    w = the_wait(s, run)
    assert w["actions"] == ["approve", "reject", "escalate"] == w["approval"]["actions"], w
    assert rest(s, "POST", f"waits/{w['waitId']}/action/aprove", {}).code == "unknown_action"
    assert rest(s, "POST", f"waits/{w['waitId']}/action/escalate", {"to": "boss"}).status == 200
    assert s.over(run)["result"] == {"to": "boss", "action": "escalate", "by": "admin"}
    run = go(s, "a", key="k2")
    w = the_wait(s, run)["waitId"]
    assert rest(s, "POST", f"waits/{w}/complete", {"n": [1, 2], "ok": None}).status == 200
    assert s.over(run)["result"] == {"n": [1, 2], "ok": None}
    run = go(s, "a", key="k3")
    w = the_wait(s, run)["waitId"]
    a = rest(s, "DELETE", f"waits/{w}")
    assert a.status == 200 and a.body["status"] == "cancelled", a
    s.kill()
    s.start()
    r = s.over(run)
    assert r["status"] == "failed" and r["error"]["type"] == "wait-cancelled" and r["decisions"][0]["action"] == "dismiss", r
    assert rest(s, "GET", f"waits/{w}").body["status"] == "cancelled"
    assert rest(s, "DELETE", f"waits/{w}").code == "already_decided"
    for method, path in (("POST", "waits/9-9/approve"), ("POST", "waits/9-9/reject"), ("POST", "waits/9-9/complete"), ("POST", "waits/9-9/action/x"),
                         ("DELETE", "waits/9-9")):
        assert rest(s, method, path, None if method == "DELETE" else {}).status == 404, path
    run = go(s, "a", key="k4")
    w = the_wait(s, run)["waitId"]
    assert rest(s, "POST", f"waits/{w}/approve", [1]).status == 400
    assert s.http("POST", f"/api/waits/{w}/complete", "{", {"Content-Type": "application/json"}).status == 400
    assert rest(s, "POST", f"waits/{w}/action/approve", {}).status == 200
    s.over(run)


def test_expiry_shows(s):
    push(s, "a", ':timeout "1ms" :on-timeout :continue :default-value 7')
    run = s.ok("flows.run", {"flowSlug": "a", "input": {"key": "k"}}).data["workflowId"]
    r = s.over(run)
    assert r["result"] == 7
    push(s, "f", ':timeout "1s"')
    run = go(s, "f", key="k")
    w = the_wait(s, run)["waitId"]
    assert s.over(run)["error"]["type"] == "wait-timeout"
    assert rest(s, "GET", f"waits/{w}").body["status"] == "expired"


def test_several_must_approve(s):
    push(s, "a", ":approvals 2")
    run = go(s, "a", key="k")
    w = the_wait(s, run)
    assert w["approval"]["required"] == 2 and w["approval"]["have"] == 0 and "eventPath" not in w, w
    a = s.http("POST", f"/{s.workspace}/events/k", "{}", {"Content-Type": "application/json"}, key=False)
    assert a.status == 403 and a.code == "links_only", a
    a = rest(s, "POST", f"waits/{w['waitId']}/approve", {"reason": "one"})
    assert a.status == 200 and a.body["status"] == "waiting" and (a.body["approvals"], a.body["approvalsRequired"]) == (1, 2), a
    s.kill()
    s.start()
    again = rest(s, "POST", f"waits/{w['waitId']}/approve")
    assert again.status == 409 and again.code == "already_decided", again
    now = the_wait(s, run)
    assert now["approval"]["have"] == 1 and now["decisions"][0]["reason"] == "one" and now["status"] == "waiting", now
    assert rest(s, "POST", f"waits/{w['waitId']}/complete", {}).code == "needs_approvals"
    run_ = s.ok("runs.get", {"workflowId": run}).data["run"]
    assert run_["status"] == "waiting"
    assert rest(s, "DELETE", f"waits/{w['waitId']}").status == 200  # and its end takes no approval out of the record
    assert [d["action"] for d in s.over(run)["decisions"]] == ["approve", "dismiss"]


def test_reasons(s):
    """Each is on record, or refused; a field that is called reason is one, too."""
    push(s, "a")
    run = go(s, "a", key="k")
    w = the_wait(s, run)["waitId"]
    for bad in ("x" * 1025, 5, ["because"], {"a": 1}, False):
        for path in ("approve", "reject", "action/approve", "action/delegate"):
            a = rest(s, "POST", f"waits/{w}/{path}", {"reason": bad, "to": "ann"})
            assert a.status == 400 and "reason" in a.body["error"]["message"], (path, a)
    assert rest(s, "POST", f"waits/{w}/reject", {"reason": None}).status == 200
    r = s.over(run)
    assert r["result"] == {"action": "reject", "by": "admin"} and "reason" not in r["decisions"][0], r
    run = go(s, "a", key="k2")
    assert rest(s, "POST", f"waits/{the_wait(s, run)['waitId']}/reject", {"reason": "\u00e9" * 512}).status == 200
    assert s.over(run)["decisions"][0]["reason"] == "\u00e9" * 512
    for i, options in enumerate((":validation {:required [:reason]}", FIELDS % "{:key :reason :required true}")):
        push(s, "b", options)
        run = go(s, "b", key=f"b{i}")
        w = the_wait(s, run)["waitId"]
        assert rest(s, "POST", f"waits/{w}/approve", {}).status == 422
        assert rest(s, "POST", f"waits/{w}/approve", {"reason": "why not"}).status == 200
        r = s.over(run)
        assert r["result"] == {"reason": "why not", "action": "approve", "by": "admin"} and r["decisions"][0]["reason"] == "why not", r


def test_not_by_oneself_and_delegation(s):
    push(s, "a", ":self-approval false")
    run = go(s, "a", key="k")
    w = the_wait(s, run)["waitId"]
    a = rest(s, "POST", f"waits/{w}/approve")
    assert a.status == 403 and a.code == "self_approval", a
    assert rest(s, "POST", f"waits/{w}/complete", {}).code == "self_approval"
    assert rest(s, "POST", f"waits/{w}/action/delegate", {}).status == 400
    a = rest(s, "POST", f"waits/{w}/action/delegate", {"to": "ann", "reason": "holiday"})
    assert a.status == 200 and a.body["status"] == "waiting", a
    d = the_wait(s, run)["decisions"]
    assert d[0]["action"] == "delegate" and d[0]["to"] == "ann" and d[0]["reason"] == "holiday", d
    assert rest(s, "POST", f"waits/{w}/reject").status == 200  # with all rights, and a rejection needs no other
    assert s.over(run)["result"]["action"] == "reject"


def test_not_by_oneself_with_a_link(s):
    """An admin sees the links of waits, but not those of runs that they started themselves and may not approve."""
    push(s, "l", NOTIFY % 1 + " :self-approval false")
    run = go(s, "l", key="l")
    w = the_wait(s, run)
    assert w["approval"]["selfApproval"] is False and "approvalUrl" not in w and "rejectionUrl" not in w, w
    other = s.command("flows.run", {"flowSlug": "l", "input": {"key": "l2"}}, key=key_with(s, "ann", "flows.run", "runs.read")).data["workflowId"]
    is_(s, other, "waiting")
    assert page(s, "POST", the_wait(s, other)["approvalUrl"], {"comment": "x"})[0] == 200


def test_not_by_oneself_whatever_way_it_was_started(s):
    """:self-approval false holds for whoever started the parent of a run, fired its trigger, or sent its webhook with a key."""
    ask = "(flow/step :wait :hold {:key (:key (flow/input)) :self-approval false})"
    hook = """:triggers [{:id :hook :type :event :label "In" :enabled true :invocation :default :config {:source :webhook :path "in" :auth {:type :workspace}}}]"""
    s.ok("flows.put_draft", {"flowLiteral": flow("kid", ask, inputs="[{:name :key :type :text}]", extra=hook)})
    s.ok("flows.release", {"flowSlug": "kid"})
    s.ok("flows.promote", {"flowSlug": "kid", "target": "live"})
    push(s, "mid", body="(flow/call-flow :kid (flow/input))")
    s.ok("flows.release", {"flowSlug": "mid"})
    push(s, "top", body="(flow/call-flow :mid (flow/input))")
    ways = {"mid": lambda v: s.command("flows.run", {"flowSlug": "mid", "input": v}), "top": lambda v: s.command("flows.run", {"flowSlug": "top", "input": v}),
            "fired": lambda v: rest(s, "POST", "triggers/kid.live.hook/fire", v),
            "sent": lambda v: s.http("POST", f"/{s.workspace}/events/in", json.dumps(v), {"Content-Type": "application/json"}),
            "large": lambda v: s.http("POST", f"/{s.workspace}/events/in", json.dumps({**v, "x": "y" * (80 << 10)}), {"Content-Type": "application/json"}),
            "draft": lambda v: s.http("POST", "/api/events/draft/in", json.dumps(v), {"Content-Type": "application/json"})}
    for way, start in ways.items():
        assert start({"key": way}).status in (200, 202), way
        w = s.until(lambda: rest(s, "GET", "waits").body["items"], f"{way} waits")[0]
        assert w["key"] == way and w["flowSlug"] == "kid", w
        for action in ("approve", "complete"):
            a = rest(s, "POST", f"waits/{w['waitId']}/{action}", {})
            assert a.status == 403 and a.code == "self_approval", (way, action, a)
        assert rest(s, "POST", f"waits/{w['waitId']}/reject").status == 200
        s.over(w["workflowId"])


def test_a_failed_step_waits_for_a_person(s):
    body = """(do (flow/step :function :boom {:on-error :checkpoint :code '(fn [_] (throw (ex-info "no" {}))) :input {}}))"""
    s.ok("flows.put_draft", {"flowLiteral": flow("c", body)})
    run = go(s, "c")
    w = the_wait(s, run)
    assert w["kind"] == "checkpoint" and w["actions"] == ["retry", "skip", "fail"] and w["stepId"] == "boom" and "no" in w["error"], w
    assert rest(s, "POST", f"waits/{w['waitId']}/action/x", {}).code == "unknown_action"
    assert rest(s, "POST", f"waits/{w['waitId']}/action/retry", {}).status == 200
    s.until(lambda: (rest(s, "GET", f"waits?workflowId={run}").body["items"] or [w])[0]["registeredAt"] > w["registeredAt"], "tried again")
    is_(s, run, "waiting")
    a = rest(s, "POST", f"waits/{w['waitId']}/action/skip", {"v": 0})  # of the failure that was answered
    assert a.status == 409 and a.code == "already_decided" and a.body["error"]["details"]["kind"] == "checkpoint", a
    past = rest(s, "GET", f"waits/{w['waitId']}").body
    assert past["status"] == "completed" and [d["action"] for d in past["decisions"]] == ["retry"], past
    first, w = w, the_wait(s, run)
    assert first["waitId"] != w["waitId"], w
    s.kill()
    s.start()
    assert the_wait(s, run) == w == json.loads(s.raw("GET", f"/api/waits/{w['waitId']}")[2])
    assert rest(s, "POST", f"waits/{w['waitId']}/action/skip", {"v": 1}).status == 200
    r = s.over(run)
    assert r["result"] == {"v": 1} and [d["action"] for d in r["decisions"]] == ["retry", "skip"], r
    assert rest(s, "POST", f"waits/{w['waitId']}/action/skip", {}).code == "already_decided"


def test_two_people_at_a_failed_step(s):
    """What the second sends is for the failure that the second saw, and not for the next one."""
    fails = "(flow/step :function :%s {:on-error :checkpoint :code '(fn [_] (throw (ex-info \"no\" {}))) :input {}})"
    s.ok("flows.put_draft", {"flowLiteral": flow("c", f"[{fails % 'one'} {fails % 'two'}]")})
    for action in ("skip", "retry"):
        run = go(s, "c")
        w = the_wait(s, run)
        answers = []
        people = [threading.Thread(target=lambda: answers.append(rest(s, "POST", f"waits/{w['waitId']}/action/{action}", {"v": 1}))) for _ in range(5)]
        for t in people:
            t.start()
        for t in people:
            t.join()
        assert sorted(a.status for a in answers) == [200] + [409] * 4, answers
        next_ = s.until(lambda: [x for x in rest(s, "GET", f"waits?workflowId={run}").body["items"] if x["waitId"] != w["waitId"]], "the next failure")[0]
        assert next_["stepId"] == ("two" if action == "skip" else "one"), next_
        assert [d["action"] for d in s.ok("runs.get", {"workflowId": run, "includeSteps": True}).data["run"]["decisions"]] == [action]
        assert rest(s, "POST", f"waits/{next_['waitId']}/action/fail").status == 200
        s.over(run)


def test_a_question_in_front_of_a_step(s):
    body = """(flow/step :function :pay {:confirm {:message "Pay 3?" :fields [{:key :note :label "Note" :required true}]} :code '(fn [_] 3) :input {}})"""
    s.ok("flows.put_draft", {"flowLiteral": flow("q", body)})
    run = go(s, "q")
    w = the_wait(s, run)
    assert w["kind"] == "approval" and w["approval"]["summary"] == "Pay 3?" and w["approval"]["fields"][0]["key"] == "note", w
    assert rest(s, "POST", f"waits/{w['waitId']}/approve", {"note": "yes"}).status == 200
    assert s.over(run)["result"] == 3


def test_a_review_with_a_correction(s):
    body = """(flow/step :function :draft {:review {:message "Right?" :approvals 2} :code '(fn [_] {:n 1}) :input {}})"""
    s.ok("flows.put_draft", {"flowLiteral": flow("r", body)})
    run = go(s, "r")
    w = the_wait(s, run)
    assert w["approval"]["required"] == 2 and w["approval"]["shown"], w
    assert rest(s, "POST", f"waits/{w['waitId']}/approve", {"value": {"n": 2}}).body["status"] == "waiting"
    assert rest(s, "POST", f"waits/{w['waitId']}/reject", {"reason": "no"}).code == "already_decided"


# --- who may ------------------------------------------------------------------------------------------------------------------------
def key_with(s, name, *capabilities):
    a = s.ok("service_accounts.create", {"name": name, "capabilities": list(capabilities)}).data["serviceAccount"]
    return s.ok("service_accounts.keys.create", {"serviceAccountId": a["serviceAccountId"], "name": name}).data["key"]["apiKey"]


def by(s, key, method, path, body=None):
    return s.http(method, "/api/" + path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}, key=key)


def test_roles_scopes_and_several_people(s):
    ann, bob, eve = (key_with(s, n, "flows.run", "runs.read", *r) for n, r in (("ann", ["role:manager"]), ("bob", ["role:manager"]), ("eve", [])))
    reader = key_with(s, "reader", "runs.read", "role:manager")
    push(s, "a", ":roles [:manager] :approvals 2 :self-approval false")
    run = s.command("flows.run", {"flowSlug": "a", "input": {"key": "k"}}, key=ann).data["workflowId"]
    is_(s, run, "waiting")
    w = the_wait(s, run)["waitId"]
    assert by(s, reader, "GET", f"waits/{w}").status == 200
    for method, path in (("POST", "approve"), ("POST", "reject"), ("POST", "complete"), ("POST", "action/approve"), ("DELETE", "")):
        a = by(s, reader, method, f"waits/{w}/{path}".rstrip("/"), None if method == "DELETE" else {})
        assert a.status == 403 and a.code == "forbidden", (path, a)
    assert by(s, key_with(s, "none", "flows.run"), "GET", "waits").status == 403
    for path in ("approve", "reject", "action/delegate"):
        a = by(s, eve, "POST", f"waits/{w}/{path}", {"to": "eve"})
        assert a.status == 403 and a.code == "forbidden" and "manager" in a.body["error"]["message"], a
    assert by(s, eve, "DELETE", f"waits/{w}").code == "forbidden"
    assert by(s, ann, "POST", f"waits/{w}/approve", {}).code == "self_approval"
    assert by(s, bob, "POST", f"waits/{w}/approve", {}).body["status"] == "waiting"
    assert by(s, bob, "POST", f"waits/{w}/approve", {}).code == "already_decided"
    assert "approvalUrl" not in by(s, bob, "GET", f"waits/{w}").body
    assert rest(s, "POST", f"waits/{w}/approve", {}).body["status"] == "completed"
    d = s.over(run)["result"]["decisions"]
    assert len(d) == 2 and all(x["id"].startswith("sak-") and x["at"] for x in d), d


def test_passing_on_over_http(s):
    bob, eve = (key_with(s, n, "flows.run", "runs.read", "role:manager") for n in ("bob", "eve"))
    push(s, "a", ":roles [:manager]")
    run = go(s, "a", key="k")
    w = the_wait(s, run)["waitId"]
    eve_id = by(s, eve, "GET", "auth/verify").body["keyId"]
    assert by(s, bob, "POST", f"waits/{w}/action/delegate", {"to": eve_id}).status == 200
    assert by(s, bob, "POST", f"waits/{w}/approve", {}).code == "delegated"
    assert by(s, bob, "DELETE", f"waits/{w}").code == "delegated"
    assert by(s, eve, "POST", f"waits/{w}/approve", {}).body["status"] == "completed"
    assert [d["action"] for d in s.over(run)["decisions"]] == ["delegate", "approve"]


def test_nothing_of_other_workspaces(s):
    push(s, "a")
    run = go(s, "a", key="k")
    w = the_wait(s, run)["waitId"]
    assert s.http("POST", "/api/debug/workspace/bootstrap", json.dumps({"workspaceId": "ws-b"})).status == 200
    there = {"X-Breyta-Workspace": "ws-b", "Content-Type": "application/json"}
    assert s.http("GET", "/api/waits", None, there).body["items"] == []
    for method, path in (("GET", f"waits/{w}"), ("POST", f"waits/{w}/approve"), ("POST", f"waits/{w}/complete"), ("DELETE", f"waits/{w}")):
        assert s.http(method, "/api/" + path, "{}" if method == "POST" else None, there).status == 404, path
    for name in ("runs.get", "runs.events", "runs.cancel", "runs.replay", "runs.retry", "runs.verify"):
        a = s.http("POST", "/api/commands", json.dumps({"command": name, "args": {"workflowId": run}}), there)
        assert a.status == 404 and a.code == "not_found", (name, a)
    a = s.http("POST", "/api/commands", json.dumps({"command": "runs.fork", "args": {"workflowId": run, "number": 1}}), there)
    assert a.status == 404, a
    a = s.http("POST", "/api/commands", json.dumps({"command": "runs.list", "args": {}}), there)
    assert a.data["items"] == [], a
    assert the_wait(s, run)["status"] == "waiting"


# --- the pages behind links --------------------------------------------------------------------------------------------------------
# Nobody listens where the notification goes: that is recorded and changes nothing about the wait, whose links an admin sees.
NOTIFY = """:title "Pay <it>?" :approvals %d :notify {:channels {:http {:url "http://127.0.0.1:1/x" :json {:text "{{approval-url}}"}}}
   :summary "3 > 2 & more" :fields [{:key :comment :label "Your comment" :required true} {:key :n :label "N" :field-type :number}]}"""


def page(s, method, url, form=None, accept="text/html"):
    u = urllib.parse.urlsplit(url)
    body = urllib.parse.urlencode(form) if form is not None else None
    status, _, data = s.raw(method, u.path + "?" + u.query, body, {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}, key=False)
    return status, data.decode()


def test_links_for_people(s):
    with Server("--public-url", "https://flows.example.com/breyta") as s:
        push(s, "a", NOTIFY % 1)
        run = go(s, "a", key="k")
        w = the_wait(s, run)
        yes, no = w["approvalUrl"], w["rejectionUrl"]
        assert yes.startswith(f"https://flows.example.com/breyta/{s.workspace}/waits/{w['waitId']}/approve?token="), yes
        yes, no = (re.sub("^https://flows.example.com/breyta", "", x) for x in (yes, no))
        status, html = page(s, "GET", yes)
        assert status == 200 and "Pay &lt;it&gt;?" in html and "3 &gt; 2 &amp; more" in html and "Your comment" in html and "<button>Approve" in html, html
        assert page(s, "GET", yes)[0] == 200  # looking decides nothing
        assert the_wait(s, run)["status"] == "waiting"
        for bad in (yes[:-1], yes.split("?")[0], yes.replace("approve", "reject"), no.replace("reject", "approve"), yes + "0"):
            assert page(s, "POST", bad, {"comment": "x"})[0] == 403, bad
            status, text = page(s, "POST", bad, {"comment": "x"}, "application/json")
            assert status == 403 and json.loads(text)["error"]["code"] == "forbidden", text
        assert page(s, "GET", yes.replace("approve", "destroy"))[0] == 404
        status, html = page(s, "POST", yes, {"comment": " "})
        assert status == 422 and "comment" in html, html
        assert page(s, "POST", yes, {"comment": "ok", "n": "many"})[0] == 422
        status, html = page(s, "POST", yes, {"comment": "looks <good>", "n": "7", "action": "reject"})
        assert status == 200 and "Approved" in html, html
        s.kill()  # right after the acknowledgement
        s.start()
        r = s.over(run)
        assert r["result"] == {"comment": "looks <good>", "n": 7, "action": "approve", "by": "link"}, r
        assert [(d["action"], d["by"]) for d in r["decisions"]] == [("approve", "link")]
        for url in (yes, no):
            for method in ("GET", "POST"):
                status, html = page(s, method, url, {"comment": "again"} if method == "POST" else None)
                assert status == 200 and "Already approved" in html and "Nothing has changed" in html, (method, html)
        assert s.ok("runs.get", {"workflowId": run, "includeResult": True}).data["run"]["result"] == r["result"]
        status, text = page(s, "POST", yes, {}, "application/json")
        assert status == 200 and json.loads(text)["ok"] is True, text
        assert "token" not in json.dumps(rest(s, "GET", "waits").body)


def test_what_came_of_the_notification(s):
    push(s, "a", NOTIFY % 1)
    run = go(s, "a", key="k")
    n = s.until(lambda: [n for n in [the_wait(s, run)["notification"]] if n["status"] != "pending"], "it is tried")[0]
    assert n["status"] == "failed" and n["error"] and "httpStatus" not in n, n
    s.ok("flows.put_draft", {"flowLiteral": flow("t", """(flow/step :wait :w {:key "t" :notify {:channels {:http {:url "http://127.0.0.1:%d/readyz" :method :get}}}})""" % s.port)})
    run = go(s, "t")
    n = s.until(lambda: [n for n in [the_wait(s, run)["notification"]] if n["status"] != "pending"], "it is told")[0]
    assert n == {"status": "sent", "httpStatus": 200}, n
    assert "notification" not in the_wait(s, (push(s, "p"), go(s, "p", key="p"))[1])


def test_links_count_once_where_several_approve(s):
    push(s, "a", NOTIFY % 2)
    run = go(s, "a", key="k")
    w = the_wait(s, run)
    assert " required>" in page(s, "GET", w["approvalUrl"])[1]
    status, html = page(s, "GET", w["rejectionUrl"])  # which takes none of the fields, so the browser must not ask for them
    assert status == 200 and "Your comment" in html and " required" not in html, html
    status, html = page(s, "POST", w["approvalUrl"], {"comment": "one"})
    assert status == 200 and "1 of 2" in html, html
    status, html = page(s, "POST", w["approvalUrl"], {"comment": "two"})
    assert status == 200 and "used before" in html, html
    assert rest(s, "POST", f"waits/{w['waitId']}/approve", {"comment": "three"}).body["status"] == "completed"
    r = s.over(run)
    assert r["result"]["comment"] == "three" and [d["by"] for d in r["result"]["decisions"]] == ["link", "admin"], r


def test_links_of_what_was_passed_on_and_of_what_is_over(s):
    push(s, "a", NOTIFY % 1)
    run = go(s, "a", key="k")
    w = the_wait(s, run)
    assert rest(s, "POST", f"waits/{w['waitId']}/action/delegate", {"to": "ann"}).status == 200
    status, html = page(s, "POST", w["approvalUrl"], {"comment": "one"})
    assert status == 403 and "ann" in html, html
    s.ok("runs.cancel", {"workflowId": run, "force": True})
    s.over(run)
    assert page(s, "GET", w["approvalUrl"])[0] == 410
    run = go(s, "a", key="k2")
    w = the_wait(s, run)
    assert rest(s, "DELETE", f"waits/{w['waitId']}").status == 200  # cancelled: nobody has answered
    s.over(run)
    status, html = page(s, "GET", w["approvalUrl"])
    assert status == 410 and "cancelled" in html, html
    a = event(s, "k2", "{}")
    assert a.data["outcome"] == "duplicate" and a.data["recorded"] == "cancelled", a


def test_links_refuse_what_is_too_large_for_the_run(s):
    push(s, "a", NOTIFY % 1)
    run = go(s, "a", key="k")
    u = urllib.parse.urlsplit(the_wait(s, run)["approvalUrl"])
    large = json.dumps({"comment": "c", "list": [0.5] * 200000}, separators=(",", ":"))
    for accept, what in (("application/json", "too_large"), ("text/html", "Too large")):
        status, _, text = s.raw("POST", u.path + "?" + u.query, large, {"Accept": accept, "Content-Type": "application/json"}, key=False)
        assert status == 413 and what in text.decode() and "result-bytes" in text.decode(), text
    assert the_wait(s, run)["status"] == "waiting"


FIELDS = """:notify {:channels {:http {:url "http://127.0.0.1:1/x" :json {:text "x"}}} :fields [%s]}"""


def test_what_is_typed_into_fields(s):
    push(s, "n", FIELDS % "{:key :n :field-type :number}")
    for i, (typed, want) in enumerate([("010", 10), ("-007", -7), ("00", 0), (".5", 0.5), ("-.25", -0.25), ("08.5", 8.5), ("1e3", 1000.0), ("+4", 4), ("1e400", None), ("0x10", None),
                                       ("1-1", None), (".", None), ("-", None), ("1e", None), ("", {})]):
        run = go(s, "n", key=f"n{i}")
        status, html = page(s, "POST", the_wait(s, run)["approvalUrl"], {"n": typed})
        assert status == (422 if want is None else 200), (typed, html)
        if want is not None:
            assert s.over(run)["result"].get("n", {}) == want, typed
    names = ["Full name", "stra\u00dfe", "customer/name", "a-b", "1st"]
    push(s, "k", FIELDS % " ".join('{:key "%s" :required true}' % k for k in names) + " :title \"T\"")
    run = go(s, "k", key="k")
    status, html = page(s, "POST", the_wait(s, run)["approvalUrl"], {k: k + "!" for k in names})
    assert status == 200, html
    assert s.over(run)["result"] == {**{k: k + "!" for k in names}, "action": "approve", "by": "link"}


if __name__ == "__main__":
    run_tests(dict(globals()))
