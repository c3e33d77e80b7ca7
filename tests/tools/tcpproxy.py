#!/usr/bin/env python3
"""A proxy that misbehaves: tcpproxy.py TARGET_PORT MODE [N]. Prints its port, runs until it is killed.
  pass            as it is
  cut N           both sides are closed when N bytes have come from the server
  slow N          N bytes a second from the server
  hang            accepts, and never says a word
  garbage         answers with an HTTP response
  stall N         N bytes from the server, then nothing more, with the connection open"""
import socket, sys, threading, time

target, mode, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0


def up(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def down(server, client):
    left = n
    try:
        while data := server.recv(1024 if mode == "slow" else 65536 if mode == "pass" else max(1, min(65536, left))):
            client.sendall(data)
            left -= len(data)
            if mode == "slow":
                time.sleep(len(data) / n)
            if mode == "stall" and left <= 0:
                time.sleep(3600)
            if mode == "cut" and left <= 0:
                break
    except OSError:
        pass
    for s in (server, client):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


def serve(client):
    if mode == "hang":
        time.sleep(3600)
    if mode == "garbage":
        client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 20)
        client.close()
        return
    server = socket.create_connection(("127.0.0.1", target))
    threading.Thread(target=up, args=(client, server), daemon=True).start()
    down(server, client)


listener = socket.create_server(("127.0.0.1", 0), backlog=300)
print(listener.getsockname()[1], flush=True)
while True:
    c, _ = listener.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
