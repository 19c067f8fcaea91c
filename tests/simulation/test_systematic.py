"""A three-tier drill, resumptions and starts whose function is killed: a sample of `make fuzz CRASHES=all`."""

from __future__ import annotations

import pytest

from tests.simulation import crashes


def test_a_drill_whose_function_is_killed_at_any_operation_ends_as_without_the_kill():
    kills = crashes.kills_of_each_operation()
    assert len(kills) > 20
    assert [problem for one in kills for problem in crashes.problems(one)] == []


def test_a_drill_whose_function_is_killed_twice_ends_as_without_the_kills():
    sample = crashes.pairs(crashes.calls_of())[::100]
    assert [problem for one in sample for problem in crashes.problems(one)] == []


@pytest.mark.parametrize("situation", [name for name in crashes.SITUATIONS if name != "drill"])
def test_what_operators_do_on_a_bad_day_ends_as_without_a_kill(situation):
    assert crashes.problems((), situation) == []
    sample = crashes.kills_of_each_operation(situation)[::4]
    assert [problem for one in sample for problem in crashes.problems(one, situation)] == []
