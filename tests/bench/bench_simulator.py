"""The costs of the simulator itself: its start, the deployment of a small stack, a tick of a state machine."""

from __future__ import annotations

import statistics
import time

from simulator import Simulator
from tests.simulator.sample import deploy

TICKS = 200
WAIT_SECONDS = 30


def bench_simulator() -> None:
    entering, deploying, ticking, virtual = [], [], [], []
    for _ in range(5):
        begun = time.process_time()
        with Simulator() as aws:
            entered = time.process_time()
            sample = deploy(aws)
            deployed = time.process_time()
            arn = sample.start("bench", TICKS)
            started = aws.clock.now()
            aws.advance(TICKS * (WAIT_SECONDS + 1))
            ended = time.process_time()
            assert sample.status(arn) == "SUCCEEDED"
            virtual.append((aws.clock.now() - started).total_seconds() / (ended - deployed))
        entering.append(entered - begun)
        deploying.append(deployed - entered)
        ticking.append((ended - deployed) / TICKS)
    print(f"\nenter a simulator: {_ms(entering)}, deploy a table, a function and a state machine: {_ms(deploying)}")
    print(f"a tick (Choice, Wait, Task, Lambda, one DynamoDB write): {_ms(ticking)} of processor time")
    print(f"virtual seconds a second of processor time: {statistics.median(virtual):,.0f}")


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms"
