"""Every address, for everybody: nobody, somebody whose session has ended, and each role."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import websockets.exceptions

from lib.access.roles import PAGES, may
from tests.serving import NAME, OTHER, Server, make_register, read, rerun

from .conftest import CANARY, WHO

# Addresses by what they are, each with what it says to somebody without a session and to somebody with one.
PAGE = [f"/{name}" for name in PAGES] + ["/", "/?row=P-000001", "/unknown", "/unknown/deeper", "/recovery-sheet"]
OWN = ["/password", "/second-factor", "/signed-in"]
MEDIA = ["/media/abc.csv", "/media/"]
UPLOAD = ["/_stcore/upload_file/a/b"]
PART = ["/_stcore/host-config", "/_stcore/stream", "/_stcore/bidi-components/a", "/component/a/b", "/app/static/a"]
UNUSED = [
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent/openapi.json",
    "/_stcore/skills/a",
    "/auth/login",
    "/auth/login?provider=a",
    "/auth/logout",
    "/oauth2callback?code=a&state=b",
]
HEALTH = ["/_stcore/health"]
STATIC = ["/static/js/nothing.js", "/favicon.png", "/gate/page.js", "/gate/nothing.js", "/session"]
ALL = [*PAGE, *OWN, *MEDIA, *UPLOAD, *PART, *UNUSED, *HEALTH, *STATIC]
SECRET = (CANARY.encode(), NAME.encode(), b"P-000001", b"Bergman")


@pytest.fixture(scope="module")
def clients(server: Server) -> dict[str, httpx.Client]:
    """Everybody who might ask, by name."""
    ended = server.sign_in("sami", OTHER)
    kept = dict(ended.cookies)
    ended.post("/logout")
    return {
        "nobody": server.client(),
        "ended": server.client(cookies=kept),
        **{name: server.sign_in(name, OTHER) for name in WHO},
    }


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("who", ["nobody", "ended"])
def test_a1_without_a_session_no_address_says_a_byte_of_data(
    server: Server, clients: dict[str, httpx.Client], who: str, path: str
) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = clients[who].request(method, path)
        assert not any(secret in answer.content for secret in SECRET)
        if path in (*HEALTH, *STATIC):
            continue
        assert answer.status_code in (303, 401, 403) and answer.content == b""
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/login?next=")
        # A form that comes after its session leads to sign-in, as its page does.
        reads = method in ("GET", "HEAD") or (method == "POST" and path in ("/password", "/second-factor"))
        refused = path.startswith(("/media", "/_stcore", "/component", "/app")) or path in UNUSED or not reads
        assert (answer.status_code == 303) is not refused


def test_a1_the_session_s_address_says_to_nobody_that_there_is_none(clients: dict[str, httpx.Client]) -> None:
    assert clients["nobody"].get("/session").json() == {"who": ""} == clients["ended"].get("/session").json()
    assert clients["sami"].get("/session").json()["who"] == "sami"


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("who", WHO)
def test_a1_with_a_session_an_address_outside_the_pages_says_no_more(
    clients: dict[str, httpx.Client], who: str, path: str
) -> None:
    """A row comes through the WebSocket alone, so no address of them says anything of one to any role."""
    answer = clients[who].get(path)
    assert CANARY.encode() not in answer.content and b"P-000001" not in answer.content
    if path in UNUSED:
        assert answer.status_code == 401
    elif path == "/recovery-sheet":
        assert answer.status_code == (200 if may(WHO[who], "workbook_state") else 403)


@pytest.mark.parametrize("who", [*WHO])
@pytest.mark.parametrize("page", ["", *PAGES])
def test_a1_a2_a_page_s_websocket_shows_a_row_to_nobody_who_may_not_read(
    server: Server, clients: dict[str, httpx.Client], who: str, page: str
) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    content = b""
    with server.socket(clients[who]) as connection:
        rerun(connection, page)
        while True:
            part = bytes(connection.recv(timeout=20))  # type: ignore[arg-type]
            content += part
            if ForwardMsg.FromString(part).WhichOneof("type") == "script_finished":
                break
    assert f"{who.capitalize()} Bergman".encode() in content
    if not may(WHO[who], "read"):
        assert CANARY.encode() not in content and b"P-000001" not in content


@pytest.mark.parametrize("who", ["nobody", "ended"])
def test_a1_without_a_session_no_websocket_opens(server: Server, clients: dict[str, httpx.Client], who: str) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        server.socket(clients[who])
    assert refused.value.response.status_code == 403


def test_a1_the_first_request_after_a_start_shows_nothing_either(tmp_path: Path) -> None:
    """Streamlit by itself would run a page of the folder `pages/` for it."""
    server = Server(tmp_path / "data")
    make_register(server.data_dir, **WHO)
    for path in ("/prospects", "/pages/prospects", "/main"):
        server.start()
        try:
            first = server.client().get(path)
            assert first.status_code == 303 and first.content == b""
            with pytest.raises(websockets.exceptions.InvalidStatus):
                server.socket()
        finally:
            server.close()


def test_a1_a_socket_of_a_signed_in_user_says_who_it_is_for(server: Server, clients: dict[str, httpx.Client]) -> None:
    """The tests above look for names in what the sockets say: here is one that must be found."""
    with server.socket(server.sign_in()) as connection:
        rerun(connection, "prospects")
        assert CANARY.encode() in read(connection, CANARY.encode())
