# SPDX-License-Identifier: Apache-2.0
"""What is left of a run: report.md, results.json and a plot of each workload."""
import json
import os

import plot
from results import calibration, judge
from servers import SERVERS
from workloads import GROWTH

HEADINGS = {
    "cpu_us": "CPU µs/request", "rps": "requests/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "pss_kb": "PSS MB", "errors": "errors",
    "start_ms": "start ms", "reload_ms": "reload ms", "stop_ms": "stop ms", "held": "held", "answered": "answered",
    "largest_to_smallest": "largest/smallest", "calls_per_request": "calls/request", "waits_per_request": "of them epoll_wait",
    "p99_difference_ms": "p99 more ms", "p99_without_ms": "p99 without slow ms",
}
SCALES = {"pss_kb": 1 / 1024}


def show(metric, value):
    """A number as a table has it: three digits that matter, whole numbers whole."""
    if value is None:
        return "–"
    value *= SCALES.get(metric, 1)
    if metric in ("rps", "errors", "held", "answered") or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio_to(medians, workload, server, other):
    ours, theirs = (medians.get((workload, name, "cpu_us")) for name in (server, other))
    return f"{ours / theirs:.2f}" if ours and theirs else "–"


def table(rows):
    """Markdown; the first row is the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def servers_of(workload, medians):
    """Those with a number, cheapest first."""
    metric = workload.columns[0]
    names = [name for name in workload.servers if medians.get((workload.name, name, metric)) is not None]
    return sorted(names, key=lambda name: medians[workload.name, name, metric])


def workload_table(workload, medians):
    has_floor = (workload.name, "floor", "cpu_us") in medians
    rows = [["", *(HEADINGS[column] for column in workload.columns)]]
    if "cpu_us" in workload.columns:
        rows[0] += ["of tine"] + ["of the floor"] * has_floor
    for name in servers_of(workload, medians):
        row = [name, *(show(column, medians.get((workload.name, name, column))) for column in workload.columns)]
        if "cpu_us" in workload.columns:
            row += [ratio_to(medians, workload.name, name, "tine")]
            row += [ratio_to(medians, workload.name, name, "floor")] * has_floor
        rows.append(row)
    return table(rows)


def calls_table(samples):
    """System calls by name, from the first round that has them."""
    found = {}
    for sample in samples:
        if "calls" in sample:
            found.setdefault(sample["server"], sample["calls"])
    rows = [["", "calls per request"]]
    rows += [[server, ", ".join(f"{name} {times:.3f}" for name, times in calls.items())] for server, calls in found.items()]
    return table(rows) if found else ""


def target_table(medians):
    rows = [["target", "bound", "seen", ""]]
    for target, value, met in judge(medians):
        sign = "≥" if target.at_least else "≤"
        verdict = "not measured" if value is None else "met" if met else "**missed**"
        rows.append([target.text, f"{sign} {target.limit:.3g}", "–" if value is None else f"{value:.4g}", verdict])
    return table(rows)


def heading(run):
    machine, options = run["machine"], run["options"]
    lines = [
        "# tine and its peers", "",
        f"{machine['date']}, tine {machine['commit'] or 'without a commit'}, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_mb']:,} MB, {machine['system']}, Linux {machine['kernel']}, TCP with {machine['congestion_control']}; "
        f"load average {machine['load_average']:.2f} before. "
        f"Medians of {options['rounds']} rounds of {options['seconds']} s; servers in turn within each round; errors are summed.", "",
        "CPU time is that of the server's whole process tree for each answered request. PSS is read after the load.", "",
        "Versions: " + "; ".join(f"{name}: {version}" for name, version in run["versions"].items() if version) + ".",
    ]
    return "\n".join(lines)


def markdown(run, results, workloads):
    medians = results.medians()
    parts = [heading(run)]
    if calibration(medians):
        parts.append(calibration(medians) + ".")
    if run["failures"]:
        parts.append("Failed:\n\n" + "\n".join(f"* {failure}" for failure in run["failures"]))
    parts.append("## Targets\n\n" + target_table(medians))
    for workload in workloads:
        if servers_of(workload, medians):
            parts.append(f"## {workload.title}\n\n![]({workload.name}.svg)\n\n" + workload_table(workload, medians))
            if workload.name == "system-calls":
                parts.append(calls_table(results.samples))
    if growth_lines(medians):
        parts.append("## Cost as workers grow\n\n![](workers.svg)")
    return "\n\n".join(parts) + "\n"


def bars_of(workload, results, medians):
    """[(server, median, least, most)] for its plot."""
    metric = workload.columns[0]
    scale = SCALES.get(metric, 1)
    bars = []
    for name in servers_of(workload, medians):
        values = [value * scale for value in results.values(workload.name, name, metric)]
        bars.append((name, medians[workload.name, name, metric] * scale, min(values), max(values)))
    return bars


def growth_lines(medians):
    """{server: [(workers, cost)]}."""
    lines = {}
    for server in SERVERS:
        points = [(count, medians.get((f"workers-{count}", server, "cpu_us"))) for count in GROWTH]
        if None not in (cost for _, cost in points):
            lines[server] = points
    return lines


def write(folder, run, results, workloads):
    """Everything, into a folder that is made."""
    os.makedirs(folder, exist_ok=True)
    medians = results.medians()
    files = {"report.md": markdown(run, results, workloads),
             "results.json": json.dumps({**run, "samples": results.samples}, indent=1) + "\n"}
    for workload in workloads:
        bars = bars_of(workload, results, medians)
        if bars:
            files[f"{workload.name}.svg"] = plot.bars(workload.title, HEADINGS[workload.columns[0]], bars)
    lines = growth_lines(medians)
    if lines:
        files["workers.svg"] = plot.lines("Cost as workers grow", "workers", HEADINGS["cpu_us"], lines)
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
