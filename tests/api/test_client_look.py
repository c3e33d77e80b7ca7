#!/usr/bin/env python3
"""The client's rows of client_rows_look.c (docs, incidents, digests, feedback), files to an installation's webhook, and the connection by which
flows call their own server. See client.py."""
import json
import os
import sqlite3
import time

import client
from server import flow

FAILS = """(let [in (flow/input)] (flow/step :function :boom {:code '(fn [i] (if (:ok i) 1 (throw (ex-info "no luck" {:type :unlucky})))) :input {:ok (:ok in)}}))"""


def push(c, slug, body, inputs="[]", extra=""):
    c.data("flows", "push", "--file", "-", stdin=flow(slug, body, inputs, extra))


def lines(c, *args):
    p = c.raw(*args)
    assert p.returncode == 0, p
    c.used.add(c.row(args))
    return [line.split("\t") for line in p.stdout.splitlines()]


def test_docs_find(c):
    rows = lines(c, "docs", "find", "retry", "--limit", "3")
    assert rows[0] == ["slug", "title", "source", "snippet"] and len(rows) > 1 and all(len(r) == 4 for r in rows), rows
    assert len(lines(c, "docs", "find", "--no-header", "--limit", "500")) == len(c.data("docs", "find", "--limit", "500", "--format", "json")["data"]["pages"]) > 15
    assert lines(c, "docs", "find", "--no-header", "--limit", "1", "--offset", "1") == lines(c, "docs", "find", "--no-header", "--limit", "2")[1:]
    assert [r[3] for r in lines(c, "docs", "find", "job", "--with-snippets=false", "--no-header")][0] == ""
    assert lines(c, "docs", "find", "no-such-word-anywhere", "--no-header") == []


def test_docs_show(c):
    text = c.raw("docs", "show", "reference-step-http", "--full").stdout
    c.data("docs", "show", "reference-step-http", "--format", "json")
    assert text.startswith("# The step :http\n") and "\n## Result\n" in text
    part = c.raw("docs", "show", "reference-step-http", "--section", "result", "--full").stdout
    assert part.startswith("## Result\n") and part.rstrip("\n") in text and part.count("\n## ") == 0, part
    p = c.raw("docs", "show", "reference-step-http", "--max-chars", "16")
    assert p.returncode == 0 and p.stdout == "# The step :http\n" and "--full" in p.stderr, p
    assert c.raw("docs", "show", "reference-step-http", "--format", "html").stdout.startswith("<!doctype html>")
    c.fails("not_found", "docs", "show", "reference-none")
    c.fails("not_found", "docs", "show", "reference-step-http", "--section", "no such heading")
    c.fails("usage", "docs", "show", "reference-step-http", "--section", "x", "--format", "html")


def test_docs_fields(c):
    rows = lines(c, "docs", "fields", "http", "url", ":method")
    assert rows[0] == ["section", "field", "value", "required", "meaning"] and [r[1] for r in rows[1:]] == [":url", ":method"], rows
    assert all(r[0] == "Options" and r[2] and r[3] in ("yes", "no") and r[4] for r in rows[1:]), rows
    assert {r[0] for r in lines(c, "docs", "fields", "reference-step-http", "--section", ":retry", "--no-header")} == {"Inside `:retry`"}
    items = c.data("docs", "fields", ":job", "--format", "json")["items"]
    assert [i["required"] for i in items if i["field"] == ":op"] == ["yes"], items
    backoff = [i["meaning"] for i in items if i["field"] == ":backoff" and i["section"] == "Options"]
    assert "{:type :constant|:linear" in backoff[0], backoff  # a bar inside a cell
    c.fails("not_found", "docs", "fields", "http", "no-such-field")
    c.fails("not_found", "docs", "fields", "no-such-step")


def test_docs_sync(c):
    out = os.path.join(c.home, "ref")
    pages = c.data("docs", "sync", "--out", out)["pages"]
    assert sorted(os.listdir(out)) == sorted(p + ".md" for p in pages) and len(pages) > 15
    with open(os.path.join(out, "reference-step-http.md")) as f:
        assert f.read() == c.raw("docs", "show", "reference-step-http", "--full").stdout
    for name in ("gone.md", "mine.txt"):
        open(os.path.join(out, name), "w").close()
    assert c.data("docs", "sync", "--out", out, "--clean")["removed"] == 1
    assert "mine.txt" in os.listdir(out) and "gone.md" not in os.listdir(out)
    c.fails("file", "docs", "sync", "--out", "/dev/null/x")


def failed_run(c, slug):
    c.run("flows", "run", slug, "--wait", status=1)


def test_incidents(c):
    for slug in ("a", "b"):
        push(c, slug, FAILS, "[{:name :ok :type :boolean}]")
        failed_run(c, slug)
    failed_run(c, "a")
    d = c.data("incidents", "list")
    assert [(i["id"], i["failureCount"]) for i in d["items"]] == [("inc-a.draft", 2), ("inc-b.draft", 1)], d
    assert c.meta["nextCommands"] == ["breyta incidents show inc-a.draft"]
    d = c.data("incidents", "show", "inc-a.draft", "--failure-limit", "1")
    assert len(d["failures"]) == 1 and c.meta["nextCommands"] == ["breyta runs inspect " + d["failures"][0]["workflowId"]], d
    assert c.data("incidents", "lanes", "inc-a.draft")["items"] == [{"version": 0, "failureCount": 2}]
    assert c.data("incidents", "list", "--mine")["items"] == []
    assert c.data("incidents", "acknowledge", "inc-a.draft")["incident"]["status"] == "acknowledged"
    assert [i["id"] for i in c.data("incidents", "list", "--mine")["items"]] == ["inc-a.draft"]
    snoozed = c.data("incidents", "snooze", "inc-b.draft", "--for", "2h")["incident"]["snoozedUntil"]
    assert time.strftime("%Y-%m-%dT%H:", time.gmtime(time.time() + 7100)) <= snoozed <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7300)), snoozed
    c.fails("bad_request", "incidents", "snooze", "inc-b.draft", "--for", "soon")
    assert c.data("incidents", "suppress", "inc-b.draft")["incident"]["status"] == "suppressed"
    assert [i["id"] for i in c.data("incidents", "list", "--status", "suppressed")["items"]] == ["inc-b.draft"]
    c.fails("not_found", "incidents", "show", "inc-none.draft")


def test_digests(c):
    s, yesterday = c.server, int(time.time()) - 24 * 3600
    assert c.data("digests", "list", "--cadence", "daily")["items"] == []  # today is not over
    assert s.stop() == 0
    with sqlite3.connect(s.dir.name + "/data/breyta.db") as db:
        db.execute("UPDATE runs SET created=?", (yesterday * 1000,))
    db.close()
    s.start()
    assert c.data("digests", "cadence", "set", "daily")["cadence"] == "daily"
    d = c.data("digests", "list")["items"]
    assert [(x["id"], x["runs"]["failed"], x["status"]) for x in d] == [(time.strftime("daily-%Y-%m-%d", time.gmtime(yesterday)), 3, "unread")], d
    assert c.meta["nextCommands"] == ["breyta digests show " + d[0]["id"]]
    assert c.data("digests", "show", d[0]["id"])["digest"] == d[0]
    assert c.data("digests", "deliveries", d[0]["id"])["items"] == []
    assert c.data("digests", "mark-read", d[0]["id"])["digest"]["status"] == "read"
    assert c.data("digests", "list", "--status", "unread")["items"] == [] and c.data("digests", "list", "--kind", "other")["items"] == []
    assert "daily|weekly|monthly" in c.fails("usage", "digests", "cadence", "set", "hourly")
    c.fails("not_found", "digests", "show", "daily-1999-01-01")


def test_feedback(c):
    d = c.data("feedback", "send", "--title", "Slow", "--description", "It is", "--flow", "a", "--tag", "x", "--tag", "y", "--agent", "--metadata", '{"n": 1}')["feedback"]
    assert (d["title"], d["description"], d["flowSlug"], d["tags"], d["source"], d["type"], d["metadata"]) == ("Slow", "It is", "a", ["x", "y"], "agent", "issue", {"n": 1}), d
    assert c.data("feedback", "list", "--limit", "1")["items"] == [d]
    c.fails("usage", "feedback", "send", "--description", "no title")


def test_upload_to_installation(c):
    inputs = "[{:name :n :type :number} {:name :doc :type :file} {:name :more :type :file :multiple true}]"
    body = "(let [i (flow/input)] {:n (:n i) :doc (select-keys (:doc i) [:filename :size-bytes]) :more (for [m (:more i)] (:filename m))})"
    hook = ':webhook [{:id :in :invocation :default :event-name "made" :auth {:type :hmac-sha256 :secret-ref :hook}}]'
    c.data("flows", "push", "--file", "-", stdin=flow("takes", body, inputs).replace(":interfaces {", ":interfaces {" + hook + " ", 1))
    c.data("flows", "release", "takes")
    inst = c.data("flows", "installations", "create", "takes", "--enable")["instance"]["profileId"]
    c.data("secrets", "set", "hook", "--value-file", "-", stdin="shared")
    for name, text in (("a.txt", "a" * 15), ("b.txt", "b"), ("c.txt", "c"), ("hook.key", "shared\n")):
        with open(os.path.join(c.home, name), "w") as f:
            f.write(text)
    upload = ["flows", "installations", "upload", inst]
    sign = ["--sign", "hmac-sha256", "--sign-secret-file", "hook.key"]
    d = c.data(*upload, "--file", "a.txt", "--multipart-file", "more=b.txt", "--multipart-file", "more=c.txt", "--field", "n=7", *sign)
    run = c.data("runs", "watch", d["data"]["workflowId"])["run"]
    assert run["resultPreview"]["data"]["result"] == {"n": 7, "doc": {"filename": "a.txt", "size-bytes": 15}, "more": ["b.txt", "c.txt"]}, run
    d = c.data(*upload, "--file", "b.txt", "--file", "c.txt", "--file-field", "more", "--trigger", "made", *sign)
    assert c.data("runs", "watch", d["data"]["workflowId"])["run"]["resultPreview"]["data"]["result"]["more"] == ["b.txt", "c.txt"]
    c.run(*upload, "--file", "a.txt", status=1)  # not signed
    c.fails("not_found", *upload, "--file", "a.txt", "--trigger", "nowhere", *sign)
    c.fails("usage", *upload)
    c.fails("usage", *upload, "--file", "/none")


def test_own_api(c):
    """The connection calls this server with the key, and the key is shown nowhere."""
    con = c.data("auth", "api-connection", "--name", "This server")["connection"]["id"]
    assert c.meta["nextCommands"] == ["breyta connections test " + con]
    d = c.data("connections", "call", con, "--path", "/api/me")
    assert d["status"] == 200 and d["body"]["workspaces"], d
    assert c.server.key not in json.dumps(c.data("connections", "show", con))
    again = c.data("auth", "api-connection", "--connection-id", con, "--base-url", "http://127.0.0.1:1")["connection"]["id"]
    assert again == con and c.data("connections", "show", con)["base-url"] == "http://127.0.0.1:1"
    c.fails("usage", "auth", "api-connection", env={"BREYTA_API_URL": c.env()["BREYTA_API_URL"]})


def test_login_as_the_stock_client_does(c):
    url = c.env()["BREYTA_API_URL"]
    p = c.raw("auth", "login", "--api", url, "--email", "me@example.com", "--password-stdin", "--print", "token", stdin=c.server.key + "\n", env={})
    assert p.returncode == 0 and p.stdout == c.server.key + "\n", p
    assert c.data("auth", "login", "--api", url, "--email", "me@example.com", "--password", c.server.key, env={})["workspaceId"] == "ws-local"
    assert c.raw("auth", "login", "--api", url, "--password", "wrong", env={}).returncode == 1


def test_rows_are_used(c):
    groups = ("docs", "incidents", "digests", "feedback")
    left = sorted(n for n in c.table if n.split()[0] in groups and n not in c.used)
    assert not left, left


if __name__ == "__main__":
    client.run(globals())
