"""The two evaluators under comparison as line servers: `ask(exprs)` answers a list of Answer, in order."""
import os, re, subprocess, sys, threading
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "conformance", "bin"))
import ednlite
sys.setrecursionlimit(20000)


@dataclass(frozen=True)
class Answer:
    what: str          # ok, err, limit (no answer within the limits) or crash
    text: str = ""     # the printed value, or the message
    cls: str = ""      # of an err

    def __str__(self):
        return self.text if self.what == "ok" else f"{self.cls} {self.text}" if self.what == "err" else self.what


class Server:
    """A process that answers one line for each line. When it dies, the line it was on is answered `crash`, and a new one goes on."""
    def __init__(self, cmd, parse):
        self.cmd, self.parse, self.p = cmd, parse, None

    def start(self):
        self.p = subprocess.Popen(self.cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def feed(self, exprs):
        def write(pipe):
            try:
                for e in exprs: pipe.write(e.encode("utf-8") + b"\n")
                pipe.flush()
            except (BrokenPipeError, OSError, ValueError): pass   # the reader sees the end of its output
        t = threading.Thread(target=write, args=(self.p.stdin,), daemon=True)
        t.start()
        return t

    def ask(self, exprs):
        out = []
        while len(out) < len(exprs):
            if not self.p: self.start()
            t = self.feed(exprs[len(out):])
            while len(out) < len(exprs):
                line = self.p.stdout.readline()
                if not line.endswith(b"\n"): break
                out.append(self.parse(line.decode("utf-8", "replace").rstrip("\n")))
            if len(out) < len(exprs):
                out.append(Answer("crash"))
                self.close()
            t.join()
        return out

    def close(self):
        if not self.p: return
        try: self.p.stdin.close()
        except OSError: pass
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.p = None


def parse_oracle(line):
    f = line.split("\t")
    un = lambda s: re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), s)
    if f[0] == "ok": return Answer("ok", un(f[1]))
    if f[0] == "err": return Answer("limit") if f[1] == "java.lang.StackOverflowError" else Answer("err", un(f[2]), f[1])
    return Answer("limit")


def parse_ours(line):
    if not line.startswith("#error {:kind"): return Answer("ok", line)
    try: m = {k[1]: v[1] for k, v in ednlite.parse(line[len("#error "):])[1]}
    except (ednlite.Bad, TypeError, IndexError): return Answer("ok", line)
    if m["kind"] in ("limit", "stack"): return Answer("limit")
    return Answer("err", m["message"] if m["message"] is not None else "nil", m.get("class", "?"))


def oracle(millis=4000):
    os.environ["JAVA_TOOL_OPTIONS"] = "-XX:-OmitStackTraceInFastThrow -Xmx2g -XX:+UseSerialGC"   # with it, hot code throws without a message
    return Server(["clojure", os.path.join(HERE, "oracle.clj"), str(millis)], parse_oracle)


def ours(binary):
    os.environ["BREYTA_BATCH_CLASS"] = "1"   # the protocol has no class of an exception
    return Server([binary, "eval", "--batch"], parse_ours)


def both(binary, exprs, millis=4000, servers=None):
    """[(expr, theirs, ours)], both asked at the same time."""
    a, b = servers or (oracle(millis), ours(binary))
    got = [None, None]
    def run(i, s): got[i] = s.ask(exprs)
    ts = [threading.Thread(target=run, args=x) for x in enumerate((a, b))]
    for t in ts: t.start()
    for t in ts: t.join()
    if not servers: a.close(), b.close()
    return list(zip(exprs, *got))
