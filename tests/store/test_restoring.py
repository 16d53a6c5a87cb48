"""S9: bringing rows back from a backup, told first and done then; nothing that is there is lost by it."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lib import settings
from lib.errors import (
    Damaged,
    HeldOpen,
    InvalidWorkbook,
    NothingToCompare,
    NotWritten,
    StoreError,
    WorkbookMissing,
    WrongPassword,
)
from lib.store import Store, checkpoint

from .outside_tools import age, cells, names, save
from .test_held import hold
from .tools import BY, PASSWORD, contents, opened, person, sealed

ADMIN = "ylläpitäjä"


@pytest.fixture
def filled(store: Store) -> tuple[Store, str]:
    """Three rows, kept in a backup, and later changes to each."""
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, title="Johtaja", received="2026-01-31"), by=BY)
    name = store.backup(by=BY)
    store.update("P-000001", {"title": "Vahinko"}, by=BY)
    store.remove(["P-000002"], by=BY, reason="expired")
    store.add(person("Dora"), by=BY)
    return store, name


def test_s9_a_restore_brings_the_rows_back_and_keeps_what_was_entered_since(filled: tuple[Store, str]) -> None:
    store, name = filled
    told = store.restore(name, by=ADMIN)
    assert told == {
        "back": [],
        "changed": ["P-000001"],
        "gone": [],
        "fields": {"P-000001": ["title"]},
        "kept_away": 1,
        "rows": 3,
    }
    assert names(store) == ["Aino", "Cecilia", "Dora"]
    row = store.register.row("P-000001")
    assert (row["title"], row["changed_by"]) == ("Johtaja", ADMIN)
    assert store.is_current  # the workbook followed
    with Store.open(store.data_dir, PASSWORD) as again:
        assert again.frame.equals(store.frame)
    entry = next(entry for entry in store.log() if entry.action == "restore")
    assert (entry.by, entry.ids, entry.facts["backup"]) == (ADMIN, ["P-000001"], name)


def test_s9_exactly_restored_rows_entered_since_go_and_may_come_back(filled: tuple[Store, str]) -> None:
    store, name = filled
    before = store.frame
    told = store.restore(name, by=ADMIN, exact=True)
    assert told["gone"] == ["P-000004"] and names(store) == ["Aino", "Cecilia"]
    assert store.gone == {"P-000002"}  # only what was removed for good
    undo = next(copy for copy in store.backups.all() if copy.kind == "restore")
    store.restore(undo.path.name, by=ADMIN, exact=True)
    left = [code for code in before.columns if not code.startswith("changed_")]
    assert store.frame[left].equals(before[left])
    assert store.add(person("Elli"), by=BY) == "P-000005"


def test_s9_a_dry_run_changes_nothing(filled: tuple[Store, str]) -> None:
    store, name = filled
    store.checkpoint()
    before = contents(store.data_dir)
    told = store.restore(name, by=ADMIN, exact=True, dry_run=True)
    assert contents(store.data_dir) == before
    assert told == store.restore(name, by=ADMIN, exact=True)


def test_s9_a_backup_of_the_present_is_made_first(filled: tuple[Store, str], monkeypatch: pytest.MonkeyPatch) -> None:
    store, name = filled

    def full(*_: Any, **__: Any) -> None:
        raise NotWritten(reason="-")

    before = store.frame
    monkeypatch.setattr(checkpoint, "backup", full)
    with pytest.raises(NotWritten):
        store.restore(name, by=ADMIN)
    assert store.frame.equals(before)
    monkeypatch.undo()
    store.restore(name, by=ADMIN)
    copy = next(copy for copy in store.backups.all() if copy.kind == "restore")
    assert copy.rows == 3


def test_s9_it_may_be_any_workbook_of_this_register(filled: tuple[Store, str], tmp_path: Path) -> None:
    store, name = filled
    path = tmp_path / "muistitikulta.xlsx"
    shutil.copyfile(store.data_dir / "backups" / name, path)
    save(path, cells(2, address="Kirjoitettu sinne"))
    assert store.restore(path, by=ADMIN)["changed"] == ["P-000001"]
    assert store.register.row("P-000001")["address"] == "Kirjoitettu sinne"
    assert store.restore(str(path), by=ADMIN)["changed"] == []


def test_s9_a_backup_in_the_second_place_alone_is_found(filled: tuple[Store, str], tmp_path: Path) -> None:
    store, _ = filled
    (tmp_path / "second").mkdir()
    settings.save(store.data_dir, store.settings, second_place=str(tmp_path / "second"))
    name = store.backup(by=BY)
    (store.data_dir / "backups" / name).unlink()
    store.update("P-000001", {"title": "Taas"}, by=BY)
    assert store.restore(name, by=ADMIN)["fields"] == {"P-000001": ["title"]}


def test_s9_bans_and_holds_set_since_stay_and_received_never_moves_later(store: Store) -> None:
    day = dt.date(2026, 1, 31)
    store.add(person("Aino", received=day), by=BY)
    store.add(person("Bertta", received=day), by=BY)
    store.update("P-000002", {"objected": day}, by=BY)
    name = store.backup(by=BY)
    later = {"objected": day, "restricted": day, "removal_requested": day}
    store.update("P-000001", {**later, "hold_reason": "claim", "hold_until": dt.date(2030, 1, 1)}, by=BY)
    store.update("P-000001", {"received": dt.date(2025, 12, 31)}, by=BY)
    store.update("P-000002", {"objected": None}, by=BY)
    told = store.restore(name, by=ADMIN, exact=True)
    row = store.register.row("P-000001")
    assert {code: row[code] for code in later} == later
    assert (row["hold_reason"], row["hold_until"], row["received"]) == (
        "claim",
        dt.date(2030, 1, 1),
        dt.date(2025, 12, 31),
    )
    assert store.register.row("P-000002")["objected"] == day  # rather a ban too many
    assert told["changed"] == ["P-000002"]


def test_s9_a_hold_is_taken_or_left_as_one(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    store.update("P-000001", {"hold_reason": "claim", "hold_until": dt.date(2030, 1, 1)}, by=BY)
    name = store.backup(by=BY)
    store.update("P-000001", {"hold_reason": "", "hold_until": None}, by=BY)
    store.restore(name, by=ADMIN)
    row = store.register.row("P-000001")
    assert (row["hold_reason"], row["hold_until"]) == ("claim", dt.date(2030, 1, 1))


def test_s9_what_others_wrote_beside_a_row_comes_back_with_it(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    store.checkpoint()

    def with_own(changed: Any) -> None:
        sheet = changed["Prospektit"]
        place = sheet.max_column + 1
        sheet.cell(1, place).value, sheet.cell(2, place).value = "Oma", "Ainon"

    save(store.path, with_own)
    store.refresh()
    store.add(person("Bertta"), by=BY)
    store.checkpoint()
    save(store.path, lambda changed: changed["Prospektit"].cell(3, changed["Prospektit"].max_column, "Bertan"))
    store.refresh()
    empty = next(copy.path.name for copy in store.backups.all() if copy.kind == "daily")
    with_both = store.backup(by=BY)
    store.restore(empty, by=ADMIN, exact=True)
    assert names(store) == []
    assert store.restore(with_both, by=ADMIN)["back"] == ["P-000001", "P-000002"]
    assert store.register.extras["Oma"].tolist() == ["Ainon", "Bertan"]
    with Store.open(store.data_dir, PASSWORD) as again:
        assert again.register.extras["Oma"].tolist() == ["Ainon", "Bertan"]


def test_s9_held_open_the_rows_come_back_and_the_workbook_follows_later(filled: tuple[Store, str]) -> None:
    store, name = filled
    held, before = hold(store), store.path.read_bytes()
    assert store.restore(name, by=ADMIN)["changed"] == ["P-000001"]
    assert store.path.read_bytes() == before and store.register.row("P-000001")["title"] == "Johtaja"
    with pytest.raises(HeldOpen):
        store.checkpoint()
    held.unlink()
    store.checkpoint()
    assert names(Store.open(store.data_dir, PASSWORD)) == ["Aino", "Cecilia", "Dora"]


def test_s9_back_and_forth_in_one_segment_of_the_journal(filled: tuple[Store, str]) -> None:
    """While somebody holds the workbook open, all of it stays in the journal: what is replayed is what was seen."""
    store, name = filled
    save(store.path, lambda changed: changed["Prospektit"].cell(1, 40, "Oma") and None)
    store.checkpoint()
    without = store.backup(by=BY)
    save(store.path, lambda changed: changed["Prospektit"].cell(4, 31, "Doran"))
    store.checkpoint()
    hold(store)
    assert store.register.extras["Oma"].tolist() == ["", "", "Doran"]
    store.restore(name, by=ADMIN, exact=True)
    store.restore(without, by=ADMIN)
    store.update("P-000004", {"title": "Viimeinen"}, by=BY)
    assert names(store) == ["Aino", "Cecilia", "Dora"]
    again = Store.open(store.data_dir, PASSWORD)
    assert again.frame.equals(store.frame)
    assert again.register.extras.fillna("").equals(store.register.extras.fillna(""))


# -- what cannot be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("missing", WorkbookMissing),
        ("cut", Damaged),
        ("another password", WrongPassword),
        ("another register", NothingToCompare),
        ("no encryption", InvalidWorkbook),
        ("a cell", InvalidWorkbook),
    ],
)
def test_s9_a_file_that_cannot_be_used_changes_nothing(
    filled: tuple[Store, str], tmp_path: Path, what: str, error: type[StoreError]
) -> None:
    store, name = filled
    path = tmp_path / "kopio.xlsx"
    shutil.copyfile(store.data_dir / "backups" / name, path)
    match what:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-600])
        case "another password":
            path.write_bytes(sealed(opened(path), "toinen salasana"))
        case "another register":
            shutil.copyfile(Store.create(tmp_path / "other", PASSWORD).path, path)
        case "no encryption":
            path.write_bytes(opened(path))
        case "a cell":
            save(path, cells(2, received="joskus"))
    store.checkpoint()
    age(store.path, 5)
    store.refresh()
    before = contents(store.data_dir)
    for dry_run in (True, False):
        with pytest.raises(error) as caught:
            store.restore(path, by=ADMIN, dry_run=dry_run)
        assert "{" not in str(caught.value)
    assert contents(store.data_dir) == before


# -- by property -------------------------------------------------------------------------------------------------

IDS = [f"P-{number:06d}" for number in range(1, 5)]
LATER = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(IDS), st.sampled_from(["title", "notes"]), st.sampled_from("äbc")),
        st.tuples(st.just("ban"), st.sampled_from(IDS)),
        st.tuples(st.just("hold"), st.sampled_from(IDS)),
        st.tuples(st.just("earlier"), st.sampled_from(IDS)),
        st.tuples(st.just("remove"), st.sampled_from(IDS)),
        st.tuples(st.just("add")),
    ),
    max_size=8,
)


def do(store: Store, steps: list[tuple[str, ...]]) -> None:
    for what, *given_ in steps:
        if what == "add":
            store.add(person("Uusi"), by=BY)
        elif given_[0] in store.register.positions:
            row = store.register.row(given_[0])
            match what:
                case "set":
                    store.update(given_[0], {given_[1]: given_[2]}, by=BY)
                case "ban":
                    store.update(given_[0], {"objected": store.today}, by=BY)
                case "hold":
                    store.update(given_[0], {"hold_reason": "claim", "hold_until": dt.date(2030, 1, 1)}, by=BY)
                case "earlier":
                    store.update(given_[0], {"received": row["received"] - dt.timedelta(days=1)}, by=BY)
                case "remove":
                    store.remove([given_[0]], by=BY, reason="expired")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("begun") / "data"
    with Store.create(folder, PASSWORD) as store:
        for name in ("Aino", "Bertta", "Cecilia"):
            store.add(person(name, received="2026-01-31"), by=BY)
    return folder


@examples(max_examples=15)
@given(before=LATER, since=LATER, exact=st.booleans())
def test_s9_what_a_dry_run_tells_is_what_happens(
    begun: Path, before: list[tuple[str, ...]], since: list[tuple[str, ...]], exact: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        shutil.copytree(begun, data)
        with Store.open(data, PASSWORD) as store:
            do(store, before)
            old = store.register
            name = store.backup(by=BY)
            do(store, since)
            now, gone = store.register, store.gone
            told = store.restore(name, by=ADMIN, exact=exact, dry_run=True)
            assert store.register is now
            assert store.restore(name, by=ADMIN, exact=exact) == told
            assert told["rows"] == len(store.register)
            assert set(told["back"]) == set(store.register.positions) - set(now.positions)
            assert set(told["gone"]) == set(now.positions) - set(store.register.positions)
            assert told["kept_away"] == len(gone & set(old.positions))
            for i in store.register.positions:
                row = store.register.row(i)
                if i not in old.positions:
                    assert not exact and row == now.row(i)
                    continue
                was = old.row(i)
                assert (row["title"], row["notes"], row["name"]) == (was["title"], was["notes"], was["name"])
                if i in now.positions:
                    is_now = now.row(i)
                    changed = {c for c in row if row[c] != is_now[c] and not c.startswith("changed_")} - {"expires"}
                    assert changed == set(told["fields"].get(i, ()))
                    assert row["received"] == min(was["received"], is_now["received"])
                    for code in ("objected", "hold_reason", "hold_until"):
                        assert row[code] == (is_now[code] or was[code])
            assert not gone & set(store.register.positions)
            with Store.open(data, PASSWORD) as again:
                assert again.frame.equals(store.frame)
