"""One contribution per activation, by the log alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgpack  # type: ignore[import-untyped]  # the package ships no types

from tests.proof.packed import parse_stored
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from tests.proof.run import Run

ACTIVATIONS = "control/activations/"


class _Packed(NamedTuple):
    """Where in the bytes of a record the activation and the value stand."""

    activation: str
    value: bytes


def contributions(run: Run) -> list[Violation]:
    """An activation moves to ``executed`` at most once, and all that it wrote is in that one commit.

    Records below ``control/`` that bear an activation are the runtime's own notes and no contribution.
    """
    executed: dict[str, list[str]] = defaultdict(list)
    wrote: dict[str, set[str]] = defaultdict(set)
    state = {
        key.removeprefix(ACTIVATIONS): _state(parse_stored(stored).data)
        for key, stored in run.dump.base.items()
        if key.startswith(ACTIVATIONS)
    }
    for entry in run.dump.log:
        for change in entry.changes:
            if change.key.startswith(ACTIVATIONS):
                activation = change.key.removeprefix(ACTIVATIONS)
                present = _state(change.data) if change.operation == "p" else ""
                if present == "executed" and state.get(activation) != "executed":
                    executed[activation].append(entry.commit)
                state[activation] = present
            elif change.operation == "p" and not change.key.startswith("control/"):
                activation = _packed(change.data).activation
                if activation:
                    wrote[activation].add(entry.commit)
    found = [f"{name} moved to executed in {commits}" for name, commits in executed.items() if len(commits) > 1]
    for name, commits in wrote.items():
        ends = set(executed[name]) or commits
        if len(commits) > 1 or not commits <= ends:
            found.append(f"{name} wrote in {sorted(commits)} and was executed in {executed[name]}")
    return [Violation("contributions", sentence) for sentence in found]


def _packed(data: bytes) -> _Packed:
    try:
        fields = msgpack.unpackb(data, raw=False)
        return _Packed(fields[1], fields[9])
    except (ValueError, TypeError, IndexError, msgpack.exceptions.UnpackException):
        return _Packed("", b"")  # the oracle of the digests tells


def _state(data: bytes) -> str:
    try:
        return str(msgpack.unpackb(_packed(data).value, raw=False)["state"])
    except (ValueError, TypeError, KeyError, msgpack.exceptions.UnpackException):
        return ""
