"""The gate and its own forms, in this process: what they answer when something is not as it was."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

import lib.installation
from lib.access.cookies import cookie_name
from lib.access.gate import Gate
from lib.access.web import ROUTES
from lib.errors import Busy, NotSynced, NotWritten, StoreError
from lib.installation import Installation

from .conftest import Start

HERE = "http://127.0.0.1:8501"


class Browser:
    """A browser on this machine; `token` is its session's, "" for none."""

    def __init__(self) -> None:
        app = Starlette(routes=ROUTES, middleware=[Middleware(Gate)])
        self._way = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        self.token = ""

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path)

    def post(self, path: str, **form: str) -> httpx.Response:
        return self._ask("POST", path, form)

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            headers = {"origin": HERE, "cookie": f"{cookie_name()}={self.token}", "user-agent": "Firefox/150.0"}
            async with httpx.AsyncClient(transport=self._way, base_url=HERE, headers=headers) as client:
                return await client.request(method, path, data=form)

        return asyncio.run(ask())


@pytest.fixture
def browser(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setattr(lib.installation, "_current", installation)
    monkeypatch.setattr(Gate, "active", Gate.active)
    return Browser()


# -- signing out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [NotWritten(reason="x"), Busy(), NotSynced(reason="x"), None], ids=type)
def test_signing_out_takes_the_cookie_also_where_the_session_cannot_be_ended(
    browser: Browser,
    installation: Installation,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    error: StoreError | None,
) -> None:
    token = browser.token = start(language="en")
    end = installation.sessions.end

    def fails(token: str) -> None:
        if error is None or isinstance(error, NotSynced):
            end(token)
        if error:
            raise error

    monkeypatch.setattr(installation.sessions, "end", fails)
    answer = browser.post("/logout")
    assert f'{cookie_name()}=""; ' in answer.headers["set-cookie"]
    if installation.half_in(token):
        assert answer.status_code == 503 and "could not write that it has ended" in answer.text
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?left")
