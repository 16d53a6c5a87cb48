"""The journal: what changed since the workbook was written, one sealed and synced record for each change.

`journal/00000042.journal` is the segment of the changes made after the workbook of generation 42. A record is a frame
of length, CRC-32 and the sealed content. Each is sealed together with its segment's number and the tag of the one
before it, and a segment's header with the last tag of the segment before, so that nothing in the row can be changed,
left out or moved. Only the last record can be torn: it was never acknowledged.

Source: AES-GCM, NIST SP 800-38D.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from lib.errors import JournalDamaged, NewerSchema, NotSynced, NotWritten
from lib.files import is_there, listed, reason, remove_leftovers, sync_folder, write_atomically
from lib.i18n import N_
from lib.store import frames
from lib.store.frames import MAGIC, TAG
from lib.store.keys import seal, unseal
from lib.store.record import Record

VERSION = 1
_NAME = re.compile(r"[0-9]{8}\.journal")
_BINARY = getattr(os, "O_BINARY", 0)
_UNKNOWN = (0, 0, 0)  # a file's stamp


class Gone(Exception):
    """The segments went on without this reader: everything has to be read anew."""


class _Place(NamedTuple):
    """How far a reader has come: segment, offset behind its last record, that record's tag, and the file's stamp."""

    segment: int
    offset: int
    tag: bytes
    stamp: tuple[int, int, int]


class Read(NamedTuple):
    """A record and where it stands: its segment, and its number there (the header is 0)."""

    segment: int
    number: int
    record: Record


class Journal:
    """The segments of one data folder, sealed under `key` (32 bytes). Appending needs the register's lock."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._key = key
        self._place: _Place | None = None
        self._count = 0

    # -- where ------------------------------------------------------------------------------------------------

    @property
    def segment(self) -> int:
        """The segment that is read and appended to; 0 before `load`."""
        return self._place.segment if self._place else 0

    @property
    def count(self) -> int:
        """How many records the segment holds as far as it was read."""
        return self._count

    def segments(self) -> list[int]:
        """The numbers of the segments that are there, in order.

        Raises:
            StoreError: the folder cannot be read.
        """
        return [int(path.stem) for path in listed(self.folder, "*.journal") if _NAME.fullmatch(path.name)]

    def gap(self) -> JournalDamaged | None:
        """The error for a segment that is missing between two others, if one is."""
        for one, other in pairwise(self.segments()):
            if other != one + 1:
                return JournalDamaged(
                    N_(
                        "The file {file} of the newest changes is missing. Nothing was written. "
                        "Put it back, or restore a backup."
                    ),
                    file=self.path(one + 1).name,
                    position=0,
                )
        return None

    def path(self, segment: int) -> Path:
        return self.folder / f"{segment:08d}.journal"

    # -- reading ----------------------------------------------------------------------------------------------

    def load(self, first: int) -> tuple[dict[int, dict[str, Any]], list[Read]]:
        """What the headers carry, by segment, and the records, from a segment on; `tail` goes on from their end.

        Raises:
            Gone: the segment, or one behind it, is not there.
            JournalDamaged: it says where; nothing was written.
            NewerSchema, NotWritten
        """
        carried, found, place, count = self._all(first)
        self._place, self._count = place, count
        return carried, found

    def forget(self) -> None:
        """Let the next `tail` say that everything has to be read anew."""
        self._place, self._count = None, 0

    def peek(self, first: int) -> list[Read]:
        """The records from a segment on, without going on from there. Errors as for `load`."""
        return self._all(first)[1]

    def _all(self, first: int) -> tuple[dict[int, dict[str, Any]], list[Read], _Place, int]:
        numbers = [n for n in self.segments() if n >= first]
        if numbers[:1] != [first] or numbers != list(range(first, first + len(numbers))):
            raise Gone
        carried: dict[int, dict[str, Any]] = {}
        found: list[Read] = []
        last: bytes | None = None
        for segment in numbers:
            header, content, start, stamp = self._open(segment)
            if last is not None and bytes.fromhex(header["previous"]) != last:
                raise JournalDamaged(file=self.path(segment).name, position=len(MAGIC))
            carried[segment] = header["carried"]
            offset, last, records = self._frames(segment, content, start, content[start - TAG : start])
            found += [Read(segment, n, Record.from_bytes(record)) for n, record in enumerate(records, 1)]
            place, count = _Place(segment, offset, last, stamp), len(records)
        return carried, found, place, count

    def tail(self) -> list[Read]:
        """The records since the last reading. Costs two stats when there are none.

        Raises:
            Gone: what was read before is no longer there.
            JournalDamaged, NewerSchema, NotWritten
        """
        before = self._place, self._count
        try:
            return self._tail()
        except BaseException:  # what was found is not taken over: it is found again
            self._place, self._count = before
            raise

    def _tail(self) -> list[Read]:
        found: list[Read] = []
        while True:
            found += self._rest()
            assert self._place
            following = self._place.segment + 1
            if not is_there(self.path(following)):
                return found
            # What was appended before the next segment began, and after the reading above.
            found += self._rest()
            header, content, start, _ = self._open(following)
            if bytes.fromhex(header["previous"]) != self._place.tag:
                raise Gone
            self._place, self._count = _Place(following, start, content[start - TAG : start], _UNKNOWN), 0

    def _rest(self) -> list[Read]:
        if self._place is None:
            raise Gone
        segment, offset, tag, seen = self._place
        try:
            stamp = _stamp(self.path(segment).stat())
            if stamp == seen:
                return []
            with self.path(segment).open("rb") as file:
                file.seek(offset - TAG)
                content = file.read()
        except FileNotFoundError:
            raise Gone from None
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        if content[:TAG] != tag:  # what was read was taken back: its disk had not confirmed it
            raise Gone
        end, last, records = self._frames(segment, content, TAG, tag, shift=offset - TAG)
        found = [Read(segment, self._count + n, Record.from_bytes(record)) for n, record in enumerate(records, 1)]
        self._place = _Place(segment, end, last, stamp)
        self._count += len(records)
        return found

    def _open(self, segment: int) -> tuple[dict[str, Any], bytes, int, tuple[int, int, int]]:
        """A segment's header, the whole file, where its first record begins, and its stamp."""
        path = self.path(segment)
        try:
            stamp, content = _stamp(path.stat()), path.read_bytes()
        except FileNotFoundError:
            raise Gone from None
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        if frames.is_newer(content):
            raise NewerSchema
        if not content.startswith(MAGIC):
            raise JournalDamaged(file=path.name, position=0)
        try:
            end, sealed = next(frames.split(content, len(MAGIC)), (0, b""))
        except frames.Broken:
            end, sealed = 0, b""
        plain = unseal(self._key, sealed, purpose(segment, b""))
        if plain is None:
            raise JournalDamaged(file=path.name, position=len(MAGIC))
        return json.loads(plain), content, end, stamp

    def _frames(
        self, segment: int, content: bytes, start: int, tag: bytes, shift: int = 0
    ) -> tuple[int, bytes, list[bytes]]:
        """The records from `start` on: the offset behind the last one, its tag, and their contents.

        Args:
            shift: where `content` begins in the file.
        """
        records: list[bytes] = []
        position = start
        try:
            for end, sealed in frames.split(content, start):
                record = unseal(self._key, sealed, purpose(segment, tag))
                if record is None:
                    if end < len(content) or not frames.is_torn(sealed):
                        raise frames.Broken(position)
                    break  # the last one, and the disk had room for it and did not write it: torn
                position, tag = end, sealed[-TAG:]
                records.append(record)
        except frames.Broken as error:
            raise JournalDamaged(file=self.path(segment).name, position=error.position + shift) from None
        return position + shift, tag, records

    # -- writing ----------------------------------------------------------------------------------------------

    def begin(self, segment: int, carried: Mapping[str, Any]) -> None:
        """Begin a segment behind the one that is read; the next records go there.

        Args:
            carried: what the state holds beside the workbook, as JSON can hold it.

        Raises:
            NotWritten: there is no such segment.
        """
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        remove_leftovers(self.path(segment))
        previous = self._place.tag.hex() if self._place else ""
        header = json.dumps({"version": VERSION, "previous": previous, "carried": carried}, ensure_ascii=False)
        sealed = seal(self._key, header.encode(), purpose(segment, b""))
        content = MAGIC + frames.framed(sealed)
        try:
            write_atomically(self.path(segment), content)
        except NotSynced as error:
            self._withdraw(segment)
            raise NotWritten(**error.text.params) from error
        self._place, self._count = _Place(segment, len(content), sealed[-TAG:], _UNKNOWN), 0

    def _withdraw(self, segment: int) -> None:
        try:
            self.path(segment).unlink()
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error

    def append(self, record: Record) -> NotSynced | None:
        """Append a record behind what `tail` has read, and sync it.

        Returns:
            The error of a disk that took the record, does not confirm it and cannot take it back: it counts.

        Raises:
            NotWritten: it is not there.
        """
        assert self._place
        segment, offset, tag, _ = self._place
        sealed = seal(self._key, record.to_bytes(), purpose(segment, tag))
        frame = frames.framed(sealed)
        unsure, stamp = None, _UNKNOWN
        try:
            descriptor = os.open(self.path(segment), os.O_RDWR | _BINARY)
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        try:
            written = 0
            try:
                if os.fstat(descriptor).st_size != offset:
                    os.ftruncate(descriptor, offset)  # a torn record: it was never acknowledged
                os.lseek(descriptor, offset, os.SEEK_SET)
                while written < len(frame):
                    written += os.write(descriptor, frame[written:])
                os.fsync(descriptor)
                if not self._count:
                    sync_folder(self.folder)
                stamp = _stamp(os.fstat(descriptor))
            except (OSError, NotWritten) as error:
                refused = error if isinstance(error, NotWritten) else NotWritten(reason=reason(error))
                if not _taken_back(descriptor, offset) and written == len(frame):
                    unsure = NotSynced(**refused.text.params)
                else:
                    raise refused from error
        finally:
            with contextlib.suppress(OSError):  # nothing waits in it any more
                os.close(descriptor)
        self._place = _Place(segment, offset + len(frame), sealed[-TAG:], stamp)
        self._count += 1
        return unsure

    def remove(self, segment: int) -> None:
        """Remove a segment whose changes are in a workbook.

        Raises:
            NotWritten: it is still there.
        """
        try:
            self.path(segment).unlink(missing_ok=True)
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error

    def clear(self) -> None:
        """Remove every segment, for a register that never was.

        Raises:
            NotWritten: some are still there.
        """
        for segment in self.segments():
            self.remove(segment)
        self.forget()


def purpose(segment: int, tag: bytes) -> str:
    """What a record is sealed for: its segment, and the tag of the one before it."""
    return f"journal {segment} {tag.hex()}"


def _taken_back(descriptor: int, offset: int) -> bool:
    try:
        os.ftruncate(descriptor, offset)
        os.fsync(descriptor)
        return True
    except OSError:
        with contextlib.suppress(OSError):
            return os.fstat(descriptor).st_size == offset
    return False


def _stamp(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_mtime_ns, state.st_size, state.st_ino
