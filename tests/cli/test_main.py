"""The command line, run as people and schedulers run it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib import schema, settings
from lib.installation import Installation
from lib.intake.returning import compare, fingerprints
from lib.process import user_name
from lib.store import Store
from tests.intake.lists import read, records
from tests.store.outside_tools import age
from tests.store.tools import columns, contents, edit, opened

from .tools import ADMIN, ROOT, WORKBOOK, Here, Quick, actions, environment, failed, fine, run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with 300 sample rows; the tests of this file share it, in order."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    fine(run(folder, "init", "--admin", "aino", "--company", "Esimerkki Oy"))
    assert json.loads(fine(run(folder, "sample", "--rows", 300, "--seed", 3, "--json"))) == {"rows": 300}
    return folder


def test_init_makes_a_register_that_its_administrator_opens(data: Path) -> None:
    installation = Installation(data)
    account = installation.user_of(installation.sign_in("aino", ADMIN).token)
    assert account and account.roles == {"sales", "manager", "admin"} and account.knew_workbook_password
    assert installation.store and len(installation.store.frame) == 300
    assert installation.settings.controller == "Esimerkki Oy"
    installation.close()
    assert ("aino", "sign_in") in actions(data)


def test_what_made_and_filled_the_register_stands_in_the_change_log(data: Path) -> None:
    assert actions(data)[-2:] == [("cli", "add"), ("cli", "init")]


def test_init_does_not_touch_a_register_that_is_there(data: Path) -> None:
    before = contents(data)
    assert "accounts in this data folder already" in failed(run(data, "init", "--admin", "toinen"))
    assert contents(data) == before


def test_info_says_what_there_is(data: Path, here: Here) -> None:
    facts = json.loads(fine(run(data, "info", "--json")))
    assert (facts["rows"], facts["exists"], facts["last_number"]) == (300, True, 300)
    assert facts["size"] == (data / "prospects.xlsx").stat().st_size
    assert "rows: 300" in fine(here(data, "info"))


def test_the_data_folder_may_come_from_the_environment(data: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "lib", "info", "--json"],
        cwd=ROOT,
        env=environment(PROSPECTS_DATA=str(data)),
        capture_output=True,
        text=True,
    )
    assert json.loads(ran.stdout)["rows"] == 300


def test_a_password_may_come_from_a_file(data: Path, tmp_path: Path, here: Here) -> None:
    path = tmp_path / "salasana"
    path.write_text(WORKBOOK + "\n", "utf-8")
    from_file = {"PROSPECTS_WORKBOOK_PASSWORD": None, "PROSPECTS_WORKBOOK_PASSWORD_FILE": str(path)}
    assert json.loads(fine(run(data, "info", "--json", **from_file)))["rows"] == 300
    path.write_text(WORKBOOK + "\n", "utf-8-sig")  # as Notepad saves it
    assert json.loads(fine(here(data, "info", "--json", **from_file)))["rows"] == 300
    path.write_bytes(b"\xff\xfe\xff")
    failed(here(data, "info", **from_file))
    path.unlink()
    assert "No such file" in failed(here(data, "info", **from_file))


@pytest.mark.skipif(os.name == "nt", reason="files have no such owner there")
@pytest.mark.parametrize("command", ["info", "init --admin toinen", "backup --list", "user password aino"])
def test_another_user_than_the_folder_s_is_refused_and_told_whose_it_is(
    small: Path, quick: Quick, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Root above all: the server could not read what root writes, and answer nobody any more."""
    before, owner = contents(small), os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    status, _, said = quick(small, *command.split())
    assert status == 2 and f"sudo -u {user_name(owner)} " in said and str(small) in said
    assert contents(small) == before


def test_a_folder_without_a_workbook_is_named(tmp_path: Path, quick: Quick) -> None:
    (tmp_path / "data").mkdir()
    status, _, said = quick(tmp_path / "data", "info")
    assert status == 2 and "prospects.xlsx is not there" in said and str(tmp_path / "data") in said


@pytest.mark.parametrize(
    "command", [["info"], ["verify"], ["expiring"], ["sample", "--rows", "1"], ["export", "x.xlsx"]]
)
def test_a_wrong_password_is_told_and_nothing_written(data: Path, quick: Quick, command: list[str]) -> None:
    before = contents(data)
    wrong = {"PROSPECTS_WORKBOOK_PASSWORD": "väärä salasana"}
    status, _, said = quick(data, *command, **wrong)
    assert status == 2
    if command == ["info"]:
        assert failed(run(data, *command, **wrong)) == said
    assert "does not open with this password" in said and contents(data) == before
    assert not (ROOT / "x.xlsx").exists()


def test_without_a_password_and_a_terminal_it_does_not_hang(data: Path) -> None:
    ran = run(data, "info", PROSPECTS_WORKBOOK_PASSWORD=None)
    assert ran.returncode == 2 and "Stopped" in ran.stderr


def test_a_folder_without_a_register_is_told_and_not_made(tmp_path: Path, here: Here) -> None:
    assert "prospects.xlsx" in failed(here(tmp_path / "none", "info"))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", [[], ["nonsense"], ["sample", "--rows", "many"], ["user"], ["init"]])
def test_a_command_that_is_none_is_told(tmp_path: Path, quick: Quick, command: list[str]) -> None:
    status, _, said = quick(tmp_path / "none", *command)
    assert status == 2 and "usage:" in said


def test_new_passwords_that_differ_change_nothing(data: Path, quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["ensin kirjoitettu", "sitten kirjoitettu"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    before = contents(data)
    status, _, said = quick(data, "user", "add", "daavid", "--role", "sales")
    assert status == 2 and "differ" in said and contents(data) == before


def test_verify_finds_nothing_in_the_sample(data: Path) -> None:
    assert json.loads(fine(run(data, "verify", "--json"))) == {"rows": 300, "findings": []}


def test_export_gives_what_may_leave_under_its_own_password(data: Path, tmp_path: Path, here: Here) -> None:
    target, password = tmp_path / "lista.xlsx", "viedyn listan salasana"
    said = json.loads(fine(run(data, "export", target, "--json", PROSPECTS_EXPORT_PASSWORD=password)))
    with Store.open(data, WORKBOOK) as store:
        frame = store.frame
    free = frame[frame["restricted"].isna() & frame["removal_requested"].isna()]
    assert len(free) < 300
    sheet = openpyxl.load_workbook(io.BytesIO(opened(target, password)))["Prospektit"]
    assert [cell.value for cell in sheet[1]] == [schema.heading(code, "fi") for code in schema.CODES]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == list(free["id"])
    assert said == {"rows": len(free), "file": str(target)}
    assert actions(data)[0] == ("cli", "download")
    before = target.read_bytes()  # a file that is there is not overwritten
    failed(here(data, "export", target, PROSPECTS_EXPORT_PASSWORD=password))
    assert target.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_an_exported_list_is_the_one_of_the_page_and_can_come_back(data: Path, tmp_path: Path, here: Here) -> None:
    target, password = tmp_path / "lista.xlsx", "viedyn listan salasana"
    fine(here(data, "export", target, PROSPECTS_EXPORT_PASSWORD=password))
    plain = opened(target, password)
    with Store.open(data, WORKBOOK) as store:
        download = fingerprints(read(plain), store.list_key)
        assert download and download.by.startswith("cli:") and download.register == store.state.name
        check = compare(download, records(read(plain).prospects), store.register, today=store.today)
        left = set(store.frame["id"]) - set(download.rows)
        banned = store.frame.loc[store.frame["objected"].notna(), "id"]
    assert {finding.kind for finding in check.findings} == {"same"} and left
    sheet = openpyxl.load_workbook(io.BytesIO(plain))["Prospektit"]
    email = list(schema.CODES).index("email")
    mails = {row[0].value: row[email].value for row in sheet.iter_rows(min_row=2)}
    assert {mails[i] for i in banned if i in mails} == {None} and any(mails.values())


def test_export_as_csv_needs_the_setting_and_asks_for_no_password(data: Path, tmp_path: Path, here: Here) -> None:
    target = tmp_path / "lista.csv"
    assert "not encrypted" in failed(here(data, "export", target, "--csv")) and not target.exists()
    settings.save(data, settings.load(data), csv_download=True)
    try:
        said = json.loads(fine(here(data, "export", target, "--csv", "--json")))
    finally:
        settings.save(data, settings.load(data), csv_download=False)
    text = target.read_bytes().decode("utf-8-sig")
    assert text.startswith("Tunnus;") and said["rows"] == sum(line.startswith("P-") for line in text.splitlines())
    with Store.open(data, WORKBOOK) as store:
        line = store.log()[0]
    assert (line.action, line.facts["kind"], line.facts["rows"]) == ("download", "csv", said["rows"])


def test_export_refuses_a_weak_password_and_a_folder_that_is_not_there(data: Path, tmp_path: Path, here: Here) -> None:
    assert "too short" in failed(here(data, "export", tmp_path / "a.xlsx", PROSPECTS_EXPORT_PASSWORD="lyhyt"))
    failed(here(data, "export", tmp_path / "no" / "a.xlsx", PROSPECTS_EXPORT_PASSWORD="tarpeeksi pitkä salasana"))
    assert list(tmp_path.iterdir()) == []


def test_expiring_lists_what_is_due(data: Path, here: Here) -> None:
    found = json.loads(fine(run(data, "expiring", "--json"), 1))
    assert {f["state"] for f in found} <= {"requested", "ended", "before_review"} and len(found) > 10
    assert all(set(f) == {"id", "expires", "state"} for f in found)  # numbers, no names
    ended = list(json.loads(fine(here(data, "expiring", "--json", "--months", 0), 1)))
    assert {f["state"] for f in ended} == {"requested", "ended"} and len(ended) < len(found)


def test_expiring_finds_nothing_in_an_empty_register(tmp_path: Path, here: Here) -> None:
    Store.create(tmp_path / "data", WORKBOOK).close()
    assert fine(here(tmp_path / "data", "expiring")) == "Nothing is due.\n"
    assert json.loads(fine(here(tmp_path / "data", "expiring", "--json"))) == []
    assert "0 rows, 0 findings" in fine(here(tmp_path / "data", "verify"))


def signs_in(data: Path, name: str, password: str) -> Any:
    """The roles with which a user comes in, and what is to be done first; None where the door stays shut."""
    from lib.errors import BadSignIn

    installation = Installation(data)
    try:
        account = installation.half_in(installation.sign_in(name, password).token)
        assert account and installation.store is not None
        return sorted(account.roles), installation.todo(account)
    except BadSignIn:
        return None
    finally:
        installation.close()


def test_accounts_are_kept_from_the_command_line(data: Path, tmp_path: Path, here: Here) -> None:
    first, second = "bertan ensimmäinen", "bertan toinen salasana"
    fine(run(data, "user", "add", "bertta", "--role", "sales", PROSPECTS_USER_PASSWORD=first))
    assert signs_in(data, "bertta", first) == (["sales"], "password")
    fine(here(data, "user", "role", "bertta", "--role", "manager", "sales"))
    assert signs_in(data, "bertta", first) == (["manager", "sales"], "password")
    fine(here(data, "user", "disable", "bertta"))
    assert signs_in(data, "bertta", first) is None
    (tmp_path / "secret").write_text(second, "utf-8")
    fine(here(data, "user", "password", "bertta", PROSPECTS_USER_PASSWORD_FILE=str(tmp_path / "secret")))
    assert signs_in(data, "bertta", second) == (["manager", "sales"], "password")
    assert signs_in(data, "bertta", first) is None
    assert [line for line in actions(data) if line[0] == "cli"][:4] == [
        ("cli", "reset_password"),
        ("cli", "disable_user"),
        ("cli", "set_roles"),
        ("cli", "add_user"),
    ]
    ended = [line for line in actions(data) if line[1] == "session_ended"]
    assert ended == [("bertta", "session_ended")] * 2, "what the terminal ended stands in the log as well"


def test_a_password_that_its_user_typed_in_the_terminal_stays_good(data: Path, quick: Quick) -> None:
    first, second = "cecilian ensimmäinen", "cecilian toinen salasana"
    assert quick(data, "user", "add", "cecilia", "--role", "sales", "--lasting", PROSPECTS_USER_PASSWORD=first)[0] == 0
    assert signs_in(data, "cecilia", first) == (["sales"], "")
    assert quick(data, "user", "password", "cecilia", "--lasting", PROSPECTS_USER_PASSWORD=second)[0] == 0
    assert signs_in(data, "cecilia", second) == (["sales"], "")


def test_an_administrator_who_lost_the_phone_comes_in_by_the_workbook_s_password(data: Path, quick: Quick) -> None:
    import pyotp

    installation = Installation(data)
    token = installation.sign_in("aino", ADMIN).token
    installation.confirm_second_factor(token, pyotp.TOTP(installation.begin_second_factor(token, ADMIN).secret).now())
    assert installation.sign_in("aino", ADMIN).token == ""
    installation.close()
    assert quick(data, "user", "drop-second-factor", "aino", PROSPECTS_WORKBOOK_PASSWORD="jokin aivan muu")[0] == 2
    assert quick(data, "user", "drop-second-factor", "aino")[0] == 0
    assert signs_in(data, "aino", ADMIN) == (["admin", "manager", "sales"], "")
    assert actions(data)[1] == ("cli", "second_factor_off")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "aino", "--role", "sales"], "already"),
        (["add", "Iso Nimi", "--role", "sales"], "user name"),
        (["disable", "nobody"], "no user"),
        (["password", "nobody"], "no user"),
        (["role", "nobody", "--role", "sales"], "no user"),
        (["drop-second-factor", "nobody"], "no user"),
        (["disable", "aino"], "only administrator"),
        (["role", "aino", "--role", "sales"], "only administrator"),
    ],
)
def test_what_cannot_be_done_with_an_account_is_told(data: Path, quick: Quick, arguments: list[str], said: str) -> None:
    before = contents(data)
    status, _, error = quick(data, "user", *arguments, PROSPECTS_USER_PASSWORD="käyttäjän uusi salasana")
    assert status == 2 and said in error
    assert contents(data) == before


def test_broken_settings_are_told(data: Path, here: Here) -> None:
    path = data / "settings.toml"
    good = path.read_bytes()
    path.write_text("retention_years = 'x'")
    try:
        assert "retention_years" in failed(here(data, "info"))
    finally:
        path.write_bytes(good)


def test_verify_finds_what_was_written_wrong_from_outside(data: Path, here: Here) -> None:
    def spoil(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        places = columns(sheet)
        sheet.cell(2, places[schema.heading("email", "fi")]).value = "ei osoite"
        sheet.cell(3, places[schema.heading("phone", "fi")]).value = "12"

    edit(data / "prospects.xlsx", spoil, WORKBOOK)
    found = json.loads(fine(here(data, "verify", "--json"), 1))["findings"]
    assert [f["where"] for f in found] == [
        "prospects.xlsx",
        "prospects.xlsx P-000001 email",
        "prospects.xlsx P-000002 phone",
    ]
    assert "3 findings" in fine(here(data, "verify"), 1)


def test_a_damaged_workbook_is_told(data: Path, here: Here) -> None:
    whole = (data / "prospects.xlsx").read_bytes()
    (data / "prospects.xlsx").write_bytes(whole[:-4000])
    age(data / "prospects.xlsx")
    assert "damaged" in failed(here(data, "info"))
    (data / "prospects.xlsx").write_bytes(whole)
