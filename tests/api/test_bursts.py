#!/usr/bin/env python3
"""Many callbacks at once: all are acknowledged first and handed to their runs then. None is lost, doubled or overtaken. See server.py."""
import json
import socket
import threading

from server import flow, run_tests

N = 160
TWO = '(do (flow/step :wait :a {:key (str "a" (:n (flow/input)))}) (flow/step :wait :b {:key (str "b" (:n (flow/input)))}))'
ONE = '(:v (flow/step :wait :a {:key (str "a" (:n (flow/input)))}))'


def waiting(s, body):
    s.ok("flows.put_draft", {"flowLiteral": flow("w", body, "[{:name :n :type :number}]")})
    runs = [s.ok("flows.run", {"flowSlug": "w", "input": {"n": i}}).data["workflowId"] for i in range(N)]
    s.until(lambda: all(status(s, r) == "waiting" for r in runs), "all wait")
    return runs


def status(s, run):
    return s.ok("runs.get", {"workflowId": run}).data["run"]["status"]


class Line:
    """Requests sent without waiting for answers, on one connection."""

    def __init__(self, s):
        self.c = socket.create_connection(("127.0.0.1", s.port), timeout=30)
        self.f = self.c.makefile("rb")

    def send(self, path, body, headers=""):
        text = json.dumps(body)
        self.c.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())

    def answer(self):
        status = int(self.f.readline().split()[1])
        n = 0
        while (line := self.f.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                n = int(line.split(b":")[1])
        return status, json.loads(self.f.read(n))

    def close(self):
        self.c.close()


def burst(s, lines=64):
    """Every callback twice, as fast as they are taken; the outcomes by number."""
    outcomes = {i: [] for i in range(N)}

    def one(k):
        line = Line(s)
        for i in [*range(k, N, lines), *range(k, N, lines)]:
            line.send(f"/{s.workspace}/events/a{i}", {"v": i})
            status, body = line.answer()
            assert status == 200, body
            outcomes[i].append(body["data"]["outcome"])
        line.close()
    threads = [threading.Thread(target=one, args=(k,)) for k in range(lines)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return outcomes


def test_each_once(s):
    runs = waiting(s, ONE)
    outcomes = burst(s)
    assert all(sorted(o) == ["delivered", "duplicate"] for o in outcomes.values()), outcomes
    for i, run in enumerate(runs):
        assert s.over(run)["result"] == i


def test_killed_behind_the_burst(s):
    runs = waiting(s, ONE)
    assert all("delivered" in o for o in burst(s).values())
    s.kill()
    s.start()
    for i, run in enumerate(runs):
        assert s.over(run)["result"] == i


def test_a_cancellation_does_not_overtake(s):
    runs = waiting(s, TWO)
    lines = [Line(s) for _ in range(N)]
    for i, line in enumerate(lines):
        line.send(f"/{s.workspace}/events/a{i}", {"v": i})
    for line in lines:
        assert line.answer()[0] == 200
    last = runs[-1]
    assert s.ok("runs.cancel", {"workflowId": last}).data["status"] == "cancelling"
    steps = s.over(last)["steps"]
    assert [x["stepId"] for x in steps if x["status"] == "completed"] == ["a"], steps
    assert steps[0]["resultPreview"] == {"v": N - 1}, steps
    for line in lines:
        line.close()


run_tests(globals())
