"""What a list carries to be known by when it comes back, and what counts as the same value."""

from __future__ import annotations

import datetime as dt
import hmac
import io
from typing import Any

import openpyxl
import pytest

from lib import schema
from lib.changes import Change
from lib.errors import ImportRefused
from lib.intake.returning import compare, fingerprints
from lib.output import fingerprints as prints
from lib.output.fingerprints import Origin, Prints

from .lists import (
    KEY,
    NOW,
    ORIGIN,
    TODAY,
    edited,
    kinds,
    listed,
    put,
    read,
    records,
    register_of,
    returned,
    the,
    two,
)

# -- other types, same meaning -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("phone", "+358401234567", 358401234567),
        ("phone", "+358401234567", 401234567),
        ("phone", "+358401234567", "040 123 4567"),
        ("phone", "0123", 123),
        ("title", "007", 7),
        ("title", "1234567", 1234567.0),
        ("next_contact", dt.date(2027, 2, 1), "1.2.2027"),
        ("next_contact", dt.date(2027, 2, 1), "2027-02-01"),
        ("next_contact", dt.date(2027, 2, 1), 46419),
        ("created_at", dt.datetime(2026, 1, 2, 3, 4, 5), 46024.12783564815),
        ("email", "Aino@EXAMPLE.com", "Aino@example.com"),
        ("email", "ei osoite", "ei osoite"),
        ("interests", "a; b", "a;b"),
        ("status", "offer", "offer"),
        ("status", "vanha sana", "vanha sana"),
        ("name", "Aino Alku", " Aino Alku "),
    ],
)
def test_a_cell_of_another_type_with_the_same_meaning_is_no_change(code: str, before: Any, after: Any) -> None:
    register = two(**{code: before})
    plain = edited(listed(register), put(1, code, after))
    assert kinds(returned(plain, register)) == {}
    other = dt.date(2000, 1, 1) if code in schema.DATE_CODES else {"status": "new"}.get(code, "muu@example.com")
    since = register.applied(Change(set={"P-000001": {code: other}}))
    assert kinds(returned(plain, since)) == {}, "nor where the register has something else by now"


def test_without_the_sheet_a_cell_that_cannot_be_taken_is_wrong() -> None:
    register = two(email="ei osoite")
    assert the(returned(listed(register), register, with_sheet=False), "wrong").record
    assert kinds(returned(listed(register), register)) == {}


def test_only_what_was_edited_is_warned_of() -> None:
    register = two(phone="vaihde")
    finding = the(returned(edited(listed(register), put(1, "title", "X")), register), "change")
    assert finding.record and not finding.record.warnings
    finding = the(returned(edited(listed(register), put(1, "phone", "toinen vaihde")), register), "change")
    assert finding.record and list(finding.record.warnings) == ["phone"]


def test_a_number_typed_over_a_text_is_a_change() -> None:
    register = two(phone="0123")
    finding = the(returned(edited(listed(register), put(1, "phone", 124)), register), "change")
    assert finding.changes == {"phone": ("0123", "124")}


# -- the hidden sheet --------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_an_hmac_under_a_key_of_its_own_list() -> None:
    salt = b"s" * 16
    key = hmac.digest(KEY, b"list" + salt, "sha256")
    wanted = hmac.digest(key, "name\0P-000001\0Aino Ä".encode(), "sha256")[:6]
    assert Prints(KEY, salt).of("name", "P-000001", "Aino Ä") == wanted


def test_no_guess_can_be_tested_and_two_lists_show_nothing_of_each_other() -> None:
    register = register_of({"name": "Sama"}, {"name": "Sama"})
    lines = []
    for _ in range(2):
        rows = next(sheet for sheet in read(listed(register)).sheets if sheet.name == prints.SHEET).rows
        lines += [row[1] for row in rows if str(row[0]).startswith("P-")]
    assert len(lines) == 4 == len(set(lines))
    cut = {line[n : n + 8] for line in lines for n in range(0, len(line), 8)}
    assert len(cut) == 4 * len(schema.CODES), "each value has another fingerprint in each row and list"


def test_the_sheet_is_hidden_and_tells_where_it_is_from() -> None:
    plain = listed(two())
    book = openpyxl.load_workbook(io.BytesIO(plain))
    assert book[prints.SHEET].sheet_state == "veryHidden" and book.active and book.active.title == "Prospektit"
    download = fingerprints(read(plain), KEY)
    assert download and (download.register, download.by, download.at) == (ORIGIN.register, "aino", NOW)
    assert (
        download.codes == schema.CODES and download.language == "fi" and list(download.rows) == ["P-000001", "P-000002"]
    )
    assert not any(text in str(read(plain).sheets[1].rows) for text in ("Aino", "40123", "Yritys"))


def test_a_list_of_another_register_is_refused_in_words() -> None:
    register = two()
    with pytest.raises(ImportRefused, match="not from this register"):
        returned(listed(register, origin=Origin("other", b"o" * 32, "x", NOW)), register)


def hidden(row: int, column: int, value: Any) -> Any:
    return lambda sheet: setattr(sheet.parent[prints.SHEET].cell(row, column), "value", value)


@pytest.mark.parametrize(
    "change",
    [
        hidden(3, 2, "another"),
        hidden(4, 2, "sami"),
        hidden(6, 2, " ".join(reversed(schema.CODES))),
        hidden(8, 2, "00" * 16),
        hidden(8, 2, "no salt"),
        hidden(2, 2, None),
        hidden(9, 2, "ä"),
        hidden(10, 1, "P-000002"),
        hidden(11, 2, "AAAA"),
        lambda sheet: sheet.parent[prints.SHEET].delete_rows(10),
        lambda sheet: sheet.parent[prints.SHEET].delete_rows(1, 20),
    ],
)
def test_a_forged_sheet_is_refused_in_words(change: Any) -> None:
    register = two()
    with pytest.raises(ImportRefused, match="hidden sheet"):
        returned(edited(listed(register), change), register)


def test_a_list_of_a_newer_program_says_so() -> None:
    with pytest.raises(ImportRefused, match="newer version"):
        fingerprints(read(edited(listed(two()), hidden(2, 2, "2"))), KEY)


def test_any_other_table_is_no_download() -> None:
    register = two()
    plain = edited(listed(register), lambda sheet: sheet.parent.remove(sheet.parent[prints.SHEET]))
    assert fingerprints(read(plain), KEY) is None


def test_records_and_download_may_be_compared_without_a_row() -> None:
    register = two()
    book = read(edited(listed(register), lambda sheet: sheet.delete_rows(2, 5)))
    download = fingerprints(book, KEY)
    assert download
    check = compare(download, records(book.prospects), register, today=TODAY)
    assert kinds(check) == {"deleted": 2}
