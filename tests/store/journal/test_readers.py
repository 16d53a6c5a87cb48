"""The journal: other processes read it while it is written, begun afresh and cleared."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lib.errors import JournalDamaged, NotWritten
from lib.store.journal import Gone, Journal

from .segments import FRAME, KEY, name_of, names, record, tail


def test_a_reader_goes_on_from_where_it_was(journal: Journal, follower: Journal) -> None:
    assert tail(follower) == []
    journal.append(record("four"))
    journal.append(record("five"))
    assert tail(follower) == ["four", "five"] and tail(follower) == []
    assert (follower.segment, follower.count) == (1, 5)


def test_a_reader_follows_across_several_checkpoints_of_another_process(journal: Journal, follower: Journal) -> None:
    journal.append(record("four"))
    for segment in (2, 3, 4):
        journal.begin(segment, {})
        if segment != 3:
            journal.append(record(f"of {segment}"))
    assert [(read.segment, read.number, name_of(read)) for read in follower.tail()] == [
        (1, 4, "four"),
        (2, 1, "of 2"),
        (4, 1, "of 4"),
    ]
    assert (follower.segment, follower.count) == (4, 1)
    follower.append(record("by the follower"))
    assert tail(journal) == ["by the follower"]


def test_a_reader_whose_segment_went_has_to_read_anew(long: Journal, follower: Journal) -> None:
    follower = Journal(long.folder, KEY)
    follower.load(3)
    long.append(record("before"))
    long.begin(4, {})
    for segment in (1, 2, 3):
        long.remove(segment)
    with pytest.raises(Gone):
        follower.tail()
    with pytest.raises(Gone):
        follower.load(3)
    assert follower.load(4)[1] == []
    long.append(record("after"))
    assert tail(follower) == ["after"]


def test_a_reader_that_saw_a_record_which_was_taken_back_reads_anew(journal: Journal, follower: Journal) -> None:
    size = journal.path(1).stat().st_size
    journal.append(record("seen too early"))
    assert tail(follower) == ["seen too early"]
    os.truncate(journal.path(1), size)
    with pytest.raises(Gone):
        follower.tail()
    journal.load(1)
    journal.append(record("instead, and longer than what was there before"))
    with pytest.raises(Gone):
        follower.tail()
    assert names(journal)[3:] == ["instead, and longer than what was there before"]


def test_a_reader_is_told_of_damage_behind_its_place(journal: Journal, follower: Journal) -> None:
    end = journal.path(1).stat().st_size
    journal.append(record("four"))
    journal.append(record("five"))
    content = bytearray(journal.path(1).read_bytes())
    content[end + FRAME + 5] ^= 1
    journal.path(1).write_bytes(content)
    for _ in range(2):
        with pytest.raises(JournalDamaged) as caught:
            follower.tail()
        assert caught.value.text.params["position"] == end


def test_what_a_reader_found_before_a_fault_is_found_again_after_it(
    journal: Journal, follower: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would go on without it, and give a number that is taken."""
    journal.append(record("four"))
    journal.begin(2, {})
    journal.append(record("of 2"))
    read = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path == journal.path(2):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(NotWritten):
        follower.tail()
    monkeypatch.undo()
    assert tail(follower) == ["four", "of 2"]


def test_a_record_that_another_process_is_writing_just_now_waits_for_the_next_reading(
    journal: Journal, follower: Journal
) -> None:
    end = journal.path(1).stat().st_size
    journal.append(record("four"))
    content = journal.path(1).read_bytes()
    journal.path(1).write_bytes(content[: end + 20])
    assert tail(follower) == []
    journal.path(1).write_bytes(content)
    assert tail(follower) == ["four"]
