"""What ends a session."""

from __future__ import annotations

import pytest

from lib.errors import NotSignedIn, NotWritten
from lib.installation import Installation

from .conftest import OTHER, WORKBOOK_PASSWORD, Start, add, again, sign_in

THIRD = "kolmas hevonen paristo"


@pytest.mark.parametrize("end", ["sign out", "disable", "role", "password", "recovery", "lost device", "one by one"])
def test_a3_what_ends_a_session_ends_it_for_good(installation: Installation, start: Start, end: str) -> None:
    admin = start()
    add(installation, "bo")
    tokens = [sign_in(installation, "bo").token for _ in range(2)]
    match end:
        case "sign out":
            for token in tokens:
                installation.sign_out(token)
        case "disable":
            installation.set_disabled("bo", True)
            installation.set_disabled("bo", False)
        case "role":
            installation.set_roles("bo", {"sales", "manager"})
        case "password":
            installation.reset_password(admin, "bo")
        case "recovery":
            installation.recover_password("bo", THIRD, WORKBOOK_PASSWORD)
        case "lost device":
            installation.lost_device("bo")
        case "one by one":
            for session in installation.sessions_of(tokens[0]):
                installation.end_session(tokens[0], session.id)
                if not installation.user_of(tokens[0]):
                    tokens.reverse()
    assert all(installation.user_of(token) is None for token in tokens)
    assert all(installation.half_in(token) is None for token in tokens)
    assert installation.sessions.of_user("bo") == []
    assert installation.user_of(admin)


@pytest.mark.parametrize("change", ["roles", "disabled", "reset", "recovery", "own"])
def test_a3_a_change_that_has_ended_the_sessions_is_told_though_the_disk_is_full_then(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    admin = start()
    add(installation, "bo")
    tokens = [sign_in(installation, "bo").token for _ in range(2)]

    def full(*_: object, **__: object) -> None:
        raise NotWritten(reason="x")

    monkeypatch.setattr(installation.sessions, "end_user", full)
    match change:
        case "roles":
            installation.set_roles("bo", {"manager"})
        case "disabled":
            installation.set_disabled("bo", True)
        case "reset":
            password = installation.reset_password(admin, "bo")
            assert installation.half_in(sign_in(installation, "bo", password).token)
        case "recovery":
            installation.recover_password("bo", THIRD, WORKBOOK_PASSWORD)
        case "own":
            assert installation.user_of(installation.change_own_password(tokens[0], OTHER, THIRD))
    assert not any(installation.half_in(token) for token in tokens)
    with pytest.raises(NotWritten):
        installation.lost_device("bo")


def test_a3_an_account_changed_by_another_process_ends_the_session_by_its_epoch(
    installation: Installation, start: Start
) -> None:
    start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token
    account = installation.accounts.get("bo")
    assert account and len(installation.live_sessions(account)) == 1
    Installation(installation.data_dir).accounts.set_roles("bo", {"manager"})
    assert installation.user_of(token) is None and installation.sessions.lookup(token)
    account = installation.accounts.get("bo")
    assert account and installation.live_sessions(account) == []


def test_a3_nobody_ends_another_user_s_session_by_its_name(installation: Installation, start: Start) -> None:
    admin = start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token
    (admins,) = installation.sessions_of(admin)
    installation.end_session(token, admins.id)
    assert installation.user_of(admin)
    with pytest.raises(NotSignedIn):
        installation.end_session("", admins.id)


def test_a_re_enabled_user_needs_no_new_password(installation: Installation, start: Start) -> None:
    start()
    add(installation, "bo")
    installation.set_disabled("bo", True)
    installation.set_disabled("bo", False)
    restarted = again(installation)
    sign_in(restarted, "bo")
    assert restarted.store is not None
    restarted.close()
