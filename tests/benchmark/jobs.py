"""What is measured in a process of its own.

Each job takes the data folder of a register that nobody else uses and gives lists of seconds, or of bytes, by name. It
leaves the register as it is then: its process ends without a last checkpoint.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from msoffcrypto.method.ecma376_agile import ECMA376Agile

from lib import sample, schema, settings, statistics
from lib.changes import Change
from lib.installation import Installation
from lib.operations import Workspace
from lib.store import Store, keys
from lib.store.journal import Journal
from lib.store.log import Entry, Key
from lib.store.record import Record

from . import machine, plain

USER, PASSWORD, WORKBOOK_PASSWORD = "aino", "oikea hevonen paristo", "työkirjan pitkä salasana"
BY = USER
SALT, EXCEL_ROUNDS = b"salt" * 4, 100_000  # as many as msoffcrypto and Excel use
SEARCHES = ("virtanen", "järvi", "huoltosopimus", "matti tampere", "hinnaston", "oy", "040 555 12", "olematon")
Measured = dict[str, list[float]]


def timed(action: Callable[..., Any], *given: Any, **named: Any) -> float:
    """The seconds that an action takes."""
    started = time.perf_counter()
    action(*given, **named)
    return time.perf_counter() - started


def newcomers(count: int) -> list[dict[str, Any]]:
    """What people type about prospects whom the register does not know."""
    found = []
    # Somebody of the same double name may be known without an organisation, and then counts as the same person.
    others = [row for row in sample.rows(2 * count + 20, 2, dt.date(2026, 1, 15)) if "-" not in row["name"]]
    for number, row in enumerate(others[:count]):
        mark = hashlib.sha256(str(number).encode()).hexdigest()[:12]
        typed = {code: row[code] for code in ("source", "source_detail", "name", "title", "interests", "notes")}
        typed |= {"source_detail": typed["source_detail"] or "-", "organisation": f"{mark} Oy"}
        found.append({**typed, "email": f"{mark}@example.com", "phone": f"+35820555{number:05}"})
    return found


def master_of(folder: Path) -> bytes:
    return keys.Keyring(folder).by_workbook_password(WORKBOOK_PASSWORD)


def opened(folder: Path, *, background: bool = False) -> Store:
    """The register as a server has it when people have searched in it and entered."""
    store = Store.unlocked(folder, master_of(folder), background=background)
    _build(store)
    gc.collect()
    gc.freeze()
    return store


# -- changes ---------------------------------------------------------------------------------------------------


def entry(folder: Path, times: int) -> Measured:
    store = opened(folder)
    first, *others = newcomers(times + 1)
    store.add(first, by=BY, known=())
    return {"seconds": list(_entries(store, others))}


def _entries(store: Store, rows: list[dict[str, Any]]) -> Iterator[float]:
    for row in rows:
        yield timed(store.add, row, by=BY, known=())
        len(store.frame)  # the page that follows reads the rows


def edit(folder: Path, times: int) -> Measured:
    store = opened(folder)
    ids = list(store.frame["id"].sample(times + 1, replace=True, random_state=1))
    return {"seconds": [_edit(store, i, n) for n, i in enumerate(ids)][1:]}


def _edit(store: Store, prospect_id: str, number: int) -> float:
    seen = store.register.row(prospect_id)["notes"]
    seconds = timed(store.update, prospect_id, {"notes": f"Soitettu, {number}."}, by=BY, seen={"notes": seen})
    len(store.frame)
    return seconds


def edits(folder: Path, times: int) -> Measured:
    """Changes from another process than the server."""
    store = Store.unlocked(folder, master_of(folder))
    ids, mark = list(store.frame["id"][:50]), time.time()
    texts = [f"Soitettu {mark}, {n}." for n in range(times)]
    return {"seconds": [timed(store.update, ids[n % len(ids)], {"notes": text}, by=BY) for n, text in enumerate(texts)]}


# -- opening and writing ---------------------------------------------------------------------------------------


def open_by_password(folder: Path) -> Measured:
    return {"seconds": [timed(Store.open, folder, WORKBOOK_PASSWORD)]}


def open_by_key(folder: Path) -> Measured:
    master = master_of(folder)
    found: list[Store] = []
    seconds = timed(lambda: found.append(Store.unlocked(folder, master)))
    return {"seconds": [seconds], "index": [timed(_build, found[0])]}


def _build(store: Store) -> None:
    """What the first search and the first entry after opening wait for."""
    store.register.index.match("")
    store.register.blocks.find({})


def checkpoint(folder: Path, times: int, background: bool) -> Measured:
    """As the server writes the workbook, in the background; or as a terminal does."""
    store = opened(folder, background=background)
    seconds, peak = [], 0
    for row in newcomers(times):
        store.add(row, by=BY)
        with watched() as peaks:
            seconds.append(timed(store.checkpoint))
        assert store.is_current
        peak = max(peak, *peaks, 0)
    return {"seconds": seconds, "memory": [peak] if peak else []}


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """The most memory that processes which write this one's workbook take meanwhile."""
    peaks, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peaks.extend(machine.peak_memory(worker) or 0 for worker in machine.workers(os.getpid()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


# -- reading ---------------------------------------------------------------------------------------------------


def search(folder: Path, times: int) -> Measured:
    index = opened(folder).register.index
    return {"seconds": [timed(index.match, query) for query in SEARCHES * times]}


def find(folder: Path, times: int) -> Measured:
    workspace = workspace_of(folder)
    return {"seconds": [timed(workspace.find, query) for query in SEARCHES * times]}


def duplicates(folder: Path, times: int) -> Measured:
    blocks = opened(folder).register.blocks
    return {"seconds": [timed(blocks.find, row) for row in newcomers(times)]}


def statistics_page(folder: Path, times: int) -> Measured:
    workspace = workspace_of(folder)
    names = [name for name in statistics.PERIODS if name != "own"]
    return {"seconds": [timed(_count, workspace, name) for name in names * times]}


def _count(workspace: Workspace, name: str) -> None:
    """What the statistics page asks for."""
    frame, today = workspace.counted(), workspace.today
    period = statistics.period(name, today)
    statistics.total(frame, period)
    statistics.change(frame, period, today)
    statistics.previous(period)
    statistics.by_source(frame, period)
    statistics.arrivals(frame, period)


def workspace_of(folder: Path) -> Workspace:
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True  # it tells that no server runs
    installation = Installation(folder)
    workspace = Workspace(installation, installation.sign_in(USER, PASSWORD).token)
    workspace.find(SEARCHES[0])
    workspace.counted()
    return workspace


# -- the whole life --------------------------------------------------------------------------------------------


def erase(folder: Path, copies: int) -> Measured:
    """A person removed from the register and from every backup, as the server does it."""
    settings.save(folder, settings.load(folder), backups_other=copies)
    store = opened(folder, background=True)
    newest = store.backups.generations()[0]
    sealed = store.backups.read(newest)
    for _ in range(copies):
        store.backups.keep("manual", sealed, generation=newest.generation, rows=newest.rows, now=store.now)
    person = str(store.frame["id"].iloc[len(store.frame) // 2])
    store.remove([person], by=BY, reason="erasure")
    seconds = timed(store.erase)
    assert not store.unfinished and sum(copy.kind == "manual" for copy in store.backups.all()) == copies
    return {"seconds": [seconds]}


def log(folder: Path, other: Path, lines: int, entries: int, checkpoints: int) -> Measured:
    """Entries and checkpoints with a long change log, in turns with another folder that has none."""
    stores = {"without": opened(other, background=True), "with": opened(folder, background=True)}
    _fill_log(stores["with"], lines)
    assert len(stores["with"].log(months=0)) >= lines
    found: Measured = {}
    rows = newcomers(entries + checkpoints)
    for row in rows[:entries]:
        for name, store in stores.items():
            found.setdefault(f"entry {name}", []).extend(_entries(store, [row]))
    for row in rows[entries:]:
        for name, store in stores.items():
            store.add(row, by=BY)
            found.setdefault(f"checkpoint {name}", []).append(timed(store.checkpoint))
    return found


def _fill_log(store: Store, lines: int) -> None:
    """A year's lines, as a hundred of them came with each checkpoint."""
    start, ids = store.now - dt.timedelta(days=365), list(store.frame["id"])
    for first in range(0, lines, 100):
        at = start + dt.timedelta(days=365) * first / lines
        numbers = range(first, min(first + 100, lines))
        found = {n: Entry(at, BY, "update", [ids[n % len(ids)]], {"rows": 1}) for n in numbers}
        store.change_log.write({Key(-1, n): entry for n, entry in found.items()})


# -- beside it -------------------------------------------------------------------------------------------------


def rows(folder: Path, target: Path) -> Measured:
    """The rows for the plain way."""
    with Store.open(folder, WORKBOOK_PASSWORD) as store:
        store.frame.to_pickle(target)
    return {}


def plain_write(folder: Path, frame: Path, times: int) -> Measured:
    table = pd.read_pickle(frame)
    seconds = [timed(_plain_entry, folder, table, row) for row in newcomers(times)]
    return {"seconds": seconds, "memory": _own_peak()}


def _plain_entry(folder: Path, table: pd.DataFrame, row: dict[str, Any]) -> None:
    new = pd.DataFrame([{**table.iloc[-1].to_dict(), **row}])
    plain.write(pd.concat([table, new]), folder / "plain.xlsx", WORKBOOK_PASSWORD)


def plain_read(folder: Path, times: int) -> Measured:
    path = folder / "plain.xlsx"
    seconds = [timed(plain.read, path, WORKBOOK_PASSWORD) for _ in range(times)]
    return {"seconds": seconds, "memory": _own_peak()}


def _own_peak() -> list[float]:
    peak = machine.peak_memory(os.getpid())
    return [peak] if peak else []


def floor(folder: Path, times: int) -> Measured:
    """What nothing can be faster than."""
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        journal = Journal(Path(beside) / "journal", os.urandom(32))
        journal.begin(1, {})
        given = dt.datetime(2026, 1, 15, 12)
        records = [
            Record(Entry(given, BY, "add", [f"P-{n:06d}"], {}), Change(add=[{**schema.EMPTY, **row}]))
            for n, row in enumerate(newcomers(times))
        ]
        appended = [timed(journal.append, record) for record in records]
    derived = ECMA376Agile._derive_iterated_hash_from_password
    return {
        "record": appended,
        "scrypt": [timed(keys._from_password, PASSWORD, SALT, keys.SCRYPT_COST) for _ in range(5)],
        "excel": [timed(derived, PASSWORD, SALT, "SHA512", EXCEL_ROUNDS) for _ in range(5)],
    }
