#!/usr/bin/env python3
"""`breyta jobs worker agent`: real workers run the commands of :agent steps with :via :job, as :via :ssh does it on a real sshd. See server.py."""
import json
import os
import subprocess
import tempfile

from server import BIN, flow, run_tests
from test_ssh import Sshd, make
from test_worker import Worker, alive, workers
from test_workspaces import post

AGENT = [BIN, "jobs", "worker", "agent"]
COMMAND = r"""echo working; echo "40% halfway" >> $BREYTA_PROGRESS_FILE
  printf '{"in": %s, "to": "%s", "who": "%s", "n": "%s", "flag": "%s", "at": "%s", "step": "%s"}' \
    "$BREYTA_INPUTS" "$BREYTA_OBJECTIVE" "$WHO" "$N" "$FLAG" "$(pwd)" "$BREYTA_STEP_ID" > $BREYTA_RESULT_FILE
  echo '[{"label": "log", "resourceUri": "res://a"}]' > $BREYTA_ARTIFACTS_FILE; [ -n "$BREYTA_WORKFLOW_ID" ] || exit 99; echo done; exit $CODE"""


def put(s, slug, options, command=COMMAND, cid=None):
    step = '(flow/step :agent :work {%s :job-type "agents" :command %s %s})' % (":connection :vps" if cid else "", json.dumps(command, ensure_ascii=False), options)
    a = s.ok("flows.put_draft", {"flowLiteral": flow(slug, step, extra=':requires [{:slot :vps :type :ssh :label "VPS"}]' if cid else "")})
    assert a.data["valid"], a
    if cid:
        assert post(s, "/api/flow-profiles", {"flow-slug": slug, "profile-type": "draft", "bindings": {"vps": cid}}).status == 200


def start(s, slug):
    return s.ok("flows.run", {"flowSlug": slug, "input": {}}).data["workflowId"]


def value(s, slug):
    r = s.over(start(s, slug))
    assert r["status"] == "completed", r
    return r["result"]


def test_one_keyword(s):
    """The same step by :ssh and by :job, a command that works and one that fails."""
    with Sshd() as d, workers(s), tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        cid = make(s, d, **{"known-hosts": (d.dir / "known_hosts").read_text()})
        Worker(s, "agents", AGENT)
        for code in (0, 4):
            got = {}
            for via in ("ssh", "job"):
                put(s, f"{via}{code}", f''':via :{via} :workdir "{folder}" :objective "it's $(id)" :inputs {{:a [1 2]}} :timeout "60s"
                    :env {{"WHO" "`x` $(id)" "N" 7 "FLAG" true "CODE" {code}}}''', cid=cid)
                got[via] = value(s, f"{via}{code}")
            same = {k: {n: v[n] for n in ("status", "result", "artifacts", "error", "logs-url") if n in v} for k, v in got.items()}
            assert same["ssh"]["status"] == ("failed" if code else "succeeded") and same["ssh"].get("error") == ("the command ended with status 4" if code else None), got
            assert same["job"] == same["ssh"], got
            assert got["job"]["result"]["at"] == os.path.realpath(folder) and got["job"]["result"]["in"] == {"a": [1, 2]}, got
            assert got["ssh"]["artifacts"] == [{"label": "log", "resource-uri": "res://a"}], got
            assert not code or (got["job"]["exit"] == got["ssh"]["exit"] == 4 and got["job"]["log-tail"].rstrip() == got["ssh"]["log-tail"] == "working\ndone"), got


def test_while_it_runs(s):
    with workers(s):
        home = s.dir.name + "/home"
        os.makedirs(home + "/in/side")
        Worker(s, "agents", AGENT, "--lease-duration", "1s", env={"HOME": home})
        put(s, "p", ':via :job :workdir "~/in/side" :env {"BREYTA_PROGRESS_INTERVAL" "0.1" "PATH" "/nothing:/usr/bin:/bin"}',
            r"""trap 'echo told > $OUT/told; exit 0' TERM; echo $$ > $OUT/pid; pwd > $OUT/at; echo $PATH > $OUT/path; echo " 40%  half é" > $BREYTA_PROGRESS_FILE
               while :; do sleep 0.1; done""")
        id = start(s, "p")
        assert s.written("at").strip() == os.path.realpath(home) + "/in/side" and s.written("path").strip() == "/nothing:/usr/bin:/bin"
        job = s.ok("jobs.list", {}).data["items"][0]["jobId"]
        s.until(lambda: s.show(job).get("progress", {}).get("message") == "half é", "the server knows how far it is")
        assert s.show(job)["progress"]["details"] == {"percent": 40}, s.show(job)
        s.ok("runs.cancel", {"workflowId": id})
        assert s.written("told") and s.over(id)["status"] == "cancelled"
        pid = int(s.written("pid"))
        s.until(lambda: not alive(pid), "the command is gone")


def test_what_it_says_itself(s):
    with workers(s):
        Worker(s, "agents", AGENT)
        for i, (command, want) in enumerate((
                ("echo '40% done' >> $BREYTA_PROGRESS_FILE; until $BREYTA_CLI_BIN jobs show $BREYTA_JOB_ID | grep -q '\"percent\":40'; do sleep 0.05; done; echo 7 > $BREYTA_RESULT_FILE", {"status": "succeeded", "result": 7}),
                ("printf 'no JSON' > $BREYTA_RESULT_FILE", {"result": "no JSON"}),
                ("$BREYTA_CLI_BIN jobs worker finish --status no_changes --output n=5; echo 7 > $BREYTA_RESULT_FILE", {"status": "no_changes", "result": {"n": 5}}),
                ("$BREYTA_CLI_BIN jobs worker finish --output n=5; exit 3", {"status": "failed", "error": "the command ended with status 3", "exit": 3}),
                ("$BREYTA_CLI_BIN jobs worker fail --message mine; exit 3", {"status": "failed", "error": "mine"}),
                ("kill -9 $$", {"status": "failed", "error": "the command was killed by signal 9", "exit": 137}),
                ("echo '[1]' > $BREYTA_ARTIFACTS_FILE", {"status": "succeeded", "artifacts": []}))):
            put(s, f"c{i}", ':via :job :env {"BREYTA_PROGRESS_INTERVAL" "0.1"}', command)
            got = value(s, f"c{i}")
            assert {k: got.get(k) for k in want} == want, (command, got)
            assert i or got["progress"][0]["percent"] == 40, got


def test_wrong(s):
    with workers(s):
        w = Worker(s, "agents", AGENT)
        for payload, says in (({}, 'no "command"'), ({"command": "true", "workdir": "/no/such"}, "/no/such is not there"), ({"command": "true", "env": {"A=B": "x"}}, "A=B"),
                              ({"command": "true", "env": {"KEY": {"secret-ref": "k"}}}, "KEY cannot be set"), ({"command": "true", "env": {"Z": "a\0b"}}, "Z cannot be set")):
            job = s.over_job(s.job("agents", payload))
            assert job["status"] == "failed" and says in job["error"]["message"] and job["error"]["code"] == "agent_not_started", job
        assert s.over_job(s.job("agents", {"command": "true"}))["status"] == "succeeded"
        assert w.process.poll() is None
        p = subprocess.run(AGENT, capture_output=True, text=True, env={k: v for k, v in os.environ.items() if not k.startswith("BREYTA_JOB")})
        assert p.returncode == 1 and "handler of `breyta jobs worker run`" in p.stdout, p


if __name__ == "__main__":
    run_tests(globals())
