"""What a scenario file says must hold: the kinds of expectation and their bounds."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from scenarios.fields import Count, Model, Name, PatternField, kind_by_key


class Bounds(Model):
    """How many: ``equals`` alone, or ``at_least`` and ``at_most`` alone or together."""

    equals: Count | None = None
    at_least: Count | None = None
    at_most: Count | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Bounds:
        if self.equals is self.at_least is self.at_most is None:
            raise ValueError("say how many: equals, at_least or at_most")
        if self.equals is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("equals says it all: leave out at_least and at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        return self

    def holds(self, number: int) -> bool:
        """Whether ``number`` lies within the bounds."""
        if self.equals is not None:
            return number == self.equals
        return (self.at_least or 0) <= number and (self.at_most is None or number <= self.at_most)

    def bounds_text(self) -> str:
        """``exactly 3``, ``at least 1``, ``at least 1 and at most 5``."""
        if self.equals is not None:
            return f"exactly {self.equals:,}"
        parts = [f"at least {self.at_least:,}"] if self.at_least is not None else []
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:,}")
        return " and ".join(parts)


class CountExpectation(Bounds):
    """So many records match at the end."""

    count: PatternField

    def describe(self) -> str:
        return f"{self.bounds_text()} match {self.count.text}"


class EventuallyExpectation(Model):
    """At some commit a record matched."""

    eventually: PatternField

    def describe(self) -> str:
        return f"eventually {self.eventually.text}"


class NeverExpectation(Model):
    """At no commit did a record match."""

    never: PatternField

    def describe(self) -> str:
        return f"never {self.never.text}"


class OrderExpectation(Model):
    """The first match of each pattern was committed before the first one of the next."""

    order: Annotated[tuple[PatternField, ...], Field(strict=False, min_length=2, max_length=100)]

    def describe(self) -> str:
        return "in this order: " + ", then ".join(pattern.text for pattern in self.order)


class FiredExpectation(Bounds):
    """So many activations of an agent were dispatched."""

    fired: Name

    def describe(self) -> str:
        return f"{self.fired} fired {self.bounds_text()}"


class CallsExpectation(Bounds):
    """So many calls were made of an agent, or of all agents of a capability, those that failed among them."""

    calls: Name

    def describe(self) -> str:
        return f"{self.calls} was called {self.bounds_text()}"


class QuiescentExpectation(Model):
    """The run ended with nothing pending and nothing running; or it did not."""

    quiescent: bool

    def describe(self) -> str:
        return "the run comes to rest" if self.quiescent else "the run does not come to rest"


class EscalationBounds(Bounds):
    """How many questions to people, of one agent or of all."""

    agent: Name | None = None


def _bare_number(value: Any) -> Any:
    return {"equals": value} if isinstance(value, int) and not isinstance(value, bool) else value


class EscalatedExpectation(Model):
    """So many questions were put to people."""

    escalated: Annotated[EscalationBounds, BeforeValidator(_bare_number)]

    def describe(self) -> str:
        who = f" from {self.escalated.agent}" if self.escalated.agent else ""
        return f"escalations{who}: {self.escalated.bounds_text()}"


_KINDS: Final = {
    "count": "CountExpectation",
    "eventually": "EventuallyExpectation",
    "never": "NeverExpectation",
    "order": "OrderExpectation",
    "fired": "FiredExpectation",
    "calls": "CallsExpectation",
    "quiescent": "QuiescentExpectation",
    "escalated": "EscalatedExpectation",
}


Expectation: TypeAlias = (
    CountExpectation
    | EventuallyExpectation
    | NeverExpectation
    | OrderExpectation
    | FiredExpectation
    | CallsExpectation
    | QuiescentExpectation
    | EscalatedExpectation
)
ExpectationField = Annotated[
    Annotated[CountExpectation, Tag("CountExpectation")]
    | Annotated[EventuallyExpectation, Tag("EventuallyExpectation")]
    | Annotated[NeverExpectation, Tag("NeverExpectation")]
    | Annotated[OrderExpectation, Tag("OrderExpectation")]
    | Annotated[FiredExpectation, Tag("FiredExpectation")]
    | Annotated[CallsExpectation, Tag("CallsExpectation")]
    | Annotated[QuiescentExpectation, Tag("QuiescentExpectation")]
    | Annotated[EscalatedExpectation, Tag("EscalatedExpectation")],
    Discriminator(
        kind_by_key(_KINDS, beside=Bounds.model_fields),
        custom_error_type="kind",
        custom_error_message="an expectation has one of the keys " + ", ".join(_KINDS),
    ),
]
Expectations = Annotated[tuple[ExpectationField, ...], Field(strict=False, max_length=10_000)]
