"""The agents: whether they can be called, what they do now, and how they have done so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.control_records import AGENTS
from controller.viewer.amounts import LONGEST, clock, lasted, money, sentence, thousands
from controller.viewer.line import Column, Span
from controller.viewer.panes.listed import Cell, ListedPane
from controller.viewer.tally import Tally
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Agent, BreakerRecord
    from controller.viewer.line import Meaning
    from controller.viewer.listing import Place
    from controller.viewer.model import Model
    from knowledge_sources.performance import Performance

NONE: Final = Tally().performance


class Member(NamedTuple):
    """One of the registry, with what it has done and its breaker where that was ever opened."""

    entry: Agent
    did: Performance
    breaker: BreakerRecord | None

    @property
    def blocked(self) -> bool:
        """Whether its breaker lets no call, or one alone, through."""
        return self.breaker is not None and self.breaker["state"] != "closed"


class AgentsPane(ListedPane[Member]):
    """One row an agent; enter opens it."""

    name = "agents"
    sorts: tuple[str, ...] = ("name", "load", "success", "latency", "cost", "failed")
    cells: tuple[Cell, ...] = (
        Cell(Column("agent", 15, 2)),
        Cell(Column("kind", 10), 104),
        Cell(Column("status", 9)),
        Cell(Column("level", 8), 104),
        Cell(Column("load", 7, right=True)),
        Cell(Column("done", 6, right=True)),
        Cell(Column("success", 7, right=True)),
        Cell(Column("median", 7, right=True)),
        Cell(Column("tokens", 13, right=True), 150),
        Cell(Column("cost", 8, right=True)),
        Cell(Column("failed", 6, right=True)),
        Cell(Column("overruled", 9, right=True), 170),
        Cell(Column("watches", 14, 4), 120),
    )

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._seen: dict[str, tuple[str, str, int]] = {}
        """the commits of an agent's entry and breaker, and the state of its tally, that its row is of"""

    @property
    def title(self) -> str:
        """How many there are."""
        return f"Agents · {self._listing.count:,}"

    def refresh(self) -> None:
        """Take in what has changed in the model since the last call."""
        model = self._model
        for name in self._seen.keys() - model.agents.keys():
            del self._seen[name]
            self._listing.drop(name)
        for name, record in model.agents.items():
            tally, breaker = model.tallies.get(name), model.breakers.get(name)
            seen = record.commit, breaker.commit if breaker is not None else "", tally.changes if tally else 0
            if seen != self._seen.get(name):
                self._seen[name] = seen
                did = tally.performance if tally is not None else NONE
                self._listing.put(name, Member(record.value, did, breaker.value if breaker is not None else None))

    def place(self, identity: str, item: Member) -> Place:
        did = item.did
        match self.sort:
            case "load":
                return (-did.running, -did.waiting, identity)
            case "success":
                return (did.success is None, did.success or 0.0, identity)
            case "latency":
                return (-(did.median_ms or 0.0), identity)
            case "cost":
                return (-did.cost, identity)
            case "failed":
                return (-did.failed_calls, identity)
            case _:
                return (identity,)

    def told(self, identity: str, item: Member, now_ms: int) -> Mapping[str, Span]:
        entry, did = item.entry, item.did
        failing: Meaning = "bad" if did.failed_calls else "dim"
        tokens = f"{thousands(did.input_tokens)}/{thousands(did.output_tokens)}"
        return {
            "agent": Span(identity, "name"),
            "kind": Span(_kind(entry)),
            "status": _status(item),
            "level": Span(entry["level"]),
            "load": Span(f"{thousands(did.running)}/{thousands(did.waiting)}", "good" if did.running else "dim"),
            "done": Span(thousands(did.executed)),
            "success": Span("" if did.success is None else f"{did.success:.0%}"),
            "median": Span("" if did.median_ms is None else _latency(did.median_ms)),
            "tokens": Span(tokens if did.input_tokens or did.output_tokens else "", "dim"),
            "cost": Span(money(did.cost), "" if did.cost else "dim"),
            "failed": Span(thousands(did.failed_calls), failing),
            "overruled": Span(thousands(did.overruled), "" if did.overruled else "dim"),
            "watches": _about(item),
        }

    def document(self, identity: str, item: Member) -> Mapping[str, Any]:
        state = item.breaker["state"] if item.breaker is not None else "closed"
        return {**item.entry, **item.did._asdict(), "key": AGENTS + identity, "agent": identity, "breaker": state}

    def words(self, identity: str, item: Member) -> str:
        entry = item.entry
        capabilities = " ".join(entry["capabilities"])
        return f"{identity} {_kind(entry)} {_status(item).text} {entry['level']} {capabilities} {_about(item).text}"

    def target_of(self, identity: str, item: Member) -> Target | None:
        return Target("agent", identity)


def _kind(entry: Agent) -> str:
    """What it is: a supervisor, or what it goes by where it says so."""
    return entry["kind"] if entry["kind"] == "supervisor" else entry.get("type", entry["kind"])


def _status(item: Member) -> Span:
    status = item.entry["status"]
    if status != "ready":
        return Span(status, "bad" if status == "broken" else "dim")
    if item.breaker is not None and item.blocked:
        return Span(item.breaker["state"].replace("_", " "), "bad" if item.breaker["state"] == "open" else "warn")
    return Span(status, "good")


def _about(item: Member) -> Span:
    """Why it cannot be called, where that is so; else what it watches."""
    entry, breaker = item.entry, item.breaker
    if entry["status"] == "broken":
        return Span(_last_line(entry.get("error", "")), "bad")
    if breaker is not None and breaker["state"] == "open":
        return Span(f"breaker open until {clock(breaker['until_ms'])}: {sentence(breaker['reason'])}", "bad")
    if breaker is not None and breaker["state"] == "half_open":
        return Span(f"breaker lets one call through; it had opened: {sentence(breaker['reason'])}", "warn")
    patterns = [*entry["watches"].values(), *(one["pattern"] for one in entry.get("collects", {}).values())]
    every = f"every {lasted(entry['every_ms'])}, " if "every_ms" in entry else ""
    return Span((every + ", ".join(patterns)).rstrip(", "), "dim")


def _latency(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms" if milliseconds < 100 else lasted(round(milliseconds))


def _last_line(traceback: str) -> str:
    """What was raised, which a traceback says last."""
    return traceback[-LONGEST:].rstrip().rpartition("\n")[2].strip()
