"""A process with a canary in every field, whose every write is traced.

`python -m tests.store.canary_child everyday DATA CANARY` or `… crash DATA CANARY HOW`. It does everything
that is done with rows, or kills itself amid it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib import files, settings
from lib.errors import AppError
from lib.output import excel_list
from lib.process import harden
from lib.store import Store, erasure, outside, workbook
from lib.store.checkpoint import Keeper
from lib.store.worker import Child, Here

from .test_held import hold
from .tools import BY, PASSWORD, make_cheap, person

NEW, THIRD = "uusi pitkä salasana", "kolmas pitkä salasana"


def filled_with(canary: str) -> dict[str, Any]:
    codes = ("organisation", "title", "address", "source_detail", "phone", "interests")
    return person(canary, notes=f"{canary}\n{canary}", email="lintu@example.com", **dict.fromkeys(codes, canary))


def edited(store: Store, canary: str, *, generation: int = 0, password: str = "") -> None:
    """An edit of the workbook made by another program, in memory."""
    content = workbook.read(store.path.read_bytes(), store.passwords, "x")
    content.frame.loc[0, "title"] = f"{canary} ulkoa"
    content.frame.loc[0, "objected"] = dt.datetime(2026, 1, 31)
    content.extras["Oma"] = [canary] * len(content.frame)
    content.sheets = {"Omat": [[canary, 1.5]]}
    if generation:
        content.info = replace(content.info, generation=generation)
    store.path.write_bytes(workbook.write(content, password or store.passwords[0], "fi"))


def everyday(data: Path, canary: str) -> None:
    second = data.with_name("second")
    second.mkdir()
    settings.save(data, settings.load(data), second_place=str(second))
    with Store.open(data, PASSWORD) as opened:
        master = opened.master
    store = Store.unlocked(data, master, background=True)  # the workbook is written by a child process
    row = filled_with(canary)
    first = store.add(row, by=BY, known=())
    second_id = store.add({**row, "name": f"{canary} toinen"}, by=BY)
    store.add_many([{**row, "received": store.today} for _ in range(60)], by=BY)
    wrong: list[dict[str, Any]] = [{"email": canary}, {"nonsense": canary}, {"received": canary}, {"source": canary}]
    for values in wrong:
        with contextlib.suppress(AppError):
            store.update(first, values, by=BY)
    with contextlib.suppress(AppError):
        store.add(row, by=BY, known=())
    store.update(first, {"title": f"{canary} muutettu"}, by=BY, seen={"title": canary})
    store.checkpoint()
    with Child() as child:
        child.clear(store.path.read_bytes(), [NEW, PASSWORD], store.state.name, [second_id], "fi")
    store.workshop = Here  # the same work, in this process
    backup = store.backup(by=BY)

    store.update(first, {"title": f"{canary} verkosta"}, by=BY)
    edited(store, canary)
    store.refresh()
    assert {q.kind for q in store.state.questions.values()} == {"conflict", "protected"}, store.state.questions
    for key in list(store.state.questions):
        store.answer(key, "theirs", by=BY)
    edited(store, canary, generation=999)
    store.refresh()
    store.checkpoint()
    edited(store, canary, password=THIRD)
    store.refresh()
    for aside in store.aside.all():
        if aside.kind == "password":
            with contextlib.suppress(AppError):
                outside.open_aside(store, aside.name, canary, by=BY)
            outside.open_aside(store, aside.name, THIRD, by=BY)
    held = hold(store)
    store.update(first, {"notes": f"{canary} pidettynä"}, by=BY)
    with contextlib.suppress(AppError):
        store.checkpoint()
    store.backup(by=BY)
    held.unlink()
    store.checkpoint()

    listed = excel_list.build(store.frame, ["name", "notes"], password=PASSWORD, language="fi")
    files.write_atomically(data / "list.xlsx", listed)
    store.note("download", BY, rows=len(store.frame))
    store.restore(backup, by=BY, dry_run=True)
    store.restore(backup, by=BY, exact=True)
    store.rekey(NEW, by=BY)
    store.remove([second_id], by=BY, reason="erasure")
    store.erase()
    store.path.write_bytes(store.path.read_bytes()[:-600])
    store.rewrite(by=BY)
    Keeper(store).look()
    with contextlib.suppress(AppError):
        erasure.finish(store)
    store.log()
    store.close()
    with Store.open(data, NEW) as again:
        again.register.index.match(canary)
        assert len(again.frame) == 61
    print("done", flush=True)


def crash(data: Path, canary: str, how: str) -> None:
    """Die with rows in memory, amid everything."""
    harden()
    store = Store.open(data, PASSWORD)
    store.add(filled_with(canary), by=BY)
    print("ready", flush=True)
    if how == "error":
        raise RuntimeError("something that nobody thought of")
    os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGABRT)


if __name__ == "__main__":
    make_cheap()
    what, folder, *given = sys.argv[1:]
    {"everyday": everyday, "crash": crash}[what](Path(folder), *given)
