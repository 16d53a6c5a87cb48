"""What the throttle keeps on the disk: no names, not more than it needs, and no door where it cannot be kept."""

from __future__ import annotations

import contextlib
import errno
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.access import throttle as module
from lib.access.throttle import Slowed, Throttle
from lib.errors import Busy, NotWritten

from ..conftest import Clock
from .tries import CAFE, FAR, HOME, comes_in, guess, wait

# -- the file ----------------------------------------------------------------------------------------------------------


def test_no_name_and_no_address_stands_in_the_file(throttle: Throttle, clock: Clock) -> None:
    secret = "a password typed in the wrong field"
    comes_in(throttle, "aino", HOME)
    guess(throttle, clock, 20, lambda n: secret, lambda n: CAFE)
    guess(throttle, clock, 20, lambda n: secret, lambda n: f"203.0.113.{n}")
    content = throttle.path.read_text()
    assert not any(text in content for text in (secret, "aino", HOME, CAFE, "203.0.113"))
    other = Throttle(throttle.path.parent / "other", clock)
    other.begin(secret, CAFE)
    assert not json.loads(content)["counts"].keys() & json.loads(other.path.read_text())["counts"].keys()


def names(path: Path) -> set[str]:
    """The hashes of names in the file."""
    content = json.loads(path.read_bytes())
    counted = [key.split(":") for key in (*content["counts"], *content["turns"])]
    return {*content["known"], *(key[1] for key in counted if key[0] not in ("address", "shared"))}


def test_a_name_s_hash_is_too_short_to_tell_a_password_typed_there(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "aino", HOME)
    for n in range(8):
        for address in (HOME, f"192.0.2.{n}"):
            wait(throttle, "a password typed in the wrong field", address)
            wait(throttle, "aino", address, code=True)
    assert len(names(throttle.path)) == 2 and {len(name) for name in names(throttle.path)} == {6}


def test_a_file_with_longer_hashes_counts_on_and_is_cut(throttle: Throttle, clock: Clock) -> None:
    key = "00" * 16

    def long(text: str) -> str:
        return hmac.new(bytes.fromhex(key), text.encode(), "sha256").hexdigest()[:24]

    counts = {f"user:{long('aino')}": [5, clock.now], f"here:{long('bo')}:{long(HOME)}": [5, clock.now]}
    counts[f"address:{long(CAFE)}"] = [10, clock.now]
    known = {long("aino"): {long(HOME): clock.now}}
    throttle.path.write_text(json.dumps({"key": key, "counts": counts, "known": known, "turns": {}}))
    assert [wait(throttle, *who) for who in (("aino", FAR), ("bo", HOME), ("eve", CAFE), ("aino", HOME))] == [
        1,
        1,
        1,
        0,
    ]
    assert {len(name) for name in names(throttle.path)} == {6}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{ not json",
        b"[]",
        b"{}",
        b'{"key": 1}',
        b'{"key": "zz"}',
        b'{"key": "00", "counts": 3}',
        b"\xff\xfe",
        b"null",
    ],
)
def test_a_damaged_file_counts_as_empty(throttle: Throttle, content: bytes) -> None:
    throttle.path.write_bytes(content)
    assert wait(throttle, "aino", HOME) == 0
    comes_in(throttle, "aino", HOME)
    assert json.loads(throttle.path.read_bytes())["known"]


def test_a4_a_full_disk_opens_no_door(throttle: Throttle, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    def full(*_: object) -> None:
        raise NotWritten(reason="x")

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_json", full)
        assert [wait(throttle, "aino", f"192.0.2.{n}") for n in range(6)] == [0, 0, 0, 0, 0, 1]
    assert not throttle.path.exists()
    clock.now += 1
    assert wait(throttle, "aino", FAR) == 0
    assert wait(Throttle(throttle.path.parent, clock), "aino", CAFE) == 2, "it is written once it can be"


def test_a4_a_lock_that_somebody_holds_opens_no_door(throttle: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: object) -> None:
        raise Busy

    monkeypatch.setattr(module, "locked", held)
    assert [wait(throttle, "aino", f"192.0.2.{n}") for n in range(6)] == [0, 0, 0, 0, 0, 1]


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """While it lasts, no descriptor is left to read the file."""

    @contextlib.contextmanager
    def lasting() -> Iterator[None]:
        def fails(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patched:
            patched.setattr(module, "read_json", fails)
            yield

    return lasting


Unreadable = Callable[[], contextlib.AbstractContextManager[None]]


def test_a4_a_file_that_cannot_be_read_for_a_moment_forgets_no_guess(
    throttle: Throttle, clock: Clock, unreadable: Unreadable
) -> None:
    comes_in(throttle, "bo", HOME)
    for n in range(5):
        wait(throttle, "aino", f"192.0.2.{n}")
    key = json.loads(throttle.path.read_bytes())["key"]
    with unreadable():
        assert wait(throttle, "aino", CAFE) == 1 and len(throttle.slowed([], [])) == 1
        comes_in(throttle, "bo", HOME)
        clock.now += 1
        assert wait(throttle, "aino", CAFE) == 0
    assert wait(throttle, "aino", FAR) == 2 and json.loads(throttle.path.read_bytes())["key"] == key


def test_a4_a_file_that_cannot_be_read_from_the_start_is_not_written_over(
    throttle: Throttle, clock: Clock, unreadable: Unreadable
) -> None:
    for n in range(5):
        wait(throttle, "aino", f"192.0.2.{n}")
    before, restarted = throttle.path.read_bytes(), Throttle(throttle.path.parent, clock)
    with unreadable():
        assert [wait(restarted, "aino", f"192.0.2.{n}") for n in range(6)] == [0, 0, 0, 0, 0, 1]
        comes_in(restarted, "bo", HOME)
    assert throttle.path.read_bytes() == before
    assert wait(restarted, "aino", CAFE) == 1, "it counts again once it can be read"


def test_a_clock_that_is_turned_back_keeps_nobody_out(throttle: Throttle, clock: Clock) -> None:
    guess(throttle, clock, 100, lambda n: "aino", lambda n: f"192.0.2.{n}")
    wait(throttle, "aino", FAR)
    clock.pass_hours(-48)
    assert wait(throttle, "aino", FAR) == 0


def test_the_file_stays_small_and_the_longest_waits_stay_in_it(
    throttle: Throttle, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    monkeypatch.setattr(module, "MOST_TURNS", 5)
    guess(throttle, clock, 40, lambda n: "aino", lambda n: f"192.0.2.{n}")
    for n in range(150):
        wait(throttle, f"user{n}", f"10.{n}.0.1")
    content = json.loads(throttle.path.read_bytes())
    assert len(content["counts"]) <= 100 and sum(map(len, content["turns"].values())) <= 100
    assert wait(throttle, "aino", FAR) > 0
    for n in range(50):
        comes_in(throttle, "bo", f"10.0.1.{n}")
    assert max(map(len, json.loads(throttle.path.read_bytes())["known"].values())) == module.MOST_KNOWN


# -- what an administrator sees ----------------------------------------------------------------------------------------


def test_a4_who_is_slowed_is_told_with_the_names_that_may_be_told(throttle: Throttle, clock: Clock) -> None:
    comes_in(throttle, "bo", HOME)
    for n in range(6):
        wait(throttle, "aino", f"192.0.2.{n}")
        wait(throttle, "no such user", f"198.51.100.{n}")
        wait(throttle, "bo", HOME)
    for n in range(11):
        wait(throttle, f"user{n}", FAR)
    for n in range(10):
        comes_in(throttle, "bo", f"203.0.113.{n}")
        wait(throttle, "cecilia", f"203.0.113.{n}")
    told = throttle.slowed(["aino", "bo", "cecilia"], [FAR, HOME])
    assert set(told) == {
        Slowed("aino", "", 1, 5),
        Slowed("", "", 1, 5),
        Slowed("bo", HOME, 1, 5),
        Slowed("", FAR, 1, 10),
        Slowed("cecilia", "", 1, 10, "known"),
    }
    clock.now += 5
    assert [one.seconds for one in throttle.slowed([], [])] == [0] * 5
    clock.pass_hours(3)
    assert throttle.slowed(["aino"], []) == []
