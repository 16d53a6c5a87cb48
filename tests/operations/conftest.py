"""A user for each role, and what they work on."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest

from lib import settings
from lib.access.roles import ROLES
from lib.first_start import set_up
from lib.installation import Installation
from lib.operations import Workspace
from lib.settings import Settings
from lib.store.encryption import decrypt
from tests.store.tools import PASSWORD, person

USER_PASSWORD = "oikea hevonen paristo"
LIST_PASSWORD = "listan pitkä salasana"
LATER = dt.date(2090, 1, 1)


def user(installation: Installation, name: str, *roles: str) -> None:
    installation.add_user_by_workbook(name, name.capitalize(), roles, USER_PASSWORD, PASSWORD, one_time=False)


def signed_in(installation: Installation, name: str, device: str = "", address: str = "") -> Workspace:
    return Workspace(installation, installation.sign_in(name, USER_PASSWORD, device, address).token)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An installation with a user for each role, and somebody's session that has ended."""
    installation = Installation(tmp_path_factory.mktemp("house") / "data")
    chief = set_up(
        installation,
        code=installation.setup_code or "",
        company="Esimerkki Oy",
        person_responsible="Aino",
        username="chief",
        display_name="Chief",
        password=USER_PASSWORD,
        workbook_password=PASSWORD,
        language="fi",
        sample=False,
    )
    spaces: dict[str, Any] = {"installation": installation, "chief": Workspace(installation, chief)}
    for role in ROLES:
        user(installation, role, role)
        spaces[role] = signed_in(installation, role)
    ended = installation.sign_in("chief", USER_PASSWORD).token
    installation.sign_out(ended)
    spaces["ended"], spaces["nobody"] = Workspace(installation, ended), Workspace(installation, "")
    yield spaces
    installation.close()


@pytest.fixture
def spaces(house: dict[str, Any]) -> dict[str, Any]:
    """The same with no rows and the settings as shipped."""
    installation = house["installation"]
    if ids := list(installation.store.frame["id"]):
        installation.store.remove(ids, by="test", reason="expired")
    if installation.settings != Settings(controller="Esimerkki Oy", person_responsible="Aino"):
        settings.save(installation.data_dir, Settings(controller="Esimerkki Oy", person_responsible="Aino"))
    if installation.accounts.get("spare"):
        installation.set_disabled("spare", False)
    return house


def fresh(spaces: dict[str, Any], name: str = "Aino Kokeilija", **others: Any) -> str:
    return str(spaces["installation"].store.add(person(name, **others), by="test"))


def long_ago(spaces: dict[str, Any], name: str = "Vanha Rivi") -> str:
    return fresh(spaces, name, received="2015-01-01")


def as_csv(space: Workspace, ids: list[str]) -> str:
    """The list as CSV, where the settings allow it."""
    settings.save(space.installation.data_dir, space.installation.settings, csv_download=True)
    return space.csv_list(ids, ["id", "name", "email", "phone"], language="fi").decode("utf-8-sig")


def names(content: bytes) -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None
    return [str(row[0].value) for row in sheet.iter_rows(min_row=2) if row[0].value]


def take(space: Workspace, ids: list[str]) -> list[str]:
    return names(space.excel_list(ids, ["name"], password=LIST_PASSWORD, language="fi"))
