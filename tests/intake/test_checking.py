"""What a foreign table would do to the register: each row is told for what it is, and nothing is moved that may not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib import schema
from lib.errors import Moved
from lib.i18n import N_, Text
from lib.intake.checking import FIXED, KINDS, Finding, check
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
    assert all(finding.why and finding.why.params["number"] == 2 for finding in found[1:3])
    assert found[5].why and found[5].why.params["number"] == 6


def test_the_same_name_at_the_same_organisation_is_a_double_in_any_order_of_words(register: Register) -> None:
    records = (
        record(2, name="Dora Uusi", organisation="Uusi Oy"),
        record(3, name="Uusi Dora", organisation="Uusi"),
        record(4, name="Dora Uusi", organisation="Muu Oy"),
    )
    assert kinds(register, *records) == ["new", "double", "new"]


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


def test_columns_of_others_are_compared_too() -> None:
    import pandas as pd

    extras = pd.DataFrame({"Alue": ["Pohjoinen"]}, dtype=object)
    register = Register.of(schema.to_frame([AINO]), extras, last_number=1)
    found = one(register, record(id="P-000001", others={"Alue": "Etelä", "Koko": 5, "Tyhjä": ""}))
    assert (found.kind, found.others) == ("change", {"Alue": ("Pohjoinen", "Etelä"), "Koko": ("", 5)})


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


def test_a_person_whom_somebody_entered_since_the_check_stops_everything(register: Register) -> None:
    drafted = draft(check([record(2, name="Dora Uusi", phone="+358409998888")], register, today=TODAY), Decisions())

    def entered(**values: Any) -> Register:
        return register.applied(register.adding([register.new_row({"source": "phone", **values}, by="sami", now=NOW)]))

    with pytest.raises(Moved) as refused:
        change(drafted, entered(name="Dora Uusi", phone="040 999 8888"), by="mari", now=NOW)
    assert refused.value.ids == ["P-000004"]
    assert change(drafted, entered(name="Eeva Muu"), by="mari", now=NOW).add[0]["id"] == "P-000005"
