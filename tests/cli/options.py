#!/usr/bin/env python3
"""Every option of every step family (runtime/flow/step_options.h), each with a test of what it does and of a wrong value.

What it does: tests/cli/options.txt names the test that shows it, `kind/option FILE: test`; that test has to exist and to name the option.
A wrong value, for each row of the table that has a type: written down, lint says so at the option's place; computed, the step fails with
:type :validation. Both name step, option, value and what would work, in one error. Options of any type stand in options.txt with the test of
their wrong value, or with the reason why every value is right. TAP."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = os.path.abspath(os.environ.get("BREYTA_RUN", ROOT / "build/breyta-run"))
SOURCE = (ROOT / "runtime/flow/step_options.h").read_text()
KINDS = [k for k, runs in re.findall(r"^\s+K\(([\w-]+), (\d),", SOURCE, re.M) if runs == "1" and k != "code"]
ROWS = [r for r in re.findall(r'^\s+O\("([^"]+)", "([^"]+)", (\d), (OPT_\w+),', SOURCE, re.M) if r[0] in KINDS or r[0] == "*"]

# Literals that are none of the type. Nothing here is evaluated: what is quoted in a config is data.
WRONG = {
    "OPT_STRING": ["7"], "OPT_KEYWORD": ['"x"'], "OPT_NAME": ["7"], "OPT_MAP": ["7"], "OPT_VECTOR": ["7"], "OPT_COLL": ["7"], "OPT_BOOL": ['"yes"'],
    "OPT_INT": ['"5"', "-1", "1.5"], "OPT_NUMBER": ['"5"'], "OPT_SECONDS": ['"soon"'], "OPT_MILLIS": ['"soon"'], "OPT_ENUM": [":no-such-word", "7"],
    "OPT_CODE": ["7"], "OPT_RETRY": ["7"], "OPT_PERSIST": ["true"], "OPT_STATUSES": ["7"], "OPT_URL": ['"ftp://a.example"'], "OPT_STR_OR_MAP": ["7"],
    "OPT_STR_OR_VEC": ["7"], "OPT_HUMAN": ["7"], "OPT_EXPECT": ["7"], "OPT_APPROVAL": ["7"],
}
# What else a step of the kind needs to get as far as its options.
BASE = {
    "function": {"code": "(fn [x] x)", "input": "{}"}, "http": {"url": '"http://127.0.0.1:1/"'}, "kv": {"operation": ":get", "key": '"k"'}, "sleep": {},
    "wait": {"key": '"k"', "timeout": '"1ms"', "on-timeout": ":continue"},
    "llm": {"provider": ":openai", "base-url": '"http://127.0.0.1:1"', "model": '"m"', "prompt": '"x"'},
    "agent": {"provider": ":openai", "base-url": '"http://127.0.0.1:1"', "model": '"m"', "objective": '"x"'},
    "db": {"connection": ":db", "sql": '"select 1"'}, "notify": {"channels": '{:http {:url "http://127.0.0.1:1/" :json {}}}'},
    "table": {"op": ":query", "table": '"t"', "page": "{:limit 1}"}, "search": {"query": '"x"'}, "fanout": {"items": "[]"},
    "call-flow": {"flow-slug": ":child"}, "job": {"op": ":get", "job-id": '"job-1-x"'}, "ssh": {"connection": ":box", "command": '"true"'},
}
# Options that only some operation looks at.
NEEDS = {
    "kv/value": ":operation :set", "kv/ttl": ":operation :set :value 1", "kv/metadata": ":operation :set :value 1", "kv/if-not-exists": ":operation :set :value 1",
    "kv/items": ":operation :append", "kv/max-length": ":operation :append :item 1", "kv/prefix": ":operation :list-keys", "kv/limit": ":operation :list-keys",
    "table/row-id": ":op :get-row", "table/key": ":op :get-row", "table/order-by": ":op :aggregate", "table/limit": ":op :aggregate",
    "table/offset": ":op :recompute", "table/delimiter": ":op :export", "table/infer-types": ':op :import-csv :table "i" :csv "a"',
    "table/write-mode": ':op :import-csv :table "i" :csv "a"', "table/key-fields": ':op :import-csv :table "i" :csv "a"',
    "table/index-fields": ':op :import-csv :table "i" :csv "a"', "table/schema-mode": ':op :import-csv :table "i" :csv "a"',
    "table/column": ":op :set-column :value 1", "table/value-template": ":op :set-column :column :x", "table/expr": ":op :set-column :column :x",
    "table/definition": ":op :set-column :column :x", "table/join-type": ':op :materialize-join :left "t" :right "t" :on [:id] :into {:table "j"}',
    "table/project": ':op :materialize-join :left "t" :right "t" :on [:id] :into {:table "j"}',
    "table/into": ':op :materialize-join :left "t" :right "t" :on [:id]', "table/page": ":op :query", "table/partitions": ":op :query",
    "job/job-type": ":op :submit", **{f"job/{o}": ':op :submit :job-type "t"' for o in ("payload", "metadata", "max-attempts", "priority", "delay", "keep-running")},
    **{f"job/{o}": ':op :submit-batch :job-type "t" :jobs [{}]' for o in ("jobs", "max-concurrency")}, **{f"job/{o}": ":op :await" for o in ("interval", "timeout", "backoff")},
    **{f"job/{o}": ':op :get-batch :batch-id "b"' for o in ("batch-id", "include-jobs?", "limit")},
    **{f"agent/{o}": ':via :ssh :connection :box :command "x"' for o in
       "command workdir env check-every keep-running kickoff-timeout on-timeout job-type max-attempts".split()},
    "llm/approval": ":tools {:steps [:p/tool]}", "kv/delta": ":operation :increment", "table/group-by": ":op :aggregate", "table/metrics": ":op :aggregate",
    "table/having": ":op :aggregate", "table/format": ":op :export", "table/csv": ':op :import-csv :table "i"',
    "table/left": ':op :materialize-join :right "t" :on [:id] :into {:table "j"}', "table/right": ':op :materialize-join :left "t" :on [:id] :into {:table "j"}',
    "table/on": ':op :materialize-join :left "t" :right "t" :into {:table "j"}',
    "llm/max-iterations": ":tools {:steps [:p/tool]}", "llm/max-tool-calls": ":tools {:steps [:p/tool]}",
    "llm/max-repeated-tool-calls": ":tools {:steps [:p/tool]}", "llm/trace": ":tools {:steps [:p/tool]}", "llm/cost": ":tools {:steps [:p/tool]}",
}
# Options of any type: a computed value that is wrong all the same; or why there is none.
ANY_WRONG = {
    "http/body": "{:a 1}", "http/body-from-ref": "7", "http/follow-redirects": "99", "llm/messages": "7", "llm/history": "7", "llm/follow-up": "7",
    "llm/seed": '"x"', "llm/presence-penalty": "3", "llm/frequency-penalty": "3", "llm/output": "7", "llm/response-format": "7", "llm/tools": "7",
    "agent/history": "7", "agent/follow-up": "7", "agent/seed": '"x"', "agent/presence-penalty": "3",
    "agent/frequency-penalty": "3", "agent/output": "7", "agent/response-format": "7", "kv/delta": '"x"', "table/table": "7", "table/where": "7",
    "table/group-by": "7", "table/metrics": "7", "table/having": "7", "table/format": "7", "table/csv": "7", "table/left": "7", "table/right": "7",
    "table/on": "7", "fanout/items": "7", "call-flow/version": '"x"', "db/params": "7",
    "job/payload": "##NaN", "job/priority": '"x"', "ssh/stdin": "7", "ssh/upload": "7",
}
ANY_RIGHT = {
    "*/metering": "kept, and not acted upon", "function/input": "the code's argument", "http/json": "all data is JSON", "kv/value": "all data is stored",
    "kv/default": "all data is a result", "kv/item": "all data is stored", "table/value": "all data is stored", "table/expected": "compared with what is there",
    "wait/default-value": "all data is a result", "agent/default-value": "all data is a result", "llm/input": "what is no text goes as JSON",
}
passed = failed = 0


def check(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("ok" if ok else "not ok") + f" {passed + failed} - {what}" + ("" if ok else f"\n# {why}"[:900]))


def flow(slug, body):
    return ("{:slug :%s :name \"%s\" :concurrency {:type :singleton :on-new-version :supersede}\n :invocations {:default {:label \"Run\" :inputs []}}"
            " :interfaces {:manual [{:id :run :invocation :default}]}\n :requires [{:slot :db :type :database :label \"D\"} {:slot :box :type :ssh :label \"B\"}]"
            " :steps [{:id :p/tool :type :kv :description \"d\" :defaults {:operation :get}}]\n :flow (quote [\n%s\n])}" % (slug, slug, body))


def cases():
    """kind, option, type, wrong literal; those of every family for every family."""
    for owner, option, _, type_ in ROWS:
        for kind in KINDS if owner == "*" else [owner]:
            for wrong in WRONG.get(type_, []):
                yield kind, option, type_, wrong


def call(kind, config):
    return f"(flow/call-flow :w {config})" if kind == "call-flow" else f"(flow/step :{kind} :w {config})"


def literal_case(kind, option, wrong):
    return call(kind, "{%s}" % " ".join(f":{k} {v}" for k, v in {**BASE[kind], option: wrong}.items())).replace("(fn [x] x)", "(quote (fn [x] x))")


def says(message, kind, option, wrong):
    return f":{option}" in message and (wrong.strip('"') in message)


def written_down():
    all_cases = list(cases())
    text = flow("lit", "\n".join(literal_case(k, o, w) for k, o, _, w in all_cases))
    pathlib.Path("lit.edn").write_text(text)
    first = text[:text.index("(quote [\n") + 9].count("\n") + 1
    p = subprocess.run([BIN, "lint", "--format", "json", "lit.edn"], capture_output=True, text=True, env=ENV, timeout=60)
    found = {}
    for d in json.loads(p.stdout)["diagnostics"]:
        found.setdefault(d["line"], []).append(d)
    for i, (kind, option, type_, wrong) in enumerate(all_cases):
        here = found.get(first + i, [])
        mine = [d for d in here if says(d["message"], kind, option, wrong)]
        check(len(mine) == 1 and "must be" in mine[0]["message"] and mine[0]["severity"] == "error",
              f"written :{option} {wrong} of :{kind}", json.dumps([d["message"] for d in here]) + " " + text.split("\n")[first + i - 1])


def computed():
    all_cases = list(cases()) + [(*row.split("/"), "OPT_ANY", wrong) for row, wrong in ANY_WRONG.items()]
    forms = []
    for kind, option, _, wrong in all_cases:
        base = "{%s}" % " ".join(f":{k} {v}" for k, v in BASE[kind].items())
        needs = NEEDS.get(f"{kind}/{option}", "")
        config = f"(merge (quote {base}) (quote {{{needs}}}) (quote {{:{option} {wrong}}}))"
        forms.append(f"(try {call(kind, config)} [:none \"no error\"] (catch Exception e [(:type (ex-data e)) (ex-message e)]))")
    pathlib.Path("flows").mkdir()
    pathlib.Path("flows/child.edn").write_text(flow("child", "1"))
    pathlib.Path("made.edn").write_text(flow("made", '(flow/step :function :t {:code (quote (fn [x] [{:id 1}])) :input {} :persist {:type :table :table "t"}})\n'
                                             '(flow/step :function :t2 {:code (quote (fn [x] [{:id 1}])) :input {} :persist {:type :table :table "i"}})'))
    pathlib.Path("run.edn").write_text(flow("run", "\n".join(forms)))
    pathlib.Path("c.json").write_text(json.dumps({"connections": {"db": {"type": "database", "backend": "sqlite", "config": {"path": os.path.abspath("d.db")}},
                                                                          "box": {"type": "ssh", "config": {"host": "127.0.0.1", "username": "u", "mode": "mock"}}}}))
    import sqlite3
    sqlite3.connect("d.db").execute("create table t(x)").connection.commit()
    subprocess.run([BIN, "made.edn"], check=True, capture_output=True, timeout=60)
    p = subprocess.run([BIN, "run.edn", "--connections", "c.json", "--flows", "flows", "--format", "json", "--listen", "127.0.0.1:0", "--limit", "fanouts-per-run=1000"], capture_output=True, text=True, env=ENV, timeout=120)
    if p.returncode:
        check(False, "the run with computed options", f"{p.returncode} {p.stderr[-500:]}")
        return
    results = json.loads(p.stdout)
    for (kind, option, _, wrong), (type_, message) in zip(all_cases, results):
        check(type_ == "validation" and f":{option}" in message, f"computed :{option} {wrong} of :{kind}", f"{type_}: {message}")


def tests_of(file):
    if file.endswith(".py"):
        text = (ROOT / "tests" / file).read_text()
        return {name: text for name in re.findall(r"^def (test_\w+)\(", text, re.M)}
    text = (ROOT / "tests/cli" / f"{file}.bats").read_text()
    return {m.group(1): m.group(2) for m in re.finditer(r'^@test "((?:[^"\\\\]|\\\\.)*)" \{\n(.*?)^\}$', text, re.M | re.S)}


def shown():
    """options.txt has every row of the table, and nothing else; the tests that it names are there and name the option."""
    listed = {}
    for line in (ROOT / "tests/cli/options.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            row, where = line.split(" | ")
            check(row not in listed, f"{row} is listed once")
            listed[row] = where.split(": ", 1)
    rows = {f"{o}/{n}" for o, n, _, _ in ROWS}
    check(not rows - set(listed), "every option has a test of what it does", "options.txt lacks " + ", ".join(sorted(rows - set(listed))))
    check(not set(listed) - rows, "options.txt lists options that there are", ", ".join(sorted(set(listed) - rows)))
    for row, (file, name) in listed.items():
        body = tests_of(file).get(name)
        check(body is not None and re.search(":" + re.escape(row.split("/")[1]) + r"(?![\w?-])", body), f"{row} is tested",
              f"{file}.bats has no such test" if body is None else "the test does not name it")
    any_rows = {f"{o}/{n}" for o, n, _, t in ROWS if t == "OPT_ANY"}
    told = set(ANY_WRONG) | set(ANY_RIGHT)
    check(any_rows == told and not set(ANY_WRONG) & set(ANY_RIGHT), "options of any type have a wrong value, or none", ", ".join(sorted(any_rows ^ told)))


def main():
    shown()
    written_down()
    computed()


folder = tempfile.mkdtemp()
ENV = {**os.environ, "XDG_CONFIG_HOME": folder}
os.chdir(folder)
main()
os.chdir("/")
subprocess.run(["rm", "-r", folder], check=True)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
