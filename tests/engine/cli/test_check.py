"""The readiness check and a start as of a point in time, at the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from moto.servicequotas.models import servicequotas_backends

from simulator.services.service_quotas import set_standard_vcpus
from tests.engine.cli.operator import error_line, operator_of_engine

PLAN = "plan-three-tier"
AS_OF = "2026-01-01T00:00:00Z"


@pytest.fixture
def at():
    with operator_of_engine() as found:
        found.servers = list(found.aws.drs.backend.source_servers)
        yield found


def snapshot(at, server, days):
    return at.aws.drs.add_snapshot(server, taken_at=at.aws.clock.now() - timedelta(days=days))


def test_a_ready_plan_ends_with_its_verdict(at):
    result = at.run("check", PLAN, columns=80)
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[-1]) == (0, "WARNING: 6 servers, 6 READY; plan: 1 WARNING")
    assert lines[-5:-1] == [
        "✔ DRS in account 111122223333, Region us-east-1 answers the engine's own role",
        "! the plan names no topic: no message tells the end of an execution",
        "✔ quotas of DRS: 0 of 20 jobs, 0 of 500 servers in jobs",
        "✔ quota of EC2: needs about 12 of 640 vCPUs, by the types that DRS recommends",
    ]
    assert max(map(len, lines)) <= 80


def test_old_snapshots_miss_the_objective_only_without_replication(at):
    at.client.put_plan(at.plan() | {"RecoveryPointObjectiveSeconds": 900})
    at.aws.drs.set_replication_state(at.servers[0], "STALLED")
    for server in at.servers:
        snapshot(at, server, 1)
    lines = at.run("check", PLAN).stdout.splitlines()
    assert [line for line in lines if "misses the objective" in line] == [
        "! host-a725: its newest snapshot (1 day) misses the objective"
    ]


def test_a_blocked_server_is_named_with_its_cause_and_exit_code_1(at):
    stalled, blocked = at.servers[0], at.servers[3]
    at.aws.drs.set_replication_state(stalled, "STALLED")
    snapshot(at, stalled, 21)
    at.aws.drs.set_replication_state(blocked, "DISCONNECTED")
    result = at.run("check", PLAN, columns=80)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        1,
        "BLOCKED: 6 servers, 4 READY, 1 WARNING, 1 BLOCKED; plan: 1 WARNING",
    )
    assert "replication is DISCONNECTED, and DRS has no snapshot to launch from" in result.stdout
    found = json.loads(at.run("check", PLAN, "--json").stdout)
    verdicts = {server["SourceServerId"]: server["Verdict"] for server in found["Servers"]}
    assert (found["Verdict"], verdicts[stalled], verdicts[blocked]) == ("BLOCKED", "WARNING", "BLOCKED")
    refused = at.run("start", PLAN)
    assert (refused.exit_code, blocked in error_line(refused)) == (1, True)


def test_facts_that_delay_or_change_a_launch_are_warnings(at):
    at.aws.drs.start_foreign_job([at.servers[0]])
    at.aws.drs.backend.source_servers[at.servers[1]].launch_disposition = "STOPPED"
    found = at.run("check", PLAN, "--recovery", columns=80).stdout
    [row] = [line for line in found.splitlines() if at.servers[0] in line]
    assert (row.split()[-3:], max(map(len, found.splitlines())) <= 80) == (["in", "a", "job"], True)
    found = " ".join(found.split())
    assert ": is in job drsjob-" in found
    assert ": its launch settings leave the instance stopped; a health check fails" in found


def test_a_recovered_server_blocks_a_drill_and_warns_a_recovery(at):
    at.aws.drs.start_foreign_job([at.servers[0]], is_drill=False)
    at.aws.advance(1800)
    assert "was recovered for real: a drill would replace i-" in at.run("check", PLAN).stdout
    result = at.run("check", PLAN, "--recovery")
    assert (result.exit_code, "the start needs --existing" in result.stdout) == (0, True)


def test_a_server_that_there_was_no_time_for_is_not_checked(at, monkeypatch):
    monkeypatch.setattr("engine.client.readiness.BUDGET_SECONDS", -1.0)
    result = at.run("check", PLAN)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "WARNING: 6 servers, 6 WARNING; plan: 1 WARNING")
    assert "host-a725, host-ce4f, host-ea14, host-d071, host-58b4, host-a7a8: snapshots" in result.stdout
    assert result.stdout.count("and launch settings were not checked") == 1


def test_a_large_plan_fits_a_screen_with_the_worst_servers_first(at):
    servers = [at.aws.drs.add_source_server(f"s-{number:017x}", hostname=f"host-{number:03}") for number in range(300)]
    for number, server in enumerate(servers):
        if number % 2:
            at.aws.drs.set_replication_state(server, "STALLED")
    at.aws.drs.set_replication_state(servers[298], "DISCONNECTED")
    group = {"GroupId": "pg-large", "GroupName": "Large", "Region": "us-east-1", "AccountId": at.aws.account}
    at.client.put_group({**group, "SourceServerIds": servers})
    (wave, *_) = at.plan()["Waves"]
    plan = {"PlanId": PLAN, "PlanName": "Large", "Waves": [wave | {"ProtectionGroupId": "pg-large"}]}
    at.client.put_plan(plan)
    result = at.run("check", PLAN, columns=80)
    lines = result.stdout.splitlines()
    assert (len(lines) <= 23, max(map(len, lines)) <= 80, result.exit_code) == (True, True, 1)
    assert "host-298" in lines[1]
    assert "! host-001, host-003 and 148 more: replication is STALLED, and DRS has no snapshot yet" in " ".join(
        result.stdout.split()
    )
    assert "and 294 servers more; --json has all" in lines
    assert lines[-1] == "BLOCKED: 300 servers, 149 READY, 150 WARNING, 1 BLOCKED; plan: 1 WARNING"


def with_topic(at, arn):
    at.client.put_plan(at.plan() | {"NotificationTopicArn": arn})


def plan_checks(at, **environment):
    found = json.loads(at.run("check", PLAN, "--json", **environment).stdout)
    return {one["Message"]: one["Verdict"] for one in found["Checks"]}


def test_a_topic_needs_a_confirmed_subscription(at):
    sns = at.aws.session().client("sns")
    arn = sns.create_topic(Name="drills")["TopicArn"]
    with_topic(at, arn)
    assert plan_checks(at)["topic drills has no confirmed subscription: no person gets a message"] == "WARNING"
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="operator@example.com")
    assert "topic drills has no confirmed subscription, 1 not confirmed yet: no person gets a message" in plan_checks(
        at
    )
    queue = at.aws.session().client("sqs").create_queue(QueueName="operators")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{at.aws.account}:operators")
    assert queue.endswith("operators")
    assert plan_checks(at)["topic drills has 1 confirmed subscription"] == "READY"
    sns.delete_topic(TopicArn=arn)
    assert plan_checks(at)[f"topic drills does not exist: no message will arrive ({arn})"] == "WARNING"


def test_the_quotas_are_those_of_the_account(at):
    at.aws.drs.quotas.concurrent_jobs = 1
    at.aws.drs.quotas.servers_in_all_jobs = 2
    at.aws.drs.quotas.servers_per_job = 1
    at.aws.drs.start_foreign_job(at.servers[:1])
    set_standard_vcpus(servicequotas_backends[at.aws.account][at.aws.region], 11)
    found = plan_checks(at)
    for message in (
        "1 job in progress, DRS allows 1 (L-D88FAC3A): the launches wait",
        "the largest wave has 2 servers, DRS has room for 1 of 2 in all jobs (L-05AFA8C6): the others wait",
        "the stack launches 100 servers in a job, DRS allows 1 (L-B827C881): deploy -p ServersPerJob=1",
        "the plan needs about 12 vCPUs, by the types that DRS recommends, and EC2 allows 11 (L-1216C47A): launches "
        "fail; request an increase",
    ):
        assert found[message] == "WARNING"


def test_a_question_that_the_operator_may_not_ask_is_not_checked(at):
    sns = at.aws.session().client("sns")
    with_topic(at, sns.create_topic(Name="drills")["TopicArn"])
    iam = at.aws.session().client("iam")
    iam.create_user(UserName="night-shift")
    key = iam.create_access_key(UserName="night-shift")["AccessKey"]
    allowed = ["cloudformation:DescribeStacks", "lambda:InvokeFunction"]
    statements = [
        {"Effect": "Allow", "Action": allowed, "Resource": "*"},
        # The default policy of a topic lets each user of its account read it.
        {"Effect": "Deny", "Action": "sns:GetTopicAttributes", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="night-shift", PolicyName="operate", PolicyDocument=document)
    found = plan_checks(at, AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    denied = [message for message, verdict in found.items() if verdict == "WARNING"]
    assert [message.partition(" checked: ")[0] for message in denied] == [
        "topic drills was not",
        "the quotas of DRS were not",
        "the vCPU quota of EC2 was not",
    ]
    for message, action in zip(
        denied,
        ("sns:GetTopicAttributes", "servicequotas:ListAWSDefaultServiceQuotas", "ec2:DescribeInstanceTypes"),
        strict=True,
    ):
        assert action in message


def test_the_quotas_of_another_account_are_assumed(at):
    with_topic(at, f"arn:aws:sns:us-east-1:{at.aws.account}:drills")
    facts = at.client.facts(PLAN) | {"AccountId": "444455556666"}
    (quotas,) = [one for one in at.client.plan_findings(facts) if "quotas" in one.message]
    assert (quotas.verdict, quotas.message) == (
        "READY",
        "quotas of DRS: 0 of 20 jobs, 0 of 500 servers in jobs (AWS's defaults; those of account 444455556666 are not "
        "readable)",
    )


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_point_in_time_needs_a_zone(at, command):
    result = at.run(command, PLAN, "--as-of", "2026-01-01T00:00:00")
    assert result.exit_code == 2
    assert error_line(result).startswith("Error: --as-of '2026-01-01T00:00:00' is not an ISO 8601 time with a zone")


def test_the_chosen_snapshots_stand_before_the_confirmation_and_are_launched(at):
    chosen = {server: snapshot(at, server, 10 + number) for number, server in enumerate(at.servers)}
    result = at.run("start", PLAN, "--recovery", "--as-of", AS_OF, typed=f"{PLAN}\n", columns=80)
    shown, _, _ = result.stderr.partition("This is a real recovery")
    assert shown.splitlines()[0] == "As of 2026-01-01 00:00:00 UTC: snapshots of 6 servers, 5 days apart"
    assert all(one in shown for one in chosen.values())
    at.aws.advance(7200)
    record = at.client.get(result.stdout.strip())
    used = {one["SourceServerId"]: one["SnapshotId"] for wave in record["Waves"] for one in wave["ServerResults"]}
    assert (used, record["AsOf"]) == (chosen, "2026-01-01T00:00:00.000Z")


def test_a_missing_snapshot_is_refused_before_the_confirmation_and_can_be_named(at):
    for server in at.servers[1:]:
        snapshot(at, server, 10)
    newer = snapshot(at, at.servers[0], 1)
    result = at.run("start", PLAN, "--recovery", "--as-of", AS_OF)
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: no snapshot at or before 2026-01-01T00:00:00+00:00 of ")
    given = at.run("start", PLAN, "--as-of", AS_OF, "--snapshot", f"{at.servers[0]}={newer}")
    assert given.exit_code == 0, given.output


def test_a_plan_that_does_not_exist_is_one_line(at):
    result = at.run("check", "nothing")
    assert (result.exit_code, error_line(result)) == (
        1,
        "Error: plan nothing does not exist; `plans` lists all plans, `apply` loads one",
    )


def test_many_servers_are_inspected_in_parallel(at, monkeypatch):
    monkeypatch.setattr("engine.client.readiness.SLICE", 2)
    found = json.loads(at.run("check", PLAN, "--json").stdout)
    assert [server["Verdict"] for server in found["Servers"]] == ["READY"] * 6
    calls = [call for call in at.aws.journal if call.operation == "Invoke" and "inspect" in str(call.parameters)]
    assert len(calls) == 3
