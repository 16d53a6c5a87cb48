"""Open pages whose user loses the role or the account, and messages that no page of ours would send: they give nothing.

A page talks over a WebSocket, and most of what it says runs without the top of the script: callbacks, dialogs and other
fragments, downloads that are built on the click, the next chunk of a long table. Two defences stand behind each other:
the gate lets no message of an ended session through, and each operation asks for session and role itself. The second is
tested with the first taken out.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from lib.access.roles import ROLES
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


# -- messages that no page of ours would send --------------------------------------------------------------------------


class Forger:
    """A signed-in user who writes the WebSocket's messages by hand.

    `widgets` are the ids of what was shown, by key, or by label where there is none.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._socket = connection
        self.widgets: dict[str, str] = {}
        self.fragment = ""  # the one that was drawn last
        self._page = ""

    def run(self, page: str | None = None, *, query: str = "", fragment: str = "", **states: Any) -> bytes:
        """Run the page with these values of widgets, by key or id; returns everything that is sent."""
        self._page = self._page if page is None else page
        message = BackMsg()
        message.rerun_script.page_name = self._page
        message.rerun_script.query_string = query
        message.rerun_script.fragment_id = fragment
        for key, value in states.items():
            message.rerun_script.widget_states.widgets.append(self.state(self.widgets.get(key, key), value))
        self._socket.send(message.SerializeToString())
        return self._answer(seconds=3 if fragment else 20)

    @staticmethod
    def state(widget: str, value: Any) -> WidgetState:
        state = WidgetState(id=widget)
        if isinstance(value, bool):
            state.trigger_value = value
        elif isinstance(value, list):
            state.string_array_value.data.extend(value)
        elif isinstance(value, dict):
            state.string_trigger_value.data = json.dumps(value)
        else:
            state.string_value = value
        return state

    def _answer(self, seconds: float) -> bytes:
        content, end = b"", time.monotonic() + seconds
        while True:
            try:
                part = self._socket.recv(timeout=max(0.05, end - time.monotonic()))
            except TimeoutError:
                assert seconds < 10, "the script did not end"
                return content
            assert isinstance(part, bytes)
            content += part
            message = ForwardMsg.FromString(part)
            if message.WhichOneof("type") == "delta":
                self._note(message)
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return content

    def _note(self, message: ForwardMsg) -> None:
        self.fragment = message.delta.fragment_id or self.fragment
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        shown = getattr(element, element.WhichOneof("type") or "", None)
        for widget in getattr(shown, "button_click_widgets", {}).values():
            self.widgets[widget.split("-", 2)[2]] = widget
        if widget := getattr(shown, "id", ""):
            key = widget.split("-", 2)[2]
            self.widgets[shown.label if key == "None" else key] = widget


@pytest.fixture
def forge() -> Iterator[Callable[[Server, str], Forger]]:
    with contextlib.ExitStack() as stack:

        def new(server: Server, name: str) -> Forger:
            cookie = "; ".join(f"{key}={value}" for key, value in server.sign_in(name).items())
            connection = connect(
                f"ws://127.0.0.1:{server.port}/_stcore/stream",
                additional_headers={"Cookie": cookie},
                subprotocols=[Subprotocol("streamlit")],
                max_size=None,
            )
            return Forger(stack.enter_context(connection))

        yield new


Forge = Callable[[Server, str], Forger]


def shows(content: bytes, text: str) -> bool:
    return text.encode() in content


def add_user(**values: Any) -> dict[str, Any]:
    """What the form of a new user sends, with the button pressed."""
    typed = {"new-name-1": "Uusi Ullanmäki", "new-user-name-1": "uusi"}
    return typed | values | {f"FormSubmitter:new-user-1-{t('Add user')}": True}


def test_a2_a_forged_filter_shows_no_row_that_is_hidden(whole: Server, forge: Forge) -> None:
    sami = forge(whole, "sami")
    sami.run("prospects")
    assert shows(sami.run(**{"find-query": "kanarialin"}), CANARY)
    for states in (
        {"find-query": "piiloutun"},
        {"find-query": "", "find-source": ["mikä vain"], "find-status": ["removal_requested"]},
        {"find-source": [], "find-status": [], "find-owner": ["Aino", "aino' OR 1=1"], "find-interests": [HIDDEN[:4]]},
        {"find-owner": ["aino"], "find-interests": []},
    ):
        content = sami.run(**states)
        assert not shows(content, HIDDEN) and not shows(content, "Traceback")


def test_a2_a_forged_number_opens_no_row_that_is_hidden(whole: Server, forge: Forge) -> None:
    maija, sami = forge(whole, "maija"), forge(whole, "sami")
    maija.run("prospects")
    assert shows(maija.run(**{"list-click": {"row": 0, "label": "P-000002"}}), HIDDEN)
    sami.run("prospects")
    assert shows(sami.run(**{"list-click": {"row": 0, "label": "P-000001"}}), CANARY)
    sami.run("statistics")
    sami.run("prospects")
    for label in ("P-000002", " p-000002 ", "2", "P-000002\x00", "../P-000002"):
        assert not shows(sami.run(**{"list-click": {"row": 0, "label": label}}), HIDDEN)
        assert not shows(sami.run("prospects", query=f"row={label}"), HIDDEN)


def test_a2_a_role_that_is_not_offered_is_not_given(whole: Server, forge: Forge) -> None:
    ylva, accounts = forge(whole, "ylva"), Installation(whole.data).accounts
    ylva.run("admin")
    for roles in (["root"], ["admin\x00"], ["*"], []):
        ylva.run(**add_user(**{"new-roles-1": roles}))
        assert accounts.get("uusi") is None
    ylva.run(**{"open-sami": True})
    for chosen, given in (
        ([t(ROLES["sales"]), "admin\x00"], {"sales"}),
        ([t(ROLES["sales"]), t(ROLES["manager"])], {"sales", "manager"}),  # what is offered is given
    ):
        account = accounts.get("sami")
        assert account
        form = f"roles-sami-{account.epoch}"
        ylva.run(**{f"{form}-r": chosen, f"FormSubmitter:{form}-{t('Save roles')}": True})
        account = accounts.get("sami")
        assert account and account.roles == given
    Installation(whole.data).set_roles("sami", ["sales"])


def test_a2_the_widgets_of_a_page_of_another_role_do_nothing(whole: Server, forge: Forge) -> None:
    ylva, sami, accounts = forge(whole, "ylva"), forge(whole, "sami"), Installation(whole.data).accounts
    ylva.run("admin")
    sami.run("prospects")
    sami.widgets |= ylva.widgets
    content = sami.run("admin", **add_user(**{"new-roles-1": [t(ROLES["admin"])]}), **{"open-aino": True})
    content += sami.run("admin", **{"admin": "settings"})
    assert accounts.get("uusi") is None
    assert not shows(content, t("New user")) and not shows(content, t("Save settings"))


def test_a2_no_name_of_the_session_state_is_written_from_outside(whole: Server, forge: Forge) -> None:
    sami = forge(whole, "sami")
    sami.run("prospects")
    names = {"row": "P-000002", "user": "aino", "_user": "aino", "_goto": "admin", "_page": "admin", "_dialog": "x"}
    forged = {name: value for key, value in names.items() for name in (key, f"$$ID-{32 * '0'}-{key}")}
    content = sami.run("prospects", **forged) + sami.run("prospects")
    assert shows(content, CANARY) and not shows(content, HIDDEN)
    assert not shows(content, t("Administration")) and not shows(content, t("Back to the list"))


def test_a2_the_fragment_of_somebody_else_s_dialog_does_not_run(whole: Server, forge: Forge) -> None:
    maija, sami = forge(whole, "maija"), forge(whole, "sami")
    maija.run("prospects", query="row=P-000001")
    maija.run(query="row=P-000001", **{t("Remove"): True})
    maija.run(query="row=P-000001", fragment=maija.fragment, **{"removal-reason": "pyysi puhelimessa"})
    assert maija.fragment and "remove-now" in maija.widgets
    sami.run("prospects", query="row=P-000001")
    sami.widgets |= maija.widgets
    content = sami.run(fragment=maija.fragment, **{"removal-reason": "syy", "remove-now": True})
    assert not shows(content, CANARY) and _is_there(whole)
