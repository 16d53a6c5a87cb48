"""The master key and its slots."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import Damaged, WrongPassword
from lib.store.keys import Keyring, derive, seal, unseal

from .tools import PASSWORD, contents

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path)


def test_the_workbooks_password_gives_the_master_key_and_the_key_the_password(keyring: Keyring) -> None:
    master = keyring.create(PASSWORD)
    assert len(master) == 32
    assert keyring.by_workbook_password(PASSWORD) == master
    assert keyring.workbook_password(master) == PASSWORD
    for wrong in (PASSWORD + " ", "", "wrong"):
        with pytest.raises(WrongPassword):
            keyring.by_workbook_password(wrong)
    with pytest.raises(WrongPassword):
        keyring.workbook_password(b"x" * 32)


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


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"workbook": {}}', b"\xff\xfe"])
def test_a_broken_file_is_told(keyring: Keyring, content: bytes) -> None:
    keyring.path.write_bytes(content)
    with pytest.raises(Damaged):
        keyring.by_workbook_password(PASSWORD)


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
