"""The list of removed rows: never forgotten, never taken for empty."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import threading
import time
from pathlib import Path

import pytest

from lib.errors import Damaged, NewerSchema, NotWritten
from lib.store.removed import Removed

DAY = dt.date(2026, 11, 22)
LATER = dt.date(2026, 12, 1)


@pytest.fixture
def removed(tmp_path: Path) -> Removed:
    return Removed(tmp_path / "removed")


def test_without_a_file_nothing_was_removed(removed: Removed) -> None:
    assert (removed.ids, removed.unfinished, removed.last_number, dict(removed.dates)) == (set(), set(), 0, {})
    removed.add({}, 0)
    removed.finished(["P-000001"])
    assert not removed.path.exists()


def test_s10_a_removed_row_is_known_to_everybody_and_unfinished_until_it_is_gone(removed: Removed) -> None:
    other = Removed(removed.path)
    assert other.ids == set()
    removed.add({"P-000002": DAY, "P-000001": DAY}, 7)
    for each in (removed, other, Removed(removed.path)):
        assert each.ids == {"P-000001", "P-000002"} == each.unfinished
        assert each.dates["P-000002"] == DAY and each.last_number == 7
    other.finished(["P-000002", "P-000009"])
    assert removed.unfinished == {"P-000001"} and removed.ids == {"P-000001", "P-000002"}


def test_a_row_that_is_in_keeps_its_date_and_does_not_become_unfinished_again(removed: Removed) -> None:
    removed.add({"P-000001": DAY}, 7)
    removed.finished(["P-000001"])
    removed.add({"P-000001": LATER, "P-000002": LATER}, 5)
    assert dict(removed.dates) == {"P-000001": DAY, "P-000002": LATER}
    assert removed.unfinished == {"P-000002"}
    assert removed.last_number == 7  # it never goes back, so no number is given again


def test_what_changes_nothing_writes_nothing(removed: Removed) -> None:
    removed.add({"P-000001": DAY}, 7)
    before = removed.path.stat()
    removed.add({"P-000001": LATER}, 7)
    removed.add({}, 6)
    removed.finished([])
    removed.finished(["P-000002"])
    assert removed.path.stat() == before
    removed.add({}, 8)
    assert Removed(removed.path).last_number == 8


def test_the_file_says_numbers_and_dates_and_nothing_else(removed: Removed) -> None:
    removed.add({"P-000123": DAY}, 200)
    assert json.loads(removed.path.read_text()) == {
        "version": 1,
        "last_number": 200,
        "removed": {"P-000123": "2026-11-22"},
        "unfinished": ["P-000123"],
    }
    assert os.name == "nt" or removed.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 1, "last_number": 1, "removed": {}}',
        b'{"version": 1, "last_number": 1, "removed": [], "unfinished": []}',
        b'{"version": 1, "last_number": 1, "removed": {"P-000001": 5}, "unfinished": []}',
        b'{"version": 1, "last_number": 1, "removed": {"P-000001": "22.11.2026"}, "unfinished": []}',
        b'{"version": 1, "last_number": "1", "removed": {}, "unfinished": []}',
        b'{"version": 1, "last_number": -1, "removed": {}, "unfinished": []}',
        b'{"version": 1, "last_number": 1, "removed": {}, "unfinished": ["P-000001"]}',
        b'{"version": "x", "last_number": 1, "removed": {}, "unfinished": []}',
    ],
    ids=lambda content: content[:60].decode("latin-1"),
)
def test_s10_a_damaged_file_is_told_and_never_taken_for_empty(removed: Removed, content: bytes) -> None:
    removed.path.write_bytes(content)
    for ask in (
        lambda: removed.ids,
        lambda: removed.unfinished,
        lambda: removed.add({"P-000001": DAY}, 1),
        lambda: removed.finished([]),
    ):
        with pytest.raises(Damaged) as caught:
            ask()
        assert "The file removed is damaged" in str(caught.value)
    assert removed.path.read_bytes() == content


def test_s10_a_file_that_cannot_be_read_is_told_and_never_taken_for_empty(
    removed: Removed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed.add({"P-000001": DAY}, 7)
    with monkeypatch.context() as patch:

        def refused(_: Path) -> bytes:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        patch.setattr(Path, "read_bytes", refused)
        with pytest.raises(Damaged, match="cannot be read"):
            Removed(removed.path).add({"P-000002": DAY}, 7)
    assert removed.ids == {"P-000001"}
    (tmp_path / "folder").mkdir()
    with pytest.raises(Damaged):
        Removed(tmp_path / "folder").ids  # noqa: B018
    (tmp_path / "a file").touch()
    with pytest.raises(Damaged):
        Removed(tmp_path / "a file" / "removed").ids  # noqa: B018


def test_a_file_that_was_damaged_while_the_program_ran_is_told(removed: Removed) -> None:
    removed.add({"P-000001": DAY}, 7)
    assert removed.ids
    removed.path.write_bytes(removed.path.read_bytes()[:-5])
    with pytest.raises(Damaged):
        removed.ids  # noqa: B018


def test_a_file_of_a_newer_version_is_left_alone(removed: Removed) -> None:
    removed.path.write_text('{"version": 2, "anything": true}')
    with pytest.raises(NewerSchema):
        removed.add({"P-000001": DAY}, 1)
    assert "anything" in removed.path.read_text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_s1_a_write_that_fails_keeps_the_old_list_and_leaves_no_stray(
    removed: Removed, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    removed.add({"P-000001": DAY}, 7)

    real = getattr(os, step)

    def fails(target: object, *given: object, **named: object) -> object:
        if str(target).endswith(".lock"):
            return real(target, *given, **named)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fails)
        for change in (lambda: removed.add({"P-000002": DAY}, 8), lambda: removed.finished(["P-000001"])):
            with pytest.raises(NotWritten):
                change()
    assert removed.unfinished == {"P-000001"} == removed.ids == Removed(removed.path).ids
    assert {path.name for path in removed.path.parent.iterdir()} <= {"removed", "removed.lock"}
    removed.add({"P-000002": DAY}, 8)
    assert removed.ids == {"P-000001", "P-000002"}


def test_s10_no_row_is_forgotten_when_several_enter_at_once(removed: Removed) -> None:
    def enter(first: int) -> None:
        mine = Removed(removed.path)
        for number in range(first, first + 20):
            mine.add({f"P-{number:06d}": DAY}, number)
            if number % 2:
                mine.finished([f"P-{number:06d}"])

    threads = [threading.Thread(target=enter, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"P-{first + number:06d}" for first in (0, 100, 200, 300) for number in range(20)}
    assert removed.ids == expected and removed.last_number == 319
    assert removed.unfinished == {i for i in expected if int(i[2:]) % 2 == 0}


def test_a_hundred_thousand_removed_rows_stay_quick(removed: Removed) -> None:
    many = {f"P-{number:06d}": DAY for number in range(100_000)}
    removed.add(many, 100_000)
    other = Removed(removed.path)
    assert len(other.ids) == 100_000
    started = time.perf_counter()
    for _ in range(200):
        assert "P-000500" in other.ids and len(other.unfinished) == 100_000
    assert time.perf_counter() - started < 0.1  # a stat each
    started = time.perf_counter()
    removed.finished(many)
    removed.add({"P-100001": DAY}, 100_001)
    assert len(other.ids) == 100_001 and other.unfinished == {"P-100001"}
    assert time.perf_counter() - started < 5  # some tenths of a second
