#!/usr/bin/env python3
"""The door itself: large bodies, TLS, many connections. See server.py."""
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile

from server import BIN, Server, certificate, flow, run_tests


def test_large_bodies(s):
    text = "x" * (3 << 20)
    a = s.command("flows.nothing", {"text": text})
    assert a.status == 400 and a.code == "unknown_command", a
    a = s.command("flows.get", {"flowSlug": "a", "text": text})
    assert a.status == 404, a
    a = s.http("POST", "/api/commands", b"[" + b"1," * (2 << 20) + b"1")  # not JSON: it ends early
    assert a.status == 400 and a.code == "bad_json", a
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        c.sendall(b"POST /api/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert b" 413 " in c.recv(4096)
    files = [f for f in os.listdir(s.dir.name + "/data") if not f.startswith("breyta.db")]
    assert files in ([], ["breyta.db-blobs"]), files  # nothing is left of them


def test_five_hundred_idle_connections_and_more(s):
    idle = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(900)]
    assert s.http("GET", "/api/me").status == 200
    for c in idle:
        c.close()


def test_many_ask_at_once(s):
    """As many as libmicrohttpd looks at in one go, all there before it looks: it used to wait for one more, up to 30 seconds."""
    request = f"GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {s.key}\r\n\r\n".encode()
    for n in (128, 256):
        with contextlib.ExitStack() as stack:
            all = [stack.enter_context(socket.create_connection(("127.0.0.1", s.port), timeout=10)) for _ in range(n)]
            for c in all:
                c.sendall(request)
            for c in all:
                assert b" 200 " in c.recv(4096)
            s.process.send_signal(signal.SIGSTOP)
            for c in all:
                c.sendall(request)
            s.process.send_signal(signal.SIGCONT)
            for c in all:
                assert b" 200 " in c.recv(4096)


def test_tls(s):
    with tempfile.TemporaryDirectory() as d:
        certificate(d)
        with Server("--tls-cert", d + "/cert.pem", "--tls-key", d + "/key.pem") as t:
            assert t.printed[0] == f"BREYTA_API_URL=https://127.0.0.1:{t.port}"
            c = http.client.HTTPSConnection("127.0.0.1", t.port, context=ssl.create_default_context(cafile=d + "/cert.pem"), timeout=30)
            body = json.dumps({"command": "flows.put_draft", "args": {"flowLiteral": flow("t", "1") + " " * (2 << 20)}})
            c.request("POST", "/api/commands", body, {"Authorization": "Bearer " + t.key})
            r = c.getresponse()
            answer = json.loads(r.read())
            assert r.status in (200, 400) and "ok" in answer, answer
            c.request("GET", "/api/me", headers={"Authorization": "Bearer " + t.key})
            assert c.getresponse().status == 200
            c.close()
        for options, said in ((("--tls-cert", d + "/cert.pem"), "go together"),
                              (("--tls-cert", d + "/nothing", "--tls-key", d + "/key.pem"), "No such file"),
                              (("--tls-cert", d + "/key.pem", "--tls-key", d + "/key.pem"), "PEM form")):
            r = subprocess.run([BIN, "serve", "--data", d + "/data", "--listen", "127.0.0.1:0", *options], capture_output=True, text=True, timeout=30)
            assert r.returncode == 2 and said in r.stderr and r.stdout == "", r


if __name__ == "__main__":
    run_tests(dict(globals()))
