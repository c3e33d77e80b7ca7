"""The client command line of build/breyta beside a server of server.py: runs it, checks the shape of every answer, and notes which rows of its
table were used."""
import json
import os
import subprocess
import tempfile
import traceback

from server import BIN, Server


CLIENT = os.environ.get("BREYTA_CLIENT", BIN)  # another build of the client than of the server


class Client:
    def __init__(self, server):
        self.server, self.used, self.flags = server, set(), set()
        self.dir = tempfile.TemporaryDirectory(prefix="breyta-client-")
        self.home = self.dir.name
        self.table = {c["name"]: c for c in self.data("commands", env={})["items"]}

    def env(self, env=None):
        base = {k: v for k, v in os.environ.items() if not k.startswith("BREYTA") and k != "XDG_CONFIG_HOME"}
        here = {"BREYTA_API_URL": f"http://127.0.0.1:{self.server.port}", "BREYTA_WORKSPACE": self.server.workspace, "BREYTA_API_KEY": self.server.key}
        return {**base, "XDG_CONFIG_HOME": self.home, **(here if env is None else env)}

    def raw(self, *args, env=None, stdin="", cwd=None):
        args = [str(a) for a in args]
        return subprocess.run([CLIENT, *args], input=stdin, capture_output=True, text=True, timeout=60, env=self.env(env), cwd=cwd or self.home)

    def row(self, args):
        """The row that the words name."""
        words = [a for a in args if not str(a).startswith("--")]
        for n in range(4, 0, -1):
            name = " ".join(map(str, words[:n]))
            if name in self.table:
                return name
        raise AssertionError(f"no row for {args}")

    def run(self, *args, status=0, **more):
        """The envelope, whatever it says; the exit status has to be this one."""
        p = self.raw(*args, **more)
        assert p.returncode == status, f"{args}: {p.returncode}, not {status}: {p.stdout[:600]} {p.stderr[:600]}"
        assert p.stdout.count("\n") == (1 if "--pretty" not in args else p.stdout.count("\n")), f"{args}: {p.stdout[:300]}"
        body = json.loads(p.stdout)
        assert list(body)[:1] == ["ok"] and isinstance(body["data"], dict) and isinstance(body["meta"], dict), f"{args}: {p.stdout[:300]}"
        body["stderr"] = p.stderr
        return body

    def data(self, *args, **more):
        """data of an answer that is ok; the row counts as used."""
        body = self.run(*args, **more)
        assert body["ok"] is True, f"{args}: {body}"
        if hasattr(self, "table"):
            self.used.add(self.row(args))
            self.flags |= {(self.row(args), str(a)[2:].split("=")[0]) for a in args if str(a).startswith("--")}
        self.meta = body["meta"]
        self.stderr = body["stderr"]
        return body["data"]

    def fails(self, code, *args, status=1, **more):
        body = self.run(*args, status=status, **more)
        assert body["ok"] is False and body["error"]["code"] == code and body["error"]["message"], f"{args}: {body}"
        assert body["error"]["message"].split("\n")[0][:40] in body["stderr"], f"{args}: {body['stderr']}"
        return body["error"]["message"]


def run(tests, *server_options):
    """Runs functions named test_* in order with one client and one server; TAP. A row that none has used is a failure of the last."""
    failed = 0
    chosen = [(name, f) for name, f in tests.items() if name.startswith("test_")]
    print(f"1..{len(chosen)}")
    with Server(*server_options) as s:
        c = Client(s)
        for i, (name, f) in enumerate(chosen, 1):
            try:
                f(c)
                print(f"ok {i} {name}", flush=True)
            except Exception as e:  # told, and counted
                failed += 1
                print(f"not ok {i} {name}: {e}", flush=True)
                print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
    raise SystemExit(1 if failed else 0)
