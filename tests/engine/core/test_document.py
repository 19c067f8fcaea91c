"""The execution record: it is loaded as saved, fits DynamoDB, and reads as one document."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aws.tables import from_item, to_item
from engine.core import document, stored_state
from engine.core.events import Deferral
from engine.core.plan import ExecutionType
from tests.engine.core.simulated_aws import START, World, execution_of, server, wave


def parts_of(items):
    parts = {}
    for key in sorted(key for key in items if key != document.HEADER_KEY):
        parts.setdefault(int(key.split("#")[1]), []).append(items[key])
    return parts


def restored(execution):
    items = {key: from_item(to_item(item)) for key, item in document.items(execution).items()}
    result = stored_state.parse_header(items[document.HEADER_KEY])
    for number, parts in parts_of(items).items():
        result = stored_state.with_servers(result, number, parts)
    return result


@settings(deadline=None)
@given(stop=st.integers(min_value=1, max_value=2400), fails=st.sets(st.integers(min_value=1, max_value=5)))
def test_any_state_survives_saving_and_reading(stop, fails):
    world = World(fails={server(n): "no capacity" for n in fails})
    world.begin(
        execution_of(
            wave(1, [server(1), server(2)], WaitTimeSeconds=30, RecoverySnapshots={server(1): "pit-00000000000000001"}),
            wave(2, [server(3), server(4)], ExecutionType="SEQUENTIAL", HealthCheck={"Enabled": False}),
            wave(3, [server(5)], DependsOn=[1]),
            NotificationTopicArn="arn:aws:sns:us-east-1:111122223333:topic",
            TargetAccountId="444455556666",
            CrossAccountRoleName="role",
            ExternalId="external",
        )
    )
    world.run(until=START + timedelta(seconds=stop), cancel_at=START + timedelta(seconds=900))
    state = stored_state.parse_header(world.items[document.HEADER_KEY])
    for number, parts in parts_of(world.items).items():
        state = stored_state.with_servers(state, number, parts)
    assert restored(state) == state


def test_a_pause_that_aws_asked_for_survives_saving_and_reading():
    pause = Deferral(START.replace(microsecond=0), 2, "FindServers")
    paused = replace(execution_of(wave(1, [server(1)])), deferral=pause)
    assert restored(paused) == paused


def test_the_largest_plan_stays_far_below_dynamodbs_limits():
    servers = [server(n) for n in range(1000)]
    waves = [wave(n + 1, servers[n * 20 : n * 20 + 20], WaveName="W" * 200) for n in range(50)]
    items = document.items(execution_of(*waves))
    assert max(len(json.dumps(to_item(item))) for item in items.values()) < 100_000
    assert len(items) <= 99  # one transaction holds 100 writes, and the plan's lock is one of them
    one_wave = document.items(execution_of(wave(1, servers)))
    assert max(len(json.dumps(to_item(item))) for item in one_wave.values()) < 100_000


def test_reasons_of_any_length_do_not_make_an_item_too_large():
    servers = [server(n) for n in range(100)]
    world = World(fails=dict.fromkeys(servers, "ß" * 65_000))
    world.begin(execution_of(wave(1, servers)))
    record = world.run()
    message = record["Errors"][0]["Message"]
    assert len(message) == 400
    assert message.endswith("…")
    assert max(len(json.dumps(to_item(item), ensure_ascii=False).encode()) for item in world.items.values()) < 100_000


def test_a_record_that_has_not_begun_is_in_no_index_and_has_no_null():
    header = document.header_item(execution_of(wave(1, [server(1)])))
    assert "Status" not in header
    assert "StartTime" not in header
    assert "null" not in json.dumps(header)


def test_a_reader_sees_one_document_without_internals():
    world = World(fails={server(1): "no capacity"})
    world.begin(execution_of(wave(1, [server(1)]), wave(2, [server(2)]), execution_type=ExecutionType.RECOVERY))
    record = world.run()
    assert not {"ItemKey", "Version", "SaveId", "Run", "ExternalId"} & record.keys()
    assert record["Errors"] == [
        {
            "WaveNumber": 1,
            "SourceServerId": server(1),
            "DrsJobId": "drsjob-00000000000000000",
            "Message": "no capacity",
            "Time": record["Waves"][0]["ServerResults"][0]["EndTime"],
        }
    ]
    skipped = record["Waves"][1]["ServerResults"][0]
    assert skipped == {
        "SourceServerId": server(2),
        "Status": "SKIPPED",
        "StatusReason": record["Waves"][1]["StatusReason"],
    }


def test_times_are_utc_with_milliseconds():
    assert document.timestamp(START) == "2026-01-05T08:00:00.240Z"
    assert document.parse_timestamp("2026-01-05T08:00:00.240Z") == START
