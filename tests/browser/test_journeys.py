"""What people do in a day, with a real browser on a real server."""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msoffcrypto
import openpyxl
import pytest
from playwright.sync_api import expect

from lib import retention, schema
from lib.store import Store
from tests.browser.conftest import PAGES, PASSWORD, PHONE, WORKBOOK_PASSWORD, Server, Tab, t

Browse = Callable[..., Tab]
NOTE = "Äöå ß 🐈‍⬛ rivi yksi\nNA\n=SUM(A1) <b>x</b> **y**"


def sign_in_form(tab: Tab, password: str, name: str = "aino") -> None:
    tab.page.fill("#username", name)
    tab.page.fill("#password", password)
    tab.page.get_by_role("button", name=t("Sign in")).click()


def search(tab: Tab, words: str, found: str) -> None:
    """Type a search and wait for how many rows it found."""
    box = tab.page.get_by_placeholder(t("Name, organisation, phone, notes …"))
    box.fill(words)
    box.press("Enter")
    expect(tab.page.get_by_text(found, exact=True)).to_be_visible()


def names(server: Server) -> list[str]:
    with server.open_store() as store:
        return list(store.frame["name"])


def total(tab: Tab) -> int:
    """How many leads this year the statistics page counts."""
    tab.open("statistics").title(t("Statistics"))
    heading = tab.page.get_by_role("heading", level=2).first.inner_text()
    return int(heading.split(": ")[1].split(",")[0].replace("\xa0", ""))


def test_a_lead_is_entered_found_edited_counted_and_the_same_after_a_restart(server: Server, browse: Browse) -> None:
    tab = browse(server)
    tab.page.goto(server.url)
    sign_in_form(tab, "väärä salasana tämä")
    expect(tab.page.get_by_role("alert")).to_have_text(t("The user name or the password is wrong."))
    assert tab.page.input_value("#username") == "aino"
    sign_in_form(tab, PASSWORD)
    before = total(tab.idle())
    for name, phone, note in (("=1+1", "0401234567", NOTE), ("None", "", "NA")):
        tab.open().title(t("New prospect"))
        tab.type("Name", name)
        tab.type("Phone", phone)
        tab.field("Notes").fill(note)
        tab.press("Save")
        number = tab.saved()
    tab.see(f"{number}, None.")
    first = f"P-{int(number[2:]) - 1:06d}"
    tab.open("prospects")
    with server.open_store() as store:
        rows = len(store.frame)
    shown = f"1 / {rows}"
    for words in ("040 123 45 67", "+358401234567", "aoa ss", first):
        search(tab, words, shown)
    tab.open_first_row()
    tab.title("=1+1")
    assert tab.path == f"/prospects?row={first}"
    expect(tab.field("Notes")).to_have_value(NOTE)
    tab.type("Title", "Johtaja Ä")
    tab.press("Save changes")
    tab.see(t("{id} was saved.", id=first))
    assert total(tab) == before + 2
    server.stop()
    server.start()
    tab.open(f"prospects?row={first}").title("=1+1")  # the session outlived it
    for label, value in (("Name", "=1+1"), ("Phone", "040 1234567"), ("Title", "Johtaja Ä"), ("Notes", NOTE)):
        expect(tab.field(label)).to_have_value(value)
    with server.open_store() as store:
        row = store.register.row(first)
        assert (row["name"], row["phone"], row["notes"]) == ("=1+1", "+358401234567", NOTE)
        row = store.register.row(number)
        assert (row["name"], row["notes"], row["organisation"]) == ("None", "NA", "")


def test_s2_killing_the_server_right_after_saved_loses_nothing(server: Server, browse: Browse) -> None:
    tab = browse(server, "aino").open()
    tab.type("Name", "Sitkeä Sissi")
    tab.press("Save")
    number = tab.saved()
    server.stop(signal.SIGKILL)
    assert "Sitkeä Sissi" in names(server)
    server.start()
    tab.open(f"prospects?row={number}").title("Sitkeä Sissi")
    assert not [path for path in server.files() if path.name.endswith(".tmp")]


def test_s8_what_is_typed_stands_in_no_file_in_the_clear(server: Server, browse: Browse) -> None:
    canary = "Kanarialintu8731"

    def leaks() -> list[Path]:
        """Files with the canary, or with the beginning of an unencrypted workbook."""
        marks = [canary.encode(encoding) for encoding in ("utf-8", "utf-16-le")]
        return [
            path
            for path in server.files()
            if (content := path.read_bytes()).startswith(b"PK\x03\x04") or any(mark in content for mark in marks)
        ]

    tab = browse(server, "aino").open()
    tab.type("Name", f"{canary} Kaarina")
    tab.field("Notes").fill(f"{canary} muistiinpano")
    assert leaks() == []
    tab.press("Save")
    for _ in range(5):  # while it is written
        assert leaks() == []
    number = tab.saved()
    assert leaks() == []
    tab.open(f"prospects?row={number}")
    tab.type("Title", canary)
    tab.press("Save changes")
    tab.see(t("{id} was saved.", id=number))
    assert leaks() == []
    server.stop()
    assert leaks() == [] and f"{canary} Kaarina" in names(server)
    server.start()
    assert leaks() == []


def test_the_excel_list_opens_with_one_s_own_password_and_holds_the_rows_of_the_view(
    server: Server, browse: Browse
) -> None:
    tab = browse(server, "aino").open("prospects?source=email")
    with server.open_store() as store:
        frame = store.frame
    view = frame[(frame["source"] == "email") & frame["removal_requested"].isna()]
    tab.see(f"{len(view)} / {len(frame)}")
    tab.page.get_by_role("button", name=t("Excel list")).click()
    tab.page.get_by_text(t("A password that I type now (at least 12 characters)")).click()
    download = tab.page.get_by_role("button", name=t("Download"), exact=True)
    expect(download).to_be_disabled()
    tab.field("Password").click()
    tab.page.keyboard.type("oma salasana ääkkösin")
    download.click(force=True)  # at once, as a hasty hand does: the password of before must not be taken
    expect(download).to_be_enabled()
    with tab.page.expect_download() as waiting:
        download.click()
    path = waiting.value.path()
    assert waiting.value.suggested_filename.startswith("prospektit-")
    plain = io.BytesIO()
    file = msoffcrypto.OfficeFile(io.BytesIO(path.read_bytes()))
    file.load_key(password="oma salasana ääkkösin", verify_password=True)
    file.decrypt(plain, verify_integrity=True)
    sheet = openpyxl.load_workbook(plain).worksheets[0]
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    headings = next(n for n, line in enumerate(lines) if schema.heading("id", "fi") in line)
    place = lines[headings].index(schema.heading("id", "fi"))
    leaving = view[view["restricted"].isna()]
    assert {line[place] for line in lines[headings + 1 :] if line[place]} == set(leaving["id"])
    with server.open_store() as store:
        newest = store.log()[0]
        assert (newest.action, newest.by, newest.facts["rows"]) == ("download", "aino", len(leaving))


def test_s4_of_two_browsers_on_one_row_the_second_is_refused_and_shown_both(server: Server, browse: Browse) -> None:
    with server.open_store() as store:
        pid = store.add({"source": "phone", "name": "Kahden Kauppa"}, by="sami")
    aino, sami = (browse(server, name).open(f"prospects?row={pid}") for name in ("aino", "sami"))
    for tab, text in ((sami, "Samin teksti"), (aino, "Ainon teksti")):
        tab.title("Kahden Kauppa")
        tab.field("Notes").fill(text)
    sami.press("Save changes")
    sami.see(t("{id} was saved.", id=pid))
    aino.press("Save changes")
    aino.see(t("Somebody changed this row while you were editing it. Your changes were not saved."))
    aino.see("Samin teksti")
    assert aino.field("Notes").input_value() == "Ainon teksti"
    with server.open_store() as store:
        assert store.register.row(pid)["notes"] == "Samin teksti"
    aino.press("Keep editing mine")
    expect(aino.page.get_by_text("Samin teksti")).to_have_count(0)
    aino.press("Save changes")
    aino.see(t("{id} was saved.", id=pid))
    with server.open_store() as store:
        assert store.register.row(pid)["notes"] == "Ainon teksti"


# -- retention ---------------------------------------------------------------------------------------------------------


def ended(store: Store) -> list[str]:
    """Numbers of the rows whose period has ended, in the order of the page."""
    groups = retention.queue(store.frame, store.today, store.settings.review_months)
    return list(store.frame[groups["ended"]].sort_values("expires")["id"])


def tick(tab: Tab, line: int) -> None:
    """Tick a line of the first table; 0 ticks all."""
    tab.page.locator("[data-testid=stDataFrame]").first.click(position={"x": 16, "y": 18 + 35 * line})


def test_a_row_is_kept_longer_and_eleven_and_more_go_only_with_their_number_typed(
    server: Server, browse: Browse
) -> None:
    with server.open_store() as store:
        limit = retention.add_years(store.today, -store.settings.retention_years)
        for n in range(12):
            values = {
                "source": "meeting",
                "name": f"Vanhentunut Väinö {n}",
                "received": limit.replace(year=2003, day=1),
            }
            store.add(values, by="sami")
        waiting = ended(store)
    tab = browse(server, "aino").open("retention")
    ended_tab = tab.page.get_by_role("radio", name=f"{t('Ended')} ({len(waiting)})")
    ended_tab.or_(tab.page.get_by_role("button", name=f"{t('Ended')} ({len(waiting)})")).first.click()
    tab.idle()
    tick(tab, 1)
    expect(tab.page.get_by_role("button", name=t("Open {id}", id=waiting[0]))).to_be_visible()
    tab.page.get_by_role("button", name=t("Keep longer")).first.click()
    tab.field("Ground for keeping").click()
    tab.page.get_by_role("option", name=t("Dispute")).click()
    tab.page.locator("[data-testid=stPopoverBody]").get_by_role("button", name=t("Keep longer")).click()
    tab.see("1 rivi säilytetään")
    kept, *gone = waiting
    expect(tab.page.get_by_text(f"{t('Ended')} ({len(gone)})").first).to_be_visible()
    tick(tab, 0)
    label = f"Poista {len(gone)} riviä"
    tab.page.get_by_role("button", name=label).click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_text(t("Removal is final. It cannot be undone."))).to_be_visible()
    expect(dialog.get_by_role("button", name=label).first).to_be_disabled()
    count = dialog.get_by_label(t("Type the number of rows to be removed"))
    count.fill(str(len(gone) - 1))
    count.press("Tab")
    tab.page.wait_for_timeout(500)
    expect(dialog.get_by_role("button", name=label).first).to_be_disabled()
    count.fill(str(len(gone)))
    count.press("Tab")
    open_now = dialog.get_by_role("button", name=label, disabled=False).first  # the shut one lingers for a moment
    expect(open_now).to_be_enabled()
    open_now.click()
    tab.see(f"{len(gone)} riviä on poistettu kaikkialta.", seconds=90)  # each backup is gone through
    tab.see(t("No row's retention period has ended."))
    with server.open_store() as store:
        assert set(gone).isdisjoint(store.frame["id"]) and store.register.row(kept)["hold_reason"] == "dispute"
        erased, removed, *_ = store.log()
        assert (erased.action, removed.action, removed.facts["reason"]) == ("erased", "remove", "expired")
    plain = io.BytesIO()
    file = msoffcrypto.OfficeFile(io.BytesIO((server.data / "prospects.xlsx").read_bytes()))
    file.load_key(password=WORKBOOK_PASSWORD)
    file.decrypt(plain, verify_integrity=True)
    cells = {cell.value for sheet in openpyxl.load_workbook(plain) for line in sheet.iter_rows() for cell in line}
    assert not cells & {*gone, "Vanhentunut Väinö 3"}
    tab.open(f"prospects?row={gone[0]}")
    tab.see(t("The prospect {id} is no longer in the register.", id=gone[0]))


def test_one_row_is_removed_with_a_reason(server: Server, browse: Browse) -> None:
    with server.open_store() as store:
        pid = store.add({"source": "phone", "name": "Poistuva Pirkko"}, by="sami")
    tab = browse(server, "aino").open(f"prospects?row={pid}")
    tab.press("Remove")
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Poista 1 rivi").click()
    expect(dialog.get_by_text(t("Write why the row is removed."))).to_be_visible()
    reason = dialog.get_by_label(t("Reason"))
    reason.fill("pyysi puhelimessa")
    reason.press("Tab")
    dialog.get_by_role("button", name="Poista 1 rivi").click()
    tab.see("1 rivi on poistettu kaikkialta.", seconds=90)
    tab.title(t("Prospects"))
    with server.open_store() as store:
        assert pid not in set(store.frame["id"]) and store.log()[1].facts["reason"] == "pyysi puhelimessa"


# -- looks and languages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"viewport": PHONE, "is_mobile": True, "has_touch": True}, {}], ids=["phone", "desk"]
)
def test_no_page_is_wider_than_the_screen(server: Server, browse: Browse, options: dict[str, Any]) -> None:
    tab = browse(server, "aino", **options)
    for path in (*PAGES, "prospects?row=P-000020"):
        tab.open(path)
        expect(tab.page.get_by_role("heading", level=1).first).to_be_visible()
        wide = tab.page.evaluate(
            """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
                .map(e => e.scrollWidth - e.clientWidth)"""
        )
        assert wide == [0, 0], path


def test_on_a_phone_a_lead_is_entered_without_looking_for_save(server: Server, browse: Browse) -> None:
    tab = browse(server, "sami", viewport=PHONE, is_mobile=True, has_touch=True).open()
    tab.title(t("New prospect"))
    save = tab.page.get_by_role("button", name=t("Save"), exact=True)
    expect(save).to_have_css("min-height", "48px")  # the page's own style has arrived
    box = save.bounding_box()
    assert box and box["y"] + box["height"] <= 2 * PHONE["height"] and box["height"] >= 44
    assert box["width"] > PHONE["width"] * 0.8
    size = tab.field("Name").evaluate("e => getComputedStyle(e).fontSize")
    assert size == "16px"
    tab.type("Name", "Kännykkä Kaija")
    save.tap()
    tab.saved()
    assert "Kännykkä Kaija" in names(server)


def test_the_language_is_switched_and_stays_on_the_page(server: Server, browse: Browse) -> None:
    tab = browse(server, "sami").open("prospects")
    tab.title("Prospektit")
    tab.page.get_by_text("Sami Seppälä").first.click()
    tab.page.get_by_text("In English").click()
    tab.title("Prospects")
    assert tab.path == "/prospects"
    tab.open("statistics").title("Statistics")
    tab.page.get_by_text("Sami Seppälä").first.click()
    tab.page.get_by_text("Suomeksi").click()
    tab.title("Tilastot")


def test_a_user_s_text_is_shown_as_it_is_and_never_runs(server: Server, browse: Browse) -> None:
    name = "<img src=x onerror=alert(1)> **[Kaija](http://example.com)** $a$ :red[b]"
    tab = browse(server, "aino").open()
    tab.page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    tab.type("Name", name)
    tab.press("Save")
    number = tab.saved()
    tab.see(name)
    tab.open(f"prospects?row={number}").title(name)
    assert tab.page.locator("img[src=x]").count() == tab.page.get_by_role("link", name="Kaija").count() == 0


def test_a_chart_is_drawn_and_leads_to_its_rows(server: Server, browse: Browse) -> None:
    tab = browse(server, "aino").open("statistics")
    chart = tab.page.locator("[data-testid=stVegaLiteChart]").first
    expect(chart.locator("svg, canvas").first).to_be_visible()
    tab.field("Show the rows of").click()
    tab.page.get_by_role("option", name=schema.label("source", "email", "fi"), exact=True).click()
    tab.title(t("Prospects"))
    with server.open_store() as store:
        today, frame = store.today, store.frame
    inside = (frame["source"] == "email") & (frame["received"].dt.year == today.year)
    tab.see(f"{(inside & frame['removal_requested'].isna()).sum()} / {len(frame)}")


# -- users and sessions ------------------------------------------------------------------------------------------------


def test_a_new_user_comes_in_with_the_one_time_password_and_chooses_another(server: Server, browse: Browse) -> None:
    tab = browse(server, "aino").open("admin")
    tab.type("Name", "Uusi Ullanmäki")
    tab.type("User name", "uusi")
    tab.press("Add user")
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_text(server.url)).to_be_visible()
    given = dialog.get_by_test_id("stCode").locator("code").inner_text()
    tab.page.keyboard.press("Escape")  # nothing but the button takes it away
    tab.press("I have passed it on")
    expect(tab.page.get_by_text(given)).to_have_count(0)
    other = browse(server)
    other.page.goto(f"{server.url}/prospects")
    sign_in_form(other, given, "uusi")
    expect(other.page.get_by_role("heading", name=t("Choose your own password"))).to_be_visible()
    other.page.goto(f"{server.url}/prospects")  # nothing else opens before
    expect(other.page.get_by_role("heading", name=t("Choose your own password"))).to_be_visible()
    other.page.fill("#old", given)
    for field in ("#password", "#password_again"):
        other.page.fill(field, "oma uusi salasana ääkkösin")
    other.page.get_by_role("button", name=t("Change password")).click()
    other.idle().title(t("Prospects"))
    other.open("account").title(t("My account"))
    with server.open_store() as store:
        told = [(line.action, line.by) for line in store.log() if line.action in ("add_user", "own_password")]
    assert told[:2] == [("own_password", "uusi"), ("add_user", "aino")]


def test_a3_signing_out_another_device_ends_it_there_at_once(server: Server, browse: Browse) -> None:
    lost, desk = (browse(server, "sami").open("prospects"), browse(server, "sami").open("account"))
    desk.title(t("My account"))
    buttons = desk.page.get_by_role("button", name=t("Sign out there"))
    many = desk.page.get_by_role("button", name=re.compile("^" + t("Sign out there") + r" \d"))
    expect(buttons.first).to_be_visible()
    many.click()
    desk.see(t("You are signed out everywhere else."))
    expect(buttons).to_have_count(0)
    expect(lost.page.get_by_role("alertdialog").get_by_text(t("Your session has ended"))).to_be_visible()
    expect(desk.page.get_by_role("alertdialog")).to_have_count(0)
    lost.page.goto(f"{server.url}/prospects")
    expect(lost.page.get_by_role("heading", name=t("Sign in"))).to_be_visible()


def test_the_ways_of_one_s_account_lead_to_the_password_and_the_second_factor_and_back(
    server: Server, browse: Browse
) -> None:
    tab = browse(server, "sami").open("account")
    for name, path in (("Change password", "/password"), ("Set up the second factor", "/second-factor")):
        tab.page.get_by_role("link", name=t(name)).click()
        expect(tab.page).to_have_url(f"{server.url}{path}")
        tab.got.clear()
        tab.page.locator('a[href="/account"]').click()
        tab.idle().title(t("My account"))


def test_a_disabled_user_s_rows_go_to_somebody_else(server: Server, browse: Browse) -> None:
    server.add_user("lauri", "Lauri Lähtijä", "sales")
    with server.open_store() as store:
        pid = store.add({"source": "phone", "name": "Perintö Pekka", "owner": "lauri"}, by="lauri")
    gone, tab = browse(server, "lauri").open("prospects"), browse(server, "aino").open("admin")
    tab.page.get_by_role("button", name="Lauri Lähtijä").click()
    tab.press("Disable user")
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_role("combobox").click()
    tab.page.get_by_role("option", name="Sami Seppälä").click()
    dialog.get_by_role("button", name=t("Disable user")).click()
    tab.see(t("{name} can no longer sign in.", name="Lauri Lähtijä"))
    expect(gone.page.get_by_role("alertdialog")).to_be_visible()
    with server.open_store() as store:
        assert store.register.row(pid)["owner"] == "sami"


def test_what_was_typed_waits_while_something_is_looked_up_and_back_leads_from_a_row_to_the_list(
    server: Server, browse: Browse
) -> None:
    tab = browse(server, "sami").open()
    tab.field("Name").fill("Kesken Jäänyt")
    tab.field("Notes").fill("puhelu kesken")
    menu = tab.page.get_by_role("navigation")
    menu.get_by_role("link", name=t("Prospects"), exact=True).click()
    tab.title(t("Prospects"))
    tab.open_first_row()
    expect(tab.page).to_have_url(re.compile(r"\?row=P-\d{6}$"))
    notes = tab.field("Notes")
    notes.fill(f"{notes.input_value()} ja kesken")
    typed = notes.input_value()
    tab.page.go_back()
    tab.title(t("Prospects"))
    tab.page.wait_for_timeout(1_500)
    tab.title(t("Prospects"))  # and it stays there
    assert tab.path == "/prospects"
    tab.open_first_row()
    expect(tab.field("Notes")).to_have_value(typed)
    menu.get_by_role("link", name=t("New prospect"), exact=True).click()
    tab.title(t("New prospect"))
    expect(tab.field("Name")).to_have_value("Kesken Jäänyt")
    expect(tab.field("Notes")).to_have_value("puhelu kesken")
    tab.press("Save")
    number = tab.saved()
    with server.open_store() as store:
        assert store.register.row(number)["notes"] == "puhelu kesken"
    menu.get_by_role("link", name=t("Prospects"), exact=True).click()
    tab.title(t("Prospects"))
    menu.get_by_role("link", name=t("New prospect"), exact=True).click()
    tab.title(t("New prospect"))
    tab.page.wait_for_timeout(1_000)
    expect(tab.field("Name")).to_have_value("")  # what was saved does not come back
