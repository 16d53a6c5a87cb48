"""The table: each change gives a new one, the old stays, and it does not matter when what waits is put in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import retention, schema
from lib.errors import NoSuchProspect
from lib.register import id_of, number_of
from lib.table import FEW, Table

DAY = dt.date(2026, 11, 22)
YEARS = 5


def row(number: int, **values: Any) -> dict[str, Any]:
    return {**schema.EMPTY, "id": id_of(number), "received": DAY, "source": "phone", "name": f"Nimi {number}", **values}


def table(count: int = 3, **others: Any) -> Table:
    """Some rows; `others` are columns of others."""
    frame = schema.to_frame([row(n) for n in range(1, count + 1)])
    return Table(frame, pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in others.items()}), YEARS)


def by_id(table: Table) -> dict[str, dict[str, Any]]:
    return {
        i: schema.to_row(values) for i, values in zip(table.frame["id"], table.frame.to_dict("records"), strict=True)
    }


# -- what it says ------------------------------------------------------------------------------------------


def test_a_row_comes_as_plain_values_with_the_date_when_it_has_to_go() -> None:
    assert table().row("P-000002") == row(2, expires=dt.date(2031, 11, 22))
    with pytest.raises(NoSuchProspect):
        table().row("P-000009")
    with pytest.raises(NoSuchProspect):
        table().position("P-000009")
    assert "P-000002" in table() and "P-000009" not in table() and len(table()) == 3


def test_an_empty_table_has_all_columns_with_their_types() -> None:
    empty = Table(schema.to_frame([]), pd.DataFrame(), YEARS)
    assert len(empty) == 0 and list(empty.frame.columns) == list(schema.CODES)
    filled = empty.added([row(1)])
    assert dict(filled.frame.dtypes) == dict(table().frame.dtypes) == dict(schema.to_frame([row(1)]).dtypes)


def test_what_waits_is_in_every_answer() -> None:
    waiting = table().added([row(4)]).changed({"P-000002": {"title": "Uusi"}, "P-000004": {"title": "Uusin"}})
    assert len(waiting) == 4 and "P-000004" in waiting and waiting.position("P-000004") == 3
    assert (waiting.row("P-000002")["title"], waiting.row("P-000004")["title"]) == ("Uusi", "Uusin")
    assert list(waiting.frame["title"]) == ["", "Uusi", "", "Uusin"]
    assert waiting.positions == {id_of(n): n - 1 for n in range(1, 5)} and len(waiting.extras) == 4


# -- nothing changes under a reader --------------------------------------------------------------------------

CHANGES: dict[str, Callable[[Table], Table]] = {
    "a row is added": lambda old: old.added([row(4)]),
    "many are added": lambda old: old.added([row(n) for n in range(4, 4 + FEW + 1)]),
    "a value changes": lambda old: old.changed({"P-000001": {"name": "Toinen", "received": dt.date(2020, 1, 1)}}),
    "many change": lambda old: old.changed({id_of(n): {"name": "Toinen"} for n in range(1, FEW + 5)}),
    "a row is removed": lambda old: old.removed(["P-000002"]),
    "columns of others change": lambda old: old.with_others({"Oma": {"P-000001": "uusi"}, "Toinen": {}}),
    "the order changes": lambda old: old.in_order(lambda i: -number_of(i)),
    "the retention period changes": lambda old: old.under(2),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read_first", [True, False])
def test_a_reader_keeps_what_it_has(change: str, read_first: bool) -> None:
    old = table(Oma=["a", "b", "c"]).added([row(3, id="P-000077")]).changed({"P-000003": {"title": "odottaa"}})
    if read_first:
        assert len(old.frame) == 4
    before = by_id(
        table(Oma=["a", "b", "c"]).added([row(3, id="P-000077")]).changed({"P-000003": {"title": "odottaa"}})
    )
    changed = CHANGES[change](old)
    assert len(changed.frame) == len(changed) == len(changed.extras)
    assert by_id(old) == before and list(old.extras["Oma"])[:3] == ["a", "b", "c"]
    assert (
        by_id(changed) != before or list(changed.extras["Oma"])[:3] != ["a", "b", "c"] or change.startswith("the order")
    )


# -- the rules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True])
def test_the_date_when_a_row_has_to_go_follows_what_it_is_computed_from(many: bool) -> None:
    values = {"received": dt.date(2024, 2, 29), "hold_until": dt.date(2035, 1, 1)}
    ids = [id_of(n) for n in range(1, (FEW + 5 if many else 2))]
    start = table(len(ids) + 1)
    assert start.changed({i: {"received": values["received"]} for i in ids}).row(ids[-1])["expires"] == dt.date(
        2029, 2, 28
    )
    held = start.changed(dict.fromkeys(ids, values))
    assert {held.row(i)["expires"] for i in ids} == {values["hold_until"]}
    again = held.changed({i: {"hold_until": None} for i in ids})
    assert {again.row(i)["expires"] for i in ids} == {dt.date(2029, 2, 28)}
    assert again.row(id_of(len(ids) + 1))["expires"] == dt.date(2031, 11, 22)


def test_another_retention_period_counts_for_what_waits_too() -> None:
    under = table().added([row(4)]).changed({"P-000001": {"received": dt.date(2020, 5, 1)}}).under(2)
    assert [under.row(id_of(n))["expires"] for n in (1, 2, 4)] == [
        dt.date(2022, 5, 1),
        dt.date(2028, 11, 22),
        dt.date(2028, 11, 22),
    ]
    assert under.changed({"P-000002": {"received": dt.date(2020, 5, 1)}}).row("P-000002")["expires"] == dt.date(
        2022, 5, 1
    )


def test_rows_that_are_not_there_are_passed_over() -> None:
    old = table(2, Oma=["a", "b"])
    for changed in (
        old.changed({"P-000009": {"name": "x"}}),
        old.changed({id_of(n): {"name": "x"} for n in range(9, 9 + FEW + 5)}),
        old.removed(["P-000009"]),
        old.with_others({"Oma": {"P-000009": "x"}}),
    ):
        assert by_id(changed) == by_id(old) and list(changed.extras["Oma"]) == ["a", "b"]


def test_values_of_others_stay_beside_their_rows() -> None:
    kept = table(4, Oma=["a", "b", "c", "d"]).removed(["P-000002"]).added([row(9)]).in_order(lambda i: -number_of(i))
    assert list(kept.frame["id"]) == ["P-000009", "P-000004", "P-000003", "P-000001"]
    assert list(kept.extras["Oma"])[1:] == ["d", "c", "a"]


# -- against the plain way -----------------------------------------------------------------------------------

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3)),
        st.tuples(st.just("add"), st.integers(FEW, FEW + 10)),
        st.tuples(st.just("set"), st.integers(1, 12), st.sampled_from(["name", "title"]), st.text("ab", max_size=2)),
        st.tuples(
            st.just("set"), st.integers(1, 12), st.sampled_from(["received", "hold_until"]), st.integers(0, 3000)
        ),
        st.tuples(st.just("set many"), st.sampled_from(["name", "received"])),
        st.tuples(st.just("remove"), st.integers(1, 12)),
        st.tuples(st.just("read")),
    ),
    max_size=15,
)


@settings(max_examples=60)
@given(OPERATIONS)
def test_whatever_is_done_it_holds_what_a_plain_dict_of_rows_would(operations: list[tuple[Any, ...]]) -> None:
    made = Table(schema.to_frame([]), pd.DataFrame(), YEARS)
    plain: dict[str, dict[str, Any]] = {}
    last = 0
    for kind, *given_ in operations:
        match kind:
            case "add":
                new = [row(n) for n in range(last + 1, last + given_[0] + 1)]
                made, last = made.added(new), last + given_[0]
                plain |= {str(one["id"]): one for one in new}
            case "set" | "set many":
                code = given_[-1] if kind == "set many" else given_[1]
                ids = list(plain) if kind == "set many" else [id_of(given_[0])]
                value = given_[2] if kind == "set" else 7
                if code in schema.DATE_CODES:
                    value = DAY - dt.timedelta(days=value)
                made = made.changed({i: {code: str(value) if code == "name" else value} for i in ids})
                for i in ids:
                    if i in plain:
                        plain[i] = {**plain[i], code: str(value) if code == "name" else value}
            case "remove":
                made = made.removed([id_of(given_[0])])
                plain.pop(id_of(given_[0]), None)
            case "read":
                assert len(made.frame) == len(plain)
    expected = {
        i: {**one, "expires": retention.expires(one["received"], YEARS, one["hold_until"])} for i, one in plain.items()
    }
    assert [made.row(i) for i in plain] == list(expected.values())  # as it waits
    assert by_id(made) == expected and list(made.positions) == list(plain)
    assert [made.row(i) for i in plain] == list(expected.values())  # and as it is put together
    assert len(made) == len(made.extras) == len(plain)
