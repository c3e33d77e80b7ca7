load help
load llm
# The :llm and :agent families against a server that is not ours: the npm package @copilotkit/aimock, which answers OpenAI's chat
# completions and responses and Anthropic's messages from fixtures. Installed once into build/npm; without npm or a way to its
# registry these tests are skipped, and llm.bats (our own recorded server) is what there is.
AIMOCK=1.43.0

aimock() { # FIXTURES (JSON)
  command -v npm >/dev/null && command -v node >/dev/null || skip "no node and npm"
  local at=$ROOT/build/npm
  [ -f "$at/node_modules/@copilotkit/aimock/dist/cli.js" ] || {
    mkdir -p "$at"
    timeout 60 npm install --prefix "$at" --no-audit --no-fund --ignore-scripts "@copilotkit/aimock@$AIMOCK" >npm.log 2>&1 || skip "npm cannot install aimock: $(tail -1 npm.log)"
  }
  printf '%s' "$1" > fixtures.json
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  node "$at/node_modules/@copilotkit/aimock/dist/cli.js" --host 127.0.0.1 --port "$PORT" --fixtures fixtures.json --strict --log-level warn >aimock.log 2>&1 3>&- & echo $! > pid
  until_ok bash -c "exec 9<>/dev/tcp/127.0.0.1/$PORT" 2>/dev/null
  cat > conn.json <<JSON
{"connections": {
  "ai": {"type": "http-api", "backend": "openai", "config": {"base-url": "http://127.0.0.1:$PORT/v1", "model": "gpt-4o-mini", "auth": {"type": "api-key", "secret-ref": "openai-key"}}},
  "claude": {"type": "llm-provider", "backend": "anthropic", "config": {"base-url": "http://127.0.0.1:$PORT/v1", "model": "claude-sonnet-4-5", "auth": {"type": "api-key", "secret-ref": "openai-key"}}}},
 "secrets": {"openai-key": "not-a-real-key"}}
JSON
}

@test "the example llm-summary, its answer mended once, gives what it gives with our own server" {
  aimock "$(python3 - "$ROOT/flows-examples/llm-summary/model.json" <<'PY'
import json, sys
print(json.dumps({"fixtures": [{"match": {"userMessage": r["when"]},
    "response": {"content": r["content"], "usage": {"prompt_tokens": r["usage"][0], "completion_tokens": r["usage"][1], "total_tokens": sum(r["usage"])}}}
    for r in json.load(open(sys.argv[1]))]}))
PY
)"
  br "$ROOT/flows-examples/llm-summary/flow.edn" --connections conn.json --input "@$ROOT/flows-examples/llm-summary/input.json" --run-id r
  want 0 "$(cat "$ROOT/flows-examples/llm-summary/expected.edn")" || { cat aimock.log; return 1; }
  br replay r; [ "$st" = 0 ]
}
@test "tools, both wire formats and the responses API; streamed at a terminal; what it has no answer to is an error" {
  aimock '{"fixtures": [{"match": {"userMessage": "find Ann", "hasToolResult": false}, "response": {"toolCalls": [{"name": "crm__find", "arguments": "{\"name\": \"Ann\"}"}]}},
                        {"match": {"userMessage": "find Ann", "hasToolResult": true}, "response": {"content": "Ann is number 7"}},
                        {"match": {"userMessage": "hello"}, "response": {"content": "Hello there, how are you?"}}]}'
  STEPS=':steps [{:id :crm/find :type :function :description "Finds" :input-schema [:map [:name :string]] :defaults {:code (quote (fn [in] {:name (:name in) :id 7}))}}]'
  for conn in ai claude; do
    ai_flow t "(select-keys (flow/step :agent :a {:connection :$conn :objective \"find Ann\" :tools {:steps [:crm/find]}}) [:content :tool-call-count :iterations])" "$STEPS"
    run_ai t; want 0 '{:content "Ann is number 7", :tool-call-count 1, :iterations 2}' || { cat aimock.log; return 1; }
  done
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :openai {:responses true} :prompt "hello"}))'
  run_ai t; want 0 '"Hello there, how are you?"'
  for conn in ai claude; do
    ai_flow t "(:content (flow/step :llm :a {:connection :$conn :prompt \"hello\"}))"
    screen=$(python3 "$ROOT/tests/tools/ptyrun.py" breyta-run t.edn --connections conn.json)
    [[ $screen = *'"Hello there, how are you?"'* ]]
  done
  ai_flow t '(try (flow/step :llm :a {:connection :ai :prompt "nothing of the kind"}) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 :http-error
}
