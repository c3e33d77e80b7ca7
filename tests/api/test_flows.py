#!/usr/bin/env python3
"""Flows, versions and runs over the API, and a server killed between every two acknowledged commands. See server.py."""
import random

from server import flow, run_tests

ADD = "(let [i (flow/input) n (flow/step :function :double {:code '(fn [x] {:n (* 2 (:n x))}) :input {:n (:n i)}})] {:twice (:n n)})"
N_INPUT = "[{:name :n :type :number :required true}]"


def push(s, slug="demo", body=ADD, inputs=N_INPUT, extra=""):
    return s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, inputs, extra)})


def test_drafts(s):
    d = push(s).data
    assert d["flowSlug"] == "demo" and d["savedDraft"] is True and d["valid"] is True, d
    f = s.ok("flows.get", {"flowSlug": "demo", "view": "full", "includeFlowLiteral": True}).data
    assert f["flowLiteral"] == flow("demo", ADD, N_INPUT) and f["flow"]["version"] == 0, f
    assert f["flow"]["name"] == "Flow demo" and f["flow"]["tags"] == ["a", "b"] and "activeVersion" not in f["flow"]
    assert f["flow"]["invocations"]["default"]["inputs"][0]["name"] == "n", f
    assert f["flow"]["interfaces"]["manual"][0]["id"] == "run", f
    assert "flowLiteral" not in s.ok("flows.get", {"flowSlug": "demo"}).data
    push(s, body="42")
    assert ":flow (quote 42)" in s.ok("flows.get", {"flowSlug": "demo", "includeFlowLiteral": True}).data["flowLiteral"]
    assert s.ok("flows.validate", {"flowSlug": "demo", "source": "draft"}).data["valid"] is True


def test_bad_flows(s):
    for text in ("", "{", "[]", "{:slug :a} {:slug :b}", "{:name \"x\" :flow (quote 1)}", "{:slug \"a b\" :flow (quote 1)}", "{:slug 7}"):
        a = s.command("flows.put_draft", {"flowLiteral": text})
        assert a.status == 400 and a.code == "flow_invalid", (text, a)
    a = push(s, "broken", "(no-such-function 1)")
    assert a.data["valid"] is False and a.data["diagnostics"][0]["severity"] == "error", a
    for name, args in (("flows.validate", {}), ("flows.release", {}), ("flows.run", {})):
        a = s.command(name, {"flowSlug": "broken", **args})
        assert a.status == 400 and a.code == "flow_invalid" and a.body["error"]["details"]["diagnostics"], (name, a)
    assert s.ok("flows.versions.list", {"flowSlug": "broken"}).data["items"] == []
    for name in ("flows.get", "flows.validate", "flows.release", "flows.promote", "flows.versions.list", "flows.run", "runs.start"):
        a = s.command(name, {"flowSlug": "nobody"})
        assert a.status == 404 and a.code == "not_found" and "flow not found" in a.body["error"]["message"], (name, a)


def test_versions(s):
    push(s)
    assert s.command("flows.promote", {"flowSlug": "demo"}).status == 409
    assert s.http("GET", "/api/flow-profiles?flow-slug=demo&profile-type=prod").body == {"items": [], "has-more": False}
    r = s.ok("flows.release", {"flowSlug": "demo", "releaseNote": "first"}).data
    assert (r["version"], r["activeVersion"], r["latestVersion"]) == (1, 1, 1), r
    push(s, body="{:twice :other}")
    text = s.ok("flows.get", {"flowSlug": "demo", "source": "version", "version": 1, "includeFlowLiteral": True}).data["flowLiteral"]
    assert text == flow("demo", ADD, N_INPUT)
    r = s.ok("flows.release", {"flowSlug": "demo"}).data
    assert (r["activeVersion"], r["latestVersion"]) == (2, 2), r
    a = s.command("flows.run", {"flowSlug": "demo", "target": "live", "input": {"n": 1}})
    assert a.status == 409 and a.code == "profile_missing", a
    p = s.ok("flows.promote", {"flowSlug": "demo", "target": "live", "version": 2}).data
    assert p["version"] == 2 and p["profileId"] and p["latestVersion"] == 2
    profiles = lambda query: s.http("GET", "/api/flow-profiles?" + query)
    p = profiles("flow-slug=demo&profile-type=prod&limit=200").body
    assert p["items"][0]["version"] == 2 and p["items"][0]["config"]["install-scope"] == "live" and p["items"][0]["enabled"] is True, p
    assert [p["profile-id"] for p in profiles("flow-slug=demo&profile-type=draft").body["items"]] == ["draft-demo"]
    assert profiles("flow-slug=demo&enabled=false").body["items"] == []
    assert profiles("flow-slug=nobody").status == 404 and len(profiles("").body["items"]) == 1 and profiles("profile-type=x").status == 400
    run = s.ok("flows.run", {"flowSlug": "demo", "target": "live", "input": {"n": 1}}).data
    assert run["version"] == 2 and s.over(run["workflowId"])["result"] == {"twice": "other"}
    assert s.ok("flows.promote", {"flowSlug": "demo", "version": 1}).data["previousVersion"] == 2  # a rollback
    run = s.ok("flows.run", {"flowSlug": "demo", "target": "live", "input": {"n": 4}}).data
    done = s.over(run["workflowId"])
    assert run["version"] == 1 and done["version"] == 1 and done["result"] == {"twice": 8}, done
    p = s.ok("flows.versions.publish", {"flowSlug": "demo", "releaseNote": "third"}).data
    assert (p["version"], p["activeVersion"], p["latestVersion"]) == (3, 2, 3), p
    s.ok("flows.versions.update", {"flowSlug": "demo", "version": 1, "releaseNote": "better"})
    s.ok("flows.versions.update", {"flowSlug": "demo", "version": 3, "clearReleaseNote": True})
    assert s.command("flows.versions.update", {"flowSlug": "demo", "version": 3}).status == 400
    s.ok("flows.versions.activate", {"flowSlug": "demo", "version": 1})
    for name in ("flows.versions.activate", "flows.promote", "flows.release", "flows.run"):
        a = s.command(name, {"flowSlug": "demo", "version": 9})
        assert a.status == 404 and a.code == "not_found", (name, a)
    v = s.ok("flows.versions.list", {"flowSlug": "demo"}).data["items"]
    assert [(x["version"], x.get("releaseNote"), x["active"], x["live"]) for x in v] == [(3, None, False, False), (2, None, False, False), (1, "better", True, True)], v
    page = s.ok("flows.versions.list", {"flowSlug": "demo", "limit": 2})
    assert page.meta["hasMore"] is True
    page = s.ok("flows.versions.list", {"flowSlug": "demo", "limit": 2, "cursor": page.meta["nextCursor"]})
    assert [x["version"] for x in page.data["items"]] == [1] and page.meta["hasMore"] is False


def test_lists_have_pages(s):
    slugs = sorted(f"f{i}" for i in range(7))
    for slug in slugs:
        push(s, slug, "1", "[]")
    seen, cursor = [], None
    while True:
        a = s.ok("flows.list", {"limit": 3, **({"cursor": cursor} if cursor else {})})
        seen += [i["flowSlug"] for i in a.data["items"]]
        assert a.meta["hasMore"] is ("nextCursor" in a.meta)
        if not a.meta["hasMore"]:
            break
        cursor = a.meta["nextCursor"]
    assert seen == slugs, seen


def test_runs(s):
    push(s)
    a = s.command("flows.run", {"flowSlug": "demo", "input": {}})
    assert a.status == 400 and "n" in a.body["error"]["message"], a
    assert s.command("flows.run", {"flowSlug": "demo", "invocation": "other", "input": {"n": 1}}).status == 404
    run = s.ok("flows.run", {"flowSlug": "demo", "invocation": "default", "input": {"n": 21}}).data
    assert run["workflowId"] == "flow-demo-ws-local-r1" and run["version"] == 0 and run["target"] == "draft", run
    r = s.over(run["workflowId"])
    assert r["status"] == "completed" and r["result"] == {"twice": 42} and r["resultPreview"]["data"]["result"] == {"twice": 42}, r
    assert r["inputPreview"] == {"n": 21} and r["completedAt"] >= r["startedAt"], r
    step = r["steps"][0]
    assert (step["stepId"], step["stepType"], step["status"], step["attempt"]) == ("double", "function", "completed", 1), step
    assert step["resultPreview"] == {"n": 42} and step["durationMs"] >= 0, step
    bare = s.ok("runs.get", {"workflowId": run["workflowId"]}).data["run"]
    assert "steps" not in bare and "result" not in bare, bare
    e = s.ok("runs.events", {"workflowId": run["workflowId"]})
    assert [x["type"] for x in e.data["items"]] == ["run_started", "step_started", "step_completed", "run_completed"], e
    assert e.meta["count"] == 4
    e = s.ok("runs.events", {"workflowId": run["workflowId"], "limit": 1})
    assert [x["type"] for x in e.data["items"]] == ["run_completed"] and e.meta["hasMore"] is True
    assert s.command("runs.get", {"workflowId": "nobody"}).code == "not_found"
    push(s, "bad", '(throw (ex-info "no luck" {:type :gone}))', "[]")
    r = s.over(s.ok("flows.run", {"flowSlug": "bad"}).data["workflowId"])
    assert r["status"] == "failed" and "no luck" in r["error"]["message"], r
    push(s, "odd", "{:f inc :nan (/ 0.0 0.0) :ratio 1/2}", "[]")
    r = s.over(s.ok("flows.run", {"flowSlug": "odd"}).data["workflowId"])
    assert r["status"] in ("completed", "failed"), r


def test_cancel(s):
    push(s, "waits", '(flow/step :wait :later {:key "later" :timeout "1h"})', "[]")
    for force, status in ((False, "cancelled"), (True, "terminated")):
        run = s.ok("runs.start", {"flowSlug": "waits", "source": "draft"}).data["workflowId"]
        s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
        r = s.ok("runs.get", {"workflowId": run}).data["run"]
        assert r["currentStep"] == "later", r
        s.ok("runs.cancel", {"workflowId": run, "reason": "enough", "force": force})
        assert s.over(run)["status"] == status
        a = s.command("runs.cancel", {"workflowId": run})
        assert a.status == 409 and a.code == "already_completed", a


def test_runs_list(s):
    push(s, "one", "1", "[]")
    push(s, "two", '(throw (ex-info "x" {}))', "[]")
    s.ok("flows.release", {"flowSlug": "one"})
    ids = [s.ok("flows.run", {"flowSlug": f}).data["workflowId"] for f in ("one", "two") * 5]
    released = s.ok("runs.start", {"flowSlug": "one"}).data
    assert released["version"] == 1
    for i in ids + [released["workflowId"]]:
        s.over(i)
    all_of = lambda **args: [r["workflowId"] for r in s.ok("runs.list", {"limit": 100, **args}).data["items"]]
    assert all_of() == [released["workflowId"]] + ids[::-1]
    assert all_of(flowSlug="two") == ids[1::2][::-1] == all_of(status="failed") == all_of(query="status:failed flow:two version:0")
    assert all_of(version=1) == [released["workflowId"]] and all_of(status="queued") == [] and all_of(query="flow:none") == []
    for bad in ({"status": "weird"}, {"query": "what"}, {"cursor": "x"}, {"cursor": "-3"}):
        assert s.command("runs.list", bad).status == 400, bad
    seen, cursor, pages = [], None, 0
    while True:
        a = s.ok("runs.list", {"limit": 4, **({"cursor": cursor} if cursor else {})})
        seen += [r["workflowId"] for r in a.data["items"]]
        pages += 1
        if not a.meta["hasMore"]:
            break
        assert a.meta["nextCursor"] != cursor
        cursor = a.meta["nextCursor"]
    assert seen == [released["workflowId"]] + ids[::-1] and pages == 3, (pages, seen)


def test_child_flows(s):
    push(s, "kid", "{:kid (:n (flow/input))}", "[{:name :n :type :number}]")
    push(s, "parent", "(flow/call-flow :kid {:n 5})", "[]")
    r = s.over(s.ok("flows.run", {"flowSlug": "parent"}).data["workflowId"])
    assert r["status"] == "completed" and r["result"] == {"kid": 5}, r
    kid = [x for x in s.ok("runs.list", {"flowSlug": "kid"}).data["items"]]
    assert len(kid) == 1 and kid[0]["parentWorkflowId"] == r["workflowId"], kid


def test_nothing_acknowledged_is_lost(s):
    """kill -9 after acknowledgements, at random: what was answered is there, and every run ends once."""
    rng = random.Random(7)
    drafts, released, live, runs = {}, {}, {}, {}
    for i in range(40):
        slug = rng.choice(("k1", "k2"))
        what = rng.choice(("put", "put", "release", "promote", "run", "run"))
        if what == "put" or slug not in drafts:
            drafts[slug] = i
            push(s, slug, "(flow/step :function :f {:code '(fn [x] {:v %d}) :input {}})" % i, "[]")
        elif what == "release":
            v = s.ok("flows.release", {"flowSlug": slug}).data["version"]
            assert v == len(released.setdefault(slug, [])) + 1
            released[slug].append(drafts[slug])
        elif what == "promote" and released.get(slug):
            live[slug] = s.ok("flows.promote", {"flowSlug": slug}).data["version"]
        elif what == "run":
            target = "live" if slug in live and rng.random() < 0.5 else "draft"
            a = s.ok("flows.run", {"flowSlug": slug, "target": target}).data
            runs[a["workflowId"]] = released[slug][live[slug] - 1] if target == "live" else drafts[slug]
        if rng.random() < 0.4:
            s.kill()
            s.start()
        for k, v in drafts.items():
            f = s.ok("flows.get", {"flowSlug": k, "includeFlowLiteral": True}).data
            assert "{:v %d}" % v in f["flowLiteral"] and f["flow"].get("latestVersion", 0) == len(released.get(k, [])), (k, f)
            assert f["flow"].get("liveVersion") == live.get(k)
    assert runs and released
    for run, v in runs.items():
        r = s.over(run)
        assert r["status"] == "completed" and r["result"] == {"v": v}, r
    assert sorted(r["workflowId"] for r in s.ok("runs.list", {"limit": 100}).data["items"]) == sorted(runs)


if __name__ == "__main__":
    run_tests(dict(globals()))
