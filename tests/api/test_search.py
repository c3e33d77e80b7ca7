#!/usr/bin/env python3
"""What a push changes is found by :search, before any run of the flow. See server.py."""
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


if __name__ == "__main__":
    run_tests(dict(globals()))
