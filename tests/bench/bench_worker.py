#!/usr/bin/env python3
"""Jobs a second through `breyta jobs worker run`, one process of /bin/true for each: bench_worker.py BREYTA DIR. Beside it how many such processes this
machine starts and waits for in the same time, one after the other and nothing else, and the disk's fdatasync. A job that is lost fails."""
import json
import os
import subprocess
import sys
import time
import urllib.request

from bench_server import Server, fdatasync_ms

BREYTA, DATA = sys.argv[1], sys.argv[2]
JOBS = int(os.environ.get("BENCH_WORKER_JOBS", "2000"))


def row(name, value, unit):
    print(f"  {name:<58}{value:>12,.2f} {unit}", flush=True)


def bare(n=500):
    begun = time.perf_counter()
    for _ in range(n):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    return n / (time.perf_counter() - begun)


def command(s, name, args):
    q = urllib.request.Request(f"http://127.0.0.1:{s.port}/api/commands", json.dumps({"command": name, "args": args}).encode(),
                               {"Authorization": f"Bearer {s.key}", "Content-Type": "application/json"})
    with urllib.request.urlopen(q) as r:
        return json.load(r)


def worked(s, concurrency):
    """The worker's own process is part of what is measured, from its start to its end."""
    kind = f"bench-{concurrency}"
    for at in range(0, JOBS, 1000):
        command(s, "jobs.batches.create", {"jobType": kind, "jobs": [{"payload": {"n": i}} for i in range(at, min(JOBS, at + 1000))]})
    env = {**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{s.port}", "BREYTA_API_KEY": s.key, "BREYTA_WORKSPACE": s.workspace}
    begun = time.perf_counter()
    got = subprocess.run([BREYTA, "jobs", "worker", "run", "--type", kind, "--handler", "/bin/true", "--concurrency", str(concurrency), "--max-jobs", str(JOBS)],
                         env=env, capture_output=True, text=True, check=True, timeout=300)
    took = time.perf_counter() - begun
    done = json.loads(got.stdout)["data"]
    if done["handledCount"] != JOBS or done["failedCount"]:
        raise SystemExit(f"{done} of {JOBS} jobs")
    return JOBS / took


def main():
    s = Server()
    s.start()
    try:
        row("fdatasync of the disk, before", fdatasync_ms(DATA), "ms")
        row("/bin/true started and waited for, nothing else", bare(), "a second")
        for concurrency in (1, 4, 10):
            row(f"jobs worker run --handler /bin/true --concurrency {concurrency}", worked(s, concurrency), "jobs/s")
        row("fdatasync of the disk, after", fdatasync_ms(DATA), "ms")
    finally:
        s.stop()


if __name__ == "__main__":
    main()
