#!/usr/bin/env python3
"""runs.*: lists and their pages, one run, events, cancel, replay, retry, fork, verify. See server.py."""
import json
import sqlite3
import threading

from server import flow, run_tests

ADD = '(let [in (flow/input)] (flow/step :function :first {:title "First" :code \'(fn [i] {:n (inc (:n i))}) :input {:n (:n in)}}))'
WAITS = '(let [in (flow/input)] (flow/step :wait :hold {:key (:key in)}))'
FAILS = """(let [in (flow/input)
       a (flow/step :function :a {:code '(fn [_] (rand-int 1000000000)) :input {}})
       m (flow/step :kv :mode {:operation :get :key "mode"})]
   (if (= "ok" (:value m)) {:a a} (flow/step :function :boom {:code '(fn [_] (throw (ex-info "no luck" {:type :unlucky}))) :input {}})))"""


def push(s, slug, body, **more):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, **more)})


def go(s, slug, **input):
    return s.ok("flows.run", {"flowSlug": slug, "input": input}).data["workflowId"]


def get(s, run, **more):
    return s.ok("runs.get", {"workflowId": run, **more}).data["run"]


def is_(s, run, want):
    s.until(lambda: get(s, run)["status"] == want, f"{run} is {want}")


def ids(a):
    return [r["workflowId"] for r in a.data["items"]]


def test_pages_are_stable(s):
    push(s, "a", ADD)
    push(s, "b", ADD)
    made = [go(s, "ab"[i % 2], n=i) for i in range(23)]
    for r in made:
        s.over(r)
    seen, cursor, pages = [], None, 0
    while True:
        a = s.ok("runs.list", {"limit": 5, **({"cursor": cursor} if cursor else {})})
        seen += ids(a)
        pages += 1
        if pages == 2:
            go(s, "a", n=100)  # newer than the pages: it does not move them
        if not a.meta["hasMore"]:
            assert "nextCursor" not in a.meta
            break
        cursor = a.meta["nextCursor"]
    assert seen == made[::-1] and pages == 5, (pages, seen)
    a = s.ok("runs.list", {"limit": 5, "flowSlug": "a"})
    assert s.command("runs.list", {"limit": 5, "cursor": a.meta["nextCursor"]}).status == 400  # of another list
    for bad in ("1", "zz", a.meta["nextCursor"] + "0", "7fffffffffffffff.0", "-1.00"):
        b = s.command("runs.list", {"limit": 5, "flowSlug": "a", "cursor": bad})
        assert b.status == 400 and "nextCursor" in b.body["error"]["message"], (bad, b)
    exact = s.ok("runs.list", {"flowSlug": "b", "limit": 11})
    assert len(ids(exact)) == 11 and exact.meta["hasMore"] is False


def test_other_ways_in(s):
    text = flow("many", "(select-keys (flow/input) [:size :unit])").replace(":invocations {", ":invocations {:big {:inputs [{:name :size :type :number :required true} {:name :unit :default \"kg\"}]} ")
    text = text.replace(":interfaces {", ":interfaces {:http [{:id :weigh :invocation :big :method :post :path \"/w\"}] :mcp [{:tool-name \"off\" :invocation :big :enabled false}] ")
    assert s.ok("flows.put_draft", {"flowLiteral": text}).data["valid"]
    for way in ({"invocation": "big"}, {"triggerId": "weigh"}, {"triggerId": "many.draft.weigh"}, {"invocation": ":big", "triggerId": "run"}):
        run = s.ok("flows.run", {"flowSlug": "many", "input": {"size": 3}, **way}).data["workflowId"]
        assert s.over(run)["result"] == {"size": 3, "unit": "kg"}, way
        a = s.command("flows.run", {"flowSlug": "many", **way})
        assert a.status == 400 and a.body["error"]["message"] == "missing required run inputs: size" and a.body["error"]["details"] == {"missingKeys": ["size"]}, a
    assert s.over(s.ok("flows.run", {"flowSlug": "many"}).data["workflowId"])["result"] == {}
    a = s.command("flows.run", {"flowSlug": "many", "triggerId": "nobody"})
    assert a.status == 404 and "interface not found" in a.body["error"]["message"], a
    assert s.command("flows.run", {"flowSlug": "many", "triggerId": "off", "input": {"size": 1}}).code == "interface_disabled"
    assert s.command("flows.run", {"flowSlug": "many", "invocation": "small"}).status == 404
    a = s.command("flows.run", {"flowSlug": "many", "invocation": "big", "input": {"size": "x"}})
    assert a.status == 400 and "must be a number" in a.body["error"]["message"], a


def test_filters_and_the_query_language(s):
    push(s, "a", ADD)
    push(s, "w", WAITS, inputs="[{:name :key :type :text}]")
    s.ok("flows.release", {"flowSlug": "a"})
    draft = go(s, "a", n=1)
    one = s.ok("runs.start", {"flowSlug": "a", "input": {"n": 2}}).data["workflowId"]
    bad = go(s, "a", n="x")
    held = go(s, "w", key="k1")
    for r in (draft, one, bad):
        s.over(r)
    is_(s, held, "waiting")

    def listed(**args):
        return ids(s.ok("runs.list", args))
    assert listed() == [held, bad, one, draft]
    assert listed(flowSlug="a") == [bad, one, draft] and listed(query="flow:w") == [held]
    assert listed(status="failed") == [bad] == listed(query="status:failed") == listed(query="status:failed flow:a", flowSlug="a", status="failed")
    assert listed(status="waiting") == [held] and listed(query="status:completed version:1") == [one]
    assert listed(version=0) == [held, bad, draft] and listed(version=1) == [one] and listed(version=7) == []
    assert listed(query="installation:none") == [] == listed(profileId="none") == listed(installationId="none")
    assert listed(status="canceled") == [] == listed(status="timed_out")
    for args, word in (({"status": "happy"}, "status"), ({"query": "colour:red"}, "colour:red"), ({"query": "version:x"}, "version"),
                       ({"query": "status:failed status:running"}, "status"), ({"query": "flow:a", "flowSlug": "w"}, "flow"),
                       ({"query": "flow:a flow:w"}, "flow"), ({"query": "version:"}, "version"), ({"limit": 0}, "limit"), ({"version": -1}, "version"),
                       ({"query": "version:1", "version": 2}, "version"), ({"installationId": "a", "profileId": "b"}, "installation")):
        a = s.command("runs.list", args)
        assert a.status == 400 and word in a.body["error"]["message"], (args, a)
    row = s.ok("runs.list", {"version": 1}).data["items"][0]
    assert row["flowSlug"] == "a" and row["triggeredBy"] == "api" and row["target"] == "live" and row["startedBy"].startswith("sak-"), row
    assert row["completedAt"] >= row["startedAt"] and row["durationMs"] >= 0


def test_one_run(s):
    push(s, "a", ADD)
    r = go(s, "a", n=1)
    s.over(r)
    plain = get(s, r)
    assert plain["resultPreview"] == {"data": {"result": {"n": 2}}} and plain["inputPreview"] == {"n": 1}, plain
    assert "steps" not in plain and "result" not in plain and "currentStep" not in plain
    full = get(s, r, includeSteps=True, includeResult=True, includeStepResults=True)
    step = full["steps"][0]
    assert full["result"] == {"n": 2} and step["stepId"] == "first" and step["stepType"] == "function" and step["title"] == "First", full
    assert step["output"] == {"n": 2} and step["attempt"] == 1 and step["number"] == 1 and step["status"] == "completed" and step["durationMs"] >= 0
    assert get(s, r, includeSteps=True, stepId="none")["steps"] == []
    assert [x["stepId"] for x in get(s, r, includeSteps=True, stepId="first")["steps"]] == ["first"]
    assert s.command("runs.get", {"workflowId": r, "installationId": "other"}).status == 404
    assert s.command("runs.get", {"workflowId": r + "0"}).code == "not_found"
    n = r.rsplit("-", 1)[1]
    assert get(s, n, flowSlug="a")["workflowId"] == r == get(s, "-" + n, flowSlug="a")["workflowId"]
    a = s.command("runs.get", {"workflowId": n})
    assert a.status == 400 and "flowSlug" in a.body["error"]["message"]
    push(s, "big", '(flow/step :function :big {:code \'(fn [_] {:t (apply str (repeat 30000 "é"))}) :input {}})')
    r = go(s, "big")
    s.over(r)
    shown = get(s, r, includeSteps=True, compactInspect=True)
    cut = shown["resultPreview"]["data"]["result"]
    assert cut["truncated"] is True and cut["sizeBytes"] > 60000 and len(json.dumps(shown, ensure_ascii=False).encode()) < 3000, cut
    assert len(get(s, r, includeResult=True)["result"]["t"]) == 30000


def test_failures_say_what_and_where(s):
    push(s, "f", FAILS)
    r = go(s, "f")
    s.over(r)
    e = get(s, r)["error"]
    assert e["message"] == "no luck" and e["code"] == "unlucky" == e["type"] and e["stepId"] == "boom" and e["context"]["attempt"] == 1, e
    step = get(s, r, includeSteps=True, stepId="boom")["steps"][0]
    assert step["status"] == "failed" and step["error"]["message"] == "no luck", step


def test_a_waiting_run_says_where_it_is(s):
    push(s, "w", WAITS, inputs="[{:name :key :type :text}]")
    r = go(s, "w", key="k1")
    is_(s, r, "waiting")
    assert get(s, r)["currentStep"] == "hold"
    s.kill()
    s.start()
    assert get(s, r)["currentStep"] == "hold"
    ev = s.ok("runs.events", {"workflowId": r})
    assert [e["type"] for e in ev.data["items"]] == ["run_started", "step_started", "step_waiting"], ev


def test_events_of_a_long_run(s):
    push(s, "l", "(loop [i 0] (if (< i 60) (do (flow/step :function :f {:code '(fn [i] i) :input {:i i}}) (recur (inc i))) i))")
    r = go(s, "l")
    s.over(r)
    a = s.ok("runs.events", {"workflowId": r, "limit": 5})
    assert a.meta["count"] == 5 == len(a.data["items"]) and a.meta["hasMore"] is True
    assert a.data["items"][-1]["type"] == "run_completed" and a.data["items"][-2]["type"] == "step_completed"
    a = s.ok("runs.events", {"workflowId": r, "limit": 500})
    assert a.meta["count"] == 122 and a.meta["hasMore"] is False
    assert [e["at"] for e in a.data["items"]] == sorted(e["at"] for e in a.data["items"])
    a = s.ok("runs.events", {"workflowId": r, "stepId": "f", "limit": 3})
    assert [e["type"] for e in a.data["items"]] == ["step_completed", "step_started", "step_completed"]
    assert s.command("runs.events", {"workflowId": "none"}).status == 404
    assert s.command("runs.events", {"workflowId": r, "limit": 501}).status == 400


def test_the_steps_of_a_long_run(s):
    """Read beside the engine: the same answer as that of a short one, also while it goes on."""
    push(s, "l", "(do (loop [i 0] (if (< i 700) (do (flow/step :function :f {:code '(fn [i] i) :input {:i i}}) (recur (inc i))) i)) (flow/step :wait :hold {:key \"k1\"}) 7)")
    r = go(s, "l")
    is_(s, r, "waiting")
    run = get(s, r, includeSteps=True, includeStepResults=True)
    assert [x["number"] for x in run["steps"]] == list(range(1, 702)) and run["steps"][699]["output"] == {"i": 699}, run["steps"][-2:]
    assert run["currentStep"] == "hold" and run["steps"][-1]["status"] == "waiting" and run["steps"][0]["input"]["input"] == {"i": 0}, (run.get("currentStep"), run["steps"][0])
    assert [x["number"] for x in get(s, r, includeSteps=True, stepId="hold")["steps"]] == [701]
    assert s.http("POST", f"/{s.workspace}/events/k1", "{}", {"Content-Type": "application/json"}, key=False).status == 200
    assert s.over(r)["result"] == 7
    a = s.ok("runs.events", {"workflowId": r, "stepId": "f", "limit": 3})
    assert [e["type"] for e in a.data["items"]] == ["step_completed", "step_started", "step_completed"] and a.meta == {"count": 3, "hasMore": True}, a
    assert s.ok("runs.events", {"workflowId": r, "limit": 500}).data["items"][-1]["type"] == "run_completed"
    assert s.command("runs.get", {"workflowId": r, "includeSteps": True, "installationId": "other"}).code == "not_found"


def test_cancel(s):
    push(s, "w", WAITS, inputs="[{:name :key :type :text}]")
    a, b = go(s, "w", key="k1"), go(s, "w", key="k2")
    is_(s, a, "waiting")
    is_(s, b, "waiting")
    assert s.ok("runs.cancel", {"workflowId": a, "reason": "why"}).data["status"] == "cancelling"
    s.kill()  # what was acknowledged is done
    s.start()
    assert s.over(a)["status"] == "cancelled"
    s.ok("runs.cancel", {"workflowId": b, "force": True})
    assert s.over(b)["status"] == "terminated"
    for run in (a, b):
        c = s.command("runs.cancel", {"workflowId": run})
        assert c.status == 409 and c.code == "already_completed", c
    assert s.command("runs.cancel", {"workflowId": "none"}).status == 404
    assert s.command("runs.cancel", {"workflowId": b, "force": "yes"}).status == 400


def test_replay_runs_it_again(s):
    push(s, "a", ADD)
    s.ok("flows.release", {"flowSlug": "a"})
    r = s.ok("runs.start", {"flowSlug": "a", "input": {"n": 5}}).data["workflowId"]
    s.over(r)
    push(s, "a", "99")  # the source of the run counts, not the draft
    d = s.ok("runs.replay", {"workflowId": r}, op="once").data
    assert d["originalWorkflowId"] == r and d["workflowId"] != r and d["version"] == 1 and d["concurrencyDecision"] == "started", d
    assert s.ok("runs.replay", {"workflowId": r}, op="once").data == d
    s.kill()
    s.start()
    again = s.over(d["workflowId"])
    assert again["result"] == {"n": 6} and again["originalWorkflowId"] == r and again["target"] == "live", again
    assert s.command("runs.replay", {"workflowId": "none"}).status == 404
    assert s.command("runs.replay", {}).status == 400


def beside(s, name, args):
    """The command takes its turn: others are answered while it is under way."""
    got = []

    def ask():
        try:
            got.append(s.command(name, args))
        except OSError as e:  # the server was killed meanwhile
            got.append(e)
    t = threading.Thread(target=ask)
    t.start()
    for _ in range(10):
        s.ok("runs.list", {"limit": 1})
    assert not got, got
    return t


def test_what_computes_for_ever_holds_nobody_up(s):
    push(s, "spin", "(let [in (flow/input)] (when (:spin in) (loop [i 0] (recur (inc i)))) (flow/step :function :f {:code '(fn [i] i) :input {:i 1}}))")
    r = go(s, "spin", spin=False)
    s.over(r)
    spins = go(s, "spin", spin=True)
    asked = [beside(s, "runs.fork", {"workflowId": r, "number": 1, "input": {"spin": True}}), beside(s, "runs.verify", {"workflowId": spins})]
    assert s.over(go(s, "spin", spin=False))["result"] == {"i": 1}
    s.ok("runs.cancel", {"workflowId": spins, "force": True})
    s.over(spins)
    assert s.stop() == 0  # nor the end
    for t in asked:
        t.join()
    s.start()
    assert len(ids(s.ok("runs.list", {}))) == 3  # and there is no fork


def test_a_long_way_to_the_step(s):
    """Forked and rebuilt in turns: one fork for an operation, a number of its own, and the same outcome as at once."""
    push(s, "long", "(let [n (reduce + 0 (range 3000000))] (flow/step :function :f {:code '(fn [i] i) :input {:n n}}))")
    r = go(s, "long")
    assert s.over(r)["result"] == {"n": 4499998500000}
    assert s.ok("runs.verify", {"workflowId": r}).data["identical"] is True
    got, args = [], {"workflowId": r, "number": 1, "result": {"n": 1}}
    threads = [threading.Thread(target=lambda: got.append(s.ok("runs.fork", args, op="one").data)) for _ in range(3)]
    for t in threads:
        t.start()
    other = go(s, "long")
    for t in threads:
        t.join()
    assert got[0] == got[1] == got[2] == s.ok("runs.fork", args, op="one").data, got
    assert s.command("runs.fork", {**args, "number": 2}, op="one").code == "operation_mismatch"
    fork = s.over(got[0]["workflowId"])
    assert fork["result"] == {"n": 1} and fork["forkedFrom"] == r and got[0]["workflowId"] != other, fork
    assert len(ids(s.ok("runs.list", {}))) == 3
    a = s.command("runs.fork", {"workflowId": r, "number": 2})
    assert a.status == 409 and a.code == "no_step" and "before step 2" in a.body["error"]["message"], a
    s.kill()
    s.start()
    assert s.ok("runs.fork", args, op="one").data == got[0] and s.ok("runs.verify", {"workflowId": got[0]["workflowId"]}).data["identical"] is True


def test_what_is_switched_off_runs_nothing_again(s):
    push(s, "i", '(flow/step :function :f {:code (quote (fn [_] 1)) :input {}})')
    s.ok("flows.release", {"flowSlug": "i"})
    inst = s.ok("flows.installations.create", {"flowSlug": "i", "name": "one", "enabled": True}).data["profileId"]
    r = s.ok("flows.run", {"flowSlug": "i", "installationId": inst}).data["workflowId"]
    own = go(s, "i")
    s.over(r), s.over(own)
    again = (("runs.replay", {}), ("runs.retry", {"stepId": "f"}), ("runs.fork", {"number": 1}))

    def refused(run, code):
        for name, args in again:
            a = s.command(name, {"workflowId": run, **args})
            assert a.code == code, (name, a)
    s.ok("flows.installations.set_enabled", {"profileId": inst, "enabled": False})
    refused(r, "installation_disabled")
    s.ok("flows.installations.set_enabled", {"profileId": inst, "enabled": True})
    for name, args in again:
        assert s.over(s.ok(name, {"workflowId": r, **args}).data["workflowId"])["installationId"] == inst
    s.ok("flows.installations.delete", {"profileId": inst})
    refused(r, "installation_not_found")
    assert s.over(s.ok("runs.replay", {"workflowId": own}).data["workflowId"])["result"] == 1
    s.ok("flows.archive", {"flowSlug": "i"})
    refused(own, "flow_archived")


def test_damage_is_not_told_as_retention(s):
    push(s, "b", '(do (flow/step :function :f {:code (quote (fn [_] 1)) :input {}}) (flow/step :function :g {:code (quote (fn [i] i)) :input {:i "MARKER"}}))')
    r, whole = go(s, "b"), go(s, "b")
    s.over(r), s.over(whole)
    assert s.stop() == 0
    db = sqlite3.connect(s.dir.name + "/data/breyta.db")
    id, data = next(x for x in db.execute("SELECT id, data FROM j0 ORDER BY id") if b"MARKER" in x[1])
    db.execute("UPDATE j0 SET data=? WHERE id=?", (data.replace(b"MARKER", b"MARKED"), id))
    db.commit()
    db.close()
    s.start()
    for name, args in (("runs.verify", {}), ("runs.fork", {"number": 1}), ("runs.retry", {"stepId": "g"}), ("runs.get", {})):
        a = s.command(name, {"workflowId": r, **args})
        assert a.status == 500 and "damaged" in a.body["error"]["message"], (name, a)
    assert s.ok("runs.verify", {"workflowId": whole}).data["identical"] is True


def test_retry_goes_on_where_it_failed(s):
    push(s, "f", FAILS)
    push(s, "set", '(flow/step :kv :set {:operation :set :key "mode" :value "ok"})')
    r = go(s, "f")
    s.over(r)
    first = get(s, r, includeSteps=True, includeStepResults=True)["steps"]
    d = s.ok("runs.retry", {"workflowId": r}, op="again").data
    assert d["originalWorkflowId"] == r and d["forkedAtStep"] == 3, d
    assert s.ok("runs.retry", {"workflowId": r}, op="again").data == d
    assert s.over(d["workflowId"])["status"] == "failed"
    s.over(go(s, "set"))
    d = s.ok("runs.retry", {"workflowId": r, "stepId": "mode"}).data
    s.kill()
    s.start()
    done = s.over(d["workflowId"])
    assert done["status"] == "completed" and done["result"] == {"a": first[0]["output"]} and done["forkedFrom"] == r, done
    assert done["steps"][0]["answeredBy"] == "parent", done
    assert s.command("runs.retry", {"workflowId": r, "stepId": "none"}).status == 404
    a = s.command("runs.retry", {"workflowId": d["workflowId"]})
    assert a.status == 409 and a.code == "already_completed", a
    push(s, "w", WAITS, inputs="[{:name :key :type :text}]")
    w = go(s, "w", key="k")
    is_(s, w, "waiting")
    assert s.command("runs.retry", {"workflowId": w}).code == "not_over"


def test_fork(s):
    push(s, "two", "(let [a (flow/step :function :a {:code '(fn [_] {:a 1}) :input {}}) b (flow/step :function :b {:code '(fn [i] {:b (inc (:a i))}) :input a})] [a b])")
    r = go(s, "two")
    assert s.over(r)["result"] == [{"a": 1}, {"b": 2}]

    def fork(**args):
        return s.over(s.ok("runs.fork", {"workflowId": r, **args}).data["workflowId"])
    assert fork(stepId="b")["result"] == [{"a": 1}, {"b": 2}]
    assert fork(number=1, result={"a": 10})["result"] == [{"a": 10}, {"b": 11}]
    assert fork(stepId="b", error={"message": "never mind"})["error"]["message"] == "never mind"
    for args, status in (({}, 400), ({"stepId": "a", "number": 1}, 400), ({"stepId": "zz"}, 404), ({"number": 9}, 409), ({"number": 0}, 400),
                         ({"stepId": "a", "occurrence": 2}, 404), ({"number": 1, "result": 1, "error": {"message": "x"}}, 400),
                         ({"number": 1, "result": 1, "config": {}}, 400), ({"number": 1, "input": []}, 400)):
        a = s.command("runs.fork", {"workflowId": r, **args})
        assert a.status == status and a.body["error"]["message"], (args, a)
    a = s.ok("runs.fork", {"workflowId": r, "number": 2}, op="f").data
    assert s.ok("runs.fork", {"workflowId": r, "number": 2}, op="f").data == a
    s.kill()
    s.start()
    assert s.over(a["workflowId"])["forkedAtStep"] == 2


def test_verify_rebuilds_from_the_journal(s):
    push(s, "f", FAILS)
    push(s, "a", ADD)
    for r in (go(s, "f"), go(s, "a", n=1)):
        status = s.over(r)["status"]
        v = s.ok("runs.verify", {"workflowId": r}).data
        assert v["identical"] is True and "difference" not in v and v["status"] == status == v["rebuiltStatus"] and v["records"] >= 3, v
    assert s.command("runs.verify", {"workflowId": "none"}).status == 404


if __name__ == "__main__":
    run_tests(dict(globals()))
