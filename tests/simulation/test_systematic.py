"""The three-tier drill whose function is killed: a sample of `make fuzz CRASHES=all`."""

from __future__ import annotations

from tests.simulation import crashes


def test_a_drill_whose_function_is_killed_at_any_operation_ends_as_without_the_kill():
    kills = crashes.kills_of_each_operation()
    assert len(kills) > 20
    assert [problem for one in kills for problem in crashes.problems(one)] == []


def test_a_drill_whose_function_is_killed_twice_ends_as_without_the_kills():
    sample = crashes.pairs(crashes.calls_of_the_drill())[::100]
    assert [problem for one in sample for problem in crashes.problems(one)] == []
