"""The journal: every record in its place or a word about it, and only the last one can be torn."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import JournalDamaged, NewerSchema, StoreError
from lib.store.journal import Gone, Journal

from .segments import FRAME, KEY, frames, name_of, names, record

# -- there and back ------------------------------------------------------------------------------------------


def test_records_come_back_in_order_with_their_places_and_the_headers_with_what_they_carry(long: Journal) -> None:
    carried, reads = Journal(long.folder, KEY).load(1)
    assert carried == {1: {"questions": []}, 2: {}, 3: {}}
    assert [(read.segment, read.number, name_of(read)) for read in reads] == [
        (1, 1, "one"),
        (1, 2, "two"),
        (1, 3, "three"),
        (2, 1, "one of 2"),
        (2, 2, "two of 2"),
        (3, 1, "one of 3"),
        (3, 2, "two of 3"),
    ]
    assert long.segments() == [1, 2, 3]
    assert names(long, 3) == ["one of 3", "two of 3"]


def test_nothing_in_it_is_readable_and_two_equal_records_look_different(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", KEY)
    journal.begin(1, {"questions": ["Salaisuus"]})
    for _ in range(2):
        journal.append(record("Salaisuus"))
    content = journal.path(1).read_bytes()
    assert b"alaisuus" not in content
    one, two = frames(journal.path(1))[2:]
    assert one != two and len(one) == len(two)


def test_who_loads_goes_on_appending_behind_the_last_record(journal: Journal) -> None:
    other = Journal(journal.folder, KEY)
    other.load(1)
    other.append(record("four"))
    assert (other.segment, other.count) == (1, 4)
    assert names(journal) == ["one", "two", "three", "four"]


def test_files_that_are_no_segments_are_passed_over(journal: Journal) -> None:
    for name in ("notes.txt", "1.journal", "0000000a.journal", ".00000009.journal.12ab34cd.tmp", "00000009.journal~"):
        (journal.folder / name).write_bytes(b"x")
    assert journal.segments() == [1] and names(journal) == ["one", "two", "three"]


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, failing)
    with pytest.raises(StoreError):
        journal.segments()
    monkeypatch.undo()
    shutil.rmtree(journal.folder)
    assert journal.segments() == []


# -- damage --------------------------------------------------------------------------------------------------


def without(parts: list[bytes], place: int) -> list[bytes]:
    return [part for n, part in enumerate(parts) if n != place]


DAMAGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a record is taken out": lambda parts: without(parts, 3),
    "the first record is taken out": lambda parts: without(parts, 2),
    "two records are swapped": lambda parts: [*parts[:2], parts[3], parts[2], *parts[4:]],
    "a record stands there twice": lambda parts: [*parts[:3], parts[2], *parts[3:]],
    "the last record stands there twice": lambda parts: [*parts, parts[-1]],
    "the header is taken out": lambda parts: without(parts, 1),
    "the header stands there as a record, too": lambda parts: [*parts, parts[1]],
    "the file is empty": lambda parts: [],
    "only the first line is left": lambda parts: parts[:1],
    "a record in the middle was written as zeros": lambda parts: [*parts[:3], bytes(len(parts[3])), *parts[4:]],
    "the end of a record in the middle is zeros": lambda parts: [
        *parts[:3],
        parts[3][:-20] + bytes(20),
        *parts[4:],
    ],
    "something follows that is no record": lambda parts: [*parts, b"what somebody else appended"],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_somebody_did_to_a_segment_is_told_and_nothing_is_written(journal: Journal, damage: str) -> None:
    parts = frames(journal.path(1))
    assert len(parts) == 5
    journal.path(1).write_bytes(b"".join(DAMAGES[damage](parts)))
    before = journal.path(1).read_bytes()
    with pytest.raises(JournalDamaged) as caught:
        names(journal)
    assert caught.value.text.params["file"] == "00000001.journal"
    assert 0 <= caught.value.text.params["position"] <= len(before)
    assert journal.path(1).read_bytes() == before


def test_a_segment_under_another_number_is_told(journal: Journal) -> None:
    journal.path(1).rename(journal.path(4))
    with pytest.raises(JournalDamaged) as caught:
        names(journal, 4)
    assert caught.value.text.params["file"] == "00000004.journal"


def test_a_segment_in_the_place_of_another_is_told(long: Journal) -> None:
    one, two = long.path(1).read_bytes(), long.path(2).read_bytes()
    long.path(1).write_bytes(two)
    long.path(2).write_bytes(one)
    with pytest.raises(JournalDamaged):
        names(long)


def test_a_record_moved_to_another_segment_is_told(long: Journal) -> None:
    long.path(3).write_bytes(long.path(3).read_bytes() + frames(long.path(2))[2])
    with pytest.raises(JournalDamaged) as caught:
        names(long)
    assert caught.value.text.params["file"] == "00000003.journal"


def test_the_last_record_of_a_segment_before_the_last_cannot_be_cut_off(long: Journal) -> None:
    """The next segment's header names it: it was there, and was acknowledged."""
    parts = frames(long.path(2))
    for end in (b"", parts[-1][:-1], bytes(len(parts[-1]))):
        long.path(2).write_bytes(b"".join(parts[:-1]) + end)
        with pytest.raises(JournalDamaged) as caught:
            names(long)
        assert caught.value.text.params["file"] == "00000003.journal"


def test_another_key_opens_nothing(journal: Journal) -> None:
    with pytest.raises(JournalDamaged):
        Journal(journal.folder, b"o" * 32).load(1)


@pytest.mark.parametrize("first_line", [b"PROSPECTS JOURNAL 2\n", b"PROSPECTS JOURNAL 9\n"])
def test_a_journal_of_a_newer_version_is_left_alone(journal: Journal, first_line: bytes) -> None:
    content = journal.path(1).read_bytes()
    journal.path(1).write_bytes(first_line + content[content.index(b"\n") + 1 :])
    with pytest.raises(NewerSchema):
        names(journal)


def test_a_segment_that_is_missing_is_told_from_one_that_went(long: Journal) -> None:
    long.path(2).unlink()
    for first in (1, 2, 4):
        with pytest.raises(Gone):
            Journal(long.folder, KEY).load(first)
    assert names(long, 3) == ["one of 3", "two of 3"]


# -- torn ----------------------------------------------------------------------------------------------------


def test_a_last_record_that_was_cut_while_it_was_written_is_dropped_and_written_over(journal: Journal) -> None:
    journal.append(record("one that is longer than what comes in its place"))
    *whole, last = frames(journal.path(1))
    for length in range(len(last)):
        journal.path(1).write_bytes(b"".join(whole) + last[:length])
        again = Journal(journal.folder, KEY)
        assert [name_of(read) for read in again.load(1)[1]] == ["one", "two", "three"]
        again.append(record("instead"))
        assert names(journal) == ["one", "two", "three", "instead"]


def test_a_last_record_whose_end_the_disk_did_not_write_is_dropped(journal: Journal) -> None:
    *whole, last = frames(journal.path(1))
    for length in range(len(last) - 4):
        journal.path(1).write_bytes(b"".join(whole) + last[:length] + bytes(len(last) - length))
        again = Journal(journal.folder, KEY)
        assert [name_of(read) for read in again.load(1)[1]] == ["one", "two"], length
        again.append(record("instead"))
        assert names(journal) == ["one", "two", "instead"]


def test_where_more_is_zeros_than_one_record_it_is_told(journal: Journal) -> None:
    """Only the one that was being written can be torn; what was in front of it was synced."""
    *whole, before, last = frames(journal.path(1))
    for length in range(FRAME, len(before)):
        journal.path(1).write_bytes(b"".join(whole) + before[:length] + bytes(len(before) - length + len(last)))
        with pytest.raises(JournalDamaged):
            names(journal)


def test_no_single_byte_that_changed_makes_a_record_vanish(journal: Journal) -> None:
    """Each byte of the file in turn, to zero and to something else."""
    content = journal.path(1).read_bytes()
    for place in range(len(content)):
        for value in {0, content[place] ^ 1, content[place] ^ 0xFF} - {content[place]}:
            journal.path(1).write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            with pytest.raises((JournalDamaged, NewerSchema)):
                names(journal)


@given(st.lists(st.text(max_size=300), max_size=8), st.integers(0, 10**6))
def test_whatever_was_written_comes_back_up_to_where_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, written: list[str], cut: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("cut") / "journal", KEY)
    journal.begin(1, {})
    ends = [journal.path(1).stat().st_size]
    for name in written:
        journal.append(record(name))
        ends.append(journal.path(1).stat().st_size)
    assert names(journal) == written
    length = ends[0] + cut % (ends[-1] - ends[0] + 1)
    os.truncate(journal.path(1), length)
    assert names(journal) == written[: sum(end <= length for end in ends) - 1]
