"""What a workbook edited outside holds that the program cannot keep when it writes the workbook anew.

Values are kept wherever they stand. Nothing is told of what Excel and LibreOffice add by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from lib.i18n import N_, Text
from lib.store.parts import Parts, formulas
from lib.store.reading import INFO_SHEET
from lib.store.sheet import SHEET

# What is told, and the parts whose presence tells it.
_PARTS = (
    (N_("charts"), re.compile(r"xl/(charts|chartsheets)/[^/]+\.xml")),
    (N_("comments and notes"), re.compile(r"xl/(comments[^/]*|comments/[^/]+|threadedComments/[^/]+)\.xml")),
    (N_("pivot tables"), re.compile(r"xl/(pivotTables|pivotCache)/[^/]+\.xml")),
    (N_("tables"), re.compile(r"xl/tables/[^/]+\.xml")),
    (N_("macros"), re.compile(r"xl/(vbaProject\.bin|macrosheets/.+)")),
    (N_("links to other files"), re.compile(r"xl/(externalLinks/[^/]+|connections|queryTables/[^/]+)\.xml")),
)
_PICTURES = N_("pictures and drawings")
_FORMULAS = N_("formulas in the sheet {sheet} (their values stay)")
_FORMATS = N_("colours and formats of cells in the sheet {sheet}")
_MEDIA = re.compile(r"xl/media/.+")
_DRAWING = re.compile(r"xl/drawings/[^/]+\.xml")
# A shape or a picture that stands by itself. LibreOffice adds drawings without any.
_SHAPE = re.compile(rb"<(?:\w+:)?(?:sp|pic|cxnSp|grpSp)\b")
_STYLES_USED = re.compile(rb"<(?:\w+:)?c\s[^>]*?\bs=[\"'](\d{1,9})")
_RULES = re.compile(rb"<(?:\w+:)?(?:mergeCell|conditionalFormatting|dataValidation)\s")
_BUILT_IN = {0, 49, *range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # general, text, dates and times
_BLACK = {"", "FF000000", "00000000", "000000"}
_LINK = {"FF0563C1", "FF0000FF", "FF000080", "FF0000EE"}


def unkept(plain: bytes) -> list[Text]:
    """What would be lost of a plain workbook, each as words for a list. Nothing is raised, whatever the bytes are."""
    parts = Parts(plain)
    lost = [Text(words) for words, pattern in _PARTS if any(pattern.fullmatch(name) for name in parts.names)]
    if any(
        _MEDIA.fullmatch(name) or (_DRAWING.fullmatch(name) and _SHAPE.search(parts.read(name))) for name in parts.names
    ):
        lost.append(Text(_PICTURES))
    sheets = {name: sheet for name, sheet in parts.sheets().items() if name != INFO_SHEET}
    lost += [Text(_FORMULAS, {"sheet": name}) for name, sheet in sheets.items() if any(_computed(sheet))]
    coloured, numbered = _styles(parts.read("xl/styles.xml"))
    for name, sheet in sheets.items():
        # The program's own sheet has a coloured heading, marks and dropdowns of its own, and formats for each column.
        own = name == SHEET
        body = re.split(rb"</(?:\w+:)?row>", sheet, maxsplit=1)[-1] if own else sheet
        used = {int(style) for style in _STYLES_USED.findall(body)}
        if used & coloured or (not own and (used & numbered or _RULES.search(sheet))):
            lost.append(Text(_FORMATS, {"sheet": name}))
    return lost


def _computed(sheet: bytes) -> Iterator[bool]:
    return (True for cell in formulas(sheet) if cell.formula or not cell.error)


def _styles(part: bytes) -> tuple[set[int], set[int]]:
    """The cell styles with a colour, a border or marked letters, and those with a form for numbers."""
    try:
        root = ElementTree.fromstring(part)  # noqa: S314 - expat bounds what entities may grow to
        fills = [_filled(fill) for fill in root.findall("{*}fills/{*}fill")]
        borders = [any(side.get("style", "none") != "none" for side in b) for b in root.findall("{*}borders/{*}border")]
        fonts = [_marked(font) for font in root.findall("{*}fonts/{*}font")]
        forms = {int(f.get("numFmtId", 0)): f.get("formatCode", "") for f in root.findall("{*}numFmts/{*}numFmt")}
        coloured, numbered = set(), set()
        for number, style in enumerate(root.findall("{*}cellXfs/{*}xf")):
            fill, border, font = (int(style.get(name, 0)) for name in ("fillId", "borderId", "fontId"))
            if fills[fill] or borders[border] or fonts[font]:
                coloured.add(number)
            form = int(style.get("numFmtId", 0))
            if not _plain(forms[form]) if form in forms else form not in _BUILT_IN:
                numbered.add(number)
    except Exception:  # whatever odd styles lead to
        return set(), set()
    return coloured, numbered


def _filled(fill: ElementTree.Element) -> bool:
    kinds = {pattern.get("patternType", "none") for pattern in fill.findall("{*}patternFill")}
    return bool(kinds - {"none", "gray125"}) or fill.find("{*}gradientFill") is not None


def _marked(font: ElementTree.Element) -> bool:
    """Bold, slanted, struck, underlined or coloured; but Excel itself makes an address a link and colours it."""
    colour = font.find("{*}color")
    theme, indexed, rgb = ("", "", "") if colour is None else (colour.get(c, "") for c in ("theme", "indexed", "rgb"))
    if theme == "10" or rgb.upper() in _LINK:
        return False
    coloured = rgb.upper() not in _BLACK or theme not in ("", "0", "1") or indexed not in ("", "0", "8", "64")
    return coloured or any(
        mark is not None and mark.get("val", "true") not in ("false", "0", "none")
        for mark in (font.find(f"{{*}}{name}") for name in ("b", "i", "u", "strike"))
    )


def _plain(form: str) -> bool:
    """Whether a form is the general one, text, or one of dates and times."""
    if form.casefold() in ("general", "@", ""):
        return True
    bare = re.sub(r"\"[^\"]*\"|\\.|\[(?!(?:h+|m+|s+)\])[^\]]*\]", "", form.casefold())
    return bool(re.search(r"[dmyhs]", bare))
