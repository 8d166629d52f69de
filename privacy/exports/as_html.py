"""Pages of an export that a person can read and print: no script, no outside resource, one heading and caption each."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from privacy.exports.columns import content, joined
from privacy.exports.contents import Contents, about
from privacy.exports.escaping import markup, speakable

if TYPE_CHECKING:
    import pyarrow as pa

    from privacy.exports.spool import Spooled

PAGE_ROWS = 2_048
NO_VALUE = '<td class="none">no value</td>'
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; }
caption { font-weight: bold; padding: .5rem 0; text-align: left; }
th, td { border: 1px solid; overflow-wrap: anywhere; padding: .25rem .5rem; text-align: left; vertical-align: top; }
td { min-width: 6rem; white-space: pre-wrap; }
.none { font-style: italic; }
.wide { overflow-x: auto; }
.wide:focus-visible, a:focus-visible { outline: 3px solid; outline-offset: 2px; }
@media print { nav { display: none; } .wide { overflow: visible; } tr { break-inside: avoid; } }
"""


def pages(contents: Contents) -> Iterator[tuple[str, Iterator[bytes | memoryview]]]:
    """File names with their bytes: index.html first, then every table in pages of PAGE_ROWS rows."""
    yield "index.html", iter([index(contents).encode()])
    for table in contents.tables:
        for number, batch in enumerate(_paged(table), 1):
            yield page_name(table, number), _page(table, number, batch)


def page_name(table: Spooled, number: int) -> str:
    return f"{table.name}-{number:04d}.html"


def index(contents: Contents) -> str:
    """The first page: for whom, what there is, what nobody can tell, and how to check it."""
    facts = about(contents)
    rows = "".join(_index_row(table, fact) for table, fact in zip(contents.tables, facts["tables"], strict=True))
    unknown = "".join(f"<li>{_text(item['notice'])}</li>" for item in facts["not_known"])
    absent = ", ".join(facts["not_made_yet"])
    body = (
        "<h1>What is held about you</h1>"
        f"<p>Made on {_text(facts['created_at'])} for the person with the id <strong>{_text(facts['subject'])}</strong>"
        f" (request {_text(facts['request_id'])}, export {_text(facts['export_id'])}): {contents.n_rows:,} rows in "
        f"{len(contents.tables)} tables.</p>"
        '<h2 id="tables">Tables</h2><div class="wide" role="region" aria-labelledby="tables" tabindex="0"><table>'
        "<caption>All tables of this package</caption><thead><tr>"
        + "".join(f'<th scope="col">{name}</th>' for name in ("What it is", "Table", "You are called by", "Rows"))
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
        + (f"<h2>What nobody can tell yet</h2><ul>{unknown}</ul>" if unknown else "")
        + (f"<p>Not made yet, so that nothing can be in it: {_text(absent)}.</p>" if absent else "")
        + "<h2>The same for machines</h2><p>data.json, data.xml, and one file a table in the folders csv and parquet "
        "hold the same rows. manifest.json lists every file with its SHA-256 and is signed.</p>"
    )
    return _whole("What is held about you", "", body)


def _index_row(table: Spooled, fact: dict[str, Any]) -> str:
    link = f'<a href="{page_name(table, 1)}">{_text(table.name)}</a>' if table.n_rows else _text(table.name)
    cells = f'<th scope="row">{_text(fact["meaning"])}</th><td>{link}</td><td>{_text(fact["you_are_called_by"])}</td>'
    return f"<tr>{cells}<td>{table.n_rows:,}</td></tr>"


def _paged(table: Spooled) -> Iterator[pa.RecordBatch]:
    for batch in table.batches():
        for start in range(0, batch.num_rows, PAGE_ROWS):
            yield batch.slice(start, PAGE_ROWS)


def _page(table: Spooled, number: int, batch: pa.RecordBatch) -> Iterator[bytes | memoryview]:
    heads = "".join(f'<th scope="col">{_text(column.name)}</th>' for column in table.columns)
    last = -(-table.n_rows // PAGE_ROWS)
    title = f"{table.name}, page {number} of {last}"
    links = [("index.html", "All tables")]
    links += [(page_name(table, number - 1), "Page before")] if number > 1 else []
    links += [(page_name(table, number + 1), "Next page")] if number < last else []
    nav = "".join(f'<li><a href="{target}">{text}</a></li>' for target, text in links)
    head, tail = _whole(
        title,
        f"<nav><ul>{nav}</ul></nav>",
        f'<h1 id="title">{_text(title)}</h1>'
        '<div class="wide" role="region" aria-labelledby="title" tabindex="0"><table>'
        f"<caption>{batch.num_rows:,} rows</caption><thead><tr>{heads}</tr></thead><tbody>\n\x00</tbody></table></div>",
    ).split("\x00")
    yield head.encode()
    yield _rows(batch)
    yield tail.encode()


def _rows(batch: pa.RecordBatch) -> memoryview:
    cells = [_cells(values) for values in batch.columns]
    return content(joined("<tr>", *cells, "</tr>\n"))


def _cells(values: pa.Array) -> pa.Array:
    """<td>text</td> of every value; a JSON string where a page cannot show the text itself."""
    import pyarrow.compute as pc

    written, is_json = markup(values)
    if is_json is not None:
        cells = joined(pc.if_else(is_json, '<td class="json">', "<td>"), written, "</td>")
    else:
        cells = joined("<td>", written, "</td>")
    return pc.fill_null(cells, NO_VALUE)


def _whole(title: str, nav: str, main: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>{nav}<main>{main}</main></body></html>\n"
    )


def _text(value: object) -> str:
    return escape(speakable(str(value)))
