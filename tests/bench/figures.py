#!/usr/bin/env python3
"""Keeps the figures in documents equal to those in committed results.

  tests/bench/figures.py FILE.md...           rewrites tables and plots
  tests/bench/figures.py --check FILE.md...   only says what differs; exit status 1 if anything

A document has blocks that begin and end with a comment line:

  <!-- figures peers ratios programs -->
  ...
  <!-- end -->

The words are the name of a JSON file in tests/bench/results, what to show of it, and for some a
group of works or another JSON file:

  about          machine, date, version, command
  ratios GROUP base=NAME    ... to another contestant; spaces in its name are written _
  times, ratios, memory GROUP, start, front-end, compiler, scale, warm-up, micro      a table
  compare OTHER  the geometric means of two runs
  noise          what speaks against trusting the run
  plot, plot-scale, plot-warmup, plot-memory    a plot, which is written to docs/plots

Of the file that tests/bench/side_tables/run writes:

  table GROUP        its rows

Of the file that tests/bench/heap/measure.py writes:

  figures, earlier   what was measured with the committed code, and what was before, with the commands
  measured           date, commit, command

Of the file that tests/vale/run writes: about, and the tables and plots of tests/bench/samples.py.

Numbers in the text around the blocks must occur in a block of the same document, so that no figure is
quoted that was not measured. Those that are not about measured time or memory are told from
others by standing in `code`.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import plot  # noqa: E402
import report  # noqa: E402
import samples  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results"
PLOTS = ROOT / "docs" / "plots"

BEGIN = re.compile(r"<!-- figures (.*?) -->")
END = "<!-- end -->"
# A figure in a sentence: with a decimal point, or with a unit.
FIGURE = re.compile(r"(?<![\w./^-])(\d[\d,]*(?:\.\d+)?)(?: (?:%|ns|µs|ms|s|MB|times|x)(?!\w)|(?<=\.\d)|(?<=\.\d\d)|(?<=\.\d\d\d))")


class Failure(Exception):
    """An error for the user, without a stack trace."""


def load(name):
    try:
        return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot read the results {name}: {error}") from error


def plots_of(name, folder):
    """Draws all plots of the results; the paths by kind."""
    paths = {}
    stem = folder / name
    for path in plot.all_plots(load(name), str(stem), "cpu"):
        paths["plot" + path[len(str(stem)):-len(".svg")]] = pathlib.Path(path)
    return paths


def figure_list(results, kind, document):
    """Returns the lines for results that are a list of figures with their commands."""
    if kind == "measured":
        return f"{results['date']}, commit {results['commit']}, load {results['load']}.\n\n    {results['command']}\n"
    if kind not in ("figures", "earlier"):
        raise Failure(f"{document}: there are no figures {kind}")
    rows = [f"| {row['what']} | {row['figure']} | {'`' + row['command'] + '`' if row['command'] else ''} |"
            for row in results[kind]]
    return "\n".join(["| what | figure | command |", "|---|---|---|", *rows]) + "\n"


def sampled(results, name, kind, document, folder):
    """Returns a table or a plot of samples; writes the plot to `folder`."""
    if kind == "about":
        return samples.about(results)
    if kind in samples.TABLES:
        return samples.TABLES[kind](results)
    if kind not in samples.PLOTS:
        raise Failure(f"{document}: there are no figures {kind} of samples")
    file = f"{name}-{kind.removeprefix('plot-')}.svg"
    samples.draw(results, kind, folder / file)
    path = os.path.relpath(PLOTS / file, document.resolve().parent)
    return f"![{samples.PLOTS[kind][0]}]({path})\n"


def matrix(results, group, document):
    """Returns a table for results that have rows with the same columns, by group."""
    if group not in results["tables"]:
        raise Failure(f"{document}: the results have no table {group}")
    rows = results["tables"][group]
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    return "\n".join(lines + [f"| {' | '.join(str(row[column]) for column in columns)} |" for row in rows]) + "\n"


def block_text(words, document, folder):
    """Returns the content of the block; writes its plot to `folder`."""
    name, kind, *rest = words
    results = load(name)
    if kind == "table" and "tables" in results and len(rest) == 1:
        return matrix(results, rest[0], document)
    if "figures" in results:
        return figure_list(results, kind, document)
    if "samples" in results:
        return sampled(results, name, kind, document, folder)
    if kind == "about":
        machine, version, command = report.about(results)
        return f"{machine}; {version}; {results['rounds']} rounds.\n\n    {command}\n"
    if kind == "noise":
        return "".join(f"- {line}\n" for line in report.trust(results).split("\n"))
    if kind == "compare" and len(rest) == 1:
        text, worst = report.compare(results, load(rest[0]), markdown=True)
        return f"{text}\nThe largest difference is {100 * worst:.1f} %.\n"
    if kind.startswith("plot"):
        paths = plots_of(name, folder)
        if kind not in paths:
            raise Failure(f"{document}: the results {name} have no {kind}")
        path = os.path.relpath(PLOTS / paths[kind].name, document.resolve().parent)
        return f"![{plot.TITLES[kind]}]({path})\n"
    if kind == "ratios" and len(rest) == 2 and rest[1].startswith("base="):
        base = rest[1].removeprefix("base=").replace("_", " ")
        if base not in [contestant["name"] for contestant in results["contestants"]]:
            raise Failure(f"{document}: {base} had no part in the results {name}")
        return report.lay_out(list(report.ratio_rows(results, rest[0], "cpu", base)), markdown=True)
    if kind in report.GROUP_TABLES and len(rest) == 1 or kind in report.TABLES and not rest:
        text = report.table(results, kind, rest[0] if rest else None, markdown=True)
        if not text:
            raise Failure(f"{document}: the results {name} have nothing for {' '.join(words[1:])}")
        return text
    raise Failure(f"{document}: there are no figures {' '.join(words)}")


def renewed(document, folder):
    """The text of a document with its blocks as they should be, and that of the blocks alone."""
    lines = document.read_text(encoding="utf-8").split("\n")
    result = []
    blocks = []
    at = 0
    while at < len(lines):
        result.append(lines[at])
        match = BEGIN.fullmatch(lines[at].strip())
        at += 1
        if not match:
            continue
        if END not in lines[at:]:
            raise Failure(f"{document}:{at}: the figures have no {END}")
        words = match[1].split()
        if len(words) < 2:
            raise Failure(f"{document}:{at}: figures need the name of a file and what to show")
        text = block_text(words, document, folder)
        blocks.append(text)
        result += ["", *text.rstrip("\n").split("\n"), "", END]
        at = lines.index(END, at) + 1
    return "\n".join(result), "\n".join(blocks)


def unfounded(text, blocks):
    """Figures in sentences that are in no block: pairs of line number and figure."""
    known = set(re.findall(r"\d+(?:\.\d+)?", blocks))
    known |= {found.replace(",", "") for found in re.findall(r"\d[\d,]*(?:\.\d+)?", blocks)}
    found = []
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if BEGIN.fullmatch(line.strip()):
            inside = True
        elif line == END:
            inside = False
        elif not inside and not line.startswith("    "):
            words = re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)
            found += [(number, match[1]) for match in FIGURE.finditer(words) if match[1].replace(",", "") not in known]
    return found


def differences(path, text):
    """Returns a list with a sentence if the file differs from the results, else none."""
    try:
        old = path.read_text(encoding="utf-8")
    except OSError:
        return [f"{path}: missing"]
    if old == text:
        return []
    for number, (a, b) in enumerate(zip(old.split("\n"), text.split("\n")), 1):
        if a != b:
            return [f"{path}:{number}: is\n  {a[:160]}\nand should be\n  {b[:160]}"]
    return [f"{path}: too short or too long"]


def main():
    parser = argparse.ArgumentParser(
        prog="tests/bench/figures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("documents", nargs="+", type=pathlib.Path, metavar="FILE.md")
    options = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as made:
        made = pathlib.Path(made)
        for document in options.documents:
            text, blocks = renewed(document, made)
            if options.check:
                wrong += differences(document, text)
            else:
                document.write_text(text, encoding="utf-8")
            wrong += [f"{document}:{line}: {figure} is in no table of the document"
                      for line, figure in unfounded(text, blocks)]
            for shown in re.findall(r"plots/([\w-]+\.svg)", blocks):
                drawn = (made / shown).read_text(encoding="utf-8")
                if options.check:
                    wrong += differences(PLOTS / shown, drawn)
                else:
                    PLOTS.mkdir(exist_ok=True)
                    (PLOTS / shown).write_text(drawn, encoding="utf-8")
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError) as failure:
        sys.exit(f"tests/bench/figures.py: {failure}")
