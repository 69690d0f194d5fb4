"""The page of stories names every shipped scenario, and what it lays over one is understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from scenarios.loading import load_scenario
from scenarios.shipped import shipped_scenarios

PAGE = Path(__file__).parents[2] / "docs" / "stories.md"
ROWS = re.findall(r"^\| .*? \| `blackboard run (\w+)` \|(.*?)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_shipped_scenario_has_its_story() -> None:
    assert sorted(name for name, _ in ROWS) == sorted(shipped_scenarios())


def test_what_switches_a_mechanism_off_is_a_setting_of_that_scenario() -> None:
    for name, without in ROWS:
        words = shlex.split(without.split("`")[1]) if without.strip().startswith("`--set") else []
        load_scenario(name, tuple(word for word in words if word != "--set"))
