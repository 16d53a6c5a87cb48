"""What the change log says of the door."""

from __future__ import annotations

import time

import pytest

from lib.errors import BadSignIn, NotWritten, TooMany
from lib.installation import Installation

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Clock, Start, add, again, sign_in, told

THIRD = "kolmas hevonen paristo"


HERE = {"device": "Firefox, Windows", "address": "10.0.0.1"}


def test_sign_ins_failures_and_ends_are_in_the_log_with_device_and_address(
    installation: Installation, start: Start, clock: Clock
) -> None:
    start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token
    for name, password in (("bo", PASSWORD), ("toinen hevonen paristo", "bo")):
        with pytest.raises(BadSignIn):
            sign_in(installation, name, password)
    installation.sign_out(token)
    installation.sign_out(token)
    there, changes = sign_in(installation, "bo").token, sign_in(installation, "bo").token
    (one,) = (s for s in installation.sessions_of(there) if s.id != installation.sessions_of(changes)[0].id)
    installation.end_session(changes, one.id)
    installation.change_own_password(changes if installation.user_of(changes) else there, OTHER, THIRD)
    clock.pass_hours(13)
    sign_in(installation, "aino", PASSWORD)
    lines = [line for line in told(installation) if line[0] != "aino"]
    assert all(facts.items() >= HERE.items() for _, _, facts in lines)
    assert [(by, action, facts.get("why", "")) for by, action, facts in lines] == [
        ("bo", "sign_in", ""),
        ("bo", "sign_in_failed", ""),
        ("", "sign_in_failed", ""),
        ("bo", "sign_out", ""),
        ("bo", "sign_in", ""),
        ("bo", "sign_in", ""),
        ("bo", "session_ended", "ended_elsewhere"),
        ("bo", "session_ended", "account"),
        ("bo", "own_password", ""),
        ("bo", "session_ended", "idle"),
    ]
    assert "hevonen" not in str(lines), "a password in the wrong field is not kept"


def test_a_slowed_address_is_told_once_a_minute(installation: Installation, start: Start, clock: Clock) -> None:
    start()
    for n in range(130):
        clock.now += 1
        with pytest.raises((BadSignIn, TooMany)):
            sign_in(installation, "nobody" if n % 2 else "aino", "wrong wrong wrong", address="192.0.2.1")
    lines = told(installation, "slowed")
    assert 2 <= len(lines) <= 3 and {by for by, _, _ in lines} <= {"aino", ""}


def test_what_happens_before_the_register_is_open_is_written_when_it_opens(
    installation: Installation, start: Start
) -> None:
    start()
    restarted = again(installation)
    for n in range(1200):
        restarted.event("slowed", "", "", f"192.0.2.{n}")
    with pytest.raises(BadSignIn):
        sign_in(restarted, "aino", OTHER)
    sign_in(restarted, "aino", PASSWORD)
    lines = told(restarted)[-1001:]
    assert [action for _, action, _ in lines[-2:]] == ["sign_in_failed", "sign_in"]
    assert lines[0][2] == {"address": "192.0.2.201"}, "the oldest of too many go"
    restarted.close()


def test_a_line_says_when_it_happened_and_not_when_it_was_written(installation: Installation, start: Start) -> None:
    start()
    restarted = again(installation)
    began = restarted._now()
    restarted.event("slowed", "", "", "192.0.2.1")
    time.sleep(1.1)
    sign_in(restarted, "aino", PASSWORD)
    assert restarted.store
    slowed = next(line for line in restarted.store.log() if line.action == "slowed")
    assert (slowed.at - began).total_seconds() <= 1 <= (restarted.store.now - slowed.at).total_seconds()
    restarted.close()


def test_a_log_that_cannot_be_written_keeps_nobody_out_and_follows_later(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    store = installation.store
    assert store

    def full(_: object) -> None:
        raise NotWritten(reason="the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_entry", full)
        with pytest.raises(BadSignIn):
            sign_in(installation, "aino", OTHER)
        token = sign_in(installation, "aino", PASSWORD).token
        assert installation.user_of(token) and "disk is full" in caplog.text
        patched.setattr(installation, "_now", lambda: 1 / 0)
        installation.event("sign_out", "aino", "", "")
    installation.sign_out(token)
    actions = [action for _, action, _ in told(installation)]
    assert actions[-3:] == ["sign_in_failed", "sign_in", "sign_out"]


def test_a_server_s_sign_in_does_not_wait_for_the_log(installation: Installation, start: Start) -> None:
    import threading

    start()
    add(installation, "bo")
    server = again(installation)
    server.claim_server()
    sign_in(server, "aino", PASSWORD)
    assert server.store
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        assert server.store
        with server.store.locked():
            held.set()
            let_go.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    assert sign_in(server, "bo").token and holder.is_alive()
    let_go.set()
    holder.join()
    server.close()
    reopened = Installation(server.data_dir)
    reopened.open_unattended(WORKBOOK_PASSWORD)
    assert ("bo", "sign_in", HERE) in told(reopened)
    reopened.close()
