"""Rows that are kept longer or go."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib.errors import Invalid, NoSuchProspect
from lib.operations import Workspace
from tests.store.tools import PASSWORD

from .conftest import LATER, fresh, long_ago


def test_rows_go_together_only_when_their_period_has_ended(spaces: dict[str, Any]) -> None:
    manager: Workspace = spaces["manager"]
    old, older, young = long_ago(spaces), long_ago(spaces, "Vanhempi Rivi"), fresh(spaces)
    assert manager.all_ended([old, older]) and not manager.all_ended([old, young])
    with pytest.raises(Invalid) as caught:
        manager.remove([old, young], "kausi päättyi")
    assert set(caught.value.fields) == {"ids"} and len(manager.register()) == 3
    manager.remove([old, older], "kausi päättyi")
    manager.remove([young], "pyynnöstä")
    assert manager.register().frame.empty


@pytest.mark.parametrize("reason", ["", "  ", "\n\x00"])
def test_a_removal_needs_a_reason(spaces: dict[str, Any], reason: str) -> None:
    pid = fresh(spaces)
    with pytest.raises(Invalid) as caught:
        spaces["manager"].remove([pid], reason)
    assert set(caught.value.fields) == {"reason"} and spaces["manager"].row(pid)


def test_a_row_on_hold_does_not_go_with_the_others(spaces: dict[str, Any]) -> None:
    manager: Workspace = spaces["manager"]
    held, old = long_ago(spaces, "Pidetty Rivi"), long_ago(spaces)
    manager.keep_longer([held], "claim", LATER)
    with pytest.raises(Invalid):
        manager.remove([held, old], "kausi päättyi")
    assert list(manager.queue()["ended"]["id"]) == [old]
    manager.release(held)
    manager.remove([held, old], "kausi päättyi")


def test_a_hold_that_came_meanwhile_is_seen_inside_the_lock(spaces: dict[str, Any]) -> None:
    from lib.store import Store

    manager: Workspace = spaces["manager"]
    one, two = long_ago(spaces, "Ensimmäinen Rivi"), long_ago(spaces, "Toinen Rivi")
    with Store.open(spaces["installation"].data_dir, PASSWORD) as other:
        other.update(one, {"hold_reason": "claim", "hold_until": LATER}, by="test")
    with pytest.raises(Invalid):
        manager.remove([one, two], "kausi päättyi")
    with pytest.raises(NoSuchProspect):
        manager.remove([one, "P-999999"], "kausi päättyi")


@pytest.mark.parametrize(
    ("ground", "until", "field"),
    [("claim", None, "hold_until"), ("claim", dt.date(2020, 1, 1), "hold_until"), ("", LATER, "hold_reason")],
)
def test_a_hold_has_a_ground_and_ends_in_the_future(
    spaces: dict[str, Any], ground: str, until: dt.date | None, field: str
) -> None:
    pid = long_ago(spaces)
    with pytest.raises(Invalid) as caught:
        spaces["manager"].keep_longer([pid], ground, until)
    assert set(caught.value.fields) == {field}
