#!/usr/bin/env python3
"""Measures what docs/heap.md claims about the heap.

  tests/bench/heap/measure.py lists|pauses|trees [--command 'fble-jit --jit=off'] [--most N]

lists   time and memory per element of lists of 10^3 ... N elements, by non-tail
        recursion (deep) and by a loop of tail calls (loop): user time, the lowest
        of three, for N elements in all; memory as `--stats` counts it for one
        list, with a small nursery so that a small list shows.
pauses  `--stats` of a program with a live tree of 1.07 GB, and of a recursion N deep.
trees   instructions by callgrind for the same trees in Fble and OCaml: the share
        of the collector, and what is executed for each object. Needs valgrind
        and ocamlopt.
"""
import argparse, os, pathlib, re, resource, shlex, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[2] / "build" / "release" / "fble-jit"


def run(command):
    """(user seconds, standard error) of a command that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, done.stderr


def peak_live(command, program, *args):
    stats = run([*command, "--stats", "--nursery=8K", str(HERE / program), *args])[1]
    return int(re.search(r"(\d+) bytes live after", stats).group(1))


def lists(command, most):
    program = str(HERE / "Lists.fble")
    lengths = [10**power for power in range(3, 10) if 10**power <= most]
    start = min(run([*command, program, "none", "10", "1"])[0] for _ in range(3))
    print("length     deep ns   bytes    loop ns   bytes")
    for length in lengths:
        row = []
        for kind in ("deep", "loop"):
            seconds = min(run([*command, program, kind, str(length), str(most // length)])[0] for _ in range(3))
            base = peak_live(command, "Lists.fble", "none", "10", "1")
            memory = peak_live(command, "Lists.fble", kind, str(length), "1") - base
            row += [(seconds - start) / most * 1e9, memory / length]
        print("%-9d %8.1f %7.1f   %8.1f %7.1f" % (length, *row), flush=True)


def pauses(command, most):
    for program, args in (("LiveHeap.fble", ("25", "4000")), ("Lists.fble", ("deep", str(most), "1"))):
        print(program, *args)
        print(run([*command, "--stats", str(HERE / program), *args])[1], flush=True)


def instructions(command, folder):
    """Instructions of each function under callgrind."""
    out = os.path.join(folder, "callgrind.out")
    run(["valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=" + out, *command])
    text = subprocess.run(["callgrind_annotate", "--threshold=100", out], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    functions = re.findall(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S.*)$", text, re.M)
    return {name: int(count.replace(",", "")) for count, name in functions if "PROGRAM TOTALS" not in name}


def trees(command, most):
    objects = sum(2 ** (20 - depth) * (2**depth - 1) for depth in range(14, 21))
    with tempfile.TemporaryDirectory() as folder:
        peer = os.path.join(folder, "trees")
        source = os.path.join(folder, "trees.ml")
        pathlib.Path(source).write_text((HERE / "trees.ml").read_text())
        subprocess.run(["ocamlopt", "-O3", "-o", peer, source], check=True, stderr=subprocess.DEVNULL)
        theirs = instructions([peer], folder)
        ours = instructions([*command, str(HERE / "Trees.fble")], folder)
    part = lambda functions, pattern: sum(n for name, n in functions.items() if re.search(pattern, name))
    gc = part(ours, r"fble::(Heap|Collector|OldSpace|MarkStack)::|Thread::(report_|visit_frame|make_room)")
    their_gc = sum(theirs.values()) - part(theirs, r"camlTrees__")
    print("%d inner nodes; instructions for each:" % objects)
    print("  fble   %6.1f in all, %5.1f collecting: %.0f %%; %.1f making it (op_UnionStruct)" % (
        sum(ours.values()) / objects, gc / objects, 100 * gc / sum(ours.values()),
        part(ours, "op_UnionStruct") / objects))
    print("  ocaml  %6.1f in all, %5.1f collecting: %.0f %%" % (
        sum(theirs.values()) / objects, their_gc / objects, 100 * their_gc / sum(theirs.values())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["lists", "pauses", "trees"])
    parser.add_argument("--command", default="%s --jit=off" % BUILD)
    parser.add_argument("--most", type=int, default=10**7)
    options = parser.parse_args()
    globals()[options.what](shlex.split(options.command), options.most)


if __name__ == "__main__":
    main()
