"""Rows that were added in Excel: those that are complete come in, the others become questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from lib import cleaning, schema
from lib.cleaning import FieldError
from lib.errors import Invalid
from lib.register import id_of, status_dates
from lib.store.question import Question
from lib.store.sides import PROTECTED, Sides, cell, name_key, rows_of, typed

_BY_STATUS = frozenset({"status", "contacted", "offered", "decided"})  # filled in by the register where they are empty


class NewRows:
    """The new rows of an edited workbook.

    `add` are complete rows with the next numbers, `said` the same with nothing but what the file says, `places` where
    in Excel they stand, `others` what they say in columns of others, by the column's name and the row's number, and
    `questions` the rows that are not complete.
    """

    def __init__(self, sides: Sides, today: dt.date, now: dt.datetime, by: str) -> None:
        self._sides, self._today = sides, today
        self._marks = {"created_at": now, "created_by": by, "changed_at": now, "changed_by": by}
        self.add: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.places: dict[str, int] = {}
        self.others: dict[str, dict[str, Any]] = {}
        self.questions: list[Question] = []
        for position, row in zip(sides.fresh, rows_of(sides.theirs.frame, sides.fresh), strict=True):
            self._take(position, row)
        # A row of nothing but formulas that nothing has computed is in no table.
        for number in sorted(sides.problems.keys() - set(sides.theirs.rows)):
            self.questions.append(Question("new", where=str(number), typed="\n".join(self._problems(number))))

    def _take(self, position: int, row: Mapping[str, Any]) -> None:
        number, extras = self._sides.theirs.rows[position], self._sides.theirs.extras
        values, refused = self._cleaned(position, row)
        wrong = [*self._problems(number), *refused]
        others = {str(name): value for name in extras if (value := cell(extras[name].iat[position])) != ""}
        if not wrong and (self._is_copy(values) or not (values or others)):
            return
        if wrong or position in self._sides.doubtful or not self._is_complete(values):
            self.questions.append(Question("new", where=str(number), typed="\n".join(wrong), row=values, others=others))
            return
        i = id_of(self._sides.ours.last_number + len(self.add) + 1)
        self.said.append({"id": i, **values})
        self.places[i] = number
        values = {"status": "new", **values}
        self.add.append({"id": i, **values, **status_dates({}, values, self._today), **self._marks})
        for name, value in others.items():
            self.others.setdefault(name, {})[i] = value

    def _problems(self, number: int) -> list[str]:
        return [_said(problem.cell, problem.typed) for problem in self._sides.problems.get(number, ())]

    def _cleaned(self, position: int, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The values of a row that can be taken, and the cells that cannot."""
        values, refused = {}, []
        for code in self._sides.codes:
            try:
                value, _ = cleaning.clean_value(code, row[code], self._sides.ours.region)
            except FieldError:
                refused.append(_said(self._sides.theirs.cell(position, code), typed(row[code])))
                continue
            if value:
                values[code] = value
        return values, refused

    def _is_complete(self, values: Mapping[str, Any]) -> bool:
        """Whether a new row can come in as it is. One with a ban or a hold waits for a manager, as a whole."""
        if any(code in values for code in PROTECTED if code != "received"):
            return False
        try:
            cleaning.clean_record(values, today=self._today, region=self._sides.ours.region)
        except Invalid:
            return False
        return True

    def _is_copy(self, values: Mapping[str, Any]) -> bool:
        """Whether a row that is there, or was, says the same: copied, with or without its number."""
        for table, position in self._by_name.get(name_key(values), ()):
            row = schema.to_row(table.iloc[position].to_dict())
            compared = (code for code in self._sides.codes if code in values or code not in _BY_STATUS)
            if all(self._sides.same(code, values.get(code, schema.EMPTY[code]), row[code]) for code in compared):
                return True
        return False

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[tuple[pd.DataFrame, int]]]:
        found: dict[tuple[str, str], list[tuple[pd.DataFrame, int]]] = {}
        for table in (self._sides.ours.frame, self._sides.base.frame):
            for n, (name, organisation) in enumerate(zip(table["name"], table["organisation"], strict=True)):
                key = name_key({"name": name, "organisation": organisation})
                found.setdefault(key, []).append((table, n))
        return found


def _said(place: str, text: str) -> str:
    """A cell and what stands in it, on one line."""
    return f"{place}: {' '.join(text.split())}"
