#!/usr/bin/env python3
"""How large a request may be: the limits webhook-bytes, webhook-signed-multipart-bytes and callback-bytes. See server.py."""
import base64
import hashlib
import hmac
import os
import subprocess

from server import BIN, run_tests
from test_webhooks import hook, push, secret, send

OPTIONS = [x for l in ("webhook-bytes=3000000", "webhook-signed-multipart-bytes=100000", "callback-bytes=200000") for x in ("--limit", l)]
IMAGE = {"Content-Type": "image/png"}


def test_defaults(_):
    text = subprocess.run([os.path.join(os.path.dirname(BIN), "breyta-run"), "help", "limits"], capture_output=True, text=True).stdout
    found = {row[0]: int(row[1]) for row in (line.split() for line in text.splitlines()) if len(row) > 2 and row[1].isdigit()}
    assert (found["webhook-bytes"], found["webhook-signed-multipart-bytes"], found["callback-bytes"]) == (50 << 20, 5 << 20, 1 << 20), found


def test_webhook_bytes(s):
    auth = {"Authorization": f"Bearer {s.key}", **IMAGE}
    push(s, hook("pics", "{:type :workspace}", "(:size-bytes (:scan (flow/input)))", "[{:name :scan :type :file}]"))
    a = send(s, "webhooks/pics/made", b"x" * 3000000, auth)
    assert a.status == 202 and s.over(a.data["workflowId"])["result"] == 3000000, a
    a = send(s, "webhooks/pics/made", b"x" * 3000001, auth)
    assert a.status == 413 and a.code == "too_large" and "3000000 bytes" in a.body["error"]["message"], a


def test_signed_multipart(s):
    push(s, hook("forms", "{:type :hmac-sha256 :secret-ref :hook}", "(count (:t (flow/input)))", "[{:name :t :type :text}]"))
    key = secret(s, "forms.live.in").encode()

    def form(n, kind="multipart/form-data; boundary=XX"):
        body = b'--XX\r\nContent-Disposition: form-data; name="t"\r\n\r\n' + b"t" * n + b"\r\n--XX--\r\n"
        mac = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
        return send(s, "webhooks/forms/made", body, {"Content-Type": kind, "X-Signature": mac})
    a = form(90000)
    assert a.status == 202 and s.over(a.data["workflowId"])["result"] == 90000, a
    a = form(100000)
    assert a.status == 413 and "signed multipart" in a.body["error"]["message"] and "webhook-signed-multipart-bytes" in a.body["error"]["message"], a
    assert form(100000, "application/octet-stream").status != 413


def test_callback_bytes(s):
    push(s, hook("asks", "{:type :workspace}", """(count (:t (flow/step :wait :w {:key "k-limits" :timeout "1m"})))"""))
    run = send(s, "webhooks/asks/made", b"{}", {"Authorization": f"Bearer {s.key}"}).data["workflowId"]
    a = send(s, "k-limits", b'{"t":"%s"}' % (b"t" * 200000))
    assert a.status == 413 and a.code == "too_large" and "200000 bytes" in a.body["error"]["message"], a
    assert send(s, "k-limits", b'{"t":"%s"}' % (b"t" * 190000)).status == 200
    assert s.over(run)["result"] == 190000
    assert send(s, "nobody-waits-here", b"x" * 200001).status == 413


def test_wrong_values(_):
    for wrong in ("webhook-bytes=0", "webhook-bytes=lots", "callback-bytes=52428801", "webhook-signed-multipart-bytes=-1"):
        p = subprocess.run([BIN, "serve", "--data", "/nonexistent/x", "--limit", wrong], capture_output=True, text=True, timeout=20)
        assert p.returncode == 2 and wrong.split("=")[0] in p.stderr, (wrong, p)


if __name__ == "__main__":
    run_tests(globals(), *OPTIONS)
