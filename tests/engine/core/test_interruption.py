"""An execution that is killed before or after any single action has the same outcome, with one job for each launch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.core.simulated_aws import SHORT_JOB_SECONDS, START, World, execution_of, server, wave

PLANS = {
    "three tiers": [
        wave(1, [server(1), server(2)], WaitTimeSeconds=60),
        wave(2, [server(3), server(4)]),
        wave(3, [server(5)]),
    ],
    "sequential": [wave(1, [server(1), server(2)], ExecutionType="SEQUENTIAL")],
    "a failing server": [wave(1, [server(1), server(9)]), wave(2, [server(2)]), wave(3, [server(3)], DependsOn=[])],
}


def outcome(record):
    """The facts that must not depend on interruptions: all but times and counts."""
    return (
        record["Status"],
        record["CleanUp"]["Status"],
        record["CleanUp"]["DrsJobIds"],
        [
            (wave["Status"], [(r["SourceServerId"], r["Status"], r.get("ErrorMessage")) for r in wave["ServerResults"]])
            for wave in record["Waves"]
        ],
    )


def play(waves, **options):
    world = World(job_seconds=SHORT_JOB_SECONDS, fails={server(9): "conversion failed"}, **options)
    world.begin(execution_of(*waves, NotificationTopicArn="arn:aws:sns:us-east-1:111122223333:topic"))
    return world, world.run()


@pytest.mark.parametrize("after_effect", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("name", PLANS)
def test_every_single_interruption(name, after_effect):
    undisturbed, expected = play(PLANS[name])
    assert undisturbed.actions > 20
    for position in range(1, undisturbed.actions + 1):
        world, record = play(PLANS[name], kill_at=position, kill_after_effect=after_effect)
        assert outcome(record) == outcome(expected), f"killed at action {position}"
        assert set(world.jobs_per_server().values()) <= {1}, f"killed at action {position}"
        known = {result.get("DrsJobId") for wave in record["Waves"] for result in wave["ServerResults"]}
        assert {f"drsjob-{index:017d}" for index in range(len(world.jobs))} <= known
        assert world.terminated == undisturbed.terminated


def test_a_launch_whose_answer_is_lost_during_a_cancellation_is_still_found_and_cleaned_up():
    world = World(kill_at=2, kill_after_effect=True)
    world.begin(execution_of(wave(1, [server(1)])))
    record = world.run(cancel_at=START + timedelta(milliseconds=1))
    assert len(world.jobs) == 1
    result = record["Waves"][0]["ServerResults"][0]
    assert record["Status"] in ("CANCELLED", "COMPLETED")
    assert result["DrsJobId"] == "drsjob-00000000000000000"
    assert world.terminated == {f"i-{server(1)[2:]}"}
