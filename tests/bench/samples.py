"""Tables and plots of samples: what tests/vale/run measured.

A table's cell is a median with an interval, which covers the true median with at least 95 % probability if there are six
samples or more, whatever their distribution: it lies between the smallest and the largest of six (96.9 %). The interval of three
samples covers it with 75 %. Ratios are of samples of the same round.
"""

import math
import statistics

import plot
import report

COVERAGE = 0.95


def interval(values):
    """The narrowest interval of two samples around the median that covers the true one often enough; else the widest."""
    values = sorted(values)
    count = len(values)
    taken, outside = 0, 0.0
    for k in range(count // 2):
        outside += 2 * math.comb(count, k) / 2 ** count
        if 1 - outside < COVERAGE:
            break
        taken = k
    return values[taken], values[count - 1 - taken]


def number(value):
    """Three digits, or all before the point."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def cell(values, scale=1.0):
    if not values:
        return ""
    low, high = interval(values)
    return f"{number(statistics.median(values) * scale)} [{number(low * scale)}, {number(high * scale)}]"


def select(results, part, **wanted):
    return [sample for sample in results["samples"]
            if sample["part"] == part and all(sample[key] == value for key, value in wanted.items())]


def values(results, measure, part, **wanted):
    return [sample[measure] for sample in select(results, part, **wanted) if measure in sample]


def variants(results, part):
    return list(dict.fromkeys(sample["variant"] for sample in select(results, part)))


def columns(results, part, key):
    return sorted({sample[key] for sample in select(results, part)})


def lay_out(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def by_key(results, part, key, measure, scale=1.0, least=0, **wanted):
    """A row for each variant, a column for each value of the key from the least on."""
    found = [each for each in columns(results, part, key) if each >= least]
    rows = [[variant, *(cell(values(results, measure, part, variant=variant, **{key: each}, **wanted), scale)
                        for each in found)] for variant in variants(results, part)]
    return lay_out(["", *(f"{each:,}" for each in found)], rows)


def sizes(results):
    rows = [[f"`{s['variant']}`", str(s["computed"]), str(s["machine"]), str(s["used"]), f"{s['computed'] / s['used']:.2f}"]
            for s in select(results, "sizes") if "used" in s]
    return lay_out(["function", "computed", "from machine code", "used", "computed / used"], rows)


def fble_sizes(results):
    rows = [[str(s[key]) for key in ("functions", "equal", "within", "over")] for s in select(results, "sizes", variant="F")]
    return lay_out(["functions of F that ran, with a known need", "used all of it", "need is at most 1.25 of used", "used more"],
                   rows)


def begun(results):
    """How many of the searches could be begun."""
    found = [each for each in columns(results, "waiting", "count") if each >= 10_000]
    rows = [[variant, *(f"{min(values(results, 'begun', 'waiting', variant=variant, count=each, depth=0), default=0):,}"
                        for each in found)] for variant in variants(results, "waiting")]
    return lay_out(["", *(f"{each:,}" for each in found)], rows)


def waiting_at_depth(results):
    """Bytes in the process per waiting search, at the depths that were measured with the same number."""
    count = next(s["count"] for s in select(results, "waiting") if s["depth"])
    rows = [[variant, *(cell(values(results, "resident", "waiting", variant=variant, count=count, depth=depth))
                        for depth in columns(results, "waiting", "depth"))] for variant in variants(results, "waiting")]
    return lay_out([f"{count:,} searches", *(f"depth {depth}" for depth in columns(results, "waiting", "depth"))], rows)


def call(results):
    return lay_out(["", "ns"], [[variant, cell(values(results, "nanoseconds", "call", variant=variant))]
                                for variant in variants(results, "call")])


def ratio(results, measure, part, above, below, **wanted):
    """Of the rounds that both were in."""
    divisors = {s["round"]: s[measure] for s in select(results, part, variant=below, **wanted) if s[measure] > 0}
    return cell([s[measure] / divisors[s["round"]] for s in select(results, part, variant=above, **wanted)
                 if s["round"] in divisors])


COUNTS = 100, 10_000, 100_000
PAIRS = ("V2", "A"), ("T, 16 KiB", "V2"), ("T, 8 MiB", "V2"), ("V1", "V2"), ("F", "A")


def prediction(results):
    """How many times the one needs what the other needs."""
    rows = []
    for what, measure, part, key in (("time, warm", "seconds", "search", "searches"),
                                     ("processor time, warm", "processor", "search", "searches"),
                                     ("time, cold", "seconds", "cold", "searches"),
                                     ("memory of a search", "resident", "search", "searches"),
                                     ("memory per waiting search", "resident", "waiting", "count")):
        more = {"depth": 0} if part == "waiting" else {}
        for above, below in PAIRS:
            cells = [ratio(results, measure, part, above, below, **{key: each}, **more) for each in COUNTS]
            if any(cells):
                rows.append([what, f"{above} / {below}", *cells])
    return lay_out(["", "", *(f"{each:,}" for each in COUNTS)], rows)


TABLES = {
    "sizes": sizes,
    "fble-sizes": fble_sizes,
    "search-time": lambda r: by_key(r, "search", "searches", "seconds"),
    "search-processor": lambda r: by_key(r, "search", "searches", "processor"),
    "search-memory": lambda r: by_key(r, "search", "searches", "resident", 1e-6),
    "cold-time": lambda r: by_key(r, "cold", "searches", "seconds"),
    "waiting-process": lambda r: by_key(r, "waiting", "count", "resident", least=100, depth=0),
    "waiting-kernel": lambda r: by_key(r, "waiting", "count", "kernel", least=1000, depth=0),
    "waiting-depth": waiting_at_depth,
    "begun": begun,
    "switch": lambda r: by_key(r, "switch", "depth", "nanoseconds"),
    "call": call,
    "prediction": prediction,
}


def series(results, part, key, measure, scale=1.0, least=0, **wanted):
    """The medians of each variant with their intervals, as points."""
    lines = {}
    for variant in variants(results, part):
        for x in (each for each in columns(results, part, key) if each >= least):
            if found := values(results, measure, part, variant=variant, **{key: x}, **wanted):
                points = lines.setdefault(variant, [])
                points.append(tuple(scale * y if i else y for i, y in enumerate((x, statistics.median(found), *interval(found)))))
    return lines


# A plot: its title, its panels, the titles of its axes, and whether these are logarithmic.
PLOTS = {
    "plot-search": ("Searching a corpus, by the number of searches at a time", lambda r: [
        ("warm: time, s", series(r, "search", "searches", "seconds")),
        ("warm: processor time, s", series(r, "search", "searches", "processor")),
        ("cold: time, s", series(r, "cold", "searches", "seconds")),
        ("peak memory, MB", series(r, "search", "searches", "resident", 1e-6))], "searches at a time", "", True, True),
    "plot-waiting": ("Memory per waiting search, by their number", lambda r: [
        ("process, bytes", series(r, "waiting", "count", "resident", least=100, depth=0)),
        ("kernel, bytes", series(r, "waiting", "count", "kernel", least=1000, depth=0))], "waiting searches", "", True, True),
    "plot-switch": ("Processor time of a switch, by the depth of calls", lambda r: [
        ("a switch, ns", series(r, "switch", "depth", "nanoseconds"))], "depth", "", False, True),
}


def draw(results, kind, path):
    title, panels, x_title, y_title, log_x, log_y = PLOTS[kind]
    names = {variant: {"name": variant} for sample in results["samples"] if sample["part"] in ("search", "waiting")
             for variant in [sample["variant"]]}
    plot.grid({**results, **next(iter(results["runs"].values())), "contestants": list(names.values()), "base": "V2"}, path, title, panels(results), x_title, y_title,
              log_x, log_y)


def about(results):
    machine = report.about({**results, **next(iter(results["runs"].values()))})[0]
    rows = [[part, run["date"], run["source"]["commit"], str(run["load"]), str(run["rounds"]), f"{run['files']:,}"]
            for part, run in results["runs"].items()]
    return f"{machine}.\n\n    {results['command']}\n\n" + lay_out(["part", "date", "commit", "load before", "rounds", "files"], rows)
