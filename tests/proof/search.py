"""Whether some order explains a few operations, found by trying them all: slow, and too simple to be wrong.

Wing and Gong, Testing and verifying concurrent objects (1993), with Lowe's memory of what was tried (Testing
for linearizability, 2017).  It judges what :mod:`tests.proof.order` finds in the time of a sort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.proof.order import Step

AT_MOST = 12


def explainable(steps: Sequence[Step], changes: Sequence[tuple[str, str]]) -> bool:
    """Whether one order of at most twelve ``steps`` fits real time and the log.

    ``changes`` has the key and the commit, empty for a removal, of revision 1, 2, 3 …; one that is no step's was
    made by the server, at any time.
    """
    if len(steps) > AT_MOST:
        raise ValueError(f"{len(steps)} steps are too many to try all orders")
    states: list[dict[str, str]] = [{}]
    for key, commit in changes:
        states.append({**states[-1], key: commit})
    owned = {step.revision for step in steps if step.revision}
    everything = frozenset(range(len(steps)))
    tried: set[tuple[frozenset[int], int]] = set()

    def possible(left: frozenset[int], revision: int) -> bool:
        if not left:
            return True
        if (left, revision) in tried:
            return False
        tried.add((left, revision))
        if revision + 1 < len(states) and revision + 1 not in owned and possible(left, revision + 1):
            return True
        first_end = min(steps[n].end_ns for n in left)
        for n in left:
            step = steps[n]
            fits = all(states[revision].get(key, "") == commit for key, commit in step.sees)
            may_be_next = step.start_ns <= first_end and step.revision in (0, revision + 1)
            if fits and may_be_next and possible(left - {n}, step.revision or revision):
                return True
        return False

    return possible(everything, 0)
