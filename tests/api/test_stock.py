#!/usr/bin/env python3
"""The stock command-line client's side of the contract (spec/http-api.md, sections A and C to I), line by line: its headers, its bodies as Go's
encoder writes them, and every field that it reads. Written from the contract alone. See server.py."""
import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from urllib.parse import quote, urlencode

from server import flow, run_tests
from test_connections import SECRET, Upstream

IN = "[{:name :n :type :number}]"
STEP = '(let [i (flow/input)] (flow/step :function :calc {:title "Calc" :code (quote (fn [x] {:n (* 2 (:n x))})) :input {:n (:n i)}}))'
HOLD = '(let [i (flow/input)] (flow/step :wait :hold {:key (:key i) :approvals 1}))'
IFACES = """:interfaces {:manual [{:id :run :label "Run" :invocation :default :enabled true}]
  :http [{:id :ask :invocation :default :method :post :path "/ask" :auth {:type :workspace}}]
  :webhook [{:id :in :invocation :default :event-name "made" :auth {:type :signature :algo :hmac-sha256 :secret-ref :hook :timestamp-header "X-Timestamp"}}]
  :mcp [{:tool-name "ask_it" :invocation :default :description "asks"}]}"""


class Stock:
    """What the client sends: Go's JSON (sorted keys, < > & escaped, a line feed at the end) and its headers."""

    def __init__(self, s):
        self.s = s

    def body(self, v):
        text = json.dumps(v, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        for c in "<>&\u2028\u2029":
            text = text.replace(c, "\\u%04x" % ord(c))
        return (text + "\n").encode()

    def headers(self, workspace=True, **more):
        h = {"Authorization": f"Bearer {self.s.key}", "User-Agent": "breyta-cli", "X-Breyta-Client": "cli", "Accept-Encoding": "gzip", **more}
        return {**h, "X-Breyta-Workspace": self.s.workspace} if workspace else h

    def command(self, name, args=None, op=None, attempt=1, door="/api/commands"):
        h = self.headers(workspace=door == "/api/commands", **{"Content-Type": "application/json", "X-Breyta-Operation-ID": op or str(uuid.uuid4()), "X-Breyta-Operation-Attempt": str(attempt)})
        a = self.s.http("POST", door, self.body({"command": name, "args": args or {}}), h)
        assert isinstance(a.body, dict) and isinstance(a.body["ok"], bool), a
        return a

    def ok(self, name, args=None, **more):
        a = self.command(name, args, **more)
        assert a.status < 400 and a.body["ok"] is True and isinstance(a.body["data"], dict), (name, a)
        return a

    def rest(self, method, path, body=None, workspace=True, **headers):
        h = self.headers(workspace, **headers)
        if body is not None and not isinstance(body, bytes):
            h["Content-Type"] = "application/json"
            body = self.body(body)
        return self.s.http(method, path, body, h)

    def get(self, path, workspace=True):
        a = self.rest("GET", path, workspace=workspace)
        assert a.status < 400 and isinstance(a.body, dict), (path, a)
        return a.body


def ready(s, slug="demo", body=STEP, inputs=IN, extra="", faces=False):
    text = flow(slug, body, inputs, extra)
    if faces:
        text = re.sub(r":interfaces \{.*?\}\]\}", lambda _: IFACES, text, flags=re.S)
    c = Stock(s)
    c.ok("flows.put_draft", {"flowLiteral": text})
    v = c.ok("flows.release", {"flowSlug": slug}).data["activeVersion"]
    c.ok("flows.promote", {"flowSlug": slug, "target": "live", "version": v})
    return c


def ended(s, c, run):
    def look():
        a = c.command("runs.get", {"workflowId": run, "includeSteps": False, "includeResult": False})
        return a.status == 200 and a.data["run"]["status"] in ("completed", "failed", "cancelled", "terminated", "timed-out")
    s.until(look, f"{run} has ended")


def test_a_common_rules(s):
    c = Stock(s)
    assert s.printed[2].startswith("BREYTA_API_KEY=bsa_sak-") and len(s.key.split("_")) == 3
    a = c.command("nothing.here")
    assert a.status == 400 and a.body["ok"] is False and a.code == "unknown_command" and a.body["error"]["message"] == "Unknown command: nothing.here", a
    # escapes of Go's encoder, and a character outside of the plane: <b> & line separator & smile
    text = flow("esc", '"<b> & \u2028 \U0001f600"')
    raw = Stock(s).body({"command": "flows.put_draft", "args": {"flowLiteral": text}}).decode().replace("\U0001f600", "\\ud83d\\ude00").encode()
    a = s.http("POST", "/api/commands", raw, c.headers(**{"Content-Type": "application/json", "X-Breyta-Operation-ID": str(uuid.uuid4())}))
    assert a.status == 200 and c.ok("flows.get", {"flowSlug": "esc", "includeFlowLiteral": True}).data["flowLiteral"] == text, a
    assert a.body["workspaceId"] == "ws-local"
    for bad in (b"", b"{", b"[]"):
        a = s.http("POST", "/api/commands", bad, c.headers())
        assert a.status == 400 and a.body["ok"] is False and a.code, a
    # the operation is repeated by the client with the same id and another attempt
    op = str(uuid.uuid4())
    one = c.ok("flows.release", {"flowSlug": "esc"}, op=op)
    assert c.ok("flows.release", {"flowSlug": "esc"}, op=op, attempt=2).body == one.body
    # lists: meta.hasMore and meta.nextCursor, sent again as args.cursor
    for i in range(3):
        c.ok("flows.put_draft", {"flowLiteral": flow(f"p{i}", "1")})
    seen, cursor = [], {}
    while True:
        a = c.ok("flows.list", {"limit": 1, **cursor})
        seen += [f["flowSlug"] for f in a.data["items"]]
        if not a.meta["hasMore"]:
            break
        assert a.meta["nextCursor"] != cursor.get("cursor")
        cursor = {"cursor": a.meta["nextCursor"]}
    assert sorted(seen) == ["esc", "p0", "p1", "p2"], seen
    for name in ("flows.search", "flows.examples.step"):
        a = c.command(name, {"query": "x", "limit": 3, "scope": "all", "surface": "templates", "stepType": "http"}, door="/api/global/commands")
        assert a.code != "unknown_command", a
    assert c.command("flows.list", door="/api/global/commands").code == "unknown_command"


def test_a_bootstrap_and_identity(s):
    c = Stock(s)
    h = {**c.headers(), "X-Breyta-Workspace": "ws-new", "Content-Type": "application/json"}
    ask = lambda: s.http("POST", "/api/commands", c.body({"command": "flows.list", "args": {}}), h)
    a = ask()
    assert a.status == 403 and "not a workspace member" in a.body["error"]["message"], a
    b = c.rest("POST", "/api/debug/workspace/bootstrap", {"workspaceId": "ws-new"}, False, **{"x-debug-user-id": s.key})
    assert b.status < 400 and b.body["created"] is True and b.body["member"] is True and b.body["role"], b
    assert ask().status == 200
    assert c.rest("POST", "/api/debug/workspace/bootstrap", {"workspaceId": "ws-named", "name": "Named"}, False).body["created"] is True
    v = c.get("/api/auth/verify")
    assert v.get("success") is not False
    me = c.get("/api/me", workspace=False)
    assert me["user"]["id"] and {"id", "name", "role"} <= set(me["workspaces"][0]) and {"ws-local", "ws-new", "ws-named"} <= {w["id"] for w in me["workspaces"]}, me
    m = c.get("/api/workspaces/ws-local/members?include-pending=true&role=admin", workspace=False)
    assert isinstance(m["items"], list) and {"userId", "role", "name", "email"} <= set(m["items"][0]) and m["includePending"] is True, m
    a = c.rest("GET", "/api/docs/skills/breyta/manifest", workspace=False)
    assert a.status == 404 and a.code, a


def test_a_login(s):
    """`auth login --email me --password KEY`: this server knows keys alone, and a key is a token."""
    a = s.http("POST", "/api/auth/token", Stock(s).body({"email": "me@example.com", "password": s.key}), {"Content-Type": "application/json"}, key=False)
    assert a.status == 200 and a.body["success"] is True and a.body["token"] == s.key and a.body["uid"] and a.body["expiresIn"] > 3600, a
    a = s.http("POST", "/api/auth/token", Stock(s).body({"email": "me@example.com", "password": "wrong"}), {"Content-Type": "application/json"}, key=False)
    assert a.status == 401 and a.body.get("success") is not True and "API key" in a.body["error"]["message"], a
    a = s.http("POST", "/api/auth/refresh", Stock(s).body({"refreshToken": s.key, "refresh_token": s.key}), {"Content-Type": "application/json"}, key=False)
    assert a.status == 200 and a.body["success"] is True and a.body["token"] == s.key and a.body["expiresIn"] > 3600, a
    a = s.http("POST", "/api/auth/refresh", Stock(s).body({"refreshToken": "x", "refresh_token": "x"}), {"Content-Type": "application/json"}, key=False)
    assert a.status == 401, a  # the client drops the record
    c = Stock(s)
    a = c.rest("POST", "/api/auth/runtime-connection", {"token": s.key, "refreshToken": "", "baseUrl": f"http://127.0.0.1:{s.port}", "authMode": "service-account", "name": "This server"})
    assert a.status < 400 and a.body["connection"]["id"], a
    again = c.rest("POST", "/api/auth/runtime-connection", {"token": s.key, "baseUrl": f"http://127.0.0.1:{s.port}", "connectionId": a.body["connection"]["id"]})
    assert again.status == 200 and again.body["connection"]["id"] == a.body["connection"]["id"], again
    called = c.rest("POST", f"/api/connections/{a.body['connection']['id']}/call", {"method": "GET", "path": "/api/auth/verify", "responseAs": "json"})
    assert called.body["status"] == 200 and called.body["body"]["success"] is True, called


def test_c_service_accounts(s):
    c = Stock(s)
    a = c.ok("service_accounts.create", {"name": "ci", "status": "active", "capabilities": ["flows.read", "jobs.worker"], "allowedJobTypes": ["review"], "metadata": {"team": "x"}})
    sa = a.data["serviceAccount"]
    assert {"serviceAccountId", "name", "status", "capabilities", "allowedJobTypes", "metadata"} <= set(sa) and sa["capabilities"] == ["flows.read", "jobs.worker"], sa
    sid = {"serviceAccountId": sa["serviceAccountId"]}
    assert sa["serviceAccountId"] in [i["serviceAccountId"] for i in c.ok("service_accounts.list", {"status": "active"}).data["items"]]
    assert c.ok("service_accounts.get", sid).data["serviceAccount"]["name"] == "ci"
    a = c.ok("service_accounts.update", {**sid, "capabilities": ["flows.read"], "metadata": None, "name": "ci2"}).data["serviceAccount"]
    assert a["capabilities"] == ["flows.read"] and a["name"] == "ci2" and not a.get("metadata"), a
    k = c.ok("service_accounts.keys.create", {**sid, "name": "laptop", "expiresAt": "2099-01-01T00:00:00Z", "metadata": {}}).data
    assert k["serviceAccountId"] == sa["serviceAccountId"] and re.fullmatch(r"sak-[^_]+", k["key"]["keyId"]), k
    assert k["key"]["apiKey"].startswith(f"bsa_{k['key']['keyId']}_"), k
    listed = c.ok("service_accounts.keys.list", sid)
    assert [i["keyId"] for i in listed.data["items"]] == [k["key"]["keyId"]] and k["key"]["apiKey"].split("_")[2] not in json.dumps(listed.body)
    assert s.command("flows.list", key=k["key"]["apiKey"]).status == 200
    a = s.command("flows.put_draft", {"flowLiteral": flow("x", "1")}, key=k["key"]["apiKey"])
    assert a.status == 403, a
    assert c.ok("service_accounts.keys.revoke", {**sid, "keyId": k["key"]["keyId"]}).data["key"]["status"] == "revoked"
    assert s.command("flows.list", key=k["key"]["apiKey"]).status == 401


def test_d_authoring(s):
    c = Stock(s)
    text = flow("demo", STEP, IN)
    a = c.ok("flows.put_draft", {"flowLiteral": text})
    assert a.data["flowSlug"] == "demo", a
    c.ok("flows.validate", {"flowSlug": "demo", "source": "draft"})
    c.ok("flows.put_draft", {"flowLiteral": flow("bad", "(flow/step :nothing :x {})")})
    a = c.command("flows.validate", {"flowSlug": "bad", "source": "draft"})
    assert a.status >= 400 and a.body["ok"] is False, a
    a = c.command("flows.validate", {"flowSlug": "nobody", "source": "draft"})
    assert a.status == 404 and a.code == "not_found" and "flow not found" in a.body["error"]["message"].lower(), a
    d = c.ok("flows.lint", {"flowLiteral": "{:slug :x"}).data["diagnostics"][0]
    assert d["severity"] in ("error", "warning") and d["code"] and d["message"] and isinstance(d["path"], list) and d["hint"], d
    item = [i for i in c.ok("flows.list", {"limit": 100, "includeArchived": True}).data["items"] if i["flowSlug"] == "demo"][0]
    assert {"flowSlug", "name", "description", "tags", "updatedAt"} <= set(item), item
    views = {"view": "summary", "includeFlowLiteral": False, "includeTemplates": False, "includeFunctions": False}
    assert c.ok("flows.get", {"flowSlug": "demo", "source": "draft", **views}).data["flow"]
    a = c.ok("flows.get", {"flowSlug": "demo", "source": "draft", "view": "full", "includeFlowLiteral": True, "includeTemplates": False, "includeFunctions": False})
    assert a.data["flowLiteral"] == text
    r = c.ok("flows.release", {"flowSlug": "demo", "releaseNote": "first"}).data
    assert r["activeVersion"] == 1 and r["latestVersion"] == 1, r
    assert c.get("/api/flow-profiles?flow-slug=demo&profile-type=prod&limit=200")["items"] == []
    p = c.ok("flows.promote", {"flowSlug": "demo", "target": "live", "version": 1, "scope": "live"}).data
    assert p["profileId"] and p["version"] == 1 and p["latestVersion"] == 1, p
    item = [i for i in c.ok("flows.list", {"limit": 100}).data["items"] if i["flowSlug"] == "demo"][0]
    assert item["activeVersion"] == 1, item
    prof = c.get("/api/flow-profiles?flow-slug=demo&profile-type=prod&limit=200")
    live = prof["items"][0]
    assert (live.get("profile-id") or live.get("profileId") or live["id"]) and live["version"] == 1 and live["enabled"] is True and live["config"]["install-scope"] == "live", prof
    assert re.match(r"\d{4}-\d\d-\d\dT", live["updated-at"]) and prof["has-more"] is False, prof
    assert c.ok("flows.get", {"flowSlug": "demo", "source": "active", "version": 1, **views}).data["flow"]["version"] == 1
    assert c.ok("flows.get", {"flowSlug": "demo", "source": "version", "version": 1, **views}).data["flow"]
    c.ok("flows.put_draft", {"flowLiteral": text.replace("(* 2", "(* 3")})
    d = c.ok("flows.diff", {"flowSlug": "demo", "from": "live", "to": "draft", "view": "full"}).data
    assert d["changed"] is True and {"source", "version", "label"} <= set(d["from"]) | {"version"} and d["to"]["source"] == "draft" and isinstance(d["stat"], dict) and d["changedSections"], d
    assert any("(* 3" in v for v in d.values() if isinstance(v, str)), d
    d = c.ok("flows.diff", {"flowSlug": "demo", "from": "file", "to": "draft", "fileLiteral": text, "fileLabel": "demo.edn", "view": "summary"}).data
    assert d["from"]["label"] == "demo.edn", d
    assert c.ok("flows.versions.publish", {"flowSlug": "demo", "releaseNote": "second"}).data["latestVersion"] == 2
    c.ok("flows.versions.update", {"flowSlug": "demo", "version": 2, "releaseNote": "changed"})
    c.ok("flows.versions.update", {"flowSlug": "demo", "version": 2, "clearReleaseNote": True})
    c.ok("flows.versions.activate", {"flowSlug": "demo", "version": 2})
    assert [v["version"] for v in c.ok("flows.versions.list", {"flowSlug": "demo"}).data["items"]] == [2, 1]
    c.ok("flows.promote", {"flowSlug": "demo", "target": "live", "version": 1, "scope": "all", "policy": "track-latest"})  # back
    c.ok("flows.deploy", {"flowSlug": "demo", "releaseNote": "third"})
    c.ok("flows.update", {"flowSlug": "demo", "name": "Demo", "tags": "a, b", "description": "d", "publishDescription": "p", "groupKey": "g", "groupName": "G", "groupDescription": "gd",
                          "groupOrder": 1, "primaryDisplayConnectionSlot": "api"})
    a = c.ok("flows.compile", {"flowSlug": "demo", "source": "draft"}).data["analysis"]["steps"]
    assert [(x["id"], x["type"]) for x in a] == [("calc", "function")], a
    hits = c.ok("flows.workspace.search", {"query": "demo", "target": "latest", "limit": 5, "from": 0, "includeArchived": False}).data["result"]["hits"]
    assert {"flow_slug", "name", "description", "tags", "providers", "tool_names"} <= set(hits[0]), hits
    c.ok("flows.workspace.search", {"query": "calc", "definitionSearch": True, "patterns": ["calc", "x"], "target": "draft", "limit": 5, "from": 0, "includeArchived": True, "stepType": "function"})
    d = c.ok("flows.doctor", {"flowSlug": "demo", "target": "draft"}).data["doctor"]
    assert d["flowSlug"] == "demo" and d["target"] == "draft" and isinstance(d["ready"], bool) and {"activeVersion", "latestVersion"} <= set(d["summary"]) and {"id", "label", "pass"} <= set(d["checks"][0]), d
    p = c.ok("flows.public.preflight", {"flowSlug": "demo"}).data["preflight"]
    assert isinstance(p["ready"], bool) and {"discoverPublic", "marketplaceVisible"} <= set(p["public"]) and isinstance(p["checks"], list), p
    assert isinstance(c.ok("flows.invocations.metrics", {"flowSlug": "demo", "limit": 10}).data["items"], list)
    c.ok("flows.provenance.set", {"flowSlug": "demo", "sourceFlows": [{"workspaceId": "ws-x", "flowSlug": "y"}]})
    c.ok("flows.draft.reset", {"flowSlug": "demo"})
    c.ok("flows.archive", {"flowSlug": "demo"})
    c.ok("flows.delete", {"flowSlug": "demo", "yes": True, "force": True})
    assert c.command("flows.get", {"flowSlug": "demo", "source": "draft"}).status == 404


REQUIRES = """:requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:1" :auth {:type :bearer}}
  {:kind :form :label "Setup" :fields [{:key :region :label "Region" :field-type :select :options ["eu" "us"] :required true}]}]
  :schedules [{:id :nightly :label "Nightly" :cron "0 3 * * *" :invocation :default :enabled true}]"""


def test_d_configuring(s):
    with Upstream() as up:
        c = ready(s, "needs", body="1", extra=REQUIRES)
        conn = c.rest("POST", "/api/connections", {"type": "http-api", "name": "up", "base-url": up.url, "api-key": SECRET}).body["connection"]["id"]
        t = c.ok("profiles.template", {"flowSlug": "needs", "profileType": "draft"}).data["requirements"]
        assert t[0]["slot"] == "api" and t[0]["type"] == "http-api" and t[0]["label"] == "API" and t[0]["auth"]["type"] == "bearer" and t[0]["base-url"], t
        assert t[1]["fields"], t
        assert [i for i in c.get("/api/connections?type=http-api&limit=200")["items"] if i.get("connection-id", i.get("id")) == conn]
        k = c.ok("flows.configure.check", {"flowSlug": "needs", "target": "draft"}).data
        assert k["flowSlug"] == "needs" and k["target"] == "draft" and k["ready"] is False, k
        a = c.command("flows.run", {"flowSlug": "needs", "target": "draft"})
        assert a.status >= 400 and a.code in ("profile_missing", "profile_bindings_incomplete") and a.body["error"]["actions"][0]["kind"] and a.body["error"]["actions"][0]["url"], a
        c.ok("flows.configure", {"flowSlug": "needs", "target": "draft", "version": "latest", "inputs": {"conn-api": conn, "form-region": "eu"}, "schedules": {"nightly": {"enabled": False}}})
        st = c.ok("profiles.status", {"flowSlug": "needs", "profileType": "draft"}).data
        assert st["bindingValues"] == {"api": conn} and st["activation"]["region"]["set"] is True, st
        c.ok("profiles.bindings.apply_from_draft", {"flowSlug": "needs"})
        c.ok("profiles.bindings.apply", {"flowSlug": "needs", "inputs": {"form-region": "us"}})
        c.ok("profiles.draft.bindings", {"flowSlug": "needs", "inputs": {"form-region": "us"}})
        c.ok("flows.configure", {"flowSlug": "needs", "inputs": {"form-region": "us"}, "fromDraft": True, "scheduleResets": ["nightly"]})
        assert c.ok("flows.configure.check", {"flowSlug": "needs", "target": "live"}).data["ready"] is True
        c.ok("profiles.activate", {"flowSlug": "needs", "version": "latest"})
        a = c.rest("POST", "/api/flow-profiles", {"flow-slug": "needs", "profile-type": "prod", "bindings": {"api": conn}, "config": {}, "name": "mine"})
        assert a.status < 400, a
        pid = a.body.get("profile-id") or a.body.get("profileId") or a.body.get("id") or a.body["profile"]["id"]
        assert c.get(f"/api/flow-profiles/{pid}")
        assert c.rest("PUT", f"/api/flow-profiles/{pid}/bindings", {"bindings": {"api": conn}}).status < 400
        assert c.get(f"/api/flow-profiles?flow-slug=needs&enabled=true&user-id=x&limit=2")["has-more"] in (True, False)
        assert c.rest("DELETE", f"/api/flow-profiles/{pid}").status < 400


def test_e_runs(s):
    c = ready(s)
    a = c.ok("flows.run", {"flowSlug": "demo", "target": "draft", "input": {"n": 4}})
    run = a.data.get("workflowId") or a.data["run"]["workflowId"]
    assert a.data.get("status") or a.data["run"]["status"], a
    ended(s, c, run)
    last = c.ok("runs.get", {"workflowId": run, "includeSteps": True, "includeResult": False}).data["run"]
    assert (last["workflowId"], last["flowSlug"], last["status"]) == (run, "demo", "completed") and {"version", "startedAt", "updatedAt", "completedAt", "inputPreview", "resultPreview"} <= set(last), last
    step = last["steps"][0]
    assert (step["stepId"], step["stepType"], step["title"], step["status"], step["attempt"]) == ("calc", "function", "Calc", "completed", 1) and step["durationMs"] >= 0, step
    assert {"inputPreview", "resultPreview"} <= set(step) and "result" not in last, step
    assert c.ok("runs.get", {"workflowId": run, "includeSteps": False, "includeResult": True}).data["run"]["result"] == {"n": 8}
    assert not c.ok("runs.get", {"workflowId": run, "includeSteps": False, "includeResult": False}).data["run"].get("steps")
    inspect = c.ok("runs.get", {"workflowId": run, "includeSteps": True, "includeResult": False, "compactInspect": True}).data["run"]
    assert inspect["steps"], inspect
    one = c.ok("runs.get", {"workflowId": run, "includeSteps": True, "stepId": "calc", "includeStepResults": True}).data["run"]["steps"][0]
    assert one.get("output", one.get("result")) == {"n": 8} and one["input"]["input"] == {"n": 4}, one
    ev = c.ok("runs.events", {"workflowId": run, "stepId": "calc", "limit": 50})
    assert ev.data["items"] and ev.meta["count"] == len(ev.data["items"]) and {"at", "type"} <= set(ev.data["items"][0]), ev
    ev = c.ok("runs.events", {"workflowId": run, "limit": 500}).data["items"]
    assert ev[-1]["type"] in ("run_completed", "execution_completed"), ev
    item = c.ok("runs.list", {"flowSlug": "demo", "status": "completed", "version": 0, "limit": 10, "query": "status:completed flow:demo version:0"}).data["items"][0]
    assert {"workflowId", "flowSlug", "status", "version", "startedAt", "completedAt"} <= set(item), item
    assert c.command("runs.get", {"workflowId": "not-yet"}).status == 404
    assert re.search(r"-r\d+$", run), run
    a = c.command("runs.cancel", {"workflowId": run, "reason": "late"})
    assert a.status == 409 and a.code == "already_completed", a
    again = c.ok("runs.replay", {"workflowId": run}).data
    assert again["originalWorkflowId"] == run and again["workflowId"] != run, again
    for extra in ({}, {"version": 1}, {"invocation": "default"}):
        c.ok("runs.start", {"flowSlug": "demo", "input": {"n": 1}, **extra})
    a = c.ok("flows.run_step", {"flowSlug": "demo", "stepId": "calc", "target": "draft", "input": {"n": 1}}).data
    assert a.get("workflowId") or a["run"]["workflowId"], a
    c3 = ready(s, "fails", body="(flow/step :function :boom {:code '(fn [_] (throw (ex-info \"no luck\" {}))) :input {}})", inputs="[]")
    r = c3.ok("flows.run", {"flowSlug": "fails", "target": "live"}).data["workflowId"]
    ended(s, c, r)
    bad = c.ok("runs.get", {"workflowId": r, "includeSteps": True, "includeResult": False}).data["run"]
    assert bad["status"] == "failed" and (isinstance(bad["error"], str) or bad["error"]["message"]), bad
    c2 = ready(s, "req", body="1", inputs="[{:name :need :type :text :required true}]")
    a = c2.command("flows.run", {"flowSlug": "req", "target": "draft"})
    assert a.status >= 400 and "missing required run inputs" in a.body["error"]["message"].lower() and a.body["error"]["details"]["missingKeys"] == ["need"], a


def test_f_steps(s):
    c = ready(s, extra=""":steps [{:id :tools/twice :type :function :description "d" :input-schema [:map [:n :int]] :defaults {:ref :double :input {}}}]
      :functions [{:id :double :language :clojure :code (quote (fn [x] {:n (* 2 (:n x))}))}]""", body='(flow/step :tools/twice :calc {:n 1})', inputs="[]")
    text = c.ok("flows.get", {"flowSlug": "demo", "view": "full", "includeFlowLiteral": True, "source": "draft"}).data["flowLiteral"]
    r = c.ok("steps.run", {"stepType": "function", "stepId": "x", "params": {"code": "(fn [x] {:v (:n x)})", "input": {"n": 3}}, "traceId": "t", "idempotencyKey": "k"})
    assert r.data["result"] == {"v": 3}, r
    r = c.ok("steps.run", {"flowSlug": "demo", "stepId": "tools/twice", "params": {"n": 5}, "flowLiteral": text})
    assert r.data["result"] == {"n": 10}, r
    args = {"flowSlug": "demo", "stepId": "calc"}
    c.ok("steps.docs.put", {**args, "markdown": "# Calc", "docs": "# Calc"})
    assert "# Calc" in json.dumps(c.ok("steps.docs.get", args).data["docs"])
    c.ok("steps.examples.add", {**args, "input": {"n": 1}, "output": {"n": 2}, "note": "one"})
    assert c.ok("steps.examples.list", args).data["items"]
    c.ok("steps.tests.add", {**args, "stepType": "function", "name": "doubles", "input": {"ref": "double", "input": {"n": 1}}, "expected": {"n": 2}, "note": ""})
    assert c.ok("steps.tests.list", args).data["items"]
    v = c.ok("steps.tests.verify", {**args, "stepType": "function", "source": "draft"}).data["items"][0]
    assert {"name", "params", "expected", "actual", "pass"} <= set(v) and v["pass"] is True, v
    d = c.ok("steps.artifacts.get", args).data
    assert d["docs"] and d["examples"]["items"] and d["examples"]["count"] == 1 and d["tests"]["items"] and d["tests"]["count"] == 1, d


def test_g_waits(s):
    c = ready(s, "w", body=HOLD, inputs="[{:name :key :type :text}]")

    def held(key):
        run = c.ok("flows.run", {"flowSlug": "w", "target": "draft", "input": {"key": key}}).data["workflowId"]
        s.until(lambda: c.ok("runs.get", {"workflowId": run, "includeSteps": False}).data["run"]["status"] == "waiting", "it waits")
        w = c.get(f"/api/waits?workflowId={run}&flowSlug=w&limit=25")["items"]
        assert len(w) == 1, w
        return run, w[0]
    run, w = held("k1")
    wid = w.get("waitId") or w["id"]
    assert w["workflowId"] == run and w["stepId"] == "hold" and (w.get("status") or w["state"]) and w["registeredAt"] and w["expiresAt"], w
    assert "approve" in (w.get("actions") or w["approval"]["actions"]), w
    assert c.get(f"/api/waits/{wid}")["waitId"] == wid
    a = c.rest("POST", f"/api/waits/{wid}/approve")  # no body
    assert a.status < 400, a
    ended(s, c, run)
    run, w = held("k2")
    assert c.rest("POST", f"/api/waits/{w['waitId']}/reject").status < 400
    ended(s, c, run)
    run, w = held("k3")
    assert c.rest("POST", f"/api/waits/{w['waitId']}/complete", {"ok": 1}).status < 400
    ended(s, c, run)
    assert c.ok("runs.get", {"workflowId": run, "includeSteps": False, "includeResult": True}).data["run"]["result"] == {"ok": 1}
    run, w = held("k4")
    assert c.rest("POST", f"/api/waits/{w['waitId']}/action/approve", {}).status < 400
    ended(s, c, run)
    run, w = held("k5")
    assert c.rest("DELETE", f"/api/waits/{w['waitId']}").status < 400
    ended(s, c, run)
    run, w = held("order/17")  # segments are escaped one by one
    a = s.http("POST", "/ws-local/events/order/17", c.body({"n": 1}), {"Content-Type": "application/json", "X-Breyta-Workspace": "ws-local"}, key=False)
    assert a.status < 400, a
    ended(s, c, run)
    assert c.get("/api/waits?showsInUiOnly=true&limit=25")["items"] == [] and c.rest("GET", "/api/waits/none").status == 404


def test_g_webhooks_and_triggers(s):
    c = ready(s, "hooked", faces=True, body="(flow/input)", inputs="[]")
    t = c.get("/api/triggers?flow=hooked&limit=25")
    assert t["has-more"] is False and isinstance(t["triggers"], list), t
    hook = [x for x in t["triggers"] if x["type"] == "webhook"][0]
    assert {"id", "type", "label", "enabled", "config"} <= set(hook) and (hook.get("flow-slug") or hook["flowSlug"]) == "hooked" and hook["config"]["path"] and hook["config"]["auth"]["type"], hook
    assert c.get("/api/triggers?type=webhook")["triggers"]
    assert c.get("/api/triggers/" + quote(hook["id"], safe=""))
    secret = c.rest("POST", f"/api/triggers/{hook['id']}/webhook-secret")
    key = secret.body["secret"]
    manual = [x for x in t["triggers"] if x["type"] == "manual"][0]
    fired = c.rest("POST", f"/api/triggers/{manual['id']}/fire", {"n": 2})
    assert fired.status < 400, fired
    body, now = b'{"id":1}', str(int(time.time()))
    sig = base64.b64encode(hmac.new(key.encode(), now.encode() + body, hashlib.sha256).digest()).decode()
    send = lambda path, h, **more: s.http("POST", path, body, {"Content-Type": "application/json", "X-Breyta-Workspace": "ws-local", **h}, **more)
    a = send("/ws-local/events/" + hook["config"]["path"], {"X-Timestamp": now, "X-Signature": sig}, key=False)
    assert a.status < 400, a
    assert send("/ws-local/events/" + hook["config"]["path"], {"X-Timestamp": now, "X-Signature": sig[:-4] + "AAA="}, key=False).status == 401
    assert send("/api/events/draft/" + hook["config"]["path"], {}).status < 400
    v = send("/api/events/validate/" + hook["config"]["path"] + "?draft=true&persist-resources=true", {"X-Timestamp": now, "X-Signature": sig})
    assert v.status < 400, v
    # the worked example of the contract
    assert base64.b64encode(hmac.new(b"s3", b'1795228542{"id":1}', hashlib.sha256).digest()).decode() == "CHhx806JhCb0vx8Jxomjgwn8r5gLprFKkXBuU0tRWiQ="


def upload(c, s, name, kind, data, **more):
    a = c.rest("POST", "/api/files/uploads/init", {"filename": name, "content-type": kind, **more})
    assert a.status < 400 and a.body["uri"] and not a.body.get("upload-url"), a
    b = s.http("PUT", "/api/files/uploads/direct?uri=" + quote(a.body["uri"], safe=""), data, c.headers(**{"Content-Type": kind}))
    assert b.status < 400, b
    d = c.rest("POST", "/api/files/uploads/complete", {"uri": a.body["uri"], "upload-session-id": a.body["upload-session-id"]})
    assert d.status < 400 and d.body["uri"] == a.body["uri"] and d.body["content-type"] == kind and d.body["size-bytes"] == len(data), d
    return a.body["uri"]


ROWS = """(let [t (flow/step :function :rows {:input {} :code '(fn [_] (mapv (fn [i] {:id i :name (str "n" i) :even (even? i)}) (range 30)))
   :persist {:type :table :table "numbers" :key-fields [:id] :index-fields [:name]}})
   b (flow/step :function :text {:input {} :code '(fn [_] (apply str (repeat 500 "word "))) :persist {:type :blob :filename "w.txt" :content-type "text/plain" :search-index {:text "special"}}})] {:t t})"""


def test_h_resources(s):
    c = ready(s, "rows", body=ROWS, inputs="[]")
    run = c.ok("flows.run", {"flowSlug": "rows", "target": "draft"}).data["workflowId"]
    ended(s, c, run)
    uri = upload(c, s, "note.md", "text/markdown; charset=utf-8", b"# hello", folder="in")
    assert upload(c, s, "note.md", "text/markdown; charset=utf-8", b"# again", folder="in", **{"replace-existing": True}) == uri
    items = c.get("/api/resources?" + urlencode({"limit": 10, "types": "file,result,table"}))["items"]
    assert len(items) == 3 and all({"uri", "type", "created-at"} <= set(i) and (i.get("display-name") or i.get("label")) for i in items), items
    for q in ({"type": "file"}, {"query": "note"}, {"accept": "text/*"}, {"exclude-tier": "ephemeral"}, {"prefix": "res://"}, {"tags": "x"}, {"storage-backend": "x"}, {"path-prefix": "file/"}):
        c.get("/api/resources?" + urlencode({**q, "limit": 10}))
    found = c.get("/api/resources/search?" + urlencode({"q": "special", "content-sources": "file,result", "limit": 10, "keyword-mode": "balanced"}))
    assert found["query"] == "special" and {"uri", "type", "snippet", "score"} <= set(found["items"][0]), found
    assert c.get("/api/resources/by-uri?uri=" + quote(uri, safe=""))["uri"] == uri
    d = c.get("/api/resources/content?view=summary&uri=" + quote(uri, safe=""))
    assert d["uri"] == uri and d["contentType"].startswith("text/markdown") and "# again" in (d.get("body") or d.get("content") or d.get("text")), d
    binary = upload(c, s, "x.bin", "application/octet-stream", b"\x00\xff")
    d = c.get("/api/resources/content?uri=" + quote(binary, safe=""))
    assert d["sizeBytes"] == 2 and d["downloadUrl"], d
    assert c.get("/api/resources/url?ttl=3600&uri=" + quote(uri, safe=""))["url"].startswith("http")
    assert c.get(f"/api/resources/workflow/{run}?limit=10")["items"] and c.get(f"/api/resources/workflow/{run}/step/text?limit=10")["items"]
    for part, want in (("flow-output", None), ("step/text/output", None)):
        assert c.get("/api/resources/content?uri=" + quote(f"res://v1/ws/ws-local/result/run/{run}/{part}", safe=""))["uri"], part
    x = c.rest("POST", "/api/resources/search-index", {"op": "show", "uri": uri, "full": True})
    assert x.status < 400, x
    assert c.rest("DELETE", "/api/files/by-uri?uri=" + quote(binary, safe="")).status < 400


def test_h_tables(s):
    c = ready(s, "rows", body=ROWS, inputs="[]")
    run = c.ok("flows.run", {"flowSlug": "rows", "target": "draft"}).data["workflowId"]
    ended(s, c, run)
    uri = [i["uri"] for i in c.get("/api/resources?type=table")["items"]][0]
    assert "/table/" in uri, uri
    d = c.get("/api/resources/content?view=summary&limit=25&offset=0&uri=" + quote(uri, safe=""))
    q = d.get("query") or d
    assert d["resourceUri"] == uri and d["tableName"] == "numbers" and d["tableId"] and d["rowCount"] == 30 and len(d.get("rows") or q["rows"]) == 25 and d["schema"], d
    assert q["hasMore"] is True and q["nextOffset"] == 25 and q["limit"] == 25 and q["offset"] == 0, q

    def op(name, body):
        a = c.rest("POST", f"/api/resources/table/{name}", body)
        assert a.status < 400, (name, a)
        return a.body
    d = op("query", {"uri": uri, "page": {"mode": "offset", "limit": 5, "offset": 5}, "select": ["id", "name"], "where": [["even", "=", True]], "sort": [["id", "desc"]]})
    assert len(d["rows"]) == 5 and d["items"][0]["rowId"] and d["items"][0]["data"]["id"] == d["rows"][0]["id"] and d["count"] == 5 and d["page"]["mode"] == "offset", d
    assert {"limit", "offset", "hasMore"} <= set(d["page"]), d["page"]
    row = d["items"][0]["rowId"]
    d = op("query", {"uri": uri, "page": {"mode": "cursor", "limit": 10, "include-total-count?": True}, "sort": [["id", "asc"]]})
    assert d["page"]["hasMore"] is True and d["page"]["totalCount"] == 30 and d["page"]["nextCursor"], d["page"]
    assert len(op("query", {"uri": uri, "page": {"mode": "cursor", "limit": 100, "cursor": d["page"]["nextCursor"]}, "sort": [["id", "asc"]]})["rows"]) == 20
    assert op("get-row", {"uri": uri, "row-id": row})["row"] and op("get-row", {"uri": uri, "key": {"id": "3"}})["row"]["name"] == "n3"
    d = op("aggregate", {"uri": uri, "limit": 25, "group-by": ["even"], "metrics": [{"op": "count", "as": "n"}]})
    assert len(d["results"]) == 2 and d["count"] == 2 and d["hasMore"] is False, d
    assert op("schema", {"uri": uri})["columns"]
    status, _, text = s.raw("POST", "/api/resources/table/export", c.body({"uri": uri, "select": ["id", "name"], "sort": [["id", "asc"]]}), c.headers(**{"Content-Type": "application/json"}))
    assert status == 200 and text.decode().splitlines()[:2] == ["id,name", "0,n0"], text[:100]
    d = op("import-csv", {"table": "fresh", "csv": "id,v\n1,a\n2,b\n", "write-mode": "append"})
    assert d["resourceUri"] and d["tableName"] == "fresh" and (d["rowsWritten"], d["rowsInserted"], d["rowsUpdated"]) == (2, 2, 0), d
    op("update-cell", {"uri": uri, "column": "name", "row-id": row, "value": "new"})
    op("update-cell-format", {"uri": uri, "column": "name", "row-id": row, "format": {"bold": True}})
    op("update-cell-format", {"uri": uri, "column": "name", "row-id": row, "format": None})
    op("set-column", {"uri": uri, "column": "name", "definition": {"display-name": "Name"}})
    d = op("recompute", {"uri": uri, "limit": 1000, "offset": 0})
    assert {"rowsScanned", "rowsUpdated"} <= set(d), d


def test_i_connections_and_secrets(s):
    with Upstream() as up:
        c = Stock(s)
        a = c.rest("POST", "/api/connections", {"type": "http-api", "name": "up", "base-url": up.url, "api-key": SECRET, "description": "d"})
        cid = a.body["connection"]["id"]
        assert a.status in (200, 201) and SECRET not in json.dumps(a.body), a
        i = [x for x in c.get("/api/connections?type=http-api&limit=25")["items"] if (x.get("connection-id") or x["id"]) == cid][0]
        assert i["name"] == "up" and i["type"] == "http-api" and i["status"] and i["base-url"] == up.url and "config" in i, i
        assert c.get(f"/api/connections/{cid}")["name"] == "up"
        assert c.rest("PUT", f"/api/connections/{cid}", {"id": cid, "name": "up2"}).status < 400
        assert c.rest("POST", f"/api/connections/{cid}/test", {}).status < 400
        t = c.rest("POST", "/api/connections/test", {"all": True, "onlyFailing": False}).body
        assert t["items"] and {"tested", "ok", "failed"} <= set(t["summary"]), t
        d = c.rest("POST", f"/api/connections/{cid}/call", {"method": "POST", "path": "/x", "json": {"a": 1}, "query": {"q": "1"}, "headers": {"X-A": "b"}, "responseAs": "auto", "includeHeaders": ["x-here"], "timeout": 5})
        assert d.status < 400 and d.body.get("success") is not False and d.body["status"] == 200 and d.body["body"]["method"] == "POST", d
        assert isinstance(c.get("/api/connections/usages?connection-id=" + cid + "&only-connected=true")["items"], list)
        d = c.get(f"/api/connections/{cid}/items?item-type=binding&limit=25")
        assert isinstance(d["items"], list) and "has-more" in d, d
        c.ok("connections.unused.cleanup", {"apply": False})
        sec = c.get("/api/secrets")
        assert SECRET not in json.dumps(sec) and isinstance(sec["items"], list), sec
        c.get("/api/secrets/usages?only-connected=true")
        assert c.rest("DELETE", f"/api/connections/{cid}").status < 400
        sid = [x for x in c.get("/api/secrets")["items"]]
        for x in sid:
            assert c.rest("DELETE", "/api/secrets/" + quote(x.get("secret-id") or x["id"], safe="")).status < 400, x


def test_i_installations_and_interfaces(s):
    c = ready(s, "app", faces=True, body="(flow/input)", inputs="[]")
    i = c.ok("flows.installations.create", {"flowSlug": "app", "name": "one", "enabled": True}).data["instance"]["profileId"]
    assert [x for x in c.ok("flows.installations.list", {"flowSlug": "app"}).data["items"]] and c.ok("flows.installations.list", {"allFlows": True, "all": True}).data["items"]
    d = c.ok("flows.installations.get", {"profileId": i}).data
    assert d["profileId"] == i and d["flowSlug"] == "app" and d["version"] == 1 and d["installedVersion"] == 1 and isinstance(d["surfaces"]["items"], list) and d["sourceFlowSlug"], d
    c.ok("flows.installations.rename", {"profileId": i, "name": "two"})
    c.ok("flows.installations.set_inputs", {"profileId": i, "inputs": {}, "bindings": {}, "schedules": {}, "scheduleResets": []})
    t = [x for x in c.ok("flows.installations.triggers.list", {"profileId": i}).data["items"] if x["type"] == "webhook"][0]
    assert t["triggerId"] and t["eventName"] == "made" and t["webhook"]["eventPath"] and t["webhook"]["endpoint"] and isinstance(t["webhook"]["fields"], list), t
    assert t["webhook"]["eventPath"] == f"webhooks/app/made/{i}", t
    assert c.ok("flows.installations.surfaces.list", {"profileId": i}).data["items"]
    c.ok("flows.installations.stats", {"profileId": i})
    c.ok("flows.installations.events", {"profileId": i})
    f = c.ok("flows.get", {"flowSlug": "app", "source": "draft", "view": "summary"}).data["flow"]
    assert f["interfaces"]["manual"][0]["id"] == "run" and f["interfaces"]["http"][0]["method"] and f["interfaces"]["webhook"][0]["eventName"] == "made", f["interfaces"]
    assert f["interfaces"]["mcp"][0]["toolName"] == "ask_it" and "default" in f["invocations"], f
    for path in ("/api/flows/app/interfaces/draft/ask", "/api/flows/app/interfaces/live/ask", f"/api/flows/app/installations/{i}/interfaces/ask",
                 "/api/workspaces/ws-local/flows/app/interfaces/live/ask", f"/api/workspaces/ws-local/flows/app/installations/{i}/interfaces/ask"):
        a = c.rest("POST", path, {"input": {"q": 1}})
        assert a.status < 400 and a.body["ok"] is True and (a.data.get("workflowId") or a.data["run"]["workflowId"]), (path, a)
        ended(s, c, a.data["workflowId"])
    r = c.ok("runs.list", {"limit": 10, "query": f"installation:{i}"}).data["items"]
    assert len(r) == 2 and all(f"-install-{i}-" in x["workflowId"] for x in r), r
    run = c.ok("flows.run", {"flowSlug": "app", "target": "live", "installationId": i, "input": {}}).data["workflowId"]
    ended(s, c, run)
    assert c.ok("runs.get", {"workflowId": run, "installationId": i, "includeSteps": False}).data["run"]["installationId"] == i
    c.ok("flows.installations.set_enabled", {"profileId": i, "enabled": False})
    a = c.command("flows.run", {"flowSlug": "app", "target": "live", "installationId": i})
    assert a.status >= 400 and a.code == "installation_disabled", a
    c.ok("flows.installations.delete", {"profileId": i})
    assert c.command("flows.installations.get", {"profileId": i}).code in ("not_found", "installation_not_found")
    a = c.rest("POST", "/api/flows/app/interfaces/live/nothing", {"input": {}})
    assert a.status == 404 and "interface not found" in a.body["error"]["message"].lower(), a


def test_i_mcp(s):
    c = ready(s, "app", faces=True, body="(flow/input)", inputs="[]")

    def rpc(method, params=None, id=None, **more):
        h = {"Authorization": f"Bearer {s.key}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Method": method, "MCP-Protocol-Version": "2025-11-25", **more}
        body = {"jsonrpc": "2.0", "method": method, **({} if id is None else {"id": id}), **({} if params is None else {"params": params})}
        return s.raw("POST", "/api/workspaces/ws-local/mcp", json.dumps(body), h)
    status, _, data = rpc("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "breyta", "version": "1"}}, 1)
    assert status == 200 and json.loads(data)["result"]["protocolVersion"], data
    assert rpc("notifications/initialized")[0] == 202
    for policy in ({}, {"X-MCP-Readonly": "true"}, {"X-MCP-Toolsets": "read,run"}, {"X-MCP-Tools": "flows_list"}, {"X-MCP-Exclude-Tools": "flows_list"}):
        status, _, data = rpc("tools/list", {}, 2, **policy)
        tools = json.loads(data)["result"]["tools"]
        assert status == 200 and all(t["name"] and t["inputSchema"] for t in tools), policy
        assert ("flows_list" in [t["name"] for t in tools]) == ("X-MCP-Exclude-Tools" not in policy), (policy, [t["name"] for t in tools])
    assert rpc("tools/call", {"name": "flows_list", "arguments": {}}, 3, **{"Mcp-Name": "flows_list"})[0] == 200


def test_i_docs_and_feedback(s):
    c = Stock(s)
    pages = c.get("/api/docs/pages?" + urlencode({"query": "http", "q": "http", "limit": 10, "offset": 0, "with-snippets": "true"}), workspace=False)
    assert pages["data"]["pages"] and pages["meta"]["total"] >= len(pages["data"]["pages"]) and pages["meta"]["limit"] == 10, pages
    assert {"slug", "title", "source", "category", "tags", "score", "snippet"} <= set(pages["data"]["pages"][0]), pages
    slugs = [p["slug"] for p in c.get("/api/docs/pages?limit=500", workspace=False)["data"]["pages"]]
    assert {"reference-step-http", "reference-step-wait", "reference-step-function"} <= set(slugs), slugs
    status, headers, text = s.raw("GET", "/api/docs/pages/reference-step-http?format=markdown", headers=c.headers(False))
    assert status == 200 and headers["Content-Type"].startswith("text/markdown") and b"accept-status" in text, (status, text[:200])
    d = c.get("/api/docs/pages/reference-step-http?format=json", workspace=False)["data"]["page"]
    assert "accept-status" in d["markdown"], d
    assert c.rest("GET", "/api/docs/pages/nothing?format=markdown", workspace=False).status == 404
    f = c.ok("feedback.send", {"type": "issue", "title": "t", "description": "d", "source": "cli", "tags": ["a"], "flowSlug": "x", "metadata": {"a": 1}, "context": {}})
    assert f.data["feedbackId"], f


def test_out_of_scope(s):
    """Section J's mark H: the client takes unknown_command for 'this server has none of it'."""
    c = Stock(s)
    for name in ("overview.dashboard.get", "overview.dashboard.catalog", "overview.dashboard.history", "proactive_agent.status", "flows.discover.list", "flows.discover.search",
                 "flows.discover.get", "flows.marketplace.update", "flows.public.publish", "flows.templates.duplicate", "billing.get"):
        a = c.command(name, {"limit": 1})
        assert a.status == 400 and a.body["ok"] is False and a.code == "unknown_command", a


if __name__ == "__main__":
    run_tests(dict(globals()))
