"""Starts that would leave the pages without the gate, or the gate without its senses."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets.exceptions

from lib.store import Store
from tests.serving import NAME, ROOT, WORKBOOK, Server, make_register, read, rerun

from .conftest import CANARY

APP = (ROOT / "app.py").read_text("utf-8")
_CALL = re.search(r"^app = (st\.App\(.*?\n\))\n", APP, re.MULTILINE | re.DOTALL)
assert _CALL
CALL = _CALL[1]
# app.py as somebody may change it, with the best of intentions.
BROKEN = {
    "built by a function": APP.replace(f"app = {CALL}", f"def build():\n    return {CALL}\n\n\napp = build()"),
    "wrapped": APP.replace(f"app = {CALL}", f"app = (lambda app: app)({CALL})"),
    "in a list": APP.replace(f"app = {CALL}", f"apps = [{CALL}]"),
    "made by an alias": APP.replace(f"app = {CALL}", f"make = st.App\napp = {CALL.replace('st.App', 'make')}"),
    "gone": APP.replace(f"app = {CALL}", ""),
    "without the middleware": re.sub(r"    middleware=.*\n", "", APP),
}


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a row in it."""
    data_dir = tmp_path_factory.mktemp("start") / "data"
    make_register(data_dir)
    with Store.open(data_dir, WORKBOOK) as store:
        store.add({"source": "phone", "name": CANARY, "notes": CANARY}, by="aino")
    return data_dir


def house(folder: Path, app: str) -> Path:
    """The program with another app.py."""
    folder.mkdir()
    for name in ("lib", "pages", ".streamlit"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "app.py").write_text(app, "utf-8")
    return folder


@pytest.mark.parametrize("app", BROKEN.values(), ids=BROKEN)
def test_a1_with_a_broken_app_py_the_server_ends_and_has_shown_nothing(
    register: Path, tmp_path: Path, app: str
) -> None:
    """Streamlit finds no app in it and would run it, and every file of pages/, for anyone.

    The register would open by itself: whatever were shown, there is something to show. Where Streamlit gives app.py no
    chance to speak at the start, the first visit ends the server, whichever page it is to.
    """
    assert app != APP
    password = {"PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK}
    server = Server(register, password, folder=house(tmp_path / "program", app))
    server.log = tmp_path / "log"
    got = b""
    try:
        server.launch()
        assert server.process
        end = time.monotonic() + 60
        while server.process.poll() is None and time.monotonic() < end:
            try:
                for page in ("prospects", "main", ""):
                    got += httpx.get(f"{server.url}/{page}", verify=False).content
                    with server.socket() as connection:
                        rerun(connection, page)
                        while server.process.poll() is None:
                            got += bytes(connection.recv(timeout=2))  # type: ignore[arg-type]
            except (httpx.HTTPError, OSError, EOFError, TimeoutError, websockets.exceptions.WebSocketException):
                time.sleep(0.1)
        assert server.process.poll() == 1
    finally:
        server.close()
    assert "nothing would stand before its pages" in server.log.read_text()
    for secret in (CANARY, NAME, "P-000001"):
        assert secret.encode() not in got and secret not in server.log.read_text()


def test_a1_app_py_run_by_python_alone_ends_in_words(register: Path) -> None:
    environment = {**os.environ, "PROSPECTS_DATA": str(register)}
    command = [sys.executable, "app.py"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1 and "streamlit run app.py" in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"FORWARDED_ALLOW_IPS": "*"}, "PROSPECTS_PROXIES"),
        ({"PROSPECTS_PROXIES": "proxy.example.com"}, "no address"),
        ({"PROSPECTS_PROXIES": "10.0.0.0/33"}, "no address"),
        ({"PROSPECTS_WORKBOOK_PASSWORD_FILE": "/nowhere/at-all"}, "/nowhere/at-all"),
    ],
)
def test_a4_a_start_that_would_believe_anybody_or_open_nothing_ends_in_words(
    register: Path, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    server = Server(register, environment)
    server.log = tmp_path / "log"
    with pytest.raises(RuntimeError, match=said) as refused:
        server.start()
    assert "Traceback" not in str(refused.value)


@pytest.fixture
def started(register: Path) -> Iterator[Callable[[dict[str, str]], Server]]:
    """Starts a server with some environment."""
    servers: list[Server] = []

    def start(environment: dict[str, str]) -> Server:
        servers.append(Server(register, environment))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("how", ["file", "credential"])
def test_the_workbook_s_password_comes_from_a_file_and_opens_the_register_without_people(
    started: Callable[[dict[str, str]], Server], tmp_path: Path, how: str
) -> None:
    secret = tmp_path / "workbook-password"
    secret.write_text(f"{WORKBOOK}\n", "utf-8")
    named = {"PROSPECTS_WORKBOOK_PASSWORD_FILE": str(secret)}
    server = started(named if how == "file" else {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    from lib.installation import Installation

    # A session that carries no key opens no register: what it sees is open already.
    installation = Installation(server.data_dir)
    account = installation.accounts.get("aino")
    assert account
    token = installation.sessions.create(account, None, "test", "")
    client = server.client(cookies={f"prospects_{installation.id}": token})
    with server.socket(client) as connection:
        rerun(connection, "prospects")
        assert CANARY.encode() in read(connection, CANARY.encode())
    assert WORKBOOK not in server.log.read_text()


def test_systemd_is_told_when_the_server_is_ready(started: Callable[[dict[str, str]], Server], tmp_path: Path) -> None:
    """With Type=notify a start without the gate, which never says so, fails."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(30)
        started({"NOTIFY_SOCKET": str(path)})
        assert notify.recv(100) == b"READY=1"
