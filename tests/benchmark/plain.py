"""The plain way that the program is measured against: a DataFrame in memory, written whole at each change.

`to_excel` with openpyxl, encrypted, put in the old one's place; opened by decrypting and `read_excel` with openpyxl.
"""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from msoffcrypto.format.ooxml import OOXMLFile


def write(frame: pd.DataFrame, path: Path, password: str) -> None:
    """Write all rows."""
    book, sealed = io.BytesIO(), io.BytesIO()
    frame.to_excel(book, engine="openpyxl", index=False)
    OOXMLFile(book).encrypt(password, sealed)
    beside = path.with_suffix(".tmp")
    beside.write_bytes(sealed.getvalue())
    beside.replace(path)


def read(path: Path, password: str) -> pd.DataFrame:
    """Read all rows."""
    plain = io.BytesIO()
    with path.open("rb") as sealed:
        file = OOXMLFile(sealed)
        file.load_key(password=password)
        file.decrypt(plain)
    return pd.read_excel(plain, engine="openpyxl")
