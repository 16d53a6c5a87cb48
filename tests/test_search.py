"""Finding rows by words, phone numbers and filters."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import sample, schema
from lib.retention import expires_column
from lib.search import Index, filter_rows, fold, row_text

TODAY = dt.date(2026, 11, 22)
ROWS = [
    {
        "id": "P-000001",
        "received": dt.date(2026, 11, 20),
        "source": "phone",
        "status": "new",
        "organisation": "Mäkelän Sähkö Oy",
        "name": "Matti Virtanen",
        "phone": "+358401234567",
        "email": "Matti.Virtanen@example.com",
        "interests": "koulutus; Verkkokauppa",
        "owner": "anna",
        "created_by": "kirjaaja",
    },
    {
        "id": "P-000002",
        "received": dt.date(2026, 11, 1),
        "source": "public",
        "status": "offer",
        "organisation": "Strauß & Søn",
        "name": "Åsa Öhman",
        "phone": "+46701740605",
        "address": "Mannerheimintie 10, 00100 Helsinki",
        "interests": "verkkokauppa ja varasto",
        "owner": "mikko",
        "notes": "Toinen numero 050 765 4321.\nSoita 24.12.2026 jälkeen.",
    },
    {
        "id": "P-000003",
        "received": dt.date(2021, 11, 22),
        "source": "phone",
        "status": "closed",
        "name": "Liisa Virtanen",
        "phone": "12345",
        "removal_requested": TODAY,
    },
]
FRAME = schema.to_frame(ROWS)
FRAME["expires"] = expires_column(FRAME, 5)
INDEX = Index(FRAME)


def found(query: str, index: Index = INDEX) -> list[int]:
    return [int(position) + 1 for position in index.match(query).nonzero()[0]]


def filtered(**filters: object) -> list[int]:
    mask = filter_rows(FRAME, **{"hide_requested": False, **filters})  # type: ignore[arg-type]
    return [int(position) + 1 for position in mask.nonzero()[0]]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("MÄKELÄ", "makela"),
        ("Åsa Öhman", "asa ohman"),
        ("Søren Łukasz Đorđe", "soren lukasz dorde"),
        ("Strauß", "strauss"),
        ("Ægir", "aegir"),
        ("café", "cafe"),
        ("cafe\u0301", "cafe"),
        ("co\u00adop", "coop"),
        ("４０", "40"),
    ],
)
def test_accents_case_and_spelling_of_letters_do_not_matter(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", [1, 2, 3]),
        ("   ", [1, 2, 3]),
        ("virtanen", [1, 3]),
        ("VIRTA", [1, 3]),
        ("virtanen makelan", [1]),
        ("Sähkö matti", [1]),
        ("strauss", [2]),
        ("ohman", [2]),
        ("P-000002", [2]),
        ("Public source", [2]),
        ("closed", [3]),
        ("nobody", []),
    ],
)
def test_every_word_of_a_query_must_be_somewhere_in_the_row(query: str, rows: list[int]) -> None:
    assert found(query) == rows


@pytest.mark.parametrize(
    "query",
    [
        "0401234567",
        "040 1234567",
        "040 123 4567",
        "040-123 4567",
        "(040) 123 45 67",
        "+358401234567",
        "+358 40 123 4567",
        "+358 (0)40 123 4567",
        "00358401234567",
        "00358 40 123 4567",
        "358 40 123 4567",
        "040.123.4567",
        "040\u2011123\u00a04567",
        "040123",
        "040 123",
        "+358 40 12",
        "123 4567",
        "virtanen 040 123 4567",
        "040 123 4567 virtanen",
        "matti 040-1234567 koulutus",
    ],
)
def test_a_phone_number_is_found_in_any_spelling(query: str) -> None:
    assert found(query) == [1]


def test_the_pieces_of_a_phone_number_must_follow_each_other() -> None:
    assert found("040 4567 123") == []
    assert found("liisa 040 123 4567") == []


def test_a_number_written_in_the_notes_is_found_in_another_spelling() -> None:
    assert found("+358507654321") == [2]
    assert found("0507654321") == [2]
    assert found("24.12.2026") == [2]


def test_foreign_numbers_and_short_codes_are_found_as_they_stand() -> None:
    assert found("+46 70 174 06 05") == [2]
    assert found("12345") == [1, 3]


def test_numbers_of_an_address_are_not_taken_for_a_phone_number() -> None:
    assert found("00100") == [2]
    assert found("mannerheimintie 10 00100") == [2]
    assert found("10 helsinki") == [2]


def test_who_entered_a_row_is_not_searched() -> None:
    assert found("kirjaaja") == []


def test_another_region_has_its_own_country_code() -> None:
    index = Index(FRAME, "SE")
    assert found("070-174 06 05", index) == [2]
    assert found("0046701740605", index) == [2]


@given(st.text())
def test_no_query_raises(query: str) -> None:
    assert len(INDEX.match(query)) == len(FRAME)


@given(st.lists(st.sampled_from(["0", "00", "+", "(0)", "358", "40", "-", "123", " ", "a", "/"]), max_size=12))
def test_no_mixture_of_digits_and_signs_raises(parts: list[str]) -> None:
    assert len(INDEX.match("".join(parts))) == len(FRAME)


@given(st.text(min_size=1, max_size=30), st.sampled_from(["name", "organisation", "notes", "title", "interests"]))
def test_a_row_is_found_by_any_text_it_holds(text: str, code: str) -> None:
    index = Index(schema.to_frame([{code: text}]))
    assert all(index.match(word).all() for word in text.split())


@given(st.integers(0, 199), st.integers(2, 9))
def test_a_number_is_found_nationally_and_internationally(position: int, cut: int) -> None:
    rows = [row for row in sample.rows(200, 1, TODAY) if row["phone"].startswith("+358")]
    row = rows[position % len(rows)]
    index = Index(schema.to_frame([row]))
    national = "0" + row["phone"][4:]
    for query in (row["phone"], national, national[:cut] + " " + national[cut:], national[:cut] + "-" + national[cut:]):
        assert index.match(query).all(), query


def test_an_index_kept_current_equals_one_built_anew() -> None:
    rows = sample.rows(30, 2, TODAY)
    index = Index(schema.to_frame(rows[:20]))
    for row in rows[20:]:
        index = index.with_row(len(index), row)
    changed = {**rows[3], "name": "Toinen Nimi", "phone": "+358501112222"}
    index = index.with_row(3, changed)
    now = [changed if i == 3 else row for i, row in enumerate(rows)]
    assert index._texts == Index(schema.to_frame(now))._texts == [row_text(row) for row in now]


def test_a_change_leaves_the_index_before_it_alone() -> None:
    INDEX.with_row(0, {"name": "Joku Muu"})
    INDEX.with_row(len(INDEX), {"name": "Virtanen"})
    assert found("virtanen") == [1, 3]


def test_an_empty_register_can_be_searched_and_filtered() -> None:
    empty = schema.to_frame([])
    assert len(Index(empty).match("a")) == 0
    assert len(filter_rows(empty, source=["phone"], interests=["a"], expires_by=TODAY)) == 0


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({}, [1, 2, 3]),
        ({"hide_requested": True}, [1, 2]),
        ({"source": ["phone"]}, [1, 3]),
        ({"source": ["phone", "public"], "status": ["offer", "new"]}, [1, 2]),
        ({"owner": ["mikko"]}, [2]),
        ({"interests": ["VERKKOKAUPPA"]}, [1]),
        ({"interests": ["verkko"]}, []),
        ({"interests": ["Koulutus", "verkkokauppa ja varasto"]}, [1, 2]),
        ({"received_from": dt.date(2026, 11, 1)}, [1, 2]),
        ({"received_to": dt.date(2026, 11, 1)}, [2, 3]),
        ({"received_from": dt.date(2026, 11, 1), "received_to": dt.date(2026, 11, 1)}, [2]),
        ({"expires_by": TODAY}, [3]),
    ],
)
def test_filters_that_are_given_must_all_hold(filters: dict[str, object], rows: list[int]) -> None:
    assert filtered(**filters) == rows
