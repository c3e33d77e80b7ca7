load help

# :http with large and binary bodies, against nginx: $U is its address, www its directory, PUT to /in/ stores there.
nginx_here() {
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  mkdir -p www/in tmp
  cat > nginx.conf <<CONF
daemon off; master_process off; pid $DIR/nginx.pid; error_log $DIR/nginx.log; worker_processes 1;
events { worker_connections 64; }
http {
  access_log off; default_type application/octet-stream; types { text/plain txt; }
  client_body_temp_path $DIR/tmp/a; proxy_temp_path $DIR/tmp/b; fastcgi_temp_path $DIR/tmp/c; uwsgi_temp_path $DIR/tmp/d; scgi_temp_path $DIR/tmp/e;
  server {
    listen 127.0.0.1:$PORT; root $DIR/www; client_max_body_size 0; sendfile on;
    location /in/ { dav_methods PUT; }
    location /gone { return 410 "gone for good"; }
  }
}
CONF
  PATH=$PATH:/usr/sbin nginx -p "$DIR" -c "$DIR/nginx.conf" 2>nginx.err 3>&- & echo $! > pid
  U=http://127.0.0.1:$PORT
  until_ok eval '[ "$(curl -so /dev/null -w %{http_code} $U/gone)" = 410 ]'
}
# Peak of memory in KiB of `breyta-run ARGS`, to $peak; its output to $out.
peak_of() {
  out=$(python3 - "$@" <<'PY'
import resource, subprocess, sys
p = subprocess.run(["breyta-run"] + sys.argv[1:], stdout=subprocess.PIPE)
sys.stdout.buffer.write(p.stdout)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, p.returncode)
PY
)
  read -r peak st <<<"$(tail -1 <<<"$out")"
  out=$(sed '$d' <<<"$out")
}

@test "a download of 1 GiB goes into a blob in 32 MiB of memory" {
  nginx_here
  truncate -s 1G www/big.bin
  flow b "(let [r (flow/step :http :get {:url \"$U/big.bin\" :response-as :bytes :timeout \"5m\" :persist {:type :blob :tier :ephemeral :filename \"big.bin\"}})]
            [(:status r) (:body r) (select-keys (:blob-ref r) [:type :size-bytes :content-type :filename :tier])])"
  peak_of b.edn
  [ "$st" = 0 ]
  [ "$out" = '[200 {:type :omitted, :reason :persisted} {:type :blob, :size-bytes 1073741824, :content-type "application/octet-stream", :filename "big.bin", :tier :ephemeral}]' ]
  [ "$(find .breyta -size +1000000k | wc -l)" = 1 ]
  echo "peak $peak KiB"; [ "$peak" -le 32768 ]
}

@test "download, then upload: the bytes of a ref as a body and as a part, from their file" {
  nginx_here
  head -c 3000000 /dev/urandom > www/a.bin
  flow b "(let [r (flow/step :http :get {:url \"$U/a.bin\" :persist {:type :blob :filename \"a.bin\" :content-type \"image/png\"}})
                u (flow/step :http :put {:url \"$U/in/copy.bin\" :method :put :body-from-ref (:blob-ref r) :accept-status #{201 204}})
                v (flow/step :http :put2 {:url \"$U/in/copy2.bin\" :method :put :body-from-ref (:uri (:blob-ref r))})
                m (flow/step :http :part {:url \"$U/in/form.bin\" :method :put :multipart [{:name \"f\" :from-ref (:blob-ref r)}]})]
            (mapv :status [r u v m]))"
  br b.edn; want 0 '[200 201 201 201]'
  cmp www/a.bin www/in/copy.bin; cmp www/a.bin www/in/copy2.bin
  grep -aq 'name="f"; filename="a.bin"' www/in/form.bin; grep -aq 'Content-Type: image/png' www/in/form.bin
  [ "$(stat -c %s www/in/form.bin)" -gt 3000000 ]
}

@test "what :persist cannot keep or :body-from-ref cannot send, and errors that are read as ever" {
  nginx_here
  get() { flow b "(flow/step :http :get {:url \"$U/$1\" $2})"; br b.edn; }
  truncate -s 60M www/b60.bin; truncate -s 12M www/b12.bin; echo hello > www/h.txt
  get b12.bin ''; [ $st = 1 ]; says 'raise :client-opts'
  get h.txt ':response-as :bytes'; [ $st = 1 ]; says 'needs :persist'
  get b60.bin ':persist {:type :blob}'; [ $st = 1 ]; says 'oversize'; says 'more than 52428800 bytes'
  get b12.bin ':persist {:type :blob} :client-opts {:max-response-bytes 1000}'; [ $st = 1 ]; says 'more than 1000 bytes'
  get gone ':persist {:type :blob}'; [ $st = 1 ]; says 'status 410'
  [ "$(find .breyta -path '*blobs*' -type f | wc -l)" = 0 ]
  get h.txt ':persist {:type :blob} :parser-fn (fn [b] b)'; [ $st = 1 ]; says ':parser-fn has nothing to read'
  flow b "(let [r (flow/step :http :get {:url \"$U/b12.bin\" :persist {:type :blob}})]
            (flow/step :http :put {:url \"$U/in/x\" :method :put :body-from-ref r}))"
  br b.edn; [ $st = 1 ]; says 'oversize'; says 'a request'\''s body takes at most 10485760 of the retained tier'
  flow b "(flow/step :http :put {:url \"$U/in/x\" :method :put :body-from-ref \"res://v1/ws/local/nothing\"})"
  br b.edn; [ $st = 1 ]; says 'not-found'; says 'there is no resource res://v1/ws/local/nothing'
}

@test "text, JSON and empty bodies are kept as they came" {
  nginx_here
  echo '{"a": 1}' > www/j.json; : > www/empty.txt; echo hello > www/h.txt
  flow b "(for [p [\"j.json\" \"empty.txt\" \"h.txt\"]]
            (let [r (flow/step :http :get {:url (str \"$U/\" p) :persist {:type :blob}})]
              [(:size-bytes (:blob-ref r)) (:content-type (:blob-ref r)) (:sha256 (:blob-ref r))]))"
  br b.edn
  sum() { sha256sum < www/$1 | cut -d' ' -f1; }
  want 0 "([9 \"application/octet-stream\" \"$(sum j.json)\"] [0 \"text/plain\" \"$(sum empty.txt)\"] [6 \"text/plain\" \"$(sum h.txt)\"])"
}

@test "a table is sent as CSV where :body-from-ref names it" {
  nginx_here
  flow t "(let [r (flow/step :function :rows {:code '(fn [_] [{:id 1 :name \"Ada\"} {:id 2 :name \"B,b\"}]) :input {} :persist {:type :table :table \"p\"}})
                u (flow/step :http :put {:url \"$U/in/p.csv\" :method :put :body-from-ref r :accept-status #{201 204}})]
            (:status u))"
  br t.edn
  [ "$st" = 0 ]
  [ "$out" = 201 ]
  [ "$(cat www/in/p.csv)" = "$(printf 'id,name\r\n1,Ada\r\n2,"B,b"\r\n')" ]
  flow n "(try (flow/step :http :put {:url \"$U/in/p.csv\" :method :put :body-from-ref \"res://v1/ws/local/table/none\"}) (catch Exception e [(:type (ex-data e)) (ex-message e)]))"
  br n.edn
  [ "$st" = 0 ]
  [[ $out = *":not-found"*'there is no table'* ]]
  flow o "(let [r (flow/step :function :rows {:code '(fn [_] (mapv (fn [i] {:t (apply str (repeat 2000 \"x\"))}) (range 6000))) :input {} :persist {:type :table :table \"p\"}})]
            (try (flow/step :http :put {:url \"$U/in/o.csv\" :method :put :body-from-ref r}) (catch Exception e (:type (ex-data e)))))"
  br o.edn
  [ "$st" = 0 ]
  [ "$out" = ":oversize" ]
  [ ! -e www/in/o.csv ]
}
