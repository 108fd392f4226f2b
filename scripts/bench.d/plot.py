# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG text: bars of medians with the range of all rounds, and lines over a scale that doubles."""
import math
from xml.sax.saxutils import escape

WIDTH = 720
NAMES = 130             # room for names on the left
NUMBERS = 70            # room for numbers on the right
ROW = 24
COLOURS = {"tine": "#c2410c", "floor": "#9ca3af"}
OTHERS = "#64748b"
STYLE = "font: 13px system-ui, sans-serif; fill: #1f2937"


def svg(height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" style="{STYLE}">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def text(x, y, words, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def short(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bars(title, unit, rows):
    """rows: (name, median, least, most). The range is a thin line over the bar's end."""
    room = WIDTH - NAMES - NUMBERS
    most = max((row[3] for row in rows), default=0)
    scale = room / most if most > 0 else 0
    parts = [text(8, 20, f"{title}: {unit}", weight="bold")]
    for i, (name, median, least, greatest) in enumerate(rows):
        top = 34 + i * ROW
        middle = top + (ROW - 6) / 2
        parts.append(text(NAMES - 8, middle + 4, name, "end"))
        parts.append(f'<rect x="{NAMES}" y="{top}" width="{max(median, 0) * scale:.1f}" height="{ROW - 6}" '
                     f'fill="{COLOURS.get(name, OTHERS)}"/>')
        parts.append(line(NAMES + max(least, 0) * scale, middle, NAMES + max(greatest, 0) * scale, middle, "#111827", 2))
        parts.append(text(NAMES + max(greatest, 0) * scale + 6, middle + 4, short(median)))
    return svg(34 + len(rows) * ROW + 8, parts)


def lines(title, across, unit, curves):
    """curves: {name: [(x, y)]}; x runs over a logarithmic scale, y from zero."""
    left, right, top, bottom = 60, WIDTH - 120, 40, 300
    xs = sorted({x for points in curves.values() for x, _ in points})
    highest = max(y for points in curves.values() for _, y in points) or 1
    span = math.log2(xs[-1] / xs[0]) or 1

    def place(x, y):
        return left + math.log2(x / xs[0]) / span * (right - left), bottom - y / highest * (bottom - top)

    parts = [text(8, 20, f"{title}: {unit}", weight="bold"), line(left, bottom, right, bottom, "#111827")]
    for x in xs:
        parts.append(text(place(x, 0)[0], bottom + 18, str(x), "middle"))
    parts.append(text((left + right) / 2, bottom + 38, across, "middle"))
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = place(xs[0], highest * share)[1]
        parts += [line(left, y, right, y, "#e5e7eb"), text(left - 8, y + 4, short(highest * share), "end")]
    for name, points in curves.items():
        places = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS.get(name, OTHERS)}" stroke-width="2"/>')
        parts.append(text(places[-1][0] + 8, places[-1][1] + 4, name))
    return svg(bottom + 50, parts)
