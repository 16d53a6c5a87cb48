"""What can still be read of a damaged journal.

Each record is sealed with the end of the one before it, which stands right in front of it in the file. So a whole
record is proven by itself, also behind damage, and only what is damaged is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import NewerSchema
from lib.store import frames
from lib.store.frames import MAGIC, TAG
from lib.store.journal import Journal, Read, purpose
from lib.store.keys import unseal
from lib.store.record import Record


@dataclass
class Segment:
    """What can be read of a segment.

    `header` is None where it is lost, `last` the tag of the last record in hexadecimal. At least `lost` records, the
    header counted, cannot be read; they take `bytes_lost`.
    """

    reads: list[Read]
    header: Mapping[str, Any] | None = None
    last: str = ""
    lost: int = 0
    bytes_lost: int = 0


def read(journal: Journal, key: bytes) -> dict[int, Segment]:
    """What can be read of a journal, by segment.

    Raises:
        NewerSchema: a newer version of the program wrote it.
    """
    found = {number: _segment(journal.path(number), number, key) for number in journal.segments()}
    for number, segment in found.items():
        following = found.get(number + 1)
        if following and following.header and following.header["previous"] != segment.last and not segment.lost:
            segment.lost = 1  # cut off at its end
    return found


def _segment(path: Path, number: int, key: bytes) -> Segment:
    segment, position, record = Segment([]), len(MAGIC), 0
    try:
        content = path.read_bytes()
    except OSError:  # a disk that cannot read it
        content = b""
    for start, end, sealed in frames.whole(content):
        if start > position:
            record, segment.lost = record + 1, segment.lost + 1
            segment.bytes_lost += start - position
        position = end
        plain = unseal(key, sealed, purpose(number, content[start - TAG : start] if record else b""))
        if plain is None:
            if end < len(content) or not frames.is_torn(sealed):  # else it was never acknowledged
                segment.lost += 1
                segment.bytes_lost += len(sealed)
        elif record:
            segment.reads.append(Read(number, record, Record.from_bytes(plain)))
        else:
            segment.header = json.loads(plain)
        if plain is not None:
            segment.last = sealed[-TAG:].hex()
        record += 1
    if segment.header is None and frames.is_newer(content):
        raise NewerSchema
    if frames.is_damage(content[position:]):
        segment.lost += 1
        segment.bytes_lost += len(content) - position
    if segment.header is None:
        segment.lost = max(segment.lost, 1)
    return segment
