"""The first start, signing in, and what opens the register."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lib.access import credentials
from lib.errors import (
    AccountError,
    BadSignIn,
    Invalid,
    NotAllowed,
    NotSignedIn,
    NotSynced,
    NotWritten,
    TooMany,
    WrongPassword,
)
from lib.files import write_atomically
from lib.installation import Installation
from lib.operations import Workspace
from lib.store import keys

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Clock, Start, add, again, sign_in, told

THIRD = "kolmas hevonen paristo"


# -- the first start ---------------------------------------------------------------------------------------------------


def test_the_first_start_makes_a_register_a_user_and_a_session(installation: Installation, start: Start) -> None:
    assert installation.is_new and installation.setup_code
    token = start()
    account = installation.user_of(token)
    assert account is not None and account.roles == {"sales", "manager", "admin"}
    assert account.knew_workbook_password and not account.must_change
    assert installation.store is not None and installation.store_error is None
    assert not installation.is_new and installation.setup_code is None
    assert installation.settings.controller == "Esimerkki Oy"


def test_the_first_start_needs_its_code_and_happens_once(installation: Installation, start: Start) -> None:
    for code in ("", "wrong", (installation.setup_code or "")[:-1], "ä"):
        with pytest.raises(NotAllowed):
            start(code=code)
    assert not installation.workbook.exists()
    code = installation.setup_code
    start()
    with pytest.raises(NotAllowed):
        start(code=code, username="bo")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company", " "),
        ("person_responsible", ""),
        ("display_name", ""),
        ("username", "Äijä"),
        ("password", "short"),
        ("workbook_password", "short"),
        ("language", "xx"),
    ],
)
def test_wrong_input_is_told_by_field_and_makes_nothing(
    installation: Installation, start: Start, field: str, value: str
) -> None:
    with pytest.raises(Invalid) as wrong:
        start(**{field: value})
    assert set(wrong.value.fields) == {field}
    assert installation.is_new and not installation.workbook.exists() and not installation.keyring.exists


@pytest.mark.parametrize(
    "step",
    ["lib.store.journal.write_atomically", "lib.settings.write_atomically", "lib.access.accounts.write_atomically"],
)
def test_a_first_start_that_failed_can_be_tried_again(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    with monkeypatch.context() as patched:
        patched.setattr(step, full)
        with pytest.raises(NotWritten):
            start()
    assert installation.is_new
    assert installation.user_of(start())


def test_a_retry_with_another_workbook_password_works_while_there_is_no_workbook(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    with monkeypatch.context() as patched:
        patched.setattr("lib.store.journal.write_atomically", full)
        with pytest.raises(NotWritten):
            start()
    assert installation.user_of(start(workbook_password=OTHER))


def test_an_existing_workbook_is_taken_over_with_its_password(installation: Installation, start: Start) -> None:
    from lib.store import Store

    with Store.create(installation.data_dir, WORKBOOK_PASSWORD) as store:
        number = store.add({"name": "Liisa Malli", "source": "phone"}, by="cli")
    with pytest.raises(Invalid) as wrong:
        start(workbook_password=OTHER)
    assert set(wrong.value.fields) == {"workbook_password"} and installation.is_new
    start()
    assert installation.store is not None and list(installation.store.frame["id"]) == [number]


def test_the_sample_is_there_when_asked_for(installation: Installation, start: Start) -> None:
    start(sample=True)
    assert installation.store is not None and len(installation.store.frame) == 200


# -- signing in --------------------------------------------------------------------------------------------------------


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


# -- passwords ---------------------------------------------------------------------------------------------------------


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


# -- ends of sessions --------------------------------------------------------------------------------------------------


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


# -- users -------------------------------------------------------------------------------------------------------------


def test_a2_only_an_administrator_s_session_adds_users_and_passwords(installation: Installation, start: Start) -> None:
    start()
    add(installation, "bo", "sales", "manager")
    token = sign_in(installation, "bo").token
    with pytest.raises(NotAllowed):
        installation.add_user(token, "eve", "Eve", {"admin"})
    with pytest.raises(NotAllowed):
        installation.reset_password(token, "aino")
    with pytest.raises(NotSignedIn):
        installation.add_user("nonsense", "eve", "Eve", {"admin"})
    assert installation.accounts.get("eve") is None


def test_an_administrator_s_own_password_is_not_reset_but_changed(installation: Installation, start: Start) -> None:
    admin = start()
    with pytest.raises(AccountError):
        installation.reset_password(admin, "aino")
    assert installation.user_of(admin)


def test_a_reset_gives_a_new_one_time_password_each_time(installation: Installation, start: Start) -> None:
    admin = start()
    add(installation, "bo")
    one, two = (installation.reset_password(admin, "bo") for _ in range(2))
    for password in (OTHER, one):
        with pytest.raises(BadSignIn):
            sign_in(installation, "bo", password)
    account = installation.half_in(sign_in(installation, "bo", two).token)
    assert account and account.must_change


@pytest.mark.parametrize("who", ["oneself", "an administrator", "the workbook's password"])
@pytest.mark.parametrize("way", ["no key", "no account", "a key that is not confirmed"])
def test_a_password_that_the_disk_takes_half_of_leaves_the_one_before_with_its_key(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch, who: str, way: str
) -> None:
    admin = start()
    add(installation, "bo")
    token = sign_in(installation, "bo").token

    def write(path: Path, content: bytes) -> None:
        if way == "a key that is not confirmed":
            write_atomically(path, content)
            raise NotSynced(reason="x")
        raise NotWritten(reason="x")

    with monkeypatch.context() as patched:
        # The keyring writes JSON, the accounts write YAML themselves.
        patched.setattr(
            "lib.access.accounts.write_atomically" if way == "no account" else "lib.files.write_atomically", write
        )
        with pytest.raises(NotWritten):
            match who:
                case "oneself":
                    installation.change_own_password(token, OTHER, THIRD)
                case "an administrator":
                    installation.reset_password(admin, "bo")
                case _:
                    installation.recover_password("bo", THIRD, WORKBOOK_PASSWORD)
    assert installation.user_of(token), "the session goes on"
    restarted = again(installation)
    assert sign_in(restarted, "bo").token and restarted.store is not None, "the password before opens the register"
    restarted.close()


def test_adding_a_name_that_is_taken_leaves_its_key_alone(installation: Installation, start: Start) -> None:
    admin = start()
    for name in ("aino", "bad name"):
        with pytest.raises(AccountError):
            installation.add_user(admin, name, "Other", {"sales"})
    assert installation.keyring.by_account("aino", PASSWORD)


def test_a_user_added_by_the_workbook_s_password_opens_the_register(installation: Installation, start: Start) -> None:
    start()
    with pytest.raises(WrongPassword):
        installation.add_user_by_workbook("bo", "Bo", {"sales"}, OTHER, OTHER)
    installation.add_user_by_workbook("bo", "Bo", {"sales"}, OTHER, WORKBOOK_PASSWORD)
    restarted = again(installation)
    account = restarted.half_in(sign_in(restarted, "bo").token)
    assert restarted.store is not None and account and account.must_change


def test_the_workbook_s_password_gives_the_only_administrator_a_new_one(
    installation: Installation, start: Start
) -> None:
    start()
    with pytest.raises(WrongPassword):
        installation.recover_password("aino", OTHER, OTHER)
    installation.recover_password("aino", OTHER, WORKBOOK_PASSWORD)
    restarted = again(installation)
    with pytest.raises(BadSignIn):
        sign_in(restarted, "aino", PASSWORD)
    account = restarted.half_in(sign_in(restarted, "aino").token)
    assert restarted.store is not None and account and account.must_change
    restarted.recover_password("aino", THIRD, WORKBOOK_PASSWORD, one_time=False)
    assert restarted.user_of(sign_in(restarted, "aino", THIRD).token)


def test_the_register_opens_unattended_with_the_workbook_s_password(installation: Installation, start: Start) -> None:
    start()
    restarted = again(installation)
    with pytest.raises(WrongPassword):
        restarted.open_unattended(OTHER)
    restarted.open_unattended(WORKBOOK_PASSWORD)
    assert restarted.store is not None


def test_no_file_of_the_folder_holds_a_password_in_the_clear(installation: Installation, start: Start) -> None:
    token = start()
    for path in installation.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in (PASSWORD, WORKBOOK_PASSWORD, token)), path


def test_the_folder_has_a_name_that_stays(installation: Installation) -> None:
    assert installation.id == Installation(installation.data_dir).id != ""


@pytest.mark.parametrize(
    "content", [b"", b'{"version": 1, "i', b"[]", b"{}", b"null", b'{"id": ""}', b'{"id": "a; b"}', b"\xff"]
)
def test_a_name_that_cannot_be_read_is_made_anew(installation: Installation, content: bytes) -> None:
    path = installation.data_dir / "installation.json"
    path.write_bytes(content)
    made = installation.id
    assert made and Installation(installation.data_dir).id == made


def test_settings_are_seen_at_once_by_another_process(installation: Installation) -> None:
    other = Installation(installation.data_dir)
    installation.save_settings(idle_hours=1)
    assert other.settings.idle_hours == 1


def test_one_server_runs_on_a_folder(installation: Installation) -> None:
    import subprocess
    import sys

    installation.claim_server()
    code = (
        "import sys, pathlib\n"
        "from lib.installation import Installation\n"
        "from lib.errors import InUse\n"
        "try: Installation(pathlib.Path(sys.argv[1])).claim_server()\n"
        "except InUse: sys.exit(7)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(installation.data_dir)], check=False)
    assert ended.returncode == 7


# -- what the change log says of the door ------------------------------------------------------------------------------

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
