"""What an account is, and what keeps it whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.access import credentials
from lib.access.accounts import Accounts, Factor, check_password
from lib.access.roles import OPERATIONS, PAGES, ROLES, landing, may
from lib.errors import AccountError, NotWritten

from .conftest import PASSWORD


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    made = Accounts(tmp_path)
    made.add("aino", "Aino Maria Vastaava", {"admin", "sales"}, PASSWORD)
    return made


def test_an_account_comes_back_as_it_was_made(accounts: Accounts) -> None:
    account = accounts.get("aino")
    assert account is not None
    assert (account.display_name, account.roles) == ("Aino Maria Vastaava", {"admin", "sales"})
    assert accounts.all() == [account] and accounts.exists


def test_the_file_has_the_form_of_streamlit_authenticator_and_no_password(accounts: Accounts) -> None:
    text = accounts.path.read_text()
    record = yaml.safe_load(text)["credentials"]["usernames"]["aino"]
    assert record["password"].startswith("$2b$") and PASSWORD not in text
    assert {"email", "first_name", "last_name", "logged_in", "roles"} <= record.keys()


LONG, UMLAUTS = "abcdefghij" * 10, "äöåÄÖÅüé" * 10


@pytest.mark.parametrize(
    "password",
    [
        "lyhyt",
        LONG[:11],
        LONG[:73],
        UMLAUTS[:36] + "a",
        UMLAUTS[:37],
        "aaaaaaaaaaaa",
        "abcdabcdabcd",
        "tab\tin the middle",
        "nul\0 in the middle",
        "",
    ],
)
def test_a_password_that_is_short_long_or_untypable_is_refused(password: str) -> None:
    with pytest.raises(AccountError):
        check_password(password)


@pytest.mark.parametrize(
    "password",
    ["neljä sanaa riittää", "🔑🐴🔋📎🦅" * 3, LONG[:12], LONG[:72], UMLAUTS[:36], "abcdeabcdeab", "   spaces only?   "],
)
def test_any_typable_characters_make_a_password(password: str) -> None:
    check_password(password)


def test_one_time_passwords_can_be_read_out_and_differ() -> None:
    made = {credentials.one_time_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password)
        words = password.split("-")
        assert len(words) == 4 and all(len(word) == 6 and word.isalpha() and word.isascii() for word in words)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=12, max_size=18))
def test_every_password_that_is_let_through_signs_in_and_no_other(password: str) -> None:
    stored = credentials.hashed(password)
    assert credentials.matches(password, stored)
    assert not credentials.matches(password + "x" if len(password.encode()) < 72 else password[:-1], stored)


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "Aino",
        "aino vastaava",
        "äiti",
        "a" * 33,
        "a" * 100_000,
        "../x",
        "a/b",
        "a\\b",
        "a'b",
        'a"b',
        "a: b",
        "- a",
        "!!x",
        "a\nb",
        "a\0b",
        "&a",
        "*a",
        "{a}",
        "aino\u200b",
        "\udcff" * 3,
        "admin\n",
        "",
    ],
)
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


def test_the_same_roles_again_are_no_change(accounts: Accounts) -> None:
    before = accounts.path.read_bytes()
    assert not accounts.set_roles("aino", ["sales", "admin", "sales"])
    assert accounts.path.read_bytes() == before
    assert accounts.set_roles("aino", ["admin"])


def test_a_second_factor_and_flags_make_no_new_epoch(accounts: Accounts) -> None:
    before = accounts.get("aino")
    assert before and not (before.second_factor or before.must_change or before.knew_workbook_password)
    accounts.set_factor("aino", Factor("c2VhbGVk", 7, ("hash",)))
    accounts.workbook_password_chosen_by("aino")
    after = accounts.get("aino")
    assert after and after.second_factor and after.knew_workbook_password and after.epoch == before.epoch


def test_a_password_that_somebody_else_gave_is_marked_until_its_user_changes_it(accounts: Accounts) -> None:
    accounts.add("bo", "Bo", {"sales"}, PASSWORD, must_change=True)
    marks = []
    for one_time in (None, True, False):
        if one_time is not None:
            accounts.set_password("bo", "toinen salasana", must_change=one_time)
        account = accounts.get("bo")
        marks.append(account and account.must_change)
    assert marks == [True, True, False]


def test_a_step_and_a_recovery_code_are_used_once_by_whichever_process(accounts: Accounts, tmp_path: Path) -> None:
    accounts.set_factor("aino", Factor("c2VhbGVk", 7, ("one", "two")))
    other = Accounts(tmp_path)
    assert [a.use_step("aino", step) for a in (accounts, other) for step in (6, 7, 9, 8, 9)] == [False] * 2 + [True] + [
        False
    ] * 7
    assert [a.use_recovery("aino", code) for a in (other, accounts) for code in ("one", "three")] == [True] + [
        False
    ] * 3
    assert accounts.factor("aino") == Factor("c2VhbGVk", 9, ("two",))
    accounts.set_factor("aino", None)
    assert accounts.factor("aino") is None and not accounts.use_step("aino", 99) and accounts.factor("nobody") is None


def test_of_all_users_the_last_who_chose_the_workbook_s_password_knows_it(accounts: Accounts) -> None:
    accounts.add("bo", "Bo", {"admin"}, PASSWORD, knew_workbook_password=True)

    def knowing() -> set[str]:
        return {account.name for account in accounts.all() if account.knew_workbook_password}

    assert knowing() == {"bo"}
    accounts.workbook_password_chosen_by("aino")
    assert knowing() == {"aino"}
    accounts.workbook_password_chosen_by("")
    assert knowing() == set()


def test_a_file_of_another_program_of_the_same_form_is_read(accounts: Accounts) -> None:
    content = yaml.safe_load(accounts.path.read_bytes())
    record = content["credentials"]["usernames"]["aino"]
    for field in ("must_change", "knew_workbook_password", "epoch", "disabled"):
        del record[field]
    record["totp"] = None
    accounts.path.write_text(yaml.safe_dump(content))
    account = accounts.get("aino")
    assert account and not (account.must_change or account.second_factor or account.disabled)


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


def test_a2_sales_and_managers_do_nothing_of_an_administrator_s() -> None:
    everyday = {"enter", "read", "edit", "count", "no_marketing", "request_removal", "account"}
    everyday |= {"download", "download_password"}
    manager = {"allow_marketing", "retention", "hold", "remove", "cancel_removal_request", "outside", "import"}
    assert {operation for operation in OPERATIONS if may({"sales"}, operation)} == everyday
    assert {operation for operation in OPERATIONS if may({"manager"}, operation)} == everyday | manager


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
