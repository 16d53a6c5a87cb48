"""Who visits, in which language: asked anew at each run, callback and fragment."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

import streamlit as st

from lib import cleaning, schema
from lib.access.accounts import Account
from lib.access.gate import token_from_cookies
from lib.errors import NotSignedIn
from lib.i18n import LANGUAGES, Translator, translator
from lib.installation import current
from lib.operations import Workspace

PATIENCE = 100.0  # seconds; a little less than the server keeps a page whose connection is closed


@dataclass(frozen=True)
class Visit:
    """One run of a page: the signed-in user, the register as that user may use it, and the words."""

    workspace: Workspace
    account: Account
    t: Translator

    @property
    def language(self) -> str:
        return self.t.language

    @property
    def today(self) -> dt.date:
        return self.workspace.today

    def heading(self, code: str) -> str:
        return schema.heading(code, self.language)

    def label(self, code: str, choice: str) -> str:
        return schema.label(code, choice, self.language)

    def phone(self, number: str) -> str:
        return cleaning.national_phone(number, self.workspace.settings.phone_region)


def session_token() -> str:
    """The session's token from the cookie of this connection; "" where there is none."""
    return token_from_cookies(st.context.cookies) or ""


def language() -> str:
    """The installation's language, for someone who is not signed in."""
    return current().settings.language


def wait_for_sign_in() -> None:
    """Leave an open page as it stands when its session has ended in the middle of a run.

    The gate closes the connection in a moment, and the page says so. A run that came to its end would take away what
    was typed; so this one begins again and again, without a word, until its user has signed in or PATIENCE is over.
    """
    since = st.session_state.setdefault("_ended", time.monotonic())
    if "_user" in st.session_state and time.monotonic() - since < PATIENCE:
        time.sleep(0.5)
        st.rerun()


def visit() -> Visit:
    """The visit of this run.

    Raises:
        NotSignedIn: there is no session, or it has ended.
    """
    workspace = Workspace(current(), session_token())
    if not workspace.token:
        raise NotSignedIn
    account = workspace.account
    chosen = workspace.preferences.get("language", "")
    return Visit(workspace, account, translator(chosen if chosen in LANGUAGES else workspace.settings.language))
