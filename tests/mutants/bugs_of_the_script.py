"""Bugs in ``commit.lua`` and ``handshake.lua``: what the server does with a call."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_COMMIT: Final = "blackboard/commit.lua"
_HANDSHAKE: Final = "blackboard/handshake.lua"
_TESTS: Final = "tests/integration/"
_WORK: Final = "tests/faults/test_mixed_work.py"

BUGS: Final = (
    Mutant(
        "no-guard-checked",
        "P2",
        "Every guard holds.",
        (Edit(_COMMIT, "    if not holds then\n", "    if false then\n"),),
        (
            _WORK,
            _TESTS + "test_commit.py::test_a_guard_at_a_commit_holds_only_while_that_commit_wrote_the_record",
        ),
    ),
    Mutant(
        "guard-at-any-commit",
        "P2",
        "A guard on a commit holds as long as any record is there.",
        (Edit(_COMMIT, "holds = commit_of[number] == argument", "holds = commit_of[number] ~= nil"),),
        (
            _WORK,
            _TESTS + "test_commit.py::test_the_same_value_written_again_does_not_make_an_old_guard_hold",
        ),
    ),
    Mutant(
        "region-guard-ignores-deletes",
        "P2",
        "A removal does not count as a change of its region.",
        (
            Edit(
                _COMMIT,
                "  region_revision[key_region[i]] = head\n  region_touched[key_region[i]] = true\n",
                "  if bytes then\n    region_revision[key_region[i]] = head\n    region_touched[key_region[i]] = true\n"
                "  end\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_commit.py::test_a_guard_on_a_region_fails_after_any_write_or_removal_in_it",
        ),
    ),
    Mutant(
        "region-guard-on-the-future",
        "P6",
        "A guard on a region at a revision that this history has not reached holds.",
        (
            Edit(
                _COMMIT,
                "region_revision[number] <= since\n",
                "region_revision[number] <= since or since and since > head\n",
            ),
        ),
        (_TESTS + "test_commit.py::test_a_guard_on_a_region_at_a_revision_that_never_was_is_refused",),
    ),
    Mutant(
        "region-guard-of-any-history",
        "P6",
        "A guard on a region that was read in a history that is gone holds once the new one has come further.",
        (Edit(_COMMIT, "        ended = of == epoch and head or end_of_epoch(of)\n", "        ended = head\n"),),
        (
            (
                "tests/integration/test_history_lost.py"
                "::test_a_region_that_was_read_in_a_lost_history_is_refused_also_once_the_new_one_has_come_further"
            ),
        ),
    ),
    Mutant(
        "removed-record-still-guards",
        "P2",
        "The commit of a removed record stays in the table that guards are checked against.",
        (Edit(_COMMIT, "in_chunks('HDEL', KEYS[3], old_revisions)\n", ""),),
        (
            _WORK,
            _TESTS + "test_commit.py::test_guards_of_absence_and_presence_speak_of_now",
        ),
    ),
    Mutant(
        "refused-commit-writes",
        "P1",
        "What a refused commit was to write is written all the same.",
        (
            Edit(
                _COMMIT,
                "      outcomes[c], previous_applied = refuse(failures), false\n",
                "      outcomes[c], previous_applied = refuse(failures), false\n      apply_writes(W, author)\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_commit.py::test_one_refused_commit_of_a_call_leaves_nothing_behind",
        ),
    ),
    Mutant(
        "writes-before-validation",
        "P1",
        "The head is raised as each commit is judged, before the rest of the call is.",
        (
            Edit(
                _COMMIT,
                "    entries[#entries + 1] = { id, author, changes }\n",
                "    entries[#entries + 1] = { id, author, changes }\n"
                "    redis.call('HSET', KEYS[1], 'revision', head)\n",
            ),
        ),
        ("tests/faults/test_half_done.py::test_a_call_that_breaks_off_while_it_is_judged_changes_nothing",),
    ),
    Mutant(
        "half-a-commit",
        "P1",
        "Of a commit with several records only the first is stored, though the log tells all.",
        (
            Edit(
                _COMMIT,
                "    in_chunks('HSET', KEYS[6 + r], puts[r])\n",
                "    redis.call('HSET', KEYS[6 + r], puts[r][1], puts[r][2])\n    puts[r] = { puts[r][1], puts[r][2] }\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_replica.py::test_four_replicas_built_under_load_all_come_to_the_same",
        ),
    ),
    Mutant(
        "chain-goes-on-after-a-refusal",
        "P1",
        "A commit that leans on a refused one is applied.",
        (
            Edit(
                _COMMIT,
                "      outcomes[c], previous_applied = refuse(failures), false\n",
                "      outcomes[c], previous_applied = refuse(failures), true\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_commit.py::test_a_commit_that_leans_on_the_one_before_it_shares_its_fate",
        ),
    ),
    Mutant(
        "no-session-sequence",
        "P7",
        "A call that is sent again is applied again.",
        (Edit(_COMMIT, "if sequence ~= last + 1 then\n", "if false then\n"),),
        (
            _WORK,
            "tests/faults/test_connection.py::test_a_commit_whose_reply_was_lost_is_answered_from_the_session",
        ),
    ),
    Mutant(
        "one-outcome-kept",
        "P7",
        "The session keeps the outcome of the last call only, though two may be in flight.",
        (Edit(_COMMIT, "'\\n' .. blob .. newest, 'PX'", "'\\n' .. blob, 'PX'"),),
        (
            _WORK,
            _TESTS + "test_store.py::test_a_call_sent_again_gets_the_stored_outcome_and_is_not_applied_again",
        ),
    ),
    Mutant(
        "epoch-ignored",
        "P6",
        "A call of an earlier epoch is taken for one of this.",
        (Edit(_COMMIT, "if meta[1] ~= ARGV[2] then\n", "if not meta[1] then\n"),),
        (_TESTS + "test_store.py::test_a_gap_an_old_number_and_a_session_that_is_gone_are_refused",),
    ),
    Mutant(
        "no-op-logs",
        "P5",
        "A write that changes nothing is logged, and wakes whoever watches.",
        (Edit(_COMMIT, "    elseif digest_of[i] == digest then\n", "    elseif false then\n"),),
        (
            _WORK,
            _TESTS + "test_commit.py::test_a_write_that_changes_nothing_keeps_its_commit_and_is_not_logged",
        ),
    ),
    Mutant(
        "expiry-without-log",
        "P1",
        "A record whose time is over is removed without an entry in the log.",
        (
            Edit(
                _COMMIT,
                "    head = head + 1\n    local changes = {}\n"
                "    change(i, false, 0, '', changes, 'x', epoch .. '-' .. head)\n"
                "    entries[#entries + 1] = { epoch .. '-' .. head, '', changes }\n",
                "    change(i, false, 0, '', {}, 'x', epoch .. '-' .. head)\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_expiry.py::test_guards_see_it_absent_and_its_removal_is_a_revision_of_its_own",
        ),
    ),
    Mutant(
        "expired-record-stands-in-the-way",
        "P2",
        "To the guards a record whose time is over is there until it is removed.",
        (Edit(_COMMIT, "if score and tonumber(score) <= tonumber(now) then", "if false then"),),
        (
            _WORK,
            _TESTS + "test_expiry.py::test_more_records_due_than_one_call_removes_are_still_absent_to_its_guards",
        ),
    ),
    Mutant(
        "old-expiry-stays",
        "P1",
        "A record that is written again without a time to live ends at its earlier time.",
        (Edit(_COMMIT, "  in_chunks('ZREM', KEYS[5], untimed)\n", "  local kept = untimed\n"),),
        (
            _WORK,
            _TESTS + "test_expiry.py::test_writing_it_again_prolongs_or_ends_its_time",
        ),
    ),
    Mutant(
        "once-without-payload-digest",
        "P7",
        "An idempotency key gives its first result to any other payload.",
        (Edit(_COMMIT, "    if known == payload then\n", "    if known then\n"),),
        (
            _WORK,
            _TESTS + "test_once.py::test_another_payload_is_an_error_and_writes_nothing",
        ),
    ),
    Mutant(
        "once-not-kept",
        "P7",
        "The result under an idempotency key is not stored.",
        (
            Edit(
                _COMMIT,
                "        once_writes[#once_writes + 1] = { KEYS[6 + R + once], once_known[once], once_ttl }\n",
                "        local _ = once_ttl\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_once.py::test_the_same_payload_again_gives_the_first_result_and_writes_nothing",
        ),
    ),
    Mutant(
        "read-back-off",
        "P1",
        "A record that does not hold what was written is acknowledged.",
        (Edit(_COMMIT, "      if found[n] ~= list[n * 2] then\n", "      if false then\n"),),
        (_TESTS + "test_store.py::test_a_record_that_does_not_read_back_as_it_was_written_is_never_acknowledged",),
    ),
    Mutant(
        "last-seen-not-compared",
        "P3",
        "The handshake does not ask whether the server still has the commit that the client saw last.",
        (Edit(_HANDSHAKE, "    elseif r > ended or r < tonumber(from) then\n", "    elseif false then\n"),),
        (_TESTS + "test_history_lost.py::test_an_older_log_is_found_out_by_the_next_read",),
    ),
    Mutant(
        "run-ids-not-compared",
        "P6",
        "Two servers that came to the same epoch on their own pass for one.",
        (Edit(_HANDSHAKE, "    elseif ARGV[5] ~= '' and ARGV[5] ~= run then\n", "    elseif false then\n"),),
        (_TESTS + "test_history_lost.py::test_two_servers_that_both_reached_epoch_two_are_told_apart",),
    ),
    Mutant(
        "epoch-not-raised",
        "P2",
        "A server that was started again goes on in the epoch before, so that it gives names a second time.",
        (Edit(_HANDSHAKE, "if meta[4] ~= ARGV[2] then\n", "if false then\n"),),
        (
            "tests/faults/test_promotion.py",
            _TESTS + "test_log.py::test_revisions_go_on_across_epochs_and_readers_start_at_any_of_them",
        ),
    ),
    Mutant(
        "lost-epoch-begun-again",
        "P2",
        "An epoch that was lost as a whole is begun a second time, and gives its names again.",
        (Edit(_HANDSHAKE, "  epoch = last + 1\n", "  epoch = epoch + 1\n"),),
        (
            "tests/faults/test_power_loss.py::test_an_epoch_that_is_lost_as_a_whole_gives_no_commit_a_name_a_second_time",
        ),
    ),
    Mutant(
        "log-not-compared-before-a-commit",
        "P1",
        "A board whose log somebody cut while it is open is written to all the same.",
        (
            Edit(
                _COMMIT,
                "if not head or not horizon or redis.call('XLEN', KEYS[2]) ~= head - horizon then\n",
                "if not head or not horizon then\n",
            ),
        ),
        ("tests/faults/test_half_done.py::test_a_log_that_somebody_cut_while_the_board_is_open_is_not_gone_on_with",),
    ),
    Mutant(
        "meta-and-log-not-compared",
        "P1",
        "A board whose head and log disagree is opened and written to.",
        (Edit(_HANDSHAKE, "if logged ~= revision then\n", "if false then\n"),),
        (_TESTS + "test_store.py::test_a_board_whose_meta_and_log_disagree_is_refused_and_nothing_is_changed",),
    ),
)
