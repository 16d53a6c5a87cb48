"""The real server over HTTP and WebSocket: what passes the gate, and what does not."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import websockets.exceptions
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from lib.installation import Installation

from .serving import (
    NAME,
    OTHER,
    PASSWORD,
    WORKBOOK,
    Server,
    closes,
    cookie_header,
    make_register,
    read,
    rerun,
    streamlit_session,
)

PAGES = ["/", "/entry", "/prospects", "/statistics", "/retention", "/admin", "/?x=1", "/nothing", "/entry/deeper"]
PARTS = [
    "/media/abc.csv",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/script-health-check",
    "/_stcore/upload_file/a/b",
    "/_stcore/agent/openapi.json",
    "/_stcore/bidi-components/a",
    "/component/a/index.html",
    "/app/static/a",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A register with two users, and a server that has just started: nobody has asked it for anything."""
    server = Server(tmp_path_factory.mktemp("gate") / "data")
    make_register(server.data_dir, bo={"sales"})
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on an empty folder."""
    server = Server(tmp_path_factory.mktemp("new") / "data")
    server.start()
    yield server
    server.close()


# -- before sign-in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a1_a_page_s_address_leads_to_sign_in_and_back(server: Server, path: str) -> None:
    answer = server.client().get(path)
    assert answer.status_code == 303 and answer.content == b""
    target = httpx.URL(answer.headers["location"])
    assert target.path == "/login" and target.params["next"] == path
    shown = server.client().get(str(target))
    assert shown.status_code == 200 and NAME not in shown.text and 'type="password"' in shown.text


@pytest.mark.parametrize("path", PARTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a1_media_uploads_and_everything_of_streamlit_s_is_refused(server: Server, path: str, method: str) -> None:
    answer = server.client().request(method, path)
    assert answer.status_code == 401 and answer.content == b""


@pytest.mark.parametrize(
    "path", ["//media/a", "/static/../media/a", "/static/%2e%2e/media/a", "/MEDIA/a", "/./media/a"]
)
def test_a1_a_twisted_address_finds_no_way_round(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    status = int(answer.split()[1])
    assert status in (303, 400, 401, 404) or b"<title>Streamlit</title>" in answer
    assert NAME.encode() not in answer


@pytest.mark.parametrize("cookie", ["", "prospects_x=1", "nonsense", "prospects_{id}=", "prospects_{id}=abc"])
def test_a1_a_websocket_without_a_session_is_refused_before_it_opens(server: Server, cookie: str) -> None:
    cookie = cookie.replace("{id}", Installation(server.data_dir).id)
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", additional_headers={"Cookie": cookie})
    assert refused.value.response.status_code == 403


def test_health_and_the_static_bundle_pass(server: Server) -> None:
    assert server.client().get("/_stcore/health").text == "ok"
    assert server.client().get("/favicon.png").status_code == 200


def test_a1_before_the_first_start_every_address_says_only_that_it_waits(new_server: Server) -> None:
    code = re.search(r"setup\?code=(\S+)", new_server.log.read_text())
    assert code
    for path in (*PAGES, "/login", "/setup", "/setup?code=wrong"):
        answer = new_server.client().get(path, follow_redirects=True)
        assert code[1] not in answer.text and "password" not in answer.text.lower().replace("type=password", "")
    for path in PARTS:
        assert new_server.client().get(path).status_code == 401
    with pytest.raises(websockets.exceptions.InvalidStatus):
        new_server.socket()


def test_a1_the_first_start_s_form_works_once_and_ends_with_the_sheet(new_server: Server) -> None:
    code = re.search(r"setup\?code=(\S+)", new_server.log.read_text())
    assert code
    client = new_server.client()
    assert 'name="workbook_password_again"' in client.get(f"/setup?code={code[1]}&language=en").text
    form = {
        "code": code[1],
        "company": "<Esimerkki> Oy",
        "person_responsible": NAME,
        "display_name": NAME,
        "username": "aino",
        "password": PASSWORD,
        "password_again": PASSWORD,
        "workbook_password": WORKBOOK,
        "workbook_password_again": WORKBOOK,
        "language": "en",
        "start_with": "empty",
    }
    assert client.post("/setup", data=form, headers={"Origin": "http://evil.example"}).status_code == 403
    differing = client.post("/setup", data=form | {"password_again": "another"})
    assert differing.status_code == 422 and PASSWORD not in differing.text and WORKBOOK not in differing.text
    assert f'value="{NAME}"' in differing.text
    assert client.post("/setup", data=form | {"code": "wrong"}).status_code == 403
    sheet = client.post("/setup", data=form)
    assert sheet.status_code == 200 and "user password aino" in sheet.text
    assert PASSWORD not in sheet.text and WORKBOOK not in sheet.text and "&lt;Esimerkki&gt; Oy" in sheet.text
    assert client.get("/").status_code == 200
    assert new_server.client().post("/setup", data=form).headers["location"] == "/"
    assert (new_server.data_dir / "prospects.xlsx").stat().st_mode & 0o077 == 0


# -- signing in and out ------------------------------------------------------------------------------------


def test_signing_in_leads_to_the_page_that_was_asked_for(server: Server) -> None:
    client = server.client()
    answer = client.post("/login", data={"username": " Aino", "password": PASSWORD, "next": "/statistics?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/statistics?x=1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "secure" not in cookie
    assert client.get("/statistics").status_code == 200
    with server.socket(client) as connection:
        rerun(connection)
        assert NAME.encode() in read(connection, NAME.encode())


def test_behind_https_the_cookies_go_nowhere_else_and_the_browser_keeps_to_https(server: Server) -> None:
    client = server.sign_in(https_from="203.0.113.7")
    for cookie in client.cookies.jar:
        assert cookie.name.startswith("__Host-prospects_") and cookie.secure and cookie.path == "/"
        assert cookie.has_nonstandard_attr("HttpOnly")
    page = client.get("/statistics", headers=cookie_header(client))
    assert page.status_code == 200 and page.headers["strict-transport-security"] == "max-age=31536000"
    config = client.get("/_stcore/host-config", headers=cookie_header(client))
    assert all("secure" in value.lower() for value in config.headers.get_list("set-cookie"))
    assert "strict-transport-security" not in server.client().get("/login").headers


def test_the_default_page_s_own_name_leads_to_the_root_with_its_query(server: Server) -> None:
    assert server.sign_in().get("/entry?x=1").headers["location"] == "/?x=1"


@pytest.mark.parametrize("name", ["aino", "nobody", '"><script>'])
def test_a4_a_wrong_sign_in_gets_the_same_answer_and_keeps_the_name_typed(server: Server, name: str) -> None:
    answer = server.client().post("/login", data={"username": name, "password": "wrong wrong wrong"})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert 'role="alert">The user name or the password is wrong.<' in answer.text
    assert "<script>" not in answer.text and "wrong wrong wrong" not in answer.text


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/a\r\nSet-Cookie: x=1",
        "javascript:1",
        "",
        "/\t/evil",
        "/login",
    ],
)
def test_sign_in_leads_nowhere_else(server: Server, target: str) -> None:
    answer = server.client().post("/login", data={"username": "aino", "password": PASSWORD, "next": target})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_form_from_elsewhere_is_refused(server: Server, origin: str) -> None:
    client = server.client(origin=origin)
    assert client.post("/login", data={"username": "aino", "password": PASSWORD}).status_code == 403
    signed_in = server.sign_in()
    assert signed_in.post("/logout", headers={"Origin": origin}).status_code == 403
    assert signed_in.get("/statistics").status_code == 200


def test_a_form_that_is_too_large_or_none_is_refused(server: Server) -> None:
    assert server.client().post("/login", data={"username": "x" * 70_000}).status_code == 413
    assert server.client().post("/login", json={"username": "aino", "password": PASSWORD}).status_code == 403
    assert server.client().post("/login", files={"username": b"aino"}).status_code == 403


def test_a3_a_cookie_kept_from_before_signing_out_opens_nothing(server: Server) -> None:
    client = server.sign_in()
    kept = dict(client.cookies)
    with server.socket(client) as connection:
        rerun(connection)
        read(connection, NAME.encode())
        assert client.post("/logout").headers["location"].startswith("/login")
        assert closes(connection)
    replay = server.client(cookies=kept)
    assert replay.get("/statistics").status_code == 303
    assert replay.get("/_stcore/host-config").status_code == 401
    with pytest.raises(websockets.exceptions.InvalidStatus):
        server.socket(replay)


def test_a2_another_user_s_streamlit_session_cannot_be_resumed_and_one_s_own_can(server: Server) -> None:
    own = server.sign_in()
    with server.socket(own) as connection:
        session = streamlit_session(connection)
    with server.socket(own, resume=session) as connection:
        assert streamlit_session(connection) == session
    with server.socket(server.sign_in("bo", OTHER), resume=session) as connection:
        assert streamlit_session(connection) != session


def test_a3_a_streamlit_session_is_not_resumed_under_another_role(server: Server) -> None:
    with server.socket(server.sign_in("bo", OTHER)) as connection:
        session = streamlit_session(connection)
    for disabled in (True, False):  # an epoch later
        Installation(server.data_dir).set_disabled("bo", disabled)
    with server.socket(server.sign_in("bo", OTHER), resume=session) as connection:
        assert streamlit_session(connection) != session


def test_a3_disabling_a_user_closes_the_live_websocket(server: Server) -> None:
    client = server.sign_in("bo", OTHER)
    installation = Installation(server.data_dir)
    with server.socket(client) as connection:
        rerun(connection)
        read(connection, b"Bo Bergman")
        with pytest.raises(TimeoutError):  # the run has ended: nothing more is sent that could be refused
            while True:
                connection.recv(timeout=1)
        installation.set_disabled("bo", True)
        try:
            assert closes(connection)
            assert connection.close_code == 1008
            assert client.get("/statistics").status_code == 303
        finally:
            installation.set_disabled("bo", False)


def test_a_page_that_asks_for_more_than_ours_do_is_closed(server: Server) -> None:
    message = BackMsg()
    message.file_urls_request.file_names.extend(["x"] * 21)
    with server.socket(server.sign_in("bo", OTHER)) as connection:
        connection.send(message.SerializeToString())
        assert closes(connection) and connection.close_code == 1008


def test_a3_a_message_after_the_end_of_the_session_runs_nothing(server: Server) -> None:
    client = server.sign_in("bo", OTHER)
    with server.socket(client) as connection:
        client.post("/logout")
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            rerun(connection)
            content = b""
            while True:
                content += bytes(connection.recv(timeout=5))  # type: ignore[arg-type]
        assert b"Bo Bergman" not in content


# -- every answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/login", "/logout", "/media/a", "/_stcore/health", "/nothing"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_a5_every_answer_keeps_to_itself(server: Server, path: str, signed_in: bool) -> None:
    answer = (server.sign_in() if signed_in else server.client()).get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "http" not in policy
    assert "unsafe-eval" not in policy and "script-src 'self' 'sha256-" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers.get_list("cache-control") == ["no-store"]


def test_the_policy_names_the_one_inline_script_of_streamlit_s_page(server: Server) -> None:
    answer = server.sign_in().get("/")
    script = re.search(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_a5_the_browser_is_told_to_send_no_statistics(server: Server) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    with server.socket(server.sign_in()) as connection:
        rerun(connection)
        for _ in range(50):
            message = ForwardMsg.FromString(bytes(connection.recv(timeout=10)))  # type: ignore[arg-type]
            if message.WhichOneof("type") == "new_session":
                assert message.new_session.config.gather_usage_stats is False
                return
    pytest.fail("no session began")


def test_a5_an_error_shows_no_traceback_and_logs_no_value(server: Server) -> None:
    client = server.sign_in()
    accounts = server.data_dir / "accounts.yaml"
    content = accounts.read_bytes()
    try:
        accounts.write_bytes(b"credentials: {usernames: {canary: 1")
        answer = client.get("/statistics")
        assert answer.status_code == 500 and "Traceback" not in answer.text and "canary" not in answer.text
    finally:
        accounts.write_bytes(content)
    assert client.get("/statistics").status_code == 200
    assert "canary" not in server.log.read_text() and "Traceback" not in server.log.read_text()


# -- the process -------------------------------------------------------------------------------------------


def test_a_second_server_on_the_folder_is_refused_in_words(server: Server) -> None:
    second = Server(server.data_dir)
    second.log = second.log.with_name("second.log")
    with pytest.raises(RuntimeError) as refused:
        second.start()
    assert "Another server already runs" in str(refused.value) and "Traceback" not in str(refused.value)


def test_a3_a_session_outlives_a_restart_and_opens_the_register(server: Server) -> None:
    client = server.sign_in()
    server.stop()
    server.start()
    assert client.get("/statistics").status_code == 200
    with server.socket(client) as connection:
        rerun(connection)
        read(connection, NAME.encode())


def test_an_answer_does_not_wait_for_the_other_side_of_the_connection(server: Server) -> None:
    """Nagle's algorithm and a delayed acknowledgement would cost 40 ms each time, the fastest time as well."""
    client = server.client()
    took = []
    for _ in range(20):
        began = time.perf_counter()
        assert client.get("/_stcore/health").status_code == 200
        took.append(time.perf_counter() - began)
    assert min(took) < 0.03
