"""From what was found and what a person decided to one change of the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib.changes import Change
from lib.duplicates import person_keys, same_name
from lib.errors import Moved
from lib.intake.checking import Check, Finding, Rows
from lib.register import OWN, Register, id_of, number_of, status_dates

# What can be decided about each kind of finding; the first is what happens unasked.
CHOICES: dict[str, tuple[str, ...]] = {
    "conflict": ("part", "take", "leave"),
    "look_alike": ("leave", "add", "take"),
    "deleted": ("leave", "request_removal"),
    "change": ("take", "leave"),
    "new": ("add", "leave"),
    "double": ("leave", "add"),
    "wrong": ("leave",),
    "banned": ("leave",),
    "past": ("leave",),
    "gone": ("leave",),
    "same": ("leave",),
}


def choices(finding: Finding) -> tuple[str, ...]:
    """What can be decided about a finding: nothing is taken from a look-alike that changes nothing."""
    if finding.kind == "look_alike" and not (finding.changes or finding.others):
        return ("leave", "add")
    return CHOICES[finding.kind]


@dataclass(frozen=True)
class Decisions:
    """What a person decided.

    Attributes:
        kinds: for all findings of a kind.
        rows: for one finding, by its key; it counts more.
        without: the columns that are not taken from a finding, by its key.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, finding: Finding) -> str:
        """What happens to a finding."""
        decided = self.rows.get(finding.key) or self.kinds.get(finding.kind, "")
        return decided if decided in choices(finding) else choices(finding)[0]

    def for_row(self, key: str, decision: str) -> Decisions:
        return replace(self, rows={**self.rows, key: decision})

    def for_kind(self, kind: str, decision: str, keys: Collection[str]) -> Decisions:
        """A decision for all of a kind, whose `keys` lose their own ones."""
        rows = {key: kept for key, kept in self.rows.items() if key not in keys}
        return replace(self, kinds={**self.kinds, kind: decision}, rows=rows)

    def leaving_out(self, key: str, codes: Collection[str]) -> Decisions:
        return replace(self, without={**self.without, key: frozenset(codes)})


@dataclass(frozen=True)
class Draft:
    """What is to be changed, and what was seen when that was decided.

    Attributes:
        add: values of new rows, each with its cells in columns of others.
        set: for each row of the register, code to (what was seen, the new value).
        others: for each row, column of others to (what was seen, the new value).
        request_removal: rows whose removal is asked for.
        last_number: the last number that the register had given.
    """

    add: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = ()
    set: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    request_removal: Sequence[str] = ()
    last_number: int = 0

    def __bool__(self) -> bool:
        return bool(self.add or self.set or self.others or self.request_removal)


def draft(check: Check, decisions: Decisions) -> Draft:
    """What the findings and decisions amount to."""
    add: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    set_: dict[str, dict[str, tuple[Any, Any]]] = {}
    others: dict[str, dict[str, tuple[Any, Any]]] = {}
    removal: list[str] = []
    for finding in check.findings:
        decision = decisions.of(finding)
        if decision == "add" and finding.record:
            values = {code: value for code, value in finding.record.values.items() if value not in (None, "")}
            cells = {name: value for name, value in finding.record.others.items() if value not in (None, "")}
            add.append((values, cells))
        elif decision == "request_removal":
            removal.append(finding.id)
        elif decision in ("take", "part"):
            without = decisions.without.get(finding.key, frozenset())
            both = {**finding.changes, **(finding.conflicts if decision == "take" else {})}
            if taken := {code: pair for code, pair in both.items() if code not in without}:
                set_.setdefault(finding.id, {}).update(taken)  # several rows may be about one
            if edited := {name: pair for name, pair in finding.others.items() if name not in without}:
                others.setdefault(finding.id, {}).update(edited)
    return Draft(add, set_, others, removal, check.register.last_number)


def left_out(check: Check, decisions: Decisions) -> Iterator[Finding]:
    """The rows of the file that the register does not get, but for those that it has already."""
    for finding in check.findings:
        if finding.record and finding.kind != "same" and decisions.of(finding) == "leave":
            yield finding


def change(draft: Draft, register: Register, *, by: str, now: dt.datetime) -> Change:
    """The change on a register that may have moved on since the check.

    Raises:
        Moved: rows that it is about were changed meanwhile, or somebody entered one of its new people; the check has
            to be made again.
    """
    rows = Rows(register)
    _refuse_moved(draft, register, rows)
    _refuse_entered(draft, register)
    marks = {"changed_at": now, "changed_by": by}
    made = {"created_at": now, "created_by": by, **marks}
    add: list[dict[str, Any]] = []
    set_: dict[str, dict[str, Any]] = {}
    others: dict[str, dict[str, Any]] = {}
    for number, (values, cells) in enumerate(draft.add, register.last_number + 1):
        row = {"status": "new", **{code: value for code, value in values.items() if code not in OWN}}
        add.append({**row, **status_dates({}, row, now.date()), **made, "id": id_of(number)})
        for name, value in cells.items():
            others.setdefault(name, {})[id_of(number)] = value
    for prospect_id, fields in draft.set.items():
        values = {code: value for code, (_, value) in fields.items()}
        old = {code: rows.value(prospect_id, code) for code in ("contacted", "offered", "decided")}
        set_[prospect_id] = {**values, **status_dates(old, values, now.date()), **marks}
    for prospect_id, fields in draft.others.items():
        set_.setdefault(prospect_id, dict(marks))
        for name, (_, value) in fields.items():
            others.setdefault(name, {})[prospect_id] = value
    for prospect_id in draft.request_removal:
        asked = rows.value(prospect_id, "removal_requested") or now.date()  # the first day counts, not the last
        set_[prospect_id] = {"removal_requested": asked, **marks}
    return Change(add, set_, others=others, last_number=register.last_number + len(add) if add else 0)


def _refuse_moved(draft: Draft, register: Register, rows: Rows) -> None:
    moved = []
    for prospect_id in {*draft.set, *draft.others, *draft.request_removal}:
        if prospect_id not in register.table or rows.value(prospect_id, "restricted"):
            moved.append(prospect_id)
            continue
        seen = draft.set.get(prospect_id, {})
        cells = draft.others.get(prospect_id, {})
        if any(rows.value(prospect_id, code) != was for code, (was, _) in seen.items()) or any(
            rows.other(prospect_id, name) != was for name, (was, _) in cells.items()
        ):
            moved.append(prospect_id)
    if moved:
        raise Moved(sorted(moved, key=number_of))


def _refuse_entered(draft: Draft, register: Register) -> None:
    """Refuse new rows that are there by now."""
    if register.last_number == draft.last_number:
        return
    newer = [i for i in register.frame["id"].tolist() if number_of(i) > draft.last_number]
    known: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for prospect_id in newer:
        row = register.row(prospect_id)
        for keys in person_keys(row):
            known.setdefault(keys, []).append((prospect_id, row["name"]))
    met = {
        prospect_id
        for values, _ in draft.add
        for keys in person_keys(values)
        for prospect_id, name in known.get(keys, ())
        if same_name(str(values.get("name") or ""), name)
    }
    if met:
        raise Moved(sorted(met, key=number_of))
