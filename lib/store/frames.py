"""The frames of a journal's segment: how a record lies in the file.

Behind the file's beginning, `MAGIC`, comes a frame for the header and one for each record: length, CRC-32 and the
sealed content, which ends with its tag. Only the last one can be torn, by a crash while it was written.

Source: CRC-32, ISO 3309.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

MAGIC = b"PROSPECTS JOURNAL 1\n"
TAG = 16
_HEAD = struct.Struct(">II")
_ZEROS = bytes(4)  # so many at the end of the last record, and the disk did not write it to its end


class Broken(Exception):
    """There is no frame where one should be: `position` in the content."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def is_newer(content: bytes) -> bool:
    """Whether a newer version of the program began this file."""
    return content.startswith(MAGIC[:-2]) and not content.startswith(MAGIC)


def framed(sealed: bytes) -> bytes:
    """A frame."""
    return _HEAD.pack(len(sealed), _check(len(sealed))) + sealed


def split(content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The frames from `start` on: where each ends, and what is in it. Stops before a torn one.

    Raises:
        Broken: what stands there is no frame.
    """
    position = start
    while len(content) - position >= _HEAD.size:
        end = _end(content, position)
        if not end:
            if any(content[position + _HEAD.size :]):
                raise Broken(position)
            return
        if end > len(content):
            return
        yield end, content[position + _HEAD.size : end]
        position = end


def whole(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The whole frames of a damaged segment: where each begins and ends, and what is in it.

    What is none is passed over, byte by byte.
    """
    position = len(MAGIC)
    while position + _HEAD.size <= len(content):
        end = _end(content, position)
        if 0 < end <= len(content):
            yield position, end, content[position + _HEAD.size : end]
            position = end
        else:
            position += 1


def is_torn(sealed: bytes) -> bool:
    """Whether the disk had room for the last frame and did not write it to its end."""
    return sealed.endswith(_ZEROS)


def is_damage(rest: bytes) -> bool:
    """Whether what follows the last frame is more than one that was cut while it was written."""
    return len(rest) >= _HEAD.size and not _end(rest, 0) and any(rest[_HEAD.size :])


def _end(content: bytes, position: int) -> int:
    """Where the frame at a position ends, perhaps behind the content; 0 where there is none."""
    length, check = _HEAD.unpack_from(content, position)
    return position + _HEAD.size + int(length) if check == _check(length) else 0


def _check(length: int) -> int:
    return zlib.crc32(length.to_bytes(4, "big"), 0x50524F53)  # begun with a value, so that zeros are no frame
