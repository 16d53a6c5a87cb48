"""Who comes from another machine, who says so, and who may be believed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets.exceptions
from websockets.sync.client import connect

from lib.access import connection
from lib.installation import Installation
from tests.conftest import missing
from tests.serving import HTTPS_NAME, OTHER, Server, cookie_header, handshake, make_register

from .conftest import WHO


def scope(
    peer: str = "127.0.0.1", host: str | None = "127.0.0.1:8501", scheme: str = "http", **headers: str
) -> dict[str, Any]:
    named = {"host": host, **headers}
    pairs = [(name.encode(), value.encode()) for name, value in named.items() if value is not None]
    return {"type": "http", "scheme": scheme, "client": (peer, 1), "headers": pairs, "path": "/"}


def elsewhere() -> str:
    """An address of this machine that is not loopback: who asks by it is taken for another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
            found = str(probe.getsockname()[0])
        except OSError:
            found = ""
    if not found or found.startswith("127."):
        missing("a network address")
    return found


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server that listens on every address, as it should not, and its address on the network."""
    address = elsewhere()
    server = Server(tmp_path_factory.mktemp("open") / "data", {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"})
    make_register(server.data_dir, **WHO)
    server.start()
    yield server, f"http://{address}:{server.port}"
    server.close()


FORGED = [
    {},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1", "Host": "127.0.0.1"},
    {
        "Forwarded": "for=127.0.0.1;proto=https",
        "X-Forwarded-Ssl": "on",
        "Front-End-Https": "on",
        "X-Real-IP": "127.0.0.1",
    },
    {"X-Forwarded-Host": "127.0.0.1", "X-Forwarded-Scheme": "https", "X-Url-Scheme": "https"},
]


@pytest.mark.parametrize("headers", FORGED, ids=lambda headers: " ".join(headers) or "none")
def test_a4_over_plain_http_from_another_machine_nothing_is_accepted_whatever_it_says_of_itself(
    open_server: tuple[Server, str], headers: dict[str, str]
) -> None:
    server, url = open_server
    form = {"username": "sami", "password": OTHER}
    host = headers.get("Host", url.removeprefix("http://"))
    with httpx.Client(base_url=url, headers=headers, verify=False) as client:
        for path in ("/", "/login", "/setup", "/prospects", "/password", "/recovery-sheet"):
            answer = client.get(path, headers={"Accept-Language": "en"})
            assert answer.status_code == 403 and 'type="password"' not in answer.text
            assert "https address" in answer.text and "strict-transport-security" not in answer.headers
        for path in ("/login", "/login/code", "/logout", "/setup", "/password", "/second-factor"):
            for scheme in ("http", "https"):
                posted = client.post(path, data=form, headers={"Origin": f"{scheme}://{host}"})
                assert posted.status_code == 403 and "set-cookie" not in posted.headers
        # Not even with a session: its cookie has gone over the network in the clear.
        cookie = cookie_header(server.sign_in("sami", OTHER))
        assert client.get("/account", headers=cookie).status_code == 403
        with pytest.raises(websockets.exceptions.InvalidStatus):
            connect(url.replace("http", "ws") + "/_stcore/stream", additional_headers={**cookie, **headers})
        assert client.get("/_stcore/health").text == "ok"
    # Nobody was tried, so nobody is slowed.
    assert not Installation(server.data_dir).throttle.slowed(["sami"], [])


def test_a4_a_proxy_on_this_machine_is_believed_and_what_its_client_says_of_itself_is_not(server: Server) -> None:
    """A client that sends X-Forwarded-For itself: the proxy adds the true address behind it."""
    client = server.client(https_from="203.0.113.7")
    form = {"username": "sami", "password": OTHER}
    answer = client.post("/login", data=form, headers={"X-Forwarded-For": "10.9.9.9, 198.51.100.3, 203.0.113.7"})
    assert answer.status_code == 303
    assert Installation(server.data_dir).sessions.of_user("sami")[0].address == "203.0.113.7"


def test_a4_an_address_that_is_none_is_kept_as_text_and_breaks_nothing(server: Server) -> None:
    client = server.client(https_from="203.0.113.7")
    form = {"username": "sami", "password": OTHER}
    for said in ("unknown", "<script>alert(1)</script>", "a" * 5000, "", "::ffff:127.0.0.1", "1.2.3.4:5, [::1]:7"):
        assert client.post("/login", data=form, headers={"X-Forwarded-For": said}).status_code == 303
    assert all(len(session.address) <= 64 for session in Installation(server.data_dir).sessions.of_user("sami"))


def test_a4_without_a_word_about_https_a_proxy_s_name_counts_as_another_machine(server: Server) -> None:
    """A proxy that says nothing looks like this machine, but for the name that was asked for."""
    client = server.client()
    assert client.get("/login", headers={"Host": HTTPS_NAME}).status_code == 403
    assert client.get("/login", headers={"Host": f"localhost:{server.port}"}).status_code == 200


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (scope(), False),
        (scope(host="localhost"), False),
        (scope(host="LOCALHOST:8501"), False),
        (scope(host="[::1]:8501", peer="::1"), False),
        (scope(host="127.9.9.9", peer="::ffff:127.0.0.1"), False),
        (scope(peer="10.0.0.7"), True),
        (scope(peer="::ffff:10.0.0.7"), True),
        (scope(peer="unknown"), True),
        (scope(peer=""), True),
        (scope(host="10.0.0.7"), True),
        (scope(host="evil.example"), True),
        (scope(host="localhost.evil.example"), True),
        (scope(host="127.0.0.1.evil.example"), True),
        (scope(host="127.0.0.1@evil.example"), True),
        (scope(host="2130706433"), True),
        (scope(host="127.1"), True),
        (scope(host="0.0.0.0"), True),
        (scope(host=""), True),
        (scope(host=None), True),
        (scope() | {"client": None}, True),
        (scope() | {"headers": [(b"host", b"127.0.0.1"), (b"host", b"evil.example")]}, True),
    ],
    ids=str,
)
def test_a4_only_this_machine_asking_for_itself_by_its_own_name_is_no_other_machine(
    made: dict[str, Any], expected: bool
) -> None:
    assert connection.is_from_elsewhere(made) is expected


ALLOWED = ["prospects.example.com", "*.example.org"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("prospects.example.com", True),
        ("PROSPECTS.example.com.:8443", True),
        ("a.example.org", True),
        ("a.b.example.org", True),
        ("example.org", False),
        ("evilexample.org", False),
        ("prospects.example.com.evil.example", False),
        ("evil.example/prospects.example.com", False),
        ("evil.example@prospects.example.com", False),
        ("prospects.example.com:80@evil.example", False),
        ("prospects.example.com:x", False),
        ("127.0.0.1", False),
        ("evil.test/x.example.org", False),
        ("evil.test@x.example.org", False),
        ("", False),
    ],
)
def test_a1_only_an_allowed_host_name_is_answered(host: str, expected: bool) -> None:
    assert connection.is_host_allowed(scope(host=host), ALLOWED) is expected
    assert connection.is_host_allowed(scope(host=host), ["*"]) is connection.is_host_allowed(scope(host=host), [])


def test_a1_allowed_hosts_hold_at_every_address(tmp_path: Any) -> None:
    server = Server(tmp_path / "data", {"STREAMLIT_SERVER_ALLOWED_HOSTS": HTTPS_NAME})
    make_register(server.data_dir, **WHO)
    server.start()
    try:
        client = server.sign_in("sami", OTHER, https_from="203.0.113.7")
        cookie = cookie_header(client)
        for path in ("/", "/login", "/account", "/setup", "/session", "/_stcore/host-config", "/static/js/x.js"):
            assert client.get(path, headers=cookie).status_code != 400, path
            foreign = client.get(path, headers={**cookie, "Host": "evil.example", "Origin": "https://evil.example"})
            assert foreign.status_code == 400, path
        for host, status in ((HTTPS_NAME, 101), ("evil.example", 403)):
            headers = {**cookie, "X-Forwarded-Proto": "https", "Host": host, "Origin": f"https://{host}"}
            assert handshake(server.port, headers) == status
        form = {"username": "sami", "password": OTHER}
        for host in ("evil.example", "127.0.0.1"):
            headers = {"Host": host, "Origin": f"https://{host}"}
            assert client.post("/login", data=form, headers=headers).status_code == 400
    finally:
        server.close()


@pytest.mark.parametrize(("peer", "believed"), [("10.1.2.3", True), ("10.2.0.1", True), ("10.3.0.1", False)])
def test_a4_a_proxy_named_in_the_environment_is_believed_and_no_other(
    monkeypatch: pytest.MonkeyPatch, peer: str, believed: bool
) -> None:
    import asyncio

    monkeypatch.setenv("PROSPECTS_PROXIES", " 10.1.2.3, 10.2.0.0/16 ")
    seen: list[dict[str, Any]] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)

    headers = {"x-forwarded-for": "9.9.9.9, 203.0.113.7, 10.2.9.9", "x-forwarded-proto": "https"}
    asyncio.run(connection.through_proxies(app)(scope(peer=peer, host="prospects.example.com", **headers), None, None))
    assert connection.is_https(seen[0]) is believed
    assert connection.address(seen[0]) == ("203.0.113.7" if believed else peer)
    assert connection.is_from_elsewhere(seen[0])
