"""The session cookie: its name, its token, how it is set."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from lib.installation import current


def cookie_name() -> str:
    """The cookie's name; it carries the register's id, since two registers on one host share their cookies."""
    return f"prospects_{current().id}"


def token_from_cookies(cookies: Mapping[str, str]) -> str | None:
    """The session's token among cookies; None where there is none."""
    return cookies.get(cookie_name()) or None


def token_of(scope: MutableMapping[str, Any]) -> str:
    """The session's token in a request; "" where there is none."""
    return token_from_cookies(HTTPConnection(scope).cookies) or ""


def set_session(response: Response, token: str, connection: HTTPConnection) -> None:
    """Let the response start a session in the browser."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=current().settings.session_days * 86400,
        path="/",
        secure=is_https(connection),
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, connection: HTTPConnection) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(cookie_name(), path="/", secure=is_https(connection), httponly=True, samesite="lax")


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser came by https, to this server or to a proxy before it."""
    return connection.url.scheme == "https" or connection.headers.get("x-forwarded-proto", "") == "https"
