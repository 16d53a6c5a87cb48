"""The register in memory: numbers, changes, dates that follow the status."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from lib import schema
from lib.errors import Invalid, NoSuchProspect, Stale
from lib.register import LONGEST_OFFERED, MOST_OFFERED, Register, id_of, number_of

NOW = dt.datetime(2026, 11, 22, 13, 5)
LATER = NOW + dt.timedelta(days=3)
TODAY = NOW.date()


def register(*names: str, **values: Any) -> Register:
    made = Register.of(schema.to_frame([]))
    rows = [made.new_row({"source": "phone", "name": name, **values}, by="aino", now=NOW) for name in names]
    return made.applied(made.adding(rows))


def added(register: Register, name: str) -> Register:
    return register.applied(register.adding([register.new_row({"source": "phone", "name": name}, by="b", now=LATER)]))


def removed(register: Register, *ids: str) -> Register:
    return register.applied(register.removing(ids))


def updated(register: Register, prospect_id: str, values: dict[str, Any], **named: Any) -> Register:
    return register.applied(register.updating(prospect_id, values, **named))


def test_numbers_and_ids_lead_to_each_other() -> None:
    assert [id_of(1), id_of(123456), id_of(1234567)] == ["P-000001", "P-123456", "P-1234567"]
    assert [number_of(i) for i in ("P-000123", "P-1234567", "", "123", "P-", "X-000001", "P-0000001234")] == [
        123,
        1234567,
        *[0] * 5,
    ]


def test_a_new_row_is_received_today_new_and_in_charge_of_who_enters() -> None:
    row = register("Aino").row("P-000001")
    assert (row["received"], row["status"], row["owner"]) == (TODAY, "new", "aino")
    assert (row["created_at"], row["created_by"], row["changed_at"], row["changed_by"]) == (NOW, "aino", NOW, "aino")
    assert row["expires"] == dt.date(2031, 11, 22)


@pytest.mark.parametrize("code", ["id", "created_at", "created_by", "changed_at", "changed_by", "expires", "nonsense"])
def test_no_one_sets_the_columns_of_the_register(code: str) -> None:
    made = register("Aino")
    with pytest.raises(Invalid):
        made.new_row({"source": "phone", "name": "x", code: "1"}, by="aino", now=NOW)
    with pytest.raises(Invalid):
        updated(made, "P-000001", {code: "1"}, by="aino", now=NOW)


@pytest.mark.parametrize(
    ("status", "code"),
    [("contacted", "contacted"), ("offer", "offered"), ("customer", "decided"), ("closed", "decided")],
)
def test_a_status_sets_its_date_the_first_time_only(status: str, code: str) -> None:
    made = updated(register("Aino"), "P-000001", {"status": status}, by="aino", now=NOW)
    assert made.row("P-000001")[code] == TODAY
    again = updated(made, "P-000001", {"status": "new"}, by="aino", now=LATER)
    again = updated(again, "P-000001", {"status": status}, by="aino", now=LATER)
    assert again.row("P-000001")[code] == TODAY


def test_a_register_never_changes_its_operations_give_others() -> None:
    old = register("Aino", "Bertta")
    before = old.frame.copy(deep=True)
    old.index, old.blocks  # noqa: B018 - built, so that they are carried along
    updated(old, "P-000001", {"name": "Cecilia", "received": dt.date(2020, 1, 1)}, by="b", now=LATER)
    removed(old, "P-000001")
    added(old, "Daavid")
    old.with_rules(1, "SE")
    pd.testing.assert_frame_equal(old.frame, before)
    assert old.last_number == 2 and list(old.positions) == ["P-000001", "P-000002"]


def test_a_change_that_changes_nothing_gives_the_same_register() -> None:
    made = register("Aino")
    assert updated(made, "P-000001", {"name": " Aino "}, by="b", now=LATER) is made
    assert made.with_rules(5, "FI") is made


def test_search_and_duplicates_follow_each_change() -> None:
    made = register("Aino Kokeilija")
    made.index, made.blocks  # noqa: B018
    made = updated(made, "P-000001", {"name": "Bertta Toinen"}, by="b", now=LATER)
    assert made.index.match("toinen").tolist() == [True] and made.index.match("kokeilija").tolist() == [False]
    assert [m.id for m in made.blocks.find({"name": "Bertta Toinen"})] == ["P-000001"]
    assert not made.blocks.find({"name": "Aino Kokeilija"})
    made = added(made, "Cecilia Kolmas")
    assert made.index.match("kolmas").tolist() == [False, True]
    made = removed(made, "P-000001")
    assert made.index.match("toinen").tolist() == [False] and made.row("P-000002")["name"] == "Cecilia Kolmas"


def test_received_moves_earlier_but_never_later() -> None:
    made = register("Aino", received=dt.date(2024, 5, 1))
    with pytest.raises(Invalid) as caught:
        updated(made, "P-000001", {"received": dt.date(2024, 5, 2)}, by="b", now=NOW)
    assert set(caught.value.fields) == {"received"}
    earlier = updated(made, "P-000001", {"received": dt.date(2023, 5, 1)}, by="b", now=NOW).row("P-000001")
    assert (earlier["received"], earlier["expires"]) == (dt.date(2023, 5, 1), dt.date(2028, 5, 1))
    with pytest.raises(Invalid):
        updated(made, "P-000001", {"received": None}, by="b", now=NOW)


def test_a_hold_moves_the_removal_and_its_end_moves_it_back() -> None:
    made = register("Aino", received=dt.date(2024, 5, 1))
    held = updated(made, "P-000001", {"hold_reason": "claim", "hold_until": dt.date(2035, 1, 1)}, by="b", now=NOW)
    assert held.row("P-000001")["expires"] == dt.date(2035, 1, 1)
    freed = updated(held, "P-000001", {"hold_reason": "", "hold_until": None}, by="b", now=NOW)
    assert freed.row("P-000001")["expires"] == dt.date(2029, 5, 1)


def test_another_retention_period_moves_every_removal() -> None:
    made = register("Aino", "Bertta", received=dt.date(2024, 2, 29)).with_rules(1, "FI")
    assert [d.date() for d in made.frame["expires"]] == [dt.date(2025, 2, 28)] * 2
    assert added(made, "C").row("P-000003")["expires"] == dt.date(2027, 11, 25)


def test_an_edit_on_a_stale_view_shows_both_versions() -> None:
    made = updated(register("Aino"), "P-000001", {"status": "offer"}, by="bertta", now=LATER)
    with pytest.raises(Stale) as caught:
        updated(made, "P-000001", {"status": "closed"}, by="aino", now=LATER, seen={"status": "new"})
    assert caught.value.conflicts == {"status": ("new", "offer")} and caught.value.changed_by == "bertta"


def test_two_people_who_type_the_same_do_not_conflict() -> None:
    made = updated(register("Aino"), "P-000001", {"status": "offer"}, by="bertta", now=LATER)
    assert updated(made, "P-000001", {"status": "offer"}, by="aino", now=LATER, seen={"status": "new"}) is made


def test_an_unknown_row_is_told() -> None:
    with pytest.raises(NoSuchProspect):
        register("Aino").row("P-000009")
    with pytest.raises(NoSuchProspect):
        removed(register("Aino"), "P-000001", "P-000009")


def test_missing_broken_and_doubled_numbers_are_given_anew() -> None:
    rows = [{"id": i, "name": n} for i, n in (("P-000007", "a"), ("", "b"), ("P-000007", "c"), ("x1", "d"))]
    made = Register.of(schema.to_frame(rows), last_number=5)
    assert list(made.frame["id"]) == ["P-000007", "P-000008", "P-000009", "P-000010"] and made.last_number == 10


def test_a_number_is_never_given_twice() -> None:
    made = removed(register("Aino", "Bertta"), "P-000002")
    made = added(made, "Cecilia")
    ids = list(made.frame["id"])[-1:]
    assert ids == ["P-000003"] and list(made.frame["id"]) == ["P-000001", "P-000003"]


def test_columns_of_others_stay_with_their_rows() -> None:
    frame = schema.to_frame([{"id": f"P-00000{n}", "name": str(n)} for n in (1, 2, 3)])
    made = Register.of(frame, pd.DataFrame({"Väri": ["red", "green", "blue"]}))
    made = removed(made, "P-000002")
    made = made.applied(made.adding([{"name": "4"}]))
    assert made.extras["Väri"].tolist()[:2] == ["red", "blue"] and len(made.extras) == 3


def test_the_interests_of_one_row_do_not_fill_everybody_s_choices() -> None:
    many = "; ".join([*(f"asia {n:04}" for n in range(3500)), "x" * 61])
    rows = [{"name": "Yksi", "interests": many}, *({"name": "Muut", "interests": "vuosihuolto; kissat"} for _ in "12")]
    offered = Register.of(schema.to_frame(rows)).interests
    assert offered[:2] == ["vuosihuolto", "kissat"] and len(offered) == MOST_OFFERED == len(set(offered))
    assert max(map(len, offered)) <= LONGEST_OFFERED
