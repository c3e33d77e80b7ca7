#!/usr/bin/env python3
"""A small S3 server for tests: objects in memory, every signature and body hash checked (Signature Version 4, in headers and in
queries), pages of PAGE entries, multipart uploads. Prints its port. Faults and looks from outside, unsigned:

  POST /_fail  {"method": "PUT", "part": "partNumber", "status": 503, "code": "SlowDown", "times": 2, "cut": BYTES}
               the next `times` requests of that method whose path and query contain `part` get the status, or with "cut" the right
               answer, broken off after so many bytes; "swallow": the request is done, and its answer is never sent;
               "hold": and the connection stays open until the client goes
  POST /_heal  no faults any more
  POST /_age   {"seconds": 7200}     everything that is there becomes so much older
  POST /_break {"key": K}            one byte of an object changes
  GET  /_state                       {"objects": {key: size}, "uploads": n, "log": ["PUT /b/k?q", ...], "bad": [why a request was refused]}
"""
import argparse, datetime, hashlib, hmac, json, re, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape


def mac(key, text):
    return hmac.new(key, text.encode(), "sha256").digest()


def canonical_query(query, without=()):
    return "&".join("%s=%s" % (quote(k, safe="-_.~"), quote(v, safe="-_.~"))
                    for k, v in sorted(parse_qsl(query, keep_blank_values=True)) if k not in without)


class S3:
    def __init__(self, opts):
        self.opts, self.lock = opts, threading.Lock()
        self.objects, self.uploads, self.faults, self.log, self.bad = {}, {}, [], [], []  # objects: key -> (bytes, time)
        self.n = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body=b"", headers=(), cut=None):
        if isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def error(self, status, code, message="no"):
        self.answer(status, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message><StringToSign>%s</StringToSign></Error>"
                    % (code, message, self.s3.opts.key), [("Content-Type", "application/xml")])

    # ---- signatures

    def signature(self, key_secret, scope, stamp, names, query, payload):
        lines = "".join("%s:%s\n" % (n, " ".join((self.headers.get(n) or "").split())) for n in names)
        canonical = "\n".join([self.command, self.parts.path, query, lines, ";".join(names), payload])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + key_secret).encode()
        for part in scope:
            key = mac(key, part)
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    def refused(self):
        """None, or (status, code)."""
        o = self.s3.opts
        key_id, secret = o.key.split(":")
        q = dict(parse_qsl(self.parts.query, keep_blank_values=True))
        if "X-Amz-Signature" in q:
            scope = q["X-Amz-Credential"].split("/")[1:]
            made = datetime.datetime.strptime(q["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
            if made + int(q["X-Amz-Expires"]) < time.time():
                return 403, "AccessDenied"
            want = self.signature(secret, scope, q["X-Amz-Date"], q["X-Amz-SignedHeaders"].split(";"),
                                  canonical_query(self.parts.query, ("X-Amz-Signature",)), "UNSIGNED-PAYLOAD")
            return None if hmac.compare_digest(want, q["X-Amz-Signature"]) else (403, "SignatureDoesNotMatch")
        m = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$", self.headers.get("Authorization", ""))
        if not m:
            return 403, "AccessDenied"
        if m[1] != key_id:
            return 403, "InvalidAccessKeyId"
        scope, names, stamp = m[2].split("/"), m[3].split(";"), self.headers.get("X-Amz-Date", "")
        if scope != [stamp[:8], o.region, "s3", "aws4_request"]:
            return 400, "AuthorizationHeaderMalformed"
        if [n for n in names if n not in self.headers] or names != sorted(names) or "content-type" in {k.lower() for k in self.headers} - set(names):
            return 403, "AccessDenied"  # signed and not sent, or a Content-Type that is not signed
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names) or (o.token and "x-amz-security-token" not in names):
            return 403, "AccessDenied"
        if o.token and self.headers.get("X-Amz-Security-Token") != o.token:
            return 400, "InvalidToken"
        payload = self.headers.get("X-Amz-Content-Sha256")
        if payload != hashlib.sha256(self.body).hexdigest():
            return 400, "XAmzContentSHA256Mismatch"
        # the query as it came has to be canonical already: what is signed and what is sent are one text
        want = self.signature(secret, scope, stamp, names, canonical_query(self.parts.query), payload)
        return None if hmac.compare_digest(want, m[4]) else (403, "SignatureDoesNotMatch")

    # ---- objects

    def stamp(self, t):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(t))

    def do_bucket(self, q):
        s = self.s3
        if self.command != "GET":
            return self.error(405, "MethodNotAllowed")
        prefix = q.get("prefix", "")
        if "uploads" in q:
            every = sorted((u["key"], i) for i, u in s.uploads.items() if u["key"].startswith(prefix))
            left = [e for e in every if e > (q.get("key-marker", ""), q.get("upload-id-marker", ""))]
            page = left[:s.opts.page]
            rows = "".join("<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>" % (k, i, self.stamp(s.uploads[i]["at"])) for k, i in page)
            more = len(left) > len(page)
            tail = "<NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>%s</NextUploadIdMarker>" % page[-1] if more else ""
            return self.answer(200, "<ListMultipartUploadsResult><IsTruncated>%s</IsTruncated>%s%s</ListMultipartUploadsResult>" % (str(more).lower(), tail, rows))
        if q.get("list-type") != "2":
            return self.error(501, "NotImplemented")
        after = q.get("continuation-token", "").removeprefix("after/")
        left = [k for k in sorted(s.objects) if k.startswith(prefix) and k > after]
        page = left[:s.opts.page]
        rows = "".join("<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;x&quot;</ETag><Size>%d</Size></Contents>"
                       % (escape(k), self.stamp(s.objects[k][1]), len(s.objects[k][0])) for k in page)
        more = len(left) > len(page)
        tail = "<NextContinuationToken>after/%s</NextContinuationToken>" % escape(page[-1]) if more else ""
        self.answer(200, "<ListBucketResult><IsTruncated>%s</IsTruncated>%s%s</ListBucketResult>" % (str(more).lower(), rows, tail))

    def do_post(self, key, q):
        s = self.s3
        if "uploads" in q:
            s.n += 1
            i = "up+%d/=" % s.n  # has to be encoded
            s.uploads[i] = {"key": key, "parts": {}, "at": time.time()}
            return self.answer(200, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>" % i)
        u = s.uploads.get(q.get("uploadId"))
        if not u:
            return self.error(404, "NoSuchUpload")
        want = [(int(n), tag) for n, tag in re.findall(r"<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag></Part>", self.body.decode())]
        parts = [u["parts"].get(n) for n, _ in want]
        if not want or None in parts or any(p[1] != t for p, (_, t) in zip(parts, want)) or any(len(p[0]) < 5 << 20 for p in parts[:-1]):
            return self.error(400, "InvalidPart")
        s.objects[key] = (b"".join(p[0] for p in parts), time.time())
        del s.uploads[q["uploadId"]]
        self.answer(200, "<CompleteMultipartUploadResult><Key>%s</Key></CompleteMultipartUploadResult>" % key)

    def do_put(self, key, q):
        s = self.s3
        tag = '"%s"' % hashlib.md5(self.body).hexdigest()
        if "uploadId" in q:
            if q["uploadId"] not in s.uploads:
                return self.error(404, "NoSuchUpload")
            s.uploads[q["uploadId"]]["parts"][int(q["partNumber"])] = (self.body, tag)
        else:
            s.objects[key] = (self.body, time.time())
        self.answer(200, b"", [("ETag", tag)])

    def do_get(self, key, q):
        if key not in self.s3.objects:
            return self.error(404, "NoSuchKey")
        data = self.s3.objects[key][0]
        headers = [(n, q[k]) for k, n in (("response-content-type", "Content-Type"), ("response-content-disposition", "Content-Disposition")) if k in q]
        m = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if not m:
            return self.answer(200, data, headers, self.cut)
        a, b = int(m[1]), min(int(m[2] or len(data)), len(data) - 1)
        if a >= len(data):
            return self.error(416, "InvalidRange")
        self.answer(206, data[a:b + 1], headers + [("Content-Range", "bytes %d-%d/%d" % (a, b, len(data)))], self.cut)

    def do_delete(self, key, q):
        if "uploadId" in q:
            return self.answer(204) if self.s3.uploads.pop(q["uploadId"], None) else self.error(404, "NoSuchUpload")
        self.s3.objects.pop(key, None)
        self.answer(204)

    # ---- from outside

    def control(self):
        s, args = self.s3, json.loads(self.body or b"{}")
        if self.parts.path == "/_fail":
            s.faults.append(args)
        elif self.parts.path == "/_heal":
            s.faults = []
        elif self.parts.path == "/_age":
            s.objects = {k: (d, t - args["seconds"]) for k, (d, t) in s.objects.items()}
            for u in s.uploads.values():
                u["at"] -= args["seconds"]
        elif self.parts.path == "/_break":
            d, t = s.objects[args["key"]]
            s.objects[args["key"]] = (bytes([d[0] ^ 1]) + d[1:], t)
        self.answer(200, json.dumps({"objects": {k: len(d) for k, (d, _) in s.objects.items()}, "uploads": len(s.uploads), "log": s.log, "bad": s.bad}))

    def fault(self):
        for f in self.s3.faults:
            if f["method"] == self.command and f.get("part", "") in self.path and f["times"] > 0:
                f["times"] -= 1
                return f
        return {}

    def route(self):
        self.s3, self.parts, self.cut = self.server.s3, urlsplit(self.path), None
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.routed()
        if self.hold:
            self.connection.recv(1)

    def routed(self):
        self.hold = False
        with self.s3.lock:
            if self.path.startswith("/_"):
                return self.control()
            self.s3.log.append("%s %s" % (self.command, self.path))
            bucket, _, key = unquote(self.parts.path)[1:].partition("/")
            why = self.refused()
            if why:
                self.s3.bad.append("%s %s: %s" % (self.command, self.path, why[1]))
                return self.error(*why)
            f = self.fault()
            if "status" in f:
                return self.error(f["status"], f.get("code", "InternalError"))
            self.cut = f.get("cut")
            if f.get("swallow"):
                self.close_connection = True
                keep, self.wfile = self.wfile, open("/dev/null", "wb")
                self.send(bucket, key)
                self.wfile = keep
                self.hold = f.get("hold")
                return
            self.send(bucket, key)

    def send(self, bucket, key):
        q = dict(parse_qsl(self.parts.query, keep_blank_values=True))
        if bucket != self.s3.opts.bucket:
            return self.error(404, "NoSuchBucket")
        if not key:
            return self.do_bucket(q)
        {"GET": self.do_get, "HEAD": self.do_get, "PUT": self.do_put, "POST": self.do_post, "DELETE": self.do_delete}[self.command](key, q)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = route


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--key", default="AKIDTEST:canary-secret-of-s3")
    p.add_argument("--token", default="")
    p.add_argument("--region", default="us-east-1")
    p.add_argument("--bucket", default="breyta-test")
    p.add_argument("--page", type=int, default=2)
    p.add_argument("--port", type=int, default=0)
    server = ThreadingHTTPServer(("127.0.0.1", p.parse_args().port), Handler)
    server.daemon_threads = True
    server.s3 = S3(p.parse_args())
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
