#!/usr/bin/env python3
"""Incidents: flows whose runs fail, by target, and what people say about them; and digests of what ran. See server.py."""

import sqlite3
import time

from server import flow, run_tests
from test_workspaces import bootstrap, get

FAILS = """(let [m (flow/step :kv :mode {:operation :get :key "mode"})]
  (if (= "ok" (:value m)) 1 (flow/step :function :boom {:code '(fn [_] (throw (ex-info "no luck" {:type :unlucky}))) :input {}})))"""


def run(s, slug, **more):
    return s.over(s.ok("flows.run", {"flowSlug": slug, **more}).data["workflowId"])


def incidents(s, query=""):
    return [(i["id"], i["status"], i["failureCount"]) for i in get(s, "/api/incidents?limit=10" + query).body["items"]]


def say(s, path, status=200):
    a = s.http("POST", "/api/incidents/" + path)
    assert a.status == status, a
    return a


def test_incidents(s):
    for slug in ("a", "b"):
        s.ok("flows.put_draft", {"flowLiteral": flow(slug, FAILS)})
    s.ok("flows.deploy", {"flowSlug": "a"})
    assert incidents(s) == []
    runs = [run(s, "a")["workflowId"] for _ in range(3)]
    run(s, "a", target="live")
    run(s, "b")
    assert incidents(s) == [("inc-b.draft", "open", 1), ("inc-a.live", "open", 1), ("inc-a.draft", "open", 3)]
    d = get(s, "/api/incidents/inc-a.draft?failure-limit=2").body
    i = d["incident"]
    assert (i["flowSlug"], i["target"], i["status"]) == ("a", "draft", "open") and i["firstFailureAt"] <= i["lastFailureAt"] and "a fails on draft" == i["title"], i
    assert [f["workflowId"] for f in d["failures"]] == runs[:0:-1] and d["failures"][0]["error"] == {"message": "no luck", "code": "unlucky"}, d
    assert get(s, "/api/incidents/inc-a.draft/lanes?limit=25").body["items"] == [{"version": 0, "failureCount": 3}]
    assert say(s, "inc-a.draft/acknowledge").body["incident"]["status"] == "acknowledged"
    say(s, "inc-a.live/snooze?for=2h")
    say(s, "inc-b.draft/suppress")
    s.kill()
    s.start()
    assert incidents(s) == [("inc-a.live", "snoozed", 1), ("inc-a.draft", "acknowledged", 3)]
    assert incidents(s, "&status=suppressed") == [("inc-b.draft", "suppressed", 1)] and incidents(s, "&status=open") == []
    assert len(incidents(s, "&scope=mine")) == 2 and get(s, "/api/incidents/inc-a.live").body["incident"]["snoozedUntil"].endswith("Z")
    run(s, "a")  # once more: somebody has to look again
    run(s, "b")
    assert incidents(s) == [("inc-a.draft", "open", 4), ("inc-a.live", "snoozed", 1)], incidents(s)
    s.ok("steps.run", {"stepType": "kv", "stepId": "put", "params": {"operation": "set", "key": "mode", "value": "ok"}})
    assert run(s, "a")["status"] == "completed"
    assert incidents(s) == [("inc-a.live", "snoozed", 1)]  # it works again
    assert get(s, "/api/incidents/inc-a.draft").status == 404
    for path in ("inc-a.live/snooze?for=soon", "inc-a.live/snooze?for=0s", "inc-a.live/snooze?for=9000d"):
        say(s, path, 400)
    say(s, "inc-none.draft/acknowledge", 404)
    for query in ("?status=x", "?limit=0", "?scope=yours"):
        assert get(s, "/api/incidents" + query).status == 400, query
    bootstrap(s, "ws-b")
    assert get(s, "/api/incidents", "ws-b").body["items"] == [] and get(s, "/api/incidents/inc-a.live", "ws-b").status == 404


def test_digests(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("a", FAILS)})
    runs = [run(s, "a")["workflowId"] for _ in range(5)]
    items = lambda query="": get(s, "/api/digests" + query).body["items"]
    assert items() == [] and items("?cadence=daily") == []  # today is not over
    assert s.stop() == 0
    day, at = 24 * 3600, int(time.time())
    db = sqlite3.connect(s.dir.name + "/data/breyta.db")
    for i, r in enumerate(runs):
        db.execute("UPDATE runs SET created=? WHERE run_id=?", ((at - day * (1 if i < 3 else 2)) * 1000, r))
    db.commit()
    db.close()
    s.start()
    d = items("?cadence=daily&limit=10")
    assert [(x["runs"], x["status"], x["title"]) for x in d] == [({"total": n, "completed": 0, "failed": n, "other": 0}, "unread", f"{n} runs, {n} failed") for n in (3, 2)], d
    assert d[0]["flows"] == [{"flowSlug": "a", "runs": 3, "failed": 3}] and d[0]["id"] == time.strftime("daily-%Y-%m-%d", time.gmtime(at - day)), d
    assert d[0]["periodStart"] == time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(at - day)) and d[0]["periodEnd"] == time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(at)), d
    post = lambda path: s.http("POST", "/api/digests/" + path)
    assert post(d[0]["id"] + "/mark-read").body["digest"]["status"] == "read"
    assert post("preferences/cadence?cadence=daily").status == 200 and post("preferences/cadence?cadence=hourly").status == 400
    s.kill()
    s.start()
    assert [x["id"] for x in items("?status=unread")] == [d[1]["id"]] and [x["id"] for x in items("?status=read")] == [d[0]["id"]] and items("?kind=other") == []
    assert get(s, "/api/digests/" + d[1]["id"]).body["digest"] == d[1] and get(s, f"/api/digests/{d[1]['id']}/deliveries?limit=5").body["items"] == []
    for bad in ("daily-1999-01-01", "weekly-x", "x", "monthly-2026-13-01"):
        for path in (bad, bad + "/deliveries"):
            assert get(s, "/api/digests/" + path).status == 404, path
        assert post(bad + "/mark-read").status == 404
    assert get(s, "/api/digests?cadence=hourly").status == 400
    bootstrap(s, "ws-b")
    assert get(s, "/api/digests?cadence=daily", "ws-b").body["items"] == [] and get(s, "/api/digests/" + d[0]["id"], "ws-b").status == 404


if __name__ == "__main__":
    run_tests(dict(globals()))
