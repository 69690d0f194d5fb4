"""Text in a Mermaid chart."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 60


def label(text: str) -> str:
    """``text`` as Mermaid shows it and never reads it: quotes and what could end a label or begin markup are coded."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return re.sub(r"[^\w /{}.,:=&|()+*?!@$%^~§°…-]", lambda found: f"#{ord(found[0])};", short)
