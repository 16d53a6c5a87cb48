"""The checkpoint: the workbook written anew from the register, and the journal begun afresh.

1. begin: under the lock, what others did is taken over and the next segment begins; the rest works on that snapshot.
2. build: the workbook is written in memory, encrypted, decrypted again and compared row by row (`lib.store.worker`).
3. copy: a verified copy of it is kept among the backups, and a synced temporary file beside the workbook.
4. swap: under the lock, unless somebody opened or changed the workbook meanwhile, the journal notes the new one and
   it takes the old one's place.
5. clear: the lines of the change log move out of the old segments, which go; backups are rotated.

A crash between any two of these leaves the old workbook with both segments, or the new one with its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from typing import TYPE_CHECKING

from lib.errors import AppError, HeldOpen, NotSynced, StoreError
from lib.files import swap, write_beside
from lib.retention import add_months
from lib.store import erasure, loading, outside
from lib.store.log import LASTING_MONTHS, Key
from lib.store.record import Record
from lib.store.workbook import Content

if TYPE_CHECKING:
    from lib.store.core import Core
    from lib.store.store import Store

SECONDS = 20.0  # from the first change that the workbook does not hold to the next checkpoint
RECORDS = 500  # of these in a segment, it comes at once
TICK = 2.0  # how often the keeper looks
PATIENCE = 60.0  # before it tries again what has failed
_ATTEMPTS = 3
_logger = logging.getLogger(__name__)


def write(store: Core, *, override: bool = False, force: bool = False, anew: bool = False) -> None:
    """Let the workbook hold everything.

    Args:
        override: also where somebody seems to have it open.
        force: also where it holds everything already.
        anew: also where it is missing, or what stands there was set aside.

    Raises:
        HeldOpen: somebody has it open.
        WorkbookMissing, Damaged, NewerSchema: what stands in its place is not ours to replace.
        StoreError: it could not be written; the old one is whole.
    """
    with store.files_locked():
        store.remove_leftovers()
        for _ in range(_ATTEMPTS):
            if not anew:
                outside.look_again(store)
                if store.trouble:
                    raise store.trouble
            if store.is_current and not force and not anew:
                return
            if _write(store, override=override):
                _clear(store)
                return
        raise HeldOpen(name="?", program="Excel")  # it is being saved again and again


def _write(store: Core, *, override: bool) -> bool:
    _refuse_if_held(store, override)
    with store.locked():
        store.follow()
        seen = loading.version(store.path)
        if store.trouble is None and seen != store.seen:
            return False
        written = max([store.on_disk, *(copy.generation for copy in store.backups.generations())])
        # A segment without a record is left from an attempt that failed: the next one begins there.
        unused = not store.journal.count and store.journal.segment > written
        generation = store.journal.segment if unused else max(store.journal.segment, written) + 1
        for segment in range(store.journal.segment + 1, generation + 1):  # copies from elsewhere leave no gap
            store.journal.begin(segment, store.state.carried())
        snapshot = store.content(generation)
    sealed = build(store, snapshot)
    rows = snapshot.info.rows
    copy = store.backups.keep("generation", sealed, generation=generation, rows=rows, now=store.now)
    put = False
    try:
        put = _put(store, sealed, generation, seen, override)
        return put
    finally:
        if not put:  # else each attempt that fails would leave one, until the disk is full
            with contextlib.suppress(StoreError):
                store.backups.drop(copy)


def _put(store: Core, sealed: bytes, generation: int, seen: loading.Version | None, override: bool) -> bool:
    """Put a workbook in the old one's place. Returns False where somebody was faster."""
    beside = write_beside(store.path, sealed)
    try:
        with store.locked():
            store.follow()
            _refuse_if_held(store, override)
            if loading.version(store.path) != seen:
                return False  # somebody saved it meanwhile: that is taken over first
            store.commit(Record(workbook=(generation, loading.digest(sealed))))
            try:
                swap(beside, store.path)
            except NotSynced as error:
                _logger.warning("The workbook is written, but its folder was not synced: %s.", error)
            store.on_disk, store.seen, store.trouble = generation, None, None
            with contextlib.suppress(StoreError):  # it is looked at again, then
                store.seen = loading.version(store.path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return True


def _refuse_if_held(store: Core, override: bool) -> None:
    if not override and (held := store.holder()):
        raise HeldOpen(name=held.name or "?", program=held.program)


def build(store: Core, snapshot: Content) -> bytes:
    """The encrypted and proven workbook of a snapshot."""
    with store.workshop() as workshop:
        return workshop.build(snapshot, store.passwords[0], store.settings.language)


def _clear(store: Core) -> None:
    """What the new workbook makes needless goes. Whatever of it fails is done the next time."""
    try:
        retire(store, store.on_disk)
        daily(store)
    except StoreError as error:
        _logger.warning("The workbook is written, but tidying up after it waits: %s", error)


def daily(store: Core) -> None:
    """The day's backup of a current workbook, where there is none and something changed since the last; and rotation.

    Lines of the change log whose time is over go as well.

    Raises:
        StoreError: something of it waits.
    """
    last = next((copy for copy in store.backups.all() if copy.kind == "daily"), None)
    if store.backups.needs_daily(store.now) and (last is None or last.generation != store.on_disk):
        _copy(store, "daily", store.on_disk)
    store.backups.catch_up()
    store.backups.rotate(store.now)
    _forget_lines(store)


def _forget_lines(store: Core) -> None:
    """The change log forgets what is older than the setting says; lines that are still in the journal move first."""
    first = add_months(store.today, -store.settings.log_months).replace(day=1)
    if any(entry.at.date() < first for entry in loading.entries(store).values()):
        write(store, force=True)
    store.change_log.forget(first, add_months(store.today, -LASTING_MONTHS))


def retire(store: Core, below: int) -> None:
    """Remove the segments that a workbook holds. Their lines of the change log and removed numbers are kept first.

    Raises:
        NotWritten: some are still there.
    """
    segments = [segment for segment in store.journal.segments() if segment < below]
    if segments:
        lines = {
            Key(read.segment, read.number): read.record.entry
            for read in loading.peek(store, segments[0])
            if read.record.entry and read.segment < below
        }
        store.change_log.write(lines)
        store.removed.add(store.state.removed, store.register.last_number)
        for segment in segments:
            store.journal.remove(segment)
    store.oldest = below


def _copy(store: Core, kind: str, generation: int) -> str:
    """A backup with the content of a generation's copy. Returns its name."""
    copy = store.backups.generation(generation)
    assert copy
    return store.backups.keep(
        kind, store.backups.read(copy), generation=generation, rows=copy.rows, now=store.now
    ).path.name


def backup(store: Core, kind: str) -> str:
    """A verified copy of the register as it is now; also where somebody has the workbook open.

    Raises:
        StoreError: there is none.
    """
    with store.files_locked():
        with contextlib.suppress(HeldOpen):
            write(store)
        if store.is_current and store.backups.generation(store.on_disk):
            name = _copy(store, kind, store.on_disk)
        else:
            with store.locked():
                store.follow()
                snapshot = store.content(store.journal.segment)
            sealed, info = build(store, snapshot), snapshot.info
            name = store.backups.keep(kind, sealed, generation=info.generation, rows=info.rows, now=store.now).path.name
        store.backups.rotate(store.now)
        return name


class Keeper(threading.Thread):
    """Lets the workbook follow, in the background: some time after the first change, or after many.

    It also finishes what could not be done at once: a removal, a change of the password, the day's backup.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(name="keeper", daemon=True)
        self._store = store
        self._awake = threading.Event()
        self._stopped = False
        self._since: float | None = None
        self._again = 0.0
        self._day: dt.date | None = None

    def wake(self) -> None:
        """Something was changed."""
        self._awake.set()

    def try_again(self) -> None:
        """What failed may work now."""
        self._again = 0.0
        self._awake.set()

    def hurry(self) -> None:
        """The workbook is to follow at once."""
        self._since, self._again = -SECONDS, 0.0
        self._awake.set()

    def stop(self) -> None:
        self._stopped = True
        self._awake.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        while not self._stopped:
            self._awake.wait(TICK)
            self._awake.clear()
            if not self._stopped:
                self.look()

    def look(self) -> None:
        """Do what is due. The keeper outlives whatever happens to one attempt."""
        try:
            self._do_what_is_due()
        except StoreError as error:
            self._again = time.monotonic() + PATIENCE
            if not isinstance(error, HeldOpen):
                _logger.warning("The workbook could not follow: %s", error)
        except Exception as error:
            self._again = time.monotonic() + PATIENCE
            _logger.warning("The workbook could not follow: %s", type(error).__name__)

    def _do_what_is_due(self) -> None:
        store = self._store
        with contextlib.suppress(AppError):  # settings that cannot be read, too
            store.refresh()
        if store.is_current and store.journal.count < 10 * RECORDS:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        if time.monotonic() < self._again or (store.holder() and not store.is_current):
            return
        waited = time.monotonic() - self._since if self._since is not None else 0.0
        if self._since is not None and (waited >= SECONDS or store.unwritten >= RECORDS or not store.on_disk):
            write(store, force=store.is_current)
            self._since = None
        if store.is_current:
            erasure.finish(store)
            if self._day != store.today:
                with store.files_locked():
                    daily(store)
                self._day = store.today
