load help

@test "lint: upstream's severities, position and hint; the same flow runs with warnings" {
  flow t '(count (map inc [1 2]))'
  br lint t.edn
  [ "$st" = 1 ]
  [[ $out = "t.edn:"*": error [prohibited_orchestration_transform]"*"(upstream refuses it in :flow; use for, or a :function step)" ]]
  says "1 error, 0 warnings"
  br t.edn; want 0 2; says "warning [prohibited_orchestration_transform]"
}
@test "lint: a clean flow says nothing and exits 0" {
  flow t '(flow/input)'
  br lint t.edn; want 0 ""; says "0 errors, 0 warnings"
}
@test "lint: JSON has code, path, position and whether it runs; one map for a file, an array for several" {
  flow t '(flow/step :nosuch :a {})'
  flow u '1'
  br lint t.edn --format json; [ "$st" = 0 ] || [ "$st" = 1 ]
  python3 -c 'import json,sys; d=json.loads(sys.argv[1])["diagnostics"][0]; assert d["code"] in ("unsupported_step","flow_step_invalid_type"), d; assert d["line"]==7 and d["path"][0]=="flow" and d["runs"] in (True, False)' "$out"
  br lint t.edn u.edn --format json
  python3 -c 'import json,sys; d=json.loads(sys.argv[1]); assert [f["file"] for f in d]==["t.edn","u.edn"] and d[1]["ok"] is True' "$out"
}
@test "lint: text that does not read is one diagnostic; a missing file is status 2, the others are still checked" {
  printf '{:slug :a :flow (' > x.edn
  flow u '1'
  br lint x.edn; [ "$st" = 1 ]; [[ $out = "x.edn:1:"*"[clojure_delimiters_invalid]"* ]]
  br lint nofile.edn u.edn; [ "$st" = 2 ]; says "nofile.edn"; says "0 errors"
  br lint; [ "$st" = 2 ]; says "lint needs the file of a flow"
}
