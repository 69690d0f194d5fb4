"""What a contribution rests on: the guards that hold it to what its agent saw, and the stamp that names that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.commit import Absent, At
from blackboard.record import FULL_TRUST, Stamp

if TYPE_CHECKING:
    from blackboard.commit import Guard
    from controller.firing import Firing
    from knowledge_sources.context import Context


def guards_of(firing: Firing, ctx: Context) -> list[Guard]:
    """The activation, what set it off, what is excluded, and what was read; the activation alone where unguarded."""
    own = At(firing.key, firing.commit)
    if not (firing.source.guarded and firing.desk.settings.guarded):
        return [own]
    guards = [own, *firing.trigger_guards, *firing.excluded_guards]
    read = ctx.guards()
    if read:
        known = {guard.key for guard in guards if isinstance(guard, At | Absent)}
        guards += [g for g in read if not (isinstance(g, At | Absent) and g.key in known)]
    return guards


def stamp_of(firing: Firing, ctx: Context) -> Stamp:
    """Who writes, for which case, and from what."""
    depth, trust = 0, FULL_TRUST
    causes = []
    for record in firing.triggers:
        head = record.head
        depth = max(depth, head.depth)
        trust = min(trust, head.trust)
        causes.append(record.reference)
    causes += [f"{key}@{commit}" for key, commit in ctx.reads if commit]
    return Stamp(firing.source.name, firing.activation, firing.entry.case, tuple(causes), depth + 1, trust)
