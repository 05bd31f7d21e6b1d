"""Text as a terminal may show it. Knows nothing of what the text says."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """`text` without control and direction-changing characters, which could rewrite what a terminal shows; lone
    surrogates are shown as escapes."""
    shown = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
