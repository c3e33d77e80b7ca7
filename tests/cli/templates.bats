load help

echo_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
# A flow NAME with the given templates and body.
templated() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [$2]
 :flow (quote $3)}
FLOW
}

@test "a template is rendered under the step's own keys, journalled as sent, and the same in a replay" {
  echo_server
  templated t "{:id :hello :type :http-request :request {:url \"http://127.0.0.1:$PORT/echo\" :method :post :headers {\"X-A\" \"{{a}}\"}
                :query {:q [\"{{a}}\" \"b{{a}}\"] :n 7} :json {:text \"{{#each names}}{{this}};{{/each}}\" :from \"template\"}}}" \
    '(let [r (:body (flow/step :http :say {:template :hello :data {:a "1&2" :names (map name [:x :y])} :query {:own "step"}}))]
       [(:query r) (:x-a (:headers r)) (:body r)])'
  br t.edn --run-id r
  want 0 '[{:own ["step"]} "1&2" "{\"text\":\"x;y;\",\"from\":\"template\"}"]'
  br show r; [[ $out == *':json {:text "x;y;"'* && $out != *'{{'* ]]
  br replay r; [ "$st" = 0 ]
}
@test "a missing variable fails the step with template and place; catch, :on-error :skip and a checkpoint see it" {
  templated t '{:id :bad :type :http-request :request {:url "http://127.0.0.1:1/{{user.nme}}"}}' \
    '[(try (flow/step :http :a {:template :bad :data {:user {}}}) (catch Exception e (select-keys (ex-data e) [:type :template :variable :retryable?])))
      (flow/step :http :b {:template "bad" :on-error :skip :retry {:max-attempts 5}})
      (try (flow/step :http :c {:template :bad :data (vector 1)}) (catch Exception e (ex-message e)))
      (try (flow/step :http :d {:template (keyword "gone")}) (catch Exception e (ex-message e)))]'
  br t.edn --run-id r
  [ "$st" = 0 ]
  [[ $out == *':type :template-error'*':template :bad'*':variable "user.nme"'*':retryable? false'*'nil "template :bad: :data must be a map" "template :gone: there is none of that id in :templates"]' ]]
  br replay r; [ "$st" = 0 ]
  templated c '{:id :bad :type :http-request :request {:url "{{x}}"}}' '(flow/step :http :a {:template :bad :on-error :checkpoint})'
  br c.edn --run-id c; [ "$st" = 3 ]
  br retry c; br resume c; [ "$st" = 3 ]; says 'the variable x is not in the data'
}
@test "what is rendered never holds a secret: :auth of a template goes to the step as it is" {
  echo_server
  templated s "{:id :s :type :http-request :request {:url \"http://127.0.0.1:$PORT/echo\" :auth {:type :bearer :secret-ref :tok :x \"{{nope}}\"}}}" \
    '(:authorization (:headers (:body (flow/step :http :a {:template :s :data {:x 1}}))))'
  export CANARY=canary-$RANDOM-sesame-78
  echo '{"connections": {}, "secrets": {"tok": {"env": "CANARY"}}}' > conn.json
  br s.edn --connections conn.json
  want 0 '"Bearer #secret[tok]"'
  if grep -rl -- "$CANARY" .breyta; then false; fi
}
@test "lint names the place of a wrong tag" {
  templated l '{:id :a :type :http-request :request {:url "http://x/{{#if y}}"}}' '(flow/step :http :a {:template :a})'
  br lint l.edn; [ "$st" = 1 ]; [[ $out == *'l.edn:3:57: error [invalid_template] template :a, 1:10 of this text: this block has no end: expected {{/if}}'* ]]
}
