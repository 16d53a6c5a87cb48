"""What a table that comes in would do to the register, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.i18n import Text
from lib.intake.records import Record
from lib.register import Register

KINDS = ("new", "change", "conflict", "look_alike", "deleted", "same", "double", "banned", "past", "gone", "wrong")


@dataclass(frozen=True)
class Finding:
    """What becomes of one row.

    `record` is None for a row of a download that the file no longer has; `id` is the row of the register that it is
    about. `changes` are what the person changed, by code: the register's value now and the file's. `conflicts` are
    those where somebody else changed the field meanwhile, `others` changes in columns beside the schema's.
    """

    kind: str
    record: Record | None = None
    id: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    others: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    why: Text | None = None


@dataclass(frozen=True)
class Check:
    """The findings in the order of the file, deleted rows last, and the register that they were made against."""

    findings: tuple[Finding, ...]
    register: Register
