#!/usr/bin/env python3
"""Figures of `breyta serve`: bench_server.py BREYTA DIR. Each with its bar; a missed bar is printed as MISS and does not fail, a wrong result
does. The disk's fdatasync is measured in the same run and printed beside what is durable. The client is one process of this machine:
what it costs is taken from the server's share. runs.get is asked by wrk where it is installed."""
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BREYTA, DATA = sys.argv[1], sys.argv[2]
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
        for _ in range(3):
            k, v = self.p.stdout.readline().strip().split("=", 1)
            values[k] = v
        self.port = int(values["BREYTA_API_URL"].rsplit(":", 1)[1])
        self.key, self.workspace = values["BREYTA_API_KEY"], values["BREYTA_WORKSPACE"]
        while True:
            with socket.socket() as s:
                if not s.connect_ex(("127.0.0.1", self.port)):
                    break
        return (time.perf_counter() - t) * 1000

    def rss(self):
        for line in open(f"/proc/{self.p.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024

    def stop(self):
        self.p.terminate()
        self.p.wait()
        shutil.rmtree(self.dir)


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


async def each(clients, jobs, f):
    """f(client, job) for all jobs, one at a time on each client."""
    jobs = iter(jobs)
    out = []

    async def one(c):
        for j in jobs:
            out.append(await f(c, j))
    await asyncio.gather(*(one(c) for c in clients))
    return out


async def until(c, run, status):
    while True:
        r = (await c.command("runs.get", {"workflowId": run, "includeSteps": False}))["run"]
        if r["status"] in (status, "failed"):
            assert r["status"] == status, r
            return r
        await asyncio.sleep(0)


async def figures(s, sync):
    clients = [await Client(s).open() for _ in range(50)]
    c = clients[0]
    ten = " ".join('(flow/step :function :s%d {:input {:n %d} :code (quote (fn [i] (inc (:n i))))})' % (i, i) for i in range(10))
    await c.command("flows.put_draft", {"flowLiteral": flow("ten", f"(do {ten})")})
    await c.command("flows.put_draft", {"flowLiteral": flow("one", "(flow/step :function :s {:input {} :code (quote (fn [_] 7))})")})
    await c.command("flows.put_draft", {"flowLiteral": flow("park", "(flow/step :wait :w {:key (:key (flow/input))})", "[{:name :key :type :text}]")})

    times = []
    for _ in range(200):
        t = time.perf_counter()
        run = (await c.command("flows.run", {"flowSlug": "one"}))["workflowId"]
        await until(c, run, "completed")
        times.append((time.perf_counter() - t) * 1000)
    figure("start to the end of the first step, median", statistics.median(times), "ms", 2 + 2 * sync, "lower")
    figure("the same, 99 of 100", sorted(times)[197], "ms", 20 + 4 * sync, "lower")

    t = time.perf_counter()
    runs = await each(clients, range(1000), lambda c, _: c.command("flows.run", {"flowSlug": "ten"}))
    await each(clients, runs, lambda c, r: until(c, r["workflowId"], "completed"))
    figure("1,000 runs of 10 durable steps, 50 in flight", 10000 / (time.perf_counter() - t), "steps/s", 0, "higher")

    runs = await each(clients, range(2000), lambda c, i: c.command("flows.run", {"flowSlug": "park", "input": {"key": f"k{i}"}}))
    await each(clients, runs, lambda c, r: until(c, r["workflowId"], "waiting"))
    t = time.perf_counter()
    answers = await each(clients, range(2000), lambda c, i: c.post(f"/{s.workspace}/events/k{i}", {"n": i}, key=False))
    took = time.perf_counter() - t
    assert all(status == 200 and body["data"]["outcome"] == "delivered" for status, body in answers)
    figure("2,000 callbacks acknowledged durably", 2000 / took, "/s", 5000, "higher")
    await each(clients, runs, lambda c, r: until(c, r["workflowId"], "completed"))
    figure("and all runs over", 2000 / (time.perf_counter() - t), "/s", 0, "higher")
    return runs[0]["workflowId"]


def wrk(s, run):
    if not shutil.which("wrk"):
        print("  runs.get: wrk is not installed (apt-get install wrk)")
        return
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as f:
        body = json.dumps({"command": "runs.get", "args": {"workflowId": run, "includeSteps": False}})
        f.write(f'wrk.method="POST"\nwrk.body={json.dumps(body)}\nwrk.headers["Authorization"]="Bearer {s.key}"\n')
        f.flush()
        rates = []
        for _ in range(3):
            out = subprocess.run(["wrk", "-t1", "-c32", "-d3s", "-s", f.name, f"http://127.0.0.1:{s.port}/api/commands"], capture_output=True, text=True,
                                 check=True).stdout
            assert "Non-2xx" not in out, out
            rates.append(float(out.split("Requests/sec:")[1].split()[0]))
        figure("runs.get, wrk with 32 connections, median of 3", statistics.median(rates), "/s", 20000, "higher")


def idle(s):
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = 10000
    if hard != resource.RLIM_INFINITY and hard < n + 100:
        print(f"  10,000 idle connections: this machine allows {hard} descriptors")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
    before = s.rss()
    sockets = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(n)]
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        c.sendall(f"GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {s.key}\r\n\r\n".encode())
        assert b" 200 " in c.recv(100)
    figure("10,000 idle connections, resident", s.rss(), "MiB", 200, "lower")
    print(f"    before them {before:.1f} MiB")
    for c in sockets:
        c.close()


def main():
    starts = []
    for _ in range(7):
        s = Server()
        starts.append(s.start())
        s.stop()
    s = Server()
    s.start()
    sync = fdatasync_ms(DATA)
    print(f"breyta serve; fdatasync of this disk, median of 200: {sync:.2f} ms")
    figure("start to an open port, median of 7, an empty folder", statistics.median(starts), "ms", 50 + 2 * sync, "lower")
    time.sleep(0.2)  # what an idle server holds is seen when it is idle
    figure("idle, resident", s.rss(), "MiB", 16, "lower")
    try:
        run = asyncio.run(figures(s, sync))
        wrk(s, run)
        idle(s)
    finally:
        s.stop()
    print(f"  {missed} missed")


if __name__ == "__main__":
    main()
