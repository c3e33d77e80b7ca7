load help
# What `breyta-run connections` has stored is seen wherever a --connections file is: by :search, the REPL, `test --record`.

setup_stored() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
  printf 'tok-canary-4711' > tok.txt
  breyta-run secrets set tok < tok.txt
  br connections set main --type http-api --config "{\"base-url\": \"http://127.0.0.1:$PORT\", \"auth\": {\"type\": \"bearer\", \"secret-ref\": \"tok\"}}"; [ "$st" = 0 ] || { echo "$err"; return 1; }
  br connections set spare --type database --backend sqlite --config '{"path": "x.db"}'; [ "$st" = 0 ]
  flow c "(get-in (flow/step :http :g {:connection :api :path \"/echo\" :response-as :json}) [:body :path])"
  sed -i "s|^ :functions|:requires [{:slot :api :type :http-api :label \"A\" :base-url \"http://127.0.0.1:$PORT\" :auth {:type :bearer}}] :functions|" c.edn
  br connections bind c api main; [ "$st" = 0 ]
}

@test ":search :connections finds stored ones by id, type and backend, beside those of the file; nothing of their config" {
  setup_stored
  find() { flow s "(mapv (fn [i] (dissoc i :score :snippet)) (:items (flow/step :search :s {:query \"$1\" :targets [:connections]})))"; br s.edn "${@:2}"; }
  find http; want 0 '[{:target :connections, :title "main", :connection "main", :type :http-api}]'
  find main; [[ $out = *':connection "main"'* ]]
  find sqlite; want 0 '[{:target :connections, :title "spare", :connection "spare", :type :database, :backend :sqlite}]'
  find "tok 127.0.0.1 path"; want 0 '[]'
  echo '{"connections": {"main": {"type": "http-api", "config": {"base-url": "http://x"}}}}' > c.json
  find main --connections c.json; [[ $out = *':slot :main'* ]]; [[ $out = *':connection "main"'* ]]
  br connections set main --workspace other --type ssh; find ssh; want 0 '[]'
}
@test "the REPL's runs use what is stored" {
  setup_stored
  printf '(load-flow "c.edn")\n(start!)\n(run-on!)\n(state)\n' | timeout 30 breyta-run repl >out.txt 2>err.txt || { cat out.txt err.txt; false; }
  grep -q '"/echo"' out.txt || { cat out.txt err.txt; false; }
  if grep -q tok-canary out.txt; then false; fi
}
@test "test --record uses what is stored; secrets stay out of the fixture" {
  setup_stored
  br test c.edn --record --input '{}'; [ "$st" = 0 ] || { echo "$out$err"; false; }
  grep -q '/echo' c.recorded.edn
  if grep -q tok-canary c.recorded.edn; then false; fi
  kill "$(cat pid)"
  br test c.edn; [ "$st" = 0 ]
  br test c.edn --db none.db --record --input '{}'; [ "$st" != 0 ]
}
