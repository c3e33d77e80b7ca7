load help
load llm
# What real steps give against the list of `breyta-run help step FAMILY`.

documented() { # FAMILY KEYS: each is listed under the family's result
  local k
  breyta-run help step "$1" | sed -n '/^Result of/,/^Options of every/p' > doc.txt
  for k in $2; do grep -q "^    :$k " doc.txt || grep -qx "    :$k" doc.txt || { echo ":$k of :$1 is not documented" >&2; return 1; }; done
}
keys() { jq -r "$1 | keys[]" <<<"$out"; }

@test "the results of :http :kv :notify :llm :agent :search have the fields that help lists" {
  python3 "$ROOT/tests/tools/httpd.py" > hport 3>&- & h=$!
  until_ok test -s hport; read -r _ HP < hport
  model_server '[{"when": "judge", "content": "{\"pass\": true, \"reason\": \"ok\"}"}, {"when": "criteria", "content": "{\"pass\": true, \"reason\": \"ok\"}"}, {"when": "bad", "content": "no"}, {"when": "cannot be used", "content": "{\"a\": 1}"}, {"content": "ok", "usage": [9, 9]}]'
  ai_flow t "(let [kv (fn [id o] (flow/step :kv id (assoc o :key \"k\")))]
    {:http [(flow/step :http :h {:url \"http://127.0.0.1:$HP/echo\"})] :notify [(flow/step :notify :n {:channels {:http {:url \"http://127.0.0.1:$HP/keep\" :json {}}}}) (flow/step :notify :m {:channels {:http {:url \"http://127.0.0.1:$HP/status/500\" :json {}}}})]
     :kv [(kv :a {:operation :set :value 1 :metadata {:m 1}}) (kv :b {:operation :get}) (kv :c {:operation :increment}) (kv :d {:operation :exists}) (kv :e {:operation :delete}) (kv :f {:operation :append :item 1}) (flow/step :kv :g {:operation :list-keys})]
     :llm [(flow/step :llm :i {:connection :ai :prompt \"hi\"}) (flow/step :llm :j {:connection :ai :prompt \"bad\" :output {:schema [:map [:a :int]]}})]
     :agent [(flow/step :agent :k {:connection :ai :objective \"x\" :evaluate {:criteria \"c\"}})] :search [(flow/step :search :l {:query \"x\"})]})"
  br t.edn --connections conn.json --format json; kill $h; [ "$st" = 0 ] || { echo "$err"; false; }
  for f in http kv notify llm agent search; do documented $f "$(jq -r ".$f[] | keys[]" <<<"$out" | grep -vE '^(id|role)$' | sort -u)"; done
}
@test "the results of :table and :db" {
  cat > t.edn <<'FLOW'
{:slug :t :name "t" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :db :type :database :label "D"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (let [_ (flow/step :function :p {:code (quote (fn [_] [{:n "a" :x 1} {:n "b" :x 2}])) :input {} :persist {:type :table :table :p}})
                    t (fn [id o] (flow/step :table id (assoc o :table "p")))]
   {:table [(t :a {:op :query :page {:limit 1 :include-total-count true}}) (t :b {:op :get-row :row-id "0.1"}) (t :c {:op :aggregate}) (t :d {:op :schema}) (t :e {:op :export :format :csv})
            (t :f {:op :import-csv :csv "n,x\nc,3\n"}) (t :g {:op :update-cell :row-id "0.1" :column :x :value 5}) (t :h {:op :update-cell-format :row-id "0.1" :column :x :format {:a 1}})
            (t :i {:op :set-column :column :y :value 1}) (t :j {:op :recompute}) (flow/step :table :k {:op :materialize-join :left "p" :right "p" :on [[:n :n]] :into {:table :q}})]
    :db [(flow/step :db :o {:database :sqlite :connection :db :sql "create table b(x)"})] :rows (flow/step :db :m {:database :sqlite :connection :db :sql "select 1 as x"})}))}
FLOW
  echo "{\"connections\": {\"db\": {\"type\": \"database\", \"backend\": \"sqlite\", \"config\": {\"path\": \"$PWD/s.db\"}}}}" > c.json
  br t.edn --connections c.json --format json; [ "$st" = 0 ] || { echo "$err"; false; }
  for f in table db; do documented $f "$(jq -r ".$f[] | keys[]" <<<"$out" | sort -u)"; done
  [ "$(jq -c .rows <<<"$out")" = '[{"x":1}]' ]
}
@test "help of options that are maps lists what stands inside" {
  for x in "llm cost max-tokens" "agent memory ttl" "agent evaluate required" "agent tools allowed" "agent available-steps with" "notify channels http" "table page include-total-count" "table into write-mode"; do
    set -- $x; br help step "$1" "$2"; [ "$st" = 0 ]; [[ $out = *":$3 "* ]] || { echo "$x"; false; }
  done
}
