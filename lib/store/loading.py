"""Opening a register: the newest workbook that the program wrote, and the journal's records since."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib.errors import (
    AlreadyExists,
    Busy,
    Damaged,
    InvalidWorkbook,
    NothingToCompare,
    NotWritten,
    StoreError,
    WorkbookMissing,
    WrongPassword,
)
from lib.files import WORKBOOK, is_there, listed, locked, reason, sync_folder
from lib.register import Register
from lib.store import outside, workbook
from lib.store.journal import Gone, Read
from lib.store.keys import Keyring
from lib.store.log import Entry, Key
from lib.store.state import State, removed_in
from lib.store.workbook import Content

if TYPE_CHECKING:
    from lib.store.core import Core

Version = tuple[int, int, int]
_ATTEMPTS = 20


def version(path: Path) -> Version | None:
    """What tells one version of a file from another: time of change, size, inode; None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def read_bytes(path: Path) -> bytes:
    """A workbook's bytes.

    Raises:
        WorkbookMissing, NotWritten
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise WorkbookMissing(file=path.name) from error
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error


def digest(sealed: bytes) -> str:
    """What a workbook is known by: its whole content, since two encrypted ones may begin alike."""
    return hashlib.sha256(sealed).hexdigest()


def master_key(data_dir: Path, password: str, *, recover: bool = False) -> bytes:
    """The master key by the workbook's password. Where the keys are lost, the workbook proves it and new ones are made.

    Raises:
        WrongPassword, WorkbookMissing, Damaged, InvalidWorkbook
    """
    keyring = Keyring(data_dir)
    path = data_dir / WORKBOOK
    if not recover and not is_there(path):
        raise WorkbookMissing(file=WORKBOOK)
    if keyring.exists:
        return keyring.by_workbook_password(password)
    workbook.read(read_bytes(path), password, WORKBOOK)
    with locked(data_dir / "register.lock"):
        if keyring.exists:  # another process was faster
            return keyring.by_workbook_password(password)
        try:
            for name in ("journal", "log"):  # sealed under the lost key: kept, in case it is found again
                folder = data_dir / name
                if folder.exists():
                    number = len(listed(data_dir, f"{name}-unreadable-*")) + 1
                    folder.rename(data_dir / f"{name}-unreadable-{number}")
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        sync_folder(data_dir)
        return keyring.create(password)  # last: killed before, the next start does the same again


def load(store: Core, *, recover: bool = False) -> None:
    """Read the register from the disk.

    Raises:
        WorkbookMissing, WrongPassword, Damaged, NewerSchema, InvalidWorkbook, JournalDamaged, NothingToCompare, Busy:
            nothing was written.
    """
    for _ in range(_ATTEMPTS):
        try:
            _load(store, recover)
        except Gone:  # another process wrote the workbook meanwhile
            continue
        except BaseException:  # the records that the journal has given are not taken over: they are read again
            store.journal.forget()
            raise
        return
    raise store.journal.gap() or Busy


def peek(store: Core, first: int) -> list[Read]:
    """The journal's records from a segment on, while no segment can go.

    Raises:
        JournalDamaged, NewerSchema, NotWritten
    """
    try:
        return store.journal.peek(first)
    except Gone:
        raise store.journal.gap() or Busy from None


def _load(store: Core, recover: bool) -> None:
    seen = version(store.path)
    sealed = b""
    if seen is not None:
        sealed = read_bytes(store.path)
    elif not recover:
        raise WorkbookMissing(file=store.path.name)
    _mend_removed(store)
    segments = store.journal.segments()
    if not segments:
        if recover and not _opens(store, sealed):
            sealed = _newest_copy(store)[1]
        adopt(store, sealed)
        return
    carried, reads = store.journal.load(segments[0])
    known = {**carried[segments[0]].get("known", {}), **dict(_written(reads))}
    generation = known.get(digest(sealed)) if sealed else None
    content: Content | None = None
    if generation in carried:
        content = workbook.read(sealed, store.passwords, store.path.name, own=True)
    else:
        for copy in store.backups.all():
            # Only these are as the workbook was; a backup made by hand may hold changes of its segment already.
            if copy.kind in ("generation", "daily") and copy.generation in carried:
                with contextlib.suppress(Damaged, NotWritten, WorkbookMissing):
                    content = workbook.read(store.backups.read(copy), store.passwords, copy.path.name, own=True)
                    generation = copy.generation
                    break
    if content is None or generation is None:
        if sealed and digest(sealed) not in known:
            _opens(store, sealed, check=True)
        raise NothingToCompare(file=store.path.name)
    state = State.begun(_register(store, content), content.info.register, content.sheets, carried[generation])
    # A checkpoint that was killed may have left segments whose removed numbers are nowhere else yet.
    state = replace(state, removed=removed_in([read for read in reads if read.segment < generation]))
    store.state = state.after([read for read in reads if read.segment >= generation])
    store.on_disk = known.get(digest(sealed), 0) if sealed else 0
    store.seen, store.oldest = (seen if store.on_disk else None), segments[0]


def _written(reads: list[Read]) -> list[tuple[str, int]]:
    return [(read.record.workbook[1], read.record.workbook[0]) for read in reads if read.record.workbook]


def _mend_removed(store: Core) -> None:
    """Where the file of removed numbers is lost, the change log still names them."""
    if is_there(store.removed.path) or not is_there(store.change_log.folder):
        return
    found = {
        i: entry.at.date()
        for entry in store.change_log.entries(months=0).values()
        if entry.action == "remove"
        for i in entry.ids
    }
    if found:
        store.removed.add(found, 0)


def _register(store: Core, content: Content) -> Register:
    """The register of a workbook, without what was removed since."""
    gone = content.frame["id"].isin(store.removed.ids) if store.removed.ids else None
    frame, extras = content.frame, content.extras
    if gone is not None and gone.any():
        frame, extras = (table[~gone].reset_index(drop=True) for table in (frame, extras))
    rules = store.settings
    return Register.of(
        frame,
        extras,
        max(content.info.last_number, store.removed.last_number, store.state.register.last_number),
        retention_years=rules.retention_years,
        region=rules.phone_region,
    )


def _opens(store: Core, sealed: bytes, *, check: bool = False) -> bool:
    """Whether a workbook can be read at all; with `check`, what keeps it from that is raised."""
    try:
        workbook.read(sealed, store.passwords, store.path.name)
    except (Damaged, WorkbookMissing):
        if check:
            raise
        return False
    except (WrongPassword, InvalidWorkbook):
        return False
    return True


def _newest_copy(store: Core) -> tuple[int, bytes]:
    for copy in sorted(store.backups.all(), key=lambda copy: (copy.generation, copy.made), reverse=True):
        try:
            sealed = store.backups.read(copy)
            workbook.read(sealed, store.passwords, copy.path.name)
        except StoreError:
            continue
        return copy.generation, sealed
    raise WorkbookMissing(file=store.path.name)


def refuse_journal(store: Core) -> None:
    """Refuse a journal that holds more than what a first start leaves when it is killed. The caller holds the lock.

    Raises:
        AlreadyExists: there is one.
        JournalDamaged, NewerSchema, NotWritten
    """
    segments = store.journal.segments()
    if segments and any(read.record.workbook is None for read in peek(store, segments[0])):
        raise AlreadyExists(file=store.journal.path(segments[0]).name)


def begin_anew(store: Core) -> None:
    """Begin the first segment of a journal, in the place of what `refuse_journal` lets pass.

    Raises:
        StoreError: there is none.
    """
    store.journal.clear()
    first = max((copy.generation for copy in store.backups.all()), default=0) + 1
    store.journal.begin(first, store.state.carried())


def adopt(store: Core, sealed: bytes) -> None:
    """Take a workbook without a journal as the register: a workbook of before, or a folder that lost its journal.

    A verified copy of it, written by the program, becomes what the journal builds on.

    Raises:
        WrongPassword, Damaged, NewerSchema, InvalidWorkbook: nothing was written.
    """
    content = workbook.read(sealed, store.passwords, store.path.name)
    content.check()
    with store.files_locked(), store.locked():
        if store.journal.segments():
            raise Gone  # another process was faster
        register = _register(store, content)
        notices = outside.keep_original(store, sealed)
        first = max([content.info.generation, *(copy.generation for copy in store.backups.all())]) + 1
        store.state = State(
            register, content.info.register, content.sheets, {q.key: q for q in notices}, merged=[digest(sealed)]
        )
        snapshot = store.content(first)
        with store.workshop() as workshop:
            copy = workshop.build(snapshot, store.passwords[0], store.settings.language)
        store.backups.keep("generation", copy, generation=first, rows=snapshot.info.rows, now=store.now)
        store.journal.begin(first, store.state.carried())
        store.oldest = first
    store.seen, store.on_disk = version(store.path), 0


def entries(store: Core) -> dict[Key, Entry]:
    """The lines of the change log that are still in the journal."""
    reads: list[Read] = []
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(Gone):
            segments = store.journal.segments()
            reads = store.journal.peek(segments[0]) if segments else []
            break
    return {Key(read.segment, read.number): read.record.entry for read in reads if read.record.entry}
