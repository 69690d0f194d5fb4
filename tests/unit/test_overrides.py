"""An order holds only by authority, for a state that allows it, and takes only legal steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from controller.activation import FINAL, TRANSITIONS, check_transition
from controller.overrides import PATHS, STANDING, Effect, Refused, judge

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Agent, Override, State


def an_order(verb: str, author: str = "boss", **fields: object) -> Override:
    base: dict[str, object] = {
        "verb": verb,
        "activation": "a1",
        "author": author,
        "reason": "gateway slow",
        "status": "open",
    }
    if verb == "extend":
        base["by_ms"] = 30_000
    if verb == "decide":
        base["value"] = {"amount": 0}
    return cast("Override", {**base, **fields})


def a_target(state: State = "running", agent: str = "refund") -> Activation:
    return cast("Activation", {"agent": agent, "capability": "refund", "state": state, "case": "return/R-1"})


def a_boss(**fields: object) -> Agent:
    base = {
        "name": "boss",
        "status": "ready",
        "level": "normal",
        "authority": ["extend", "decide", "cancel", "veto"],
        "over": ["refund"],
    }
    return cast("Agent", {**base, **fields})


def refusal(order: Override, target: Activation | None, author: Agent | None) -> str:
    judged = judge(order, target, author, 0)
    assert isinstance(judged, Refused)
    return judged.reason


@pytest.mark.parametrize(("start", "path"), [(pair, path) for pair, path in PATHS.items()])
def test_every_path_of_an_order_is_made_of_legal_transitions(start: tuple[str, State], path: tuple[State, ...]) -> None:
    """Orders do not get round the table, and all end the activation but those that let it go on."""
    state = start[1]
    for new in path:
        check_transition(state, new)
        state = new
    assert (state in FINAL) is (start[0] not in STANDING | {"extend"})


def test_an_extension_counts_from_now() -> None:
    """The new deadline is the order's time from the moment it is applied."""
    effect = judge(an_order("extend"), a_target(), a_boss(), 100_000)
    assert effect == Effect(
        "extend", (), 130_000, None, "", "boss ordered extend for refund on return/R-1: gateway slow"
    )


def test_a_decision_carries_its_value_and_where_it_goes() -> None:
    """A running activation becomes executed with the supervisor's value; one still pending runs with it."""
    effect = judge(an_order("decide", key="refund/R-1"), a_target(), a_boss(), 0)
    assert isinstance(effect, Effect)
    assert (effect.path, effect.value, effect.key) == (("executed",), {"amount": 0}, "refund/R-1")
    pending = judge(an_order("decide", value=None), a_target("pending"), a_boss(), 0)
    assert isinstance(pending, Effect)
    assert (pending.path, pending.value) == (("running", "executed"), None)


@pytest.mark.parametrize("verb", ["extend", "decide", "cancel", "veto"])
@pytest.mark.parametrize("state", sorted(FINAL))
def test_no_order_reaches_an_activation_that_has_ended(verb: str, state: State) -> None:
    """Not even a person's."""
    assert f"is {state}" in refusal(an_order(verb, "human"), a_target(state), None)


@pytest.mark.parametrize("state", sorted(TRANSITIONS))
@pytest.mark.parametrize("verb", ["extend", "decide", "cancel", "veto"])
def test_an_order_without_authority_is_refused_in_every_state(verb: str, state: State) -> None:
    """The refusal names what the author may order."""
    author = a_boss(authority=["reassign"])
    assert refusal(an_order(verb), a_target(state), author) == (
        f"{verb}: boss has no authority for it (it may order: reassign)"
    )


def test_a_person_may_give_every_order_without_being_registered() -> None:
    """``human`` and ``human/anna`` are people; a name that only begins like it is not."""
    assert isinstance(judge(an_order("decide", "human/anna"), a_target(), None, 0), Effect)
    assert isinstance(judge(an_order("cancel", "human"), a_target("escalated"), None, 0), Effect)
    assert refusal(an_order("decide", "humanoid"), a_target(), None) == "decide: humanoid is not a registered agent"


def test_a_supervisor_rules_on_those_it_is_over_and_not_on_itself() -> None:
    """By agent or by capability; an empty list is everyone but itself."""
    assert isinstance(judge(an_order("cancel"), a_target(agent="refund_b"), a_boss(), 0), Effect)
    assert refusal(an_order("cancel"), a_target(), a_boss(over=["label"])) == (
        "cancel: boss is over label, not over refund"
    )
    assert isinstance(judge(an_order("cancel"), a_target(), a_boss(over=[]), 0), Effect)
    assert "own work" in refusal(an_order("cancel"), a_target(agent="boss"), a_boss(over=[]))


def test_once_a_person_has_been_asked_a_supervisor_comes_too_late() -> None:
    """Two answers to one question would otherwise race."""
    assert "a person has been asked" in refusal(an_order("decide"), a_target("escalated"), a_boss())


@pytest.mark.parametrize(
    ("order", "target", "wanted"),
    [
        (an_order("extend", by_ms=0), a_target(), "by how long is missing"),
        (an_order("cancel", status="applied"), a_target(), "the order is applied already"),
        (an_order("cancel", reason=" "), a_target(), "needs a reason"),
        (an_order("cancel"), None, "there is no activation a1"),
        (an_order("veto"), a_target(), "it runs already, so cancel it"),
        (an_order("extend"), a_target("held"), "refund for return/R-1 is held"),
    ],
)
def test_an_order_that_says_too_little_or_comes_at_the_wrong_time_is_refused(
    order: Override, target: Activation | None, wanted: str
) -> None:
    """The reason goes into the order's record."""
    assert wanted in refusal(order, target, a_boss())


def test_a_decision_without_a_value_is_refused() -> None:
    """``null`` is a value, nothing is not."""
    order: dict[str, Any] = {**an_order("decide")}
    del order["value"]
    assert "the value is missing" in refusal(cast("Override", order), a_target(), a_boss())
