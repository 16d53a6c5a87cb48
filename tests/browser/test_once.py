"""A form of the gate's is sent once, however often its button is pressed. The pages are served by the test alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from .conftest import ROOT

SCRIPT = (ROOT / "lib" / "access" / "static" / "once.js").read_text("utf-8")
FORM = """<!doctype html><script src="/once.js"></script>
<form method="post" action="/answer"><input name="code" value="123456"><button>Send</button></form>"""


class _Slow(BaseHTTPRequestHandler):
    """A form, and an answer that takes its time."""

    got: list[bytes] = []

    def do_GET(self) -> None:
        self._say(SCRIPT if self.path == "/once.js" else FORM, "javascript" if self.path == "/once.js" else "html")

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(1)
        self._say("<h1>done</h1>", "html")

    def _say(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", f"text/{kind}")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    _Slow.got = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_second_click_sends_nothing_and_the_page_can_be_used_again(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    page.goto(address)
    page.evaluate("""() => {
        const button = document.querySelector("button");
        button.click();
        setTimeout(() => button.form.requestSubmit(), 200);
        setTimeout(() => button.click(), 400);
    }""")
    page.wait_for_selector("h1")
    assert _Slow.got == [b"code=123456"]
    page.go_back()
    page.click("button")
    page.wait_for_selector("h1")
    assert len(_Slow.got) == 2
    page.close()
