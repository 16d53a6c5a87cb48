"""Removal everywhere, and the workbook's new password everywhere: each file within reach is gone through.

Source: GDPR article 17; the search is over the decrypted files themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from lib.changes import Change
from lib.errors import HeldOpen, PasswordUnfinished, RemovalUnfinished, StoreError, WrongPassword
from lib.files import listed, write_atomically
from lib.i18n import N_, Text
from lib.store import checkpoint, loading
from lib.store.aside import Aside
from lib.store.copies import Copy
from lib.store.encryption import decrypt
from lib.store.log import Entry
from lib.store.record import Record
from lib.store.worker import Workshop

if TYPE_CHECKING:
    from lib.store.core import Core

Progress = Callable[[float], None]


def erase(store: Core, progress: Progress | None = None, *, override: bool = False) -> None:
    """Return once no file within reach holds a removed row.

    Raises:
        RemovalUnfinished: it says what stands in the way; what could be cleared is.
    """
    tell = progress or (lambda share: None)
    with store.files_locked():
        store.follow()
        ids = store.unfinished
        if not ids:
            tell(1.0)
            return
        obstacles: list[Text] = []
        try:
            checkpoint.write(store, override=override)
            checkpoint.retire(store, store.on_disk)
        except StoreError as error:
            obstacles.append(_why(store.path, error))
        obstacles += _through(store, ids, tell)
        if not obstacles and (left := _left_in_journal(store, ids)):
            obstacles.append(left)
        store.obstacles = obstacles
        if obstacles:
            raise RemovalUnfinished(obstacles)
        store.removed.finished(ids)
        with store.locked():
            store.follow()
            store.commit(Record(Entry(store.now, "", "erased", [], {"rows": len(ids)})))
        tell(1.0)


def rekey(store: Core, password: str, *, by: str, progress: Progress | None = None) -> None:
    """Another password for the workbook, its backups and the files set aside.

    Raises:
        HeldOpen and others: both passwords open the register until `finish` has done the rest.
    """
    with store.files_locked():
        _follow_password(store, None)
        checkpoint.backup(store, "password")
        store.keyring.change_workbook_password(store.master, password)
        store.note("rekey", by)
        checkpoint.write(store, force=True)
        _follow_password(store, progress)


def finish(store: Core) -> None:
    """Do what an earlier removal, change of the password or checkpoint left undone. The workbook is current."""
    segments = store.journal.segments()
    if segments and segments[0] < store.on_disk:
        with store.files_locked():
            checkpoint.retire(store, store.on_disk)
    try:
        if len(store.passwords) > 1:
            with store.files_locked():
                _follow_password(store, None)
    finally:  # each as far as it goes
        if store.unfinished:
            erase(store)


def _follow_password(store: Core, progress: Progress | None) -> None:
    if len(store.passwords) < 2:
        return
    obstacles = _through(store, (), progress or (lambda share: None))
    if not _opens_with_new(store):
        checkpoint.write(store, force=True)
    if obstacles:
        raise PasswordUnfinished(obstacles)
    store.keyring.forget_previous()


def _opens_with_new(store: Core) -> bool:
    try:
        decrypt(loading.read_bytes(store.path), store.passwords[0])
    except WrongPassword:
        return False
    return True


def _through(store: Core, ids: Collection[str], tell: Progress) -> list[Text]:
    """Clear every backup and file set aside. Returns what could not be cleared, and why."""
    obstacles: list[Text] = []
    try:
        store.backups.remove_leftovers()
        store.aside.remove_leftovers()
        store.backups.catch_up()  # a second place that is back counts as within reach only once it is written to
    except StoreError as error:
        obstacles.append(_why(store.backups.folder, error))
    files: list[Copy | Aside] = [*store.backups.all(), *store.aside.all()]
    with store.workshop() as workshop:
        for number, file in enumerate(files):
            if store.closing:
                obstacles.append(Text(N_("The program is being stopped. The rest follows once it is started again.")))
                break
            tell((number + 1) / (len(files) + 2))
            try:
                # What was cleared of rows is read and searched once more.
                while (cleared := _clear(store, workshop, file, ids)) is not None:
                    file = cleared
            except StoreError as error:
                # What opens with neither password stands in the way of a removal alone.
                if ids or not isinstance(error, WrongPassword):
                    obstacles.append(_why(file.path, error))
    for folder in listed(store.data_dir, "journal-*-*") if ids else ():
        problem = Text(N_("it may hold removed rows and cannot be searched; remove it once it is not needed any more"))
        obstacles.append(Text(N_("{file}: {problem}"), {"file": folder.name, "problem": problem}))
    if why := store.backups.unreachable:  # asked last: the disk may have gone meanwhile
        obstacles.append(why)
    return obstacles


def _clear(store: Core, workshop: Workshop, file: Copy | Aside, ids: Collection[str]) -> Copy | Aside | None:
    sealed = loading.read_bytes(file.path)
    # Rows that were new in an original have other numbers in the register, if any.
    only_own = isinstance(file, Aside) and file.kind == "original"
    found = workshop.clear(sealed, store.passwords, store.state.name, ids, store.settings.language, only_own)
    if found is None:
        return None
    content, gone = found
    if isinstance(file, Copy):
        file = store.backups.replace(file, content, file.rows - gone)
    else:
        write_atomically(file.path, content)
    return file if gone else None


def _left_in_journal(store: Core, ids: Collection[str]) -> Text | None:
    gone = set(ids)
    for read in loading.peek(store, store.journal.segments()[0]):
        change = read.record.change
        said = read.record.saved.change if read.record.saved else Change()
        if gone.intersection(change.set, said.ids, (str(row["id"]) for row in change.add)):
            return Text(N_("The newest changes still hold a removed row. Try again in a moment."))
    return None


def _why(path: Path, error: StoreError) -> Text:
    if isinstance(error, HeldOpen):
        return error.text
    return Text(N_("{file}: {problem}"), {"file": path.name, "problem": error.text})
