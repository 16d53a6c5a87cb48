"""One run of the benchmark: its folder, how often each thing is done, and jobs in processes of their own."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from .jobs import PASSWORD, USER, WORKBOOK_PASSWORD, Measured

Job = Callable[..., Measured]

ROOT = Path(__file__).parents[2]
MIDDLE = 10_000  # rows at which the lines are measured that have one size only


@dataclass(frozen=True)
class Scale:
    """How often each thing is done."""

    changes: int = 300
    opens: int = 5
    checkpoints: int = 5
    queries: int = 10
    reruns: int = 60
    rounds: int = 3
    plain: int = 2
    copies: int = 12
    log: int = 100_000
    people: int = 50
    seconds: int = 10  # between two actions of a person
    turns: int = 6

    def at(self, rows: int) -> Scale:
        """The same for a size: what takes minutes is done less often."""
        return self if rows <= MIDDLE else replace(self, opens=3, checkpoints=3, rounds=2, plain=1)


FULL = Scale()
QUICK = Scale(
    changes=5, opens=1, checkpoints=1, queries=1, reruns=3, rounds=1, plain=1, copies=2, log=300, people=2, seconds=1,
    turns=2,
)  # fmt: skip


class Bench:
    """A run. A context manager; `folder` is empty and goes afterwards."""

    def __init__(self, folder: Path, scale: Scale, sizes: list[int]) -> None:
        self.folder, self.scale = folder, scale
        self.middle = MIDDLE if MIDDLE in sizes else sizes[0]
        self._numbers = itertools.count(1)
        self._made: dict[int, Path] = {}
        # A process that has loaded the program and nothing more; each job is a new one that begins like it.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.benchmark.jobs"])
        self._processes = ProcessPoolExecutor(2, context, max_tasks_per_child=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.shutdown(cancel_futures=True)

    @property
    def facts(self) -> dict[str, Any]:
        """What the titles of the table's lines tell."""
        scale = self.scale
        return {"people": scale.people, "seconds": scale.seconds, "copies": scale.copies, "log": f"{scale.log:,}"}

    @contextlib.contextmanager
    def data(self, rows: int) -> Iterator[Path]:
        """The data folder of a register with sample rows, or without any, for one use."""
        if rows not in self._made:
            self._made[rows] = self._make(rows)
        data = self.folder / f"use-{next(self._numbers)}"
        shutil.copytree(self._made[rows], data)
        try:
            yield data
        finally:
            shutil.rmtree(data)

    def _make(self, rows: int) -> Path:
        say(f"{rows:,} rows: making the register")
        data = self.folder / f"rows-{rows}"
        secrets = {"PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK_PASSWORD, "PROSPECTS_ADMIN_PASSWORD": PASSWORD}
        commands = [["init", "--admin", USER], ["sample", "--rows", str(rows), "--seed", "1"]]
        for command in commands if rows else commands[:1]:
            subprocess.run(
                [sys.executable, "-m", "lib", "--data", str(data), *command],
                cwd=ROOT,
                env={**os.environ, **secrets},
                stdout=subprocess.DEVNULL,
                check=True,
            )
        return data

    def start(self, job: Job, data: Path, *given: Any) -> Future[Measured]:
        """Begin a job of `jobs` in a process of its own."""
        return self._processes.submit(job, data, *given)

    def measure(self, job: Job, data: Path, *given: Any) -> Measured:
        return self.start(job, data, *given).result()

    def measure_at(self, rows: int, job: Job, *given: Any) -> Measured:
        """A job on a register of a size."""
        say(f"{rows:,} rows: {job.__name__.replace('_', ' ')}")
        with self.data(rows) as data:
            return self.measure(job, data, *given)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
