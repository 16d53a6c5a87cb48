"""A table whose columns are matched becomes records: values of the schema, or why they cannot be taken.

Work goes column by column, and what is said again and again is cleaned once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import schema
from lib.cleaning import FieldError, clean_list, clean_text, clean_value
from lib.i18n import N_, Text
from lib.intake import synonyms
from lib.intake.conversion import Conversion, Found, column_name, heading, tried
from lib.intake.files import Value
from lib.intake.headings import Table
from lib.intake.looks import is_no_tick, is_tick
from lib.intake.matching import NOTES, Column, Matching, kept_names, letters, shown
from lib.schema import BY_CODE, Kind

_UNREAD = N_("This cell holds an error or a formula that was never computed. Open the file in Excel and save it.")


class Cells(Mapping[str, str]):
    """Where the values of a row stand in the file, by code: "C12". Made when asked for, since few are."""

    __slots__ = ("_columns", "_number")

    def __init__(self, columns: Mapping[str, str], number: int) -> None:
        self._columns, self._number = columns, number

    def __getitem__(self, code: str) -> str:
        return f"{self._columns[code]}{self._number}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True)
class Record:
    """A row of a file as the register would hold it. Whether a new row has all that it needs is not asked here."""

    number: int  # the row's number in the file
    values: dict[str, Any]  # by code, cleaned; "" or None where empty; only codes that a column or a statement is for
    others: dict[str, Value] = field(default_factory=dict)  # columns that are kept beside the schema's, by name
    wrong: dict[str, Text] = field(default_factory=dict)  # by code: why a value cannot be taken
    warnings: dict[str, Text] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    spilled: Sequence[tuple[str, str]] = ()  # lines at the end of the notes, each with the code that it is from, or ""
    own_notes: str | None = None  # the notes without those; None where the file has no column for them


def with_lines(text: str, lines: Iterable[str]) -> str:
    """A text with the lines below it that it does not have yet."""
    there = text.split("\n") if text else []
    return "\n".join([*there, *(line for line in lines if line not in there)])


def records(table: Table, matching: Matching, *, today: dt.date, region: str, users: Mapping[str, str]) -> list[Record]:
    """The rows of a table as records.

    Args:
        today: no date of the past may lie after it.
        region: where phone numbers without a country code are from.
        users: user name -> display name; the column of the sales person in charge may hold either.
    """
    work = _Work(table, matching, today, region, users)
    for code in schema.CODES:
        if columns := matching.of(code):
            work.convert(code, columns)
    work.state()
    work.note()
    return work.records()


class _Work:
    """The columns as they become values, row by row in lists."""

    def __init__(self, table: Table, matching: Matching, today: dt.date, region: str, users: Mapping[str, str]) -> None:
        self._table, self._matching, self._region = table, matching, region
        self._conversion = Conversion(table.date1904, today, region, users)
        self._values: dict[str, list[Any]] = {}
        self._wrong: dict[int, dict[str, Text]] = {}
        self._warnings: dict[int, dict[str, Text]] = {}
        self._spilled: dict[int, list[tuple[str, str]]] = {}  # what belongs to the notes of a row, with its code
        self._own_notes: list[str] = []
        self._details: dict[int, str] = {}  # words of a source that say more than the choice
        self._letters: dict[str, str] = {}

    def convert(self, code: str, columns: Sequence[Column]) -> None:
        """Make the values of a code from its columns."""
        self._letters[code] = letters(columns[0].position)
        if code == "interests":
            self._values[code] = self._joined(code, columns, self._interests)
        elif len(columns) > 1 or columns[0].part not in ("", "street"):
            ordered = self._in_order(code, columns)
            parts = [column.part for column in ordered]
            self._values[code] = self._joined(code, ordered, lambda cells, columns: self._parts(cells, columns, parts))
        else:
            self._values[code] = self._column(code, columns[0])

    def state(self) -> None:
        """Put what is stated once where a row says nothing."""
        stated = self._matching
        n = len(self._table.rows)
        received = self._values.setdefault("received", [None] * n) if stated.received else []
        for row, value in enumerate(received):
            if value is None and "received" not in self._wrong.get(row, ()):
                received[row] = stated.received
        if stated.source_detail or self._details:
            self._values.setdefault("source_detail", [""] * n)
        if stated.source:
            sources = self._values.setdefault("source", [""] * n)
            for row, value in enumerate(sources):
                if not value and "source" not in self._wrong.get(row, ()):
                    sources[row] = stated.source
                    if stated.source_detail and not self._values["source_detail"][row]:
                        self._values["source_detail"][row] = stated.source_detail
        for row, word in self._details.items():
            if not self._values["source_detail"][row]:
                self._values["source_detail"][row] = word

    def note(self) -> None:
        """Put the columns that go to the notes, and what else must not get lost, below the notes of their rows."""
        for column in self._matching.of(NOTES):
            name = heading(column)
            for row, cells in enumerate(self._table.rows):
                if text := shown(cells[column.position]):
                    self._spilled.setdefault(row, []).append(("", f"{name}: {text}"))
        if not self._spilled:
            return
        self._own_notes = [*self._values.get("notes", ())]
        notes = self._values.setdefault("notes", [""] * len(self._table.rows))
        for row, lines in self._spilled.items():
            try:
                notes[row] = clean_text(
                    "\n".join([*([notes[row]] if notes[row] else []), *(line for _, line in lines)])
                )
            except FieldError as error:
                self._wrong.setdefault(row, {})["notes"] = error.text

    def records(self) -> list[Record]:
        kept = kept_names(self._matching)
        codes = [code for code in schema.CODES if code in self._values]
        columns = zip(*(self._values[code] for code in codes), strict=True) if codes else [()] * len(self._table.rows)
        made = []
        for row, found in enumerate(columns):
            number, cells = self._table.numbers[row], self._table.rows[row]
            made.append(
                Record(
                    number,
                    dict(zip(codes, found, strict=True)),
                    {name: cells[position] for position, name in kept.items()},
                    self._wrong.get(row, {}),
                    self._warnings.get(row, {}),
                    Cells(self._letters, number),
                    self._spilled.get(row, ()),
                    self._own_notes[row] if self._own_notes else None,
                )
            )
        return made

    # -- columns ----------------------------------------------------------------------------------------------

    def _column(self, code: str, column: Column) -> list[Any]:
        """One column's values; what stands in many cells is converted once."""
        convert = self._conversion.of(code, column)
        formats, unread = self._table.formats, self._table.unread
        position, is_phone = column.position, BY_CODE[code].kind is Kind.PHONE
        known: dict[Any, Found] = {}
        empty = schema.EMPTY[code]
        found = []
        for row, cells in enumerate(self._table.rows):
            cell = cells[position]
            if cell is None:
                found.append(empty)
                continue
            if unread and (row, position) in unread:
                self._wrong.setdefault(row, {})[code] = Text(_UNREAD)
                found.append(empty)
                continue
            form = formats.get((row, position), "") if is_phone else ""
            key = (type(cell), cell, form)
            made = known.get(key)
            if made is None:
                made = known[key] = tried(convert, cell, form, empty)
            found.append(made.value)
            if made.more:
                self._tell(code, row, made)
        return found

    def _tell(self, code: str, row: int, made: Found) -> None:
        if made.wrong:
            self._wrong.setdefault(row, {})[code] = made.wrong
        if made.warning:
            self._warnings.setdefault(row, {})[code] = made.warning
        if made.spilled:
            self._spilled.setdefault(row, []).append((code, made.spilled))
        if made.detail:
            self._details[row] = made.detail

    def _joined(self, code: str, columns: Sequence[Column], join: Callable[..., str]) -> list[str]:
        found: list[str] = []
        known: dict[Any, str] = {}
        unread, positions = self._table.unread, [column.position for column in columns]
        for row, cells in enumerate(self._table.rows):
            try:
                if unread and any((row, column.position) in unread for column in columns):
                    raise FieldError(_UNREAD)
                key = tuple([(type(cells[p]), cells[p]) for p in positions])
                value = known.get(key)
                if value is None:
                    value = known[key] = str(clean_value(code, join(cells, columns), self._region)[0])
                found.append(value)
            except FieldError as error:
                self._wrong.setdefault(row, {})[code] = error.text
                found.append("")
        return found

    def _in_order(self, code: str, columns: Sequence[Column]) -> list[Column]:
        order = {part: n for n, part in enumerate(synonyms.NAME_PARTS if code == "name" else synonyms.ADDRESS_PARTS)}
        return sorted(columns, key=lambda column: order.get(column.part, len(order)) if column.part else -1)

    def _parts(self, cells: Sequence[Value], columns: Sequence[Column], parts: Sequence[str]) -> str:
        """A name of first and last name, an address of its parts: "Katu 1, 00100 Helsinki"."""
        texts = [shown(cells[column.position]).strip() for column in columns]
        filled = [(part, text) for part, text in zip(parts, texts, strict=True) if text]
        if columns[0].target == "name":
            return " ".join(text for _, text in filled)
        if columns[0].target != "address":
            return "\n".join(text for _, text in filled)
        written, before = "", ""
        for part, text in filled:
            if part == "postcode" and text.isdecimal():
                text = text.rjust(5, "0") if self._region == "FI" else text
            written += (" " if before == "postcode" and part == "town" else ", " if written else "") + text
            before = part
        return written

    def _interests(self, cells: Sequence[Value], columns: Sequence[Column]) -> str:
        """Interests of a list, and of columns that are ticked: those give their heading."""
        items: list[str] = []
        for column in columns:
            cell = cells[column.position]
            if cell is None or is_no_tick(cell):
                continue
            if is_tick(cell):
                items.append(column.heading.rpartition(" / ")[2] or column_name(column))
            else:
                text = shown(cell)
                items += re.split(r"[;\n]" if ";" in text else r"[,\n]", text)
        return clean_list(items)
