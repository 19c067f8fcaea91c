"""DRS's answers are written as the models give them; moto's serialiser would write the same."""

from __future__ import annotations

from typing import Any

from moto.core.responses import BaseResponse

from simulator import Simulator
from simulator.drs.responses import DRSResponse
from simulator.patches.patching import Patch, applied

SERVER = "s-0123456789abcdef0"


def test_answers_are_what_motos_serialiser_writes() -> None:
    def answers() -> list[Any]:
        with Simulator() as aws:
            aws.drs.initialize()
            aws.drs.add_source_server(SERVER, hostname="db-1")
            drs = aws.session().client("drs")
            got = [
                drs.describe_source_servers(),
                drs.start_recovery(isDrill=True, sourceServers=[{"sourceServerID": SERVER}], tags={"a": "b"}),
            ]
            aws.advance(3600)
            jobs = drs.describe_jobs()
            instances = drs.describe_recovery_instances()
            ids = [one["recoveryInstanceID"] for one in instances["items"]]
            got += [
                jobs,
                instances,
                drs.describe_job_log_items(jobID=jobs["items"][0]["jobID"]),
                drs.describe_recovery_snapshots(sourceServerID=SERVER),
                drs.get_launch_configuration(sourceServerID=SERVER),
                drs.list_tags_for_resource(resourceArn=jobs["items"][0]["arn"]),
                drs.describe_source_servers(maxResults=1),
                drs.terminate_recovery_instances(recoveryInstanceIDs=ids),
            ]
            return got

    quick = answers()
    with applied([Patch(DRSResponse, "serialized", BaseResponse.serialized, "moto's own way")]):
        assert answers() == quick
