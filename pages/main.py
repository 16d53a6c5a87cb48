"""What runs at each visit: who it is, in which language, and the pages that this person may open."""

from __future__ import annotations

import streamlit as st

from lib.access.gate import Gate
from lib.access.page import language_of
from lib.access.roles import PAGES, landing
from lib.errors import AppError, Damaged, HeldOpen, NotSignedIn, WorkbookMissing
from lib.i18n import LANGUAGES, Text, translator
from lib.ui import style
from lib.ui.dialogs import close_dialog
from lib.ui.messages import plain, said, show_error, show_flash
from lib.ui.visit import Visit, language, session_token, visit, wait_for_sign_in
from lib.ui.workbook import offer_rewrite
from lib.ui.working import follow, tell_ended
from pages import account, admin, entry, imports, outside, prospects, retention, statistics

_SHOW = {
    "entry": entry.show,
    "prospects": prospects.show,
    "statistics": statistics.show,
    "retention": retention.show,
    "outside": outside.show,
    "imports": imports.show,
    "admin": admin.show,
    "account": account.show,
}
_OWN = "account"  # stands beside language and sign-out, and needs no register


def _titles(v: Visit, waiting: dict[str, int]) -> dict[str, str]:
    t = v.t
    titles = {
        "entry": t("New prospect"),
        "prospects": t("Prospects"),
        "statistics": t("Statistics"),
        "retention": t("Retention period"),
        "outside": t("Changes in Excel"),
        "imports": t("Import"),
        "admin": t("Administration"),
        "account": t("My account"),
    }
    for name, count in waiting.items():
        if count:
            titles[name] += f" ({t.number(count)})"
    return titles


def _waiting(v: Visit) -> dict[str, int]:
    """How many decisions wait on each page that tells it in the navigation."""
    pages = {"retention": retention, "outside": outside}
    is_open = v.workspace.is_open
    return {name: page.waiting(v) if is_open and v.workspace.may(PAGES[name]) else 0 for name, page in pages.items()}


def _try_again() -> None:
    visit().workspace.reopen()


def _switch_language() -> None:
    v = visit()
    v.workspace.prefer(language=_other_language(v))
    st.session_state.pop("row-addressed", None)  # an open row stays open
    st.switch_page(st.session_state["_pages"].get(st.session_state.get("_page", ""), st.session_state["_landing"]))


def _other_language(v: Visit) -> str:
    return next(code for code in LANGUAGES if code != v.language)


def _sign_out() -> None:
    v = visit()
    st.title(v.t("Sign out"))
    st.write(v.t("You are signed in as {name}.", name=plain(v.account.display_name)))
    st.html(f'<form method="post" action="/logout"><button class="signout">{v.t("Sign out")}</button></form>')


def _not_open(v: Visit, problem: AppError | None) -> None:
    """The ways on where the register did not open; the page says above why."""
    st.button(v.t("Try again"), on_click=_try_again)
    if isinstance(problem, (WorkbookMissing, Damaged)) and v.workspace.may("write_workbook"):
        offer_rewrite(v)
        follow("write", v.t("The workbook is being written."), v.t)


def main() -> None:
    st.set_page_config(
        page_title=translator(language_of(session_token()))("Prospects"), page_icon=style.ICON, layout="wide"
    )
    if not Gate.active:  # somebody ran this file instead of app.py
        st.error(translator("en")("Start the program with: streamlit run app.py"))
        return
    try:
        _run()
    except NotSignedIn as error:
        wait_for_sign_in()
        show_error(error, translator(language()))


def _run() -> None:
    v = visit()
    st.session_state.pop("_ended", None)
    if st.session_state.get("_user", v.account.name) != v.account.name:
        st.session_state.clear()  # another person signed in while the tab was open
    st.session_state["_user"] = v.account.name
    problem = v.workspace.refresh()
    waiting, start = _waiting(v), landing(v.account.roles)
    titles = _titles(v, waiting)
    pages = {
        name: st.Page(
            _SHOW[name],
            title=titles[name],
            url_path=name,
            default=name == start,
            visibility="hidden" if name == "outside" and not waiting[name] else "visible",
        )
        for name, operation in PAGES.items()
        if v.workspace.may(operation)
    }
    st.session_state["_pages"], st.session_state["_landing"] = pages, pages[start]
    other = translator(_other_language(v))
    menu = [
        pages[_OWN],
        st.Page(_switch_language, title=other("In English"), url_path="language"),
        st.Page(_sign_out, title=v.t("Sign out"), url_path="sign-out"),
    ]
    main_pages = [shown for name, shown in pages.items() if name != _OWN]
    page = st.navigation({"": main_pages, plain(v.account.display_name): menu}, position="top")
    if name := next((name for name, known in pages.items() if known == page), ""):
        if st.session_state.get("_page", name) != name:
            close_dialog()
        st.session_state["_page"] = name
    if (goal := pages.get(st.session_state.pop("_goto", ""))) and goal != page:
        st.switch_page(goal)
    style.apply()
    tell_ended()
    show_flash()
    if problem:
        show_error(problem, v.t)
    if not v.workspace.is_open:
        _not_open(v, problem)
        if page != pages[_OWN]:
            return
    elif isinstance(problem, (WorkbookMissing, Damaged)):
        st.caption(
            v.t("Go on working: everything that you save is kept. An administrator can write the workbook anew.")
        )
    if holder := v.workspace.waiting_for if v.workspace.is_open else None:
        text = Text(HeldOpen.template, {"name": holder.name, "program": holder.program})
        st.caption(f":material/edit_document: {said(text, v.t)}")
    try:
        page.run()
    except NotSignedIn:
        raise
    except AppError as error:
        show_error(error, v.t)


main()
