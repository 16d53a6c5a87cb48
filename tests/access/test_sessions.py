"""How long a session lasts, and what of it is on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.access.accounts import Account
from lib.access.sessions import Sessions
from lib.errors import NotWritten
from lib.settings import Settings

from .conftest import Clock

AINO = Account("aino", "Aino", "", frozenset({"sales"}), False, 3)
MASTER = bytes(range(32))


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(tmp_path, lambda: Settings(idle_hours=12, session_days=30), clock)


def test_a_session_is_found_by_its_token_only(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "Firefox", "10.0.0.1")
    session = sessions.lookup(token)
    assert session is not None and (session.user, session.epoch, session.device) == ("aino", 3, "Firefox")
    for other in ("", token[:-1], token + "x", "nonsense", "\udcff"):
        assert sessions.lookup(other) is None
    assert len(token) >= 43


def test_a3_the_disk_holds_neither_the_token_nor_the_master_key(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    content = sessions.path.read_bytes()
    assert token.encode() not in content and MASTER not in content and MASTER.hex().encode() not in content


def test_the_master_key_comes_back_by_the_token_alone_after_a_restart(
    sessions: Sessions, tmp_path: Path, clock: Clock
) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    restarted = Sessions(tmp_path, Settings, clock)
    assert restarted.master_key(token) == MASTER
    assert restarted.master_key("other") is None
    assert restarted.master_key(sessions.create(AINO, None, "", "")) is None


def test_a_session_ends_after_the_idle_hours_and_use_keeps_it(sessions: Sessions, clock: Clock) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    clock.pass_hours(11)
    assert sessions.lookup(token)
    clock.pass_hours(11)
    assert sessions.lookup(token, used=False)
    clock.pass_hours(2)
    assert sessions.lookup(token) is None and sessions.master_key(token) is None


def test_a_session_ends_after_the_session_s_days_in_any_case(sessions: Sessions, clock: Clock) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    for _ in range(30 * 24 // 8):
        clock.pass_hours(8)
        assert sessions.lookup(token)
    clock.pass_hours(1)
    assert sessions.lookup(token) is None


def test_use_is_written_at_most_once_a_minute_and_outlives_a_restart(
    sessions: Sessions, tmp_path: Path, clock: Clock
) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    before = sessions.path.read_bytes()
    sessions.lookup(token)
    assert sessions.path.read_bytes() == before
    clock.pass_hours(11)
    sessions.lookup(token)
    clock.pass_hours(11)
    assert Sessions(tmp_path, Settings, clock).lookup(token)


def test_a_full_disk_ends_no_session(sessions: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    clock.pass_hours(1)

    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    monkeypatch.setattr("lib.access.sessions.write_json", full)
    assert sessions.lookup(token)


def test_a3_an_ended_session_is_ended_in_every_process(sessions: Sessions, tmp_path: Path, clock: Clock) -> None:
    other = Sessions(tmp_path, Settings, clock)
    one, two = (sessions.create(AINO, MASTER, "", "") for _ in range(2))
    assert other.lookup(one) and other.lookup(two)
    sessions.end(one)
    assert other.lookup(one) is None and other.lookup(two)
    sessions.end_user("aino")
    assert other.lookup(two) is None and other.of_user("aino") == []


def test_sessions_that_have_ended_leave_the_file(sessions: Sessions, clock: Clock) -> None:
    sessions.create(AINO, MASTER, "old", "")
    clock.pass_hours(13)
    sessions.create(AINO, MASTER, "new", "")
    assert [session.device for session in sessions.of_user("aino")] == ["new"]
    assert b"old" not in sessions.path.read_bytes()


def test_a_broken_file_ends_the_sessions_and_nothing_else(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    sessions.path.write_bytes(b"{ not json")
    assert sessions.lookup(token) is None
    assert sessions.lookup(sessions.create(AINO, MASTER, "", ""))
