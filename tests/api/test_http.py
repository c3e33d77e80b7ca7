#!/usr/bin/env python3
"""Requests that are no HTTP, or not all of it: one answer each, JSON, and the connection ends; nobody else notices. Plain and through TLS.
See server.py."""
import contextlib
import email.parser
import json
import socket
import ssl
import subprocess
import tempfile

from server import Server, certificate, run_tests

HOST = b"Host: x\r\n"
COMMAND = b"POST /api/commands HTTP/1.1\r\n" + HOST
# name: (what is sent, status, what the message says); status None: the connection is closed without a word
BAD = {
    "one word": (b"hello\r\n\r\n", None, None),
    "bytes": (bytes(range(128, 256)) + b" " + bytes(range(128, 256)) + b"\r\n\r\n", 400, "HTTP"),
    "no version": (b"GET /api/me\r\n\r\n", 400, "HTTP"),
    "HTTP/2": (b"GET /api/me HTTP/2.0\r\n" + HOST + b"\r\n", 505, "HTTP/1.1"),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\n\r\n", 505, "HTTP/1.1"),
    "no Host": (b"GET /api/me HTTP/1.1\r\n\r\n", 400, "headers"),
    "two Hosts": (b"GET /api/me HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "Host"),
    "a header without a colon": (b"GET /api/me HTTP/1.1\r\n" + HOST + b"nocolon\r\n\r\n", 400, "headers"),
    "a header on two lines": (b"GET /api/me HTTP/1.1\r\n" + HOST + b" folded\r\n\r\n", 400, "headers"),
    "a header of 100,000 bytes": (b"GET /api/me HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100000 + b"\r\n\r\n", 431, "64 KiB"),
    "10,000 headers": (b"GET /api/me HTTP/1.1\r\n" + HOST + b"".join(b"X%d: 1\r\n" % i for i in range(10000)) + b"\r\n", 431, "64 KiB"),
    "a path of 100,000 bytes": (b"GET /api/" + b"a" * 100000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "64 KiB"),
    "a method of 70,000 bytes": (b"F" * 70000 + b" /api/me HTTP/1.1\r\n" + HOST + b"\r\n", 414, "64 KiB"),
    "a length that is a word": (COMMAND + b"Content-Length: abc\r\n\r\n{}", 400, "Content-Length"),
    "a length below 0": (COMMAND + b"Content-Length: -1\r\n\r\n{}", 400, "Content-Length"),
    "a length of 23 digits": (COMMAND + b"Content-Length: 99999999999999999999999\r\n\r\n{}", 413, "body"),
    "two lengths": (COMMAND + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "twice"),
    "a length and chunks": (COMMAND + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "twice"),
    "chunks in gzip": (COMMAND + b"Transfer-Encoding: gzip\r\n\r\n{}", 400, "chunked"),
    "a chunk of size zz": (COMMAND + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400, "chunk"),
    "a chunk of 20 digits": (COMMAND + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n", 413, "chunk"),
    "nonsense after a good one": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\nNON SENSE\r\n\r\n", (200, 400), "HTTP"),
}


def all_of(c, sent):
    """What comes back until the server closes: it must, by itself."""
    c.settimeout(20)
    out = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):  # it need not take what is too much
        c.sendall(sent)
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while part := c.recv(65536):
            out += part
    return out


def answers(text):
    """[(status, headers, body)], and nothing between and behind them."""
    out = []
    while text:
        head, text = text.split(b"\r\n\r\n", 1)
        line, rest = head.split(b"\r\n", 1)
        headers = email.parser.BytesParser().parsebytes(rest + b"\r\n\r\n")
        assert line.startswith(b"HTTP/1.1 "), line
        n = int(headers["Content-Length"])
        assert len(text) >= n, (head, text)
        out.append((int(line.split()[1]), headers, json.loads(text[:n])))
        text = text[n:]
    return out


def check(key, connect):
    for name, (sent, status, says) in BAD.items():
        with connect() as c:
            try:
                got = answers(all_of(c, sent))
            except TimeoutError as e:
                raise AssertionError(f"{name}: the connection stays open") from e
        want = [] if status is None else list(status) if isinstance(status, tuple) else [status]
        assert [g[0] for g in got] == want, (name, got)
        for code, headers, body in got:
            assert headers["Content-Type"] == "application/json", (name, got)
            assert body["ok"] is (code == 200), (name, body)
        if want:
            assert says in body["error"]["message"] and body["error"]["code"] and headers["Connection"] == "close", (name, got)
    with connect() as c:
        me = f"GET /api/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
        assert answers(all_of(c, me.encode()))[0][0] == 200


def test_plain(s):
    check(s.key, lambda: socket.create_connection(("127.0.0.1", s.port)))
    text = s.raw("GET", "/metrics")[2].decode()
    for status in (400, 413, 414, 431, 505):
        assert f'requests_total{{route="unknown",status="{status}"}}' in text, (status, text)


def test_old_versions_of_tls_are_refused(_):
    """RFC 8996. The library would take them."""
    with tempfile.TemporaryDirectory() as d:
        certificate(d)
        with Server("--tls-cert", d + "/cert.pem", "--tls-key", d + "/key.pem") as t:
            for version in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3"):
                p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{t.port}", version, "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=30)
                new = version in ("-tls1_2", "-tls1_3")
                assert ("Cipher is (NONE)" not in p.stdout and p.returncode == 0) is new, (version, p)


def test_tls(_):
    with tempfile.TemporaryDirectory() as d:
        certificate(d)
        context = ssl.create_default_context(cafile=d + "/cert.pem")
        with Server("--tls-cert", d + "/cert.pem", "--tls-key", d + "/key.pem") as t:
            check(t.key, lambda: context.wrap_socket(socket.create_connection(("127.0.0.1", t.port)), server_hostname="127.0.0.1"))


if __name__ == "__main__":
    run_tests(dict(globals()))
