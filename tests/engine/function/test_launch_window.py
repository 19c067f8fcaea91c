"""The window that DRS leaves open: the calls and seconds between the last look at a server and its launch request."""

from __future__ import annotations

import sys

import pytest

from tests.engine.deployed import aws_with_engine, client_of, end_of
from tests.engine.job_times import SHORT_JOBS

# The intent is saved between look and request: the launch queue is read once, and the record is written once.
MOST_CALLS = 2
MOST_SECONDS = 0.5


def windows(aws):
    """For each launch request: the engine's calls since its last look at the servers, and the seconds in between."""
    calls = list(aws.journal.select(source="lambda"))
    for place, call in enumerate(calls):
        if call.operation != "StartRecovery":
            continue
        servers = {one["sourceServerID"] for one in call.parameters["sourceServers"]}
        look = max(before for before in range(place) if looks_at(calls[before], servers))
        yield place - look - 1, (call.started - calls[look].ended).total_seconds()


def looks_at(call, servers):
    asked = call.parameters.get("filters", {}).get("sourceServerIDs", [])
    return call.operation == "DescribeRecoveryInstances" and servers <= set(asked)


@pytest.mark.parametrize("count", [1, 120])
@pytest.mark.parametrize("trouble", ["none", "throttled", "the answer is lost"])
def test_few_calls_separate_the_last_look_from_the_launch(count, trouble, capsys):
    with aws_with_engine() as aws:
        client = client_of(aws)
        servers = [aws.drs.add_source_server(f"s-{number:017x}") for number in range(1, count + 1)]
        for server in servers:
            aws.drs.set_launch(server, **SHORT_JOBS)
        group = {"GroupId": "g", "GroupName": "G", "SourceServerIds": servers}
        client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
        wave = {"WaveNumber": 1, "WaveName": "All", "ProtectionGroupId": "g", "ExecutionType": "PARALLEL"}
        client.put_plan({"PlanId": "p", "PlanName": "P", "Waves": [wave]})
        if trouble == "throttled":
            aws.faults.throttle("drs", "StartRecovery", times=2)
        elif trouble == "the answer is lost":
            aws.faults.lose_answer("drs", "StartRecovery")
        end_of(aws, client, client.start("p", "RECOVERY"))
        found = list(windows(aws))
    with capsys.disabled():
        most = max(found)
        sys.stdout.write(f"\n{count} servers, {trouble}: {most[0]} calls, {most[1]:.2f} s from look to request\n")
    assert len(found) >= (2 if count > 100 else 1)
    assert all(calls <= MOST_CALLS and seconds <= MOST_SECONDS for calls, seconds in found), found
