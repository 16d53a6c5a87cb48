"""Marks of browsers: by one, a user who came in from a browser before is told from strangers at the same address.

A mark is a random id and a keyed hash over that id, the user, and how the user's account stands. It tells no name, is
good for that user alone, and ends when the account stands otherwise. A browser keeps those of its last users in one
cookie. Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

MOST = 10  # marks of one browser
_BETWEEN = "."
_MARK = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}")
_LENGTH = 16 + 1 + 32


def browser(key: bytes, user: str, standing: str, marks: str) -> str:
    """The id in the user's good mark, the first among those of a cookie; "" where there is none."""
    good = [mark for mark in _read(marks) if _is_good(key, user, standing, mark)]
    return _id(good[0]) if good else ""


def with_mark(key: bytes, user: str, standing: str, marks: str) -> str:
    """A cookie's marks with a good one of the user in front: the one that was there, or a new one."""
    known = browser(key, user, standing, marks)
    own = _mark(key, user, standing, known or secrets.token_hex(8))
    return _BETWEEN.join([own, *(mark for mark in _read(marks) if mark != own)][:MOST])


def _read(marks: str) -> list[str]:
    """What has the form of a mark."""
    if len(marks) > MOST * (_LENGTH + len(_BETWEEN)):
        return []
    return [mark for mark in marks.split(_BETWEEN) if _MARK.fullmatch(mark)]


def _id(mark: str) -> str:
    return mark.partition("-")[0]


def _is_good(key: bytes, user: str, standing: str, mark: str) -> bool:
    return hmac.compare_digest(mark, _mark(key, user, standing, _id(mark)))


def _mark(key: bytes, user: str, standing: str, browser_id: str) -> str:
    # The user's name comes last: what was typed there can be anything.
    text = f"mark of a browser\n{browser_id}\n{standing}\n{user}"
    return f"{browser_id}-{hmac.new(key, text.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:32]}"
