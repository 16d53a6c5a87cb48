"""What the gate says instead of a page, to anyone: it reads nothing of the register."""

from __future__ import annotations

from starlette.responses import Response

from lib.access.connection import Scope
from lib.access.forms import accepted, message
from lib.i18n import N_


def error_page(scope: Scope) -> Response:
    """A calm page for what nobody foresaw. It reads nothing that may have failed."""
    return message(
        accepted(scope),
        500,
        N_("Something went wrong"),
        N_("What was saved before is safe. Load the page again; if this stays, tell an administrator the time."),
    )


def waiting_page(scope: Scope) -> Response:
    """What anyone sees before the first start: where to find its address, and nothing else."""
    return message(
        accepted(scope),
        200,
        N_("The first start is waiting"),
        N_(
            "This register has no users yet. The address that begins the first start stands in the terminal window "
            "where the program was started. Open it from there."
        ),
    )


def plain_http_page(scope: Scope) -> Response:
    """For whoever comes over a network without https, where others could read the password."""
    return message(
        accepted(scope),
        403,
        N_("This connection is not protected"),
        N_(
            "On the way from your computer to the server, others could read your password. Nothing was accepted. Open "
            "the register by its https address; an administrator knows it. On the server itself, 127.0.0.1 works as "
            "well. If the address does begin with https, the reverse proxy does not say so: see the README."
        ),
    )


def foreign_host_page(scope: Scope) -> Response:
    """For whoever comes by a name that is not this server's."""
    return message(
        accepted(scope),
        400,
        N_("Not this register's address"),
        N_(
            "The register does not answer under this name. Open it by the address that an administrator gave you. The "
            "names that count stand in server.allowedHosts."
        ),
    )
