"""S5: the workbook edited outside while entries go on: what arrives, and what is asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import openpyxl
import pytest

from lib import schema
from lib.errors import Invalid
from lib.store import Store

from ..outside_tools import appended, asked, cells, kinds, names, save, settle, without
from ..tools import BY, person
from .conftest import MANAGER, in_workbook, reopened

# -- edits arrive ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["open", "closed", "entries", "checkpoint", "two checkpoints", "twice"])
def test_s5_edits_made_outside_arrive_and_entries_made_meanwhile_stay(filled: Store, when: str) -> None:
    today, old = filled.today, filled.path.read_bytes()
    entered = []
    if when in ("entries", "checkpoint", "two checkpoints"):
        entered.append("Verkosta")
        filled.add(person("Verkosta"), by=BY)
        filled.update("P-000001", {"phone": "040 1234567"}, by=BY)
    if when in ("checkpoint", "two checkpoints"):  # whoever has the file open saves over the newer one
        filled.checkpoint()
    if when == "two checkpoints":
        entered.append("Toinen")
        filled.add(person("Toinen"), by=BY)
        filled.checkpoint()
    if when == "closed":
        filled.close()
    filled.path.write_bytes(old)
    save(filled.path, cells(2, status="offer"), appended(name="Käsin", source="phone", received=today))
    if when == "twice":
        filled.refresh()
        save(filled.path, cells(3, title="Päällikkö"))
    store = reopened(filled) if when == "closed" else filled
    store.refresh()
    expected = ["Aino", "Bertta", "Cecilia", *entered, "Käsin"]
    for _ in range(2):  # at once, and once the workbook has followed
        with reopened(store) as again:
            for seen in (store, again):
                assert names(seen) == expected
                assert list(seen.frame["id"]) == [f"P-{n:06d}" for n in range(1, len(expected) + 1)]
                row = seen.register.row("P-000001")
                assert (row["status"], row["offered"], row["changed_by"]) == ("offer", today, "excel")
                assert row["phone"] == ("+358401234567" if entered else "")
                assert seen.register.row("P-000002")["title"] == ("Päällikkö" if when == "twice" else "Johtaja")
        store.checkpoint()
    assert in_workbook(store) == expected
    assert set(kinds(store)) <= {"older"}
    told = [entry for entry in store.log() if entry.action == "outside"]
    assert {entry.by for entry in told} == {"excel"} and {i for e in told for i in e.ids} >= {"P-000001"}


def test_s5_a_new_row_gets_the_next_number_and_a_doubled_one_another(filled: Store) -> None:
    filled.add(person("Verkosta"), by=BY)
    new: dict[str, Any] = {"source": "phone", "received": filled.today}
    save(
        filled.path,
        appended(id="P-000001", name="Kahdesti", **new),
        appended(id="P-000004", name="Etukäteen", **new),
        appended(id="oma", name="Omin", **new),
        appended(name="Ilman", **new),
    )
    filled.refresh()
    assert names(filled) == ["Aino", "Bertta", "Cecilia", "Verkosta", "Kahdesti", "Etukäteen", "Omin", "Ilman"]
    assert list(filled.frame["id"]) == [f"P-{n:06d}" for n in range(1, 9)]
    assert filled.add(person("Seuraava"), by=BY) == "P-000009"


def test_s5_headings_in_another_language_and_columns_in_another_order_are_understood(filled: Store) -> None:
    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        for cell in sheet[1]:
            cell.value = schema.heading(schema.code_of_heading(cell.value) or "", "sv")
        sheet.move_range(f"A1:A{sheet.max_row}", cols=40)
        sheet.cell(2, 6).value = "Nimetty"

    save(filled.path, change)
    filled.refresh()
    assert names(filled) == ["Nimetty", "Bertta", "Cecilia"] and filled.frame["id"].iloc[0] == "P-000001"
    assert kinds(filled) == []


def test_s5_sorting_the_sheet_changes_nothing(filled: Store) -> None:
    def turn(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        rows = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
        for number, row in enumerate(reversed(rows), 2):
            for place, value in enumerate(row, 1):
                sheet.cell(number, place).value = value

    before = filled.frame
    save(filled.path, turn)
    filled.refresh()
    assert filled.frame.equals(before) and kinds(filled) == []


# -- what is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["theirs", "ours"])
def test_s5_a_missing_row_is_asked_about(filled: Store, decision: str) -> None:
    save(filled.path, without(3))
    filled.refresh()
    assert names(filled) == ["Aino", "Bertta", "Cecilia"]
    assert asked(filled, "missing").id == "P-000002"
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"]  # the question outlives it
    with reopened(filled) as again:
        again.answer(asked(again, "missing").key, decision, by=MANAGER)
    filled.refresh()
    assert names(filled) == (["Aino", "Cecilia"] if decision == "theirs" else ["Aino", "Bertta", "Cecilia"])
    assert kinds(filled) == []
    entry = filled.log()[0]
    assert (entry.by, entry.ids) == (MANAGER, ["P-000002"])
    if decision == "theirs":  # it counts as a removal: its number is kept, and its copies go
        assert entry.action == "remove" and "P-000002" in filled.gone and filled.unfinished == {"P-000002"}
        filled.erase()
        assert filled.unfinished == set()
    else:
        assert entry.action == "outside_kept" and filled.gone == set()


def test_s5_received_holds_and_bans_are_not_taken_from_outside(filled: Store) -> None:
    received = filled.register.row("P-000001")["received"]
    earlier = received - dt.timedelta(days=10)
    save(
        filled.path,
        cells(2, received=earlier, objected=received),
        cells(3, hold_reason="claim", hold_until=dt.date(2030, 1, 31)),
        cells(4, created_by="joku", changed_at=dt.datetime(2020, 1, 1), created_at=dt.datetime(2020, 1, 1)),
    )
    before = filled.frame
    filled.refresh()
    assert filled.frame.equals(before)
    assert sorted((q.kind, q.id, q.code) for q in filled.state.questions.values()) == [
        ("protected", "P-000001", "objected"),
        ("protected", "P-000001", "received"),
        ("protected", "P-000002", "hold_until"),
    ]
    for key in list(filled.state.questions):
        filled.answer(key, "theirs", by=MANAGER)
    one, two = filled.register.row("P-000001"), filled.register.row("P-000002")
    assert (one["received"], one["objected"]) == (earlier, received)
    assert (two["hold_reason"], two["hold_until"]) == ("claim", dt.date(2030, 1, 31))
    assert kinds(filled) == []


def test_s5_a_received_date_is_not_moved_later_even_when_somebody_answers_so(filled: Store) -> None:
    filled.update("P-000001", {"received": "2026-01-31"}, by=BY)
    filled.checkpoint()
    save(filled.path, cells(2, received=dt.date(2026, 2, 1)))
    filled.refresh()
    with pytest.raises(Invalid):
        filled.answer(asked(filled, "protected").key, "theirs", by=MANAGER)
    assert kinds(filled) == ["protected"]
    filled.answer(asked(filled, "protected").key, "ours", by=MANAGER)
    assert kinds(filled) == [] and filled.register.row("P-000001")["received"] == dt.date(2026, 1, 31)


@pytest.mark.parametrize("decision", ["theirs", "ours"])
def test_s5_a_field_changed_on_both_sides_is_not_overwritten(filled: Store, decision: str) -> None:
    filled.update("P-000001", {"title": "Verkon"}, by=BY)
    save(filled.path, cells(2, title="Excelin", notes="tulee silti"))
    filled.refresh()
    row, question = filled.register.row("P-000001"), asked(filled, "conflict")
    assert (row["title"], row["notes"]) == ("Verkon", "tulee silti")
    assert (question.id, question.code, question.base, question.theirs) == ("P-000001", "title", "Johtaja", "Excelin")
    filled.answer(question.key, decision, by=MANAGER)
    filled.checkpoint()
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == ("Excelin" if decision == "theirs" else "Verkon")
        assert kinds(again) == []


def test_s5_a_row_that_is_not_complete_is_asked_about_and_comes_in_with_what_is_said(filled: Store) -> None:
    def with_own(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(1, sheet.max_column + 1).value = "Oma"
        appended(name="Vajaa", phone="0401234567")(changed)
        sheet.cell(sheet.max_row, sheet.max_column).value = 7.5

    save(filled.path, with_own)
    filled.refresh()
    question = asked(filled, "new")
    assert names(filled) == ["Aino", "Bertta", "Cecilia"] and question.row["name"] == "Vajaa"
    for wrong in ({}, {"source": "nonsense"}, {"source": "phone", "received": "2999-01-01"}):
        with pytest.raises(Invalid):
            filled.answer(question.key, "theirs", by=MANAGER, values=wrong)
        assert kinds(filled) == ["new"] and len(filled.register) == 3
    filled.checkpoint()
    with reopened(filled) as again:
        again.answer(question.key, "theirs", by=MANAGER, values={"source": "meeting", "received": "2026-01-31"})
        again.answer(question.key, "theirs", by=MANAGER, values={"source": "meeting", "received": "2026-01-31"})
        assert names(again) == ["Aino", "Bertta", "Cecilia", "Vajaa"]
        row = again.register.row("P-000004")
        assert (row["source"], row["received"], row["phone"]) == ("meeting", dt.date(2026, 1, 31), "+358401234567")
        assert again.register.extras["Oma"].tolist() == ["", "", "", 7.5]  # what it said beside comes with it
        assert kinds(again) == []


def test_s5_a_row_that_is_not_wanted_stays_away(filled: Store) -> None:
    save(filled.path, appended(name="Vajaa"))
    filled.refresh()
    filled.answer(asked(filled, "new").key, "ours", by=MANAGER)
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"] and kinds(filled) == []


def test_s5_a_cell_that_cannot_be_understood_is_asked_about_and_the_rest_arrives(filled: Store) -> None:
    save(filled.path, cells(2, next_contact="ensi viikolla", notes="tulee"), cells(3, email="ei osoite"))
    filled.refresh()
    assert filled.register.row("P-000001")["notes"] == "tulee"
    found = sorted((q.kind, q.id, q.code, q.typed) for q in filled.state.questions.values())
    assert found == [
        ("cell", "P-000001", "next_contact", "ensi viikolla"),
        ("cell", "P-000002", "email", "ei osoite"),
    ]
    settle(filled)
    assert filled.register.row("P-000001")["next_contact"] is None and kinds(filled) == []


def test_s5_the_same_thing_is_asked_once(filled: Store) -> None:
    save(filled.path, cells(2, next_contact="ensi viikolla", objected=filled.today), appended(name="Vajaa"), without(4))
    filled.refresh()
    first = dict(filled.state.questions)
    save(filled.path, cells(3, notes="tallennettu uudelleen"))
    filled.refresh()
    assert kinds(filled) == ["cell", "missing", "new", "protected"] and filled.state.questions == first


def test_s5_a_question_about_a_row_goes_with_the_row(filled: Store) -> None:
    save(filled.path, cells(2, objected=filled.today), without(3))
    filled.refresh()
    assert kinds(filled) == ["missing", "protected"]
    filled.remove(["P-000001", "P-000002"], by=BY, reason="expired")
    assert kinds(filled) == []
    with reopened(filled) as again:
        assert kinds(again) == []
