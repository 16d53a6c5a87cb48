"""What a data folder's files add up to: the register, kept up with the journal, and changes committed to it."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib import schema, settings
from lib.changes import Change
from lib.errors import StoreError
from lib.files import WORKBOOK, locked, remove_leftovers
from lib.i18n import Text
from lib.register import Register
from lib.store import loading, owner
from lib.store.aside import AsideFiles
from lib.store.backups import Backups
from lib.store.journal import Gone, Journal, Read
from lib.store.keys import Keyring, derive
from lib.store.log import MOST_NAMED, ChangeLog, Entry
from lib.store.record import Record
from lib.store.removed import Removed
from lib.store.state import State
from lib.store.workbook import Content, Info
from lib.store.worker import Child, Here


class Core:
    """The files of a data folder and the register in memory.

    `seen` is the version of the workbook that was last looked at, `on_disk` its generation (0 where it is not the
    program's own), `trouble` what is wrong with it, and `oldest` the first segment of the journal. `passed_over` are
    files of owners that an administrator does not believe. `obstacles` stood in the way of a removal the last time.
    `closing` ends what goes through many files after the one at hand.
    """

    def __init__(self, data_dir: Path, master: bytes, *, background: bool = False) -> None:
        self.data_dir = data_dir
        self.path = data_dir / WORKBOOK
        self.keyring = Keyring(data_dir)
        self.journal = Journal(data_dir / "journal", derive(master, "journal"))
        self.change_log = ChangeLog(data_dir / "log", derive(master, "log"))
        self.removed = Removed(data_dir / "removed")
        self.aside = AsideFiles(data_dir / "aside")
        self.backups = Backups(data_dir, lambda: self.settings)
        self.state = State(Register.of(schema.to_frame([])), "")
        self.workshop = Child if background else Here
        self.seen: tuple[int, int, int] | None = None
        self.on_disk = 0
        self.trouble: StoreError | None = None
        self.passed_over: set[owner.Stamp] = set()
        self.master = master
        self.mutex = threading.RLock()
        self.looking = threading.RLock()  # one thread at a time reads what others did; comes before the mutex
        self.changed = False  # whether this process committed something
        self.closing = False
        self.woken: Callable[[], None] = lambda: None  # told after each commit
        self.obstacles: list[Text] = []
        self.oldest = 0

    # -- the register -----------------------------------------------------------------------------------------

    @property
    def register(self) -> Register:
        """The register as of the last refresh or change: an immutable snapshot."""
        return self.state.register

    @property
    def frame(self) -> pd.DataFrame:
        """One row per prospect, the schema's codes as columns. Text is `str` ("" when empty), dates datetime64."""
        return self.register.frame

    @property
    def settings(self) -> settings.Settings:
        return settings.load(self.data_dir)

    @property
    def now(self) -> dt.datetime:
        """The time in the installation's time zone, to the second, as it stands in the workbook."""
        return dt.datetime.now(ZoneInfo(self.settings.timezone)).replace(tzinfo=None, microsecond=0)

    @property
    def today(self) -> dt.date:
        return self.now.date()

    @property
    def unwritten(self) -> int:
        """How many changes the workbook on the disk does not hold yet."""
        return sum(count for segment, count in self.state.unwritten.items() if segment >= self.on_disk)

    @property
    def is_current(self) -> bool:
        """Whether the workbook on the disk holds everything."""
        return self.on_disk >= self.oldest and not self.unwritten

    @property
    def gone(self) -> set[str]:
        """Numbers of all rows that were removed for good."""
        return {*self.removed.ids, *self.state.removed}

    @property
    def unfinished(self) -> set[str]:
        """Numbers of removed rows of which a copy may still be somewhere."""
        return {*self.removed.unfinished, *(set(self.state.removed) - set(self.removed.ids))}

    def holder(self) -> owner.Holder | None:
        """Who has the workbook open in Excel or LibreOffice."""
        return owner.holder(self.path, now=dt.datetime.now(), passed_over=self.passed_over)

    # -- changes ----------------------------------------------------------------------------------------------

    @property
    def list_key(self) -> bytes:
        """The key of the fingerprints in lists that leave: only this register has it."""
        return derive(self.master, "excel list")

    @property
    def passwords(self) -> list[str]:
        """The workbook's password, and after it the one before while files still follow."""
        return self.keyring.workbook_passwords(self.master)

    def content(self, generation: int) -> Content:
        """What a workbook of the register as it is now holds."""
        register = self.register
        info = Info(self.state.name, generation, register.last_number, self.now, rows=len(register))
        sheets = {name: list(rows) for name, rows in self.state.sheets.items()}
        return Content(register.frame, register.extras, info, sheets)

    def change(self, action: str, by: str, plan: Callable[[Register], Change], **facts: Any) -> list[str]:
        """Plan a change on the newest register and commit it. Returns the rows that it touches."""
        with self.locked():
            self.follow()
            change = plan(self.register)
            ids = change.ids
            if change:
                # Bulk loads name no rows: the log says how many. A removal names them all, whatever else is lost.
                named = ids if len(ids) <= MOST_NAMED or action == "remove" else []
                entry = Entry(self.now, by, action, named, {"rows": len(ids), **facts})
                self.commit(Record(entry, change))
            return ids

    def note(self, action: str, by: str, ids: Iterable[str] = (), **facts: Any) -> None:
        """Add a line to the change log for what is no change, such as a download."""
        self.write_entry(Entry(self.now, by, action, list(ids), facts))

    def write_entry(self, entry: Entry) -> None:
        """Add a line to the change log that says itself when it was."""
        with self.locked():
            self.follow()
            self.commit(Record(entry))

    def commit(self, record: Record) -> None:
        """Append a record and take it over; the lock is held and `follow` was called.

        Raises:
            NotWritten: nothing was changed.
            NotSynced: it was, but the disk does not confirm it.
        """
        unsure = self.journal.append(record)
        self.state = self.state.after([Read(self.journal.segment, self.journal.count, record)])
        self.changed = True
        self.woken()
        if unsure:
            raise unsure

    def follow(self) -> None:
        """Take over what others appended to the journal, and the rules of the settings."""
        with self.mutex:
            try:
                self.state = self.state.after(self.journal.tail())
            except Gone:
                loading.load(self)
            rules = self.settings
            register = self.register.with_rules(rules.retention_years, rules.phone_region)
            if register is not self.register:
                self.state = self.state.under(register)

    def remove_leftovers(self) -> None:
        """Remove what killed writes left, but among the backups; the caller holds `files_locked`."""
        remove_leftovers(self.path)
        self.keyring.remove_leftovers()
        self.removed.remove_leftovers()
        with contextlib.suppress(StoreError):
            self.aside.remove_leftovers()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the register: no other thread or process changes it."""
        with self.mutex, locked(self.data_dir / "register.lock"):
            yield

    @contextlib.contextmanager
    def files_locked(self) -> Iterator[None]:
        """Hold workbook, backups and files set aside; the register can be changed meanwhile. Comes before `locked`."""
        with locked(self.data_dir / "checkpoint.lock", seconds=600):
            yield
