"""Fble in gdb: stacks, traces and values of a program that fble-jit runs, live or from a core file.

    gdb -x scripts/gdb/fble_gdb.py -p PID        (or: fble-jit core)

    bt                   Fble functions are where the machine code or the interpreter is
    fble bt [N]          the Fble stack alone: all of it, or the innermost N lines
    fble trace ADDRESS   the trace that has the machine code at the address, and the source it is from
    fble print VALUE     a value: a number or an expression of gdb, such as $rax
    fble slots [N]       the slots of frame N of `fble bt`, which is 0 unless it is given

With FBLE_JIT_GDB=1 in the program's environment, the place in each trace is exact and inlined calls are shown, marked
[inlined]. Without it, machine code is shown as the function that its trace belongs to.

Nothing is called in the program, and no debug information is needed: the program has a table of offsets
(jit/engine/debug_layout.def). docs/debugging.md is the manual; tests/gdb/gdb_test.py tests this file.
"""

import gdb
import struct
from gdb.FrameDecorator import FrameDecorator

VERSION = 1
WORD = 8
NO_SITE = 0xFFFFFFFF

# The words on the native stack above the return addresses, at most: what a stub has pushed.
MOST_WORDS_ABOVE = 24
# Code without CFI of C++: what is on the native stack does not matter there (interp/native_stack.cc).
ASSEMBLER = ("fble::return_by_frame", "fble::write_return_words", "fble::leave_by_call", "fble::leave_by_native_call",
             "fble::leave_by_sled")
ENTER = "fble::(anonymous namespace)::enter("


class NotThere(Exception):
    """What was asked for is not in the process."""


# ---- reading memory ---------------------------------------------------------


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.MemoryError:
        raise NotThere(f"no memory at {address:#x}")


def word(address):
    return struct.unpack("<Q", read(address, WORD))[0]


def u32(address):
    return struct.unpack("<I", read(address, 4))[0]


def i32(address):
    return struct.unpack("<i", read(address, 4))[0]


def byte(address):
    return read(address, 1)[0]


def text(address):
    """The text of a std::string."""
    return read(word(address), word(address + WORD)).decode("utf-8", "replace")


class Layout:
    """The program's table of offsets, and where to begin."""

    def __init__(self):
        try:
            row = int(gdb.parse_and_eval("(unsigned long)&fble_debug_layout"))
            self.state = int(gdb.parse_and_eval("(unsigned long)&fble_debug_state"))
        except gdb.error:
            raise NotThere("this program is no fble-jit, or its symbols have been stripped")
        self.rows = {}
        while (name := word(row)) != 0:
            chars = b""
            while (char := read(name + len(chars), 1)) != b"\0":
                chars += char
            self.rows[chars.decode()] = struct.unpack("<q", read(row + WORD, WORD))[0]
            row += 2 * WORD
        if self.rows.get("version") != VERSION:
            raise NotThere(f"version {self.rows.get('version')} of the program's table is not known here")

    def __getitem__(self, name):
        return self.rows[name]

    def field(self, address, name):
        """The word in a field."""
        return word(address + self.rows[name])


the_layout = None
known_codes = {}


def layout():
    global the_layout
    if the_layout is None:
        the_layout = Layout()
    return the_layout


def forget(*_):
    global the_layout
    the_layout = None
    known_codes.clear()


for event in ("new_objfile", "clear_objfiles", "exited"):
    if hasattr(gdb.events, event):
        # Objects of machine code come while the program runs: they change nothing.
        getattr(gdb.events, event).connect(
            forget if event != "new_objfile" else lambda e: None if e.new_objfile.filename.startswith("<") else forget()
        )


def state(name):
    return layout().field(layout().state, "DebugState." + name)


# ---- code -------------------------------------------------------------------


class Code:
    """The bytecode of a function, with its places in the source."""

    def __init__(self, address):
        at = layout()
        self.address = address
        self.begin = word(address + at["Code.words"])
        self.end = word(address + at["Code.words"] + WORD)
        self.block = text(word(address + at["Code.block"]))
        self.is_glue = byte(address + at["Code.is_glue"]) != 0
        self.is_native = word(address + at["Code.native"]) != 0
        self.frame_slots = u32(address + at["Code.frame_slots"])
        self.loc = self._loc(address + at["Code.loc"])
        first, last = word(address + at["Code.locs"]), word(address + at["Code.locs"] + WORD)
        size = at["LocEntry"]
        entries = read(first, last - first) if last > first else b""
        self.ends = [struct.unpack_from("<I", entries, i + at["LocEntry.end"])[0] for i in range(0, len(entries), size)]
        self.locs = first

    @staticmethod
    def _loc(address):
        at = layout()
        return text(word(address + at["Loc.file"])), u32(address + at["Loc.line"])

    def has(self, position):
        return self.begin <= position <= self.end

    def place_at(self, position):
        """The file and line of a position, as Code::place_at finds it."""
        offset = (position - self.begin) // 4
        for index, end in enumerate(self.ends):
            if offset < end:
                found = self._loc(self.locs + index * layout()["LocEntry"] + layout()["LocEntry.loc"])
                return found if found[1] != 0 else self.loc
        return self.loc


def code_at(address):
    if address not in known_codes:
        known_codes[address] = Code(address)
    return known_codes[address]


def object_at(address):
    """The object's address, header and fields' address; of one that a collection is moving, its new place."""
    header = word(address)
    if header & 1 == 0:
        address = header
        header = word(address)
    return address, header, address + WORD


def kind_of(header):
    return header >> 1 & 7


def code_of_frame(fp):
    closure = word(fp + WORD * layout()["slot.closure"])
    if closure == 0 or closure & 3 != 0:
        raise NotThere("no function in the frame")
    _, header, fields = object_at(closure)
    if kind_of(header) != layout()["ObjectKind.closure"]:
        raise NotThere("no function in the frame")
    return code_at(word(fields))


# ---- machine code -----------------------------------------------------------


class Trace:
    def __init__(self, address):
        at = layout()
        self.address = address
        self.id = u32(address + at["CompiledTrace.id"])
        self.root = u32(address + at["CompiledTrace.root"])
        self.kind = byte(address + at["CompiledTrace.kind"])
        self.code = code_at(word(address + at["CompiledTrace.code"]))
        self.start = word(address + at["CompiledTrace.start"])
        self.bytes = word(address + at["CompiledTrace.code_bytes"])
        self.evicted = byte(address + at["CompiledTrace.evicted"]) != 0
        self.map = word(address + at["CompiledTrace.code_map"])

    def kind_text(self):
        kinds = ("function", "bridge", "continuation")
        return next((kind for kind in kinds if layout()["TraceKind." + kind] == self.kind), "trace")

    def place(self, address):
        """The row of the code map for the address: None if the program keeps no maps."""
        if self.map == 0:
            return None
        at = layout()
        first = word(self.map + at["CodeMap.rows"])
        count = (word(self.map + at["CodeMap.rows"] + WORD) - first) // at["CodeRow"]
        low, high = 0, count - 1
        while low < high:
            middle = (low + high + 1) // 2
            if u32(first + middle * at["CodeRow"] + at["CodeRow.offset"]) <= address - self.start:
                low = middle
            else:
                high = middle - 1
        return Place(self, first + low * at["CodeRow"])


class Place:
    """A row of a code map (jit/x64/code_map.h)."""

    def __init__(self, trace, row):
        at = layout()
        self.trace = trace
        self.kind = byte(row + at["CodeRow.kind"])
        self.index = u32(row + at["CodeRow.index"])
        self.site = u32(row + at["CodeRow.site"])
        self.pc = word(row + at["CodeRow.pc"])
        self.fp_slots = i32(row + at["CodeRow.fp_slots"])
        self.native = word(row + at["CodeRow.native"])

    def sites(self):
        """The activations, innermost first: (code, return position in the caller or 0)."""
        at = layout()
        first = word(self.trace.map + at["CodeMap.sites"])
        site = self.site
        while site != NO_SITE:
            address = first + site * at["InlineSite"]
            yield code_at(word(address + at["InlineSite.code"])), word(address + at["InlineSite.return_position"])
            site = u32(address + at["InlineSite.parent"])


def is_machine_code(address):
    return state("code_begin") <= address < state("code_end")


def trace_at(address):
    """The trace whose machine code has the address, or None: code that traces share is no trace's."""
    if not is_machine_code(address) or (traces := state("traces")) == 0:
        return None
    first, count = word(traces), (word(traces + WORD) - word(traces)) // WORD
    low, high = 0, count
    start_at = layout()["CompiledTrace.start"]
    while low < high:
        middle = (low + high) // 2
        if word(word(first + middle * WORD) + start_at) <= address:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return None
    trace = Trace(word(first + (low - 1) * WORD))
    return trace if address < trace.start + trace.bytes else None


def is_return_address(address):
    """Whether a call in machine code returns there: what follows is as interp/native_stack.h says."""
    if not is_machine_code(address) or trace_at(address) is None:
        return False
    code = read(address, layout()["native.distance"])
    position = layout()["native.position"]
    return code[0] == layout()["native.jump"] and code[position - 2 : position] == b"\x49\xbb" and code[-1] == 0xB8


def sled_pushes(native):
    """How many words from there on a sled has pushed: each is the address above itself."""
    count = 0
    try:
        while word(native + WORD * count) == native + WORD * (count + 1):
            count += 1
    except NotThere:
        pass  # the native stack is empty
    return count


# Instructions that move the frame register: add and sub r13, with 8 or 32 bits.
MOVE_UP = (b"\x49\x83\xc5", b"\x49\x81\xc5")
MOVE_DOWN = (b"\x49\x83\xed", b"\x49\x81\xed")


def bytes_moved(trace, pc):
    """How far above the root frame the frame register is at a place of a trace without a map, as its code shows."""
    if is_return_address(pc):
        return u32(pc + layout()["native.distance"])
    # Before a call, after the register has been moved.
    ahead = read(pc, min(32, trace.start + trace.bytes - pc))
    for length in range(2, len(ahead)):
        if is_return_address(pc + length):
            moves = any(move in ahead[:length] for move in MOVE_UP)
            return 0 if moves else u32(pc + length + layout()["native.distance"])
    # At the beginning of a continuation, before it is moved back.
    if trace.kind == layout()["TraceKind.continuation"]:
        code = read(trace.start, min(64, trace.bytes))
        at = min((place for move in MOVE_DOWN if (place := code.find(move)) >= 0), default=-1)
        if at >= pc - trace.start:
            return code[at + 3] if code[at : at + 3] == MOVE_DOWN[0] else u32(trace.start + at + 3)
    return 0


# The call at the end of a sled: of the address that rdi points to.
SLED_CALL = b"\xff\x17"


def calls_shared_code(address):
    """Whether the call before the address is one of code that traces share, from a trace."""
    if not is_machine_code(address - 1) or trace_at(address - 1) is None:
        return False
    call = read(address - 5, 5)
    if call.endswith(SLED_CALL):
        return True
    if call[0] != 0xE8:
        return False
    target = address + struct.unpack("<i", call[1:])[0]
    return is_machine_code(target) and trace_at(target) is None


# ---- the stack --------------------------------------------------------------


class Activation:
    """A line of the stack."""

    def __init__(self, code, position, fp=None, trace=None, inlined=False, innermost=False):
        self.code = code
        self.position = position  # None: not known
        self.fp = fp
        self.trace = trace
        self.inlined = inlined
        if position is None:
            self.file, self.line = code.loc
            self.exact = False
        else:
            self.file, self.line = code.place_at(position if innermost else position - 4)
            self.exact = True

    def notes(self):
        if self.code.is_native:
            return " [native]"
        if self.trace is None:
            return ""
        notes = f"trace {self.trace.id}" + (", inlined" if self.inlined else "") + ("" if self.exact else ", somewhere")
        return f" [{notes}]"

    def __str__(self):
        where = f" at {self.file}:{self.line}" if self.line != 0 else ""
        return self.code.block + where + self.notes()


class Walk:
    """The way from the registers to the bottom of the call stack, as interp/sampler.cc goes it."""

    def __init__(self, frame, is_innermost_run):
        """`frame`: gdb's, for machine code or a handler."""
        self.pc = frame.pc()
        self.is_level_0 = frame.level() == 0
        self.is_innermost_run = is_innermost_run
        self.r12, self.r13, self.rsp = (int(frame.read_register(name)) & (2**64 - 1) for name in ("r12", "r13", "rsp"))
        self.unwritten = 0  # the topmost frame whose return words are on the native stack
        self.native = 0  # the place of its return address there

    def position_after(self, fp):
        """The frame's return position, 0 for the outermost frame."""
        if fp != 0 and fp == self.unwritten:
            return word(word(self.native) + layout()["native.position"])
        return word(fp + WORD * layout()["slot.return_position"])

    def find_native_calls(self, fp, native):
        self.unwritten = self.native = 0
        for at in range(native, native + MOST_WORDS_ABOVE * WORD, WORD):
            try:
                value = word(at)
            except NotThere:
                return
            if value == state("return_by_frame"):
                return
            if is_return_address(value):
                self.unwritten, self.native = fp, at
                return

    def pass_native_call(self):
        self.unwritten -= u32(word(self.native) + layout()["native.distance"])
        self.native += WORD
        while is_machine_code(word(self.native)) and byte(word(self.native)) != layout()["native.jump"]:
            self.native += WORD * layout()["native.memo_words"]
        if not is_return_address(word(self.native)):
            if word(self.native) != state("return_by_frame"):
                raise NotThere("the native stack has no sense")
            self.unwritten = 0

    def callers(self, fp, innermost=False):
        """The callers of a frame. The first one is where the program is, if the frame's own activation is not known."""
        while (position := self.position_after(fp)) != 0:
            callee = fp
            fp -= WORD * u32(position - 4)
            if callee == self.unwritten:
                self.pass_native_call()
            code = code_of_frame(fp)
            if not code.has(position):
                raise NotThere("a return position that is not in the caller")
            yield Activation(code, position, fp)

    def in_trace(self, trace, place, fp, runs_native):
        """The activations at a place of machine code, with the frame register there."""
        if place is None:
            yield Activation(code_of_frame(fp), None, fp, trace)
            yield from self.callers(fp)
            return
        root = fp - WORD * place.fp_slots
        position, innermost = place.pc, True
        if runs_native and place.native != 0:
            native = code_at(place.native)
            yield Activation(native, native.begin, innermost=True)
        sites = list(place.sites())
        for depth, (code, return_position) in enumerate(sites):
            is_root = depth == len(sites) - 1
            yield Activation(code, position, root if is_root else None, trace, not is_root, innermost)
            position, innermost = return_position, False
        yield from self.callers(root)

    def is_moving(self, pc, fp):
        """Whether this is in the middle of a call or return: the position is that of the caller, still or already."""
        caller = self.position_after(fp)
        return caller != 0 and (pc == caller or is_call_before(pc, caller))

    def in_frame(self, pc, fp, is_exact):
        """The activations of a frame of the interpreter and its callers. `is_exact`: it has not been read in the middle
        of a call or return. In a recursion, those look like the call before."""
        if is_exact or not self.is_moving(pc, fp):
            code = code_of_frame(fp)
            if not code.has(pc):
                raise NotThere("a position that is not in the code of the frame")
            yield Activation(code, pc, fp, innermost=True)
        yield from self.callers(fp)

    def activations(self):
        at = layout()
        carrier = state("carrier")
        call = word(state("call") + at["MachineCall.address"]) if self.is_innermost_run else 0
        if call != 0:
            # C++ that machine code has called. Its registers are gone.
            fp = word(state("call") + at["MachineCall.fp"])
            native = word(state("call") + at["MachineCall.native_stack"])
            trace = trace_at(call)
            place = trace.place(call) if trace is not None else None
            if native != 0:
                self.find_native_calls(fp - (WORD * place.fp_slots if place is not None else 0), native)
            if trace is None:
                return (yield from self.callers(fp))
            return (yield from self.in_trace(trace, place, fp, True))
        if is_machine_code(self.pc) or self.is_assembler():
            return (yield from self.in_machine_code(carrier))
        registers, published = (self.r12, self.r13), None
        if self.is_innermost_run:
            published = word(carrier + at["Carrier.pc"]), word(carrier + at["Carrier.fp"])
        # Where C++ may look at the stack, the carrier has the position; elsewhere the registers have it. At the entry of
        # a function they have the frame, but the position is still that of the call.
        is_program = byte(state("activity")) == at["activity.program"]
        is_entry = not self.is_level_0 and published is not None and published[1] == self.r13
        is_entry = is_entry and self.is_moving(self.r12, self.r13)
        places = [registers, published] if (self.is_level_0 or is_program) and not is_entry else [published, registers]
        for place in places:
            if place is None or not is_frame(place[1]):
                continue
            try:
                first = next(walk := self.in_frame(*place, place is published), None)
            except NotThere:
                continue
            if first is not None:
                yield first
                return (yield from walk)
        raise NotThere("the frame that runs was not found")

    def is_assembler(self):
        return any(symbol_name(self.pc).startswith(name) for name in ASSEMBLER)

    def in_machine_code(self, carrier):
        at = layout()
        trace = trace_at(self.pc)
        if trace is not None:
            # In a sled, the exit is the one where the pushes began.
            place = trace.place(self.pc - sled_pushes(self.rsp))
            if place is None:
                root = self.r13 - bytes_moved(trace, self.pc)
                self.find_native_calls(root, self.rsp)
                return (yield from self.in_trace(trace, None, root, False))
            self.find_native_calls(self.r13 - WORD * place.fp_slots, self.rsp)
            return (yield from self.in_trace(trace, place, self.r13, False))
        # Code that traces share. It was called by a trace, or leaves one.
        for address in range(self.rsp, self.rsp + MOST_WORDS_ABOVE * WORD, WORD):
            try:
                value = word(address)
            except NotThere:
                break
            if calls_shared_code(value):
                trace = trace_at(value - 1)
                pushes = sled_pushes(address + WORD)
                place = trace.place(value - 1 if pushes == 0 else value - at["native.sled_call"] - pushes)
                self.find_native_calls(self.r13, address + WORD)
                return (yield from self.in_trace(trace, place, self.r13, not self.is_level_0))
        if not self.is_level_0 and self.is_innermost_run:
            pc, fp = word(carrier + at["Carrier.pc"]), word(carrier + at["Carrier.fp"])
            if is_frame(fp) and code_of_frame(fp).has(pc):
                return (yield from self.in_frame(pc, fp, True))
        self.find_native_calls(self.r13, self.rsp)
        return (yield from self.callers(self.r13))


def symbol_name(pc):
    """What gdb calls the code at the address, without an offset."""
    try:
        return gdb.execute(f"info symbol {pc:#x}", to_string=True).split(" ")[0]
    except gdb.error:
        return ""


def is_frame(fp):
    try:
        code_of_frame(fp)
        return True
    except NotThere:
        return False


def is_call_before(pc, position):
    """Whether the instruction at pc is the call that returns to the position."""
    length = (position - pc) // 4
    if length < 5 or length > 2**16:
        return False
    for name in ("op.call", "op.call_global"):
        fixed = u32(pc) - layout()[name]
        if 0 <= fixed <= 3:
            return length == (5 + u32(pc + 8) if fixed == 0 else 4 + fixed)
    return False


def is_run(frame):
    """Whether gdb's frame is the machine code or the handler in which a run is: that which `enter` has called."""
    if is_machine_code(frame.pc()):
        return True
    name = frame.name() or ""
    if name.startswith(ASSEMBLER):
        return True
    older = frame.older()
    return older is not None and (older.name() or "").startswith(ENTER[:-1])


def runs():
    """gdb's frames of all runs of the thread, innermost first: usually one."""
    frame = gdb.newest_frame()
    while frame is not None:
        if is_run(frame):
            yield frame
        frame = frame.older()


def stack():
    """The activations, innermost first."""
    run = next(runs(), None)
    if run is None:
        raise NotThere("no Fble program runs in this thread")
    # Glue only passes calls on, and is in no stack trace.
    return (activation for activation in Walk(run, True).activations() if not activation.code.is_glue)


# ---- frames of `bt` ---------------------------------------------------------


class FbleFrame(FrameDecorator):
    def __init__(self, base, activation):
        super().__init__(base)
        self.activation = activation

    def function(self):
        return self.activation.code.block + self.activation.notes()

    def filename(self):
        return self.activation.file if self.activation.line != 0 else None

    def line(self):
        return self.activation.line if self.activation.line != 0 else None

    def address(self):
        return None

    def frame_args(self):
        return None

    def frame_locals(self):
        return None


class FbleFilter:
    """Replaces the frame of machine code, or of the interpreter, by those of the Fble program."""

    def __init__(self):
        self.name = "fble"
        self.priority = 100
        self.enabled = True
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        is_innermost_run = True
        for decorated in frames:
            frame = decorated.inferior_frame()
            try:
                if not is_run(frame):
                    yield decorated
                    continue
                shown = False
                for activation in Walk(frame, is_innermost_run).activations():
                    if activation.code.is_glue:
                        continue
                    shown = True
                    yield FbleFrame(decorated, activation)
                is_innermost_run = False
                if not shown:
                    yield decorated
            except NotThere:
                yield decorated


# ---- values -----------------------------------------------------------------


def value_text(value, depth=3, width=8):
    """A word as a value. Its type is not known: fields have no names, and packed data are bits."""
    if value == 0:
        return "(nothing)"
    if value & 1 != 0:
        bits = value.bit_length() - 2
        return "packed " + (f"{(value >> 1) & ((1 << bits) - 1):#0{bits + 2}b}" if bits > 0 else "unit")
    if value & 3 == 2:
        return "(of a recursive value that is being defined)"
    at = layout()
    address, header, fields = object_at(value)
    if header & 1 == 0:
        return f"(no object at {value:#x})"
    count, tag, kind = header >> 32, header >> 8 & 0xFFFFFF, kind_of(header)
    parts = lambda first: [
        value_text(word(fields + i * WORD), depth - 1, width) for i in range(first, min(count, first + width))
    ] + (["..."] if count > first + width else [])
    if kind == at["ObjectKind.closure"]:
        code = code_at(word(fields))
        held = parts(1) if depth > 0 else (["..."] if count > 1 else [])
        return f"<function {code.block} at {code.loc[0]}:{code.loc[1]}" + (f" with {', '.join(held)}>" if held else ">")
    if kind == at["ObjectKind.native"]:
        return f"<resource at {word(fields):#x}>"
    if kind == at["ObjectKind.bytes"]:
        return f"<{count} words of data: {' '.join(f'{word(fields + i * WORD):#x}' for i in range(min(count, width)))}>"
    if depth <= 0:
        return "..."
    if kind == at["ObjectKind.union"]:
        return f"#{tag}({', '.join(parts(0))})"
    if kind == at["ObjectKind.struct"]:
        # A union whose argument is a struct is one object.
        return (f"#{tag}" if tag != 0 else "") + f"{{{', '.join(parts(0))}}}"
    raise NotThere(f"no object at {value:#x}")


# ---- commands ---------------------------------------------------------------


class Fble(gdb.Command):
    """Commands for programs that fble-jit runs."""

    def __init__(self):
        super().__init__("fble", gdb.COMMAND_STACK, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    def __init__(self):
        super().__init__("fble " + self.word, gdb.COMMAND_STACK)

    def invoke(self, argument, _):
        try:
            self.run(argument.strip())
        except NotThere as problem:
            raise gdb.GdbError(f"fble: {problem}")


class Bt(Command):
    """fble bt [N]: prints the Fble stack, or its innermost N lines."""

    word = "bt"

    def run(self, argument):
        most = int(argument) if argument else None
        for number, activation in enumerate(stack()):
            if number == most:
                print("(more calls follow)")
                return
            print(f"#{number:<3} {activation}")


class TraceCommand(Command):
    """fble trace ADDRESS: tells which trace has the machine code at the address, and what source it is from."""

    word = "trace"

    def run(self, argument):
        address = int(gdb.parse_and_eval(argument or "$pc")) & (2**64 - 1)
        trace = trace_at(address)
        if trace is None:
            where = "machine code that traces share" if is_machine_code(address) else "no machine code"
            print(f"{address:#x} is {where}")
            return
        offset = address - trace.start
        file, line = trace.code.loc
        print(
            f"trace {trace.id}, {trace.kind_text()} {trace.code.block} at {file}:{line}, "
            f"tree of trace {trace.root}{', evicted' if trace.evicted else ''}"
        )
        print(f"{trace.bytes} bytes from {trace.start:#x}; {address:#x} is byte {offset}")
        place = trace.place(address)
        if place is None:
            print("the program keeps no code maps (FBLE_JIT_GDB=1 in its environment)")
            return
        if place.kind == layout()["CodeRow.exit"]:
            print(f"exit {place.index}")
        position, innermost = place.pc, True
        for code, return_position in place.sites():
            print(f"  {Activation(code, position, innermost=innermost)}")
            position, innermost = return_position, False


class Print(Command):
    """fble print VALUE: prints a value, which is a number or an expression of gdb."""

    word = "print"

    def run(self, argument):
        if not argument:
            raise gdb.GdbError("fble print VALUE, such as 0x7f0000001000 or $rax")
        print(value_text(int(gdb.parse_and_eval(argument)) & (2**64 - 1)))


class Slots(Command):
    """fble slots [N]: prints the slots of frame N of `fble bt`.

    A slot that the function does not need any more may hold anything. While a trace runs, the values of its own frames
    are in registers; those of their callers are in slots."""

    word = "slots"

    def run(self, argument):
        wanted = int(argument or "0")
        for number, activation in enumerate(stack()):
            if number != wanted:
                continue
            if activation.fp is None:
                raise NotThere("the frame is inlined in a trace: it has no slots")
            print(str(activation))
            for slot in range(activation.code.frame_slots):
                try:
                    shown = value_text(word(activation.fp + slot * WORD))
                except NotThere:
                    shown = "(no value)"
                print(f"s{slot} = {shown}")
            return
        raise NotThere(f"there is no frame {wanted}")


# The command's own timer, by which it ends when its readers do not read (frontends/cli/ending.cc).
gdb.execute("handle SIG34 nostop noprint pass", to_string=True)

Fble()
for command in (Bt, TraceCommand, Print, Slots):
    command()
FbleFilter()
