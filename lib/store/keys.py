"""`keys.json`: the random master key in slots, each opened by another password.

One slot opens with the workbook's password, one with each account's. The workbook's password itself is sealed under
the master key, so whoever signs in opens the register, and no secret on the disk does.

Sources: scrypt, RFC 7914; AES-GCM, NIST SP 800-38D; HKDF, RFC 5869.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import threading
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lib.errors import Busy, Damaged, StoreError, WrongPassword
from lib.files import is_there, locked, read_json, reason, remove_leftovers, write_json
from lib.i18n import N_

Slot = dict[str, Any]
VERSION = 1
SCRYPT_COST = 2**15  # tests lower it; one test asserts what is shipped
_COSTS = frozenset(2**n for n in range(1, 21))  # what scrypt can take, and this machine
_DERIVING = threading.BoundedSemaphore(2)  # each derivation takes 32 MB and a core


def derive(key: bytes, purpose: str) -> bytes:
    """A key of its own for a purpose, from the master key or a session's token."""
    return HKDF(SHA256(), 32, None, purpose.encode()).derive(key)


def seal(key: bytes, content: bytes, purpose: str) -> bytes:
    """Content encrypted and authenticated under `key`, bound to its purpose."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, content, purpose.encode())


def unseal(key: bytes, sealed: bytes, purpose: str) -> bytes | None:
    """What `seal` sealed; None where key, purpose or content are not the same."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], purpose.encode())
    except (InvalidTag, ValueError):
        return None


def _from_password(password: str, salt: bytes, cost: int) -> bytes:
    with _DERIVING:
        return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(password.encode())


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value)


class Keyring:
    """The slots of one data folder. It holds no key; each call takes or gives one."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "keys.json"
        self._lock = data_dir / "keys.lock"

    @property
    def exists(self) -> bool:
        return is_there(self.path)

    def create(self, workbook_password: str) -> bytes:
        """A new master key, with the workbook's slot. Returns the key."""
        master = secrets.token_bytes(32)
        with locked(self._lock):
            write_json(
                self.path,
                {
                    "version": VERSION,
                    "workbook": _slot(master, workbook_password, "workbook"),
                    "workbook_password": _text(
                        seal(derive(master, "workbook password"), workbook_password.encode(), "")
                    ),
                    "accounts": {},
                },
            )
        return master

    def by_workbook_password(self, password: str) -> bytes:
        """The master key, by the workbook's password, or by the one before it while files still follow.

        Raises:
            WrongPassword: it is neither.
        """
        content = self._read()
        for slot in (content["workbook"], content.get("previous")):
            if slot and (master := _open(slot, password, "workbook")) is not None:
                return master
        raise WrongPassword

    def by_account(self, user: str, password: str) -> bytes | None:
        """The master key, by an account's password; None where there is no slot or it does not open.

        It takes the same time either way.
        """
        slot = self._read()["accounts"].get(user)
        if slot is None:
            _from_password(password, b"", SCRYPT_COST)
            return None
        return _open(slot, password, f"account {user}")

    def workbook_passwords(self, master: bytes) -> list[str]:
        """The workbook's password, by the master key, and after it the one before while files still follow."""
        content, found = self._read(), []
        for name in ("workbook_password", "previous_password"):
            if name in content:
                password = unseal(derive(master, "workbook password"), _bytes(content[name]), "")
                if password is None:
                    raise WrongPassword
                found.append(password.decode())
        return found

    def change_workbook_password(self, master: bytes, password: str) -> None:
        """Another password for the workbook; the one before stays until `forget_previous`.

        Raises:
            Busy: files still follow an earlier change.
        """
        slot = _slot(master, password, "workbook")
        with locked(self._lock):
            content = self._read()
            if "previous" in content:
                raise Busy
            content["previous"], content["previous_password"] = content["workbook"], content["workbook_password"]
            content["workbook"] = slot
            content["workbook_password"] = _text(seal(derive(master, "workbook password"), password.encode(), ""))
            write_json(self.path, content)

    def forget_previous(self) -> None:
        """The password before opens nothing any more."""
        with locked(self._lock):
            content = self._read()
            if content.pop("previous", None):
                del content["previous_password"]
                write_json(self.path, content)

    def set_account(self, master: bytes, user: str, password: str) -> None:
        """Give an account a slot under its (new) password."""
        slot = _slot(master, password, f"account {user}")
        with locked(self._lock):
            content = self._read()
            content["accounts"][user] = slot
            write_json(self.path, content)

    def slot(self, user: str) -> Slot | None:
        """An account's slot as it stands in the file, for `put_back`; None where there is none."""
        slot: Slot | None = self._read()["accounts"].get(user)
        return slot

    def put_back(self, user: str, slot: Slot) -> None:
        """Give an account the slot again that it had before."""
        with locked(self._lock):
            content = self._read()
            if content["accounts"].get(user) != slot:
                content["accounts"][user] = slot
                write_json(self.path, content)

    def drop_account(self, user: str) -> None:
        """Take an account's slot away."""
        with locked(self._lock):
            content = self._read()
            if content["accounts"].pop(user, None):
                write_json(self.path, content)

    def remove_leftovers(self) -> None:
        """Remove what killed processes left of their writes, unless somebody writes just now."""
        with contextlib.suppress(StoreError), locked(self._lock, seconds=0):
            remove_leftovers(self.path)

    def _read(self) -> dict[str, Any]:
        try:
            content = read_json(self.path, None)
        except OSError as error:
            raise Damaged(
                N_("The file {file} cannot be read: {reason}. Nothing was written."),
                file=self.path.name,
                reason=reason(error),
            ) from error
        except (ValueError, RecursionError) as error:
            raise Damaged(file=self.path.name) from error
        try:
            previous = [content["previous"]] if "previous" in content else []
            for slot in (content["workbook"], *previous, *content["accounts"].values()):
                _bytes(slot["salt"]), _bytes(slot["key"])
                if type(slot["cost"]) is not int or slot["cost"] not in _COSTS:
                    raise ValueError(slot["cost"])
            for name in ("workbook_password", *(["previous_password"] if previous else [])):
                _bytes(content[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Damaged(file=self.path.name) from error
        return dict(content)


def _slot(master: bytes, password: str, purpose: str) -> Slot:
    salt = secrets.token_bytes(16)
    key = _from_password(password, salt, SCRYPT_COST)
    return {"cost": SCRYPT_COST, "salt": _text(salt), "key": _text(seal(key, master, purpose))}


def _open(slot: Slot, password: str, purpose: str) -> bytes | None:
    return unseal(_from_password(password, _bytes(slot["salt"]), slot["cost"]), _bytes(slot["key"]), purpose)
