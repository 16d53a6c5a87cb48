"""A list that a real LibreOffice opened, edited and saved comes back with those edits and no others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter.utility import xl_col_to_name

from lib import cleaning, schema
from lib.changes import Change
from lib.output import excel_list
from lib.register import Register
from lib.store.encryption import decrypt
from tests.store.test_libreoffice import Office, office  # noqa: F401
from tests.store.test_workbook import HARD

from .lists import ORIGIN, PASSWORD, TODAY, kinds, register_of, returned

pytestmark = pytest.mark.libreoffice


def place(code: str, row: int) -> str:
    return f"{xl_col_to_name(list(schema.CODES).index(code))}{row}"


def through(office: Office, path: Path, register: Register, *given: str) -> bytes:  # noqa: F811
    """The plain list as LibreOffice saved it after some edits."""
    path.write_bytes(excel_list.build(register.frame, schema.CODES, password=PASSWORD, language="fi", origin=ORIGIN))
    before = path.read_bytes()
    assert office("edit", path, PASSWORD, *given) == "saved"
    assert path.read_bytes() != before
    return decrypt(path.read_bytes(), PASSWORD)


def rows() -> list[dict[str, Any]]:
    """Rows with what is hard to keep: every odd text, dates, numbers, choices."""
    dates = {"next_contact": dt.date(2027, 2, 1), "informed": dt.date(1999, 12, 31), "objected": TODAY}
    # LibreOffice does not escape "_x0041_" when it saves: it is read as a letter afterwards.
    odd = [cleaning.clean_text(text) for text in HARD if len(text) < 1000 and "_x0" not in text]
    hard = [{"organisation": "Kova Oy", "notes": text, "title": cleaning.clean_text(text, lines=False)} for text in odd]
    return [
        {"name": "Aino Alku", "phone": "+358401234567", "status": "offer", "interests": "a; b", **dates},
        {"name": "Bertta Toinen", "phone": "0123", "email": "b@example.com", "notes": "rivi\ntoinen"},
        {"name": "Cecilia Kolmas", "title": "Johtaja", "created_at": dt.datetime(2026, 1, 2, 3, 4, 5)},
        {"name": "Daavid Neljäs", "organisation": "Poistuva Oy"},
        *hard,
    ]


def test_a_list_that_was_only_saved_again_changes_nothing(office: Office, tmp_path: Path) -> None:  # noqa: F811
    register = register_of(*rows())
    plain = through(office, tmp_path / "lista.xlsx", register, place("id", 2), "P-000001")
    check = returned(plain, register)
    assert kinds(check) == {} and len(check.findings) == len(register)


def test_exactly_the_edits_made_in_libreoffice_arrive(office: Office, tmp_path: Path) -> None:  # noqa: F811
    register = register_of(*rows())
    new = len(register) + 2
    phone = schema.label("source", "phone", "fi")
    edits = [
        *(place("title", 2), "LibreOfficen kirjoittama =ä"),
        *(place("next_contact", 2), "15.3.2027"),
        *(place("phone", 2), "#401234567"),  # the same number, as a number
        *(place("phone", 3), "#123"),
        *(place("notes", 3), ""),
        *(place("next_contact", 3), "#46419"),
        *(place("title", 4), "Rehtori"),
        *(place("received", 4), "1.1.2020"),
        *(place("name", new), "Uusi Ihminen", place("source", new), phone, place("received", new), "1.3.2026"),
        *("-row", "5"),
        *("sort", xl_col_to_name(list(schema.CODES).index("name"))),
        *("-column", xl_col_to_name(list(schema.CODES).index("address"))),
        *("move", "FB"),
    ]
    plain = through(office, tmp_path / "lista.xlsx", register, *edits)
    since = register.applied(Change(set={"P-000003": {"title": "Opettaja"}, "P-000002": {"email": "c@example.com"}}))
    check = returned(plain, since)
    found = {(f.kind, f.id): (dict(f.changes), dict(f.conflicts)) for f in check.findings if f.kind != "same"}
    assert found == {
        ("change", "P-000001"): (
            {
                "title": ("", "LibreOfficen kirjoittama =ä"),
                "next_contact": (dt.date(2027, 2, 1), dt.date(2027, 3, 15)),
            },
            {},
        ),
        ("change", "P-000002"): (
            {"notes": ("rivi\ntoinen", ""), "next_contact": (None, dt.date(2027, 2, 1))},
            {},
        ),
        ("conflict", "P-000003"): ({}, {"title": ("Opettaja", "Rehtori")}),
        ("deleted", "P-000004"): ({}, {}),
        ("new", ""): ({}, {}),
    }
    conflict = next(f for f in check.findings if f.kind == "conflict")
    assert conflict.record and list(conflict.record.warnings) == ["received"]
    added = next(f for f in check.findings if f.kind == "new")
    assert added.record and added.record.values["received"] == dt.date(2026, 3, 1)
    names = [f.record.values["name"] for f in check.findings if f.record and f.record.values["name"]]
    assert names == sorted(names, reverse=True), "it was sorted"
