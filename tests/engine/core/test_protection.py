"""The refusal of a recovery over recovered servers: the operator's instruction on one screen of 80 x 24."""

from __future__ import annotations

import math

import pytest

from engine.core.protection import ExistingInstance, ExistingInstances, drill_refusals, refusals
from tests.engine.core.simulated_aws import server

EXECUTION = "0d4b1b3a-0000-4000-8000-000000000001"


def existing(count: int) -> dict[str, ExistingInstance]:
    return {
        server(number): ExistingInstance(
            server(number),
            f"i-{number:017x}",
            host_name=f"pg-{number}",
            launch_time="2026-01-05T09:08:24.480123+00:00",
            execution_id=EXECUTION,
        )
        for number in range(1, count + 1)
    }


@pytest.mark.parametrize("count", [1, 8, 9, 1000])
def test_the_refusal_fits_one_screen(count):
    found = existing(count)
    (refusal,) = refusals("plan-three-tier", ExistingInstances(), found, found)
    lines = ["the plan was not started:", *refusal.splitlines()]
    assert sum(math.ceil(len(line) / 80) for line in lines) <= 22
    assert f"  pg-1  {server(1)}  i-{1:017x}  2026-01-05 09:08" in lines
    assert f"Recovered by execution {EXECUTION}." in lines
    assert (f"  and {count - 8} more" in lines) is (count > 8)


def test_the_rows_stand_in_the_order_of_the_plan_and_name_an_execution_at_work():
    found = existing(3)
    servers = [server(number) for number in (3, 1, 2)]
    (refusal,) = refusals("p", ExistingInstances(), found, servers, {EXECUTION})
    assert [line.split()[1] for line in refusal.splitlines() if "  i-" in line] == servers
    assert f"Recovered by execution {EXECUTION}, which still runs." in refusal
    assert refusal.count("--existing replace=SERVER") == 1


@pytest.mark.parametrize("count", [2, 9, 1000])
def test_the_refusal_of_a_drill_fits_one_screen(count):
    found = existing(count)
    (refusal,) = drill_refusals("plan-three-tier", found, found)
    assert sum(math.ceil(len(line) / 80) for line in refusal.splitlines()) <= 12
    assert f"plan plan-three-tier: {count} of its servers were recovered for real." in refusal


def test_a_refusal_without_host_names_and_times_names_server_and_instance():
    bare = {server(1): ExistingInstance(server(1), "i-00000000000000001")}
    (refusal,) = refusals("p", ExistingInstances(), bare, bare)
    assert f"\n  {server(1)}  i-00000000000000001\n" in refusal


def test_a_decision_about_existing_instances_allows_the_start():
    found = existing(2)
    confirmed = ExistingInstances(replacements={server(1): found[server(1)].recovery_instance_id})
    for decision in (ExistingInstances(keep=True), confirmed):
        assert refusals("p", decision, found, found) == []
