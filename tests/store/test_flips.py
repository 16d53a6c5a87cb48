"""S7: a byte changed anywhere, a file cut or half zeros: a clear error or a right answer, and nothing is written."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from lib.errors import AppError, Damaged, JournalDamaged, NewerSchema, NotWritten, WrongPassword
from lib.store import Store, checkpoint

from .tools import BY, PASSWORD, contents, named, person

PLACES = 200


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register whose workbook is two segments of the journal behind, with records of each kind in both."""
    folder = tmp_path_factory.mktemp("original") / "data"
    store = Store.create(folder, PASSWORD)
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, notes=f"{name} sanoi\njotain"), by=BY)
    store.checkpoint()
    for number in range(2):
        store.update("P-000001", {"title": f"Johtaja {number}"}, by=BY)
        store.add(person(f"Uusi {number}", phone="040 1234567"), by=BY)
        with pytest.MonkeyPatch.context() as patch:  # a checkpoint that fails leaves the next segment
            patch.setattr(checkpoint, "write_beside", lambda *_: (_ for _ in ()).throw(NotWritten(reason="-")))
            with pytest.raises(NotWritten):
                store.checkpoint()
    store.remove(["P-000002"], by=BY, reason="expired")
    store.add(person("Viimeinen"), by=BY)
    assert len(store.journal.segments()) == 3 and store.journal.count == 2
    return folder


@pytest.fixture
def data_dir(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def frame(original: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    shutil.copytree(original, tmp_path_factory.mktemp("whole") / "data")
    return Store.open(original, PASSWORD).frame


def flips(content: bytes, seed: str) -> Iterator[bytes]:
    """The content with one byte changed at random places, and at each end."""
    chance = random.Random(seed)
    places = [0, len(content) - 1, *(chance.randrange(len(content)) for _ in range(PLACES))]
    for place in places:
        yield content[:place] + bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :]


def put(path: Path, content: bytes) -> None:
    """Let a file hold something else, and not since just now: what is new may still be on its way."""
    path.write_bytes(content)
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))


def opened(data_dir: Path, frame: pd.DataFrame, *, recover: bool = False) -> AppError | None:
    """Open a register: what was told, where it was refused and nothing written; else it is read as it was."""
    before = contents(data_dir)
    told: AppError | None = None
    try:
        store = Store.open(data_dir, PASSWORD, recover=recover)
    except AppError as error:
        told = error
    if told:
        assert contents(data_dir) == before
        assert str(told) and "{" not in str(told)
    else:
        assert store.frame.equals(frame)
    return told


def test_s7_a_byte_changed_anywhere_in_the_workbook_is_told_or_does_no_harm(
    data_dir: Path, original: Path, frame: pd.DataFrame
) -> None:
    path = data_dir / "prospects.xlsx"
    told = 0
    for content in flips(path.read_bytes(), "workbook"):
        put(path, content)
        error = opened(data_dir, frame)
        if error:
            told += 1
            assert isinstance(error, Damaged), error
            assert opened(data_dir, frame, recover=True) is None  # from the copies and the journal
        else:  # the byte says nothing; what was noted of it goes
            shutil.rmtree(data_dir)
            shutil.copytree(original, data_dir)
    assert told > PLACES / 2


@pytest.mark.parametrize("place", range(3))
def test_s7_a_byte_changed_anywhere_in_the_journal_is_told(data_dir: Path, frame: pd.DataFrame, place: int) -> None:
    path = sorted((data_dir / "journal").iterdir())[place]
    for content in flips(path.read_bytes(), path.name):
        put(path, content)
        error = opened(data_dir, frame)
        assert isinstance(error, (JournalDamaged, NewerSchema)), error


def test_s7_a_byte_changed_anywhere_in_the_keys_is_told_or_does_no_harm(data_dir: Path, frame: pd.DataFrame) -> None:
    path = data_dir / "keys.json"
    content = path.read_bytes()
    for place in range(len(content)):
        for value in {ord("0"), ord("9"), ord('"'), content[place] ^ 1} - {content[place]}:
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            assert isinstance(opened(data_dir, frame), (Damaged, WrongPassword, type(None)))


def test_s7_a_workbook_that_was_cut_anywhere_is_told(data_dir: Path, frame: pd.DataFrame) -> None:
    path = data_dir / "prospects.xlsx"
    content = path.read_bytes()
    for length in {0, 1, 511, 512, len(content) // 2, len(content) - 4096, len(content) - 512, len(content) - 1}:
        for cut in (content[:length], content[:length] + bytes(len(content) - length)):
            put(path, cut)
            assert isinstance(opened(data_dir, frame), (Damaged, type(None)))


def test_s7_the_last_record_cut_anywhere_was_never_acknowledged_and_the_others_are_there(
    data_dir: Path, frame: pd.DataFrame
) -> None:
    path = sorted((data_dir / "journal").iterdir())[-1]
    content = path.read_bytes()
    start = _start_of_last(content)
    expected = dict(zip(frame["id"], frame["name"], strict=True))
    assert expected.pop("P-000006") == "Viimeinen"
    for length in {*range(start, len(content), 4), start + 7, start + 8, len(content) - 1}:
        path.write_bytes(content[:length])
        before = contents(data_dir)
        store = Store.open(data_dir, PASSWORD)
        assert named(store) == expected
        assert contents(data_dir) == before  # reading mends nothing
    assert store.add(person("Sen Sijaan"), by=BY) == "P-000006"
    assert named(Store.open(data_dir, PASSWORD)) == {**expected, "P-000006": "Sen Sijaan"}
    for length in range(0, start, 37):  # and nothing before it may be
        put(path, content[:length] + b"\xff" * (len(content) - length))
        assert isinstance(opened(data_dir, frame), (JournalDamaged, NewerSchema))


def test_s7_the_last_record_whose_end_is_zeros_was_never_acknowledged(data_dir: Path, frame: pd.DataFrame) -> None:
    path = sorted((data_dir / "journal").iterdir())[-1]
    content = path.read_bytes()
    start = _start_of_last(content)
    for length in range(start, len(content) - 4, 9):
        path.write_bytes(content[:length] + bytes(len(content) - length))
        assert named(Store.open(data_dir, PASSWORD)) == dict(zip(frame["id"][:-1], frame["name"][:-1], strict=True))
    before = content.index(b"\n") + 1
    while (end := before + 8 + int.from_bytes(content[before : before + 4], "big")) < start:
        before = end
    for length in range(before + 8, start, 11):  # what was acknowledged does not vanish with it
        put(path, content[:length] + bytes(len(content) - length))
        assert isinstance(opened(data_dir, frame), JournalDamaged)


def _start_of_last(content: bytes) -> int:
    """Where a segment's last record begins."""
    start = content.index(b"\n") + 1
    while (end := start + 8 + int.from_bytes(content[start : start + 4], "big")) < len(content):
        start = end
    return start


def test_s7_a_segment_that_is_missing_is_told(data_dir: Path, frame: pd.DataFrame) -> None:
    paths = sorted((data_dir / "journal").iterdir())
    paths[1].unlink()
    error = opened(data_dir, frame)
    assert isinstance(error, JournalDamaged) and paths[1].name in str(error)


def test_s7_who_has_the_register_open_is_told_and_a_change_is_refused_where_the_journal_is_damaged(
    data_dir: Path, frame: pd.DataFrame
) -> None:
    store, other = Store.open(data_dir, PASSWORD), Store.open(data_dir, PASSWORD)
    other.add(person("Toiselta"), by=BY)
    path = other.journal.path(other.journal.segment)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    put(path, bytes(content))
    before = contents(data_dir)
    for attempt in (
        lambda: store.add(person("Evätty"), by=BY),
        lambda: store.update("P-000001", {"title": "Evätty"}, by=BY),
        lambda: store.remove(["P-000001"], by=BY, reason="expired"),
        lambda: store.note("download", BY),
        store.checkpoint,
        store.refresh,
        lambda: store.backup(by=BY),
        lambda: store.rekey("evätty salasana", by=BY),
    ):
        with pytest.raises(JournalDamaged):
            attempt()
        assert contents(data_dir) == before
    store.close()
    assert contents(data_dir) == before
    assert store.frame.equals(frame)


def test_s7_where_the_workbook_is_damaged_it_is_not_written_over_and_entries_go_on(
    data_dir: Path, frame: pd.DataFrame
) -> None:
    store = Store.open(data_dir, PASSWORD)
    content = bytearray(store.path.read_bytes())
    content[len(content) // 2] ^= 1
    put(store.path, bytes(content))
    before = contents(data_dir)
    for attempt in (store.refresh, store.checkpoint, lambda: store.backup(by=BY)):
        with pytest.raises(Damaged):
            attempt()
        assert contents(data_dir) == before
    assert store.add(person("Silti"), by=BY) == "P-000007"
    store.close()
    assert store.path.read_bytes() == bytes(content)
    with pytest.raises(Damaged):
        Store.open(data_dir, PASSWORD)
    assert named(Store.open(data_dir, PASSWORD, recover=True))["P-000007"] == "Silti"


def test_s7_a_wrong_password_is_told_and_nothing_is_written(data_dir: Path) -> None:
    before = contents(data_dir)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper()):
        with pytest.raises(WrongPassword):
            Store.open(data_dir, wrong)
    assert contents(data_dir) == before
