"""What activations have used and may still use: per work item, case and run.

The ledger follows from the activations' records and the dispatches that are under way, so it can be
rebuilt after a crash.  Money is reserved before a call and settled when it ends, in billionths, so that
sums do not drift.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

from controller.entry import POINT, as_units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation, Usage
    from controller.entry import Entry

Scope: TypeAlias = Literal["work_item", "case", "run"]
What: TypeAlias = Literal["attempts", "cost", "tokens", "time", "firings", "overhead"]


@dataclass(frozen=True, slots=True)
class Limit:
    """What one case, or one work item, may use; ``None`` is no limit.

    ``attempts``: calls that have not contributed: those that failed, and those still running.  ``cost``:
    money as agents report it.  ``time_ms``: running time of its calls together.  ``firings``: all its calls, those
    that contributed and those still running too.  ``tokens``: in and out, as agents report them; calls under way may
    take it past the limit by what they use.
    """

    attempts: int | None = None
    cost: float | None = None
    time_ms: int | None = None
    firings: int | None = None
    tokens: int | None = None
    binds: bool = field(init=False, repr=False)
    """whether it limits anything"""

    def __post_init__(self) -> None:
        limited = (self.attempts, self.cost, self.time_ms, self.firings, self.tokens)
        object.__setattr__(self, "binds", any(most is not None for most in limited))


@dataclass(frozen=True, slots=True)
class RunLimit:
    """What the whole run may use; ``None`` is no limit.

    ``time_ms``: from the run's start, by the clock.  ``firings``: all calls.  ``overhead``: the runtime's
    share of the agents' running time, 0.3 for 30 %, judged at the end.  ``unreviewed_critical``: the share of critical
    decisions in which no person had a part, judged at the end.
    """

    time_ms: int | None = None
    cost: float | None = None
    firings: int | None = None
    overhead: float | None = None
    unreviewed_critical: float | None = None
    tokens: int | None = None

    @property
    def binds(self) -> bool:
        """Whether it limits what calls report."""
        return self.cost is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits.  By default there is one: after ``failed_calls`` failed calls a work item is called no more.

    A stated ``work_item.attempts`` takes its place and is stricter: it counts running calls too, so that it
    is never passed, and so bounds how many calls of one work item run side by side.
    """

    case: Limit = Limit()
    work_item: Limit = Limit()
    run: RunLimit = RunLimit()
    failed_calls: int = 5

    @property
    def calls_of_work_item(self) -> int:
        """The failed calls after which a person is asked, across all agents and layers."""
        stated = self.work_item.attempts
        return self.failed_calls if stated is None else stated


class OverBudget(NamedTuple):
    """What a call would not fit into.

    ``spent`` is what has been used for good, ``reserved`` what running calls hold; with what this call
    needs they pass ``limit``.  Costs are money, ``time`` is milliseconds.  ``waits``: the call may fit
    when running ones have ended, so it stays pending; otherwise it never will.
    """

    scope: Scope
    what: What
    limit: float
    spent: float
    reserved: float = 0
    waits: bool = False

    def sentence(self) -> str:
        """The refusal for a person: ``the case has used 0.48 of 0.5 cost``."""
        where = self.scope.replace("_", " ")
        held = f" and {self.reserved:g} more are reserved" if self.reserved else ""
        what = "ms of time" if self.what == "time" else self.what
        return f"the {where} has used {self.spent:g} of {self.limit:g} {what}{held}"


class _Account:
    """One scope's use; costs in billionths.  Running time: each running call counts from its start."""

    __slots__ = ("cost", "failed", "firings", "reserved", "running", "started_ms", "time_ms", "tokens", "unknown")

    def __init__(self) -> None:
        self.failed = 0
        self.firings = 0
        self.tokens = 0
        self.running = 0
        self.cost = 0
        self.reserved = 0
        self.time_ms = 0
        self.started_ms = 0
        self.unknown = 0
        """running calls of which nobody knows what they may cost"""

    def time_used_ms(self, now_ms: int) -> int:
        return self.time_ms + self.running * now_ms - self.started_ms


class _Running(NamedTuple):
    agent: str
    accounts: tuple[_Account, ...]
    started_ms: int
    reserved: int | None


@dataclass(slots=True)
class Ledger:
    """What has been used and reserved.  ``started_ms`` is when the run began.

    No call is let through that would take attempts, firings or reserved money past a limit, in whatever
    order calls start and end.  A call of an agent of which nobody knows what it costs reserves all that is left:
    others wait for its end.  So money passes a limit only by what one call costs above what its agent declared or,
    where it declared nothing, above its dearest call before; and time by what the calls run that were let through
    before it was used up.
    """

    started_ms: int = 0
    firings: int = 0
    _accounts: dict[tuple[Scope, str], _Account] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _dearest: dict[str, int] = field(default_factory=dict)

    @classmethod
    def rebuild(cls, activations: Iterable[tuple[str, Activation]], *, started_ms: int = 0) -> Self:
        """The ledger that follows from the records: ``(activation id, record)`` in any order."""
        ledger = cls(started_ms)
        for activation, record in activations:
            ledger._add_record(activation, record)
        return ledger

    def check(self, entry: Entry, limits: Limits, now_ms: int, *, max_cost: float | None = None) -> OverBudget | None:
        """``None`` if ``entry`` may be called now, else the first limit that it does not fit into.

        ``max_cost`` is what the agent declares that a call costs at most; the default is the most that a
        call of it has cost so far.  A call that a person asked for needs no check.
        """
        need = self._need(entry.agent, max_cost)
        run = limits.run
        if run.firings is not None and self.firings >= run.firings:
            return OverBudget("run", "firings", run.firings, self.firings)
        if run.time_ms is not None and now_ms - self.started_ms >= run.time_ms:
            return OverBudget("run", "time", run.time_ms, now_ms - self.started_ms)
        scopes: tuple[tuple[Scope, str, Limit | RunLimit], ...] = (
            ("work_item", entry.work_item, limits.work_item),
            ("case", entry.case, limits.case),
            ("run", "", run),
        )
        for scope, name, limit in scopes:
            if not limit.binds:
                continue
            account = self._accounts.get((scope, name)) or _Account()
            over = _over_money(scope, limit.cost, account, need)
            if over is None and limit.tokens is not None and account.tokens >= limit.tokens:
                over = OverBudget(scope, "tokens", limit.tokens, account.tokens)
            if over is None and isinstance(limit, Limit):
                over = _over_calls(scope, limit, account, now_ms)
            if over is not None:
                return over
        failed = self.attempts(entry.work_item)
        if failed >= limits.calls_of_work_item:
            return OverBudget("work_item", "attempts", limits.calls_of_work_item, failed)
        return None

    def note_dispatch(self, entry: Entry, now_ms: int, *, max_cost: float | None = None) -> None:
        """A call starts: count it, and reserve what it may cost.

        Raises ``ValueError`` if one of that activation is running already.
        """
        accounts = self._accounts_of(entry.work_item, entry.case)
        self._start(entry.activation, entry.agent, accounts, now_ms, self._need(entry.agent, max_cost))

    def note_end(
        self,
        activation: str,
        now_ms: int,
        *,
        cost: float = 0.0,
        tokens: int = 0,
        failed: bool = False,
        counts: bool = True,
    ) -> None:
        """The call ended: settle its reservation with what it cost.  Nothing happens if none is running.

        ``failed`` counts it as an attempt.  ``counts=False`` is for one handed back by a clean stop: it was
        no call at all, but what it cost and how long it ran stay on the account.
        """
        running = self._running.pop(activation, None)
        if running is None:
            return
        for account in running.accounts:
            account.running -= 1
            account.started_ms -= running.started_ms
            account.tokens += tokens
            account.firings -= not counts
            if running.reserved is None:
                account.unknown -= 1
            else:
                account.reserved -= running.reserved
        self.firings -= not counts
        self._settle(running.agent, running.accounts, now_ms - running.started_ms, cost, failed=failed and counts)
        if counts:
            self._learn(running.agent, cost)

    def note_rejected(self, work_item: str, case: str, times: int = 1) -> None:
        """A call that had ended well counts as failed after all (1), or does not (-1)."""
        for account in self._accounts_of(work_item, case):
            account.failed += times

    def attempts(self, work_item: str) -> int:
        """The calls for that work item that failed: what the retry ladder counts."""
        account = self._accounts.get(("work_item", work_item))
        return account.failed if account else 0

    def cost(self, scope: Scope, name: str = "") -> float:
        """The money used for good by that work item, case, or run (whose name is ``""``)."""
        account = self._accounts.get((scope, name))
        return account.cost / POINT if account else 0.0

    def time_ms(self, scope: Scope, name: str, now_ms: int) -> int:
        """The running time of the calls of that scope so far, those under way included."""
        account = self._accounts.get((scope, name))
        return account.time_used_ms(now_ms) if account else 0

    def _start(
        self, activation: str, agent: str, accounts: tuple[_Account, ...], now_ms: int, reserved: int | None
    ) -> None:
        if activation in self._running:
            raise ValueError(f"{activation} is running already")
        for account in accounts:
            account.firings += 1
            account.running += 1
            account.started_ms += now_ms
            if reserved is None:
                account.unknown += 1
            else:
                account.reserved += reserved
        self.firings += 1
        self._running[activation] = _Running(agent, accounts, now_ms, reserved)

    def _need(self, agent: str, max_cost: float | None) -> int | None:
        """What a call may cost, ``None`` where nobody knows."""
        return self._dearest.get(agent) if max_cost is None else as_units(max_cost, f"the cost of {agent}")

    def _learn(self, agent: str, cost: float) -> None:
        units = as_units(cost, f"the cost of {agent}") if cost else 0
        if units > self._dearest.get(agent, -1):
            self._dearest[agent] = units

    def _accounts_of(self, work_item: str, case: str) -> tuple[_Account, ...]:
        found = []
        names: tuple[tuple[Scope, str], ...] = (("work_item", work_item), ("case", case), ("run", ""))
        for name in names:
            account = self._accounts.get(name)
            if account is None:
                account = self._accounts[name] = _Account()
            found.append(account)
        return tuple(found)

    def _settle(self, agent: str, accounts: tuple[_Account, ...], ran_ms: int, cost: float, *, failed: bool) -> None:
        units = as_units(cost, f"the cost of {agent}") if cost else 0
        for account in accounts:
            account.cost += units
            account.time_ms += ran_ms
            account.failed += failed

    def _add_record(self, activation: str, record: Activation) -> None:
        agent, finished = record["agent"], record.get("attempts", [])
        accounts, tokens = self._accounts_of(record["work_item"], record["case"]), 0
        for one in finished:
            self._settle(agent, accounts, one["ended_ms"] - one["started_ms"], one["cost"], failed=True)
            self._learn(agent, one["cost"])
            tokens += tokens_of(one.get("usage", ()))
        made = len(finished)
        if record["state"] == "running":
            self._start(activation, agent, accounts, record["dispatched_ms"], self._need(agent, None))
        elif record["attempt"] > len(finished) and record["state"] != "pending":
            made += 1
            cost = sum(usage["cost"] for usage in record.get("usage", []))
            self._settle(agent, accounts, record.get("run_us", 0) // 1000, cost, failed=False)
            self._learn(agent, cost)
            tokens += tokens_of(record.get("usage", ()))
        self.firings += made
        for account in accounts:
            account.firings += made
            account.tokens += tokens


def tokens_of(usages: Iterable[Usage]) -> int:
    """The tokens, in and out, that an agent has reported."""
    return sum(usage["input_tokens"] + usage["output_tokens"] for usage in usages)


def _over_money(scope: Scope, limit: float | None, account: _Account, need: int | None) -> OverBudget | None:
    if limit is None:
        return None
    most = as_units(limit, f"the limit of the {scope}'s cost")
    least = need if need is not None else min(1, most)  # one that may cost anything needs that something is left
    waits_for_unknown = account.unknown > 0 and least > 0
    if not waits_for_unknown and account.cost + account.reserved + least <= most:
        return None
    held = most - account.cost if waits_for_unknown else account.reserved
    waits = account.running > 0 and account.cost + least <= most
    return OverBudget(scope, "cost", limit, account.cost / POINT, held / POINT, waits)


def _over_calls(scope: Scope, limit: Limit, account: _Account, now_ms: int) -> OverBudget | None:
    if limit.firings is not None and account.firings >= limit.firings:
        return OverBudget(scope, "firings", limit.firings, account.firings)
    if limit.attempts is not None and account.failed + account.running >= limit.attempts:
        waits = account.failed < limit.attempts
        return OverBudget(scope, "attempts", limit.attempts, account.failed, account.running, waits)
    if limit.time_ms is not None:
        used_ms = account.time_used_ms(now_ms)
        if used_ms >= limit.time_ms:
            return OverBudget(scope, "time", limit.time_ms, used_ms)
    return None


def overhead_exceeded(limits: Limits, runtime_ms: float, agents_ms: float) -> OverBudget | None:
    """Whether the runtime took a larger share of the agents' running time than the run allows."""
    allowed = limits.run.overhead
    if allowed is None or runtime_ms <= allowed * agents_ms:
        return None
    return OverBudget("run", "overhead", allowed, runtime_ms / agents_ms if agents_ms else float("inf"))
