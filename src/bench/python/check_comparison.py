#!/usr/bin/env python3
"""Computes the numbers of a finished `clipkl compare` of a bandit once more, with NumPy alone.

    ./run.sh export RUN --table reference --out reference.safetensors
    ./run.sh export RUN --table rewards --out rewards.safetensors
    python3 src/bench/python/check_comparison.py FOLDER reference.safetensors rewards.safetensors

FOLDER holds comparison.json, RUN is any of its runs. Of every trained policy: reward, both KLs,
entropy, effective tokens, reference mass kept, tail masses, least probability, overlaps of top
tokens. Of every optimum of reverse and forward KL the same and its value, solved here by a root
finder of its own on the multiplier. Then the budgets and the frontier, and what report.html draws
and prints of all this: its frontier charts, its tables, every probability of its token tables.
Prints the largest difference per quantity, and fails when one is above 1e-6 (absolute, or relative
where numbers are above 1; a printed number may also be off by half of its last digit). Of
objective/* metrics, which a run computes in float32, the allowance is --metrics.
"""
import argparse
import html.parser
import json
import math
import os
import re
import struct
import sys

import numpy as np

HEAD_SHARE = 0.9
TAIL = 1e-6
TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}


def tensors(path):
    """The tensors of a safetensors file, mapped."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            found[name] = np.memmap(
                path, TYPES[entry["dtype"]], "r", 8 + length + entry["data_offsets"][0],
                tuple(entry["shape"]))
    return found


class Problem:
    def __init__(self, reference, rewards):
        table = tensors(reference)
        self.log_q = table["reference_log_probs"]
        self.start = np.array(table["start"], np.float64)
        self.rewards = tensors(rewards)["rewards"]
        self.states = self.log_q.shape[0]

    def row(self, state):
        reward = self.rewards[0 if self.rewards.shape[0] == 1 else state]
        return self.log_q[state].astype(np.float64), reward.astype(np.float64)


def reverse_kl_policy(log_q, reward, lam):
    """log p and the value: the reference tilted by the reward.

    The divergence is centred, sum p log(p / q) - sum p + sum q: a stored q sums to 1 only nearly.
    """
    tilted = log_q + reward / lam
    largest = tilted.max()
    log_sum = largest + math.log(np.exp(tilted - largest).sum())
    return tilted - log_sum, lam * (log_sum + 1.0 - np.exp(log_q).sum())


def forward_kl_policy(log_q, reward, lam):
    """log p and the value: lambda q / (nu - r), nu by bisection, and Newton where it is close."""
    q = np.exp(log_q)
    below = reward.max() - reward
    low = max((lam * q - below).max(), 1e-300)
    high = lam * q.sum()
    while high > 2.0 * low:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if (lam * q / (middle + below)).sum() > 1.0 else (low, middle)
    offset = low
    for _ in range(200):
        share = lam * q / (offset + below)
        mass, slope = share.sum(), (share / (offset + below)).sum()
        # One over the mass is concave in the offset: from below Newton never overshoots.
        following = offset + mass * (mass - 1.0) / slope
        if not following > offset:
            break
        offset = following
    share = lam * q / (offset + below)
    p = share / share.sum()
    log_p = np.log(p)
    value = p @ reward - lam * (q @ (log_q - log_p) + p.sum() - q.sum())
    return log_p, value


OPTIMA = {"reverse-kl": reverse_kl_policy, "forward-kl": forward_kl_policy}


def measure(problem, policy, top=0):
    """Averages of a policy: policy(state) gives its row of log p, and a value where it has one."""
    names = ("reward", "kl_policy_to_reference", "kl_reference_to_policy", "entropy",
             "effective_tokens", "reference_mass_kept", "tail_mass", "reference_tail_mass", "value")
    sums = dict.fromkeys(names, 0.0)
    least, tops = math.inf, []
    for state in range(problem.states):
        log_q, reward = problem.row(state)
        log_p, value = policy(state, log_q, reward)
        p, q = np.exp(log_p), np.exp(log_q)
        excess = p.sum() - q.sum()
        entropy = -(p @ log_p)
        order = np.argsort(-log_q, kind="stable")
        count = int(np.searchsorted(np.cumsum(q[order]), HEAD_SHARE * q.sum())) + 1
        head = order[:count]
        tail = q < TAIL
        numbers = (p @ reward, p @ (log_p - log_q) - excess, q @ (log_q - log_p) + excess, entropy,
                   math.exp(entropy), np.minimum(p, q)[head].sum() / q[head].sum(), p[tail].sum(),
                   q[tail].sum(), value)
        for name, number in zip(names, numbers):
            sums[name] += problem.start[state] * number
        least = min(least, p.min())
        if top:
            tops.append(set(np.argsort(-log_p, kind="stable")[:top].tolist()))
    sums["min_probability"] = least
    return sums, tops


def trained(folder, run):
    logits = tensors(os.path.join(folder, run, "policy.safetensors"))["logits"]

    def policy(state, log_q, reward):
        row = logits[state].astype(np.float64)
        row = row - row.max()
        return row - math.log(np.exp(row).sum()), math.nan

    return policy


class Exact:
    """Exact optima, each averaged once."""

    def __init__(self, problem):
        self.problem = problem
        self.known = {}
        self.duals = {}

    def averages(self, divergence, lam):
        key = (divergence, lam)
        if key not in self.known:
            solve = OPTIMA[divergence]
            self.known[key] = measure(
                self.problem, lambda state, log_q, reward: solve(log_q, reward, lam))[0]
        return self.known[key]

    def dual(self, divergence, lam):
        """(value, own divergence) at one lambda."""
        key = (divergence, lam)
        if key not in self.duals:
            value = spent = 0.0
            for state in range(self.problem.states):
                log_q, reward = self.problem.row(state)
                log_p, best = OPTIMA[divergence](log_q, reward, lam)
                value += self.problem.start[state] * best
                spent += self.problem.start[state] * (np.exp(log_p) @ reward - best) / lam
            self.duals[key] = (value, spent)
        return self.duals[key]

    def best_reward(self, divergence, spent):
        """min over lambda of V* + lambda spent, by bisection and false position on the slope."""
        low, high = 1e-2, 2.0
        while self.dual(divergence, low)[1] < spent and low > 1e-7:
            low /= 4.0
        while self.dual(divergence, high)[1] > spent and high < 1e7:
            high *= 4.0
        near = sorted(lam for name, lam in self.duals if name == divergence)
        low = max([lam for lam in near if self.dual(divergence, lam)[1] >= spent], default=low)
        high = min([lam for lam in near if self.dual(divergence, lam)[1] < spent], default=high)
        for step in range(60):
            at_low = math.log(self.dual(divergence, low)[1] / spent)
            at_high = math.log(max(self.dual(divergence, high)[1], 1e-300) / spent)
            if at_low < 1e-6 or -at_high < 1e-6:
                break
            share = at_low / (at_low - at_high) if step % 3 < 2 else 0.5
            lam = low * (high / low) ** share
            low, high = (lam, high) if self.dual(divergence, lam)[1] >= spent else (low, lam)
        return min(value + lam * spent
                   for (name, lam), (value, _) in self.duals.items() if name == divergence)


class Differences:
    def __init__(self):
        self.largest = {}

    def add(self, quantity, got, expected, allowed):
        difference = abs(got - expected) / max(1.0, abs(expected)) if got is not None else math.inf
        before = self.largest.get(quantity, (0.0, allowed, 0))
        worst = difference if not difference <= before[0] else before[0]
        self.largest[quantity] = (worst, allowed, before[2] + 1)

    def print(self):
        sound = True
        for quantity, (difference, allowed, count) in self.largest.items():
            holds = difference <= allowed
            sound &= holds
            print(f"{quantity:<48} {count:>4}  {difference:.1e}  {'' if holds else 'ABOVE '}"
                  f"{'' if holds else allowed}")
        return sound


class Page(html.parser.HTMLParser):
    """The data and the table rows of report.html."""

    def __init__(self, path):
        super().__init__()
        self.data, self.rows = "", []
        self.inside = None
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())
        self.data = json.loads(self.data)

    def handle_starttag(self, tag, attributes):
        if tag == "script" and dict(attributes).get("type") == "application/json":
            self.inside = "data"
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.inside = "cell"

    def handle_endtag(self, tag):
        if tag in ("script", "td", "th"):
            self.inside = None

    def handle_data(self, text):
        if self.inside == "data":
            self.data += text
        elif self.inside == "cell":
            self.rows[-1][-1] += text

    def tables_of_policies(self):
        """Rows from the one that begins with a policy's name to the one of its exact optimum."""
        begin = next(i for i, row in enumerate(self.rows) if row[:2] == ["policy", "λ"])
        return [row for row in self.rows[begin:] if len(row) == 14 and row[0] != "policy"]


def printed(text):
    """A printed number, and half of its last digit."""
    number = text.strip().rstrip("%")
    digits = re.fullmatch(r"-?\d+(?:\.(\d+))?(?:e(-?\d+))?", number)
    scale = 0.01 if text.strip().endswith("%") else 1.0
    exponent = int(digits.group(2) or 0) - len(digits.group(1) or "")
    return float(number) * scale, 0.5 * 10.0 ** exponent * scale


def check_page(path, comparison, problem, sums, points, folder, differences, allowed):
    page = Page(path)
    rows = iter(page.tables_of_policies())
    names = ("reward", "kl_policy_to_reference", "kl_reference_to_policy", None, "entropy",
             "effective_tokens", "reference_mass_kept", "tail_mass", "min_probability")
    for match in comparison["matches"]:
        for policy in match["policies"]:
            for kind in ("trained", "optimum"):
                cells = next(rows)
                expected = sums[kind].get((policy["divergence"], policy["lambda"]))
                for name, cell in zip(names, cells[2:11]):
                    if name and expected:
                        number, half = printed(cell)
                        off = max(0.0, abs(number - expected[name]) - half * (1 + 1e-9))
                        differences.add("page: tables of policies", expected[name] + off,
                                        expected[name], allowed)
    for chart in page.data["charts"]:
        if chart["family"] == "frontier" and points:
            key = "kl_policy_to_reference" if "(policy" in chart["x"]["label"] else (
                "kl_reference_to_policy")
            for curve in chart["curves"]:
                check_curve(curve, key, points, differences, allowed)
    runs = list(dict.fromkeys(policy["run"] for match in comparison["matches"]
                              for policy in match["policies"]))
    for table in page.data["tokens"]:
        logits = [trained(folder, runs[index]) for index in table["runs"]]
        for state, row in enumerate(table["rows"]):
            log_q, reward = problem.row(state)
            shown = [np.exp(log_q)] + [np.exp(of(state, log_q, reward)[0]) for of in logits]
            for numbers, p in zip([row["reference"]] + row["policies"], shown):
                off = np.abs(np.array(numbers) - p[row["tokens"]]).max()
                differences.add("page: probabilities of tokens", off, 0.0, allowed)


def check_curve(curve, key, points, differences, allowed):
    """A curve of trained policies is these; one of optima has them all, and only exact points."""
    divergence, kind = curve["label"].split(", ")
    drawn = list(zip(curve["x"], curve["y"]))
    own = [(p[key], p["reward"]) for p in points
           if p["divergence"] == divergence and (p["kind"] == "trained") == (kind == "trained")]
    best = [(p[key], p["best"][key]) for p in points] if (divergence, key) in (
        ("reverse-kl", "kl_policy_to_reference"), ("forward-kl", "kl_reference_to_policy")) else []
    def nearest(point, candidates):
        return min(max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(point, other))
                   for other in candidates)
    for point in own:
        differences.add(f"page: frontier, {kind}", nearest(point, drawn), 0.0, allowed)
    for point in drawn:
        differences.add(f"page: frontier, {kind}",
                        nearest(point, own + (best if kind == "exact" else [])), 0.0, allowed)


def check_policy(folder, policy, problem, exact, top, differences, allowed, allowed_metrics):
    sums, tops = measure(problem, trained(folder, policy["run"]), top)
    shape, metrics = policy["shape"], policy["metrics"]
    for name, number in shape.items():
        differences.add(f"trained {name}", number, sums[name], allowed)
    for name in ("reward", "kl_policy_to_reference", "kl_reference_to_policy", "entropy"):
        differences.add(
            f"trained objective/{name} (float32)", metrics[f"objective/{name}"], sums[name],
            allowed_metrics)
    name = policy["divergence"]
    if name in OPTIMA:
        lam = policy["lambda"]
        own = sums["kl_policy_to_reference" if name == "reverse-kl" else "kl_reference_to_policy"]
        value = sums["reward"] - lam * own
        optimum = exact.averages(name, lam)
        differences.add("trained objective/value (float32)", metrics["objective/value"], value,
                        allowed_metrics)
        differences.add("trained objective/gap", metrics["objective/gap"],
                        optimum["value"] - value, allowed)
        for key in ("value", "reward", "kl_policy_to_reference", "kl_reference_to_policy"):
            differences.add(f"optimum {key}", policy["optimum"][key], optimum[key], allowed)
        for key, number in policy["optimal_shape"].items():
            differences.add(f"optimum {key}", number, optimum[key], allowed)
    return sums, tops


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("reference")
    parser.add_argument("rewards")
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--metrics", type=float, default=1e-6,
                        help="allowed difference of metrics that a run computed in float32")
    parser.add_argument("--no-frontier", action="store_true",
                        help="leave the frontier out, which takes most of the time")
    options = parser.parse_args()
    with open(os.path.join(options.folder, "comparison.json")) as file:
        comparison = json.load(file)
    problem = Problem(options.reference, options.rewards)
    exact = Exact(problem)
    differences = Differences()
    sums_of = {"trained": {}, "optimum": exact.known}
    points_of = []
    for match in comparison["matches"]:
        count = match["overlaps"][0]["count"]
        tops = {"reference": [
            set(np.argsort(-problem.row(s)[0], kind="stable")[:count].tolist())
            for s in range(problem.states)]}
        for policy in match["policies"]:
            sums, tops[policy["divergence"]] = check_policy(
                options.folder, policy, problem, exact, count, differences, options.tolerance,
                options.metrics)
            sums_of["trained"][policy["divergence"], policy["lambda"]] = sums
            if match["measure"] and policy["divergence"] in OPTIMA:
                spent = exact.averages(policy["divergence"], policy["lambda"])[
                    match["measure"].replace("objective/", "")]
                differences.add("budget met by the exact optimum", spent, match["target"],
                                options.tolerance)
        for overlap in match["overlaps"]:
            share = sum(
                weight * len(first & second) / count
                for weight, first, second in zip(
                    problem.start, tops[overlap["first"]], tops[overlap["second"]]))
            differences.add("overlap of top tokens", overlap["share"], share, options.tolerance)
    frontier = {} if options.no_frontier else comparison["frontier"] or {}
    for kind, points in frontier.items():
        for point in points:
            if point["run"]:
                sums = measure(problem, trained(options.folder, point["run"]))[0]
            elif point["divergence"] in OPTIMA:
                sums = exact.averages(point["divergence"], point["lambda"])
            else:
                continue
            for name in ("reward", "kl_policy_to_reference", "kl_reference_to_policy"):
                differences.add(f"frontier {kind} {name}", point[name], sums[name],
                                options.tolerance)
            bests = {}
            for key, divergence in (("policy_to_reference", "reverse-kl"),
                                    ("reference_to_policy", "forward-kl")):
                best = exact.best_reward(divergence, sums[f"kl_{key}"])
                differences.add(f"frontier {kind} best reward, {divergence}",
                                point[f"best_reward_{key}"], best, options.tolerance)
                if sums["reward"] > best + 1e-9:
                    print(f"above the frontier: {point}")
                    return 1
                bests[f"kl_{key}"] = best
            points_of.append({**sums, "divergence": point["divergence"], "kind": kind,
                              "best": bests})
    page = os.path.join(options.folder, "report.html")
    if os.path.exists(page):
        check_page(page, comparison, problem, sums_of, points_of, options.folder, differences,
                   options.tolerance)
    print(f"{'quantity':<48} {'n':>4}  largest difference")
    return 0 if differences.print() else 1


if __name__ == "__main__":
    sys.exit(main())
