#!/usr/bin/env python3
"""Runs the programs of tests/std/Threads in the modes of frontends/cli/modes.def.

  threads.py COMMAND [MODE...]

A program's first lines say what it must do: `#> ` before each line that it writes, `#! ` before each line of
its messages, and `#= ` before its exit status if that is not 0. In both, `@` is the program's path;
a message may begin with `*` for any text. With a line `#^`, the program is interrupted
(SIGINT) after the first line that it writes. Lines `#< ` are its input: a pipe, which has them after that first line.
It runs in a folder that is empty. With a line `#~`, it is too large for modes in which each allocation or exit is
work.
Warnings do not count. All modes must do the same.
"""
import concurrent.futures
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/std/Threads"
TIMEOUT_SECONDS = 300


def modes(wanted):
    """(name, flags) of each mode."""
    text = (ROOT / "frontends/cli/modes.def").read_text()
    rows = re.findall(r'^FBLE_MODE\("([^"]*)",\s*"([^"]*)"', text, re.M)
    unknown = set(wanted) - {name for name, _ in rows}
    if unknown:
        sys.exit(f"threads.py: no such mode: {', '.join(sorted(unknown))}")
    return [(name, flags.split()) for name, flags in rows if not wanted or name in wanted]


def expectation(path):
    """What the program must write, its messages, and its status."""
    out, messages, status = [], [], 0
    for line in path.read_text().splitlines():
        if line.startswith("#> "):
            out.append(line[3:].replace("@", str(path)))
        elif line.startswith("#! "):
            messages.append(line[3:].replace("@", str(path)))
        elif line.startswith("#= "):
            status = int(line[3:])
        elif not line.startswith("#"):
            break
    return out, messages, status


def agree(expected, got):
    """Whether a program did what it must."""
    messages = [line if not pattern.startswith("*") or not line.endswith(pattern[1:]) else pattern
                for pattern, line in itertools.zip_longest(expected[1], got[1], fillvalue="")]
    return (expected[0], expected[1], expected[2]) == (got[0], messages, got[2])


def run(command, path, flags):
    given = "".join(line[3:] + "\n" for line in path.read_text().splitlines() if line.startswith("#< "))
    with tempfile.TemporaryDirectory() as folder, \
         subprocess.Popen([command, *flags, "-I", str(ROOT / "tests/std"), str(path)], cwd=folder,
                          stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        first = ""
        if "#^\n" in path.read_text():
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
        if given:
            first = process.stdout.readline()
        try:
            out, messages = process.communicate(given or None, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return [], ["takes too long"], None
    messages = [line for line in messages.splitlines() if ": warning: " not in line]
    return (first + out).splitlines(), messages, process.returncode


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    command, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    programs = sorted(path for path in PROGRAMS.glob("*.fble") if "#> " in path.read_text() or "#! " in path.read_text())
    jobs = [(path, name, flags) for path in programs for name, flags in modes(wanted)
            if "#~\n" not in path.read_text() or not re.search("stress|every|sweep|chaos|shadow|tiny", name)]
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, name, _), got in zip(jobs, pool.map(lambda job: run(command, job[0], job[2]), jobs)):
            if agree(expectation(path), got):
                continue
            failures += 1
            print(f"{path.name} in mode {name}:\n  expected {expectation(path)}\n  got      {got}")
    print(f"{len(jobs) - failures} passed, {failures} failed")
    sys.exit(failures != 0 or not jobs)


main()
