"""Restate's server as a peer: `with Restate(DIR, data) as r: r.port`. DIR is where `npm install @restatedev/restate-server
@restatedev/restate-sdk` was run. POST /ten/run {} on r.port answers when a handler of ten durable steps has ended."""
import glob
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Restate:
    def __init__(self, npm, data):
        self.npm = os.path.abspath(npm)
        found = glob.glob(self.npm + "/node_modules/@restatedev/restate-server-linux-*/bin/restate-server")
        if not found:
            raise FileNotFoundError(f"no @restatedev/restate-server in {npm}")
        self.program = found[0]
        self.dir = tempfile.mkdtemp(prefix="restate-", dir=data)

    def __enter__(self):
        self.port, self.admin, node, service = (free_port() for _ in range(4))
        env = {**os.environ, "RESTATE_BASE_DIR": self.dir, "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{self.port}", "DO_NOT_TRACK": "1",
               "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{self.admin}", "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}", "RUST_LOG": "error"}
        self.log = open(self.dir + "/log", "w")
        here = pathlib.Path(__file__).parent
        self.service = subprocess.Popen(["node", here / "peer_restate.mjs", self.npm, str(service)], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "RESTATE_LOGGING": "ERROR"})
        self.server = subprocess.Popen([self.program, "--no-logo", "--listen-mode", "tcp"], stdout=self.log, stderr=self.log, env=env)
        try:
            self.ready(service)
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self, service):
        self.until(lambda: self.ask(self.admin, "/deployments", {"uri": f"http://127.0.0.1:{service}", "use_http_11": False}))
        self.until(lambda: self.ask(self.port, "/ten/run", {}) == 10)

    def ask(self, port, path, body):
        r = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            return json.loads(urllib.request.urlopen(r, timeout=20).read())
        except (urllib.error.URLError, ConnectionError, TimeoutError) as e:
            self.why = getattr(e, "fp", None) and e.fp.read() or e

    def until(self, f, seconds=120):
        end = time.monotonic() + seconds
        while not f():
            if time.monotonic() > end or self.server.poll() is not None or self.service.poll() is not None:
                raise RuntimeError(f"Restate is not ready: {self.why}; {open(self.dir + '/log').read()[-2000:]}")
            time.sleep(0.2)

    def __exit__(self, *_):
        for p in (self.server, self.service):
            p.kill()
            p.wait()
        self.log.close()
        shutil.rmtree(self.dir)
