"""A workbook edited outside is merged: rows that are new, columns and sheets of others, and what is asked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from lib import schema
from lib.changes import Change
from lib.register import id_of
from lib.store import workbook
from lib.store.merge import Question, merge
from lib.store.workbook import Problem

from .books import RECEIVED, edited, people, put
from .merging import (
    BY,
    MARKS,
    NOW,
    PERSON,
    TODAY,
    changed,
    merged,
    nothing,
    register_of,
    three,
    with_cells,
    with_rows,
    without,
)

# -- new rows -------------------------------------------------------------------------------------------------

NEW = {"received": RECEIVED, "source": "meeting", "name": "Uusi Ihminen", "phone": "0501234567"}


@pytest.mark.parametrize("number", ["", "P-000002", "P-000700", "uusi", "7", "P-000004"])
def test_s5_a_new_or_doubled_number_gets_a_new_one(number: str) -> None:
    ours = register_of(three()).applied(Change(add=[{**PERSON, "id": "P-000004", "name": "Välissä"}], last_number=4))
    found = merged(with_rows(three(), {**NEW, "id": number}), ours=ours)
    row = {**NEW, "id": "P-000005", "phone": "+358501234567", "status": "new", "created_at": NOW, "created_by": BY}
    assert found.change == Change(add=[{**row, **MARKS}], last_number=5) and not found.questions
    after = ours.applied(found.change)
    assert after.row("P-000005")["name"] == "Uusi Ihminen" and after.row("P-000004")["name"] == "Välissä"


@pytest.mark.parametrize("above", [True, False])
def test_s5_of_two_rows_with_a_number_the_one_most_like_before_keeps_it(above: bool) -> None:
    """Excel inserts a copied row above its original, and the copy is the one that is then overwritten."""
    original = {**schema.to_row(three().frame.iloc[1].to_dict()), "title": "Rehtori"}
    copy = {**NEW, "id": "P-000002", "name": "Toinen"}
    found = merged(with_rows(without(three(), 1), *((copy, original) if above else (original, copy))))
    assert found.change.set == {"P-000002": {"title": "Rehtori", **MARKS}} and not found.questions
    assert [(row["id"], row["name"]) for row in found.change.add] == [("P-000004", "Toinen")]


def test_the_first_of_two_rows_that_are_equally_like_before_keeps_the_number() -> None:
    original = schema.to_row(three().frame.iloc[1].to_dict())
    theirs = with_rows(without(three(), 1), {**original, "title": "Rehtori"}, {**original, "title": "Johtaja"})
    found = merged(theirs)
    assert found.change.set["P-000002"]["title"] == "Rehtori"
    assert [(row["id"], row["title"]) for row in found.change.add] == [("P-000004", "Johtaja")]


def test_a_cleared_row_does_not_keep_the_number_from_a_row_that_says_something() -> None:
    empty = [(1, code, schema.EMPTY[code]) for code in schema.CODES if code != "id"]
    original = {**schema.to_row(three().frame.iloc[1].to_dict()), "title": "Rehtori"}
    found = merged(with_rows(with_cells(three(), *empty), original))
    assert found.change == Change(add=[], set={"P-000002": {"title": "Rehtori", **MARKS}}) and not found.questions


def test_new_rows_are_numbered_in_their_order() -> None:
    found = merged(with_rows(three(), *({**NEW, "name": f"Uusi {n}"} for n in range(3))))
    assert [(row["id"], row["name"]) for row in found.change.add] == [(id_of(n + 4), f"Uusi {n}") for n in range(3)]
    assert found.change.last_number == 6


def test_the_status_of_a_new_row_sets_its_date() -> None:
    (row,) = merged(with_rows(three(), {**NEW, "status": "customer"})).change.add
    assert (row["status"], row["decided"]) == ("customer", TODAY)


@pytest.mark.parametrize("number", ["", "P-000001", "P-000099"])
def test_a_copy_of_a_row_is_no_new_row(number: str) -> None:
    copy = schema.to_row(three().frame.iloc[0].to_dict())
    assert nothing(merged(with_rows(three(), {**copy, "id": number, "phone": "0401234567"})))


def test_a_copy_of_a_row_that_was_changed_meanwhile_is_no_new_row() -> None:
    copy = schema.to_row(three().frame.iloc[0].to_dict())
    ours = changed(register_of(three()), title="Rehtori", name="Aino Toinen")
    assert nothing(merged(with_rows(three(), {**copy, "id": ""}), ours=ours))
    assert nothing(merged(with_rows(three(), {**copy, "id": "", "title": "Rehtori", "name": "Aino Toinen"}), ours=ours))
    assert len(merged(with_rows(three(), {**copy, "id": "", "title": "Muu"}), ours=ours).change.add) == 1


def test_merging_the_same_file_twice_adds_its_new_rows_once() -> None:
    base, theirs = three(Oma=[1, 2, 3]), with_rows(with_cells(three(Oma=[9, 2, 3]), (0, "title", "Rehtori")), NEW)
    theirs.extras.loc[3, "Oma"] = 4
    ours = register_of(base)
    once = ours.applied(merged(theirs, base=base, ours=ours).change)
    assert once.extras["Oma"].tolist() == [9, 2, 3, 4]
    assert nothing(merged(theirs, base=base, ours=once, today=TODAY + dt.timedelta(days=1)))
    assert not merged(theirs, base=base, ours=once).change


def test_blank_rows_are_nothing() -> None:
    theirs = with_rows(three(), {}, {"id": "P-000077"}, {"name": " ", "title": "\n"}, {"created_by": "aino"})
    assert nothing(merged(theirs))


@pytest.mark.parametrize(
    "values",
    [
        {"received": None},
        {"received": TODAY + dt.timedelta(days=1)},
        {"source": ""},
        {"name": "", "title": "Rehtori"},
        {"source": "public"},
        {"last_contact": TODAY + dt.timedelta(days=1)},
        {"objected": TODAY},
        {"restricted": TODAY},
        {"removal_requested": TODAY},
        {"hold_reason": "claim", "hold_until": dt.date(2040, 1, 1)},
    ],
)
def test_s5_a_new_row_that_is_not_complete_or_has_a_ban_or_a_hold_waits_as_a_whole(values: dict[str, Any]) -> None:
    found = merged(with_rows(three(), {**NEW, **values}))
    said = {code: value for code, value in {**NEW, "phone": "+358501234567", **values}.items() if value}
    assert not found.change
    assert found.questions == [Question("new", where="5", row=said)]


def test_a_new_row_with_cells_that_cannot_be_taken_waits_with_the_rest_of_it() -> None:
    theirs = with_rows(three(), {**NEW, "received": None, "email": "uusi@"})
    theirs.problems = [Problem("B5", "", "received", "eilen")]
    (question,) = merged(theirs).questions
    assert (question.kind, question.where, question.typed) == ("new", "5", "B5: eilen\nI5: uusi@")
    assert question.row == {"source": "meeting", "name": "Uusi Ihminen", "phone": "+358501234567"}


@pytest.mark.parametrize("email", ["uusi@", ""])
def test_one_cell_that_cannot_be_taken_keeps_a_complete_row_waiting(email: str) -> None:
    theirs = with_rows(three(), {**NEW, "email": email})
    theirs.problems = [] if email else [Problem("I5", "", "email", "=A1")]
    found = merged(theirs)
    assert not found.change and found.questions[0].typed == f"I5: {email or '=A1'}"
    assert "email" not in found.questions[0].row


def test_a_row_of_nothing_but_formulas_that_nothing_computed_is_asked() -> None:
    content = workbook.read_plain(edited(people(), put("Prospektit", "F9", "=A1"), put("Prospektit", "G9", "=A2")), "x")
    found = merge(
        workbook.read_plain(people(), "x"), content, register_of(content), removed=(), today=TODAY, now=NOW, by=BY
    )
    assert not found.change and found.questions == [Question("new", where="9", typed="F9: =A1\nG9: =A2")]


# -- columns and sheets of others -----------------------------------------------------------------------------


def test_s13_values_in_columns_of_others_are_taken_where_they_changed() -> None:
    base = three(Oma=["a", "b", "c"])
    theirs = with_cells(base, (0, "Oma", 5), (2, "Oma", ""), extras=True)
    found = merged(theirs, base=base)
    assert found.change == Change(add=[], set={}, others={"Oma": {"P-000001": 5, "P-000003": ""}})
    assert register_of(base).applied(found.change).extras["Oma"].tolist() == [5, "b", ""]


def test_s13_a_new_column_of_others_comes_in_though_it_is_empty() -> None:
    found = merged(three(Oma=["", 1, None], Tyhjä=["", "", ""]))
    assert found.change.others == {"Oma": {"P-000002": 1}, "Tyhjä": {}}
    assert list(register_of(three()).applied(found.change).extras.columns) == ["Oma", "Tyhjä"]


def test_s13_a_column_of_others_that_was_deleted_keeps_its_values() -> None:
    assert nothing(merged(three(), base=three(Oma=["a", "b", "c"])))


def test_s13_values_of_others_follow_their_rows_wherever_they_stand() -> None:
    base = three(Oma=["a", "b", "c"])
    upside_down = replace(
        base, frame=base.frame[::-1].reset_index(drop=True), extras=base.extras[::-1].reset_index(drop=True)
    )
    assert nothing(merged(upside_down, base=base))
    new = with_rows(upside_down, {**NEW, "id": "P-000003"})
    new.extras.loc[3, "Oma"] = dt.date(2026, 1, 1)
    found = merged(new, base=base)
    assert found.change.others == {"Oma": {"P-000004": dt.date(2026, 1, 1)}}


def test_s5_an_older_copy_put_back_does_not_take_back_what_others_wrote_since() -> None:
    old = three(Oma=["a", "b", "c"])
    old.sheets = {"Omat": [["vanha"]]}
    ours = register_of(three(Oma=["a", "uusi", "c"]))
    found = merged(old, base=old, ours=ours, sheets={"Omat": [["uusi"]], "Lisää": [["x"]]})
    assert nothing(found) and found.sheets == {"Omat": [["uusi"]], "Lisää": [["x"]]}


def test_s13_sheets_of_others_are_taken_where_they_changed() -> None:
    base, theirs = three(), three()
    base.sheets = {"Sama": [["x"]], "Muuttuu": [["a"]], "Poistuu": [["b"]]}
    theirs.sheets = {"Sama": [["x"]], "Muuttuu": [["A"]], "Uusi": [["c"]]}
    assert merged(theirs, base=base).sheets == theirs.sheets
    ours = {"Sama": [["y"]], "Muuttuu": [["a"]], "Poistuu": [["b"]]}
    assert merged(theirs, base=base, sheets=ours).sheets == {"Sama": [["y"]], "Muuttuu": [["A"]], "Uusi": [["c"]]}


def test_others_in_an_incomplete_new_row_wait_with_it() -> None:
    theirs = with_rows(three(Oma=["", "", ""]), {})
    theirs.extras.loc[3, "Oma"] = "yhteensä 3"
    found = merged(theirs, base=three(Oma=["", "", ""]))
    assert not found.change and found.questions == [Question("new", where="5", others={"Oma": "yhteensä 3"})]


# -- questions ------------------------------------------------------------------------------------------------


def test_a_question_has_the_same_key_wherever_its_row_stands_and_another_for_another_value() -> None:
    question = Question("protected", "P-000001", "objected", None, TODAY, where="U2")
    assert question.key == replace(question, where="U9", base=RECEIVED).key and len(question.key) == 16
    others = [
        replace(question, theirs=RECEIVED),
        replace(question, id="P-000002"),
        replace(question, code="restricted"),
        replace(question, kind="conflict"),
        Question("new", where="5", row=NEW),
        Question("new", where="5", row={**NEW, "name": "Muu"}),
        Question("new", where="5", others={"Oma": 1}),
        Question("new", where="5", typed="F5: =A1"),
        Question("new", where="6", typed="F6: =A1"),
        Question("missing", "P-000001"),
        Question("invalid", where="one.xlsx"),
        Question("invalid", where="other.xlsx"),
    ]
    assert len({question.key, *(other.key for other in others)}) == len(others) + 1
    assert Question("new", where="5", row=NEW).key == Question("new", where="9", row=NEW).key


@pytest.mark.parametrize(
    "question",
    [
        Question("missing", "P-000001"),
        Question("protected", "P-000001", "received", RECEIVED, None, "B2", row={"received": None}),
        Question("conflict", "P-000001", "notes", "a\nb", "c", "S2"),
        Question("cell", "P-000001", "next_contact", TODAY, where="Q2", typed="ensi viikolla"),
        Question("new", where="5", typed="x", row=NEW, others={"a": TODAY, "b": NOW, "c": 1.5, "d": True, "e": "1"}),
    ],
)
def test_a_question_comes_back_from_json(question: Question) -> None:
    again = Question.from_json(json.loads(json.dumps(question.to_json())))
    assert again == question and again.key == question.key
