"""Words, dates and numbers in the reader's language.

Source texts are English; `locale/<language>.po` holds the others, so a reader corrects a word in one place.
Finnish and English are offered; Swedish holds the headings and choices that a workbook may carry.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = {"fi": "Suomi", "en": "English"}
WORKBOOK_LANGUAGES = ("fi", "en", "sv")
_LOCALES = {"fi": "fi_FI", "en": "en_GB", "sv": "sv_FI"}
_CATALOGUES = Path(__file__).with_name("locale")


def N_(msgid: str) -> str:
    """Mark a text for the catalogue without translating it yet."""
    return msgid


class Text(NamedTuple):
    """A text to be said later, in the language of whoever reads it. Parameters may be Texts themselves."""

    msgid: str
    params: dict[str, Any] = {}

    def __str__(self) -> str:
        return translator("en").text(self)


class Translator:
    """Says texts, dates and numbers in one language.

    Args:
        language: "fi", "en" or "sv"; a text without a translation is said in English.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = Locale.parse(_LOCALES[language])
        self._texts: dict[str, str | tuple[str, ...]] = {}
        path = _CATALOGUES / f"{language}.po"
        if path.exists():
            with path.open("rb") as file:
                for message in read_po(file):
                    key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                    text = tuple(message.string) if isinstance(message.string, (tuple, list)) else message.string
                    if key and text and all(text if isinstance(text, tuple) else (text,)):
                        self._texts[key] = text

    def __call__(self, msgid: str, /, **params: Any) -> str:
        text = self._texts.get(msgid, msgid)
        return self._fill(text if isinstance(text, str) else text[0], params)

    def plural(self, one: str, many: str, n: int, /, **params: Any) -> str:
        """The form for `n`; `{n}` in the text is the grouped number."""
        forms = self._texts.get(one, (one, many))
        form = forms if isinstance(forms, str) else forms[0 if n == 1 else 1]
        return self._fill(form, {"n": self.number(n), **params})

    def text(self, text: Text) -> str:
        return self(text.msgid, **text.params)

    def _fill(self, template: str, params: dict[str, Any]) -> str:
        if not params:
            return template
        return template.format(**{name: self._said(value) for name, value in params.items()})

    def _said(self, value: Any) -> Any:
        match value:
            case Text():
                return self.text(value)
            case dt.datetime():
                return self.time(value)
            case dt.date():
                return self.date(value)
            case _:
                return value

    def date(self, value: dt.date | None) -> str:
        """22.11.2026 in Finnish, 22/11/2026 in English; "" for None."""
        if value is None or value != value:
            return ""
        return format_date(value, "d.M.yyyy" if self.language == "fi" else "dd/MM/yyyy", locale=self.locale)

    def time(self, value: dt.datetime | None) -> str:
        if value is None or value != value:
            return ""
        pattern = "d.M.yyyy 'klo' H.mm" if self.language == "fi" else "dd/MM/yyyy HH:mm"
        return format_datetime(value, pattern, locale=self.locale)

    def month(self, value: dt.date) -> str:
        """The month and year, short: "marras 2026"."""
        return format_skeleton("yMMM", value, locale=self.locale)

    def number(self, value: float, decimals: int = 0) -> str:
        return format_decimal(
            round(value, decimals), "#,##0" + ("." + "0" * decimals if decimals else ""), locale=self.locale
        )

    def percent(self, share: float) -> str:
        """A share of one as whole percent."""
        return format_percent(share, "#,##0 %" if self.language == "fi" else "#,##0%", locale=self.locale)


@cache
def translator(language: str) -> Translator:
    """The translator of a language, its catalogue read once."""
    return Translator(language if language in _LOCALES else "en")
