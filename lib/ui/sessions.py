"""Where somebody is signed in: one line a session, with the device in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from lib.access.devices import short
from lib.access.sessions import Session
from lib.ui.messages import attempt, flash, plain
from lib.ui.style import chip
from lib.ui.visit import Visit

_AT_ONCE = 8  # the others are folded


def show_sessions(
    v: Visit, sessions: Sequence[Session], *, this: str = "", end: Callable[[str], object] | None = None
) -> None:
    """The sessions of one user, the one that was used last first.

    Args:
        this: the id of the session that looks at them; it stands first.
        end: ends a session by its id; it must ask for the role itself. Without it none can be ended alone.
    """
    ordered = sorted(sessions, key=lambda session: (session.id != this, -session.last_seen))
    for session in ordered[:_AT_ONCE]:
        _line(v, session, this, end)
    if rest := ordered[_AT_ONCE:]:
        with st.expander(v.t("Show {n} more", n=v.t.number(len(rest)))):
            for session in rest:
                _line(v, session, this, end)


def _line(v: Visit, session: Session, this: str, end: Callable[[str], object] | None) -> None:
    t, own = v.t, session.id == this
    device = short(session.device) or t("Unknown device")
    chips = (chip(t("This one")) if own else "") + (chip(t("Own device")) if session.own else "")
    seen = t("in use now") if own else t("last used {when}", when=t.time(_local(v, session.last_seen)))
    began = t("signed in {when}", when=t.date(_local(v, session.created).date()))
    quiet = "".join(f"<span>{escape(part)}</span>" for part in (session.address, seen, began) if part)
    with st.container(
        border=True, horizontal=True, wrap=False, vertical_alignment="center", key=f"session-{session.id}"
    ):
        st.html(
            f'<div class="line"><strong>{escape(device)}</strong> {chips}</div><div class="quiet parts">{quiet}</div>'
        )
        if not end or own or not st.button(t("Sign out there"), key=f"end-{session.id}"):
            return
        if attempt(lambda: end(session.id), t):
            flash(t("{device} was signed out.", device=plain(device)))
            st.rerun()


def _local(v: Visit, seconds: float) -> dt.datetime:
    """A time as the clocks of the installation show it."""
    return dt.datetime.fromtimestamp(seconds, ZoneInfo(v.workspace.settings.timezone)).replace(tzinfo=None)
