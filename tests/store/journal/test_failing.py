"""The journal on a disk that fails: what was refused is not there, what was acknowledged is."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from lib.errors import NotSynced, NotWritten
from lib.store.journal import Journal

from .segments import names, record, tail


def fail(patch: pytest.MonkeyPatch, *names: str) -> None:
    def failing(*_: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in names:
        patch.setattr(os, name, failing)


@pytest.mark.parametrize("step", ["open", "write", "fsync"])
def test_a_record_whose_step_fails_is_taken_back_and_the_next_one_takes_its_place(
    journal: Journal, follower: Journal, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = journal.path(1).read_bytes()
    with monkeypatch.context() as patch:
        fail(patch, step)
        with pytest.raises(NotWritten) as caught:
            journal.append(record("refused"))
    assert not isinstance(caught.value, NotSynced)
    assert journal.path(1).read_bytes() == before and journal.count == 3
    assert journal.append(record("next")) is None
    assert tail(follower) == ["next"] and names(journal)[3:] == ["next"]


def test_a_record_that_can_neither_be_confirmed_nor_be_taken_back_counts_and_is_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail(patch, "fsync", "ftruncate")
        assert isinstance(journal.append(record("unsure")), NotSynced)
    assert journal.count == 4 and names(journal)[3:] == ["unsure"]
    journal.append(record("next"))
    assert names(journal)[3:] == ["unsure", "next"]


def test_a_record_that_was_half_written_and_cannot_be_taken_back_is_dropped(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, content: bytes) -> int:
        write(descriptor, content[:30])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        fail(patch, "ftruncate")
        with pytest.raises(NotWritten, match="the disk is full"):
            journal.append(record("refused"))
    assert names(journal) == ["one", "two", "three"]
    journal.append(record("next"))
    assert names(journal)[3:] == ["next"]


def test_a_write_that_takes_a_part_at_a_time_is_gone_on_with(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:7]))
    journal.append(record("in parts"))
    assert names(journal)[3:] == ["in parts"]


def test_a_segment_that_the_disk_does_not_confirm_is_not_begun(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unconfirmed(_: Path) -> None:
        raise NotWritten(reason="-")

    with monkeypatch.context() as patch:
        patch.setattr("lib.files.sync_folder", unconfirmed)
        with pytest.raises(NotWritten) as caught:
            journal.begin(2, {})
    assert not isinstance(caught.value, NotSynced)  # its words are for a change that is there
    assert journal.segments() == [1]
    journal.append(record("four"))
    journal.begin(2, {})
    assert names(journal)[3:] == ["four"] and journal.segments() == [1, 2]


def test_a_segment_that_could_not_be_withdrawn_is_gone_on_with(
    journal: Journal, follower: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail(patch, "unlink")
        patch.setattr("lib.files.sync_folder", lambda _: (_ for _ in ()).throw(NotWritten(reason="-")))
        with pytest.raises(NotWritten):
            journal.begin(2, {})
    for reader in (journal, follower):
        assert tail(reader) == [] and reader.segment == 2
    journal.append(record("of 2"))
    assert tail(follower) == ["of 2"] and names(journal)[3:] == ["of 2"]


def test_what_a_killed_write_of_a_header_left_goes_when_the_segment_begins(journal: Journal) -> None:
    leftover = journal.folder / ".00000002.journal.12ab34cd.tmp"
    leftover.touch()
    journal.begin(2, {})
    assert not leftover.exists()
