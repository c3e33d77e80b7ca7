#!/usr/bin/env python3
"""Webhooks, interfaces and their triggers: who is believed, what a request becomes, what is answered, what is remembered. See server.py."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import sqlite3
import threading
import time
import uuid

from server import Answer, flow, run_tests

ROUNDS = int(os.environ.get("ROUNDS", "10"))
BODY = "(flow/input)"
ECHO = "(let [i (flow/input)] (dissoc i :flow/ctx :flow/request))"


def hook(slug, auth="{:type :api-key :secret-ref :hook}", body=ECHO, inputs="[]", event=":event-name \"made\"", concurrency=None, extra=""):
    text = flow(slug, body, inputs, extra).replace(":interfaces {", ":interfaces {:webhook [{:id :in :invocation :default %s %s}] " % (event, auth and ":auth " + auth))
    return text.replace("{:type :singleton :on-new-version :coexist}", concurrency or "{:type :singleton :on-new-version :coexist}")


def push(s, text, live=True):
    slug = re.match(r"{:slug :(\S+)", text).group(1)
    d = s.ok("flows.put_draft", {"flowLiteral": text}).data
    assert d["valid"] is True, d
    if live:
        s.ok("flows.release", {"flowSlug": slug})
        s.ok("flows.promote", {"flowSlug": slug, "target": "live"})
    return slug


def secret(s, trigger):
    a = s.http("POST", f"/api/triggers/{trigger}/webhook-secret")
    assert a.status == 200, a
    return a.body["secret"]


def send(s, path, body=b"{}", headers=None, ws=None, raw=False):
    h = {"Content-Type": "application/json", **(headers or {})}
    status, got, data = s.raw("POST", f"/{ws or s.workspace}/events/{path}", body, {k: v for k, v in h.items() if v is not None}, key=False)
    return (status, {k.lower(): v for k, v in got.items()}, data) if raw else Answer(status, json.loads(data))


def result(s, a):
    assert a.status == 202, a
    run = s.over(a.data["workflowId"])
    assert run["status"] == "completed", run
    return run["result"]


def test_api_key_and_secret(s):
    push(s, hook("orders"))
    a = send(s, "webhooks/orders/made")
    assert a.status == 503 and a.code == "unverifiable", a  # there is no secret yet: nobody is believed
    trigger = f"orders.live.in"
    key = secret(s, trigger)
    assert len(key) > 40
    for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": key + "x"}, {"Authorization": f"Bearer {key}"}):
        a = send(s, "webhooks/orders/made", headers=headers)
        assert a.status == 401 and a.code == "unauthorized" and key not in repr(a), a
    a = send(s, "webhooks/orders/made", b'{"n": 7, "who": {"name": "ann"}}', {"X-API-Key": key})
    assert result(s, a) == {"n": 7, "who": {"name": "ann"}} and a.data["triggerId"] == "in" and a.data["target"] == "live", a
    again = secret(s, trigger)
    assert send(s, "webhooks/orders/made", headers={"X-API-Key": key}).status == 401
    assert send(s, "webhooks/orders/made", headers={"X-API-Key": again}).status == 202
    a = s.http("POST", f"/api/triggers/orders.live.run/webhook-secret")
    assert a.status == 400, a


def test_every_auth(s):
    auths = {
        "query": "{:type :api-key :secret-ref :hook :location :query :param \"k\"}",
        "bearer": "{:type :bearer :secret-ref :hook}",
        "basic": "{:type :basic :username \"ann\" :secret-ref :hook}",
        "hmac": "{:type :hmac-sha256 :secret-ref :hook :header \"X-Sig\"}",
        "stamp": "{:type :signature :secret-ref :hook :algo :hmac-sha256 :timestamp-header \"X-Time\" :signature-format :hex :signature-prefix \"v1=\"}",
        "ip": "{:type :ip-allowlist :allow [\"127.0.0.1\"]}", "far": "{:type :ip-allowlist :allow [\"10.0.0.0/8\"]}", "key": "{:type :workspace}", "open": "",
    }
    for slug, auth in auths.items():
        push(s, hook(slug, auth))
    key = secret(s, "bearer.live.in")

    def sign(message):
        return hmac.new(key.encode(), message, hashlib.sha256)
    now = str(int(time.time()))
    body = b'{"id":1}'
    good = {
        "bearer": {"Authorization": f"Bearer {key}"},
        "basic": {"Authorization": "Basic " + base64.b64encode(f"ann:{key}".encode()).decode()},
        "hmac": {"X-Sig": base64.b64encode(sign(body).digest()).decode()},
        "stamp": {"X-Time": now, "X-Signature": "v1=" + sign(now.encode() + body).hexdigest()},
        "ip": {}, "key": {"Authorization": f"Bearer {s.key}"},
    }
    for slug, headers in good.items():
        assert result(s, send(s, f"webhooks/{slug}/made", body, headers)) == {"id": 1}, slug
        if headers:
            assert send(s, f"webhooks/{slug}/made", body + b" ", {k: v[:-3] + "AAA" for k, v in headers.items()}).status == 401, slug
    assert result(s, send(s, f"webhooks/query/made?k={key}", body)) == {"id": 1}
    assert send(s, "webhooks/query/made?k=no", body).status == 401
    assert send(s, "webhooks/far/made", body).status == 401
    a = send(s, "webhooks/open/made", body)
    assert a.status == 401 and "Webhook authentication required" in a.body["error"]["message"], a
    a = send(s, "webhooks/stamp/made", body, good["stamp"])  # the same signature again
    assert a.status == 409 and a.code == "webhook_replay", a
    old = str(int(time.time()) - 3600)
    assert send(s, "webhooks/stamp/made", body, {"X-Time": old, "X-Signature": "v1=" + sign(old.encode() + body).hexdigest()}).status == 401
    s.kill()
    s.start()
    assert send(s, "webhooks/stamp/made", body, good["stamp"]).status == 409


def test_bodies(s):
    inputs = "[{:name :n :type :number} {:name :yes :type :boolean} {:name :docs :type :file :multiple true}]"
    push(s, hook("any", "{:type :workspace}", inputs=inputs))
    push(s, hook("scan", "{:type :workspace}", inputs="[{:name :scan :type :file}]"))
    auth = {"Authorization": f"Bearer {s.key}"}

    def got(body, kind, slug="any"):
        return result(s, send(s, f"webhooks/{slug}/made", body, {**auth, "Content-Type": kind}))
    assert got(b"", None) == {}
    assert got(b"[1,2]", "application/json") == {"body": [1, 2]}
    assert got(b'{"a":1}', "application/vnd.api+json; charset=utf-8") == {"a": 1}
    assert got(b"n=5&yes=true&a=x%20y&a=z", "application/x-www-form-urlencoded") == {"n": 5, "yes": True, "a": ["x y", "z"]}
    assert got("grüße".encode(), "text/plain; charset=utf-8") == {"body": "grüße"}
    assert got(b"<a/>", "application/xml") == {"body": "<a/>"}
    multipart = (b"--XX\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n12\r\n--XX\r\nContent-Disposition: form-data; name=\"docs\"; filename=\"../a b.txt\"\r\n"
                 b"Content-Type: text/plain\r\n\r\nline\r\n--not XX\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"docs\"; filename=\"b.bin\"\r\n\r\n\x00\xff\r\n--XX--\r\n")
    m = got(multipart, "multipart/form-data; boundary=\"XX\"")
    assert m["n"] == 12 and [d["filename"] for d in m["docs"]] == ["a b.txt", "b.bin"], m
    assert m["docs"][0]["content-type"] == "text/plain" and m["docs"][0]["size-bytes"] == len(b"line\r\n--not XX\r\n"), m
    assert m["docs"][1]["sha256"] == hashlib.sha256(b"\x00\xff").hexdigest() and m["docs"][1]["uri"].startswith("res://"), m
    raw = random.Random(1).randbytes(3 << 20)
    m = got(raw, "image/png", "scan")
    assert m["scan"]["size-bytes"] == 3 << 20 and m["scan"]["sha256"] == hashlib.sha256(raw).hexdigest() and m["scan"]["content-type"] == "image/png", m
    m = got(b"Subject: hi\r\n\r\nx", "message/rfc822")
    assert m["email"]["tier"] == "ephemeral", m
    for body, kind, status in ((b"{", "application/json", 400), (b"x", "multipart/form-data", 400), (b"--X\r\n\r\n", "multipart/form-data; boundary=X", 400),
                               (multipart[:-8], "multipart/form-data; boundary=XX", 400), (b"n=five", "application/x-www-form-urlencoded", 422),
                               (b'{"n":"5"}', "application/json", 422), (b"\xff\xfe", "application/json", 400)):
        a = send(s, "webhooks/any/made", body, {**auth, "Content-Type": kind})
        assert a.status == status and a.code, (body, kind, a)
    for nothing in b"--X--\r\n", b"\xff\xfe\r\n--X--\r\n":  # a form without fields
        assert got(nothing, "multipart/form-data; boundary=X") == {}
    for kind in b"", b"image/" + "ä".encode() * 200, b"image/\xff", b"image/" + b"x" * 300:
        a = got(b"?", kind, "scan")["scan"]["content-type"]
        assert a == ("image/" + "x" * 249 if b"x" in kind else "application/octet-stream"), (kind, a)
    for form in b"a=%ff", b"a=%z1", b"a=\xff":
        a = send(s, "webhooks/any/made", form, {**auth, "Content-Type": "application/x-www-form-urlencoded"})
        assert a.status == 400 and "form is malformed" in a.body["error"]["message"], a
    a = send(s, "webhooks/any/made", b"x" * ((50 << 20) + 1), {**auth, "Content-Type": "image/png"})
    assert a.status == 413, a
    for char in "ä", "日", "😀":  # a long name is cut between its characters, wherever they end
        for before in range(4):
            name = ("x" * before + char * 200).encode()
            m = got(b"--X\r\nContent-Disposition: form-data; name=\"docs\"; filename=\"" + name + b"\"\r\n\r\nhi\r\n--X--\r\n", "multipart/form-data; boundary=X")
            cut = m["docs"][0]["filename"].encode()
            assert name.startswith(cut) and 252 <= len(cut) <= 255, (name, cut)


def test_large_bodies(s):
    """They are read on another thread and the request is looked at again: its secret, the trigger and what was delivered before count as they did."""
    n = 50000
    rows = {"items": [{"id": i, "name": f"n{i}"} for i in range(n)]}
    text = json.dumps(rows).encode()
    body = '(let [i (flow/input)] [(count (:items i)) (:id (last (:items i))) (sort (map name (keys (dissoc i :flow/ctx :flow/request :items))))])'
    push(s, hook("any", "{:type :workspace}", body))
    push(s, hook("signed", '{:type :signature :algo :hmac-sha256 :secret-ref :hook :signature-header "X-Sig" :signature-format :hex}', body))
    auth, key = {"Authorization": f"Bearer {s.key}"}, secret(s, "signed.live.in").encode()

    def sign(data):
        return {"X-Sig": hmac.new(key, data, hashlib.sha256).hexdigest()}
    assert len(text) > 1 << 20
    assert result(s, send(s, "webhooks/any/made", text, auth)) == [n, n - 1, []]
    assert result(s, send(s, "webhooks/signed/made", text, sign(text))) == [n, n - 1, []]
    a = send(s, "webhooks/signed/made", text, sign(text + b" "))
    assert a.status == 401 and a.code == "unauthorized", a
    assert send(s, "webhooks/any/made", text).status == 401
    form = b"&".join(b"f%d=%d" % (i, i) for i in range(15000))
    got = result(s, send(s, "webhooks/any/made", form, {**auth, "Content-Type": "application/x-www-form-urlencoded"}))
    assert got[0] == 0 and len(got[2]) == 15000, got[:2]
    long = json.dumps(["x" * (200 << 10)]).encode()  # smaller than a callback may be: it could be one
    assert result(s, send(s, "webhooks/any/made", long, auth))[2] == ["body"]
    for bad in (text[:-1], b"[" * (100 << 10), b"\xff" * (2 << 20), b'{"a":"' + b"\xff" * (100 << 10) + b'"}'):
        a = send(s, "webhooks/any/made", bad, auth)
        assert a.status == 400 and a.code == "bad_request" and a.body["error"]["message"], (bad[:10], a)
    once = {**auth, "X-GitHub-Delivery": str(uuid.uuid4())}
    answers = []
    senders = [threading.Thread(target=lambda: answers.append(send(s, "webhooks/any/made", text, once))) for _ in range(6)]
    for t in senders:
        t.start()
    for t in senders:
        t.join()
    assert sorted(a.status for a in answers) == [200] * 5 + [202] and len({a.data["workflowId"] for a in answers}) == 1, answers
    push(s, hook("later", "{:type :workspace}", body), live=False)
    a = s.http("POST", "/api/events/draft/webhooks/later/made", text, {"Content-Type": "application/json", "X-Breyta-Workspace": s.workspace})
    assert result(s, a) == [n, n - 1, []], a


def test_large_body_and_the_end(s):
    """The server ends while bodies are read: each sender has an answer that holds, or none."""
    push(s, hook("any", "{:type :workspace}", "(count (:items (flow/input)))"))
    text = json.dumps({"items": [{"id": i} for i in range(100000)]}).encode()
    for end in (s.stop, s.kill):
        answers = []

        def go():
            try:
                answers.append(send(s, "webhooks/any/made", text, {"Authorization": f"Bearer {s.key}", "Prefer": "respond-async"}))
            except (OSError, http.client.HTTPException):
                pass
        senders = [threading.Thread(target=go) for _ in range(4)]
        for t in senders:
            t.start()
        s.until(lambda: "bodies" in s.threads(), "a body is being read")
        end()
        for t in senders:
            t.join()
        s.start()
        for a in answers:
            assert a.status in (202, 503), a
            if a.status == 202:
                assert result(s, a) == 100000, a


def test_request_without_credentials(s):
    push(s, hook("seen", body="(:flow/request (flow/input))"))
    key = secret(s, "seen.live.in")
    r = result(s, send(s, "webhooks/seen/made?page=2", b"{}", {"X-API-Key": key, "X-GitHub-Event": "push", "Cookie": "c=1"}))
    assert r["headers"]["x-github-event"] == "push" and r["query"] == {"page": "2"} and r["path"] == "webhooks/seen/made", r
    assert key not in json.dumps(r) and "cookie" not in r["headers"], r


def test_own_answers(s):
    auth = {"Authorization": f"Bearer {s.key}"}
    body = """(let [i (flow/input)] (if (:slow i) (do (flow/step :sleep :nap {:duration (:slow i)}) {:status 200 :body "late"})
                {:status (:code i) :headers {"X-Own" "1" :content-type (:type i) "Content-Length" "9" "X-Bad" "a\\r\\nb"} :body (:say i)}))"""
    push(s, hook("own", "{:type :workspace}", body))
    status, headers, text = send(s, "webhooks/own/made", b'{"code": 201, "say": {"a": [1, null]}}', auth, raw=True)
    assert status == 201 and json.loads(text) == {"a": [1, None]} and headers["content-type"] == "application/json" and headers["x-own"] == "1", (status, headers, text)
    assert headers["content-security-policy"] == "sandbox" and "x-bad" not in headers, headers
    status, headers, text = send(s, "webhooks/own/made", b'{"code": 418, "say": "<b>hi</b>", "type": "text/html"}', auth, raw=True)
    assert (status, text, headers["content-type"]) == (418, b"<b>hi</b>", "text/html"), (status, headers, text)
    a = send(s, "webhooks/own/made", b'{"code": 77, "say": 1}', auth)
    assert a.status == 202 and a.data["status"] == "completed", a  # no status of HTTP
    for more, has in (({"type": "text/html; charset=utf-8", "say": "<img src=x>"}, "text/html; charset=utf-8"), ({}, None)):
        status, headers, text = send(s, "webhooks/own/made", json.dumps({"code": 200, **more}).encode(), auth, raw=True)
        assert headers.get("content-type") == has and headers["content-security-policy"] == "sandbox" and "x-frame-options" not in headers, headers
    begun = time.monotonic()
    a = send(s, "webhooks/own/made", b'{"slow": "3s"}', {**auth, "Prefer": "wait=1"})
    assert a.status == 202 and time.monotonic() - begun < 2.9, a
    for nap, prefer in ("3s", {}), ("100ms", {"Prefer": "wait=99999999999999999999"}):
        status, _, text = send(s, "webhooks/own/made", json.dumps({"slow": nap}).encode(), {**auth, **prefer}, raw=True)
        assert (status, text) == (200, b"late"), (prefer, text)
    begun = time.monotonic()
    assert send(s, "webhooks/own/made", b'{"code": 200}', {**auth, "Prefer": "respond-async"}).status == 202


def test_own_answer_that_is_an_error(s):
    """What the flow says about trying again is all that is said."""
    push(s, hook("busy", "{:type :workspace}", '{:status (:code (flow/input)) :headers {"Retry-After" "120" "Allow" "POST, PUT"} :body "later"}'))
    for code in 503, 405:
        _, headers, _ = s.raw("POST", f"/{s.workspace}/events/webhooks/busy/made", json.dumps({"code": code}))
        assert headers.get_all("Retry-After") == ["120"] and headers.get_all("Allow") == ["POST, PUT"], headers.items()


def test_incomplete_auth(s):
    """What could never believe anybody is told when it is written, not when somebody calls."""
    bad = {"{:type :bearer}": ":secret-ref", "{:type :basic :secret-ref :x}": ":username", ":bearer": "is a map", "{:type :signature :secret-ref :x}": ":algo",
           "{:type :signature :algo :ecdsa-p256 :secret-ref :x}": ":public-key-ref", "{:type :ip-allowlist :allow [\"nope\"]}": ":allow",
           "{:type :api-key :location :cookie :secret-ref :x}": ":location", "{:type :bearer :secret-ref :x :token \"abc\"}": "never their values",
           "{:type :hmac-sha256 :secret-ref :x :header \"a b\"}": "header name", "{:type :signature :algo :hmac-sha256 :secret-ref :x :timestamp-max-skew-ms \"5m\"}": "skew"}
    legacy = flow("old", ECHO).replace(":interfaces {:manual [{:id :run :invocation :default :enabled true}]}",
                                       ":triggers [{:type :event :enabled true :config {:source :webhook :path \"p\" :auth AUTH}}]")
    for auth, word in bad.items():
        for text in (hook("bad", auth), hook("bad").replace(":interfaces {", ":interfaces {:http [{:id :call :invocation :default :auth %s}] " % auth),
                     legacy.replace("AUTH", auth)):
            a = s.ok("flows.put_draft", {"flowLiteral": text})
            said = [d["message"] for d in a.data["diagnostics"] if d["severity"] == "error"]
            assert a.data["valid"] is False and len(said) == 1 and word in said[0], (auth, text, said)
    for auth in ("{:type :workspace}", ":workspace", "{:type :ip-allowlist :allow [\"10.0.0.0/8\" \"::1\"]}", "{:type :basic :username \"u\" :secret-ref :x}"):
        assert s.ok("flows.put_draft", {"flowLiteral": hook("fine", auth)}).data["valid"] is True, auth
        assert s.ok("flows.put_draft", {"flowLiteral": legacy.replace("AUTH", auth)}).data["valid"] is True, auth


def test_signed_calls(s):
    """A signed call of an interface is good once, and its memory is as long as its stamp is good."""
    auth = "{:type :signature :algo :hmac-sha256 :secret-ref :hook :timestamp-header \"X-Time\" :signature-format :hex :timestamp-max-skew-ms 86400000}"
    push(s, hook("api", auth, inputs="[{:name :n :type :number}]").replace(":interfaces {", ":interfaces {:http [{:id :call :invocation :default :auth %s}] " % auth))
    key = secret(s, "api.live.call").encode()

    def signed(body, stamp):
        return {"X-Time": stamp, "X-Signature": hmac.new(key, stamp.encode() + body, hashlib.sha256).hexdigest(), "Content-Type": "application/json"}
    stamp = int(time.time()) + 86000  # the sender's clock: good until it lies as far back
    for n in (b"1", b"2"):
        body = b'{"input":{"n":' + n + b"}}"
        h = {**signed(body, str(stamp)), "X-Breyta-Workspace": s.workspace}
        a = s.http("POST", "/api/flows/api/interfaces/live/call", body, h, key=False)
        assert a.status == 200 and s.over(a.data["workflowId"])["result"] == {"n": int(n)}, a
        for _ in range(2):
            a = s.http("POST", "/api/flows/api/interfaces/live/call", body, h, key=False)
            assert a.status == 409 and a.code == "webhook_replay", a
            s.kill()
            s.start()
    a = send(s, "webhooks/api/made", b'{"n":3}', signed(b'{"n":3}', str(stamp)))
    assert result(s, a) == {"n": 3}
    assert send(s, "webhooks/api/made", b'{"n":3}', signed(b'{"n":3}', str(stamp))).status == 409
    with sqlite3.connect(os.path.join(s.dir.name, "data", "breyta.db"), timeout=20) as db:
        until = [r[0] for r in db.execute("SELECT expires FROM docs WHERE kind='delivery'")]
    assert len(until) == 3 and min(until) > (stamp + 86400) * 1000, (until, stamp)


def test_urls(s):
    """The address that is told is one that can be used, whatever the event is called."""
    for i, name in enumerate(("grüße", "a b", "a/b", "50%", "x?y", "a#b", "a+b", "a%20b")):
        push(s, hook(f"u{i}", "{:type :workspace}", "\"%s\"" % name, event=f":event-name \"{name}\""))
        t = s.http("GET", f"/api/triggers/u{i}.live.in").body
        assert t["config"]["path"] == f"webhooks/u{i}/{name}", t
        path = t["webhookUrl"].split("/events/")[1]
        assert result(s, send(s, path, headers={"Authorization": f"Bearer {s.key}"})) == name, t


def test_waits_come_first(s):
    auth = {"Authorization": f"Bearer {s.key}"}
    push(s, hook("both", "{:type :workspace}", """(flow/step :wait :reply {:key "webhooks/both/made" :timeout "1m"})"""))
    a = send(s, "webhooks/both/made", b'{"first": 1}', auth)
    assert a.status == 202 and a.data["status"] == "waiting", a  # it came to a wait: nobody holds the sender
    b = send(s, "webhooks/both/made", b'{"second": 2}')
    assert b.status == 200 and b.data["outcome"] == "delivered", b
    assert s.over(a.data["workflowId"])["result"] == {"second": 2}
    a = send(s, "nothing/here", b"{}")
    assert a.status == 202 and a.data["outcome"] == "kept", a
    assert send(s, "nothing/here", b"x" * (2 << 20)).status == 413
    assert send(s, "webhooks/both/made", ws="ws-other").status == 404


def test_deliveries(s):
    auth = {"Authorization": f"Bearer {s.key}"}
    push(s, hook("git", "{:type :workspace}"))
    push(s, hook("keyed", "{:type :workspace}", concurrency="{:type :keyed :key-field :id :on-new-version :coexist}"))
    one = {**auth, "X-GitHub-Delivery": str(uuid.uuid4())}
    a, b = send(s, "webhooks/git/made", b'{"a":1}', one), send(s, "webhooks/git/made", b'{"a":1}', one)
    assert a.status == 202 and b.status == 200 and b.data["deduped"] is True and b.data["workflowId"] == a.data["workflowId"], (a, b)
    assert send(s, "webhooks/git/made", b'{"a":1}', auth).data["workflowId"] != a.data["workflowId"]
    a, b, c = (send(s, "webhooks/keyed/made", x, auth) for x in (b'{"id":1}', b'{"id":1}', b'{"id":2}'))
    assert b.data.get("deduped") is True and b.data["workflowId"] == a.data["workflowId"] and c.status == 202, (a, b, c)
    s.kill()
    s.start()
    assert send(s, "webhooks/git/made", b'{"a":1}', one).data["deduped"] is True
    # after a day it is forgotten: what has expired is taken away, and the same delivery is a new one
    s.stop()
    with sqlite3.connect(os.path.join(s.dir.name, "data", "breyta.db")) as db:
        assert db.execute("UPDATE docs SET expires=1 WHERE kind='delivery'").rowcount >= 3
    s.start()

    def left():
        with sqlite3.connect(os.path.join(s.dir.name, "data", "breyta.db"), timeout=20) as db:
            return db.execute("SELECT count(*) FROM docs WHERE kind='delivery'").fetchone()[0]
    s.until(lambda: left() == 0, "old deliveries are forgotten")
    assert "deduped" not in send(s, "webhooks/git/made", b'{"a":1}', one).data
    # twenty at once: one run
    many, answers = {**auth, "Idempotency-Key": "same"}, []
    threads = [threading.Thread(target=lambda: answers.append(send(s, "webhooks/git/made", b"{}", many))) for _ in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len({a.data["workflowId"] for a in answers}) == 1 and sorted({a.status for a in answers}) == [200, 202], answers


def test_legacy_triggers(s):
    text = flow("old", ECHO).replace(":interfaces {:manual [{:id :run :invocation :default :enabled true}]}", """:triggers
      [{:type :event :label "Orders" :enabled true :config {:source :webhook :event-name "order" :path "/shop/orders" :auth {:type :workspace}
        :fields [{:name :n :type :number :required true}]}} {:type :webhook :enabled false :config {:path "shop/off" :auth {:type :workspace}}}
       {:type :schedule :label "Nightly" :enabled true :config {:cron "0 3 * * *" :timezone "Europe/Berlin" :input {:n 1}}}]""")
    push(s, text)
    auth = {"Authorization": f"Bearer {s.key}"}
    assert result(s, s.until(lambda: (lambda a: a if "workflowId" in a.data else None)(send(s, "shop/orders", b'{"n":3}', auth)), "the path is known")) == {"n": 3}
    assert result(s, send(s, "webhooks/old/order", b'{"n":4}', auth)) == {"n": 4}
    assert send(s, "shop/orders", b"{}", auth).status == 422
    assert send(s, "shop/off", b"{}", auth).data["outcome"] == "kept"
    ts = s.http("GET", "/api/triggers?flow=old").body["triggers"]
    assert [(t["type"], t["id"], t["enabled"]) for t in ts] == [("event", "old.live.webhook-1", True), ("event", "old.live.webhook-2", False),
                                                                ("schedule", "old.live.schedule-3", True)], ts
    assert ts[0]["config"]["path"] == "shop/orders" and ts[0]["config"]["source"] == "webhook" and ts[0]["label"] == "Orders", ts
    push(s, flow("old", ECHO))
    s.until(lambda: send(s, "shop/orders", b'{"n":3}', auth).data.get("outcome") == "kept", "the path has gone")


def test_drafts_and_validate(s):
    push(s, hook("d", inputs="[{:name :n :type :number :required true}]"), live=False)
    headers = {"X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"}
    a = s.http("POST", "/api/events/draft/webhooks/d/made", '{"n":1}', headers)
    assert a.status == 202 and a.data["version"] == 0 and s.over(a.data["workflowId"])["result"] == {"n": 1}, a
    assert s.http("POST", "/api/events/draft/webhooks/d/made", "{}", headers).status == 422
    assert s.http("POST", "/api/events/draft/webhooks/d/other", "{}", headers).status == 404
    assert s.http("POST", "/api/events/draft/webhooks/d/made", "{}", headers, key=False).status == 401
    key = {"X-API-Key": secret(s, "d.draft.in")}
    for path in "webhooks/d/made", "webhooks/d/made/draft", "webhooks/d/made/live":
        assert send(s, path, b'{"n":1}', key).data == {"outcome": "kept"}, path  # a draft is not reached from outside
    a = s.http("POST", "/api/events/validate/webhooks/d/made?draft=true", '{"n":1}', headers)
    assert a.status == 200 and a.data["valid"] is True and a.data["input"] == {"n": 1} and a.data["auth"]["ok"] is False, a
    assert s.http("POST", "/api/events/validate/webhooks/d/made", '{"n":1}', headers).status == 404  # nothing is live
    a = s.http("POST", "/api/events/validate/webhooks/d/made?draft=true", '{"n":"x"}', headers)
    assert a.status == 422 and a.body["error"]["details"]["valid"] is False, a
    assert len(s.ok("runs.list").data["items"]) == 1
    multipart = b"--X\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n12\r\n--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nhello\r\n--X--\r\n"
    kind = {**headers, "Content-Type": "multipart/form-data; boundary=X"}
    a = s.http("POST", "/api/events/validate/webhooks/d/made?draft=true", multipart, kind)
    assert a.data["input"]["f"]["size-bytes"] == 5 and "uri" not in a.data["input"]["f"], a
    a = s.http("POST", "/api/events/validate/webhooks/d/made?draft=true&persist-resources=true", multipart, kind)
    assert a.data["input"]["f"]["uri"].startswith("res://"), a


def test_interfaces(s):
    text = hook("api", "{:type :workspace}", inputs="[{:name :n :type :number :required true}]").replace(
        ":interfaces {", ":interfaces {:http [{:id :call :invocation :other :auth {:type :bearer :secret-ref :hook}}] ").replace(
        ":invocations {", ":invocations {:other {:inputs [{:name :m :type :number :required true}]} ")
    push(s, text)
    h = {"X-Breyta-Workspace": s.workspace, "Content-Type": "application/json"}

    def call(path, body, headers=h, **more):
        return s.http("POST", "/api/" + path, json.dumps(body), headers, **more)
    for path in ("flows/api/interfaces/live/call", "flows/api/interfaces/draft/call", f"workspaces/{s.workspace}/flows/api/interfaces/live/call"):
        a = call(path, {"input": {"m": 2}})
        assert a.status == 200 and a.body["ok"] is True and s.over(a.data["workflowId"])["result"] == {"m": 2}, (path, a)
        assert a.data["version"] == (0 if "draft" in path else 1)
    assert s.over(call("flows/api/interfaces/live/run", {"input": {"n": 1}}).data["workflowId"])["result"] == {"n": 1}
    assert call("flows/api/interfaces/live/call", {"input": {"n": 1}}).status == 400  # the inputs are those of its invocation
    for path in ("flows/api/interfaces/live/in", "flows/api/interfaces/live/no", "flows/no/interfaces/live/call", "flows/api/interfaces/no/call"):
        a = call(path, {})
        assert a.status == 404 and "interface not found" in a.body["error"]["message"], (path, a)
    a = call("flows/api/installations/inst-none/interfaces/call", {})
    assert a.status == 404, a
    a = call(f"workspaces/ws-other/flows/api/installations/inst-none/interfaces/call", {})
    assert a.status == 403, a
    key = secret(s, "api.live.call")
    a = call("flows/api/interfaces/live/call", {"input": {"m": 3}}, {**h, "Authorization": f"Bearer {key}"}, key=False)
    assert a.status == 200, a
    for headers in ({**h, "Authorization": "Bearer no"}, h):
        assert call("flows/api/interfaces/live/call", {"input": {"m": 3}}, headers, key=False).status == 401
    assert call("flows/api/interfaces/draft/call", {"input": {"m": 3}}, {**h, "Authorization": f"Bearer {key}"}, key=False).status == 401
    op = {**h, "X-Breyta-Operation-ID": str(uuid.uuid4())}
    a, b = call("flows/api/interfaces/live/call", {"input": {"m": 4}}, op), call("flows/api/interfaces/live/call", {"input": {"m": 4}}, op)
    assert a.data["workflowId"] == b.data["workflowId"], (a, b)


def test_triggers_rest(s):
    for slug in ("a", "b"):
        push(s, hook(slug, extra=':schedules [{:id :night :cron "0 3 * * *" :timezone "Europe/Berlin" :input {:n 1 :m 1}}]'))
    push(s, hook("c"), live=False)
    got, cursor = [], ""
    while cursor is not None:
        page = s.http("GET", f"/api/triggers?limit=2&cursor={cursor}").body
        got += page["triggers"]
        assert len(page["triggers"]) <= 2 and page["has-more"] == ("next-cursor" in page), page
        cursor = page.get("next-cursor")
    assert [t["id"] for t in got] == [f"{f}.{t}.{i}" for f, t, ids in (("a", "live", ["run", "in", "night"]), ("b", "live", ["run", "in", "night"]),
                                                                     ("c", "draft", ["run", "in"])) for i in ids], [t["id"] for t in got]
    t = s.http("GET", "/api/triggers/a.live.in").body
    assert t["type"] == "webhook" and t["config"]["path"] == "webhooks/a/made" and t["webhookUrl"].endswith(f"/{s.workspace}/events/webhooks/a/made"), t
    assert t["config"]["auth"]["type"] == "api-key" and t["config"]["auth"]["secret-ref"] == "hook", t
    # the trigger of a cursor goes between two pages: what stands behind it is listed
    page = s.http("GET", "/api/triggers?limit=2").body
    assert page["next-cursor"] == "a.live.in"
    push(s, flow("a", ECHO, extra=':schedules [{:id :night :cron "0 3 * * *" :timezone "Europe/Berlin" :input {:n 1 :m 1}}]'))
    rest = [t["id"] for t in s.http("GET", f"/api/triggers?limit=50&cursor={page['next-cursor']}").body["triggers"]]
    assert rest[-6:] == ["a.live.night", "b.live.run", "b.live.in", "b.live.night", "c.draft.run", "c.draft.in"], rest
    push(s, hook("a", extra=':schedules [{:id :night :cron "0 3 * * *" :timezone "Europe/Berlin" :input {:n 1 :m 1}}]'))
    night = s.until(lambda: (lambda x: x if "nextAt" in x else None)(s.http("GET", "/api/triggers/a.live.night").body), "the schedule has a next time")
    assert night["enabled"] is True and night["config"]["cron"] == "0 3 * * *", night
    only = s.http("GET", "/api/triggers?type=schedule").body["triggers"]
    assert [t["id"] for t in only] == ["a.live.night", "b.live.night"], only
    assert [t["id"] for t in s.http("GET", "/api/triggers?flow=a&target=draft&type=webhook").body["triggers"]] == ["a.draft.in"]
    a = s.http("POST", "/api/triggers/a.live.night/fire", '{"m": 2}')
    assert a.status == 200 and s.over(a.data["workflowId"])["result"] == {"n": 1, "m": 2}, a
    op = {"X-Breyta-Operation-ID": str(uuid.uuid4())}
    runs = {s.http("POST", "/api/triggers/c.draft.in/fire", "{}", op).data["workflowId"] for _ in range(3)}
    assert len(runs) == 1, runs
    s.kill()
    s.start()
    assert s.http("POST", "/api/triggers/c.draft.in/fire", "{}", op).data["workflowId"] in runs
    for path in ("a.live.no", "a.no.in", "no.live.in", "x", "a.live.", "..", "c.live.in"):
        for method, tail in (("GET", ""), ("POST", "/fire"), ("POST", "/webhook-secret")):
            a = s.http(method, f"/api/triggers/{path}{tail}", "{}" if tail else None)
            assert a.status in (404, 409) and a.code, (path, tail, a)
    for query in ("limit=0", "limit=x", "type=odd", "cursor=zzz", "cursor=a.live.in&flow=b"):
        assert s.http("GET", f"/api/triggers?{query}").status == 400, query
    assert s.http("GET", "/api/triggers?flow=none").body["triggers"] == []
    assert s.http("POST", "/api/triggers/a.live.in/fire", "[1]").status == 400
    assert s.http("GET", "/api/triggers", key=False).status == 401


def test_installations(s):
    text = hook("inst", extra=':schedules [{:id :night :cron "0 3 * * *"}]', body="[(:target (:flow/ctx (flow/input))) (:n (flow/input))]",
                inputs="[{:name :n :type :number}]")
    push(s, text.replace(":interfaces {", ":interfaces {:http [{:id :call :invocation :default}] "))
    one, two = (s.ok("flows.installations.create", {"flowSlug": "inst", "name": n}).data["instance"]["profileId"] for n in ("one", "two"))
    s.ok("flows.installations.set_enabled", {"profileId": one, "enabled": True})
    got = s.until(lambda: (lambda t: t if any("nextAt" in x for x in t if x["id"] == f"inst.{one}.night") else None)(
        s.http("GET", f"/api/triggers?flow=inst&target={one}").body["triggers"]), "the installation's schedule is there")
    by_id = {t["id"]: t for t in got}
    path = by_id[f"inst.{one}.in"]["config"]["path"]
    assert path == f"webhooks/inst/made/{one}" and by_id[f"inst.{one}.in"]["enabled"] is True, by_id
    off = s.http("GET", f"/api/triggers/inst.{two}.night").body
    assert off["enabled"] is False and "nextAt" not in off, off
    key = secret(s, f"inst.{one}.in")
    a = send(s, path, b'{"n":1}', {"X-API-Key": key})
    assert result(s, a)[1] == 1 and a.data["target"] == one, a
    assert send(s, f"webhooks/inst/made/{two}", b'{"n":1}', {"X-API-Key": key}).data["outcome"] == "kept"  # it is switched off
    a = s.http("POST", f"/api/flows/inst/installations/{one}/interfaces/call", '{"input":{"n":2}}')
    assert a.status == 200 and s.over(a.data["workflowId"])["result"][1] == 2, a
    assert s.http("POST", f"/api/flows/inst/installations/{two}/interfaces/call", "{}").status == 409
    s.ok("flows.installations.set_enabled", {"profileId": one, "enabled": False})
    s.until(lambda: "nextAt" not in s.http("GET", f"/api/triggers/inst.{one}.night").body, "its schedule is withdrawn")
    s.ok("flows.installations.delete", {"profileId": one})
    assert s.http("GET", f"/api/triggers/inst.{one}.night").status == 404


def test_not_set_up(s):
    text = hook("setup", "{:type :workspace}", extra=':requires [{:kind :form :label "S" :fields [{:key :region :label "R" :field-type :text :required true}]}]',
                body="(:region (:activation (flow/input)))")
    push(s, text)
    auth = {"Authorization": f"Bearer {s.key}"}
    a = send(s, "webhooks/setup/made", b"{}", auth)
    assert a.status == 503 and a.code == "not_set_up", a
    a = s.http("POST", "/api/triggers/setup.live.in/fire", "{}")
    assert a.status == 409 and a.code == "live_config_incomplete", a
    s.ok("flows.configure", {"flowSlug": "setup", "target": "live", "inputs": {"form-region": "eu"}})
    assert result(s, send(s, "webhooks/setup/made", b"{}", auth)) == "eu"


def test_draft_schedules(s):
    """A schedule of a draft fires when it is switched on there."""
    push(s, flow("dr", ECHO, extra=':schedules [{:id :night :cron "0 3 * * *"}]'), live=False)

    def next_at():
        return s.http("GET", "/api/triggers/dr.draft.night").body.get("nextAt")
    assert next_at() is None
    s.ok("flows.configure", {"flowSlug": "dr", "target": "draft", "inputs": {}, "schedules": {"night": {"enabled": True}}})
    s.until(next_at, "it is on")
    s.ok("flows.configure", {"flowSlug": "dr", "target": "draft", "inputs": {}, "scheduleResets": ["night"]})
    s.until(lambda: next_at() is None, "it is off again")


def test_other_scopes_and_workspaces(s):
    push(s, hook("mine"))
    secret(s, "mine.live.in")
    account = s.ok("service_accounts.create", {"name": "reader", "capabilities": ["flows.read"]}).data["serviceAccount"]["serviceAccountId"]
    key = s.ok("service_accounts.keys.create", {"serviceAccountId": account}).data["key"]["apiKey"]
    assert s.http("GET", "/api/triggers/mine.live.in", key=key).status == 200
    for path in ("triggers/mine.live.in/fire", "triggers/mine.live.in/webhook-secret", "events/draft/webhooks/mine/made", "events/validate/webhooks/mine/made",
                 "flows/mine/interfaces/live/run"):
        a = s.http("POST", "/api/" + path, "{}", key=key)
        assert a.status == 403 and a.code == "forbidden", (path, a)
    assert s.http("POST", "/api/debug/workspace/bootstrap", json.dumps({"workspaceId": "ws-two"})).status == 200
    two = {"X-Breyta-Workspace": "ws-two"}
    assert s.http("GET", "/api/triggers", headers=two).body["triggers"] == []
    assert s.http("GET", "/api/triggers/mine.live.in", headers=two).status == 404
    assert s.http("POST", "/api/workspaces/ws-two/flows/mine/interfaces/live/run", "{}").status == 404
    assert send(s, "webhooks/mine/made", ws="ws-two").data["outcome"] == "kept"


def test_killed(s):
    """Killed at any moment while webhooks come: what was acknowledged has its run, and a delivery sent again has one."""
    rng = random.Random(5)
    push(s, hook("k", "{:type :workspace}"))
    auth = {"Authorization": f"Bearer {s.key}"}
    acknowledged, n = {}, 0
    for i in range(ROUNDS):
        stop = threading.Event()

        def sender(k):
            while not stop.is_set():
                d = f"{i}-{k}-{uuid.uuid4()}"
                try:
                    a = send(s, "webhooks/k/made", json.dumps({"d": d}), {**auth, "X-Delivery-Id": d, "Prefer": rng.choice(["respond-async", "wait=1"])})
                    if a.status == 202:
                        acknowledged[d] = a.data["workflowId"]
                except Exception:
                    unsure.append(d)
                    return
        unsure = []
        threads = [threading.Thread(target=sender, args=(k,)) for k in range(4)]
        [t.start() for t in threads]
        time.sleep(0.02 + rng.random() * 0.15)  # the moment of the kill, at random
        s.kill()
        stop.set()
        [t.join() for t in threads]
        s.start()
        for d in unsure:  # sent again: the run that is there, or one now
            a = send(s, "webhooks/k/made", json.dumps({"d": d}), {**auth, "X-Delivery-Id": d})
            assert a.status in (200, 202), a
            acknowledged[d] = a.data["workflowId"]
    print(f"# {len(acknowledged)} deliveries over {ROUNDS} kills", flush=True)
    assert len(set(acknowledged.values())) == len(acknowledged) > 100
    for d, run in rng.sample(sorted(acknowledged.items()), 100):
        assert s.over(run)["result"] == {"d": d}, d
    total, cursor = 0, None
    while True:
        a = s.ok("runs.list", {"limit": 100, **({"cursor": cursor} if cursor else {})})
        total += len(a.data["items"])
        cursor = a.meta.get("nextCursor")
        if not cursor:
            break
    assert total == len(acknowledged), (total, len(acknowledged))


if __name__ == "__main__":
    run_tests(globals())
