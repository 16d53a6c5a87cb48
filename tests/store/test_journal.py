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

from lib.changes import Change
from lib.errors import JournalDamaged, NewerSchema, NotSynced, NotWritten, StoreError
from lib.store.journal import Gone, Journal
from lib.store.record import Record

KEY = b"k" * 32
FRAME = 8  # bytes in front of a sealed record: its length, and the check of it


def record(name: str) -> Record:
    return Record(change=Change(set={"P-000001": {"name": name}}))


def name_of(read: Any) -> str:
    return str(read.record.change.set["P-000001"]["name"])


def names(journal: Journal, first: int = 1) -> list[str]:
    """What a fresh reader finds from a segment on."""
    return [name_of(read) for read in Journal(journal.folder, KEY).load(first)[1]]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of one segment with three records."""
    made = Journal(tmp_path / "journal", KEY)
    made.begin(1, {"questions": []})
    for name in ("one", "two", "three"):
        made.append(record(name))
    return made


@pytest.fixture
def long(journal: Journal) -> Journal:
    """A journal of three segments."""
    for segment in (2, 3):
        journal.begin(segment, {})
        for name in ("one", "two"):
            journal.append(record(f"{name} of {segment}"))
    return journal


def frames(path: Path) -> list[bytes]:
    """A segment in its parts: the magic, the header, and each record."""
    content = path.read_bytes()
    start = content.index(b"\n") + 1
    parts = [content[:start]]
    while start < len(content):
        end = start + FRAME + int.from_bytes(content[start : start + 4], "big")
        parts.append(content[start:end])
        start = end
    return parts


# -- there and back ----------------------------------------------------------------------------------------


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


# -- damage ------------------------------------------------------------------------------------------------


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


# -- torn --------------------------------------------------------------------------------------------------


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


# -- several readers ---------------------------------------------------------------------------------------


@pytest.fixture
def follower(journal: Journal) -> Journal:
    """Another process that has read the journal to its end."""
    other = Journal(journal.folder, KEY)
    other.load(1)
    return other


def tail(follower: Journal) -> list[str]:
    return [name_of(read) for read in follower.tail()]


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


# -- what fails --------------------------------------------------------------------------------------------


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
