"""Bugs in the controller: who fires, and whose contribution counts."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_SETTLING: Final = "controller/settling.py"
_READ_SET: Final = "controller/read_set.py"
_FIRING: Final = "controller/firing.py"
_TESTS: Final = "tests/integration/"
_STALE: Final = "tests/faults/test_stale_leader.py::"
_STORM: Final = "tests/faults/test_storm_of_agents.py"

BUGS: Final = (
    Mutant(
        "contribution-without-activation-guard",
        "P4",
        "A contribution is taken though the activation is no longer its worker's.",
        (
            Edit(
                _READ_SET,
                "    guards = [own, *firing.trigger_guards, *firing.excluded_guards]\n",
                "    guards: list[Guard] = [*firing.trigger_guards, *firing.excluded_guards]\n",
            ),
        ),
        (
            _STORM,
            _TESTS
            + "test_controller_supervision.py::test_the_late_contribution_of_an_agent_that_will_not_stop_is_refused",
        ),
    ),
    Mutant(
        "contribution-without-trigger-guards",
        "P6",
        "A contribution to records that have moved on since is taken.",
        (
            Edit(
                _READ_SET,
                "    guards = [own, *firing.trigger_guards, *firing.excluded_guards]\n",
                "    guards = [own, *firing.excluded_guards]\n",
            ),
        ),
        (
            _TESTS
            + "test_controller_conflicts.py::test_a_trigger_that_changes_while_its_agent_runs_obviates_it_and_the_new_one_fires",
        ),
    ),
    Mutant(
        "contribution-without-read-guards",
        "P6",
        "What an agent read besides its triggers may change before it contributes.",
        (Edit(_READ_SET, "        guards += [g for g in read if", "        guards += [g for g in read[:0] if"),),
        (
            _TESTS
            + "test_controller_conflicts.py::test_a_record_it_read_that_changes_makes_it_run_again_and_is_no_failed_call",
        ),
    ),
    Mutant(
        "unless-not-guarded",
        "P4",
        "Of two agents that race for one record both contribute.",
        (
            Edit(
                _READ_SET,
                "    guards = [own, *firing.trigger_guards, *firing.excluded_guards]\n",
                "    guards = [own, *firing.trigger_guards]\n",
            ),
        ),
        (
            _STORM,
            _TESTS
            + "test_controller_conflicts.py::test_of_two_agents_that_race_for_one_key_one_contributes_and_the_other_is_told_who_won",
        ),
    ),
    Mutant(
        "dispatch-without-leader-guard",
        "P6",
        "A controller that lost the lead dispatches on.",
        (
            Edit(
                _FIRING,
                "guards = [desk.leadership.guard, own, *self.trigger_guards, *self.excluded_guards]",
                "guards = [own, *self.trigger_guards, *self.excluded_guards]",
            ),
        ),
        (_STALE + "test_a_leader_that_does_not_know_that_it_was_replaced_dispatches_nobody",),
    ),
    Mutant(
        "leading-commit-without-leader-guard",
        "P6",
        "A controller that lost the lead writes over the records of the one that leads.",
        (
            Edit(
                "controller/desk.py",
                "self.store.submit([self.leadership.guard, *guards], writes, self.member)",
                "self.store.submit(guards, writes, self.member)",
            ),
        ),
        (_STALE + "test_a_leader_that_does_not_know_that_it_was_replaced_hands_nothing_back",),
    ),
    Mutant(
        "two-leaders",
        "P6",
        "Who wants to lead takes the lead whoever has it.",
        (
            Edit(
                "controller/leadership.py",
                "self._board.commit(guards, [put], stamp",
                "self._board.commit([], [put], stamp",
            ),
        ),
        (_STALE + "test_of_many_that_want_to_lead_at_once_one_leads",),
    ),
    Mutant(
        "living-leader-taken-for-dead",
        "P6",
        "A leader counts as dead though its counter moves.",
        (
            Edit(
                "controller/leadership.py",
                "                last_sign, seen = sign, clock.monotonic()\n",
                "                last_sign = sign\n",
            ),
        ),
        (_STALE + "test_a_leader_whose_counter_moves_keeps_the_lead_and_loses_it_one_lease_after_it_stands_still",),
    ),
    Mutant(
        "dispatch-without-own-guard",
        "P4",
        "An activation that is there already is dispatched again.",
        (
            Edit(
                _FIRING,
                "guards = [desk.leadership.guard, own, *self.trigger_guards, *self.excluded_guards]",
                "guards = [desk.leadership.guard, *self.trigger_guards, *self.excluded_guards]",
            ),
        ),
        (_STALE + "test_an_activation_that_is_settled_already_is_not_dispatched_by_who_has_not_seen_that",),
    ),
    Mutant(
        "refused-dispatch-runs",
        "P4",
        "An agent runs though its dispatch was refused.",
        (
            Edit(
                _FIRING,
                "            await self.desk.caught_up(conflict)\n            return False\n",
                "            await self.desk.caught_up(conflict)\n            self.record = self._opened\n            return True\n",
            ),
        ),
        (_STALE + "test_an_activation_that_is_settled_already_is_not_dispatched_by_who_has_not_seen_that",),
    ),
    Mutant(
        "done-marker-removed",
        "P4",
        "The record of an activation goes with its contribution, so that nothing tells that it has fired.",
        (
            Edit(
                _FIRING,
                "        writes = [packed_activation(self.activation, record, author)]\n        if self._progressed:",
                '        writes = [removal(self.key) if record["state"] == "executed" else'
                " packed_activation(self.activation, record, author)]\n        if self._progressed:",
            ),
        ),
        (
            _STORM,
            _TESTS + "test_controller_firing.py::test_nothing_fires_twice_on_the_same_records",
        ),
    ),
    Mutant(
        "refraction-without-commit",
        "P4",
        "An agent that has fired on a record does not fire on its next version.",
        (
            Edit(
                "controller/activation.py",
                "sorted(captures.items()), sorted(triggers))",
                "sorted(captures.items()), sorted((alias, key) for alias, key, _ in triggers))",
            ),
        ),
        (
            _TESTS
            + "test_controller_conflicts.py::test_a_trigger_that_changes_while_its_agent_runs_obviates_it_and_the_new_one_fires",
        ),
    ),
    Mutant(
        "contribution-apart-from-its-activation",
        "P1",
        "The contribution and the end of its activation are two commits.",
        (
            Edit(
                _SETTLING,
                "            done = await firing.submit(guards, writes, firing.source.name)\n    except Conflict as conflict:\n"
                "        return await refused(firing, ctx, conflict)\n    desk.hit",
                "            await firing.submit(guards, writes[:-1], firing.source.name)\n"
                "            done = await firing.submit(guards[:1], writes[-1:], firing.source.name)\n"
                "    except Conflict as conflict:\n"
                "        return await refused(firing, ctx, conflict)\n    desk.hit",
            ),
        ),
        (
            _STORM,
            _TESTS + "test_controller_firing.py::test_a_contribution_and_the_end_of_its_activation_are_one_commit",
        ),
    ),
    Mutant(
        "dead-workers-left-alone",
        "P4",
        "What a killed controller ran is not taken up by the next.",
        (Edit("controller/takeover.py", '        if state == "running":\n', '        if state == "ran":\n'),),
        (
            _TESTS
            + "test_controller_lifetimes.py::test_what_a_killed_leader_ran_is_taken_over_as_a_dead_call_and_contributes_once",
        ),
    ),
)
