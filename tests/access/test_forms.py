"""The gate and its own forms, in this process: what they answer when something is not as it was."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import threading
from html import unescape
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request

import lib.installation
from lib import first_start
from lib.access import forms, setup, web
from lib.access.cookies import cookie_name
from lib.access.entrance import _Ticket
from lib.access.gate import Gate
from lib.access.web import ROUTES
from lib.errors import Busy, NotSynced, NotWritten, StoreError
from lib.installation import Installation
from lib.process import user_name

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Start, add, app_code, sign_in, told

HERE = "http://127.0.0.1:8501"


class Browser:
    """A browser on this machine; `token` is its session's, "" for none; `more` are other cookies."""

    def __init__(self) -> None:
        app = Starlette(routes=ROUTES, middleware=[Middleware(Gate)])
        self._way = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        self.token = self.more = ""

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.ask("POST", path, form)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            headers = {
                "origin": HERE,
                "cookie": f"{cookie_name()}={self.token}{self.more}",
                "user-agent": "Firefox/150.0",
            }
            async with httpx.AsyncClient(transport=self._way, base_url=HERE, headers=headers) as client:
                return await client.request(method, path, data=form)

        return asyncio.run(ask())


@pytest.fixture
def browser(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setattr(lib.installation, "_current", installation)
    monkeypatch.setattr(Gate, "active", Gate.active)
    return Browser()


# -- forms that come late, or twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/password", "/second-factor"])
def test_a_form_sent_after_the_end_of_the_session_leads_to_sign_in_and_back(
    browser: Browser, installation: Installation, start: Start, path: str
) -> None:
    browser.token = start()
    installation.sign_out(browser.token)
    answer = browser.post(path, do="begin", old=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
    for method, other in (("PUT", path), ("POST", "/prospects"), ("POST", "/media/a")):
        assert browser.ask(method, other).status_code == 401


def test_a_form_that_is_not_the_one_to_fill_first_leads_there(
    browser: Browser, installation: Installation, start: Start
) -> None:
    password = installation.add_user(start(), "bo", "Bo", {"sales"})
    browser.token = sign_in(installation, "bo", password).token
    answer = browser.post("/second-factor", do="begin")
    assert (answer.status_code, answer.headers["location"]) == (303, "/password?next=/second-factor")


def test_a_second_click_at_the_first_start_leads_to_the_register(
    browser: Browser, installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one's work is done while the second waits for it."""
    set_up = first_start.set_up
    form = {"code": installation.setup_code or "", "company": "Esimerkki Oy", "person_responsible": "Aino"}
    form |= {"display_name": "Aino", "username": "aino", "language": "en"}
    form |= {f"password{again}": PASSWORD for again in ("", "_again")}
    form |= {f"workbook_password{again}": WORKBOOK_PASSWORD for again in ("", "_again")}

    def after_the_first(*given: Any, **values: Any) -> str:
        start()
        return set_up(*given, **values)

    monkeypatch.setattr(first_start, "set_up", after_the_first)
    answer = browser.post("/setup", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    "path", ["/login", "/setup?code={code}", "/login/code", "/password", "/second-factor", "/logout"]
)
def test_each_form_s_page_keeps_a_second_click_from_sending_it_again(
    browser: Browser, installation: Installation, start: Start, path: str
) -> None:
    token = "" if "setup" in path else start()
    browser.token = "" if "login" in path else token
    if path == "/login/code":
        account = installation.accounts.get("aino")
        assert account
        ticket = installation._ticket(_Ticket(account, b"", False, installation.clock() + 60))
        browser.more = f"; {cookie_name()}_code={ticket}"
    page = browser.get(path.format(code=installation.setup_code))
    [address] = re.findall(r'<script src="(/gate/once\.js[^"]*)"></script>', page.text)
    assert page.status_code == 200 and "<form" in page.text
    assert browser.get(address).headers["content-type"].startswith("text/javascript")


# -- where it came from ------------------------------------------------------------------------------------------------


def test_one_s_own_changes_are_told_with_the_address_that_asks(
    browser: Browser, installation: Installation, start: Start
) -> None:
    """A session that is used elsewhere tells where."""
    start()
    add(installation, "bo")
    browser.token = installation.sign_in("bo", OTHER, "Chrome/150.0", "10.0.0.1").token
    browser.post("/password", old="wrong wrong wrong", password=PASSWORD, password_again=PASSWORD)
    secret = installation.begin_second_factor(browser.token, OTHER).secret
    assert browser.post("/second-factor", do="confirm", code=app_code(installation, secret)).status_code == 200
    browser.post("/second-factor", do="begin", password="wrong wrong wrong")
    browser.post("/second-factor", do="end", password=OTHER)
    answer = browser.post("/password", old=OTHER, password=PASSWORD, password_again=PASSWORD)
    [session] = installation.sessions.of_user("bo")
    assert answer.status_code == 200 and (session.device, session.address) == ("Firefox/150.0", "127.0.0.1")
    lines = told(installation, "sign_in_failed", "second_factor", "second_factor_off", "own_password")
    failed = "sign_in_failed"
    assert [action for _, action, _ in lines] == [failed, "second_factor", failed, "second_factor_off", "own_password"]
    assert [facts for *_, facts in lines] == [{"device": "Firefox", "address": "127.0.0.1"}] * 5


def test_what_ends_the_marks_of_a_user_s_browsers_gives_this_one_another(
    browser: Browser, installation: Installation, start: Start
) -> None:
    start()
    add(installation, "bo")
    marks = [""]

    def marked(answer: httpx.Response) -> str:
        """The session's token, if the answer brought another one."""
        cookies = httpx.Cookies()
        cookies.extract_cookies(answer)
        marks.append(cookies[f"{cookie_name()}_marks"])
        browser.more = f"; {cookie_name()}_marks={marks[-1]}"
        assert installation._browser("bo", marks[-1])
        return cookies.get(cookie_name()) or browser.token

    browser.token = marked(browser.post("/login", username="bo", password=OTHER))
    secret = installation.begin_second_factor(browser.token, OTHER).secret
    marked(browser.post("/second-factor", do="confirm", code=app_code(installation, secret)))
    marked(browser.post("/second-factor", do="end", password=OTHER))
    form = {"old": OTHER, "password": PASSWORD, "password_again": PASSWORD}
    browser.token = marked(browser.post("/password", **form))
    assert len(set(marks)) == 5 and installation.half_in(browser.token)


# -- the recovery sheet ------------------------------------------------------------------------------------------------


def test_the_line_on_the_recovery_sheet_is_the_one_that_helps(
    browser: Browser, installation: Installation, start: Start
) -> None:
    browser.token = start(language="en")
    sheet = browser.get("/recovery-sheet").text
    [line] = re.findall(r'<span class="path">(.*) user password aino</span>', sheet)
    command = shlex.split(unescape(line))
    assert f"as the user {user_name()}," in sheet and f"in the folder {setup.PROGRAM}," in sheet
    ran = subprocess.run(
        [*command, "info", "--json"],
        cwd=setup.PROGRAM,
        env={**os.environ, "PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK_PASSWORD},
        capture_output=True,
        check=True,
    )
    assert json.loads(ran.stdout)["rows"] == 0


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


@pytest.mark.parametrize(
    ("addresses", "own", "known"),
    [(["203.0.113.7"], "198.51.100.5", False), ([f"203.0.113.{n}" for n in range(60)], "203.0.113.1", True)],
    ids=["many from one address, and a colleague elsewhere", "many from many addresses, and one who is known"],
)
def test_a4_nobody_waits_behind_a_flood_of_forms(addresses: list[str], own: str, known: bool) -> None:
    """Each takes a core for a moment; so those from one address stand in a line of their own, and who is known."""
    free = threading.Event()
    order: list[str] = []

    async def comes(address: str, call: Any, *, known: bool = False) -> None:
        await forms.in_thread(Request({"type": "http", "client": (address, 1), "headers": []}), call, known=known)

    async def everyone() -> None:
        flood = [
            asyncio.create_task(comes(address, lambda: (free.wait(20), order.append("flood"))))
            for address in addresses * (60 // len(addresses))
        ]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(comes(own, lambda: order.append("somebody"), known=known), 10)
        free.set()
        await asyncio.gather(*flood)

    asyncio.run(everyone())
    assert order == ["somebody", *["flood"] * 60]


def test_a4_who_signs_in_from_a_browser_used_before_stands_in_the_line_of_the_known(
    browser: Browser, installation: Installation, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    add(installation, "bo")
    add(installation, "eve")
    marks = installation.marked(sign_in(installation, "bo").token, "")
    lines: list[bool] = []
    in_thread = web.in_thread

    async def noted(request: Request, call: Any, *, known: bool = False) -> Any:
        lines.append(known)
        return await in_thread(request, call, known=known)

    monkeypatch.setattr(web, "in_thread", noted)
    for more in ("", f"; {cookie_name()}_marks={marks}"):
        browser.more = more
        for name in ("bo", "eve", "nobody"):
            browser.post("/login", username=name, password=OTHER)
    assert lines == [False, False, False, True, False, False]
