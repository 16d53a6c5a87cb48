"""Roles, what each may do, and the page that each lands on. One piece of data; nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable

from lib.i18n import N_

ROLES: dict[str, str] = {"sales": N_("Sales"), "manager": N_("Manager"), "admin": N_("Administrator")}

_EVERYDAY = frozenset({"sales", "manager"})
_MANAGER = frozenset({"manager"})
_ADMIN = frozenset({"admin"})

# An administrator without one of the other roles sees no row of the register.
OPERATIONS: dict[str, frozenset[str]] = {
    "enter": _EVERYDAY,
    "read": _EVERYDAY,
    "edit": _EVERYDAY,
    "count": _EVERYDAY,
    "download": _EVERYDAY,
    "download_password": _EVERYDAY,
    "no_marketing": _EVERYDAY,
    "request_removal": _EVERYDAY,
    "allow_marketing": _MANAGER,
    "retention": _MANAGER,
    "hold": _MANAGER,
    "remove": _MANAGER,
    "cancel_removal_request": _MANAGER,
    "outside": _MANAGER,
    "import": _MANAGER,
    "users": _ADMIN,
    "settings": _ADMIN,
    "workbook_state": _ADMIN,
    "write_workbook": _ADMIN,
    "workbook_password": _ADMIN,
    "files_aside": _ADMIN,
    "backups": _ADMIN,
    "restore": _ADMIN,
    "change_log": _ADMIN,
    "account": frozenset(ROLES),
}

# A page's address and the operation that it needs, in the order of the navigation.
PAGES: dict[str, str] = {
    "entry": "enter",
    "prospects": "read",
    "statistics": "count",
    "retention": "retention",
    "outside": "outside",
    "imports": "import",
    "admin": "users",
    "account": "account",
}


def may(roles: Iterable[str], operation: str) -> bool:
    """Whether one of the roles allows the operation. An unknown operation is a KeyError, never a yes."""
    return not OPERATIONS[operation].isdisjoint(roles)


def landing(roles: Iterable[str]) -> str:
    """The address of the page that a person with these roles sees first."""
    roles = frozenset(roles)
    if "sales" in roles:
        return "entry"
    return "statistics" if "manager" in roles else "admin"
