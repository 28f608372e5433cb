"""Draws the exact gap of runs against outer iterations, as an SVG file.

    python3 docs/plot_gap.py OUT.svg RUN_DIRECTORY...

Needs Python 3 and nothing else. A run's label is its directory's name.
"""

import json
import math
import pathlib
import sys

WIDTH, HEIGHT = 720, 398
LEFT, RIGHT, TOP, BOTTOM = 84, 150, 62, 56
COLOURS = ["#2563eb", "#d97706", "#059669", "#9333ea"]


def gaps(run):
    """Outer iterations and positive gaps of one run."""
    lines = (pathlib.Path(run) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [(r["outer_iteration"], r["objective/gap"]) for r in records if r["objective/gap"] > 0]


def size(run):
    """A run's states and actions, for people."""
    description = json.loads((pathlib.Path(run) / "run.json").read_text(encoding="utf-8"))
    return f"{description['states']:,} states of {description['actions']:,} actions"


def main(out, runs):
    series = [(pathlib.Path(run).name, gaps(run)) for run in runs]
    last = max(n for _, points in series for n, _ in points)
    high = math.ceil(max(math.log10(g) for _, points in series for _, g in points))
    low = math.floor(min(math.log10(g) for _, points in series for _, g in points))

    def x(n):
        return LEFT + n / last * (WIDTH - LEFT - RIGHT)

    def y(g):
        return TOP + (high - math.log10(g)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    sizes = {size(run) for run in runs}
    subtitle = f"mean over {sizes.pop() if len(sizes) == 1 else 'states'}, logarithmic scale"

    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" fill="#111827">'
        "Exact distance to the best possible policy</text>",
        f'<text x="{LEFT}" y="42" font-size="12" fill="#6b7280">{subtitle}</text>',
    ]
    for power in range(low, high + 1):
        line = y(10.0**power)
        svg.append(
            f'<line x1="{LEFT}" y1="{line:.1f}" x2="{WIDTH - RIGHT}" y2="{line:.1f}" '
            'stroke="#e5e7eb"/>'
        )
        svg.append(
            f'<text x="{LEFT - 10}" y="{line + 4:.1f}" text-anchor="end" fill="#374151">'
            f'10<tspan dy="-5" font-size="10">{power}</tspan></text>'
        )
    step = max(1, round(last / 8 / 5) * 5)
    for n in range(0, last + 1, step):
        svg.append(
            f'<text x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle" '
            f'fill="#374151">{n}</text>'
        )
    svg.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle" '
        'fill="#374151">outer iteration</text>'
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    svg.append(
        f'<text x="22" y="{middle}" text-anchor="middle" fill="#374151" '
        f'transform="rotate(-90 22 {middle})">objective/gap</text>'
    )
    for (name, points), colour in zip(series, COLOURS):
        path = " ".join(f"{x(n):.1f},{y(g):.1f}" for n, g in points)
        svg.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        n, g = points[-1]
        svg.append(f'<circle cx="{x(n):.1f}" cy="{y(g):.1f}" r="4" fill="{colour}"/>')
        svg.append(
            f'<text x="{x(n) + 10:.1f}" y="{y(g) + 4:.1f}" fill="{colour}">{name}</text>'
        )
    svg.append("</svg>")
    pathlib.Path(out).write_text("\n".join(svg) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
