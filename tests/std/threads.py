#!/usr/bin/env python3
"""Runs the programs of tests/std/Threads in the modes of frontends/cli/modes.def.

  threads.py COMMAND [MODE...]

A program's first lines say what it must do: `#> ` before each line that it writes, `#! ` before each line of
its messages, and `#= ` before its exit status if that is not 0. In both, `@` is the program's path;
a message may begin with `*` for any text. With a line `#^`, the program is interrupted
(SIGINT) after the first line that it writes, with `#|` it is asked to show its threads (SIGQUIT) when it waits after that.
Lines `#< ` are its input: a pipe, which has them after that first line. It runs in a folder that is empty. With a line `#~`,
it is too large for modes in which each allocation or exit is work.
Warnings do not count. All modes must do the same, but for those with turns in random order (`turns`, `turns-jit`, ...): these
must agree with `turns`. With a line `#*`, a program does the same in any order. With `#&` it needs time that passes, which is
virtual there; like programs with input, it is left out there.
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
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/std/Threads"
TIMEOUT_SECONDS = 300

# The mode with turns in random order that the others of this kind, whose names begin like it, are compared with.
RANDOM = "turns"

SIGNALS = {"#^": signal.SIGINT, "#|": signal.SIGQUIT}


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


def expected(command, path, name, flags_of):
    """What the program must do in the mode; None if the mode is not for it."""
    text = path.read_text()
    if not name.startswith(RANDOM) or "#*\n" in text:
        return expectation(path)
    return None if "#&\n" in text or "#< " in text else run(command, path, flags_of[RANDOM])


def await_sleep(pid):
    """Waits until the process sleeps."""
    asleep = 0
    while asleep < 5:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        asleep = asleep + 1 if state == "S" else 0
        time.sleep(0.02)


def run(command, path, flags):
    given = "".join(line[3:] + "\n" for line in path.read_text().splitlines() if line.startswith("#< "))
    with tempfile.TemporaryDirectory() as folder, \
         subprocess.Popen([command, *flags, "-I", str(ROOT / "tests/std/reference_natives"), "-I", str(ROOT / "tests/std"), str(path)], cwd=folder,
                          stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS.values()]) as process:
        first = ""
        for line, number in SIGNALS.items():
            if line + "\n" in path.read_text():
                first = process.stdout.readline()
                if number == signal.SIGQUIT:
                    await_sleep(process.pid)
                process.send_signal(number)
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
    flags_of = dict(modes([]))
    jobs = [(path, name, flags) for path in programs for name, flags in modes(wanted)
            if "#~\n" not in path.read_text() or not re.search("stress|every|sweep|chaos|shadow|tiny", name)]
    failures = 0

    def pair(job):
        path, name, flags = job
        wanted = expected(command, path, name, flags_of)
        return wanted, wanted and run(command, path, flags)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, name, _), (wanted, got) in zip(jobs, pool.map(pair, jobs)):
            if wanted is None or agree(wanted, got):
                continue
            failures += 1
            print(f"{path.name} in mode {name}:\n  expected {wanted}\n  got      {got}")
    print(f"{len(jobs) - failures} passed, {failures} failed")
    sys.exit(failures != 0 or not jobs)


if __name__ == "__main__":
    main()
