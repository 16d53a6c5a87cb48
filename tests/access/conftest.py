"""A data folder and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest

from lib.access.entrance import SignIn
from lib.first_start import set_up
from lib.installation import Installation

PASSWORD = "oikea hevonen paristo"
WORKBOOK_PASSWORD = "työkirjan pitkä salasana"
OTHER = "toinen hevonen paristo"


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
Events = list[tuple[str, str, dict[str, object]]]


@pytest.fixture
def installation(tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    """A data folder before its first start."""
    made = Installation(tmp_path / "data", clock)
    yield made
    made.close()


def again(installation: Installation) -> Installation:
    """The same data folder after a restart."""
    installation.close()
    return Installation(installation.data_dir, installation.clock)


def add(installation: Installation, name: str, *roles: str, password: str = OTHER) -> None:
    """A user with a password that stays."""
    installation.add_user_by_workbook(
        name, name.capitalize(), roles or ("sales",), password, WORKBOOK_PASSWORD, one_time=False
    )


def sign_in(installation: Installation, name: str, password: str = OTHER, address: str = "10.0.0.1") -> SignIn:
    return installation.sign_in(name, password, "Mozilla/5.0 (Windows NT 10.0) Firefox/150.0", address)


def app_code(installation: Installation, secret: str, seconds: float = 0) -> str:
    """What an authenticator app shows, now or so much later."""
    return pyotp.TOTP(secret).generate_otp(int(installation.clock() + seconds) // 30)


def told(installation: Installation, *actions: str) -> Events:
    """Who did what at the door, and its facts, oldest first; all, or some actions only."""
    assert installation.store
    lines = reversed(installation.store.log())
    return [(e.by, e.action, e.facts) for e in lines if e.action in actions or not actions]


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
