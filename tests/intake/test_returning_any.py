"""Any register, any edits of its list: exactly those arrive, and conflicts where both sides changed."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
from dataclasses import dataclass, field
from typing import Any

import openpyxl
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.changes import Change
from lib.cleaning import FieldError
from lib.intake.checking import KINDS
from lib.intake.returning import KEPT
from lib.output import fingerprints as prints
from lib.output.fingerprints import canonical
from lib.register import Register
from lib.schema import Kind
from tests.store.test_workbook import HARD

from .lists import (
    RECEIVED,
    TODAY,
    listed,
    register_of,
    returned,
)

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
