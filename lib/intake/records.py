"""Placeholder until the reader's part is merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.i18n import Text


@dataclass(frozen=True)
class Record:
    number: int
    values: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, Text] = field(default_factory=dict)
    warnings: Mapping[str, Text] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
