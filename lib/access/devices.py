"""What a browser says about itself, in two words."""

from __future__ import annotations

# The first that occurs counts: nearly every browser also names the ones before it.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "Chromium": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "macOS",
    "Linux": "Linux",
}


def short(user_agent: str) -> str:
    """Browser and system, such as "Chrome, Windows"; "" where neither is known. Nothing of the text itself is said."""
    found = (next((name for mark, name in known.items() if mark in user_agent), "") for known in (_BROWSERS, _SYSTEMS))
    return ", ".join(filter(None, found))
