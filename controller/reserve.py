"""Agents that stand in for others of their capability: matched, and kept off the agenda until it is their turn.

Nothing of it is stored.  Whose turn a piece of work is follows from the live matches and from the records of the
activations that worked on it, so it is the same after a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from controller.rungs import FIRST_OF, Turn, ranks_of, stand_of, turn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Attempt
    from controller.matching import Match
    from controller.rungs import Stand
    from knowledge_sources.source import KnowledgeSource

Place: TypeAlias = tuple[str, ...]


class Group(NamedTuple):
    """The agents of one capability that stand in for each other."""

    capability: str
    ranks: tuple[tuple[str, ...], ...]
    captures: tuple[str, ...]
    """what each of them captures"""
    keys: frozenset[str]
    """the key patterns that each of them watches: the records there are what the work is about"""
    aliases: Mapping[str, frozenset[str]]
    """agent → the aliases of its watches that have such a pattern"""
    by_case: bool
    """whether each of them watches records one by one, which say what case it is"""


class Work:
    """One piece of work: the matches that could do it, and the records of the activations that tried."""

    __slots__ = ("group", "matches", "place", "queued", "records", "released")

    def __init__(self, place: Place, group: Group) -> None:
        self.place = place
        self.group = group
        self.matches: dict[str, Match] = {}
        """by activation"""
        self.queued: set[str] = set()
        """activations that were let go on the agenda"""
        self.released: set[str] = set()
        """activations that somebody ordered to go on it"""
        self.records: dict[str, Activation] = {}

    @property
    def undone(self) -> bool:
        """Whether somebody's turn may still come."""
        return bool(self.matches) or any(record["state"] == "pending" for record in self.records.values())

    def stands(self, blocked: Collection[str], pending: Callable[[str], bool]) -> dict[str, Stand]:
        """How each agent stands that has a match or a record here; ``pending`` tells which activation is on the agenda."""
        found: dict[str, Stand] = {}
        for activation in {**self.records, **self.matches}:
            agent, stand = self._stand(activation, blocked, pending)
            if stand is not None and (agent not in found or FIRST_OF.index(stand) < FIRST_OF.index(found[agent])):
                found[agent] = stand
        return found

    def _stand(
        self, activation: str, blocked: Collection[str], pending: Callable[[str], bool]
    ) -> tuple[str, Stand | None]:
        record = self.records.get(activation)
        if record is not None:
            waits = record["state"] == "pending" and record["agent"] in blocked and pending(activation)
            return record["agent"], "blocked" if waits else stand_of(record)
        agent = self.matches[activation].source.name
        if activation in self.queued and not pending(activation):
            return agent, "busy"
        if agent in blocked:
            return agent, "blocked"
        return agent, "queued" if activation in self.queued else "ready"


class Release(NamedTuple):
    """A match whose turn has come, and since when: the end of the last that passed it on (0: it was first)."""

    match: Match
    since_ms: int


class Recall(NamedTuple):
    """An activation that is to leave the agenda, the agent whose turn it is instead, and why in a sentence."""

    activation: str
    heir: str
    because: str


class Reserve:
    """The work of all groups.  ``groups`` is empty where no agent stands in for another: then nothing else is asked.

    ``off`` are capabilities whose reserve is never called, to see what happens without it.
    """

    def __init__(self, off: Collection[str] = ()) -> None:
        self.groups: dict[str, Group] = {}
        """agent → its group"""
        self.dirty: dict[Place, Work] = {}
        """work whose turn may have changed"""
        self._off = frozenset(off)
        self._works: dict[Place, Work] = {}
        self._work_of: dict[str, Work] = {}
        """activation → its work"""
        self.blocked: Collection[str] = ()
        """the agents whose breaker is open"""
        self.pending: Callable[[str], bool] = _never
        """which activation is on the agenda"""

    def arrange(self, sources: Iterable[KnowledgeSource]) -> bool:
        """Form the groups of ``sources``; true if they are others than before.  Work is to be told anew then."""
        by_capability: dict[str, list[KnowledgeSource]] = {}
        for source in sources:
            if source.kind == "agent":
                by_capability.setdefault(source.provides, []).append(source)
        formed: dict[str, Group] = {}
        for capability, members in by_capability.items():
            if len(members) > 1 and any(source.instead_of for source in members):
                group = _group(capability, members)
                formed |= {source.name: group for source in members}
        if formed == self.groups:
            return False
        self.groups, self._works, self._work_of, self.dirty = formed, {}, {}, {}
        return True

    def offer(self, match: Match, case: str, *, queued: bool = False) -> None:
        """``match`` of an agent of a group is live, for ``case``; ``queued``: it is on the agenda, or fires."""
        group = self.groups[match.source.name]
        triggers = [[alias, record.key, record.commit] for alias, record in match.records.items()]
        place = _place(group, match.source.name, case, match.captures, triggers)
        work = self._at(place, group)
        work.matches[match.activation] = match
        if queued:
            work.queued.add(match.activation)
        else:
            work.queued.discard(match.activation)
        self._work_of[match.activation] = work

    def withdraw(self, activation: str) -> None:
        """A match is no longer live."""
        work = self._work_of.get(activation)
        if work is not None and work.matches.pop(activation, None) is not None:
            work.queued.discard(activation)
            if activation not in work.records:
                del self._work_of[activation]
            self.dirty[work.place] = work
            if not work.matches and not work.records:
                del self._works[work.place]

    def note(self, activation: str, record: Activation) -> None:
        """``record`` was written for an activation; nothing happens if its agent is in no group."""
        group = self.groups.get(record["agent"])
        if group is None:
            return
        place = _place(group, record["agent"], record["case"], record["captures"], record["triggers"])
        work = self._at(place, group)
        work.records[activation] = record
        work.matches.pop(activation, None)
        work.queued.discard(activation)
        if "reassigned_to" in record:
            work.released.add(record["reassigned_to"])
        self._work_of[activation] = work

    def breaker_turned(self, agent: str) -> None:
        """The breaker of ``agent`` has opened or closed: its work is looked at again."""
        group = self.groups.get(agent)
        if group is not None:
            self.dirty |= {place: work for place, work in self._works.items() if work.group is group and work.undone}

    def release(self, activation: str) -> bool:
        """Let a match in reserve have its turn whoever else has the work; false where it is none."""
        work = self._work_of.get(activation)
        if work is None or activation not in work.matches:
            return False
        work.released.add(activation)
        self.dirty[work.place] = work
        return True

    def rivals(self, activation: str) -> list[Match]:
        """The matches in reserve for the work of ``activation``, in the order of their turns."""
        work = self._work_of.get(activation)
        if work is None:
            return []
        order = [name for rank in work.group.ranks for name in rank]
        waiting = [m for m in work.matches.values() if m.activation not in work.queued and m.activation != activation]
        return sorted(waiting, key=lambda match: (order.index(match.source.name), match.activation))

    def heir(self, activation: str, agent: str) -> str:
        """Who would go on if ``activation`` of ``agent`` passed its work on now; ``""``: nobody, or it is not his turn."""
        work = self._work_of.get(activation)
        if work is None or work.group.capability in self._off:
            return ""
        stands = work.stands(self.blocked, self.pending)
        stands[agent] = "passed"
        heirs = turn(work.group.ranks, stands).agents
        return next((name for name in heirs if stands[name] in ("queued", "ready")), "")

    def earlier(self, activation: str) -> list[Attempt]:
        """What the other agents tried for the work of ``activation``, in the order in which it was tried."""
        work = self._work_of.get(activation)
        if work is None:
            return []
        others = (record for one, record in work.records.items() if one != activation)
        tried = [attempt for record in others for attempt in record.get("attempts", ())]
        return sorted(tried, key=lambda attempt: attempt["started_ms"])

    def why(self, activation: str) -> str:
        """Why a match is kept in reserve: ``refund_a is at it``; ``""`` where it is not."""
        work = self._work_of.get(activation)
        if work is None or activation not in work.matches or activation in work.queued:
            return ""
        return self._turn(work).because

    def waiting(self, most: int) -> dict[str, str]:
        """``most`` of the matches in reserve, each with why it is, for people to look at."""
        found: dict[str, str] = {}
        for activation in self._work_of:
            because = self.why(activation)
            if because:
                found[activation] = f"in reserve: {because}"
                if len(found) == most:
                    break
        return found

    def settle(self) -> tuple[list[Release], list[Recall]]:
        """Whom to put on the agenda and whom to take off it."""
        releases, recalls = [], []
        dirty, self.dirty = self.dirty, {}
        for work in dirty.values():
            now = self._turn(work)
            for activation, match in work.matches.items():
                wanted = match.source.name in now.agents or activation in work.released
                if wanted and activation not in work.queued:
                    work.queued.add(activation)
                    releases.append(Release(match, _since_ms(work)))
                elif not wanted and activation in work.queued and self.pending(activation):
                    work.queued.discard(activation)
                    recalls.append(Recall(activation, now.holder, now.because))
            recalls += self._overtaken(work, now)
        return releases, recalls

    def _overtaken(self, work: Work, now: Turn) -> list[Recall]:
        """Those that wait for another try where the work is another's by now: their breaker is open, or it is done."""
        recalls = []
        handed_on = {one["reassigned_to"] for one in work.records.values() if "reassigned_to" in one}
        done = any(stand_of(one) == "done" for one in work.records.values())
        for activation, record in work.records.items():
            agent = record["agent"]
            if record["state"] != "pending" or not self.pending(activation):
                continue
            if agent in self.blocked and now.agents and agent not in now.agents:
                heir = now.agents[0]
                recalls.append(Recall(activation, heir, f"the breaker of {agent} is open; {heir} goes on"))
            elif not now.agents and now.holder not in ("", agent) and (done or activation not in handed_on):
                recalls.append(Recall(activation, now.holder, now.because))
        return recalls

    def _turn(self, work: Work) -> Turn:
        ranks = work.group.ranks[:1] if work.group.capability in self._off else work.group.ranks
        return turn(ranks, work.stands(self.blocked, self.pending))

    def _at(self, place: Place, group: Group) -> Work:
        work = self._works.get(place)
        if work is None:
            work = self._works[place] = Work(place, group)
        self.dirty[place] = work
        return work


def _group(capability: str, members: Sequence[KnowledgeSource]) -> Group:
    captures = set.intersection(*(set(source.captures) for source in members))
    keys = frozenset.intersection(
        *(frozenset(watch.pattern.key_text for watch in source.watches) for source in members)
    )
    aliases = {
        source.name: frozenset(watch.alias for watch in source.watches if watch.pattern.key_text in keys)
        for source in members
    }
    ranks, by_case = ranks_of({one.name: one.instead_of for one in members}), all(one.watches for one in members)
    return Group(capability, ranks, tuple(sorted(captures)), keys, aliases, by_case)


def _place(
    group: Group, agent: str, case: str, captures: Mapping[str, str], triggers: Iterable[Sequence[str]]
) -> Place:
    """What tells one piece of work from another: the case, what all capture, and the versions that all watch."""
    shared = group.aliases[agent]
    versions = sorted(f"{key}@{commit}" for alias, key, commit in triggers if alias in shared)
    # What agents collect is of many cases: those that watch nothing else go by what they capture.
    return (
        group.capability,
        case if group.by_case else "",
        *(captures.get(name, "") for name in group.captures),
        *versions,
    )


def _never(_activation: str) -> bool:
    return False


def _since_ms(work: Work) -> int:
    return max((record.get("ended_ms", 0) for record in work.records.values()), default=0)
