"""The server's start, in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lib.access import server
from lib.installation import Installation

from .conftest import OTHER, WORKBOOK_PASSWORD, Start, again


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sockets of the tests' own process are left alone."""
    monkeypatch.setattr(server, "_send_at_once", lambda: None)
    for name in ("PROSPECTS_WORKBOOK_PASSWORD", "PROSPECTS_WORKBOOK_PASSWORD_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def test_a_stale_password_in_the_environment_is_told_and_keeps_no_session_from_opening_the_register(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = start()
    restarted = again(installation)
    monkeypatch.setattr(server, "current", lambda: restarted)
    monkeypatch.setenv("PROSPECTS_WORKBOOK_PASSWORD", OTHER)

    async def live() -> None:
        async with server.lifespan(lambda: "", lambda: True)(None):
            assert restarted.store is None and restarted.store_error is None
            assert restarted.user_of(token) and restarted.store is not None

    asyncio.run(live())
    told = capfd.readouterr().err
    assert "does not open with this password" in told and OTHER not in told and WORKBOOK_PASSWORD not in told


def test_a_password_s_file_may_begin_with_the_mark_that_notepad_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "password"
    path.write_text(f"{WORKBOOK_PASSWORD}\r\n", "utf-8-sig", newline="")
    monkeypatch.setenv("PROSPECTS_WORKBOOK_PASSWORD_FILE", str(path))
    assert server._workbook_password() == WORKBOOK_PASSWORD
