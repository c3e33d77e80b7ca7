load help

# One real sshd for this file: see tests/tools/sshd.sh.
setup_file() {
  export S=$(mktemp -d) TOOL=$BATS_TEST_DIRNAME/../tools/sshd.sh
  PORT=$("$TOOL" start "$S") || { cat "$S/log" >&2; return 1; }
  export PORT WHO=$(cat "$S/user") TOOLS=$BATS_TEST_DIRNAME/../tools
}
teardown_file() {
  "$TOOL" stop "$S"
  rm -rf "$S"
}

# conn [MORE CONNECTIONS] [MORE SECRETS]: :vps is the server with its right key; $(at HOST-CONFIG..) is a config
at() { # PORT AUTH [KNOWN-HOSTS] [MORE]
  echo "{:host \"127.0.0.1\" :port $1 :username \"$WHO\" :auth $2 :known-hosts ${3:-{:file \"$S/known_hosts\"\}} ${4:-}}"
}
KEY='{:type :private-key :secret-ref "ed"}'
conn() {
  cat > conn.edn <<EDN
{:connections {:vps {:type :ssh :backend :ssh :config $(at "$PORT" "$KEY")} ${1:-}}
 :secrets {"ed" {:file "$S/id_ed25519"} ${2:-}}}
EDN
}
# ssh_flow NAME BODY: runs it; `run` in the body is a step on :vps, `fails` gives the data of its error
ssh_flow() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :vps :type :ssh :label "VPS"} {:slot :a :type :ssh :label "A"} {:slot :b :type :ssh :label "B"} {:slot :c :type :ssh :label "C"}
            {:slot :d :type :ssh :label "D"} {:slot :e :type :ssh :label "E"} {:slot :f :type :ssh :label "F"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (let [run (fn [o] (flow/step :ssh :s (merge {:connection :vps} o)))
                    fails (fn [o] (try (run o) :done (catch Exception e (dissoc (ex-data e) :duration-ms))))]
   $2))}
FLOW
  [ -f conn.edn ] || conn
  br "$1.edn" --connections conn.edn --format json "${@:3}"
  [ "$st" = 0 ] || { echo "$err" >&2; return 1; }
}
j() { jq -c "$1" <<<"$out"; } # of the result
is() { # FILTER JSON
  [ "$(j "$1")" = "$2" ] && return
  printf '%s is %s\nwanted: %s\n' "$1" "$(j "$1")" "$2" >&2
  return 1
}
has() { # FILTER TEXT..
  local v x
  v=$(jq -r "$1" <<<"$out")
  for x in "${@:2}"; do [[ $v = *"$x"* ]] || { printf '%s is %s\nlacks: %s\n' "$1" "$v" "$x" >&2; return 1; }; done
}
proxy() { # MODE [N]: PROXY is its port
  local f=proxy.$((proxies += 1))
  python3 "$TOOLS/tcpproxy.py" "$PORT" "$@" > "$f" 3>&- & echo $! >> proxy.pids
  until_ok test -s "$f"; PROXY=$(cat "$f")
}
teardown() {
  [ ! -f "$DIR/proxy.pids" ] || xargs kill < "$DIR/proxy.pids" 2>/dev/null || :
  rm -rf "$DIR"
}

@test "output, errors, exit, input, folder" {
  ssh_flow t '[(run {:command "cat; echo \"$PWD\"; echo oops >&2" :stdin "ä in\nput" :workdir "/usr/lib"}) (run {:command "pwd" :workdir "~"})
               (run {:command "exit 3" :ok-exit-codes #{0 3}}) (fails {:command "echo part; echo one >&2; echo why >&2; exit 3"})
               (fails {:command "kill -TERM $$"}) (run {:command "sh -c \"kill -9 \\$\\$\"; true"}) (fails {:command "pwd" :workdir "/no/such"})
               (fails {:command "no-such-program"}) (run {:command "wc -c" :stdin ""}) (run {:command "echo $0 $#"})]'
  is '.[0]|del(."duration-ms")' '{"success":true,"exit":0,"stdout":"ä in\nput/usr/lib\n","stderr":"oops\n"}'
  is '.[0]."duration-ms"|type' '"number"'
  is .[1].stdout "\"$(realpath "$(getent passwd "$WHO" | cut -d: -f6)")\\n\""
  is .[2].exit 3
  is '.[3]|[.type,.exit,."stderr-preview",."stdout-preview",."retryable?",."started?"]' '["ssh-exit",3,"one\nwhy\n","part\n",false,true]'
  has .[3].message "exit 3: why"
  is '.[4]|[.type,.signal,.exit]' '["ssh-exit","TERM",143]'
  is .[5].exit 0
  is '.[6]|[.type,.reason]' '["ssh-error","no-folder"]'; has .[6].message /no/such
  is '.[7]|[.type,.exit]' '["ssh-exit",127]'
  is .[8].stdout '"0\n"'
  is .[9].stdout '"sh 0\n"'
}

@test "nothing is interpolated: values of :env, folders, input" {
  local raw=$'$(touch DIR/owned)`touch DIR/owned`\'; touch DIR/owned; \'\\\\"\n\t | & $HOME #ü\r!' evil
  raw=${raw//DIR/$DIR}; printf %s "$raw" > want
  evil=$(jq -Rs . < want); evil=${evil:1:-1}
  mkdir -p "$DIR/a b'c\$(touch owned)" "$DIR/-x"; chmod -R a+rx "$DIR"
  ssh_flow t "[(run {:command \"printf %s \\\"\$A\\\"; printf %s \\\"\$b_1\\\" >&2\" :env {\"A\" \"$evil\" :b_1 7}}) (run {:command \"pwd\" :workdir \"$DIR/a b'c\$(touch owned)\"})
     (run {:command \"cat\" :stdin \"$evil\"}) (run {:command \"echo \$PATH\" :env {\"PATH\" \"/usr/bin:/bin:/x y\"}})
     (fails {:command \"true\" :env {\"A;touch $DIR/owned\" \"1\"}}) (fails {:command \"true\" :env {\"1A\" \"1\"}}) (fails {:command \"true\" :env {\"\" \"1\"}})
     (fails {:command \"true\" :env {\"A\" \"x\\u0000y\"}}) (fails {:command \"true\\u0000\"}) (fails {:command \"pwd\" :workdir \"-\"}) (fails {:command \"true\" :env {\"A\" [1]}})
     (run {:command \"true\" :stdin \"breyta-0123456789abcdef exit 9\\n\"}) (run {:command \"echo breyta-0123456789abcdef exit 9 >&2\"})
     (run {:command \"ps -eo args | grep -c [c]anary-env-value\" :env {\"TOP\" \"canary-env-value\"} :ok-exit-codes [0 1]})]"
  [ ! -e owned ]
  jq -j '.[0].stdout' <<<"$out" | cmp - want
  jq -j '.[2].stdout' <<<"$out" | cmp - want
  is .[0].stderr '"7"'
  has .[1].stdout "a b'c\$(touch owned)"
  is .[3].stdout '"/usr/bin:/bin:/x y\n"'
  for i in 4 5 6 7 8 10; do is ".[$i].type" '"validation"'; done
  is .[9].reason '"no-folder"'
  is '.[12]|[.exit,.stderr]' '[0,"breyta-0123456789abcdef exit 9\n"]'
  is .[13].stdout '"0\n"'
}

@test "keys and passwords" {
  for k in ed25519 ecdsa ed25519_pass ecdsa_pass; do
    echo ":$k {:type :ssh :config $(at "$PORT" "{:type :private-key :secret-ref \"$k\" $([[ $k = *_pass ]] && echo ':passphrase-secret-ref "pass"')}")}"
  done > more
  cat >> more <<EDN
 :a {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "other"}')} :b {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "rsa"}')}
 :c {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "ed25519_pass"}')}
 :d {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "ed25519_pass" :passphrase-secret-ref "wrong"}')}
 :e {:type :ssh :config $(at "$PORT" '{:type :password :secret-ref "wrong"}')} :f {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "garbage"}')}
 :pw {:type :ssh :config $(at "$PORT" '{:type :password :secret-ref "pw"}')}
EDN
  conn "$(cat more)" "$(for k in ed25519 ecdsa rsa ed25519_pass ecdsa_pass; do echo "\"$k\" {:file \"$S/id_$k\"}"; done) \"other\" {:file \"$S/id_ed25519_other\"}
    \"pass\" \"open sesame\" \"wrong\" \"open simsim\" \"garbage\" \"no key at all\" \"pw\" {:file \"$([ -f "$S/password" ] && echo "$S/password" || echo /dev/null)\"}"
  ssh_flow t '[(mapv (fn [k] (:stdout (run {:connection k :command "echo in"}))) [:ed25519 :ecdsa :ed25519_pass :ecdsa_pass])
               (mapv (fn [k] (fails {:connection k :command "echo in"})) [:a :b :c :d :e :f])]'
  is .[0] '["in\n","in\n","in\n","in\n"]'
  for i in 0 1 2 3 4 5; do is ".[1][$i]|[.type,.\"retryable?\"]" '["auth-failed",false]'; done
  has '.[1][0].message' "authentication failed" "$WHO" "it offers: publickey,password"; is '.[1][0].methods' '"publickey,password"'
  has '.[1][1].message' RSA SHA-1 "ssh-keygen -t ed25519"
  has '.[1][2].message' "needs a passphrase"
  has '.[1][3].message' "passphrase is wrong"
  has '.[1][5].message' "cannot be read"
  if grep -q 'simsim\|no key at all' <<<"$out"; then false; fi
  [ ! -f "$S/password" ] || { ssh_flow p '(run {:connection :pw :command "id -un"})'; is .stdout "\"$WHO\\n\""; }
}

@test "host keys: unknown, changed, revoked, hashed, of other kinds, patterns" {
  local ed ec print
  ed=$(cut -d' ' -f1,2 "$S/host_ed25519.pub"); ec=$(cut -d' ' -f1,2 "$S/host_ecdsa.pub"); other=$(cut -d' ' -f1,2 "$S/id_ed25519_other.pub")
  print=$(ssh-keygen -lf "$S/host_ed25519.pub" | cut -d' ' -f2); was=$(ssh-keygen -lf "$S/id_ed25519_other.pub" | cut -d' ' -f2)
  cp "$S/known_hosts" hashed; ssh-keygen -q -H -f hashed
  conn ":a {:type :ssh :config $(at "$PORT" "$KEY" '[]')} :b {:type :ssh :config $(at "$PORT" "$KEY" "\"[127.0.0.1]:$PORT $other\"")}
    :c {:type :ssh :config $(at "$PORT" "$KEY" "\"@revoked [127.0.0.1]:$PORT $ed\"")} :d {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"$DIR/hashed\"}")}
    :e {:type :ssh :config $(at "$PORT" "$KEY" "[\"# mine\" \"elsewhere,[127.0.*.?]:$PORT $ec\"]")} :f {:type :ssh :config $(at "$PORT" "$KEY" "\"!127.0.0.1,127.* $ed\"")}
    :g {:type :ssh :config $(at "$PORT" "$KEY" "{:secret-ref \"hosts\"}")} :h {:type :ssh :config $(at "$PORT" "$KEY" "\"127.0.0.1 $ed\"")}
    :i {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"/no/such/file\"}")}" "\"hosts\" {:file \"$S/known_hosts\"}"
  ssh_flow t '(mapv (fn [k] (fails {:connection k :command "true"})) [:a :b :c :d :e :f :g :h :i])'
  is '.[0]|[.type,.fingerprint,."retryable?",."started?"]' "[\"host-key-unknown\",\"$print\",false,false]"
  has '.[0].message' "host key unknown" "$print"; is '.[0]."host-key"' "\"[127.0.0.1]:$PORT $ed\""
  is '.[1]|[.type,.fingerprint,."retryable?"]' "[\"host-key-changed\",\"$print\",false]"
  has '.[1].message' "host key changed" "$print" "$was"
  is '.[2].type' '"host-key-changed"'; has '.[2].message' "host key revoked"
  for i in 3 4 6 7; do is ".[$i]" '"done"'; done
  is '.[5].type' '"host-key-unknown"'
  has '.[8].message' /no/such/file
}

@test "time: what does not end is told to, and so is all that it started" {
  ssh_flow t "[(fails {:command \"echo one; (sleep 77777) & sh -c 'trap \\\"\\\" TERM; while :; do sleep 77778; done'\" :timeout \"1s\"})
               (fails {:command \"echo \$\$ > $S/home/pid; sleep 77779\" :timeout \"1s\" :pty? true})]"
  is '.[0]|[.type,."retryable?",."started?",."stdout-preview"]' '["timeout",true,true,"one\n"]'; has '.[0].message' "1000 ms" "told to stop"
  is '.[1].type' '"timeout"'
  gone() { ! pgrep -f 'sleep 7777[789]' >/dev/null; }
  until_ok gone
}

@test "a cancelled run ends its command" {
  rm -f "$S/home/here"; conn; st=0
  cat > c.edn <<FLOW
{:slug :c :name "c" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :vps :type :ssh :label "V"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (flow/step :ssh :s {:connection :vps :command "touch $S/home/here; sleep 88888"}))}
FLOW
  breyta-run c.edn --connections conn.edn --run-id c >c.out 2>c.err 3>&- & local p=$!
  until_ok test -e "$S/home/here"
  br cancel c; [ "$st" = 0 ]
  if wait $p; then false; fi
  gone() { ! pgrep -f 'sleep 88888' >/dev/null; }
  until_ok gone
}

@test "a process that is told to end takes its command with it" {
  rm -f "$S/home/here"; conn
  cat > c.edn <<FLOW
{:slug :c :name "c" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :vps :type :ssh :label "V"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote [(:exit (flow/step :ssh :s {:connection :vps :command "echo \$\$ >> $S/home/here; [ \$(wc -l < $S/home/here) -gt 1 ] || sleep 99999"}))
               (try (flow/step :ssh :late {:connection :vps :command "sleep 99998" :timeout "300ms"}) (catch Exception e (:type (ex-data e))))])}
FLOW
  breyta-run c.edn --connections conn.edn --run-id c >c.out 2>c.err 3>&- & local p=$!
  until_ok test -s "$S/home/here"
  kill -TERM $p; wait $p || :
  gone() { ! pgrep -f 'sleep 9999[89]' >/dev/null; }
  until_ok gone
  br resume c --connections conn.edn; want 0 '[0 :timeout]' # at least once: again
  until_ok gone
}

@test "much output: limits, blobs, binary" {
  ssh_flow t '[(fails {:command "yes 0123456789 | head -c 3000000"}) (count (:stdout (run {:command "head -c 1000000 /dev/zero | tr \"\\0\" x"})))
               (fails {:command "yes | head -c 300" :max-output-bytes 200})
               (run {:command "yes abc | head -c 67108864; echo err >&2" :persist {:type :blob :tier :ephemeral :filename "out.txt"}})
               (run {:command "printf \"\\377\\000\\1\"" :persist {:type :blob :content-type "application/x-odd"}})
               (fails {:command "yes abc | head -c 60000000" :persist {:type :blob}})]'
  is '.[0]|[.type,."retryable?"]' '["oversize",false]'; has '.[0].message' 1048576 :persist
  is .[1] 1000000
  is .[2].type '"oversize"'
  is '.[3]|[.stdout.reason,.stderr,.exit,."blob-ref"."size-bytes",."blob-ref".filename,."blob-ref".sha256]' \
     "[\"persisted\",\"err\\n\",0,67108864,\"out.txt\",\"$(yes abc | head -c 67108864 | sha256sum | cut -c1-64)\"]"
  is '.[4]."blob-ref"|[."size-bytes",."content-type",.sha256]' "[3,\"application/x-odd\",\"$(printf '\377\0\1' | sha256sum | cut -c1-64)\"]"
  is .[5].type '"oversize"'
}

@test "files there and back" {
  rm -f "$S/home/"*
  ssh_flow t '(let [big (run {:command "yes 0123456789 | head -c 5000000" :persist {:type :blob}})
                    f (str "'"$S"'/home/" "f ü")]
     [(run {:upload [{:from-ref (:blob-ref big) :path f :mode "0600"} {:content "a;b\n" :path "'"$S"'/home/small"}] :command "sha256sum < \"$F\"; stat -c %a \"$F\"" :env {"F" f}})
      (run {:download "'"$S"'/home/small"}) (run {:download f :persist {:type :blob :filename "back"}}) (run {:command "printf x > out" :workdir "'"$S"'/home" :download "'"$S"'/home/out"})
      (fails {:download "/no/such"}) (fails {:upload {:content "x" :path "/no/such/place"} :command "touch '"$S"'/home/never"})
      (fails {:download f}) (fails {:upload {:path "x"}}) (fails {:upload {:from-ref "res://v1/ws/x/none" :path "x"}}) (fails {:upload {:content "" :path "x" :mode "99"}})
      (run {:upload {:content "" :path "'"$S"'/home/empty"}})])'
  has '.[0].stdout' "$(yes 0123456789 | head -c 5000000 | sha256sum | cut -c1-64)" 600
  is '.[1]|[.content,."size-bytes",.success]' '["a;b\n",4,true]'
  is '.[2]."blob-ref"|[."size-bytes",.sha256,.filename]' "[5000000,\"$(yes 0123456789 | head -c 5000000 | sha256sum | cut -c1-64)\",\"back\"]"
  is '.[3]|[.content,.exit]' '["x",0]'
  is '.[4]|[.type,.reason]' '["ssh-error","file"]'; has '.[4].message' /no/such "no such file"
  is '.[5]|[.reason,."started?"]' '["file",false]'; [ ! -e "$S/home/never" ]
  is '.[6].type' '"oversize"'
  for i in 7 9; do is ".[$i].type" '"validation"'; done
  is '.[8].type' '"not_found"'
  [ -e "$S/home/empty" ]; [ ! -s "$S/home/empty" ]
}

@test "a terminal" {
  ssh_flow t '[(run {:pty? true :command "test -t 0 && test -t 1 && echo tty; echo err >&2; echo \"$A\"" :env {"A" "x\r\u0003y"}}) (run {:pty? true :command "cat" :stdin "line\n"})
               (run {:command "test -t 0 || echo none"}) (run {:pty? true :command "exit 4" :ok-exit-codes [4]})]'
  is '.[0]|[.stdout,.stderr]' '["tty\r\nerr\r\nx\r\u0003y\r\n",""]'
  has '.[1].stdout' line
  is '.[2].stdout' '"none\n"'
  is '.[3].exit' 4
}

@test "connections are shared and kept, and replaced when they are dead" {
  before=$(grep -c 'Accepted publickey' "$S/log")
  conn ":a {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"$S/known_hosts\"}" ':idle-timeout 30')}"
  ssh_flow t '(let [pid (clojure.string/trim (:stdout (run {:command "ps -o ppid= -p $PPID"})))
                    same (clojure.string/trim (:stdout (run {:command "ps -o ppid= -p $PPID"})))]
     (run {:connection :a :command "kill -9 $P; while kill -0 $P 2>/dev/null; do sleep 0.05; done" :env {"P" pid}})
     [(= pid same) (:stdout (run {:command "echo again"}))])'
  is . '[true,"again\n"]'
  [ $(($(grep -c 'Accepted publickey' "$S/log") - before)) = 3 ]
}

@test "slow, cut, silent and wrong servers; sshd killed while a command runs" {
  proxy cut 60000; CUT=$PROXY
  proxy hang; HANG=$PROXY
  proxy garbage; GARBAGE=$PROXY
  proxy slow 40000; SLOW=$PROXY
  proxy cut 200; EARLY=$PROXY
  hosts="{:file \"$S/known_hosts\"}"; for p in "$CUT" "$SLOW" "$EARLY"; do sed "s/:$PORT /:$p /" "$S/known_hosts"; done > hosts
  conn ":a {:type :ssh :config $(at "$CUT" "$KEY" "{:file \"$DIR/hosts\"}")} :b {:type :ssh :config $(at "$HANG" "$KEY")} :c {:type :ssh :config $(at "$GARBAGE" "$KEY")}
        :d {:type :ssh :config $(at "$SLOW" "$KEY" "{:file \"$DIR/hosts\"}")} :e {:type :ssh :config $(at "$EARLY" "$KEY" "{:file \"$DIR/hosts\"}")}
        :f {:type :ssh :config $(at 1 "$KEY")}"
  ssh_flow t '[(fails {:connection :a :command "yes | head -c 900000; sleep 5"}) (fails {:connection :b :command "true" :connect-timeout-ms 300}) (fails {:connection :c :command "true"})
     (count (:stdout (run {:connection :d :command "yes | head -c 20000"}))) (fails {:connection :e :command "true"}) (fails {:connection :f :command "true"})
     (fails {:connection :b :command "true" :timeout "400ms"})
     (fails {:command "kill -9 $(ps -o ppid= -p $PPID); sleep 5"}) (fails {:command "kill -9 $(ps -o ppid= -p $PPID); sleep 5" :delivery :at-most-once})
     (:stdout (run {:command "echo alive"}))]'
  is '.[0]|[.type,.reason,."started?",."retryable?"]' '["network","channel-lost",true,true]'; has '.[0].message' "not known"
  is '.[1]|[.type,."retryable?"]' '["timeout",true]'; has '.[1].message' "127.0.0.1:$HANG"
  is '.[2]|[.type,.reason]' '["network","unreachable"]'
  is '.[3]' 20000
  is '.[4]|[.type,."started?"]' '["network",false]'
  is '.[5]|[.type,.reason]' '["network","unreachable"]'; has '.[5].message' refused
  is '.[6].type' '"timeout"'; has '.[6].message' "no connection"
  is '.[7]|[.type,.reason,."retryable?"]' '["network","channel-lost",true]'
  is '.[8]|[.reason,."retryable?"]' '["channel-lost",false]'
  is '.[9]' '"alive\n"'
}

@test "a server that does something else than it is asked: the exit is not made up" {
  ssh-keygen -q -t ed25519 -N "" -f forced
  { printf 'command="echo forced" '; cat forced.pub; } >> "$S/authorized_keys"
  conn ":a {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "forced"}')}" '"forced" {:file "forced"}'
  ssh_flow t '(fails {:connection :a :command "touch '"$S"'/home/no"})'
  is '[.type,.reason,."stdout-preview"]' '["network","channel-lost","forced\n"]'; has .message "forced command"
  [ ! -e "$S/home/no" ]
}

@test "retries, :on-error, idempotent delivery" {
  ssh_flow t "[(run {:command \"echo x >> $S/home/n; [ \$(wc -l < $S/home/n) -ge 3 ]\" :retry {:max-attempts 4 :backoff-ms 1 :retry-on [:ssh-exit]}})
     (flow/step :ssh :skip {:connection :vps :command \"false\" :on-error :skip}) (run {:command \"echo \$BREYTA_IDEMPOTENCY_KEY\" :delivery :idempotent})]"
  is '.[0].exit' 0; [ "$(wc -l < "$S/home/n")" = 3 ]
  is '.[1]' null
  has '.[2].stdout' /s/
}

@test "through a jump host" {
  conn ":a {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"$S/known_hosts\"}" ":jump $(at "$PORT" "$KEY")")}
        :b {:type :ssh :config $(at 1 "$KEY" "{:file \"$S/known_hosts\"}" ":jump $(at "$PORT" "$KEY")")}
        :c {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"$S/known_hosts\"}" ":jump $(at "$PORT" "$KEY" '[]')")}
        :d {:type :ssh :config $(at "$PORT" "$KEY" "[]" ":jump $(at "$PORT" "$KEY")")}"
  ssh_flow t '[(run {:connection :a :command "echo \"${SSH_CONNECTION%% *}\"; cat" :stdin "through"}) (count (:stdout (run {:connection :a :command "yes | head -c 900000"})))
     (fails {:connection :b :command "true"}) (fails {:connection :c :command "true"}) (fails {:connection :d :command "true"})]'
  has '.[0].stdout' through
  is '.[1]' 900000
  is '.[2]|[.type,.reason]' '["network","unreachable"]'; has '.[2].message' "jump host"
  is '.[3].type' '"host-key-unknown"'; has '.[3].message' "jump host"
  is '.[4].type' '"host-key-unknown"'
}

@test "what is wrong with a call or a connection is said before anything happens" {
  conn ":a {:type :ssh :config {:host \"h\" :username \"u\"}} :b {:type :ssh :config {:username \"u\"}} :c {:type :ssh :config {:host \"h\" :username \"u\" :auth {:type :bearer}}}
        :d {:type :http-api :config {:base-url \"http://h/\" :auth {:type :none}}} :e {:type :ssh :config $(at 70000 "$KEY")} :f {:type :ssh :config $(at 22 '{:type :password :secret-ref "nope"}')}
        :mock {:type :ssh :config {:host \"vm\" :username \"u\" :mode \"mock\"}}"
  ssh_flow t '[(mapv (fn [k] (:message (fails {:connection k :command "true"}))) [:a :b :c :d :e :f :g])
     (mapv (fn [o] (let [r (fails o)] [(:type r) (:message r)]))
       [{} {:command 1} {:command ""} {:command "true" :workdir 1} {:command "true" :env [1]} {:command "true" :stdin 1} {:command "true" :timeout 0} {:command "true" :timeout "2d"}
        {:command "true" :connect-timeout-ms 0} {:command "true" :max-output-bytes 0} {:command "true" :max-output-bytes 99999999999} {:command "true" :ok-exit-codes [256]}
        {:command "true" :ok-exit-codes []} {:command "true" :pty? 1} {:command "true" :log-command-preview? "x"} {:upload 1} {:download 1} {:command (apply str (repeat 130000 "x"))}])
     (:stdout (run {:connection :mock :command "anything"})) (:command-preview (run {:command "echo  seen" :log-command-preview? true})) (:command-preview (run {:command "echo seen"}))]'
  has '.[0][0]' '"auth" is needed'; has '.[0][1]' '"host"'; has '.[0][2]' '"private-key" or "password"'; has '.[0][3]' "type http-api"; has '.[0][4]' '"port"'
  has '.[0][5]' nope; has '.[0][6]' "no connection is bound"
  is '[.[1][][0]]|unique' '["validation"]'
  has '.[1][0][1]' "needs :command"; has '.[1][10][1]' "ssh-output-bytes"; has '.[1][17][1]' "sh -s"
  has '.[2]' "MOCK SSH u@vm"
  is '.[3]' '"echo  seen"'; is '.[4]' null
}

@test "breyta-run check: logs in and looks for what agents need; host keys in words" {
  conn ":a {:type :ssh :config $(at "$PORT" "$KEY" '[]')} :b {:type :ssh :config $(at "$PORT" '{:type :private-key :secret-ref "other"}')} :c {:type :ssh :config $(at 1 "$KEY")}
        :d {:type :ssh :config {:host \"h\"}} :e {:type :ssh :config {:mode \"mock\"}} :f {:type :ssh :config $(at "$PORT" "$KEY" "{:file \"$S/known_hosts\"}" ":jump $(at "$PORT" "$KEY")")}" "\"other\" {:file \"$S/id_ed25519_other\"}"
  ssh_flow t '1'
  br check t.edn --connections conn.edn; [ "$st" = 1 ]
  [[ $out != *$'tried'[!$'\n']* ]] # nothing behind the end
  out=$(jq -Rs . <<<"$out")
  print=$(ssh-keygen -lf "$S/host_ed25519.pub" | cut -d' ' -f2)
  has . "logged in; host key $print; sh, curl, openssl there" "host key unknown" "authentication failed" "refused" '"username"' "a mock"
  grep -q '  f  *fine' <<<"$(jq -r . <<<"$out")"
}

@test "lint: a step that does nothing, names of variables, exit codes" {
  flow l '[(flow/step :ssh :a {:connection :vps}) (flow/step :ssh :b {:connection :vps :command "true" :env {"a-b" "1" "OK_1" "2"}})
           (flow/step :ssh :c {:connection :vps :command "true" :ok-exit-codes [0 999]}) (flow/step :ssh :d {:command "true"}) (flow/step :ssh :e {:connection :vps :command "true" :user "x"})
           (flow/step :ssh :f {:connection :vps :download "/etc/hostname" :timeout "5m"})]'
  br lint l.edn; [ "$st" = 1 ]
  out=$(jq -Rs . <<<"$out$err")
  has . "needs :command" 'the name "a-b"' "has 999" ":connection" ":user"
  [ "$(jq -r . <<<"$out" | grep -c ' error \[')" = 4 ]
}

@test "secrets do not come back" {
  conn "" '"tok" "canary-ssh-token-1"'
  ssh_flow t '[(run {:command "echo $T; echo $T >&2" :env {"T" {:secret-ref "tok"}}}) (fails {:command "echo $T >&2; exit 1" :env {"T" {:secret-ref :tok}}})
     (:blob-ref (run {:command "echo $T" :env {"T" {:secret-ref "tok"}} :persist {:type :blob}})) (fails {:command "true" :env {"T" {:secret-ref "none"}}})]'
  is '.[0].stdout' '"#secret[tok]\n"'; is '.[0].stderr' '"#secret[tok]\n"'
  has '.[1]."stderr-preview"' '#secret[tok]'; has '.[1].message' '#secret[tok]'
  is '.[3].type' '"missing-binding"'
  if grep -rqa 'canary-ssh-token-1\|BEGIN OPENSSH' .breyta; then false; fi
}

@test "the result has the fields that help lists" {
  ssh_flow t '[(run {:command "kill -9 $$" :ok-exit-codes [137] :log-command-preview? true}) (run {:command "true" :persist {:type :blob}}) (run {:download "'"$S"'/known_hosts"})]'
  breyta-run help step ssh | sed -n '/^Result of/,/^Options of every/p' > doc.txt
  for k in $(j '[.[]|keys[]]|unique[]' | tr -d '"'); do grep -q "^    :$k " doc.txt || { echo ":$k is not documented" >&2; false; }; done
}
