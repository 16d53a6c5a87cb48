"""How long a row may be kept, and which rows come next.

Source: GDPR article 5(1)(e), storage limitation. The period is counted in calendar years from the day the data was
received. `expires` is the day by which a row must be gone, so on that day its period has ended.
"""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
MONTHS_IN_YEAR = 12


def add_months(date: dt.date, months: int) -> dt.date:
    """The same day so many calendar months later (earlier if negative), or the last day of a shorter month."""
    year, month = divmod(date.year * MONTHS_IN_YEAR + date.month - 1 + months, MONTHS_IN_YEAR)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def add_years(date: dt.date, years: int) -> dt.date:
    """The same day so many calendar years later; 29 February becomes 28 February in a common year.

    Article 5(1)(e) allows data no longer than is necessary: 1 March would keep the row a day longer than the period
    that was promised, 28 February never does.
    """
    return add_months(date, years * MONTHS_IN_YEAR)


def expires(received: dt.date | None, years: int, hold_until: dt.date | None = None) -> dt.date | None:
    """The day by which a row must be removed: the end of its retention period, or of its hold when that is later.

    Without `received` there is no such day (None): nothing tells when the period began.
    """
    if received is None:
        return None
    end = add_years(received, years)
    return end if hold_until is None else max(end, hold_until)


def expires_column(frame: pd.DataFrame, years: int) -> pd.Series[pd.Timestamp]:
    """`expires` for every row of a table, from its `received` and `hold_until`; datetime64[us], NaT where unknown."""
    end = frame["received"] + pd.DateOffset(years=years)
    held = frame["hold_until"] > end
    return end.mask(held, frame["hold_until"]).astype("datetime64[us]").rename("expires")


def ended(frame: pd.DataFrame, today: dt.date) -> Mask:
    """Rows whose period has ended: they must be removed today at the latest."""
    return _until(frame, today)


def ending(frame: pd.DataFrame, today: dt.date, months: int) -> Mask:
    """Rows whose period ends after today, within so many calendar months."""
    return _until(frame, add_months(today, months)) & ~ended(frame, today)


def by_month(frame: pd.DataFrame, today: dt.date, months: int = MONTHS_IN_YEAR) -> pd.DataFrame:
    """How many periods end in each of the coming months.

    Returns:
        `month` (its first day, datetime64[us]) and `rows`, one line a month, also where there are none. The first
        is the month of today, without the rows whose period has already ended.
    """
    first = np.datetime64(today, "M")
    left = frame["expires"].to_numpy(dtype="datetime64[D]")[~ended(frame, today)]
    offsets = (left.astype("datetime64[M]") - first).astype(np.int64)[~np.isnat(left)]
    rows = np.bincount(offsets[offsets < months], minlength=months)
    return pd.DataFrame({"month": (first + np.arange(months)).astype("datetime64[us]"), "rows": rows})


def queue(frame: pd.DataFrame, today: dt.date, review_months: int) -> dict[str, Mask]:
    """The rows that a manager goes through, most pressing group first; a row is in the first group that fits only.

    Returns:
        requested: somebody asked for the removal.
        ended: the period has ended.
        before_review: it ends before the next review, within `review_months`.
        within_year: it ends within a year.
    """
    groups = {
        "requested": frame["removal_requested"].notna().to_numpy(dtype=np.bool_),
        "ended": ended(frame, today),
        "before_review": ending(frame, today, review_months),
        "within_year": ending(frame, today, MONTHS_IN_YEAR),
    }
    taken = np.zeros(len(frame), dtype=np.bool_)
    for name, mask in groups.items():
        groups[name] = mask & ~taken
        taken |= mask
    return groups


def _until(frame: pd.DataFrame, day: dt.date) -> Mask:
    """Rows that expire on the day or before it; those without a date never do."""
    return (frame["expires"] <= pd.Timestamp(day)).to_numpy(dtype=np.bool_)
