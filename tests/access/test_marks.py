"""A browser from which a user came in before is told from strangers at the same address, and helps nobody to guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.access import marks as module
from lib.access import throttle as counts
from lib.access.throttle import FREE, LONGEST, LONGEST_FOR_CODES, Slowed, Throttle
from lib.errors import BadCode, BadSignIn, TooMany
from lib.installation import Installation

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Clock, Start, add, app_code

HOME, FAR = "10.0.0.1", "198.51.100.9"
WRONG = "väärä hevonen paristo"


@pytest.fixture
def throttle(tmp_path: Path, clock: Clock) -> Throttle:
    return Throttle(tmp_path, clock)


def wait(throttle: Throttle, user: str = "aino", address: str = HOME, *, code: bool = False, marks: str = "") -> int:
    """Try once and fail; how many seconds are to be waited, 0 where it was checked."""
    try:
        throttle.begin(user, address, code=code, browser=throttle.browser(user, "1", marks))
    except TooMany as refused:
        return refused.seconds
    return 0


def comes_in(throttle: Throttle, user: str = "aino", address: str = HOME, marks: str = "") -> str:
    """Come in at the first try. Returns the marks that the browser has then."""
    browser = throttle.browser(user, "1", marks)
    for code in (False, True):
        throttle.begin(user, address, code=code, browser=browser)
        throttle.succeeded(user, address, code=code, known=code, browser=browser)
    return throttle.marked(user, "1", marks)


# -- nobody is kept out ------------------------------------------------------------------------------------------------


def test_a4_one_who_never_stops_guessing_at_the_same_address_slows_no_browser_used_before(
    throttle: Throttle, clock: Clock
) -> None:
    marks = comes_in(throttle)
    kept_out = 0
    for _ in range(200):
        clock.now += 1
        for code in (False, True):
            wait(throttle, code=code)
            kept_out += wait(throttle, code=code) > 0
        marks = comes_in(throttle, marks=marks)
    assert kept_out > 330, "without the mark the right password would have to wait, almost always"
    assert comes_in(throttle, address=FAR, marks=marks) == marks, "it is the browser that counts, wherever it is"


def test_a4_a_turn_at_an_address_is_not_used_up_by_a_browser_there(throttle: Throttle, clock: Clock) -> None:
    marks = comes_in(throttle, address=HOME)
    clock.pass_hours(31 * 24)  # the address is not known any more

    def guesses(seconds: int) -> None:
        for _ in range(seconds * 4):
            clock.now += 0.25
            wait(throttle, address="192.0.2.1")

    guesses(120)
    told = wait(throttle, address=FAR)
    assert told > 1 and wait(throttle, address=FAR, marks=marks) == 0
    guesses(told)
    assert wait(throttle, address=FAR) == 0


# -- and nobody guesses faster -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "longest"), [(False, LONGEST), (True, LONGEST_FOR_CODES)], ids=["password", "code"])
def test_a4_whoever_stole_a_mark_has_one_more_set_of_slowed_tries(
    throttle: Throttle, clock: Clock, code: bool, longest: float
) -> None:
    marks = comes_in(throttle)
    waits = []
    for n in range(FREE["browser"] + 40):
        if seconds := wait(throttle, address=f"192.0.2.{n}", code=code, marks=marks):
            waits.append(seconds)
            clock.now += seconds
            assert wait(throttle, address=f"192.0.2.{n}", code=code, marks=marks) == 0
    assert waits[:10] == [min(2**n, longest) for n in range(10)] and max(waits) == longest
    assert [wait(throttle, code=code) for _ in range(6)] == [0] * 5 + [1], "the user elsewhere, at a known address"
    assert [wait(throttle, address=FAR, code=code) for _ in range(6)] == [0] * 5 + [1], "and at a new one"
    assert [wait(throttle, f"user{n}", "192.0.2.1") for n in range(11)] == [0] * 10 + [1], "nor do addresses count it"
    clock.pass_hours(4)
    assert [wait(throttle, code=code, marks=marks) for _ in range(6)] == [0] * 5 + [1], "it is forgotten with time"


def test_a4_a_browser_keeps_its_count_when_its_user_comes_in_again(throttle: Throttle, clock: Clock) -> None:
    """A new mark at each sign-in would be new free tries at the codes for who has the password."""
    marks = comes_in(throttle)
    for _ in range(4):
        assert wait(throttle, marks=marks) == 0
    assert comes_in(throttle, marks=marks) == marks
    assert [wait(throttle, marks=marks) for _ in range(2)] == [0, 1]


def bent(marks: str, place: int) -> str:
    return marks[:place] + ("0" if marks[place] != "0" else "1") + marks[place + 1 :]


def test_a4_a_mark_that_is_not_good_counts_as_none(throttle: Throttle, tmp_path: Path, clock: Clock) -> None:
    marks, others = comes_in(throttle), comes_in(throttle, "bo")
    before = Throttle(tmp_path / "before", clock)
    bad = [
        *(bent(marks, place) for place in (0, 15, 16, 17, len(marks) - 1)),
        *(marks[:-1], marks[1:], f"{marks}0", f" {marks}", f"{marks}\n", marks.upper(), marks[:17], marks[16:]),
        *(
            marks.replace("-", "."),
            marks.replace("-", "-."),
            f"{marks}é",
            "-",
            ".",
            "ä" * 49,
            "\ud800" * 49,
            "0" * 16 + "-" + "é" * 32,
        ),
        *(others, comes_in(before), ".".join([marks] * 50), marks + "." * 1000, "x" * 60_000),
    ]
    assert throttle.browser("aino", "1", marks) and throttle.browser("bo", "1", others)
    assert [throttle.browser("aino", "1", wrong) for wrong in bad] == [""] * len(bad)
    for user, standing in (("bo", "1"), ("aino", "2"), ("aino", ""), ("", "1"), ("aino\n1", "1"), ("nobody", "0 ")):
        assert throttle.browser(user, standing, marks) == "", (user, standing)
    for _ in range(6):
        wait(throttle)
    assert all(wait(throttle, marks=wrong) > 0 for wrong in bad) and wait(throttle, marks=marks) == 0
    throttle.path.unlink()
    assert throttle.browser("aino", "1", marks) == "", "from before the file was lost"


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_each_of_several_users_of_a_browser_has_a_mark_and_the_last_ones_stay(throttle: Throttle) -> None:
    marks = ""
    for n in range(module.MOST + 5):
        marks = comes_in(throttle, f"user{n}", marks=marks)
        assert f"user{n}" not in marks
    for n in range(module.MOST + 5):
        assert bool(throttle.browser(f"user{n}", "1", marks)) == (n >= 5)
    assert len({throttle.browser(f"user{n}", "1", marks) for n in range(5, module.MOST + 5)}) == module.MOST
    once_more = comes_in(throttle, "user7", marks=marks)
    assert len(once_more) == len(marks) < 600 and sorted(once_more.split(".")) == sorted(marks.split("."))
    damaged = comes_in(throttle, "aino", marks="x" * 60_000)
    assert throttle.browser("aino", "1", damaged) and len(damaged) < 60


def test_a4_neither_the_browser_nor_its_mark_stands_in_the_file_and_the_counts_stay_few(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MOST", 50)
    for n in range(60):
        marks = comes_in(throttle, f"user{n}")
        assert wait(throttle, f"user{n}", marks=marks) == wait(throttle, f"user{n}", code=True, marks=marks) == 0
        content = throttle.path.read_text()
        assert '"browser:' in content and '"code browser:' in content
        assert not any(part in content for part in (*marks.split("-"), f"user{n}"))
    assert 40 < len(throttle._read().counts) <= 50


def test_a4_an_administrator_sees_that_it_is_a_browser(throttle: Throttle, clock: Clock) -> None:
    marks = comes_in(throttle)
    for _ in range(6):
        wait(throttle, marks=marks)
        wait(throttle, code=True, marks=marks)
    assert throttle.slowed(["aino", "bo"], [HOME]) == [Slowed("aino", "", 1, 5, where="browser")] * 2
    assert throttle.slowed([], [HOME]) == [Slowed("", "", 1, 5, where="browser")] * 2


# -- at the door -------------------------------------------------------------------------------------------------------


def come_in(installation: Installation, password: str = OTHER, marks: str = "", secret: str = "") -> str:
    """Sign bo in at the first try. Returns the browser's marks then."""
    token, pending = installation.sign_in("bo", password, "", HOME, marks=marks)
    if pending:
        token = installation.second_step(pending, app_code(installation, secret), "", HOME, marks=marks)
    return installation.marked(token, marks)


def slow(installation: Installation) -> None:
    """Somebody at the same address guesses until bo has to wait there."""
    with pytest.raises(TooMany):
        for _ in range(10):
            with pytest.raises(BadSignIn):
                installation.sign_in("bo", WRONG, "", HOME)


@pytest.fixture
def bo(installation: Installation, start: Start) -> str:
    """A user who has come in; the marks of the browser."""
    start()
    add(installation, "bo")
    return come_in(installation)


def factor(installation: Installation) -> str:
    """Set a second factor up. Returns its secret."""
    token = installation.sign_in("bo", OTHER, "", FAR).token
    secret = installation.begin_second_factor(token, OTHER).secret
    installation.confirm_second_factor(token, app_code(installation, secret))
    return secret


@pytest.mark.parametrize("change", ["none", "password", "role", "disabled", "lost device", "second factor"])
def test_a4_a_mark_ends_with_what_the_account_was_when_it_was_given(
    installation: Installation, bo: str, change: str
) -> None:
    match change:
        case "password":
            installation.recover_password("bo", OTHER, WORKBOOK_PASSWORD, one_time=False)
        case "role":
            installation.set_roles("bo", {"manager"})
        case "disabled":
            installation.set_disabled("bo", True)
            installation.set_disabled("bo", False)
        case "lost device":
            installation.lost_device("bo")
        case "second factor":
            factor(installation)
    slow(installation)
    if change == "none":
        for _ in range(FREE["browser"] + 1):
            assert come_in(installation, marks=bo) == bo
    else:
        with pytest.raises(TooMany):
            installation.sign_in("bo", OTHER, "", HOME, marks=bo)


def test_a4_the_codes_of_a_second_factor_wait_for_nobody_at_a_browser_that_gave_one_before(
    installation: Installation, bo: str
) -> None:
    secret = factor(installation)
    installation.clock.now += 30  # type: ignore[attr-defined]
    marks = come_in(installation, marks=bo, secret=secret)
    installation.clock.now += 30  # type: ignore[attr-defined]
    pending = installation.sign_in("bo", OTHER, "", HOME, marks=marks).pending
    with pytest.raises(TooMany):  # who has the password guesses codes at the same address
        for _ in range(10):
            guessed = installation.sign_in("bo", OTHER, "", HOME).pending
            with pytest.raises(BadCode):
                installation.second_step(guessed, "000000", "", HOME)
    slow(installation)
    with pytest.raises(TooMany):
        installation.second_step(pending, app_code(installation, secret), "", HOME, marks=bo)
    for _ in range(FREE["code browser"] + 7):  # the next wait would be longer than a code lasts
        assert come_in(installation, marks=marks, secret=secret) == marks
        installation.clock.now += 30  # type: ignore[attr-defined]


def test_a4_a_signed_in_user_s_own_password_waits_for_nobody_either(installation: Installation, bo: str) -> None:
    token = installation.sign_in("bo", OTHER, "", HOME).token
    slow(installation)
    for _ in range(FREE["browser"] + 1):
        assert installation.begin_second_factor(token, OTHER, "", HOME)
    for _ in range(FREE["browser"]):
        with pytest.raises(BadSignIn):
            installation.change_own_password(token, WRONG, PASSWORD, "", HOME)
    with pytest.raises(TooMany):
        installation.change_own_password(token, OTHER, PASSWORD, "", HOME)
    installation.clock.now += 1  # type: ignore[attr-defined]
    slow(installation)
    changed = installation.change_own_password(token, OTHER, PASSWORD, "", HOME)
    marks = installation.marked(changed, bo)
    slow(installation)
    assert come_in(installation, PASSWORD, marks) == marks and installation.marked(token, bo) == ""
