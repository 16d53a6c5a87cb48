"""`Store`: the register on disk, as one encrypted workbook in a data folder.

A change holds the lock between processes, takes over what others wrote meanwhile, is checked against that, and is
acknowledged once the new workbook is on the disk. Memory follows the disk, never the other way round.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib import schema, settings
from lib.errors import (
    AlreadyExists,
    Damaged,
    Duplicate,
    Invalid,
    NewerSchema,
    NotSynced,
    NotWritten,
    StoreError,
    WorkbookMissing,
)
from lib.files import WORKBOOK, locked, reason, remove_leftovers, write_atomically
from lib.i18n import N_, Text
from lib.register import Register
from lib.store import workbook
from lib.store.keys import Keyring, derive
from lib.store.log import ChangeLog, Entry
from lib.store.workbook import Content, Info

_Version = tuple[int, int, int]


class Store:
    """The register of a data folder. Open it with `Store.open` or `Store.create`; it is a context manager.

    It is the trusted layer: `by` is what the change log says, roles are checked by who calls.
    """

    def __init__(self, data_dir: Path, password: str, master: bytes) -> None:
        self.data_dir = data_dir
        self.path = data_dir / WORKBOOK
        self._password = password
        self._log = ChangeLog(data_dir / "log", derive(master, "log"))
        self._mutex = threading.RLock()
        self._version: _Version | None = None
        self._info = Info(register="")
        self._sheets: dict[str, list[list[Any]]] = {}
        self._register = Register.of(schema.to_frame([]))

    # -- opening ----------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, data_dir: str | Path, password: str) -> Store:
        """A new, empty register, and its workbook on the disk.

        Raises:
            AlreadyExists: there is a workbook; it is not touched.
            NotWritten: there is still none.
        """
        data_dir = Path(data_dir)
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        with locked(data_dir / "register.lock"):
            if (data_dir / WORKBOOK).exists():
                raise AlreadyExists(file=WORKBOOK)
            keyring = Keyring(data_dir)
            new_keys = not keyring.exists
            try:
                store = cls(data_dir, password, _master(data_dir, password))
                store._info = Info(register=secrets.token_hex(8))
                store._write(store._register)
            except StoreError:
                if new_keys:  # else another password could not be chosen at the next try
                    keyring.path.unlink(missing_ok=True)
                raise
        return store

    @classmethod
    def open(cls, data_dir: str | Path, password: str) -> Store:
        """The register of a data folder.

        Raises:
            WorkbookMissing, WrongPassword, Damaged, NewerSchema, InvalidWorkbook: nothing was written.
        """
        data_dir = Path(data_dir)
        content, version = _read(data_dir / WORKBOOK, password)
        store = cls(data_dir, password, _master(data_dir, password))
        store._take(content, version)
        with contextlib.suppress(StoreError), locked(data_dir / "register.lock", seconds=0):
            remove_leftovers(store.path)
        return store

    def close(self) -> None:
        """Write what waits for the change log; the store must not be used afterwards."""
        with self._mutex, contextlib.suppress(NotWritten):
            self._log.write_waiting()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def register(self) -> Register:
        """The register as of the last refresh or change: an immutable snapshot."""
        return self._register

    @property
    def frame(self) -> pd.DataFrame:
        """One row per prospect, the schema's codes as columns. Text is `str` ("" when empty), dates datetime64."""
        return self._register.frame

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

    def info(self) -> dict[str, Any]:
        """Rows, generation, size in bytes, when written, whether the file is there."""
        exists = self.path.exists()
        return {
            "register": self._info.register,
            "rows": len(self._register),
            "generation": self._info.generation,
            "last_number": self._register.last_number,
            "written": self._info.written,
            "exists": exists,
            "size": self.path.stat().st_size if exists else 0,
            "other_columns": list(self._register.extras.columns),
            "other_sheets": list(self._sheets),
        }

    def log(self, months: int = 12) -> list[Entry]:
        """The change log of the last months, newest first."""
        return self._log.entries(months)

    def refresh(self) -> None:
        """Take over what another process or Excel wrote. Costs a stat when nothing changed.

        Raises:
            WorkbookMissing, WrongPassword, Damaged, NewerSchema, InvalidWorkbook: the snapshot stays as it was.
        """
        if not self._mutex.acquire(blocking=False):
            return  # somebody is saving: the snapshot stays good meanwhile, and no page waits
        try:
            if _version(self.path) != self._version:
                self._take(*_read(self.path, self._password))
            rules = self.settings
            self._register = self._register.with_rules(rules.retention_years, rules.phone_region)
        finally:
            self._mutex.release()

    # -- changes ----------------------------------------------------------------------------------------------

    def add(self, values: Mapping[str, Any], *, by: str, known: Collection[str] | None = None) -> str:
        """A new prospect. Returns its id once it is on the disk.

        Args:
            known: ids of look-alikes that the user has seen; any other look-alike refuses the entry.
                None asks for no duplicate check.

        Raises:
            Invalid, Duplicate, StoreError: nothing was added.
        """

        def change(register: Register) -> tuple[Register, list[str]]:
            row = register.new_row(values, by=by, now=self.now)
            if known is not None:
                matches = [match.id for match in register.blocks.find(row)]
                if set(matches) - set(known):
                    raise Duplicate(matches)
            return register.added([row])

        return self._change("add", by, change)[0]

    def add_many(self, rows: Iterable[Mapping[str, Any]], *, by: str) -> list[str]:
        """New prospects from complete rows, columns set by the register included. Returns their ids.

        Raises:
            Invalid: a row has no received date or source; nothing was added.
            StoreError
        """
        now = self.now
        marks = {"created_at": now, "created_by": by, "changed_at": now, "changed_by": by}
        complete = [{**marks, **{k: v for k, v in row.items() if v is not None}} for row in rows]
        for code in ("received", "source"):
            if not all(row.get(code) for row in complete):
                raise Invalid({code: Text(N_("This is needed."))})
        return self._change("add", by, lambda register: register.added(complete))

    def update(
        self,
        prospect_id: str,
        values: Mapping[str, Any],
        *,
        by: str,
        seen: Mapping[str, Any] | None = None,
        action: str = "update",
    ) -> None:
        """Change fields of a prospect.

        Args:
            seen: the values that the user saw; the change is refused if one is no longer so.
            action: what the change log says.

        Raises:
            NoSuchProspect, Invalid, Stale, StoreError: nothing was changed.
        """
        self.update_many({prospect_id: values}, by=by, seen=seen, action=action)

    def update_many(
        self,
        changes: Mapping[str, Mapping[str, Any]],
        *,
        by: str,
        seen: Mapping[str, Any] | None = None,
        action: str = "update",
    ) -> None:
        """Change several prospects in one go: all of them or none. Arguments and errors as for `update`."""

        def change(register: Register) -> tuple[Register, list[str]]:
            for prospect_id, values in changes.items():
                register = register.updated(prospect_id, values, by=by, now=self.now, seen=seen)
            return register, list(changes)

        self._change(action, by, change, fields=sorted({code for values in changes.values() for code in values}))

    def remove(
        self,
        ids: Collection[str],
        *,
        by: str,
        reason: str,
        check: Callable[[Register], None] | None = None,
    ) -> None:
        """Remove prospects for good. Their numbers are never used again.

        Args:
            reason: "expired", "erasure", or why one person's row goes.
            check: called with the register inside the lock; it raises where the rows may not go.

        Raises:
            NoSuchProspect, StoreError: nothing was removed.
        """

        def change(register: Register) -> tuple[Register, list[str]]:
            if check:
                check(register)
            return register.removed(ids), list(ids)

        self._change("remove", by, change, reason=reason)

    def erase(self, progress: Callable[[float], None] | None = None) -> None:
        """Return once the workbook on the disk holds no removed row: it is decrypted and read again.

        Args:
            progress: told the share that is done, 0 to 1.

        Raises:
            StoreError: that cannot be said.
        """
        with self._locked():
            self.refresh()
            content, _ = _read(self.path, self._password)
            if set(content.frame["id"]) != set(self.frame["id"]):
                raise Damaged(file=WORKBOOK)
        if progress:
            progress(1.0)

    def checkpoint(self) -> None:
        """Return once the workbook holds everything. Each change writes it, so a look at the file is enough."""
        with self._locked():
            self.refresh()

    def rewrite(self, *, by: str) -> None:
        """Write the workbook anew from memory, where it was deleted or damaged while the program ran.

        What stands in its place is kept beside it, as `prospects-set-aside-<time>.xlsx`.

        Raises:
            NewerSchema: a newer version of the program wrote it; this one keeps off.
            StoreError: it could not be written.
        """
        with self._locked():
            try:
                self.refresh()
            except NewerSchema:
                raise
            except StoreError:
                if self.path.exists():
                    aside = self.path.with_name(f"{self.path.stem}-set-aside-{self.now:%Y%m%d-%H%M%S}.xlsx")
                    write_atomically(aside, _bytes(self.path))
                unsure = self._write(self._register)
                self.note("rewrite", by)
                if unsure:
                    raise unsure from None

    def note(self, action: str, by: str, ids: Iterable[str] = (), **facts: Any) -> None:
        """Add a line to the change log for what is no change, such as a download."""
        with self._mutex:
            self._log.append(Entry(self.now, by, action, list(ids), facts))

    # -- the disk ---------------------------------------------------------------------------------------------

    def _change(
        self, action: str, by: str, change: Callable[[Register], tuple[Register, list[str]]], **facts: Any
    ) -> list[str]:
        with self._locked():
            self._log.write_waiting()  # no second change goes unlogged
            self.refresh()
            register, ids = change(self._register)
            if register is not self._register:
                unsure = self._write(register)
                # Bulk loads name no rows: the log says how many.
                named = ids if len(ids) <= 1000 else []
                self._log.append_done(Entry(self.now, by, action, named, {"rows": len(ids), **facts}))
                if unsure:
                    raise unsure
            return ids

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex, locked(self.data_dir / "register.lock"):
            remove_leftovers(self.path)
            yield

    def _write(self, register: Register) -> NotSynced | None:
        """Write the workbook; returns the error of a disk that does not confirm what it took."""
        now = self.now
        info = Info(self._info.register, self._info.generation + 1, register.last_number, now)
        content = Content(register.frame, register.extras, info, self._sheets)
        unsure: NotSynced | None = None
        try:
            write_atomically(self.path, workbook.write(content, self._password, self.settings.language))
        except NotSynced as error:
            unsure = error
        self._register, self._info, self._version = register, info, _version(self.path)
        return unsure

    def _take(self, content: Content, version: _Version | None) -> None:
        rules = self.settings
        self._register = Register.of(
            content.frame,
            content.extras,
            max(content.info.last_number, self._register.last_number),
            retention_years=rules.retention_years,
            region=rules.phone_region,
        )
        self._info, self._sheets, self._version = content.info, content.sheets, version


def _version(path: Path) -> _Version | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path, password: str) -> tuple[Content, _Version | None]:
    version = _version(path)
    return workbook.read(_bytes(path), password, path.name), version


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise WorkbookMissing(file=path.name) from error
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error


def _master(data_dir: Path, password: str) -> bytes:
    """The master key by the workbook's password; new keys where the file is lost."""
    keyring = Keyring(data_dir)
    return keyring.by_workbook_password(password) if keyring.exists else keyring.create(password)
