"""S2: a process is killed at any step: the next start works by itself, and everything acknowledged is there."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from lib.store import Store

from . import child
from .cases import CASES, Prepared, chosen, goes_on, started
from .tools import BY, PASSWORD, ROOT, named, person, strays

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows kills otherwise")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Real processes that begin with the program already imported."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([child.__name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # what is imported must be found wherever another test has left us
        yield server


def run(processes: Any, *given: Any) -> tuple[int, list[Any]]:
    """Run a process to its end: how it ended, and what it said."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=child.die, args=(*given, theirs))
    process.start()
    theirs.close()
    process.join(60)
    return process.exitcode, list(_heard(ours))


def _heard(ours: Connection) -> Any:
    try:
        while True:
            yield ours.recv()
    except EOFError:
        pass


@pytest.mark.parametrize("name", [name for name in CASES if name != "read anew"])
def test_s2_killed_at_any_step_the_next_start_works_by_itself(
    prepared: Prepared, tmp_path: Path, processes: Any, name: str
) -> None:
    case = CASES[name]
    ended, (added, steps) = run(processes, prepared(name, tmp_path / "clean"), name, 0)
    assert ended == 0
    new = named(started(tmp_path / "clean"))
    old = named(prepared.open(name, tmp_path / "old")) | {added: new[added]}
    met = set()
    for at in chosen(steps, "and moves" if name in ("rekey", "erase") else "first"):
        data_dir = prepared(name, tmp_path / str(at))
        ended, said = run(processes, data_dir, name, at)
        where = f"{name}: {steps[at - 1]} after {steps[max(0, at - 4) : at - 1]}"
        if ended == 0 and len(said[1]) < at:  # it took fewer steps than the first one
            continue
        assert (ended, said) == (-signal.SIGKILL, [added]), where
        met.add(steps[at - 1])
        store = started(data_dir)
        assert named(store) in (old, new), where
        goes_on(store, old | named(store), where)
        shutil.rmtree(data_dir)
    assert met >= set(case.steps.split(", "))


def test_s2_a_register_whose_making_was_killed_can_be_made(tmp_path: Path, processes: Any) -> None:
    ended, (steps,) = run(processes, tmp_path / "clean", "create", 0)
    assert ended == 0
    for at in chosen(steps, "and moves"):
        data_dir = tmp_path / str(at)
        ended, said = run(processes, data_dir, "create", at)
        where = f"{steps[at - 1]} after {steps[max(0, at - 4) : at - 1]}"
        assert (ended, said) == (-signal.SIGKILL, []), where
        made = (data_dir / "prospects.xlsx").exists()
        store = Store.open(data_dir, PASSWORD) if made else Store.create(data_dir, PASSWORD)
        assert store.add(person(), by=BY) == "P-000001", where
        store.checkpoint()
        assert named(Store.open(data_dir, PASSWORD)) == {"P-000001": "Aino Kokeilija"}, where
        assert strays(data_dir) == [] and store.journal.segments() == [store.on_disk], where
        shutil.rmtree(data_dir)


def test_s2_who_has_the_register_open_goes_on_after_anothers_death(
    prepared: Prepared, tmp_path: Path, processes: Any
) -> None:
    data_dir = prepared("checkpoint", tmp_path / "data")
    store = Store.open(data_dir, PASSWORD)
    steps = run(processes, prepared("checkpoint", tmp_path / "clean"), "checkpoint", 0)[1][1]
    for step in ("write segment", "write backup", "write workbook", "replace workbook", "unlink segment"):
        ended, (added,) = run(processes, data_dir, "checkpoint", steps.index(step) + 1)
        assert ended == -signal.SIGKILL
        store.refresh()
        assert added in named(store), step
        last = store.add(person("Jälkeen"), by=BY)
        assert last == f"P-{int(added[2:]) + 1:06d}"
    store.checkpoint()
    assert strays(data_dir) == [] and store.journal.segments() == [store.on_disk]
    assert named(store) == named(Store.open(data_dir, PASSWORD)) and len(named(store)) == 12
