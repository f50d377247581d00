#!/usr/bin/env python3
"""Looks at running programs with gdb and scripts/gdb/fble_gdb.py: stacks, traces, values, a core file.

    gdb_test.py FBLE_JIT                     the test; says so and ends with 77 if gdb is missing or must not trace
    gdb_test.py FBLE_JIT --stops N           stops N times at random in the programs of the benchmarks, and counts
    gdb_test.py FBLE_JIT --interrupts N      compares N stacks with those that interrupted programs print
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(ROOT, "scripts/gdb/fble_gdb.py")
STACKS = os.path.join(HERE, "Stacks.fble")
BENCH = os.path.join(ROOT, "tests/bench/programs")
SKIPPED = 77
LINE = re.compile(r"^#(\d+) +(\S+)(?: at (\S+):(\d+))?(?: \[(.*)\])?$")


def gdb(words, commands, environment=None):
    """The output of gdb with commands, each of them a Python statement or a command of gdb."""
    all_words = ["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-x", SCRIPT]
    for command in commands:
        all_words += ["-ex", command]
    run = subprocess.run(
        all_words + words,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    return run.stdout.decode("utf-8", "replace")


def stops(fble_jit, words, maps=True, **plan):
    """What was shown at random stops of a program, and all output."""
    plan = {"seed": 1, "stops": 0, "until": "#0", "between": 0.05, "deep": False, "commands": [], "steps": 0, "interrupted": False, **plan}
    output = gdb(
        ["--args", fble_jit, *words],
        [f"python plan = {plan!r}", f"source {os.path.join(HERE, 'stops.py')}"],
        {"FBLE_JIT_GDB": "1" if maps else "0"},
    )
    return [json.loads(line[1:]) for line in output.splitlines() if line.startswith("@{")], output


def reaches_main(text):
    """Whether the stack of C++ ends where processes begin: main itself leaves by a tail call."""
    return re.search(r"\b(_start|__libc_start_call_main|main) \(", text) is not None


def stack(text):
    """The lines of `fble bt`: (function, line in its file, notes), innermost first. None if there is any other line."""
    lines = []
    for line in text.splitlines():
        match = LINE.match(line)
        if line == "(more calls follow)":
            break
        if match is None:
            return None
        lines.append((match[2], int(match[4] or 0), match[5] or ""))
    return lines


class Lines:
    """The line numbers of the source with the fixed stack."""

    def __init__(self):
        with open(STACKS, encoding="utf-8") as file:
            source = file.read().splitlines()
        find = lambda text: next(i + 1 for i, line in enumerate(source) if text in line)
        self.base = find("true: 0")
        self.down = find("less = Down")
        self.step = find("step(less)")
        self.tests = find("true: sum")
        self.calls = find("Add(sum, Down")
        self.again = find("Repeat(Decr(m)")
        self.module = find("Print(Show")

    def problem(self, lines):
        """Why a stack is none that the program can have, or empty."""
        if not lines:
            return "no stack"
        rest = [(name.split(".")[-1], line) for name, line, notes in lines if "native" not in notes]
        if len(lines) - len(rest) > 1:
            return "several natives"
        downs = 0
        while rest and rest[0][0] == "Down":
            if rest[0][1] != self.down and (downs > 0 or rest[0][1] not in (self.base, self.step)):
                return f"Down at line {rest[0][1]}"
            downs += 1
            rest = rest[1:]
        if downs > 101:
            return f"{downs} calls of Down"
        at = (self.calls,) if downs else (self.tests, self.calls, self.again)
        if len(rest) != 2 or rest[0][0] != "Repeat" or rest[0][1] not in at:
            return "Repeat is not where it should be"
        if rest[1] != ("/Stacks%", self.module):
            return f"the outermost function is {rest[1]}"
        return ""


class Test:
    def __init__(self, fble_jit):
        self.fble_jit = fble_jit
        self.failures = 0

    def expect(self, condition, text, shown=""):
        if condition:
            return
        self.failures += 1
        print(f"FAILED: {text}\n{shown}", flush=True)

    def stacks(self, name, words, maps, exact):
        until = "Repeat" if "--jit=off" in words else "trace "
        found, output = stops(self.fble_jit, [*words, STACKS], maps=maps, stops=8, until=until, commands=["fble trace $pc"])
        at = [note for note in found if note["kind"] == "stop"]
        self.expect(len(at) == 8, f"{name}: stopped {len(at)} times", output)
        source = Lines()
        for note in at:
            shown = note["at"] + note["fble"] + note["bt"]
            self.expect(reaches_main(note["bt"]), f"{name}: no main", shown)
            self.expect("Repeat" in note["bt"], f"{name}: bt shows no Fble function", shown)
            lines = stack(note["fble"])
            self.expect(lines is not None, f"{name}: a line that is none", shown)
            if lines is not None and exact:
                self.expect(source.problem(lines) == "", f"{name}: {source.problem(lines)}", shown)
        if "--jit=off" not in words:
            self.expect(any("trace " in note["fble"] for note in at), f"{name}: no machine code", output)
        self.expect(any(note["kind"] == "command" and note["text"] for note in found), f"{name}: fble trace", output)

    def interrupted(self, words, seed):
        """Compares the stack in gdb with that of the error that ends the program. Returns the number of equal lines."""
        found, output = stops(self.fble_jit, words, until="trace " if "--jit=off" not in words else "#0", interrupted=True, seed=seed)
        noted = next((note for note in found if note["kind"] == "raise"), None)
        if noted is None:
            return 0
        lines = stack(noted["fble"])
        printed = re.findall(r"^\S+:(\d+):\d+: error: in ([^:\n]+)", output, re.M)
        printed = [(name, int(line)) for line, name in printed]
        seen = [(name, line) for name, line, notes in lines or [] if notes != "native"]
        # A deep stack is printed with its innermost and outermost lines; gdb would take hours to walk through it.
        if "(more calls follow)" in noted["fble"]:
            seen, printed = seen[:100], printed[:100]
        elif len(seen) > 120:
            seen = seen[:100] + seen[-20:]
        self.expect(seen and seen == printed, f"the stacks of {words} differ", f"{seen}\n{printed}\n{output}")
        return len(seen) if seen == printed else 0

    def exits(self):
        """The stack is the same from the moment when a guard has failed until the exit writes frames."""
        found, output = stops(self.fble_jit, ["--deopt-every=300", STACKS], until="trace ", steps=30000)
        at = [note for note in found if note["kind"] == "exit"]
        self.expect(any(note["shared"] for note in at), "no way through an exit", output)
        self.expect(at and at[0]["pushes"] == 0 and at[-1]["pushes"] > 0, "no sled", output)
        source = Lines()
        for note in at:
            lines = stack(note["fble"])
            self.expect(lines is not None and source.problem(lines) == "", "the stack in an exit", note["fble"])
            self.expect(note["fble"] == at[0]["fble"], "the stack in an exit changes", at[0]["fble"] + note["fble"])

    def values(self):
        """Values in slots and in memory."""
        _, output = stops(
            self.fble_jit,
            ["--jit=off", STACKS],
            until="Repeat",
            commands=["fble print 3", "fble print 0x55", "fble print 2", "fble slots 1"],
        )
        texts = [json.loads(line[1:])["text"] for line in output.splitlines() if line.startswith("@{")]
        self.expect(len(texts) == 4, "values", output)
        if len(texts) == 4:
            self.expect(texts[0] == "packed unit\n", "the unit", texts[0])
            self.expect(texts[1] == "packed 0b01010\n", "bits", texts[1])
            self.expect("recursive" in texts[2], "a placeholder", texts[2])
            self.expect(re.search(r"^s\d+ = packed 0b", texts[3], re.M), "slots of numbers", texts[3])
            self.expect("= <function /" in texts[3] or "Repeat" in texts[3], "slots of functions", texts[3])

    def core(self):
        """The stack of a process that is gone."""
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            pattern = file.read().strip()
        if pattern.startswith("|") or "/" in pattern:
            return print("no test of core files: the system puts them elsewhere")
        with tempfile.TemporaryDirectory() as folder:
            unlimited = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            process = subprocess.Popen(
                [self.fble_jit, STACKS], cwd=folder, env={**os.environ, "FBLE_JIT_GDB": "1"}, preexec_fn=unlimited
            )
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.send_signal(6)
                process.wait()
            cores = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("core")]
            if not cores:
                return print("no test of core files: the system writes none")
            shown = gdb([self.fble_jit, cores[0]], ["fble bt", "bt"])
            lines = stack("\n".join(line for line in shown.splitlines() if LINE.match(line)))
            lines = lines[: next((i + 1 for i, line in enumerate(lines) if line[0] == "/Stacks%"), 0)]
            self.expect(Lines().problem(lines) == "", f"core: {Lines().problem(lines)}", shown)
            self.expect(reaches_main(shown), "core: no main", shown)
        return None

    def all(self):
        self.stacks("with maps", [], True, True)
        self.stacks("without maps", [], False, False)
        self.stacks("interpreted", ["--jit=off"], True, True)
        self.expect(self.interrupted([STACKS], 1) > 0, "an interrupted program")
        for seed in (3, 4, 5):
            self.expect(self.interrupted(["--jit=off", STACKS], seed) > 0, "an interrupted program that is interpreted")
        self.exits()
        self.values()
        self.core()


def programs():
    """The programs of the benchmarks, with more to do than in a benchmark."""
    for name, size in (("Md5", 20000000), ("NQueens", 16), ("Fannkuch", 12), ("TrieMap", 30000000), ("MergeSort", 10000000),
                       ("StateMonad", 300000000), ("Interpreter", 300000000), ("BinaryTrees", 23), ("Sieve", 10000000)):
        yield [os.path.join(BENCH, name + ".fble"), str(size)]


def many_stops(fble_jit, count):
    each = (count + 8) // 9
    total = reached = walked = in_code = 0
    for words in programs():
        found, _ = stops(fble_jit, words, stops=each, until="trace ", between=0.02, deep=True)
        for note in found:
            if note["kind"] != "stop":
                continue
            lines = stack(note["fble"])
            total += 1
            reached += reaches_main(note["bt"])
            in_code += "fble_machine_code" in note["at"]
            walked += lines is not None and len(lines) > 0
            if not lines:
                print(words, note["at"], note["fble"][:300], note["bt"][:2000])
    print(f"{total} stops, {in_code} of them in machine code: bt reaches main in {reached}, a Fble stack in {walked}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("fble_jit")
    arguments.add_argument("--stops", type=int)
    arguments.add_argument("--interrupts", type=int)
    options = arguments.parse_args()
    fble_jit = os.path.abspath(options.fble_jit)
    if shutil.which("gdb") is None or "exited normally" not in gdb(["--args", "true"], ["run"]):
        print("gdb is not installed (scripts/install_packages.sh), or must not trace processes here")
        sys.exit(SKIPPED)
    if options.stops:
        return many_stops(fble_jit, options.stops)
    test = Test(fble_jit)
    if options.interrupts:
        all_programs = list(programs())
        equal = sum(test.interrupted(all_programs[i % len(all_programs)], i) > 0 for i in range(options.interrupts))
        print(f"{options.interrupts} interrupts, {equal} stacks equal to the printed ones")
        return None
    test.all()
    if test.failures:
        sys.exit(f"{test.failures} failures")
    print("gdb shows Fble stacks, traces, values and core files")
    return None


if __name__ == "__main__":
    main()
