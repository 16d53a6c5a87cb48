"""Copies of the workbook in a folder: files whose names say all that is known of them, and when one goes.

`daily-20261122T130500-g42-r1234.xlsx` was made at 13:05 of the workbook of generation 42, with 1234 rows. A file with
another name is nobody's business here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import stat
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lib.errors import Damaged, NotSynced, NotWritten, StoreError, WorkbookMissing
from lib.files import reason, swap, sync_folder, write_beside
from lib.i18n import N_, Text
from lib.settings import Settings

GENERATION, DAILY = "generation", "daily"
KINDS = (GENERATION, DAILY, "manual", "restore", "password", "import")
GENERATIONS_KEPT = 3
OWN, SECOND = "own", "second"  # in `backups/`, in the second place
MEMORY = "second_place.json"  # what `lib.store.second_place` keeps beside the copies

_TIME = "%Y%m%dT%H%M%S"
_NAME = re.compile(rf"({'|'.join(KINDS)})-([0-9]{{8}}T[0-9]{{6}})-g([0-9]{{1,18}})-r([0-9]{{1,18}})\.xlsx")
_LEFTOVER = re.compile(rf"\.({_NAME.pattern}|{re.escape(MEMORY)})\.[0-9a-f]{{8}}\.tmp")
_NOT_WRITTEN = N_("The backup {file} could not be written: {reason}. The earlier ones are as they were.")


@dataclass(frozen=True)
class Copy:
    """One copy. `made` is in the installation's time zone, `size` in bytes, `place` "own" or "second"."""

    path: Path
    kind: str
    made: dt.datetime
    generation: int
    rows: int
    size: int
    place: str = OWN

    @property
    def key(self) -> tuple[str, dt.datetime]:
        """The same for a copy in both places, and whatever is replaced in it: no two are made in one second."""
        return self.kind, self.made


def name_of(kind: str, made: dt.datetime, generation: int, rows: int) -> str:
    return f"{kind}-{made:{_TIME}}-g{generation}-r{rows}.xlsx"


def parsed(path: Path, size: int, place: str = OWN) -> Copy | None:
    """The copy that a file name tells of; None for any other name."""
    match = _NAME.fullmatch(path.name)
    if not match:
        return None
    try:
        made = dt.datetime.strptime(match[2], _TIME)
    except ValueError:
        return None
    copy = Copy(path, match[1], made, int(match[3]), int(match[4]), size, place)
    return copy if name_of(copy.kind, made, copy.generation, copy.rows) == path.name else None


def listed(folder: Path, place: str = OWN) -> list[Copy]:
    """The copies in a folder, none where there is no folder.

    Raises:
        StoreError: it cannot be read.
    """
    found = []
    with _reading(folder):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                state = path.lstat()
                if stat.S_ISREG(state.st_mode) and (copy := parsed(path, state.st_size, place)):
                    found.append(copy)
    return found


def leftovers(folder: Path) -> list[Path]:
    """What killed writes left in a folder.

    Raises:
        StoreError: it cannot be read.
    """
    found = []
    with _reading(folder):
        found = [path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)]
    return found


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:  # it was never made
        pass
    except OSError as error:
        raise StoreError(
            N_("The folder {folder} cannot be read: {reason}."), folder=str(folder), reason=reason(error)
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder for copies, for the server's own user alone. The one above it has to be there.

    Raises:
        NotWritten
    """
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            sync_folder(folder.parent)
    except NotWritten as error:
        raise _not_written(folder, error.text.params["reason"]) from error
    except OSError as error:
        raise _not_written(folder, reason(error)) from error


def write(path: Path, sealed: bytes) -> None:
    """Write a copy. It gets its name only when it has been read back and compared: a copy with a name is whole.

    Raises:
        NotWritten, Damaged: it is not there; one that stood in its place is as it was, unless the disk does not
            confirm the swap, when it is the old or the new one.
    """
    try:
        new = not path.exists()
        beside = write_beside(path, sealed)
        try:
            if beside.read_bytes() != sealed:
                raise Damaged(
                    N_("The backup {file} does not read back as it was written. Have the disk checked."), file=path.name
                )
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
        try:
            swap(beside, path)
        except NotSynced:
            if new:
                path.unlink(missing_ok=True)
            raise
    except NotWritten as error:
        raise _not_written(path, error.text.params["reason"]) from error
    except OSError as error:
        raise _not_written(path, reason(error)) from error


def _not_written(path: Path, why: Text) -> NotWritten:
    return NotWritten(_NOT_WRITTEN, file=path.name, reason=why)


def read(copy: Copy) -> bytes:
    """The sealed workbook of a copy.

    Raises:
        WorkbookMissing: it is gone.
        StoreError: it cannot be read.
    """
    try:
        return copy.path.read_bytes()
    except FileNotFoundError as error:
        raise WorkbookMissing(N_("The backup {file} is not there any more."), file=copy.path.name) from error
    except OSError as error:
        raise StoreError(
            N_("The backup {file} cannot be read: {reason}."), file=copy.path.name, reason=reason(error)
        ) from error


def drop(path: Path) -> None:
    """Remove a copy, or what a killed write left.

    Raises:
        NotWritten: it may still be there.
    """
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except (OSError, NotWritten) as error:
        why = error.text.params["reason"] if isinstance(error, NotWritten) else reason(error)
        raise NotWritten(N_("The backup {file} could not be removed: {reason}."), file=path.name, reason=why) from error


def newest_first(copies: Iterable[Copy]) -> list[Copy]:
    """In order of time; of two where one was to replace the other, the one with fewer rows is the newer one."""
    return sorted(copies, key=lambda c: (c.made, c.generation, c.place == OWN, -c.rows), reverse=True)


def surplus(copies: Iterable[Copy], rules: Settings, now: dt.datetime) -> list[Copy]:
    """Those of one place that go.

    The last 3 generations stay, the newest daily copies (one a day) and the newest others, as many as the settings
    say; whatever is too old goes, but never the newest generation and the newest daily copy.
    """
    newest = newest_first(copies)
    generations = _first_of_each((c for c in newest if c.kind == GENERATION), lambda copy: copy.generation)
    # By time and by number: a clock that was set back must not make the newest one go.
    by_number = sorted(generations, key=lambda copy: copy.generation, reverse=True)
    daily = _first_of_each((c for c in newest if c.kind == DAILY), lambda copy: copy.made.date())
    # One a moment: of two, one was to replace the other.
    others = _first_of_each((c for c in newest if c.kind not in (GENERATION, DAILY)), lambda copy: copy.key)
    always = {*generations[:1], *by_number[:1], *daily[:1]}
    wanted = {
        *generations[:GENERATIONS_KEPT],
        *by_number[:GENERATIONS_KEPT],
        *daily[: rules.backups_daily],
        *others[: rules.backups_other],
    }
    oldest = now - dt.timedelta(days=rules.backups_days)
    return [copy for copy in newest if copy not in always and (copy not in wanted or copy.made < oldest)]


def _first_of_each(copies: Iterable[Copy], key: Callable[[Copy], Hashable]) -> list[Copy]:
    found: dict[Hashable, Copy] = {}
    for copy in copies:
        found.setdefault(key(copy), copy)
    return list(found.values())
