"""The real server over HTTP and WebSocket, on a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import httpx
import websockets.exceptions
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from lib.first_start import set_up
from lib.installation import Installation

ROOT = Path(__file__).parents[1]
PASSWORD, OTHER, WORKBOOK = "oikea hevonen paristo", "toinen hevonen paristo", "työkirjan pitkä salasana"
NAME = "Kaarina Kanarialintu"


HTTPS_NAME = "prospects.example.com"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def cookie_header(client: httpx.Client | None) -> dict[str, str]:
    cookie = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar) if client else ""
    return {"Cookie": cookie} if cookie else {}


def session_cookie(client: httpx.Client) -> tuple[str, str]:
    """The name and the value of a browser's session; its marks stand beside it."""
    [found] = [(cookie.name, cookie.value or "") for cookie in client.cookies.jar if not cookie.name.endswith("_marks")]
    return found


def make_register(data_dir: Path, **roles: set[str]) -> Installation:
    """A register with the first user aino, who is called NAME, and others, called Name Bergman, with OTHER."""
    installation = Installation(data_dir)
    set_up(
        installation,
        code=installation.setup_code or "",
        company="Esimerkki Oy",
        person_responsible=NAME,
        username="aino",
        display_name=NAME,
        password=PASSWORD,
        workbook_password=WORKBOOK,
        language="en",
        sample=False,
    )
    installation.sessions.end_user("aino")
    for name, given in roles.items():
        installation.add_user_by_workbook(name, f"{name.capitalize()} Bergman", given, OTHER, WORKBOOK, one_time=False)
    installation.close()
    return installation


def ended(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Stop a server. It has the time that the README's unit gives it; one that does not stop harms no other test."""
    process.send_signal(how)
    try:
        process.wait(120)
    finally:
        process.kill()
        process.wait()


class Server:
    """`streamlit run app.py` on a data folder of its own.

    Args:
        environment: of the server's process, beside that of the tests.
        before: what runs it, such as strace.
        folder: where app.py is.
    """

    def __init__(
        self,
        data_dir: Path,
        environment: dict[str, str] | None = None,
        before: Iterable[str] = (),
        folder: Path = ROOT,
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ, "PROSPECTS_DATA": str(data_dir), **(environment or {})}
        self._before = list(before)
        self._folder = folder
        self._clients: list[httpx.Client] = []

    def launch(self) -> None:
        """Start without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._before, sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        self.launch()
        assert self.process
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            try:
                if httpx.get(f"{self.url}/_stcore/health", verify=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text())

    def stop(self) -> None:
        if self.process:
            ended(self.process)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.stop()

    def client(
        self, *, origin: str | None = None, cookies: dict[str, str] | None = None, https_from: str = ""
    ) -> httpx.Client:
        """A browser.

        Args:
            origin: the site whose page it shows; this server's own where none is named.
            https_from: an address; it comes from there by https, through a proxy on this machine.
        """
        headers = {"Origin": (self.https_url if https_from else self.url) if origin is None else origin}
        if https_from:
            headers |= {"X-Forwarded-For": https_from, "X-Forwarded-Proto": "https", "Host": HTTPS_NAME}
        # By http alone: reading every certificate of the system would take longer than most answers.
        made = httpx.Client(base_url=self.url, headers=headers, cookies=cookies, timeout=60, verify=False)
        self._clients.append(made)
        return made

    https_url = "https://prospects.example.com"

    def sign_in(self, name: str = "aino", password: str = PASSWORD, *, https_from: str = "") -> httpx.Client:
        client = self.client(https_from=https_from)
        assert client.post("/login", data={"username": name, "password": password}).status_code == 303
        return client

    def socket(
        self, client: httpx.Client | None = None, resume: str = "", origin: str | None = None
    ) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            additional_headers=cookie_header(client),
            subprotocols=[Subprotocol(part) for part in (("streamlit", "x", resume) if resume else ("streamlit",))],
            origin=Origin(origin) if origin is not None else None,
            open_timeout=20,
            close_timeout=0.2,  # a page that is still sending is not waited for
        )


def handshake(port: int, headers: dict[str, str]) -> int:
    """The status that a WebSocket's opening with these headers, Host and Origin among them, gets."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\n{lines}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: streamlit\r\n\r\n".encode()
        )
        return int(raw.recv(4096).split()[1])


def rerun(connection: ClientConnection, page: str = "") -> None:
    message = BackMsg()
    message.rerun_script.page_name = page
    connection.send(message.SerializeToString())


def read(connection: ClientConnection, until: bytes, seconds: float = 20) -> bytes:
    """What the socket sends until something is among it."""
    content, end = b"", time.monotonic() + seconds
    while until not in content:
        part = connection.recv(timeout=max(0.1, end - time.monotonic()))
        content += part if isinstance(part, bytes) else part.encode()
    return content


def streamlit_session(connection: ClientConnection) -> str:
    """The id of the Streamlit session behind a socket, as its first page run tells it."""
    rerun(connection)
    while True:
        part, message = connection.recv(timeout=20), ForwardMsg()
        message.ParseFromString(part if isinstance(part, bytes) else part.encode())
        if message.WhichOneof("type") == "new_session":
            return message.new_session.initialize.session_id


def closes(connection: ClientConnection, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            connection.recv(timeout=max(0.05, end - time.monotonic()))
    except websockets.exceptions.ConnectionClosed:
        return True
    except TimeoutError:
        pass
    return False
