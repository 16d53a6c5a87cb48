"""What a foreign table would do to the register: each row is told for what it is, and nothing is moved that may not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib import schema
from lib.changes import Change
from lib.errors import Moved
from lib.i18n import N_, Text
from lib.intake.checking import FIXED, KINDS, Check, Finding, check, with_lookalikes
from lib.intake.planning import CHOICES, Decisions, change, draft, left_out
from lib.intake.records import Record
from lib.register import Register

TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 9, 30)
GIVEN = {"received": dt.date(2025, 3, 1), "source": "meeting"}


def row(number: int, **values: Any) -> dict[str, Any]:
    return {"id": f"P-{number:06d}", "received": dt.date(2024, 5, 6), "source": "phone", "status": "new", **values}


AINO = row(
    1, name="Aino Kokeilija", organisation="Testi Oy", phone="+358401234567", email="aino@example.com", notes="Vanha"
)
BERTTA = row(2, name="Bertta Esimerkki", organisation="Malli Oy", phone="+358501112222", objected=dt.date(2025, 1, 1))
CECILIA = row(3, name="Cecilia Provare", organisation="Prov Ab", email="cecilia@example.com", restricted=TODAY)


@pytest.fixture
def register() -> Register:
    return Register.of(schema.to_frame([AINO, BERTTA, CECILIA]), last_number=3)


def record(number: int = 2, others: Any = None, wrong: Any = None, **values: Any) -> Record:
    return Record(number, {**GIVEN, **values}, others or {}, wrong or {})


def one(register: Register, record: Record, **options: Any) -> Finding:
    [finding] = check([record], register, today=TODAY, **options).findings
    return finding


def kinds(register: Register, *records: Record, **options: Any) -> list[str]:
    return [finding.kind for finding in check(records, register, today=TODAY, **options).findings]


# -- what a row is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "about"),
    [
        ({"name": "Dora Uusi"}, "new", ""),
        ({"organisation": "Aivan Muu Oy"}, "new", ""),
        ({"id": "P-000001", "name": "Aino Kokeilija"}, "same", "P-000001"),
        ({"id": "P-000001", "name": "Aino Toinen-Kokeilija"}, "change", "P-000001"),
        ({"name": "Aino Kokeilija", "phone": "+358401234567"}, "same", "P-000001"),
        ({"name": "Kokeilija Aino", "email": "AINO@example.com", "title": "Johtaja"}, "change", "P-000001"),
        ({"phone": "+358401234567", "title": "Johtaja"}, "change", "P-000001"),
        # A colleague at the same switchboard is another person.
        ({"name": "Mikko Muu", "phone": "+358401234567"}, "look_alike", "P-000001"),
        ({"name": "Aino Kokeilia", "organisation": "Testi"}, "look_alike", "P-000001"),
        ({"name": "Aino Kokeilija", "organisation": "Testi", "title": "X"}, "change", "P-000001"),
        ({"name": "Aino Kokeilija", "organisation": "Testi", "phone": "+358409990000"}, "look_alike", "P-000001"),
        ({"name": "Aino Kokeilija"}, "look_alike", "P-000001"),
        ({"name": "Bertta Esimerkki", "phone": "+358501112222"}, "banned", "P-000002"),
        ({"name": "Bertta Esimerkki", "phone": "+358501112222", "title": "X"}, "change", "P-000002"),
        ({"name": "Cecilia Provare", "email": "cecilia@example.com", "title": "X"}, "banned", "P-000003"),
        ({"id": "P-000009", "name": "Poistettu Ihminen"}, "gone", "P-000009"),
        ({"id": "P-000008", "name": "Tuntematon Numero"}, "new", ""),
        ({"name": "Vanha Tieto", "received": dt.date(2021, 11, 23)}, "past", ""),
        ({"name": "Melkein Vanha", "received": dt.date(2021, 11, 24)}, "new", ""),
        ({"name": "", "organisation": ""}, "wrong", ""),
        ({"name": "Lähteetön", "source": ""}, "wrong", ""),
        ({"name": "Päivätön", "received": None}, "wrong", ""),
        ({"name": "Julkinen", "source": "public"}, "wrong", ""),
        ({"name": "Julkinen", "source": "public", "source_detail": "Kaupparekisteri"}, "new", ""),
    ],
)
def test_a_row_is_told_for_what_it_is(register: Register, values: dict[str, Any], kind: str, about: str) -> None:
    found = one(register, record(**values), gone={"P-000009"})
    assert (found.kind, found.id) == (kind, about)
    assert (found.why is not None) == (kind in ("look_alike", "banned", "gone", "past", "wrong") or about == "P-000002")


def test_a_row_with_a_value_that_cannot_be_taken_is_wrong_whatever_else_it_says(register: Register) -> None:
    assert one(register, record(name="Dora", wrong={"email": Text(N_("This is not a date."))})).kind == "wrong"


@pytest.mark.parametrize(
    ("hold", "kind"),
    [
        ({}, "past"),
        ({"hold_reason": "claim", "hold_until": dt.date(2030, 1, 1)}, "new"),
        ({"hold_reason": "claim", "hold_until": dt.date(2026, 11, 23)}, "past"),
        ({"hold_until": dt.date(2030, 1, 1)}, "wrong"),
        ({"hold_reason": "claim"}, "wrong"),
    ],
)
def test_a_row_past_its_period_comes_only_with_a_ground_and_a_day_to_keep_it(
    register: Register, hold: dict[str, Any], kind: str
) -> None:
    assert one(register, record(name="Vanha Tieto", received=dt.date(2001, 1, 1), **hold)).kind == kind


def test_of_two_rows_that_may_be_the_person_none_is_taken_unasked() -> None:
    twice = [row(n, name="Dora Uusi", phone="+358409998888", email=f"dora{n}@example.com") for n in (1, 2)]
    found = one(Register.of(schema.to_frame(twice), last_number=2), record(name="Dora Uusi", phone="+358409998888"))
    assert found.kind == "look_alike" and found.why and found.why.params["ids"] == "P-000001, P-000002"


def test_a_name_alone_is_not_surely_the_person() -> None:
    register = Register.of(schema.to_frame([row(1, name="Dora Uusi", email="dora@example.org")]), last_number=1)
    assert one(register, record(name="Dora Uusi", title="Johtaja")).kind == "look_alike"


def test_a_row_whose_removal_was_asked_for_stays_as_it_is() -> None:
    register = Register.of(schema.to_frame([row(1, name="Dora Uusi", removal_requested=TODAY)]), last_number=1)
    found = one(register, record(id="P-000001", title="Johtaja", others={"Alue": "Etelä"}))
    assert (found.kind, found.changes, found.others) == ("banned", {}, {}) and found.why


@pytest.mark.parametrize("mark", ["restricted", "removal_requested"])
def test_nothing_is_taken_for_a_closed_row_that_looks_alike(mark: str) -> None:
    register = Register.of(schema.to_frame([row(1, name="Dora Uusi", **{mark: TODAY})]), last_number=1)
    checked = check([record(2, name="Dora Uusi", title="Johtaja", others={"Alue": "X"})], register, today=TODAY)
    [found] = checked.findings
    assert found.kind == "look_alike" and not found.changes and found.record and found.record.warnings
    take = Decisions().for_kind("look_alike", "take", ["2"])
    for decided in (take, Decisions().for_row("2", "take")):
        assert not draft(checked, decided) and list(left_out(checked, decided)) == [found]
    assert len(draft(checked, take.for_row("2", "add")).add) == 1


def test_the_same_person_twice_in_the_file_is_told_with_the_first_row(register: Register) -> None:
    found = check(
        [
            record(2, name="Dora Uusi", phone="+358409998888"),
            record(3, name="Dora Uusi", email="dora@example.com"),
            record(4, name="Uusi Dora", phone="+358409998888"),
            record(5, name="Eeva Muu", phone="+358409998888"),
            record(6, name="Aino Kokeilija", phone="+358401234567", title="A"),
            record(7, id="P-000001", title="B"),
        ],
        register,
        today=TODAY,
    ).findings
    assert [finding.kind for finding in found] == ["new", "double", "double", "new", "change", "double"]
    assert [finding.key for finding in found] == ["2", "3", "4", "5", "6", "7"]
    assert all(finding.why and finding.why.params["number"] == 2 for finding in found[1:3])
    assert found[5].why and found[5].why.params["number"] == 6


def test_the_same_name_at_the_same_organisation_is_a_double_in_any_order_of_words(register: Register) -> None:
    records = (
        record(2, name="Dora Uusi", organisation="Uusi Oy"),
        record(3, name="Uusi Dora", organisation="Uusi"),
        record(4, name="Dora Uusi", organisation="Muu Oy"),
    )
    assert kinds(register, *records) == ["new", "double", "new"]
    alike = [record(n, name="Aino Kokeilia", organisation="Testi") for n in (2, 3)]
    assert kinds(register, *alike) == ["look_alike", "double"]


# -- what changes ------------------------------------------------------------------------------------------------------


def test_only_what_differs_changes_field_by_field(register: Register) -> None:
    found = one(register, record(id="P-000001", name="Aino Kokeilija", title="Johtaja", notes="Uusi", address=""))
    assert found.changes == {"title": ("", "Johtaja"), "notes": ("Vanha", "Uusi")}


def test_an_empty_cell_erases_only_where_that_was_chosen_and_never_the_name(register: Register) -> None:
    empty = record(id="P-000001", name="", organisation="", notes="", title="")
    assert one(register, empty).kind == "same"
    assert one(register, empty, erase=True).changes == {"notes": ("Vanha", "")}


def test_the_received_date_the_source_and_what_a_manager_sets_are_never_moved(register: Register) -> None:
    everything = {
        "received": dt.date(2020, 1, 1),
        "source": "web_form",
        "source_detail": "lomake",
        "created_by": "joku",
        "restricted": TODAY,
        "removal_requested": TODAY,
        "hold_until": TODAY,
    }
    assert one(register, record(id="P-000001", **everything)).kind == "same"
    assert {"id", "received", "source", "source_detail", "expires", *everything} <= FIXED


def test_a_table_may_ban_and_never_lifts_a_ban(register: Register) -> None:
    assert one(register, record(id="P-000001", objected=TODAY)).changes == {"objected": (None, TODAY)}
    for value in (None, dt.date(2026, 1, 1)):
        assert one(register, record(id="P-000002", objected=value), erase=True).changes == {}


def test_what_a_table_puts_into_the_notes_stands_below_those_that_are_there(register: Register) -> None:
    def spilled(own: str | None) -> Record:
        line = "Myyjä: Pekka Poissa"
        values = {**GIVEN, "id": "P-000001", "notes": f"{own}\n{line}" if own else line}
        return Record(2, values, spilled=[("owner", line)], own_notes=own)

    for own in (None, ""):
        found = one(register, spilled(own))
        assert found.changes == {"notes": ("Vanha", "Vanha\nMyyjä: Pekka Poissa")}
    assert one(register, spilled("Uusi")).changes == {"notes": ("Vanha", "Uusi\nMyyjä: Pekka Poissa")}
    there = register.applied(Change(set={"P-000001": {"notes": "Vanha\nMyyjä: Pekka Poissa"}}))
    assert one(there, spilled(None)).kind == "same"


def test_columns_of_others_are_compared_too() -> None:
    import pandas as pd

    extras = pd.DataFrame({"Alue": ["Pohjoinen"]}, dtype=object)
    register = Register.of(schema.to_frame([AINO]), extras, last_number=1)
    found = one(register, record(id="P-000001", others={"Alue": "Etelä", "Koko": 5, "Tyhjä": ""}))
    assert (found.kind, found.others) == ("change", {"Alue": ("Pohjoinen", "Etelä"), "Koko": ("", 5)})
    empty = record(id="P-000001", others={"Alue": "", "Koko": None})
    assert (
        one(register, empty).kind == one(register, record(id="P-000001", others={"Alue": "Pohjoinen"})).kind == "same"
    )
    assert one(register, empty, erase=True).others == {"Alue": ("Pohjoinen", "")}
    alike = one(register, record(name="Aino Kokeilia", organisation="Testi", others={"Alue": "Etelä"}))
    assert (alike.kind, alike.others) == ("look_alike", {"Alue": ("Pohjoinen", "Etelä")})


def test_new_rows_of_a_list_that_came_back_are_compared_with_the_register_and_what_is_edited_there_is_not() -> None:
    register = Register.of(schema.to_frame([AINO, BERTTA]), last_number=2)
    dora, aino = record(2, name="Dora Uusi"), record(3, name="Aino Kokeilija", phone="+358401234567", title="Rehtori")
    alike, again = record(4, name="Aino Kokeilia", organisation="Testi"), record(5, name="Dora Uusi")
    found = [Finding("new", one) for one in (dora, aino, alike, again)]
    told = with_lookalikes(Check([*found, Finding("deleted", id="P-000002")], register), today=TODAY).findings
    assert [f.kind for f in told] == ["new", "change", "look_alike", "double", "deleted"]
    edited = Finding("change", record(6, id="P-000001"), "P-000001", {"title": ("", "Johtaja")})
    told = with_lookalikes(Check([edited, found[1]], register), today=TODAY).findings
    assert [f.kind for f in told] == ["change", "double"]
    assert told[0] is edited and told[1].why and told[1].why.params["number"] == 6


# -- what is decided ---------------------------------------------------------------------------------------------------


def test_unasked_new_rows_come_and_changes_are_taken_and_nothing_doubtful_happens(register: Register) -> None:
    checked = check(
        [
            record(2, name="Dora Uusi", title="Johtaja", others={"Alue": "Etelä"}),
            record(3, id="P-000001", title="Rehtori"),
            record(4, name="Aino Kokeilia", organisation="Testi"),
            record(5, name="Vanha", received=dt.date(2001, 1, 1)),
            record(6, name="Dora Uusi"),
        ],
        register,
        today=TODAY,
    )
    drafted = draft(checked, Decisions())
    assert [values["name"] for values, _ in drafted.add] == ["Dora Uusi"]
    assert drafted.set == {"P-000001": {"title": ("", "Rehtori")}}
    assert [finding.record and finding.record.number for finding in left_out(checked, Decisions())] == [4, 5, 6]
    made = change(drafted, register, by="mari", now=NOW)
    [added] = made.add
    assert (added["id"], added["status"], added["created_by"], added["received"]) == (
        "P-000004",
        "new",
        "mari",
        dt.date(2025, 3, 1),
    )
    assert made.set == {"P-000001": {"title": "Rehtori", "changed_at": NOW, "changed_by": "mari"}}
    assert made.others == {"Alue": {"P-000004": "Etelä"}} and made.last_number == 4


def test_a_decision_for_a_row_counts_more_than_for_its_kind_and_single_fields_can_stay(register: Register) -> None:
    alike = record(4, name="Aino Kokeilia", organisation="Testi", title="Johtaja")
    checked = check([alike, record(5, id="P-000002", title="X", notes="Y")], register, today=TODAY)
    taken = Decisions().for_kind("look_alike", "add", ["4"])
    assert len(draft(checked, taken).add) == 1
    assert set(draft(checked, taken.for_row("4", "take")).set) == {"P-000001", "P-000002"}
    assert set(draft(checked, taken.for_row("4", "leave")).set) == {"P-000002"}
    assert draft(checked, taken.leaving_out("5", {"notes"})).set["P-000002"] == {"title": ("", "X")}
    assert len(draft(checked, taken.for_row("4", "leave").for_kind("look_alike", "add", ["4"])).add) == 1


def test_of_what_both_sides_changed_the_register_s_stays_unless_somebody_takes_the_file_s(register: Register) -> None:
    found = Finding(
        "conflict",
        record(2),
        "P-000001",
        {"notes": ("Vanha", "Uusi")},
        {"title": ("Rehtori", "Johtaja")},
        {"Alue": ("", "Etelä"), "Koko": ("", 5)},
    )
    checked = Check([found], register)
    assert draft(checked, Decisions()).set == {"P-000001": {"notes": ("Vanha", "Uusi")}}
    assert draft(checked, Decisions()).others == {"P-000001": {"Alue": ("", "Etelä"), "Koko": ("", 5)}}
    taken = Decisions().for_kind("conflict", "take", [])
    assert draft(checked, taken).set == {"P-000001": {"notes": ("Vanha", "Uusi"), "title": ("Rehtori", "Johtaja")}}
    assert not draft(checked, Decisions().for_row("2", "leave"))
    some = draft(checked, taken.leaving_out("2", {"notes", "Koko"}))
    assert some.set == {"P-000001": {"title": ("Rehtori", "Johtaja")}}
    assert some.others == {"P-000001": {"Alue": ("", "Etelä")}}


def test_what_several_rows_say_about_one_arrives_together(register: Register) -> None:
    checked = check(
        [
            record(2, id="P-000001", title="Johtaja", others={"Alue": "Etelä"}),
            record(3, name="Aino Kokeilia", organisation="Testi", address="Katu 1", others={"Koko": 5}),
        ],
        register,
        today=TODAY,
    )
    drafted = draft(checked, Decisions().for_row("3", "take").leaving_out("3", {"name", "organisation"}))
    assert drafted.set == {"P-000001": {"title": ("", "Johtaja"), "address": ("", "Katu 1")}}
    assert drafted.others == {"P-000001": {"Alue": ("", "Etelä"), "Koko": ("", 5)}}


def test_a_row_that_the_file_no_longer_has_stays_unless_its_removal_is_asked_for(register: Register) -> None:
    checked = Check([Finding("deleted", id="P-000001")], register)
    assert not draft(checked, Decisions()) and not list(left_out(checked, Decisions()))
    drafted = draft(checked, Decisions().for_row("P-000001", "request_removal"))
    assert drafted
    made = change(drafted, register, by="mari", now=NOW)
    assert made.set == {"P-000001": {"removal_requested": TODAY, "changed_at": NOW, "changed_by": "mari"}}
    assert not made.remove
    asked = register.applied(Change(set={"P-000001": {"removal_requested": dt.date(2026, 11, 1)}}))
    assert change(drafted, asked, by="mari", now=NOW).set["P-000001"]["removal_requested"] == dt.date(2026, 11, 1)
    with pytest.raises(Moved):
        change(drafted, register.applied(register.removing(["P-000001"])), by="mari", now=NOW)


def test_a_change_of_status_sets_its_day_once(register: Register) -> None:
    checked = check([record(2, id="P-000001", status="contacted")], register, today=TODAY)
    drafted = draft(checked, Decisions())
    assert change(drafted, register, by="mari", now=NOW).set["P-000001"]["contacted"] == TODAY
    before = register.applied(Change(set={"P-000001": {"contacted": dt.date(2025, 5, 5)}}))
    assert "contacted" not in change(drafted, before, by="mari", now=NOW).set["P-000001"]


def test_columns_of_others_mark_the_row_as_changed_and_stop_everything_if_they_moved(register: Register) -> None:
    drafted = draft(check([record(2, id="P-000001", others={"Alue": "Etelä"})], register, today=TODAY), Decisions())
    assert drafted
    made = change(drafted, register, by="mari", now=NOW)
    assert made.set == {"P-000001": {"changed_at": NOW, "changed_by": "mari"}}
    assert made.others == {"Alue": {"P-000001": "Etelä"}} and made.ids == ["P-000001"]
    since = register.applied(Change(others={"Alue": {"P-000001": "Pohjoinen"}}))
    with pytest.raises(Moved):
        change(drafted, since, by="mari", now=NOW)
    with pytest.raises(Moved):
        change(drafted, register.applied(register.removing(["P-000001"])), by="mari", now=NOW)


def test_empty_cells_of_a_new_row_are_no_values(register: Register) -> None:
    checked = check([record(2, name="Dora", title="", others={"Alue": "", "Koko": None})], register, today=TODAY)
    drafted = draft(checked, Decisions())
    [(values, cells)] = drafted.add
    assert "title" not in values and cells == {}
    assert change(drafted, register, by="mari", now=NOW).others == {}


def test_what_the_register_has_already_is_not_among_what_is_left_out(register: Register) -> None:
    checked = check([record(2, name="Aino Kokeilija", phone="+358401234567")], register, today=TODAY)
    assert [finding.kind for finding in checked.findings] == ["same"] and not list(left_out(checked, Decisions()))
    taken = check([record(2, id="P-000001", title="Rehtori")], register, today=TODAY)
    assert not list(left_out(taken, Decisions()))


def test_what_is_wrong_banned_past_or_gone_cannot_be_decided_to_come(register: Register) -> None:
    assert all(CHOICES[kind] == ("leave",) for kind in ("wrong", "banned", "past", "gone", "same"))
    assert set(CHOICES) == set(KINDS)
    checked = check([record(2, name="Vanha", received=dt.date(2001, 1, 1))], register, today=TODAY)
    assert not draft(checked, Decisions().for_row("2", "add").for_kind("past", "add", []))


def test_the_register_s_own_columns_of_a_new_row_are_its_own(register: Register) -> None:
    checked = check(
        [record(2, name="Dora", id="P-000077", created_by="joku", changed_by="joku", status="offer")],
        register,
        today=TODAY,
    )
    [added] = change(draft(checked, Decisions()), register, by="mari", now=NOW).add
    assert (added["id"], added["created_by"], added["changed_by"]) == ("P-000004", "mari", "mari")
    assert (added["status"], added["offered"]) == ("offer", TODAY)


def test_a_row_that_somebody_changed_since_the_check_stops_everything(register: Register) -> None:
    checked = check([record(2, id="P-000001", title="Rehtori"), record(3, name="Dora")], register, today=TODAY)
    drafted = draft(checked, Decisions())
    moved = register.applied(register.updating("P-000001", {"title": "Muu"}, by="sami", now=NOW))
    with pytest.raises(Moved) as refused:
        change(drafted, moved, by="mari", now=NOW)
    assert refused.value.ids == ["P-000001"]
    elsewhere = register.applied(register.updating("P-000001", {"notes": "Muu"}, by="sami", now=NOW))
    assert change(drafted, elsewhere, by="mari", now=NOW).set["P-000001"]["title"] == "Rehtori"
    with pytest.raises(Moved):
        change(drafted, register.applied(register.removing(["P-000001"])), by="mari", now=NOW)
    with pytest.raises(Moved):  # nothing of it changes any more
        change(drafted, register.applied(Change(set={"P-000001": {"restricted": TODAY}})), by="mari", now=NOW)


def test_a_person_whom_somebody_entered_since_the_check_stops_everything(register: Register) -> None:
    drafted = draft(check([record(2, name="Dora Uusi", phone="+358409998888")], register, today=TODAY), Decisions())

    def entered(**values: Any) -> Register:
        return register.applied(register.adding([register.new_row({"source": "phone", **values}, by="sami", now=NOW)]))

    with pytest.raises(Moved) as refused:
        change(drafted, entered(name="Dora Uusi", phone="040 999 8888"), by="mari", now=NOW)
    assert refused.value.ids == ["P-000004"]
    for other in ({"name": "Eeva Muu"}, {"name": "Eeva Muu", "phone": "040 999 8888"}):
        assert change(drafted, entered(**other), by="mari", now=NOW).add[0]["id"] == "P-000005"
