#!/usr/bin/env python3
"""Runs programs with --deopt-sweep: outputs as ever, and no guard that never failed.

    sweep.py FBLE_JIT            the benchmark programs, with their `quick` sizes
    sweep.py FBLE_JIT --lang     all language tests that compile something

In both compilers' settings: --jit=on, where only what is hot is compiled, and --jit=eager.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "bench" / "programs"
LANG = ROOT / "tests" / "lang"


def run(command, timeout=300):
    outcome = subprocess.run(command, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
    return outcome.returncode, outcome.stdout, outcome.stderr.decode(errors="replace")


def without_stats(text):
    """Returns standard error without the lines of --stats and those about deopt points."""
    at = text.find("collections: ")
    return re.sub(r"^.*: deopt-here!.* hits in .*\n", "", text if at < 0 else text[:at], flags=re.MULTILINE)


def check(fble, name, words, flags):
    """Returns (name, guards, never failed, problems)."""
    expected = run([fble, *words[0], "--jit=off", *words[1]])
    status, out, err = run([fble, *words[0], *flags, "--deopt-sweep", "--stats", *words[1]])
    problem = ""
    if (status, out) != expected[:2] or without_stats(err) != without_stats(expected[2]):
        problem = f"differs from --jit=off: status {status}, {out[-100:]!r} {err[:300]!r}"
    guards = re.search(r"for (\d+) guards, (\d+) of which never failed", err)
    counts = (int(guards[1]), int(guards[2])) if guards else (0, 0)
    return name, *counts, problem


def benchmark_jobs(fble):
    suite = tomllib.loads((ROOT / "tests" / "bench" / "suite.toml").read_text())
    for program in suite["program"]:
        name, size = program["name"], program["quick"]
        # Sizes for this purpose: every path, but not for long.
        size = min([size, *(argument for argument, _ in program.get("check", [])[-1:])])
        words = ([], ["-I", str(PROGRAMS), "-I", str(ROOT / "frontends" / "std"), "-m", f"/{name}%", str(size)])
        for flags in (["--jit=on"], ["--jit=eager"]):
            yield f"{name} {flags[0]}", words, flags


def language_jobs(fble):
    for file in sorted(LANG.rglob("*.fble")):
        words = (["test"], ["-I", str(LANG), str(file)])
        for flags in (["--jit=eager"], ["--jit=on", "--jit-param", "hot_calls=4", "--jit-param", "hot_exits=2",
                                        "--jit-param", "hot_returns=2"]):
            yield f"{file.relative_to(LANG)} {flags[0]}", words, flags


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fble")
    parser.add_argument("--lang", action="store_true", help="the language tests instead of the benchmark programs")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    jobs = list(language_jobs(arguments.fble) if arguments.lang else benchmark_jobs(arguments.fble))
    total = never = bad = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(check, arguments.fble, *job) for job in jobs]
        for future in futures:
            name, guards, unfailed, problem = future.result()
            total += guards
            never += unfailed
            if problem:
                bad += 1
                print(f"{name}: {problem}")
            if unfailed:
                print(f"{name}: {unfailed} of {guards} guards never failed")
    print(f"{len(jobs)} runs, {total} guards, {never} never failed, {bad} differences")
    if total < 100:
        sys.exit("too few guards: is there machine code at all?")
    sys.exit(1 if never or bad else 0)


if __name__ == "__main__":
    main()
