# Shared by the tests of :llm and :agent: a model server with a script, and flows that use it.
model_server() { # SCRIPT (JSON rules, tests/tools/llmd.py)
  printf '%s' "${1:-[]}" > script.json
  [ ! -f pid ] || { kill "$(cat pid)" && wait "$(cat pid)" || :; }
  [ -p ready ] || mkfifo ready
  python3 "$ROOT/tests/tools/llmd.py" --script script.json --log log >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
  cat > conn.json <<JSON
{"connections": {
  "ai": {"type": "http-api", "backend": "openai",
         "config": {"base-url": "http://127.0.0.1:$PORT/v1", "model": "gpt-x", "auth": {"type": "api-key", "secret-ref": "k"},
                    "prices": {"gpt-x": {"input": 2.5, "output": 10, "cached-input": 1.25}}}},
  "compat": {"type": "llm-provider", "config": {"base-url": "http://127.0.0.1:$PORT", "model": "m"}},
  "azure": {"type": "http-api", "backend": "azure",
            "config": {"base-url": "http://127.0.0.1:$PORT/", "deployment": "dep", "auth": {"type": "api-key", "secret-ref": "k"}}},
  "claude": {"type": "llm-provider", "backend": "anthropic",
             "config": {"base-url": "http://127.0.0.1:$PORT", "model": "claude-x", "auth": {"type": "api-key", "secret-ref": "k"}}}},
 "secrets": {"k": "sk-canary-123456"}}
JSON
}
ai_flow() { # NAME BODY [MORE KEYS]
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :ai :type :http-api :label "AI" :base-url "http://127.0.0.1:$PORT/v1" :auth {:type :api-key}}
            {:slot :compat :type :llm-provider :label "Local"} {:slot :azure :type :http-api :label "Azure" :base-url "http://127.0.0.1:$PORT" :auth {:type :api-key}}
            {:slot :claude :type :llm-provider :label "Claude"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 ${3:-}
 :flow (quote $2)}
FLOW
}
run_ai() { br "$1.edn" --connections conn.json "${@:2}"; }
# the Nth request (1 is the first; -1 the last): a jq expression on {n path query headers body}
sent() {
  local line
  if [ "$1" -lt 0 ]; then line=$(tail -n "${1#-}" log | head -1); else line=$(sed -n "$1p" log); fi
  jq -c "$2" <<<"$line"
}
is() { [ "$1" = "$2" ] || { printf 'got    %s\nwanted %s\n' "$1" "$2" >&2; return 1; }; }
