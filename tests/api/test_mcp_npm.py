#!/usr/bin/env python3
"""The MCP endpoint with the official client, the npm package @modelcontextprotocol/sdk. Installed once into build/npm-mcp; without npm or a
way to its registry the test is skipped, and test_mcp.py (our own requests) is what there is. See server.py."""
import json
import os
import shutil
import subprocess
from pathlib import Path

from server import ROOT, run_tests

SDK = "1.32.2"
FLOW = """{:slug :greeter :name "Greeter" :concurrency {:type :keyed :key-field :who :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :who :type :string :required true}]}}
 :interfaces {:mcp [{:tool-name "hello" :invocation :default :description "Greets."}]}
 :flow (quote {:said (str "hello " (:who (flow/input)))})}"""


def installed():
    """The folder of the package, or why there is none."""
    at = ROOT / "build" / "npm-mcp"
    if not (shutil.which("npm") and shutil.which("node")):
        return None, "no node and npm"
    if not (at / "node_modules/@modelcontextprotocol/sdk/package.json").exists():
        at.mkdir(parents=True, exist_ok=True)
        r = subprocess.run(["npm", "install", "--prefix", str(at), "--no-audit", "--no-fund", "--ignore-scripts", f"@modelcontextprotocol/sdk@{SDK}"],
                           capture_output=True, text=True, timeout=120)
        if r.returncode:
            return None, "npm cannot install it: " + r.stderr.strip().splitlines()[-1]
    return at, None


def test_the_official_client(s):
    script = Path(AT) / "mcp_client.mjs"
    shutil.copy(ROOT / "tests" / "api" / "mcp_client.mjs", script)
    r = subprocess.run(["node", str(script), f"http://127.0.0.1:{s.port}/api/workspaces/{s.workspace}/mcp", s.key], capture_output=True, text=True,
                       timeout=120, env={**os.environ, "FLOW": FLOW})
    assert r.returncode == 0, r.stderr + s.said()
    saw = json.loads(r.stdout)
    assert saw["server"]["name"] == "breyta" and saw["capabilities"] == {"tools": {"listChanged": False}}, saw
    assert saw["protocol"] == "2025-11-25" and s.workspace in saw["instructions"], saw
    assert {"flows_put_draft", "runs_get", "call_flow_tool"} <= set(saw["tools"]), saw["tools"]
    assert saw["released"] == 1 and saw["run"] == {"status": "completed", "result": {"said": "hello Ann"}}, saw
    assert saw["error"]["isError"] is True and "flow not found" in saw["error"]["content"][0]["text"], saw["error"]
    assert saw["unknown"]["code"] == -32602 and saw["refused"]["code"] == -32602, saw
    assert saw["distinct"] == 50, saw
    assert "flows_get" in saw["readonly"] and "flows_release" not in saw["readonly"] and "greeter__hello" not in saw["readonly"], saw["readonly"]
    assert saw["badKey"], saw


if __name__ == "__main__":
    AT, why = installed()
    if AT:
        run_tests(dict(globals()))
    print(f"1..1\nok 1 the official client # SKIP {why}")
