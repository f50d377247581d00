#!/usr/bin/env python3
"""Opens the trace viewer's page in a browser without window and clicks through each of its panes.

    browser.py FBLE_JIT                     the test; says so and ends with 77 if there is no Chromium
    browser.py FBLE_JIT --screenshots DIR   also keeps pictures
    browser.py --time PAGE                  measures how long a page takes to open, and its size
    browser.py --picture PAGE#t7/e1 PNG     makes a picture of a page
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from devtools import Browser, find_browser  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77


def make_page(fble_jit, page, *words):
    run = subprocess.run([fble_jit, "view", "--html", page, *words], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if run.returncode != 0:
        sys.exit(f"fble-jit view {' '.join(words)} ended with {run.returncode}")


class Check:
    """The clicks, with what must be seen after each."""

    def __init__(self, browser, page, pictures):
        self.browser = browser
        self.page = page
        self.pictures = pictures
        self.failures = []

    def expect(self, condition, text):
        if not condition:
            self.failures.append(text)

    def expect_value(self, expression, text):
        self.expect(self.browser.value(expression), f"{text}: {expression}")

    def picture(self, name, scheme="light"):
        if self.pictures is not None:
            self.browser.screenshot(os.path.join(self.pictures, f"{name}.png"), scheme)

    def all(self):
        self.traces()
        self.rows()
        self.exits()
        self.filters()
        self.keys()
        self.graph()
        self.timeline()
        self.aborts()
        self.compare()
        self.links()
        self.print()
        self.expect(not self.browser.problems, f"the page reported {self.browser.problems}")
        address = "file://" + os.path.abspath(self.page)
        others = [one for one in self.browser.requests if one.split("#")[0] != address and one != "about:blank"]
        self.expect(not others, f"the page made requests: {others}")

    def traces(self):
        self.browser.open(self.page)
        self.picture("traces")
        self.picture("traces-dark", "dark")
        self.expect_value("document.querySelectorAll('#list li').length === run.traces.length && run.traces.length > 10",
                          "all traces are listed")
        for pane in ("source", "bytecode", "ir", "machine"):
            self.expect_value(f"document.querySelectorAll('#{pane} .row').length > 1", f"the pane {pane} has rows")
        for index in range(self.browser.value("run.traces.length")):
            self.browser.value(f"location.hash = traceAddress(run.traces[{index}])")
            self.browser.wait_for(f"drawnTrace === {index}")
        self.expect_value("document.querySelectorAll('.row').length > 0", "every trace can be shown")

    def rows(self):
        self.browser.open(self.page, "#t2")
        for pane in ("source", "bytecode", "ir", "machine"):
            rows = f"#{pane} .row"
            # A row that has partners in the other panes.
            number = self.browser.value(f"""[...document.querySelectorAll('{rows}')].findIndex((node) => {{
                node.dispatchEvent(new MouseEvent('mouseenter'));
                return ['source', 'bytecode', 'ir', 'machine'].every(
                    (other) => document.querySelector(`#${{other}} .marked`) !== null);
            }})""")
            self.expect(number >= 0, f"some row of {pane} has partners in all panes")
            self.browser.value(f"document.querySelectorAll('{rows}')[{number}].id = 'this-row'")
            self.browser.click("#this-row")
            self.expect_value("['source', 'bytecode', 'ir', 'machine'].every("
                              "(other) => document.querySelector(`#${other} .chosen`) !== null)",
                              f"a click in {pane} marks rows in all panes")
            self.browser.value("document.getElementById('this-row').removeAttribute('id')")
        stages = self.browser.value("document.querySelectorAll('#stages button').length")
        self.expect(stages > 2, "there are several stages of the IR")
        self.browser.click("#stages button:first-child")
        self.expect_value("document.querySelector('#stages button').getAttribute('aria-pressed') === 'true'",
                          "the first stage is shown")

    def exits(self):
        trace = self.browser.value("run.traces.find((t) => t.exits.some((e) => e.virtuals.length > 0))?.index ?? -1")
        self.expect(trace >= 0, "some exit rebuilds virtual values")
        exit_ = self.browser.value(f"run.traces[{trace}].exits.findIndex((e) => e.virtuals.length > 0)")
        self.browser.value(f"location.hash = traceAddress(run.traces[{trace}])")
        self.browser.wait_for(f"drawnTrace === {trace}")
        self.browser.click(f"#exits tbody tr:nth-child({exit_ + 1}) td:first-child")
        self.browser.wait_for(f"chosen.exit === {exit_} && document.querySelector('#drawing .frame') !== null")
        self.expect_value("document.querySelectorAll('#drawing .object').length > 0", "virtual values are drawn")
        self.expect_value("document.querySelectorAll('#drawing path').length > 0", "arrows are drawn")
        self.picture("exit")
        self.picture("exit-dark", "dark")
        linked = self.browser.value("(() => { const t = run.traces.find((t) => t.exits.some((e) => e.links.length > 0));"
                                    " location.hash = traceAddress(t); return t.index; })()")
        self.browser.wait_for(f"drawnTrace === {linked}")
        self.browser.click("#exits td a")
        self.browser.wait_for(f"chosen.trace !== {linked}")

    def filters(self):
        self.browser.open(self.page)
        self.browser.click("#filters input[value=bridge]")
        self.expect_value("document.querySelector('#list .bridge') === null", "bridges are left out")
        self.browser.click("#filter-kept")
        self.expect_value("[...document.querySelectorAll('#list li[data-trace]')].every("
                          "(li) => run.traces[li.dataset.trace].kept > 0)", "only traces that allocate")
        self.browser.click("#filter-kept")
        self.browser.click("#filter-text")
        for letter in "turn":
            self.browser.press(letter)
        self.expect_value("document.querySelectorAll('#list li[data-trace]').length > 0 && "
                          "[...document.querySelectorAll('#list li')].every((li) => codesOf(run.traces[li.dataset.trace])"
                          ".some((code) => /turn/i.test(run.codes[code].name)))", "only traces of that function")

    def keys(self):
        self.browser.open(self.page)
        for key, expression in (("j", "chosen.trace === 1"), ("k", "chosen.trace === 0"), ("n", "chosen.exit === 0"),
                                ("[", "chosen.stage === run.traces[0].stages.length - 2 || run.traces[0].stages.length === 1"),
                                ("h", "chosen.exit >= 0"), ("Escape", "chosen.exit === -1"),
                                ("?", "document.getElementById('help').open"),
                                ("Escape", "!document.getElementById('help').open"),
                                ("2", "chosen.view === 'graph'"), ("3", "chosen.view === 'timeline'"),
                                ("4", "chosen.view === 'aborts'"), ("5", "chosen.view === 'compare'"),
                                ("1", "chosen.view === 'traces'"), ("/", "document.activeElement.id === 'filter-text'")):
            self.browser.press(key)
            try:
                self.browser.wait_for(expression, seconds=5)
            except TimeoutError:
                self.failures.append(f"the key {key} does nothing: {expression}")
        bridge = self.browser.value("run.traces.find((t) => t.kind === 'bridge').index")
        self.browser.value(f"document.activeElement.blur(), location.hash = traceAddress(run.traces[{bridge}])")
        self.browser.wait_for(f"drawnTrace === {bridge}")
        self.browser.press("u")
        self.browser.wait_for(f"chosen.trace === run.traces[{bridge}].parent && chosen.exit === run.traces[{bridge}].exit")
        self.browser.press("b")
        self.browser.wait_for(f"run.traces[{bridge}].parent !== chosen.trace")

    def graph(self):
        self.browser.open(self.page)
        self.browser.click("#tabs a[data-view=graph]")
        self.browser.wait_for("document.querySelectorAll('#graph-area .node').length >= run.traces.length")
        self.picture("graph")
        self.picture("graph-dark", "dark")
        overlaps = self.browser.value("""(() => {
            const boxes = [...document.querySelectorAll('#graph-area .node rect')].map((n) => n.getBoundingClientRect());
            return boxes.filter((a, i) => boxes.some((b, j) => i < j && a.left < b.right && b.left < a.right &&
                                                                a.top < b.bottom && b.top < a.bottom)).length;
        })()""")
        self.expect(overlaps == 0, f"{overlaps} nodes of the graph overlap others")
        self.browser.click("#graph-area .node.bridge rect")
        self.browser.wait_for("chosen.view === 'traces' && run.traces[chosen.trace].kind === 'bridge'")

    def timeline(self):
        self.browser.click("#tabs a[data-view=timeline]")
        self.browser.wait_for("document.querySelectorAll('#timeline-area .recording').length === run.recordings.length")
        self.expect_value("document.querySelectorAll('#timeline-area .exits').length > 0", "exits over time")
        self.picture("timeline")
        self.browser.click("#zoom-in")
        self.expect_value("zoom === 2", "the timeline is zoomed")
        self.browser.click("#timeline-area .recording")
        self.browser.wait_for("chosen.view === 'traces'")

    def aborts(self):
        self.browser.click("#tabs a[data-view=aborts]")
        self.browser.wait_for("!document.getElementById('aborts').hidden")
        rows = "document.querySelectorAll('#abort-table tbody tr').length"
        self.expect_value(f"{rows} === run.recordings.filter((r) => r.trace < 0).length", "all aborts are listed")
        self.picture("aborts")
        if self.browser.value(f"{rows} > 0"):
            self.browser.click("#reasons button")
            self.expect_value(f"{rows} < run.recordings.filter((r) => r.trace < 0).length", "a reason can be left out")

    def compare(self):
        self.browser.click("#tabs a[data-view=compare]")
        self.browser.wait_for("document.querySelectorAll('#compare-table tbody tr').length > 3")
        self.browser.click("#compare-table tbody tr:nth-child(3) td:nth-child(3)")
        self.browser.wait_for("document.querySelectorAll('#compare-ir div').length > 3")
        self.picture("compare")
        changed = self.browser.value("document.querySelectorAll('#compare-table tbody tr').length")
        self.browser.click("#only-changed")
        self.expect(self.browser.value("document.querySelectorAll('#compare-table tbody tr').length") > changed,
                    "traces that are the same can be shown")
        self.expect_value("pairs().filter(({old, now}) => old && now).length > 5", "traces of both runs are matched")
        # The page of another run, from a file.
        self.expect_value("""(async () => {
            before = null;
            await loadOther(new File([document.documentElement.outerHTML], 'page.html'));
            return before !== null && pairs().every((pair) => !isChanged(pair));
        })()""", "a page that is loaded is compared; with itself nothing differs")

    def links(self):
        self.browser.open(self.page, "#t1/e1")
        self.expect_value("chosen.trace === 1 && chosen.exit === 1", "an address opens a trace and an exit")
        self.browser.open(self.page, "#t999999/e3")
        self.expect_value("chosen.view === 'traces' && chosen.trace === 0", "an address that names nothing")
        self.browser.click("#theme")
        self.expect_value("document.documentElement.style.colorScheme === 'light'", "the theme changes")

    def print(self):
        self.browser.open(self.page, "#t2/e1")
        data = self.browser.send("Page.printToPDF")["data"]
        self.expect(len(data) > 20000, "the page can be printed")


def test(fble_jit, pictures):
    command = find_browser()
    if command is None:
        print("skipped: Chromium is not there (apt-get install chromium)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        old, page = os.path.join(folder, "old.html"), os.path.join(folder, "page.html")
        make_page(fble_jit, old, "--jit-param", "hot_exits=40", "examples/Fannkuch.fble", "7")
        make_page(fble_jit, page, "--before", old, "examples/Fannkuch.fble", "7")
        browser = Browser(command)
        try:
            check = Check(browser, page, pictures)
            check.all()
        finally:
            browser.close()
    for failure in check.failures:
        print(failure)
    print(f"{len(check.failures)} failures")
    return 1 if check.failures else 0


def measure(page):
    browser = Browser(find_browser() or sys.exit("Chromium is not there"))
    try:
        seconds = [browser.open(page) for _ in range(7)]
        traces = browser.value("run.traces.length")
        print(f"{traces} traces, {os.path.getsize(page) / 1e6:.2f} MB, opens in {statistics.median(seconds):.2f} s "
              f"(median of 7, {min(seconds):.2f} to {max(seconds):.2f})")
        return 1 if browser.problems else 0
    finally:
        browser.close()


def picture(page, png):
    browser = Browser(find_browser() or sys.exit("Chromium is not there"), width=1500, height=840)
    try:
        file, _, fragment = page.partition("#")
        browser.open(file, f"#{fragment}")
        browser.screenshot(png)
    finally:
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fble_jit", nargs="?")
    parser.add_argument("--screenshots", metavar="DIR")
    parser.add_argument("--time", metavar="PAGE")
    parser.add_argument("--picture", nargs=2, metavar=("PAGE", "PNG"))
    options = parser.parse_args()
    if options.time is not None:
        return measure(options.time)
    if options.picture is not None:
        return picture(*options.picture)
    if options.screenshots is not None:
        os.makedirs(options.screenshots, exist_ok=True)
    return test(options.fble_jit, options.screenshots)


if __name__ == "__main__":
    sys.exit(main())
