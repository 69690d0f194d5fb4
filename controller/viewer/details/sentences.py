"""Sentences of an explanation as entries, as many as one reads."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from controller.viewer.details.page import Entry, told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.viewer.sentence import Sentence

MOST_SENTENCES: Final = 1_000


def sentence_entries(sentences: Iterable[Sentence], most: int = MOST_SENTENCES) -> list[Entry]:
    """``sentences`` in their places under each other; what they are about is where enter goes on."""
    entries = []
    remaining = iter(sentences)
    for text, about in islice(remaining, most):
        indent = len(text) - len(text.lstrip(" ")) + 2
        entries.append(told(text, about, indent=indent))
    if next(remaining, None) is not None:
        entries.append(told("… and more than is told here", None, "dim"))
    return entries
