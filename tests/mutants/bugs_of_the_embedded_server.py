"""Bugs in the private server: who starts it, who stops it, and what it keeps."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

_EMBEDDED: Final = "blackboard/embedded.py"
_KEEPER: Final = "blackboard/keeper.py"
_TESTS: Final = "tests/integration/test_embedded.py::"

BUGS: Final = (
    Mutant(
        "keeper-without-second-lock",
        "P3",
        "The lock that says a server runs is not handed to the server, so that the next user starts a second one.",
        (
            Edit(
                _EMBEDDED,
                "            [binary.path, *self._arguments()],\n            cwd=self.path,\n            pass_fds=[lock.fd],\n",
                "            [binary.path, *self._arguments()],\n            cwd=self.path,\n",
            ),
        ),
        (_TESTS + "test_processes_that_name_one_directory_share_one_server",),
    ),
    Mutant(
        "keeper-lets-go-in-the-wrong-order",
        "P3",
        "A keeper that has done its work lets users in before it says that it is gone, so that they run without one.",
        (
            Edit(
                _KEEPER,
                "    os.close(fd)\n    os.close(users)\n",
                "    os.close(users)\n    time.sleep(0.5)\n    os.close(fd)\n",
            ),
        ),
        (_TESTS + "test_a_user_who_comes_while_the_server_is_being_stopped_gets_a_new_one",),
    ),
    Mutant(
        "server-before-its-keeper",
        "P3",
        "The server is started before there is a keeper, so that a user killed in between leaves it running.",
        (
            Edit(
                _EMBEDDED,
                "            self._see_to_keeper()\n            self._see_to_server()\n",
                "            self._see_to_server()\n            self._see_to_keeper()\n",
            ),
        ),
        (
            "tests/faults/test_embedded_stress.py::test_a_user_killed_before_any_line_of_its_coming_and_going_leaves_nothing_running",
        ),
    ),
    Mutant(
        "older-server-takes-the-directory",
        "P3",
        "A directory that a newer server wrote is opened by an older one, which sees an empty board.",
        (
            Edit(
                _EMBEDDED,
                "find_server(None if former is None else lambda version: version.reads_what(former))",
                "find_server(None)",
            ),
        ),
        ("tests/integration/test_embedded_places.py::test_a_directory_of_a_newer_server_is_refused",),
    ),
    Mutant(
        "fsync-wish-ignored",
        "P3",
        "Who wants every commit on disk does not get that from a server that somebody else started.",
        (
            Edit(
                _EMBEDDED,
                """state == "ready" and (self._fsync != "always" or _ask(self.socket, _ALWAYS).startswith(b"+OK")):""",
                """state == "ready":""",
            ),
        ),
        (_TESTS + "test_a_user_who_wants_every_commit_on_disk_gets_it_from_a_running_server_too",),
    ),
)
