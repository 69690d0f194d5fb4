"""A report as a person reads it in a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from blackboard.console import shown, table
from controller.wait_chart import lines as wait_lines
from scenarios.figures import OVERHEAD_RULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.console import SafeConsole
    from blackboard.control_records import WaitGraph
    from scenarios.case_path import CasePath, Step
    from scenarios.figures import (
        AgentLine,
        CaseLine,
        Overhead,
        Percentiles,
        PhaseLine,
        Projection,
        Report,
        RungLine,
        Totals,
    )

REJECTED_SHOWN = 10
UNMATCHED_SHOWN = 5
UNDONE_SHOWN = 10
_STYLES = {"completed": "green", "awaiting a person": "yellow", "failed": "red", "rejected": "magenta"}


def render_report(console: SafeConsole, report: Report) -> None:
    """Write all of ``report``."""
    title = " ".join(part for part in (report.scenario, report.status) if part)
    seconds = max(0, report.ended_ms - report.started_ms) / 1000
    console.print(shown(f"{report.board}: {title or 'no run recorded'}, {seconds:.1f} s", "bold"))
    _render_outcomes(console, report)
    if report.path is not None:
        _render_path(console, report.path)
    if report.agents:
        _render_agents(console, report)
    if report.dearest and report.totals.cases > 1:
        _render_cases(console, report.dearest)
    if report.waits is not None:
        _render_waits(console, report.waits)
    if report.rungs:
        _render_rungs(console, report.rungs)
    _render_undone(console, report)
    _render_totals(console, report.totals, report.projection)
    _render_overhead(console, report.overhead)


def _render_outcomes(console: SafeConsole, report: Report) -> None:
    console.print()
    console.print(shown("Cases", "bold"))
    rows = [(shown(o.kind, _STYLES.get(o.kind, "")), o.outcome, f"{o.cases:,}") for o in report.outcomes]
    console.print(table(("class", "outcome", "cases"), rows, right=("cases",)) if rows else shown("  none"))
    for rejected in report.rejected_input[:REJECTED_SHOWN]:
        line = rejected.get("line", 0)
        where = f"line {line}: " if line else ""
        console.print(shown(f"  rejected {where}{rejected.get('reason', '')}", "dim"))
    if report.unmatched:
        first = ", ".join(report.unmatched[:UNMATCHED_SHOWN])
        more = "…" if len(report.unmatched) > UNMATCHED_SHOWN else ""
        console.print(shown(f"  no reflex agent matched {len(report.unmatched):,} of them: {first}{more}", "yellow"))
    left = sum(o.cases for o in report.outcomes if o.kind == "rejected") - REJECTED_SHOWN
    if left > 0:
        console.print(shown(f"  and {left:,} more rejected", "dim"))


def _render_path(console: SafeConsole, path: CasePath) -> None:
    console.print()
    outcome = f": {path.outcome}" if path.outcome else ""
    console.print(shown(f"How {path.case} was decided{outcome}", "bold"))
    rows = [(index, step.agent, step.state, f"{step.rank} of {step.eligible}", f"{step.waited_ms:,}",
             _number(step.run_ms), _remark(step)) for index, step in enumerate(path.steps, 1)]  # fmt: skip
    columns = ("", "agent", "became", "chosen", "waited ms", "ran ms", "")
    console.print(table(columns, rows, right=("waited ms", "ran ms")) if rows else shown("  nobody fired for it"))


def _remark(step: Step) -> str:
    """What is worth knowing of a step beside its figures."""
    parts = []
    if step.decided_by:
        parts.append(f"decided by {step.decided_by}")
    if step.override:
        parts.append(f"moved by {step.override}")
    if step.winner:
        parts.append(f"{step.winner} was first")
    if step.attempt > 1:
        parts.append(f"call {step.attempt}")
    if step.reason:
        parts.append(step.reason)
    others = [agent for agent in dict.fromkeys(step.instead_of) if agent != step.agent][:3]
    if others:
        parts.append(f"also eligible: {', '.join(others)}")
    return "; ".join(parts)


def _render_agents(console: SafeConsole, report: Report) -> None:
    """One row an agent; what no agent has anything of is left out, so that the table fits a terminal."""
    console.print()
    console.print(shown("Agents", "bold"))
    lines = report.agents
    columns: list[tuple[str, list[str]]] = [
        ("agent", [line.agent for line in lines]),
        ("fired", [f"{line.activations:,}" for line in lines]),
        ("executed", [f"{line.executed:,}" for line in lines]),
        ("overruled", [f"{line.overruled:,}" for line in lines]),
        ("escalated", [f"{line.escalated:,}" for line in lines]),
        ("failed", [f"{line.failed:,}" for line in lines]),
        ("obviated", [f"{line.obviated:,}" for line in lines]),
        ("retries", [f"{line.retries:,}" for line in lines]),
        ("conflicts", [f"{line.conflicts:,}" for line in lines]),
        ("latency ms", [_pair(line.latency) for line in lines]),
        ("run ms", [_pair(line.run_time) for line in lines]),
        ("tokens", [_tokens(line) for line in lines]),
        ("cost", [_money(line.cost) if line.cost else "0" for line in lines]),
    ]
    kept = [(name, cells) for name, cells in columns if set(cells) != {"0"}]
    names = [name for name, _ in kept]
    console.print(table(names, zip(*(cells for _, cells in kept), strict=True), right=names[1:]))
    console.print(shown("  latency: from eligible to contribution; both times p50/p99; tokens in/out", "dim"))


def _render_cases(console: SafeConsole, lines: Sequence[CaseLine]) -> None:
    console.print()
    costly = any(line.cost for line in lines)
    console.print(shown(f"The cases that {'cost the most' if costly else 'took the longest'}", "bold"))
    columns: list[tuple[str, list[str]]] = [
        ("case", [line.case for line in lines]),
        ("fired", [f"{line.activations:,}" for line in lines]),
        ("calls", [f"{line.calls:,}" for line in lines]),
        ("took ms", [f"{line.took_ms:,}" for line in lines]),
        ("tokens", [_tokens(line) for line in lines]),
        ("cost", [_money(line.cost) if line.cost else "0" for line in lines]),
        ("of it failed", [_money(line.failed_cost) if line.failed_cost else "0" for line in lines]),
    ]
    kept = [(name, cells) for name, cells in columns if set(cells) != {"0"}]
    names = [name for name, _ in kept]
    console.print(table(names, zip(*(cells for _, cells in kept), strict=True), right=names[1:]))


def _render_waits(console: SafeConsole, graph: WaitGraph) -> None:
    console.print()
    console.print(shown("Waiting for each other", "bold red"))
    for line in wait_lines(graph):
        console.print(shown(f"  {line}"))


def _render_rungs(console: SafeConsole, rungs: Sequence[RungLine]) -> None:
    """The ladders: who was asked first, and what that saved against the last."""
    console.print()
    console.print(shown("Ladders", "bold"))
    columns = ("capability", "agent", "asked", "answered", "passed on", "cost", "saved")
    rows = [
        (line.capability, line.agent, f"{line.asked:,}", f"{line.answered:,}", f"{line.passed_on:,}", _money(line.cost),
         "–" if line.saved is None else _money(line.saved))
        for line in rungs
    ]  # fmt: skip
    console.print(table(columns, rows, right=columns[2:]))
    saved = math.fsum(line.saved for line in rungs if line.saved is not None)
    if saved > 0:
        console.print(shown(f"  saved {_money(saved)} against asking the last of each at once", "dim"))


def _render_undone(console: SafeConsole, report: Report) -> None:
    if not report.undone_count:
        return
    console.print()
    console.print(shown("Not done", "bold"))
    for one in report.undone[:UNDONE_SHOWN]:
        console.print(shown(f"  {one.kind}: {one.sentence}"))
    if report.undone_count > UNDONE_SHOWN:
        console.print(shown(f"  and {report.undone_count - UNDONE_SHOWN:,} more", "dim"))


def _tokens(line: AgentLine | CaseLine) -> str:
    return f"{line.input_tokens:,}/{line.output_tokens:,}" if line.input_tokens or line.output_tokens else "0"


def _render_totals(console: SafeConsole, totals: Totals, projection: Projection | None) -> None:
    console.print()
    console.print(shown("Total", "bold"))
    rows = [
        ("activations", f"{totals.activations:,}"),
        ("conflicts", f"{totals.conflicts:,}"),
        ("retries", f"{totals.retries:,}"),
        (
            "escalations",
            f"{totals.escalations:,} ({totals.escalations_open:,} open), {totals.people_share:.1%} of cases",
        ),
        ("tokens in/out", f"{totals.input_tokens:,}/{totals.output_tokens:,}"),
        ("cost", _money(totals.cost)),
        ("of it failed attempts", f"{_money(totals.failed_cost)}{_share_of(totals.failed_cost, totals.cost)}"),
    ]
    if totals.failed_attempts:
        rows.insert(3, ("failed attempts", f"{totals.failed_attempts:,}"))
    if totals.critical:
        share = _share_of(totals.critical_unreviewed, totals.critical)
        rows.append(
            ("critical decisions", f"{totals.critical:,}, without a person {totals.critical_unreviewed:,}{share}")
        )
    if totals.let_through:
        rows.append(("unsure, let through", f"{totals.let_through:,}"))
    if projection is not None:
        rows.append((
            f"a day of {projection.interactions:,} cases",
            (f"{_money(projection.cost)}, {projection.input_tokens + projection.output_tokens:,.0f} tokens, "
            f"{projection.activations:,.0f} activations, {projection.escalations:,.0f} escalations"),
        ))  # fmt: skip
    for name, figure in rows:
        console.print(shown(f"  {name:<24} {figure}"))


def _render_overhead(console: SafeConsole, overhead: Overhead) -> None:
    console.print()
    if overhead.share is None:
        console.print(shown("Overhead: not measured in this run", "dim"))
        return
    each = f"{_number(overhead.us_per_activation)} µs an activation"
    spent = math.fsum(phase.seconds for phase in overhead.phases if phase.seconds is not None)
    if overhead.share <= 1:
        kept, heading = (
            "share",
            f"Overhead {overhead.share:.1%} of {overhead.agents_seconds:.2f} s inside agents, {each}",
        )
    else:
        # A share of next to nothing is a large number that tells nothing.
        kept, heading = (
            "seconds",
            f"Overhead {spent:.2f} s beside {overhead.agents_seconds:.2f} s inside agents, {each}",
        )
    console.print(shown(heading, "bold"))
    rows = [(phase.name, _part(phase, kept), _number(phase.us_per_activation)) for phase in overhead.phases]
    whole = f"{overhead.share:.1%}" if kept == "share" else f"{spent:.3f}"
    rows.append(("together", whole, _number(overhead.us_per_activation)))
    console.print(table(("part", kept, "µs an activation"), rows, right=(kept, "µs an activation")))
    rule = f"; {'within' if overhead.within_rule else 'above'} the rule of at most {OVERHEAD_RULE:.0%}"
    told = f"  {_number(overhead.ms_per_case)} ms a case{rule if kept == 'share' else ''}"
    console.print(shown(told, "dim"))


def _part(phase: PhaseLine, kept: str) -> str:
    if phase.share is None or phase.seconds is None:
        return "not measured"
    return f"{phase.share:.1%}" if kept == "share" else f"{phase.seconds:.3f}"


def _pair(values: Percentiles | None) -> str:
    return "–" if values is None else f"{_number(values.p50)}/{_number(values.p99)}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _share_of(part: float, whole: float) -> str:
    return f" ({part / whole:.0%})" if whole else ""
