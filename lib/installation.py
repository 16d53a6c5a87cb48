"""One installation: its data folder and what lives in it, put together.

The register opens with the first person who comes: a password opens that account's slot of the keyring, the slot holds
the master key, and that key the workbook's password. No secret on the disk does.
"""

from __future__ import annotations

import gc
import os
import secrets
import threading
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import BaseFileLock, Timeout

from lib import place, settings
from lib.access.accounts import Account, Accounts, check_password
from lib.access.credentials import check_name
from lib.access.roles import may
from lib.access.sessions import Sessions
from lib.errors import (
    AccountError,
    AppError,
    BadSignIn,
    InUse,
    NotAllowed,
    NotSignedIn,
    StoreError,
)
from lib.files import WORKBOOK, lock, locked, read_json, write_json
from lib.i18n import N_
from lib.settings import Settings
from lib.store.keys import Keyring

if TYPE_CHECKING:
    from lib.store import Store


NO_KEY = N_("Your account has no key to the register. Ask an administrator to give you a new password.")


class Installation:
    """Accounts, sessions, settings, keys and the open register of one data folder.

    Args:
        data_dir: the folder; it is made if it is not there.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.accounts = Accounts(data_dir)
        self.sessions = Sessions(data_dir, lambda: self.settings)
        self.keyring = Keyring(data_dir)
        self.store: Store | None = None
        self.store_error: AppError | None = None
        self._opening = threading.RLock()
        self._claim: BaseFileLock | None = None
        self._code = None if self.accounts.exists else secrets.token_urlsafe(16)

    # -- settings and names ------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings of the moment.

        Raises:
            Invalid: the file settings.toml cannot be used.
        """
        return settings.load(self.data_dir)

    def save_settings(self, **changes: Any) -> Settings:
        """Change settings and return them all.

        Raises:
            Invalid, NotWritten: nothing was changed.
        """
        with locked(self.data_dir / "settings.lock"):
            return settings.save(self.data_dir, settings.load(self.data_dir), **changes)

    @cached_property
    def id(self) -> str:
        """A short random name of this installation, the same for ever; it is no secret."""
        path = self.data_dir / "installation.json"
        if not path.exists():
            with locked(self.data_dir / "installation.lock"):
                if not path.exists():
                    write_json(path, {"version": 1, "id": secrets.token_hex(4)})
        return str(read_json(path, {})["id"])

    @property
    def workbook(self) -> Path:
        return self.data_dir / WORKBOOK

    @property
    def is_new(self) -> bool:
        """Whether the first start is still to come: no account exists."""
        return not self.accounts.exists

    def end_setup(self) -> None:
        """The first start is over: its code opens nothing any more."""
        self._code = None

    @property
    def setup_code(self) -> str | None:
        """The one-time code of the first start; None once there is an account."""
        return self._code if self.is_new else None

    # -- coming and going --------------------------------------------------------------------------------------------

    def sign_in(self, username: str, password: str, device: str = "", address: str = "") -> str:
        """Begin a session and return its token; the register opens with it if it is not open yet.

        Whoever asks, it takes one bcrypt check and one scrypt derivation, and the answer is the same. A register that
        does not open is kept in `store_error`.

        Raises:
            BadSignIn: unknown, disabled or wrong.
        """
        name = username.strip().lower()
        account = self.accounts.verify(name, password)
        master = self._master_of(name, password)
        if account is None:
            raise BadSignIn
        token = self.sessions.create(account, master, device, address)
        if master:
            self.open_store(master)
        return token

    def _master_of(self, name: str, password: str) -> bytes | None:
        try:
            return self.keyring.by_account(name, password)
        except StoreError as error:
            self.store_error = error
            return None
        except UnicodeEncodeError:
            return None

    def account_of(self, token: str, *, used: bool = True) -> Account | None:
        """Whose session this is, if it is one; nothing is opened. Cheap enough to ask at each message."""
        session = self.sessions.lookup(token, used=used)
        account = self.accounts.get(session.user) if session else None
        if session is None or account is None or account.disabled or account.epoch != session.epoch:
            return None
        return account

    def user_of(self, token: str) -> Account | None:
        """Whose session this is, if it is one; the register opens with it if it is not open yet."""
        account = self.account_of(token)
        if account and self.store is None and self.store_error is None and (master := self.sessions.master_key(token)):
            with self._opening:
                # Somebody who waited at the lock does not try again what has just failed.
                if self.store_error is None:
                    self.open_store(master)
        return account

    def sign_out(self, token: str) -> None:
        self.sessions.end(token)

    def open_store(self, master: bytes, *, recover: bool = False) -> None:
        """Open the register if it is not open; an error is kept in `store_error`, and the next call tries again.

        Args:
            recover: also where the workbook is missing or damaged.
        """
        with self._opening:
            if self.store is not None:
                return
            try:
                from lib.store import Store

                self.store = Store.unlocked(self.data_dir, master, background=self.is_server, recover=recover)
                self.store_error = None
                if self.is_server:
                    threading.Thread(target=self._warm_up, args=[self.store], daemon=True).start()
            except AppError as error:
                self.store_error = error

    @staticmethod
    def _warm_up(store: Store) -> None:
        """Build what the first search and the first entry would wait for."""
        register = store.register
        _ = register.index, register.blocks
        # Streamlit collects garbage after each run; what lives as long as the process need not be looked at.
        gc.collect()
        gc.freeze()

    def recover(self, admin_token: str) -> None:
        """Open a register whose workbook is missing or damaged, from its kept copies and the newest changes.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AppError: it does not open from there either.
        """
        self.open_store(self._master_of_admin(admin_token), recover=True)
        if self.store is None and self.store_error:
            raise self.store_error

    def open_unattended(self, workbook_password: str) -> None:
        """Open the register by the workbook's password, for a start without people.

        Raises:
            WrongPassword: it is not the one.
        """
        self.open_store(self.keyring.by_workbook_password(workbook_password))

    def close(self) -> None:
        """Close the register, if it is open."""
        with self._opening:
            if self.store is not None:
                store, self.store = self.store, None
                store.close()

    @property
    def is_server(self) -> bool:
        """Whether this process serves the data folder."""
        return self._claim is not None

    def claim_server(self) -> None:
        """Take the data folder for this process's life.

        Raises:
            InUse: another server has it.
            BadPlace: it lies where it cannot be safe.
        """
        place.check(self.data_dir)
        claim = lock(self.data_dir / "server.lock")
        try:
            claim.acquire(timeout=0)
        except Timeout as error:
            raise InUse from error
        self._claim = claim

    # -- users -------------------------------------------------------------------------------------------------------

    def add_user(
        self, admin_token: str, name: str, display_name: str, roles: Iterable[str], password: str, email: str = ""
    ) -> None:
        """Make an account and its slot in the keyring.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AccountError: the name is taken, or a value cannot be used.
        """
        self._add_user(self._master_of_admin(admin_token), name, display_name, roles, password, email)

    def add_user_by_workbook(
        self, name: str, display_name: str, roles: Iterable[str], password: str, workbook_password: str, email: str = ""
    ) -> None:
        """Make an account and its slot in the keyring, by the workbook's password.

        Raises:
            WrongPassword: the workbook's password is another one.
            AccountError: the name is taken, or a value cannot be used.
        """
        self._add_user(self.keyring.by_workbook_password(workbook_password), name, display_name, roles, password, email)

    def _add_user(
        self, master: bytes, name: str, display_name: str, roles: Iterable[str], password: str, email: str
    ) -> None:
        # Both files change under the accounts' lock: two people who add the same name do not mix their passwords.
        with self.accounts.changing() as records:
            if name not in records:
                check_name(name)
                check_password(password)
                self.keyring.set_account(master, name, password)
            try:
                self.accounts.add(name, display_name, roles, password, email)
            except AppError:
                if name not in records:  # no slot without its account
                    self.keyring.drop_account(name)
                raise

    def reset_password(self, admin_token: str, name: str, password: str) -> None:
        """Give a user a new password and end the user's sessions.

        Raises:
            NotSignedIn, NotAllowed: the token is not an administrator's.
            AccountError: no such user, or a password that cannot be used.
        """
        self._set_password(self._master_of_admin(admin_token), name, password)

    def recover_password(self, name: str, password: str, workbook_password: str) -> None:
        """Give a user a new password by the workbook's, and open the account if it was disabled.

        Raises:
            WrongPassword: the workbook's password is another one.
            AccountError: no such user, or a password that cannot be used.
        """
        self._set_password(self.keyring.by_workbook_password(workbook_password), name, password)
        self.accounts.set_disabled(name, False)

    def set_roles(self, name: str, roles: Iterable[str]) -> None:
        """Give a user these roles and no others, and end the user's sessions.

        Raises:
            AccountError: nothing was changed.
        """
        self.accounts.set_roles(name, roles)
        self.sessions.end_user(name)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Close or open a user's account, and end the user's sessions. The password stays.

        Raises:
            AccountError: nothing was changed.
        """
        self.accounts.set_disabled(name, disabled)
        self.sessions.end_user(name)

    def _set_password(self, master: bytes, name: str, password: str) -> None:
        check_password(password)
        if self.accounts.get(name) is None:
            raise AccountError(N_("There is no user {name}."), name=name)
        with self.accounts.changing():
            self.keyring.set_account(master, name, password)
            self.accounts.set_password(name, password)
        self.sessions.end_user(name)

    def _master_of_admin(self, token: str) -> bytes:
        account = self.account_of(token)
        if account is None:
            raise NotSignedIn
        if not may(account.roles, "users"):
            raise NotAllowed
        master = self.sessions.master_key(token)
        if master is None:
            raise AccountError(NO_KEY)
        return master


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
