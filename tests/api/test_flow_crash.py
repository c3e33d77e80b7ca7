#!/usr/bin/env python3
"""The server is killed (-9) while flows are pushed, released, deployed and deleted, at any moment: what was acknowledged is there, what was
not is there wholly or not at all, and no version ever changes. ROUNDS=n makes it longer. See server.py."""
import http.client
import os
import random
import threading

from server import flow, run_tests

ROUNDS = int(os.environ.get("ROUNDS", "20"))
LOST = (OSError, http.client.HTTPException)


class Author(threading.Thread):
    """Works on one flow until the server is gone. `known` is what was acknowledged; `open` the one request that was not."""

    def __init__(self, s, slug, rng, known, acks):
        super().__init__()
        self.s, self.slug, self.rng, self.known, self.acks, self.open = s, slug, rng, known, acks, None

    def act(self):
        k, n = self.known, self.rng.randrange(1 << 30)
        what = self.rng.choice(("push", "push", "release", "deploy", "promote", "both", "delete"))
        if what in ("push", "both") or k["draft"] is None:
            text = flow(self.slug, "{:n %d :pad %s}" % (n, '"' + "x" * self.rng.choice((10, 200, 20000)) + '"'))
            return "push", text, lambda: self.s.command("flows.put_draft", {"flowLiteral": text})
        if what == "promote" and k["active"]:
            return what, k["active"], lambda: self.s.command("flows.promote", {"flowSlug": self.slug})
        if what == "delete" and self.rng.random() < 0.2:
            return what, None, lambda: self.s.command("flows.delete", {"flowSlug": self.slug, "yes": True, "force": True})
        if what == "deploy":
            return what, k["draft"], lambda: self.s.command("flows.deploy", {"flowSlug": self.slug})
        return "release", k["draft"], lambda: self.s.command("flows.release", {"flowSlug": self.slug, "releaseNote": str(n)})

    def run(self):
        while True:
            self.open = None
            what, value, request = self.act()
            self.open = (what, value)
            try:
                a = request()
            except LOST:
                return
            if a.status == 503 or a.code == "gone":
                return
            assert a.status == 200, (what, a)
            apply(self.known, what, value)
            self.open = None
            self.acks.release()


def apply(k, what, value):
    if what == "push":
        k["draft"] = value
    elif what in ("release", "deploy"):
        k["last"] += 1
        k["versions"][k["last"]] = value
        k["active"] = k["last"]
        if what == "deploy":
            k["live"] = k["last"]
    elif what == "promote":
        k["live"] = value
    elif what == "delete":
        k.update(draft=None, active=None, live=None, versions={})


def seen(s, slug, versions):
    """What the server has of a flow, in the form of `known` without :last; None: there is none."""
    a = s.command("flows.get", {"flowSlug": slug, "includeFlowLiteral": True})
    if a.code == "not_found":
        assert s.command("flows.versions.list", {"flowSlug": slug}).code == "not_found"
        return {"draft": None, "active": None, "live": None, "versions": {}}
    assert a.status == 200, a
    f = a.data["flow"]
    listed = s.ok("flows.versions.list", {"flowSlug": slug}).data["items"]
    texts = {}
    for v in listed[:3] + listed[3::7]:  # the newest, and some of the others
        n = v["version"]
        texts[n] = s.ok("flows.get", {"flowSlug": slug, "source": "version", "version": n, "includeFlowLiteral": True}).data["flowLiteral"]
        assert v["active"] is (f.get("activeVersion") == n) and v["live"] is (f.get("liveVersion") == n), (v, f)
    numbers = [v["version"] for v in listed]
    for n in numbers:
        texts.setdefault(n, versions.get(n))
    assert f.get("latestVersion") == (numbers[0] if numbers else None), (f, numbers)
    return {"draft": a.data["flowLiteral"], "active": f.get("activeVersion"), "live": f.get("liveVersion"), "versions": texts}


def check(s, slug, author):
    known = author.known
    now = seen(s, slug, known["versions"])
    before = {k: known[k] for k in now}
    if author.open:
        after = {**known, "versions": dict(known["versions"])}
        apply(after, *author.open)
        expected = {k: after[k] for k in now}
        assert now in (before, expected), (slug, author.open[0], {k: (now[k], before[k], expected[k]) for k in now if now[k] != before[k] and now[k] != expected[k]})
        if now == expected and now != before:
            known.update(after)
        return
    assert now == before, (slug, {k: (now[k], before[k]) for k in now if now[k] != before[k]})


def test_killed_at_any_moment(s):
    rng = random.Random(int(os.environ.get("SEED", "11")))
    flows = {f"f{i}": {"draft": None, "active": None, "live": None, "versions": {}, "last": 0} for i in range(4)}
    landed = 0
    for _ in range(ROUNDS):
        acks = threading.Semaphore(0)
        authors = {slug: Author(s, slug, random.Random(rng.random()), known, acks) for slug, known in flows.items()}
        for a in authors.values():
            a.start()
        for _ in range(rng.randrange(1, 12)):  # right at, or just behind, one of the first acknowledgements
            assert acks.acquire(timeout=60)
        s.kill()
        for a in authors.values():
            a.join(60)
            assert not a.is_alive()
        s.start()
        for slug, a in authors.items():
            was = flows[slug]["last"]
            check(s, slug, a)
            landed += flows[slug]["last"] != was
    print(f"# {ROUNDS} kills, {sum(k['last'] for k in flows.values())} versions; {landed} were stored without being acknowledged")
    assert sum(k["last"] for k in flows.values()) > ROUNDS / 2


if __name__ == "__main__":
    run_tests(dict(globals()))
