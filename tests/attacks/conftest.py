"""A server that is attacked: a user of each role, and a row that must not be seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib.store import Store
from tests.serving import WORKBOOK, Server, make_register

# Who has which roles; aino is the first user and has all.
WHO = {"sami": {"sales"}, "mari": {"manager"}, "ylva": {"admin"}}
CANARY = "Kirjava Kanarialintu"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("attacked") / "data")
    make_register(server.data_dir, **WHO)
    with Store.open(server.data_dir, WORKBOOK) as store:
        store.add({"source": "phone", "name": CANARY, "notes": CANARY}, by="aino")
    server.start()
    yield server
    server.close()
