"""The gate alone, before an app that takes down what reaches it: each of its guards without the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lib.access import gate
from lib.access.gate import Gate
from lib.access.headers import with_headers

TOKEN = "token"


class Server:
    """What the gate asks about sessions: one, until it ends."""

    ended = False

    def account_of(self, token: str, *, used: bool = True) -> Any:
        return None if self.ended or token != TOKEN else SimpleNamespace(name="sami", epoch=1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(gate, "current", lambda: server)
    monkeypatch.setattr(gate, "token_of", lambda scope: TOKEN)
    monkeypatch.setattr(gate, "cookie_name", lambda: "name")
    monkeypatch.setattr(Gate, "active", Gate.active)
    return server


def talk(app: Callable[..., Any], server: Server) -> tuple[list[str], list[dict[str, Any]]]:
    """A socket's life: connected, the session ended, one message sent. What the app got, and what the browser got."""
    got: list[str] = []
    sent: list[dict[str, Any]] = []
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive() -> dict[str, Any]:
        return await incoming.get()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await app(server, incoming, receive, send, got)

    async def live() -> None:
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/_stcore/stream",
            "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"localhost")],
        }
        incoming.put_nowait({"type": "websocket.connect"})
        await asyncio.wait_for(Gate(watched)(scope, receive, send), 10)

    asyncio.run(live())
    return got, sent


def test_a3_what_comes_after_the_end_does_not_reach_the_app(server: Server) -> None:
    async def app(server: Server, incoming: Any, receive: Any, send: Any, got: list[str]) -> None:
        got.append((await receive())["type"])
        server.ended = True
        incoming.put_nowait({"type": "websocket.receive", "bytes": b"run"})
        got.append((await receive())["type"])

    got, sent = talk(app, server)
    assert got == ["websocket.connect", "websocket.disconnect"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a3_what_the_app_says_after_the_end_does_not_reach_the_browser(server: Server) -> None:
    async def app(server: Server, incoming: Any, receive: Any, send: Any, got: list[str]) -> None:
        await send({"type": "websocket.send", "bytes": b"before"})
        server.ended = True
        await send({"type": "websocket.send", "bytes": b"row"})
        await send({"type": "websocket.send", "bytes": b"another"})

    _, sent = talk(app, server)
    assert sent == [{"type": "websocket.send", "bytes": b"before"}, {"type": "websocket.close", "code": 1008}]


def test_a3_a_page_that_only_listens_is_closed_as_well(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_RECHECK_SECONDS", 0.01)

    async def app(server: Server, incoming: Any, receive: Any, send: Any, got: list[str]) -> None:
        server.ended = True
        await asyncio.sleep(0.2)

    _, sent = talk(app, server)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a3_one_account_and_one_cookie_are_what_the_app_is_told(server: Server) -> None:
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.extend(scope["headers"])

    async def live() -> None:
        headers = [
            (b"host", b"localhost"),
            (b"cookie", b"name=forged; other=x"),
            (b"X-Prospects-User", b"aino:1"),
        ]
        scope = {"type": "websocket", "scheme": "ws", "path": "/", "client": ("127.0.0.1", 1), "headers": headers}
        await Gate(app)(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(live())
    assert told == [(b"host", b"localhost"), (b"x-prospects-user", b"sami:1"), (b"cookie", b"name=token")]


def test_behind_https_a_cookie_of_streamlit_s_own_goes_over_https_alone() -> None:
    theirs = [(b"Set-Cookie", b"_streamlit_xsrf=x; Path=/"), (b"set-cookie", b"a=b; secure")]
    for scheme, expected in (
        ("https", [b"_streamlit_xsrf=x; Path=/; Secure", b"a=b; secure"]),
        ("http", [b"_streamlit_xsrf=x; Path=/", b"a=b; secure"]),
    ):
        headers = with_headers({"scheme": scheme, "headers": []}, theirs, kept=False)
        assert [value for name, value in headers if name.lower() == b"set-cookie"] == expected
