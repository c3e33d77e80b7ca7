"""A real `breyta serve` on a free port and a client of the standard library. BREYTA: the program (default build/breyta)."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

import contract

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = str(Path(os.environ.get("BREYTA", ROOT / "build" / "breyta")).resolve())


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body
        self.data = body.get("data") or {}
        self.meta = body.get("meta") or {}
        self.code = (body.get("error") or {}).get("code")

    def __repr__(self):
        return f"{self.status} {json.dumps(self.body)[:600]}"


class Server:
    """`with Server() as s:`; start() again after kill() goes on with the same data and port."""

    def __init__(self, *options):
        self.dir = tempfile.TemporaryDirectory(prefix="breyta-api-")
        self.options, self.key, self.port, self.process = options, None, 0, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.dir.cleanup()

    def start(self):
        self.errors = open(os.path.join(self.dir.name, "stderr"), "a+")
        if "--public-url" in self.options and not self.port:  # then the printed address does not tell the port
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        command = [BIN, "serve", "--data", os.path.join(self.dir.name, "data"), "--listen", f"127.0.0.1:{self.port}", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env={"BREYTA_ALLOW_PRIVATE_HOSTS": "127.0.0.1,localhost,::1", **os.environ})
        self.printed = []
        while len(self.printed) < (2 if self.key else 3):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the server ended: {self.said()}")
            self.printed.append(line.rstrip("\n"))
        values = dict(line.split("=", 1) for line in self.printed)
        if "--public-url" not in self.options:
            self.port = int(values["BREYTA_API_URL"].rsplit(":", 1)[1])
        self.workspace = values["BREYTA_WORKSPACE"]
        self.key = values.get("BREYTA_API_KEY", self.key)
        self.until(self.open, "the port is open")

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def open(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def until(self, f, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got = f()
            if got:
                return got
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.said()}")
            time.sleep(0.01)
        raise RuntimeError(f"not within {seconds} s: {what}; {self.said()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def raw(self, method, path, body=None, headers=None, key=True):
        """Status, headers, bytes. Each answer is held against /api/openapi.json: contract.py."""
        h = dict(headers or {})
        if key:
            h.setdefault("Authorization", f"Bearer {self.key if key is True else key}")
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request(method, path, body, h)
            r = c.getresponse()
            data = r.read()
            contract.seen(self, method, path, body, r.status, r.headers.get("Content-Type"), data)
            return r.status, r.headers, data
        finally:
            c.close()

    def threads(self):
        """Names of the server's threads. Those of helpers stay for some seconds after their work (offload.h)."""
        names = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                names.append((task / "comm").read_text().strip())
            except OSError:  # it has just ended
                pass
        return names

    def description(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/openapi.json", timeout=30) as r:
            return json.loads(r.read())

    def http(self, method, path, body=None, headers=None, key=True):
        status, _, data = self.raw(method, path, body, headers, key)
        return Answer(status, json.loads(data))

    def command(self, name, args=None, op=None, **more):
        headers = {"X-Breyta-Workspace": self.workspace, "Content-Type": "application/json", "X-Breyta-Operation-ID": op or str(uuid.uuid4())}
        return self.http("POST", "/api/commands", json.dumps({"command": name, "args": args or {}}) + "\n", headers, **more)

    def ok(self, name, args=None, **more):
        a = self.command(name, args, **more)
        assert a.status == 200 and a.body["ok"] is True, f"{name}: {a!r}"
        return a

    def over(self, run):
        """The run when it has ended."""
        def look():
            r = self.ok("runs.get", {"workflowId": run, "includeSteps": True, "includeResult": True}).data["run"]
            return r if r["status"] in ("completed", "failed", "cancelled", "terminated", "timed-out") else None
        return self.until(look, f"{run} has ended")


def certificate(folder):
    """Of 127.0.0.1, in folder/cert.pem with folder/key.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"], check=True, capture_output=True)


def flow(slug, body, inputs="[]", extra=""):
    return """{:slug :%s :name "Flow %s" :description "about %s" :tags ["a" "b"] :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:label "Run" :inputs %s}} :interfaces {:manual [{:id :run :invocation :default :enabled true}]} %s
 :flow (quote %s)}""" % (slug, slug, slug, inputs, extra, body)


def run_tests(tests, *options):
    """Runs functions named test_*, each on its own server with these options; TAP."""
    failed = 0
    chosen = [f for name, f in tests.items() if name.startswith("test_")]
    print(f"1..{len(chosen)}")
    for i, f in enumerate(chosen, 1):
        began = time.monotonic()
        try:
            with Server(*options) as s:
                f(s)
            print(f"ok {i} {f.__name__} # {time.monotonic() - began:.2f} s", flush=True)
        except Exception as e:  # told, and counted
            import traceback
            failed += 1
            print(f"not ok {i} {f.__name__}: {e}", flush=True)
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
    raise SystemExit(1 if failed else 0)
