"""A change as values: there and back through JSON, and several in one."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib import schema
from lib.changes import Change, cell_from_json, cell_to_json, folded, row_from_json, row_to_json
from lib.register import Register, id_of

DAY, MOMENT = dt.date(2026, 11, 22), dt.datetime(2026, 11, 22, 13, 5, 59)
ROW = {
    **schema.EMPTY,
    "id": "P-000001",
    "received": DAY,
    "source": "phone",
    "name": "Aino",
    "notes": 'rivi\n"toinen"\t😀',
    "hold_until": DAY,
    "hold_reason": "claim",
    "created_at": MOMENT,
    "created_by": "aino",
    "changed_at": MOMENT,
    "changed_by": "aino",
}
CELLS = [None, "", "teksti", 0, 1.5, -3, True, False, DAY, MOMENT, dt.time(13, 5, 1), dt.timedelta(hours=30)]


def through_json(change: Change) -> Change:
    return Change.from_json(json.loads(json.dumps(change.to_json())))


# -- there and back ----------------------------------------------------------------------------------------


def test_a_change_comes_back_from_json_with_its_kinds_of_values() -> None:
    change = Change(
        add=[{code: value for code, value in ROW.items() if value not in (None, "")}],
        set={"P-000002": {"title": "", "received": DAY, "last_contact": None, "changed_at": MOMENT}},
        remove=["P-000003"],
        others={"Oma": {"P-000002": DAY, "P-000004": ""}},
        last_number=7,
    )
    back = through_json(change)
    assert (back.add, back.set, back.remove, back.others) == (change.add, change.set, change.remove, change.others)
    assert back.last_number == 7
    assert not through_json(Change()) and Change().to_json() == {}


def test_an_emptied_field_is_kept_and_an_empty_field_of_a_new_row_is_not_written() -> None:
    written = Change(add=[ROW], set={"P-000002": {"title": "", "next_contact": None}}).to_json()
    assert written["set"] == {"P-000002": {"title": "", "next_contact": None}}
    assert "title" not in written["add"][0] and written["add"][0]["received"] == "2026-11-22"


def test_cells_of_others_come_back_as_what_they_were() -> None:
    for cell in CELLS:
        back = cell_from_json(json.loads(json.dumps(cell_to_json(cell))))
        assert back == cell and type(back) is type(cell)


def test_rows_come_back_with_dates_and_times() -> None:
    assert row_from_json(row_to_json(ROW)) == ROW
    assert row_from_json({"received": "", "created_at": None}) == {"received": "", "created_at": None}


def test_whether_there_is_anything_in_it_and_which_rows_it_touches() -> None:
    assert not Change() and not Change(last_number=5)
    for change in (
        Change(add=[ROW]),
        Change(set={"P-000001": {}}),
        Change(remove=["P-000001"]),
        Change(others={"Oma": {"P-000001": 1}}),
    ):
        assert change and change.ids == ["P-000001"]
    twice = Change([ROW], {"P-000002": {}, "P-000001": {}}, ["P-000003"], {"Oma": {"P-000002": 1, "P-000004": 2}})
    assert twice.ids == ["P-000001", "P-000002", "P-000003", "P-000004"]


# -- several in one ----------------------------------------------------------------------------------------


def shown(register: Register) -> dict[str, Any]:
    """Everything that a register holds; an empty cell of others is "", however it came about."""
    frame, extras = register.frame, register.extras
    others = {
        str(name): {
            i: value for i, value in zip(frame["id"], extras[name], strict=True) if value == value and value != ""
        }
        for name in extras.columns
    }
    return {
        "rows": {i: register.row(i) for i in frame["id"]},
        "order": list(frame["id"]),
        "others": others,
        "last": register.last_number,
    }


def start() -> Register:
    """Four rows, with a column of others."""
    made = Register.of(schema.to_frame([]))
    rows = [{**ROW, "name": f"Alussa {n}"} for n in range(1, 5)]
    made = made.applied(made.adding(rows))
    return made.applied(Change(others={"Oma": {id_of(n): f"oma {n}" for n in range(1, 5)}}))


IDS = st.integers(1, 9).map(id_of)
VALUES = st.dictionaries(
    st.sampled_from(["name", "title", "received", "next_contact", "status", "hold_until"]),
    st.integers(0, 3),
    min_size=1,
).map(
    lambda drawn: {
        code: (DAY - dt.timedelta(days=n) if n or code == "received" else None)
        if code in schema.DATE_CODES
        else ("new" if code == "status" else f"{code} {n}")
        for code, n in drawn.items()
    }
)


@st.composite
def some_changes(draw: st.DrawFn) -> list[Change]:
    """Changes as the store makes them, one after the other: rows are added, set, removed, and come back."""
    there, last, changes = {id_of(n) for n in range(1, 5)}, 4, []
    for _ in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(["add", "set", "remove", "back", "others", "mixed"]))
        gone = sorted({id_of(n) for n in range(1, last + 1)} - there)
        one = draw(st.sampled_from(sorted(there))) if there else None
        change = Change()
        if kind == "add" or one is None:
            last += 1
            change = Change(add=[{**ROW, **draw(VALUES), "id": id_of(last)}], last_number=last)
        elif kind == "set":
            change = Change(set={one: draw(VALUES)})
        elif kind == "remove":
            change = Change(remove=[one])
        elif kind == "back" and gone:
            change = Change(add=[{**ROW, **draw(VALUES), "id": draw(st.sampled_from(gone))}])
        elif kind == "others":
            change = Change(others={draw(st.sampled_from(["Oma", "Uusi"])): {one: draw(st.sampled_from(["", "x", 1]))}})
        elif kind == "mixed":
            last += 1
            other = draw(st.sampled_from(sorted(there)))
            change = Change(
                add=[{**ROW, "id": id_of(last)}],
                set={other: draw(VALUES)},
                remove=[one] if one != other else [],
                others={"Oma": {other: "y", id_of(last): "z"}},
                last_number=last,
            )
        changes.append(change)
        there = (there | {str(row["id"]) for row in change.add}) - set(change.remove)
    return changes


@settings(max_examples=60)
@given(some_changes())
def test_several_changes_in_one_do_what_they_do_one_after_the_other(changes: list[Change]) -> None:
    """A start reads the journal in one go; who had it open took the changes one by one."""
    one_by_one = start()
    for change in changes:
        one_by_one = one_by_one.applied(through_json(change))
    assert shown(start().applied(folded(changes))) == shown(one_by_one)


@settings(max_examples=40)
@given(some_changes(), st.integers(0, 10))
def test_it_does_not_matter_where_the_row_of_changes_is_divided(changes: list[Change], at: int) -> None:
    whole = start().applied(folded(changes))
    parts = start().applied(folded(changes[:at])).applied(folded(changes[at:]))
    assert shown(parts) == shown(whole)
