"""Running commands as people and schedulers run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lib.store import Store

ROOT = Path(__file__).parents[2]
ADMIN, WORKBOOK, NEW = "ylläpidon pitkä salasana", "työkirjan pitkä salasana", "työkirjan uusi salasana"
SECRETS = {"PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK, "PROSPECTS_ADMIN_PASSWORD": ADMIN}

Quick = Callable[..., tuple[int, str, str]]
Here = Callable[..., subprocess.CompletedProcess[str]]


def command(data: Path, *arguments: object) -> list[str]:
    python = [sys.executable, "-W", "error::ResourceWarning"]
    return [*python, "-m", "lib", "--data", str(data), *map(str, arguments)]


def environment(**given: str | None) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PROSPECTS_")}
    return {**clean, **{k: v for k, v in {**SECRETS, **given}.items() if v is not None}}


def run(data: Path, *arguments: object, **given: str | None) -> subprocess.CompletedProcess[str]:
    """Run one command; no terminal is there to ask at."""
    ran = subprocess.run(
        command(data, *arguments),
        cwd=ROOT,
        env=environment(**given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    return seen(ran)


def seen(ran: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Whatever a command says, it is no traceback and no secret."""
    assert "Traceback" not in ran.stderr + ran.stdout, ran.stderr
    for secret in (ADMIN, WORKBOOK, NEW):
        assert secret not in ran.stderr + ran.stdout
    return ran


def fine(ran: subprocess.CompletedProcess[str], status: int = 0) -> str:
    assert (ran.returncode, ran.stderr) == (status, ""), ran
    return ran.stdout


def failed(ran: subprocess.CompletedProcess[str]) -> str:
    assert (ran.returncode, ran.stdout) == (2, ""), ran
    assert ran.stderr.strip()
    return ran.stderr


def actions(data: Path, password: str = WORKBOOK) -> list[tuple[str, str]]:
    """Who (up to the colon) did what, newest first."""
    store = Store.open(data, password)
    return [(entry.by.split(":")[0], entry.action) for entry in store.log()]
