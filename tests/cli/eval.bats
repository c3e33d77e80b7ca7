load help

@test "eval -e prints each value" {
  br eval -e '(+ 1 2) "a\nb"' -e '(map inc [1 2 3])'
  want 0 $'3\n"a\\nb"\n(2 3 4)'
}
@test "eval FILE prints only what the program prints, paths relative to the working directory" {
  mkdir sub
  printf '(println "hello" (apply + (range 5)))\n42\n' > sub/p.clj
  br eval sub/p.clj
  want 0 "hello 10"
}
@test "a program reads lines and forms of standard input, *err* is standard error" {
  cat > p.clj <<'EOF'
(println (read-line))
(prn (read) (read) (read-line))
(binding [*out* *err*] (println "to err"))
(prn (read-line) (try (read) (catch Exception e (ex-message e))))
EOF
  printf 'first\n(a b\n  c) d rest\nlast' | breyta-run eval p.clj > got 2> err
  printf 'first\n(a b c) d " rest"\n"last" "EOF while reading"\n' > want
  diff want got
  [ "$(cat err)" = "to err" ]
}
@test "an uncaught error: output so far, class and message, trace, status 1" {
  printf '(defn f [x]\n  (/ x 0))\n(println "before")\n(f 1)\n' > p.clj
  br eval p.clj
  want 1 before
  says "java.lang.ArithmeticException: Divide by zero"
  says "user/f (p.clj:2:3)"
  br eval -e '(throw (ex-info "boom" {:a 1} (Exception. "inner")))'
  want 1 ""
  says 'clojure.lang.ExceptionInfo: boom {:a 1}'
  says 'caused by java.lang.Exception: inner'
}
@test "batch: one line for each line, whatever the expression does" {
  printf '%s\n' '(+ 1 2)' '(' '1 2' '; c' '' '(println 1)' '(map inc [1])' '(throw (ex-info "x" {:k (map inc [1])}))' \
    '(str/upper-case "a")' '(do (defn f [x] (inc (f x))) (f 1))' '(def zz 1)' 'zz' '(symbol "a\nb")' > in
  breyta-run eval --batch < in > got
  cat > want <<'EOF'
3
#error {:kind :reader, :message "1:2: EOF while reading; expected ) to close ( at 1:1"}
#error {:kind :reader, :message "the line has more than one form"}
#error {:kind :reader, :message "EOF while reading: the line has no form"}
#error {:kind :reader, :message "EOF while reading: the line has no form"}
nil
(2)
#error {:kind :ex-info, :message "x", :data {:k (2)}}
"A"
#error {:kind :stack, :message "calls are nested more than 10000 deep"}
#'user/zz
#error {:kind :unresolved, :message "Unable to resolve symbol: zz in this context"}
a b
EOF
  diff want got
}
@test "batch survives endless loops and memory bombs" {
  printf '%s\n' '(loop [] (recur))' '(vec (range 1e12))' '(loop [v []] (recur (conj v (vec (range 100)))))' '(+ 1 1)' > in
  breyta-run eval --batch < in > got
  [ "$(grep -c ':kind :limit' got)" = 3 ]
  [ "$(tail -1 got)" = 2 ]
  [ "$(wc -l < got)" = 4 ]
}
@test "eval needs exactly one source" {
  br eval; want 2 ""; says "-e EXPR, FILE.clj and --batch"
  br eval -e 1 x.clj; want 2 ""
  br eval nowhere.clj; want 2 ""; says "cannot read nowhere.clj"
}
@test "the locale does not matter" {
  LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 br eval -e '(str 1.5 (format "%.2f" 2.25))'
  want 0 '"1.52.25"'
}
@test "a reader that goes away, a full device" {
  set +o pipefail
  breyta-run eval -e '(range 1000000)' | head -c 5 > got
  [ "$(cat got)" = "(0 1 " ]
  run bash -c 'breyta-run eval -e 1 > /dev/full'
  [ "$status" = 1 ]
  [[ $output = *"cannot write to standard output"* ]]
}
@test "what does not compile has a place, -e is named" {
  br eval -e $'(defn f [x]\n  (+ 1 (foo x)))'; want 1 ""; says "(-e:2:8)"
  br eval -e '(inc nil)'; want 1 ""; says "(-e:1:1)"
  printf '(ns a)\n\n(if)\n' > bad.clj
  br eval bad.clj; want 1 ""; says "(bad.clj:3:1)"
}
@test "an endless seq that is held ends in an error, long before the machine's memory" {
  grep -qa __asan_init "$BIN" && skip "AddressSanitizer maps more than any ulimit -v allows"
  ulimit -v 2000000
  br eval -e '(count (vec (repeat 10000000000 1)))'; want 1 ""; says "LimitError"
}
@test "a throw has a place, whatever is thrown" {
  br eval -e '(throw 3)'; want 1 ""; says "cannot be cast to class java.lang.Throwable"; says "(-e:1:1)"
  br eval -e $'(defn f [x]\n  (throw (ex-info "no" {})))\n(f 1)'; want 1 "#'user/f"; says "at user/f (-e:2:3)"; says "at user/eval (-e:3:1)"
  br eval -e '(try (throw (ex-info "a" {:b 1})) (catch Exception e (ex-data e)))'; want 0 '{:b 1}'
}
@test "Ctrl-C says so and ends with 130" {
  printf '(println :on) (flush)\n(loop [] (recur))\n' > endless.clj
  python3 - <<'PY'
import os, pty, select
def drive(args, ready):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("breyta-run", ["breyta-run"] + args)
    out, asked = b"", False
    while select.select([fd], [], [], 20)[0]:
        try:
            more = os.read(fd, 4096)
        except OSError:
            break
        if not more:
            break
        out += more
        if ready in out and not asked:
            asked = True
            os.write(fd, b"\x03")
    else:
        os.kill(pid, 9)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 130 and b"breyta-run: interrupted" in out, (status, out)
drive(["eval", "endless.clj"], b":on")
drive(["eval", "-e", "(println :on)", "-e", "(loop [] (recur))"], b"nil")
PY
}
