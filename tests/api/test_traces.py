#!/usr/bin/env python3
"""Spans by OTLP/HTTP to a collector: one for a run, one for each attempt, in the trace of whoever asked; also over a kill -9. See server.py."""
import contextlib
import http.server
import json
import os
import subprocess
import threading

from server import BIN, Server, flow, run_tests

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Collector:
    """Takes spans; status 503 for the first `refuse` requests. Also a service: GET / answers with the traceparent it got."""

    def __init__(self, refuse=0):
        self.spans, self.requests, self.refuse, self.asked = [], [], refuse, []

    def __enter__(self):
        me = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                me.requests.append((self.path, dict(self.headers), body))
                if me.refuse:
                    me.refuse -= 1
                    self.answer(503, b"{}")
                    return
                for r in body["resourceSpans"]:
                    for scope in r["scopeSpans"]:
                        me.spans += scope["spans"]
                self.answer(200, b"{}")

            def do_GET(self):
                me.asked.append(self.headers.get("traceparent"))
                self.answer(500 if self.path == "/fail" else 200, b"{}")

            def log_message(self, *_):
                pass
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.handle_error = lambda *_: None  # a server that is killed cuts its connections
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()

    def named(self, *names):
        return [s for s in self.spans if s["name"] in names]


@contextlib.contextmanager
def traced(c, **env):
    """A server that sends its spans to the collector."""
    was = dict(os.environ)
    os.environ.update({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url + "/", **env})
    try:
        with Server() as s:
            yield s
    finally:
        os.environ.clear()
        os.environ.update(was)


def put(s, slug, body, **more):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, **more)})


def start(s, slug, headers=None):
    a = s.http("POST", "/api/commands", json.dumps({"command": "flows.run", "args": {"flowSlug": slug}}), headers or {})
    assert a.status == 200, a
    return a.data["workflowId"]


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def test_a_run_and_its_attempts(_):
    with Collector() as c, traced(c, OTEL_SERVICE_NAME='my "service"', OTEL_EXPORTER_OTLP_HEADERS="x-token=abc,other=1") as s:
        put(s, "f", f'(do (flow/step :http :call {{:url "{c.url}/"}}) (try (flow/step :http :bad {{:url "{c.url}/fail" :retry {{:max-attempts 2 :backoff-ms 1}}}}) (catch Exception e 1)))')
        run = start(s, "f")
        assert s.over(run)["status"] == "completed"
        s.until(lambda: len(c.spans) >= 4, "four spans")
        root, = c.named("f")
        call, = c.named("call")
        first, second = c.named("bad")
        path, headers, body = c.requests[0]
        assert path == "/v1/traces" and headers["x-token"] == "abc" and headers["other"] == "1" and headers["Content-Type"] == "application/json", (path, headers)
        assert body["resourceSpans"][0]["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": 'my "service"'}}]
        assert len({x["traceId"] for x in c.spans}) == 1 and len(root["traceId"]) == 32 and len({x["spanId"] for x in c.spans}) == 4
        assert "parentSpanId" not in root and all(x["parentSpanId"] == root["spanId"] for x in (call, first, second))
        assert c.asked == [f"00-{x['traceId']}-{x['spanId']}-01" for x in (call, first, second)], (c.asked, c.spans)
        assert attributes(root)["breyta.runId"] == run and attributes(call)["breyta.stepType"] == "http" and attributes(second)["breyta.attempt"] == "2"
        assert root["status"]["code"] == 1 and call["kind"] == 3 and root["kind"] == 1
        assert first["status"]["code"] == 2 and second["status"]["code"] == 2 and second["status"]["message"], second
        for x in c.spans:
            assert 0 < int(x["startTimeUnixNano"]) <= int(x["endTimeUnixNano"])


def test_headers_are_percent_encoded(_):
    """As the OpenTelemetry specification has them, and as hosted collectors print them for copying."""
    with Collector() as c, traced(c, OTEL_EXPORTER_OTLP_HEADERS="Authorization=Basic%20dTpw, x-scope = a%3Db%2c ,=none,alone,x-odd=50%,x-line=a%0d%0ab:c") as s:
        put(s, "f", "1")
        s.over(start(s, "f"))
        s.until(lambda: c.spans, "a span")
        _, headers, _ = c.requests[0]
        assert (headers["Authorization"], headers["x-scope"], headers["x-odd"], headers["x-line"]) == ("Basic dTpw", "a=b,", "50%", "a  b:c"), headers
    with Collector() as c, traced(c, OTEL_EXPORTER_OTLP_HEADERS="x-a=1", OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-a=2") as s:
        put(s, "f", "1")
        s.over(start(s, "f"))
        s.until(lambda: c.spans, "a span")
        assert c.requests[0][1]["x-a"] == "2", c.requests[0]


def test_the_callers_trace_goes_on(_):
    with Collector() as c, traced(c) as s:
        put(s, "f", "(flow/step :function :one {:code '(fn [_] 1)})")
        s.over(start(s, "f", {"traceparent": PARENT}))
        for bad in ("x", PARENT.replace("00-4b", "01-4b"), PARENT.upper(), "00-" + "0" * 32 + "-00f067aa0ba902b7-01", PARENT + "-x"):
            s.over(start(s, "f", {"traceparent": bad}))
        s.until(lambda: len(c.named("f")) == 6, "six runs")
        mine = [x for x in c.spans if x["traceId"] == PARENT[3:35]]
        assert sorted(x["name"] for x in mine) == ["f", "one"], mine
        assert [x for x in mine if x["name"] == "f"][0]["parentSpanId"] == PARENT[36:52]
        assert len({x["traceId"] for x in c.named("f")}) == 6


def test_a_child_is_below_the_step_that_calls_it(_):
    with Collector() as c, traced(c) as s:
        put(s, "kid", "7")
        put(s, "top", "(flow/call-flow :kid {})")
        s.over(start(s, "top", {"traceparent": PARENT}))
        s.until(lambda: len(c.spans) >= 3, "both runs and the step")
        step, = [x for x in c.spans if "breyta.stepId" in attributes(x)]
        kid, = [x for x in c.named("kid") if x is not step]
        top, = c.named("top")
        assert {x["traceId"] for x in c.spans} == {PARENT[3:35]} and len(c.spans) == 3, c.spans
        assert kid["parentSpanId"] == step["spanId"] and step["parentSpanId"] == top["spanId"] and top["parentSpanId"] == PARENT[36:52], c.spans


def test_the_trace_goes_on_after_a_kill(_):
    with Collector() as c, traced(c) as s:
        put(s, "f", f'(do (flow/step :http :before {{:url "{c.url}/"}}) (flow/step :wait :w {{:key "k"}}) (flow/step :http :after {{:url "{c.url}/"}}))')
        run = start(s, "f", {"traceparent": PARENT})
        s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
        s.kill()
        s.start()
        assert s.http("POST", f"/{s.workspace}/events/k", "{}", key=False).status == 200
        s.over(run)
        s.until(lambda: c.named("f") and c.named("after"), "its spans")
        assert {x["traceId"] for x in c.spans} == {PARENT[3:35]}
        assert c.named("after")[0]["parentSpanId"] == c.named("f")[0]["spanId"] and c.named("f")[0]["parentSpanId"] == PARENT[36:52]


def test_a_collector_that_is_busy_or_gone(_):
    with Collector(refuse=1) as c, traced(c) as s:
        put(s, "f", "1")
        s.over(start(s, "f"))
        s.until(lambda: c.named("f"), "sent again")
        assert len(c.requests) == 2 and c.requests[0][2] == c.requests[1][2]
        c.httpd.shutdown()
        c.httpd.server_close()
        for _ in range(20):
            s.over(start(s, "f"))
        assert s.stop() == 0


def test_spans_are_sent_at_the_stop(_):
    with Collector() as c, traced(c) as s:
        put(s, "f", "1")
        s.over(start(s, "f"))
        assert s.stop() == 0
        assert len(c.named("f")) == 1


def test_without_a_collector_nothing_is_sent_along(s):
    with Collector() as c:
        put(s, "f", f'(flow/step :http :call {{:url "{c.url}/"}})')
        s.over(start(s, "f", {"traceparent": PARENT}))
        assert c.asked == [None] and c.requests == []
        assert "traceparent" not in json.dumps(s.ok("runs.list").body)


def test_an_address_that_is_none(_):
    r = subprocess.run([BIN, "serve", "--data", "/nonexistent/x"], capture_output=True, text=True, timeout=30, env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
    assert r.returncode == 2 and "OTEL_EXPORTER_OTLP_ENDPOINT" in r.stderr and "collector:4318" in r.stderr, r


if __name__ == "__main__":
    run_tests(dict(globals()))
