"""Everything that a data folder holds, read from the disk and proven. Nothing is written."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lib.errors import Damaged, InvalidWorkbook, NotWritten, WorkbookMissing
from lib.files import WORKBOOK
from lib.i18n import N_, Text
from lib.store import aside, loading, outside, owner, proof, workbook
from lib.store.core import Core
from lib.store.keys import Keyring
from lib.store.proof import Finding, Folder, finding

__all__ = ["Finding", "Report", "inspect", "look"]

Progress = Callable[[float], None]

_DAY = dt.timedelta(days=1)
_OWNER_FILES = (f".~lock.{WORKBOOK}#", f"~${WORKBOOK}", f"~${WORKBOOK[2:]}")
_UNREADABLE = ("journal-unreadable-*", "journal-damaged-*", "log-unreadable-*")  # folders set aside


class Report(NamedTuple):
    """How many rows the register has (None where it cannot be read), and what was found."""

    rows: int | None
    findings: list[Finding]


def inspect(store: Core, progress: Progress | None = None) -> list[Finding]:
    """Read and prove every file of a register. It is read anew; the store is not touched.

    Args:
        progress: told the share that is done, 0 to 1.

    Raises:
        NewerSchema: a newer version of the program wrote the workbook or the journal.
        Busy: another program writes all the time.
    """
    return _report(store, store.passwords, progress).findings


def look(data_dir: Path, password: str, progress: Progress | None = None) -> Report:
    """The same by the workbook's password, whatever state the folder is in.

    Raises:
        WorkbookMissing: there is no register at all.
        WrongPassword, NewerSchema, Busy
    """
    keyring = Keyring(data_dir)
    if not keyring.exists and not (data_dir / WORKBOOK).exists():
        raise WorkbookMissing(file=WORKBOOK)
    lost = Text(N_("It is missing. Without it the journal and the change log cannot be read."))
    if keyring.exists:
        try:
            core = Core(data_dir, keyring.by_workbook_password(password))
            passwords = core.passwords
        except Damaged as error:
            lost = error.text
        else:
            return _report(core, passwords, progress)
    with contextlib.suppress(Damaged, InvalidWorkbook, WorkbookMissing):  # told below
        workbook.read(loading.read_bytes(data_dir / WORKBOOK), password, WORKBOOK)
    report = _report(Core(data_dir, b""), [password], progress)
    return Report(None, [Finding(keyring.path.name, lost), *report.findings])


def _report(store: Core, passwords: list[str], progress: Progress | None) -> Report:
    tell = progress or (lambda share: None)
    core = Core(store.data_dir, store.master)
    folder = Folder(core, passwords)
    with _still(core):
        copies = core.backups.all()
        steps: list[Iterator[Finding]] = [
            *([proof.journal(folder)] if core.master else []),
            proof.workbook_on_disk(folder),
            proof.register(folder),
            *([proof.change_log(core)] if core.master else []),
            *(proof.copy(folder, copy) for copy in copies),
            _second_place(core),
            _waiting(folder),
            _held(store),
        ]
        found: list[Finding] = []
        for number, step in enumerate(steps, 1):
            found += step
            tell(number / len(steps))
    return Report(len(core.register) if folder.loaded else None, found)


@contextlib.contextmanager
def _still(core: Core) -> Iterator[None]:
    """Keep the files as they are meanwhile. Where there can be no lock, nobody can write either."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NotWritten):
            stack.enter_context(core.files_locked())
        yield


def _second_place(core: Core) -> Iterator[Finding]:
    where = core.settings.second_place
    if why := core.backups.unreachable:
        yield Finding(where, why)
    elif behind := core.backups.behind():
        yield finding(where, N_("It lacks {n} backups; they follow with the next one."), n=len(behind))


def _waiting(folder: Folder) -> Iterator[Finding]:
    """What waits for a person, or is not finished."""
    core = folder.core
    files = core.aside.all()
    for file in files:
        yield finding(f"aside/{file.name}", N_("Set aside: {why}."), why=Text(aside.KINDS[file.kind]))
    for path in sorted(path for pattern in _UNREADABLE for path in core.data_dir.glob(pattern)):
        yield finding(path.name, N_("Set aside, since it cannot be read. Delete it when nobody needs it any more."))
    # A notice about a file set aside is told already.
    questions = [q for q in core.state.questions.values() if q.where not in {file.name for file in files}]
    notices = sum(question.kind in outside.NOTICES for question in questions)
    if decisions := len(questions) - notices:
        yield finding(WORKBOOK, N_("{n} edits made outside wait for a manager's decision."), n=decisions)
    if notices:
        yield finding(WORKBOOK, N_("{n} notices about it wait for an administrator."), n=notices)
    if folder.loaded and core.unfinished:
        text = N_("The removal of these rows is not finished everywhere: {ids}.")
        yield finding(core.removed.path.name, text, ids=proof.named(core.unfinished))
    if len(folder.passwords) > 1:
        text = N_("The change of the workbook's password is not finished: the one before still opens copies.")
        yield finding(core.keyring.path.name, text)


def _held(store: Core) -> Iterator[Finding]:
    """Who has had the workbook open for more than a day. After 12 hours the program no longer believes it."""
    for name in _OWNER_FILES:
        try:
            since = store.path.with_name(name).lstat().st_mtime
        except OSError:
            continue
        if dt.datetime.now().timestamp() - since < _DAY.total_seconds():
            continue
        holder = owner.holder(store.path, now=since, passed_over=store.passed_over)
        if holder and holder.file == name:
            yield finding(
                name,
                N_("{name} has had the workbook open in {program} since {since}. If not so, delete this file."),
                name=holder.name or "?",
                program=holder.program,
                since=f"{holder.since:%Y-%m-%d %H:%M}",
            )
