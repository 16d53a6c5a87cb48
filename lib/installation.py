"""One installation: its data folder, who comes in, and what an administrator does about users."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from lib.access.accounts import check_password
from lib.access.credentials import check_name, one_time_password
from lib.access.entrance import NO_KEY, SignIn
from lib.access.own_access import OwnAccess
from lib.access.roles import may
from lib.errors import AccountError, AppError, NotAllowed, NotSignedIn
from lib.i18n import N_

__all__ = ["NO_KEY", "Installation", "SignIn", "current"]


class Installation(OwnAccess):
    """Accounts, sessions, settings, keys and the open register of one data folder. See `DataFolder`."""

    def recover(self, admin_token: str) -> None:
        """Open a register whose workbook is missing or damaged, from its kept copies and the newest changes.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AppError: it does not open from there either.
        """
        self.open_store(self._master_of_admin(admin_token), recover=True)
        if self.store is None and self.store_error:
            raise self.store_error

    # -- users -------------------------------------------------------------------------------------------------------

    def add_user(self, admin_token: str, name: str, display_name: str, roles: Iterable[str]) -> str:
        """Make an account and its slot in the keyring. Returns the one-time password of the first sign-in.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AccountError: the name is taken, or a value cannot be used.
        """
        password = one_time_password()
        self._add_user(self._master_of_admin(admin_token), name, display_name, roles, password, one_time=True)
        return password

    def add_user_by_workbook(
        self,
        name: str,
        display_name: str,
        roles: Iterable[str],
        password: str,
        workbook_password: str,
        *,
        one_time: bool = True,
    ) -> None:
        """Make an account and its slot in the keyring, by the workbook's password.

        Args:
            one_time: somebody else chose the password, so it must be changed at the first sign-in.

        Raises:
            WrongPassword: the workbook's password is another one.
            AccountError: the name is taken, or a value cannot be used.
        """
        master = self.keyring.by_workbook_password(workbook_password)
        self._add_user(master, name, display_name, roles, password, one_time=one_time)

    def _add_user(
        self,
        master: bytes,
        name: str,
        display_name: str,
        roles: Iterable[str],
        password: str,
        *,
        one_time: bool,
    ) -> None:
        # Both files change under the accounts' lock: two people who add the same name do not mix their passwords.
        with self.accounts.changing() as records:
            if name not in records:
                check_name(name)
                check_password(password)
                self.keyring.set_account(master, name, password)
            try:
                self.accounts.add(name, display_name, roles, password, must_change=one_time)
            except AppError:
                if name not in records:  # no slot without its account
                    self.keyring.drop_account(name)
                raise

    def reset_password(self, admin_token: str, name: str) -> str:
        """Give another user a one-time password, end the user's sessions, and return it.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AccountError: no such user, or oneself.
        """
        master = self._master_of_admin(admin_token)
        self._refuse_oneself(admin_token, name)
        password = one_time_password()
        self._set_password(master, name, password, one_time=True)
        return password

    def recover_password(self, name: str, password: str, workbook_password: str, *, one_time: bool = True) -> None:
        """Give a user a new password by the workbook's, and open the account if it was disabled.

        Args:
            one_time: somebody else chose it, so it must be changed at the first sign-in.

        Raises:
            WrongPassword: the workbook's password is another one.
            AccountError: no such user, or a password that cannot be used.
        """
        master = self.keyring.by_workbook_password(workbook_password)
        self._set_password(master, name, password, one_time=one_time)
        self.accounts.set_disabled(name, False)

    def set_roles(self, name: str, roles: Iterable[str]) -> bool:
        """Give a user these roles and no others, and end the user's sessions. Returns whether there were others.

        Raises:
            AccountError: nothing was changed.
        """
        changed = self.accounts.set_roles(name, roles)
        if changed:
            self._clear_sessions(name)
        return changed

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Close or open a user's account, and end the user's sessions. The password stays.

        Raises:
            AccountError: nothing was changed.
        """
        self.accounts.set_disabled(name, disabled)
        self._clear_sessions(name)

    def lost_device(self, name: str) -> None:
        """End every session of a user, and the marks of browsers: a device is in strange hands. The password stays."""
        self.forget_tickets(name)
        self.sessions.end_user(name, why="ended_elsewhere")
        self.accounts.new_epoch(name)

    def drop_second_factor(self, admin_token: str, name: str) -> None:
        """Take another user's second factor away, whose app and recovery codes are lost.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AccountError: no such user, or oneself.
        """
        self._master_of_admin(admin_token)
        self._refuse_oneself(admin_token, name)
        self._set_factor(name, None)

    def drop_second_factor_by_workbook(self, name: str, workbook_password: str) -> None:
        """The same by the workbook's password, for an administrator who has lost the own one.

        Raises:
            WrongPassword: the workbook's password is another one.
            AccountError: no such user.
        """
        self.keyring.by_workbook_password(workbook_password)
        self._set_factor(name, None)

    def _set_password(self, master: bytes, name: str, password: str, *, one_time: bool) -> None:
        check_password(password)
        if self.accounts.get(name) is None:
            raise AccountError(N_("There is no user {name}."), name=name)
        self._give_password(master, name, password, must_change=one_time)
        self._clear_sessions(name)

    def _refuse_oneself(self, token: str, name: str) -> None:
        account = self.account_of(token)
        if account and account.name == name:
            raise AccountError(N_("Your own password and second factor are changed on your own account's page."))

    def _master_of_admin(self, token: str) -> bytes:
        account = self.account_of(token)
        if account is None:
            raise NotSignedIn
        if not may(account.roles, "users"):
            raise NotAllowed
        return self._own_master(token)


_current: Installation | None = None
_making = threading.Lock()


def current() -> Installation:
    """The installation of this process, in the folder that PROSPECTS_DATA names, or `data` beside app.py."""
    global _current
    with _making:
        if _current is None:
            beside = Path(__file__).resolve().parents[1] / "data"
            _current = Installation(Path(os.environ.get("PROSPECTS_DATA") or beside))
        return _current
