"""Small pictures: bins keep every event."""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from xml.etree import ElementTree

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
    """The SVG inside the metadata."""
    found = re.search(r"base64,([A-Za-z0-9+/=]+)\)", str(plots.series(points, "events per day").value))
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
