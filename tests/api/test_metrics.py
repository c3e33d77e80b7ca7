#!/usr/bin/env python3
"""GET /metrics, /healthz, /readyz and the log: figures move as work is done, lines say what happened and hold no secret. See server.py."""
import json
import re
import subprocess
import tempfile

from server import BIN, Server, flow, run_tests
from test_connections import SECRET, Upstream, post


def get(s, path, method="GET", headers=None):
    status, got, data = s.raw(method, path, headers=headers, key=False)
    return status, dict(got.items()), data.decode()


SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def parse(text):
    """Every line of the text format, version 0.0.4: {name: type}, {(name, labels): value}. Raises on anything that is not in the format."""
    types, values, helped, current = {}, {}, set(), None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            current = line.split(" ", 3)[2]
            assert current not in helped, f"twice: {line}"
            helped.add(current)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
            continue
        m = SAMPLE.fullmatch(line)
        assert m, f"not a sample: {line!r}"
        base = re.sub(r"_(bucket|sum|count)$", "", m[1]) if types.get(current) == "histogram" else m[1]
        assert base == current, f"{line!r} under {current}"
        labels, rest = [], m[2] or ""
        while rest:
            one = LABEL.match(rest)
            assert one, f"labels: {line!r}"
            labels.append((one[1], one[2]))
            rest = rest[one.end():]
        key = (m[1], tuple(labels))
        assert key not in values, f"twice: {line}"
        values[key] = float(m[3])
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(name, values)
        elif kind == "counter":
            assert name.endswith("_total"), name
    return types, values


def check_histogram(name, values):
    series = {k[1] for k in values if k[0] == name + "_count"}
    for labels in series:
        buckets = [(k[1][-1][1], v) for k, v in values.items() if k[0] == name + "_bucket" and k[1][:-1] == labels]
        bounds = [float(b) if b != "+Inf" else float("inf") for b, _ in buckets]
        counts = [v for _, v in buckets]
        assert bounds == sorted(bounds) and bounds[-1] == float("inf") and counts == sorted(counts), (name, labels, buckets)
        assert counts[-1] == values[(name + "_count", labels)] and (name + "_sum", labels) in values, (name, labels)


def metrics(s):
    status, headers, text = get(s, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
    return parse(text)[1]


def value(m, name, **labels):
    return m.get(("breyta_" + name, tuple(labels.items())), 0)


def lines(s, event=None):
    all = [json.loads(l) for l in s.said().splitlines()]
    return [l for l in all if event in (None, l["event"])]


def put(s, slug, body, **more):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, **more)})


def run(s, slug, **more):
    return s.over(s.ok("flows.run", {"flowSlug": slug, **more}).data["workflowId"])


def test_health_and_readiness_need_no_key(s):
    assert get(s, "/healthz")[0] == 200 and json.loads(get(s, "/healthz")[2]) == {"ok": True}
    assert get(s, "/readyz")[0] == 200 and json.loads(get(s, "/readyz")[2]) == {"ok": True}
    for path in ("/healthz", "/readyz", "/metrics"):
        status, _, body = get(s, path, "POST")
        assert status == 405 and json.loads(body)["error"]["code"] == "method_not_allowed", (path, body)
        status, _, body = get(s, path, "HEAD")
        assert status == 200 and not body, (path, status, body)
    for path in ("/healthz/", "/metrics/x", "/metric", "/readyzz"):
        assert get(s, path)[0] == 404, path


def test_runs_and_steps_are_counted(s):
    m = metrics(s)
    assert value(m, "runs_started_total") == 0 and value(m, "ready") == 1 and value(m, "runs_in_memory") == 0
    put(s, "canaryflow", "(do (flow/step :function :one {:code '(fn [_] 1)}) (flow/step :sleep :nap {:seconds 1}) 7)")
    put(s, "bad", "(flow/step :function :boom {:code '(fn [_] (throw (ex-info \"no\" {:type :my-class})))})")
    put(s, "again", """(flow/step :function :twice {:retry {:max-attempts 3 :backoff-ms 10} :code '(fn [_] (throw (ex-info "no" {:type :flaky})))})""")
    assert run(s, "canaryflow")["status"] == "completed" and run(s, "bad")["status"] == "failed" and run(s, "again")["status"] == "failed"
    m = s.until(lambda: (lambda m: m if value(m, "run_seconds_count", status="failed") == 2 else None)(metrics(s)), "both failures counted")
    assert value(m, "runs_started_total") == 3, m
    assert value(m, "runs_ended_total", status="completed", error="none") == 1
    assert sum(v for k, v in m.items() if k[0] == "breyta_runs_ended_total" and dict(k[1])["status"] == "failed") == 2
    assert value(m, "step_seconds_count", type="function", outcome="completed") == 1
    assert value(m, "step_seconds_count", type="function", outcome="failed") == 2
    assert sum(v for k, v in m.items() if k[0] == "breyta_step_retries_total" and dict(k[1])["type"] == "function") == 2
    assert sum(v for k, v in m.items() if k[0] == "breyta_step_failures_total" and dict(k[1])["type"] == "function") == 2
    assert value(m, "step_seconds_sum", type="sleep", outcome="completed") >= 1
    assert value(m, "timer_lag_seconds_count") >= 3
    assert value(m, "commit_operations_count") >= 3 and value(m, "commit_operations_sum") >= value(m, "commit_operations_count")
    assert value(m, "sync_seconds_count") == value(m, "commit_seconds_count") and value(m, "sync_seconds_sum") <= value(m, "commit_seconds_sum")
    text = get(s, "/metrics")[2]
    for secret in ("ws-local", "canaryflow", "flow-", s.key.split("_")[2]):
        assert secret not in text, secret


def test_runs_that_are_over_leave_memory(s):
    put(s, "short", "(:n (flow/input))")
    put(s, "bad", '(throw (ex-info "no" {:type :mine}))')
    ids = [s.ok("flows.run", {"flowSlug": slug, "input": {"n": n}}).data["workflowId"] for n in range(20) for slug in ("short", "bad")]
    for i in ids:
        s.over(i)
    s.until(lambda: value(metrics(s), "runs_in_memory") == 0, "nothing has something to do")
    assert s.over(ids[0])["result"] == 0 and s.over(ids[1])["error"]["code"] == "mine"


def test_every_start_and_every_end_is_counted(s):
    """Also of runs that queue, wait in the database alone, or are forks."""
    policy = lambda slug, p: flow(slug, '(flow/step :wait :w {:key (str "k-" (get-in (flow/input) [:flow/ctx :workflow-id]))})').replace(":coexist", p)
    for slug, p in (("d", ":drain"), ("u", ":supersede")):
        s.ok("flows.put_draft", {"flowLiteral": policy(slug, p)})

    def go(slug):
        return s.ok("flows.run", {"flowSlug": slug}).data["workflowId"]

    def waits(run):
        s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", f"{run} waits")
    first, second, third = (go("d") for _ in range(3))
    waits(first)
    assert value(metrics(s), "runs_started_total") == 3
    assert [(l["event"], l["runId"]) for l in lines(s) if l["event"].startswith("run-")] == [
        ("run-started", first), ("run-queued", second), ("run-queued", third)]
    s.ok("runs.cancel", {"workflowId": third})  # it queues
    s.ok("runs.cancel", {"workflowId": first, "force": True})  # it waits in the database
    s.over(first), s.over(third)
    waits(second)
    assert ("run-started", second) in [(l["event"], l["runId"]) for l in lines(s) if l["event"].startswith("run-")]
    old, new = go("u"), None
    waits(old)
    new = go("u")
    s.over(old)
    waits(new)
    fork = s.ok("runs.fork", {"workflowId": second, "number": 1}).data["workflowId"]
    m = metrics(s)
    assert value(m, "runs_started_total") == 6, m
    ended = {k[1]: v for k, v in m.items() if k[0] == "breyta_runs_ended_total"}
    assert ended == {(("status", "cancelled"), ("error", "cancelled")): 1, (("status", "terminated"), ("error", "terminated")): 2}, ended
    assert value(m, "run_seconds_count", status="terminated") == 2 and fork not in (second, new)
    told = [(l["runId"], l["status"]) for l in lines(s, "run-ended")]
    assert sorted(told) == sorted([(third, "cancelled"), (first, "terminated"), (old, "terminated")]), told


def test_releases_promotions_and_rollbacks(s):
    put(s, "f", "1")
    for change in ("release", "promote", "rollback", "activate"):
        assert value(metrics(s), "flow_changes_total", change=change) == 0
    s.ok("flows.release", {"flowSlug": "f"})
    s.ok("flows.promote", {"flowSlug": "f"})
    put(s, "f", "2")
    s.ok("flows.release", {"flowSlug": "f"})
    s.ok("flows.promote", {"flowSlug": "f", "version": 2})
    s.ok("flows.promote", {"flowSlug": "f", "version": 1})
    s.command("flows.promote", {"flowSlug": "f", "version": 9})
    m = metrics(s)
    assert value(m, "flow_changes_total", change="release") == 2
    assert value(m, "flow_changes_total", change="promote") == 2
    assert value(m, "flow_changes_total", change="rollback") == 1
    assert value(m, "flow_changes_total", change="draft") == 2


def test_waits_and_approvals(s):
    put(s, "w", "(flow/step :wait :w {:key \"k-1\" :timeout \"1h\"})")
    r = s.ok("flows.run", {"flowSlug": "w"}).data["workflowId"]
    s.until(lambda: s.ok("runs.get", {"workflowId": r}).data["run"]["status"] == "waiting", "it waits")
    assert s.http("POST", f"/{s.workspace}/events/k-1", '{"a":1}', key=False).status == 200
    assert s.over(r)["status"] == "completed"
    put(s, "late", "(flow/step :wait :w {:key \"k-2\" :timeout 1})")
    assert run(s, "late")["status"] == "failed"
    m = metrics(s)
    assert value(m, "wait_seconds_count", outcome="answered") == 1 and value(m, "wait_seconds_count", outcome="timed-out") == 1, m
    answered, = lines(s, "wait-answered")
    assert answered["stepId"] == "w" and answered["runId"] == r and answered["outcome"] == "answered" and answered["flow"] == "w", answered


def test_requests_by_route_and_status(s):
    s.ok("flows.list")
    s.ok("flows.list")
    s.command("flows.get", {"flowSlug": "none"})
    s.command("flows.list", key="bsa_sak-x_y")
    s.http("GET", "/api/nowhere")
    get(s, "/nowhere")
    s.http("POST", f"/{s.workspace}/events/none", "{", key=False)
    m = metrics(s)
    assert value(m, "requests_total", route="flows.list", status="200") == 2
    assert value(m, "requests_total", route="flows.get", status="404") == 1
    assert value(m, "request_seconds_count", route="flows.list") == 2
    assert value(m, "requests_total", route="unknown", status="404") == 1
    assert value(m, "requests_total", route="api", status="404") == 1
    assert sum(v for k, v in m.items() if k[0] == "breyta_requests_total" and dict(k[1])["status"] == "401") == 1
    assert sum(v for k, v in m.items() if k[0] == "breyta_requests_total" and dict(k[1])["route"] == "events") == 1


def test_bytes_written_and_served(s):
    body = b"x" * 5000
    init = s.http("POST", "/api/files/uploads/init", json.dumps({"filename": "a.txt", "content-type": "text/plain"})).body
    uri = init.get("uri") or init["resource"]["uri"]
    assert s.http("PUT", f"/api/files/uploads/direct?uri={uri}", body).status == 200
    m = metrics(s)
    assert value(m, "resource_written_bytes_total") == 5000 and value(m, "resource_served_bytes_total") == 0
    done = s.http("POST", "/api/files/uploads/complete", json.dumps({"uri": uri})).body
    assert done, done
    url = s.http("GET", f"/api/resources/url?uri={uri}").body["url"]
    status, _, got = get(s, url.split(str(s.port), 1)[1], headers={"Range": "bytes=0-999"})
    assert status == 206 and got.encode() == body[:1000], (status, got[:100])
    assert value(metrics(s), "resource_served_bytes_total") == 1000


def test_cardinality_is_bounded(s):
    put(s, "odd", """(flow/step :function :x {:code '(fn [in] (throw (ex-info "no" {:type (keyword (str "t" (:n in)))}))) :input {:n (:n (flow/input))}})""",
        inputs="[{:name :n :type :number}]")
    ids = [s.ok("flows.run", {"flowSlug": "odd", "input": {"n": n}}).data["workflowId"] for n in range(230)]
    for i in ids:
        s.over(i)
    m = metrics(s)
    series = [k for k in m if k[0] == "breyta_step_failures_total"]
    assert 1 <= len(series) <= 201, len(series)
    assert sum(m[k] for k in series) == 230


def test_labels_are_utf_8(s):
    """A scraper refuses all of the text when a label ends in half a character."""
    for n in range(60, 64):
        put(s, f"long{n}", "(throw (ex-info \"no\" {:type :%sé€🙂é}))" % ("x" * n))
        run(s, f"long{n}")
    text = get(s, "/metrics")[2]
    assert sorted(len(e) for (_, e) in re.findall(r'runs_ended_total\{status="(\w+)",error="(x+[^"x]*)"', text)) == [61, 62, 62, 63], text


def test_the_log_says_what_happened(s):
    put(s, "chatty", """(do (println "hello \\"you\\"") (flow/step :function :boom {:retry {:max-attempts 2 :backoff-ms 1} :code '(fn [_] (throw (ex-info "it broke\\nbadly" {:type :odd})))}))""")
    r = s.ok("flows.run", {"flowSlug": "chatty"}).data["workflowId"]
    s.over(r)
    s.command("flows.list", key="bsa_sak-canary_canarycanary")
    s.until(lambda: lines(s, "auth-refused"), "the refusal is told")
    assert lines(s)[0]["event"] == "ready" and lines(s)[0]["url"].endswith(str(s.port))
    for l in lines(s):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", l["time"]) and l["level"] in ("info", "warn", "error"), l
    mine = [l for l in lines(s) if l.get("runId") == r]
    assert [l["event"] for l in mine] == ["run-started", "output", "step-retry", "step-failed", "run-ended"], mine
    assert all(l["workspace"] == "ws-local" and l["flow"] == "chatty" for l in mine)
    started, output, retry, failed, ended = mine
    assert output["text"] == 'hello "you"', output
    assert retry["stepId"] == failed["stepId"] == "boom" and retry["attempt"] == 1 and failed["attempt"] == 2, mine
    assert failed["message"] == "it broke\nbadly" and failed["stepType"] == "function", failed
    assert ended["status"] == "failed" and ended["level"] == "error" and ended["stepId"] == "boom", ended
    refused, = lines(s, "auth-refused")
    assert refused["status"] == 401 and refused["code"] == "auth_invalid" and refused["peer"] == "127.0.0.1", refused
    assert "canary" not in s.said()


def test_no_secret_in_the_log(s):
    """A service echoes the key back; the flow prints it, and fails with it in the message."""
    with Upstream() as up:
        assert post(s, "/api/secrets", {"secret-id": "canary", "value": SECRET}).status == 200
        put(s, "leak", f"""(let [r (flow/step :http :call {{:url "{up.url}/echo-auth" :method :get :auth {{:type :bearer :secret-ref :canary}}}})]
                             (println r)
                             (flow/step :function :boom {{:input r :code '(fn [r] (throw (ex-info (str r) {{:type :echo}})))}}))""")
        run(s, "leak")
        assert up.seen[0][2]["Authorization"] == f"Bearer {SECRET}", "it was used"
    s.until(lambda: lines(s, "run-ended"), "the end is told")
    assert "#secret[canary]" in lines(s, "step-failed")[0]["message"] and "#secret[canary]" in lines(s, "output")[0]["text"]
    assert SECRET not in s.said() and s.key.split("_", 2)[2] not in s.said() and SECRET not in get(s, "/metrics")[2]


def test_log_text_and_off(s):
    s.stop()
    for mode, expected in (("text", "run-ended"), ("off", None)):
        with Server("--log", mode) as other:
            put(other, "f", "1")
            run(other, "f")
            if expected:
                other.until(lambda: expected in other.said(), "the line is there")
                assert re.search(r"^\S+Z info  run-ended workspace=ws-local flow=f runId=\S+ status=completed", other.said(), re.M), other.said()
            other.stop()
            if not expected:
                assert other.said() == "", other.said()
    with tempfile.TemporaryDirectory() as d:
        r = subprocess.run([BIN, "serve", "--log", "xml", "--data", d], capture_output=True, text=True, timeout=30)
        assert r.returncode == 2 and "--log" in r.stderr and "json" in r.stderr, r


if __name__ == "__main__":
    run_tests(dict(globals()))
