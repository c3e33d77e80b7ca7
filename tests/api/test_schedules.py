#!/usr/bin/env python3
"""Schedules: which runs they start, and that each time has one run, whenever the server dies. Time is moved by moving what is due: while the
server is down, the `at` of the schedules' documents is set in the database. See server.py."""
import os
import random
import sqlite3
import time
from datetime import datetime, timedelta, timezone

from server import flow, run_tests

ROUNDS, MANY = int(os.environ.get("ROUNDS", "10")), int(os.environ.get("MANY", "3000"))

BODY = "(let [i (flow/input)] {:who (:who i \"nobody\")})"
WHO = "[{:name :who :type :string}]"


def database(s):
    return sqlite3.connect(os.path.join(s.dir.name, "data", "breyta.db"), timeout=20)


def schedules(s):
    with database(s) as db:
        return dict(db.execute("SELECT key, at FROM docs WHERE workspace='' AND kind='schedule'"))


def runs(s, slug=None):
    with database(s) as db:
        return [r[0] for r in db.execute("SELECT run_id FROM runs WHERE slug=coalesce(?,slug) ORDER BY run", (slug,))]


def finished(s, n):
    with database(s) as db:
        return db.execute("SELECT count(*) FROM runs WHERE status=2").fetchone()[0] >= n


def due(s, at_ms, like="%"):
    with database(s) as db:
        db.execute("UPDATE docs SET at=? WHERE workspace='' AND kind='schedule' AND key LIKE ?", (at_ms, like))


def now():
    return int(time.time() * 1000)


def far():
    """A cron time that does not come while a test runs: half a year from now."""
    return f"0 0 1 {(datetime.now(timezone.utc).month + 5) % 12 + 1} *"


def push(s, slug, text, body=BODY, inputs=WHO, live=True):
    s.ok("flows.put_draft", {"flowLiteral": flow(slug, body, inputs, text)})
    if live:
        s.ok("flows.release", {"flowSlug": slug})
        s.ok("flows.promote", {"flowSlug": slug, "target": "live"})


def down(s, change):
    s.stop()
    change()
    s.start()


def test_which_are_on(s):
    # Times of their own, chosen by the clock, so that none comes while the test runs and no two are ever the same time: "@hourly" and "@weekly"
    # are, in the last hour of a Saturday.
    start = datetime.now(timezone.utc)
    hour, soon, later = (start + timedelta(hours=12)).hour, (start.minute + 20) % 60, (start.minute + 40) % 60
    three = f"""[{{:id :a :cron "0 {hour} * * *" :timezone "Asia/Kolkata"}} {{:id :b :cron "every 15m" :enabled false}} {{:id :c :cron "{soon} * * * *"}}]"""
    push(s, "demo", f":schedules {three}", live=False)
    push(s, "other", f":schedules {three}")
    s.until(lambda: len(schedules(s)) == 2, "the schedules of live are there")
    at = schedules(s)
    a, c = f"{s.workspace}/other/live/a", f"{s.workspace}/other/live/c"
    assert set(at) == {a, c}, at  # nothing of a draft, nothing that is off
    there = datetime.fromtimestamp(at[a] / 1000, timezone(timedelta(hours=5, minutes=30)))
    assert (there.hour, there.minute) == (hour, 0) and now() < at[a] <= now() + 24 * 3600000, there
    assert datetime.fromtimestamp(at[c] / 1000, timezone.utc).minute == soon and now() < at[c] <= now() + 3600000, at
    # the same version again changes nothing; another time does; none any more goes
    push(s, "other", f":schedules {three}")
    s.kill()
    s.start()
    assert schedules(s) == at
    push(s, "other", f":schedules {three}".replace(f'"{soon} *', f'"{later} *'))
    s.until(lambda: schedules(s).get(c) not in (None, at[c]), "the new time")
    assert schedules(s)[a] == at[a]
    assert datetime.fromtimestamp(schedules(s)[c] / 1000, timezone.utc).minute == later, schedules(s)
    push(s, "other", "")
    s.until(lambda: not schedules(s), "no schedule is left")


def test_bad_schedules(s):
    for bad, word in (('{:id :a :cron "61 * * * *"}', "minute"), ('{:id :a :cron "* * * *"}', "five fields"), ('{:id :a :cron "0 0 30 2 *"}', "never"),
                      ('{:id :a :cron "@daily" :timezone "Mars/Olympus"}', "zone"), ('{:id :a :cron "@daily" :catch-up :often}', "catch-up"),
                      ('{:id :a}', ":cron"), ('{:cron "@daily"}', ":id"), ('{:id :a :cron "@daily" :invocation :other}', ":other")):
        a = s.ok("flows.put_draft", {"flowLiteral": flow("bad", BODY, WHO, f":schedules [{bad}]")})
        said = [d["message"] for d in a.data["diagnostics"] if d["severity"] == "error"]
        assert a.data["valid"] is False and any(word in m for m in said), (bad, said)


def test_fires(s):
    minute = (datetime.now(timezone.utc).minute + 30) % 60
    push(s, "demo", f':schedules [{{:id :a :cron "{minute} * * * *" :input {{:who "ann"}}}} {{:id :b :cron "{far()}"}}]')
    s.until(lambda: len(schedules(s)) == 2, "the schedules are there")
    at = now() // 1000 * 1000 + 2000
    down(s, lambda: due(s, at, "%/a"))
    run = s.until(lambda: runs(s), "it has started a run")[0]
    assert now() >= at
    stamp = datetime.fromtimestamp(at / 1000, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    assert run == f"flow-demo-{s.workspace}-a-{stamp}", run
    r = s.over(run)
    assert r["status"] == "completed" and r["result"] == {"who": "ann"} and r["version"] == 1, r
    following = schedules(s)[f"{s.workspace}/demo/live/a"]
    assert at < following <= at + 3600000 and following % 3600000 == minute * 60000, (at, following)
    # the same time once more, as if the process had died in between: its run is there
    down(s, lambda: due(s, at, "%/a"))
    s.until(lambda: schedules(s)[f"{s.workspace}/demo/live/a"] != at, "it has gone on")
    assert runs(s) == [run]


def test_missed(s):
    push(s, "one", ':schedules [{:id :a :cron "every 1m"}]')
    push(s, "none", ':schedules [{:id :a :cron "every 1m" :catch-up :skip}]')
    push(s, "every", ':schedules [{:id :a :cron "every 1m" :catch-up :all}]')
    s.until(lambda: len(schedules(s)) == 3, "the schedules are there")
    minute = now() // 60000
    down(s, lambda: due(s, (minute - 1000) * 60000))
    s.until(lambda: len(runs(s, "every")) >= 100 and min(schedules(s).values()) > minute * 60000 and finished(s, 101), "all have caught up")
    late = (now() // 60000) - minute
    assert 1 <= len(runs(s, "one")) <= 1 + late, runs(s, "one")
    assert len(runs(s, "none")) <= 1 + late, runs(s, "none")  # the newest, if it is not a minute late
    assert 100 <= len(runs(s, "every")) <= 100 + late
    assert len(set(runs(s, "every"))) == len(runs(s, "every"))
    times = sorted(r.rsplit("-", 1)[1] for r in runs(s, "every"))
    seconds = [datetime.strptime(t, "%Y%m%dT%H%M%SZ").timestamp() for t in times]
    assert all(b - a == 60 for a, b in zip(seconds, seconds[1:])), times  # none is left out, each once


def test_cannot_start(s):
    push(s, "needs", f':schedules [{{:id :a :cron "{far()}"}}]', inputs="[{:name :who :type :string :required true}]")
    push(s, "fine", f':schedules [{{:id :a :cron "{far()}"}}]')
    s.until(lambda: len(schedules(s)) == 2, "the schedules are there")
    down(s, lambda: due(s, now() - 1000))
    s.until(lambda: runs(s, "fine") and min(schedules(s).values()) > now(), "both have gone on")
    assert not runs(s, "needs")
    t = s.http("GET", "/api/triggers?flow=needs&type=schedule").body["triggers"][0]
    assert "who is required" in t["lastError"] and t["nextAt"], t


def test_called_like_an_interface(s):
    """An id is unique among schedules, and among interfaces; a schedule may be called like an interface."""
    push(s, "same", f':schedules [{{:id :run :label "Nightly" :cron "{far()}" :input {{:who "clock"}}}}]')  # flow() has the interface :run
    key = f"{s.workspace}/same/live/run"
    s.until(lambda: key in schedules(s), "the schedule is there")
    down(s, lambda: due(s, now() - 1000))
    run = s.until(lambda: runs(s), "it has started a run")[0]
    assert s.over(run)["result"] == {"who": "clock"}
    assert schedules(s)[key] > now()  # and goes on
    both = s.http("GET", "/api/triggers?flow=same").body["triggers"]
    assert [(t["id"], t["type"]) for t in both] == [("same.live.run", "manual"), ("same.live.schedule:run", "schedule")], both
    for t in both:
        assert s.http("GET", f"/api/triggers/{t['id']}").body["type"] == t["type"], t
    fired = s.http("POST", "/api/triggers/same.live.schedule:run/fire", "{}").data["workflowId"]
    assert s.over(fired)["result"] == {"who": "clock"}
    fired = s.http("POST", "/api/triggers/same.live.run/fire", "{}").data["workflowId"]
    assert s.over(fired)["result"] == {"who": "nobody"}
    assert [t["id"] for t in s.http("GET", "/api/triggers?limit=1&cursor=same.live.run").body["triggers"]] == ["same.live.schedule:run"]


def test_many_times(s):
    """A long list of times is as good as a short one."""
    hour = (datetime.now(timezone.utc).hour + 12) % 24
    push(s, "demo", f""":schedules [{{:id :a :cron "{','.join(str(m) for m in range(60))} {hour} {','.join(str(d) for d in range(1, 32))} * *"}}]""")
    at = s.until(lambda: list(schedules(s).values()), "the schedule is there")[0]
    assert at % 3600000 == 0 and datetime.fromtimestamp(at / 1000, timezone.utc).hour == hour, at
    down(s, lambda: due(s, now() - 1000))
    s.until(lambda: runs(s) and min(schedules(s).values()) == at, "it has fired, and goes on")


def test_names_of_their_own(s):
    """Runs are called after their schedules: however these are called, no two have one name, and none is left out for that."""
    ws = s.workspace
    push(s, "a", f':schedules [{{:id :night :cron "{far()}"}} {{:id :draft-night :cron "{far()}"}} {{:id :{ws}-night :cron "{far()}"}}]')
    push(s, f"a-{ws}", f':schedules [{{:id :night :cron "{far()}"}}]')
    s.ok("flows.configure", {"flowSlug": "a", "target": "draft", "inputs": {}, "schedules": {"night": {"enabled": True}}})
    s.until(lambda: len(schedules(s)) == 5, "the schedules are there")
    down(s, lambda: due(s, now() // 1000 * 1000 - 1000))
    s.until(lambda: min(schedules(s).values()) > now(), "all have gone on")
    assert len(runs(s, "a")) == 4 and len(runs(s, f"a-{ws}")) == 1, runs(s)


def test_withdrawn(s):
    push(s, "demo", f':schedules [{{:id :a :cron "{far()}"}}]')
    s.until(lambda: schedules(s), "the schedule is there")
    push(s, "demo", "")
    s.until(lambda: not schedules(s), "it has gone")
    with database(s) as db:  # one that is left over, as after a crash between the two
        push(s, "demo", f':schedules [{{:id :a :cron "{far()}"}}]')
        s.until(lambda: schedules(s), "it is back")
        s.stop()
        db.execute("UPDATE docs SET key=replace(key,'/a','/zombie'), at=1 WHERE kind='schedule'")
    s.start()
    s.until(lambda: not any(k.endswith("zombie") for k in schedules(s)), "what nobody declares is taken away")
    assert not runs(s)


def test_killed(s):
    """Killed at any moment around the time it is due: every time has exactly one run."""
    rng = random.Random(11)
    many = " ".join(f'{{:id :s{i} :cron "{far()}"}}' for i in range(20))
    push(s, "demo", f":schedules [{many}]")
    s.until(lambda: len(schedules(s)) == 20, "the schedules are there")
    fired, first = set(), now() // 1000 - 60 - ROUNDS
    for i in range(ROUNDS):
        s.kill()
        due(s, (first + i) * 1000)  # a time of its own for each round
        s.start()
        time.sleep(rng.random() * 0.08)  # the moment of the kill, at random
        s.kill()
        s.start()
        s.until(lambda: min(schedules(s).values()) > now(), "all have fired")
        stamps = [r for r in runs(s) if r not in fired]
        assert len(stamps) == 20, (i, len(stamps))
        fired |= set(stamps)
    assert len(runs(s)) == len(fired) == 20 * ROUNDS
    s.until(lambda: finished(s, 20 * ROUNDS), "all runs have ended", 60)


def test_many_at_once(s):
    """Many schedules due in one second. MANY=10000 is what the server is made for."""
    for k in range(10):
        many = " ".join(f'{{:id :s{i} :cron "{far()}"}}' for i in range(MANY // 10))
        push(s, f"flow{k}", f":schedules [{many}]")
    s.until(lambda: len(schedules(s)) == MANY, "the schedules are there", 60)
    at = now() // 1000 * 1000 + 2000
    down(s, lambda: due(s, at))
    s.until(lambda: now() >= at, "it is time")
    begun = time.monotonic()
    s.until(lambda: len(runs(s)) == MANY, "all have started", 120)
    took = time.monotonic() - begun
    s.until(lambda: finished(s, MANY), "all have ended", 120)
    print(f"# {MANY} schedules: all started in {took:.1f} s, all ended in {time.monotonic() - begun:.1f} s", flush=True)
    assert len(set(runs(s))) == MANY and min(schedules(s).values()) > now()
    s.kill()
    s.start()
    assert len(runs(s)) == MANY


if __name__ == "__main__":
    run_tests(globals())
