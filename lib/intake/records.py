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
from lib.cleaning import FieldError, clean_email, clean_list, clean_text, clean_value
from lib.i18n import N_, Text
from lib.intake import synonyms, values
from lib.intake.files import Value
from lib.intake.headings import Table
from lib.intake.looks import is_no_tick, is_tick
from lib.intake.matching import NOTES, Column, Matching, kept_names, letters, shown
from lib.intake.phones import phone_of
from lib.schema import BY_CODE, Kind
from lib.search import fold

_UNKNOWN = N_("“{value}” is not known here. These are: {words}.")
_UNREAD = N_("This cell holds an error or a formula that was never computed. Open the file in Excel and save it.")
_FUTURE = N_("The date is in the future. Choose today or an earlier day.")
_SEVERAL = N_("The first of several is taken; the others are kept in the notes.")
_NO_USER = N_("No user is called {name}. It is kept in the notes.")
_BAN = N_("The file gives no date of the ban: {date} is entered.")
_NO_DATE = N_("The file gives no date. It is kept in the notes.")
_SERIAL = N_("The number {value} was read as the date {date}. Check it.")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_BETWEEN_PHONES = re.compile(r"\s*[;,|\n]\s*|\s+/\s+|\s+tai\s+|\s+or\s+|\s+eller\s+|/(?=\s*[+0])")
_BETWEEN_EMAILS = re.compile(r"[\s;,|/]+(?:tai\s+|or\s+)?")


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
        self._table, self._matching, self._today, self._region = table, matching, today, region
        self._users = {fold(name): user for user, shown_as in users.items() for name in (shown_as, user)}
        self._users.update({user: user for user in users})
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
            name = column.heading or column_name(column)
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
        convert = self._converter(code, column)
        formats, unread = self._table.formats, self._table.unread
        position, is_phone = column.position, BY_CODE[code].kind is Kind.PHONE
        known: dict[Any, _Found] = {}
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
                made = known[key] = _tried(convert, cell, form, empty)
            found.append(made.value)
            if made.more:
                self._tell(code, row, made)
        return found

    def _tell(self, code: str, row: int, made: _Found) -> None:
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

    # -- one value ----------------------------------------------------------------------------------------------

    def _converter(self, code: str, column: Column) -> Callable[[Value, str], _Found]:
        match BY_CODE[code].kind:
            case Kind.PHONE:
                return lambda cell, form: self._phone(cell, form, column)
            case Kind.EMAIL:
                return lambda cell, _: _email(cell, column)
            case Kind.DATE | Kind.TIME:
                return lambda cell, _: self._date(code, cell, column)
            case Kind.CHOICE:
                return lambda cell, _: _choice(code, cell)
            case Kind.USER:
                return lambda cell, _: self._user(code, cell, column)
            case _:
                return lambda cell, _: _Found(*clean_value(code, shown(cell), self._region))

    def _phone(self, cell: Value, form: str, column: Column) -> _Found:
        if isinstance(cell, str):
            clean_text(cell, limit=schema.SHORT_TEXT)
            pieces = [piece for piece in _BETWEEN_PHONES.split(cell.strip()) if piece]
            if len(pieces) > 1:
                made = [phone_of(piece, "", self._region) for piece in pieces]
                if all(number.startswith("+") for number, _ in made):
                    first, warning = made[0]
                    return _Found(first, warning or Text(_SEVERAL), spilled=f"{_heading(column)}: {cell.strip()}")
        return _Found(*phone_of(cell, form, self._region))

    def _date(self, code: str, cell: Value, column: Column) -> _Found:
        if code in ("objected", "informed") and not isinstance(cell, (dt.date, dt.datetime)):
            if is_no_tick(cell):
                return _Found(None)
            if is_tick(cell) and code == "objected":
                return _Found(self._today, Text(_BAN, {"date": shown(self._today)}))
            if is_tick(cell):
                return _Found(None, Text(_NO_DATE), spilled=f"{_heading(column)}: {shown(cell)}")
        moment, guessed = values.moment_of(cell, order=column.order, date1904=self._table.date1904)
        if moment is None:
            return _Found(None)
        if moment.year not in schema.YEARS:
            raise FieldError(N_("This is not a date."))
        day = moment.date()
        if BY_CODE[code].past and day > self._today:
            raise FieldError(_FUTURE)
        warning = Text(_SERIAL, {"value": shown(cell), "date": shown(day)}) if guessed else None
        return _Found(moment if BY_CODE[code].kind is Kind.TIME else day, warning)

    def _user(self, code: str, cell: Value, column: Column) -> _Found:
        name = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False)
        user = self._users.get(name) or self._users.get(fold(name))
        if user or code != "owner":
            return _Found(user or name)
        if not name:
            return _Found("")
        return _Found("", Text(_NO_USER, {"name": name}), spilled=f"{_heading(column)}: {name}")


@dataclass(frozen=True)
class _Found:
    """What became of a cell."""

    value: Any
    warning: Text | None = None
    wrong: Text | None = None
    spilled: str = ""
    detail: str = ""

    @property
    def more(self) -> bool:
        """Whether there is anything to tell beside the value."""
        return bool(self.warning or self.wrong or self.spilled or self.detail)


def _tried(convert: Callable[[Value, str], _Found], cell: Value, form: str, empty: Any) -> _Found:
    try:
        return convert(cell, form)
    except FieldError as error:
        return _Found(empty, wrong=error.text)


def _email(cell: Value, column: Column) -> _Found:
    text = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False).removeprefix("mailto:").strip()
    local, _, domain = text.partition("@")
    if len(text) < 100 and len(local) < 60 and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain):
        if _is_domain(domain):  # what the validator says of the domain holds for every such address
            return _Found(text)
    pieces = [piece for piece in _BETWEEN_EMAILS.split(text) if piece]
    if len(pieces) > 1 and all("@" in piece for piece in pieces):
        addresses = [clean_email(piece) for piece in pieces]
        return _Found(addresses[0], Text(_SEVERAL), spilled=f"{_heading(column)}: {text}")
    if named := re.fullmatch(r"[^<>]*<([^<>\s]+@[^<>\s]+)>", text):
        return _Found(clean_email(named[1]), Text(_SEVERAL), spilled=f"{_heading(column)}: {text}")
    return _Found(clean_email(text))


_domains: dict[str, bool] = {}


def _is_domain(domain: str) -> bool:
    if domain not in _domains:
        if len(_domains) > 50_000:
            _domains.clear()
        try:
            _domains[domain] = clean_email(f"a@{domain}") == f"a@{domain}"
        except FieldError:
            _domains[domain] = False
    return _domains[domain]


def _choice(code: str, cell: Value) -> _Found:
    text = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False)
    if not text or text in ("-", "–"):
        return _Found("")
    choice = synonyms.choice_of(code, text)
    if choice is None:
        raise FieldError(_UNKNOWN, value=text[:60], words=_words(list(BY_CODE[code].choices.values())))
    return _Found(choice, detail=text if code == "source" and synonyms.says_more(text) else "")


def _words(labels: Sequence[str]) -> Text:
    """Labels with commas between, said in the language of whoever reads them."""
    if len(labels) == 1:
        return Text(labels[0])
    return Text(N_("{first}, {others}"), {"first": Text(labels[0]), "others": _words(labels[1:])})


def column_name(column: Column) -> str:
    """What a column without a heading is called."""
    return letters(column.position)


def _heading(column: Column) -> str:
    return column.heading or column_name(column)
