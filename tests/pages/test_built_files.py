"""Files that are built on a click: when they are there, and when no more."""

from __future__ import annotations

import time

import pytest
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError

from lib.errors import NotSignedIn
from lib.ui import built_files
from lib.ui.built_files import BuiltFiles, built

FILE, KIND = "rows", "text/csv"


def is_there(files: BuiltFiles, file_id: str) -> bool:
    try:
        return files.get_file(file_id).content == FILE.encode()
    except MediaFileStorageError:
        return False


def test_a_built_file_that_streamlit_forgets_is_there_for_its_time_and_then_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(built_files, "KEPT", 1.0)
    files = BuiltFiles("/media")
    file_id = files.load_and_get_id(FILE.encode(), KIND, MediaFileKind.DOWNLOADABLE, "list.csv")
    files.delete_file(file_id)
    assert is_there(files, file_id)
    end = time.monotonic() + 20
    while is_there(files, file_id):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_file_that_is_built_again_is_there_for_its_whole_time_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    files = BuiltFiles("/media")
    monkeypatch.setattr(built_files, "KEPT", 0.2)
    first = files.load_and_get_id(FILE.encode(), KIND, MediaFileKind.DOWNLOADABLE, "list.csv")
    files.delete_file(first)
    monkeypatch.setattr(built_files, "KEPT", 60.0)
    assert files.load_and_get_id(FILE.encode(), KIND, MediaFileKind.DOWNLOADABLE, "list.csv") == first
    time.sleep(0.5)
    assert is_there(files, first)


def test_a_built_file_is_given_only_while_it_may_leave() -> None:
    may: bool | None = True

    def may_leave() -> bool:
        if may is None:
            raise NotSignedIn
        return may

    files = BuiltFiles("/media")
    file_id = files.load_and_get_id(built(FILE.encode(), may_leave), KIND, MediaFileKind.DOWNLOADABLE, "list.csv")
    assert is_there(files, file_id) and is_there(files, f"{file_id}.csv")
    may = False
    assert not is_there(files, file_id) and not is_there(files, f"{file_id}.csv")
    may = None
    assert not is_there(files, file_id)
    again = built(FILE.encode(), lambda: True)  # the same rows in another session
    assert files.load_and_get_id(again, KIND, MediaFileKind.DOWNLOADABLE, "list.csv") == file_id
    assert is_there(files, file_id)


def test_what_no_click_built_goes_at_once() -> None:
    files = BuiltFiles("/media")
    file_id = files.load_and_get_id(FILE.encode(), "image/png", MediaFileKind.MEDIA)
    files.delete_file(file_id)
    assert not is_there(files, file_id)
