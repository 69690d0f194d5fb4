"""How many tokens a record has, and which digests take the place of records so that an agent's budget is kept.

A token is estimated as four bytes of the value as it is stored (msgpack, which for text is UTF-8): nobody's tokenizer,
but one rule for every agent, known without decoding anything.  Whoever knows better gives a counter of the value.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from blackboard.codec import pack_value

if TYPE_CHECKING:
    from blackboard.record import Record

_log = logging.getLogger(__name__)

Counter: TypeAlias = Callable[[Any], int]
"""The tokens of a value."""

BYTES_OF_A_TOKEN: Final = 4
DIGEST: Final = "digest/"
"""The digest of the record at ``notes/42`` is at ``digest/notes/42``."""


class Fit(NamedTuple):
    """The records that an agent is given, within its budget; ``digests`` are the keys that stand for others."""

    records: Mapping[str, Record[Any]]
    digests: tuple[str, ...]


class Shortage(NamedTuple):
    """An agent's records are over its budget, and the digests ``missing`` are not there to help it."""

    tokens: int
    budget: int
    missing: tuple[str, ...]
    """the largest record's first"""

    def sentence(self) -> str:
        """For a person: what is waited for."""
        over = f"{self.tokens:,} tokens are over its budget of {self.budget:,}"
        return f"{over}; it waits for {self.missing[0]}" if self.missing else f"{over}, digests and all"


def tokens_of(record: Record[Any], counter: Counter | None = None) -> int:
    """The tokens of the value of ``record``."""
    found = _counted(record.value, counter) if counter is not None else None
    return estimated(len(record.head.value)) if found is None else found


def tokens_in(value: Any, counter: Counter | None = None) -> int:
    """The tokens of ``value``, which may be in no record yet."""
    found = _counted(value, counter) if counter is not None else None
    return estimated(len(pack_value(value))) if found is None else found


def _counted(value: Any, counter: Callable[[Any], Any]) -> int | None:
    """What ``counter`` says; ``None``, and a warning, where it raises or gives no number of tokens."""
    try:
        found = counter(value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's own code, called between two turns
        _log.warning("the token counter raised %s: %s", type(error).__name__, error)
        return None
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    _log.warning("the token counter gave %r, which is no number of tokens", found)
    return None


def estimated(stored_bytes: int) -> int:
    """The tokens in so many bytes of a stored value, rounded up."""
    return -(-stored_bytes // BYTES_OF_A_TOKEN)


def fit(
    records: Mapping[str, Record[Any]],
    budget: int,
    get: Callable[[str], Record[Any] | None],
    counter: Counter | None = None,
) -> Fit | Shortage:
    """``records`` with digests in the place of the largest, as many as ``budget`` tokens need.

    A digest stands only for the version that it was made of; ``get`` gives the record at a key.
    """
    sizes = {alias: tokens_of(record, counter) for alias, record in records.items()}
    total = sum(sizes.values())
    given, digests, missing = dict(records), [], []
    for alias in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if total <= budget:
            break
        key = DIGEST + records[alias].key
        digest = get(key)
        if digest is None or not _stands_for(digest, records[alias]):
            missing.append(key)
            continue
        tokens = tokens_of(digest, counter)
        if tokens < sizes[alias]:
            total += tokens - sizes[alias]
            given[alias] = digest
            digests.append(key)
    return Fit(given, tuple(digests)) if total <= budget else Shortage(total, budget, tuple(missing))


def _stands_for(digest: Record[Any], record: Record[Any]) -> bool:
    return isinstance(digest.value, dict) and digest.value.get("of") == f"{record.key}@{record.commit}"
