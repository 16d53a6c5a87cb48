"""The register in memory: one table and the operations on it. No file is touched here, and today is an argument.

A `Register` never changes: each operation gives a new one. What is costly to build (the search index, the blocks of
the duplicate check) is built once, when first asked for, and carried along.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lib import retention, schema
from lib.duplicates import Blocks
from lib.errors import Invalid, NoSuchProspect, Stale
from lib.i18n import N_, Text
from lib.search import Index

_NUMBER = re.compile(r"P-(\d{1,9})")

# The date that a status sets when a row first gets there.
STATUS_DATES = {"contacted": "contacted", "offer": "offered", "customer": "decided", "closed": "decided"}
# Columns that no change may name: they are the register's own.
_OWN = frozenset({"id", "created_at", "created_by", "changed_at", "changed_by", "expires"})


def number_of(prospect_id: str) -> int:
    """The number in an id, "P-000123" → 123; 0 where it is no id."""
    match = _NUMBER.fullmatch(prospect_id)
    return int(match[1]) if match else 0


def id_of(number: int) -> str:
    return f"P-{number:06d}"


@dataclass
class Register:
    """All prospects, as a table of `schema.CODES`, and the last number that was given.

    `extras` are columns that the schema does not know, row by row beside the table.
    """

    frame: pd.DataFrame
    extras: pd.DataFrame
    last_number: int
    retention_years: int = 5
    region: str = "FI"
    _positions: dict[str, int] | None = field(default=None, repr=False)
    _index: Index | None = field(default=None, repr=False)
    _blocks: Blocks | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, frame: pd.DataFrame, extras: pd.DataFrame | None = None, last_number: int = 0, **rules: Any
    ) -> Register:
        """A register of a table; numbers that are missing, no numbers or doubled are given anew."""
        extras = pd.DataFrame(index=frame.index) if extras is None else extras
        numbers = [number_of(i) for i in frame["id"]]
        last = max([last_number, *numbers]) if numbers else last_number
        seen: set[int] = set()
        ids: list[str] = []
        for number in numbers:
            if not number or number in seen:
                number = last = last + 1
            seen.add(number)
            ids.append(id_of(number))
        register = cls(frame.assign(id=pd.Series(ids, index=frame.index, dtype="str")), extras, last, **rules)
        return register._with_expires()

    def _with_expires(self) -> Register:
        self.frame = self.frame.assign(expires=retention.expires_column(self.frame, self.retention_years))
        return self

    def __len__(self) -> int:
        return len(self.frame)

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def positions(self) -> dict[str, int]:
        if self._positions is None:
            self._positions = {i: n for n, i in enumerate(self.frame["id"])}
        return self._positions

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

    def position(self, prospect_id: str) -> int:
        """Where a prospect stands.

        Raises:
            NoSuchProspect: nowhere.
        """
        try:
            return self.positions[prospect_id]
        except KeyError:
            raise NoSuchProspect(id=prospect_id) from None

    def row(self, prospect_id: str) -> dict[str, Any]:
        """One prospect as plain values (see `schema.to_row`)."""
        return schema.to_row(self.frame.iloc[self.position(prospect_id)].to_dict())

    # -- changes ----------------------------------------------------------------------------------------------

    def new_row(self, values: Mapping[str, Any], *, by: str, now: dt.datetime) -> dict[str, Any]:
        """A new row's cleaned values, without a number: received today, status new, whoever enters in charge.

        Raises:
            Invalid: with a text for each field that is wrong.
        """
        _refuse_own(values)
        defaults = {"received": now.date(), "status": "new", "owner": by}
        given = {**defaults, **{code: value for code, value in values.items() if value not in (None, "")}}
        cleaned, _ = schema.clean_record(given, today=now.date(), region=self.region)
        cleaned.update(_status_dates({}, cleaned, now.date()))
        return {**cleaned, "created_at": now, "created_by": by, "changed_at": now, "changed_by": by}

    def added(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Register, list[str]]:
        """The register with rows after the others, each with the next number; and their ids."""
        ids = [id_of(self.last_number + n) for n in range(1, len(rows) + 1)]
        new = schema.to_frame({**row, "id": i} for row, i in zip(rows, ids, strict=True))
        new["expires"] = retention.expires_column(new, self.retention_years)
        frame = pd.concat([self.frame, new], ignore_index=True)
        extras = self.extras.reindex(range(len(frame)))
        index, blocks = self._index, self._blocks
        if len(rows) > 50:
            index = blocks = None  # building anew is faster than growing row by row
        else:
            for n in range(len(ids)):
                row = schema.to_row(new.iloc[n].to_dict())
                index = index.with_new(row) if index else None
                blocks = blocks.with_row(row) if blocks else None
        positions = {**self.positions, **{i: len(self) + n for n, i in enumerate(ids)}}
        return self._next(frame, extras, self.last_number + len(rows), positions, index, blocks), ids

    def updated(
        self,
        prospect_id: str,
        values: Mapping[str, Any],
        *,
        by: str,
        now: dt.datetime,
        seen: Mapping[str, Any] | None = None,
    ) -> Register:
        """The register with changed values in one row; itself where nothing differs.

        Args:
            seen: what the one who edits saw; a field that is no longer so refuses the change.

        Raises:
            NoSuchProspect, Invalid
            Stale: a seen value is no longer so.
        """
        _refuse_own(values)
        position = self.position(prospect_id)
        old = self.row(prospect_id)
        cleaned, _ = schema.clean_record(values, today=now.date(), region=self.region, base=old)
        changes = {code: value for code, value in cleaned.items() if value != old[code]}
        conflicts = {c: (v, old[c]) for c, v in (seen or {}).items() if v != old[c] and cleaned.get(c, v) != old[c]}
        if conflicts:
            raise Stale(conflicts, old["changed_by"])
        if not changes:
            return self
        if "received" in changes and old["received"] and changes["received"] > old["received"]:
            raise Invalid(
                {"received": Text(N_("The received date cannot be moved later: the retention period counts from it."))}
            )
        changes.update(_status_dates(old, changes, now.date()))
        changes.update(changed_at=now, changed_by=by)
        row = {**old, **changes}
        row["expires"] = retention.expires(row["received"], self.retention_years, row["hold_until"])
        # A column that stays the same is shared with the old table, not copied.
        columns = {}
        for code in {*changes, "expires"}:
            column = self.frame[code].copy()
            column.iloc[position] = pd.Timestamp(row[code]) if code in schema.DATE_CODES else row[code]  # None: NaT
            columns[code] = column
        return self._next(
            self.frame.assign(**columns),
            self.extras,
            self.last_number,
            self._positions,
            self._index.with_row(position, row) if self._index else None,
            self._blocks.with_row(row) if self._blocks else None,
        )

    def removed(self, ids: Iterable[str]) -> Register:
        """The register without some rows.

        Raises:
            NoSuchProspect: one of them is not there.
        """
        positions = [self.position(i) for i in ids]
        frame = self.frame.drop(index=positions).reset_index(drop=True)
        extras = self.extras.drop(index=positions).reset_index(drop=True)
        return self._next(frame, extras, self.last_number, None, None, None)

    def with_rules(self, retention_years: int, region: str) -> Register:
        """The register under other settings; itself where they are the same."""
        if (retention_years, region) == (self.retention_years, self.region):
            return self
        return Register(self.frame, self.extras, self.last_number, retention_years, region)._with_expires()

    def _next(
        self,
        frame: pd.DataFrame,
        extras: pd.DataFrame,
        last_number: int,
        positions: dict[str, int] | None,
        index: Index | None,
        blocks: Blocks | None,
    ) -> Register:
        return Register(frame, extras, last_number, self.retention_years, self.region, positions, index, blocks)


def _refuse_own(values: Mapping[str, Any]) -> None:
    for code in values:
        if code not in schema.BY_CODE or code in _OWN:
            raise Invalid({code: Text(N_("This column cannot be set."))})


def _status_dates(old: Mapping[str, Any], changes: Mapping[str, Any], today: dt.date) -> dict[str, dt.date]:
    code = STATUS_DATES.get(changes.get("status", ""), "")
    return {code: today} if code and not old.get(code) and not changes.get(code) else {}
