"""Held-out texts for pii_detection.py: carriers of no tuning or training, values from Faker, gold spans.

Every `<slot>` is a value; those in GOLD are what a detector has to find, the others are there to mislead it.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "it_IT", "es_ES", "nl_NL", "sv_SE", "pl_PL", "pt_BR", "cs_CZ", "en_IE")
GOLD = {
    "email": "email", "phone": "phone", "ssn": "ssn", "card": "credit_card", "iban": "iban", "ip": "ip_address",
    "url": "url", "dob": "date_of_birth", "full": "full_name", "given": "full_name", "family": "full_name",
    "address": "postal_address", "secret": "secret",
}  # fmt: skip
CARRIERS = r"""
Could someone from billing phone me on <phone> before the weekend?
The courier tried <phone> twice and then left a note.
My new number is <phone>, the old one is dead.
Front desk: <phone>, night porter: <phone>
If the alarm goes off, dial <phone> and ask for the duty engineer.
Fax the signed form to <phone> or mail it to <email>.
Update my profile please: mobile <phone>, mail <email>
You will get an SMS on <phone> within five minutes.
For bookings: <phone> (weekdays until six)
<given> rang from <phone> about the leaking roof.
I never received the confirmation at <email>, could you resend it?
Write to <email> and put the order number <order> in the subject.
Two addresses on file: <email> and <email>. Delete the first.
Escalations go to <email>; everything else to the forum.
Login fails for <email> since the update to version <version>.
The gateway blocked <ip> after <count> failed attempts.
Is <ip> one of ours? It scanned port <port> all night.
Whitelist <ip> and <ip> on the staging firewall.
Traffic from <ip> tripled at <time>.
The slides are at <url> until the end of the month.
Broken link: <url>
Have a look at <url> and tell me whether the price of <money> is right.
Documentation moved from <url> to <url> last night.
Salary goes to <iban> from next month on.
Please debit <iban> for contract <order>.
The sender's bank details were <iban>, reference <order>.
We refunded <money> to <iban> on <day>.
Payment with <card> failed three times, the bank says all is fine.
Replace the expired card <card> by <card>.
The guest left a deposit with <card>, amount <money>.
Card on file: <card>, valid through 09/31
Employee file: SSN <ssn>, start date <day>
She gave <ssn> as her social security number on the W-4.
The background check for <ssn> came back clean.
Date of birth <dob>, blood group A positive.
The applicant, born <dob>, holds two passports.
DOB: <dob>
Her birthday, <dob>, is the PIN of everything she owns.
Somebody pushed <secret> to the public mirror, rotate it now.
export API_KEY=<secret>
The token <secret> expires in an hour.
Set Authorization: Bearer <secret> in the header and retry.
Parcels for us go to <address>.
New warehouse: <address>, ramp on the left side.
Registered seat of the company: <address>
The burst pipe is at <address>, second floor.
<full> will chair the working group until the elections.
The scholarship went to <full> of Dunmore College.
Please book the window seat for <full> and the aisle for <full>.
Complaint filed by <full>, handled by <given>.
Yesterday's visitor, a certain <full>, forgot an umbrella.
Did you ever hear back from <full>?
Nobody but <given> knows where the spare key is.
<given> swears the oven was off when they left.
I gave the cheque to <given>, who passed it on to <given>.
According to the janitor, <family> still owes rent for May.
Mr. <family> prefers to be called in the afternoon.
Ms <family> asked for a vegetarian menu.
Dr. <family> moved her surgery to the old harbour.
Could <given> please stop rearranging the shelves?
The committee thanked <full>, <full> and the volunteers.
Invoice to be approved by <full> (purchasing).
Keynote: <full>, "Why bridges sing"
Lost: brown wallet, belongs to <full>, call <phone>.
Kindest regards
<full>
The lease names <full> as sole tenant of flat <small>.
It was <given>, not <given>, who fed the parrot.
Our neighbour <given> plays the tuba at midnight.
I'm writing on behalf of my mother, <full>.
Ticket opened by <full>: printer eats paper again.
Witness <full> saw a blue van at <time>.
Choir practice is cancelled, <given> has a cold.
Ever since <given> retired, the garden has been a jungle.
The lawyer of <full> declined to comment on the verdict.
Can you tell <given> that the parcel is at the bakery?
Photo by <full>
Minutes: <given> to check prices, <given> to order paint.
<full> scored the only goal in the rain.
Prof. <family> failed half of the course.
Passenger <full> requests wheelchair assistance.
Best man: <full>; maid of honour: <full>
Hey <given>! Long time no see.
<given>, your library books are overdue.
Thanks a million, <given>.
Nurse <given> took the samples at <time>.
Reply from <full> <<email>>:
The flat above belongs to the <family> family.
we should ask <given> before we paint the fence
"""
NOTHING = r"""
Invoice <order> over <money> is due on <day>.
Your parcel <order> left the depot in Rotterdam at <time>.
Build <version> passed <count> of <count> checks.
The recipe needs 250 g of flour, 2 eggs and a pinch of salt.
Room <small>, third floor, past the vending machines.
Between <year> and <year> sales grew by <small> percent.
Batch <order> was recalled because of a faulty valve.
Model KX-<small>/<small> replaces the older KX-<small>.
The Riverside Theatre shows two plays a week.
Spare part <order> fits all Nordwind heaters.
Section 4.2.1 of the manual explains the blinking light.
Train 4711 to Lyon leaves from platform 9 at <time>.
Serial number <order>, purchased <day>.
Ask your pharmacist before combining both medicines.
The Golden Lantern serves lunch until three.
Meter reading: <count> kWh on <day>
Sunday brunch includes coffee, juice and Danish pastries.
Customer number <order> has <small> open tickets.
Happy with the service, less so with the Monday queues.
The Harbour Festival attracts <count> guests each August.
Latest offer: <money> per night, breakfast included.
Our Terms of Use changed, see the Help Centre for details.
Score after the first half: <small>:<small>
Winter tyres are mandatory from November to April.
Lot <order>, best before <day>.
The Finance Committee meets behind closed doors.
He paid <money> in cash and kept the receipt.
Green Valley Farm delivers on Tuesdays and Fridays.
Tracking code <order> is not in the system yet.
ISBN 978-3-16-148410-0, hardcover, <small> pages
"""
SEPARATE = "Kindest regards\n"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what is in it: (kind, start, end)."""

    text: str
    spans: frozenset[tuple[str, int, int]]


def labelled(n: int, seed: int) -> list[Labelled]:
    """n texts, four of five with a value of a person; the same seed gives the same texts."""
    from faker import Faker

    generator = random.Random(seed)  # noqa: S311 - test data, no secret
    fakers = []
    for locale in LOCALES:
        fakers.append(Faker(locale, use_weighting=False))
        fakers[-1].seed_instance(generator.randrange(2**32))
    something = CARRIERS.strip().replace(SEPARATE, "Kindest regards\0").splitlines()
    nothing = NOTHING.strip().splitlines()
    texts = []
    for _ in range(n):
        carrier = generator.choice(something if generator.random() < 0.8 else nothing).replace("\0", "\n")
        texts.append(filled(carrier, generator.choice(fakers), generator))
    return texts


def filled(carrier: str, faker: Any, generator: random.Random) -> Labelled:
    """The carrier with every slot replaced by a value of the locale."""
    parts: list[str] = []
    spans, size, at = set(), 0, 0
    for slot in re.finditer(r"<([a-z]+)>", carrier):
        value = VALUES[slot[1]](faker, generator)
        start = size + slot.start() - at
        if slot[1] in GOLD:
            spans.add((GOLD[slot[1]], start, start + len(value)))
        parts += [carrier[at : slot.start()], value]
        size, at = start + len(value), slot.end()
    return Labelled("".join([*parts, carrier[at:]]), frozenset(spans))


def _full(faker: Any, generator: random.Random) -> str:
    first, last = faker.first_name(), faker.last_name()
    if generator.random() < 0.15:
        return f"{first} {faker.first_name()[0]}. {last}"
    return f"{first} {last}"


def _order(generator: random.Random) -> str:
    size = generator.randrange(6, 13)
    digits = "".join(generator.choices(string.digits, k=size))
    return generator.choice((digits, f"{digits[:4]}-{digits[4:]}", f"A{digits}", f"{digits[:3]} {digits[3:]}"))


def _iban(faker: Any, generator: random.Random) -> str:
    iban = str(faker.iban())
    return iban if generator.random() < 0.6 else " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def _card(faker: Any, generator: random.Random) -> str:
    digits = str(faker.credit_card_number())
    sign = generator.choice(("", "", " ", "-"))
    return sign.join(digits[i : i + 4] for i in range(0, len(digits), 4)) if len(digits) == 16 else digits


def _ssn(generator: random.Random) -> str:
    return f"{generator.randrange(1, 666):03d}-{generator.randrange(1, 100):02d}-{generator.randrange(1, 10_000):04d}"


def _birth(generator: random.Random) -> str:
    day = date(1940, 1, 1) + timedelta(days=generator.randrange(26_000))
    return day.strftime(generator.choice(("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y")))


def _secret(generator: random.Random) -> str:
    word = "".join(generator.choices(string.ascii_letters + string.digits, k=40))
    upper = "".join(generator.choices(string.ascii_uppercase + string.digits, k=16))
    issued = (f"AKIA{upper}", f"ghp_{word[:36]}", f"sk_live_{word[:24]}", f"xoxb-{word[:24]}", word, word.lower())
    return generator.choice(issued)


VALUES: dict[str, Callable[[Any, random.Random], str]] = {
    "email": lambda f, g: str(g.choice((f.email, f.ascii_free_email, f.company_email))()),
    "phone": lambda f, _: str(f.phone_number()),
    "ssn": lambda _, g: _ssn(g),
    "card": _card,
    "iban": _iban,
    "ip": lambda f, g: str(f.ipv4_public() if g.random() < 0.75 else f.ipv6()),
    "url": lambda f, g: str(g.choice((f.url, f.uri, f.image_url))()),
    "dob": lambda _, g: _birth(g),
    "full": _full,
    "given": lambda f, _: str(f.first_name()),
    "family": lambda f, _: str(f.last_name()),
    "address": lambda f, g: str(f.address()).replace("\n", g.choice((", ", "\n"))),
    "secret": lambda _, g: _secret(g),
    "order": lambda _, g: _order(g),
    "version": lambda _, g: f"{g.randrange(30)}.{g.randrange(20)}.{g.randrange(300)}",
    "count": lambda _, g: str(g.randrange(10, 100_000)),
    "small": lambda _, g: str(g.randrange(2, 400)),
    "port": lambda _, g: str(g.randrange(20, 65_536)),
    "time": lambda _, g: f"{g.randrange(24):02d}:{g.randrange(60):02d}",
    "day": lambda _, g: (date(2023, 1, 1) + timedelta(days=g.randrange(900))).isoformat(),
    "money": lambda _, g: g.choice(("€{:,.2f}", "${:,.2f}", "{:.2f} EUR")).format(g.random() * 5000),
    "year": lambda _, g: str(g.randrange(1950, 2026)),
}
