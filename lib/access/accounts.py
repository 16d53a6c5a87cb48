"""`accounts.yaml`: users, roles, password hashes and what is sealed, in streamlit-authenticator's form.

A new password, new roles, closing and opening, and a lost device make a new epoch of the account; a session carries the
epoch in which it began and ends with it. A second factor makes none: whoever is in has proven the password, and may set
it up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lib.access.credentials import check_name, check_password, hashed, matches
from lib.access.roles import ROLES
from lib.errors import AccountError, Damaged, StoreError
from lib.files import locked, write_atomically
from lib.i18n import N_
from lib.stamp import Cached

__all__ = ["Account", "Accounts", "check_password"]

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Account:
    """One user. `epoch` grows with every change that ends the user's sessions.

    `must_change`: the password is a one-time one. `second_factor` and `download_password`: there is one.
    `knew_workbook_password`: this user chose the workbook's password that is in force.
    """

    name: str
    display_name: str
    roles: frozenset[str]
    disabled: bool
    epoch: int
    must_change: bool = False
    second_factor: bool = False
    knew_workbook_password: bool = False
    download_password: bool = False


class Factor(NamedTuple):
    """A second factor: the sealed secret, the last step of time whose code was used, hashes of recovery codes."""

    sealed: str
    used: int
    recovery: tuple[str, ...]


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

    def add(
        self,
        name: str,
        display_name: str,
        roles: Iterable[str],
        password: str,
        *,
        must_change: bool = False,
        knew_workbook_password: bool = False,
    ) -> None:
        """Make an account.

        Args:
            must_change: the password is good for one sign-in, which asks for another.
            knew_workbook_password: this user chose the workbook's password.

        Raises:
            AccountError: the name is taken, or a value cannot be used.
        """
        check_name(name)
        check_password(password)
        display_name = " ".join(display_name.split())
        if not display_name:
            raise AccountError(N_("Write the name of the user."))
        first, _, last = display_name.partition(" ")
        record = {
            "email": "",  # a field of the file's form; nothing is sent to anyone
            "first_name": first,
            "last_name": last,
            "password": hashed(password),
            "roles": _checked_roles(roles),
            "logged_in": False,
            "disabled": False,
            "epoch": 1,
            "must_change": must_change,
            "knew_workbook_password": knew_workbook_password,
        }
        with self.changing() as records:
            if name in records:
                raise AccountError(N_("There is already a user {name}. Choose another user name."), name=name)
            records[name] = record

    def set_roles(self, name: str, roles: Iterable[str]) -> bool:
        """Give an account these roles and no others. Returns whether it had others.

        Raises:
            AccountError: no such user, no known role, or the last administrator.
        """
        chosen = _checked_roles(roles)
        with self._changing_one(name) as record:
            changed = sorted(record["roles"] or ()) != chosen
            if changed:
                record["roles"] = chosen
        return changed

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Close an account or open it again; its password stays.

        Raises:
            AccountError: no such user, or the last administrator.
        """
        with self._changing_one(name) as record:
            record["disabled"] = disabled

    def set_password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Give an account a new password; `must_change` as for `add`.

        Raises:
            AccountError: no such user, or a password that cannot be used.
        """
        check_password(password)
        password_hash = hashed(password)
        with self._changing_one(name) as record:
            record["password"], record["must_change"] = password_hash, must_change

    def new_epoch(self, name: str) -> None:
        """End whatever goes by an account's epoch.

        Raises:
            AccountError: no such user.
        """
        with self._changing_one(name, new_epoch=False) as record:
            record["epoch"] += 1

    def workbook_password_chosen_by(self, name: str) -> None:
        """The workbook has another password: of all users, this one alone knows it; "" for none of them."""
        with self.changing() as records:
            for user, record in records.items():
                if record["knew_workbook_password"] != (user == name):
                    record["knew_workbook_password"] = user == name

    @contextlib.contextmanager
    def choosing_workbook_password(self, name: str, in_force: Callable[[], bool]) -> Iterator[None]:
        """Note who chose the workbook's password once it is in force, also where the rest of its change fails.

        Args:
            name: as for `workbook_password_chosen_by`.
            in_force: tells whether the new password opens the register.
        """
        try:
            yield
        finally:
            with contextlib.suppress(StoreError):  # it is in force all the same
                if in_force():
                    self.workbook_password_chosen_by(name)

    # -- the second factor -----------------------------------------------------------------------------------------

    def factor(self, name: str) -> Factor | None:
        """An account's second factor, if it has one."""
        record = self._records().get(name)
        return _factor(record) if record else None

    def set_factor(self, name: str, factor: Factor | None) -> None:
        """Give an account a second factor, or take it away.

        Raises:
            AccountError: no such user.
        """
        with self._changing_one(name, new_epoch=False) as record:
            for field in _FACTOR:
                record.pop(field, None)
            if factor:
                record.update(zip(_FACTOR, (factor.sealed, factor.used, list(factor.recovery)), strict=True))

    def use_step(self, name: str, step: int) -> bool:
        """Use up the code of a step of time, and those before it; False where that has happened already."""
        with self._changing_one(name, new_epoch=False) as record:
            factor = _factor(record)
            if factor is None or step <= factor.used:
                return False
            record["totp_used"] = step
            return True

    def use_recovery(self, name: str, code_hash: str) -> bool:
        """Use up a recovery code; False where there is none like it."""
        with self._changing_one(name, new_epoch=False) as record:
            factor = _factor(record)
            if factor is None or code_hash not in factor.recovery:
                return False
            record["recovery"] = [kept for kept in factor.recovery if kept != code_hash]
            return True

    # -- the download password -------------------------------------------------------------------------------------

    def download_password(self, name: str) -> str:
        """An account's sealed download password; "" where it has none."""
        return str(self._records().get(name, _EMPTY).get(_DOWNLOAD) or "")

    def set_download_password(self, name: str, sealed: str) -> None:
        """Give an account a sealed download password; "" takes it away.

        Raises:
            AccountError: no such user.
        """
        with self._changing_one(name, new_epoch=False) as record:
            record.pop(_DOWNLOAD, None)
            if sealed:
                record[_DOWNLOAD] = sealed

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
    def _changing_one(self, name: str, *, new_epoch: bool = True) -> Iterator[dict[str, Any]]:
        with self.changing() as records:
            if name not in records:
                raise AccountError(N_("There is no user {name}."), name=name)
            before = dict(records[name])
            yield records[name]
            if new_epoch and records[name] != before:
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
    "first_name": "",
    "last_name": "",
    "password": None,
    "roles": [],
    "disabled": False,
    "epoch": 0,
    "must_change": False,
    "knew_workbook_password": False,
}
_FACTOR = ("totp", "totp_used", "recovery")
_DOWNLOAD = "download_password"


def _account(name: str, record: dict[str, Any]) -> Account:
    return Account(
        name=name,
        display_name=f"{record['first_name'] or ''} {record['last_name'] or ''}".strip() or name,
        roles=frozenset(record["roles"] or ()) & ROLES.keys(),
        disabled=bool(record["disabled"]),
        epoch=int(record["epoch"]),
        must_change=bool(record["must_change"]),
        second_factor=_factor(record) is not None,
        knew_workbook_password=bool(record["knew_workbook_password"]),
        download_password=bool(record.get(_DOWNLOAD)),
    )


def _factor(record: dict[str, Any]) -> Factor | None:
    if not record.get("totp"):
        return None
    return Factor(str(record["totp"]), int(record.get("totp_used") or 0), tuple(map(str, record.get("recovery") or ())))


def _administers(record: dict[str, Any]) -> bool:
    return "admin" in (record["roles"] or ()) and not record["disabled"]


def _checked_roles(roles: Iterable[str]) -> list[str]:
    chosen = sorted(set(roles))
    if not chosen or not set(chosen) <= ROLES.keys():
        raise AccountError(N_("Choose at least one role."))
    return chosen
