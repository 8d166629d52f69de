"""The values that fill the places of the templates: one function per column, a whole block of events at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator import invented
from collection.simulator.figures import FIGURES
from collection.simulator.population import Flags, Floats, Ints, Population


@dataclass(slots=True)
class Rows:
    """Events of one kind: their user (-1: nobody), session, slow-down and week, and the columns made so far."""

    people: Population
    user: Ints
    session: Ints
    slowdown: Floats
    week: Ints
    rng: np.random.Generator
    extra: np.random.Generator
    tokens: dict[str, str]  # column -> canary token
    made: dict[str, pa.Array] = field(default_factory=dict)

    def draw(self) -> Floats:
        """One uniform number per event."""
        return self.rng.random(len(self.user))

    def more(self) -> Floats:
        """One uniform number per event, from the stream of `figures`."""
        return self.extra.random(len(self.user))

    @property
    def is_canary(self) -> Flags:
        """Which events belong to a canary user."""
        return self.people.is_canary[self.user] & (self.user >= 0)

    def column(self, name: str) -> pa.StringArray:
        """The column of that name, made once; canary users carry its token."""
        if name not in self.made:
            made = COLUMNS[name](self)
            if name in self.tokens:
                made = _plant(made, self.tokens[name], name in FREE_TEXT, self.is_canary)
            self.made[name] = made
        return self.made[name]


def _plant(values: pa.Array, token: str, is_text: bool, where: Flags) -> pa.Array:
    planted = pc.binary_join_element_wise(values, token, " ") if is_text else pa.scalar(token)
    return pc.if_else(pa.array(where), planted, values)


Column = Callable[[Rows], pa.Array]


def _choice(words: str, skew: float = 1.0) -> Column:
    """A column of words separated by '|', the first ones the more frequent the larger the skew."""
    vocabulary = pa.array(words.split("|"))

    def made(rows: Rows) -> pa.Array:
        return vocabulary.take(pa.array((rows.draw() ** skew * len(vocabulary)).astype(np.int32)))

    return made


def _fixed(words: str, salt: int, by_user: bool = False) -> Column:
    """A column of words that stay the same within a session (or for a user)."""
    vocabulary = pa.array(words.split("|"))

    def made(rows: Rows) -> pa.Array:
        key = rows.user if by_user else rows.session
        return vocabulary.take(pa.array((invented.mix(key + 1, salt) % len(vocabulary)).astype(np.int64)))

    return made


def _text(numbers: Floats | Ints) -> pa.StringArray:
    return pc.cast(pa.array(numbers.astype(np.int64)), pa.string())


def _whole(make: Callable[[Rows], Floats]) -> Column:
    return lambda rows: _text(make(rows))


def _flag(chance: float) -> Column:
    return lambda rows: pc.if_else(pa.array(rows.draw() < chance), "true", "false")


def _latency(median_ms: float) -> Column:
    def made(rows: Rows) -> pa.Array:
        milliseconds = median_ms * np.exp(0.6 * rows.rng.standard_normal(len(rows.user))) * rows.slowdown
        return _text(np.maximum(1, milliseconds))

    return made


def _length(of: str) -> Column:
    return lambda rows: pc.cast(pc.utf8_length(rows.column(of)), pa.string())


def _tokens(of: str) -> Column:
    return lambda rows: pc.cast(pc.add(pc.divide(pc.utf8_length(rows.column(of)), 4), 1), pa.string())


_PAGES = "dashboard|board|reports|tasks|calendar|ideas|automation|members|billing|settings|integrations|insights"
_FEATURES = pa.array(_PAGES.split("|"))


def _feature(rows: Rows) -> pa.Array:
    """Features a user has adopted: the first ones for everybody, later ones only with breadth."""
    reach = 2 + rows.people.breadth[rows.user] * (len(_FEATURES) - 2)
    return _FEATURES.take(pa.array((rows.draw() ** 1.6 * reach).astype(np.int32)))


def _rating(rows: Rows) -> pa.Array:
    noise = 0.7 * rows.rng.standard_normal(len(rows.user))
    return _text(np.clip(np.rint(3.5 + 0.9 * rows.people.satisfaction[rows.user] + noise), 1, 5))


def _amount(rows: Rows) -> pa.Array:
    """A price with two decimals: seats of the company times the price of a plan."""
    cents = rows.people.company_seats[rows.people.company[rows.user]] * (900 + 100 * (rows.draw() * 20).astype(int))
    whole = pc.cast(pa.array(cents // 100), pa.string())
    return pc.binary_join_element_wise(whole, ".", invented.padded(pa.array(cents % 100), 2), "")


_PLANS = pa.array(["free", "team", "business", "enterprise"])


def _plan(shift: int) -> Column:
    def made(rows: Rows) -> pa.Array:
        segment = rows.people.company_segment[rows.people.company[rows.user]]
        return _PLANS.take(pa.array(np.clip(segment + 1 - shift, 0, 3)))

    return made


def _ip(rows: Rows) -> pa.Array:
    """One address per session; fraud changes it with every event."""
    events = (rows.draw() * 2**31).astype(np.int64)
    return invented.addresses(np.where(rows.people.is_fraud[rows.user], events, rows.session + 1))


def _stranger(rows: Rows) -> pa.Array:
    return invented.emails(rows.people.n_users + (rows.draw() * 100_000).astype(np.int64))


_OPENINGS = (
    "Draft a summary of the weekly report|Plan the next sprint for our team|Why does the export stop at half|"
    "Turn these notes into tasks|Compare the two proposals|Please check the invoice of last month|"
    'The page said \\"try again\\" twice|Translate the offer: caf\\u00e9, na\\u00efve, \u00fcber|'
    "List ideas for the launch\\nand rank them|Explain the drop in sign-ups"
)
_DETAILS = (
    "for the new board|before Friday|in simple words|with three options|and keep the tone friendly|"
    "as a table|without jargon|for a customer call"
)


def _free_text(personal_share: float) -> Column:
    """Sentences; some give away a name, a phone number, an address, a card or a social security number."""
    opening, detail = _choice(_OPENINGS), _choice(_DETAILS)

    def made(rows: Rows) -> pa.Array:
        leaks = [
            pc.binary_join_element_wise(lead, values(rows.user), " ")
            for lead, values in (
                (". Write to", invented.emails),
                (". Call", invented.phones),
                (". My name is", invented.full_names),
                (". Card", invented.cards),
                (". SSN", invented.ssns),
            )
        ]
        which = np.minimum((rows.draw() / personal_share * len(leaks)).astype(np.int64), len(leaks))
        ends = pa.array(np.full(len(rows.user), "."), pa.string())
        leak = pc.choose(pa.array(which), *leaks, ends)
        return pc.binary_join_element_wise(opening(rows), " ", detail(rows), leak, "")

    return made


FREE_TEXT = frozenset({"query", "comment", "note", "prompt", "response", "hint"})

COLUMNS: dict[str, Column] = {
    "page": _choice(_PAGES, 1.6),
    "feature": _feature,
    "element": _choice("open|save|close|filter|sort|share|next|back", 1.3),
    "form": _choice("task|idea|report|contact|survey"),
    "file_format": _choice("csv|pdf|xlsx"),
    "endpoint": _choice("/v1/tasks|/v1/ideas|/v1/reports|/v1/members|/v1/files|/v1/webhooks", 1.4),
    "method": _choice("GET|GET|GET|POST|PUT|DELETE"),
    "status": _choice("200|200|200|200|200|201|204|304|404|429|500", 1.3),
    "intent": _choice("draft|summarise|plan|explain|translate"),
    "model": _fixed("small|medium|large", 3),
    "error_code": _choice("timeout|bad_gateway|conflict|quota|out_of_memory|validation", 1.2),
    "severity": _choice("low|medium|high|critical", 1.8),
    "sku": _choice("seat|storage|assistant|support"),
    "other_sku": _choice("seat|storage|assistant|support"),
    "currency": _choice("USD|EUR|GBP", 1.5),
    "role": _fixed("owner|admin|member|analyst|guest", 4, by_user=True),
    "auth_method": _choice("password|sso|passkey", 1.4),
    "mfa_method": _choice("app|sms|key"),
    "failure": _choice("wrong_password|expired|locked", 1.5),
    "setting": _choice("theme|digest|language|notifications"),
    "topic": _choice("billing|bug|how_to|access"),
    "plan": _plan(0),
    "previous_plan": _plan(1),
    "seats": lambda rows: _text(rows.people.company_seats[rows.people.company[rows.user]]),
    "amount": _amount,
    "rating": _rating,
    "count": _whole(lambda rows: 1 + 400 * rows.draw() ** 3),
    "small_count": _whole(lambda rows: 1 + 5 * rows.draw()),
    "duration": _latency(9000.0),
    "latency": _latency(140.0),
    "slow_latency": _latency(1900.0),
    "risk": _whole(lambda rows: 100 * rows.draw() ** 3 + 0.0),
    "percent": _whole(lambda rows: 5 + 90 * rows.draw() ** 1.5),
    "mostly_true": _flag(0.93),
    "rarely_true": _flag(0.3),
    "query_length": _length("query"),
    "prompt_length": _length("prompt"),
    "response_length": _length("response"),
    "prompt_tokens": _tokens("prompt"),
    "response_tokens": _tokens("response"),
    "query": _free_text(0.1),
    "comment": _free_text(0.3),
    "note": _free_text(0.3),
    "prompt": _free_text(0.25),
    "response": _free_text(0.15),
    "hint": _choice("wide|narrow|beta"),
    "email": lambda rows: invented.emails(rows.user),
    "other_email": _stranger,
    "full_name": lambda rows: invented.full_names(rows.user),
    "phone": lambda rows: invented.phones(rows.user),
    "date_of_birth": lambda rows: invented.birth_dates(rows.user),
    "ssn": lambda rows: invented.ssns(rows.user),
    "card": lambda rows: invented.cards(rows.user),
    "account_ref": lambda rows: invented.hexadecimal(rows.user + 1, 120, "acc_"),
    "ip": _ip,
    "user_agent": _fixed("Mozilla/5.0 Firefox/140.0|Mozilla/5.0 Chrome/141.0|Mozilla/5.0 Safari/18.4", 5),
    "device": _fixed("desktop|desktop|desktop|phone|tablet", 6),
    "os": _fixed("linux|macos|windows|android", 7),
    "locale": _fixed("en-US|en-GB|de-DE|fr-FR|es-ES", 8, by_user=True),
    "timezone": _fixed("UTC|Europe/Berlin|America/New_York|Asia/Tokyo", 9, by_user=True),
    "app_version": _fixed("4.2.0|4.2.1|4.3.0", 10),
    "trace": lambda rows: invented.hexadecimal((rows.draw() * 2**52).astype(np.int64), 11, ""),
    "region": _fixed("eu-1|us-1|ap-1", 12, by_user=True),
} | FIGURES
