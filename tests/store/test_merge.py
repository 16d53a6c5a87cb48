"""A workbook edited outside is merged three ways: what becomes of edits in rows, and what holds for any of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.changes import Change
from lib.sample import rows
from lib.store import workbook
from lib.store.merge import Question, merge
from lib.store.sides import OWN, PROTECTED
from lib.store.workbook import Content, Problem

from .books import INFO, RECEIVED, content_of, frame_of, plain_of, saved_by_libreoffice
from .merging import (
    BY,
    MARKS,
    NOW,
    PERSON,
    TODAY,
    asked,
    changed,
    merged,
    nothing,
    register_of,
    three,
    with_cells,
    with_rows,
    without,
)

# -- edits of fields ------------------------------------------------------------------------------------------


def test_s5_an_untouched_workbook_changes_nothing_whatever_was_entered_meanwhile() -> None:
    ours = changed(register_of(three()), notes="meanwhile", received=dt.date(2025, 1, 1), hold_reason="claim")
    assert nothing(merged(three(), ours=ours))


def test_s5_an_edit_made_outside_is_taken_and_marked() -> None:
    found = merged(with_cells(three(), (1, "title", "Rehtori"), (1, "next_contact", dt.date(2026, 12, 1))))
    assert found.change == Change(
        add=[], set={"P-000002": {"title": "Rehtori", "next_contact": dt.date(2026, 12, 1), **MARKS}}
    )
    assert found.questions == []


def test_s5_a_value_deleted_outside_is_deleted() -> None:
    found = merged(with_cells(three(), (0, "phone", ""), (0, "notes", "")))
    assert found.change.set == {"P-000001": {"phone": "", "notes": "", **MARKS}}


def test_s5_edits_of_different_fields_of_a_row_come_together() -> None:
    ours = changed(register_of(three()), notes="meanwhile")
    found = merged(with_cells(three(), (0, "title", "Rehtori")), ours=ours)
    assert found.change.set == {"P-000001": {"title": "Rehtori", **MARKS}} and not found.questions
    assert ours.applied(found.change).row("P-000001")["notes"] == "meanwhile"


def test_s5_a_field_changed_on_both_sides_is_not_overwritten_but_asked() -> None:
    ours = changed(register_of(three()), title="Johtaja", notes="sama")
    found = merged(with_cells(three(), (0, "title", "Rehtori"), (0, "notes", "sama")), ours=ours)
    assert not found.change
    assert found.questions == [Question("conflict", "P-000001", "title", "", "Rehtori", where="G2")]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("received", dt.date(2026, 2, 1)),
        ("received", None),
        ("hold_reason", "claim"),
        ("hold_until", dt.date(2040, 1, 1)),
        ("objected", TODAY),
        ("restricted", TODAY),
        ("removal_requested", TODAY),
    ],
)
def test_s5_received_holds_and_bans_from_outside_wait_for_a_manager(code: str, value: Any) -> None:
    theirs = with_cells(three(), (1, code, value), (1, "title", "Rehtori"))
    found = merged(theirs)
    assert found.change.set == {"P-000002": {"title": "Rehtori", **MARKS}}
    (question,) = found.questions
    base = RECEIVED if code == "received" else schema.EMPTY[code]
    where = theirs.cell(1, code)
    assert question == Question("protected", "P-000002", code, base, value, where=where, row={code: value})


def test_s5_a_ban_taken_away_outside_stays_and_is_asked() -> None:
    base = with_cells(three(), (0, "objected", RECEIVED))
    found = merged(three(), base=base)
    assert not found.change and asked(found) == [("protected", "P-000001", "objected")]
    assert found.questions[0].base == RECEIVED and found.questions[0].theirs is None


def test_a_hold_is_one_question_with_its_ground_and_its_date() -> None:
    hold = {"hold_reason": "claim", "hold_until": dt.date(2040, 1, 1)}
    found = merged(with_cells(three(), *((0, code, value) for code, value in hold.items())))
    assert asked(found) == [("protected", "P-000001", "hold_until")] and found.questions[0].row == hold
    register = register_of(three())
    assert register.updating("P-000001", found.questions[0].row, by=BY, now=NOW).set  # it can be taken as it is


def test_a_ban_that_ours_has_already_is_not_asked() -> None:
    ours = changed(register_of(three()), objected=TODAY)
    assert nothing(merged(with_cells(three(), (0, "objected", TODAY)), ours=ours))


@pytest.mark.parametrize("code", sorted(OWN - {"id"}))
def test_s5_what_the_register_sets_itself_is_never_taken(code: str) -> None:
    value = dt.datetime(2020, 1, 1) if code in schema.DATE_CODES else "joku muu"
    assert nothing(merged(with_cells(three(), (0, code, value))))
    problem = Problem(three().cell(0, code), "P-000001", code, "?")
    assert nothing(merged(replace(three(), problems=[problem])))


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("phone", "358401234567"),
        ("phone", "401234567"),
        ("phone", "040 123 4567"),
        ("email", " aino@EXAMPLE.com "),
        ("name", "Aino Kokeilija  "),
        ("organisation", "\nEsimerkki Oy"),
        ("interests", "Sauna;Kuisti"),
    ],
)
def test_what_excel_makes_of_a_value_is_no_change(code: str, read: str) -> None:
    assert nothing(merged(with_cells(three(), (0, code, read))))


def test_what_is_taken_is_cleaned_as_in_a_form() -> None:
    found = merged(with_cells(three(), (0, "phone", "0501234567"), (1, "interests", "Sauna; sauna;Uima-allas")))
    assert found.change.set["P-000001"]["phone"] == "+358501234567"
    assert found.change.set["P-000002"]["interests"] == "Sauna; Uima-allas"


def test_a_value_that_no_form_would_take_is_asked_and_the_rest_is_taken() -> None:
    theirs = with_cells(
        three(), (0, "email", "aino@"), (0, "last_contact", dt.date(2027, 1, 1)), (0, "title", "Rehtori")
    )
    found = merged(theirs)
    assert found.change.set == {"P-000001": {"title": "Rehtori", **MARKS}}
    said = {question.code: (question.kind, question.where, question.typed) for question in found.questions}
    assert said == {"email": ("cell", "I2", "aino@"), "last_contact": ("cell", "P2", "2027-01-01")}
    assert found.questions[0].base == "aino@example.com"


def test_a_cell_that_could_not_be_understood_is_asked_where_nothing_stood_before() -> None:
    theirs = replace(three(), problems=[Problem("Q2", "P-000001", "next_contact", "ensi viikolla")])
    assert asked(merged(theirs)) == [("cell", "P-000001", "next_contact")]


def test_a_row_with_nothing_but_a_cell_that_could_not_be_understood_is_not_missing() -> None:
    empty = [(1, code, schema.EMPTY[code]) for code in schema.CODES if code != "id"]
    theirs = replace(with_cells(three(), *empty), problems=[Problem("P3", "P-000002", "last_contact", "eilen")])
    kinds = {(kind, code) for kind, _, code in asked(merged(theirs))}
    cells = {("cell", code) for code in ("last_contact", "name", "organisation", "source")}
    assert kinds == {*cells, ("protected", "received")}


def test_what_excel_makes_of_a_value_is_no_conflict_with_what_was_changed_meanwhile() -> None:
    ours = changed(register_of(three()), phone="+358501234567")
    assert nothing(merged(with_cells(three(), (0, "phone", "401234567")), ours=ours))


def test_a_value_that_was_never_cleaned_is_compared_as_if_it_were() -> None:
    base = with_cells(three(), (0, "phone", "040 1234567"), (1, "phone", "040 1234567"))
    ours = changed(register_of(base), "P-000002", phone="+358501234567")
    theirs = with_cells(base, (0, "phone", "0401234567"), (1, "phone", "050 123 4567"))
    assert nothing(merged(theirs, base=base, ours=ours))
    found = merged(with_cells(base, (0, "phone", "0501234567")), base=base, ours=changed(ours, phone="+358401234567"))
    assert found.change.set["P-000001"]["phone"] == "+358501234567"


@pytest.mark.parametrize(
    ("edits", "refused", "taken"),
    [
        ({"name": "", "organisation": "", "title": "x"}, {"name", "organisation"}, {"title"}),
        ({"name": "", "title": "x"}, set(), {"name", "title"}),
        ({"source": "", "title": "x"}, {"source"}, {"title"}),
        ({"source": "public", "title": "x"}, {"source"}, {"title"}),
        ({"source": "public", "source_detail": "YTJ"}, set(), {"source", "source_detail"}),
    ],
)
def test_edits_that_would_break_the_row_are_asked(edits: dict[str, str], refused: set[str], taken: set[str]) -> None:
    found = merged(with_cells(three(), *((0, code, value) for code, value in edits.items())))
    assert found.change.set["P-000001"].keys() - MARKS.keys() == taken
    assert {(question.kind, question.code) for question in found.questions} == {("cell", code) for code in refused}


def test_a_row_is_not_broken_by_both_sides_together() -> None:
    ours = changed(register_of(three()), name="")
    found = merged(with_cells(three(), (0, "organisation", "")), ours=ours)
    assert not found.change and asked(found) == [("cell", "P-000001", "organisation")]


def test_a_cell_that_could_not_be_understood_is_asked_and_its_field_stays() -> None:
    base = with_cells(three(), (0, "next_contact", TODAY))
    problem = Problem("Q2", "P-000001", "next_contact", "ensi viikolla")
    theirs = replace(with_cells(base, (0, "next_contact", None), (0, "title", "Rehtori")), problems=[problem])
    found = merged(theirs, base=base)
    assert found.change.set == {"P-000001": {"title": "Rehtori", **MARKS}}
    assert found.questions == [Question("cell", "P-000001", "next_contact", TODAY, where="Q2", typed="ensi viikolla")]


def test_a_status_set_outside_sets_its_date_the_first_time() -> None:
    found = merged(with_cells(three(), (0, "status", "offer"), (1, "status", "contacted"), (1, "contacted", RECEIVED)))
    assert found.change.set["P-000001"] == {"status": "offer", "offered": TODAY, **MARKS}
    assert found.change.set["P-000002"] == {"status": "contacted", "contacted": RECEIVED, **MARKS}
    ours = changed(register_of(three()), offered=RECEIVED)
    assert "offered" not in merged(with_cells(three(), (0, "status", "offer")), ours=ours).change.set["P-000001"]


def test_a_column_deleted_in_excel_changes_nothing() -> None:
    theirs = with_cells(three(), *((n, "phone", "") for n in range(3)))
    assert nothing(merged(replace(theirs, places={c: n for c, n in theirs.places.items() if c != "phone"})))
    assert len(merged(theirs).change.set) == 3


# -- rows that are gone, missing or removed -------------------------------------------------------------------


def test_s5_a_row_that_is_missing_is_not_removed_but_asked() -> None:
    found = merged(without(three(), 1))
    assert not found.change and found.questions == [Question("missing", "P-000002")]


def test_s5_a_row_that_was_cleared_is_as_good_as_missing() -> None:
    empty = [(1, code, schema.EMPTY[code]) for code in schema.CODES if code != "id"]
    found = merged(with_cells(three(), *empty))
    assert not found.change and asked(found) == [("missing", "P-000002", "")]


@pytest.mark.parametrize("in_ours", [True, False])
def test_s10_nothing_of_a_removed_row_comes_back(in_ours: bool) -> None:
    base = three(Oma=["a", "b", "c"])
    ours = register_of(base) if in_ours else register_of(base).applied(Change(remove=["P-000002"]))
    theirs = with_cells(base, (1, "title", "Rehtori"), (1, "objected", TODAY))
    theirs = with_cells(theirs, (1, "Oma", "z"), extras=True)
    doubled = {**PERSON, "id": "P-000002", "received": RECEIVED, "name": "Bertta Kokeilija", "title": "Muu"}
    theirs = with_rows(theirs, doubled, {**doubled, "id": " p-2 "})
    theirs.problems = [Problem("P3", "P-000002", "last_contact", "eilen")]
    assert nothing(merged(theirs, base=base, ours=ours, removed=["P-000002"]))
    assert nothing(merged(without(base, 1), base=base, ours=ours, removed={"P-000002"}))


def test_s10_a_row_removed_meanwhile_stays_away_though_no_list_names_it() -> None:
    ours = register_of(three()).applied(Change(remove=["P-000002"]))
    assert nothing(merged(with_cells(three(), (1, "title", "Rehtori")), ours=ours))


def test_s10_a_removed_row_does_not_come_back_without_its_number() -> None:
    ours = register_of(three()).applied(Change(remove=["P-000002"]))
    assert nothing(merged(with_cells(three(), (1, "id", "")), ours=ours, removed=["P-000002"]))


def test_s10_a_row_from_an_older_file_that_was_removed_long_ago_stays_away() -> None:
    theirs = with_rows(three(), {**PERSON, "id": "P-000900", "received": RECEIVED, "name": "Poistettu"})
    assert nothing(merged(theirs, removed=["P-000900"]))


# -- whatever is edited ---------------------------------------------------------------------------------------


@pytest.mark.libreoffice
def test_s5_saving_in_libreoffice_alone_changes_nothing(tmp_path: Path) -> None:
    made = rows(150, seed=4, today=TODAY)
    cells = ["a", 1.5, dt.date(2026, 1, 1), dt.datetime(2026, 1, 1, 2, 3, 4), True, dt.time(1, 2), "=1+1", "a\nb"]
    content = content_of(*made, Oma=[*cells, *[""] * 142])
    content.sheets = {"Omat": [["x", 1.0, dt.date(2026, 1, 1)]]}
    plain = plain_of(content)
    base = workbook.read_plain(plain, "x", own=True)
    theirs = workbook.read_plain(saved_by_libreoffice(plain, tmp_path), "x")
    found = merge(base, theirs, register_of(content), removed=(), today=TODAY, now=NOW, by=BY)
    assert nothing(found) and found.sheets == base.sheets


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Aino", "Bertta", ""]),
    "organisation": st.sampled_from(["Oy", ""]),
    "source": st.sampled_from(["phone", "public", ""]),
    "title": st.sampled_from(["Rehtori", "Johtaja", ""]),
    "email": st.sampled_from(["a@example.com", "a@", ""]),
    "phone": st.sampled_from(["0401234567", "+358401234567", "x", ""]),
    "status": st.sampled_from(["new", "offer", "closed", ""]),
    "next_contact": st.sampled_from([None, TODAY, RECEIVED]),
    "last_contact": st.sampled_from([None, RECEIVED, dt.date(2027, 5, 5)]),
    "received": st.sampled_from([None, RECEIVED, TODAY]),
    "objected": st.sampled_from([None, TODAY]),
    "hold_until": st.sampled_from([None, dt.date(2040, 1, 1)]),
}
FIVE = content_of(*({**PERSON, "name": f"Henkilö {n}"} for n in range(5)))
IDS = FIVE.frame["id"].tolist()


@st.composite
def edits(draw: st.DrawFn) -> dict[tuple[int, str], Any]:
    """Some new values, by row and column."""
    places = draw(st.sets(st.tuples(st.integers(0, 4), st.sampled_from(sorted(VALUES))), max_size=12))
    return {(row, code): draw(VALUES[code]) for row, code in sorted(places)}


@settings(max_examples=75)
@given(outside=edits(), meanwhile=edits(), dropped=st.sets(st.integers(0, 4)), removed=st.sets(st.sampled_from(IDS)))
def test_s5_whatever_is_edited_nothing_of_ours_is_lost(
    outside: dict[tuple[int, str], Any],
    meanwhile: dict[tuple[int, str], Any],
    dropped: set[int],
    removed: set[str],
) -> None:
    base, ours = FIVE, register_of(FIVE)
    since: dict[str, dict[str, Any]] = {}
    for (row, code), value in meanwhile.items():
        since.setdefault(IDS[row], {})[code] = _clean(code, value)
    ours = ours.applied(Change(set=since))
    ours = ours.applied(Change(remove=sorted(removed)))
    theirs = without(with_cells(base, *((row, code, value) for (row, code), value in outside.items())), *dropped)
    found = merge(base, theirs, ours, removed=removed, today=TODAY, now=NOW, by=BY)
    after = ours.applied(found.change)

    assert after.frame["id"].tolist() == ours.frame["id"].tolist()  # none removed, none added, none back
    questions = {(question.id, question.code): question for question in found.questions}
    assert len(questions) == len(found.questions)
    assert {i for i, code in questions if not code} == {IDS[n] for n in dropped if IDS[n] not in removed}
    for i in ours.frame["id"]:
        row = IDS.index(i)
        old, was, now = schema.to_row(base.frame.iloc[row].to_dict()), ours.row(i), after.row(i)
        kept = row in dropped
        for code in schema.CODES:
            typed = old[code] if kept or (row, code) not in outside else outside[row, code]
            clean = old[code] if typed == old[code] else _clean(code, typed)
            if now[code] == was[code]:
                # What was typed outside and is not there has been asked.
                assert clean in (old[code], was[code]) or (i, code) in questions, (i, code)
            elif code in MARKS:
                assert found.change.set[i]
            elif code in ("contacted", "offered", "decided"):
                assert was[code] is None and now[code] == TODAY and found.change.set[i]["status"]
            else:
                assert was[code] == old[code] and now[code] == clean and code not in PROTECTED and code not in OWN
        if not found.change.set.get(i):
            assert now == was
        cleaning.clean_record({c: now[c] for c in found.change.set.get(i, {}) if c in VALUES}, today=TODAY, base=now)


def _clean(code: str, value: Any) -> Any:
    try:
        return cleaning.clean_value(code, value)[0]
    except cleaning.FieldError:
        return value


def test_only_rows_that_differ_cost_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand rows, two hundred edits: no value is cleaned but theirs."""
    frame = frame_of(*([PERSON] * 10_000))
    base = Content(frame, pd.DataFrame(index=frame.index), replace(INFO, last_number=len(frame)))
    places = np.arange(0, 10_000, 50)
    theirs = replace(base, frame=frame.assign(title=frame["title"].mask(frame.index.isin(places), "Rehtori")))
    asked_for: list[str] = []
    clean = cleaning.clean_value
    monkeypatch.setattr(cleaning, "clean_value", lambda *given: asked_for.append(given[0]) or clean(*given))
    found = merged(theirs, base=base)
    assert len(found.change.set) == 200 and set(asked_for) == {"title"} and len(asked_for) < 2000
