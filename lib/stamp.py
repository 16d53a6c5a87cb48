"""Files that are read again only when they have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Content = TypeVar("Content")


def stamp(path: Path) -> tuple[int, int, int]:
    """What tells one version of a file from another: time of change, size, inode; zeros where there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return state.st_mtime_ns, state.st_size, state.st_ino


class Cached(Generic[Content]):
    """The content of a file, read when its stamp is another one than last time.

    Args:
        path: the file; it is always replaced whole, so a new version is a new inode.
        read: gives the content; it is also asked when the file is missing.
    """

    def __init__(self, path: Path, read: Callable[[], Content]) -> None:
        self._path = path
        self._read = read
        self._seen: tuple[tuple[int, int, int], Content] | None = None

    def __call__(self) -> Content:
        now, seen = stamp(self._path), self._seen
        if seen is None or seen[0] != now:
            # The stamp is older than what is read, so a change in between is seen the next time.
            self._seen = seen = (now, self._read())
        return seen[1]
