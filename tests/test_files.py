"""Files are the old ones or the new ones."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from lib import files
from lib.errors import Busy, NotSynced, NotWritten, StoreError
from lib.files import (
    is_there,
    listed,
    locked,
    read_json,
    remove_leftovers,
    swap,
    write_atomically,
    write_beside,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"first", b"the second, longer one", b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_swap_that_the_disk_does_not_confirm_is_told_apart_from_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", lambda _: (_ for _ in ()).throw(NotWritten(reason="-")))
        with pytest.raises(NotSynced):
            write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == ["a"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, os.strerror(errno.EIO))))
        with pytest.raises(NotWritten) as caught:
            write_atomically(tmp_path / "a", b"newer")
    assert not isinstance(caught.value, NotSynced)
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == ["a"]


def test_what_is_written_beside_takes_the_place_only_when_it_is_swapped_in(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    beside = write_beside(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old" and beside.read_bytes() == b"new" and beside.parent == tmp_path
    swap(beside, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == ["a"]
    with pytest.raises(NotWritten):  # it is gone
        swap(beside, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotWritten):
        write_atomically(tmp_path / "none" / "a", b"x")


def test_a_folder_in_the_way_is_told_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(NotWritten):
        write_atomically(tmp_path / "a", b"x")
    assert names(tmp_path) == ["a"]


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    with pytest.raises(NotWritten) as caught:
        write_atomically(tmp_path / "a", b"new")
    assert "the right to do so is missing" in str(caught.value)
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_an_interrupt_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"x")
    assert names(tmp_path) == []


def test_leftovers_of_one_file_go_and_other_files_stay(tmp_path: Path) -> None:
    for name in (".a.12ab34cd.tmp", ".b.12ab34cd.tmp", "a", "a.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "a")
    assert names(tmp_path) == [".b.12ab34cd.tmp", "a", "a.tmp"]


def test_a_folder_or_a_file_that_cannot_be_read_is_no_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.x", "a.x", ".a.x", "a.y"):
        (tmp_path / name).touch()
    assert [path.name for path in listed(tmp_path, "*.x")] == [".a.x", "a.x", "b.x"]
    assert listed(tmp_path / "none", "*") == []
    assert is_there(tmp_path / "a.x") and is_there(tmp_path) and not is_there(tmp_path / "none")

    def failing(*_: object, **__: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("listdir", "scandir", "stat"):
        monkeypatch.setattr(os, name, failing)
    for attempt in (lambda: listed(tmp_path, "*"), lambda: is_there(tmp_path / "a.x")):
        with pytest.raises(StoreError, match="the disk reports a fault"):
            attempt()
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "the right to do so is missing"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EIO, "the disk reports a fault"),
        (errno.ENAMETOOLONG, "the system answered File name too long"),
    ],
)
def test_each_fault_is_said_in_words(number: int, said: str) -> None:
    assert str(files.reason(OSError(number, os.strerror(number)))) == said


def test_json_comes_back_and_a_missing_file_is_the_default(tmp_path: Path) -> None:
    content = {"ä": [1, None, "😀"], "b": {"c": True}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json", None) == content
    assert read_json(tmp_path / "none.json", {"d": 1}) == {"d": 1}


def _hold(path: Path, held: object, free: object) -> None:
    with locked(path):
        held.set()  # type: ignore[attr-defined]
        free.wait(20)  # type: ignore[attr-defined]


def test_a_lock_that_another_process_holds_is_busy_and_free_afterwards(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, free = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(tmp_path / "a.lock", held, free))
    other.start()
    assert held.wait(20)
    with pytest.raises(Busy), locked(tmp_path / "a.lock", seconds=0.05):
        pass
    free.set()
    other.join()
    with locked(tmp_path / "a.lock", seconds=5), locked(tmp_path / "a.lock", seconds=0):
        pass  # a thread that holds it may enter again


def test_where_no_lock_can_be_the_user_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(NotWritten), locked(tmp_path / "a.lock", seconds=0.05):
        pass


def test_an_error_inside_the_lock_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "a.lock"):
        (tmp_path / "none").read_bytes()
