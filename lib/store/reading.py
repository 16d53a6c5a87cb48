"""Reading a plain workbook. Headings and choices are taken in any of the languages.

The program's own file, known by its digest, is taken as it stands. Any other is read cell by cell: a cell that cannot
be understood is empty in the table and listed as a problem.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pandas as pd
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_cell_to_rowcol, xl_rowcol_to_cell

from lib import schema
from lib.errors import Damaged, InvalidWorkbook, NewerSchema
from lib.i18n import N_, Text
from lib.store.cells import as_written, shown, table, understood
from lib.store.parts import Parts, formulas
from lib.store.sheet import SHEET

INFO_SHEET = "Tiedot"
_COMPUTED = {c.code for c in schema.COLUMNS if c.set_by == "computed"}  # never read back


@dataclass
class Info:
    """What the program keeps about the register in the sheet `Tiedot`. `rows` is how many there were when written."""

    register: str
    generation: int = 0
    last_number: int = 0
    written: dt.datetime | None = None
    schema: int = schema.VERSION
    rows: int = 0


@dataclass(frozen=True)
class Problem:
    """A cell that cannot be understood: where ("H13"), the number that stands in its row, its column, what is in it."""

    cell: str
    id: str
    code: str
    typed: str

    @property
    def row(self) -> int:
        """The row in Excel, from 1."""
        return int(xl_cell_to_rowcol(self.cell)[0]) + 1


@dataclass
class Content:
    """What a workbook holds: rows of the schema, columns and sheets of others, and the program's own facts.

    `problems` are cells that could not be understood; they are empty in `frame`. `places` tells which column of the
    sheet, from 0, each column of the schema stands in, and `rows` which row in Excel, from 1, each row of the table.
    """

    frame: pd.DataFrame
    extras: pd.DataFrame
    info: Info
    sheets: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=lambda: {code: n for n, code in enumerate(schema.CODES)})
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            self.rows = range(2, len(self.frame) + 2)

    @property
    def codes(self) -> frozenset[str]:
        """The columns of the schema that the sheet has."""
        return frozenset(self.places)

    def cell(self, position: int, code: str) -> str:
        """Where in Excel a value of the table stands, such as "H13"."""
        return str(xl_rowcol_to_cell(self.rows[position] - 1, self.places[code]))

    def check(self) -> None:
        """Refuse a workbook with a cell that cannot be understood, or with a row that was never received.

        Raises:
            InvalidWorkbook: it names the cells.
        """
        wrong = [problem.cell for problem in self.problems]
        empty = self.frame["received"].isna().to_numpy().nonzero()[0]
        wrong += [cell for n in empty if (cell := self.cell(int(n), "received")) not in wrong]
        if wrong:
            cells = ", ".join(wrong[:5]) + (" …" if len(wrong) > 5 else "")
            raise InvalidWorkbook(
                problem=Text(N_("The value in cell {cells} does not fit its column."), {"cells": cells})
            )


def read_plain(plain: bytes, name: str, *, own: bool = False) -> Content:
    """What a workbook without encryption holds.

    Args:
        name: the file's name, for the messages.
        own: the program wrote it, and nobody changed it since.

    Raises:
        Damaged, NewerSchema
        InvalidWorkbook: a sheet or a needed column is missing, or the program's own facts were changed.
    """
    with _no_collection():
        sheets = _sheets(plain, name)
        info = _info(sheets.pop(INFO_SHEET))
        content = _prospects(sheets.pop(SHEET), info, own)
        content.sheets = sheets
        if not own:
            content.problems += _unread(content, Parts(plain).sheets().get(SHEET, b""))
    return content


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for cycles, which would walk all cells again and again: half the time of 100,000 rows."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _sheets(plain: bytes, name: str) -> dict[str, list[list[Any]]]:
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(plain))
        sheets = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}
    except Exception as error:  # calamine's errors share no base
        raise Damaged(file=name) from error
    for needed in (INFO_SHEET, SHEET):
        if needed not in sheets:
            raise InvalidWorkbook(problem=Text(N_("The sheet {sheet} is missing."), {"sheet": needed}))
    return sheets


def _info(rows: list[list[Any]]) -> Info:
    facts = {str(row[0]): str(row[1]) for row in rows if len(row) > 1 and row[0] != ""}
    try:
        version = int(float(facts["schema"]))
        if version > schema.VERSION:
            raise NewerSchema
        written = dt.datetime.fromisoformat(facts["written"]) if facts.get("written", "None") != "None" else None
        info = Info(
            facts["register"], int(float(facts["generation"])), int(float(facts["last_number"])), written, version
        )
    except (KeyError, ValueError, OverflowError) as error:
        raise InvalidWorkbook(problem=Text(N_("The sheet {sheet} was changed."), {"sheet": INFO_SHEET})) from error
    with contextlib.suppress(KeyError, ValueError, OverflowError):  # workbooks of before do not say it
        info.rows = int(float(facts["rows"]))
    return info


def _prospects(sheet: list[list[Any]], info: Info, own: bool) -> Content:
    head, body = (sheet[0], sheet[1:]) if sheet else ([], [])
    numbered = [(number, row) for number, row in enumerate(body, 2) if any(row) or any(cell != "" for cell in row)]
    rows = [row for _, row in numbered]
    places, others = _columns(head, rows)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(head)
    values, bad = {}, []
    for code in schema.CODES:
        place = None if code in _COMPUTED else places.get(code)
        cells = [""] * len(rows) if place is None else columns[place]
        values[code], wrong = as_written(code, cells) if own else understood(code, cells)
        bad += [(code, cells[n], n) for n in wrong]
    frame = table(values)
    extras = pd.DataFrame(
        {n: pd.Series(list(columns[p]), dtype=object) for n, p in others.items()}, index=range(len(rows))
    )
    content = Content(frame, extras, info, places=places, rows=[number for number, _ in numbered])
    content.problems = [Problem(content.cell(n, code), values["id"][n], code, shown(cell)) for code, cell, n in bad]
    return content


def _columns(head: list[Any], rows: list[list[Any]]) -> tuple[dict[str, int], dict[str, int]]:
    """Where the columns of the schema stand, by code, and those of others, by name."""
    places: dict[str, int] = {}
    others: dict[str, int] = {}
    for place, cell in enumerate(head):
        title = shown(cell)[: schema.MAX_TEXT // 2]
        code = schema.code_of_heading(title)
        if code and code not in places:
            places[code] = place
        elif title or any(row[place] != "" for row in rows):
            name = title or xl_rowcol_to_cell(0, place)
            others[name if name not in others else f"{name} ({place + 1})"] = place
    if missing := [c for c in schema.REQUIRED_IN_WORKBOOK if c not in places]:
        names = ", ".join(schema.heading(c, "fi") for c in missing)
        raise InvalidWorkbook(problem=Text(N_("The column {columns} is missing."), {"columns": names}))
    return places, others


def _unread(content: Content, sheet: bytes) -> list[Problem]:
    """Cells with an error, or with a formula that nothing has computed: their value cannot be known."""
    codes = {place: code for code, place in content.places.items() if code not in _COMPUTED}
    ids = dict(zip(content.rows, content.frame["id"], strict=True))
    found = []
    for cell in formulas(sheet):
        if cell.place and (cell.error or cell.value is None):
            row, column = xl_cell_to_rowcol(cell.place)
            if column in codes:
                typed = f"={cell.formula}" if cell.formula else cell.value or ""
                found.append(Problem(cell.place, str(ids.get(row + 1, "")), codes[column], typed))
    return found
