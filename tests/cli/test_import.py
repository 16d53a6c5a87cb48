"""A table brought in by a scheduler: told first, done then, in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.store import Store

from .tools import WORKBOOK, actions, failed, fine, run

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


def test_a_table_is_told_first_and_taken_in_then(data: Path) -> None:
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
    again = json.loads(run(data, "import", file, *STATED, "--map", "Alue=skip", "--apply", "--json").stdout)
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
def test_what_keeps_it_from_going_on_is_told(data: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in failed(run(data, "import", data.parent / "lista.csv", *arguments, "--apply"))


def test_a_file_that_is_none_is_refused_in_words(data: Path) -> None:
    path = data.parent / "lista.xlsx"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 50)
    assert failed(run(data, "import", path, *STATED, "--apply"))
    assert "No such file" in failed(run(data, "import", data.parent / "poissa.csv", *STATED))
