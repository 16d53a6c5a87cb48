"""Backups: whole or not there, in both places, as many and as old as the settings say."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import files
from lib.errors import Damaged, NotWritten, StoreError, WorkbookMissing
from lib.settings import Settings
from lib.store import copies
from lib.store.backups import Backups
from lib.store.copies import KINDS, Copy, name_of, parsed, surplus

NOW = dt.datetime(2026, 11, 22, 13, 5)
DAY = dt.timedelta(days=1)
ROOT = Path(__file__).parents[2]


class Place:
    """A data folder with its backups, and a second place to choose."""

    def __init__(self, folder: Path) -> None:
        self.rules = Settings()
        self.data = folder / "data"
        self.disk = folder / "disk"
        for path in (self.data, self.disk):
            path.mkdir()
        self.backups = Backups(self.data, lambda: self.rules)

    def choose(self, place: Path | str | None = None, **others: Any) -> None:
        self.rules = replace(self.rules, second_place=str(place or self.disk), **others)

    def again(self) -> Backups:
        """As another process, or the next start, sees it."""
        return Backups(self.data, lambda: self.rules)

    @property
    def second(self) -> Path:
        """The folder of the copies in the second place."""
        return self.disk / json.loads((self.backups.folder / "second_place.json").read_text())["folder"]

    def keep(self, kind: str = "manual", content: bytes = b"sealed", **others: Any) -> Copy:
        facts: dict[str, Any] = {"generation": 1, "rows": 10, "now": NOW, **others}
        return self.backups.keep(kind, content, **facts)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def own_names(place: Place) -> list[str]:
    return [name for name in names(place.backups.folder) if name != "second_place.json"]


def keys(found: list[Copy]) -> list[tuple[str, int]]:
    return [(copy.kind, copy.generation) for copy in found]


# -- names ---------------------------------------------------------------------------------------------------------


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


# -- keeping and looking -------------------------------------------------------------------------------------------


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


# -- the second place ----------------------------------------------------------------------------------------------


def test_every_copy_but_generations_goes_to_the_second_place_too(place: Place) -> None:
    place.choose()
    for kind in KINDS:
        place.keep(kind, kind.encode())
    assert {path.name.split("-")[0] for path in place.second.iterdir()} == set(KINDS) - {"generation"}
    for path in place.second.iterdir():
        assert path.read_bytes() == path.name.split("-")[0].encode()
    assert place.backups.unreachable is None and place.backups.behind() == []


def test_without_a_second_place_nothing_lies_elsewhere(place: Place) -> None:
    place.keep()
    assert names(place.disk) == [] and names(place.data) == ["backups"] and len(own_names(place)) == 1


def test_s9_a_second_place_that_is_away_fails_no_backup_and_is_told_and_caught_up_with(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.choose()
    place.keep(now=NOW)
    away = place.disk.rename(place.disk.with_name("away"))
    with caplog.at_level(logging.WARNING):
        kept = [place.keep("daily", b"%d" % n, now=NOW + n * DAY) for n in (1, 2, 3)]
    assert str(place.disk) in caplog.text and len(caplog.records) == 1  # told once, not at each
    assert [c.place for c in place.backups.all()] == ["own"] * 4
    assert "not there" in str(place.backups.unreachable)
    assert len(place.backups.behind()) == 4  # as far as can be seen
    place.backups.rotate(NOW + 3 * DAY)
    away.rename(place.disk)
    assert place.again().unreachable is None
    assert place.backups.behind() == kept[::-1]
    place.backups.catch_up()
    assert place.backups.behind() == [] and place.backups.unreachable is None
    assert {path.read_bytes() for path in place.second.iterdir()} == {b"sealed", b"1", b"2", b"3"}


def test_s10_the_empty_folder_of_a_disk_that_is_not_connected_is_not_taken_for_the_second_place(place: Place) -> None:
    place.choose()
    copy = place.keep()
    away = place.disk.rename(place.disk.with_name("away"))
    place.disk.mkdir()  # what stands at a mount point without its disk
    for backups in (place.backups, place.again()):
        assert "Connect the disk" in str(backups.unreachable)
        assert len(backups.all()) == 1 and backups.behind() == [copy]
        backups.catch_up()
        backups.rotate(NOW)
    place.keep(now=NOW + DAY)
    assert names(place.disk) == []
    place.disk.rmdir()
    away.rename(place.disk)
    assert place.again().unreachable is None and len(place.backups.all()) == 3


def test_a_second_place_that_was_left_and_chosen_again_is_known_again(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    place.choose()
    place.keep()
    place.choose(tmp_path / "other")
    place.keep(now=NOW + DAY)
    assert place.backups.behind() != []
    place.backups.catch_up()
    assert place.backups.behind() == []
    shutil.rmtree(place.disk)
    place.disk.mkdir()
    place.choose()
    assert "Connect the disk" in str(place.backups.unreachable)
    place.second.mkdir()  # as the message asks for
    place.backups.catch_up()
    assert place.backups.unreachable is None and place.backups.behind() == []


def test_two_registers_share_a_second_place_and_do_not_touch_each_others_copies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = Place(tmp_path / "one"), Place(tmp_path / "two")
    for register in (one, two):
        register.choose(one.disk, backups_other=1)
        register.keep("restore", b"a")
        register.keep("manual", b"b", now=NOW + DAY)
        register.backups.rotate(NOW + DAY)
    assert len(list(one.disk.rglob("manual*"))) == 2 and not list(one.disk.rglob("restore*"))
    assert [c.kind for c in one.backups.all()] == ["manual", "manual"] == [c.kind for c in two.backups.all()]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("none", "it is not there"),
        ("file", "it is not there"),
        ("data/inside", "it lies in the data folder"),
        ("link", "it lies in the data folder"),
        ("C:\\else", "it is not there"),
        ("nul\0", "it is not there"),
    ],
)
def test_a_second_place_that_cannot_be_one_is_told_and_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch, chosen: str, said: str
) -> None:
    monkeypatch.chdir(place.disk)
    (place.disk / "C:\\else").mkdir()  # on this system a relative path
    (place.data / "inside").mkdir()
    (place.data.parent / "file").touch()
    (place.data.parent / "link").symlink_to(place.data)
    place.choose(chosen if "\\" in chosen else f"{place.data.parent}/{chosen}")
    generations = [place.keep("generation", generation=n, now=NOW + n * DAY) for n in (1, 2)]
    copy = place.keep()
    assert said in str(place.backups.unreachable)
    assert place.backups.all() == [generations[1], generations[0], copy] and place.backups.behind() == [copy]
    assert not place.backups.same_disk()
    place.backups.catch_up()
    place.backups.rotate(NOW)
    assert names(place.data / "inside") == []


def test_a_second_place_that_takes_no_writes_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.choose()
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).startswith(str(place.disk)))
    assert "right to write" in str(place.backups.unreachable)


def test_a_second_place_that_failed_stays_told_until_a_copy_is_written_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.choose()
    place.keep(now=NOW - DAY)
    with monkeypatch.context() as patch:
        real = os.open

        def full(path: Any, *given: Any, **named: Any) -> int:
            if str(path).endswith(".tmp") and str(path).startswith(str(place.disk)):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(path, *given, **named)

        patch.setattr(os, "open", full)
        place.keep("daily")
        place.backups.rotate(NOW)
        assert "the disk is full" in str(place.backups.unreachable)
        place.backups.catch_up()
        assert "the disk is full" in str(place.backups.unreachable) and len(place.backups.behind()) == 1
    place.choose(place.disk.parent)
    assert place.backups.unreachable is None  # it was the other place that failed
    place.choose()
    assert place.backups.unreachable
    place.keep()
    assert place.backups.unreachable is None and len(place.backups.behind()) == 1
    place.backups.catch_up()
    assert place.backups.behind() == []


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"folder": "../..", "places": []}', b"\xff"])
def test_a_memory_of_the_second_place_that_cannot_be_read_is_told(place: Place, content: bytes) -> None:
    place.choose()
    place.keep()
    (place.backups.folder / "second_place.json").write_bytes(content)
    assert "second_place.json" in str(place.backups.unreachable)
    assert len(place.backups.all()) == 1
    place.keep(now=NOW + DAY)


def test_whether_the_second_place_is_another_disk_is_known(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not place.backups.same_disk()
    place.choose()
    assert place.backups.same_disk()
    real = Path.stat

    def elsewhere(path: Path, **named: Any) -> os.stat_result:
        state = list(real(path, **named))
        return os.stat_result([*state[:2], 99 if path == place.disk else state[2], *state[3:]])

    monkeypatch.setattr(Path, "stat", elsewhere)
    assert not place.backups.same_disk()


# -- rotation ------------------------------------------------------------------------------------------------------


def test_s9_backups_go_by_count(place: Place) -> None:
    place.choose(backups_daily=3, backups_other=2)
    for day in range(6):
        for hour in (8, 16):
            now = NOW.replace(hour=hour) + day * DAY
            place.keep("daily", generation=day * 2 + hour // 16, now=now)
            place.keep("generation", generation=day * 2 + hour // 16, now=now)
            place.keep(KINDS[2 + day % 4], generation=day * 2 + hour // 16, now=now)
    gone = place.backups.rotate(NOW + 5 * DAY)
    left = place.backups.all()
    assert {(c.path, c.place) for c in gone}.isdisjoint((c.path, c.place) for c in left)
    own = [c for c in left if c.place == "own"]
    assert [c.generation for c in own if c.kind == "generation"] == [11, 10, 9]
    assert [c.generation for c in own if c.kind == "daily"] == [11, 9, 7]  # the newest of each day
    assert [c.generation for c in own if c.kind not in ("daily", "generation")] == [11, 10]
    assert keys([c for c in left if c.place == "second"]) == keys([c for c in own if c.kind != "generation"])
    assert place.backups.rotate(NOW + 5 * DAY) == []


def test_s9_backups_go_by_age_but_never_the_newest_daily_and_the_newest_generation(place: Place) -> None:
    place.choose(backups_days=10, backups_other=20)
    for number, kind in itertools.product((1, 2), KINDS):
        place.keep(kind, generation=number, now=NOW + number * dt.timedelta(minutes=1))
    assert len(place.backups.rotate(NOW + 10 * DAY)) == 2  # two daily copies of one day; nothing is too old yet
    place.backups.rotate(NOW + 11 * DAY)
    assert sorted(keys(place.backups.all())) == [("daily", 2), ("daily", 2), ("generation", 2)]
    place.backups.rotate(NOW + 4000 * DAY)
    assert len(place.backups.all()) == 3


def test_s9_a_clock_that_was_set_back_makes_no_new_generation_go(place: Place) -> None:
    for number in range(1, 6):
        place.keep("generation", generation=number, now=NOW + number * DAY)
    for number in (6, 7, 8):
        place.keep("generation", generation=number, now=NOW - number * DAY)
        place.backups.rotate(NOW - number * DAY)
    assert [c.generation for c in place.backups.generations()] == [8, 7, 6, 5, 4, 3]  # the last by number, and by time


def test_the_shipped_settings_keep_a_week_and_four() -> None:
    copies_made = [
        Copy(Path(f"{kind}{n}"), kind, NOW - n * DAY, n, 1, 1) for n in range(40) for kind in ("daily", "manual")
    ]
    gone = surplus(copies_made, Settings(), NOW)
    left = [c for c in copies_made if c not in gone]
    assert sorted((c.kind, c.generation) for c in left) == [
        *(("daily", n) for n in range(7)),
        *(("manual", n) for n in range(4)),
    ]


_copies = st.builds(
    lambda kind, days, generation, rows: Copy(
        Path(f"{kind}{days}{generation}{rows}"), kind, NOW - days * DAY / 2, generation, rows, 1
    ),
    st.sampled_from(KINDS),
    st.integers(-20, 200),
    st.integers(0, 30),
    st.integers(0, 2),
)


@given(st.lists(_copies, unique_by=lambda c: c.path), st.integers(1, 60), st.integers(1, 20), st.integers(1, 365))
def test_s9_whatever_there_is_the_newest_stay_and_no_more_than_the_settings_say(
    found: list[Copy], daily: int, other: int, days: int
) -> None:
    rules = Settings(backups_daily=daily, backups_other=other, backups_days=days)
    gone = surplus(found, rules, NOW)
    left = [c for c in found if c not in gone]
    assert len(gone) + len(left) == len(found) and surplus(left, rules, NOW) == []
    for kind in ("daily", "generation"):
        before, after = ([c for c in those if c.kind == kind] for those in (found, left))
        if before:
            assert max(c.made for c in before) in {c.made for c in after}
    generations = [c for c in left if c.kind == "generation"]
    assert len(generations) <= 6
    if numbers := [c.generation for c in found if c.kind == "generation"]:
        assert max(numbers) in {c.generation for c in generations}
    dates = [c.made.date() for c in left if c.kind == "daily"]
    assert len(dates) == len(set(dates)) <= daily
    assert len([c for c in left if c.kind not in ("daily", "generation")]) <= other
    old = [c for c in left if c.made < NOW - days * DAY]
    assert len([c for c in old if c.kind == "daily"]) <= 1 and len(old) <= 3


def test_rotation_touches_nothing_that_it_does_not_know_by_name(place: Place) -> None:
    place.choose(backups_daily=1)
    for n in range(3):
        place.keep("daily", now=NOW + n * DAY)
    strange = ["notes.txt", "daily-20200101T000000-g1-r1 (copy).xlsx", "weekly-20200101T000000-g1-r1.xlsx"]
    for folder in (place.backups.folder, place.second, place.disk):
        for name in strange:
            (folder / name).write_bytes(b"x")
    (place.backups.folder / "daily-20200101T000000-g1-r1.xlsx").mkdir()
    (place.disk / "daily-20200101T000000-g1-r1.xlsx").write_bytes(b"of somebody else")
    place.backups.rotate(NOW + 2 * DAY)
    assert set(names(place.second)) == {*strange, "daily-20261124T130500-g1-r10.xlsx"}
    assert set(own_names(place)) == {*names(place.second), "daily-20200101T000000-g1-r1.xlsx"}
    assert set(names(place.disk)) == {*strange, place.second.name, "daily-20200101T000000-g1-r1.xlsx"}


def test_s10_what_killed_writes_left_goes(place: Place) -> None:
    place.choose()
    copy = place.keep()
    left = [f".{name}.0123abcd.tmp" for name in (copy.path.name, copy.path.name.replace("r10", "r9"))]
    left += [".generation-20200101T000000-g1-r1.xlsx.ffffffff.tmp", ".second_place.json.0123abcd.tmp"]
    kept = [".0123abcd.tmp", f".{copy.path.name}.tmp", f"{copy.path.name}.0123abcd.tmp", ".notes.0123abcd.tmp"]
    for folder in (place.backups.folder, place.second):
        for name in left + kept:
            (folder / name).write_bytes(b"a removed row")
    place.backups.remove_leftovers()
    assert set(own_names(place)) == {copy.path.name, *kept} == set(names(place.second))


def test_one_copy_that_cannot_be_removed_keeps_no_other_from_going(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.choose(backups_daily=1)
    kept = [place.keep("daily", now=NOW + n * DAY) for n in range(4)]
    real = os.unlink

    def stuck(path: Any, **named: Any) -> None:
        if Path(path) == kept[2].path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        real(path, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", stuck)
        with pytest.raises(NotWritten, match="could not be removed: the right to do so is missing"):
            place.backups.rotate(NOW + 4 * DAY)
    assert [c.made.day for c in place.backups.all() if c.place == "own"] == [25, 24]
    assert [c.made.day for c in place.backups.all() if c.place == "second"] == [25]
    place.backups.rotate(NOW + 4 * DAY)
    assert len(place.backups.all()) == 2


# -- replacing -----------------------------------------------------------------------------------------------------


def test_s10_a_copy_is_replaced_by_the_same_without_a_row(place: Place) -> None:
    place.choose()
    place.keep("daily", b"with the row", rows=10, generation=5)
    for copy in place.backups.all():
        after = place.backups.replace(copy, b"without", 9)
        assert (after.key, after.generation, after.rows, after.size, after.place) == (copy.key, 5, 9, 7, copy.place)
        assert after.path.parent == copy.path.parent and place.backups.read(after) == b"without"
    assert own_names(place) == names(place.second) == ["daily-20261122T130500-g5-r9.xlsx"]
    assert place.backups.behind() == []


def test_s11_a_copy_under_a_new_password_keeps_its_name(place: Place) -> None:
    copy = place.keep("daily", b"old password")
    assert place.backups.replace(copy, b"new password", copy.rows) == replace(copy, size=12)
    assert place.backups.all() == [replace(copy, size=12)] and place.backups.read(copy) == b"new password"


def test_a_copy_that_was_replaced_in_one_place_only_is_not_copied_beside_the_old_one(place: Place) -> None:
    place.choose()
    place.backups.replace(place.keep(rows=10), b"less", 9)
    assert place.backups.behind() == []  # the one in the second place is still to be replaced


@pytest.mark.parametrize("rows", [9, 10])
def test_s10_killed_between_write_and_removal_both_are_there_and_doing_it_again_ends_well(
    place: Place, rows: int
) -> None:
    place.keep("daily", b"with the row", rows=10)
    code = (
        "import os, signal, sys, pathlib\n"
        "from lib.settings import Settings\n"
        "from lib.store.backups import Backups\n"
        "backups = Backups(pathlib.Path(sys.argv[1]), Settings)\n"
        "copy = backups.all()[0]\n"
        "os.unlink = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backups.replace(copy, b'without', int(sys.argv[2]))\n"
        "print('not killed')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, place.data, str(rows)], cwd=ROOT, capture_output=True, text=True)
    if rows == 9:
        assert ran.returncode == -signal.SIGKILL
        assert [place.backups.read(c) for c in place.backups.all()] == [b"without", b"with the row"]
        assert place.backups.behind() == []
    else:  # nothing is to be removed: the swap itself is the replacement
        assert ran.stdout == "not killed\n"
    for copy in place.backups.all():
        if place.backups.read(copy) != b"without":
            place.backups.replace(copy, b"without", rows)
    assert [(c.rows, place.backups.read(c)) for c in place.backups.all()] == [(rows, b"without")]


@pytest.mark.parametrize("kind", ["daily", "manual", "generation"])
def test_of_both_that_a_killed_replacement_left_rotation_keeps_the_new_one(place: Place, kind: str) -> None:
    old = place.keep(kind, b"with the row", rows=10)
    copies.write(old.path.with_name(name_of(kind, old.made, old.generation, 9)), b"without")
    place.backups.rotate(NOW)
    assert [place.backups.read(c) for c in place.backups.all()] == [b"without"]


def test_a_dropped_copy_is_gone_and_may_be_dropped_again(place: Place) -> None:
    copy = place.keep()
    place.backups.drop(copy)
    place.backups.drop(copy)
    assert own_names(place) == []


# -- faults --------------------------------------------------------------------------------------------------------

STEPS = ("open", "fsync", "replace", "unlink", "mkdir", "listdir", "stat")


class Faults:
    """The file operations of the system below a folder, of which the Nth fails: once, or it and all that follow."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
        self.number, self.below = number, str(below)
        self.at, self.for_good, self.calls = 0, False, list[str]()
        self.patch = patch

    def arm(self, at: int, *, for_good: bool) -> None:
        self.at, self.for_good, self.calls = at, for_good, []
        for name in STEPS:
            self.patch.setattr(os, name, self._failing(name, getattr(os, name)))
        fdopen, read = os.fdopen, Path.read_bytes
        self.patch.setattr(os, "fdopen", lambda *given, **named: _File(fdopen(*given, **named), self))
        self.patch.setattr(Path, "read_bytes", lambda path: self.step("read", path) or read(path))

    def step(self, name: str, path: object = None) -> None:
        """Count a call and let it fail, if it is its turn."""
        if isinstance(path, (str, Path)) and not str(path).startswith(self.below):
            return
        self.calls.append(name)
        if len(self.calls) == self.at or (self.for_good and len(self.calls) > self.at):
            raise OSError(self.number, os.strerror(self.number))

    @property
    def fired(self) -> bool:
        return len(self.calls) >= self.at

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *given: Any, **named: Any) -> Any:
            self.step(name, path)
            return real(path, *given, **named)

        return call


class _File:
    """A file whose write may fail, half done."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self.file, self.faults = file, faults

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> int:
        self.file.write(content[: len(content) // 2])
        self.faults.step("write")
        return int(self.file.write(content[len(content) // 2 :]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def prepared(folder: Path) -> Place:
    """Three daily copies and a generation, in both places."""
    folder.mkdir()
    place = Place(folder)
    place.choose(backups_daily=2)
    for n in (1, 2, 3):
        place.keep("daily", b"daily %d" % n, generation=n, now=NOW - n * DAY)
    place.keep("generation", b"generation 1", generation=1, now=NOW - DAY)
    return place


def everything(place: Place) -> dict[tuple[str, str, dt.datetime], set[bytes]]:
    """Each copy by place, kind and moment, with the contents that there are of it."""
    found: dict[tuple[str, str, dt.datetime], set[bytes]] = {}
    for copy in place.again().all():
        found.setdefault((copy.place, *copy.key), set()).add(copy.path.read_bytes())
    return found


def oldest(place: Place) -> Copy:
    return next(c for c in place.backups.all() if c.made == NOW - 3 * DAY and c.place == "own")


ACTS: dict[str, Callable[[Place, Copy], object]] = {
    "keep": lambda place, _: place.keep("manual", b"the new one"),
    "keep a generation": lambda place, _: place.keep("generation", b"the new one", generation=2),
    "replace": lambda place, copy: place.backups.replace(copy, b"the new one", 9),
    "replace under the same name": lambda place, copy: place.backups.replace(copy, b"the new one", 10),
    "rotate": lambda place, _: place.backups.rotate(NOW),
    "drop": lambda place, copy: place.backups.drop(copy),
}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("act", ACTS)
def test_s9_whatever_step_fails_no_older_copy_is_lost_and_no_stray_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, number: int, for_good: bool
) -> None:
    seen: set[str] = set()
    for at in itertools.count(1):
        place = prepared(tmp_path / str(at))
        before, copy = everything(place), oldest(place)
        with monkeypatch.context() as patch:
            faults = Faults(patch, number, tmp_path / str(at))
            faults.arm(at, for_good=for_good)
            try:
                ACTS[act](place, copy)
                done = True
            except StoreError:
                done = False
            fired, calls = faults.fired, list(faults.calls)
        after = everything(place)
        for where, contents in before.items():
            if where[2] == NOW - 3 * DAY and act not in ("keep", "keep a generation"):
                # The one that is replaced or goes: the old one, the new one, or both until it is done again.
                assert after.get(where, set()) <= contents | {b"the new one"}
                assert after.get(where) or act in ("rotate", "drop"), calls
            else:
                assert after[where] == contents, calls
        for where, contents in after.items():
            assert contents <= before.get(where, set()) | {b"the new one"}, calls
        strays = [p.name for p in (tmp_path / str(at)).rglob("*.tmp")]
        # What cannot be removed while the disk is at fault goes at the next rotation.
        assert strays == [] or "unlink" in calls[at - 1 :], calls
        # And when the disk is well again, so is everything.
        if not done:
            ACTS[act](place, copy)
        place.backups.catch_up()
        place.backups.rotate(NOW)
        assert place.again().unreachable is None is place.backups.unreachable
        assert place.backups.behind() == [] and not list((tmp_path / str(at)).rglob("*.tmp"))
        shutil.rmtree(tmp_path / str(at))
        if not fired:
            assert done
            break
        seen.add(calls[at - 1])
    if act.startswith(("keep", "replace")):
        assert seen >= {"open", "write", "fsync", "read", "replace", "stat"}
    else:
        assert seen >= {"unlink", "fsync"}


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that gives other bytes than it took, for files that are not yet named."""
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: read(p)[:-1] + b"?" if p.name.endswith(".tmp") else read(p))
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("lying")
def test_s9_a_copy_that_does_not_read_back_as_it_was_written_is_none(place: Place) -> None:
    with pytest.raises(Damaged, match="does not read back"):
        place.keep()
    assert own_names(place) == []


def test_s9_a_copy_is_not_replaced_by_one_that_does_not_read_back(place: Place, request: pytest.FixtureRequest) -> None:
    copy = place.keep(content=b"the old one")
    request.getfixturevalue("lying")
    for rows in (9, 10):
        with pytest.raises(Damaged):
            place.backups.replace(copy, b"the new one", rows)
    assert own_names(place) == [copy.path.name] and copy.path.read_bytes() == b"the old one"


def test_s9_a_copy_has_no_name_before_it_was_compared(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before, it is a leftover; so what is listed as a copy is whole."""
    read, seen = Path.read_bytes, list[list[Copy]]()
    monkeypatch.setattr(Path, "read_bytes", lambda p: seen.append(place.backups.all()) or read(p))
    place.keep()
    assert seen == [[]] and len(place.backups.all()) == 1


def test_an_interrupt_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Path) -> bytes:
        raise KeyboardInterrupt

    place.keep()
    monkeypatch.setattr(Path, "read_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        place.keep()
    assert len(names(place.backups.folder)) == 1


def test_a_copy_that_the_disk_does_not_confirm_is_not_called_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = place.keep(content=b"the old one")

    def unconfirmed(_folder: Path) -> None:
        raise NotWritten(reason="no")

    monkeypatch.setattr(files, "sync_folder", unconfirmed)
    with pytest.raises(NotWritten, match="The backup"):
        place.keep()
    assert own_names(place) == [copy.path.name]
    with pytest.raises(NotWritten):
        place.backups.replace(copy, b"the new one", copy.rows)
    assert place.backups.read(copy) == b"the new one"  # one of both is always there
