"""A look at the values of a column: how many of them are dates, phone numbers, words that are known, and so on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib.intake import synonyms, values
from lib.intake.files import Value
from lib.register import number_of

_SAMPLE = 300  # values that tell what a column holds
_LONG = 200  # characters that are looked at
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\(?[+0][\d\s()./-]{5,}")
_DIGITS = re.compile(r"[\d\s()./+-]{6,}|\d[.,]\d+E\+?\d+", re.IGNORECASE)
_COMPANY = re.compile(
    r"\b(oy|oyj|ab|abp|ky|ay|tmi|t:mi|osk|ry|r\.y|inc|ltd|gmbh|as|asoy|llc|yhtiö|yritys|kunta|kaupunki|säätiö)\b\.?",
    re.I,
)
_PERSON = re.compile(r"[^\W\d_][\w'’.-]*(\s+[^\W\d_][\w'’.-]*){1,3}")
_STREET = re.compile(r".*(katu|tie|polku|kuja|väylä|tori|raitti|kaari|gatan|vägen)\b.*\d|.*\b\d{5}\s+\w+", re.I)
_MARKS = frozenset(("x", "v", "✓", "✔", "☑"))


@dataclass(frozen=True)
class Look:
    """What a look at a column showed: shares of its values that are of a kind, 0 to 1."""

    count: int
    dates: float = 0.0
    emails: float = 0.0
    phones: float = 0.0
    digits: float = 0.0
    companies: float = 0.0
    persons: float = 0.0
    streets: float = 0.0
    ticks: float = 0.0
    marks: float = 0.0
    numbered: float = 0.0
    sources: float = 0.0
    statuses: float = 0.0
    length: float = 0.0


def look_at(cells: Sequence[Value], nameless: bool) -> Look:
    step = max(len(cells) // _SAMPLE, 1)
    some = cells[::step][: _SAMPLE + 1]
    if not some:
        return Look(0)
    texts = [cell[:_LONG].strip() for cell in some if isinstance(cell, str)]  # patterns are slow on endless ones
    n = len(some)

    def share(test: Any) -> float:
        return sum(1 for text in texts if test(text)) / n

    whole = [c for c in some if isinstance(c, (int, float)) and not isinstance(c, bool)]
    real = sum(1 for c in some if isinstance(c, dt.date))
    serial = sum(1 for c in whole if 25_000 <= c < 60_000 or 19_700_101 <= c <= 20_691_231)
    long = sum(1 for c in whole if 1e6 <= c < 1e15 and float(c).is_integer())
    ticks = sum(1 for c in some if is_tick(c) or is_no_tick(c))
    return Look(
        len(cells),
        dates=(real + serial) / n + share(values.is_date_text),
        emails=share(lambda t: _EMAIL.search(t)),
        phones=share(_PHONE.match),
        digits=share(_DIGITS.fullmatch) + long / n,
        companies=share(_COMPANY.search),
        persons=share(_PERSON.fullmatch),
        streets=share(_STREET.match) if nameless else 0.0,
        ticks=ticks / n,
        marks=sum(1 for t in texts if t.casefold() in _MARKS) / n,
        numbered=share(lambda t: number_of(t)),
        sources=share(lambda t: synonyms.choice_of("source", t)),
        statuses=share(lambda t: synonyms.choice_of("status", t)),
        length=sum(map(len, texts)) / n,
    )


def is_tick(cell: Value) -> bool:
    return cell is True or (str(cell).strip().casefold() in synonyms.TICKS)


def is_no_tick(cell: Value) -> bool:
    return cell is False or (str(cell).strip().casefold() in synonyms.NO_TICKS)
