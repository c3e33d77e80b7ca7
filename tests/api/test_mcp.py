#!/usr/bin/env python3
"""The MCP endpoint, POST /api/workspaces/{ws}/mcp: JSON-RPC, tools out of commands and flows, policy headers. See server.py."""
import json
import re

from server import flow, run_tests
from test_workspaces import account, bootstrap

ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Reply:
    def __init__(self, status, text):
        self.status, self.text = status, text
        self.body = json.loads(text) if text else None
        self.result = (self.body or {}).get("result")
        self.error = (self.body or {}).get("error")

    def __repr__(self):
        return f"{self.status} {self.text[:800]}"


def send(s, body, headers=None, ws=None, key=True, method="POST"):
    body = body if isinstance(body, (str, bytes)) else json.dumps(body)
    status, _, data = s.raw(method, f"/api/workspaces/{ws or s.workspace}/mcp", body, {**ACCEPT, **(headers or {})}, key)
    return Reply(status, data.decode())


def rpc(s, method, params=None, id=1, **more):
    return send(s, {"jsonrpc": "2.0", "id": id, "method": method, **({} if params is None else {"params": params})}, **more)


def names(s, **headers):
    r = rpc(s, "tools/list", headers={k.replace("_", "-"): v for k, v in headers.items()})
    assert r.status == 200 and r.result, r
    return [t["name"] for t in r.result["tools"]]


def call(s, name, args=None, **more):
    r = rpc(s, "tools/call", {"name": name, "arguments": args or {}}, **more)
    assert r.status == 200, r
    return r


def tool(s, name, args=None, **more):
    """The data of a call that succeeded."""
    r = call(s, name, args, **more)
    assert r.result and r.result["isError"] is False, r
    assert json.loads(r.result["content"][0]["text"]) == r.result["structuredContent"], r
    return r.result["structuredContent"]["data"]


TOOL_FLOW = """{:slug :greeter :name "Greeter" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:inputs [{:name :who :type :string :required true :label "Whom"} {:name :times :type :number}
                                  {:name :tone :type :select :options [:kind "rough"]} {:name :tags :type :string :multiple true}]}}
 :interfaces {:mcp [{:tool-name "Say hello!" :invocation :default :description "Greets."} {:tool-name "off" :invocation :default :enabled false}
                    {:tool-name "Say hello?" :invocation :default}]}
 :flow (quote {:said (str "%s " (:who (flow/input)))})}"""


def test_initialize_negotiates(s):
    for wanted, got in (("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("2024-11-05", "2025-11-25")):
        r = rpc(s, "initialize", {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}, id="a")
        assert r.status == 200 and r.body["jsonrpc"] == "2.0" and r.body["id"] == "a", r
        assert r.result["protocolVersion"] == got and "tools" in r.result["capabilities"] and r.result["serverInfo"]["name"] == "breyta", r
        assert s.workspace in r.result["instructions"]
    assert rpc(s, "initialize", {}).error["code"] == -32602
    assert rpc(s, "initialize").error["code"] == -32602


def test_messages(s):
    for m in ({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
              {"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}):
        r = send(s, m)
        assert r.status == 202 and r.text == "", r
    assert rpc(s, "ping", id=7).body == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert rpc(s, "ping", {}, id=1.5).body["id"] == 1.5
    assert rpc(s, "prompts/list").result == {"prompts": []} and rpc(s, "resources/list").result == {"resources": []}
    assert rpc(s, "resources/templates/list").result == {"resourceTemplates": []}
    assert rpc(s, "prompts/get", {"name": "x"}).error["code"] == -32602 and rpc(s, "resources/read", {"uri": "x:y"}).error["code"] == -32002
    assert rpc(s, "nope").error["code"] == -32601 and rpc(s, "tools/list", []).error["code"] == -32602


def test_large_messages(s):
    long = "x" * (300 << 10)  # read on another thread
    assert rpc(s, "ping", {"said": long}, id=long[:50]).body == {"jsonrpc": "2.0", "id": long[:50], "result": {}}
    literal = flow("long", f'(do "{long}" 1)')
    assert tool(s, "flows_put_draft", {"flowLiteral": literal})["valid"] is True
    assert s.ok("flows.get", {"flowSlug": "long", "source": "draft", "includeFlowLiteral": True}).data["flowLiteral"] == literal
    r = send(s, '{"jsonrpc":"2.0","id":1,"method":"ping","params":"' + long)
    assert r.status == 400 and r.body["error"]["code"] == -32700, r
    assert send(s, "[" + " " * (100 << 10) + "]").body["error"]["code"] == -32600


def test_bad_requests(s):
    for body, code in (("", -32700), ("{", -32700), ("\xff", -32700), ("[]", -32600), ('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600), ("3", -32600), ("{}", -32600),
                       ('{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600), ('{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
                       ('{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600), ('{"jsonrpc":"2.0","id":1}', -32600), ('{"jsonrpc":"2.0","id":1,"method":3}', -32600)):
        r = send(s, body.encode("latin-1"))
        assert r.status == 400 and r.body["error"]["code"] == code and r.body["jsonrpc"] == "2.0", (body, r)
    for method in ("GET", "DELETE", "PUT"):
        assert send(s, "", method=method).status == 405, method
    r = send(s, '{"jsonrpc":"2.0","id":1,"method":"ping","params":"' + "x" * (17 << 20) + '"}')
    assert r.status == 413, r
    assert rpc(s, "ping", headers={"MCP-Protocol-Version": "1999-01-01"}).status == 400
    assert rpc(s, "ping", headers={"MCP-Protocol-Version": "2025-06-18"}).status == 200
    assert rpc(s, "ping", headers={"Origin": "http://evil.example"}).status == 403
    assert rpc(s, "ping", headers={"Origin": f"http://127.0.0.1:{s.port}"}).status == 200


def test_keys_and_workspaces(s):
    assert rpc(s, "initialize", {"protocolVersion": "2025-11-25"}, key=False).status == 401
    assert rpc(s, "ping", key="bsa_sak-x_y").status == 401
    r = rpc(s, "ping", ws="ws-other")
    assert r.status == 403 and r.body["error"]["code"] == "forbidden", r
    bootstrap(s, "ws-b")
    _, other = account(s, ["workspace.full"], "ws-b")
    assert rpc(s, "ping", ws="ws-b", key=other).status == 200
    assert rpc(s, "ping", key=other).status == 403
    s.ok("flows.put_draft", {"flowLiteral": flow("mine", "1")})
    assert tool(s, "flows_list", ws="ws-b", key=other)["items"] == [] and len(tool(s, "flows_list")["items"]) == 1


def test_a_key_of_few_scopes_sees_few_tools(s):
    _, reader = account(s, ["flows.read"])
    _, nobody = account(s, ["resources.read"])
    assert rpc(s, "initialize", {"protocolVersion": "2025-11-25"}, key=nobody).status == 200
    assert rpc(s, "tools/list", key=nobody).result["tools"] == []
    seen = [t["name"] for t in rpc(s, "tools/list", key=reader).result["tools"]]
    assert "flows_get" in seen and "flows_put_draft" not in seen and "runs_start" not in seen and "call_flow_tool" not in seen, seen
    r = call(s, "flows_put_draft", {"flowLiteral": flow("f", "1")}, key=reader)
    assert r.result["isError"] is True and r.result["structuredContent"]["error"]["code"] == "forbidden", r
    assert s.command("flows.get", {"flowSlug": "f"}).status == 404


def test_tools_are_the_commands(s):
    d = s.http("GET", "/api/openapi.json", key=False).body["components"]["schemas"]
    tools = {t["name"]: t for t in rpc(s, "tools/list").result["tools"]}
    for name, t in tools.items():
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name) and t["description"] and t["inputSchema"]["type"] == "object", t
    for command in [r["$ref"].rsplit("/", 1)[1] for r in d["Command"]["oneOf"]]:
        name = command.replace(".", "_")
        if command.startswith("service_accounts.keys."):
            assert name not in tools, name
            continue
        assert tools[name]["inputSchema"] == d[command]["properties"]["args"], name
        assert tools[name]["annotations"]["readOnlyHint"] is not d[command]["x-mutates"], name
    assert len(set(tools)) == len(rpc(s, "tools/list").result["tools"])


def test_a_flow_from_draft_to_result(s):
    tool(s, "flows_put_draft", {"flowLiteral": flow("f", "(str \"hi \" (:n (flow/input)))", inputs="[{:name :n :type :number}]")})
    assert tool(s, "flows_release", {"flowSlug": "f"})["version"] == 1
    run = tool(s, "runs_start", {"flowSlug": "f", "input": {"n": 4}}, id="x")["workflowId"]
    s.over(run)
    assert tool(s, "runs_get", {"workflowId": run, "includeResult": True})["run"]["result"] == "hi 4"
    s.kill()
    s.start()
    assert tool(s, "runs_get", {"workflowId": run, "includeResult": True})["run"]["result"] == "hi 4"
    page = call(s, "runs_list", {"limit": 1})
    assert "meta" in page.result["structuredContent"], page


def test_failures_of_tools(s):
    r = call(s, "flows_get", {"flowSlug": "none"}, id=9)
    assert r.body["id"] == 9 and r.result["isError"] is True and r.result["structuredContent"]["error"]["code"] == "not_found", r
    assert "flow not found" in r.result["content"][0]["text"]
    r = call(s, "flows_get")
    assert r.result["isError"] is True and r.result["structuredContent"]["error"]["details"]["argument"] == "flowSlug", r
    for params in (None, {}, {"name": 3}, {"name": "nope"}, {"name": "flows.get"}, {"name": "a__b"}, {"name": "__"}, {"name": "flows_get", "arguments": []}):
        assert rpc(s, "tools/call", params).error["code"] == -32602, params
    r = call(s, "runs_start", {"flowSlug": "none"})
    assert r.result["isError"] is True, r


def test_toolsets(s):
    every = names(s)
    assert names(s, X_MCP_Toolsets="all") == every and names(s, X_MCP_Toolsets=" , ") == every
    read, setup, debug, run = (set(names(s, X_MCP_Toolsets=t)) for t in ("read", "setup", "debug", "run"))
    assert "flows_list" in read and "flows_put_draft" not in read and "runs_start" not in read
    assert {"flows_put_draft", "flows_release", "flows_promote"} <= setup and "flows_list" not in setup
    assert {"runs_get", "runs_events", "runs_retry"} <= debug and "flows_promote" not in debug
    assert {"runs_start", "flows_run", "call_flow_tool"} <= run and "flows_get" not in run
    assert set(names(s, X_MCP_Toolsets="read, RUN")) == read | run
    assert set(names(s, X_MCP_Toolsets="read", X_MCP_Tools="flows_release")) == read | {"flows_release"}
    assert names(s, X_MCP_Tools="flows_get,flows_list, none") == [n for n in every if n in ("flows_get", "flows_list")]
    assert set(names(s, X_MCP_Toolsets="read", X_MCP_Exclude_Tools="flows_get")) == read - {"flows_get"}
    safe = names(s, X_MCP_Readonly="true")
    assert "flows_get" in safe and not {"flows_put_draft", "runs_start", "call_flow_tool", "runs_cancel"} & set(safe)
    assert names(s, X_MCP_Readonly="true", X_MCP_Tools="flows_release,flows_get") == ["flows_get"]
    assert names(s, X_MCP_Readonly="false") == every
    for header, value, word in (("X-MCP-Toolsets", "raed", "raed"), ("X-MCP-Readonly", "ture", "ture")):
        r = rpc(s, "tools/list", headers={header: value})
        assert r.error["code"] == -32602 and word in r.error["message"], r
        assert rpc(s, "tools/call", {"name": "flows_list"}, headers={header: value}).error
        assert rpc(s, "initialize", {"protocolVersion": "2025-11-25"}, headers={header: value}).result
    for headers in ({"X-MCP-Readonly": "true"}, {"X-MCP-Toolsets": "read"}, {"X-MCP-Exclude-Tools": "a, flows_put_draft"}):
        r = call(s, "flows_put_draft", {"flowLiteral": flow("f", "1")}, headers=headers)
        assert r.error["code"] == -32602 and "flows_put_draft" in r.error["message"], r
    assert s.command("flows.get", {"flowSlug": "f"}).status == 404


def test_tools_of_flows(s):
    s.ok("flows.put_draft", {"flowLiteral": TOOL_FLOW % "hello"})
    assert "greeter__Say_hello_" not in names(s), "a draft is no tool"
    s.ok("flows.release", {"flowSlug": "greeter"})
    mine = {t["name"]: t for t in rpc(s, "tools/list").result["tools"] if "__" in t["name"]}
    assert list(mine) == ["greeter__Say_hello_", "greeter__Say_hello__2"], list(mine)
    t = mine["greeter__Say_hello_"]
    assert "Greets." in t["description"] and "greeter" in t["description"] and t["annotations"]["readOnlyHint"] is False
    assert t["inputSchema"] == {"type": "object", "required": ["who"], "properties": {
        "who": {"type": "string", "description": "Whom"}, "times": {"type": "number"}, "tone": {"enum": ["kind", "rough"]},
        "tags": {"type": "array", "items": {"type": "string"}}}}, t
    for started in (tool(s, "greeter__Say_hello_", {"who": "Ann"}), tool(s, "call_flow_tool", {"flowSlug": "greeter", "toolName": "Say hello!", "input": {"who": "Ann"}}),
                    tool(s, "greeter__Say_hello__2", {"who": "Ann"})):
        assert s.over(started["workflowId"])["result"] == {"said": "hello Ann"}, started
    r = call(s, "greeter__Say_hello_", {})
    assert r.result["isError"] is True and "who" in r.result["content"][0]["text"], r
    assert call(s, "greeter__off", {"who": "x"}).error["code"] == -32602
    for args, code in (({"flowSlug": "greeter", "toolName": "off"}, "not_found"), ({"flowSlug": "none", "toolName": "x"}, "not_found"), ({"flowSlug": "greeter"}, "bad_request")):
        r = call(s, "call_flow_tool", args)
        assert r.result["isError"] is True and r.result["structuredContent"]["error"]["code"] == code, r
    for headers in ({"X-MCP-Readonly": "true"}, {"X-MCP-Toolsets": "setup"}, {"X-MCP-Exclude-Tools": "greeter__Say_hello_"}):
        assert "greeter__Say_hello_" not in [t["name"] for t in rpc(s, "tools/list", headers=headers).result["tools"]]
        assert call(s, "greeter__Say_hello_", {"who": "x"}, headers=headers).error["code"] == -32602
    r = call(s, "call_flow_tool", {"flowSlug": "greeter", "toolName": "Say hello!", "input": {"who": "x"}}, headers={"X-MCP-Exclude-Tools": "greeter__Say_hello_"})
    assert r.result["isError"] is True, r
    # what is live is what is called, not the newest
    s.ok("flows.promote", {"flowSlug": "greeter"})
    s.ok("flows.put_draft", {"flowLiteral": TOOL_FLOW % "bye"})
    s.ok("flows.release", {"flowSlug": "greeter"})
    assert s.over(tool(s, "greeter__Say_hello_", {"who": "Bo"})["workflowId"])["result"] == {"said": "hello Bo"}


def test_the_list_has_pages(s):
    for n in range(120):
        slug = f"f{n:03}"
        s.ok("flows.put_draft", {"flowLiteral": TOOL_FLOW.replace(":greeter", f":{slug}", 1) % "x"})
        s.ok("flows.release", {"flowSlug": slug})
    first = rpc(s, "tools/list").result
    second = rpc(s, "tools/list", {"cursor": first["nextCursor"]}).result
    assert "nextCursor" not in second and not [t for t in second["tools"] if "__" not in t["name"]]
    of_flows = [t["name"] for t in first["tools"] + second["tools"] if t["name"].endswith("__Say_hello_")]
    assert of_flows == [f"f{n:03}__Say_hello_" for n in range(120)]
    for bad in ("x", "flow:", "flow:../x", "flow:" + "x" * 200, 3):
        assert rpc(s, "tools/list", {"cursor": bad}).error["code"] == -32602, bad


if __name__ == "__main__":
    run_tests(dict(globals()))
