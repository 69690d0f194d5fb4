"""Sentences that explain something, for a command to print and for a viewer to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from controller.viewer.target import Target


class Sentence(NamedTuple):
    """A line of an explanation; the spaces that it begins with are its place under what it explains."""

    text: str
    about: Target | None = None
    """what it is about, where that can be looked at on its own"""


def under(indent: str, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """``sentences``, so much further in."""
    for sentence in sentences:
        yield sentence._replace(text=indent + sentence.text)
