"""The first start: a register, a user and a session."""

from __future__ import annotations

import pytest

from lib.errors import Invalid, NotAllowed, NotWritten
from lib.installation import Installation

from .conftest import OTHER, WORKBOOK_PASSWORD, Start

THIRD = "kolmas hevonen paristo"


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
