"""S5: an older workbook put back, and the same one again: nothing is lost, nothing merged twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib.store import Store, loading, outside
from lib.store.core import Core
from lib.store.encryption import decrypt
from lib.store.question import Question

from ..outside_tools import age, appended, asked, cells, info, kinds, names, save, together
from ..test_held import hold
from ..tools import BY, PASSWORD, book, opened, person, sealed
from .conftest import OTHER, in_workbook, reopened

# -- older copies ------------------------------------------------------------------------------------------------------


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


# -- once, and not again -----------------------------------------------------------------------------------------------


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


# -- columns and sheets of others --------------------------------------------------------------------------------------


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
