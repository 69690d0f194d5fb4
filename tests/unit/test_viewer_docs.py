"""The page of the viewer names the keys, views and limits that there are.

``python -m tests.unit.test_viewer_docs`` writes its table of keys anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.commands.watch import VIEWS, command
from controller.viewer.filtering import MOST_SEARCHED, Filter
from controller.viewer.keys import KEYS
from controller.viewer.model import MOST_CHANGES
from controller.viewer.preferences import place
from controller.viewer.pressing import keys_of
from controller.viewer.watching import MOST_HIDDEN, RECALLED

PAGE = Path(__file__).parents[2] / "docs" / "viewer.md"
TABLE = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- /keys -->)", re.DOTALL)


def table() -> str:
    """The keys as the page shows them."""
    rows = [f"| {' '.join(f'`{one}`' for one in key.shown.split(' '))} | {key.help} |" for key in KEYS]
    return "\n".join(["| Key | What it does |", "|---|---|", *rows, ""])


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_table_of_keys_is_the_one_that_the_viewer_goes_by() -> None:
    found = TABLE.search(text())
    assert found is not None
    assert found[0] == table()


def test_every_view_stands_with_its_number() -> None:
    assert re.findall(r"^\| `(\d)` \| (\w+) \|", text(), re.MULTILINE) == [
        (str(number), view) for number, view in enumerate(VIEWS, 1)
    ]


def test_every_option_on_the_page_is_one_of_the_command() -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    written = set(re.findall(r"(?<=[ `])(--?[a-z][a-z-]*)", " ".join(re.findall(r"blackboard watch[^\n]*", text()))))
    assert written <= known, written - known


@pytest.mark.parametrize(
    "filtered", re.findall(r"^\| `([^`]+)` \| (?:what|as a)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
)
def test_every_filter_on_the_page_is_one(filtered: str) -> None:
    Filter.parse(filtered)


def test_what_is_pressed_for_a_picture_are_keys() -> None:
    (pressed,) = re.findall(r'--press "([^"]+)"', text())
    assert keys_of(pressed)[-1] == "w"


def test_the_figures_are_those_of_the_code() -> None:
    assert f"the last {MOST_CHANGES:,} changes" in text()
    assert f"up to {MOST_HIDDEN:,} changes" in text()
    assert f"from {RECALLED:,} commits before" in text()
    assert f"the first {MOST_SEARCHED:,} characters" in text()
    assert f"`~/{place({'HOME': '/h'}).relative_to('/h')}`" in text()


def test_every_picture_and_page_that_it_links_is_there() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", text()):
        assert (PAGE.parent / link.partition("#")[0]).exists(), link


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), text()), encoding="utf-8")
