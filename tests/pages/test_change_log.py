"""The change log on the administration page: who did what to which row and when, never the content."""

from __future__ import annotations

import ast
import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.errors import BadSignIn
from lib.operations import Workspace
from lib.store import Store
from lib.store.copies import KINDS
from lib.store.log import Entry, Key
from lib.store.outside import NOTICES
from lib.ui.backups import KIND_NAMES
from lib.ui.change_log import _KINDS, _NOTICES, ACTIONS
from tests.pages.conftest import NOW, PASSWORD, TODAY, Visitor, add, part

LIB = Path(__file__).parents[2] / "lib"


def log(visitor: Visitor, **filters: object) -> None:
    """Open the change log with some filters: since, until, number, by, action, kind."""
    part(visitor, "log")
    kinds = {"kind": ("button_group", "log-kind")}
    kinds |= {"since": ("date_input", "log-from"), "until": ("date_input", "log-to")}
    kinds |= {
        "number": ("text_input", "log-number"),
        "by": ("multiselect", "log-by"),
        "action": ("multiselect", "log-action"),
    }
    for name, value in filters.items():
        kind, key = kinds[name]
        getattr(visitor.at, kind)(key=key).set_value(value)
    visitor.run()


def lay(store: Store, *lines: tuple[int, str, str, list[str]]) -> None:
    """Lines of the past: days ago, who, what, which rows."""
    entries = {
        Key(-1, n): Entry(NOW - dt.timedelta(days=days), by, action, ids, {"rows": len(ids)})
        for n, (days, by, action, ids) in enumerate(lines, -len(lines))
    }
    store.change_log.write(entries)


def test_the_change_log_tells_who_did_what_and_never_the_content(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    pid = sami.workspace.add({"source": "phone", "name": "Kaarina Kanarialintu", "notes": "salaisuus"})
    sami.workspace.edit(pid, {"notes": "toinen salaisuus"}, {})
    sami.workspace.no_marketing(pid)
    aino.workspace.remove([pid], "asked by phone")
    log(aino)
    table = aino.table()
    expected = ["Removed", "No marketing", "Changed", "Added"]
    assert table["action"].tolist()[:4] == [aino.t(text) for text in expected]
    assert table["by"].tolist()[:4] == ["Aino Alku", *["Sami Seppälä"] * 3]
    assert set(table["rows"][:4]) == {pid} and table["facts"][0] == "asked by phone"
    assert "Kanarialintu" not in aino.shown() and "salaisuus" not in aino.shown()


def test_a_new_line_is_there_at_once(aino: Visitor, store: Store) -> None:
    log(aino)
    before = len(aino.table()) if len(aino.at.dataframe) else 0
    add(store, name="Kaarina")
    aino.run()
    assert len(aino.table()) == before + 1


@pytest.fixture
def lines(store: Store) -> Store:
    lay(
        store,
        (400, "sami", "add", ["P-000001"]),
        (60, "aino", "update", ["P-000002"]),
        (20, "sami", "update", ["P-000001", "P-000012"]),
        (10, "cli:root", "backup", []),
        (5, "excel", "outside", ["P-000001"]),
        (0, "", "erased", []),
    )
    return store


@pytest.mark.parametrize(
    ("filters", "days"),
    [
        ({}, [0, 5, 10, 20]),
        ({"since": None}, [0, 5, 10, 20, 60, 400]),
        ({"since": TODAY - dt.timedelta(days=60)}, [0, 5, 10, 20, 60]),
        ({"since": TODAY - dt.timedelta(days=60), "until": TODAY - dt.timedelta(days=10)}, [10, 20, 60]),
        ({"since": None, "number": "P-000001"}, [5, 20, 400]),
        ({"since": None, "number": " p-000012 "}, [20]),
        ({"since": None, "number": "1"}, [5, 20, 400]),
        ({"since": None, "number": "00000"}, []),
        ({"since": TODAY + dt.timedelta(days=1)}, []),
    ],
)
def test_the_filters_say_which_lines_are_shown(
    aino: Visitor, lines: Store, filters: dict[str, object], days: list[int]
) -> None:
    log(aino, **filters)
    shown = aino.table()["at"].tolist() if len(aino.at.dataframe) else []
    assert sorted((NOW - at.to_pydatetime()).days for at in shown) == days
    assert aino.t.plural("{n} line", "{n} lines", len(days)) in [c.value for c in aino.at.caption]
    if not days:
        assert aino.sees("Nothing matches. Take a filter away, or choose a longer time.")


def test_the_log_is_filtered_by_who(aino: Visitor, lines: Store) -> None:
    log(aino)
    everybody = aino.at.multiselect(key="log-by").options
    assert everybody == sorted(["Sami Seppälä", f"{aino.t('Terminal')}: root", "Excel", aino.t("The program")])
    log(aino, by=["Sami Seppälä", "Excel"])
    assert set(aino.table()["by"]) == {"Sami Seppälä", "Excel"}
    # Somebody who did nothing in another time is no filter of it.
    aino.at.date_input(key="log-from").set_value(TODAY)
    aino.run()
    assert aino.table()["by"].tolist() == [aino.t("The program")]


def test_the_log_is_filtered_by_what_was_done(aino: Visitor, store: Store) -> None:
    for n, action in enumerate(("add", "update", "download")):
        store.change_log.write({Key(-1, n): Entry(NOW, "sami", action, [], {})})
    log(aino, action=[aino.t(ACTIONS["add"]), aino.t(ACTIONS["download"])])
    assert set(aino.table()["action"]) == {aino.t(ACTIONS["add"]), aino.t(ACTIONS["download"])}


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("all", {"add", "download", "sign_in", "session_ended", "disable_user", "settings"}),
        ("changes", {"add", "settings"}),
        ("access", {"sign_in", "session_ended", "disable_user"}),
        ("exports", {"download"}),
    ],
)
def test_sign_ins_and_downloads_are_found_apart_from_changes(
    aino: Visitor, store: Store, kind: str, shown: set[str]
) -> None:
    for n, action in enumerate(("add", "download", "sign_in", "session_ended", "disable_user", "settings")):
        store.change_log.write({Key(-1, n): Entry(NOW, "sami", action, [], {})})
    log(aino, kind=kind)
    assert set(aino.table()["action"]) == {aino.t(ACTIONS[action]) for action in shown}


def test_every_action_is_of_one_kind() -> None:
    everything, *parts = (actions for _, actions in _KINDS.values())
    assert sorted(action for part in parts for action in part) == sorted(everything) == sorted(ACTIONS)


def test_a_failed_sign_in_tells_device_and_address_and_no_name_that_was_only_typed(aino: Visitor, store: Store) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    for name in ("sami", "oikea hevonen"):
        with pytest.raises(BadSignIn):
            aino.installation.sign_in(name, "väärä salasana", firefox, "203.0.113.9")
    log(aino, kind="access")
    table = aino.table()
    assert table["by"].tolist() == [aino.t("No such user"), "Sami Seppälä"]
    assert set(table["action"]) == {aino.t("Sign-in failed")}
    assert set(table["facts"]) == {"Firefox, Linux · 203.0.113.9"} and "hevonen" not in aino.shown()


def test_a_download_tells_who_how_many_rows_and_from_where(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    add(store, name="Kaarina Kanarialintu")
    sami = Workspace(aino.installation, aino.installation.sign_in("sami", PASSWORD, "", "10.8.0.14").token)
    sami.excel_list(["P-000001"], ["id", "name"], password=PASSWORD, language="fi")
    log(aino, kind="exports")
    (line,) = aino.table().to_dict("records")
    assert (line["by"], line["rows"], line["facts"]) == ("Sami Seppälä", "1", "10.8.0.14")


def test_only_the_months_that_are_asked_for_are_read(
    aino: Visitor, lines: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = Store.log
    monkeypatch.setattr(Store, "log", lambda self, months=12: (asked.append(months), read(self, months))[1])
    log(aino)
    assert asked == [2]  # from 8 February to 11 March
    aino.at.text_input(key="log-number").set_value("P-000001")
    aino.run()
    assert asked == [2]  # another filter reads nothing
    aino.at.date_input(key="log-from").set_value(dt.date(2025, 3, 1))
    aino.run()
    assert asked == [2, 13]
    aino.at.date_input(key="log-from").set_value(None)
    aino.run()
    assert asked == [2, 13, 0]


def test_a_hundred_thousand_lines_are_filtered_in_a_moment(aino: Visitor, store: Store) -> None:
    store.change_log.write(
        {
            Key(-2, n): Entry(NOW, "sami", "update", [f"P-{n:06d}"], {"rows": 1, "fields": ["notes"]})
            for n in range(1, 100_001)
        }
    )
    log(aino)
    aino.at.text_input(key="log-number").set_value("P-000777")
    began = time.perf_counter()
    aino.run()
    assert time.perf_counter() - began < 1.5 and aino.table()["rows"].tolist() == ["P-000777"]


# -- words -------------------------------------------------------------------------------------------------------------


def logged() -> set[str]:
    """Every action that the code logs: what is given to an entry, a note or a change, and what is passed along."""
    found: set[str] = set()
    for path in LIB.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                place = {"Entry": 2, "note": 0, "_note": 0, "event": 0, "_event": 0, "change": 0, "_mark": 3}.get(name)
                given = [k.value for k in node.keywords if k.arg == "action" and name != "add_argument"]
                if place is not None and len(node.args) > place:
                    given.append(node.args[place])
                found |= _strings(given)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names = [a.arg for a in [*node.args.args, *node.args.kwonlyargs]]
                defaults = [*node.args.defaults, *node.args.kw_defaults]
                found |= _strings(
                    [d for a, d in zip(reversed(names), reversed(defaults), strict=False) if a == "action" and d]
                )
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    pairs = zip(_parts(target), _parts(node.value), strict=False)
                    found |= _strings([value for one, value in pairs if getattr(one, "id", "") == "action"])
    return found


def _parts(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _strings(nodes: list[ast.expr]) -> set[str]:
    ends = [end for n in nodes for end in ((n.body, n.orelse) if isinstance(n, ast.IfExp) else (n,))]
    return {str(end.value) for end in ends if isinstance(end, ast.Constant) and isinstance(end.value, str)}


def test_every_action_that_is_logged_has_a_name_and_no_other() -> None:
    assert {"add", "update", "remove", "erased", "outside_taken", "disable_user", "no_marketing"} <= logged()
    assert logged() == ACTIONS.keys()


def test_every_kind_of_backup_and_of_notice_has_a_name() -> None:
    assert KIND_NAMES.keys() == set(KINDS) and _NOTICES.keys() >= NOTICES


def test_the_details_are_words(aino: Visitor, store: Store) -> None:
    facts = {
        "hand_over": ({"user": "sami", "to": "maija"}, "sami"),
        "remove": ({"reason": "outside"}, "Deleted in Excel"),
        "outside": ({"notice": ["plain"]}, "Saved without its password"),
        "set_roles": ({"user": "sami", "roles": ["sales"]}, "Sales"),
        "outside_taken": ({"fields": ["source_detail"]}, "Source detail"),
        "backup": ({"backup": "manual-20260311T103000-g4-r1.xlsx"}, "Made by hand"),
        "settings": ({"settings": ["timezone"]}, "Time zone"),
        "pass_over": ({"holder": "Maija"}, "Maija"),
        "session_ended": ({"why": "idle"}, "not used for long"),
        "sign_in": ({"second_factor": "recovery"}, "with a recovery code"),
        "sign_in_failed": ({"second_factor": True}, "second factor"),
    }
    for n, (action, (fact, _)) in enumerate(facts.items()):
        store.change_log.write({Key(-1, n): Entry(NOW, "aino", action, [], fact)})
    log(aino)
    table = aino.table().set_index("action")["facts"]
    for action, (_, word) in facts.items():
        assert aino.t(word) in table[aino.t(ACTIONS[action])]
    assert aino.t("to {name}", name="maija") in table[aino.t("Rows handed over")]
    assert "11.3.2026 klo 10.30" in table[aino.t("Backup made")]
