"""A password of one's own for lists."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest

from lib.access.download_password import sealed as sealed_by
from lib.errors import AccountError, NotWritten, WrongPassword
from lib.operations import Workspace
from lib.store.encryption import decrypt
from tests.store.tools import contents

from .conftest import LIST_PASSWORD, USER_PASSWORD, fresh, signed_in, user


@pytest.fixture
def lister(spaces: dict[str, Any]) -> Workspace:
    """Somebody without a download password."""
    installation = spaces["installation"]
    if installation.accounts.get("lister") is None:
        user(installation, "lister", "sales")
    installation.accounts.set_download_password("lister", "")
    return signed_in(installation, "lister")


def test_one_s_own_download_password_seals_lists_until_it_is_taken_away(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    pid, own = fresh(spaces), "oma lataussalasana"
    assert not lister.has_download_password
    with pytest.raises(AccountError, match="You have no download password"):
        lister.excel_list([pid], ["name"], password=None, language="fi")
    lister.set_download_password(own)
    assert lister.has_download_password
    again = signed_in(spaces["installation"], "lister")
    assert decrypt(again.excel_list([pid], ["name"], password=None, language="fi"), own)
    lister.set_download_password("toinen lataussalasana")
    content = again.excel_list([pid], ["name"], password=None, language="fi")
    assert decrypt(content, "toinen lataussalasana")
    with pytest.raises(WrongPassword):
        decrypt(content, own)
    lister.drop_download_password()
    lister.drop_download_password()  # nothing to take away, no line
    assert not lister.has_download_password
    with pytest.raises(AccountError):
        again.excel_list([pid], ["name"], password=None, language="fi")
    lines = [(e.by, e.action) for e in spaces["admin"].change_log() if e.by == "lister" and e.action != "sign_in"]
    assert lines[:5] == [
        ("lister", "download_password_off"),
        ("lister", "download"),
        ("lister", "download_password"),
        ("lister", "download"),
        ("lister", "download_password"),
    ]


def test_a_download_password_is_nowhere_in_the_clear(spaces: dict[str, Any], lister: Workspace) -> None:
    own = "Kanarialintu lataa"
    lister.set_download_password(own)
    encoded = base64.b64encode(own.encode()).rstrip(b"=")
    for name, content in contents(spaces["installation"].data_dir).items():
        assert own.encode() not in content and encoded not in content, name
    assert own not in str(spaces["admin"].change_log())
    kept = spaces["installation"].accounts.download_password("lister")
    assert kept and own.encode() not in base64.b64decode(kept)


def test_a_new_password_and_a_disabled_account_keep_the_download_password_sealed(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    installation = spaces["installation"]
    lister.set_download_password("oma lataussalasana")
    one_time = spaces["admin"].reset_password("lister")
    token = installation.change_own_password(installation.sign_in("lister", one_time).token, one_time, USER_PASSWORD)
    assert installation.download_password(token) == "oma lataussalasana"


def test_of_another_user_or_register_a_download_password_is_no_password(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    accounts = spaces["installation"].accounts
    spaces["sales"].set_download_password("myyjän lataussalasana")
    for other in (accounts.download_password("sales"), "x", "not base64 ä", sealed_by(b"0" * 32, "lister", "x" * 12)):
        accounts.set_download_password("lister", other)
        with pytest.raises(AccountError, match="cannot be read any more"):
            lister.excel_list([fresh(spaces)], ["name"], password=None, language="fi")


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "tab\tin the password"])
def test_no_weak_password_is_kept_for_lists(lister: Workspace, password: str) -> None:
    with pytest.raises(AccountError):
        lister.set_download_password(password)
    assert not lister.has_download_password


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "tab\tin the password"])
def test_a_list_does_not_leave_under_a_weak_password(spaces: dict[str, Any], password: str) -> None:
    pid = fresh(spaces)
    with pytest.raises(AccountError):
        spaces["sales"].excel_list([pid], ["name"], password=password, language="fi")


def test_a_list_that_cannot_be_logged_does_not_leave(spaces: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pid = fresh(spaces)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    from lib.store import journal

    class Os:
        open = staticmethod(full)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    monkeypatch.setattr(journal, "os", Os())
    with pytest.raises(NotWritten):
        spaces["sales"].excel_list([pid], ["name"], password=LIST_PASSWORD, language="fi")
