"""The process of the served simulator: how it ends, the input that it refuses, the files that it reads first."""

import json
import signal
import socket
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from click.testing import CliRunner

from simulator import Simulator, environment_files
from simulator.__main__ import main
from tests.serving import ROOT, real_wait, serving


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_although_a_client_still_waits(sign):
    with serving() as server:
        sqs = server.client("sqs")
        queue = sqs.create_queue(QueueName="messages")["QueueUrl"]
        failures = []

        def wait():
            try:
                sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
            except (ClientError, BotoCoreError) as failure:
                failures.append(failure)

        client = threading.Thread(target=wait)
        client.start()
        real_wait(lambda: any(one["operation"] == "ReceiveMessage" for one in server.control.journal()), 5)
        server.process.send_signal(sign)
        # Before the end of the client's wait: the server does not wait for it.
        assert server.process.wait(timeout=15) == 0
        client.join(timeout=15)
    assert failures


def test_it_ends_with_the_program_that_started_it():
    with serving("--stop-with-stdin") as server:
        server.process.stdin.close()
        assert server.process.wait(timeout=30) == 0


def test_a_used_port_is_one_line_and_code_2():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _refused(["--port", str(taken.getsockname()[1])], "Address already in use")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--virtual", "--speed", "2"], "exclude each other"),
        (["--account", "12"], "12 digits"),
        (["--seed", "no/such.json"], "no/such.json: No such file"),
        (["--speed", "0"], "is not in the range"),
    ],
)
def test_bad_input_is_one_line_and_code_2(arguments, said):
    _refused(["--port", "0", *arguments], said)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "must be"),
        ({"Environments": [{"AccountId": "1", "Region": "us-east-1"}]}, "AccountId '1' must have 12 digits"),
        ({"Environments": [{"AccountId": "1" * 12, "Region": "here"}]}, "Region 'here'"),
        ({"Environments": [{"AccountId": "1" * 12, "Region": "us-east-1", "Servers": []}]}, "unknown Servers"),
        (
            {"Environments": [{"AccountId": "1" * 12, "Region": "us-east-1", "SourceServers": [{}]}]},
            "environment 1, server 1: SourceServerId",
        ),
        (
            {
                "Environments": [
                    {
                        "AccountId": "1" * 12,
                        "Region": "us-east-1",
                        "SourceServers": [{"SourceServerId": "s-" + "0" * 17, "Tags": {"Tier": 3}}],
                    }
                ]
            },
            "environment 1, server 1: Tags must be an object of texts",
        ),
    ],
)
def test_a_bad_seed_is_named_with_its_place(document, said, tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(document))
    _refused(["--port", "0", "--seed", str(seed)], said)


def test_a_seeded_server_has_its_tags_its_snapshots_and_its_failure():
    facts = {"Tags": {"Tier": "web"}, "SnapshotAgeHours": [1, 25], "LaunchFailsWith": "no capacity"}
    servers = [{"SourceServerId": "s-" + "0" * 17, **facts}]
    document = {"AccountId": "1" * 12, "Region": "us-east-1", "SourceServers": servers}
    with Simulator() as aws:
        environment_files.apply_environment(aws, environment_files.parse(document, "seed"))
        drs = aws.drs_in("1" * 12, "us-east-1")
        seeded = drs.backend.source_servers["s-" + "0" * 17]
        assert (seeded.tags, seeded.settings.fails_with) == ({"Tier": "web"}, "no capacity")
        ages = [(aws.clock.now() - one.taken_at).total_seconds() / 3600 for one in seeded.snapshots]
        assert sorted(ages) == [1, 25]


def test_another_account_can_be_named():
    seeded = environment_files.read(ROOT / "testdata" / "environments" / "six-servers.json")
    [renamed] = environment_files.in_account(seeded, "444455556666")
    assert (renamed.account, len(renamed.servers)) == ("444455556666", 6)


def _refused(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(main, ["serve", *arguments])
    assert ended.exit_code == 2, ended.output
    assert said in ended.stderr.strip().splitlines()[-1]
