#!/usr/bin/env python3
"""The same fixed steps in PyTorch and Triton, checked against clipkl's oracle, then timed.

Reads the problem that GpuSpeed writes. Every contender does one outer iteration at a time: p_old
and advantages, then K inner steps of exact gradient ascent on the clipped surrogate less lambda
times the divergence. Times are nanoseconds per entry and inner step, by CUDA events; contenders
take turns, and the median of their samples counts.
"""

import argparse
import json
import math
import os
import statistics
import struct
import time

import numpy as np
import torch

try:
    import triton
    import triton.language as tl
except ImportError:  # The other contenders do not need it.
    triton = None

# Total variation to the oracle's policy after one outer iteration of float32 steps.
LARGEST_DISTANCE = 1e-5


class Problem:
    """Some distinct rows, the oracle's answers for the first of them, and the program's numbers."""

    def __init__(self, path):
        with open(path, "rb") as file:
            header = struct.unpack("<4i3d", file.read(40))
            self.columns, self.distinct, self.oracle_rows, self.oracle_steps = header[:4]
            self.lam, self.epsilon, self.step = header[4:]

            def table(rows, kind):
                values = np.fromfile(file, dtype=kind, count=rows * self.columns)
                return torch.from_numpy(values.reshape(rows, self.columns))

            self.reference = table(self.distinct, np.float32)
            self.rewards = table(self.distinct, np.float32)
            self.oracle = {
                divergence: table(self.oracle_rows, np.float64)
                for divergence in ("reverse-kl", "forward-kl")
            }
        self.low = math.log(1.0 - self.epsilon)
        self.high = math.log(1.0 + self.epsilon)


class Tables:
    """Policy, reference and rewards [rows, columns] on the device, shared by all contenders."""

    def __init__(self, problem, rows, device):
        repeats = -(-rows // problem.distinct)

        def fill(distinct):
            table = torch.empty(rows, problem.columns, device=device)
            for i in range(repeats):
                part = table[i * problem.distinct : (i + 1) * problem.distinct]
                part.copy_(distinct[: part.shape[0]])
            return table

        self.reference = fill(problem.reference)
        self.rewards = fill(problem.rewards)
        self.logits = self.reference.clone()

    def reset(self):
        self.logits.copy_(self.reference)


class Contender:
    """Steps the shared logits, some rows at a time."""

    def __init__(self, problem, tables, reverse, chunk):
        self.problem, self.tables, self.reverse, self.chunk = problem, tables, reverse, chunk

    def reset(self):
        self.tables.reset()

    def outer_iteration(self, inner_steps):
        rows = self.tables.logits.shape[0]
        for start in range(0, rows, self.chunk):
            part = slice(start, min(start + self.chunk, rows))
            self.chunk_iteration(
                self.tables.logits[part],
                self.tables.reference[part],
                self.tables.rewards[part],
                inner_steps,
            )


def surrogate(logits, log_old, advantage, reference, lam, low, high, reverse):
    """The clipped surrogate less lambda times the divergence, summed over rows."""
    log_prob = torch.log_softmax(logits, dim=-1)
    ratio = torch.exp(log_prob - log_old)
    clipped = torch.clamp(ratio, math.exp(low), math.exp(high))
    gain = torch.exp(log_old) * torch.minimum(ratio * advantage, clipped * advantage)
    if reverse:
        divergence = torch.exp(log_prob) * (log_prob - reference)
    else:
        divergence = torch.exp(reference) * (reference - log_prob)
    return (gain - lam * divergence).sum()


class Autograd(Contender):
    """As a PyTorch script writes it."""

    compiled = False

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.objective = torch.compile(surrogate, dynamic=False) if self.compiled else surrogate

    def chunk_iteration(self, logits, reference, rewards, inner_steps):
        p = self.problem
        with torch.no_grad():
            log_old = torch.log_softmax(logits, dim=-1)
            advantage = rewards - (log_old.exp() * rewards).sum(-1, keepdim=True)
        for _ in range(inner_steps):
            leaf = logits.detach().requires_grad_()
            value = self.objective(
                leaf, log_old, advantage, reference, p.lam, p.low, p.high, self.reverse
            )
            (gradient,) = torch.autograd.grad(value, leaf)
            with torch.no_grad():
                logits.add_(gradient, alpha=p.step)


class CompiledAutograd(Autograd):
    compiled = True


def ascent(logits, log_old, advantage, reference, lam, step, low, high, reverse, first):
    """logits + step p (G - E_p G), by hand."""
    log_prob = torch.log_softmax(logits, dim=-1)
    prob = torch.exp(log_prob)
    kept = advantage
    if not first:
        log_ratio = log_prob - log_old
        active = ((advantage >= 0) & (log_ratio > high)) | ((advantage < 0) & (log_ratio < low))
        kept = torch.where(active, 0.0, advantage)
    if reverse:
        coefficient = kept - lam * (log_prob - reference)
        mean = (prob * coefficient).sum(-1, keepdim=True)
        return logits + step * prob * (coefficient - mean)
    mean = (prob * kept).sum(-1, keepdim=True)
    return logits + step * (prob * (kept - mean - lam) + lam * torch.exp(reference))


class CompiledByHand(Contender):
    """The gradient by hand in plain expressions, which torch.compile fuses."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ascent = torch.compile(ascent, dynamic=False)

    @torch.no_grad()
    def chunk_iteration(self, logits, reference, rewards, inner_steps):
        p = self.problem
        log_old = torch.log_softmax(logits, dim=-1)
        advantage = rewards - (log_old.exp() * rewards).sum(-1, keepdim=True)
        now = logits
        for k in range(inner_steps):
            now = self.ascent(
                now, log_old, advantage, reference, p.lam, p.step, p.low, p.high, self.reverse, k == 0
            )
        logits.copy_(now)


class InPlace(Contender):
    """The gradient by hand, every operation in place or into a tensor made beforehand."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        shape = (self.chunk, self.problem.columns)
        device = self.tables.logits.device
        self.buffers = [torch.empty(shape, device=device) for _ in range(6)]

    @torch.no_grad()
    def chunk_iteration(self, logits, reference, rewards, inner_steps):
        p = self.problem
        advantage, log_prob, prob, work, sign, limit = (b[: logits.shape[0]] for b in self.buffers)
        centre, half = 0.5 * (p.high + p.low), 0.5 * (p.high - p.low)
        for k in range(inner_steps):
            torch.log_softmax(logits, dim=-1, out=log_prob)
            torch.exp(log_prob, out=prob)
            if k == 0:
                mean = torch.linalg.vecdot(prob, rewards).unsqueeze(-1)
                torch.sub(rewards, mean, out=advantage)
                kept = advantage
                if inner_steps > 1:
                    # An action keeps its advantage while sign log p <= sign (log p_old + c) + h.
                    torch.ge(advantage, 0.0, out=sign)
                    sign.mul_(2.0).sub_(1.0)
                    torch.add(log_prob, centre, out=limit)
                    limit.mul_(sign).add_(half)
            else:
                torch.mul(log_prob, sign, out=work)
                work.le_(limit).mul_(advantage)
                kept = work
            if self.reverse:
                torch.add(kept, log_prob, alpha=-p.lam, out=work)
                work.add_(reference, alpha=p.lam)
                work.sub_(torch.linalg.vecdot(prob, work).unsqueeze(-1))
                logits.addcmul_(prob, work, value=p.step)
            else:
                mean = torch.linalg.vecdot(prob, kept).unsqueeze(-1)
                torch.sub(kept, mean + p.lam, out=work)
                logits.addcmul_(prob, work, value=p.step)
                torch.exp(reference, out=work)
                logits.add_(work, alpha=p.step * p.lam)


if triton is not None:

    def configurations():
        if os.environ.get("TRITON_INTERPRET") == "1":
            return [triton.Config({"BLOCK": 1024}, num_warps=4)]
        return [
            triton.Config({"BLOCK": block}, num_warps=warps)
            for block in (2048, 4096, 8192)
            for warps in (8, 16, 32)
        ]

    @triton.autotune(
        configurations(), key=["columns", "FIRST", "REVERSE", "SAVES"], restore_value=["logits_ptr"]
    )
    @triton.jit
    def triton_step(
        logits_ptr, old_ptr, reference_ptr, rewards_ptr,
        # Per row: log normaliser of the logits, E_p of t = r - lambda (theta - log q) or of r.
        lse_in, mean_in, lse_out, mean_out, lse_old, baseline,
        columns, lam, step, low, high,
        FIRST: tl.constexpr, REVERSE: tl.constexpr, SAVES: tl.constexpr, BLOCK: tl.constexpr,
    ):  # fmt: skip
        """One inner step of one row: a single sweep where no clip can be active, else two."""
        row = tl.program_id(0).to(tl.int64)
        begin = row * columns
        lse = tl.load(lse_in + row)
        offsets = tl.arange(0, BLOCK)
        if FIRST:
            mean = tl.load(mean_in + row)
            base = mean
            old_lse = lse
        else:
            base = tl.load(baseline + row)
            old_lse = tl.load(lse_old + row)
            total = tl.zeros([BLOCK], tl.float32)
            for start in range(0, columns, BLOCK):
                at = start + offsets
                inside = at < columns
                theta = tl.load(logits_ptr + begin + at, inside, float("-inf"))
                old = tl.load(old_ptr + begin + at, inside, 0.0)
                q = tl.load(reference_ptr + begin + at, inside, 0.0)
                r = tl.load(rewards_ptr + begin + at, inside, 0.0)
                advantage = r - base
                ratio = theta - lse - (old - old_lse)
                active = ((advantage >= 0) & (ratio > high)) | ((advantage < 0) & (ratio < low))
                kept = tl.where(active, 0.0, advantage)
                if REVERSE:
                    kept -= lam * (theta - q)
                total += tl.where(inside, tl.exp(theta - lse) * kept, 0.0)
            mean = tl.sum(total)
        mass = tl.zeros([BLOCK], tl.float32)
        moment = tl.zeros([BLOCK], tl.float32)
        for start in range(0, columns, BLOCK):
            at = start + offsets
            inside = at < columns
            theta = tl.load(logits_ptr + begin + at, inside, float("-inf"))
            q = tl.load(reference_ptr + begin + at, inside, 0.0)
            r = tl.load(rewards_ptr + begin + at, inside, 0.0)
            if FIRST:
                kept = r
                if not REVERSE:
                    kept = r - base
                if SAVES:
                    tl.store(old_ptr + begin + at, theta, inside)
            else:
                old = tl.load(old_ptr + begin + at, inside, 0.0)
                advantage = r - base
                ratio = theta - lse - (old - old_lse)
                active = ((advantage >= 0) & (ratio > high)) | ((advantage < 0) & (ratio < low))
                kept = tl.where(active, 0.0, advantage)
            prob = tl.exp(theta - lse)
            if REVERSE:
                gradient = prob * (kept - lam * (theta - q) - mean)
            elif FIRST:
                gradient = prob * (kept - lam) + lam * tl.exp(q)
            else:
                gradient = prob * (kept - mean - lam) + lam * tl.exp(q)
            moved = theta + step * gradient
            tl.store(logits_ptr + begin + at, moved, inside)
            # The row's logits move by far less than 88: the old normaliser will do as a shift.
            weight = tl.where(inside, tl.exp(moved - lse), 0.0)
            mass += weight
            if REVERSE:
                moment += tl.where(inside, weight * (r - lam * (moved - q)), 0.0)
            else:
                moment += weight * r
        sum_mass = tl.sum(mass)
        tl.store(lse_out + row, lse + tl.log(sum_mass))
        tl.store(mean_out + row, tl.sum(moment) / sum_mass)
        if FIRST:
            if SAVES:
                tl.store(lse_old + row, lse)


class Triton(Contender):
    """A kernel of one step per launch, with the normaliser carried from one to the next."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        logits = self.tables.logits
        rows = logits.shape[0]
        self.old = torch.empty_like(logits)
        self.lse, self.mean, self.lse_next, self.mean_next, self.lse_old, self.baseline = (
            torch.empty(rows, device=logits.device) for _ in range(6)
        )

    def reset(self):
        """The sums that every step carries on, as they were at the last step's end."""
        super().reset()
        t = self.tables
        for start in range(0, t.logits.shape[0], 256):
            part = slice(start, start + 256)
            logits, reference, rewards = t.logits[part], t.reference[part], t.rewards[part]
            self.lse[part] = torch.logsumexp(logits, -1)
            prob = torch.softmax(logits, -1)
            if self.reverse:
                rewards = rewards - self.problem.lam * (logits - reference)
            self.mean[part] = (prob * rewards).sum(-1)

    @torch.no_grad()
    def outer_iteration(self, inner_steps):
        t, p = self.tables, self.problem
        rows, columns = t.logits.shape
        if inner_steps > 1:
            if self.reverse:
                # E_p r, which the carried E_p t does not tell.
                for start in range(0, rows, 256):
                    part = slice(start, start + 256)
                    prob = torch.exp(t.logits[part] - self.lse[part, None])
                    self.baseline[part] = (prob * t.rewards[part]).sum(-1)
            else:
                self.baseline.copy_(self.mean)
        for k in range(inner_steps):
            triton_step[(rows,)](
                t.logits, self.old, t.reference, t.rewards,
                self.lse, self.mean, self.lse_next, self.mean_next, self.lse_old, self.baseline,
                columns, p.lam, p.step, p.low, p.high,
                FIRST=k == 0, REVERSE=self.reverse, SAVES=k == 0 and inner_steps > 1,
            )  # fmt: skip
            self.lse, self.lse_next = self.lse_next, self.lse
            self.mean, self.mean_next = self.mean_next, self.mean


CONTENDERS = {
    "PyTorch, eager autograd": (Autograd, (64, 256, 1024)),
    "PyTorch, torch.compile of autograd": (CompiledAutograd, (256, 1024)),
    "PyTorch, torch.compile by hand": (CompiledByHand, (256, 1024)),
    "PyTorch, by hand in place": (InPlace, (64, 256, 1024)),
}
if triton is not None:
    CONTENDERS["Triton kernel"] = (Triton, (0,))


def check(name, contender, divergence):
    """Total variation to the oracle's policies; raises where they are not the same."""
    p = contender.problem
    contender.reset()
    contender.outer_iteration(p.oracle_steps)
    got = torch.softmax(contender.tables.logits[: p.oracle_rows].double().cpu(), -1)
    want = torch.softmax(p.oracle[divergence], -1)
    start = torch.softmax(p.reference[: p.oracle_rows].double(), -1)
    distance = 0.5 * (got - want).abs().sum(-1).max().item()
    movement = 0.5 * (start - want).abs().sum(-1).min().item()
    if not (distance <= LARGEST_DISTANCE < 0.01 * movement):
        raise SystemExit(
            f"{name}, {divergence}: the policy is {distance:.2e} from the oracle's in total"
            f" variation, expected at most {LARGEST_DISTANCE:.0e} (it has moved {movement:.2e})"
        )
    return distance


class Clock:
    """Seconds of a call: CUDA events, or the wall clock where there is no GPU."""

    def __init__(self, device):
        self.is_cuda = device.startswith("cuda")

    def seconds(self, call):
        if not self.is_cuda:
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) * 1e-3


def best_chunk(kind, chunks, problem, tables, reverse, clock):
    """Of the numbers of rows at a time that fit into memory, the fastest."""
    best = None
    for chunk in chunks:
        try:
            contender = kind(problem, tables, reverse, min(chunk, tables.logits.shape[0]))
            contender.reset()
            contender.outer_iteration(4)
            seconds = min(clock.seconds(lambda: contender.outer_iteration(4)) for _ in range(2))
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            continue
        if best is None or seconds < best[0]:
            best = (seconds, contender)
        if contender.chunk >= tables.logits.shape[0]:
            break
    if best is None:
        raise SystemExit(f"{kind.__name__}: no number of rows at a time fits into memory")
    return best[1]


def copy_seconds_per_entry(tables, scratch, clock):
    return clock.seconds(lambda: scratch.copy_(tables.rewards)) / tables.rewards.numel()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", default="problem.bin")
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--samples", type=int, default=9)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--skip", nargs="*", default=[], help="contenders to leave out")
    parser.add_argument("--out", default="peers.json")
    options = parser.parse_args()
    problem = Problem(options.problem)
    tables = Tables(problem, options.rows, options.device)
    clock = Clock(options.device)
    times = []
    for divergence in ("reverse-kl", "forward-kl"):
        field = {}
        for name, (kind, chunks) in CONTENDERS.items():
            if name not in options.skip:
                contender = best_chunk(
                    kind, chunks, problem, tables, divergence == "reverse-kl", clock
                )
                field[name] = (contender, check(name, contender, divergence))
        scratch = torch.empty_like(tables.rewards)
        for inner_steps in (1, 16):
            samples = {name: [] for name in field}
            copies = []
            for i in range(options.samples + 1):
                copies.append(copy_seconds_per_entry(tables, scratch, clock))
                for name, (contender, _) in field.items():
                    contender.reset()
                    seconds = clock.seconds(lambda: contender.outer_iteration(inner_steps))
                    if i > 0:  # The first round warms up.
                        samples[name].append(seconds / tables.logits.numel() / inner_steps)
            for name, (contender, distance) in field.items():
                times.append(
                    {
                        "contender": name,
                        "divergence": divergence,
                        "innerSteps": inner_steps,
                        "rowsAtATime": contender.chunk,
                        "distanceToOracle": distance,
                        "nanoseconds": summary(samples[name]),
                        # 20 bytes per entry at the bandwidth of a copy, which moves 8.
                        "copyLimitNanoseconds": summary([2.5 * c for c in copies[1:]]),
                        "peakBytes": peak(contender, inner_steps),
                    }
                )
                print(json.dumps(times[-1]), flush=True)
        del field, scratch
    device = torch.cuda.get_device_name() if clock.is_cuda else "CPU"
    document = {
        "device": device,
        "torch": torch.__version__,
        "triton": triton.__version__ if triton is not None else None,
        "rows": options.rows,
        "columns": problem.columns,
        "times": times,
    }
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)


def summary(seconds):
    return {
        "median": 1e9 * statistics.median(seconds),
        "least": 1e9 * min(seconds),
        "largest": 1e9 * max(seconds),
        "samples": len(seconds),
    }


def peak(contender, inner_steps):
    """Most bytes of device memory while it runs, shared tables included."""
    if not torch.cuda.is_available():
        return None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    contender.outer_iteration(inner_steps)
    return torch.cuda.max_memory_allocated()


if __name__ == "__main__":
    main()
