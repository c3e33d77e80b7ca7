#!/usr/bin/env python3
"""The jobs control plane over the API (spec/http-api.md B, durability.md 15 to 18), and the :job step under `breyta serve`. See server.py."""
import http.client
import json
import secrets
import socket
import sqlite3
import threading
import time

from server import Server, flow, run_tests

OPEN = ("queued", "leased", "started", "running")


def create(s, type="t", **more):
    return s.ok("jobs.create", {"jobType": type, **more}).data["job"]


def claim(s, type="t", worker="w", **more):
    return s.ok("jobs.claim", {"jobType": type, "workerId": worker, **more}).data["job"]


def get(s, job):
    return s.ok("jobs.get", {"jobId": job["jobId"]}).data["job"]


def polls(s):
    """How many workers wait for a job."""
    text = s.raw("GET", "/metrics", key=False)[2].decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("breyta_jobs_polls "))


def lease(job):
    return {"jobId": job["jobId"], "leaseToken": job["leaseToken"]}


def fails(s, status, code, name, args, **more):
    a = s.command(name, args, **more)
    assert (a.status, a.code) == (status, code), f"{name} {args}: {a!r}"
    return a.body["error"]["message"]


def account(s, *capabilities, types=()):
    a = s.ok("service_accounts.create", {"name": "w", "capabilities": list(capabilities), "allowedJobTypes": list(types)}).data["serviceAccount"]
    return s.ok("service_accounts.keys.create", {"serviceAccountId": a["serviceAccountId"], "name": "k"}).data["key"]["apiKey"]


def test_life_of_a_job(s):
    job = create(s, payload={"surface": "api", "deep": {"a-b": [1, None, "é"]}}, metadata={"campaign": "c"}, maxAttempts=5, priority=2,
                 rootWorkflowId="r", parentStepId="p", fanoutParentStepId="f", fanoutMaxConcurrency=4)
    assert job["status"] == "queued" and job["attempt"] == 0 and job["maxAttempts"] == 5 and job["workspaceId"] == s.workspace, job
    assert job["payload"] == {"surface": "api", "deep": {"a-b": [1, None, "é"]}} and job["metadata"] == {"campaign": "c"}, job
    assert (job["rootWorkflowId"], job["parentStepId"], job["fanoutParentStepId"], job["fanoutMaxConcurrency"]) == ("r", "p", "f", 4), job
    mine = claim(s, worker="w1", workerLabels={"gpu": "yes"}, leaseDuration=60000)
    assert mine["jobId"] == job["jobId"] and mine["status"] == "leased" and mine["attempt"] == 1 and mine["workerId"] == "w1", mine
    assert mine["payload"] == job["payload"] and len(mine["leaseToken"]) >= 32 and mine["workerLabels"] == {"gpu": "yes"}, mine
    assert claim(s) is None
    beat = s.ok("jobs.heartbeat", {**lease(mine), "leaseDuration": 90000}).data["job"]
    assert beat["leaseExpiresAt"] > mine["leaseExpiresAt"] and beat["lastHeartbeatAt"], beat
    now = s.ok("jobs.progress", {**lease(mine), "status": "running", "message": "half", "details": {"n": 1}, "metrics": {"m": 2},
                                 "artifacts": [{"label": "log", "kind": "file", "resourceUri": "res://a"}]}).data["job"]
    assert now["status"] == "running" and now["progress"]["message"] == "half" and now["progress"]["details"] == {"n": 1}, now
    late = s.ok("jobs.progress", {**lease(mine), "status": "started", "message": "began"}).data["job"]
    assert late["status"] == "running" and late["progress"]["status"] == "running", late  # out of order: it never goes back
    late = s.ok("jobs.progress", {**lease(mine), "status": "started", "message": "too late", "first": True}).data["job"]
    assert late["progress"]["message"] == "began" and late["status"] == "running", late
    done = s.ok("jobs.complete", {**lease(mine), "summary": "all good", "outputs": {"finding-count": 1}, "metrics": {"s": 3}, "workerInfo": {"pid": 1},
                                  "artifacts": [{"label": "report", "kind": "file", "resourceUri": "res://b"}]}).data["job"]
    assert done["status"] == "succeeded" and done["outputs"] == {"finding-count": 1} and done["resultSummary"] == "all good", done
    assert [a["label"] for a in done["artifacts"]] == ["log", "report"] and done["completedAt"] and "leaseToken" not in done, done
    seen = get(s, job)
    assert seen["attempts"][0]["outcome"] == "succeeded" and seen["metrics"] == {"s": 3} and "leaseToken" not in seen, seen
    for name in ("jobs.list", "jobs.get"):
        assert "leaseToken" not in json.dumps(s.ok(name, {"jobId": job["jobId"]} if name == "jobs.get" else {}).body)


def test_outcomes(s):
    for status in ("succeeded", "no_changes", "cancelled"):
        create(s)
        assert s.ok("jobs.complete", {**lease(claim(s)), "status": status}).data["job"]["status"] == status
    for outputs in ([1, 2], "text", 7, {"a": None}):
        create(s)
        assert s.ok("jobs.complete", {**lease(claim(s)), "outputs": outputs}).data["job"]["outputs"] == outputs
    create(s)
    failed = s.ok("jobs.fail", {**lease(claim(s)), "message": "boom", "code": "x", "details": {"exitCode": 3}}).data["job"]
    assert failed["status"] == "failed" and failed["error"] == {"message": "boom", "code": "x", "details": {"exitCode": 3}}, failed
    create(s)
    assert s.ok("jobs.fail", lease(claim(s))).data["job"]["error"]["code"] == "handler_failed"
    assert claim(s) is None  # a failure is for good


def test_stale_tokens(s):
    job = create(s, maxAttempts=3)
    first = claim(s, worker="slow", leaseDuration=100)
    second = claim(s, worker="fast", waitMs=10000)
    assert second["jobId"] == job["jobId"] and second["attempt"] == 2 and second["leaseToken"] != first["leaseToken"], second
    before = get(s, job)
    for name, more in (("jobs.heartbeat", {}), ("jobs.progress", {"status": "running"}), ("jobs.complete", {"outputs": {"stolen": True}}), ("jobs.fail", {}),
                       ("jobs.attach_kv", {"label": "l", "value": 1}), ("jobs.attach_table", {"label": "l", "rows": [{"a": 1}]})):
        fails(s, 409, "lease_conflict", name, {**lease(first), **more})
        fails(s, 409, "lease_conflict", name, {"jobId": job["jobId"], "leaseToken": "no token", **more})
        fails(s, 404, "not_found", name, {"jobId": "job-999-x", "leaseToken": first["leaseToken"], **more})
    assert get(s, job) == before
    done = s.ok("jobs.complete", {**lease(second), "outputs": {"by": "fast"}}).data["job"]
    again = s.ok("jobs.complete", {**lease(second), "outputs": {"by": "again"}}).data["job"]
    assert again == done, (again, done)  # the same token: as it is
    assert s.ok("jobs.fail", lease(second)).data["job"]["status"] == "succeeded"
    assert s.ok("jobs.heartbeat", lease(second)).data["job"]["status"] == "succeeded"
    fails(s, 409, "lease_conflict", "jobs.complete", lease(first))
    fails(s, 409, "lease_conflict", "jobs.attach_kv", {**lease(second), "label": "late", "value": 1})


def test_lease_ends_while_the_server_is_down(s):
    job = create(s, maxAttempts=2)
    first = claim(s, leaseDuration=150)
    s.kill()
    s.start()
    second = claim(s, worker="w2", waitMs=10000, leaseDuration=150)
    assert second["jobId"] == job["jobId"] and second["attempt"] == 2, second
    fails(s, 409, "lease_conflict", "jobs.complete", lease(first))
    end = time.monotonic()
    over = s.until(lambda: (j := get(s, job))["status"] == "timed_out" and j, "it is timed out", 5)
    assert time.monotonic() - end < 1.15, "a lost worker is noticed within its lease and a second"
    assert [a["outcome"] for a in over["attempts"]] == ["lease_expired", "timed_out"] and over["error"]["code"] == "lease_expired", over
    assert claim(s) is None


def test_acknowledged_is_durable(s):
    s.ok("jobs.types.update", {"jobType": "limited", "maxConcurrency": 7})
    batch = s.ok("jobs.batches.create", {"jobType": "b", "jobs": [{"payload": i} for i in range(3)]}).data["batch"]
    s.kill()
    s.start()
    assert s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]["queuedCount"] == 3
    job = create(s)
    s.kill()
    s.start()
    mine = claim(s)
    assert mine["jobId"] == job["jobId"]
    s.kill()
    s.start()
    assert claim(s) is None and get(s, job)["status"] == "leased"
    artifact = s.ok("jobs.attach_kv", {**lease(mine), "label": "k", "value": {"x": 1}}).data["artifact"]
    s.kill()
    s.start()
    table = s.ok("jobs.attach_table", {**lease(mine), "label": "t", "rows": [{"a": 1}]}).data["artifact"]
    s.kill()
    s.start()
    assert get(s, job)["artifacts"] == [artifact, table]
    s.ok("jobs.progress", {**lease(mine), "status": "running", "message": "m"})
    s.kill()
    s.start()
    assert get(s, job)["progress"]["message"] == "m" and get(s, job)["status"] == "running"
    s.ok("jobs.complete", {**lease(mine), "outputs": 1})
    s.kill()
    s.start()
    assert get(s, job)["status"] == "succeeded"
    one = create(s, "c")
    s.ok("jobs.cancel", {"jobId": one["jobId"]})
    s.kill()
    s.start()
    assert get(s, one)["status"] == "cancelled"
    s.ok("jobs.batches.cancel", {"batchId": batch["batchId"]})
    s.kill()
    s.start()
    assert s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]["status"] == "cancelled"
    create(s, "limited")
    assert {"jobType": "limited", "maxConcurrency": 7, "workerSeen": False} in s.ok("jobs.types.list").data["items"]


def test_order_and_priority(s):
    jobs = [create(s, priority=p) for p in (0, 3, 0, 3, -1)]
    got = [claim(s)["jobId"] for _ in jobs]
    assert got == [jobs[i]["jobId"] for i in (1, 3, 0, 2, 4)], got


def test_many_workers_one_job_each(s):
    n = 60
    jobs = [j["jobId"] for j in s.ok("jobs.batches.create", {"jobType": "t", "jobs": [{} for _ in range(n)]}).data["jobs"]]
    got, lock = [], threading.Lock()

    def worker():
        while (mine := claim(s)) is not None:
            with lock:
                got.append(mine["jobId"])
    threads = [threading.Thread(target=worker) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(got) == sorted(jobs), (len(got), n)


def test_long_poll(s):
    answers = []

    def poll(i):
        t = time.monotonic()
        answers.append((i, claim(s, worker=f"w{i}", waitMs=15000), time.monotonic() - t))
    threads = [threading.Thread(target=poll, args=(i,)) for i in range(3)]
    [t.start() for t in threads]
    s.until(lambda: polls(s) == 3, "polls are there")
    assert not answers
    begin = time.monotonic()
    made = {create(s)["jobId"] for _ in range(3)}
    [t.join(10) for t in threads]
    assert {a[1]["jobId"] for a in answers} == made and time.monotonic() - begin < 5, answers
    t = time.monotonic()
    assert claim(s, waitMs=200) is None and 0.19 < time.monotonic() - t < 3
    t = time.monotonic()
    assert claim(s) is None and time.monotonic() - t < 3
    fails(s, 400, "bad_request", "jobs.claim", {"jobType": "t", "workerId": "w", "waitMs": 20001})


def raw_claim(s, type, wait):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
    c.request("POST", "/api/commands", json.dumps({"command": "jobs.claim", "args": {"jobType": type, "workerId": "gone", "waitMs": wait}}),
              {"Authorization": f"Bearer {s.key}", "X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"})
    return c


def test_claim_of_a_worker_that_hung_up(s):
    c = raw_claim(s, "t", 20000)
    s.until(lambda: seen(s, "t"), "the poll is there")
    c.sock.shutdown(socket.SHUT_RDWR)
    c.close()
    job = create(s)
    mine = claim(s, waitMs=5000)
    assert mine["jobId"] == job["jobId"] and mine["attempt"] == 1, mine  # nobody's attempt was used


def test_claims_whose_answer_reaches_nobody(s):
    jobs = {create(s)["jobId"] for _ in range(5)}
    body = json.dumps({"command": "jobs.claim", "args": {"jobType": "t", "workerId": "gone"}})
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # the request and the end of the connection leave together
            c.sendall(f"POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {s.key}\r\nX-Breyta-Workspace: {s.workspace}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            c.shutdown(socket.SHUT_WR)
            while c.recv(4096):
                pass
    got = {}
    while len(got) < 5:
        mine = claim(s, waitMs=5000)
        assert mine and mine["attempt"] == 1, mine
        got[mine["jobId"]] = mine
    assert set(got) == jobs
    assert all(len(m["attempts"]) == 1 for m in got.values())


def seen(s, type):
    """A worker asks for the type: configure.check of a flow that needs one says so."""
    if not hasattr(s, "needs"):
        s.ok("flows.put_draft", {"flowLiteral": flow("needs", "1", extra=f":requires [{{:kind :worker :job-type \"{type}\" :label \"W\"}}]")})
        s.needs = True
    check = s.ok("flows.configure.check", {"flowSlug": "needs"}).data
    needs = [r for r in check["requirements"] if r["kind"] == "worker"]
    assert len(needs) == 1 and needs[0]["job-type"] == type and check["ready"] is True, check
    return needs[0]["worker-seen"]


def test_limits_of_a_type(s):
    for _ in range(4):
        create(s)
    s.ok("jobs.types.update", {"jobType": "t", "maxConcurrency": 2})
    a, b = claim(s), claim(s)
    assert a and b and claim(s) is None
    got = []
    thread = threading.Thread(target=lambda: got.append(claim(s, waitMs=15000)))
    thread.start()
    s.ok("jobs.complete", lease(a))
    thread.join(10)
    assert got[0]["jobId"] not in (a["jobId"], b["jobId"]), got  # the place that became free woke the poll
    s.ok("jobs.types.update", {"jobType": "t", "maxConcurrency": 0})
    assert claim(s)
    for _ in range(6):
        create(s, "r")
    s.ok("jobs.types.update", {"jobType": "r", "rateLimit": 2, "ratePeriodMs": 400})
    begin = time.monotonic()
    assert claim(s, "r") and claim(s, "r")
    assert claim(s, "r") is None or time.monotonic() - begin > 0.19
    while (mine := claim(s, "r", waitMs=5000)):
        s.ok("jobs.complete", lease(mine))
        if not [j for j in s.ok("jobs.list", {"jobType": "r", "status": "queued"}).data["items"]]:
            break
    assert time.monotonic() - begin >= 0.55, "six claims at two in 400 ms"
    fails(s, 400, "bad_request", "jobs.types.update", {"jobType": "t", "maxConcurrency": -1})


def test_delay_and_unique_keys(s):
    t = time.monotonic()
    job = create(s, delayMs=300)
    assert job["runAt"] and claim(s) is None
    assert claim(s, waitMs=10000)["jobId"] == job["jobId"] and time.monotonic() - t >= 0.3
    a = s.ok("jobs.create", {"jobType": "u", "uniqueKey": "k"}).data
    b = s.ok("jobs.create", {"jobType": "u", "uniqueKey": "k"}).data
    assert b["duplicate"] is True and b["job"]["jobId"] == a["job"]["jobId"] and "duplicate" not in a
    assert a["job"]["uniqueKey"] == "k" and "duplicate" not in s.ok("jobs.create", {"jobType": "u2", "uniqueKey": "k"}).data  # of another type
    s.ok("jobs.complete", lease(claim(s, "u")))
    c = s.ok("jobs.create", {"jobType": "u", "uniqueKey": "k"}).data
    assert "duplicate" not in c
    w = s.ok("jobs.create", {"jobType": "w", "uniqueKey": "window", "uniqueForMs": 400}).data["job"]
    s.ok("jobs.complete", lease(claim(s, "w")))
    assert s.ok("jobs.create", {"jobType": "w", "uniqueKey": "window", "uniqueForMs": 400}).data["job"]["jobId"] == w["jobId"]
    s.until(lambda: "duplicate" not in s.ok("jobs.create", {"jobType": "w", "uniqueKey": "window", "uniqueForMs": 100}).data, "the window is over")
    got, lock = [], threading.Lock()

    def one():
        d = s.ok("jobs.create", {"jobType": "race", "uniqueKey": "race"}).data
        with lock:
            got.append(d)
    threads = [threading.Thread(target=one) for _ in range(8)]
    [x.start() for x in threads]
    [x.join() for x in threads]
    assert len({d["job"]["jobId"] for d in got}) == 1 and sum("duplicate" not in d for d in got) == 1, got


def test_a_claim_asked_for_again(s):
    """Whoever lost the answer to his claim gets that job again while the lease lives, and nobody else does."""
    jobs = [create(s, payload={"n": n}) for n in range(4)]
    args = {"jobType": "t", "workerId": "w", "leaseDuration": 60000}

    def named(op, key=True):
        return s.ok("jobs.claim", args, op=op, key=key).data["job"]
    s.ok("jobs.types.update", {"jobType": "t", "maxConcurrency": 1})
    first = named("claim-1")
    assert first["jobId"] == jobs[0]["jobId"] and first["attempt"] == 1, first
    assert named("claim-1") == first, "the limit of the type is no reason to refuse it"
    s.kill()
    s.start()
    again = named("claim-1")
    assert again == first and len(get(s, jobs[0])["attempts"]) == 1, (again, first)
    fails(s, 409, "operation_mismatch", "jobs.claim", {**args, "workerId": "other"}, op="claim-1")
    s.ok("jobs.types.update", {"jobType": "t", "maxConcurrency": 0})
    other = account(s, "jobs.worker")
    assert named("claim-1", key=other)["jobId"] == jobs[1]["jobId"], "another caller's operation is another one"
    got = []
    threads = [threading.Thread(target=lambda: got.append(named("claim-2"))) for _ in range(6)]
    [t.start() for t in threads]
    [t.join(10) for t in threads]
    assert len(got) == 6 and all(g == got[0] for g in got) and got[0]["jobId"] == jobs[2]["jobId"], got
    s.ok("jobs.progress", {**lease(first), "status": "running"})
    assert named("claim-1")["status"] == "running"
    s.ok("jobs.complete", lease(first))
    assert named("claim-1")["jobId"] == jobs[3]["jobId"], "that one is over"
    create(s, "short", maxAttempts=3)
    brief = s.ok("jobs.claim", {"jobType": "short", "workerId": "w", "leaseDuration": 100}, op="claim-3").data["job"]
    second = claim(s, "short", waitMs=10000)
    assert second["attempt"] == 2 and second["leaseToken"] != brief["leaseToken"]
    assert s.ok("jobs.claim", {"jobType": "short", "workerId": "w", "leaseDuration": 100}, op="claim-3").data["job"] is None, "its lease is over"
    assert "claim" not in get(s, second)


def test_given_back(s):
    """A job that a worker gives back is anybody's at once, without an attempt; what was begun is not."""
    job = create(s, maxAttempts=1)
    first = claim(s)
    back = s.ok("jobs.release", lease(first), op="r").data["job"]
    assert (back["status"], back["attempt"]) == ("queued", 0) and "workerId" not in back, back
    assert s.ok("jobs.release", lease(first), op="r").data["job"] == back
    fails(s, 409, "lease_conflict", "jobs.release", lease(first))
    fails(s, 409, "lease_conflict", "jobs.complete", lease(first))
    s.kill()
    s.start()
    second = claim(s)
    assert second["jobId"] == job["jobId"] and second["attempt"] == 1 and len(second["attempts"]) == 1, second
    fails(s, 409, "lease_conflict", "jobs.release", lease(first))
    assert get(s, job)["status"] == "leased", "the old token gives nobody's job back"
    s.ok("jobs.progress", {**lease(second), "status": "started"})
    assert "started" in fails(s, 409, "already_started", "jobs.release", lease(second))
    s.ok("jobs.complete", lease(second))
    assert s.ok("jobs.release", lease(second)).data["job"]["status"] == "succeeded"
    waiting = []
    thread = threading.Thread(target=lambda: waiting.append(claim(s, "poll", waitMs=15000)))
    create(s, "poll")
    mine = claim(s, "poll")
    thread.start()
    s.until(lambda: polls(s) == 1, "the poll is there")
    s.ok("jobs.release", lease(mine))
    thread.join(10)
    assert waiting[0]["jobId"] == mine["jobId"] and waiting[0]["attempt"] == 1, "whoever waits gets it at once"
    batch = s.ok("jobs.batches.create", {"jobType": "b", "jobs": [{}, {}], "fanoutMaxConcurrency": 1}).data["batch"]
    one = claim(s, "b")
    s.ok("jobs.release", lease(one))
    now = s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]
    assert (now["queuedCount"], now["activeCount"]) == (2, 0) and claim(s, "b")["jobId"] == one["jobId"] and claim(s, "b") is None


def test_operations_are_idempotent(s):
    for name, args in (("jobs.create", {"jobType": "t"}), ("jobs.batches.create", {"jobType": "t", "jobs": [{}]})):
        a, b = (s.ok(name, args, op="op-" + name) for _ in range(2))
        assert a.data == b.data
    assert len(s.ok("jobs.list").data["items"]) == 2
    assert s.command("jobs.create", {"jobType": "other"}, op="op-jobs.create").code == "operation_mismatch"


def test_batches(s):
    made = s.ok("jobs.batches.create", {"jobType": "b", "jobs": [{"payload": {"i": i}, "metadata": {"m": i}} for i in range(5)], "metadata": {"c": 1},
                                        "maxAttempts": 9, "parentStepId": "p"}).data
    batch = made["batch"]
    assert batch["status"] == "queued" and batch["requestedCount"] == 5 and batch["metadata"] == {"c": 1} and batch["parentStepId"] == "p", batch
    assert [j["batchId"] for j in made["jobs"]] == [batch["batchId"]] * 5
    other = create(s, "b")
    mine = claim(s, "b", batchId=batch["batchId"])
    assert mine["payload"] == {"i": 0} and mine["metadata"] == {"m": 0} and mine["maxAttempts"] == 9 and mine["batchId"] == batch["batchId"], mine
    s.ok("jobs.complete", lease(mine))
    for status in ("succeeded", "no_changes"):
        s.ok("jobs.complete", {**lease(claim(s, "b", batchId=batch["batchId"])), "status": status})
    now = s.ok("jobs.batches.get", {"batchId": batch["batchId"], "limit": 2})
    assert now.data["batch"]["status"] == "running" and now.data["batch"]["succeededCount"] == 2 and now.data["batch"]["noChangesCount"] == 1, now
    assert len(now.data["jobs"]) == 2 and now.meta["hasMore"]
    rest = s.ok("jobs.batches.get", {"batchId": batch["batchId"], "cursor": now.meta["nextCursor"], "limit": 9}).data["jobs"]
    assert [j["payload"]["i"] for j in now.data["jobs"] + rest] == [0, 1, 2, 3, 4]
    s.ok("jobs.fail", lease(claim(s, "b", batchId=batch["batchId"])))
    s.ok("jobs.complete", lease(claim(s, "b", batchId=batch["batchId"])))
    assert claim(s, "b", batchId=batch["batchId"]) is None and claim(s, "b")["jobId"] == other["jobId"]
    end = s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]
    assert end["status"] == "partially_failed" and end["completedAt"] and end["failedCount"] == 1 and end["activeCount"] == 0, end
    for ends, want in ((["complete"] * 2, "completed"), (["fail"] * 2, "failed")):
        b = s.ok("jobs.batches.create", {"jobType": "e", "jobs": [{}, {}]}).data["batch"]
        for e in ends:
            s.ok("jobs." + e, lease(claim(s, "e")))
        assert s.ok("jobs.batches.get", {"batchId": b["batchId"]}).data["batch"]["status"] == want


def test_side_by_side_in_a_batch(s):
    batch = s.ok("jobs.batches.create", {"jobType": "b", "jobs": [{} for _ in range(5)], "fanoutMaxConcurrency": 2}).data["batch"]
    held = [claim(s, "b"), claim(s, "b")]
    assert claim(s, "b") is None
    done = 0
    while held:
        s.ok("jobs.fail" if done == 1 else "jobs.complete", lease(held.pop()))
        done += 1
        more = claim(s, "b")
        held += [more] if more else []
        assert claim(s, "b") is None
    assert done == 5 and s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]["status"] == "partially_failed"


def test_cancelling(s):
    waiting = create(s)
    assert s.ok("jobs.cancel", {"jobId": waiting["jobId"]}).data["job"]["status"] == "cancelled"
    assert claim(s) is None
    fails(s, 409, "already_completed", "jobs.cancel", {"jobId": waiting["jobId"]})
    create(s)
    mine = claim(s)
    s.ok("jobs.cancel", {"jobId": mine["jobId"]})
    assert s.ok("jobs.heartbeat", lease(mine)).data["job"]["status"] == "cancelled"  # how its worker learns it
    assert s.ok("jobs.complete", {**lease(mine), "outputs": 1}).data["job"]["status"] == "cancelled"
    assert "outputs" not in get(s, mine)
    batch = s.ok("jobs.batches.create", {"jobType": "b", "jobs": [{} for _ in range(4)]}).data["batch"]
    one = claim(s, "b")
    s.ok("jobs.complete", lease(one))
    claim(s, "b")
    assert s.ok("jobs.batches.cancel", {"batchId": batch["batchId"]}).data["batch"]["status"] == "cancelled"
    end = s.ok("jobs.batches.get", {"batchId": batch["batchId"]}).data["batch"]
    assert end["status"] == "cancelled" and end["cancelledCount"] == 3 and end["succeededCount"] == 1, end
    fails(s, 409, "already_completed", "jobs.batches.cancel", {"batchId": batch["batchId"]})
    assert claim(s, "b") is None


def test_attachments(s):
    create(s)
    mine = claim(s)
    kv = s.ok("jobs.attach_kv", {**lease(mine), "label": "review summary", "value": {"finding-count": 1, "severity": "high"}}).data["artifact"]
    assert kv["kind"] == "kv" and mine["jobId"] in kv["key"] and kv["resourceUri"].endswith(kv["key"]) and kv["contentType"] == "application/json", kv
    assert s.http("GET", "/api/resources/content?uri=" + kv["resourceUri"]).body["body"]["value"] == {"finding-count": 1, "severity": "high"}
    named = s.ok("jobs.attach_kv", {**lease(mine), "label": "l", "key": "my-key", "kind": "note", "value": [1], "contentType": "text/x", "ttlSeconds": 60}).data["artifact"]
    assert named["key"].endswith(":my-key") and named["kind"] == "note" and named["contentType"] == "text/x" and named["expiresAt"], named
    rows = [{"finding_id": "a", "severity": "high", "n": 1}, {"finding_id": "b", "severity": "low"}]
    table = s.ok("jobs.attach_table", {**lease(mine), "label": "findings", "table": "security-findings", "rows": rows, "writeMode": "upsert",
                                       "keyFields": ["finding_id"], "indexFields": ["severity"]}).data["artifact"]
    assert table["rowsWritten"] == 2 and table["rowCount"] == 2 and table["keyFields"] == ["finding_id"] and table["indexFields"] == ["severity"], table
    assert mine["jobId"] in table["tableName"] and table["tableName"].endswith("security-findings") and table["tableId"].startswith("tbl_"), table
    again = s.ok("jobs.attach_table", {**lease(mine), "label": "findings", "table": "security-findings", "writeMode": "upsert",
                                       "rows": [{"finding_id": "a", "severity": "none"}, {"finding_id": "c"}], "keyFields": ["finding_id"]}).data["artifact"]
    assert again["rowCount"] == 3 and again["resourceUri"] == table["resourceUri"], again
    found = s.http("POST", "/api/resources/table/query", json.dumps({"uri": table["resourceUri"], "page": {"mode": "offset", "limit": 10}, "where": [["severity", "=", "none"]]}), {"Content-Type": "application/json"})
    assert [r["finding_id"] for r in found.body["rows"]] == ["a"], found
    assert [a["label"] for a in get(s, mine)["artifacts"]] == ["review summary", "l", "findings"]
    s.ok("jobs.fail", {**lease(mine), "message": "m", "artifacts": [{"label": "log", "kind": "file", "resourceUri": "res://x"}]})
    assert [a["label"] for a in get(s, mine)["artifacts"]] == ["review summary", "l", "findings", "log"]  # they survive, and are added to
    create(s)
    other = claim(s)
    for name, args, what in (("jobs.attach_kv", {"label": " ", "value": 1}, "blank"), ("jobs.attach_table", {"label": "x", "rows": []}, "empty"),
                             ("jobs.attach_table", {"label": "x", "rows": [1]}, "rows[0]"),
                             ("jobs.attach_table", {"label": "x", "rows": [{"a": 1}], "writeMode": "upsert"}, "key"),
                             ("jobs.attach_table", {"label": "x", "rows": [{"a": 1}], "writeMode": "replace"}, "writeMode")):
        assert what in fails(s, 400, "bad_request", name, {**lease(other), **args})
    got = []

    def attach(i):
        rows = [{"id": i * 10 + k} for k in range(10)]
        got.append(s.ok("jobs.attach_table", {**lease(other), "label": f"t{i}", "table": "one", "rows": rows, "writeMode": "upsert", "keyFields": ["id"]}).data)
        got.append(s.ok("jobs.attach_kv", {**lease(other), "label": f"k{i}", "value": i}).data)
    threads = [threading.Thread(target=attach, args=(i,)) for i in range(8)]  # commands of a handler that run side by side
    [t.start() for t in threads]
    [t.join(20) for t in threads]
    assert sorted(a["artifact"]["rowCount"] for a in got if a["artifact"]["kind"] == "table") == [10 * n for n in range(1, 9)], got
    assert sorted(a["label"] for a in get(s, other)["artifacts"]) == sorted(f"{c}{i}" for c in "tk" for i in range(8))
    mixed = s.command("jobs.attach_kv", {**lease(other), "label": "x", "value": "y" * (3 << 20)})
    assert (mixed.status, mixed.code) == (413, "too_large"), mixed


def test_a_file_by_a_worker_key(s):
    key = account(s, "jobs.worker")
    create(s)
    mine = s.ok("jobs.claim", {"jobType": "t", "workerId": "w"}, key=key).data["job"]
    h = {"X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"}
    uri = s.http("POST", "/api/files/uploads/init", json.dumps({"filename": "r.md"}), h, key=key).body
    uri = uri.get("uri") or uri["resource-uri"]
    assert s.http("PUT", "/api/files/uploads/direct?uri=" + uri, b"# Review", {**h, "Content-Type": "text/markdown"}, key=key).status == 200
    assert s.http("POST", "/api/files/uploads/complete", json.dumps({"uri": uri}), h, key=key).status == 200
    done = s.ok("jobs.complete", {**lease(mine), "artifacts": [{"label": "report", "kind": "file", "resourceUri": uri}]}, key=key).data["job"]
    assert done["artifacts"][0]["resourceUri"] == uri


def test_who_may(s):
    worker, bound, reader = account(s, "jobs.worker"), account(s, "jobs.worker", types=["a"]), account(s, "runs.read")
    job = create(s, "b")
    fails(s, 403, "forbidden", "jobs.create", {"jobType": "a"}, key=worker)
    fails(s, 403, "forbidden", "jobs.cancel", {"jobId": job["jobId"]}, key=worker)
    fails(s, 403, "forbidden", "jobs.batches.create", {"jobType": "a", "jobs": [{}]}, key=worker)
    fails(s, 403, "forbidden", "jobs.types.update", {"jobType": "a"}, key=worker)
    for name, args in (("jobs.claim", {"jobType": "b", "workerId": "w"}), ("jobs.get", {"jobId": job["jobId"]}), ("jobs.list", {"jobType": "b"})):
        fails(s, 403, "forbidden", name, args, key=bound)
    fails(s, 403, "forbidden", "jobs.claim", {"jobType": "b", "workerId": "w"}, key=reader)
    assert s.ok("jobs.list", {}, key=reader).data["items"][0]["jobId"] == job["jobId"]
    assert s.ok("jobs.list", {}, key=bound).data["items"] == []
    mine = s.ok("jobs.claim", {"jobType": "b", "workerId": "w"}, key=worker).data["job"]
    for name in ("jobs.heartbeat", "jobs.progress", "jobs.complete", "jobs.fail"):
        fails(s, 403, "forbidden", name, lease(mine), key=bound)
        fails(s, 403, "forbidden", name, lease(mine), key=reader)
    for name, args in (("jobs.attach_kv", {"label": "l", "value": 1}), ("jobs.attach_table", {"label": "l", "rows": [{"a": 1}]})):
        fails(s, 403, "forbidden", name, {**lease(mine), **args}, key=bound)
    fails(s, 403, "forbidden", "jobs.types.list", {}, key=account(s, "flows.read"))
    fails(s, 403, "forbidden", "jobs.batches.get", {"batchId": "x"}, key=account(s, "flows.read"))
    fails(s, 403, "forbidden", "jobs.batches.cancel", {"batchId": "x"}, key=reader)


def test_workspaces_are_apart(s):
    job = create(s)
    batch = s.ok("jobs.batches.create", {"jobType": "t", "jobs": [{}]}).data["batch"]
    mine, home = claim(s), s.workspace
    made = s.http("POST", "/api/debug/workspace/bootstrap", json.dumps({"workspaceId": "ws-other"}), {"Content-Type": "application/json"})
    assert made.status < 300, made
    s.workspace = "ws-other"
    assert claim(s) is None and s.ok("jobs.list").data["items"] == [] and s.ok("jobs.types.list").data["items"] == []
    for name, args in (("jobs.get", {"jobId": job["jobId"]}), ("jobs.cancel", {"jobId": job["jobId"]}), ("jobs.complete", lease(mine)),
                       ("jobs.heartbeat", lease(mine)), ("jobs.batches.get", {"batchId": batch["batchId"]}), ("jobs.batches.cancel", {"batchId": batch["batchId"]}),
                       ("jobs.claim", {"jobType": "t", "workerId": "w", "batchId": batch["batchId"]})):
        fails(s, 404, "not_found", name, args)
    s.workspace = home
    assert get(s, job)["status"] == "leased"


def test_bad_arguments(s):
    create(s)
    mine = claim(s)
    for name, args in (("jobs.create", {}), ("jobs.create", {"jobType": ""}), ("jobs.create", {"jobType": 1}), ("jobs.create", {"jobType": "a\nb"}),
                       ("jobs.create", {"jobType": "x" * 201}), ("jobs.create", {"jobType": "t", "maxAttempts": 0}), ("jobs.create", {"jobType": "t", "metadata": []}),
                       ("jobs.batches.create", {"jobType": "t", "jobs": []}), ("jobs.batches.create", {"jobType": "t", "jobs": [1]}),
                       ("jobs.batches.create", {"jobType": "t", "jobs": [{"maxAttempts": "x"}]}), ("jobs.batches.create", {"jobType": "t", "jobs": [{"uniqueKey": "k"}]}),
                       ("jobs.claim", {"jobType": "t"}), ("jobs.claim", {"jobType": "t", "workerId": "w", "leaseDuration": 1}),
                       ("jobs.claim", {"jobType": "t", "workerId": "w", "workerLabels": {"a": 1}}), ("jobs.list", {"status": "sleeping"}), ("jobs.list", {"limit": 0}),
                       ("jobs.list", {"cursor": "x"}), ("jobs.get", {}), ("jobs.progress", {**lease(mine), "status": "succeeded"}),
                       ("jobs.complete", {**lease(mine), "status": "failed"}), ("jobs.complete", {**lease(mine), "artifacts": [1]}),
                       ("jobs.heartbeat", {"jobId": mine["jobId"]})):
        fails(s, 400, "bad_request", name, args)
    fails(s, 404, "not_found", "jobs.get", {"jobId": "job-1"})
    fails(s, 404, "not_found", "jobs.get", {"jobId": "x"})
    fails(s, 413, "too_large", "jobs.complete", {**lease(mine), "outputs": "x" * (1 << 20)})
    fails(s, 413, "too_large", "jobs.create", {"jobType": "t", "payload": "x" * ((1 << 20) + 10)})
    for name, args, what in (("jobs.claim", {"jobType": "t", "workerId": "w", "workerLabels": {f"l{i}": "x" for i in range(51)}}, "at most 50 labels"),
                             ("jobs.batches.create", {"jobType": "t", "jobs": [{}, {"metadata": []}]}, "args.jobs[1].metadata"),
                             ("jobs.attach_kv", {**lease(mine), "label": "x", "key": "k" * 121, "value": 1}, "at most 120 bytes")):
        assert what in fails(s, 400, "bad_request", name, args)
    s.ok("jobs.progress", {**lease(mine), "artifacts": [{"label": f"a{i}"} for i in range(1000)]})
    for name, args in (("jobs.progress", {"artifacts": [{"label": "more"}]}), ("jobs.attach_kv", {"label": "more", "value": 1}),
                       ("jobs.complete", {"artifacts": [{"label": "more"}]})):
        assert "at most 1000 artifacts" in fails(s, 413, "too_large", name, {**lease(mine), **args})
    assert get(s, mine)["status"] == "leased" and len(get(s, mine)["artifacts"]) == 1000
    batch = s.ok("jobs.batches.create", {"jobType": "t", "jobs": [{}]}).data["batch"]
    s.ok("jobs.batches.cancel", {"batchId": batch["batchId"]})
    fails(s, 409, "already_completed", "jobs.batches.cancel", {"batchId": batch["batchId"]})
    fails(s, 404, "not_found", "jobs.claim", {"jobType": "t", "workerId": "w", "batchId": "batch-9-x"})
    two = account(s, "jobs.worker", types=("t", "u"))
    assert "name one of them" in fails(s, 400, "bad_request", "jobs.list", {}, key=two)
    assert s.ok("jobs.list", {"jobType": "t"}, key=two).data["items"]


def test_lists(s):
    jobs = [create(s, "ab"[i % 2])["jobId"] for i in range(7)]
    s.ok("jobs.cancel", {"jobId": jobs[0]})
    seen, cursor = [], {}
    while True:
        page = s.ok("jobs.list", {"limit": 3, **cursor})
        seen += [j["jobId"] for j in page.data["items"]]
        if not page.meta["hasMore"]:
            break
        cursor = {"cursor": page.meta["nextCursor"]}
    assert seen == jobs[::-1], seen
    assert [j["jobId"] for j in s.ok("jobs.list", {"jobType": "b"}).data["items"]] == jobs[5::-2]
    assert [j["jobId"] for j in s.ok("jobs.list", {"status": "cancelled"}).data["items"]] == jobs[:1]
    batch = s.ok("jobs.batches.create", {"jobType": "c", "jobs": [{}, {}]}).data
    in_batch, made = {"batchId": batch["batch"]["batchId"]}, [j["jobId"] for j in batch["jobs"]]

    def listed(**more):
        return [j["jobId"] for j in s.ok("jobs.list", {**in_batch, **more}).data["items"]]
    assert listed() == listed(jobType="c") == listed(status="queued") == made and listed(jobType="a") == listed(jobType="a", cursor="1") == listed(status="failed") == []
    s.ok("jobs.fail", lease(claim(s, "c")))
    assert listed(status="failed") == made[:1] and listed(status="queued") == made[1:] == listed(status="queued", jobType="c", limit=1)


# --- the :job step -------------------------------------------------------------------------------------------------------------------

def start(s, slug, body, **input):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body)})
    return s.ok("flows.run", {"flowSlug": slug, "input": input}).data["workflowId"]


def waits(s, run):
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", f"{run} waits")


SINGLE = """(let [q (flow/step :job :submit {:op :submit :job-type "review" :payload {:surface "api"} :metadata {:campaign "c"} :max-attempts 2})
  f (flow/step :job :await {:op :await :job-id (:job-id q) :interval "250ms" :timeout "60s"})
  g (flow/step :job :get {:op :get :job-id (:job-id q)})]
 {:queued q :final f :get (:status g) :same (= (dissoc f :x) (dissoc g :x))})"""


def test_step_submits_and_awaits(s):
    run = start(s, "single", SINGLE)
    waits(s, run)
    assert s.http("GET", "/api/waits").body["items"] == []  # nothing for people
    s.kill()
    s.start()
    mine = claim(s, "review")
    assert mine["rootWorkflowId"] == run and mine["parentStepId"] == "submit" and mine["payload"] == {"surface": "api"} and mine["maxAttempts"] == 2, mine
    kv = s.ok("jobs.attach_kv", {**lease(mine), "label": "sum", "value": {"n": 1}}).data["artifact"]
    s.ok("jobs.complete", {**lease(mine), "summary": "fine", "outputs": {"finding-count": 1, "report-resource-uri": "res://r"}})
    r = s.over(run)["result"]
    assert r["queued"]["status"] == "queued" and r["queued"]["payload"] == {"surface": "api"} and r["get"] == "succeeded" and r["same"] is True, r
    final = r["final"]
    assert final["status"] == "succeeded" and final["outputs"]["finding-count"] == 1 and final["summary"] == "fine", final
    assert final["artifacts"][0]["resource-uri"] == kv["resourceUri"] and final["artifacts"][0]["content-type"] == "application/json", final


BATCH = """(let [q (flow/step :job :submit {:op :submit-batch :job-type "b" :metadata {:c 1} :jobs (mapv (fn [i] {:payload {:i i}}) (range 4))})
  now (flow/step :job :look {:op :get-batch :batch-id (:batch-id q)})
  f (flow/step :job :await {:op :await-batch :batch-id (:batch-id q) :interval "15s" :timeout "45m" :include-jobs? true :limit 3})
  bare (flow/step :job :bare {:op :get-batch :batch-id (:batch-id q) :include-jobs? false})]
 {:q q :now now :f f :bare bare})"""


def test_step_fans_out_and_in(s):
    run = start(s, "fan", BATCH)
    for i in range(4):
        mine = claim(s, "b", waitMs=10000)
        s.ok("jobs.fail" if i == 3 else "jobs.complete", {**lease(mine), **({} if i == 3 else {"outputs": {"i": i}})})
        if i == 1:
            waits(s, run)
            s.kill()
            s.start()
    r = s.over(run)["result"]
    assert len(r["q"]["jobs"]) == 4 and r["q"]["queued-count"] == 4 and "jobs" not in r["now"] and r["now"]["requested-count"] == 4, r
    f = r["f"]
    assert f["status"] == "partially_failed" and f["succeeded-count"] == 3 and f["failed-count"] == 1, f
    assert [j["outputs"]["i"] for j in f["jobs"]] == [0, 1, 2] and "jobs" not in r["bare"], f


def test_step_submits_once_whatever_dies(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("once", """(let [q (flow/step :job :submit {:op :submit :job-type "once" :payload {:run (get-in (flow/input) [:n])}})
      f (flow/step :job :await {:op :await :job-id (:job-id q)})] [(:job-id q) (:outputs f)])""", inputs="[{:name :n :type :number}]")})
    runs = []
    for i in range(12):
        runs.append(s.ok("flows.run", {"flowSlug": "once", "input": {"n": i}}).data["workflowId"])
        if i % 3 == 2:
            s.kill()
            s.start()
    done = {}
    for i in range(12):
        mine = claim(s, "once", waitMs=15000)
        done[mine["jobId"]] = mine["payload"]["run"]
        s.ok("jobs.complete", {**lease(mine), "outputs": mine["payload"]["run"]})
        if i == 6:
            s.kill()
            s.start()
    results = [s.over(run)["result"] for run in runs]
    assert results == [[job, i] for i, job in sorted((n, job) for job, n in done.items())], (results, done)
    assert len(s.ok("jobs.list", {"jobType": "once", "limit": 100}).data["items"]) == 12


def test_step_uses_artifacts(s):
    run = start(s, "uses", """(let [q (flow/step :job :submit {:op :submit :job-type "art"}) f (flow/step :job :await {:op :await :job-id (:job-id q)})
      [kv table file gone] (:artifacts f)]
     {:table (flow/step :table :q {:op :query :table (:resource-uri table) :where [["severity" "=" "high"]] :page {:mode :offset :limit 9}})
      :gone (try (flow/step :function :gone {:input {:x (:resource-uri gone)} :load [:x] :code '(fn [m] m)}) (catch Exception e (:type (ex-data e))))
      :loaded (flow/step :function :use {:input {:kv kv :table table :file (:resource-uri file)} :load [:kv :table :file]
                                         :code '(fn [{:keys [kv table file]}] [kv (count table) file])})})""")
    mine = claim(s, "art", waitMs=10000)
    s.ok("jobs.attach_kv", {**lease(mine), "label": "kv", "value": {"n": [1, {"a": None}]}})
    s.ok("jobs.attach_table", {**lease(mine), "label": "t", "rows": [{"id": 1, "severity": "high"}, {"id": 2, "severity": "low"}], "keyFields": ["id"], "writeMode": "upsert"})
    h = {"X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"}
    uri = s.http("POST", "/api/files/uploads/init", json.dumps({"filename": "r.txt", "content-type": "text/plain"}), h).body
    uri = uri.get("uri") or uri["resource-uri"]
    assert s.http("PUT", "/api/files/uploads/direct?uri=" + uri, b"a report", {**h, "Content-Type": "text/plain"}).status == 200
    assert s.http("POST", "/api/files/uploads/complete", json.dumps({"uri": uri}), h).status == 200
    s.ok("jobs.complete", {**lease(mine), "artifacts": [{"label": "f", "kind": "file", "resourceUri": uri},
                                                        {"label": "g", "kind": "kv", "resourceUri": f"res://v1/ws/{s.workspace}/result/kv/nothing"}]})
    r = s.over(run)["result"]
    assert [x["id"] for x in r["table"]["rows"]] == [1] and r["loaded"] == [{"n": [1, {"a": None}]}, 2, "a report"] and r["gone"] == "not-found", r
    listed = [i["uri"] for i in s.http("GET", "/api/resources?type=table").body["items"]]
    assert any(mine["jobId"] in u for u in listed), listed


def test_step_gets_failed_jobs_back(s):
    run = start(s, "failing", """(let [q (flow/step :job :submit {:op :submit :job-type "f"})] (flow/step :job :await {:op :await :job-id (:job-id q)}))""")
    s.ok("jobs.fail", {**lease(claim(s, "f", waitMs=10000)), "message": "boom", "details": {"exitCode": 2}})
    r = s.over(run)
    assert r["status"] == "completed" and r["result"]["status"] == "failed" and r["result"]["error"]["message"] == "boom", r


TIMEOUT = """(let [q (flow/step :job :submit {:op :submit :job-type "never"})]
 (try (flow/step :job :await {:op :await :job-id (:job-id q) %s}) (catch Exception e (ex-data e))))"""


def test_step_priority_delay_and_width(s):
    body = """(do (flow/step :job :low {:op :submit :job-type "p" :payload {:n 1}}) (flow/step :job :high {:op :submit :job-type "p" :payload {:n 2} :priority 5})
      (flow/step :job :later {:op :submit :job-type "later" :delay "1h"})
      (:batch-id (flow/step :job :few {:op :submit-batch :job-type "few" :max-concurrency 1 :jobs [{:payload {:n 1}} {:payload {:n 2}}]})))"""
    assert s.over(start(s, "order", body))["status"] == "completed"
    assert [claim(s, "p")["payload"]["n"] for _ in range(2)] == [2, 1]
    assert claim(s, "later") is None and len(s.ok("jobs.list", {"jobType": "later"}).data["items"]) == 1
    first = claim(s, "few")
    assert claim(s, "few") is None
    s.ok("jobs.complete", {**lease(first), "summary": "done"})
    assert claim(s, "few")["jobId"] != first["jobId"]


def test_step_gives_up_waiting(s):
    for i, options in enumerate((":timeout 300", ':interval "100ms" :max-attempts 4', ':max-attempts 3 :interval 100 :backoff {:type :exponential}')):
        t = time.monotonic()
        r = s.over(start(s, f"late{i}", TIMEOUT % options))["result"]
        assert r["type"] == "await-timeout" and r["job"]["status"] == "queued" and 0.28 < time.monotonic() - t < 8, r
    assert len(s.ok("jobs.list", {"jobType": "never", "status": "queued"}).data["items"]) == 3  # they go on
    run = start(s, "crash", TIMEOUT % ":timeout 700")
    waits(s, run)
    s.kill()
    s.start()
    assert s.over(run)["result"]["type"] == "await-timeout"


def test_step_wrong_options(s):
    body = "(try (flow/step :job :x {%s}) (catch Exception e (:message (ex-data e))))"
    for i, (options, says) in enumerate(((':op (keyword "submit")', ":job-type"), (':op :submit :job-type "t" :max-attempts (+ 0 0)', ":max-attempts"),
                                         (':op (keyword "steal")', ":submit-batch"), (':op :submit-batch :job-type "t" :jobs (vec nil)', ":jobs"),
                                         (':op :submit-batch :job-type "t" :jobs (vec (list 1))', ":jobs"), (':op (keyword "await")', ":job-id"),
                                         (':op :await :job-id "x" :interval (str "soon")', ":interval"), (':op :submit :job-type "t" :payload {:a ##NaN}', ":payload"),
                                         (':op :submit :job-type "t" :delay (str "ever")', ":delay"), (':op :get :job-id "job-1-x"', "there is no job"),
                                         (':op :await :job-id "nothing"', "there is no job"), (':op :get-batch :batch-id "b"', "there is no batch"),
                                         (':op :submit :job-type "t" :persist {:type :blob}', ":persist"))):
        r = s.over(start(s, f"bad{i}", body % options))
        assert says in r["result"], (options, r)
    assert s.ok("jobs.list").data["items"] == []


def test_step_of_a_cancelled_run(s):
    run = start(s, "cancelled", """(let [q (flow/step :job :submit {:op :submit-batch :job-type "c" :jobs [{} {} {}]})]
      (flow/step :job :one {:op :submit :job-type "c"})
      (try (flow/step :job :await {:op :await-batch :batch-id (:batch-id q)}) (finally (flow/step :function :f {:input {} :code '(fn [x] 1)}))))""")
    waits(s, run)
    mine = claim(s, "c")
    s.ok("runs.cancel", {"workflowId": run})
    assert s.over(run)["status"] == "cancelled"
    s.until(lambda: {j["status"] for j in s.ok("jobs.list", {"jobType": "c"}).data["items"]} == {"cancelled"}, "all jobs are cancelled")
    assert s.ok("jobs.heartbeat", lease(mine)).data["job"]["status"] == "cancelled"
    run = start(s, "kept", """(let [q (flow/step :job :submit {:op :submit-batch :job-type "k" :keep-running true :jobs [{} {}]})]
      (flow/step :job :one {:op :submit :job-type "k" :keep-running true})
      (flow/step :job :ended {:op :submit :job-type "e" :keep-running false})
      (flow/step :job :await {:op :await-batch :batch-id (:batch-id q)}))""")
    waits(s, run)
    mine = claim(s, "k")
    s.ok("runs.cancel", {"workflowId": run})
    assert s.over(run)["status"] == "cancelled"
    s.until(lambda: s.ok("jobs.list", {"jobType": "e"}).data["items"][0]["status"] == "cancelled", "what is not kept is cancelled")
    assert sorted(j["status"] for j in s.ok("jobs.list", {"jobType": "k"}).data["items"]) == ["leased", "queued", "queued"]
    assert s.ok("jobs.complete", lease(mine)).data["job"]["status"] == "succeeded" and claim(s, "k") and claim(s, "k")
    run = start(s, "forced", """(let [q (flow/step :job :one {:op :submit :job-type "d"})] (flow/step :job :await {:op :await :job-id (:job-id q)}))""")
    waits(s, run)
    s.ok("runs.cancel", {"workflowId": run, "force": True})
    s.until(lambda: s.ok("jobs.list", {"jobType": "d"}).data["items"][0]["status"] == "cancelled", "the job is cancelled")


def test_required_workers(s):
    assert not seen(s, "w")
    s.ok("flows.run", {"flowSlug": "needs", "input": {}})  # it never blocks
    claim(s, "w")
    assert seen(s, "w")


def test_a_large_job_has_nothing_of_the_one_before(s):
    """What is stored apart leaves its column empty; once it kept what the statement had been given last."""
    create(s, payload={"mine": "before"})
    create(s, payload={"large": secrets.token_hex(4000)})
    assert s.stop() == 0
    db = sqlite3.connect(s.dir.name + "/data/breyta.db")
    heads = db.execute("SELECT j.head, h.head FROM jobs j LEFT JOIN job_heads h ON h.job = j.job ORDER BY j.job").fetchall()
    db.close()
    assert len(heads) == 2 and b"before" in heads[0][0] and heads[0][1] is None, heads[0]
    assert heads[1][0] is None and len(heads[1][1]) > 4000, heads[1][0]


if __name__ == "__main__":
    run_tests(globals())
