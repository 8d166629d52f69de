"""The summary of a run: a dictionary for machines and the text a person reads. Pure; facts come in."""

from __future__ import annotations

from typing import Any

REASONS = {
    "no_consent": "no consent for any use",
    "sensitive_event": "labelled sensitive",
    "sensitive_path": "fields ruled sensitive",
    "personal_without_sharing": "labelled personal, without consent for sharing",
    "too_few_people": "shared events with fewer than five people alike",
    "invalid_json": "payloads that are no JSON",
    "unknown_path": "fields nobody has ruled on",
    "type_mismatch": "fields of another type than ruled",
    "ruled_out": "fields whose rule is to drop them",
    "unsafe_label": "labels that could hold a person's words",
    "no_mask": "personal fields that no mask covers",
    "no_key": "texts whose key is gone",
}


def text(summary: dict[str, Any]) -> str:
    """The summary in words and figures, ready to print."""
    parts = [
        _events(summary),
        _excluded(summary),
        _safe(summary),
        _gates(summary),
        _model(summary),
        _next_action(summary),
    ]
    return "\n".join(part for part in parts if part)


def _events(summary: dict[str, Any]) -> str:
    e = summary["events"]
    lines = [
        f"Events      {e['read']:,} read = {e['stored']:,} stored + {e['duplicates']:,} duplicates"
        f" + {e['quarantined']:,} quarantined + {e['refused']:,} refused",
        f"            {summary['stored_total']:,} events are stored in all",
    ]
    return "\n".join(lines)


def _excluded(summary: dict[str, Any]) -> str:
    if not summary["excluded"]:
        return "Left out    nothing"
    lines = [f"{n:>12,}  {REASONS.get(reason, reason.replace('_', ' '))}" for reason, n in summary["excluded"].items()]
    return "Left out    by the privacy transform (whole events, or single fields of them):\n" + "\n".join(lines)


def _safe(summary: dict[str, Any]) -> str:
    rows = [f"{n:,} {name.replace('_', ' ')}" for name, n in summary["safe"].items()]
    rows += [f"{n:,} rows in {name}" for name, n in summary["features"].items()]
    return "Passed      " + "\n            ".join(rows) if rows else ""


def _gates(summary: dict[str, Any]) -> str:
    lines = [
        f"{gate['name']}: {'passed' if gate['passed'] else 'REFUSED'}"
        f" ({gate['evidence']['checks'] - gate['evidence']['failed']} of {gate['evidence']['checks']} checks hold)"
        for gate in summary["gates"]
    ]
    return "Gates       " + "\n            ".join(lines) if lines else ""


def _model(summary: dict[str, Any]) -> str:
    model = summary["model"]
    if not model:
        return "Model       none yet"
    m = model["metrics"]
    rows = [
        ("churn model, on later cutoffs", "auc_roc"),
        ("recency alone", "recency_alone/auc_roc"),
        ("majority (a random order)", None),
        ("the model with bots in the test rows", "with_bots/auc_roc"),
        ("trained with bots as well", "trained_with_bots/auc_roc"),
    ]
    lines = [f"Model       {model['name']} version {model['version']} is {model['alias']}: {model['rung']}"]
    lines += [f"            AUC {_figure(m, key)}  {label}" for label, key in rows if key is None or key in m]
    lines += [f"            {line}" for line in model["verdicts"]]
    return "\n".join(lines)


def _next_action(summary: dict[str, Any]) -> str:
    model = summary.get("next_action")
    if not model:
        return ""
    m = model["metrics"]
    return (
        f"            {model['name']} version {model['version']} is {model['alias']}: {model['rung']}\n"
        f"            MRR {_figure(m, 'mrr')}  next steps of later sessions\n"
        f"            MRR {_figure(m, 'baseline/mrr')}  the next cheaper model"
    )


def _figure(metrics: dict[str, float], name: str | None) -> str:
    if name is None:
        return f"{0.5:.4f}" + " " * 17
    value, low, high = (metrics.get(f"{name}{end}") for end in ("", "_low", "_high"))
    interval = f" [{low:.4f}, {high:.4f}]" if low is not None and high is not None else ""
    return f"{value:.4f}{interval}"
