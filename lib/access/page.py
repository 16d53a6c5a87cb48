"""Streamlit's page as the gate hands it out: in the user's language, with the script that watches the connection."""

from __future__ import annotations

import json
import re
import secrets
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lib.access.accounts import Account
from lib.access.assets import versioned
from lib.access.cookies import token_of
from lib.i18n import LANGUAGES, N_, translator
from lib.installation import current

_START = secrets.token_hex(8)  # of this process: a page's state does not outlive it
_HEAD = re.compile(rb"<head\b[^>]*>", re.IGNORECASE)
_LANGUAGE = re.compile(rb'(<html\b[^>]*?) lang="[^"]*"', re.IGNORECASE)
_TITLE = re.compile(rb"<title>[^<]*</title>", re.IGNORECASE)

_TEXTS = {
    "ended_title": N_("Your session has ended"),
    "ended_text": N_("Sign in again in a new tab. This page waits with what you typed and then goes on by itself."),
    "sign_in": N_("Sign in"),
    "lost_title": N_("No connection to the server"),
    "lost_text": N_("What you typed is kept. The page tries again by itself; you can wait or come back later."),
}


def with_script(html: bytes, account: Account, language: str) -> bytes:
    """Streamlit's page with the gate's script before its own. Another page stays as it is."""
    if b'<div id="root">' not in html:
        return html
    told = _told(account, language)
    data = {"who": told["who"], "run": told["run"], "texts": json.dumps(told["texts"])}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    ours = (
        f'<script src="{escape(versioned("page.js"))}" {attributes}></script>'
        f'<link rel="stylesheet" href="{escape(versioned("page.css"))}">'
    )
    html = _HEAD.sub(lambda head: head[0] + ours.encode(), html, count=1)
    html = _LANGUAGE.sub(lambda start: start[1] + f' lang="{language}"'.encode(), html, count=1)
    title = escape(translator(language)("Prospect register"))
    return _TITLE.sub(f"<title>{title}</title>".encode(), html, count=1)


def language_of(token: str) -> str:
    """The language that is preferred on this device, or the installation's."""
    session = current().sessions.lookup(token, used=False)
    chosen = session.preferences.get("language", "") if session else ""
    return chosen if chosen in LANGUAGES else current().settings.language


def _told(account: Account, language: str) -> dict[str, Any]:
    t = translator(language)
    texts = {name: t(text) for name, text in _TEXTS.items()}
    return {"who": account.name, "run": f"{_START}:{account.epoch}", "language": language, "texts": texts}


async def session(request: Request) -> Response:
    """Whether this browser's session holds, and whose it is; asking is no use of it."""
    token = token_of(request.scope)
    account = current().account_of(token, used=False) if token else None
    return JSONResponse(_told(account, language_of(token)) if account else {"who": ""})


SESSION = Route("/session", session, methods=["GET"])
