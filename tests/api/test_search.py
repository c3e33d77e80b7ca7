#!/usr/bin/env python3
"""What a push changes is found by :search, before any run of the flow. See server.py."""
from concurrent.futures import ThreadPoolExecutor

from server import flow, run_tests


def found(s, word):
    s.ok("flows.put_draft", {"flowLiteral": flow("finder", '(mapv :flow-slug (:items (flow/step :search :s {:query "%s" :targets [:flows]})))' % word, "[]")})
    return s.over(s.ok("flows.run", {"flowSlug": "finder"}).data["workflowId"])["result"]


def test_pushed_flows_are_found(s):
    step = "(flow/step :function :one {:title \"%s\" :code '(fn [x] x) :input 1})"
    s.ok("flows.put_draft", {"flowLiteral": flow("shop", step % "aardvark", "[]")})
    assert "shop" in found(s, "aardvark") and "shop" not in found(s, "zebra")
    s.ok("flows.put_draft", {"flowLiteral": flow("shop", step % "zebra", "[]")})
    assert "shop" not in found(s, "aardvark") and "shop" in found(s, "zebra")


def test_looking_through_all_flows_is_done_on_another_thread(s):
    """Many flows, and many who look through them: the answers are right, and flows that are pushed meanwhile do not wait for them."""
    step = '(flow/step :http :get-%d {:url "https://example.com/%d"})'
    for i in range(120):
        s.ok("flows.put_draft", {"flowLiteral": flow(f"f{i}", step % (i, i))})
    assert "api-reads" not in s.threads()
    looks = ({"definitionSearch": True, "query": "example.com/77"}, {"query": "f77"}, {"stepType": "http", "flowSlug": "f77"})
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(s.ok, "flows.workspace.search", looks[i % 3]) for i in range(60)]
        found = [pool.submit(s.ok, "flows.workspace.examples.step", {"stepType": "http", "query": "/77"}) for _ in range(20)]
        for i in range(20):
            s.ok("flows.put_draft", {"flowLiteral": flow(f"g{i}", "1")})
        for a in asked:
            assert [h["flow_slug"] for h in a.result().data["result"]["hits"]] == ["f77"], a.result()
        for a in found:
            assert [h["step_id"] for h in a.result().data["examples"]["items"]] == ["get-77"], a.result()
    assert "api-reads" in s.threads()
    assert s.command("flows.workspace.search", {"definitionSearch": True}).code == "bad_request"
    got = s.ok("flows.workspace.search", {"query": "f77", "flavour": 1})
    assert "flavour" in str(got.meta["warnings"]) and got.meta["hasMore"] is False, got.meta  # what the call was told before it went there
    assert s.ok("flows.workspace.search", {"query": "g19"}).data["result"]["count"] == 1  # pushed a moment ago


if __name__ == "__main__":
    run_tests(dict(globals()))
