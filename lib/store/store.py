"""`Store`: the register on disk, as one encrypted workbook and the journal of what changed since it was written.

A change holds the lock between processes, reads what others appended meanwhile, is checked against that, and is
acknowledged once its record is on the disk. The workbook follows (`lib.store.checkpoint`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

from lib.changes import Change, folded, row_from_json
from lib.errors import AlreadyExists, AppError, Duplicate, Invalid, NotWritten, StoreError
from lib.files import WORKBOOK, locked, reason
from lib.i18n import N_, Text
from lib.register import Register
from lib.store import checkpoint, erasure, importing, loading, outside, restoring
from lib.store.core import Core
from lib.store.imported import Imported
from lib.store.keys import Keyring
from lib.store.log import Entry
from lib.store.state import State


class Store(Core):
    """The register of a data folder. Open it with `Store.open` or `Store.create`; it is a context manager.

    It is the trusted layer: `by` is what the change log says, roles are checked by who calls. What `Core` has beside
    is for the modules of this package.
    """

    def __init__(self, data_dir: Path, master: bytes, *, background: bool = False) -> None:
        super().__init__(data_dir, master, background=background)
        self._keeper = checkpoint.Keeper(self) if background else None
        if self._keeper:
            self.woken = self._keeper.wake

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
        keyring = Keyring(data_dir)
        with locked(data_dir / "checkpoint.lock"), locked(data_dir / "register.lock"):
            if (data_dir / WORKBOOK).exists():
                raise AlreadyExists(file=WORKBOOK)
            undo: list[Callable[[], object]] = []
            try:
                if keyring.exists:
                    master = keyring.by_workbook_password(password)
                else:  # else another password could not be chosen at the next try
                    undo.append(lambda: keyring.path.unlink(missing_ok=True))
                    master = keyring.create(password)
                store = cls(data_dir, master)
                store.state = State(store.register, secrets.token_hex(8))
                loading.refuse_journal(store)
                undo.insert(0, store.journal.clear)
                loading.begin_anew(store)
                checkpoint.write(store, anew=True)
            except StoreError:
                with contextlib.suppress(OSError, StoreError):  # what stays opens with this password
                    for step in undo:
                        step()
                raise
        return store

    @classmethod
    def open(cls, data_dir: str | Path, password: str, *, recover: bool = False) -> Store:
        """The register of a data folder, by the workbook's password.

        Args:
            recover: open it from the kept copies and the journal where the workbook is missing or damaged.

        Raises:
            WorkbookMissing, WrongPassword, Damaged, NewerSchema, InvalidWorkbook, JournalDamaged, NothingToCompare:
                nothing was written.
        """
        data_dir = Path(data_dir)
        return cls.unlocked(data_dir, loading.master_key(data_dir, password, recover=recover), recover=recover)

    @classmethod
    def unlocked(cls, data_dir: Path, master: bytes, *, background: bool = False, recover: bool = False) -> Store:
        """The register of a data folder, by the master key. Errors and arguments as for `open`.

        Args:
            background: write the workbook in a process beside this one, some time after a change.
        """
        store = cls(data_dir, master, background=background)
        loading.load(store, recover=recover)
        if store.on_disk < store.oldest and not recover:
            outside.look_again(store)
            if store.trouble:
                raise store.trouble
        with contextlib.suppress(StoreError), locked(data_dir / "checkpoint.lock", seconds=0):
            store.remove_leftovers()
        if store._keeper:
            store._keeper.start()
        return store

    def close(self) -> None:
        """Let the workbook follow, if it can; the store must not be used afterwards. Nothing is lost if it cannot.

        A removal or a change of the password that goes through backups meanwhile stops after the one at hand; the rest
        follows once the register is open again.
        """
        self.closing = True
        if self._keeper:
            self._keeper.stop()
        if self.changed or self._keeper:
            with contextlib.suppress(AppError):
                self.checkpoint()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- reading ----------------------------------------------------------------------------------------------

    def info(self) -> dict[str, Any]:
        """Rows, generation, size in bytes, when written, who has the workbook open, what waits."""
        held = self.holder()
        try:
            size, written = self.path.stat().st_size, self.path.stat().st_mtime
        except OSError:
            size, written = 0, None
        zone = ZoneInfo(self.settings.timezone)
        return {
            "register": self.state.name,
            "rows": len(self.register),
            "generation": self.on_disk,
            "last_number": self.register.last_number,
            "written": None if written is None else dt.datetime.fromtimestamp(written, zone).replace(tzinfo=None),
            "exists": written is not None,
            "size": size,
            "unwritten": self.unwritten,
            "held_by": held.name if held else "",
            "held_in": held.program if held else "",
            "questions": len(self.state.questions),
            "unfinished": sorted(self.unfinished),
            "backups": len(self.backups.all()),
            "password_changing": len(self.passwords) > 1,
            "other_columns": list(self.register.extras.columns),
            "other_sheets": list(self.state.sheets),
        }

    def log(self, months: int = 12) -> list[Entry]:
        """The change log of the last months, newest first."""
        # The journal first: a line that moves meanwhile is found twice, and counts once.
        live = loading.entries(self)
        found = {**self.change_log.entries(months), **live}
        return [found[key] for key in sorted(found, reverse=True)]

    def refresh(self) -> None:
        """Take over what another process or Excel wrote. Costs three stats when nothing changed.

        Raises:
            WorkbookMissing, Damaged, NewerSchema: what stands in the workbook's place; the register is whole.
            JournalDamaged
        """
        if not self.mutex.acquire(blocking=False):
            return  # somebody is saving: the snapshot stays good meanwhile, and no page waits
        try:
            self.follow()
        finally:
            self.mutex.release()
        if loading.version(self.path) != self.seen and self.looking.acquire(blocking=False):
            try:
                outside.look(self)
            finally:
                self.looking.release()
        if self.trouble:
            raise self.trouble

    # -- changes ----------------------------------------------------------------------------------------------

    def add(self, values: Mapping[str, Any], *, by: str, known: Collection[str] | None = None) -> str:
        """A new prospect. Returns its id once it is on the disk.

        Args:
            known: ids of look-alikes that the user has seen; any other look-alike refuses the entry.
                None asks for no duplicate check.

        Raises:
            Invalid, Duplicate, StoreError: nothing was added.
        """

        def plan(register: Register) -> Change:
            row = register.new_row(values, by=by, now=self.now)
            if known is not None:
                matches = [match.id for match in register.blocks.find(row)]
                if set(matches) - set(known):
                    raise Duplicate(matches)
            return register.adding([row])

        return self.change("add", by, plan)[0]

    def add_many(self, rows: Iterable[Mapping[str, Any]], *, by: str) -> list[str]:
        """New prospects from complete rows, columns set by the register included. Returns their ids.

        Raises:
            Invalid: a row has no received date or source; nothing was added.
            StoreError
        """
        now = self.now
        marks = {"created_at": now, "created_by": by, "changed_at": now, "changed_by": by}
        complete = [row_from_json({**marks, **{k: v for k, v in row.items() if v is not None}}) for row in rows]
        for code in ("received", "source"):
            if not all(row.get(code) for row in complete):
                raise Invalid({code: Text(N_("This is needed."))})
        return self.change("add", by, lambda register: register.adding(complete))

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

        def plan(register: Register) -> Change:
            now = self.now
            return folded(register.updating(i, values, by=by, now=now, seen=seen) for i, values in changes.items())

        self.change(action, by, plan, fields=sorted({code for values in changes.values() for code in values}))

    def remove(
        self,
        ids: Collection[str],
        *,
        by: str,
        reason: str,
        check: Callable[[Register], None] | None = None,
    ) -> None:
        """Remove prospects for good; returns when that is in the journal. `erase` clears the copies.

        Their numbers are never used again.

        Args:
            reason: "expired", "erasure", or why one person's row goes.
            check: called with the register inside the lock; it raises where the rows may not go.

        Raises:
            NoSuchProspect, StoreError: nothing was removed.
        """

        def plan(register: Register) -> Change:
            if check:
                check(register)
            return register.removing(ids)

        self.change("remove", by, plan, reason=reason)

    def bring_in(self, plan: Callable[[Register], Change], *, by: str, **facts: Any) -> list[str]:
        """Take in many rows at once, with a backup before. See `lib.store.importing`."""
        ids = importing.bring_in(self, plan, by=by, facts=facts)
        self._checkpoint_soon()
        return ids

    def undo_import(self, made: dt.datetime, *, by: str) -> tuple[int, int, int]:
        """Take an import back, by when its backup was made. See `lib.store.importing`; `erase` clears the copies."""
        return importing.undo(self, made, by=by)

    def undoable(self) -> list[Imported]:
        """The imports that can be taken back at least in part, the newest first."""
        there = {copy.made for copy in self.backups.all() if copy.kind == importing.KIND}
        return [one for one in reversed(self.state.imports) if one.rows > 0 and one.made in there]

    # -- the workbook and its copies --------------------------------------------------------------------------

    def checkpoint(self, *, override: bool = False) -> None:
        """Return once the workbook holds everything.

        Args:
            override: also where somebody seems to have the workbook open.

        Raises:
            HeldOpen: somebody has it open; nothing is lost.
            StoreError: it could not be written; the old one is whole.
        """
        checkpoint.write(self, override=override)

    def backup(self, *, by: str, kind: str = "manual") -> str:
        """Keep a verified copy of the register as it is now. Returns its file name."""
        name = checkpoint.backup(self, kind)
        self.note("backup", by, backup=name)
        return name

    def restore(self, source: str | Path, *, by: str, exact: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Bring rows back as a backup, or any workbook of this register, has them. See `lib.store.restoring`."""
        told = restoring.restore(self, source, by=by, exact=exact, dry_run=dry_run)
        if not dry_run:
            self._checkpoint_soon()
        return told

    def rekey(self, password: str, *, by: str, progress: Callable[[float], None] | None = None) -> None:
        """Another password for the workbook; backups follow. People go on working meanwhile.

        Raises:
            HeldOpen and others: both passwords open the register until the rest has followed, which is tried again.
        """
        erasure.rekey(self, password, by=by, progress=progress)

    def erase(self, progress: Callable[[float], None] | None = None, *, override: bool = False) -> None:
        """Return once no file within reach holds a removed row: workbook, journal, backups and files set aside.

        Args:
            progress: told the share that is done, 0 to 1.
            override: also where somebody seems to have the workbook open.

        Raises:
            RemovalUnfinished: it says what stands in the way.
        """
        erasure.erase(self, progress, override=override)

    def rewrite(self, *, by: str) -> None:
        """Write the workbook anew where it was deleted or damaged. What stands in its place is set aside.

        Raises:
            NewerSchema: a newer version of the program wrote it; this one keeps off.
            StoreError: it could not be written.
        """
        outside.clear_the_way(self)
        checkpoint.write(self, anew=True)
        self.note("rewrite", by)

    def pass_over(self, *, by: str) -> None:
        """Do not believe the file that says somebody has the workbook open: its program has ended."""
        if held := self.holder():
            self.passed_over.add(held.stamp)
            self.note("pass_over", by, holder=held.name)
        if self._keeper:
            self._keeper.try_again()

    def answer(self, key: str, decision: str, *, by: str, values: Mapping[str, Any] | None = None) -> None:
        """Settle a question about what came from outside. See `lib.store.outside`."""
        outside.answer(self, key, decision, by=by, values=values or {})

    def _checkpoint_soon(self) -> None:
        """Let the workbook follow now: here, or by the keeper."""
        if self._keeper:
            self._keeper.hurry()
        else:
            with contextlib.suppress(StoreError):  # it is in the journal, and the workbook follows later
                checkpoint.write(self)
