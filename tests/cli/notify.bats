load help
# :notify: each documented field, its effect and a wrong value, against a real server.

server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" --log mail.log > ready 3>&- & echo $! > pid
  read -r _ PORT < ready
  URL=http://127.0.0.1:$PORT
}
kept() { curl -s "$URL/kept" | python3 -c 'import json,sys; k=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

@test "an :http channel: method, path, headers, query, JSON rendered with :data; the result" {
  server
  flow n "(flow/step :notify :tell {:channels {:http {:url \"$URL/keep?a={{n}}\" :headers {\"X-Who\" \"{{who}}\"} :query {:q \"{{who}}\"}
            :json {:text \"Hi {{who}}, {{#if vip}}dear {{/if}}{{items.0}}\" :n 5 :list [\"{{n}}\"]}}} :data {:who \"Ann \\\"A\\\" & <b>\" :n 7 :vip true :items [\"x\"]}})"
  br n.edn --run-id r; want 0 '{:sent? true, :channels {:http {:sent? true, :status 200}}}'
  [ "$(kept 'k[0]["method"]')" = POST ]
  [ "$(kept 'k[0]["headers"]["x-who"]')" = 'Ann "A" & <b>' ]
  [ "$(kept 'k[0]["path"]')" = '/keep?a=7&q=Ann%20%22A%22%20%26%20%3Cb%3E' ]
  [ "$(kept 'json.loads(k[0]["body"]) == {"text": "Hi Ann \"A\" & <b>, dear x", "n": 5, "list": ["7"]}')" = True ]
  br replay r; [ "$st" = 0 ]
  [ "$(grep -c . mail.log)" = 1 ]
}
@test ":form, :body, :method, no :data: text is sent as it is; the channel's own :data wins" {
  server
  flow n "[(:sent? (flow/step :notify :f {:channels {:http {:url \"$URL/keep\" :form {:a \"{{x}}\"} :data {:x \"own\"}}} :data {:x \"step\"}}))
           (:sent? (flow/step :notify :b {:channels {:http {:url \"$URL/keep\" :method :put :body \"raw {{x}}\" :content-type \"text/csv\"}}}))]"
  br n.edn; want 0 '[true true]'
  [ "$(kept 'k[0]["body"]')" = a=own ]; [ "$(kept 'k[1]["method"], k[1]["body"], k[1]["headers"]["content-type"]')" = "('PUT', 'raw {{x}}', 'text/csv')" ]
}
@test "a :notification template; what its data holds is not rendered again" {
  server
  cat > t.edn <<FLOW
{:slug :t :name "t" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :mail :type :http-api :label "Mail" :base-url "$URL" :auth {:type :bearer}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [{:id :alert :type :notification :channels {:http {:connection :mail :path "/keep" :json {:subject "{{s}}"}}}}
             {:id :req :type :http-request :request {:url "$URL/keep" :method :patch :json {:via "{{s}}"}}}]
 :flow (quote [(flow/step :notify :a {:template :alert :data {:s "{{evil}}"}})
               (:sent? (flow/step :notify :b {:channels {:http {:template :req :data {:s "request"}}}}))])}
FLOW
  echo '{"connections": {"mail": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "tok"}}}}, "secrets": {"tok": "canary-token-55"}}' > c.json
  br t.edn --connections c.json; want 0 '[{:sent? true, :channels {:http {:sent? true, :status 200}}} true]'
  [ "$(kept 'json.loads(k[0]["body"])["subject"]')" = '{{evil}}' ]; [ "$(kept 'k[0]["headers"]["authorization"]')" = 'Bearer canary-token-55' ]
  [ "$(kept 'k[1]["method"], k[1]["body"]')" = "('PATCH', '{\"via\":\"request\"}')" ]
  if grep -rq canary-token-55 .breyta; then false; fi
}
@test "failures are results: status, network, too large, a secret echoed; :retry tries again" {
  server
  big=$(head -c 1100000 /dev/zero | tr '\0' x)
  flow n "[(let [r (flow/step :notify :s {:channels {:http {:url \"$URL/status/400?body=no\" :json {}}}})] [(:sent? r) (:channels r) (mapv (juxt :channel :type :status :body) (:errors r))])
           (let [r (flow/step :notify :n {:channels {:http {:url \"http://127.0.0.1:1/\" :json {}}}})] [(:sent? r) (:type (first (:errors r)))])
           (let [r (flow/step :notify :big {:channels {:http {:url \"$URL/keep\" :body (apply str (repeat 1100000 \"x\"))}}})] [(:sent? r) (:type (first (:errors r)))])
           (flow/step :notify :again {:channels {:http {:url \"$URL/flaky?key=x&fail=2\" :json {}}} :retry {:max-attempts 3 :backoff-ms 1}})
           (:sent? (flow/step :notify :slow {:channels {:http {:url \"$URL/slow?ms=5000\" :json {}}} :timeout \"100ms\"}))]"
  br n.edn
  want 0 '[[false {:http {:sent? false, :status 400}} [[:http :http-error 400 "no"]]] [false :network] [false :oversize] {:sent? true, :channels {:http {:sent? true, :status 200}}} false]'
}
@test "wrong values: :channels missing, :ui, others, :auth, no address, unknown options, data" {
  bad() {
    flow b "(flow/step :notify :w (merge {} (quote $1)))"
    br b.edn; [ "$st" = 1 ] || { echo "$1: status $st $out" >&2; return 1; }
    says validation; says "step :w: "; shift
    for t; do says "$t"; done
  }
  bad '{}' 'needs :channels'
  bad '{:channels {}}' 'must be a map such as'
  bad '{:channels {:ui {:text "x"}}}' ':ui does not exist'
  bad '{:channels {:email {}}}' 'knows no :email' 'mail service'
  bad '{:channels {:http {}}}' 'needs :connection'
  bad '{:channels {:http {:url "http://x" :connection :c}}}' 'both :url and :connection'
  bad '{:channels {:http {:url "http://x" :auth {:type :bearer}}}}' 'no :auth'
  bad '{:channels {:http {:url "http://x" :jsn {}}}}' 'no option :jsn'
  bad '{:channels {:http {:url "http://x" :data 1}}}' ':data must be a map'
  bad '{:channels {:http {:url "http://x"}} :data 5}' ':data is 5; of a :notify step it must be a map'
  flow m '(flow/step :notify :w {:channels {:http {:url "http://x" :json "{{gone}}"}} :data {:a 1}})'
  br m.edn; [ "$st" = 1 ]; says gone
  flow l '(flow/step :notify :w {:channels {:ui {}}})'
  br lint l.edn; [ "$st" = 1 ]; [[ $out$err = *':ui does not exist'* ]]
  flow l2 '(flow/step :notify :w {})'
  br lint l2.edn; [ "$st" = 1 ]; [[ $out$err = *'needs :channels'* ]]
}
