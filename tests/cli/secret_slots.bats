load help

# Slots of :requires of :type :secret: their name, what binds them, who uses them, what is said when they are not there.
web() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
slots() { # NAME BODY SLOTS
  flow "$1" "$2"
  sed -i "s|^ :functions|:requires [$3] :functions|" "$1.edn"
}
HOOK='{:slot :hook :type :secret :label "Hook"}'
REAL='{:slot :tok :type :secret :secret-ref :real :label "Token"}'
OPT='{:slot :more :type :secret :label "More" :optional true}'

@test "flow/slot-bound? of a secret slot: a file, the environment, the store; by :secret-ref or the slot's name; recorded" {
  slots t '[(flow/slot-bound? :hook) (flow/slot-bound? :tok) (flow/slot-bound? :more) (flow/slot-bound? :none)]' "$HOOK $REAL $OPT"
  br t.edn; want 0 '[false false false false]'
  echo '{"secrets": {"hook": "canary-a-1", "tok": "no", "more": {"env": "MORE"}}}' > s.json
  MORE=canary-b-2 br t.edn --connections s.json --run-id r; want 0 '[true false true false]'
  br secrets set real --from-file s.json; [ "$st" = 0 ]
  br t.edn; want 0 '[false true false false]'
  br t.edn --connections s.json; want 0 '[true true true false]'
  br replay r; [ "$st" = 0 ]
  [ "$(grep -ral canary-b-2 .breyta | wc -l)" = 0 ]
  br show r; [[ $out != *canary* ]]
}
@test "steps and waits use the secret of a slot; without it the step says which one" {
  web
  slots t "(:authorization (:headers (:body (flow/step :http :h {:url \"http://127.0.0.1:$PORT/echo\" :auth {:type :bearer :secret-ref :real}}))))" "$REAL"
  br t.edn; [ "$st" = 1 ]; says "missing-binding"; says "there is no secret real"
  echo '{"secrets": {"real": "canary-real-1"}}' > s.json
  br t.edn --connections s.json; want 0 '"Bearer #secret[real]"'
  slots w '(:n (flow/step :wait :w {:key "k" :webhook {:auth {:type :bearer :secret-ref :hook}}}))' "$HOOK"
  echo '{"secrets": {"hook": "canary-hook-1"}}' > h.json
  breyta-run w.edn --run-id w --connections h.json --listen 127.0.0.1:0 > o 2> e 3>&- & run=$!
  until_ok grep -q 'listening on' e
  url=$(grep -o 'http://127.0.0.1:[0-9]*' e | head -1)/local/events/k
  until_ok eval 'breyta-run show w 2>/dev/null | grep -q waits'
  [ "$(curl -s -o body -w '%{http_code}' -X POST "$url" -H 'Authorization: Bearer wrong' -H 'Content-Type: application/json' -d '{"n":1}')" = 401 ]
  [ "$(curl -s -o body -w '%{http_code}' -X POST "$url" -H 'Authorization: Bearer canary-hook-1' -H 'Content-Type: application/json' -d '{"n":2}')" = 200 ]
  wait $run
  [ "$(cat o)" = 2 ]
}
@test "check: a secret slot is read for real; optional ones may be missing" {
  slots t '1' "$HOOK $REAL $OPT"
  br check t.edn; [ "$st" = 1 ]
  [[ $out = *"hook "*"not-bound"*"there is no secret hook"*"tok "*"not-bound"*"there is no secret real"*"more "*"not-bound"* ]]
  echo '{"secrets": {"hook": {"file": "nothing-here.txt"}, "real": {"env": "NO_SUCH_CANARY"}}}' > s.json
  br check t.edn --connections s.json; [ "$st" = 1 ]
  [[ $out = *"hook "*"unreadable"*"nothing-here.txt"*"tok "*"unreadable"*"NO_SUCH_CANARY"* ]]
  echo canary-c-3 > nothing-here.txt
  NO_SUCH_CANARY=canary-d-4 br check t.edn --connections s.json; [ "$st" = 0 ]
  [[ $out = *"hook "*"fine"*"tok "*"fine"*"the secret real"*"more "*"not-bound"* ]]
  [[ $out$err != *canary-[cd]* ]]
}
@test "what is wrong with secret slots is found before anything runs" {
  slots a '(flow/step :http :h {:connection :hook :path "/x"})' "$HOOK"
  br a.edn; want 2 ""; says "error [secret_slot_as_connection]"; says "the slot :hook is a secret"; says ":secret-ref"
  slots b '(flow/step :http :h {:url "http://a.example/" :auth {:type :bearer :secret-ref :tok}})' "$REAL"
  br lint b.edn; [ "$st" = 0 ]; [[ $out$err = *"warning [secret_ref_mismatch]"*"the secret of the slot :tok is called real"*"write :secret-ref :real"* ]]
  slots c '(flow/step :http :h {:url "http://a.example/" :auth {:type :bearer :secret-ref :real}})' "$REAL"
  br lint c.edn; [ "$st" = 0 ]; [[ $out$err != *mismatch* ]]
  slots d 1 '{:slot :hook :type :secret}'; br d.edn; want 2 ""; says ":label"
  slots e 1 '{:slot "x" :type :secret :label "H" :secret-ref 7}'; br e.edn; want 2 ""; says ":slot"; says ":secret-ref"
  slots f 1 "$HOOK $HOOK"; br f.edn; want 2 ""; says "declared twice"
}
