#!/usr/bin/env python3
"""Measures what a tool costs: the processor time of commands, as ratios to that of the first.

  overhead.py 'build/release/fble-jit {run}' 'build/release/fble-jit profile {run}' 'build/release/fble-jit profile --counts {run}'

{run} stands for a program of suite.toml with its options and argument. All commands run each program once in a round, in another
order each time, so a ratio is of runs next to one another. A row has a program's median ratio and an interval that covers the true
median with 95 % (samples.py); the last row has the geometric mean of the medians. The programs must print the same bytes.
"""
import argparse
import fnmatch
import math
import pathlib
import shlex
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import measure  # noqa: E402
import samples  # noqa: E402


def command_of(template, work):
    run = shlex.join([*measure.include_words(work, []), "-m", work.module, "--", *work.args])
    return shlex.split(template.replace("{run}", run))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small arguments")
    parser.add_argument("--only", nargs="+", metavar="GLOB", default=["*"])
    options = parser.parse_args()
    if len(options.commands) < 2 or not all("{run}" in command for command in options.commands):
        sys.exit("overhead.py: two commands or more are needed, each with {run}")
    programs = [program for program in measure.read_toml()["program"]
                if not program.get("start") and any(fnmatch.fnmatch(program["name"], glob) for glob in options.only)]
    works = measure.program_works(programs, "quick" if options.quick else "size", [])
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        runner = measure.Runner(pathlib.Path(folder), 600)
        for turn in range(options.rounds):
            for work in works:
                outputs = set()
                order = options.commands[turn % len(options.commands):] + options.commands[:turn % len(options.commands)]
                for command in order:
                    result = runner.run(command_of(command, work), work)
                    if measure.trouble(result):
                        sys.exit(f"{command}: {work.name}: {measure.trouble(result)}")
                    outputs.add(result["output"])
                    times.setdefault((work.name, command), []).append(measure.cpu(result))
                if len(outputs) != 1:
                    sys.exit(f"{work.name}: the commands do not print the same")
    for number, command in enumerate(options.commands):
        print(f"{'=' if number == 0 else number}  {command}")
    rows = [["program", "seconds", *(str(number) for number in range(1, len(options.commands)))]]
    medians = [[] for _ in options.commands]
    for work in works:
        base = times[work.name, options.commands[0]]
        row = [work.name, samples.cell(base)]
        for number, command in enumerate(options.commands[1:], 1):
            ratios = [time / first for time, first in zip(times[work.name, command], base)]
            low, high = samples.interval(ratios)
            medians[number].append(statistics.median(ratios))
            row.append(f"{medians[number][-1]:.3f} [{low:.3f}, {high:.3f}]")
        rows.append(row)
    means = [math.exp(statistics.fmean(math.log(ratio) for ratio in column)) for column in medians[1:]]
    rows.append(["geometric mean", "", *(f"{mean:.3f}" for mean in means)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
