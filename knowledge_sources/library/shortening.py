"""A value made shorter by rule: what it says at its beginning, or the sentences that say most.  No model, no chance.

The sentences are chosen as H. P. Luhn did ("The Automatic Creation of Literature Abstracts", IBM Journal, 1958): by how
often the words in them are used in the whole text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from knowledge_sources.tokens import BYTES_OF_A_TOKEN, tokens_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SENTENCE: Final = re.compile(r"[^.!?\n]*[.!?]*\s*")
_WORD: Final = re.compile(r"\w{4,}")
_MORE: Final = "…"


def cut(text: str, characters: int) -> str:
    """The beginning of ``text``."""
    return text if len(text) <= characters else text[: max(characters - 1, 0)] + _MORE * (characters > 0)


def extract(text: str, characters: int) -> str:
    """The sentences of ``text`` whose words are the most frequent ones, in their order, as many as there is room for."""
    if len(text) <= characters:
        return text
    # One that is said again says nothing more.
    sentences = list(dict.fromkeys(found for found in _SENTENCE.findall(text) if found.strip()))
    words: Mapping[str, int] = Counter(_WORD.findall(text.casefold()))
    chosen: set[int] = set()
    room = characters - len(_MORE)
    weights = [_weight(sentence, words) for sentence in sentences]
    for place in sorted(range(len(sentences)), key=lambda place: (-weights[place], place)):
        if weights[place] and len(sentences[place]) <= room:
            chosen.add(place)
            room -= len(sentences[place])
    if not chosen:
        return cut(text, characters)
    return "".join(sentences[place] for place in sorted(chosen)).rstrip() + _MORE


def _weight(sentence: str, words: Mapping[str, int]) -> float:
    own = set(_WORD.findall(sentence.casefold()))
    return sum(words[word] for word in own if words[word] > 1) / (1 + len(own))


RULES: Final[Mapping[str, Callable[[str, int], str]]] = {"cut": cut, "extract": extract}


def shortened(value: Any, tokens: int, rule: Callable[[str, int], str]) -> Any:
    """``value`` in at most ``tokens`` tokens: the same shape with its texts shortened, the longest ones first.

    Where its shape alone takes more, it is the beginning of its JSON.
    """
    if tokens_in(value) <= tokens:
        return value
    least, most = 0, max(map(len, _texts(value)), default=0)
    if tokens_in(_limited(value, 0, rule)) > tokens:
        text = json.dumps(value, ensure_ascii=False, default=str)
        return _cut_to_fit(text, tokens)
    while least < most:  # the longest length at which all fits
        middle = (least + most + 1) // 2
        if tokens_in(_limited(value, middle, rule)) <= tokens:
            least = middle
        else:
            most = middle - 1
    return _limited(value, least, rule)


def _cut_to_fit(text: str, tokens: int) -> str:
    characters = tokens * BYTES_OF_A_TOKEN
    while tokens_in(cut(text, characters)) > tokens and characters > 0:
        characters = characters * 3 // 4
    return cut(text, characters)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in below for text in _texts(item)]


def _limited(value: Any, characters: int, rule: Callable[[str, int], str]) -> Any:
    if isinstance(value, str):
        return rule(value, characters)
    if isinstance(value, dict):
        return {key: _limited(item, characters, rule) for key, item in value.items()}
    return [_limited(item, characters, rule) for item in value] if isinstance(value, list) else value
