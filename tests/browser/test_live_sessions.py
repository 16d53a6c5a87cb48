"""Open pages whose user loses the role or the account: what is pressed on them gives nothing.

A page talks over a WebSocket, and most of what it says runs without the top of the script: callbacks, dialogs and other
fragments, downloads that are built on the click, the next chunk of a long table. Two defences stand behind each other:
the gate lets no message of an ended session through, and each operation asks for session and role itself. The second is
tested with the first taken out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from lib.installation import Installation
from lib.sample import fill
from tests.browser.conftest import IDLE, PASSWORD, ROOT, WORKBOOK_PASSWORD, Server, Tab, t

Browse = Callable[..., Tab]
CANARY, HIDDEN = "Kanarialintu Kaarina", "Piiloutunut Pirkko"
PEOPLE = {"sami": ("Sami Seppälä", ["sales"]), "maija": ("Maija Mäki", ["manager"]), "ylva": ("Ylva", ["admin"])}
OTHER_ROLES = {"sami": ["admin"], "maija": ["sales"], "ylva": ["sales"]}
ENDED = "You are not signed in, or your session has ended. Sign in again."

# The gate as it would be if it looked at a session only when a WebSocket opens.
BLIND = """
import lib.access.gate, lib.installation

class Blind:
    seen = {}
    def __getattr__(self, name):
        return getattr(lib.installation.current(), name)
    def account_of(self, token, *, used=True):
        account = lib.installation.current().account_of(token, used=used)
        return self.seen.setdefault(token, account) if account else self.seen.get(token)

lib.access.gate.current = Blind
"""

# Runs that the end of a session finds in their middle, and a gate that sees it later than the run does.
SLOW = """
import time
import lib.access.gate
from lib.operations import Workspace

def refresh(self, _refresh=Workspace.refresh):
    time.sleep(0.5)
    return _refresh(self)

Workspace.refresh = refresh
lib.access.gate._RECHECK_SECONDS = 3
"""


def make(folder: Path, rows: int, script: str = "app.py") -> Server:
    """A started server: P-000001 is seen by everyone, P-000002 waits for removal and is a manager's matter only."""
    server = Server(folder, script)
    installation = server.begin("Aino Alku")
    for name, (display_name, roles) in PEOPLE.items():
        installation.add_user_by_workbook(name, display_name, roles, PASSWORD, WORKBOOK_PASSWORD, one_time=False)
    store = installation.store
    assert store
    store.add({"source": "phone", "name": CANARY, "owner": "aino"}, by="aino")
    hidden = store.add({"source": "phone", "name": HIDDEN, "organisation": HIDDEN, "owner": "aino"}, by="aino")
    store.update(hidden, {"removal_requested": store.today}, by="aino", action="request_removal")
    fill(store, rows=rows, seed=5)
    installation.close()
    server.start()
    return server


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it is, with a list that is sent in chunks."""
    server = make(tmp_path_factory.mktemp("whole"), 3000)
    yield server
    server.stop()


def altered(folder: Path, change: str) -> str:
    """app.py with something done before the start; its path."""
    source = (ROOT / "app.py").read_text("utf-8").replace('"pages/main.py"', repr(str(ROOT / "pages" / "main.py")))
    script = folder / "app.py"
    script.write_text(source.replace("prepare(__name__)", f"{change}\nprepare(__name__)"), "utf-8")
    return str(script)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose gate does not look again: the operations stand alone."""
    folder = tmp_path_factory.mktemp("blind")
    server = make(folder / "server", 5, altered(folder, BLIND))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose runs take their time."""
    folder = tmp_path_factory.mktemp("slow")
    server = make(folder / "server", 5, altered(folder, SLOW))
    yield server
    server.stop()


@pytest.fixture
def again() -> Iterator[Callable[[Server], Installation]]:
    """The accounts of a server, to be changed as an administrator does; afterwards everybody is as before."""
    changed: list[Installation] = []

    def of(server: Server) -> Installation:
        changed.append(Installation(server.data))
        return changed[-1]

    yield of
    for installation in changed:
        for name, (_, roles) in PEOPLE.items():
            account = installation.accounts.get(name)
            assert account
            if account.disabled:
                installation.set_disabled(name, False)
            if account.roles != set(roles):
                installation.set_roles(name, roles)


ENDS: dict[str, Callable[[Installation, str], None]] = {
    "the role is taken away": lambda accounts, name: accounts.set_roles(name, OTHER_ROLES[name]),
    "the user is disabled": lambda accounts, name: accounts.set_disabled(name, True),
}


# -- a person at a page ------------------------------------------------------------------------------------------------


class Act:
    """Something that a person does on a page that was open before the end.

    Args:
        name: who.
        path: where.
        ready: brings the page to where the act is possible, and returns what is clicked.
        do: the act.
        changed: whether the act would have left a trace in the register or its log.
    """

    def __init__(
        self,
        name: str,
        path: str,
        ready: Callable[[Tab], Locator],
        do: Callable[[Locator], None] = lambda place: place.evaluate("e => e.click()"),
        changed: Callable[[Server], bool] = lambda server: False,
    ) -> None:
        self.name, self.path, self.ready, self.do, self.changed = name, path, ready, do, changed


def button(label: str) -> Callable[[Tab], Locator]:
    return lambda tab: tab.page.get_by_role("button", name=t(label), exact=True).first


def in_removal_dialog(tab: Tab) -> Locator:
    tab.press("Remove")
    reason = tab.page.get_by_role("dialog").get_by_label(t("Reason"))
    reason.fill("pyysi puhelimessa")
    tab.got.clear()
    reason.press("Tab")
    tab.idle()
    return tab.page.get_by_role("dialog").get_by_role("button", name="Poista 1 rivi").first


def settled(tab: Tab) -> None:
    """Wait until the page has said nothing for a while: what it was still sending would count as said afterwards."""
    said = -1
    while len(tab.got) != said:
        said = len(tab.got)
        tab.page.wait_for_timeout(700)
        tab.page.wait_for_selector(IDLE)


def in_dialog_field(tab: Tab) -> Locator:
    tab.press("Remove")
    reason = tab.page.get_by_role("dialog").get_by_label(t("Reason"))
    expect(reason).to_be_visible()
    return reason


def type_in(place: Locator) -> None:
    place.evaluate("e => { e.focus(); document.execCommand('insertText', false, 'syy'); e.blur(); }")


def in_download(tab: Tab) -> Locator:
    tab.page.get_by_role("button", name=t("Excel list")).click()
    place = tab.page.get_by_role("button", name=t("Download"), exact=True)
    expect(place).to_be_enabled()
    tab.page.wait_for_timeout(500)
    return place


def downloads(server: Server) -> bool:
    with server.open_store() as store:
        return any(line.action == "download" for line in store.log())


def row(server: Server) -> dict[str, Any]:
    with server.open_store() as store:
        return store.register.row("P-000001")


def in_long_list(tab: Tab) -> Locator:
    place = tab.page.locator("[data-testid=stDataFrame] .dvn-scroller").first
    place.hover()
    tab.page.wait_for_timeout(500)
    tab.got.clear()
    scroll(place, 60_000)  # a chunk comes as long as the session lasts
    end = time.monotonic() + 15
    while not tab.got and time.monotonic() < end:
        tab.page.wait_for_timeout(50)
    assert [ForwardMsg.FromString(frame).WhichOneof("type") for frame in tab.got] == ["backend_operation_response"]
    return place


def scroll(place: Locator, pixels: int = 40_000) -> None:
    place.page.mouse.wheel(0, pixels)


ROW = "prospects?row=P-000001"
ACTS = {
    "an on_click callback": Act("sami", ROW, button("Back to the list")),
    "a button that writes": Act("sami", ROW, button("No marketing"), changed=lambda s: bool(row(s)["objected"])),
    "a fragment's rerun": Act("maija", ROW, in_dialog_field, type_in),
    "a dialog's button": Act("maija", ROW, in_removal_dialog, changed=lambda s: not _is_there(s)),
    "a deferred download": Act("sami", "prospects", in_download, changed=downloads),
    "a lazy table's next chunk": Act("sami", "prospects", in_long_list, scroll),
}


def _is_there(server: Server) -> bool:
    with server.open_store() as store:
        return "P-000001" in store.register.positions


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("what", ACTS)
def test_a3_what_is_pressed_on_an_open_page_after_the_end_gives_nothing(
    whole: Server, browse: Browse, again: Callable[[Server], Installation], what: str, end: str
) -> None:
    act = ACTS[what]
    tab = browse(whole, act.name).open(act.path)
    place = act.ready(tab)
    settled(tab)
    started: list[Any] = []
    tab.page.on("download", lambda download: started.append(download))
    ENDS[end](again(whole), act.name)
    tab.got.clear()
    act.do(place)
    over = tab.page.get_by_role("alertdialog")
    expect(over.get_by_text(t("Your session has ended"))).to_be_visible()
    expect(over.get_by_role("link", name=t("Sign in"))).to_be_visible()
    assert tab.got == [] and started == [] and not act.changed(whole)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("what", [what for what in ACTS if "lazy" not in what])  # no script runs for a chunk
def test_a2_an_operation_on_an_open_page_refuses_even_where_the_gate_would_not(
    blind: Server, browse: Browse, again: Callable[[Server], Installation], what: str, end: str
) -> None:
    act = ACTS[what]
    tab = browse(blind, act.name).open(act.path)
    place = act.ready(tab)
    settled(tab)
    started: list[Any] = []
    tab.page.on("download", lambda download: started.append(download))
    ENDS[end](again(blind), act.name)
    tab.got.clear()
    act.do(place)
    answered = time.monotonic() + 20
    while not tab.got and time.monotonic() < answered:
        tab.page.wait_for_timeout(50)
    tab.page.wait_for_timeout(1_500)
    assert tab.got  # the gate let it through
    assert CANARY.encode() not in b"".join(tab.got) and started == [] and not act.changed(blind)


@pytest.mark.parametrize("end", [lambda i: i.set_roles("sami", ["sales", "manager"]), lambda i: i.lost_device("sami")])
def test_a3_what_was_typed_stays_when_the_session_ends_in_the_middle_of_a_run(
    slow: Server, browse: Browse, again: Callable[[Server], Installation], end: Callable[[Installation], None]
) -> None:
    tab = browse(slow, "sami").open(ROW)
    tab.field("Notes").fill("kesken jäänyt muistiinpano")
    tab.got.clear()
    button("No marketing")(tab).evaluate("e => e.click()")
    while not tab.got:  # the run has begun
        tab.page.wait_for_timeout(20)
    end(again(slow))
    over = tab.page.get_by_role("alertdialog")
    expect(over).to_be_visible()
    assert not any(ForwardMsg.FromString(frame).WhichOneof("type") == "delta" for frame in tab.got)
    with tab.page.context.expect_page() as opened:
        over.get_by_role("link", name=t("Sign in")).click()
    opened.value.fill("#username", "sami")
    opened.value.fill("#password", PASSWORD)
    opened.value.get_by_role("button", name=t("Sign in")).click()
    expect(over).to_have_count(0)
    tab.page.wait_for_timeout(3_000)
    expect(tab.field("Notes")).to_have_value("kesken jäänyt muistiinpano")
    assert tab.path == f"/{ROW}" and not row(slow)["objected"]


def test_a1_a_file_that_was_made_before_the_end_is_not_given_after_it(
    whole: Server, browse: Browse, again: Callable[[Server], Installation]
) -> None:
    tab = browse(whole, "sami").open("prospects")
    place = in_download(tab)
    with tab.page.expect_download() as waiting:
        place.click()
    address = waiting.value.url
    assert tab.page.request.get(address).ok
    ENDS["the user is disabled"](again(whole), "sami")
    answer = tab.page.request.get(address, max_redirects=0)
    assert answer.status == 401 and answer.body() == b""


def test_a2_a_list_that_was_built_is_not_given_once_a_row_of_it_may_not_leave_any_more(
    whole: Server, browse: Browse
) -> None:
    with whole.open_store() as store:
        leaves = store.add({"source": "phone", "name": "Lähtevä Leila", "received": store.today}, by="mari")
    tab = browse(whole, "sami").open("prospects")
    place = in_download(tab)
    with tab.page.expect_download() as waiting:
        place.click()
    address = waiting.value.url
    with whole.open_store() as store:
        store.update(leaves, {"notes": "toinen"}, by="mari")
    assert tab.page.request.get(address).ok
    with whole.open_store() as store:
        store.update(leaves, {"removal_requested": store.today}, by="mari", action="request_removal")
    answer = tab.page.request.get(address)
    assert answer.status == 404 and len(answer.body()) < 100
