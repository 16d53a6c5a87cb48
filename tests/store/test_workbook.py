"""The workbook: what goes in comes out, and what people see in Excel."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from lib import cleaning, schema
from lib.changes import Change
from lib.errors import Damaged, WrongPassword
from lib.register import Register
from lib.schema import Kind
from lib.store import Store, workbook
from lib.store.encryption import decrypt, encrypt
from lib.store.workbook import Content

from .books import INFO, RECEIVED, content_of, edited, frame_of, opened_book, people, plain_of
from .tools import BY, PASSWORD, all_text, columns, person, sealed

HARD = [
    "=1+1",
    "+358",
    "@x",
    "-5",
    "None",
    "NA",
    "nan",
    "NaN",
    "null",
    "#N/A",
    "TRUE",
    "1e5",
    "1.1.2026",
    "",
    "0401234567",
    "00012",
    "_x0041_",
    "_x005F_x0041_",
    "_x000D_",
    "_x0041_x0041_",
    "_x005F_x005F_x0041_",
    "  both sides  ",
    "a\nb\n\nc",
    "\n",
    "\t",
    " ",
    "a\tb",
    "😀👩‍👩‍👧 ä ö å Å",
    "<b>&amp;\"'</b>",
    "http://example.com",
    "{=SUM(A1)}",
    "'quoted",
    "x" * schema.MAX_TEXT,
    "😀" * (schema.MAX_TEXT // 2),
    "P-000001",
    "\u200b\u00ad\u202e\ufeff",
]
TYPED = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(HARD)


def assert_comes_back(frame: pd.DataFrame, language: str = "fi") -> None:
    """A table is read the same from the workbook, whether it is known as the program's own or not."""
    sealed = workbook.write(Content(frame, pd.DataFrame(index=frame.index), INFO), PASSWORD, language)
    for own in (True, False):
        found = workbook.read(sealed, PASSWORD, "x", own=own)
        pd.testing.assert_frame_equal(found.frame, frame)
        assert found.problems == []


def _clean(code: str, text: str) -> str:
    try:
        return str(cleaning.clean_value(code, text)[0])
    except cleaning.FieldError:
        return ""


FREE = [c.code for c in schema.COLUMNS if c.kind in (Kind.TEXT, Kind.LONG, Kind.USER, Kind.PHONE, Kind.LIST)]


@settings(max_examples=60)
@given(st.fixed_dictionaries(dict.fromkeys(FREE, TYPED)))
@example(dict.fromkeys(FREE, "=1+1"))
def test_s12_any_text_that_can_be_typed_comes_back_the_same(typed: dict[str, str]) -> None:
    frame = frame_of({code: _clean(code, text) for code, text in typed.items()})
    assert_comes_back(frame)


@pytest.mark.parametrize("language", ["fi", "en"])
def test_s12_hard_texts_come_back_the_same_in_each_column(language: str) -> None:
    frame = frame_of(*({code: _clean(code, text) for code in FREE} for text in HARD))
    assert_comes_back(frame, language)


def test_s12_hard_texts_come_back_through_the_store_and_a_reopening(store: Store) -> None:
    typed = {pid: text for text in HARD if (pid := store.add(person(notes=text), by=BY))}
    store.add({"source": "phone", "name": "NUL\x00 and bell\x07", "notes": "a\r\nb\x00"}, by=BY)
    with Store.open(store.data_dir, PASSWORD) as again:
        assert {pid: again.register.row(pid)["notes"] for pid in typed} == typed
        last = again.register.row(again.frame["id"].iloc[-1])
        assert (last["name"], last["notes"]) == ("NUL and bell", "a\nb")
        pd.testing.assert_frame_equal(again.frame, store.frame)


DATES = st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31))
TIMES = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 12, 31)).map(lambda t: t.replace(microsecond=0))


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {
            c.code: TIMES if c.kind is Kind.TIME else DATES
            for c in schema.COLUMNS
            if c.is_date and c.code not in ("received", "expires")
        }
    )
)
def test_s12_dates_and_times_come_back_the_same(values: dict[str, Any]) -> None:
    frame = frame_of({**values, "name": "x"}, {"name": "empty dates"})
    assert_comes_back(frame)


def test_s12_each_second_of_a_day_comes_back_the_same() -> None:
    start = dt.datetime(2026, 3, 29)
    frame = frame_of(*({"created_at": start + dt.timedelta(seconds=s)} for s in range(0, 86400, 7)))
    assert_comes_back(frame)


@pytest.mark.parametrize("language", ["fi", "en", "sv"])
def test_choices_and_headings_are_read_in_each_language(language: str) -> None:
    rows = [
        {"source": source, "status": status, "hold_reason": hold}
        for source, status, hold in zip(
            schema.SOURCES, schema.STATUSES, [*schema.HOLD_REASONS, "", "statutory"], strict=True
        )
    ]
    frame = frame_of(*rows)
    assert_comes_back(frame, language)


def test_the_facts_come_back_the_same_with_how_many_rows_there_were() -> None:
    sealed = workbook.write(Content(frame_of({}, {}), pd.DataFrame(index=range(2)), INFO), PASSWORD, "fi")
    for own in (True, False):
        assert workbook.read(sealed, PASSWORD, "prospects.xlsx", own=own).info == replace(INFO, rows=2)


@pytest.mark.parametrize("own", [True, False])
def test_an_empty_register_comes_back(own: bool) -> None:
    found = workbook.read_plain(plain_of(content_of()), "x", own=own)
    pd.testing.assert_frame_equal(found.frame, frame_of(), check_index_type=False)
    assert found.info.rows == 0 and found.extras.empty


def test_when_a_row_must_go_is_written_for_the_reader_and_not_read_back() -> None:
    plain = plain_of(content_of({"name": "x", "expires": dt.date(2031, 1, 31)}))
    assert opened_book(plain)["Prospektit"].cell(2, len(schema.CODES)).value == dt.datetime(2031, 1, 31)
    for own in (True, False):
        assert workbook.read_plain(plain, "x", own=own).frame["expires"].isna().all()


# -- what people see ---------------------------------------------------------------------------------------


@pytest.fixture
def seen() -> Any:
    return opened_book(
        plain_of(
            content_of(
                {"name": "=1+1", "phone": "+358401234567", "interests": "Sauna; Kuisti", "source": "phone"},
                {"name": "Bertta", "source": "public", "objected": RECEIVED, "restricted": RECEIVED},
            )
        )
    )


def test_the_register_is_the_first_sheet_with_finnish_headings(seen: openpyxl.Workbook) -> None:
    assert seen.sheetnames[:2] == ["Prospektit", "Tiedot"]
    headings = [cell.value for cell in seen["Prospektit"][1]]
    assert headings == [schema.heading(code, "fi") for code in schema.CODES]
    assert {"Tunnus", "Vastaanotettu", "Lähde", "Puhelin", "Muistiinpanot"} <= set(headings)


def test_headings_stay_in_sight_and_can_be_filtered(seen: openpyxl.Workbook) -> None:
    sheet = seen["Prospektit"]
    last = openpyxl.utils.get_column_letter(len(schema.CODES))
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == f"A1:{last}3"


def test_every_choice_has_its_dropdown_also_below_the_last_row(seen: openpyxl.Workbook) -> None:
    sheet = seen["Prospektit"]
    offered = {str(v.sqref).split(":")[0]: v.formula1 for v in sheet.data_validations.dataValidation}
    for code, column in columns(sheet).items():
        choices = schema.BY_CODE[schema.code_of_heading(code) or ""].choices
        cell = f"{openpyxl.utils.get_column_letter(column)}2"
        assert (cell in offered) == bool(choices)
        for choice in choices:
            assert schema.label(schema.code_of_heading(code) or "", choice, "fi") in offered[cell]
    assert all(int(str(v.sqref).split(":")[1].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) > 500 for v in _validations(sheet))


def _validations(sheet: Any) -> Any:
    return sheet.data_validations.dataValidation


def test_dates_are_dates_and_everything_else_is_text(seen: openpyxl.Workbook) -> None:
    sheet = seen["Prospektit"]
    for heading, column in columns(sheet).items():
        kind = schema.BY_CODE[schema.code_of_heading(heading) or ""].kind
        for row in (2, 3):
            cell = sheet.cell(row, column)
            if kind in (Kind.DATE, Kind.TIME):
                assert cell.value is None or (cell.is_date and cell.number_format.startswith("d.m.yyyy"))
            elif cell.value is not None:
                assert cell.data_type == "s" and cell.number_format == "@"
    assert sheet.cell(2, columns(sheet)["Nimi"]).value == "=1+1"
    assert sheet.cell(2, columns(sheet)["Puhelin"]).value == "+358401234567"


def test_bans_restrictions_and_requests_are_marked(seen: openpyxl.Workbook) -> None:
    rules = [rule for area in seen["Prospektit"].conditional_formatting for rule in area.rules]
    marked = {rule.formula[0] for rule in rules}
    letters = {c: openpyxl.utils.get_column_letter(schema.CODES.index(c) + 1) for c in schema.CODES}
    assert marked == {f'=${letters[c]}2<>""'[1:] for c in ("objected", "restricted", "removal_requested")}


# -- S13 ---------------------------------------------------------------------------------------------------

OTHERS: list[Any] = [
    "text",
    "=1+1 as text",
    3,
    2.5,
    True,
    dt.datetime(2026, 5, 1, 12, 30, 15),
    dt.datetime(2026, 5, 1),
    dt.time(12, 30),
    dt.timedelta(hours=30),
    None,
    0,
    False,
]


def _put(cell: Any, value: Any) -> None:
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # no formula


def _add_others(changed: openpyxl.Workbook) -> None:
    sheet = changed["Prospektit"]
    free = sheet.max_column + 1
    sheet.cell(1, free, "Oma sarake")
    sheet.cell(1, free + 2, 2026)
    for row, value in enumerate(OTHERS, 2):
        _put(sheet.cell(row, free), value)
        sheet.cell(row, free + 1, f"no heading {row}")
        sheet.cell(row, free + 2, row)
    own = changed.create_sheet("Omat muistiinpanot")
    for row, value in enumerate(OTHERS, 4):
        _put(own.cell(row, 3), value)
    changed.create_sheet("Tyhjä")
    changed.create_chartsheet("Kaavio").add_chart(BarChart())  # there are no values in it


def _values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows(max_row=len(OTHERS) + 4)]


def test_s13_columns_and_sheets_of_others_keep_their_values() -> None:
    plain = edited(people(len(OTHERS)), _add_others)
    before, content = opened_book(plain), workbook.read_plain(plain, "x")
    for own in (False, True, True):  # a second write must not spoil what a first one kept
        plain = plain_of(content)
        content = workbook.read_plain(plain, "x", own=own)
    after = opened_book(plain)
    places, old = columns(after["Prospektit"]), columns(before["Prospektit"])
    assert {"Oma sarake", "2026"} <= places.keys()
    free = old["Oma sarake"]
    for row in range(2, len(OTHERS) + 2):
        for column in (free, free + 1, free + 2):
            assert after["Prospektit"].cell(row, column).value == before["Prospektit"].cell(row, column).value
    assert _values(after["Omat muistiinpanot"]) == _values(before["Omat muistiinpanot"])
    assert {"Tyhjä", "Kaavio"} <= set(after.sheetnames)


@pytest.mark.parametrize("number", [float("inf"), float("-inf")])
def test_s13_a_number_that_excel_cannot_hold_stops_no_checkpoint(number: float) -> None:
    content = content_of({"name": "Aino"}, Oma=[number])
    content.sheets = {"Omat": [[number, 1.5]]}
    after = workbook.read_plain(plain_of(content), "x", own=True)
    assert list(after.extras["Oma"]) == [str(number)] and list(after.sheets["Omat"][0]) == [str(number), 1.5]


def test_s13_values_of_others_stay_with_their_rows_when_rows_go() -> None:
    content = content_of(*({"name": f"Henkilö {n}"} for n in range(1, 5)), Kenen=[f"P-00000{n}" for n in range(1, 5)])
    register = Register.of(content.frame, content.extras)
    register = register.applied(Change(remove=["P-000002"]))
    register = register.applied(Change(add=[{"id": "P-000005", "received": RECEIVED, "name": "Uusi"}]))
    sheet = opened_book(plain_of(Content(register.frame, register.extras, INFO)))["Prospektit"]
    owner = columns(sheet)["Kenen"]
    rows = [(sheet.cell(r, 1).value, sheet.cell(r, owner).value) for r in range(2, 6)]
    assert rows == [(i, i if i != "P-000005" else None) for i in ("P-000001", "P-000003", "P-000004", "P-000005")]


# -- encryption --------------------------------------------------------------------------------------------


def test_a_workbook_that_was_changed_anywhere_does_not_open() -> None:
    sealed = bytearray(encrypt(plain_of(content_of({"name": "Aino"})), "salasana"))
    sealed[len(sealed) // 2] ^= 1  # amid the content, where a zip file would not notice every change
    with pytest.raises(Damaged):
        decrypt(bytes(sealed), "salasana")


@pytest.mark.parametrize("password", ["a", "työ kirja", "😀", "x" * 255, "  spaces  "])
def test_any_password_opens_what_it_sealed(password: str) -> None:
    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    encrypted = encrypt(plain.getvalue(), password)
    assert decrypt(encrypted, password) == plain.getvalue()
    with pytest.raises(WrongPassword):
        decrypt(encrypted, password + "x")


def test_another_program_opens_the_workbook() -> None:
    encrypted = workbook.write(content_of({"name": "Henkilö 1"}), PASSWORD, "fi")
    plain = decrypt(encrypted, PASSWORD)
    assert "Henkilö 1" in [cell.value for cell in opened_book(plain)["Prospektit"][2]]
    assert "Henkilö 1" in all_text(plain) and b"Henkil" not in encrypted


def test_what_another_program_sealed_is_read() -> None:
    assert len(workbook.read(sealed(people(3)), PASSWORD, "x").frame) == 3


def test_nothing_of_a_row_stands_outside_the_encryption() -> None:
    raw = workbook.write(content_of({"name": "Henkilö 1"}), PASSWORD, "fi")
    assert raw[:4] == b"\xd0\xcf\x11\xe0" and b"PK\x03\x04" not in raw
    assert opened_book(decrypt(raw, PASSWORD)).sheetnames[0] == "Prospektit"
