#!/usr/bin/env python3
"""Drives `breyta-run repl` end to end: at a pseudo-terminal, and fed by a pipe. TAP on standard output."""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.abspath(os.environ.get("BREYTA_RUN", os.path.join(HERE, "../../build/breyta-run")))
DEADLINE = 20.0
CSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07")
UP, DOWN, LEFT, CTRL_A, CTRL_C, CTRL_D, CTRL_R = "\x1b[A", "\x1b[B", "\x1b[D", "\x01", "\x03", "\x04", "\x12"


class Terminal:
    """One REPL at a pseudo-terminal. `seen` is what came and was not expected yet."""

    def __init__(self, home, columns=80, env=None, args=()):
        self.raw = self.seen = self.all = ""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            kept = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
            os.environ.clear()
            os.environ.update(kept)
            os.environ.update({"TERM": "xterm", "HOME": home, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"})
            os.environ.update(env or {})
            os.chdir(home)
            os.execv(BIN, ["breyta-run", "repl", *args])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.expect(r"user=> $")

    def read(self, until):
        ready, _, _ = select.select([self.fd], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            raise EOFError
        self.raw += data.decode("utf-8", "replace")
        self.seen += CSI.sub("", data.decode("utf-8", "replace")).replace("\r", "")
        self.all += data.decode("utf-8", "replace")

    def expect(self, pattern):
        """Waits until the pattern is found; what is before and in it is taken away and the match returned."""
        until = time.monotonic() + DEADLINE
        while True:
            found = re.search(pattern, self.seen)
            if found:
                before = self.seen[: found.end()]
                self.seen = self.seen[found.end():]
                return before
            try:
                self.read(until)
            except (TimeoutError, EOFError) as why:
                raise AssertionError(f"never came: {pattern!r} ({why!r}); screen: {self.seen!r}; all: {self.all[-2000:]!r}") from None

    def send(self, keys, editing=True):
        """Types. libedit shows its prompt a moment before it takes the terminal over: wait for that."""
        if editing:
            self.mode(lambda icanon: not icanon, "the editor does not take the terminal")
        os.write(self.fd, keys.encode())

    def mode(self, wanted, why):
        until = time.monotonic() + DEADLINE
        while not wanted(bool(termios.tcgetattr(self.fd)[3] & termios.ICANON)):
            assert time.monotonic() < until, why
            select.select([self.fd], [], [], 0.01)

    def prompt(self, pattern=r"user=> $"):
        return self.expect(pattern)

    def eval(self, text, pattern=r"user=> $"):
        """A form on one line; what is printed up to the next prompt, without the echo of the form."""
        self.send(text + "\r")
        return self.expect(r"\n(?s:.*)" + pattern)[:-len("user=> ")].split("\n", 1)[1].strip("\n")

    def line_mode(self):
        """Waits until the terminal is out of the editor: a program runs."""
        self.mode(lambda icanon: icanon, "the editor keeps the terminal")

    def interrupt(self):
        """Ctrl-C until it is taken: one that comes before the evaluation begins is forgotten."""
        self.line_mode()
        until = time.monotonic() + DEADLINE
        while "Interrupted" not in self.seen:
            assert time.monotonic() < until, self.seen
            self.send(CTRL_C, editing=False)
            again = time.monotonic() + 0.5
            try:
                while "Interrupted" not in self.seen:
                    self.read(again)
            except TimeoutError:
                pass
        self.prompt()

    def end(self):
        until = time.monotonic() + DEADLINE
        try:
            while True:
                self.read(until)
        except EOFError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)


HOME = ""
OPEN = []


def terminal(**kw):
    t = Terminal(HOME, **kw)
    OPEN.append(t)
    return t


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def has(text, part):
    assert part in text, f"{part!r} is not in {text!r}"


def pipe(text, *args):
    r = subprocess.run([BIN, "repl", *args], input=text, capture_output=True, text=True, timeout=60, cwd=HOME, check=False)
    return r.returncode, r.stdout, r.stderr


# ---- the terminal -------------------------------------------------------------------------------------------------------


def test_values_and_last_values():
    t = terminal()
    equal(t.eval("(+ 1 2)"), "3")
    equal(t.eval('"text"'), '"text"')
    equal(t.eval("[*1 *2]"), '["text" 3]')
    equal(t.eval("(print 1)"), "1\nnil")
    t.send(CTRL_D)
    equal(t.end(), 0)


def test_multi_line_form():
    t = terminal()
    t.send("(defn f [x]\r")
    t.expect(r"\n    \.\.\s+$")
    t.send("(inc x))\r")
    has(t.prompt(), "#'user/f")
    equal(t.eval("(f 41)"), "42")
    has(t.eval("(source f)"), "(defn f [x]\n  (inc x))")
    t.send('(str "a\r')
    t.expect(r"\.\. $")
    t.send('b")\r')
    has(t.prompt(), '"a\\nb"')


def test_lines_taken_back():
    t = terminal()
    t.send("(defn g [xx]\r")
    t.expect(r"\n    \.\.\s+$")
    t.send("(inc x)")
    t.expect(r"inc x\)")
    t.send(UP)
    t.expect(r"user=> .*\(defn g \[xx\]\n  \(inc x\)")
    t.send(LEFT + "x)\r")
    has(t.prompt(), "#'user/g")
    equal(t.eval("(g 1)"), "2")


def test_history_within_and_between_sessions():
    t = terminal()
    t.eval("(def h1 :first)")
    t.send("(def h2\r")
    t.expect(r"\.\.\s+$")
    t.send(":second)\r")
    t.prompt()
    t.send(UP)
    t.expect(r":second\)$")
    t.send("\r")
    has(t.prompt(), "#'user/h2")
    t.send(CTRL_D)
    equal(t.end(), 0)
    t = terminal()
    t.send(UP)
    t.expect(r"\(def h2\n  :second\)$")
    t.send("\r")
    has(t.prompt(), "#'user/h2")
    equal(t.eval("h2"), ":second")
    t.send(CTRL_R + "h1")
    t.expect("h1")
    t.send("\r\r")
    has(t.prompt(r"first(?s:.*)user=> $"), "#'user/h1")
    path = os.path.join(HOME, ".local/state/breyta/history")
    equal(os.stat(path).st_mode & 0o777, 0o600)
    with open(path, encoding="utf-8") as f:
        has(f.read(), "(def h2\\n  :second)\n")


def test_completion():
    t = terminal()
    t.send("(clojure.walk/keywordi\t")
    t.expect("ze-keys")
    t.send(' {"a" 1})\r')
    has(t.prompt(), "{:a 1}")
    t.send("(reduc\t")
    listed = t.expect(r"\n.*reductions\n")
    for name in ("reduce ", "reduce-kv ", "reduced ", "reduced? "):
        has(listed, name)
    t.send(CTRL_C)
    t.prompt()
    t.eval("(def long-name-of-mine 7)")
    t.send("long-n\t")
    t.expect("long-name-of-mine")
    t.send("\r")
    has(t.prompt(), "7")
    t.eval(":some.app/special-keyword")
    t.send(":some.app/spe\t")
    t.expect("special-keyword")
    t.send("\r")
    has(t.prompt(), ":some.app/special-keyword")
    with open(os.path.join(HOME, "data-file.txt"), "w", encoding="utf-8") as f:
        f.write("inside")
    t.send('(slurp "data-f\t')
    t.expect("ile.txt")
    t.send('")\r')
    has(t.prompt(), '"inside"')
    t.send("(defn k [x]\r")
    t.expect(r"\.\.\s+$")
    t.send("(clojure.string/upper-c\t")
    t.expect("ase")
    t.send(" x))\r")
    t.prompt()
    equal(t.eval('(k "a")'), '"A"')


def test_pasted_text_is_taken_as_it_is():
    t = terminal()
    t.send('(defn pasted [x]\r\t(str x "\r\tq"))\r(pasted 1)\r')
    t.expect("#'user/pasted")
    has(t.prompt(r"user=> (?s:.*)\"1\\n  q\"(?s:.*)user=> $"), '"1\\n  q"')


def test_interrupt_an_evaluation():
    t = terminal()
    for endless in ("(loop [] (recur))", "(count (iterate inc 0))", "(loop [] (try (throw (Exception.)) (catch Throwable _)) (recur))",
                    "(iterate inc 0)"):
        t.send(endless + "\r")
        t.interrupt()
        equal(t.eval("(+ 20 22)"), "42")


def test_discard_what_is_typed():
    t = terminal()
    t.send("(this is nonsense" + CTRL_C)
    t.prompt()
    t.send("(also\r")
    t.expect(r"\.\.\s+$")
    t.send("this" + CTRL_C)
    t.prompt()
    t.send(CTRL_C)
    t.prompt()
    equal(t.eval("(+ 1 1)"), "2")
    t.send("(\r")
    t.expect(r"\.\.\s+$")
    t.send(CTRL_D)
    t.prompt()
    equal(t.eval("(+ 1 2)"), "3")


def test_program_reads_lines():
    t = terminal()
    t.send("[(read-line) (read)]\r")
    t.line_mode()
    t.send("hello there\n(+ 1\n2)\n", editing=False)
    has(t.prompt(r"\[\"hello there\" \(\+ 1 2\)\](?s:.*)user=> $"), "hello")
    t.send("(read-line)\r")
    t.interrupt()
    t.send("(read-line)\r")
    t.line_mode()
    t.send(CTRL_D, editing=False)
    has(t.prompt(), "nil")
    equal(t.eval("1"), "1")


def test_errors():
    t = terminal()
    got = t.eval("(defn div [x] (/ x 0))")
    got = t.eval("(div 1)")
    has(got, "java.lang.ArithmeticException: Divide by zero")
    has(got, "user/div (REPL:1:15)")
    equal(t.eval("(ex-message *e)"), '"Divide by zero"')
    has(t.eval("(pst)"), "user/div")
    has(t.eval("(foo)"), "Unable to resolve symbol: foo")
    has(t.eval(")"), "Unmatched delimiter")
    equal(t.eval("1"), "1")


def test_width():
    data = "(zipmap [:aaaaaaaa :bbbbbbbb :cccccccc] (repeat 3 [1111 2222]))"
    t = terminal(columns=100)
    equal(t.eval(data), "{:aaaaaaaa [1111 2222], :bbbbbbbb [1111 2222], :cccccccc [1111 2222]}")
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.kill(t.pid, signal.SIGWINCH)
    equal(t.eval(data), "{:aaaaaaaa [1111 2222],\n :bbbbbbbb [1111 2222],\n :cccccccc [1111 2222]}")
    equal(t.eval("(pprint (range 40))").split("\n")[0], "(0")


def test_colour():
    t = terminal(env={"NO_COLOR": ""})
    t.eval('[:a "b" 1]')
    has(t.all, "\x1b[35m:a\x1b[0m")
    has(t.all, '\x1b[32m"b"\x1b[0m')
    has(t.all, "\x1b[34m1\x1b[0m")
    for env in ({"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}):
        t = terminal(env=env)
        t.eval("[:a]")
        assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", t.all), t.all


def test_help_and_documentation():
    t = terminal()
    text = t.eval("(help)").split("\n")
    has("\n".join(text), "(doc map)")
    equal(text[-1], "nil")
    assert len(text) - 1 <= 10, text
    has(t.eval("(doc frequencies)"), "clojure.core/frequencies")
    has(t.eval('(apropos "frequenc")'), "clojure.core/frequencies")
    has(t.eval("(dir clojure.set)"), "difference")


def test_file_first():
    with open(os.path.join(HOME, "first.clj"), "w", encoding="utf-8") as f:
        f.write("(def from-file 5)\n(println \"loaded\")\n")
    t = terminal(args=["first.clj"])
    has(t.all, "loaded")
    equal(t.eval("from-file"), "5")


def test_wide_characters():
    t = terminal()
    equal(t.eval('(count "日本語é")'), "4")
    equal(t.eval('(str "日" "ü")'), '"日ü"')


# ---- the pipe -----------------------------------------------------------------------------------------------------------


def test_pipe_values():
    equal(pipe("(+ 1 2) :a\n(println 1)\n[1\n 2]\n; end"), (0, "3\n:a\n1\nnil\n[1 2]\n", ""))
    equal(pipe(""), (0, "", ""))
    equal(pipe("(range 100)")[1].count("\n"), 1)


def test_pipe_goes_on_after_errors():
    status, out, err = pipe("1\n(/ 1 0)\n(foo)\n) junk\n{:a}\n*1\n(ex-message *e)")
    equal(status, 1)
    equal(out[:4], "1\n1\n")
    has(err, "ArithmeticException: Divide by zero\n  at user/eval (<stdin>:2:1)")
    has(err, "Unable to resolve symbol: foo in this context\n  at user/eval (<stdin>:3:1)")
    has(err, "<stdin>:4:1: Unmatched delimiter")
    has(err, "<stdin>:5:1: Map literal")
    status, out, err = pipe("(+ 1 2)\n(open\n [")
    equal((status, out), (1, "3\n"))
    has(err, "EOF while reading; expected ] to close [ at <stdin>:3:2")


def test_pipe_program_reads_the_text_behind_its_form():
    equal(pipe("(read-line)\nthe line\n[(read-line) (read)] rest\n(a b)\n(read-line)"), (0, '"the line"\n[" rest" (a b)]\nnil\n', ""))


def test_pipe_output_streams():
    status, out, err = pipe('(binding [*out* *err*] (println "to err"))\n(println "to out")')
    equal((status, out, err), (0, "nil\nto out\nnil\n", "to err\n"))


def test_pipe_of_many_lines():
    lines = "".join(f"  {i}\n" for i in range(20000))
    equal(pipe(f"(count [\n{lines}])\n"), (0, "20000\n", ""))
    equal(pipe("(inc 1)\n" * 5000), (0, "2\n" * 5000, ""))


def test_usage():
    status, _, err = pipe("", "nowhere.clj")
    equal(status, 2)
    has(err, "cannot read nowhere.clj")
    status, _, err = pipe("", "a.clj", "b.clj")
    equal(status, 2)
    with open(os.path.join(HOME, "bad.clj"), "w", encoding="utf-8") as f:
        f.write("(def a 1)\n(/ a 0)\n")
    status, _, err = pipe("1", "bad.clj")
    equal(status, 1)
    has(err, "bad.clj:2:1")


def test_pprint_as_clojure_does():
    r = subprocess.run([BIN, "eval", os.path.join(HERE, "pprint.clj")], capture_output=True, text=True, timeout=60, check=False)
    with open(os.path.join(HERE, "pprint.expected"), encoding="utf-8") as f:
        equal((r.returncode, r.stdout, r.stderr), (0, f.read(), ""))


def main(scope):
    global HOME
    names = sys.argv[1:]
    tests = [(n, f) for n, f in scope.items() if n.startswith("test_") and (not names or n in names)]
    failed = 0
    for i, (name, f) in enumerate(tests, 1):
        HOME = tempfile.mkdtemp(prefix="repl-test-")
        try:
            f()
            print(f"ok {i} - {name}", flush=True)
        except Exception as e:  # a failure of any kind is one of this test only
            failed += 1
            print(f"not ok {i} - {name}\n# {type(e).__name__}: {e}", flush=True)
        finally:
            while OPEN:
                OPEN.pop().kill()
            shutil.rmtree(HOME, ignore_errors=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(globals()))
