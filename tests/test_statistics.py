"""How many prospects were received, when and from where."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import schema, statistics
from lib.statistics import Period, arrivals, by_source, change, period, previous, total

TODAY = dt.date(2026, 11, 22)  # a Sunday
ALL = Period("all", None, None)


def table(*rows: tuple[dt.date | None, str]) -> pd.DataFrame:
    return schema.to_frame({"received": received, "source": source} for received, source in rows)


def own(start: dt.date | None, end: dt.date | None) -> Period:
    return period("own", TODAY, (start, end))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("name", "start", "end", "before_start", "before_end"),
    [
        ("this_week", "2026-11-16", "2026-11-22", "2026-11-09", "2026-11-15"),
        ("last_week", "2026-11-09", "2026-11-15", "2026-11-02", "2026-11-08"),
        ("this_month", "2026-11-01", "2026-11-22", "2026-10-01", "2026-10-22"),
        ("last_30_days", "2026-10-24", "2026-11-22", "2026-09-24", "2026-10-23"),
        ("this_quarter", "2026-10-01", "2026-11-22", "2026-07-01", "2026-08-22"),
        ("this_year", "2026-01-01", "2026-11-22", "2025-01-01", "2025-11-22"),
        ("last_12_months", "2025-11-23", "2026-11-22", "2024-11-23", "2025-11-22"),
    ],
)
def test_each_period_and_the_one_it_is_compared_with(
    name: str, start: str, end: str, before_start: str, before_end: str
) -> None:
    chosen = period(name, TODAY)
    assert chosen == Period(name, day(start), day(end))
    assert previous(chosen) == Period(name, day(before_start), day(before_end))


def test_a_week_that_has_just_begun_is_compared_with_the_same_days() -> None:
    chosen = period("this_week", day("2026-11-17"))
    assert (chosen.start, chosen.end) == (day("2026-11-16"), day("2026-11-17"))
    assert previous(chosen) == Period("this_week", day("2026-11-09"), day("2026-11-10"))


def test_the_last_days_of_a_long_month_are_compared_with_the_whole_shorter_one() -> None:
    assert previous(period("this_month", day("2026-03-31"))) == Period(
        "this_month", day("2026-02-01"), day("2026-02-28")
    )


def test_an_own_period_is_compared_with_as_many_days_before_it() -> None:
    assert previous(own(day("2026-11-01"), day("2026-11-10"))) == Period("own", day("2026-10-22"), day("2026-10-31"))


def test_open_periods_have_nothing_before_them() -> None:
    assert previous(period("all", TODAY)) is None
    assert previous(own(None, TODAY)) is None
    assert previous(own(TODAY, None)) is None


@pytest.mark.parametrize(("name", "days"), [("nonsense", None), ("own", None), ("own", (TODAY, day("2026-11-21")))])
def test_a_period_that_makes_no_sense_is_refused(name: str, days: Any) -> None:
    with pytest.raises(ValueError):
        period(name, TODAY, days)


@given(st.sampled_from(statistics.PERIODS[:-2]), st.dates(day("1999-01-01"), day("2100-12-31")))
def test_the_period_before_ends_before_the_period_begins(name: str, today: dt.date) -> None:
    chosen = period(name, today)
    before = previous(chosen)
    assert before is not None
    assert before.start and before.end and chosen.start and chosen.end
    assert before.start <= before.end < chosen.start <= chosen.end <= today


def test_every_source_is_counted_the_largest_first() -> None:
    frame = table((TODAY, "email"), (TODAY, "email"), (TODAY, "public"), (day("2020-01-01"), "phone"))
    counts = by_source(frame, period("this_month", TODAY))
    assert counts["source"].tolist() == ["email", "public", "phone", "web_form", "meeting"]
    assert counts["rows"].tolist() == [2, 1, 0, 0, 0]
    assert counts["share"].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0, 0])


def test_rows_with_an_unknown_source_are_counted_under_no_name() -> None:
    frame = table((TODAY, "email"), (TODAY, "fax"), (TODAY, ""))
    counts = by_source(frame, ALL)
    assert counts.set_index("source")["rows"].to_dict() == {
        "": 2, "email": 1, "phone": 0, "web_form": 0, "meeting": 0, "public": 0,
    }  # fmt: skip
    assert arrivals(frame, ALL)[1]["rows"].sum() == 3


def test_the_change_is_a_share_of_the_previous_period() -> None:
    frame = table((day("2026-11-02"), "email"), (day("2026-11-03"), "email"), (day("2026-11-04"), "email"),
                  (day("2026-10-02"), "email"), (day("2026-10-22"), "phone"), (day("2026-10-23"), "phone"))  # fmt: skip
    assert change(frame, period("this_month", TODAY), TODAY) == pytest.approx(0.5)


def test_there_is_no_change_against_nothing() -> None:
    frame = table((TODAY, "email"))
    assert change(frame, period("this_month", TODAY), TODAY) is None
    assert change(frame, ALL, TODAY) is None
    assert change(frame, own(day("2027-01-01"), day("2027-02-01")), TODAY) is None


def test_a_period_that_reaches_past_today_is_compared_up_to_today() -> None:
    frame = table((day("2026-11-22"), "email"), (day("2026-11-20"), "email"), (day("2026-11-10"), "email"))
    assert change(frame, own(day("2026-11-21"), day("2026-12-31")), TODAY) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("start", "end", "grain", "first", "buckets"),
    [
        ("2026-11-22", "2026-11-22", "day", "2026-11-22", 1),
        ("2026-10-23", "2026-11-22", "day", "2026-10-23", 31),
        ("2026-10-22", "2026-11-22", "week", "2026-10-19", 5),
        ("2026-05-25", "2026-11-22", "week", "2026-05-25", 26),
        ("2026-05-24", "2026-11-22", "month", "2026-05-01", 7),
        ("2023-12-15", "2026-11-22", "month", "2023-12-01", 36),
        ("2023-11-15", "2026-11-22", "quarter", "2023-10-01", 13),
        ("1969-11-15", "1969-12-31", "week", "1969-11-10", 8),
    ],
)
def test_the_grain_keeps_the_picture_readable(start: str, end: str, grain: str, first: str, buckets: int) -> None:
    found, rows = arrivals(table((day(end), "phone")), own(day(start), day(end)))
    assert found == grain
    assert rows["start"].iloc[0] == pd.Timestamp(first)
    assert len(rows) == buckets * len(schema.SOURCES)
    assert rows["rows"].tolist()[-len(schema.SOURCES)] == 1 == rows["rows"].sum()


def test_all_time_goes_from_the_first_row_to_the_last() -> None:
    grain, rows = arrivals(table((day("2019-02-03"), "email"), (day("2026-11-22"), "phone")), ALL)
    assert grain == "quarter"
    assert (rows["start"].min(), rows["start"].max()) == (pd.Timestamp("2019-01-01"), pd.Timestamp("2026-10-01"))
    assert rows["start"].dtype == "datetime64[us]"


def test_an_empty_register_has_empty_statistics() -> None:
    empty = schema.to_frame([])
    assert total(empty, ALL) == 0
    assert by_source(empty, ALL)["share"].tolist() == [0.0] * 5
    assert arrivals(empty, ALL)[1].empty
    assert arrivals(empty, period("this_week", TODAY))[1]["rows"].tolist() == [0] * 35


rows_of_any_kind = st.lists(
    st.tuples(
        st.none() | st.dates(day("1965-01-01"), TODAY) | st.dates(day("2026-01-01"), TODAY),
        st.sampled_from([*schema.SOURCES, "", "fax"]),
    ),
    max_size=40,
)
periods = st.sampled_from(statistics.PERIODS[:-1]).map(lambda name: period(name, TODAY)) | st.tuples(
    st.none() | st.dates(day("1960-01-01"), TODAY), st.none() | st.dates(TODAY, day("2028-01-01"))
).map(lambda days: own(*days))


@given(rows_of_any_kind, periods)
def test_every_way_of_counting_gives_the_same_total(rows: list[tuple[Any, str]], chosen: Period) -> None:
    frame = table(*rows)
    expected = sum(
        1 for received, _ in rows if received and (chosen.start or received) <= received <= (chosen.end or received)
    )
    grain, over_time = arrivals(frame, chosen)
    assert total(frame, chosen) == by_source(frame, chosen)["rows"].sum() == over_time["rows"].sum() == expected
    assert not over_time.duplicated(["start", "source"]).any()
    assert over_time["start"].is_monotonic_increasing
    if grain == "week":
        assert (over_time["start"].dt.day_of_week == 0).all()
