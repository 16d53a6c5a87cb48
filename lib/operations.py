"""What a signed-in person may do with the register. Each operation asks for the role itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import ReferenceType

import numpy as np
import pandas as pd

from lib import cleaning, retention, schema
from lib.access.accounts import Account
from lib.downloads import Downloads
from lib.errors import Duplicate, Invalid, NoSuchProspect, NotAllowed
from lib.i18n import N_, Text
from lib.register import Register
from lib.search import Mask, filter_rows
from lib.store.outside import NOTICES
from lib.store.question import Question
from lib.work import Progress

LONGEST_SEARCH = 200  # characters; what is behind them is not looked for
# More rows than this ask for their number to be typed before they are removed.
TYPED_ABOVE = 10


class Unfinished(NamedTuple):
    """How many removed rows may still have a copy somewhere, and what stood in the way at the last attempt."""

    rows: int
    obstacles: list[Text]


class Workspace(Downloads):
    """The register as one session may use it. Errors as for `SignedIn`."""

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

    def find(self, query: str = "", *, columns: Sequence[str] = schema.CODES, **filters: Any) -> pd.DataFrame:
        """The rows that match a search and the filters of `lib.search.filter_rows`, newest first.

        Args:
            columns: the only ones that are wanted.
        """
        register = self.register()
        mask = self._shown(register, **filters) & register.index.match(query[:LONGEST_SEARCH])
        found = np.flatnonzero(mask)[::-1]
        days = register.frame["received"].to_numpy()[found].view("int64")
        newest_first = np.argsort(~days, kind="stable")  # turned round bit by bit, no date comes last
        return register.frame[list(columns)].take(found[newest_first])

    def count(self) -> int:
        """How many rows `find` finds without a search or a filter."""
        return int(self._shown(self.register()).sum())

    def _shown(self, register: Register, **filters: Any) -> Mask:
        if not self.may("remove"):  # what waits for removal is a manager's matter only
            filters["hide_requested"] = True
        return filter_rows(register.frame, **filters)

    def counted(self) -> pd.DataFrame:
        """The rows for statistics: those that the list has, else the difference would tell of the others."""
        self._require("count")
        return self._visible(self._store().frame)

    def _visible(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that this user may know of."""
        hidden = frame["removal_requested"].notna()
        return frame if self.may("remove") or not hidden.any() else frame[~hidden]

    def known(self, ids: Sequence[str], since: ReferenceType[Register] | None = None) -> Mask:
        """Which of these rows this user may know of now: a list that stands open may have had others.

        Args:
            since: the register that gave these rows; all are known as long as it is the newest.
        """
        self.refresh()  # no run of a page has
        register = self.register()
        if since is not None and since() is register:
            return np.ones(len(ids), dtype=np.bool_)
        places = np.array([register.positions.get(prospect_id, -1) for prospect_id in ids], dtype=np.intp)
        known = places >= 0
        if not self.may("remove"):
            known[known] = register.frame["removal_requested"].isna().to_numpy()[places[known]]
        return known

    def owners(self) -> dict[str, str]:
        """Display names of users, and of those in charge of a row who have no account (any more), by user name."""
        names = {owner: owner for owner in sorted({*self._visible(self.register().frame)["owner"].unique()} - {""})}
        names.update({account.name: account.display_name for account in self.installation.accounts.all()})
        return names

    def interests(self) -> list[str]:
        """The interests that are offered, the most frequent first."""
        register = self.register()
        return list(register.interests if self.may("remove") else register.open_interests)

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
        """A new prospect; returns its id. Raises Invalid, or Duplicate for look-alikes that are not `known`.

        Look-alikes that wait for removal are a manager's matter: to others nothing may tell that they are there.
        """
        account = self._require("enter")
        _check_interests(values)
        store, hidden = self._store(), frozenset[str]()
        if not self.may("remove"):
            frame = store.frame
            hidden = frozenset(frame["id"][frame["removal_requested"].notna()])
        try:
            return store.add(values, by=account.name, known={*known, *hidden})
        except Duplicate as error:
            raise Duplicate([match for match in error.matches if match not in hidden]) from None

    def edit(self, prospect_id: str, values: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Change the fields of a form.

        Raises:
            NoSuchProspect: as for `row`.
            Invalid: a value cannot be taken; or somebody who may download own rows alone takes another's over.
            Stale: a seen value is no longer so.
        """
        account = self._require("edit")
        if set(values) - set(schema.FORM_CODES):
            raise NotAllowed
        _check_interests(values)
        row = self.row(prospect_id)
        if values.get("owner") == account.name and self.may_download() == "own":
            if row["owner"] not in ("", account.name):
                raise Invalid({"owner": Text(N_("Only a manager gives you a row that somebody else is in charge of."))})
        self._store().update(prospect_id, values, by=account.name, seen=seen)

    def no_marketing(self, prospect_id: str) -> None:
        """An objection to direct marketing, in force at once. Raises NoSuchProspect as for `row`."""
        account = self._require("no_marketing")
        self.row(prospect_id)
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
        frame, masks = self._queue()
        return {name: frame[mask].sort_values("expires") for name, mask in masks.items()}

    def due(self) -> int:
        """How many rows wait for a decision now: removal was requested, or the period has ended."""
        _, masks = self._queue()
        return int(masks["requested"].sum() + masks["ended"].sum())

    def _queue(self) -> tuple[pd.DataFrame, dict[str, Mask]]:
        self._require("retention")
        frame = self._store().frame
        return frame, retention.queue(frame, self.today, self.settings.review_months)

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
            reason = cleaning.clean_text(reason, limit=200, lines=False)
        except cleaning.FieldError as error:
            raise Invalid({"reason": error.text}) from error
        if not reason:
            raise Invalid({"reason": Text(N_("Write why the row is removed."))})

        def check(register: Register) -> None:
            ended = retention.ended(self._rows(register, ids), store.today).all()
            if (len(ids) > 1 or reason == "expired") and not ended:
                raise Invalid({"ids": Text(N_("Only rows whose retention period has ended can be removed together."))})

        store.remove(ids, by=account.name, reason=reason, check=check)

    def erase(self, progress: Progress | None = None) -> None:
        """Return once no file within reach holds a removed row.

        Raises:
            RemovalUnfinished: it says what stands in the way; it is tried again.
        """
        self._require("remove")
        self._store().erase(progress)

    def unfinished(self) -> Unfinished:
        """Removals that are not finished yet."""
        self._require("remove")
        store = self._store()
        return Unfinished(len(store.unfinished), store.obstacles)

    # -- what came from Excel -----------------------------------------------------------------------------------

    def questions(self) -> list[Question]:
        """What was changed in Excel and waits for a decision."""
        self._require("outside")
        return [question for question in self._store().state.questions.values() if question.kind not in NOTICES]

    def lacking(self, question: Question) -> dict[str, Text]:
        """What a row that was added in Excel lacks, and what of it cannot be taken, by column."""
        self._require("outside")
        try:
            self._check_new(question.row)
        except Invalid as error:
            return dict(error.fields)
        return {}

    def _check_new(self, row: Mapping[str, Any]) -> None:
        # The store would take today for a received date that is missing: nobody has said so.
        cleaning.clean_record(row, today=self.today, region=self.settings.phone_region)

    def answer(self, key: str, *, take: bool, values: Mapping[str, Any] | None = None) -> None:
        """Take what Excel says, or leave it. Nothing happens where somebody else was faster.

        Args:
            values: for a row that was added in Excel, what it lacks.

        Raises:
            Invalid: a value cannot be taken; nothing was changed.
        """
        account = self._require("outside")
        question = self._store().state.questions.get(key)
        if question is None or question.kind in NOTICES:
            return
        given = dict(values or {}) if question.kind == "new" else {}
        if take and question.kind == "new":
            self._check_new({**question.row, **given})
        self._store().answer(key, "theirs" if take else "ours", by=account.name, values=given)

    def leave_all(self, kind: str) -> None:
        """Leave what Excel says in all questions of a kind."""
        self._require("outside")
        for question in self.questions():
            if question.kind == kind:
                self.answer(question.key, take=False)


def _check_interests(values: Mapping[str, Any]) -> None:
    """Refuse so many interests that pages become slow; what came from Excel may have more.

    Raises:
        Invalid
    """
    try:
        count = len(cleaning.clean_list(values.get("interests")).split(schema.SEPARATOR))
    except cleaning.FieldError:
        return  # the store says it
    if count > schema.MOST_INTERESTS:
        text = Text(
            N_("There are {count} interests, at most {limit} fit. Take some away."),
            {"count": count, "limit": schema.MOST_INTERESTS},
        )
        raise Invalid({"interests": text})
