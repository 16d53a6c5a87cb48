"""What runs at each visit: who it is, in which language, and the pages that this person may open."""

from __future__ import annotations

import streamlit as st

from lib.access.gate import Gate
from lib.access.roles import PAGES, landing
from lib.errors import AppError, NotSignedIn
from lib.i18n import LANGUAGES, translator
from lib.ui import style
from lib.ui.messages import plain, show_error, show_flash
from lib.ui.visit import Visit, language, visit
from pages import admin, entry, prospects, retention, statistics

_SHOW = {
    "entry": entry.show,
    "prospects": prospects.show,
    "statistics": statistics.show,
    "retention": retention.show,
    "admin": admin.show,
}


def _titles(v: Visit) -> dict[str, str]:
    t = v.t
    titles = {
        "entry": t("New prospect"),
        "prospects": t("Prospects"),
        "statistics": t("Statistics"),
        "retention": t("Retention period"),
        "admin": t("Administration"),
    }
    if v.workspace.is_open and v.workspace.may("retention") and (waiting := retention.waiting(v)):
        titles["retention"] += f" ({v.t.number(waiting)})"
    return titles


def _try_again() -> None:
    visit().workspace.reopen()


def _switch_language() -> None:
    v = visit()
    v.workspace.prefer(language=_other_language(v))
    st.switch_page(st.session_state["_pages"].get(st.session_state.get("_page", ""), st.session_state["_landing"]))


def _other_language(v: Visit) -> str:
    return next(code for code in LANGUAGES if code != v.language)


def _sign_out() -> None:
    v = visit()
    st.title(v.t("Sign out"))
    st.write(v.t("You are signed in as {name}.", name=plain(v.account.display_name)))
    st.html(f'<form method="post" action="/logout"><button class="signout">{v.t("Sign out")}</button></form>')


def main() -> None:
    st.set_page_config(page_title=translator(language())("Prospects"), page_icon=style.ICON, layout="wide")
    if not Gate.active:  # somebody ran this file instead of app.py
        st.error(translator("en")("Start the program with: streamlit run app.py"))
        return
    try:
        v = visit()
    except NotSignedIn as error:
        show_error(error, translator(language()))
        return
    if st.session_state.get("_user", v.account.name) != v.account.name:
        st.session_state.clear()  # another person signed in while the tab was open
    st.session_state["_user"] = v.account.name
    problem = v.workspace.refresh()
    titles, start = _titles(v), landing(v.account.roles)
    pages = {
        name: st.Page(_SHOW[name], title=titles[name], url_path=name, default=name == start)
        for name, operation in PAGES.items()
        if v.workspace.may(operation)
    }
    st.session_state["_pages"], st.session_state["_landing"] = pages, pages[start]
    other = translator(_other_language(v))
    account = [
        st.Page(_switch_language, title=other("In English"), url_path="language"),
        st.Page(_sign_out, title=v.t("Sign out"), url_path="sign-out"),
    ]
    page = st.navigation({"": list(pages.values()), plain(v.account.display_name): account}, position="top")
    if name := next((name for name, known in pages.items() if known == page), ""):
        st.session_state["_page"] = name
    if (goal := pages.get(st.session_state.pop("_goto", ""))) and goal != page:
        st.switch_page(goal)
    style.apply()
    show_flash()
    if problem:
        show_error(problem, v.t)
        if not v.workspace.is_open:
            st.button(v.t("Try again"), on_click=_try_again)
            return
    try:
        page.run()
    except AppError as error:
        show_error(error, v.t)


main()
