"""The gate: nothing of the register passes without a session.

Streamlit's own WebSocket, media and upload addresses answer anyone, so this stands before all of them, and looks the
session up again at each message of an open WebSocket. It also adds the headers that keep a page to itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from lib.access.cookies import token_from_cookies, token_of
from lib.access.roles import landing
from lib.access.web import error_page, waiting_page
from lib.errors import AppError
from lib.installation import current

__all__ = ["Gate", "token_from_cookies"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_OWN = ("/login", "/logout", "/setup")
_HEALTH = "/_stcore/health"
_BUNDLE = "/static/"
_ICONS = ("/favicon.png", "/favicon.ico")
# What is no page of the register: refused without a body, not led to sign-in.
_UNUSED = ("/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent", "/_stcore/skills")
_PARTS = ("/_stcore", "/media", "/component", "/app/static", "/static")
_RECHECK_SECONDS = 1.0
_USER_HEADER = b"x-prospects-user"  # server.trustedUserHeaders in .streamlit/config.toml
_ENDED = 1008  # policy violation: Streamlit's client keeps the page and tries to come back

# Streamlit's page needs inline styles, blob: (downloads, workers), data: (fonts, images) and its one inline script,
# a flag for crawlers, named by its hash. Charts need no 'unsafe-eval': Streamlit lets Vega interpret.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """ASGI middleware around the whole app. `active` tells the pages that it stands before them."""

    active: ClassVar[bool] = False

    def __init__(self, app: App) -> None:
        self._app = app
        Gate.active = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _with_headers(scope["path"], message.get("headers", ()))}
            await send(message)

        try:
            await (self._answer(scope) or self._app)(scope, receive, guarded)
        except Exception as error:
            _LOG.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            if started:
                raise ConnectionAbortedError from None
            await error_page(scope)(scope, receive, guarded)

    def _answer(self, scope: Scope) -> App | None:
        """The gate's own answer to a request; None lets it through."""
        path: str = scope["path"]
        if path in (*_OWN, *_ICONS, _HEALTH) or path.startswith(_BUNDLE):
            return None
        if _is_under(path, _UNUSED):
            return Response(status_code=401)
        token = token_of(scope)
        account = current().account_of(token) if token else None
        if account is None:
            if scope["method"] not in ("GET", "HEAD") or _is_under(path, _PARTS):
                return Response(status_code=401)
            if current().is_new:
                return waiting_page(scope)
            return RedirectResponse(f"/login?next={quote(_with_query(path, scope))}", 303)
        # The default page answers at "/" alone; its own name would show "Page not found".
        if path.strip("/") == landing(account.roles):
            return RedirectResponse(_with_query("/", scope), 303)
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = token_of(scope)

        def valid(*, used: bool = False) -> bool:
            try:
                return bool(token) and current().account_of(token, used=used) is not None
            except AppError:
                return False

        account = current().account_of(token) if valid() else None
        if account is None:
            await receive()
            await send({"type": "websocket.close", "code": _ENDED})
            return
        # Streamlit resumes whatever session a browser names, if its user is the same: so it is told who that is.
        who = (_USER_HEADER, f"{account.name}:{account.epoch}".encode())
        scope = {**scope, "headers": [h for h in scope["headers"] if h[0].lower() != _USER_HEADER] + [who]}
        over = asyncio.Event()

        async def close() -> None:
            if not over.is_set():
                over.set()
                with contextlib.suppress(Exception):  # the browser may have gone meanwhile
                    await send({"type": "websocket.close", "code": _ENDED})

        async def watch() -> None:
            while valid():
                await asyncio.sleep(_RECHECK_SECONDS)
            await close()

        async def guarded_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and (over.is_set() or not valid(used=True)):
                await close()
                return {"type": "websocket.disconnect", "code": _ENDED}
            return message

        async def guarded_send(message: Message) -> None:
            if not over.is_set():
                await send(message)

        watcher = asyncio.create_task(watch())
        try:
            await self._app(scope, guarded_receive, guarded_send)
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher


def _is_under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _with_query(path: str, scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _with_headers(path: str, headers: Any) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower().decode("latin-1") not in _HEADERS]
    if not path.startswith("/static/"):
        kept = [(name, value) for name, value in kept if name.lower() != b"cache-control"]
        kept.append((b"cache-control", b"no-store"))
    return kept + [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
