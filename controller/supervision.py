"""Who is asked about an activation that is late, has failed or stands still: supervisors in turn, then a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from blackboard.control_records import ATTENTION
from blackboard.wording import first_line, seconds
from controller.recovery import AskPerson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from blackboard.control_records import Attention, FailureClass

HUMAN: Final = "human"
"""The rung of a ladder that is a person.  Every ladder ends with it, written down or not; no agent has this name."""

DEFAULT_ANSWER_MS: Final = 30_000
"""How long a supervisor has where neither it nor the activation states a ``respond_within``."""

Kind: TypeAlias = "Literal['overdue', 'failed', 'stalled']"


class AskSupervisor(NamedTuple):
    """The supervisor at rung ``step`` of the ladder is asked, and has until ``deadline_ms``."""

    supervisor: str
    step: int
    times: int
    deadline_ms: int


class Subject(NamedTuple):
    """The activation that a supervisor is asked about, running or still pending."""

    activation: str
    agent: str
    capability: str
    case: str
    captures: Mapping[str, str]
    eligible_ms: int
    tale: str = ""
    """what was tried and came to nothing, where anything was"""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is asked in turn (``escalate``), and how long the agent has (``respond_within_ms``; ``None``: for ever).

    A supervisor is asked again when an extension that it gave has run out.  After ``asks_per_rung`` times the
    next on the ladder is asked instead, after twice as many the one after that: nothing is extended for ever.
    """

    escalate: tuple[str, ...] = ()
    respond_within_ms: int | None = None
    asks_per_rung: int = 3

    def first_deadline(self, eligible_ms: int) -> int | None:
        """When the activation becomes overdue: counted from its eligibility, so waiting on the agenda is in it."""
        return None if self.respond_within_ms is None else eligible_ms + self.respond_within_ms

    def ask(
        self, subject: Subject, now_ms: int, roster: Mapping[str, int | None], last: Attention | None = None
    ) -> AskSupervisor | AskPerson:
        """Whom to ask now that ``subject`` is overdue, has failed or stands still.

        ``last`` is the attention record of its last time, if there was one: its supervisor has answered,
        and is asked again.  ``roster`` holds the supervisors that are ready, each with its own
        ``respond_within`` in milliseconds; others are passed over.
        """
        if last is None:
            return self._ask_from(0, 1, subject, now_ms, roster)
        times = last["times"] + 1
        asked_out = times > self.asks_per_rung * (last["step"] + 1)
        return self._ask_from(last["step"] + asked_out, times, subject, now_ms, roster)

    def step(
        self, attention: Attention, subject: Subject, now_ms: int, roster: Mapping[str, int | None]
    ) -> AskSupervisor | AskPerson | None:
        """Whom to ask after the supervisor that ``attention`` addresses; ``None`` while that one has time.

        One that is no longer ready has no time.
        """
        if now_ms < attention["deadline_ms"] and attention["addressed"] in roster:
            return None
        return self._ask_from(attention["step"] + 1, attention["times"], subject, now_ms, roster)

    def _ask_from(
        self, step: int, times: int, subject: Subject, now_ms: int, roster: Mapping[str, int | None]
    ) -> AskSupervisor | AskPerson:
        for rung in range(step, len(self.escalate)):
            name = self.escalate[rung]
            if name == HUMAN:
                break
            if name in roster and name != subject.agent:
                answer_ms = roster[name] or self.respond_within_ms or DEFAULT_ANSWER_MS
                return AskSupervisor(name, rung, times, now_ms + answer_ms)
        asked = [name for name in self.escalate[:step] if name != HUMAN]
        silent = f"{' and '.join(asked)} did not settle it" if asked else "it has no supervisor"
        if not asked and any(name != HUMAN for name in self.escalate):
            silent = "none of its supervisors is there"
        late = f"{subject.agent} has taken {seconds(now_ms - subject.eligible_ms)} for {subject.case}"
        return AskPerson(f"{subject.tale or late}, and {silent}; waiting for a person")


def attention_key(kind: Kind, activation: str) -> str:
    """The record key: one per kind and activation, written anew each time."""
    return f"{ATTENTION}{kind}/{activation}"


def attention(
    ask: AskSupervisor, subject: Subject, now_ms: int, *, kind: Kind, failure: FailureClass = "slow", reason: str = ""
) -> Attention:
    """The record that makes the supervisor of ``ask`` fire; ``reason`` is composed where it is not given."""
    waited_ms = now_ms - subject.eligible_ms
    told = f"{subject.agent} has taken {seconds(waited_ms)} for {subject.case}; {ask.supervisor} decides"
    return {
        "kind": kind,
        "activation": subject.activation,
        "agent": subject.agent,
        "capability": subject.capability,
        "case": subject.case,
        "captures": dict(subject.captures),
        "times": ask.times,
        "step": ask.step,
        "addressed": ask.supervisor,
        "deadline_ms": ask.deadline_ms,
        "failure": failure,
        "reason": first_line(reason) or told,
        "waited_ms": waited_ms,
    }
