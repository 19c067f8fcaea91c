"""A simulator that starts from a snapshot goes on as the copied one would, and changes no other one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator, Snapshot
from simulator.iam import granted_accesses
from tests.simulator import sample

KEY = {"Id": {"S": "one"}}


def _deployed() -> Snapshot:
    with Simulator(seed=3) as aws:
        _prepare(aws)
        return aws.snapshot()


def _prepare(aws: Simulator) -> None:
    sample.deploy(aws)
    store = aws.session().client("s3")
    store.create_bucket(Bucket="versions")
    store.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for text in (b"first", b"second"):
        store.put_object(Bucket="versions", Key="text", Body=text)
    # Each source of random numbers has been drawn from.
    _session_token(aws)
    random.random()  # noqa: S311 - the source that the snapshot keeps


def _session_token(aws: Simulator) -> str:
    """A token; the journal masks it."""
    return str(aws.session().client("sts").get_session_token()["Credentials"]["SessionToken"])


def _go_on(aws: Simulator) -> list[Any]:
    """What can be seen of AWS: the journal of further calls, the rights in use, the next random numbers."""
    states = aws.session().client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    states.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"Run": "run", "Ticks": 3}')
    aws.advance(600)
    store = aws.session().client("s3")
    for version in store.list_object_versions(Bucket="versions")["Versions"]:
        store.get_object(Bucket="versions", Key="text", VersionId=version["VersionId"])
    with pytest.raises(ClientError):  # the name of a bucket belongs to one account
        aws.session(account="444455556666").client("s3").create_bucket(Bucket="versions")
    aws.session().client("dynamodb").put_item(TableName="sample", Item=KEY)
    seen = [call.to_dict() for call in aws.journal]
    return [seen, granted_accesses(), _session_token(aws), random.random()]  # noqa: S311 - as above


def test_it_continues_to_the_byte() -> None:
    snapshot = _deployed()
    with Simulator(seed=3) as aws:
        _prepare(aws)
        cold = _go_on(aws)
    for _ in range(2):  # the first copy that went on has left no trace in the snapshot
        with Simulator(seed=3, snapshot=snapshot) as aws:
            assert _go_on(aws) == cold


def test_its_data_are_not_those_of_the_copied_simulator() -> None:
    with Simulator(seed=3) as aws:
        _prepare(aws)
        snapshot = aws.snapshot()
        aws.session().client("dynamodb").put_item(TableName="sample", Item=KEY)
    with Simulator(seed=3, snapshot=snapshot) as aws:
        assert all(call.operation != "PutItem" for call in aws.journal)
        assert "Item" not in aws.session().client("dynamodb").get_item(TableName="sample", Key=KEY)


def test_an_empty_simulator_after_one_from_a_snapshot_is_empty() -> None:
    with Simulator(seed=3, snapshot=_deployed()):
        pass
    with Simulator(seed=3) as aws:
        assert aws.session().client("dynamodb").list_tables()["TableNames"] == []
        assert aws.session().client("s3").list_buckets()["Buckets"] == []


def test_another_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="the snapshot has the seed 3, the simulator 4; give it the same"):
        Simulator(seed=4, snapshot=_deployed())


def test_events_that_are_due_cannot_be_copied() -> None:
    with Simulator() as aws:
        aws.clock.call_at(aws.clock.now(), lambda: None, "an event")
        with pytest.raises(RuntimeError, match="some are due"):
            aws.snapshot()
