"""Signing in, and one's own password."""

from __future__ import annotations

import os
import time

import pytest

from lib.access import credentials
from lib.errors import AccountError, BadSignIn, NotSignedIn, TooMany
from lib.installation import Installation
from lib.operations import Workspace
from lib.store import keys

from .conftest import OTHER, PASSWORD, Clock, Start, add, again, sign_in

THIRD = "kolmas hevonen paristo"


def test_signing_in_opens_the_register_after_a_restart(installation: Installation, start: Start) -> None:
    start()
    restarted = again(installation)
    assert restarted.store is None
    token = restarted.sign_in(" Aino ", PASSWORD, "Firefox", "10.0.0.1").token
    assert restarted.store is not None and restarted.user_of(token)


def test_a_session_opens_the_register_after_a_restart(installation: Installation, start: Start) -> None:
    token = start()
    restarted = again(installation)
    assert restarted.account_of(token) and restarted.store is None
    assert restarted.user_of(token) and restarted.store is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("nobody", PASSWORD),
        ("nobody", ""),
        ("aino", OTHER),
        ("closed", OTHER),
        ("closed", PASSWORD),
        ("nokey", PASSWORD),
        ("../x", ""),
        ("aino", "x" * 100),
        ("aino: {roles: [admin]}", "ä" * 40),
        ("a" * 50_000, "nul\0 in the middle"),
    ],
)
def test_a4_unknown_disabled_and_wrong_get_one_answer_for_one_price(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    import bcrypt

    start()
    add(installation, "closed")
    add(installation, "nokey")
    installation.set_disabled("closed", True)
    installation.keyring.drop_account("nokey")
    credentials.warm_up()
    work: list[str] = []
    derive, check, write = keys._from_password, bcrypt.checkpw, installation.throttle._changing
    monkeypatch.setattr(keys, "_from_password", lambda *given: work.append("scrypt") or derive(*given))
    monkeypatch.setattr(bcrypt, "checkpw", lambda *given: work.append("bcrypt") or check(*given))
    monkeypatch.setattr(installation.throttle, "_changing", lambda: work.append("count") or write())
    with pytest.raises(BadSignIn) as refused:
        sign_in(installation, name, password)
    assert str(refused.value) == "The user name or the password is wrong."
    assert work == ["count", "bcrypt", "scrypt"]


def test_a4_a_thousand_wrong_passwords_slow_the_guesser_and_no_user(
    installation: Installation, start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    add(installation, "bo")
    sign_in(installation, "bo", address="10.0.0.1")
    checked: list[str] = []
    verify = installation.accounts.verify
    monkeypatch.setattr(installation.accounts, "verify", lambda *given: checked.append(given[0]) or verify(*given))
    slowed = 0
    for n in range(1000):
        clock.now += 0.5
        try:
            sign_in(installation, "bo", f"guess number {n}", address=f"192.0.2.{n % 2}")
        except TooMany:
            slowed += 1
        except BadSignIn:
            pass
    assert len(checked) + slowed == 1000 and len(checked) < 40
    assert sign_in(installation, "bo", address="10.0.0.1").token
    with pytest.raises(TooMany) as told_to_wait:
        sign_in(installation, "bo", address="198.51.100.1")
    assert told_to_wait.value.seconds <= 60
    clock.now += told_to_wait.value.seconds
    assert sign_in(installation, "bo", address="198.51.100.1").token


def test_a4_a_restart_forgets_no_guess(installation: Installation, start: Start) -> None:
    start()
    owner = installation
    for n in range(5):
        owner = again(owner)
        with pytest.raises(BadSignIn):
            sign_in(owner, "aino", "wrong wrong wrong", address=f"192.0.2.{n}")
    with pytest.raises(TooMany):
        sign_in(again(owner), "aino", address="192.0.2.9")


def test_a_register_that_does_not_open_loses_no_sign_in_and_says_why(installation: Installation, start: Start) -> None:
    start()
    restarted = again(installation)
    content = restarted.workbook.read_bytes()
    restarted.workbook.write_bytes(content[:1000])
    os.utime(restarted.workbook, (0, 0))  # a file of this moment may still be being written
    token = restarted.sign_in("aino", PASSWORD).token
    assert restarted.user_of(token) and restarted.store is None and restarted.store_error is not None
    restarted.workbook.write_bytes(content)
    assert restarted.user_of(token) and restarted.store is None, "a failed opening is not repeated at each page"
    master = restarted.sessions.master_key(token)
    assert master
    restarted.open_store(master)
    assert restarted.store is not None and restarted.store_error is None


def test_a_session_is_looked_up_fast(installation: Installation, start: Start) -> None:
    token = start()
    installation.user_of(token)
    best = min(_seconds(installation, token) for _ in range(5))
    assert best < 0.0005, best


def _seconds(installation: Installation, token: str) -> float:
    began = time.perf_counter()
    for _ in range(50):
        installation.user_of(token)
    return (time.perf_counter() - began) / 50


def test_a2_with_a_one_time_password_nothing_is_done_before_it_is_changed(
    installation: Installation, start: Start
) -> None:
    first = installation.add_user(start(), "bo", "Bo", {"sales", "admin"})
    restarted = again(installation)
    token = sign_in(restarted, "bo", first).token
    account = restarted.half_in(token)
    assert account and restarted.todo(account) == "password"
    assert restarted.account_of(token) is None and restarted.user_of(token) is None
    refused = (
        lambda: restarted.add_user(token, "eve", "Eve", {"admin"}),
        lambda: restarted.reset_password(token, "aino"),
        lambda: restarted.drop_second_factor(token, "aino"),
        lambda: restarted.sessions_of(token),
        lambda: restarted.end_session(token, "x"),
        lambda: restarted.end_second_factor(token, first),
        lambda: Workspace(restarted, token).find(),
        lambda: Workspace(restarted, token).users(),
        lambda: Workspace(restarted, token).own_sessions(),
    )
    for call in refused:
        with pytest.raises(NotSignedIn):
            call()
    changed = restarted.change_own_password(token, first, OTHER)
    assert restarted.user_of(changed) and restarted.half_in(token) is None
    with pytest.raises(BadSignIn):
        sign_in(restarted, "bo", first)
    token = sign_in(restarted, "bo").token
    assert restarted.user_of(token)
    restarted.close()


def test_a_password_is_changed_by_who_knows_it_and_to_another(installation: Installation, start: Start) -> None:
    start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token
    with pytest.raises(NotSignedIn):
        installation.change_own_password("nonsense", OTHER, THIRD)
    for old, new, error in (
        (PASSWORD, THIRD, BadSignIn),
        ("", THIRD, BadSignIn),
        (OTHER, OTHER, AccountError),
        (OTHER, "short", AccountError),
        (OTHER, "ä" * 37, AccountError),
    ):
        with pytest.raises(error):
            installation.change_own_password(token, old, new)
    assert installation.user_of(token)
    installation.change_own_password(token, OTHER, THIRD)
    restarted = again(installation)
    sign_in(restarted, "bo", THIRD)
    assert restarted.store is not None, "the new password opens the register"
    restarted.close()


def test_a4_the_old_password_is_not_guessed_from_a_stolen_session(installation: Installation, start: Start) -> None:
    start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token
    answers = []
    for n in range(20):
        with pytest.raises((BadSignIn, TooMany)) as refused:
            installation.change_own_password(token, f"guess number {n}", THIRD)
        answers.append(refused.type)
    assert answers == [BadSignIn] * 5 + [TooMany] * 15


def test_a3_a_password_that_its_user_changes_ends_every_session_but_this_device_s_new_one(
    installation: Installation, start: Start
) -> None:
    start()
    add(installation, "bo")
    stolen = sign_in(installation, "bo").token
    here = installation.sign_in("bo", OTHER, "Firefox", "10.0.0.1", own=True).token
    installation.sessions.prefer(here, language="en")
    changed = installation.change_own_password(here, OTHER, THIRD)
    assert installation.user_of(changed) and not installation.half_in(here) and not installation.half_in(stolen)
    (session,) = installation.sessions_of(changed)
    assert (session.own, session.device, session.preferences) == (True, "Firefox", {"language": "en"})
