"""What an account is, and what keeps it whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.access import credentials
from lib.access.accounts import Accounts, check_password
from lib.access.roles import OPERATIONS, PAGES, ROLES, landing, may
from lib.errors import AccountError, NotWritten

from .conftest import PASSWORD


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    made = Accounts(tmp_path)
    made.add("aino", "Aino Maria Vastaava", {"admin", "sales"}, PASSWORD, "aino@example.com")
    return made


def test_an_account_comes_back_as_it_was_made(accounts: Accounts) -> None:
    account = accounts.get("aino")
    assert account is not None
    assert (account.display_name, account.email, account.roles) == (
        "Aino Maria Vastaava",
        "aino@example.com",
        {"admin", "sales"},
    )
    assert accounts.all() == [account] and accounts.exists


def test_the_file_has_the_form_of_streamlit_authenticator_and_no_password(accounts: Accounts) -> None:
    text = accounts.path.read_text()
    record = yaml.safe_load(text)["credentials"]["usernames"]["aino"]
    assert record["password"].startswith("$2b$") and PASSWORD not in text
    assert {"email", "first_name", "last_name", "logged_in", "roles"} <= record.keys()


@pytest.mark.parametrize("password", ["lyhyt", "a" * 73, "ä" * 37, "tab\tin the middle", "nul\0 in the middle", ""])
def test_a_password_that_is_short_long_or_untypable_is_refused(password: str) -> None:
    with pytest.raises(AccountError):
        check_password(password)


@pytest.mark.parametrize("password", ["neljä sanaa riittää", "🔑" * 12, "a" * 72, "   spaces only?   "])
def test_any_typable_characters_make_a_password(password: str) -> None:
    check_password(password)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=12, max_size=18))
def test_every_password_that_is_let_through_signs_in_and_no_other(password: str) -> None:
    stored = credentials.hashed(password)
    assert credentials.matches(password, stored)
    assert not credentials.matches(password + "x" if len(password.encode()) < 72 else password[:-1], stored)


@pytest.mark.parametrize("name", ["a", "Aino", "aino vastaava", "äiti", "a" * 33, "../x", ""])
def test_a_user_name_has_small_letters_digits_and_three_marks(accounts: Accounts, name: str) -> None:
    with pytest.raises(AccountError):
        accounts.add(name, "Somebody", {"sales"}, PASSWORD)


def test_a_name_that_is_taken_an_unknown_role_and_no_role_are_refused(accounts: Accounts) -> None:
    for name, roles in (("aino", {"sales"}), ("bo", {"root"}), ("bo", set())):
        with pytest.raises(AccountError):
            accounts.add(name, "Bo", roles, PASSWORD)
    assert [account.name for account in accounts.all()] == ["aino"]


def test_every_change_makes_a_new_epoch(accounts: Accounts) -> None:
    accounts.add("bo", "Bo", {"sales"}, PASSWORD)
    epochs = []
    for change in (
        lambda: accounts.set_roles("bo", {"manager"}),
        lambda: accounts.set_password("bo", "toinen salasana"),
        lambda: accounts.set_disabled("bo", True),
        lambda: accounts.set_disabled("bo", False),
    ):
        change()
        account = accounts.get("bo")
        assert account is not None
        epochs.append(account.epoch)
    assert epochs == sorted(set(epochs))


def test_the_last_administrator_can_be_neither_disabled_nor_demoted(accounts: Accounts) -> None:
    accounts.add("bo", "Bo", {"admin"}, PASSWORD)
    accounts.set_disabled("bo", True)
    with pytest.raises(AccountError):
        accounts.set_disabled("aino", True)
    with pytest.raises(AccountError):
        accounts.set_roles("aino", {"sales"})
    account = accounts.get("aino")
    assert account is not None and not account.disabled and "admin" in account.roles


def test_only_the_right_password_of_an_open_account_is_verified(accounts: Accounts) -> None:
    accounts.add("bo", "Bo", {"sales"}, PASSWORD)
    assert accounts.verify("bo", PASSWORD) == accounts.get("bo")
    assert accounts.verify("bo", PASSWORD + "x") is None
    assert accounts.verify("nobody", PASSWORD) is None
    assert accounts.verify("bo", "x" * 100) is None
    assert accounts.verify("bo", "\udcff" * 12) is None
    accounts.set_disabled("bo", True)
    assert accounts.verify("bo", PASSWORD) is None


@pytest.mark.parametrize("name", ["aino", "closed", "nobody"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong wrong wrong", "x" * 100, ""])
def test_a4_verifying_costs_one_hash_whoever_asks(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    import bcrypt

    accounts.add("closed", "Closed", {"sales"}, PASSWORD)
    accounts.set_disabled("closed", True)
    credentials.warm_up()
    checks: list[int] = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *both: checks.append(1) or check(*both))
    accounts.verify(name, password)
    assert len(checks) == 1


def test_another_process_s_change_is_seen_at_once(accounts: Accounts, tmp_path: Path) -> None:
    other = Accounts(tmp_path)
    assert other.get("aino") is not None
    accounts.add("bo", "Bo", {"sales"}, PASSWORD)
    assert other.get("bo") is not None


def test_a_failed_write_changes_nothing(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    monkeypatch.setattr("lib.access.accounts.write_atomically", full)
    with pytest.raises(NotWritten):
        accounts.set_roles("aino", {"admin", "manager"})
    account = accounts.get("aino")
    assert account is not None and account.roles == {"admin", "sales"}


def test_a2_an_administrator_without_another_role_may_not_touch_rows() -> None:
    rows = {"enter", "read", "edit", "count", "download", "no_marketing", "request_removal", "hold", "remove"}
    assert not any(may({"admin"}, operation) for operation in rows)
    assert all(roles <= ROLES.keys() for roles in OPERATIONS.values())
    with pytest.raises(KeyError):
        may(ROLES, "no such operation")


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ({"sales"}, "entry"),
        ({"sales", "manager", "admin"}, "entry"),
        ({"manager", "admin"}, "statistics"),
        ({"admin"}, "admin"),
    ],
)
def test_everyone_lands_on_a_page_that_they_may_see(roles: set[str], page: str) -> None:
    assert landing(roles) == page and may(roles, PAGES[page])
