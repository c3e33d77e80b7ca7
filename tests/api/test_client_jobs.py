#!/usr/bin/env python3
"""The client's commands about jobs, row by row, on a real server. See client.py; the worker's are tests of their own."""
import json
import os

import client

PREFIX = "jobs "


def claim(c, type_="t", *more):
    return c.data("jobs", "claim", "--type", type_, "--worker-id", "w1", *more)["job"]


def lease(job):
    return job["jobId"], "--lease-token", job["leaseToken"]


def test_life_of_a_job(c):
    job = c.data("jobs", "create", "--type", "t", "--payload", '{"surface": "api", "n": [1, null]}', "--metadata", '{"m": 1}', "--max-attempts", "5",
                 "--priority", "-2", "--root-workflow-id", "r", "--parent-step-id", "p", "--fanout-parent-step-id", "f", "--fanout-max-concurrency", "4")["job"]
    assert job["status"] == "queued" and job["maxAttempts"] == 5 and job["priority"] == -2 and job["payload"] == {"surface": "api", "n": [1, None]}, job
    assert (job["rootWorkflowId"], job["parentStepId"], job["fanoutParentStepId"], job["fanoutMaxConcurrency"]) == ("r", "p", "f", 4)
    assert f"breyta jobs show {job['jobId']}" in c.meta["nextCommands"]
    mine = claim(c, "t", "--label", "gpu=1", "--lease-duration", "1m")
    assert mine["jobId"] == job["jobId"] and mine["workerLabels"] == {"gpu": "1"} and mine["leaseToken"]
    assert claim(c) is None and claim(c, "t", "--wait", "20ms") is None
    assert c.data("jobs", "release", *lease(mine))["job"]["attempt"] == 0
    c.fails("lease_conflict", "jobs", "release", *lease(mine))
    mine = claim(c, "t", "--label", "gpu=1", "--lease-duration", "1m")
    assert mine["jobId"] == job["jobId"] and mine["attempt"] == 1
    assert c.data("jobs", "heartbeat", *lease(mine), "--lease-duration", "3m")["job"]["lastHeartbeatAt"]
    now = c.data("jobs", "progress", *lease(mine), "--status", "running", "--message", "half", "--details", '{"n": 1}', "--metrics-file", "-", stdin='{"m": 2}')["job"]
    assert now["status"] == "running" and now["progress"]["message"] == "half"
    art = '[{"label": "log", "kind": "file", "resourceUri": "res://v1/ws/ws-local/file/x"}]'
    done = c.data("jobs", "complete", *lease(mine), "--summary", "fine", "--outputs", '{"a": 1}', "--output", "b=2", "--output", "c=text", "--metrics", '{"s": 3}',
                  "--artifacts", art, "--worker-info", '{"pid": 1}')["job"]
    assert done["status"] == "succeeded" and done["outputs"] == {"a": 1, "b": 2, "c": "text"} and done["resultSummary"] == "fine", done
    shown = c.data("jobs", "show", job["jobId"])["job"]
    assert shown["status"] == "succeeded" and "leaseToken" not in shown
    item = c.data("jobs", "list", "--type", "t", "--status", "succeeded")["items"][0]
    assert list(item)[:3] == ["jobId", "jobType", "status"] and len(item) > 8, item  # in order, however many there are
    assert item["payloadKeys"] == ["surface", "n"] and set(item["outputKeys"]) == {"a", "b", "c"} and item["artifactCount"] == 1 and "payload" not in item, item
    assert c.data("jobs", "list", "--full")["items"][0]["payload"]["surface"] == "api"


def test_failure_and_cancel(c):
    for i in range(2):
        c.data("jobs", "create", "--type", "f", "--payload-file", "-", "--unique-key", f"u{i}", stdin=json.dumps({"i": i}))
    assert c.data("jobs", "create", "--type", "f", "--payload", "5", "--unique-key", "u0")["job"]["payload"] == {"i": 0}  # that one is open
    mine = claim(c, "f")
    env = {**c.env(), "BREYTA_JOB_LEASE_TOKEN": mine["leaseToken"]}
    d = c.data("jobs", "fail", mine["jobId"], "--message", "no disk", "--code", "disk", "--details", '{"free": 0}', env=env)["job"]
    assert d["status"] == "failed", d
    c.fails("usage", "jobs", "fail", mine["jobId"])
    c.fails("lease_conflict", "jobs", "progress", mine["jobId"], "--lease-token", "wrong")
    other = [j for j in c.data("jobs", "list", "--type", "f", "--status", "queued")["items"]][0]
    assert c.data("jobs", "cancel", other["jobId"])["job"]["status"] == "cancelled"
    assert claim(c, "f") is None
    late = c.data("jobs", "create", "--type", "late", "--delay", "1h")["job"]
    assert claim(c, "late") is None and late["status"] == "queued"
    c.fails("not_found", "jobs", "show", "nowhere")
    c.fails("usage", "jobs", "list", "--status", "odd")
    c.fails("usage", "jobs", "create")


def test_batches(c):
    b = c.data("jobs", "batches", "create", "--type", "b", "--job", '{"payload": {"i": 0}}', "--job", '{"payload": {"i": 1}}', "--metadata", '{"campaign": "x"}')
    id_ = b["batch"]["batchId"]
    assert b["batch"]["requestedCount"] == 2 and len(b["jobs"]) == 2
    path = os.path.join(c.home, "jobs.json")
    with open(path, "w") as f:
        json.dump([{"payload": {"i": i}} for i in range(300)], f)
    big = c.data("jobs", "batches", "create", "--type", "b2", "--jobs-file", path, "--max-attempts", "1")["batch"]
    assert big["requestedCount"] == 300
    mine = claim(c, "b", "--batch-id", id_)
    c.data("jobs", "complete", *lease(mine), "--status", "no_changes")
    d = c.data("jobs", "batches", "show", id_, "--limit", "1")
    assert d["batch"]["batchId"] == id_ and len(d["jobs"]) == 1 and d["jobs"][0]["payloadKeys"] == ["i"] and "payload" not in d["jobs"][0], d
    assert "payload" in c.data("jobs", "batches", "show", id_, "--full")["jobs"][0]
    c.data("jobs", "batches", "cancel", big["batchId"])
    assert c.data("jobs", "batches", "show", big["batchId"])["batch"]["status"] == "cancelled"
    c.fails("usage", "jobs", "batches", "create", "--type", "b")


def test_types(c):
    c.data("jobs", "types", "update", "b", "--max-concurrency", "2", "--rate-limit", "10", "--rate-period", "1s")
    t = [x for x in c.data("jobs", "types", "list")["items"] if x["jobType"] == "b"][0]
    assert t["maxConcurrency"] == 2 and t["rateLimit"] == 10, t


def test_every_row_has_a_case(c):
    left = sorted(n for n in c.table if n.startswith(PREFIX) and not n.startswith("jobs worker") and n not in c.used)
    assert not left, f"rows that no test uses: {left}"


if __name__ == "__main__":
    client.run(globals())
