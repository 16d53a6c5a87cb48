"""What several tests of the store need: a cheap derivation, and hands on the workbook from outside."""

from __future__ import annotations

import functools
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.ecma376_agile import ECMA376Agile

from lib.store import Store, keys

ROOT = Path(__file__).parents[2]
PASSWORD = "työkirjan pitkä salasana"
BY = "aino"
_PLAIN_ENCRYPT = ECMA376Agile.encrypt


def make_cheap() -> None:
    """Derive keys at the lowest cost, in this process; the shipped cost has a test of its own."""
    keys.SCRYPT_COST = 2
    ECMA376Agile.encrypt = staticmethod(functools.partial(_PLAIN_ENCRYPT, spin_count=50))


def person(name: str = "Aino Kokeilija", **others: Any) -> dict[str, Any]:
    return {"source": "phone", "name": name, **others}


def sealed(plain: bytes, password: str = PASSWORD) -> bytes:
    """A plain workbook under a password."""
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(plain)).encrypt(password, target)
    return target.getvalue()


def opened(path: Path, password: str = PASSWORD) -> bytes:
    """The plain workbook of an encrypted one."""
    plain, file = io.BytesIO(), OOXMLFile(io.BytesIO(path.read_bytes()))
    file.load_key(password=password)
    file.decrypt(plain)
    return plain.getvalue()


def book(path: Path, password: str = PASSWORD) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(opened(path, password)))


def edit(path: Path, change: Callable[[openpyxl.Workbook], None], password: str = PASSWORD) -> None:
    """Change a workbook as Excel would: decrypt, edit, encrypt, put in its place."""
    changed = book(path, password)
    change(changed)
    plain = io.BytesIO()
    changed.save(plain)
    path.write_bytes(sealed(plain.getvalue(), password))


def columns(sheet: Any) -> dict[str, int]:
    """Headings to the numbers of their columns, from 1."""
    return {str(cell.value): cell.column for cell in sheet[1] if cell.value is not None}


def all_text(plain: bytes) -> str:
    """Everything that a plain workbook's parts say."""
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the locks, which hold nothing."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def child_command(*arguments: object) -> list[str]:
    """How to start a process of its own on a register: see `tests.store.child`."""
    return [sys.executable, "-B", "-m", "tests.store.child", *map(str, arguments)]


def child(*arguments: object, **others: Any) -> subprocess.CompletedProcess[str]:
    """Run a process of its own to its end."""
    return subprocess.run(child_command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=90, **others)


def rows(data_dir: Path, password: str = PASSWORD) -> dict[str, str]:
    """What a fresh start finds: the numbers and the names."""
    return named(Store.open(data_dir, password))


def named(store: Store) -> dict[str, str]:
    return dict(zip(store.frame["id"], store.frame["name"], strict=True))


def strays(data_dir: Path) -> list[str]:
    """Temporary files that a write left."""
    return [name for name in contents(data_dir) if name.endswith(".tmp")]


def rename(path: Path, row: int, name: str, password: str = PASSWORD) -> None:
    """Write another name into a row of the workbook, as somebody does in Excel; the first is row 2."""

    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(row, columns(sheet)["Nimi"]).value = name

    edit(path, change, password)
