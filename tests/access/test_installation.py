"""The first start, signing in, and what opens the register."""

from __future__ import annotations

import os
import time

import pytest

from lib.errors import AccountError, BadSignIn, Invalid, NotAllowed, NotSignedIn, NotWritten, WrongPassword
from lib.installation import Installation
from lib.store import keys

from .conftest import PASSWORD, WORKBOOK_PASSWORD, Start

OTHER = "toinen hevonen paristo"


def again(installation: Installation) -> Installation:
    """The same data folder after a restart."""
    installation.close()
    return Installation(installation.data_dir)


# -- the first start ---------------------------------------------------------------------------------------------------


def test_the_first_start_makes_a_register_a_user_and_a_session(installation: Installation, start: Start) -> None:
    assert installation.is_new and installation.setup_code
    token = start()
    account = installation.user_of(token)
    assert account is not None and account.roles == {"sales", "manager", "admin"}
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
    token = restarted.sign_in(" Aino ", PASSWORD, "Firefox", "10.0.0.1")
    assert restarted.store is not None and restarted.user_of(token)


def test_a_session_opens_the_register_after_a_restart(installation: Installation, start: Start) -> None:
    token = start()
    restarted = again(installation)
    assert restarted.account_of(token) and restarted.store is None
    assert restarted.user_of(token) and restarted.store is not None


def test_a4_unknown_disabled_and_wrong_get_one_answer_for_one_price(
    installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = start()
    installation.add_user(admin, "bo", "Bo", {"sales"}, OTHER)
    installation.set_disabled("bo", True)
    derived: list[int] = []
    derive = keys._from_password
    monkeypatch.setattr(keys, "_from_password", lambda *given: derived.append(1) or derive(*given))
    answers = set()
    for name, password in (("nobody", PASSWORD), ("aino", OTHER), ("bo", OTHER), ("bo", PASSWORD), ("../x", "")):
        derived.clear()
        with pytest.raises(BadSignIn) as refused:
            installation.sign_in(name, password, "", "")
        answers.add(str(refused.value))
        assert len(derived) == 1, name
    assert len(answers) == 1


def test_a_register_that_does_not_open_loses_no_sign_in_and_says_why(installation: Installation, start: Start) -> None:
    start()
    restarted = again(installation)
    content = restarted.workbook.read_bytes()
    restarted.workbook.write_bytes(content[:1000])
    os.utime(restarted.workbook, (0, 0))  # a file of this moment may still be being written
    token = restarted.sign_in("aino", PASSWORD, "", "")
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


# -- ends of sessions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["sign out", "disable", "role", "password", "recovery"])
def test_a3_what_ends_a_session_ends_it_for_good(installation: Installation, start: Start, end: str) -> None:
    admin = start()
    installation.add_user(admin, "bo", "Bo", {"sales"}, OTHER)
    tokens = [installation.sign_in("bo", OTHER, "", "") for _ in range(2)]
    match end:
        case "sign out":
            installation.sign_out(tokens.pop())
            installation.sign_out(tokens.pop())
        case "disable":
            installation.set_disabled("bo", True)
            installation.set_disabled("bo", False)
        case "role":
            installation.set_roles("bo", {"sales", "manager"})
        case "password":
            installation.reset_password(admin, "bo", "kolmas hevonen paristo")
        case "recovery":
            installation.recover_password("bo", "kolmas hevonen paristo", WORKBOOK_PASSWORD)
    assert all(installation.user_of(token) is None for token in tokens)
    assert installation.sessions.of_user("bo") == []
    assert installation.user_of(admin)


def test_a3_an_account_changed_by_another_process_ends_the_session_by_its_epoch(
    installation: Installation, start: Start
) -> None:
    admin = start()
    installation.add_user(admin, "bo", "Bo", {"sales"}, OTHER)
    token = installation.sign_in("bo", OTHER, "", "")
    Installation(installation.data_dir).accounts.set_roles("bo", {"manager"})
    assert installation.user_of(token) is None and installation.sessions.lookup(token)


def test_a_re_enabled_user_needs_no_new_password(installation: Installation, start: Start) -> None:
    installation.add_user(start(), "bo", "Bo", {"sales"}, OTHER)
    installation.set_disabled("bo", True)
    installation.set_disabled("bo", False)
    restarted = again(installation)
    restarted.sign_in("bo", OTHER, "", "")
    assert restarted.store is not None


# -- users -------------------------------------------------------------------------------------------------------------


def test_a2_only_an_administrator_s_session_adds_users_and_passwords(installation: Installation, start: Start) -> None:
    admin = start()
    installation.add_user(admin, "bo", "Bo", {"sales", "manager"}, OTHER)
    token = installation.sign_in("bo", OTHER, "", "")
    with pytest.raises(NotAllowed):
        installation.add_user(token, "eve", "Eve", {"admin"}, OTHER)
    with pytest.raises(NotAllowed):
        installation.reset_password(token, "aino", OTHER)
    with pytest.raises(NotSignedIn):
        installation.add_user("nonsense", "eve", "Eve", {"admin"}, OTHER)
    assert installation.accounts.get("eve") is None


def test_adding_a_name_that_is_taken_leaves_its_key_alone(installation: Installation, start: Start) -> None:
    admin = start()
    for name in ("aino", "bad name"):
        with pytest.raises(AccountError):
            installation.add_user(admin, name, "Other", {"sales"}, OTHER)
    assert installation.keyring.by_account("aino", PASSWORD)


def test_a_user_added_by_the_workbook_s_password_opens_the_register(installation: Installation, start: Start) -> None:
    start()
    with pytest.raises(WrongPassword):
        installation.add_user_by_workbook("bo", "Bo", {"sales"}, OTHER, OTHER)
    installation.add_user_by_workbook("bo", "Bo", {"sales"}, OTHER, WORKBOOK_PASSWORD)
    restarted = again(installation)
    restarted.sign_in("bo", OTHER, "", "")
    assert restarted.store is not None


def test_the_workbook_s_password_gives_the_only_administrator_a_new_one(
    installation: Installation, start: Start
) -> None:
    start()
    with pytest.raises(WrongPassword):
        installation.recover_password("aino", OTHER, OTHER)
    installation.recover_password("aino", OTHER, WORKBOOK_PASSWORD)
    restarted = again(installation)
    with pytest.raises(BadSignIn):
        restarted.sign_in("aino", PASSWORD, "", "")
    restarted.sign_in("aino", OTHER, "", "")
    assert restarted.store is not None


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
