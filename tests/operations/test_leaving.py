"""Lists that leave: which rows, for whom, and under which password."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from lib.errors import NotAllowed
from lib.intake.returning import fingerprints
from lib.output import excel_list
from lib.store.encryption import decrypt
from lib.store.keys import derive
from tests.intake.lists import Book, Sheet

from .conftest import LIST_PASSWORD, as_csv, fresh, take


def test_restricted_rows_and_those_to_be_removed_never_leave(spaces: dict[str, Any]) -> None:
    today = spaces["chief"].today
    kept, restricted, asked = (fresh(spaces, n) for n in ("Jää Tähän", "Rajoitettu Rivi", "Poistoa Pyydetty"))
    spaces["installation"].store.update(restricted, {"restricted": today}, by="test")
    spaces["sales"].request_removal(asked)
    for who in ("sales", "manager", "chief"):
        assert take(spaces[who], [restricted, kept, asked, "P-999999"]) == ["Jää Tähän"]
    assert set(spaces["sales"].downloadable(spaces["sales"].register().frame)["id"]) == {kept}


def test_sales_takes_what_the_setting_allows_and_a_manager_everything(spaces: dict[str, Any]) -> None:
    own, other = fresh(spaces, "Oma Rivi", owner="sales"), fresh(spaces, "Toisen Rivi", owner="manager")
    assert take(spaces["sales"], [own, other]) == ["Oma Rivi", "Toisen Rivi"]
    spaces["installation"].save_settings(download="own")
    assert take(spaces["sales"], [own, other]) == ["Oma Rivi"]
    assert take(spaces["manager"], [own, other]) == ["Oma Rivi", "Toisen Rivi"]
    spaces["installation"].save_settings(download="none")
    with pytest.raises(NotAllowed):
        take(spaces["sales"], [own])
    assert spaces["sales"].may_download() == "none" and take(spaces["manager"], [own]) == ["Oma Rivi"]


def test_who_objected_to_marketing_leaves_without_mailing_columns_and_marked(spaces: dict[str, Any]) -> None:
    reach = {"email": "aino@example.com", "address": "Katu 1", "phone": "0401234567"}
    banned, free = fresh(spaces, "Kieltänyt", **reach), fresh(spaces, "Sallinut", **reach)
    spaces["sales"].no_marketing(banned)
    today = spaces["sales"].today
    content = spaces["sales"].excel_list(
        [banned, free], ["id", "email", "address", "phone"], password=LIST_PASSWORD, language="fi"
    )
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None
    lines = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert lines[0][:4] == [banned, None, None, "+358401234567"] and lines[0][4].date() == today
    assert lines[1] == [free, "aino@example.com", "Katu 1", "+358401234567", None]
    text = as_csv(spaces["sales"], [banned, free])
    assert text.split("\r\n")[1:3] == [
        f"{banned};Kieltänyt;;+358401234567;{today.day}.{today.month}.{today.year}",
        f"{free};Sallinut;aino@example.com;+358401234567;",
    ]


def test_a_list_leaves_as_csv_only_if_the_settings_allow_it_and_the_log_tells(spaces: dict[str, Any]) -> None:
    pid = fresh(spaces)
    with pytest.raises(NotAllowed, match="not encrypted"):
        spaces["chief"].csv_list([pid], ["name"], language="fi")
    assert "Aino Kokeilija" in as_csv(spaces["chief"], [pid])
    line = spaces["admin"].change_log()[0]
    assert (line.by, line.action) == ("chief", "download")
    assert line.facts == {"rows": 1, "columns": ["id", "name", "email", "phone", "objected"], "kind": "csv"}
    for kept in ("restricted", "removal_requested"):
        other = fresh(spaces)
        spaces["installation"].store.update(other, {kept: spaces["chief"].today}, by="test")
        assert other not in as_csv(spaces["chief"], [other, pid])
    spaces["installation"].save_settings(download="none")
    with pytest.raises(NotAllowed):
        spaces["sales"].csv_list([pid], ["name"], language="fi")


def test_a_list_that_comes_back_is_known_by_the_register_that_it_is_from(spaces: dict[str, Any]) -> None:
    pid, store = fresh(spaces), spaces["installation"].store
    content = spaces["sales"].excel_list([pid], ["id", "name"], password=LIST_PASSWORD, language="fi")
    book = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD)))
    sheets = [Sheet(s.title, [[c.value for c in row] for row in s.iter_rows()]) for s in book]
    download = fingerprints(Book(sheets), store.list_key)
    assert download and (download.register, download.by) == (store.state.name, "sales")
    assert list(download.rows) == [pid] and download.said("name", pid, "Aino Kokeilija")
    assert store.list_key not in (store.master, derive(store.master, "log")) and len(store.list_key) == 32


WHILE_BUILT = {
    "its removal is asked for": lambda spaces, pid: spaces["manager"].request_removal(pid),
    "it is somebody else's": lambda spaces, pid: spaces["manager"].edit(pid, {"owner": "manager"}, {}),
    "its processing is restricted": lambda spaces, pid: spaces["installation"].store.update(
        pid, {"restricted": spaces["chief"].today}, by="test"
    ),
    "it is removed": lambda spaces, pid: spaces["manager"].remove([pid], "pyydetty"),
}


@pytest.mark.parametrize("change", WHILE_BUILT)
def test_a2_what_may_not_leave_any_more_once_a_list_is_built_is_not_in_it(
    spaces: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Building takes seconds, and somebody else works meanwhile."""
    spaces["installation"].save_settings(download="own")
    kept, gone = fresh(spaces, "Jää Tähän", owner="sales"), fresh(spaces, "Lähtee Pois", owner="sales")
    build, built = excel_list.build, []

    def slow(rows: Any, *given: Any, **named: Any) -> bytes:
        content = build(rows, *given, **named)
        built.append(len(rows))
        if len(built) == 1:
            WHILE_BUILT[change](spaces, gone)
        return content

    monkeypatch.setattr(excel_list, "build", slow)
    assert take(spaces["sales"], [kept, gone]) == ["Jää Tähän"] and built == [2, 1]
    line = next(line for line in spaces["admin"].change_log() if line.action == "download")
    assert line.facts["rows"] == 1


def test_a2_an_objection_while_a_list_is_built_takes_the_mailing_columns_out(
    spaces: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = fresh(spaces, "Kieltäjä", email="aino@example.com")
    build = excel_list.build

    def slow(rows: Any, *given: Any, **named: Any) -> bytes:
        content = build(rows, *given, **named)
        spaces["manager"].no_marketing(pid)
        return content

    monkeypatch.setattr(excel_list, "build", slow)
    content = spaces["sales"].excel_list([pid], ["id", "email"], password=LIST_PASSWORD, language="fi")
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None and [cell.value for cell in sheet[2]][:2] == [pid, None]


def test_a_column_that_is_named_often_or_that_is_none_makes_a_list_no_larger(spaces: dict[str, Any]) -> None:
    pid = fresh(spaces)
    codes = ["id", *["notes"] * 500, "no_such_column", "id"]
    content = spaces["sales"].excel_list([pid], codes, password=LIST_PASSWORD, language="fi")
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None and len(sheet[1]) == 3
