"""What may stand in a column, and what is said about what may not."""

from __future__ import annotations

import datetime as dt
import socket
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.cleaning import FieldError, clean_email, clean_phone, clean_record, clean_text
from lib.errors import Invalid
from lib.schema import MAX_TEXT, SHORT_TEXT, Kind

TODAY = dt.date(2026, 11, 22)
GOOD = {"source": "phone", "name": "Aino Kokeilija", "received": TODAY}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


def wrong(values: dict[str, object], base: dict[str, object] | None = None) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        clean_record(values, today=TODAY, base=base)
    return {code: str(text) for code, text in caught.value.fields.items()}


# -- text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (None, ""),
        ("a\x00b\x07c\x1bd\x7fe", "abcde"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\u2028b\u2029c\x0bd\x0ce\x85f", "a\nb\nc\nd\ne\nf"),
        ("tab\tstays", "tab\tstays"),
        ("\ud83dhalf\ude00", "half"),
        ("😀 👩‍👩‍👧", "😀 👩‍👩‍👧"),
        ("\ufffe\uffff", ""),
        ("  spaces  ", "  spaces  "),
    ],
)
def test_text_loses_what_no_cell_can_hold_and_nothing_else(typed: str | None, kept: str) -> None:
    assert clean_text(typed) == kept


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n" for c in once)
    once.encode("utf-8")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufffe\uffff")))
def test_text_without_control_characters_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(("letter", "units"), [("a", 1), ("ä", 1), ("😀", 2)])
def test_a_cell_holds_32767_utf_16_units_and_not_one_more(letter: str, units: int) -> None:
    most = MAX_TEXT // units
    assert clean_text(letter * most) == letter * most
    with pytest.raises(FieldError) as caught:
        clean_text(letter * (most + 1))
    assert caught.value.text.params == {"length": (most + 1) * units, "limit": MAX_TEXT}


def test_a_line_of_a_form_is_shorter_and_has_no_line_ends() -> None:
    assert cleaning.clean_value("name", " Aino\nKokeilija ") == ("Aino Kokeilija", None)
    assert "name" in wrong({**GOOD, "name": "x" * (SHORT_TEXT + 1)})


def test_notes_keep_their_lines_and_their_spaces() -> None:
    assert cleaning.clean_value("notes", "  a\n\n\tb  \n") == ("  a\n\n\tb  \n", None)


# -- phones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0401234567", "+358401234567"),
        ("040 123 4567", "+358401234567"),
        ("(040) 123-4567", "+358401234567"),
        ("00358401234567", "+358401234567"),
        ("+358 40 1234567", "+358401234567"),
        ("09 123 4567", "+35891234567"),
        ("+46 8 123 456 78", "+46812345678"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_valid_phone_number_is_kept_in_the_international_form(typed: str | None, kept: str) -> None:
    assert clean_phone(typed, "FI") == (kept, None)


@pytest.mark.parametrize("typed", ["12", "soita vaihteeseen", "+999 123", "040 12"])
def test_what_is_no_phone_number_is_kept_as_typed_with_a_warning(typed: str) -> None:
    kept, warning = clean_phone(typed, "FI")
    assert kept == typed and warning
    cleaned, warnings = clean_record({**GOOD, "phone": typed}, today=TODAY)
    assert cleaned["phone"] == typed and set(warnings) == {"phone"}


def test_an_extension_is_not_lost() -> None:
    assert clean_phone("09 1234567 alanro 12", "FI")[0].endswith("12")
    assert clean_phone("+358 9 1234567 ext. 12", "FI") == ("+358 9 1234567 ext. 12", None)


def test_the_region_says_where_a_number_without_a_country_code_is_from() -> None:
    assert clean_phone("08-123 456 78", "SE")[0] == "+46812345678"


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+358401234567", "040 1234567"), ("+46812345678", "+46 8 123 456 78"), ("vaihde", "vaihde"), ("", "")],
)
def test_a_phone_is_shown_as_people_write_it(phone: str, shown: str) -> None:
    assert cleaning.national_phone(phone, "FI") == shown


@given(ANY_TEXT)
def test_a_phone_cleaned_again_is_the_same(text: str) -> None:
    once, _ = clean_phone(text, "FI")
    assert clean_phone(once, "FI")[0] == once


# -- e-mail ------------------------------------------------------------------------------------------------


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Aino.K@EXAMPLE.COM", "Aino.K@example.com"),
        (" aino@example.com ", "aino@example.com"),
        ("äinö@example.com", "äinö@example.com"),
        ("", ""),
    ],
)
def test_an_address_is_checked_without_the_network(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(
    "typed",
    ["aino", "aino@", "@example.com", "a b@example.com", "aino@example", "a@b@example.com", "aino@example..com"],
)
def test_a_malformed_address_is_refused_in_words(typed: str) -> None:
    assert "name@example.com" in wrong({**GOOD, "email": typed})["email"]


# -- choices, lists, dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [c.code for c in schema.COLUMNS if c.choices])
def test_a_choice_is_one_of_the_offered(code: str) -> None:
    for choice in schema.BY_CODE[code].choices:
        assert cleaning.clean_value(code, choice) == (choice, None)
    with pytest.raises(FieldError):
        cleaning.clean_value(code, "something else")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a; b;c", "a; b; c"),
        (["a", "b"], "a; b"),
        (["a;b", " c "], "a; b; c"),
        ("Sauna; sauna; SAUNA", "Sauna"),
        (" ; ;; ", ""),
        (None, ""),
        ([], ""),
        ("kaksi   väliä\nrivi", "kaksi väliä rivi"),
    ],
)
def test_a_list_has_no_doubles_and_no_holes(typed: object, kept: str) -> None:
    assert cleaning.clean_list(typed) == kept


@given(st.lists(ANY_TEXT, max_size=5))
def test_a_list_cleaned_again_is_the_same(items: list[str]) -> None:
    once = cleaning.clean_list(items)
    assert cleaning.clean_list(once) == once


@pytest.mark.parametrize("code", [c.code for c in schema.COLUMNS if c.past])
def test_a_date_of_the_past_does_not_lie_in_the_future(code: str) -> None:
    tomorrow = TODAY + dt.timedelta(days=1)
    assert "future" in wrong({**GOOD, code: tomorrow})[code]
    assert clean_record({**GOOD, code: TODAY}, today=TODAY)[0][code] == TODAY


def test_the_next_contact_may_lie_in_the_future() -> None:
    clean_record({**GOOD, "next_contact": TODAY + dt.timedelta(days=30)}, today=TODAY)


@pytest.mark.parametrize(
    ("given", "date"),
    [
        (None, None),
        ("", None),
        (pd.NaT, None),
        ("2026-11-22", TODAY),
        (dt.datetime(2026, 11, 22, 13, 5), TODAY),
        (pd.Timestamp(2026, 11, 22), TODAY),
        (dt.date(1900, 1, 1), dt.date(1900, 1, 1)),
    ],
)
def test_a_date_may_come_in_several_forms(given: object, date: dt.date | None) -> None:
    assert cleaning.clean_date(given) == date


@pytest.mark.parametrize("given", ["22.11.2026x", "tomorrow", dt.date(1899, 12, 31), dt.date(26, 1, 1), "0026-01-01"])
def test_what_excel_cannot_hold_as_a_date_is_refused(given: object) -> None:
    assert wrong({**GOOD, "received": given}) == {"received": "This is not a date."}


# -- the row as a whole ------------------------------------------------------------------------------------


def test_a_row_needs_a_name_or_an_organisation() -> None:
    assert "name" in wrong({"source": "phone", "received": TODAY})
    assert "name" in wrong({"name": " \t ", "organisation": "\x00", "source": "phone", "received": TODAY})
    assert "name" in wrong({"name": ""}, base={"name": "Aino", "organisation": ""})
    clean_record({"source": "phone", "received": TODAY, "organisation": "Esimerkki Oy"}, today=TODAY)
    clean_record({"name": ""}, today=TODAY, base={"name": "Aino", "organisation": "Esimerkki Oy"})


def test_a_row_needs_a_source_and_a_received_date() -> None:
    assert set(wrong({"name": "Aino"})) == {"source", "received"}


def test_a_public_source_is_named() -> None:
    assert "source_detail" in wrong({**GOOD, "source": "public"})
    assert "source_detail" in wrong({"source_detail": ""}, base={**GOOD, "source": "public"})
    assert "source_detail" in wrong({"source": "public"}, base={**GOOD, "source_detail": ""})
    clean_record({**GOOD, "source": "public", "source_detail": "YTJ"}, today=TODAY)


@pytest.mark.parametrize(
    ("values", "missing"),
    [({"hold_reason": "claim"}, "hold_until"), ({"hold_until": TODAY}, "hold_reason")],
)
def test_a_hold_needs_both_a_ground_and_a_date(values: dict[str, object], missing: str) -> None:
    assert set(wrong(values, base=GOOD)) == {missing}


def test_every_wrong_field_is_told_at_once() -> None:
    told = wrong({"name": "", "source": "rumour", "email": "x", "received": "soon"})
    assert set(told) == {"name", "source", "email", "received"}


def test_an_edit_is_not_refused_for_what_it_does_not_touch() -> None:
    old = {"name": "Aino", "source": "public", "source_detail": "", "email": "broken"}
    assert clean_record({"notes": "x"}, today=TODAY, base=old)[0] == {"notes": "x"}


# -- the table in memory -----------------------------------------------------------------------------------

CELLS = {
    Kind.DATE: st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    Kind.TIME: st.none() | st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1)),
}
ROWS = st.fixed_dictionaries({c.code: CELLS.get(c.kind, st.text(max_size=20)) for c in schema.COLUMNS})


@given(st.lists(ROWS, max_size=4))
def test_a_row_comes_back_from_the_table_as_it_went_in(rows: list[dict[str, object]]) -> None:
    frame = schema.to_frame(rows)
    assert dict(frame.dtypes.astype(str)) == schema.DTYPES
    assert [schema.to_row(values) for values in frame.to_dict("records")] == rows


# -- headings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fi", "en", "sv"])
def test_each_heading_and_label_leads_back_to_its_code(language: str) -> None:
    for column in schema.COLUMNS:
        assert schema.code_of_heading(schema.heading(column.code, language)) == column.code
        assert schema.code_of_heading(f"  {schema.heading(column.code, language).upper()} ") == column.code
        for choice in column.choices:
            assert schema.choice_of(column.code, schema.label(column.code, choice, language)) == choice
    assert schema.code_of_heading("Suosikkiväri") is None
