#!/usr/bin/env python3
"""The client and a worker beside `breyta serve --tls-cert` with a certificate of an authority that only they know: --ca-file. See client.py."""
import json
import os
import subprocess
import tempfile

import client
from server import flow

CERTS = tempfile.TemporaryDirectory(prefix="breyta-certs-")
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=CERTS.name)


def cert(name):
    return os.path.join(CERTS.name, name)


def certificates():
    for name in ("ca", "other"):
        openssl("req", "-x509", *EC, "-keyout", name + ".key", "-out", name + ".pem", "-days", "2", "-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *EC, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    with open(cert("ext"), "w") as f:
        f.write("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "ext")
    with open(cert("garbage.pem"), "w") as f:
        f.write("no certificate\n")


def env(c, **more):
    return {**c.env(), "BREYTA_API_URL": f"https://localhost:{c.server.port}", **more}


def test_trust(c):
    p = c.raw("flows", "list", env=env(c))
    assert p.returncode == 1 and json.loads(p.stdout)["error"]["code"] == "unreachable" and "--ca-file" in p.stderr, p
    assert c.data("flows", "list", "--ca-file", cert("ca.pem"), env=env(c))["items"] == []
    assert c.data("flows", "list", env=env(c, BREYTA_CA_FILE=cert("ca.pem")))["items"] == []
    assert c.data("flows", "list", "--ca-file", "ca.pem", cwd=CERTS.name, env=env(c))["items"] == []
    assert c.data("auth", "whoami", "--ca-file", "ca.pem", cwd=CERTS.name, env=env(c))["caFile"] == cert("ca.pem")
    for wrong in ("other.pem", "garbage.pem"):
        c.fails("unreachable", "flows", "list", "--ca-file", cert(wrong), env=env(c))
    p = c.raw("flows", "list", env=c.env())  # without TLS
    assert p.returncode == 1 and "https://" in p.stderr, p
    # the flag comes before the variable, and the name is checked too
    c.fails("unreachable", "flows", "list", "--ca-file", cert("other.pem"), env=env(c, BREYTA_CA_FILE=cert("ca.pem")))
    c.fails("unreachable", "flows", "list", "--ca-file", cert("ca.pem"), env=env(c, BREYTA_API_URL=f"https://127.0.0.1:{c.server.port}"))
    assert "/none.pem" in c.fails("invalid_arguments", "flows", "list", "--ca-file", "/none.pem", env=env(c))
    assert "BREYTA_CA_FILE" in c.fails("invalid_arguments", "flows", "list", env=env(c, BREYTA_CA_FILE="/none.pem"))


def test_login_keeps_it(c):
    url = f"https://localhost:{c.server.port}"
    for profile in ([], ["--profile", "there"]):
        c.data("auth", "login", "--api", url, "--ca-file", "ca.pem", "--key-stdin", *profile, stdin=c.server.key, cwd=CERTS.name, env={})
        assert c.data("flows", "list", *profile, env={})["items"] == []
        if not profile:
            c.data("auth", "logout", env={})
            os.remove(os.path.join(c.home, "breyta", "config.json"))
    os.remove(os.path.join(c.home, "breyta", "config.json"))


def test_other_requests(c):
    """Uploads, downloads, tools, and the line for curl."""
    trust = env(c, BREYTA_CA_FILE=cert("ca.pem"))
    with open(os.path.join(c.home, "f.txt"), "w") as f:
        f.write("hello")
    uri = c.data("resources", "upload", "f.txt", env=trust)["uri"]
    c.data("resources", "download", uri, "--out", "back.txt", env=trust)
    with open(os.path.join(c.home, "back.txt")) as f:
        assert f.read() == "hello"
    assert c.data("mcp", "doctor", env=trust)
    entry = c.data("mcp", "config", env=trust)["config"]["mcpServers"]["breyta-workspace"]
    assert entry["env"]["BREYTA_CA_FILE"] == cert("ca.pem"), entry
    text = flow("called", "(:a (flow/input))").replace(":interfaces {", ':interfaces {:http [{:id :api :invocation :default :method :post :path "/go" :enabled true}] ')
    c.data("flows", "push", "--file", "-", stdin=text, env=trust)
    line = c.data("flows", "interfaces", "curl", "called", "api", "--target", "draft", env=trust)["command"]
    p = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30, env={**os.environ, "BREYTA_API_KEY": c.server.key})
    assert json.loads(p.stdout)["ok"] is True, p


def test_worker(c):
    """The worker, its heartbeats, and what its handler calls."""
    job = c.data("jobs", "create", "--type", "t", env=env(c, BREYTA_CA_FILE=cert("ca.pem")))["job"]["jobId"]
    handler = os.path.join(c.home, "handler")
    with open(handler, "w") as f:
        f.write("""#!/bin/sh -e
cd /
beat() { "$BREYTA_CLI_BIN" jobs show "$BREYTA_JOB_ID" | sed -n 's/.*"lastHeartbeatAt":"\\([^"]*\\)".*/\\1/p'; }
for i in 1 2 3; do # the first may be what the worker said when it started this
  before=$(beat)
  until now=$(beat); [ -n "$now" ] && [ "$now" != "$before" ]; do sleep 0.1; done
done
"$BREYTA_CLI_BIN" jobs worker progress --message "on the way" >&2
"$BREYTA_CLI_BIN" jobs worker attach-kv --label k --value 1 >&2
""")
    os.chmod(handler, 0o755)
    p = c.raw("jobs", "worker", "run", "--type", "t", "--once", "--lease-duration", "1s", "--handler", handler, "--ca-file", "ca.pem", cwd=CERTS.name, env=env(c))
    assert p.returncode == 0, p
    d = c.data("jobs", "show", job, "--ca-file", cert("ca.pem"), env=env(c))["job"]
    assert d["status"] == "succeeded" and d["attempt"] == 1 and d["progress"]["message"] == "on the way" and d["artifacts"][0]["label"] == "k", d


if __name__ == "__main__":
    certificates()
    client.run(globals(), "--tls-cert", cert("server.pem"), "--tls-key", cert("server.key"))
