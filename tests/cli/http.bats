load help

# httpd.py on $PORT; its options are the arguments.
server() {
  [ -p ready ] || mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" "$@" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
  U=http://127.0.0.1:$PORT
}
body() { flow b "$1"; br b.edn; want 0 "$2"; } # BODY VALUE
fails() { flow b "$1"; br b.edn; [ "$st" = 1 ]; says "$2"; } # BODY PART-OF-THE-ERROR
conn() { # BODY: with the slot :api for the server, whose config and secrets are in conn.edn
  cat > c.edn <<FLOW
{:slug :c :name "c" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :api :type :http-api :label "API" :base-url "$U" :auth {:type :none}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote $1)}
FLOW
}

@test "address, method, headers, query, form, json, body, content-type, accept" {
  server
  body "(let [b (:body (flow/step :http :a {:url \"$U/echo\" :method :post :headers {:x-a 1} :query {:q [1 2]} :form {:k \"a b\"} :accept :xml}))]
          [(:method b) (:query b) (:body b) (:x-a (:headers b)) (:accept (:headers b)) (:content-type (:headers b))])" \
    '["POST" {:q ["1" "2"]} "k=a+b" "1" "application/xml" "application/x-www-form-urlencoded"]'
  body "(let [b (:body (flow/step :http :a {:url \"$U/echo\" :method :put :json {:a 1} :content-type \"application/vnd.x+json\"}))]
          [(:method b) (:body b) (:content-type (:headers b))])" '["PUT" "{\"a\":1}" "application/vnd.x+json"]'
  fails "(flow/step :http :a {:url \"$U/echo\" :method (keyword \"fetch\")})" ':method is :fetch; use :get'
  fails "(flow/step :http :a {:url \"$U/echo\" :headers (into {} [[\"a b\" 1]])})" 'header names are letters'
  fails "(flow/step :http :a {:url (str \"ftp:\" \"//x\")})" 'it begins with http:// or https://'
  fails "(flow/step :http :a {:url \"$U/echo\" :content-type (str \"no\" \"ne\")})" ':content-type is "none"; use :json'
}

@test ":multipart, as another program reads it" {
  server
  body "(mapv (juxt :name :filename :type :body) (:parts (:body (flow/step :http :up {:url \"$U/multipart\" :method :post :multipart
          [{:name :kind :value :report} {:name \"doc\" :filename \"a\\\"b.txt\" :content-type \"text/csv\" :body \"1,2\"} {:name \"meta\" :json {:n [1]}}]}))))" \
    '[["kind" nil nil "report"] ["doc" "a%22b.txt" "text/csv" "1,2"] ["meta" nil "application/json" "{\"n\":[1]}"]]'
  fails "(flow/step :http :up {:url \"$U/multipart\" :method :post :multipart [{:name (str \"a\")}]})" 'part 1 needs its content: exactly one of'
}

@test ":response-as: each way, and what it says of a body that is something else" {
  server
  type() { echo "(:body (flow/step :http :a {:url \"$U/type?ct=$1&body=$2\" $3}))"; }
  body "$(type application/json '{"a":1}' | sed 's/{"a":1}/%7B%22a%22:1%7D/')" '{:a 1}'
  body "$(type text/plain '%7B%22a%22:1%7D' ':response-as :json')" '{:a 1}'
  body "$(type text/plain '1%0A2' ':response-as :jsonl')" '[1 2]'
  body "$(type text/plain 'data:x%0A%0A' ':response-as :sse')" '[{:event "message", :data "x"}]'
  body "$(type text/plain '%23%7B1%7D' ':response-as :edn')" '#{1}'
  body "$(type application/json '1' ':response-as :text')" '"1"'
  body "$(type text/xml '%3Ca%20b=%221%22%3E%3Cc/%3Et%3C/a%3E' ':response-as :xml')" \
    '{:tag :a, :attrs {:b "1"}, :content [{:tag :c, :attrs nil, :content nil} "t"]}'
  body "$(type text/plain 'a:%20%5B1,%20yes%5D' ':response-as :yaml')" '{:a [1 true]}'
  fails "$(type text/plain '%3Ca%3E' ':response-as :xml')" 'is not XML that can be read (line 1'
  fails "$(type text/plain '%5B1' ':response-as :yaml')" 'is not YAML that can be read (line'
  fails "$(type text/plain 'x' ':response-as :json')" 'the body is not JSON'
  fails "$(type text/plain 'x' ':response-as :bytes')" 'needs :persist'
  fails "$(type text/plain 'x' ':response-as (keyword "pdf")')" ':response-as is :pdf; use :auto'
}

@test ":parser-fn: over the recorded body, so a replay runs it again; what it throws; no steps inside" {
  server
  flow p "(let [k 10] [(:body (flow/step :http :a {:url \"$U/echo?n=5\" :parser-fn (fn [b] (+ k (parse-long (first (:n (:query b))))))}))
                       (:body (flow/step :http :b {:url \"$U/status/200?body=x,y\" :parser-fn '(fn [b] (map keyword (clojure.string/split b #\",\")))}))])"
  br p.edn --run-id r; want 0 '[15 (:x :y)]'
  br replay r; [ "$st" = 0 ]
  br show r; [[ $out != *":body 15"* ]]
  fails "(flow/step :http :a {:url \"$U/echo\" :parser-fn (fn [b] (throw (ex-info \"no good\" {})))})" 'no good'
  fails "(flow/step :http :a {:url \"$U/echo\" :parser-fn (fn [b] (flow/step :sleep :s {:millis 1}))})" 'flow/step cannot be used inside'
  fails "(flow/step :http :a {:url \"$U/echo\" :parser-fn (identity 7)})" ':parser-fn is 7; use a function of the body'
  body "(try (flow/step :http :a {:url \"$U/status/500\" :parser-fn (fn [b] :never)}) (catch Exception e (:status (ex-data e))))" 500
}

@test ":client-opts, :timeout, :connect-timeout-ms, :follow-redirects" {
  server
  fails "(flow/step :http :a {:url \"$U/big?bytes=2000\" :client-opts {:max-response-bytes 1000}})" 'response body of more than 1000 bytes'
  body "(count (:body (flow/step :http :a {:url \"$U/big?bytes=2000\" :client-opts {:max-response-bytes 2000}})))" 2000
  fails "(flow/step :http :a {:url \"$U/echo\" :client-opts {(keyword \"max-size\") 1}})" ':client-opts has :max-size; it takes :max-response-bytes'
  fails "(flow/step :http :a {:url \"$U/echo\" :client-opts {:connect-timeout (str \"soon\")}})" ':connect-timeout'
  fails "(flow/step :http :a {:url \"$U/slow?ms=9000\" :timeout \"200ms\"})" 'no complete answer in time (limit 200 ms'
  body "(:status (flow/step :http :a {:url \"$U/redirect?to=/echo\" :client-opts {:follow-redirects false} :accept-status #{302}}))" 302
  body "(:status (flow/step :http :a {:url \"$U/redirect?to=/echo\"}))" 200
  fails "(flow/step :http :a {:url \"$U/redirect?n=4&to=/echo\" :follow-redirects 2})" 'more than 2 redirects'
}

@test ":include-headers, :accept-status, :metering, :auto-search-index?" {
  server
  body "(:headers (flow/step :http :a {:url \"$U/type?ct=text/plain&body=x&header=X-A:1\" :include-headers [\"x-a\"] :metering {:cost 1} :auto-search-index? false}))" '{"x-a" "1"}'
  body "(:status (flow/step :http :a {:url \"$U/status/404\" :accept-status #{404}}))" 404
  fails "(flow/step :http :a {:url \"$U/echo\" :metering (inc 1)})" ':metering is 2; use a map'
  fails "(flow/step :http :a {:url \"$U/echo\" :auto-search-index? (str 1)})" ':auto-search-index? is "1"; use true or false'
  fails "(flow/step :http :a {:url \"$U/echo\" :accept-status #{(+ 3 4)}})" ':accept-status has 7'
}

@test "retries: by class, and when the server says so (seconds, and a date)" {
  server
  body "[(:calls (:body (flow/step :http :a {:url \"$U/flaky?key=a&fail=2\" :retry {:max-attempts 3 :backoff-ms 10 :jitter false}})))]" '[3]'
  fails "(flow/step :http :a {:url \"$U/status/400\" :retry {:max-attempts 3 :backoff-ms 10}})" 'status 400'
  [[ $err != *"attempt 2"* ]]
  at=$(date +%s%N); body "(:calls (:body (flow/step :http :a {:url \"$U/flaky?key=s&fail=1&after=1\" :retry {:max-attempts 2 :backoff-ms 60000}})))" 2
  took=$(( ($(date +%s%N) - at) / 1000000 )); [ $took -ge 1000 ]
  [ $took -lt 10000 ]
  when=$(LC_ALL=C date -u -d '+3 seconds' '+%a,%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT')
  at=$(date +%s%N); body "(:calls (:body (flow/step :http :a {:url \"$U/flaky?key=d&fail=1&after=$when\" :retry {:max-attempts 2 :backoff-ms 60000}})))" 2
  took=$(( ($(date +%s%N) - at) / 1000000 )); [ $took -ge 1500 ]
  [ $took -lt 10000 ]
  body "(:calls (:body (flow/step :http :a {:url \"$U/flaky?key=n&fail=1&drop=1\" :retry {:max-attempts 2 :backoff-ms 10}})))" 2
}

@test "an access token for a Google service account: signed, fetched once, kept out of everything" {
  openssl genrsa -out key.pem 2048 2>/dev/null; openssl rsa -in key.pem -pubout -out pub.pem 2>/dev/null
  server --jwt-public pub.pem
  python3 -c 'import json,sys; print(json.dumps({"type":"service_account","client_email":"a@b.iam","private_key":open("key.pem").read(),"token_uri":sys.argv[1]+"/token"}))' $U > sa.json
  echo '{:connections {:api {:type :http-api :config {:auth {:type :google-service-account :secret-ref :sa :scopes ["s:1" "s:2"]}}}} :secrets {:sa {:file "sa.json"}}}' > conn.edn
  conn '(mapv (fn [i] (:authorization (:headers (:body (flow/step :http :a {:connection :api :path "/echo"}))))) [1 2 3])'
  br c.edn --connections conn.edn; want 0 '["Bearer #secret[sa]" "Bearer #secret[sa]" "Bearer #secret[sa]"]'
  [ "$(curl -s $U/counts)" = '{"token": 1}' ]
  [ "$(grep -rlE 't-1/|BEGIN.*PRIVATE|[A-Za-z0-9_-]{100}\.[A-Za-z0-9_-]' .breyta | wc -l)" = 0 ]
  sed -i 's/"type": "service_account"/"type": "user"/' sa.json; br c.edn --connections conn.edn; [ $st = 1 ]; says "auth-failed"; says 'not the key file of a service account'
  sed -i 's/"type": "user"/"type": "service_account"/; s/a@b.iam/c@d.iam/' sa.json; openssl genrsa -out other.pem 2048 2>/dev/null; openssl rsa -in other.pem -pubout -out pub.pem 2>/dev/null
  br c.edn --connections conn.edn; [ $st = 1 ]; says 'no access token'; says 'status 400, invalid_grant'
  sed -i 's/ :scopes \["s:1" "s:2"\]//' conn.edn; br c.edn --connections conn.edn; [ $st = 1 ]; says 'needs :scopes'
}

@test "AWS Signature Version 4: parameters, body, session token; inline keys are refused" {
  server
  sig() { echo "{:connections {:api {:type :http-api :config {:auth {:type :aws-sigv4 :access-key-ref :id :secret-key-ref :key $1}}}}
    :secrets {:id \"AKIDEXAMPLE\" :key \"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\" :session \"FwoGZXIvYXdzEXAMPLETOKEN\"}}" > conn.edn; }
  sig ':region "us-east-1" :service "s3"'
  conn '[(:ok (:body (flow/step :http :g {:connection :api :path "/sigv4/a/b.txt" :query {:z "1 2" :a "é&" :m ""}})))
         (:ok (:body (flow/step :http :p {:connection :api :path "/sigv4/x" :method :put :json {:k "v"}})))
         (:ok (:body (flow/step :http :m {:connection :api :path "/sigv4/x" :method :post :multipart [{:name "a" :value 1}]})))]'
  br c.edn --connections conn.edn; want 0 '[true true true]'
  sig ':region "eu-west-1" :service "execute-api" :session-token-ref :session'
  br c.edn --connections conn.edn; want 0 '[true true true]'
  if grep -rqE 'wJalrXUtnFEMI|EXAMPLETOKEN' .breyta; then false; fi
  sig ':service "s3"'; br c.edn --connections conn.edn; [ $st = 1 ]; says 'needs :region and :service'
  sig ':region "us-east-1" :service "s3" :secret-key "abc"'; br c.edn --connections conn.edn; [ $st = 1 ]; says 'takes names of secrets (:secret-ref), never their values'
  fails "(flow/step :http :a {:url \"$U/echo\" :auth {:type :bearer :token \"abc\"}})" 'takes names of secrets (:secret-ref), never their values'
}

@test "a cancel reaches the request: its connection closes and the run ends" {
  server
  flow h "(flow/step :http :a {:url \"$U/hold?key=gone\"})"
  breyta-run h.edn --run-id r >/dev/null 2>err.txt 3>&- & run=$!
  until_ok eval '[ "$(curl -s $U/counts)" = "{\"held-gone\": 1}" ]'
  br cancel r; [ "$st" = 0 ]
  until_ok eval '[[ $(curl -s $U/counts) = *"\"gone\": 1"* ]]'
  st=0; wait $run || st=$?; [ "$st" != 0 ]
  grep -q cancelled err.txt
}

@test "the guard: names, networks, redirects, IPv4 in disguise" {
  server
  g() { flow b "(:status (flow/step :http :a {:url \"$1\"}))"; br b.edn --guard; }
  g $U/echo; [ $st = 1 ]; says 'loopback address'; says BREYTA_ALLOW_PRIVATE_HOSTS
  g http://localhost:$PORT/echo; [ $st = 1 ]; says 'loopback address'
  g "http://[::ffff:127.0.0.1]:$PORT/echo"; [ $st = 1 ]; says 'loopback address'
  g http://169.254.169.254/latest/meta-data; [ $st = 1 ]; says 'metadata'
  BREYTA_ALLOW_PRIVATE_HOSTS=127.0.0.0/8 g $U/echo; want 0 200
  BREYTA_ALLOW_PRIVATE_HOSTS=localhost g http://localhost:$PORT/echo; want 0 200
  BREYTA_ALLOW_PRIVATE_HOSTS=localhost g "http://localhost:$PORT/redirect?to=$U/echo"; [ $st = 1 ]; says 'loopback address'
  BREYTA_ALLOW_PRIVATE_HOSTS='10.0.0.0/99' g $U/echo; [ $st = 1 ]; says 'prefix length'
}

@test "limits of a connection: how many at a time, how many in a time; those who wait are counted" {
  server
  limit() { echo "{:connections {:api {:type :http-api :config {$1}}}}" > conn.edn; }
  conn '(:status (flow/step :http :a {:connection :api :path "/busy" :query {:ms 150}}))'
  sed -i 's/:singleton/:keyed :key-field :k/; s/:on-new-version :supersede/:on-new-version :coexist/; s/:inputs \[\]/:inputs [{:name :k :type :number}]/' c.edn
  starts() { for i in $(seq $1); do br c.edn --detach --connections conn.edn --input "{\"k\": $i}"; [ $st = 3 ]; done; }
  limit ':max-concurrent 2'; starts 6
  br resume --connections conn.edn --progress; [ $st = 0 ]
  says 'http: 6 requests'; says '4 waited for their turn'
  [ "$(curl -s $U/busiest | python3 -c 'import json,sys; print(json.load(sys.stdin)["max"])')" = 2 ]
  curl -s $U/reset >/dev/null
  limit ':rate-limit {:requests 2 :per "400ms"}'; starts 5
  br resume --connections conn.edn; [ $st = 0 ]
  curl -s $U/busiest | python3 -c '
import json, sys
t = json.load(sys.stdin)["starts"]
assert len(t) == 5 and all(t[i + 2] - t[i] > 0.35 for i in range(3)), t'
  limit ':max-concurrent 0'; br c.edn --connections conn.edn --input '{"k": 1}'; [ $st = 1 ]; says ':max-concurrent is an integer from 1 to 10000'
  limit ':rate-limit 5'; br c.edn --connections conn.edn --input '{"k": 1}'; [ $st = 1 ]; says ':rate-limit is a map such as {:requests 10 :per'
  limit ':rate-limit {:requests 1 :per "x"}'; br c.edn --connections conn.edn --input '{"k": 1}'; [ $st = 1 ]; says ':rate-limit :per'
}
