"""S11: another password for the workbook while people work; backups and files set aside follow."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from lib import settings
from lib.errors import HeldOpen, PasswordUnfinished, Unfinished, WrongPassword
from lib.store import Store, erasure, outside
from lib.store.encryption import decrypt
from lib.store.keys import Keyring

from .outside_tools import asked, cells, info, killed, kinds, names, save, traces
from .test_erasure import moved
from .test_held import hold
from .tools import BY, PASSWORD, opened, person, sealed

NEW = "uusi pitkä salasana"
THIRD = "jonkun muun salasana"
ADMIN = "ylläpitäjä"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The second place."""
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def filled(store: Store, place: Path) -> Store:
    """Rows in the workbook, in the journal, in backups of two places and in a file set aside."""
    settings.save(store.data_dir, store.settings, second_place=str(place))
    store.add(person("Aino"), by=BY)
    store.checkpoint()
    store.backup(by=BY)
    save(store.path, info("generation", "999"))
    store.refresh()
    assert kinds(store) == ["unknown"]
    store.checkpoint()
    store.add(person("Bertta"), by=BY)
    return store


def opening(password: str, *places: Path) -> list[str]:
    """The workbooks below some folders that a password opens."""
    found = []
    for path in sorted(path for place in places for path in place.rglob("*.xlsx")):
        try:
            decrypt(path.read_bytes(), password)
        except WrongPassword:
            continue
        found.append(str(path))
    return found


def all_of(*places: Path) -> list[str]:
    return [str(path) for path in sorted(path for place in places for path in place.rglob("*.xlsx"))]


def has_followed(store: Store, *places: Path) -> bool:
    """Whether the new password opens everything and the old one nothing."""
    everywhere = [store.data_dir, *places]
    with pytest.raises(WrongPassword):
        Store.open(store.data_dir, PASSWORD)
    with pytest.raises(WrongPassword):
        Keyring(store.data_dir).by_workbook_password(PASSWORD)
    assert store.passwords == [NEW] and not store.info()["password_changing"]
    return opening(PASSWORD, *everywhere) == [] and opening(NEW, *everywhere) == all_of(*everywhere)


def test_s11_afterwards_the_new_password_opens_everything_and_the_old_one_nothing(filled: Store, place: Path) -> None:
    assert opening(PASSWORD, filled.data_dir, place) == all_of(filled.data_dir, place)
    told: list[float] = []
    filled.rekey(NEW, by=ADMIN, progress=told.append)
    assert has_followed(filled, place)
    assert {"password", "manual", "daily", "generation"} == {copy.kind for copy in filled.backups.all()}
    assert {copy.place for copy in filled.backups.all() if copy.kind == "password"} == {"own", "second"}
    assert told == sorted(told) and told
    with Store.open(filled.data_dir, NEW) as again:
        assert names(again) == ["Aino", "Bertta"] and again.register.last_number == 2
        entry = next(entry for entry in again.log() if entry.action == "rekey")
        assert entry.by == ADMIN and NEW not in str(again.log())
    assert NEW.encode() not in b"".join(path.read_bytes() for path in filled.data_dir.rglob("*") if path.is_file())


def test_s11_accounts_open_it_as_before(filled: Store) -> None:
    filled.keyring.set_account(filled.master, "aino", "Ainon salasana")
    filled.rekey(NEW, by=ADMIN)
    assert filled.keyring.by_account("aino", "Ainon salasana") == filled.master
    assert names(Store.unlocked(filled.data_dir, filled.master)) == ["Aino", "Bertta"]


def test_s11_people_go_on_working_meanwhile(filled: Store, place: Path) -> None:
    entered: list[str] = []
    failed: list[Exception] = []
    stop = threading.Event()

    def enter(store: Store, who: str) -> None:
        number = 0
        while not stop.is_set() and number < 500:
            number += 1
            try:
                store.add(person(f"{who} {number}"), by=who)
                entered.append(f"{who} {number}")
                store.update("P-000001", {"notes": f"{who} {number}"}, by=who)
                store.refresh()
            except Exception as error:
                failed.append(error)

    with Store.open(filled.data_dir, PASSWORD) as other:
        threads = [threading.Thread(target=enter, args=(s, who)) for s, who in ((filled, "yksi"), (other, "kaksi"))]
        for thread in threads:
            thread.start()
        filled.rekey(NEW, by=ADMIN)
        amid = len(entered)
        stop.set()
        for thread in threads:
            thread.join()
        assert failed == [] and amid > 2
        other.add(person("Jälkeen"), by=BY)
        other.checkpoint()
        assert other.is_current
    filled.refresh()
    assert sorted(names(filled)) == sorted(["Aino", "Bertta", "Jälkeen", *entered])
    assert has_followed(filled, place)
    assert sorted(names(Store.open(filled.data_dir, NEW))) == sorted(names(filled))


def test_s11_what_is_saved_under_the_old_password_afterwards_is_not_lost(filled: Store) -> None:
    filled.checkpoint()
    old = filled.path.read_bytes()
    filled.rekey(NEW, by=ADMIN)
    filled.path.write_bytes(old)  # whoever had it open all the time
    save(filled.path, cells(2, title="Vanhalla"))
    filled.refresh()
    outside.open_aside(filled, asked(filled, "password").where, PASSWORD, by=ADMIN)
    assert filled.register.row("P-000001")["title"] == "Vanhalla"
    filled.checkpoint()
    assert has_followed(filled)


def test_s11_an_edit_made_before_and_not_yet_taken_up_arrives(filled: Store) -> None:
    save(filled.path, cells(2, title="Juuri ennen"))
    filled.rekey(NEW, by=ADMIN)
    assert filled.register.row("P-000001")["title"] == "Juuri ennen" and has_followed(filled)


# -- what stands in the way --------------------------------------------------------------------------------------


@pytest.mark.parametrize("entered", [True, False], ids=["with entries", "without"])
def test_s11_held_open_both_passwords_open_it_until_the_rest_can_follow(
    filled: Store, place: Path, entered: bool
) -> None:
    filled.checkpoint()
    held = hold(filled)
    with pytest.raises(HeldOpen):
        filled.rekey(NEW, by=ADMIN)
    for password in (PASSWORD, NEW):
        with Store.open(filled.data_dir, password) as again:
            assert again.info()["password_changing"]
            assert not entered or again.add(person(password), by=BY)
    held.unlink()
    with Store.open(filled.data_dir, NEW) as again:
        again.checkpoint()
        erasure.finish(again)
    assert has_followed(filled, place)
    filled.refresh()
    assert names(filled) == ["Aino", "Bertta", *([PASSWORD, NEW] if entered else [])]


def test_s11_a_server_that_is_stopped_amid_the_change_follows_after_the_next_start(filled: Store, place: Path) -> None:
    def closes(_share: float) -> None:
        filled.close()

    with pytest.raises(PasswordUnfinished):
        filled.rekey(NEW, by=ADMIN, progress=closes)
    assert opening(PASSWORD, filled.data_dir, place) and filled.passwords == [NEW, PASSWORD]
    with Store.open(filled.data_dir, NEW) as again:
        erasure.finish(again)
    assert has_followed(filled, place)


def test_s11_a_second_place_out_of_reach_is_told_and_followed_when_it_is_back(filled: Store, place: Path) -> None:
    away = place.with_name("away")
    place.rename(away)
    with pytest.raises(PasswordUnfinished) as caught:
        filled.rekey(NEW, by=ADMIN)
    (told,) = (str(text) for text in caught.value.obstacles)
    assert str(place) in told
    assert opening(PASSWORD, filled.data_dir) == [] and opening(PASSWORD, away)
    assert filled.passwords == [NEW, PASSWORD]  # so that what is there can still be read
    with pytest.raises(PasswordUnfinished):
        erasure.finish(filled)
    with pytest.raises(PasswordUnfinished):  # nor can it be changed once more before
        filled.rekey(THIRD, by=ADMIN)
    away.rename(place)
    with Store.open(filled.data_dir, NEW) as again:
        erasure.finish(again)
    assert has_followed(filled, place)


def test_s11_a_file_set_aside_that_the_old_password_does_not_open_stands_in_no_way(filled: Store, place: Path) -> None:
    filled.path.write_bytes(sealed(opened(filled.path), THIRD))
    filled.refresh()
    aside = filled.aside.find(asked(filled, "password").where)
    assert aside
    before = aside.path.read_bytes()
    filled.rekey(NEW, by=ADMIN)
    assert opening(PASSWORD, filled.data_dir, place) == [] and filled.passwords == [NEW]
    assert aside.path.read_bytes() == before


def test_s11_a_damaged_backup_is_told(filled: Store) -> None:
    copy = next(copy for copy in filled.backups.all() if copy.kind == "manual")
    copy.path.write_bytes(copy.path.read_bytes()[:-600])
    with pytest.raises(PasswordUnfinished) as caught:
        filled.rekey(NEW, by=ADMIN)
    assert any(copy.path.name in str(text) for text in caught.value.obstacles)
    filled.backups.drop(copy)
    erasure.finish(filled)
    assert has_followed(filled)


def test_s11_a_removal_goes_on_though_the_password_cannot(filled: Store, place: Path) -> None:
    held = hold(filled)
    with pytest.raises(HeldOpen):
        filled.rekey(NEW, by=ADMIN)
    held.unlink()
    copy = next(copy for copy in filled.backups.all() if copy.kind == "manual")
    copy.path.write_bytes(b"damaged")
    filled.remove(["P-000001"], by=BY, reason="erasure")
    filled.checkpoint()
    with pytest.raises(Unfinished):
        erasure.finish(filled)
    assert traces(filled, ["Aino"], place) == []


def test_s11_killed_anywhere_it_is_finished_later(filled: Store, place: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(filled.data_dir, base / "data")
    shutil.copytree(place, base / "second")
    for at in range(1, 200, 4):
        folder = tmp_path / f"at{at}"
        shutil.copytree(base, folder)
        data, second = folder / "data", folder / "second"
        moved(data, place, second)
        died = killed(data, lambda store: store.rekey(NEW, by=ADMIN), at)
        try:
            again, password = Store.open(data, NEW), NEW
        except WrongPassword:
            again, password = Store.open(data, PASSWORD), PASSWORD
        with again:
            assert names(again) == ["Aino", "Bertta"]
            again.add(person("Cecilia"), by=BY)
            again.checkpoint()
            erasure.finish(again)
            other = PASSWORD if password == NEW else NEW
            assert opening(other, data, second) == [], at
            assert opening(password, data, second) == all_of(data, second), at
            with pytest.raises(WrongPassword):
                Store.open(data, other)
        assert not list(folder.rglob("*.tmp")), at
        shutil.rmtree(folder)
        if not died:
            break
    assert at > 10
    assert password == NEW
