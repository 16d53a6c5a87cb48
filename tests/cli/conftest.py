"""A command in this process, and a small register to run it on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lib.__main__ import main
from lib.store import Store
from tests.store.tools import BY, person

from .tools import SECRETS, WORKBOOK, Here, Quick, seen


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Quick:
    """Runs a command where a process of its own would show nothing more: gives status, output, errors."""

    def call(data: Path, *arguments: object, **environment: str | None) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            for name, value in {**SECRETS, **environment}.items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value)
            try:
                status = main(["--data", str(data), *map(str, arguments)])
            except SystemExit as stopped:
                status = int(stopped.code or 0)
            return status, *capsys.readouterr()

    return call


@pytest.fixture
def here(quick: Quick) -> Here:
    """Runs a command as `run` does, but in this process: each, of `user` only `add`, is run in one of its own, too."""

    def call(data: Path, *arguments: object, **given: str | None) -> subprocess.CompletedProcess[str]:
        return seen(subprocess.CompletedProcess(arguments, *quick(data, *arguments, **given)))

    return call


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Store.create(tmp_path_factory.mktemp("made") / "data", WORKBOOK) as store:
        for name in ("Aino", "Bertta", "Cecilia"):
            store.add(person(name), by=BY)
        store.backup(by=BY)
    Store.open(store.data_dir, WORKBOOK).add(person("Daavid"), by=BY)
    return store.data_dir


@pytest.fixture
def small(_made: Path, tmp_path: Path) -> Path:
    """A register of three with a backup of them, and a fourth in the journal alone."""
    return shutil.copytree(_made, tmp_path / "data")
