"""`breyta jobs worker run` and what its handlers call: real worker processes against a real server, through a proxy that can break."""
import contextlib
import fcntl
import http.server
import json
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from server import BIN, ROOT, run_tests

SEEDS = ROOT / "tests" / "seeds"
LEASE = "1s"


class Net:
    """A proxy in front of the server. cut(): connections break and new ones are refused; back(): it works again."""

    def __init__(self, port):
        self.to, self.up, self.open = port, True, set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                a, _ = self.listener.accept()
            except OSError:
                return
            if not self.up:
                a.close()
                continue
            try:
                b = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                a.close()
                continue
            self.open |= {a, b}
            threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        other = {a: b, b: a}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for s in select.select([a, b], [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        raise OSError
                    other[s].sendall(data)
        for s in (a, b):
            self.open.discard(s)
            s.close()

    def cut(self):
        self.up = False
        for s in list(self.open):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def back(self):
        self.up = True


class Worker:
    """A worker process. events: what it has said; result: what it printed at its end."""

    def __init__(self, s, job_type, handler, *options, port=None, env=None, listen=True):
        self.env = {**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{port or s.port}", "BREYTA_WORKSPACE": s.workspace, "BREYTA_API_KEY": s.key,
                    "TMPDIR": s.tmp, "OUT": s.tmp, **(env or {})}
        how = ["--handler", handler] if isinstance(handler, str) else []
        rest = [] if how else ["--", *handler]
        self.process = subprocess.Popen([BIN, "jobs", "worker", "run", "--type", job_type, *how, *options, *rest], env=self.env, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        s.workers.append(self)
        self.events, self.lines = [], []
        self.reader = threading.Thread(target=self.read, daemon=True)
        if listen:
            self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            with contextlib.suppress(ValueError):
                self.events.append(json.loads(line))

    def said(self, event):
        return [e for e in self.events if e["event"] == event]

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)

    def end(self, status=0):
        out = self.process.stdout.read()
        got = self.process.wait(timeout=20)
        self.reader.join(timeout=5)
        assert got == status, f"exit {got}, not {status}: {out} {''.join(self.lines)}"
        self.result = json.loads(out)
        return self.result["data"]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid):
    """The programs that a shell is running, by their names."""
    try:
        kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [n for n in (pathlib.Path(f"/proc/{k}/comm").read_text().strip() for k in kids) if n == "breyta"]
    except OSError:
        return []


def polls(s):
    """How many workers wait for a job."""
    text = s.raw("GET", "/metrics", key=False)[2].decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("breyta_jobs_polls "))


def waits_to_write(pid):
    """Its first thread stands in write(2, ...)."""
    return pathlib.Path(f"/proc/{pid}/task/{pid}/syscall").read_text().startswith("1 0x2 ")


def wait_for(f, what, seconds=20):
    """Like s.until, while the server is away."""
    end = time.monotonic() + seconds
    while not f():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def ready(s):
    """What the tests below use of the server."""
    s.workers, s.tmp, s.made = [], os.path.join(s.dir.name, "tmp"), 0
    os.mkdir(s.tmp)

    def script(text, shell="#!/bin/bash\nset -euo pipefail\n"):
        s.made += 1
        path = os.path.join(s.dir.name, f"handler-{s.made}")
        pathlib.Path(path).write_text(shell + text)
        os.chmod(path, 0o755)
        return path

    def job(job_type, payload=None, **more):
        return s.ok("jobs.create", {"jobType": job_type, "payload": payload or {}, **more}).data["job"]["jobId"]

    def show(j):
        return s.ok("jobs.get", {"jobId": j}).data["job"]

    def over(j, seconds=15):
        ends = ("succeeded", "no_changes", "failed", "cancelled", "timed_out")
        return s.until(lambda: (lambda x: x if x["status"] in ends else None)(show(j)), f"{j} has ended", seconds)

    def written(name):
        def look():
            with contextlib.suppress(OSError):
                return pathlib.Path(s.tmp, name).read_text()
        return s.until(look, f"a handler has written {name}")

    s.script, s.job, s.show, s.over_job, s.written = script, job, show, over, written
    return s


@contextlib.contextmanager
def workers(s):
    ready(s)
    try:
        yield s
    finally:
        for w in s.workers:
            if w.process.poll() is None:
                w.kill()
                w.process.wait()


def folders(s):
    return [n for n in os.listdir(s.tmp) if n.startswith("breyta-job-")]


def once(s, job_type, handler, *options, payload=None, env=None):
    """One job through one worker: the job as it ended, and the worker."""
    j = s.job(job_type, payload)
    w = Worker(s, job_type, handler, "--once", *options, env=env)
    w.end()
    return s.show(j), w


def result_of(job, key):
    return (job.get("result") or {}).get(key, job.get(key))


def error_of(job, key):
    """Where a failure's word stands on a job."""
    for where in (job.get("error"), job.get("failure"), job.get("result"), job):
        if isinstance(where, dict) and where.get(key) is not None:
            return where[key]


# --- what a handler is given ------------------------------------------------------------------------------------------------------------------
def test_environment_and_folder(s):
    with workers(s):
        handler = s.script('env -0 > "$OUT/env"\nls -la --full-time "$BREYTA_JOB_DIR" > "$OUT/ls"\nstat -c "%a %n" "$BREYTA_JOB_DIR" "$BREYTA_JOB_DIR"/* > "$OUT/modes"\n'
                           'cp "$BREYTA_JOB_FILE" "$OUT/job"; cp "$BREYTA_JOB_PAYLOAD_FILE" "$OUT/payload"; command -v breyta > "$OUT/which"\npwd > "$OUT/cwd"\n'
                           'if read -r line; then exit 9; fi\n[ ! -e "$BREYTA_JOB_RESULT_FILE" ]\n')
        job, w = once(s, "env", handler, "--worker-id", "w-1", "--label", "zone=a", "--labels", "gpu=yes,rack=7",
                      payload={"n": 12345678901234567, "t": "ä\u2028<&>", "list": [1, 2.5, None, True]})
        assert job["status"] == "succeeded" and result_of(job, "summary") == "handler exited successfully", job
        env = dict(e.split("=", 1) for e in s.written("env").split("\0") if e)
        assert env["BREYTA_JOB_ID"] == job["jobId"] and env["BREYTA_JOB_TYPE"] == "env" and env["BREYTA_JOB_ATTEMPT"] == "1"
        assert env["BREYTA_JOB_WORKSPACE_ID"] == s.workspace == env["BREYTA_WORKSPACE"] and env["BREYTA_WORKER_ID"] == "w-1"
        assert env["BREYTA_API_URL"] == w.env["BREYTA_API_URL"] and env["BREYTA_API_KEY"] == env["BREYTA_TOKEN"] == s.key
        for name in ("BATCH_ID", "ROOT_WORKFLOW_ID", "PARENT_STEP_ID", "FANOUT_PARENT_STEP_ID", "FANOUT_MAX_CONCURRENCY"):
            assert env["BREYTA_JOB_" + name] == "", name
        assert env["BREYTA_CLI_BIN"] == BIN and env["PATH"].startswith(os.path.dirname(BIN) + ":") and s.written("which").strip() == BIN
        d = env["BREYTA_JOB_DIR"]
        assert d.startswith(os.path.realpath(s.tmp) + "/breyta-job-") and s.written("cwd").strip() == os.getcwd()
        for name, file in (("FILE", "job.json"), ("PAYLOAD_FILE", "payload.json"), ("RESULT_FILE", "result.json"), ("CONTEXT_FILE", "worker-context.json")):
            assert env["BREYTA_JOB_" + name] == f"{d}/{file}"
        modes = s.written("modes")
        assert f"700 {d}\n" in modes and f"600 {d}/job.json\n" in modes and f"600 {d}/payload.json\n" in modes and f"600 {d}/worker-context.json\n" in modes
        claimed = json.loads(s.written("job"))
        assert claimed["leaseToken"] and claimed["jobId"] == job["jobId"] and claimed["attempt"] == 1
        assert json.loads(s.written("payload")) == {"n": 12345678901234567, "t": "ä\u2028<&>", "list": [1, 2.5, None, True]}
        assert job["workerId"] == "w-1" and (job.get("workerLabels") or {}) == {"zone": "a", "gpu": "yes", "rack": "7"}, job
        assert not folders(s)


# --- how it ends ---------------------------------------------------------------------------------------------------------------------------------
def test_every_end(s):
    with workers(s):
        def end(text):
            return once(s, "end", s.script(text))[0]
        job = end('breyta jobs worker finish --summary done --output n=1 --output s=text --output \'m={"a":[1]}\' --output "empty=" --metric seconds=1.5\n')
        assert job["status"] == "succeeded" and result_of(job, "summary") == "done"
        assert result_of(job, "outputs") == {"n": 1, "s": "text", "m": {"a": [1]}, "empty": ""} and result_of(job, "metrics") == {"seconds": 1.5}
        assert end("breyta jobs worker finish --status no_changes\n")["status"] == end("breyta jobs worker finish --status No-Changes\n")["status"] == "no_changes"
        assert end("breyta jobs worker finish --status cancelled\n")["status"] == "cancelled"
        job = end("echo first; echo about to break >&2; breyta jobs worker finish --output a=1 >/dev/null; exit 3\n")
        assert job["status"] == "failed" and error_of(job, "code") == "handler_failed" and error_of(job, "message") == "handler exited with status 3", job
        details = error_of(job, "details")
        assert details["exitCode"] == 3 and details["logTail"] == "first\nabout to break\n", details
        job = end('breyta jobs worker fail --message "no such branch" --code bad_branch --detail branch=main --detail tries=2 >/dev/null\n')
        assert job["status"] == "failed" and error_of(job, "code") == "bad_branch" and error_of(job, "message") == "no such branch"
        assert error_of(job, "details") == {"branch": "main", "tries": 2}
        job = end("breyta jobs worker fail --message why --code mine >/dev/null; exit 4\n")
        assert error_of(job, "code") == "mine" and error_of(job, "message") == "why" and error_of(job, "details").get("exitCode", 4) == 4
        job = end("kill -SEGV $$\n")
        assert job["status"] == "failed" and "SIGSEGV" in error_of(job, "message") and error_of(job, "details")["signal"] == 11, job
        job = end('echo "{broken" > "$BREYTA_JOB_RESULT_FILE"\n')
        assert job["status"] == "failed" and error_of(job, "code") == "invalid_result" and "not JSON" in error_of(job, "message"), job
        job = end('echo "[1]" > "$BREYTA_JOB_RESULT_FILE"\n')
        assert error_of(job, "code") == "invalid_result" and "not a JSON object" in error_of(job, "message")
        job = end('echo \'{"status":"perhaps"}\' > "$BREYTA_JOB_RESULT_FILE"\n')
        assert error_of(job, "code") == "invalid_result" and 'invalid status "perhaps"' in error_of(job, "message")
        job = end('echo \'{"status":"Succeeded","summary":"raw","outputs":[1,"two"]}\' > "$BREYTA_JOB_RESULT_FILE"\n')
        assert job["status"] == "succeeded" and result_of(job, "outputs") == [1, "two"] and result_of(job, "summary") == "raw"
        job = end('echo \'{"status":"timed-out","message":"too slow"}\' > "$BREYTA_JOB_RESULT_FILE"\n')
        assert job["status"] == "failed" and error_of(job, "message") == "too slow"
        job = end('echo " " > "$BREYTA_JOB_RESULT_FILE"\n')
        assert job["status"] == "succeeded"
        gone = s.script("exit 0\n", "#!/no/such/interpreter\n")
        job, w = once(s, "end", gone)
        assert job["status"] == "failed" and error_of(job, "code") == "handler_start_failed" and w.result["data"]["failedCount"] == 1
        assert not folders(s)
        # a machine that can start no handler does not go through the whole queue
        jobs = [s.job("broken") for _ in range(5)]
        w = Worker(s, "broken", gone)
        assert w.end(1)["failedCount"] == 3 and w.result["error"]["code"] == "jobs_worker_failed" and w.result["error"]["details"]["code"] == "handler_start_failed"
        assert sorted(s.show(j)["status"] for j in jobs) == 3 * ["failed"] + 2 * ["queued"]


def test_result_that_the_server_refuses(s):
    """The worker does not stand still over it: the job fails and says why."""
    with workers(s):
        job, w = once(s, "refused", s.script('echo \'{"status":"succeeded","summary":{"not":"a text"}}\' > "$BREYTA_JOB_RESULT_FILE"\n'))
        assert job["status"] == "failed" and error_of(job, "code") == "result_refused" and "summary" in error_of(job, "message"), job
        assert w.said("result-refused")


def test_log(s):
    """All of it in the folder, the end with a failure, lines as events; the key in none of those but the folder."""
    with workers(s):
        job, w = once(s, "log", s.script('echo "key is $BREYTA_API_KEY"; for i in $(seq 2000); do echo "line $i"; done; printf "no end \\xff\\xfe"; exit 1\n'), "--keep-job-dirs")
        tail = error_of(job, "details")["logTail"]
        assert tail.endswith("line 2000\nno end \ufffd\ufffd") and 3000 < len(tail.encode()) <= 4200 and tail.startswith("line "), tail[:100]
        assert s.key not in "".join(w.lines) and any(e["text"] == "key is ***" for e in w.said("handler-output"))
        assert len(w.said("handler-output")) == 2002
        (d,) = folders(s)
        assert w.result["data"]["lastJobDir"] == os.path.join(os.path.realpath(s.tmp), d)
        log = pathlib.Path(s.tmp, d, "handler.log").read_bytes()
        assert log.startswith(b"key is " + s.key.encode()) and log.endswith(b"\xff\xfe") and log.count(b"\n") == 2001
        shown = json.loads(subprocess.run([BIN, "jobs", "worker", "state", "--job-dir", os.path.join(s.tmp, d)], capture_output=True, text=True, check=True).stdout)
        assert shown["data"]["job"]["leaseToken"] == "[redacted]" == shown["data"]["context"]["leaseToken"]
        assert shown["data"]["files"]["result"] == {"path": os.path.join(os.path.realpath(s.tmp), d, "result.json"), "exists": False}


def test_terminal(s):
    """People see one live line, and what handlers write, without control sequences of theirs."""
    with workers(s):
        s.job("seen")
        master, slave = pty.openpty()
        handler = s.script('printf "hello \\033[2Jthere\\n"; until [ -e "$OUT/go" ]; do read -rt 0.02 <> <(:) || :; done\n')
        p = subprocess.Popen([BIN, "jobs", "worker", "run", "--type", "seen", "--once", "--handler", handler], stderr=slave, stdout=subprocess.DEVNULL,
                             env={**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{s.port}", "BREYTA_API_KEY": s.key, "OUT": s.tmp, "TERM": "xterm"})
        os.close(slave)
        seen = b""
        while b"hello" not in seen or b"1 running (job-" not in seen.split(b"hello")[1]:
            seen += os.read(master, 4096)
        pathlib.Path(s.tmp, "go").touch()
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 4096):
                seen += chunk
        os.close(master)
        assert p.wait(timeout=20) == 0
        text = seen.decode()
        assert "] hello [2Jthere\r\n" in text and "seen: 0 running, 1 being reported, 0 done, 0 failed" in text and "status=succeeded" in text, text
        assert text.rstrip("\r\n").rsplit("\n", 1)[1].split()[2] == "worker-ended", text  # no live line is left behind


# --- what handlers call ------------------------------------------------------------------------------------------------------------------------------
def test_artifacts(s):
    with workers(s):
        big = os.path.join(s.tmp, "big.bin")
        with open(big, "wb") as f:
            f.truncate(32 << 20)
        handler = s.script('''
cd "$BREYTA_JOB_DIR"
printf '%s\\n' '[{"id": 1, "severity": "high"},' ' {"id": 2, "severity": "low", "note": "a, \\"b\\" {[}"}]' > rows.json
for i in $(seq 5000); do echo "{\\"id\\": $i, \\"v\\": \\"row $i\\"}"; done > rows.jsonl
printf 'id,name,ok,zip\\r\\n1,"a ""b"",\\nc",true,007\\r\\n2,,false,"8"\\r\\n' > rows.csv
one=$(breyta jobs worker attach-table --label findings --table security-findings --rows-file rows.json --write-mode upsert --key-field id --index-field severity --print-uri)
two=$(breyta jobs worker attach-table --label many --rows-file rows.jsonl --print-uri)
three=$(breyta jobs worker attach-table --label sheet --rows-file rows.csv --print-uri)
breyta jobs worker attach-table --label findings --table security-findings --rows '{"id": 2, "severity": "none"}' --write-mode upsert --key-field id > again.json
breyta jobs worker attach-kv --label sum --key total --field n=1 --field 'o={"a":[1,null]}' --field t=text --field b=true --ttl-seconds 3600 > kv.json
breyta jobs worker attach-kv --label plain --value '[1,2]' --print-uri > plain
breyta jobs worker attach-file --file "$OUT/big.bin" --label big --kind blob --resource-label "The big one" > big.json
cp again.json kv.json big.json plain "$OUT/"
for i in 1 2 3 4; do breyta jobs worker attach-kv --label "p$i" --field "i=$i" > /dev/null & done; wait
breyta jobs worker state > "$OUT/state.json"
breyta jobs worker finish --output "one=$one" --output "two=$two" --output "three=$three" --output "plain=$(cat plain)" > /dev/null
''')
        job, w = once(s, "artifacts", handler)
        assert job["status"] == "succeeded", (job, w.lines)
        outputs, artifacts = result_of(job, "outputs"), {a["label"]: a for a in result_of(job, "artifacts")}
        assert set(artifacts) == {"findings", "many", "sheet", "sum", "plain", "big", "p1", "p2", "p3", "p4"}, list(artifacts)
        assert artifacts["findings"]["resourceUri"] == outputs["one"] and artifacts["findings"]["kind"] == "table"
        assert "_breytaPersisted" not in json.dumps(job) and "_breytaPersisted" not in s.written("state.json")
        assert s.written("plain").strip() == artifacts["plain"]["resourceUri"] == outputs["plain"]

        def rows(uri, **more):
            r = s.http("POST", "/api/resources/table/query", json.dumps({"uri": uri, "page": {"mode": "offset", "limit": 1000}, **more}),
                       {"X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"})
            assert r.status == 200, r
            return r.body["rows"]
        assert sorted((r["id"], r["severity"]) for r in rows(outputs["one"])) == [(1, "high"), (2, "none")]
        assert rows(outputs["two"], where=[["id", "=", 4321]])[0]["v"] == "row 4321"
        assert json.loads(s.written("again.json"))["data"]["artifact"]["rowsWritten"] == 1
        sheet = sorted(rows(outputs["three"]), key=lambda r: r["id"])
        assert sheet[0]["name"] == 'a "b",\nc' and sheet[0]["ok"] is True and sheet[0]["zip"] == "007" and sheet[1]["zip"] == "8" and not sheet[1].get("name")
        file = json.loads(s.written("big.json"))["data"]["artifact"]
        assert file["sizeBytes"] == 32 << 20 and file["kind"] == "blob" and file["filename"] == "big.bin" and file["resourceLabel"] == "The big one"
        assert artifacts["big"]["resourceUri"] == file["resourceUri"]
        kv = json.loads(s.written("kv.json"))["data"]["artifact"]
        assert kv["key"].endswith("total") and job["jobId"] in kv["key"], kv


def test_early_word_of_a_handler_stays(s):
    """The worker tells the server of the start only when a handler runs for a while: what the handler has said by then is not lost."""
    with workers(s):
        handler = s.script("""
breyta jobs worker progress --message "reading" --metric n=1 > /dev/null
until breyta jobs show "$BREYTA_JOB_ID" | grep -q '"status":"started"'; do sleep 0.02; done
""")
        job, w = once(s, "early", handler)
        assert job["status"] == "succeeded" and w.said("job-started"), (job, w.lines)
        assert (job["progress"]["message"], job["progress"]["status"], job["progress"]["metrics"]) == ("reading", "started", {"n": 1}) and "details" not in job["progress"], job


def test_handler_commands_refuse(s):
    """One error each: what is wrong, and what would work."""
    with workers(s):
        def run(*args, env=None, **more):
            return subprocess.run([BIN, "jobs", "worker", *args], capture_output=True, text=True, env={**os.environ, "BREYTA_API_URL": f"http://127.0.0.1:{s.port}", **(env or {})}, **more)

        def refused(got, code, *words):
            assert got.returncode in (1, 2), got
            e = json.loads(got.stdout)["error"]
            assert e["code"] == code, e
            for word in words:
                assert word in e["message"], (word, e)
        refused(run("progress", "--message", "m"), "no_job", "BREYTA_JOB_CONTEXT_FILE")
        refused(run("finish"), "no_job")
        refused(run("state"), "no_job", "--job-dir")
        refused(run("state", "--job-dir", "/no/such"), "not_found", "/no/such")
        there = os.path.join(s.tmp, "there")
        os.mkdir(there)
        pathlib.Path(there, "worker-context.json").write_text(json.dumps({"jobId": s.job("x"), "leaseToken": "never", "resultFile": there + "/result.json"}))
        env = {"BREYTA_JOB_DIR": there, "BREYTA_API_KEY": s.key, "BREYTA_WORKSPACE": s.workspace}
        refused(run("finish", "--status", "perhaps", env=env), "usage", "succeeded", "perhaps")
        refused(run("attach-kv", "--label", "l", env=env), "usage", "--value", "--field")
        refused(run("attach-kv", "--label", "l", "--value", "{nope", env=env), "usage", "not JSON")
        refused(run("attach-table", "--label", "l", env=env), "usage", "--rows-file")
        refused(run("attach-table", "--label", "l", "--rows", "[1]", env=env), "validation", "row 1", "JSON object")
        refused(run("attach-table", "--label", "l", "--rows", '[{"a":1} {"a":2}]', env=env), "validation", "row 2", "comma")
        refused(run("attach-table", "--label", "l", "--rows", "[]", env=env), "validation", "no rows")
        refused(run("attach-table", "--label", "l", "--rows-file", "-", "--rows-format", "csv", env=env, input='a,b\n1,"x'), "validation", "row 1", "no end")
        refused(run("attach-table", "--label", "l", "--rows-file", "/no/such.csv", env=env), "file", "/no/such.csv")
        refused(run("attach-file", "--label", "l", "--file", there, env=env), "usage", "no file")
        refused(run("attach-file", "--file", BIN, env=env), "usage", "--label")
        got = run("progress", "--message", "m", env=env)
        assert got.returncode == 1 and json.loads(got.stdout)["ok"] is False, got
        pathlib.Path(there, "result.json").write_text("{")
        refused(run("finish", env=env), "invalid_json", "result.json")
        for args, words in ((["--handler", "/bin/true"], ["--type"]), (["--type", "t"], ["--handler"]), (["--type", "t", "--handler", "/no/such"], ["no program", "/no/such"]),
                            (["--type", "t", "--handler", "python3 x.py"], ["behind --"]), (["--type", "t", "--concurrency", "0", "--", "true"], ["1 to 1000"]),
                            (["--type", "t", "--lease-duration", "5ms", "--", "true"], ["1s to 24h"]), (["--type", "t", "--label", "x", "--", "true"], ["NAME=VALUE"]),
                            (["--type", "t", "--handler", SEEDS / "single.clj"], ["chmod"])):
            refused(run("run", *args), "usage", *words)
        tight = subprocess.run(["bash", "-c", f"ulimit -n 64; exec {BIN} jobs worker run --type t --concurrency 100 -- true"], capture_output=True, text=True)
        refused(tight, "worker", "needs 528 open files", "64", "ulimit -n")
        refused(run("run", "--type", "t", "--once", "--", "true", env={"BREYTA_API_KEY": "bsa_sak-1_no", "BREYTA_WORKSPACE": s.workspace}), "jobs_worker_failed")
        refused(run("run", "--type", "t", "--once", "--", "true", env={"BREYTA_API_KEY": "k", "BREYTA_API_URL": "http://127.0.0.1:1"}), "jobs_worker_failed")


def test_other_flags(s):
    with workers(s):
        handler = s.script('''
cd "$BREYTA_JOB_DIR"
echo "$*" > "$OUT/args"
echo '{"a": 1}' > one.json; echo '{"b": 2}' > two.json; echo '[3]' > three.json; echo '{"id": 1}' > rows.txt; echo hello > page.txt
breyta jobs worker progress --status running --message half --details '{"a": 1}' --detail b=2 --metrics '{"m": 1}' --metric n=2 > /dev/null
breyta jobs worker progress --details-file two.json --metrics-file one.json > "$OUT/progress"
breyta jobs worker attach-kv --label v --value-file three.json --kind list --content-type application/x-list > "$OUT/kv"
breyta jobs worker attach-table --label t --rows-file rows.txt --rows-format json --schema-mode flexible --kind rows --content-type application/x-rows > "$OUT/table"
breyta jobs worker attach-file --label f --file page.txt --content-type text/x-page > "$OUT/file"
breyta jobs worker finish --outputs '{"a": 1}' --output b=2 --metrics '{"m": 1}' > /dev/null
breyta jobs worker finish --outputs-file two.json --metrics-file one.json --summary sum > /dev/null
''')
        batch = s.ok("jobs.batches.create", {"jobType": "flags", "jobs": [{"payload": {}}]}).data
        alone = s.job("flags")
        w = Worker(s, "flags", handler, "--once", "--batch-id", batch["batch"]["batchId"], "--handler-arg", "one two", "--handler-arg=--once", "--keep-dirs")
        assert w.end()["batchId"] == batch["batch"]["batchId"] and s.written("args") == "one two --once\n" and folders(s)
        job = s.show(batch["jobs"][0]["jobId"])
        assert s.show(alone)["status"] == "queued" and job["status"] == "succeeded", job
        assert result_of(job, "outputs") == {"a": 1, "b": 2} and result_of(job, "metrics") == {"m": 1, "a": 1} and result_of(job, "summary") == "sum"
        told = json.loads(s.written("progress"))["data"]["job"]["progress"]
        assert told["status"] == "running" and told["details"] == {"b": 2} and told["metrics"] == {"a": 1}, told
        kinds = {a["label"]: (a["kind"], a["contentType"]) for a in result_of(job, "artifacts")}
        assert kinds == {"v": ("list", "application/x-list"), "t": ("rows", "application/x-rows"), "f": ("file", "text/x-page")}, kinds
        # fail, by the other ways
        job = once(s, "fails", s.script('cd "$BREYTA_JOB_DIR"; echo \'{"a": 1}\' > d.json; breyta jobs worker fail --message m --details-file d.json >/dev/null; '
                                        'breyta jobs worker fail --details \'{"b": 2}\' >/dev/null\n'))[0]
        assert error_of(job, "message") == "m" and error_of(job, "details") == {"a": 1, "b": 2}
        # a flag that no test names is found here
        rows = [c for c in json.loads(subprocess.run([BIN, "commands"], capture_output=True, check=True).stdout)["data"]["items"] if c["name"].startswith("jobs worker ")]
        text = pathlib.Path(__file__).read_text()
        assert len(rows) == 9, rows  # agent: test_agent_jobs.py
        left = [(c["name"], p["name"]) for c in rows for p in c["params"] if "--" + p["name"].lstrip("-") not in text]
        assert not left, left


# --- many, one, none -----------------------------------------------------------------------------------------------------------------------------------
def test_counts(s):
    with workers(s):
        begun = time.monotonic()
        assert Worker(s, "none", ["true"], "--once").end() | {"workerId": ""} == {
            "workerId": "", "jobType": "none", "handledCount": 0, "failedCount": 0, "lostCount": 0, "idlePolls": 1, "once": True}
        assert time.monotonic() - begun < 2, "--once has waited"
        jobs = [s.job("count") for _ in range(5)]
        assert Worker(s, "count", ["true"], "--once", "--concurrency", "4").end()["handledCount"] == 1
        assert Worker(s, "count", ["true"], "--max-jobs", "3", "--concurrency", "2").end()["handledCount"] == 3
        assert sorted(s.show(j)["status"] for j in jobs) == ["queued"] + 4 * ["succeeded"]
        # all at once: each handler waits until the others are there
        handler = s.script('touch "$OUT/here-$BREYTA_JOB_ID"\nuntil [ "$(ls "$OUT" | grep -c ^here-)" = 6 ]; do read -rt 0.02 <> <(:) || :; done\n')
        six = [s.job("together") for _ in range(6)]
        assert Worker(s, "together", handler, "--concurrency", "6", "--max-jobs", "6").end()["handledCount"] == 6
        assert all(s.show(j)["status"] == "succeeded" for j in six)


def test_idle_worker_is_told(s):
    """A job that comes while the worker waits is begun at once, not after the poll interval."""
    with workers(s):
        w = Worker(s, "idle", ["true"], "--poll-interval", "1h")
        s.until(lambda: w.said("worker-started"), "the worker has started")
        for _ in range(3):
            begun = time.monotonic()
            s.over_job(s.job("idle"))
            assert time.monotonic() - begun < 2
        w.kill(signal.SIGTERM)
        assert w.end()["handledCount"] == 3


def test_idle_worker_goes(s):
    """What comes when a waiting worker has left, in whatever way, is not given to it."""
    with workers(s):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            w = Worker(s, "leaves", ["true"])
            s.until(lambda: w.said("worker-started"), "the worker has started")
            s.over_job(s.job("leaves"))  # its next claim waits, or is on its way
            w.kill(sig)
            w.process.wait(timeout=20)
            j = s.job("leaves")
            v = Worker(s, "leaves", ["true"], "--max-jobs", "1", "--worker-id", "next")
            assert v.end()["handledCount"] == 1 and s.show(j)["attempt"] == 1 and s.show(j)["workerId"] == "next", s.show(j)


def test_a_job_that_comes_too_late_goes_back(s):
    """A worker that has been told to stop gets the answer to a claim: the job is another's at once, and no attempt was used. The worker stands in front
    of a full pipe, where it wants to say that it stops, until the answer is there."""
    with workers(s):
        for _ in range(5):
            w = Worker(s, "late", ["true"], "--poll-interval", "1h", listen=False)
            pipe = w.process.stderr.fileno()
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
            s.until(lambda: polls(s) == 1, "it waits for a job")
            full = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(full, b"x")
            os.close(full)
            w.kill(signal.SIGTERM)
            s.until(lambda: waits_to_write(w.process.pid), "it wants to say that it stops")
            j = s.job("late", maxAttempts=1)
            s.until(lambda: s.show(j)["status"] == "leased", "the job is on its way to it")
            w.reader.start()
            assert w.end()["handledCount"] == 0 and '"stopping"' in "".join(w.lines), w.lines
            if s.show(j)["status"] == "queued":
                break  # else its other thread had not read the answer yet, and hung up: the lease has to end
            s.ok("jobs.cancel", {"jobId": j})
        job = s.show(j)
        assert job["status"] == "queued" and job["attempt"] == 0, job
        assert Worker(s, "late", ["true"], "--max-jobs", "1").end()["handledCount"] == 1 and s.show(j)["attempt"] == 1


class Old(http.server.BaseHTTPRequestHandler):
    """A server that does not hold claims back: of the first kind it does not know waitMs, of the second it passes over it."""
    protocol_version, claims, strict = "HTTP/1.1", [], True

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["args"]
        self.claims.append((time.monotonic(), "waitMs" in args))
        bad = self.strict and "waitMs" in args
        text = json.dumps({"ok": not bad, "data": {"job": None}, **({"error": {"code": "bad_request", "message": "waitMs?"}} if bad else {})}).encode()
        self.send_response(400 if bad else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def test_server_that_does_not_wait(s):
    """It is asked once in the poll interval, not as fast as it answers."""
    with workers(s), http.server.ThreadingHTTPServer(("127.0.0.1", 0), Old) as old:
        threading.Thread(target=old.serve_forever, daemon=True).start()
        for Old.strict in (True, False):
            Old.claims.clear()
            w = Worker(s, "old", ["true"], "--poll-interval", "100ms", "--concurrency", "3", port=old.server_address[1])
            s.until(lambda: len(Old.claims) >= 5, "it asks on")
            w.kill(signal.SIGTERM)
            assert w.end()["idlePolls"] >= 3
            times = [t for t, waits in Old.claims if waits != Old.strict]
            assert len(times) >= 4 and all(b - a > 0.09 for a, b in zip(times, times[1:])), Old.claims
        old.shutdown()


# --- stopping ---------------------------------------------------------------------------------------------------------------------------------------------
def test_drain(s):
    with workers(s):
        slow = s.script('echo $$ > "$OUT/pid.new"; mv "$OUT/pid.new" "$OUT/pid-$BREYTA_JOB_ID"; until [ -e "$OUT/go" ]; do read -rt 0.02 <> <(:) || :; done\n')
        a, b = s.job("drain"), s.job("other")
        w = Worker(s, "drain", slow, "--concurrency", "2")
        s.written(f"pid-{a}")
        w.kill(signal.SIGTERM)
        s.until(lambda: w.said("stopping"), "it stops")
        c = s.job("drain")
        pathlib.Path(s.tmp, "go").touch()
        assert w.end() | {"handledCount": 1, "failedCount": 0} == w.result["data"]
        assert s.show(a)["status"] == "succeeded" and s.show(b)["status"] == s.show(c)["status"] == "queued"
        # the grace is over; whoever ends by SIGTERM with a result counts
        stuck = s.script('trap "" TERM\nsleep 1000 & echo $! > "$OUT/child"\necho $$ > "$OUT/stuck"; wait; wait\n')
        polite = s.script('trap \'breyta jobs worker finish --summary "as far as it went" >/dev/null; exit 0\' TERM\necho > "$OUT/polite"; sleep 1000 & wait\n')
        d, e = s.job("stuck"), s.job("polite")
        w, v = Worker(s, "stuck", stuck, "--grace", "100ms"), Worker(s, "polite", polite, "--grace", "100ms")
        pid, child = int(s.written("stuck")), int(s.written("child"))
        s.written("polite")
        w.kill(signal.SIGTERM)
        v.kill(signal.SIGINT)
        w.end(), v.end()
        assert error_of(s.show(d), "code") == "worker_stopped" and s.show(d)["status"] == "failed"
        assert s.show(e)["status"] == "succeeded" and result_of(s.show(e), "summary") == "as far as it went"
        assert not alive(pid) and not alive(child)
        # the second signal
        f = s.job("stuck", maxAttempts=1)
        for name in ("stuck", "child"):
            os.unlink(os.path.join(s.tmp, name))
        w = Worker(s, "stuck", stuck, "--grace", "1h")
        pid, child = int(s.written("stuck")), int(s.written("child"))
        w.kill(signal.SIGTERM)
        s.until(lambda: w.said("stopping"), "it stops")
        w.kill(signal.SIGTERM)
        begun = time.monotonic()
        w.end(1)
        assert time.monotonic() - begun < 2 and w.result["error"]["code"] == "interrupted" and "1 jobs" in w.result["error"]["message"]
        assert not alive(pid) and not alive(child) and s.show(f)["status"] not in ("failed", "succeeded")


# --- leases --------------------------------------------------------------------------------------------------------------------------------------------------
GRANDCHILD = 'bash -c \'trap "" TERM; echo $$ > "$OUT/grandchild"; while :; do read -rt 0.5 <> <(:) || :; done\' &\necho $$ > "$OUT/child"\nwait; wait\n'


def test_worker_is_killed(s):
    """kill -9: what its handler had started ends at once, and another worker has the job when the lease is over."""
    with workers(s):
        j = s.job("killed")
        w = Worker(s, "killed", s.script(GRANDCHILD), "--lease-duration", LEASE)
        pids = [int(s.written("child")), int(s.written("grandchild"))]
        w.kill()
        s.until(lambda: not any(map(alive, pids)), "its handlers are gone", 2)
        assert Worker(s, "killed", s.script('breyta jobs worker finish --output "attempt=$BREYTA_JOB_ATTEMPT" >/dev/null\n'), "--max-jobs", "1").end()["handledCount"] == 1
        assert s.show(j)["status"] == "succeeded" and result_of(s.show(j), "outputs") == {"attempt": 2}


def test_cancelled(s):
    with workers(s):
        j = s.job("cancelled")
        w = Worker(s, "cancelled", s.script(GRANDCHILD), "--lease-duration", LEASE, "--max-jobs", "1")
        pids = [int(s.written("child")), int(s.written("grandchild"))]
        s.until(lambda: s.show(j)["status"] == "started", "the server knows that the handler runs")
        s.ok("jobs.cancel", {"jobId": j})
        w.end()
        assert s.show(j)["status"] == "cancelled" and not any(map(alive, pids)) and w.said("job-cancelled")


def test_lease_is_lost_and_a_late_finish(s):
    """A worker that stands still for longer than its lease: the job is somebody else's, its own report counts for nothing, and its handler ends."""
    with workers(s):
        j = s.job("late")
        slow = s.script(GRANDCHILD)
        w = Worker(s, "late", slow, "--lease-duration", LEASE, "--worker-id", "slow", "--max-jobs", "1")
        pids = [int(s.written("child")), int(s.written("grandchild"))]
        token = json.loads(next(pathlib.Path(s.tmp).glob("breyta-job-*/worker-context.json")).read_text())["leaseToken"]
        w.kill(signal.SIGSTOP)
        v = Worker(s, "late", s.script("breyta jobs worker finish --summary second >/dev/null\n"), "--max-jobs", "1", "--worker-id", "quick")
        assert v.end()["handledCount"] == 1
        late = s.command("jobs.complete", {"jobId": j, "leaseToken": token, "status": "succeeded", "summary": "first"})
        assert late.status == 409, late
        w.kill(signal.SIGCONT)
        assert w.end()["lostCount"] == 1 and w.said("lease-lost")
        assert not any(map(alive, pids))
        assert s.show(j)["workerId"] == "quick" and result_of(s.show(j), "summary") == "second"


def test_network_is_lost(s):
    """For shorter than a lease: nothing happens to the job, and its report arrives once. For longer: its handler ends."""
    with workers(s):
        net = Net(s.port)
        j = s.job("net")
        quick = s.script('echo > "$OUT/begun"; until [ -e "$OUT/go" ]; do read -rt 0.02 <> <(:) || :; done; echo x >> "$OUT/times"\n')
        w = Worker(s, "net", quick, "--lease-duration", "10s", port=net.port)
        s.written("begun")
        net.cut()
        pathlib.Path(s.tmp, "go").touch()
        s.until(lambda: w.said("report-delayed"), "the report cannot be made")
        net.back()
        assert s.over_job(j)["status"] == "succeeded" and s.written("times") == "x\n"
        s.until(lambda: w.said("job-ended"), "the worker knows it")
        net.cut()
        s.until(lambda: w.said("claim-delayed"), "it cannot claim either")
        net.back()
        k = s.job("net")
        assert s.over_job(k)["status"] == "succeeded"
        w.kill(signal.SIGTERM)
        w.end()
        m = s.job("gone")
        w = Worker(s, "gone", s.script(GRANDCHILD), "--lease-duration", LEASE, "--max-jobs", "1", port=net.port)
        pids = [int(s.written("child")), int(s.written("grandchild"))]
        net.cut()
        assert w.end()["lostCount"] == 1
        assert not any(map(alive, pids)) and s.show(m)["status"] in ("queued", "leased", "started", "running")


def test_server_is_killed_while_a_handler_runs(s):
    with workers(s):
        j = s.job("restart")
        w = Worker(s, "restart", s.script('echo $$ > "$OUT/pid"; echo > "$OUT/begun"; until [ -e "$OUT/go" ]; do read -rt 0.02 <> <(:) || :; done\n'
                                           'breyta jobs worker progress --message "while it was away" >/dev/null\nbreyta jobs worker finish --summary through >/dev/null\n'))
        s.written("begun")
        s.kill()
        pathlib.Path(s.tmp, "go").touch()
        k = s.written("pid") and int(s.written("pid"))
        wait_for(lambda: children(k), "the handler asks a server that is not there")
        s.start()
        assert s.over_job(j)["status"] == "succeeded" and result_of(s.show(j), "summary") == "through"
        assert s.show(j)["progress"]["message"] == "while it was away"
        # its report is what cannot be made
        k = s.job("again")
        w2 = Worker(s, "again", s.script('echo > "$OUT/begun2"; until [ -e "$OUT/go2" ]; do read -rt 0.02 <> <(:) || :; done\n'))
        s.written("begun2")
        s.kill()
        pathlib.Path(s.tmp, "go2").touch()
        wait_for(lambda: w2.said("report-delayed"), "the report cannot be made")
        s.start()
        assert s.over_job(k)["status"] == "succeeded"
        w2.kill(signal.SIGTERM)
        assert w2.end()["handledCount"] == 1
        w.kill(signal.SIGTERM)
        assert w.end()["handledCount"] == 1


# --- the seed ------------------------------------------------------------------------------------------------------------------------------------------------
def seed_flow(s, name, slug):
    text = (SEEDS / name).read_text()
    body = "{:slug :%s :name \"Seed\" :concurrency {:type :singleton :on-new-version :coexist} " \
           ":requires [{:kind :worker :job-type \"agent-review\" :label \"Agent review\"}] " \
           ":invocations {:default {:label \"Run\" :inputs [{:name :surface :type :text} {:name :mode :type :text} {:name :timeoutSeconds :type :number}]}} " \
           ":interfaces {:manual [{:id :run :invocation :default :enabled true}]} :flow %s}" % (slug, text)
    s.ok("flows.put_draft", {"flowLiteral": body})
    s.ok("flows.release", {"flowSlug": slug})


def test_seed(s):
    """The handler and the flows of the seed, as they stand there."""
    with workers(s):
        for name in ("single", "outputs", "batch"):
            seed_flow(s, name + ".clj", "seed-" + name)

        def started(slug, args=None):
            return s.ok("flows.run", {"flowSlug": slug, "input": args or {}}).data["workflowId"]
        one, two, three = started("seed-single", {"surface": "the-engine", "timeoutSeconds": 30}), started("seed-outputs"), started("seed-batch")
        handler = str(SEEDS / "run-agent-review.sh")
        Worker(s, "agent-review", handler, "--max-jobs", "2", "--concurrency", "2").end()
        Worker(s, "codex-security-review", handler, "--max-jobs", "3", "--concurrency", "3").end()
        job = s.over(one)["result"]
        assert job["status"] == "succeeded" and job["outputs"]["surface"] == "the-engine" and job["outputs"]["finding-count"] == 1, job
        got = s.over(two)["result"]
        assert got["finding-count"] == 1 and got["report-uri"].startswith("res://") and got["findings-uri"] is None, got
        report = next(a for a in got["artifacts"] if a["label"] == "review-report")
        assert report["resource-uri"] == got["report-uri"] and report["kind"] == "report" and len(got["artifacts"]) == 2, got
        text = s.http("GET", "/api/resources/content?uri=" + got["report-uri"], headers={"X-Breyta-Workspace": s.workspace})
        assert "Surface: flows-api" in json.dumps(text.body), text
        got = s.over(three)["result"]
        assert got["status"] == "completed" and got["succeeded"] == 3 and got["failed"] == 0, got
        assert sorted(j["outputs"]["surface"] for j in got["jobs"]) == ["flows-api", "runtime", "worker"]


if __name__ == "__main__":
    chosen = sys.argv[1:]
    run_tests({n: f for n, f in globals().items() if n.startswith("test_") and (not chosen or n in chosen)})
