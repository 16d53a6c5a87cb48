"""What leaves the register as a file: which rows a user may download, and the lists made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from lib.access.accounts import check_password
from lib.access.roles import may
from lib.errors import NotAllowed
from lib.imports import Imports
from lib.output.leaving import chosen, leaving, limits, may_leave


class Downloads(Imports):
    """The operations of a download. Errors as for `SignedIn`."""

    def may_download(self) -> str:
        """Which rows this user may download: "all", "own" or "none"."""
        account = self.account
        if not may(account.roles, "download"):
            return "none"
        return "all" if "manager" in account.roles else self.settings.download

    def downloadable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Those of the rows that may leave: nothing restricted, nothing that waits for removal."""
        rows = may_leave(frame)
        allowed = self.may_download()
        if allowed == "own":
            return rows[rows["owner"] == self.account.name]
        return rows if allowed == "all" else rows.iloc[:0]

    def limits(self, ids: Collection[str]) -> frozenset[tuple[str, bool]]:
        """Which of these rows this user may download now, and who of them wants no marketing.

        A list that was built may be handed over as long as all that was so before is so.
        """
        self._require("download")
        self.refresh()  # no run of a page has
        return limits(self.downloadable(chosen(self._store().frame, ids)))

    def check_password(self, password: str) -> None:
        """Raises AccountError where a file may not be sealed with this password."""
        check_password(password)

    def excel_list(self, ids: Collection[str], codes: Sequence[str], *, password: str | None, language: str) -> bytes:
        """The Excel list of some rows, encrypted; the change log notes who took how many.

        Args:
            password: seals the list; None takes one's own download password.

        Raises:
            NotAllowed: this user may download nothing.
            AccountError: the password is too short or too long, or there is none of one's own.
        """
        self._require("download")
        if password is None:
            password = self.installation.download_password(self.token)
        self.check_password(password)
        return self._list(ids, codes, language, password)

    def csv_list(self, ids: Collection[str], codes: Sequence[str], *, language: str) -> bytes:
        """The same rows as CSV, which is not encrypted; the change log notes that as well.

        Raises:
            NotAllowed: this user may download nothing, or the settings allow no CSV.
        """
        self._require("download")
        return self._list(ids, codes, language, None)

    def _list(self, ids: Collection[str], codes: Sequence[str], language: str, password: str | None) -> bytes:
        account, store = self.account, self._store()
        if self.may_download() == "none":
            raise NotAllowed
        return leaving(
            store,
            lambda: self.downloadable(chosen(store.frame, ids)),
            codes,
            by=account.name,
            note=lambda **told: self._note("download", account, **told),
            language=language,
            password=password,
        )
