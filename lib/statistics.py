"""How many prospects were received, when and from where.

Only rows with a `received` date are counted; the register takes no others.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.retention import MONTHS_IN_YEAR, add_months
from lib.schema import SOURCES

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
PERIODS = (
    "this_week",
    "last_week",
    "this_month",
    "last_30_days",
    "this_quarter",
    "this_year",
    "last_12_months",
    "all",
    "own",
)
# The longest span that each grain still shows readably: days, days (26 weeks), months.
MAX_DAYS, MAX_WEEK_DAYS, MAX_MONTHS = 31, 26 * 7, 36
_MONTHS_OF = {"this_month": 1, "this_quarter": 3, "this_year": MONTHS_IN_YEAR}


@dataclass(frozen=True)
class Period:
    """Days to count: `start` to `end`, both included; None leaves that side open. `name` is one of `PERIODS`."""

    name: str
    start: dt.date | None
    end: dt.date | None


def period(name: str, today: dt.date, own: tuple[dt.date | None, dt.date | None] | None = None) -> Period:
    """The period of a name, seen from today. Weeks begin on Monday (ISO 8601); the current ones end today.

    Args:
        name: one of `PERIODS`.
        today: the day it is.
        own: first and last day of the period "own".

    Raises:
        ValueError: the name is unknown, or `own` is missing or ends before it begins.
    """
    monday = today - DAY * today.weekday()
    match name:
        case "this_week":
            start, end = monday, today
        case "last_week":
            start, end = monday - WEEK, monday - DAY
        case "this_month" | "this_quarter" | "this_year":
            months = _MONTHS_OF[name]
            start, end = dt.date(today.year, (today.month - 1) // months * months + 1, 1), today
        case "last_30_days":
            start, end = today - 29 * DAY, today
        case "last_12_months":
            start, end = add_months(today, -MONTHS_IN_YEAR) + DAY, today
        case "all":
            return Period(name, None, None)
        case "own" if own is not None:
            if own[0] and own[1] and own[1] < own[0]:
                raise ValueError("The period ends before it begins.")
            return Period(name, *own)
        case _:
            raise ValueError(f"No such period: {name}")
    return Period(name, start, end)


def previous(period: Period) -> Period | None:
    """The period to compare with, directly before; None where a side is open.

    A current week, month, quarter or year is compared with the same number of days from the start of the one before,
    at most the whole of it; every other period with as much time before it.
    """
    start, end = period.start, period.end
    if start is None or end is None:
        return None
    if period.name == "this_week":
        return replace(period, start=start - WEEK, end=end - WEEK)
    if months := _MONTHS_OF.get(period.name):
        before = add_months(start, -months)
        return replace(period, start=before, end=min(before + (end - start), start - DAY))
    if period.name == "last_12_months":
        return replace(period, start=add_months(end, -2 * MONTHS_IN_YEAR) + DAY, end=start - DAY)
    return replace(period, start=start - (end - start) - DAY, end=start - DAY)


def total(frame: pd.DataFrame, period: Period) -> int:
    """How many rows were received in the period."""
    return int(_within(_days(frame), period).sum())


def change(frame: pd.DataFrame, period: Period, today: dt.date) -> float | None:
    """The change against the previous period as a share: 0.25 is a quarter more.

    A period that reaches past today counts up to today, or a running one would always look like a fall.

    Returns:
        None where there is no previous period, or it has no rows.
    """
    if period.end is not None and period.end > today:
        period = replace(period, end=today)
    before = previous(period) if period.start is None or period.start <= today else None
    if before is None or not (count := total(frame, before)):
        return None
    return total(frame, period) / count - 1


def by_source(frame: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Rows received in the period by source.

    Returns:
        `source` (code), `rows` and `share` (of one), the largest first. Every source is there; rows with an unknown
        source, if there are any, stand under "".
    """
    sources, codes = _sources(frame)
    rows = np.bincount(codes[_within(_days(frame), period)], minlength=len(sources))
    order = np.argsort(-rows, kind="stable")
    counted = pd.DataFrame(
        {"source": pd.Series(sources, dtype="str"), "rows": rows, "share": rows / max(rows.sum(), 1)}
    )
    return counted.iloc[order].reset_index(drop=True)


def arrivals(frame: pd.DataFrame, period: Period) -> tuple[str, pd.DataFrame]:
    """Rows received in the period over time.

    Returns:
        The grain that keeps the picture readable ("day", "week", "month" or "quarter") and a table: `start` (first
        day of the bucket, datetime64[us]; weeks begin on Monday), `source` and `rows`, in order of time, with a line
        for every bucket and source also where there are none. The first and last bucket may lie partly outside the
        period: only its days are counted.
    """
    days = _days(frame)
    inside = _within(days, period)
    sources, codes = _sources(frame)
    found = days[inside]
    if not found.size and (period.start is None or period.end is None):
        return "day", _long(np.array([], dtype="datetime64[D]"), sources, np.array([], dtype=np.int64))
    first = found.min() if period.start is None else np.datetime64(period.start, "D")
    last = found.max() if period.end is None else np.datetime64(period.end, "D")
    grain = _grain(first, last)
    starts = _starts(first, last, grain)
    bucket = np.searchsorted(starts, found, side="right") - 1
    rows = np.bincount(bucket * len(sources) + codes[inside], minlength=len(starts) * len(sources))
    return grain, _long(starts, sources, rows)


def _days(frame: pd.DataFrame) -> NDArray[np.datetime64]:
    return frame["received"].to_numpy(dtype="datetime64[D]")


def _within(days: NDArray[np.datetime64], period: Period) -> NDArray[np.bool_]:
    inside = ~np.isnat(days)
    if period.start is not None:
        inside &= days >= np.datetime64(period.start, "D")
    if period.end is not None:
        inside &= days <= np.datetime64(period.end, "D")
    return inside


def _sources(frame: pd.DataFrame) -> tuple[list[str], NDArray[np.int64]]:
    """The codes of the sources, "" at the end for unknown ones if there are any, and each row's position among them."""
    sources = list(SOURCES)
    positions, found = pd.factorize(frame["source"])
    known = np.array(
        [sources.index(code) if code in SOURCES else len(SOURCES) for code in found.tolist()], dtype=np.int64
    )
    if (known == len(SOURCES)).any():
        sources.append("")
    return sources, known[positions]


def _grain(first: np.datetime64, last: np.datetime64) -> str:
    days = int((last - first).astype(np.int64)) + 1
    months = int((last.astype("datetime64[M]") - first.astype("datetime64[M]")).astype(np.int64)) + 1
    if days <= MAX_DAYS:
        return "day"
    if days <= MAX_WEEK_DAYS:
        return "week"
    return "month" if months <= MAX_MONTHS else "quarter"


def _starts(first: np.datetime64, last: np.datetime64, grain: str) -> NDArray[np.datetime64]:
    """The first day of every bucket from the one that holds `first` to the one that holds `last`."""
    match grain:
        case "day":
            return np.arange(first, last + 1)
        case "week":
            # numpy counts days from 1 January 1970, a Thursday.
            return np.arange(first - (first.astype(np.int64) + 3) % 7, last + 1, 7)
        case "month":
            months, step = first.astype("datetime64[M]"), 1
        case _:
            months, step = first.astype("datetime64[M]"), 3
            months -= months.astype(np.int64) % step
    return np.arange(months, last.astype("datetime64[M]") + 1, step).astype("datetime64[D]")


def _long(starts: NDArray[np.datetime64], sources: list[str], rows: NDArray[np.int64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "start": np.repeat(starts, len(sources)).astype("datetime64[us]"),
            "source": pd.Series(sources * len(starts), dtype="str"),
            "rows": rows,
        }
    )
