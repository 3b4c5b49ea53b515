"""No trick passes in silence, each has the result that is stated, and the page says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.evasion import page
from tests.evasion.tricks import TRICKS, Trick, polled

if TYPE_CHECKING:
    import pathlib

    from tests.evasion.measure import Outcome


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[Trick, Outcome]:
    return page.measured(tmp_path_factory.mktemp("tricks"))


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_trick(trick: Trick, outcomes: dict[Trick, Outcome]) -> None:
    out = outcomes[trick]
    assert (out.result, set(trick.kinds) - set(out.kinds)) == (trick.result, set()), out


def test_what_hides_nothing_is_not_told(tmp_path: pathlib.Path) -> None:
    """The connection under most tricks: no oddity, and no write."""
    quiet = Trick("quiet", "", polled, "silent")
    out = page.measure(quiet, tmp_path)
    assert (out.row, out.also, out.kinds) == (False, False, ())


def test_page(outcomes: dict[Trick, Outcome]) -> None:
    assert page.PAGE.read_text() == page.text(outcomes), "write it again: make evasion"
