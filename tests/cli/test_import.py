"""A table brought in by a scheduler: told first, done then, in JSON."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib.output import excel_list
from lib.output.fingerprints import Origin
from lib.store import Store
from lib.store.encryption import decrypt
from tests.store.tools import BY, sealed

from .tools import WORKBOOK, Here, Quick, actions, failed, fine, run

LIST = (
    "Nimi;Yritys;Puhelin;Alue\n"
    "Dora Uusi;Uusi Oy;040 123 4567;Etelä\n"
    "Eeva Toinen;Toinen Oy;;\n"
    "Dora Uusi;Uusi Oy;0401234567;Etelä\n"
).encode("windows-1252")
STATED = ("--source", "meeting", "--received", "2026-01-15")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("import")
    fine(run(folder / "data", "init", "--admin", "aino", "--company", "Esimerkki Oy"))
    (folder / "lista.csv").write_bytes(LIST)
    return folder / "data"


def test_a_table_is_told_first_and_taken_in_then(data: Path, here: Here) -> None:
    file = data.parent / "lista.csv"
    told = run(data, "import", file, *STATED, "--map", "Alue=notes", "--json")
    assert told.returncode == 1  # a row is left out
    facts = json.loads(told.stdout)
    assert facts["columns"] == {"Nimi": "name", "Yritys": "organisation", "Puhelin": "phone", "Alue": "+notes"}
    assert (facts["found"], facts["add"], facts["applied"]) == ({"new": 2, "double": 1}, 2, 0)
    assert facts["left_out"] == [{"row": 4, "kind": "double", "why": facts["left_out"][0]["why"]}]
    assert "row 2" in facts["left_out"][0]["why"]
    assert [action for _, action in actions(data)] == ["init"]
    done = json.loads(run(data, "import", file, *STATED, "--map", "Alue=notes", "--apply", "--json").stdout)
    assert done["applied"] == 2
    with Store.open(data, WORKBOOK) as store:
        assert list(store.frame["name"]) == ["Dora Uusi", "Eeva Toinen"]
        row = store.register.row("P-000001")
        assert (row["phone"], row["source"], row["received"].isoformat()) == ("+358401234567", "meeting", "2026-01-15")
        assert "Etelä" in row["notes"] and row["created_by"].startswith("cli:")
        assert [copy.kind for copy in store.backups.all() if copy.kind == "import"] == ["import"]
    again = json.loads(here(data, "import", file, *STATED, "--map", "Alue=skip", "--apply", "--json").stdout)
    assert (again["found"], again["applied"]) == ({"same": 2, "double": 1}, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say when the data was received"),
        ((*STATED, "--map", "Väri=notes"), "no column with this heading"),
        ((*STATED, "--map", "Alue=colour"), "no column colour"),
        ((*STATED, "--sheet", "Toinen"), "no sheet Toinen"),
        ((*STATED, "--decide", "past=add"), "no decision"),
    ],
)
def test_what_keeps_it_from_going_on_is_told(data: Path, arguments: tuple[str, ...], said: str, here: Here) -> None:
    assert said in failed(here(data, "import", data.parent / "lista.csv", *arguments, "--apply"))


def test_a_file_that_is_none_is_refused_in_words(data: Path, here: Here) -> None:
    path = data.parent / "lista.xlsx"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 50)
    assert failed(here(data, "import", path, *STATED, "--apply"))
    assert "No such file" in failed(here(data, "import", data.parent / "poissa.csv", *STATED))


@pytest.fixture
def store(small: Path) -> Iterator[Store]:
    with Store.open(small, WORKBOOK) as store:
        yield store


def told(answer: tuple[int, str, str], status: int = 0) -> dict[str, Any]:
    assert (answer[0], answer[2]) == (status, ""), answer
    found: dict[str, Any] = json.loads(answer[1])
    return found


def test_sheet_headings_dates_and_what_is_which_are_said_in_the_command(
    store: Store, quick: Quick, tmp_path: Path
) -> None:
    book, plain = openpyxl.Workbook(), io.BytesIO()
    for row in (["Nimi"], ["Väärä Taulukko"], ["Toinen Väärä"]):
        book.active.append(row)  # type: ignore[union-attr]
    sheet = book.create_sheet("Pieni")
    for row in (["Nimi", "Pvm"], ["Kontakti", "Saatu"], ["Dora Uusi", "01/02/2026"]):
        sheet.append(row)
    book.save(plain)
    file = tmp_path / "lista.xlsx"
    file.write_bytes(sealed(plain.getvalue(), "listan salasana"))
    said = ["--sheet", "Pieni", "--heading-row", 2, "--map", "Kontakti=name", "--map", "Saatu=received"]
    said += ["--source", "public", "--source-detail", "Kaupparekisteri"]
    secret = {"PROSPECTS_IMPORT_PASSWORD": "listan salasana"}
    status, _, errors = quick(store.data_dir, "import", file, *said, "--apply", **secret)
    assert status == 2 and "can be two days" in errors
    facts = told(quick(store.data_dir, "import", file, *said, "--dates", "Saatu=mdy", "--apply", "--json", **secret))
    assert (facts["sheet"], facts["add"], facts["applied"]) == ("Pieni", 1, 1)
    store.refresh()
    row = store.register.row(store.frame["id"].iloc[-1])
    assert (row["name"], row["received"], row["source_detail"]) == ("Dora Uusi", dt.date(2026, 1, 2), "Kaupparekisteri")
    status, _, errors = quick(store.data_dir, "import", file, *said[:2], "--heading-row", 0, *STATED, **secret)
    assert status == 2 and "No column is matched to the name" in errors  # without headings


def test_decisions_and_empty_cells_count_only_where_they_are_said(store: Store, quick: Quick, tmp_path: Path) -> None:
    store.update("P-000001", {"title": "Johtaja"}, by=BY)
    store.remove(["P-000003"], by=BY, reason="erasure")
    file, command = tmp_path / "lista.csv", ("import", tmp_path / "lista.csv", *STATED, "--apply", "--json")
    file.write_text("Tunnus;Nimi;Tehtävänimike\nP-000001;Aino;\nP-000002;Bertta;Rehtori\nP-000003;Cecilia;\n")
    facts = told(quick(store.data_dir, *command, "--decide", "change=leave"), 1)
    assert facts["found"] == {"change": 1, "gone": 1, "same": 1} and facts["applied"] == 0
    assert [line["kind"] for line in facts["left_out"]] == ["change", "gone"]
    assert not [copy for copy in store.backups.all() if copy.kind == "import"]  # there was nothing to do
    facts = told(quick(store.data_dir, *command, "--erase"), 1)
    assert facts["found"] == {"change": 2, "gone": 1} and (facts["change"], facts["applied"]) == (2, 2)
    store.refresh()
    assert list(store.frame["title"])[:2] == ["", "Rehtori"]


def test_a_list_of_the_register_needs_nothing_said(store: Store, quick: Quick, tmp_path: Path) -> None:
    origin = Origin(store.state.name, store.list_key, "aino", store.now)
    content = excel_list.build(store.frame, ["id", "name"], password="listan salasana", language="fi", origin=origin)
    book = openpyxl.load_workbook(io.BytesIO(decrypt(content, "listan salasana")))
    book["Prospektit"]["C1"], book["Prospektit"]["C3"] = "Alue", "Etelä"
    book.save(tmp_path / "lista.xlsx")
    facts = told(quick(store.data_dir, "import", tmp_path / "lista.xlsx", "--apply", "--json"))
    assert (facts["found"], facts["change"], facts["applied"]) == ({"change": 1, "same": 3}, 1, 1)
    store.refresh()
    assert list(store.register.extras["Alue"]) == ["", "Etelä", "", ""]
