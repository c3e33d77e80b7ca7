#!/usr/bin/env python3
"""bench_ssh.py BIN DIR: :ssh steps beside OpenSSH's client with a control master, against one sshd on loopback.

Bars of issue 7: a :ssh step takes at most 1.2 times what `ssh host true` takes over a control master; 200 commands at the same time in one
process at most 64 MiB; from a callback's 200 to the next step's effect at most 3 ms and one sync at the median. Rounds in turn, medians.
A missed bar is no failure; a wrong result is."""
import http.client
import http.server
import os
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BIN, DATA = str(Path(sys.argv[1]).resolve()), sys.argv[2]
TOOL = str(Path(__file__).resolve().parent.parent / "tools" / "sshd.sh")
STEPS, ROUNDS, MANY, WAITS = 200, 5, 200, 100


def flow(path, slug, body, inputs=""):
    path.write_text(f"""{{:slug :{slug} :name "{slug}" :concurrency {{:type :keyed :key-field :n :on-new-version :coexist}} :requires [{{:slot :vps :type :ssh :label "VPS"}}]
 :invocations {{:default {{:label "Run" :inputs [{inputs}]}}}} :interfaces {{:manual [{{:id :run :invocation :default}}]}}
 :flow (quote {body})}}""")


def run(*args, **more):
    p = subprocess.run([BIN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300, **more)
    if p.returncode:
        sys.exit(f"bench_ssh: {args}: {p.stderr}")
    return p.stdout.strip()


def sync_ms(d):
    fd = os.open(d / "sync", os.O_CREAT | os.O_WRONLY)
    times = []
    for i in range(50):
        os.pwrite(fd, b"x" * 4096, i * 4096)
        t = time.perf_counter()
        os.fdatasync(fd)
        times.append((time.perf_counter() - t) * 1000)
    os.close(fd)
    return statistics.median(times)


def row(what, value, bar):
    print(f"  {what:58} {value:9.2f}   bar {bar:.2f} {'' if value <= bar else 'MISS'}")


def overhead(d, s, port, user, conn):
    flow(d / "steps.edn", "steps", '(loop [i 0] (if (< i (:count (flow/input))) (do (flow/step :ssh :s {:connection :vps :command "true"}) (recur (inc i))) i))',
         '{:name :count :label "N" :type :number :required true}')
    ssh = ["ssh", "-F", "/dev/null", "-S", str(d / "ctl"), "-i", str(s / "id_ed25519"), "-o", f"UserKnownHostsFile={s}/known_hosts", "-p", str(port), f"{user}@127.0.0.1"]
    subprocess.run([*ssh[:1], "-M", "-N", "-f", *ssh[1:]], check=True)
    theirs, ours = [], []
    try:
        for i in range(ROUNDS):
            t = time.perf_counter()
            for _ in range(STEPS // 4):
                subprocess.run([*ssh, "true"], check=True)
            theirs.append((time.perf_counter() - t) * 1000 / (STEPS // 4))
            took = {}
            for n in (1, STEPS + 1):
                t = time.perf_counter()
                if run(d / "steps.edn", "--connections", conn, "--db", d / f"o{i}.db", "--input", f'{{"count": {n}}}') != str(n):
                    sys.exit("bench_ssh: a wrong result")
                took[n] = time.perf_counter() - t
            ours.append((took[STEPS + 1] - took[1]) * 1000 / STEPS)
    finally:
        subprocess.run([*ssh, "-O", "exit"], stderr=subprocess.DEVNULL)
    a, b = statistics.median(theirs), statistics.median(ours)
    print(f"  ssh with a control master {a:.2f} ms, a durable :ssh step {b:.2f} ms (fdatasync here {sync_ms(d):.2f} ms)")
    row(":ssh step / ssh with a control master", b / a, 1.2)


def memory(d, s, conn):
    for name in ("begun", "gate"):
        os.mkfifo(s / name)
        os.chmod(s / name, 0o666)
    begun = os.open(s / "begun", os.O_RDWR)
    flow(d / "one.edn", "one", f'(:exit (flow/step :ssh :s {{:connection :vps :command "echo > {s}/begun; read x < {s}/gate" :env {{"N" (:n (flow/input))}} :timeout 120}}))',
         '{:name :n :label "N" :type :number :required true}')
    flow(d / "all.edn", "all", "(let [n 200] (:succeeded-count (flow/step :fanout :f {:items (for [i (range n)] {:type :call-flow :flow-slug :one :input {:n i}}) :max-concurrency n})))")
    p = subprocess.Popen([BIN, d / "all.edn", "--connections", conn, "--db", d / "m.db", *sum((["--limit", f"fanout-{k}={MANY}"] for k in ("width", "concurrency", "items-per-run")), [])],
                         stdout=subprocess.PIPE, text=True)
    count = 0
    while count < MANY:
        if not select.select([begun], [], [], 120)[0]:
            p.kill()
            sys.exit(f"bench_ssh: {count} of {MANY} commands have begun after 120 s")
        count += len(os.read(begun, MANY))
    peak = next(int(line.split()[1]) / 1024 for line in open(f"/proc/{p.pid}/status") if line.startswith("VmHWM"))
    gate = os.open(s / "gate", os.O_RDWR)
    os.write(gate, b"go\n" * MANY)
    if p.communicate(timeout=120)[0].strip() != str(MANY):
        sys.exit("bench_ssh: not all of them ended well")
    os.close(gate)
    os.close(begun)
    row(f"{MANY} commands at the same time, MiB at most", peak, 64)


def callbacks(d):
    arrived = []

    class Next(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            arrived.append(time.perf_counter())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Next)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flow(d / "w.edn", "w", f"""(loop [i 0] (if (< i {WAITS}) (do (flow/step :wait :w {{:key (str "k" i) :webhook {{:auth {{:type :none}}}}}})
      (flow/step :http :h {{:url "http://127.0.0.1:{server.server_port}/"}}) (recur (inc i))) i))""")
    p = subprocess.Popen([BIN, d / "w.edn", "--db", d / "w.db", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    port = next(int(line.split("127.0.0.1:")[1].split("/")[0]) for line in p.stderr if line.startswith("listening"))
    threading.Thread(target=p.stderr.read, daemon=True).start()
    times, c = [], http.client.HTTPConnection("127.0.0.1", port)

    def post(door, key):
        c.request("POST", f"/local/{door}/{key}", "{}", {"content-type": "application/json"})
        r = c.getresponse()
        r.read()
        return r.status

    for i in range(WAITS):
        while post("progress", f"k{i}") == 425:  # it is not registered yet, and an answer that comes early is another case
            time.sleep(0.001)
        status = post("events", f"k{i}")
        accepted = time.perf_counter()
        if status != 200:
            sys.exit(f"bench_ssh: a callback was answered with {status}")
        while len(arrived) <= i and p.poll() is None:
            time.sleep(0.0002)
        times.append((arrived[i] - accepted) * 1000)
    p.communicate(timeout=20)
    server.shutdown()
    row("callback accepted to the next step's effect, ms at the median", statistics.median(times), 3 + sync_ms(d))


with tempfile.TemporaryDirectory(dir=DATA) as t, tempfile.TemporaryDirectory() as u:
    d, s = Path(t).resolve(), Path(u)
    port = subprocess.run([TOOL, "start", u], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    try:
        user = (s / "user").read_text().strip()
        conn = d / "conn.edn"
        conn.write_text(f"""{{:connections {{:vps {{:type :ssh :config {{:host "127.0.0.1" :port {port} :username "{user}" :auth {{:type :private-key :secret-ref "k"}}
          :known-hosts {{:file "{s}/known_hosts"}}}}}}}} :secrets {{"k" {{:file "{s}/id_ed25519"}}}}}}""")
        overhead(d, s, port, user, conn)
        memory(d, s, conn)
        callbacks(d)
    finally:
        subprocess.run([TOOL, "stop", u])
