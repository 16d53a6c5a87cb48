"""How long a session lasts, and what of it is on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.access.accounts import Account
from lib.access.sessions import Session, Sessions
from lib.errors import NotWritten
from lib.settings import Settings

from .conftest import Clock

AINO = Account("aino", "Aino", frozenset({"sales"}), False, 3)
BO = Account("bo", "Bo", frozenset({"sales"}), False, 1)
MASTER = bytes(range(32))
Ends = list[tuple[str, str]]


@pytest.fixture
def ends() -> Ends:
    """The devices whose sessions have ended, and why."""
    return []


@pytest.fixture
def rules() -> dict[str, int]:
    """The settings, to be changed."""
    return {"idle_hours": 12, "session_hours": 16, "own_device_days": 30}


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock, ends: Ends, rules: dict[str, int]) -> Sessions:
    def ended(session: Session, why: str) -> None:
        ends.append((session.device, why))

    return Sessions(tmp_path, lambda: Settings(**rules), clock, ended)  # type: ignore[arg-type]


def test_a_session_is_found_by_its_token_only(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "Firefox", "10.0.0.1")
    session = sessions.lookup(token)
    assert session is not None and (session.user, session.epoch, session.device) == ("aino", 3, "Firefox")
    for other in ("", token[:-1], token + "x", "nonsense", "\udcff", session.id):
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


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_the_idle_hours_and_use_keeps_it(
    sessions: Sessions, clock: Clock, rules: dict[str, int]
) -> None:
    rules["session_hours"] = 100
    token = sessions.create(AINO, MASTER, "", "")
    clock.pass_hours(11)
    assert sessions.lookup(token)
    clock.pass_hours(11)
    assert sessions.lookup(token, used=False)
    clock.pass_hours(2)
    assert sessions.lookup(token) is None and sessions.master_key(token) is None


def test_on_a_shared_desk_a_session_lasts_a_working_day_and_no_longer(sessions: Sessions, clock: Clock) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    for _ in range(16):
        clock.pass_hours(1)
        assert sessions.lookup(token)
    clock.pass_hours(0.1)
    assert sessions.lookup(token) is None


def test_on_ones_own_device_it_lasts_its_days_unused_or_not(sessions: Sessions, clock: Clock) -> None:
    token = sessions.create(AINO, MASTER, "", "", own=True)
    clock.pass_hours(29 * 24)
    session = sessions.lookup(token)
    assert session and session.own
    clock.pass_hours(24.1)
    assert sessions.lookup(token) is None


def test_where_own_devices_are_not_offered_there_are_none(
    sessions: Sessions, clock: Clock, rules: dict[str, int]
) -> None:
    before = sessions.create(AINO, MASTER, "before", "", own=True)
    rules["own_device_days"] = 0
    clock.pass_hours(1)
    assert sessions.lookup(before) is None, "those from before end"
    asked = sessions.lookup(sessions.create(AINO, MASTER, "", "", own=True))
    assert asked and not asked.own


def test_a_session_of_an_older_version_is_a_session_on_a_shared_desk(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    content = json.loads(sessions.path.read_bytes())
    for record in content["sessions"].values():
        del record["own"]
    sessions.path.write_text(json.dumps(content))
    session = sessions.lookup(token)
    assert session and not session.own


def test_use_is_written_at_most_once_a_minute_and_outlives_a_restart(
    sessions: Sessions, tmp_path: Path, clock: Clock, rules: dict[str, int]
) -> None:
    rules["session_hours"] = 100
    token = sessions.create(AINO, MASTER, "", "")
    before = sessions.path.read_bytes()
    sessions.lookup(token)
    assert sessions.path.read_bytes() == before
    clock.pass_hours(11)
    sessions.lookup(token)
    clock.pass_hours(11)
    assert Sessions(tmp_path, lambda: Settings(**rules), clock).lookup(token)  # type: ignore[arg-type]


def test_looking_without_use_keeps_no_session(sessions: Sessions, clock: Clock) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    for _ in range(12):
        clock.pass_hours(1)
        assert sessions.lookup(token, used=False)
    clock.pass_hours(1)
    assert sessions.lookup(token, used=False) is None


def test_a_full_disk_ends_no_session(sessions: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sessions.create(AINO, MASTER, "", "")
    clock.pass_hours(1)

    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    monkeypatch.setattr("lib.access.sessions.write_json", full)
    assert sessions.lookup(token)


# -- ends --------------------------------------------------------------------------------------------------------------


def test_a3_an_ended_session_is_ended_in_every_process(sessions: Sessions, tmp_path: Path, clock: Clock) -> None:
    other = Sessions(tmp_path, Settings, clock)
    one, two = (sessions.create(AINO, MASTER, "", "") for _ in range(2))
    assert other.lookup(one) and other.lookup(two)
    sessions.end(one)
    assert other.lookup(one) is None and other.lookup(two)
    sessions.end_user("aino")
    assert other.lookup(two) is None and other.of_user("aino") == []


def test_a3_one_session_ends_by_its_name_and_only_its_own_user_can_name_it(sessions: Sessions) -> None:
    desk, phone = sessions.create(AINO, MASTER, "desk", ""), sessions.create(AINO, MASTER, "phone", "")
    named = {session.device: session.id for session in sessions.of_user("aino")}
    assert len(named["phone"]) == 16 and named["phone"] not in (phone, desk)
    sessions.end_one("bo", named["phone"])
    sessions.end_one("aino", "nonsense")
    assert sessions.lookup(phone)
    sessions.end_one("aino", named["phone"])
    assert sessions.lookup(phone) is None and sessions.lookup(desk)


def test_a3_all_sessions_of_a_user_end_but_one_that_may_stay(sessions: Sessions) -> None:
    stays, goes = sessions.create(AINO, MASTER, "", ""), sessions.create(AINO, MASTER, "", "")
    others = sessions.create(BO, MASTER, "", "")
    sessions.end_user("aino", but=stays)
    assert sessions.lookup(stays) and sessions.lookup(others) and sessions.lookup(goes) is None
    sessions.end_user("aino")
    assert sessions.lookup(stays) is None and sessions.lookup(others)


def test_whatever_ends_a_session_is_told_once_with_the_reason(
    sessions: Sessions, clock: Clock, ends: Ends, rules: dict[str, int]
) -> None:
    rules["session_hours"] = 14
    tokens = {name: sessions.create(AINO, MASTER, name, "") for name in ("out", "there", "idle", "old")}
    for _ in range(2):
        sessions.end(tokens["out"])
    sessions.end_one("aino", next(s.id for s in sessions.of_user("aino") if s.device == "there"))
    for _ in range(2):
        clock.pass_hours(6.5)
        sessions.lookup(tokens["old"])
    clock.pass_hours(1.5)
    sessions.create(BO, MASTER, "closed", "")
    sessions.end_user("bo")
    assert ends == [
        ("out", "signed_out"),
        ("there", "ended_elsewhere"),
        ("idle", "idle"),
        ("old", "too_old"),
        ("closed", "account"),
    ]


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


def test_what_is_preferred_on_a_device_goes_on_in_the_next_session(sessions: Sessions) -> None:
    token = sessions.create(AINO, MASTER, "", "", preferences={"language": "en"})
    session = sessions.lookup(token)
    assert session and session.preferences == {"language": "en"}
