"""The download password: what a user's Excel lists are sealed with, kept sealed under the master key itself."""

from __future__ import annotations

import base64

from lib.store.keys import derive, seal, unseal

_PURPOSE = "download password"


def sealed(master: bytes, user: str, password: str) -> str:
    """A password as it stands in the accounts."""
    return base64.b64encode(seal(derive(master, _PURPOSE), password.encode(), user)).decode()


def unsealed(master: bytes, user: str, text: str) -> str | None:
    """The password; None where the key is another one or the text was changed."""
    try:
        password = unseal(derive(master, _PURPOSE), base64.b64decode(text), user)
    except ValueError:
        return None
    return password.decode() if password else None
