"""How long rows may be kept, and which come next."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import retention, schema
from lib.retention import add_months, add_years, by_month, ended, ending, expires, expires_column, queue

TODAY = dt.date(2026, 11, 22)
DAY = dt.timedelta(days=1)
dates = st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31))
leap_days = st.sampled_from([dt.date(year, 2, 29) for year in (1904, 1996, 2000, 2020, 2024, 2096)])


def table(*expiries: dt.date | None, **columns: list[Any]) -> pd.DataFrame:
    rows = [{"expires": day} for day in expiries]
    for code, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[code] = value
    return schema.to_frame(rows)


def test_the_period_is_counted_in_calendar_years() -> None:
    assert add_years(dt.date(2021, 11, 22), 5) == TODAY


def test_a_leap_day_ends_on_28_february_so_that_nothing_is_kept_too_long() -> None:
    assert add_years(dt.date(2024, 2, 29), 5) == dt.date(2029, 2, 28)
    assert add_years(dt.date(2024, 2, 29), 4) == dt.date(2028, 2, 29)


def test_a_month_later_is_at_most_the_last_day_of_the_month() -> None:
    assert add_months(dt.date(2026, 1, 31), 1) == dt.date(2026, 2, 28)
    assert add_months(dt.date(2026, 11, 30), 3) == dt.date(2027, 2, 28)
    assert add_months(dt.date(2026, 1, 15), -1) == dt.date(2025, 12, 15)


def test_the_end_of_a_hold_counts_only_when_it_is_later() -> None:
    received = dt.date(2021, 11, 22)
    assert expires(received, 5) == TODAY
    assert expires(received, 5, dt.date(2028, 1, 1)) == dt.date(2028, 1, 1)
    assert expires(received, 5, dt.date(2022, 1, 1)) == TODAY
    assert expires(None, 5, dt.date(2028, 1, 1)) is None


@given(
    st.lists(st.tuples(st.none() | dates | leap_days, st.none() | dates), max_size=20),
    st.integers(1, 30),
)
def test_the_whole_column_is_the_same_as_row_by_row(rows: list[tuple[Any, Any]], years: int) -> None:
    frame = schema.to_frame({"received": received, "hold_until": hold} for received, hold in rows)
    column = expires_column(frame, years)
    assert column.dtype == "datetime64[us]"
    assert [None if pd.isna(day) else day.date() for day in column] == [expires(r, years, h) for r, h in rows]


@given(dates, st.integers(1, 30))
def test_no_row_is_kept_longer_than_its_years(received: dt.date, years: int) -> None:
    end = add_years(received, years)
    assert end.year == received.year + years
    assert (end.month, end.day) <= (received.month, received.day)


def test_a_period_has_ended_on_the_day_by_which_the_row_must_be_gone() -> None:
    frame = table(TODAY - DAY, TODAY, TODAY + DAY, None)
    assert ended(frame, TODAY).tolist() == [True, True, False, False]


def test_ending_means_after_today_and_within_the_months() -> None:
    frame = table(TODAY, dt.date(2026, 11, 23), dt.date(2027, 2, 22), dt.date(2027, 2, 23), None)
    assert ending(frame, TODAY, 3).tolist() == [False, True, True, False, False]


def test_coming_months_are_all_there_also_the_empty_ones() -> None:
    frame = table(TODAY, dt.date(2026, 11, 30), dt.date(2027, 1, 1), dt.date(2027, 1, 31), dt.date(2027, 11, 1), None)
    months = by_month(frame, TODAY)
    assert months["month"].dt.strftime("%Y-%m").tolist()[:3] == ["2026-11", "2026-12", "2027-01"]
    assert months["rows"].tolist() == [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert months["month"].dtype == "datetime64[us]"


def test_each_row_stands_in_the_most_pressing_group_only() -> None:
    frame = table(
        TODAY, TODAY, dt.date(2027, 3, 1), dt.date(2027, 11, 22), dt.date(2027, 11, 23), None,
        removal_requested=[TODAY, None, None, None, None, None],
    )  # fmt: skip
    groups = {name: mask.nonzero()[0].tolist() for name, mask in queue(frame, TODAY, 6).items()}
    assert groups == {"requested": [0], "ended": [1], "before_review": [2], "within_year": [3]}
    assert list(groups) == ["requested", "ended", "before_review", "within_year"]


@given(st.lists(st.none() | st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1)), max_size=30), st.integers(1, 24))
def test_no_row_is_in_two_groups_and_none_that_is_due_is_left_out(days: list[Any], review: int) -> None:
    frame = table(*days)
    groups = np.array(list(queue(frame, TODAY, review).values())).reshape(4, len(days))
    limit = max(add_months(TODAY, review), add_years(TODAY, 1))
    assert groups.sum(axis=0).tolist() == [int(day is not None and day <= limit) for day in days]


@given(st.lists(st.none() | st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1)), max_size=30), st.integers(1, 24))
def test_the_months_hold_every_row_that_ends_in_them(days: list[Any], months: int) -> None:
    last = add_months(TODAY.replace(day=1), months)
    expected = sum(1 for day in days if day is not None and TODAY < day < last)
    assert by_month(table(*days), TODAY, months)["rows"].sum() == expected


@pytest.mark.parametrize("function", [ended, lambda f, t: ending(f, t, 6), lambda f, t: queue(f, t, 6)["ended"]])
def test_an_empty_register_has_nothing_to_remove(function: Any) -> None:
    assert len(function(schema.to_frame([]), TODAY)) == 0
    assert by_month(schema.to_frame([]), TODAY)["rows"].tolist() == [0] * retention.MONTHS_IN_YEAR
