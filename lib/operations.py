"""What a signed-in person may do with the register. Each operation asks for the role itself.

A `Workspace` knows only the session's token: who that is, is looked up anew at each operation, so a callback, a
fragment or a deferred download that outlives the session gets nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from lib import retention, schema
from lib.access.accounts import Account, check_password
from lib.access.roles import may
from lib.errors import AccountError, AppError, Invalid, NoSuchProspect, NotAllowed, NotSignedIn
from lib.i18n import N_, Text
from lib.installation import NO_KEY, Installation
from lib.output import excel_list
from lib.register import Register
from lib.search import filter_rows
from lib.settings import Settings
from lib.store import Store
from lib.store.log import Entry

# More rows than this ask for their number to be typed before they are removed.
TYPED_ABOVE = 10


class Workspace:
    """The register as one session may use it.

    Every operation raises NotSignedIn, NotAllowed, or the error that keeps the register from opening.
    """

    def __init__(self, installation: Installation, token: str) -> None:
        self.installation = installation
        self.token = token

    # -- who ----------------------------------------------------------------------------------------------------

    @property
    def account(self) -> Account:
        account = self.installation.user_of(self.token)
        if account is None:
            raise NotSignedIn
        return account

    def may(self, operation: str) -> bool:
        return may(self.account.roles, operation)

    @property
    def preferences(self) -> dict[str, str]:
        """What is preferred on this device: `language`, `source`."""
        session = self.installation.sessions.lookup(self.token)
        return session.preferences if session else {}

    def prefer(self, **preferences: str) -> None:
        self.installation.sessions.prefer(self.token, **preferences)

    def _require(self, operation: str) -> Account:
        account = self.account
        if not may(account.roles, operation):
            raise NotAllowed
        return account

    @property
    def settings(self) -> Settings:
        return self.installation.settings

    def _store(self) -> Store:
        store = self.installation.store
        if store is None:
            raise self.installation.store_error or AccountError(NO_KEY)
        return store

    @property
    def today(self) -> dt.date:
        return self._store().today

    @property
    def is_open(self) -> bool:
        """Whether the register is open."""
        return self.installation.store is not None

    def reopen(self) -> None:
        """Try again to open a register that did not open."""
        if self.account and (master := self.installation.sessions.master_key(self.token)):
            self.installation.open_store(master)

    def refresh(self) -> AppError | None:
        """Follow the disk. Returns what keeps it from that: the last good state can still be read."""
        try:
            self._store().refresh()
        except AppError as error:
            return error
        return None

    # -- reading ------------------------------------------------------------------------------------------------

    def register(self) -> Register:
        """The register to read."""
        self._require("read")
        return self._store().register

    def row(self, prospect_id: str) -> dict[str, Any]:
        """One prospect; one that waits for removal is a manager's matter only.

        Raises:
            NoSuchProspect
        """
        row = self.register().row(prospect_id)
        if row["removal_requested"] and not self.may("remove"):
            raise NoSuchProspect(id=prospect_id)
        return row

    def find(self, query: str = "", **filters: Any) -> pd.DataFrame:
        """The rows that match a search and the filters of `lib.search.filter_rows`, newest first."""
        register = self.register()
        if not self.may("remove"):  # what waits for removal is a manager's matter only
            filters["hide_requested"] = True
        mask = register.index.match(query) & filter_rows(register.frame, **filters)
        return register.frame[mask].iloc[::-1].sort_values("received", ascending=False, kind="stable")

    def counted(self) -> pd.DataFrame:
        """All rows, for statistics."""
        self._require("count")
        return self._store().frame

    def owners(self) -> dict[str, str]:
        """Display names of users, and of those in charge of a row who have no account (any more), by user name."""
        names = {owner: owner for owner in sorted(set(self.register().frame["owner"]) - {""})}
        names.update({account.name: account.display_name for account in self.installation.accounts.all()})
        return names

    def interests(self) -> list[str]:
        """The interests that are known, the most frequent first."""
        cells = self.register().frame["interests"]
        items = cells[cells != ""].str.split(schema.SEPARATOR).explode()
        return [str(item) for item in items.value_counts().index]

    def latest(self, count: int = 5) -> pd.DataFrame:
        """The last rows that this user entered, newest first."""
        frame = self.register().frame
        own = frame[(frame["created_by"] == self.account.name) & frame["removal_requested"].isna()]
        return own.sort_values("created_at", kind="stable").tail(count).iloc[::-1]

    @property
    def review_day(self) -> dt.date:
        """The day of the next review: what ends until then ends soon."""
        return retention.add_months(self.today, self.settings.review_months)

    # -- everyday work ------------------------------------------------------------------------------------------

    def add(self, values: Mapping[str, Any], known: Collection[str] = ()) -> str:
        """A new prospect; returns its id. Raises Invalid, or Duplicate for look-alikes that are not `known`."""
        account = self._require("enter")
        return self._store().add(values, by=account.name, known=frozenset(known))

    def edit(self, prospect_id: str, values: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Change the fields of a form. Raises Invalid, or Stale where a seen value is no longer so."""
        account = self._require("edit")
        if set(values) - set(schema.FORM_CODES):
            raise NotAllowed
        self._store().update(prospect_id, values, by=account.name, seen=seen)

    def no_marketing(self, prospect_id: str) -> None:
        """An objection to direct marketing, in force at once."""
        account = self._require("no_marketing")
        self._mark(prospect_id, "objected", account, "no_marketing")

    def allow_marketing(self, prospect_id: str) -> None:
        """Take back an objection that was recorded by mistake."""
        account = self._require("allow_marketing")
        self._store().update(prospect_id, {"objected": None}, by=account.name, action="allow_marketing")

    def request_removal(self, prospect_id: str) -> None:
        """The person asked to be removed: out of the lists at once, and before a manager."""
        account = self._require("request_removal")
        self._mark(prospect_id, "removal_requested", account, "request_removal")

    def cancel_removal_request(self, prospect_id: str) -> None:
        account = self._require("cancel_removal_request")
        self._store().update(prospect_id, {"removal_requested": None}, by=account.name, action="cancel_removal_request")

    def _mark(self, prospect_id: str, code: str, account: Account, action: str) -> None:
        store = self._store()
        if store.register.row(prospect_id)[code] is None:  # the first day counts, not the last
            store.update(prospect_id, {code: store.today}, by=account.name, action=action)

    # -- retention ----------------------------------------------------------------------------------------------

    def queue(self) -> dict[str, pd.DataFrame]:
        """Rows to review: requested, ended, before_review, within_year; each in the first that fits."""
        self._require("retention")
        frame = self._store().frame
        masks = retention.queue(frame, self.today, self.settings.review_months)
        return {name: frame[mask].sort_values("expires") for name, mask in masks.items()}

    def coming_months(self) -> pd.DataFrame:
        """How many rows end in each of the coming twelve months: month, rows."""
        self._require("retention")
        return retention.by_month(self._store().frame, self.today)

    def all_ended(self, ids: Sequence[str]) -> bool:
        """Whether the period of each of these rows has ended."""
        return bool(retention.ended(self._rows(self.register(), ids), self.today).all())

    def _rows(self, register: Register, ids: Sequence[str]) -> pd.DataFrame:
        return register.frame.iloc[[register.position(i) for i in ids]]

    def keep_longer(self, ids: Sequence[str], ground: str, until: dt.date | None) -> None:
        """Keep rows past their period on a ground, to be reviewed on a later day.

        Raises:
            Invalid: no ground, or a day that is not in the future.
        """
        account = self._require("hold")
        if until is None or until <= self.today:
            raise Invalid({"hold_until": Text(N_("Choose a review date in the future."))})
        values = {"hold_reason": ground, "hold_until": until}
        self._store().update_many(dict.fromkeys(ids, values), by=account.name, action="keep_longer")

    def release(self, prospect_id: str) -> None:
        """End a hold: the ordinary period counts again."""
        account = self._require("hold")
        values = {"hold_reason": "", "hold_until": None}
        self._store().update(prospect_id, values, by=account.name, action="release")

    def remove(self, ids: Sequence[str], reason: str) -> None:
        """Remove rows for good: many whose period has ended, or one other with a reason.

        Raises:
            Invalid: no reason, or rows that may not go together.
        """
        account = self._require("remove")
        store = self._store()
        try:
            reason = schema.clean_text(reason, limit=200, lines=False)
        except schema.FieldError as error:
            raise Invalid({"reason": error.text}) from error
        if not reason:
            raise Invalid({"reason": Text(N_("Write why the row is removed."))})

        def check(register: Register) -> None:
            ended = retention.ended(self._rows(register, ids), store.today).all()
            if (len(ids) > 1 or reason == "expired") and not ended:
                raise Invalid({"ids": Text(N_("Only rows whose retention period has ended can be removed together."))})

        store.remove(ids, by=account.name, reason=reason, check=check)

    # -- leaving ------------------------------------------------------------------------------------------------

    def may_download(self) -> str:
        """Which rows this user may download: "all", "own" or "none"."""
        account = self.account
        if not may(account.roles, "download"):
            return "none"
        return "all" if "manager" in account.roles else self.settings.download

    def downloadable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Those of the rows that may leave: nothing restricted, nothing that waits for removal."""
        rows = frame[frame["restricted"].isna() & frame["removal_requested"].isna()]
        allowed = self.may_download()
        if allowed == "own":
            return rows[rows["owner"] == self.account.name]
        return rows if allowed == "all" else rows.iloc[:0]

    def check_password(self, password: str) -> None:
        """Raises AccountError where a file may not be sealed with this password."""
        check_password(password)

    def excel_list(self, ids: Collection[str], codes: Sequence[str], *, password: str, language: str) -> bytes:
        """The Excel list of some rows, encrypted; the change log notes who took how many.

        Raises:
            NotAllowed: this user may download nothing.
            AccountError: the password is too short or too long.
        """
        account = self._require("download")
        if self.may_download() == "none":
            raise NotAllowed
        self.check_password(password)
        frame = self.register().frame.set_index("id", drop=False)
        rows = self.downloadable(frame.loc[[i for i in ids if i in frame.index]])
        codes = [*codes, *({"objected"} - set(codes))]  # whoever writes to these people must see it
        content = excel_list.build(rows, codes, password=password, language=language)
        self._store().note("download", account.name, rows=len(rows), columns=list(codes))
        return content

    # -- administration -----------------------------------------------------------------------------------------

    def users(self) -> list[Account]:
        self._require("users")
        return self.installation.accounts.all()

    def add_user(self, name: str, display_name: str, roles: Collection[str], password: str) -> None:
        account = self._require("users")
        self.installation.add_user(self.token, name, display_name, roles, password)
        self._note("add_user", account, user=name, roles=sorted(roles))

    def set_roles(self, name: str, roles: Collection[str]) -> None:
        account = self._require("users")
        self.installation.set_roles(name, roles)
        self._note("set_roles", account, user=name, roles=sorted(roles))

    def set_disabled(self, name: str, disabled: bool) -> None:
        account = self._require("users")
        self.installation.set_disabled(name, disabled)
        self._note("disable_user" if disabled else "enable_user", account, user=name)

    def reset_password(self, name: str, password: str) -> None:
        account = self._require("users")
        self.installation.reset_password(self.token, name, password)
        self._note("reset_password", account, user=name)

    def save_settings(self, **changes: Any) -> None:
        account = self._require("settings")
        before = self.settings
        self.installation.save_settings(**changes)
        changed = sorted(name for name, value in changes.items() if value != getattr(before, name))
        if changed:
            self._note("settings", account, settings=changed)

    def workbook_state(self) -> dict[str, Any]:
        self._require("workbook_state")
        return self._store().info()

    def rewrite_workbook(self) -> None:
        account = self._require("workbook_state")
        self._store().rewrite(by=account.name)

    def change_log(self, months: int = 12) -> list[Entry]:
        self._require("change_log")
        return self._store().log(months)

    def _note(self, action: str, account: Account, **facts: Any) -> None:
        self._store().note(action, account.name, **facts)
