"""Runs in gdb: stops a program at random times and prints what scripts/gdb/fble_gdb.py shows, a line of JSON each.

The variable `plan`, a dict, is set before: see tests/gdb/gdb_test.py.
"""

import json
import random
import subprocess

import gdb


def note(kind, **what):
    print("@" + json.dumps({"kind": kind, **what}), flush=True)


def shown(command):
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as problem:
        return f"error: {problem}"


def interrupt_after(seconds):
    number = gdb.selected_inferior().pid
    subprocess.Popen(["sh", "-c", f"sleep {seconds:.4f}; kill -INT {number}"])  # noqa: S602
    shown("continue")


def step_through_exit(most_steps):
    """Steps until the program comes to an exit of a trace, and through its sled; prints the stack at each push."""
    push_rsp = b"\x54"

    def register(name):
        return int(gdb.selected_frame().read_register(name)) & (2**64 - 1)

    def pushes():
        return sled_pushes(register("rsp")) or sled_pushes(register("rsp") + WORD)

    def is_at_push():
        pc = register("rip")
        return trace_at(pc) is not None and read(pc, 1) == push_rsp

    for _ in range(most_steps):
        if not is_alive() or is_at_push():
            break
        shown("stepi")
    last = -1
    while is_alive() and (count := pushes()) >= max(last, 0) and (is_at_push() or count > 0):
        note("exit", fble=shown("fble bt 1000"), pushes=count, shared=trace_at(register("rip")) is None)
        shown("stepi")
        last = count


def is_alive():
    return gdb.selected_inferior().pid != 0


for setting in ("pagination off", "confirm off", "width 0", "print thread-events off", "backtrace limit 5000"):
    shown("set " + setting)
chance = random.Random(plan["seed"])
shown("starti")
# A busy machine is slow to come to where the program is hot.
for _ in range(600):
    interrupt_after(0.1)
    if not is_alive() or plan["until"] in shown("fble bt 8"):
        break
for _ in range(plan["stops"]):
    interrupt_after(chance.uniform(0, plan["between"]))
    if not is_alive():
        break
    bt = shown("bt -no-filters" if plan["deep"] else "bt")
    note("stop", bt=bt, fble=shown("fble bt 1000"), at=shown("info symbol $pc"))
if plan["steps"]:
    step_through_exit(plan["steps"])
for command in plan["commands"]:
    if is_alive():
        note("command", command=command, text=shown(command))
if plan["interrupted"] and is_alive():
    interrupt_after(chance.uniform(0, plan["between"]))
    # The program prints the same stack when it has come to its next yield point.
    shown("break fble::Carrier::raise_interrupted")
    shown("signal SIGINT")
    note("raise", fble=shown("fble bt 1000"))
    shown("continue")
elif is_alive():
    shown("kill")
