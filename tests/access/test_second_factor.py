"""The second factor: set up, asked for, used once, lost."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import yaml

from lib.access import second_factor
from lib.access.entrance import TICKET_SECONDS, TICKET_TRIES
from lib.errors import AccountError, BadCode, BadSignIn, NotAllowed, NotSignedIn, TooMany, WrongPassword
from lib.installation import Installation

from .conftest import OTHER, PASSWORD, WORKBOOK_PASSWORD, Start, add, again, app_code, sign_in, told

MASTER, SECRET = bytes(range(32)), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def set_up_factor(installation: Installation, token: str) -> tuple[str, list[str]]:
    """Give a user a second factor. Returns the app's secret and the recovery codes; a new code is on after that."""
    account = installation.half_in(token)
    password = PASSWORD if account and account.name == "aino" else OTHER
    secret = installation.begin_second_factor(token, password).secret
    codes = installation.confirm_second_factor(token, app_code(installation, secret))
    installation.clock.now += 60  # type: ignore[attr-defined]
    return secret, codes


@pytest.fixture
def bo(installation: Installation, start: Start) -> str:
    """A sales person's token."""
    start()
    add(installation, "bo")
    return sign_in(installation, "bo").token


# -- codes -------------------------------------------------------------------------------------------------------------


def test_codes_are_those_of_the_specification() -> None:
    """RFC 6238, appendix B, SHA-1, the last six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert second_factor.step_of(secret, code, seconds) == seconds // 30


def test_a_code_is_good_a_step_before_and_after_and_however_it_is_spaced() -> None:
    secret = second_factor.new_secret()
    now = 1_800_000_000.0
    for away, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = pyotp.TOTP(secret).generate_otp(int(now) // 30 + away)
        assert (second_factor.step_of(secret, f" {code[:3]} {code[3:]} ", now) is not None) is good
    for code in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "\0" * 6):
        assert second_factor.step_of(secret, code, now) is None


def test_the_address_in_the_picture_is_what_an_app_reads() -> None:
    offer = second_factor.offer(SECRET, "aino", "Esimerkki Öy: & Pojat")
    parts = urlsplit(offer.uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp") and parse_qs(parts.query)["secret"] == [offer.secret]
    assert pyotp.parse_uri(offer.uri).issuer == "Esimerkki Öy: & Pojat"
    assert offer.svg.startswith("<svg") and "http" not in offer.svg and "<script" not in offer.svg


def test_a_secret_opens_with_its_master_key_for_its_user_only() -> None:
    sealed = second_factor.sealed(MASTER, "aino", SECRET)
    assert second_factor.unsealed(MASTER, "aino", sealed) == SECRET
    assert second_factor.unsealed(bytes(32), "aino", sealed) is None
    assert second_factor.unsealed(MASTER, "bo", sealed) is None
    assert second_factor.unsealed(MASTER, "aino", "not base64!") is None


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = second_factor.recovery_codes()
    assert len(set(codes)) == len(codes) == 10 and not any(c in "".join(codes) for c in "01lio")
    kept = second_factor.recovery_hash(MASTER, "aino", codes[0])
    assert second_factor.recovery_hash(MASTER, "aino", f" {codes[0].upper().replace('-', ' ')} ") == kept
    for other in (
        second_factor.recovery_hash(MASTER, "bo", codes[0]),
        second_factor.recovery_hash(bytes(32), "aino", codes[0]),
        second_factor.recovery_hash(MASTER, "aino", codes[1]),
    ):
        assert other != kept


# -- setting up --------------------------------------------------------------------------------------------------------


def test_nothing_changes_until_the_app_s_code_is_right(installation: Installation, bo: str) -> None:
    offer = installation.begin_second_factor(bo, OTHER)
    assert installation.begin_second_factor(bo, OTHER) == offer, "a page that is loaded again shows the same"
    with pytest.raises(BadCode):
        installation.confirm_second_factor(bo, "000000")
    assert sign_in(installation, "bo").token
    codes = installation.confirm_second_factor(bo, app_code(installation, offer.secret))
    assert len(codes) == second_factor.RECOVERY_CODES
    assert sign_in(installation, "bo").token == ""
    account = installation.user_of(bo)
    assert account and account.second_factor, "who set it up stays in"


def test_at_a_device_that_was_left_open_nobody_sets_it_up(installation: Installation, bo: str) -> None:
    for password in ("", PASSWORD):
        with pytest.raises(BadSignIn):
            installation.begin_second_factor(bo, password)
    assert installation.offered_second_factor(bo) is None


def test_each_session_sets_up_its_own(installation: Installation, bo: str) -> None:
    secret = installation.begin_second_factor(bo, OTHER).secret
    other = sign_in(installation, "bo").token
    with pytest.raises(BadSignIn):
        installation.confirm_second_factor(other, app_code(installation, secret))
    assert installation.begin_second_factor(other, OTHER).secret != secret
    installation.clock.now += 3600  # type: ignore[attr-defined]
    with pytest.raises(BadSignIn):
        installation.confirm_second_factor(bo, app_code(installation, secret))


def test_no_file_holds_the_secret_or_a_recovery_code(installation: Installation, bo: str) -> None:
    secret, codes = set_up_factor(installation, bo)
    record = yaml.safe_load(installation.accounts.path.read_bytes())["credentials"]["usernames"]["bo"]
    assert base64.b64decode(record["totp"]) and len(record["recovery"]) == 10
    for path in installation.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(text.encode() in content for text in (secret, *codes)), path


def test_a_new_phone_takes_the_password_and_the_old_one_s_codes_end(installation: Installation, bo: str) -> None:
    old, codes = set_up_factor(installation, bo)
    for password in ("", PASSWORD):
        with pytest.raises(BadSignIn):
            installation.begin_second_factor(bo, password)
    new = installation.begin_second_factor(bo, OTHER).secret
    pending = sign_in(installation, "bo").pending
    assert installation.second_step(pending, app_code(installation, old)), "the old one is good until the new one is"
    installation.confirm_second_factor(bo, app_code(installation, new))
    installation.clock.now += 60  # type: ignore[attr-defined]
    pending = sign_in(installation, "bo").pending
    for code in (app_code(installation, old), codes[0]):
        with pytest.raises(BadCode):
            installation.second_step(pending, code)
    assert installation.second_step(pending, app_code(installation, new))


def test_an_offer_that_took_no_password_replaces_no_second_factor(installation: Installation, bo: str) -> None:
    """A session in strange hands waits with an offer until the owner has set up a second factor."""
    installation.save_settings(second_factor_for="all")  # else the offer itself takes the password
    stolen = sign_in(installation, "bo").token
    strange = installation.begin_second_factor(stolen).secret
    mine, _ = set_up_factor(installation, bo)
    assert installation.offered_second_factor(stolen) is None
    with pytest.raises(BadSignIn):
        installation.confirm_second_factor(stolen, app_code(installation, strange))
    assert installation.second_step(sign_in(installation, "bo").pending, app_code(installation, mine))


def test_nor_one_that_another_process_does_not_know_of(installation: Installation, bo: str) -> None:
    installation.save_settings(second_factor_for="all")
    strange = installation.begin_second_factor(bo).secret
    other = Installation(installation.data_dir, installation.clock)
    set_up_factor(other, bo)
    with pytest.raises(BadSignIn):
        installation.confirm_second_factor(bo, app_code(installation, strange))
    with pytest.raises(BadSignIn):
        installation.begin_second_factor(bo, PASSWORD)
    assert installation.begin_second_factor(bo, OTHER).secret != strange


def test_each_page_with_another_phone_s_secret_takes_the_password(installation: Installation, bo: str) -> None:
    set_up_factor(installation, bo)
    offer = installation.begin_second_factor(bo, OTHER)
    for password in ("", PASSWORD):
        with pytest.raises(BadSignIn):
            installation.begin_second_factor(bo, password)
    with pytest.raises(BadCode):
        installation.confirm_second_factor(bo, "000000")
    assert installation.offered_second_factor(bo) == offer, "after a wrong code the picture stays"
    assert installation.begin_second_factor(bo, OTHER) == offer
    installation.drop_second_factor_by_workbook("bo", WORKBOOK_PASSWORD)
    assert installation.offered_second_factor(bo) is None


# -- signing in with it ------------------------------------------------------------------------------------------------


def test_a_right_password_alone_opens_nothing(installation: Installation, bo: str) -> None:
    secret, _ = set_up_factor(installation, bo)
    before = installation.sessions.path.read_bytes()
    restarted = again(installation)
    pending = sign_in(restarted, "bo").pending
    assert restarted.store is None and restarted.user_of(pending) is None
    assert restarted.sessions.path.read_bytes() == before
    token = restarted.second_step(pending, app_code(restarted, secret), "", "10.0.0.1")
    assert restarted.user_of(token) and restarted.store is not None and not restarted.waits(pending)
    restarted.close()


def test_a_code_is_good_once(installation: Installation, bo: str) -> None:
    secret, _ = set_up_factor(installation, bo)
    code = app_code(installation, secret)
    assert installation.second_step(sign_in(installation, "bo").pending, code)
    for used in (code, app_code(installation, secret, -30)):
        with pytest.raises(BadCode):
            installation.second_step(sign_in(installation, "bo").pending, used)
    restarted = again(installation)
    with pytest.raises(BadCode):
        restarted.second_step(sign_in(restarted, "bo").pending, code)
    assert restarted.second_step(sign_in(restarted, "bo").pending, app_code(restarted, secret, 30))
    restarted.close()


def test_the_code_that_set_it_up_signs_nobody_in(installation: Installation, bo: str) -> None:
    secret = installation.begin_second_factor(bo, OTHER).secret
    code = app_code(installation, secret)
    installation.confirm_second_factor(bo, code)
    with pytest.raises(BadCode):
        installation.second_step(sign_in(installation, "bo").pending, code)


def test_each_recovery_code_is_good_once(installation: Installation, bo: str) -> None:
    _, codes = set_up_factor(installation, bo)
    for code in codes:
        assert installation.second_step(sign_in(installation, "bo").pending, code.upper())
        with pytest.raises(BadCode):
            installation.second_step(sign_in(installation, "bo").pending, code)
        installation.clock.now += 900  # type: ignore[attr-defined]
    factor = installation.accounts.factor("bo")
    assert factor and factor.recovery == ()


def test_a_ticket_lasts_five_minutes_and_five_tries_and_no_restart(installation: Installation, bo: str) -> None:
    secret, _ = set_up_factor(installation, bo)
    late = sign_in(installation, "bo").pending
    assert installation.waits(late)
    installation.clock.now += TICKET_SECONDS + 1  # type: ignore[attr-defined]
    with pytest.raises(BadSignIn):
        installation.second_step(late, app_code(installation, secret))
    tried = sign_in(installation, "bo").pending
    for _ in range(TICKET_TRIES - 1):
        with pytest.raises(BadCode):
            installation.second_step(tried, "000000", "", "10.0.0.1")
    with pytest.raises(BadSignIn) as over:
        installation.second_step(tried, "000000", "", "10.0.0.1")
    assert not isinstance(over.value, BadCode)
    fresh = sign_in(installation, "bo").pending
    restarted = again(installation)
    for owner, ticket in ((installation, late), (installation, tried), (restarted, fresh), (installation, "")):
        assert not owner.waits(ticket)
        with pytest.raises(BadSignIn) as refused:
            owner.second_step(ticket, app_code(owner, secret))
        assert not isinstance(refused.value, BadCode)


def test_a4_codes_are_not_guessed_by_signing_in_again_and_again(installation: Installation, bo: str) -> None:
    set_up_factor(installation, bo)
    tried = slowed = 0
    for n in range(60):
        installation.clock.now += 10  # type: ignore[attr-defined]
        pending = sign_in(installation, "bo", address=f"192.0.2.{n}").pending
        try:
            installation.second_step(pending, "000000", "", f"192.0.2.{n}")
        except BadCode:
            tried += 1
        except TooMany:
            slowed += 1
    assert tried < 15 and tried + slowed == 60


def test_tickets_leave_one_at_a_time(installation: Installation, bo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that left while others are gone through would stop that, or be back after it."""

    class Watched(dict[str, Any]):
        def pop(self, *given: Any) -> Any:
            assert installation._handing.locked()
            return super().pop(*given)

    secret, _ = set_up_factor(installation, bo)
    monkeypatch.setattr(installation, "_tickets", Watched())
    pending = sign_in(installation, "bo").pending
    for _ in range(TICKET_TRIES):
        with pytest.raises(BadSignIn):
            installation.second_step(pending, "000000")
    with pytest.raises(BadSignIn):
        installation.second_step("unknown", "000000")
    installation.clock.now += 900  # type: ignore[attr-defined]
    assert installation.second_step(sign_in(installation, "bo").pending, app_code(installation, secret))
    assert not installation._tickets


@pytest.mark.parametrize("change", ["disabled", "role", "password", "lost device", "dropped"])
def test_a3_what_ends_sessions_ends_a_sign_in_between_its_steps(
    installation: Installation, bo: str, change: str
) -> None:
    secret, _ = set_up_factor(installation, bo)
    pending = sign_in(installation, "bo").pending
    admin = sign_in(installation, "aino", PASSWORD).token
    match change:
        case "disabled":
            installation.set_disabled("bo", True)
        case "role":
            installation.set_roles("bo", {"manager"})
        case "password":
            installation.reset_password(admin, "bo")
        case "lost device":
            installation.lost_device("bo")
        case "dropped":
            installation.drop_second_factor(admin, "bo")
    with pytest.raises(BadSignIn):
        installation.second_step(pending, app_code(installation, secret))


def test_an_account_without_a_key_is_told_so(installation: Installation, bo: str) -> None:
    set_up_factor(installation, bo)
    installation.keyring.drop_account("bo")
    with pytest.raises(AccountError):
        sign_in(installation, "bo")


def test_a_second_factor_under_a_key_that_is_gone_is_told(installation: Installation, bo: str) -> None:
    secret, codes = set_up_factor(installation, bo)
    factor = installation.accounts.factor("bo")
    assert factor
    lost = factor._replace(sealed=second_factor.sealed(MASTER, "bo", secret))
    installation.accounts.set_factor("bo", lost)
    for code in (app_code(installation, secret), codes[0]):
        with pytest.raises(AccountError):
            installation.second_step(sign_in(installation, "bo").pending, code)


# -- turned off, required, lost ----------------------------------------------------------------------------------------


def test_it_is_turned_off_with_the_password(installation: Installation, bo: str) -> None:
    set_up_factor(installation, bo)
    for password in ("", PASSWORD):
        with pytest.raises(BadSignIn):
            installation.end_second_factor(bo, password)
    installation.end_second_factor(bo, OTHER)
    assert sign_in(installation, "bo").token
    record = yaml.safe_load(installation.accounts.path.read_bytes())["credentials"]["usernames"]["bo"]
    assert not {"totp", "totp_used", "recovery"} & record.keys()


@pytest.mark.parametrize(
    ("setting", "held"),
    [("none", set()), ("admin", {"aino"}), ("manager", {"aino", "maija"}), ("all", {"aino", "maija", "bo"})],
)
def test_a2_who_must_have_one_does_nothing_before_it_is_set_up(
    installation: Installation, bo: str, setting: str, held: set[str]
) -> None:
    add(installation, "maija", "manager")
    tokens = {
        "aino": sign_in(installation, "aino", PASSWORD).token,
        "bo": bo,
        "maija": sign_in(installation, "maija").token,
    }
    installation.save_settings(second_factor_for=setting)
    assert {name for name, token in tokens.items() if installation.user_of(token) is None} == held
    for name in held:
        account = installation.half_in(tokens[name])
        assert account and installation.todo(account) == "second_factor"
        set_up_factor(installation, tokens[name])
        assert installation.user_of(tokens[name])
        with pytest.raises(AccountError):
            installation.end_second_factor(tokens[name], PASSWORD if name == "aino" else OTHER)


def test_a_one_time_password_is_changed_before_the_second_factor_is_set_up(
    installation: Installation, start: Start
) -> None:
    first = installation.add_user(start(), "bo", "Bo", {"sales"})
    installation.save_settings(second_factor_for="all")
    token = sign_in(installation, "bo", first).token
    account = installation.half_in(token)
    assert account and installation.todo(account) == "password"
    token = installation.change_own_password(token, first, OTHER)
    account = installation.half_in(token)
    assert account and installation.todo(account) == "second_factor" and installation.user_of(token) is None
    set_up_factor(installation, token)
    assert installation.user_of(token)


def test_a2_only_an_administrator_drops_another_user_s(installation: Installation, bo: str) -> None:
    set_up_factor(installation, bo)
    admin = sign_in(installation, "aino", PASSWORD).token
    with pytest.raises(NotAllowed):
        installation.drop_second_factor(bo, "aino")
    with pytest.raises(NotSignedIn):
        installation.drop_second_factor("", "bo")
    for name in ("aino", "nobody"):
        with pytest.raises(AccountError):
            installation.drop_second_factor(admin, name)
    assert sign_in(installation, "bo").pending
    installation.drop_second_factor(admin, "bo")
    assert sign_in(installation, "bo").token


def test_a_password_reset_leaves_the_second_factor_alone(installation: Installation, bo: str) -> None:
    secret, _ = set_up_factor(installation, bo)
    password = installation.reset_password(sign_in(installation, "aino", PASSWORD).token, "bo")
    pending = sign_in(installation, "bo", password).pending
    assert pending
    token = installation.second_step(pending, app_code(installation, secret))
    account = installation.half_in(token)
    assert account and installation.todo(account) == "password"


def test_the_workbook_s_password_takes_it_away_from_an_administrator_who_lost_it(
    installation: Installation, start: Start
) -> None:
    set_up_factor(installation, start())
    with pytest.raises(WrongPassword):
        installation.drop_second_factor_by_workbook("aino", OTHER)
    assert sign_in(installation, "aino", PASSWORD).pending
    installation.drop_second_factor_by_workbook("aino", WORKBOOK_PASSWORD)
    assert sign_in(installation, "aino", PASSWORD).token


def test_the_change_log_tells_of_it_without_a_code(installation: Installation, bo: str) -> None:
    secret, codes = set_up_factor(installation, bo)
    pending = sign_in(installation, "bo").pending
    with pytest.raises(BadCode):
        installation.second_step(pending, "000000", "Firefox", "10.0.0.1")
    installation.second_step(pending, app_code(installation, secret), "", "10.0.0.2")
    token = installation.second_step(sign_in(installation, "bo").pending, codes[0], "", "10.0.0.1")
    installation.end_second_factor(token, OTHER)
    here = {"device": "Firefox, Windows", "address": "10.0.0.1"}
    assert [line for line in told(installation) if line[0] == "bo"] == [
        ("bo", "sign_in", here),
        ("bo", "second_factor", here),
        ("bo", "code_asked", here),
        ("bo", "sign_in_failed", {"second_factor": True, "device": "Firefox", "address": "10.0.0.1"}),
        ("bo", "sign_in", {"second_factor": "app", "address": "10.0.0.2"}),
        ("bo", "code_asked", here),
        ("bo", "sign_in", {"second_factor": "recovery", "address": "10.0.0.1"}),
        ("bo", "second_factor_off", {"address": "10.0.0.1"}),
    ]
