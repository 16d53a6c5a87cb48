"""A data folder with backups, and a second place beside it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib.settings import Settings
from lib.store.backups import Backups
from lib.store.copies import Copy

NOW = dt.datetime(2026, 11, 22, 13, 5)
DAY = dt.timedelta(days=1)
ROOT = Path(__file__).parents[3]


class Place:
    """A data folder with its backups, and a second place to choose."""

    def __init__(self, folder: Path) -> None:
        self.rules = Settings()
        self.data = folder / "data"
        self.disk = folder / "disk"
        for path in (self.data, self.disk):
            path.mkdir()
        self.backups = Backups(self.data, lambda: self.rules)

    def choose(self, place: Path | str | None = None, **others: Any) -> None:
        self.rules = replace(self.rules, second_place=str(place or self.disk), **others)

    def again(self) -> Backups:
        """As another process, or the next start, sees it."""
        return Backups(self.data, lambda: self.rules)

    @property
    def second(self) -> Path:
        """The folder of the copies in the second place."""
        return self.disk / json.loads((self.backups.folder / "second_place.json").read_text())["folder"]

    def keep(self, kind: str = "manual", content: bytes = b"sealed", **others: Any) -> Copy:
        facts: dict[str, Any] = {"generation": 1, "rows": 10, "now": NOW, **others}
        return self.backups.keep(kind, content, **facts)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def own_names(place: Place) -> list[str]:
    return [name for name in names(place.backups.folder) if name != "second_place.json"]


def keys(found: list[Copy]) -> list[tuple[str, int]]:
    return [(copy.kind, copy.generation) for copy in found]
