#!/usr/bin/env python3
"""Plants a secret of its own in every place where a flow can use one, against a server that sends back whatever it is sent (in
results, in errors, in files), and then looks for each of them, as it is, in base64 at any offset, in hex and URL-encoded, in every
byte at rest (database, WAL, shared memory, blobs), in every output and in what show, replay, fork and resume print. TAP."""
import base64, hashlib, hmac, json, os, pathlib, re, secrets, shutil, signal, socketserver, struct, subprocess, sys, tempfile, threading, time
import urllib.parse, urllib.request, urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BIN = os.path.abspath(os.environ.get("BREYTA_RUN", "build/breyta-run"))
NAMES = ["bearer", "header", "basic", "query", "errbearer", "errquery", "envkey", "filekey", "llm", "llmerr", "notify", "notifyerr",
         "template", "blob", "bloberr", "database", "hook", "retry", "unused", "storage", "session", "agent", "agenterr", "dbrow", "dbwrong", "kv", "table", "search", "child",
         "waitnotify", "packaged", "stored", "storedkey"]
SECRET = {n: "Cn/%s+%s=9" % (n, secrets.token_hex(8)) for n in NAMES}
got = []  # what the server was sent


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass  # clients that go away


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body, ctype="application/json"):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", ctype)
        self.send_header("X-Echo", self.headers.get("Authorization") or self.headers.get("X-Key") or "none")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def any(self):
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n).decode("utf-8", "replace")
        sent = json.dumps({"path": self.path, "plain": urllib.parse.unquote_plus(self.path), "headers": dict(self.headers), "body": body})
        got.append(sent)
        path = self.path.split("?")[0]
        if "/chat/completions" in path:
            key = self.headers.get("Authorization", "")
            if "boom" in body:
                return self.answer(401, json.dumps({"error": {"message": "wrong key " + key, "type": "invalid_request_error"}}))
            return self.answer(200, json.dumps({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": "your key is " + key}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}))
        self.answer(500 if path.startswith("/error") else 200, sent, "text/plain" if "text" in path else "application/json")

    do_GET = do_POST = do_PUT = do_HEAD = any


class Postgres(socketserver.ThreadingTCPServer):
    """A PostgreSQL that sends back the password it was given: in its refusal, or in the row of any query."""
    daemon_threads = allow_reuse_address = True


class PostgresClient(socketserver.StreamRequestHandler):
    def send(self, kind, body=b""):
        self.wfile.write(kind + struct.pack("!i", len(body) + 4) + body)

    def row(self):
        self.send(b"D", struct.pack("!hi", 1, len(self.password)) + self.password)
        self.send(b"C", b"SELECT 1\0")

    def columns(self):
        self.send(b"T", struct.pack("!h", 1) + b"said\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0))

    def message(self, kind):
        n = struct.unpack("!i", self.rfile.read(4))[0]
        body = self.rfile.read(n - 4)
        if kind == b"Q":
            select = body[:6].upper() == b"SELECT"
            if select: self.columns(); self.row()
            else: self.send(b"C", b"SET\0")
        answers = {b"P": b"1", b"B": b"2", b"C": b"3"}
        if kind in answers: self.send(answers[kind])
        if kind == b"D" and body[:1] == b"S": self.send(b"t", struct.pack("!h", 0))
        if kind == b"D": self.columns()
        if kind == b"E": self.row()
        if kind in (b"Q", b"S"): self.send(b"Z", b"I")

    def handle(self):
        try:
            self.talk()
        except ConnectionError:
            pass  # clients that go away

    def talk(self):
        while True:
            n, code = struct.unpack("!ii", self.rfile.read(8))
            start = self.rfile.read(n - 8)
            if code == 196608: break
            self.wfile.write(b"N")
        self.send(b"R", struct.pack("!i", 3))
        self.rfile.read(1)
        self.password = self.rfile.read(struct.unpack("!i", self.rfile.read(4))[0] - 4)[:-1]
        got.append(json.dumps({"password": self.password.decode()}))
        if b"refused" in start:
            self.send(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed: " + self.password + b"\0\0")
            return
        self.send(b"R", struct.pack("!i", 0))
        for name, value in ((b"server_version", b"15.4"), (b"client_encoding", b"UTF8"), (b"standard_conforming_strings", b"on"), (b"integer_datetimes", b"on")):
            self.send(b"S", name + b"\0" + value + b"\0")
        self.send(b"K", struct.pack("!ii", 1, 2))
        self.send(b"Z", b"I")
        while (kind := self.rfile.read(1)) not in (b"", b"X"):
            self.message(kind)
            self.wfile.flush()


def forms(s):
    raw = s.encode()
    out = {"plain": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(), "url": urllib.parse.quote(s, safe="").encode(),
           "url-lower": re.sub(r"%..", lambda m: m.group().lower(), urllib.parse.quote(s, safe="")).encode(), "json": json.dumps(s)[1:-1].replace("/", "\\/").encode()}
    for pad in range(3):  # base64 of it at any place of a longer text
        for alt in (None, b"-_"):
            b = base64.b64encode(b"\0" * pad + raw + b"\0\0", altchars=alt)
            skip = [0, 2, 3][pad]
            out["base64-%d%s" % (pad, "url" if alt else "")] = b[skip:skip + (len(raw) * 8 // 6) - 2]
    return out


FORMS = {n: forms(s) for n, s in SECRET.items()}
failed = passed = 0


def check(ok, what, why=""):
    global failed, passed
    passed, failed = passed + bool(ok), failed + (not ok)
    print("%s %d - %s" % ("ok" if ok else "not ok", passed + failed, what) + ("" if ok else "\n# " + why[:1500].replace("\n", "\n# ")), flush=True)


def leaks(data):
    if not data.strip(b"\0"):  # the reserve of the disk
        return []
    return ["%s (%s)" % (n, f) for n, fs in FORMS.items() for f, b in fs.items() if b in data]


def clean(what, data):
    found = leaks(data if isinstance(data, bytes) else data.encode())
    check(not found, "nothing in " + what, ", ".join(found))


def at_rest(where):
    seen = set()
    for p in sorted(pathlib.Path(".breyta").rglob("*")):
        if p.is_file():
            found = leaks(p.read_bytes())
            seen.add(p.suffix or "blob")
            check(not found, "nothing at rest in %s, %s" % (p.name[:40], where), ", ".join(found))
    return seen


def run(*args, env=None):
    p = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=env or ENV)
    clean("the output of " + " ".join(args[:3]), p.stdout + p.stderr)
    return p


def flow(port):
    base = "http://127.0.0.1:%d" % port
    caught = "(fn* [f] (try (f) (catch Exception e [(ex-message e) (ex-data e)])))"
    steps = ["""(flow/step :http :a%d {%s :auth %s})""" % (i, where, auth) for i, (where, auth) in enumerate([
        (':url "%s/echo" :method :post :json {:x 1}' % base, "{:type :bearer :secret-ref :bearer}"),
        (':url "%s/text"' % base, '{:type :api-key :secret-ref :header :header "X-Key" :prefix "Token "}'),
        (':url "%s/echo"' % base, '{:type :basic :username "ann" :secret-ref :basic}'),
        (':url "%s/echo"' % base, '{:type :api-key :secret-ref :query :query "key"}'),
        (':url "%s/echo"' % base, '{:type :bearer :secret-ref :envkey}'),
        (':url "%s/echo"' % base, '{:type :api-key :secret-ref :filekey :header "X-Key"}'),
        (':persist {:type :blob :filename "e.json"} :url "%s/echo"' % base, '{:type :bearer :secret-ref :blob}'),
    ])]
    wrong = ["""(try (flow/step :http :e%d {%s}) (catch Exception e [(ex-message e) (ex-data e)]))""" % (i, c) for i, c in enumerate([
        ':url "%s/error" :auth {:type :bearer :secret-ref :errbearer}' % base,
        ':url "%s/error/text" :auth {:type :api-key :secret-ref :errquery :query "k"}' % base,
        ':url "%s/error" :retry {:max-attempts 2 :backoff-ms 1} :auth {:type :bearer :secret-ref :retry}' % base,
        ':url "http://127.0.0.1:1/" :auth {:type :api-key :secret-ref :errquery :query "k"}',
        ':persist {:type :blob} :url "%s/error" :auth {:type :bearer :secret-ref :bloberr}' % base,
        ':template :req :data {:x 1} :connection :tpl',
    ])]
    others = [
        '(flow/step :llm :l {:connection :llm :prompt "hello"})',
        '(try (flow/step :llm :lb {:connection :llmerr :prompt "boom"}) (catch Exception e [(ex-message e) (ex-data e)]))',
        '(flow/step :notify :n {:channels {:http {:connection :notify :path "/echo" :json {:a 1}}}})',
        '(flow/step :notify :ne {:channels {:http {:connection :notifyerr :path "/error" :json {:a 1}}}})',
        '(try (flow/step :db :d {:connection :db :sql "select 1"}) (catch Exception e [(ex-message e) (ex-data e)]))',
        '(flow/step :db :dr {:connection :dbrow :sql "select said"})',
        '(flow/step :db :dk {:connection :dbrow :sql "select said" :persist {:type :table :table "dbrows"}})',
        '(try (flow/step :db :dw {:connection :dbwrong :sql "select 1"}) (catch Exception e [(ex-message e) (ex-data e)]))',
        '(flow/step :agent :ag {:connection :agent :objective "hello" :memory {:key "talk"} :trace true})',
        '(try (flow/step :agent :ae {:connection :agenterr :objective "boom"}) (catch Exception e [(ex-message e) (ex-data e)]))',
        '(flow/step :kv :kv {:operation :set :key "seen" :value (flow/step :http :hk {:url "%s/echo" :auth {:type :bearer :secret-ref :kv}})})' % base,
        '(flow/step :function :tb {:code (quote (fn [m] [{:said (str m)}])) :input (flow/step :http :ht {:url "%s/echo" :auth {:type :bearer :secret-ref :table}})'
        ' :persist {:type :table :table "heard" :index-fields [:said]}})' % base,
        '(flow/step :table :te {:op :export :table "heard" :persist {:type :blob}})',
        '(flow/step :http :hs {:url "%s/echo/text" :auth {:type :bearer :secret-ref :search} :auto-search-index? true :persist {:type :blob}})' % base,
        '(flow/step :search :se {:query "headers" :hydrate {:top-k 10}})',
        '(flow/call-flow :ch {:flow-slug :heard :input {}})',
        '(flow/step :fanout :fa {:items [{:type :call-flow :flow-slug :heard :input {}}]})',
        '(flow/step :canary/packaged {:path "/echo"})',
    ]
    return ("""{:slug :canary :name "Canary" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [{:id :req :type :http-request :request {:path "/echo/{{x}}" :method :post :json {:y "{{x}}"}}}]
 :requires [%s {:slot :db :type :database :label "D"} {:slot :dbrow :type :database :label "D"} {:slot :dbwrong :type :database :label "D"}]
 :steps [{:id :canary/packaged :type :http :description "d" :defaults {:url "BASE/echo" :auth {:type :bearer :secret-ref :packaged}}}]
 :flow '(let [all [%s]
              answer (flow/step :wait :w {:key "canary" :webhook {:auth {:type :hmac-sha256 :secret-ref :hook}} :notify {:channels {:http {:connection :waitnotify :path "/echo" :json {:link "{{approval-url}}"}}}}})]
          [all answer])}
""" % (" ".join('{:slot :%s :type :http-api :label "X" :base-url "%s" :auth {:type :bearer}}' % (s, base + ("/v1" if "llm" in s or "agent" in s else ""))
                for s in ["llm", "llmerr", "notify", "notifyerr", "tpl", "agent", "agenterr", "waitnotify"]), "\n   ".join(steps + wrong + others))).replace("BASE/", base + "/")


CHILD = """{:slug :heard :name "h" :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '(flow/step :http :c {:url "BASE/echo" :auth {:type :bearer :secret-ref :child}})}"""


def connections(port, pg):
    base = "http://127.0.0.1:%d" % port
    api = lambda ref, more="": {"type": "http-api", **({"backend": "openai-compatible"} if ref in ("llm", "llmerr", "agent", "agenterr") else {}),
                                "config": {"base-url": base + more, "model": "m", "auth": {"type": "bearer", "secret-ref": ref}}}
    values = {n: s for n, s in SECRET.items()}
    pathlib.Path("key.txt").write_text(values["filekey"] + "\n")
    values["envkey"], values["filekey"] = {"env": "CANARY_ENV"}, {"file": os.path.abspath("key.txt")}
    values["database"] = "postgres://app:%s@127.0.0.1:1/shop" % urllib.parse.quote(SECRET["database"], safe="")
    return {"secrets": values, "connections": {
        "llm": api("llm", "/v1"), "llmerr": api("llmerr", "/v1"), "notify": api("notify"), "notifyerr": api("notifyerr"), "tpl": api("template"),
        "agent": api("agent", "/v1"), "agenterr": api("agenterr", "/v1"), "waitnotify": api("waitnotify"),
        **{n: {"type": "database", "backend": "postgres", "config": {"host": "127.0.0.1", "port": pg, "database": "shop", "user": user, "sslmode": "disable", "secret-ref": n}}
           for n, user in (("dbrow", "app"), ("dbwrong", "refused"))},
        "db": {"type": "database", "config": {"secret-ref": "database"}}}}


def post(port, body, signature):
    r = urllib.request.Request("http://127.0.0.1:%d/local/events/canary" % port, body.encode(), {"X-Signature": signature, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(r, timeout=20) as a:
            return a.status, a.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def listening(p, lines):
    for line in p.stderr:
        lines.append(line)
        m = re.search(r"listening on http://127.0.0.1:(\d+)", line)
        if m:
            return int(m.group(1))
    raise SystemExit("# it never listened: " + "".join(lines))


STORED = """{:slug :stored :name "s" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (let [r (flow/step :function :make {:code '(fn [_] {:a 1}) :input {} :persist {:type :blob :signed-url true}})]
   [r (flow/step :function :use {:code '(fn [m] m) :input {:r r} :load [:r]})]))}"""


def object_storage():
    """Its keys, right and wrong, against a storage whose errors hold them."""
    key = "AKIDCANARY:" + SECRET["storage"].replace(":", "")
    for token in ("", SECRET["session"]):
        p = subprocess.Popen([sys.executable, S3D, "--key", key, "--token", token], stdout=subprocess.PIPE, text=True)
        try:
            url = "s3://breyta-test/%s?endpoint=http://127.0.0.1:%s" % ("b" if token else "a", p.stdout.readline().strip())
            env = {**ENV, "AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": SECRET["storage"], "AWS_SESSION_TOKEN": token}
            pathlib.Path("stored.edn").write_text(STORED)
            done = run("stored.edn", "--blobs", url, env=env)
            check(done.returncode == 0, "results are kept in the storage", done.stderr)
            for wrong in ({"AWS_ACCESS_KEY_ID": SECRET["session"]}, {"AWS_SECRET_ACCESS_KEY": SECRET["session"]}, {"AWS_SESSION_TOKEN": SECRET["hook"]}):
                if token or "AWS_SESSION_TOKEN" not in wrong:
                    check(run("stored.edn", env={**env, **wrong}).returncode == 1, "wrong keys are refused: " + list(wrong)[0])
            run("gc", env=env)
            run("runs")
        finally:
            p.kill()
            p.wait()
        check(run("stored.edn", env=env).returncode == 1, "a storage that is gone is an error")
        at_rest("after keeping results in an object storage")


def stored_connections(port):
    """A connection and a secret that the database keeps, sealed."""
    pathlib.Path("stored.txt").write_text(SECRET["stored"])
    run("secrets", "set", "stored", "--from-file", "stored.txt")
    os.unlink("stored.txt")
    base = "http://127.0.0.1:%d" % port
    run("connections", "set", "kept", "--type", "http-api", "--config", json.dumps({"base-url": base, "auth": {"type": "bearer", "secret-ref": "stored"}}))
    pathlib.Path("kept.edn").write_text("""{:slug :kept :name "k" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :api :type :http-api :label "A"
 :base-url "%s" :auth {:type :bearer}}] :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '[(flow/step :http :a {:connection :api :path "/echo"}) (try (flow/step :http :b {:connection :api :path "/error"}) (catch Exception e [(ex-message e) (ex-data e)]))]}""" % base)
    run("connections", "bind", "kept", "api", "kept")
    done = run("kept.edn", "--run-id", "kept")
    check(done.returncode == 0 and any(SECRET["stored"] in x for x in got), "a stored connection is used", done.stderr)
    for args in (["connections", "list"], ["secrets", "list"], ["check", "kept.edn"], ["show", "kept", "--format", "json"], ["secrets", "rotate-key"]):
        run(*args)
    at_rest("after a stored connection was used")


def stored_keys():
    """Keys of an object storage that are a stored secret."""
    p = subprocess.Popen([sys.executable, S3D, "--key", "AKIDCANARY:" + SECRET["storedkey"], "--token", ""], stdout=subprocess.PIPE, text=True)
    try:
        url = "s3://breyta-test/c?endpoint=http://127.0.0.1:%s&keys=s3" % p.stdout.readline().strip()
        pathlib.Path("keys.txt").write_text("aws_access_key_id = AKIDCANARY\naws_secret_access_key = %s\n" % SECRET["storedkey"])
        run("secrets", "set", "s3", "--from-file", "keys.txt")
        os.unlink("keys.txt")
        done = run("stored.edn", "--blobs", url)
        check(done.returncode == 0, "results are kept with stored keys", done.stderr)
        run("gc")
        at_rest("after keeping results with stored keys")
    finally:
        p.kill()
        p.wait()


def main():
    pg = Postgres(("127.0.0.1", 0), PostgresClient)
    threading.Thread(target=pg.serve_forever, daemon=True).start()
    server = Server(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    pathlib.Path("canary.edn").write_text(flow(port))
    pathlib.Path("flows").mkdir()
    pathlib.Path("flows/heard.edn").write_text(CHILD.replace("BASE", "http://127.0.0.1:%d" % port))
    pathlib.Path("conn.json").write_text(json.dumps(connections(port, pg.server_address[1])))
    run("check", "canary.edn", "--connections", "conn.json")
    run("check", "canary.edn", "--connections", "conn.json", "--format", "json")
    p = subprocess.Popen([BIN, "canary.edn", "--connections", "conn.json", "--run-id", "c", "--flows", "flows", "--listen", "127.0.0.1:0", "--progress"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV, stdin=subprocess.DEVNULL)
    lines = []
    try:
        here = listening(p, lines)
        status, said = 0, ""
        for line in p.stderr:  # up to the wait
            lines.append(line)
            if ":wait" in line or "waits" in line or " w " in line:
                break
        status, said = post(here, '{"n":1}', "wrong")
        check(status == 401, "a wrong signature is refused", "%d %s" % (status, said))
        clean("the answer to a wrong signature", said)
        kinds = at_rest("beside the running process")
        check({".db", ".db-wal", ".db-shm"} & {("." + k.lstrip(".")) for k in kinds} != set() or any("wal" in k for k in kinds), "there is a WAL to look into", str(kinds))
        mac = base64.b64encode(hmac.new(SECRET["hook"].encode(), b'{"n":2}', hashlib.sha256).digest()).decode()
        status, said = post(here, '{"n":2}', mac)
        check(status == 200, "the right signature is taken", "%d %s" % (status, said))
        out, err = p.communicate(timeout=60)
    finally:
        if p.poll() is None:
            p.kill()
    check(p.returncode == 0, "the run ends", "".join(lines) + err)
    clean("the value", out)
    clean("the progress and messages", "".join(lines) + err)
    sent = "\n".join(got)
    for n in NAMES:
        if n in ("database", "hook", "unused", "storage", "session", "stored", "storedkey"):
            continue
        here = leaks((sent + "".join(re.findall(r"\S+", sent))).encode())
        check(any(x.startswith(n + " ") for x in here), "%s was really sent" % n, ", ".join(here))
    at_rest("after the run")
    for args in (["runs"], ["show", "c"], ["show", "c", "--format", "json"], ["replay", "c"], ["resume", "c", "--connections", "conn.json"], ["show", "c.ch.1"], ["show", "c.fa.1.0", "--format", "json"]):
        run(*args)
    for step in range(1, 40):
        run("show", "c", "--step", str(step))
    run("fork", "c", "8", "--run-id", "f", "--connections", "conn.json", "--flows", "flows")
    run("show", "f", "--format", "json")
    at_rest("after a fork")
    env = dict(ENV)
    env.pop("CANARY_ENV")
    run("canary.edn", "--connections", "conn.json", "--flows", "flows", "--run-id", "n", env=env)
    at_rest("after a run that cannot read one")
    stored_connections(port)
    bad = connections(port, pg.server_address[1])
    bad["secrets"]["bearer"] = {"envy": SECRET["bearer"]}
    bad["connections"]["llm"]["type"] = "ftp"
    pathlib.Path("conn.json").write_text(json.dumps(bad))
    run("canary.edn", "--connections", "conn.json")
    pathlib.Path("conn.json").write_text(json.dumps(bad)[:-20])
    run("canary.edn", "--connections", "conn.json")
    object_storage()
    stored_keys()
    pg.shutdown()
    server.shutdown()


S3D = str(pathlib.Path(__file__).resolve().parent.parent / "tools" / "s3d.py")
folder = tempfile.mkdtemp()
ENV = {**os.environ, "CANARY_ENV": SECRET["envkey"], "XDG_CONFIG_HOME": folder + "/config"}
os.chdir(folder)
try:
    main()
finally:
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
