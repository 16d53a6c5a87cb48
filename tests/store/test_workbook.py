"""The workbook: what goes in comes out, and what people see in Excel."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from lib import schema
from lib.errors import AppError, Damaged, InvalidWorkbook, NewerSchema, StoreError, WorkbookMissing, WrongPassword
from lib.schema import Kind
from lib.store import Store, workbook
from lib.store.encryption import decrypt, encrypt
from lib.store.workbook import Content, Info

from .tools import BY, PASSWORD, all_text, book, columns, contents, edit, opened, person, sealed

INFO = Info("0123456789abcdef", 7, 12, dt.datetime(2026, 11, 22, 13, 5))
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


def frame_of(*rows: dict[str, Any]) -> pd.DataFrame:
    received = dt.date(2026, 1, 31)
    return schema.to_frame({"id": f"P-{n:06d}", "received": received, **row} for n, row in enumerate(rows, 1))


def round_trip(frame: pd.DataFrame, language: str = "fi") -> pd.DataFrame:
    extras = pd.DataFrame(index=frame.index)
    return workbook.read(workbook.write(Content(frame, extras, INFO), PASSWORD, language), PASSWORD, "x").frame


def _clean(code: str, text: str) -> str:
    try:
        return str(schema.clean_value(code, text)[0])
    except schema.FieldError:
        return ""


FREE = [c.code for c in schema.COLUMNS if c.kind in (Kind.TEXT, Kind.LONG, Kind.USER, Kind.PHONE, Kind.LIST)]


@settings(max_examples=60)
@given(st.fixed_dictionaries(dict.fromkeys(FREE, TYPED)))
@example(dict.fromkeys(FREE, "=1+1"))
def test_s12_any_text_that_can_be_typed_comes_back_the_same(typed: dict[str, str]) -> None:
    frame = frame_of({code: _clean(code, text) for code, text in typed.items()})
    pd.testing.assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize("language", ["fi", "en"])
def test_s12_hard_texts_come_back_the_same_in_each_column(language: str) -> None:
    frame = frame_of(*({code: _clean(code, text) for code in FREE} for text in HARD))
    pd.testing.assert_frame_equal(round_trip(frame, language), frame)


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
        {c.code: TIMES if c.kind is Kind.TIME else DATES for c in schema.COLUMNS if c.is_date and c.code != "received"}
    )
)
def test_s12_dates_and_times_come_back_the_same(values: dict[str, Any]) -> None:
    frame = frame_of({**values, "name": "x"}, {"name": "empty dates"})
    pd.testing.assert_frame_equal(round_trip(frame), frame)


def test_s12_each_second_of_a_day_comes_back_the_same() -> None:
    start = dt.datetime(2026, 3, 29)
    frame = frame_of(*({"created_at": start + dt.timedelta(seconds=s)} for s in range(0, 86400, 7)))
    pd.testing.assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize("language", ["fi", "en", "sv"])
def test_choices_and_headings_are_read_in_each_language(language: str) -> None:
    rows = [
        {"source": source, "status": status, "hold_reason": hold}
        for source, status, hold in zip(
            schema.SOURCES, schema.STATUSES, [*schema.HOLD_REASONS, "", "statutory"], strict=True
        )
    ]
    frame = frame_of(*rows)
    pd.testing.assert_frame_equal(round_trip(frame, language), frame)


def test_the_facts_come_back_the_same() -> None:
    content = workbook.read(
        workbook.write(Content(frame_of(), pd.DataFrame(), INFO), PASSWORD, "fi"), PASSWORD, "prospects.xlsx"
    )
    assert content.info == INFO and content.frame.empty


# -- what people see ---------------------------------------------------------------------------------------


@pytest.fixture
def seen(store: Store) -> Any:
    store.add(person("=1+1", organisation="Esimerkki Oy", phone="0401234567", interests=["Sauna", "Kuisti"]), by=BY)
    store.add(person("Bertta", objected=None, source="public", source_detail="YTJ"), by=BY)
    store.update("P-000002", {"objected": store.today, "restricted": store.today}, by=BY)
    return book(store.path)


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
    changed.create_chartsheet("Kaavio").add_chart(BarChart())


def _values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows(max_row=len(OTHERS) + 4)]


def test_s13_columns_and_sheets_of_others_keep_their_values(store: Store) -> None:
    store.add_many([person(f"Henkilö {n}", received=store.today) for n in range(len(OTHERS))], by=BY)
    edit(store.path, _add_others)
    before = book(store.path)
    for n in range(3):  # a second write must not spoil what a first one kept
        store.add(person(f"Later {n}"), by=BY)
        store.update("P-000001", {"notes": f"changed {n}"}, by=BY)
    after = book(store.path)
    places, old = columns(after["Prospektit"]), columns(before["Prospektit"])
    assert {"Oma sarake", "2026"} <= places.keys()
    free = old["Oma sarake"]
    for row in range(2, len(OTHERS) + 2):
        for column in (free, free + 1, free + 2):
            assert after["Prospektit"].cell(row, column).value == before["Prospektit"].cell(row, column).value
    assert _values(after["Omat muistiinpanot"]) == _values(before["Omat muistiinpanot"])
    assert {"Tyhjä", "Kaavio"} <= set(after.sheetnames)
    with Store.open(store.data_dir, PASSWORD) as again:
        assert set(again.info()["other_sheets"]) >= {"Omat muistiinpanot", "Tyhjä"}


def test_s13_values_of_others_stay_with_their_rows_when_rows_go(store: Store) -> None:
    store.add_many([person(f"Henkilö {n}", received=store.today) for n in range(4)], by=BY)

    def add(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        free = sheet.max_column + 1
        sheet.cell(1, free, "Kenen")
        for row in range(2, 6):
            sheet.cell(row, free, sheet.cell(row, 1).value)

    edit(store.path, add)
    store.remove(["P-000002"], by=BY, reason="erasure")
    store.add(person("Uusi"), by=BY)
    sheet = book(store.path)["Prospektit"]
    owner = columns(sheet)["Kenen"]
    rows = [(sheet.cell(r, 1).value, sheet.cell(r, owner).value) for r in range(2, 6)]
    assert rows == [(i, i if i != "P-000005" else None) for i in ("P-000001", "P-000003", "P-000004", "P-000005")]


# -- S7 ----------------------------------------------------------------------------------------------------


@pytest.fixture
def three(store: Store) -> Store:
    store.add_many([person(f"Henkilö {n}", received=store.today) for n in range(3)], by=BY)
    return store


def refused(store: Store, error: type[AppError] | tuple[type[AppError], ...], password: str = PASSWORD) -> str:
    """Opening fails with the error, writes nothing, and so does an add of a store that was open before."""
    before, rows = contents(store.data_dir), store.frame
    with pytest.raises(error) as caught:
        Store.open(store.data_dir, password)
    if password == PASSWORD:
        with pytest.raises(error):
            store.add(person("Turhaan"), by=BY)
        with pytest.raises(error):
            store.remove(["P-000001"], by=BY, reason="expired")
    assert contents(store.data_dir) == before
    assert store.frame is rows and len(store.register.row("P-000001")) == len(schema.CODES)
    said = str(caught.value)
    assert "{" not in said
    return said


def test_s7_a_wrong_password_is_told(three: Store) -> None:
    for password in ("wrong", "", PASSWORD + " ", PASSWORD.upper(), "😀" * 80):
        assert "password" in refused(three, WrongPassword, password)


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 5000, b"PK\x03\x04" + b"x" * 500, b"<html></html>" * 100])
def test_s7_what_is_no_workbook_is_told(three: Store, content: bytes) -> None:
    three.path.write_bytes(content)
    assert "prospects.xlsx" in refused(three, (Damaged, InvalidWorkbook))


def test_s7_a_cut_workbook_is_told_at_whatever_length(three: Store) -> None:
    whole = three.path.read_bytes()
    for length in [1, 7, 8, 511, 512, 513, 1024, *range(2000, len(whole), len(whole) // 12), len(whole) - 512]:
        three.path.write_bytes(whole[:length])
        refused(three, (Damaged, WrongPassword))


def test_s7_one_changed_byte_anywhere_is_told_or_changes_nothing(three: Store) -> None:
    whole, rows, rng = three.path.read_bytes(), three.frame, random.Random(7)
    told = 0
    for _ in range(40):
        place = rng.randrange(len(whole))
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.randrange(8)
        three.path.write_bytes(broken)
        try:
            with Store.open(three.data_dir, PASSWORD) as store:
                pd.testing.assert_frame_equal(store.frame, rows)  # slack between the parts of the container
        except StoreError:
            told += 1
            refused(three, (Damaged, WrongPassword, InvalidWorkbook))
        assert three.path.read_bytes() == broken
    assert told >= 20


def test_s7_each_byte_of_the_content_is_proven(three: Store) -> None:
    """Whatever is flipped inside the encrypted package, no changed content is ever returned."""
    whole, plain = three.path.read_bytes(), opened(three.path)
    for place in range(4096, len(whole) - 2048, 211):
        broken = bytearray(whole)
        broken[place] ^= 0x10
        with contextlib.suppress(StoreError):
            assert decrypt(bytes(broken), PASSWORD) == plain


def test_s7_an_unencrypted_workbook_is_told(three: Store) -> None:
    three.path.write_bytes(opened(three.path))
    assert "not encrypted" in refused(three, InvalidWorkbook)


def _set(sheet: str, place: str, value: Any) -> Callable[[openpyxl.Workbook], None]:
    def change(changed: openpyxl.Workbook) -> None:
        changed[sheet][place] = value

    return change


def _heading(heading: str, value: Any) -> Callable[[openpyxl.Workbook], None]:
    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(1, columns(sheet)[heading]).value = value

    return change


def _cell(heading: str, value: Any, row: int = 3) -> Callable[[openpyxl.Workbook], None]:
    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(row, columns(sheet)[heading]).value = value

    return change


def _drop(sheet: str) -> Callable[[openpyxl.Workbook], None]:
    return lambda changed: changed.remove(changed[sheet])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (_set("Tiedot", "B3", "2"), NewerSchema, "Update the program"),
        (_set("Tiedot", "B3", "new"), InvalidWorkbook, "Tiedot"),
        (_set("Tiedot", "A5", "generaatio"), InvalidWorkbook, "Tiedot"),
        (_set("Tiedot", "B6", "many"), InvalidWorkbook, "Tiedot"),
        (_drop("Tiedot"), InvalidWorkbook, "Tiedot"),
        (_drop("Prospektit"), InvalidWorkbook, "Prospektit"),
        (_heading("Nimi", "Etunimi"), InvalidWorkbook, "Nimi"),
        (_heading("Tunnus", None), InvalidWorkbook, "Tunnus"),
        (_cell("Vastaanotettu", "eilen"), InvalidWorkbook, "B3"),
        (_cell("Vastaanotettu", None), InvalidWorkbook, "B3"),
        (_cell("Vastaanotettu", "1.1.0026"), InvalidWorkbook, "B3"),
        (_cell("Vastaanotettu", True), InvalidWorkbook, "B3"),
        (_cell("Vastaanotettu", -5), InvalidWorkbook, "B3"),
        (_cell("Vastaanotettu", 1e12), InvalidWorkbook, "B3"),
        (_cell("Lähde", "Huhu"), InvalidWorkbook, "C3"),
        (_cell("Tila", 5), InvalidWorkbook, "L3"),
    ],
)
def test_s7_what_cannot_be_understood_is_told_with_its_place(
    three: Store, change: Callable[[openpyxl.Workbook], None], error: type[StoreError], said: str
) -> None:
    edit(three.path, change)
    assert said in refused(three, error)


def test_s7_a_missing_workbook_is_told_and_not_made_anew(three: Store) -> None:
    three.path.unlink()
    assert "prospects.xlsx" in refused(three, WorkbookMissing)
    assert not three.path.exists()


def test_s7_a_store_goes_on_once_the_workbook_is_right_again(three: Store) -> None:
    whole = three.path.read_bytes()
    three.path.write_bytes(b"broken")
    with pytest.raises(Damaged):
        three.refresh()
    three.path.write_bytes(whole)
    assert three.add(person("Taas"), by=BY) == "P-000004"


# -- what Excel and people write ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "written", "read"),
    [
        ("Vastaanotettu", "22.11.2025", dt.date(2025, 11, 22)),
        ("Vastaanotettu", "2025-11-22", dt.date(2025, 11, 22)),
        ("Vastaanotettu", dt.datetime(2025, 11, 22, 8, 0), dt.date(2025, 11, 22)),
        ("Vastaanotettu", 45983, dt.date(2025, 11, 22)),
        ("Lisätty", "22.11.2025 8.05", dt.datetime(2025, 11, 22, 8, 5)),
        ("Lisätty", "2025-11-22T08:05:00+02:00", dt.datetime(2025, 11, 22, 8, 5)),
        ("Puhelin", 401234567, "401234567"),
        ("Puhelin", 358401234567, "358401234567"),
        ("Muistiinpanot", 2.5, "2.5"),
        ("Tila", "  tarjous ", "offer"),
        ("Tila", "Offer", "offer"),
        ("Tila", "offer", "offer"),
        ("Nimi", "Rivi\r\nvaihto", "Rivi\nvaihto"),
    ],
)
def test_what_people_write_in_excel_is_understood(three: Store, heading: str, written: Any, read: Any) -> None:
    edit(three.path, _cell(heading, written))
    code = schema.code_of_heading(heading) or ""
    three.refresh()
    assert three.register.row("P-000002")[code] == read
    three.add(person("Kirjoitus"), by=BY)
    with Store.open(three.data_dir, PASSWORD) as again:
        assert again.register.row("P-000002")[code] == read


def test_what_people_write_in_expires_is_not_read_back(three: Store) -> None:
    edit(three.path, _cell("Poistettava viimeistään", dt.datetime(2099, 1, 1)))
    three.refresh()
    assert three.register.row("P-000002")["expires"].year == three.today.year + 5


def test_columns_may_be_in_any_order_and_a_language_may_change(three: Store) -> None:
    def shuffle(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.move_range(f"B1:B{sheet.max_row}", cols=40)
        sheet.cell(1, columns(sheet)["Nimi"]).value = "Name"

    edit(three.path, shuffle)
    before = three.frame
    three.refresh()
    pd.testing.assert_frame_equal(three.frame, before)


# -- encryption --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["a", "työ kirja", "😀", "x" * 255, "  spaces  "])
def test_any_password_opens_what_it_sealed(password: str) -> None:
    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    encrypted = encrypt(plain.getvalue(), password)
    assert decrypt(encrypted, password) == plain.getvalue()
    with pytest.raises(WrongPassword):
        decrypt(encrypted, password + "x")


def test_another_program_opens_the_workbook(three: Store, tmp_path: Path) -> None:
    values = [cell.value for cell in book(three.path)["Prospektit"][3]]
    assert "Henkilö 1" in values and "Henkilö 1" in all_text(opened(three.path))
    assert b"Henkil" not in three.path.read_bytes()


def test_what_another_program_sealed_is_read(three: Store) -> None:
    three.path.write_bytes(sealed(opened(three.path)))
    three.refresh()
    assert len(three.frame) == 3


def test_nothing_of_a_row_stands_outside_the_encryption(three: Store) -> None:
    raw = three.path.read_bytes()
    assert raw[:4] == b"\xd0\xcf\x11\xe0" and b"PK\x03\x04" not in raw
    assert openpyxl.load_workbook(io.BytesIO(opened(three.path))).sheetnames[0] == "Prospektit"
