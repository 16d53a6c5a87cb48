"""Passwords and their hashes: what streamlit-authenticator gives, and the rules that it lacks.

Its import costs a second, so it happens inside the functions. Hashes are bcrypt, which reads 72 bytes and no more.
"""

from __future__ import annotations

import logging
import re
import secrets
import unicodedata
from functools import cache
from typing import Any

from lib.errors import AccountError
from lib.i18n import N_

SHORTEST = 12
DIFFERENT = 5  # characters: "aaaaaaaaaaaa" is the first that is tried
MOST_BYTES = 72  # bcrypt refuses more
_CONSONANTS = "hjklmnprstv"  # said the same way in Finnish, Swedish and English, or nearly
_NAME = re.compile(r"[a-z0-9._-]{2,32}")


def check_password(password: str) -> None:
    """Let a password pass if it is long enough; which characters it has is its owner's choice.

    Raises:
        AccountError: it is too short, too long or cannot be typed.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise AccountError(
            N_("The password has a character that cannot be typed. Write it by hand, without tabs or line ends.")
        )
    if len(password) < SHORTEST:
        raise AccountError(
            N_("The password is too short. Use at least {least} characters, for example four words."), least=SHORTEST
        )
    if len(set(password)) < DIFFERENT:
        raise AccountError(
            N_("The password repeats itself too much. Use at least {least} different characters."), least=DIFFERENT
        )
    if len(password.encode()) > MOST_BYTES:
        raise AccountError(
            N_("The password is too long. Use at most {most} characters; letters like ä count as two."), most=MOST_BYTES
        )


def check_name(name: str) -> None:
    """Let a user name pass if it is one.

    Raises:
        AccountError: it has other characters, or is too short or long.
    """
    if not _NAME.fullmatch(name):
        raise AccountError(
            N_("A user name has 2 to 32 characters: lower-case letters a to z, digits, full stop, hyphen, underscore.")
        )


def one_time_password() -> str:
    """A password to read out, which its user changes at once: four words of three syllables, 69 bits."""
    syllable = [consonant + vowel for consonant in _CONSONANTS for vowel in "aeiou"]
    return "-".join("".join(secrets.choice(syllable) for _ in range(3)) for _ in range(4))


def hashed(password: str) -> str:
    """A password's bcrypt hash, under a salt of its own."""
    return str(_utilities().Hasher.hash(password))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password has this hash. Costs the same for a right one, a wrong one and none to compare with."""
    try:
        known = password_hash is not None and 0 < len(password.encode()) <= MOST_BYTES and "\0" not in password
    except UnicodeEncodeError:
        known = False
    tried = password_hash if known and password_hash else _decoy()
    try:
        same = bool(_utilities().Hasher.check_pw(password if known else "-", tried))
    except ValueError:  # what stands in the file is no hash: nobody's password has it
        same = False
    return known and same


@cache
def _decoy() -> str:
    """A hash that nobody's password has, to spend the same time on an unknown user."""
    return hashed(secrets.token_urlsafe(32))


def warm_up() -> None:
    """Do now what the first sign-in would wait for, and by which it would tell an unknown user from a known one."""
    _decoy()


@cache
def _utilities() -> Any:
    # Imported outside a page, its widgets warn that there is no page: true, and of no use in the log.
    warner = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    before, warner.disabled = warner.disabled, True
    try:
        from streamlit_authenticator import utilities
    finally:
        warner.disabled = before
    return utilities
