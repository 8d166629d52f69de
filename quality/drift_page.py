"""A drift report as one HTML page for a person: the picture, then a row a feature. Counts and indices, no values."""

from __future__ import annotations

import base64
from html import escape

from quality.drift import DRIFTED, DriftReport, FeatureDrift
from quality.plots import plot_drift

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.3rem .8rem;text-align:left}"
    "td.n{text-align:right}tr.drifted{background:#fbe9e7}img{max-width:100%}"
)
HEADS = ("Feature", "Verdict", "Weight in the model", "Index (PSI)", "Chance reaches", "p", "Rows before", "Rows now")


def render(report: DriftReport, title: str) -> str:
    """The whole page, picture inside."""
    picture = base64.b64encode(plot_drift(report)).decode()
    rows = "".join(_row(f) for f in sorted(report.features, key=lambda f: (f.verdict != DRIFTED, -f.importance)))
    heads = "".join(f"<th scope=col>{head}</th>" for head in HEADS)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
        f"<main><h1>{escape(title)}</h1><p>{escape(summary(report))}</p>"
        f"<img alt='Index of every feature' src='data:image/png;base64,{picture}'>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></main></html>"
    )


def summary(report: DriftReport) -> str:
    """The verdict in words."""
    policy, n = report.policy, len(report.features)
    if not report.drifted:
        return f"None of {n} features moved further than the windows that the model learnt from do among themselves."
    names = ", ".join(f.feature for f in report.drifted[:5])
    alarm = "This is an alarm." if report.alarm else "What moved matters too little to the model for an alarm."
    return (
        f"{len(report.drifted)} of {n} features moved: {names}. They carry {report.weight:.0%} of the model's weight. "
        f"{alarm} At most {policy.false_alarms:.0%} of such findings are expected to be chance."
    )


def _row(feature: FeatureDrift) -> str:
    figures = (
        f"{feature.importance:.3f}", _figure(feature.psi, ".3f"), _figure(feature.critical, ".3f"),
        _figure(feature.p_value, ".2g"), f"{feature.n_reference:,}", f"{feature.n_current:,}",
    )  # fmt: skip
    cells = "".join(f"<td class=n>{figure}</td>" for figure in figures)
    words = feature.verdict.replace("_", " ")
    return f"<tr class={feature.verdict}><td>{escape(feature.feature)}</td><td>{words}</td>{cells}</tr>"


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
