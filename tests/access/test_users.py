"""Users of an installation, and the data folder itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.errors import AccountError, BadSignIn, NotAllowed, NotSignedIn, NotSynced, NotWritten, WrongPassword
from lib.files import write_atomically
from lib.installation import Installation

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Start, add, again, sign_in

THIRD = "kolmas hevonen paristo"


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
