"""What each verb may write; wrong variants are in tests/conformance."""

from __future__ import annotations

from doubles import Twinned
from presight.testing.trial import Trial
from presight.testing.writing import _listed, check_after_batch, check_forward_writes, check_state


def test_a_twin_may_move_after_an_update() -> None:
    for check in (check_forward_writes, check_after_batch, check_state):
        check(Trial(Twinned))


def test_a_message_names_three_and_counts_the_rest() -> None:
    assert _listed([]) == ""
    assert _listed({"b", "a"}) == "a, b"
    assert _listed("edcba") == "a, b, c and 2 more"
