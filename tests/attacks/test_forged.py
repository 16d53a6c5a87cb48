"""Messages that no page of ours would send, from somebody who is signed in: they give nothing."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection

from lib.access.roles import ROLES
from lib.i18n import translator
from lib.installation import Installation
from lib.store import Store
from tests.serving import OTHER, WORKBOOK, Server, make_register

from .conftest import WHO

CANARY, HIDDEN = "Kanarialintu Kaarina", "Piiloutunut Pirkko"
t = translator("en")


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


Forge = Callable[[str], Forger]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """P-000001 is seen by everyone, P-000002 waits for removal and is a manager's matter only."""
    server = Server(tmp_path_factory.mktemp("forged") / "data")
    make_register(server.data_dir, **WHO)
    with Store.open(server.data_dir, WORKBOOK) as store:
        store.add({"source": "phone", "name": CANARY, "owner": "aino"}, by="aino")
        hidden = store.add({"source": "phone", "name": HIDDEN, "organisation": HIDDEN, "owner": "aino"}, by="aino")
        store.update(hidden, {"removal_requested": store.today}, by="aino", action="request_removal")
    server.start()
    yield server
    server.close()


@pytest.fixture
def forge(server: Server) -> Iterator[Forge]:
    with contextlib.ExitStack() as stack:
        yield lambda name: Forger(stack.enter_context(server.socket(server.sign_in(name, OTHER))))


def shows(content: bytes, text: str) -> bool:
    return text.encode() in content


def add_user(**values: Any) -> dict[str, Any]:
    """What the form of a new user sends, with the button pressed."""
    typed = {"new-name-1": "Uusi Ullanmäki", "new-user-name-1": "uusi"}
    return typed | values | {f"FormSubmitter:new-user-1-{t('Add user')}": True}


def test_a2_a_forged_filter_shows_no_row_that_is_hidden(forge: Forge) -> None:
    sami = forge("sami")
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


def test_a2_a_forged_number_opens_no_row_that_is_hidden(forge: Forge) -> None:
    mari, sami = forge("mari"), forge("sami")
    mari.run("prospects")
    assert shows(mari.run(**{"list-click": {"row": 0, "label": "P-000002"}}), HIDDEN)
    sami.run("prospects")
    assert shows(sami.run(**{"list-click": {"row": 0, "label": "P-000001"}}), CANARY)
    sami.run("statistics")
    sami.run("prospects")
    for label in ("P-000002", " p-000002 ", "2", "P-000002\x00", "../P-000002"):
        assert not shows(sami.run(**{"list-click": {"row": 0, "label": label}}), HIDDEN)
        assert not shows(sami.run("prospects", query=f"row={label}"), HIDDEN)


def test_a2_a_role_that_is_not_offered_is_not_given(server: Server, forge: Forge) -> None:
    ylva, accounts = forge("ylva"), Installation(server.data_dir).accounts
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
    Installation(server.data_dir).set_roles("sami", ["sales"])


def test_a2_the_widgets_of_a_page_of_another_role_do_nothing(server: Server, forge: Forge) -> None:
    ylva, sami, accounts = forge("ylva"), forge("sami"), Installation(server.data_dir).accounts
    ylva.run("admin")
    sami.run("prospects")
    sami.widgets |= ylva.widgets
    content = sami.run("admin", **add_user(**{"new-roles-1": [t(ROLES["admin"])]}), **{"open-aino": True})
    content += sami.run("admin", **{"admin": "settings"})
    assert accounts.get("uusi") is None
    assert not shows(content, t("New user")) and not shows(content, t("Save settings"))


def test_a2_no_name_of_the_session_state_is_written_from_outside(forge: Forge) -> None:
    sami = forge("sami")
    sami.run("prospects")
    names = {"row": "P-000002", "user": "aino", "_user": "aino", "_goto": "admin", "_page": "admin", "_dialog": "x"}
    forged = {name: value for key, value in names.items() for name in (key, f"$$ID-{32 * '0'}-{key}")}
    content = sami.run("prospects", **forged) + sami.run("prospects")
    assert shows(content, CANARY) and not shows(content, HIDDEN)
    assert not shows(content, t("Administration")) and not shows(content, t("Back to the list"))


def test_a2_the_fragment_of_somebody_else_s_dialog_does_not_run(server: Server, forge: Forge) -> None:
    mari, sami = forge("mari"), forge("sami")
    mari.run("prospects", query="row=P-000001")
    mari.run(query="row=P-000001", **{t("Remove"): True})
    mari.run(query="row=P-000001", fragment=mari.fragment, **{"removal-reason": "pyysi puhelimessa"})
    assert mari.fragment and "remove-now" in mari.widgets
    sami.run("prospects", query="row=P-000001")
    sami.widgets |= mari.widgets
    content = sami.run(fragment=mari.fragment, **{"removal-reason": "syy", "remove-now": True})
    assert not shows(content, CANARY)
    with Store.open(server.data_dir, WORKBOOK) as store:
        assert "P-000001" in store.register.positions
