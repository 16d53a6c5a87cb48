"""The sides of a merge, and which row of one is which of another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lib import cleaning, schema
from lib.cleaning import FieldError
from lib.register import Register, id_of, number_of
from lib.store.reading import Content, Problem

# Only a manager sets these; from outside they wait.
PROTECTED = ("received", "hold_reason", "hold_until", "objected", "restricted", "removal_requested")
_REACH = ("email", "phone")
_WHO = ("name", "organisation", *_REACH)
OWN = frozenset({"id", "created_at", "created_by", "changed_at", "changed_by", "expires"})  # never taken from outside


@dataclass
class Sides:
    """`base` is the generation that the edits began from, `theirs` the edited workbook, `ours` the register.

    `codes` are the columns that are compared. `at_base` tells where a row stands in `base`; `known` where in `theirs`,
    for the rows that all three have; `fresh` are the places in `theirs` of rows whose number is new, doubled or none.
    `gone` are rows of which nothing may come back. `problems` are by the row in Excel. `places` tells the row in Excel
    of rows that an earlier save brought and whose number the sheet does not know; `doubtful` are the places in `theirs`
    of rows that stand where one of them stood that is gone.
    """

    base: Content
    theirs: Content
    ours: Register
    removed: Collection[str]
    places: Mapping[str, int] = field(default_factory=dict)
    codes: list[str] = field(init=False)
    at_base: dict[str, int] = field(init=False)
    gone: Collection[str] = field(init=False)
    problems: dict[int, list[Problem]] = field(init=False)
    known: dict[str, int] = field(default_factory=dict, init=False)
    fresh: list[int] = field(default_factory=list, init=False)
    doubtful: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.codes = [code for code in schema.CODES if code in self.theirs.codes and code not in OWN]
        self.at_base = {i: n for n, i in enumerate(self.base.frame["id"])}
        self.gone = {*self.removed, *(i for i in (*self.at_base, *self.places) if i not in self.ours.positions)}
        self.problems = {}
        for problem in self.theirs.problems:
            if problem.code in self.codes:
                self.problems.setdefault(problem.row, []).append(problem)
        self._match()
        if self.places:
            self._recognise()

    def _match(self) -> None:
        empty = self._empty()
        places: dict[str, list[int]] = {}
        for position, given in enumerate(self.theirs.frame["id"]):
            i = given
            if i not in self.at_base:
                number = number_of(given.strip().upper())
                i = id_of(number) if number else ""
            if i in self.gone:
                continue
            if i not in self.at_base:
                self.fresh.append(position)
            elif not empty[position]:  # else it was cleared, which is as good as missing
                places.setdefault(i, []).append(position)
        for i, found in places.items():
            self.known[i] = found[0] if len(found) == 1 else self._closest(i, found)
            self.fresh += [position for position in found if position != self.known[i]]
        self.fresh.sort()

    def _recognise(self) -> None:
        """Find the fresh rows that came in with an earlier save: they have a number that the sheet does not know."""
        fresh = dict(zip(self.fresh, rows_of(self.theirs.frame, self.fresh), strict=True))
        waiting = [i for i in self.places if i in self.at_base and i not in self.gone and i not in self.known]
        lost = dict(zip(waiting, rows_of(self.base.frame, [self.at_base[i] for i in waiting]), strict=True))
        for marks in (self._whole, self._here, self._anywhere):
            found: dict[Any, list[int]] = {}
            for position, row in fresh.items():
                for mark in marks(row, self.theirs.rows[position]):
                    found.setdefault(mark, []).append(position)
            for i, row in list(lost.items()):
                alike = [p for mark in marks(row, self.places[i]) for p in found.get(mark, ()) if p in fresh]
                if alike:
                    self.known[i] = alike[0]
                    del fresh[alike[0]], lost[i]
        self.fresh = list(fresh)
        removed = {row for i, row in self.places.items() if i in self.gone}
        self.doubtful = {position for position in fresh if self.theirs.rows[position] in removed}

    def _whole(self, row: Mapping[str, Any], place: int) -> list[Any]:
        return [tuple(self.cleaned(code, row[code]) for code in self.codes)]

    def _here(self, row: Mapping[str, Any], place: int) -> list[Any]:
        return [(place, code, said) for code in _WHO if (said := self.cleaned(code, row[code]))]

    def _anywhere(self, row: Mapping[str, Any], place: int) -> list[Any]:
        return [name_key(row), *((code, said) for code in _REACH if (said := self.cleaned(code, row[code])))]

    def _closest(self, i: str, found: list[int]) -> int:
        """Of several rows with a number the one that is most like what it was: Excel puts a copy above its original."""
        before = rows_of(self.base.frame, [self.at_base[i]])[0]
        rows = rows_of(self.theirs.frame, found)
        differing = [sum(not self.same(code, row[code], before[code]) for code in self.codes) for row in rows]
        return found[differing.index(min(differing))]

    def _empty(self) -> list[bool]:
        """The rows without a value, or a cell that could not be understood, in a column of the schema."""
        empty = np.ones(len(self.theirs.frame), dtype=np.bool_)
        for code in self.codes:
            column = self.theirs.frame[code]
            empty &= (column.isna() if code in schema.DATE_CODES else column == "").to_numpy(dtype=np.bool_)
        return [bool(e) and row not in self.problems for e, row in zip(empty, self.theirs.rows, strict=True)]

    def said(self, table: pd.DataFrame, positions: Iterable[int]) -> int:
        """How many values some rows of a table have."""
        rows = table.iloc[list(positions)]
        return sum(int((rows[code].notna() & (rows[code] != "")).sum()) for code in self.codes)

    def cleaned(self, code: str, value: Any) -> Any:
        """A value as a form would take it; as it is where a form would not."""
        try:
            return cleaning.clean_value(code, value, self.ours.region)[0]
        except FieldError:
            return value

    def same(self, code: str, one: Any, other: Any) -> bool:
        """Whether two values are one once they are cleaned: Excel turns a phone into a number, and the like."""
        return bool(one == other) or bool(self.cleaned(code, one) == self.cleaned(code, other))


def rows_of(table: pd.DataFrame, positions: Any) -> list[dict[str, Any]]:
    """Some rows of a table as plain values."""
    return [schema.to_row(values) for values in table.iloc[positions].to_dict("records")]


def typed(value: Any) -> str:
    """A plain value as it was typed."""
    return value.isoformat() if isinstance(value, dt.date) else "" if value is None else str(value)


def cell(value: Any) -> Any:
    """A cell of somebody else's column: all kinds of empty are ""."""
    return "" if value is None or value == "" or value != value else value


def name_key(values: Mapping[str, Any]) -> tuple[str, str]:
    """Who a row is about, whatever the spaces."""
    return " ".join(values.get("name", "").split()), " ".join(values.get("organisation", "").split())
