#!/usr/bin/env python3
"""Lines of tests/cli/*.bats that cannot fail: bats ends a test at the first command that fails, but not at `a && b` whose first half fails, nor
at `! a`. Write two lines; count with `[ "$(grep -c ..)" = 0 ]`. Prints what is wrong and `N passed, N failed`."""
import glob
import os
import re

os.chdir(os.path.join(os.path.dirname(__file__), "..", ".."))
LEAVES = re.compile(r"&&\s*(return|continue|break|skip|exit)\b")


def joined(line):
    """Is there an && between commands of the line itself, outside of quotes, [[ ]], ( ) and { }, and no || that goes on from it?"""
    quote, depth, tests, i = None, 0, 0, 0
    found = False
    while i < len(line):
        c, two = line[i], line[i:i + 2]
        if quote:
            if c == "\\" and quote == '"':
                i += 1
            elif c == quote:
                quote = None
        elif c == "\\":
            i += 1
        elif c in "\"'":
            quote = c
        elif c == "#" and (not i or line[i - 1] == " "):
            break
        elif two == "[[":
            tests, i = tests + 1, i + 1
        elif two == "]]":
            tests, i = tests - 1, i + 1
        elif c in "({":
            depth += 1
        elif c in ")}":
            depth -= 1
        elif not depth and not tests and two == "||":
            return False
        elif not depth and not tests and two == "&&":
            found, i = True, i + 1
        i += 1
    return found


passed = failed = 0
for name in sorted(glob.glob("tests/cli/*.bats")):
    inside, bad, quoted = False, [], False
    for number, line in enumerate(open(name), 1):
        text = line.strip()
        bare = re.sub(r'"[^"]*"', "", re.sub(r"\\.", "", line))
        whole, quoted = not quoted, quoted ^ (bare.count("'") % 2 == 1)
        if line.startswith("@test "):
            inside, quoted, whole = True, False, True
        elif line.startswith("}"):
            inside = False
        elif not inside or not whole or quoted or re.match(r"(if|while|until|elif|for)\b", text):
            continue
        elif re.match(r"! ", text) or re.search(r"; ! ", text) or (joined(text) and not LEAVES.search(text)):
            bad.append(f"FAIL {name}:{number}: cannot fail: {text}")
    print("\n".join(bad) + "\n" if bad else "", end="")
    passed, failed = passed + (not bad), failed + len(bad)
print(f"{passed} passed, {failed} failed")
raise SystemExit(failed > 0)
