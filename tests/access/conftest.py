"""A data folder and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.first_start import set_up
from lib.installation import Installation

PASSWORD = "oikea hevonen paristo"
WORKBOOK_PASSWORD = "työkirjan pitkä salasana"


class Clock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += hours * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


Start = Callable[..., str]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A data folder before its first start."""
    made = Installation(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def start(installation: Installation) -> Start:
    """Does the first start and gives the first user's token; values can be others."""

    def begin(**others: object) -> str:
        values: dict[str, object] = {
            "code": installation.setup_code or "",
            "company": "Esimerkki Oy",
            "person_responsible": "Aino Vastaava",
            "username": "aino",
            "display_name": "Aino Vastaava",
            "password": PASSWORD,
            "workbook_password": WORKBOOK_PASSWORD,
            "language": "fi",
            "sample": False,
        }
        return set_up(installation, **{**values, **others})  # type: ignore[arg-type]

    return begin
