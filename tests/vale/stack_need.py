#!/usr/bin/env python3
"""Computes how much stack functions need: each function with all that it calls.

  stack_need.py --first -o HEADER FUNCTION...                     writes a header with sizes of 0
  stack_need.py --program PROGRAM -o HEADER FUNCTION...           writes one with the needs of the functions
  stack_need.py --program PROGRAM --check HEADER FUNCTION...      compares; exit status 1 if the header is another
  stack_need.py --program PROGRAM --machine FRAMES FUNCTION...    prints the needs beside those from machine_frames' output

The program is compiled by clang with -fstack-size-section, so it has the size of each function's frame. The calls are read
from its code. A function needs its return address, its frame, and the most that any function needs which it calls.

Two kinds of calls end the sum. What is called through a pointer is not known, and a function that is in a cycle of calls
needs no end of stack. Both are called by a wrapper (*_on_chunk), which takes a chunk for the function. So a call
through a pointer needs what the largest wrapper needs. A call of a function in a cycle needs nothing: it is the form that is
not concurrent, and there must be a call of the wrapper beside it.

A call that runs on another stack (vale_*, switch.h) needs only what its assembler states. A call of a function
whose size is not known, as those of libc, is an error.
"""

import argparse
import pathlib
import re
import subprocess
import sys

sys.setrecursionlimit(100_000)

RETURN_ADDRESS = 8
WRAPPER = "_on_chunk"
SWITCH = "vale_"


class Failure(Exception):
    """An error for the user, without a stack trace."""


def output(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def short_name(symbol):
    """The name of a function without namespaces and parameters: of a mangled symbol, the last part of its nested name."""
    name = symbol
    if match := re.match(r"_ZN(?:L)?(.*)", symbol):
        rest = match[1]
        while part := re.match(r"L?(\d+)", rest):
            length = int(part[1])
            name, rest = rest[part.end():part.end() + length], rest[part.end() + length:]
    return name


def frame_sizes(program):
    """Bytes of each function's frame, its return address left out, by symbol."""
    sizes = {}
    for line in output("llvm-readelf-19", "--stack-sizes", program).splitlines():
        if match := re.fullmatch(r"\s*(\d+)\s+(\S.*)", line):
            for symbol in match[2].split(", "):
                sizes[symbol] = int(match[1])
    if not sizes:
        raise Failure(f"{program} has no sizes of frames: it was not compiled with -fstack-size-section")
    return sizes


# An instruction that leaves a function: a call, or a jump to another one. `<name+0x10>` is inside of a function.
LEAVES = re.compile(r"\s+[0-9a-f]+:\s+(call|j\w+)q?\s+(?:(\*)|0x[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>)")


def calls_in(program, sizes):
    """(depth, callee) of each call, by the caller's symbol. The depth is what is on the stack of the caller's frame then;
    none in a jump, which leaves the frame first. A callee that is not known is None."""
    calls = {}
    symbol = None
    for line in output("llvm-objdump-19", "-d", "--no-show-raw-insn", program).splitlines():
        if match := re.fullmatch(r"[0-9a-f]+ <(.*)>:", line):
            symbol = match[1]
            calls[symbol] = set()
        elif symbol and (match := LEAVES.match(line)):
            kind, through_pointer, callee, inside = match.groups()
            if kind == "call":
                calls[symbol].add((sizes.get(symbol, 0), None if through_pointer else callee))
            elif not through_pointer and not inside and callee != symbol:
                calls[symbol].add((None, callee))
    return calls


def in_cycles(calls):
    """The functions that are in a cycle of calls: strongly connected components, by Tarjan's algorithm."""
    index, low, component, stack, found = {}, {}, {}, [], set()

    def visit(at):
        index[at] = low[at] = len(index)
        stack.append(at)
        for _, callee in calls.get(at, ()):
            if callee is None:
                continue
            if callee not in index:
                visit(callee)
            if callee not in component:
                low[at] = min(low[at], low[callee])
        if low[at] == index[at]:
            members = stack[stack.index(at):]
            del stack[-len(members):]
            component.update(dict.fromkeys(members, index[at]))
            if len(members) > 1 or any(callee == at for _, callee in calls.get(at, ())):
                found.update(members)

    for symbol in calls:
        if symbol not in index:
            visit(symbol)
    return found


class Program:
    """Needs are bytes, the return address included."""

    def __init__(self, sizes, calls):
        self.sizes = sizes
        # What assembler calls runs on another stack.
        self.calls = {symbol: () if symbol.startswith(SWITCH) else found for symbol, found in calls.items()}
        self.in_cycles = in_cycles(self.calls)
        self.known = {}
        self.through_pointer = 0
        self.through_pointer = max((self.need(each) for each in sizes if short_name(each).endswith(WRAPPER)), default=0)

    def need(self, symbol, callers=()):
        if symbol not in self.known:
            self.known[symbol] = self.compute(symbol, callers + (symbol,))
        return self.known[symbol]

    def compute(self, symbol, callers):
        if symbol not in self.sizes:
            raise Failure("a size is not known: " + " calls ".join(map(short_name, callers)))
        most = RETURN_ADDRESS + self.sizes[symbol]
        for depth, callee in self.calls.get(symbol, ()):
            if callee is None:
                below = self.through_pointer
            elif callee in self.in_cycles:
                self.require_wrapper(symbol, callee)
                continue
            else:
                below = self.need(callee, callers)
            most = max(most, below if depth is None else RETURN_ADDRESS + depth + below)
        return most

    def require_wrapper(self, symbol, callee):
        wrapper = short_name(callee) + WRAPPER
        if all(other is None or short_name(other) != wrapper for _, other in self.calls[symbol]):
            raise Failure(f"{short_name(symbol)} calls {short_name(callee)}, which is in a cycle of calls, but not {wrapper}")

    def symbol(self, name):
        found = [symbol for symbol in self.sizes if short_name(symbol) == name]
        if len(found) != 1:
            raise Failure(f"there are {len(found)} functions {name}")
        return found[0]


def read_program(path):
    sizes = frame_sizes(path)
    return Program(sizes, calls_in(path, sizes))


def read_machine(path):
    """Reads what machine_frames prints: a line with the size of a frame, or with a call, for each."""
    sizes, calls = {}, {}
    for line in pathlib.Path(path).read_text().splitlines():
        kind, symbol, depth, *callee = line.split()
        if kind == "frame":
            sizes[symbol] = int(depth)
            calls.setdefault(symbol, set())
        elif kind == "failed":
            sizes.pop(symbol, None)
        else:
            calls.setdefault(symbol, set()).add((None if kind == "jump" else int(depth), callee[0] if callee else None))
    return Program(sizes, calls)


def header(needs):
    lines = ["// Written by tests/vale/stack_need.py: bytes of stack, from the return address down.", "#pragma once", "",
             '#include "tests/vale/chunk.h"', "", "namespace vale::stack_need {", ""]
    lines += [f'inline constexpr StackNeed {name}{{"{name}", {bytes}}};' for name, bytes in needs.items()]
    return "\n".join([*lines, "", "}  // namespace vale::stack_need", ""])


def compare(needs, machine):
    """Prints needs from both sources. Returns whether the compiler's are never less."""
    print(f"{'function':20} {'compiler':>8} {'machine code':>12}")
    good = True
    for name, bytes in needs.items():
        other = machine.need(machine.symbol(name))
        print(f"{name:20} {bytes:8} {other:12}")
        good &= bytes >= other
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="+", metavar="FUNCTION")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--first", action="store_true")
    source.add_argument("--program")
    parser.add_argument("-o", dest="written", type=pathlib.Path, metavar="HEADER")
    parser.add_argument("--check", type=pathlib.Path, metavar="HEADER")
    parser.add_argument("--machine", metavar="FRAMES")
    parser.add_argument("--fault", type=int, default=0, metavar="BYTES",
                        help="writes sizes that are too small by this, to see that an audit notices")
    options = parser.parse_args()
    needs = dict.fromkeys(options.functions, 0)
    if options.program:
        program = read_program(options.program)
        needs = {name: program.need(program.symbol(name)) - options.fault for name in options.functions}
    if options.written:
        options.written.parent.mkdir(parents=True, exist_ok=True)
        options.written.write_text(header(needs))
    if options.check and options.check.read_text() != header(needs):
        raise Failure(f"the sizes in {options.check} are not those of {options.program}, which was compiled with them")
    if options.machine and not compare(needs, read_machine(options.machine)):
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError) as failure:
        sys.exit(f"stack_need.py: {failure}")
