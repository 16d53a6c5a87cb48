"""Who asks, and the register that it is asked of: what every operation begins with.

Only the session's token is known here: who that is, is looked up anew at each operation, so a callback, a fragment, a
deferred download or work in the background that outlives the session gets nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from lib.access.accounts import Account
from lib.access.devices import short
from lib.access.roles import may
from lib.errors import AccountError, AppError, NotAllowed, NotSignedIn
from lib.installation import NO_KEY, Installation
from lib.settings import Settings
from lib.store import Store
from lib.store.owner import Holder


class SignedIn:
    """One session and the register.

    Every operation raises NotSignedIn, NotAllowed, or the error that keeps the register from opening.
    """

    def __init__(self, installation: Installation, token: str) -> None:
        self.installation = installation
        self.token = token
        session = installation.sessions.lookup(token, used=False)
        # Kept, since what is told of it may be that the session has ended.
        self._where = (session.device, session.address) if session else ("", "")

    @property
    def account(self) -> Account:
        account = self.installation.user_of(self.token)
        if account is None:
            raise NotSignedIn
        return account

    def may(self, operation: str) -> bool:
        return may(self.account.roles, operation)

    @property
    def preferences(self) -> dict[str, str]:
        """What is preferred on this device: `language`, `source`."""
        session = self.installation.sessions.lookup(self.token)
        return session.preferences if session else {}

    def prefer(self, **preferences: str) -> None:
        self.installation.sessions.prefer(self.token, **preferences)

    def _require(self, operation: str) -> Account:
        account = self.account
        if not may(account.roles, operation):
            raise NotAllowed
        return account

    @property
    def settings(self) -> Settings:
        return self.installation.settings

    def _store(self) -> Store:
        store = self.installation.store
        if store is None:
            raise self.installation.store_error or AccountError(NO_KEY)
        return store

    @property
    def today(self) -> dt.date:
        return self._store().today

    @property
    def is_open(self) -> bool:
        """Whether the register is open."""
        return self.installation.store is not None

    def reopen(self) -> None:
        """Try again to open a register that did not open."""
        if self.account and (master := self.installation.sessions.master_key(self.token)):
            self.installation.open_store(master)

    def refresh(self) -> AppError | None:
        """Follow the disk. Returns what keeps it from that: the last good state can still be read."""
        try:
            self._store().refresh()
        except AppError as error:
            return error
        return None

    @property
    def waiting_for(self) -> Holder | None:
        """Who has the workbook open while changes wait for it; None where nothing waits."""
        store = self._store() if self.account else None
        return store.holder() if store and not store.is_current else None

    def _note(self, action: str, account: Account, **facts: Any) -> None:
        """Add a line to the change log; without it, what it tells must not happen."""
        device, address = self._where
        told = {"device": short(device), "address": address}
        self._store().note(action, account.name, **facts, **{name: value for name, value in told.items() if value})

    def _event(self, action: str, account: Account, **facts: Any) -> None:
        """Add a line to the change log about what has happened; it waits if it cannot be written."""
        self.installation.event(action, account.name, *self._where, **facts)
