#!/usr/bin/env python3
"""A worker for tests: jobworker.py URL KEY WORKSPACE TYPE HANDLER N takes N jobs, runs the handler with the files and environment of
http-api.md B3, and sends what it wrote. Exit 1 when a job does not come within 20 s or an answer is wrong."""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

URL, KEY, WORKSPACE, TYPE, HANDLER, N = sys.argv[1:7]


def ask(name, **args):
    r = urllib.request.Request(URL + "/api/commands", json.dumps({"command": name, "args": args}).encode(),
                               {"Authorization": f"Bearer {KEY}", "X-Breyta-Workspace": WORKSPACE, "Content-Type": "application/json"})
    body = json.load(urllib.request.urlopen(r, timeout=40))
    assert body["ok"] is True, body
    return body["data"]


for _ in range(int(N)):
    job = ask("jobs.claim", jobType=TYPE, workerId="tests", waitMs=20000)["job"]
    assert job, f"no job of type {TYPE} within 20 s"
    lease = {"jobId": job["jobId"], "leaseToken": job["leaseToken"]}
    with tempfile.TemporaryDirectory() as d:
        payload, result = os.path.join(d, "payload.json"), os.path.join(d, "result.json")
        with open(payload, "w") as f:
            json.dump(job.get("payload", {}), f)
        ask("jobs.progress", **lease, status="started", message="started handler")
        code = subprocess.run([HANDLER], env={**os.environ, "BREYTA_JOB_DIR": d, "BREYTA_JOB_PAYLOAD_FILE": payload, "BREYTA_JOB_RESULT_FILE": result},
                              stderr=subprocess.DEVNULL).returncode
        got = json.load(open(result)) if os.path.exists(result) else {}
    status = got.pop("status", "succeeded")
    if code or status == "failed":
        ask("jobs.fail", **lease, **{"message": f"handler exited with status {code}", "code": "handler_failed", **got})
    else:
        ask("jobs.complete", **lease, status=status, **got)
