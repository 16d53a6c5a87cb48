"""The lines of the table that need no server: one function each. Plain ways come last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import jobs, tables
from .bench import Bench
from .report import PLAIN, Figure

Figures = Iterator[Figure]


def entry(b: Bench, rows: int) -> Figures:
    yield Figure("entry", rows, b.measure_at(rows, jobs.entry, b.scale.changes)["seconds"])


def edit(b: Bench, rows: int) -> Figures:
    yield Figure("edit", rows, b.measure_at(rows, jobs.edit, b.scale.changes)["seconds"])


def open_by_password(b: Bench, rows: int) -> Figures:
    times = b.scale.at(rows).opens
    yield Figure(
        "open by password", rows, [b.measure_at(rows, jobs.open_by_password)["seconds"][0] for _ in range(times)]
    )


def open_by_key(b: Bench, rows: int) -> Figures:
    found = [b.measure_at(rows, jobs.open_by_key) for _ in range(b.scale.at(rows).opens)]
    yield Figure("open by key", rows, [one["seconds"][0] for one in found])
    yield Figure("index", rows, [one["index"][0] for one in found])


def checkpoint(b: Bench, rows: int) -> Figures:
    found = b.measure_at(rows, jobs.checkpoint, b.scale.at(rows).checkpoints, True)
    yield Figure("checkpoint", rows, found["seconds"])
    if found["memory"]:
        yield Figure("checkpoint memory", rows, found["memory"])


def checkpoint_here(b: Bench, rows: int) -> Figures:
    yield Figure(
        "checkpoint here", rows, b.measure_at(rows, jobs.checkpoint, b.scale.at(rows).checkpoints, False)["seconds"]
    )


def search(b: Bench, rows: int) -> Figures:
    yield Figure("search", rows, b.measure_at(rows, jobs.search, b.scale.queries)["seconds"])


def find(b: Bench, rows: int) -> Figures:
    yield Figure("find", rows, b.measure_at(rows, jobs.find, b.scale.queries)["seconds"])


def duplicates(b: Bench, rows: int) -> Figures:
    yield Figure("duplicates", rows, b.measure_at(rows, jobs.duplicates, b.scale.changes)["seconds"])


def statistics_page(b: Bench, rows: int) -> Figures:
    yield Figure("statistics", rows, b.measure_at(rows, jobs.statistics_page, b.scale.queries)["seconds"])


def plain_way(b: Bench, rows: int) -> Figures:
    """An entry, an edit and a checkpoint are the same to it: everything is written."""
    times = b.scale.at(rows).plain
    frame = b.folder / "rows.pickle"
    b.measure_at(rows, jobs.rows, frame)
    with b.data(rows) as data:
        written = b.measure(jobs.plain_write, data, frame, times)
        read = b.measure(jobs.plain_read, data, times)
    for line in ("entry", "edit", "checkpoint"):
        yield Figure(line, rows, written["seconds"], PLAIN)
    yield Figure("open by password", rows, read["seconds"], PLAIN)
    if written["memory"]:
        yield Figure("server memory", rows, [max(written["memory"] + read["memory"])], PLAIN)


def erase(b: Bench, rows: int) -> Figures:
    yield Figure("erase", rows, b.measure_at(rows, jobs.erase, b.scale.copies)["seconds"])


def log(b: Bench, rows: int) -> Figures:
    scale = b.scale
    with b.data(rows) as other:
        found = b.measure_at(rows, jobs.log, other, scale.log, scale.changes, scale.checkpoints)
    for kind in ("entry", "checkpoint"):
        one, two = (Figure(kind, rows, found[f"{kind} {which}"]) for which in ("with", "without"))
        yield Figure(f"log {kind}", rows, [one.median / two.median])


def come_back(b: Bench, rows: int) -> Figures:
    found = b.measure_at(rows, tables.come_back)
    for step in ("read", "check", "apply"):
        yield Figure(f"list {step}", rows, found[step])


def floor(b: Bench, rows: int) -> Figures:
    for name, seconds in b.measure_at(rows, jobs.floor, b.scale.changes).items():
        yield Figure(f"floor {name}", 0, seconds)


EVERY_SIZE: tuple[Callable[[Bench, int], Figures], ...] = (
    entry, edit, open_by_password, open_by_key, checkpoint, checkpoint_here, search, find, duplicates, statistics_page,
    plain_way,
)  # fmt: skip
ONE_SIZE = (erase, log, come_back)
