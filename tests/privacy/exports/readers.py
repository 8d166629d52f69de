"""Readers of every format of an export, each with a parser that is not ours. All give the same plain values."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

Rows = list[dict[str, Any]]
Types = dict[str, str]  # of one table: column -> type


def exact(text: str) -> Any:
    """JSON with every digit of its numbers."""
    return json.loads(text, parse_float=Decimal)


def value(text: str | None, kind: str) -> Any:
    """A plain value of its text. Not-a-number equals itself here."""
    if text is None:
        return None
    read: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "number": lambda t: repr(float(t)),
        "boolean": {"true": True, "false": False}.__getitem__,
        "timestamp": datetime.fromisoformat,
        "date": date.fromisoformat,
        "json": exact,
    }
    return read.get(kind, str)(text)


def declared(archive: zipfile.ZipFile) -> dict[str, Types]:
    """Tables and their columns' types, as the manifest says."""
    manifest = json.loads(archive.read("manifest.json"))
    return {table["name"]: {c["name"]: c["type"] for c in table["columns"]} for table in manifest["tables"]}


def from_json(archive: zipfile.ZipFile, types: Mapping[str, Types]) -> dict[str, Rows]:
    tables = exact(archive.read("data.json").decode())["tables"]

    def plain(given: Any, kind: str) -> Any:
        if given is None or kind in ("integer", "boolean", "json"):
            return given
        return value(str(given), kind)

    return {
        name: [{c: plain(row[c], kind) for c, kind in of.items()} for row in tables[name]] for name, of in types.items()
    }


def from_csv(archive: zipfile.ZipFile, types: Mapping[str, Types]) -> dict[str, Rows]:
    found = {}
    for name, of in types.items():
        read = csv.read_csv(
            io.BytesIO(archive.read(f"csv/{name}.csv")),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(of, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        found[name] = [{c: value(row[c], kind) for c, kind in of.items()} for row in read.to_pylist()]
    return found


def from_xml(archive: zipfile.ZipFile, types: Mapping[str, Types]) -> dict[str, Rows]:
    root = ElementTree.fromstring(archive.read("data.xml"))  # noqa: S314 - made by us a moment ago
    found: dict[str, Rows] = {}
    for table in root.iter("table"):
        of = types[table.attrib["name"]]
        rows = []
        for row in table.iter("row"):
            texts = {
                f.attrib["name"]: json.loads(f.text or "") if f.get("encoding") == "json" else f.text or "" for f in row
            }
            rows.append({c: value(texts.get(c), kind) for c, kind in of.items()})
        found[table.attrib["name"]] = rows
    return found


def from_parquet(archive: zipfile.ZipFile, types: Mapping[str, Types]) -> dict[str, Rows]:
    def plain(given: Any, kind: str) -> Any:
        if given is None:
            return None
        return repr(given) if kind == "number" else exact(given) if kind == "json" else given

    found = {}
    for name, of in types.items():
        table = pq.read_table(io.BytesIO(archive.read(f"parquet/{name}.parquet")))
        assert {f.name: f.metadata[b"lethe.type"].decode() for f in table.schema} == of
        found[name] = [{c: plain(row[c], kind) for c, kind in of.items()} for row in table.to_pylist()]
    return found


class _Cells(HTMLParser):
    """The cells of a page's body rows: text, JSON string, or no value."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str | None]] = []
        self.kind: str | None = None
        self.text = ""
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.in_cell, self.text, self.kind = True, "", dict(attrs).get("class")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self.in_cell = False
            plain = {"none": None, "json": json.loads(self.text) if self.kind == "json" else ""}
            self.rows[-1].append(plain.get(self.kind, self.text) if self.kind else self.text)


def from_html(archive: zipfile.ZipFile, types: Mapping[str, Types]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for name, of in types.items():
        found[name] = []
        for page in sorted(n for n in archive.namelist() if n.startswith(f"html/{name}-")):
            cells = _Cells()
            cells.feed(archive.read(page).decode())
            cells.close()
            for row in cells.rows:
                if row:  # the row of heads has none
                    pairs = zip(of.items(), row, strict=True)
                    found[name].append({c: value(text, kind) for (c, kind), text in pairs})
    return found


READERS: dict[str, Callable[[zipfile.ZipFile, Mapping[str, Types]], dict[str, Rows]]] = {
    "json": from_json,
    "csv": from_csv,
    "xml": from_xml,
    "parquet": from_parquet,
    "html": from_html,
}
