#!/usr/bin/env python3
"""Real worker processes under kill -9: chaos_worker.py [JOBS [SECONDS]]. Workers are killed at random moments and started again, and so is the server, while
handlers run. In the end every job has succeeded, its outputs are those of its last attempt, no two handlers of one job ever ran at the same time,
and no handler and no worker is left. BREYTA: the program; closes with `N passed, N failed`."""
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
from server import BIN, Server  # noqa: E402

JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 20
WORKERS, SEED = 4, int(os.environ.get("SEED", time.time()))

# The lock is held for as long as the handler lives; who finds it taken has a twin.
HANDLER = """#!/bin/bash
set -euo pipefail
exec 9> "$OUT/$BREYTA_JOB_ID.lock"
flock -n 9 || { echo "$BREYTA_JOB_ID $BREYTA_JOB_ATTEMPT" >> "$OUT/twins"; exit 1; }
echo "$BREYTA_JOB_ATTEMPT" >> "$OUT/$BREYTA_JOB_ID.begun"
(read -rt 0.0$((RANDOM % 100)) <> <(:) || :)
breyta jobs worker finish --output "attempt=$BREYTA_JOB_ATTEMPT" > /dev/null
"""


def start(s, out, handler):
    env = {**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{s.port}", "BREYTA_API_KEY": s.key, "BREYTA_WORKSPACE": s.workspace, "OUT": out, "TMPDIR": out}
    return subprocess.Popen([BIN, "jobs", "worker", "run", "--type", "chaos", "--handler", handler, "--concurrency", "3", "--lease-duration", "1s"], env=env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def takes_signals(pid):
    """SIGTERM is blocked: it is read from a descriptor."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("SigBlk:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1


def running(out):
    """Processes that have our folder in their environment."""
    found = []
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"OUT={out}".encode() in (p / "environ").read_bytes().split(b"\0") and (p / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append((p.name, (p / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
    return found


def open_jobs(s):
    with contextlib.suppress(OSError):
        b = s.command("jobs.batches.get", {"batchId": s.batch, "limit": 1}).data["batch"]
        return JOBS - b["succeededCount"] - b["failedCount"] - b.get("cancelledCount", 0) - b.get("timedOutCount", 0)
    return JOBS


def main():
    rng = random.Random(SEED)
    with Server() as s:
        out = os.path.join(s.dir.name, "out")
        os.mkdir(out)
        handler = os.path.join(s.dir.name, "handler")
        pathlib.Path(handler).write_text(HANDLER)
        os.chmod(handler, 0o755)
        made = s.ok("jobs.batches.create", {"jobType": "chaos", "jobs": [{"payload": {"n": i}, "maxAttempts": 1000} for i in range(JOBS)]}).data
        s.batch = made["batch"]["batchId"]
        workers = [start(s, out, handler) for _ in range(WORKERS)]
        end, kills, restarts = time.monotonic() + SECONDS, 0, 0
        while time.monotonic() < end and open_jobs(s):
            time.sleep(rng.random() * 0.4)
            i = rng.randrange(WORKERS)
            workers[i].send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP]))
            if rng.random() < 0.1:
                s.kill()
                s.start()
                restarts += 1
            if rng.random() < 0.5:
                time.sleep(rng.random())
            workers[i].kill()
            workers[i].wait()
            workers[i] = start(s, out, handler)
            kills += 1
        s.until(lambda: not open_jobs(s), "every job is over", 120)
        for w in workers:
            s.until(lambda: takes_signals(w.pid), "it has begun")  # before that, SIGTERM ends it as it ends any program
            w.terminate()
        bad = [f"worker {w.pid} ended with {w.returncode}" for w in workers if w.wait(timeout=60)]
        s.until(lambda: not running(out), "nothing runs any more", 10)
        twins = pathlib.Path(out, "twins")
        bad += [f"two handlers at once: {line}" for line in twins.read_text().splitlines()] if twins.exists() else []
        attempts = 0
        for j in made["jobs"]:
            job = s.ok("jobs.get", {"jobId": j["jobId"]}).data["job"]
            begun = pathlib.Path(out, j["jobId"] + ".begun").read_text().split()
            attempts += len(begun)
            outputs = (job.get("result") or job).get("outputs")
            if job["status"] != "succeeded" or outputs != {"attempt": job["attempt"]} or len(set(begun)) != len(begun):
                bad.append(f"{j['jobId']}: {job['status']} {outputs} attempt {job['attempt']}, begun {begun}")
        print("\n".join(bad))
        print(f"{JOBS} jobs, {attempts} handlers, {kills} workers killed, server killed {restarts} times, SEED={SEED}")
        print(f"{JOBS - len(bad)} passed, {len(bad)} failed")
        raise SystemExit(bool(bad))


main()
