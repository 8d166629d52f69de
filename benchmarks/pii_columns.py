"""How often a proposal names the right kind of a whole column, with a key that says nothing and with one that does.

Not a test: `python -m benchmarks.pii_columns` prints shares of columns. Values are Faker's; a column has 100 values.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.pii_texts import LOCALES, VALUES
from privacy.detection.gazetteer import shipped
from privacy.detection.names import NameFinder
from privacy.proposals import propose

SEED, SIZE = 31_337, 100
# What a column holds -> (proposed kind that is right, a key that says so).
PERSONAL = {
    "email": ("email", "email"), "phone": ("phone", "phone"), "ssn": ("ssn", "ssn"), "card": ("credit_card", "card"),
    "iban": ("iban", "iban"), "ip": ("ip_address", "ip"), "url": ("url", "url"), "full": ("full_name", "full_name"),
    "dob": ("date_of_birth", "birth_date"), "address": ("postal_address", "address"), "secret": ("text", "api_key"),
}  # fmt: skip
HARMLESS: dict[str, Callable[[Any, random.Random], str]] = {
    "order numbers": VALUES["order"],
    "versions": VALUES["version"],
    "times": VALUES["time"],
    "amounts": VALUES["money"],
    "settings": lambda _, g: g.choice(("dark", "light", "system")),
    "pages": lambda _, g: f"/board/{g.randrange(40)}",
}


def columns(make: Callable[[Any, random.Random], str]) -> list[list[tuple[str, str]]]:
    """One column of strings per locale."""
    from faker import Faker

    generator = random.Random(SEED)  # noqa: S311 - test data, no secret
    found = []
    for locale in LOCALES:
        faker = Faker(locale, use_weighting=False)
        faker.seed_instance(SEED)
        found.append([("string", make(faker, generator)) for _ in range(SIZE)])
    return found


def main() -> None:
    people = NameFinder(shipped())
    print(f"share of {len(LOCALES)} columns (one per locale) whose proposal is right: key 'value' | telling key")
    for name, (kind, key) in PERSONAL.items():
        made = columns(VALUES[name])
        silent, telling = ([propose(f"/data/{k}", column, people) for column in made] for k in ("value", key))
        others = Counter(p.kind for p in silent if p.kind != kind)
        passed = sum(p.klass in ("non_personal", "pseudonymized") for p in silent)
        shares = [sum(p.kind == kind for p in proposals) / len(made) for proposals in (silent, telling)]
        print(f"{name:<14} {shares[0]:.2f} | {shares[1]:.2f}  proposed harmless: {passed}  otherwise {dict(others)}")
    for name, make in HARMLESS.items():
        kinds = Counter(propose("/data/value", column, people).kind for column in columns(make))
        print(f"{name:<14} proposed as {dict(kinds)}")


if __name__ == "__main__":
    main()
