"""What a scenario file says happens at its time: a record that comes, or one that goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeAlias

from pydantic import Discriminator, Field, Tag

from scenarios.fields import DurationMs, KeyTemplate, Model, kind_by_key
from scenarios.record_models import InlineRecord

if TYPE_CHECKING:
    from blackboard.pattern import Pattern


class _Event(Model):
    """``at_ms`` counts from the start of the run."""

    at_ms: Annotated[DurationMs, Field(alias="at")]


class PostEvent(_Event):
    """A record is written, whatever stands at its key."""

    key_path: ClassVar = ("post", "key")
    post: InlineRecord

    @property
    def key(self) -> Pattern:
        return self.post.key


class RetractEvent(_Event):
    """The record at a key is removed, where one is there."""

    key_path: ClassVar = ("retract",)
    retract: KeyTemplate

    @property
    def key(self) -> Pattern:
        return self.retract


_KINDS: Final = {"post": "PostEvent", "retract": "RetractEvent"}

Event: TypeAlias = PostEvent | RetractEvent
Events = Annotated[
    tuple[
        Annotated[
            Annotated[PostEvent, Tag("PostEvent")] | Annotated[RetractEvent, Tag("RetractEvent")],
            Discriminator(
                kind_by_key(_KINDS, beside=("at",)),
                custom_error_type="kind",
                custom_error_message="an event has one of the keys " + ", ".join(_KINDS),
            ),
        ],
        ...,
    ],
    Field(strict=False),
]
