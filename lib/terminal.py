"""One call of the program in a terminal: where the data is, who asks, how to answer."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import json
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from lib.errors import AccountError, AppError, Invalid, Unfinished, WorkbookMissing
from lib.i18n import translator
from lib.store import Store

FINE, FINDINGS, FAILED = 0, 1, 2


class Terminal:
    """One call. `began` tells whether it may have changed something."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.data = Path(arguments.data)
        self.by = f"cli:{_user()}"
        self.began = False

    def say(self, text: str, facts: Any = None) -> None:
        """Print a line for a person, or the facts as JSON where that was asked for."""
        if not self.arguments.json:
            print(text)
        elif facts is not None:
            print(json.dumps(facts, ensure_ascii=False, default=_written))

    def complain(self, error: AppError) -> None:
        """Say what went wrong, and what stands in the way."""
        t = translator("en")
        if isinstance(error, Invalid):
            for field, text in error.fields.items():
                print(f"{field}: {t.text(text)}", file=sys.stderr)
            return
        print(t.text(error.text), file=sys.stderr)
        if isinstance(error, WorkbookMissing):  # mostly it is another folder that is meant
            print(f"The data folder is {self.data.resolve()}; --data names another one.", file=sys.stderr)
        if isinstance(error, Unfinished):
            for obstacle in error.obstacles:
                print(f"- {t.text(obstacle)}", file=sys.stderr)

    def progress(self, label: str) -> Callable[[float], None]:
        """Shows the share that is done, 0 to 1, where somebody looks on."""

        def show(share: float) -> None:
            if sys.stderr.isatty():
                print(f"\r{label}: {share:4.0%}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)

        return show

    def secret(self, variable: str, prompt: str, *, new: bool = False) -> str:
        """A password from the environment, from the file that VARIABLE_FILE names, or typed (twice where it is new)."""
        if value := os.environ.get(variable):
            return value
        if path := os.environ.get(f"{variable}_FILE"):
            return Path(path).read_text("utf-8-sig").rstrip("\n")
        value = getpass.getpass(f"{prompt}: ")
        if new and getpass.getpass(f"{prompt}, again: ") != value:
            raise AccountError("The passwords differ. Nothing was changed.")
        return value

    @cached_property
    def workbook_password(self) -> str:
        return self.secret("PROSPECTS_WORKBOOK_PASSWORD", "Password of the workbook")

    def open(self, *, recover: bool = False) -> Store:
        return Store.open(self.data, self.workbook_password, recover=recover)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)
