"""Drills outside the partition `aws`: ARNs, hosts and service principals of GovCloud and of the sovereign cloud."""

from __future__ import annotations

import json

import pytest

from engine.client import EngineClient
from engine.deploy import deployment
from simulator import Simulator
from tests.engine.deployed import STACK, TESTDATA, end_of


@pytest.mark.parametrize(
    ("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc")], ids=lambda one: one
)
def test_a_drill_outside_the_partition_aws_recovers_and_cleans_up(region, partition):
    with Simulator(region=region) as aws:
        outputs = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no"}).outputs
        client = EngineClient(aws.session(), outputs)
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            client.put_group({**group, "AccountId": aws.account, "Region": region})
            for server in group["SourceServerIds"]:
                aws.drs.add_source_server(server, tags={"Tier": "any"})
        client.put_plan(json.loads((TESTDATA / "plans" / "three-tier.json").read_text()))
        record = end_of(aws, client, client.start("plan-three-tier"))
        assert (record["Status"], record["CleanUp"]["Status"]) == ("COMPLETED", "COMPLETED")
        jobs = aws.session().client("drs").describe_jobs(filters={})["items"]
        assert {arn.split(":")[1] for arn in [outputs["StateMachineArn"], *(job["arn"] for job in jobs)]} == {partition}
        assert f"arn:{partition}:" in record["InitiatedBy"]


def test_the_engine_deploys_in_china_where_aws_offers_no_drs():
    with Simulator(region="cn-north-1") as aws:
        outputs = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no"}).outputs
        assert outputs["StateMachineArn"].startswith("arn:aws-cn:states:cn-north-1:")
