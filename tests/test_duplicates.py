"""Finding rows that look like the same person."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import duplicates, sample, schema
from lib.duplicates import Blocks, Match

TODAY = dt.date(2026, 11, 22)
MATTI = {
    "id": "P-000001",
    "name": "Matti Virtanen",
    "organisation": "Oy Acme Ab",
    "phone": "+358401234567",
    "email": "Matti@example.com",
}
ROWS = [
    MATTI,
    {"id": "P-000002", "name": "Liisa Mäkelä"},
    {"id": "P-000003", "organisation": "Järvi Oy"},
    {"id": "P-000004", "name": "Matti"},
]
BLOCKS = Blocks(schema.to_frame(ROWS))


def ids(values: dict[str, Any], blocks: Blocks = BLOCKS, **options: Any) -> list[str]:
    return [match.id for match in blocks.find(values, **options)]


@pytest.mark.parametrize("phone", ["040 123 4567", "+358 40 1234567", "00358401234567", "040-1234567"])
def test_the_same_phone_is_found_however_it_is_typed(phone: str) -> None:
    assert BLOCKS.find({"phone": phone}) == [Match("P-000001", "phone", 100.0)]


def test_the_same_address_is_found_whatever_its_case() -> None:
    assert BLOCKS.find({"email": " MATTI@example.com "}) == [Match("P-000001", "email", 100.0)]


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("Matti Virtanen", "Acme"),
        ("Virtanen Matti", "Acme Oy"),
        ("Virtanen, Matti", "ACME AB"),
        ("matti virtanen", "Acme Finland Oyj"),
        ("Mati Virtanen", "Oy Acme Ab"),
        ("Matti Wirtanen", "acme ltd"),
        ("Matti Virtanen", ""),
        ("Virtanen Matti", ""),
    ],
)
def test_nearly_the_same_name_at_the_same_organisation_is_found(name: str, organisation: str) -> None:
    assert [(m.id, m.ground) for m in BLOCKS.find({"name": name, "organisation": organisation})] == [
        ("P-000001", "name")
    ]


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("Matti Virtanen", "Toinen Oy"),
        ("Mauri Virtanen", "Acme"),
        ("Mati Virtanen", ""),  # without an organisation only the very same name counts
        ("Matti", ""),
        ("Matti", "Acme"),
        ("", "Acme"),
        ("Oy", "Oy"),
        ("", ""),
    ],
)
def test_another_name_or_organisation_is_not_found(name: str, organisation: str) -> None:
    assert ids({"name": name, "organisation": organisation}) == []


def test_a_full_name_is_found_where_the_row_has_no_organisation() -> None:
    assert ids({"name": "Makela Liisa", "organisation": "Jokin Oy"}) == ["P-000002"]


def test_an_organisation_without_a_name_is_found_by_the_organisation_alone() -> None:
    assert ids({"organisation": "JÄRVI"}) == ["P-000003"]
    assert ids({"organisation": "Järvi", "name": "Aino Aalto"}) == []


def test_the_row_being_edited_is_not_its_own_duplicate() -> None:
    assert ids(MATTI, exclude_id="P-000001") == []


def test_the_surest_come_first_and_no_more_than_asked_for() -> None:
    rows = [
        {"id": "P-000001", "name": "Mati Virtanen", "organisation": "Acme"},
        {"id": "P-000002", "name": "Matti Virtanen", "organisation": "Acme"},
        {"id": "P-000003", "email": "a@example.com"},
        {"id": "P-000004", "phone": "+358401234567"},
    ]
    values = {**rows[1], "email": "a@example.com", "phone": "+358401234567"}
    blocks = Blocks(schema.to_frame(rows))
    assert ids(values, blocks) == ["P-000004", "P-000003", "P-000002", "P-000001"]
    assert ids(values, blocks, limit=2) == ["P-000004", "P-000003"]


def test_numbers_too_short_or_too_long_to_be_a_phone_match_nothing() -> None:
    blocks = Blocks(schema.to_frame([{"id": "P-000001", "phone": "112"}]))
    assert ids({"phone": "112"}, blocks) == []
    assert ids({"phone": "1" * 5000}, blocks) == []


def test_numbers_kept_as_typed_match_by_their_digits() -> None:
    blocks = Blocks(schema.to_frame([{"id": "P-000001", "phone": "12 34 56 (vaihde)"}]))
    assert ids({"phone": "123456"}, blocks) == ["P-000001"]


def test_a_change_is_found_and_what_was_before_is_not() -> None:
    changed = BLOCKS.with_row({**MATTI, "phone": "+358501112222"})
    assert ids({"phone": "0501112222"}, changed) == ["P-000001"]
    assert ids({"phone": "0401234567"}, changed) == []
    assert ids({"phone": "0401234567"}) == ["P-000001"]
    assert ids({"phone": "0501112222"}) == []
    assert ids({"email": "matti@example.com"}, changed) == ["P-000001"]


def test_a_change_of_other_fields_gives_the_same_blocks() -> None:
    assert BLOCKS.with_row({**MATTI, "notes": "soita"}) is BLOCKS


def test_a_new_row_is_found() -> None:
    new = {"id": "P-000009", "name": "Ville Vallaton", "organisation": "Ahjo"}
    assert ids(new, BLOCKS.with_row(new)) == ["P-000009"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.lists(st.tuples(st.integers(0, 49), st.integers(0, 49)), max_size=12))
def test_blocks_kept_current_find_the_same_as_blocks_built_anew(seed: int, changes: list[tuple[int, int]]) -> None:
    rows = [{**row, "id": f"P-{i:06}"} for i, row in enumerate(sample.rows(50, seed, TODAY))]
    blocks = Blocks(schema.to_frame(rows))
    for into, from_ in changes:
        rows[into] = {**rows[from_], "id": rows[into]["id"]}
        blocks = blocks.with_row(rows[into])
    anew = Blocks(schema.to_frame(rows))
    for row in rows:
        assert blocks.find(row, limit=99) == anew.find(row, limit=99)


def test_many_changes_are_put_together_and_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_MERGE_AT", 3)
    blocks = BLOCKS
    for n in range(10, 20):
        blocks = blocks.with_row({"id": f"P-{n:06}", "phone": f"+3584012345{n}"})
    assert all(ids({"phone": f"+3584012345{n}"}, blocks) == [f"P-{n:06}"] for n in range(10, 20))
    assert ids(MATTI, blocks) == ["P-000001"]


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_is_typed_raises(name: str, organisation: str, phone: str, email: str) -> None:
    BLOCKS.find({"name": name, "organisation": organisation, "phone": phone, "email": email})


def test_an_empty_register_has_no_duplicates() -> None:
    assert Blocks(schema.to_frame([])).find(MATTI) == []
