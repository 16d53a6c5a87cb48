"""Imports by a manager: what is remembered, checked, brought back and left out."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import openpyxl
import pytest

from lib.errors import ImportRefused
from lib.intake.desk import Desk
from lib.intake.matching import Matching
from lib.intake.planning import Decisions
from lib.store.encryption import decrypt

from .conftest import LIST_PASSWORD, fresh


@pytest.fixture
def tables(spaces: dict[str, Any]) -> Iterator[Callable[..., tuple[Desk, Matching]]]:
    """Brings a table to the manager's desk, up to its matching."""
    desks: list[Desk] = []

    def bring(text: str, heading_row: int | None = -1) -> tuple[Desk, Matching]:
        desk, _ = spaces["manager"].begin_import(text.encode(), "lista.csv")
        desks.append(desk)
        return desk, spaces["manager"].match(desk, 0, heading_row)

    (spaces["installation"].data_dir / "matchings.json").unlink(missing_ok=True)
    yield bring
    for desk in desks:
        desk.close()


STATED = "Lähde;Vastaanotettu"
SAID = "puhelin;1.2.2026"


def test_a_matching_is_remembered_for_the_next_table_with_the_same_headings(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    path = spaces["installation"].data_dir / "matchings.json"
    text = f"Nimi;Alue;{STATED}\nDora Uusi;Etelä;{SAID}\n"
    desk, matching = tables(text)
    assert matching.columns[1].target == "+keep"
    older = [[f"{n:032x}", {"targets": ["name"]}] for n in reversed(range(200))]
    path.write_text(json.dumps(older))
    spaces["manager"].check_table(desk, matching.with_target(1, "+notes"))
    *others, newest = json.loads(path.read_text())
    assert others == older[1:]  # the oldest went
    desk, matching = tables(text.replace("Dora", "Eeva"))
    assert [column.why for column in matching.columns] == ["remembered"] * 4
    assert matching.columns[1].target == "+notes"
    last = ["f" * 32, {}]
    path.write_text(json.dumps([newest, last]))
    spaces["manager"].check_table(desk, matching)
    assert json.loads(path.read_text()) == [last, newest]  # used again, it is the newest
    assert "Alue" not in path.read_text() and "Dora" not in path.read_text()


@pytest.mark.parametrize("broken", ["[]", '"x"', '{"a": 5}', "{", "5", "[5]", "[[[], 1]]"])
def test_what_is_remembered_may_be_broken_and_a_table_without_headings_leaves_nothing(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]], broken: str
) -> None:
    path = spaces["installation"].data_dir / "matchings.json"
    path.write_text(broken)
    desk, matching = tables(f"Dora Uusi;{SAID}\nEeva Toinen;{SAID}\n", None)
    spaces["manager"].check_table(desk, matching)
    assert path.read_text() == broken


def test_a_check_knows_users_what_is_gone_for_good_and_whether_empty_cells_count(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    store, space = spaces["installation"].store, spaces["manager"]
    gone, there = fresh(spaces, "Poistettu Ihminen"), fresh(spaces, "Dora Uusi", title="Johtaja")
    store.remove([gone], by="test", reason="erasure")
    head = f"Tunnus;Nimi;Tehtävänimike;Vastuuhenkilö;{STATED}\n"
    desk, matching = tables(f"{head}{gone};Poistettu Ihminen;;;{SAID}\n{there};Dora Uusi;;;{SAID}\n")
    counts = space.check_table(desk, matching)
    assert {kind: count for kind, count in counts.items() if count} == {"gone": 1, "same": 1}
    counts = space.check_table(desk, matching, erase=True)
    assert {kind: count for kind, count in counts.items() if count} == {"gone": 1, "change": 1}
    desk, matching = tables(f"Otsikko;;;;;\n{head};Eeva Toinen;;Sales;{SAID}\n", 1)
    assert space.check_table(desk, matching)["new"] == 1
    assert space.apply_import(desk, Decisions()) == 1
    row = store.register.row(store.frame["id"].iloc[-1])
    assert (row["name"], row["owner"], row["created_by"]) == ("Eeva Toinen", "sales", "manager")


def test_a_list_comes_back_with_what_was_edited_in_it_and_nothing_else(spaces: dict[str, Any]) -> None:
    """With cells that a table would say more about: of somebody who has no account, several phones, a number."""
    store, space = spaces["installation"].store, spaces["manager"]
    lead = {"owner": "entinen", "notes": "vanha", "phone": "040 555 0101 / 09 555 0102", "title": "007"}
    ids = [fresh(spaces, name, **lead) for name in ("Aino Alku", "Bertta Toinen", "Cecilia Kolmas")]
    codes = ["id", "name", "title", "phone", "owner", "received", "source", "notes"]
    content = space.excel_list(ids, codes, password=LIST_PASSWORD, language="fi")

    def counted(change: Callable[[Any], object], columns: int = 8) -> tuple[Desk, dict[str, int]]:
        book, back = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))), io.BytesIO()
        change(book["Prospektit"])
        book["Prospektit"].delete_cols(columns + 1, 9)
        book.save(back)
        desk, overview = space.begin_import(back.getvalue(), "lista.xlsx")
        assert [sheet.name for sheet in overview.sheets] == ["Prospektit"] and overview.downloaded
        assert overview.downloaded[0] == "manager"
        counts = space.check_table(desk, space.match(desk, 0))
        return desk, {kind: count for kind, count in counts.items() if count}

    for columns in (8, 7):  # also where the notes were taken out
        desk, counts = counted(lambda sheet: setattr(sheet["C2"], "value", 7), columns)
        assert counts == {"same": 3}
        desk.close()

    def edit(sheet: Any) -> None:
        sheet["E2"] = "Pekka Poissa"
        sheet["H3"] = "uusi"
        day = dt.datetime(2026, 2, 1)
        sheet.append([None, "Cecilia Kolmas", "Johtaja", "040 555 0101 / 09 555 0102", None, day, "Puhelu"])
        sheet.append([None, "Vanha Rivi", None, None, None, dt.datetime(2001, 1, 1), "Puhelu"])

    for columns, notes in ((8, "vanha\nVastuumyyjä: Pekka Poissa"), (7, "vanha\nVastuumyyjä: Pekka Poissa")):
        desk, counts = counted(edit, columns)
        assert counts == {"change": columns - 6, "past": 1, "look_alike": 1, "same": 9 - columns}
        changes = {finding.id: finding.changes for finding in desk.findings("change")}
        assert changes[ids[0]] == {"owner": ("entinen", ""), "notes": ("vanha", notes)}
        assert changes.get(ids[1]) == ({"notes": ("vanha", "uusi")} if columns == 8 else None)
        desk.close()
    assert store.register.row(ids[0])["notes"] == "vanha"


def test_what_was_left_out_comes_as_it_was_with_the_reason_sealed_and_logged(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    space = spaces["manager"]
    rows = [f"Dora Uusi;x;{SAID}", f"Eeva;=1+1;puhelin;{dt.date(2001, 2, 3):%d.%m.%Y}", ";@x;puhelin;1.2.2026"]
    desk, matching = tables("\n".join([f"Nimi;Huom;{STATED}", *rows]))
    space.check_table(desk, matching)
    content = space.left_out(desk, Decisions(), password=LIST_PASSWORD, language="en")
    line = spaces["admin"].change_log()[0]
    assert (line.by, line.action, line.facts) == ("manager", "left_out", {"rows": 2})
    [sheet] = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).worksheets
    head, past, wrong = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert head[:3] == ["Row in the file", "Why it was left out", "Nimi"]
    assert past[0] == 3 and past[1].startswith("Retention period over") and past[2:4] == ["Eeva", "=1+1"]
    assert wrong[0] == 4 and "Name: Write at least a name" in wrong[1] and wrong[3] == "@x"
    assert {cell.data_type for cell in sheet["D"]} == {"s"}  # nothing is computed


def test_of_a_file_that_cannot_be_read_no_process_stays(spaces: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused) as refused:
        spaces["manager"].begin_import(b"PK\x03\x04" + b"\0" * 50, "lista.xlsx")
    [desk] = {id(d): d for at in refused.traceback if isinstance(d := at.frame.f_locals.get("desk"), Desk)}.values()
    with pytest.raises(ImportRefused, match="interrupted"):
        desk.keys("new")


def test_an_import_is_limited_as_the_settings_say(spaces: dict[str, Any]) -> None:
    spaces["installation"].save_settings(import_rows=100)
    with pytest.raises(ImportRefused):
        spaces["manager"].begin_import(("Nimi\n" + "Dora\n" * 101).encode(), "lista.csv")
