"""The register in a terminal: `python -m lib`. Exit status 0 fine, 1 findings, 2 could not run."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import json
import logging
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from lib import retention, schema
from lib.access.roles import ROLES
from lib.errors import AccountError, AlreadyExists, AppError, Invalid
from lib.files import write_atomically
from lib.i18n import translator
from lib.installation import Installation
from lib.store import Store

FINE, FINDINGS, FAILED = 0, 1, 2


class Terminal:
    """One call: where the data is, who asks, how to answer."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.data = Path(arguments.data)
        self.by = f"cli:{getpass.getuser()}"

    def say(self, text: str, facts: Any = None) -> None:
        """Print a line for a person, or the facts as JSON where that was asked for."""
        if not self.arguments.json:
            print(text)
        elif facts is not None:
            print(json.dumps(facts, ensure_ascii=False, default=_iso))

    def secret(self, variable: str, prompt: str, *, new: bool = False) -> str:
        """A password from the environment, from the file that VARIABLE_FILE names, or typed (twice where it is new)."""
        if value := os.environ.get(variable):
            return value
        if path := os.environ.get(f"{variable}_FILE"):
            return Path(path).read_text("utf-8").rstrip("\n")
        value = getpass.getpass(f"{prompt}: ")
        if new and getpass.getpass(f"{prompt}, again: ") != value:
            raise AccountError("The passwords differ. Nothing was changed.")
        return value

    @cached_property
    def workbook_password(self) -> str:
        return self.secret("PROSPECTS_WORKBOOK_PASSWORD", "Password of the workbook")

    def open(self) -> Store:
        return Store.open(self.data, self.workbook_password)


def init(terminal: Terminal) -> int:
    """Make a register and its first administrator."""
    arguments = terminal.arguments
    installation = Installation(terminal.data)
    if not installation.is_new:
        raise AccountError("There are accounts in this data folder already. Nothing was changed.")
    token = installation.set_up(
        code=installation.setup_code or "",
        company=arguments.company,
        person_responsible=arguments.admin,
        username=arguments.admin,
        display_name=arguments.admin,
        password=terminal.secret("PROSPECTS_ADMIN_PASSWORD", f"Password of {arguments.admin}", new=True),
        workbook_password=terminal.secret("PROSPECTS_WORKBOOK_PASSWORD", "Password of the workbook", new=True),
        language=arguments.language,
        sample=False,
    )
    installation.sign_out(token)
    terminal.say(f"The register is in {terminal.data}, its administrator is {arguments.admin}.")
    return FINE


def sample(terminal: Terminal) -> int:
    """Add synthetic prospects."""
    from lib.sample import fill

    with terminal.open() as store:
        count = fill(store, rows=terminal.arguments.rows, seed=terminal.arguments.seed)
        terminal.say(f"{count} sample prospects were added.", {"rows": count})
    return FINE


def info(terminal: Terminal) -> int:
    """Say what the register holds."""
    with terminal.open() as store:
        facts = store.info()
        terminal.say("\n".join(f"{name}: {value}" for name, value in facts.items()), facts)
    return FINE


def verify(terminal: Terminal) -> int:
    """Check every row: what the forms would not take today is a finding."""
    with terminal.open() as store:
        findings = []
        for values in store.frame.to_dict("records"):
            row = schema.to_row(values)
            try:
                typed = {code: row[code] for code in schema.FORM_CODES}
                _, warnings = schema.clean_record(typed, today=store.today, region=store.settings.phone_region)
            except Invalid as error:
                warnings = error.fields
            findings += [{"id": row["id"], "column": code, "problem": str(text)} for code, text in warnings.items()]
        lines = [f"{f['id']} {f['column']}: {f['problem']}" for f in findings]
        lines.append(f"{len(store.frame)} rows, {len(findings)} findings.")
        terminal.say("\n".join(lines), {"rows": len(store.frame), "findings": findings})
    return FINDINGS if findings else FINE


def export(terminal: Terminal) -> int:
    """Write the Excel list of all rows that may leave, encrypted."""
    from lib.access.accounts import check_password
    from lib.output import excel_list

    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_EXPORT_PASSWORD", "Password of the Excel list", new=True)
        check_password(password)
        frame = store.frame
        rows = frame[frame["restricted"].isna() & frame["removal_requested"].isna()]
        content = excel_list.build(rows, schema.CODES, password=password, language=store.settings.language)
        target = Path(terminal.arguments.file)
        if target.exists():
            raise AlreadyExists(file=target.name)
        # The log comes first: rows that leave without a line would be worse than a line without rows.
        store.note("download", terminal.by, rows=len(rows), columns=list(schema.CODES))
        write_atomically(target, content)
        terminal.say(f"{len(rows)} rows were written to {target}.", {"rows": len(rows), "file": target})
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
    """Make an account."""
    arguments = terminal.arguments
    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_USER_PASSWORD", f"Password of {arguments.name}", new=True)
        name, shown = arguments.name, arguments.display_name or arguments.name
        installation = Installation(terminal.data)
        installation.add_user_by_workbook(name, shown, arguments.role, password, terminal.workbook_password)
        store.note("add_user", terminal.by, user=name, roles=sorted(arguments.role))
    terminal.say(f"{arguments.name} can sign in.")
    return FINE


def user_disable(terminal: Terminal) -> int:
    """Close an account and end its sessions."""
    with terminal.open() as store:
        Installation(terminal.data).set_disabled(terminal.arguments.name, True)
        store.note("disable_user", terminal.by, user=terminal.arguments.name)
    terminal.say(f"{terminal.arguments.name} can no longer sign in.")
    return FINE


def user_password(terminal: Terminal) -> int:
    """Give a user a new password, by the workbook's password; a closed account opens again."""
    name = terminal.arguments.name
    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_USER_PASSWORD", f"New password of {name}", new=True)
        Installation(terminal.data).recover_password(name, password, terminal.workbook_password)
        store.note("reset_password", terminal.by, user=name)
    terminal.say(f"{name} can sign in with the new password.")
    return FINE


def user_role(terminal: Terminal) -> int:
    """Give a user these roles and no others."""
    arguments = terminal.arguments
    with terminal.open() as store:
        Installation(terminal.data).set_roles(arguments.name, arguments.role)
        store.note("set_roles", terminal.by, user=arguments.name, roles=sorted(arguments.role))
    terminal.say(f"{arguments.name}: {', '.join(arguments.role)}.")
    return FINE


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
    command(commands, "export", export).add_argument("file", metavar="FILE")
    command(commands, "expiring", expiring).add_argument("--months", type=int, help="how far to look ahead")
    users = commands.add_parser("user", help="Accounts.").add_subparsers(required=True, metavar="COMMAND")
    for name, run in (("add", user_add), ("disable", user_disable), ("password", user_password), ("role", user_role)):
        made = command(users, name, run)
        made.add_argument("name", metavar="NAME")
        if name in ("add", "role"):
            made.add_argument("--role", nargs="+", choices=tuple(ROLES), required=True)
        if name == "add":
            made.add_argument("--display-name")
    return main


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # Accounts load streamlit, which would tell in the terminal that no server runs.
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True
    os.umask(0o077)
    terminal = Terminal(parser().parse_args(arguments))
    t = translator("en")
    try:
        return int(terminal.arguments.run(terminal))
    except Invalid as error:
        for field, text in error.fields.items():
            print(f"{field}: {t.text(text)}", file=sys.stderr)
    except AppError as error:
        print(t.text(error.text), file=sys.stderr)
    except UnicodeDecodeError:
        print("A file with a password is not text in UTF-8.", file=sys.stderr)
    except (OSError, EOFError, KeyboardInterrupt) as error:
        print(getattr(error, "strerror", None) or "Stopped. Nothing was changed.", file=sys.stderr)
    return FAILED


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)


if __name__ == "__main__":
    sys.exit(main())
