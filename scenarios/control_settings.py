"""What a scenario file says of control, as the controller takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.approval import Review
from controller.budgets import Limit, Limits, RunLimit
from controller.settings import Settings
from controller.stalling import StallLimits
from knowledge_sources.loading import load_function

if TYPE_CHECKING:
    from blackboard.schemas import Schema
    from scenarios.scenario import Scenario


def control_settings(scenario: Scenario, schemas: tuple[Schema, ...] = (), *, timed: bool = True) -> Settings:
    """How the controller is to run ``scenario``; without the limit of the run's time where it is not ``timed``."""
    return Settings(
        levels=scenario.levels,
        policy=scenario.policy.policy(),
        running=scenario.limits.running.limits(),
        case=scenario.case,
        limits=limits_of(scenario, timed=timed),
        max_running=scenario.max_running,
        guarded=scenario.guard,
        breaker=scenario.breaker.terms if scenario.breaker is not None else None,
        reroute_off=frozenset(name for name, one in scenario.capabilities.items() if not one.reroute),
        token_counter=load_function(scenario.token_counter, scenario.folder) if scenario.token_counter else None,
        schemas=schemas,
        validate=scenario.validate_keys,
        stall=StallLimits(**scenario.stall.model_dump()),
        review=Review(threshold=scenario.threshold, approval=scenario.approval, critical=scenario.critical),
    )


def limits_of(scenario: Scenario, *, timed: bool = True) -> Limits:
    """The scenario's limits; without that of the run's time where it is not ``timed``."""
    case, work_item, run = scenario.limits.case, scenario.limits.work_item, scenario.limits.run
    return Limits(
        case=Limit(case.attempts, case.cost, case.time_ms, case.firings, case.tokens),
        work_item=Limit(work_item.attempts, work_item.cost, work_item.time_ms, tokens=work_item.tokens),
        run=RunLimit(
            run.time_ms if timed else None, run.cost, run.firings, run.overhead, run.unreviewed_critical, run.tokens
        ),
    )
