"""The second place: each copy lies there too, or it is told."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lib.store.copies import KINDS

from .place import DAY, NOW, Place, names, own_names


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
