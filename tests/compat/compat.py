#!/usr/bin/env python3
"""Compares our evaluator with real Clojure (Debian's `clojure` package), value by value as printed, or exception by class and message.

  compat.py [--bin build/breyta-run] sample     every example: builtin table, prelude, tests/lang, conformance
  compat.py [--bin ...] fuzz N [--seed S]       N random expressions (gen.py)
  compat.py [--bin ...] ask                     the expressions on stdin, both answers
  compat.py readme [--write]                    the deviations section of stdlib/README.md is that of known.txt

Every difference must be explained by an entry of known.txt, and every entry must still be true (its `ex` lines differ).
The last line is `N passed, N failed`; exit status 1 when there is a difference without explanation or the other way round.
"""
import argparse, glob, os, re, sys, time
from collections import Counter, defaultdict
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import both, oracle, ours, HERE
from normal import normal, RELATIONS
import gen
from modes import MODES
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
README = os.path.join(ROOT, "stdlib", "README.md")
BEGIN, END = "<!-- deviations: made from tests/compat/known.txt by `make compat-readme` -->\n", "<!-- end of deviations -->\n"
OWN = re.compile(r"breyta\.|\(json/|flow/|\bb/|\(help\)|current-run|\w\* ?[()]|pprint-str\*")   # our own namespaces, and names with a star, which macros use


# ---- the table of explained differences ----
class Known:
    def __init__(self, id): self.id, self.why, self.ex, self.rules = id, "", [], []

    def explains(self, expr, theirs, mine):
        return expr in self.ex or any(all(holds(w, p, expr, theirs, mine) for w, p in r) for r in self.rules)


def holds(what, pattern, expr, theirs, mine):
    if what == "is": return RELATIONS[pattern](expr, theirs, mine)
    return pattern.search({"expr": expr, "theirs": normal(str(theirs)), "ours": normal(str(mine))}[what])


def load_known(path=os.path.join(HERE, "known.txt")):
    """`= id`, then lines of prose, `ex EXPR`, and `when expr /RE/ theirs /RE/ ours /RE/ is RELATION` (all that are named must hold)."""
    out = []
    for n, l in enumerate(open(path, encoding="utf-8"), 1):
        l = l.rstrip("\n")
        if l.startswith("= "): out.append(Known(l[2:].strip()))
        elif not l.strip() or l.startswith("#"): continue
        elif l.startswith("ex "): out[-1].ex.append(l[3:])
        elif re.match(r"when (expr|theirs|ours|is) ", l):
            parts = [(w, re.compile(p.replace("\\/", "/"), re.S)) for w, p in re.findall(r" (expr|theirs|ours) /((?:\\/|[^/])*)/", l)]
            parts += [("is", r) for r in re.findall(r" is ([a-z-]+)$", l)]
            if not parts: sys.exit(f"{path}:{n}: a rule without a pattern")
            out[-1].rules.append(parts)
        else: out[-1].why = (out[-1].why + " " + l.strip()).strip()
    for k in out:
        if not k.ex or not k.why: sys.exit(f"{path}: {k.id} needs a reason and an `ex` line")
    return out


# ---- the cases ----
def sample(binary):
    runner = os.path.join(os.path.dirname(binary), "t", "lang_runner")
    import subprocess
    text = subprocess.run([runner, "--list", *sorted(glob.glob(os.path.join(ROOT, "tests/lang/*.clj")))], capture_output=True, check=True, cwd=ROOT).stdout.decode()
    for l in text.splitlines():
        where, expr, kind, want = l.split("\t", 3)
        yield where, f"(do {expr.strip()})" if "/tests/lang/" in where or where.startswith("tests/lang/") else expr.strip(), (kind, want)
    for p in sorted(glob.glob(os.path.join(ROOT, "tests/conformance/exprs/*.txt"))):
        for l in open(p, encoding="utf-8"):
            if "\t" in l and not l.startswith(";"):
                i, e = l.rstrip("\n").split("\t", 1)
                yield i, e, None


def unstable(expr):
    if ":line (meta" in expr: return True   # the oracle reads without positions
    return re.search(r"\b(rand|rand-int|rand-nth|random-\w+|random|shuffle|now|nanoTime|currentTimeMillis|time|randomUUID|Date\.|getenv|getProperty|gensym|printStackTrace|shutdown-agents|future-done\\?|future-cancel|send|send-off|send-via|tap>|ns-imports)(?![\w*])", expr)


def agree(theirs, mine):
    return theirs.what == mine.what and theirs.cls == mine.cls and (theirs.text == mine.text or normal(theirs.text) == normal(mine.text))


def report(where, expr, theirs, mine):
    print(f"{where}\n  {expr}\n  clojure {normal(str(theirs))[:600]}\n  ours    {normal(str(mine))[:600]}")


def cmd_sample(a):
    known, bad, ok, skipped, hit = load_known(), 0, 0, 0, Counter()
    cases = list(sample(a.bin))
    cases += [(f"known.txt: {k.id}", e, None) for k in known for e in k.ex]
    run = [c for c in cases if not OWN.search(c[1]) and not unstable(c[1]) and not (c[2] and c[2][1] in (":limit", ":stack"))]
    skipped = len(cases) - len(run)
    for (where, expr, _), (_, theirs, mine) in zip(run, both(a.bin, [c[1] for c in run])):
        same, why = agree(theirs, mine), [k.id for k in known if k.explains(expr, theirs, mine)]
        stale = same and where.startswith("known.txt")
        if same and not stale or not same and why:
            ok += 1
            hit.update(why if not same else [])
            continue
        bad += 1
        report(where + (": stale, they agree now" if stale else ""), expr, theirs, mine)
    for i, n in hit.most_common(): print(f"explained: {n:4d} x {i}")
    print(f"{skipped} skipped: our own namespaces and limits, or different each time")
    print(f"{ok} passed, {bad} failed")
    return bad


def cmd_ask(a):
    for expr, theirs, mine in both(a.bin, [l.rstrip("\n") for l in sys.stdin if l.strip()]):
        report("same" if agree(theirs, mine) else "DIFFERENT", expr, theirs, mine)
    return 0


# ---- fuzzing ----
def different(known, expr, theirs, mine):
    if agree(theirs, mine) or any(k.explains(expr, theirs, mine) for k in known): return False
    return mine.what == "crash" or theirs.what != "limit" and mine.what != "limit"


def minimal(a, servers, known, answers):
    """For each difference the smallest subexpression that differs as well."""
    parts = {x[0]: [p for p in gen.subforms(x[0]) if p != x[0]] for x in answers}
    flat = sorted({p for ps in parts.values() for p in ps})
    told = {x[0]: x for x in both(a.bin, flat, servers=servers)}
    for x in answers:
        yield next((told[p] for p in parts[x[0]] if different(known, *told[p]) and not unstable(p)), x)


def cmd_fuzz(a):
    known, servers = load_known(), (oracle(a.millis), ours(a.bin))
    g = MODES[a.mode](a.seed) if a.mode else gen.Gen(a.seed, gen.names(servers), a.only)
    seen, bad, done, t0 = Counter(), 0, 0, time.time()
    out = open(a.out, "w", encoding="utf-8") if a.out else None
    while done < a.n:
        exprs = [g.expr() for _ in range(min(500, a.n - done))]
        done += len(exprs)
        answers = both(a.bin, exprs, servers=servers)
        if not a.mode:
            for expr, theirs, _ in answers: g.learn(expr, theirs)
        for expr, theirs, mine in minimal(a, servers, known, [x for x in answers if different(known, *x)]):
            key = gen.signature(expr, theirs, mine)
            seen[key] += 1
            if seen[key] > a.same: continue
            bad += 1
            report("--", expr, theirs, mine)
            if out: out.write(f"{expr}\n")
        print(f"# {done} done, {bad} shown, {sum(seen.values())} differ, {time.time() - t0:.0f} s", file=sys.stderr, flush=True)
    for s in servers: s.close()
    print(f"{a.n - sum(seen.values())} passed, {sum(seen.values())} failed")
    return sum(seen.values())


# ---- stdlib/README.md ----
def section():
    out = [BEGIN]
    for k in load_known(): out.append(f"- **{k.id}**: {k.why} E.g. `{k.ex[0]}`.\n")
    return "".join(out) + END


def cmd_readme(a):
    text = open(README, encoding="utf-8").read()
    if BEGIN not in text: sys.exit(f"{README}: no deviations section ({BEGIN.strip()})")
    head, rest = text.split(BEGIN, 1)
    new = head + section() + rest.split(END, 1)[1]
    if new == text:
        print("1 passed, 0 failed")
        return 0
    if a.write: open(README, "w", encoding="utf-8").write(new)
    else: print("0 passed, 1 failed: stdlib/README.md: the deviations section is not that of tests/compat/known.txt: run `make compat-readme`")
    return 0 if a.write else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--bin", default=os.path.join(ROOT, "build/breyta-run"))
    sub = ap.add_subparsers(dest="cmd", required=True)
    sub.add_parser("sample")
    sub.add_parser("ask")
    f = sub.add_parser("fuzz")
    f.add_argument("n", type=int)
    f.add_argument("--seed", type=int, default=1)
    f.add_argument("--mode", choices=sorted(MODES), help="another generator: regex, reader, numbers")
    f.add_argument("--only", help="regexp of generators or function names")
    f.add_argument("--same", type=int, default=1, help="how many of one cause to show")
    f.add_argument("--millis", type=int, default=1500)
    f.add_argument("--out", help="expressions that differ")
    r = sub.add_parser("readme")
    r.add_argument("--write", action="store_true")
    a = ap.parse_args()
    return 1 if globals()["cmd_" + a.cmd](a) else 0


sys.exit(main())
