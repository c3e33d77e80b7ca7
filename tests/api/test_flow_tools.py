#!/usr/bin/env python3
"""Flows beside their texts: lint, diff, search, metadata, deploy keys, archive, delete. See server.py."""
import json
from concurrent.futures import ThreadPoolExecutor

from server import flow, run_tests
from test_workspaces import account, in_workspace, post

STEP = "(flow/step :function :f {:code '(fn [x] {:v %s}) :input {}})"


def push(s, slug="demo", body=STEP % 1, extra="", inputs="[]", **more):
    return s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, inputs, extra), **more})


def test_lint(s):
    d = s.ok("flows.lint", {"flowLiteral": flow("demo", "1")})
    assert d.data["valid"] is True and d.data["flowSlug"] == "demo" and d.data["errors"] == 0 and d.meta["nextCommands"], d
    d = s.ok("flows.lint", {"flowLiteral": flow("demo", "1", "[{:name :a :type :wrong} {:type :text}]")}).data
    assert d["valid"] is False and d["errors"] == 2, d
    first = [x for x in d["diagnostics"] if x["code"] == "invalid_invocation_input_type"][0]
    assert first["severity"] == "error" and first["path"] == ["invocations", "default", "inputs", 0], first
    assert first["hint"] and first["stage"] == "server" and first["line"] == 2, first
    d = s.ok("flows.lint", {"flowLiteral": flow("demo", "(loop [i 0] (if (< i 3) (do (flow/step :kv :k {:operation :get :key \"k\"}) (recur (inc i))) i))")}).data
    refused = [x for x in d["diagnostics"] if x["code"] == "loop_without_wait"][0]
    assert refused["severity"] == "error" and refused["runs"] is True, d  # upstream's severity
    d = s.ok("flows.lint", {"flowLiteral": "{:slug"}).data
    assert d["valid"] is False and "flowSlug" not in d, d
    include = '{:slug :demo :concurrency {:type :singleton :on-new-version :drain} :flow (quote #flow/include "body.clj")}'
    d = s.ok("flows.lint", {"flowLiteral": include}).data["diagnostics"][0]
    assert d["code"] == "flow_include_invalid" and "breyta flows push" in d["hint"], d
    a = s.command("flows.put_draft", {"flowLiteral": include})
    assert a.status == 400 and a.code == "flow_invalid" and a.body["error"]["details"]["diagnostics"][0]["code"] == "flow_include_invalid", a
    a = s.command("flows.lint", {"flowLiteral": "x" * (2 << 20)})
    assert a.status in (400, 413) and a.body["error"]["message"], a
    assert s.ok("flows.list").data["items"] == []


def test_the_same_text_changes_nothing(s):
    a = push(s).data
    f = s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]
    b = push(s).data
    assert a["changed"] is True and b["changed"] is False and a["sourceHash"] == b["sourceHash"] and b["valid"] is True, (a, b)
    assert s.ok("flows.get", {"flowSlug": "demo"}).data["flow"] == f
    assert push(s, body="2").data["changed"] is True


def test_get_for_interfaces(s):
    push(s, extra=""":requires [{:slot :api :type :http-api :label "API" :base-url "https://example.com" :auth {:type :none}}]
       :schedules [{:id :daily :invocation :default :cron "0 6 * * *"}] :discover {:public true}""")
    text = flow("many", "1").replace(":interfaces {:manual [{:id :run :invocation :default :enabled true}]}", """:interfaces {
       :manual [{:id :run :label "Run it" :invocation :default}]
       :http [{:id :enrich :invocation :default :method :post :path "/enrich" :auth {:type :workspace}}]
       :webhook [{:id :hook :invocation :default :event-name "orders" :auth {:type :none}}]
       :mcp [{:tool-name "enrich_it" :invocation :default :description "enriches"}]}""")
    assert ":tool-name" in text
    s.ok("flows.put_draft", {"flowLiteral": text})
    f = s.ok("flows.get", {"flowSlug": "many", "view": "summary"}).data["flow"]
    i = f["interfaces"]
    assert i["manual"][0]["id"] == "run" and i["manual"][0]["label"] == "Run it" and i["manual"][0]["invocation"] == "default", i
    assert (i["http"][0]["method"], i["http"][0]["path"], i["http"][0]["auth"]) == ("post", "/enrich", {"type": "workspace"}), i
    assert i["webhook"][0]["eventName"] == "orders" and i["webhook"][0]["auth"] == {"type": "none"}, i
    assert i["mcp"][0]["toolName"] == "enrich_it" and i["mcp"][0]["description"] == "enriches", i
    f = s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]
    assert f["requires"][0]["slot"] == "api" and f["schedules"][0]["id"] == "daily" and f["discover"] == {"public": True} and "marketplace" not in f, f


def test_diff(s):
    push(s)
    a = s.command("flows.diff", {"flowSlug": "demo"})
    assert a.status == 409 and a.code == "profile_missing", a
    s.ok("flows.deploy", {"flowSlug": "demo", "releaseNote": "one"})
    d = s.ok("flows.diff", {"flowSlug": "demo"}).data
    assert d["changed"] is False and d["changedSections"] == [] and d["from"]["version"] == 1 and "diff" not in d, d
    push(s, body=STEP % 2, extra=':templates [{:id :t :type :llm-prompt :system "x"}]')
    d = s.ok("flows.diff", {"flowSlug": "demo", "view": "full"}).data
    assert d["changed"] is True and sorted(d["changedSections"]) == ["flow", "templates"], d
    assert d["from"] == {"source": "live", "version": 1, "label": "live v1"} and d["to"] == {"source": "draft", "label": "draft"}, d
    assert d["stat"]["addedLines"] == 2 and d["stat"]["removedLines"] == 2 and d["stat"]["hunks"] == 1, d
    assert d["diff"].startswith("--- live v1\n+++ draft\n@@ ") and "\n-" in d["diff"] and "{:v 2}" in d["diff"], d
    assert {x["section"]: x["change"] for x in d["sections"]} == {"flow": "changed", "templates": "added"}, d
    s.ok("flows.release", {"flowSlug": "demo"})
    d = s.ok("flows.diff", {"flowSlug": "demo", "from": "version", "fromVersion": 2, "to": "version", "toVersion": 1}).data
    assert {x for x in d["changedSections"]} == {"flow", "templates"} and d["to"]["label"] == "v1", d
    d = s.ok("flows.diff", {"flowSlug": "demo", "from": "draft", "to": "file", "fileLiteral": "{:slug :demo}", "fileLabel": "demo.clj", "view": "full"}).data
    assert d["to"]["label"] == "demo.clj" and "+{:slug :demo}\n" in d["diff"], d
    assert s.command("flows.diff", {"flowSlug": "demo", "to": "file"}).status == 400
    assert s.command("flows.diff", {"flowSlug": "demo", "to": "version"}).status == 400
    assert s.command("flows.diff", {"flowSlug": "demo", "from": "version", "fromVersion": 9}).status == 404
    assert s.command("flows.diff", {"flowSlug": "nobody"}).status == 404


def test_deploy_and_validate_live(s):
    push(s)
    d = s.ok("flows.deploy", {"flowSlug": "demo", "releaseNote": "first"}).data
    assert (d["version"], d["activeVersion"], d["profileId"], d["releaseNote"]) == (1, 1, "live-demo", "first"), d
    push(s, body="(no-such 1)")
    assert s.command("flows.deploy", {"flowSlug": "demo"}).code == "flow_invalid"
    assert s.command("flows.validate", {"flowSlug": "demo"}).code == "flow_invalid"
    assert s.ok("flows.validate", {"flowSlug": "demo", "source": "live"}).data["version"] == 1
    assert s.ok("flows.validate", {"flowSlug": "demo", "source": "active"}).data["valid"] is True
    push(s, body="3")
    s.ok("flows.deploy", {"flowSlug": "demo"})
    assert s.ok("flows.deploy", {"flowSlug": "demo", "version": 1}).data["previousVersion"] == 2
    assert s.ok("flows.promote", {"flowSlug": "demo", "version": "latest"}).data["version"] == 2
    assert s.command("flows.deploy", {"flowSlug": "demo", "version": 7}).status == 404
    assert s.command("flows.versions.list", {"flowSlug": "demo", "cursor": "x"}).status == 400
    # the draft goes back to the active version
    push(s, body="4")
    s.ok("flows.versions.activate", {"flowSlug": "demo", "version": 1})
    d = s.ok("flows.draft.reset", {"flowSlug": "demo"}).data
    assert d["version"] == 1 and d["changed"] is True, d
    assert s.ok("flows.get", {"flowSlug": "demo", "includeFlowLiteral": True}).data["flowLiteral"] == flow("demo", STEP % 1)
    assert s.ok("flows.draft.reset", {"flowSlug": "demo"}).data["changed"] is False
    push(s, "new")
    assert s.command("flows.draft.reset", {"flowSlug": "new"}).code == "not_released"


def test_deploy_keys(s):
    guard = ":deploy-key-required true"
    push(s, extra=guard)
    assert s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]["deployKeyRequired"] is True
    names = (("flows.release", {}), ("flows.deploy", {}), ("flows.versions.publish", {}))
    for name, args in names:
        assert s.command(name, {"flowSlug": "demo", "deployKey": "k"}).code == "deploy_key_required", name  # nobody has set one
    push(s, extra=guard, **{"deploy-key": "secret one"})
    for name, args in names:
        assert s.command(name, {"flowSlug": "demo"}).code == "deploy_key_required", name
        a = s.command(name, {"flowSlug": "demo", "deployKey": "guess"})
        assert a.status == 403 and a.code == "deploy_key_invalid", (name, a)
    s.ok("flows.release", {"flowSlug": "demo", "deployKey": "secret one"})
    assert s.command("profiles.activate", {"flowSlug": "demo", "version": "1", "deployKey": "guess"}).code == "deploy_key_invalid"
    assert "liveVersion" not in s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]
    for name in ("profiles.activate", "flows.promote", "flows.versions.activate"):
        assert s.command(name, {"flowSlug": "demo", "version": 1}).status == 403, name
        s.ok(name, {"flowSlug": "demo", "version": 1, "deployKey": "secret one"})
    # without the key the text may change, the guard does not
    push(s, body="5")
    assert s.command("flows.release", {"flowSlug": "demo"}).code == "deploy_key_required"
    a = s.command("flows.put_draft", {"flowLiteral": flow("demo", "6"), "deploy-key": "another"})
    assert a.status == 403 and a.code == "deploy_key_invalid", a
    assert "secret one" not in json.dumps(s.ok("flows.get", {"flowSlug": "demo", "view": "full"}).body)
    push(s, body="6", **{"deploy-key": "secret one"})
    s.ok("flows.release", {"flowSlug": "demo"})
    import glob
    for path in glob.glob(s.dir.name + "/data/*"):
        assert b"secret one" not in open(path, "rb").read(), path


def test_long_texts(s):
    """Looking at a text takes time in proportion to it, whatever it is full of: others are answered meanwhile."""
    n = 45000
    entries = "".join(f":k{i} {i}\n" for i in range(n)) + '   :last (get (flow/input) "k")'
    steps = "".join(f"(+ {i} 1)" for i in range(n)) + '\n  (get (flow/input) "\u00e9k")'
    for body, at in (("{" + entries + "}", (4 + n, 28)), ("(do " + steps + ")", (5, 21))):
        text = "; one\n" + flow("long", body)
        with ThreadPoolExecutor(2) as pool:
            lint, beside = pool.submit(s.command, "flows.lint", {"flowLiteral": text}), pool.submit(s.command, "flows.list")
        d = [d for d in lint.result().data["diagnostics"] if d["code"] == "string_key_lookup"]
        assert lint.result().status == 200 and [(x["line"], x["column"]) for x in d] == [at], (d, lint.result().data["errors"])
        assert beside.result().status == 200, beside.result()
    names = "".join(f"(nosuch{i} 1)\n" for i in range(20000))
    found = [d for d in s.ok("flows.lint", {"flowLiteral": flow("long", "(do " + names + ")")}).data["diagnostics"] if d["code"] == "unresolved_symbol"]
    assert [d["message"].split()[4] for d in found][:5] == [f"nosuch{i}" for i in range(5)] and found[4]["line"] == 7, found[:5]


def test_the_note_of_a_version_that_is_released_again(s):
    push(s)
    s.ok("flows.release", {"flowSlug": "demo", "releaseNote": "one"})
    for name in ("flows.release", "flows.deploy"):
        assert s.ok(name, {"flowSlug": "demo", "version": 1, "releaseNote": name}).data["releaseNote"] == name
        s.kill()
        s.start()
        v = s.ok("flows.versions.list", {"flowSlug": "demo"}).data["items"]
        assert [i["releaseNote"] for i in v] == [name], v
        assert "releaseNote" not in s.ok(name, {"flowSlug": "demo", "version": 1}).data
    assert s.ok("flows.versions.list", {"flowSlug": "demo"}).data["items"][0]["releaseNote"] == "flows.deploy"


def test_update(s):
    push(s)
    s.ok("flows.update", {"flowSlug": "demo", "name": "Another", "tags": "x, y z ,", "groupKey": "g", "groupName": "G", "groupDescription": "D",
                          "groupOrder": 3, "primaryDisplayConnectionSlot": "api", "description": "said"})
    s.kill()
    s.start()
    f = s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]
    assert (f["name"], f["tags"], f["groupKey"], f["groupName"], f["groupDescription"], f["groupOrder"]) == ("Another", ["x", "y z"], "g", "G", "D", 3), f
    assert f["primaryDisplayConnectionSlot"] == "api" and f["description"] == "said", f
    push(s, body="7")
    assert s.ok("flows.list").data["items"][0]["name"] == "Another"
    f = s.ok("flows.update", {"flowSlug": "demo", "name": "", "tags": ""}).data["flow"]
    assert f["name"] == "Flow demo" and f["tags"] == ["a", "b"] and f["description"] == "said", f
    assert s.command("flows.update", {"flowSlug": "demo", "groupOrder": "first"}).status == 400
    p = s.ok("flows.provenance.set", {"flowSlug": "demo", "sourceFlows": ["base", {"workspaceId": "ws-x", "flowSlug": "y"}]}).data["provenance"]
    assert p["sourceFlows"][0] == "base", p
    assert s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]["provenance"]["sourceFlows"][1]["flowSlug"] == "y"
    assert s.command("flows.provenance.set", {"flowSlug": "demo", "sourceFlows": [7]}).status == 400
    s.ok("flows.provenance.set", {"flowSlug": "demo", "sourceFlows": []})
    assert "provenance" not in s.ok("flows.get", {"flowSlug": "demo"}).data["flow"]


def test_archive(s):
    for i in range(5):
        push(s, f"f{i}")
    run = s.ok("flows.run", {"flowSlug": "f1"}).data["workflowId"]
    s.over(run)
    s.ok("flows.deploy", {"flowSlug": "f1"})
    for slug in ("f1", "f3"):
        assert s.ok("flows.archive", {"flowSlug": slug}).data["archived"] is True
    s.ok("flows.archive", {"flowSlug": "f1"})
    seen, cursor = [], None
    while True:
        a = s.ok("flows.list", {"limit": 1, **({"cursor": cursor} if cursor else {})})
        seen += [x["flowSlug"] for x in a.data["items"]]
        if not a.meta["hasMore"]:
            break
        cursor = a.meta["nextCursor"]
    assert seen == ["f0", "f2", "f4"], seen
    everything = s.ok("flows.list", {"includeArchived": True}).data["items"]
    assert [x["flowSlug"] for x in everything if x.get("archived")] == ["f1", "f3"], everything
    for name, args in (("flows.run", {}), ("flows.run", {"target": "live"}), ("runs.start", {}), ("flows.run_step", {"stepId": "f"}), ("steps.run", {"stepId": "f"})):
        a = s.command(name, {"flowSlug": "f1", **args})
        assert a.status == 409 and a.code == "flow_archived", (name, a)
    assert s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "completed"
    assert s.ok("flows.get", {"flowSlug": "f1"}).data["flow"]["archived"] is True
    push(s, "f1")
    s.over(s.ok("flows.run", {"flowSlug": "f1", "target": "live"}).data["workflowId"])


def test_delete(s):
    push(s, "waits", '(flow/step :wait :later {:key "later" :timeout "1h"})')
    s.ok("flows.deploy", {"flowSlug": "waits"})
    s.ok("flows.versions.publish", {"flowSlug": "waits"})
    done = s.ok("flows.run", {"flowSlug": "waits", "target": "live"}).data["workflowId"]
    s.ok("runs.cancel", {"workflowId": done})
    s.over(done)
    runs = [s.ok("flows.run", {"flowSlug": "waits", "target": "live"}).data["workflowId"]]
    s.until(lambda: s.ok("runs.get", {"workflowId": runs[0]}).data["run"]["status"] == "waiting", "it waits")
    a = s.command("flows.delete", {"flowSlug": "waits"})
    assert a.status == 400 and a.code == "confirmation_required", a
    a = s.command("flows.delete", {"flowSlug": "waits", "yes": True})
    assert a.status == 409 and a.code == "active_runs" and a.body["error"]["details"]["workflowIds"] == runs[:1], a
    d = s.ok("flows.delete", {"flowSlug": "waits", "yes": True, "force": True}).data
    assert d["deleted"] is True and d["cancelledRuns"] == 1, d
    s.kill()
    s.start()
    assert s.command("flows.get", {"flowSlug": "waits"}).code == "not_found"
    assert s.over(runs[0])["status"] == "terminated"
    r = s.ok("runs.get", {"workflowId": runs[0], "includeSteps": True}).data["run"]
    assert r["version"] == 1 and r["steps"][0]["stepId"] == "later", r
    assert s.ok("flows.list", {"includeArchived": True}).data["items"] == []
    assert s.ok("flows.workspace.search", {"query": "waits"}).data["result"]["hits"] == []
    push(s, "waits", "1")  # another flow of that name goes on counting
    f = s.ok("flows.get", {"flowSlug": "waits"}).data["flow"]
    assert "latestVersion" not in f and "liveVersion" not in f, f
    assert s.ok("flows.versions.list", {"flowSlug": "waits"}).data["items"] == []
    assert s.ok("flows.release", {"flowSlug": "waits"}).data["version"] == 3
    assert [x["version"] for x in s.ok("flows.versions.list", {"flowSlug": "waits"}).data["items"]] == [3]
    assert s.command("flows.get", {"flowSlug": "waits", "source": "version", "version": 1}).status == 404


def test_search(s):
    push(s, "mail", '(flow/step :http :send {:url "https://example.com" :title "Sends the newsletter"})', ':discover {:public true}')
    push(s, "bill", '(let [a (flow/step :llm :ask {:connection :ai :provider "openai" :prompt "total of the invoice"})] (flow/step :kv :keep {:operation :set :key "k" :value a}))',
         ':requires [{:slot :ai :type :llm-provider :label "AI"}]')
    push(s, "old", STEP % "newsletter")
    s.ok("flows.archive", {"flowSlug": "old"})
    find = lambda command="flows.workspace.search", **args: s.ok(command, args).data["result"]["hits"]
    slugs = lambda **args: [h["flow_slug"] for h in find(**args)]
    assert slugs(query="newsletter") == ["mail"]
    hit = find(query="newsletter")[0]
    assert hit["name"] == "Flow mail" and hit["step_types"] == ["http"] and hit["tags"] == ["a", "b"] and hit["version"] == 0, hit
    assert slugs(stepType="kv") == ["bill"] == slugs(stepType=":llm") == slugs(connection="ai") == slugs(provider="OpenAI")
    assert slugs(query="flow", stepType="http") == ["mail"] and slugs(flowSlug="bill") == ["bill"] and slugs(toolName="x") == []
    assert sorted(slugs(query="flow mail bill")) == ["bill", "mail"]
    assert slugs(query="invoice", definitionSearch=True) == ["bill"]
    hit = find(patterns=["NEWSLETTER", "openai"])
    assert [h["flow_slug"] for h in hit] == ["bill", "mail"] and hit[1]["matches"][0]["line"] >= 1 and "newsletter" in hit[1]["matches"][0]["text"], hit
    assert slugs(patterns=["newsletter"], includeArchived=True) == ["mail", "old"]
    assert slugs(query="newsletter", target="live") == []
    s.ok("flows.deploy", {"flowSlug": "mail"})
    push(s, "mail", "(flow/step :kv :x {:operation :get :key \"telegram\"})", ":discover {:public true}")
    assert slugs(query="newsletter", target="live") == ["mail"] == slugs(query="newsletter") and slugs(query="newsletter", target="draft") == []
    assert slugs(stepType="http", target="draft") == [] and slugs(stepType="http", target="live") == ["mail"]
    first = s.ok("flows.workspace.search", {"limit": 1})
    assert first.meta["hasMore"] is True and [h["flow_slug"] for h in first.data["result"]["hits"]] == ["bill"], first
    assert slugs(limit=1, **{"from": 1}) == ["mail"]
    assert [h["flow_slug"] for h in find("flows.search", query="flow", surface="templates", scope="all")] == ["mail"]
    assert len(find("flows.search", query="flow", surface="templates", scope="workspace")) == 2
    s.ok("flows.update", {"flowSlug": "bill", "name": "Kontoauszug"})
    assert slugs(query="kontoauszug") == ["bill"]
    a = s.ok("flows.examples.step", {"stepType": "http", "query": "newsletter", "scope": "all", "limit": 5, "full": True}).data["examples"]["items"]
    assert len(a) == 1 and a[0]["step_id"] == "send" and a[0]["snippet"].startswith("(flow/step :http :send {") and a[0]["flow_literal"], a
    assert s.ok("flows.examples.step", {"stepType": "llm"}).data["examples"]["items"] == []
    a = s.ok("flows.workspace.examples.step", {"stepType": "llm", "query": "invoice total"}).data["examples"]["items"]
    assert a[0]["flow_slug"] == "bill" and "flow_literal" not in a[0], a
    assert s.command("flows.workspace.search", {"query": "x", "definitionSearch": True, "patterns": [""]}).status == 400
    assert s.command("flows.workspace.search", {"definitionSearch": True}).status == 400
    assert s.command("flows.examples.step", {}).status == 400
    # commands without a workspace
    post = lambda body, **more: s.http("POST", "/api/global/commands", json.dumps(body), {"Content-Type": "application/json"}, **more)
    a = post({"command": "flows.search", "args": {"query": "flow"}})
    assert a.status == 200 and [h["flow_slug"] for h in a.data["result"]["hits"]] == ["mail"], a
    assert post({"command": "flows.examples.step", "args": {"stepType": "http"}}).data["examples"]["items"]
    assert post({"command": "flows.list", "args": {}}).code == "unknown_command"
    assert post({"command": "flows.search", "args": {}}, key=False).status == 401
    s.kill()
    s.start()
    assert slugs(query="kontoauszug") == ["bill"]


def test_compile_doctor_metrics_preflight(s):
    push(s, body='(let [a (flow/step :http :get-it {:connection :api :path "/x" :title "Get"}) b (flow/call-flow :child {:flow-slug :other :input {}})] (flow/step :my/tool {:n 1}))',
         extra=''':requires [{:slot :api :type :http-api :label "A" :base-url "https://example.com" :auth {:type :none}}]
                  :steps [{:id :my/tool :type :function :description "d" :input-schema [:map] :defaults {:code (quote (fn [x] x))}}]''')
    a = s.ok("flows.compile", {"flowSlug": "demo"}).data
    assert [(x["id"], x["type"]) for x in a["analysis"]["steps"]] == [("get-it", "http"), ("child", "call-flow"), ("tool", "my/tool")], a
    assert a["analysis"]["steps"][0]["title"] == "Get" and a["analysis"]["steps"][0]["connection"] == "api" and a["compiled"] is True, a
    d = s.ok("flows.doctor", {"flowSlug": "demo"}).data["doctor"]
    assert d["ready"] is True and d["target"] == "draft" and all(c["pass"] for c in d["checks"]) and d["checks"][0]["label"], d
    d = s.ok("flows.doctor", {"flowSlug": "demo", "target": "live"}).data["doctor"]
    assert d["ready"] is False and [c["id"] for c in d["checks"] if not c["pass"]] == ["released", "live"], d
    s.ok("flows.deploy", {"flowSlug": "demo"})
    d = s.ok("flows.doctor", {"flowSlug": "demo", "target": "live"}).data["doctor"]
    assert d["ready"] is True and d["summary"]["activeVersion"] == 1 and d["summary"]["latestVersion"] == 1, d
    push(s, body="(nope)")
    d = s.ok("flows.doctor", {"flowSlug": "demo"}).data["doctor"]
    assert d["ready"] is False and d["summary"]["errors"] == 1, d
    assert s.ok("flows.compile", {"flowSlug": "demo"}).data["compiled"] is False
    p = s.ok("flows.public.preflight", {"flowSlug": "demo"}).data["preflight"]
    assert p["ready"] is False and p["public"] == {"discoverPublic": False, "marketplaceVisible": False} and p["checks"][0]["pass"] is False, p
    push(s, "calls", "1")
    push(s, "bad", '(throw (ex-info "x" {}))')
    assert s.ok("flows.invocations.metrics", {"flowSlug": "calls"}).data["items"] == []
    for slug in ("calls", "bad", "calls"):
        last = s.ok("flows.run", {"flowSlug": slug}).data["workflowId"]
        s.over(last)
    m = s.ok("flows.invocations.metrics", {"flowSlug": "calls", "limit": 10}).data["items"]
    assert len(m) == 1 and (m[0]["requestCount"], m[0]["successCount"], m[0]["errorCount"], m[0]["lastWorkflowId"]) == (2, 2, 0, last), m
    assert m[0]["lastStatusBucket"] == "2xx" and m[0]["invocationKind"] == "manual" and m[0]["lastCalledAt"], m
    assert s.ok("flows.invocations.metrics", {"flowSlug": "bad"}).data["items"][0]["errorCount"] == 1
    assert s.ok("flows.invocations.metrics", {"flowSlug": "calls", "kind": "webhook"}).data["items"] == []
    for name in ("flows.compile", "flows.doctor", "flows.public.preflight", "flows.invocations.metrics", "flows.update", "flows.archive", "flows.draft.reset", "flows.deploy"):
        assert s.command(name, {"flowSlug": "nobody"}).code == "not_found", name
    assert s.command("flows.delete", {"flowSlug": "nobody", "yes": True}).status == 404
    assert s.command("flows.provenance.set", {"flowSlug": "nobody", "sourceFlows": []}).status == 404


def test_scopes_and_workspaces(s):
    push(s, "mine", extra=":discover {:public true}")
    s.ok("flows.deploy", {"flowSlug": "mine"})
    s.ok("steps.docs.put", {"flowSlug": "mine", "stepId": "f", "markdown": "secret notes"})
    assert post(s, "/api/debug/workspace/bootstrap", {"workspaceId": "ws-b"}, None, True).status == 200
    ask = {"flowSlug": "mine", "stepId": "f", "flowLiteral": flow("mine", "1"), "yes": True, "version": 1, "sourceFlows": [], "stepType": "function", "input": {}, "markdown": "x",
           "params": {"code": "(fn [x] x)", "input": 1}, "releaseNote": "x"}
    reads = ("flows.lint", "flows.diff", "flows.compile", "flows.doctor", "flows.public.preflight", "flows.workspace.search", "flows.search", "flows.examples.step",
             "flows.workspace.examples.step")
    writes = ("flows.put_draft", "flows.deploy", "flows.update", "flows.provenance.set", "flows.draft.reset", "flows.archive", "flows.delete", "flows.release", "flows.run_step",
              "steps.run", "steps.tests.verify", "steps.docs.put", "steps.examples.add", "steps.tests.add", "flows.versions.update")
    steps = ("steps.docs.get", "steps.examples.list", "steps.tests.list", "steps.artifacts.get")
    _, nothing = account(s, ["resources.read"])
    _, reader = account(s, ["flows.read"])
    for name in reads + writes + steps + ("flows.invocations.metrics",):
        a = in_workspace(s, s.workspace, name, ask, nothing)
        assert a.status == 403 and a.code == "forbidden", (name, a)
    for name in writes + steps:
        assert in_workspace(s, s.workspace, name, ask, reader).code == "forbidden", name
    for name in reads:
        assert in_workspace(s, s.workspace, name, ask, reader).status == 200, name
    for name in ("flows.diff", "flows.compile", "flows.doctor", "flows.public.preflight", "flows.invocations.metrics", "flows.deploy", "flows.update", "flows.archive", "flows.delete",
                 "flows.run_step", "flows.draft.reset", "steps.tests.verify") + steps:
        a = in_workspace(s, "ws-b", name, ask)
        assert a.status == 404 and a.code == "not_found", (name, a)
    for name, args, path in (("flows.workspace.search", {"query": "mine"}, ("result", "hits")), ("flows.search", {"query": "mine"}, ("result", "hits")),
                             ("flows.workspace.search", {"stepType": "function"}, ("result", "hits")), ("flows.examples.step", {"stepType": "function"}, ("examples", "items"))):
        assert in_workspace(s, "ws-b", name, args).data[path[0]][path[1]] == [], name
        assert in_workspace(s, s.workspace, name, args).data[path[0]][path[1]], name
    once = {"stepType": "kv", "stepId": "n", "params": {"operation": "increment", "key": "n"}, "idempotencyKey": "same"}
    ours, theirs = (in_workspace(s, ws, "steps.run", once) for ws in (s.workspace, "ws-b"))
    assert ours.status == theirs.status == 200 and ours.data["result"] == theirs.data["result"], (ours, theirs)
    assert ours.data["workflowId"] != theirs.data["workflowId"] and "replayed" not in theirs.data
    assert in_workspace(s, "ws-b", "runs.get", {"workflowId": ours.data["workflowId"]}).status == 404


if __name__ == "__main__":
    run_tests(dict(globals()))
