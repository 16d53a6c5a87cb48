"""Whatever step fails, no older copy is lost."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lib import files
from lib.errors import Damaged, NotWritten, StoreError
from lib.store.copies import Copy

from .place import DAY, NOW, Place, names, own_names

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
