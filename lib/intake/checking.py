"""What a table would do to the register, row by row. Nothing is changed here, and nothing guessed: a person decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib import cleaning, retention, schema
from lib.duplicates import Match, person_keys, same_name
from lib.errors import Invalid
from lib.i18n import N_, Text
from lib.intake.records import Record, with_lines
from lib.register import Register

# What a row of a table can be, in the order in which a person should look at them.
KINDS = ("conflict", "look_alike", "deleted", "change", "new", "wrong", "double", "banned", "past", "gone", "same")

# What no table changes in a row that exists. The received date and the source say how the data came, once and for all.
FIXED = frozenset(
    code
    for code in schema.CODES
    if schema.BY_CODE[code].set_by != "user" and code not in ("contacted", "offered", "decided")
) | {"received", "source", "source_detail"}
ONCE = frozenset({"objected"})  # a table may ban somebody, never lift a ban
_CLOSED = N_("Processing of this row is restricted, or its removal was asked for. Nothing in it changes.")


@dataclass(frozen=True)
class Finding:
    """One row of the table, and what the program makes of it.

    Attributes:
        kind: one of `KINDS`.
        record: None for a row of a download that the file no longer has.
        id: the row of the register that it is about.
        changes: code to (what the register has now, what the file says).
        conflicts: the same for fields that somebody else changed since the download.
        others: the same for columns of others.
        why: what to know about it.
    """

    kind: str
    record: Record | None = None
    id: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    others: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    why: Text | None = None

    @property
    def key(self) -> str:
        """What it is called in the decisions: the row's number in the file, or the number of the deleted row."""
        return str(self.record.number) if self.record else self.id


@dataclass(frozen=True)
class Check:
    """All findings, in the order of the file, and the register that they were made against."""

    findings: Sequence[Finding]
    register: Register


def check(
    records: Sequence[Record],
    register: Register,
    *,
    today: dt.date,
    gone: Collection[str] = (),
    erase: bool = False,
) -> Check:
    """Compare the rows of a foreign table with the register.

    Args:
        gone: numbers of rows that were removed for good.
        erase: an empty cell empties the field; else it says nothing.
    """
    return Check(list(_Checker(register, today, frozenset(gone), erase).findings(records)), register)


def with_lookalikes(made: Check, *, today: dt.date) -> Check:
    """The same, with the new rows of a list that came back compared with the register as those of any table are."""
    checker = _Checker(made.register, today, frozenset(), erase=False)
    for edited in made.findings:
        if edited.record and edited.kind in ("change", "conflict"):  # what says something else of these is a second row
            checker.met[edited.id] = edited.record.number
    findings = [
        checker.person(finding.record) if finding.kind == "new" and finding.record else finding
        for finding in made.findings
    ]
    return Check(findings, made.register)


class _Checker:
    def __init__(self, register: Register, today: dt.date, gone: Collection[str], erase: bool) -> None:
        self.register, self.today, self.gone, self.erase = register, today, gone, erase
        self.rows = Rows(register)
        self.met: dict[str, int] = {}  # rows of the register that a row of the file is about
        self.seen: dict[tuple[str, ...], list[Record]] = {}  # rows of the file, by what a person is known by

    def findings(self, records: Sequence[Record]) -> Iterator[Finding]:
        for record in records:
            yield self.finding(record)

    def finding(self, record: Record) -> Finding:
        if record.wrong:
            return Finding("wrong", record)
        number = str(record.values.get("id") or "")
        if number in self.gone:
            return Finding(
                "gone", record, number, why=Text(N_("This row was removed for good. It does not come back."))
            )
        if number in self.register.table:
            return self.about(record, number)
        return self.person(record)

    def person(self, record: Record) -> Finding:
        """The finding for a row that names no number of the register."""
        if double := self.double(record):
            return double
        alike = self.register.blocks.find(record.values)
        sure = [match.id for match in alike if self.same_person(record, match)]
        if len(sure) == 1:
            return self.about(record, sure[0])
        if alike:
            self.remember(record)
            return self.look_alike(record, [match.id for match in alike])
        return self.new(record)

    # -- new rows --------------------------------------------------------------------------------------------

    def new(self, record: Record) -> Finding:
        if lacks := lacking(record, self.today, self.register.region):
            code, why = next(iter(lacks.items()))
            field = Text(schema.BY_CODE[code].heading)
            return Finding("wrong", record, why=Text(N_("{field}: {problem}"), {"field": field, "problem": why}))
        self.remember(record)
        received, hold = record.values.get("received"), record.values.get("hold_until")
        ends = retention.expires(received, self.register.retention_years, hold)
        if ends and ends <= self.today:
            return Finding("past", record, why=Text(N_("Its retention period ended on {date}."), {"date": ends}))
        return Finding("new", record)

    def double(self, record: Record) -> Finding | None:
        """The finding for a row that is in the file already."""
        for keys in person_keys(record.values):
            for other in self.seen.get(keys, ()):
                if keys[0] == "name" or same_name(_name(record.values), _name(other.values)):
                    why = Text(N_("The same person as in row {number} of the file."), {"number": other.number})
                    return Finding("double", record, why=why)
        return None

    def remember(self, record: Record) -> None:
        for keys in person_keys(record.values):
            self.seen.setdefault(keys, []).append(record)

    # -- rows that exist -------------------------------------------------------------------------------------

    def look_alike(self, record: Record, ids: Sequence[str]) -> Finding:
        why = Text(N_("Looks like {ids}. Decide whether it is the same person."), {"ids": ", ".join(ids)})
        if self.is_closed(ids[0]):
            warned = replace(record, warnings={**record.warnings, "id": Text(_CLOSED)})
            return Finding("look_alike", warned, ids[0], why=why)
        changes, others = self.changes(record, ids[0]), self.others(record, ids[0])
        return Finding("look_alike", record, ids[0], changes, others=others, why=why)

    def is_closed(self, prospect_id: str) -> bool:
        """Whether nothing of a row may change."""
        return bool(self.rows.value(prospect_id, "restricted") or self.rows.value(prospect_id, "removal_requested"))

    def same_person(self, record: Record, match: Match) -> bool:
        """Whether it is surely one person. Colleagues may share a phone number, so the names have to agree; and of a
        name at an organisation there may be two, if phone or address say so."""
        there = {code: self.rows.value(match.id, code) for code in ("name", "organisation", "phone", "email")}
        if match.ground != "name":
            return same_name(_name(record.values), there["name"])
        one, other = person_keys(record.values), person_keys(there)
        contradicted = {key[0] for key in one} & {key[0] for key in other if key not in one} - {"name"}
        return bool(there["organisation"]) and one[-1:] == other[-1:] and not contradicted

    def about(self, record: Record, prospect_id: str) -> Finding:
        if prospect_id in self.met:
            why = Text(N_("Row {number} of the file is about the same row."), {"number": self.met[prospect_id]})
            return Finding("double", record, prospect_id, why=why)
        self.met[prospect_id] = record.number
        if self.is_closed(prospect_id):
            return Finding("banned", record, prospect_id, why=Text(_CLOSED))
        changes, others = self.changes(record, prospect_id), self.others(record, prospect_id)
        banned = Text(N_("This person has forbidden marketing.")) if self.rows.value(prospect_id, "objected") else None
        kind = "change" if changes or others else "banned" if banned else "same"
        return Finding(kind, record, prospect_id, changes, others=others, why=banned)

    def changes(self, record: Record, prospect_id: str) -> dict[str, tuple[Any, Any]]:
        found = {}
        for code, value in record.values.items():
            if code in FIXED and code not in ONCE:
                continue
            now = self.rows.value(prospect_id, code)
            if code == "notes" and record.spilled and not record.own_notes:  # the file has no notes in their place
                value = with_lines(now, [line for _, line in record.spilled])
            empty = value in (None, "")
            if value == now or (empty and (not self.erase or code in ("name", "organisation"))):
                continue
            if code in ONCE and now:
                continue
            found[code] = (now, value)
        return found

    def others(self, record: Record, prospect_id: str) -> dict[str, tuple[Any, Any]]:
        found = {}
        for name, value in record.others.items():
            now = self.rows.other(prospect_id, name)
            if value != now and (value not in (None, "") or (self.erase and now not in (None, ""))):
                found[name] = (now, value)
        return found


class Rows:
    """A register's values by row and column, quick to ask for; made once for many rows."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._columns: dict[str, list[Any]] = {}
        self._others: dict[str, list[Any]] = {}

    def value(self, prospect_id: str, code: str) -> Any:
        """A plain value, as `schema.to_row` gives it."""
        if code not in self._columns:
            column = self._register.frame[code]
            if code in schema.DATE_CODES:
                moments = column.astype(object).where(column.notna(), None).tolist()
                is_date = schema.BY_CODE[code].kind is schema.Kind.DATE
                self._columns[code] = [
                    None if m is None else m.date() if is_date else m.to_pydatetime() for m in moments
                ]
            else:
                self._columns[code] = column.tolist()
        return self._columns[code][self._register.positions[prospect_id]]

    def other(self, prospect_id: str, name: str) -> Any:
        """A value in a column of others; "" where there is no such column."""
        if name not in self._register.extras:
            return ""
        if name not in self._others:
            self._others[name] = ["" if v is None or v != v else v for v in self._register.extras[name].tolist()]
        return self._others[name][self._register.positions[prospect_id]]


def lacking(record: Record, today: dt.date, region: str) -> dict[str, Text]:
    """What a new row lacks, by code."""
    values = record.values
    enough = (values.get("name") or values.get("organisation")) and values.get("received") and values.get("source")
    detailed = values.get("source") != "public" or values.get("source_detail")
    if enough and detailed and bool(values.get("hold_reason")) == bool(values.get("hold_until")):
        return {}
    try:
        cleaning.clean_record({"received": None, **values}, today=today, region=region)
    except Invalid as error:
        return dict(error.fields)
    return {}


def _name(values: Mapping[str, Any]) -> str:
    return str(values.get("name") or "")
