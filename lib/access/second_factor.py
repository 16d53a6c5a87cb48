"""The second factor: codes of an authenticator app, and recovery codes for the day when it is gone.

The app's secret is sealed under the master key, which a right password opens; recovery codes are kept as hashes under
a key of it. Sources: TOTP, RFC 6238; the address that an app reads, github.com/google/google-authenticator/wiki.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from lib.access.roles import ROLES
from lib.store.keys import derive, seal, unseal

RECOVERY_CODES = 10
_STEP = 30  # seconds
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_PURPOSE = "second factor"
# Which roles must have one, by the setting.
_REQUIRED = {
    "none": frozenset[str](),
    "admin": frozenset({"admin"}),
    "manager": frozenset({"admin", "manager"}),
    "all": frozenset(ROLES),
}


class Offer(NamedTuple):
    """What an authenticator app needs: the secret to type, the address in the code, the code as an SVG element."""

    secret: str
    uri: str
    svg: str


def required(roles: Iterable[str], setting: str) -> bool:
    """Whether somebody with these roles must have a second factor."""
    return not _REQUIRED[setting].isdisjoint(roles)


def new_secret() -> str:
    import pyotp

    return pyotp.random_base32()


def offer(secret: str, user: str, issuer: str) -> Offer:
    """What to show for a secret. The picture is made here; no other machine is asked."""
    import pyotp
    import segno

    uri = pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=issuer)
    return Offer(secret, uri, segno.make(uri, micro=False).svg_inline(scale=5, light="#fff", omitsize=True))


def sealed(master: bytes, user: str, secret: str) -> str:
    """A secret as it stands in the accounts."""
    return base64.b64encode(seal(derive(master, _PURPOSE), secret.encode(), user)).decode()


def unsealed(master: bytes, user: str, text: str) -> str | None:
    """The secret; None where the key is another one or the text was changed."""
    try:
        secret = unseal(derive(master, _PURPOSE), base64.b64decode(text), user)
    except ValueError:
        return None
    return secret.decode() if secret else None


def step_of(secret: str, code: str, now: float) -> int | None:
    """The step of time that a code belongs to, now or one beside it; None for a wrong code.

    Args:
        now: seconds since 1970.
    """
    import pyotp

    code = "".join(code.split())
    if not (code.isascii() and code.isdecimal()):
        return None
    step = int(now // _STEP)
    right = [s for s in (step - 1, step, step + 1) if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(s), code)]
    return right[-1] if right else None


def recovery_codes() -> list[str]:
    """New recovery codes, such as "abcde-23456": 49 bits each."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(master: bytes, user: str, code: str) -> str:
    """A recovery code as it stands in the accounts; how it is typed makes no difference."""
    letters = "".join(c for c in code.lower() if c.isalnum())
    key = derive(master, f"{_PURPOSE} recovery")
    return hmac.new(key, f"{user}\0{letters}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
