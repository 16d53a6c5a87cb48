"""Guessing is slow, across addresses, processes and restarts; and nobody is kept out by it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lib.access import throttle as module
from lib.access.throttle import FREE, LONGEST, Throttle, network

from ..conftest import Clock
from .tries import CAFE, FAR, HOME, comes_in, guess, wait

# -- slow --------------------------------------------------------------------------------------------------------------


def test_a4_after_the_free_tries_each_wait_is_twice_the_one_before_to_a_minute(
    throttle: Throttle, clock: Clock
) -> None:
    for n in range(FREE["user"]):
        assert wait(throttle, "aino", f"192.0.2.{n}") == 0
    waits = []
    for n in range(9):
        waits.append(wait(throttle, "aino", f"198.51.100.{n}"))
        clock.now += waits[-1]
        assert wait(throttle, "aino", f"198.51.100.{n}") == 0, "after that wait it is checked"
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a4_a_user_s_free_tries_are_few_and_an_address_s_a_few_more(throttle: Throttle) -> None:
    assert [wait(throttle, "aino", f"192.0.2.{n}") for n in range(6)] == [0] * FREE["user"] + [1]
    assert [wait(throttle, f"user{n}", HOME) for n in range(11)] == [0] * FREE["address"] + [1]


@pytest.mark.parametrize("user", ["aino", "nobody"])
def test_a4_known_and_unknown_users_are_slowed_alike(throttle: Throttle, user: str) -> None:
    assert [wait(throttle, user, f"192.0.2.{n}") for n in range(8)] == [0, 0, 0, 0, 0, 1, 1, 1]


def test_a4_what_is_refused_is_not_counted(throttle: Throttle, clock: Clock) -> None:
    for _ in range(50):
        wait(throttle, "aino", HOME)
    clock.now += 1
    assert wait(throttle, "aino", HOME) == 0


def test_a4_an_attempt_counts_before_it_is_checked(throttle: Throttle) -> None:
    passed: list[int] = []
    barrier = threading.Barrier(8)

    def at_once(number: int) -> None:
        barrier.wait()
        if wait(throttle, "aino", f"192.0.2.{number}") == 0:
            passed.append(number)

    threads = [threading.Thread(target=at_once, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == FREE["user"]


def test_a4_failures_are_forgotten_with_time(throttle: Throttle, clock: Clock) -> None:
    guess(throttle, clock, 200, lambda n: "aino", lambda n: f"192.0.2.{n}")
    clock.pass_hours(3)
    assert [wait(throttle, "aino", f"203.0.113.{n}") for n in range(6)] == [0, 0, 0, 0, 0, 1]
    clock.pass_hours(24)
    throttle.succeeded("bo", HOME)
    assert json.loads(throttle.path.read_bytes())["counts"] == {}, "and leave the file"


def test_a4_a_restart_and_another_process_change_nothing(throttle: Throttle, tmp_path: Path, clock: Clock) -> None:
    code = (
        "import sys, pathlib\n"
        "from lib.access.throttle import Throttle\n"
        "throttle = Throttle(pathlib.Path(sys.argv[1]), lambda: float(sys.argv[2]))\n"
        "for n in range(5): throttle.begin('aino', f'192.0.2.{n}')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), str(clock.now)], check=True)
    assert wait(throttle, "aino", CAFE) == 1
    assert wait(Throttle(tmp_path, clock), "aino", CAFE) == 1


def test_a4_codes_of_the_second_factor_are_guessed_more_slowly_still(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for n in range(40):
        if seconds := wait(throttle, "aino", f"192.0.2.{n}", code=True):
            waits.append(seconds)
            clock.now += seconds
    assert max(waits) == 900
    assert wait(throttle, "aino", FAR) == 0, "passwords are counted apart"


def test_a4_a_thousand_addresses_guess_hardly_faster_than_a_few_dozen(throttle: Throttle, clock: Clock) -> None:
    """Every address has its turn at a user, but only so many of them wait at the same time."""
    checked, minutes = 0, 4
    for n in range(minutes * 60 * 5):
        clock.now += 0.2
        checked += wait(throttle, "aino", f"192.0.2.{n % 250}") == 0
    assert checked <= FREE["user"] + (module.MOST_TURNS + 1) * minutes


# -- and nobody is kept out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True], ids=["one address", "many addresses"])
def test_a4_a_thousand_wrong_passwords_keep_nobody_out(throttle: Throttle, clock: Clock, many: bool) -> None:
    comes_in(throttle, "aino", HOME)
    checked = guess(throttle, clock, 1000, lambda n: "aino", lambda n: f"192.0.{n // 250}.{n % 250}" if many else CAFE)
    assert checked < 1000
    comes_in(throttle, "aino", HOME)
    seconds = wait(throttle, "aino", FAR)
    assert seconds <= LONGEST
    clock.now += seconds
    comes_in(throttle, "aino", FAR)


@pytest.mark.parametrize("many", [False, True], ids=["one address", "many addresses"])
def test_a4_one_who_never_stops_guessing_keeps_nobody_out_either(throttle: Throttle, clock: Clock, many: bool) -> None:
    """The guesser is always the first when a wait is over; who was told to wait has a turn all the same."""

    def guesses(seconds: float) -> None:
        for n in range(int(seconds * 4)):
            clock.now += 0.25
            wait(throttle, "aino", f"192.0.2.{n % 30}" if many else CAFE)

    guesses(120)
    told = wait(throttle, "aino", FAR)
    assert 0 < told <= LONGEST
    guesses(told)
    comes_in(throttle, "aino", FAR)


def test_a4_a_stranger_slows_nobody_at_a_known_address(throttle: Throttle, clock: Clock) -> None:
    for user in ("aino", "bo"):
        comes_in(throttle, user, HOME)
    guess(throttle, clock, 100, lambda n: ("aino", "bo")[n % 2], lambda n: f"192.0.2.{n}")
    assert wait(throttle, "aino", FAR) > 0
    for user in ("aino", "bo"):
        comes_in(throttle, user, HOME)


def test_a4_nobody_learns_by_the_waits_who_comes_in_from_an_address(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    guess(throttle, clock, 100, lambda n: ("aino", "nobody")[n % 2], lambda n: f"192.0.2.{n}")
    waits = {user: [wait(throttle, user, HOME) for _ in range(8)] for user in ("nobody", "aino", "cecilia")}
    assert waits == {user: [0, 0, 0, 0, 0, 1, 1, 1] for user in waits}
    assert min(wait(throttle, "aino", FAR), wait(throttle, "nobody", FAR)) > 0


def test_a4_guessing_many_names_from_a_known_address_is_slow_too(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    assert guess(throttle, clock, 250, lambda n: f"user{n}", lambda n: HOME) < FREE["shared"] + 20
    seconds = wait(throttle, "aino", HOME)
    assert seconds <= LONGEST
    clock.now += seconds
    comes_in(throttle, "aino", HOME)


def test_a4_guessing_from_a_known_address_is_slow_too(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    assert guess(throttle, clock, 300, lambda n: "aino", lambda n: HOME) < 20
    clock.now += LONGEST
    comes_in(throttle, "aino", HOME)


@pytest.mark.parametrize("code", [False, True], ids=["password", "code"])
@pytest.mark.parametrize("user", ["aino", "nobody"])
def test_a4_whoever_makes_many_addresses_known_wins_no_tries_by_it(
    throttle: Throttle, clock: Clock, user: str, code: bool
) -> None:
    comes_in(throttle, "aino", HOME)
    checked = 0
    for n in range(30):
        clock.now += 1
        comes_in(throttle, "eve", f"192.0.2.{n}")
        checked += sum(wait(throttle, user, f"192.0.2.{n}", code=code) == 0 for _ in range(5))
    assert FREE["known"] <= checked <= FREE["known"] + 5, "the free ones, and what half a minute of slowed ones gives"


def test_a4_whoever_guesses_at_many_known_addresses_keeps_nobody_out(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    known = [f"192.0.2.{n}" for n in range(module.MOST_KNOWN)]
    for address in known:
        comes_in(throttle, "eve", address)

    def guesses(times: int) -> None:
        for n in range(times):
            clock.now += 1
            wait(throttle, "aino", known[n % len(known)])

    guesses(60)
    told = wait(throttle, "aino", HOME)
    assert 0 < told <= LONGEST
    guesses(told)
    comes_in(throttle, "aino", HOME)


def test_an_address_is_known_for_thirty_days_after_the_last_sign_in(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    clock.pass_hours(29 * 24)
    guess(throttle, clock, 100, lambda n: "aino", lambda n: CAFE)
    comes_in(throttle, "aino", HOME)
    clock.pass_hours(31 * 24)
    guess(throttle, clock, 100, lambda n: "aino", lambda n: f"192.0.2.{n}")
    assert wait(throttle, "aino", HOME) > 0


def test_a_right_password_leaves_no_trace_of_its_own_attempt(throttle: Throttle, clock: Clock) -> None:
    for n in range(30):
        clock.now += 0.01
        comes_in(throttle, f"user{n}", HOME)
    assert throttle.slowed([], []) == []
    guess(throttle, clock, 200, lambda n: "aino", lambda n: f"192.0.2.{n}")
    clock.now += LONGEST
    comes_in(throttle, "aino", FAR)
    comes_in(throttle, "aino", "198.51.100.10")


def test_whoever_has_an_account_cannot_clear_an_address_by_it(throttle: Throttle, clock: Clock) -> None:
    checked = 0
    for n in range(250):
        clock.now += 1
        if n % 3 == 0 and wait(throttle, "eve", CAFE) == 0:
            throttle.succeeded("eve", CAFE)
        checked += wait(throttle, f"user{n}", CAFE) == 0
    assert checked < FREE["shared"] + 20


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_ipv6_subnet_is_one_address(address: str, counted: str) -> None:
    assert network(address) == counted
