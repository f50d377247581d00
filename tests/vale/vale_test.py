#!/usr/bin/env python3
"""Tests the study of virtual threads.

  vale_test.py ZORK ZORK_FAULTY MACHINE_FRAMES STACK_STEPS FBLE_JIT
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import corpus  # noqa: E402
import stack_need  # noqa: E402

# The variants in C++, with options: what they print must not depend on these.
VARIANTS = [
    ["T"], ["T", "--stack", "65536"], ["T", "--stack", "16384", "--searches", "300"], ["T", "--searches", "1"],
    ["V1"], ["V1", "--searches", "2"], ["V1", "--searches", "500", "--files", "3"],
    ["V2"], ["V2", "--searches", "1"], ["V2", "--searches", "1000", "--files", "7"],
    ["A"], ["A", "--searches", "1"], ["A", "--searches", "1000", "--files", "7"],
]
# What stack_need.py computes: CMakeLists.txt has the same.
FUNCTIONS = re.search(r"set\(functions ([\w ]+)\)", (HERE / "CMakeLists.txt").read_text())[1].split()


def run(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120, check=False)
    return done.stdout, done.stderr, done.returncode


def fble(folder):
    """What the program in Fble prints, its names sorted."""
    out, messages, status = run(FBLE_JIT, "-I", str(ROOT / "examples"), str(ROOT / "examples/Zork.fble"), str(folder))
    lines = out.splitlines(keepends=True)
    return "".join([*sorted(lines[:-1]), *lines[-1:]]), messages, status


def used(text):
    """{function: (computed, used)} of an audit."""
    return {name: (int(computed), int(most))
            for name, computed, most in re.findall(r"^(\w+) computed (-?\d+) used (\d+)$", text, re.M)}


class Corpus(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def audited(self, program):
        """An audit of a run in which all functions take their longest ways."""
        folder = self.folder / "audited"
        if not folder.exists():
            corpus.make(folder, files=120, size=3000, hits=0.3, nested=6, seed=4)
            (folder / "bad.json").write_text("[")
        found = {}
        for words in (["V1", str(folder)], ["V2", str(folder)], ["V2", "wait", "9", "3"]):
            for name, (computed, most) in used(run(program, *words, "--audit")[1]).items():
                found[name] = (computed, max(most, found.get(name, (0, 0))[1]))
        return found


class Searches(Corpus):
    def agree(self, **shape):
        expected = corpus.make(self.folder / "zoo", **shape)
        self.assertEqual((expected, "", 0), fble(self.folder / "zoo"), "Fble")
        for variant in VARIANTS:
            self.assertEqual((expected, "", 0), run(ZORK, variant[0], str(self.folder / "zoo"), *variant[1:]), variant)

    def test_many_small_files_in_many_folders(self):
        self.agree(files=400, depth=3, fan_out=4, size=200, seed=1)

    def test_large_files_in_one_folder(self):
        self.agree(files=40, depth=0, size=20_000, hits=0.5, nested=9, seed=2)

    def test_deep_folders(self):
        self.agree(files=200, depth=40, fan_out=1, size=1000, hits=0.2, nested=1, seed=3)

    def test_no_files(self):
        self.agree(files=0, depth=1)

    def test_problems_are_reported(self):
        for name, text in (("a", "[1, 2"), ("b", '["\\q"]'), ("c", '["\\ud83d"]'), ("d", "[1] 2"), ("e", ""), ("f", "[[" * 40)):
            (self.folder / f"{name}.json").write_text(text)
        (self.folder / "g.json").write_text('["zo\\u0072k \\ud83d\\ude00"]')
        (self.folder / "gone.txt").symlink_to("nowhere")
        sentences = "".join(f"zork: {self.folder}/{name}.json: not JSON\n" for name in "abcdef")
        for variant in VARIANTS:
            expected = (f"{self.folder}/g.json\n1 of 1\n", sentences, 1)
            self.assertEqual(expected, run(ZORK, variant[0], str(self.folder), *variant[1:]), variant)

    def test_a_folder_that_is_not_there(self):
        for variant in VARIANTS:
            out, messages, status = run(ZORK, variant[0], str(self.folder / "none"), *variant[1:])
            self.assertEqual(("0 of 0\n", f"zork: {self.folder}/none: No such file or directory\n", 1), (out, messages, status))

    def test_misuse(self):
        for words in ([], ["V3", "."], ["T"], ["T", ".", "--searches"], ["T", ".", "--searches", "x"], ["T", "a", "b", "c"]):
            out, messages, status = run(ZORK, *words)
            self.assertEqual(("", 2), (out, status))
            self.assertTrue(messages.startswith("Usage: zork"))


class Measurements(unittest.TestCase):
    def test_they_measure(self):
        for variant in "T", "V1", "V2", "A":
            self.assertRegex(run(ZORK, variant, "wait", "50", "2", "--searches", "100")[0],
                             r"^waiting 50 resident -?\d+ kernel -?\d+\n$")
            self.assertRegex(run(ZORK, variant, "switch", "100", "2")[0], r"^switch [\d.]+ ns\n$")
            self.assertRegex(run(ZORK, variant, "call", "100", "2")[0], r"^call [\d.]+ ns\n$")


class Sizes(Corpus):
    def test_computed_is_never_less_than_used_and_at_most_a_quarter_more(self):
        found = self.audited(ZORK)
        print(*(f"{name}: computed {computed}, used {most}" for name, (computed, most) in found.items()), sep="\n")
        for name, (computed, most) in found.items():
            self.assertLessEqual(most, computed, name)
            self.assertLessEqual(computed, 1.25 * most, name)
        self.assertEqual(set(FUNCTIONS), set(found))

    def test_a_size_that_is_one_word_too_small_is_noticed(self):
        folder = self.folder / "audited"
        found = self.audited(ZORK_FAULTY)
        self.assertEqual(set(FUNCTIONS), set(found))
        for name, (computed, most) in found.items():
            self.assertGreater(most, computed, name)
        self.assertEqual(1, run(ZORK_FAULTY, "V2", str(folder / "folder0"), "--audit")[2])
        self.assertEqual(0, run(ZORK, "V2", str(folder / "folder0"), "--audit")[2])

    def test_the_same_is_true_of_every_function_on_a_chunk(self):
        folder = self.folder / "few"
        corpus.make(folder, files=12, depth=1, fan_out=2, size=100, hits=0.5, nested=3, seed=9)
        program = stack_need.read_program(ZORK)
        found = {}
        for words in ([str(folder)], ["wait", "2", "2"]):
            out, _, status = run(STACK_STEPS, ZORK, "V2", *words, "--searches", "4")
            self.assertEqual(0, status)
            for symbol, most in re.findall(r"^(\S+) (\d+)$", out, re.M):
                found[symbol] = max(int(most), found.get(symbol, 0))
        for symbol, most in found.items():
            if not symbol.startswith(stack_need.SWITCH):
                self.assertLessEqual(most, program.need(symbol), symbol)
                self.assertLessEqual(program.need(symbol), 1.25 * most, symbol)
        names = {stack_need.short_name(symbol) for symbol in found}
        self.assertTrue(set(FUNCTIONS) <= names, names)

    def test_machine_code_agrees(self):
        frames = self.folder / "frames"
        frames.write_text(run(MACHINE_FRAMES, ZORK)[0])
        compiler, machine = stack_need.read_program(ZORK), stack_need.read_machine(frames)
        for name in FUNCTIONS:
            symbol = compiler.symbol(name)
            self.assertEqual(compiler.need(symbol), machine.need(symbol), name)

    def test_a_function_of_unknown_size_is_an_error(self):
        sizes = {"f": 16, "g": 8}
        program = stack_need.Program(sizes, {"f": {(16, "g")}, "g": {(8, "malloc@plt")}})
        with self.assertRaisesRegex(stack_need.Failure, "f calls g calls malloc@plt"):
            program.need("f")

    def test_cycles_and_pointers_end_the_sum(self):
        calls = {"a": {(8, "b"), (8, "b_on_chunk")}, "b": {(16, "c"), (16, "c_on_chunk")},
                 "c": {(24, "b"), (24, "b_on_chunk"), (24, None)}, "b_on_chunk": {(40, None)}, "c_on_chunk": {(32, "d")}}
        program = stack_need.Program({"a": 8, "b": 16, "c": 24, "d": 0, "b_on_chunk": 40, "c_on_chunk": 32}, calls)
        self.assertEqual(8 + 40, program.need("b_on_chunk"))
        self.assertEqual(8 + 32 + 8, program.need("c_on_chunk"))
        self.assertEqual(8 + 24 + 48, program.need("c"))
        self.assertEqual(8 + 16 + 48, program.need("b"))
        self.assertEqual(8 + 8 + 48, program.need("a"))

    def test_a_call_into_a_cycle_needs_a_wrapper_beside_it(self):
        program = stack_need.Program({"a": 8, "b": 16, "b_on_chunk": 0}, {"a": {(8, "b")}, "b": {(16, "b"), (16, "b_on_chunk")}})
        with self.assertRaisesRegex(stack_need.Failure, "a calls b, which is in a cycle of calls, but not b_on_chunk"):
            program.need("a")

    def test_a_jump_leaves_its_frame_first(self):
        program = stack_need.Program({"a": 100, "b": 40}, {"a": {(None, "b")}, "b": set()})
        self.assertEqual(108, program.need("a"))
        self.assertEqual(48, stack_need.Program({"a": 8, "b": 40}, {"a": {(None, "b")}}).need("a"))


if __name__ == "__main__":
    ZORK, ZORK_FAULTY, MACHINE_FRAMES, STACK_STEPS, FBLE_JIT = sys.argv[1:6]
    unittest.main(argv=sys.argv[:1] + sys.argv[6:])
