#!/usr/bin/env python3
"""`breyta agent ..`: the scripts that it prints. What they do to a machine: make provision-test."""
import base64
import os
import re
import subprocess
import tempfile
import time

from server import BIN


def breyta(*args, stdin=""):
    env = {k: v for k, v in os.environ.items() if not k.startswith("BREYTA")}
    return subprocess.run([BIN, "agent", *args], input=stdin, capture_output=True, text=True, timeout=60, env=env)


def sound(script):
    p = subprocess.run(["shellcheck", "-s", "sh", "-"], input=script, capture_output=True, text=True)
    assert p.returncode == 0, p.stdout
    return script


def test_provision(key, public):
    script = sound(breyta("provision", "--public-key", "-", "--user", "robot", "--memory", "1G", "--egress-allow", "api.example.com:443",
                          "--egress-allow", "[::1]:80", "--report-url", "http://x/y", "--host", "vm-1", stdin=public).stdout)
    for want in ("WHAT='provision'", "AGENT_USER='robot'", "AGENT_MEMORY='1G'", "AGENT_CPU='200%'", "api.example.com:443\n[::1]:80'", "AGENT_EGRESS_ONLY='yes'",
                 "AGENT_HOST='vm-1'", "install_helper() (", "breyta-agent run"):
        assert want in script, want
    text = breyta("provision", "--print", "cloud-init", "--public-key", key + ".pub").stdout
    assert text.startswith("#cloud-config\n") and "runcmd:" in text
    inside = base64.b64decode(re.search(r"content: (\S+)", text)[1]).decode()
    assert inside == breyta("provision", "--public-key", key + ".pub").stdout and "AGENT_EGRESS_ONLY=''" in inside


def test_others(key, public):
    rotate = sound(breyta("rotate-key", "--public-key", key + ".pub").stdout)
    assert "WHAT='rotate-key'" in rotate and "install_helper() (" not in rotate and public.split()[1] in rotate
    assert "WHAT='deprovision'" in sound(breyta("deprovision", "--user", "robot").stdout)
    sound(breyta("install-script").stdout)


def test_quoting(key, public):
    script = breyta("provision", "--public-key", "-", stdin=public.strip() + " it's $(touch /tmp/x) `id`\n").stdout
    assert "it'\\''s $(touch /tmp/x)" in script
    # what the shell makes of it: the settings alone, without what they are for
    p = subprocess.run(["sh"], input=script.split("install_helper")[0] + 'printf %s "$AGENT_KEYS"', capture_output=True, text=True)
    assert p.stdout == public.strip() + " it's $(touch /tmp/x) `id`\n", p


def test_helper(key, public):
    """`breyta agent run -- CMD` and its neighbours are breyta-agent."""
    with tempfile.TemporaryDirectory() as d:
        env = {**{k: v for k, v in os.environ.items() if not k.startswith("BREYTA")}, "BREYTA_AGENT_HOME": d + "/agents", "XDG_CONFIG_HOME": d}

        def agent(*args):
            return subprocess.run([BIN, "agent", *args], capture_output=True, text=True, timeout=60, env=env, stdin=subprocess.DEVNULL)

        def state():
            return re.search(r"^state=(.*)", agent("status", "it's $(id)").stdout, re.M)[1]

        def until(f):
            end = time.monotonic() + 20
            while not f():
                assert time.monotonic() < end
        os.mkfifo(d + "/go")
        args = ["--id", "it's $(id)", "--dir", d, "--", "sh", "-c", 'echo "$1 $(pwd)"; read x < go', "sh", "a 'b' $(touch hacked) --id `id`"]
        p = agent("run", *args)
        assert p.returncode == 0 and "state=running\n" in p.stdout and "attached" not in p.stdout, p
        assert "attached=true" in agent("run", *args).stdout and state() == "running"
        until(lambda: agent("log", "it's $(id)").stdout == f"a 'b' $(touch hacked) --id `id` {os.path.realpath(d)}\n")
        assert agent("list").stdout.startswith("running ") and agent("rm", "it's $(id)").returncode == 75
        assert "state=stopped\n" in agent("stop", "--grace", "1", "it's $(id)").stdout and state() == "stopped"
        assert agent("rm", "it's $(id)").returncode == 0 and agent("list").stdout == "" and agent("log", "x").returncode == 66
        assert not os.path.exists(d + "/hacked")
        for args, says in ((["run"], "stands behind --"), (["run", "--"], "stands behind --"), (["run", "true"], "unexpected argument"), (["status"], "<id> is missing"),
                           (["stop", "x", "--grace", "y"], "--grace"), (["run", "--dir", d + "/none", "--", "true"], "there is no directory")):
            p = agent(*args)
            assert p.returncode in (1, 66) and says in p.stderr, (args, p)


def test_wrong(key, public):
    for args, stdin, says in (
            (["provision"], "", "--public-key is needed"), (["provision", "--public-key", key], "", "private key"), (["provision", "--public-key", "/none"], "", "/none"),
            (["provision", "--public-key", "-"], "", "is empty"), (["provision", "--public-key", "-"], "ssh-ed25519 AAAA\n", "no public key"),
            (["provision", "--public-key", "-"], 'command="x" ' + public, "no public key"), (["provision", "--public-key", "-", "--user", "root"], public, "--user"),
            (["provision", "--public-key", "-", "--user", "a;b"], public, "--user"), (["provision", "--public-key", "-", "--memory", "much"], public, "--memory"),
            (["provision", "--public-key", "-", "--egress-allow", "host"], public, "HOST:PORT"), (["provision", "--public-key", "-", "--egress-allow", "a;b:1"], public, "HOST:PORT"),
            (["provision", "--public-key", "-", "--report-url", "ftp://x"], public, "--report-url"), (["provision", "--public-key", "-", "--host", "a b"], public, "--host"),
            (["provision", "--public-key", "-", "--print", "yaml"], public, "cloud-init"), (["deprovision", "--user", "root"], "", "--user")):
        p = breyta(*args, stdin=stdin)
        assert p.returncode == 1 and says in p.stderr, (args, p)


if __name__ == "__main__":
    failed = 0
    with tempfile.TemporaryDirectory() as d:
        key = d + "/key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", key], check=True)
        public = open(key + ".pub").read()
        chosen = [(n, f) for n, f in list(globals().items()) if n.startswith("test_")]
        print(f"1..{len(chosen)}")
        for i, (name, f) in enumerate(chosen, 1):
            try:
                f(key, public)
                print(f"ok {i} {name}", flush=True)
            except Exception as e:  # told, and counted
                import traceback
                failed += 1
                print(f"not ok {i} {name}: {e}", flush=True)
                print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
    raise SystemExit(1 if failed else 0)
