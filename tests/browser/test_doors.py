"""Every way in: sign-in and sign-out, cold deep links, and what else somebody might run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import PAGES, PASSWORD, ROOT, Server, Tab, t

Browse = Callable[..., Tab]
CANARY = "Kanarialintu Kaarina"


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a register with one canary in it; not started."""
    server = Server(tmp_path_factory.mktemp("canary"))
    server.fill(0)
    with server.open_store() as store:
        store.add({"source": "phone", "name": CANARY, "organisation": CANARY, "notes": CANARY}, by="aino")
    yield server
    server.stop()


def sign_in(tab: Tab) -> None:
    tab.page.fill("#username", "aino")
    tab.page.fill("#password", PASSWORD)
    tab.page.get_by_role("button", name=t("Sign in")).click()
    tab.idle()


def settle(server: Server, tab: Tab) -> None:
    """Wait until the script has run to its end, the process has ended, or it says nothing of either."""
    for _ in range(60):
        tab.page.wait_for_timeout(50)
        finished = any(ForwardMsg.FromString(frame).WhichOneof("type") == "script_finished" for frame in tab.got)
        if finished or not server.process or server.process.poll() is not None:
            return


def shown(tab: Tab) -> bytes:
    """Everything that the browser got: the page as it stands and what came through the WebSocket."""
    return tab.page.content().encode() + b"".join(tab.got)


@pytest.mark.parametrize("path", ["entry?x=1", "prospects?row=P-000001", "statistics", "retention?x=1", "admin"])
def test_a1_a_cold_deep_link_shows_sign_in_only_and_leads_there_afterwards(
    canary: Server, browse: Browse, path: str
) -> None:
    canary.stop()
    canary.start()
    tab = browse(canary)
    tab.page.goto(f"{canary.url}/{path}")  # the first request of this server's life
    expect(tab.page.get_by_role("heading", name=t("Sign in"))).to_be_visible()
    tab.page.wait_for_timeout(200)
    assert CANARY.encode() not in shown(tab) and tab.got == []
    sign_in(tab)
    name = path.partition("?")[0].replace("entry", "")
    tab.title(CANARY if "row" in path else PAGES[name])
    # The default page answers at the root alone; Streamlit keeps a query that no page reads, or drops it.
    assert tab.path == f"/{path.replace('entry', '')}"


def test_a3_after_signing_out_the_page_asks_to_sign_in_again(server: Server, browse: Browse) -> None:
    tab = browse(server, "aino").open("prospects")
    other = tab.page.context.new_page()
    other.goto(f"{server.url}/sign-out")
    other.get_by_role("button", name=t("Sign out")).last.click()
    expect(other.get_by_text(t("You have signed out."))).to_be_visible()
    for path in PAGES:
        other.goto(f"{server.url}/{path}")
        expect(other.get_by_role("heading", name=t("Sign in"))).to_be_visible()
    other.go_back()
    expect(other.get_by_role("heading", name=t("Sign in"))).to_be_visible()
    names = [cookie["name"] for cookie in tab.page.context.cookies() if cookie["name"].startswith("prospects")]
    assert [name for name in names if not name.endswith("_marks")] == []


# Every page, and of the others those that hold most; that the rest only define is tested below.
OTHERS = ("operations", "installation", "ui/visit", "ui/detail")


def test_a1_no_other_file_run_by_streamlit_shows_a_byte(canary: Server, browse: Browse, tmp_path: Path) -> None:
    """Without the gate, in front of a register that would open by itself, and with a session's cookie sent along."""
    canary.stop()
    cookie = _session(canary)
    scripts = [path for path in sorted(ROOT.glob("pages/*.py")) if path.name != "__init__.py"]
    assert len(scripts) > 5
    scripts += [ROOT / "lib" / f"{name}.py" for name in OTHERS]
    servers = [Server(tmp_path / path.stem, str(path.relative_to(ROOT))) for path in scripts]
    try:
        for server in servers:  # all at once: each start is mostly waiting
            server.data = canary.data
            server.launch(unattended=True)
        for server in servers:
            server.wait()
            tab = browse(server, cookies=cookie)
            tab.page.goto(server.url)
            settle(server, tab)
            if server.script.startswith("pages/"):  # the process ends at the first visit
                assert server.process and server.process.wait(20) == 1, server.script
                assert "nothing would stand before its pages" in server.log.read_text()
            assert CANARY.encode() not in shown(tab), server.script
            assert tab.page.locator("[data-testid=stDataFrame], main input").count() == 0, server.script
            tab.page.close()
    finally:
        for server in servers:
            server.stop()
    assert [server.script for server in servers if CANARY in server.log.read_text()] == []


def _session(server: Server) -> dict[str, str]:
    from lib.installation import Installation

    installation = Installation(server.data)
    account = installation.accounts.get("aino")
    assert account
    token = installation.sessions.create(account, installation.keyring.by_account("aino", PASSWORD), "test", "")
    return {f"prospects_{installation.id}": token}


# What a module may not do while it is read: show, read, write, open, begin.
_DOING = {"st", "streamlit", "open", "print", "current", "visit", "Installation", "Store", "Workspace", "subprocess"}
_DOING_METHODS = {
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "open",
    "mkdir",
    "unlink",
    "run",
    "main",
    "show",
}


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that run when a module is read: not those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for part in child.decorator_list if not isinstance(child, ast.Lambda) else ():
                yield from _calls(ast.Expression(part))
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "__name__ == '__main__'":
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for path in sorted([*ROOT.glob("lib/**/*.py"), *ROOT.glob("pages/*.py")])
        if path != ROOT / "pages" / "main.py"
    ],
)
def test_a1_every_other_module_only_defines(path: Path) -> None:
    for call in _calls(ast.parse(path.read_text("utf-8"))):
        names = ast.unparse(call.func).split(".")
        assert names[0] not in _DOING and names[-1] not in _DOING_METHODS, f"line {call.lineno}: {ast.unparse(call)}"
