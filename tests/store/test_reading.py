"""Reading a workbook: what people write in Excel, what cannot be understood, and what is refused."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import io
import random
import re
import zipfile
from typing import Any

import openpyxl
import pandas as pd
import pytest

from lib import schema
from lib.errors import Damaged, InvalidWorkbook, NewerSchema, StoreError, WrongPassword
from lib.store import workbook
from lib.store.encryption import decrypt
from lib.store.workbook import Content, Problem

from .books import Change, cell, content_of, drop, edited, heading, people, plain_of, put
from .tools import PASSWORD, columns, sealed


def read_edited(*changes: Change) -> Content:
    return workbook.read_plain(edited(people(), *changes), "prospects.xlsx")


# -- passwords and files that are none -----------------------------------------------------------------------


def test_s7_a_wrong_password_is_told() -> None:
    encrypted = sealed(people())
    for password in ("wrong", "", PASSWORD + " ", PASSWORD.upper(), "😀" * 80):
        with pytest.raises(WrongPassword):
            workbook.read(encrypted, password, "x")
    for none_fits in (["wrong", "too"], []):
        with pytest.raises(WrongPassword):
            workbook.read(encrypted, none_fits, "x", own=True)


def test_one_of_several_passwords_is_enough() -> None:
    encrypted = sealed(people())
    for passwords in ([PASSWORD], ["old", PASSWORD], (PASSWORD, "old")):
        assert len(workbook.read(encrypted, passwords, "x").frame) == 3


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 5000, b"PK\x03\x04" + b"x" * 500, b"<html></html>" * 100])
def test_s7_what_is_no_workbook_is_told(content: bytes) -> None:
    with pytest.raises((Damaged, InvalidWorkbook)) as caught:
        workbook.read(content, PASSWORD, "prospects.xlsx")
    assert "prospects.xlsx" in str(caught.value)
    with pytest.raises(Damaged):
        workbook.read_plain(content, "prospects.xlsx")


def test_s7_an_unencrypted_workbook_is_told_and_its_bytes_can_be_read() -> None:
    with pytest.raises(InvalidWorkbook, match="not encrypted"):
        workbook.read(people(), PASSWORD, "x")
    assert workbook.read_plain(people(), "x").frame["name"].tolist() == ["Henkilö 0", "Henkilö 1", "Henkilö 2"]


def test_s7_a_cut_workbook_is_told_at_whatever_length() -> None:
    whole = sealed(people())
    for length in [1, 7, 8, 511, 512, 513, 1024, *range(2000, len(whole), len(whole) // 12), len(whole) - 512]:
        with pytest.raises((Damaged, WrongPassword)):
            workbook.read(whole[:length], PASSWORD, "x")


@pytest.mark.parametrize("own", [True, False])
def test_s7_one_changed_byte_anywhere_is_told_or_changes_nothing(own: bool) -> None:
    whole, rng = sealed(people()), random.Random(7)
    rows, told = workbook.read(whole, PASSWORD, "x").frame, 0
    for _ in range(40):
        broken = bytearray(whole)
        broken[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        try:  # there is slack between the parts of the container
            pd.testing.assert_frame_equal(workbook.read(bytes(broken), PASSWORD, "x", own=own).frame, rows)
        except (Damaged, WrongPassword, InvalidWorkbook):
            told += 1
    assert told >= 20


def test_s7_each_byte_of_the_content_is_proven() -> None:
    """Whatever is flipped inside the encrypted package, no changed content is ever returned."""
    plain = people()
    whole = sealed(plain)
    for place in range(4096, len(whole) - 2048, 211):
        broken = bytearray(whole)
        broken[place] ^= 0x10
        with contextlib.suppress(StoreError):
            assert decrypt(bytes(broken), PASSWORD) == plain


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (put("Tiedot", "B3", "2"), NewerSchema, "Update the program"),
        (put("Tiedot", "B3", "new"), InvalidWorkbook, "Tiedot"),
        (put("Tiedot", "A5", "generaatio"), InvalidWorkbook, "Tiedot"),
        (put("Tiedot", "B6", "many"), InvalidWorkbook, "Tiedot"),
        (put("Tiedot", "B6", "inf"), InvalidWorkbook, "Tiedot"),
        (put("Tiedot", "B7", "eilen"), InvalidWorkbook, "Tiedot"),
        (drop("Tiedot"), InvalidWorkbook, "Tiedot"),
        (drop("Prospektit"), InvalidWorkbook, "Prospektit"),
        (heading("Nimi", "Etunimi"), InvalidWorkbook, "Nimi"),
        (heading("Tunnus", None), InvalidWorkbook, "Tunnus"),
    ],
)
def test_s7_a_changed_structure_is_told(change: Change, error: type[StoreError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        read_edited(change)
    assert "{" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "paljon", "inf"])
def test_a_workbook_of_before_does_not_say_how_many_rows_it_had(value: str | None) -> None:
    found = read_edited(put("Tiedot", "B8", value))
    assert found.info.rows == 0 and found.info.generation == 7


# -- cells that cannot be understood -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "code", "typed"),
    [
        ("Vastaanotettu", "eilen", "received", "eilen"),
        ("Vastaanotettu", "1.1.0026", "received", "1.1.0026"),
        ("Vastaanotettu", True, "received", "True"),
        ("Vastaanotettu", -5, "received", "00:00:00"),
        ("Vastaanotettu", 1e12, "received", "1000000000000"),
        ("Vastaanotettu", dt.date(9999, 1, 1), "received", "9999-01-01"),
        ("Lisätty", "joskus", "created_at", "joskus"),
        ("Lähde", "Huhu", "source", "Huhu"),
        ("Tila", 5, "status", "5"),
    ],
)
def test_s7_a_cell_that_cannot_be_understood_is_empty_and_listed(name: str, value: Any, code: str, typed: str) -> None:
    found = read_edited(cell(name, value))
    place = f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[schema.CODES.index(code)]}3"
    assert found.problems == [Problem(place, "P-000002", code, typed)] and found.problems[0].row == 3
    assert schema.to_row(found.frame.iloc[1].to_dict())[code] == schema.EMPTY[code]
    untouched = workbook.read_plain(people(), "x").frame
    for other in schema.CODES:
        assert found.frame[other].drop(1).equals(untouched[other].drop(1))
        assert other == code or found.frame[other].equals(untouched[other])
    with pytest.raises(InvalidWorkbook, match=f"cell {place} does not fit") as caught:
        found.check()
    assert "{" not in str(caught.value)


def test_a_row_that_was_never_received_is_read_and_refused_only_by_the_strict() -> None:
    found = read_edited(cell("Vastaanotettu", None), cell("Lähde", "Huhu", row=4))
    assert [problem.cell for problem in found.problems] == ["C4"]
    assert found.frame["received"].isna().tolist() == [False, True, False]
    with pytest.raises(InvalidWorkbook, match=r"C4, B3 "):
        found.check()
    read_edited().check()


def test_many_cells_that_do_not_fit_are_told_in_short() -> None:
    found = workbook.read_plain(edited(people(9), *(cell("Tila", "?", row=n) for n in range(2, 11))), "x")
    assert len(found.problems) == 9
    with pytest.raises(InvalidWorkbook, match="L2, L3, L4, L5, L6 …"):
        found.check()


def test_a_column_that_was_deleted_is_known_to_be_absent() -> None:
    def delete(book: openpyxl.Workbook) -> None:
        book["Prospektit"].delete_cols(columns(book["Prospektit"])["Puhelin"])

    found = read_edited(delete)
    assert found.codes == {*schema.CODES} - {"phone"} and (found.frame["phone"] == "").all()
    assert read_edited().codes == {*schema.CODES}
    assert found.cell(1, "email") == "H3" and read_edited().cell(1, "email") == "I3"


def test_each_row_knows_where_it_stands_in_excel() -> None:
    def spread(book: openpyxl.Workbook) -> None:
        book["Prospektit"].insert_rows(3, 2)
        put("Prospektit", "C6", "Huhu")(book)

    found = read_edited(spread)
    assert list(found.rows) == [2, 5, 6] and list(workbook.read_plain(people(), "x", own=True).rows) == [2, 3, 4]
    assert [(p.cell, p.id) for p in found.problems] == [("C6", "P-000003")]
    assert found.cell(2, "name") == "F6"


def test_a_workbook_made_in_memory_knows_where_its_rows_will_stand() -> None:
    content = content_of({}, {})
    assert list(content.rows) == [2, 3] and content.cell(1, "name") == "F3" and content.codes == {*schema.CODES}


def _raw(plain: bytes, place: str, inside: str, kind: str = "n") -> bytes:
    """A workbook with a cell of the first sheet written by hand."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                cell = f'<c r="{place}" t="{kind}">{inside}</c>'
                part, count = re.subn(rf'<c r="{place}"[^>]*?(/>|>.*?</c>)'.encode(), cell.encode(), part)
                assert count == 1
            new.writestr(name, part)
    return result.getvalue()


@pytest.mark.parametrize(
    ("inside", "kind", "typed"),
    [
        ("<f>A1&amp;B1</f><v></v>", "n", "=A1&B1"),
        ("<f>A1</f>", "n", "=A1"),
        ("<f>A1</f><v/>", "n", "=A1"),
        ("<f>1/0</f><v>#DIV/0!</v>", "e", "=1/0"),
        ("<v>#N/A</v>", "e", "#N/A"),
    ],
)
def test_a_formula_that_nothing_computed_and_an_error_are_listed(inside: str, kind: str, typed: str) -> None:
    found = workbook.read_plain(_raw(people(), "F3", inside, kind), "x")
    assert found.problems == [Problem("F3", "P-000002", "name", typed)]
    assert found.frame["name"].tolist() == ["Henkilö 0", "", "Henkilö 2"]


@pytest.mark.parametrize(
    ("inside", "kind", "read"),
    [
        ("<f>A1</f><v>Laskettu</v>", "str", "Laskettu"),
        ("<f>A1</f><v></v>", "str", ""),
        ('<f t="shared" si="0"/><v>7</v>', "n", "7"),
    ],
)
def test_the_value_that_a_formula_gave_is_read(inside: str, kind: str, read: str) -> None:
    found = workbook.read_plain(_raw(people(), "F3", inside, kind), "x")
    assert found.problems == [] and found.frame["name"][1] == read


@pytest.mark.parametrize("text", ["x" * (schema.MAX_TEXT + 1), "😀" * (schema.MAX_TEXT // 2 + 1)])
def test_s7_a_text_that_is_too_long_is_listed(text: str) -> None:
    found = workbook.read_plain(_raw(people(), "F3", f"<is><t>{text}</t></is>", "inlineStr"), "x")
    assert found.problems == [Problem("F3", "P-000002", "name", text)] and found.frame["name"][1] == ""
    found = workbook.read_plain(_raw(people(), "F3", f"<is><t>{text[1:]}</t></is>", "inlineStr"), "x")
    assert found.problems == [] and found.frame["name"][1] == text[1:]


def test_a_formula_where_nothing_is_read_back_is_no_problem() -> None:
    assert read_edited(cell("Poistettava viimeistään", "=A1"), put("Prospektit", "AF3", "=A1")).problems == []


# -- what Excel and people write -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("Vastaanotettu", "22.11.2025", dt.date(2025, 11, 22)),
        ("Vastaanotettu", "2025-11-22", dt.date(2025, 11, 22)),
        ("Vastaanotettu", dt.datetime(2025, 11, 22, 8, 0), dt.date(2025, 11, 22)),
        ("Vastaanotettu", dt.datetime(2025, 11, 22, 23, 59, 59), dt.date(2025, 11, 22)),
        ("Vastaanotettu", 45983, dt.date(2025, 11, 22)),
        ("Lisätty", "22.11.2025 8.05", dt.datetime(2025, 11, 22, 8, 5)),
        ("Lisätty", "2025-11-22T08:05:00+02:00", dt.datetime(2025, 11, 22, 8, 5)),
        ("Lisätty", dt.datetime(2025, 11, 22, 8, 4, 59, 999_000), dt.datetime(2025, 11, 22, 8, 5)),
        ("Lisätty", dt.date(2025, 11, 22), dt.datetime(2025, 11, 22)),
        ("Puhelin", 401234567, "401234567"),
        ("Puhelin", 358401234567, "358401234567"),
        ("Muistiinpanot", 2.5, "2.5"),
        ("Tila", "  tarjous ", "offer"),
        ("Tila", "Offer", "offer"),
        ("Tila", "offer", "offer"),
        ("Tila", "  ", ""),
        ("Nimi", "Rivi\r\nvaihto", "Rivi\nvaihto"),
    ],
)
def test_what_people_write_in_excel_is_understood(name: str, written: Any, read: Any) -> None:
    found = read_edited(cell(name, written))
    assert found.problems == []
    assert schema.to_row(found.frame.iloc[1].to_dict())[schema.code_of_heading(name) or ""] == read


@pytest.mark.parametrize("written", [dt.datetime(2099, 1, 1), "joskus", 5])
def test_what_people_write_in_expires_is_not_read_back(written: Any) -> None:
    found = read_edited(cell("Poistettava viimeistään", written))
    assert found.frame["expires"].isna().all() and found.problems == []


def test_columns_may_be_in_any_order_and_a_language_may_change() -> None:
    def shuffle(book: openpyxl.Workbook) -> None:
        sheet = book["Prospektit"]
        sheet.move_range(f"B1:B{sheet.max_row}", cols=40)
        sheet.cell(1, columns(sheet)["Nimi"]).value = "Name"

    pd.testing.assert_frame_equal(read_edited(shuffle).frame, read_edited().frame)


def test_a_second_column_with_our_heading_is_somebody_elses() -> None:
    found = read_edited(put("Prospektit", "AF1", "Nimi"), put("Prospektit", "AF3", "toinen"))
    assert found.frame["name"][1] == "Henkilö 1" and found.extras["Nimi"].tolist() == ["", "toinen", ""]


# -- the program's own file ----------------------------------------------------------------------------------


def _sample() -> Content:
    from lib.sample import rows

    made = rows(200, seed=5, today=dt.date(2026, 11, 22))
    made[3]["created_at"] = dt.datetime(2026, 11, 1)  # midnight
    return content_of(*made, Oma=[*range(199), dt.date(2026, 1, 1)])


@pytest.mark.parametrize("language", ["fi", "en", "sv"])
def test_the_programs_own_file_is_read_the_same_without_looking_at_each_cell(language: str) -> None:
    content = _sample()
    plain = plain_of(content, language)
    own, checked = workbook.read_plain(plain, "x", own=True), workbook.read_plain(plain, "x")
    assert own.frame.dtypes.astype(str).to_dict() == schema.DTYPES == content.frame.dtypes.astype(str).to_dict()
    for found in (own, checked):
        pd.testing.assert_frame_equal(found.frame, content.frame)
        assert found.problems == [] and found.codes == {*schema.CODES}
        assert found.extras["Oma"].tolist() == content.extras["Oma"].tolist()


def test_reading_leaves_the_search_for_cycles_as_it_was() -> None:
    workbook.read_plain(people(), "x")
    assert gc.isenabled()
    gc.disable()
    try:
        workbook.read_plain(people(), "x")
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(Damaged):
        workbook.read_plain(b"", "x")
    assert gc.isenabled()
