"""Workbooks for tests of reading, merging and the like: made from rows, and changed as Excel would."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from lib import schema
from lib.store import workbook
from lib.store.encryption import decrypt
from lib.store.workbook import Content, Info
from tests.conftest import missing

from .tools import PASSWORD, columns

INFO = Info("0123456789abcdef", 7, 12, dt.datetime(2026, 11, 22, 13, 5))
RECEIVED = dt.date(2026, 1, 31)
Change = Callable[[openpyxl.Workbook], None]


def frame_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return schema.to_frame({"id": f"P-{n:06d}", "received": RECEIVED, **row} for n, row in enumerate(rows, 1))


def content_of(*rows: dict[str, Any], **others: Any) -> Content:
    """What a workbook with some rows holds; `others` are columns of others."""
    frame = frame_of(*rows)
    extras = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in others.items()}, index=frame.index)
    return Content(frame, extras, replace(INFO, last_number=len(frame), rows=len(frame)))


def plain_of(content: Content, language: str = "fi") -> bytes:
    """The workbook without its encryption."""
    return decrypt(workbook.write(content, PASSWORD, language), PASSWORD)


def people(count: int = 3) -> bytes:
    """A plain workbook with some rows."""
    return plain_of(content_of(*({"source": "phone", "name": f"Henkilö {n}"} for n in range(count))))


def edited(plain: bytes, *changes: Change) -> bytes:
    """A plain workbook after edits in another program."""
    book = openpyxl.load_workbook(io.BytesIO(plain))
    for change in changes:
        change(book)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def opened_book(plain: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(plain))


def put(sheet: str, place: str, value: Any) -> Change:
    """Put a value into a cell."""

    def change(book: openpyxl.Workbook) -> None:
        book[sheet][place] = value

    return change


def heading(name: str, value: Any) -> Change:
    """Give a column another heading."""

    def change(book: openpyxl.Workbook) -> None:
        sheet = book["Prospektit"]
        sheet.cell(1, columns(sheet)[name]).value = value

    return change


def cell(name: str, value: Any, row: int = 3) -> Change:
    """Put a value into a row of the column with a heading."""

    def change(book: openpyxl.Workbook) -> None:
        sheet = book["Prospektit"]
        sheet.cell(row, columns(sheet)[name]).value = value

    return change


def drop(sheet: str) -> Change:
    return lambda book: book.remove(book[sheet])


def saved_by_libreoffice(plain: bytes, folder: Path) -> bytes:
    """A plain workbook as a real LibreOffice saves it again."""
    soffice = shutil.which("soffice")
    if not soffice:
        missing("LibreOffice (soffice)")
    (folder / "book.xlsx").write_bytes(plain)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    form = "xlsx:Calc MS Excel 2007 XML"
    command = [str(soffice), "--headless", profile, "--convert-to", form, "--outdir", str(folder / "saved")]
    subprocess.run([*command, str(folder / "book.xlsx")], check=True, capture_output=True, timeout=90)
    return (folder / "saved" / "book.xlsx").read_bytes()
