"""S5: the workbook edited outside while entries go on. What arrives, what is asked, and what is set aside."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib import schema
from lib.errors import Damaged, Invalid, NothingToCompare, WorkbookMissing, WrongPassword
from lib.store import Store, loading, outside
from lib.store.core import Core
from lib.store.encryption import decrypt
from lib.store.question import Question

from .outside_tools import age, appended, asked, cells, info, kinds, names, save, settle, together, without
from .test_held import hold
from .tools import BY, PASSWORD, book, opened, person, sealed

OTHER = "aivan toinen salasana"
MANAGER = "päällikkö"


@pytest.fixture
def filled(store: Store) -> Store:
    """Three rows, all in the workbook."""
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, title="Johtaja"), by=BY)
    store.checkpoint()
    return store


def in_workbook(store: Store) -> list[str]:
    """The names that stand in the file itself."""
    sheet = book(store.path)["Prospektit"]
    place = [cell.value for cell in sheet[1]].index(schema.heading("name", "fi"))
    return [row[place] or "" for row in sheet.iter_rows(min_row=2, values_only=True)]


def reopened(store: Store) -> Store:
    return Store.open(store.data_dir, PASSWORD)


# -- edits arrive --------------------------------------------------------------------------------------------------


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


# -- what is asked -------------------------------------------------------------------------------------------------


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


# -- older copies --------------------------------------------------------------------------------------------------


def older_one(store: Store, which: str) -> None:
    """Put an older copy over the workbook."""
    copies = {
        "generation": store.backups.generations()[-1],
        "daily": next(copy for copy in store.backups.all() if copy.kind == "daily"),
        "manual": next((copy for copy in store.backups.all() if copy.kind == "manual"), None),
    }
    copy = copies[which.removeprefix("edited ")]
    assert copy
    shutil.copyfile(copy.path, store.path)
    if which.startswith("edited"):
        save(store.path, cells(2, address="Vanhaan kirjoitettu"))


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("which", ["generation", "daily", "manual", "edited generation", "edited daily"])
def test_s5_an_older_copy_put_back_loses_nothing_and_the_workbook_heals(store: Store, which: str, closed: bool) -> None:
    for name in ("Aino", "Bertta"):
        store.add(person(name), by=BY)
    (store.data_dir / "backups" / "x").parent.joinpath("x").unlink(missing_ok=True)
    for copy in store.backups.all():
        if copy.kind == "daily":  # that of an empty register
            store.backups.drop(copy)
    store.checkpoint()
    store.backup(by=BY)
    store.update("P-000001", {"title": "Myöhempi"}, by=BY)
    store.add(person("Cecilia"), by=BY)
    store.checkpoint()
    store.remove(["P-000002"], by=BY, reason="expired")
    store.add(person("Dora"), by=BY)
    store.checkpoint()
    store.add(person("Vain päiväkirjassa"), by=BY)
    expected = ["Aino", "Cecilia", "Dora", "Vain päiväkirjassa"]
    if closed:  # killed, so that the workbook does not follow
        older_one(store, which)
        seen = reopened(store)
    else:
        older_one(store, which)
        seen = store
    seen.refresh()
    assert names(seen) == expected and "P-000002" not in seen.register.positions
    row = seen.register.row("P-000001")
    assert row["title"] == "Myöhempi"
    assert row["address"] == ("Vanhaan kirjoitettu" if which.startswith("edited") else "")
    assert set(kinds(seen)) <= {"older"}
    seen.checkpoint()
    assert in_workbook(seen) == expected and seen.is_current
    with reopened(seen) as again:
        assert names(again) == expected


def test_s5_an_older_copy_is_told_about(filled: Store) -> None:
    old = filled.path.read_bytes()
    filled.add(person("Dora"), by=BY)
    filled.checkpoint()
    filled.path.write_bytes(old)
    filled.refresh()
    assert asked(filled, "older").kind in outside.NOTICES
    assert not filled.is_current
    filled.answer(asked(filled, "older").key, "ours", by="ylläpitäjä")
    assert kinds(filled) == [] and names(filled)[-1] == "Dora"


def test_s5_an_older_copy_put_back_while_nothing_ran_is_told_about(filled: Store) -> None:
    old = filled.path.read_bytes()
    filled.add(person("Dora"), by=BY)
    filled.close()
    filled.path.write_bytes(old)
    with reopened(filled) as again:
        assert kinds(again) == ["older"] and names(again)[-1] == "Dora"
    assert in_workbook(filled)[-1] == "Dora"


def test_s5_a_checkpoint_cut_short_is_no_older_copy(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.add(person("Dora"), by=BY)
    monkeypatch.setattr("lib.store.checkpoint.swap", lambda beside, path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        filled.checkpoint()
    monkeypatch.undo()
    with reopened(filled) as again:
        assert kinds(again) == [] and names(again)[-1] == "Dora" and not again.is_current
        again.checkpoint()
    assert in_workbook(filled)[-1] == "Dora"


def test_s5_a_checkpoint_of_another_process_is_no_older_copy(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    other, read, done = reopened(filled), loading.read_bytes, []

    def meanwhile(path: Path) -> bytes:
        content = read(path)
        if not done:
            done.append(path)
            filled.add(person("Elli"), by=BY)
            filled.checkpoint()
        return content

    filled.add(person("Dora"), by=BY)
    filled.checkpoint()
    other.refresh()
    age(filled.path, 1)  # so that the other one looks at it
    monkeypatch.setattr(loading, "read_bytes", meanwhile)
    for _ in range(2):
        other.refresh()
    assert done and kinds(other) == [] and other.is_current and names(other)[-2:] == ["Dora", "Elli"]


# -- what is set aside ---------------------------------------------------------------------------------------------


def test_s5_an_unknown_generation_is_set_aside_and_the_workbook_heals(filled: Store) -> None:
    saved = save(filled.path, info("generation", "999"), cells(2, title="Ei tule"))
    filled.refresh()
    question = asked(filled, "unknown")
    (aside,) = filled.aside.all()
    assert (aside.kind, aside.name) == ("unknown", question.where) and aside.path.read_bytes() == saved
    assert filled.register.row("P-000001")["title"] == "Johtaja"
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"] and filled.path.read_bytes() != saved
    outside.drop_aside(filled, aside.name, by="ylläpitäjä")
    assert kinds(filled) == [] and filled.aside.all() == []
    assert filled.log()[0].action == "drop_aside"


def test_s5_a_generation_whose_copies_are_gone_is_set_aside(filled: Store) -> None:
    old = filled.path.read_bytes()
    filled.add(person("Dora"), by=BY)
    filled.checkpoint()
    for copy in filled.backups.all():
        if copy.generation < filled.on_disk:
            filled.backups.drop(copy)
    filled.path.write_bytes(old)
    save(filled.path, cells(2, title="Ei tule"))
    filled.refresh()
    assert kinds(filled) == ["unknown"] and names(filled)[-1] == "Dora"


def test_s5_another_registers_workbook_is_set_aside(filled: Store, tmp_path: Path) -> None:
    with Store.create(tmp_path / "other", PASSWORD) as other:
        other.add(person("Vieras"), by=BY)
    shutil.copyfile(other.path, filled.path)
    filled.refresh()
    assert kinds(filled) == ["unknown"] and names(filled) == ["Aino", "Bertta", "Cecilia"]
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"]


@pytest.mark.parametrize("what", ["sheet", "facts", "column"])
def test_s5_a_workbook_whose_structure_is_broken_is_set_aside(filled: Store, what: str) -> None:
    def change(changed: openpyxl.Workbook) -> None:
        if what == "sheet":
            changed["Prospektit"].title = "Omat"
        elif what == "facts":
            changed.remove(changed["Tiedot"])
        else:
            changed["Prospektit"].delete_cols(1)

    saved = save(filled.path, change)
    filled.refresh()
    question = asked(filled, "invalid")
    assert question.typed and filled.aside.all()[0].path.read_bytes() == saved
    assert names(filled) == ["Aino", "Bertta", "Cecilia"] and filled.add(person("Dora"), by=BY) == "P-000004"
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia", "Dora"]


def test_s5_saved_without_a_password_it_is_encrypted_at_once_and_its_edits_are_taken(filled: Store) -> None:
    save(filled.path, cells(2, title="Salaamatta"))
    filled.path.write_bytes(opened(filled.path))
    filled.refresh()
    assert not filled.path.read_bytes().startswith(b"PK")
    assert filled.register.row("P-000001")["title"] == "Salaamatta"
    assert kinds(filled) == ["plain"]
    assert not any(p.read_bytes().startswith(b"PK") for p in filled.data_dir.rglob("*") if p.is_file())
    filled.refresh()
    filled.checkpoint()
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Salaamatta" and kinds(again) == ["plain"]


def test_s5_saved_without_a_password_while_nothing_ran(filled: Store) -> None:
    filled.close()
    save(filled.path, cells(2, title="Salaamatta"))
    filled.path.write_bytes(opened(filled.path))
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Salaamatta" and kinds(again) == ["plain"]


def test_s5_a_plain_workbook_still_being_written_is_left_alone(filled: Store) -> None:
    save(filled.path, cells(2, title="Salaamatta"))
    whole = opened(filled.path)
    with filled.path.open("wb") as writing:  # by a program that writes into the file itself
        writing.write(whole[:4000])
        writing.flush()
        filled.refresh()
        assert filled.register.row("P-000001")["title"] == "Johtaja"
        writing.write(whole[4000:])
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Salaamatta"
    assert decrypt(filled.path.read_bytes(), PASSWORD) == whole


def test_s5_saved_under_another_password_its_edits_are_taken_once_somebody_knows_it(filled: Store) -> None:
    save(filled.path, cells(2, title="Toisin salattu"))
    plain = opened(filled.path)
    saved = sealed(plain, OTHER)
    filled.path.write_bytes(saved)
    filled.refresh()
    name = asked(filled, "password").where
    assert filled.aside.find(name).path.read_bytes() == saved  # type: ignore[union-attr]
    filled.add(person("Dora"), by=BY)
    filled.update("P-000002", {"title": "Verkosta"}, by=BY)
    filled.checkpoint()  # the workbook heals meanwhile
    with pytest.raises(WrongPassword):
        outside.open_aside(filled, name, "väärä", by="ylläpitäjä")
    assert kinds(filled) == ["password"] and filled.aside.find(name)
    outside.open_aside(filled, name, OTHER, by="ylläpitäjä")
    with reopened(filled) as again:
        assert names(again) == ["Aino", "Bertta", "Cecilia", "Dora"]
        assert again.register.row("P-000001")["title"] == "Toisin salattu"
        assert again.register.row("P-000002")["title"] == "Verkosta"
        assert kinds(again) == [] and again.aside.all() == []


def test_s5_what_a_file_under_another_password_began_from_may_be_gone(filled: Store) -> None:
    save(filled.path, info("generation", "999"))
    filled.path.write_bytes(sealed(opened(filled.path), OTHER))
    filled.refresh()
    name = asked(filled, "password").where
    with pytest.raises(NothingToCompare):
        outside.open_aside(filled, name, OTHER, by="ylläpitäjä")
    assert filled.aside.find(name)


# -- still being written, damaged, gone ----------------------------------------------------------------------------


def test_s5_a_file_still_being_written_is_looked_at_again(filled: Store) -> None:
    whole = save(filled.path, cells(2, title="Valmis"))
    for part in (0, 100, len(whole) // 2, len(whole) - 600):
        filled.path.write_bytes(whole[:part])
        filled.refresh()
        assert filled.trouble is None and filled.register.row("P-000001")["title"] == "Johtaja"
        filled.add(person(f"Osa {part}"), by=BY)
    filled.path.write_bytes(whole)
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Valmis" and len(filled.register) == 7
    assert kinds(filled) == []


def test_s5_a_file_still_being_written_is_not_replaced(filled: Store) -> None:
    whole = save(filled.path, cells(2, title="Valmis"))
    filled.path.write_bytes(whole[:-600])
    for store in (filled, reopened(filled)):
        store.add(person("Meanwhile"), by=BY)
        store.close()
        assert filled.path.read_bytes() == whole[:-600]
    filled.path.write_bytes(whole)
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Valmis" and len(again.register) == 5


def test_s5_a_damaged_file_is_told_and_entries_go_on(filled: Store) -> None:
    whole = filled.path.read_bytes()
    filled.path.write_bytes(whole[:-600])
    age(filled.path)
    with pytest.raises(Damaged):
        filled.refresh()
    assert filled.add(person("Dora"), by=BY) == "P-000004"
    with pytest.raises(Damaged):
        filled.checkpoint()
    assert filled.path.read_bytes() == whole[:-600]
    filled.path.write_bytes(whole)
    filled.refresh()
    filled.checkpoint()
    assert in_workbook(filled)[-1] == "Dora"


def test_s5_a_missing_file_is_told_and_entries_go_on(filled: Store) -> None:
    whole = filled.path.read_bytes()
    filled.path.unlink()
    with pytest.raises(WorkbookMissing):
        filled.refresh()
    filled.add(person("Dora"), by=BY)
    with pytest.raises(WorkbookMissing):
        filled.checkpoint()
    filled.path.write_bytes(whole)
    filled.checkpoint()
    assert in_workbook(filled)[-1] == "Dora"


# -- once, and not again -------------------------------------------------------------------------------------------


def test_s5_the_same_file_is_never_merged_twice(filled: Store) -> None:
    with reopened(filled) as other:
        saved = save(filled.path, appended(name="Kerran", source="phone", received=filled.today))
        filled.refresh()
        filled.update("P-000004", {"name": "Muuttunut"}, by=BY)  # so that it is no copy of what stands in the file
        other.refresh()
        with reopened(filled) as third:
            for store in (filled, other, third):
                age(store.path, 1)  # another stamp, the same content
                store.refresh()
                assert names(store) == ["Aino", "Bertta", "Cecilia", "Muuttunut"]
    filled.checkpoint()
    filled.path.write_bytes(saved)  # put back once more
    filled.refresh()
    assert names(filled) == ["Aino", "Bertta", "Cecilia", "Muuttunut"]
    assert [entry.action for entry in filled.log()].count("outside") == 1


@pytest.mark.parametrize("plain", [False, True], ids=["sealed", "plain"])
def test_s5_nor_by_several_processes_at_once(filled: Store, plain: bool) -> None:
    for number in range(3):
        save(filled.path, appended(name=f"Kerran {number}", source="phone", received=filled.today))
        if plain:
            filled.path.write_bytes(opened(filled.path))

        def take_up() -> None:
            store = reopened(filled)
            for _ in range(20):
                store.refresh()
            assert names(store).count(f"Kerran {number}") == 1  # noqa: B023

        assert together(4, take_up) == 4
        filled.refresh()
        assert names(filled) == ["Aino", "Bertta", "Cecilia", *(f"Kerran {n}" for n in range(number + 1))]
        assert not filled.path.read_bytes().startswith(b"PK") and set(kinds(filled)) <= {"plain"}
        filled.checkpoint()


def test_s5_nor_by_one_that_was_slower(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, keep = reopened(filled), outside.keep_original

    def meanwhile(store: Core, sealed: bytes) -> list[Question]:
        if store is slow:  # the file is read, and not yet merged
            filled.refresh()
            filled.update("P-000004", {"name": "Muuttunut"}, by=BY)
        return keep(store, sealed)

    monkeypatch.setattr(outside, "keep_original", meanwhile)
    save(filled.path, appended(name="Kerran", source="phone", received=filled.today))
    slow.refresh()
    assert names(slow) == names(reopened(filled)) == ["Aino", "Bertta", "Cecilia", "Muuttunut"]


def test_s5_what_was_decided_about_a_file_is_not_asked_again_while_it_is_still_there(filled: Store) -> None:
    hold(filled)  # so that the workbook cannot heal
    save(filled.path, info("generation", "999"))
    filled.refresh()
    outside.drop_aside(filled, asked(filled, "unknown").where, by="ylläpitäjä")
    age(filled.path, 1)
    filled.refresh()
    with reopened(filled) as again:
        assert kinds(again) == [] and again.aside.all() == []


@pytest.mark.parametrize("first", [True, False], ids=["before", "meanwhile"])
def test_s5_a_plain_workbook_is_not_replaced_by_one_that_was_slower(
    filled: Store, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    save(filled.path, cells(2, title="Ensin"))
    one = opened(filled.path)
    save(filled.path, cells(3, title="Sitten"))
    two = opened(filled.path)
    filled.path.write_bytes(one)
    encrypt = outside.encrypt

    def meanwhile(plain: bytes, password: str) -> bytes:
        if plain == one:
            filled.path.write_bytes(two)  # saved once more
            if first:
                reopened(filled)
        return encrypt(plain, password)

    monkeypatch.setattr(outside, "encrypt", meanwhile)
    filled.refresh()
    filled.refresh()
    assert [filled.register.row(i)["title"] for i in ("P-000001", "P-000002")] == ["Ensin", "Sitten"]
    assert decrypt(filled.path.read_bytes(), PASSWORD) == two


def test_s5_a_removed_row_does_not_come_back(filled: Store) -> None:
    old = filled.path.read_bytes()
    filled.remove(["P-000002"], by=BY, reason="erasure")
    filled.path.write_bytes(old)
    save(filled.path, cells(3, title="Herätetty"), cells(2, title="Muuttunut"))
    filled.refresh()
    assert names(filled) == ["Aino", "Cecilia"] and kinds(filled) == []
    filled.erase()
    filled.path.write_bytes(old)
    save(filled.path, cells(3, title="Herätetty"), appended(id="P-000002", name="Bertta", source="phone"))
    filled.refresh()
    assert names(filled) == ["Aino", "Cecilia"]
    assert "Bertta" not in str(filled.state.questions)
    filled.path.write_bytes(sealed(opened_bytes(old), OTHER))
    filled.refresh()
    outside.open_aside(filled, asked(filled, "password").where, OTHER, by="ylläpitäjä")
    assert names(filled) == ["Aino", "Cecilia"]


def opened_bytes(content: bytes) -> bytes:
    return decrypt(content, PASSWORD)


# -- what cannot be kept -------------------------------------------------------------------------------------------


def test_s5_what_cannot_be_kept_is_kept_aside_before_it_is_replaced(filled: Store) -> None:
    from openpyxl.chart import BarChart, Reference
    from openpyxl.comments import Comment

    def decorate(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet["B2"].comment = Comment("Huomautus", "Aino")
        chart = BarChart()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3))
        changed.create_sheet("Kuvaaja").add_chart(chart, "B2")

    saved = save(filled.path, decorate, cells(2, title="Tulee"))
    filled.refresh()
    question = asked(filled, "original")
    aside = filled.aside.find(question.where)
    assert aside and aside.path.read_bytes() == saved == filled.path.read_bytes()
    told = [str(text) for text in outside.lost_in(filled, question.where)]
    assert "charts" in told and "comments and notes" in told
    filled.checkpoint()
    assert filled.path.read_bytes() != saved and aside.path.read_bytes() == saved
    assert filled.register.row("P-000001")["title"] == "Tulee"
    outside.drop_aside(filled, aside.name, by="ylläpitäjä")
    assert kinds(filled) == [] and not aside.path.exists()


def test_s5_a_sheet_of_one_chart_is_no_damage(filled: Store) -> None:
    from openpyxl.chart import BarChart, Reference

    def decorate(changed: openpyxl.Workbook) -> None:
        chart = BarChart()
        chart.add_data(Reference(changed["Prospektit"], min_col=2, min_row=1, max_row=3))
        changed.create_chartsheet("Kaavio").add_chart(chart)

    save(filled.path, decorate, cells(2, title="Tulee"))
    age(filled.path)
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Tulee" and "original" in kinds(filled)
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"]


# -- columns and sheets of others ----------------------------------------------------------------------------------


def own_sheet(title: str, *rows: list[Any]) -> Any:
    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed.create_sheet(title)
        for row in rows:
            sheet.append(row)

    return change


def test_s13_a_sheet_of_others_survives_an_older_workbook_that_has_none(filled: Store) -> None:
    old = filled.path.read_bytes()
    save(filled.path, own_sheet("Omat", ["a", 1.5]))
    filled.refresh()
    filled.path.write_bytes(old)
    save(filled.path, cells(2, title="Vanhaan"))
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Vanhaan"
    assert filled.state.sheets == {"Omat": [["a", 1.5]]}
    filled.checkpoint()
    assert list(book(filled.path)["Omat"].iter_rows(values_only=True)) == [("a", 1.5)]


def test_s13_an_edited_and_a_deleted_sheet_of_others_follow(filled: Store) -> None:
    save(filled.path, own_sheet("Omat", ["a", 1.5]), own_sheet("Toiset", ["b"]))
    filled.refresh()
    filled.checkpoint()

    def change(changed: openpyxl.Workbook) -> None:
        changed["Omat"]["B1"] = 2.5
        changed.remove(changed["Toiset"])

    save(filled.path, change)
    filled.refresh()
    assert filled.state.sheets == {"Omat": [["a", 2.5]]}
    with reopened(filled) as again:
        assert again.state.sheets == {"Omat": [["a", 2.5]]}
