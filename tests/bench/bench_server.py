#!/usr/bin/env python3
"""Figures of `breyta serve`: bench_server.py BREYTA DIR BENCH_LOAD. Each with its bar; a missed bar is printed as MISS and does not fail, a
wrong result does. The disk's fdatasync is measured in the same run and printed beside what is durable. Requests come from bench_load, a
process of this machine: what it costs is taken from the server's share, so the processor time of the server is printed, too. With
BENCH_RESTATE=DIR (`npm install @restatedev/restate-server @restatedev/restate-sdk` was run there) Restate does the same steps.
BENCH_SCHEDULES=10000, BENCH_IDLE=10000."""
import asyncio
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BREYTA, DATA, LOAD = (sys.argv + [None])[1:4]  # bench_worker.py has no LOAD
missed = 0


def figure(name, value, unit, bar, better):
    global missed
    ok = value <= bar if better == "lower" else value >= bar
    missed += not ok
    print(f"  {name:<58}{value:>12,.2f} {unit:<8} bar {'<=' if better == 'lower' else '>='} {bar:,.2f}{'' if ok else '  MISS'}", flush=True)


def fdatasync_ms(directory, n=200):
    with tempfile.NamedTemporaryFile(dir=directory) as f:
        times = []
        for i in range(n):
            f.write(b"x" * 4096)
            f.flush()
            t = time.perf_counter()
            os.fdatasync(f.fileno())
            times.append((time.perf_counter() - t) * 1000)
    return statistics.median(times)


def flow(slug, body, inputs="[]"):
    return """{:slug :%s :name "%s" :concurrency {:type :singleton :on-new-version :coexist} :invocations {:default {:label "Run" :inputs %s}}
 :interfaces {:manual [{:id :run :invocation :default :enabled true}]} :flow (quote %s)}""" % (slug, slug, inputs, body)


class Server:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="server-", dir=DATA)

    def start(self):
        t = time.perf_counter()
        self.p = subprocess.Popen([BREYTA, "serve", "--data", self.dir + "/data", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        values = {}
        for _ in range(2 if hasattr(self, "key") else 3):
            k, v = self.p.stdout.readline().strip().split("=", 1)
            values[k] = v
        self.port = int(values["BREYTA_API_URL"].rsplit(":", 1)[1])
        self.key, self.workspace = values.get("BREYTA_API_KEY") or self.key, values["BREYTA_WORKSPACE"]
        while True:
            with socket.socket() as s:
                if not s.connect_ex(("127.0.0.1", self.port)):
                    break
        return (time.perf_counter() - t) * 1000

    def rss(self):
        for line in open(f"/proc/{self.p.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024

    def cpu_us(self):
        """Of all its threads, since it began."""
        total = 0
        for t in os.listdir(f"/proc/{self.p.pid}/task"):
            with open(f"/proc/{self.p.pid}/task/{t}/schedstat") as f:
                total += int(f.read().split()[0]) / 1000
        return total

    def end(self):
        self.p.terminate()
        self.p.wait()

    def stop(self):
        self.end()
        shutil.rmtree(self.dir)

    def load(self, connections, n, method, path, body="", key=True):
        """n requests, {i} is their number: what bench_load says, and the server's processor time for each."""
        headers = [f"Authorization: Bearer {self.key}"] if key else []
        before = self.cpu_us()
        out = subprocess.run([LOAD, str(self.port), str(connections), str(n), method, path, body, "Content-Type: application/json", *headers],
                             capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        r = json.loads(out.stdout)
        assert r["ok"] == n, (r, out.stderr)
        return {**r, "rate": n / r["seconds"], "server_us": (self.cpu_us() - before) / n}

    def command(self, connections, n, name, args):
        return self.load(connections, n, "POST", "/api/commands", json.dumps({"command": name, "args": args}))


class Client:
    """One connection that is kept open."""

    def __init__(self, s):
        self.s = s

    async def open(self):
        self.r, self.w = await asyncio.open_connection("127.0.0.1", self.s.port)
        return self

    async def post(self, path, body, key=True):
        text = json.dumps(body).encode()
        auth = f"Authorization: Bearer {self.s.key}\r\n" if key else ""
        self.w.write(f"POST {path} HTTP/1.1\r\nHost: x\r\n{auth}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        head = await self.r.readuntil(b"\r\n\r\n")
        n = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(head.split()[1]), json.loads(await self.r.readexactly(n))

    async def command(self, name, args):
        status, body = await self.post("/api/commands", {"command": name, "args": args})
        assert status == 200 and body["ok"], (name, body)
        return body["data"]


async def until(c, run, status):
    while True:
        r = (await c.command("runs.get", {"workflowId": run, "includeSteps": False}))["run"]
        if r["status"] in (status, "failed"):
            assert r["status"] == status, r
            return r
        await asyncio.sleep(0)


async def until_over(c, slug, n):
    """All n runs of the flow have ended well."""
    while (await c.command("runs.list", {"flowSlug": slug, "status": "running", "limit": 1}))["items"]:
        await asyncio.sleep(0.002)
    with_cursor, seen = {}, 0
    while seen < n:
        status, body = await c.post("/api/commands", {"command": "runs.list", "args": {"flowSlug": slug, "status": "completed", "limit": 100, **with_cursor}})
        assert status == 200 and body["data"]["items"], (slug, seen, body)
        seen += len(body["data"]["items"])
        with_cursor = {"cursor": body["meta"].get("nextCursor")}


async def first_step(s, c, sync):
    await c.command("flows.put_draft", {"flowLiteral": flow("one", "(flow/step :function :s {:input {} :code (quote (fn [_] 7))})")})
    times = []
    for _ in range(200):
        t = time.perf_counter()
        run = (await c.command("flows.run", {"flowSlug": "one"}))["workflowId"]
        await until(c, run, "completed")
        times.append((time.perf_counter() - t) * 1000)
    figure("start to the end of the first step, median", statistics.median(times), "ms", 2 + 2 * sync, "lower")
    figure("the same, 99 of 100", sorted(times)[197], "ms", 20 + 4 * sync, "lower")
    return run


async def ten_steps(s, c):
    ten = " ".join('(flow/step :function :s%d {:input {:n %d} :code (quote (fn [i] (inc (:n i))))})' % (i, i) for i in range(10))
    await c.command("flows.put_draft", {"flowLiteral": flow("ten", f"(do {ten})")})
    before, t = s.cpu_us(), time.perf_counter()
    s.command(50, 1000, "flows.run", {"flowSlug": "ten"})
    while (await c.command("runs.list", {"flowSlug": "ten", "status": "running", "limit": 1}))["items"]:
        await asyncio.sleep(0.002)
    ours = 10000 / (time.perf_counter() - t)
    print(f"    the server's processor time: {(s.cpu_us() - before) / 10000:.1f} us a step")
    await until_over(c, "ten", 1000)
    return ours


def restate():
    where = os.environ.get("BENCH_RESTATE")
    if not where:
        print("    Restate: not asked for (BENCH_RESTATE=DIR with @restatedev/restate-server and -sdk from npm)")
        return None
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from peer_restate import Restate
    with Restate(where, DATA) as r:
        out = subprocess.run([LOAD, str(r.port), "50", "1000", "POST", "/ten/run", "{}", "Content-Type: application/json"], capture_output=True, text=True)
        assert out.returncode == 0 and json.loads(out.stdout)["ok"] == 1000, out
        return 10000 / json.loads(out.stdout)["seconds"]


async def callbacks(s, c, sync):
    await c.command("flows.put_draft", {"flowLiteral": flow("park", "(flow/step :wait :w {:key (:key (flow/input))})", "[{:name :key :type :text}]")})
    s.command(50, 2000, "flows.run", {"flowSlug": "park", "input": {"key": "k{i}"}})
    while (await c.command("runs.list", {"flowSlug": "park", "status": "running", "limit": 1}))["items"]:
        await asyncio.sleep(0.002)
    t = time.perf_counter()
    r = s.load(100, 2000, "POST", f"/{s.workspace}/events/k{{i}}", '{"n":{i}}', key=False)
    figure("2,000 callbacks acknowledged durably, 100 in flight", r["rate"], "/s", 5000, "higher")
    print(f"    median {r['p50_ms']:.1f} ms, 99 of 100 {r['p99_ms']:.1f} ms; fdatasync {sync:.2f} ms; processor: server {r['server_us']:.0f} us, client {r['cpu_us']:.0f} us each")
    while (await c.command("runs.list", {"flowSlug": "park", "status": "waiting", "limit": 1}))["items"]:
        await asyncio.sleep(0.002)
    await until_over(c, "park", 2000)
    figure("and all runs over", 2000 / (time.perf_counter() - t), "/s", 0, "higher")


async def figures(s, sync):
    c = await Client(s).open()
    over = await first_step(s, c, sync)
    ours = await ten_steps(s, c)
    peer = restate()
    figure("1,000 runs of 10 durable steps, 50 in flight", ours, "steps/s", 4 * (peer or 0), "higher")
    if peer:
        print(f"    Restate in the same run: {peer:,.0f} steps/s")
    c = await Client(s).open()  # the server has closed the other one meanwhile: it was idle
    await callbacks(s, c, sync)
    await c.command("flows.put_draft", {"flowLiteral": flow("still", "(flow/step :wait :w {:key :never})")})
    waits = (await c.command("flows.run", {"flowSlug": "still"}))["workflowId"]
    await until(c, waits, "waiting")
    return over, waits


def runs_get(s, over, waits):
    for what, run, n, bar in (("runs.get of a run that is over", over, 60000, 20000), ("runs.get of a run that waits", waits, 10000, 0)):
        rs = [s.command(32, n, "runs.get", {"workflowId": run, "includeSteps": False}) for _ in range(3)]
        r = sorted(rs, key=lambda r: r["rate"])[1]
        figure(f"{what}, 32 connections, median of 3", r["rate"], "/s", bar, "higher")
        print(f"    processor: server {r['server_us']:.1f} us, client {r['cpu_us']:.1f} us each: with a core to itself the server does {1e6 / r['server_us']:,.0f}/s")


class Slow:
    """Clients that send a byte of a request now and then, and clients that do not take their answers."""

    def __init__(self, s, n, run):
        body = json.dumps({"command": "runs.get", "args": {"workflowId": run}}).encode()
        self.request = f"POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {s.key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self.sending = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(n)]
        self.deaf = [socket.socket() for _ in range(n)]
        for c in self.deaf:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect(("127.0.0.1", s.port))
            c.setblocking(False)
            try:
                for _ in range(200):
                    c.send(self.request)
            except BlockingIOError:
                pass
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.drip)
        self.thread.start()

    def drip(self):
        for at in range(len(self.request)):
            for c in self.sending:
                try:
                    c.send(self.request[at:at + 1])
                except OSError:  # it took too long for the server
                    pass
            if self.stop.wait(0.05):
                return

    def until_stuck(self, s):
        """Until the deaf ones' requests, 200 each, are answered as far as anybody takes the answers: that is a crowd, not slowness."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            before = s.cpu_us()
            time.sleep(0.2)
            if s.cpu_us() - before < 0.2 * 200000:
                return
        raise AssertionError("the server is never idle beside clients that do nothing")

    def close(self):
        self.stop.set()
        self.thread.join()
        for c in self.sending + self.deaf:
            c.close()


def slow_clients(s, run):
    def p99():
        return statistics.median(s.command(8, 4000, "runs.get", {"workflowId": run, "includeSteps": False})["p99_ms"] for _ in range(5))
    before = p99()
    slow = Slow(s, 250, run)
    crowd = p99()
    slow.until_stuck(s)
    beside = p99()
    slow.close()
    alone = statistics.mean([before, p99()])
    figure("others' 99 of 100 beside 500 slow clients", beside / alone, "times", 2, "lower")
    print(f"    alone {alone:.2f} ms, beside them {beside:.2f} ms; while 50,000 requests of theirs were being answered {crowd:.2f} ms")


def schedules(n):
    """Flows with 100 schedules each; all of them are made due within the same second while the server is down."""
    s = Server()
    s.start()

    async def push():
        c = await Client(s).open()
        for i in range(n // 100):
            all = " ".join(f'{{:id :s{k} :cron "@daily"}}' for k in range(100))
            text = flow(f"f{i}", "7").replace(":interfaces", f":schedules [{all}] :interfaces")
            await c.command("flows.put_draft", {"flowLiteral": text})
            await c.command("flows.release", {"flowSlug": f"f{i}"})
            await c.command("flows.promote", {"flowSlug": f"f{i}", "target": "live"})
    asyncio.run(push())

    def count(sql):
        db = sqlite3.connect(f"file:{s.dir}/data/breyta.db?mode=ro", uri=True)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()
    while count("SELECT count(*) FROM docs WHERE workspace='' AND kind='schedule'") < n:
        time.sleep(0.05)
    s.end()
    db = sqlite3.connect(f"{s.dir}/data/breyta.db")
    due = int(time.time() * 1000) + 3000
    db.execute("UPDATE docs SET at=?+abs(random()%1000) WHERE workspace='' AND kind='schedule'", (due,))
    db.commit()
    db.close()
    s.start()
    while (time.time() * 1000 < due + 1000) or count("SELECT count(*) FROM runs WHERE status=2") < n:
        time.sleep(0.02)
    took = time.time() - due / 1000
    assert count("SELECT count(DISTINCT run_id) FROM runs") == n == count("SELECT count(*) FROM runs")
    figure(f"{n:,} schedules due in one second: all runs started and over", took, "s", float("inf"), "lower")
    s.stop()


def idle(s):
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = int(os.environ.get("BENCH_IDLE", "10000"))
    if hard != resource.RLIM_INFINITY and hard < n + 100:
        print(f"  {n:,} idle connections: this machine allows {hard} descriptors")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
    before = s.rss()
    sockets = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(n)]
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        c.sendall(f"GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {s.key}\r\n\r\n".encode())
        assert b" 200 " in c.recv(100)
    figure(f"{n:,} idle connections, resident", s.rss(), "MiB", 200, "lower")
    print(f"    before them {before:.1f} MiB")
    for c in sockets:
        c.close()


def main():
    first, later = [], []
    for _ in range(7):
        s = Server()
        for times in (first, later):
            times.append((s.start(), s.cpu_us() / 1000))
            s.end()
        shutil.rmtree(s.dir)
    first, later = ([statistics.median(x) for x in zip(*times)] for times in (first, later))
    s = Server()
    s.start()
    sync = fdatasync_ms(DATA)
    print(f"breyta serve; fdatasync of this disk, median of 200: {sync:.2f} ms")
    figure("start to an open port, median of 7, an empty folder", first[0], "ms", 50 + 2 * sync, "lower")
    figure("the same of a folder that is there", later[0], "ms", 50 + 2 * sync, "lower")
    print(f"    of that processor time: {first[1]:.1f} and {later[1]:.1f} ms")
    time.sleep(0.2)  # what an idle server holds is seen when it is idle
    figure("idle, resident", s.rss(), "MiB", 16, "lower")
    try:
        over, waits = asyncio.run(figures(s, sync))
        runs_get(s, over, waits)
        slow_clients(s, waits)
        idle(s)
    finally:
        s.stop()
    schedules(int(os.environ.get("BENCH_SCHEDULES", "10000")))
    print(f"  {missed} missed")


if __name__ == "__main__":
    main()
