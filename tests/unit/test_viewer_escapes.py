"""Nothing that a record holds can act on the terminal: every pane, over every attack, in every text that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from blackboard.errors import BlackboardError
from blackboard.terminal import format_json, sanitize
from controller.viewer.filtering import Filter
from controller.viewer.headline import Moment, headline
from controller.viewer.line import Span, cells, cut, plain, said
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.board import BoardPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.log import LogPane
from controller.viewer.panes.run import RunPane
from tests.escape_attacks import ATTACKS, SURROGATES, acting, hostile_model
from tests.fuzz.samples import naughty_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.viewer.line import Line
    from controller.viewer.model import Model

PANES: Final[dict[str, Any]] = {
    "board": BoardPane,
    "agenda": AgendaPane,
    "agents": AgentsPane,
    "log": LogPane,
    "escalations": EscalationsPane,
    "run": RunPane,
}
WIDTHS: Final = (1, 30, 120)
NOW_MS: Final = 1_000_000_000
TURNS: Final = 12
"""as many as the longest list of states that something can be in"""


def lines_of(pane: Any) -> Iterator[tuple[str, Line]]:
    """Everything that ``pane`` shows on each width."""
    yield "title", (Span(pane.title),)
    for width in WIDTHS:
        heading = pane.heading(width)
        if heading is not None:
            yield f"heading on {width}", heading
        for row in range(len(pane)):
            yield f"row {row} on {width}", pane.line(row, width, NOW_MS)


def check(model: Model) -> None:
    for name, made in PANES.items():
        pane = made(model)
        pane.refresh()
        for where, line in lines_of(pane):
            text = plain(line)
            assert not acting(text), f"{name}, {where}: {acting(text)!r} in {text!r}"
            assert len(text) < 10_000, f"{name}, {where}: {len(text)} characters for one line"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_line_of_a_pane_holds_what_acts(attack: str) -> None:
    check(hostile_model(ATTACKS[attack], [*ATTACKS].index(attack)))


@pytest.mark.parametrize("turn", range(TURNS))
def test_no_line_of_a_pane_holds_what_acts_whatever_state_things_are_in(turn: int) -> None:
    check(hostile_model("\x1b[2J\x9b2J\u202e", turn))


def test_no_line_of_a_pane_holds_what_acts_in_the_naughty_strings() -> None:
    texts = naughty_texts()
    if not texts:
        pytest.skip("the public data are not here")
    for turn, text in enumerate(texts[::8]):
        check(hostile_model(text, turn))
    for text in texts:
        assert not acting(cut(text, 80))
        assert cells(cut(text, 80)) == 80


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_filter_that_is_an_attack_finds_or_refuses_and_shows_nothing_that_acts(attack: str) -> None:
    text = ATTACKS[attack]
    model = hostile_model(text)
    for pane in (made(model) for made in PANES.values()):
        try:
            pane.filter_by(Filter.parse(text))
        except BlackboardError:  # which is told as any text is
            continue
        pane.refresh()
        for where, line in lines_of(pane):
            assert not acting(plain(line)), where


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_line_above_every_view_holds_nothing_that_acts_and_fits(attack: str) -> None:
    model = hostile_model(ATTACKS[attack], [*ATTACKS].index(attack))
    for width in WIDTHS:
        for moment in (None, Moment(1, 9, 1_000)):
            text = plain(headline(model, NOW_MS, width, silent_s=2.0, moment=moment, hidden=3, writable=True))
            assert not acting(text)
            assert cells(text) <= width


@pytest.mark.parametrize("attack", [*ATTACKS.values(), SURROGATES])
def test_a_cut_text_is_exactly_as_wide_as_its_cell_and_holds_nothing_that_acts(attack: str) -> None:
    for width in range(40):
        for right in (False, True):
            text = cut(attack, width, right=right)
            assert not acting(text)
            assert cells(text) == width
    assert not acting(said(attack).text)
    assert not acting(sanitize(attack))
    assert not acting(format_json({"text": attack.replace("\n", "")}))


def test_the_judge_knows_an_attack_when_it_sees_one() -> None:
    harmless = {
        "a flood of combining marks", "marks with nothing to stand on", "letters two cells wide at every edge",
        "markup of Rich and Textual", "markup that escapes", "emoji codes", "noncharacters and the private use area",
        "variants by the dozen",
    }  # fmt: skip
    assert {name for name, text in ATTACKS.items() if not acting(text)} == harmless
    assert acting("a é 漢 — ✓ 👍 …") == ""
    assert acting(SURROGATES)
