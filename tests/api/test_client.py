#!/usr/bin/env python3
"""The client command line: every row of its table does what it says on a real server. See client.py."""
import base64
import concurrent.futures
import hashlib
import hmac
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import urllib.parse

import client
from server import flow
from test_connections import SECRET, Upstream

HELD = '(let [in (flow/input)] (flow/step :wait :hold {:key (:key in) %s}))'


def write(c, name, text):
    path = os.path.join(c.home, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def read(c, name):
    with open(os.path.join(c.home, name)) as f:
        return f.read()


def push(c, slug, body, inputs="[]", extra="", interfaces=None):
    text = flow(slug, body, inputs, extra)
    if interfaces:
        text = text.replace(":interfaces {", ":interfaces {" + interfaces + " ")
    return c.data("flows", "push", "--file", write(c, slug + ".edn", text))


# --- flows -----------------------------------------------------------------------------------------------------------------------------
def test_init_lint_push_run(c):
    d = c.data("flows", "init", "hello", "--name", 'Say "hi"', env={})
    assert d["files"] == ["hello/flow.edn", "hello/flow.test.edn"] and "breyta flows push --file hello/flow.edn" in c.meta["nextCommands"]
    assert c.fails("exists", "flows", "init", "hello", env={}) and c.fails("usage", "flows", "init", "1x", env={})
    tests = os.path.join(os.path.dirname(client.BIN), "breyta-run")
    if os.path.exists(tests):
        p = subprocess.run([tests, "test", os.path.join(c.home, "hello")], capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stdout + p.stderr
    d = c.data("flows", "lint", "--file", "hello/flow.edn", env={})
    assert d["diagnostics"] == [] and d["errors"] == 0
    d = c.data("flows", "lint", "--file", "hello/flow.edn", "--server")
    assert d["server"]["diagnostics"] == []
    d = c.data("flows", "push", "--file", "hello/flow.edn")
    assert d["flowSlug"] == "hello" and d["savedDraft"] is True and d["validation"]["valid"] is True
    assert "breyta flows run hello --wait" in c.meta["nextCommands"]
    d = c.data("flows", "run", "hello", "--wait", "--field", "name=Ada")
    assert d["status"] == "completed" and d["run"]["resultPreview"]["data"]["result"]["message"] == "Hello, Ada!", d
    assert [set(s) for s in d["run"]["steps"]] == [{"stepId", "stepType", "status", "durationMs", "attempt"}] and d["start"]["workflowId"] == d["workflowId"]
    d = c.data("flows", "run", "hello", "--input", '{"name": "Bo"}', "--invocation", "default")
    assert d["workflowId"].endswith("-r2") and f"breyta runs watch {d['workflowId']}" in c.meta["nextCommands"]
    d = c.data("flows", "run", "hello", "--interface-id", "run", "--wait", "--input-file", "-", stdin='{"name": "Cy"}')
    assert d["run"]["resultPreview"]["data"]["result"]["message"] == "Hello, Cy!"
    c.fails("not_found", "flows", "run", "hello", "--interface-id", "nowhere")
    push(c, "filed", "(dissoc (flow/input) :flow/ctx)")
    d = c.data("flows", "run", "filed", "--upload", "doc=" + write(c, "doc.md", "# Hi\n"), "--upload", "more=doc.md", "--upload", "more=doc.md", "--wait")
    got = d["run"]["resultPreview"]["data"]["result"]
    assert got["doc"]["uri"].startswith("res://") and got["doc"]["size-bytes"] == 5 and len(got["more"]) == 2, got
    c.fails("usage", "flows", "run", "filed", "--upload", "nofile")


def test_errors_in_files(c):
    bad = write(c, "bad/flow.edn", '{:slug :bad :name "Bad" :concurrency {:type :nothing}\n :flow \'(no-such 1)}')
    body = c.run("flows", "lint", "--file", bad, status=1, env={})
    assert body["ok"] is True and body["data"]["errors"] >= 1 and all(d["line"] >= 1 for d in body["data"]["diagnostics"]), body
    assert f"{bad}:" in body["stderr"]
    body = c.run("flows", "push", "--file", bad, status=1)
    assert body["ok"] is False and f"{bad}:" in body["stderr"]
    c.fails("usage", "flows", "push", "--file", "nowhere.edn")
    c.fails("usage", "flows", "push", "--file", bad, "--target", "live")
    write(c, "inc/lib/f.clj", "(fn [_] 42)")
    write(c, "inc/flow.edn", flow("inc", '(flow/step :function :f {:input {} :code (quote #flow/include "lib/f.clj")})'))
    assert c.data("flows", "push", "--file", "inc/flow.edn")["flowSlug"] == "inc"  # what it includes goes with it
    d = c.data("flows", "run", "inc", "--wait")
    assert d["run"]["resultPreview"]["data"]["result"] == 42, d


def test_look(c):
    c.data("flows", "create", "--slug", "made", "--description", "Made here")
    assert {"hello", "made", "inc"} <= {f["flowSlug"] for f in c.data("flows", "list", "--limit", "50")["items"]}
    assert len(c.data("flows", "list", "--limit", "3", "--page-size", "2")["items"]) == 3  # over two pages
    one = c.data("flows", "list", "--limit", "1", "--format", "table")["items"]
    assert len(one) == 1 and one[0]["flowSlug"] in c.stderr
    assert c.data("flows", "show", "made")["flow"]["description"] == "Made here"
    assert ":slug :made" in c.data("flows", "show", "made", "--include", "literal")["flowLiteral"]
    assert "analysis" in c.data("flows", "compile", "hello")
    assert [s["id"] for s in c.data("flows", "steps", "list", "hello")["items"]] == ["greet"]
    assert c.data("flows", "steps", "show", "hello", "greet")["step"]["type"] == "function"
    c.fails("not_found", "flows", "steps", "show", "hello", "nowhere")
    assert c.data("flows", "validate", "hello")["valid"] is True
    assert c.data("flows", "draft", "show", "hello")["flow"]["flowSlug"] == "hello"
    d = c.data("flows", "draft", "run", "hello", "--wait", "--poll", "20ms")
    assert d["status"] == "completed"
    d = c.data("flows", "run-step", "hello", "greet", "--input", '{"name": "Di"}')
    assert d, d
    c.fails("not_found", "flows", "show", "nowhere")
    c.fails("profile_missing", "flows", "show", "hello", "--target", "live")


def test_release(c):
    d = c.data("flows", "release", "hello", "--release-note-file", "-", stdin="first one\n")
    assert d["activeVersion"] == 1 and d["promote"]["version"] == 1 and d["profileId"] == "live-hello", d
    assert c.meta["liveRuntime"]["status"] == "live_runtime_version_verified"
    assert c.data("flows", "versions", "list", "hello")["items"][0]["releaseNote"] == "first one"
    assert c.data("flows", "show", "hello", "--target", "live")["flow"]["flowSlug"] == "hello"
    text = read(c, "hello/flow.edn").replace("Hello, ", "Bye, ")
    d = c.data("flows", "push", "--file", write(c, "hello/flow.edn", text))
    assert list(d)[:3] == ["flowSlug", "savedDraft", "changed"] and list(d)[-1] == "validation" and len(d) > 8, d  # maps of any size keep their order
    assert c.data("flows", "diff", "hello")["changed"] is True
    d = c.data("flows", "diff", "hello", "--file", "hello/flow.edn", "--full")
    assert d["from"]["source"] == "draft" and d["to"]["source"] == "file" and d["changed"] is False
    assert c.data("flows", "versions", "publish", "hello", "--release-note", "second")["version"] == 2
    assert c.data("flows", "versions", "diff", "hello", "--from", "1", "--to", "2", "--full")["changed"] is True
    assert c.data("flows", "versions", "update", "hello", "--version", "2", "--release-note", "two")["version"]["releaseNote"] == "two"
    assert c.data("flows", "versions", "activate", "hello", "--version", "1")["activeVersion"] == 1
    assert c.data("flows", "promote", "hello", "--version", "2")["version"] == 2
    assert c.data("flows", "run", "hello", "--target", "live", "--wait")["run"]["resultPreview"]["data"]["result"]["message"] == "Bye, World!"
    assert c.data("flows", "promote", "hello", "--version", "1")["previousVersion"] == 2  # taken back
    d = c.data("flows", "deploy", "hello")
    assert d["version"] == 3 and d["flow"]["flowSlug"] == "hello", d
    c.fails("usage", "flows", "promote", "hello", "--version", "x")
    d = c.data("flows", "pull", "hello", "--version", "1")
    assert d["path"] == "hello.edn" and d["version"] == 1 and "Hello, " in read(c, "hello.edn")
    c.fails("exists", "flows", "pull", "hello")  # the draft says Bye: nothing is lost
    assert c.data("flows", "pull", "hello", "--force")["changed"] is True and "Bye, " in read(c, "hello.edn")
    assert c.data("flows", "pull", "hello")["changed"] is False
    assert c.data("flows", "pull", "hello", "--target", "live", "--out", "x/y.edn")["path"] == "x/y.edn"
    assert ":slug :hello" in c.data("flows", "pull", "hello", "--out", "-")["flowLiteral"]
    c.data("flows", "push", "--file", write(c, "hello/flow.edn", text.replace("Bye, ", "Ciao, ")))
    c.data("flows", "draft", "reset", "hello")
    assert "Ciao" not in c.data("flows", "pull", "hello", "--out", "-")["flowLiteral"]
    assert c.data("flows", "doctor", "hello")["doctor"]["ready"] is True
    d = c.data("flows", "readiness", "hello")
    assert d["ready"] is True and "preflight" in d and "metrics" in d and "diff" in d
    assert c.data("flows", "release-check", "hello")["flowSlug"] == "hello"
    assert "items" in c.data("flows", "metrics", "hello")
    assert c.data("flows", "provenance", "set", "hello", "--source-flow", "made")["flowSlug"] == "hello"
    d = c.data("flows", "update", "hello", "--name", "Hello!", "--tags", "a,b")
    assert c.data("flows", "show", "hello")["flow"]["name"] == "Hello!"


def test_search(c):
    hits = c.data("flows", "search", "hello")["result"]["hits"]
    assert "hello" in [h["flow_slug"] for h in hits], hits
    assert [h["flow_slug"] for h in c.data("flows", "grep", "Bye, ", "--or", "nothing-else")["result"]["hits"]] == ["hello"]
    assert "hello" in [h["flow_slug"] for h in c.data("flows", "workspace", "search", "hello")["result"]["hits"]]
    assert c.data("flows", "workspace", "examples", "step", "function", "greeting") is not None


# --- runs and waits ------------------------------------------------------------------------------------------------------------------------
def waiting(c, key, slug="held"):
    run = c.data("flows", "run", slug, "--input", json.dumps({"key": key}))["workflowId"]
    c.server.until(lambda: c.server.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", f"{run} waits")
    return run


def test_runs(c):
    push(c, "fails", '(do (flow/step :function :first {:input {} :code (quote (fn [_] 1))}) (throw (ex-info "broken" {:type :oops})))')
    d = c.run("flows", "run", "fails", "--wait", status=1)
    assert d["ok"] is True and d["data"]["status"] == "failed" and "broken" in d["stderr"], d  # told, with an exit status of 1
    run = d["data"]["workflowId"]
    assert c.data("runs", "list", "fails")["items"][0]["workflowId"] == run
    assert c.data("runs", "list", "--flow", "fails", "--status", "completed")["items"] == []
    c.fails("usage", "runs", "list", "--status", "odd")
    d = c.data("runs", "show", run, "--include-steps")["run"]
    assert list(d)[:4] == ["workflowId", "flowSlug", "version", "status"], list(d)  # as the server tells it
    assert d["status"] == "failed" and [s["stepId"] for s in d["steps"]] == ["first"] and "broken" in d["error"]["message"]
    assert c.data("runs", "show", run, "--errors")["run"]["steps"] == []
    assert c.data("runs", "show", "r1", "--flow", "fails", "--full")["run"]["steps"][0]["output"] == 1
    assert c.data("runs", "inspect", run)["run"]["steps"][0]["stepType"] == "function"
    d = c.data("runs", "step", run, "first", "--full")
    assert d["step"]["output"] == 1 and {e["stepId"] for e in d["events"]} == {"first"}, d
    c.fails("not_found", "runs", "step", run, "nowhere")
    assert c.data("runs", "events", run)["items"][0]["type"] == "run_started"
    assert c.data("runs", "verify", run)
    again = c.data("runs", "replay", run)
    assert again["originalWorkflowId"] == run
    assert c.run("runs", "watch", again["workflowId"], status=1)["data"]["status"] == "failed"
    assert c.run("runs", "retry", run, "--wait", status=1)["data"]["status"] == "failed"
    c.used |= {"runs retry"}
    d = c.data("runs", "start", "--flow", "hello", "--input", '{"name": "Eve"}', "--wait", "--source", "draft")
    assert d["status"] == "completed"
    d = c.data("runs", "fork", d["workflowId"], "--step", "greet", "--result", '{"message": "forked"}', "--wait")
    assert d["run"]["resultPreview"]["data"]["result"] == {"message": "forked"}, d
    d = c.data("runs", "watch", d["workflowId"])
    assert d["status"] == "completed" and "run_completed" in c.stderr, c.stderr
    c.fails("ambiguous", "runs", "show", "r1")
    c.fails("not_found", "runs", "show", "r999999")
    assert c.data("runs", "cancel", run)["alreadyCompleted"] is True


def test_watch_tells_every_event(c):
    """Also the end of a step that was seen waiting, and more events than an answer holds: 3 x 120 steps, of which each part waits for the next."""
    body = """(loop [part 0]
      (when (< part 3)
        (flow/step :wait :go {:key (str "part-" part) :approvals 1})
        (loop [n 0] (when (< n 120) (flow/step :function :count {:input {:n n} :code (quote (fn [x] (:n x)))}) (recur (inc n))))
        (recur (inc part))))"""
    push(c, "long", body)
    run = c.data("flows", "run", "long")["workflowId"]
    p = subprocess.Popen([client.CLIENT, "runs", "watch", run, "--timeout", "50s"], env=c.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines, waits = [], 0
    for line in p.stderr:
        lines.append(line.removeprefix("breyta: ").rstrip("\n"))
        if " step_waiting go " in line:
            wait = c.data("waits", "list", "--run", run)["items"][0]["waitId"]
            c.data("waits", "approve", wait)
            waits += 1
    assert p.wait() == 0 and json.loads(p.stdout.read())["data"]["status"] == "completed" and waits == 3
    kinds = [" ".join(line.split(" ")[1:]) for line in lines]
    assert kinds.count("step_completed go completed") == 3 and kinds.count("step_completed count completed") == 360, kinds
    assert kinds[0] == "run_started" and kinds[-1] == "run_completed" and "..." not in "".join(lines), lines


def test_waits(c):
    push(c, "held", HELD % ':timeout "2h"', "[{:name :key :type :text}]")
    push(c, "asks", HELD % ":approvals 1 :actions [:escalate]", "[{:name :key :type :text}]")
    a, b = waiting(c, "k1"), waiting(c, "k2", "asks")
    d = c.run("runs", "watch", a, "--timeout", "50ms")
    assert d["meta"]["timedOut"] is True and d["data"]["wait"] == {"timedOut": True, "timeoutMs": 50, "pollMs": 250} and d["data"]["lastPoll"]["status"] == "waiting"
    one = c.data("waits", "list", "--run", a)["items"][0]
    assert one["key"] == "k1" and c.data("waits", "list", "--flow", "asks", "--shows-in-ui-only")["items"][0]["workflowId"] == b
    assert c.data("waits", "show", one["waitId"])["waitId"] == one["waitId"]
    c.data("waits", "complete", one["waitId"], "--payload", '{"n": 5}')
    assert c.data("runs", "watch", a)["run"]["resultPreview"]["data"]["result"]["n"] == 5
    c.data("runs", "continue", b, "--approve-latest-wait")
    assert c.data("runs", "watch", b)["status"] == "completed"
    c.fails("usage", "runs", "continue", b)
    c.fails("no_wait", "runs", "continue", b, "--approve-latest-wait")

    def wait_of(run):
        return c.data("waits", "list", "--run", run)["items"][0]["waitId"]
    b = waiting(c, "k3", "asks")
    c.data("waits", "approve", wait_of(b), "--reason", "fine")
    assert c.data("runs", "watch", b)["status"] == "completed"
    b = waiting(c, "k4", "asks")
    c.data("waits", "reject", wait_of(b), "--reason", "no")
    c.run("runs", "watch", b, status=c.raw("runs", "watch", b).returncode)
    b = waiting(c, "k5", "asks")
    c.data("waits", "action", wait_of(b), "escalate")
    b = waiting(c, "k6")
    c.data("waits", "cancel", wait_of(b))
    assert c.run("runs", "watch", b, status=1)["data"]["status"] == "failed"
    c.fails("not_found", "waits", "show", "1-1")
    b = waiting(c, "k7")
    assert c.data("runs", "cancel", b, "--reason", "enough")["workflowId"] == b
    assert c.run("runs", "watch", b, status=1)["data"]["status"] == "cancelled"


# --- triggers and webhooks -------------------------------------------------------------------------------------------------------------------
def test_triggers_and_webhooks(c):
    hook = ':webhook [{:id :in :invocation :default :event-name "made" :auth {:type :signature :secret-ref :hook :algo :hmac-sha256 :timestamp-header "X-Time"}}]'
    push(c, "hooked", "(dissoc (flow/input) :flow/ctx :flow/request)", interfaces=hook)
    c.data("flows", "release", "hooked")
    all_ = c.data("triggers", "hooked")["triggers"]
    assert {t["type"] for t in all_} == {"manual", "webhook"}, all_
    assert [t["id"] for t in c.data("triggers", "list", "--flow", "hooked", "--type", "webhook")["triggers"]] == [t["id"] for t in all_ if t["type"] == "webhook"]
    url = c.data("triggers", "webhook-url", "hooked")["triggers"][0]
    trigger = url["id"]
    assert url["webhookUrl"].endswith("/events/" + url["config"]["path"])
    assert c.data("triggers", "show", trigger)["id"] == trigger
    secret = c.data("triggers", "webhook-secret", trigger)["secret"]
    write(c, "hook.secret", secret + "\n")
    path = url["config"]["path"]
    sign = ("--sign", "hmac-sha256", "--sign-secret-file", "hook.secret", "--timestamp-header", "X-Time")
    d = c.data("webhooks", "send", "--path", path, "--json", '{"a": 1}', *sign, env={"BREYTA_API_URL": f"http://127.0.0.1:{c.server.port}", "BREYTA_WORKSPACE": c.server.workspace})
    run = d["data"]["workflowId"]
    assert c.data("runs", "watch", run)["run"]["resultPreview"]["data"]["result"]["a"] == 1
    c.run("webhooks", "send", "--path", path, "--json", '{"a": 1}', "--hmac-secret", "wrong", "--timestamp-header", "X-Time", status=1)
    d = c.data("webhooks", "send", "--path", path, "--validate-only", "--json", '{"a": 1}')
    assert d["data"]["input"]["a"] == 1, d
    assert c.data("webhooks", "send", "--path", "events/" + path, "--validate-only", "--json", '{"a": 1}', "--print-input-map")["input"]["a"] == 1
    assert c.data("webhooks", "send", "--path", path, "--draft", "--json-file", "-", stdin='{"z": 1}')
    p = c.raw("webhooks", "send", "--path", path, "--draft", "--form", "a=1 2", "--multipart-file", "f=hook.secret", "--quiet", "--save-response", "saved.json")
    assert p.returncode == 0 and p.stdout == "" and json.loads(read(c, "saved.json")), p
    c.fails("usage", "webhooks", "send", "--path", path, "--json", "{}", "--form", "a=1")
    c.fails("usage", "webhooks", "send", "--path", path, "--sign", "hmac-sha256")
    d = c.data("triggers", "fire", [t for t in all_ if t["type"] == "manual"][0]["id"], "--payload", '{"q": 2}')
    assert c.data("runs", "watch", d["data"]["workflowId"])["run"]["resultPreview"]["data"]["result"]["q"] == 2


def test_signatures(c):
    """Against a listener that shows what arrives: the worked example of the contract, base64 and hex, and ECDSA checked by openssl."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, self.headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"fine")

        def log_message(self, *_):
            pass
    httpd = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()

    def send(*args, **more):
        d = c.data("webhooks", "send", "--base-url", f"http://127.0.0.1:{httpd.server_port}", "--path", "webhooks/x y/z", *args, **more)
        assert d == {"text": "fine"}, d
        return seen[-1]
    path, headers, body = send("--json", '{"id":1}', "--sign", "hmac-sha256", "--sign-secret", "s3", "--timestamp-header", "X-Timestamp", "--timestamp", "1795228542")
    assert path == "/ws-local/events/webhooks/x%20y/z" and body == b'{"id":1}' and "Authorization" not in headers
    assert headers["X-Timestamp"] == "1795228542" and headers["X-Signature"] == "CHhx806JhCb0vx8Jxomjgwn8r5gLprFKkXBuU0tRWiQ="
    _, headers, _ = send("--json", '{"id":1}', "--sign", "hmac-sha256", "--sign-secret-env", "S", "--signature-format", "hex", "--signature-prefix", "sha256=",
                         "--signature-header", "X-Hub", env={"S": " s3 ", "BREYTA_WORKSPACE": "ws-local"})
    assert headers["X-Hub"] == "sha256=" + hmac.new(b"s3", b'{"id":1}', hashlib.sha256).hexdigest()
    key = os.path.join(c.home, "ec.pem")
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-out", key + ".pub"], check=True, capture_output=True)
    _, headers, body = send("--raw-file", key + ".pub", "--content-type", "text/x", "--sign", "ecdsa-p256", "--sign-private-key", key, "--timestamp-header", "T", "--timestamp", "7")
    assert headers["Content-Type"] == "text/x"
    with open(os.path.join(c.home, "sig"), "wb") as f:
        f.write(base64.b64decode(headers["X-Signature"]))
    with open(os.path.join(c.home, "message"), "wb") as f:
        f.write(b"7" + body)
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", key + ".pub", "-signature", os.path.join(c.home, "sig"), os.path.join(c.home, "message")], check=True, capture_output=True)
    path, headers, body = send("--form", "a=1 &2", "--form", "b=x", "--api-key", "k", "--api-key-location", "query", "--header", "X-More: yes", "--basic", "u:p")
    assert body == b"a=1%20%262&b=x" and path.endswith("?token=k") and headers["X-More"] == "yes" and headers["Authorization"] == "Basic dTpw"
    _, headers, _ = send("--json", "1", "--api-key", "k", "--header-auth", "X-K", "--bearer", "t")
    assert headers["X-K"] == "k" and headers["Authorization"] == "Bearer t"
    httpd.shutdown()


def test_interfaces(c):
    faces = ':http [{:id :api :invocation :default :method :post :path "/go" :enabled true}] :mcp [{:tool-name "greet" :invocation :default :description "Greets" :enabled true}]'
    push(c, "called", "(:a (flow/input))", interfaces=faces)
    c.data("flows", "release", "called")
    all_ = c.data("flows", "interfaces", "list", "called")["items"]
    assert {i["family"] for i in all_} == {"manual", "http", "mcp"}, all_
    assert c.data("flows", "interfaces", "show", "called", "greet", "--family", "mcp", "--target", "draft")["interface"]["invocation"] == "default"
    c.fails("not_found", "flows", "interfaces", "show", "called", "greet", "--family", "http")
    d = c.data("flows", "interfaces", "call", "called", "api", "--input", '{"a": 5}', "--wait")
    assert d["run"]["resultPreview"]["data"]["result"] == 5, d
    d = c.data("flows", "interfaces", "curl", "called", "api", "--input", '{"a": "it\'s"}')
    assert c.server.key not in json.dumps(d)
    p = subprocess.run(["bash", "-c", d["command"]], capture_output=True, text=True, env={**os.environ, "BREYTA_API_KEY": c.server.key}, timeout=30)
    assert json.loads(p.stdout)["ok"] is True, p


def test_mcp(c):
    d = c.data("mcp", "doctor")
    assert "flows_list" in d["tools"] and "flows_put_draft" in d["tools"] and d["serverInfo"]["name"] == "breyta"
    env = {**c.env(), "BREYTA_API_KEY": "", "TOK": c.server.key}
    d = c.data("mcp", "doctor", "--token-env-var", "TOK", "--read-only", "--workspace-id", "ws-local", env=env)
    assert "flows_put_draft" not in d["tools"] and d["toolCount"] == len(d["tools"])
    c.fails("usage", "mcp", "doctor", "--token-env-var", "NOT_THERE")
    d = c.data("mcp", "config", "--workspace-id", "ws-local", "--toolsets", "read,run")["config"]["mcpServers"]["breyta-workspace"]
    assert d["command"] == "breyta" and d["args"][:4] == ["mcp", "stdio", "--workspace-id", "ws-local"] and d["args"][-2:] == ["--toolsets", "read,run"], d
    assert c.server.key not in json.dumps(d)
    d = c.data("mcp", "config", "--provider", "vscode", "--transport", "http", "--read-only")["config"]["servers"]["breyta-workspace"]
    assert d["url"].endswith("/api/workspaces/ws-local/mcp") and d["headers"]["X-MCP-Readonly"] == "true"
    lines = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
             {"jsonrpc": "2.0", "method": "notifications/initialized"},
             {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {"name": "flows_list", "arguments": {"limit": 1}}},
             {"jsonrpc": "2.0", "id": 3, "method": "no/such"}]
    p = c.raw("mcp", "stdio", stdin="".join(json.dumps(m) + "\n" for m in lines) + "not json\n")
    got = [json.loads(x) for x in p.stdout.splitlines()]
    assert p.returncode == 0 and [m.get("id") for m in got] == [1, "two", 3, None], p
    assert got[0]["result"]["protocolVersion"] == "2025-11-25" and got[1]["result"]["content"] and got[2]["error"]["code"] == -32601 and got[3]["error"]["code"] == -32700
    p = c.raw("mcp", "stdio", stdin=json.dumps(lines[0]) + "\n", env={**c.env(), "BREYTA_API_KEY": "wrong"})
    assert json.loads(p.stdout)["error"]["message"] and json.loads(p.stdout)["id"] == 1
    c.used.add("mcp stdio")
    events = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: \ndata: {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","tools":[{"name":"one"}]}}'
    with Recorder(events, "text/event-stream") as recorder:  # a server that answers by a stream of events; the last line has no end
        env = {"BREYTA_API_URL": f"http://127.0.0.1:{recorder.httpd.server_port}", "BREYTA_WORKSPACE": "w", "BREYTA_API_KEY": "k"}
        p = c.raw("mcp", "stdio", stdin=json.dumps(lines[0]) + "\n", env=env)
        assert [json.loads(x).get("method") for x in p.stdout.splitlines()] == ["notifications/progress", None], p
        assert c.data("mcp", "doctor", env=env)["tools"] == ["one"]
    with Recorder(b"data: nonsense\n", "text/event-stream") as recorder:
        p = c.raw("mcp", "stdio", stdin=json.dumps(lines[2]) + "\n", env={**env, "BREYTA_API_URL": f"http://127.0.0.1:{recorder.httpd.server_port}"})
        assert json.loads(p.stdout)["id"] == "two" and json.loads(p.stdout)["error"]["message"], p


# --- settings and installations ---------------------------------------------------------------------------------------------------------------
def test_settings(c):
    needs = ''':requires [{:slot :api :type :http-api :label "API" :base-url "https://x.example" :auth {:type :api-key}}
                {:kind :form :label "Setup" :fields [{:key :city :label "City" :field-type :text :required true}]}]
     :schedules [{:id :daily :cron "0 3 * * *" :invocation :default :enabled true}]'''
    push(c, "needs", "(flow/input)", extra=needs)
    d = c.data("flows", "configure", "check", "needs", "--target", "draft")
    assert d["ready"] is False and d["missingBindings"] == ["api"] and d["missingActivation"] == ["city"], d
    con = c.data("connections", "create", "--type", "http-api", "--name", "My API", "--base-url", "http://127.0.0.1:9", "--key-file", "-", stdin="k-secret")["connection"]["id"]
    d = c.data("flows", "configure", "suggest", "needs")
    assert d["suggestions"][0]["slot"] == "api" and con in [x["connectionId"] for x in d["suggestions"][0]["connections"]], d
    assert any(f"api.conn=" in x for x in c.meta["nextCommands"])
    d = c.data("flows", "configure", "needs", "--target", "draft", "--set", f"api.conn={con}", "--set", "activation.city=Oslo")
    assert d["ready"] is True and c.data("flows", "configure", "show", "needs")["bindingValues"] == {"api": con}, d
    assert c.data("flows", "draft", "bindings", "show", "needs")["activation"]["city"]["set"] is True
    p = c.raw("flows", "bindings", "template", "needs")
    assert p.returncode == 0 and "redacted" in p.stdout and ":api" in p.stdout, p
    c.used.add("flows bindings template")
    assert c.data("flows", "draft", "bindings", "template", "needs", "--out", "needs.settings.edn")["path"] == "needs.settings.edn"
    assert con in read(c, "needs.settings.edn")
    write(c, "s.edn", '{:bindings {:api {:connection "%s"}} :activation {:city "Rome"}}' % con)
    assert c.data("flows", "draft", "bindings", "apply", "needs", "@s.edn")["ready"] is True
    c.data("flows", "release", "needs")
    assert c.data("flows", "bindings", "show", "needs")["bindingValues"] == {}
    assert c.data("flows", "bindings", "apply", "needs", "--from-draft")["ready"] is True
    d = c.data("flows", "configure", "needs", "--target", "live", "--schedule-disable", "daily")
    assert d["schedules"]["daily"]["enabled"] is False, d
    assert c.data("flows", "activate", "needs")["flowSlug"] == "needs" and c.data("profiles", "activate", "needs", "--version", "1")["flowSlug"] == "needs"
    c.fails("usage", "flows", "configure", "needs")
    c.fails("usage", "flows", "configure", "needs", "--set", "x")
    c.fails("bad_request", "flows", "configure", "needs", "--set", "api.nothing=1")
    assert [p["id"] if "id" in p else p["profile-id"] for p in c.data("profiles", "list", "--flow", "needs", "--profile-type", "prod")["items"]] == ["live-needs"]
    assert c.data("profiles", "show", "live-needs")


def test_installations(c):
    inst = c.data("flows", "installations", "create", "needs", "--name", "Mine")["instance"]["profileId"]
    assert inst in [i["profileId"] for i in c.data("flows", "installations", "list", "needs")["items"]]
    assert c.data("flows", "installations", "show", inst)["profileId"] == inst
    c.data("flows", "installations", "rename", inst, "--name", "Other")
    con = c.data("flows", "configure", "show", "needs")["bindingValues"]["api"]
    c.data("flows", "installations", "configure", inst, "--bindings", json.dumps({"api": {"connectionId": con}}), "--set", "activation.city=Bonn")
    c.data("flows", "installations", "enable", inst)
    d = c.data("flows", "run", "needs", "--installation-id", inst, "--wait")
    assert d["status"] == "completed" and d["run"]["installationId"] == inst
    c.data("flows", "installations", "disable", inst)
    c.data("flows", "installations", "set-enabled", inst, "--enabled")
    for what in ("triggers", "surfaces"):
        assert isinstance(c.data("flows", "installations", what, inst)["items"], list)
    c.data("flows", "installations", "stats", inst)
    c.data("flows", "installations", "events", inst)
    c.data("flows", "installations", "delete", inst)
    d = c.data("profiles", "create", "--flow", "needs", "--name", "By profile")
    own = d.get("profile-id") or d.get("id") or d["profileId"]
    c.data("profiles", "bindings", "set", own, "--bindings", json.dumps({"api": {"connectionId": con}}))
    c.data("profiles", "delete", own)


# --- access ---------------------------------------------------------------------------------------------------------------------------------------
def test_accounts_and_keys(c):
    acc = c.data("service-accounts", "create", "--name", "w", "--scope", "jobs.worker,flows.read", "--scope", "runs.read", "--job-type", "t1", "--metadata", '{"a": 1}')["serviceAccount"]
    assert acc["capabilities"] == ["jobs.worker", "flows.read", "runs.read"] and acc["allowedJobTypes"] == ["t1"]
    id_ = acc["serviceAccountId"]
    assert f"breyta service-accounts keys create {id_}" in c.meta["nextCommands"]
    assert id_ in [a["serviceAccountId"] for a in c.data("service-accounts", "list")["items"]]
    key = c.data("service-accounts", "keys", "create", id_, "--name", "k")["key"]
    assert key["apiKey"].startswith("bsa_sak-")
    env = {**c.env(), "BREYTA_API_KEY": key["apiKey"]}
    assert c.run("flows", "list", env=env)["ok"] is True
    c.fails("forbidden", "flows", "create", "--slug", "no", env=env)
    assert key["apiKey"] not in json.dumps(c.data("service-accounts", "keys", "list", id_))
    c.data("service-accounts", "update", id_, "--status", "disabled")
    assert c.data("service-accounts", "show", id_)["serviceAccount"]["status"] == "disabled"
    assert c.data("service-accounts", "keys", "revoke", id_, key["keyId"])["key"]["status"] == "revoked"
    assert c.raw("flows", "list", env=env).returncode == 1


def test_connections_and_secrets(c):
    with Upstream() as up:
        env = {**c.env(), "KEY": SECRET}
        con = c.data("connections", "create", "--type", "http-api", "--name", "up", "--base-url", up.url, "--key-env", "KEY", env=env)["connection"]["id"]
        assert con in [x["id"] for x in c.data("connections", "list", "--type", "http-api", "--limit", "50")["items"]]
        assert SECRET not in json.dumps(c.data("connections", "show", con))
        d = c.data("connections", "call", con, "--path", "/hi", "--query", "n=1", "--include-header", "X-Here")
        assert d["body"]["path"] == "/hi?n=1" and d["status"] == 200, d
        d = c.run("connections", "call", con, "--path", "/deny", "--method", "POST", "--json", '{"a": 1}', status=1)
        assert d["data"]["success"] is False
        assert c.data("connections", "test", con)
        d = c.run("connections", "trust", con, "--fingerprint", "SHA256:" + "x" * 43, "--replace", status=1)
        c.used.add("connections trust")  # test_ssh.py trusts a real one by it
        assert d["error"]["code"] and "ssh" in d["error"]["message"].lower(), d
        c.data("connections", "update", con, "--name", "upstream")
        assert c.data("connections", "show", con)
    body = c.run("connections", "test", "--all", status=c.raw("connections", "test", "--all").returncode)
    assert body["data"]["summary"]["failed"] >= 1 and c.raw("connections", "test", "--all", "--only-failing").returncode == 1  # nothing listens there now
    c.fails("usage", "connections", "test")
    assert "items" in c.data("connections", "usages")
    assert isinstance(c.data("connections", "items", con)["items"], list)
    assert c.data("connections", "cleanup-unused") is not None
    c.data("connections", "delete", con)
    c.fails("not_found", "connections", "show", con)
    c.data("secrets", "set", "token-a", "--value-file", "-", stdin="very secret\n")
    c.data("secrets", "set", "token-b", "--value-env", "VAL", env={**c.env(), "VAL": "x"})
    c.fails("usage", "secrets", "set", "token-c")
    c.fails("usage", "secrets", "set", "token-c", "--value-env", "NOT_THERE")
    d = c.data("secrets", "list")
    assert {"token-a", "token-b"} <= {json.dumps(x) and (x.get("secret-id") or x.get("id")) for x in d["items"]} and "very secret" not in json.dumps(d)
    c.data("secrets", "usages")
    c.data("secrets", "delete", "token-b")


def test_workspaces_and_auth(c):
    s = c.server
    ws = c.data("workspaces", "bootstrap", "ws-two", "--name", "Two")
    assert ws["created"] is True
    assert {"ws-local", "ws-two"} <= {w["id"] for w in c.data("workspaces", "list")["workspaces"]}
    assert c.data("workspaces", "show", "ws-two")["workspace"]["id"] == "ws-two"
    c.fails("not_found", "workspaces", "show", "ws-none")
    assert c.data("workspaces", "current")["workspace"]["id"] == "ws-local"
    assert "hello" not in [f["flowSlug"] for f in c.data("flows", "list", "--workspace", "ws-two")["items"]]  # nothing is shared
    c.fails("forbidden", "flows", "list", "--workspace", "ws-none")
    assert c.data("workspaces", "members", "list", "--format", "json")["items"]
    assert " admin" in c.raw("workspaces", "members", "list").stdout
    d = c.data("auth", "whoami")
    assert d["verify"]["success"] is True and d["keyFrom"] == "BREYTA_API_KEY" and d["workspaces"] and s.key not in json.dumps(d)
    d = c.data("auth", "whoami", env={**c.env(), "BREYTA_API_KEY": "wrong"})
    assert d["verify"]["success"] is False  # told, not judged
    url = f"http://127.0.0.1:{s.port}"
    d = c.data("auth", "login", "--api", url, "--key-stdin", stdin=s.key + "\n", env={})
    assert d["workspaceId"] == "ws-local" and s.key not in json.dumps(d)
    path = os.path.join(c.home, "breyta", "auth.json")
    assert os.stat(path).st_mode & 0o777 == 0o600 and s.key in open(path).read() and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    assert c.data("auth", "whoami", env={})["keyFrom"] == "auth.json"  # the URL and the workspace are remembered too
    c.data("workspaces", "use", "ws-two", env={})
    assert c.data("workspaces", "current", env={})["workspace"]["id"] == "ws-two"
    c.data("auth", "login", "--api", url, "--workspace", "ws-local", "--profile", "local", "--key-stdin", stdin=s.key, env={})
    assert c.data("workspaces", "current", "--profile", "local", env={})["workspace"]["id"] == "ws-local"
    assert c.data("workspaces", "current", env={"BREYTA_PROFILE": "local"})["workspace"]["id"] == "ws-local"
    c.fails("unknown_profile", "flows", "list", "--profile", "nope", env={})
    assert c.data("auth", "logout", env={})["removed"] == 1
    assert c.raw("flows", "list", env={}).returncode == 1
    assert c.run("auth", "login", "--api", url, "--key-stdin", stdin="wrong\n", status=1, env={})["ok"] is False
    c.fails("usage", "auth", "login", "--api", url, env={})
    p = write(c, "key", s.key + "\n")
    assert c.data("flows", "list", "--api", url, "--api-key-file", p, env={})["items"] is not None
    os.remove(os.path.join(c.home, "breyta", "config.json"))


# --- resources, tables, steps ------------------------------------------------------------------------------------------------------------------------
def test_resources(c):
    path = write(c, "note.md", "# Notes about whales\n")
    d = c.data("resources", "upload", path, "--folder", "in")
    uri = d["uri"]
    assert d["content-type"].startswith("text/markdown") and d["size-bytes"] == 21
    p = c.raw("resources", "upload", path, "--name", "b.txt", "--print-uri")
    assert p.returncode == 0 and re.fullmatch(r"res://v1/ws/\S+\n", p.stdout), p
    other = p.stdout.strip()
    big = os.urandom(3 << 20)
    with open(os.path.join(c.home, "big.bin"), "wb") as f:
        f.write(big)
    bin_ = c.data("resources", "upload", "big.bin")["uri"]
    assert c.data("resources", "download", bin_, "--out", "big.copy")["bytes"] == len(big)
    with open(os.path.join(c.home, "big.copy"), "rb") as f:
        assert f.read() == big
    assert c.raw("resources", "download", uri).stdout == "# Notes about whales\n"
    c.data("resources", "download", uri, "--out", "new/folder/copy.md")
    mask = os.umask(0)
    os.umask(mask)
    assert os.stat(os.path.join(c.home, "new/folder/copy.md")).st_mode & 0o777 == 0o666 & ~mask and os.listdir(os.path.join(c.home, "new/folder")) == ["copy.md"]
    c.fails("file", "resources", "download", uri, "--out", "/dev/null/copy.md")
    os.symlink("new/folder/copy.md", os.path.join(c.home, "link.md"))  # followed, and still there
    c.data("resources", "download", bin_, "--out", "link.md")
    assert os.path.islink(os.path.join(c.home, "link.md")) and os.path.getsize(os.path.join(c.home, "new/folder/copy.md")) == len(big)
    os.mkfifo(os.path.join(c.home, "pipe"))  # as /dev/null is: written into, not replaced
    with subprocess.Popen(["cat", os.path.join(c.home, "pipe")], stdout=subprocess.PIPE) as cat:
        assert c.data("resources", "download", uri, "--out", "pipe")["bytes"] == 21
        assert cat.communicate(timeout=20)[0] == b"# Notes about whales\n"
    c.fails("file", "resources", "download", uri, "--out", "new")  # a folder
    assert c.raw("resources", "download", uri + "0", "--out", "new/none/copy.md").returncode == 1 and not os.path.exists(os.path.join(c.home, "new/none/copy.md"))
    assert c.raw("resources", "table", "export", uri, "--out", "new/none/t.csv").returncode == 1 and os.listdir(os.path.join(c.home, "new/none")) == []  # nothing half is left
    assert uri in [i["uri"] for i in c.data("resources", "list", "--type", "file")["items"]]
    assert c.data("resources", "get", uri)["uri"] == uri
    d = c.data("resources", "read", uri)
    assert "whales" in json.dumps(d), d
    c.data("resources", "search-index", "update", uri, "--text", "leviathan", "--tag", "sea", "--tags", "x,y")
    assert c.data("resources", "search-index", "show", uri)
    assert uri in [i["uri"] for i in c.data("resources", "search", "leviathan")["items"]]
    c.data("resources", "search-index", "clear", uri)
    assert uri not in [i["uri"] for i in c.data("resources", "search", "leviathan")["items"]]
    c.data("resources", "search-index", "reindex", uri)
    assert c.data("resources", "url", uri, "--ttl", "60")["url"]
    c.data("resources", "delete", other)
    c.fails("not_found", "resources", "get", other)
    c.fails("usage", "resources", "upload", "nowhere.txt")
    push(c, "keeps", '(flow/step :function :big {:input {} :code (quote (fn [_] {:a 1})) :persist {:type :kv :key "kept"}})')
    d = c.raw("flows", "run", "keeps", "--wait")
    run = json.loads(d.stdout)["data"]["workflowId"]
    for args in (("workflow", run), ("workflow", "list", run), ("workflow", "step", run, "big")):
        assert isinstance(c.data("resources", *args)["items"], list)


def test_tables(c):
    write(c, "people.csv", "id,name,age\n1,Ann,30\n2,Bob,40\n3,Cy,40\n")
    d = c.data("resources", "table", "import", "people", "--file", "people.csv", "--write-mode", "upsert", "--key-fields", "id", "--index-fields", "name")
    uri = d["resourceUri"]
    assert d["rowsWritten"] == 3
    T = ("resources", "table")
    d = c.data(*T, "query", uri, "--where-json", '[["age", "=", 40]]', "--sort-json", '[["id", "desc"]]', "--select", "id,name", "--include-total-count")
    assert [r["name"] for r in d["rows"]] == ["Cy", "Bob"] and d["page"]["totalCount"] == 2, d
    d = c.data(*T, "query", uri, "--page-mode", "cursor", "--limit", "2", "--sort-json", '[["id", "asc"]]')
    assert len(c.data(*T, "query", uri, "--cursor", d["page"]["nextCursor"], "--limit", "2", "--sort-json", '[["id", "asc"]]')["rows"]) == 1
    assert c.data(*T, "get-row", uri, "--key", "id=2")["row"]["name"] == "Bob"
    assert c.data(*T, "aggregate", uri, "--group-by", "age", "--metrics-json", '[{"op": "count", "as": "n"}]')["count"] == 2
    assert [x["name"] for x in c.data(*T, "schema", uri)["columns"]] == ["id", "name", "age"]
    c.data(*T, "update-cell", uri, "--column", "name", "--key", "id=2", "--value", "Bea")
    assert c.data(*T, "get-row", uri, "--key", "id=2")["row"]["name"] == "Bea"
    c.data(*T, "update-cell-format", uri, "--column", "name", "--key", "id=2", "--format-json", '{"bold": true}')
    c.data(*T, "update-cell-format", uri, "--column", "name", "--key", "id=2", "--clear")
    c.data(*T, "set-column", uri, "--column", "name", "--display-name", "Name")
    c.data(*T, "recompute", uri)
    p = c.raw(*T, "export", uri, "--select", "id,name", "--sort-json", '[["id", "asc"]]')
    assert p.stdout.splitlines() == ["id,name", "1,Ann", "2,Bea", "3,Cy"], p
    assert c.data(*T, "export", uri, "--out", "out.csv")["bytes"] == os.path.getsize(os.path.join(c.home, "out.csv"))
    write(c, "towns.csv", "id,town\n1,Oslo\n2,Rome\n")
    towns = c.data(*T, "import", "towns", "--file", "-", "--key-fields", "id", "--write-mode", "upsert", stdin=read(c, "towns.csv"))["resourceUri"]
    d = c.data(*T, "materialize-join", "--left-json", json.dumps({"table": uri}), "--right-json", json.dumps({"table": towns}), "--on-json", '[["id", "id"]]', "--into-json", '{"table": "joined"}', "--join-type", "inner")
    assert d, d
    assert c.data(*T, "verify", uri)["rowsRead"] == 3
    assert len(c.data("resources", "read", uri, "--limit", "2")["rows"]) == 2
    c.fails("usage", *T, "query", uri, "--where-json", "[")
    c.fails("usage", *T, "update-cell", uri, "--value", "x")


def test_steps(c):
    d = c.data("steps", "run", "--type", "function", "--id", "one", "--flow", "hello", "--params", "{\"code\": \"(fn [i] {:twice (* 2 (:n i)) :long (apply str (repeat 2000 \\\"x\\\"))})\", \"input\": {\"n\": 4}}")
    assert d["resultPreview"]["twice"] == 8 and len(d["resultPreview"]["long"]) < 1400 and "result" not in d, d
    d = c.data("steps", "run", "--type", "function", "--id", "one", "--params-file", "-", "--full", "--result-path", "a.1", "--result-file", "r.json", stdin='{"code": "(fn [_] {:a [1 2]})", "input": {}}')
    assert d["result"] == 2 and json.loads(read(c, "r.json")) == 2
    c.fails("usage", "steps", "run", "--type", "function")
    S = ("hello", "greet")
    c.data("steps", "record", "--flow", "hello", "--id", "greet", "--type", "function", "--params", '{"code": "(fn [i] i)", "input": {"n": 1}}', "--note", "seen", "--test-name", "t1")
    assert c.meta["recorded"] == {"example": True, "test": True}, c.meta
    assert len(c.data("steps", "examples", "list", *S)["items"]) == 1 and len(c.data("steps", "tests", "list", *S)["items"]) == 1
    c.data("steps", "examples", "add", *S, "--input", "1", "--output", "2")
    c.data("steps", "tests", "add", *S, "--type", "function", "--name", "t2", "--input", '{"code": "(fn [i] i)", "input": {"n": 2}}', "--expected", '{"n": 2}')
    assert "items" in c.data("steps", "tests", "verify", *S, "--type", "function")
    c.data("steps", "docs", "set", *S, "--file", "-", stdin="# Greets\n")
    assert c.data("steps", "docs", "get", *S)["docs"]
    assert c.data("steps", "show", *S)["examples"]["count"] == 2
    c.fails("usage", "steps", "docs", "set", *S)


def test_breakpoints(c):
    push(c, "stops", "(+ (flow/step :function :one {:input {} :code '(fn [_] 1)}) (flow/step :function :a/two {:input {} :code '(fn [_] 2)}))")
    assert c.data("debug", "overlays", "set-breakpoint", "stops", "one")["overlay"]["breakpoints"][0]["type"] == "before"
    assert len(c.data("debug", "overlays", "set-breakpoint", "stops", "a/two", "--type", "after")["overlay"]["breakpoints"]) == 2
    run = c.data("flows", "run", "stops")["workflowId"]
    stands = lambda step: c.server.until(lambda: (c.data("debug", "overlays", "show", "stops")["waiting"] or [{}])[0].get("stepId") == step, f"it stands at {step}")
    stands("one")
    assert c.data("runs", "show", run)["run"]["breakpoint"]["side"] == "before"
    assert c.data("runs", "watch", run, "--timeout", "100ms") and " breakpoint_reached one waiting" in c.stderr
    c.fails("conflict", "debug", "breakpoints", "continue", run, "one", "after")
    c.fails("conflict", "debug", "breakpoints", "continue", run, "one", "both", "--occurrence", "2")
    c.fails("usage", "debug", "breakpoints", "continue", run, "one")
    assert c.data("debug", "breakpoints", "continue", run, "one", "both")["status"] == "continuing"
    stands("a/two")
    assert c.data("debug", "breakpoints", "abort", run, "a/two", "after")["workflowId"] == run
    assert c.server.over(run)["error"]["type"] == "breakpoint-aborted"
    follows = {}
    for how in (["flows", "run", "stops", "--wait", "--poll", "10ms"], ["runs", "watch"]):
        run = c.data("flows", "run", "stops")["workflowId"] if how[0] == "runs" else None
        with concurrent.futures.ThreadPoolExecutor() as pool:
            said = pool.submit(c.raw, *how, *([run, "--poll", "10ms"] if run else []))
            for step, side in (("one", "before"), ("a/two", "after")):
                stands(step)
                c.data("debug", "breakpoints", "continue", c.data("debug", "overlays", "show", "stops")["waiting"][0]["workflowId"], step, side)
            follows[how[0]] = said.result(timeout=60)
    assert all(p.returncode == 0 for p in follows.values()), follows
    for word in (" step_started one", " step_completed one", " step_started a/two", " step_completed a/two"):  # what passes hides nothing that stays
        assert follows["runs"].stderr.count(word) == 1, follows["runs"].stderr
    assert c.data("debug", "overlays", "set-enabled", "stops", "--enabled=false", "--target", "all")["overlay"]["enabled"] is False
    assert c.data("debug", "overlays", "list")["items"][0]["target"] == "all"
    assert c.data("flows", "run", "stops", "--wait")["run"]["resultPreview"]["data"]["result"] == 3
    assert c.data("debug", "overlays", "set-enabled", "stops")["overlay"]["enabled"] is True
    for step in ("one", "a/two"):
        left = c.data("debug", "overlays", "set-breakpoint", "stops", step, "--type", "none")["overlay"]["breakpoints"]
    assert left == []


def test_archive_and_delete(c):
    c.data("flows", "archive", "made")
    assert "made" not in [f["flowSlug"] for f in c.data("flows", "list", "--limit", "50")["items"]]
    assert "made" in [f["flowSlug"] for f in c.data("flows", "list", "--limit", "50", "--include-archived")["items"]]
    c.fails("usage", "flows", "delete", "made")
    c.data("flows", "delete", "made", "--yes", "--force")
    c.fails("not_found", "flows", "show", "made")


# --- the command line itself ----------------------------------------------------------------------------------------------------------------------------
def needed(row):
    """Words that fill what the row needs."""
    words = row["name"].split()
    for p in row["params"]:
        if p["required"]:
            value = {"integer": "1", "version": "1", "json": "{}", "object": "{}", "array": "[]", "list": "x", "pairs": "a=b", "duration": "1s"}.get(p["type"], "x")
            words += [value] if p["positional"] else ["--" + p["name"], "-" if p.get("file") else value]
    return words


def wrong_usage(c, row):
    words = row["name"].split()
    assert row["summary"], row["name"]
    assert "no-such-flag" in c.fails("usage", *words, "--no-such-flag", env={})
    first = [p for p in row["params"] if p["required"]]
    if first:
        assert first[0]["name"] in c.fails("usage", *words, env={}), row["name"]
    elif not any(p["positional"] and "..." in p["name"] for p in row["params"]):
        extra = sum(p["positional"] for p in row["params"]) + 1
        c.fails("usage", *words, *["x"] * extra, env={})


def test_wrong_usage_of_every_row(c):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for f in [pool.submit(wrong_usage, c, row) for row in c.table.values()]:
            f.result()


def known_arguments(description, asks):
    """Names that the command or route takes; None: any, its body is a value."""
    if " " not in asks:
        return set(description["components"]["schemas"][asks]["properties"].get("args", {}).get("properties", {}))
    method, path = asks.split(" ", 1)
    words = path.split("/")
    fits = [p for p in description["paths"] if len(p.split("/")[2:]) == len(words) and method.lower() in description["paths"][p] and
            all(a == b or a.startswith("{") for a, b in zip(p.split("/")[2:], words))]
    assert fits, f"the server has no route {asks}"
    op = description["paths"][min(fits, key=lambda p: p.count("{"))][method.lower()]
    body = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("properties")
    if op.get("requestBody") and not body:
        return None
    return {p["name"] for p in op.get("parameters", []) if p["in"] == "query"} | set(body or {})


def test_arguments_are_those_of_the_server(c):
    wrong, description = [], c.server.description()
    for row in c.table.values():
        known = known_arguments(description, row["asks"]) if row.get("asks") else None
        for p in row["params"]:
            to = p.get("argument", "")
            if to.startswith("{"):
                assert to in row["asks"], row["name"]
            elif to and known is not None and to.lstrip("?").split(".")[0] not in known:
                wrong.append(f"{row['name']} {p['name']}: {row['asks']} has no {to}")
    assert not wrong, wrong


class Recorder:
    """A server that notes what is asked, and says yes to everything."""

    def __init__(self, says=None, content_type="application/json"):
        self.says, self.content_type = says, content_type

    def __enter__(self):
        seen, says, content_type = [], self.says, self.content_type
        self.seen = seen

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                url = urllib.parse.urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                body = json.loads(raw) if raw and "json" in self.headers.get("content-type", "") else None
                seen.append((self.command, urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)), body))
                flow_ = {"flowSlug": "x", "flowLiteral": "{}", "activeVersion": 1, "items": [{"version": 2, "enabled": True, "config": {"install-scope": "live"}}]}
                data = says or json.dumps({"ok": True, "data": flow_, **flow_}).encode()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()


def sample(p):
    """A value for a parameter: as it is written, and as it has to arrive."""
    name = p["name"].strip("<[]>")
    written, arrives = {
        "boolean": ("true", True), "integer": ("7", 7), "version": ("3", 3), "duration": ("5ms", 5), "json": ('{"j": [1]}', {"j": [1]}), "object": ('{"o-%s": 1}' % name, {f"o-{name}": 1}),
        "array": ('["a-%s"]' % name, [f"a-{name}"]), "list": (f"l-{name}", [f"l-{name}"]), "pairs": (f"p-{name}=v", {f"p-{name}": "v"})}.get(p["type"], (f"t-{name}", f"t-{name}"))
    return (p["values"][0], p["values"][0]) if p.get("values") else (written, arrives)


def arrived(got, want):
    """Maps and lists of several flags add up; a query has texts."""
    if isinstance(want, dict) and isinstance(got, dict):
        return all(k in got and arrived(got[k], v) for k, v in want.items())
    if isinstance(want, list):
        return all(x in got for x in want) if isinstance(got, list) else ",".join(map(str, want)) in str(got)
    return got == want or str(got) == (str(want).lower() if isinstance(want, bool) else str(want))


def rounds(row):
    """Flags of a row, so that no two of one round say the same thing."""
    left = [p for p in row["params"] if not p["positional"] and p.get("argument") is not None and p["name"] != "wait"]
    first = True
    while left or first:
        names, now, later = {p.get("argument") for p in row["params"] if p["positional"] and p["required"]}, [], []
        for p in left:
            (later if p["argument"] in names else now).append(p)
            names.add(p["argument"])
        if not now:
            return
        yield now
        left, first = later, False


# What a row needs to get as far as its request.
EXTRA = {"flows delete": ["--yes"], "flows push": ["--file", "hello/flow.edn"], "steps run": ["--id", "one"], "steps record": ["--id", "one", "--flow", "x"], "flows configure": ["--set", "a.conn=1"], "flows bindings apply": ["--set", "a.conn=1"], "flows draft bindings apply": ["--set", "a.conn=1"],
         "flows installations configure": ["--set", "a.conn=1"], "runs watch": ["--timeout", "300ms"], "runs continue": ["--approve-latest-wait"], "flows installations upload": ["--file", "hello/flow.edn"]}


def ask_with(c, url, row, chosen, number):
    """Runs the row with these flags and those that it needs; {argument of a flag: what has to arrive}."""
    others = [p for p in row["params"] if p["required"] and not p["positional"] and p.get("argument") not in [q["argument"] for q in chosen]]
    words, arrives = row["name"].split() + EXTRA.get(row["name"], []) + [p["values"][0] if p.get("values") else "t-" + p["name"].strip("<>") for p in row["params"] if p["positional"] and p["required"]], {}
    for p in chosen + others:
        written, value = sample(p)
        if p.get("environment"):
            written, value = "VALUE", "t-value"
        if p.get("file"):
            written = write(c, f"flags/{number}-{p['name']}", written)
        if p["name"] == "clear":
            value = None
        if p["type"] == "json" and p["repeats"]:
            value = [value]
        words += ["--" + p["name"]] + ([] if p["type"] == "boolean" else [written])
        if p.get("argument") is not None:
            arrives[p["argument"]] = value
    env = {"BREYTA_API_URL": url, "BREYTA_WORKSPACE": "ws-flags", "BREYTA_API_KEY": "k", "VALUE": "t-value", "BREYTA_JOB_LEASE_TOKEN": "t"}
    return c.raw(*words, env=env), arrives


def at(value, path):
    for part in [x for x in path.split(".") if x]:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def test_every_flag_arrives(c):
    """The value of each flag that is sent is where the table says, in the request for what the row asks."""
    wrong, number = [], 0
    with Recorder() as recorder:
        for row in [r for r in c.table.values() if r.get("asks") and not r["name"].startswith("jobs worker")]:
            command = " " not in row["asks"]
            path = "/api/commands" if command else "/api/" + re.sub(r"\{[^}]*\}", "[^/]+", row["asks"].split(" ")[1])
            for chosen in rounds(row):
                number += 1
                recorder.seen.clear()
                p, arrives = ask_with(c, f"http://127.0.0.1:{recorder.httpd.server_port}", row, chosen, number)
                hits = [x for x in recorder.seen if re.fullmatch(path, x[1]) and (not command or x[3]["command"] == row["asks"])]
                if not hits:
                    wrong.append(f"{p.args}: {row['asks']} was not asked: {p.stdout[:200]}")
                    continue
                _, _, query, body = hits[0]
                for to, value in arrives.items():
                    got = at(body["args"] if command else query if body is None or to.startswith("?") else body, to.lstrip("?"))
                    if not arrived(got, value):
                        wrong.append(f"{row['name']}: {got!r}, not {value!r}, came as {to}")
    assert number > 150 and not wrong, "\n".join(wrong)


def test_deploy_key_of_the_environment(c):
    for words, to in ((["flows", "push", "--file", "hello/flow.edn"], "deploy-key"), (["flows", "release", "x"], "deployKey"), (["flows", "versions", "activate", "x", "--version", "1"], "deployKey")):
        for flags, variable, want in (([], "from-env", "from-env"), (["--deploy-key", "said"], "from-env", "said"), ([], "", None)):
            with Recorder() as recorder:
                env = {"BREYTA_API_URL": f"http://127.0.0.1:{recorder.httpd.server_port}", "BREYTA_API_KEY": "k", "BREYTA_FLOW_DEPLOY_KEY": variable}
                c.raw(*words, *flags, env=env)
                assert recorder.seen[0][3]["args"].get(to) == want, (words, recorder.seen[0])


def test_odd_answers(c):
    """Whatever a server says, it is told or printed: no crash, no waiting for ever."""
    odd = [b'{"ok":true,"data":null,"meta":[]}', b"[]",
           b'{"ok":"yes","data":{"items":[1,null,{"id":[]}],"run":5,"workflowId":7,"flow":[],"triggers":[1],"url":5,"uri":[1],"workspaces":[5],"requirements":[0]},'
           b'"meta":{"warnings":[1,{"message":2}],"hasMore":true,"nextCursor":"c"},"error":{"code":5,"actions":[1,{"url":"/x"}]}}']

    def one(row, url):
        p, _ = ask_with(c, url, row, [], 0)
        assert p.returncode in (0, 1), f"{p.args}: {p.returncode} {p.stderr[-300:]}"
    for i, says in enumerate(odd):
        with Recorder(says) as recorder, concurrent.futures.ThreadPoolExecutor(4) as pool:
            url = f"http://127.0.0.1:{recorder.httpd.server_port}"
            rows = [r for n, r in c.table.items() if n.split()[0] not in ("jobs", "agent") and (i < 1 or not r.get("asks") or n in ("runs show", "runs list", "flows list", "flows run", "steps run"))]
            for f in [pool.submit(one, r, url) for r in rows]:
                f.result()
            p = c.raw("runs", "show", "r1", env={"BREYTA_API_URL": url, "BREYTA_API_KEY": "k"})
            assert p.returncode == 1, p


def test_values_are_checked(c):
    for args in (["runs", "list", "--limit", "x"], ["runs", "list", "--limit"], ["flows", "run", "hello", "--input", "{"], ["flows", "run", "hello", "--input", "[]"],
                 ["flows", "run", "hello", "--field", "novalue"], ["flows", "run", "hello", "--timeout", "soon"], ["flows", "list", "--pretty=maybe"],
                 ["waits", "complete", "1-1", "--payload", "{}", "--payload-file", "/nonexistent"], ["flows", "run", "hello", "--version", "0"]):
        c.fails("usage", *args)
    assert "did you mean --limit" in c.fails("usage", "runs", "list", "--limt", "3")
    assert "`breyta runs list`" in c.fails("usage", "runs", "lst")
    assert "`breyta serve`" in c.fails("usage", "sarve")
    assert c.data("runs", "list", "--limit=1", "--pretty")["items"] is not None
    assert c.run("--workspace", "ws-local", "run", "ls")["ok"] is True  # globals in front, aliases
    c.fails("config", "flows", "list", env={"BREYTA_AUTH_STORE": write(c, "broken.json", "{")})
    c.fails("invalid_arguments", "flows", "list", "--api", "ftp://x", env={})


def test_refusals(c):
    """No server, no key, a wrong key, another program at that port."""
    quick = [n for n in ("flows list", "runs show", "secrets list", "service-accounts list") if n in c.table]
    for name in quick:
        words = needed(c.table[name])
        assert "127.0.0.1:1" in c.fails("unreachable", *words, env={"BREYTA_API_URL": "http://127.0.0.1:1", "BREYTA_API_KEY": "k"})
        body = c.run(*words, env={**c.env(), "BREYTA_API_KEY": "wrong"}, status=1)
        assert body["ok"] is False and "auth" in body["error"]["code"] and "comes from BREYTA_API_KEY" in body["hint"] and body["hint"] in body["stderr"], body
        body = c.run(*words, env={"BREYTA_API_URL": c.env()["BREYTA_API_URL"]}, status=1)
        assert body["ok"] is False and "auth" in body["error"]["code"] and "--api-key-file" in body["hint"], body
    with socket.socket() as deaf:  # takes connections and says nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        env = {"BREYTA_API_URL": f"http://127.0.0.1:{deaf.getsockname()[1]}", "BREYTA_API_KEY": "k"}
        c.fails("timeout", "flows", "delete", "x", "--yes", "--timeout", "100ms", env=env)
        c.fails("timeout", "flows", "push", "--file", write(c, "slow.edn", flow("slow", "1")), "--timeout", "100ms", env=env)
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.headers["X-Breyta-Operation-ID"], self.headers["X-Breyta-Operation-Attempt"]))
            body = self.rfile.read(int(self.headers["content-length"]))
            out = b"<html>" if len(seen) > 2 else b"busy"
            self.send_response(200 if len(seen) > 2 else 503)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_):
            pass
    httpd = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    c.fails("invalid_answer", "flows", "archive", "x", env={"BREYTA_API_URL": f"http://127.0.0.1:{httpd.server_port}"})
    assert len({op for op, _ in seen}) == 1 and [a for _, a in seen] == ["1", "2", "3"], seen  # one operation, tried again
    httpd.shutdown()


def test_help(c):
    p = c.raw("--help")
    assert p.returncode == 0 and "breyta serve" in p.stdout and "breyta flows" in p.stdout
    for words in (["flows", "push", "--help"], ["help", "flows", "push"], ["flow", "push", "-h"]):
        p = c.raw(*words, env={})
        assert p.returncode == 0 and p.stdout.startswith("Usage: breyta flows push") and "--validate" in p.stdout and "flows.put_draft" in p.stdout, p
    for words in (["flows"], ["help", "flows"], ["flows", "--help"]):
        p = c.raw(*words, env={})
        assert p.returncode == 0 and "versions list" in p.stdout, p
    man = c.raw("--man", "breyta").stdout
    for name, row in c.table.items():
        if not row.get("hidden"):
            assert "breyta " + name.replace("-", "\\-") in man, name
    d = c.data("commands", "secrets")
    assert [x["name"] for x in d["items"]] == ["secrets list", "secrets set", "secrets usages", "secrets delete"]


def test_every_row_has_a_case(c):
    tested = {"jobs", "agent", "docs", "incidents", "digests", "feedback"}  # test_client_jobs.py, test_worker.py, test_client_agent.py, test_client_look.py
    left = sorted(n for n in c.table if n not in c.used and n.split()[0] not in tested and n not in ("flows installations upload", "auth api-connection"))
    assert not left, f"rows that no test uses: {left}"


if __name__ == "__main__":
    client.run(globals())
