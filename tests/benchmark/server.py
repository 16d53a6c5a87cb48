"""The real server on a data folder, and tabs of a browser on it that speak Streamlit's protocol."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from .jobs import PASSWORD, USER

ROOT = Path(__file__).parents[2]
_PATIENCE = 120.0


class Server:
    """`streamlit run app.py`. A context manager."""

    def __init__(self, data: Path) -> None:
        self.data, self.log = data, data.parent / f"{data.name}.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=ROOT,
                env={**os.environ, "PROSPECTS_DATA": str(self.data), "TMPDIR": str(self.data.parent)},
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/_stcore/health", verify=False).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(self.log.read_text())

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # nothing of its folder is kept, so it need not write the workbook once more
        self._process.wait(_PATIENCE)

    @property
    def process(self) -> int:
        return self._process.pid

    async def tab(self, user: str = USER) -> Tab:
        """Sign in and open the first page."""
        async with httpx.AsyncClient(base_url=self.url, headers={"Origin": self.url}, timeout=_PATIENCE) as client:
            answer = await client.post("/login", data={"username": user, "password": PASSWORD})
            if answer.status_code != 303:
                raise RuntimeError(f"Signing in was answered with {answer.status_code}")
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        connection = await connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            additional_headers={"Cookie": cookie},
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
        )
        tab = Tab(connection, self.url, cookie)
        await tab.rerun()
        return tab


class Run(NamedTuple):
    """A message in and its script finished: the seconds between, and the bytes that came."""

    seconds: float
    size: int


class Tab:
    """One page of a browser, as far as the server can tell.

    `widgets` are the identifiers of what stands on the page by their keys (a button that has none by its label), and
    `texts` are its alerts.
    """

    def __init__(self, connection: ClientConnection, url: str, cookie: str) -> None:
        self._connection = connection
        self._url, self._headers = url, {"Cookie": cookie, "Origin": url}
        self._session = ""
        self._pages: dict[str, str] = {}
        self._page = ""
        self.widgets: dict[str, str] = {}
        self.texts: list[str] = []

    async def open(self, page: str) -> Run:
        """Switch to a page by its name, "" for the first one."""
        self._page = self._pages[page]
        return await self.rerun()

    async def rerun(self, **values: str | bool) -> Run:
        """Send what was typed (text) or pressed (True), by the widgets' keys, and wait until the script has run."""
        return await self._run([_state(self.widgets[key], value) for key, value in values.items()])

    async def _run(self, states: list[WidgetState]) -> Run:
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.widget_states.widgets.extend(states)
        sent = message.SerializeToString()
        self.widgets, self.texts, size = {}, [], 0
        started = time.perf_counter()
        await self._connection.send(sent)
        while True:
            frame = await asyncio.wait_for(self._connection.recv(), _PATIENCE)
            ended = time.perf_counter()
            size += len(frame)
            got = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
            if got.WhichOneof("type") == "script_finished":
                if got.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return Run(ended - started, size)
            else:
                self._take(got)

    async def upload(self, key: str, name: str, content: bytes) -> Run:
        """Give a file to the field for it, and wait until the script has run."""
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self._session
        await self._connection.send(message.SerializeToString())
        while True:
            frame = await asyncio.wait_for(self._connection.recv(), _PATIENCE)
            got = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
            if got.WhichOneof("type") == "file_urls_response":
                break
        [urls] = got.file_urls_response.file_urls
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=_PATIENCE) as client:
            mark = (await client.get("/_stcore/health")).cookies["_streamlit_xsrf"]
            marked = {"X-Xsrftoken": mark, "Cookie": f"{self._headers['Cookie']}; _streamlit_xsrf={mark}"}
            answer = await client.put(urls.upload_url, files={"file": (name, content)}, headers=marked)
            answer.raise_for_status()
        state = WidgetState(id=self.widgets[key])
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id, file_urls=urls
        )
        return await self._run([state])

    async def close(self) -> None:
        await self._connection.close()

    def _take(self, got: ForwardMsg) -> None:
        match got.WhichOneof("type"):
            case "new_session":
                self.widgets, self.texts = {}, []
                self._page = got.new_session.page_script_hash
                self._session = got.new_session.initialize.session_id or self._session
            case "navigation":
                self._pages = {page.url_pathname: page.page_script_hash for page in got.navigation.app_pages}
                self._pages[""] = next(p.page_script_hash for p in got.navigation.app_pages if p.is_default)
                self._page = got.navigation.page_script_hash
            case "delta" if got.delta.WhichOneof("type") == "new_element":
                self._take_element(got.delta.new_element)

    def _take_element(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        content = getattr(element, kind)
        if kind == "exception":
            raise RuntimeError(f"The page failed: {content.type} {content.message}")
        if kind == "alert":
            self.texts.append(content.body)
        if kind == "button" and (content.is_form_submitter or content.id.endswith("-None")):
            self.widgets[content.label] = content.id
        elif identifier := getattr(content, "id", ""):
            self.widgets[identifier.split("-", 2)[-1]] = identifier


def _state(identifier: str, value: str | bool) -> WidgetState:
    if isinstance(value, bool):
        return WidgetState(id=identifier, trigger_value=value)
    return WidgetState(id=identifier, string_value=value)
