"""What surrounds the pages: who sees which, in which language, and what happens when the disk fails."""

from __future__ import annotations

import ast
import datetime as dt
import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib import retention
from lib.access.accounts import Factor
from lib.access.gate import Gate
from lib.access.roles import PAGES, landing, may
from lib.errors import BadSignIn, TooMany
from lib.i18n import translator
from lib.installation import Installation
from lib.sample import fill
from lib.store import Store, journal
from lib.ui.messages import plain
from tests.catalogue import source_texts
from tests.pages.conftest import MAIN, PEOPLE, TODAY, WORKBOOK_PASSWORD, Visitor, add, hold, part, release, texts

TITLES = {
    "entry": "New prospect",
    "prospects": "Prospects",
    "statistics": "Statistics",
    "retention": "Retention period",
    "imports": "Import",
    "outside": "Changes in Excel",
    "admin": "Administration",
    "account": "My account",
}


@pytest.fixture
def rows(store: Store) -> Store:
    """Sample rows, and in each group of the retention page one."""
    fill(store, rows=60, seed=2)
    limit = retention.add_years(TODAY, -5)
    for days in (-1, 30, 300):
        add(store, name=f"{days}", received=limit + dt.timedelta(days=days))
    return store


# -- who sees what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PEOPLE)
def test_a2_everybody_is_offered_the_pages_of_the_role_and_no_others(
    visitor: Callable[..., Visitor], store: Store, name: str
) -> None:
    who = visitor(name)
    roles = PEOPLE[name][1]
    who.open()
    offered = {page["url_pathname"] or landing(roles) for page in who.at._registered_pages.values()}
    assert offered == {page for page, operation in PAGES.items() if may(roles, operation)} | {"language", "sign-out"}
    assert who.title == who.t(TITLES[landing(roles)])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["sami", "maija", "ylva"])
def test_a2_the_address_of_a_page_of_another_role_shows_nothing_of_it(
    visitor: Callable[..., Visitor], rows: Store, name: str, page: str
) -> None:
    who = visitor(name)
    who.open(page)
    allowed = may(PEOPLE[name][1], PAGES[page])
    shown = who.title
    assert shown == who.t(TITLES[page if allowed else landing(PEOPLE[name][1])])
    if name == "ylva":
        assert not set(rows.frame["name"]) & set(who.shown().splitlines()) - {""}


def test_a1_without_a_session_the_script_shows_only_where_to_sign_in(aino: Visitor, rows: Store) -> None:
    aino.installation.sign_out(aino.token)
    for page in PAGES:
        aino.open(page)
        assert aino.sees("You are not signed in, or your session has ended. Sign in again.")
        assert not aino.at.title and not aino.at.dataframe


def test_a3_an_ended_session_leads_to_sign_in_and_back_to_the_same_view(aino: Visitor, rows: Store) -> None:
    aino.installation.sign_out(aino.token)
    aino.open("prospects", row="P-000001")
    (way,) = aino.at.get("link_button")
    # AppTest knows no address; the browser's path stands before the query.
    assert way.proto.url == "/login?next=/%3Frow%3DP-000001" and way.proto.label == aino.t("Sign in")
    assert not aino.at.error


def test_a1_without_the_gate_the_script_shows_nothing(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gate, "active", False)
    at = AppTest.from_file(MAIN, default_timeout=20).run()
    assert [e.value for e in at.error] == ["Start the program with: streamlit run app.py"]
    assert not at.title and not at.dataframe and not at.text_input


def test_a3_a_session_that_ends_while_a_form_is_open_saves_nothing(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(name="Kaarina")
    aino.installation.sign_out(aino.token)
    aino.press("Save")
    assert len(store.frame) == 0
    assert aino.sees("You are not signed in, or your session has ended. Sign in again.")


def test_another_person_in_the_same_tab_finds_nothing_of_the_one_before(
    visitor: Callable[..., Visitor], aino: Visitor, rows: Store
) -> None:
    aino.open("prospects", row="P-000001")
    aino.go("entry")
    aino.fill(name="Kesken jäänyt")
    sami = visitor("sami")
    aino.token = sami.token
    aino.at.query_params = {}
    aino.run()
    assert aino.widget("name").value == "" and "row" not in aino.at.session_state


def test_the_sign_out_page_says_who_is_signed_in(aino: Visitor, store: Store) -> None:
    aino.open("sign-out")
    assert aino.sees("You are signed in as {name}.", name="Aino Alku")


# -- words -------------------------------------------------------------------------------------------------------------


def visits(who: Visitor) -> Iterator[str]:
    """Every page, and what opens on it; tells where the visitor is."""
    for page in PAGES:
        who.open(page)
        yield page
    who.open("prospects", row="P-000001")
    yield "a prospect"
    who.press("Remove")
    yield "the removal dialog"
    who.open("sign-out")
    yield "sign-out"
    who.open("entry")
    who.press("Save")
    yield "an empty entry"
    for name in ("workbook", "backups", "settings", "log"):
        part(who, name)
        yield name
    for dialog in ("", "reset", "drop-factor", "lost", "disable"):
        part(who, "users")
        who.at.button(key="open-sami").click()
        who.run()
        if dialog:
            who.at.button(key=f"{dialog}-open").click()
            who.run()
        yield f"a user, {dialog}"
    who.at.selectbox(key="disable-heir").set_value("maija")
    who.at.button(key="dialog-do").click()
    who.run()
    yield "a disabled user"
    who.press("Enable user")
    who.at.button(key="reset-open").click()
    who.run()
    who.at.button(key="dialog-do").click()
    who.run()
    yield "a one-time password"
    who.at.button(key="dialog-do").click()
    who.run()
    for group in ("requested", "ended", "before_review", "within_year"):
        who.open("retention")
        who.at.button_group(key="queue").set_value(group)
        who.run()
        yield group


@cache
def foreign(language: str) -> re.Pattern[str]:
    """The texts that only the other language says; `{n}` and the like stand for anything."""
    t, other = translator(language), translator("en" if language == "fi" else "fi")
    messages = {form for text in source_texts() for form in ((text,) if isinstance(text, str) else text)}
    # The switch to the other language is written in that language.
    only = {other(text) for text in messages} - {t(text) for text in messages} - {other("In English"), "In English"}
    return re.compile("|".join(re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in only if len(text) > 3))


def untranslated(who: Visitor) -> set[str]:
    """Texts on the page in another language than the visitor's."""
    return {text for text in set(texts(who.at)) if foreign(who.t.language).fullmatch(text)}


def test_every_text_that_a_page_says_is_in_the_catalogue() -> None:
    """The catalogue's reader does not look into f-strings."""
    root = MAIN.parents[1]
    said = set()
    for path in [*root.glob("pages/*.py"), *root.glob("lib/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "t",
                "plural",
            ):
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                said |= {tuple(texts) if len(texts) > 1 else text for text in texts}
    assert len(said) > 200 and said - source_texts() - {""} == set()


@pytest.mark.parametrize("language", ["fi", "en"])
def test_no_page_says_a_word_in_the_other_language_or_a_code(
    visitor: Callable[..., Visitor], rows: Store, language: str
) -> None:
    who, sami = visitor("aino", language), visitor("sami")
    who.installation.accounts.set_factor("sami", Factor("x", 0, ()))
    for _ in range(7):
        with pytest.raises((BadSignIn, TooMany)):
            who.installation.sign_in("maija", "väärä salasana", "", "203.0.113.9")
    sami.workspace.excel_list(list(rows.frame["id"][:3]), ["id"], password=WORKBOOK_PASSWORD, language=language)
    for place in visits(who):
        assert untranslated(who) == set(), place
        words = set(re.findall(r"[\w-]+", "\n".join(text for text in texts(who.at) if "href" not in text)))
        assert not words & {"web_form", "source_detail", "next_contact", "None", "NaT", "nan"}, place


@pytest.mark.parametrize("language", ["fi", "en"])
def test_no_page_of_an_empty_register_says_a_word_in_the_other_language(
    visitor: Callable[..., Visitor], store: Store, language: str
) -> None:
    who = visitor("aino", language)
    for page in PAGES:
        who.open(page)
        assert untranslated(who) == set(), page


def test_the_language_is_switched_for_this_device_alone(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    sami.open()
    sami.go("language")
    assert sami.title == "New prospect"
    sami.open("prospects")
    assert sami.title == "Prospects"
    aino.open()
    assert aino.title == "Uusi prospekti"


# -- the disk fails while the program runs -----------------------------------------------------------------------------


@contextmanager
def deleted(installation: Installation) -> Iterator[None]:
    aside = installation.workbook.with_name("aside")
    installation.workbook.rename(aside)
    yield
    aside.rename(installation.workbook)


@contextmanager
def cut_in_half(installation: Installation) -> Iterator[None]:
    content = installation.workbook.read_bytes()
    installation.workbook.write_bytes(content[: len(content) // 2])
    os.utime(installation.workbook, (0, 0))  # a file just written may still be on its way
    yield
    installation.workbook.write_bytes(content)


@contextmanager
def read_only(installation: Installation) -> Iterator[None]:
    opened = os.open

    def refuse(path: object, flags: int, *others: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):  # root may write anything, so the answer is given here
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, *others)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.os, "open", refuse)
        yield


@contextmanager
def full_disk(installation: Installation) -> Iterator[None]:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield


LOST = {
    deleted: "The workbook {file} is not there. Nothing was written. Put it back, then try again.",
    cut_in_half: "The workbook {file} is damaged: it was cut short or changed by another program. "
    "Nothing was written. Put an undamaged copy in its place.",
}
REFUSED = {read_only: "the right to do so is missing", full_disk: "the disk is full"}
GO_ON = "Go on working: everything that you save is kept. An administrator can write the workbook anew."


def strays(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.tmp")}


@pytest.mark.parametrize("fault", REFUSED)
def test_s7_an_entry_survives_a_fault_of_the_disk_in_the_form(
    aino: Visitor, store: Store, installation: Installation, fault: Callable[..., contextmanager]
) -> None:
    add(store, name="Ennestään")
    aino.open("entry")
    aino.fill(name="Kaarina Kanarialintu", notes="pitkä muistiinpano", interests=["kissat"])
    before = installation.workbook.read_bytes()
    with fault(installation):
        aino.press("Save")
        assert aino.error(REFUSED[fault]) and not aino.at.success
        assert aino.widget("name").value == "Kaarina Kanarialintu"
        assert aino.widget("notes").value == "pitkä muistiinpano" and aino.widget("interests").value == ["kissat"]
        aino.run()
        assert aino.widget("name").value == "Kaarina Kanarialintu"
    assert installation.workbook.read_bytes() == before and not strays(installation.data_dir)
    aino.press("Save")
    assert aino.at.success and not aino.at.error
    with Store.open(installation.data_dir, WORKBOOK_PASSWORD) as again:
        assert again.frame["name"].tolist() == ["Ennestään", "Kaarina Kanarialintu"]
        assert again.register.row("P-000002")["notes"] == "pitkä muistiinpano"


@pytest.mark.parametrize("fault", REFUSED)
def test_s7_an_edit_survives_a_fault_of_the_disk_in_the_form(
    aino: Visitor, store: Store, installation: Installation, fault: Callable[..., contextmanager]
) -> None:
    pid = add(store, name="Kaarina Kanarialintu")
    aino.open("prospects", row=pid)
    aino.fill(notes="pitkä muistiinpano")
    with fault(installation):
        aino.press("Save changes")
        assert aino.error(REFUSED[fault]) and not aino.at.success
        assert aino.widget("notes").value == "pitkä muistiinpano"
        assert store.register.row(pid)["notes"] == ""
    aino.press("Save changes")
    assert store.register.row(pid)["notes"] == "pitkä muistiinpano" and not aino.at.error


@pytest.mark.parametrize("fault", LOST)
def test_s7_without_its_workbook_the_register_goes_on_and_says_so(
    aino: Visitor, store: Store, installation: Installation, fault: Callable[..., contextmanager]
) -> None:
    store.checkpoint()
    aino.open("entry")
    aino.fill(name="Kaarina Kanarialintu")
    with fault(installation):
        aino.press("Save")
        assert aino.at.success and aino.error(LOST[fault], file="prospects.xlsx") and aino.sees(GO_ON)
    aino.run()
    assert not aino.at.error and not aino.sees(GO_ON)
    with Store.open(installation.data_dir, WORKBOOK_PASSWORD) as again:
        assert again.frame["name"].tolist() == ["Kaarina Kanarialintu"]


@pytest.mark.parametrize("fault", LOST | REFUSED)
def test_s7_every_page_still_opens_on_a_fault_of_the_disk(
    aino: Visitor, rows: Store, installation: Installation, fault: Callable[..., contextmanager]
) -> None:
    with fault(installation):
        for page in PAGES:
            aino.open(page)
            assert aino.title == aino.t(TITLES[page]) and len(aino.at.error) == (fault in LOST)
            assert fault in REFUSED or aino.error(LOST[fault], file="prospects.xlsx")


# -- the workbook open in Excel ----------------------------------------------------------------------------------------

OPEN_IN = (
    "{name} has the workbook open in {program}. Everything is saved; the workbook follows when it is closed there."
)


def test_s6_one_line_says_who_keeps_the_workbook_open_while_changes_wait(
    visitor: Callable[..., Visitor], store: Store, installation: Installation
) -> None:
    sami = visitor("sami")
    store.checkpoint()
    hold(installation, "Maija [Virtanen](x)")
    sami.open("prospects")
    assert not sami.sees("Somebody") and "Maija" not in sami.shown()  # nothing waits, so nothing is said
    add(store, name="Kaarina")
    for page in ("entry", "prospects", "statistics"):
        sami.open(page)
        lines = [c.value for c in sami.at.caption if "Maija" in c.value]
        said = sami.t(OPEN_IN, name=plain("Maija [Virtanen](x)"), program="Excel")
        assert lines == [f":material/edit_document: {said}"]
        assert not sami.at.error and not sami.at.warning
    release(installation)
    store.checkpoint()
    sami.run()
    assert "Maija" not in sami.shown()


def test_s6_who_does_not_say_a_name_is_somebody(aino: Visitor, store: Store, installation: Installation) -> None:
    hold(installation, "")
    add(store, name="Kaarina")
    aino.open("prospects")
    assert aino.sees(OPEN_IN, name=aino.t("Somebody"), program="Excel")


# -- the register does not open ----------------------------------------------------------------------------------------


def test_a_register_that_does_not_open_says_why_and_opens_once_it_can(
    aino: Visitor, store: Store, installation: Installation
) -> None:
    add(store, name="Kaarina Kanarialintu")
    installation.close()  # as after a restart
    with deleted(installation):
        aino.open("prospects")
        assert aino.error(LOST[deleted], file="prospects.xlsx") and not aino.at.dataframe
        aino.press("Try again")
        assert aino.error(LOST[deleted], file="prospects.xlsx")
    aino.press("Try again")
    assert not aino.at.error
    aino.open("prospects")
    assert aino.table()["name"].tolist() == ["Kaarina Kanarialintu"]


@pytest.mark.parametrize("fault", LOST)
def test_s9_an_administrator_writes_anew_the_workbook_of_a_register_that_does_not_open(
    visitor: Callable[..., Visitor],
    aino: Visitor,
    store: Store,
    installation: Installation,
    fault: Callable[..., contextmanager],
) -> None:
    sami = visitor("sami")
    add(store, name="Kaarina Kanarialintu")
    installation.close()
    with fault(installation):
        before = installation.workbook.read_bytes() if installation.workbook.exists() else b""
        sami.open("prospects")
        assert sami.error(LOST[fault], file="prospects.xlsx") and sami.button("Try again")
        assert sami.t("Write the workbook anew") not in [button.label for button in sami.at.button]
        aino.open("prospects")
        aino.press("Write the workbook anew")
        assert not aino.at.error and aino.table()["name"].tolist() == ["Kaarina Kanarialintu"]
        assert aino.sees("The workbook was written.")
        with Store.open(installation.data_dir, WORKBOOK_PASSWORD) as again:
            assert again.frame["name"].tolist() == ["Kaarina Kanarialintu"]
        kept = [file.read_bytes() for file in (installation.data_dir / "aside").glob("*")]
        assert kept == ([before] if before else [])
        sami.run()
        assert not sami.at.error
    assert installation.store and installation.store.log()[0].action == "rewrite"
