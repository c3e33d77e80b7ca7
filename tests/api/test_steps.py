#!/usr/bin/env python3
"""Steps run alone, and what is noted about them. See server.py."""
import threading
import uuid

from server import Server, flow, run_tests

PACKAGED = """:steps [{:id :tools/twice :type :function :description "doubles n" :input-schema [:map [:n :int]]
                        :defaults {:ref :double :input {:add 0}}}]
 :functions [{:id :double :language :clojure :code (quote (fn [x] {:n (+ (:add x) (* 2 (:n x)))}))}]"""
BODY = """(let [i (flow/input)
      a (flow/step :kv :note {:operation :set :key "noted" :value 1})
      b (flow/step :function :double {:ref :double :input {:n (:n i) :add 1}})
      c (-> :function (flow/step :again {:ref :double :input {:n (:n b) :add 0}}))]
  (flow/step :tools/twice :last {:n (:n c)}))"""


def push(s, slug="demo", body=BODY, extra=PACKAGED, inputs="[{:name :n :type :number :required true}]"):
    return s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, inputs, extra)})


def test_run(s):
    push(s)
    code = {"code": "(fn [x] {:sum (reduce + (:all x))})", "input": {"all": [1, 2, 3]}}
    d = s.ok("steps.run", {"stepType": "function", "stepId": "sum", "params": code, "traceId": "t-1"}).data
    assert d["result"] == {"sum": 6} and d["stepType"] == "function" and d["stepId"] == "sum" and d["traceId"] == "t-1", d
    assert d["status"] == "completed" and d["durationMs"] >= 0, d
    r = s.ok("runs.get", {"workflowId": d["workflowId"], "includeSteps": True}).data["run"]
    assert r["status"] == "completed" and [x["stepId"] for x in r["steps"]] == ["sum"], r
    d = s.ok("steps.run", {"flowSlug": "demo", "stepType": "function", "stepId": "x", "params": {"ref": "double", "input": {"n": 4, "add": 1}}}).data
    assert d["result"] == {"n": 9} and d["flowSlug"] == "demo", d
    d = s.ok("steps.run", {"stepType": "kv", "stepId": "put", "params": {"operation": "set", "key": "k", "value": {"a": 1}}}).data
    d = s.ok("steps.run", {"stepType": ":kv", "stepId": ":get", "params": {"operation": ":get", "key": "k"}}).data
    assert d["result"]["value"] == {"a": 1} if isinstance(d["result"], dict) and "value" in d["result"] else d["result"] == {"a": 1}, d
    for step in ("tools/twice", "twice", ":tools/twice"):
        d = s.ok("steps.run", {"flowSlug": "demo", "stepId": step, "params": {"n": 5}}).data
        assert d["result"] == {"n": 10}, d
    d = s.ok("steps.run", {"flowSlug": "other", "stepId": "tools/twice", "params": {"n": 6}, "flowLiteral": flow("other", "1", "[]", PACKAGED)}).data
    assert d["result"] == {"n": 12}, d
    d = s.ok("steps.run", {"flowSlug": "demo", "stepId": "double", "params": {"ref": "double", "input": {"n": 1, "add": 5}}}).data
    assert d["result"] == {"n": 7} and d["stepType"] == "function", d
    # nothing of it takes a number of the flow's own runs
    assert s.ok("flows.run", {"flowSlug": "demo", "input": {"n": 1}}).data["workflowId"].startswith("flow-demo-ws-local-r")
    s.ok("flows.release", {"flowSlug": "demo"})
    push(s, body="1", extra=":steps []")
    assert s.ok("steps.run", {"flowSlug": "demo", "source": "latest", "stepId": "twice", "params": {"n": 2}}).data["result"] == {"n": 4}
    assert s.ok("steps.run", {"flowSlug": "demo", "version": 1, "stepId": "twice", "params": {"n": 3}}).data["result"] == {"n": 6}
    assert s.command("steps.run", {"flowSlug": "demo", "stepId": "twice", "params": {"n": 2}}).status == 404


def test_run_fails_clearly(s):
    push(s)
    a = s.command("steps.run", {"stepType": "function", "stepId": "f", "params": {"code": '(fn [x] (throw (ex-info "no luck" {:type :gone})))', "input": {}}})
    assert a.status == 422 and a.code == "step_failed" and "no luck" in a.body["error"]["message"], a
    assert a.body["error"]["details"]["error"]["message"] and a.body["error"]["details"]["workflowId"].startswith("step-"), a
    a = s.command("steps.run", {"flowSlug": "demo", "stepId": "tools/twice", "params": {"n": "five"}})
    assert a.status == 422 and "input" in a.body["error"]["message"], a
    for args, status, code in (({"stepId": "x"}, 400, "bad_request"),
                               ({"stepId": "x", "stepType": "nothing"}, 400, "bad_request"),
                               ({"stepId": "x) (y", "stepType": "kv"}, 400, "bad_request"),
                               ({"stepId": "x", "stepType": "kv :a {}) (b"}, 400, "bad_request"),
                               ({"stepId": "x", "stepType": "kv", "params": 7}, 400, "bad_request"),
                               ({"stepId": "x", "flowSlug": "nobody"}, 404, "not_found"),
                               ({"stepId": "x", "flowSlug": "demo"}, 404, "not_found"),
                               ({"stepId": "note", "flowSlug": "demo", "version": 3}, 404, "not_found"),
                               ({"stepId": "note", "flowSlug": "demo", "profileId": "inst-7"}, 404, "installation_not_found"),
                               ({"stepId": "x", "stepType": "kv", "flowLiteral": "{:slug :a"}, 400, "flow_invalid"),
                               ({"stepId": "x", "stepType": "kv", "flowLiteral": "{:slug :a :concurrency {:type :wrong} :flow 1}"}, 400, "flow_invalid")):
        a = s.command("steps.run", args)
        assert a.status == status and a.code == code, (args, a)


def test_the_same_key_runs_once(s):
    count = {"operation": "increment", "key": "runs"}
    value = lambda d: d["result"].get("value") if isinstance(d["result"], dict) else d["result"]
    ask = lambda **more: s.command("steps.run", {"stepType": "kv", "stepId": "count", "params": count, "idempotencyKey": "one", **more})
    first = ask().data
    again = ask().data
    assert again["result"] == first["result"] and again["workflowId"] == first["workflowId"] and again["replayed"] is True, (first, again)
    s.kill()
    s.start()
    assert ask().data["result"] == first["result"]
    a = ask(stepId="other")
    assert a.status == 409 and a.code == "idempotency_mismatch", a
    op = str(uuid.uuid4())
    b = s.ok("steps.run", {"stepType": "kv", "stepId": "count", "params": count}, op=op).data
    assert s.ok("steps.run", {"stepType": "kv", "stepId": "count", "params": count}, op=op).data["result"] == b["result"]
    answers = []
    ts = [threading.Thread(target=lambda: answers.append(ask(idempotencyKey="many"))) for _ in range(8)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    assert len(answers) == 8 and all(a.status == 200 for a in answers), answers
    assert len({repr(a.data["result"]) for a in answers}) == 1, answers
    last = s.ok("steps.run", {"stepType": "kv", "stepId": "count", "params": count}).data
    assert value(last) == 4, last  # one, op, many, and this


def test_a_kill_does_not_run_it_twice(s):
    """Killed while the step is under way: who asks again with the same key waits for the same run."""
    for i in range(10):
        key = f"k{i}"
        args = {"stepType": "sleep", "stepId": "nap", "params": {"duration": "400ms"}, "idempotencyKey": key}
        lost = []

        def ask():
            try:
                lost.append(s.command("steps.run", args))
            except OSError as e:
                lost.append(e)
        t = threading.Thread(target=ask)
        t.start()
        s.until(lambda: len(s.ok("runs.list", {"limit": 100}).data["items"]) > i, "the run is there")
        s.kill()
        t.join()
        s.start()
        a = s.ok("steps.run", args)
        assert a.data["status"] == "completed", a
        assert len(s.ok("runs.list", {"limit": 100}).data["items"]) == i + 1


def test_one_step_of_a_flow(s):
    push(s)
    for step, result in (("double", {"n": 7}), ("again", None), ("last", None)):
        a = s.command("flows.run_step", {"flowSlug": "demo", "stepId": step, "input": {"n": 3}})
        assert a.status == 200 and a.data["workflowId"].startswith("flow-demo-ws-local-r") and a.data["stepId"] == step, a
        r = s.over(a.data["workflowId"])
        if result:
            assert r["status"] == "completed" and r["result"] == result, r
            assert [x["stepId"] for x in r["steps"]] == [step], r
        else:  # what it needs of the others is nil
            assert r["status"] == "failed" and {x["stepId"] for x in r["steps"]} <= {step}, r
    push(s, "free", "(do (flow/step :kv :note {:operation :set :key \"seen\" :value 1})"
                    " (flow/poll {:interval \"1s\" :timeout \"1m\" :return-on (fn [r] false)} (flow/step :kv :look {:operation :get :key \"never\"}))"
                    " (if (:go (flow/input)) (try (flow/step :tools/twice :mine {:n 4}) (catch Exception e :caught)) :no))", inputs="[{:name :go :type :boolean :required true}]")
    r = s.over(s.ok("flows.run_step", {"flowSlug": "free", "stepId": "mine", "input": {"go": True}}).data["workflowId"])
    assert r["status"] == "completed" and r["result"] == {"n": 8}, r
    r = s.over(s.ok("flows.run_step", {"flowSlug": "free", "stepId": "mine", "input": {"go": False}}).data["workflowId"])
    assert r["status"] == "failed" and "does not come to step :mine" in r["error"]["message"], r
    a = s.command("flows.run_step", {"flowSlug": "free", "stepId": "mine", "input": {}, "invocation": "default"})
    assert a.status == 400 and "go" in a.body["error"]["message"], a
    assert s.command("flows.run_step", {"flowSlug": "free", "stepId": "mine", "invocation": "other"}).status == 404
    assert s.command("flows.run_step", {"flowSlug": "free", "stepId": "absent"}).status == 404
    a = s.command("flows.run_step", {"flowSlug": "free", "stepId": "mine", "target": "live"})
    assert a.status == 409 and a.code == "profile_missing", a
    s.ok("flows.deploy", {"flowSlug": "free"})
    a = s.ok("flows.run_step", {"flowSlug": "free", "stepId": "mine", "target": "live", "input": {"go": True}}).data
    assert a["version"] == 1 and a["target"] == "live", a
    op = str(uuid.uuid4())
    one = s.ok("flows.run_step", {"flowSlug": "free", "stepId": "mine", "input": {"go": True}}, op=op).data["workflowId"]
    s.kill()
    s.start()
    assert s.ok("flows.run_step", {"flowSlug": "free", "stepId": "mine", "input": {"go": True}}, op=op).data["workflowId"] == one
    assert s.over(one)["status"] == "completed"


def test_docs_examples_tests(s):
    push(s)
    step = {"flowSlug": "demo", "stepId": "tools/twice"}
    assert s.ok("steps.docs.get", step).data["docs"] is None
    assert s.ok("steps.docs.put", {**step, "markdown": "# Twice\n", "docs": "# Twice\n"}).data["docs"] == "# Twice\n"
    s.ok("steps.docs.put", {**step, "docs": "# Two\n"})
    assert s.command("steps.docs.put", step).status == 400
    e = s.ok("steps.examples.add", {**step, "input": {"n": 1}, "output": {"n": 2}, "note": "small"}).data["example"]
    assert e["input"] == {"n": 1} and e["output"] == {"n": 2} and e["note"] == "small", e
    s.ok("steps.examples.add", {**step, "input": {"n": 0}, "output": None})
    for name, n, expected in (("right", 3, {"n": 6}), ("wrong", 3, {"n": 7}), ("fails", "x", {"n": 0})):
        s.ok("steps.tests.add", {**step, "name": name, "input": {"n": n}, "expected": expected, "note": ""})
    s.kill()
    s.start()
    assert s.ok("steps.docs.get", {"flowSlug": "demo", "stepId": ":tools/twice"}).data["docs"] == "# Two\n"
    assert [x["input"]["n"] for x in s.ok("steps.examples.list", step).data["items"]] == [1, 0]
    assert [x["name"] for x in s.ok("steps.tests.list", step).data["items"]] == ["right", "wrong", "fails"]
    v = s.ok("steps.tests.verify", step).data
    assert [(x["name"], x["pass"]) for x in v["items"]] == [("right", True), ("wrong", False), ("fails", False)], v
    assert v["items"][1]["actual"] == {"n": 6} and v["items"][1]["expected"] == {"n": 7} and v["items"][0]["params"] == {"n": 3}, v
    assert v["summary"] == {"total": 3, "passed": 1, "failed": 2} and v["pass"] is False, v
    assert s.ok("steps.tests.verify", {**step, "stepId": "untested"}).data["items"] == []
    a = s.ok("steps.artifacts.get", step).data
    assert a["docs"] == "# Two\n" and a["examples"]["count"] == 2 and a["tests"]["count"] == 3, a
    other = {"flowSlug": "demo", "stepId": "tools/twic"}  # no prefix of another's
    assert s.ok("steps.artifacts.get", other).data["tests"]["items"] == [] and s.ok("steps.examples.list", other).data["items"] == []
    for name in ("steps.docs.get", "steps.docs.put", "steps.examples.list", "steps.examples.add", "steps.tests.list", "steps.tests.add", "steps.tests.verify", "steps.artifacts.get"):
        more = {"input": {}, "markdown": "x", "flowSlug": "nobody", "stepId": "a"}
        assert s.command(name, more).code == "not_found", name
        assert s.command(name, {**more, "flowSlug": "demo", "stepId": "a b"}).status == 400, name
    s.ok("flows.delete", {"flowSlug": "demo", "yes": True})
    push(s)
    assert s.ok("steps.artifacts.get", step).data["tests"]["items"] == []


if __name__ == "__main__":
    run_tests(dict(globals()))
