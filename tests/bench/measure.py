"""Measures: works, contestants, building, running."""

import datetime
import fnmatch
import json
import math
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "programs"
PEERS = HERE / "peers"
EXAMPLES = ROOT / "examples"

# The measures of a run, with their units.
MEASURES = {
    "user": "s", "system": "s", "wall": "s", "peak_kib": "KiB", "first_output": "s",
    "forced_switches": "",
}


# What takes longer than the first is run at most as often as the second says.
LONG_RUNS = [(10.0, 1), (2.0, 3)]


class Failure(Exception):
    """An error for the user, without a stack trace."""


class Work:
    """One thing to run: a program of ours with a size, or a module of a package. `repeat`, if there
    is one, is a pair of text and count: what the standard input consists of."""

    def __init__(self, name, group, module, args=(), stdin=None, program=None, repeat=None):
        self.name = name
        self.group = group
        self.module = module
        self.args = [str(arg) for arg in args]
        self.stdin = stdin
        self.program = program
        self.repeat = repeat

    @property
    def key(self):
        """Returns its name in the results."""
        return f"{self.group}/{self.name}"

    @property
    def start(self):
        return bool(self.program and self.program.get("start"))

    @property
    def peers(self):
        """Returns whether there are translations into other languages."""
        return self.group == "programs"

    def resized(self, size, *args):
        if self.repeat:
            return Work(self.name, self.group, self.module, args, None, self.program, (self.repeat[0], size))
        return Work(self.name, self.group, self.module, [size, *args], self.stdin, self.program)

    def input_path(self, folder):
        """The file that is the standard input, written if need be; None stands for an empty one."""
        if not self.repeat:
            return self.stdin
        text, count = self.repeat
        path = folder / f"{self.name}.{count}.input"
        if not path.exists() or path.stat().st_size != len(text.encode()) * count:
            path.write_text(text * count, encoding="utf-8")
        return path

    def describe(self):
        words = [self.module, *self.args] + ([f"< {self.stdin}"] if self.stdin else [])
        if self.repeat:
            words.append(f"< {self.repeat[1]} times {self.repeat[0]!r}")
        return {
            "key": self.key, "name": self.name, "group": self.group, "run": " ".join(words), "start": self.start,
            **({k: self.program[k] for k in ("does", "data")} if self.program else {}),
        }


class Contestant:
    """A way to run works: `command` gives the words for a work, or None if it has no part in it."""

    def __init__(self, name, command, flags="", version=""):
        self.name = name
        self.command = command
        self.flags = flags
        self.version = version


def progress(text, end=False):
    """Shows the progress: one line that changes on a terminal, else nothing but the last."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1] + ("\n" if end else ""))
        sys.stderr.flush()
    elif end:
        print(text, file=sys.stderr, flush=True)


def first_line(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (run.stdout or run.stderr).strip().split("\n")[0]


def is_newer(sources, target):
    return not target.exists() or any(s.stat().st_mtime > target.stat().st_mtime for s in sources)


def build(command, what, **options):
    run = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if run.returncode != 0:
        raise Failure(f"cannot build {what}: {shlex.join(map(str, command))}\n{run.stdout}{run.stderr}")


def find_compiler():
    for name in ("clang++-19", "clang++"):
        if shutil.which(name):
            return name
    raise Failure("clang++-19 is not installed; scripts/install_packages.sh installs it")


# --- works

def read_toml():
    with open(HERE / "suite.toml", "rb") as file:
        return tomllib.load(file)


def read_suite():
    suite = read_toml()
    return [*suite["program"], *suite.get("example", [])]


def make_work(program, size):
    """The work of a row of suite.toml."""
    if "module" in program:
        return Work(program["name"], "examples", program["module"], program=program, repeat=(program["line"], size))
    return Work(program["name"], "programs", f"/{program['name']}%", [size], program=program)


def program_works(programs, key, sizes):
    """The works of suite.toml, with their argument `key` unless `sizes`, a list of NAME=N, says otherwise."""
    other = {}
    for text in sizes:
        name, _, size = text.partition("=")
        if not size.isdigit() or not any(p["name"] == name for p in programs):
            raise Failure(f"--size {text!r} is not of the form NAME=N with the name of a program")
        other[name] = int(size)
    return [make_work(p, other.get(p["name"], p[key])) for p in programs]


def package_works(folders, extra):
    """The suites DIR/Suite/*.fble of package folders, and the works NAME=MODULE ARG... < FILE."""
    works = []
    for folder in folders:
        if not os.path.isdir(folder):
            raise Failure(f"--packages: {folder} is no folder")
        for path in sorted(pathlib.Path(folder).glob("Suite/*.fble")):
            works.append(Work(path.stem, "packages", f"/Suite/{path.stem}%"))
    for text in extra:
        name, _, rest = text.partition("=")
        words = shlex.split(rest)
        if not name or not words:
            raise Failure(f"--work {text!r} is not of the form NAME='MODULE [ARG...] [< FILE]'")
        stdin = None
        if "<" in words:
            at = words.index("<")
            if at + 2 != len(words):
                raise Failure(f"--work {text!r}: one file name must follow '<', at the end")
            stdin = words[-1]
            if not os.path.isfile(stdin):
                raise Failure(f"--work {text!r}: there is no file {stdin}")
            words = words[:at]
        works.append(Work(name, "packages", words[0], words[1:], stdin))
    for work in works:
        if sum(other.name == work.name for other in works) > 1:
            raise Failure(f"two works of the packages have the name {work.name}")
    return works


def select(works, patterns):
    if not patterns:
        return works
    chosen = [
        w for w in works
        if any(fnmatch.fnmatchcase(w.name, p) or fnmatch.fnmatchcase(w.key, p) for p in patterns)
    ]
    if not chosen:
        raise Failure(f"nothing to measure matches {' '.join(patterns)}")
    return chosen


# --- contestants

def include_words(work, packages):
    own = {"programs": [PROGRAMS], "examples": [EXAMPLES]}
    folders = [str(folder) for folder in own.get(work.group, packages)]
    return [word for folder in folders for word in ("-I", folder)]


def build_target(target):
    """Builds a target of the release preset; its path below the build folder is for the caller to know."""
    progress(f"building {target}")
    build(["cmake", "--preset", "release"], target, cwd=ROOT)
    build(["cmake", "--build", "--preset", "release", "--target", target], target, cwd=ROOT)
    return ROOT / "build" / "release"


def build_fble_jit():
    return build_target("fble-jit") / "fble-jit"


def fble_contestants(binary, modes, packages, std):
    """Each mode; if the packages come with a library of their own, `std`, then with that, and the packages
    again with ours."""
    version = first_line(str(binary), "--version")

    def make(mode, name, folders, groups):
        def command(work):
            if groups and work.group not in groups:
                return None
            return [str(binary), f"--jit={mode}", *include_words(work, folders), "-m", work.module, "--", *work.args]
        return Contestant(name, command, f"--jit={mode}", version)

    found = [make(mode, f"fble-jit {mode}", [*std, *packages], ()) for mode in modes]
    if std:
        found += [make(mode, f"{mode}, our library", packages, ("packages",)) for mode in modes]
    return found


def read_peers():
    """The [[peer]] rows of suite.toml."""
    return read_toml()["peer"]


def fill(template, **values):
    """Returns the words of a command with each {NAME} replaced."""
    return [word.format(**values) for word in shlex.split(template)]


def build_peer(peer, name, folder):
    """Builds a program of a peer in `folder`, if it is not built already or the row or a source has changed."""
    command = fill(peer["build"], name=name)
    sources = [PEERS / peer["folder"] / file for file in (name + peer["suffix"], *peer["shared"])]
    stamp = folder / "built"
    if not is_newer(sources, stamp) and stamp.read_text() == shlex.join(command):
        return
    progress(f"building {name} ({peer['name']})")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, folder)
    build(command, sources[0], cwd=folder)
    stamp.write_text(shlex.join(command))


def suite_peer(peer, programs, folder):
    """The contestant of a row of suite.toml, with what it must build built below `folder`; None if it is
    not installed."""
    compiled = "build" in peer
    needs = [shlex.split(peer[key])[0] for key in ("build", "run") if key in peer]
    if not all("{" in word or shutil.which(word) for word in needs):
        return None
    sources = PEERS / peer["folder"]
    found = {}
    for name in (program["name"] for program in programs):
        if (sources / (name + peer["suffix"])).exists():
            found[name] = folder / name if compiled else sources
            if compiled:
                build_peer(peer, name, found[name])

    def command(work):
        if not work.peers or work.name not in found:
            return None
        return [*fill(peer["run"], name=work.name, folder=found[work.name]), *work.args]
    how = "; ".join(" ".join(fill(peer[key], name="NAME", folder=".")) for key in ("build", "run") if key in peer)
    return Contestant(peer["name"], command, how, first_line("sh", "-c", peer["version"]))


def peer_contestant(text, packages):
    """NAME='COMMAND': {suite} is the work's name, {module} its module, {args} its arguments, {include}
    the -I options for it, {group} 'programs', 'examples' or 'packages'."""
    name, _, template = text.partition("=")
    words = shlex.split(template)
    if not name or not words:
        raise Failure(f"--peer {text!r} is not of the form NAME='COMMAND with {{suite}} or {{module}}'")

    def command(work):
        result = []
        for word in words:
            if word == "{args}":
                result += work.args
            elif word == "{include}":
                result += include_words(work, packages)
            else:
                result.append(word.replace("{suite}", work.name).replace("{module}", work.module)
                              .replace("{group}", work.group))
        if "{args}" not in words:
            result += work.args
        return result if shutil.which(result[0]) else None
    return Contestant(name, command, template)


# --- running

class Runner:
    """Runs commands through the launcher (launch.cc)."""

    def __init__(self, folder, timeout):
        self.timeout = timeout
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.launcher = folder / "launch"
        source = HERE / "launch.cc"
        if is_newer([source], self.launcher):
            progress("building launch")
            build([find_compiler(), "-std=c++20", "-O2", "-static", "-fno-exceptions", "-fno-rtti", "-nostdlib++",
                   "-o", str(self.launcher), str(source)], "the launcher")

    def run(self, command, work=None, sample_ms=0):
        """Runs a command, with the standard input of a work."""
        report = self.folder / "report.json"
        output = self.folder / "output"
        errors = self.folder / "errors"
        with open(work and work.input_path(self.folder) or os.devnull, "rb") as source, open(errors, "wb") as sink:
            done = subprocess.run(
                [str(self.launcher), str(report), str(output), str(sample_ms), str(self.timeout), *command],
                stdin=source, stderr=sink, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Failure(f"the launcher failed: {errors.read_text(errors='replace')}")
        result = json.loads(report.read_text())
        result["output"] = output.read_bytes()
        result["errors"] = errors.read_text(errors="replace")
        return result


def trouble(result):
    """Returns why a run does not count, or nothing."""
    if result["timeout"]:
        return "took too long"
    if result["signal"]:
        return f"killed by signal {result['signal']}"
    if result["status"]:
        line = result["errors"].strip().split("\n")[0]
        return f"exit status {result['status']}" + (f": {line}" if line else "")
    return ""


def cpu(result):
    return result["user"] + result["system"]


def check_cases(programs, contestants, runner, say):
    """The `check` cases of suite.toml with every contestant; a list of what is wrong."""
    wrong = []
    count = 0
    for program in programs:
        for argument, expected in program["check"]:
            work = make_work(program, argument)
            for contestant in contestants:
                command = contestant.command(work)
                if command is None:
                    continue
                say(f"checking {work.name} {argument} with {contestant.name}")
                result = runner.run(command, work)
                count += 1
                why = trouble(result)
                if not why and result["output"] != (expected + "\n").encode():
                    why = f"prints {result['output'][:60]!r}, not {expected!r}"
                if why:
                    wrong.append(f"{work.name} {argument}, {contestant.name}: {why}")
    return count, wrong


def measure(works, contestants, runner, rounds, seconds, say):
    """Interleaved rounds of all works with all contestants: at least three unless fewer were
    asked for, then until there are `rounds` or the next would end after `seconds`. What takes
    long (LONG_RUNS) is run in the first of them only. A contestant that fails on a work in the
    first round has no part in it."""
    runs = {work.key: {} for work in works}
    expected = {}
    commands = {}
    for work in works:
        for contestant in contestants:
            command = contestant.command(work)
            if command is not None:
                commands[work.key, contestant.name] = command
    durations = {}
    reasons = []
    wrong = []
    loads = [os.getloadavg()[0]]
    start = before = time.monotonic()
    done = 0
    while done < rounds:
        spent = 0.0
        for w, work in enumerate(works):
            turn = (done + w) % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                pair = work.key, contestant.name
                if pair not in commands or done >= most_rounds(durations.get(pair, 0.0)):
                    continue
                left = max(0.0, expected_seconds(durations, done, rounds) - spent)
                say(f"round {done + 1} of {rounds}, {work.name} with {contestant.name}"
                    + (f", {left / 60:.1f} minutes left" if done else ""))
                result = runner.run(commands[pair], work)
                durations.setdefault(pair, cpu(result))
                spent += durations[pair]
                why = trouble(result)
                if not why and result["output"] != expected.setdefault(work.key, (result["output"], contestant.name))[0]:
                    why = f"does not print what {expected[work.key][1]} prints"
                    wrong.append(f"{work.name} {' '.join(work.args)}: {contestant.name} {why}")
                elif why:
                    reasons.append(f"{work.name}, {contestant.name}: {why}")
                if why:
                    if done == 0:
                        del commands[pair], durations[pair]
                    continue
                values = runs[work.key].setdefault(contestant.name, {m: [] for m in MEASURES})
                for name in MEASURES:
                    values[name].append(result[name])
        loads.append(os.getloadavg()[0])
        done += 1
        slower = (time.monotonic() - before) / spent if spent else 1.0
        before = time.monotonic()
        if done >= 3 and before - start + slower * expected_seconds(durations, done, done + 1) > seconds:
            break
    # Contestants in their order, regardless of the order of the first round.
    runs = {key: {c.name: by[c.name] for c in contestants if c.name in by} for key, by in runs.items()}
    return runs, done, loads, reasons, wrong


def expected_seconds(durations, done, rounds):
    """Estimates the time of the rounds from `done` to `rounds` from that of each pair in the first."""
    return sum((min(rounds, most_rounds(d)) - min(done, most_rounds(d))) * d for d in durations.values())


def most_rounds(seconds):
    """Returns the number of rounds for a run of this length."""
    return next((most for limit, most in LONG_RUNS if seconds > limit), sys.maxsize)


def scale_curves(works, contestants, runner, repetitions, say, limit):
    """Least processor time for each argument of `scale`; a contestant drops out of a work when an
    argument takes it more than `limit` seconds."""
    curves = {}
    for work in works:
        arguments = work.program.get("scale") if work.program else None
        if not arguments:
            continue
        points = {c.name: [] for c in contestants}
        slow = set()
        for argument in arguments:
            sized = work.resized(argument)
            for contestant in contestants:
                if contestant.name in slow:
                    continue
                command = contestant.command(sized)
                if command is None:
                    continue
                best = None
                for _ in range(repetitions):
                    say(f"scale of {work.name}: {argument} with {contestant.name}")
                    result = runner.run(command, sized)
                    if trouble(result):
                        break
                    if best is None or cpu(result) < cpu(best):
                        best = result
                    if result["wall"] > limit:
                        slow.add(contestant.name)
                        break
                if best is None:
                    slow.add(contestant.name)
                else:
                    points[contestant.name].append([argument, round(cpu(best), 6), best["peak_kib"]])
        curves[work.key] = {"cost": costs(work.program), "points": {k: v for k, v in points.items() if v}}
    return curves


def costs(program):
    """Pairs of argument and what the time should be proportional to."""
    cost = program["cost"]
    if isinstance(cost, list):
        return [[n, c] for n, c in zip(program["scale"], cost, strict=True)]
    names = {"log2": math.log2, "factorial": math.factorial}
    return [[n, eval(cost, {"__builtins__": {}}, {**names, "n": n})] for n in program["scale"]]


def warm_curves(works, contestants, runner, repetitions, say):
    """Processor time that each repetition took, by what was used when its line arrived; the median
    of several processes for each."""
    curves = {}
    for work in works:
        arguments = work.program.get("warm") if work.program else None
        if not arguments:
            continue
        curves[work.key] = {"size": arguments[0], "seconds": {}}
        for contestant in contestants:
            command = contestant.command(work.resized(*arguments))
            if command is None:
                continue
            say(f"warm-up of {work.name} with {contestant.name}")
            found = []
            for _ in range(repetitions):
                result = runner.run(command)
                if trouble(result) or len(result["line_cpu"]) != arguments[1]:
                    break
                lines = [0.0, *result["line_cpu"]]
                found.append([b - a for a, b in zip(lines, lines[1:])])
            if len(found) == repetitions:
                curves[work.key]["seconds"][contestant.name] = [
                    round(statistics.median(spans), 6) for spans in zip(*found)]
    return curves


def memory_curves(works, contestants, runner, say):
    """Measures resident memory while a work runs."""
    curves = {}
    for work in works:
        if work.start:
            continue
        curves[work.key] = {}
        for contestant in contestants:
            command = contestant.command(work)
            if command is None:
                continue
            say(f"memory of {work.name} with {contestant.name}")
            result = runner.run(command, work, sample_ms=2)
            if not trouble(result):
                # The first sample may be of the launcher, before it becomes the program.
                curves[work.key][contestant.name] = thin(result["memory"][1:], 60)
    return curves


def thin(points, count):
    """Returns at most `count` of the points: the one with the largest value of each stretch."""
    if len(points) <= count:
        return points
    step = len(points) / count
    return [max(points[int(i * step):int((i + 1) * step)], key=lambda p: p[1]) for i in range(count)]


def front_end_shares(works, binary, packages, runner, repetitions, say):
    """Measures the processor time of `fble-jit check` for each work: the time before a program runs."""
    result = {}
    for work in works:
        command = [str(binary), "check", *include_words(work, packages), "-m", work.module]
        times = []
        for _ in range(repetitions):
            say(f"front end of {work.name}")
            run = runner.run(command)
            if trouble(run):
                break
            times.append(cpu(run))
        if times:
            result[work.key] = statistics.median(times)
    return result


# What --stats of fble-jit says of the compiler.
COMPILER_STATS = [
    (r"traces: +(\d+) functions, (\d+) bridges, (\d+) continuations", ("functions", "bridges", "continuations")),
    (r"machine code: +(\d+) bytes", ("code_bytes",)),
    (r"side tables: +(\d+) bytes for (\d+) guards", ("table_bytes", "guards")),
    (r"(\d+) with sites and stubs, (\d+) of records", ("exit_bytes", "record_bytes")),
    (r"exits: +(\d+) by guards", ("exits",)),
    (r"compiling: +([\d.]+) ms recording, ([\d.]+) ms optimising, ([\d.]+) ms assembling",
     ("record_ms", "optimise_ms", "assemble_ms")),
]


def compiler_stats(text):
    """Numbers by name, or nothing if the text does not have all of them."""
    found = {}
    for pattern, names in COMPILER_STATS:
        match = re.search(pattern, text)
        if not match:
            return {}
        found.update(zip(names, map(float, match.groups())))
    return found


def compiler_shares(works, contestant, runner, repetitions, say):
    """Counts the compiler's actions for each work: medians of a few runs."""
    result = {}
    for work in works:
        command = contestant.command(work)
        if command is None:
            continue
        found = []
        for _ in range(repetitions):
            say(f"compiler at {work.name}")
            run = runner.run([command[0], "--stats", *command[1:]], work)
            stats = {} if trouble(run) else compiler_stats(run["errors"])
            if stats:
                found.append({**stats, "cpu_ms": 1000 * cpu(run)})
            if not stats or cpu(run) > LONG_RUNS[-1][0]:
                break
        if found:
            result[work.key] = {name: round(statistics.median(f[name] for f in found), 3) for name in found[0]}
    return result


# --- parts

def micro(binary, patterns, repetitions, say):
    """Runs fble-jit-micro, in interleaved repetitions."""
    binary = binary or build_target("fble-jit-micro") / "tests" / "bench" / "fble-jit-micro"
    listed = subprocess.run([str(binary), "--benchmark_list_tests"], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise Failure(f"{binary} fails: {listed.stderr.strip()}")
    names = [n for n in listed.stdout.split() if not patterns or any(fnmatch.fnmatchcase(n, p) for p in patterns)]
    if not names:
        raise Failure(f"no part matches {' '.join(patterns)}")
    entries = {}
    for repetition in range(repetitions):
        for name in names:
            say(f"round {repetition + 1} of {repetitions}, {name}")
            run = subprocess.run(
                [str(binary), f"--benchmark_filter=^{re.escape(name)}$", "--benchmark_format=json",
                 "--benchmark_min_time=0.1"], capture_output=True, text=True, check=False)
            if run.returncode != 0:
                raise Failure(f"{binary} fails at {name}: {run.stderr.strip()}")
            for found in json.loads(run.stdout)["benchmarks"]:
                add_micro(entries.setdefault(name, {"name": shown_micro_name(name), "cpu_ns": []}), found)
    return list(entries.values())


def shown_micro_name(name):
    return name.removeprefix("BM_").removesuffix("/process_time")


UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def add_micro(entry, found):
    """Adds one repetition to what is known of a part."""
    if found.get("error_occurred"):
        raise Failure(f"{found['name']}: {found.get('error_message')}")
    entry["cpu_ns"].append(round(found["cpu_time"] * UNITS[found["time_unit"]], 4))
    if "items_per_second" in found:
        entry.setdefault("items_per_second", []).append(round(found["items_per_second"]))
    if "longest_pause_us" in found:
        entry.setdefault("longest_pause_us", []).append(round(found["longest_pause_us"], 1))


# --- the machine

def machine():
    def read(path):
        try:
            return pathlib.Path(path).read_text()
        except OSError:
            return ""
    cpu = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines()
                if line.startswith("model name")), platform.processor())
    memory = next((int(line.split()[1]) for line in read("/proc/meminfo").splitlines()
                   if line.startswith("MemTotal")), 0)
    flags = next((line.split(":", 1)[1].split() for line in read("/proc/cpuinfo").splitlines()
                  if line.startswith("flags")), [])
    system = next((line.split("=", 1)[1].strip('"') for line in read("/etc/os-release").splitlines()
                   if line.startswith("PRETTY_NAME")), platform.system())
    return {
        "cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory / 2 ** 20, 1),
        "virtual": "hypervisor" in flags, "system": system, "kernel": platform.release(),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or None,
    }


def source_version():
    commit = first_line("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    changed = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"],
                             capture_output=True, text=True, check=False).stdout.strip() != ""
    return {"commit": commit, "changed": changed}


def today():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
