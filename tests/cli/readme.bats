load help

# The README's console blocks: each `$ ` line (with its here-document) is run, and what follows up to the next one is what it prints.
console() {
  awk '/^```console/ {on=1; next} /^```/ {on=0} on' "$ROOT/README.md"
}

@test "every command of the README's tour prints what the README says" {
  console > tour
  ln -s "$(dirname "$BIN")/breyta" bin/breyta
  [ "$(grep -c '^\$ ' tour)" -ge 15 ]
  python3 - <<'EOF'
import subprocess
lines, i, bad = open("tour").read().split("\n"), 0, []
while i < len(lines):
    if not lines[i].startswith("$ "):
        i += 1
        continue
    cmd = lines[i][2:]; i += 1
    if "<<'EOF'" in cmd:
        while lines[i] != "EOF":
            cmd += "\n" + lines[i]; i += 1
        cmd += "\nEOF"; i += 1
    want = []
    while i < len(lines) and not lines[i].startswith("$ "):
        want.append(lines[i]); i += 1
    while want and not want[-1]: want.pop()
    p = subprocess.run(["bash", "-c", "set -o pipefail\n" + cmd], capture_output=True, text=True)
    got = p.stdout.rstrip("\n").split("\n") if p.stdout else []
    if got != want or p.returncode:
        bad.append(f"$ {cmd}\nstatus {p.returncode}\nprinted {got}\nwanted  {want}\nstderr  {p.stderr}")
print("\n".join(bad))
raise SystemExit(bool(bad))
EOF
}

@test "the README's first command works on the build that is there" {
  grep -q '^    make deps && make && build/breyta-run flows-examples/hello/flow.edn$' "$ROOT/README.md"
  br "$ROOT/flows-examples/hello/flow.edn"
  [ "$st" = 0 ]
  [ -n "$out" ]
}

@test "every command and option of the help is in the man page" {
  breyta-run --man > man
  for c in resume send approve reject retry skip runs show replay fork cancel test eval; do
    grep -q "^.SS breyta.-run $c" man
    grep -q "breyta-run $c" "$ROOT/README.md" || grep -q "\`$c" "$ROOT/README.md"
  done
}
