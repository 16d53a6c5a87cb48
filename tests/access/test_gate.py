"""The gate alone, before an app that takes down what reaches it: each of its guards without the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from lib.access import gate
from lib.access.gate import Gate
from lib.access.headers import with_headers
from lib.ui import protocol
from lib.ui.protocol import asked

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
        await asyncio.wait_for(Gate(watched, asked=asked)(scope, receive, send), 10)

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


# -- what one page may ask for -----------------------------------------------------------------------------------------


def message(**parts: Any) -> bytes:
    return bytes(BackMsg(**parts).SerializeToString())


def states(*widgets: dict[str, Any]) -> bytes:
    return message(rerun_script={"widget_states": {"widgets": widgets}})


def typed(text: str) -> bytes:
    return states({"id": "notes", "string_value": text})


RUN = message(rerun_script=ClientState(query_string="a=b"))


def asked_for(server: Server, *messages: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """What the app got of what a page sent."""

    async def app(server: Server, incoming: Any, receive: Any, send: Any, got: list[str]) -> None:
        for sent in messages:
            incoming.put_nowait({"type": "websocket.receive", **sent})
        while len(got) <= len(messages) and (not got or got[-1] != "websocket.disconnect"):
            got.append((await receive())["type"])

    got, sent = talk(app, server)
    return got[1:], sent


def test_a_flood_of_runs_waits_its_turn_and_nothing_of_it_is_lost(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(gate.asyncio, "sleep", note)
    monkeypatch.setattr(gate, "_RECHECK_SECONDS", 1e9)
    got, _ = asked_for(server, *[{"bytes": RUN}] * 100)
    waits = [seconds for seconds in waited if seconds < 1e9]
    assert got == ["websocket.receive"] * 100
    # 20 at once, then 4 a second; the connection took one
    assert len(waits) == 81 and waits == sorted(waits) and 19.7 < waits[-1] < 20.4


def test_runs_of_all_sockets_of_a_user_count_together(server: Server) -> None:
    both = Gate(lambda scope, receive, send: None)  # type: ignore[arg-type,return-value]
    runs = both._runs_of("sami")
    asyncio.run(runs.wait())
    assert both._runs_of("sami") is runs and both._runs_of("bo") is not runs
    runs._at -= 60
    assert runs.are_full and both._runs_of("sami") is not runs  # a count that is over is forgotten


def test_what_is_no_run_waits_for_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_RUNS_AT_ONCE", 1)  # the connection takes it
    monkeypatch.setattr(gate, "_RUNS_A_SECOND", 1e-9)
    got, _ = asked_for(server, *[{"bytes": message(app_heartbeat=True)}] * 100)
    assert got == ["websocket.receive"] * 100


def test_a_file_that_is_built_waits_as_long_as_several_runs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []

    async def note(runs: Any, taken: int = 1) -> None:
        waited.append(taken)

    monkeypatch.setattr(gate._Runs, "wait", note)
    file = message(backend_operation_request={"session_id": "1", "deferred_file": {"file_id": "x"}})
    chunk = message(backend_operation_request={"session_id": "1", "dataframe_chunk": {"source_id": "x"}})
    got, _ = asked_for(server, {"bytes": file}, {"bytes": chunk}, {"bytes": RUN})
    assert got == ["websocket.receive"] * 3 and waited == [1, 5, 1]


def test_a2_what_no_page_of_ours_asks_for_reaches_nothing(server: Server) -> None:
    """Else anybody clears the cache that all share, or has developers' tools put on the server."""
    unused = [
        *({name: True} for name in ("clear_cache", "set_run_on_save", "load_git_info")),
        *({f"debug_{name}": True} for name in ("disconnect_websocket", "shutdown_runtime")),
        *({"backend_operation_request": {name: {}}} for name in ("install_skills", "dismiss_skills_nudge")),
        {"backend_operation_request": {}},
        {},
    ]
    got, _ = asked_for(server, *[{"bytes": message(**parts)} for parts in unused], {"text": "x"})
    assert got == ["websocket.disconnect"]


def test_a1_a_user_has_so_many_connections_at_once_and_no_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_CONNECTIONS", 1)
    guard = Gate(_waits)
    scope = {"type": "websocket", "scheme": "ws", "path": "/_stcore/stream", "client": ("127.0.0.1", 1)}
    scope |= {"headers": [(b"host", b"localhost")]}

    async def lives() -> list[list[str]]:
        told: list[list[str]] = []
        leaves = []

        async def connect() -> asyncio.Task[None]:
            gone, sent = asyncio.Event(), []
            leaves.append(gone)
            told.append(sent)

            async def receive() -> dict[str, Any]:
                await gone.wait()
                return {"type": "websocket.disconnect"}

            async def send(message: dict[str, Any]) -> None:
                sent.append(message["type"])

            if len(told) == 2:
                gone.set()  # the one that is refused hears of its connection first
            task = asyncio.create_task(guard(dict(scope), receive, send))
            await asyncio.sleep(0.05)
            return task

        first, second = await connect(), await connect()
        leaves[0].set()
        await asyncio.gather(first, second)
        third = await connect()
        leaves[2].set()
        await third
        return told

    assert asyncio.run(lives()) == [["websocket.accept"], ["websocket.close"], ["websocket.accept"]]


async def _waits(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})
    await receive()


@pytest.mark.parametrize(
    "sent",
    [
        {"bytes": message(file_urls_request={"request_id": "1", "file_names": ["x"] * 21})},
        {"bytes": message(rerun_script=ClientState(query_string="a" * protocol.LARGEST_REST))},
        {"bytes": message(rerun_script=ClientState(cached_message_hashes=["a"] * 90_000))},
        {"bytes": typed("a" * gate.LARGEST_MESSAGE)},
        {"bytes": states(*[{"id": f"made up {n}"} for n in range(protocol.MOST_VALUES + 1)])},
        {"bytes": states({"id": "x", "string_array_value": {"data": ["x"] * protocol.MOST_VALUES}})},
        {"bytes": states(*[{"id": "x", "int_array_value": {"data": [1] * (protocol.MOST_VALUES // 2)}}] * 2)},
        {"bytes": states({"id": "x", "json_value": "a" * protocol.LARGEST_REST})},
        {"text": "x"},
    ],
)
def test_more_than_a_page_of_ours_asks_for_ends_the_socket(server: Server, sent: dict[str, Any]) -> None:
    assert asked_for(server, sent) == (["websocket.disconnect"], [{"type": "websocket.close", "code": 1008}])


@pytest.mark.parametrize("text", ["a" * 1_900_000, "ä" * 900_000])
def test_a_long_text_that_somebody_pastes_is_no_attack_and_waits_as_several_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    waited: list[int] = []

    async def note(runs: Any, taken: int = 1) -> None:
        waited.append(taken)

    monkeypatch.setattr(gate._Runs, "wait", note)
    assert asked_for(server, {"bytes": typed(text)})[0] == ["websocket.receive"]
    assert waited == [1, len(text.encode()) // 65536, 1]


def test_the_widest_import_is_no_attack(server: Server) -> None:
    columns = [{"id": f"$$ID-{'0' * 32}-import-{kind}-{n}", "int_value": n} for n in range(1000) for kind in "ab"]
    assert asked_for(server, {"bytes": states(*columns)})[0] == ["websocket.receive"]


def test_as_many_files_as_a_page_takes_are_no_attack(server: Server) -> None:
    few = {"bytes": message(file_urls_request={"request_id": "1", "file_names": ["x"] * 20})}
    assert asked_for(server, few)[0] == ["websocket.receive"]


async def _never(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("it passed")


def refused(**said: Any) -> int:
    """The status of the gate's answer to a request that must not pass."""
    sent: list[dict[str, Any]] = []

    async def send(answer: dict[str, Any]) -> None:
        sent.append(answer)

    headers = [(b"host", b"localhost"), *said.pop("headers", [])]
    scope = {"type": "http", "scheme": "http", "method": "POST", "path": "/login", "query_string": b"", **said}
    asyncio.run(Gate(_never)({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, None, send))  # type: ignore[arg-type]
    assert (b"connection", b"close") in sent[0]["headers"]  # what comes behind it there is not read
    return int(sent[0]["status"])


def test_a_request_that_says_its_length_twice_is_refused(server: Server) -> None:
    assert refused(headers=[(b"content-length", b"3"), (b"transfer-encoding", b"chunked")]) == 400


@pytest.mark.parametrize("path", ["/_stcore/metrics\n", "/media/a\r\n", "/\0", "/prospects\x7f", "/a\u202eb"])
def test_a1_an_address_with_what_nobody_can_see_in_it_is_refused(server: Server, path: str) -> None:
    assert refused(method="GET", path=path) == 400


@pytest.mark.parametrize(("role", "passes"), [("sales", False), ("admin", False), ("manager", True)])
def test_a2_a_file_is_taken_from_nobody_but_who_may_import(
    server: Server, monkeypatch: pytest.MonkeyPatch, role: str, passes: bool
) -> None:
    account = SimpleNamespace(name="sami", epoch=1, roles=frozenset({role}))
    monkeypatch.setattr(server, "account_of", lambda token, used=True: account)
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(answer: dict[str, Any]) -> None:
        sent.append(answer)

    scope = {"type": "http", "scheme": "http", "method": "PUT", "path": "/_stcore/upload_file/a/b", "query_string": b""}
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    asyncio.run(Gate(app)({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == (204 if passes else 403)
