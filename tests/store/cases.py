"""What is done to a register while a step of it fails or its process is killed, and what has to hold afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lib.errors import WrongPassword
from lib.files import WORKBOOK
from lib.register import id_of
from lib.store import Store, erasure, workbook

from .tools import BY, PASSWORD, all_text, named, opened, person, rename, rows, strays

OTHER = "toinen pitkä salasana"
_EDITED = "edited.xlsx"  # what somebody is about to save in the workbook's place


class Case(NamedTuple):
    """What is done, what comes before it, and steps of it that have to be among those that are stopped at."""

    act: Callable[[Store], Any]
    steps: str
    before: Callable[[Store], Any] = lambda store: None
    meanwhile: Callable[[Path], Any] = lambda data_dir: None  # what others do while the register is open
    done: Callable[[Store], Any] = lambda store: True  # whether it is as it was told


APPEND = "open segment, write segment, sync segment"
BEGIN = "open segment, write segment, flush segment, sync segment, replace segment, sync folder journal"
COPY = "open backup, write backup, sync backup, replace backup, sync folder backups"
WRITTEN = (
    f"{BEGIN}, {APPEND}, {COPY}, open workbook, write workbook, sync workbook, close workbook, replace workbook, "
    "sync folder, open log, write log, sync log, unlink segment"
)


def _to_erase(store: Store) -> None:
    store.checkpoint()
    store.remove(["P-000001"], by=BY, reason="erasure")


def _to_restore(store: Store) -> None:
    store.backup(by=BY)
    store.update("P-000001", {"name": "Aino Myöhemmin"}, by=BY)
    store.checkpoint()


def _restore(store: Store) -> None:
    store.restore(next(copy.path.name for copy in store.backups.all() if copy.kind == "manual"), by=BY)


def _edited(store: Store) -> None:
    shutil.copy(store.path, store.data_dir / _EDITED)
    rename(store.data_dir / _EDITED, 2, "Aino Excelissä")


def _save_edited(data_dir: Path) -> None:
    (data_dir / _EDITED).replace(data_dir / WORKBOOK)


def _write_elsewhere(data_dir: Path) -> None:
    other = Store.open(data_dir, PASSWORD)
    other.add(person("Cecilia Muualta"), by=BY)
    other.checkpoint()
    other.add(person("Daavid Muualta"), by=BY)


def workbooks(store: Store) -> list[Path]:
    """The workbook and every copy of it."""
    return [store.path, *(copy.path for copy in store.backups.all())]


def _opens(path: Path, password: str) -> bool:
    try:
        return bool(opened(path, password))
    except Exception:
        return False


CASES = {
    "add": Case(lambda store: store.add(person("Uusi Ihminen"), by=BY), APPEND),
    "update": Case(lambda store: store.update("P-000002", {"name": "Muuttunut Ihminen"}, by=BY), APPEND),
    "remove": Case(lambda store: store.remove(["P-000001"], by=BY, reason="expired"), APPEND),
    "read anew": Case(lambda store: store.add(person("Uusi Ihminen"), by=BY), APPEND, meanwhile=_write_elsewhere),
    "checkpoint": Case(lambda store: store.checkpoint(), WRITTEN),
    "backup": Case(
        lambda store: store.backup(by=BY),
        f"{COPY}, {APPEND}",
        lambda store: store.checkpoint(),
        done=lambda store: any(copy.kind == "manual" for copy in store.backups.all()),
    ),
    "restore": Case(_restore, f"{COPY}, {APPEND}", _to_restore),
    "rekey": Case(
        lambda store: store.rekey(OTHER, by=BY),
        f"{WRITTEN}, open keys, write keys, sync keys, replace keys",
        lambda store: store.checkpoint(),
        done=lambda store: all(_opens(path, OTHER) for path in workbooks(store)),
    ),
    "erase": Case(
        lambda store: store.erase(),
        f"{WRITTEN}, open removed, replace removed, unlink backup",
        _to_erase,
        done=lambda store: not any("Ensimmäinen" in all_text(opened(path)) for path in workbooks(store)),
    ),
    "outside edit": Case(lambda store: store.refresh(), APPEND, _edited, _save_edited),
}


class Prepared:
    """Registers of two with a change that the workbook does not hold yet, ready for each case."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, data_dir: Path) -> Path:
        """A copy of the one for a case. Returns where it is."""
        source = self._folder / name
        if not source.exists():
            store = Store.create(source, PASSWORD)
            for who in ("Aino Ensimmäinen", "Bertta Toinen"):
                store.add(person(who), by=BY)
            store.checkpoint()
            store.update("P-000002", {"title": "Johtaja"}, by=BY)
            CASES[name].before(store)
        shutil.copytree(source, data_dir)
        return data_dir

    def open(self, name: str, data_dir: Path) -> Store:
        """The same, opened before others do their part."""
        store = Store.open(self(name, data_dir), PASSWORD)
        CASES[name].meanwhile(data_dir)
        return store


def started(data_dir: Path) -> Store:
    """A new start, by whichever password opens it: the new one, as soon as it does."""
    try:
        return Store.open(data_dir, OTHER)
    except WrongPassword:
        return Store.open(data_dir, PASSWORD)


def goes_on(store: Store, known: dict[str, str], where: str) -> None:
    """The next change and the next checkpoint work, and leave nothing behind."""
    found = named(store)
    last = store.add(person("Jälkeen"), by=BY)
    assert last == f"P-{max(int(i[2:]) for i in known) + 1:06d}", where
    store.checkpoint()
    erasure.finish(store)
    assert strays(store.data_dir) == [], where
    assert store.journal.segments() == [store.on_disk] and store.is_current, where
    assert rows(store.data_dir, store.passwords[0]) == {**found, last: "Jälkeen"}, where
    assert len(store.passwords) == 1 and not store.unfinished, where
    # What is not there was removed, and then it is nowhere.
    gone = {id_of(number) for number in range(1, store.register.last_number)} - {*found}
    assert store.gone == gone, where
    for path in workbooks(store) if gone else ():
        content = workbook.read(path.read_bytes(), store.passwords, path.name, own=True)
        assert not gone & set(content.frame["id"]), where


def chosen(steps: list[str], which: str) -> list[int]:
    """Which steps to stop at, from 1.

    Args:
        which: "all", "first" of those with the same name, or these "and moves": a file takes another's place or goes.
    """
    places: dict[str, list[int]] = {}
    for place, step in enumerate(steps, 1):
        places.setdefault(step, []).append(place)
    found: set[int] = set()
    for step, same in places.items():
        moves = which == "and moves" and step.split()[0] in ("replace", "unlink")
        found.update(same if which == "all" or moves else same[:1])
    return sorted(found)
