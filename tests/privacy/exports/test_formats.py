"""Every format holds exactly what went in: nasty texts, no values, large numbers, moments, documents."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from privacy.exports import archive, as_html
from privacy.exports.as_html import PAGE_ROWS
from privacy.exports.columns import MEANINGS, Column, schema_of
from privacy.exports.contents import Contents
from privacy.exports.errors import UnwritableNameError
from privacy.exports.spool import spool, spool_rows
from tests.privacy.exports.readers import READERS, declared, exact

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
NASTY = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", " ", "NULL", "null", "\\N", '"', '""', "a,b", "\r\n", "\r", "\x00", "\x1f", "\ufffe\uffff", "</td><td>", "]]>",
     "&amp;", "=1+1", "\u2028", "\x85", "no value", "ß𝄞", "\\u0041", " x ", "\ufeffx", "'"]
)  # fmt: skip
DOCUMENT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: d.normalize())
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\é<'), inner, max_size=3),
    max_leaves=6,
)


def _spelled(value: Any) -> str:
    """JSON as PostgreSQL spells it: decimals with all their digits."""
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 40 else "1.5"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_spelled(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": NASTY,
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(),
    "decimal": st.decimals(allow_nan=False).map(str),
    "boolean": st.booleans(),
    "timestamp": st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)),
    "date": st.dates(),
    "json": DOCUMENT.map(_spelled),
    "bytes": st.binary().map(bytes.hex),
}
ROW = st.fixed_dictionaries({kind: st.none() | values for kind, values in VALUES.items()})
COLUMNS = tuple(Column(kind, kind) for kind in VALUES)


def packed(rows: list[dict[str, Any]], folder: Path, batch_rows: int = 3) -> Path:
    schema = schema_of(COLUMNS)
    batches = pa.Table.from_pylist(rows, schema).to_batches(max_chunksize=batch_rows)
    table = spool("raw.things", "raw", COLUMNS, batches, folder)
    told = spool_rows("models", [{"model": "churn", "version": 3, "used": {"rows": [1, 2]}}], folder)
    path = folder / "package.zip"
    contents = Contents(
        "exp-1", "req-1", "export", "Zoë & <Söhne>\x00", AT, (table, told), ("ml.none",), {"a": "b & c"}
    )
    archive.write(path, contents, dict)
    return path


def plain(row: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Callable[[Any], Any]] = {"number": repr, "json": exact}
    return {name: v if v is None or name not in changed else changed[name](v) for name, v in row.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROW, max_size=7))
@example([dict.fromkeys(VALUES), dict.fromkeys(VALUES) | {"number": -0.0}])
def test_every_format_reads_back_as_what_went_in(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed(rows, Path(folder))) as package:
        types = declared(package)
        assert types["raw.things"] == {kind: kind for kind in VALUES}
        wanted = {
            "raw.things": [plain(row) for row in rows],
            "models": [{"model": "churn", "version": 3, "used": {"rows": [1, 2]}}],
        }
        for name, read in READERS.items():
            assert read(package, types) == wanted, name


def test_a_writer_that_forgets_to_escape_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_html, "markup", lambda values: (values, None))
    with zipfile.ZipFile(packed([dict.fromkeys(VALUES) | {"text": "</td><td>"}], tmp_path)) as package:
        types = declared(package)
        assert READERS["xml"](package, types)["raw.things"][0]["text"] == "</td><td>"
        with pytest.raises(ValueError, match="invalid literal"):
            READERS["html"](package, types)


def test_every_type_is_tested_and_explained() -> None:
    assert set(VALUES) == set(MEANINGS)


def test_many_rows_become_pages_that_lead_to_each_other(tmp_path: Path) -> None:
    row = dict.fromkeys(VALUES) | {"text": "a"}
    with zipfile.ZipFile(packed([row] * (PAGE_ROWS + 1), tmp_path, PAGE_ROWS * 2)) as package:
        first, second = (package.read(f"html/raw.things-000{n}.html").decode() for n in (1, 2))
        assert 'href="raw.things-0002.html"' in first
        assert 'href="raw.things-0001.html"' in second
        assert first.count("<tr>") == PAGE_ROWS + 1
        assert second.count("<tr>") == 2


def test_pages_need_no_script_and_can_be_read_aloud(tmp_path: Path) -> None:
    with zipfile.ZipFile(packed([dict.fromkeys(VALUES)], tmp_path)) as package:
        pages = [package.read(name).decode() for name in package.namelist() if name.endswith(".html")]
        index = package.read("html/index.html").decode()
    for page in pages:
        assert '<html lang="en">' in page
        assert page.count("<h1") == page.count("<main>") == page.count("<title>") == page.count("<caption>") == 1
        assert 'scope="col"' in page
        assert "<script" not in page
        assert "http" not in page
    assert "Zo\\u00eb &amp; &lt;S\\u00f6hne&gt;\\u0000" in index
    assert "b &amp; c" in index
    assert "ml.none" in index


def test_a_table_whose_name_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnwritableNameError):
        spool("../raw", "raw", COLUMNS, [], tmp_path)
    assert [row["n"] for row in spool_rows("told", [{"n": AT}], tmp_path).batches().__next__().to_pylist()] == [
        "2024-03-01T12:00:00.000000Z"
    ]


def test_a_told_table_without_rows_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    contents = Contents("e", "r", "access", "s", AT, (spool_rows("models", [], tmp_path),))
    archive.write(path, contents, dict)
    with zipfile.ZipFile(path) as package:
        assert json.loads(package.read("data.json"))["tables"] == {"models": []}


def test_dates_before_our_time_keep_their_shape(tmp_path: Path) -> None:
    rows = [dict.fromkeys(VALUES) | {"date": date(1, 1, 1), "timestamp": datetime(1, 1, 1, tzinfo=UTC)}]
    with zipfile.ZipFile(packed(rows, tmp_path)) as package:
        assert b"0001-01-01T00:00:00.000000Z" in package.read("data.xml")
