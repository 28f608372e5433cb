#!/usr/bin/env python3
"""Sums up what the steps of check.sh have written, as OUT/README.md."""

import datetime
import json
import pathlib
import re
import sys


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def main(out):
    lines = ["# clipkl on a GPU", ""]
    lines.append(f"Written by `check.sh` on {datetime.date.today()}; see src/bench/gpu.")
    smi = out / "nvidia-smi.txt"
    found = re.search(r"Driver Version: *(\S+) +CUDA Version: *(\S+)", smi.read_text()) if smi.exists() else None
    if found:
        lines.append(f"Driver {found[1]}, CUDA {found[2]}.")
    contract(out, lines)
    speed(out, lines)
    training(out, lines)
    (out / "README.md").write_text("\n".join(lines) + "\n")
    print(out / "README.md")


def contract(out, lines):
    result = read(out / "contract.json")
    if result:
        lines += ["", f"{result['engine']}.", "", "## Against the float64 oracle", ""]
        lines += ["| what | largest error | allowed | |", "|---|---|---|---|"]
        for line in result["lines"]:
            holds = "holds" if line["worst"] <= line["allowed"] else "**broken**"
            lines.append(f"| {line['what']} | {line['worst']:.1e} | {line['allowed']:.0e} {line['unit']} | {holds} |")
    for tool in ("memcheck", "racecheck"):
        text = out / f"{tool}.txt"
        if text.exists():
            summary = re.findall(r"(?:ERROR|RACECHECK) SUMMARY.*", text.read_text())
            lines += ["", f"compute-sanitizer, {tool}: {summary[-1] if summary else 'no summary'}."]


def speed(out, lines):
    ours, theirs = read(out / "speed.json"), read(out / "peers.json")
    if not ours:
        return
    rows, columns = ours["rows"], ours["columns"]
    lines += ["", f"## Times, {rows:,} rows of {columns:,} actions", ""]
    lines.append("Nanoseconds per entry and inner step: median (least to largest).")
    memory = out / "speed-memory.txt"
    if memory.exists() and memory.read_text().strip():
        used = [int(word) for word in memory.read_text().split() if word.isdigit()]
        tables = 4 * rows * columns * 4 / 2**20
        lines.append(
            f"clipkl's most device memory: {max(used) - used[0]:,} MiB over what was used before;"
            f" its four tables take {tables:,.0f} MiB."
        )
    for divergence in ("reverse-kl", "forward-kl"):
        for k in (1, 16):
            table(divergence, k, ours, theirs, lines)


def table(divergence, k, ours, theirs, lines):
    entries = []
    for time in ours["times"]:
        if (time["divergence"], time["innerSteps"]) == (divergence, k):
            metrics = ", metrics" if time["reports"] else ""
            entries.append((f"clipkl, {time['method']}{metrics}", time["spread"], None))
    limit = None
    for time in theirs["times"] if theirs else []:
        if (time["divergence"], time["innerSteps"]) == (divergence, k):
            limit = time["copyLimitNanoseconds"]
            entries.append((time["contender"], time["nanoseconds"], time["peakBytes"]))
    if limit:
        entries.append(("20 bytes an entry at a copy's bandwidth", limit, None))
    own = next(e[1]["median"] for e in entries if e[0] == "clipkl, fixed")
    lines += ["", f"### {divergence}, K = {k}", "", "| | ns | times clipkl | peak memory |", "|---|---|---|---|"]
    for name, spread, peak in entries:
        size = f"{peak / 2**30:.1f} GiB" if peak else ""
        lines.append(
            f"| {name} | {spread['median']:.4f} ({spread['least']:.4f} to {spread['largest']:.4f})"
            f" | {spread['median'] / own:.2f} | {size} |"
        )


def training(out, lines):
    run = read(out / "run" / "run.json")
    if run:
        seconds = run["phase_seconds"]
        parts = ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in seconds.items())
        lines += ["", "## From configuration to policy", "", f"Exact gap {run['metrics']['objective/gap']:.1e}, seconds: {parts}."]


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
