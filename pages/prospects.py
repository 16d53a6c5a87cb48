"""The list: search, filter, open, download."""

from __future__ import annotations

import contextlib
import datetime as dt
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from lib import schema
from lib.errors import NoSuchProspect
from lib.i18n import N_
from lib.output.excel_list import file_name, strong_password
from lib.register import number_of
from lib.ui import detail
from lib.ui.built_files import built
from lib.ui.fields import date_format
from lib.ui.messages import attempt, show_error
from lib.ui.tables import LIST_COLUMNS, close_row, people_list
from lib.ui.visit import Visit, visit

_MIME = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
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
    since = weakref.ref(v.workspace.register())
    found = v.workspace.find(query or "", columns=_NEEDED, **filters)
    count, tools = st.columns([3, 1], vertical_alignment="center")
    shown = t("{n} of {total}", n=t.number(len(found)), total=t.number(total))
    count.markdown(f"**{shown}**")
    with tools:
        _download(v, found)
    if found.empty:
        st.info(t("Nothing matches. Take a word or a filter away."), icon=":material/search_off:")
        return
    people_list(v, found, key="list", height=560 if len(found) > 14 else "auto", since=since)


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


_WAYS = {
    "own": N_("My own download password"),
    "once": N_("A one-time password"),
    "typed": N_("A password that I type now (at least 12 characters)"),
}


def _download(v: Visit, found: Any) -> None:
    """The list of the view: columns, a password, and the file built on the click."""
    t, workspace = v.t, v.workspace
    rows = workspace.downloadable(found)
    if workspace.may_download() == "none":
        return
    with st.popover(t("Excel list"), icon=":material/download:", width="stretch"):
        csv = workspace.settings.csv_download and _as_csv(v)
        if csv:
            st.write(t.plural("{n} row leaves.", "{n} rows leave.", len(rows)))
            st.warning(t("CSV is not encrypted: whoever gets the file can read it."), icon=":material/lock_open:")
        else:
            st.write(t.plural("{n} row leaves, encrypted.", "{n} rows leave, encrypted.", len(rows)))
        if len(rows) < len(found):
            st.caption(t("Rows that are restricted, wait for removal or are not yours are left out."))
        if rows["objected"].notna().any():
            st.caption(t("E-mail and address of those who want no marketing are left empty."))
        codes = _columns(v)
        ids, language = list(rows["id"]), v.language
        if csv:
            _button(v, ids, lambda: workspace.csv_list(ids, codes, language=language), "csv", bool(ids and codes))
            return
        usable, password = _password(v)
        st.caption(t("With its column of numbers the list can come back: what you edit in it can be taken over."))
        _button(
            v,
            ids,
            lambda: workspace.excel_list(ids, codes, password=password, language=language),
            "xlsx",
            usable and bool(ids and codes),
        )
        if taken := st.session_state.get("download-taken"):
            st.caption(t("The list that you downloaded last opens with this password:"))
            st.code(taken, language=None)


def _as_csv(v: Visit) -> bool:
    kinds = {"xlsx": v.t("Excel, encrypted"), "csv": v.t("CSV, not encrypted")}
    chosen = st.segmented_control(
        v.t("Kind of file"), list(kinds), default="xlsx", required=True, format_func=kinds.get, key="download-kind"
    )
    return chosen == "csv"


def _columns(v: Visit) -> Sequence[str]:
    if st.toggle(v.t("All columns"), value=True, key="download-all"):
        return _EVERYTHING
    return st.multiselect(
        v.t("Columns"),
        _EVERYTHING,
        ["id", *LIST_COLUMNS, "phone", "email"],
        format_func=v.heading,
        key="download-columns",
        select_all=False,
    )


def _password(v: Visit) -> tuple[bool, str | None]:
    """Whether the list can be sealed, and with what: None is one's own download password."""
    t, workspace = v.t, v.workspace
    ways = [way for way in _WAYS if way != "own" or workspace.has_download_password]
    way = st.radio(t("What opens the list"), ways, format_func=lambda way: t(_WAYS[way]), key="download-way")
    if way == "own":
        return True, None
    if way == "typed":
        # Until the browser has sent what is typed, a click would still take the password of before.
        typed = st.text_input(
            t("Password"),
            key="download-password",
            type="password",
            autocomplete="new-password",
            label_visibility="collapsed",
        )
        return bool(typed) and attempt(lambda: workspace.check_password(typed), t), typed
    generated = st.session_state.setdefault("download-generated", strong_password())
    st.caption(t("It is shown only here; without it the file does not open."))
    st.code(generated, language=None)
    return True, generated


def _button(v: Visit, ids: Sequence[str], build: Callable[[], bytes], kind: str, usable: bool) -> None:
    workspace = v.workspace

    def file() -> bytes:
        """Built in a thread without this visit, and fetched without one: the workspace asks for session and role."""
        limits = workspace.limits(ids)
        return built(build(), lambda: limits <= workspace.limits(ids))

    st.download_button(
        v.t("Download"),
        file,
        file_name=file_name(v.language, v.today, kind),
        mime=_MIME[kind],
        type="primary",
        disabled=not usable,
        on_click=_downloaded,
        width="stretch",
    )


def _downloaded() -> None:
    """The next list gets another password; the one that was just used stays in sight."""
    once = st.session_state.get("download-way") == "once" and st.session_state.get("download-kind") != "csv"
    generated = st.session_state.pop("download-generated", None)
    st.session_state["download-taken"] = generated if once else None
