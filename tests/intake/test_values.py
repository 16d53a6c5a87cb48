"""Dates and phone numbers of foreign tables."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cleaning import FieldError, clean_phone
from lib.intake.phones import cleaned, phone_of, rendered
from lib.intake.values import moment_of, orders_of

FIRST = dt.datetime(2021, 2, 1)


@pytest.mark.parametrize(
    "written",
    [
        "1.2.2021", "01.02.2021", "1.2.21", "1. 2. 2021", "ma 1.2.2021", "1. helmikuuta 2021", "1.helmikuuta 2021",
        "1. helmi 2021", "1 helmikuu 2021", "2021-02-01", "2021/02/01", "2021.2.1", "20210201", 20210201, 44228,
        44228.0, "44228", "Feb 1, 2021", "February 1, 2021", "Monday, February 1, 2021", "1 Feb 2021", "1-Feb-21",
        "1st of February 2021", "1 februari 2021", "2021-02-01T00:00:00Z", "1.2.2021 klo 0.00", dt.date(2021, 2, 1),
        FIRST,
    ],
)  # fmt: skip
def test_one_day_is_written_in_many_ways(written: Any) -> None:
    assert moment_of(written)[0] == FIRST


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("1.2.2021 klo 14.30", dt.datetime(2021, 2, 1, 14, 30)),
        ("2021-02-01 14:30:59", dt.datetime(2021, 2, 1, 14, 30, 59)),
        ("2021-02-01T14:30:59.123+02:00", dt.datetime(2021, 2, 1, 14, 30, 59)),
        ("Feb 1, 2021 2:30 PM", dt.datetime(2021, 2, 1, 14, 30)),
        ("1.2.2021 12:15 AM", dt.datetime(2021, 2, 1, 0, 15)),
        (44228.75, dt.datetime(2021, 2, 1, 18)),
    ],
)
def test_times_come_with_the_day(written: Any, moment: dt.datetime) -> None:
    assert moment_of(written)[0] == moment


def test_days_of_the_macintosh_count_from_1904() -> None:
    assert moment_of(42766, date1904=True)[0] == FIRST


@pytest.mark.parametrize(
    "written",
    ["2021", 2021, "helmikuu 2021", "2/2021", "31.2.2021", "32.1.2021", "1.13.2021", "keväällä", "123.4.2021", 0.5,
     "1.2.2021 klo 25.00", "12.5", "040 5550101", True, dt.time(8, 0), "1" * 5_000],
)  # fmt: skip
def test_what_is_no_whole_date_is_never_guessed(written: Any) -> None:
    with pytest.raises(FieldError):
        moment_of(written)


@pytest.mark.parametrize("written", [None, "", "  ", "-", "–"])
def test_nothing_is_no_date(written: Any) -> None:
    assert moment_of(written) == (None, False)


def test_a_number_of_days_as_a_text_is_a_guess_that_is_told() -> None:
    assert moment_of("44228")[1] and not moment_of(44228)[1]


@pytest.mark.parametrize(
    ("texts", "orders"),
    [
        (["01/02/2021", "03/04/2021"], ("dmy", "mdy")),
        (["01/02/2021", "13/02/2021"], ("dmy",)),
        (["01/02/2021", "02/13/2021"], ("mdy",)),
        (["01/13/2021", "13/01/2021"], ("dmy", "mdy")),
        (["1.2.2021", "3.4.2021"], ("dmy",)),
        (["1.2.2021", "03/04/2021"], ("dmy",)),
        (["2021-02-01"], ("ymd",)),
        (["2021-02-01", "03/04/2021"], ("dmy", "mdy")),
        (["2021-02-01", "1.2.2021"], ("dmy",)),
        (["21-02-03"], ("dmy", "ymd")),
        (["99-02-01", "22-01-31"], ("ymd",)),
        (["Feb 1, 2021", "1. helmikuuta 2021", "ei tiedossa"], ()),
        ([dt.date(2021, 2, 1), 44228, None], ()),
    ],
)
def test_the_order_is_the_columns(texts: list[Any], orders: tuple[str, ...]) -> None:
    assert orders_of(texts) == orders


def test_a_text_that_does_not_bear_the_order_is_wrong_and_a_dotted_one_never_is() -> None:
    assert moment_of("02/01/2021", order="mdy")[0] == moment_of("01/02/2021", order="dmy")[0] == FIRST
    with pytest.raises(FieldError):
        moment_of("13/02/2021", order="mdy")
    with pytest.raises(FieldError):
        moment_of("01/02/2021", order="")
    assert moment_of("1.2.2021", order="mdy")[0] == moment_of("2021-02-01", order="mdy")[0] == FIRST


def test_years_of_two_digits_are_those_from_1970_to_2069() -> None:
    years = [moment_of(f"1.2.{year:02}")[0] for year in (70, 99, 0, 69)]
    assert [moment.year for moment in years if moment] == [1970, 1999, 2000, 2069]


@given(st.dates(dt.date(1970, 1, 1), dt.date(2069, 12, 31)), st.sampled_from(["dmy", "mdy", "ymd"]), st.booleans())
def test_every_day_comes_back_in_the_order_of_its_column(day: dt.date, order: str, short: bool) -> None:
    year = f"{day.year % 100:02}" if short else str(day.year)
    parts = {"d": f"{day.day:02}", "m": f"{day.month:02}", "y": year}
    text = "-".join(parts[letter] for letter in order)
    assert order in orders_of([text])
    moment, _ = moment_of(text, order=order)
    assert moment and moment.date() == day


@given(st.text(max_size=90))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    orders_of([text])
    with contextlib.suppress(FieldError):
        assert moment_of(text)[0] is None or orders_of([text]) or moment_of(text)[0]


# -- phones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "form", "shown"),
    [
        (405550101, "0000000000", "0405550101"),
        (405550101, "000-000 0000", "040-555 0101"),
        (405550101, '"+358 "00 000 0000', "+358 40 555 0101"),
        (405550101, r"\+358\ 00\ 000\ 0000", "+358 40 555 0101"),
        (358405550101, "+0", "+358405550101"),
        (405550101, "0##,###", ""),
        (405550101, "0.00E+00", ""),
        (405550101, "[Red]0000000000;-0", "0405550101"),
        (5550101, r"[<=9999999]###\-####;\(###\)\ ###\-####", "555-0101"),
        (4055550101, r"[<=9999999]###\-####;\(###\)\ ###\-####", "(405) 555-0101"),
        (12, "00;;", "12"),
        (123456, "000 0", "12345 6"),
        (1, "???0", "   1"),
        (1, "_-* #0_-", "1"),
    ],
)
def test_a_number_is_shown_as_its_format_says(number: int, form: str, shown: str) -> None:
    assert rendered(number, form) == shown


@given(st.integers(0, 10**14), st.text('0#?-+ ();[]<>="\\_*E.@x', max_size=20))
def test_no_format_breaks_and_none_loses_a_digit(number: int, form: str) -> None:
    shown = rendered(number, form)
    if shown and not any(letter in form for letter in '"\\_*[];'):
        assert "".join(filter(str.isdigit, shown)).lstrip("0") == str(number).lstrip("0")


@pytest.mark.parametrize(
    ("value", "form", "phone", "warned"),
    [
        (405550101, "0000000000", "+358405550101", False),
        (405550101, "000-000 0000", "+358405550101", False),
        (405550101, '"+358 "00 000 0000', "+358405550101", False),
        (358405550101, '"+"0', "+358405550101", False),
        (46701740605, '"+"0', "+46701740605", False),
        (405550101, "", "+358405550101", True),
        (505550101.0, "", "+358505550101", True),
        (358405550101, "", "+358405550101", True),
        (405550101, "### ### ###", "+358405550101", True),
        ("405550101", "", "+358405550101", True),
        ("40 555 0101", "", "+358405550101", True),
        ("3.58405550101E+11", "", "+358405550101", True),
        ("0405550101", "", "+358405550101", False),
        ("+358 (0)40 555 0101", "", "+358405550101", False),
        ("040-555 0101", "", "+358405550101", False),
        (123, "", "123", True),
        (12345678901234, "", "12345678901234", True),
        (4055501.5, "", "4055501.5", True),
        ("soita vaihteeseen", "", "soita vaihteeseen", True),
        (None, "", "", False),
    ],
)
def test_a_phone_gets_back_what_is_known_and_a_guess_is_told(value: Any, form: str, phone: str, warned: bool) -> None:
    found, warning = phone_of(value, form, "FI")
    assert (found, warning is not None) == (phone, warned)


@pytest.mark.parametrize("value", ["3.58401E+11", "3,58E+11", "4.0555E+08", 3.58401234567891e17, 10**16])
def test_lost_digits_are_said(value: Any) -> None:
    with pytest.raises(FieldError, match="Digits of this number are lost"):
        phone_of(value, "", "FI")


def test_the_region_decides() -> None:
    assert phone_of(701740605, "", "SE")[0] == "+46701740605"
    assert phone_of(701740605, "", "FI")[0] != "+46701740605"


@given(
    st.sampled_from(["0", "+358", "+358 ", "0 ", "00358", "+3580"]),
    st.sampled_from("1234567890"),
    st.text("0123456789 -", min_size=3, max_size=11),
)
def test_the_fast_way_says_what_the_slow_one_says(start: str, first: str, rest: str) -> None:
    text = start + first + rest
    assert cleaned(text, "FI") == clean_phone(text, "FI")
    assert cleaned(text, "SE") == clean_phone(text, "SE")


@given(st.integers(400_000, 599_999_999))
def test_the_fast_way_says_of_every_mobile_number_what_the_slow_one_says(number: int) -> None:
    assert cleaned(f"0{number}", "FI") == clean_phone(f"0{number}", "FI")
