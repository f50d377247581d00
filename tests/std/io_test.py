#!/usr/bin/env python3
"""Runs /StdTests/Io% with everything the world can give it: io_test.py FBLE-JIT [OPTION]..."""
import contextlib
import fcntl
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = [os.path.abspath(sys.argv[1]), *sys.argv[2:], "-I", str(ROOT / "tests/std"), "-I", str(ROOT / "frontends/std")]

bad = 0


def expect(name, got, want):
    global bad
    if got == want:
        return
    bad += 1
    print(f"{name}: expected\n{want!r}\nbut got\n{got!r}")


def run(what, stdin=b"", folder=None, env=None, module="/StdTests/Io%"):
    ran = subprocess.run([*COMMAND, "-m", module, "--", *([what] if what else [])], input=stdin, capture_output=True,
                         cwd=folder, env={**os.environ, **(env or {})}, timeout=60)
    return ran.stdout.decode(), ran.stderr.decode(), ran.returncode


def shared_streams():
    """Streams that belong to other processes, too, still block them, during the run and after it."""
    ends = [*os.pipe(), *os.pipe()]
    blocks = [fcntl.fcntl(end, fcntl.F_GETFL) for end in ends]
    with subprocess.Popen([*COMMAND, "-m", "/Threads/Input%"], stdin=ends[0], stdout=ends[3],
                          stderr=subprocess.DEVNULL) as process:
        out = os.fdopen(ends[2], "rb")
        expect("shared streams, first", out.readline(), b"meanwhile\n")
        expect("shared streams, meanwhile", [fcntl.fcntl(end, fcntl.F_GETFL) for end in ends], blocks)
        os.write(ends[1], b"first\nsecond\nlast\n")
        os.close(ends[1])
        process.wait(timeout=60)
    os.close(ends[3])
    expect("shared streams, rest", out.read(), b"first\nsecond\nl\nast\nthe end\n")
    expect("shared streams, after", [fcntl.fcntl(ends[i], fcntl.F_GETFL) for i in (0, 2)], [blocks[i] for i in (0, 2)])
    out.close()
    os.close(ends[0])


def full_terminal(*arguments):
    """A terminal that takes no more keeps the thread that writes, and no other one. All arrives when its user reads."""
    user, program = pty.openpty()
    blocks = fcntl.fcntl(program, fcntl.F_GETFL)
    with tempfile.TemporaryDirectory() as folder:
        natives = str(ROOT / "tests/std/reference_natives")
        with subprocess.Popen([*COMMAND[:-4], "-I", natives, *COMMAND[-4:], "-m", "/Threads/Terminal%", "--", *arguments], cwd=folder,
                              stdin=subprocess.DEVNULL, stdout=program, stderr=subprocess.PIPE) as process:
            deadline = time.monotonic() + 60
            while not os.path.exists(folder + "/meanwhile") and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            expect("full terminal, meanwhile", sorted(os.listdir(folder)), ["meanwhile"])
            expect("full terminal, flags", fcntl.fcntl(program, fcntl.F_GETFL), blocks)
            os.close(program)
            read = b""
            # The user's side fails when the last writer has gone.
            with contextlib.suppress(OSError):
                while piece := os.read(user, 4096):
                    read += piece
            expect("full terminal, messages", process.stderr.read(), b"")
        expect("full terminal, status", process.returncode, 0)
        expect("full terminal, text", read.replace(b"!", b"") == b"a line of text\r\n" * 16384, True)
        expect("full terminal, last", read.count(b"!"), 1)
        expect("full terminal, then", sorted(os.listdir(folder)), ["meanwhile", "written"])
    os.close(user)


with tempfile.TemporaryDirectory() as folder:
    folder = os.path.realpath(folder)
    expect("files", run("files", folder=folder), (
        "ok\nok\nok\nok\n"
        "error: cannot open 'a': File exists\n"
        "ok\n"
        "Just:111 Just:110 'e\n' 'two \u20ac' [10, 104] 'i\nmore!' '' Nothing Nothing\n"
        "error: cannot write to 'a': it is open for reading\n"
        "ok\n"
        "error: cannot open 'missing': No such file or directory\n"
        "'' Just:'cannot read ''.'': Is a directory'\n", "", 0))
    expect("what Write left", (pathlib.Path(folder) / "a").read_bytes(), b"")

    expect("compatible", run("compatible", folder=folder), (
        "'abcdef' [Just:0, Just:255, Just:7, Nothing] True True\n"
        "'xxyy' 'xy'\n", "", 0))
    expect("bytes", (pathlib.Path(folder) / "b").read_bytes(), b"\x00\xff\x07")

    (pathlib.Path(folder) / "d").unlink()
    expect("directories", run("directories", folder=folder), (
        "ok\n"
        "error: cannot create the directory 'd': File exists\n"
        "ok\nok\nok\n"
        "['e' directory -, 'f' file 5]\n"
        "[e, f]\n"
        "ok\n"
        "'d/g' file 5\n"
        "error: cannot look at 'd/f': No such file or directory\n"
        "error: cannot remove 'd': Directory not empty\n"
        "ok\nok\nok\n"
        f"{folder}\n", "", 0))

    expect("environment", run("environment", env={"STD_TEST": "a value"}), ("Just:'a value' Nothing 1\n", "", 0))
    expect("clock", run("clock"), ("True True\n", "", 0))
    expect("network", run("network"), (
        "ok\nok\nok\nok\n"
        "'question \u20ac\n' Nothing Just:'cannot read the connection: Connection timed out' 'answer'\n"
        "error: cannot accept a connection: listening has ended\n"
        "True\n", "", 0))
    expect("streams", run("streams", b"first\nXyyrest of it\nno newline"), (
        "first\nX\nyyrest of it\nno newline", "first\nX\nbye", 0))
    shared_streams()
    full_terminal()
    full_terminal("bytes")
    expect("exit status", run("nothing"), ("", "", 1))
    for how in ("characters", "lines"):
        expect(f"sum of {how}", run(how, b"12\n\n7\n999999999999999999999\n3", module="/StdTests/Sum%"),
               ("1000000000000000000021\n", "", 0))
        expect(f"sum of no {how}", run(how, module="/StdTests/Sum%"), ("0\n", "", 0))
    expect("no argument", run("")[2] != 0, True)
    expect("print", run("", module="/StdTests/Print%"), ("printed \u20ac\n", "", 0))

sys.exit(1 if bad else 0)
