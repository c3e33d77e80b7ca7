#!/usr/bin/env python3
"""Handler of text-review jobs: reads the payload, looks for what is wrong, and hands over a report, a table of findings and a few facts."""
import json
import os
import subprocess
import sys


def breyta(*args):
    """A handler-side command; the worker has put the program it belongs to in front of PATH."""
    return subprocess.run(["breyta", "jobs", "worker", *args], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


RULES = [("unfinished", "high", lambda line: "TODO" in line or "FIXME" in line),
         ("long-line", "low", lambda line: len(line) > 80),
         ("trailing-space", "low", lambda line: line != line.rstrip())]


def findings(text):
    for number, line in enumerate(text.splitlines(), 1):
        for rule, severity, broken in RULES:
            if broken(line):
                yield {"finding_id": f"{number}-{rule}", "line": number, "rule": rule, "severity": severity}


def main():
    folder = os.environ["BREYTA_JOB_DIR"]
    with open(os.environ["BREYTA_JOB_PAYLOAD_FILE"], encoding="utf-8") as f:
        payload = json.load(f)
    if not payload.get("text", "").strip():
        breyta("fail", "--code", "no_text", "--message", "there is no text to review", "--detail", f"title={payload.get('title')}")
        return
    breyta("progress", "--status", "running", "--message", f"reviewing {payload['title']}")
    found = list(findings(payload["text"]))
    with open(f"{folder}/report.md", "w", encoding="utf-8") as f:
        f.write(f"# {payload['title']}\n\n" + "".join(f"- line {x['line']}: {x['rule']} ({x['severity']})\n" for x in found))
    report = breyta("attach-file", "--file", f"{folder}/report.md", "--label", "report", "--kind", "report", "--print-uri")
    outputs = ["--output", f"report-uri={report}"]
    if found:
        with open(f"{folder}/findings.json", "w", encoding="utf-8") as f:
            json.dump(found, f)
        table = breyta("attach-table", "--label", "findings", "--rows-file", f"{folder}/findings.json", "--write-mode", "upsert",
                       "--key-field", "finding_id", "--index-field", "severity", "--print-uri")
        outputs += ["--output", f"findings-table-uri={table}"]
    severity = "high" if any(x["severity"] == "high" for x in found) else "low"
    breyta("attach-kv", "--label", "summary", "--field", f"finding-count={len(found)}", "--field", f"severity={severity}", "--ttl-seconds", "86400")
    breyta("finish", "--summary", f"{len(found)} findings in {payload['title']}", "--output", f"finding-count={len(found)}",
           "--output", f"severity={severity}", *outputs)


if __name__ == "__main__":
    sys.exit(main())
