"""Files written whole: the old content or the new one, never a mix, and on the disk before the call returns."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from lib.errors import Busy, NotSynced, NotWritten, StoreError
from lib.i18n import N_, Text

WORKBOOK = "prospects.xlsx"  # the register, in the data folder

_REASONS = {
    errno.ENOSPC: N_("the disk is full"),
    errno.EDQUOT: N_("the disk is full"),
    errno.EACCES: N_("the right to do so is missing"),
    errno.EPERM: N_("the right to do so is missing"),
    errno.EROFS: N_("the disk is read-only"),
    errno.EIO: N_("the disk reports a fault"),
}


def reason(error: OSError) -> Text:
    """Why a file could not be written, for a reader."""
    return Text(
        _REASONS.get(error.errno or 0, N_("the system answered {error}")), {"error": error.strerror or str(error)}
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file with `content`, synced, through a temporary file beside it.

    Raises:
        NotWritten: the old file is as it was, and no temporary file stays.
        NotSynced: the new file is there, but the disk does not confirm that it stays.
    """
    swap(write_beside(path, content), path)


def write_beside(path: Path, content: bytes) -> Path:
    """Write and sync a temporary file beside a path, for `swap`. Returns where it is.

    Raises:
        NotWritten: no temporary file stays.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with _undone(beside):
        # A file that may not be written may not be replaced either, though the folder would allow it.
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # 0o600: nobody but the server's own user reads even the encrypted file.
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return beside


def swap(beside: Path, path: Path) -> None:
    """Put what `write_beside` wrote in the path's place.

    Raises:
        NotWritten: the old file is as it was, and no temporary file stays.
        NotSynced: the new file is there, but the disk does not confirm that it stays.
    """
    with _undone(beside):
        _replace(beside, path)
    try:
        sync_folder(path.parent)
    except NotWritten as error:
        raise NotSynced(**error.text.params) from error


@contextlib.contextmanager
def _undone(beside: Path) -> Iterator[None]:
    """Take the temporary file away when something fails; an interrupt leaves none either."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise NotWritten(reason=reason(error)) from error
        raise


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder.

    Raises:
        StoreError: the disk does not tell, which is no answer.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(
            N_("The file {file} cannot be read: {reason}. Nothing was written."), file=path.name, reason=reason(error)
        ) from error
    return True


def listed(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder whose names fit, in order; none where there is no folder.

    Raises:
        StoreError: it cannot be read. `Path.glob` finds nothing there, and says nothing.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.match(pattern))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            N_("The folder {folder} cannot be read: {reason}."), folder=str(folder), reason=reason(error)
        ) from error


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes left of their writes of this file. The caller holds the file's lock."""
    with contextlib.suppress(OSError):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            leftover.unlink()


def _replace(source: Path, target: Path, attempts: int = 20) -> None:
    """`os.replace`, tried again for a second where a scanner or indexer holds the file (Windows)."""
    for attempt in range(attempts):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == attempts - 1:
                raise
            time.sleep(0.05)
        else:
            return


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk. Where a folder cannot be opened (Windows), the system does it itself."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode())


def read_json(path: Path, default: Any) -> Any:
    """What a JSON file holds; `default` where there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return default


def lock(path: Path) -> BaseFileLock:
    """A lock between threads and processes; a thread that holds it may enter again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=60, is_singleton=True, preserve_lock_file=True, fallback_to_soft=False)


@contextlib.contextmanager
def locked(path: Path, seconds: float = 60) -> Any:
    """Hold the lock, or say that another program has it.

    Raises:
        Busy: it was not free in time.
        NotWritten: there can be no lock here.
    """
    try:
        held = lock(path).acquire(timeout=seconds)
    except Timeout as error:
        raise Busy from error
    except OSError as error:
        raise NotWritten(reason=reason(error)) from error
    with held:
        yield
