"""What kind of file some bytes are, told from the bytes, and a container that is safe to be opened by libraries.

Sources: ECMA-376 part 2 (xlsx, xlsb), OpenDocument 1.3 part 2 (ods), [MS-CFB] and [MS-OFFCRYPTO] (xls, passwords).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO
from types import SimpleNamespace
from xml.parsers import expat

from lib.errors import AppError, ImportRefused, NeedsPassword, WrongPassword
from lib.i18n import N_, Text
from lib.intake.files import DAMAGED, Limits

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTRIES = 5_000
_UNPACKED = 1_000_000_000  # bytes; the XML of 200,000 rows and 25 columns has about 200 million
_RATIO, _SMALL = 250, 20_000_000  # how much smaller packing makes a part that is larger than this
_SEALED = "ods under a password"
_PART = 1 << 16
_NO_PASSWORD = "VelvetSweatshop"  # noqa: S105  what Excel itself uses where only changes are protected
_SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
# What other files begin with, and what they are.
_OTHERS = (
    (b"%PDF", N_("a PDF document")),
    (b"{\\rtf", N_("a text document")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"GIF8", N_("a picture")),
    (b"PK\x05\x06", N_("an empty archive")),
    (b"Rar!", N_("an archive")),
    (b"7z\xbc\xaf", N_("an archive")),
    (b"\x1f\x8b", N_("an archive")),
    (b"SQLite format", N_("a database")),
    (b"MZ", N_("a program")),
    (b"\x7fELF", N_("a program")),
)
_NO_TABLE = N_("The file {file} is {what}, not a table. Save the table as .xlsx or .csv and choose that file.")


def opened(content: bytes, name: str, password: str, limits: Limits) -> tuple[str, bytes]:
    """The kind of a file and its bytes without a password.

    Raises:
        NeedsPassword, WrongPassword
        ImportRefused: no table, damaged, or a container that is made to do harm.
    """
    if content.startswith(_OLE):
        return _compound(content, name, password, limits)
    if content.startswith(_ZIP):
        kind = _package(content, name)
        if kind == _SEALED:
            content, kind = _decrypted_document(content, password), "ods"
            _package(content, name)
        return kind, content
    for start, what in _OTHERS:
        if content.startswith(start):
            raise ImportRefused(_NO_TABLE, file=name, what=Text(what))
    head = content[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.match(rb"<!doctype html|<html|<table|<meta|<head", head) or re.search(rb"<html|<table", head[:2_000]):
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("a web page")))
    if head.startswith((b"<?xml", b"<workbook", b"<office")):
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("an XML document")))
    return "csv", content


def _package(content: bytes, name: str) -> str:
    """The kind of a zip, after a look at all its parts."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = {part.filename: part for part in archive.infolist()}
            _check_sizes(archive)
            kind = _kind(archive, set(parts), name)
            for part in archive.infolist():
                if kind != _SEALED or part.filename.startswith("META-INF/"):  # what is encrypted is no XML yet
                    _check_part(archive, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError, NotImplementedError) as error:
        raise ImportRefused(DAMAGED) from error
    except RuntimeError as error:  # a zip with a password of its own
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("an archive"))) from error
    return kind


def _check_sizes(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    unpacked = sum(part.file_size for part in entries)
    dense = any(p.file_size > _SMALL and p.file_size > _RATIO * max(p.compress_size, 1) for p in entries)
    if len(entries) > _ENTRIES or unpacked > _UNPACKED or dense:
        raise ImportRefused(
            N_("The file unpacks to {size} MB, far more than a list of people. It is not opened."),
            size=max(unpacked // 1_000_000, 1),
        )


def _kind(archive: zipfile.ZipFile, names: set[str], name: str) -> str:
    lower = {n.lower() for n in names}
    if "xl/workbook.bin" in lower:
        return "xlsb"
    if "xl/workbook.xml" in lower:
        return "xlsx"
    if "mimetype" in names and "content.xml" in names:
        kind = archive.read("mimetype")[:200].decode("ascii", "replace").strip()
        if kind.startswith(_SPREADSHEET):
            if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                return _SEALED
            return "ods"
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("a text document")))
    if "encrypted-package" in names:
        return _SEALED
    office = "[content_types].xml" in lower
    if office and any(n.startswith(("word/", "ppt/", "visio/")) for n in lower):
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("a text document")))
    if office:
        raise ImportRefused(DAMAGED)
    raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("an archive")))


class _Begun(Exception):
    """The first element of a document is there: what may come before it is known."""


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read a part to its end, which proves its size and sum, and its XML up to the first element: no DTD is taken."""
    with archive.open(part) as stream:
        first = stream.read(_PART)
        if first.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
            parser = expat.ParserCreate()
            parser.StartElementHandler = _begun
            parser.StartDoctypeDeclHandler = refuse_declarations
            try:
                chunk = first
                while chunk:
                    parser.Parse(chunk, False)
                    chunk = stream.read(_PART)
            except _Begun:
                pass
            except expat.ExpatError as error:
                raise ImportRefused(DAMAGED) from error
        while stream.read(_PART):
            pass


def _begun(*_: object) -> None:
    raise _Begun


def refuse_declarations(*_: object) -> None:
    """A document type could name files and addresses outside, or grow without end. No spreadsheet program writes one.

    Raises:
        ImportRefused
    """
    raise ImportRefused(N_("The file contains XML that refers to something outside of it. It is not opened."))


def _compound(content: bytes, name: str, password: str, limits: Limits) -> tuple[str, bytes]:
    """An old Excel workbook, or a new one under a password."""
    import olefile

    try:
        with olefile.OleFileIO(BytesIO(content)) as file:
            streams = {entry[0].lower() for entry in file.listdir() if len(entry) == 1}
            protected = "encryptedpackage" in streams
            old = next((s for s in ("Workbook", "Book") if s.lower() in streams), "")
            head = file.openstream(old).read(4_096) if old else b""
    except Exception as error:  # olefile raises whatever a broken byte leads it to
        raise ImportRefused(DAMAGED) from error
    if protected:
        plain = _decrypted_package(content, password)
        if not plain.startswith(_ZIP):
            raise ImportRefused(DAMAGED)
        return _package(plain, name), plain
    if not old:
        raise ImportRefused(_NO_TABLE, file=name, what=Text(N_("a text document")))
    return "xls", _decrypted_old(content, password) if _has_filepass(head) else content


def _decrypted_package(content: bytes, password: str) -> bytes:
    from msoffcrypto.exceptions import DecryptionError, InvalidKeyError
    from msoffcrypto.format.ooxml import OOXMLFile

    plain = BytesIO()
    try:
        file = OOXMLFile(BytesIO(content))
        file.load_key(password=password or _NO_PASSWORD, verify_password=True)
    except (DecryptionError, InvalidKeyError) as error:
        raise (WrongPassword if password else NeedsPassword) from error
    except Exception as error:
        raise ImportRefused(DAMAGED) from error
    try:
        file.decrypt(plain, verify_integrity=file.type == "agile")
    except Exception as error:
        raise ImportRefused(DAMAGED) from error
    return plain.getvalue()


def _decrypted_document(content: bytes, password: str) -> bytes:
    from lib.intake import sealed_document

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return sealed_document.opened(archive, password, _UNPACKED)
    except AppError:
        raise
    except Exception as error:  # what a manifest that somebody forged leads to
        raise ImportRefused(DAMAGED) from error


def _decrypted_old(content: bytes, password: str) -> bytes:
    from msoffcrypto.exceptions import DecryptionError, InvalidKeyError
    from msoffcrypto.format import xls97

    # It would put the decrypted workbook into a temporary file. Nothing else in this process asks for one.
    xls97.tempfile = SimpleNamespace(TemporaryFile=BytesIO)
    plain = BytesIO()
    try:
        file = xls97.Xls97File(BytesIO(content))
        file.load_key(password=password or _NO_PASSWORD)
        file.decrypt(plain)
    except (DecryptionError, InvalidKeyError) as error:
        raise (WrongPassword if password else NeedsPassword) from error
    except Exception as error:
        raise ImportRefused(DAMAGED) from error
    return plain.getvalue()


def _has_filepass(head: bytes) -> bool:
    """Whether the first records of an old workbook say that it is encrypted. Source: [MS-XLS] 2.4.117."""
    at = 0
    while at + 4 <= len(head):
        kind, length = int.from_bytes(head[at : at + 2], "little"), int.from_bytes(head[at + 2 : at + 4], "little")
        if kind == 0x2F:
            return True
        if kind == 0x0A:
            return False
        at += 4 + length
    return False
