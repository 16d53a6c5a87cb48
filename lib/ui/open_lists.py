"""Long lists that stand open: their rows go to the browser in parts, as it scrolls, without a run of the page.

So each part asks again who wants it and which of its rows that person may still know of. Streamlit 1.67 takes sources
of such parts from its adapters only (`streamlit.dataframe.lazy_df_adapters`), and has none that asks; here is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from streamlit.dataframe import lazy_df_adapters
from streamlit.dataframe.lazy_df_source import FORCED_LAZY_MIN_ROWS, DataframeSource, InMemoryDataframeSource, SortSpec

from lib.search import Mask

Known = Callable[[Sequence[str]], Mask]


class OpenList(pd.DataFrame):
    """A table that tells which of its rows may still be shown."""

    _metadata = ["known"]
    known: Known


def open_list(table: pd.DataFrame, known: Known) -> OpenList:
    """A table for `st.dataframe(…, lazy=True)`.

    Args:
        table: has a column `id`.
        known: tells for ids which of the rows may still be shown; it runs in a thread without a page.
    """
    made = OpenList(table.reset_index(drop=True))
    made.known = known
    return made


class _Parts(InMemoryDataframeSource):
    """The parts of an open list. What went out of sight since it was drawn is empty; every other row has its place.

    It is emptied before the list is sorted, and no part says where its row stands in the register.
    """

    def __init__(self, table: OpenList) -> None:
        super().__init__(pa.Table.from_pandas(table, preserve_index=True))
        self._known, self._ids, self._columns = table.known, table["id"].tolist(), set(table.columns)

    def load_rows(self, offset: int, limit: int, *, sort: SortSpec | None = None) -> pa.Table:
        known = self._known(self._ids)
        if known.all():
            return super().load_rows(offset, limit, sort=sort)
        return InMemoryDataframeSource(self._emptied(known)).load_rows(offset, limit, sort=sort)

    def _emptied(self, known: Mask) -> pa.Table:
        """The list without the others' values: empty cells alone would keep them, unseen, in what is sent."""
        places = pa.array(np.cumsum(known) - 1, mask=~known)
        rows = self._table.filter(pa.array(known)).take(places)
        columns = [
            rows[name] if name in self._columns else self._table[name]  # the places in the list
            for name in self._table.column_names
        ]
        return pa.Table.from_arrays(columns, schema=self._table.schema)


_adapter = lazy_df_adapters.try_create_native_source


def _source(data: object) -> DataframeSource | None:
    if isinstance(data, OpenList):
        return _Parts(data) if len(data) > FORCED_LAZY_MIN_ROWS else None
    return _adapter(data)


lazy_df_adapters.try_create_native_source = _source
