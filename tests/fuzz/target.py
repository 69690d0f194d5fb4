"""What a fuzz target is: a reader of bytes from outside, inputs that it knows already, and how new ones are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


class Disagreement(Exception):
    """What was read is not what must be read; the text shows both."""


class Target(NamedTuple):
    """``take`` reads an input and says in a few words what became of it; it raises what no input may cause.

    ``samples`` are inputs to begin with, ``words`` pieces that mean something, ``fresh`` makes a new input.
    """

    name: str
    take: Callable[[bytes], str]
    samples: Callable[[], Sequence[bytes]]
    words: Sequence[bytes]
    fresh: Callable[[Random], bytes]
