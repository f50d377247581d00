#!/usr/bin/env python3
"""Measures the figures of docs/results/heap.md about the heap.

  tests/bench/heap/measure.py lists|ocaml|counts|pauses|trees [--command 'fble-jit --jit=off'] [--most N]
  tests/bench/heap/measure.py figures -o tests/bench/results/heap.json

figures all of them, and what the environment variables PKGS_I, SPECFBLD and SUITES allow: the packages of
        the reference as options, the files of the specification, names of suites. The
        entries "earlier" of the file stay.
counts  instructions per element (callgrind) of lists of 10^3 ... 10^6 elements.

lists   time and memory per element of lists of 10^3 ... N elements, by non-tail
        recursion (deep) and by a loop of tail calls (loop), built and dropped one
        after the other: processor time, the system's included, of the second half of
        the rounds, so that the first half has fetched the memory; the median of
        five. `first`: the same of a process that builds one list only, and
        fetches all memory for it. Memory as `--stats` counts it for one list, with
        a small nursery so that a small list shows.
ocaml   the same for lists.ml. Needs ocamlopt and permission for a stack without limit.
pauses  `--stats` of a program with a live tree of 1.07 GB, and of a recursion N deep.
trees   instructions by callgrind for the same trees in Fble and OCaml: the share
        of the collector, and what is executed for each object. Needs valgrind
        and ocamlopt.
"""
import argparse, datetime, json, os, pathlib, re, resource, shlex, statistics, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[2] / "build" / "release" / "fble-jit"


def run(command):
    """Returns (processor seconds, standard error) of a command that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


def peak_live(command, program, *args):
    stats = run([*command, "--stats", "--nursery=8K", str(HERE / program), *args])[1]
    return int(re.search(r"(\d+) bytes live after", stats).group(1))


LENGTHS = [10**power for power in range(3, 8)]
KINDS = ("deep", "loop")


def later_rounds(command, kind, length, least=12):
    """Nanoseconds per element, once the memory that it takes is there; of `least` rounds or more the second half."""
    rounds = max(least, 2 * LENGTHS[-1] // length)
    half = rounds // 2
    seconds = [run([*command, kind, str(length), str(rounds)])[0] - run([*command, kind, str(length), str(half)])[0]
               for _ in range(5)]
    return statistics.median(seconds) / ((rounds - half) * length) * 1e9


def first_round(command, kind, length):
    """The same of the only list of a process."""
    few = [run([*command, kind, "10", "1"])[0] for _ in range(5)]
    seconds = [run([*command, kind, str(length), "1"])[0] for _ in range(5)]
    return (statistics.median(seconds) - statistics.median(few)) / length * 1e9


def lists(command, most):
    program = [*command, str(HERE / "Lists.fble")]
    print("length     deep ns   bytes    loop ns   bytes")
    for length in (length for length in LENGTHS if length <= most):
        row = []
        for kind in KINDS:
            base = peak_live(command, "Lists.fble", "none", "10", "1")
            memory = peak_live(command, "Lists.fble", kind, str(length), "1") - base
            row += [later_rounds(program, kind, length), memory / length]
        print("%-9d %8.1f %7.1f   %8.1f %7.1f" % (length, *row), flush=True)
    print("first     %8.1f           %8.1f" % tuple(first_round(program, kind, most) for kind in KINDS))


def compiled_ocaml(name, folder):
    """The program NAME.ml as an executable in the folder."""
    source = os.path.join(folder, name + ".ml")
    pathlib.Path(source).write_text((HERE / (name + ".ml")).read_text())
    peer = os.path.join(folder, name)
    subprocess.run(["ocamlopt", "-O3", "-o", peer, source], check=True, stderr=subprocess.DEVNULL)
    return peer


def ocaml(command, most):
    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with tempfile.TemporaryDirectory() as folder:
        peer = [compiled_ocaml("lists", folder)]
        for kind in KINDS:
            times = " ".join("%.1f" % later_rounds(peer, kind, length, 4) for length in LENGTHS if length <= most)
            print("%s %s, first %.1f" % (kind, times, first_round(peer, kind, most)), flush=True)


def pauses(command, most):
    for program, args in (("LiveHeap.fble", ("25", "4000")), ("Lists.fble", ("deep", str(most), "1"))):
        print(program, *args)
        print(run([*command, "--stats", str(HERE / program), *args])[1], flush=True)


def instructions(command, folder):
    """Instructions of each function under callgrind."""
    out = os.path.join(folder, "callgrind.out")
    run(["valgrind", "--quiet", "--tool=callgrind", "--smc-check=all-non-file", "--callgrind-out-file=" + out, *command])
    text = subprocess.run(["callgrind_annotate", "--threshold=100", out], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    functions = re.findall(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S.*)$", text, re.M)
    return {name: int(count.replace(",", "")) for count, name in functions if "PROGRAM TOTALS" not in name}


def trees(command, most):
    objects = sum(2 ** (20 - depth) * (2**depth - 1) for depth in range(14, 21))
    with tempfile.TemporaryDirectory() as folder:
        theirs = instructions([compiled_ocaml("trees", folder)], folder)
        ours = instructions([*command, str(HERE / "Trees.fble")], folder)
    part = lambda functions, pattern: sum(n for name, n in functions.items() if re.search(pattern, name))
    gc = part(ours, r"fble::(Heap|Collector|OldSpace|MarkStack|Slabs|SharedObjects)::|Thread::(report_|visit_|waiting_slots|make_room)")
    their_gc = sum(theirs.values()) - part(theirs, r"camlTrees__")
    print("%d inner nodes; instructions for each:" % objects)
    print("  fble   %6.1f in all, %5.1f collecting: %.0f %%; %.1f making it (op_UnionStruct)" % (
        sum(ours.values()) / objects, gc / objects, 100 * gc / sum(ours.values()),
        part(ours, "op_UnionStruct") / objects))
    print("  ocaml  %6.1f in all, %5.1f collecting: %.0f %%" % (
        sum(theirs.values()) / objects, their_gc / objects, 100 * their_gc / sum(theirs.values())))


def counts(command, most):
    for line in count_lists(command):
        print(line)


def count_lists(command):
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        program = str(HERE / "Lists.fble")
        start = sum(instructions([*command, program, "none", "10", "1"], folder).values())
        for kind in ("deep", "loop"):
            row = []
            for power in range(3, 7):
                words = [*command, program, kind, str(10**power), str(10 ** (6 - power))]
                row.append("%.0f" % ((sum(instructions(words, folder).values()) - start) / 10**6))
            lines.append("%s %s" % (kind, " ".join(row)))
    return lines


def peak(words):
    """Returns the resident peak in MB, as GNU time reports it, and standard error."""
    done = subprocess.run(["/usr/bin/time", "-f", "peak %M", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=True)
    return int(re.search(r"peak (\d+)\s*$", done.stderr).group(1)) / 1024, done.stderr


def figures(command, most, path):
    """Writes what docs/results/heap.md shows."""
    exe = command[0]
    rows = []

    def add(what, figure, how):
        rows.append({"what": what, "figure": figure, "command": how.replace(exe, "fble-jit")})
        print("%s: %s" % (what, figure), flush=True)

    modes = ("off", "on")
    add("instructions per element of lists of 10^3, 10^4, 10^5, 10^6 elements, without the start",
        "by recursion (deep) and by a loop: " + "; ".join(count_lists([exe, "--jit=off"])),
        "tests/bench/heap/measure.py counts")
    for jit in modes:
        done = subprocess.run([sys.executable, __file__, "lists", "--command", "%s --jit=%s" % (exe, jit)],
                              stdout=subprocess.PIPE, text=True, check=True).stdout.strip().split("\n")
        cells = [line.split() for line in done[1:]]
        first = cells.pop()
        add("processor time per element, 10^3 ... 10^7 elements, --jit=" + jit,
            "by recursion %s ns, by a loop %s ns; of the first list of 10^7 elements %s ns and %s ns" % (
                " ".join(c[1] for c in cells), " ".join(c[3] for c in cells), first[1], first[2]),
            "tests/bench/heap/measure.py lists --command 'fble-jit --jit=%s'" % jit)
        if jit == "off":
            add("memory per element of the same lists",
                "by recursion %s bytes, by a loop %s bytes" % (" ".join(c[2] for c in cells),
                                                             " ".join(c[4] for c in cells)),
                "tests/bench/heap/measure.py lists")
    done = subprocess.run([sys.executable, __file__, "ocaml"], stdout=subprocess.PIPE, text=True, check=True).stdout
    add("the same of lists.ml, by ocamlopt", "; ".join(done.strip().split("\n")), "tests/bench/heap/measure.py ocaml")
    done = subprocess.run([sys.executable, __file__, "trees", "--command", exe + " --jit=off"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout.strip().split("\n")
    add("binary trees of depth 14 to 20, instructions for each inner node", "; ".join(" ".join(l.split()) for l in done[1:]),
        "tests/bench/heap/measure.py trees")
    pauses = []
    for _ in range(10):
        stats = run([exe, "--jit=off", "--stats", str(HERE / "LiveHeap.fble"), "25", "2000"])[1]
        pauses.append(re.search(r"median ([\d.]+) ms, ([\d.]+) ms the longest", stats).groups())
        live = int(re.search(r"(\d+) bytes live after", stats).group(1))
    add("pauses with a live heap of %.2f GB, by the clock, ten runs" % (live / 1e9),
        "median %s ms, longest %s ms" % (pauses[0][0], " ".join(longest for _, longest in pauses)),
        "fble-jit --jit=off --stats tests/bench/heap/LiveHeap.fble 25 2000")
    packages = shlex.split(os.environ.get("PKGS_I", ""))
    if packages and os.environ.get("SPECFBLD"):
        files = shlex.split(os.environ["SPECFBLD"])
        for jit in modes:
            runs = [peak([exe, "--jit=" + jit, "--stats", *packages, "-m", "/Fbld/Main/Cli%", "--", *files])
                    for _ in range(3)]
            add("fbld over the language specification, --jit=" + jit,
                "resident peaks of three runs %s MB" % " ".join("%.1f" % mb for mb, _ in runs),
                "/usr/bin/time -f %%M fble-jit --jit=%s $PKGS_I -m /Fbld/Main/Cli%% -- $SPECFBLD" % jit)
    if packages and os.environ.get("SUITES"):
        cells = ["%s %s" % (name, " ".join("%.1f" % peak([exe, "--jit=" + jit, *packages, "-m", "/Suite/%s%%" % name])[0]
                                           for jit in modes)) for name in os.environ["SUITES"].split()]
        add("resident peaks of the suites, --jit=off and --jit=on, in MB", ", ".join(cells),
            "/usr/bin/time -f %M fble-jit --jit=off $PKGS_I -m /Suite/NAME%")
    earlier = json.loads(path.read_text())["earlier"] if path.exists() else []
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short=12", "HEAD"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout.strip()
    result = {"command": "tests/bench/heap/measure.py figures -o tests/bench/results/heap.json",
              "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
              "load": "%.1f" % os.getloadavg()[0], "figures": rows, "earlier": earlier}
    path.write_text(json.dumps(result, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["lists", "ocaml", "counts", "pauses", "trees", "figures"])
    parser.add_argument("--command", default="%s --jit=off" % BUILD)
    parser.add_argument("--most", type=int, default=10**7)
    parser.add_argument("-o", dest="path", type=pathlib.Path)
    options = parser.parse_args()
    if options.what == "figures":
        if options.path is None:
            parser.error("figures go to a file: -o FILE")
        return figures(shlex.split(options.command), options.most, options.path)
    globals()[options.what](shlex.split(options.command), options.most)


if __name__ == "__main__":
    main()
