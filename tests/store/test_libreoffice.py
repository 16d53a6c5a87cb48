"""A real LibreOffice opens the workbook with its password, edits it and saves it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from xlsxwriter.utility import xl_col_to_name

from lib import schema
from lib.errors import HeldOpen
from lib.output import excel_list
from lib.store import Store
from tests.conftest import missing

from .tools import BY, PASSWORD, person

pytestmark = pytest.mark.libreoffice

SYSTEM_PYTHON = "/usr/bin/python3"
CLIENT = Path(__file__).with_name("uno_client.py")
Office = Callable[..., Any]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One LibreOffice without a window, with a profile of its own, asked over a pipe."""
    soffice = shutil.which("soffice")
    if not soffice:
        missing("LibreOffice (soffice)")
    try:
        subprocess.run([SYSTEM_PYTHON, "-c", "import uno"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("python3-uno")
    profile, pipe = tmp_path_factory.mktemp("profile"), f"prospects{uuid.uuid4().hex[:12]}"
    running = subprocess.Popen(
        [
            str(soffice),
            "--headless",
            "--norestore",
            "--nologo",
            "--nodefault",
            f"-env:UserInstallation=file://{profile}",
            f"--accept=pipe,name={pipe};urp;",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def ask(command: str, file: Path, password: str, *given: str) -> Any:
        ran = subprocess.run(
            [SYSTEM_PYTHON, str(CLIENT), pipe, command, str(file), password, *given],
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    yield ask
    import os
    import signal

    os.killpg(running.pid, signal.SIGTERM)  # soffice is a script; its child is the program
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(20)


def encryption(path: Path) -> str:
    return str(OOXMLFile(io.BytesIO(path.read_bytes())).type)


@pytest.fixture
def filled(store: Store) -> Store:
    store.add(person("=1+1", notes="rivi\ntoinen 😀 <ä>", phone="0401234567", received="2026-01-31"), by=BY)
    store.add({"source": "meeting", "organisation": "+358", "title": "@x", "notes": "-5"}, by=BY)
    store.checkpoint()
    return store


def test_s12_libreoffice_sees_the_same_rows_and_headings(office: Office, filled: Store) -> None:
    seen = office("read", filled.path, PASSWORD)
    assert seen["sheets"][:2] == ["Prospektit", "Tiedot"]
    head, *rows = seen["rows"]
    assert head == [schema.heading(code, "fi") for code in schema.CODES]
    first, second = (dict(zip(schema.CODES, row, strict=True)) for row in rows)
    assert (first["id"], first["name"], first["phone"]) == ("P-000001", "=1+1", "+358401234567")
    assert (first["received"], first["notes"]) == ("31.1.2026", "rivi\ntoinen 😀 <ä>")
    assert first["source"] == schema.label("source", "phone", "fi") and first["expires"] == "31.1.2031"
    assert [second[c] for c in ("organisation", "title", "notes", "name")] == ["+358", "@x", "-5", ""]


def test_libreoffice_does_not_open_it_with_another_password(office: Office, filled: Store) -> None:
    assert office("read", filled.path, "väärä salasana") is None


def test_the_excel_list_opens_in_libreoffice(office: Office, filled: Store, tmp_path: Path) -> None:
    path = tmp_path / "lista.xlsx"
    path.write_bytes(excel_list.build(filled.frame, ["name", "received"], password="listan salasana", language="en"))
    seen = office("read", path, "listan salasana")
    assert seen["rows"][0] == [schema.heading(code, "en") for code in ("name", "received")]
    assert seen["rows"][1] == ["=1+1", "31.1.2026"]


def place(code: str, row: int = 2) -> str:
    """The cell of a column of the schema."""
    return f"{xl_col_to_name(list(schema.CODES).index(code))}{row}"


def test_s5_what_libreoffice_saves_arrives_and_the_next_write_lifts_the_encryption(
    office: Office, filled: Store
) -> None:
    assert encryption(filled.path) == "agile"
    text = "LibreOfficen kirjoittama =ä"
    assert office("edit", filled.path, PASSWORD, place("title"), text) == "saved"
    assert encryption(filled.path) == "standard"
    before = filled.frame
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == text
    for code in schema.CODES:
        if code not in ("title", "changed_at", "changed_by"):
            assert filled.frame[code].equals(before[code]), code
    assert filled.state.questions == {} and filled.aside.all() == []
    filled.add(person("Sen jälkeen"), by=BY)
    filled.checkpoint()
    assert encryption(filled.path) == "agile"
    with Store.open(filled.data_dir, PASSWORD) as again:
        assert again.register.row("P-000001")["title"] == text
        assert again.frame.equals(filled.frame) and len(again.frame) == 3
    assert office("read", filled.path, PASSWORD)["rows"][1][list(schema.CODES).index("title")] == text


def test_s6_entries_go_on_while_libreoffice_holds_the_workbook_and_its_saves_arrive(
    office: Office, filled: Store
) -> None:
    filled.checkpoint()
    assert filled.holder() is None
    office("open", filled.path, PASSWORD)
    try:
        found = filled.holder()
        assert found and found.program == "LibreOffice"
        filled.add(person("Verkosta"), by=BY)
        filled.update("P-000002", {"title": "Verkosta"}, by=BY)
        with pytest.raises(HeldOpen) as caught:
            filled.checkpoint()
        assert "LibreOffice" in str(caught.value)
        office("save", filled.path, PASSWORD, place("title"), "Ensin", place("title", 3), "Ristiin")
        filled.refresh()
        assert filled.register.row("P-000001")["title"] == "Ensin"
        (question,) = filled.state.questions.values()
        assert (question.kind, question.id, question.theirs) == ("conflict", "P-000002", "Ristiin")
        filled.add(person("Vielä"), by=BY)
        office("save", filled.path, PASSWORD, place("notes"), "Sitten")
        saved = filled.path.read_bytes()
        filled.refresh()
        assert filled.register.row("P-000001")["notes"] == "Sitten" and len(filled.state.questions) == 1
        with pytest.raises(HeldOpen):
            filled.checkpoint()
        assert filled.path.read_bytes() == saved
    finally:
        office("shut", filled.path, PASSWORD)
    assert filled.holder() is None
    filled.checkpoint()
    head, *rows = office("read", filled.path, PASSWORD)["rows"]
    titles = [dict(zip(head, row, strict=True))[schema.heading("title", "fi")] for row in rows]
    assert titles == ["Ensin", "Verkosta", "", ""] and encryption(filled.path) == "agile"


def test_s5_saves_of_one_session_in_libreoffice_go_on_from_each_other(office: Office, filled: Store) -> None:
    office("open", filled.path, PASSWORD)
    try:
        phone = schema.label("source", "phone", "fi")
        row = [place("name", 4), "Käsin", place("source", 4), phone, place("received", 4), "31.1.2026"]
        office("save", filled.path, PASSWORD, place("title"), "A", *row)
        filled.refresh()
        office("save", filled.path, PASSWORD, place("title"), "B", place("phone", 4), "040 7654321")
        filled.refresh()
        office("save", filled.path, PASSWORD, place("title"), "A", place("name", 4), "Käsin Uudelleen")
        filled.refresh()
    finally:
        office("shut", filled.path, PASSWORD)
    assert filled.state.questions == {} and len(filled.register) == 3
    assert filled.register.row("P-000001")["title"] == "A"
    found = filled.register.row("P-000003")
    assert (found["name"], found["phone"]) == ("Käsin Uudelleen", "+358407654321")


def test_s5_a_row_typed_in_libreoffice_comes_in(office: Office, filled: Store) -> None:
    filled.checkpoint()
    meeting = schema.label("source", "meeting", "fi")
    typed = {"received": "31.1.2026", "source": meeting, "name": "Käsin", "phone": "#401234567"}
    given = [item for code, text in typed.items() for item in (place(code, 4), text)]
    office("edit", filled.path, PASSWORD, *given)
    filled.refresh()
    row = filled.register.row("P-000003")
    assert (row["name"], row["source"], str(row["received"])) == ("Käsin", "meeting", "2026-01-31")
    assert row["phone"] == "+358401234567" and filled.state.questions == {}  # typed as a number, without its zero


def test_s13_columns_and_sheets_made_in_libreoffice_keep_their_values(office: Office, filled: Store) -> None:
    filled.checkpoint()
    beside = xl_col_to_name(len(schema.CODES))
    numbers = ["#0.1", "#-1.5e+20"]
    column = [f"{beside}1", "Oma", f"{beside}2", numbers[0], f"{beside}3", "teksti"]
    office("edit", filled.path, PASSWORD, *column, "Omat.A1", "a", "Omat.B2", numbers[1])
    filled.refresh()
    filled.checkpoint()
    assert filled.is_current
    with Store.open(filled.data_dir, PASSWORD) as again:
        assert again.register.extras["Oma"].tolist() == [float(numbers[0][1:]), "teksti"]
        assert again.state.sheets["Omat"][0][0] == "a" and again.state.sheets["Omat"][1][1] == float(numbers[1][1:])
