"""The notification at the end of an execution."""

from __future__ import annotations

import json
from dataclasses import replace

from engine.core import document, notification, record, stored_state
from engine.core.plan import ExecutionType
from tests.engine.core.simulated_aws import START, World, execution_of, server, wave


def ended(world: World, *waves, **options):
    world.begin(execution_of(*waves, **options))
    world.run()
    state = world.load()
    for one in state.waves:
        state = stored_state.with_servers(state, one.number, [world.items[key] for key in document.part_keys(one)])
    return state


def test_a_success_says_who_what_and_how_long():
    state = ended(World(), wave(1, [server(1), server(2)]))
    message = json.loads(notification.message(state))
    assert message == {
        "Moment": "END",
        "ExecutionId": state.execution_id,
        "PlanId": "plan-1",
        "PlanName": "Plan",
        "ExecutionType": "DRILL",
        "Status": "COMPLETED",
        "Duration": int((state.end_time - state.start_time).total_seconds()),
        "ServerCount": 2,
        "Objectives": {"RecoveryTime": {"ActualSeconds": 670}, "RecoveryPoint": {"WorstSeconds": 60}},
    }
    assert notification.subject(state) == "COMPLETED: drill of Plan"


def test_an_error_has_the_host_name_beside_the_id():
    execution = execution_of(wave(1, [server(1)])).map_servers(
        lambda _: True, lambda one: replace(one, host_name="db-1").failed("no capacity", START)
    )
    (error,) = json.loads(notification.message(execution))["Errors"]
    assert (error["HostName"], error["SourceServerId"]) == ("db-1", server(1))
    stored = document.items(execution)
    read = record.assemble(stored["EXECUTION"], {1: [stored[document.part_key(1, 0)]]})
    assert [one["HostName"] for one in (*read["Errors"], *read["Waves"][0]["ServerResults"])] == ["db-1", "db-1"]


def test_a_failure_names_errors_and_affected_servers():
    state = ended(World(fails={server(2): "no capacity"}), wave(1, [server(1), server(2)]))
    message = json.loads(notification.message(state))
    assert message["AffectedServers"] == [server(2)]
    assert message["Errors"][0]["Message"] == "no capacity"
    assert message["Errors"][0]["SourceServerId"] == server(2)
    assert message["Reason"] == "failed: wave 1 (Tier 1)"


def test_a_message_never_exceeds_what_sns_takes_and_says_what_is_left_out():
    servers = [server(n) for n in range(1000)]
    state = ended(World(fails=dict.fromkeys(servers, "x" * 2000)), wave(1, servers))
    text = notification.message(state)
    assert len(text.encode()) <= 64 * 1024
    message = json.loads(text)
    assert len(message["AffectedServers"]) == 1000
    assert message["ErrorsLeftOut"] + len(message["Errors"]) == 1000


def test_a_subject_is_short_printable_text():
    state = replace(
        ended(World(), wave(1, [server(1)]), execution_type=ExecutionType.RECOVERY), plan_name="Prüfung\n" + "x" * 200
    )
    subject = notification.subject(state)
    assert len(subject) == 100
    assert subject.startswith("COMPLETED: recovery of Pr?fung?xx")
