"""What can still be read of a damaged journal.

Each record is sealed with the end of the one before it, which stands right in front of it in the file. So a whole
record is proven by itself, also behind damage, and only what is damaged is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import NewerSchema
from lib.store.journal import _FRAME, _MAGIC, _TAG, Journal, Read, _check, _purpose
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
    segment, position, record = Segment([]), len(_MAGIC), 0
    try:
        content = path.read_bytes()
    except OSError:  # a disk that cannot read it
        content = b""
    for start, end in _frames(content):
        if start > position:
            record, segment.lost = record + 1, segment.lost + 1
            segment.bytes_lost += start - position
        sealed, position = content[start + _FRAME.size : end], end
        plain = unseal(key, sealed, _purpose(number, content[start - _TAG : start] if record else b""))
        if plain is None:
            if end < len(content) or any(sealed[-_TAG:]):  # else torn: it was never acknowledged
                segment.lost += 1
                segment.bytes_lost += len(sealed)
        elif record:
            segment.reads.append(Read(number, record, Record.from_bytes(plain)))
        else:
            segment.header = json.loads(plain)
        if plain is not None:
            segment.last = sealed[-_TAG:].hex()
        record += 1
    if segment.header is None and content.startswith(_MAGIC[:-2]) and not content.startswith(_MAGIC):
        raise NewerSchema
    if _is_damaged(content[position:]):
        segment.lost += 1
        segment.bytes_lost += len(content) - position
    if segment.header is None:
        segment.lost = max(segment.lost, 1)
    return segment


def _frames(content: bytes) -> Iterator[tuple[int, int]]:
    """Where whole frames begin and end. What is none is passed over, byte by byte."""
    position = len(_MAGIC)
    while position + _FRAME.size <= len(content):
        length, check = _FRAME.unpack_from(content, position)
        end = position + _FRAME.size + length
        if check == _check(length) and end <= len(content):
            yield position, end
            position = end
        else:
            position += 1


def _is_damaged(rest: bytes) -> bool:
    """Whether what follows the last frame is more than one that was cut while it was written."""
    if len(rest) < _FRAME.size:
        return False
    length, check = _FRAME.unpack_from(rest)
    return bool(check != _check(length) and any(rest[_FRAME.size :]))
