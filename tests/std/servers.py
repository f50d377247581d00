#!/usr/bin/env python3
"""Servers in Fble and clients that are many, slow, rude or gone: servers.py FBLE-JIT ECHO-LOAD [OPTION]...

The options are those of FBLE-JIT for all servers.
"""
import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND, LOAD, OPTIONS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
LARGE = bytes(i * 7 % 251 for i in range(1 << 23))
PATIENCE = 60

bad = 0


def expect(name, got, want):
    global bad
    if got != want:
        bad += 1
        print(f"{name}: expected {want!r:.300} but got {got!r:.300}", flush=True)


@contextlib.contextmanager
def server(words, files=None):
    """A server and its port. It must still run at the end, and is interrupted then."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limit:
            limit()

    with subprocess.Popen([COMMAND, *OPTIONS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=prepare) as process:
        line = process.stdout.readline()
        found = re.search(r"\d+", line.split(":")[-1])
        if not found:
            process.kill()
            sys.exit(f"{words}: {line}{process.stderr.read()}")
        # Nothing reads what it prints from now on: it has room for all of it.
        try:
            yield process, int(found.group())
            expect(f"{words[-2:]} runs", process.poll(), None)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
        expect(f"{words[-2:]} ends", process.returncode, 130)


def connect(port, receive_buffer=None):
    client = socket.socket()
    client.settimeout(PATIENCE)
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def reset(client):
    """Ends a connection as a program that crashes does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def receive(client):
    """An answer: its status and content."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return None, b""
        data += more
    head, data = data.split(b"\r\n\r\n", 1)
    size = int(re.search(rb"Content-Length: (\d+)", head).group(1))
    pieces = [data]
    left = size - len(data)
    while left > 0:
        more = client.recv(1 << 20)
        if not more:
            break
        pieces.append(more)
        left -= len(more)
    return int(head.split()[1]), b"".join(pieces)


def get(path, keep=True):
    return f"GET {path} HTTP/1.1\r\n{'' if keep else 'Connection: close' + chr(13) + chr(10)}\r\n".encode()


def echo():
    with server(["-I", str(ROOT / "tests/std"), str(ROOT / "tests/std/Threads/Echo.fble")]) as (_, port):
        for connections, messages, size in ((1, 2000, 64), (20, 200, 100_000), (400, 1_000_000, 64)):
            ran = subprocess.run([LOAD, str(port), str(connections), str(messages), str(size)], capture_output=True,
                                 text=True, timeout=15 * PATIENCE)
            expect(f"echo with {connections} connections", (ran.returncode, ran.stderr), (0, ""))


def web(site):
    with server([str(ROOT / "examples/WebServer.fble"), site]) as (_, port):
        small = (pathlib.Path(site) / "small.txt").read_bytes()
        # Many at a time, each with several requests.
        clients = [connect(port) for _ in range(200)]
        for _ in range(3):
            for client in clients:
                client.sendall(get("/small.txt"))
            for client in clients:
                expect("many clients", receive(client), (200, small))
        # One that does not read, one that sends letter by letter, and others that do not have to wait for them.
        lazy = connect(port)
        lazy.sendall(get("/large.txt"))
        slow = connect(port)
        for byte in get("/small.txt")[:-1]:
            slow.sendall(bytes([byte]))
        start = time.monotonic()
        expect("beside slow ones", (clients[0].sendall(get("/small.txt")), receive(clients[0]))[1], (200, small))
        expect("beside slow ones in time", time.monotonic() - start < PATIENCE / 4, True)
        slow.sendall(b"\n")
        expect("letter by letter", receive(slow), (200, small))
        expect("a slow reader", receive(lazy), (200, LARGE))
        # Some that crash: with half of a request, with an answer on its way, and before anything.
        for text in (b"GET /sm", get("/large.txt"), b""):
            client = connect(port)
            client.sendall(text)
            time.sleep(0.05)
            reset(client)
        # One that says that it has said all, and waits for the answer; then the server ends the connection.
        half = connect(port)
        half.sendall(get("/small.txt"))
        half.shutdown(socket.SHUT_WR)
        expect("half-open", receive(half), (200, small))
        expect("half-open, then", half.recv(1), b"")
        # One that reads nothing of a long answer for longer than the server's patience. Its buffer is small, since some
        # systems let one grow until it holds all answers.
        lost = connect(port, 1 << 16)
        for _ in range(3):
            lost.sendall(get("/large.txt"))
        time.sleep(12)
        expect("given up", [len(receive(lost)[1]) for _ in range(3)] == 3 * [len(LARGE)], False)
        fresh = connect(port)
        fresh.sendall(get("/small.txt", keep=False))
        expect("after all this", receive(fresh), (200, small))


def exhausted(site):
    with server([str(ROOT / "examples/WebServer.fble"), site], files=40) as (_, port):
        small = (pathlib.Path(site) / "small.txt").read_bytes()
        clients = [connect(port) for _ in range(60)]  # more than it has descriptors
        for client in clients[30:]:
            client.sendall(get("/small.txt", keep=False))
        for client in clients[:30]:
            client.close()
        got = [receive(client) for client in clients[30:]]
        # Those that it had no descriptor for the file for are told to come again.
        expect("exhausted", {status for status, _ in got} <= {200, 503}, True)
        expect("exhausted, content", {content for status, content in got if status == 200}, {small})
        again = connect(port)
        again.sendall(get("/small.txt", keep=False))
        expect("exhausted, later", receive(again), (200, small))


def chat():
    with server([str(ROOT / "examples/Chat.fble")]) as (process, port):
        eve = connect(port)
        eve.sendall(b"Eve\n")
        expect("Eve", process.stdout.readline(), "Eve comes\n")
        fay = connect(port)
        fay.sendall(b"Fay\n")
        expect("Fay", process.stdout.readline(), "Fay comes\n")
        # Eve does not read: when too much waits for her, she is sent away.
        fay.settimeout(PATIENCE)
        line = b"x" * 900 + b"\n"
        for _ in range(20_000):
            fay.sendall(line)
        expect("Eve is sent away", process.stdout.readline(), "Eve leaves\n")
        expect("Fay hears it", fay.makefile().readline(), "* Eve has left\n")
        # Her connection is closed, although she has not read what waits for her.
        while eve.recv(1 << 20):
            pass


with tempfile.TemporaryDirectory() as site:
    (pathlib.Path(site) / "small.txt").write_bytes(b"a small file\n" * 10)
    (pathlib.Path(site) / "large.txt").write_bytes(LARGE)
    echo()
    web(site)
    exhausted(site)
    chat()

sys.exit(1 if bad else 0)
