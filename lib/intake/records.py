"""A table whose columns are matched becomes records: values of the schema, or why they cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.i18n import Text
from lib.intake.files import Value


@dataclass(frozen=True)
class Record:
    """A row of a file as the register would hold it. `cells` tells where each value stands, such as "C12"."""

    number: int  # the row's number in the file
    values: dict[str, Any]  # by code, cleaned; "" or None where empty; only codes that a column is matched to
    others: dict[str, Value] = field(default_factory=dict)  # columns that are kept beside the schema's, by name
    wrong: dict[str, Text] = field(default_factory=dict)  # by code: why a value cannot be taken
    warnings: dict[str, Text] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
