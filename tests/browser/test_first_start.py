"""From an empty folder to the first entry."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import IDLE, PASSWORD, WORKBOOK_PASSWORD, Server, Tab, t

Browse = Callable[..., Tab]


def test_the_first_start_leads_over_the_recovery_sheet_to_the_first_entry(own_server: Server, browse: Browse) -> None:
    own_server.start()
    tab = browse(own_server)
    page = tab.page
    page.goto(own_server.url)
    expect(page.get_by_role("heading", name=t("The first start is waiting"))).to_be_visible()
    address = re.search(r"http\S+/setup\?code=\S+", own_server.log.read_text())
    assert address
    page.goto(address[0])
    assert page.locator("html").get_attribute("lang") == "fi"
    typed = {
        "company": "Häkki Oy",
        "person_responsible": "Aino Alku",
        "display_name": "Aino Alku",
        "username": "aino",
        "password": PASSWORD,
        "password_again": "jotain aivan muuta",
        "workbook_password": WORKBOOK_PASSWORD,
        "workbook_password_again": WORKBOOK_PASSWORD,
    }
    for name, value in typed.items():
        page.fill(f"#{name}", value)
    page.get_by_role("button", name=t("Make the register")).click()
    expect(page.get_by_text(t("The two passwords differ. Type both again."))).to_be_visible()
    assert page.input_value("#company") == "Häkki Oy" and page.input_value("#workbook_password") == ""
    for name in ("password", "password_again", "workbook_password", "workbook_password_again"):
        page.fill(f"#{name}", WORKBOOK_PASSWORD if name.startswith("workbook") else PASSWORD)
    page.get_by_role("button", name=t("Make the register")).click()
    expect(page.get_by_role("heading", name=t("Recovery sheet"))).to_be_visible()
    sheet = page.inner_text("body")
    assert (
        f"-m lib --data {own_server.data} user password aino" in sheet
        and str(own_server.data / "prospects.xlsx") in sheet
    )
    assert PASSWORD not in page.content() and WORKBOOK_PASSWORD not in page.content()
    page.get_by_role("link", name=t("Go to the register")).click()
    page.wait_for_selector(IDLE)
    tab.title(t("New prospect"))
    tab.type("Name", "Ensimmäinen Eerikäinen")
    tab.press("Save")
    assert tab.saved() == "P-000001"
    own_server.stop()
    with own_server.open_store() as store:
        assert store.frame["name"].tolist() == ["Ensimmäinen Eerikäinen"]
        assert store.settings.controller == "Häkki Oy"
    page.goto("about:blank")
