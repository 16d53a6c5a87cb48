"""Behind the real nginx, with the configuration that the README gives."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets.exceptions
from websockets.sync.client import ClientConnection, connect

from lib.installation import Installation
from lib.store import Store
from tests.nginx import Nginx, block
from tests.serving import HTTPS_NAME, OTHER, WORKBOOK, Server, closes, make_register, read, rerun

from .conftest import WHO

PHONE = "127.0.0.5"  # where a browser is, seen from nginx


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("behind") / "data", {"STREAMLIT_SERVER_ALLOWED_HOSTS": HTTPS_NAME})
    make_register(server.data_dir, **WHO)
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    nginx = Nginx(tmp_path_factory.mktemp("proxy") / "nginx", server.port)
    yield nginx
    nginx.close()


def sign_in(nginx: Nginx, **headers: str) -> tuple[httpx.Client, str]:
    """A signed-in browser, and its cookie."""
    client = nginx.client(PHONE)
    answer = client.post("/login", data={"username": "sami", "password": OTHER}, headers=headers)
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    client.headers["Cookie"] = cookie
    return client, cookie


def open_socket(nginx: Nginx, cookie: str, origin: str = "") -> ClientConnection:
    raw = socket.create_connection(("127.0.0.1", nginx.port), source_address=(PHONE, 0))
    return connect(
        f"wss://{HTTPS_NAME}:{nginx.port}/_stcore/stream",
        sock=raw,
        ssl=nginx.context,
        server_hostname=HTTPS_NAME,
        origin=origin or nginx.url,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
        close_timeout=0.2,
    )


def test_a1_behind_nginx_the_cookie_is_secure_and_the_browser_keeps_to_https(nginx: Nginx) -> None:
    client = nginx.client(PHONE)
    answer = client.post("/login", data={"username": "sami", "password": OTHER})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-prospects_") and "; secure" in cookie and "httponly" in cookie
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    assert "strict-transport-security" in client.get("/_stcore/health").headers


def test_a4_behind_nginx_sessions_and_change_log_have_the_client_s_own_address(server: Server, nginx: Nginx) -> None:
    for forged in ({}, {"X-Forwarded-For": "203.0.113.1", "X-Real-IP": "203.0.113.1", "Forwarded": "for=203.0.113.1"}):
        sign_in(nginx, **forged)
        assert Installation(server.data_dir).sessions.of_user("sami")[0].address == PHONE
    for _ in range(50):  # another thread writes
        with Store.open(server.data_dir, WORKBOOK) as store:
            lines = [entry for entry in store.log() if (entry.action, entry.by) == ("sign_in", "sami")]
        if lines:
            break
        time.sleep(0.1)
    assert {entry.facts["address"] for entry in lines} == {PHONE}


def test_a3_behind_nginx_a_websocket_works_and_ends_with_its_session(nginx: Nginx) -> None:
    client, cookie = sign_in(nginx)
    with open_socket(nginx, cookie) as connection:
        rerun(connection)
        read(connection, b"Sami Bergman")
        assert client.post("/logout").status_code == 303
        assert closes(connection)
    for stolen, origin in ((cookie, ""), (sign_in(nginx)[1], "https://evil.example")):
        with pytest.raises(websockets.exceptions.InvalidStatus):
            open_socket(nginx, stolen, origin)


def test_a1_behind_nginx_a_page_is_whole_with_the_gate_s_script_in_it(nginx: Nginx) -> None:
    client, _ = sign_in(nginx)
    page = client.get("/prospects", headers={"Accept-Encoding": "gzip"})
    assert page.status_code == 200 and "/gate/page.js" in page.text and page.text.rstrip().endswith("</html>")


def test_a4_plain_http_leads_to_https_and_asks_for_nothing(nginx: Nginx) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{nginx.plain_port}", headers={"Host": HTTPS_NAME}) as client:
        answer = client.post("/login", data={"username": "sami", "password": OTHER})
        assert answer.status_code == 301 and answer.headers["location"] == f"https://{HTTPS_NAME}/login"


def test_a1_nginx_writes_nothing_that_passes_into_a_file(nginx: Nginx) -> None:
    """By its own habit it keeps a body over 16 KB in a file until all of it has come."""
    _, cookie = sign_in(nginx)
    raw = nginx.context.wrap_socket(
        socket.create_connection(("127.0.0.1", nginx.port), source_address=(PHONE, 0)), server_hostname=HTTPS_NAME
    )
    with raw:
        head = (
            f"Host: {HTTPS_NAME}:{nginx.port}\r\nOrigin: {nginx.url}\r\nCookie: {cookie}\r\nContent-Length: 5000000\r\n"
        )
        raw.sendall(f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\n{head}\r\n".encode())
        raw.sendall(b"canary " * 40_000)
        time.sleep(0.5)
        written = [path for path in (nginx.folder / "temp").rglob("*") if path.is_file()]
        opened = subprocess.run(["ls", "-l", *_descriptors(nginx)], capture_output=True, text=True, check=False).stdout
    assert written == [] and "/temp/" not in opened


def _descriptors(nginx: Nginx) -> list[str]:
    """Where the files stand that nginx's processes have open; a temporary one has no name any more."""
    master = int((nginx.folder / "pid").read_text())
    listed = subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True, check=False).stdout.split()
    return [f"/proc/{process}/fd" for process in (str(master), *listed) if Path(f"/proc/{process}/fd").exists()]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing on this machine.")
def test_the_readme_s_unit_is_one_and_its_sandbox_is_tight(tmp_path: Path) -> None:
    unit = block("ini").replace("/opt/prospects/.venv/bin/streamlit", "/bin/true").replace("/opt/prospects", "/tmp")
    path = tmp_path / "prospects.service"
    path.write_text(unit)
    checked = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert "prospects.service" not in checked.stderr.replace("User=prospects", ""), checked.stderr
    graded = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert graded.returncode == 0, graded.stdout[-2000:] + graded.stderr
