"""Cookies that somebody kept, stole, guessed, cut, swapped or planted."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx
import pyotp
import pytest
import websockets.exceptions
from websockets.sync.client import connect

from lib.installation import Installation
from tests.serving import OTHER, WORKBOOK, Server, closes, read, rerun, session_cookie

OPEN = ["/", "/prospects", "/account", "/recovery-sheet", "/password", "/second-factor", "/_stcore/host-config"]
ANOTHER = "kolmas hevonen paristo"


def opens_nothing(server: Server, cookies: dict[str, str]) -> None:
    """Nobody gets in with these."""
    client = server.client(cookies=cookies)
    for path in OPEN:
        answer = client.get(path)
        assert answer.status_code in (303, 401) and answer.content == b"", path
        assert answer.headers.get("location", "/login").startswith("/login")
    assert client.get("/session").json() == {"who": ""}
    with pytest.raises(websockets.exceptions.InvalidStatus):
        server.socket(client)


def test_a3_a_signed_out_cookie_replayed_opens_nothing(server: Server) -> None:
    client = server.sign_in("sami", OTHER)
    kept = dict(client.cookies)
    client.post("/logout")
    opens_nothing(server, kept)


def disable(installation: Installation) -> None:
    installation.set_disabled("sami", True)


def other_roles(installation: Installation) -> None:
    installation.set_roles("sami", {"manager"})


def other_password(installation: Installation) -> None:
    installation.recover_password("sami", ANOTHER, WORKBOOK, one_time=False)


def lost_device(installation: Installation) -> None:
    installation.lost_device("sami")


@pytest.mark.parametrize("change", [disable, other_roles, other_password, lost_device], ids=lambda f: f.__name__)
def test_a3_a_stolen_cookie_ends_with_the_account_s_state_that_it_began_in(
    server: Server, change: Callable[[Installation], None]
) -> None:
    stolen = [server.sign_in("sami", OTHER) for _ in range(2)]
    installation = Installation(server.data_dir)
    try:
        with server.socket(stolen[0]) as connection:
            rerun(connection)
            read(connection, b"Sami Bergman")
            change(installation)
            assert closes(connection)
        for client in stolen:
            opens_nothing(server, dict(client.cookies))
    finally:
        installation.set_disabled("sami", False)
        installation.set_roles("sami", {"sales"})
        installation.recover_password("sami", OTHER, WORKBOOK, one_time=False)


def test_a3_the_sessions_file_of_before_put_back_opens_nothing_after_a_new_role(server: Server) -> None:
    client = server.sign_in("sami", OTHER)
    installation = Installation(server.data_dir)
    before = installation.sessions.path.read_bytes()
    try:
        installation.set_roles("sami", {"manager"})
        installation.sessions.path.write_bytes(before)
        opens_nothing(server, dict(client.cookies))
    finally:
        installation.set_roles("sami", {"sales"})


def test_a3_a_password_that_its_owner_changed_ends_every_other_session_and_not_this_one(server: Server) -> None:
    stolen, own = server.sign_in("sami", OTHER), server.sign_in("sami", OTHER)
    old = dict(own.cookies)
    form = {"old": OTHER, "password": ANOTHER, "password_again": ANOTHER}
    try:
        assert own.post("/password", data=form | {"old": "väärä vanha salasana"}).status_code == 401
        assert own.post("/password", data=form | {"password_again": "muuta"}).status_code == 422
        assert own.get("/account").status_code == 200
        assert own.post("/password", data=form, headers={"Origin": "http://evil.example"}).status_code == 403
        assert own.post("/password", data=form).status_code == 200
        assert own.get("/account").status_code == 200 and dict(own.cookies) != old
        opens_nothing(server, old)
        opens_nothing(server, dict(stolen.cookies))
    finally:
        Installation(server.data_dir).recover_password("sami", OTHER, WORKBOOK, one_time=False)


@pytest.mark.parametrize(
    "bent",
    [
        lambda token: secrets.token_urlsafe(32),
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token + "A",
        lambda token: token.swapcase(),
        lambda token: token[::-1],
        lambda token: "",
        lambda token: "*",
        lambda token: "../../sessions.json",
        lambda token: "%00" + token,
        lambda token: "A" * 4000,
    ],
    ids=["guessed", "cut", "headless", "longer", "other case", "backwards", "none", "star", "path", "nul", "huge"],
)
def test_a3_a_guessed_or_bent_cookie_opens_nothing(server: Server, bent: Callable[[str], str]) -> None:
    name, token = session_cookie(server.sign_in("sami", OTHER))
    opens_nothing(server, {name: bent(token)})


def test_a3_what_the_disk_knows_of_a_session_is_no_cookie(server: Server) -> None:
    name, _ = session_cookie(server.sign_in("sami", OTHER))
    installation = Installation(server.data_dir)
    session = installation.sessions.of_user("sami")[0]
    for known in (session.id, session.key, *installation.sessions._stored()):
        opens_nothing(server, {name: known})


def test_a3_another_register_s_cookie_opens_nothing(server: Server) -> None:
    name, token = session_cookie(server.sign_in("sami", OTHER))
    opens_nothing(server, {name + "0": token})
    opens_nothing(server, {"prospects": token, "_streamlit_user": token, "session": token})


def test_a3_a_swapped_cookie_is_the_other_user_s_and_never_both_s(server: Server) -> None:
    """On one Streamlit session: the user is whose cookie came with the socket, not who was there before."""
    sami, mari = server.sign_in("sami", OTHER), server.sign_in("mari", OTHER)
    swapped = server.client(cookies=dict(mari.cookies))
    with server.socket(swapped) as connection:
        rerun(connection)
        content = read(connection, b"Mari Bergman")
        assert b"Sami Bergman" not in content
    assert sami.get("/session").json()["who"] == "sami" and swapped.get("/session").json()["who"] == "mari"


def test_a3_of_two_cookies_the_page_goes_by_the_one_that_the_gate_went_by(server: Server) -> None:
    """A cookie planted beside the real one, before it or after it, is not taken for the page's."""
    name, token = session_cookie(server.sign_in("sami", OTHER))
    _, other = session_cookie(server.sign_in("mari", OTHER))
    for header in (f"{name}={token}; __Host-{name}={other}", f"__Host-{name}={other}; {name}={token}"):
        client = server.client()
        client.headers["Cookie"] = header
        assert client.get("/session").json()["who"] == "sami"
    secure = server.client(https_from="203.0.113.7")
    secure.headers["Cookie"] = f"{name}={token}"  # planted over plain HTTP: not the name that counts behind https
    assert secure.get("/session").json() == {"who": ""}
    both = {"Cookie": f"{name}={token}; __Host-{name}={other}", "X-Forwarded-Proto": "https"}
    with connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", additional_headers=both, close_timeout=0.2) as socket:
        rerun(socket)
        assert b"Sami Bergman" not in read(socket, b"Mari Bergman")


def test_a3_a_session_planted_before_sign_in_is_not_the_one_after_it(server: Server) -> None:
    """Fixation: the attacker's own cookie, and one that is none, in the victim's browser."""
    name, attackers = session_cookie(server.sign_in("mari", OTHER))
    for planted in (attackers, secrets.token_urlsafe(32)):
        victim = server.client(cookies={name: planted})
        victim.cookies.set(name, planted)
        answer = victim.post("/login", data={"username": "sami", "password": OTHER})
        fresh = httpx.Cookies()
        fresh.extract_cookies(answer)
        assert answer.status_code == 303 and fresh[name] not in (planted, "")
        opens_nothing(server, {name: planted})  # and the attacker's session in that browser is over


def test_a3_after_a_password_alone_a_second_factor_s_user_is_not_in(server: Server) -> None:
    from lib.access import second_factor
    from lib.access.accounts import Factor

    installation = Installation(server.data_dir)
    secret = second_factor.new_secret()
    master = installation.keyring.by_account("mari", OTHER)
    installation.accounts.set_factor("mari", Factor(second_factor.sealed(master, "mari", secret), 0, ()))
    try:
        client = server.client()
        answer = client.post("/login", data={"username": "mari", "password": OTHER, "next": "/statistics"})
        assert answer.headers["location"] == "/login/code?next=/statistics"
        [(name, ticket)] = client.cookies.items()
        assert name.endswith("_code")
        opens_nothing(server, {name: ticket, name.removesuffix("_code"): ticket})
        assert client.post("/login/code", data={"code": "000000"}).status_code == 401
        assert server.client().post("/login/code", data={"code": pyotp.TOTP(secret).now()}).status_code == 401
        right = {"code": pyotp.TOTP(secret).now(), "next": "//evil.example"}
        assert client.post("/login/code", data=right).headers["location"] == "/"
        assert client.get("/session").json()["who"] == "mari"
        again = server.client()
        again.post("/login", data={"username": "mari", "password": OTHER})
        assert again.post("/login/code", data=right).status_code == 401  # a code is good once
        assert server.client(cookies={name: ticket}).post("/login/code", data=right).status_code == 401
    finally:
        installation.accounts.set_factor("mari", None)


@pytest.mark.parametrize("todo", ["password", "second_factor"])
def test_a3_whoever_must_do_something_first_can_do_that_and_nothing_else(server: Server, todo: str) -> None:
    installation = Installation(server.data_dir)
    if todo == "password":
        installation.recover_password("sami", OTHER, WORKBOOK)
    else:
        installation.save_settings(second_factor_for="all")
    try:
        client = server.sign_in("sami", OTHER)
        own = {"password": "/password", "second_factor": "/second-factor"}[todo]
        for path in (*OPEN, "/signed-in"):
            answer = client.get(path)
            if path == own:
                assert answer.status_code == 200 and own in answer.text
            elif path.startswith("/_stcore"):
                assert answer.status_code == 401
            else:
                assert answer.headers["location"].startswith(f"{own}?next=/") and answer.content == b""
        assert client.get("/session").json() == {"who": ""}
        for path in {"/password", "/second-factor"} - {own}:  # not asked for now: it leads to what is
            answer = client.post(path, data={"do": "begin"})
            assert answer.status_code == 303 and answer.headers["location"] == f"{own}?next={path}"
        assert client.post("/recovery-sheet", data={"do": "begin"}).status_code == 401
        with pytest.raises(websockets.exceptions.InvalidStatus):
            server.socket(client)
        assert client.post("/logout").status_code == 303
    finally:
        installation.save_settings(second_factor_for="none")
        installation.recover_password("sami", OTHER, WORKBOOK, one_time=False)


def test_a3_the_forced_password_is_changed_and_leads_on(server: Server) -> None:
    installation = Installation(server.data_dir)
    installation.recover_password("sami", OTHER, WORKBOOK)
    try:
        client = server.sign_in("sami", OTHER)
        assert client.get("/prospects?x=1").headers["location"] == "/password?next=/prospects%3Fx%3D1"
        form = {"old": OTHER, "password": ANOTHER, "password_again": ANOTHER, "next": "/prospects?x=1"}
        same = client.post("/password", data=form | {"password": OTHER, "password_again": OTHER})
        assert same.status_code == 422
        assert client.post("/password", data=form).headers["location"] == "/prospects?x=1"
        assert client.get("/session").json()["who"] == "sami"
    finally:
        installation.recover_password("sami", OTHER, WORKBOOK, one_time=False)
