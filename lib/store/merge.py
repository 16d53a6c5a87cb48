"""Merging a workbook that was edited outside: three ways, against the generation that it began from. Pure.

What both sides can live with is taken. A row that is missing, a value that only a manager may set, a field that was
changed on both sides, a cell that cannot be understood and a row that is not complete become questions: nothing is
overwritten, removed or added for them before a person decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib import cleaning
from lib.changes import Change
from lib.cleaning import FieldError
from lib.errors import Invalid
from lib.register import Register, status_dates
from lib.store.new_rows import NewRows
from lib.store.question import Question
from lib.store.reading import Content
from lib.store.saved import Saved, digests
from lib.store.sides import PROTECTED, Sides, cell, rows_of, typed

__all__ = ["Merged", "Question", "merge"]

_TOGETHER = ({"name", "organisation"}, {"source", "source_detail"})  # columns that are right or wrong together
_HOLD = ("hold_reason", "hold_until")
Sheets = Mapping[str, Sequence[Sequence[Any]]]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Merged:
    """What becomes of a workbook edited outside.

    `questions` are all that it raises, `sheets` other people's sheets, all of them. `saved` is what the next save of it
    is compared with, and `distance` how many cells and sheets differ from what this one was compared with.
    """

    change: Change
    questions: list[Question]
    sheets: dict[str, Sequence[Sequence[Any]]]
    saved: Saved
    distance: int


def merge(
    base: Content,
    theirs: Content,
    ours: Register,
    *,
    removed: Collection[str],
    today: dt.date,
    now: dt.datetime,
    by: str,
    sheets: Sheets | None = None,
    before: Saved | None = None,
) -> Merged:
    """What becomes of the edits in a workbook.

    Args:
        base: the generation that they began from, as the program wrote it.
        theirs: the workbook as it is now.
        ours: the register, with what was changed meanwhile.
        removed: numbers of rows that were removed for good: nothing of them comes back.
        by: who the rows say changed them.
        sheets: other people's sheets as we have them; as in `base` if not given.
        before: an earlier save of the same generation, from which the edits went on.
    """
    sheets = base.sheets if sheets is None else sheets
    before = before or Saved(base.info.generation, sheets=digests(base.sheets))
    base = before.base(base, theirs)
    sides = Sides(base, theirs, ours, removed, before.places)
    edits = _Edits(sides, today)
    for values in edits.set.values():
        values.update(changed_at=now, changed_by=by)
    away = {i: n for i, n in sides.at_base.items() if i not in sides.known and i not in sides.gone}
    missing = [Question("missing", i) for i in away]
    new = NewRows(sides, today, now, by)
    others = _others(sides)
    last = ours.last_number + len(new.add) if new.add else 0
    taken = {
        name: {i: value for i, value in cells.items() if value != _ours(sides, name, i)}
        for name, cells in others.items()
    }
    taken = {name: cells for name, cells in taken.items() if cells or name not in ours.extras.columns}
    change = Change(new.add, edits.set, (), _joined(taken, new.others), last)
    questions = [*edits.questions, *missing, *new.questions]
    saved = Saved(
        before.generation,
        Change(new.said, edits.said, (), _joined(others, new.others)),
        {**sides.places, **new.places},
        [question.key for question in questions],
        digests(theirs.sheets),
    )
    changed = [name for name in {*base.sheets, *theirs.sheets} if base.sheets.get(name) != theirs.sheets.get(name)]
    foreign = sum(map(len, others.values()))
    return Merged(
        change,
        questions,
        _sheets(base.sheets, theirs.sheets, sheets),
        before.then(saved),
        edits.count
        + foreign
        + sides.said(base.frame, away.values())
        + sides.said(theirs.frame, sides.fresh)
        + len(changed),
    )


def _joined(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in [*one, *(n for n in other if n not in one)]}


class _Edits:
    """The edits in rows that all sides have: `set` is what is taken, and `questions` what is not.

    `said` are the cells that ours takes or has already, and `count` is how many were edited.
    """

    def __init__(self, sides: Sides, today: dt.date) -> None:
        self._sides, self._today = sides, today
        self.questions: list[Question] = []
        self.set: dict[str, dict[str, Any]] = {}
        self.said: dict[str, dict[str, Any]] = {}
        self.count = 0
        ids, places = list(sides.known), list(sides.known.values())
        at_base = np.array([sides.at_base[i] for i in ids], dtype=np.intp)
        at_theirs = np.array(places, dtype=np.intp)
        at_ours = np.array([sides.ours.positions[i] for i in ids], dtype=np.intp)
        differing: dict[int, list[str]] = {}
        for n, place in enumerate(places):
            if sides.theirs.rows[place] in sides.problems:
                differing[n] = []
        for code in sides.codes:
            for n in _differences(sides.base.frame[code], at_base, sides.theirs.frame[code], at_theirs):
                differing.setdefault(n, []).append(code)
        touched = sorted(differing)
        base, theirs = rows_of(sides.base.frame, at_base[touched]), rows_of(sides.theirs.frame, at_theirs[touched])
        ours = rows_of(sides.ours.frame, at_ours[touched])
        for n, *rows in zip(touched, base, theirs, ours, strict=True):
            if taken := self._row(ids[n], differing[n], *rows):
                self.set[ids[n]] = taken

    def _ask(self, kind: str, i: str, code: str, base: Row, **said: Any) -> None:
        where = self._sides.theirs.cell(self._sides.known[i], code)
        self.questions.append(Question(kind, i, code, base[code], where=where, **said))

    def _row(self, i: str, codes: Sequence[str], base: Row, theirs: Row, ours: Row) -> dict[str, Any]:
        """The edits of one row that are taken; about the others is asked."""
        same, region = self._sides.same, self._sides.ours.region
        problems = self._sides.problems.get(self._sides.theirs.rows[self._sides.known[i]], ())
        for problem in problems:
            self._ask("cell", i, problem.code, base, typed=problem.typed)
        self.count += len(problems)
        said: dict[str, Any] = {}
        taken: dict[str, Any] = {}
        protected: dict[str, Any] = {}
        for code in codes:
            if any(problem.code == code for problem in problems):
                continue
            try:
                value, _ = cleaning.clean_value(code, theirs[code], region)
            except FieldError:
                self.count += 1
                self._ask("cell", i, code, base, typed=typed(theirs[code]))
                continue
            if same(code, value, base[code]):
                continue
            self.count += 1
            if same(code, value, ours[code]):
                said[code] = value
            elif code in PROTECTED:
                protected[code] = value
            elif same(code, ours[code], base[code]):
                taken[code] = value
            else:
                self._ask("conflict", i, code, base, theirs=value)
        hold = {code: protected[code] for code in _HOLD if code in protected}
        for code, value in protected.items():
            if code not in _HOLD or len(hold) == 1:
                self._ask("protected", i, code, base, theirs=value, row={code: value})
            elif code == "hold_until":  # ground and date make one hold, so it is one question
                self._ask("protected", i, code, base, theirs=value, row=hold)
        self._check(i, taken, base, theirs, ours)
        if said or taken:
            self.said[i] = {**said, **taken}
        return {**taken, **status_dates(ours, taken, self._today)}

    def _check(self, i: str, taken: dict[str, Any], base: Row, theirs: Row, ours: Row) -> None:
        """Take out what would leave the row wrong, such as without a name and an organisation, and ask about it."""
        while taken:
            try:
                cleaning.clean_record(taken, today=self._today, region=self._sides.ours.region, base=ours)
            except Invalid as error:
                wrong = set(error.fields)
                wrong |= {code for group in _TOGETHER if group & wrong for code in group}
                for code in [code for code in taken if code in wrong] or list(taken):
                    del taken[code]
                    self._ask("cell", i, code, base, typed=typed(theirs[code]))
            else:
                return


def _differences(before: pd.Series[Any], at: Any, after: pd.Series[Any], there: Any) -> list[int]:
    """Where the rows of two columns differ; two empty values are the same."""
    one, other = before.array.take(at), after.array.take(there)
    differ = np.asarray(one != other, dtype=np.bool_)
    differ &= ~(np.asarray(one.isna(), dtype=np.bool_) & np.asarray(other.isna(), dtype=np.bool_))
    return [int(n) for n in np.flatnonzero(differ)]


def _others(sides: Sides) -> dict[str, dict[str, Any]]:
    """What changed in columns of others. A column that is no longer there keeps its values."""
    changed: dict[str, dict[str, Any]] = {}
    for name in sides.theirs.extras.columns:
        after = [cell(value) for value in sides.theirs.extras[name]]
        before = _cells(sides.base.extras, name)
        cells: dict[str, Any] = {}
        for i, position in sides.known.items():
            value = after[position]
            if value != (before[sides.at_base[i]] if before else ""):
                cells[i] = value
        if cells or name not in sides.ours.extras.columns:
            changed[str(name)] = cells
    return changed


def _ours(sides: Sides, name: str, i: str) -> Any:
    extras = sides.ours.extras
    return cell(extras[name].iat[sides.ours.positions[i]]) if name in extras.columns else ""


def _cells(extras: pd.DataFrame, name: str) -> list[Any]:
    return [cell(value) for value in extras[name]] if name in extras.columns else []


def _sheets(base: Sheets, theirs: Sheets, ours: Sheets) -> dict[str, Sequence[Sequence[Any]]]:
    """Their sheets where they changed something, ours elsewhere."""
    kept = {}
    for name in dict.fromkeys([*theirs, *ours]):
        rows = theirs.get(name) if theirs.get(name) != base.get(name) else ours.get(name)
        if rows is not None:
            kept[name] = rows
    return kept
