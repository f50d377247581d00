"""Tables from the results of a run. Works from what is in the JSON file alone."""

import math
import statistics

# A cell is noisy when half its interquartile range is more than this share of its median.
NOISY_SPREAD = 0.05
# The two halves of a run may differ by this much in a geometric mean.
NOISY_HALVES = 0.03
# Times below this are too short to be judged for noise.
SHORT_SECONDS = 0.03


def half_range(values):
    """Returns half the interquartile range, as a share of the median."""
    if len(values) < 3:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    median = statistics.median(values)
    return (high - low) / 2 / median if median else 0.0


def geometric_mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def contestants(results):
    return [c["name"] for c in results["contestants"]]


def present(results, group):
    """The contestants that ran something of the group."""
    return [c for c in contestants(results)
            if any(values(results, work["key"], c, "wall") for work in results["works"] if work["group"] == group)]


def groups(results):
    names = []
    for work in results["works"]:
        if work["group"] not in names:
            names.append(work["group"])
    return names


def works(results, group, start=False):
    return [w["key"] for w in results["works"] if w["group"] == group and w["start"] == start]


def name(key):
    return key.split("/", 1)[1]


def unique_name(results, key):
    """The name of a work, with its group if there is another of that name."""
    return key if sum(name(w["key"]) == name(key) for w in results["works"]) > 1 else name(key)


def values(results, work, contestant, measure):
    """Returns the measured values of each round; `cpu` is user and system time together."""
    runs = results["runs"].get(work, {}).get(contestant, {})
    if measure == "cpu":
        return [u + s for u, s in zip(runs.get("user", []), runs.get("system", []))]
    return runs.get(measure, [])


def median(results, work, contestant, measure):
    found = values(results, work, contestant, measure)
    return statistics.median(found) if found else None


def ratios(results, group, contestant, measure, base, pick=lambda v: v):
    """Returns the ratios of contestant to base for the works that both ran."""
    found = []
    for work in works(results, group):
        a = pick(values(results, work, contestant, measure))
        b = pick(values(results, work, base, measure))
        if a and b and statistics.median(a) > 0 and statistics.median(b) > 0:
            found.append(statistics.median(a) / statistics.median(b))
    return found


def means(results, group, measure, base):
    """Returns the geometric mean of the ratios to the base, and the number of works in it."""
    found = {}
    for contestant in contestants(results):
        each = ratios(results, group, contestant, measure, base)
        if each:
            found[contestant] = [geometric_mean(each), len(each)]
    return found


def noise(results, base):
    """Returns the reasons to distrust the run, as sentences."""
    found = []
    cells = []
    noisy = []
    for work in results["works"]:
        for contestant in contestants(results):
            times = values(results, work["key"], contestant, "cpu")
            if len(times) < 3 or statistics.median(times) < SHORT_SECONDS:
                continue
            cells.append(work)
            if half_range(times) > NOISY_SPREAD:
                noisy.append(f"{name(work['key'])} with {contestant} ±{100 * half_range(times):.0f} %")
    for entry in results.get("micro", []):
        cells.append(entry)
        if half_range(entry["cpu_ns"]) > NOISY_SPREAD:
            noisy.append(f"{entry['name']} ±{100 * half_range(entry['cpu_ns']):.0f} %")
    if noisy and len(noisy) > len(cells) / 10:
        found.append(f"{len(noisy)} of {len(cells)} times vary by more than ±{100 * NOISY_SPREAD:.0f} %: "
                     + ", ".join(noisy[:4]) + (", ..." if len(noisy) > 4 else ""))
    if results["rounds"] < 3:
        found.append("fewer than three rounds: nothing is known about how much the times vary")
    else:
        for group in groups(results):
            for contestant in contestants(results):
                # What was repeated less often has no say.
                first = geometric_mean(ratios(results, group, contestant, "cpu", base, lambda v: v[0::2] if len(v) > 2 else []))
                second = geometric_mean(ratios(results, group, contestant, "cpu", base, lambda v: v[1::2] if len(v) > 2 else []))
                if first and second and abs(first / second - 1) > NOISY_HALVES:
                    found.append(f"the geometric mean of {contestant} over the {group} is {first:.3f} by the odd rounds, "
                                 f"{second:.3f} by the even ones")
    loads = results.get("load", [])
    cores = results["machine"]["cores"]
    if loads and max(loads) > cores * 0.75 + 0.5:
        found.append(f"the machine was busy: load average up to {max(loads):.1f} on {cores} cores")
    return found


# --- tables

def number(value, digits=3):
    """A positive number with as many digits as are worth reading."""
    if value is None:
        return "—"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def seconds(value):
    return "—" if value is None else f"{value:.3f}"


def times_rows(results, group, measure):
    yield [f"{group}, {measure} time in s", *present(results, group)]
    for start in (False, True):
        for work in works(results, group, start):
            row = [name(work)]
            for contestant in present(results, group):
                found = values(results, work, contestant, measure)
                cell = seconds(statistics.median(found)) if found else "—"
                row.append(cell + (f" ±{100 * half_range(found):.0f}%" if len(found) >= 3 else ""))
            yield row


def ratio_rows(results, group, measure, base):
    yield [f"{group}, times {base}", *present(results, group)]
    for work in works(results, group):
        b = median(results, work, base, measure)
        row = [name(work)]
        for contestant in present(results, group):
            a = median(results, work, contestant, measure)
            row.append(number(a / b) if a and b else "—")
        yield row
    every = means(results, group, measure, base)
    count = max((n for _, n in every.values()), default=0)
    row = ["geometric mean"]
    for contestant in present(results, group):
        mean, n = every.get(contestant, (None, 0))
        row.append(number(mean) + (f" ({n} of {count})" if 0 < n < count else ""))
    yield row


def memory_rows(results, group):
    yield [f"{group}, peak memory in MB", *present(results, group)]
    for start in (False, True):
        for work in works(results, group, start):
            row = [name(work)]
            for contestant in present(results, group):
                peak = median(results, work, contestant, "peak_kib")
                row.append(number(peak * 1024 / 1e6) if peak else "—")
            yield row


def start_rows(results):
    yield ["starting, in ms", "first output", "end", "cpu"]
    for work in results["works"]:
        if not work["start"]:
            continue
        for contestant in contestants(results):
            if not values(results, work["key"], contestant, "wall"):
                continue
            yield [contestant] + [
                f"{1000 * median(results, work['key'], contestant, m):.1f}" for m in ("first_output", "wall", "cpu")]


def front_end_rows(results, base):
    yield ["front end of fble-jit", "ms", "share of cpu time"]
    for work in results["works"]:
        check = results.get("front_end", {}).get(work["key"])
        whole = median(results, work["key"], base, "cpu")
        if check and whole:
            yield [unique_name(results, work["key"]), f"{1000 * check:.1f}", f"{100 * min(1, check / whole):.0f} %"]


def compiler_rows(results):
    """Tabulates the actions of the compiler; its share is of the run in which it was counted."""
    yield ["compiler of fble-jit", "functions", "bridges", "continuations", "code in KB", "guards", "table bytes / guard",
           "all bytes / guard", "exits taken", "compiling in ms", "share of cpu time"]
    found = results.get("compiler", {})
    for work, stats in found.items():
        spent = stats["record_ms"] + stats["optimise_ms"] + stats["assemble_ms"]
        yield [unique_name(results, work), *(f"{stats[key]:.0f}" for key in ("functions", "bridges", "continuations")),
               f"{stats['code_bytes'] / 1000:.1f}", f"{stats['guards']:.0f}", per(stats["table_bytes"], stats["guards"]),
               per(stats["exit_bytes"] + stats["record_bytes"], stats["guards"]),
               f"{stats['exits']:.0f}", f"{spent:.1f}", f"{100 * spent / stats['cpu_ms']:.1f} %"]
    if found:
        total = {key: sum(stats[key] for stats in found.values()) for key in ("table_bytes", "exit_bytes", "record_bytes", "guards")}
        yield ["all", "", "", "", "", f"{total['guards']:.0f}", per(total["table_bytes"], total["guards"]),
               per(total["exit_bytes"] + total["record_bytes"], total["guards"]), "", "", ""]


def per(amount, count):
    return f"{amount / count:.1f}" if count else "—"


def scale_rows(results):
    """How much faster than the work the time grows: time per unit of cost at the largest
    argument over that at the smallest one that takes long enough, for each contestant."""
    yield ["growth beyond the expected", *contestants(results)]
    for work, curve in results.get("curves", {}).get("scale", {}).items():
        cost = {n: c for n, c in curve["cost"]}
        row = [name(work)]
        for contestant in contestants(results):
            points = curve["points"].get(contestant, [])
            start = start_time(results, contestant)
            usable = [(n, cpu - start) for n, cpu, _ in points if cpu - start > 0.01]
            if len(usable) < 2 or cost[usable[-1][0]] < 4 * cost[usable[0][0]]:
                row.append("—")
                continue
            (n0, t0), (n1, t1) = usable[0], usable[-1]
            row.append(f"{t1 / cost[n1] / (t0 / cost[n0]):.2f} ({cost[n1] / cost[n0]:.0f}x work)")
        yield row


def start_time(results, contestant):
    for work in results["works"]:
        if work["start"]:
            return median(results, work["key"], contestant, "cpu") or 0.0
    return 0.0


def warm_rows(results):
    """Yields rows: first repetition over the steady ones, and the repetitions until the time is within a fifth."""
    yield ["first repetition / steady (repetitions until steady)", *contestants(results)]
    for work, curve in results.get("curves", {}).get("warm-up", {}).items():
        row = [name(work)]
        for contestant in contestants(results):
            times = curve["seconds"].get(contestant)
            if not times or statistics.median(times[len(times) // 2:]) <= 0:
                row.append("—")
                continue
            steady = statistics.median(times[len(times) // 2:])
            until = next((i for i, t in enumerate(times) if t < 1.2 * steady), len(times))
            row.append(f"{times[0] / steady:.1f} ({until})")
        yield row


def lay_out(rows, markdown):
    rows = [list(map(str, row)) for row in rows]
    if len(rows) < 2:
        return ""
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|---" + "|---:" * (len(rows[0]) - 1) + "|")
        return "\n".join(lines) + "\n"
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for i, row in enumerate(rows):
        lines.append(row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])))
        if i == 0:
            lines.append("-" * len(lines[0]))
    return "\n".join(lines) + "\n"


def micro_rows(results):
    """What Google Benchmark measured: median and spread of the repetitions. Of the longest pauses the
    least: pauses are spans of wall time, in which other processes may have run."""
    yield ["part", "cpu time", "rate", "longest pause"]
    for entry in results.get("micro", []):
        times = entry["cpu_ns"]
        spread = f" ±{100 * half_range(times):.0f}%" if len(times) >= 3 else ""
        rate = entry.get("items_per_second")
        pause = entry.get("longest_pause_us")
        yield [entry["name"], duration(statistics.median(times)) + spread,
               f"{quantity(statistics.median(rate))}/s" if rate else "",
               duration(1000 * min(pause)) if pause else ""]


def duration(ns):
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= size:
            return f"{number(ns / size)} {unit}"
    return f"{number(ns)} ns"


def quantity(value):
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{number(value / size)}{unit}"
    return number(value)


# The tables of a run by name. Those of GROUP_TABLES are of a group of works.
GROUP_TABLES = {
    "times": lambda results, measure, group: times_rows(results, group, measure),
    "ratios": lambda results, measure, group: ratio_rows(results, group, measure, results["base"]),
    "memory": lambda results, measure, group: memory_rows(results, group),
}
TABLES = {
    "start": lambda results, measure: start_rows(results),
    "front-end": lambda results, measure: front_end_rows(results, results["base"]),
    "compiler": lambda results, measure: compiler_rows(results),
    "scale": lambda results, measure: scale_rows(results),
    "warm-up": lambda results, measure: warm_rows(results),
    "micro": lambda results, measure: micro_rows(results),
}


def table(results, kind, group=None, measure="cpu", markdown=False):
    rows = GROUP_TABLES[kind](results, measure, group) if group else TABLES[kind](results, measure)
    return lay_out(list(rows), markdown)


def about(results):
    """Returns machine, time, version and command of a run, as lines."""
    m = results["machine"]
    return [
        f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, {m['system']}, Linux {m['kernel']}"
        + (", virtual machine" if m["virtual"] else ""),
        f"{results['date']}, commit {results['source']['commit']}" + (" with changes" if results["source"]["changed"] else ""),
        results["command"],
    ]


def report(results, measure="cpu", markdown=False):
    """Returns all tables of a run, as text."""
    text = [*about(results),
            f"{results['rounds']} interleaved rounds; cells are medians, ± half the interquartile range", ""]
    tables = [table(results, kind, group, measure, markdown) for group in groups(results) for kind in GROUP_TABLES]
    tables += [table(results, kind, None, measure, markdown) for kind in TABLES]
    text += [laid for laid in tables if laid]
    text.append(trust(results))
    return "\n".join(text)


def trust(results):
    lines = [f"NOISY: {sentence}" for sentence in results["noise"]]
    lines += [f"left out: {reason}" for reason in results.get("left_out", [])]
    lines += [f"WRONG: {sentence}" for sentence in results.get("wrong", [])]
    return "\n".join(lines) or "Not noisy: times of the rounds agree."


def compare(a, b, measure="cpu", markdown=False):
    """Compares the geometric means of two runs; returns the text, and the largest difference."""
    rows = [["geometric means", "first", "second", "difference"]]
    worst = 0.0
    for group in groups(a):
        first = means(a, group, measure, a["base"])
        second = means(b, group, measure, b["base"]) if group in groups(b) else {}
        for contestant in first:
            if contestant not in second:
                continue
            difference = second[contestant][0] / first[contestant][0] - 1
            worst = max(worst, abs(difference))
            rows.append([f"{group}, {contestant} over {a['base']}", f"{first[contestant][0]:.3f}",
                         f"{second[contestant][0]:.3f}", f"{100 * difference:+.1f} %"])
        absolute = [geometric_mean([median(r, w, a["base"], measure) for w in works(a, group)
                                    if values(a, w, a["base"], measure) and values(b, w, a["base"], measure)])
                    for r in (a, b)]
        if all(absolute):
            difference = absolute[1] / absolute[0] - 1
            rows.append([f"{group}, {a['base']} in s", f"{absolute[0]:.4f}", f"{absolute[1]:.4f}", f"{100 * difference:+.1f} %"])
            worst = max(worst, abs(difference))
    return lay_out(rows, markdown), worst
