"""`accounts.yaml`: users, roles and password hashes, in streamlit-authenticator's form.

Each change makes a new epoch of the account; a session carries the epoch in which it began and ends with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lib.access.credentials import check_email, check_name, check_password, hashed, matches
from lib.access.roles import ROLES
from lib.errors import AccountError, Damaged
from lib.files import locked, write_atomically
from lib.i18n import N_
from lib.stamp import Cached

__all__ = ["Account", "Accounts", "check_password"]

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Account:
    """One user. `epoch` grows with every change of the account."""

    name: str
    display_name: str
    email: str
    roles: frozenset[str]
    disabled: bool
    epoch: int


class Accounts:
    """The accounts of one data folder; every change is on the disk when the call returns."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "accounts.yaml"
        self._lock = data_dir / "accounts.lock"
        self._records = Cached(self.path, self._read)

    @property
    def exists(self) -> bool:
        """Whether there is any account."""
        return bool(self._records())

    def all(self) -> list[Account]:
        """Every account, sorted by user name."""
        return [_account(name, record) for name, record in sorted(self._records().items())]

    def get(self, name: str) -> Account | None:
        record = self._records().get(name)
        return _account(name, record) if record else None

    def verify(self, name: str, password: str) -> Account | None:
        """The account, if it may sign in with this password. One bcrypt check, whoever asks."""
        record = self._records().get(name)
        right = matches(password, record["password"] if record else None)
        return _account(name, record) if record and right and not record.get("disabled") else None

    def add(self, name: str, display_name: str, roles: Iterable[str], password: str, email: str = "") -> None:
        """Make an account.

        Raises:
            AccountError: the name is taken, or a value cannot be used.
        """
        check_name(name)
        check_password(password)
        check_email(email)
        display_name = " ".join(display_name.split())
        if not display_name:
            raise AccountError(N_("Write the name of the user."))
        first, _, last = display_name.partition(" ")
        record = {
            "email": email,
            "first_name": first,
            "last_name": last,
            "password": hashed(password),
            "roles": _checked_roles(roles),
            "logged_in": False,
            "disabled": False,
            "epoch": 1,
        }
        with self.changing() as records:
            if name in records:
                raise AccountError(N_("There is already a user {name}. Choose another user name."), name=name)
            records[name] = record

    def set_roles(self, name: str, roles: Iterable[str]) -> None:
        """Give an account these roles and no others.

        Raises:
            AccountError: no such user, no known role, or the last administrator.
        """
        with self._changing_one(name) as record:
            record["roles"] = _checked_roles(roles)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Close an account or open it again; its password stays.

        Raises:
            AccountError: no such user, or the last administrator.
        """
        with self._changing_one(name) as record:
            record["disabled"] = disabled

    def set_password(self, name: str, password: str) -> None:
        """Give an account a new password.

        Raises:
            AccountError: no such user, or a password that cannot be used.
        """
        check_password(password)
        password_hash = hashed(password)
        with self._changing_one(name) as record:
            record["password"] = password_hash

    @contextlib.contextmanager
    def changing(self) -> Iterator[Records]:
        """Hold the accounts while several things change; they are written if the block ends well."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._lock):
            before = self._read()
            records = {name: dict(record) for name, record in before.items()}
            yield records
            if records == before:
                return
            if any(map(_administers, before.values())) and not any(map(_administers, records.values())):
                raise AccountError(N_("This is the only administrator. Make another user an administrator first."))
            content = {"credentials": {"usernames": records}}
            write_atomically(self.path, yaml.safe_dump(content, allow_unicode=True, sort_keys=True).encode())

    @contextlib.contextmanager
    def _changing_one(self, name: str) -> Iterator[dict[str, Any]]:
        with self.changing() as records:
            if name not in records:
                raise AccountError(N_("There is no user {name}."), name=name)
            yield records[name]
            records[name]["epoch"] = records[name].get("epoch", 0) + 1

    def _read(self) -> Records:
        try:
            content = yaml.safe_load(self.path.read_bytes())
            records = {str(name): {**_EMPTY, **record} for name, record in content["credentials"]["usernames"].items()}
            for name, record in records.items():
                _account(name, record)
            return records
        except FileNotFoundError:
            return {}
        except _UNREADABLE as error:
            raise Damaged(
                N_("The file {file} cannot be read. Put a copy from the backups in its place."), file=self.path.name
            ) from error


_UNREADABLE = (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError, ArithmeticError, RecursionError)
# What a record may lack when another program of the same form wrote it.
_EMPTY: dict[str, Any] = {
    "email": "",
    "first_name": "",
    "last_name": "",
    "password": None,
    "roles": [],
    "disabled": False,
    "epoch": 0,
}


def _account(name: str, record: dict[str, Any]) -> Account:
    return Account(
        name=name,
        display_name=f"{record['first_name'] or ''} {record['last_name'] or ''}".strip() or name,
        email=record["email"] or "",
        roles=frozenset(record["roles"] or ()) & ROLES.keys(),
        disabled=bool(record["disabled"]),
        epoch=int(record["epoch"]),
    )


def _administers(record: dict[str, Any]) -> bool:
    return "admin" in (record["roles"] or ()) and not record["disabled"]


def _checked_roles(roles: Iterable[str]) -> list[str]:
    chosen = sorted(set(roles))
    if not chosen or not set(chosen) <= ROLES.keys():
        raise AccountError(N_("Choose at least one role."))
    return chosen
