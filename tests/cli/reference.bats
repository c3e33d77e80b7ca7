load help

@test "help: topics and commands; each of them prints" {
  br help; want 0 "$out"; [[ $out = "Topics: "*"step"*"Commands:"* ]]
  for t in step diagnostics templates run resume lint help; do
    br help $t; want 0 "$out"; [ -n "$out" ]; [ -z "$err" ]
  done
}
@test "help step: every family prints its options, rules and where it stands" {
  br help step; want 0 "$out"
  families=$(grep -oE '^    :[a-z-]+' <<<"$out" | tr -d ' :')
  [ "$(wc -w <<<"$families")" -ge 15 ]
  for f in $families; do
    br help step $f; want 0 "$out"; [[ $out = ":$f - "* ]]
    br help step :$f; [ "$st" = 0 ]
    [[ $out = *"Options of every step"*":retry"* ]]
  done
  br help step http; [[ $out = *"Exactly one of :url :connection."*"one of :get :post"* ]]
}
@test "help step FAMILY OPTION: one option with what stands inside it" {
  br help step http retry; want 0 "$out"; [[ $out = *"Inside :retry"*":max-attempts"*"1 to 1000"* ]]
  br help step kv :operation; want 0 "$out"; [[ $out = *"required; one of :get :set"* ]]
  [[ $out != *Inside* ]]
  br help step http auth; [[ $out = *":secret-ref"* ]]
  br help step kv retry; [[ $out = *"Inside :retry"* ]]
}
@test "help: what there is not is status 2 with the nearest name" {
  br help stp; want 2 ""; says "did you mean step?"
  br help step htpp; want 2 ""; says "did you mean http?"
  br help step http tmieout; want 2 ""; says "did you mean timeout?"
  br help diagnostics no_such; want 2 ""; says "no_such"
  br help a b c d; want 2 ""
}
@test "help diagnostics CODE, the man page, completion and (doc flow/step) have it" {
  br help diagnostics unsupported_step; want 0 "$out"; [[ $out = *unsupported_step* ]]
  br --man; [[ $out = *".SH STEPS"*".SS :http"*"accept\\-status"* ]]
  br --completion; eval "$out"
  COMP_WORDS=(breyta-run help st) COMP_CWORD=2
  _breyta_run
  [[ " ${COMPREPLY[*]} " = *" step "* ]]
  echo '(doc flow/step)' | timeout 30 breyta-run repl > o; grep -q "breyta-run help step" o
}
