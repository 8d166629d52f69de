"""Small pictures: bins keep every event."""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from orchestration import plots


@given(st.lists(st.integers(0, 10**9), max_size=2000))
def test_bins_lose_nothing_and_are_few(values: list[int]) -> None:
    bins = plots.binned(values)
    assert sum(bins) == sum(values)
    assert len(bins) <= plots.BARS


@given(st.lists(st.integers(0, 9), max_size=plots.BARS))
def test_a_short_series_is_not_binned(values: list[int]) -> None:
    assert plots.binned(values) == values


def picture(points: list[tuple[object, int]]) -> ElementTree.Element:
    """The SVG of a series."""
    return drawn(plots.series(points, "events per day"))


def drawn(value: dg.MetadataValue[Any]) -> ElementTree.Element:
    """The SVG inside the metadata."""
    found = re.search(r"base64,([A-Za-z0-9+/=]+)\)", str(value.value))
    assert found
    return ElementTree.fromstring(base64.b64decode(found.group(1)))  # noqa: S314 - made by the code under test


def test_a_series_is_a_picture_with_a_bar_per_point_and_a_caption() -> None:
    first = date(2026, 1, 1)
    svg = picture([(first + timedelta(i), i) for i in range(30)])
    assert len([e for e in svg if e.tag.endswith("rect")]) == 30
    assert "2026-01-01 to 2026-01-30" in str(svg[-1].text)
    assert "max 29" in str(svg[-1].text)


def test_a_series_without_points_says_none() -> None:
    assert "none" in str(picture([])[-1].text)


def test_bars_that_lie_have_a_name_a_bar_and_a_figure_each() -> None:
    svg = drawn(plots.lying({"a<b>": [10, 0], "c": [5, 5]}, ["before", "after"], "rows per target"))
    bars = [e.attrib for e in svg if e.tag.endswith("rect")]
    texts = [e.text for e in svg if e.tag.endswith("text")]
    assert [float(bar["width"]) for bar in bars] == [310, 0, 155, 155]
    assert len({bar["y"] for bar in bars}) == 4
    assert texts == ["a<b>", "10", "0", "c", "5", "5", "rows per target: before, after"]


def test_of_many_bars_the_longest_are_drawn_and_the_rest_is_counted() -> None:
    svg = drawn(plots.lying({f"t{n}": [n] for n in range(100)}, ["rows"], "rows"))
    texts = [str(e.text) for e in svg if e.tag.endswith("text")]
    assert (texts[0], "40 smaller ones not drawn" in texts[-1]) == ("t40", True)
    assert "none" in str(drawn(plots.lying({}, ["rows"], "rows"))[-1].text)
    (bar,) = [e for e in drawn(plots.lying({"late": [-4.5]}, ["hours"], "left")) if e.tag.endswith("rect")]
    assert float(bar.attrib["width"]) == 0
