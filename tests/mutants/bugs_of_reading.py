"""Bugs in the log's readers, the replica and the snapshot: what is told of a board."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_LOG: Final = "blackboard/log.py"
_TESTS: Final = "tests/integration/"
_WORK: Final = "tests/faults/test_mixed_work.py"

BUGS: Final = (
    Mutant(
        "tail-starts-at-the-end",
        "P5",
        "After a broken connection a reader goes on at the end of the log ($) and not where it was.",
        (
            Edit(
                _LOG,
                "                self._link = await self._store.new_link()\n",
                "                self._link = await self._store.new_link()\n"
                '                self._id = self._id if not hasattr(self, "_again") else "$"\n'
                "                self._again = True\n",
            ),
        ),
        ("tests/faults/test_mixed_work.py",),
    ),
    Mutant(
        "gap-passed-over-by-a-follower",
        "P5",
        "Who follows the log goes on silently where entries are missing.",
        (Edit(_LOG, "            if entry.revision != self.revision + 1:\n", "            if False:\n"),),
        (_TESTS + "test_log.py::test_a_reader_that_fell_behind_a_trim_is_told_while_it_follows",),
    ),
    Mutant(
        "gap-passed-over-by-a-reader",
        "P5",
        "Who reads the past goes on silently where entries are missing.",
        (Edit(_LOG, "    if entry.revision != since + 1:\n", "    if False:\n"),),
        (_TESTS + "test_log.py::test_what_stands_before_a_hole_is_read_and_the_hole_is_a_gap",),
    ),
    Mutant(
        "position-in-the-newest-epoch",
        "P5",
        "A reader that begins in an earlier epoch is put at the beginning of the newest.",
        (
            Edit(
                _LOG,
                "max((e for e, revision in began if revision <= since), default=1)",
                "max((e for e, _ in began), default=1)",
            ),
        ),
        (_TESTS + "test_log.py::test_revisions_go_on_across_epochs_and_readers_start_at_any_of_them",),
    ),
    Mutant(
        "page-boundary-lost",
        "P5",
        "The entry after each page of the log is left out.",
        (
            Edit(
                _LOG,
                "        if len(raw) < PAGE:\n",
                "        since += len(raw) == PAGE\n        if len(raw) < PAGE:\n",
            ),
        ),
        (_TESTS + "test_log.py::test_more_than_a_page_is_read_in_order",),
    ),
    Mutant(
        "replica-applies-own-commits-ahead",
        "P5",
        "A replica shows an own commit before those of others that came first.",
        (
            Edit(
                "blackboard/replica.py",
                "        if revision != self.revision + 1:\n",
                "        if revision <= self.revision:\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_replica.py::test_an_own_commit_that_is_not_the_next_waits_for_the_others",
        ),
    ),
    Mutant(
        "snapshot-without-replay",
        "P5",
        "What changed while a snapshot was read is not replayed over it.",
        (Edit("blackboard/scanning.py", '        end = await store.number_of("revision")\n', "        end = start\n"),),
        ("tests/faults/test_built_under_load.py",),
    ),
    Mutant(
        "snapshot-keeps-the-older",
        "P5",
        "A change does not replace a record that is there already.",
        (
            Edit(
                "blackboard/state.py",
                "    if present is not None and present.revision >= change.revision:\n",
                "    if present is not None and present.revision != change.revision:\n",
            ),
        ),
        (
            _WORK,
            _TESTS + "test_replica.py::test_two_writing_processes_and_own_commits_give_the_fold_of_the_log",
        ),
    ),
    Mutant(
        "loss-slips-into-a-replica",
        "P5",
        "A reader whose place is in a lost history goes on in the new one.",
        (
            Edit(
                "blackboard/reader.py",
                "        if self.losses != losses and self._lost is not None:\n",
                "        if False:\n",
            ),
        ),
        (_TESTS + "test_history_lost.py",),
    ),
    Mutant(
        "digest-not-checked",
        "P3",
        "A flipped bit in a stored value goes unnoticed.",
        (
            Edit(
                "blackboard/codec.py",
                "    return head.digest == digest_of(head.value, head.status, head.expires_ms)\n",
                "    return bool(head.digest)\n",
            ),
        ),
        ("tests/unit/test_codec.py::test_one_flipped_bit_in_a_value_is_seen",),
    ),
    Mutant(
        "expired-record-reads-as-present",
        "P1",
        "A record whose time is over is read until somebody removes it.",
        (
            Edit(
                "blackboard/reading.py",
                "return bool(record.expires_ms) and record.expires_ms <= self.store.server_now_ms()",
                "return False",
            ),
        ),
        (_TESTS + "test_expiry.py::test_past_its_time_a_record_reads_as_absent_without_anybody_removing_it",),
    ),
)
