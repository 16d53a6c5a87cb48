"""How a request came: by https or not, from which address, under which host name, from which site's page."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, MutableMapping
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from lib.errors import AppError
from lib.i18n import N_

Scope = MutableMapping[str, Any]


def proxies() -> list[str]:
    """The addresses and networks in PROSPECTS_PROXIES: peers that may say who comes through them.

    Loopback is among them without being named: uvicorn takes its word before anything here is asked.

    Raises:
        AppError: a part of it is none, or FORWARDED_ALLOW_IPS would let others say so, too.
    """
    if os.environ.get("FORWARDED_ALLOW_IPS"):
        raise AppError(
            N_("FORWARDED_ALLOW_IPS must not be set. Name the reverse proxy's address in PROSPECTS_PROXIES instead.")
        )
    named = [part.strip() for part in os.environ.get("PROSPECTS_PROXIES", "").split(",") if part.strip()]
    for part in named:
        try:
            ipaddress.ip_network(part)
        except ValueError as error:
            raise AppError(N_("PROSPECTS_PROXIES: {part} is no address and no network."), part=part) from error
    return named


def through_proxies(app: Any) -> Any:
    """The app behind what takes the word of the proxies named in PROSPECTS_PROXIES."""
    named = proxies()
    return ProxyHeadersMiddleware(app, ["127.0.0.1", "::1", *named]) if named else app


def is_https(scope: Scope) -> bool:
    """Whether the browser came by https, to this server or to a proxy before it that may be believed."""
    return scope.get("scheme") in ("https", "wss")


def address(scope: Scope) -> str:
    """The address of who asks; "" where it is unknown."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def host(scope: Scope) -> str:
    """The host name that was asked for, with its port, in small letters; "" for none or several."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    return named[0].decode("latin-1").strip().lower() if len(named) == 1 else ""


def is_from_elsewhere(scope: Scope) -> bool:
    """Whether the request came, or may have come, over a network: not from this machine to this machine.

    The name counts as well as the address: a proxy that does not say for whom it asks, and a foreign name that leads
    to this machine, look like this machine's own.
    """
    return not (_is_loopback(address(scope)) and _is_loopback(_name(host(scope))))


def is_host_allowed(scope: Scope, allowed: Iterable[str]) -> bool:
    """Whether the host name is among the allowed ones ("*.example.com" for all below); any where none is named."""
    patterns = [pattern.strip().lower().rstrip(".") for pattern in allowed]
    name = _name(host(scope))
    return bool(name) and (
        not patterns
        or any(
            pattern == "*" or name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))
            for pattern in patterns
        )
    )


def is_own_origin(scope: Scope, origin: str) -> bool:
    """Whether a page that names this origin is one of this server."""
    return bool(host(scope)) and origin == f"{'https' if is_https(scope) else 'http'}://{host(scope)}"


def _name(host: str) -> str:
    """A host's name without its port; "" for what is no host."""
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    elif host.count(":") == 1:
        name, port = host.split(":")
    if port.lstrip(":") and not (port.lstrip(":").isascii() and port.lstrip(":").isdigit()):
        return ""
    name = name.rstrip(".")
    return name if name and not set(name) & set("/@?#\\ \t,") else ""


def _is_loopback(name: str) -> bool:
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
