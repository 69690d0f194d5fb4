"""What a scenario file says of agents that stand in for each other, and of breakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knowledge_sources.breaker_terms import NEVER, Breaker
from scenarios.control_settings import control_settings
from scenarios.loading import load_scenario
from scenarios.problem import InvalidScenario
from scenarios.team import load_team

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.scenario import Scenario

AGENTS = """
from knowledge_sources import knowledge_source

@knowledge_source(watches={"item": "item/{n}"}, contributes="out/{n}", breaker={"idle": 3})
async def work(item): ...
"""
HEAD = """version: 1
case: item/{n}
agents:
  one: {use: "./agents.py:work"}
  two: {use: "./agents.py:work", breaker: off}
  three: {use: "./agents.py:work", breaker: {errors: 25%, of: 8, spend: 2/1h, cooldown: 1s}}
"""


def loaded(folder: Path, text: str) -> Scenario:
    (folder / "agents.py").write_text(AGENTS)
    (folder / "scenario.yaml").write_text(HEAD + text)
    return load_scenario(folder / "scenario.yaml")


def test_the_agents_of_a_capability_provide_it_each_behind_those_before_it(tmp_path: Path) -> None:
    """Two of one declaration that write the same key are no rivals then."""
    scenario = loaded(tmp_path, "capabilities: {work: {agents: [two, one], reroute: off}}\n")
    team = load_team(scenario)
    assert team.problems == ()
    found = {source.name: (source.provides, source.instead_of) for source in team.sources}
    assert found == {"two": ("work", ()), "one": ("work", ("two",)), "three": ("three", ())}
    assert control_settings(scenario).reroute_off == frozenset({"work"})


def test_a_breaker_is_the_agents_own_the_files_or_none(tmp_path: Path) -> None:
    """``off`` takes away what the declaration has; the file's is for those that have none."""
    scenario = loaded(tmp_path, "breaker: {idle: 5}\n")
    found = {source.name: source.breaker for source in load_team(scenario).sources}
    assert found == {"one": Breaker(idle=3), "two": NEVER, "three": Breaker(0.25, 8, 2.0, 3_600_000, None, 1_000)}
    assert control_settings(scenario).breaker == Breaker(idle=5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("capabilities: {work: {agents: [one, tow]}}", "capabilities.work.agents: no agent is called 'tow'; did you mean 'two'?"),
        ("capabilities: {work: {agents: [one, one]}}", "'one' is named twice"),
        ("capabilities: {work: {agents: [one]}, rest: {agents: [one]}}", "'one' is named by 'work' already"),
        ("capabilities: {work: {agents: []}}", "capabilities.work.agents"),
        ("breaker: {errors: 0%}", "breaker.errors"),
        ("breaker: {spend: 1}", "breaker.spend: breaker: spend=1 is no rate: write money and a duration, like 1.00/1m"),
        ("breaker: {cooldown: 0s}", "must be longer than nothing"),
        ("breaker: {erors: 5%}", "did you mean 'errors'?"),
        ("breaker: on", "breaker"),
        ("expect: [{calls: onee, at_most: 3}]", "no agent is called 'onee'; did you mean 'one'?"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidScenario) as refused:
        loaded(tmp_path, text + "\n")
    assert said in str(refused.value)
    assert "scenario.yaml:7:" in str(refused.value)


def test_calls_may_be_expected_of_a_capability(tmp_path: Path) -> None:
    loaded(tmp_path, "capabilities: {work: {agents: [one, two]}}\nexpect: [{calls: work, at_most: 3}]\n")
