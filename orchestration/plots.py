"""Small pictures of counts for Dagster metadata: SVG made here, so that no plotting library is imported for them."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import dagster as dg

WIDTH, HEIGHT, BARS = 640, 140, 120


def series(points: Sequence[tuple[object, int]], title: str) -> dg.MetadataValue:
    """Bars over ordered points, at most 120 (longer series are summed into as many bins)."""
    bars = binned([n for _, n in points])
    per_bar = "" if len(bars) == len(points) else f", {-(-len(points) // BARS)} points a bar"
    return _embed(_svg(bars, _caption(points, title) + per_bar))


def binned(values: Sequence[int]) -> list[int]:
    """The values summed into at most BARS bins of equal width."""
    size = max(1, -(-len(values) // BARS))
    return [sum(values[start : start + size]) for start in range(0, len(values), size)]


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
