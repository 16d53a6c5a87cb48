"""A5: whatever is done in a day, the server speaks to nobody but the browsers that ask it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import websockets.exceptions

from lib.store import Store
from tests.browser.conftest import DESK, Tab
from tests.conftest import missing
from tests.serving import WORKBOOK, Server, make_register

Browse = Callable[..., Tab]
_NET = re.compile(r"(connect|sendto|sendmsg)\(.*?sa_family=AF_(INET6?|UNIX)(?:.*?(?:inet_addr|inet_pton)\((.*?)\))?")


def spoken_to(trace: str) -> set[str]:
    """Where the calls of a trace go to: addresses, and "" for what is no network."""
    found = set()
    for call in _NET.finditer(trace):
        address = re.search(r'"([^"]+)"', call[3] or "")
        found.add(address[1] if address else "")
    return found


def test_a5_the_trace_is_read_rightly() -> None:
    lines = [
        '12 connect(7, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.53")}, 16) = 0',
        '12 sendto(7, "x", 1, 0, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &s)}, 28) = 1',
        '12 connect(7, {sa_family=AF_UNIX, sun_path="/run/nscd"}, 110) = -1',
    ]
    assert spoken_to("\n".join(lines)) == {"192.0.2.53", "2001:db8::1", ""}


def test_a5_a_day_s_work_opens_no_connection_to_anywhere_else(browse: Browse, tmp_path: Path) -> None:
    """Sign-in, every page, an entry, a search, a chart, a download, a wrong password, a page of another site."""
    strace = shutil.which("strace") or missing("strace")
    trace = tmp_path / "trace"
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    server = Server(
        tmp_path / "data", before=[str(strace), "-D", "-f", "--seccomp-bpf", "-s", "64", "-e", calls, "-o", str(trace)]
    )
    make_register(server.data_dir)
    with Store.open(server.data_dir, WORKBOOK) as store:
        for n in range(3):
            store.add({"source": "email", "name": f"Testi Tiina {n}"}, by="aino")
    server.start()
    try:
        assert (
            server.client().post("/login", data={"username": "aino", "password": "väärä salasana"}).status_code == 401
        )
        client = server.sign_in()
        with pytest.raises(websockets.exceptions.InvalidStatus):
            server.socket(client, origin="https://203.0.113.9")
        assert client.get("/_stcore/host-config", headers={"Origin": "https://203.0.113.9"}).status_code == 200
        strength = client.post("/password/strength", data={"password": "neljä outoa sanaa"})
        assert strength.json()["score"] == 4
        client.post("/second-factor", data={"do": "begin"})
        tab = browse(server, cookies=dict(client.cookies), viewport=DESK)
        for page in ("account", "admin", "retention", "statistics", "prospects", ""):
            tab.open(page)
        tab.page.get_by_label("Name", exact=True).first.fill("Uusi Urho")
        tab.page.get_by_role("button", name="Save", exact=True).first.click()
        tab.see("Saved: P-")
        tab.open("prospects")
        tab.page.get_by_role("button", name="Excel list").click()
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="Download", exact=True).click()
        assert download.value.path().stat().st_size > 1000
        tab.page.goto("about:blank")
    finally:
        server.close()
    for _ in range(100):  # strace ends after what it traces
        if trace.read_text().rstrip().endswith("+++"):
            break
        time.sleep(0.1)
    seen = spoken_to(trace.read_text())
    assert {address for address in seen if address and not address.startswith("127.") and address != "::1"} == set()
