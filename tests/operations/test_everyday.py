"""What sales do every day, and what waits for removal, which is a manager's matter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib import schema
from lib.errors import Duplicate, Invalid, NoSuchProspect, NotAllowed, Stale
from lib.operations import Workspace
from lib.store import Store
from tests.store.tools import PASSWORD, person

from .conftest import fresh


def test_an_entry_is_its_makers_and_a_lookalike_is_shown_first(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    pid = sales.add(person("Kaarina Kokeilija", phone="0405550111"))
    row = sales.row(pid)
    assert (row["created_by"], row["owner"]) == ("sales", "sales") and list(sales.latest()["id"]) == [pid]
    with pytest.raises(Duplicate) as caught:
        sales.add(person("Kaarina Kokeilija", phone="+358 40 5550111"))
    assert caught.value.matches == [pid]
    assert sales.add(person("Kaarina Kokeilija"), known=[pid])


@pytest.mark.parametrize("code", [c.code for c in schema.COLUMNS if c.set_by != "user"])
def test_the_form_edits_only_its_own_columns(spaces: dict[str, Any], code: str) -> None:
    pid = fresh(spaces)
    with pytest.raises((NotAllowed, Invalid)):
        spaces["chief"].edit(pid, {code: "2026-01-01"}, {})


def test_s4_a_stale_edit_is_refused(spaces: dict[str, Any]) -> None:
    pid = fresh(spaces)
    spaces["manager"].edit(pid, {"title": "Ensin"}, {"title": ""})
    with pytest.raises(Stale) as caught:
        spaces["sales"].edit(pid, {"title": "Sitten"}, {"title": ""})
    assert caught.value.conflicts == {"title": ("", "Ensin")} and caught.value.changed_by == "manager"


@pytest.mark.parametrize(("method", "code"), [("no_marketing", "objected"), ("request_removal", "removal_requested")])
def test_of_two_wishes_the_first_day_counts(spaces: dict[str, Any], method: str, code: str) -> None:
    pid = fresh(spaces)
    spaces["installation"].store.update(pid, {code: "2026-01-01"}, by="test")
    getattr(spaces["sales"], method)(pid)
    assert spaces["manager"].row(pid)[code] == dt.date(2026, 1, 1)


def test_who_asked_to_be_removed_is_a_managers_matter(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    pid = sales.add(person("Poistoa Pyytävä"))
    sales.request_removal(pid)
    with pytest.raises(NoSuchProspect):
        sales.row(pid)
    assert sales.latest().empty and sales.find().empty
    for change in (lambda: sales.edit(pid, {"title": "x"}, {"title": "not so"}), lambda: sales.no_marketing(pid)):
        with pytest.raises(NoSuchProspect):
            change()
    assert [bool(known) for known in sales.known([pid, "P-999999"])] == [False, False]
    assert [bool(known) for known in spaces["manager"].known([pid, "P-999999"])] == [True, False]
    assert spaces["manager"].row(pid)["id"] == pid == spaces["manager"].queue()["requested"]["id"].item()


def test_a2_nothing_tells_a_sales_person_who_waits_for_removal(spaces: dict[str, Any]) -> None:
    """The answer to a new entry, and the numbers, are the same as if the row were not there."""
    sales, manager = spaces["sales"], spaces["manager"]
    shown, hidden = fresh(spaces, "Näkyvä Nelli", phone="0401112222"), fresh(spaces, "Piilo Pekka", phone="0403334444")
    spaces["installation"].store.update(hidden, {"email": "pekka@example.com"}, by="test")
    before = len(sales.counted())
    manager.request_removal(hidden)
    guess = {"source": "phone", "name": "Piilo Pekka", "phone": "0401112222", "email": "pekka@example.com"}
    with pytest.raises(Duplicate) as met:
        sales.add(guess)
    assert met.value.matches == [shown]
    with pytest.raises(Duplicate) as met:
        manager.add(guess)
    assert set(met.value.matches) == {shown, hidden}
    assert len(sales.counted()) == before - 1 == sales.count() and len(manager.counted()) == before
    assert sales.add({"source": "phone", "name": "Piilo Pekka"})  # as anybody whom the register does not know


def test_a2_who_downloads_own_rows_alone_takes_no_other_s_over(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    others, free = fresh(spaces, "Toisen Rivi", owner="manager"), fresh(spaces, "Vapaa Rivi")
    spaces["installation"].store.update(free, {"owner": ""}, by="test")
    spaces["installation"].save_settings(download="own")
    with pytest.raises(Invalid) as refused:
        sales.edit(others, {"owner": "sales", "title": "X"}, {})
    assert refused.value.fields.keys() == {"owner"} and sales.row(others)["title"] == ""
    sales.edit(free, {"owner": "sales"}, {})
    sales.edit(others, {"title": "X"}, {})
    spaces["manager"].edit(others, {"owner": "sales"}, {})
    spaces["installation"].save_settings(download="all")
    assert sales.row(others)["owner"] == "sales"


def test_a_search_is_no_longer_than_a_search_needs(spaces: dict[str, Any]) -> None:
    fresh(spaces, "Aino Kokeilija")
    assert len(spaces["sales"].find("aino " * 40 + "tuntematon")) == 1


def test_a2_no_choice_tells_sales_of_a_row_that_waits_for_removal(spaces: dict[str, Any]) -> None:
    store = spaces["installation"].store
    hidden = fresh(spaces, "Piilo Pirkko", interests="piilotettu sana; huolto")
    store.update(hidden, {"owner": "lahtenyt.lasse"}, by="test")
    fresh(spaces, "Näkyvä Niilo", interests="huolto")
    assert "piilotettu sana" in spaces["sales"].interests() and "lahtenyt.lasse" in spaces["sales"].owners()
    store.update(hidden, {"removal_requested": store.today}, by="test")
    assert "piilotettu sana" not in spaces["sales"].interests() and "huolto" in spaces["sales"].interests()
    assert "lahtenyt.lasse" not in spaces["sales"].owners()
    assert "piilotettu sana" in spaces["manager"].interests() and "lahtenyt.lasse" in spaces["manager"].owners()


def test_a_row_takes_so_many_interests_and_one_that_came_with_more_keeps_them(spaces: dict[str, Any]) -> None:
    sales, many = spaces["sales"], [f"asia {n}" for n in range(schema.MOST_INTERESTS + 1)]
    assert sales.add(person("Sopiva Määrä", interests=many[1:]))
    for interests in (many, "; ".join(many)):
        with pytest.raises(Invalid) as refused:
            sales.add(person("Liian Monta", interests=interests))
        assert refused.value.fields["interests"].params == {"count": 51, "limit": 50}
    pid = fresh(spaces)
    spaces["installation"].store.update(pid, {"interests": many}, by="test")
    sales.edit(pid, {"title": "Johtaja"}, {"title": ""})
    assert sales.row(pid)["interests"] == "; ".join(many)
    with pytest.raises(Invalid):
        sales.edit(pid, {"interests": [*many, "vielä"]}, {})


def test_a2_whether_a_row_may_be_known_follows_what_another_process_wrote(spaces: dict[str, Any]) -> None:
    """A list that stands open asks so, and no page has run since."""
    pid, installation = fresh(spaces), spaces["installation"]
    assert spaces["sales"].known([pid]).tolist() == [True]
    with Store.open(installation.data_dir, PASSWORD) as other:
        other.update(pid, {"removal_requested": other.today}, by="test")
    assert spaces["sales"].known([pid]).tolist() == [False]
