"""Copies: what their names say, and that they are whole or not there."""

from __future__ import annotations

import datetime as dt
import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import StoreError, WorkbookMissing
from lib.store.copies import KINDS, Copy, name_of, parsed

from .place import DAY, NOW, Place, names

# -- names -------------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(KINDS),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 31)),
    st.integers(0, 10**12),
    st.integers(0, 10**7),
)
def test_a_name_says_all_that_is_known(kind: str, made: dt.datetime, generation: int, rows: int) -> None:
    made = made.replace(microsecond=0)
    path = Path(name_of(kind, made, generation, rows))
    assert parsed(path, 5) == Copy(path, kind, made, generation, rows, 5, "own")


@pytest.mark.parametrize(
    "name",
    [
        "daily-20261122T130500-g42-r1234.XLSX",
        "daily-20261122T130500-g42-r1234.xlsx.bak",
        "Copy of daily-20261122T130500-g42-r1234.xlsx",
        "daily-20261122T130500-g042-r1234.xlsx",
        "daily-20261322T130500-g42-r1234.xlsx",
        "daily-20261122T130560-g42-r1234.xlsx",
        "daily-20261122T130500-g-1-r1234.xlsx",
        "daily-20261122T130500-g٤٢-r1234.xlsx",
        "weekly-20261122T130500-g42-r1234.xlsx",
        "daily-20261122-g42-r1234.xlsx",
        "daily-20261122T130500-g" + "9" * 200 + "-r1.xlsx",
        "prospects.xlsx",
        "~$daily-20261122T130500-g42-r1234.xlsx",
        ".~lock.daily-20261122T130500-g42-r1234.xlsx#",
        "",
    ],
)
def test_another_name_is_no_copy(name: str) -> None:
    assert parsed(Path("folder") / name, 5) is None


# -- keeping and looking -----------------------------------------------------------------------------------------------


def test_without_backups_there_is_nothing(place: Place) -> None:
    b = place.backups
    assert (b.all(), b.generations(), b.newest_generation(), b.generation(1), b.behind()) == ([], [], None, None, [])
    assert b.unreachable is None and not b.same_disk() and b.needs_daily(NOW) and b.rotate(NOW) == []
    assert names(place.data) == []


def test_a_kept_copy_is_there_as_it_was_given(place: Place) -> None:
    copy = place.keep("daily", b"sealed bytes", generation=42, rows=1234, now=NOW.replace(microsecond=7))
    assert copy.path == place.data / "backups" / "daily-20261122T130500-g42-r1234.xlsx"
    assert copy == Copy(copy.path, "daily", NOW, 42, 1234, 12, "own")
    assert place.backups.all() == [copy] == place.again().all()
    assert place.backups.read(copy) == b"sealed bytes"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_nobody_else_may_read_the_copies(place: Place) -> None:
    place.choose()
    copy = place.keep()
    for path in (copy.path, place.second / copy.path.name):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_newest_comes_first(place: Place) -> None:
    place.choose()
    for number, kind in enumerate(("manual", "daily", "generation", "restore"), 1):
        place.keep(kind, generation=number, now=NOW + number * dt.timedelta(minutes=1))
    found = place.backups.all()
    assert [(c.kind, c.place) for c in found] == [
        ("restore", "own"),
        ("restore", "second"),
        ("generation", "own"),
        ("daily", "own"),
        ("daily", "second"),
        ("manual", "own"),
        ("manual", "second"),
    ]


def test_what_is_no_copy_is_left_out(place: Place) -> None:
    copy = place.keep()
    for name in ("notes.txt", f"{copy.path.name}.bak", f".{copy.path.name}.0123abcd.tmp", f".~lock.{copy.path.name}#"):
        (copy.path.parent / name).write_bytes(b"x")
    (copy.path.parent / "manual-20260101T000000-g1-r1.xlsx").mkdir()
    (copy.path.parent / "manual-20260102T000000-g1-r1.xlsx").symlink_to(copy.path)
    assert place.backups.all() == [copy]


def test_a_generation_is_found_by_its_number(place: Place) -> None:
    for number in (3, 4, 5):
        place.keep("generation", b"%d" % number, generation=number, now=NOW + number * DAY)
    place.keep("daily", generation=5, now=NOW + 6 * DAY)
    backup = place.keep("daily", generation=2, now=NOW)
    for kind in KINDS[2:]:  # made while somebody holds the workbook open, they hold later changes already
        place.keep(kind, generation=1, now=NOW)
    b = place.backups
    assert [c.generation for c in b.generations()] == [5, 4, 3] and b.newest_generation() == b.generations()[0]
    found = b.generation(5)
    assert found and found.kind == "generation" and b.read(found) == b"5"
    assert b.generation(2) == backup and b.generation(1) is None


def test_of_a_generation_written_twice_the_second_counts(place: Place) -> None:
    place.keep("generation", b"before the crash", generation=7)
    place.keep("generation", b"after it", generation=7)
    found, newest = place.backups.generation(7), place.backups.newest_generation()
    assert found and found == newest and place.backups.read(found) == b"after it"


def test_the_last_generation_is_known_by_its_number_though_the_clock_was_set_back(place: Place) -> None:
    place.keep("generation", generation=7, now=NOW)
    place.keep("generation", generation=8, now=NOW - DAY)
    assert [c.generation for c in place.backups.generations()] == [8, 7]


@pytest.mark.parametrize("kind", ["manual", "generation"])
def test_two_copies_in_one_second_do_not_overwrite_each_other(place: Place, kind: str) -> None:
    place.choose()
    kept = [place.keep(kind, b"%d" % number, rows=number // 2) for number in range(4)]
    assert len({copy.key for copy in kept}) == 4
    assert [place.backups.read(copy) for copy in kept] == [b"0", b"1", b"2", b"3"]
    assert len(place.backups.all()) == (8 if kind == "manual" else 4)


def test_a_copy_that_is_only_in_the_second_place_is_not_overwritten_either(place: Place) -> None:
    place.choose()
    place.keep(content=b"first").path.unlink()
    assert place.keep(content=b"second").made == NOW + dt.timedelta(seconds=1)
    assert {place.backups.read(copy) for copy in place.backups.all()} == {b"first", b"second"}


def test_a_daily_copy_is_wanted_once_a_calendar_day(place: Place) -> None:
    midnight = NOW.replace(hour=0, minute=0)
    for kind in KINDS:
        if kind != "daily":
            place.keep(kind)
    assert place.backups.needs_daily(NOW)
    place.keep("daily", now=midnight - dt.timedelta(seconds=1))
    assert place.backups.needs_daily(midnight)
    place.keep("daily", now=midnight)
    assert not place.backups.needs_daily(midnight + dt.timedelta(hours=23))
    assert place.backups.needs_daily(midnight + DAY)


def test_a_kind_that_nobody_knows_is_refused(place: Place) -> None:
    with pytest.raises(ValueError):
        place.keep("weekly")
    assert names(place.data) == []


def test_a_copy_that_is_gone_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = place.keep()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        with pytest.raises(StoreError, match="reports a fault"):
            place.backups.read(copy)
    copy.path.unlink()
    with pytest.raises(WorkbookMissing, match="not there any more"):
        place.backups.read(copy)


def test_a_folder_that_cannot_be_listed_is_told(place: Place) -> None:
    place.backups.folder.write_bytes(b"in the way")
    for ask in (place.backups.all, place.backups.generations, place.keep):
        with pytest.raises(StoreError):
            ask()
