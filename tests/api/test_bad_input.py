#!/usr/bin/env python3
"""Bad input for every command and route, made from the server's own table: wrong and missing arguments, bodies that are no JSON, deep or large,
ids that are not there or another workspace's, keys that may not, paths and headers that are none, slow clients, and the same operation many
times at once. Every answer is a JSON object with code and message and no 5xx, nothing of another workspace is in it, and the server stays
alive and small. SEED=n repeats what was chosen by chance. See server.py."""
import http.client
import json
import os
import random
import re
import socket
import string
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import contract
from server import BIN, flow, run_tests
from test_workspaces import account, bootstrap, get, in_workspace, post

SEED = int(os.environ.get("SEED", random.randrange(1 << 30)))
CANARY = "canary7b1e"  # stands in everything that ws-local has
WRONG = [7, -1, 1.5, "x", True, [], {}, [[1]], {"a": {"b": None}}]
NASTY = ["", " ", "../../../etc/passwd", "%2e%2e%2fetc", "\u0000", "a\u0000b", "\ud800", "\U0001f600", "x" * 70000, "' OR 1=1 --", "res://v1/ws/ws-local/file/../x",
         "res://v1/ws/other/file/1", "\r\nX-A: b", 2**63, -2**63 - 1, 1e308, [None] * 1000, {str(i): i for i in range(1000)}, "{{x}}", "(+ 1", "#=(x)", "-r1", "latest"]
SEGMENTS = ["x", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "%ff", "%zz", "a%2Fb", "%F0%9F%98%80", "'%20OR%201=1", "9" * 400, "%252e%252e", "-1", "1-1", "live", "."]
BODIES = [b"", b"{", b"nul", b"null", b"[]", b'"x"', b"7", b"\xff\xfe", b'{"a":1,}', b'{"a":\x00}', b"[" * 100000, b'{"a":' * 5000, b'{"a":1}{"b":2}', b'{"a":1e999999}',
          b'{"\\ud800":1}', b"<x/>", b'{"uri":null}', b"{}" + b" " * 2_000_000]


class Client:
    """One connection that is kept open; the server may close it."""

    def __init__(self, s):
        self.s, self.c, self.asked = s, None, 0

    def ask(self, method, path, body=None, headers=None, key=True):
        h = {"Content-Type": "application/json", **(headers or {})}
        if key:
            h["Authorization"] = f"Bearer {self.s.key if key is True else key}"
        for again in (True, False):
            if not self.c:
                self.c = http.client.HTTPConnection("127.0.0.1", self.s.port, timeout=30)
            try:
                self.c.request(method, path, body, h)
                r = self.c.getresponse()
                data = r.read()
                break
            except (OSError, http.client.HTTPException):
                self.c.close()
                self.c = None
                if not again:
                    raise
        self.asked += 1
        contract.seen(self.s, method, path, body, r.status, r.headers.get("Content-Type"), data)
        what = f"{method} {path[:200]} {str(body)[:300]}"
        assert r.status < 500, f"{what}: {r.status} {data[:300]}"
        if r.status >= 400 and not path.endswith("/mcp"):
            e = json.loads(data)
            assert e["ok"] is False and e["error"]["code"] and e["error"]["message"] and e["error"]["code"] != "internal", f"{what}: {data[:300]}"
        return r.status, data

    def command(self, name, args, key=True, ws=None, op=None):
        headers = {"X-Breyta-Operation-ID": op or str(uuid.uuid4()), **({"X-Breyta-Workspace": ws} if ws else {})}
        return self.ask("POST", "/api/commands", json.dumps({"command": name, "args": args}), headers, key)


def table(s):
    """The commands as {name: args schema} and the routes as (method, path, operation), without the two doors of commands."""
    contract.contract = contract.contract or contract.Contract(s.description())
    c = contract.contract
    routes = [(m, path, op) for path, methods in c.d["paths"].items() for m, op in ((k.upper(), v) for k, v in methods.items())
              if path.startswith("/api/") and op["operationId"] not in ("commands", "commands.global")]
    return {n: c.schemas[n]["properties"]["args"] for n in c.commands}, routes


def memory(s):
    with open(f"/proc/{s.process.pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def alive(s, before):
    more = (1 << 20) if "nogc" in BIN else (96 << 10)  # built for a sanitizer, nothing is ever freed
    assert s.http("GET", "/readyz", key=False).status == 200 and s.ok("flows.list")
    assert memory(s) < before + more, f"{before} KiB before, {memory(s)} KiB after"


BODY = """(do (flow/step :kv :a {:operation :set :key "%s-k" :value {:n 1}})
  (flow/step :function :t {:input {} :code '(fn [_] [{:id 1 :name "%s"}]) :persist {:type :table :table "%s-t" :key-fields [:id]}})
  (flow/step :wait :w {:key "%s-w" :title "%s"}))""" % ((CANARY,) * 5)


def furnish(s):
    """Something of everything in ws-local; the arguments that name it."""
    text = flow("f", BODY, extra=":steps [{:id :tools/p :type :kv :description \"%s\"}]" % CANARY)
    assert s.ok("flows.put_draft", {"flowLiteral": text}).data["valid"]
    s.ok("flows.release", {"flowSlug": "f", "releaseNote": CANARY})
    s.ok("flows.promote", {"flowSlug": "f"})
    run = s.ok("flows.run", {"flowSlug": "f", "input": {"x": CANARY}}).data["workflowId"]
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
    s.ok("steps.docs.put", {"flowSlug": "f", "stepId": "a", "markdown": CANARY})
    inst = s.ok("flows.installations.create", {"flowSlug": "f", "name": CANARY}).data["instance"]["profileId"]
    uri = post(s, "/api/files/uploads/init", {"filename": CANARY + ".txt", "content-type": "text/plain"}).body["uri"]
    s.raw("PUT", "/api/files/uploads/direct?uri=" + urllib.parse.quote(uri, safe=""), b"it is a " + CANARY.encode())
    assert post(s, "/api/files/uploads/complete", {"uri": uri}).status == 200
    conn = post(s, "/api/connections", {"type": "http-api", "name": CANARY, "base-url": "http://127.0.0.1:9", "api-key": "k" * 20}).body["connection"]["id"]
    assert s.http("PATCH", f"/api/debug/overlays/f/breakpoint/{CANARY}", b'{"type": "both"}').status == 200
    sa, key = account(s, ["flows.read"])
    wait = s.http("GET", f"/api/waits?workflowId={run}").body["items"][0]["waitId"]
    return {"flowSlug": "f", "workflowId": run, "workflow": run, "side": "both", "runId": run, "stepId": "a", "profileId": inst, "installationId": inst, "serviceAccountId": sa, "keyId": key.split("_")[1],
            "uri": uri, "connectionId": conn, "id": conn, "run": run, "step": "a", "slug": "f", "target": "live", "wait": wait, "ws": "ws-local", "flowLiteral": text, "flow": "f",
            "flow-slug": "f", "version": 1, "path": "webhooks/f/x", "name": "approve", "op": "query", "q": CANARY, "stepType": "kv", "workflowIds": [run]}


def sample(name, schema, known):
    if name in known and contract.is_type(known[name], schema.get("type", "string")) and "enum" not in schema:
        return known[name]
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "a1", "integer": schema.get("minimum", 1), "boolean": True, "object": {}, "array": []}.get(schema.get("type"), 1)


def args_of(schema, known):
    return {k: sample(k, v, known) for k, v in schema["properties"].items()}


def needs_key(op):
    return op.get("security") != [] and not op["operationId"].startswith(("interfaces.", "workspaces.interfaces."))


def filled(path, known, segment=None):
    out = path
    for p in path.split("{")[1:]:
        name = p.split("}")[0]
        out = out.replace("{%s}" % name, segment if segment is not None else urllib.parse.quote(str(known.get("wait" if name == "id" and "waits" in path else name, "x")), safe=""))
    return out


def test_every_argument_of_every_command(s):
    rng, c, known = random.Random(SEED), Client(s), furnish(s)
    commands, _ = table(s)
    before = memory(s)
    for name, schema in commands.items():
        good = args_of(schema, known)
        for k, v in schema["properties"].items():
            wrong = [x for x in WRONG if "type" in v and not contract.is_type(x, v["type"])]
            for x in wrong:
                status, data = c.command(name, {**good, k: x})
                assert status == 400 and json.loads(data)["error"]["details"]["argument"] == k, (name, k, x, status, data[:300])
            for x in rng.sample(NASTY, 2):
                c.command(name, {**good, k: x})
        for k in schema.get("required", []):
            status, data = c.command(name, {x: y for x, y in good.items() if x != k})
            assert status == 400 and json.loads(data)["error"]["details"]["argument"] == k, (name, k, status, data[:300])
        for args in ([], "x", 7):
            assert c.command(name, args)[0] == 400, (name, args)
    assert c.asked > 1500, c.asked
    alive(s, before)


def test_every_part_of_every_route(s):
    rng, c, known = random.Random(SEED), Client(s), furnish(s)
    _, routes = table(s)
    before = memory(s)
    for method, path, op in routes:
        names = [p["name"] for p in op.get("parameters", []) if p["in"] == "query"]
        if "{" in path:
            for segment in SEGMENTS:
                c.ask(method, filled(path, known, segment))
        there = filled(path, known)
        for k in names:
            for x in rng.sample(NASTY, 4) + ["", "x", "-1", "1.5", "true"]:
                text = x if isinstance(x, str) else json.dumps(x)[:500]
                c.ask(method, f"{there}?{k}=" + urllib.parse.quote(text.encode("utf-8", "surrogatepass")[:4000]))
            for raw in ("%", "%zz", "%ff", "%00", "a%0d%0aX:y"):
                c.ask(method, f"{there}?{k}={raw}")
        if method not in ("GET", "DELETE"):
            for body in rng.sample(BODIES, 8) + BODIES[:5]:
                c.ask(method, there, body)
            schema = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for k, v in schema.get("properties", {}).items():
                for x in [x for x in WRONG if "type" in v and not contract.is_type(x, v["type"])]:
                    assert c.ask(method, there, json.dumps({**args_of(schema, known), k: x}))[0] in (400, 403, 404, 405, 409), (method, path, k, x)
    c.ask("POST", "/api/nothing/%2e%2e/%2e%2e/etc/passwd", b"{}")
    assert c.asked > 1000, c.asked
    alive(s, before)


def test_keys_that_may_not(s):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1.2))
    sa, _ = account(s, ["workspace.full"])
    ended = s.ok("service_accounts.keys.create", {"serviceAccountId": sa, "expiresAt": soon}).data["key"]
    revoked = s.ok("service_accounts.keys.create", {"serviceAccountId": sa}).data["key"]
    s.ok("service_accounts.keys.revoke", {"serviceAccountId": sa, "keyId": revoked["keyId"]})
    off, sleeping = account(s, ["workspace.full"])
    s.ok("service_accounts.update", {"serviceAccountId": off, "status": "disabled"})
    _, small = account(s, ["feedback.send"])
    known, c = furnish(s), Client(s)
    commands, routes = table(s)
    s.until(lambda: s.command("flows.list", key=ended["apiKey"]).status == 401, "the key has expired")
    bad = {"none": False, "garbage": "x", "expired": ended["apiKey"], "revoked": revoked["apiKey"], "disabled": sleeping, "altered": s.key[:-1] + ("a" if s.key[-1] != "a" else "b")}
    for why, key in bad.items():
        for name, schema in commands.items():
            status, data = c.command(name, args_of(schema, known), key)
            assert status == 401 and CANARY.encode() not in data, (why, name, status, data[:300])
        for method, path, op in routes:
            if needs_key(op):
                status, data = c.ask(method, filled(path, known), key=key)
                assert status == 401 and CANARY.encode() not in data, (why, method, path, status, data[:300])
    open_to_all = {"me", "auth.verify", "mcp", "workspaces.members", "workspaces.bootstrap", "docs.pages", "docs.page"}
    for name, schema in commands.items():
        status, data = c.command(name, args_of(schema, known), small)
        assert status == 403 or name == "feedback.send", (name, status, data[:300])
    for method, path, op in routes:
        if needs_key(op) and op["operationId"] not in open_to_all:
            status, data = c.ask(method, filled(path, known), b"{}" if method in ("POST", "PUT", "PATCH") else None, key=small)
            assert status == 403 and CANARY.encode() not in data, (method, path, status, data[:300])


def test_another_workspace_sees_nothing(s):
    known, c = furnish(s), Client(s)
    bootstrap(s, "ws-b")
    _, theirs = account(s, ["workspace.full"], "ws-b")
    commands, routes = table(s)
    before = {n: s.ok(n, a).body["data"] for n, a in (("flows.get", {"flowSlug": "f", "includeFlowLiteral": True}), ("runs.get", {"workflowId": known["workflowId"]}),
                                                      ("flows.versions.list", {"flowSlug": "f"}), ("flows.installations.list", {"flowSlug": "f"}))}
    echoed = {"flowLiteral", "q"}  # what the caller said itself may be in the answer
    mine = {k: v for k, v in known.items() if k not in echoed}
    for name, schema in commands.items():
        if name in ("flows.put_draft",):
            continue
        status, data = c.command(name, args_of(schema, mine), theirs)
        assert CANARY.encode() not in data, (name, status, data[:500])
        status, data = c.command(name, args_of(schema, mine), theirs, ws="ws-local")
        assert status == 403 and CANARY.encode() not in data, (name, status, data[:300])
    for method, path, op in routes:
        query = "?" + urllib.parse.urlencode({p["name"]: sample(p["name"], p["schema"], mine) for p in op.get("parameters", []) if p["in"] == "query"})
        schema = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        body = json.dumps(args_of(schema, mine) if "properties" in schema else {"uri": known["uri"]}) if method in ("POST", "PUT", "PATCH") else None
        for headers in ({}, {"X-Breyta-Workspace": "ws-local"}):
            status, data = c.ask(method, filled(path, known) + query, body, headers, theirs)
            assert CANARY.encode() not in data, (method, path, status, data[:500])
            if headers and needs_key(op) and "{ws}" not in path:
                assert status == 403, (method, path, status, data[:300])
    for n, a in (("flows.get", {"flowSlug": "f", "includeFlowLiteral": True}), ("runs.get", {"workflowId": known["workflowId"]}),
                 ("flows.versions.list", {"flowSlug": "f"}), ("flows.installations.list", {"flowSlug": "f"})):
        assert s.ok(n, a).body["data"] == before[n], n
    assert s.http("GET", "/api/resources/by-uri?uri=" + urllib.parse.quote(known["uri"], safe="")).status == 200


def whole(got):
    head, end, body = got.partition(b"\r\n\r\n")
    if head.endswith(b" 100 Continue"):
        return whole(body)
    n = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return end and n and len(body) >= int(n[1])


def told(s, data, wait=0.4):
    """The first answer of the server to these bytes: b"" when it closes without a word, or waits for more."""
    with socket.create_connection(("127.0.0.1", s.port), timeout=wait) as c:
        got = b""
        try:
            c.sendall(data)
            while not whole(got):
                part = c.recv(65536)
                if not part:
                    break
                got += part
        except OSError:
            pass
        return got


def test_headers_that_are_none(s):
    before = memory(s)
    auth = f"Authorization: Bearer {s.key}\r\n".encode()
    line = b"GET /api/me HTTP/1.1\r\nHost: x\r\n"
    post_line = b"POST /api/commands HTTP/1.1\r\nHost: x\r\n" + auth
    body = b'{"command":"flows.list","args":{}}'
    for data in (b"\r\n\r\n", b"\x00" * 4000, b"GET\r\n\r\n", b"GET /api/me\r\n\r\n", b"GET /api/me HTTP/9.9\r\n\r\n", b"G" * 100000, b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n\r\n",
                 line + b"X-A: " + b"a" * 300000 + b"\r\n\r\n", line + b"X-A: b\r\n" * 20000 + b"\r\n", line + b"no colon\r\n\r\n", line + b": empty\r\n\r\n", line + b"A\x00B: c\r\n\r\n",
                 line + auth + b"X-Breyta-Workspace: ws\x00local\r\n\r\n", line + auth + b"X-Breyta-Workspace: " + b"w" * 5000 + b"\r\n\r\n", line + auth + auth + b"\r\n",
                 line + b"Authorization: Bearer " + b"b" * 5000 + b"\r\n\r\n", line + b"Authorization: Basic eDp5\r\n\r\n", line + b"Authorization:\r\n\r\n",
                 post_line + b"Content-Length: -1\r\n\r\n" + body, post_line + b"Content-Length: 99999999999999999999\r\n\r\n" + body, post_line + b"Content-Length: x\r\n\r\n" + body,
                 post_line + b"Content-Length: 5\r\nContent-Length: 34\r\n\r\n" + body, post_line + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
                 post_line + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n22\r\n" + body + b"\r\n0\r\n\r\n", post_line + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
                 b"PROPFIND /api/me HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE /api/me HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"get /api/me HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://other/api/me HTTP/1.1\r\nHost: x\r\n\r\n", b"GET //api//me HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /api/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /ws-local/resources/content/../../x HTTP/1.1\r\nHost: x\r\n\r\n",
                 post_line + b"Content-Length: 34\r\nX-Breyta-Operation-ID: \x01\r\n\r\n" + body, post_line + b"Content-Length: 3400\r\n\r\n" + body):
        got = told(s, data)
        if got:
            assert got.startswith(b"HTTP/1.") and (b" 50" not in got.split(b"\r\n", 1)[0] or b" 505 " in got), (data[:120], got[:200])
            head, _, text = got.partition(b"\r\n\r\n")
            if b"application/json" in head and b" 200 " not in head.split(b"\r\n", 1)[0]:
                assert json.loads(text)["error"]["code"], (data[:120], text[:200])
            assert b"root:" not in got
    assert told(s, post_line + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 34\r\n\r\n" + body).count(b'"ok":true') == 1
    alive(s, before)


def test_slow_and_half_open_clients(s):
    before = memory(s)
    head = b"POST /api/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(300)]
    for i, c in enumerate(slow):
        c.sendall((head + b"{" * (i % 50), b"GET /api/me HT", b"", head[: i % len(head)])[i % 4])
    for i in range(60):  # they ask and do not wait for the answer
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.sendall(f"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20)
            if i % 2:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    unread = socket.create_connection(("127.0.0.1", s.port))  # asks for much and reads nothing
    unread.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    times = []
    for _ in range(50):
        began = time.monotonic()
        s.ok("flows.list")
        times.append(time.monotonic() - began)
    assert sorted(times)[25] < 1.0, sorted(times)[-5:]
    for c in slow + [unread]:
        c.close()
    alive(s, before)


def changes(s, known):
    """A changing request of each kind that succeeds: (name, what asks with an operation id)."""
    def command(name, args):
        return name, lambda op: s.command(name, args, op=op)

    def rest(name, path, body, method="POST"):
        return name, lambda op: s.http(method, path, json.dumps(body), {"Content-Type": "application/json", "X-Breyta-Operation-ID": op})
    text = flow("g", "2")
    yield command("flows.put_draft", {"flowLiteral": text})
    yield command("flows.release", {"flowSlug": "f", "releaseNote": "again"})
    yield command("flows.versions.publish", {"flowSlug": "f"})
    yield command("flows.deploy", {"flowSlug": "f"})
    yield command("flows.promote", {"flowSlug": "f", "version": 1})
    yield command("flows.versions.activate", {"flowSlug": "f", "version": 1})
    yield command("flows.update", {"flowSlug": "f", "description": "new"})
    yield command("flows.configure", {"flowSlug": "f", "target": "draft", "inputs": {}})
    yield command("flows.installations.create", {"flowSlug": "f", "name": "n"})
    yield command("flows.run", {"flowSlug": "g"})
    yield command("runs.start", {"flowSlug": "g", "source": "draft"})
    yield command("runs.replay", {"workflowId": known["workflowId"]})
    yield command("runs.cancel", {"workflowId": known["workflowId"]})
    yield command("steps.examples.add", {"flowSlug": "f", "stepId": "a", "input": {}, "output": {}})
    yield command("steps.tests.add", {"flowSlug": "f", "stepId": "a", "stepType": "kv", "name": "t", "input": {}, "expected": {}})
    yield command("service_accounts.create", {"name": "n", "capabilities": []})
    yield rest("connections.create", "/api/connections", {"type": "http-api", "name": "n", "base-url": "http://127.0.0.1:9"})
    yield rest("files.upload.init", "/api/files/uploads/init", {"filename": "n"})
    yield rest("workspaces.bootstrap", "/api/debug/workspace/bootstrap", {"workspaceId": "ws-n"})
    yield command("flows.archive", {"flowSlug": "g"})
    yield command("flows.delete", {"flowSlug": "g", "yes": True, "force": True})


def test_the_same_operation_many_times_at_once(s):
    known = furnish(s)
    with ThreadPoolExecutor(8) as pool:
        for name, ask in changes(s, known):
            op = f"op-{name}"
            answers = list(pool.map(lambda _: ask(op), range(8)))
            assert all(a.status < 300 for a in answers) and len({json.dumps(a.body) for a in answers}) == 1, (name, answers[:3])
            assert json.dumps(ask(op).body) == json.dumps(answers[0].body), name
    versions = [v["version"] for v in s.ok("flows.versions.list", {"flowSlug": "f"}).data["items"]]
    assert versions == [4, 3, 2, 1], versions
    assert len(s.ok("flows.installations.list", {"flowSlug": "f"}).data["items"]) == 2
    assert len([a for a in s.ok("service_accounts.list").data["items"] if a["name"] == "n"]) == 1
    assert len(s.ok("steps.examples.list", {"flowSlug": "f", "stepId": "a"}).data["items"]) == 1
    assert len([i for i in get(s, "/api/connections").body["items"] if i["name"] == "n"]) == 1


if __name__ == "__main__":
    print(f"# SEED={SEED}")
    run_tests(dict(globals()))
