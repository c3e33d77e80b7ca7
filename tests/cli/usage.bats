load help

@test "help of every command" {
  br --help; want 0 "$out"; [[ $out = "Usage: breyta-run FLOW.edn"* ]]
  for c in resume send approve reject retry skip runs show replay fork cancel eval; do
    br $c --help
    want 0 "$out"
    [[ $out = "Usage: breyta-run $c"* ]]
    [[ $out = *"--help"* ]]
  done
}
@test "man page and completion come from the same table" {
  br --man; want 0 "$out"
  for o in input db format run-id workspace listen detach progress guard value batch; do
    [[ $out = *"${o//-/\\-}"* ]]
  done
  br --completion; want 0 "$out"
  eval "$out"
  COMP_WORDS=(breyta-run re) COMP_CWORD=1
  _breyta_run
  [[ " ${COMPREPLY[*]} " = *" resume "* ]]
}
@test "errors name the flag and the nearest one" {
  br f.edn --inptu 1; want 2 ""; says "--inptu"; says "did you mean --input?"
  br runs --fromat json; want 2 ""; says "did you mean --format?"
  br f.edn --input; want 2 ""; says "--input needs a value"
  br f.edn --detach=yes; want 2 ""; says "--detach takes no value"
  br f.edn -Z; want 2 ""; says "-Z"
  br runs --format xml; want 2 ""; says "--format is edn or json, not xml"
}
@test "wrong numbers of arguments" {
  br; want 2 ""; says "which flow?"
  br a.edn b.edn; want 2 ""; says "b.edn"
  br send key; want 2 ""
  br approve; want 2 ""
  br show; want 2 ""
  br runs x; want 2 ""; says "breyta-run show x"
}
@test "a command misspelt" {
  br resum; want 2 ""; says 'did you mean the command `resume`?'
}
@test "a flow that is not there, not EDN, not a flow" {
  br none.edn; want 2 ""; says "cannot read none.edn"
  echo '{:slug :x' > bad.edn
  br bad.edn; want 2 ""; says "bad.edn:1"; says "nothing was run"
  echo '{:slug :x}' > bad.edn
  br bad.edn; want 2 ""; says "missing_required_field"
  [ ! -e .breyta ]
}
@test "input that is no object, no JSON, not there" {
  flow echo '(dissoc (flow/input) :flow/ctx)'
  br echo.edn --input '[1]'; want 2 ""; says "--input"
  br echo.edn --input '{"a":'; want 2 ""; says "--input: is not JSON"
  br echo.edn --input @nope.json; want 2 ""; says "nope.json"
  echo '{:a #{1}}' > in.edn
  br echo.edn --input @in.edn; want 0 '{:a #{1}}'
  echo '{:a ' > in.edn
  br echo.edn --input @in.edn; want 2 ""; says "--input"
  echo '{"a": [1, 2.5], "Some Key": null}' > in.json
  br echo.edn --input @in.json; want 0 '{:a [1 2.5], "Some Key" nil}'
  breyta-run echo.edn --input - --format json < in.json > got 2>/dev/null
  [ "$(cat got)" = '{"a":[1,2.5],"Some Key":null}' ]
}
@test "names that cannot be: workspace, database, wait key" {
  flow one 1
  br one.edn --workspace ''; want 2 ""; says "--workspace"
  br one.edn --workspace a/b; want 2 ""; says "--workspace"
  br one.edn --db ''; want 2 ""; says "--db"
  br send '' 1; want 2 ""; says "wait key is empty"
  [ ! -e .breyta ]
}
@test "--listen: a bad address is told once, port 0 says which it got" {
  flow one 1
  br one.edn --listen foo; want 2 ""; says 'breyta-run: --listen: "foo" is not HOST:PORT'
  br one.edn --listen 127.0.0.1:0; want 0 1
  [[ $err =~ http://127.0.0.1:[1-9][0-9]*/local/events/ ]]
}
@test "resume does not make a database of a mistyped name" {
  br resume --db typo.db; want 0 ""; says "typo.db does not exist"
  br resume x --db typo.db; want 2 ""; says "there is no run x"
  [ ! -e typo.db ]
}
@test "--input - on a terminal ends with one Ctrl-D" {
  flow echo '(:a (flow/input))'
  python3 - <<'PY'
import os, pty, select
pid, fd = pty.fork()
if pid == 0:
    os.execvp("breyta-run", ["breyta-run", "echo.edn", "--input", "-"])
os.write(fd, b'{"a": 42}\n\x04')
out = b""
while select.select([fd], [], [], 20)[0]:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    out += more
else:
    os.kill(pid, 9)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, out
assert b"\r\n42\r\n" in out, out
PY
}
