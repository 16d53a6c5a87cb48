"""Workbooks as sheets of values: calamine reads the values of all kinds, and the rest comes from the file itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from lib.i18n import N_, Text
from lib.intake.facts import Facts, too_many_columns, too_many_rows
from lib.intake.files import Book, Limits, Sheet, Value
from lib.intake.package import Package

_EXACT = 1e15  # whole numbers below are whole in a float, too


def read(content: bytes, kind: str, limits: Limits) -> Book:
    """The sheets of a workbook without a password.

    Raises:
        ImportRefused: too many rows or columns. Whatever else is raised means that the file is damaged.
    """
    extras: Any = _EXTRAS[kind](content)
    notes = list(extras.notes)
    # What the file itself says is looked at first: calamine makes room for all rows and columns up to the last cell.
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    tables = [data for data in book.sheets_metadata if data.typ is SheetTypeEnum.WorkSheet]
    if others := [data.name for data in book.sheets_metadata if data.typ is not SheetTypeEnum.WorkSheet]:
        notes.append(Text(N_("Left out, since it is no table: {sheets}"), {"sheets": ", ".join(others)}))
    texts: dict[str, str] = {}
    sheets = []
    for data in tables:
        facts: Facts = extras.facts(data.name, limits)
        if facts.last_row > limits.rows:
            raise too_many_rows(data.name, limits)
        if facts.last_column >= limits.columns:
            raise too_many_columns(data.name, limits)
        found = book.get_sheet_by_name(data.name)
        if found.total_height > limits.rows + 1:
            raise too_many_rows(data.name, limits)
        if found.total_width > limits.columns:
            raise too_many_columns(data.name, limits)
        rows = [[_value(cell, texts) for cell in row] for row in found.to_python(skip_empty_area=False)]
        _fill(rows, facts.unread)
        merged = extras.merged(data.name, found)
        sheets.append(
            Sheet(
                data.name,
                rows,
                {place: form for place, form in facts.formats.items() if _is_number(rows, place)},
                frozenset(facts.hidden),
                tuple(merged),
                data.visible is SheetVisibleEnum.Visible,
                facts.unread,
                extras.date1904,
            )
        )
    return Book(kind, sheets, notes)


def _value(cell: Any, texts: dict[str, str]) -> Value:
    """A cell's value; the same text is kept once, since memory and the way to the parent hold it."""
    if type(cell) is str:
        return texts.setdefault(cell, cell) if cell else None
    if type(cell) is float:
        return int(cell) if cell.is_integer() and -_EXACT < cell < _EXACT else cell
    if isinstance(cell, dt.timedelta):
        return _length_of_time(cell)
    value: Value = cell
    return value


def _length_of_time(length: dt.timedelta) -> str:
    """A length of time as Excel shows it: 36:00:00."""
    seconds = round(length.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _fill(rows: list[list[Value]], unread: dict[tuple[int, int], str]) -> None:
    """Put what stands in cells without a known value where it stands, so that nobody takes them for empty."""
    if not unread:
        return
    height, width = max(r for r, _ in unread) + 1, max(c for _, c in unread) + 1
    width = max(width, len(rows[0]) if rows else 0)
    for row in rows:
        row += [None] * (width - len(row))
    rows += [[None] * width for _ in range(height - len(rows))]
    for (row_number, column), text in unread.items():
        rows[row_number][column] = text


def _is_number(rows: list[list[Value]], place: tuple[int, int]) -> bool:
    row, column = place
    cell = rows[row][column] if row < len(rows) and column < len(rows[row]) else None
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _active_notes(has: Any) -> list[Text]:
    notes = []
    if has("xl/vbaproject"):
        notes.append(Text(N_("The file holds macros. They are neither run nor read.")))
    if has("xl/externallinks/"):
        notes.append(Text(N_("The file refers to other files. They are not opened; the values saved last are read.")))
    return notes


class _Xlsx:
    def __init__(self, content: bytes) -> None:
        self._package = Package(content)
        self.date1904 = self._package.date1904
        self.notes = _active_notes(self._package.has)

    def facts(self, sheet: str, limits: Limits) -> Facts:
        return self._package.facts(sheet, limits)

    def merged(self, _: str, sheet: Any) -> Iterable[tuple[int, int, int, int]]:
        return [(*start, *end) for start, end in sheet.merged_cell_ranges or []]


class _Xls:
    """An old workbook: xlrd knows its number formats and hidden rows, where it understands the file at all."""

    def __init__(self, content: bytes) -> None:
        import os

        import xlrd

        self.notes: list[Text] = []
        self._book: Any = None
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            try:
                self._book = xlrd.open_workbook(
                    file_contents=content, formatting_info=True, logfile=nowhere, on_demand=True, ragged_rows=True
                )
            except Exception:  # calamine reads files that it does not
                self.notes.append(Text(N_("The number formats of this old file could not be read.")))
        self.date1904 = bool(self._book and self._book.datemode)

    def facts(self, name: str, limits: Limits) -> Facts:
        import xlrd

        facts = Facts()
        try:
            sheet = self._book.sheet_by_name(name)
        except Exception:
            return facts
        telling = self._telling()
        for row in range(sheet.nrows):
            kinds = sheet.row_types(row)
            for column, kind in enumerate(kinds):
                if kind == xlrd.XL_CELL_NUMBER:
                    form = telling.get(sheet.cell_xf_index(row, column))
                    if form:
                        facts.formats[row, column] = form
                elif kind == xlrd.XL_CELL_ERROR:
                    facts.unread[row, column] = xlrd.error_text_from_code.get(sheet.cell_value(row, column), "#?")
        facts.hidden = {row for row, info in sheet.rowinfo_map.items() if info.hidden and row < sheet.nrows}
        self._book.unload_sheet(name)
        return facts

    def _telling(self) -> dict[int, str]:
        from openpyxl.styles.numbers import is_date_format

        from lib.intake.package import PLAIN_FORMATS

        found = {}
        for number, style in enumerate(self._book.xf_list):
            form = self._book.format_map.get(style.format_key)
            if form and form.format_str not in PLAIN_FORMATS and not is_date_format(form.format_str):
                found[number] = form.format_str
        return found

    def merged(self, _: str, sheet: Any) -> Iterable[tuple[int, int, int, int]]:
        return [(*start, *end) for start, end in sheet.merged_cell_ranges or []]


class _Xlsb:
    def __init__(self, content: bytes) -> None:
        from lib.intake.binary import BinaryPackage

        self._package = BinaryPackage(content)
        self.date1904 = self._package.date1904
        self.notes = _active_notes(self._package.has)

    def facts(self, sheet: str, limits: Limits) -> Facts:
        return self._package.facts(sheet, limits)

    def merged(self, _: str, sheet: Any) -> Iterable[tuple[int, int, int, int]]:
        return ()


class _Ods:
    def __init__(self, content: bytes) -> None:
        from lib.intake.opendocument import Document

        self._document = Document(content)
        self.date1904 = self._document.date1904
        self.notes: list[Text] = []
        if self._document.macros:
            self.notes.append(Text(N_("The file holds macros. They are neither run nor read.")))

    def facts(self, sheet: str, limits: Limits) -> Facts:
        return self._document.facts(sheet, limits)

    def merged(self, name: str, _: Any) -> Iterable[tuple[int, int, int, int]]:
        return self._document.merged(name)


_EXTRAS = {"xlsx": _Xlsx, "xls": _Xls, "xlsb": _Xlsb, "ods": _Ods}
