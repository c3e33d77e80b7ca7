#!/usr/bin/env python3
"""What operators do: backup beside a running server, doctor, configuration, a proxy in front. See server.py."""
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

from server import BIN, flow, run_tests

BIG = """(flow/step :function :rows {:code (quote (fn [{:keys [n]}] (apply str (repeat 1500000 (str n))))) :input {:n (:n (flow/input))}
                                      :persist {:type :blob :filename "rows.txt"}})"""
KEEPS = f'(let [rows {BIG} a (flow/step :wait :w {{:key (str "k" (:n (flow/input))) :timeout "2d"}})] {{:size (:size-bytes rows) :a a}})'
INPUT = "[{:name :n :type :number}]"


def breyta(*args, rc=0):
    r = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60)
    assert r.returncode == rc, (args, r)
    return r


def data(s):
    return s.dir.name + "/data"


def waiting(s, n):
    run = s.ok("flows.run", {"flowSlug": "keeps", "input": {"n": n}}).data["workflowId"]
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
    return run


def doctor(s, *args, rc=0, folder=None):
    r = json.loads(breyta("doctor", "--data", folder or data(s), "--listen", f"127.0.0.1:{s.port}", "--format", "json", *args, rc=rc).stdout)
    assert r["ok"] is (rc == 0), r
    return {c["check"]: (c["status"], c["message"]) for c in r["checks"]}


def answer(s, n):
    a = s.http("POST", f"/{s.workspace}/events/k{n}", '"yes"', {"Content-Type": "application/json"}, key=False)
    assert a.status == 200, a


def test_a_backup_goes_on_with_the_runs(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("keeps", KEEPS, INPUT)})
    runs = [waiting(s, n) for n in range(3)]
    copy = s.dir.name + "/copy"
    r = json.loads(breyta("backup", "--data", data(s), "--to", copy, "--format", "json").stdout)
    assert r["unfinishedRuns"] == 3 and r["blobs"] == 3 and r["blobBytes"] == 4500000 and r["databaseBytes"] > 50000, r
    assert oct(os.stat(copy).st_mode & 0o777) == "0o700" and oct(os.stat(copy + "/breyta.db").st_mode & 0o777) == "0o600"
    assert "copy.partial" not in " ".join(os.listdir(s.dir.name))
    answer(s, 0)  # only the server's own
    s.over(runs[0])
    s.kill()
    shutil.rmtree(data(s))
    os.rename(copy, data(s))
    s.start()
    assert s.ok("runs.get", {"workflowId": runs[0]}).data["run"]["status"] == "waiting"
    for n in range(3):
        answer(s, n)
    assert [s.over(r)["result"] for r in runs] == [{"size": 1500000, "a": "yes"}] * 3
    found = doctor(s)
    assert found["blobs"] == ("fine", "3, all there and as they were written"), found


def test_backups_while_everything_changes(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("keeps", KEEPS, INPUT)})
    s.ok("flows.put_draft", {"flowLiteral": flow("quick", "(flow/step :function :f {:code (quote (fn [_] 7)) :input {}})")})
    done, over = [], threading.Event()

    def work():
        while not over.is_set():
            done.append(s.ok("flows.run", {"flowSlug": "quick"}).data["workflowId"])
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    acknowledged = []
    try:
        for i in range(3):
            waiting(s, i)
            acknowledged.append(list(done))
            breyta("backup", "--data", data(s), "--to", f"{s.dir.name}/copy{i}")
    finally:
        over.set()
        for t in threads:
            t.join()
    assert len(acknowledged[-1]) > 10
    for i in range(3):
        s.kill()
        shutil.rmtree(data(s))
        os.rename(f"{s.dir.name}/copy{i}", data(s))
        s.start()
        for run in acknowledged[i]:  # what was acknowledged before the backup began is in it, and goes on
            assert s.over(run)["result"] == 7
        answer(s, i)
        assert doctor(s)["integrity"][0] == "fine"


def test_a_backup_as_a_file(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("keeps", KEEPS, INPUT)})
    waiting(s, 1)
    to = s.dir.name + "/deep/er/all.db"
    out = breyta("backup", "--data", data(s), "--to", to).stdout
    assert "unfinishedRuns 1" in out and os.path.exists(to) and len(list(Path(to + "-blobs").glob("*/*"))) == 1, out
    r = subprocess.run([BIN + "-run", "runs", "--db", to], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and "waiting" in r.stdout, r


def test_a_folder_may_be_named_with_a_slash(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("keeps", KEEPS, INPUT)})
    waiting(s, 1)
    for n, to in enumerate(("/one/", "/deep/two///", "/three/./")):
        breyta("backup", "--data", data(s), "--to", s.dir.name + to)
        assert sorted(os.listdir(s.dir.name + to)) == ["breyta.db", "breyta.db-blobs"], to
    assert "already" in breyta("backup", "--data", data(s), "--to", s.dir.name + "/one/", rc=1).stderr


def test_runs_that_queue_are_unfinished(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("q", '(flow/step :wait :w {:key "k1"})').replace(":coexist", ":drain")})
    for _ in range(3):
        s.ok("flows.run", {"flowSlug": "q"})
    r = json.loads(breyta("backup", "--data", data(s), "--to", s.dir.name + "/copy", "--format", "json").stdout)
    assert r["unfinishedRuns"] == 3 and doctor(s, "--quick")["runs"] == ("fine", "3 unfinished"), r


def test_backup_says_what_is_wrong(s):
    assert "--to" in breyta("backup", "--data", data(s), rc=2).stderr
    assert "--format" in breyta("backup", "--data", data(s), "--to", "x", "--format", "xml", rc=2).stderr
    assert "--data" in breyta("backup", "--data", s.dir.name + "/none", "--to", s.dir.name + "/x", rc=1).stderr
    full = s.dir.name + "/full"
    os.mkdir(full)
    Path(full + "/mine").write_text("mine")
    assert "already" in breyta("backup", "--data", data(s), "--to", full, rc=1).stderr and os.listdir(full) == ["mine"]
    s.ok("flows.put_draft", {"flowLiteral": flow("keeps", KEEPS, INPUT)})
    waiting(s, 1)
    (blob,) = Path(data(s) + "/breyta.db-blobs").glob("*/*")
    kept = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(kept[:-1] + b"x")
    assert "damaged" in breyta("backup", "--data", data(s), "--to", s.dir.name + "/a", rc=1).stderr
    assert doctor(s, rc=1)["blobs"][0] == "error" and doctor(s, "--quick")["blobs"][0] == "fine"
    blob.unlink()
    assert "not there" in breyta("backup", "--data", data(s), "--to", s.dir.name + "/b", rc=1).stderr
    found = doctor(s, rc=1)["blobs"]
    assert found[0] == "error" and found[1].startswith("1 missing, 0 damaged of 1, such as res://"), found
    assert not [n for n in os.listdir(s.dir.name) if n.startswith(("a", "b"))], os.listdir(s.dir.name)


def test_doctor(s):
    found = doctor(s)
    assert {"data", "space", "fdatasync", "database", "integrity", "runs", "blobs", "clock", "files", "port"} == set(found), found
    assert "a server has it" in found["database"][1] and found["port"] == ("fine", f"127.0.0.1:{s.port} is taken, and a server has the database")
    assert found["runs"] == ("fine", "0 unfinished") and "ms" in found["fdatasync"][1]
    os.chmod(data(s), 0o755)
    assert doctor(s)["data"][0] == "warning"
    os.chmod(data(s), 0o700)
    assert s.stop() == 0
    found = doctor(s)
    assert "no server has it" in found["database"][1] and found["port"][0] == "fine" and "free" in found["port"][1], found
    assert doctor(s, rc=1, folder=s.dir.name + "/none")["data"][0] == "error"
    assert "error    data" in breyta("doctor", "--data", s.dir.name + "/none", rc=1).stdout
    db = data(s) + "/breyta.db"
    whole = Path(db).read_bytes()
    middle = len(whole) // 4096 // 2 * 4096
    Path(db).write_bytes(whole[:middle] + b"\xa5" * 8192 + whole[middle + 8192:])
    found = doctor(s, rc=1)
    assert "error" in (found["database"][0], found.get("integrity", ("",))[0]), found
    Path(db).write_bytes(b"no database at all" * 100)
    assert doctor(s, rc=1)["database"][0] == "error"


def test_doctor_looks_at_certificates_and_addresses(s):
    d = s.dir.name
    for days, name in ((400, "good"), (3, "soon")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{d}/{name}.key", "-out", f"{d}/{name}.pem", "-days", str(days),
                        "-subj", "/CN=localhost"], check=True, capture_output=True, timeout=60)
    assert doctor(s, "--tls-cert", f"{d}/good.pem", "--tls-key", f"{d}/good.key")["certificate"][0] == "fine"
    assert doctor(s, "--tls-cert", f"{d}/soon.pem")["certificate"][0] == "warning"
    assert doctor(s, "--tls-cert", f"{d}/good.pem", "--tls-key", f"{d}/soon.key", rc=1)["certificate"][0] == "error"
    assert doctor(s, "--tls-cert", f"{d}/good.key", rc=1)["certificate"][0] == "error"
    config = Path(d, "breyta.json")
    config.write_text(json.dumps({"data": data(s), "listen": f"127.0.0.1:{s.port}", "tls-cert": f"{d}/soon.pem", "drain": 5, "limit": ["result-bytes=2000000"]}))
    r = json.loads(breyta("doctor", "--config", str(config), "--format", "json").stdout)
    found = {c["check"]: c["status"] for c in r["checks"]}
    assert (found["database"], found["port"], found["certificate"]) == ("fine", "fine", "warning"), r  # what the server is told, doctor is told too
    assert doctor(s, "--config", str(config), "--tls-cert", f"{d}/good.pem")["certificate"][0] == "fine"  # the command line comes first
    breyta("backup", "--config", str(config), "--to", f"{d}/by-config")
    assert os.path.exists(f"{d}/by-config/breyta.db")
    assert "no-such" in breyta("doctor", "--config", d + "/no-such", rc=2).stderr
    assert doctor(s, "--public-url", f"http://127.0.0.1:{s.port}")["public-url"][0] == "fine"
    assert doctor(s, "--public-url", "http://127.0.0.1:1")["public-url"][0] == "warning"
    assert doctor(s, "--public-url", "example", rc=1)["public-url"][0] == "error"


def restarted(s, *options):
    assert s.stop() == 0
    s.options = options
    s.start()


def test_a_configuration_file(s):
    d = s.dir.name
    Path(d + "/c.json").write_text(json.dumps({"listen": "127.0.0.1:1", "drain": 3, "workers": 2, "limit": ["result-bytes=1000", "db-rows=7"], "public-url": "https://flows.example"}))
    restarted(s, "--config", d + "/c.json", "--public-url", f"http://127.0.0.1:{s.port}")  # the command line comes first
    s.ok("flows.put_draft", {"flowLiteral": flow("big", '(flow/step :function :f {:code (quote (fn [_] (apply str (repeat 2000 "x")))) :input {}})')})
    r = s.over(s.ok("flows.run", {"flowSlug": "big"}).data["workflowId"])
    assert r["status"] == "failed" and "over 1000 bytes" in json.dumps(r), r
    Path(d + "/c.edn").write_text('{:limit "result-bytes=5000" :profile :hosted}')
    bad = breyta("serve", "--data", d + "/x", "--config", d + "/c.edn", rc=2).stderr
    assert "profile: a text" in bad, bad
    Path(d + "/c.edn").write_text('{:limit "result-bytes=5000" :profile "hosted"}')
    restarted(s, "--config", d + "/c.edn")
    assert s.over(s.ok("flows.run", {"flowSlug": "big"}).data["workflowId"])["status"] == "completed"
    for text, word in (('{"nope": 1}', "nope"), ('{"config": "x"}', "config"), ('{"listen": [1]}', "listen"), ('{"to": "x"}', "to"), ("[]", "map"), ("{", "JSON"),
                       ('{"drain": "soon"}', "--drain"), ('{"limit": ["x"]}', "--limit"), ('{"workers": true}', "workers")):
        Path(d + "/bad.json").write_text(text)
        r = breyta("serve", "--data", d + "/x", "--config", d + "/bad.json", rc=2)
        assert word in r.stderr and not r.stdout and not os.path.exists(d + "/x"), (text, r)
    assert "none.json" in breyta("serve", "--config", d + "/none.json", rc=2).stderr


def test_the_hosted_profile(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("loops", '(loop [i 0] (if (< i 4) (do (flow/step :function :f {:code (quote (fn [_] 1)) :input {}}) (recur (inc i))) i))')})
    restarted(s, "--profile", "hosted", "--limit", "steps-per-run=3", "--limit", "db-rows=10")
    r = s.over(s.ok("flows.run", {"flowSlug": "loops"}).data["workflowId"])
    assert r["status"] == "failed" and "steps-per-run" in json.dumps(r), r
    restarted(s)
    assert s.over(s.ok("flows.run", {"flowSlug": "loops"}).data["workflowId"])["result"] == 4


HOOK = """(flow/step :wait :w {:key "hook" :timeout "2h" :webhook {:auth {:type :ip-allowlist :allow ["203.0.113.7"]}}})"""


def test_a_proxy_in_front(s):
    def servers(**headers):
        return s.http("GET", "/api/openapi.json", headers=headers, key=False).body.get("servers")
    asked = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "flows.example"}
    assert servers(**asked) is None  # nobody is believed unless it is said
    restarted(s, "--trust-proxy", "loopback", "--trust-proxy", "10.0.0.0/8")
    assert servers() is None
    assert servers(**asked) == [{"url": "https://flows.example"}]
    assert servers(**{"X-Forwarded-Proto": "https", "Host": "a.example:8443"}) == [{"url": "https://a.example:8443"}]
    for bad in ({"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "x"}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "x/y<z"}):
        assert servers(**bad) is None, bad
    restarted(s, "--trust-proxy", "192.0.2.1,2001:db8::/32")
    assert servers(**asked) is None


def test_the_sender_behind_a_proxy(s):
    def sends(forwarded):
        return s.http("POST", f"/{s.workspace}/events/hook", "{}", {"Content-Type": "application/json", "X-Forwarded-For": forwarded}, key=False).status
    s.ok("flows.put_draft", {"flowLiteral": flow("hook", HOOK)})
    run = s.ok("flows.run", {"flowSlug": "hook"}).data["workflowId"]
    s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
    assert sends("203.0.113.7, 10.1.2.3") in (401, 403)  # the flow itself believes a proxy on this machine, and no other
    restarted(s, "--trust-proxy", "loopback,10.0.0.0/8")
    for made_up in ("203.0.113.7, 198.51.100.1", "203.0.113.7, 198.51.100.1, 10.1.2.3", "203.0.113.7, x", "10.1.2.3", ""):
        assert sends(made_up) in (401, 403), made_up
    assert sends("1.2.3.4, 203.0.113.7 , 10.1.2.3") == 200
    s.over(run)


if __name__ == "__main__":
    run_tests(dict(globals()))
