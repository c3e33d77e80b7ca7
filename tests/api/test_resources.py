#!/usr/bin/env python3
"""Resources, files and tables over HTTP. See server.py."""
import hashlib
import json
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import quote, urlsplit

from server import flow, run_tests

J = {"Content-Type": "application/json"}
KEEP = """(let [a (flow/step :function :big {:input {} :code '(fn [_] (apply str (repeat 3000 "word ")))
                                       :persist {:type :blob :filename "words.txt" :content-type "text/plain" :search-index {:tags ["prose"] :text "special"}}})]
            {:ref a})"""
ROWS = """(let [t (flow/step :function :rows {:input {} :code '(fn [_] (mapv (fn [i] {:id i :name (str "n" i) :even (even? i)}) (range 60)))
                                        :persist {:type :table :table "numbers" :key-fields [:id] :index-fields [:name]}})]
            {:t t})"""


def post(s, path, body, **more):
    return s.http("POST", "/api/" + path, json.dumps(body), J, **more)


def raw(s, method, path, body=None, headers=None):
    return s.raw(method, path, body, headers)


def upload(s, data, name="a.bin", kind="application/octet-stream", **more):
    a = post(s, "files/uploads/init", {"filename": name, "content-type": kind, **more})
    assert a.status == 200 and a.body["upload-url"] == "", a
    uri = a.body["uri"]
    b = s.http("PUT", "/api/files/uploads/direct?uri=" + quote(uri, safe=""), data, {"Content-Type": kind})
    assert b.status == 200 and b.body["size-bytes"] == len(data), b
    c = post(s, "files/uploads/complete", {"uri": uri, "upload-session-id": a.body["upload-session-id"]})
    assert c.status == 200 and c.body == {"uri": uri, "content-type": kind, "size-bytes": len(data), "filename": name,
                                          "sha256": hashlib.sha256(data).hexdigest()}, c
    return uri


def fetch(s, uri, headers=None):
    a = s.http("GET", "/api/resources/url?ttl=60&uri=" + quote(uri, safe=""))
    assert a.status == 200, a
    u = urlsplit(a.body["url"])
    return s.raw("GET", u.path + "?" + u.query, None, headers, key=False)


def test_pages_of_a_list_with_tables(s):
    """Tables come first, and every page leads to the next one."""
    for i in range(5):
        a = post(s, "resources/table/import-csv", {"table": f"t{i}", "csv": "a,b\n1,2\n"})
        assert a.status == 200, a
    files = [upload(s, b"x", f"f{i}") for i in range(3)]
    for query, want in (("", 8), ("&type=table", 5), ("&type=file", 3), ("&query=t1", 1), ("&types=table,file", 8)):
        for limit in (1, 2, 3, 4, 5, 8, 9):
            seen, cursor = [], ""
            while True:
                a = s.http("GET", f"/api/resources?limit={limit}{query}{cursor}")
                assert a.status == 200 and len(a.body["items"]) <= limit, a
                seen += [i["uri"] for i in a.body["items"]]
                if not a.body["has-more"]:
                    break
                assert len(seen) < 20, a
                cursor = "&cursor=" + quote(a.body["next-cursor"], safe="")
            assert len(seen) == len(set(seen)) == want, (query, limit, seen)
    assert sorted(seen[5:]) == sorted(files) and s.http("GET", "/api/resources?cursor=table/").status == 400


def test_ranges(s):
    data = bytes(range(256)) * 4
    one, empty = upload(s, data), upload(s, b"", "empty")
    for asked, at, end in (("0-0", 0, 1), ("-1", 1023, 1024), ("5-", 5, 1024), ("1023-", 1023, 1024), ("0-99999999999999999999", 0, 1024), ("-99999", 0, 1024), ("7-9", 7, 10)):
        status, headers, got = fetch(s, one, {"Range": "bytes=" + asked})
        assert (status, got, headers["Content-Range"]) == (206, data[at:end], f"bytes {at}-{end - 1}/1024"), (asked, status, headers)
    for uri, size, asked in ((one, 1024, "1024-"), (one, 1024, "-0"), (one, 1024, "99999999999999999999-"), (empty, 0, "0-0"), (empty, 0, "-1")):
        status, headers, got = fetch(s, uri, {"Range": "bytes=" + asked})
        assert status == 416 and headers["Content-Range"] == f"bytes */{size}" and json.loads(got)["error"]["code"] == "range_not_satisfiable", (asked, status, got)
    for asked in ("", "-", "abc", "5-2", "0-1,3-4", " 0-1", "+1-2", "1-2-3", "--5", "5--3", "5", "1-2x"):
        assert fetch(s, one, {"Range": "bytes=" + asked})[::2] == (200, data), asked
        assert fetch(s, empty, {"Range": "bytes=" + asked})[::2] == (200, b""), asked


def test_names_of_files(s):
    one = upload(s, b"one", "b/c", folder="a")
    again = lambda name, folder: post(s, "files/uploads/init", {"filename": name, "folder": folder, "replace-existing": True}).body["uri"]
    assert again("c", "a/b") != one and again("b/c", "a") == one
    two = upload(s, b"two", "c", folder="a/b")
    assert again("c", "a/b") == two and again("b/c", "a") == one
    for kind in ("text/plain\r\nX-Evil: 1", "text/\tplain", "\u0001"):
        a = post(s, "files/uploads/init", {"filename": "x", "content-type": kind})
        assert a.status == 400 and "content-type" in a.body["error"]["message"], a


def test_uploads(s):
    small, big = b"hello \x00\xff", os.urandom(9 << 20)
    a, b = upload(s, small), upload(s, big, "big.bin", folder="in")
    s.kill()
    s.start()
    assert fetch(s, a)[2] == small and fetch(s, b)[2] == big
    status, headers, part = fetch(s, b, {"Range": "bytes=1000000-1000099"})
    assert status == 206 and part == big[1000000:1000100] and headers["Content-Range"] == f"bytes 1000000-1000099/{len(big)}"
    got = s.http("GET", "/api/resources/by-uri?uri=" + quote(b, safe=""))
    assert got.body["filename"] == "big.bin" and got.body["folder"] == "in" and got.body["type"] == "file" and got.body["size-bytes"] == len(big)
    got = s.http("GET", "/api/resources/content?uri=" + quote(b, safe="")).body
    assert got["sizeBytes"] == len(big) and got["downloadUrl"].startswith("http://"), got
    assert upload(s, b"one", "same.txt", "text/plain") != upload(s, b"two", "same.txt", "text/plain")
    again = post(s, "files/uploads/init", {"filename": "same.txt", "replace-existing": True}).body["uri"]
    assert upload(s, b"three", "same.txt", "text/plain", **{"replace-existing": True}) == again
    assert s.http("GET", "/api/resources/content?uri=" + quote(again, safe="")).body["body"] == "three"
    empty = upload(s, b"", "empty")
    assert fetch(s, empty)[2] == b""


def test_bad_addresses(s):
    uri = upload(s, b"mine", "m.txt", "text/plain")
    url = urlsplit(s.http("GET", "/api/resources/url?ttl=60&uri=" + quote(uri, safe="")).body["url"])
    for query in ("", url.query[:-4], url.query.replace("expires=", "expires=9"), url.query.replace("signature=", "signature=0"), "uri=" + quote(uri, safe="")):
        a = s.http("GET", url.path + "?" + query, key=False)
        assert a.status == 403 and a.code == "link_invalid", (query, a)


def test_bad_uploads(s):
    assert post(s, "files/uploads/init", {}).code == "bad_request"
    assert post(s, "files/uploads/init", {"filename": "a\nb"}).status == 400
    assert post(s, "files/uploads/init", {"filename": "x" * 300}).status == 400
    assert post(s, "files/uploads/init", {"filename": 7}).status == 400
    unknown = "res://v1/ws/ws-local/file/000000000000000000000000"
    assert s.http("PUT", "/api/files/uploads/direct?uri=" + quote(unknown, safe=""), b"x").status == 404
    assert s.http("PUT", "/api/files/uploads/direct", b"x").status == 400
    assert post(s, "files/uploads/complete", {"uri": unknown}).status == 404
    uri = post(s, "files/uploads/init", {"filename": "later"}).body["uri"]
    assert post(s, "files/uploads/complete", {"uri": uri}).code == "upload_incomplete"
    assert s.http("GET", "/api/resources/by-uri?uri=" + quote(uri, safe="")).status == 404  # not before it is complete
    assert uri not in [i["uri"] for i in s.http("GET", "/api/resources").body["items"]]


def test_what_has_expired_is_forgotten(s):
    uri = post(s, "files/uploads/init", {"filename": "late"}).body["uri"]
    upload(s, b"one", "named.txt")
    s.ok("flows.put_draft", {"flowLiteral": flow("f", "1")}, op="old")
    assert s.stop() == 0
    db = sqlite3.connect(s.dir.name + "/data/breyta.db")
    kinds = [k for (k,) in db.execute("SELECT DISTINCT kind FROM docs WHERE expires > 0")]
    assert {"upload", "file-name", "api-op"} <= set(kinds), kinds
    db.execute("UPDATE docs SET expires = 1 WHERE expires > 0 AND kind <> 'resource'")
    db.executemany("INSERT INTO docs VALUES('ws-local', 'upload', ?, 1, 1, 0, 1, '')", [(f"u{i}",) for i in range(150)])
    db.commit()
    db.close()
    s.start()
    assert s.http("PUT", "/api/files/uploads/direct?uri=" + quote(uri, safe=""), b"x").status == 404  # its time is over

    def left():
        with closing(sqlite3.connect(f"file:{s.dir.name}/data/breyta.db?mode=ro", uri=True)) as d:
            return d.execute("SELECT count(*) FROM docs WHERE expires = 1").fetchone()[0]
    s.until(lambda: left() == 0, "they are gone")


def test_lists_content_and_search(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("keeper", KEEP)})
    run = s.ok("flows.run", {"flowSlug": "keeper"}).data["workflowId"]
    assert s.over(run)["status"] == "completed"
    upload(s, b"%PDF", "paper.pdf", "application/pdf")
    upload(s, b"note one", "note.txt", "text/plain; charset=utf-8")

    def names(query=""):
        a = s.http("GET", "/api/resources?" + query)
        assert a.status == 200, a
        return [i["display-name"] for i in a.body["items"]]
    assert sorted(names()) == ["note.txt", "paper.pdf", "words.txt"]
    assert sorted(names("type=file")) == ["note.txt", "paper.pdf"] and names("types=result,table") == ["words.txt"]
    assert sorted(names("accept=text/*")) == ["note.txt", "words.txt"] and names("accept=application/pdf") == ["paper.pdf"]
    assert names("query=PAPER") == ["paper.pdf"] and names("tags=prose") == ["words.txt"] and names("tags=prose,none") == []
    assert names("exclude-tier=retained") == [] and names("path-prefix=result/") == ["words.txt"]
    assert names("prefix=" + quote("res://v1/ws/ws-local/file/", safe="")) == names("type=file")
    first = s.http("GET", "/api/resources?limit=2").body
    assert len(first["items"]) == 2 and first["has-more"]
    rest = s.http("GET", "/api/resources?limit=2&cursor=" + quote(first["next-cursor"], safe="")).body
    assert len(rest["items"]) == 1 and not rest["has-more"]
    assert s.http("GET", "/api/resources?cursor=x").status == 400 and s.http("GET", "/api/resources?limit=0").status == 400
    of_run = s.http("GET", "/api/resources/workflow/" + run).body["items"]
    assert [i["step-id"] for i in of_run] == ["big"]
    assert s.http("GET", f"/api/resources/workflow/{run}/step/big").body["items"] == of_run
    assert s.http("GET", f"/api/resources/workflow/{run}/step/other").body["items"] == []
    assert s.http("GET", "/api/resources/workflow/nothing").status == 404
    uri = of_run[0]["uri"]
    full = s.http("GET", "/api/resources/content?uri=" + quote(uri, safe="")).body
    assert full["contentType"] == "text/plain" and len(full["body"]) == 15000
    part = s.http("GET", "/api/resources/content?view=summary&uri=" + quote(uri, safe="")).body
    assert part["truncated"] is True and len(part["body"]) == 4000
    out = s.http("GET", "/api/resources/content?uri=" + quote(f"res://v1/ws/ws-local/result/run/{run}/flow-output", safe="")).body
    assert out["body"]["ref"]["uri"] == uri, out
    step = s.http("GET", "/api/resources/content?uri=" + quote(f"res://v1/ws/ws-local/result/run/{run}/step/big/output", safe="")).body
    assert step["body"]["uri"] == uri, step
    assert s.http("GET", "/api/resources/content?uri=" + quote(f"res://v1/ws/ws-local/result/run/{run}/step/no/output", safe="")).status == 404

    def found(q, more=""):
        a = s.http("GET", "/api/resources/search?q=" + quote(q) + more)
        assert a.status == 200, a
        return [i["display-name"] for i in a.body["items"]]
    assert found("special") == ["words.txt"] and found("paper") == ["paper.pdf"] and found("note") == ["note.txt"]
    assert found("special nowhere") == [] and found("special nowhere", "&keyword-mode=any") == ["words.txt"] == found("special nowhere", "&keyword-mode=balanced")
    assert s.http("GET", "/api/resources/search").status == 400 and s.http("GET", "/api/resources/search?q=...").status == 400
    note = s.http("GET", "/api/resources?query=note.txt").body["items"][0]["uri"]
    assert post(s, "resources/search-index", {"op": "update", "uri": note, "tags": ["t1"], "text": "zebra"}).status == 200
    assert found("zebra") == ["note.txt"] and names("tags=t1") == ["note.txt"]
    assert post(s, "resources/search-index", {"op": "show", "uri": note}).body["searchIndex"] == {"tags": ["t1"], "text": "zebra"}
    assert post(s, "resources/search-index", {"op": "clear", "uri": note}).status == 200 and found("zebra") == []
    assert post(s, "resources/search-index", {"op": "reindex", "uri": note}).status == 200 and found("note") == ["note.txt"]
    assert post(s, "resources/search-index", {"op": "burn", "uri": note}).status == 400
    assert s.http("DELETE", "/api/files/by-uri?uri=" + quote(note, safe="")).body["deleted"] is True
    assert found("note") == [] and s.http("GET", "/api/resources/by-uri?uri=" + quote(note, safe="")).status == 404
    assert s.http("DELETE", "/api/files/by-uri?uri=" + quote(note, safe="")).status == 404
    for uri, status in (("res://v1/ws/other/file/1", 404), ("file:///etc/passwd", 400), ("res://v1/ws/ws-local/../x", 404)):
        for route in ("by-uri", "content", "url"):
            assert s.http("GET", f"/api/resources/{route}?uri=" + quote(uri, safe="")).status == status, (route, uri)


def test_tables(s):
    s.ok("flows.put_draft", {"flowLiteral": flow("rows", ROWS)})
    run = s.ok("flows.run", {"flowSlug": "rows"}).data["workflowId"]
    uri = s.over(run)["result"]["t"]["uri"]

    def table(op, body=None, status=200):
        a = post(s, "resources/table/" + op, {"uri": uri, **(body or {})})
        assert a.status == status, a
        return a.body
    q = table("query", {"page": {"mode": "offset", "limit": 10}, "where": [["even", "=", True]], "sort": [["id", "desc"]], "select": ["id", "name"]})
    assert q["rows"][0] == {"id": 58, "name": "n58"} and q["count"] == 10 and q["page"]["hasMore"] is True and q["items"][0]["data"] == q["rows"][0], q
    q = table("query", {"page": {"mode": "cursor", "limit": 25, "include-total-count?": True}, "sort": [["id", "asc"]]})
    assert q["page"]["totalCount"] == 60 and len(q["rows"]) == 25
    q2 = table("query", {"page": {"mode": "cursor", "limit": 25, "cursor": q["page"]["nextCursor"]}, "sort": [["id", "asc"]]})
    assert q2["rows"][0]["id"] == 25
    assert table("get-row", {"key": {"id": "7"}})["row"]["name"] == "n7"  # a number, as a command line writes it
    assert table("get-row", {"row-id": q["items"][3]["rowId"]})["row"]["id"] == 3
    got = table("aggregate", {"group-by": ["even"], "metrics": [{"op": "count", "as": "n"}], "limit": 10})
    assert sorted((r["even"], r["n"]) for r in got["results"]) == [(False, 30), (True, 30)] and got["hasMore"] is False, got
    assert [c["name"] for c in table("schema")["columns"]] == ["id", "name", "even"]
    assert table("update-cell", {"column": "name", "key": {"id": "7"}, "value": "seven"})["success"] is True
    assert table("get-row", {"key": {"id": "7"}})["row"]["name"] == "seven"
    table("update-cell-format", {"column": "name", "key": {"id": "7"}, "format": {"bold": True}})
    table("set-column", {"column": "name", "definition": {"display-name": "Name"}})
    table("recompute", {"limit": 10, "offset": 0})
    status, headers, text = raw(s, "POST", "/api/resources/table/export", json.dumps({"uri": uri, "select": ["id", "name"], "sort": [["id", "asc"]]}), J)
    assert status == 200 and headers["Content-Type"].startswith("text/csv") and text.decode().splitlines()[:2] == ["id,name", "0,n0"]
    a = post(s, "resources/table/import-csv", {"table": "people", "csv": "id,name\n1,Ann\n2,Bob\n", "write-mode": "upsert", "key-fields": ["id"]})
    assert a.status == 200 and a.body["rowsWritten"] == 2 and a.body["rowsInserted"] == 2 and a.body["tableName"] == "people", a
    people = a.body["resourceUri"]
    a = post(s, "resources/table/materialize-join", {"left": {"ref": uri}, "right": {"ref": people}, "on": [["id", "id"]], "join-type": "inner",
                                                     "project": [{"from": "left", "field": "id", "as": "id"}, {"from": "right", "field": "name", "as": "who"}],
                                                     "into": {"table": "joined", "write-mode": "replace"}})
    assert a.status == 200, a
    page = s.http("GET", "/api/resources/content?limit=5&offset=10&uri=" + quote(uri, safe="")).body
    assert page["tableName"] == "numbers" and page["rowCount"] == 60 and len(page["rows"]) == 5 and page["query"]["hasMore"] is True, page
    listed = {i["display-name"]: i for i in s.http("GET", "/api/resources?type=table").body["items"]}
    assert set(listed) == {"numbers", "people", "joined"} and listed["numbers"]["row-count"] == 60
    s.kill()
    s.start()
    assert table("get-row", {"key": {"id": "7"}})["row"]["name"] == "seven"
    assert s.http("DELETE", "/api/files/by-uri?uri=" + quote(people, safe="")).status == 200
    assert post(s, "resources/table/schema", {"uri": people}).status == 404
    assert post(s, "resources/table/burn", {"uri": uri}).status == 404 and post(s, "resources/table/query", {}).status == 400
    assert post(s, "resources/table/query", [1]).status == 400 and table("query", {}, 400)["error"]["code"] == "bad_request"
    assert table("update-cell", {"column": "nope", "key": {"id": "999"}, "value": 1}, 404)["error"]["code"] == "not_found"


def test_big_tables_hold_nobody_up(s):
    """Reads of big tables run on a thread of their own: others are answered meanwhile, and the answers are the same."""
    n = 60000
    text = "id,name,even\n" + "".join(f"{i},n{i % 997},{'true' if i % 2 == 0 else 'false'}\n" for i in range(n))
    a = post(s, "resources/table/import-csv", {"table": "big", "csv": text, "write-mode": "append"})
    assert a.status == 200 and a.body["rowsWritten"] == n, a
    uri = a.body["resourceUri"]
    slow = {"uri": uri, "page": {"mode": "offset", "limit": 3}, "where": [["name", "contains", "n99"]], "sort": [["name", "desc"], ["id", "asc"]]}
    times = []
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(post, s, "resources/table/query", slow) for _ in range(8)]
        while not all(x.done() for x in asked):
            began = time.monotonic()
            assert s.http("GET", "/api/me").status == 200
            times.append(time.monotonic() - began)
    pages = [x.result() for x in asked]
    assert all(p.status == 200 and [r["name"] for r in p.body["rows"]] == ["n996"] * 3 for p in pages), pages[0]
    assert sorted(times)[len(times) // 2] < 0.25, sorted(times)[-5:]
    d = post(s, "resources/table/aggregate", {"uri": uri, "limit": 25, "group-by": ["even"], "metrics": [{"op": "count", "as": "n"}]}).body
    assert [r["n"] for r in d["results"]] == [n // 2, n // 2], d
    status, headers, csv = raw(s, "POST", "/api/resources/table/export", json.dumps({"uri": uri, "sort": [["id", "asc"]]}), J)
    assert status == 200 and headers["Content-Type"].startswith("text/csv") and len(csv.splitlines()) == n + 1, (status, csv[:80])
    page = s.http("GET", f"/api/resources/content?limit=2&offset={n - 1}&uri=" + quote(uri, safe="")).body
    assert page["rowCount"] == n and len(page["rows"]) == 1 and page["query"]["hasMore"] is False, page
    for body, status in (({"uri": uri, "page": {"mode": "offset", "limit": 3}, "where": [["nothing", "=", 1]]}, 400), ({"uri": uri, "page": {"mode": "other", "limit": 3}}, 400)):
        assert post(s, "resources/table/query", body).status == status, body
    with ThreadPoolExecutor(4) as pool:  # stopped in the middle of them
        stopped_beside(s, [pool.submit(lambda: post(s, "resources/table/query", slow).status) for _ in range(12)])
    assert post(s, "resources/table/query", slow).status == 200


def stopped_beside(s, asked):
    """A stop and a start while requests are under way: each is answered, or told to come again, or cut off."""
    assert s.stop() == 0
    for x in asked:
        try:
            assert x.result() in (200, 503), x.result()
        except OSError:
            pass
    s.start()


def big(s, table, n, **more):
    text = "id,name,even\n" + "".join(f"{i},n{i % 997},{'true' if i % 2 == 0 else 'false'}\n" for i in range(n))
    return post(s, "resources/table/import-csv", {"table": table, "csv": text, "key-fields": ["id"], **more})


def count(s, table, *where):
    r = post(s, "resources/table/aggregate", {"uri": table, "where": list(where), "metrics": [{"op": "count", "as": "n"}]}).body["results"]
    return r[0]["n"] if r else 0


def test_big_changes_hold_nobody_up(s):
    """Imports, joins and changes of columns run on a thread of their own, too: the answers are the same, and nothing gets lost."""
    assert big(s, "few", 100).body["rowsInserted"] == 100 and "api-reads" not in s.threads()
    n = 20000
    a = big(s, "big", n)
    assert a.status == 200 and a.body["rowsInserted"] == n and a.body["tableName"] == "big" and "api-reads" in s.threads(), a
    again = big(s, "big", n, **{"write-mode": "upsert"}).body
    assert (again["rowsInserted"], again["rowsUpdated"]) == (0, n), again
    assert big(s, "big", n).status == 409 and count(s, "big") == n  # they are there, and appending is refused as a whole
    set_all = post(s, "resources/table/set-column", {"uri": "big", "column": "v", "value": 7, "where": [["even", "=", True]]}).body
    assert (set_all["rowsUpdated"], set_all["success"]) == (n // 2, True) and count(s, "big", ["v", "=", 7]) == n // 2, set_all
    twice = {"uri": "big", "column": "twice", "definition": {"computed": {"expr": ["*", {"column": "id"}, 2]}}}
    assert post(s, "resources/table/set-column", twice).status == 200
    done = post(s, "resources/table/recompute", {"uri": "big", "limit": 5000, "offset": n - 5000}).body
    assert (done["rowsScanned"], done["hasMore"]) == (5000, False) and count(s, "big", ["twice", ">", 2 * n - 3]) == 1, done
    joined = post(s, "resources/table/materialize-join", {"left": {"ref": "big"}, "right": {"ref": "few"}, "on": [["id", "id"]], "join-type": "inner",
                                                          "into": {"table": "joined", "write-mode": "replace"}})
    assert joined.status == 200 and count(s, "joined") == 100, joined
    for body, status in (({"uri": "big", "column": "id", "value": 1}, 409), ({"uri": "big", "column": "v", "expr": ["frob", 1]}, 400),
                         ({"uri": "big", "column": "w", "definition": {"computed": {"expr": ["*", "id", 2]}}}, 400)):
        a = post(s, "resources/table/set-column", body)
        assert a.status == status and count(s, "big", ["v", "=", 7]) == n // 2, a
    assert post(s, "resources/table/materialize-join", {"left": {"ref": "big"}, "right": {"ref": "none"}, "on": [["id", "id"]], "into": {"table": "x"}}).status == 404


def test_changes_of_one_table_at_the_same_time_all_count(s):
    n = 12000
    big(s, "big", n)
    with ThreadPoolExecutor(6) as pool:
        columns = [pool.submit(post, s, "resources/table/set-column", {"uri": "big", "column": f"c{i}", "value": i}) for i in range(4)]
        cells = [pool.submit(post, s, "resources/table/update-cell", {"uri": "big", "column": "name", "key": {"id": str(i * 7)}, "value": "cell"}) for i in range(150)]
        more = pool.submit(big, s, "new", n)
        assert {x.result().status for x in [*columns, *cells, more]} == {200}
    assert [count(s, "big", [f"c{i}", "=", i]) for i in range(4)] == [n] * 4
    assert count(s, "big", ["name", "=", "cell"]) == 150 and count(s, "big") == n and count(s, "new") == n


def test_a_big_change_is_one_operation(s):
    """Asked again with its id, meanwhile, later and after a kill, it is done once and has one answer."""
    n = 20000
    body = {"table": "once", "csv": "a,b\n" + "1,2\n" * n}

    def send(op, body=body):
        return s.http("POST", "/api/resources/table/import-csv", json.dumps(body), {**J, "X-Breyta-Operation-ID": op})
    with ThreadPoolExecutor(4) as pool:
        answers = [x.result() for x in [pool.submit(send, "op-1") for _ in range(4)]]
    assert {a.status for a in answers} == {200} and len({json.dumps(a.body) for a in answers}) == 1, answers[0]
    assert count(s, "once") == n and send("op-1").body == answers[0].body and count(s, "once") == n
    assert send("op-1", {**body, "table": "other"}).status == 409
    bad = {"table": "bad", "csv": body["csv"] + '"x\n'}
    with ThreadPoolExecutor(4) as pool:  # a failure is told to all, and not remembered
        answers = [x.result() for x in [pool.submit(send, "op-2", bad) for _ in range(4)]]
    assert {a.status for a in answers} == {400} and "has no end" in str(answers[0].body), answers
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda i: send(f"op-3-{i}", {**body, "table": f"t{i}"}).status, i) for i in range(8)]
        asked[0].result()
        s.kill()
        done = set()
        for i, x in enumerate(asked):
            try:
                done |= {i} if x.result() == 200 else set()
            except OSError:
                pass
    s.start()
    for i in range(8):
        there = post(s, "resources/table/schema", {"uri": f"t{i}"}).status == 200
        assert there or i not in done
        assert not there or count(s, f"t{i}") == n  # all of it or nothing
        assert send(f"op-3-{i}", {**body, "table": f"t{i}"}).status == 200 and count(s, f"t{i}") == n, i


def test_large_bodies_are_read_on_another_thread(s):
    n = 2000
    body = json.dumps({"table": "t", "csv": "a,b\n" + ("1,\u00e9" + "x" * 200 + "\n") * n})
    path = "/api/resources/table/import-csv"

    def read():
        return "bodies" in s.threads()
    small = post(s, "resources/table/import-csv", {"table": "t", "csv": "a,b\n7,x\n"})
    assert small.status == 200
    for key, status in ((False, 401), ("bsa_sak-nobody_x", 401)):  # who has no key costs nothing
        assert s.http("POST", path, body, J, key=key).status == status
    assert not read()
    op = {**J, "X-Breyta-Operation-ID": "large"}
    a = s.http("POST", path, body, op)
    assert a.status == 200 and a.body["rowsWritten"] == n and read(), a
    assert s.http("POST", path, body, op).body == a.body and s.http("POST", path, body[:-1] + " }", op).status == 409
    b = s.http("POST", path, body[:-1], J)
    assert b.status == 400 and b.body["error"]["code"] == "bad_json" and "1:" in b.body["error"]["message"], b
    assert s.http("POST", path, "[" * 100000, J).status == 400
    long = s.command("flows.get", {"flowSlug": "x", "note": "y" * 200000})
    assert long.status == 404 and long.code == "not_found", long
    assert s.command("flows.get", {"flowSlug": "x" * 200000}).code == "bad_request"
    assert post(s, "resources/table/burn", {"csv": "y" * 200000}).status == 404
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(s.http, "POST", path, body, J) for _ in range(6)]
        assert {x.result().status for x in asked} == {200}
        asked = [pool.submit(lambda: s.http("POST", path, body, J).status) for _ in range(12)]
        asked[0].result()
        stopped_beside(s, asked)  # in the middle of reading
    there = count(s, "t") - 1
    assert there % n == 0 and there >= 8 * n, there


if __name__ == "__main__":
    run_tests(dict(globals()))
