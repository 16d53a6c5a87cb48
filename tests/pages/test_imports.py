"""The page of imports: a list comes in step by step, and goes again; the whole way, with the real processes."""

from __future__ import annotations

import datetime as dt
import io
import re
import time
from collections.abc import Callable
from typing import Any

import msoffcrypto
import openpyxl
import pytest

from lib import schema
from lib.errors import ImportRefused
from lib.store import Store
from lib.store.encryption import decrypt
from lib.ui.messages import plain
from tests.store.tools import person

from .conftest import Visitor

LIST = (
    "Nimi;Yritys;Puhelin;Sähköposti;Vastaanotettu;Lähde;Alue\n"
    "Dora Uusi;Uusi Oy;040 123 4567;dora@example.com;1.2.2026;Puhelu;Etelä\n"
    "Eeva Toinen;Toinen Oy;;eeva@example.com;13.2.2026;Sähköposti;\n"
    "Aino Kokeilija;Testi Oy;050 765 4321;;2.3.2026;Puhelu;Pohjoinen\n"
    "Kelvoton Rivi;;;ei osoite;3.3.2026;Puhelu;\n"
).encode("windows-1252")

WORKS = ("import-read", "import-check", "import-apply", "erase")


def read(maija: Visitor, content: bytes = LIST, name: str = "lista.csv") -> None:
    """Bring a file to the page and let it be read."""
    maija.at.file_uploader[0].set_value((name, content, "text/csv"))
    maija.run()
    maija.press("Read the file")
    settle(maija)


def check(maija: Visitor) -> None:
    """Let a file that was read be matched as proposed, and checked."""
    maija.press("Go on")
    maija.press("Check the rows")
    settle(maija)


def settle(maija: Visitor) -> None:
    """Run the page until its work has ended."""
    end = time.monotonic() + 60
    while any(f"work-{name}" in maija.at.session_state for name in WORKS):
        assert time.monotonic() < end
        time.sleep(0.1)
        maija.run()


@pytest.fixture
def maija(visitor: Callable[..., Visitor], store: Store) -> Visitor:
    store.add(person("Aino Kokeilija", organisation="Testi Oy", phone="0507654321", title="Johtaja"), by="sami")
    maija = visitor("maija")
    maija.open("imports")
    return maija


def names(store: Store) -> list[str]:
    store.refresh()
    return list(store.frame["name"])


def choose(maija: Visitor, key: str, value: Any) -> None:
    [widget] = [w for w in (*maija.at.radio, *maija.at.selectbox, *maija.at.button_group) if w.key == key]
    widget.set_value(value)
    maija.run()


def lines(maija: Visitor) -> Any:
    """The table of findings."""
    [table] = [element.value for element in maija.at.dataframe]
    return table


def others(maija: Visitor, keys: list[str], *, were: list[str] | None = None) -> None:
    """Decide about some rows otherwise than about all."""
    [widget] = [w for w in maija.at.multiselect if (w.key or "").startswith("import-others-")]
    assert widget.value == (were or [])
    widget.set_value(keys)
    maija.run()


def test_a_list_comes_in_step_by_step_and_goes_again(maija: Visitor, store: Store) -> None:
    read(maija)
    assert "lista.csv" in maija.shown().replace("\\", "") and "Kelvoton" in str(maija.at.dataframe[0].value)
    maija.press("Go on")
    assert {w.value for w in maija.at.selectbox} >= {"name", "organisation", "phone", "email", "received", "source"}
    maija.press("Check the rows")
    settle(maija)
    shown = maija.shown()
    assert maija.t.plural("{n} row is added", "{n} rows are added", 2) in shown
    assert names(store) == ["Aino Kokeilija"]  # nothing before the last step
    choose(maija, "import-kind", "new")
    heading = (
        maija.t("Row"),
        schema.heading("name", "fi"),
        schema.heading("received", "fi"),
        schema.heading("source", "fi"),
    )
    assert lines(maija)[list(heading)].values.tolist() == [
        [2, "Dora Uusi", "1.2.2026", "Puhelin"],
        [3, "Eeva Toinen", "13.2.2026", "Sähköposti"],
    ]
    choose(maija, "import-kind", "wrong")
    assert "Kelvoton Rivi" in maija.shown() and "D5" in maija.shown().replace("\\", "")
    maija.press("Import the rows")
    settle(maija)
    assert names(store) == ["Aino Kokeilija", "Dora Uusi", "Eeva Toinen"]
    row = store.register.row("P-000002")
    assert (row["phone"], row["received"], row["source"]) == ("+358401234567", dt.date(2026, 2, 1), "phone")
    assert list(store.register.extras["Alue"]) == ["Pohjoinen", "Etelä", ""]
    assert store.log()[0].action == "import" and store.log()[0].by == "maija"
    maija.press("Take this import back")
    settle(maija)
    assert names(store) == ["Aino Kokeilija"]
    assert store.log(0)[0].action in ("remove", "erased") and not store.undoable()


def test_each_row_and_each_kind_can_be_decided(maija: Visitor, store: Store) -> None:
    read(maija)
    check(maija)
    choose(maija, "import-kind", "new")
    choose(maija, "import-all-new", "leave")
    assert maija.t.plural("{n} row is added", "{n} rows are added", 0) in maija.shown()
    for again in ("add", "leave", ""):
        others(maija, ["2", "3"] if again == "leave" else ["3"])
        rows = {"add": 1, "leave": 0, "": 1}[again]
        assert maija.t.plural("{n} row is added", "{n} rows are added", rows) in maija.shown()
        if again:  # for all once more: what was decided for one of them counts no longer
            choose(maija, "import-all-new", again)
    choose(maija, "import-kind", "wrong")
    choose(maija, "import-kind", "new")
    others(maija, ["2", "3"], were=["3"])  # what was decided is still chosen
    others(maija, ["3"], were=["2", "3"])
    assert maija.t.plural("{n} row is added", "{n} rows are added", 1) in maija.shown()
    maija.press("Import the rows")
    settle(maija)
    assert names(store) == ["Aino Kokeilija", "Eeva Toinen"]


def test_what_keeps_it_from_going_on_is_said_and_stated_once_for_all(maija: Visitor, store: Store) -> None:
    read(maija, b"Nimi;Puhelin\nDora Uusi;040 123 4567\n")
    maija.press("Go on")
    said = maija.t("Say when the data was received: choose its column, or one date for all rows.")
    assert said in maija.shown() and maija.button("Check the rows").disabled
    choose(maija, "import-source", "meeting")
    [day] = [w for w in maija.at.date_input if w.key == "import-received"]
    assert day.value is None  # never today unasked
    day.set_value(dt.date(2026, 1, 15))
    maija.run()
    maija.press("Check the rows")
    settle(maija)
    maija.press("Import the rows")
    settle(maija)
    row = store.register.row("P-000002")
    assert (row["received"], row["source"]) == (dt.date(2026, 1, 15), "meeting")


def test_what_cannot_be_read_is_said_and_nothing_changes(maija: Visitor, store: Store) -> None:
    read(maija, b"PK\x03\x04" + b"\0" * 100, "lista.xlsx")
    assert maija.at.error and names(store) == ["Aino Kokeilija"]
    read(maija)  # another file goes on
    assert maija.button("Go on")
    maija.press("Another file")
    assert maija.at.file_uploader and not maija.at.error  # what was said of the first is over


def test_what_was_made_of_a_cell_is_told(maija: Visitor, store: Store) -> None:
    read(maija, "Nimi;Markkinointikielto;Lähde;Vastaanotettu\nDora Uusi;kyllä;Puhelu;1.2.2026\n".encode())
    check(maija)
    said = maija.t("The file gives no date of the ban: {date} is entered.", date="11.3.2026")
    assert lines(maija)[maija.t("To note")].tolist() == [said]


def test_an_encrypted_workbook_asks_for_its_password(maija: Visitor, store: Store) -> None:
    book, plain, sealed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["Nimi", "Lähde", "Vastaanotettu"])  # type: ignore[union-attr]
    book.active.append(["Dora Uusi", "Puhelu", dt.datetime(2026, 2, 1)])  # type: ignore[union-attr]
    book.save(plain)
    msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("salasana", sealed)
    read(maija, sealed.getvalue(), "lista.xlsx")
    for password in ("väärä", "salasana"):
        maija.field("text_input", "Password of the file").set_value(password)
        maija.run()
        maija.press("Read the file")
        settle(maija)
    check(maija)
    maija.press("Import the rows")
    settle(maija)
    assert names(store) == ["Aino Kokeilija", "Dora Uusi"]


def test_somebody_who_changes_a_row_meanwhile_stops_everything(maija: Visitor, store: Store) -> None:
    read(
        maija, "Nimi;Puhelin;Titteli;Lähde;Vastaanotettu\nAino Kokeilija;0507654321;Rehtori;Puhelu;1.2.2026\n".encode()
    )
    check(maija)
    store.update("P-000001", {"title": "Emerita"}, by="sami")
    maija.press("Import the rows")
    settle(maija)
    assert maija.at.error and store.register.row("P-000001")["title"] == "Emerita"
    maija.press("Check again")
    settle(maija)
    maija.press("Import the rows")
    settle(maija)
    store.refresh()
    assert store.register.row("P-000001")["title"] == "Rehtori"


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_what_is_said_by_hand_counts(maija: Visitor, store: Store) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Nimi"])  # type: ignore[union-attr]
    book.active.append(["Väärä Taulukko"])  # type: ignore[union-attr]
    other = book.create_sheet("Toinen")
    other.append(["Nimi", "Pvm", "Huom"])
    other.append(["Kontakti", "Saatu", "Muu"])
    other.append(["Dora Uusi", "01/02/2026", "x"])
    read(maija, saved(book), "lista.xlsx")
    [sheet] = [w for w in maija.at.selectbox if w.key == "import-sheet"]
    choose(maija, "import-sheet", sheet.options.index("Toinen"))
    maija.at.number_input(key="import-heading").set_value(2)
    maija.run()
    maija.press("Go on")
    assert "Kontakti" in maija.shown() and "Väärä" not in maija.shown()
    for key, value in {"target-0": "name", "target-1": "received", "target-2": "+notes", "source": "public"}.items():
        choose(maija, f"import-{key}", value)
    assert maija.button("Check the rows").disabled
    choose(maija, "import-order-1", "mdy")
    maija.at.text_input(key="import-detail").set_value("Kaupparekisteri")
    maija.run()
    maija.press("Check the rows")
    settle(maija)
    maija.press("Import the rows")
    settle(maija)
    store.refresh()
    row = store.register.row("P-000002")
    assert (row["name"], row["received"], row["notes"]) == ("Dora Uusi", dt.date(2026, 1, 2), "Muu: x")
    assert (row["source"], row["source_detail"]) == ("public", "Kaupparekisteri")
    assert maija.sees("No row was left out.")
    maija.press("Import another file")
    assert maija.at.file_uploader and "import" not in maija.at.session_state


def test_without_headings_every_row_counts(maija: Visitor, store: Store) -> None:
    read(maija, b"Nimi;Puhelin\nDora Uusi;040 123 4567\n")
    maija.at.number_input(key="import-heading").set_value(0)
    maija.run()
    maija.press("Go on")
    assert "Nimi · Dora Uusi" in maija.shown()


def test_an_import_that_is_given_up_is_out_of_memory(maija: Visitor, store: Store) -> None:
    read(maija)
    desk = maija.at.session_state["import"].desk
    maija.press("Another file")
    assert maija.at.file_uploader and "import" not in maija.at.session_state and names(store) == ["Aino Kokeilija"]
    with pytest.raises(ImportRefused):
        desk.keys("new")


def test_an_empty_cell_empties_a_field_only_where_that_was_chosen(maija: Visitor, store: Store) -> None:
    read(maija, "Nimi;Puhelin;Titteli;Lähde;Vastaanotettu\nAino Kokeilija;0507654321;;Puhelu;1.2.2026\n".encode())
    check(maija)
    assert maija.button("Import the rows").disabled  # nothing to do
    maija.press("Back")
    maija.at.checkbox(key="import-erase").set_value(True)
    maija.run()
    maija.press("Check the rows")
    settle(maija)
    maija.press("Import the rows")
    settle(maija)
    store.refresh()
    assert store.register.row("P-000001")["title"] == ""


def test_many_findings_have_pages_and_what_is_left_out_is_counted(maija: Visitor, store: Store) -> None:
    rows = "".join(f"Vanha Rivi {n};09/03/2001;Puhelu;+358{n}\n" for n in range(125))
    read(maija, f"Nimi;Vastaanotettu;Lähde;Luku\n{rows}Dora Uusi;1.2.2026;Puhelu;5\n".encode())
    check(maija)
    choose(maija, "import-kind", "past")
    said = maija.t("Its retention period ended on {date}.", date="9.3.2006")
    assert [note[: len(said)] for note in lines(maija)[maija.t("To note")]] == [said] * 100
    maija.at.number_input(key="import-page-past").set_value(2)
    maija.run()
    assert lines(maija)[schema.heading("name", "fi")].tolist() == [f"Vanha Rivi {n}" for n in range(100, 125)]
    maija.press("Import the rows")
    settle(maija)
    assert maija.t.plural("{n} row was left out.", "{n} rows were left out.", 125) in maija.shown()
    assert names(store) == ["Aino Kokeilija", "Dora Uusi"]


def beside(maija: Visitor) -> list[list[str]]:
    """The lines of the tables of two values each."""
    html = "".join(node.body for node in maija.at.get("html") if "beside" in node.body)
    return [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", line) for line in re.findall("<tr>(.*?)</tr>", html)]


def test_a_list_of_the_register_comes_back_with_what_was_changed_in_it(maija: Visitor, store: Store) -> None:
    for name in ("Bertta Toinen", "Cecilia Kolmas"):
        store.add(person(name, title="Johtaja"), by="sami")
    ids, columns = [f"P-00000{n}" for n in (1, 2, 3)], ["id", "name", "title", "notes"]
    list_ = maija.workspace.excel_list(ids, columns, password="listan pitkä salasana", language="fi")
    book = openpyxl.load_workbook(io.BytesIO(decrypt(list_, "listan pitkä salasana")))
    sheet = book["Prospektit"]
    sheet["C2"], sheet["D2"] = "Rehtori", "soitettu"
    sheet["C3"] = "Kuski"
    sheet.delete_rows(4)
    store.update("P-000001", {"title": "Opettaja"}, by="sami")
    store.update("P-000002", {"title": "Kokki"}, by="sami")
    read(maija, saved(book), "lista.xlsx")
    assert maija.sees("Only what was changed in it since is brought back.") and "Maija Mäki" in maija.shown()
    check(maija)
    assert ["Rehtori", "Opettaja"] in [line[1:] for line in beside(maija)]  # in the file, in the register
    assert ["soitettu", "–"] in [line[1:] for line in beside(maija)]
    [row] = [w for w in maija.at.radio if (w.key or "").endswith("-conflict-2")]
    assert row.value == "part"
    row.set_value("take")
    maija.run()
    maija.at.multiselect(key="import-fields-2").set_value(["title"])
    maija.run()
    choose(maija, "import-kind", "deleted")
    assert "Cecilia Kolmas" in maija.shown()
    choose(maija, "import-all-deleted", "request_removal")
    told = maija.shown()
    assert maija.t.plural("{n} row changes", "{n} rows change", 1) in told
    assert maija.t.plural("removal is asked for {n} row", "removal is asked for {n} rows", 1) in told
    maija.press("Import the rows")
    settle(maija)
    store.refresh()
    first, second, third = (store.register.row(i) for i in ids)
    assert (first["title"], first["notes"], second["title"]) == ("Rehtori", "", "Kokki")
    assert third["removal_requested"] == store.today and not first["removal_requested"]
    maija.press("Take this import back")
    settle(maija)
    store.refresh()
    assert [store.register.row(i)["title"] for i in ids] == ["Opettaja", "Kokki", "Johtaja"]
    assert store.register.row("P-000003")["removal_requested"] is None


def test_a_row_that_is_removed_while_the_page_shows_that_it_is_missing(maija: Visitor, store: Store) -> None:
    store.add(person("Bertta Toinen"), by="sami")
    list_ = maija.workspace.excel_list(
        ["P-000001", "P-000002"], ["id", "name"], password="listan pitkä salasana", language="fi"
    )
    book = openpyxl.load_workbook(io.BytesIO(decrypt(list_, "listan pitkä salasana")))
    book["Prospektit"].delete_rows(3)
    read(maija, saved(book), "lista.xlsx")
    check(maija)
    choose(maija, "import-kind", "deleted")
    assert "Bertta Toinen" in maija.shown()
    store.remove(["P-000002"], by="maija", reason="erasure")
    maija.run()
    assert plain("P-000002") in maija.shown() and "Bertta" not in maija.shown()
    choose(maija, "import-all-deleted", "request_removal")
    maija.press("Import the rows")
    settle(maija)
    assert maija.at.error and maija.button("Check again")


@pytest.mark.parametrize("name", ["sami", "ylva"])
def test_a2_nobody_but_a_manager_has_the_page(visitor: Callable[..., Visitor], store: Store, name: str) -> None:
    at = visitor(name).open("imports")
    assert not at.file_uploader
