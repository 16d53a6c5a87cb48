"""Each lifelike table comes in with at most two corrections by hand, and nothing of it changes or gets lost."""

from __future__ import annotations

from typing import Any

import pytest

from lib.intake.child import open_book
from lib.intake.files import Limits
from lib.intake.headings import Table, tables
from lib.intake.matching import SKIP, Matching, propose
from lib.intake.records import Record, records

from .tables import CASES, TODAY, USERS, Case


def taken_in(case: Case, content: bytes | None = None, name: str = "") -> tuple[Table, Matching, list[Record]]:
    """A case's table, its matching after the corrections by hand, and its records."""
    book = open_book(case.make() if content is None else content, name or case.file, "", Limits())
    table = tables(book)[0]
    matching = propose(table)
    for correct in case.corrections:
        matching = correct(matching)
    return table, matching, records(table, matching, today=TODAY, region="FI", users=USERS)


def told(record: Record) -> dict[str, Any]:
    """The values that are not empty, and under "+" the columns that are kept."""
    found = {code: value for code, value in record.values.items() if value not in (None, "")}
    kept = {name: value for name, value in record.others.items() if value is not None}
    return {**found, **({"+": kept} if kept else {})}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_foreign_table_comes_in(case: Case) -> None:
    table, matching, found = taken_in(case)
    assert [told(record) for record in found] == case.rows
    assert [record.wrong for record in found] == [{}] * len(found)
    assert {n: set(r.warnings) for n, r in enumerate(found) if r.warnings} == case.warned
    assert matching.missing() == []
    assert [record.number for record in found] == list(case.numbers or range(2, len(found) + 2))
    said = [str(note) for note in table.notes]
    assert all(any(text in note for note in said) for text in case.says), said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_two_corrections_by_hand_are_enough_and_each_is_needed(case: Case) -> None:
    assert len(case.corrections) <= 2
    book = open_book(case.make(), case.file, "", Limits())
    proposed = propose(tables(book)[0])
    assert len(proposed.missing()) == len(case.corrections)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_column_with_something_in_it_is_left_out_unasked(case: Case) -> None:
    table, matching, _ = taken_in(case)
    filled = {n for row in table.rows for n, cell in enumerate(row) if cell is not None}
    assert filled <= {column.position for column in matching.columns}
    skipped = [column.heading for column in matching.columns if column.target == SKIP]
    assert skipped in ([], ["Person - Name"])  # the same once more as its first and last name
