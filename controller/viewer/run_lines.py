"""What is told of a run, line by line: each a label and what is said of it at a given time."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.wording import counted, span
from controller.meter import PHASES
from controller.viewer.amounts import clock, lasted, money, points, sentence, thousands
from controller.viewer.census import STANDINGS
from controller.viewer.line import Span, said
from controller.viewer.panes.stops import stops
from controller.viewer.run_limits import RunLimits
from controller.wait_chart import lines as wait_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from blackboard.control_records import Override, Phase, Run
    from controller.viewer.census import Census, Standing
    from controller.viewer.line import Meaning
    from controller.viewer.model import Model
    from controller.viewer.rates import Rates
    from controller.viewer.spending import Spent

    Spans = tuple[Span, ...]

BAR: Final = 20
"""cells of a bar that is full"""
MOST_LINES: Final = 20
"""of what there may be many, told one by one"""
NEAR: Final = 0.8
"""the share of a limit from which on it is warned of"""
STATUSES: Final[dict[str, Meaning]] = {
    "running": "good", "finished": "good", "awaiting": "warn", "timed_out": "bad", "stalled": "bad",
    "interrupted": "warn",
}  # fmt: skip
CASES: Final[dict[Standing, Meaning]] = {"completed": "good", "awaiting a person": "warn", "failed": "bad"}


class Told(NamedTuple):
    """One line."""

    name: str
    label: str
    spans: Callable[[int], Spans]
    """what is said, by the time in ms"""


def run_lines(model: Model, census: Census, spent: Spent, rates_at: Callable[[int], Rates]) -> Iterator[Told]:
    """The lines of the run on ``model``, what matters most first."""
    run: Run | None = model.run
    yield from _stopped(model)
    yield Told("run", "run", lambda now_ms: _run(run, now_ms))
    yield from _waits(run)
    yield Told("cases", "cases", lambda _: tuple(_cases(census)))
    if census.asked:
        yield _still("people", _people(census, model))
    yield Told("rates", "rates", lambda now_ms: _rates(rates_at(now_ms)))
    yield _still("load", _load(model, spent))
    yield from _budget(run, spent)
    yield from _overhead(run)
    if spent.conflicts:
        yield _still("conflicts", Span(f"{counted(spent.conflicts, 'contribution')} refused and tried again"))
    if model.overrides:
        yield _still("orders", Span(_orders(record.value for record in model.overrides.values())))
    yield Told("agenda", "agenda", lambda now_ms: (_agenda(model, now_ms),))
    yield from _rejected(run)
    yield from _unsound(model)


def status_of(run: Run) -> Span:
    """How a run stands."""
    return Span(run["status"].replace("_", " "), STATUSES[run["status"]])


def bar(share: float) -> str:
    """A share as a bar of :data:`BAR` cells; what is more than nothing is seen."""
    filled = max(1, round(min(share, 1.0) * BAR)) if share > 0 else 0
    return "▇" * filled + " " * (BAR - filled)


def _still(name: str, *spans: Span, label: str | None = None) -> Told:
    """A line that says the same at any time."""
    return Told(name, name if label is None else label, lambda _: spans)


def _stopped(model: Model) -> Iterator[Told]:
    for stop in stops(model):
        if stop.holds:
            yield _still(f"stop {stop.name}", said(stop.text, "warn"), label="stopped")


def _run(run: Run | None, now_ms: int) -> Spans:
    if run is None:
        return (Span("nothing was run on this board", "dim"),)
    scenario, started_ms = said(sentence(run["scenario"]), "name"), run["started_ms"]
    if "ended_ms" in run and run["status"] != "running":
        until_ms = run["ended_ms"]
        when = f" since {clock(until_ms)}, after {lasted(until_ms - started_ms)}"
    else:
        when = f" since {clock(started_ms)}, for {span(now_ms - started_ms)}"
    return (scenario, Span("  "), status_of(run), Span(when))


def _cases(census: Census) -> Iterator[Span]:
    counts, total = census.counts, census.total
    yield Span(f"{total:,}")
    if not total:
        return
    at_rest = counts["completed"] + counts["failed"]
    yield Span(f"  {bar(at_rest / total)} ", "good")
    yield Span(f"{at_rest / total:.0%} at rest")
    for at, standing in enumerate(one for one in STANDINGS if counts[one]):
        yield Span(": " if not at else ", ")
        yield Span(f"{counts[standing]:,} {standing}", CASES.get(standing, ""))


def _people(census: Census, model: Model) -> Span:
    asked, total = len(census.asked), max(census.total, 1)
    waiting = sum(record.value["status"] == "open" for record in model.questions.values())
    share = f"{asked / total:.1%} of the cases, {asked:,}, went to people"
    return Span(f"{share}; {counted(waiting, 'question')} open", "warn" if waiting else "")


def _rejected(run: Run | None) -> Iterator[Told]:
    if run is None or not run.get("rejected_count"):
        return
    yield _still(
        "rejected", Span(f"{counted(run.get('rejected_count', 0), 'line')} of the input could not be fed", "bad")
    )
    for at, one in enumerate(run.get("rejected_input", ())[:MOST_LINES]):
        yield _still(f"rejected {at}", said(f"line {one['line']}: {sentence(one['reason'])}", "dim"), label="")


def _rates(found: Rates) -> Spans:
    told = f"{points(found.commits)} commits/s, {points(found.activations)} activations/s, "
    over = Span(f"  over {lasted(found.window_ms)}", "dim")
    refusals = Span(f"{points(found.refusals)} refusals/s", "warn" if found.refusals else "")
    return (Span(told), refusals, over)


def _load(model: Model, spent: Spent) -> Span:
    agenda = model.agenda
    if agenda is None:
        return Span(f"{spent.running:,} running, {spent.waiting:,} waiting")
    most = f" of at most {agenda['max_running']:,}" if agenda.get("max_running") else ""
    return Span(f"{spent.running:,} running{most}, {agenda['pending_count']:,} pending")


def _budget(run: Run | None, spent: Spent) -> Iterator[Told]:
    """What was used, against what the run may use where that is limited."""
    limits = RunLimits.of(run)
    yield _still("cost", *_used(spent.cost, limits.cost, money))
    if spent.failed_cost or spent.failed_calls:
        share = f" ({min(1.0, spent.failed_cost / spent.cost):.0%})" if spent.cost > 0 else ""
        failed = f"{counted(spent.failed_calls, 'call')}; {money(spent.failed_cost)} of the cost{share} bought nothing"
        yield _still("failed", Span(failed, "bad"))
    if spent.tokens or limits.tokens is not None:
        yield _still("tokens", *_used(spent.tokens, limits.tokens, lambda number: thousands(round(number))))
    yield _still("calls", *_used(spent.calls, limits.firings, lambda number: f"{number:,.0f}"))
    if run is not None and limits.time_ms is not None:
        started_ms, ended_ms, most = run["started_ms"], run.get("ended_ms"), limits.time_ms

        def time(now_ms: int) -> Spans:
            until_ms = now_ms if ended_ms is None or run["status"] == "running" else ended_ms
            return _used(max(0, until_ms - started_ms), most, lambda number: lasted(round(number)))

        yield Told("time", "time", time)


def _used(used: float, most: float | None, worded: Callable[[float], str]) -> Spans:
    if most is None:
        return (Span(worded(used)),)
    share = used / most
    meaning: Meaning = "bad" if share >= 1 else "warn" if share >= NEAR else "good"
    return (Span(f"{worded(used)} of {worded(most)}  "), Span(bar(share), meaning), Span(f" {min(share, 9.99):.0%}"))


def _overhead(run: Run | None) -> Iterator[Told]:
    measured = run.get("overhead") if run is not None else None
    if run is None or not measured:
        return
    together = max(0.0, sum(phase["share"] for phase in measured.values()))
    seconds = sum(phase["seconds"] for phase in measured.values())
    inside = f"{run.get('agents_seconds', 0.0):.2f} s inside agents"
    if together > 1:  # of next to nothing a share is a large number that tells nothing
        yield _still("overhead", Span(f"{seconds:.2f} s beside {inside}"))
    else:
        allowed = RunLimits.of(run).overhead
        most = f", {allowed:.0%} allowed" if allowed is not None else ""
        above = allowed is not None and together > allowed
        yield _still("overhead", Span(f"{together:.1%} of {inside}{most}", "bad" if above else ""))
    greatest = max(phase["share"] for phase in measured.values())
    names = [name for name in PHASES if name in measured] + sorted(measured.keys() - set(PHASES))
    for name in names[:MOST_LINES]:
        yield _still(f"overhead {name}", *_phase(measured[name], greatest, together), label=f"  {name}")


def _phase(phase: Phase, greatest: float, together: float) -> Spans:
    figure = f"{phase['share']:.1%}" if together <= 1 else f"{phase['seconds']:.3f} s"
    return (Span(bar(phase["share"] / greatest if greatest > 0 else 0.0), "dim"), Span(f" {figure}"))


def _orders(orders: Iterable[Override]) -> str:
    found = list(orders)
    verbs = Counter(order["verb"] for order in found)
    told = ", ".join(f"{verb} {count:,}" for verb, count in sorted(verbs.items(), key=lambda one: (-one[1], one[0])))
    states = Counter(order["status"] for order in found)
    rest = [f"{states[state]:,} {state}" for state in ("open", "standing", "refused") if states[state]]
    return f"{told}{'; ' if rest else ''}{', '.join(rest)}"


def _agenda(model: Model, now_ms: int) -> Span:
    agenda = model.agenda
    if agenda is None:
        return Span(
            "nobody leads this board" if not model.leader else f"that of {sentence(model.leader)} is not known", "dim"
        )
    if agenda.get("told_from"):
        return Span("told from the records", "dim")
    return said(f"told {lasted(now_ms - agenda['at_ms'])} ago by {sentence(agenda['member'])}", "dim")


def _waits(run: Run | None) -> Iterator[Told]:
    """Who waits for whom, where the run ended because of that."""
    graph = run.get("waits") if run is not None else None
    if graph is not None:
        for at, text in enumerate(islice(wait_lines(graph), MOST_LINES)):
            yield _still(f"waits {at}", said(text[:1_000], "bad"), label="" if at else "waits")


def _unsound(model: Model) -> Iterator[Told]:
    for at, text in enumerate(islice(model.unsound.values(), MOST_LINES)):
        yield _still(f"unsound {at}", said(sentence(text), "bad"), label="" if at else "unsound")
    more = len(model.unsound) - MOST_LINES
    if more > 0:
        yield _still(
            "unsound more", Span(f"… and {counted(more, 'more record')} that nobody can read", "bad"), label=""
        )
