#!/usr/bin/env python3
"""SSH connections over the API, with a real sshd behind them: test, trust, the guard, kickoff and callback by the server's address. See server.py."""
import json
import os
import subprocess
import tempfile
from pathlib import Path

from server import BIN, ROOT, flow, run_tests
from test_connections import put
from test_workspaces import ended, get, in_workspace, post, start

TOOL = str(ROOT / "tests" / "tools" / "sshd.sh")


class Sshd:
    def __enter__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="breyta-sshd-")
        self.dir = Path(self.tmp.name)
        self.port = int(subprocess.run([TOOL, "start", str(self.dir)], check=True, stdout=subprocess.PIPE, text=True).stdout)
        self.user = (self.dir / "user").read_text().strip()
        self.print = subprocess.run(["ssh-keygen", "-lf", str(self.dir / "host_ed25519.pub")], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]
        return self

    def __exit__(self, *_):
        subprocess.run([TOOL, "stop", str(self.dir)])
        self.tmp.cleanup()

    def config(self, **more):
        return {"host": "127.0.0.1", "port": self.port, "username": self.user, "auth": {"type": "private-key", "secret-ref": "vm-key"}, **more}


def make(s, d, name="vps", **more):
    assert post(s, "/api/secrets", {"secret-id": "vm-key", "value": (d.dir / "id_ed25519").read_text()}).status == 200
    a = post(s, "/api/connections", {"type": "ssh", "name": name, "backend": "ssh", "config": d.config(**more)})
    assert a.status == 201, a
    return a.body["connection"]["id"]


REQUIRES = ':requires [{:slot :vps :type :ssh :label "VPS"}]'
KICKOFF = r"""(let [ctx (:flow/ctx (flow/input)) wait-key (str "agent-" (:workflow-id ctx))]
  (flow/step :ssh :kickoff {:connection :vps :command "nohup ./agent.sh >/dev/null 2>&1 & echo started"
    :upload {:path "agent.sh" :mode "0755" :content "#!/bin/sh\ncurl -sS -X POST $BREYTA_CALLBACK_URL -H 'content-type: application/json' -d '{\"answer\": 42}'\n"}
    :env {"BREYTA_CALLBACK_URL" (str (:callback-base-url ctx) "/events/" wait-key)}})
  (flow/step :wait :answer {:key wait-key :webhook {:auth {:type :none}} :timeout 60}))"""


def run(s, cid):
    a = in_workspace(s, "ws-local", "flows.put_draft", {"flowLiteral": flow("f", KICKOFF, extra=REQUIRES)})
    assert a.status == 200 and a.data["valid"], a
    a = post(s, "/api/flow-profiles", {"flow-slug": "f", "profile-type": "draft", "bindings": {"vps": cid}})
    assert a.status == 200, a
    return ended(s, "ws-local", start(s, "ws-local", "f", {}))


def test_unknown_key_is_shown_trusted_and_then_it_works(s, d):
    cid = make(s, d)
    t = post(s, f"/api/connections/{cid}/test", {}).body
    assert t["success"] is False and t["state"] == "invalid" and "host key unknown" in t["message"] and d.print in t["message"], t
    look = post(s, f"/api/connections/{cid}/trust", {}).body
    assert look["trusted"] is False and look["state"] == "unknown" and look["fingerprint"] == d.print and look["hostKey"].startswith(f"[127.0.0.1]:{d.port} ssh-ed25519 "), look
    assert post(s, f"/api/connections/{cid}/test", {}).body["success"] is False
    wrong = post(s, f"/api/connections/{cid}/trust", {"fingerprint": "SHA256:" + "x" * 43})
    assert wrong.status == 409 and wrong.code == "fingerprint_differs" and d.print in json.dumps(wrong.body), wrong
    env = {**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{s.port}", "BREYTA_API_KEY": s.key, "BREYTA_WORKSPACE": "ws-local"}
    yes = subprocess.run([BIN, "connections", "trust", cid, "--fingerprint", d.print], env=env, capture_output=True, text=True, timeout=60)
    assert yes.returncode == 0 and json.loads(yes.stdout)["data"]["trusted"] is True, yes
    s.kill()
    s.start()
    t = post(s, f"/api/connections/{cid}/test", {}).body
    assert t["success"] is True and d.print in t["message"] and "curl" in t["message"] and "callbacks reach this server" in t["message"], t
    again = post(s, f"/api/connections/{cid}/trust", {"fingerprint": d.print}).body
    assert again["trusted"] is True and again["state"] == "known", again


def test_changed_key_wants_replace(s, d):
    other = " ".join((d.dir / "id_ed25519_other.pub").read_text().split()[:2])
    cid = make(s, d, **{"known-hosts": f"elsewhere {other}\n[127.0.0.1]:{d.port} {other}"})
    t = post(s, f"/api/connections/{cid}/test", {}).body
    assert "host key changed" in t["message"], t
    a = post(s, f"/api/connections/{cid}/trust", {"fingerprint": d.print})
    assert a.status == 409 and a.code == "host_key_changed" and "(ssh-ed25519). Send replace: true when" in json.dumps(a.body), a
    a = post(s, f"/api/connections/{cid}/trust", {"fingerprint": d.print, "replace": True})
    assert a.status == 200, a
    assert post(s, f"/api/connections/{cid}/test", {}).body["success"] is True
    known = get(s, f"/api/connections/{cid}").body["config"]["known-hosts"]
    assert known.startswith("elsewhere ") and known.count("\n") == 2 and other in known.split("\n")[0], known
    listed = make(s, d, "listed", **{"known-hosts": [f"[127.0.0.1]:{d.port} {other}"]})
    assert post(s, f"/api/connections/{listed}/trust", {"fingerprint": d.print, "replace": True}).status == 409


def test_the_key_comes_with_the_connection_and_is_sealed(s, d):
    a = post(s, "/api/connections", {"type": "ssh", "name": "k", "api-key": (d.dir / "id_ecdsa").read_text(),
                                     "config": {k: v for k, v in d.config(**{"known-hosts": (d.dir / "known_hosts").read_text()}).items() if k != "auth"}})
    assert a.status == 201, a
    c = a.body["connection"]
    assert c["config"]["auth"] == {"secret-ref": f"{c['id']}.api-key"} and "PRIVATE" not in json.dumps(a.body), c
    t = post(s, f"/api/connections/{c['id']}/test", {}).body
    assert t["success"] is True, t


def test_trust_wants_an_ssh_connection_that_answers(s, d):
    db = post(s, "/api/connections", {"type": "database", "name": "db", "backend": "sqlite", "config": {"path": "x.db"}}).body["connection"]["id"]
    assert post(s, f"/api/connections/{db}/trust", {}).code == "bad_connection"
    assert post(s, "/api/connections/conn-none/trust", {}).status == 404
    make(s, d)
    gone = post(s, "/api/connections", {"type": "ssh", "name": "gone", "config": {**d.config(), "port": 1}}).body["connection"]["id"]
    a = post(s, f"/api/connections/{gone}/trust", {})
    assert a.status == 502 and "refused" in json.dumps(a.body), a
    refused = post(s, "/api/connections", {"type": "ssh", "name": "r", "config": {**d.config(**{"known-hosts": {"file": str(d.dir / "known_hosts")}}), "username": "nobody-here"}}).body["connection"]["id"]
    t = post(s, f"/api/connections/{refused}/test", {}).body
    assert t["state"] == "auth-refused" and "publickey" in t["message"], t


def test_the_guard_covers_ssh(s, d):
    s.stop()
    os.environ["BREYTA_ALLOW_PRIVATE_HOSTS"] = ""
    try:
        s.start()
        cid = make(s, d)
        for what in ("test", "trust"):
            a = post(s, f"/api/connections/{cid}/{what}", {})
            assert "loopback address" in json.dumps(a.body), a
        put(s, f"/api/connections/{cid}", {"config": d.config(**{"known-hosts": (d.dir / "known_hosts").read_text()})})
        error = json.dumps(run(s, cid))
        assert "guard" in error and "loopback address" in error, error
    finally:
        del os.environ["BREYTA_ALLOW_PRIVATE_HOSTS"]
        s.stop()
        s.start()


def test_kickoff_and_callback_by_the_address_of_the_server(s, d):
    cid = make(s, d, **{"known-hosts": (d.dir / "known_hosts").read_text()})
    r = run(s, cid)
    assert r["status"] == "completed" and "42" in json.dumps(r), r


def test_agents_of_runs_that_are_ended_by_force(s, d):
    """No step can end them: the helper over there asks, and ends them unless :keep-running; one that has answered goes on in peace."""
    cid = make(s, d, **{"known-hosts": (d.dir / "known_hosts").read_text()})
    with tempfile.TemporaryDirectory() as far:
        os.chmod(far, 0o777)
        forever = 'trap \\"\\" TERM; (trap \\"\\" TERM; while :; do sleep 0.1; done) & %s echo $$ > $NAME; while :; do sleep 0.1; done'
        answers = 'curl -s -o /dev/null -H \\"Authorization: Bearer $BREYTA_CALLBACK_TOKEN\\" -d 7 $BREYTA_CALLBACK_URL;'

        wrong = Path(far) / "bin" / "date"  # eleven days ahead: what is signed over there is not believed here
        wrong.parent.mkdir()
        wrong.write_text('#!/bin/sh\ncase $1 in +%s) echo $(($(/bin/date +%s) + 1000000)) ;; *) exec /bin/date "$@" ;; esac\n')
        wrong.chmod(0o755)
        wrong.parent.chmod(0o755)

        def begin(name, more="", first="", env=""):
            step = f"""(flow/step :agent :work {{:via :ssh :connection :vps :workdir "{far}" :command "{forever % first}" {more}
                :env {{"NAME" "{name}" "BREYTA_AGENT_HOME" "{far}/agents" "BREYTA_PROGRESS_INTERVAL" "0.1" "BREYTA_PROGRESS_QUIET" "1" {env}}}}})"""
            assert in_workspace(s, "ws-local", "flows.put_draft", {"flowLiteral": flow(name, step, extra=REQUIRES)}).data["valid"]
            assert post(s, "/api/flow-profiles", {"flow-slug": name, "profile-type": "draft", "bindings": {"vps": cid}}).status == 200
            run = start(s, "ws-local", name, {})
            group = s.until(lambda: (Path(far) / name).exists() and (Path(far) / name).read_text().strip(), f"{name} has begun")
            return run, group

        def lives(group):
            return any(p.split()[0] == group and "Z" not in p.split()[1] for p in subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True).stdout.splitlines())

        def told(run, what):
            def look():
                return [f for f in Path(far).glob(f"agents/agent-{run}-*/progress.answer") if f'"{what}"' in f.read_text()]
            return s.until(look, f"the helper is told {what}")

        runs = {"ends": begin("ends"), "keeps": begin("keeps", ":keep-running true"), "answers": begin("answers", first=answers),
                "skewed": begin("skewed", env=f'"PATH" "{far}/bin:/usr/bin:/bin:/usr/sbin"')}
        s.until(lambda: s.ok("runs.get", {"workflowId": runs["answers"][0]}).data["run"]["status"] == "completed", "it has answered")
        for name in ("ends", "keeps", "skewed"):
            s.until(lambda: s.ok("runs.get", {"workflowId": runs[name][0]}).data["run"]["status"] == "waiting", "it waits")
            s.ok("runs.cancel", {"workflowId": runs[name][0], "force": True})
            assert s.ok("runs.get", {"workflowId": runs[name][0]}).data["run"]["status"] == "terminated"
        for name, what in (("ends", "cancelled"), ("keeps", "cancelled"), ("skewed", "cancelled"), ("answers", "wait_over")):
            told(runs[name][0], what)
        for name in ("ends", "skewed"):
            s.until(lambda: not lives(runs[name][1]), "the command and what it had started are gone")
        assert lives(runs["keeps"][1]) and lives(runs["answers"][1])

        def helpers():
            return far in subprocess.run(["ps", "-e", "-ww", "-o", "args="], capture_output=True, text=True).stdout
        assert helpers()
        for name in ("keeps", "answers"):
            os.killpg(int(runs[name][1]), 9)
        s.until(lambda: not helpers(), "their helpers have ended")


def with_sshd(f, d):
    def test(s):
        f(s, d)
    test.__name__ = f.__name__
    return test


if __name__ == "__main__":
    with Sshd() as one:
        run_tests({name: with_sshd(f, one) for name, f in list(globals().items()) if name.startswith("test_")})
