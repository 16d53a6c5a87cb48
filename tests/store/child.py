"""What tests let a process of its own do with a register: `python -m tests.store.child COMMAND DATA …`.

It prints "acknowledged ID" after each change that the store has acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from lib import files
from lib.access.accounts import check_password
from lib.errors import AppError, Duplicate
from lib.output import excel_list
from lib.store import Store

from .cases import CASES
from .steps import READS, Steps
from .tools import PASSWORD, make_cheap, person


def _say(*words: str) -> None:
    print(*words, flush=True)


def die(data: Path, name: str, at: int, said: Connection) -> None:
    """Add somebody, then do a case and be killed at a step; a write is half done. Without a step, say which there are.

    It says the id of who was added, and the steps once the case is done.
    """
    make_cheap()
    steps: list[str] = []

    def reached(step: str, half: Callable[[], object]) -> None:
        if step.split()[0] not in READS:
            steps.append(step)
            if len(steps) == at:
                half()
                os.kill(os.getpid(), signal.SIGKILL)

    if name == "create":
        Steps(data, reached, pytest.MonkeyPatch())
        Store.create(data, PASSWORD)
    else:
        store = Store.open(data, PASSWORD)
        said.send(store.add(person("Ennen Loppua"), by="child"))
        CASES[name].meanwhile(data)
        Steps(data, reached, pytest.MonkeyPatch())
        CASES[name].act(store)
    said.send(steps)


def entries(data: Path, name: str, count: str) -> None:
    """Add many people, one after the other."""
    with Store.open(data, PASSWORD) as store:
        _meet(data)
        for number in range(int(count)):
            _say("acknowledged", store.add(person(f"{name} {number}"), by=name))


def checkpoints(data: Path) -> None:
    """Write the workbook again and again."""
    with Store.open(data, PASSWORD) as store:
        _meet(data)
        while not (data / "stop").exists():
            store.refresh()
            store.checkpoint()
    _say("done")


def backups(data: Path) -> None:
    """Make a backup again and again."""
    with Store.open(data, PASSWORD) as store:
        _meet(data)
        while not (data / "stop").exists():
            store.backup(by="child")
            time.sleep(0.2)
    _say("done")


def reader(data: Path) -> None:
    """Open and read again and again; what was once there stays."""
    with Store.open(data, PASSWORD) as follower:
        _meet(data)
        before: set[str] = set()
        while not (data / "stop").exists():
            follower.refresh()
            now = set(follower.frame["id"])
            assert before <= now and len(follower.frame) == len(now)
            fresh = set(Store.open(data, PASSWORD).frame["id"])
            assert now <= fresh
            before = now
    _say("done", str(len(before)))


def _meet(data: Path) -> None:
    """Wait until everybody has come."""
    _say("ready")
    while not (data / "go").exists():
        time.sleep(0.005)


def same(data: Path) -> None:
    """Enter a person whom others enter at the same time."""
    with Store.open(data, PASSWORD) as store:
        _meet(data)
        try:
            _say("acknowledged", store.add(person("Sama Henkilö", phone="040 1234567"), by="child", known=()))
        except Duplicate as error:
            _say("duplicate", *error.matches)


def full(data: Path, limit: str) -> None:
    """Add while no file may grow past a limit, as on a disk that is nearly full."""
    import resource

    store = Store.open(data, PASSWORD)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        _say("acknowledged", store.add(person("Mahtuuko", notes="x" * 20_000), by="child"))
    except AppError as error:
        _say("refused", str(error))


def everyday(data: Path, canary: str) -> None:
    """Each kind of change with a canary in every field, errors included."""
    make = person(canary, organisation=canary, notes=f"{canary}\n{canary}", source_detail=canary, phone=canary)
    with Store.open(data, PASSWORD) as store:
        pid = store.add(make, by="child", known=())
        for wrong in ({"email": canary}, {"nonsense": canary}, {"received": canary}):
            with contextlib.suppress(AppError):
                store.update(pid, wrong, by="child")
        store.update(pid, {"title": canary, "interests": [canary]}, by="child", seen={"title": ""})
        check_password(PASSWORD)
        content = excel_list.build(store.frame, ["name", "notes"], password=PASSWORD, language="fi")
        files.write_atomically(data / "list.xlsx", content)
        store.note("download", "child", rows=1)
        store.add(make, by="child")
        store.remove([pid], by="child", reason="erasure")
        store.erase()
    _say("done")


if __name__ == "__main__":
    make_cheap()
    command, folder, *given = sys.argv[1:]
    commands: dict[str, Callable[..., None]] = {
        "entries": entries,
        "checkpoints": checkpoints,
        "backups": backups,
        "reader": reader,
        "same": same,
        "full": full,
        "everyday": everyday,
    }
    commands[command](Path(folder), *given)
