"""One prospect: read, edit, no marketing, asked to be removed; for a manager also kept longer or removed."""

from __future__ import annotations

import re
from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st

from lib import cleaning
from lib.errors import AppError, Invalid, Stale
from lib.ui.decisions import ask_removal, keep_longer_form, show_removal
from lib.ui.fields import field, said_value
from lib.ui.messages import attempt, field_name, flash, plain, show_error, upright
from lib.ui.style import chip, source_chip
from lib.ui.tables import close_row
from lib.ui.visit import Visit

# The fields side by side, what changes after a call first.
_FORM = (
    ("status", "next_contact", "last_contact", "owner"),
    ("name", "organisation", "title"),
    ("phone", "email", "address"),
    ("interests",),
    ("notes",),
    ("source", "source_detail", "received", "informed"),
)


def back(v: Visit) -> None:
    """The way back to the list."""

    st.button(v.t("Back to the list"), icon=":material/arrow_back:", type="tertiary", on_click=close_row)


def show(v: Visit, prospect_id: str) -> None:
    """The page of a prospect.

    Raises:
        NoSuchProspect: it was removed meanwhile.
    """
    row = v.workspace.row(prospect_id)
    back(v)
    # No heading of Streamlit's: its anchor would put the name into the page's address.
    st.html(f"<h1>{escape(upright(row['name'] or row['organisation']))}</h1>")
    if row["name"] and row["organisation"]:
        st.text(upright(row["organisation"]))
    _facts(v, row)
    _actions(v, row)
    _form(v, row)
    if v.workspace.may("hold"):
        _retention(v, row)


def _facts(v: Visit, row: dict[str, Any]) -> None:
    t = v.t
    chips = [source_chip(row["source"], t)] if row["source"] else []
    chips.append(chip(v.label("status", row["status"])) if row["status"] else "")
    for code in ("objected", "restricted", "removal_requested"):
        if row[code]:
            chips.append(chip(f"{v.heading(code)} {t.date(row[code])}", warn=True))
    links = []
    if row["phone"]:
        links.append(_link("tel", row["phone"], v.phone(row["phone"])))
    if row["email"]:
        links.append(_link("mailto", row["email"], row["email"]))
    quiet = t(
        "{id} · received {received} · to be removed by {expires}",
        id=row["id"],
        received=t.date(row["received"]),
        expires=t.date(row["expires"]),
    )
    lines = ("", "".join(chips)), ("facts", " · ".join(links)), ("quiet", escape(quiet))
    st.html("".join(f'<div class="{name}">{line}</div>' for name, line in lines))


def _link(scheme: str, target: str, shown: str) -> str:
    """A link that dials or writes, as HTML. What is typed as a number but is none is not dialled."""
    shown = upright(shown)
    if scheme == "tel" and not re.fullmatch(r"\+\d+", target):
        return escape(shown)
    return f'<a href="{scheme}:{quote(target, safe="@+")}">{escape(shown)}</a>'


def _actions(v: Visit, row: dict[str, Any]) -> None:
    t, workspace, prospect_id = v.t, v.workspace, row["id"]
    with st.container(horizontal=True):
        if not row["objected"]:
            if st.button(
                t("No marketing"), icon=":material/do_not_disturb_on:", help=t("In force at once, in every list.")
            ):
                if attempt(lambda: workspace.no_marketing(prospect_id), t):
                    flash(t("{id}: no marketing from now on.", id=prospect_id))
                    st.rerun()
        elif workspace.may("allow_marketing") and st.button(t("Take back: no marketing")):
            if attempt(lambda: workspace.allow_marketing(prospect_id), t):
                st.rerun()
        if not row["removal_requested"]:
            with st.popover(t("Asked to be removed"), icon=":material/person_remove:"):
                st.write(t("The row leaves the lists at once and waits for a manager. Only a manager brings it back."))
                sure = st.button(t("Yes, to be removed"), key="request-removal")
            if sure and attempt(lambda: workspace.request_removal(prospect_id), t):
                flash(t("{id} left the lists and waits for a manager to remove it.", id=prospect_id))
                close_row()
                st.rerun()
        elif workspace.may("cancel_removal_request") and st.button(t("Take back: asked to be removed")):
            if attempt(lambda: workspace.cancel_removal_request(prospect_id), t):
                st.rerun()


def _form(v: Visit, row: dict[str, Any]) -> None:
    """The form. What the user saw when it opened goes back with the change, and is compared."""
    t, prospect_id = v.t, row["id"]
    edit = st.session_state.get("edit")
    if not edit or edit["id"] != prospect_id:
        number = edit["number"] + 1 if edit else 1
        edit = st.session_state["edit"] = {"id": prospect_id, "number": number, "seen": row, "wrong": {}, "stale": None}
    key = f"edit-{edit['number']}-"
    if edit["stale"]:
        _conflict(v, edit, row)
    with st.form(f"{key}form", enter_to_submit=False):
        typed: dict[str, Any] = {}
        for pair in _FORM:
            for place, code in zip(st.columns(len(pair)), pair, strict=True):
                with place:
                    typed[code] = field(v, code, key + code, value=edit["seen"][code], wrong=edit["wrong"])
        with st.container(key="save"):
            if error := edit.get("error"):
                show_error(error, t)
            submitted = st.form_submit_button(t("Save changes"), type="primary")
    owners = v.workspace.owners()
    st.caption(
        t(
            "Added by {creator} {created}, changed by {changer} {changed}",
            creator=plain(owners.get(row["created_by"], row["created_by"])),
            created=t.time(row["created_at"]),
            changer=plain(owners.get(row["changed_by"], row["changed_by"])),
            changed=t.time(row["changed_at"]),
        )
    )
    if submitted:
        _save(v, edit, typed)


def _save(v: Visit, edit: dict[str, Any], typed: dict[str, Any]) -> None:
    changes = {code: value for code, value in typed.items() if _differs(v, code, value, edit["seen"][code])}
    edit.update(wrong={}, stale=None, error=None)
    try:
        if changes:
            v.workspace.edit(edit["id"], changes, {code: edit["seen"][code] for code in changes})
    except Stale as error:
        edit["stale"] = error
    except AppError as error:
        edit.update(wrong=error.fields if isinstance(error, Invalid) else {}, error=error)
    else:
        st.session_state["edit"] = {"id": "", "number": edit["number"]}
        flash(v.t("{id} was saved.", id=edit["id"]) if changes else v.t("Nothing was changed."))
    st.rerun()


def _differs(v: Visit, code: str, typed: Any, seen: Any) -> bool:
    """Whether a field was edited. A value that is only shown in another form was not."""
    try:
        region = v.workspace.settings.phone_region
        return bool(cleaning.clean_value(code, typed, region)[0] != cleaning.clean_value(code, seen, region)[0])
    except cleaning.FieldError:
        return True


def _conflict(v: Visit, edit: dict[str, Any], row: dict[str, Any]) -> None:
    """What somebody else changed meanwhile, and the two ways on."""
    t, stale = v.t, edit["stale"]
    with st.container(border=True, key="conflict"):
        who = plain(v.workspace.owners().get(stale.changed_by, stale.changed_by))
        st.error(t.text(stale.text), icon=":material/sync_problem:")
        st.caption(t("Changed by {who}, {when}", who=who, when=t.time(row["changed_at"])))
        for code, (seen, now) in stale.conflicts.items():
            st.text(
                t(
                    "{field}: you saw “{seen}”, now it is “{now}”",
                    field=field_name(code, t),
                    seen=upright(said_value(v, code, seen)),
                    now=upright(said_value(v, code, now)),
                )
            )

        def keep_mine() -> None:
            edit["seen"] = {**edit["seen"], **{code: now for code, (_, now) in stale.conflicts.items()}}
            edit["stale"] = None

        def take_theirs() -> None:
            st.session_state["edit"] = {"id": "", "number": edit["number"]}

        with st.container(horizontal=True):
            st.button(t("Keep editing mine"), on_click=keep_mine)
            st.button(t("Show the row as it is now"), on_click=take_theirs)


def _retention(v: Visit, row: dict[str, Any]) -> None:
    t = v.t
    st.header(t("Retention period"))
    if row["hold_reason"]:
        st.write(
            t(
                "Kept longer until {date}: {ground}",
                date=t.date(row["hold_until"]),
                ground=v.label("hold_reason", row["hold_reason"]),
            )
        )
        if st.button(t("End the keeping")) and attempt(lambda: v.workspace.release(row["id"]), t):
            st.rerun()
    with st.container(horizontal=True):
        keep_longer_form(v, [row["id"]], key="row")
        if st.button(t("Remove"), icon=":material/delete:"):
            ask_removal([row["id"]])
    show_removal(v)
