"""The master key and its slots."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import Busy, Damaged, NotWritten, StoreError, WrongPassword
from lib.files import locked
from lib.store import Store
from lib.store.keys import Keyring, derive, seal, unseal

from .tools import BY, PASSWORD, ROOT, contents, named, person, rows


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path)


def test_the_workbooks_password_gives_the_master_key_and_the_key_the_password(keyring: Keyring) -> None:
    master = keyring.create(PASSWORD)
    assert len(master) == 32
    assert keyring.by_workbook_password(PASSWORD) == master
    assert keyring.workbook_passwords(master) == [PASSWORD]
    for wrong in (PASSWORD + " ", "", "wrong"):
        with pytest.raises(WrongPassword):
            keyring.by_workbook_password(wrong)
    with pytest.raises(WrongPassword):
        keyring.workbook_passwords(b"x" * 32)


def test_each_account_has_its_own_slot(keyring: Keyring) -> None:
    master = keyring.create(PASSWORD)
    keyring.set_account(master, "aino", "ainon salasana")
    keyring.set_account(master, "bertta", "bertan salasana")
    assert keyring.by_account("aino", "ainon salasana") == master == keyring.by_account("bertta", "bertan salasana")
    assert keyring.by_account("aino", "bertan salasana") is None and keyring.by_account("nobody", "x") is None
    keyring.set_account(master, "aino", "uusi salasana")
    assert (
        keyring.by_account("aino", "ainon salasana") is None and keyring.by_account("aino", "uusi salasana") == master
    )
    keyring.drop_account("aino")
    assert keyring.by_account("aino", "uusi salasana") is None
    assert keyring.by_account("bertta", "bertan salasana") == master


def test_a_slot_put_under_another_name_does_not_open(keyring: Keyring) -> None:
    master = keyring.create(PASSWORD)
    keyring.set_account(master, "aino", "ainon salasana")
    content = json.loads(keyring.path.read_text())
    content["accounts"]["admin"] = content["accounts"]["aino"]
    keyring.path.write_text(json.dumps(content))
    assert keyring.by_account("admin", "ainon salasana") is None


def test_nothing_in_the_file_is_a_password_or_the_key(keyring: Keyring, tmp_path: Path) -> None:
    master = keyring.create("selkeä-salasana")
    keyring.set_account(master, "aino", "ainon-salasana")
    everything = b"".join(contents(tmp_path).values())
    for secret in (master, master.hex().encode(), "selkeä-salasana".encode(), b"ainon-salasana"):
        assert secret not in everything


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"workbook": {}}', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_told(keyring: Keyring, content: bytes) -> None:
    keyring.path.write_bytes(content)
    with pytest.raises(Damaged):
        keyring.by_workbook_password(PASSWORD)


@pytest.mark.parametrize("cost", [0, 1, 3, -2, 2.0, 2.5, "2", None, 2**30, 10**400])
def test_a_cost_that_cannot_be_or_would_take_all_memory_is_told(keyring: Keyring, cost: Any) -> None:
    keyring.create(PASSWORD)
    content = json.loads(keyring.path.read_text())
    content["workbook"]["cost"] = cost
    keyring.path.write_text(json.dumps(content))
    with pytest.raises(Damaged):
        keyring.by_workbook_password(PASSWORD)


def test_keys_that_cannot_be_read_are_neither_lost_nor_damaged_for_long(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that took them for lost would make new ones, and set the journal aside."""
    master = keyring.create(PASSWORD)

    def failing(*_: object, **__: object) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for name in ("stat", "read_bytes"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, failing)
            with pytest.raises(StoreError, match="the right to do so is missing"):
                assert keyring.exists
                keyring.by_workbook_password(PASSWORD)
    assert keyring.exists and keyring.by_workbook_password(PASSWORD) == master


# -- another password --------------------------------------------------------------------------------------


def test_while_files_follow_both_passwords_open_and_the_new_one_comes_first(keyring: Keyring) -> None:
    master = keyring.create(PASSWORD)
    keyring.set_account(master, "aino", "ainon salasana")
    keyring.change_workbook_password(master, "uusi salasana")
    assert keyring.by_workbook_password("uusi salasana") == keyring.by_workbook_password(PASSWORD) == master
    assert keyring.workbook_passwords(master) == ["uusi salasana", PASSWORD]
    with pytest.raises(Busy):  # one after the other
        keyring.change_workbook_password(master, "kolmas salasana")
    keyring.forget_previous()
    assert keyring.workbook_passwords(master) == ["uusi salasana"]
    with pytest.raises(WrongPassword):
        keyring.by_workbook_password(PASSWORD)
    assert keyring.by_account("aino", "ainon salasana") == master
    before = keyring.path.read_bytes()
    keyring.forget_previous()  # nothing to forget
    assert keyring.path.read_bytes() == before


def test_what_a_killed_write_left_goes_unless_somebody_writes_just_now(keyring: Keyring) -> None:
    keyring.create(PASSWORD)
    leftover = keyring.path.with_name(".keys.json.12ab34cd.tmp")
    leftover.touch()
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(keyring.path.with_name("keys.lock")):
            held.set()
            free.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(20)
    keyring.remove_leftovers()
    assert leftover.exists()
    free.set()
    other.join()
    keyring.remove_leftovers()
    assert not leftover.exists()


# -- lost keys ---------------------------------------------------------------------------------------------


def test_lost_keys_are_made_anew_for_who_has_the_workbooks_password_and_nothing_is_thrown_away(store: Store) -> None:
    store.add(person("Työkirjassa"), by=BY)
    store.checkpoint()
    store.add(person("Vain Päiväkirjassa"), by=BY)
    keys, journal = store.keyring.path.read_bytes(), contents(store.data_dir / "journal")
    store.keyring.path.unlink()
    with pytest.raises(WrongPassword):
        Store.open(store.data_dir, "väärä salasana")
    assert not store.keyring.exists
    again = Store.open(store.data_dir, PASSWORD)
    assert named(again) == {"P-000001": "Työkirjassa"} and again.log() == []  # the rest is under the lost key
    again.add(person("Uusi"), by=BY)
    again.checkpoint()
    assert contents(store.data_dir / "journal-unreadable-1") == journal
    assert (store.data_dir / "log-unreadable-1").is_dir()
    for path in [*(store.data_dir / "journal").iterdir()]:  # the keys are found again
        path.unlink()
    (store.data_dir / "journal").rmdir()
    (store.data_dir / "journal-unreadable-1").rename(store.data_dir / "journal")
    store.keyring.path.write_bytes(keys)
    assert "Vain Päiväkirjassa" in rows(store.data_dir).values()


@pytest.mark.parametrize("step", ["lib.store.keys.write_json", "pathlib.Path.rename", "lib.store.loading.sync_folder"])
def test_where_the_making_of_new_keys_stops_the_next_start_makes_them(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.add(person("Aino"), by=BY)
    store.checkpoint()
    store.keyring.path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(step, lambda *_: (_ for _ in ()).throw(NotWritten(reason="-")))
        with pytest.raises(NotWritten):
            Store.open(store.data_dir, PASSWORD)
    assert named(Store.open(store.data_dir, PASSWORD)) == {"P-000001": "Aino"}
    assert Store.open(store.data_dir, PASSWORD).add(person("Bertta"), by=BY) == "P-000002"


@given(st.binary(max_size=200), st.text(max_size=10))
def test_what_is_sealed_opens_under_the_same_key_and_purpose_only(content: bytes, purpose: str) -> None:
    key, other = b"k" * 32, b"o" * 32
    sealed = seal(key, content, purpose)
    assert unseal(key, sealed, purpose) == content
    assert unseal(other, sealed, purpose) is None
    assert unseal(key, sealed, purpose + "x") is None
    for place in range(len(sealed)):
        broken = bytearray(sealed)
        broken[place] ^= 1
        assert unseal(key, bytes(broken), purpose) is None
    assert unseal(key, sealed[:5], purpose) is None and unseal(key, b"", purpose) is None


def test_each_purpose_has_its_own_key() -> None:
    assert len({derive(b"m" * 32, purpose) for purpose in ("log", "workbook password", "")}) == 3


def test_the_shipped_derivations_cost_what_they_should(tmp_path: Path) -> None:
    """In a process that no test has made cheap: scrypt 2^15, and Excel's 100,000 rounds."""
    code = "import sys; from lib.store import Store; Store.create(sys.argv[1], 'pitkä salasana')"
    subprocess.run([sys.executable, "-c", code, tmp_path / "data"], cwd=ROOT, check=True, env={**os.environ})
    keys = json.loads((tmp_path / "data" / "keys.json").read_text())
    assert keys["workbook"]["cost"] == 2**15
    raw = (tmp_path / "data" / "prospects.xlsx").read_bytes()
    assert re.findall(rb'spinCount="(\d+)"', raw) == [b"100000"]
    assert b'cipherAlgorithm="AES"' in raw and b'keyBits="256"' in raw and b'hashAlgorithm="SHA512"' in raw
