"""The list: search, filter, open, download."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import streamlit as st

from lib import schema
from lib.errors import NoSuchProspect
from lib.output.excel_list import file_name, strong_password
from lib.register import number_of
from lib.ui import detail
from lib.ui.fields import date_format
from lib.ui.messages import attempt, show_error
from lib.ui.tables import LIST_COLUMNS, close_row, people_list
from lib.ui.visit import Visit, visit

_EVERYTHING = tuple(code for code in schema.CODES if code not in ("removal_requested", "restricted"))
# What the list shows, and what tells whether a row may leave.
_NEEDED = tuple(dict.fromkeys(("id", *LIST_COLUMNS, "objected", "restricted", "removal_requested", "owner")))


def show() -> None:
    v = visit()
    _read_address()
    if prospect_id := st.session_state.get("row"):
        st.query_params.from_dict({"row": prospect_id})
        st.session_state["row-addressed"] = prospect_id
        try:
            detail.show(v, prospect_id)
        except NoSuchProspect as error:
            show_error(error, v.t)
            detail.back(v)
        return
    st.query_params.clear()
    _list(v)


def _read_address() -> None:
    """Take a row or filters from the page's address: no personal data stands there."""
    address = st.query_params
    if number_of(address.get("row", "")):
        st.session_state.setdefault("row", address["row"])
    if not {"source", "from", "to"} & address.keys():
        known = st.session_state.get("row-addressed")
        if known and "row" not in address and st.session_state.get("row") == known:
            close_row()  # the browser went back, or the menu led here: to the list
        return
    # These rows and no others: neither an open row nor an earlier search stands before them.
    st.session_state.pop("row", None)
    source = address.get("source", "")
    st.session_state.update({"find-query": "", "find-ending": False, "find-from": None, "find-to": None})
    st.session_state.update({f"find-{name}": [] for name in ("source", "status", "interests", "owner")})
    st.session_state["find-source"] = [source] if source in schema.SOURCES else []
    for name in ("from", "to"):
        with contextlib.suppress(ValueError):
            st.session_state[f"find-{name}"] = dt.date.fromisoformat(address.get(name, ""))


def _list(v: Visit) -> None:
    t = v.t
    st.title(t("Prospects"))
    total = v.workspace.count()
    if not total:
        st.info(t("Here you will find every prospect. Enter the first one."), icon=":material/groups:")
        return
    query = st.text_input(
        t("Search"),
        key="find-query",
        type="search",
        live=True,
        placeholder=t("Name, organisation, phone, notes …"),
        label_visibility="collapsed",
        persist_state="session",
    )
    filters = _filters(v)
    found = v.workspace.find(query or "", columns=_NEEDED, **filters)
    count, tools = st.columns([3, 1], vertical_alignment="center")
    shown = t("{n} of {total}", n=t.number(len(found)), total=t.number(total))
    count.markdown(f"**{shown}**")
    with tools:
        _download(v, found)
    if found.empty:
        st.info(t("Nothing matches. Take a word or a filter away."), icon=":material/search_off:")
        return
    people_list(v, found, key="list", height=560 if len(found) > 14 else "auto")


def _filters(v: Visit) -> dict[str, Any]:
    """The filters of `lib.search.filter_rows`, as chosen."""
    t, owners = v.t, v.workspace.owners()
    active = sum(
        bool(st.session_state.get(f"find-{n}"))
        for n in ("source", "status", "interests", "owner", "from", "to", "ending")
    )
    title = t("Filters") + (f" ({active})" if active else "")
    keep: dict[str, Any] = {"persist_state": "session"}
    many: dict[str, Any] = {**keep, "placeholder": t("All"), "select_all": False}
    with st.expander(title, icon=":material/filter_list:", key="filters"):
        one, two, three = st.columns(3)
        source = one.multiselect(
            v.heading("source"),
            list(schema.SOURCES),
            key="find-source",
            format_func=lambda c: v.label("source", c),
            **many,
        )
        status = two.multiselect(
            v.heading("status"),
            list(schema.STATUSES),
            key="find-status",
            format_func=lambda c: v.label("status", c),
            **many,
        )
        interests = three.multiselect(v.heading("interests"), v.workspace.interests(), key="find-interests", **many)
        owner = one.multiselect(
            v.heading("owner"), list(owners), key="find-owner", format_func=lambda name: owners.get(name, name), **many
        )
        dates: dict[str, Any] = {"value": None, "format": date_format(v), **keep}
        received_from = two.date_input(t("Received from"), key="find-from", **dates)
        received_to = three.date_input(t("Received to"), key="find-to", **dates)
        ending = st.toggle(t("Retention period ending soon"), key="find-ending", **keep)
    return {
        "source": source,
        "status": status,
        "interests": interests,
        "owner": owner,
        "received_from": received_from,
        "received_to": received_to,
        "expires_by": v.workspace.review_day if ending else None,
    }


def _download(v: Visit, found: Any) -> None:
    """The Excel list of the view: columns, a password, and the file built on the click."""
    t, workspace = v.t, v.workspace
    rows = workspace.downloadable(found)
    if workspace.may_download() == "none":
        return
    with st.popover(t("Excel list"), icon=":material/download:", width="stretch"):
        st.write(t.plural("{n} row leaves, encrypted.", "{n} rows leave, encrypted.", len(rows)))
        if len(rows) < len(found):
            st.caption(t("Rows that are restricted, wait for removal or are not yours are left out."))
        everything = st.toggle(t("All columns"), value=True, key="download-all")
        codes = _EVERYTHING
        if not everything:
            codes = st.multiselect(
                t("Columns"),
                _EVERYTHING,
                ["id", *LIST_COLUMNS, "phone", "email"],
                format_func=v.heading,
                key="download-columns",
                select_all=False,
            )
        generated = st.session_state.setdefault("download-generated", strong_password())
        usable, password = True, generated
        if st.toggle(t("Password of your own (at least 12 characters)"), key="download-own"):
            # Until the browser has sent what is typed, a click would still take the password of before.
            password = st.text_input(
                t("Password"), key="download-password", type="password", autocomplete="new-password"
            )
            usable = bool(password) and attempt(lambda: workspace.check_password(password), t)
        else:
            st.caption(t("Or take this one. It is shown only here; without it the file does not open."))
            st.code(generated, language=None)
        ids, language = rows["id"], v.language
        st.download_button(
            t("Download"),
            # Built in a thread without this visit: the workspace asks for session and role again.
            lambda: workspace.excel_list(list(ids), codes, password=password, language=language),
            file_name=file_name(language, v.today),
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            type="primary",
            disabled=rows.empty or not codes or not usable,
            on_click=_downloaded,
            width="stretch",
        )
        if taken := st.session_state.get("download-taken"):
            st.caption(t("The list that you downloaded last opens with this password:"))
            st.code(taken, language=None)


def _downloaded() -> None:
    """The next list gets another password; the one that was just used stays in sight."""
    generated = st.session_state.pop("download-generated", None)
    st.session_state["download-taken"] = None if st.session_state.get("download-own") else generated
