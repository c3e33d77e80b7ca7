#!/usr/bin/env python3
"""Requests that come at the same time: they share syncs, and each is answered as if it had come alone. See server.py."""
import json
from concurrent.futures import ThreadPoolExecutor

from server import flow, run_tests

WAITS = '(let [input (flow/input)] (flow/step :wait :w {:key (:key input)}))'
INPUT = "[{:name :key :type :text}]"


def together(n, f):
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(f, range(n)))


def test_one_operation_many_times_at_once(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("once", "1")})
    for i in range(10):
        runs = together(12, lambda _: s.ok("flows.run", {"flowSlug": "once"}, op=f"op-{i}").data["workflowId"])
        assert len(set(runs)) == 1, runs
    assert len(s.ok("runs.list", {"limit": 100}).data["items"]) == 10


def test_pushes_and_releases_of_one_flow_at_once(s):
    """Each builds upon what the one before has stored, though that is not durable yet."""
    texts = [flow("one", f"{{:n {i}}}") for i in range(24)]
    answers = together(24, lambda i: s.command("flows.put_draft", {"flowLiteral": texts[i]}))
    assert {a.status for a in answers} == {200}, [a for a in answers if a.status != 200][:2]
    assert s.ok("flows.get", {"flowSlug": "one", "includeFlowLiteral": True}).data["flowLiteral"] in texts
    both = lambda i: (s.ok("flows.put_draft", {"flowLiteral": flow(f"f{i}", f"{i}")}), s.ok("flows.release", {"flowSlug": "one"}), s.ok("flows.deploy", {"flowSlug": f"f{i}"}))
    assert sorted(r.data["version"] for _, r, _ in together(16, both)) == list(range(1, 17))
    s.kill()
    s.start()
    assert [v["version"] for v in s.ok("flows.versions.list", {"flowSlug": "one"}).data["items"]] == list(range(16, 0, -1))
    assert all(s.over(s.ok("flows.run", {"flowSlug": f"f{i}", "target": "live"}).data["workflowId"])["result"] == i for i in range(16))


def test_starts_have_ids_of_their_own(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("many", "(flow/step :function :f {:code '(fn [_] 7)})")})
    runs = together(40, lambda _: s.ok("flows.run", {"flowSlug": "many"}).data["workflowId"])
    assert len(set(runs)) == 40
    s.kill()
    s.start()
    assert {s.over(r)["result"] for r in runs} == {7}


def test_an_answer_to_a_wait_is_delivered_once(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("w", WAITS, INPUT)})
    for i in range(8):
        run = s.ok("flows.run", {"flowSlug": "w", "input": {"key": f"k{i}"}}).data["workflowId"]
        s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")
        answers = together(12, lambda n: (n, s.http("POST", f"/{s.workspace}/events/k{i}", json.dumps({"n": n}),
                                                    {"Content-Type": "application/json"}, key=False)))
        assert {a.status for _, a in answers} == {200}, answers
        told = [n for n, a in answers if a.data["outcome"] == "delivered"]
        assert len(told) == 1 and all(a.data["outcome"] in ("delivered", "duplicate") for _, a in answers), answers
        assert s.over(run)["result"] == {"n": told[0]}


def test_acknowledged_answers_survive_a_kill(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("w", WAITS, INPUT)})
    runs = together(30, lambda i: s.ok("flows.run", {"flowSlug": "w", "input": {"key": f"k{i}"}}).data["workflowId"])
    for run in runs:
        s.until(lambda: s.ok("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", "it waits")

    def post(i):
        try:
            return s.http("POST", f"/{s.workspace}/events/k{i}", json.dumps({"n": i}), {"Content-Type": "application/json"}, key=False).status
        except OSError:
            return None
    with ThreadPoolExecutor(8) as pool:
        posted = [pool.submit(post, i) for i in range(30)]
        posted[10].result()
        s.kill()
        acknowledged = [i for i, p in enumerate(posted) if p.result() == 200]
    s.start()
    assert len(acknowledged) >= 10 - 8
    for i in acknowledged:
        assert s.over(runs[i])["result"] == {"n": i}


if __name__ == "__main__":
    run_tests(dict(globals()))
