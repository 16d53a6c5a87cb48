"""Quick entry, for the minute after a phone call."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from lib import cleaning, schema
from lib.errors import AppError, Duplicate, Invalid, NoSuchProspect
from lib.ui.fields import field
from lib.ui.messages import plain, show_error, show_warnings, upright
from lib.ui.tables import open_row, people_list
from lib.ui.visit import Visit, visit

# Fields side by side on a desk, one after another on a phone.
_FIRST = (("name", "organisation"), ("phone", "email"), ("interests",), ("notes",))
_MORE = (("title", "address"), ("status", "next_contact"), ("received", "owner"), ("informed",))
_DETAIL = (("source_detail",),)


def show() -> None:
    v = visit()
    with st.container(key="entry"):
        _entry(v)
    _show_latest(v)


def _entry(v: Visit) -> None:
    t = v.t
    form = st.session_state.setdefault("entry", {"number": 1, "known": [], "wrong": {}})
    st.title(t("New prospect"))
    if saved := form.pop("saved", None):
        st.success(t("Saved: {id}, {who}.", id=saved["id"], who=plain(saved["who"])), icon=":material/check_circle:")
        show_warnings(saved["warnings"], t)
    key = f"entry-{form['number']}-"
    source = st.pills(
        v.heading("source"),
        list(schema.SOURCES),
        default=v.workspace.preferences.get("source", "phone"),
        format_func=lambda code: v.label("source", code),
        required=True,
        key=f"{key}source",
    )
    # What was submitted before comes back where the browser has left the page meanwhile.
    defaults = {"received": v.today, "status": "new", "owner": v.account.name, **form.get("typed", {})}
    with st.form(f"{key}form", enter_to_submit=False, border=False):
        typed: dict[str, Any] = {"source": source}
        asked = source == "public"  # then its detail is not optional
        _fields(v, form, key, (*_DETAIL, *_FIRST) if asked else _FIRST, defaults, typed)
        more = _MORE if asked else (*_DETAIL, *_MORE)
        with st.expander(t("More"), expanded=bool(form["wrong"].keys() & {code for row in more for code in row})):
            _fields(v, form, key, more, defaults, typed)
        with st.container(key="save"):
            if error := form.get("error"):
                show_error(error, t)
            # Its buttons belong to the form too: they send what was typed since.
            anyway, opened = _lookalikes(v, form) if form["known"] else (False, "")
            submitted = st.form_submit_button(t("Save"), type="primary", width="stretch")
    if opened:
        form["typed"] = typed
        open_row(opened)
        st.rerun()
    if submitted or anyway:
        _save(v, form, typed, known=form["known"] if anyway else [])


def _fields(
    v: Visit,
    form: dict[str, Any],
    key: str,
    rows: tuple[tuple[str, ...], ...],
    defaults: dict[str, Any],
    typed: dict[str, Any],
) -> None:
    """Rows of fields; what is typed goes into `typed`."""
    for row in rows:
        for place, code in zip(st.columns(len(row)), row, strict=True):
            with place:
                typed[code] = field(v, code, key + code, value=defaults.get(code), wrong=form["wrong"])


def _save(v: Visit, form: dict[str, Any], typed: dict[str, Any], known: list[str]) -> None:
    """Save, and begin anew; or keep what was typed and say what stands in the way."""
    form.update(wrong={}, error=None, known=[], typed=typed)
    try:
        prospect_id = v.workspace.add(typed, known)
    except Duplicate as error:
        form["known"] = error.matches
    except AppError as error:
        form.update(wrong=error.fields if isinstance(error, Invalid) else {}, error=error)
    else:
        with contextlib.suppress(AppError):  # the row is saved, whether or not its source can be remembered
            v.workspace.prefer(source=typed["source"])
        _, warning = cleaning.clean_phone(typed["phone"], v.workspace.settings.phone_region)
        saved = {
            "id": prospect_id,
            "who": typed["name"] or typed["organisation"],
            "warnings": {"phone": warning} if warning else {},
        }
        st.session_state["entry"] = {"number": form["number"] + 1, "known": [], "wrong": {}, "saved": saved}
    st.rerun()  # the form has been drawn without the marks


def _lookalikes(v: Visit, form: dict[str, Any]) -> tuple[bool, str]:
    """The rows that look like this one. Returns whether to save anyway, and the row to open instead."""
    t, opened = v.t, ""
    with st.container(border=True, key="lookalikes"):
        st.warning(
            t("The register already has a prospect like this. Nothing has been saved yet."), icon=":material/group:"
        )
        owners = v.workspace.owners()
        for prospect_id in form["known"]:
            try:
                row = v.workspace.row(prospect_id)
            except NoSuchProspect as error:  # it went since the form was sent
                st.text(t.text(error.text))
                continue
            who = ", ".join(filter(None, (row["name"], row["organisation"], v.phone(row["phone"]), row["email"])))
            st.text(f"{prospect_id}: {upright(who)}")
            by = plain(owners.get(row["created_by"], row["created_by"]))
            st.caption(t("Added by {who}, {when}", who=by, when=t.time(row["created_at"])))
            if st.form_submit_button(t("Open {id}", id=prospect_id), key=f"open-{prospect_id}"):
                opened = prospect_id
        anyway = st.form_submit_button(t("Save anyway"), key="anyway")
    return anyway, opened


def _show_latest(v: Visit) -> None:
    st.header(v.t("Your last entries"))
    latest = v.workspace.latest()
    if latest.empty:
        st.caption(v.t("What you save appears here, so that you can open and correct it."))
    else:
        people_list(v, latest, key="latest")
