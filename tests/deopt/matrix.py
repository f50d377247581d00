#!/usr/bin/env python3
"""The deopt matrix: the kinds of exits that the tests really take.

    matrix.py FBLE_JIT            runs the programs, fails if a cell that must be filled is empty, or an impossible one is filled
    matrix.py FBLE_JIT --print    also prints the matrix, with the test that filled each cell first

A row is a position in the bytecode: "at OPCODE", where the interpreter continues, or "behind OPCODE", where a frame waits for
a call to return. The opcodes are those of interp/opcodes.def, so a new one makes empty rows. A column is a way in
which a live value was there (jit/engine/deopt_matrix.h), or a reason to leave: the guards of jit/ir/ir_ops.def, most of them together
("guard"), deopt points with and without `invalidate` and `force`, and errors of the program. Ways and reasons are crossed, too.
Cells that cannot be filled are listed in IMPOSSIBLE, with the reason.

The programs are those of matrix_programs.py: for each opcode a function that keeps a value of each kind alive across an instruction with
this opcode. They run with --deopt-sweep, --deopt-every and --chaos, whose short recordings end anywhere. Programs that fail are run without
machine code, too: what they print has to be the same.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import matrix_programs as programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANG = ROOT / "tests" / "lang"
CHAOS_SEEDS = 16
# The lengths of recordings, in IR instructions, so that there is an exit at every place.
CUTS = range(20, 140)

LOCATIONS = ["register", "spill slot", "memory", "other slot", "packed constant", "constant object", "virtual struct",
             "virtual union", "virtual closure", "nested", "shared", "recursive", "packed union", "packed struct"]

# The impossible cells: positions (a regular expression), columns (likewise), the reason.
IMPOSSIBLE = [
    ("at halt", ".*", "it belongs to the code that starts a run, which is not recorded"),
    ("at define", ".*", "guards in a group of recursive values go back to its declaration, and a group with other things in between "
                        "ends the trace before it"),
    ("at .*", "return", "a call's return is after the call"),
    ("(?!memory|at |behind ).*", "return", "when a call returns all is in memory"),
    ("at (closure|constant|declare|foreign|function|global|jump|literal|move|capture)", "guard", "it looks at no value"),
    ("at call_global3?", "guard", "the function is a constant, and no native of three arguments is computed in traces"),
    ("at set_global", "guard", "it looks at no value"),
    ("at set_global", "recursive", "what is recursive in a module's body is a global itself, and defined before"),
    ("at global_field", "guard", "the struct is a constant"),
    ("at (deopt_point|projected)", "guard", "it looks at no value"),
    ("at (?!deopt_point$).*", "deopt_point|invalidate|force", "a deopt point is an instruction of its own"),
    ("at set_global", "other slot", "a module's body runs once: its trace begins with a frame in which there is nothing but the closure"),
    ("at (field|capture_field|global_field|projected|select|select_arg|choose)", "error",
     "it fails if a value is used before it is defined: then a group is open, and machine code is not entered"),
    ("at (tail_)?call(3|_global|_global3)?|at apply_held", "error",
     "it fails if the function is not defined (see above), or is a native of one or two arguments"),
    ("at define", "error", "the guards of a group go back to its declaration"),
    ("at foreign", "error", "if there is no such native, the run has ended at the first pass"),
]

# Inlines every call that can be inlined.
INLINE = [word for name, value in (("inline_paths", 100), ("inline_product", 100000), ("inline_size", 500), ("max_depth", 20), ("site_functions", 1))
          for word in ("--jit-param", f"{name}={value}")]

# Cells that have no test and are not known to be impossible.
OPEN = [("at projected", "spill slot")]

NAME = "/SpecTests/'10.1-ForeignValue'/Basic/Basic%"


def opcodes():
    text = (ROOT / "interp" / "opcodes.def").read_text()
    return re.findall(r'^FBLE_OP\(\w+,\s*"(\w+)",\s*"(\w*)",\s*"(\w*)"', text, re.M)


# Guards that are reasons of their own. All others, also those to come, are "guard".
REASON_OF = {"exit": "trace end", "alloc_check": "collect", "stack_check": "poll", "loop_back": "poll", "call": "return",
             "deopt_point": "deopt_point", "invalidate": "invalidate", "force": "force", "error": "error"}
# What the IR does not tell apart, see jit/engine/deopt_matrix.h.
FURTHER = ["invalidate", "force", "error"]


def guards():
    text = (ROOT / "jit" / "ir" / "ir_ops.def").read_text()
    return [name for name, effects in re.findall(r'^FBLE_IR\(\w+,\s*"(\w+)",\s*"\w*",\s*"[VIK-]",\s*"(\w*)"', text, re.M)
            if "g" in effects]


def reasons():
    return sorted({REASON_OF.get(name, "guard") for name in guards() + FURTHER})


def positions():
    calls = [name for name, operands, _ in opcodes() if operands.endswith("DB")]
    return [f"at {name}" for name, *_ in opcodes()] + [f"behind {name}" for name in calls] + ["behind over-application"]


def put(folder, text, poly=None):
    """The program as a module that may declare a native, maybe with another one."""
    where = folder / "SpecTests" / "10.1-ForeignValue" / "Basic"
    where.mkdir(parents=True)
    (where / "Basic.fble").write_text(text)
    if poly:
        (where / "Poly.fble").write_text(poly)
    return folder


def runs(fble, folder):
    """Names, what to run, and in a third place what must print the same, an error."""
    def words_for(root, module=NAME):
        return [fble, "test", "-I", str(root), "-m", module, "--jit=eager"]

    for opcode in programs.BODIES:
        words = words_for(put(folder / opcode, programs.program([opcode])))
        yield f"{opcode}, sweep", [*words, "--deopt-sweep"]
        yield f"{opcode}, all inlined", [*words, "--deopt-sweep", *INLINE]
    words = words_for(put(folder / "all", programs.program(programs.BODIES)))
    # After a deopt point the interpreter continues: programs with deopt points show nothing else. Not all deopt points are reached in
    # machine code; `fble-jit test` has a status for that.
    with_points = programs.program(programs.BODIES, "# deopt-here!")
    in_callees = re.sub(r"(\b(?:(?:G|Give|End)[1-4BTFX]?|Over|OverX|Curry) = \([^)]*\) \{)", r"\1\n# deopt-here!\n", programs.program(programs.BODIES))
    for option in ("", " invalidate", " force"):
        for name, text in ((f"with deopt points{option}", with_points), (f"callees with deopt points{option}", in_callees)):
            words_with_points = words_for(put(folder / name, text.replace("# deopt-here!", f"# deopt-here!{option}")))
            yield f"deopt points/{name}", words_with_points
            yield f"deopt points/{name}, all inlined", [*words_with_points, *INLINE]
            yield f"deopt points/{name}, not inlined", [*words_with_points, "--jit-param", "inline_size=1"]
    words_with_points = words_for(put(folder / "cut", with_points))
    for length in range(3, 60):
        yield f"deopt points/cut at {length}", [*words_with_points, *INLINE, "--jit-param", f"max_instructions={length}"]
    for position in programs.FAILING:
        words_failing = words_for(put(folder / position, programs.failing_program(position)))
        for how in ([], ["--deopt-sweep"], INLINE, ["--jit-param", "inline_size=1"]):
            yield f"errors/{position}", [*words_failing, *how], [*words_failing, "--jit=off"]
    words_slots = words_for(put(folder / "slots", programs.slots_program()))
    words_given = words_for(put(folder / "given", programs.given_program(), programs.POLY))
    for length in range(3, 80):
        cut = ["--jit-param", f"max_instructions={length}"]
        yield f"in slots, cut at {length}", [*words_slots, *INLINE, *cut]
        yield f"given, cut at {length}", [*words_given, *INLINE, *cut]
        if length < 6:
            yield f"given, not inlined, cut at {length - 2}", [*words_given, "--jit-param", "inline_size=1", "--jit-param",
                                                               f"max_instructions={length - 2}"]
    yield "levels", [*words_for(put(folder / "levels", programs.HEAD + programs.HELPERS + programs.LEVELS)), *INLINE]
    for length in CUTS:
        yield f"all opcodes, cut at {length}", [*words, *INLINE, "--jit-param", f"max_instructions={length}"]
    for seed in range(1, CHAOS_SEEDS + 1):
        yield f"all opcodes, chaos {seed}", [*words, f"--chaos={seed}"]
        yield f"all opcodes, all inlined, chaos {seed}", [*words, *INLINE, f"--chaos={seed}"]
        yield f"all opcodes, not inlined, chaos {seed}", [*words, "--jit-param", "inline_size=1", f"--chaos={seed}"]
    for length in range(15, 100, 2):
        yield f"all opcodes, not inlined, cut at {length}", [*words, "--jit-param", "inline_size=1", "--jit-param",
                                                             f"max_instructions={length}"]
    yield "all opcodes, nothing inlined", [*words, "--deopt-sweep", "--jit-param", "inline_size=1"]
    yield "all opcodes, every exit", [*words, "--deopt-every=1"]
    (folder / "B.fble").write_text(programs.HEAD + programs.HELPERS + programs.EXPORTS)
    for number, text in enumerate(programs.MODULES):
        (folder / f"M{number}.fble").write_text(f"{programs.TYPES}{text}\n# It is a global if a function mentions it.\nf = (Unit@ _) {{ v; }};\nf;\n")
        for seed in range(30 if number == 0 else 4):
            yield f"module {number}, {seed}", [*words_for(folder, f"/M{number}%"), *([f"--chaos={seed}"] if seed else ["--deopt-sweep"])]
    for topic in ("21-recursion", "22-calls", "23-packing", "30-programs"):
        for file in sorted((LANG / topic).glob("*.fble")):
            words = [fble, "test", "-I", str(LANG), str(file), "--jit=eager"]
            yield f"{topic}/{file.stem}, sweep", [*words, "--deopt-sweep"]
            yield f"{topic}/{file.stem}, chaos", [*words, "--chaos=1"]
            yield f"{topic}/{file.stem}, counted", [*words, "--profile-blocks", os.devnull]


def run(job, cells_file):
    name, words, *reference = job
    outcome = subprocess.run(words, capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
                             env=dict(os.environ, FBLE_DEOPT_MATRIX=str(cells_file)))
    problem = ""
    # Programs of tests/lang may be meant to fail, and not all deopt points are hit: but nothing may crash.
    crashed = outcome.returncode < 0 or b"internal error" in outcome.stderr
    if crashed or (outcome.returncode != 0 and "/" not in name):
        problem = next((line for line in outcome.stderr.decode(errors="replace").splitlines() if "error" in line), "fails")
    if reference and not problem:
        expected = subprocess.run(*reference, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        if expected.returncode == 0:
            problem = "does not fail"
        elif (expected.returncode, expected.stdout, expected.stderr) != (outcome.returncode, outcome.stdout, outcome.stderr):
            problem = "the error is another one without machine code"
    cells = cells_file.read_text().splitlines() if cells_file.exists() else []
    return name, [tuple(line.split("\t")[:3]) for line in cells], outcome.returncode, problem


def reason_for(position, column):
    if column == "error" and position.removeprefix("at ") in {name for name, _, effects in opcodes() if "f" not in effects}:
        return "it does not fail"
    for rows, columns, why in IMPOSSIBLE:
        if re.fullmatch(rows, position) and re.fullmatch(columns, column):
            return why
    return None


def is_open(row, column):
    return any(re.fullmatch(rows, row) and re.fullmatch(columns, column) for rows, columns in OPEN)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fble")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    filled = {}
    problems = []
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        folder = pathlib.Path(name)
        jobs = list(runs(arguments.fble, folder))
        futures = [pool.submit(run, job, folder / f"cells-{index}") for index, job in enumerate(jobs)]
        for future in futures:
            test, cells, status, problem = future.result()
            if problem:
                problems.append(f"{test}: {problem}")
            for position, location, guard in cells:
                reason = REASON_OF.get(guard, "guard")
                filled.setdefault((position, location), test)
                filled.setdefault((position, reason), test)
                filled.setdefault((location, reason), test)
                filled.setdefault((guard, "taken"), test)
    # Where garbage is collected and attention is paid is where there is a state to go back to: not a matter of opcodes.
    required = [reason for reason in reasons() if reason not in ("collect", "poll")]
    table = [(row, column) for row in positions() for column in LOCATIONS + required]
    table += [(row, column) for row in LOCATIONS for column in reasons()]
    table += [(row, "taken") for row in guards() + FURTHER]
    still_open = 0
    for row, column in table:
        why, test = reason_for(row, column), filled.get((row, column))
        if test is None and why is None and is_open(row, column):
            still_open += 1
            why = "nothing known, no test"
        if test is None and why is None:
            problems.append(f"no test for: {row}, {column}")
        if test is not None and why is not None:
            problems.append(f"said to be impossible ({why}): {row}, {column}: {test}")
        if arguments.print:
            print(f"{row:26} {column:18} {test or 'no test: ' + (why or '?')}")
    rows, columns = positions() + LOCATIONS + guards() + FURTHER, LOCATIONS + reasons() + ["taken"]
    problems.extend(f"not in the matrix: {row}, {column}" for row, column in filled if row not in rows or column not in columns)
    count = len(set(filled) & set(table))
    for problem in sorted(set(problems)):
        print(problem)
    print(f"{len(table)} cells: {count} filled by tests, {len(table) - count - still_open} impossible, {still_open} open; "
          f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
