"""Bugs in the history that is kept: what the log loses when it is trimmed, and what is told of the past."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_TRIM: Final = "blackboard/trim.lua"
_TESTS: Final = "tests/integration/test_history.py::"
_AT_EVERY_STEP: Final = _TESTS + "test_base_and_log_make_up_the_records_at_every_step_of_trimming"

BUGS: Final = (
    Mutant(
        "horizon-not-rolled-forward",
        "P5",
        "What is trimmed is folded into the base, and the board does not say up to where.",
        (
            Edit(
                _TRIM,
                "  redis.call('HSET', KEYS[1], 'horizon', string.format('%.0f', reached), 'horizon_ms', time)\n",
                "",
            ),
        ),
        (_AT_EVERY_STEP,),
    ),
    Mutant(
        "base-not-rolled-forward",
        "P1",
        "What is trimmed from the log goes into no base, so that the log no longer explains the records.",
        (
            Edit(
                _TRIM,
                "    redis.call('HSET', KEYS[3], unpack(puts, i, math.min(i + CHUNK - 1, #puts)))\n",
                "    local _ = i\n",
            ),
        ),
        (_AT_EVERY_STEP,),
    ),
    Mutant(
        "removed-record-stays-in-the-base",
        "P1",
        "A record that was removed before the horizon comes back when the past is read.",
        (
            Edit(
                _TRIM,
                "    redis.call('HDEL', KEYS[3], unpack(removals, i, math.min(i + CHUNK - 1, #removals)))\n",
                "    local _ = i\n",
            ),
        ),
        (_TESTS + "test_after_trimming_what_the_log_still_reaches_reads_as_before",),
    ),
    Mutant(
        "trimmed-under-a-reader",
        "P5",
        "Trimming does not wait for readers and snapshots.",
        (Edit(_TRIM, "    if revision < upto then\n", "    if false then\n"),),
        (_TESTS + "test_trimming_waits_for_a_reader_and_goes_on_when_it_is_gone",),
    ),
    Mutant(
        "newest-entry-trimmed",
        "P1",
        "The last entry of the log goes too, so that the board cannot be opened any more.",
        (Edit(_TRIM, "math.min(tonumber(ARGV[1]), head - 1)", "math.min(tonumber(ARGV[1]), head)"),),
        (_TESTS + "test_the_newest_commit_is_never_trimmed_and_the_board_opens_again",),
    ),
    Mutant(
        "past-before-the-horizon-is-made-up",
        "P5",
        "A revision from before the horizon is answered with the state at the horizon.",
        (
            Edit(
                "blackboard/history.py",
                "        if revision < state.revision:\n            raise BeforeHorizon(revision, state.revision)\n",
                "        revision = max(revision, state.revision)\n",
            ),
        ),
        (_TESTS + "test_after_trimming_what_the_log_still_reaches_reads_as_before",),
    ),
    Mutant(
        "living-reader-taken-for-dead",
        "P5",
        "A reader holds the log for one lease, whether it lives or not.",
        (
            Edit(
                "blackboard/holds.py",
                "still_s + passed_s if before == value else 0.0",
                "still_s + passed_s",
            ),
        ),
        (_TESTS + "test_a_reader_that_lives_is_never_taken_for_dead",),
    ),
)
