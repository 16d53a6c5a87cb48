"""Errors, said in the reader's language in one place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from lib import schema, settings
from lib.errors import AppError, HeldOpen, Invalid, NotSignedIn, Unfinished
from lib.i18n import N_, Text, Translator, translator
from lib.installation import current

# Fields of forms that are no column of the register.
FIELDS = {
    "reason": N_("Reason"),
    "ids": N_("Chosen rows"),
    "password": N_("Password"),
    "settings.toml": "settings.toml",
}


_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def upright(text: str) -> str:
    """A user's text beside other texts: characters that turn the direction of what follows are not shown."""
    return _DIRECTIONS.sub("", text)


def plain(text: str) -> str:
    """A user's text where Markdown is read: nothing in it counts as a mark."""
    text = upright(text).replace("://", ":\u200b//").replace("www.", "www\u200b.")  # else it would become a link
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|$:~^&" else c for c in text)


def field_name(code: str, t: Translator) -> str:
    """What a field of a form is called."""
    if code in schema.BY_CODE:
        return schema.heading(code, t.language)
    return t(settings.LABELS.get(code) or FIELDS.get(code, code))


def show_error(error: AppError, t: Translator) -> None:
    """Say an error: what happened, what is safe, what to do."""
    if isinstance(error, NotSignedIn):
        st.info(t.text(error.text), icon=":material/lock:")
        st.link_button(t("Sign in"), f"/login?next={quote(_here())}", type="primary")
        return
    st.error(error_text(error, t), icon=":material/error:")


def _here() -> str:
    """The path of the page that is open, to come back to."""
    path, query = urlsplit(st.context.url or "/").path, urlencode(st.query_params.to_dict())
    return f"{path}?{query}" if query else path


def error_text(error: AppError, t: Translator) -> str:
    """An error as Markdown, with what is wrong in which field, or what stands in the way."""
    text = said(error.text, t)
    if isinstance(error, Invalid):
        text += "".join(f"\n- **{field_name(code, t)}**: {said(why, t)}" for code, why in error.fields.items())
    if isinstance(error, Unfinished):
        text += "".join(f"\n- {said(obstacle, t)}" for obstacle in error.obstacles)
    return text


def said(text: Text, t: Translator) -> str:
    """A text as Markdown: whatever a user or a file wrote in it counts as text."""
    params = {
        name: said(value, t) if isinstance(value, Text) else plain(value) if isinstance(value, str) else value
        for name, value in text.params.items()
    }
    if text.msgid == HeldOpen.template and text.params.get("name") in ("", "?"):
        params["name"] = t("Somebody")
    return t(text.msgid, **params)


def show_failure(error: Exception) -> bool:
    """Say calmly that a page failed, where nothing else has; the log has the error's class and place."""
    try:
        language = current().settings.language
    except AppError:  # the settings themselves are the trouble
        language = "fi"
    t = translator(language)
    if isinstance(error, AppError):  # from a callback or a dialog, which run without the page around them
        show_error(error, t)
    else:
        st.error(t("Something went wrong on this page. What was saved before is safe. Load the page again."))
    return True


def show_warnings(warnings: Mapping[str, Text], t: Translator) -> None:
    for code, why in warnings.items():
        st.warning(f"**{field_name(code, t)}**: {t.text(why)}", icon=":material/info:")


def attempt(action: Callable[[], object], t: Translator) -> bool:
    """Do something; where it fails, say why. Returns whether it was done."""
    try:
        action()
    except AppError as error:
        show_error(error, t)
        return False
    return True


_FLASHES = {
    "success": (st.success, ":material/check_circle:"),
    "warning": (st.warning, ":material/info:"),
    "error": (st.error, ":material/error:"),
}


def flash(text: str, kind: Literal["success", "warning", "error"] = "success") -> None:
    """Say a text, as Markdown, after the next rerun."""
    st.session_state.setdefault("_flash", []).append((kind, text))


def show_flash() -> None:
    st.session_state["_flashed"] = st.session_state.pop("_flash", [])
    for kind, text in st.session_state["_flashed"]:
        show, icon = _FLASHES[kind]
        show(text, icon=icon)


def keep_flash() -> None:
    """Say after the next rerun what this run said: nobody had the time to read it."""
    st.session_state["_flash"] = [*st.session_state.get("_flashed", []), *st.session_state.get("_flash", [])]
