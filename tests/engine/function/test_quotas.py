"""DRS's quotas under many concurrent launches: none is rejected, all wait in turn, the record names the quota."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.deploy import deployment
from simulator import Simulator
from tests.engine.deployed import STACK, aws_with_engine, client_of

DAY = 24 * 3600


class Account:
    """The engine in an account; plans of waves without health check, which share no server."""

    def __init__(self, aws: Simulator) -> None:
        self.aws = aws
        self.client = client_of(aws)
        self.launch_seconds: float | None = None
        self._servers = 0

    def plan(self, name: str, *sizes: int) -> str:
        """A plan of one wave for each of `sizes`, which is its number of servers."""
        waves = [self._wave(name, number, size) for number, size in enumerate(sizes, 1)]
        self.client.put_plan({"PlanId": name, "PlanName": name, "TimeoutSeconds": DAY, "Waves": waves})
        return name

    def _wave(self, plan: str, number: int, size: int) -> dict[str, object]:
        servers = [f"s-{self._servers + index:017x}" for index in range(size)]
        self._servers += size
        for server in servers:
            self.aws.drs.add_source_server(server)
            self.aws.drs.set_launch(server, launch_seconds=self.launch_seconds)
        group = f"{plan}-{number}"
        self.client.put_group(
            {
                "GroupId": group,
                "GroupName": group,
                "SourceServerIds": servers,
                "Region": self.aws.region,
                "AccountId": self.aws.account,
            }
        )
        wave = {"WaveNumber": number, "WaveName": group, "ProtectionGroupId": group, "ExecutionType": "PARALLEL"}
        return wave | {"HealthCheck": {"Enabled": False}}

    def start(self, plan: str) -> str:
        return self.client.start(plan, "RECOVERY")

    def reason(self, execution_id: str) -> str:
        return str(self.client.get(execution_id)["Waves"][0].get("StatusReason"))

    def finish(self) -> None:
        self.aws.wait_until(lambda: not self.client.list_by_status("RUNNING").items, DAY, settle=20, of="dynamodb")

    def tickets(self) -> list[object]:
        found = self.aws.session().client("dynamodb").scan(TableName=self.client._outputs["ExecutionHistoryTable"])
        return [item for item in found["Items"] if item["ExecutionId"]["S"].startswith("QUEUE#")]

    def waits(self) -> list[float]:
        """The seconds of the longest job, and then those from each server's first attempt to its job."""
        jobs = self.aws.session().client("drs").describe_jobs(filters={})["items"]
        begun = {job["jobID"]: instant(job["creationDateTime"]) for job in jobs}
        longest = max((instant(job["endDateTime"]) - begun[job["jobID"]]).total_seconds() for job in jobs)
        records = [self.client.get(item["ExecutionId"]) for item in self.client.list_by_status("COMPLETED").items]
        servers = [server for record in records for wave in record["Waves"] for server in wave["ServerResults"]]
        return [longest, *((begun[one["DrsJobId"]] - instant(one["StartTime"])).total_seconds() for one in servers)]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture
def account():
    with aws_with_engine() as aws:
        yield Account(aws)


def test_a_large_launch_has_its_turn_before_small_ones_that_came_later(account):
    account.aws.drs.quotas.servers_in_all_jobs = 5
    for number in range(4):
        account.start(account.plan(f"small-{number}", 1, 1, 1, 1))
        account.aws.advance(7)
    large = account.start(account.plan("large", 4))
    account.aws.advance(300)
    assert account.reason(large).startswith("waiting for DRS: Limit exceeded: Max source servers in all Jobs (5).")
    account.finish()
    longest, *waits = account.waits()
    assert max(waits) > 300
    assert max(waits) <= 2 * longest
    assert len(account.client.list_by_status("COMPLETED").items) == 5
    assert account.tickets() == []


def test_more_executions_than_jobs_wait_and_say_so_and_none_is_rejected(account):
    account.launch_seconds = 200
    executions = [account.start(account.plan(f"plan-{number}", 1)) for number in range(24)]
    account.aws.advance(120)
    reasons = [account.reason(one) for one in executions]
    waiting = [reason for reason in reasons if reason != "None"]
    assert len(waiting) == 4
    assert all("Concurrent jobs in progress (20)" in one or "has waited for it longer" in one for one in waiting)
    account.finish()
    longest, *waits = account.waits()
    assert len(waits) == 24
    assert max(waits) <= 2 * longest


def test_a_wave_beyond_the_quota_launches_what_fits_and_the_rest_in_turn(account):
    account.aws.drs.quotas.servers_in_all_jobs = 5
    deployment.deploy(account.aws.session(), STACK, parameters={"KeepData": "no", "ServersPerJob": "2"})
    execution = account.start(account.plan("wide", 9))
    account.aws.advance(120)
    assert len(account.aws.drs.running_jobs()) == 2
    account.finish()
    assert account.client.get(execution)["Status"] == "COMPLETED"
    sizes = [len(call.parameters["sourceServers"]) for call in launches(account)]
    assert sizes == [2, 2, 2, 2, 1]


def launches(account: Account):
    return [call for call in account.aws.journal.select("drs", "StartRecovery") if call.succeeded]


def test_who_gave_up_waiting_holds_nobody_back(account):
    account.aws.drs.quotas.servers_in_all_jobs = 3
    account.start(account.plan("running", 2, 2))
    account.aws.advance(60)
    gone = account.start(account.plan("gone", 3))
    account.aws.advance(60)
    account.client.cancel(gone)
    small = account.start(account.plan("small", 1))
    account.aws.advance(200)
    assert account.client.get(gone)["Status"] == "CANCELLED"
    assert len(account.aws.drs.running_jobs()) == 2
    account.finish()
    assert account.client.get(small)["Status"] == "COMPLETED"


def test_a_launch_that_can_never_fit_holds_others_back_for_half_an_hour_at_most(account):
    account.aws.drs.quotas.servers_in_all_jobs = 3
    account.start(account.plan("never", 4))
    account.aws.advance(60)
    small = account.start(account.plan("small", 1))
    account.aws.advance(60)
    assert "has waited for it longer" in account.reason(small)
    account.aws.advance(30 * 60)
    assert len(launches(account)) == 1


@pytest.mark.parametrize("operation", ["Query", "DeleteItem"])
def test_without_its_queue_the_engine_launches_all_the_same(account, operation):
    account.aws.drs.quotas.servers_in_all_jobs = 2
    account.start(account.plan("first", 2))
    second = account.start(account.plan("second", 2))
    account.aws.advance(60)
    account.aws.faults.deny("dynamodb", operation, times=None, source="lambda")
    account.finish()
    assert account.client.get(second)["Status"] == "COMPLETED"
