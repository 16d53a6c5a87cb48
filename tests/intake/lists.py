"""Lists that leave and come back: a register of rows, its list, a small reader, and edits as Excel makes them."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
import pandas as pd
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_rowcol_to_cell

from lib import cleaning, schema
from lib.cleaning import FieldError
from lib.i18n import Text
from lib.intake.checking import Check, Finding
from lib.intake.download import Download
from lib.intake.records import Record
from lib.intake.returning import compare, fingerprints
from lib.output import excel_list
from lib.output.fingerprints import Origin
from lib.register import Register, id_of
from lib.store.cells import understood
from lib.store.encryption import decrypt, encrypt
from lib.store.sheet import SHEET

KEY = b"k" * 32
PASSWORD = "listan pitkä salasana"
NOW = dt.datetime(2026, 3, 11, 10, 30)
TODAY = NOW.date()
ORIGIN = Origin("0123456789abcdef", KEY, "aino", NOW)
RECEIVED = dt.date(2026, 1, 31)
Change = Callable[[Any], object]


@dataclass
class Sheet:
    name: str
    rows: list[list[Any]]


@dataclass
class Book:
    sheets: list[Sheet]

    @property
    def prospects(self) -> Sheet:
        return next(sheet for sheet in self.sheets if sheet.name == SHEET)


def register_of(*rows: dict[str, Any], extras: dict[str, list[Any]] | None = None) -> Register:
    """A register with numbered rows, received by phone unless said otherwise."""
    marks = {"created_at": NOW, "created_by": "aino", "changed_at": NOW, "changed_by": "aino"}
    frame = schema.to_frame(
        {"id": id_of(n), "received": RECEIVED, "source": "phone", **marks, **row} for n, row in enumerate(rows, 1)
    )
    others = {name: pd.Series(cells, dtype=object) for name, cells in (extras or {}).items()}
    return Register.of(frame, pd.DataFrame(others, index=frame.index))


def listed(
    register: Register, codes: Sequence[str] = schema.CODES, *, language: str = "fi", origin: Origin = ORIGIN
) -> bytes:
    """The list of all rows, without its encryption."""
    content = excel_list.build(register.frame, codes, password=PASSWORD, language=language, origin=origin)
    return decrypt(content, PASSWORD)


def edited(plain: bytes, *changes: Change) -> bytes:
    """A plain list after changes of its sheet of prospects."""
    book = openpyxl.load_workbook(io.BytesIO(plain))
    for change in changes:
        change(book[SHEET])
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def put(row: int, code: str, value: Any, language: str = "fi") -> Change:
    """Put a value into a row (from 1, without the headings) of a column."""
    return lambda sheet: setattr(sheet.cell(row + 1, column(sheet, code, language)), "value", value)


def column(sheet: Any, code: str, language: str = "fi") -> int:
    said = schema.heading(code, language)
    return next(cell.column for cell in sheet[1] if cell.value == said)


def read(plain: bytes) -> Book:
    """What a plain workbook holds, as the reader of tables gives it."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(plain))
    return Book([Sheet(n, book.get_sheet_by_name(n).to_python(skip_empty_area=False)) for n in book.sheet_names])


def records(sheet: Sheet, region: str = "FI") -> list[Record]:
    """The rows of a list, its columns known by their headings."""
    head, *rows = sheet.rows
    codes = {n: code for n, cell in enumerate(head) if (code := schema.code_of_heading(str(cell)))}
    found = []
    for number, row in enumerate(rows, 2):
        record = Record(number, {}, {str(head[n]): row[n] for n in range(len(row)) if n not in codes}, {}, {}, {})
        for n, code in codes.items():
            record.cells[code] = xl_rowcol_to_cell(number - 1, n)
            values, bad = understood(code, [row[n]])
            try:
                if bad:
                    raise FieldError("not understood")
                record.values[code], warning = cleaning.clean_value(code, values[0], region)
            except FieldError as error:
                record.wrong[code] = error.text
            else:
                if warning:
                    record.warnings[code] = warning
        if any(cell != "" for cell in row):
            found.append(record)
    return found


def returned(plain: bytes, register: Register, *, key: bytes = KEY, with_sheet: bool = True) -> Check:
    """What a plain list that comes back would do."""
    book = read(plain)
    download = fingerprints(book, key)
    assert isinstance(download, Download)
    sheet = book.prospects
    return compare(download, records(sheet), register, today=TODAY, sheet=sheet if with_sheet else None)


def kinds(check: Check) -> dict[str, int]:
    """How many findings of each kind, without rows that are the same."""
    found: dict[str, int] = {}
    for finding in check.findings:
        if finding.kind != "same":
            found[finding.kind] = found.get(finding.kind, 0) + 1
    return found


def the(check: Check, kind: str) -> Finding:
    """The only finding that is not "same", and of this kind."""
    (finding,) = [finding for finding in check.findings if finding.kind != "same"]
    assert finding.kind == kind, finding
    return finding


def sealed(plain: bytes, password: str = PASSWORD) -> bytes:
    return encrypt(plain, password)


def words(text: Text | None) -> str:
    return "" if text is None else str(text)


def two(**others: Any) -> Register:
    return register_of(
        {
            "organisation": "Yritys Oy",
            "name": "Aino Alku",
            "phone": "+358401234567",
            "email": "aino@example.com",
            **others,
        },
        {"organisation": "Toinen Oy", "name": "Bertta Toinen", "title": "Johtaja", "notes": "muistiinpano"},
    )
