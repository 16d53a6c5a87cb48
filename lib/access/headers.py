"""The headers of every answer, which keep a page to itself."""

from __future__ import annotations

from collections.abc import Iterable

from lib.access.connection import Scope, is_https

Header = tuple[bytes, bytes]

# Streamlit's page needs inline styles, blob: (downloads, workers), data: (fonts, images) and its one inline script,
# a flag for crawlers, named by its hash. Charts need no 'unsafe-eval': Streamlit lets Vega interpret.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def with_headers(scope: Scope, headers: Iterable[Header], *, kept: bool) -> list[Header]:
    """The headers of an answer, with those that keep it to itself.

    Args:
        kept: a browser may keep what this answer holds, as the answer itself says.
    """
    ours = [(name, value) for name, value in headers if name.lower().decode("latin-1") not in _HEADERS]
    if not kept:
        ours = [(name, value) for name, value in ours if name.lower() != b"cache-control"]
        ours.append((b"cache-control", b"no-store"))
    ours += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
    if is_https(scope):
        ours = [(name, _secure(value) if name.lower() == b"set-cookie" else value) for name, value in ours]
        ours.append((b"strict-transport-security", b"max-age=31536000"))
    return ours


def _secure(cookie: bytes) -> bytes:
    """A cookie that goes over https alone; Streamlit does not know that the browser came by it."""
    return cookie if b"; secure" in cookie.lower() else cookie + b"; Secure"
