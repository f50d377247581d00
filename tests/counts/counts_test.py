#!/usr/bin/env python3
"""Compares the exact counts of programs (--profile-blocks) in the modes of frontends/cli/modes.def with the interpreter's.

  counts_test.py COMMAND MODE... [--topics GLOB]

The programs are those of tests/lang that run, and the examples whose result depends on their arguments only. All files
must have the same bytes. Modes in which each allocation or exit is work leave out the heavy programs and the examples, like tests/CMakeLists.txt.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANG = ROOT / "tests/lang"
TIMEOUT_SECONDS = 300

EXAMPLES = {"BinaryTrees": ["10"], "Fannkuch": ["7"], "Queens": ["7"], "Pi": ["100"], "Md5": [str(ROOT / "README.md")],
            "WordCount": [str(ROOT / "README.md")]}


def modes():
    text = (ROOT / "frontends/cli/modes.def").read_text()
    return dict(re.findall(r'^FBLE_MODE\("([^"]*)",\s*"([^"]*)"', text, re.M))


def is_slow(mode):
    return re.search("stress|every|sweep|chaos|shadow", mode) is not None


def programs(topics, with_heavy):
    """(name, words after the flags) of each program."""
    found = []
    for path in sorted(LANG.glob(f"{topics}/**/*.fble")):
        if "26-deep" in path.parts and not with_heavy:
            continue
        kind = re.search(r"@@fble-test@@ (?!xfail)(\S+)", path.read_text(errors="replace"))
        if kind is None or kind[1] not in ("no-error", "compile-warning", "runtime-error"):
            continue
        words = path.relative_to(LANG).with_suffix("").parts
        module = "".join("/'" + word.replace("'", "''") + "'" for word in words) + "%"
        found.append(("/".join(words), ["test", "-I", str(LANG), "-m", module]))
    if topics == "*" and with_heavy:
        found += [(name, [str(ROOT / "examples" / f"{name}.fble"), *arguments]) for name, arguments in EXAMPLES.items()]
    return found


def counts(command, flags, words, folder):
    """The bytes of the counts, or what went wrong."""
    file = os.path.join(folder, "counts")
    options = [*flags, "--profile-blocks", file]
    line = [command, "test", *options, *words[1:]] if words[0] == "test" else [command, *options, *words]
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              errors="replace", timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return b"", "timed out"
    bytes_ = pathlib.Path(file).read_bytes() if os.path.exists(file) else b""
    # A run-time error has the status of `test`; whether programs end alike is what the suites check.
    problem = "" if bytes_ and done.returncode >= 0 and "internal error" not in done.stderr else f"status {done.returncode}: {done.stderr}"
    return bytes_, problem


def judge(command, name, words, wanted):
    """The problems of a program, one a line."""
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        expected, problem = counts(command, ["--jit=off"], words, folder)
        if problem:
            return [f"{name} in mode interp: {problem}"]
        for mode, flags in wanted.items():
            found, problem = counts(command, flags, words, folder)
            if problem or found != expected:
                problems.append(f"{name}.fble in mode {mode}: {problem or 'other counts than the interpreter'}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command")
    parser.add_argument("modes", nargs="+")
    parser.add_argument("--topics", default="*", help="of tests/lang, as a glob (default: all, and the examples)")
    options = parser.parse_args()
    table = modes()
    unknown = set(options.modes) - set(table)
    if unknown:
        sys.exit(f"counts_test.py: no such mode: {', '.join(sorted(unknown))}")
    wanted = {mode: table[mode].split() for mode in options.modes}
    command = os.path.abspath(options.command)
    all_programs = programs(options.topics, not any(map(is_slow, options.modes)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = sum(pool.map(lambda row: judge(command, *row, wanted), all_programs), [])
    for problem in problems:
        print(problem)
    print(f"{len(all_programs)} programs in {len(wanted)} modes, {len(problems)} problems")
    return 1 if problems or not all_programs else 0


if __name__ == "__main__":
    sys.exit(main())
