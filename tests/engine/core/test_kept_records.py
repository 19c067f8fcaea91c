"""Records that version 0.1.0 left, ended and in the middle of a run: this code reads, continues and resumes them.

`records/version_0_1_0.json` has the items of its executions as it saved them, before it knew protection, final check,
optional servers or resumption.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from engine.core import document, stored_state
from engine.core.actions import StartRecovery
from engine.core.plan import parse_plan, resolve_target
from engine.core.protection import ExistingInstance
from engine.core.resumption import ResumeChoices, plan_problems, resumption
from engine.core.state import Execution
from tests.engine.core.simulated_aws import ACCOUNT, World, server, wave

KEPT = json.loads((Path(__file__).parent / "records" / "version_0_1_0.json").read_text(encoding="utf-8"))
RUNNING = [name for name in KEPT if "failed" not in name]
WAVES = [
    wave(1, [server(1), server(2)], WaitTimeSeconds=60),
    wave(2, [server(3)], ExecutionType="SEQUENTIAL"),
    wave(3, [server(4)], HealthCheck={"Enabled": False}),
]


def world_of(name: str) -> World:
    """The world at the moment of the record, with the jobs that DRS had."""
    kept = KEPT[name]
    world = World(now=datetime.fromisoformat(kept["now"]), items=kept["items"])
    is_drill = kept["items"]["EXECUTION"]["ExecutionType"] == "DRILL"
    world.jobs = [
        (
            datetime.fromisoformat(job["time"]),
            StartRecovery(
                wave=job["wave"],
                attempt=job["attempt"],
                source_server_ids=tuple(job["servers"]),
                snapshots=(),
                is_drill=is_drill,
                expected=tuple((one, None) for one in job["servers"]),
            ),
        )
        for job in kept["jobs"]
    ]
    return world


def loaded(world: World) -> Execution:
    execution = world.load()
    for number in (1, 2, 3):
        execution = stored_state.with_servers(execution, number, [world.items[f"WAVE#{number:03}#PART#000"]])
    return execution


@pytest.mark.parametrize("name", RUNNING)
def test_a_running_execution_of_the_version_before_continues(name):
    world = world_of(name)
    before = len(world.jobs)
    record = world.run()
    assert record["Status"] == "COMPLETED"
    assert [each["Status"] for each in record["Waves"]] == ["COMPLETED"] * 3
    assert world.jobs_per_server() == dict.fromkeys(map(server, (1, 2, 3, 4)), 1)
    assert len(world.jobs) == 3 > before
    assert record["CleanUp"]["Status"] == ("COMPLETED" if "drill" in name else "SKIPPED")


@pytest.mark.parametrize("name", KEPT)
def test_a_record_of_the_version_before_is_saved_as_it_was_read(name):
    world = world_of(name)
    saved = document.items(loaded(world))
    for key, item in world.items.items():
        assert item.items() <= saved[key].items()


def test_a_failed_recovery_of_the_version_before_is_resumed():
    before = loaded(world_of("a failed recovery"))
    plan_document = {"PlanId": "plan-1", "PlanName": "Plan", "Waves": WAVES}
    plan = parse_plan(plan_document, {}, resolve_target(plan_document, account_id=ACCOUNT, region="us-east-1"))
    assert plan_problems(before, plan) == []
    existing = {one: ExistingInstance(one, f"i-{one[2:]}", f"i-{one[2:]}") for one in (server(1), server(2))}
    world = world_of("a failed recovery")
    launched = len(world.jobs)
    execution = resumption(
        before,
        plan,
        ResumeChoices(),
        existing,
        execution_id="0d4b1b3a-0000-4000-8000-000000000002",
        initiated_by="an operator",
        servers_per_job=100,
    )
    world.begin(execution)
    record = world.run()
    assert record["Status"] == "COMPLETED"
    assert world.launches()[launched:] == [(server(3),), (server(4),)]
    assert record["Waves"][0]["CarriedFrom"] == before.execution_id
