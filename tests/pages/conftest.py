"""A register of its own for each test, and people who visit its pages."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.Block_pb2 import Block as BlockProto
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Dataframe
from streamlit.util import calc_hash

import lib.installation
from lib.access.gate import Gate
from lib.access.roles import landing
from lib.first_start import set_up
from lib.i18n import Translator, translator
from lib.installation import Installation
from lib.operations import Workspace
from lib.store import Store
from lib.ui import visit
from lib.ui.messages import plain
from tests.store.tools import columns, edit

MAIN = Path(__file__).parents[2] / "pages" / "main.py"
PASSWORD, WORKBOOK_PASSWORD = "oikea hevonen paristo", "työkirjan pitkä salasana"
NOW = dt.datetime(2026, 3, 11, 10, 30)  # a Wednesday
TODAY = NOW.date()
PEOPLE = {
    "aino": ("Aino Alku", ("sales", "manager", "admin")),
    "sami": ("Sami Seppälä", ("sales",)),
    "maija": ("Maija Mäki", ("manager",)),
    "ylva": ("Ylva Ylläpito", ("admin",)),
}


class Visitor:
    """One person with one open tab.

    `at` is the page as that person sees it. Each step goes through `run`, so that two visitors may take turns.
    """

    def __init__(self, installation: Installation, name: str, language: str = "fi") -> None:
        self.installation = installation
        self.name = name
        account = installation.accounts.get(name)
        assert account
        master = installation.keyring.by_account(name, PASSWORD)
        self.token = installation.sessions.create(account, master, "test", "")
        self.workspace = Workspace(installation, self.token)
        self.workspace.prefer(language=language)
        self.t: Translator = translator(language)
        self._start = landing(account.roles)
        self.at = AppTest.from_file(MAIN, default_timeout=20)

    def open(self, page: str = "", **query: str) -> AppTest:
        """Open a page as from its address."""
        self.at = AppTest.from_file(MAIN, default_timeout=20)
        self.at.query_params = dict(query)
        return self.go(page)

    def go(self, page: str = "") -> AppTest:
        """Go to a page in the same tab."""
        self.at._page_hash = calc_hash("" if page in ("", self._start) else page)
        self.run()
        self.at._page_hash = ""
        return self.at

    def run(self) -> AppTest:
        """Run the page again, as after a click or with what was typed."""
        _signed_in_as[:] = [self.token]
        self.at.run()
        assert not self.at.exception, self.at.exception[0].message
        return self.at

    # -- acting -----------------------------------------------------------------------------------------------------

    def button(self, label: str, n: int = 0, **params: Any) -> Any:
        """The button with this label, in English."""
        said = self.t(label, **params)
        found = [button for button in self.at.button if button.label == said]
        assert len(found) > n, f"no button {said!r} among {[button.label for button in self.at.button]}"
        return found[n]

    def press(self, label: str, n: int = 0, **params: Any) -> AppTest:
        self.button(label, n, **params).click()
        return self.run()

    def field(self, kind: str, label: str, n: int = 0) -> Any:
        """The widget of a kind (`text_input`, ...) with this label, in English."""
        said = self.t(label)
        found = [widget for widget in getattr(self.at, kind) if widget.label == said]
        assert len(found) > n, f"no {kind} {said!r} among {[widget.label for widget in getattr(self.at, kind)]}"
        return found[n]

    def fill(self, **values: Any) -> None:
        """Type into the fields of a form, by the codes of their columns."""
        for code, value in values.items():
            self.widget(code).set_value(value)

    def widget(self, code: str) -> Any:
        """The widget of a column's code in the open form."""
        end = re.compile(rf"(entry|edit)-\d+-{code}")
        kinds = ("text_input", "text_area", "date_input", "selectbox", "multiselect", "button_group")
        found = [w for kind in kinds for w in getattr(self.at, kind) if w.key and end.fullmatch(w.key)]
        assert len(found) == 1, f"{len(found)} fields {code}"
        return found[0]

    # -- seeing -----------------------------------------------------------------------------------------------------

    def shown(self) -> str:
        """Every text on the page, widgets' values among them."""
        return "\n".join(filter(None, texts(self.at)))

    def sees(self, text: str, **params: Any) -> bool:
        """Whether a text, in English, is on the page in the visitor's language."""
        return self.t(text, **params) in self.shown()

    def error(self, text: str, **params: Any) -> bool:
        """Whether an error, in English, is said; a user's own words in it count as text, not as Markdown."""
        said = {name: plain(value) if isinstance(value, str) else value for name, value in params.items()}
        return any(self.t(text, **said) in error.value for error in self.at.error)

    def labels(self) -> list[str]:
        """The labels of the buttons on the page."""
        return [button.label for button in self.at.button]

    def choose(self, *positions: int, n: int = 0) -> None:
        """Tick rows of a table. AppTest has no hand for that: the selection is put where the browser puts it."""
        selection = {"rows": list(positions), "columns": [], "cells": []}
        self.at.session_state[self.at.dataframe[n].key] = {"selection": selection}
        self.run()

    @property
    def title(self) -> str:
        """The page's main heading: Streamlit's own, or a row's, which is HTML so that no name gets into the address."""
        if self.at.title:
            return str(self.at.title[0].value)
        return next((unescape(m[1]) for h in self.at.get("html") if (m := re.search("<h1>(.*?)</h1>", h.body))), "")

    def table(self, n: int = 0) -> Any:
        return self.at.dataframe[n].value


def part(visitor: Visitor, name: str) -> None:
    """Open one of the parts of the administration page: users, workbook, backups, settings, log."""
    visitor.open("admin")
    visitor.at.button_group(key="admin").set_value(name)
    visitor.run()


_signed_in_as: list[str] = []


def texts(at: AppTest) -> Iterator[str]:
    """Every text that a page shows: labels, values, options, alerts, tables, and the navigation's titles."""
    yield from (str(page["page_name"]) for page in at._registered_pages.values())
    for node in at._tree:
        proto = getattr(node, "proto", None)
        if isinstance(proto, BlockProto) and (kind := proto.WhichOneof("type")):
            proto = getattr(proto, kind)
        for name in ("label", "body", "placeholder", "help", "title"):
            text = getattr(proto, name, "")
            if isinstance(text, str):
                yield re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)
        for option in getattr(proto, "options", ()):
            yield option if isinstance(option, str) else option.content
        if isinstance(node, Dataframe):
            frame, settings = node.value, json.loads(node.proto.columns or "{}")
            words = [name for name in frame.columns if frame[name].dtype.kind != "M"]  # the browser writes dates
            yield from (str(value) for name in words for value in frame[name])
            yield from (str((settings.get(name) or {}).get("label") or name) for name in frame.columns)
            if not (settings.get("_index") or {}).get("hidden"):
                yield from map(str, frame.index)
        elif node.type in ("text", "text_input", "text_area", "metric", "code"):
            yield str(node.value)


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages stand behind the gate, and the session's token comes without a browser."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a run takes its place, and leaves it so
    monkeypatch.setattr(Store, "now", NOW)
    monkeypatch.setattr(Gate, "active", True)
    monkeypatch.setattr(visit, "session_token", lambda: _signed_in_as[0] if _signed_in_as else "")
    monkeypatch.setattr(visit, "PATIENCE", 0.0)
    _signed_in_as.clear()


@pytest.fixture(scope="session", autouse=True)
def _scanned_once() -> Iterator[None]:
    """Streamlit goes through every installed package at each tab's first run, which takes longer than the page."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty register with four users, copied for each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Installation, "event", lambda *_, **__: None)  # the change log begins with the test
        installation = Installation(tmp_path_factory.mktemp("template") / "data")
        set_up(
            installation,
            code=installation.setup_code or "",
            company="Esimerkki Oy",
            person_responsible="Aino Alku",
            username="aino",
            display_name="Aino Alku",
            password=PASSWORD,
            workbook_password=WORKBOOK_PASSWORD,
            language="fi",
            sample=False,
        )
        for name, (display_name, roles) in list(PEOPLE.items())[1:]:
            installation.add_user_by_workbook(name, display_name, roles, PASSWORD, WORKBOOK_PASSWORD, one_time=False)
        installation.sessions.end_user("aino")  # the one of the first start
        installation.close()
    return installation.data_dir


@pytest.fixture
def installation(_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    shutil.copytree(_template, tmp_path / "data")
    made = Installation(tmp_path / "data")
    monkeypatch.setattr(lib.installation, "_current", made)
    yield made
    made.close()


@pytest.fixture
def visitor(installation: Installation) -> Callable[..., Visitor]:
    """Signs somebody in: `visitor("sami")`."""
    return lambda name="aino", language="fi": Visitor(installation, name, language)


@pytest.fixture
def aino(visitor: Callable[..., Visitor]) -> Visitor:
    """Somebody with every role."""
    return visitor("aino")


@pytest.fixture
def store(aino: Visitor, installation: Installation) -> Store:
    """The open register, empty."""
    assert aino.workspace.account
    assert installation.store
    return installation.store


def add(store: Store, by: str = "sami", **values: Any) -> str:
    """A prospect, received by phone today unless said otherwise."""
    return store.add({"source": "phone", **values}, by=by)


def hold(installation: Installation, name: str) -> Path:
    """Somebody opens the workbook in Excel: their owner file lies beside it."""
    path = installation.workbook.with_name(f"~${installation.workbook.name}")
    text = name.encode("utf-16-le")
    path.write_bytes((b"\0" * 55 + len(name).to_bytes(2, "little") + text).ljust(165, b"\0"))
    return path


def release(installation: Installation) -> None:
    """The workbook is closed there."""
    installation.workbook.with_name(f"~${installation.workbook.name}").unlink()


def excel(installation: Installation, change: Callable[[Any, dict[str, int], dict[str, int]], object]) -> None:
    """Somebody edits the workbook in Excel: `change` gets the sheet, its columns by heading and its rows by number."""

    def edited(book: Any) -> None:
        sheet = book["Prospektit"]
        places = columns(sheet)
        rows = {str(sheet.cell(n, places["Tunnus"]).value): n for n in range(2, sheet.max_row + 1)}
        change(sheet, places, rows)

    edit(installation.workbook, edited, WORKBOOK_PASSWORD)
