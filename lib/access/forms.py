"""What the gate's own pages share: templates, the reader's language, and forms that come from these pages alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lib.access import connection
from lib.access.assets import versioned
from lib.access.throttle import network
from lib.errors import AppError, BadSignIn, NotSignedIn, TooMany
from lib.i18n import LANGUAGES, N_, translator
from lib.installation import current

_SLOWEST_FORM = 20.0  # seconds until a form has to be here
Form = dict[str, str]
Handler = Callable[[Request, Form], Awaitable[Response]]

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["versioned"] = versioned
# Sign-ins take a core for a moment each; apart from the threads that serve everything else. Those from one address
# stand in a line of their own, so that nobody elsewhere waits behind many of them; and whoever is known, in another one
# than strangers, who may be at many addresses.
_AT_ONCE, _KNOWN_AT_ONCE = CapacityLimiter(4), CapacityLimiter(2)
_FROM_ONE_ADDRESS = 2
_LINES: WeakValueDictionary[tuple[str, bool], CapacityLimiter] = WeakValueDictionary()


def page(template: str, language: str, status: int = 200, **context: Any) -> HTMLResponse:
    t = translator(language)
    return HTMLResponse(_TEMPLATES.get_template(template).render(t=t, language=language, **context), status)


def message(language: str, status: int, title: str, text: str, link: tuple[str, str] | None = None) -> HTMLResponse:
    """A page that says one thing. `link` is an address and what it is called."""
    t = translator(language)
    shown = (link[0], t(link[1])) if link else None
    return page("message.html", language, status, title=t(title), text=t(text), link=shown)


def refused(response: Response, error: AppError) -> Response:
    """A form's page with what was wrong: 401 for who one is, 429 for too many tries, 422 for what cannot be used."""
    response.status_code = 429 if isinstance(error, TooMany) else 401 if isinstance(error, BadSignIn) else 422
    if isinstance(error, TooMany):
        response.headers["retry-after"] = str(error.seconds)
    return response


def accepted(scope: connection.Scope) -> str:
    """The language that the browser asks for first, of those offered; Finnish where it does not say."""
    asked = Request(dict(scope)).headers.get("accept-language", "").strip().lower()[:2]
    return asked if asked in LANGUAGES else "fi" if asked in ("", "*") else "en"


def language(request: Request) -> str:
    """The language of whoever has no session: the installation's, before the first start the browser's."""
    return accepted(request.scope) if current().is_new else current().settings.language


def local_path(value: str) -> str:
    """A path on this server to go on to; "/" for anything else."""
    if (
        not value.startswith("/")
        or "//" in value.partition("?")[0]
        or "\\" in value
        or any(ord(c) < 32 or ord(c) == 127 for c in value)
    ):
        return "/"
    return "/" if value.startswith(("/login", "/logout", "/setup", "/sign-out", "/language")) else value


def came_from(request: Request) -> dict[str, str]:
    """The device and the address of who asks."""
    return {"device": request.headers.get("user-agent", ""), "address": connection.address(request.scope)}


async def in_thread(request: Request, call: Callable[[], Any], *, known: bool = False) -> Any:
    """Do what takes a moment of a core for who asks, in turn.

    Args:
        known: it is somebody who is signed in, or was in this browser before.
    """
    who = (network(connection.address(request.scope)), known)
    line = _LINES.get(who) or _LINES.setdefault(who, CapacityLimiter(_FROM_ONE_ADDRESS))
    async with line:
        return await to_thread.run_sync(call, limiter=_KNOWN_AT_ONCE if known else _AT_ONCE)


def posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of forms that come from this server's own pages."""

    @wraps(handler)
    async def checked(request: Request) -> Response:
        try:
            form = await asyncio.wait_for(_form(request), _SLOWEST_FORM) if _is_own(request) else None
        except TimeoutError:
            form = None
        if form is None:
            text = N_("The form did not come from a page of this register. Nothing was done. Go back and try again.")
            return message(language(request), 403, N_("Not accepted"), text)
        try:
            return await handler(request, form)
        except NotSignedIn:  # the session ended since the page was shown
            return RedirectResponse("/login", 303)

    return checked


def _is_own(request: Request) -> bool:
    """Whether a form was sent from a page of this server."""
    origin = request.headers.get("origin")
    if origin is None:
        source = urlsplit(request.headers.get("referer", ""))
        origin = f"{source.scheme}://{source.netloc}"
    return connection.is_own_origin(request.scope, origin)


async def _form(request: Request) -> Form | None:
    """The fields of a plain form; None for anything that is none. The gate lets no large one through."""
    kind, body = request.headers.get("content-type", ""), await request.body()
    if (body or kind) and not kind.startswith("application/x-www-form-urlencoded"):
        return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=32, errors="strict"))
    except ValueError:
        return None
