"""What the README tables say is what the program has, and the reverse."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from lib import schema, settings
from lib.__main__ import parser
from lib.access.roles import ROLES
from lib.i18n import translator

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def table(title: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by the code in the first cell."""
    section = re.split(r"^#+ ", README.split(f" {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    return {match[1]: row[1:] for row in rows if (match := re.fullmatch(r"`([^`]+)`", row[0]))}


def columns() -> dict[str, list[str]]:
    """What the table of columns must say."""
    return {c.code: [schema.heading(c.code, "fi"), c.kind.value] for c in schema.COLUMNS}


def settings_rows() -> dict[str, list[str]]:
    t = translator("en")
    return {
        name: [f"`{value}`" if value != "" else "–", t(settings.LABELS[name])]
        for name, value in asdict(settings.Settings()).items()
    }


def test_the_readme_names_every_column_and_no_other() -> None:
    assert table("Columns") == columns()


def test_the_readme_names_every_setting_with_its_default() -> None:
    assert table("Settings") == settings_rows()


def test_the_readme_names_every_role_with_its_finnish_name() -> None:
    assert {role: row[0] for role, row in table("Roles").items()} == {
        role: translator("fi")(name) for role, name in ROLES.items()
    }


def test_every_command_of_the_readme_is_understood_and_every_command_is_told() -> None:
    told = list(table("In a terminal"))
    for command in told:
        words = (
            command.replace(" …", "").replace("ROLE", "sales").replace("--rows N --seed S", "--rows 1 --seed 1").split()
        )
        parser().parse_args(words)
    names = {" ".join(command.split()[: 2 if command.startswith("user") else 1]) for command in told}
    assert names == {
        "init",
        "sample",
        "info",
        "verify",
        "backup",
        "restore",
        "rekey",
        "export",
        "import",
        "expiring",
        "user add",
        "user password",
        "user role",
        "user disable",
        "user drop-second-factor",
    }


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/streamlit run app.py",
        "python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt && .venv/bin/python -m pytest",
    ],
)
def test_the_two_commands_stand_in_the_readme(command: str) -> None:
    assert f"\n{command}\n" in README
