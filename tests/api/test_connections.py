#!/usr/bin/env python3
"""Connections and secrets over the API, with a real HTTP server behind them. See server.py."""
import http.server
import json
import os
import threading
import uuid

from server import Server, run_tests
from test_workspaces import account, bootstrap, get, post

SECRET = "s3cret-" + "x" * 24


class Upstream:
    """Answers with what it was asked; /deny refuses, /echo-auth gives the credentials back."""

    def __enter__(self):
        seen = self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                seen.append((self.command, self.path, dict(self.headers), body.decode()))
                status = 401 if self.path.startswith("/deny") or self.headers.get("authorization") != f"Bearer {SECRET}" else 200
                out = {"path": self.path, "method": self.command, "body": body.decode()}
                if self.path.startswith("/echo-auth"):
                    out["auth"] = self.headers.get("authorization")
                data = json.dumps(out).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Here", "yes")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()


def put(s, path, body, ws=None, key=True):
    return s.http("PUT", path, json.dumps(body), {"X-Breyta-Workspace": ws} if ws else {}, key)


def delete(s, path, ws=None, key=True):
    return s.http("DELETE", path, None, {"X-Breyta-Workspace": ws} if ws else {}, key)


def make(s, up, ws=None, **more):
    a = post(s, "/api/connections", {"type": "http-api", "name": "up", "base-url": up.url, "api-key": SECRET, **more}, ws)
    assert a.status == 201, a
    return a.body["connection"]["id"]


def test_create_list_get_update_delete(s):
    with Upstream() as up:
        cid = make(s, up, description="the upstream")
        s.kill()
        s.start()
        c = get(s, f"/api/connections/{cid}").body
        assert c["connection-id"] == cid and c["type"] == "http-api" and c["base-url"] == up.url and c["status"] == "active", c
        assert c["config"]["auth"] == {"type": "bearer", "secret-ref": f"{cid}.api-key"}, c
        db = post(s, "/api/connections", {"type": "database", "name": "db", "backend": "sqlite", "config": {"path": "x.db"}}).body["connection"]
        assert [i["id"] for i in get(s, "/api/connections?type=database").body["items"]] == [db["id"]]
        page = get(s, "/api/connections?limit=1").body
        assert page["has-more"] is True and len(page["items"]) == 1
        rest = get(s, f"/api/connections?limit=1&cursor={page['next-cursor']}").body
        assert rest["has-more"] is False and {rest["items"][0]["id"], page["items"][0]["id"]} == {cid, db["id"]}
        u = put(s, f"/api/connections/{cid}", {"id": cid, "name": "renamed", "status": "disabled"})
        assert u.status == 200 and u.body["connection"]["name"] == "renamed" and u.body["connection"]["status"] == "disabled", u
        assert u.body["connection"]["config"] == c["config"]
        for path, body, status in (("/api/connections", {}, 400), ("/api/connections", {"type": "nope", "name": "x"}, 400),
                                   ("/api/connections", {"type": "http-api", "name": ""}, 400),
                                   ("/api/connections", {"type": "http-api", "name": "x", "config": 3}, 400),
                                   ("/api/connections", {"type": "database", "name": "x", "backend": "postgres", "config": {"password": "p"}}, 400),
                                   ("/api/connections/conn-none/test", {}, 404), ("/api/connections/conn-none/call", {"path": "/"}, 404)):
            a = post(s, path, body)
            assert a.status == status and a.code, (path, body, a)
        assert put(s, f"/api/connections/{cid}", {"status": "asleep"}).status == 400
        assert put(s, "/api/connections/conn-none", {"name": "x"}).status == 404
        assert delete(s, f"/api/connections/{cid}").status == 200
        assert get(s, f"/api/connections/{cid}").status == 404 and delete(s, f"/api/connections/{cid}").status == 404
        assert get(s, "/api/secrets").body["items"] == []


def test_secret_values_never_come_back(s):
    with Upstream() as up:
        cid = make(s, up)
        texts = [json.dumps(get(s, p).body) for p in ("/api/connections", f"/api/connections/{cid}", f"/api/connections/{cid}/items", "/api/secrets")]
        texts.append(json.dumps(post(s, f"/api/connections/{cid}/call", {"path": "/echo-auth"}).body))
        texts.append(json.dumps(post(s, f"/api/connections/{cid}/test").body))
        assert all(SECRET not in t for t in texts), texts
        assert "#secret[" in texts[4]
        assert s.stop() == 0
        for name in os.listdir(s.dir.name + "/data"):
            path = os.path.join(s.dir.name, "data", name)
            if os.path.isfile(path):
                assert SECRET.encode() not in open(path, "rb").read(), name
        assert os.stat(s.dir.name + "/data/secrets.key").st_mode & 0o777 == 0o600


def test_call(s):
    with Upstream() as up:
        cid = make(s, up)
        call = f"/api/connections/{cid}/call"
        a = post(s, call, {"method": "POST", "path": "/x", "query": {"q": "1 2"}, "headers": {"X-A": "b"}, "json": {"n": 1}}).body
        assert a["success"] is True and a["status"] == 200 and a["body"] == {"path": "/x?q=1%202", "method": "POST", "body": '{"n":1}'}, a
        assert up.seen[-1][2]["Authorization"] == f"Bearer {SECRET}" and up.seen[-1][2]["X-A"] == "b"
        a = post(s, call, {"url": up.url + "/y", "includeHeaders": ["x-here"], "responseAs": "text"}).body
        assert a["headers"] == {"x-here": "yes"} and isinstance(a["body"], str), a
        a = post(s, call, {"path": "/deny"}).body
        assert a["success"] is False and a["status"] == 401 and a["error"]["type"] == "http-error", a
        before = len(up.seen)
        for body in ({"url": "http://localhost:1/"}, {"url": up.url + ".evil.example/"}, {"url": up.url, "path": "/"}, {"timeout": 0},
                     {"responseAs": "picture"}, {"headers": []}):
            assert post(s, call, body).status == 400, body
        assert len(up.seen) == before
        put(s, f"/api/connections/{cid}", {"status": "disabled"})
        assert post(s, call, {"path": "/"}).status == 409
    gone = post(s, "/api/connections", {"type": "http-api", "name": "gone", "base-url": up.url, "config": {"auth": {"type": "none"}}}).body["connection"]["id"]
    a = post(s, f"/api/connections/{gone}/call", {"path": "/"}).body
    assert a["success"] is False and a["error"]["type"] == "network", a


def test_guard(s):
    """Without an allow-list nothing private is reached: a server of its own, for the list is the environment's."""
    del s
    kept = os.environ.get("BREYTA_ALLOW_PRIVATE_HOSTS")
    os.environ["BREYTA_ALLOW_PRIVATE_HOSTS"] = ""
    try:
        with Upstream() as up, Server() as own:
            cid = make(own, up)
            a = post(own, f"/api/connections/{cid}/call", {"path": "/"}).body
            assert a["success"] is False and a["error"]["type"] == "guard" and not up.seen, a
            t = post(own, f"/api/connections/{cid}/test").body
            assert t["success"] is False and not up.seen, t
    finally:
        del os.environ["BREYTA_ALLOW_PRIVATE_HOSTS"]
        if kept is not None:
            os.environ["BREYTA_ALLOW_PRIVATE_HOSTS"] = kept


def test_tests(s):
    with Upstream() as up:
        good = make(s, up)
        denied = make(s, up, name="denied", **{"base-url": up.url + "/deny"})
        t = post(s, f"/api/connections/{good}/test").body
        assert t["success"] is True and t["status"] == "ok" and t["state"] == "fine", t
        t = post(s, f"/api/connections/{denied}/test").body
        assert t["success"] is False and t["state"] == "auth-refused", t
        a = post(s, "/api/connections/test", {"all": True, "onlyFailing": False}).body
        assert a["summary"] == {"tested": 2, "ok": 1, "failed": 1} and len(a["items"]) == 2, a
        a = post(s, "/api/connections/test", {"all": True, "onlyFailing": True}).body
        assert [i["connection-id"] for i in a["items"]] == [denied] and a["summary"]["tested"] == 2, a
    bootstrap(s, "ws-b")
    assert post(s, "/api/connections/test", {"all": True}, "ws-b").body["summary"]["tested"] == 0


def test_secrets(s):
    a = post(s, "/api/secrets", {"secret-id": "token", "value": "v1-long-enough"})
    assert a.status == 200 and a.body["version"] == 1 and "value" not in a.body, a
    assert post(s, "/api/secrets", {"secret-id": "token", "value": "v2-long-enough"}).body["version"] == 2
    for body in ({"secret-id": "x"}, {"secret-id": "x", "value": ""}, {"secret-id": "", "value": "v"}, {"secret-id": "x", "value": 3}):
        assert post(s, "/api/secrets", body).status == 400, body
    c = post(s, "/api/connections", {"type": "http-api", "name": "n", "base-url": "http://127.0.0.1:1",
                                     "config": {"auth": {"type": "bearer", "secret-ref": "token"}}}).body["connection"]["id"]
    assert get(s, "/api/secrets?secret-id=token").body["items"][0]["version"] == 2
    u = get(s, "/api/secrets/usages?secret-id=token").body["items"]
    assert u == [{"secret-id": "token", "connection-id": c, "connected": False}], u
    assert get(s, "/api/secrets/usages?only-connected=true").body["items"] == []
    assert delete(s, "/api/secrets/token").status == 409
    bootstrap(s, "ws-b")
    assert get(s, "/api/secrets", "ws-b").body["items"] == [] and delete(s, "/api/secrets/token", "ws-b").status == 404
    assert delete(s, f"/api/connections/{c}").status == 200
    assert delete(s, "/api/secrets/token").status == 200
    assert delete(s, "/api/secrets/token").status == 404
    s.kill()
    s.start()
    assert get(s, "/api/secrets").body["items"] == []


def test_other_workspaces_and_scopes(s):
    with Upstream() as up:
        bootstrap(s, "ws-b")
        cid = make(s, up, "ws-b")
        for method, path in (("GET", f"/api/connections/{cid}"), ("GET", f"/api/connections/{cid}/items"), ("DELETE", f"/api/connections/{cid}"),
                             ("POST", f"/api/connections/{cid}/test"), ("POST", f"/api/connections/{cid}/call"), ("PUT", f"/api/connections/{cid}")):
            a = s.http(method, path, "{}" if method in ("POST", "PUT") else None)
            assert a.status == 404, (method, path, a)
        assert get(s, "/api/connections").body["items"] == [] and get(s, "/api/connections/usages").body["items"] == []
        assert not up.seen
        _, reader = account(s, ["connections.read"], "ws-b")
        _, nobody = account(s, ["flows.read"], "ws-b")
        assert get(s, f"/api/connections/{cid}", None, reader).status == 200
        for method, path in (("DELETE", f"/api/connections/{cid}"), ("POST", f"/api/connections/{cid}/test"), ("POST", f"/api/connections/{cid}/call"),
                             ("POST", "/api/connections/test"), ("POST", "/api/connections"), ("PUT", f"/api/connections/{cid}"),
                             ("POST", "/api/secrets"), ("DELETE", "/api/secrets/x")):
            assert s.http(method, path, "{}" if method in ("POST", "PUT") else None, {}, reader).status == 403, (method, path)
        for path in ("/api/connections", f"/api/connections/{cid}", "/api/connections/usages", "/api/secrets", "/api/secrets/usages"):
            assert get(s, path, None, nobody).status == 403, path
        assert not up.seen


def test_unused(s):
    with Upstream() as up:
        a, b = make(s, up), make(s, up)
        dry = s.ok("connections.unused.cleanup").data
        assert dry["applied"] is False and {i["id"] for i in dry["items"]} == {a, b}
        assert {i["connection-id"] for i in get(s, "/api/connections/usages").body["items"] if not i["connected"]} == {a, b}
        assert get(s, "/api/connections/usages?only-connected=true").body["items"] == []
        op = str(uuid.uuid4())
        done = s.ok("connections.unused.cleanup", {"apply": True}, op=op)
        assert done.data["count"] == 2 and get(s, "/api/connections").body["items"] == []
        assert s.ok("connections.unused.cleanup", {"apply": True}, op=op).data == done.data
        items = get(s, f"/api/connections/{make(s, up)}/items?item-type=secret").body
        assert items["summary"] == {"total": 1} and items["has-more"] is False and items["items"][0]["item-type"] == "secret", items


def test_what_could_not_be_read_back_is_refused(s):
    """One such connection would take the list of all with it."""
    with Upstream() as up:
        cid = make(s, up)
        before = get(s, "/api/connections").body
        for word in ("", " ", "a b", "'; drop", "{}", ":x", "a:", "a,b", "a\"b", "a\\b", "~", "#\"x\""):
            for body in ({"backend": word}, {"config": {"auth": {"type": word}}}):
                a = post(s, "/api/connections", {"type": "http-api", "name": "n", "api-key": SECRET, **body})
                b = put(s, f"/api/connections/{cid}", body)
                assert (a.status, a.code, b.status, b.code) == (400, "bad_connection", 400, "bad_connection"), (body, a, b)
            assert get(s, "/api/connections").body == before, word
        assert len(get(s, "/api/secrets").body["items"]) == 1
        names = {"a b": 1, "": 2, "headers": {"X Y": "\u2028\"\\", "a/b": None}, "n": [10 ** 40, -0.0, {"k l": []}]}
        assert put(s, f"/api/connections/{cid}", {"config": names, "backend": "b-1.x_y"}).status == 200
        assert get(s, "/api/connections").body["items"][0]["config"]["headers"]["X Y"] == "\u2028\"\\"


def test_a_connection_to_this_api(s):
    def call(key=True, **body):
        return s.http("POST", "/api/auth/runtime-connection", json.dumps({"token": s.key, "baseUrl": "http://127.0.0.1:1", **body}), {}, key)
    a = call(name="Mine")
    assert a.status == 201, a
    cid = a.body["connection"]["id"]
    again = call(connectionId=cid, baseUrl="http://127.0.0.1:2").body["connection"]
    assert (again["id"], again["name"], again["base-url"]) == (cid, "Mine", "http://127.0.0.1:2"), again
    other = call(connectionId=cid, new=True)
    assert other.status == 201 and other.body["connection"]["id"] != cid and other.body["connection"]["name"] == "Breyta API", other
    _, key = account(s, ["flows.manage"])
    assert call(key).status == 201
    a = call(key, connectionId=cid, baseUrl="http://127.0.0.1:3")
    assert a.status == 403 and get(s, f"/api/connections/{cid}").body["base-url"] == "http://127.0.0.1:2", a


if __name__ == "__main__":
    run_tests({k: v for k, v in globals().items() if getattr(v, "__module__", "") == __name__})
