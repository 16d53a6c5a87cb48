"""What a browser is called."""

from __future__ import annotations

import pytest

from lib.access.devices import short

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36", "Chrome, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) {SAFARI} Version/26.0 Safari/604.1",
            "Safari, iPhone",
        ),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) {SAFARI} CriOS/150.0 Safari/604.1", "Chrome, iPhone"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Version/26.0 Safari/605.1.15", "Safari, macOS"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        (
            "Mozilla/5.0 (Linux; Android 16) SamsungBrowser/30.0 Chrome/140.0.0.0 Mobile Safari/537.36",
            "Samsung Internet, Android",
        ),
        ("Mozilla/5.0 (X11; CrOS x86_64) Chrome/150.0.0.0 Safari/537.36 OPR/120.0", "Opera, ChromeOS"),
        ("curl/8.0", ""),
        ("", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_called_by_two_words_that_are_ours(agent: str, said: str) -> None:
    assert short(agent) == said
