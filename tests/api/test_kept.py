#!/usr/bin/env python3
"""Answers about runs that are over are kept by the listener: they are the same, and gone when they may not be given any more. See server.py."""
import json
import re
import time
import urllib.request

from server import flow, run_tests


def finished(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("f", "(flow/step :function :s {:input {} :code (quote (fn [_] {:a 7}))})")})
    run = s.ok("flows.run", {"flowSlug": "f"}).data["workflowId"]
    s.over(run)
    return run


def asked(s):
    """How often the engine and the listener have answered runs.get."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{s.port}/metrics").read().decode()
    return int(re.search(r'breyta_requests_total\{route="runs.get",status="200"\} (\d+)', text).group(1))


def get(s, run, key=True, workspace=None, **more):
    body = json.dumps({"command": "runs.get", "args": {"workflowId": run, **more}})
    return s.http("POST", "/api/commands", body, {"X-Breyta-Workspace": workspace or s.workspace}, key)


def another_key(s, **more):
    sa = s.ok("service_accounts.create", {"name": "x", "capabilities": ["runs.read"]}).data["serviceAccount"]["serviceAccountId"]
    k = s.ok("service_accounts.keys.create", {"serviceAccountId": sa, **more}).data
    return sa, k["key"]["keyId"], k["key"]["apiKey"]


def test_the_same_and_counted(s):
    run = finished(s)
    first = get(s, run, includeSteps=True, includeResult=True)
    before = asked(s)
    for _ in range(20):
        assert get(s, run, includeSteps=True, includeResult=True).body == first.body
    assert first.data["run"]["result"] == {"a": 7} and len(first.data["run"]["steps"]) == 1, first
    s.until(lambda: asked(s) == before + 20, "each of them is counted")
    assert get(s, run).body != first.body  # another question
    assert get(s, run, key="bsa_sak-00_00").status == 401
    assert s.http("POST", "/api/commands", json.dumps({"command": "runs.get", "args": {"workflowId": run}}), key=False).status == 401


def test_a_run_that_goes_on_is_not_kept(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("w", '(do (flow/step :wait :w {:key "k"}) 5)')})
    run = s.ok("flows.run", {"flowSlug": "w"}).data["workflowId"]
    s.until(lambda: get(s, run).data["run"]["status"] == "waiting", "it waits")
    assert s.http("POST", f"/{s.workspace}/events/k", "{}", key=False).status == 200
    s.until(lambda: get(s, run).data["run"]["status"] == "completed", "it has ended")


def test_not_for_a_key_that_was_revoked(s):
    run = finished(s)
    sa, key_id, key = another_key(s)
    for _ in range(3):
        assert get(s, run, key).status == 200
    s.ok("service_accounts.keys.revoke", {"serviceAccountId": sa, "keyId": key_id})
    assert get(s, run, key).status == 401
    assert get(s, run).status == 200


def test_not_for_an_account_that_may_no_more(s):
    run = finished(s)
    sa, _, key = another_key(s)
    for _ in range(3):
        assert get(s, run, key).status == 200
    s.ok("service_accounts.update", {"serviceAccountId": sa, "capabilities": ["flows.read"]})
    assert get(s, run, key).status == 403


def test_not_for_a_key_whose_time_is_over(s):
    run = finished(s)
    end = time.time() + 2
    _, _, key = another_key(s, expiresAt=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(end) + 1)))
    assert get(s, run, key).status == 200
    s.until(lambda: get(s, run, key).status == 401, "the key has expired")
    assert time.time() >= int(end) + 1


def test_not_in_another_workspace(s):
    run = finished(s)
    assert get(s, run).status == 200
    s.http("POST", "/api/debug/workspace/bootstrap", json.dumps({"workspaceId": "other"}))
    for _ in range(3):
        assert get(s, run, workspace="other").status == 404
        assert get(s, run).status == 200


def test_many(s):
    """Each question its own answer, asked twice."""
    s.ok("flows.put_draft", {"flowLiteral": flow("f", "(:n (flow/input))", "[{:name :n :type :number}]")})
    runs = [s.ok("flows.run", {"flowSlug": "f", "input": {"n": i}}).data["workflowId"] for i in range(60)]
    for i, run in enumerate(runs):
        assert s.over(run)["result"] == i
    for _ in range(2):
        for i, run in enumerate(runs):
            assert get(s, run, includeResult=True).data["run"]["result"] == i


run_tests(globals())
