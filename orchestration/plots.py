"""Small pictures of counts for Dagster metadata: SVG made here, so that no plotting library is imported for them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

import dagster as dg

WIDTH, HEIGHT, BARS = 640, 140, 120
ROW, LABELS, MOST_ROWS = 14, 260, 60  # of bars that lie: pixels a bar, pixels for names, bars' names at most
COLOURS = ("#b8c2f5", "#4f6bed", "#1f2f86")


def series(points: Sequence[tuple[object, int]], title: str) -> dg.MetadataValue:
    """Bars over ordered points, at most 120 (longer series are summed into as many bins)."""
    bars = binned([n for _, n in points])
    per_bar = "" if len(bars) == len(points) else f", {-(-len(points) // BARS)} points a bar"
    return _embed(_svg(bars, _caption(points, title) + per_bar))


def lying(rows: Mapping[str, Sequence[float]], names: Sequence[str], title: str) -> dg.MetadataValue:
    """Bars that lie, under one another: a row a name with one bar a series (before, after); zero and less show none.

    The longest MOST_ROWS rows are drawn, in their order; the caption says how many are not.
    """
    largest = sorted(rows, key=lambda name: -max(rows[name], default=0))[:MOST_ROWS]
    shown = [name for name in rows if name in set(largest)]
    left = f", {len(rows) - len(shown)} smaller ones not drawn" if len(shown) < len(rows) else ""
    what = ", ".join(names) if rows else "none"
    return _embed(_lying_svg({name: rows[name] for name in shown}, f"{title}: {what}{left}"))


def binned(values: Sequence[int]) -> list[int]:
    """The values summed into at most BARS bins of equal width."""
    size = max(1, -(-len(values) // BARS))
    return [sum(values[start : start + size]) for start in range(0, len(values), size)]


def _lying_svg(rows: Mapping[str, Sequence[float]], caption: str) -> str:
    top = max((value for values in rows.values() for value in values if value > 0), default=1)
    parts, y = [], 0
    for name, values in rows.items():
        label = escape(name if len(name) <= 40 else f"{name[:39]}…")
        parts.append(f'<text x="0" y="{y + ROW - 3}" font-size="11" font-family="sans-serif">{label}</text>')
        for place, value in enumerate(values):
            width = max(0.0, (WIDTH - LABELS - 70) * value / top)
            parts.append(
                f'<rect x="{LABELS}" y="{y + 2}" width="{width:.1f}" height="{ROW - 4}" '
                f'fill="{COLOURS[place % len(COLOURS)]}"/><text x="{LABELS + width + 4:.1f}" y="{y + ROW - 3}" '
                f'font-size="11" font-family="sans-serif">{value:,}</text>'
            )
            y += ROW
        y += 4
    text = f'<text x="0" y="{y + ROW}" font-size="12" font-family="sans-serif">{escape(caption)}</text>'
    body = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + ROW + 8}">{body}{text}</svg>'


def _caption(points: Sequence[tuple[object, int]], title: str) -> str:
    span = f", {points[0][0]} to {points[-1][0]}" if points else ": none"
    return f"{title}{span}"


def _svg(values: list[int], caption: str) -> str:
    top = max(values, default=0) or 1
    step = WIDTH / max(1, len(values))
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - HEIGHT * v / top:.1f}" width="{max(step - 1, 0.5):.1f}" '
        f'height="{HEIGHT * v / top:.1f}" fill="#4f6bed"/>'
        for i, v in enumerate(values)
    )
    text = f'<text x="0" y="{HEIGHT + 16}" font-size="12" font-family="sans-serif">{caption} (max {top:,})</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT + 22}">{bars}{text}</svg>'


def _embed(svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![plot](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
