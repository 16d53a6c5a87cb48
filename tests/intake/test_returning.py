"""A list that comes back edited: what the person did, one thing at a time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib import schema
from lib.changes import Change
from lib.errors import ImportRefused
from lib.intake.returning import KEPT, fingerprints
from lib.output.leaving import _without_mailing
from lib.register import Register
from lib.schema import Kind

from .lists import (
    KEY,
    RECEIVED,
    TODAY,
    column,
    edited,
    kinds,
    listed,
    put,
    read,
    returned,
    the,
    two,
    words,
)


def test_a_list_that_nobody_touched_changes_nothing() -> None:
    register = two(status="offer", objected=TODAY, next_contact=dt.date(2027, 1, 1))
    check = returned(listed(register), register)
    assert [(f.kind, f.id, f.record and f.record.number) for f in check.findings] == [
        ("same", "P-000001", 2),
        ("same", "P-000002", 3),
    ]


@pytest.mark.parametrize("language", ["fi", "en", "sv"])
def test_it_comes_back_in_any_language(language: str) -> None:
    register = two(status="offer")
    plain = edited(listed(register, language=language), put(1, "title", "Päällikkö", language))
    assert the(returned(plain, register), "change").changes == {"title": ("", "Päällikkö")}


def test_a_list_of_few_columns_comes_back_and_one_without_numbers_has_no_hidden_sheet() -> None:
    register = two()
    plain = edited(listed(register, ["name", "id", "title"]), put(2, "title", "Rehtori"))
    assert the(returned(plain, register), "change").changes == {"title": ("Johtaja", "Rehtori")}
    assert fingerprints(read(listed(register, ["name", "title"])), KEY) is None


def test_without_its_column_of_numbers_it_is_refused_in_words() -> None:
    register = two()
    plain = edited(listed(register), lambda sheet: sheet.delete_cols(1))
    with pytest.raises(ImportRefused, match="no column Tunnus"):
        returned(plain, register)


def test_a_cleared_cell_is_a_change_to_empty() -> None:
    register = two()
    finding = the(returned(edited(listed(register), put(1, "phone", None)), register), "change")
    assert finding.changes == {"phone": ("+358401234567", "")} and finding.id == "P-000001"


def test_what_may_not_be_empty_is_wrong_and_says_why() -> None:
    register = two()
    plain = edited(listed(register), put(2, "name", None), put(2, "organisation", None), put(2, "title", "Rehtori"))
    finding = the(returned(plain, register), "wrong")
    assert finding.record and finding.record.cells["name"] == "F3"
    assert words(finding.record.wrong["name"]) == "Write at least a name or an organisation." == words(finding.why)
    assert finding.changes["title"] == ("Johtaja", "Rehtori")


@pytest.mark.parametrize("code", sorted(KEPT - {"id"}))
def test_what_the_register_keeps_is_told_and_not_taken(code: str) -> None:
    register = two(hold_reason="claim", hold_until=dt.date(2030, 1, 1))
    value = {Kind.DATE: dt.date(2020, 2, 2), Kind.TIME: dt.datetime(2020, 2, 2, 3, 4), Kind.CHOICE: "Sähköposti"}
    if code == "hold_reason":
        value[Kind.CHOICE] = schema.label(code, "dispute", "fi")
    said = value.get(schema.BY_CODE[code].kind, "joku")
    finding = the(returned(edited(listed(register), put(1, code, said)), register), "wrong")
    assert finding.record and list(finding.record.wrong) == [code] and "cannot be changed" in words(finding.why)
    assert not finding.changes and not finding.conflicts
    mixed = the(returned(edited(listed(register), put(1, code, said), put(1, "title", "X")), register), "change")
    assert mixed.changes == {"title": ("", "X")} and mixed.record and list(mixed.record.warnings) == [code]
    assert not mixed.record.wrong and mixed.why


def test_an_objection_is_set_but_neither_moved_nor_lifted() -> None:
    register = two()
    finding = the(returned(edited(listed(register), put(2, "objected", TODAY)), register), "change")
    assert finding.changes == {"objected": (None, TODAY)}
    register = two(objected=RECEIVED)
    for value in (None, TODAY):
        finding = the(returned(edited(listed(register), put(1, "objected", value)), register), "wrong")
        assert not finding.changes and finding.record and list(finding.record.wrong) == ["objected"]


def test_one_s_emptied_cells_come_back_as_no_change_and_hide_what_was_there() -> None:
    register = two(objected=RECEIVED, address="Katu 1")
    frame = _without_mailing(register.frame)
    left = Register.of(frame)
    plain = listed(left)
    assert kinds(returned(plain, register)) == {}
    finding = the(returned(edited(plain, put(1, "email", "uusi@example.com")), register), "conflict")
    assert finding.conflicts == {"email": ("aino@example.com", "uusi@example.com")}
    without = edited(plain, lambda sheet: sheet.delete_rows(2))
    assert the(returned(without, register), "deleted").why is None, "nobody changed what the list left empty"
    since = register.applied(Change(set={"P-000001": {"name": "Aino Uusi"}}))
    assert the(returned(without, since), "deleted").why


def test_a_row_that_waits_for_its_removal_says_so() -> None:
    register = two()
    since = register.applied(Change(set={"P-000001": {"removal_requested": TODAY}}))
    finding = the(returned(edited(listed(register), put(1, "title", "X")), since), "change")
    assert "waits for its removal" in words(finding.why)


def test_a_number_that_stands_twice_counts_once_and_the_other_row_is_told() -> None:
    register = two()
    copy = list(read(listed(register)).prospects.rows[1])

    def again(sheet: Any, **others: str) -> None:
        sheet.insert_rows(2)
        for n, value in enumerate(copy, 1):
            sheet.cell(2, n).value = value or None
        for code, text in others.items():
            sheet.cell(2, column(sheet, code)).value = text

    check = returned(edited(listed(register), lambda sheet: again(sheet)), register)
    assert kinds(check) == {"double": 1} and check.findings[1].kind == "double"
    check = returned(
        edited(listed(register), lambda sheet: again(sheet, name="Joku Muu", phone="+358501112233")), register
    )
    finding = the(check, "wrong")
    assert finding.record and finding.record.number == 2, "the copy above is another person, the original stays"
    assert words(finding.why).startswith("The number P-000001 stands in several rows. The one in row 3 counts")


@pytest.mark.parametrize("number", ["P-000077", "oma", "77"])
def test_a_number_that_the_list_did_not_have_is_told(number: str) -> None:
    register = two()
    check = returned(edited(listed(register), put(2, "id", number)), register)
    assert kinds(check) == {"wrong": 1, "deleted": 1}
    wrong = next(f for f in check.findings if f.kind == "wrong")
    assert "was not in this list" in words(wrong.why) and check.findings[-1].kind == "deleted"


@pytest.mark.parametrize("number", ["p-000002", " P-000002 ", 2, "2"])
def test_a_number_typed_again_in_another_form_is_the_same(number: Any) -> None:
    register = two()
    assert kinds(returned(edited(listed(register), put(2, "id", number)), register)) == {}


def test_a_row_of_another_list_is_told_and_not_taken() -> None:
    register = two()
    plain = listed(Register.of(register.frame.iloc[:1].reset_index(drop=True)))
    row = read(listed(register)).prospects.rows[2]
    check = returned(edited(plain, lambda sheet: sheet.append([cell or None for cell in row])), register)
    assert the(check, "wrong").id == "P-000002"


def test_a_row_without_a_number_is_new_if_it_is_complete() -> None:
    register = two()
    phone = schema.label("source", "phone", "fi")
    new = [put(3, "name", "Uusi Ihminen"), put(3, "source", phone), put(3, "received", TODAY)]
    finding = the(returned(edited(listed(register), *new), register), "new")
    assert finding.record and finding.record.values["name"] == "Uusi Ihminen" and finding.id == ""
    finding = the(returned(edited(listed(register), new[0]), register), "wrong")
    assert finding.record and set(finding.record.wrong) == {"source", "received"}
    finding = the(returned(edited(listed(register), *new, put(3, "email", "ei osoite")), register), "wrong")
    assert finding.record and set(finding.record.wrong) == {"email"}


def test_a_row_without_a_number_that_the_register_has_is_a_double() -> None:
    register = two()
    check = returned(edited(listed(register), put(2, "id", None)), register)
    assert kinds(check) == {"double": 1, "deleted": 1}
    double = next(f for f in check.findings if f.kind == "double")
    assert double.id == "P-000002" and "which the register has" in words(double.why)
    since = register.applied(Change(set={"P-000002": {"status": "contacted", "contacted": TODAY}}))
    assert kinds(returned(edited(listed(register), put(2, "id", None)), since)) == {"double": 1, "deleted": 1}


def test_a_deleted_row_is_a_question_that_says_whether_somebody_changed_it_since() -> None:
    register = two()
    plain = edited(listed(register), lambda sheet: sheet.delete_rows(2))
    finding = the(returned(plain, register), "deleted")
    assert (finding.id, finding.record, finding.why) == ("P-000001", None, None)
    since = register.applied(Change(set={"P-000001": {"notes": "uutta"}}))
    assert "Somebody changed" in words(the(returned(plain, since), "deleted").why)
    assert kinds(returned(plain, register.applied(Change(remove=["P-000001"])))) == {}


def test_a_row_of_which_nothing_but_its_number_is_left_counts_as_deleted() -> None:
    register = two()

    def clear(sheet: Any) -> None:
        for cell in sheet[2][1:]:
            cell.value = None

    finding = the(returned(edited(listed(register), clear), register), "deleted")
    assert finding.id == "P-000001" and finding.record
    both = edited(listed(register), lambda sheet: [setattr(cell, "value", None) for cell in sheet[3][1:]])
    both = edited(both, lambda sheet: sheet.delete_rows(2))
    assert [finding.id for finding in returned(both, register).findings] == ["P-000001", "P-000002"]
    one_cell = edited(listed(register, ["id", "title"]), put(2, "title", None))
    assert the(returned(one_cell, register), "change").changes == {"title": ("Johtaja", "")}


def test_a_row_removed_since_is_gone() -> None:
    register = two()
    plain = edited(listed(register), put(1, "title", "X"))
    finding = the(returned(plain, register.applied(Change(remove=["P-000001"]))), "gone")
    assert finding.record and finding.id == "P-000001" and not finding.changes


def test_a_restricted_row_changes_in_nothing() -> None:
    register = two()
    since = register.applied(Change(set={"P-000001": {"restricted": TODAY}}))
    assert kinds(returned(listed(register), since)) == {}
    finding = the(returned(edited(listed(register), put(1, "title", "X")), since), "banned")
    assert "restricted" in words(finding.why)
    assert the(returned(edited(listed(register), lambda sheet: sheet.delete_rows(2)), since), "banned").id == "P-000001"


def test_both_sides_are_shown_where_somebody_else_changed_the_same_field() -> None:
    register = two()
    plain = edited(listed(register), put(2, "title", "Rehtori"), put(2, "notes", "minä"))
    since = register.applied(Change(set={"P-000002": {"title": "Opettaja", "phone": "+358501112233"}}))
    finding = the(returned(plain, since), "conflict")
    assert finding.conflicts == {"title": ("Opettaja", "Rehtori")}
    assert finding.changes == {"notes": ("muistiinpano", "minä")}
    agreed = since.applied(Change(set={"P-000002": {"title": "Rehtori", "notes": "minä"}}))
    assert kinds(returned(plain, agreed)) == {}


def test_a_column_that_the_list_did_not_have_is_the_person_s() -> None:
    register = two(title="Kuski")
    plain = edited(listed(register, ["id", "name"]), lambda sheet: sheet.cell(1, 3, "Tehtävänimike"))
    assert kinds(returned(plain, register)) == {}
    finding = the(returned(edited(plain, put(1, "title", "Johtaja")), register), "conflict")
    assert finding.conflicts == {"title": ("Kuski", "Johtaja")}
    finding = the(returned(edited(plain, put(1, "title", "Johtaja")), two()), "change")
    assert finding.changes == {"title": ("", "Johtaja")}
    plain = edited(listed(register, ["id", "name"]), lambda sheet: sheet.cell(1, 3, schema.heading("email", "fi")))
    wrong = the(returned(edited(plain, put(1, "email", "ei osoite")), register), "wrong")
    assert wrong.record and list(wrong.record.wrong) == ["email"]


def test_columns_of_others_are_told_beside() -> None:
    frame = two()
    register = Register.of(frame.frame, frame.extras.assign(Oma=["a", "b"]))
    plain = edited(listed(register), lambda sheet: sheet.cell(1, 31, "Oma"), lambda sheet: sheet.cell(2, 31, "c"))
    assert the(returned(plain, register), "change").others == {"Oma": ("a", "c")}
    plain = edited(plain, lambda sheet: sheet.cell(2, 31, "a"))
    assert kinds(returned(plain, register)) == {}
