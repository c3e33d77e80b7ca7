#!/usr/bin/env python3
"""ptyrun.py COMMAND ARG...: runs it on a terminal of its own and prints what it wrote there, each redrawn line as a line."""
import os
import pty
import sys

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:  # the other side is gone
        break
    if not data:
        break
    out += data
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(out.replace(b"\r\x1b[K", b"\n").replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(status))
