"""Plots of the results of a run, as SVG written by hand."""

import math
import xml.sax.saxutils

import report

FONT = "font-family='Helvetica, Arial, sans-serif'"
INK = "#222222"
FAINT = "#8a8a8a"
GRID = "#e4e4e4"
# Told apart also by those who see few colours (Okabe and Ito), ours first.
COLOURS = ["#d55e00", "#e6a532", "#0072b2", "#56b4e9", "#009e73", "#222222", "#cc79a7", "#7b5aa6", "#9a9a9a"]


class Svg:
    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.parts = []

    def text(self, x, y, words, size=12, anchor="start", colour=INK, weight="normal", turn=None):
        turned = f" transform='rotate({turn} {x:.1f} {y:.1f})'" if turn is not None else ""
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{colour}' "
                          f"font-weight='{weight}'{turned}>{xml.sax.saxutils.escape(words)}</text>")

    def line(self, x1, y1, x2, y2, colour=GRID, width=1.0):
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' "
                          f"stroke-width='{width}'/>")

    def path(self, points, colour, width=1.6):
        words = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<path d='{words}' fill='none' stroke='{colour}' stroke-width='{width}' "
                          "stroke-linejoin='round'/>")

    def dot(self, x, y, radius, colour, title=""):
        tip = f"<title>{xml.sax.saxutils.escape(title)}</title>" if title else ""
        self.parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius}' fill='{colour}' stroke='#ffffff' "
                          f"stroke-width='0.8'>{tip}</circle>")

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.width}' height='{self.height}' "
                       f"viewBox='0 0 {self.width} {self.height}' {FONT}>\n"
                       f"<rect width='{self.width}' height='{self.height}' fill='#ffffff'/>\n"
                       + "\n".join(self.parts) + "\n</svg>\n")


class Axis:
    """Maps values to places, linearly or by logarithm; zero and below have no place by logarithm."""

    def __init__(self, values, start, end, log, from_zero=False):
        self.log = log
        found = [v for v in values if v > 0 or not log] or [1.0]
        low, high = min(found), max(found)
        if log:
            low, high = math.log10(low), math.log10(high)
            margin = max(0.05 * (high - low), 0.05)
            low, high = low - margin, high + margin
        elif from_zero:
            low, high = 0.0, high * 1.05 or 1.0
        elif low == high:
            high = low + 1
        self.low, self.high, self.start, self.end = low, high, start, end

    def place(self, value):
        at = math.log10(value) if self.log else value
        return self.start + (at - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count=5):
        """Pairs of value and label, the label empty for those in between."""
        if not self.log:
            raw = (self.high - self.low) / count
            unit = 10 ** math.floor(math.log10(raw))
            step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw)
            first = math.ceil(self.low / step - 1e-9)
            return [(i * step, label(i * step)) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]
        decades = self.high - self.low
        result = []
        for exponent in range(math.floor(self.low), math.ceil(self.high) + 1):
            for digit in range(1, 10):
                value = digit * 10.0 ** exponent
                if not self.low <= math.log10(value) <= self.high:
                    continue
                shown = digit == 1 or (decades < 2.5 and digit in (2, 5)) or decades < 0.5
                result.append((value, label(value) if shown else ""))
        return result


def label(value):
    if value == 0:
        return "0"
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def colours(results):
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(report.contestants(results))}


def legend(svg, names, colour, x, y, width):
    at = x
    for name in names:
        wide = 22 + 6.6 * len(name)
        if at + wide > x + width and at > x:
            at = x
            y += 18
        svg.dot(at + 5, y - 4, 5, colour[name])
        svg.text(at + 14, y, name)
        at += wide
    return y + 18


def footer(results):
    m = results["machine"]
    return f"{m['cpu']}, {m['cores']} cores; {results['date'][:10]}, commit {results['source']['commit']}; lower is better"


def times(results, path, measure):
    """One row per work, one dot per contestant."""
    colour = colours(results)
    names = report.contestants(results)
    rows = []
    for group in report.groups(results):
        rows.append((group, None))
        rows += [(work, "work") for work in report.works(results, group)]
    rows += [(work, "work") for group in report.groups(results) for work in report.works(results, group, True)]
    width, left, right, row_height = 860, 150, 24, 24
    svg = Svg(width, 96 + row_height * len(rows) + 74)
    svg.text(16, 26, f"Whole-process {measure} time, median of {results['rounds']} runs", 16, weight="bold")
    top = legend(svg, names, colour, 16, 52, width - 32) + 6
    bottom = top + row_height * len(rows)
    every = [report.median(results, w["key"], c, measure) for w in results["works"] for c in names]
    axis = Axis([v for v in every if v], left, width - right, log=True)
    for value, text in axis.ticks():
        x = axis.place(value)
        svg.line(x, top, x, bottom, GRID if text else "#f3f3f3")
        if text:
            svg.text(x, bottom + 16, text, 11, "middle", FAINT)
    svg.text((left + width - right) / 2, bottom + 34, "seconds, logarithmic", 12, "middle", FAINT)
    y = top
    for name, kind in rows:
        middle = y + row_height / 2
        if kind is None:
            svg.text(16, middle + 4, name, 12, weight="bold")
        else:
            svg.text(left - 10, middle + 4, report.name(name), 12, "end")
            found = [(report.median(results, name, c, measure), c) for c in names]
            found = [(v, c) for v, c in found if v]
            if found:
                svg.line(axis.place(min(found)[0]), middle, axis.place(max(found)[0]), middle, "#cfcfcf", 1.5)
            for value, c in reversed(found):
                svg.dot(axis.place(value), middle, 6.5 if c == results["base"] else 5, colour[c], f"{c}: {value:.3f} s")
        y += row_height
    svg.text(16, bottom + 58, footer(results), 10.5, colour=FAINT)
    svg.write(path)


def grid(results, path, title, panels, x_title, y_title, log_x, log_y, dots=True, note=""):
    """A small plot for each panel: (name, {contestant: [point]}). A point is (x, y), or (x, y, low, high) with an interval."""
    panels = [(name, {c: p for c, p in series.items() if p}) for name, series in panels]
    panels = [(name, series) for name, series in panels if series]
    if not panels:
        return False
    colour = colours(results)
    across, wide, high = 4, 250, 190
    down = math.ceil(len(panels) / across)
    width = 30 + across * wide
    svg = Svg(width, 92 + down * high + 44)
    svg.text(16, 26, title, 16, weight="bold")
    used = [c for c in report.contestants(results) if any(c in series for _, series in panels)]
    top = legend(svg, used, colour, 16, 52, width - 32) + 4
    for i, (name, series) in enumerate(panels):
        x0 = 16 + (i % across) * wide
        y0 = top + (i // across) * high
        left, right, upper, lower = x0 + 44, x0 + wide - 14, y0 + 22, y0 + high - 40
        svg.text((left + right) / 2, y0 + 14, name, 12, "middle", weight="bold")
        xs = Axis([x for points in series.values() for x, *_ in points], left, right, log_x)
        ys = Axis([y for points in series.values() for _, *found in points for y in found], lower, upper, log_y, from_zero=True)
        for value, text in ys.ticks(4):
            y = ys.place(value)
            if text:
                svg.line(left, y, right, y)
                svg.text(left - 5, y + 3.5, text, 10, "end", FAINT)
        for value, text in xs.ticks(4):
            if text:
                svg.line(xs.place(value), lower, xs.place(value), lower + 4, FAINT)
                svg.text(xs.place(value), lower + 16, text, 10, "middle", FAINT)
        svg.line(left, lower, right, lower, FAINT)
        for c in reversed(used):
            points = [(xs.place(x), ys.place(y)) for x, y, *_ in series.get(c, []) if y > 0 or not log_y]
            for x, _, *ends in series.get(c, []):
                if ends and (min(ends) > 0 or not log_y):
                    svg.line(xs.place(x), ys.place(ends[0]), xs.place(x), ys.place(ends[1]), colour[c], 1.2)
            if points:
                svg.path(points, colour[c], 2.2 if c == results["base"] else 1.5)
            if dots:
                for x, y in points:
                    svg.dot(x, y, 2.6, colour[c])
        if i % across == 0:
            svg.text(x0 + 4, (upper + lower) / 2, y_title, 11, "middle", FAINT, turn=-90)
        svg.text((left + right) / 2, lower + 32, x_title, 10.5, "middle", FAINT)
    svg.text(16, svg.height - 14, (note + " " if note else "") + footer(results), 10.5, colour=FAINT)
    svg.write(path)
    return True


# What the plots show, by their kind: the end of the file's name.
TITLES = {
    "plot": "Whole-process processor time",
    "plot-scale": "Processor time over the work that the algorithm says",
    "plot-warmup": "Time of each repetition in one process",
    "plot-memory": "Resident memory over time",
}


def all_plots(results, stem, measure):
    """Writes what there is; the paths."""
    written = []
    if results["works"]:
        written.append(f"{stem}.svg")
        times(results, written[0], measure)
    curves = results.get("curves", {})

    def write(kind, *args, **kwargs):
        path = f"{stem}-{kind}.svg"
        if grid(results, path, TITLES[f"plot-{kind}"], *args, **kwargs):
            written.append(path)

    if "scale" in curves:
        write("scale",
              [(report.name(w), {c: [(dict(curve["cost"])[n] / curve["cost"][0][1], cpu) for n, cpu, _ in p]
                    for c, p in curve["points"].items()})
               for w, curve in curves["scale"].items()],
              "times the work of the smallest", "seconds", log_x=True, log_y=True)
    if "warm-up" in curves:
        write("warmup",
              [(f"{report.name(w)} {curve['size']}", {c: [(i + 1, 1000 * t) for i, t in enumerate(times)]
                                         for c, times in curve["seconds"].items()})
               for w, curve in curves["warm-up"].items()],
              "repetition", "milliseconds", log_x=True, log_y=True, dots=False,
              note="The first repetition includes starting.")
    if "memory" in curves:
        write("memory",
              [(report.name(w), {c: [(100 * t / p[-1][0], kib * 1024 / 1e6) for t, kib in p] for c, p in series.items()})
               for w, series in curves["memory"].items()],
              "% of the run's time", "MB", log_x=False, log_y=True, dots=False)
    return written
