"""The made-up register."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from lib import cleaning, schema
from lib.duplicates import Blocks
from lib.sample import YEARS, fill, rows
from lib.search import fold

TODAY = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    return rows(3_000, 1, TODAY)


@pytest.fixture(scope="module")
def frame(made: list[dict[str, Any]]) -> pd.DataFrame:
    return schema.to_frame({**row, "id": f"P-{i:06}"} for i, row in enumerate(made, 1))


def test_the_same_seed_and_day_give_the_same_rows(made: list[dict[str, Any]]) -> None:
    assert rows(3_000, 1, TODAY) == made
    assert rows(3_000, 2, TODAY) != made


def test_every_row_is_clean_as_it_stands(made: list[dict[str, Any]]) -> None:
    for row in made:
        form = {code: row[code] for code in schema.FORM_CODES}
        assert cleaning.clean_record(form, today=TODAY) == (form, {})


def test_a_row_has_every_column_but_those_the_register_gives(made: list[dict[str, Any]]) -> None:
    assert all(row.keys() == set(schema.CODES) - {"id", "expires"} for row in made)


def test_nothing_has_happened_in_the_future_or_before_it_was_received(made: list[dict[str, Any]]) -> None:
    happened = [c.code for c in schema.COLUMNS if c.kind is schema.Kind.DATE and c.code not in _AHEAD]
    for row in made:
        assert all(row["received"] <= row[code] <= TODAY for code in happened if row[code])
        assert row["received"] <= row["created_at"].date() <= TODAY
        assert not row["changed_at"] or row["created_at"] < row["changed_at"]
        assert bool(row["changed_at"]) == bool(row["changed_by"])


_AHEAD = ("next_contact", "hold_until", "expires")


def test_dates_fit_the_status(made: list[dict[str, Any]]) -> None:
    needs = {"new": "", "contacted": "contacted", "offer": "offered", "customer": "decided", "closed": "decided"}
    for row in made:
        steps = [row[code] for code in ("contacted", "offered", "decided") if row[code]]
        assert steps == sorted(steps)
        assert not needs[row["status"]] or row[needs[row["status"]]]
        assert bool(row["last_contact"]) == (row["status"] != "new")


def test_holds_have_a_ground_and_end_in_the_future(made: list[dict[str, Any]]) -> None:
    held = [row for row in made if row["hold_reason"]]
    assert held
    assert all(bool(row["hold_reason"]) == bool(row["hold_until"]) for row in made)
    assert all(row["hold_until"] > TODAY for row in held)


def test_nobody_is_real(made: list[dict[str, Any]]) -> None:
    for row in made:
        domain = row["email"].rpartition("@")[2]
        assert not domain or ".".join(domain.split(".")[-2:]) in ("example.com", "example.org", "example.net")
        assert not row["phone"] or "55" in row["phone"]


def test_all_sources_and_statuses_and_every_kind_of_mark_are_there(frame: pd.DataFrame) -> None:
    assert set(frame["source"]) == set(schema.SOURCES)
    assert set(frame["status"]) == set(schema.STATUSES)
    for code in ("objected", "restricted", "removal_requested", "hold_until", "next_contact", "informed"):
        assert 0 < frame[code].notna().sum() < len(frame)
    assert frame["name"].map(lambda name: fold(name) != name.lower()).any()
    assert (frame[["name", "organisation", "phone", "email", "title", "interests", "notes"]] == "").any().all()


def test_more_come_each_year_and_few_on_weekends_or_in_july(frame: pd.DataFrame) -> None:
    received = frame["received"].dt
    assert received.year.min() >= TODAY.year - YEARS
    assert (received.year == 2025).sum() > 2 * (received.year == 2019).sum()
    assert (received.day_of_week >= 5).mean() < 0.05
    assert (received.month == 7).sum() < (received.month == 9).sum() / 2


def test_a_few_in_a_hundred_look_like_an_earlier_person(frame: pd.DataFrame, made: list[dict[str, Any]]) -> None:
    blocks = Blocks(frame)
    alike = sum(bool(blocks.find(row, exclude_id=i)) for row, i in zip(made, frame["id"], strict=True))
    assert 0.02 < alike / len(frame) < 0.1


@pytest.mark.parametrize("n", [0, 1, 25])
def test_as_many_rows_as_asked_for_on_any_day(n: int) -> None:
    assert len(rows(n, 3, dt.date(2028, 2, 29))) == n


class Store:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.by = ""

    def add_many(self, rows: list[dict[str, Any]], *, by: str) -> list[str]:
        self.rows, self.by = rows, by
        return [f"P-{n:06}" for n in range(1, len(rows) + 1)]


def test_a_store_is_filled_and_the_number_of_rows_told() -> None:
    store = Store()
    assert fill(store, 40, seed=1, today=TODAY) == 40
    assert store.rows == rows(40, 1, TODAY)
    assert store.by == "sample"
