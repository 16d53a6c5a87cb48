"""A list that comes back edited: exactly what the person changed arrives, and conflicts where both sides changed."""

from __future__ import annotations

import datetime as dt
import hmac
import io
import random
import re
from dataclasses import dataclass, field
from typing import Any

import openpyxl
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.changes import Change
from lib.cleaning import FieldError
from lib.errors import ImportRefused
from lib.intake.checking import KINDS
from lib.intake.returning import KEPT, compare, fingerprints
from lib.output import fingerprints as prints
from lib.output.fingerprints import Origin, Prints, canonical
from lib.output.leaving import _without_mailing
from lib.register import Register
from lib.schema import Kind
from tests.store.test_workbook import HARD

from .lists import (
    KEY,
    NOW,
    ORIGIN,
    RECEIVED,
    TODAY,
    column,
    edited,
    kinds,
    listed,
    put,
    read,
    records,
    register_of,
    returned,
    the,
    words,
)

# -- any register, any edits ----------------------------------------------------------------------------------------

# openpyxl writes "_x0041_" as it is, which is read as a letter; Excel and LibreOffice do not.
_TYPED = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    [text for text in HARD if len(text) < 100 and not re.search("_x[0-9A-Fa-f]{4}_", text)]
)
_CLEAN = {
    Kind.TEXT: _TYPED,
    Kind.LONG: _TYPED,
    Kind.LIST: _TYPED,
    Kind.USER: st.sampled_from(["aino", "sami", "poissa"]),
}
_PHONES = st.sampled_from(["+358401234567", "+358501112233", "+46701234567", "0123", "0401234567 p. 5", "vaihde"])
_MAILS = st.sampled_from(["aino@example.com", "Aino.Alku@example.org", "ä@example.net", "ei osoite"])
_UNCLEAN = [" väli ", "b;a; b", "rivi\nrivi"]
_PAST = st.dates(dt.date(1990, 1, 1), TODAY)
_DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31))
_EDITABLE = tuple(c for c in schema.CODES if c not in KEPT and c not in ("organisation", "objected"))


def values_of(code: str) -> st.SearchStrategy[Any]:
    """What the register may hold in a column: mostly clean, but what came from older workbooks as well."""
    column = schema.BY_CODE[code]
    match column.kind:
        case Kind.PHONE:
            return _PHONES | st.just("")
        case Kind.EMAIL:
            return _MAILS | st.just("")
        case Kind.CHOICE:
            return st.sampled_from(["", *column.choices, "vanha sana"])
        case Kind.DATE:
            return st.none() | (_PAST if column.past else _DAYS)
        case Kind.TIME:
            return st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)).map(
                lambda t: t.replace(microsecond=0)
            )
        case kind:
            clean = _CLEAN[kind].map(lambda text: meaning(code, text))
            # Of a cell with nothing but space, openpyxl keeps nothing.
            return st.just("") | clean.map(lambda text: text if str(text).strip() else "") | st.sampled_from(_UNCLEAN)


def meaning(code: str, value: Any) -> Any:
    """What a form would make of a value; the value itself where it takes none."""
    try:
        return cleaning.clean_value(code, value)[0] if value else schema.EMPTY[code]
    except FieldError:
        return value


_ROW = st.fixed_dictionaries(
    {"organisation": st.sampled_from(["Yritys Oy", "Toinen Oy", "=Kolmas"])},
    optional={
        c: values_of(c) for c in schema.CODES if c not in ("id", "organisation", "expires", "restricted", "source")
    },
)


@dataclass
class Edits:
    """What happens to a list: in the file, and meanwhile in the register. Rows are counted from 0."""

    cells: dict[tuple[int, str], Any] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    copied: set[int] = field(default_factory=set)  # without their numbers
    retyped: set[int] = field(default_factory=set)
    added: int = 0
    gone_columns: set[str] = field(default_factory=set)
    shuffled: int | None = None
    moved: int | None = None
    meanwhile: dict[tuple[int, str], Any] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    restricted: set[int] = field(default_factory=set)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], Edits]:
    rows = draw(st.lists(_ROW, min_size=3, max_size=7))
    one = st.integers(0, len(rows) - 1)
    some = st.sets(one, max_size=1)
    changed = st.tuples(one, st.sampled_from(_EDITABLE))
    edits = Edits()
    for place in draw(st.lists(changed, min_size=1, max_size=8, unique=True)):
        edits.cells[place] = draw(values_of(place[1]))
    for place in draw(st.lists(st.tuples(one, st.sampled_from(sorted(KEPT - {"id"}))), max_size=3)):
        edits.cells[place] = draw(values_of(place[1]))
    for place in [*draw(st.lists(changed, max_size=3)), *draw(st.lists(st.sampled_from([*edits.cells, (0, "title")])))]:
        if place[1] in _EDITABLE:
            same = st.just(edits.cells[place]) if place in edits.cells else st.nothing()
            edits.meanwhile[place] = draw(same | values_of(place[1]))
    edits.deleted, edits.removed, edits.restricted = draw(some), draw(some), draw(some)
    edits.doubled, edits.retyped = draw(some) - edits.deleted, draw(some)
    edits.copied = draw(some) - edits.deleted - edits.doubled
    edits.added = draw(st.integers(0, 2))
    edits.gone_columns = draw(
        st.sets(st.sampled_from([c for c in schema.CODES if c not in ("id", "organisation")]), max_size=2)
    )
    edits.shuffled, edits.moved = draw(st.none() | st.integers(0, 99)), draw(st.none() | st.integers(0, 99))
    return rows, edits


def applied(plain: bytes, rows: list[dict[str, Any]], edits: Edits) -> bytes:
    """The list as it is after the edits."""
    book = openpyxl.load_workbook(io.BytesIO(plain))
    sheet = book["Prospektit"]
    head, *body = [[cell.value for cell in line] for line in sheet.iter_rows()]
    places = {code: n for n, code in enumerate(schema.CODES)}
    body = body[: len(rows)]
    for n in edits.retyped:
        for code, place in places.items():
            kind, value = schema.BY_CODE[code].kind, body[n][place]
            if kind is Kind.DATE and value:
                body[n][place] = f"{value.day}.{value.month}.{value.year}"
            if kind is Kind.PHONE and value and value.lstrip("+").isdecimal():
                body[n][place] = int(value.lstrip("+"))
    for (n, code), value in edits.cells.items():
        label = schema.label(code, value, "fi") if schema.BY_CODE[code].choices else value
        body[n][places[code]] = label if label != "" else None
    copies = [[*body[n]] for n in sorted(edits.doubled)]
    for n in sorted(edits.copied):
        copies.append([None, *body[n][1:]])
    new = [[None] * len(head) for _ in range(edits.added)]
    for n, line in enumerate(new):
        for code, value in {
            "name": f"Aivan Uusi {n}",
            "source": schema.label("source", "phone", "fi"),
            "received": TODAY,
        }.items():
            line[places[code]] = value
    body = [line for n, line in enumerate(body) if n not in edits.deleted] + copies + new
    if edits.shuffled is not None:
        random.Random(edits.shuffled).shuffle(body)
    order = [n for n, code in enumerate(schema.CODES) if code not in edits.gone_columns]
    if edits.moved is not None:
        random.Random(edits.moved).shuffle(order)
    sheet.delete_rows(1, sheet.max_row)
    for r, line in enumerate([head, *body], 1):
        for c, place in enumerate(order, 1):
            cell = sheet.cell(r, c)
            cell.value = line[place]
            if isinstance(line[place], str):
                cell.data_type = "s"
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def expected(register: Register, now: Register, edits: Edits) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """By number: the kind, the values of the changes and of the conflicts."""
    found = {}
    for n, i in enumerate(register.frame["id"]):
        base, wrong = register.row(i), False
        there = now.row(i) if i in now.positions else None
        if there is None:
            found[i] = ("gone", {}, {})
            continue
        changes: dict[str, Any] = {}
        conflicts: dict[str, Any] = {}
        kept = set()
        for (row, code), value in edits.cells.items():
            value = meaning(code, value)
            if row != n or code in edits.gone_columns or n in edits.deleted:
                continue
            if value in (meaning(code, base[code]), meaning(code, there[code])):
                continue
            if code in KEPT:
                kept.add(code)
            elif value in ("ei osoite", "vanha sana") and schema.BY_CODE[code].kind in (Kind.EMAIL, Kind.CHOICE):
                wrong = True
            else:
                (changes if meaning(code, there[code]) == meaning(code, base[code]) else conflicts)[code] = value
        kind = "conflict" if conflicts else "change" if changes else "wrong" if kept else "same"
        kind = "wrong" if wrong else kind
        if there["restricted"] and (kind != "same" or n in edits.deleted):
            kind = "banned"
        elif n in edits.deleted:
            kind = "deleted"
        found[i] = (kind, changes, conflicts)
    return found


# A failing world is shown as it is: making it smaller takes minutes.
@settings(max_examples=35, phases=[Phase.explicit, Phase.generate])
@given(worlds())
@example(([{"organisation": "Y", "phone": "0123"}], Edits(retyped={0})))
@example(([{"organisation": "Y", "objected": RECEIVED}], Edits(cells={(0, "objected"): None})))
def test_exactly_the_edits_arrive_and_conflicts_where_both_sides_changed(
    world: tuple[list[dict[str, Any]], Edits],
) -> None:
    rows, edits = world
    edits.cells = {place: value for place, value in edits.cells.items() if place[1] != "objected"}
    register = register_of(*rows)
    ids = register.frame["id"].tolist()
    plain = applied(listed(register), rows, edits)
    meanwhile: dict[str, dict[str, Any]] = {}
    for (n, code), value in edits.meanwhile.items():
        meanwhile.setdefault(ids[n], {})[code] = value
    for n in edits.restricted:
        meanwhile.setdefault(ids[n], {})["restricted"] = TODAY
    now = register.applied(Change(set=meanwhile)).applied(Change(remove=[ids[n] for n in edits.removed]))
    check = returned(plain, now)
    assert check.register is now and {finding.kind for finding in check.findings} <= set(KINDS)

    wanted = expected(register, now, edits)
    first = {}
    for finding in check.findings:
        if finding.id and finding.kind != "double":
            assert finding.id not in first, "each row counts once"
            first[finding.id] = finding
    for i, (kind, changes, conflicts) in wanted.items():
        finding = first.pop(i, None)
        if kind == "gone" and finding is None:
            assert ids.index(i) in edits.deleted  # gone on both sides: nothing to tell
            continue
        assert finding is not None and finding.kind == kind, (i, kind, finding)
        assert {code: after for code, (_, after) in finding.changes.items()} == changes
        assert {code: after for code, (_, after) in finding.conflicts.items()} == conflicts
        for code, (before, _) in {**finding.changes, **finding.conflicts}.items():
            assert before == now.row(i)[code]
    assert first == {}
    # A new row in a list without these columns lacks what it needs.
    kind = "wrong" if {"source", "received", "name"} & edits.gone_columns else "new"
    assert [f.kind for f in check.findings if not f.id] == [kind] * edits.added
    doubles = [finding.id for finding in check.findings if finding.kind == "double"]
    assert set(doubles) >= {ids[n] for n in edits.doubled}
    assert len(doubles) == len(edits.doubled) + len(edits.copied)
    numbers = [finding.record.number for finding in check.findings if finding.record]
    assert numbers == sorted(numbers)


# -- what the person did, one thing at a time -----------------------------------------------------------------------


def two(**others: Any) -> Register:
    return register_of(
        {
            "organisation": "Yritys Oy",
            "name": "Aino Alku",
            "phone": "+358401234567",
            "email": "aino@example.com",
            **others,
        },
        {"organisation": "Toinen Oy", "name": "Bertta Toinen", "title": "Johtaja", "notes": "muistiinpano"},
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


# -- other types, same meaning --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("phone", "+358401234567", 358401234567),
        ("phone", "+358401234567", 401234567),
        ("phone", "+358401234567", "040 123 4567"),
        ("phone", "0123", 123),
        ("title", "007", 7),
        ("title", "1234567", 1234567.0),
        ("next_contact", dt.date(2027, 2, 1), "1.2.2027"),
        ("next_contact", dt.date(2027, 2, 1), "2027-02-01"),
        ("next_contact", dt.date(2027, 2, 1), 46419),
        ("created_at", dt.datetime(2026, 1, 2, 3, 4, 5), 46024.12783564815),
        ("email", "Aino@EXAMPLE.com", "Aino@example.com"),
        ("email", "ei osoite", "ei osoite"),
        ("interests", "a; b", "a;b"),
        ("status", "offer", "offer"),
        ("status", "vanha sana", "vanha sana"),
        ("name", "Aino Alku", " Aino Alku "),
    ],
)
def test_a_cell_of_another_type_with_the_same_meaning_is_no_change(code: str, before: Any, after: Any) -> None:
    register = two(**{code: before})
    plain = edited(listed(register), put(1, code, after))
    assert kinds(returned(plain, register)) == {}
    other = dt.date(2000, 1, 1) if code in schema.DATE_CODES else {"status": "new"}.get(code, "muu@example.com")
    since = register.applied(Change(set={"P-000001": {code: other}}))
    assert kinds(returned(plain, since)) == {}, "nor where the register has something else by now"


def test_without_the_sheet_a_cell_that_cannot_be_taken_is_wrong() -> None:
    register = two(email="ei osoite")
    assert the(returned(listed(register), register, with_sheet=False), "wrong").record
    assert kinds(returned(listed(register), register)) == {}


def test_only_what_was_edited_is_warned_of() -> None:
    register = two(phone="vaihde")
    finding = the(returned(edited(listed(register), put(1, "title", "X")), register), "change")
    assert finding.record and not finding.record.warnings
    finding = the(returned(edited(listed(register), put(1, "phone", "toinen vaihde")), register), "change")
    assert finding.record and list(finding.record.warnings) == ["phone"]


def test_a_number_typed_over_a_text_is_a_change() -> None:
    register = two(phone="0123")
    finding = the(returned(edited(listed(register), put(1, "phone", 124)), register), "change")
    assert finding.changes == {"phone": ("0123", "124")}


# -- the hidden sheet -----------------------------------------------------------------------------------------------


def test_a_fingerprint_is_an_hmac_under_a_key_of_its_own_list() -> None:
    salt = b"s" * 16
    key = hmac.digest(KEY, b"list" + salt, "sha256")
    wanted = hmac.digest(key, "name\0P-000001\0Aino Ä".encode(), "sha256")[:6]
    assert Prints(KEY, salt).of("name", "P-000001", "Aino Ä") == wanted


def test_no_guess_can_be_tested_and_two_lists_show_nothing_of_each_other() -> None:
    register = register_of({"name": "Sama"}, {"name": "Sama"})
    lines = []
    for _ in range(2):
        rows = next(sheet for sheet in read(listed(register)).sheets if sheet.name == prints.SHEET).rows
        lines += [row[1] for row in rows if str(row[0]).startswith("P-")]
    assert len(lines) == 4 == len(set(lines))
    cut = {line[n : n + 8] for line in lines for n in range(0, len(line), 8)}
    assert len(cut) == 4 * len(schema.CODES), "each value has another fingerprint in each row and list"


def test_the_sheet_is_hidden_and_tells_where_it_is_from() -> None:
    plain = listed(two())
    book = openpyxl.load_workbook(io.BytesIO(plain))
    assert book[prints.SHEET].sheet_state == "veryHidden" and book.active and book.active.title == "Prospektit"
    download = fingerprints(read(plain), KEY)
    assert download and (download.register, download.by, download.at) == (ORIGIN.register, "aino", NOW)
    assert (
        download.codes == schema.CODES and download.language == "fi" and list(download.rows) == ["P-000001", "P-000002"]
    )
    assert not any(text in str(read(plain).sheets[1].rows) for text in ("Aino", "40123", "Yritys"))


def test_a_list_of_another_register_is_refused_in_words() -> None:
    register = two()
    with pytest.raises(ImportRefused, match="not from this register"):
        returned(listed(register, origin=Origin("other", b"o" * 32, "x", NOW)), register)


def hidden(row: int, column: int, value: Any) -> Any:
    return lambda sheet: setattr(sheet.parent[prints.SHEET].cell(row, column), "value", value)


@pytest.mark.parametrize(
    "change",
    [
        hidden(3, 2, "another"),
        hidden(4, 2, "sami"),
        hidden(6, 2, " ".join(reversed(schema.CODES))),
        hidden(8, 2, "00" * 16),
        hidden(8, 2, "no salt"),
        hidden(2, 2, None),
        hidden(9, 2, "ä"),
        hidden(10, 1, "P-000002"),
        hidden(11, 2, "AAAA"),
        lambda sheet: sheet.parent[prints.SHEET].delete_rows(10),
        lambda sheet: sheet.parent[prints.SHEET].delete_rows(1, 20),
    ],
)
def test_a_forged_sheet_is_refused_in_words(change: Any) -> None:
    register = two()
    with pytest.raises(ImportRefused, match="hidden sheet"):
        returned(edited(listed(register), change), register)


def test_a_list_of_a_newer_program_says_so() -> None:
    with pytest.raises(ImportRefused, match="newer version"):
        fingerprints(read(edited(listed(two()), hidden(2, 2, "2"))), KEY)


def test_any_other_table_is_no_download() -> None:
    register = two()
    plain = edited(listed(register), lambda sheet: sheet.parent.remove(sheet.parent[prints.SHEET]))
    assert fingerprints(read(plain), KEY) is None


@settings(max_examples=200)
@given(st.sampled_from(schema.CODES), st.data())
def test_the_one_form_of_a_value_is_what_a_form_makes_of_it(code: str, data: st.DataObject) -> None:
    value = data.draw(values_of(code) if code not in ("id", "expires") else st.just(""))
    assert canonical(code, value, "FI") == canonical(code, meaning(code, value), "FI")


@settings(max_examples=50)
@given(st.from_regex(prints._E164, fullmatch=True) | st.from_regex(prints._PLAIN_EMAIL, fullmatch=True))
def test_what_is_not_cleaned_again_would_stay_the_same(text: str) -> None:
    code = "email" if "@" in text else "phone"
    assert meaning(code, text) == text


def test_records_and_download_may_be_compared_without_a_row() -> None:
    register = two()
    book = read(edited(listed(register), lambda sheet: sheet.delete_rows(2, 5)))
    download = fingerprints(book, KEY)
    assert download
    check = compare(download, records(book.prospects), register, today=TODAY)
    assert kinds(check) == {"deleted": 2}
