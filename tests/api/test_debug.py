#!/usr/bin/env python3
"""Breakpoints: overlays of flows, runs that stand at one, going on, ending them; kill -9 while they stand. See server.py."""
import json
import os
import random
import subprocess
import urllib.parse

from server import BIN, flow, run_tests
from test_workspaces import bootstrap

# Two steps with effects that are counted, and code between them that draws random numbers and asks for the time.
SHOP = """(let [in (flow/input) at (flow/now-ms) price (flow/step :function :price {:input {:n (:n in)} :code '(fn [in] {:price (* 2 (:n in)) :token "t-1234567"})})
  more (rand-int 1000) r (flow/step :kv :pay {:operation :append :key "paid" :item (:price price)})]
  {:price (:price price) :kept (and (<= 0 more 999) (pos? at))})"""
GUARDED = """(try (try (flow/step :kv :pay {:operation :append :key "paid" :item 1}) (catch Throwable t :caught))
  (finally (flow/step :kv :clean {:operation :append :key "cleaned" :item 1})))"""
LOOP = "(loop [i 0 all []] (if (< i 3) (recur (inc i) (conj all (flow/step :function :turn {:input {:i i} :code '(fn [in] (:i in))}))) all))"


def put(s, slug, body, inputs="[{:name :n :type :number}]"):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, inputs)})


def rest(s, method, path, body=None, status=200, **more):
    a = s.http(method, "/api/debug/" + path, None if body is None else json.dumps(body), **more)
    assert a.status == status, (method, path, a)
    return a.body if status == 200 else a


def set_at(s, slug, step, side, **more):
    return rest(s, "PATCH", f"overlays/{slug}/breakpoint/{urllib.parse.quote(step, safe='')}", {"type": side}, **more)


def act(s, run, step, side, what="continue", status=200, body=None, **more):
    return rest(s, "POST", f"breakpoints/{run}/{urllib.parse.quote(step, safe='')}/{side}/{what}", body, status, **more)


def start(s, slug, **more):
    return s.ok("flows.run", {"flowSlug": slug, **more}).data["workflowId"]


def get(s, run):
    return s.ok("runs.get", {"workflowId": run, "includeSteps": True, "includeResult": True}).data["run"]


def stands(s, run, step, side, occurrence=1):
    """The run, once it stands there."""
    def look():
        r = get(s, run)
        assert r["status"] in ("running", "waiting"), r
        b = r.get("breakpoint") or {}
        return r if (b.get("stepId"), b.get("side"), b.get("occurrence")) == (step, side, occurrence) else None
    return s.until(look, f"{run} stands {side} {step}")


def kv(s, key):
    return s.ok("steps.run", {"stepType": "kv", "stepId": "look", "params": {"operation": "get", "key": key}}).data["result"].get("value")


def is_true_to_history(s, run):
    d = s.ok("runs.verify", {"workflowId": run}).data
    assert d["identical"] is True, d


def test_before_and_after(s):
    put(s, "shop", SHOP)
    assert rest(s, "GET", "overlays")["items"] == []
    o = rest(s, "GET", "overlays/shop")
    assert o["overlay"]["breakpoints"] == [] and o["waiting"] == [], o
    d = set_at(s, "shop", "pay", "before")
    assert "warning" not in d and d["overlay"]["enabled"] is True and d["overlay"]["target"] == "draft", d
    assert set_at(s, "shop", ":price", "after")["overlay"]["breakpoints"][1]["stepId"] == "price"
    assert set_at(s, "shop", "nothing", "both")["warning"] == "the draft of shop has no step nothing"
    assert len(set_at(s, "shop", "nothing", None)["overlay"]["breakpoints"]) == 2
    run = start(s, "shop", input={"n": 21})
    r = stands(s, run, "price", "after")
    assert r["status"] == "waiting" and r["currentStep"] == "price" and r["breakpoint"]["result"] == {"price": 42, "token": "[redacted]"}, r
    assert [x["status"] for x in r["steps"]] == ["completed"] and kv(s, "paid") is None
    listed = s.ok("runs.list", {"flowSlug": "shop", "status": "waiting"}).data["items"]
    assert [x["breakpoint"]["stepId"] for x in listed] == ["price"], listed
    e = s.ok("runs.events", {"workflowId": run}).data["items"][-1]
    assert (e["type"], e["stepId"], e["details"]["side"]) == ("breakpoint_reached", "price", "after"), e
    assert [w["workflowId"] for w in rest(s, "GET", "overlays/shop")["waiting"]] == [run]
    assert act(s, run, "price", "before", status=409).code == "conflict" and act(s, run, "pay", "after", status=409).code == "conflict"
    assert act(s, run, "price", "after")["status"] == "continuing"
    r = stands(s, run, "pay", "before")
    assert r["breakpoint"]["config"] == {"operation": "append", "key": "paid", "item": 42} and r["breakpoint"]["stepType"] == "kv", r
    assert kv(s, "paid") is None and act(s, run, "price", "after", status=409).code == "conflict"
    act(s, run, "pay", "both")
    assert s.over(run)["result"] == {"price": 42, "kept": True} and kv(s, "paid") == [42]
    assert act(s, run, "pay", "before", status=409).code == "conflict"
    is_true_to_history(s, run)
    assert [x["status"] for x in get(s, run)["steps"]] == ["completed", "completed"]


def test_kill_while_it_stands(s):
    put(s, "shop", SHOP)
    set_at(s, "shop", "pay", "both")
    run = start(s, "shop", input={"n": 1})
    stands(s, run, "pay", "before")
    for _ in range(2):
        s.kill()
        s.start()
        assert get(s, run)["breakpoint"]["side"] == "before" and kv(s, "paid") is None
    act(s, run, "pay", "before")
    stands(s, run, "pay", "after")
    s.kill()
    s.start()
    assert get(s, run)["breakpoint"]["side"] == "after" and kv(s, "paid") == [2]
    act(s, run, "pay", "after")
    s.kill()  # the answer was durable: it goes on without being asked again
    s.start()
    assert s.over(run)["result"]["price"] == 2 and kv(s, "paid") == [2]
    is_true_to_history(s, run)
    run = start(s, "shop", input={"n": 3})
    stands(s, run, "pay", "before")
    act(s, run, "pay", "before", "abort")
    s.kill()
    s.start()
    assert s.over(run)["error"]["type"] == "breakpoint-aborted" and kv(s, "paid") == [2]
    is_true_to_history(s, run)
    assert s.stop() == 0
    s.start()
    assert rest(s, "GET", "overlays")["items"][0]["flowSlug"] == "shop"


def test_killed_at_any_moment(s):
    """Every stop of every run is passed once, whatever is killed; nothing is done twice and no answer is lost."""
    put(s, "shop", SHOP)
    set_at(s, "shop", "pay", "both")
    set_at(s, "shop", "price", "after")
    runs = [start(s, "shop", input={"n": i}) for i in range(12)]
    rng, passed, open_ = random.Random(os.environ.get("SEED", "7")), [], set(runs)
    while open_:
        for run in rng.sample(sorted(open_), len(open_)):
            r = get(s, run)
            b = r.get("breakpoint")
            if r["status"] == "completed":
                open_.discard(run)
            elif b:
                a = s.http("POST", f"/api/debug/breakpoints/{run}/{b['stepId']}/{b['side']}/continue")
                if a.status == 200:  # else an answer from before the server was killed is still on its way
                    passed.append((run, b["stepId"], b["side"]))
                assert a.status in (200, 409), a
            if rng.random() < 0.12:
                s.kill()
                s.start()
    assert sorted(passed) == sorted((run, *stop) for run in runs for stop in (("price", "after"), ("pay", "before"), ("pay", "after")))
    assert sorted(kv(s, "paid")) == [2 * i for i in range(12)]
    for run in runs:
        is_true_to_history(s, run)


def test_abort_and_cancel(s):
    put(s, "guarded", GUARDED, "[]")
    for i, side in enumerate(("before", "after")):
        set_at(s, "guarded", "pay", side)
        for j, how in enumerate(("abort", "cancel", "force")):
            run = start(s, "guarded")
            stands(s, run, "pay", side)
            if how == "abort":
                assert act(s, run, "pay", side, "abort")["status"] == "aborting"
            else:
                s.ok("runs.cancel", {"workflowId": run, "force": how == "force"})
            r = s.over(run)
            assert (r["status"], r["error"]["type"]) == {"abort": ("failed", "breakpoint-aborted"), "cancel": ("cancelled", "cancelled"), "force": ("terminated", "terminated")}[how], r
            assert how != "abort" or r["error"]["message"] == f"ended by hand at the breakpoint {side} step :pay"
            assert "breakpoint" not in r and act(s, run, "pay", side, "abort", 409).code == "conflict"
            is_true_to_history(s, run)
        assert len(kv(s, "cleaned")) == 2 * (i + 1), side  # finally ran, and no catch took it; not when it was forced
    assert kv(s, "paid") == [1, 1, 1]
    last = "(flow/step :kv :pay {:operation :append :key \"paid\" :item 1})"  # behind the last step there is no other to be cancelled at
    put(s, "last", last, "[]")
    set_at(s, "last", "pay", "after")
    for how, status in (("abort", "failed"), ("cancel", "cancelled"), ("force", "terminated")):
        run = start(s, "last")
        stands(s, run, "pay", "after")
        is_true_to_history(s, run)
        act(s, run, "pay", "both", "abort") if how == "abort" else s.ok("runs.cancel", {"workflowId": run, "force": how == "force"})
        assert s.over(run)["status"] == status, how
        is_true_to_history(s, run)


def test_rounds_failures_and_retries(s):
    put(s, "loop", LOOP, "[]")
    set_at(s, "loop", "turn", "before")
    run = start(s, "loop")
    for i in (1, 2, 3):
        r = stands(s, run, "turn", "before", i)
        assert r["breakpoint"]["config"]["input"] == {"i": i - 1}, r
        assert act(s, run, "turn", "before", status=409, body={"occurrence": i + 1}).code == "conflict"
        act(s, run, "turn", "before", body={"occurrence": i})
    assert s.over(run)["result"] == [0, 1, 2]
    is_true_to_history(s, run)
    fails = """(try (flow/step :function :boom {:input {} :retry {:max-attempts 3 :base-ms 1} :code '(fn [_] (throw (ex-info "no luck" {:type :unlucky})))})
      (catch Exception e [:caught (ex-message e)]))"""
    put(s, "fails", fails, "[]")
    set_at(s, "fails", "boom", "both")
    run = start(s, "fails")
    stands(s, run, "boom", "before")
    act(s, run, "boom", "before")
    r = stands(s, run, "boom", "after")  # once for all attempts
    assert r["breakpoint"]["error"]["message"] == "no luck" and r["breakpoint"]["error"]["attempt"] == 3, r
    act(s, run, "boom", "after")
    assert s.over(run)["result"] == ["caught", "no luck"]
    is_true_to_history(s, run)


def test_children_parts_and_forks(s):
    put(s, "child", "(flow/step :function :in {:input {:x (:x (flow/input))} :code '(fn [in] (:x in))})", "[{:name :x :type :number}]")
    put(s, "parent", "(flow/step :fanout :all {:items [{:type :call-flow :flow-slug \"child\" :input {:x 1}} {:type :call-flow :flow-slug \"child\" :input {:x 2}}]})", "[]")
    set_at(s, "child", "in", "before")
    run = start(s, "parent")

    def kids():
        w = rest(s, "GET", "overlays/child")["waiting"]
        return sorted(w, key=lambda x: x["config"]["input"]["x"]) if len(w) == 2 else None
    two = s.until(kids, "both branches stand at the breakpoint")
    assert get(s, run)["status"] == "waiting" and "breakpoint" not in get(s, run)
    s.kill()
    s.start()
    for x in two:
        act(s, x["workflowId"], "in", "before")
    assert s.over(run)["status"] == "completed"
    put(s, "asks", "(flow/step :kv :send {:operation :set :key \"sent\" :value 1 :confirm true})", "[]")
    set_at(s, "asks", "send", "both")
    for how in ("continue", "abort", "cancel"):
        run = start(s, "asks")
        stands(s, run, "send/confirm", "before")  # a part of the step: nobody was asked yet
        assert s.http("GET", "/api/waits").body["items"] == []
        act(s, run, "send", "before")
        wait = s.until(lambda: s.http("GET", "/api/waits").body["items"], "it asks")[0]
        s.http("POST", f"/api/waits/{urllib.parse.quote(wait['waitId'], safe='')}/approve", "{}")
        stands(s, run, "send/confirm", "after")  # loaded from the snapshot that was made when it began to wait
        s.kill()
        s.start()
        assert get(s, run)["breakpoint"]["side"] == "after"
        if how == "cancel":
            s.ok("runs.cancel", {"workflowId": run})
        else:
            act(s, run, "send/confirm", "after", how)
        if how == "continue":
            for side in ("before", "after"):
                stands(s, run, "send", side)
                act(s, run, "send", side)
        assert s.over(run)["status"] == {"continue": "completed", "abort": "failed", "cancel": "cancelled"}[how]
        is_true_to_history(s, run)
    assert len(s.ok("runs.list", {"flowSlug": "asks"}).data["items"]) == 3
    put(s, "guarded", GUARDED, "[]")
    set_at(s, "guarded", "pay", "after")
    run = start(s, "guarded")
    stands(s, run, "pay", "after")
    act(s, run, "pay", "after", "abort")
    s.over(run)
    fork = s.ok("runs.fork", {"workflowId": run, "number": 2}).data["workflowId"]  # in front of the finally block's step
    assert s.over(fork)["error"]["type"] == "breakpoint-aborted"
    is_true_to_history(s, fork)


def test_switched_off_taken_away_and_other_targets(s):
    put(s, "shop", SHOP)
    set_at(s, "shop", "pay", "before")
    runs = [start(s, "shop", input={"n": i}) for i in range(70)]  # more than the engine looks at in one go
    for run in runs:
        stands(s, run, "pay", "before")
    rest(s, "PATCH", "overlays/shop/enabled", {"enabled": False})
    for run in runs:
        assert s.over(run)["status"] == "completed"
    assert s.over(start(s, "shop", input={"n": 1}))["status"] == "completed"
    rest(s, "PATCH", "overlays/shop/enabled", {"enabled": True})
    run = start(s, "shop", input={"n": 1})
    stands(s, run, "pay", "before")
    set_at(s, "shop", "pay", "after")  # it is not at that side
    stands(s, run, "pay", "after")
    set_at(s, "shop", "pay", "none")
    assert s.over(run)["status"] == "completed"
    set_at(s, "shop", "pay", "before")
    s.ok("flows.deploy", {"flowSlug": "shop"})
    assert s.over(start(s, "shop", target="live", input={"n": 1}))["status"] == "completed"  # the draft alone
    rest(s, "PATCH", "overlays/shop/enabled", {"enabled": True, "target": "all"})
    run = start(s, "shop", target="live", input={"n": 1})
    stands(s, run, "pay", "before")
    rest(s, "PATCH", "overlays/shop/enabled", {"enabled": True, "target": "draft"})
    assert s.over(run)["status"] == "completed"
    assert s.ok("steps.run", {"flowSlug": "shop", "stepType": "kv", "stepId": "pay", "params": {"operation": "get", "key": "x"}}).data  # alone: it does not stop
    run = start(s, "shop", input={"n": 1})
    stands(s, run, "pay", "before")
    s.ok("flows.delete", {"flowSlug": "shop", "yes": True, "force": True})
    assert s.over(run)["status"] == "terminated" and rest(s, "GET", "overlays")["items"] == []


def test_who_may(s):
    put(s, "shop", SHOP)
    set_at(s, "shop", "pay", "before")
    run = start(s, "shop", input={"n": 1})
    stands(s, run, "pay", "before")
    bootstrap(s, "ws-b")
    other = {"headers": {"X-Breyta-Workspace": "ws-b"}}
    assert rest(s, "GET", "overlays", **other)["items"] == []
    for method, path, body in (("GET", "overlays/shop", None), ("PATCH", "overlays/shop/enabled", {"enabled": False}), ("PATCH", "overlays/shop/breakpoint/pay", {"type": "none"}),
                               ("POST", f"breakpoints/{run}/pay/before/continue", {}), ("POST", f"breakpoints/{run}/pay/before/abort", {})):
        assert rest(s, method, path, body, 404, **other).code == "not_found"
    sa = s.ok("service_accounts.create", {"name": "reader", "capabilities": ["flows.read", "runs.read", "flows.run"]}).data["serviceAccount"]["serviceAccountId"]
    key = s.ok("service_accounts.keys.create", {"serviceAccountId": sa}).data["key"]["apiKey"]
    assert rest(s, "GET", "overlays", key=key)["items"]
    for method, path, body in (("PATCH", "overlays/shop/enabled", {"enabled": False}), ("PATCH", "overlays/shop/breakpoint/pay", {"type": "none"}),
                               ("POST", f"breakpoints/{run}/pay/before/continue", {}), ("POST", f"breakpoints/{run}/pay/before/abort", {})):
        assert rest(s, method, path, body, 403, key=key).code == "forbidden"
    assert rest(s, "GET", "overlays?x=1", status=401, key=False).code
    for path, body in (("overlays/shop/breakpoint/pay", {"type": "between"}), ("overlays/shop/breakpoint/pay", {"type": 1}), ("overlays/shop/breakpoint/%20", {"type": "both"}),
                       ("overlays/shop/enabled", {}), ("overlays/shop/enabled", {"enabled": "no"}), ("overlays/shop/enabled", {"enabled": True, "target": "live"})):
        assert rest(s, "PATCH", path, body, 400).code == "bad_request", path
    assert act(s, run, "pay", "between", status=400).code == "bad_request" and act(s, run + "x", "pay", "before", status=404).code == "not_found"
    assert rest(s, "PATCH", "overlays/none/breakpoint/pay", {"type": "both"}, 404).code == "not_found"
    for i in range(99):
        set_at(s, "shop", f"s{i}", "both")
    assert set_at(s, "shop", "s99", "both", status=400).code == "bad_request"
    s.stop()
    p = subprocess.run([BIN + "-run", "show", run, "--db", s.dir.name + "/data/breyta.db"], capture_output=True, text=True, timeout=30)
    s.start()
    assert p.returncode == 0 and "before step :pay" in p.stdout + p.stderr, p


if __name__ == "__main__":
    run_tests(globals())
