"""Pieces of an HTML page that people read: tables, paragraphs and pictures inside. No words of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .8rem;text-align:left}"
    "img{max-width:100%}code{font-size:.85em;word-break:break-all}"
)


def page(title: str, sections: Sequence[str]) -> str:
    """The whole page; sections are HTML."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}{"".join(sections)}</html>\n'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def pictures(found: Mapping[str, bytes]) -> list[str]:
    """PNG pictures inside the page, by what they show."""
    texts = {name: base64.b64encode(png).decode() for name, png in found.items()}
    return [f'<p><img alt="{escape(n)}" src="data:image/png;base64,{text}"></p>' for n, text in texts.items()]
