#!/usr/bin/env python3
"""Agents elsewhere under `breyta serve`: the same step as a job of a worker; reports of progress; the helper's text. See server.py."""
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request

from server import BIN, flow, run_tests


def agent(slug, options):
    return flow(slug, "(flow/step :agent :work {:via :job :job-type \"agents\" :command \"true\" :inputs {:n 1} :objective \"do\" %s})" % options)


def run(s, slug, source):
    s.ok("flows.put_draft", {"flowLiteral": source})
    return s.ok("flows.run", {"flowSlug": slug, "input": {}}).data["workflowId"]


def claimed(s):
    return s.until(lambda: s.ok("jobs.claim", {"jobType": "agents", "workerId": "w"}).data["job"], "there is a job")


def result(s, run_id, status="completed"):
    r = s.over(run_id)
    assert r["status"] == status, r
    return r["result"] if status == "completed" else r["error"]


def test_job(s):
    id = run(s, "j", agent("j", ":max-attempts 2"))
    job = claimed(s)
    assert job["maxAttempts"] == 2, job
    assert job["payload"] == {"command": "true", "inputs": {"n": 1}, "objective": "do"}, job
    held = {"jobId": job["jobId"], "leaseToken": job["leaseToken"]}
    s.ok("jobs.progress", {**held, "status": "running", "message": "half"})
    s.ok("jobs.complete", {**held, "outputs": {"answer": 42}, "artifacts": [{"label": "log", "kind": "file", "resourceUri": "res://a"}]})
    value = result(s, id)
    assert value["status"] == "succeeded" and value["result"] == {"answer": 42} and value["job-id"] == job["jobId"], value
    assert value["artifacts"][0]["label"] == "log" and value["progress"][0]["message"] == "half" and value["logs-url"] is None, value


def test_job_fails_and_late(s):
    id = run(s, "jf", agent("jf", ""))
    job = claimed(s)
    s.ok("jobs.fail", {"jobId": job["jobId"], "leaseToken": job["leaseToken"], "message": "boom"})
    value = result(s, id)
    assert value["status"] == "failed" and value["error"] == "boom", value
    id = run(s, "jl", agent("jl", ':timeout "300ms" :on-timeout :continue :default-value {:late true}'))
    job = claimed(s)
    assert result(s, id) == {"late": True}
    assert s.ok("jobs.get", {"jobId": job["jobId"]}).data["job"]["status"] == "cancelled"
    id = run(s, "jk", agent("jk", ':timeout "300ms" :keep-running true'))
    job = claimed(s)
    assert result(s, id, "failed")["type"] == "wait-timeout"
    assert s.ok("jobs.get", {"jobId": job["jobId"]}).data["job"]["status"] == "leased"
    kept, not_kept = (run(s, f"jc{i}", agent(f"jc{i}", o)) for i, o in enumerate((":keep-running true", "")))
    jobs = [claimed(s), claimed(s)]
    for id in (kept, not_kept):
        s.ok("runs.cancel", {"workflowId": id})
        assert s.over(id)["status"] == "cancelled"
    s.until(lambda: s.ok("jobs.get", {"jobId": jobs[1]["jobId"]}).data["job"]["status"] == "cancelled", "the job of the second run is cancelled")
    done = s.ok("jobs.complete", {"jobId": jobs[0]["jobId"], "leaseToken": jobs[0]["leaseToken"]}).data["job"]
    assert done["status"] == "succeeded", done


def post(s, path, body):
    r = urllib.request.Request(f"http://127.0.0.1:{s.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(r) as a:
            return a.status, json.loads(a.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def test_progress(s):
    id = run(s, "p", flow("p", '(flow/step :wait :cb {:key "p-1" :webhook {:auth {:type :none}}})'))
    s.until(lambda: s.ok("runs.get", {"workflowId": id}).data["run"]["status"] == "waiting", "it waits")
    path = f"/{s.workspace}/progress/p-1"
    def sent(body):
        s.until(lambda: post(s, path, body)[0] == 200, "it is taken")
    assert [post(s, path, {})[0] for _ in range(3)] == [200] * 3  # it only asks
    assert not [i for i in s.ok("runs.events", {"workflowId": id}).data["items"] if i["type"] == "step_progress"]
    sent({"message": "a" * 5000, "percent": 5})
    assert post(s, path, {"message": "two"})[0] == 429  # at once
    sent({"message": "two"})
    assert post(s, path, {"message": "x" * 70000})[0] == 413
    s.kill()
    s.start()
    for i in range(30):
        sent({"message": f"n{i}"})
    items = s.ok("runs.events", {"workflowId": id}).data["items"]
    seen = [i for i in items if i["type"] == "step_progress"]
    assert [i["details"]["message"] for i in seen[-2:]] == ["n28", "n29"] and len(seen) == 20, seen
    assert seen[0]["stepId"] == "cb" and seen[0]["at"], seen[0]
    assert post(s, f"/{s.workspace}/progress/nobody", {})[0] == 425
    assert not os.path.exists(s.dir.name + "/data/secrets.key")  # and a stranger's request makes nothing
    assert post(s, f"/{s.workspace}/events/p-1", {"a": 1})[0] == 200
    result(s, id)
    assert post(s, path, {"message": "late"})[0] == 410 and post(s, path, {})[0] == 410


def test_install(s):
    with urllib.request.urlopen(f"http://127.0.0.1:{s.port}/agent/install.sh") as a:
        assert a.headers["Content-Type"].startswith("text/x-shellscript")
        text = a.read()
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["sh"], input=text, env={**os.environ, "BREYTA_AGENT_BIN": d}, check=True, capture_output=True)
        help = subprocess.run([d + "/breyta-agent", "help"], check=True, capture_output=True, text=True).stdout
        assert "breyta-agent run" in help


def test_report(s):
    """`agent provision --report-url`: who the machine is, to a wait that takes one answer with the credential in its address."""
    assert s.http("POST", "/api/secrets", json.dumps({"secret-id": "once", "value": "t0p-s3cret"}), {"Content-Type": "application/json", "X-Breyta-Workspace": s.workspace}).status in (200, 201)
    id = run(s, "rep", flow("rep", '(flow/step :wait :vm {:key "vm-1" :webhook {:auth {:type :api-key :location :query :secret-ref "once"}}})'))
    s.until(lambda: s.ok("runs.get", {"workflowId": id}).data["run"]["status"] == "waiting", "it waits")
    with tempfile.TemporaryDirectory() as d:
        for kind in ("ed25519", "ecdsa"):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"{d}/ssh_host_{kind}_key"], check=True)
        keys = ["10.0.0.7 " + " ".join(open(f"{d}/ssh_host_{k}_key.pub").read().split()[:2]) for k in ("ecdsa", "ed25519")]
        os.mkdir(d + "/bin")
        for name, does in (("id", "echo 0"), ("curl", f'echo "$*" >> {d}/args; exec /usr/bin/curl "$@"')):
            with open(f"{d}/bin/{name}", "w") as f:
                f.write(f"#!/bin/sh\n{does}\n")
            os.chmod(f.name, 0o755)

        def told(query):
            url = f"http://127.0.0.1:{s.port}/{s.workspace}/events/vm-1{query}"
            script = subprocess.run([BIN, "agent", "provision", "--public-key", f"{d}/ssh_host_ed25519_key.pub", "--host", "10.0.0.7", "--report-url", url],
                                    capture_output=True, text=True, check=True).stdout
            whole, last = script.replace("/etc/ssh/ssh_host", d + "/ssh_host").split("case $WHAT in")
            assert "provision" in last
            return subprocess.run(["sh"], input=whole + "report", env={**os.environ, "PATH": d + "/bin:" + os.environ["PATH"]}, capture_output=True, text=True)

        p = told("?token=wr0ng")
        assert p.returncode == 1 and "could not be reported to" in p.stderr and "events/vm-1\n" in p.stderr and "wr0ng" not in p.stdout + p.stderr, p
        assert s.ok("runs.get", {"workflowId": id}).data["run"]["status"] == "waiting"
        p = told("?token=t0p-s3cret")
        assert p.returncode == 0 and f"known_hosts: {keys[0]}\n" in p.stdout, p
        assert result(s, id) == {"status": "ok", "user": "breyta", "host": "10.0.0.7", "knownHosts": keys}
        args = open(d + "/args").read()
        assert "knownHosts" in args and "token" not in args and "t0p" not in args, args
        assert told("?token=t0p-s3cret").returncode == 0 and result(s, id)["knownHosts"] == keys  # the first one counts


if __name__ == "__main__":
    run_tests(globals())
