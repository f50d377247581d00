#!/usr/bin/env python3
"""Tests of the scripts of tests/bench: statistics, tables, plots, works, figures in documents."""

import copy
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import xml.dom.minidom

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import figures  # noqa: E402
import measure  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import samples  # noqa: E402


def run_of(times, **more):
    """Results of a run: `times` is {work: {contestant: [seconds]}}; ours is first."""
    names = list(dict.fromkeys(c for by in times.values() for c in by))
    return {
        "command": "tests/bench/run", "date": "2001-02-03T04:05:06+00:00", "seconds": 1,
        "source": {"commit": "abc", "changed": False},
        "machine": {"cpu": "cpu", "cores": 2, "memory_gib": 8.0, "system": "Debian", "kernel": "6", "virtual": False},
        "base": names[0] if names else "",
        "contestants": [{"name": n, "how": "", "version": ""} for n in names],
        "works": [{"key": w, "name": w.split("/")[1], "group": w.split("/")[0], "run": "", "start": w.endswith("/Hello")}
                  for w in times],
        "rounds": max((len(v) for by in times.values() for v in by.values()), default=0),
        "load": [0.5],
        "runs": {w: {c: {"user": v, "system": [0.0] * len(v), "wall": v, "peak_kib": [1000] * len(v),
                         "first_output": v, "forced_switches": [0] * len(v)} for c, v in by.items()}
                 for w, by in times.items()},
        "curves": {}, "front_end": {}, "left_out": [], "wrong": [], "noise": [], **more,
    }


TWO = {"programs/A": {"ours": [1.0, 1.0, 1.0], "other": [4.0, 4.0, 4.0]},
       "programs/B": {"ours": [2.0, 2.0, 2.0], "other": [2.0, 2.0, 2.0]},
       "programs/Hello": {"ours": [0.1, 0.1, 0.1], "other": [9.0, 9.0, 9.0]}}


def sampled():
    """Results of tests/vale/run: two samples of each kind."""
    found = [{"part": "sizes", "variant": "f", "computed": 120, "machine": 112, "used": 100},
             {"part": "sizes", "variant": "F", "functions": 3, "equal": 2, "within": 3, "over": 0}]
    for variant, times in ("A", 2), ("V2", 1):
        for round in range(2):
            value = (1.0 + round) * times
            found += [{"part": part, "variant": variant, "round": round, "searches": 100, "seconds": value, "processor": value,
                       "resident": 1e6 * value} for part in ("search", "cold")]
            found += [{"part": "waiting", "variant": variant, "round": round, "count": 100, "depth": depth, "begun": 100, "resident": value,
                       "kernel": value} for depth in (0, 16)]
            found += [{"part": part, "variant": variant, "depth": 4, "nanoseconds": value} for part in ("switch", "call")]
    run = {"date": "2001-02-03T04:05:06+00:00", "source": {"commit": "abc", "changed": False}, "rounds": 2, "files": 100, "load": 0.1}
    return {"command": "tests/vale/run all", "machine": run_of({})["machine"], "runs": {"search": run}, "samples": found}


class Statistics(unittest.TestCase):
    def test_spread_is_half_the_interquartile_range(self):
        self.assertEqual(report.half_range([5.0, 5.0, 5.0]), 0.0)
        self.assertAlmostEqual(report.half_range([1.0, 2.0, 3.0, 4.0, 5.0]), 1.0 / 3.0)
        self.assertEqual(report.half_range([1.0, 9.0]), 0.0)

    def test_spread_ignores_one_straggler(self):
        self.assertLess(report.half_range([1.0, 1.0, 1.0, 1.0, 50.0]), 0.01)

    def test_intervals_cover_the_median(self):
        self.assertEqual(samples.interval([3.0]), (3.0, 3.0))
        self.assertEqual(samples.interval([5.0, 1.0, 3.0]), (1.0, 5.0))
        self.assertEqual(samples.interval(range(6)), (0, 5))
        # The second of nine: outside with 2 (1 + 9) / 512.
        self.assertEqual(samples.interval(range(9)), (1, 7))

    def test_geometric_mean(self):
        self.assertAlmostEqual(report.geometric_mean([4.0, 1.0]), 2.0)
        self.assertIsNone(report.geometric_mean([]))

    def test_means_leave_out_starting(self):
        means = report.means(run_of(TWO), "programs", "cpu", "ours")
        self.assertAlmostEqual(means["other"][0], 2.0)
        self.assertEqual(means["other"][1], 2)

    def test_means_are_of_what_both_ran(self):
        times = copy.deepcopy(TWO)
        del times["programs/B"]["other"]
        self.assertEqual(report.means(run_of(times), "programs", "cpu", "ours")["other"], [4.0, 1])

    def test_ratios_are_of_medians(self):
        times = {"programs/A": {"ours": [1.0, 1.0, 9.0], "other": [3.0, 30.0, 3.0]}}
        self.assertEqual(report.ratios(run_of(times), "programs", "other", "cpu", "ours"), [3.0])

    def test_agreement(self):
        other = copy.deepcopy(TWO)
        other["programs/A"]["other"] = [4.4, 4.4, 4.4]
        text, worst = report.compare(run_of(TWO), run_of(other))
        self.assertAlmostEqual(worst, math.sqrt(1.1) - 1)
        self.assertIn("+4.9 %", text)
        self.assertEqual(report.compare(run_of(TWO), run_of(TWO))[1], 0.0)

    def test_a_steady_run_is_not_noisy(self):
        self.assertEqual(report.noise(run_of(TWO), "ours"), [])

    def test_times_that_vary_are_noise(self):
        times = {"programs/A": {"ours": [1.0, 1.2, 1.4, 1.6], "other": [1.0, 1.0, 1.0, 1.0]}}
        self.assertIn("A with ours ±12 %", " ".join(report.noise(run_of(times), "ours")))

    def test_halves_that_differ_are_noise(self):
        times = {"programs/A": {"ours": [1.0] * 6, "other": [1.0, 1.05] * 3}}
        self.assertIn("odd rounds", " ".join(report.noise(run_of(times), "ours")))

    def test_halves_are_of_the_same_works(self):
        times = {"programs/A": {"ours": [1.0] * 4, "other": [9.0]}, "programs/B": {"ours": [1.0] * 4, "other": [1.0] * 4}}
        self.assertEqual(report.noise(run_of(times), "ours"), [])

    def test_a_busy_machine_is_noise(self):
        self.assertIn("busy", " ".join(report.noise(run_of(TWO, load=[1.0, 7.0]), "ours")))


class Tables(unittest.TestCase):
    def test_numbers_have_three_digits(self):
        self.assertEqual([report.number(v) for v in (1234.5, 12.345, 0.012345, 0, None)],
                         ["1234", "12.3", "0.0123", "0", "—"])
        self.assertEqual([report.duration(v) for v in (1.5, 1500.0, 2.5e6, 3e9)], ["1.50 ns", "1.50 µs", "2.50 ms", "3.00 s"])

    def test_ratio_table(self):
        text = report.table(run_of(TWO), "ratios", "programs", markdown=True)
        self.assertIn("| A | 1.00 | 4.00 |", text)
        self.assertIn("| geometric mean | 1.00 | 2.00 |", text)

    def test_incomplete_means_say_so(self):
        times = copy.deepcopy(TWO)
        del times["programs/B"]["other"]
        text = report.table(run_of(times), "ratios", "programs", markdown=True)
        self.assertIn("4.00 (1 of 2)", text)
        self.assertIn("| B | 1.00 | — |", text)

    def test_growth(self):
        curve = {"cost": [[1, 10.0], [2, 20.0], [3, 40.0]],
                 "points": {"ours": [[1, 0.1 + 0.1, 9], [2, 0.1 + 0.2, 9], [3, 0.1 + 0.8, 9]]}}
        text = report.table(run_of(TWO, curves={"scale": {"programs/A": curve}}), "scale", markdown=True)
        self.assertIn("2.00 (4x work)", text)

    def test_warm_up(self):
        curve = {"size": 1, "seconds": {"ours": [0.9, 0.5, 0.3] + [0.3] * 9}}
        text = report.table(run_of(TWO, curves={"warm-up": {"programs/A": curve}}), "warm-up", markdown=True)
        self.assertIn("| A | 3.0 (2) | — |", text)

    def test_a_whole_report(self):
        text = report.report(run_of(TWO, left_out=["lua: not installed"], wrong=["A 3: other is wrong"]))
        for part in ("programs, cpu time in s", "times ours", "peak memory", "starting", "left out: lua", "WRONG: A 3"):
            self.assertIn(part, text)

    def test_compiler(self):
        stats = measure.compiler_stats(
            "traces:      3 functions, 4 bridges, 5 continuations, 0 dispatch nodes, 0 flushes\n"
            "machine code: 6000 bytes for 700 IR instructions\nside tables: 800 bytes for 100 guards, "
            "9 of which never failed; 1100 with sites and stubs, 120 of records\n"
            "exits:       90 by guards, 0 at yield points, 0 returns to the interpreter\n"
            "compiling:   1.500 ms recording, 2.250 ms optimising, 0.250 ms assembling\n")
        self.assertEqual(measure.compiler_stats("collections: 1 minor, 0 full\n"), {})
        text = report.table(run_of(TWO, compiler={"programs/A": {**stats, "cpu_ms": 80.0}}), "compiler", markdown=True)
        self.assertIn("| A | 3 | 4 | 5 | 6.0 | 100 | 8.0 | 12.2 | 90 | 4.0 | 5.0 % |", text)

    def test_micro(self):
        entry = {"name": "Walk/10", "cpu_ns": [10.0, 11.0, 12.0], "items_per_second": [2000, 3000, 1000]}
        text = report.table(run_of(TWO, micro=[entry]), "micro", markdown=True)
        self.assertIn("| Walk/10 | 11.0 ns ±5% | 2.00 k/s |", text)


class Plots(unittest.TestCase):
    def test_axes(self):
        axis = plot.Axis([0.01, 10.0], 0, 100, log=True)
        self.assertLess(axis.place(0.01), axis.place(1.0))
        self.assertEqual([t for _, t in axis.ticks() if t], ["0.01", "0.1", "1", "10"])
        linear = plot.Axis([0.0, 10.0], 0, 100, log=False, from_zero=True)
        self.assertEqual(linear.place(0.0), 0.0)

    def test_plots_are_well_formed(self):
        curves = {
            "scale": {"programs/A": {"cost": [[1, 1.0], [2, 2.0]], "points": {"ours": [[1, 0.1, 9], [2, 0.2, 9]]}}},
            "warm-up": {"programs/A": {"size": 5, "seconds": {"ours": [0.3, 0.2]}}},
            "memory": {"programs/A": {"ours": [[0.1, 4000], [0.2, 5000]], "other": []}},
        }
        times = copy.deepcopy(TWO)
        times["programs/<&>"] = times.pop("programs/B")
        with tempfile.TemporaryDirectory() as folder:
            written = plot.all_plots(run_of(times, curves=curves), f"{folder}/x", "cpu")
            self.assertEqual([p.removeprefix(f"{folder}/x") for p in written],
                             [".svg", "-scale.svg", "-warmup.svg", "-memory.svg"])
            for path in written:
                xml.dom.minidom.parse(path)


class Works(unittest.TestCase):
    def test_the_suite_is_complete(self):
        programs = measure.read_suite()
        self.assertGreaterEqual(len(programs), 12)
        for program in programs:
            work = measure.make_work(program, 1)
            self.assertTrue(program["check"], work.name)
            if work.peers:
                self.assertTrue((measure.PROGRAMS / f"{work.name}.fble").exists(), work.name)
            if not work.start:
                costs = measure.costs(program)
                self.assertEqual([n for n, _ in costs], program["scale"])
                self.assertEqual(sorted(c for _, c in costs), [c for _, c in costs])

    def test_sizes(self):
        programs = measure.read_suite()
        works = {w.name: w for w in measure.program_works(programs, "quick", ["NQueens=4"])}
        self.assertEqual(works["NQueens"].args, ["4"])
        self.assertEqual(works["Fannkuch"].args, ["8"])
        for wrong in ("NQueens", "NQueens=", "NQueens=x", "Nothing=1"):
            with self.assertRaises(measure.Failure):
                measure.program_works(programs, "size", [wrong])

    def test_selection(self):
        works = measure.program_works(measure.read_suite(), "size", [])
        self.assertEqual([w.name for w in measure.select(works, ["Binary*"])], ["BinaryIntegers", "BinaryTrees"])
        self.assertEqual(measure.select(works, ["programs/Md5"])[0].key, "programs/Md5")
        with self.assertRaises(measure.Failure):
            measure.select(works, ["NoSuchProgram"])

    def test_works_of_packages(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "Suite").mkdir()
            (pathlib.Path(folder) / "Suite" / "Foo.fble").write_text("")
            text = pathlib.Path(folder) / "text"
            text.write_text("x")
            works = measure.package_works([folder], [f"md5='/Md5/Main%' -x < {text}"])
            self.assertEqual([(w.key, w.module, w.args) for w in works],
                             [("packages/Foo", "/Suite/Foo%", []), ("packages/md5", "/Md5/Main%", ["-x"])])
            for wrong in ("md5", "md5=", "a=/A% < /no/such/file", "a=/A% < x y", "Foo=/A%"):
                with self.assertRaises(measure.Failure):
                    measure.package_works([folder], [wrong])
            with self.assertRaises(measure.Failure):
                measure.package_works([folder + "/none"], [])

    def test_peers(self):
        work = measure.Work("Foo", "packages", "/Suite/Foo%", ["1", "2"])
        words = measure.peer_contestant("x=sh {suite}.{group} {module} {include}", ["/p"]).command(work)
        self.assertEqual(words, ["sh", "Foo.packages", "/Suite/Foo%", "-I", "/p", "1", "2"])
        self.assertEqual(measure.peer_contestant("x=sh {args} -- {suite}", []).command(work), ["sh", "1", "2", "--", "Foo"])
        self.assertIsNone(measure.peer_contestant("x=/no/such/{suite}", []).command(work))
        for wrong in ("x", "x=", "=sh"):
            with self.assertRaises(measure.Failure):
                measure.peer_contestant(wrong, [])

    def test_peers_of_the_suite(self):
        for peer in measure.read_peers():
            sources = measure.PEERS / peer["folder"]
            for file in peer["shared"]:
                self.assertTrue((sources / file).exists(), file)
            names = {path.stem for path in sources.glob("*" + peer["suffix"])}
            self.assertGreaterEqual(names, {"Hello", "BinaryIntegers", "BinaryTrees", "Md5"}, peer["name"])
            self.assertTrue(peer["package"])
            for key in ("build", "run"):
                words = measure.fill(peer.get(key, ""), name="Foo", folder="/f")
                self.assertNotIn("{", "".join(words), peer["name"])

    def test_a_peer_is_built_when_it_changes(self):
        peer = {"name": "x", "folder": "x", "suffix": ".txt", "shared": ["all"], "build": "cp {name}.txt {name}",
                "run": "sh {folder}/{name}", "version": "echo 1"}
        work = measure.make_work({"name": "Foo"}, 3)

        def output(**changes):
            contestant = measure.suite_peer({**peer, **changes}, [{"name": "Foo"}, {"name": "Bar"}], folder / "built")
            self.assertIsNone(contestant.command(measure.make_work({"name": "Bar"}, 3)))
            self.assertIsNone(contestant.command(measure.Work("Foo", "packages", "/Foo%")))
            return subprocess.run(contestant.command(work), capture_output=True, text=True, check=True).stdout

        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(measure, "PEERS", pathlib.Path(folder)):
            folder = pathlib.Path(folder)
            (folder / "x").mkdir()
            (folder / "x" / "all").write_text("")
            source = folder / "x" / "Foo.txt"
            source.write_text("echo one $1")
            self.assertEqual(output(), "one 3\n")
            source.write_text("echo two $1")
            os.utime(source, (1, 1))
            self.assertEqual(output(), "one 3\n")
            self.assertEqual(output(build="cp ./{name}.txt {name}"), "two 3\n")
            source.write_text("echo three $1")
            os.utime(source, (2 ** 33, 2 ** 33))
            self.assertEqual(output(build="cp ./{name}.txt {name}"), "three 3\n")
            with self.assertRaises(measure.Failure):
                output(build="false")
            for missing in ({"build": "no-such-compiler"}, {"run": "no-such-command {folder}"}):
                self.assertIsNone(measure.suite_peer({**peer, **missing}, [], folder))

    def test_repeated_input(self):
        work = measure.Work("W", "examples", "/W%", repeat=("ab\n", 3))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.assertEqual(work.input_path(folder).read_text(), "ab\nab\nab\n")
            self.assertEqual(work.resized(1).input_path(folder).read_text(), "ab\n")

    def test_long_runs_are_repeated_less(self):
        self.assertEqual([measure.most_rounds(s) for s in (11.0, 3.0)], [1, 3])
        self.assertGreater(measure.most_rounds(1.0), 1000)
        self.assertEqual(measure.expected_seconds({"a": 11.0, "b": 3.0, "c": 1.0}, 1, 5), 0 + 2 * 3.0 + 4 * 1.0)
        self.assertEqual(measure.expected_seconds({"a": 11.0, "b": 3.0, "c": 1.0}, 4, 5), 1.0)

    def test_thinning_keeps_peaks(self):
        points = [[i, 5 if i == 77 else 1] for i in range(1000)]
        thinned = measure.thin(points, 10)
        self.assertEqual(len(thinned), 10)
        self.assertIn([77, 5], thinned)


class Figures(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.old = figures.RESULTS
        figures.RESULTS = pathlib.Path(self.folder.name)
        (figures.RESULTS / "a.json").write_text(json.dumps(run_of(TWO)))
        self.document = figures.RESULTS / "x.md"

    def tearDown(self):
        figures.RESULTS = self.old
        self.folder.cleanup()

    def renew(self, text):
        self.document.write_text(text)
        return figures.renewed(self.document, figures.RESULTS)

    def test_blocks_are_filled_and_stay(self):
        text, blocks = self.renew("one\n<!-- figures a ratios programs -->\nold\n<!-- end -->\ntwo\n")
        self.assertIn("| A | 1.00 | 4.00 |", blocks)
        self.assertTrue(text.startswith("one\n") and text.endswith("<!-- end -->\ntwo\n"))
        self.assertNotIn("old", text)
        self.assertEqual(self.renew(text)[0], text)

    def test_changed_blocks_are_found(self):
        text, _ = self.renew("<!-- figures a ratios programs -->\n<!-- end -->\n")
        self.document.write_text(text.replace("4.00", "5.00"))
        self.assertIn("5.00", figures.differences(self.document, text)[0])

    def test_sentences_quote_blocks(self):
        text = "<!-- figures a ratios programs -->\n| 4.00 | 17 |\n<!-- end -->\n"
        self.assertEqual(figures.unfounded(text + "4.00 times, 17 %, in 2001, `9.9`, [x](y-1.5.svg)", text), [])
        self.assertEqual([f for _, f in figures.unfounded(text + "4.01 times or 18 %, 1.2", text)], ["4.01", "18", "1.2"])

    def test_lists_of_figures(self):
        row = {"what": "pauses", "figure": "longest 1.25 ms", "command": "fble-jit --stats"}
        (figures.RESULTS / "h.json").write_text(json.dumps(
            {"command": "measure", "date": "today", "commit": "abc", "load": "1.0", "figures": [row], "earlier": []}))
        text, blocks = self.renew("<!-- figures h figures -->\n<!-- end -->\n<!-- figures h measured -->\n<!-- end -->\n")
        self.assertIn("| pauses | longest 1.25 ms | `fble-jit --stats` |", blocks)
        self.assertIn("today, commit abc", blocks)
        self.assertEqual(figures.unfounded(text + "1.25 ms", text), [])
        with self.assertRaises(figures.Failure):
            self.renew("<!-- figures h times -->\n<!-- end -->")

    def test_samples(self):
        (figures.RESULTS / "s.json").write_text(json.dumps(sampled()))
        tables = "".join(f"<!-- figures s {kind} -->\n<!-- end -->\n" for kind in ("about", *samples.TABLES, *samples.PLOTS))
        text, blocks = self.renew(tables)
        self.assertIn("| V2 | 1.50 [1.00, 2.00] |", blocks)
        self.assertIn("| time, warm | V2 / A | 0.500 [0.500, 0.500] |", blocks)
        self.assertIn("| `f` | 120 | 112 | 100 | 1.20 |", blocks)
        self.assertEqual(self.renew(text)[0], text)
        for kind in samples.PLOTS:
            xml.dom.minidom.parse(str(figures.RESULTS / f"s-{kind.removeprefix('plot-')}.svg"))
        with self.assertRaises(figures.Failure):
            self.renew("<!-- figures s times -->\n<!-- end -->")

    def test_ratios_to_another_contestant(self):
        _, blocks = self.renew("<!-- figures a ratios programs base=other -->\n<!-- end -->\n")
        self.assertIn("| A | 0.250 | 1.00 |", blocks)

    def test_bad_blocks(self):
        for wrong in ("<!-- figures a ratios programs -->\n", "<!-- figures a -->\n<!-- end -->",
                      "<!-- figures b about -->\n<!-- end -->", "<!-- figures a nonsense -->\n<!-- end -->",
                      "<!-- figures a ratios programs base=nothing -->\n<!-- end -->",
                      "<!-- figures a plot-scale -->\n<!-- end -->", "<!-- figures a scale -->\n<!-- end -->"):
            with self.assertRaises(figures.Failure, msg=wrong):
                self.renew(wrong)


class Command(unittest.TestCase):
    def run_command(self, *words):
        return subprocess.run([sys.executable, str(HERE / "run"), *words], capture_output=True, text=True, check=False)

    def test_help(self):
        done = self.run_command("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--peer NAME='COMMAND'", done.stdout)

    def test_reports_and_compares_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, factor in (("a", 1.0), ("b", 1.2)):
                times = copy.deepcopy(TWO)
                times["programs/A"]["other"] = [4.0 * factor] * 3
                pathlib.Path(folder, f"{name}.json").write_text(json.dumps(run_of(times)))
            done = self.run_command("--report", f"{folder}/a.json", "-o", f"{folder}/plot")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(pathlib.Path(folder, "plot.svg").exists())
            self.assertEqual(self.run_command("--compare", f"{folder}/a.json", f"{folder}/a.json").returncode, 0)
            done = self.run_command("--compare", f"{folder}/a.json", f"{folder}/b.json")
            self.assertEqual(done.returncode, 1)
            self.assertIn("largest difference 9.5 %", done.stdout)

    def test_mistakes_are_told_in_a_line(self):
        for words, message in (
                (["--report", "/no/such.json"], "cannot read /no/such.json"),
                (["--fble-jit", "/no/such"], "/no/such does not exist"),
                (["--only", "NoSuchProgram"], "nothing to measure matches NoSuchProgram"),
                (["--packages", "/no/such"], "--packages: /no/such is no folder"),
                (["--size", "x"], "--size 'x'")):
            done = self.run_command(*words)
            self.assertEqual(done.returncode, 1, words)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(message, done.stderr)
        for words in (["--curves", "x"], ["-n", "0"], ["--work", "a=/A%"]):
            self.assertEqual(self.run_command(*words).returncode, 2)

    def test_not_the_results_of_a_run(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("[]")
            file.flush()
            done = self.run_command("--report", file.name)
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not hold the results of a run", done.stderr)


if __name__ == "__main__":
    unittest.main()
