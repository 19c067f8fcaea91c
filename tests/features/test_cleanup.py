"""The removal of what a scenario left."""

from __future__ import annotations

from types import SimpleNamespace

from features.cleanup import terminate_instances
from simulator import Simulator


def test_the_end_of_a_scenario_goes_on_while_an_unknown_job_terminates() -> None:
    """The engine's clean-up was stopped before its record named its job."""
    with Simulator() as aws:
        drs = aws.session().client("drs")
        job = aws.drs.start_foreign_job([aws.drs.add_source_server() for _ in range(2)])
        aws.advance(1200)
        instances = [one["recoveryInstanceID"] for one in drs.describe_recovery_instances(filters={})["items"]]
        drs.terminate_recovery_instances(recoveryInstanceIDs=instances[:1])
        target = SimpleNamespace(
            client=lambda service, *place: aws.session().client(service),
            wait_until=lambda condition, timeout, what: aws.wait_until(condition, timeout, what=what),
            is_alone=False,
        )
        world = SimpleNamespace(
            plan={}, target=target, foreign_jobs=[job], executions=[], records_seen={}, terminate_jobs=[]
        )
        terminate_instances(world)  # type: ignore[arg-type]  # the part of a world that the removal reads
        assert drs.describe_recovery_instances(filters={})["items"] == []
        assert sorted(world.terminated_instances) == sorted(instances)
