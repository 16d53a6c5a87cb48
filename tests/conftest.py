"""Keys and hashes at the lowest cost, and a register to work on."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import settings

from lib.store import Store

from .store.tools import PASSWORD, make_cheap

settings.register_profile("ours", deadline=None, print_blob=True)
settings.load_profile("ours")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One process more than there are cores: tests that drive a server or a browser often wait for it."""
    return (yield) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file that takes longest begins first: no process is left alone with it at the end."""
    items.sort(key=lambda item: item.path.name != "test_benchmark.py")


@pytest.fixture(scope="session", autouse=True)
def _cheap() -> Iterator[None]:
    """A session's derivations take no time; what is shipped is not touched."""
    make_cheap()
    salt = bcrypt.gensalt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "gensalt", lambda rounds=4, prefix=b"2b": salt(4, prefix))
        yield


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    """A new, empty register."""
    with Store.create(data_dir, PASSWORD) as made:
        yield made


def missing(what: str) -> None:
    """Skip a test for want of a program; in CI the program has to be there."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{what} is missing, and CI must have it.")
    pytest.skip(f"{what} is missing on this machine.")
