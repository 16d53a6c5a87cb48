"""An .ods under a password, as LibreOffice writes it: each part encrypted for itself, the manifest says how.

Source: OASIS OpenDocument 1.3 part 2, 3.4 and 4.8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import zipfile
import zlib
from io import BytesIO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring

from lib.errors import ImportRefused, NeedsPassword, WrongPassword
from lib.i18n import N_

_SPACE = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_CONTENT = "content.xml"
_MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = b'<?xml version="1.0"?><m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
_CHECKED = 1024  # bytes of the packed part that the checksum is over
_UNKNOWN = N_("This password of LibreOffice is not understood. Save the table as .xlsx with its password.")


def opened(archive: zipfile.ZipFile, password: str, most: int) -> bytes:
    """The same document with its content in the clear, and nothing else that it holds.

    Args:
        most: bytes that the content may unpack to.

    Raises:
        NeedsPassword, WrongPassword
        ImportRefused: encrypted in a way that is not known here.
    """
    manifest = fromstring(archive.read("META-INF/manifest.xml"), forbid_dtd=True)
    entry = next((e for e in manifest.iter(f"{_SPACE}file-entry") if e.get(f"{_SPACE}full-path") == _CONTENT), None)
    data = None if entry is None else entry.find(f"{_SPACE}encryption-data")
    if data is None:
        raise ImportRefused(_UNKNOWN)
    how = {element.tag.removeprefix(_SPACE): element for element in data}

    def said(element: str, attribute: str, default: str = "") -> str:
        return str(how[element].get(f"{_SPACE}{attribute}", default)) if element in how else default

    if (
        not said("algorithm", "algorithm-name").endswith("#aes256-cbc")
        or not said("start-key-generation", "start-key-generation-name").endswith("#sha256")
        or not said("key-derivation", "key-derivation-name").upper().endswith("PBKDF2")
        or not data.get(f"{_SPACE}checksum-type", "").endswith("#sha256-1k")
    ):
        raise ImportRefused(_UNKNOWN)
    if not password:
        raise NeedsPassword
    start = hashlib.sha256(password.encode()).digest()
    salt = base64.b64decode(said("key-derivation", "salt"))
    rounds = int(said("key-derivation", "iteration-count"))
    key = hashlib.pbkdf2_hmac("sha1", start, salt, rounds, 32)
    cipher = Cipher(algorithms.AES(key), modes.CBC(base64.b64decode(said("algorithm", "initialisation-vector"))))
    decryptor = cipher.decryptor()
    packed = decryptor.update(archive.read(_CONTENT)) + decryptor.finalize()
    packed = packed[: -packed[-1]] if packed else packed
    checksum = hashlib.sha256(packed[:_CHECKED]).digest()
    if not hmac.compare_digest(checksum, base64.b64decode(data.get(f"{_SPACE}checksum", ""))):
        raise WrongPassword
    content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    plain = BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as document:
        document.writestr("mimetype", _MIMETYPE, zipfile.ZIP_STORED)
        document.writestr(_CONTENT, content)
        document.writestr("META-INF/manifest.xml", _MANIFEST)
    return plain.getvalue()
