"""The store against a plain dictionary: random entries, edits outside, restarts, backups and restores in any order."""

from __future__ import annotations

import contextlib
import copy
import itertools
import shutil
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lib import schema
from lib.errors import HeldOpen, RemovalUnfinished
from lib.store import Store, workbook
from lib.store.merge import Question
from lib.store.workbook import Content

from .test_held import hold
from .tools import BY, PASSWORD, person

FIELDS = ("title", "notes", "phone")
OTHER = "Oma"  # a column that the schema does not know
Rows = dict[str, dict[str, str]]


class Machine(RuleBasedStateMachine):
    """`rows` is what the register has to hold, by number, and `removed` what may never come back.

    `files` are workbooks that stood in the folder some time, with the rows as the program had written them. `session`
    is what somebody has open in Excel, and the rows as that person's edits are compared with; `outside` are the values
    that others typed into copies of a generation, by generation, row and field.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.rows: Rows = {}
        self.removed: set[str] = set()
        self.last = 0
        self.files: list[tuple[bytes, int, Rows]] = []
        self.saved: dict[str, Rows] = {}
        self.number = itertools.count()
        self.held: Path | None = None
        self.session: tuple[bytes, Rows] | None = None
        self.outside: dict[tuple[int, str, str], str] = {}

    def teardown(self) -> None:
        with contextlib.suppress(AttributeError):
            if self.held:
                self.held.unlink()
            self.store.checkpoint()
            with Store.open(self.store.data_dir, PASSWORD) as again:
                self.compare(again)
                assert again.is_current
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.store = Store.create(self.folder / "data", PASSWORD)
        for _ in range(3):
            self.add()
        self.checkpoint()

    def new(self) -> str:
        """A value that never was."""
        return f"arvo {next(self.number)}"

    def some(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.rows)))

    # -- entries --------------------------------------------------------------------------------------------------

    @rule()
    def add(self) -> None:
        values = {field: self.new() for field in FIELDS[:2]}
        i = self.store.add(person(self.new(), **values), by=BY)
        self.last += 1
        assert i == f"P-{self.last:06d}"
        self.rows[i] = {**dict.fromkeys([*FIELDS, OTHER], ""), **values}

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), field=st.sampled_from(FIELDS))
    def update(self, data: st.DataObject, field: str) -> None:
        i, value = self.some(data), self.new()
        self.store.update(i, {field: value}, by=BY, seen={field: self.rows[i][field]})
        self.rows[i][field] = value

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), field=st.sampled_from(FIELDS))
    def update_in_another_process(self, data: st.DataObject, field: str) -> None:
        i, value = self.some(data), self.new()
        Store.open(self.store.data_dir, PASSWORD).update(i, {field: value}, by=BY)
        self.rows[i][field] = value
        self.store.refresh()

    @precondition(lambda self: len(self.rows) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        i = self.some(data)
        self.store.remove([i], by=BY, reason="expired")
        self.gone(i)

    def gone(self, i: str) -> None:
        self.removed.add(i)
        del self.rows[i]

    @rule()
    def erase(self) -> None:
        with contextlib.suppress(RemovalUnfinished):
            self.store.erase()
            assert self.store.unfinished == set()

    # -- the workbook ---------------------------------------------------------------------------------------------

    @rule()
    def checkpoint(self) -> None:
        if self.held:
            try:
                self.store.checkpoint()
            except HeldOpen:
                return
        self.store.checkpoint()
        assert self.store.is_current
        if self.store.on_disk not in [generation for _, generation, _ in self.files]:
            self.files.append((self.store.path.read_bytes(), self.store.on_disk, copy.deepcopy(self.rows)))
        found = workbook.read(self.store.path.read_bytes(), PASSWORD, "x", own=True)
        assert found.frame["id"].tolist() == sorted(self.rows)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.store.data_dir, PASSWORD)

    @rule()
    def crash(self) -> None:
        self.store = Store.open(self.store.data_dir, PASSWORD)

    @rule()
    def open_or_shut_it_in_excel(self) -> None:
        if self.held:
            self.held.unlink()
            self.held = self.session = None
        else:
            self.checkpoint()
            self.held = hold(self.store)
            self.session = self.store.path.read_bytes(), copy.deepcopy(self.rows)

    # -- outside --------------------------------------------------------------------------------------------------

    def put(self, content: bytes) -> None:
        self.store.path.write_bytes(content)
        self.store.refresh()

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def put_an_older_one_back(self, data: st.DataObject) -> None:
        self.put(data.draw(st.integers(0, len(self.files) - 1).map(self.files.__getitem__))[0])

    @precondition(lambda self: self.session)
    @rule(data=st.data(), edit=st.sampled_from(["field", "other", "new", "missing"]))
    def save_in_excel(self, data: st.DataObject, edit: str) -> None:
        """Whoever has it open types on and saves again."""
        assert self.session
        sealed, base = self.session
        content, i, field, value = self.edited(data, sealed, edit)
        self.session = self.store.path.read_bytes(), base
        if edit == "new":
            self.came_in(value)
        for row in content.frame.to_dict("records"):
            ours, was = self.rows.get(row["id"]), base.get(row["id"])
            for code in FIELDS if ours and was else ():
                if row[code] != was[code] and ours[code] == was[code]:
                    ours[code] = row[code]
                if row[code] == ours[code]:
                    was[code] = row[code]
        if i not in self.rows:
            return
        if edit == "other":
            self.rows[i][OTHER] = value
        elif edit == "field" and self.rows[i][field] != value:
            assert self.asked("conflict", i, value).code == field
        elif edit == "missing":
            assert self.asked("missing", i)

    @precondition(lambda self: self.files and not self.session)
    @rule(data=st.data(), edit=st.sampled_from(["field", "other", "new", "missing"]), old=st.booleans())
    def edit_a_copy(self, data: st.DataObject, edit: str, old: bool) -> None:
        """Somebody edits a generation and puts it in the workbook's place."""
        sealed, generation, base = (
            data.draw(st.integers(0, len(self.files) - 1).map(self.files.__getitem__)) if old else (self.files[-1])
        )
        known = any(kept.generation == generation for kept in self.store.backups.all())
        _, i, field, value = self.edited(data, sealed, edit)
        if known and edit == "new":
            self.came_in(value)
        if not known or i not in self.rows:
            return
        if edit == "other":
            self.rows[i][OTHER] = value
        elif edit == "field":
            before, self.outside[generation, i, field] = self.outside.get((generation, i, field)), value
            # A value that came from a copy may be typed over by who typed it; any other is not overwritten.
            if self.rows[i][field] == base[i][field] or (
                self.rows[i][field] == before and self.store.register.row(i)[field] == value
            ):
                self.rows[i][field] = value
            else:
                assert self.asked("conflict", i, value).code == field
        elif edit == "missing":
            assert self.asked("missing", i)

    def edited(self, data: st.DataObject, sealed: bytes, edit: str) -> tuple[Content, str, str, str]:
        """Save a workbook with one edit: what it holds then, in which row and field, and the new value."""
        content = workbook.read(sealed, PASSWORD, "x")
        value, field, i = self.new(), "", ""
        numbers = sorted(filter(None, content.frame["id"]))
        if edit == "new":
            row = {"source": "phone", "name": value, "title": value, "received": self.store.today}
            frame = pd.concat([content.frame, schema.to_frame([row])], ignore_index=True)
            content = Content(frame, content.extras.reindex(range(len(frame))).fillna(""), content.info, content.sheets)
        elif numbers:
            i = data.draw(st.sampled_from(numbers))
            (place,) = content.frame.index[content.frame["id"] == i]
            if edit == "missing":
                keep = content.frame.index != place
                frame, extras = (table[keep].reset_index(drop=True) for table in (content.frame, content.extras))
                content = Content(frame, extras, content.info, content.sheets)
            elif edit == "other":
                content.extras[OTHER] = [
                    value if n == place else cell
                    for n, cell in enumerate(content.extras.get(OTHER, [""] * len(content.frame)))
                ]
            else:
                field = data.draw(st.sampled_from(FIELDS))
                content.frame.loc[place, field] = value
        self.put(workbook.write(content, PASSWORD, "fi"))
        return content, i, field, value

    def came_in(self, value: str) -> None:
        """A row that was typed in Excel got the next number."""
        self.last += 1
        self.rows[f"P-{self.last:06d}"] = {**dict.fromkeys([*FIELDS, OTHER], ""), "title": value}

    def asked(self, kind: str, i: str, theirs: str | None = None) -> Question:
        found = [q for q in self.store.state.questions.values() if (q.kind, q.id) == (kind, i)]
        (question,) = [q for q in found if q.theirs == theirs]
        return question

    @precondition(lambda self: self.store.state.questions)
    @rule(data=st.data(), decision=st.sampled_from(["ours", "theirs"]))
    def answer(self, data: st.DataObject, decision: str) -> None:
        question = self.store.state.questions[data.draw(st.sampled_from(sorted(self.store.state.questions)))]
        self.store.answer(question.key, decision, by="päällikkö")
        if decision == "theirs" and question.kind == "missing":
            self.gone(question.id)
        elif decision == "theirs" and question.kind == "conflict":
            self.rows[question.id][question.code] = question.theirs
        elif decision == "theirs" and question.kind == "new":
            self.came_in(question.row["title"])
        assert question.key not in self.store.state.questions

    # -- backups --------------------------------------------------------------------------------------------------

    @rule()
    def backup(self) -> None:
        self.saved[self.store.backup(by=BY)] = copy.deepcopy(self.rows)

    @precondition(lambda self: self.saved)
    @rule(data=st.data(), exact=st.booleans())
    def restore(self, data: st.DataObject, exact: bool) -> None:
        kept = {kept.path.name: kept for kept in self.store.backups.all()}
        # An erasure gives a backup without its rows another name.
        names = [name for name in self.saved if name in kept]
        if not names:
            return
        name = data.draw(st.sampled_from(sorted(names)))
        before = copy.deepcopy(self.rows)
        made = {kept.path.name for kept in self.store.backups.all() if kept.kind == "restore"}
        told = self.store.restore(name, by=BY, exact=exact)
        saved = {i: row for i, row in self.saved[name].items() if i not in self.removed}
        assert set(told["back"]) == set(saved) - set(self.rows)
        for i, row in saved.items():
            other = self.rows[i][OTHER] if i in self.rows else row[OTHER]
            self.rows[i] = {**row, OTHER: other}
        if exact:
            assert set(told["gone"]) == set(self.rows) - set(saved)
            self.rows = {i: row for i, row in self.rows.items() if i in saved}
        for kept_copy in self.store.backups.all():
            if kept_copy.kind == "restore" and kept_copy.path.name not in made:
                self.saved[kept_copy.path.name] = before

    # -- what always holds ----------------------------------------------------------------------------------------

    def compare(self, store: Store) -> None:
        frame, extras = store.frame, store.register.extras
        assert frame["id"].tolist() == sorted(self.rows)
        others = extras[OTHER].fillna("").tolist() if OTHER in extras else [""] * len(frame)
        for row, other in zip(frame.to_dict("records"), others, strict=True):
            assert {**{field: row[field] for field in FIELDS}, OTHER: other} == self.rows[row["id"]], row["id"]
        assert store.register.last_number == self.last
        assert store.gone >= self.removed and not self.removed & set(frame["id"])

    @invariant()
    def the_register_is_what_it_has_to_be(self) -> None:
        if hasattr(self, "store"):
            self.compare(self.store)

    @invariant()
    def nothing_is_lost_by_a_crash_now(self) -> None:
        if hasattr(self, "store") and next(self.number) % 4 == 0:
            self.compare(Store.open(self.store.data_dir, PASSWORD))


TestTheStore = Machine.TestCase
TestTheStore.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    phases=(Phase.reuse, Phase.generate),  # making a failure shorter takes long
)
