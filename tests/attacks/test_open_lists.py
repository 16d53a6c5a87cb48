"""A long list that stands open: its parts go to the browser without a run of the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Dataframe_pb2 import SortState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from lib.sample import fill
from lib.store import Store
from tests.serving import OTHER, WORKBOOK, Server, make_register, rerun

ROWS = 2500
GONE = "Kadonnut Kanarialintu"  # the row that goes out of sight


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("open-lists") / "data")
    make_register(server.data_dir, sami={"sales"}, mari={"manager"})
    with Store.open(server.data_dir, WORKBOOK) as store:
        fill(store, rows=ROWS, seed=7)
    server.start()
    yield server
    server.close()


@pytest.fixture
def gone(server: Server) -> str:
    """The id of an old row, which is not among those that a list sends at first."""
    with Store.open(server.data_dir, WORKBOOK) as store:
        return store.add({"source": "phone", "name": GONE, "received": "2001-01-01"}, by="mari")


class OpenList:
    """The list page of somebody, as it was drawn."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        rerun(connection, "prospects")
        while (message := self._next()).WhichOneof("type") != "script_finished":
            if message.WhichOneof("type") == "new_session":
                self._session = message.new_session.initialize.session_id
            element = message.delta.new_element
            if element.WhichOneof("type") == "dataframe" and element.dataframe.HasField("lazy_data"):
                self._lazy = element.dataframe.lazy_data
        self.sent = b""  # what came, as it came
        self.first = self._rows(self._lazy.initial_chunk.data)

    def part(self, offset: int, sort: str = "", limit: int = 1000) -> pd.DataFrame:
        """Rows of the list from an offset, as a browser that scrolls asks for them."""
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = f"part {offset} {sort}", self._session
        request.dataframe_chunk.source_id = self._lazy.source_id
        request.dataframe_chunk.offset, request.dataframe_chunk.limit = offset, limit
        if sort:
            request.dataframe_chunk.sort.column = sort
            request.dataframe_chunk.sort.direction = SortState.SortDirection.DESCENDING
        self._connection.send(message.SerializeToString())
        while (answer := self._next()).WhichOneof("type") != "backend_operation_response":
            pass
        assert not answer.backend_operation_response.error_msg
        return self._rows(answer.backend_operation_response.dataframe_chunk.arrow_data.data)

    def all(self, sort: str = "") -> pd.DataFrame:
        return pd.concat([self.part(offset, sort) for offset in range(0, self._lazy.row_count, 1000)])

    def _next(self) -> ForwardMsg:
        return ForwardMsg.FromString(bytes(self._connection.recv(timeout=20)))  # type: ignore[arg-type]

    def _rows(self, content: bytes) -> pd.DataFrame:
        self.sent += content
        return pa.ipc.open_stream(content).read_all().to_pandas()


def until_list_has(server: Server, client: httpx.Client, prospect_id: str, *, there: bool = True) -> None:
    """Wait until the server has taken over what was changed beside it: a new list has the row, or not."""
    end = time.monotonic() + 20
    while True:
        with server.socket(client) as connection:
            if (prospect_id in set(OpenList(connection).all()["id"])) == there:
                return
        assert time.monotonic() < end


def asks_for_removal(store: Store, prospect_id: str) -> None:
    store.update(prospect_id, {"removal_requested": store.today}, by="mari", action="request_removal")


def is_removed(store: Store, prospect_id: str) -> None:
    store.remove([prospect_id], by="mari", reason="test")


@pytest.mark.parametrize("goes", [asks_for_removal, is_removed])
@pytest.mark.parametrize("sort", ["", "name", "notes"])
def test_a2_an_open_list_gives_no_row_that_went_out_of_sight_since_it_was_drawn(
    server: Server, gone: str, goes: Callable[[Store, str], None], sort: str
) -> None:
    sami = server.sign_in("sami", OTHER)
    until_list_has(server, sami, gone)
    with server.socket(sami) as connection:
        opened = OpenList(connection)
        before = opened.all(sort)
        with Store.open(server.data_dir, WORKBOOK) as store:
            goes(store, gone)
        until_list_has(server, sami, gone, there=False)
        opened.sent = b""
        after = opened.all(sort)
    assert not any(value in opened.sent for value in (GONE.encode(), gone.encode())), "nor beneath an empty cell"
    assert len(after) == len(before) > 2000 and gone not in set(opened.first["id"])
    is_gone, is_empty = (before["id"] == gone).to_numpy(), after.isna().all(axis=1).to_numpy()
    assert is_gone.sum() == is_empty.sum() == 1
    if sort == "name":
        assert is_empty[-1], "not even its place among the names is told"
    else:  # the list has no column of notes
        assert (is_empty == is_gone).all(), "every other row has its place"
    pd.testing.assert_frame_equal(after[~is_empty], before[~is_gone])
    assert sorted(after.index) == list(range(len(before))), "nor where it stands in the register"


def test_a2_a_manager_s_open_list_has_the_row_that_waits_for_removal_still(server: Server, gone: str) -> None:
    mari = server.sign_in("mari", OTHER)
    until_list_has(server, mari, gone)
    with server.socket(mari) as connection:
        opened = OpenList(connection)
        with Store.open(server.data_dir, WORKBOOK) as store:
            asks_for_removal(store, gone)
        until_list_has(server, server.sign_in("sami", OTHER), gone, there=False)
        assert gone in set(opened.all()["id"])
