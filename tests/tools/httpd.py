#!/usr/bin/env python3
"""Local HTTP server for tests. Standard library only.

    httpd.py [--host 127.0.0.1] [--port 0] [--log FILE] [--tls CERT.pem KEY.pem]

Prints `PORT n` on its first line of output once it listens, then serves until SIGTERM, SIGINT or end of its standard
input (with --stdin, so that it cannot outlive the test that started it). With --log every counted call is one line in
FILE, fsynced before the answer: what the log holds has happened, whatever was killed.

    /status/N              answers N (also ?body=&type=&after=seconds for Retry-After)
    /echo                  {"method" "path" "query" "headers" "body"}; query values are lists, header names lower case
    /slow?ms=N             answers after N ms (also &chunk=1: headers at once, body after)
    /big?bytes=N           N bytes (also &chunked=1: without Content-Length)
    /redirect?to=URL       Location: URL (also &status=302 and &n=K: K hops before it, &location=: raw path)
    /flaky?key=K&fail=N    503 for the first N calls with that key, then 200 (also &status=, &after=seconds, &drop=1)
    /count                 counts calls by Idempotency-Key header (or ?key=); {"key" "count"}; ?fail=N as /flaky; ?ms=N
    /counts                {"key": calls}
    /keep, /kept           keeps what is posted with its headers (logged as "keep"); the list of it
    /page?n=P&pages=3&size=2   {"items" "page" "next"}; next is null on the last page
    /job?id=J&polls=N      {"id" "status" "polls"}: running until polled N times, then done with a result
    /type?ct=T&body=B      B as content type T (also &hex=1: B is hex; &header=Name:value, repeated)
    /multipart             {"parts": [{"name" "filename" "type" "body" "bytes" "sha256"}]} of a multipart/form-data body
    /upload                {"bytes" "sha256" "type" "length"} of any body
    /busy?ms=N             answers after N ms; /busiest: {"max" most at a time, "starts" seconds of each since the first}
    /hold?key=K            answers never; when the client goes away, K is counted (see /counts)
    /token                 OAuth token endpoint for JWT bearer grants, checked with the key given by --jwt-public KEY.pem:
                           {"access_token" "t-N" "expires_in"} (--token-ttl seconds); counted under "token"
    /sigv4/...             200 when the AWS Signature V4 is right for --aws ID:SECRET; else 403 with what was expected
    /drop                  closes the connection without an answer
    /reset                 forgets all counters
"""
import argparse
import base64
import email.parser
import email.policy
import hashlib
import hmac
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit


class State:
    def __init__(self, log):
        self.lock = threading.Lock()
        self.counts = {}
        self.flaky = {}
        self.polls = {}
        self.kept = []
        self.busy = self.busiest = 0
        self.starts = []
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if log else None

    def bump(self, table, key):
        with self.lock:
            table[key] = table.get(key, 0) + 1
            return table[key]

    def record(self, line):
        if self.log is not None:
            with self.lock:
                os.write(self.log, (line + "\n").encode())
                os.fsync(self.log)

    def reset(self):
        with self.lock:
            self.counts.clear()
            self.flaky.clear()
            self.polls.clear()
            self.kept.clear()
            self.busiest, self.starts = self.busy, []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, fmt, *args):
        pass

    # ---- plumbing ----

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            out = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                out += self.rfile.read(size)
                self.rfile.readline()
                if not size:
                    return out
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def q(self, name, default=None):
        return self.query.get(name, [default])[0]

    def q_int(self, name, default=0):
        return int(self.q(name, default))

    def send(self, status, body=b"", ctype="text/plain; charset=utf-8", headers=()):
        if isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if ctype:
            self.send_header("Content-Type", ctype)
        no_body = status < 200 or status in (204, 304)
        if not no_body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and not no_body:
            self.wfile.write(body)

    def send_json(self, status, value, headers=()):
        self.send(status, json.dumps(value, ensure_ascii=False), "application/json", headers)

    def drop(self):
        self.close_connection = True
        try:
            self.connection.shutdown(2)
        except OSError:
            pass

    def fail(self, default=503):
        after = self.q("after")
        if self.q("drop"):
            return self.drop()
        self.send_json(self.q_int("status", default), {"error": "failing on purpose"}, [("Retry-After", after)] if after else ())

    # ---- routes ----

    def do_status(self, rest):
        after = self.q("after")
        self.send(int(rest or 200), self.q("body", ""), self.q("type", "text/plain; charset=utf-8"),
                  [("Retry-After", after)] if after else ())

    def do_echo(self, rest):
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = headers[name] + ", " + value if name in headers else value
        self.send_json(200, {"method": self.command, "path": self.raw_path, "query": self.query, "headers": headers,
                             "body": self.body.decode("utf-8", "backslashreplace")})

    def do_slow(self, rest):
        if self.q("chunk"):
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.flush()
            time.sleep(self.q_int("ms") / 1000)
            self.wfile.write(b"slow")
            return
        time.sleep(self.q_int("ms") / 1000)
        self.send(200, "slow")

    def do_big(self, rest):
        left, block = self.q_int("bytes"), b"x" * 65536
        self.send_response(200)
        chunked = self.q("chunked")
        self.send_header("Content-Type", "text/plain")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(left))
        self.end_headers()
        while left > 0 and self.command != "HEAD":
            part = block[:left]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            left -= len(part)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def do_redirect(self, rest):
        to, n, status = self.q("to", "/echo"), self.q_int("n"), self.q_int("status", 302)
        if n > 0:
            to = "/redirect?n=%d&status=%d&to=%s" % (n - 1, status, to)
        self.send(status, "moved", headers=[("Location", to)])

    def do_flaky(self, rest):
        if self.state.bump(self.state.flaky, self.q("key", "")) <= self.q_int("fail"):
            return self.fail()
        self.send_json(200, {"ok": True, "calls": self.state.flaky[self.q("key", "")]})

    def do_count(self, rest):
        key = self.headers.get("Idempotency-Key") or self.q("key", "")
        n = self.state.bump(self.state.counts, key)
        self.state.record(key)
        if self.q("ms"):
            time.sleep(self.q_int("ms") / 1000)
        if n <= self.q_int("fail"):
            return self.fail()
        self.send_json(200, {"key": key, "count": n})

    def do_keep(self, rest):
        with self.state.lock:
            self.state.kept.append({"path": self.path, "method": self.command, "headers": {k.lower(): v for k, v in self.headers.items()},
                                    "body": self.body.decode("utf-8", "backslashreplace")})
        self.state.record("keep")
        self.send_json(self.q_int("status", 200), {"kept": len(self.state.kept)})

    def do_kept(self, rest):
        with self.state.lock:
            self.send_json(200, list(self.state.kept))

    def do_counts(self, rest):
        with self.state.lock:
            table = dict(self.state.counts)
        self.send_json(200, table)

    def do_page(self, rest):
        n, pages, size = self.q_int("n", 1), self.q_int("pages", 3), self.q_int("size", 2)
        items = [{"id": (n - 1) * size + i + 1} for i in range(size)] if n <= pages else []
        self.send_json(200, {"items": items, "page": n, "next": n + 1 if n < pages else None})

    def do_job(self, rest):
        key = self.q("id", "job")
        polls = self.state.bump(self.state.polls, key)
        done = polls >= self.q_int("polls", 3)
        answer = {"id": key, "status": "done" if done else "running", "polls": polls}
        if done:
            answer["result"] = {"value": 42}
        self.send_json(200, answer)

    def do_type(self, rest):
        body = self.q("body", "")
        headers = [tuple(h.split(":", 1)) for h in self.query.get("header", [])]
        self.send(200, bytes.fromhex(body) if self.q("hex") else body, self.q("ct"), headers)

    def do_multipart(self, rest):
        head = b"Content-Type: " + self.headers.get("Content-Type", "").encode("latin-1") + b"\r\n\r\n"
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        parts = []
        for part in message.iter_parts():
            raw = part.get_payload(decode=True)
            parts.append({"name": part.get_param("name", header="content-disposition"), "filename": part.get_filename(),
                          "type": part.get("content-type"), "body": raw.decode("utf-8", "backslashreplace") if len(raw) < 500 else None,
                          "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "headers": sorted(k.lower() for k in part.keys())})
        self.send_json(200, {"parts": parts, "defects": len(message.defects)})

    def do_upload(self, rest):
        self.send_json(200, {"bytes": len(self.body), "sha256": hashlib.sha256(self.body).hexdigest(),
                             "type": self.headers.get("Content-Type"), "length": self.headers.get("Content-Length")})

    def do_busy(self, rest):
        s = self.state
        with s.lock:
            s.busy += 1
            s.busiest = max(s.busiest, s.busy)
            s.starts.append(time.monotonic())
        time.sleep(self.q_int("ms") / 1000)
        with s.lock:
            s.busy -= 1
        self.send_json(200, {"ok": True})

    def do_busiest(self, rest):
        with self.state.lock:
            starts = [round(t - self.state.starts[0], 3) for t in self.state.starts]
            self.send_json(200, {"max": self.state.busiest, "starts": starts})

    def do_hold(self, rest):
        self.state.bump(self.state.counts, "held-" + self.q("key", ""))
        while not (select.select([self.connection], [], [], 30)[0] and self.connection.recv(1, socket.MSG_PEEK) == b""):
            pass
        self.state.bump(self.state.counts, self.q("key", ""))
        self.drop()

    def do_token(self, rest):
        form = parse_qs(self.body.decode())
        n = self.state.bump(self.state.counts, "token")
        try:
            head, claims, sig = form["assertion"][0].split(".")
            unb64 = lambda t: base64.urlsafe_b64decode(t + "=" * (-len(t) % 4))
            with tempfile.NamedTemporaryFile() as f:
                f.write(unb64(sig))
                f.flush()
                ok = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.server.opts.jwt_public, "-signature", f.name],
                                    input=(head + "." + claims).encode(), capture_output=True).returncode == 0
            c = json.loads(unb64(claims))
            ok = ok and form["grant_type"][0] == "urn:ietf:params:oauth:grant-type:jwt-bearer" and json.loads(unb64(head))["alg"] == "RS256"
            ok = ok and c["exp"] - c["iat"] <= 3600 and abs(c["iat"] - time.time()) < 60 and c["aud"].endswith("/token")
        except (KeyError, ValueError):
            ok = False
        if not ok:
            return self.send_json(400, {"error": "invalid_grant", "error_description": "the assertion is wrong"})
        self.send_json(200, {"access_token": "t-%d/%s/%s" % (n, c["iss"], c["scope"].replace(" ", "+")), "token_type": "Bearer",
                             "expires_in": self.server.opts.token_ttl})

    def do_sigv4(self, rest):
        key_id, secret = self.server.opts.aws.split(":")
        want = expected_sigv4(self, key_id, secret)
        got = self.headers.get("Authorization", "")
        if want != got:
            return self.send_json(403, {"got": got, "want": want})
        self.send_json(200, {"ok": True, "query": self.query, "sha256": hashlib.sha256(self.body).hexdigest()})

    def do_drop(self, rest):
        self.drop()

    def do_reset(self, rest):
        self.state.reset()
        self.send_json(200, {"ok": True})

    def route(self):
        self.state = self.server.state
        parts = urlsplit(self.path)
        self.raw_path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)
        try:
            self.body = self.read_body()
            name, _, rest = unquote(parts.path).strip("/").partition("/")
            handler = getattr(self, "do_" + name, None) if name.islower() else None
            if handler:
                handler(rest)
            else:
                self.send_json(404, {"error": "no such path"})
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True
        except ValueError as e:
            self.send_json(400, {"error": str(e)})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = route


def expected_sigv4(h, key_id, secret):
    """The Authorization header that AWS Signature Version 4 asks for, with the scope and the signed headers that the client chose."""
    fields = dict(f.strip().split("=", 1) for f in h.headers.get("Authorization", "").partition(" ")[2].split(",") if "=" in f)
    scope = fields.get("Credential", "/" * 4).split("/")[1:]
    names = fields.get("SignedHeaders", "").split(";")
    if [n for n in names if n not in h.headers]:
        return "headers that are signed and not sent"
    query = "&".join("%s=%s" % (quote(k, safe="-_.~"), quote(v, safe="-_.~"))
                     for k, v in sorted(parse_qsl(urlsplit(h.path).query, keep_blank_values=True)))
    payload = h.headers.get("X-Amz-Content-Sha256") or hashlib.sha256(h.body).hexdigest()
    if payload != hashlib.sha256(h.body).hexdigest():
        return "another X-Amz-Content-Sha256"
    lines = ["%s:%s\n" % (n, " ".join((h.headers.get(n) or "").split())) for n in names]
    canonical = "\n".join([h.command, h.raw_path, query, "".join(lines), ";".join(names), payload])
    date = h.headers.get("X-Amz-Date", "")
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = hmac.new(key, part.encode(), "sha256").digest()
    return "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        key_id, "/".join(scope), ";".join(names), hmac.new(key, text.encode(), "sha256").hexdigest())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, EOFError)):
            super().handle_error(request, client_address)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--host", default="127.0.0.1")
    args.add_argument("--port", type=int, default=0)
    args.add_argument("--log")
    args.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    args.add_argument("--stdin", action="store_true", help="stop at the end of standard input")
    args.add_argument("--jwt-public")
    args.add_argument("--token-ttl", type=int, default=3600)
    args.add_argument("--aws", default="AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    opts = args.parse_args()
    server = Server((opts.host, opts.port), Handler)
    server.state = State(opts.log)
    server.opts = opts
    if opts.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*opts.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print("PORT %d" % server.server_address[1], flush=True)
    if opts.stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
