"""S6: somebody has the workbook open in Excel or LibreOffice. Entries go on, and the workbook waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lib.errors import HeldOpen
from lib.store import Store, checkpoint
from lib.store.encryption import decrypt
from lib.store.owner import STALE_HOURS

from .outside_tools import age, cells, kinds, names, save
from .tools import BY, PASSWORD, book, opened, person


@pytest.fixture
def filled(store: Store) -> Store:
    store.add(person("Aino", title="Johtaja"), by=BY)
    store.checkpoint()
    return store


@pytest.fixture(params=["LibreOffice", "Excel"])
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hold(store: Store, program: str = "LibreOffice", name: str = "Bertta Päällikkö") -> Path:
    """Lay the file that the program lays when somebody opens the workbook."""
    if program == "LibreOffice":
        path = store.path.with_name(f".~lock.{store.path.name}#")
        path.write_text(f"{name},bertta,kone,22.11.2026 13:05,file:///home/bertta/.config/libreoffice/4;", "utf-8")
    else:
        path = store.path.with_name(f"~${store.path.name}")
        short, long = name.encode("cp1252"), name.encode("utf-16-le")
        first = (bytes([len(short)]) + short).ljust(55, b" ")
        path.write_bytes((first + len(name).to_bytes(2, "little") + long).ljust(165, b" "))
    return path


def test_s6_entries_are_saved_and_the_workbook_says_who_holds_it(filled: Store, program: str) -> None:
    before = filled.path.read_bytes()
    held = hold(filled, program)
    assert filled.add(person("Cecilia"), by=BY) == "P-000002"
    filled.update("P-000001", {"title": "Muuttunut"}, by=BY)
    with pytest.raises(HeldOpen) as caught:
        filled.checkpoint()
    assert caught.value.text.params == {"name": "Bertta Päällikkö", "program": program}
    assert "Bertta Päällikkö" in str(caught.value) and program in str(caught.value)
    info = filled.info()
    assert (info["held_by"], info["held_in"], info["unwritten"]) == ("Bertta Päällikkö", program, 2)
    filled.close()  # nor does closing touch it
    assert filled.path.read_bytes() == before
    with Store.open(filled.data_dir, PASSWORD) as again:
        assert names(again) == ["Aino", "Cecilia"] and again.register.row("P-000001")["title"] == "Muuttunut"
        held.unlink()
        again.checkpoint()
        assert again.is_current and again.info()["held_by"] == ""
    assert book(filled.path)["Prospektit"].max_row == 3


def test_s6_what_the_holder_saves_arrives_while_they_go_on_holding_it(filled: Store) -> None:
    held = hold(filled)
    for number, title in enumerate(("Kerran", "Toisen kerran"), 2):
        filled.add(person(f"Verkosta {number}"), by=BY)
        saved = save(filled.path, cells(2, **{"title" if number == 2 else "notes": title}))
        filled.refresh()
        with pytest.raises(HeldOpen):
            filled.checkpoint()
        assert filled.path.read_bytes() == saved
    row = filled.register.row("P-000001")
    assert (row["title"], row["notes"]) == ("Kerran", "Toisen kerran") and kinds(filled) == []
    held.unlink()
    filled.checkpoint()
    assert book(filled.path)["Prospektit"].max_row == 4


def test_s6_an_administrator_may_write_over_it_all_the_same(filled: Store, program: str) -> None:
    held = hold(filled, program)
    filled.add(person("Cecilia"), by=BY)
    filled.checkpoint(override=True)
    assert filled.is_current and held.exists()
    assert book(filled.path)["Prospektit"].max_row == 3


def test_s6_an_owner_file_that_was_passed_over_counts_no_more_but_the_next_one_does(filled: Store) -> None:
    held = hold(filled)
    filled.add(person("Cecilia"), by=BY)
    filled.pass_over(by="ylläpitäjä")
    assert filled.holder() is None
    filled.checkpoint()
    entry = next(entry for entry in filled.log() if entry.action == "pass_over")
    assert (entry.by, entry.facts["holder"]) == ("ylläpitäjä", "Bertta Päällikkö")
    held.unlink()
    hold(filled, name="Dora")
    filled.add(person("Elli"), by=BY)
    with pytest.raises(HeldOpen) as caught:
        filled.checkpoint()
    assert caught.value.text.params["name"] == "Dora"


def test_s6_an_owner_file_is_stale_after_twelve_hours(filled: Store, program: str) -> None:
    held = hold(filled, program)
    filled.add(person("Cecilia"), by=BY)
    age(held, STALE_HOURS * 3600 - 60)
    with pytest.raises(HeldOpen):
        filled.checkpoint()
    age(held, STALE_HOURS * 3600 + 60)
    filled.checkpoint()
    assert filled.is_current


@pytest.mark.parametrize("then", ["opened", "opened and saved", "saved"])
def test_s6_opened_or_saved_amid_a_checkpoint_the_workbook_is_not_replaced(
    filled: Store, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    build: Callable[..., bytes] = checkpoint.build
    done: list[bytes] = []

    def meanwhile(*given: object) -> bytes:
        sealed = build(*given)
        if not done:
            if "saved" in then:
                save(filled.path, cells(2, notes="Samalla hetkellä"))
            if "opened" in then:
                hold(filled)
            done.append(filled.path.read_bytes())
        return sealed

    monkeypatch.setattr(checkpoint, "build", meanwhile)
    filled.add(person("Cecilia"), by=BY)
    if "opened" in then:
        with pytest.raises(HeldOpen):
            filled.checkpoint()
        assert filled.path.read_bytes() == done[0]
        filled.add(person("Dora"), by=BY)
        filled.refresh()
    else:
        filled.checkpoint()  # takes over what was saved, and tries again
        assert filled.is_current
    expected = ["Aino", "Cecilia", "Dora"] if "opened" in then else ["Aino", "Cecilia"]
    notes = "Samalla hetkellä" if "saved" in then else ""
    with Store.open(filled.data_dir, PASSWORD) as again:  # as after a crash
        for store in (filled, again):
            assert names(store) == expected and store.register.row("P-000001")["notes"] == notes
            assert kinds(store) == []
        again.checkpoint(override=True)
    filled.refresh()
    assert filled.is_current
    assert not list(filled.data_dir.glob(".prospects*.tmp")) and not list(filled.data_dir.glob(".*.xlsx.tmp"))


def test_s6_a_backup_made_meanwhile_holds_everything(filled: Store) -> None:
    hold(filled)
    filled.add(person("Cecilia"), by=BY)
    before = filled.path.read_bytes()
    name = filled.backup(by=BY)
    copy = next(copy for copy in filled.backups.all() if copy.path.name == name)
    assert copy.rows == 2 and opened(copy.path)[:2] == b"PK"
    assert [row[5] for row in book(copy.path)["Prospektit"].iter_rows(min_row=2, values_only=True)] == [
        "Aino",
        "Cecilia",
    ]
    assert filled.path.read_bytes() == before
    # It is of the same generation and yet another one: an edit of the workbook is still compared with its own.
    save(filled.path, cells(2, title="Excelissä"))
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Excelissä" and kinds(filled) == []
    assert names(filled) == ["Aino", "Cecilia"]


def test_s6_an_owner_file_that_cannot_be_read_counts(filled: Store) -> None:
    held = hold(filled)
    held.write_bytes(b"\xff\xfe\x00")
    filled.add(person("Cecilia"), by=BY)
    with pytest.raises(HeldOpen):
        filled.checkpoint()
    assert decrypt(filled.path.read_bytes(), PASSWORD) and held.exists()
