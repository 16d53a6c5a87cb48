"""The cookies: the session's, that of a sign-in between its steps, and the marks of a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.responses import Response

from lib.access.connection import Scope, is_https
from lib.access.entrance import TICKET_SECONDS
from lib.access.throttle import KNOWN
from lib.installation import current


def cookie_name(*, https: bool = False) -> str:
    """The cookie's name; it carries the register's id, since two registers on one host share their cookies.

    Behind https it begins with __Host-: a browser takes such a cookie from this very host alone, and over https alone,
    so nobody can put one of theirs there.
    """
    return f"{'__Host-' if https else ''}prospects_{current().id}"


def token_from_cookies(cookies: Mapping[str, str]) -> str | None:
    """The session's token among the cookies of a page's connection; None where there is none.

    The gate leaves one cookie there, under the plain name.
    """
    return cookies.get(cookie_name()) or None


def token_of(scope: Scope) -> str:
    """The session's token in a request; "" where there is none."""
    return HTTPConnection(dict(scope)).cookies.get(cookie_name(https=is_https(scope)), "")


def set_session(response: Response, token: str, connection: HTTPConnection) -> None:
    """Let the response start a session in the browser, kept there for as long as it can last, and mark the browser."""
    settings, session = current().settings, current().sessions.lookup(token, used=False)
    hours = 24 * settings.own_device_days if session and session.own else settings.session_hours
    name = cookie_name(https=is_https(connection.scope))
    _set(response, connection, name, token, hours * 3600, samesite="lax")
    set_marks(response, token, connection)


def drop_session(response: Response, connection: HTTPConnection) -> None:
    """Let the browser forget the session."""
    https = is_https(connection.scope)
    response.delete_cookie(cookie_name(https=https), path="/", secure=https, httponly=True, samesite="lax")


# -- a sign-in that waits for the second factor ------------------------------------------------------------------------


def _code_name(connection: HTTPConnection) -> str:
    return f"{cookie_name(https=is_https(connection.scope))}_code"


def code_cookie(connection: HTTPConnection) -> str:
    """The ticket of a sign-in that waits for the second factor; "" where there is none."""
    return connection.cookies.get(_code_name(connection), "")


def set_code(response: Response, ticket: str, connection: HTTPConnection) -> None:
    _set(response, connection, _code_name(connection), ticket, TICKET_SECONDS)


def drop_code(response: Response, connection: HTTPConnection) -> None:
    if code_cookie(connection):
        response.delete_cookie(_code_name(connection), path="/", secure=is_https(connection.scope), httponly=True)


# -- the marks of a browser, which stay when somebody signs out --------------------------------------------------------


def _marks_name(connection: HTTPConnection) -> str:
    return f"{cookie_name(https=is_https(connection.scope))}_marks"


def marks_of(connection: HTTPConnection) -> str:
    """The marks of the users who came in from this browser; "" where there are none."""
    return connection.cookies.get(_marks_name(connection), "")


def set_marks(response: Response, token: str, connection: HTTPConnection) -> None:
    """Let the browser have a mark of the user whose session this is. A name with __Host- takes no narrower path."""
    if marks := current().marked(token, marks_of(connection)):
        _set(response, connection, _marks_name(connection), marks, KNOWN)


def _set(
    response: Response,
    connection: HTTPConnection,
    name: str,
    value: str,
    seconds: float,
    *,
    samesite: Literal["lax", "strict"] = "strict",
) -> None:
    """Set a cookie that scripts cannot read, and that no plain connection takes where this one is none."""
    https = is_https(connection.scope)
    response.set_cookie(name, value, max_age=int(seconds), path="/", secure=https, httponly=True, samesite=samesite)
