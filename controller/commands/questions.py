"""The questions on a board: found by what a person types, told with their background."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from blackboard.command_name import command_name
from blackboard.control_records import ACTIVATIONS, ESCALATIONS, RUN
from blackboard.control_shapes import checked, sound
from blackboard.errors import NothingSelected, UsageError
from blackboard.wording import first_line
from controller.leadership import is_led
from controller.short_ids import short_ids
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commands.target import Target
    from blackboard.record import Record


async def asked_on(board: Board) -> list[Record[Any]]:
    """Every question of ``board`` as it stands, the oldest first."""
    return sorted(sound(await board.find(f"{ESCALATIONS}*")), key=lambda record: (record.value["asked_ms"], record.key))


def id_of(question: Record[Any]) -> str:
    """The question's id: that of the activation that waits for its answer."""
    return question.key.removeprefix(ESCALATIONS)


def choose(questions: Sequence[Record[Any]], text: str, board: str) -> Record[Any]:
    """The question that ``text`` means: its id, the unique beginning of one, or its case if that has one open question.

    Raises :class:`NothingSelected`, and :class:`UsageError` where it could be several.
    """
    found = [q for q in questions if id_of(q) == text]
    found = found or [q for q in questions if q.value["case"] == text] or [q for q in questions if _begins(q, text)]
    still_open = [q for q in found if q.value["status"] == "open"]
    meant = still_open if len(still_open) == 1 else found
    if not meant:
        cases = [q.value["case"] for q in questions]
        ending = [case for case in cases if text and case.endswith(f"/{text}")]
        hint = f"; did you mean {ending[0]!r}?" if ending else did_you_mean(text, cases)
        listed = f"'blackboard escalations list --all --board {board}' lists them"
        raise NothingSelected(f"no question {text!r} on board {board}{hint or ';'} {listed}")
    if len(meant) > 1:
        short = short_ids([id_of(q) for q in meant])
        named = "".join(
            f"\n  {short[id_of(q)]}  {q.value['status']}  {q.value['agent']}: {first_line(q.value['question'], 100)}"
            for q in meant
        )
        raise UsageError(f"{text!r} could be several questions; say which by its id:{named}")
    return meant[0]


def _begins(question: Record[Any], text: str) -> bool:
    return bool(text) and id_of(question).startswith(text)


def document_of(question: Record[Any], now_ms: int) -> dict[str, Any]:
    """A question under stable names; ``waited_ms`` counts to its answer, or to now."""
    value = question.value
    waited_ms = max(0, value.get("answered_ms", now_ms) - value["asked_ms"])
    return {"id": id_of(question), **value, "commit": question.commit, "waited_ms": waited_ms}


async def background_of(board: Board, question: Record[Any]) -> dict[str, Any]:
    """What one should know to answer: the state of who asked, the calls that failed, the records it is about."""
    value = question.value
    activation = await _read(board, ACTIVATIONS + value["activation"])
    triggers = [[key, commit] for _, key, commit in activation.value["triggers"]] if activation is not None else []
    about = []
    for key, commit in value["context"] or triggers:
        present = await board.get(key)
        stands = (present.commit if present is not None else "") == commit
        content = present.value if present is not None else None
        about.append({"key": key, "commit": commit, "stands": stands, "value": content})
    return {
        "state": activation.value["state"] if activation is not None else "gone",
        "failed_calls": activation.value.get("attempts", []) if activation is not None else [],
        "about": about,
    }


async def going_on(board: Board, target: Target) -> str:
    """What to type so that the answer has its effect; ``""`` where a controller leads the board."""
    if await is_led(board):
        return ""
    run = await _read(board, RUN)
    words = [
        "run",
        run.value["settings"].get("run", run.value["scenario"]) if run is not None else "SCENARIO",
        "--resume",
    ]
    words += ["--url", target.url] if target.url else []
    return f"{command_name()} {shlex.join([*words, '--board', board.name])}"


async def _read(board: Board, key: str) -> Record[Any] | None:
    """A control record; raises :class:`Corrupt` where it is not what the runtime writes."""
    record = await board.get(key)
    return checked(record) if record is not None else None
