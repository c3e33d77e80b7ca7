#!/usr/bin/env python3
"""Draft, live and installations: what they are set up with, and what runs on them. See server.py."""
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

from server import flow, run_tests
from test_connections import SECRET, Upstream, delete, make, put
from test_workspaces import account, bootstrap, ended, get, in_workspace, post, start

REQUIRES = """:requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:1" :auth {:type :bearer}}
  {:slot :extra :type :http-api :label "More" :base-url "http://127.0.0.1:1" :auth {:type :bearer} :optional true}
  {:slot :hook :type :secret :label "Hook" :secret-ref :hook-token}
  {:kind :form :label "Setup" :fields [{:key :region :label "Region" :field-type :select :options ["eu" "us"] :required true}
                                       {:key :size :label "Size" :field-type :number :default 3}
                                       {:key :pin :label "PIN" :field-type :password}]}
  {:kind :worker :job-type :review :label "Reviewer"}]
 :schedules [{:id :nightly :label "Nightly" :cron "0 3 * * *" :invocation :default :enabled true}]"""
BODY = """(let [i (flow/input)
      r (flow/step :http :call {:connection :api :path "/x" :accept-status #{401}})]
  {:status (:status r) :seen (:path (:body r)) :activation (dissoc (:activation i) :pin) :target (:target (:flow/ctx i))
   :inst (:installation-id (:flow/ctx i)) :extra (flow/slot-bound? :extra)})"""


def push(s, slug="f", body=BODY, requires=REQUIRES, ws="ws-local"):
    a = in_workspace(s, ws, "flows.put_draft", {"flowLiteral": flow(slug, body, extra=requires)})
    assert a.status == 200 and a.data["valid"], a


def release(s, slug="f"):
    v = s.ok("flows.release", {"flowSlug": slug}).data["activeVersion"]
    s.ok("flows.promote", {"flowSlug": slug, "target": "live"})
    return v


def configure(s, target, inputs, slug="f", **more):
    return s.command("flows.configure", {"flowSlug": slug, "target": target, "inputs": inputs, **more})


def full(cid, region="eu"):
    return {"conn-api": cid, "secret-hook": "hook-" + "h" * 20, "form-region": region}


def run(s, slug="f", **args):
    return ended(s, "ws-local", start(s, "ws-local", slug, args))


def test_nothing_runs_before_it_is_set_up(s):
    push(s)
    a = s.command("flows.run", {"flowSlug": "f"})
    assert a.status == 409 and a.code == "profile_bindings_incomplete", a
    e = a.body["error"]
    assert e["details"]["missingBindings"] == ["api", "hook"] and e["details"]["missingActivation"] == ["region"], e
    assert e["actions"][0]["kind"] == "draft-bindings" and e["actions"][0]["url"] == "/ws-local/flows/f/draft-bindings", e
    assert s.command("flows.run", {"flowSlug": "f", "target": "live"}).code == "profile_missing"
    release(s)
    a = s.command("flows.run", {"flowSlug": "f", "target": "live"})
    assert a.code == "live_config_incomplete" and a.body["error"]["actions"][0]["kind"] == "flow-activation", a
    c = s.ok("flows.configure.check", {"flowSlug": "f", "target": "live"}).data
    assert c["ready"] is False and c["version"] == 1 and c["missingBindings"] == ["api", "hook"], c
    kinds = [(r["kind"], r.get("slot"), r.get("bound")) for r in c["requirements"]]
    assert kinds == [("connection", "api", False), ("connection", "extra", False), ("connection", "hook", False), ("form", None, None),
                     ("worker", None, None)], kinds


def test_draft_and_live_are_apart(s):
    with Upstream() as up, Upstream() as other:
        push(s)
        release(s)
        one, two = make(s, up), make(s, other, name="other")
        a = configure(s, "draft", full(one))
        assert a.status == 200 and a.data["ready"] is True, a
        r = run(s)
        assert r["result"] == {"status": 200, "seen": "/x", "activation": {"region": "eu", "size": 3}, "target": "draft", "inst": None,
                               "extra": False}, r
        assert s.command("flows.run", {"flowSlug": "f", "target": "live"}).status == 409
        a = configure(s, "live", full(two, "us"))
        assert a.status == 200 and a.data["bindingValues"] == {"api": two}, a
        s.kill()
        s.start()
        r = run(s, target="live")
        assert r["result"]["activation"] == {"region": "us", "size": 3} and r["result"]["target"] == "live" and r["target"] == "live", r
        assert len(up.seen) == 1 and len(other.seen) == 1
        st = s.ok("profiles.status", {"flowSlug": "f", "profileType": "prod"}).data
        assert st["bindingValues"] == {"api": two} and st["activation"] == {"region": {"set": True}, "size": {"set": False}, "pin": {"set": False}}, st
        assert s.ok("profiles.status", {"flowSlug": "f", "profileType": "draft"}).data["bindingValues"] == {"api": one}
        t = s.ok("profiles.template", {"flowSlug": "f", "profileType": "draft"}).data["requirements"]
        assert t[0]["slot"] == "api" and t[0]["auth"] == {"type": "bearer"} and t[3]["fields"][0]["options"] == ["eu", "us"], t
        u = get(s, "/api/connections/usages?only-connected=true").body["items"]
        assert {(i["connection-id"], i["target"], i["slot"]) for i in u} == {(one, "draft", "api"), (two, "live", "api")}, u
        assert delete(s, f"/api/connections/{one}").status == 409
        put(s, f"/api/connections/{two}", {"status": "disabled"})
        a = s.command("flows.run", {"flowSlug": "f", "target": "live"})
        assert a.status == 409 and a.body["error"]["details"]["missingBindings"] == ["api"], a


def test_a_connection_of_the_slots_own(s):
    with Upstream() as up:
        push(s)
        inputs = {"url-api": up.url, "apikey-api": SECRET, "headers-api": {"X-Tenant": "t1"}, "secret-hook": "generate", "form-region": "eu",
                  "form-pin": "1234567890"}
        a = configure(s, "draft", inputs)
        assert a.status == 200 and a.data["ready"] is True and SECRET not in json.dumps(a.body), a
        assert run(s)["result"]["status"] == 200
        assert up.seen[-1][2]["Authorization"] == f"Bearer {SECRET}" and up.seen[-1][2]["X-Tenant"] == "t1"
        cid = a.data["bindingValues"]["api"]
        assert configure(s, "draft", {"url-api": up.url + "/deny", "apikey-api": "redacted"}).data["bindingValues"]["api"] == cid
        r = run(s)
        assert r["result"]["status"] == 401 and up.seen[-1][2]["Authorization"] == f"Bearer {SECRET}", r
        live = s.command("profiles.bindings.apply_from_draft", {"flowSlug": "f"})
        assert live.status == 200 and live.data["ready"] is True and live.data["bindingValues"]["api"] == cid, live
        assert configure(s, "draft", {"conn-api": None}).data["missingBindings"] == ["api"]
        assert s.ok("profiles.status", {"flowSlug": "f", "profileType": "prod"}).data["ready"] is True
        a = s.command("profiles.draft.bindings", {"flowSlug": "f", "inputs": {"conn-api": cid}})
        assert a.status == 200 and a.data["ready"] is True, a
        a = s.command("profiles.bindings.apply", {"flowSlug": "f", "inputs": {"form-region": "us"}})
        assert a.data["target"] == "live" and a.data["ready"] is True, a
        names = [i["name"] for i in get(s, "/api/secrets").body["items"]]
        assert len(names) == 5 and all(n.startswith(("slot-", "form-")) for n in names), names


OWN = {"secret-hook": "generate", "form-region": "eu", "form-pin": "1234567890", "apikey-api": SECRET}


def ready(s, kind="prod"):
    return s.ok("profiles.status", {"flowSlug": "f", "profileType": kind}).data["ready"]


def test_what_is_copied_from_the_draft_is_lives_own(s):
    with Upstream() as up, Upstream() as other:
        push(s)
        release(s)
        assert configure(s, "draft", {**OWN, "url-api": up.url}).data["ready"] is True
        copied = s.command("profiles.bindings.apply_from_draft", {"flowSlug": "f"})
        assert copied.data["ready"] is True, copied
        shared = copied.data["bindingValues"]["api"]
        a = configure(s, "draft", {"url-api": other.url})  # the rest of the connection, its key too, stays as it was
        assert a.data["ready"] is True and a.data["bindingValues"]["api"] != shared, a
        assert run(s, target="live")["result"]["status"] == 200 and len(up.seen) == 1 and not other.seen
        assert run(s)["result"]["status"] == 200 and len(other.seen) == 1
        a = configure(s, "draft", {"apikey-api": "another-" + "y" * 20})
        assert run(s)["result"]["status"] == 401 and run(s, target="live")["result"]["status"] == 200
        assert configure(s, "draft", {"secret-hook": "", "form-pin": None}).data["missingBindings"] == ["hook"] and ready(s)
        a = configure(s, "live", {"url-api": up.url + "/live"})  # nobody else has it now: it stays the same one
        assert a.data["bindingValues"]["api"] == shared and run(s, target="live")["result"]["seen"] == "/live/x", a
        assert delete(s, "/api/flow-profiles/draft-f").status == 200
        assert ready(s) and run(s, target="live")["result"]["status"] == 200
        s.command("profiles.draft.bindings", {"flowSlug": "f", "inputs": {**OWN, "url-api": other.url}})
        assert s.ok("flows.configure", {"flowSlug": "f", "target": "live", "fromDraft": True}).data["ready"] is True
        assert delete(s, "/api/flow-profiles/draft-f").status == 200 and ready(s)
        s.kill()
        s.start()
        assert run(s, target="live")["result"]["status"] == 200
        assert delete(s, "/api/flow-profiles/live-f").status == 200
        assert get(s, "/api/secrets").body["items"] == [] and get(s, "/api/connections").body["items"] == []


def test_a_deleted_flow_takes_shared_connections_with_it(s):
    with Upstream() as up:
        push(s)
        release(s)
        assert configure(s, "draft", {**OWN, "url-api": up.url}).data["ready"] is True
        inst = install(s)
        for args in ({"target": "live"}, {"installationId": inst}):
            assert s.ok("flows.configure", {"flowSlug": "f", "fromDraft": True, **args}).data["ready"] is True
        s.ok("flows.installations.delete", {"profileId": inst})
        assert ready(s) and ready(s, "draft")
        s.ok("flows.delete", {"flowSlug": "f", "yes": True})
        assert get(s, "/api/secrets").body["items"] == [] and get(s, "/api/connections").body["items"] == []


def test_one_wrong_field_changes_nothing(s):
    with Upstream() as up:
        push(s)
        release(s)
        cid = make(s, up)

        def state():
            return [s.ok("profiles.status", {"flowSlug": "f", "profileType": k}).data for k in ("draft", "prod")] + [
                [(i["name"], i["version"]) for i in get(s, "/api/secrets").body["items"]], get(s, "/api/connections").body["items"],
                get(s, "/api/connections/usages?only-connected=true").body["items"]]
        before = state()
        for inputs, more in (({**full(cid), "conn-extra": "conn-none"}, {}), ({**OWN, "url-api": up.url, "conn-extra": cid, "secret-hook": "a\u0000b"}, {}),
                             (full(cid), {"schedules": {"weekly": {"enabled": True}}}), (full(cid), {"bindings": {"nope": cid}}),
                             ({"url-api": up.url, "apikey-api": "k" * (65 << 10), **{k: v for k, v in OWN.items() if k != "apikey-api"}}, {}),
                             ({**full(cid), "url-extra": 3}, {})):
            for target in ("draft", "live"):
                a = configure(s, target, inputs, **more)
                assert a.status in (400, 404), a
                assert state() == before, (inputs, more)
        a = post(s, "/api/flow-profiles", {"flow-slug": "f", "bindings": {"api": cid, "extra": "conn-none"}})
        assert a.status == 404 and state() == before, a
        assert delete(s, f"/api/connections/{cid}").status == 200
        assert post(s, "/api/connections", {"type": "http-api", "name": "n", "api-key": ""}).status == 400
        assert get(s, "/api/connections").body["items"] == []


def test_wrong_inputs(s):
    with Upstream() as up:
        push(s)
        cid = make(s, up)
        db = post(s, "/api/connections", {"type": "database", "name": "db", "backend": "sqlite", "config": {"path": "x"}}).body["connection"]["id"]
        for inputs, status in (({"conn-nope": cid}, 400), ({"wings-api": "x"}, 400), ({"form-nope": 1}, 400), ({"form-region": "mars"}, 400),
                               ({"form-size": "big"}, 400), ({"conn-api": "conn-none"}, 404), ({"conn-api": db}, 400), ({"conn-api": 3}, 400),
                               ({"url-api": 3}, 400), ({"headers-api": "x"}, 400), ({"apikey-api": ""}, 400),
                               ({"conn-api": cid, "url-api": up.url}, 400), ({"secret-hook": 3}, 400)):
            a = configure(s, "draft", inputs)
            assert a.status == status and a.code and a.body["error"]["message"], (inputs, a)
        for more in ({"schedules": {"weekly": {"enabled": True}}}, {"schedules": {"nightly": True}}, {"scheduleResets": [3]}, {"version": "x"},
                     {"bindings": {"nope": cid}}):
            assert configure(s, "draft", {}, **more).status == 400, more
        assert configure(s, "draft", {}, slug="nope").status == 404 and configure(s, "mars", {}).status == 400
        assert configure(s, "draft", {}, version=7).status == 404
        bootstrap(s, "ws-b")
        push(s, ws="ws-b")
        a = in_workspace(s, "ws-b", "flows.configure", {"flowSlug": "f", "inputs": {"conn-api": cid}})
        assert a.status == 404, a
        _, reader = account(s, ["flows.read"])
        assert s.command("flows.configure", {"flowSlug": "f", "inputs": {}}, key=reader).status == 403
        assert s.command("flows.configure.check", {"flowSlug": "f"}, key=reader).status == 200


def test_schedules_and_activate(s):
    with Upstream() as up:
        push(s)
        cid = make(s, up)
        s.ok("flows.release", {"flowSlug": "f"})
        a = s.command("profiles.activate", {"flowSlug": "f", "version": "latest"})
        assert a.status == 409 and a.code == "live_config_incomplete", a
        a = configure(s, "live", full(cid), schedules={"nightly": {"enabled": False}})
        assert a.data["schedules"] == {"nightly": {"enabled": False}}, a
        assert configure(s, "live", {}, scheduleResets=["nightly"]).data["schedules"] == {}
        op = str(uuid.uuid4())
        a = s.ok("profiles.activate", {"flowSlug": "f", "version": "1"}, op=op)
        assert a.data["version"] == 1 and a.data["ready"] is True, a
        assert s.ok("profiles.activate", {"flowSlug": "f", "version": "1"}, op=op).data == a.data
        assert run(s, target="live")["result"]["status"] == 200
        p = get(s, "/api/flow-profiles?flow-slug=f&profile-type=prod&limit=200").body["items"]
        assert [(i["profile-id"], i["version"], i["config"]["install-scope"]) for i in p] == [("live-f", 1, "live")], p
        assert get(s, "/api/flow-profiles/live-f").body["bindings"] == {"api": cid}
        assert get(s, "/api/flow-profiles?flow-slug=f&profile-type=draft").body["items"][0]["profile-id"] == "draft-f"
        assert put(s, "/api/flow-profiles/draft-f/bindings", {"bindings": {"api": {"connectionId": cid}}}).body["bindingValues"] == {"api": cid}
        assert put(s, "/api/flow-profiles/none/bindings", {"bindings": {}}).status == 404
        assert get(s, "/api/flow-profiles/live-nope").status == 404 and get(s, "/api/flow-profiles?cursor=x").status == 400
        assert delete(s, "/api/flow-profiles/live-f").status == 200
        assert s.command("flows.run", {"flowSlug": "f", "target": "live"}).code == "profile_missing"
        assert get(s, "/api/flow-profiles?flow-slug=f&profile-type=prod").body["items"] == []


def test_activate_beside_pushes(s):
    """Both change the flow's document: neither is refused because of the other, and a search of what is live finds it."""
    push(s, requires="", body='"kiwi"')
    s.ok("flows.release", {"flowSlug": "f"})

    def found():
        return [h["flow_slug"] for h in s.ok("flows.workspace.search", {"query": "about", "target": "live"}).data["result"]["hits"]]
    assert found() == []
    with ThreadPoolExecutor(8) as pool:
        pushes = [pool.submit(s.command, "flows.put_draft", {"flowLiteral": flow("f", str(i))}) for i in range(120)]
        others = [pool.submit(s.command, "profiles.activate", {"flowSlug": "f", "version": "1"}) for _ in range(60)]
        got = [a.result() for a in pushes + others]
    assert {a.status for a in got} == {200}, [a for a in got if a.status != 200][:2]
    assert found() == ["f"]
    assert delete(s, "/api/flow-profiles/live-f").status == 200 and found() == []
    for version in (True, 1.5, "", "x", 0, -1, "0", {}, [1]):
        for name in ("profiles.activate", "flows.configure", "flows.configure.check"):
            a = s.command(name, {"flowSlug": "f", "version": version})
            assert a.status == 400 and "version" in a.body["error"]["message"], (name, version, a)


def test_runs_keep_their_target(s):
    """A wait, a crash, and then a step: with the bindings of live, not of the draft."""
    with Upstream() as up, Upstream() as other:
        body = '(do (flow/step :wait :w {:key "go" :timeout "1h"}) (:status (flow/step :http :call {:connection :api :path "/late"})))'
        push(s, "w", body, REQUIRES.split("\n")[0] + "]")
        release(s, "w")
        configure(s, "draft", {"conn-api": make(s, up)}, "w")
        configure(s, "live", {"conn-api": make(s, other)}, "w")
        rid = start(s, "ws-local", "w", {"target": "live"})
        s.until(lambda: in_workspace(s, "ws-local", "runs.get", {"workflowId": rid}).data["run"]["status"] == "waiting", rid)
        s.kill()
        s.start()
        assert s.http("POST", "/ws-local/events/go", "{}", key=False).status == 200
        r = ended(s, "ws-local", rid)
        assert r["result"] == 200 and r["target"] == "live" and not up.seen and other.seen[-1][1] == "/late", r


def test_children_run_on_live_beside_live(s):
    with Upstream() as up, Upstream() as other:
        req = REQUIRES.split("\n")[0] + "]"
        push(s, "kid", '{:path (:path (:body (flow/step :http :call {:connection :api :path "/kid"}))) :ctx (:target (:flow/ctx (flow/input)))}', req)
        push(s, "parent", "(flow/call-flow :k {:flow-slug :kid :input {}})", "")
        configure(s, "draft", {"conn-api": make(s, up)}, "kid")
        assert run(s, "parent")["result"] == {"path": "/kid", "ctx": "draft"}
        release(s, "parent")
        r = run(s, "parent", target="live")
        assert r["status"] == "failed" and r["error"]["type"] == "profile-missing", r
        release(s, "kid")
        configure(s, "live", {"conn-api": make(s, other)}, "kid")
        assert run(s, "parent", target="live")["result"] == {"path": "/kid", "ctx": "live"}
        assert len(up.seen) == 1 and len(other.seen) == 1


def install(s, **args):
    a = s.command("flows.installations.create", {"flowSlug": "f", **args})
    assert a.status == 200, a
    return a.data["instance"]["profileId"]


def version(s, inst):
    return s.ok("flows.installations.get", {"profileId": inst}).data["version"]


def test_installations(s):
    with Upstream() as up:
        push(s)
        assert s.command("flows.installations.create", {"flowSlug": "f"}).code == "not_released"
        release(s)
        cid = make(s, up)
        a = s.command("flows.installations.create", {"flowSlug": "f", "enabled": True})
        assert a.status == 409 and a.code == "profile_bindings_incomplete", a
        op = str(uuid.uuid4())
        first = s.ok("flows.installations.create", {"flowSlug": "f", "name": "Acme"}, op=op)
        assert s.ok("flows.installations.create", {"flowSlug": "f", "name": "Acme"}, op=op).data == first.data
        inst = first.data["instance"]["profileId"]
        s.kill()
        s.start()
        g = s.ok("flows.installations.get", {"profileId": inst}).data
        assert g["enabled"] is False and g["ready"] is False and g["version"] == 1 and g["policy"] == "track-latest", g
        assert g["surfaces"]["items"][0]["type"] == "manual" and g["missingBindings"] == ["api", "hook"], g
        a = s.command("flows.run", {"flowSlug": "f", "target": "live", "installationId": inst})
        assert a.status == 409 and a.code == "installation_disabled", a
        a = s.command("flows.installations.set_enabled", {"profileId": inst, "enabled": True})
        assert a.status == 409 and a.code == "profile_bindings_incomplete" and a.body["error"]["actions"][0]["kind"] == "installation", a
        a = s.ok("flows.installations.set_inputs", {"profileId": inst, "inputs": {"secret-hook": "h" * 20, "form-region": "us"},
                                                    "bindings": {"api": {"connectionId": cid}}, "schedules": {"nightly": {"enabled": False}}})
        assert a.data["profileId"] == inst, a
        assert s.ok("flows.installations.set_enabled", {"profileId": inst, "enabled": True}).data["installation"]["enabled"] is True
        r = run(s, installationId=inst, target="live")
        assert f"-install-{inst}-" in r["workflowId"] and r["workflowId"].endswith("-r1") and r["installationId"] == inst, r
        assert r["result"]["inst"] == inst and r["result"]["target"] == "live" and r["result"]["activation"]["region"] == "us", r
        assert s.ok("flows.installations.rename", {"profileId": inst, "name": "Beta"}).data["installation"]["name"] == "Beta"
        assert s.command("flows.installations.rename", {"profileId": inst, "name": ""}).status == 400
        st = s.ok("flows.installations.stats", {"profileId": inst}).data
        assert st["totalRuns"] == 1 and st["byStatus"] == {"completed": 1}, st
        ev = s.ok("flows.installations.events", {"profileId": inst}).data["items"]
        assert [e["type"] for e in ev] == ["run_completed", "run_started"], ev
        t = s.ok("flows.installations.triggers.list", {"profileId": inst}).data["items"]
        assert [(i["type"], i["enabled"]) for i in t] == [("manual", True), ("schedule", False)], t
        assert [i["type"] for i in s.ok("flows.installations.surfaces.list", {"profileId": inst}).data["items"]] == ["manual"]
        items = s.ok("flows.installations.list", {"flowSlug": "f"}).data["items"]
        assert [i["profileId"] for i in items] == [inst] and s.ok("flows.installations.list", {"allFlows": True}).data["items"] == items
        assert s.command("flows.installations.list").status == 400 and s.command("flows.installations.list", {"flowSlug": "no"}).status == 404
        p = get(s, "/api/flow-profiles?flow-slug=f&profile-type=prod").body["items"]
        assert [(i["profile-id"], i["config"]["install-scope"]) for i in p] == [("live-f", "live"), (inst, "end-user")], p
        s.ok("flows.installations.delete", {"profileId": inst})
        assert s.command("flows.run", {"flowSlug": "f", "installationId": inst}).status == 404
        assert get(s, "/api/secrets").body["items"] == [i for i in get(s, "/api/secrets").body["items"] if i["name"].startswith("conn-")]
        assert in_workspace(s, "ws-local", "runs.get", {"workflowId": r["workflowId"]}).status == 200
        for command in ("get", "rename", "set_inputs", "set_enabled", "delete", "triggers.list", "surfaces.list", "stats", "events"):
            more = {"rename": {"name": "x"}, "set_enabled": {"enabled": True}}.get(command, {})
            a = s.command("flows.installations." + command, {"profileId": inst, **more})
            assert a.status == 404 and a.code == "installation_not_found", (command, a)


def test_version_policies(s):
    push(s, requires="", body="1")
    s.ok("flows.release", {"flowSlug": "f"})
    follow, stay = install(s), install(s, policy="pinned")
    s.ok("flows.release", {"flowSlug": "f"})
    assert (version(s, follow), version(s, stay)) == (2, 1)  # nothing was promoted: those that follow have the active one
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 1})
    assert (version(s, follow), version(s, stay)) == (1, 1)
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 2, "scope": "live"})
    assert (version(s, follow), version(s, stay)) == (1, 1)
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 2, "scope": "all"})
    s.kill()
    s.start()
    assert (version(s, follow), version(s, stay)) == (2, 1)
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 1, "policy": "pinned"})
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 2})
    assert (version(s, follow), version(s, stay)) == (1, 1)
    s.ok("flows.promote", {"flowSlug": "f", "target": "live", "version": 2, "policy": "track-latest"})
    assert (version(s, follow), version(s, stay)) == (2, 2)
    assert version(s, install(s, version=1)) == 1
    assert s.command("flows.installations.create", {"flowSlug": "f", "version": 9}).status == 404
    assert s.command("flows.installations.create", {"flowSlug": "f", "version": 1, "policy": "track-latest"}).status == 400
    s.ok("flows.installations.set_enabled", {"profileId": follow, "enabled": True})
    assert run(s, installationId=follow)["version"] == 2


def test_installations_and_workspaces(s):
    push(s, requires="", body="1")
    release(s)
    inst = install(s, enabled=True)
    bootstrap(s, "ws-b")
    push(s, requires="", body="1", ws="ws-b")
    for command, more in (("get", {}), ("rename", {"name": "x"}), ("set_inputs", {}), ("set_enabled", {"enabled": True}), ("delete", {}), ("stats", {}),
                          ("events", {}), ("triggers.list", {}), ("surfaces.list", {})):
        assert in_workspace(s, "ws-b", "flows.installations." + command, {"profileId": inst, **more}).status == 404, command
    assert in_workspace(s, "ws-b", "flows.run", {"flowSlug": "f", "installationId": inst}).status == 404
    assert in_workspace(s, "ws-b", "flows.installations.list", {"allFlows": True}).data["items"] == []
    assert get(s, f"/api/flow-profiles/{inst}", "ws-b").status == 404 and delete(s, f"/api/flow-profiles/{inst}", "ws-b").status == 404
    _, reader = account(s, ["installations.read"])
    assert s.command("flows.installations.get", {"profileId": inst}, key=reader).status == 200
    for command, more in (("rename", {"name": "x"}), ("set_inputs", {}), ("set_enabled", {"enabled": False}), ("delete", {})):
        assert s.command("flows.installations." + command, {"profileId": inst, **more}, key=reader).status == 403, command
    assert s.command("flows.installations.create", {"flowSlug": "f"}, key=reader).status == 403
    assert delete(s, f"/api/flow-profiles/{inst}").status == 200
    assert s.command("flows.installations.get", {"profileId": inst}).status == 404


def test_steps_run_on_installations(s):
    with Upstream() as up:
        push(s)
        release(s)
        inst, cid = install(s), make(s, up)
        s.ok("flows.installations.set_inputs", {"profileId": inst, "inputs": full(cid)})
        step = {"flowSlug": "f", "stepType": "http", "stepId": "x", "params": {"connection": "api", "path": "/step"}}
        a = s.command("steps.run", {**step, "profileId": inst})
        assert a.status == 200 and up.seen[-1][1] == "/step", a
        assert s.command("steps.run", {**step, "profileId": "inst-none"}).status == 404
        a = s.command("steps.run", step)
        assert a.status == 422 and len(up.seen) == 1, a  # the draft is bound to nothing


def test_a_deleted_flow_takes_its_setup_with_it(s):
    with Upstream() as up:
        push(s)
        release(s)
        own = {"url-api": up.url, "apikey-api": SECRET, "secret-hook": "h" * 20, "form-region": "eu", "form-pin": "1234567890"}
        inst = install(s)
        for target in ("draft", "live"):
            assert configure(s, target, own).data["ready"] is True
        s.ok("flows.installations.set_inputs", {"profileId": inst, "inputs": own})
        assert len(get(s, "/api/secrets").body["items"]) == 9 and len(get(s, "/api/connections").body["items"]) == 3
        s.ok("flows.delete", {"flowSlug": "f", "yes": True, "force": True})
        assert get(s, "/api/secrets").body["items"] == [] and get(s, "/api/connections").body["items"] == []
        assert s.command("flows.installations.get", {"profileId": inst}).status == 404
        push(s)
        assert s.ok("profiles.status", {"flowSlug": "f", "profileType": "draft"}).data["bindingValues"] == {}


def test_archived_flows_have_no_targets(s):
    push(s, requires="", body="1")
    release(s)
    inst = install(s, enabled=True)
    s.ok("flows.archive", {"flowSlug": "f"})
    for args in ({}, {"target": "live"}, {"installationId": inst}):
        a = s.command("flows.run", {"flowSlug": "f", **args})
        assert a.status == 409 and a.code == "flow_archived", a
    assert get(s, "/api/flow-profiles?flow-slug=f").body["items"] == []


def test_profiles_can_be_made(s):
    with Upstream() as up:
        push(s)
        release(s)
        cid = make(s, up)
        a = post(s, "/api/flow-profiles", {"flow-slug": "f", "profile-type": "prod", "name": "P", "bindings": {"api": cid}})
        assert a.status == 201, a
        g = get(s, f"/api/flow-profiles/{a.body['profile-id']}").body
        assert g["bindings"] == {"api": cid} and g["name"] == "P" and g["enabled"] is False, g
        assert post(s, "/api/flow-profiles", {"flow-slug": "f", "profile-type": "draft", "bindings": {"api": cid}}).status == 200
        assert get(s, "/api/flow-profiles/draft-f").body["bindings"] == {"api": cid}
        assert post(s, "/api/flow-profiles", {"flow-slug": "f", "bindings": {"nope": cid}}).status == 400
        assert post(s, "/api/flow-profiles", {"flow-slug": "none"}).status == 404 and post(s, "/api/flow-profiles", {}).status == 400


if __name__ == "__main__":
    run_tests({k: v for k, v in globals().items() if getattr(v, "__module__", "") == __name__})
