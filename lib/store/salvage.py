"""A register that does not load, since its journal or its copies are damaged: what can be had of it, and going on."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from lib import schema, settings
from lib.changes import Change
from lib.errors import InUse, NotWritten, StoreError, WorkbookMissing, WrongPassword
from lib.files import WORKBOOK, lock, locked, reason, sync_folder, write_atomically
from lib.register import Register
from lib.store import fragments, loading, workbook
from lib.store.aside import AsideFiles
from lib.store.backups import Backups
from lib.store.copies import GENERATION, Copy
from lib.store.core import Core
from lib.store.journal import Read
from lib.store.keys import derive
from lib.store.log import Entry, Key
from lib.store.record import Record
from lib.store.state import State
from lib.store.workbook import Content, Info

_ROW = 100  # bytes: a new row takes no less in the journal


@dataclass(frozen=True)
class Salvage:
    """What can be had of a register.

    `source` is the file that the rows come from, of `generation`; "" where there is none. `changes` of the journal are
    read beyond that. At least `lost` records are not, and `missing` segments are not there. `lines` are those of the
    change log. `left` are the files of the journal as it is now.
    """

    source: str
    generation: int
    state: State
    changes: int
    lost: int
    missing: Sequence[int]
    lines: Mapping[Key, Entry]
    left: Sequence[Path]

    @property
    def whole(self) -> bool:
        """Whether nothing is lost, as far as can be known."""
        return bool(self.source) and not self.lost and not self.missing


def look(core: Core) -> Salvage:
    """What can be had. Nothing is written, and the register need not load.

    Raises:
        NewerSchema: a newer version of the program wrote it.
        Damaged: the list of removed rows cannot be read; without it they would come back.
    """
    segments = fragments.read(core.journal, derive(core.master, "journal"))
    headers = {number: segment.header["carried"] for number, segment in segments.items() if segment.header}
    reads = [read for segment in segments.values() for read in segment.reads]
    lines = {Key(read.segment, read.number): read.record.entry for read in reads if read.record.entry}
    known = {digest: number for carried in headers.values() for digest, number in carried.get("known", {}).items()}
    known.update((r.record.workbook[1], r.record.workbook[0]) for r in reads if r.record.workbook)
    source, content = _base(core, known)
    generation = content.info.generation
    before = [read for read in reads if read.segment < generation]
    after = [read for read in reads if read.segment >= generation]
    carried: Mapping[str, Any] = next((c for number, c in headers.items() if number <= generation), {})
    state = State.begun(Register.of(schema.to_frame([])), content.info.register, {}, carried)
    state = replace(state.after([_without_rows(read) for read in before]), removed=_removed(core, lines))
    state = replace(state, register=_register(core, content, state), sheets=content.sheets, unwritten={})
    state = state.after(list(_fitting(after, set(state.register.positions))))
    # Numbers that may have been given in what is lost are passed over.
    skipped = sum(segment.bytes_lost for segment in segments.values()) // _ROW
    state = state.under(replace(state.register, last_number=state.register.last_number + skipped))
    needed = range(generation, max([generation, *segments]) + 1) if source else range(0)
    return Salvage(
        source,
        generation,
        state,
        changes=sum(bool(read.record.change) for read in after),
        lost=sum(segment.lost for segment in segments.values()),
        missing=sorted(set(needed) - set(segments)),
        lines=lines,
        left=[core.journal.path(number) for number in segments],
    )


def go_on(core: Core, *, by: str) -> tuple[Salvage, str]:
    """Go on with what can be had. The journal is set aside, never removed, and a new one begins.

    Killed at any step, it can be done again. The core is to be loaded anew afterwards.

    Returns:
        What was had, and the folder with the journal as it was; "" where there was none.

    Raises:
        InUse: a server runs on the folder; it may know more than the disk, and writes it when it stops.
        StoreError: as for `look`, or the new files could not be written; the old ones are as they were.
    """
    with _no_server(core.data_dir), core.files_locked(), core.locked():
        found = look(core)
        core.state = _without_notice(core, found.state)
        first = max([found.generation, *core.journal.segments(), *(c.generation for c in core.backups.all())]) + 1
        snapshot = core.content(first)
        with core.workshop() as workshop:
            sealed = workshop.build(snapshot, core.passwords[0], core.settings.language)
        core.backups.keep(GENERATION, sealed, generation=first, rows=snapshot.info.rows, now=core.now)
        core.change_log.write(found.lines)
        core.removed.add(found.state.removed, found.state.register.last_number)
        # From here on the new copy and segment hold everything, whatever becomes of the old ones.
        core.journal.begin(first, core.state.carried())
        aside = _set_aside(core.data_dir, found.left)
        facts = {"rows": snapshot.info.rows, "lost": found.lost, "file": aside}
        core.commit(Record(Entry(core.now, by, "salvage", [], facts)))
    return found, aside


# -- without keys ----------------------------------------------------------------------------------------------


def newest_copy(data_dir: Path, password: str) -> tuple[Copy, bytes]:
    """The newest backup that this password opens: all that is left where workbook and keys are lost.

    Raises:
        WorkbookMissing: there is no backup that can be read.
        WrongPassword: there are some, and it opens none.
    """
    backups = Backups(data_dir, lambda: settings.load(data_dir))
    error: StoreError = WorkbookMissing(file=WORKBOOK)
    for copy in sorted(backups.all(), key=lambda copy: (copy.generation, copy.made), reverse=True):
        try:
            sealed = backups.read(copy)
            workbook.read(sealed, password, copy.path.name).check()
        except WrongPassword as wrong:
            error = wrong
        except StoreError:
            continue
        else:
            return copy, sealed
    raise error


def put_in_place(data_dir: Path, sealed: bytes) -> None:
    """Put a backup in the workbook's place. What stands there is set aside.

    Raises:
        InUse, Busy, NotWritten: nothing was changed.
    """
    path, now = data_dir / WORKBOOK, Core(data_dir, b"").now
    with _no_server(data_dir), locked(data_dir / "checkpoint.lock"), locked(data_dir / "register.lock"):
        if path.exists():
            AsideFiles(data_dir / "aside").keep("replaced", loading.read_bytes(path), now)
        write_atomically(path, sealed)


# -- inside ----------------------------------------------------------------------------------------------------


def _base(core: Core, known: Mapping[str, int]) -> tuple[str, Content]:
    """The newest workbook that the program wrote and that can be read, and its file's name.

    A workbook that others changed comes last: rather an older copy, and this file is taken up by `restore`. Where no
    workbook can be read, the register begins empty.
    """
    files: list[tuple[int, bool, Path]] = [(c.generation, c.kind == GENERATION, c.path) for c in core.backups.all()]
    with contextlib.suppress(StoreError):
        files.append((known.get(loading.digest(loading.read_bytes(core.path)), -1), True, core.path))
    for generation, _, path in sorted(files, reverse=True):
        with contextlib.suppress(StoreError):
            sealed = loading.read_bytes(path)
            content = workbook.read(sealed, core.passwords, path.name, own=loading.digest(sealed) in known)
            content.check()
            if generation in (-1, content.info.generation):
                return path.name, content
    empty = Register.of(schema.to_frame([]))
    return "", Content(empty.frame, empty.extras, Info(secrets.token_hex(8)))


def _register(core: Core, content: Content, state: State) -> Register:
    """The register of a workbook, without what was removed since."""
    stays = ~content.frame["id"].isin([*core.removed.ids, *state.removed])
    frame, extras = (table[stays].reset_index(drop=True) for table in (content.frame, content.extras))
    last = max(content.info.last_number, core.removed.last_number)
    rules = core.settings
    return Register.of(frame, extras, last, retention_years=rules.retention_years, region=rules.phone_region)


def _removed(core: Core, lines: Mapping[Key, Entry]) -> dict[str, dt.date]:
    """The rows that the change log names as removed, and what is left of the journal."""
    entries = {**core.change_log.entries(months=0), **lines}.values()
    return {i: entry.at.date() for entry in entries if entry.action == "remove" for i in entry.ids}


def _without_rows(read: Read) -> Read:
    """A record whose rows the workbook holds already: what else it says."""
    return read._replace(record=replace(read.record, change=Change(remove=read.record.change.remove)))


def _fitting(reads: Iterable[Read], present: set[str]) -> Iterator[Read]:
    """The records so that they fit in spite of gaps: a row that is there is not added again, but set."""
    for read in reads:
        change = read.record.change
        if again := {str(row["id"]): {**schema.EMPTY, **row} for row in change.add if row["id"] in present}:
            new = [row for row in change.add if row["id"] not in again]
            set_ = {i: {**again.get(i, {}), **change.set.get(i, {})} for i in {**again, **change.set}}
            change = replace(change, add=new, set=set_)
        present.update(str(row["id"]) for row in change.add)
        present.difference_update(change.remove)
        yield read._replace(record=replace(read.record, change=change))


def _without_notice(core: Core, state: State) -> State:
    """The workbook on the disk is older than the new journal, but nobody put it back: that is no news."""
    with contextlib.suppress(StoreError):
        name = loading.digest(loading.read_bytes(core.path))
        if name in state.known:
            return replace(state, merged=[*state.merged, name])
    return state


def _set_aside(data_dir: Path, files: Sequence[Path]) -> str:
    if not files:
        return ""
    number = sum(1 for _ in data_dir.glob("journal-damaged-*")) + 1
    folder = data_dir / f"journal-damaged-{number}"
    try:
        folder.mkdir(mode=0o700)
        for path in files:
            path.rename(folder / path.name)
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    for changed in (folder, data_dir / "journal", data_dir):
        sync_folder(changed)
    return folder.name


@contextlib.contextmanager
def _no_server(data_dir: Path) -> Iterator[None]:
    """Let no server run meanwhile.

    Raises:
        InUse: one does.
    """
    claim = lock(data_dir / "server.lock")
    try:
        claim.acquire(timeout=0)
    except Timeout as error:
        raise InUse from error
    try:
        yield
    finally:
        claim.release()
