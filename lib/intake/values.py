"""Dates as they are written elsewhere: as texts in Finnish, Swedish and English, ISO, and as numbers of days.

What "01/02/2021" means is a question of its column: every text tells the orders that it could be written in, and the
order that all of them bear is the column's. Where two orders bear all, somebody has to say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache, lru_cache

from babel.dates import get_month_names

from lib.cleaning import FieldError
from lib.i18n import N_
from lib.intake.files import Value
from lib.search import fold

ORDERS = ("dmy", "mdy", "ymd")
_SERIALS = range(10_000, 80_000)  # 1927 to 2119; smaller numbers are years or counts
_EPOCH, _EPOCH_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)
_CENTURY = range(1970, 2070)
_LONGEST = 80

_DAY_NAME = r"(?:[^\W\d_]{2,12}[.,]?,?\s+)?"
_CLOCK = (
    r"(?:[,\s]*(?:\b(?:klo|kl|at)\b\.?)?[\sT]*"
    r"(?P<h>\d{1,2})[:.](?P<m>\d{2})(?:[:.](?P<s>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?:Z|UTC|GMT|EET|EEST|[+-]\d{2}:?\d{2})?)?"
)
_NUMBERS = re.compile(rf"{_DAY_NAME}(\d{{1,4}})\s?([./\-–])\s?(\d{{1,2}})\s?[./\-–]\s?(\d{{1,4}})\.?{_CLOCK}", re.I)
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_CLOCK}", re.I)
_DAY_FIRST = re.compile(
    rf"{_DAY_NAME}(\d{{1,2}})(?:\.|st|nd|rd|th)?(?:\s+(?:of\s+)?|-?)([^\W\d_]+)\.?,?[-\s]*(\d{{4}}|\d{{2}}){_CLOCK}",
    re.I,
)
_MONTH_FIRST = re.compile(rf"{_DAY_NAME}([^\W\d_]+)\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_CLOCK}", re.I)
_DOTTED = re.compile(r"\D*\d{1,2}\s?\.")  # days stand first wherever points separate
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_NOT_A_DATE = N_("“{value}” is not a date that can be understood. Write it like 31.12.2026.")


@cache
def _months() -> dict[str, int]:
    """The names of months in three languages, long and short, folded."""
    found: dict[str, int] = {}
    for language in ("fi", "sv", "en"):
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                names = get_month_names(width, context=context, locale=language)
                found.update({fold(str(name)).rstrip("."): number for number, name in names.items()})
    found.update({name.removesuffix("kuuta"): number for name, number in list(found.items()) if name.endswith("kuuta")})
    found["sept"] = 9
    return found


@lru_cache(maxsize=65_536)
def _readings(text: str) -> tuple[dict[str, tuple[int, int, int]], bool, tuple[int, int, int]]:
    """What a text can mean: for each order year, month, day; whether the year has two digits; and the time of day.

    A text that means the same in every order has the one key "". Nothing where it is no date.
    """
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        return {}, False, (0, 0, 0)
    if found := _NUMBERS.fullmatch(text):
        first, sign, second, third = found[1], found[2], found[3], found[4]
        return _numeric(first, sign, second, third), max(len(first), len(third)) <= 2, _clock(found)
    if found := _COMPACT.fullmatch(text):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
        return _real({"": (year, month, day)} if year in _CENTURY else {}, False), False, _clock(found)
    for pattern, (d, m, y) in ((_DAY_FIRST, (1, 2, 3)), (_MONTH_FIRST, (2, 1, 3))):
        if found := pattern.fullmatch(text):
            number = _months().get(fold(found[m]))
            short = len(found[y]) == 2
            if number:
                return _real({"": (int(found[y]), number, int(found[d]))}, short), short, _clock(found)
    return {}, False, (0, 0, 0)


def _numeric(first: str, sign: str, second: str, third: str) -> dict[str, tuple[int, int, int]]:
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:
        return _real({"ymd": (a, b, c)}, False) if len(third) <= 2 else {}
    if len(first) == 3 or len(third) not in (1, 2, 4):
        return {}
    short = len(third) != 4
    if short and len(third) == 1:
        return {}
    found = {"dmy": (c, b, a)}
    if sign in "/-–":
        found["mdy"] = (c, a, b)
    if short and sign in "-–" and len(first) == 2:
        found["ymd"] = (a, b, c)
    return _real(found, short)


def _real(found: dict[str, tuple[int, int, int]], short: bool) -> dict[str, tuple[int, int, int]]:
    """Those that are days of the calendar."""
    real = {}
    for order, (year, month, day) in found.items():
        try:
            dt.date(2000 + year % 100 if short else year, month, day)
        except ValueError:
            continue
        real[order] = (year, month, day)
    return real


def _clock(found: re.Match[str]) -> tuple[int, int, int]:
    if not found["h"]:
        return 0, 0, 0
    hour = int(found["h"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    return hour, int(found["m"]), int(found["s"] or 0)


def orders_of(values: Iterable[Value]) -> tuple[str, ...]:
    """The orders in which all the texts of a column could be written; more than one has to be asked.

    Nothing where no text depends on it. Where no order bears all of them, those that bear any.
    """
    sets = [frozenset(readings) for text in _texts(values) if (readings := _readings(text)[0]) and "" not in readings]
    if not sets:
        return ()
    common = frozenset.intersection(*sets)
    if not common:  # a year that stands first is one in any column: it says nothing about the others
        rest = [orders for orders in sets if orders != {"ymd"}]
        common = frozenset.intersection(*rest) if rest else frozenset()
        common = common or frozenset().union(*rest)
    return tuple(order for order in ORDERS if order in common)


def _texts(values: Iterable[Value]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def is_date_text(text: str) -> bool:
    """Whether a text is a date in some order."""
    return bool(_readings(text)[0])


def moment_of(value: Value, *, order: str = "", date1904: bool = False) -> tuple[dt.datetime | None, bool]:
    """The time that a cell means, midnight where it is a day; None where it is empty. And whether a guess is in it:
    a number of days that stood in the file as a text.

    Args:
        order: of the column, for texts that depend on it.

    Raises:
        FieldError: it is none, or its order is not known.
    """
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None), False
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time()), False
    if isinstance(value, (bool, dt.time)):
        raise FieldError(_NOT_A_DATE, value=str(value))
    if isinstance(value, (int, float)):
        return _of_number(value, date1904), False
    text = (value or "").strip()
    if not text or text in ("-", "–", "—", "?"):
        return None, False
    readings, short, clock = _readings(text)
    if not readings:
        if _SERIAL.fullmatch(text) and int(text[:5]) in _SERIALS:
            return _of_number(float(text.replace(",", ".")), date1904), True
        raise FieldError(_NOT_A_DATE, value=text[:_LONGEST])
    reading = _chosen(readings, order, text)
    if reading is None:
        raise FieldError(_NOT_A_DATE, value=text)
    year, month, day = reading
    if short:  # from 1970 to 2069; what lies behind today is told where the date is checked
        year += 1900 if year + 1900 in _CENTURY else 2000
    try:
        return dt.datetime(year, month, day, *clock), False
    except ValueError as error:
        raise FieldError(_NOT_A_DATE, value=text) from error


def _chosen(readings: dict[str, tuple[int, int, int]], order: str, text: str) -> tuple[int, int, int] | None:
    """The reading that the column's order picks, or the only one that there can be; None where nobody knows."""
    if "" in readings:
        return readings[""]
    if order in readings:
        return readings[order]
    only = next(iter(readings)) if len(readings) == 1 else ""
    certain = only == "ymd" or (only == "dmy" and (not order or bool(_DOTTED.match(text))))
    return readings[only] if certain else None


def _of_number(number: float, date1904: bool) -> dt.datetime:
    """The day that Excel counts so, or that is written without points: 20210131."""
    if isinstance(number, int) or number.is_integer():
        whole = int(number)
        if whole >= 19_000_101 and (readings := _readings(str(whole))[0]):
            return dt.datetime(*readings[""])
    if not _SERIALS.start <= number < _SERIALS.stop:
        raise FieldError(_NOT_A_DATE, value=f"{number:g}")
    epoch = _EPOCH_1904 if date1904 else _EPOCH
    moment = epoch + dt.timedelta(days=number)
    return (moment + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
