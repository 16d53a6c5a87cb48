"""The page of imports: a list comes in step by step, and goes again; the whole way, with the real processes."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Callable
from typing import Any

import msoffcrypto
import openpyxl
import pytest

from lib import schema
from lib.store import Store
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
    [lines] = [f.value for f in maija.at.dataframe]
    heading = (
        maija.t("Row"),
        schema.heading("name", "fi"),
        schema.heading("received", "fi"),
        schema.heading("source", "fi"),
    )
    assert lines[list(heading)].values.tolist() == [
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
    maija.press("Go on")
    maija.press("Check the rows")
    settle(maija)
    choose(maija, "import-kind", "new")
    choose(maija, "import-all-new", "leave")
    assert maija.t.plural("{n} row is added", "{n} rows are added", 0) in maija.shown()
    others(maija, ["3"])
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
    maija.press("Go on")
    maija.press("Check the rows")
    settle(maija)
    maija.press("Import the rows")
    settle(maija)
    assert names(store) == ["Aino Kokeilija", "Dora Uusi"]


def test_somebody_who_changes_a_row_meanwhile_stops_everything(maija: Visitor, store: Store) -> None:
    read(
        maija, "Nimi;Puhelin;Titteli;Lähde;Vastaanotettu\nAino Kokeilija;0507654321;Rehtori;Puhelu;1.2.2026\n".encode()
    )
    maija.press("Go on")
    maija.press("Check the rows")
    settle(maija)
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


@pytest.mark.parametrize("name", ["sami", "ylva"])
def test_a2_nobody_but_a_manager_has_the_page(visitor: Callable[..., Visitor], store: Store, name: str) -> None:
    at = visitor(name).open("imports")
    assert not at.file_uploader
