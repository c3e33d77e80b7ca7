#!/usr/bin/env python3
"""Figures of the jobs control plane: bench_jobs.py BREYTA DRIVER DIR. DRIVER: bench_jobs, compiled. Each figure with its bar; a missed bar is
printed as MISS and does not fail, a wrong result does. graphile-worker (npm) on PostgreSQL, both as they come and both with their syncs, is
measured in the same run where they can be had. BENCH_JOBS=20000, BENCH_POLLS=10000."""
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

BREYTA, DRIVER, DATA = (os.path.abspath(a) for a in sys.argv[1:4])
ROOT = Path(__file__).resolve().parent.parent.parent
JOBS, POLLS = int(os.environ.get("BENCH_JOBS", 20000)), int(os.environ.get("BENCH_POLLS", 10000))
GRAPHILE = "0.18.0"


def figure(name, value, unit, bar, better):
    ok = value <= bar if better == "lower" else value >= bar
    print(f"  {name:<58}{value:>12,.2f} {unit:<8} bar {'<=' if better == 'lower' else '>='} {bar:,.2f}{'' if ok else '  MISS'}", flush=True)


def syncs_ms(n=300):
    times = []
    with tempfile.NamedTemporaryFile(dir=DATA) as f:
        for _ in range(n):
            f.write(b"x" * 4096)
            f.flush()
            t = time.perf_counter()
            os.fdatasync(f.fileno())
            times.append((time.perf_counter() - t) * 1000)
    times.sort()
    return statistics.median(times), times[int(n * 0.99)]


def until(f, what, pause=0.002, seconds=60):
    end = time.monotonic() + seconds
    while not (got := f()):
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(pause)
    return got


class Server:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="jobs-", dir=DATA)
        self.p = subprocess.Popen([BREYTA, "serve", "--data", self.dir + "/data", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        values = dict(self.p.stdout.readline().strip().split("=", 1) for _ in range(3))
        self.port = int(values["BREYTA_API_URL"].rsplit(":", 1)[1])
        self.key, self.workspace = values["BREYTA_API_KEY"], values["BREYTA_WORKSPACE"]

    def rss(self):
        return next(int(line.split()[1]) / 1024 for line in open(f"/proc/{self.p.pid}/status") if line.startswith("VmRSS"))

    def stop(self):
        self.p.terminate()
        self.p.wait()
        shutil.rmtree(self.dir)


class Client:
    def __init__(self, s):
        self.s = s
        self.sock = until(self.connect, "the port is open")
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.s.port))
        except ConnectionRefusedError:
            return None

    def send(self, name, args):
        body = json.dumps({"command": name, "args": args}).encode()
        self.sock.sendall((f"POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.s.key}\r\nX-Breyta-Workspace: {self.s.workspace}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)

    def answer(self):
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.sock.recv(1 << 20)
        n = int(bytes(data[:end]).lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(data) < end + 4 + n:
            data += self.sock.recv(1 << 20)
        body = json.loads(bytes(data[end + 4:]))
        assert body["ok"] is True, body
        return body["data"]

    def ask(self, name, args):
        self.send(name, args)
        return self.answer()


def rate_of_ours(s):
    out = subprocess.run([DRIVER, "127.0.0.1", str(s.port), s.key, s.workspace, "10", str(JOBS)], capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    return JOBS / float(out.stdout)


GRAPHILE_JS = """
const { run, makeWorkerUtils, Logger } = require('graphile-worker');
const n = +process.argv[1], url = process.argv[2];
(async () => {
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 10, logger: new Logger(() => () => {}) });
  await utils.migrate();
  let done = 0, finish;
  const all = new Promise(r => finish = r), begin = process.hrtime.bigint();
  const runner = await run({ connectionString: url, concurrency: 10, noHandleSignals: true, logger: new Logger(() => () => {}),
    taskList: { bench: async () => { if (++done === n) finish(); } } });
  let todo = n;
  await Promise.all(Array.from({ length: 10 }, async () => { while (todo-- > 0) await utils.addJob('bench', { n: 1, name: 'a job of the bench' }); }));
  await all;
  await runner.stop();
  console.log(Number(process.hrtime.bigint() - begin) / 1e9);
  await utils.release();
})().catch(e => { console.error(e); process.exit(1); });
"""


def as_postgres(*command):
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def rate_of_graphile():
    """None: it cannot be had here; says why."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) if Path("/usr/lib/postgresql").is_dir() else []
    if not servers or not shutil.which("node") or not shutil.which("npm"):
        return None, "no PostgreSQL, node or npm"
    npm = ROOT / "build" / "npm"
    npm.mkdir(parents=True, exist_ok=True)
    if not (npm / "node_modules" / "graphile-worker").is_dir():
        done = subprocess.run(["npm", "install", "--prefix", str(npm), "--no-audit", "--no-fund", "--ignore-scripts", f"graphile-worker@{GRAPHILE}"],
                              capture_output=True, text=True, timeout=180)
        if done.returncode:
            return None, "npm cannot install it"
    bin_dir, home = servers[-1].parent, tempfile.mkdtemp(prefix="pg-", dir=DATA)
    os.chmod(home, 0o755)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = open(os.path.join(DATA, "postgres.log"), "w")
    subprocess.run(as_postgres(str(bin_dir / "initdb"), "-D", home + "/data", "-U", "app", "--auth=trust", "-E", "UTF8"), check=True, stdout=log, stderr=log, cwd="/")
    server = subprocess.Popen(as_postgres(str(bin_dir / "postgres"), "-D", home + "/data", "-k", home, "-p", str(port), "-h", "127.0.0.1"), stdout=log, stderr=log, cwd="/")
    try:
        ready = [str(bin_dir / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        until(lambda: server.poll() is not None or not subprocess.run(ready).returncode, "PostgreSQL answers", 0.05)
        if server.poll() is not None:
            return None, "PostgreSQL did not start"
        out = subprocess.run(["node", "-e", GRAPHILE_JS, "--", str(JOBS), f"postgres://app@127.0.0.1:{port}/postgres"], capture_output=True, text=True,
                             cwd=npm, timeout=900)
        return (JOBS / float(out.stdout), "") if not out.returncode else (None, out.stderr[-300:])
    finally:
        pid = int(open(home + "/data/postmaster.pid").readline())
        os.kill(pid, 2)
        server.wait()
        shutil.rmtree(home)


def polls(s):
    with urllib.request.urlopen(f"http://127.0.0.1:{s.port}/metrics", timeout=10) as r:
        return next(float(line.split()[1]) for line in r.read().decode().splitlines() if line.startswith("breyta_jobs_polls "))


def pick_up(s, n=400):
    """From the first byte of a submission to the job in the hands of a worker that waits for it."""
    a, b = Client(s), Client(s)
    times = []
    for _ in range(n):
        b.send("jobs.claim", {"jobType": "idle", "workerId": "w", "waitMs": 20000})
        until(lambda: polls(s) == 1, "the worker is idle: its poll is there")
        t = time.perf_counter()
        a.send("jobs.create", {"jobType": "idle"})
        job = b.answer()["job"]
        times.append((time.perf_counter() - t) * 1000)
        a.answer()
        a.ask("jobs.complete", {"jobId": job["jobId"], "leaseToken": job["leaseToken"]})
    times.sort()
    return statistics.median(times), times[int(n * 0.99)]


def long_polls(s):
    before = s.rss()
    clients = []
    for i in range(POLLS):
        c = Client(s)
        c.send("jobs.claim", {"jobType": "many", "workerId": f"w{i}", "waitMs": 20000})
        clients.append(c)
    asked = Client(s)
    asked.ask("jobs.types.list", {})  # behind all of them
    rss = s.rss()
    for c in clients:
        c.sock.close()
    return rss, before


def lost_worker(s):
    a = Client(s)
    late = []
    for _ in range(5):
        a.ask("jobs.create", {"jobType": "lost", "maxAttempts": 1})
        job = a.ask("jobs.claim", {"jobType": "lost", "workerId": "w", "leaseDuration": 300})["job"]
        t = time.perf_counter()
        until(lambda: a.ask("jobs.get", {"jobId": job["jobId"]})["job"]["status"] == "timed_out", "the lost worker is noticed")
        late.append((time.perf_counter() - t - 0.3) * 1000)
    return max(late)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sync, sync99 = syncs_ms()
    print(f"  fdatasync of 4 KiB here: median {sync:.2f} ms, 99 of 100 {sync99:.2f} ms")
    s = Server()
    Client(s).ask("jobs.types.list", {})
    ours = rate_of_ours(s)
    theirs, why = rate_of_graphile()
    print(f"  graphile-worker {GRAPHILE} on PostgreSQL, 10 producers and concurrency 10: " + (f"{theirs:,.0f} jobs/s" if theirs else f"not measured: {why}"))
    figure(f"{JOBS:,} jobs submitted, claimed, completed, 10 at once", ours, "jobs/s", 2 * (theirs or 0), "higher")
    c = Client(s)
    jobs = [{"payload": {"i": i}} for i in range(20000)]
    t = time.perf_counter()
    made = c.ask("jobs.batches.create", {"jobType": "batch", "jobs": jobs})
    figure("a batch of 20,000 jobs submitted", time.perf_counter() - t, "s", 1, "lower")
    assert made["batch"]["queuedCount"] == 20000
    p50, p99 = pick_up(s)
    sync, sync99 = syncs_ms()
    figure("submission to an idle worker, median", p50, "ms", 3 + 2 * sync, "lower")
    figure("the same, 99 of 100", p99, "ms", 20 + 2 * sync99, "lower")
    figure("a lost worker is noticed after its lease, worst of 5", lost_worker(s), "ms", 1000, "lower")
    s.stop()
    s = Server()
    Client(s).ask("jobs.types.list", {})
    rss, before = long_polls(s)
    figure(f"{POLLS:,} workers connected and waiting (before {before:.0f} MiB)", rss, "MiB", 200, "lower")
    s.stop()


main()
