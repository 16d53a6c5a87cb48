"""The list that a company has kept for years comes in, goes out, is edited on a workstation and comes back."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msoffcrypto
import openpyxl
from playwright.sync_api import expect

from lib.sample import rows
from lib.schema import label
from tests.browser.conftest import IDLE, PASSWORD, WORKBOOK_PASSWORD, Server, Tab, t

Browse = Callable[..., Tab]
HEADINGS = {
    "Pvm": "received",
    "Yritys": "organisation",
    "Yhteyshenkilö": "name",
    "Puh.": "phone",
    "Sähköposti": "email",
    "Lähde": "source",
    "Lisätiedot": "notes",
}


def old_list(count: int) -> bytes:
    """An Excel list as people keep them: a title, an empty row, headings, rows, and a total at the end."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet["A1"] = "Asiakkaat ja prospektit"
    sheet.append([])
    sheet.append(list(HEADINGS))
    today = dt.date.today()
    for n, row in enumerate(rows(count, 11, today)):
        row = {**row, "received": today - dt.timedelta(days=n % 900), "source": "phone", "name": f"{row['name']} {n}"}
        row["phone"] = f"040 {1000000 + n}"
        row["email"] = f"henkilo{n}@example.com"
        sheet.append([label("source", row[c], "fi") if c == "source" else row.get(c) for c in HEADINGS.values()])
    sheet.append(["Yhteensä", None, count])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def bring(tab: Tab, name: str, content: bytes) -> None:
    """Choose a file, and let it be read, matched and checked."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    tab.page.locator("input[type=file]").set_input_files([{"name": name, "mimeType": kind, "buffer": content}])
    tab.press("Read the file")


def done(rows: int) -> str:
    return t.plural("{n} row was imported or changed.", "{n} rows were imported or changed.", rows)


def step(tab: Tab, label: str) -> None:
    button = tab.page.get_by_role("button", name=t(label), exact=True).first
    expect(button).to_be_enabled(timeout=60_000)
    button.click()


def downloaded(tab: Tab) -> openpyxl.Workbook:
    """The list of all rows, without its password."""
    tab.open("prospects")
    tab.page.get_by_role("button", name=t("Excel list")).click()
    password = tab.page.get_by_test_id("stCode").first.inner_text().strip()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name=t("Download"), exact=True).click()
    plain = io.BytesIO()
    file = msoffcrypto.OfficeFile(io.BytesIO(download.value.path().read_bytes()))
    file.load_key(password=password)
    file.decrypt(plain)
    return openpyxl.load_workbook(plain)


def places(book: openpyxl.Workbook) -> tuple[Any, dict[str, int], dict[str, int]]:
    """The sheet of a list, its columns by heading and its rows by number."""
    sheet = book["Prospektit"]
    columns = {str(cell.value): cell.column for cell in sheet[1]}
    return sheet, columns, {str(sheet.cell(row, 1).value): row for row in range(2, sheet.max_row + 1)}


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def edited(book: openpyxl.Workbook) -> bytes:
    """A download as somebody brings it back: one cell changed, one row added, one deleted."""
    sheet, columns, by_number = places(book)
    sheet.cell(by_number["P-000007"], columns["Tehtävänimike"]).value = "Toimitusjohtaja"
    new = sheet.max_row + 1
    values = {"Nimi": "Uusi Ulla", "Lähde": "Tapaaminen", "Vastaanotettu": dt.datetime(2026, 1, 15)}
    for heading, value in values.items():
        sheet.cell(new, columns[heading]).value = value
    sheet.delete_rows(by_number["P-000009"])
    return saved(book)


def test_the_first_start_with_the_list_of_years_then_edits_on_a_workstation_come_back_and_are_undone(
    own_server: Server, browse: Browse, tmp_path: Path
) -> None:
    own_server.start()
    tab = browse(own_server)
    page = tab.page
    address = re.search(r"http\S+/setup\?code=\S+", own_server.log.read_text())
    assert address
    page.goto(address[0])
    for name in ("company", "person_responsible", "display_name"):
        page.fill(f"#{name}", "Aino Alku")
    page.fill("#username", "aino")
    for name in ("password", "password_again"):
        page.fill(f"#{name}", PASSWORD)
        page.fill(f"#workbook_{name}", WORKBOOK_PASSWORD)
    page.get_by_text(t("The list that you have")).click()
    page.get_by_role("button", name=t("Make the register")).click()
    page.get_by_role("link", name=t("Bring the list in")).click()
    page.wait_for_selector(IDLE)
    tab.title(t("Import"))
    bring(tab, "asiakkaat.xlsx", old_list(1500))
    step(tab, "Go on")
    step(tab, "Check the rows")
    expect(page.get_by_text(t.plural("{n} row is added", "{n} rows are added", 1500))).to_be_visible(timeout=60_000)
    tab.press("Import the rows")
    expect(page.get_by_text(done(1500))).to_be_visible(timeout=60_000)
    with own_server.open_store() as store:
        assert len(store.frame) == 1500 and store.register.row("P-000007")["phone"] == "+358401000006"
        assert store.register.row("P-000007")["received"] == dt.date.today() - dt.timedelta(days=6)

    back = edited(downloaded(tab))
    tab.open("imports")
    bring(tab, "lista.xlsx", back)
    expect(page.get_by_text(t("Only what was changed in it since is brought back."))).to_be_visible(timeout=60_000)
    step(tab, "Go on")
    step(tab, "Check the rows")
    one = t.plural("{n} row is added", "{n} rows are added", 1), t.plural("{n} row changes", "{n} rows change", 1)
    expect(page.get_by_text(", ".join(one))).to_be_visible(timeout=60_000)
    tab.press("Import the rows")
    expect(page.get_by_text(done(2))).to_be_visible(timeout=60_000)
    with own_server.open_store() as store:
        assert store.register.row("P-000007")["title"] == "Toimitusjohtaja"
        assert store.frame["name"].tolist()[-1] == "Uusi Ulla" and "P-000009" in store.register.table
    page.get_by_role("button", name=t("Take this import back")).first.click()
    expect(page.get_by_text("1 riviä poistettiin")).to_be_visible(timeout=60_000)
    with own_server.open_store() as store:
        assert store.register.row("P-000007")["title"] != "Toimitusjohtaja"
        assert len(store.frame) == 1500 and "Uusi Ulla" not in store.frame["name"].tolist()
    page.goto("about:blank")


def test_what_both_sides_changed_is_shown_side_by_side_and_one_is_chosen(server: Server, browse: Browse) -> None:
    with server.open_store() as store:
        lead = {"name": "Riita Ristikari", "organisation": "Ristikari Oy", "title": "Johtaja", "source": "phone"}
        number = store.add(lead, by="sami")
    tab = browse(server, "aino")
    book = downloaded(tab)
    sheet, columns, by_number = places(book)
    sheet.cell(by_number[number], columns["Tehtävänimike"]).value = "Toimitusjohtaja"
    sheet.cell(by_number[number], columns["Muistiinpanot"]).value = "soittaa itse"
    with server.open_store() as store:
        store.update(number, {"title": "Rehtori"}, by="sami")
        before = store.frame

    tab.open("imports")
    bring(tab, "lista.xlsx", saved(book))
    step(tab, "Go on")
    step(tab, "Check the rows")
    finding = tab.page.locator("[class*=st-key-finding-conflict]")
    expect(finding).to_have_count(1, timeout=60_000)
    head, *lines = [line.locator("th, td").all_inner_texts() for line in finding.locator("table tr").all()]
    assert head == ["", t("In the file"), t("In the register")]
    assert sorted(lines) == [["Muistiinpanot", "soittaa itse", "–"], ["Tehtävänimike", "Toimitusjohtaja", "Rehtori"]]
    expect(finding.get_by_role("radio", name=t("Take all but what was changed on both sides"))).to_be_checked()
    finding.get_by_text(t("Take what the file says"), exact=True).click()
    expect(finding.get_by_role("radio", name=t("Take what the file says"))).to_be_checked()
    taken = finding.get_by_test_id("stMultiSelect")
    expect(taken).to_contain_text("Tehtävänimike")
    expect(taken).to_contain_text("Muistiinpanot")
    tab.page.wait_for_selector(IDLE)
    with server.open_store() as store:
        assert store.register.row(number)["title"] == "Rehtori"  # nothing before the last step
    tab.press("Import the rows")
    expect(tab.page.get_by_text(done(1))).to_be_visible(timeout=60_000)
    with server.open_store() as store:
        row, after = store.register.row(number), store.frame
    assert (row["title"], row["notes"], row["changed_by"]) == ("Toimitusjohtaja", "soittaa itse", "aino")
    others = [code for code in before if code not in ("title", "notes", "changed_at", "changed_by")]
    assert after[others].equals(before[others])
    assert after[after["id"] != number].equals(before[before["id"] != number])
