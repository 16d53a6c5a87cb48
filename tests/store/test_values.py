"""S12 and S13: whatever stands in a row, in a column or in a sheet of others, journal and workbook give it back."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.changes import Change
from lib.schema import Kind
from lib.store import Store
from lib.store.record import Record

from .tools import BY, PASSWORD, person

TRICKY = st.sampled_from(
    ["=", "+", "-", "@", "'", '"', "\t", "\n", "\r", "\x00", "\u200b", "é", "e\u0301", "😀", "<b>", "&amp;", "]]>"]
) | st.sampled_from(
    ["_x0041_", "_x000D_", "_x0041_x0041_", "NA", "None", "nan", "0401234567", "1e5", "TRUE", "1.2.2026"]
)
TEXT = st.lists(st.text(max_size=12) | TRICKY, max_size=5).map("".join)
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31))
FIRST, LAST = dt.datetime(1900, 1, 1), dt.datetime(2200, 12, 31)


def to_the_millisecond(value: Any) -> Any:
    """As a workbook is read, in which midnight is the day itself."""
    value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value.date() if isinstance(value, dt.datetime) and value.time() == dt.time() else value


# What a cell may hold as a spreadsheet program wrote it: numbers of 17 digits, times to the millisecond.
CELLS = (
    TEXT
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates(FIRST.date(), LAST.date())
    | st.datetimes(FIRST, LAST).map(to_the_millisecond)
    | st.times().map(to_the_millisecond)
    | st.integers(-(10**9), 10**10).map(lambda number: dt.timedelta(milliseconds=number))
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One register for all examples."""
    with Store.create(tmp_path_factory.mktemp("values") / "data", PASSWORD) as store:
        store.add(person("Aino"), by=BY)
        store.add(person("Bertta"), by=BY)
        yield store


def again(store: Store) -> Store:
    return Store.open(store.data_dir, PASSWORD)


def value_of(column: schema.Column) -> st.SearchStrategy[Any]:
    match column.kind:
        case Kind.DATE:
            day = dt.date(2026, 1, 1)
            return st.none() | (DATES.filter(lambda date: date < day) if column.past else DATES)
        case Kind.CHOICE:
            return st.sampled_from(list(column.choices))
        case Kind.EMAIL:
            return st.sampled_from(["", "a@example.com", "ä.ö+x@exämple.fi", "=1+1@example.com"])
        case _:
            return TEXT


EDITED = [c for c in schema.COLUMNS if c.set_by == "user" and c.code not in ("received",)]


@settings(max_examples=25)
@given(st.fixed_dictionaries({}, optional={column.code: value_of(column) for column in EDITED}))
def test_s12_whatever_is_typed_comes_back_from_the_journal_and_from_the_workbook(
    kept: Store, values: dict[str, Any]
) -> None:
    values = {**values, "organisation": "Aina jotain", "source_detail": values.get("source_detail", "")}
    values["source_detail"] = f"paikka {values['source_detail']}"  # a public source asks for one
    kept.update("P-000001", values, by=BY)
    row = kept.register.row("P-000001")
    journal = again(kept)
    assert journal.register.row("P-000001") == row and journal.frame.equals(kept.frame)
    kept.checkpoint()
    workbook = again(kept)
    assert workbook.is_current and workbook.register.row("P-000001") == row
    assert workbook.frame.equals(kept.frame)


def as_read(value: Any) -> Any:
    """A value as any reader of a workbook gives it: numbers have one kind."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


HEADINGS = st.lists(
    TEXT.map(lambda text: cleaning.clean_text(text, lines=False)).filter(
        lambda text: text and not schema.code_of_heading(text)
    ),
    max_size=3,
    unique_by=str.casefold,
)


@settings(max_examples=25)
@given(st.data())
def test_s13_columns_and_sheets_of_others_keep_their_values(data: st.DataObject) -> None:
    columns = {
        name: {"P-000001": data.draw(CELLS), "P-000002": data.draw(CELLS)} for name in data.draw(HEADINGS, "headings")
    }
    sheet = data.draw(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=3), "sheet")
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "data", PASSWORD) as store:
        store.add_many([person("Aino", received=store.today), person("Bertta", received=store.today)], by=BY)
        with store.locked():
            store.commit(Record(change=Change(others=columns), sheets={"Omat": sheet}))
        journal = again(store)
        store.checkpoint()
        assert store.is_current
        for seen in (store, journal, again(store)):
            assert list(seen.register.extras.columns) == list(columns)
            for name, values in columns.items():
                assert [as_read(v) for v in seen.register.extras[name]] == [as_read(v) for v in values.values()]
            assert without_end(seen.state.sheets["Omat"]) == without_end(sheet)


def test_s13_the_edges_of_what_a_cell_may_hold_come_back(store: Store) -> None:
    first, leap = dt.datetime(1900, 1, 1), dt.date(1900, 2, 28)  # Excel has a 29 February after it
    edges = [0.1 + 0.2, 5e-324, -1.5e300, first.date(), first.replace(hour=5), leap, leap + dt.timedelta(days=1)]
    edges += [dt.datetime(1900, 2, 28, 18), dt.time(), dt.time(23, 59, 59, 999000), dt.timedelta(days=-6, hours=18)]
    edges += [dt.timedelta(0), dt.timedelta(days=10**6), dt.datetime(9999, 12, 31, 23, 59, 59, 136000)]
    store.add_many([person(f"Henkilö {n}", received=store.today) for n, _ in enumerate(edges)], by=BY)
    column = {"Oma": dict(zip(store.frame["id"], edges, strict=True))}
    with store.locked():
        store.commit(Record(change=Change(others=column), sheets={"Omat": [edges]}))
    store.checkpoint()
    for seen in (store, again(store)):
        assert seen.is_current and seen.register.extras["Oma"].tolist() == edges
        assert list(seen.state.sheets["Omat"][0]) == edges


def without_end(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows without what is empty at their end: no reader tells it from nothing."""
    trimmed = []
    for row in rows:
        row = [as_read(value) for value in row]
        while row and row[-1] == "":
            row = row[:-1]
        trimmed.append(row)
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    return trimmed
