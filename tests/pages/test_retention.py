"""The retention page: what waits, in order, and what a manager decides on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from lib import retention
from lib.store import Store
from tests.pages.conftest import TODAY, Visitor, add

GROUPS = ("requested", "ended", "before_review", "within_year")


@pytest.fixture
def rows(store: Store) -> Store:
    """Two rows in each group, the later one entered first; one that nobody needs to look at; one kept longer."""
    limit = retention.add_years(TODAY, -5)
    for name, days in (("ended", 0), ("ended", -100), ("before", 100), ("before", 1), ("within", 300), ("within", 200)):
        add(store, name=f"{name} {days}", received=limit + dt.timedelta(days=days))
    add(store, name="fresh")
    kept = add(store, name="kept", received=limit)
    store.update(kept, {"hold_reason": "claim", "hold_until": TODAY + dt.timedelta(days=900)}, by="maija")
    for name in ("asked later", "asked earlier"):
        asked = add(store, name=name, received=limit - dt.timedelta(days=len(name)))
        store.update(asked, {"removal_requested": TODAY}, by="sami")
    return store


def choose_group(visitor: Visitor, name: str) -> None:
    visitor.at.button_group(key="queue").set_value(name)
    visitor.run()


def choose_rows(visitor: Visitor, *positions: int) -> None:
    """Tick rows of the table. AppTest has no hand for that: the selection is put where the browser puts it."""
    key = visitor.at.dataframe[0].key
    selection = {"rows": list(positions), "columns": [], "cells": []}
    visitor.at.session_state[key] = {"selection": selection}
    visitor.run()


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("requested", ["asked later", "asked earlier"]),
        ("ended", ["ended -100", "ended 0"]),
        ("before_review", ["before 1", "before 100"]),
        ("within_year", ["within 200", "within 300"]),
    ],
)
def test_each_group_shows_its_rows_and_their_number_the_most_pressing_first(
    aino: Visitor, rows: Store, group: str, names: list[str]
) -> None:
    aino.open("retention")
    choose_group(aino, group)
    shown = aino.table()["name"].tolist()
    assert shown == names if group != "requested" else sorted(shown) == sorted(names)
    assert aino.table()["expires"].is_monotonic_increasing
    assert sum(option.endswith("(2)") for option in aino.at.button_group(key="queue").options) == len(GROUPS)
    assert {"fresh", "kept"}.isdisjoint(shown)


def test_the_first_group_that_has_rows_is_open(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    assert aino.at.button_group(key="queue").value == "requested"
    for name in aino.table()["id"].tolist():
        aino.workspace.cancel_removal_request(name)
    aino.open("retention")
    assert aino.at.button_group(key="queue").value == "ended"


def test_the_navigation_says_how_many_wait(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    assert f"{aino.t('Retention period')} (4)" in aino.shown()


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("requested", "Nobody waits to be removed."),
        ("ended", "No row's retention period has ended."),
        ("before_review", "Nothing ends before the next review."),
        ("within_year", "Nothing more ends within a year."),
    ],
)
def test_an_empty_group_says_so(aino: Visitor, store: Store, group: str, text: str) -> None:
    aino.open("retention")
    choose_group(aino, group)
    assert [s.value for s in aino.at.success] == [aino.t(text)]


def test_the_coming_months_are_counted_as_the_rule_counts(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    table = aino.table(1)
    assert table["rows"].tolist() == retention.by_month(rows.frame, TODAY)["rows"].tolist()
    assert table["rows"].sum() == 4 and len(table) == 12
    assert aino.sees("Ending in the coming months: {n}", n=4)


def test_another_retention_period_moves_the_rows_at_once(aino: Visitor, rows: Store) -> None:
    aino.workspace.save_settings(retention_years=10)
    aino.open("retention")
    assert aino.at.button_group(key="queue").value == "requested"
    choose_group(aino, "ended")
    kept = (
        "Rows are kept {n} year from the day they were received.",
        "Rows are kept {n} years from the day they were received.",
    )
    assert not aino.sees("ended 0") and aino.t.plural(*kept, 10) in aino.shown()


def test_without_a_chosen_row_nothing_can_be_decided(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    choose_group(aino, "ended")
    assert aino.at.button(key="remove").disabled
    assert aino.sees("Choose rows from the left edge of the table. The topmost box chooses all.")


def test_rows_that_have_ended_are_removed_together(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    choose_group(aino, "ended")
    choose_rows(aino, 0, 1)
    assert not aino.at.button(key="remove").disabled
    aino.at.button(key="remove").click()
    aino.run()
    assert aino.sees("Removal is final. It cannot be undone.") and "P-000002: ended -100" in aino.shown()
    assert "removal-reason" not in [w.key for w in aino.at.text_input]
    assert len(rows.frame) == 10  # nothing is gone before the dialog says so


@pytest.mark.parametrize("group", ["requested", "before_review", "within_year"])
def test_rows_that_have_not_ended_go_only_one_by_one(aino: Visitor, rows: Store, group: str) -> None:
    aino.open("retention")
    choose_group(aino, group)
    choose_rows(aino, 0, 1)
    assert aino.at.button(key="remove").disabled
    assert aino.sees("Only rows whose retention period has ended can be removed together.")
    choose_rows(aino, 0)
    assert not aino.at.button(key="remove").disabled


def test_more_than_ten_rows_ask_for_their_number(aino: Visitor, store: Store) -> None:
    limit = retention.add_years(TODAY, -5)
    for n in range(11):
        add(store, name=f"vanha {n}", received=limit - dt.timedelta(days=n))
    aino.open("retention")
    choose_rows(aino, *range(10))
    aino.at.button(key="remove").click()
    aino.run()
    assert "removal-count" not in [w.key for w in aino.at.text_input]
    assert not aino.at.button(key="remove-now").disabled
    choose_rows(aino, *range(11))
    aino.at.button(key="remove").click()
    aino.run()
    assert aino.at.text_input(key="removal-count").value == ""
    assert aino.sees("and {n} more", n=1) and aino.sees("The button opens when you have typed {n}.", n=11)
    assert aino.at.button(key="remove-now").disabled


def test_rows_are_kept_longer_together(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    choose_group(aino, "ended")
    choose_rows(aino, 0, 1)
    aino.field("selectbox", "Ground for keeping").set_value("dispute")
    aino.field("date_input", "Review date").set_value(TODAY + dt.timedelta(days=1))
    aino.press("Keep longer")
    assert aino.t.plural("{n} row is kept until {date}.", "{n} rows are kept until {date}.", 2, date="12.3.2026") in [
        s.value for s in aino.at.success
    ]
    held = rows.frame[rows.frame["hold_reason"] == "dispute"]
    assert sorted(held["name"]) == ["ended -100", "ended 0"]


def test_a_request_for_removal_is_taken_back(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    choose_rows(aino, 0)
    first = aino.table()["id"].iloc[0]
    aino.press("Take back: asked to be removed")
    assert rows.register.row(first)["removal_requested"] is None


def test_a_row_opens_from_here(aino: Visitor, rows: Store) -> None:
    aino.open("retention")
    choose_group(aino, "ended")
    choose_rows(aino, 0)
    aino.press("Open {id}", id="P-000002")
    assert aino.title == "ended -100"


def test_a_row_that_somebody_removed_meanwhile_is_not_decided_on(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store
) -> None:
    """The table gets another key with another content, so a tick does not slip to the next row."""
    aino.open("retention")
    choose_group(aino, "ended")
    choose_rows(aino, 0)
    visitor("maija").workspace.remove(["P-000002"], "expired")
    aino.run()
    assert aino.at.button(key="remove").disabled
    assert aino.table()["name"].tolist() == ["ended 0"]


def test_a_tick_stays_on_its_row_when_another_row_in_the_middle_goes_and_one_comes(
    aino: Visitor, visitor: Callable[..., Visitor], store: Store
) -> None:
    limit = retention.add_years(TODAY, -5)
    for n in range(3):
        add(store, name=f"vanha {n}", received=limit - dt.timedelta(days=30 - n))
    aino.open("retention")
    choose_rows(aino, 2)
    assert aino.button("Open {id}", id="P-000003")
    visitor("maija").workspace.remove(["P-000002"], "expired")
    add(store, name="vanha 3", received=limit)
    aino.run()
    opened = [b.label for b in aino.at.button if "P-00000" in b.label]
    assert opened in ([], [aino.t("Open {id}", id="P-000003")])
