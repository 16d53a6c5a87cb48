"""One's own account: who one is, the ways in, and where one is signed in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from lib.access.accounts import Factor
from lib.access.roles import ROLES
from lib.installation import Installation
from lib.store import Store
from tests.pages.conftest import PASSWORD, PEOPLE, Visitor

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1"


def html(visitor: Visitor) -> str:
    return "\n".join(h.body for h in visitor.at.get("html"))


def cards(visitor: Visitor) -> list[str]:
    """The lines of sessions, as text."""
    bodies = [h.body for h in visitor.at.get("html") if 'class="quiet parts"' in h.body]
    return [" ".join(re.sub("<.*?>", " ", body).split()) for body in bodies]


@pytest.fixture
def desk(installation: Installation, aino: Visitor) -> str:
    return installation.sign_in("aino", PASSWORD, CHROME, "192.168.1.20").token


@pytest.fixture
def phone(installation: Installation, aino: Visitor) -> str:
    return installation.sign_in("aino", PASSWORD, IPHONE, "10.8.0.14", own=True).token


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_has_an_account_page_with_name_and_roles(
    visitor: Callable[..., Visitor], store: Store, name: str
) -> None:
    who = visitor(name)
    who.open("account")
    shown, roles = PEOPLE[name]
    assert who.title == who.t("My account") and not who.at.error
    assert shown in html(who) and who.t("User name: {name}", name=name) in html(who)
    chips = [who.t(ROLES[role]) for role in ROLES if f">{who.t(ROLES[role])}<" in html(who)]
    assert chips == [who.t(ROLES[role]) for role in ROLES if role in roles]


def test_the_ways_to_password_and_second_factor_open_in_the_same_tab(aino: Visitor, store: Store) -> None:
    aino.open("account")
    assert re.findall('href="([^"]+)"', html(aino)) == ["/password", "/second-factor"]
    assert "_blank" not in html(aino)


def test_the_state_of_the_second_factor_is_said(aino: Visitor, store: Store, installation: Installation) -> None:
    aino.open("account")
    assert aino.t("Off") in html(aino) and aino.t("Set up the second factor") in html(aino)
    installation.accounts.set_factor("aino", Factor("x", 0, ()))
    aino.run()
    assert aino.t("On") in html(aino) and aino.t("Manage the second factor") in html(aino)


# -- the download password ---------------------------------------------------------------------------------------------

FIELD = "New download password (at least 12 characters)"
OWN = "oma lataussalasana"


def test_a_download_password_is_set_replaced_and_taken_away_and_never_shown(aino: Visitor, store: Store) -> None:
    aino.open("account")
    assert aino.t("Not set") in html(aino) and aino.t("Take the download password away") not in aino.labels()
    aino.field("text_input", FIELD).set_value(OWN)
    aino.press("Set a download password")
    assert aino.sees("Your lists can be sealed with the new password. Earlier ones keep the password that they have.")
    assert f">{aino.t('Set')}<" in html(aino) and aino.t("Not set") not in html(aino)
    assert aino.installation.download_password(aino.token) == OWN
    assert OWN not in aino.shown() and OWN not in str(aino.at.session_state)
    aino.field("text_input", FIELD).set_value("toinen lataussalasana")
    aino.press("Replace the download password")
    assert aino.installation.download_password(aino.token) == "toinen lataussalasana"
    aino.press("Take the download password away")
    assert aino.sees("You have no download password any more. Earlier lists keep the password that they have.")
    assert aino.t("Not set") in html(aino) and not aino.workspace.has_download_password
    lines = [(line.by, line.action, line.facts) for line in aino.workspace.change_log()[:3]]
    assert [(by, action) for by, action, _ in lines] == [
        ("aino", "download_password_off"),
        ("aino", "download_password"),
        ("aino", "download_password"),
    ]
    assert "salasana" not in str(lines)


def test_a_weak_download_password_is_refused_in_words(aino: Visitor, store: Store) -> None:
    aino.open("account")
    aino.field("text_input", FIELD).set_value("lyhyt")
    aino.press("Set a download password")
    assert aino.error("The password is too short. Use at least {least} characters, for example four words.", least=12)
    assert not aino.workspace.has_download_password


def test_who_may_not_download_is_offered_no_download_password(visitor: Callable[..., Visitor], store: Store) -> None:
    ylva = visitor("ylva")
    ylva.open("account")
    assert not ylva.sees("Lists that you download") and not ylva.at.text_input


def test_the_sessions_are_told_in_words_the_one_of_this_page_first(
    aino: Visitor, store: Store, installation: Installation, desk: str, phone: str
) -> None:
    aino.open("account")
    this, *others = cards(aino)
    assert this.startswith(f"{aino.t('Unknown device')} {aino.t('This one')}") and aino.t("in use now") in this
    assert others[0].startswith(f"Safari, iPhone {aino.t('Own device')} 10.8.0.14")
    assert others[1].startswith("Chrome, Windows 192.168.1.20")
    session = installation.sessions.lookup(desk, used=False)
    assert session
    when = dt.datetime.fromtimestamp(session.last_seen, ZoneInfo("Europe/Helsinki")).replace(tzinfo=None)
    assert aino.t("last used {when}", when=aino.t.time(when)) in others[1]
    assert "Mozilla" not in aino.shown()


def test_a_session_is_signed_out_from_another_device(
    aino: Visitor, store: Store, installation: Installation, desk: str, phone: str
) -> None:
    aino.open("account")
    session = installation.sessions.lookup(phone)
    assert session
    aino.at.button(key=f"end-{session.id}").click()
    aino.run()
    assert installation.account_of(phone) is None
    assert installation.account_of(desk) and installation.account_of(aino.token)
    assert aino.sees("{device} was signed out.", device="Safari, iPhone") and len(cards(aino)) == 2


def test_the_session_of_this_page_is_not_ended_here(aino: Visitor, store: Store, installation: Installation) -> None:
    aino.open("account")
    session = installation.sessions.lookup(aino.token)
    assert session and f"end-{session.id}" not in {button.key for button in aino.at.button}
    assert aino.sees("You are signed in nowhere else.") and "end-others" not in {b.key for b in aino.at.button}


def test_one_is_signed_out_everywhere_else_at_once(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store, installation: Installation, desk: str, phone: str
) -> None:
    sami = visitor("sami")
    aino.open("account")
    aino.press(aino.t.plural("Sign out on {n} other device", "Sign out on {n} other devices", 2))
    assert installation.account_of(desk) is None and installation.account_of(phone) is None
    assert installation.account_of(aino.token) and installation.account_of(sami.token)
    assert aino.sees("You are signed out everywhere else.") and aino.sees("You are signed in nowhere else.")


def test_many_sessions_are_folded_and_can_still_be_ended(
    aino: Visitor, store: Store, installation: Installation
) -> None:
    account = installation.accounts.get("aino")
    assert account
    for n in range(30):
        installation.sessions.create(account, None, CHROME, f"10.0.0.{n}")
    aino.open("account")
    assert len(cards(aino)) == 31 and aino.t("Show {n} more", n=23) in [e.label for e in aino.at.expander]
    aino.press(aino.t.plural("Sign out on {n} other device", "Sign out on {n} other devices", 30))
    assert len(installation.sessions.of_user("aino")) == 1


def test_a2_nobody_sees_or_ends_the_sessions_of_others(
    visitor: Callable[..., Visitor], store: Store, installation: Installation, phone: str
) -> None:
    sami = visitor("sami")
    sami.open("account")
    assert len(cards(sami)) == 1 and "10.8.0.14" not in sami.shown()
    session = installation.sessions.lookup(phone)
    assert session
    sami.workspace.end_own_session(session.id)
    assert installation.account_of(phone)


def test_how_long_a_session_lasts_is_said_as_the_settings_have_it(aino: Visitor, store: Store) -> None:
    limits = "A session ends after {idle} hours without use, and after {most} hours in any case."
    own = "On a device of one's own it lasts {n} day.", "On a device of one's own it lasts {n} days."
    aino.open("account")
    assert aino.sees(limits, idle="12", most="16") and aino.t.plural(*own, 30) in aino.shown()
    aino.workspace.save_settings(own_device_days=0, session_hours=10)
    aino.run()
    assert aino.sees(limits, idle="12", most="10") and aino.t.plural(*own, 30) not in aino.shown()


def test_the_account_page_needs_no_register(aino: Visitor, store: Store, installation: Installation) -> None:
    installation.close()
    installation.workbook.rename(installation.workbook.with_name("poissa.xlsx"))
    aino.open("account")
    assert aino.at.error and len(cards(aino)) == 1
