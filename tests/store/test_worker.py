"""The workbook follows by itself, in the background; the heavy work is done in a child process that may die."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lib import child as processes
from lib import settings
from lib.errors import Damaged, NotWritten, PasswordUnfinished, WrongPassword
from lib.store import Store, checkpoint, workbook
from lib.store.core import Core
from lib.store.worker import Child, Here

from .outside_tools import age, cells, names, save, traces
from .test_held import hold
from .tools import BY, PASSWORD, person

Follow = Callable[..., Store]


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what takes seconds take hundredths."""
    monkeypatch.setattr(checkpoint, "SECONDS", 0.2)
    monkeypatch.setattr(checkpoint, "TICK", 0.02)
    monkeypatch.setattr(checkpoint, "PATIENCE", 0.05)


@pytest.fixture
def kept(data_dir: Path, quick: None) -> Iterator[Store]:
    """A store whose workbook follows in the background; the work is done in this process."""
    Store.create(data_dir, PASSWORD).close()
    with Store.open(data_dir, PASSWORD) as opened:
        master = opened.master
    store = Store.unlocked(data_dir, master, background=True)
    store.workshop = Here
    yield store
    store.close()


def in_workbook(store: Store) -> list[str]:
    content = workbook.read(store.path.read_bytes(), store.passwords, "x", own=True)
    return list(content.frame["name"])


# -- the keeper --------------------------------------------------------------------------------------------------


def test_a_change_reaches_the_workbook_by_itself(kept: Store) -> None:
    began = time.monotonic()
    kept.add(person("Aino"), by=BY)
    assert in_workbook(kept) == []
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino"] and time.monotonic() - began >= checkpoint.SECONDS


def test_without_a_change_nothing_is_written(kept: Store) -> None:
    kept.add(person("Aino"), by=BY)
    until(lambda: kept.is_current)
    before = kept.path.stat().st_mtime_ns
    kept.note("download", BY)
    time.sleep(3 * checkpoint.SECONDS)
    assert kept.path.stat().st_mtime_ns == before


def test_after_many_changes_it_follows_at_once(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 1000.0)
    monkeypatch.setattr(checkpoint, "RECORDS", 5)
    for number in range(4):
        kept.add(person(f"Henkilö {number}"), by=BY)
    time.sleep(0.1)
    assert in_workbook(kept) == []
    kept.add(person("Viides"), by=BY)
    until(lambda: kept.is_current)
    assert in_workbook(kept)[-1] == "Viides"


def test_at_the_stop_it_holds_everything(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 1000.0)
    kept.add(person("Aino"), by=BY)
    kept.close()
    assert in_workbook(kept) == ["Aino"] and not [t for t in threading.enumerate() if t.name == "keeper"]


def test_an_edit_from_outside_is_taken_up_and_the_file_healed_at_once(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.add(person("Aino"), by=BY)
    until(lambda: kept.is_current)
    monkeypatch.setattr(checkpoint, "SECONDS", 1000.0)
    saved = save(kept.path, cells(2, name="Nimetty"))
    until(lambda: kept.is_current and kept.path.read_bytes() != saved)
    assert names(kept) == in_workbook(kept) == ["Nimetty"]


def test_s6_while_it_is_held_open_the_keeper_waits_and_goes_on_afterwards(kept: Store) -> None:
    held = hold(kept)
    before = kept.path.read_bytes()
    kept.add(person("Aino"), by=BY)
    time.sleep(3 * checkpoint.SECONDS)
    assert kept.path.read_bytes() == before and not kept.is_current
    held.unlink()
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino"]


def test_s6_once_passed_over_it_follows(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(kept)
    kept.add(person("Aino"), by=BY)
    time.sleep(2 * checkpoint.SECONDS)
    kept.pass_over(by="ylläpitäjä")
    until(lambda: kept.is_current)


def test_s10_a_removal_that_could_not_be_finished_is_finished_later(kept: Store) -> None:
    pid = kept.add(person("Salaisuus"), by=BY)
    until(lambda: kept.is_current)
    held = hold(kept)
    kept.remove([pid], by=BY, reason="erasure")
    time.sleep(2 * checkpoint.SECONDS)
    assert kept.unfinished == {pid}
    held.unlink()
    until(lambda: not kept.unfinished)
    assert traces(kept, ["Salaisuus"]) == [] and kept.obstacles == []


def test_s11_a_password_that_could_not_be_finished_is_finished_later(kept: Store, tmp_path: Path) -> None:
    place, away = tmp_path / "second", tmp_path / "away"
    place.mkdir()
    settings.save(kept.data_dir, kept.settings, second_place=str(place))
    kept.add(person("Aino"), by=BY)
    kept.backup(by=BY)
    place.rename(away)
    with pytest.raises(PasswordUnfinished):
        kept.rekey("uusi pitkä salasana", by="ylläpitäjä")
    away.rename(place)
    until(lambda: kept.passwords == ["uusi pitkä salasana"])
    for copy in kept.backups.all():
        workbook.read(copy.path.read_bytes(), "uusi pitkä salasana", copy.path.name)


def test_the_day_s_backup_is_made_though_nobody_does_anything(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.add(person("Aino"), by=BY)
    until(lambda: kept.is_current)
    now = kept.now + dt.timedelta(days=1)
    with kept.files_locked():  # the checkpoint has ended
        for copy in kept.backups.all():
            if copy.kind == "daily":
                kept.backups.drop(copy)
        monkeypatch.setattr(Core, "now", property(lambda _: now))
    until(lambda: any(copy.kind == "daily" and copy.made.date() == now.date() for copy in kept.backups.all()))


@pytest.mark.parametrize("error", [NotWritten(reason="-"), Damaged(file="xlsx"), RuntimeError("x"), MemoryError()])
def test_whatever_happens_to_one_attempt_it_is_tried_again(
    kept: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failed: list[int] = []

    def build(*_: Any) -> bytes:
        failed.append(1)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "build", build)
        kept.add(person("Salaisuus"), by=BY)
        until(lambda: len(failed) > 2)
        assert in_workbook(kept) == [] and kept.add(person("Bertta"), by=BY)
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Salaisuus", "Bertta"]
    assert "could not follow" in caplog.text and "Salaisuus" not in caplog.text


def test_settings_that_cannot_be_read_for_a_while_do_not_end_it(kept: Store) -> None:
    kept.add(person("Aino"), by=BY)
    path = kept.data_dir / "settings.toml"
    path.write_text("retention_years = 'many'")
    time.sleep(3 * checkpoint.SECONDS)
    path.unlink()
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino"]


def test_a_damaged_workbook_is_not_written_over(kept: Store) -> None:
    kept.add(person("Aino"), by=BY)
    until(lambda: kept.is_current)
    damaged = kept.path.read_bytes()[:-600]
    kept.path.write_bytes(damaged)
    age(kept.path)
    kept.add(person("Bertta"), by=BY)
    time.sleep(2 * checkpoint.SECONDS)
    assert kept.path.read_bytes() == damaged and isinstance(kept.trouble, Damaged)
    kept.rewrite(by="ylläpitäjä")
    assert in_workbook(kept) == ["Aino", "Bertta"]


def test_entries_go_on_while_the_workbook_is_written(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    building, go_on = threading.Event(), threading.Event()
    build = checkpoint.build

    def slow(*given: Any) -> bytes:
        building.set()
        assert go_on.wait(20)
        return build(*given)

    monkeypatch.setattr(checkpoint, "build", slow)
    kept.add(person("Aino"), by=BY)
    assert building.wait(20)
    began = time.monotonic()
    kept.add(person("Samalla"), by=BY)
    kept.update("P-000001", {"title": "Samalla"}, by=BY)
    kept.refresh()
    kept.log()
    kept.info()
    assert time.monotonic() - began < 5  # it waits for nothing
    monkeypatch.setattr(checkpoint, "build", build)
    go_on.set()
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino", "Samalla"]
    with Store.open(kept.data_dir, PASSWORD) as again:
        assert again.register.row("P-000001")["title"] == "Samalla"


def test_a_restore_reaches_the_workbook_soon(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.add(person("Aino"), by=BY)
    name = kept.backup(by=BY)
    kept.update("P-000001", {"name": "Vahinko"}, by=BY)
    kept.checkpoint()
    monkeypatch.setattr(checkpoint, "SECONDS", 1000.0)
    kept.restore(name, by="ylläpitäjä")
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino"]


# -- the child process -------------------------------------------------------------------------------------------


@pytest.fixture
def by_child(store: Store) -> Store:
    store.add(person("Aino"), by=BY)
    store.checkpoint()
    store.add(person("Bertta"), by=BY)
    store.workshop = Child
    return store


def test_a_child_process_writes_the_workbook_and_is_gone_afterwards(
    by_child: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    popen = processes.subprocess.Popen

    class Watched(popen):  # type: ignore[misc, valid-type]
        def __init__(self, command: list[str], **named: Any) -> None:
            super().__init__(command, **named)
            started.append((self, command, named))

    monkeypatch.setattr(processes.subprocess, "Popen", Watched)
    by_child.remove(["P-000001"], by=BY, reason="erasure")
    by_child.erase()  # every copy goes through one child
    assert in_workbook(by_child) == ["Bertta"] and traces(by_child, ["Aino"]) == []
    assert len(started) <= 3 and all(process.returncode == 0 for process, _, _ in started)
    for _, command, named in started:  # nothing of a row where other users can read it
        assert command == [sys.executable, "-m", "lib.store.worker"] and "env" not in named


@pytest.mark.skipif(not Path("/proc").exists(), reason="what the system knows of a process is read there")
def test_s8_the_child_has_low_priority_and_leaves_no_core(by_child: Store) -> None:
    with Child() as child:
        child.build(by_child.content(99), PASSWORD, "fi")
        pid = child._child._process.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
        (core,) = (line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line)
        assert core.split()[4:6] == ["0", "0"]
    assert not Path(f"/proc/{pid}").exists()


def test_what_goes_wrong_in_the_child_is_told_as_here(by_child: Store) -> None:
    plain = by_child.path.read_bytes()
    for workshop in (Here(), Child()):
        with workshop:
            with pytest.raises(WrongPassword) as caught:
                workshop.clear(plain, ["väärä"], by_child.state.name, ["P-000001"], "fi")
            assert "{" not in str(caught.value)
            with pytest.raises(Damaged) as damaged:
                workshop.clear(plain[:-600], [PASSWORD], by_child.state.name, ["P-000001"], "fi")
            assert "{" not in str(damaged.value)
            # And it goes on with the next job.
            assert workshop.clear(plain, [PASSWORD], by_child.state.name, ["P-000009"], "fi") is None
            found = workshop.clear(plain, ["uusi", PASSWORD], by_child.state.name, ["P-000001"], "fi")
            assert found and found[1] == 1
            assert len(workbook.read(found[0], "uusi", "x").frame) == 0


class Doomed(Child):
    """A child that is killed: before it gets the job, or amid it."""

    after: float = 0

    def build(self, *given: Any) -> bytes:
        if not self.after:
            self._child._process.kill()
            self._child._process.wait()
        else:
            threading.Timer(self.after, self._child._process.kill).start()
        return super().build(*given)


@pytest.mark.parametrize("after", [0, 0.2], ids=["before", "amid"])
def test_s2_the_child_killed_the_old_workbook_is_whole_and_it_is_tried_again(by_child: Store, after: float) -> None:
    before, copies = by_child.path.read_bytes(), by_child.backups.all()
    by_child.workshop = type("Doomed", (Doomed,), {"after": after})
    with pytest.raises(NotWritten) as caught:
        by_child.checkpoint()
    assert "has ended" in str(caught.value)
    assert by_child.path.read_bytes() == before and by_child.backups.all() == copies
    assert by_child.add(person("Cecilia"), by=BY) == "P-000003"
    assert not list(by_child.data_dir.rglob("*.tmp"))
    by_child.workshop = Child
    by_child.checkpoint()
    assert in_workbook(by_child) == ["Aino", "Bertta", "Cecilia"]
    with Store.open(by_child.data_dir, PASSWORD) as again:
        assert names(again) == ["Aino", "Bertta", "Cecilia"] and again.is_current


def test_s2_the_keeper_tries_again_with_another_child(kept: Store) -> None:
    kept.workshop = Doomed
    kept.add(person("Aino"), by=BY)
    time.sleep(0.5)
    assert in_workbook(kept) == [] and not kept.is_current
    kept.workshop = Child
    until(lambda: kept.is_current)
    assert in_workbook(kept) == ["Aino"]


def test_without_a_process_to_be_had_it_is_told(by_child: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(processes.subprocess, "Popen", refuse)
    with pytest.raises(NotWritten):
        by_child.checkpoint()
    monkeypatch.undo()
    by_child.checkpoint()
    assert in_workbook(by_child) == ["Aino", "Bertta"]
