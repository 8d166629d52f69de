"""Labels and figures of the assistant, billing, security, documents and incidents: columns like those of `columns`.

They draw from a stream of their own, so that the other columns of a log stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator import invented
from collection.simulator.population import Floats, Ints

if TYPE_CHECKING:
    from collection.simulator.columns import Rows

Made = Callable[["Rows"], pa.Array]

TEMPLATES = pa.array(
    ["summary_short", "summary_long", "plan_sprint", "task_list", "compare", "explain", "translate_offer", "reply"]
)
_PRICES = np.array([0, 9, 19, 49])  # US dollars a seat and month: free, team, business, enterprise
_TOKEN_PRICES = {"small": 2, "medium": 10, "large": 60}  # millionths of a US dollar


def uniform(numbers: Ints, salt: int) -> Floats:
    """A number in [0, 1) for each number, always the same."""
    high: Floats = (invented.mix(numbers, salt) >> np.uint64(11)).astype(np.float64)
    return high / 2.0**53


def incident_ms(numbers: Ints) -> Floats:
    """How long each incident lasts, in milliseconds: exponential with a mean of 25 minutes, at least one."""
    lasting: Floats = np.floor(60_000 - 1_440_000 * np.log(1 - uniform(numbers, 30)))
    return lasting


def decimal(numbers: Floats, places: int) -> pa.StringArray:
    """Numbers as JSON text with that many decimals."""
    scaled = np.rint(np.abs(numbers) * 10**places).astype(np.int64)
    sign = pc.if_else(pa.array((numbers < 0) & (scaled > 0)), "-", "")
    whole = pc.cast(pa.array(scaled // 10**places), pa.string())
    rest = invented.padded(pa.array(scaled % 10**places), places)
    return pc.binary_join_element_wise(sign, pc.binary_join_element_wise(whole, rest, "."), "")


def _whole(numbers: Floats | Ints) -> pa.StringArray:
    return pc.cast(pa.array(np.asarray(numbers).astype(np.int64)), pa.string())


def _flag(values: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pa.StringArray:
    return pc.if_else(pa.array(values), "true", "false")


def _picked(words: str, skew: float = 1.0) -> Made:
    vocabulary = pa.array(words.split("|"))
    return lambda rows: vocabulary.take(pa.array((rows.more() ** skew * len(vocabulary)).astype(np.int64)))


def _settled(words: str, salt: int, by: Callable[[Rows], Ints]) -> Made:
    vocabulary = pa.array(words.split("|"))
    return lambda rows: vocabulary.take(pa.array((uniform(by(rows) + 1, salt) * len(vocabulary)).astype(np.int64)))


def _user(rows: Rows) -> Ints:
    return rows.user


def _session(rows: Rows) -> Ints:
    return rows.session


def _template(rows: Rows) -> Ints:
    """One template a session, the first ones more often."""
    return (uniform(rows.session + 1, 31) ** 1.5 * len(TEMPLATES)).astype(np.int64)


def _skill(rows: Rows) -> Floats:
    """How well the template of a session works, in [0, 1): a fixed property of the template."""
    return uniform(_template(rows) + 1, 32)


def _network(rows: Rows) -> pa.Array:
    """The office of the company or a home; fraud changes it with every event."""
    company = rows.people.company[rows.user]
    home = len(rows.people.company_seats) + rows.user
    usual = np.where(uniform(rows.session + 1, 33) < 0.6, company, home)
    changing = 2**40 + (rows.more() * 5000).astype(np.int64)
    return invented.hexadecimal(np.where(rows.people.is_fraud[rows.user], changing, usual), 34, "net_")


def _api_key(rows: Rows) -> pa.Array:
    """One key per user; fraud shares three."""
    owner = np.where(rows.people.is_fraud[rows.user], -1 - rows.user % 3, rows.user)
    return invented.hexadecimal(owner + 4, 35, "key_")


def _complexity(rows: Rows) -> pa.Array:
    """Longer prompts are more complex, from 0 to 1."""
    length = pc.utf8_length(rows.column("prompt")).to_numpy(zero_copy_only=False)
    return decimal(np.clip(length / 250 + 0.4 * rows.more(), 0, 1), 2)


def _sentiment(rows: Rows) -> pa.Array:
    return decimal(np.clip(0.3 * rows.people.satisfaction[rows.user] + 1.2 * (rows.more() - 0.5), -1, 1), 2)


def _quality(rows: Rows) -> pa.Array:
    return decimal(np.clip(0.45 + 0.3 * _skill(rows) + 0.5 * (rows.more() - 0.5), 0, 1), 2)


def _cost(rows: Rows) -> pa.Array:
    """Tokens of the answer at the price of its model, in US dollars."""
    models = rows.column("model").to_numpy(zero_copy_only=False)
    prices = np.select([models == name for name in _TOKEN_PRICES], list(_TOKEN_PRICES.values()), 0)
    tokens = pc.cast(rows.column("response_tokens"), pa.int64()).to_numpy(zero_copy_only=False)
    return decimal(tokens * prices / 1e6, 6)


def _mrr(rows: Rows) -> pa.Array:
    """Seats at the price of the plan; a company's seats grow or shrink every eight weeks, US dollars a month."""
    company = rows.people.company[rows.user]
    growth = 1.2 * uniform(company + 1, 36) - 0.4
    seats = np.maximum(1, np.rint(rows.people.company_seats[company] * (1 + growth * (rows.week // 8) / 4)))
    return _whole(seats * _PRICES[np.clip(rows.people.company_segment[company] + 1, 0, 3)])


_METHODS = "card|card|invoice|paypal"
_MACHINES = "api-1|api-2|worker-1|database-1"

FIGURES: dict[str, Made] = {
    "network": _network,
    "api_key": _api_key,
    "experiment": _settled("new_onboarding|assistant_panel|short_pricing", 37, _user),
    "variant": _settled("control|treatment", 38, _user),
    "acquisition_channel": _settled("organic|organic|search_ads|referral|social|partner", 39, _user),
    "prompt_template": lambda rows: TEMPLATES.take(pa.array(_template(rows))),
    "language": _settled("en|en|en|de|fr|es", 40, _user),
    "complexity": _complexity,
    "sentiment": _sentiment,
    "quality": _quality,
    "cost": _cost,
    "regenerated": lambda rows: _flag(rows.more() < 0.22 - 0.16 * _skill(rows)),
    "answered": lambda rows: _flag(rows.more() < 0.86 + 0.12 * _skill(rows)),
    "mrr": _mrr,
    "payment_method": _settled(_METHODS, 41, _user),
    "new_payment_method": _picked(_METHODS),
    "payment_failure": _picked("card_expired|insufficient_funds|declined"),
    "protected": _picked("billing|members|audit_log|exports|api_keys", 1.4),
    "granted": lambda rows: _flag(rows.more() < np.where(rows.people.is_fraud[rows.user], 0.4, 0.95)),
    "threat": _picked("credential_stuffing|scraping|token_replay|injection", 1.3),
    "reference_style": _picked("apa|mla|chicago|ieee", 1.3),
    "reference_field": _settled("engineering|law|medicine|history|economics", 42, _user),
    "document_quality": lambda rows: decimal(np.clip(0.4 + 0.55 * rows.more(), 0, 1), 2),
    "readability": lambda rows: _whole(30 + 50 * rows.more()),
    "citations": lambda rows: _whole(40 * rows.more() ** 2),
    "machine": _picked(_MACHINES),
    "incident_machine": _settled(_MACHINES, 43, _session),
    "incident_severity": _settled("low|medium|high|critical", 44, _session),
    "incident_ms": lambda rows: _whole(incident_ms(rows.session)),
}
