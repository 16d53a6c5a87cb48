"""The workbook: the register as an encrypted Excel file, and back.

Sheet `Prospektit` has a row for each prospect, sheet `Tiedot` what the program needs. Columns and sheets of others
are kept as values. Reading takes headings and choices in any of the languages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pandas as pd
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_rowcol_to_cell

from lib import schema
from lib.errors import Damaged, InvalidWorkbook, NewerSchema
from lib.i18n import N_, Text, translator
from lib.schema import Kind
from lib.store.encryption import decrypt, encrypt
from lib.store.sheet import SHEET, add_prospects, describe, new_book, other_formats, write_any

INFO_SHEET = "Tiedot"
_EXCEL_EPOCH = dt.datetime(1899, 12, 30)
_INFO = {
    "schema": N_("Version of the columns. The program reads this one and older ones."),
    "register": N_("The register's identifier."),
    "generation": N_("How many times the workbook has been written."),
    "last_number": N_("The last number given. Numbers are never used again."),
    "written": N_("When the workbook was written."),
}


@dataclass
class Info:
    """What the program keeps about the register in the sheet `Tiedot`."""

    register: str
    generation: int = 0
    last_number: int = 0
    written: dt.datetime | None = None
    schema: int = schema.VERSION


@dataclass
class Content:
    """What a workbook holds: rows of the schema, columns and sheets of others, and the program's own facts."""

    frame: pd.DataFrame
    extras: pd.DataFrame
    info: Info
    sheets: dict[str, list[list[Any]]] = field(default_factory=dict)


def write(content: Content, password: str, language: str) -> bytes:
    """The encrypted workbook of a register, checked to open again.

    Args:
        language: of headings and choices.
    """
    buffer = BytesIO()
    book = new_book(buffer)
    add_prospects(book, content.frame, schema.CODES, language, content.extras)
    _add_info(book, content.info, language)
    formats = other_formats(book)
    for name, rows in content.sheets.items():
        sheet = book.add_worksheet(name[:31])  # the longest name that Excel takes
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                write_any(sheet, row, column, value, formats)
    describe(book, language, translator(language)(N_("Register of prospects")))
    book.close()
    return encrypt(buffer.getvalue(), password)


def _add_info(book: Any, info: Info, language: str) -> None:
    t = translator(language)
    sheet = book.add_worksheet(INFO_SHEET)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 36)
    sheet.set_column(2, 2, 80)
    bold = book.add_format({"bold": True})
    sheet.write_string(0, 0, t(N_("What the program needs. Please do not edit this sheet.")), bold)
    for row, (key, meaning) in enumerate(_INFO.items(), 2):
        value = getattr(info, key)
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, value.isoformat() if isinstance(value, dt.datetime) else str(value))
        sheet.write_string(row, 2, t(meaning))


def read(sealed: bytes, password: str, name: str) -> Content:
    """What an encrypted workbook holds.

    Args:
        name: the file's name, for the messages.

    Raises:
        WrongPassword, Damaged, NewerSchema
        InvalidWorkbook: a heading is missing or a cell cannot be understood; it says which.
    """
    plain = decrypt(sealed, password, name)
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(plain))
        sheets = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}
    except Exception as error:  # calamine's errors share no base
        raise Damaged(file=name) from error
    for needed in (INFO_SHEET, SHEET):
        if needed not in sheets:
            raise InvalidWorkbook(problem=Text(N_("The sheet {sheet} is missing."), {"sheet": needed}))
    info = _read_info(sheets.pop(INFO_SHEET))
    frame, extras = _read_prospects(sheets.pop(SHEET))
    return Content(frame, extras, info, sheets)


def _read_info(rows: list[list[Any]]) -> Info:
    facts = {str(row[0]): str(row[1]) for row in rows if len(row) > 1 and row[0] != ""}
    try:
        version = int(float(facts["schema"]))
        if version > schema.VERSION:
            raise NewerSchema
        written = dt.datetime.fromisoformat(facts["written"]) if facts.get("written", "None") != "None" else None
        return Info(
            facts["register"], int(float(facts["generation"])), int(float(facts["last_number"])), written, version
        )
    except (KeyError, ValueError) as error:
        raise InvalidWorkbook(problem=Text(N_("The sheet {sheet} was changed."), {"sheet": INFO_SHEET})) from error


def _read_prospects(rows: list[list[Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    numbered = [(number, row) for number, row in enumerate(body, 1) if any(cell != "" for cell in row)]
    places: dict[str, int] = {}
    others: dict[str, int] = {}
    for place, title in enumerate(map(_text, head)):
        code = schema.code_of_heading(title)
        if code and code not in places:
            places[code] = place
        elif title or any(row[place] != "" for _, row in numbered):
            name = title or xl_rowcol_to_cell(0, place)
            others[name if name not in others else f"{name} ({place + 1})"] = place
    if missing := [c for c in schema.REQUIRED_IN_WORKBOOK if c not in places]:
        names = ", ".join(schema.heading(c, "fi") for c in missing)
        raise InvalidWorkbook(problem=Text(N_("The column {columns} is missing."), {"columns": names}))
    columns: dict[str, pd.Series[Any]] = {}
    wrong: list[str] = []
    for code in schema.CODES:
        column = places.get(code)
        cells = ["" if column is None else row[column] for _, row in numbered]
        values, bad = _column(code, cells)
        wrong += [xl_rowcol_to_cell(numbered[n][0], column or 0) for n in bad]
        columns[code] = pd.Series(values, dtype=schema.DTYPES[code])
    empty = [xl_rowcol_to_cell(number, places["received"]) for number, row in numbered if row[places["received"]] == ""]
    if wrong := wrong + empty:
        raise InvalidWorkbook(
            problem=Text(N_("The value in cell {cells} does not fit its column."), {"cells": _some(wrong)})
        )
    extras = pd.DataFrame(
        {n: pd.Series([row[p] for _, row in numbered], dtype=object) for n, p in others.items()},
        index=range(len(numbered)),
    )
    return pd.DataFrame(columns), extras


def _some(cells: list[str]) -> str:
    return ", ".join(cells[:5]) + (" …" if len(cells) > 5 else "")


def _column(code: str, cells: list[Any]) -> tuple[list[Any], list[int]]:
    """The cells of a column as values in memory, and the places of those that do not fit."""
    kind = schema.BY_CODE[code].kind
    if kind is Kind.DATE:
        return _converted(cells, _date, lambda cell: type(cell) is dt.date)
    if kind is Kind.TIME:
        return _converted(cells, _time, lambda cell: type(cell) is dt.datetime)
    if kind is Kind.CHOICE:
        known = {"": "", **{label: schema.choice_of(code, label) for label in {str(c) for c in cells} if label}}
        values = [known[str(cell)] for cell in cells]
        return [v or "" for v in values], [n for n, v in enumerate(values) if v is None]
    return _converted(cells, _text, lambda cell: type(cell) is str and cell.isprintable())


def _converted(
    cells: list[Any], convert: Callable[[Any], Any], ready: Callable[[Any], bool]
) -> tuple[list[Any], list[int]]:
    values, bad = [], []
    for place, cell in enumerate(cells):
        if not ready(cell):
            try:
                cell = convert(cell)
            except (ValueError, OverflowError, TypeError):
                bad.append(place)
                cell = None
        values.append(cell)
    return values, bad


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a phone or a postcode that Excel took for a number
    return schema.clean_text(cell)


def _time(cell: Any) -> dt.datetime | None:
    """A time from a cell: real, an Excel serial number, or written in ISO or Finnish form."""
    if cell == "" or cell is None:
        return None
    moment = _moment(cell)
    if moment.year not in schema.YEARS:
        raise ValueError(cell)
    return moment.replace(microsecond=0, tzinfo=None)


def _moment(cell: Any) -> dt.datetime:
    if isinstance(cell, dt.datetime):
        return cell
    if isinstance(cell, dt.date):
        return dt.datetime.combine(cell, dt.time())
    if isinstance(cell, (int, float)):
        return _EXCEL_EPOCH + dt.timedelta(days=float(cell))
    text = str(cell).strip()
    for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M"):
        try:
            return dt.datetime.strptime(text, form)
        except ValueError:
            continue
    return dt.datetime.fromisoformat(text)


def _date(cell: Any) -> dt.date | None:
    moment = _time(cell)
    return moment.date() if moment else None
