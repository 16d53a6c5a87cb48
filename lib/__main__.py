"""The register in a terminal: `python -m lib`. Exit status 0 fine, 1 findings, 2 could not run."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lib import importing, retention, schema
from lib.access.roles import ROLES
from lib.commands import backup, info, rekey, verify
from lib.errors import AccountError, AlreadyExists, AppError
from lib.files import write_atomically
from lib.first_start import make
from lib.installation import Installation
from lib.process import harden, user_name
from lib.recovery import restore
from lib.store import Store
from lib.terminal import FAILED, FINDINGS, FINE, Terminal

STOPPED = "Stopped in the middle. Every file is whole and nothing is lost; `info` and `verify` tell what is done."


def init(terminal: Terminal) -> int:
    """Make a register and its first administrator."""
    arguments = terminal.arguments
    installation = Installation(terminal.data)
    if not installation.is_new:
        raise AccountError("There are accounts in this data folder already. Nothing was changed.")
    passwords = {
        "password": terminal.secret("PROSPECTS_ADMIN_PASSWORD", f"Password of {arguments.admin}", new=True),
        "workbook_password": terminal.secret("PROSPECTS_WORKBOOK_PASSWORD", "Password of the workbook", new=True),
    }
    terminal.began = True
    make(
        installation,
        code=installation.setup_code or "",
        company=arguments.company,
        person_responsible=arguments.admin,
        username=arguments.admin,
        display_name=arguments.admin,
        language=arguments.language,
        sample=False,
        **passwords,
    )
    if installation.store is not None:
        installation.store.note("init", terminal.by, user=arguments.admin)
    installation.close()
    terminal.say(f"The register is in {terminal.data}, its administrator is {arguments.admin}.")
    return FINE


def sample(terminal: Terminal) -> int:
    """Add synthetic prospects."""
    from lib.sample import rows

    with terminal.open() as store:
        made = rows(terminal.arguments.rows, terminal.arguments.seed, dt.date.today())
        terminal.began = True
        count = len(store.add_many(made, by=terminal.by))
    terminal.say(f"{count} sample prospects were added.", {"rows": count})
    return FINE


def export(terminal: Terminal) -> int:
    """Write the list of all rows that may leave: encrypted, for Excel, or as CSV if the settings allow it."""
    from lib.access.accounts import check_password
    from lib.output.leaving import leaving

    with terminal.open() as store:
        password = None
        if not terminal.arguments.csv:
            password = terminal.secret("PROSPECTS_EXPORT_PASSWORD", "Password of the Excel list", new=True)
            check_password(password)
        target = Path(terminal.arguments.file)
        if target.exists():
            raise AlreadyExists(file=target.name)
        left = 0

        def note(rows: int, **told: Any) -> None:
            nonlocal left
            terminal.began, left = True, rows
            store.note("download", terminal.by, rows=rows, **told)

        # The log comes first: rows that leave without a line would be worse than a line without rows.
        content = leaving(
            store,
            lambda: store.frame,
            schema.CODES,
            by=terminal.by,
            note=note,
            language=store.settings.language,
            password=password,
        )
        write_atomically(target, content)
        terminal.say(f"{left} rows were written to {target}.", {"rows": left, "file": target})
    return FINE


def expiring(terminal: Terminal) -> int:
    """List rows whose retention period has ended or ends before the next review."""
    with terminal.open() as store:
        months = terminal.arguments.months
        months = store.settings.review_months if months is None else months
        masks = retention.queue(store.frame, store.today, months)
        due = ("requested", "ended", "before_review")
        rows = [(schema.to_row(row), state) for state in due for row in store.frame[masks[state]].to_dict("records")]
        found = [{"id": row["id"], "expires": row["expires"], "state": state} for row, state in rows]
        lines = [f"{f['id']} {f['expires']} {f['state']}" for f in found] or ["Nothing is due."]
        terminal.say("\n".join(lines), found)
    return FINDINGS if found else FINE


def user_add(terminal: Terminal) -> int:
    """Make an account. Its user changes the password at the first sign-in."""
    arguments = terminal.arguments
    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_USER_PASSWORD", f"Password of {arguments.name}", new=True)
        name, shown = arguments.name, arguments.display_name or arguments.name
        installation = _installation(terminal, store)
        terminal.began = True
        installation.add_user_by_workbook(
            name, shown, arguments.role, password, terminal.workbook_password, one_time=not arguments.lasting
        )
        store.note("add_user", terminal.by, user=name, roles=sorted(arguments.role))
    terminal.say(f"{arguments.name} can sign in.")
    return FINE


def user_disable(terminal: Terminal) -> int:
    """Close an account and end its sessions."""
    with terminal.open() as store:
        terminal.began = True
        _installation(terminal, store).set_disabled(terminal.arguments.name, True)
        store.note("disable_user", terminal.by, user=terminal.arguments.name)
    terminal.say(f"{terminal.arguments.name} can no longer sign in.")
    return FINE


def user_password(terminal: Terminal) -> int:
    """Give a user a new password, to be changed at the next sign-in; a closed account opens again."""
    name = terminal.arguments.name
    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_USER_PASSWORD", f"New password of {name}", new=True)
        terminal.began = True
        _installation(terminal, store).recover_password(
            name, password, terminal.workbook_password, one_time=not terminal.arguments.lasting
        )
        store.note("reset_password", terminal.by, user=name)
    terminal.say(f"{name} can sign in with the new password.")
    return FINE


def user_role(terminal: Terminal) -> int:
    """Give a user these roles and no others."""
    arguments = terminal.arguments
    with terminal.open() as store:
        terminal.began = True
        if _installation(terminal, store).set_roles(arguments.name, arguments.role):
            store.note("set_roles", terminal.by, user=arguments.name, roles=sorted(arguments.role))
    terminal.say(f"{arguments.name}: {', '.join(arguments.role)}.")
    return FINE


def user_drop_second_factor(terminal: Terminal) -> int:
    """Take a user's second factor away, by the workbook's password: the phone and the recovery codes are lost."""
    name = terminal.arguments.name
    with terminal.open() as store:
        terminal.began = True
        _installation(terminal, store).drop_second_factor_by_workbook(name, terminal.workbook_password)
        store.note("second_factor_off", terminal.by, user=name)
    terminal.say(f"{name} signs in without a second factor.")
    return FINE


def _installation(terminal: Terminal, store: Store) -> Installation:
    """The data folder's accounts and sessions; what happens to them is told in the open register's change log."""
    installation = Installation(terminal.data)
    installation.store = store
    return installation


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer in JSON where there is something to read")
    main = argparse.ArgumentParser(prog="python -m lib", description="The register of prospects in a terminal.")
    main.add_argument("--data", default=os.environ.get("PROSPECTS_DATA", "data"), help="the data folder")
    commands = main.add_subparsers(required=True, metavar="COMMAND")

    def command(commands: Any, name: str, run: Callable[[Terminal], int]) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=run.__doc__)
        made.set_defaults(run=run)
        return made

    made = command(commands, "init", init)
    made.add_argument("--admin", required=True, metavar="NAME")
    made.add_argument("--company", default="-", help="the controller")
    made.add_argument("--language", default="fi", choices=("fi", "en"))
    made = command(commands, "sample", sample)
    made.add_argument("--rows", type=int, default=1000)
    made.add_argument("--seed", type=int, default=1)
    command(commands, "info", info)
    command(commands, "verify", verify)
    command(commands, "backup", backup).add_argument("--list", action="store_true", help="list them instead")
    made = command(commands, "restore", restore)
    made.add_argument("source", metavar="SOURCE", nargs="?", help="a backup's name, or the path of a workbook")
    way = made.add_mutually_exclusive_group()
    way.add_argument("--dry-run", action="store_true", help="only say what would change; so it is anyway")
    way.add_argument("--apply", action="store_true", help="do it")
    made.add_argument("--exact", action="store_true", help="rows entered since go, too")
    made.add_argument("--accept-loss", action="store_true", help="go on without what a damaged journal no longer tells")
    command(commands, "rekey", rekey)
    made = command(commands, "export", export)
    made.add_argument("file", metavar="FILE")
    made.add_argument(
        "--csv", action="store_true", help="as CSV, which is not encrypted; only if the settings allow it"
    )
    importing.add_arguments(command(commands, "import", importing.import_table))
    command(commands, "expiring", expiring).add_argument("--months", type=int, help="how far to look ahead")
    users = commands.add_parser("user", help="Accounts.").add_subparsers(required=True, metavar="COMMAND")
    for name, run in (
        ("add", user_add),
        ("disable", user_disable),
        ("password", user_password),
        ("role", user_role),
        ("drop-second-factor", user_drop_second_factor),
    ):
        made = command(users, name, run)
        made.add_argument("name", metavar="NAME")
        if name in ("add", "role"):
            made.add_argument("--role", nargs="+", choices=tuple(ROLES), required=True)
        if name == "add":
            made.add_argument("--display-name")
        if name in ("add", "password"):
            made.add_argument("--lasting", action="store_true", help="the user typed the password: it stays good")
    return main


def _refuse_strangers(folder: Path) -> None:
    """Let only the data folder's own user pass: the server could not read what another one, as root, writes there.

    Raises:
        AccountError: it is another one's.
    """
    if not hasattr(os, "geteuid") or not folder.exists():
        return
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise AccountError(
            "The data folder {folder} belongs to the user {name}, whose server could not read what you write there. "
            "Nothing was changed. Run this as {name}: sudo -u {name} …",
            folder=folder,
            name=user_name(owner),
        )


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # Accounts load streamlit, which would tell in the terminal that no server runs.
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True
    harden()
    terminal = Terminal(parser().parse_args(arguments))
    try:
        _refuse_strangers(terminal.data)
        return int(terminal.arguments.run(terminal))
    except AppError as error:
        terminal.complain(error)
    except UnicodeDecodeError:
        print("A file with a password is not text in UTF-8.", file=sys.stderr)
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
    except (EOFError, KeyboardInterrupt):
        print(STOPPED if terminal.began else "Stopped. Nothing was changed.", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
