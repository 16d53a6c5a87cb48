"""What an open page says when its session ends or the server is gone, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from lib.access.page import _TEXTS
from lib.i18n import translator
from lib.installation import Installation
from tests.browser.conftest import DESK, IDLE, PASSWORD, PHONE, Server, Tab, t
from tests.nginx import Nginx

Browse = Callable[..., Tab]
STREAMLITS_OWN = "[role=dialog], [data-testid=stConnectionStatus]:visible"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("connection"))
    server.fill(5)
    server.start()
    yield server
    server.stop()


def end_sessions(server: Server, name: str) -> None:
    Installation(server.data).lost_device(name)


def cover(tab: Tab, kind: str, language: str = "fi") -> Locator:
    """What lies over the page; it says what it must, in the language, and has the focus."""
    box = tab.page.get_by_role("alertdialog")
    say = translator(language)
    expect(box).to_be_visible()
    expect(box.get_by_role("heading")).to_have_text(say(_TEXTS[f"{kind}_title"]))
    expect(box).to_have_accessible_description(say(_TEXTS[f"{kind}_text"]))
    assert tab.page.evaluate("document.activeElement.closest('[role=alertdialog]') !== null")
    return box


def sign_in_again(tab: Tab, name: str = "sami") -> None:
    """Sign in in the tab that the cover opens."""
    with tab.page.context.expect_page() as opened:
        tab.page.get_by_role("alertdialog").get_by_role("link", name=t("Sign in")).click()
    new = opened.value
    new.fill("#username", name)
    new.fill("#password", PASSWORD)
    with new.expect_event("close"):  # the page that waits closes it
        new.get_by_role("button", name=t("Sign in")).click()


@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
def test_a3_an_ended_session_says_so_hides_the_page_and_goes_on_after_signing_in_with_what_was_typed(
    server: Server, browse: Browse, view: dict[str, int]
) -> None:
    tab = browse(server, "sami", viewport=view).open()
    assert tab.page.locator("html").get_attribute("lang") == "fi"
    name = f"Kesken Kerttu {view['width']}"
    tab.type("Name", name)
    tab.field("Notes").fill("ei vielä lähetetty")  # and not left: the server does not know it yet
    end_sessions(server, "sami")
    box = cover(tab, "ended")
    # Nothing of the page is seen or reached any more, by eye, by pointer or by keyboard.
    hidden = tab.page.evaluate(
        """() => { const c = document.querySelector('.gate-cover'), r = c.getBoundingClientRect();
            return [getComputedStyle(c).backgroundColor, r.width >= innerWidth, r.height >= innerHeight,
                [...document.body.children].every(e => e === c || e.inert)] }"""
    )
    assert "rgba" not in hidden[0] and hidden[1:] == [True, True, True]
    for key in ("Escape", "Tab", "Shift+Tab", "r", "c"):
        tab.page.keyboard.press(key)
        expect(box).to_be_visible()
        assert tab.page.evaluate("document.activeElement.closest('[role=alertdialog]') !== null")
    tab.page.wait_for_timeout(3000)
    assert tab.page.locator(STREAMLITS_OWN).count() == 0
    sign_in_again(tab)
    expect(box).to_have_count(0)
    assert tab.field("Name").input_value() == name
    assert tab.field("Notes").input_value() == "ei vielä lähetetty"
    tab.page.wait_for_selector(IDLE)
    tab.press("Save")
    number = tab.saved()
    with server.open_store() as store:
        assert store.register.row(number)["notes"] == "ei vielä lähetetty"


@pytest.mark.parametrize("after", [0, 190])
def test_a3_what_is_pressed_as_soon_as_the_page_is_back_is_done(server: Server, browse: Browse, after: int) -> None:
    """The page runs again then, since its session is a new one; that run does not take the place of the button's."""
    tab = browse(server, "sami").open()
    tab.field("Name").fill(f"Nopea Noora {after}")
    end_sessions(server, "sami")
    cover(tab, "ended")
    tab.page.evaluate(
        """([name, after]) => new MutationObserver((_, observer) => {
            if (document.querySelector(".gate-cover")) return;
            observer.disconnect();
            const save = [...document.querySelectorAll("button")].find((button) => button.innerText.trim() === name);
            setTimeout(() => save.click(), after);
        }).observe(document.body, { childList: true })""",
        [t("Save"), after],
    )
    sign_in_again(tab)
    number = tab.saved()
    with server.open_store() as store:
        assert store.register.row(number)["name"] == f"Nopea Noora {after}"


def test_a3_somebody_else_who_signs_in_gets_a_page_of_their_own(server: Server, browse: Browse) -> None:
    tab = browse(server, "sami").open()
    tab.field("Name").fill("Samin salainen")
    end_sessions(server, "sami")
    cover(tab, "ended")
    tab.got.clear()
    new = tab.page.context.new_page()
    new.goto(f"{server.url}/login")
    new.fill("#username", "aino")
    new.fill("#password", PASSWORD)
    new.get_by_role("button", name=t("Sign in")).click()
    tab.page.get_by_role("alertdialog").wait_for(state="detached")
    tab.idle().title(t("New prospect"))
    expect(tab.page.get_by_role("button", name="aino").first).to_be_visible()
    assert tab.field("Name").input_value() == ""
    new.close()


def test_the_cover_speaks_the_language_that_was_chosen_since_the_page_was_opened(
    server: Server, browse: Browse
) -> None:
    tab = browse(server, "sami").open("prospects")
    tab.page.get_by_text("Sami Seppälä").first.click()
    tab.page.get_by_text("In English").click()
    tab.title("Prospects")
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    end_sessions(server, "sami")
    cover(tab, "ended", "en")


def test_a_server_that_is_gone_is_told_and_what_was_typed_is_there_when_it_is_back(
    server: Server, browse: Browse
) -> None:
    tab = browse(server, "sami").open()
    for name in ("Ensimmäinen", "Toinen"):  # the form is another one after each that was saved
        tab.type("Name", name)
        tab.press("Save")
        tab.see(f"{name}.")
    tab.type("Name", "Kolmas Kaija")
    tab.field("Notes").fill("kesken")
    server.stop()
    box = cover(tab, "lost")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_timeout(12_000)  # longer than Streamlit waits until it shows a dialog of its own
    expect(box).to_be_visible()
    assert tab.page.locator(STREAMLITS_OWN).count() == 0
    server.start()
    expect(box).to_have_count(0)
    # The new server knows nothing of the page: it draws it anew.
    expect(tab.page.get_by_text("Toinen.")).to_have_count(0)
    tab.page.wait_for_selector(IDLE)
    expect(tab.field("Name")).to_have_value("Kolmas Kaija")
    expect(tab.field("Notes")).to_have_value("kesken")
    tab.press("Save")
    number = tab.saved()
    with server.open_store() as store:
        row = store.register.row(number)
        assert (row["name"], row["notes"]) == ("Kolmas Kaija", "kesken")


def test_a_list_that_was_built_waits_for_a_slow_connection_while_others_work(server: Server, browse: Browse) -> None:
    tab, colleague = browse(server, "sami").open("prospects"), browse(server, "aino").open()
    tab.page.get_by_role("button", name=t("Excel list")).click()
    with tab.page.expect_download() as waiting:
        tab.page.get_by_role("button", name=t("Download"), exact=True).click()
    for number in range(4):  # runs of a page
        colleague.type("Name", f"Vauhdikas Veera {number}")
        colleague.press("Save")
        colleague.see(f"Vauhdikas Veera {number}.")
    late = tab.page.request.get(waiting.value.url)
    assert late.ok and late.body() == waiting.value.path().read_bytes()


def test_signing_out_in_the_page_itself_shows_no_cover(server: Server, browse: Browse) -> None:
    tab = browse(server, "sami").open()
    tab.page.evaluate(
        """() => new MutationObserver(() => { if (document.querySelector('.gate-cover')) sessionStorage.covered = 1 })
            .observe(document.body, { childList: true })"""
    )
    tab.page.get_by_text("Sami Seppälä").first.click()
    tab.page.get_by_text(t("Sign out"), exact=True).first.click()
    tab.page.get_by_role("button", name=t("Sign out")).last.click()
    expect(tab.page.get_by_text(t("You have signed out."))).to_be_visible()
    assert tab.page.evaluate("sessionStorage.covered") is None


def test_a1_in_a_browser_behind_nginx_with_tls_a_day_goes_as_without(
    server: Server, chromium: object, tmp_path: Path
) -> None:
    from playwright.sync_api import Browser

    assert isinstance(chromium, Browser)
    nginx = Nginx(tmp_path / "nginx", server.port)
    context = chromium.new_context(ignore_https_errors=True, locale="fi-FI")
    try:
        page = context.new_page()
        page.goto(f"https://127.0.0.1:{nginx.port}")
        page.fill("#username", "sami")
        page.fill("#password", PASSWORD)
        page.check("[name=own]")
        page.get_by_role("button", name=t("Sign in")).click()
        page.wait_for_selector(IDLE)
        cookies = [cookie for cookie in context.cookies() if "prospects" in cookie["name"]]
        assert len(cookies) == 2  # the session and the browser's marks
        for cookie in cookies:
            assert cookie["name"].startswith("__Host-") and cookie["secure"] and cookie["httpOnly"]
        page.get_by_label(t("Name"), exact=True).first.fill("Välitetty Väinö")
        page.get_by_role("button", name=t("Save"), exact=True).first.click()
        expect(page.get_by_text("Tallennettu: P-").first).to_be_visible()
        end_sessions(server, "sami")
        expect(page.get_by_role("alertdialog")).to_be_visible()
    finally:
        context.close()
        nginx.close()
