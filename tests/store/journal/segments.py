"""Records of a journal, and its segments in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lib.changes import Change
from lib.store.journal import Journal
from lib.store.record import Record

KEY = b"k" * 32
FRAME = 8  # bytes in front of a sealed record: its length, and the check of it


def record(name: str) -> Record:
    return Record(change=Change(set={"P-000001": {"name": name}}))


def name_of(read: Any) -> str:
    return str(read.record.change.set["P-000001"]["name"])


def names(journal: Journal, first: int = 1) -> list[str]:
    """What a fresh reader finds from a segment on."""
    return [name_of(read) for read in Journal(journal.folder, KEY).load(first)[1]]


def frames(path: Path) -> list[bytes]:
    """A segment in its parts: the magic, the header, and each record."""
    content = path.read_bytes()
    start = content.index(b"\n") + 1
    parts = [content[:start]]
    while start < len(content):
        end = start + FRAME + int.from_bytes(content[start : start + 4], "big")
        parts.append(content[start:end])
        start = end
    return parts


def tail(follower: Journal) -> list[str]:
    return [name_of(read) for read in follower.tail()]
