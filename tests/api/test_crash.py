#!/usr/bin/env python3
"""The server is killed (-9) while everything else changes: targets are configured, connections, secrets, keys, uploads, installations and
documents of steps are made, runs are started, answered and approved. What was acknowledged is there, and what was not is there wholly or not at
all. (Pushes and releases: test_flow_crash.py; callbacks, webhooks and schedules: their own files.) ROUNDS=n makes it longer. See server.py."""
import http.client
import json
import os
import random
import threading
import urllib.parse
import uuid

from server import flow, run_tests

ROUNDS = int(os.environ.get("ROUNDS", "12"))
LOST = (OSError, http.client.HTTPException, json.JSONDecodeError)
NEEDS = """:requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:1" :auth {:type :bearer}}
  {:kind :form :label "Setup" :fields [{:key :region :label "Region" :field-type :text}]}]"""
HOLD = '(let [i (flow/input)] {:n (:n i) :got (flow/step :wait :hold {:key (:key i)})})'


class Lost(Exception):
    pass


class Actor:
    """Does one thing after the other until the server is gone; `ask` raises Lost then. Each has a ledger of what was acknowledged."""

    def __init__(self, s, rng):
        self.s, self.rng, self.n = s, rng, 0

    def fresh(self, what):
        self.n += 1
        return f"{what}-{type(self).__name__.lower()}-{self.n}"

    def ask(self, f, *args, **more):
        try:
            a = f(*args, **more)
        except LOST:
            raise Lost from None
        if a.status == 503:
            raise Lost
        assert a.status < 300, (args, a)
        return a

    def command(self, name, args, op=None):
        return self.ask(self.s.command, name, args, op=op)

    def rest(self, method, path, body=None):
        return self.ask(self.s.http, method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})


class Configures(Actor):
    """The slot is bound to what the last configure said, or to what the one on its way says."""

    def begin(self):
        self.s.ok("flows.put_draft", {"flowLiteral": flow("needs", "1", extra=NEEDS)})
        make = lambda i: self.s.http("POST", "/api/connections", json.dumps({"type": "http-api", "name": f"c{i}", "base-url": "http://127.0.0.1:9"})).body["connection"]["id"]
        self.ids = [make(i) for i in range(4)]
        self.may = {None}

    def act(self):
        want = self.rng.choice(self.ids)
        self.may |= {want}
        self.command("flows.configure", {"flowSlug": "needs", "target": "draft", "inputs": {"conn-api": want, "form-region": want}})
        self.may = {want}

    def check(self):
        d = self.s.ok("profiles.status", {"flowSlug": "needs", "profileType": "draft"}).data
        got = d["bindingValues"].get("api")
        assert got in self.may, (got, self.may)
        assert d["activation"]["region"]["set"] is (got is not None), d  # both of one configure, or neither
        self.may = {got}


class Uploads(Actor):
    def begin(self):
        self.done = {}

    def act(self):
        data = self.rng.randbytes(self.rng.choice((10, 3000, 200000)))
        uri = self.rest("POST", "/api/files/uploads/init", {"filename": self.fresh("f")}).body["uri"]
        self.ask(self.s.http, "PUT", "/api/files/uploads/direct?uri=" + urllib.parse.quote(uri, safe=""), data)
        self.rest("POST", "/api/files/uploads/complete", {"uri": uri})
        self.done[uri] = data

    def check(self):
        for uri, data in self.rng.sample(sorted(self.done.items()), min(4, len(self.done))):
            link = self.s.http("GET", "/api/resources/url?uri=" + urllib.parse.quote(uri, safe="")).body["url"]
            assert self.s.raw("GET", link.split(str(self.s.port), 1)[1], key=False)[2] == data, uri


class Keys(Actor):
    def begin(self):
        self.sa = self.s.ok("service_accounts.create", {"name": "x", "capabilities": ["flows.read"]}).data["serviceAccount"]["serviceAccountId"]
        self.good, self.ended = {}, {}

    def act(self):
        if self.good and self.rng.random() < 0.4:
            kid = self.rng.choice(sorted(self.good))
            key = self.good.pop(kid)
            self.command("service_accounts.keys.revoke", {"serviceAccountId": self.sa, "keyId": kid})
            self.ended[kid] = key
        else:
            k = self.command("service_accounts.keys.create", {"serviceAccountId": self.sa}).data["key"]
            self.good[k["keyId"]] = k["apiKey"]

    def check(self):
        for keys, status in ((self.good, 200), (self.ended, 401)):
            for kid in self.rng.sample(sorted(keys), min(5, len(keys))):
                assert self.s.command("flows.list", key=keys[kid]).status == status, (kid, status)


class Notes(Actor):
    """Many small documents: each is there once."""

    def begin(self):
        self.said, self.maybe = [], None

    def act(self):
        op, text = str(uuid.uuid4()), self.fresh("note")
        self.maybe = (op, f"a{len(self.said) // 150}", text)  # a step has 200 examples at most
        self.note(*self.maybe)

    def note(self, op, step, text):
        self.command("steps.examples.add", {"flowSlug": "needs", "stepId": step, "input": {"t": text}, "output": {}}, op=op)
        self.said.append(text)
        self.maybe = None

    def check(self):
        if self.maybe:
            self.note(*self.maybe)  # the same operation again: done once, whatever became of it
        items = []
        for step in range(len(self.said) // 150 + 1):
            cursor = {}
            while cursor is not None:
                a = self.s.ok("steps.examples.list", {"flowSlug": "needs", "stepId": f"a{step}", **cursor})
                items += [i["input"]["t"] for i in a.data["items"]]
                cursor = {"cursor": a.meta["nextCursor"]} if a.meta.get("nextCursor") else None
        assert sorted(items) == sorted(self.said), (set(items) ^ set(self.said), len(items), len(self.said))


class Installs(Actor):
    def begin(self):
        self.s.ok("flows.put_draft", {"flowLiteral": flow("app", "1")})
        self.s.ok("flows.deploy", {"flowSlug": "app"})
        self.there, self.gone = {}, set()

    def act(self):
        if self.there and self.rng.random() < 0.5:
            i = self.rng.choice(sorted(self.there))
            if self.rng.random() < 0.5:
                self.there[i] |= {False, True}
                on = self.rng.random() < 0.5
                self.command("flows.installations.set_enabled", {"profileId": i, "enabled": on})
                self.there[i] = {on}
            else:
                self.there.pop(i)
                self.command("flows.installations.delete", {"profileId": i})
                self.gone.add(i)
        else:
            i = self.command("flows.installations.create", {"flowSlug": "app", "name": self.fresh("i"), "enabled": True}).data["instance"]["profileId"]
            self.there[i] = {True}

    def check(self):
        for i, on in self.there.items():
            d = self.s.ok("flows.installations.get", {"profileId": i}).data
            assert d["enabled"] in on, (i, on, d)
        for i in self.gone:
            assert self.s.command("flows.installations.get", {"profileId": i}).status == 404, i


class Runs(Actor):
    """Started, answered by a callback, approved: each run has one end, with the answer that was acknowledged."""

    def begin(self):
        self.s.ok("flows.put_draft", {"flowLiteral": flow("hold", HOLD, "[{:name :key :type :text} {:name :n :type :number}]")})
        self.started, self.answered, self.maybe, self.op = {}, {}, {}, None

    def begin_run(self, op, key, n):
        self.op = (op, key, n)
        run = self.command("flows.run", {"flowSlug": "hold", "input": {"key": key, "n": n}}, op=op).data["workflowId"]
        self.started[key] = (run, n)
        self.op = None
        return run

    def act(self):
        key, n = self.fresh("k"), self.rng.randrange(1000)
        run = self.begin_run(str(uuid.uuid4()), key, n)
        if self.rng.random() < 0.3:
            return
        while True:
            if self.command("runs.get", {"workflowId": run}).data["run"]["status"] == "waiting":
                break
        self.maybe[key] = {"v": n}
        a = self.ask(self.s.http, "POST", f"/{self.s.workspace}/events/{key}", json.dumps({"v": n}), {"Content-Type": "application/json"}, key=False)
        assert a.data["outcome"] in ("delivered", "duplicate"), a
        self.answered[key] = self.maybe.pop(key)

    def check(self):
        if self.op:
            self.begin_run(*self.op)
        for key, (run, n) in self.rng.sample(sorted(self.started.items()), min(12, len(self.started))):
            if key in self.answered:
                r = self.s.over(run)
                assert r["status"] == "completed" and r["result"] == {"n": n, "got": self.answered[key]}, r
            else:
                r = self.s.ok("runs.get", {"workflowId": run}).data["run"]
                assert r["status"] in ("waiting", "running") or key in self.maybe, r
        ids = [run for run, _ in self.started.values()]
        assert len(set(ids)) == len(ids)


def test_killed_at_any_moment(s):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"# SEED={seed}")
    rng = random.Random(seed)
    actors = [kind(s, random.Random(rng.random())) for kind in (Configures, Uploads, Keys, Notes, Installs, Runs)]
    for a in actors:
        a.begin()
    total, failed = 0, []

    def work(a, acks):
        try:
            while True:
                a.act()
                acks.release()
        except Lost:
            pass
        except Exception as e:
            failed.append((type(a).__name__, e))
            acks.release()

    for _ in range(ROUNDS):
        acks = threading.Semaphore(0)
        threads = [threading.Thread(target=work, args=(a, acks)) for a in actors]
        for t in threads:
            t.start()
        for _ in range(rng.randrange(3, 30)):  # right at, or just behind, an acknowledgement
            assert acks.acquire(timeout=60)
            total += 1
        s.kill()
        for t in threads:
            t.join(60)
            assert not t.is_alive()
        assert not failed, failed
        s.start()
        for a in actors:
            a.check()
    print(f"# {ROUNDS} kills, {total} changes acknowledged")


if __name__ == "__main__":
    run_tests(dict(globals()))
