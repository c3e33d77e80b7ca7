#!/usr/bin/env python3
"""Has every command and route of the server a case? cover.py FOLDER: what the suites of this directory have noted there (contract.py) against
the server's own table, /api/openapi.json. Each has to be asked once with success, and refused once. TAP."""
import json
import sys
from pathlib import Path

import contract
from server import Server

NEVER_REFUSED = {"openapi", "metrics", "healthz", "readyz"}  # they need no key and take no arguments


def noted(folder):
    asked, missing = {}, []
    for test in sorted(Path(__file__).parent.glob("test_*.py")):
        notes = Path(folder, test.stem + ".json")
        if not notes.exists() or notes.stat().st_mtime < test.stat().st_mtime:
            missing.append(f"{test.name} has left no notes since it was changed: run it with API_CASES={folder}")
            continue
        for name, outcomes in json.loads(notes.read_text()).items():
            asked.setdefault(name, set()).update(outcomes)
    return asked, missing


def main():
    asked, failures = noted(sys.argv[1])
    with Server() as s:
        c = contract.Contract(s.description())
    names = sorted(c.commands + [op["operationId"] for *_, op in c.routes])
    tests = []
    for name in names:
        lacks = ["answered", "refused"] if name not in asked else [
            what for what, outcome in (("answered", "ok"), ("refused", "refused")) if outcome not in asked[name] and not (outcome == "refused" and name in NEVER_REFUSED)]
        tests.append((name, lacks))
    print(f"1..{len(tests) + len(failures)}")
    for i, (name, lacks) in enumerate(tests, 1):
        print(f"not ok {i} {name}: no test of tests/api has it {' or '.join(lacks)}" if lacks else f"ok {i} {name}")
    for i, text in enumerate(failures, len(tests) + 1):
        print(f"not ok {i} {text}")
    return 1 if failures or any(lacks for _, lacks in tests) else 0


sys.exit(main())
