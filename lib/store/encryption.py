"""Excel's own password encryption: ECMA-376 agile, AES-256. Everything happens in memory.

Source: [MS-OFFCRYPTO]; msoffcrypto-tool does the work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from io import BytesIO

from msoffcrypto.exceptions import DecryptionError, FileFormatError, ParseError
from msoffcrypto.format.ooxml import OOXMLFile

from lib.errors import Damaged, InvalidWorkbook, WrongPassword
from lib.i18n import N_, Text


def encrypt(plain: bytes, password: str, *, check: bool = True) -> bytes:
    """A workbook's bytes encrypted under a password.

    Args:
        check: open it once again to see that it comes back the same. Without it the caller does so.

    Raises:
        Damaged: it did not; the result must not be used.
    """
    sealed = BytesIO()
    OOXMLFile(BytesIO(plain)).encrypt(password, sealed)
    if check and decrypt(sealed.getvalue(), password) != plain:
        raise Damaged(file="xlsx")
    return sealed.getvalue()


def is_plain(sealed: bytes) -> bool:
    """Whether a workbook was saved without a password."""
    return sealed.startswith(b"PK")


def decrypt(sealed: bytes, password: str, name: str = "xlsx") -> bytes:
    """The plain workbook. Agile encryption proves its content; LibreOffice's standard encryption cannot.

    Args:
        name: the file's name, for the messages.

    Raises:
        WrongPassword: it does not open with this password.
        Damaged: it is cut, changed or not a workbook.
        InvalidWorkbook: it is a workbook, not an encrypted one.
    """
    plain = BytesIO()
    try:
        file = OOXMLFile(BytesIO(sealed))
        if file.type == "plain":
            raise InvalidWorkbook(problem=Text(N_("It is not encrypted. Save it with its password.")))
        agile = file.type == "agile"
        # The integrity check proves password and content in one derivation; only a failure asks which it was.
        file.load_key(password=password, verify_password=not agile)
        file.decrypt(plain, verify_integrity=agile)
    except InvalidWorkbook:
        raise
    except Exception as error:  # olefile and the parser raise whatever a broken byte leads them to
        if isinstance(error, (DecryptionError, FileFormatError, ParseError)) and _is_wrong_password(sealed, password):
            raise WrongPassword from error
        raise Damaged(file=name) from error
    return plain.getvalue()


def decrypt_with(sealed: bytes, passwords: Sequence[str], name: str = "xlsx") -> tuple[bytes, int]:
    """The plain workbook, by the first of the passwords that opens it, and which one that was. Errors as `decrypt`."""
    for place, password in enumerate(passwords):
        with contextlib.suppress(WrongPassword):
            return decrypt(sealed, password, name), place
    raise WrongPassword


def _is_wrong_password(sealed: bytes, password: str) -> bool:
    try:
        OOXMLFile(BytesIO(sealed)).load_key(password=password, verify_password=True)
    except DecryptionError:
        return True
    except Exception:
        return False
    return False
