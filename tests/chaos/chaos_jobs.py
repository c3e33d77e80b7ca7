#!/usr/bin/env python3
"""Jobs while everything dies: chaos_jobs.py [--jobs 100000] [--drivers 8] [--server-kills 10] [--seed 1] [--quick].

Drivers are processes that speak the worker's protocol and end themselves (os._exit, nothing is told to the server) at every point of it;
the server gets SIGKILL. Submissions carry an operation id and are repeated with it until they are acknowledged. At the end each submitted job
has to be there exactly once, ended exactly once by the one driver whose completion was acknowledged, and none may be stuck. The server's
database is checked too. BREYTA: the program."""
import argparse
import collections
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "api"))
from server import Server  # noqa: E402

POINTS = ("claim-sent", "claimed", "release-sent", "released", "started-sent", "started", "heartbeat-sent", "heartbeat", "attach-sent", "attached", "complete-sent", "completed")
LEASE_MS = 800


class Gone(Exception):
    """The server is not there, or ended in the middle of an answer."""


class Client:
    def __init__(self, port, key, workspace):
        self.port, self.key, self.workspace, self.sock = port, key, workspace, None

    def send(self, name, args, op=None):
        body = json.dumps({"command": name, "args": args}).encode()
        head = (f"POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\nX-Breyta-Workspace: {self.workspace}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" + (f"X-Breyta-Operation-ID: {op}\r\n" if op else "") + "\r\n").encode()
        try:
            if not self.sock:
                self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.sendall(head + body)
        except OSError as e:
            self.drop(e)

    def drop(self, why):
        if self.sock:
            self.sock.close()
        self.sock = None
        raise Gone(why)

    def answer(self):
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                more = self.sock.recv(65536)
                if not more:
                    self.drop("closed")
                data += more
            head, body = data.split(b"\r\n\r\n", 1)
            n = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:"))
            while len(body) < n:
                more = self.sock.recv(65536)
                if not more:
                    self.drop("closed")
                body += more
        except OSError as e:
            self.drop(e)
        status, answer = int(head.split(b" ", 2)[1]), json.loads(body)
        if status == 503:
            raise Gone("stopping")
        return status, answer

    def ask(self, name, args, op=None):
        self.send(name, args, op)
        return self.answer()

    def sure(self, name, args, op=None):
        """Until it is answered."""
        while True:
            try:
                return self.ask(name, args, op)
            except Gone:
                time.sleep(0.02)


def driver(port, key, workspace, log, seed, die):
    """Takes jobs until it dies or is told to end. `die`: how often it ends itself, at each point of the protocol."""
    rnd, c, me = random.Random(seed), Client(port, key, workspace), f"driver-{os.getpid()}"

    def maybe(point):
        if rnd.random() < die:
            os.write(log, f"died {point}\n".encode())
            os._exit(9)

    def call(point_sent, point, name, args, op=None):
        c.send(name, args, op)
        maybe(point_sent)
        status, answer = c.answer()
        maybe(point)
        return status, answer

    op = str(uuid.uuid4())
    while True:
        try:
            claim = {"jobType": "chaos", "workerId": me, "leaseDuration": LEASE_MS, "waitMs": 1000}
            status, answer = call("claim-sent", "claimed", "jobs.claim", claim, op)  # under the same id until it is answered
            op = str(uuid.uuid4())
            if status != 200:
                os.write(log, f"wrong claim {status} {json.dumps(answer)[:200]}\n".encode())
                os._exit(1)
            job = answer["data"].get("job")
            if not job:
                continue
            lease = {"jobId": job["jobId"], "leaseToken": job["leaseToken"]}
            kind = rnd.random()
            if kind > 0.97:
                status, answer = call("release-sent", "released", "jobs.release", lease)
                if status not in (200, 409):
                    os.write(log, f"wrong release {status} {json.dumps(answer)[:200]}\n".encode())
                continue
            if kind < 0.2:
                call("started-sent", "started", "jobs.progress", {**lease, "status": "started", "message": me})
            if 0.1 < kind < 0.3:
                call("heartbeat-sent", "heartbeat", "jobs.heartbeat", {**lease, "leaseDuration": LEASE_MS})
            if 0.25 < kind < 0.35:
                call("attach-sent", "attached", "jobs.attach_kv", {**lease, "label": "by", "value": me})
            status, answer = call("complete-sent", "completed", "jobs.complete", {**lease, "outputs": {"token": job["leaseToken"], "n": job["payload"]["n"]}})
            if status == 200 and answer["data"]["job"]["status"] == "succeeded":
                os.write(log, f"done {job['payload']['n']} {job['jobId']} {job['leaseToken']}\n".encode())
            elif status not in (200, 409):
                os.write(log, f"wrong complete {status} {json.dumps(answer)[:200]}\n".encode())
        except Gone:
            time.sleep(0.02)


class Chaos:
    def __init__(self, s, options):
        self.s, self.o, self.rnd = s, options, random.Random(options.seed)
        self.log_path = os.path.join(s.dir.name, "log")
        self.log = os.open(self.log_path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self.tail, self.at, self.done = os.open(self.log_path, os.O_RDONLY), 0, 0
        self.drivers, self.count = {}, 0
        self.c = Client(s.port, s.key, s.workspace)

    def spawn(self):
        self.count += 1
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                driver(self.s.port, self.s.key, self.s.workspace, self.log, self.o.seed * 1000003 + self.count, self.o.die)
            finally:
                os._exit(1)
        self.drivers[pid] = True

    def reap(self):
        for pid in list(self.drivers):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self.drivers[pid]

    def keep_driving(self):
        self.reap()
        while len(self.drivers) < self.o.drivers:
            self.spawn()

    def submit(self, n):
        """Some alone, most in batches; the next number."""
        most = min(self.o.jobs - n, self.rnd.choice((1, 1, 10, 200)))
        op = str(uuid.uuid4())
        if most == 1:
            status, a = self.c.sure("jobs.create", {"jobType": "chaos", "payload": {"n": n}, "maxAttempts": 1000}, op)
            assert status == 200, a
            return n + 1
        args = {"jobType": "chaos", "jobs": [{"payload": {"n": i}} for i in range(n, n + most)], "maxAttempts": 1000}
        status, a = self.c.sure("jobs.batches.create", args, op)
        assert status == 200, a
        self.batches.append(a["data"]["batch"]["batchId"])
        return n + most

    def database(self):
        return sqlite3.connect(os.path.join(self.s.dir.name, "data", "breyta.db"), timeout=60)

    def open_jobs(self):
        """By one look into the database: a job that is given back between two lists, one by status each, would be in neither."""
        with contextlib.closing(self.database()) as db:
            return db.execute("SELECT 1 FROM jobs WHERE phase<6 LIMIT 1").fetchone() is not None

    def done_count(self):
        """About how many have ended: drivers that died around the completion have told nobody."""
        new = os.pread(self.tail, 1 << 20, self.at)
        self.at += len(new)
        self.done += new.count(b"done ") + new.count(b"died complete")
        return self.done

    def run(self):
        self.batches, n, killed, begin = [], 0, 0, time.monotonic()
        kills = [self.o.jobs * (i + 1) // (self.o.server_kills + 1) for i in range(self.o.server_kills)]
        while n < self.o.jobs:
            self.keep_driving()
            n = self.submit(n)
            self.drive(lambda: n - self.done_count() <= 2000, kills, 0.01)  # the queue stays short, so that kills meet all kinds of work
        self.drive(lambda: not self.open_jobs(), kills, 0.05)
        for pid in list(self.drivers):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return time.monotonic() - begin

    def drive(self, enough, kills, pause):
        """Until it is enough. It is STUCK when no job has ended for as long as no lease lives."""
        self.kill_when_due(kills)
        was, quiet = -1, time.monotonic()
        while not enough():
            self.kill_when_due(kills)
            self.keep_driving()
            if self.done_count() != was:
                was, quiet = self.done, time.monotonic()
            if time.monotonic() - quiet > 150:
                raise SystemExit(f"STUCK: no job has ended for 150 s; {was} have")
            time.sleep(pause)
        self.kill_when_due(kills)

    def kill_when_due(self, kills):
        if kills and self.done_count() >= kills[0]:
            kills.pop(0)
            self.s.kill()
            self.s.start()

    def check(self):
        acknowledged, wrong, deaths = collections.defaultdict(set), [], collections.Counter()
        for line in open(self.log_path):
            words = line.split()
            if words[0] == "done":
                acknowledged[int(words[1])].add((words[2], words[3]))
            elif words[0] == "died":
                deaths[words[1]] += 1
            else:
                wrong.append(line.strip())
        self.s.stop()
        db = self.database()
        rows = db.execute("SELECT id,token,phase FROM jobs").fetchall()
        by_id = {r[0]: r for r in rows}
        lost = self.o.jobs - len(rows)
        open_ones = [r for r in rows if r[2] < 6]
        twice = [n for n, a in acknowledged.items() if len(a) > 1]
        stolen = [n for n, a in acknowledged.items() for job, token in a if job not in by_id or by_id[job][1] != token or by_id[job][2] != 6]
        ids = collections.Counter(job for a in acknowledged.values() for job, _ in a)
        counts = db.execute("SELECT count(*) FROM job_batches WHERE c0+c1<>0 OR c2<>requested").fetchone()[0]
        whole = db.execute("PRAGMA integrity_check").fetchone()[0]
        db.close()
        missing = [p for p in POINTS if not deaths[p]] if not self.o.quick else []
        problems = {"lost or doubled submissions": lost, "stuck": len(open_ones), "ended twice": len(twice), "acknowledged but not so in the store": len(stolen),
                    "one job for two numbers": sum(n > 1 for n in ids.values()), "batches with wrong counts": counts, "wrong answers": len(wrong),
                    "not ended by success": sum(r[2] != 6 for r in rows), "points nobody died at": len(missing)}
        if whole != "ok":
            problems["database: " + whole] = 1
        return problems, deaths, wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--jobs", type=int, default=100000)
    p.add_argument("--drivers", type=int, default=8)
    p.add_argument("--server-kills", type=int, default=10)
    p.add_argument("--die", type=float, default=0.01)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--quick", action="store_true", help="400 jobs, two kills of the server")
    o = p.parse_args()
    if o.quick:
        o.jobs, o.drivers, o.server_kills, o.die = 400, 4, 2, 0.012
    print("1..1", flush=True)
    with Server() as s:
        chaos = Chaos(s, o)
        try:
            seconds = chaos.run()
        finally:
            for pid in chaos.drivers:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        problems, deaths, wrong = chaos.check()
    bad = {k: v for k, v in problems.items() if v}
    print(f"# {o.jobs} jobs in {seconds:.1f} s, {sum(deaths.values())} deaths of drivers ({dict(deaths)}), {o.server_kills} of the server: "
          + (json.dumps(bad) if bad else "0 duplicates, 0 lost, 0 stuck"))
    for line in wrong[:5]:
        print("# " + line)
    print(("not ok" if bad else "ok") + " 1 jobs survive the deaths of drivers and server")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
