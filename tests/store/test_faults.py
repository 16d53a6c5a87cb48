"""S1: whatever step of a change fails, nothing acknowledged is lost, the user is told, and the next change works.

Each step fails in turn, the first, the second and so on, until a run comes through without a fault.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.errors import AlreadyExists, AppError, NotSynced, NotWritten
from lib.store import Store

from .cases import CASES, Prepared, chosen, goes_on, started
from .steps import READS, Steps
from .tools import BY, PASSWORD, child, contents, named, opened, person, rows, strays

LONG = ("restore", "rekey", "erase")  # which hold a checkpoint, that has a case of its own


class Faults:
    """The Nth file operation below a folder fails, of those that read or of those that write: once, or for good."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, *, reads: bool = False, for_good: bool = False) -> None:
        self._reads, self._for_good = reads, for_good
        self._number, self._at = 0, -1
        self.passed: list[str] = []
        self.failed: list[str] = []
        Steps(folder, self._reached, patch)

    def arm(self, number: int, at: int = 0) -> None:
        """Let a step fail with an error of the system; none with 0."""
        self._number, self._at, self.passed, self.failed = number, at, [], []

    def disarm(self) -> None:
        self._at = -1

    def _reached(self, step: str, half: Callable[[], object]) -> None:
        if self._at < 0 or (step.split()[0] in READS) != self._reads:
            return
        if len(self.passed) + 1 == self._at and (self._for_good or not self.failed):
            self.failed.append(step)
            half()
            raise OSError(self._number, os.strerror(self._number))
        self.passed.append(step)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.mark.parametrize(
    ("name", "number", "reads", "for_good", "which"),
    [
        *((name, errno.ENOSPC, False, False, "and moves" if name in LONG else "all") for name in CASES),
        *((name, errno.ENOSPC, False, True, "first") for name in ("add", "checkpoint", "erase")),
        *((name, errno.EIO, True, False, "first") for name in CASES if name not in ("update", "remove", "backup")),
        *((name, errno.EACCES, False, for_good, "first") for name in ("add", "backup") for for_good in (False, True)),
    ],
)
def test_s1_whatever_step_fails_nothing_acknowledged_is_lost_and_the_next_change_works(
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    reads: bool,
    for_good: bool,
    which: str,
) -> None:
    case = CASES[name]
    faults = Faults(tmp_path, monkeypatch, reads=reads, for_good=for_good)
    old = rows(prepared.open(name, tmp_path / "old").data_dir)
    store = prepared.open(name, tmp_path / "clean")
    faults.arm(number)
    case.act(store)
    new, steps = named(store), faults.passed
    met: set[str] = set()
    for at in chosen(steps, which):
        faults.disarm()
        store = prepared.open(name, tmp_path / str(at))
        there = started(store.data_dir) if for_good else store
        faults.arm(number, at)
        told: AppError | None = None
        try:
            case.act(store)
        except AppError as error:
            told = error
        if for_good:
            store.close()
        faults.disarm()
        where = f"{name}: {faults.failed[:1]} after {faults.passed[-3:]}, told {told!r}"
        met.update(faults.failed)
        if told:
            assert str(told) and "{" not in str(told), where
        else:
            assert case.done(store), where
        # A new start, and who had it open all the time, see the same, whoever comes first.
        views = [_by_a_start, _by_who_was_there]
        found, same = (view(there) for view in (views if at % 2 else views[::-1]))
        assert found in ((new,) if told is None or isinstance(told, NotSynced) else (old, new)), where
        assert same == found, where
        goes_on(started(store.data_dir) if at % 4 < 2 else there, old | found, where)
        shutil.rmtree(store.data_dir)
    assert reads or met >= set(case.steps.split(", "))


def _by_a_start(store: Store) -> dict[str, str]:
    return named(started(store.data_dir))


def _by_who_was_there(store: Store) -> dict[str, str]:
    store.refresh()
    return named(store)


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_s1_a_register_that_cannot_be_made_can_be_made_afterwards_with_another_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_good: bool
) -> None:
    faults = Faults(tmp_path, monkeypatch, for_good=for_good)
    faults.arm(errno.ENOSPC)
    Store.create(tmp_path / "clean", PASSWORD)
    met: set[str] = set()
    for at in chosen(faults.passed, "first"):
        data_dir = tmp_path / str(at) / "data"
        data_dir.parent.mkdir()
        faults.arm(errno.ENOSPC, at)
        told = password = None
        try:
            Store.create(data_dir, PASSWORD)
            password = PASSWORD
        except NotWritten as error:
            told = error
        faults.disarm()
        where = f"{faults.failed[:1]} after {faults.passed[-3:]}, told {told!r}"
        if told and not (data_dir / "prospects.xlsx").exists():
            # Where the disk lets nothing be taken back, it stays with the first one.
            password = PASSWORD if (data_dir / "keys.json").exists() else "another password than before"
            assert password != PASSWORD or for_good, where
            Store.create(data_dir, password)
        assert password, where
        store = Store.open(data_dir, password)
        assert store.add(person(), by=BY) == "P-000001", where
        store.checkpoint()
        assert strays(data_dir) == [] and store.journal.segments() == [store.on_disk], where
        assert [copy.rows for copy in store.backups.generations() if opened(copy.path, password)][:1] == [1], where
        shutil.rmtree(data_dir)
        met.update(faults.failed)
    assert met >= {"mkdir folder", "replace keys", "replace segment", "replace backup", "replace workbook"}


def test_s1_a_disk_that_is_really_full_refuses_and_keeps_what_there_was(prepared: Prepared, tmp_path: Path) -> None:
    """The system itself refuses to let a file grow past a limit, amid the write."""
    data_dir = prepared("add", tmp_path / "data")
    before = contents(data_dir)
    (segment,) = (len(content) for name, content in before.items() if name.startswith("journal"))
    for limit in (segment, segment + 100):
        said = child("full", data_dir, str(limit)).stdout
        assert said.startswith("refused The change could not be written: "), said
        assert contents(data_dir) == before
    assert rows(data_dir) == {"P-000001": "Aino Ensimmäinen", "P-000002": "Bertta Toinen"}


def test_s1_a_change_that_the_disk_does_not_confirm_is_told_and_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(person("Aino"), by=BY)
    with monkeypatch.context() as patch:
        for name in ("fsync", "ftruncate"):
            patch.setattr(os, name, lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, os.strerror(errno.EIO))))
        with pytest.raises(NotSynced):
            store.add(person("Bertta"), by=BY)
    assert named(store) == rows(store.data_dir) == {"P-000001": "Aino", "P-000002": "Bertta"}
    assert store.add(person("Cecilia"), by=BY) == "P-000003"
    assert [entry.ids for entry in store.log()] == [["P-000003"], ["P-000002"], ["P-000001"]]


def test_s1_a_workbook_that_may_not_be_written_stops_no_entry_and_fills_no_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt makes a copy first. The one that the workbook on the disk came from must stay all the while."""
    store.add(person("Aino"), by=BY)
    store.checkpoint()
    kept = [copy.path.name for copy in store.backups.all()]
    replace = os.replace
    with monkeypatch.context() as patch:

        def refused(source: Path, target: Path) -> None:
            if target == store.path:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            replace(source, target)

        patch.setattr(os, "replace", refused)
        for number in range(5):
            store.add(person(f"Myöhempi {number}"), by=BY)
            with pytest.raises(NotWritten):
                store.checkpoint()
    assert [copy.path.name for copy in store.backups.all()] == kept
    assert len(rows(store.data_dir)) == 6
    store.checkpoint()
    assert store.journal.segments() == [store.on_disk] and len(rows(store.data_dir)) == 6


def test_s1_what_cannot_be_tidied_up_is_tidied_up_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(person("Aino"), by=BY)
    (store.data_dir / "log").write_text("a file where the folder should be")
    store.checkpoint()  # the workbook is written
    assert "waits" in caplog.text and "Aino" not in caplog.text
    assert store.is_current and len(store.journal.segments()) == 2  # the log's lines are still in the journal
    (store.data_dir / "log").unlink()
    assert [entry.action for entry in store.log()] == ["add"]
    store.add(person("Bertta"), by=BY)
    store.checkpoint()
    assert store.journal.segments() == [store.on_disk]
    assert [entry.ids for entry in store.log()] == [["P-000002"], ["P-000001"]]


def test_s1_no_register_is_made_over_a_journal_whose_workbook_is_gone(store: Store) -> None:
    store.add(person("Vain Päiväkirjassa"), by=BY)
    store.path.unlink()
    before = contents(store.data_dir)
    with pytest.raises(AlreadyExists):
        Store.create(store.data_dir, PASSWORD)
    assert contents(store.data_dir) == before
    assert named(Store.open(store.data_dir, PASSWORD, recover=True)) == {"P-000001": "Vain Päiväkirjassa"}
