"""The register in memory: one table and the operations on it. No file is touched here, and today is an argument.

A `Register` never changes: each operation gives a new one. What is costly to build (the search index, the blocks of
the duplicate check) is built once, when first asked for, and carried along.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from lib import cleaning, schema
from lib.changes import Change
from lib.duplicates import Blocks
from lib.errors import Invalid, NoSuchProspect, Stale
from lib.i18n import N_, Text
from lib.search import Index
from lib.table import FEW, Table

_NUMBER = re.compile(r"P-(\d{1,9})")

# The date that a status sets when a row first gets there.
STATUS_DATES = {"contacted": "contacted", "offer": "offered", "customer": "decided", "closed": "decided"}
# The interests that are offered: the most frequent ones, of a length that one takes in. Others can be written.
MOST_OFFERED, LONGEST_OFFERED = 500, 60
# Columns that no change may name: they are the register's own.
OWN = frozenset({"id", "created_at", "created_by", "changed_at", "changed_by", "expires"})


def number_of(prospect_id: str) -> int:
    """The number in an id, "P-000123" → 123; 0 where it is no id."""
    match = _NUMBER.fullmatch(prospect_id)
    return int(match[1]) if match else 0


def id_of(number: int) -> str:
    return f"P-{number:06d}"


@dataclass
class Register:
    """All prospects, as a table of `schema.CODES`, and the last number that was given."""

    table: Table
    last_number: int
    region: str = "FI"
    _index: Index | None = field(default=None, repr=False)
    _blocks: Blocks | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        extras: pd.DataFrame | None = None,
        last_number: int = 0,
        retention_years: int = 5,
        region: str = "FI",
    ) -> Register:
        """A register of a table; numbers that are missing, no numbers or doubled are given anew."""
        extras = pd.DataFrame(index=frame.index) if extras is None else extras
        numbers = [number_of(i) for i in frame["id"].tolist()]
        last = max([last_number, *numbers]) if numbers else last_number
        if 0 in numbers or len(set(numbers)) < len(numbers):
            seen: set[int] = set()
            for n, number in enumerate(numbers):
                if not number or number in seen:
                    numbers[n] = last = last + 1
                seen.add(numbers[n])
            frame = frame.assign(id=pd.Series([id_of(n) for n in numbers], index=frame.index, dtype="str"))
        return cls(Table(frame, extras, retention_years), last, region)

    def __len__(self) -> int:
        return len(self.table)

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def frame(self) -> pd.DataFrame:
        """One row per prospect, the schema's codes as columns. Text is `str` ("" when empty), dates datetime64."""
        return self.table.frame

    @property
    def extras(self) -> pd.DataFrame:
        """Columns that the schema does not know, row by row beside the table."""
        return self.table.extras

    @property
    def retention_years(self) -> int:
        return self.table.years

    @property
    def positions(self) -> Mapping[str, int]:
        """Where each prospect stands, by id."""
        return self.table.positions

    def position(self, prospect_id: str) -> int:
        """Where a prospect stands.

        Raises:
            NoSuchProspect: nowhere.
        """
        return self.table.position(prospect_id)

    @property
    def index(self) -> Index:
        """The search index."""
        if self._index is None:
            self._index = Index(self.frame, self.region)
        return self._index

    @property
    def blocks(self) -> Blocks:
        """The blocks of the duplicate check."""
        if self._blocks is None:
            self._blocks = Blocks(self.frame, self.region)
        return self._blocks

    @cached_property
    def interests(self) -> list[str]:
        """The interests that are offered, the most frequent first."""
        return _interests(self.frame["interests"])

    @cached_property
    def open_interests(self) -> list[str]:
        """The same without the rows that wait for removal."""
        return _interests(self.frame.loc[self.frame["removal_requested"].isna(), "interests"])

    def row(self, prospect_id: str) -> dict[str, Any]:
        """One prospect as plain values (see `schema.to_row`).

        Raises:
            NoSuchProspect
        """
        return self.table.row(prospect_id)

    # -- changes ----------------------------------------------------------------------------------------------

    def new_row(self, values: Mapping[str, Any], *, by: str, now: dt.datetime) -> dict[str, Any]:
        """A new row's cleaned values, without a number: received today, status new, whoever enters in charge.

        Raises:
            Invalid: with a text for each field that is wrong.
        """
        _refuse_own(values)
        defaults = {"received": now.date(), "status": "new", "owner": by}
        given = {**defaults, **{code: value for code, value in values.items() if value not in (None, "")}}
        cleaned, _ = cleaning.clean_record(given, today=now.date(), region=self.region)
        cleaned.update(status_dates({}, cleaned, now.date()))
        return {**cleaned, "created_at": now, "created_by": by, "changed_at": now, "changed_by": by}

    def adding(self, rows: Sequence[Mapping[str, Any]]) -> Change:
        """The change that adds rows, each with the next number."""
        last = self.last_number + len(rows)
        return Change(
            add=[{**row, "id": id_of(self.last_number + n)} for n, row in enumerate(rows, 1)], last_number=last
        )

    def updating(
        self,
        prospect_id: str,
        values: Mapping[str, Any],
        *,
        by: str,
        now: dt.datetime,
        seen: Mapping[str, Any] | None = None,
    ) -> Change:
        """The change that sets values in one row; an empty one where nothing differs.

        Args:
            seen: what the one who edits saw; a field that is no longer so refuses the change.

        Raises:
            NoSuchProspect, Invalid
            Stale: a seen value is no longer so.
        """
        _refuse_own(values)
        old = self.row(prospect_id)
        cleaned, _ = cleaning.clean_record(values, today=now.date(), region=self.region, base=old)
        changes = {code: value for code, value in cleaned.items() if value != old[code]}
        conflicts = {c: (v, old[c]) for c, v in (seen or {}).items() if v != old[c] and cleaned.get(c, v) != old[c]}
        if conflicts:
            raise Stale(conflicts, old["changed_by"])
        if not changes:
            return Change()
        if "received" in changes and old["received"] and changes["received"] > old["received"]:
            raise Invalid(
                {"received": Text(N_("The received date cannot be moved later: the retention period counts from it."))}
            )
        changes.update(status_dates(old, changes, now.date()))
        return Change(set={prospect_id: {**changes, "changed_at": now, "changed_by": by}})

    def removing(self, ids: Iterable[str]) -> Change:
        """The change that takes rows out.

        Raises:
            NoSuchProspect: one of them is not there.
        """
        ids = list(ids)
        for prospect_id in ids:
            if prospect_id not in self.table:
                raise NoSuchProspect(id=prospect_id)
        return Change(remove=ids)

    def applied(self, change: Change) -> Register:
        """The register after a change; itself after an empty one. Rows that are not there are passed over."""
        if not change and change.last_number <= self.last_number:
            return self
        table, last = self.table, max(self.last_number, change.last_number)
        index, blocks = self._index, self._blocks
        if change.remove:
            table, index, blocks = table.removed(change.remove), None, None
        if change.add:
            numbers = [number_of(str(row["id"])) for row in change.add]
            table = table.added(change.add)
            if numbers[0] <= self.last_number or numbers != sorted(numbers):  # rows that come back take their old place
                table, index = table.in_order(number_of), None
            last = max([last, *numbers])
        if change.set:
            table = table.changed(change.set)
        if change.others:
            table = table.with_others(change.others)
        touched = [*(str(row["id"]) for row in change.add), *(i for i in change.set if i in table)]
        if len(touched) > FEW:
            index = blocks = None  # building anew is faster than growing row by row
        elif index is not None or blocks is not None:
            for i in touched:
                row = table.row(i)
                blocks = None if blocks is None else blocks.with_row(row)
                index = None if index is None else index.with_row(table.position(i), row)
        return Register(table, last, self.region, index, blocks)

    def with_rules(self, retention_years: int, region: str) -> Register:
        """The register under other settings; itself where they are the same."""
        if (retention_years, region) == (self.retention_years, self.region):
            return self
        table = self.table if retention_years == self.retention_years else self.table.under(retention_years)
        return Register(table, self.last_number, region)


def _refuse_own(values: Mapping[str, Any]) -> None:
    for code in values:
        if code not in schema.BY_CODE or code in OWN:
            raise Invalid({code: Text(N_("This column cannot be set."))})


def status_dates(old: Mapping[str, Any], changes: Mapping[str, Any], today: dt.date) -> dict[str, dt.date]:
    """The date that a change of status sets: the first time only."""
    code = STATUS_DATES.get(changes.get("status", ""), "")
    return {code: today} if code and not old.get(code) and not changes.get(code) else {}


def _interests(cells: pd.Series[str]) -> list[str]:
    items: Counter[str] = Counter()
    for cell, count in cells.value_counts().items():
        offered = (item for item in str(cell).split(schema.SEPARATOR) if 0 < len(item) <= LONGEST_OFFERED)
        items.update(dict.fromkeys(offered, count))
    return [item for item, _ in items.most_common(MOST_OFFERED)]
