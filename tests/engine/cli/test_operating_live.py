"""Plans loaded and executions started, watched and cancelled from the command line, each in an AWS of its own."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from unittest.mock import patch

import pytest

from tests.engine.cli.operator import WIDTHS, assert_whole, error_line, operator_of_engine
from tests.engine.deployed import STACK, TESTDATA

PLAN = "plan-three-tier"


@pytest.fixture
def at():
    with operator_of_engine() as at:
        yield at


def test_a_real_recovery_is_started_only_when_its_id_is_typed(at):
    for typed in ("", "\n", "yes\n", "y\n"):
        result = at.run("start", PLAN, "--recovery", typed=typed)
        assert result.exit_code in (1, 2), typed
    assert (
        error_line(result)
        == "Error: 'y' is not 'plan-three-tier'; no execution was started (--yes needs no confirmation)"
    )
    assert at.client.list_by_plan(PLAN).items == []
    result = at.run("start", PLAN, "--recovery", typed=f"{PLAN}\n")
    assert result.exit_code == 0
    assert [one["ExecutionType"] for one in at.client.list_by_plan(PLAN).items] == ["RECOVERY"]


@pytest.mark.parametrize("command", ["start", "check"])
@pytest.mark.parametrize("kinds", [("--drill", "--recovery"), ("--recovery", "--drill")])
def test_which_of_two_kinds_is_meant_is_not_guessed(at, command, kinds):
    result = at.run(command, PLAN, *kinds)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: --drill and --recovery exclude each other: give one of them\n"
    assert at.client.list_by_plan(PLAN).items == []


def test_automation_starts_a_recovery_with_yes_and_a_token_only_once(at):
    first = at.run("start", PLAN, "--recovery", "--yes", "--token", "tonight", "--json")
    again = at.run("start", PLAN, "--recovery", "--yes", "--token", "tonight", "--json")
    execution = json.loads(first.stdout)["ExecutionId"]
    assert json.loads(first.stdout) == {"ExecutionId": execution, "Existed": False}
    assert json.loads(again.stdout) == {"ExecutionId": execution, "Existed": True}
    assert len(at.client.list_by_plan(PLAN).items) == 1


def test_that_a_plan_runs_already_and_nothing_was_started_is_said(at):
    first = at.run("start", PLAN)
    watch = f"To watch it:\n  python -m engine status {first.stdout.strip()} --watch \\\n    --stack {STACK}\n"
    assert first.stderr == f"Started the drill of {PLAN}.\n{watch}"
    started = at.client.get(first.stdout.strip())["StartTime"]
    at.aws.advance(60)
    again = at.run("start", PLAN)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert again.stderr == (
        f"Note: no new execution was started: {PLAN} runs already, started {started[:10]} {started[11:19]} UTC "
        f"by arn:aws:iam::111122223333:user/suite.\n{watch}"
    )


def test_that_a_token_was_used_before_is_said(at):
    first = at.run("start", PLAN, "--token", "tonight", "--watch")
    assert first.stderr == f"Started the drill of {PLAN}.\n"
    again = at.run("start", PLAN, "--token", "tonight")
    assert (again.exit_code, again.stdout) == (0, f"{first.stdout.splitlines()[0]}\n")
    assert again.stderr.startswith("Note: no new execution was started: that of token tonight is COMPLETED, started 20")


@pytest.mark.parametrize("columns", WIDTHS)
def test_ids_and_statuses_of_a_running_execution_are_whole_at_any_width(at, columns):
    execution = at.run("start", PLAN).stdout.strip()
    at.aws.advance(60)
    lines = at.run("status", execution, columns=columns).stdout.splitlines()
    record = at.client.get(execution)
    assert max(map(len, lines)) <= columns
    assert_whole(record, lines)


def test_times_are_those_of_aws_and_not_of_the_terminal(at):
    execution = at.run("start", PLAN).stdout.strip()
    at.aws.advance(60)
    hour_ahead = at.aws.clock.now() + timedelta(hours=1)
    with patch("engine.client.aws_time.AwsTime.now", lambda time: hour_ahead):
        assert "▶ RUNNING  1:01:0" in at.run("status", execution).stdout
    at.aws.advance(4 * 3600)
    record = at.client.get(execution)
    lines = at.run("status", execution, "--watch").stdout.splitlines()
    assert lines == sorted(lines, key=lambda line: line[:8])
    (wave,) = [line for line in lines if "wave 1 Database  COMPLETED" in line]
    assert wave.startswith(record["Waves"][0]["EndTime"][11:19])
    (over,) = [line for line in lines if f"execution {execution}  COMPLETED" in line]
    assert over.startswith(record["EndTime"][11:19])
    assert lines[-1] == f"{record['CleanUp']['EndTime'][11:19]}  clean-up  COMPLETED"


def test_a_drill_is_never_taken_for_the_recovery_that_was_asked_for(at):
    drill = at.run("start", PLAN).stdout.strip()
    result = at.run("start", PLAN, "--recovery", "--yes")
    assert result.exit_code == 1
    assert f"the DRILL {drill}\n(RUNNING) is in the way of a RECOVERY" in result.stderr
    # A command that is too long for the terminal goes on behind a backslash.
    command = result.stderr.replace("\\\n", " ").splitlines()[-1].split()
    assert command[:3] == ["python", "-m", "engine"]
    again = at.run(*command[3:], "--watch", "--yes")
    assert again.exit_code == 0
    assert drill not in result.stdout


@pytest.fixture
def recovered(at):
    """The servers of the plan run from a recovery; the instance by server."""
    execution = at.run("start", PLAN, "--recovery", "--yes").stdout.strip()
    at.run("status", execution, "--watch")
    servers = [server for wave in at.client.get(execution)["Waves"] for server in wave["ServerResults"]]
    return {server["SourceServerId"]: server["RecoveryInstanceId"] for server in servers}


def launches(at) -> int:
    return len([call for call in at.aws.journal.select("drs", "StartRecovery") if call.succeeded])


def test_a_second_recovery_is_refused_on_one_screen(at, recovered):
    before = launches(at)
    refused = at.run("start", PLAN, "--recovery", "--yes", columns=80)
    assert refused.exit_code == 1
    assert len(refused.stderr.splitlines()) <= 24
    for server, instance in recovered.items():
        assert server in refused.stderr
        assert instance in refused.stderr
    assert f"start {PLAN} --recovery --existing keep" in refused.stderr
    assert launches(at) == before


def test_kept_instances_are_adopted(at, recovered):
    before = launches(at)
    execution = at.run("start", PLAN, "--recovery", "--yes", "--existing", "keep").stdout.strip()
    at.run("status", execution, "--watch")
    shown = at.run("status", execution, columns=80)
    assert shown.exit_code == 0
    assert shown.stdout.count("adopted, running") == len(recovered)
    assert launches(at) == before
    servers = [server for wave in at.client.get(execution)["Waves"] for server in wave["ServerResults"]]
    assert {server["SourceServerId"]: server["RecoveryInstanceId"] for server in servers} == recovered


@pytest.mark.parametrize("by_name", [False, True])
def test_a_replacement_is_confirmed_with_the_instance_in_view(at, recovered, by_name):
    server = min(recovered)
    before = launches(at)
    names = {one["SourceServerId"]: one["HostName"] for one in at.client.facts(PLAN)["Servers"]}
    named = names[server] if by_name else server
    words = ("start", PLAN, "--recovery", "--yes", "--existing", f"replace={named}")
    declined = at.run(*words, typed="yes\n")
    assert declined.exit_code == 2
    assert recovered[server] in declined.stderr
    assert error_line(declined).endswith(f"--existing replace={server}:{recovered[server]}")
    assert launches(at) == before
    execution = at.run(*words, typed="replace\n").stdout.strip()
    at.run("status", execution, "--watch")
    assert launches(at) == before + 1
    servers = [one for wave in at.client.get(execution)["Waves"] for one in wave["ServerResults"]]
    changed = [
        one["SourceServerId"] for one in servers if one["RecoveryInstanceId"] != recovered[one["SourceServerId"]]
    ]
    assert changed == [server]


def test_a_script_confirms_a_replacement_by_the_id_of_the_instance(at, recovered):
    first, second = sorted(recovered)[:2]
    wrong = at.run("start", PLAN, "--recovery", "--yes", "--existing", f"replace={first}:{recovered[second]}")
    assert wrong.exit_code == 1
    assert f"the confirmed instance is {recovered[second]}" in wrong.stderr
    right = at.run("start", PLAN, "--recovery", "--yes", "--existing", f"replace={first}:{recovered[first]}")
    assert right.exit_code == 0


@pytest.mark.parametrize("choice", ["", "replace", "replace=", "replace=s-1,,s-2", "discard"])
def test_an_unclear_choice_about_existing_instances_is_refused(at, choice):
    result = at.run("start", PLAN, "--recovery", "--yes", "--existing", choice)
    assert result.exit_code == 2
    assert "must be keep, or replace=SERVER[:INSTANCE],…" in result.stderr
    assert at.client.list_by_plan(PLAN).items == []


def test_a_drill_has_no_choice_about_existing_instances(at):
    result = at.run("start", PLAN, "--existing", "keep")
    assert result.exit_code == 2
    assert "--existing is for --recovery" in error_line(result)


def test_nothing_is_started_in_an_account_that_was_not_meant(at, monkeypatch):
    monkeypatch.setenv("ENGINE_ACCOUNT", "999999999999")
    result = at.run("start", PLAN, "--recovery", "--yes")
    assert result.exit_code == 2
    assert "not 999999999999; nothing was done" in error_line(result)
    assert at.client.list_by_plan(PLAN).items == []


def test_a_running_execution_says_what_it_waits_for_and_can_be_cancelled(at):
    execution = at.run("start", PLAN).stdout.strip()
    at.aws.advance(20)
    shown = at.run("status", execution, columns=80).stdout
    assert "▶ RUNNING  0:00:2" in shown
    assert re.search(r"^Waiting for DRS to launch 2 servers \(drsjob-\w{17}\)$", shown, re.MULTILINE)
    assert "0 of 6 servers recovered" in shown
    cancelled = at.run("cancel", execution, "--reason", "enough")
    assert cancelled.exit_code == 0
    assert cancelled.stdout == f"{execution}: cancellation requested; it takes effect within 60 seconds\n"
    followed = at.run("status", execution, "--watch")
    assert followed.exit_code == 1
    assert "CANCELLED" in followed.stdout
    assert "clean-up  COMPLETED" in followed.stdout
    assert at.run("cancel", execution).stdout == f"{execution}: is CANCELLED\n"


def test_a_minute_without_a_network_is_borne_while_watching(at):
    execution = at.run("start", PLAN).stdout.strip()
    for service in ("dynamodb", "cloudformation"):
        at.aws.faults.lose_connection(service, times=12, source="suite", code="EndpointConnectionError")
    at.aws.faults.clear()
    at.aws.faults.lose_connection("dynamodb", "Query", times=36, source="suite", code="EndpointConnectionError")
    result = at.run("status", execution, "--watch")
    assert result.exit_code == 0, result.output
    assert result.stderr == "No connection to AWS; the execution continues; trying again\n"
    assert "clean-up  COMPLETED" in result.stdout


GOOD = TESTDATA / "plans" / "three-tier.json"
GROUPS = TESTDATA / "groups.json"


@pytest.fixture
def written(tmp_path):
    def written(content, name="given.json"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    return written


def test_what_is_loaded_is_named_and_what_is_replaced_is_said(at, written):
    at.client.delete_plan(PLAN)
    assert at.run("apply", str(GOOD), str(GROUPS)).stdout.splitlines() == [
        f"{GROUPS}: protection group pg-database, unchanged",
        f"{GROUPS}: protection group pg-application, unchanged",
        f"{GROUPS}: protection group pg-web, unchanged",
        f"{GOOD}: recovery plan {PLAN}",
    ]
    assert at.run("apply", str(GOOD)).stdout == f"{GOOD}: recovery plan {PLAN}, unchanged\n"
    other = written(json.dumps(at.plan() | {"PlanName": "Anew", "TimeoutSeconds": 6e2}))
    assert json.loads(at.run("apply", other, "--json").stdout) == [
        {"File": other, "PlanId": PLAN, "Result": "replaced"}
    ]
    assert (at.client.get_plan(PLAN)["PlanName"], at.client.get_plan(PLAN)["TimeoutSeconds"]) == ("Anew", 600)


def test_a_good_plan_is_not_replaced_by_one_that_no_start_accepts(at, written):
    bad = written(json.dumps({"PlanId": PLAN, "Waves": [{"WaveNumber": 1}]}))
    result = at.run("apply", str(GROUPS), bad)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{bad}: plan, PlanName: is missing" in result.stderr
    assert f"{bad}: wave 1, WaveName: is missing" in result.stderr
    assert error_line(result) == ("Error: 4 problems; nothing was loaded: correct them, or load anyway with --force")
    assert at.client.get_plan(PLAN) == at.plan()
    forced = at.run("apply", bad, "--force")
    assert (forced.exit_code, forced.stdout) == (0, f"{bad}: recovery plan {PLAN}, replaced\n")
    assert error_line(forced) == "4 problems; loaded anyway, but `start` will refuse the plan."
    assert "PlanName: is missing" in at.run("start", PLAN).stderr


def test_a_plan_is_checked_with_the_groups_given_beside_it_and_those_loaded(at, written):
    web = next(group for group in json.loads(GROUPS.read_text()) if group["GroupId"] == "pg-web")
    at.client.delete_group("pg-web")
    result = at.run("apply", str(GOOD))
    assert result.exit_code == 2
    assert "ProtectionGroupId: protection group pg-web does not exist" in result.stderr
    assert "pg-database does not exist" not in result.stderr
    elsewhere = written(json.dumps(web | {"Region": "eu-west-1"}))
    result = at.run("apply", str(GOOD), elsewhere)
    assert result.exit_code == 2
    assert f"{GOOD}: protection group pg-web, Region: is eu-west-1, but the plan recovers to us-east-1" in result.stderr
    broken = written(json.dumps(web | {"Owner": "me"}))
    result = at.run("apply", str(GOOD), broken)
    assert result.stderr.splitlines()[0].startswith(f"{broken}: protection group pg-web, Owner: is not a field here")
    assert error_line(result).startswith("Error: 1 problem;")
    assert at.client.get_group("pg-web") is None
    assert at.run("apply", str(GOOD), written(json.dumps(web))).exit_code == 0
    assert at.client.get_group("pg-web") == web


def test_what_has_no_id_of_its_own_is_never_loaded(at, written):
    plan = at.plan()
    for document in (plan | {"PlanId": "a b/é\n"}, plan | {"PlanId": ""}, plan | {"PlanId": 3}):
        result = at.run("apply", "--force", written(json.dumps(document)))
        assert result.exit_code == 2
        assert "plan, PlanId: " in result.stderr
        assert error_line(result) == "Error: 1 problem; nothing was loaded: correct the ids"
    result = at.run("apply", "--force", str(GOOD), written(json.dumps(plan | {"PlanName": "Other"})))
    assert result.exit_code == 2
    assert f"recovery plan {PLAN} is given 2 times; give it once" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "none.json: No such file or directory"),
        ("{", "given.json:1:2: not JSON"),
        ('{"Name": "x"}', "neither a protection group (GroupId) nor a recovery plan (PlanId)"),
        ("[3]", "neither a protection group (GroupId) nor a recovery plan (PlanId)"),
        ("[]", "given.json: the list is empty; nothing was loaded"),
        ('{"PlanId": "x", "TimeoutSeconds": 1e400}', "the number 1e400 cannot be stored"),
        ('{"PlanId": "x", "TimeoutSeconds": 1.5}', "problems; nothing was loaded"),
        (b"\xff\xfe{", "the text is not UTF-8 but UTF-16"),
        (b"\xe9", "not a text file in UTF-8"),
    ],
)
def test_files_are_loaded_all_or_none(at, written, content, message):
    at.client.delete_plan(PLAN)
    result = at.run("apply", str(GOOD), "none.json" if content is None else written(content))
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in error_line(result)
    assert at.client.get_plan(PLAN) is None


def test_the_test_data_loads_together(at):
    files = sorted(map(str, TESTDATA.glob("*groups.json"))), sorted(map(str, TESTDATA.glob("plans/*.json")))
    result = at.run("apply", *files[0], *files[1])
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 5 + len(files[1])


def test_servers_that_no_wave_recovers_are_named_by_apply_and_start(at, written):
    plan = at.plan()
    plan["Waves"][0]["ExecutionOrder"] = ["s-3d75cdc0d9a28a725"]
    loaded = at.run("apply", written(json.dumps(plan)))
    started = at.run("start", PLAN)
    for result in (loaded, started):
        assert result.exit_code == 0
        assert "Warning: wave 1 (Database), ExecutionOrder: leaves out s-3afa164776f93ce4f" in result.stderr
    assert len(at.run("start", PLAN, "--json").stderr.splitlines()) == 1


def test_loaded_plans_are_listed_shown_and_removed(at, written):
    assert at.run("apply", "--force", written(json.dumps({"PlanId": "a-torso"}))).exit_code == 0
    listed = at.run("plans").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["a-torso", "0"], [PLAN, "3"]]
    shown = at.run("show", PLAN)
    assert json.loads(shown.stdout)[-1] == at.plan()
    assert "unchanged" in at.run("apply", written(shown.stdout)).stdout
    execution = at.client.start(PLAN)
    assert json.loads(at.run("plans", "--json").stdout)[1]["LastStatus"] == "RUNNING"
    refused = at.run("remove", PLAN, "--yes")
    assert (refused.exit_code, error_line(refused)) == (
        1,
        f"Error: {PLAN}: execution {execution} is running or being cleaned up; nothing was removed",
    )
    assert at.run("remove", "a-torso", typed="n\n").exit_code == 2
    assert at.client.get_plan("a-torso") == {"PlanId": "a-torso"}
    assert at.run("remove", "a-torso", typed="y\n").stdout == "a-torso: removed\n"
    for command in ("show", "remove"):
        gone = at.run(command, "a-torso")
        assert (gone.exit_code, error_line(gone)) == (
            1,
            "Error: plan a-torso does not exist; `plans` lists the loaded plans",
        )


def test_a_number_with_a_fraction_is_loaded_by_force_as_it_is(at, written):
    result = at.run("apply", "--force", written(json.dumps(at.plan() | {"TimeoutSeconds": 600.5})))
    assert result.exit_code == 0
    assert "TimeoutSeconds: must be a whole number, is 600.5" in result.stderr
    assert at.client.get_plan(PLAN)["TimeoutSeconds"] == 600.5


def test_a_notification_is_seen_to_be_sent_or_to_have_failed(at):
    topic = at.aws.session().client("sns").list_topics()["Topics"][0]["TopicArn"]
    for arn, shown, line in (
        (topic, rf"^Notification: ✔ SENT  topic {topic.rpartition(':')[2]}$", r"notification  SENT$"),
        (
            "arn:aws:sns:us-east-1:111122223333:gone",
            r"^Notification: ✘ FAILED  topic gone: sns:Publish failed with ",
            r"notification  FAILED  sns:Publish failed with ",
        ),
    ):
        at.client.put_plan(at.plan() | {"NotificationTopicArn": arn})
        started = at.run("start", PLAN, "--watch").stdout
        assert re.search(line, started, re.MULTILINE), started
        status = at.run("status", started.splitlines()[0]).stdout
        assert re.search(shown, status, re.MULTILINE), status


def test_drs_that_is_not_initialised_is_said_with_the_cure(at):
    at.aws.faults.respond(
        "drs", "DescribeSourceServers", "UninitializedAccountException", message="Account not initialized"
    )
    result = at.run("start", PLAN)
    assert result.exit_code == 1
    assert "UninitializedAccountException" in error_line(result)
    assert "aws drs initialize-service" in error_line(result)
    assert at.client.list_by_plan(PLAN).items == []
