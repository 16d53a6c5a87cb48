"""A real server and a real Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from lib import sample
from lib.first_start import make
from lib.i18n import translator
from lib.installation import Installation
from lib.store import Store
from tests.serving import ended

ROOT = Path(__file__).parents[2]
PASSWORD, WORKBOOK_PASSWORD = "oikea hevonen paristo", "työkirjan pitkä salasana"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ROWS = 60
PAGES = {"": "Uusi prospekti", "prospects": "Prospektit", "statistics": "Tilastot"} | {
    "retention": "Säilytysaika",
    "admin": "Ylläpito",
    "account": "Oma tili",
    "imports": "Tuonti",
}
t = translator("fi")
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Server:
    """`streamlit run` on a data folder and a temporary folder of its own.

    Args:
        folder: of this server; `data`, `tmp` and `log` are made in it.
        script: what to run.
    """

    def __init__(self, folder: Path, script: str = "app.py") -> None:
        self.data, self.tmp, self.log = folder / "data", folder / "tmp", folder / "log"
        self.tmp.mkdir(parents=True)
        self.script = script
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PROSPECTS_DATA": str(self.data),
            "PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK_PASSWORD,
            "TMPDIR": str(self.tmp),
            "PYTHONPATH": str(ROOT),
        }
        return {**os.environ, **own}

    def begin(self, display_name: str) -> Installation:
        """A new register, open, with its first user aino."""
        installation = Installation(self.data)
        make(
            installation,
            code=installation.setup_code or "",
            company="Esimerkki Oy",
            person_responsible=display_name,
            username="aino",
            display_name=display_name,
            password=PASSWORD,
            workbook_password=WORKBOOK_PASSWORD,
            language="fi",
            sample=False,
        )
        return installation

    def fill(self, rows: int) -> None:
        """A register with sample rows, an administrator aino with every role and a sales person sami."""
        installation = self.begin("aino")
        assert installation.store
        sample.fill(installation.store, rows=rows, seed=5)
        installation.close()
        self.add_user("sami", "Sami Seppälä", "sales")

    def add_user(self, name: str, display_name: str, *roles: str) -> None:
        """A user whose password is PASSWORD."""
        installation = Installation(self.data)
        installation.add_user_by_workbook(name, display_name, roles, PASSWORD, WORKBOOK_PASSWORD, one_time=False)

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self, *, unattended: bool = False) -> None:
        """Start without waiting; unattended, the workbook's password is in the environment."""
        environment = self.environment
        if not unattended:
            del environment["PROSPECTS_WORKBOOK_PASSWORD"]  # people open the register
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", self.script, "--server.port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until the server answers."""
        for _ in range(1200):
            assert self.process and self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/_stcore/health", verify=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            ended(self.process, how)

    def sign_in(self, name: str) -> dict[str, str]:
        """Sign in over HTTP and return the session's cookie."""
        origin = {"Origin": self.url}
        with httpx.Client(base_url=self.url, headers=origin, timeout=30, verify=False) as client:
            answer = client.post("/login", data={"username": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            return dict(client.cookies)

    def open_store(self) -> Store:
        """The register as it stands on the disk."""
        return Store.open(self.data, WORKBOOK_PASSWORD)

    def files(self) -> Iterator[Path]:
        """Every file that the server may have written."""
        for folder in (self.data, self.tmp):
            yield from (path for path in folder.rglob("*") if path.is_file())
        yield self.log


class Tab:
    """One page of the browser and what it did wrong.

    `outside` are requests to anywhere but the server, `complaints` what the console says against the policy, `got` what
    came through the WebSocket.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.got: list[bytes] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        page.on("request", self._request)
        page.on("console", lambda message: self._console(message.text))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", self.url.replace("http", "ws"))):
            self.outside.append(request.url)

    def _frame(self, payload: bytes | str) -> None:
        self.got.append(payload if isinstance(payload, bytes) else payload.encode())

    def _console(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.complaints.append(text)

    def open(self, path: str = "") -> Tab:
        self.got.clear()
        self.page.goto(f"{self.url}/{path}")
        return self.idle()

    def idle(self) -> Tab:
        """Wait until the script has run to its end and the page has been drawn."""
        end = time.monotonic() + 30
        while not any(ForwardMsg.FromString(frame).WhichOneof("type") == "script_finished" for frame in self.got):
            assert time.monotonic() < end, "the page's script did not end"
            self.page.wait_for_timeout(50)
        self.page.wait_for_selector(IDLE, timeout=30_000)
        return self

    def see(self, text: str, *, seconds: float = 15) -> Locator:
        """Wait for a text."""
        found = self.page.get_by_text(text).first
        expect(found).to_be_visible(timeout=1000 * seconds)
        return found

    def title(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=text, exact=True).first).to_be_visible()

    def field(self, label: str) -> Locator:
        """A field by its label in English."""
        return self.page.get_by_label(t(label), exact=True).first

    def type(self, label: str, text: str) -> None:
        """Type into a field and leave it, as a person does."""
        self.field(label).fill(text)
        self.field(label).press("Tab")

    def press(self, label: str, **params: Any) -> None:
        self.page.get_by_role("button", name=t(label, **params), exact=True).first.click()

    def saved(self) -> str:
        """Wait for the confirmation and return the number."""
        text = self.see("Tallennettu: P-").inner_text()
        return re.search(r"P-\d{6}", text)[0]  # type: ignore[index]

    def open_first_row(self) -> None:
        """Click the number in the first line of the first table, which is drawn on a canvas."""
        expect(self.page.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
        self.page.wait_for_selector(IDLE)
        self.page.wait_for_timeout(300)  # the table has taken its place
        self.page.locator("[data-testid=stDataFrame]").first.click(position={"x": 30, "y": 52})

    def cells(self) -> list[str]:
        """The texts of the tables' cells, as a screen reader gets them."""
        return self.page.locator("canvas [role=gridcell]").all_inner_texts()

    @property
    def path(self) -> str:
        parts = urlsplit(self.page.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None) or "/usr/bin/chromium"
    if not Path(found).exists():
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most journeys share, with sample rows."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.fill(ROWS)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be filled and started by it."""
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def browse(chromium: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """Opens a browser on a server: `browse(server, "aino")` is signed in, `browse(server)` is not.

    Each has its own cookies. A screenshot of each is kept below pytest's own folder when the test fails.
    """
    tabs: list[tuple[BrowserContext, Tab]] = []

    def new(server: Server, name: str = "", *, cookies: dict[str, str] | None = None, **options: Any) -> Tab:
        context = chromium.new_context(**{"viewport": DESK, "locale": "fi-FI", **options})
        cookies = cookies or (server.sign_in(name) if name else {})
        context.add_cookies([{"name": k, "value": v, "url": server.url} for k, v in cookies.items()])
        tab = Tab(context.new_page(), server.url)
        tabs.append((context, tab))
        return tab

    yield new
    for n, (context, tab) in enumerate(tabs):
        if getattr(request.node, "failed", False) and not tab.page.is_closed():
            tab.page.screenshot(path=str(tmp_path / f"failure-{n}.png"), full_page=True)
        context.close()
    # Whatever a test is about: nothing left the machine, and the policy was in nobody's way.
    assert [tab.outside for _, tab in tabs] == [[] for _ in tabs]
    assert [tab.complaints for _, tab in tabs] == [[] for _ in tabs]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.failed:  # type: ignore[attr-defined]
        item.failed = True  # type: ignore[attr-defined]
    return report
