"""What each setting of a server means for the promises, and that a hidden one is never taken for good."""

from __future__ import annotations

import pytest

from blackboard.diagnosis import examine_installation, judge_role, judge_settings

GOOD = {
    "aof-load-truncated": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
}


@pytest.mark.parametrize(
    ("verdict", "check", "changed"),
    [
        ("ok", "appendonly", {}),
        ("ok", "appendfsync", {}),
        ("ok", "appendfsync", {"appendfsync": "always"}),
        ("ok", "maxmemory-policy", {}),
        ("warn", "appendonly", {"appendonly": "no"}),
        ("ok", "aof-load-truncated", {}),
        ("warn", "aof-load-truncated", {"aof-load-truncated": "yes"}),
        ("ok", "aof-load-truncated", {"aof-load-truncated": "yes", "appendonly": "no"}),
        ("warn", "appendfsync", {"appendonly": "no", "appendfsync": "always"}),
        ("warn", "appendfsync", {"appendfsync": "no"}),
        ("warn", "maxmemory-policy", {"maxmemory-policy": "allkeys-lru"}),
        ("broken", "maxmemory-policy", {"maxmemory-policy": "volatile-lru", "maxmemory": "104857600"}),
    ],
)
def test_a_setting_is_judged_by_what_can_be_lost(verdict: str, check: str, changed: dict[str, str]) -> None:
    [finding] = [finding for finding in judge_settings({**GOOD, **changed}) if finding.check == check]
    assert finding.verdict == verdict
    assert bool(finding.advice) == (verdict != "ok")


def test_settings_that_the_server_hides_are_unverified_and_never_ok() -> None:
    findings = judge_settings(None)
    assert {finding.verdict for finding in findings} == {"unverified"}
    assert {finding.check for finding in findings} == {finding.check for finding in judge_settings(GOOD)}


@pytest.mark.parametrize(("verdict", "role"), [("ok", "master"), ("broken", "slave"), ("broken", "")])
def test_only_a_primary_can_hold_a_board(verdict: str, role: str) -> None:
    assert judge_role(role).verdict == verdict


def test_the_installation_that_runs_the_tests_is_not_broken() -> None:
    findings = examine_installation()
    assert {"python", "redis-py", "hiredis", "embedded server"} == {finding.check for finding in findings}
    assert "broken" not in {finding.verdict for finding in findings}
