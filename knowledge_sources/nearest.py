"""The known names nearest to one that is not known, for messages that help."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """At most ``count`` of ``names`` that look like ``name``, the nearest first; all alike to case."""
    known = sorted(set(names))
    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(one.casefold(), one)
    close = difflib.get_close_matches(name.casefold(), list(folded), n=count, cutoff=0.5)
    return [folded[one] for one in close]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'x'?`` or nothing, to go on with a message."""
    found = nearest(name, names, 1)
    return f"; did you mean {found[0]!r}?" if found else ""
