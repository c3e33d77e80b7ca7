#!/usr/bin/env python3
"""measure.py BIN SPAWN DATA_DIR: language figures, one table. Each program is run N times in turn with its peers (so that a busy
machine slows all of them alike); medians of the whole process' time, and of its peak memory, by SPAWN (bench_spawn). N: BENCH_RUNS, default 5;
BENCH_CLOJURE=0 leaves the JVM out, which otherwise runs BENCH_CLOJURE_RUNS times (1). A peer that is not installed is named once and left out. Data (doc.edn) is made in DATA_DIR."""
import os, shutil, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
BIN, SPAWN, DATA = (os.path.abspath(a) for a in sys.argv[1:4])
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else shutil.which("python3")
CLOJURE_RUNS = int(os.environ.get("BENCH_CLOJURE_RUNS", "1"))
CALLS = "fib32 sum10m destr trycatch".split()
PROGRAMS = "fib27 fib32 sum10m mapint mapkw mapsmall vecconj pipeline strjoin updatein sort split destr trycatch edn".split()
EXPECTED = {
    "fib27": "196418", "fib32": "2178309", "sum10m": "49999995000000", "mapint": "1000000 999999000000",
    "mapkw": "1000000 1000000", "mapsmall": "12000003 8", "vecconj": "1000000 499999500000 499999500000",
    "pipeline": "249500000", "strjoin": "2688889 ITEM-0:0,ITEM-1:1,IT 2088889", "updatein": "1000 300",
    "sort": "42 1073235190 1070456354", "split": "200000 59999700000", "destr": "[23999973 33334]",
    "trycatch": "19999900000", "edn": "24000 ", "startup": "3"}
wrong = []


def once(argv):
    """seconds, peak MiB, output"""
    done = subprocess.run([SPAWN, "figure", *argv], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        wrong.append("%s: exit status %d" % (" ".join(argv), done.returncode))
    seconds, kib = open("figure").read().split()
    return float(seconds), int(kib) / 1024, done.stdout.strip()


def side_by_side(commands, runs, expected=None):
    """{name: argv} -> {name: (median seconds, median MiB)}"""
    seen = {name: [] for name in commands}
    for _ in range(runs):
        for name, argv in commands.items():
            seconds, mib, out = once(argv)
            seen[name].append((seconds, mib))
            if name == "breyta" and expected is not None and not out.startswith(expected):
                wrong.append("%s prints %r, expected %r" % (" ".join(argv), out[:60], expected))
    return {name: tuple(statistics.median(x) for x in zip(*v)) for name, v in seen.items()}


def verdict(ok):
    return "PASS" if ok else "MISS"


def startup():
    cmds = {"breyta": [BIN, "eval", "-e", "(+ 1 2)"], "python3": [PYTHON, "-c", "print(3)"]}
    m = side_by_side(cmds, max(21, RUNS), "3")
    (b, rss), (p, prss) = m["breyta"], m["python3"]
    print("%-4s  startup: eval -e '(+ 1 2)' %.1f ms, python3 -c 'print(3)' %.1f ms: %.2f x (bar <= 1.2); peak %.1f MiB (bar <= 12), python3 %.1f"
          % (verdict(b <= 1.2 * p and rss <= 12), b * 1e3, p * 1e3, b / p, rss, prss))


def peers(p):
    own = {"breyta": [BIN, "eval", os.path.join(HERE, "clj", p + ".clj")]}
    lua, clj = shutil.which("lua5.4"), shutil.which("clojure")
    for name, exe, folder, ext in (("lua5.4", lua, "lua", "lua"), ("python3", PYTHON, "py", "py")):
        path = os.path.join(HERE, folder, p + "." + ext)
        if exe and os.path.exists(path):
            own[name] = [exe, path]
    if clj and os.environ.get("BENCH_CLOJURE") != "0":
        own["clojure"] = [clj, os.path.join(HERE, "clj", p + ".clj")]
    return own


def cell(m, name):
    return "%7.3f s %5.0f MiB" % m[name] if name in m else "%19s" % "-"


def bar(ok, text):
    print("%-4s  %s" % (verdict(ok), text))


def programs():
    """The table; {program: {name: (seconds, MiB)}}"""
    head = ("program", "breyta-run", "lua5.4", "python3", "clojure")
    print("\n%-9s %19s %19s %19s %19s   x lua  x python  x clojure (without its start-up)" % head)
    all_m, starts = {}, []
    for p in PROGRAMS:
        commands = peers(p)
        clj = commands.pop("clojure", None)
        m = all_m[p] = side_by_side(commands, RUNS, EXPECTED[p])
        if clj:  # seconds each, and the ratios are small
            m.update(side_by_side({"start": peers("startup")["clojure"], "clojure": clj}, CLOJURE_RUNS))
            starts.append(m["start"][0])
        own = m["breyta"][0]
        ratio = lambda peer, less=0: "%6.2f" % (own / (m[peer][0] - less)) if peer in m and m[peer][0] > less else "     -"
        print("%-9s %s %s %s %s  %s    %s     %s (%s)" % (p, *(cell(m, n) for n in ("breyta", *head[2:])), ratio("lua5.4"), ratio("python3"),
              ratio("clojure"), ratio("clojure", m["start"][0] if clj else 0).strip()), flush=True)
    if starts:
        print("clojure starts in %.2f s; 'without' takes the start-up measured beside each program off its time and nothing off ours"
              % statistics.median(starts))
    return all_m


def bars(all_m):
    calls = [all_m[p]["breyta"][0] / all_m[p]["lua5.4"][0] for p in CALLS if "lua5.4" in all_m[p]]
    if calls:
        mean = statistics.geometric_mean(calls)
        bar(mean <= 1, "calls and loops (%s): %.2f x lua5.4 in the geometric mean (bar <= 1)" % (" ".join(CALLS), mean))
    e = all_m["edn"]
    if "python3" in e:
        x = e["breyta"][0] / e["python3"][0]
        bar(x <= 1.3, "edn: %.2f x python3, whose JSON reader and writer are in C (bar <= 1.3)" % x)
    clj = {p: m for p, m in all_m.items() if "clojure" in m}
    if clj:
        slow, fat = (max(clj, key=lambda p, i=i: clj[p]["breyta"][i] / clj[p]["clojure"][i]) for i in (0, 1))
        x, y = clj[slow]["breyta"][0] / clj[slow]["clojure"][0], clj[fat]["breyta"][1] / clj[fat]["clojure"][1]
        bar(x < 1, "whole-process time: at worst %.2f x clojure (%s; bar < 1 on every program)" % (x, slow))
        bar(y <= 1 / 3, "peak memory: at worst %.2f x clojure (%s; bar <= 0.33 on every program)" % (y, fat))
    print("Lua and Python have mutable collections: they show what a machine can do; clojure is the like-for-like peer")


def main():
    for exe in ("lua5.4", "clojure"):
        if not shutil.which(exe):
            print("%s is not installed: its column is empty" % exe)
    if not PYTHON:
        sys.exit("measure.py: no python3")
    print("medians of %d runs side by side, whole process, %d processors" % (RUNS, os.cpu_count()))
    work = os.path.join(DATA, "lang")
    os.makedirs(work, exist_ok=True)
    if not os.path.exists(os.path.join(work, "data", "doc.json")):
        shutil.copy(os.path.join(HERE, "gen_doc.py"), work)
        subprocess.run([PYTHON, os.path.join(work, "gen_doc.py")], check=True, stdout=subprocess.DEVNULL)
    os.chdir(work)
    startup()
    bars(programs())
    for w in wrong:
        print("WRONG " + w)
    sys.exit(1 if wrong else 0)


main()
