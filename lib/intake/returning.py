"""A list that comes back edited: what the person changed, told three ways.

What the list said when it left is known from its fingerprints, what it says now from the file, and what the register
says now from the register. Nothing is changed here. Source of the merge: three-way, as in `lib.store.merge`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from xlsxwriter.utility import xl_cell_to_rowcol

from lib import cleaning, schema
from lib.errors import ImportRefused, Invalid
from lib.i18n import N_, Text
from lib.intake.checking import FIXED, ONCE, Check, Finding
from lib.intake.download import Download, SheetLike, fingerprints
from lib.intake.files import Value
from lib.intake.records import Record, with_lines
from lib.output.fingerprints import canonical, plain_columns
from lib.register import Register, id_of, number_of
from lib.schema import Kind
from lib.store.cells import understood

__all__ = ["Download", "compare", "fingerprints"]

KEPT = FIXED - ONCE  # never changed in a row that is there
_MARKS = frozenset({"id", "created_at", "created_by", "changed_at", "changed_by", "expires"})  # not what a row says
_BY_STATUS = frozenset({"status", "contacted", "offered", "decided"})  # filled in by the register where they are empty
_WHO = ("name", "organisation", "phone")

_NO_NUMBERS = N_(
    "The list has no column {column} any more, so nobody can tell which row is which. Bring the list back with that "
    "column."
)
_KEPT = N_("This cannot be changed in a list. The register keeps what it has.")
_LIFTED = N_("No marketing is not taken back or moved in a list: a manager does that on the row's page.")
_ROWS_KEPT = N_("Columns that cannot be changed in a list were changed as well. The register keeps what it has there.")
_UNKNOWN = N_("The number {id} was not in this list. Clear it, and the row is a new one.")
_TWICE = N_(
    "The number {id} stands in several rows. The one in row {row} counts for it; clear the number of the other, and it "
    "is a new row."
)
_SAME_NUMBER = N_("The same row stands there twice: see row {row}.")
_COPY_IN_FILE = N_("This row has no number and says the same as row {row}.")
_COPY = N_("This row has no number and says the same as {id}, which the register has.")
_GONE = N_("The prospect {id} was removed since the list was made. It stays removed.")
_RESTRICTED = N_("The processing of {id} was restricted since the list was made. Nothing of it is changed.")
_WAITS = N_("The prospect {id} waits for its removal.")
_CHANGED_SINCE = N_("Somebody changed this row since the list was made.")


def compare(
    download: Download, records: Sequence[Record], register: Register, *, today: dt.date, sheet: SheetLike | None = None
) -> Check:
    """What the edits in a list that comes back would do.

    New rows are "new" once they are complete; whether the register has somebody like them is not asked here.

    Args:
        download: what it said when it left.
        records: its rows as they are now.
        today: no date of the past may lie after it.
        sheet: the sheet that the records are from. With it, a cell that cannot be taken is still known as untouched.

    Raises:
        ImportRefused: the column of the numbers is gone.
    """
    if records and not any("id" in record.values or "id" in record.wrong for record in records):
        raise ImportRefused(_NO_NUMBERS, column=schema.heading("id", download.language))
    return _Comparison(download, records, register, today, sheet).check()


def _number(record: Record) -> str:
    """The number that a row says it has, in the register's form; as it stands where it is none."""
    typed = str(record.values.get("id") or "").strip().upper()
    if typed.isdecimal():
        return id_of(int(typed))
    return id_of(number_of(typed)) if number_of(typed) else typed


class _Comparison:
    """One comparison: the rows that the three sides have, by number, as plain values."""

    def __init__(
        self,
        download: Download,
        records: Sequence[Record],
        register: Register,
        today: dt.date,
        sheet: SheetLike | None,
    ) -> None:
        self._download, self._register, self._today, self._sheet = download, register, today, sheet
        self._region = register.region
        self._records = [record for record in records if record.wrong or any(map(_says, _all(record)))]
        there = [i for i in download.rows if i in register.positions]
        frame = register.frame.take([register.positions[i] for i in there])
        columns = plain_columns(frame, schema.CODES)
        self._now = {
            i: dict(zip(columns, values, strict=True))
            for i, values in zip(there, zip(*columns.values(), strict=True), strict=True)
        }

    # -- which row is which ---------------------------------------------------------------------------------------

    def check(self) -> Check:
        """The findings."""
        by_number: dict[str, list[Record]] = {}
        for record in self._records:
            by_number.setdefault(_number(record), []).append(record)
        unnumbered = by_number.pop("", [])
        found: list[Finding] = []
        deleted: list[Finding] = []
        for i, same in by_number.items():
            if i not in self._download.rows:
                why = Text(_UNKNOWN, {"id": i})
                found += [self._wrong(record, {"id": why}, i) for record in same]
                continue
            first = same[0] if len(same) == 1 else min(same, key=lambda record: self._distance(i, record))
            if self._is_cleared(i, first):
                deleted.append(self._missing(i, first))
            else:
                found.append(self._row(i, first))
            found += [self._again(i, first, record) for record in same if record is not first]
        found += [self._new(record) for record in unnumbered]
        found.sort(key=lambda finding: finding.record.number if finding.record else 0)
        deleted += [self._missing(i) for i in self._now if i not in by_number]
        order = {i: n for n, i in enumerate(self._download.rows)}
        deleted.sort(key=lambda finding: order[finding.id])
        return Check((*found, *deleted), self._register)

    def _distance(self, i: str, record: Record) -> int:
        """How many values of a row are other ones than the list said."""
        return sum(not self._untouched(i, code, record) for code in self._codes(record) if code != "id")

    def _again(self, i: str, first: Record, record: Record) -> Finding:
        """Another row with a number that counts for a row already."""
        where = {"id": i, "row": first.number}
        if all(self._canonical(code, first) == self._canonical(code, record) for code in self._codes(record)):
            return Finding("double", record, i, why=Text(_SAME_NUMBER, where))
        return self._wrong(record, {"id": Text(_TWICE, where)}, i)

    def _is_cleared(self, i: str, record: Record) -> bool:
        """Whether of a row nothing is left but its number: that is as good as deleted, unless it was one cell."""
        codes = [code for code in self._codes(record) if code not in _MARKS]
        if record.wrong or not codes or any(_says(record.values[code]) for code in codes):
            return False
        return sum(self._download.has(code) and not self._download.said(code, i, "") for code in codes) > 1

    def _missing(self, i: str, record: Record | None = None) -> Finding:
        if i not in self._now:
            return Finding("gone", record, i, why=Text(_GONE, {"id": i}))
        row = self._now[i]
        if row["restricted"]:
            return Finding("banned", record, i, why=Text(_RESTRICTED, {"id": i}))
        codes = [code for code in self._download.codes if code not in _MARKS]
        since = [c for c in codes if not self._download.said(c, i, canonical(c, row[c], self._region))]
        if row["objected"]:  # then these may have been left empty in the list
            since = [c for c in since if not self._download.said(c, i, "")]
        return Finding("deleted", record, i, why=Text(_CHANGED_SINCE) if since else None)

    # -- one row --------------------------------------------------------------------------------------------------

    def _codes(self, record: Record) -> Iterable[str]:
        """The columns of the schema that a row has in the file."""
        return [*record.values, *(code for code in record.wrong if code not in record.values)]

    def _canonical(self, code: str, record: Record) -> str:
        if code in record.wrong or code not in record.values:
            return str(self._raw(code, record) or "")
        return canonical(code, record.values[code], self._region)

    def _raw(self, code: str, record: Record) -> Value:
        """What stands in the file's cell, if that is known."""
        if self._sheet is None or code not in record.cells:
            return None
        row, column = xl_cell_to_rowcol(record.cells[code])
        rows = self._sheet.rows
        return rows[row][column] if row < len(rows) and column < len(rows[row]) else None

    def _untouched(self, i: str, code: str, record: Record) -> bool:
        """Whether a cell means what the list said, in whatever type it is written now."""
        if not self._download.has(code):
            return not _says(record.values.get(code)) and code not in record.wrong
        return any(self._download.said(code, i, meaning) for meaning in self._meanings(code, record))

    def _meanings(self, code: str, record: Record) -> Iterable[str]:
        """What a cell may mean, the likeliest first."""
        if code not in record.wrong:
            yield canonical(code, record.values[code], self._region)
        raw = self._raw(code, record)
        if raw is None:
            return
        yield str(raw)
        values, bad = understood(code, [raw])
        if not bad:
            yield canonical(code, values[0], self._region)
        if isinstance(raw, (int, float)) and schema.BY_CODE[code].kind in (Kind.PHONE, Kind.TEXT, Kind.LONG):
            # Written as a number, a text lost its plus, or the zeros in front of it.
            digits = str(int(raw)) if float(raw).is_integer() else str(raw)
            for front in ("", "+", "0", "00", "000"):
                yield canonical(code, front + digits, self._region)

    def _row(self, i: str, record: Record) -> Finding:
        """What becomes of a row that the list had."""
        if i not in self._now:
            return Finding("gone", record, i, why=Text(_GONE, {"id": i}))
        row = self._now[i]
        record = self._without_spilled(i, record, row)
        edits = _Edits()
        for code in self._codes(record):
            if code != "id" and (code in record.wrong or not _equal(record.values[code], row[code])):
                self._cell(i, code, record, row, edits)
        for heading, value in record.others.items():
            before = self._other(i, heading)
            if _says(value) and value != before:
                edits.others[heading] = (before, value)
        return self._finding(i, record, row, edits)

    def _without_spilled(self, i: str, record: Record, row: Mapping[str, Any]) -> Record:
        """The row without what came to its notes from cells that nobody touched."""
        if not record.spilled:
            return record
        lines = [line for code, line in record.spilled if not (code and self._untouched(i, code, record))]
        values, cells = dict(record.values), dict(record.cells)
        values.pop("notes", None)
        if lines or record.own_notes is not None:
            own = row["notes"] if record.own_notes is None else record.own_notes
            values["notes"] = with_lines(own, lines)
        if lines:
            cells.pop("notes", None)  # the cell alone no longer says it
        return replace(record, values=values, cells=cells)

    def _cell(self, i: str, code: str, record: Record, row: Mapping[str, Any], edits: _Edits) -> None:
        """Take in a cell that does not stand there as the register has it."""
        said = self._download.said
        ours = canonical(code, row[code], self._region)
        theirs = self._canonical(code, record)
        if theirs == ours and (theirs or code not in record.wrong):
            return
        if self._untouched(i, code, record):
            return
        if code in KEPT or (code == "objected" and row[code]):
            edits.kept[code] = Text(_LIFTED if code == "objected" else _KEPT)
        elif code in record.wrong:
            edits.wrong[code] = record.wrong[code]
        else:
            as_it_was = said(code, i, ours) if self._download.has(code) else not ours
            edited = edits.changes if as_it_was else edits.conflicts
            edited[code] = (row[code], record.values[code])

    def _finding(self, i: str, record: Record, row: Mapping[str, Any], edits: _Edits) -> Finding:
        record = self._without_untouched(i, record, edits)
        if not edits:
            return Finding("same", record, i)
        told: dict[str, Any] = {"changes": edits.changes, "conflicts": edits.conflicts, "others": edits.others}
        if row["restricted"]:
            return Finding("banned", record, i, why=Text(_RESTRICTED, {"id": i}), **told)
        taken = {code: after for code, (_, after) in {**edits.changes, **edits.conflicts}.items()}
        if not edits.wrong and taken:
            try:
                cleaning.clean_record(taken, today=self._today, region=self._region, base=row)
            except Invalid as error:
                edits.wrong.update(error.fields)
        nothing_else = not (taken or edits.others)
        if edits.wrong or nothing_else:
            return self._wrong(record, {**edits.wrong, **edits.kept}, i, **told)
        record = replace(record, warnings={**record.warnings, **edits.kept})
        why = Text(_ROWS_KEPT) if edits.kept else Text(_WAITS, {"id": i}) if row["removal_requested"] else None
        return Finding("conflict" if edits.conflicts else "change", record, i, why=why, **told)

    def _without_untouched(self, i: str, record: Record, edits: _Edits) -> Record:
        """The row without complaints about cells that nobody touched."""
        if not (record.wrong or record.warnings):
            return record
        edited = {*edits.changes, *edits.conflicts, *edits.kept, *edits.wrong}
        wrong = {code: why for code, why in record.wrong.items() if code in edited}
        return replace(record, wrong=wrong, warnings={c: why for c, why in record.warnings.items() if c in edited})

    def _wrong(self, record: Record, wrong: Mapping[str, Text], i: str = "", **told: Any) -> Finding:
        why = next(iter(wrong.values()))
        return Finding("wrong", replace(record, wrong={**record.wrong, **wrong}), i, why=why, **told)

    def _other(self, i: str, heading: str) -> Any:
        """What the register has in a column that the schema does not know."""
        extras = self._register.extras
        if heading not in extras.columns:
            return ""
        value = extras[heading].iat[self._register.positions[i]]
        return value if _says(value) else ""

    # -- new rows -------------------------------------------------------------------------------------------------

    def _new(self, record: Record) -> Finding:
        if copied := self._copied(record):
            return copied
        if record.wrong:
            return self._wrong(record, record.wrong)
        given = {code: value for code, value in record.values.items() if code not in _MARKS}
        try:
            cleaning.clean_record(given, today=self._today, region=self._region)
        except Invalid as error:
            return self._wrong(record, error.fields)
        return Finding("new", record)

    def _copied(self, record: Record) -> Finding | None:
        """The finding for the copy of a row that is in the file, or in the register; None for any other row."""
        for other in self._in_file.get(self._who(record.values), ()):
            if other is not record and _number(other):
                if self._same(record, {code: self._canonical(code, other) for code in self._codes(other)}):
                    return Finding("double", record, _number(other), why=Text(_COPY_IN_FILE, {"row": other.number}))
        for i in self._in_register.get(self._who(record.values), ()):
            if self._same(record, {c: canonical(c, v, self._region) for c, v in self._register.row(i).items()}):
                return Finding("double", record, i, why=Text(_COPY, {"id": i}))
        return None

    def _same(self, record: Record, said: Mapping[str, str]) -> bool:
        """Whether a row says what a new one does; what the register fills in may be empty in the new one."""
        new = {code: self._canonical(code, record) for code in self._codes(record) if code not in _MARKS}
        return all(said.get(code, "") == text for code, text in new.items() if text or code not in _BY_STATUS)

    def _who(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(canonical(c, values.get(c), self._region) for c in _WHO if c in self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        """The columns that the file has."""
        return frozenset(code for record in self._records[:1] for code in self._codes(record))

    @cached_property
    def _in_file(self) -> dict[tuple[str, ...], list[Record]]:
        found: dict[tuple[str, ...], list[Record]] = {}
        for record in self._records:
            found.setdefault(self._who(record.values), []).append(record)
        return found

    @cached_property
    def _in_register(self) -> dict[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = {}
        columns = plain_columns(self._register.frame, ["id", *_WHO])
        for i, *who in zip(*columns.values(), strict=True):
            found.setdefault(self._who(dict(zip(_WHO, who, strict=True))), []).append(i)
        return found


@dataclass
class _Edits:
    """What a person did to one row: what can be taken, what the register keeps, what cannot be taken."""

    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    conflicts: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    others: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    kept: dict[str, Text] = field(default_factory=dict)
    wrong: dict[str, Text] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changes or self.conflicts or self.others or self.kept or self.wrong)


def _says(value: Any) -> bool:
    return value is not None and value != "" and value == value


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are one as they stand; all kinds of empty are."""
    return bool(one == other) or not (_says(one) or _says(other))


def _all(record: Record) -> Iterable[Any]:
    yield from record.values.values()
    yield from record.others.values()
