"""The gate: nothing of the register passes without a session.

Streamlit's own WebSocket, media and upload addresses answer anyone, so this stands before all of them, and looks the
session up again at each message of an open WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from lib.access import connection, page
from lib.access.assets import PREFIX
from lib.access.cookies import cookie_name, token_from_cookies, token_of
from lib.access.headers import with_headers
from lib.access.messages import error_page, foreign_host_page, plain_http_page, waiting_page
from lib.access.roles import landing, may
from lib.access.server import LARGEST_UPLOAD
from lib.errors import AppError
from lib.installation import current

__all__ = ["Gate", "token_from_cookies"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger(__name__)
# The gate's own pages for those who have no session yet, or one with something to do first.
_OWN = ("/login", "/login/code", "/logout", "/session", "/setup", "/password/strength")
_TO_DO = {"password": "/password", "second_factor": "/second-factor"}
_HEALTH = "/_stcore/health"
_PUBLIC = ("/static/", PREFIX)
_ICONS = ("/favicon.png", "/favicon.ico")
# What is no page of the register, among it Streamlit's own sign-in: refused without a body, not led to sign-in.
_UNUSED = (
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent",
    "/_stcore/skills",
    "/auth",
    "/oauth2callback",
)
_PARTS = ("/_stcore", "/media", "/component", "/app/static", "/static")
LARGEST_FORM = 64 * 1024
_UPLOADS = ("/_stcore/upload_file",)
UPLOADS_FOR = "import"  # no page of anybody else takes a file
_RECHECK_SECONDS = 1.0
_USER_HEADER = b"x-prospects-user"  # server.trustedUserHeaders in .streamlit/config.toml
RUN, FILE, TOO_MUCH, UNUSED = "run", "file", "too much", "unused"  # what a page's message may ask for
LARGEST_MESSAGE = 2 * 1024 * 1024  # bytes of one message of a page
# Runs of pages that one user may ask for: so many at once, and so many a second. Streamlit begins each at once, and a
# thousand of them would keep everyone waiting. A new connection takes one, a list that is built several, and so does a
# message of many bytes.
_RUNS_AT_ONCE, _RUNS_A_SECOND, _FILE_TAKES, _BYTES_TAKE_ONE = 20, 4.0, 5, 64 * 1024
_CONNECTIONS = 60  # that one user may have at once
_ENDED = 1008  # policy violation: Streamlit's client keeps the page and tries to come back
# Headers that would have Streamlit's page sent in part, packed, or not at all.
_PARTLY = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")


class Gate:
    """ASGI middleware around the whole app. `active` tells the pages that it stands before them.

    Args:
        allowed_hosts: the host names that the server answers to; any where none is named.
        asked: what a page's message asks for: RUN, FILE, TOO_MUCH, UNUSED, or anything else.
    """

    active: ClassVar[bool] = False

    def __init__(
        self, app: App, allowed_hosts: Iterable[str] = (), asked: Callable[[bytes], str] = lambda content: ""
    ) -> None:
        self._app = app
        self._asked = asked
        self._hosts = tuple(allowed_hosts)
        self._entered = connection.through_proxies(self._enter)
        self._runs: dict[str, _Runs] = {}
        Gate.active = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entered(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    # -- pages and files ---------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {
                    **message,
                    "headers": with_headers(scope, message.get("headers", ()), kept=scope["path"].startswith(_PUBLIC)),
                }
            await send(message)

        try:
            answer = self._refusal(scope) or self._answer(scope) or self._app
            await answer(scope, _limited(scope, receive), guarded)
        except Exception as error:
            if not isinstance(error, _TooLarge):
                _LOG.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            if started:
                raise ConnectionAbortedError from None
            await (Response(status_code=413) if isinstance(error, _TooLarge) else error_page(scope))(
                scope, receive, guarded
            )

    def _refusal(self, scope: Scope) -> App | None:
        """What is said to a request that came the wrong way; None where it came the right one."""
        if scope["path"] == _HEALTH:
            return None
        if not connection.is_https(scope) and connection.is_from_elsewhere(scope):
            return plain_http_page(scope)
        if not connection.is_host_allowed(scope, self._hosts):
            return foreign_host_page(scope)
        if _content_length(scope) > _most(scope):
            return Response(status_code=413)
        if not scope["path"].isprintable():
            return _malformed()  # a line's end in it would be another address to who comes behind
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            return _malformed()  # whoever stands between may end the request elsewhere
        return None

    def _answer(self, scope: Scope) -> App | None:
        """The gate's own answer to a request; None lets it through."""
        path: str = scope["path"]
        if path in (*_OWN, *_ICONS, _HEALTH) or path.startswith(_PUBLIC):
            return None
        if _is_under(path, _UNUSED):
            return Response(status_code=401)
        token = token_of(scope)
        account = current().account_of(token) if token else None
        reads = scope["method"] in ("GET", "HEAD")
        if account is None:
            return self._without_session(scope, token, reads=reads)
        if not reads and not _is_own_origin(scope):
            return Response(status_code=403)
        if _is_under(path, _UPLOADS) and not may(account.roles, UPLOADS_FOR):
            return Response(status_code=403)
        # The default page answers at "/" alone; its own name would show "Page not found".
        if path.strip("/") == landing(account.roles):
            return RedirectResponse(_with_query("/", scope), 303)
        if reads and not _is_under(path, _PARTS):
            return self._page(token)
        return None

    def _without_session(self, scope: Scope, token: str, *, reads: bool) -> App | None:
        path: str = scope["path"]
        half = current().half_in(token) if token else None
        first = _TO_DO[current().todo(half)] if half else "/login"
        if half and path == first:
            return None
        if scope["method"] == "POST" and path in _TO_DO.values():  # the session ended since the form was shown
            return RedirectResponse(f"{first}?next={quote(path)}", 303)
        if not reads or _is_under(path, _PARTS):
            return Response(status_code=401)
        if current().is_new:
            return waiting_page(scope)
        return RedirectResponse(f"{first}?next={quote(_with_query(path, scope))}", 303)

    def _page(self, token: str) -> App:
        """Streamlit's page, with the gate's script in it."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            started: Message = {}
            body = bytearray()

            async def whole(message: Message) -> None:
                if message["type"] == "http.response.start":
                    started.update(message)
                    return
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                account = current().account_of(token)
                html = page.with_script(bytes(body), account, page.language_of(token)) if account else b""
                headers = [h for h in started["headers"] if h[0].lower() not in (b"content-length", b"etag")]
                headers.append((b"content-length", str(len(html)).encode()))
                await send({**started, "headers": headers})
                await send({"type": "http.response.body", "body": html})

            headers = [header for header in scope["headers"] if header[0].lower() not in _PARTLY]
            # The server leaves a HEAD's body away itself.
            await self._app({**scope, "method": "GET", "headers": headers, "extensions": {}}, receive, whole)

        return app

    def _runs_of(self, user: str) -> _Runs:
        self._runs = {name: runs for name, runs in self._runs.items() if not runs.are_full}
        return self._runs.setdefault(user, _Runs())

    # -- the WebSocket -----------------------------------------------------------------------------------------------

    def _may_connect(self, scope: Scope) -> bool:
        """Whether a WebSocket came the right way, and from a page of this server."""
        if not connection.is_https(scope) and connection.is_from_elsewhere(scope):
            return False
        # Of a foreign origin Streamlit would ask an outside server which address this machine has.
        return connection.is_host_allowed(scope, self._hosts) and _is_own_origin(scope)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = token_of(scope)

        def valid(*, used: bool = False) -> bool:
            try:
                return bool(token) and current().account_of(token, used=used) is not None
            except AppError:
                return False

        account = current().account_of(token) if self._may_connect(scope) and valid() else None
        runs = self._runs_of(account.name) if account else _Runs()
        if account is None or runs.connections >= _CONNECTIONS:
            await receive()
            await send({"type": "websocket.close", "code": _ENDED})
            return
        # Streamlit resumes whatever session a browser names, if its user is the same: so it is told who that is. The
        # page is handed the one cookie that the gate went by.
        told = (_USER_HEADER, f"{account.name}:{account.epoch}".encode())
        cookie = (b"cookie", f"{cookie_name()}={token}".encode())
        kept = [h for h in scope["headers"] if h[0].lower() not in (_USER_HEADER, b"cookie")]
        scope = {**scope, "headers": [*kept, told, cookie]}
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
            message, asked = await receive(), ""
            while message["type"] == "websocket.receive":
                content = message.get("bytes") or b""
                if len(content) > LARGEST_MESSAGE or message.get("text"):
                    asked = TOO_MUCH
                    break
                if takes := len(content) // _BYTES_TAKE_ONE:
                    await runs.wait(takes)
                asked = self._asked(content)
                if asked != UNUSED:
                    break
                message = await receive()
            if message["type"] == "websocket.receive":
                if asked in (RUN, FILE):
                    await runs.wait(_FILE_TAKES if asked == FILE else 1)
                if asked == TOO_MUCH or over.is_set() or not valid(used=True):
                    await close()
                    return {"type": "websocket.disconnect", "code": _ENDED}
            return message

        async def guarded_send(message: Message) -> None:
            if not over.is_set() and valid():
                await send(message)
            else:
                await close()

        runs.connections += 1
        watcher = asyncio.create_task(watch())
        try:
            await runs.wait()
            await self._app(scope, guarded_receive, guarded_send)
        finally:
            runs.connections -= 1
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher


class _Runs:
    """How many runs of pages a user may still ask for: they come back with time. And how many connections there are."""

    def __init__(self) -> None:
        self.connections = 0
        self._left, self._at = float(_RUNS_AT_ONCE), time.monotonic()

    def _now(self) -> float:
        now = time.monotonic()
        self._left = min(_RUNS_AT_ONCE, self._left + (now - self._at) * _RUNS_A_SECOND)
        self._at = now
        return self._left

    @property
    def are_full(self) -> bool:
        """Whether nothing is known of this user that a new count would not know."""
        return not self.connections and self._now() >= _RUNS_AT_ONCE

    async def wait(self, runs: int = 1) -> None:
        """Take some, once they are there."""
        left = self._now() - runs
        self._left = left
        if left < 0:
            await asyncio.sleep(-left / _RUNS_A_SECOND)


class _TooLarge(Exception):
    """A request's body is larger than its address takes."""


def _malformed() -> Response:
    """What comes behind such a request on the same connection is no request either."""
    return Response(status_code=400, headers={"connection": "close"})


def _most(scope: Scope) -> int:
    """The most bytes that a request may bring; an upload is wrapped in some of its own."""
    return LARGEST_UPLOAD + LARGEST_FORM if _is_under(scope["path"], _UPLOADS) else LARGEST_FORM


def _content_length(scope: Scope) -> int:
    """What a request says its body's length is; 0 where it does not say."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(said[0]) if said and said[0].isdigit() else 0


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The request's body, which ends in an error where it is too large."""
    left = _most(scope)

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLarge
        return message

    return received


def _is_own_origin(scope: Scope) -> bool:
    """Whether a request came from a page of this server, or from no page at all."""
    named = [value for name, value in scope["headers"] if name == b"origin"]
    return all(connection.is_own_origin(scope, value.decode("latin-1")) for value in named)


def _is_under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _with_query(path: str, scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
