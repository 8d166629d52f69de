"""When a request must be answered. Pure dates; GDPR article 12(3) and Regulation 1182/71, article 3(2)(c)."""

from __future__ import annotations

import calendar
from datetime import date

MONTHS = 1
FURTHER_MONTHS = 2


def due_on(received_on: date, *, is_extended: bool = False) -> date:
    """The last day to answer: one month after receipt, two further months when extended.

    A month ends on the day of the same number, or on its last day where it is shorter. Weekends do not move it: what is
    due on a Sunday is shown as due on the Sunday, which is on time in every country.
    """
    return add_months(received_on, MONTHS + (FURTHER_MONTHS if is_extended else 0))


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_left(due: date, today: date) -> int:
    """Days until the end of the due day; negative when it is over."""
    return (due - today).days
