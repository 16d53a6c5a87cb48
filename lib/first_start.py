"""The first start: the register and its first user, behind a one-time code that only the terminal shows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from lib.access.accounts import check_password
from lib.access.credentials import check_name
from lib.access.roles import ROLES
from lib.errors import AccountError, AppError, Invalid, NotAllowed, WrongPassword
from lib.files import locked
from lib.i18n import LANGUAGES, N_, Text
from lib.installation import Installation


def set_up(
    installation: Installation,
    *,
    username: str,
    password: str,
    device: str = "",
    address: str = "",
    **others: Any,
) -> str:
    """Make the register and its first user, and return that user's session. Arguments and errors as for `make`."""
    make(installation, username=username, password=password, **others)
    return installation.sign_in(username, password, device, address).token


def make(
    installation: Installation,
    *,
    code: str,
    company: str,
    person_responsible: str,
    username: str,
    display_name: str,
    password: str,
    workbook_password: str,
    language: str,
    sample: bool,
) -> None:
    """Make the register, which is open then, and its first user, who gets every role.

    The account comes last: until then the first start can be tried again with the same values.

    Raises:
        NotAllowed: the code is wrong, or there is an account already.
        Invalid: what was typed cannot be used, by the form's field names.
        NotWritten: a file could not be written.
    """
    with locked(installation.data_dir / "setup.lock"):
        check_code(installation, code)
        username = username.strip().lower()
        company, person_responsible = " ".join(company.split()), " ".join(person_responsible.split())
        typed = {"company": company, "person_responsible": person_responsible, "display_name": display_name}
        _check_typed(installation, typed, username, password, workbook_password, language)
        try:
            master = _make_register(installation, workbook_password)
            installation.keyring.set_account(master, username, password)
            installation.save_settings(language=language, controller=company, person_responsible=person_responsible)
            if sample and installation.store is not None and installation.store.frame.empty:
                from lib.sample import fill

                fill(installation.store, rows=200, seed=1)
            installation.accounts.add(username, display_name, ROLES, password, knew_workbook_password=True)
        except AppError:
            installation.close()  # so that the next try proves its workbook's password again
            raise
        installation.end_setup()


def check_code(installation: Installation, code: str) -> None:
    """Let the code of the first start pass.

    Raises:
        NotAllowed: it is another one, or the first start is over.
    """
    expected = installation.setup_code
    if expected is None or not secrets.compare_digest(code.encode("utf-8", "replace"), expected.encode()):
        raise NotAllowed(N_("This address does not open the first start. Copy the whole address from the terminal."))


def _check_typed(
    installation: Installation,
    required: Mapping[str, str],
    username: str,
    password: str,
    workbook_password: str,
    language: str,
) -> None:
    wrong = {name: Text(N_("This is needed.")) for name, value in required.items() if not value.strip()}
    checks = [(check_name, "username", username), (check_password, "password", password)]
    if not installation.workbook.exists():
        checks.append((check_password, "workbook_password", workbook_password))
    for check, name, value in checks:
        try:
            check(value)
        except AccountError as error:
            wrong[name] = error.text
    if language not in LANGUAGES:
        wrong["language"] = Text(N_("Choose one of the offered values."))
    if wrong:
        raise Invalid(wrong)


def _make_register(installation: Installation, workbook_password: str) -> bytes:
    """The master key of a new register, or of the one that is there and opens with this password."""
    from lib.store import Store

    keyring = installation.keyring
    new, had_keys = not installation.workbook.exists(), keyring.exists
    try:
        (Store.create if new else Store.open)(installation.data_dir, workbook_password).close()
        master = keyring.by_workbook_password(workbook_password)
    except WrongPassword as error:
        raise Invalid({"workbook_password": error.text}) from error
    finally:
        if new and not had_keys and not installation.workbook.exists():
            # Keys without a workbook would bind the next try to this password.
            keyring.path.unlink(missing_ok=True)
    installation.open_store(master)
    if installation.store is None and installation.store_error:
        raise installation.store_error
    return master
