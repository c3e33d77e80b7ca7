#!/usr/bin/env python3
"""The server as a process, keys, the dispatcher, OpenAPI. See server.py."""
import json
import re
import socket
import subprocess
import tempfile

from server import BIN, flow, run_tests


def test_first_start_prints_three_lines(s):
    assert [line.split("=")[0] for line in s.printed] == ["BREYTA_API_URL", "BREYTA_WORKSPACE", "BREYTA_API_KEY"], s.printed
    assert s.printed[0] == f"BREYTA_API_URL=http://127.0.0.1:{s.port}" and s.workspace == "ws-local"
    assert re.fullmatch(r"bsa_sak-[0-9a-z]+_[0-9a-zA-Z]{40,}", s.key), s.key
    assert s.stop() == 0
    first = s.key
    s.start()
    assert len(s.printed) == 2 and s.key == first
    assert s.http("GET", "/api/me").status == 200
    assert s.stop() == 0 and s.process.stdout.read() == ""


def test_the_key_is_stored_as_a_hash(s):
    s.ok("flows.list")
    assert s.stop() == 0
    secret = s.key.split("_", 2)[2].encode()
    import glob
    files = glob.glob(s.dir.name + "/data/*")
    assert any(f.endswith("breyta.db") for f in files)
    for name in files:
        try:
            assert secret not in open(name, "rb").read(), name
        except IsADirectoryError:
            pass


def test_two_servers_on_one_folder(s):
    r = subprocess.run([BIN, "serve", "--data", s.dir.name + "/data", "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and r.stdout == "" and "breyta.db" in r.stderr, r


def test_usage(s):
    for args, word in ((["serve", "--nope"], "--nope"), (["serve", "--data"], "--data"), (["serve", "x"], "x"),
                       (["serve", "--workspace", "a b"], "--workspace"), (["serve", "--public-url", "example"], "--public-url")):
        r = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=30)
        assert r.returncode == 2 and word in r.stderr and r.stdout == "", (args, r)
    r = subprocess.run([BIN, "fly"], capture_output=True, text=True, timeout=30)  # the client's: test_client.py
    assert r.returncode == 1 and "fly" in r.stderr and json.loads(r.stdout)["ok"] is False, r
    with tempfile.TemporaryDirectory() as d:
        r = subprocess.run([BIN, "serve", "--data", d, "--listen", "nowhere:x"], capture_output=True, text=True, timeout=30)
        assert r.returncode == 1 and "nowhere:x" in r.stderr and r.stdout == "", r
    assert "--public-url" in subprocess.run([BIN, "--help"], capture_output=True, text=True, timeout=30).stdout


def test_keys(s):
    good = s.key
    for key, code in ((False, "api_auth_required"), ("x", "auth_invalid"), (good[:-1], "auth_invalid"), (good + "0", "auth_invalid"),
                      (good.replace("sak-", "sak-0"), "auth_invalid"), ("bsa_sak-_x", "auth_invalid")):
        for path in ("/api/me", "/api/auth/verify"):
            a = s.http("GET", path, key=key)
            assert a.status == 401 and a.code == code and a.body["ok"] is False, (key, a)
        assert s.command("flows.list", key=key).status == 401
    assert s.http("GET", "/api/me", headers={"Authorization": f"bearer  {good}"}).status == 200


def test_who_am_i(s):
    v = s.http("GET", "/api/auth/verify").body
    assert v["success"] is True and v["workspaceId"] == "ws-local" and "workspace.full" in v["capabilities"], v
    me = s.http("GET", "/api/me").body
    assert me["workspaces"] == [{"id": "ws-local", "name": "ws-local", "role": "admin"}] and me["user"]["id"].startswith("sak-"), me


def test_other_workspaces_are_closed(s):
    a = s.http("POST", "/api/commands", '{"command":"flows.list","args":{}}', {"X-Breyta-Workspace": "ws-other"})
    assert a.status == 403 and "not a workspace member" in a.body["error"]["message"], a
    a = s.http("GET", "/api/flow-profiles?flow-slug=x", headers={"X-Breyta-Workspace": "ws-other"})
    assert a.status == 403, a


def test_bad_requests(s):
    for body, code in (("", "bad_json"), ("{", "bad_json"), ("[]", "bad_request"), ("null", "bad_request"), ('{"command":3}', "bad_request"),
                       ('{"command":"flows.list","args":[]}', "bad_request"), ('{"command":"no.such","args":{}}', "unknown_command"),
                       ('{"command":"flows.list\\u0000x"}', "unknown_command"), ("\xff", "bad_json")):
        a = s.http("POST", "/api/commands", body.encode("latin-1"))
        assert a.status == 400 and a.code == code and a.body["error"]["message"], (body, a)
    assert s.command("no.such").body["error"]["message"] == "Unknown command: no.such"
    assert s.http("GET", "/api/nothing").status == 404
    assert s.http("GET", "/nothing").status == 404
    assert s.http("GET", "/api/commands").status == 405 and s.http("DELETE", "/api/me").status == 405
    assert s.http("PATCH", "/api/me").status == 405
    for method, path, allow in (("OPTIONS", "/api/me", "GET, POST, PUT, PATCH, DELETE"), ("POST", "/readyz", "GET, HEAD"), ("GET", "/ws-local/events/x", "POST"), ("POST", "/ws-local/resources/content", "GET")):
        status, headers, _ = s.raw(method, path)
        assert status == 405 and headers["Allow"] == allow, (method, path, status, headers["Allow"])
    assert s.http("POST", "/api/commands", b"x" * (17 << 20)).status == 413
    assert s.command("flows.list", op="x" * 400).status == 200  # ids of reading commands are not looked at
    assert s.command("flows.put_draft", {"flowLiteral": flow("a", "1")}, op="x" * 400).status == 400
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        c.sendall(b"POST /api/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")  # half a request holds nobody up
        assert s.ok("flows.list").data["items"] == []


def test_arguments_come_from_the_table(s):
    for args, word in (({}, "flowSlug"), ({"flowSlug": None}, "flowSlug"), ({"flowSlug": 3}, "flowSlug"), ({"flowSlug": "1a"}, "flowSlug"),
                       ({"flowSlug": "a" * 129}, "flowSlug"), ({"flowSlug": "a", "source": "x"}, "source"), ({"flowSlug": "a", "version": 0}, "version"),
                       ({"flowSlug": "a", "version": "1"}, "version"), ({"flowSlug": "a", "includeFlowLiteral": "yes"}, "includeFlowLiteral")):
        a = s.command("flows.get", args)
        assert a.status == 400 and a.code == "bad_request" and word in a.body["error"]["message"], (args, a)
        assert a.body["error"]["details"]["argument"] == word
    for limit in (0, 101, 1.5, "x"):
        assert s.command("flows.list", {"limit": limit}).status == 400, limit
    warnings = s.ok("flows.list", {"colour": "red"}).meta["warnings"]
    assert warnings[0]["code"] == "unknown_argument" and "colour" in warnings[0]["message"]


BAD = {"string": 7, "integer": "x", "boolean": "x", "object": [], "array": {}}


def test_openapi_is_true(s):
    d = s.http("GET", "/api/openapi.json", key=False).body
    assert d["openapi"].startswith("3.1"), d
    for path, methods in d["paths"].items():
        for method in () if not path.startswith("/api/") else ("GET", "POST", "PUT", "PATCH", "DELETE"):
            a = s.http(method, path, key=False)
            if method.lower() not in methods:
                assert a.status == 405, (method, path, a)
            elif methods[method.lower()].get("security") == []:
                assert a.status == (200 if method == "GET" else 400), (path, a)
            else:
                assert a.status == 401, (path, a)
    schemas = d["components"]["schemas"]
    commands = [r["$ref"].rsplit("/", 1)[1] for r in schemas["Command"]["oneOf"]]
    assert len(commands) == len(set(commands)) >= 16
    for name in commands:
        row = schemas[name]
        assert row["properties"]["command"]["const"] == name and row["description"] and row["x-scope"]
        args = row["properties"]["args"]
        needed = args.get("required", [])
        full = {k: sample(v) for k, v in args["properties"].items()}
        a = s.command(name, full)
        assert a.code not in ("unknown_command",) and not (a.code == "bad_request" and (a.body["error"].get("details") or {}).get("argument")), (name, a)
        assert "warnings" not in a.meta, (name, a)
        for k in needed:
            a = s.command(name, {x: v for x, v in full.items() if x != k})
            assert a.status == 400 and a.body["error"]["details"]["argument"] == k, (name, k, a)
        for k, v in args["properties"].items():
            if "type" in v:
                a = s.command(name, {**full, k: BAD[v["type"]]})
                assert a.status == 400 and a.body["error"]["details"]["argument"] == k, (name, k, a)
            if v.get("type") == "integer":
                a = s.command(name, {**full, k: v["minimum"] - 1})
                assert a.status == 400, (name, k, a)


def sample(v):
    if "enum" in v:
        return v["enum"][0]
    return {"string": "a1", "integer": v.get("minimum", 1), "boolean": True, "object": {}, "array": []}[v["type"]] if "type" in v else 1


def test_an_operation_is_done_once(s):
    body = {"flowLiteral": flow("once", "1")}
    s.ok("flows.put_draft", body)
    first = s.ok("flows.release", {"flowSlug": "once"}, op="op-1")
    again = s.ok("flows.release", {"flowSlug": "once"}, op="op-1")
    assert first.body == again.body and first.data["version"] == 1
    s.kill()
    s.start()
    assert s.ok("flows.release", {"flowSlug": "once"}, op="op-1").body == first.body
    assert len(s.ok("flows.versions.list", {"flowSlug": "once"}).data["items"]) == 1
    a = s.command("flows.release", {"flowSlug": "once", "releaseNote": "other"}, op="op-1")
    assert a.status == 409 and a.code == "operation_mismatch", a
    assert s.command("flows.release", {"flowSlug": "nope"}, op="op-2").status == 404
    assert s.command("flows.release", {"flowSlug": "nope"}, op="op-2").status == 404  # a failure changed nothing and is not kept
    runs = {s.ok("flows.run", {"flowSlug": "once"}, op="op-3").data["workflowId"] for _ in range(3)}
    assert len(runs) == 1 and len(s.ok("runs.list").data["items"]) == 1


if __name__ == "__main__":
    run_tests(dict(globals()))
