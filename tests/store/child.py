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
from pathlib import Path
from typing import Any

from lib import files
from lib.access.accounts import check_password
from lib.errors import AppError, Duplicate
from lib.output import excel_list
from lib.store import Store
from lib.store import log as change_log

from .tools import PASSWORD, make_cheap, person


def _kill(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _say(*words: str) -> None:
    print(*words, flush=True)


class _HalfWritten:
    """A file that takes half of what is written and then kills its process."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> _HalfWritten:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> None:
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        _kill()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def arm(step: str) -> None:
    """Let the process be killed when it comes to this step of a write."""
    fdopen, fsync, replace = os.fdopen, os.fsync, os.replace
    match step:
        case "before the write":
            os.fdopen = _kill
        case "amid the write":
            os.fdopen = lambda *given, **named: _HalfWritten(fdopen(*given, **named))  # type: ignore[assignment]
        case "before the sync":
            os.fsync = _kill
        case "before the swap":
            os.replace = _kill
        case "after the swap":
            os.replace = lambda *given: (replace(*given), _kill())  # type: ignore[assignment]
        case "before the folder's sync":
            files.sync_folder = _kill
        case "after the folder's sync":
            synced = files.sync_folder
            files.sync_folder = lambda folder: (synced(folder), _kill())  # type: ignore[assignment]
        case "amid the line of the log":
            change_log.os = _Os(fdopen)  # type: ignore[attr-defined]
        case _:
            raise ValueError(step)
    assert fsync


class _Os:
    def __init__(self, fdopen: Callable[..., Any]) -> None:
        self.fdopen = lambda *given, **named: _HalfWritten(fdopen(*given, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def die(data: Path, step: str, what: str) -> None:
    """Add twice, then change in a way that is killed at a step."""
    with Store.open(data, PASSWORD) as store:
        for name in ("Ensimmäinen", "Toinen"):
            _say("acknowledged", store.add(person(name), by="child"))
        arm(step)
        if what == "add":
            store.add(person("Kolmas"), by="child")
        else:
            store.remove(["P-000001"], by="child", reason="expired")
    _say("not killed")


def entries(data: Path, name: str, count: str) -> None:
    """Add many people, one after the other."""
    with Store.open(data, PASSWORD) as store:
        _meet(data)
        for number in range(int(count)):
            _say("acknowledged", store.add(person(f"{name} {number}"), by=name))


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

    with Store.open(data, PASSWORD) as store:
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
    {"die": die, "entries": entries, "same": same, "full": full, "everyday": everyday}[command](Path(folder), *given)
