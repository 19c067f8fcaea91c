"""Terminations beside those of other clients: busy and refused instances, denials, instances that are already gone."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from engine.deploy.terminations import is_gone, request_terminations
from simulator import Simulator


@pytest.fixture
def aws():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def drs(aws):
    return aws.session().client("drs")


def launched(aws, count):
    """The ids of new recovery instances, and the id of their job."""
    job = aws.drs.start_foreign_job([aws.drs.add_source_server() for _ in range(count)])
    aws.advance(1200)
    return [one["recoveryInstanceID"] for one in listed(aws)], job


def listed(aws):
    return aws.session().client("drs").describe_recovery_instances(filters={})["items"]


def test_instances_that_a_job_is_terminating_are_not_requested_again(aws, drs):
    (first, second), _ = launched(aws, 2)
    drs.terminate_recovery_instances(recoveryInstanceIDs=[first])
    (job,) = request_terminations(drs, [first, second])
    (asked,) = drs.describe_jobs(filters={"jobIDs": [job]})["items"]
    assert [one["recoveryInstanceID"] for one in asked["participatingServers"]] == [second]


def test_a_refused_instance_does_not_keep_the_others(aws, drs):
    (first, second, third), _ = launched(aws, 3)
    aws.faults.respond(
        "drs", "TerminateRecoveryInstances", "ConflictException", times=None, where={"recoveryInstanceIDs": second}
    )
    assert len(request_terminations(drs, [first, second, third])) == 2
    aws.advance(120)
    assert [one["recoveryInstanceID"] for one in listed(aws)] == [second]


def test_a_denial_is_raised(aws, drs):
    instances, _ = launched(aws, 1)
    aws.faults.deny("drs", "TerminateRecoveryInstances")
    with pytest.raises(ClientError, match="AccessDenied"):
        request_terminations(drs, instances)


def test_an_instance_is_gone_when_drs_or_ec2_says_so(aws):
    (instance,), _ = launched(aws, 1)
    ec2 = aws.session().client("ec2")

    def gone():
        return is_gone(ec2, listed(aws)[0])

    assert not gone()
    lagging = {**listed(aws)[0], "ec2InstanceState": "NOT_FOUND"}
    assert not is_gone(ec2, lagging)
    aws.drs.instance_dies(instance)
    assert gone()
    aws.drs.instance_is_forgotten(instance)
    assert gone()
