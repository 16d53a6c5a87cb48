"""How many copies there are, and how one takes another's place."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import NotWritten
from lib.settings import Settings
from lib.store import copies
from lib.store.copies import KINDS, Copy, name_of, surplus

from .place import DAY, NOW, ROOT, Place, keys, names, own_names

# -- rotation ----------------------------------------------------------------------------------------------------------


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


# -- replacing ---------------------------------------------------------------------------------------------------------


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
