"""A data folder and what lives in it, put together: accounts, sessions, settings, keys and the open register.

The register opens with the first person who comes: a password opens that account's slot of the keyring, the slot holds
the master key, and that key the workbook's password. No secret on the disk does.
"""

from __future__ import annotations

import datetime as dt
import gc
import logging
import secrets
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from filelock import BaseFileLock, Timeout

from lib import place, settings
from lib.access.accounts import Accounts
from lib.access.devices import short
from lib.access.events import Events
from lib.access.sessions import Session, Sessions
from lib.access.throttle import Throttle
from lib.errors import AppError, InUse
from lib.files import WORKBOOK, lock, locked, read_json, write_json
from lib.settings import Settings
from lib.store.keys import Keyring
from lib.store.log import Entry

if TYPE_CHECKING:
    from lib.store import Store

_logger = logging.getLogger(__name__)


class DataFolder:
    """The files of one data folder, and the register once it is open.

    Args:
        data_dir: the folder; it is made if it is not there.
        clock: gives the seconds since 1970.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clock = clock
        self.accounts = Accounts(data_dir)
        self.sessions = Sessions(data_dir, lambda: self.settings, clock, self._session_ended)
        self.throttle = Throttle(data_dir, clock)
        self.keyring = Keyring(data_dir)
        self.store: Store | None = None
        self.store_error: AppError | None = None
        self.events = Events(self._write_event)
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
        """A short random name of this installation, the same for ever; it is no secret.

        A file that was cut short counts as none: people sign in again.
        """
        path = self.data_dir / "installation.json"
        if not _id_in(path):
            with locked(self.data_dir / "installation.lock"):
                if not _id_in(path):
                    write_json(path, {"version": 1, "id": secrets.token_hex(4)})
        return _id_in(path)

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

    # -- the register ------------------------------------------------------------------------------------------------

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
                return
        if self.is_server:
            self.events.hurry()
        else:
            self.events.write()

    @staticmethod
    def _warm_up(store: Store) -> None:
        """Build what the first search and the first entry would wait for."""
        register = store.register
        _ = register.index, register.blocks
        # Streamlit collects garbage after each run; what lives as long as the process need not be looked at.
        gc.collect()
        gc.freeze()

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
                self.events.write()
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

    # -- what happens at the door ------------------------------------------------------------------------------------

    def event(self, action: str, user: str, device: str, address: str, /, **facts: Any) -> None:
        """Note something about access in the change log: now, or once the register is open. It never raises.

        Args:
            user: who did it; "" for nobody who has an account.
            device: what the browser says about itself; the log gets its short form.
        """
        try:
            told = {"device": short(device), "address": address[:64]}
            entry = Entry(self._now(), user, action, [], {**facts, **{k: v for k, v in told.items() if v}})
            self.events.add(entry, later=self.is_server)
        except Exception as error:  # whatever it is, it keeps nobody out
            _logger.warning("The change log has no line about %s: %s", action, type(error).__name__)

    def _now(self) -> dt.datetime:
        if self.store is not None:
            return self.store.now
        return dt.datetime.now(ZoneInfo(self.settings.timezone)).replace(tzinfo=None, microsecond=0)

    def _write_event(self, entry: Entry) -> bool:
        store = self.store
        if store is None:
            return False
        store.write_entry(entry)
        return True

    def _session_ended(self, session: Session, why: str) -> None:
        if why == "signed_out":
            self.event("sign_out", session.user, session.device, session.address)
        else:
            self.event("session_ended", session.user, session.device, session.address, why=why)


def _id_in(path: Path) -> str:
    try:
        name = str(read_json(path, {})["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return name if name.isascii() and name.isalnum() else ""
