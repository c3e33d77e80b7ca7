#!/usr/bin/env python3
"""Workspaces of one server, service accounts and their keys. See server.py."""
import json
import time
import uuid

from server import flow, run_tests


def in_workspace(s, ws, name, args=None, key=True, op=None):
    headers = {"X-Breyta-Workspace": ws, "Content-Type": "application/json", "X-Breyta-Operation-ID": op or str(uuid.uuid4())}
    return s.http("POST", "/api/commands", json.dumps({"command": name, "args": args or {}}), headers, key)


def get(s, path, ws=None, key=True):
    return s.http("GET", path, None, {"X-Breyta-Workspace": ws} if ws else {}, key)


def post(s, path, body=None, ws=None, key=True):
    return s.http("POST", path, json.dumps(body if body is not None else {}), {"X-Breyta-Workspace": ws} if ws else {}, key)


def bootstrap(s, ws, key=True, **more):
    return post(s, "/api/debug/workspace/bootstrap", {"workspaceId": ws, **more}, None, key)


def account(s, capabilities, ws="ws-local", job_types=(), key=True):
    """A new service account with one key: (id, key)."""
    a = in_workspace(s, ws, "service_accounts.create", {"name": "x", "capabilities": list(capabilities), "allowedJobTypes": list(job_types)}, key)
    assert a.status == 200, a
    sa = a.data["serviceAccount"]["serviceAccountId"]
    k = in_workspace(s, ws, "service_accounts.keys.create", {"serviceAccountId": sa}, key)
    assert k.status == 200, k
    return sa, k.data["key"]["apiKey"]


def ended(s, ws, run, key=True):
    def look():
        a = in_workspace(s, ws, "runs.get", {"workflowId": run, "includeResult": True, "includeSteps": True}, key)
        assert a.status == 200, a
        return a.data["run"] if a.data["run"]["status"] in ("completed", "failed", "cancelled") else None
    return s.until(look, run)


def start(s, ws, slug, args=None, key=True):
    a = in_workspace(s, ws, "flows.run", {"flowSlug": slug, **(args or {})}, key)
    assert a.status == 200, a
    return a.data["workflowId"]


def test_making_workspaces(s):
    a = in_workspace(s, "ws-b", "flows.list")
    assert a.status == 403 and "not a workspace member" in a.body["error"]["message"], a
    for bad in ("", "a b", "api", "-x", "x" * 65, "a/b"):
        assert bootstrap(s, bad).status == 400, bad
    assert s.http("POST", "/api/debug/workspace/bootstrap", '{"workspaceId": 3}').status == 400
    b = bootstrap(s, "ws-b", name="Second").body
    assert b["created"] is True and b["member"] is True and b["role"] == "admin", b
    s.kill()
    s.start()
    assert bootstrap(s, "ws-b").body["created"] is False
    assert in_workspace(s, "ws-b", "flows.list").status == 200
    assert get(s, "/api/me").body["workspaces"] == [{"id": "ws-b", "name": "Second", "role": "admin"},
                                                    {"id": "ws-local", "name": "ws-local", "role": "admin"}]
    _, key = account(s, ["workspace.full"], "ws-b")
    assert [w["id"] for w in get(s, "/api/me", None, key).body["workspaces"]] == ["ws-b"]
    a = bootstrap(s, "ws-c", key)
    assert a.status == 403 and a.code == "forbidden", a
    assert bootstrap(s, "ws-b", key).body["created"] is False
    assert in_workspace(s, "ws-local", "flows.list", key=key).status == 403
    assert get(s, "/api/auth/verify", None, key).body["workspaceId"] == "ws-b"


def test_members(s):
    bootstrap(s, "ws-b")
    sa, key = account(s, ["flows.read"], "ws-b")
    m = get(s, "/api/workspaces/ws-b/members?include-pending=true").body
    assert m["includePending"] is True and [(x["userId"], x["role"]) for x in m["items"]] == [(sa, "member")], m
    assert [x["role"] for x in get(s, "/api/workspaces/ws-local/members").body["items"]] == ["admin"]
    assert get(s, "/api/workspaces/ws-b/members?role=admin").body["items"] == []
    assert get(s, "/api/workspaces/ws-b/members?role=king").status == 400
    assert get(s, "/api/workspaces/ws-none/members").status == 403
    assert get(s, "/api/workspaces/ws-b/members", None, key).status == 403
    _, full = account(s, ["workspace.full"], "ws-b")
    assert len(get(s, "/api/workspaces/ws-b/members", None, full).body["items"]) == 2
    assert get(s, "/api/workspaces/ws-local/members", None, full).status == 403


def test_nothing_is_shared(s):
    """The same slug, keys, wait keys and run ids in two workspaces."""
    bootstrap(s, "ws-b")
    body = """(let [i (flow/input)]
      (flow/step :kv :put {:operation :set :key "k" :value (:v i)})
      (flow/step :wait :w {:key "order-1" :timeout "1h"})
      {:kv (:value (flow/step :kv :get {:operation :get :key "k"})) :ws (:workspace-id (:flow/ctx i))})"""
    for ws in ("ws-local", "ws-b"):
        a = in_workspace(s, ws, "flows.put_draft", {"flowLiteral": flow("same", body)})
        assert a.status == 200, a
    assert in_workspace(s, "ws-b", "flows.put_draft", {"flowLiteral": flow("only-b", "1")}).status == 200
    assert in_workspace(s, "ws-local", "flows.get", {"flowSlug": "only-b"}).status == 404
    assert [f["flowSlug"] for f in in_workspace(s, "ws-local", "flows.list").data["items"]] == ["same"]
    runs = {ws: start(s, ws, "same", {"input": {"v": ws}}) for ws in ("ws-local", "ws-b")}
    for ws, run in runs.items():
        s.until(lambda: in_workspace(s, ws, "runs.get", {"workflowId": run}).data["run"]["status"] == "waiting", run)
    other = {"ws-local": "ws-b", "ws-b": "ws-local"}
    for ws, run in runs.items():
        assert in_workspace(s, other[ws], "runs.get", {"workflowId": run}).status == 404
        assert in_workspace(s, other[ws], "runs.events", {"workflowId": run}).status == 404
        assert in_workspace(s, other[ws], "runs.cancel", {"workflowId": run}).status == 404
        assert [r["workflowId"] for r in in_workspace(s, ws, "runs.list").data["items"]] == [run]
    assert s.http("POST", "/ws-none/events/order-1", "{}", key=False).status == 404
    assert s.http("POST", "/ws-b/events/order-1", '{"x":1}', key=False).status == 200
    r = ended(s, "ws-b", runs["ws-b"])
    assert r["result"] == {"kv": "ws-b", "ws": "ws-b"}, r
    assert in_workspace(s, "ws-local", "runs.get", {"workflowId": runs["ws-local"]}).data["run"]["status"] == "waiting"
    s.kill()
    s.start()
    assert s.http("POST", "/ws-local/events/order-1", '{"x":1}', key=False).status == 200
    assert ended(s, "ws-local", runs["ws-local"])["result"] == {"kv": "ws-local", "ws": "ws-local"}


def test_run_ids_do_not_meet(s):
    """flow-a-b-c-r1 is one of flow a in b-c and one of flow a-b in c."""
    bootstrap(s, "b-c")
    bootstrap(s, "c")
    for ws, slug in (("b-c", "a"), ("c", "a-b")):
        assert in_workspace(s, ws, "flows.put_draft", {"flowLiteral": flow(slug, '"%s"' % ws)}).status == 200
    runs = [(ws, start(s, ws, slug)) for ws, slug in (("b-c", "a"), ("c", "a-b"))]
    assert runs[0][1] == runs[1][1] == "flow-a-b-c-r1", runs
    for ws, run in runs:
        assert ended(s, ws, run)["result"] == ws


def test_children_stay_in_their_workspace(s):
    bootstrap(s, "ws-b")
    for ws in ("ws-local", "ws-b"):
        in_workspace(s, ws, "flows.put_draft", {"flowLiteral": flow("kid", '"kid of %s"' % ws)})
    parent = flow("parent", "(flow/call-flow :kid {:flow-slug :kid :input {} :workflow-id \"one\"})")
    in_workspace(s, "ws-b", "flows.put_draft", {"flowLiteral": parent})
    in_workspace(s, "ws-local", "flows.put_draft", {"flowLiteral": parent})
    for ws in ("ws-b", "ws-local"):
        assert ended(s, ws, start(s, ws, "parent"))["result"] == "kid of " + ws
    in_workspace(s, "ws-local", "flows.put_draft", {"flowLiteral": flow("caller", "(flow/call-flow :x {:flow-slug :hidden :input {}})")})
    in_workspace(s, "ws-b", "flows.put_draft", {"flowLiteral": flow("hidden", "1")})
    r = ended(s, "ws-local", start(s, "ws-local", "caller"))
    assert r["status"] == "failed" and r["error"]["type"] == "flow-not-found", r


def test_accounts(s):
    a = s.ok("service_accounts.create", {"name": "worker", "capabilities": ["jobs.worker", "flows.read", "flows.read"],
                                         "allowedJobTypes": ["review"], "metadata": {"team": "x"}}).data["serviceAccount"]
    assert a["capabilities"] == ["jobs.worker", "flows.read"] and a["status"] == "active" and a["allowedJobTypes"] == ["review"], a
    sa = a["serviceAccountId"]
    s.kill()
    s.start()
    assert s.ok("service_accounts.get", {"serviceAccountId": sa}).data["serviceAccount"] == a
    items = s.ok("service_accounts.list").data["items"]
    assert {i["name"] for i in items} == {"admin", "worker"}, items
    assert s.ok("service_accounts.list", {"status": "disabled"}).data["items"] == []
    page = s.ok("service_accounts.list", {"limit": 1})
    assert page.meta["hasMore"] is True
    rest = s.ok("service_accounts.list", {"limit": 1, "cursor": page.meta["nextCursor"]})
    assert rest.meta["hasMore"] is False and rest.data["items"][0]["name"] != page.data["items"][0]["name"]
    u = s.ok("service_accounts.update", {"serviceAccountId": sa, "name": "w2", "capabilities": ["flows.read"], "metadata": None}).data["serviceAccount"]
    assert u["name"] == "w2" and u["capabilities"] == ["flows.read"] and "metadata" not in u and u["allowedJobTypes"] == ["review"], u
    for command, args, status in (("service_accounts.create", {}, 400), ("service_accounts.create", {"name": ""}, 400),
                                  ("service_accounts.create", {"name": "x", "capabilities": ["no.such"]}, 400),
                                  ("service_accounts.create", {"name": "x", "capabilities": [3]}, 400),
                                  ("service_accounts.create", {"name": "x", "allowedJobTypes": [""]}, 400),
                                  ("service_accounts.create", {"name": "x", "status": "gone"}, 400),
                                  ("service_accounts.create", {"name": "x", "metadata": {"a": "x" * 20000}}, 400),
                                  ("service_accounts.get", {"serviceAccountId": "sa-none"}, 404),
                                  ("service_accounts.update", {"serviceAccountId": "sa-none"}, 404),
                                  ("service_accounts.keys.create", {"serviceAccountId": "sa-none"}, 404),
                                  ("service_accounts.keys.list", {"serviceAccountId": "sa-none"}, 404),
                                  ("service_accounts.keys.revoke", {"serviceAccountId": sa, "keyId": "sak-none"}, 404)):
        a = s.command(command, args)
        assert a.status == status and a.code, (command, args, a)


def test_job_types_are_not_handed_out_to_others(s):
    """Who may touch jobs of some types alone makes nobody who may touch others, nor does so to themselves."""
    full, _ = account(s, ["jobs.worker"])
    own, key = account(s, ["service-accounts.manage", "jobs.worker", "flows.read"], job_types=["a", "b"])

    def call(verb, **args):
        return s.command("service_accounts." + verb, args, key=key)
    for types in ({}, {"allowedJobTypes": []}, {"allowedJobTypes": ["a", "c"]}):
        a = call("create", name="x", capabilities=["jobs.worker"], **types)
        assert a.status == 403 and a.code == "forbidden", (types, a)
    assert call("create", name="x", capabilities=["flows.read"]).status == 200
    made = call("create", name="x", capabilities=["jobs.worker"], allowedJobTypes=["b"])
    assert made.status == 200, made
    sa = made.data["serviceAccount"]["serviceAccountId"]
    assert call("keys.create", serviceAccountId=sa).status == 200
    for types in ([], ["c"]):
        assert call("update", serviceAccountId=sa, allowedJobTypes=types).status == 403
        assert call("update", serviceAccountId=own, allowedJobTypes=types).status == 403
    for name, args in (("keys.create", {}), ("update", {"name": "y"}), ("update", {"allowedJobTypes": ["a"]})):
        assert call(name, serviceAccountId=full, **args).status == 403, name
    assert s.ok("service_accounts.get", {"serviceAccountId": own}).data["serviceAccount"]["allowedJobTypes"] == ["a", "b"]


def test_keys_are_shown_once(s):
    sa, key = account(s, ["flows.read"])
    op = str(uuid.uuid4())
    first = s.ok("service_accounts.keys.create", {"serviceAccountId": sa, "name": "second"}, op=op).data["key"]
    again = s.command("service_accounts.keys.create", {"serviceAccountId": sa, "name": "second"}, op=op)
    assert again.status == 409 and again.code == "shown_once", again
    items = s.ok("service_accounts.keys.list", {"serviceAccountId": sa}).data["items"]
    assert len(items) == 2 and all("apiKey" not in i and i["status"] == "active" for i in items), items
    assert {i["keyId"] for i in items} >= {first["keyId"]}
    assert s.command("flows.list", key=first["apiKey"]).status == 200
    assert s.stop() == 0
    for name in ("breyta.db", "breyta.db-wal"):
        try:
            text = open(f"{s.dir.name}/data/{name}", "rb").read()
        except FileNotFoundError:
            continue
        for k in (key, first["apiKey"]):
            assert k.split("_", 2)[2].encode() not in text
    s.start()
    assert s.command("flows.list", key=key).status == 200


def test_revoked_expired_disabled(s):
    sa, key = account(s, ["flows.read"])
    k2 = s.ok("service_accounts.keys.create", {"serviceAccountId": sa}).data["key"]
    assert s.command("flows.list", key=key).status == 200
    kid = key.split("_")[1]
    r = s.ok("service_accounts.keys.revoke", {"serviceAccountId": sa, "keyId": kid}).data["key"]
    assert r["status"] == "revoked" and r["keyId"] == kid, r
    assert s.command("flows.list", key=key).status == 401
    assert s.ok("service_accounts.keys.revoke", {"serviceAccountId": sa, "keyId": kid}).data["key"]["status"] == "revoked"
    assert s.command("flows.list", key=k2["apiKey"]).status == 200
    s.ok("service_accounts.update", {"serviceAccountId": sa, "status": "disabled"})
    assert s.command("flows.list", key=k2["apiKey"]).status == 401
    s.kill()
    s.start()
    assert s.command("flows.list", key=k2["apiKey"]).status == 401 and s.command("flows.list", key=key).status == 401
    s.ok("service_accounts.update", {"serviceAccountId": sa, "status": "active"})
    assert s.command("flows.list", key=k2["apiKey"]).status == 200
    for bad in ("tomorrow", "2020-01-01T00:00:00Z", "2099-01-01", "2099-01-01T00:00:00"):
        a = s.command("service_accounts.keys.create", {"serviceAccountId": sa, "expiresAt": bad})
        assert a.status == 400, (bad, a)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    k3 = s.ok("service_accounts.keys.create", {"serviceAccountId": sa, "expiresAt": soon}).data["key"]
    assert k3["expiresAt"].startswith(soon[:-1]) and s.command("flows.list", key=k3["apiKey"]).status == 200
    s.until(lambda: s.command("flows.list", key=k3["apiKey"]).status == 401, "the key has expired")
    states = {i["keyId"]: i["status"] for i in s.ok("service_accounts.keys.list", {"serviceAccountId": sa}).data["items"]}
    assert states[k3["keyId"]] == "expired" and states[kid] == "revoked", states


def test_nobody_gives_what_they_have_not(s):
    _, full = account(s, ["workspace.full"])
    assert s.command("service_accounts.list", key=full).status == 403
    sa, manager = account(s, ["service-accounts.manage", "flows.read"])
    assert s.command("service_accounts.create", {"name": "y", "capabilities": ["flows.read"]}, key=manager).status == 200
    for more in ("flows.manage", "workspace.full", "server.admin"):
        a = s.command("service_accounts.create", {"name": "y", "capabilities": [more]}, key=manager)
        assert a.status == 403 and a.code == "forbidden", (more, a)
    admin = [i for i in s.ok("service_accounts.list").data["items"] if i["name"] == "admin"][0]["serviceAccountId"]
    assert s.command("service_accounts.keys.create", {"serviceAccountId": admin}, key=manager).status == 403
    assert s.command("service_accounts.update", {"serviceAccountId": admin, "status": "disabled"}, key=manager).status == 403
    key_id = s.key.split("_")[1]
    assert s.command("service_accounts.keys.revoke", {"serviceAccountId": admin, "keyId": key_id}, key=manager).status == 403
    for command, args in (("service_accounts.update", {"serviceAccountId": admin, "status": "disabled"}),
                          ("service_accounts.update", {"serviceAccountId": admin, "capabilities": []}),
                          ("service_accounts.keys.revoke", {"serviceAccountId": admin, "keyId": key_id})):
        assert s.command(command, args).status == 409, command
    bootstrap(s, "ws-b")
    assert in_workspace(s, "ws-b", "service_accounts.get", {"serviceAccountId": sa}).status == 404
    assert in_workspace(s, "ws-b", "service_accounts.keys.list", {"serviceAccountId": sa}).status == 404


if __name__ == "__main__":
    run_tests(dict(globals()))
