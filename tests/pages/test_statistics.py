"""The statistics page: its figures are those of `lib.statistics`, for every period and any register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

from lib import schema, statistics
from lib.sample import fill
from lib.store import Store
from pages.statistics import PERIODS
from tests.pages.conftest import TODAY, Visitor, add

OWN = (dt.date(TODAY.year - 1, 2, 1), dt.date(TODAY.year - 1, 2, 28))


def one(store: Store) -> None:
    add(store, name="Ainoa")


def unknown(store: Store) -> None:
    """A row with a source that nobody knows."""
    store.add_many([{"name": "Muu", "source": "radio", "received": TODAY}], by="")


def sample(store: Store) -> None:
    fill(store, rows=120, seed=3)


def choose(visitor: Visitor, period: str) -> None:
    visitor.at.selectbox(key="period").set_value(period)
    visitor.run()
    if period == "own":
        visitor.at.date_input(key="period-own").set_value(OWN)
        visitor.run()


@pytest.mark.parametrize("make", [one, unknown, sample])
def test_the_figures_of_every_period_are_those_of_the_rule(
    aino: Visitor, store: Store, make: Callable[[Store], None]
) -> None:
    make(store)
    aino.open("statistics")
    for name in PERIODS:
        choose(aino, name)
        period = statistics.period(name, TODAY, OWN)
        total = statistics.total(store.frame, period)
        heading = aino.at.header[0].value
        assert f": {aino.t.number(total)}" in heading, name
        change = statistics.change(store.frame, period, TODAY)
        assert (aino.t.percent(abs(change or 0)) in heading) == (change is not None and round(change, 2) != 0), name
        if not total:
            assert aino.at.info[0].value == aino.t("No leads arrived in this period. Choose a longer one.")
            continue
        by_source = statistics.by_source(store.frame, period)
        assert aino.table()["rows"].tolist() == by_source["rows"].tolist() and by_source["rows"].sum() == total
        assert aino.table()["share"].tolist() == [aino.t.percent(share) for share in by_source["share"]]
        over_time = aino.table(1)
        assert over_time[aino.t("Total")].sum() == total, name
        grain, arrivals = statistics.arrivals(store.frame, period)
        assert len(over_time) == arrivals["start"].nunique() and grain
        for code in schema.SOURCES:
            column = over_time[schema.label("source", code, "fi")]
            assert column.sum() == by_source.set_index("source")["rows"][code]


def test_an_empty_register_says_what_will_stand_here(aino: Visitor, store: Store) -> None:
    aino.open("statistics")
    assert aino.at.info[0].value == aino.t(
        "Here you will see where leads come from and when. Enter the first prospect."
    )
    assert not aino.at.dataframe and not aino.at.selectbox


def test_a_row_is_counted_as_soon_as_it_is_saved(aino: Visitor, store: Store) -> None:
    one(store)
    aino.open("statistics")
    assert aino.at.header[0].value.startswith(aino.t("Leads by source, {when}: {n}", when="1.1.2026–11.3.2026", n=1))
    add(store, name="Toinen", source="email")
    aino.run()
    assert ": 2" in aino.at.header[0].value


def test_half_an_own_period_asks_for_its_last_day(aino: Visitor, store: Store) -> None:
    one(store)
    aino.open("statistics")
    aino.at.selectbox(key="period").set_value("own")
    aino.run()
    aino.at.date_input(key="period-own").set_value((TODAY,))
    aino.run()
    assert aino.sees("Choose the last day, too.") and not aino.at.header


def test_the_chosen_period_outlives_a_look_at_another_page(aino: Visitor, store: Store) -> None:
    one(store)
    aino.open("statistics")
    choose(aino, "last_30_days")
    aino.go("prospects")
    aino.go("statistics")
    assert aino.at.selectbox(key="period").value == "last_30_days"


def show_rows_of(visitor: Visitor, source: str) -> None:
    visitor.field("selectbox", "Show the rows of").set_value(source)
    visitor.run()


def test_a_source_leads_to_its_rows_on_the_list(aino: Visitor, store: Store) -> None:
    sample(store)
    aino.open("statistics")
    choose(aino, "last_12_months")
    show_rows_of(aino, "email")
    assert aino.title == aino.t("Prospects")
    period = statistics.period("last_12_months", TODAY)
    frame = store.frame
    mask = (frame["source"] == "email") & frame["received"].between(
        pd.Timestamp(period.start), pd.Timestamp(period.end)
    )
    assert set(aino.table()["id"]) == set(frame["id"][mask & frame["removal_requested"].isna()])


def test_a_source_leads_to_the_list_even_if_a_row_was_open(aino: Visitor, store: Store) -> None:
    add(store, name="Avattu", source="phone")
    add(store, name="Toinen", source="email")
    aino.open("prospects", row="P-000001")
    aino.go("statistics")
    show_rows_of(aino, "email")
    assert aino.title == aino.t("Prospects") and aino.table()["name"].tolist() == ["Toinen"]


def test_the_way_back_to_the_figures_does_not_lead_to_the_list_again(aino: Visitor, store: Store) -> None:
    one(store)
    aino.open("statistics")
    show_rows_of(aino, "phone")
    aino.go("statistics")
    assert aino.title == aino.t("Statistics")


def test_another_source_replaces_the_filters_of_the_one_before(aino: Visitor, store: Store) -> None:
    add(store, name="Vanha", source="phone", received=TODAY - dt.timedelta(days=800))
    add(store, name="Uusi", source="phone")
    aino.open("statistics")
    choose(aino, "last_30_days")
    show_rows_of(aino, "phone")
    assert aino.table()["name"].tolist() == ["Uusi"]
    aino.go("statistics")
    choose(aino, "all")
    show_rows_of(aino, "phone")
    assert set(aino.table()["name"]) == {"Vanha", "Uusi"}


def test_whoever_may_count_but_not_read_is_offered_no_rows(aino: Visitor, visitor: Callable[..., Visitor]) -> None:
    """No such role is shipped; an administrator alone sees no figure either."""
    ylva = visitor("ylva")
    ylva.open("statistics")
    assert ylva.title == ylva.t("Administration")
