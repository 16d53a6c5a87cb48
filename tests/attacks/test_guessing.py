"""A thousand guesses, from one place and from many; and what the time of an answer tells."""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from lib.access.throttle import FREE, KNOWN, LONGEST
from lib.installation import Installation
from lib.store import Store
from tests.serving import OTHER, PASSWORD, ROOT, WORKBOOK, Server, cookie_header

HOME = "198.51.100.5"  # where sami usually is
WRONG = "väärä hevonen paristo"


@pytest.fixture
def unslowed(server: Server) -> Iterator[Server]:
    """A server that has forgotten every guess, and knows where sami signs in from."""
    attempts = Installation(server.data_dir).throttle.path
    attempts.unlink(missing_ok=True)
    server.sign_in("sami", OTHER, https_from=HOME)
    yield server
    attempts.unlink(missing_ok=True)


def guess(client: httpx.Client, address: str, name: str, password: str = WRONG) -> httpx.Response:
    """One try from an address, which a proxy on the server's machine tells."""
    return client.post("/login", data={"username": name, "password": password}, headers={"X-Forwarded-For": address})


def test_a4_of_a_thousand_guesses_from_one_address_a_handful_is_checked_and_the_user_comes_in(
    unslowed: Server,
) -> None:
    client, began = unslowed.client(https_from="203.0.113.7"), time.monotonic()
    answers = [guess(client, "203.0.113.7", "sami") for _ in range(1000)]
    seconds = time.monotonic() - began
    checked = Counter(answer.status_code for answer in answers)
    assert set(checked) == {401, 429}
    # After the free tries the waits double: 1, 2, 4, ... so the tries grow with the logarithm of the time.
    assert checked[401] <= FREE["user"] + 2 + seconds / 4
    assert 0 < int(answers[-1].headers["retry-after"]) <= LONGEST
    assert "Too many wrong attempts" in answers[-1].text and WRONG not in answers[-1].text
    # The right password is of no use there either: nothing is checked.
    assert guess(client, "203.0.113.7", "sami", OTHER).status_code == 429
    # The user where the user usually is notices nothing.
    assert guess(unslowed.client(https_from=HOME), HOME, "sami", OTHER).status_code == 303
    # Others come in from anywhere else.
    assert guess(unslowed.client(https_from=HOME), "198.51.100.99", "mari", OTHER).status_code == 303


def test_a4_of_a_thousand_guesses_from_as_many_addresses_a_handful_is_checked_and_the_user_comes_in(
    unslowed: Server,
) -> None:
    client, began = unslowed.client(https_from="203.0.113.7"), time.monotonic()
    codes = Counter(guess(client, f"203.0.{n // 250}.{n % 250 + 1}", "sami").status_code for n in range(1000))
    assert codes[401] <= FREE["user"] + 2 + (time.monotonic() - began) / 4 and codes[401] + codes[429] == 1000
    assert guess(unslowed.client(https_from=HOME), HOME, "sami", OTHER).status_code == 303
    # Nobody is kept out for good: from a new address the user waits for a minute at most.
    new = guess(client, "192.0.2.200", "sami", OTHER)
    assert new.status_code == 303 or int(new.headers["retry-after"]) <= LONGEST


def test_a4_a_thousand_names_tried_from_one_address_are_slowed_as_well(unslowed: Server) -> None:
    client, began = unslowed.client(https_from="203.0.113.8"), time.monotonic()
    codes = Counter(guess(client, "203.0.113.8", f"user{n}", "Salasana123!").status_code for n in range(1000))
    assert codes[401] <= FREE["address"] + 2 + (time.monotonic() - began) / 4
    assert guess(client, HOME, "sami", OTHER).status_code == 303


def test_a4_an_ipv6_owner_s_many_addresses_count_as_one(unslowed: Server) -> None:
    client = unslowed.client(https_from="2001:db8::1")
    codes = Counter(guess(client, f"2001:db8::{n:x}", f"user{n}", "Salasana123!").status_code for n in range(1, 60))
    assert codes[429] > 30


def test_a4_guesses_at_the_same_moment_count_as_well(unslowed: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    clients = [unslowed.client(https_from="203.0.113.9") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        codes = Counter(pool.map(lambda client: guess(client, "203.0.113.9", "sami").status_code, clients))
    assert codes[401] <= FREE["user"] + 1


def test_a4_a_restart_forgets_no_guess_and_the_administrator_sees_them(unslowed: Server) -> None:
    client = unslowed.client(https_from="203.0.113.10")
    while guess(client, "203.0.113.10", "sami").status_code == 401:
        pass
    unslowed.stop()
    unslowed.start()
    after = Counter(guess(client, "203.0.113.10", "sami").status_code for _ in range(FREE["user"] + 1))
    assert after[401] <= 2  # the wait may be over meanwhile; the free tries do not come again
    assert guess(client, HOME, "sami", OTHER).status_code == 303
    seen = Installation(unslowed.data_dir).throttle.slowed(["sami"], ["203.0.113.10"])
    assert [one.user for one in seen] == ["sami"]
    for _ in range(50):  # another thread writes
        with Store.open(unslowed.data_dir, WORKBOOK) as store:
            lines = {(e.action, e.by, e.facts.get("address")) for e in store.log()}
        if ("slowed", "sami", "203.0.113.10") in lines:
            break
        time.sleep(0.1)
    assert {("sign_in_failed", "sami", "203.0.113.10"), ("slowed", "sami", "203.0.113.10")} <= lines
    text = unslowed.data_dir.joinpath("attempts.json").read_text()
    assert "sami" not in text and "203.0.113" not in text


def test_a4_a_known_and_an_unknown_user_get_the_same_answers_in_the_same_order(unslowed: Server) -> None:
    def told(name: str, address: str) -> tuple[list[int], dict[int, set[tuple[str, ...]]]]:
        client = unslowed.client(https_from=address)
        answers = [guess(client, address, name) for _ in range(FREE["user"])]
        while answers[-1].status_code != 429:  # on a slow machine a wait may be over by the next guess
            answers.append(guess(client, address, name))
        said: dict[int, set[tuple[str, ...]]] = {}
        for answer in answers:
            text = re.sub(r"\d+", "N", answer.text.replace(name, "*"))  # how long to wait
            said.setdefault(answer.status_code, set()).add((text, *sorted(answer.headers.keys())))
        return [answer.status_code for answer in answers[: FREE["user"]]], said

    known, unknown = told("mari", "203.0.113.20"), told("nobody", "203.0.113.21")
    assert known == unknown
    assert known[0] == [401] * FREE["user"] and known[1].keys() == {401, 429}


# -- a browser that was used before ------------------------------------------------------------------------------------


def marks_of(client: httpx.Client) -> dict[str, str]:
    """What a browser still sends after its session ended."""
    [cookie] = [cookie for cookie in client.cookies.jar if cookie.name.endswith("_marks")]
    assert cookie.name.startswith("__Host-") and cookie.secure and cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict" and "sami" not in f"{cookie.value}"
    assert cookie.expires and abs(cookie.expires - time.time() - KNOWN) < 600
    return {"Cookie": f"{cookie.name}={cookie.value}"}


def go_on(client: httpx.Client, seconds: int) -> None:
    """Guess until there are so many seconds to wait."""
    while int((answer := guess(client, HOME, "sami")).headers.get("retry-after", 0)) < seconds:
        assert answer.status_code in (401, 429)


def test_a4_one_who_goes_on_guessing_at_the_same_address_keeps_nobody_out_of_a_browser_used_before(
    unslowed: Server,
) -> None:
    own = unslowed.sign_in("sami", OTHER, https_from=HOME)
    left = own.post("/logout", headers=cookie_header(own))
    assert left.headers["location"] == "/login?left" and "_marks" not in left.headers["set-cookie"]
    marks, guesser = marks_of(own), unslowed.client(https_from=HOME)
    go_on(guesser, 4)
    for _ in range(10):
        go_on(guesser, 2)
        assert guess(unslowed.client(https_from=HOME), HOME, "sami", OTHER).status_code == 429
        browser = unslowed.client(https_from=HOME)
        browser.headers.update(marks)
        assert guess(browser, HOME, "sami", OTHER).status_code == 303
        assert marks_of(browser) == marks
    go_on(guesser, 2)
    assert guess(guesser, HOME, "sami", OTHER).status_code == 429, "nor does that help the guesser"


def test_a4_a_stolen_mark_does_not_help_to_guess_faster_and_slows_nobody_elsewhere(unslowed: Server) -> None:
    marks, began = marks_of(unslowed.sign_in("sami", OTHER, https_from=HOME)), time.monotonic()
    thief = unslowed.client(https_from=HOME)
    thief.headers.update(marks)
    codes = Counter(guess(thief, f"203.0.113.{n % 250 + 1}", "sami").status_code for n in range(500))
    assert codes[401] <= FREE["user"] + 2 + (time.monotonic() - began) / 4 and codes[401] + codes[429] == 500
    go_on(thief, 2)
    assert guess(thief, HOME, "sami", OTHER).status_code == 429
    for address in (HOME, "203.0.113.1", "192.0.2.201"):
        assert guess(unslowed.client(https_from=HOME), address, "sami", OTHER).status_code == 303


def test_a4_no_answer_to_a_wrong_password_tells_whether_a_mark_is_good(unslowed: Server) -> None:
    marks = marks_of(unslowed.sign_in("sami", OTHER, https_from=HOME))
    others = marks_of(unslowed.sign_in("mari", OTHER, https_from=HOME))
    said = set()
    for name, sent in (("sami", marks), ("sami", others), ("nobody", marks), ("nobody", others), ("sami", {})):
        client = unslowed.client(https_from=HOME)
        client.headers.update(sent)
        for _ in range(2):
            answer = guess(client, HOME, name)
            text = answer.text.replace(f'value="{name}"', "")
            said.add((answer.status_code, text, *sorted(answer.headers.keys())))
    [(status, text, *headers)] = said
    assert status == 401 and "set-cookie" not in headers


# -- time --------------------------------------------------------------------------------------------------------------

TRIES = 15
# Who is tried with which password: a known user, and those whose answers must not take another time.
TRIED = {
    "known": ("sami", WRONG),
    "unknown": ("nobody", WRONG),
    "disabled": ("olli", WRONG),
    "unknown, password too long": ("nobody", "x" * 200),
}


@pytest.fixture(scope="module")
def dear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose passwords cost what is shipped: made by other processes, where nothing is cheap."""
    server = Server(tmp_path_factory.mktemp("dear") / "data")
    passwords = {
        "PROSPECTS_WORKBOOK_PASSWORD": WORKBOOK,
        "PROSPECTS_ADMIN_PASSWORD": PASSWORD,
        "PROSPECTS_USER_PASSWORD": OTHER,
        "PROSPECTS_DATA": str(server.data_dir),
    }
    for arguments in (
        ["init", "--admin", "aino"],
        ["user", "add", "sami", "--role", "sales", "--lasting"],
        ["user", "add", "olli", "--role", "sales", "--lasting"],
        ["user", "disable", "olli"],
    ):
        command = [sys.executable, "-m", "lib", *arguments]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **passwords}, check=True, capture_output=True)
    server.start()
    yield server
    server.close()


def chance(one: list[float], other: list[float]) -> float:
    """How often medians differ at least as much if it is chance alone which time belongs to whom."""
    gap, mixed = abs(statistics.median(one) - statistics.median(other)), [*one, *other]
    dice, hits, rounds = random.Random(7), 0, 5000
    for _ in range(rounds):
        dice.shuffle(mixed)
        hits += abs(statistics.median(mixed[: len(one)]) - statistics.median(mixed[len(one) :])) >= gap
    return (hits + 1) / (rounds + 1)


@pytest.fixture(scope="module")
def times(dear: Server) -> dict[str, list[float]]:
    """The seconds of answers, measured in turns, so that what else the machine does falls on all."""
    attempts = Installation(dear.data_dir).throttle.path
    client = dear.client()
    found: dict[str, list[float]] = {kind: [] for kind in TRIED}
    for n in range(-2, TRIES):
        for kind in sorted(TRIED, reverse=bool(n % 2)):
            name, password = TRIED[kind]
            attempts.unlink(missing_ok=True)
            began = time.perf_counter()
            answer = client.post("/login", data={"username": name, "password": password})
            took = time.perf_counter() - began
            assert answer.status_code == 401
            if n >= 0:
                found[kind].append(took)
    return found


@pytest.mark.parametrize("kind", [kind for kind in TRIED if kind != "known"])
def test_a4_the_time_of_an_answer_does_not_tell_a_known_user(times: dict[str, list[float]], kind: str) -> None:
    known, other = statistics.median(times["known"]), statistics.median(times[kind])
    assert min(known, other) > 0.05, "a password is checked at its whole cost"
    assert abs(known - other) < 0.1 * known or chance(times["known"], times[kind]) > 0.001, (known, other)
