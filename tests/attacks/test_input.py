"""What somebody types, sends or puts into an address to be let in, led away or to break something."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import websockets.exceptions
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from lib.installation import Installation
from tests.serving import (
    NAME,
    OTHER,
    PASSWORD,
    WORKBOOK,
    Server,
    cookie_header,
    handshake,
    read,
    rerun,
    streamlit_session,
)

from .conftest import CANARY

# -- passwords and names -----------------------------------------------------------------------------------------------

LONG, UMLAUTS = "abcdefghij" * 10, "äöåÄÖÅüé" * 10
GOOD = {
    "12 bytes": LONG[:12],
    "72 bytes": LONG[:72],
    "umlauts": "häikäisevä yöjuna äö",
    "72 bytes of umlauts": UMLAUTS[:36],
    "emoji": "🐴🔋📎🦅 oikea!!",
    "quotes": "it's \"q\" & <b> ' OR 1=1 --",
    "yaml": "{a: [b, *c]} #d\\n",
    "spaces around": "  välit kuuluvat  ",
}
BAD = {
    "11 bytes": LONG[:11],
    "73 bytes": LONG[:73],
    "74 bytes of umlauts": UMLAUTS[:37],
    "one letter": "a" * 20,
    "NUL": "abc\0defghijkl",
    "tab": "ab\tcdefghijklm",
}


@pytest.fixture
def sami(server: Server) -> Iterator[Installation]:
    """sami's password may change; it is put back."""
    installation = Installation(server.data_dir)
    yield installation
    installation.recover_password("sami", OTHER, WORKBOOK, one_time=False)


@pytest.mark.parametrize("password", GOOD.values(), ids=GOOD)
def test_a4_a_password_of_any_characters_is_taken_and_opens_alone(
    server: Server, sami: Installation, password: str
) -> None:
    form = {"old": OTHER, "password": password, "password_again": password}
    assert server.sign_in("sami", OTHER).post("/password", data=form).status_code == 200
    assert server.client().post("/login", data={"username": "sami", "password": password}).status_code == 303
    for close in (password[:-1], password + " ", password.swapcase(), password.strip()):
        if close != password:
            answer = server.client().post("/login", data={"username": "sami", "password": close})
            assert answer.status_code in (401, 429), close
    sami.throttle.path.unlink(missing_ok=True)


@pytest.mark.parametrize("password", BAD.values(), ids=BAD)
def test_a4_a_password_that_cannot_be_kept_whole_is_refused_in_words(server: Server, password: str) -> None:
    form = {"old": OTHER, "password": password, "password_again": password}
    answer = server.sign_in("sami", OTHER).post("/password", data=form)
    assert answer.status_code == 422 and 'role="alert"' in answer.text and password not in answer.text
    assert server.sign_in("sami", OTHER).get("/account").status_code == 200


@pytest.mark.parametrize("password", [*BAD.values(), LONG[:72] + "x", "x" * 60_000], ids=[*BAD, "73, 72 right", "huge"])
def test_a4_such_a_password_signs_in_nobody_and_breaks_nothing(
    server: Server, sami: Installation, password: str
) -> None:
    sami.recover_password("sami", LONG[:72], WORKBOOK, one_time=False)
    for name in ("sami", "nobody"):
        answer = server.client().post("/login", data={"username": name, "password": password})
        assert answer.status_code == 401 and "The user name or the password is wrong." in answer.text
    sami.throttle.path.unlink(missing_ok=True)


NAMES = [
    "../../etc/passwd",
    "..",
    "aino/../sami",
    "aino\\sami",
    "aino'--",
    'aino" OR "1"="1',
    "<script>alert(1)</script>",
    "{aino: sami}",
    "*aino",
    "- aino\n- sami",
    "aino\r\nSet-Cookie: x=1",
    "aino\0",
    "äinö",
    "ａｉｎｏ",
    "aino\u200b",
    "\ud83d\ude00",
    "%00",
    "credentials",
    "a" * 10_000,
    "",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a4_a_strange_user_name_is_unknown_and_breaks_nothing(server: Server, name: str) -> None:
    before = (server.data_dir / "accounts.yaml").read_bytes()
    text = quote(name.encode("utf-8", "surrogatepass"))
    answer = server.client().post(
        "/login",
        content=f"username={text}&password={quote(PASSWORD)}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code in (401, 403) and "set-cookie" not in answer.headers
    assert "<script>alert" not in answer.text and len(answer.text) < 20_000
    assert (server.data_dir / "accounts.yaml").read_bytes() == before
    assert "Traceback" not in server.log.read_text()
    Installation(server.data_dir).throttle.path.unlink(missing_ok=True)


def test_a4_neither_a_password_nor_a_name_that_is_none_stands_in_a_file_afterwards(server: Server) -> None:
    """Somebody types the password where the name belongs."""
    slip = "Salasana-Nimen-Paikalla-77"
    assert server.client().post("/login", data={"username": slip, "password": slip}).status_code == 401
    server.sign_in("sami", OTHER)
    time.sleep(0.5)  # the log is written by another thread
    found = [
        path.name
        for path in [*server.data_dir.rglob("*"), server.log]
        if path.is_file() and slip.lower().encode() in path.read_bytes().lower()
    ]
    assert found == []
    from lib.store import Store

    with Store.open(server.data_dir, WORKBOOK) as store:
        lines = [entry for entry in store.log() if entry.action == "sign_in_failed"]
        assert lines and all(slip.lower() not in str(entry).lower() for entry in lines)


# -- where sign-in leads -----------------------------------------------------------------------------------------------

TARGETS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\r\nSet-Cookie: x=1",
    "/a\nLocation: https://evil.example",
    "/%0d%0aSet-Cookie:x=1",
    " //evil.example",
    "/login?next=//evil.example",
    "@evil.example",
    "/..//evil.example",
]


@pytest.mark.parametrize("target", TARGETS, ids=ascii)
def test_a1_sign_in_leads_nowhere_else(server: Server, target: str) -> None:
    client = server.client()
    form = client.get("/login", params={"next": target})
    assert 'name="next" value="/' in form.text and 'value="//' not in form.text
    answer = client.post("/login", data={"username": "sami", "password": OTHER, "next": target})
    location = answer.headers["location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))
    assert not {"\r", "\n", "\t", "\\"} & set(location)
    assert all("x=1" not in value for value in answer.headers.get_list("set-cookie"))
    for path in ("/login", "/password", "/second-factor"):
        again = client.get(path, params={"next": target})
        assert "evil.example" not in again.headers.get("location", "").partition("?")[0]
        assert 'href="//' not in again.text and 'href="https' not in again.text and 'href="javascript' not in again.text


# -- other sites and names ---------------------------------------------------------------------------------------------

FORMS = {
    "/login": {"username": "sami", "password": OTHER},
    "/login/code": {"code": "123456"},
    "/logout": {},
    "/password": {"old": OTHER, "password": "kolmas hevonen paristo", "password_again": "kolmas hevonen paristo"},
    "/password/strength": {"password": "x"},
    "/second-factor": {"do": "begin"},
    "/setup": {"code": "x"},
}
ORIGINS = [
    "http://evil.example",
    "null",
    "",
    "http://127.0.0.1:1",
    "https://127.0.0.1",
    "http://127.0.0.1.evil.example",
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("origin", ORIGINS)
def test_a3_another_site_s_form_does_nothing_in_a_signed_in_browser(server: Server, path: str, origin: str) -> None:
    client = server.sign_in("sami", OTHER)
    for headers in ({"Origin": origin}, {"Origin": origin, "Referer": f"{server.url}/login"}):
        assert client.post(path, data=FORMS[path], headers=headers).status_code == 403
    assert client.get("/account").status_code == 200
    assert server.client().post("/login", data=FORMS["/login"]).status_code == 303


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a3_another_site_writes_to_no_other_address(server: Server, method: str) -> None:
    client = server.sign_in("sami", OTHER)
    for path in ("/_stcore/upload_file/a/b", "/", "/prospects", "/recovery-sheet"):
        assert client.request(method, path, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("origin", [origin for origin in ORIGINS if origin])
def test_a3_a5_another_site_s_page_opens_no_websocket_and_the_server_asks_nobody_about_it(
    server: Server, origin: str
) -> None:
    """Of an origin that it does not know, Streamlit asks an outside server for this machine's address."""
    client = server.sign_in("sami", OTHER)
    began = time.monotonic()
    with pytest.raises(websockets.exceptions.InvalidStatus):
        server.socket(client, origin=origin)
    assert time.monotonic() - began < 2
    assert "external IP" not in server.log.read_text()
    with server.socket(client, origin=server.url) as connection:
        rerun(connection)
        read(connection, b"Sami Bergman")


HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "127.0.0.1, evil.example",
    "evil.example#127.0.0.1",
    "",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a1_a_foreign_host_name_that_leads_here_shows_no_form(server: Server, host: str) -> None:
    """DNS rebinding: a page of another site whose name now means this machine."""
    for path in ("/", "/login", "/setup", "/session", "/prospects", "/gate/page.js"):
        answer = server.client().get(path, headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code in (400, 403) and 'type="password"' not in answer.text
    posted = server.client().post("/login", data=FORMS["/login"], headers={"Host": host, "Origin": f"http://{host}"})
    assert posted.status_code in (400, 403) and "set-cookie" not in posted.headers


def test_a1_a_foreign_host_name_opens_no_websocket(server: Server) -> None:
    cookie = cookie_header(server.sign_in("sami", OTHER))["Cookie"]
    for host, status in ((f"127.0.0.1:{server.port}", 101), ("evil.example", 403)):
        assert handshake(server.port, {"Host": host, "Origin": f"http://{host}", "Cookie": cookie}) == status


# -- what is too much --------------------------------------------------------------------------------------------------


def test_a1_an_oversized_body_is_refused_whether_or_not_it_says_so(server: Server) -> None:
    signed_in = server.sign_in("sami", OTHER)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def unsaid() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 1024

    for client, path in ((server.client(), "/login"), (signed_in, "/password"), (signed_in, "/prospects")):
        assert client.post(path, content=b"x" * 100_000, headers=form).status_code == 413
        assert client.post(path, content=unsaid(), headers=form).status_code in (403, 405, 413)
    big = {"Content-Length": str(30 * 1024 * 1024), "Content-Type": "multipart/form-data; boundary=x"}
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        lines = {**big, **cookie_header(signed_in), "Host": f"127.0.0.1:{server.port}", "Origin": server.url}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        raw.sendall(f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\n{head}\r\n".encode())
        assert raw.recv(4096).split()[1] == b"413"
    assert signed_in.get("/account").status_code == 200


def test_a1_many_fields_and_headers_break_nothing(server: Server) -> None:
    many = "&".join(f"a{n}=1" for n in range(5000))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert server.client().post("/login", content=many, headers=form).status_code == 403
    with pytest.raises(Exception, match=r".*") as refused:
        answer = server.client().get("/login", headers={f"x-{n}": "y" * 1000 for n in range(200)})
        assert answer.status_code in (400, 431)
        raise ConnectionError
    assert refused.type.__name__ in ("ConnectionError", "RemoteProtocolError", "ReadError", "WriteError")
    assert server.client().get("/login").status_code == 200


def test_a1_two_hundred_half_open_connections_keep_nobody_out(server: Server) -> None:
    """Connections that say nothing, half a head, half a form, and half a WebSocket's beginning."""
    halves = [
        b"",
        b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:",
        f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.url}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=a".encode(),
        b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ]
    held = []
    try:
        for n in range(200):
            raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            raw.sendall(halves[n % len(halves)])
            held.append(raw)
        began = time.monotonic()
        client = server.sign_in("sami", OTHER)
        assert client.get("/prospects").status_code == 200
        with server.socket(client) as connection:
            rerun(connection)
            read(connection, b"Sami Bergman")
        assert time.monotonic() - began < 15
    finally:
        for raw in held:
            raw.close()


def test_a1_half_a_form_is_waited_for_only_so_long(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=40) as raw:
        raw.sendall(
            f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.url}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=a".encode()
        )
        assert raw.recv(4096).split()[1] == b"403"


# -- the session state -------------------------------------------------------------------------------------------------

POISON = {
    "_user": "aino",
    "_page": "admin",
    "_goto": "admin",
    "_landing": "admin",
    "prospects_user": "aino:1",
    "roles": "admin",
}


def visit(server: Server, query: str, page: str, widgets: dict[str, str]) -> bytes:
    """What a page sends to sami, who asks with this query and with these values of widgets that there may be."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    for name, value in widgets.items():
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = name, value
    content = b""
    with server.socket(server.sign_in("sami", OTHER)) as connection:
        connection.send(message.SerializeToString())
        while True:
            part = bytes(connection.recv(timeout=20))  # type: ignore[arg-type]
            content += part
            if ForwardMsg.FromString(part).WhichOneof("type") == "script_finished":
                return content


@pytest.mark.parametrize("page", ["", "admin", "retention", "prospects", "sign-out"])
def test_a2_a_session_state_poisoned_by_query_and_widgets_makes_nobody_another(server: Server, page: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in POISON.items())
    ids = {f"$$ID-{'0' * 32}-{name}": value for name, value in POISON.items()}
    content = visit(server, query, page, {**POISON, **ids})
    assert b"Sami Bergman" in content and NAME.encode() not in content.replace(CANARY.encode(), b"")
    for word in (b"ylva", b"mari", b"Add a user", b"Retention period, years"):
        assert word not in content


def test_a2_a_header_of_one_s_own_makes_nobody_another(server: Server) -> None:
    """The header by which the gate tells Streamlit who comes, and another user's Streamlit session to resume."""
    with server.socket(server.sign_in()) as connection:
        anothers = streamlit_session(connection)
    account = Installation(server.data_dir).accounts.get("aino")
    assert account
    headers = {**cookie_header(server.sign_in("sami", OTHER)), "X-Prospects-User": f"aino:{account.epoch}"}
    with connect(
        f"ws://127.0.0.1:{server.port}/_stcore/stream",
        additional_headers=headers,
        subprotocols=[Subprotocol(part) for part in ("streamlit", "x", anothers)],
        close_timeout=0.2,
    ) as connection:
        assert streamlit_session(connection) != anothers
        rerun(connection)
        assert NAME.encode() not in read(connection, b"Sami Bergman")


def test_a1_a_message_that_never_ends_is_not_kept(server: Server) -> None:
    """In parts, it would fill the memory before anybody could look at it."""
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 1024 * 1024

    with server.socket(server.sign_in("sami", OTHER)) as connection:
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            connection.send(parts())
    assert sent < 40  # 8 are kept; the others were on the way


def test_a2_a_broken_message_ends_that_socket_and_no_other(server: Server) -> None:
    client = server.sign_in("sami", OTHER)
    with server.socket(client) as broken, server.socket(client) as whole:
        broken.send(b"\xff\xfe\x00nonsense")
        rerun(whole)
        read(whole, b"Sami Bergman")
    assert server.client().get("/_stcore/health").text == "ok"
