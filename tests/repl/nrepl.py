#!/usr/bin/env python3
"""nrepl.py - breyta-run's nREPL server, driven by a client of our own: every op, malformed input, interrupts, clients that vanish.
BREYTA_RUN is the program; `nrepl.py NAME...` runs the named tests only. Ends with `N passed, N failed`."""
import fcntl, os, pty, re, select, signal, socket, subprocess, sys, tempfile, termios, threading, time, traceback

PROGRAM = os.path.abspath(os.environ.get("BREYTA_RUN", "build/breyta-run"))
SLOW = float(os.environ.get("NREPL_SLOW") or "1")  # sanitizer builds take longer
PATIENCE = 30 * SLOW                             # for what must come; nothing waits that long otherwise


# --- bencode -----------------------------------------------------------------------------------------------------------
def encode(x):
    if isinstance(x, bool): raise TypeError("no booleans in bencode")
    if isinstance(x, int): return b"i%de" % x
    if isinstance(x, str): x = x.encode()
    if isinstance(x, bytes): return b"%d:%s" % (len(x), x)
    if isinstance(x, list): return b"l" + b"".join(map(encode, x)) + b"e"
    return b"d" + b"".join(encode(k) + encode(v) for k, v in sorted(x.items())) + b"e"


class More(Exception):
    pass


def decode(b, i=0):
    """The value at i and the index behind it; More: not all of it is there."""
    if i >= len(b): raise More
    c = b[i:i + 1]
    if c == b"i":
        e = b.find(b"e", i)
        if e < 0: raise More
        return int(b[i + 1:e]), e + 1
    if c in b"ld":
        xs, i = [], i + 1
        while True:
            if i >= len(b): raise More
            if b[i:i + 1] == b"e": break
            x, i = decode(b, i)
            xs.append(x)
        if c == b"l": return xs, i + 1
        keys = xs[::2]
        assert keys == sorted(keys, key=lambda k: k.encode()), "keys are not sorted: %r" % keys
        assert len(set(keys)) == len(keys), "a key comes twice: %r" % keys
        return dict(zip(keys, xs[1::2])), i + 1
    e = b.find(b":", i)
    if e < 0: raise More
    n = int(b[i:e])
    if e + 1 + n > len(b): raise More
    return b[e + 1:e + 1 + n].decode(), e + 1 + n


class Client:
    def __init__(self, server, session=True):
        self.sock = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self.got, self.ids, self.waiting = b"", 0, []
        self.session = None
        if session: self.session = self.ask(op="clone")["new-session"]

    def raw(self, data):
        self.sock.sendall(data)

    def read(self, timeout=PATIENCE):
        """The next message; None: the server closed."""
        end = time.monotonic() + timeout
        while True:
            try:
                m, used = decode(self.got)
                self.got = self.got[used:]
                return m
            except More:
                pass
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]: raise AssertionError("no answer within %g s; so far %r" % (timeout, self.got[:200]))
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data: return None
            self.got += data

    def send(self, **m):
        m = {k.replace("__", "-").rstrip("_"): v for k, v in m.items()}
        if "id" not in m:
            self.ids += 1
            m["id"] = str(self.ids)
        if self.session and "session" not in m: m["session"] = self.session
        if m.get("session") == "": del m["session"]
        self.raw(encode(m))
        return m["id"]

    def until(self, id, status="done"):
        """All messages of a request up to the one with that status; those of others wait."""
        mine, others = [], []
        try:
            while True:
                m = self.waiting.pop(0) if self.waiting else self.read()
                assert m is not None, "the server closed the connection; before: %r" % mine
                if m.get("id") != id:
                    others.append(m)
                    continue
                mine.append(m)
                if status in m.get("status", []): return mine
        finally:
            self.waiting = others + self.waiting

    def all(self, **m):
        return self.until(self.send(**m))

    def ask(self, **m):
        answers = self.all(**m)
        assert len(answers) == 1, answers
        return answers[0]

    def values(self, code, **m):
        return [a["value"] for a in self.all(op="eval", code=code, **m) if "value" in a]

    def value(self, code, **m):
        answers = self.all(op="eval", code=code, **m)
        vs = [a["value"] for a in answers if "value" in a]
        assert len(vs) == 1, answers
        return vs[0]

    def close(self):
        self.sock.close()


class Server:
    def __init__(self, *args, cwd=None, **kw):
        self.dir = cwd or tempfile.mkdtemp()
        self.p = subprocess.Popen([PROGRAM, "repl", "--nrepl", *(args or ("0",))], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, **kw)
        self.line = self.p.stdout.readline()
        m = re.fullmatch(r"nREPL server started on port (\d+) on host (\S+) - nrepl://(\S+):(\d+)\n", self.line)
        if not m:
            self.p.kill()
            raise AssertionError("no banner: %r %r" % (self.line, self.p.communicate()))
        self.port, self.host = int(m[1]), m[2]

    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None: self.p.send_signal(sig)
        try:
            out, err = self.p.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.p.kill()
            raise AssertionError("the server does not end")
        return self.p.returncode, out, err

    def cpu(self):
        """Clock ticks the process has used."""
        f = open("/proc/%d/stat" % self.p.pid).read().rsplit(")", 1)[1].split()
        return int(f[11]) + int(f[12])


TESTS = []
def test(f):
    TESTS.append(f)
    return f


def eventually(f, what):
    end = time.monotonic() + PATIENCE
    while not f():
        assert time.monotonic() < end, "never: " + what
        threading.Event().wait(0.02)


def status(m):
    return set(m.get("status", []))


def eq(a, b):
    assert a == b, "%r is not %r" % (a, b)


LOOP = "(loop [] (recur))"


# --- sessions and description --------------------------------------------------------------------------------------------
@test
def describe(s):
    c = Client(s)
    d = c.ask(op="describe")
    eq(set(d["ops"]), {"clone", "close", "ls-sessions", "describe", "eval", "load-file", "interrupt", "stdin", "completions", "complete", "lookup", "info", "eldoc"})
    eq(d["versions"]["nrepl"], {"major": 1, "minor": 0, "incremental": 0, "version-string": "1.0.0"})
    eq(d["versions"]["clojure"]["version-string"], "1.11.1")
    eq(d["aux"], {"current-ns": "user"})
    eq(d["ops"]["eval"], {})
    v = c.ask(op="describe", **{"verbose?": "true"})["ops"]["eval"]
    eq(list(v["requires"]), ["code"])
    assert v["doc"] and "value" in v["returns"] and "ns" in v["optional"]
    c.value("(ns other)")
    eq(c.ask(op="describe")["aux"], {"current-ns": "other"})
    c.value("(in-ns 'user)")


@test
def sessions(s):
    c = Client(s)
    a = c.session
    b = c.ask(op="clone")["new-session"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", a) and a != b
    assert {a, b} <= set(c.ask(op="ls-sessions")["sessions"])
    c.value("(+ 40 2)")
    eq(c.value("*1"), "42")
    eq(c.value("*1", session=b), "nil")          # its own *1
    eq(c.value("(do (def shared 7) shared)"), "7")
    eq(c.value("shared", session=b), "7")        # one world of namespaces
    c.value("(ns apart)")
    eq(c.value("(str *ns*)", session=b), '"user"')
    d = c.ask(op="clone")["new-session"]         # a clone of a: its namespace and *1
    eq(c.value("(str *ns*)", session=d), '"apart"')
    eq(status(c.ask(op="close", session=b)), {"done", "session-closed"})
    assert b not in c.ask(op="ls-sessions")["sessions"]
    eq(status(c.ask(op="eval", code="1", session=b)), {"error", "unknown-session", "done"})
    eq(status(c.ask(op="close", session=b)), {"error", "unknown-session", "done"})
    eq(status(c.ask(op="describe", session="no such")), {"error", "unknown-session", "done"})


@test
def without_session(s):
    c = Client(s, session=False)
    eq(c.value("(def loose 5)"), "#'user/loose")
    eq(c.value("loose"), "5")
    eq(c.value("*1"), "nil")
    eq(status(c.ask(op="interrupt")), {"error", "session-ephemeral", "done"})
    eq(status(c.ask(op="close")), {"error", "session-ephemeral", "done"})
    eq(status(c.ask(op="stdin", stdin="x\n")), {"error", "session-ephemeral", "done"})
    eq(c.value("(read-line)"), "nil")
    assert "map" in [x["candidate"] for x in c.ask(op="completions", prefix="ma")["completions"]]
    assert "error" not in status(c.ask(op="ls-sessions"))


@test
def star_vars(s):
    c = Client(s)
    c.values("1 2 3")
    eq(c.value("[*1 *2 *3]"), "[3 2 1]")
    c.all(op="eval", code="(/ 1 0)")
    eq(c.value("(ex-message *e)"), '"Divide by zero"')
    c2 = Client(s)
    eq(c2.value("*e"), "nil")


@test
def unknown_ops(s):
    c = Client(s)
    m = c.ask(op="frobnicate")
    eq(status(m), {"error", "unknown-op", "done"})
    eq(m["op"], "frobnicate")
    c.raw(encode({"id": "x1"}))
    eq(status(c.until("x1")[0]), {"error", "unknown-op", "done"})
    c.raw(encode({"op": ["eval"], "id": "x2"}))
    eq(status(c.until("x2")[0]), {"error", "unknown-op", "done"})


# --- evaluation -------------------------------------------------------------------------------------------------------------
@test
def eval_values(s):
    c = Client(s)
    answers = c.all(op="eval", code='(+ 1 2) "é 😀" (ns a.b) {:a 1} ; the end', id="my id")
    eq([(a["value"], a["ns"]) for a in answers[:-1]], [("3", "user"), ('"é 😀"', "user"), ("nil", "a.b"), ("{:a 1}", "a.b")])
    eq(answers[-1], {"id": "my id", "session": c.session, "status": ["done"]})
    assert all(a["id"] == "my id" and a["session"] == c.session for a in answers)
    eq([a.get("id") for a in c.all(op="eval", code="1", id=17)], [17, 17])     # a number goes back as one
    eq([c.ask(op="eval", code=nothing)["status"] for nothing in ("", " ; nothing\n")], [["done"], ["done"]])
    eq(status(c.ask(op="eval")), {"error", "no-code", "done"})
    c.value("(in-ns 'user)")
    c.raw(encode({"op": "eval", "code": "7", "session": c.session}))           # no id
    m = c.read()
    assert "id" not in m and m["value"] == "7"
    assert "id" not in c.read()


@test
def eval_namespaces(s):
    c = Client(s)
    c.value("(ns there)")
    c.value("(def x 1)")
    c.value("(in-ns 'user)")
    answers = c.all(op="eval", code="x (str *ns*)", ns="there")
    eq([(a["value"], a["ns"]) for a in answers[:-1]], [("1", "there"), ('"there"', "there")])
    eq(c.value("(str *ns*)"), '"user"')                                        # and back
    m = c.ask(op="eval", code="1", ns="not.there")
    eq((status(m), m["ns"]), ({"error", "namespace-not-found", "done"}, "not.there"))
    assert "namespace-not-found" in status(c.ask(op="eval", code="1", ns="not.there"))  # asking made none
    eq(c.value("(clojure.string/upper-case \"a\")", ns="clojure.core"), '"A"')


@test
def eval_output(s):
    c = Client(s)
    answers = c.all(op="eval", code='(print "a") (println "b" 1) (binding [*out* *err*] (println "oops")) (prn :c)')
    eq("".join(a.get("out", "") for a in answers), "ab 1\n:c\n")
    eq("".join(a.get("err", "") for a in answers), "oops\n")
    order = [k for a in answers for k in ("out", "err", "value") if k in a]
    assert order.index("out") < order.index("value") and order[-1] == "value", order
    eq(sum("value" in a for a in answers), 4)


@test
def output_streams(s):
    """What is printed arrives while the evaluation still runs."""
    c = Client(s)
    id = c.send(op="eval", code='(print "now") ' + LOOP)
    m = c.read()
    while "out" not in m: m = c.read()
    eq(m["out"], "now")
    c.ask(op="interrupt", interrupt__id=id)
    assert "interrupted" in status(c.until(id)[-1])


@test
def much_output(s):
    c = Client(s)
    answers = c.all(op="eval", code='(dotimes [i 20000] (println i))')
    eq("".join(a.get("out", "") for a in answers), "".join("%d\n" % i for i in range(20000)))
    big = c.all(op="eval", code='(print (apply str (repeat 3000000 \\x)))')
    eq(sum(len(a.get("out", "")) for a in big), 3000000)
    eq(len(c.value("(apply str (repeat 2000000 \\y))")), 2000002)


@test
def eval_errors(s):
    c = Client(s)
    answers = c.all(op="eval", code="(print 1) (/ 1 0) (print :never)")
    e = [a for a in answers if "ex" in a]
    eq(len(e), 1)
    eq((e[0]["ex"], e[0]["root-ex"], e[0]["status"]), ("class java.lang.ArithmeticException", "class java.lang.ArithmeticException", ["eval-error"]))
    err = "".join(a.get("err", "") for a in answers)
    assert "Divide by zero" in err and err.endswith("\n"), err
    eq(status(answers[-1]), {"done"})
    eq("".join(a.get("out", "") for a in answers), "1")
    answers = c.all(op="eval", code='(throw (ex-info "outer" {} (IllegalStateException. "inner")))')
    e = [a for a in answers if "ex" in a][0]
    eq((e["ex"], e["root-ex"]), ("class clojure.lang.ExceptionInfo", "class java.lang.IllegalStateException"))
    for bad in ("(+ 1", ")", '"abc', "#<", "(no-such-name 1)", "(let [x] x)"):
        answers = c.all(op="eval", code="5 " + bad)
        assert any("eval-error" in status(a) for a in answers), (bad, answers)
        eq(answers[0]["value"], "5")
    eq(c.value(":alive"), ":alive")


@test
def eval_positions(s):
    c = Client(s)
    c.value("\n(defn placed [x]\n  (/ x 0))", file="src/a.clj", line=10, column=3)
    info = c.ask(op="lookup", sym="placed")["info"]
    eq((info["file"], info["line"]), ("src/a.clj", 11))
    err = "".join(a.get("err", "") for a in c.all(op="eval", code="(placed 1)"))
    assert "src/a.clj:12" in err, err
    err = "".join(a.get("err", "") for a in c.all(op="eval", code="(no-such)", file="b.clj", line="7", column="4"))
    assert "b.clj:7" in err, err


@test
def printers(s):
    c = Client(s)
    long = "(vec (range 60))"
    eq(len(c.value(long).splitlines()), 1)
    p = {"nrepl.middleware.print/print": "cider.nrepl.pprint/pprint"}
    assert len(c.value(long, **p).splitlines()) > 1
    p["nrepl.middleware.print/options"] = {"right-margin": 20}
    assert len(c.value(long, **p).splitlines()) > 5
    answers = c.all(op="eval", code='"ééééé"', **{"nrepl.middleware.print/quota": 4})
    eq((answers[0]["value"], answers[0]["nrepl.middleware.print/truncated-keys"], answers[0]["status"]),
       ('"é', ["value"], ["nrepl.middleware.print/truncated"]))


@test
def serial_order(s):
    """Requests of a session sent at once are answered in order, and see each other's effects."""
    c = Client(s)
    ids = [c.send(op="eval", code="(def n %d) (println n)" % i) for i in range(200)]
    done, out = [], ""
    while len(done) < 200:
        m = c.read()
        out += m.get("out", "")
        if "done" in status(m): done.append(m["id"])
    eq(done, ids)
    eq(out, "".join("%d\n" % i for i in range(200)))


# --- load-file -----------------------------------------------------------------------------------------------------------------
FILE = "(ns loaded.file)\n\n(defn twice\n  \"Doubles.\"\n  [x] (* 2 x))\n(println :loading)\n(twice 21)\n"

@test
def load_file(s):
    c = Client(s)
    c.value("(in-ns 'user)")
    answers = c.all(op="load-file", file=FILE, **{"file-path": "loaded/file.clj", "file-name": "file.clj"})
    eq([a["value"] for a in answers if "value" in a], ["42"])
    assert not any("ns" in a for a in answers)
    eq("".join(a.get("out", "") for a in answers), ":loading\n")
    eq(c.value("[(str *ns*) *1 (loaded.file/twice 4)]"), '["user" 42 8]')
    eq(c.value("*2"), "42")                                                    # *1 moved once for the whole file
    info = c.ask(op="lookup", sym="loaded.file/twice")["info"]
    eq((info["file"], info["line"], info["doc"], info["ns"], info["name"]), ("loaded/file.clj", 3, "Doubles.", "loaded.file", "twice"))
    answers = c.all(op="load-file", file="(def a 1)\n(/ a 0)\n", **{"file-name": "broken.clj"})
    assert not any("value" in a for a in answers) and any("eval-error" in status(a) for a in answers)
    assert "broken.clj:2" in "".join(a.get("err", "") for a in answers), answers
    eq(status(c.ask(op="load-file")), {"error", "no-file", "done"})


# --- interrupts -----------------------------------------------------------------------------------------------------------------
ENDLESS = [LOOP, "(count (map inc (range)))", "(last (iterate inc 0))", "(reduce + (range))", "(doall (map inc (range)))", "(map (fn [x] (dotimes [_ 1000] x) x) (range))",
           "(sort-by (fn [x] (loop [] (recur))) [2 1])", "(dorun (filter neg? (range)))", "(try (loop [] (recur)) (catch Throwable t :caught))",
           "(try (loop [] (recur)) (finally (println :cleanup)))", "(while true)", "(into [] (repeat 1))", "(swap! (atom 0) (fn [_] (loop [] (recur))))",
           "(defmacro endless [] (loop [] (recur))) (endless)", "(loop [] (print \"x\") (recur))", "@(delay (loop [] (recur)))"]

@test
def interrupts(s):
    c = Client(s)
    for code in ENDLESS:
        id = c.send(op="eval", code="(println :begun) " + code)
        m = c.read()
        while ":begun" not in m.get("out", ""): m = c.read()
        eq(status(c.ask(op="interrupt", interrupt__id=id)), {"done"})
        answers = c.until(id)
        eq((code, status(answers[-1])), (code, {"interrupted", "done"}))
        assert not any("eval-error" in status(a) for a in answers), (code, answers)
        eq(c.value("(+ 1 1)"), "2")


@test
def interrupt_at_once(s):
    """Sent with the evaluation in one piece: it may come before the evaluation has begun."""
    c = Client(s)
    for i in range(100):
        e = {"op": "eval", "code": LOOP, "id": "e%d" % i, "session": c.session}
        n = {"op": "interrupt", "interrupt-id": "e%d" % i, "id": "i%d" % i, "session": c.session}
        c.raw(encode(e) + encode(n))
        assert "interrupted" in status(c.until("e%d" % i)[-1])
        eq(status(c.until("i%d" % i)[-1]), {"done"})


@test
def interrupt_statuses(s):
    c = Client(s)
    eq(status(c.ask(op="interrupt")), {"session-idle", "done"})
    eq(status(c.ask(op="interrupt", interrupt__id="nothing")), {"session-idle", "done"})
    id = c.send(op="eval", code="(println :begun) " + LOOP)
    while ":begun" not in c.read().get("out", ""): pass
    waiting = c.send(op="eval", code="(def dropped 1)")
    behind = c.send(op="eval", code=":behind")
    eq(status(c.ask(op="interrupt", interrupt__id="nothing")), {"error", "interrupt-id-mismatch", "done"})
    eq(status(c.ask(op="interrupt", interrupt__id=waiting)), {"done"})          # waits its turn: is dropped
    eq(status(c.until(waiting)[-1]), {"interrupted", "done"})
    eq(status(c.ask(op="interrupt")), {"done"})                                 # whatever runs
    eq(status(c.until(id)[-1]), {"interrupted", "done"})
    eq(c.until(behind)[0]["value"], ":behind")
    eq(c.value("(resolve 'dropped)"), "nil")
    c2 = Client(s)                                                              # from another connection
    id = c.send(op="eval", code="(println :begun) " + LOOP)
    while ":begun" not in c.read().get("out", ""): pass
    c2.ask(op="interrupt", session=c.session)
    assert "interrupted" in status(c.until(id)[-1])
    numbered = c.send(op="eval", code=LOOP, id=99)
    eq(status(c.ask(op="interrupt", interrupt__id=99)), {"done"})
    assert "interrupted" in status(c.until(numbered)[-1])


@test
def close_interrupts(s):
    c = Client(s)
    id = c.send(op="eval", code=LOOP)
    waiting = c.send(op="eval", code="1")
    eq(status(c.ask(op="close")), {"done", "session-closed"})
    eq(status(c.until(id)[-1]), {"interrupted", "done"})
    eq(status(c.until(waiting)[-1]), {"interrupted", "done"})


@test
def sessions_run_together(s):
    """An endless loop in one session holds up no other, and its own session's completions neither."""
    a, b = Client(s), Client(s)
    id = a.send(op="eval", code="(println :begun) " + LOOP)
    while ":begun" not in a.read().get("out", ""): pass
    eq(b.value("(reduce + (range 1000000))"), "499999500000")
    assert a.ask(op="completions", prefix="red")["completions"]
    assert a.ask(op="clone")["new-session"]
    a.ask(op="interrupt", interrupt__id=id)
    assert "interrupted" in status(a.until(id)[-1])


# --- names ----------------------------------------------------------------------------------------------------------------------
@test
def completions(s):
    c = Client(s)
    xs = c.ask(op="completions", prefix="map")["completions"]
    names = [x["candidate"] for x in xs]
    assert {"map", "mapv", "mapcat", "map-indexed"} <= set(names) and names == sorted(names), names
    m = [x for x in xs if x["candidate"] == "map"][0]
    eq((m["type"], m["ns"]), ("function", "clojure.core"))
    assert "arglists" not in m and "doc" not in m
    m = [x for x in c.ask(op="completions", prefix="mapv", options={"extra-metadata": ["arglists", "doc"]})["completions"] if x["candidate"] == "mapv"][0]
    assert "[f coll]" in m["arglists"] and m["doc"], m
    c.value("(ns comp.one)")
    c.value("(def my-own-thing 1)")
    c.value("(in-ns 'user)")
    eq([x["candidate"] for x in c.ask(op="completions", prefix="my-own", ns="comp.one")["completions"]], ["my-own-thing"])
    eq([x["candidate"] for x in c.ask(op="completions", prefix="comp.one/my")["completions"]], ["comp.one/my-own-thing"])
    eq(c.ask(op="completions", prefix="my-own")["completions"], [])
    assert "if-let" in [x["candidate"] for x in c.ask(op="complete", symbol="if-")["completions"]]
    eq(status(c.ask(op="completions", prefix="a", ns="not.there")), {"completion-error", "namespace-not-found", "done"})
    eq(status(c.ask(op="completions")), {"error", "completion-error", "no-prefix", "done"})


@test
def lookups(s):
    c = Client(s)
    i = c.ask(op="lookup", sym="mapv")["info"]
    eq((i["ns"], i["name"]), ("clojure.core", "mapv"))
    assert "[f coll]" in i["arglists-str"] and i["doc"]
    eq(c.ask(op="lookup", sym="when")["info"]["macro"], "true")
    eq(c.ask(op="lookup", sym="if")["info"]["special-form"], "true")
    eq(c.ask(op="lookup", sym="no-such-thing")["info"], {})
    eq(c.ask(op="info", sym="mapv")["name"], "mapv")
    eq(status(c.ask(op="info", symbol="no-such-thing")), {"no-info", "done"})
    e = c.ask(op="eldoc", sym="get-in")
    assert ["m", "ks"] in e["eldoc"] and ["m", "ks", "not-found"] in e["eldoc"], e
    eq((e["ns"], e["name"], e["type"]), ("clojure.core", "get-in", "function"))
    c.value("(defn mine ([{:keys [a b]} & more] a))")
    eq(c.ask(op="eldoc", symbol="mine")["eldoc"], [["{:keys [a b]}", "&", "more"]])
    eq(status(c.ask(op="eldoc", sym="no-such-thing")), {"no-eldoc", "done"})
    eq(status(c.ask(op="eldoc", sym="x", ns="not.there")), {"no-eldoc", "namespace-not-found", "done"})
    assert "lookup-error" in status(c.ask(op="lookup"))


# --- input ----------------------------------------------------------------------------------------------------------------------
@test
def standard_input(s):
    c = Client(s)
    id = c.send(op="eval", code="[(read-line) (read-line)]")
    assert "need-input" in status(c.until(id, "need-input")[-1])
    eq(status(c.ask(op="stdin", stdin="one\ntw")), {"done"})
    assert "need-input" in status(c.until(id, "need-input")[-1])                # half a line is not enough
    c.ask(op="stdin", stdin="o\nrest\n")
    eq(c.until(id)[0]["value"], '["one" "two"]')
    eq(c.value("(read-line)"), '"rest"')                                        # what is left stays
    id = c.send(op="eval", code="(read-line)")
    c.until(id, "need-input")
    c.ask(op="stdin", stdin="")                                                 # the end
    eq(c.until(id)[0]["value"], "nil")
    id = c.send(op="eval", code="(count (read))")
    c.until(id, "need-input")
    c.ask(op="stdin", stdin="(* 2\n")
    c.until(id, "need-input")
    c.ask(op="stdin", stdin="3)\n")
    eq([a["value"] for a in c.until(id) if "value" in a], ["3"])
    c.ask(op="stdin", stdin="ahead é\n")                                        # input before it is asked for
    c2 = Client(s)
    id2 = c2.send(op="eval", code="(read-line)")
    c2.until(id2, "need-input")                                                 # sessions do not share it
    eq([v for v in c.values("(read-line)") if v != '""'], ['"ahead é"'])
    eq(status(c2.ask(op="interrupt")), {"done"})                                # an interrupt ends the wait
    eq(status(c2.until(id2)[-1]), {"interrupted", "done"})
    eq(c2.value("1"), "1")


# --- hostile and unlucky clients -----------------------------------------------------------------------------------------------
@test
def malformed(s):
    steady = Client(s)
    for bad in (b"hello\n", b"i1e", b"le", b"d1:ai01ee", b"d1:ai-0ee", b"d01:ae", b"di1e1:ae", b"d1:ae", b"e", b"d99999999999:", b"d4294967295:",
                b"d" + b"1:a" + b"l" * 100000, b"d1:al" + b"0:" * 200000, b"d1:ai99999999999999999999ee", b"d1:a-1:", b"GET / HTTP/1.1\r\n\r\n"):
        c = Client(s, session=False)
        try:
            c.raw(bad)
        except (BrokenPipeError, ConnectionResetError):
            pass
        m = c.read()
        assert m and {"error", "malformed-message"} <= status(m) and "byte" in m["err"], (bad[:30], m)
        eq(c.read(), None)
        c.close()
    c = Client(s, session=False)                                                # what came before is answered
    c.raw(encode({"op": "ls-sessions", "id": "before"}) + b"rubbish")
    eq(c.read()["id"], "before")
    assert "malformed-message" in status(c.read())
    eq(steady.value("1"), "1")


@test
def byte_by_byte(s):
    c = Client(s)
    for b in encode({"op": "eval", "code": "(+ 20 22)", "id": "slow", "session": c.session}): c.raw(bytes([b]))
    eq(c.until("slow")[0]["value"], "42")
    c.raw(b"d2:op4:eval2:op8:describe2:id1:de")                                 # unsorted, and a key twice
    assert "ops" in c.until("d")[0]


@test
def vanishing_clients(s):
    steady = Client(s)
    c = Client(s, session=False)                                                # in the middle of a message
    c.raw(b"d2:op4:eval4:code1000:(+ 1")
    c.close()
    c = Client(s)                                                               # while output streams
    c.send(op="eval", code='(loop [] (println "streaming away, streaming away, streaming away") (recur))')
    while "out" not in c.read(): pass
    c.close()
    c = Client(s)                                                               # during a silent loop, and with others waiting
    c.send(op="eval", code="(println :begun) " + LOOP)
    while ":begun" not in c.read().get("out", ""): pass
    for _ in range(20): c.send(op="eval", code=LOOP)
    c.close()
    c = Client(s, session=False)                                                # without session
    c.send(op="eval", code="(println :begun) " + LOOP)
    while ":begun" not in c.read().get("out", ""): pass
    c.close()
    c = Client(s)                                                               # while it should type
    c.until(c.send(op="eval", code="(read-line)"), "need-input")
    session = c.session
    c.close()
    eq(steady.value("(+ 1 1)"), "2")
    eventually(lambda: status(steady.ask(op="interrupt", session=session)) == {"session-idle", "done"}, "the session of the gone client is idle")
    eq(steady.value("1", session=session), "1")                                 # the session stayed
    def quiet():
        before = s.cpu()
        threading.Event().wait(0.5)
        return s.cpu() - before < 10
    eventually(quiet, "all that nobody waits for has ended")


@test
def client_that_does_not_read(s):
    """Its printing waits, without a growing process; an interrupt from elsewhere ends it."""
    steady = Client(s)
    c = Client(s)
    id = c.send(op="eval", code='(loop [] (println "%s") (recur))' % ("x" * 1000))
    def resident(): return int(open("/proc/%d/statm" % s.p.pid).read().split()[1]) * 4096
    steady.value("1")
    before = resident()
    def stalled():
        t = s.cpu()
        threading.Event().wait(0.5)
        return s.cpu() - t < 10
    eventually(stalled, "the printing stops")
    if SLOW == 1: assert resident() - before < 200 << 20
    eq(steady.value("(+ 1 1)"), "2")
    eq(status(steady.ask(op="interrupt", session=c.session)), {"done"})
    assert "interrupted" in status(c.until(id)[-1])
    c.close()


@test
def many_clients(s):
    errors = []
    def work(k):
        try:
            c = Client(s)
            for i in range(20):
                eq(c.value("(do (def many-%d %d) (+ many-%d 1))" % (k, i, k)), str(i + 1))
                eq("".join(a.get("out", "") for a in c.all(op="eval", code="(println %d %d)" % (k, i))), "%d %d\n" % (k, i))
            eq(status(c.ask(op="close")), {"done", "session-closed"})
            c.close()
        except BaseException as e:
            errors.append(e)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(40)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert not errors, errors[:3]


@test
def too_many_sessions(s):
    c = Client(s)
    mine = [c.session]
    while True:
        m = c.ask(op="clone", session="")
        if "new-session" not in m: break
        mine.append(m["new-session"])
        assert len(mine) <= 300
    eq(status(m), {"error", "too-many-sessions", "done"})
    c.close()                                                                   # nobody's now: they make room
    c = Client(s, session=False)
    eventually(lambda: "new-session" in c.ask(op="clone"), "a session makes room")
    for session in mine: c.ask(op="close", session=session)


@test
def pipelined_flood(s):
    """More requests than the server takes at once, from a client that reads late."""
    c = Client(s)
    n = 3000
    sender = threading.Thread(target=lambda: c.raw(b"".join(encode({"op": "eval", "code": "%d" % i, "id": str(i), "session": c.session}) for i in range(n))))
    sender.start()
    got = []
    while len(got) < n:
        m = c.read()
        if "value" in m: got.append(int(m["value"]))
    eq(got, list(range(n)))
    sender.join()


# --- the command --------------------------------------------------------------------------------------------------------------
@test
def port_file(s):
    with tempfile.TemporaryDirectory() as d:
        f = os.path.join(d, ".nrepl-port")
        open(f, "w").write("1")                                                # stale: nobody listens there
        t = Server(cwd=d)
        eq((open(f).read(), t.host), (str(t.port), "127.0.0.1"))
        u = Server("127.0.0.1:0", cwd=d)                                        # the first is alive: the file stays its
        eq(open(f).read(), str(t.port))
        rc, _, err = u.stop()
        eq(rc, 143)
        assert "alive" in err, err
        eq(open(f).read(), str(t.port))
        c = Client(t)
        id = c.send(op="eval", code="(println :begun) " + LOOP)
        while ":begun" not in c.read().get("out", ""): pass
        eq(t.stop()[0], 143)                                                    # in the middle of a loop
        eq(status(c.until(id)[-1]), {"interrupted", "done"})                    # which is told
        eq(c.read(), None)
        eq(os.listdir(d), [])


@test
def ends_by_sigint(s):
    t = Server("[::1]:0") if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") and os.path.getsize("/proc/net/if_inet6") else Server("localhost:0")
    eq(t.stop(signal.SIGINT)[0], 130)


class Terminal(Server):
    """`repl --nrepl 0` with a terminal: the REPL and the server."""
    def __init__(self, cwd):
        self.dir, (self.master, slave) = cwd, pty.openpty()
        self.p = subprocess.Popen([PROGRAM, "repl", "--nrepl", "0"], cwd=cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
                                  env=dict(os.environ, TERM="dumb", XDG_STATE_HOME=cwd + "/state"))
        os.close(slave)
        self.seen = ""
        self.port = int(self.expect(r"nREPL server started on port (\d+) on host 127.0.0.1 - nrepl://127.0.0.1:\d+\r?\n")[1])

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], "%s does not come: %r" % (pattern, self.seen)
            self.seen += os.read(self.master, 65536).decode()
        m = re.search(pattern, self.seen)
        self.seen = self.seen[m.end():]
        return m

    def type(self, text):
        os.write(self.master, text.encode())


@test
def with_terminal(s):
    with tempfile.TemporaryDirectory() as d:
        t = Terminal(d)
        eq(open(d + "/.nrepl-port").read(), str(t.port))
        t.expect("user=>")
        c = Client(t)
        t.type("(def typed 41)\n")
        t.expect("#'user/typed")
        eq(c.value("(+ typed 1)"), "42")                                        # one world
        c.value("(def sent 7)")
        t.type("(* 6 sent)\n")
        t.expect("42")
        id = c.send(op="eval", code="(println :begun) " + LOOP)                 # a loop in the editor does not hold up the terminal
        while ":begun" not in c.read().get("out", ""): pass
        t.type("(+ 100 23)\n")
        t.expect("123")
        t.type("(do (println :running) " + LOOP + ")\n")                        # nor the other way round
        t.expect(r"\n:running")
        c2 = Client(t)
        eq(c2.value("(+ 1 1)"), "2")
        t.type("\x03")                                                          # Ctrl-C: the terminal's evaluation alone
        t.expect("nterrupted")
        eq(status(c.ask(op="interrupt", interrupt__id=id)), {"done"})
        eq(status(c.until(id)[-1]), {"interrupted", "done"})
        t.type("\x04")                                                          # Ctrl-D
        eq(t.p.wait(PATIENCE), 0)
        assert ".nrepl-port" not in os.listdir(d)
        os.close(t.master)
        t = Terminal(d)
        t.expect("user=>")
        t.p.send_signal(signal.SIGTERM)
        eq(t.p.wait(PATIENCE), -signal.SIGTERM)
        assert ".nrepl-port" not in os.listdir(d)
        os.close(t.master)


@test
def bad_ports(s):
    with tempfile.TemporaryDirectory() as d:
        for arg, rc, text in (("x", 2, "HOST:PORT"), ("70000", 2, "HOST:PORT"), ("127.0.0.1:%d" % s.port, 1, "cannot listen")):
            p = subprocess.run([PROGRAM, "repl", "--nrepl", arg], cwd=d, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
            eq((arg, p.returncode, p.stdout), (arg, rc, ""))
            assert text in p.stderr, p.stderr
        eq(os.listdir(d), [])


def main():
    names = sys.argv[1:]
    passed = failed = 0
    server = Server()
    try:
        for t in TESTS:
            if names and t.__name__ not in names: continue
            start = time.monotonic()
            try:
                t(server)
                passed += 1
                print("ok %s %.2fs" % (t.__name__, time.monotonic() - start), flush=True)
            except BaseException as e:
                failed += 1
                print("FAIL %s: %s" % (t.__name__, e))
                traceback.print_exc()
                if isinstance(e, KeyboardInterrupt): break
                if server.p.poll() is not None:
                    print("FAIL the server died: %r" % (server.stop(),))
                    server = Server()
    finally:
        rc, out, err = server.stop()
    if (rc, out, err) != (143, "", ""):
        failed += 1
        print("FAIL at the end: status %s, output %r, errors %r" % (rc, out, err))
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0)


main()
