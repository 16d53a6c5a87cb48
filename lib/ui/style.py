"""How it looks, beyond what the theme in `.streamlit/config.toml` says."""

from __future__ import annotations

from html import escape

import streamlit as st
from PIL import Image, ImageDraw

from lib import schema
from lib.i18n import Translator

# Okabe-Ito, the same in every chart, chip and legend; lighter on a dark ground.
_SOURCES = {
    "light": {"phone": "#009E73", "email": "#0072B2", "web_form": "#E69F00", "meeting": "#D55E00", "public": "#CC79A7"},
    "dark": {"phone": "#2CC79B", "email": "#4FA8E0", "web_form": "#F2B83D", "meeting": "#F0803C", "public": "#E09AC3"},
}

# The page's icon: bars, drawn here, since Streamlit fetches its own icons from elsewhere.
ICON = Image.new("RGBA", (32, 32))
for _x, _top, _colour in ((4, 16, "#0B6E6E"), (13, 8, "#0B6E6E"), (22, 3, "#E69F00")):
    ImageDraw.Draw(ICON).rectangle((_x, _top, _x + 6, 29), fill=_colour)
TEXT = {"light": "#16282B", "dark": "#E4ECEC"}
ACCENT = {"light": "#0B6E6E", "dark": "#4FB3AF"}
_PAPER = {"light": "#FFFFFF", "dark": "#10191B"}
_ON_ACCENT = {"light": "#FFFFFF", "dark": "#06201F"}

_CSS = """
<style>
.stMainBlockContainer { padding-top: 4.25rem; padding-bottom: 3rem; max-width: 82rem; }
h1 { font-size: 1.6rem !important; overflow-y: clip; padding: 0 0 .25rem !important; margin: 0 !important; }
.stMainBlockContainer :is(h2, h3) { font-size: 1.2rem !important; padding: .5rem 0 .25rem !important; }
[role="dialog"] > h2, [role="dialog"] > h2 p { font-size: 1.25rem !important; }
[data-testid="stElementToolbar"] { display: none; }
[data-testid="stMain"] button[kind="primary"]:enabled p,
[data-testid="stMain"] button[kind="primaryFormSubmit"]:enabled p { color: ON_ACCENT; }
.chip { display: inline-block; padding: .05rem .55rem; margin: 0 .35rem .25rem 0; border-radius: 1rem;
  font-size: .85rem; border: 1px solid color-mix(in srgb, currentColor 35%, transparent); white-space: nowrap; }
.chip i { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin-right: .4rem; }
.chip.warn { border-color: #B25E00; font-weight: 600; }
.facts a { color: ACCENT !important; }
.who { font-size: 1.2rem; font-weight: 600; overflow-wrap: anywhere; }
.line, .parts { overflow-wrap: anywhere; }
.parts { display: flex; flex-wrap: wrap; column-gap: 1rem; }
.way { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; }
.way > div { flex: 1 1 14rem; }
.line .chip, .chips .chip { margin-bottom: 0; }
.chips { margin-top: .25rem; }
a.button { display: inline-block; min-height: 2.5rem; padding: .55rem .75rem; border-radius: .5rem; font-size: .875rem;
  border: 1px solid color-mix(in srgb, currentColor 35%, transparent); color: inherit !important;
  text-decoration: none !important; }
a.button:hover { border-color: ACCENT; color: ACCENT !important; }
.quiet { opacity: .8; font-size: .9rem; }
.beside { border-collapse: collapse; font-size: .95rem; }
.beside th, .beside td { text-align: left; vertical-align: top; padding: .15rem 1.5rem .15rem 0; font-weight: 400;
  overflow-wrap: anywhere; }
.beside th { opacity: .8; font-size: .9rem; }
.beside td { min-width: 6rem; }
.signout { font: inherit; min-height: 48px; padding: 0 1.5rem; border: 0; border-radius: .5rem; cursor: pointer;
  background: ACCENT; color: ON_ACCENT; }
.st-key-entry, .st-key-account, .st-key-admin-users, .st-key-admin-settings { max-width: 52rem; }
[class*="st-key-user-line-"], [class*="st-key-session-"], [class*="st-key-way-"] { padding: .55rem 1rem; }
[class*="st-key-user-line-"] button { min-height: 1.75rem; padding: 0; text-align: left; }
[class*="st-key-user-line-"] button p { font-weight: 600; font-size: 1rem; overflow-wrap: anywhere; }
[data-testid="stHeaderActionElements"] { display: none; }
[data-testid="stMetricValue"] { font-size: 1.7rem; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4.2rem .9rem 2rem; }
  .stMainBlockContainer input, .stMainBlockContainer textarea { font-size: 16px !important; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-save) { position: sticky; bottom: 0; z-index: 5; background: PAPER; }
  .st-key-save { padding: .4rem 0; }
  .st-key-save button { min-height: 48px; width: 100%; }
  .st-key-lookalikes { max-height: 65vh; overflow: auto; background: PAPER; }
  .st-key-conflict { position: fixed; inset: auto 0 0; z-index: 20; background: PAPER;
    padding: 1rem; width: 100%; max-height: 75vh; overflow: auto; border-radius: 1rem 1rem 0 0;
    box-shadow: 0 -4px 24px #0005; }
  [data-testid="stMetricValue"] { font-size: 1.4rem; }
  .beside tr { display: grid; grid-template-columns: 1fr 1fr; }
  .beside tbody th { grid-column: 1 / -1; }
  .beside thead th:first-child { display: none; }
}
@media print { header, .stButton { display: none !important; } }
</style>
"""


def apply() -> None:
    """Add the page's own style."""
    kind = theme()
    colours = {"ON_ACCENT": _ON_ACCENT[kind], "ACCENT": ACCENT[kind], "PAPER": _PAPER[kind]}
    css = _CSS
    for name, colour in colours.items():
        css = css.replace(name, colour)
    st.html(css)


def theme() -> str:
    """The theme in force: "light" or "dark"."""
    return st.context.theme.type or "light"


def source_colours() -> dict[str, str]:
    """The colour of each source, by code; grey for none."""
    return {**_SOURCES[theme()], "": "#7D9193"}


def source_word(source: str, t: Translator) -> str:
    """What a source is called; rows that came from outside may have none, or one that nobody knows."""
    return schema.label("source", source, t.language) or t("No known source")


def source_chip(source: str, t: Translator) -> str:
    """A source as HTML: its colour and always its word."""
    colour = source_colours().get(source, source_colours()[""])
    return f'<span class="chip"><i style="background:{colour}"></i>{escape(source_word(source, t))}</span>'


def chip(text: str, *, warn: bool = False) -> str:
    """A fact as HTML. The text must be ours, not a user's."""
    return f'<span class="chip{" warn" if warn else ""}">{text}</span>'


def link(path: str, text: str) -> str:
    """A way to a page outside of Streamlit, as HTML: it opens in the same tab. The text must be ours."""
    return f'<a class="button" href="{path}">{escape(text)}</a>'
