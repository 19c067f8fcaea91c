"""The scenarios are shared out evenly, each into one share: over processes by time, over shards by position."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traceability.model.feature_files import Scenario
from traceability.running.sharing import Shard, shares


def scenario(number: int, *tags: str) -> Scenario:
    return Scenario(f"case {number}", "Small", f"features/r{number % 3}.feature", number, tags or ("moto",), ())


SIX = [scenario(number) for number in range(6)]
SECONDS = st.lists(st.floats(0.01, 30.0), min_size=1, max_size=40)


@settings(deadline=None)
@given(SECONDS, st.integers(1, 5))
def test_each_scenario_is_in_one_share_and_none_ends_late(seconds: list[float], processes: int) -> None:
    scenarios = [scenario(number) for number in range(len(seconds))]
    known = {one.key: length for one, length in zip(scenarios, seconds, strict=True)}
    parts = shares(scenarios, "moto", processes, known)
    assert sorted(one.line for part in parts for one in part) == list(range(len(seconds)))
    assert len(parts) == min(processes, len(seconds))
    times = [sum(known[one.key] for one in part) for part in parts]
    # No process can end before the longest scenario; beyond that, they differ by one scenario at most.
    assert max(times) - min(times) <= max(seconds) + 1e-6


def test_one_long_feature_is_shared_out_too() -> None:
    one_file = [
        Scenario(f"case {number}", "Small", "features/r1.feature", number, ("moto",), ()) for number in range(4)
    ]
    known = {one_file[0].key: 3.0, one_file[1].key: 1.0, one_file[2].key: 1.0, one_file[3].key: 1.0}
    assert shares(one_file, "moto", 2, known) == [one_file[:1], one_file[1:]]


def test_scenarios_that_do_not_run_take_no_time() -> None:
    scenarios = [scenario(0), scenario(1), *(scenario(number, "aws") for number in range(2, 9))]
    parts = shares(scenarios, "moto", 2)
    assert [sum("moto" in one.tags for one in part) for part in parts] == [1, 1]
    assert sum(map(len, parts)) == 9
    assert len(shares(scenarios, "moto", 4, named={"features/r1.feature:1"})) == 1


def test_a_suite_without_scenarios_is_one_share() -> None:
    assert shares([], "moto", 4) == [[]]


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 9))
def test_each_scenario_is_in_one_shard_and_the_shards_are_even(many: int, count: int) -> None:
    scenarios = [scenario(number, *(["aws"] if number % 7 == 3 else ["moto"])) for number in range(many)]
    parts = [Shard(number, count).of(scenarios, "moto") for number in range(1, count + 1)]
    assert sorted(one.line for part in parts for one in part) == list(range(many))
    sizes = [sum("moto" in one.tags for one in part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_a_shard_keeps_the_order_of_the_features() -> None:
    assert [one.line for one in Shard(2, 3).of(SIX, "moto")] == [1, 4]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "1/4/2", "-1/4", "1 / 4", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard; the first of four is 1/4, the last 4/4"):
        Shard.parse(text)


def test_a_shard_reads_as_it_is_written() -> None:
    assert str(Shard.parse("3/12")) == "3/12"
