"""What a scenario file makes go wrong: the kinds of fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from scenarios.fields import Attempts, Model, Name, PatternField, PositiveDurationMs, kind_by_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.record import Record


class _Fault(Model):
    """Befalls the first ``times`` calls of each activation of ``agent`` that one of whose records matches ``when``."""

    agent: Name
    times: Attempts = 1
    when: PatternField | None = None

    def befalls(self, attempt: int, records: Iterable[Record]) -> bool:
        """Whether it befalls call number ``attempt`` (from 1) of an activation that ``records`` triggered."""
        if attempt > self.times:
            return False
        return self.when is None or any(self.when.match(record) is not None for record in records)


class FailFault(_Fault):
    """The call raises an error with this text, and asks to be left alone for a while; the agent does not run."""

    fail: Annotated[str, Field(min_length=1, max_length=1_000)]
    retry_after_ms: Annotated[PositiveDurationMs | None, Field(alias="retry_after")] = None


class SlowFault(_Fault):
    """So long passes before the agent runs."""

    slow: PositiveDurationMs


class InvalidFault(_Fault):
    """The call returns what the agent did not declare, and the agent does not run."""

    invalid: Literal[True]


class HangFault(_Fault):
    """The call never returns, and the agent does not run; it ends when it is late."""

    hang: Literal[True]


class UngroundedFault(_Fault):
    """The call hands over to somebody of this name, and the agent does not run."""

    ungrounded: Name


_KINDS: Final = {
    "fail": "FailFault",
    "slow": "SlowFault",
    "invalid": "InvalidFault",
    "hang": "HangFault",
    "ungrounded": "UngroundedFault",
}

Fault: TypeAlias = FailFault | SlowFault | InvalidFault | HangFault | UngroundedFault
Faults = Annotated[
    tuple[
        Annotated[
            Annotated[FailFault, Tag("FailFault")]
            | Annotated[SlowFault, Tag("SlowFault")]
            | Annotated[InvalidFault, Tag("InvalidFault")]
            | Annotated[HangFault, Tag("HangFault")]
            | Annotated[UngroundedFault, Tag("UngroundedFault")],
            Discriminator(
                kind_by_key(_KINDS, beside=(*_Fault.model_fields, "retry_after")),
                custom_error_type="kind",
                custom_error_message="a fault has one of the keys " + ", ".join(_KINDS),
            ),
        ],
        ...,
    ],
    Field(strict=False),
]
