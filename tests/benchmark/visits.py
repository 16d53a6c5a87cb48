"""The lines of the table that people wait for: the real server, visited over its WebSocket."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

from lib.installation import Installation
from lib.store import checkpoint

from . import jobs, machine, tables
from .bench import Bench, say
from .jobs import PASSWORD, SEARCHES, WORKBOOK_PASSWORD, newcomers
from .report import Figure
from .server import Run, Server, Tab

_READING = 0.5  # seconds until somebody at work does the next thing
_PAUSE = 0.3  # between a page that is there and the next action of its reader; the gate lets one user run 4 a second
_PATIENCE = 300.0


def visits(b: Bench, rows: int) -> Iterator[Figure]:
    """Everything that is measured of one server by one reader."""
    with b.data(rows) as data, Server(data) as server:
        yield from asyncio.run(_visits(b, rows, server))


async def _visits(b: Bench, rows: int, server: Server) -> list[Figure]:
    say(f"{rows:,} rows: pages of a server")
    tab = await server.tab()
    found = await list_page(b, rows, tab)
    await tab.open("statistics")
    await tab.open("")
    found += memory("server memory", rows, server)
    found += await page_while_checkpoint(b, rows, server, tab)
    found += memory("server memory later", rows, server)
    await tab.close()
    return found


async def list_page(b: Bench, rows: int, tab: Tab) -> list[Figure]:
    """The list of all rows and of those that a word finds, in turns, so that each run sends another table."""
    await tab.open("prospects")
    all_rows, searched = [], []
    for number in range(b.scale.reruns):
        searched.append(await _after(tab, **{"find-query": SEARCHES[number % len(SEARCHES)]}))
        all_rows.append(await _after(tab, **{"find-query": ""}))
    return [
        Figure("list", rows, [run.seconds for run in all_rows]),
        Figure("list searched", rows, [run.seconds for run in searched]),
        Figure("list bytes", rows, [run.size for run in all_rows]),
    ]


async def page_while_checkpoint(b: Bench, rows: int, server: Server, tab: Tab) -> list[Figure]:
    """The entry page again and again: with nothing else to do, and while the server lets a child write the workbook."""
    idle = [await _after(tab) for _ in range(b.scale.reruns)]
    meanwhile = [run for _ in range(b.scale.at(rows).rounds) for run in await _during_checkpoint(b, server, tab)]
    alone = Figure("page", rows, [run.seconds for run in idle])
    beside = Figure("page meanwhile", rows, [run.seconds for run in meanwhile])
    return [alone, beside, Figure("page ratio", rows, [beside.median / alone.median])]


async def _during_checkpoint(b: Bench, server: Server, tab: Tab) -> list[Run]:
    """Reruns from a child's beginning to its end. So many changes from elsewhere that it begins at once."""
    say("… a checkpoint in the background")
    changing = b.start(jobs.edits, server.data, checkpoint.RECORDS)
    found: list[Run] = []
    began, end = False, time.monotonic() + _PATIENCE
    while (writing := bool(machine.workers(server.process))) or not began:
        run = await _after(tab)
        if writing:
            began = True
            found.append(run)
        if time.monotonic() > end:
            raise TimeoutError("No checkpoint began, or none ended")
    changing.result()
    return found


def imports(b: Bench, rows: int) -> Iterator[Figure]:
    """A table is imported on its page, while somebody else opens the entry page again and again."""
    say(f"{rows:,} rows: imported through the page")
    content = tables.foreign(rows)
    with b.data(0) as data, Server(data) as server:
        yield from asyncio.run(_imports(rows, server, content))


async def _imports(rows: int, server: Server, content: bytes) -> list[Figure]:
    manager, other = await server.tab(), await server.tab()
    bringing = asyncio.create_task(_bring_in(manager, content))
    runs, most = [], 0
    while not bringing.done():
        await asyncio.sleep(_READING)
        runs.append((await other.rerun()).seconds)
        most = max(most, await asyncio.to_thread(machine.memory, server.process))
    found = [Figure("import", rows, [await bringing]), Figure("page import", rows, runs)]
    for tab in (manager, other):
        await tab.close()
    return found + ([Figure("import memory", rows, [most])] if most else [])


async def _bring_in(tab: Tab, content: bytes) -> float:
    """All steps, each as soon as the one before is over; the seconds of all."""
    started = time.perf_counter()
    await tab.open("imports")
    await tab.upload(next(key for key in tab.widgets if key.startswith("import-file-")), "asiakkaat.xlsx", content)
    await tab.rerun(**{"Lue tiedosto": True})
    await tab.rerun(**{"import-on": True})
    await tab.rerun(**{"import-check-do": True})
    await tab.rerun(**{"import-apply-do": True})
    if "Tuo toinen tiedosto" not in tab.widgets and "import-next" not in tab.widgets:
        raise RuntimeError(f"The import did not end: {tab.texts}")
    return time.perf_counter() - started


def memory(line: str, rows: int, server: Server) -> list[Figure]:
    peak = machine.peak_memory(server.process)
    return [Figure(line, rows, [peak])] if peak else []


def people(b: Bench, rows: int) -> Iterator[Figure]:
    """Many people at once, each of whom does something every few seconds: entries and lists in turns."""
    say(f"{rows:,} rows: {b.scale.people} people at once")
    with b.data(rows) as data:
        installation = Installation(data)
        users = [f"user{number}" for number in range(b.scale.people)]
        for user in users:
            installation.add_user_by_workbook(user, user, ["sales"], PASSWORD, WORKBOOK_PASSWORD, one_time=False)
        with Server(data) as server:
            yield Figure("people", rows, asyncio.run(_people(b, server, users)))


async def _people(b: Bench, server: Server, users: list[str]) -> list[float]:
    scale = b.scale
    tabs = [await server.tab(user) for user in users]
    unknown = iter(newcomers(scale.people * scale.turns))
    chance = random.Random(1)
    start = time.monotonic() + 1
    found = await asyncio.gather(
        *(
            _person(tab, number, unknown, start + chance.random() * scale.seconds, scale.seconds, scale.turns)
            for number, tab in enumerate(tabs)
        )
    )
    for tab in tabs:
        await tab.close()
    return [run.seconds for runs in found for run in runs]


async def _person(
    tab: Tab, number: int, unknown: Iterator[dict[str, Any]], start: float, seconds: int, turns: int
) -> list[Run]:
    found = []
    for turn in range(turns):
        await asyncio.sleep(start + turn * seconds - time.monotonic())
        match (number + turn) % 4:
            case 0:
                found.append(await tab.open(""))
            case 1:
                found.append(await _enter(tab, next(unknown)))
            case 2:
                found.append(await tab.open("prospects"))
            case _:
                if "find-query" not in tab.widgets:
                    await tab.open("prospects")
                found.append(await tab.rerun(**{"find-query": SEARCHES[turn % len(SEARCHES)]}))
    return found


async def _enter(tab: Tab, person: dict[str, Any]) -> Run:
    """Fill the form and save it."""
    key = next((key for key in tab.widgets if key.startswith("entry-")), "")
    if not key:
        await tab.open("")
        return await _enter(tab, person)
    form = key.rpartition("-")[0]
    typed = {f"{form}-{code}": str(person[code]) for code in ("name", "organisation", "phone", "email", "notes")}
    run = await tab.rerun(**typed, **{"Tallenna": True})
    if not any("P-" in text for text in tab.texts):
        raise RuntimeError(f"An entry was not saved: {tab.texts}")
    return run


async def _after(tab: Tab, **values: str) -> Run:
    await asyncio.sleep(_PAUSE)
    return await tab.rerun(**values)
