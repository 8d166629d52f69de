"""Which paths hold people's writing: values decide, the name where there are none."""

from __future__ import annotations

import pytest

from benchmarks.machine_lines import FRESH_LINES, machine_lines
from privacy.detection.fields import field_of, machine_share
from privacy.detection.findings import Field
from privacy.detection.patterns import find_patterns


@pytest.mark.parametrize(("path", "field"), [("/data/log_line", "machine"), ("/data/note", "free_text")])
def test_a_name_decides_where_no_value_does(path: str, field: str) -> None:
    assert field_of(path) is Field(field)


def test_values_outweigh_the_name() -> None:
    prose = ["Could somebody call me back on Monday, please?"] * 9
    assert field_of("/data/log_line", prose) is Field.FREE_TEXT
    assert field_of("/data/note", [line.text for line in machine_lines(50, 1)]) is Field.MACHINE


def test_shares() -> None:
    assert machine_share("Where is my (blue) parcel?") == 0
    assert machine_share("pid=12 0x7f [main] done") == 0.75


def test_machine_lines_raise_few_false_hits() -> None:
    """At most 20 in 1,000; under the rules for free text (the planted fault) the same lines raise many more."""
    lines = machine_lines(1_000, 3, FRESH_LINES)

    def n_false(field: Field) -> int:
        return sum(
            len({(f.kind, f.start, f.end) for f in find_patterns(line.text, field)} - line.spans) for line in lines
        )

    assert n_false(Field.MACHINE) <= 20 < n_false(Field.FREE_TEXT)
