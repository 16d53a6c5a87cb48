"""The rows of a table that the register did not get: in the shape of the file that came, the reason beside each."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from lib import schema
from lib.i18n import N_, Text, Translator, translator
from lib.intake.checking import Finding
from lib.intake.files import Value
from lib.store.encryption import encrypt
from lib.store.sheet import new_book, other_formats, write_any

# What a finding is called, and in short why its row is left out.
KINDS: dict[str, str] = {
    "conflict": N_("Changed on both sides"),
    "look_alike": N_("Looks like another row"),
    "deleted": N_("Missing in the file"),
    "change": N_("Changes"),
    "new": N_("New"),
    "wrong": N_("Cannot be taken"),
    "double": N_("Twice in the file"),
    "banned": N_("May not be changed"),
    "past": N_("Retention period over"),
    "gone": N_("Removed for good"),
    "same": N_("Already there"),
}


def reason(finding: Finding, t: Translator) -> str:
    """Why a row is what it is, in words: each wrong value with its cell."""
    record, parts = finding.record, [t(KINDS[finding.kind])]
    if finding.why:
        parts.append(t.text(finding.why))
    if record:
        for code, why in record.wrong.items():
            heading = schema.heading(code, t.language) if code in schema.BY_CODE else code
            parts.append(
                t.text(
                    Text("{cell} {field}: {why}", {"cell": record.cells.get(code, ""), "field": heading, "why": why})
                ).strip()
            )
    return ". ".join(part.rstrip(".") for part in parts) + "."


def build(
    headings: Sequence[str], rows: Sequence[tuple[int, Sequence[Value], str, Finding]], *, password: str, language: str
) -> bytes:
    """An encrypted workbook of those rows: number in the file, reason, and the cells as they came."""
    t, buffer = translator(language), BytesIO()
    book = new_book(buffer)
    sheet = book.add_worksheet(t(N_("Left out"))[:31])
    head, dates = book.add_format({"bold": True}), other_formats(book)
    for column, heading in enumerate((t(N_("Row in the file")), t(N_("Why it was left out")), *headings)):
        sheet.write_string(0, column, heading, head)
    sheet.set_column(1, 1, 60)
    for line, (number, cells, _, finding) in enumerate(rows, 1):
        sheet.write_number(line, 0, number)
        sheet.write_string(line, 1, reason(finding, t))
        for column, value in enumerate(cells, 2):
            write_any(sheet, line, column, value, dates)
    sheet.freeze_panes(1, 2)
    book.close()
    return encrypt(buffer.getvalue(), password)
