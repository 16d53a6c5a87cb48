"""Files that are built on a click: there for a minute, whoever works meanwhile, as long as all of them may leave.

Streamlit 1.67 forgets such a file after the next two runs of anybody's page, which a slow connection does not win, and
asks nobody before it hands one over. Nor can its app be given another storage, so this stands in place of the one that
it makes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

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

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
        if kind == MediaFileKind.DOWNLOADABLE:
            self._until[file_id] = time.monotonic() + KEPT
        return file_id

    def get_file(self, filename: str) -> MemoryFile:
        file = super().get_file(filename)
        if isinstance(file.content, Built) and not _may_leave(file.content):
            raise MediaFileStorageError(filename)
        return file

    def delete_file(self, file_id: str) -> None:
        left = self._until.get(file_id, 0.0) - time.monotonic()
        if left > 0:
            later = threading.Timer(left, self.delete_file, (file_id,))
            later.daemon = True  # the server does not wait for it
            later.start()
        else:
            self._until.pop(file_id, None)
            super().delete_file(file_id)


def _may_leave(content: Built) -> bool:
    try:
        return content.may_leave()
    except AppError:
        return False


def keep_built_files() -> None:
    """From now on, an app's files are of this kind."""
    memory_media_file_storage.MemoryMediaFileStorage = BuiltFiles  # type: ignore[misc]
