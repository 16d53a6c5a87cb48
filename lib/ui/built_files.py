"""Files that are built on a click: there for a minute, whoever works meanwhile, as long as all of them may leave.

Streamlit 1.67 forgets such a file after the next two runs of anybody's page, which a slow connection does not win, and
asks nobody before it hands one over. Nor can its app be given another storage, so this stands in place of the one that
it makes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryFile

from lib.errors import AppError

KEPT = 60.0  # seconds from when it was built


class Built(bytes):
    """A file's content that knows whether it may still leave; an AppError is a no."""

    may_leave: Callable[[], bool]


def built(content: bytes, may_leave: Callable[[], bool]) -> Built:
    made = Built(content)
    made.may_leave = may_leave
    return made


class BuiltFiles(memory_media_file_storage.MemoryMediaFileStorage):
    """Files in memory, of which one that is built is deleted no earlier than a minute later."""

    def __init__(self, media_endpoint: str) -> None:
        super().__init__(media_endpoint)
        self._until: dict[str, float] = {}
        self._may_leave: dict[str, Callable[[], bool]] = {}

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
        if kind == MediaFileKind.DOWNLOADABLE:
            self._until[file_id] = time.monotonic() + KEPT
        if isinstance(path_or_data, Built):  # of the same content built again, the last one counts
            self._may_leave[file_id] = path_or_data.may_leave
        return file_id

    def get_file(self, filename: str) -> MemoryFile:
        may_leave = self._may_leave.get(Path(filename).stem)
        try:
            if may_leave and not may_leave():
                raise MediaFileStorageError(filename)
        except AppError as error:
            raise MediaFileStorageError(filename) from error
        return super().get_file(filename)

    def delete_file(self, file_id: str) -> None:
        left = self._until.get(file_id, 0.0) - time.monotonic()
        if left > 0:
            later = threading.Timer(left, self.delete_file, (file_id,))
            later.daemon = True  # the server does not wait for it
            later.start()
        else:
            self._until.pop(file_id, None)
            self._may_leave.pop(file_id, None)
            super().delete_file(file_id)


def keep_built_files() -> None:
    """From now on, an app's files are of this kind."""
    memory_media_file_storage.MemoryMediaFileStorage = BuiltFiles  # type: ignore[misc]
