"""Bugs in a writer's session and its connections: what becomes of a call on its way."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_STORE: Final = "blackboard/store.py"
_SESSION: Final = "blackboard/session.py"
_READER: Final = "blackboard/reader.py"
_TESTS: Final = "tests/integration/"
_WORK: Final = "tests/faults/test_mixed_work.py"
_CONNECTION: Final = "tests/faults/test_connection.py::"

BUGS: Final = (
    Mutant(
        "client-retries-on",
        "P7",
        "The client sends a command again when its answer is lost.",
        (Edit("blackboard/connect.py", "retry=Retry(NoBackoff(), 0),", "retry=Retry(NoBackoff(), 10),"),),
        (_TESTS + "test_connect.py::test_a_command_whose_answer_is_lost_is_not_sent_again",),
    ),
    Mutant(
        "resend-in-a-new-session",
        "P7",
        "What was in flight when a connection broke is sent again under a new session, which knows no duplicates.",
        (
            Edit(
                _SESSION,
                "        link = await self._new_writer()\n        for flight",
                "        self._new_session()\n        link = await self._new_writer()\n        for flight",
            ),
        ),
        (
            _WORK,
            _CONNECTION + "test_a_commit_whose_reply_was_lost_is_answered_from_the_session",
        ),
    ),
    Mutant(
        "nothing-is-sent-again",
        "P7",
        "A call whose connection broke is never sent again.",
        (
            Edit(
                _SESSION,
                "            if flight in self._in_flight:\n                self._send(flight)\n",
                "            _ = flight\n",
            ),
        ),
        (_CONNECTION + "test_a_commit_that_never_arrived_is_sent_again",),
    ),
    Mutant(
        "resend-with-the-old-epoch",
        "P7",
        "After a restart or promotion calls bear the epoch of the first handshake.",
        (
            Edit(
                _READER, "        self.epoch = greeting.epoch\n", "        self.epoch = self.epoch or greeting.epoch\n"
            ),
        ),
        (_TESTS + "test_history_lost.py::test_a_process_that_saw_nothing_of_what_was_lost_goes_on",),
    ),
    Mutant(
        "noscript-not-handled",
        "P7",
        "A server that lost the script refuses every commit from then on.",
        (Edit(_SESSION, 'if code == "NOSCRIPT":', 'if code == "NOSCRIPTS":'),),
        (_TESTS + "test_store.py::test_an_emptied_script_cache_costs_the_callers_nothing",),
    ),
    Mutant(
        "busy-is-final",
        "P7",
        "A commit is given up when the server says that it is busy just now.",
        (Edit("blackboard/link.py", 'frozenset({"LOADING", "BUSY", ', 'frozenset({"LOADING", '),),
        (_TESTS + "test_store.py::test_a_busy_server_is_waited_for",),
    ),
    Mutant(
        "silence-is-waited-out",
        "P7",
        "A connection that never answers is never given up.",
        (Edit(_SESSION, "self._in_flight[0].sent_at > 2 * self.answer_within_s", "self._in_flight[0].sent_at > 1e9"),),
        (_CONNECTION + "test_a_call_that_stays_unanswered_on_an_open_connection_is_sent_over_another",),
    ),
    Mutant(
        "unknown-told-as-not-done",
        "P7",
        "A commit that was sent and never answered is told as not done.",
        (Edit(_SESSION, "in_doubt: BlackboardError = Unknown(str(error))", "in_doubt = not_done"),),
        (_CONNECTION + "test_a_server_that_accepts_and_never_answers_is_given_up_in_time",),
    ),
    Mutant(
        "conflict-told-as-success",
        "P7",
        "The caller of a refused commit is told that it was applied.",
        (
            Edit(
                _STORE,
                "                    future.set_exception(outcome)\n",
                "                    written = tuple(Written(write.key, '', 1, True) for write in request.writes)\n"
                "                    future.set_result(Committed('', 0, reply.time_ms, written))\n",
            ),
            Edit(
                _STORE, "import MAX_WRITES, Committed, Previous\n", "import MAX_WRITES, Committed, Previous, Written\n"
            ),
        ),
        (
            _WORK,
            _TESTS + "test_commit.py::test_guards_of_absence_and_presence_speak_of_now",
        ),
    ),
    Mutant(
        "outcomes-shifted-by-one",
        "P7",
        "In a group each caller gets the outcome of the next one.",
        (
            Edit(
                _STORE,
                "zip(flight.requests, reply.outcomes, strict=True):",
                "zip(flight.requests, (*reply.outcomes[1:], reply.outcomes[0]), strict=True):",
            ),
        ),
        (_TESTS + "test_commit.py::test_guards_see_what_earlier_commits_of_the_same_call_did",),
    ),
    Mutant(
        "cancelled-waiter-ends-the-group",
        "P7",
        "Where one caller of a group was cancelled, those after it are told nothing.",
        (
            Edit(
                _STORE,
                "                if not future.done():\n                    future.set_result(outcome)\n",
                "                future.set_result(outcome)\n",
            ),
        ),
        (_TESTS + "test_commit.py::test_a_cancelled_waiter_takes_nobody_elses_commit_with_it",),
    ),
    Mutant(
        "order-lost-when-a-call-is-taken-back",
        "P2",
        "Commits that are put back into the queue, because one among them cannot be sent, come back in reverse.",
        (
            Edit(
                _STORE,
                "            self._queue.extendleft(reversed(later.requests))\n",
                "            self._queue.extendleft(later.requests)\n",
            ),
        ),
        (
            "tests/integration/test_order_of_callers.py::test_what_leaves_with_a_commit_that_cannot_be_sent_keeps_its_order",
        ),
    ),
    Mutant(
        "order-lost-for-a-leaning-commit",
        "P2",
        "Commits that wait for the one that leans on them come back into the queue in reverse.",
        (
            Edit(
                _STORE,
                "                queue.extendleft(reversed(group[head:]))\n",
                "                queue.extendleft(group[head:])\n",
            ),
        ),
        (
            "tests/integration/test_order_of_callers.py::test_chains_that_are_cut_by_the_limit_of_a_call_leave_whole_and_in_order",
        ),
    ),
    Mutant(
        "mutation-without-guard",
        "P2",
        "A mutation writes over whatever came in between.",
        (Edit("blackboard/mutation.py", "board.store.submit([guard], [packed]", "board.store.submit([], [packed]"),),
        (_TESTS + "test_mutate.py::test_four_processes_of_25_tasks_increment_one_record_100_times_each_exactly",),
    ),
    Mutant(
        "loss-not-told",
        "P3",
        "A client that learns of lost history goes on as if nothing had been.",
        (Edit(_READER, '        if greeting.status == "lost" and self.losses == losses:', "        if False:"),),
        (_TESTS + "test_history_lost.py::test_no_guard_of_the_lost_history_is_accepted",),
    ),
    Mutant(
        "what-was-read-is-not-noted",
        "P3",
        "A process that only reads does not remember what it saw, so that it cannot notice that it is gone.",
        (Edit(_READER, "        if revision > self._seen_revision:\n", "        if False:\n"),),
        (_TESTS + "test_history_lost.py::test_a_process_that_only_read_finds_out_too",),
    ),
    Mutant(
        "replicas-not-waited-for",
        "P3",
        "A commit is acknowledged although no replica has it.",
        (Edit("blackboard/store.py", "elif answer >= self.backend.replicas:", "elif answer >= 0:"),),
        ("tests/faults/test_replicas.py::test_no_commit_that_was_acknowledged_is_lost_with_the_primary",),
    ),
    Mutant(
        "unconfirmed-told-as-not-done",
        "P7",
        "Of a commit that was under way when history was lost it is told that it was not applied.",
        (
            Edit(
                "blackboard/session.py",
                "HistoryLost(error.seen, error.head, unknown=True)",
                "HistoryLost(error.seen, error.head)",
            ),
        ),
        (
            (
                "tests/integration/test_history_lost.py"
                "::test_a_commit_under_way_when_history_is_lost_is_told_as_unknown_for_it_may_have_survived"
            ),
        ),
    ),
)
